/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-document-dialog.h"

#include "quern-document.h"
#include "quern-document-pick.h"
#include "quern-page-list.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>
#include <string.h>

/* Shows what of a document or a text is sent, and lets people choose its pages while the question is written. */

#define MOST_SHOWN (256 * 1024) /* bytes; a text view that gets megabytes at once keeps the window waiting */

struct _QuernDocumentDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwWindowTitle *title;
  GtkWidget *choice, *all, *pick, *draw, *spinner, *scrolled;
  GtkEditable *pages;
  GtkLabel *note;
  GtkTextView *view;

  /* Owned references */
  QuernAttachment *attachment; /* with the pages that are chosen now */
  QuernChatSession *session;
  GListModel *instead; /* NULL as long as nothing was changed */
  GCancellable *cancellable;

  gboolean editable;
  QuernDocumentFunc func;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (QuernDocumentDialog, quern_document_dialog, ADW_TYPE_DIALOG)

static void
say (QuernDocumentDialog *self, const char *sentence, gboolean is_problem)
{
  gtk_label_set_label (self->note, sentence);
  gtk_widget_set_visible (GTK_WIDGET (self->note), *sentence != '\0');
  if (is_problem) {
    gtk_widget_add_css_class (GTK_WIDGET (self->note), "error");
    gtk_accessible_announce (GTK_ACCESSIBLE (self), sentence, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
  } else
    gtk_widget_remove_css_class (GTK_WIDGET (self->note), "error");
}

/* What of the document the model does not get. */
static char *
dup_left_out (const QuernDocumentFacts *facts)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (facts->is_picked)
    g_string_append (text, _("Quern picked these pages by the words of the question. The others are not sent."));
  else if (facts->n_chosen < facts->n_pages)
    g_string_append (text, _("The other pages are not sent."));
  if (facts->n_left_out > 0)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "",
                            _("The end is left out, because the document is longer than Quern reads."));
  if (facts->n_pictures > 0)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", _("Pictures in it are not part of the text."));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
show_text (QuernDocumentDialog *self)
{
  const char *mime = quern_attachment_get_mime (self->attachment);
  GBytes *bytes = quern_attachment_get_bytes (self->attachment);
  gboolean document = quern_document_get_facts (mime, NULL);
  g_autofree char *text = bytes == NULL ? g_strdup ("")
                          : document    ? quern_document_dup_text (mime, bytes)
                                        : g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree char *valid = NULL;

  if (strlen (text) > MOST_SHOWN) {
    memcpy (text + MOST_SHOWN - 8, "\n\n…", sizeof "\n\n…"); /* the bytes before it may be cut in a character */
  }
  valid = g_utf8_make_valid (text, -1);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->view), valid, -1);
}

static void
show_choice (QuernDocumentDialog *self)
{
  g_autoptr (GArray) pages = quern_document_dup_pages (quern_attachment_get_mime (self->attachment));
  g_autofree char *list = pages != NULL ? quern_page_list_format (pages, "–") : NULL;
  g_autofree char *label = quern_document_dup_label (self->attachment);
  g_autofree char *left_out = NULL;
  QuernDocumentFacts facts = { 0 };

  adw_window_title_set_subtitle (self->title, label);
  show_text (self);
  gtk_widget_set_visible (self->choice, FALSE);
  if (!quern_document_get_facts (quern_attachment_get_mime (self->attachment), &facts))
    return;
  left_out = dup_left_out (&facts);
  say (self, facts.is_blank ? _("There is no text in it: its pages are pictures.") : left_out, FALSE);
  gtk_editable_set_text (self->pages, list);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->pages),
                                 facts.is_paged ? _("Pages to Send") : _("Parts to Send"));
  gtk_widget_set_visible (self->choice, self->editable && (facts.n_pages > 1 || facts.is_paged));
  gtk_widget_set_sensitive (self->all, facts.n_chosen < facts.n_pages);
  gtk_widget_set_sensitive (self->pick, self->session != NULL && facts.n_pages > 1 && !facts.is_blank);
  gtk_widget_set_visible (self->draw, quern_attachment_get_source (self->attachment) != NULL);
}

static void
take (QuernDocumentDialog *self, QuernAttachment *chosen)
{
  g_autoptr (GListStore) instead = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  g_list_store_append (instead, chosen);
  g_set_object (&self->attachment, chosen);
  g_set_object (&self->instead, G_LIST_MODEL (instead));
  show_choice (self);
}

static void
set_working (QuernDocumentDialog *self, gboolean working)
{
  gtk_widget_set_visible (self->spinner, working);
  gtk_widget_set_sensitive (self->choice, !working);
}

/* ---- what can be chosen ------------------------------------------------------------------------------------------ */

static void
apply_cb (QuernDocumentDialog *self)
{
  QuernDocumentFacts facts = { 0 };
  g_autoptr (GArray) pages = NULL;
  g_autoptr (QuernAttachment) chosen = NULL;

  quern_document_get_facts (quern_attachment_get_mime (self->attachment), &facts);
  pages = quern_page_list_parse (gtk_editable_get_text (self->pages), facts.n_pages);
  if (pages == NULL) {
    /* Translators: the number of the last page */
    g_autofree char *sentence = g_strdup_printf (_("Write numbers from 1 to %u, for example 1–3, 5."), facts.n_pages);
    say (self, sentence, TRUE);
    gtk_widget_add_css_class (GTK_WIDGET (self->pages), "error");
    return;
  }
  gtk_widget_remove_css_class (GTK_WIDGET (self->pages), "error");
  chosen = quern_document_choose (self->attachment, pages, FALSE);
  take (self, chosen);
}

static void
all_clicked_cb (QuernDocumentDialog *self)
{
  QuernDocumentFacts facts = { 0 };
  g_autoptr (GArray) pages = NULL;
  g_autoptr (QuernAttachment) chosen = NULL;

  quern_document_get_facts (quern_attachment_get_mime (self->attachment), &facts);
  pages = quern_page_list_new_all (facts.n_pages);
  chosen = quern_document_choose (self->attachment, pages, FALSE);
  gtk_widget_remove_css_class (GTK_WIDGET (self->pages), "error");
  take (self, chosen);
}

static void
quern_document_dialog_picked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernDocumentDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) picked = quern_document_pick_finish (result, &error);

  if (self->attachment == NULL)
    return;
  set_working (self, FALSE);
  if (picked != NULL)
    take (self, picked);
  else
    say (self, error->message, TRUE);
}

static void
pick_clicked_cb (QuernDocumentDialog *self)
{
  set_working (self, TRUE);
  quern_document_pick_async (self->session, self->attachment, self->cancellable, quern_document_dialog_picked_cb,
                             g_object_ref (self));
}

static void
quern_document_dialog_drawn_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernDocumentDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) pictures = quern_document_draw_finish (result, &error);

  if (self->attachment == NULL)
    return;
  set_working (self, FALSE);
  if (pictures != NULL) {
    g_set_object (&self->instead, pictures);
    adw_dialog_close (ADW_DIALOG (self));
  } else
    say (self, error->message, TRUE);
}

static void
draw_clicked_cb (QuernDocumentDialog *self)
{
  set_working (self, TRUE);
  quern_document_draw_async (self->attachment, self->cancellable, quern_document_dialog_drawn_cb, g_object_ref (self));
}

/* ---- object ------------------------------------------------------------------------------------------------------ */

static void
quern_document_dialog_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernDocumentDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, &error);

  if (self->attachment == NULL)
    return;
  if (bytes != NULL)
    show_choice (self);
  else
    say (self, error->message, TRUE);
}

/* What was chosen is handed on once the dialog is gone. */
static void
quern_document_dialog_closed (AdwDialog *dialog)
{
  QuernDocumentDialog *self = QUERN_DOCUMENT_DIALOG (dialog);
  QuernDocumentFunc func = g_steal_pointer (&self->func);

  g_cancellable_cancel (self->cancellable);
  if (func != NULL)
    func (self->instead, self->user_data);
}

static void
quern_document_dialog_dispose (GObject *object)
{
  QuernDocumentDialog *self = QUERN_DOCUMENT_DIALOG (object);

  quern_document_dialog_closed (ADW_DIALOG (self));
  g_clear_object (&self->cancellable);
  g_clear_object (&self->attachment);
  g_clear_object (&self->session);
  g_clear_object (&self->instead);
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_DOCUMENT_DIALOG);
  G_OBJECT_CLASS (quern_document_dialog_parent_class)->dispose (object);
}

static void
quern_document_dialog_class_init (QuernDocumentDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_document_dialog_dispose;
  ADW_DIALOG_CLASS (klass)->closed = quern_document_dialog_closed;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/composer/quern-document-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, title);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, choice);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, all);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, pick);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, draw);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, spinner);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, pages);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, note);
  gtk_widget_class_bind_template_child (widget_class, QuernDocumentDialog, view);
  gtk_widget_class_bind_template_callback (widget_class, apply_cb);
  gtk_widget_class_bind_template_callback (widget_class, all_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, pick_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, draw_clicked_cb);
}

static void
quern_document_dialog_init (QuernDocumentDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->note);
  quern_hyphens_leave_out_of_view (self->view);
  self->cancellable = g_cancellable_new ();
}

/**
 * quern_document_dialog_present:
 * @parent: the widget it is presented on
 * @attachment: a document or a text
 * @store: (nullable): where its bytes are, when @attachment does not have them
 * @editable: whether its pages can be chosen, because it was not sent yet
 * @session: (nullable): whose question may pick them
 * @func: called once, when the dialog is closed
 */
void
quern_document_dialog_present (GtkWidget *parent, QuernAttachment *attachment, QuernStore *store, gboolean editable,
                               QuernChatSession *session, QuernDocumentFunc func, gpointer user_data)
{
  QuernDocumentDialog *self = g_object_new (QUERN_TYPE_DOCUMENT_DIALOG, NULL);
  const char *name = quern_attachment_get_name (attachment);

  self->attachment = g_object_ref (attachment);
  g_set_object (&self->session, session);
  self->editable = editable;
  self->func = func;
  self->user_data = user_data;
  adw_dialog_set_title (ADW_DIALOG (self), name);
  adw_window_title_set_title (self->title, name);
  show_choice (self);
  if (quern_attachment_get_bytes (attachment) == NULL && store != NULL)
    quern_store_load_attachment_async (store, attachment, self->cancellable, quern_document_dialog_loaded_cb,
                                       g_object_ref (self));
  adw_dialog_present (ADW_DIALOG (self), parent);
}
