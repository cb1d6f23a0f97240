/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-attachment-bar.h"

#include "quern-chip.h"
#include "quern-picture.h"

#include <glib/gi18n.h>
#include <string.h>

/* What will be sent along with the message: pictures, and text files. Files are read here, away from the UI thread, and
 * what cannot be sent is refused at once, with a sentence in the "problem" signal. */

#define MAX_TEXT (1024 * 1024) /* bytes; far more than any context holds */

struct _QuernAttachmentBar {
  AdwBin parent_instance;

  AdwWrapBox *box;

  /* Owned references */
  GListStore *attachments;
};

enum { CHANGED, PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernAttachmentBar, quern_attachment_bar, ADW_TYPE_BIN)

typedef struct {
  QuernAttachmentBar *bar;
  char *name;
  GFile *file; /* or NULL */
} Loading;

static void
loading_free (Loading *loading)
{
  g_object_unref (loading->bar);
  g_free (loading->name);
  g_clear_object (&loading->file);
  g_free (loading);
}

static void
removed_cb (QuernAttachmentBar *self, QuernChip *chip)
{
  guint position;
  if (g_list_store_find (self->attachments, quern_chip_get_attachment (chip), &position))
    g_list_store_remove (self->attachments, position);
}

/* There are few: all chips are made anew. */
static void
items_changed_cb (QuernAttachmentBar *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->attachments));
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->box))) != NULL)
    adw_wrap_box_remove (self->box, child);
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    GtkWidget *chip = quern_chip_new (attachment, NULL);
    quern_chip_set_removable (QUERN_CHIP (chip));
    g_signal_connect_object (chip, "removed", G_CALLBACK (removed_cb), self, G_CONNECT_SWAPPED);
    adw_wrap_box_append (self->box, chip);
  }
  gtk_widget_set_visible (GTK_WIDGET (self), n > 0);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
add (QuernAttachmentBar *self, const char *name, const char *mime, GBytes *bytes)
{
  g_autoptr (QuernAttachment) attachment = quern_attachment_new (name, mime, bytes);
  g_list_store_append (self->attachments, attachment);
}

static void
report (QuernAttachmentBar *self, const char *name, const char *why)
{
  /* Translators: name of a file, and a sentence */
  g_autofree char *sentence = g_strdup_printf (_("“%s” cannot be attached. %s"), name, why);
  g_signal_emit (self, signals[PROBLEM], 0, sentence);
}

static void
text_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Loading *loading = user_data;
  g_autofree char *contents = NULL;
  gsize length = 0;
  g_autoptr (GError) error = NULL;

  if (!g_file_load_contents_finish (G_FILE (source), result, &contents, &length, NULL, &error))
    report (loading->bar, loading->name, error->message);
  else if (length > MAX_TEXT)
    report (loading->bar, loading->name, _("It is longer than any conversation: attach a part of it."));
  else if (!g_utf8_validate_len (contents, length, NULL))
    report (loading->bar, loading->name, _("It is neither a picture nor a text in UTF-8."));
  else {
    g_autoptr (GBytes) bytes = g_bytes_new_take (g_steal_pointer (&contents), length);
    add (loading->bar, loading->name, "text/plain", bytes);
  }
  loading_free (loading);
}

static void
picture_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Loading *loading = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_load_finish (result, &error);

  if (picture == NULL && loading->file != NULL
      && g_error_matches (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_NOT_A_PICTURE)) {
    g_file_load_contents_async (loading->file, NULL, text_loaded_cb, loading);
    return;
  }
  if (picture != NULL)
    add (loading->bar, loading->name, quern_picture_get_mime_type (picture), quern_picture_get_source (picture));
  else
    report (loading->bar, loading->name, error->message);
  loading_free (loading);
}

static void
quern_attachment_bar_dispose (GObject *object)
{
  g_clear_object (&QUERN_ATTACHMENT_BAR (object)->attachments);
  G_OBJECT_CLASS (quern_attachment_bar_parent_class)->dispose (object);
}

static void
quern_attachment_bar_class_init (QuernAttachmentBarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_attachment_bar_dispose;
  signals[CHANGED] =
      g_signal_new ("changed", QUERN_TYPE_ATTACHMENT_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[PROBLEM] = g_signal_new ("problem", QUERN_TYPE_ATTACHMENT_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
quern_attachment_bar_init (QuernAttachmentBar *self)
{
  self->box = ADW_WRAP_BOX (adw_wrap_box_new ());
  adw_wrap_box_set_child_spacing (self->box, 6);
  adw_wrap_box_set_line_spacing (self->box, 6);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->box));
  gtk_widget_add_css_class (GTK_WIDGET (self), "attachments");
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  self->attachments = g_list_store_new (QUERN_TYPE_ATTACHMENT);
  g_signal_connect_object (self->attachments, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
}

/**
 * quern_attachment_bar_add_file:
 * @file: a picture or a text file
 */
void
quern_attachment_bar_add_file (QuernAttachmentBar *self, GFile *file)
{
  Loading *loading;

  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  loading = g_new0 (Loading, 1);
  *loading = (Loading){ g_object_ref (self), g_file_get_basename (file), g_object_ref (file) };
  quern_picture_load_file_async (file, NULL, picture_loaded_cb, loading);
}

/**
 * quern_attachment_bar_add_bytes:
 * @name: to be shown
 * @bytes: a picture in any format that is read here
 */
void
quern_attachment_bar_add_bytes (QuernAttachmentBar *self, const char *name, GBytes *bytes)
{
  Loading *loading;

  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  loading = g_new0 (Loading, 1);
  *loading = (Loading){ g_object_ref (self), g_strdup (name), NULL };
  quern_picture_load_bytes_async (bytes, NULL, picture_loaded_cb, loading);
}

/**
 * quern_attachment_bar_dup_model:
 *
 * Returns: (transfer full) (element-type QuernAttachment): what is attached now
 */
GListModel *
quern_attachment_bar_dup_model (QuernAttachmentBar *self)
{
  GListStore *copy = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->attachments)); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    g_list_store_append (copy, attachment);
  }
  return G_LIST_MODEL (copy);
}

/**
 * quern_attachment_bar_set_model:
 * @attachments: (nullable) (element-type QuernAttachment): replaces what is attached
 */
void
quern_attachment_bar_set_model (QuernAttachmentBar *self, GListModel *attachments)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  if (g_list_model_get_n_items (G_LIST_MODEL (self->attachments)) > 0)
    g_list_store_remove_all (self->attachments);
  for (guint i = 0; attachments != NULL && i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_list_store_append (self->attachments, attachment);
  }
}
