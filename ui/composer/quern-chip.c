/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chip.h"

#include "quern-attachment-cost.h"
#include "quern-document.h"
#include "quern-document-dialog.h"
#include "servers/quern-sending.h"
#include "widgets/quern-picture-viewer.h"
#include "widgets/quern-thumbnail.h"

#include <glib/gi18n.h>

/* Shows an attachment: its name, a small picture if it is one, and its cost with the conversation's model, which is the
 * size that the model gets and the number of tokens. */

#define SIDE 44 /* pixels of the small picture */

struct _QuernChip {
  AdwBin parent_instance;

  /* Template widgets */
  GtkButton *open; /* around the picture or icon */
  GtkLabel *name, *caption;
  GtkWidget *remove;

  /* Owned references */
  QuernAttachment *attachment;
  QuernStore *store;
  QuernChatSession *session;
  QuernThumbnail *thumbnail;
  GCancellable *cancellable; /* cancels the loading */
  GCancellable *counting;

  gboolean refused; /* the model cannot get it */
};

enum { REMOVED, CHANGED, REPLACED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernChip, quern_chip, ADW_TYPE_BIN)

static void
quern_chip_set_caption (QuernChip *self, const char *text, gboolean refused)
{
  self->refused = refused;
  gtk_label_set_label (self->caption, text);
  gtk_widget_set_visible (GTK_WIDGET (self->caption), *text != '\0');
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->caption), refused ? text : NULL);
  if (refused)
    gtk_widget_add_css_class (GTK_WIDGET (self->caption), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->caption), "error");
}

/* Says which pages of a document are sent, and what they cost; returns whether it is a document. */
static gboolean
show_document (QuernChip *self, guint n_tokens)
{
  g_autofree char *label = NULL;
  g_autofree char *tokens = g_strdup_printf (ngettext ("%u token", "%u tokens", n_tokens), n_tokens);
  g_autofree char *text = NULL;
  QuernDocumentFacts facts;

  if (!quern_document_get_facts (quern_attachment_get_mime (self->attachment), &facts))
    return FALSE;
  label = quern_document_dup_label (self->attachment);
  if (facts.is_blank)
    text = g_strdup (_("No text in it"));
  else if (n_tokens == 0)
    text = g_strdup (label);
  else if (*label == '\0')
    text = g_strdup (tokens);
  else
    /* Translators: the pages of a document that are sent ("Pages 3–7 of 20") and their tokens ("812 tokens") */
    text = g_strdup_printf (_("%s · %s"), label, tokens);
  quern_chip_set_caption (self, text, facts.is_blank);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->caption), text);
  return TRUE;
}

/* ---- what it costs ---------------------------------------------------------------------------------------------- */

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChip) self = user_data;
  g_autoptr (GError) error = NULL;
  QuernAttachmentCost cost;
  gboolean ok = quern_attachment_cost_finish (result, &cost, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->attachment == NULL)
    return;
  if (ok) {
    g_autofree char *tokens = g_strdup_printf (ngettext ("%u token", "%u tokens", cost.tokens), cost.tokens);
    /* Translators: width and height of a picture as the model gets it, and its tokens ("770 tokens") */
    g_autofree char *text = cost.width > 0 ? g_strdup_printf (_("%u × %u · %s"), cost.width, cost.height, tokens)
                                           : g_strdup (tokens);
    if (quern_document_get_facts (quern_attachment_get_mime (self->attachment), NULL))
      quern_document_note_tokens (self->attachment, cost.tokens);
    if (!show_document (self, cost.tokens))
      quern_chip_set_caption (self, text, FALSE);
  } else if (g_error_matches (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_NO_VISION))
    quern_chip_set_caption (self, _("Not visible to the model"), TRUE);
  else
    quern_chip_set_caption (self, error->message, quern_attachment_is_picture (self->attachment));
  g_signal_emit (self, signals[CHANGED], 0);
}

/* A picture is counted once its size is known; a server counts what it is sent, which people have to know first. */
static void
quern_chip_count (QuernChip *self)
{
  gboolean picture = quern_attachment_is_picture (self->attachment);

  g_cancellable_cancel (self->counting);
  g_clear_object (&self->counting);
  if (self->session == NULL || quern_chat_session_get_model (self->session) == NULL
      || !quern_sending_is_told (quern_chat_session_get_model (self->session)) || (picture && self->thumbnail == NULL))
    return;
  self->counting = g_cancellable_new ();
  quern_attachment_cost_async (self->session, self->attachment,
                               picture ? quern_thumbnail_get_width (self->thumbnail) : 0,
                               picture ? quern_thumbnail_get_height (self->thumbnail) : 0, self->counting, counted_cb,
                               g_object_ref (self));
}

/* ---- picture ---------------------------------------------------------------------------------------------------- */

static void
show_thumbnail (QuernChip *self, QuernThumbnail *thumbnail)
{
  GtkWidget *picture = gtk_picture_new_for_paintable (quern_thumbnail_get_paintable (thumbnail));

  g_set_object (&self->thumbnail, thumbnail);
  gtk_picture_set_content_fit (GTK_PICTURE (picture), GTK_CONTENT_FIT_COVER);
  gtk_widget_set_size_request (picture, SIDE, SIDE);
  gtk_widget_set_overflow (picture, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (picture, "thumbnail");
  gtk_button_set_child (self->open, picture);
  gtk_widget_set_sensitive (GTK_WIDGET (self->open), TRUE);
  quern_chip_count (self);
}

static void
thumbnail_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChip) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernThumbnail) thumbnail = quern_thumbnail_load_finish (result, &error);

  if (self->attachment == NULL)
    return;
  if (thumbnail != NULL)
    show_thumbnail (self, thumbnail);
  else
    quern_chip_set_caption (self, error->message, FALSE);
}

static void
chosen_cb (GListModel *instead, gpointer user_data)
{
  QuernChip *self = user_data;

  if (instead != NULL && self->attachment != NULL)
    g_signal_emit (self, signals[REPLACED], 0, instead);
  g_object_unref (self);
}

/**
 * quern_chip_open:
 *
 * Shows what it stands for.
 */
void
quern_chip_open (QuernChip *self)
{
  g_autoptr (GListStore) all = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  if (!quern_attachment_is_picture (self->attachment)) {
    quern_document_dialog_present (GTK_WIDGET (self), self->attachment, self->store,
                                   gtk_widget_get_visible (self->remove), self->session, chosen_cb,
                                   g_object_ref (self));
    return;
  }
  g_list_store_append (all, self->attachment);
  quern_picture_viewer_present (GTK_WIDGET (self), G_LIST_MODEL (all), 0, self->store);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
open_clicked_cb (QuernChip *self)
{
  quern_chip_open (self);
}

static void
remove_clicked_cb (QuernChip *self)
{
  g_signal_emit (self, signals[REMOVED], 0);
}

static void
quern_chip_dispose (GObject *object)
{
  QuernChip *self = QUERN_CHIP (object);

  g_cancellable_cancel (self->cancellable);
  g_cancellable_cancel (self->counting);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->counting);
  g_clear_object (&self->attachment);
  g_clear_object (&self->store);
  g_clear_object (&self->session);
  g_clear_object (&self->thumbnail);
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_CHIP);
  G_OBJECT_CLASS (quern_chip_parent_class)->dispose (object);
}

static void
quern_chip_class_init (QuernChipClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_chip_dispose;
  signals[REMOVED] = g_signal_new ("removed", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CHANGED] = g_signal_new ("changed", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[REPLACED] = g_signal_new ("replaced", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                    G_TYPE_LIST_MODEL);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/composer/quern-chip.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernChip, open);
  gtk_widget_class_bind_template_child (widget_class, QuernChip, name);
  gtk_widget_class_bind_template_child (widget_class, QuernChip, caption);
  gtk_widget_class_bind_template_child (widget_class, QuernChip, remove);
  gtk_widget_class_bind_template_callback (widget_class, open_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_clicked_cb);
}

static void
quern_chip_init (QuernChip *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

/**
 * quern_chip_new:
 * @attachment: what it shows
 * @store: (nullable): where its bytes are, when @attachment does not have them
 *
 * Returns: (transfer floating): a widget that shows @attachment
 */
GtkWidget *
quern_chip_new (QuernAttachment *attachment, QuernStore *store)
{
  QuernChip *self = g_object_new (QUERN_TYPE_CHIP, NULL);
  QuernThumbnail *known = quern_thumbnail_find (attachment);
  const char *name = quern_attachment_get_name (attachment);
  gboolean picture = quern_attachment_is_picture (attachment);
  QuernDocumentFacts facts = { 0 };
  gboolean document = quern_document_get_facts (quern_attachment_get_mime (attachment), &facts);
  /* Translators: %s is the name of an attached picture or document */
  g_autofree char *view = g_strdup_printf (_("View %s"), name);

  self->attachment = g_object_ref (attachment);
  g_set_object (&self->store, store);
  gtk_label_set_label (self->name, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_button_set_icon_name (self->open, picture    ? "image-x-generic-symbolic"
                                        : document ? "x-office-document-symbolic"
                                                   : "text-x-generic-symbolic");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->open), GTK_ACCESSIBLE_PROPERTY_LABEL, view, -1);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->open), view);
  gtk_widget_set_sensitive (GTK_WIDGET (self->open), !picture); /* a picture is when it is decoded */
  if (document) {
    gtk_label_set_max_width_chars (self->caption, 32);
    show_document (self, facts.n_tokens);
  }
  /* A text file's chip is not as high as a picture's. */
  gtk_widget_set_valign (GTK_WIDGET (self), picture ? GTK_ALIGN_FILL : GTK_ALIGN_CENTER);
  if (known != NULL)
    show_thumbnail (self, known);
  else if (picture)
    quern_thumbnail_load_async (attachment, store, self->cancellable, thumbnail_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}

/**
 * quern_chip_get_attachment:
 *
 * Returns: (transfer none): the attachment that is shown
 */
QuernAttachment *
quern_chip_get_attachment (QuernChip *self)
{
  g_return_val_if_fail (QUERN_IS_CHIP (self), NULL);
  return self->attachment;
}

/**
 * quern_chip_set_session:
 * @session: (nullable): whose model it would be sent to; call again when that changes
 */
void
quern_chip_set_session (QuernChip *self, QuernChatSession *session)
{
  g_return_if_fail (QUERN_IS_CHIP (self));

  g_set_object (&self->session, session);
  quern_chip_count (self);
}

/**
 * quern_chip_is_ready:
 *
 * Returns: %FALSE when the model cannot get what this shows
 */
gboolean
quern_chip_is_ready (QuernChip *self)
{
  g_return_val_if_fail (QUERN_IS_CHIP (self), FALSE);
  return !self->refused;
}

/**
 * quern_chip_set_removable:
 *
 * Shows a button that emits "removed".
 */
void
quern_chip_set_removable (QuernChip *self)
{
  g_autofree char *tooltip = NULL;

  g_return_if_fail (QUERN_IS_CHIP (self));
  /* Translators: %s is the name of an attached file */
  tooltip = g_strdup_printf (_("Remove %s"), quern_attachment_get_name (self->attachment));
  gtk_widget_set_tooltip_text (self->remove, tooltip);
  gtk_widget_set_visible (self->remove, TRUE);
}
