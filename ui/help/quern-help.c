/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-help.h"

#include "markdown/quern-md-view.h"
#include "quern-help-topics.h"

#include <glib/gi18n.h>

/* The help: topics on the side, the chosen one beside them; one after the other where it is narrow. */
struct _QuernHelp {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwNavigationSplitView *split_view;
  AdwNavigationPage *page;
  GtkListBox *topics;
  GtkScrolledWindow *scrolled;
  GtkBox *text;
};

G_DEFINE_FINAL_TYPE (QuernHelp, quern_help, ADW_TYPE_DIALOG)

static void
show_topic (QuernHelp *self, guint index)
{
  const QuernHelpTopic *topic = &quern_help_topics[index];
  g_autofree char *markdown = quern_help_topic_dup_markdown (topic);
  GtkWidget *view = quern_md_view_new ();
  GtkWidget *old = gtk_widget_get_first_child (GTK_WIDGET (self->text));

  if (old != NULL)
    gtk_box_remove (self->text, old);
  quern_md_view_set_text (QUERN_MD_VIEW (view), markdown, TRUE);
  gtk_widget_set_hexpand (view, TRUE);
  gtk_box_append (self->text, view);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), 0);
  adw_navigation_page_set_title (self->page, _ (topic->title));
  gtk_list_box_select_row (self->topics, gtk_list_box_get_row_at_index (self->topics, (int) index));
}

static void
topic_activated_cb (QuernHelp *self, GtkListBoxRow *row)
{
  show_topic (self, (guint) gtk_list_box_row_get_index (row));
  adw_navigation_split_view_set_show_content (self->split_view, TRUE);
}

static void
quern_help_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_HELP);
  G_OBJECT_CLASS (quern_help_parent_class)->dispose (object);
}

static void
quern_help_class_init (QuernHelpClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_help_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/help/quern-help.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernHelp, split_view);
  gtk_widget_class_bind_template_child (widget_class, QuernHelp, page);
  gtk_widget_class_bind_template_child (widget_class, QuernHelp, topics);
  gtk_widget_class_bind_template_child (widget_class, QuernHelp, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernHelp, text);
  gtk_widget_class_bind_template_callback (widget_class, topic_activated_cb);
}

static void
quern_help_init (QuernHelp *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < quern_n_help_topics; i++) {
    GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
    GtkWidget *label = gtk_label_new (_ (quern_help_topics[i].title));
    gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name (quern_help_topics[i].icon));
    gtk_label_set_wrap (GTK_LABEL (label), TRUE);
    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_box_append (GTK_BOX (box), label);
    gtk_list_box_append (self->topics, box);
  }
  show_topic (self, 0);
}

/**
 * quern_help_new:
 *
 * Returns: (transfer floating): the dialog, to be presented on a window; it begins with the first topic
 */
QuernHelp *
quern_help_new (void)
{
  return g_object_new (QUERN_TYPE_HELP, NULL);
}

/**
 * quern_help_show_topic:
 * @id: a topic's id; others change nothing
 */
void
quern_help_show_topic (QuernHelp *self, const char *id)
{
  g_return_if_fail (QUERN_IS_HELP (self));

  for (guint i = 0; i < quern_n_help_topics; i++)
    if (g_str_equal (quern_help_topics[i].id, id)) {
      show_topic (self, i);
      adw_navigation_split_view_set_show_content (self->split_view, TRUE);
    }
}
