/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-siblings.h"

#include <glib/gi18n.h>

/* Shows "‹ 2/3 ›", the versions of a message, with buttons to the others. It is hidden if there is only one. */
struct _QuernSiblings {
  AdwBin parent_instance;

  GtkWidget *previous, *next;
  GtkLabel *label;
};

G_DEFINE_FINAL_TYPE (QuernSiblings, quern_siblings, ADW_TYPE_BIN)

static GtkWidget *
add_button (GtkWidget *box, const char *icon, const char *tooltip)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);
  gtk_widget_set_tooltip_text (button, tooltip);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "small");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "chat.sibling");
  gtk_box_append (GTK_BOX (box), button);
  return button;
}

static void
quern_siblings_class_init (QuernSiblingsClass *klass)
{
}

static void
quern_siblings_init (QuernSiblings *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "numeric");
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "caption");
  self->previous = add_button (box, "go-previous-symbolic", _("Previous Version"));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->label));
  self->next = add_button (box, "go-next-symbolic", _("Next Version"));
  adw_bin_set_child (ADW_BIN (self), box);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

/**
 * quern_siblings_update:
 * @message: whose versions it counts
 */
void
quern_siblings_update (QuernSiblings *self, QuernMessage *message)
{
  guint index, count;
  g_autofree char *text = NULL;

  g_return_if_fail (QUERN_IS_SIBLINGS (self));

  index = quern_message_get_sibling_index (message);
  count = quern_message_get_sibling_count (message);
  /* Translators: version number / number of versions */
  text = g_strdup_printf (_("%u/%u"), index + 1, count);
  gtk_label_set_label (self->label, text);
  gtk_widget_set_visible (GTK_WIDGET (self), count > 1);
  gtk_widget_set_sensitive (self->previous, index > 0);
  gtk_widget_set_sensitive (self->next, index + 1 < count);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->previous), "(xi)", quern_message_get_id (message), -1);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->next), "(xi)", quern_message_get_id (message), 1);
}
