/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chip.h"

#include "quern-attachment-cost.h"
#include "widgets/quern-picture-viewer.h"
#include "widgets/quern-thumbnail.h"

#include <glib/gi18n.h>

/* Shows an attachment: its name, a small picture if it is one, and its cost with the conversation's model, which is the
 * size that the model gets and the number of tokens. */

#define SIDE 44 /* pixels of the small picture */

struct _QuernChip {
  AdwBin parent_instance;

  /* Children */
  GtkBox *box;
  GtkButton *open; /* around the picture or icon */
  GtkLabel *caption;

  /* Owned references */
  QuernAttachment *attachment;
  QuernStore *store;
  QuernChatSession *session;
  QuernThumbnail *thumbnail;
  GCancellable *cancellable; /* cancels the loading */
  GCancellable *counting;

  gboolean refused; /* the model cannot get it */
};

enum { REMOVED, CHANGED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernChip, quern_chip, ADW_TYPE_BIN)

static void
set_caption (QuernChip *self, const char *text, gboolean refused)
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

/* ---- what it costs ---------------------------------------------------------------------------------------------- */

static char *
cost_text (const QuernAttachmentCost *cost)
{
  g_autofree char *tokens = g_strdup_printf (ngettext ("%u token", "%u tokens", cost->tokens), cost->tokens);

  if (cost->width == 0)
    return g_steal_pointer (&tokens);
  /* Translators: width and height of a picture as the model gets it, and its tokens ("770 tokens") */
  return g_strdup_printf (_("%u × %u · %s"), cost->width, cost->height, tokens);
}

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
    g_autofree char *text = cost_text (&cost);
    set_caption (self, text, FALSE);
  } else if (g_error_matches (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_NO_VISION))
    set_caption (self, _("Not visible to the model"), TRUE);
  else
    set_caption (self, error->message, quern_attachment_is_picture (self->attachment));
  g_signal_emit (self, signals[CHANGED], 0);
}

/* A picture is counted once its size is known. */
static void
count (QuernChip *self)
{
  gboolean picture = quern_attachment_is_picture (self->attachment);

  g_cancellable_cancel (self->counting);
  g_clear_object (&self->counting);
  if (self->session == NULL || quern_chat_session_get_model (self->session) == NULL
      || (picture && self->thumbnail == NULL))
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
  count (self);
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
    set_caption (self, error->message, FALSE);
}

static void
open_clicked_cb (QuernChip *self)
{
  g_autoptr (GListStore) all = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  g_list_store_append (all, self->attachment);
  quern_picture_viewer_present (GTK_WIDGET (self), G_LIST_MODEL (all), 0, self->store);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

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
  G_OBJECT_CLASS (quern_chip_parent_class)->dispose (object);
}

static void
quern_chip_class_init (QuernChipClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_chip_dispose;
  signals[REMOVED] = g_signal_new ("removed", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CHANGED] = g_signal_new ("changed", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
quern_chip_init (QuernChip *self)
{
  self->box = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9));
  self->cancellable = g_cancellable_new ();
  gtk_widget_add_css_class (GTK_WIDGET (self), "chip");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->box));
}

static GtkWidget *
make_label (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 24);
  if (css_class != NULL) {
    gtk_widget_add_css_class (label, css_class);
    gtk_widget_add_css_class (label, "numeric");
  }
  return label;
}

static void
build (QuernChip *self)
{
  const char *name = quern_attachment_get_name (self->attachment);
  gboolean picture = quern_attachment_is_picture (self->attachment);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *caption = make_label ("", "caption"), *open;
  g_autofree char *tooltip = NULL;

  open = gtk_button_new_from_icon_name (picture ? "image-x-generic-symbolic" : "text-x-generic-symbolic");
  self->open = GTK_BUTTON (open);
  self->caption = GTK_LABEL (caption);
  gtk_widget_set_visible (caption, FALSE);
  gtk_widget_add_css_class (open, "flat");
  gtk_widget_add_css_class (open, "chip-picture");
  gtk_widget_set_sensitive (open, FALSE);
  gtk_widget_set_valign (open, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (GTK_WIDGET (self), picture ? GTK_ALIGN_FILL : GTK_ALIGN_CENTER); /* not as high as a picture */
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  /* Translators: %s is the name of an attached picture */
  tooltip = g_strdup_printf (_("View %s"), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (open), GTK_ACCESSIBLE_PROPERTY_LABEL, picture ? tooltip : name, -1);
  gtk_widget_set_tooltip_text (open, picture ? tooltip : NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_box_append (GTK_BOX (texts), make_label (name, NULL));
  gtk_box_append (GTK_BOX (texts), caption);
  gtk_box_append (self->box, open);
  gtk_box_append (self->box, texts);
  g_signal_connect_swapped (open, "clicked", G_CALLBACK (open_clicked_cb), self);
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

  self->attachment = g_object_ref (attachment);
  g_set_object (&self->store, store);
  build (self);
  if (known != NULL)
    show_thumbnail (self, known);
  else if (quern_attachment_is_picture (attachment))
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
  count (self);
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
 * Adds a button that emits "removed".
 */
void
quern_chip_set_removable (QuernChip *self)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("window-close-symbolic");
  g_autofree char *tooltip = NULL;

  g_return_if_fail (QUERN_IS_CHIP (self));
  /* Translators: %s is the name of an attached file */
  tooltip = g_strdup_printf (_("Remove %s"), quern_attachment_get_name (self->attachment));
  gtk_widget_set_tooltip_text (button, tooltip);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "small");
  gtk_widget_add_css_class (button, "circular");
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_clicked_cb), self);
  gtk_box_append (self->box, button);
}
