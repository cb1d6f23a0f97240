/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chip.h"

#include "quern-picture.h"

#include <glib/gi18n.h>

/* An attachment: its name, and a small picture of it where it is one. */

#define THUMBNAIL 96 /* pixels of the longer side */

struct _QuernChip {
  AdwBin parent_instance;

  GtkBox *box;
  GtkWidget *icon;

  /* Owned references */
  QuernAttachment *attachment;
  GCancellable *cancellable;
};

enum { REMOVED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernChip, quern_chip, ADW_TYPE_BIN)

static GdkTexture *
make_texture (QuernPicture *picture)
{
  guint width = quern_picture_get_width (picture), height = quern_picture_get_height (picture);
  return gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8, quern_picture_get_pixels (picture), (gsize) width * 3);
}

static void
picture_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChip) self = user_data;
  g_autoptr (QuernPicture) picture = quern_picture_load_finish (result, NULL);
  g_autoptr (QuernPicture) small = picture != NULL ? quern_picture_dup_thumbnail (picture, THUMBNAIL) : NULL;
  g_autoptr (GdkTexture) texture = NULL;
  GtkWidget *widget;

  if (small == NULL || self->icon == NULL)
    return; /* the icon stays */
  texture = make_texture (small);
  widget = gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));
  gtk_picture_set_alternative_text (GTK_PICTURE (widget), quern_attachment_get_name (self->attachment));
  gtk_picture_set_can_shrink (GTK_PICTURE (widget), FALSE);
  gtk_widget_add_css_class (widget, "thumbnail");
  gtk_box_insert_child_after (self->box, widget, self->icon);
  gtk_box_remove (self->box, self->icon);
  self->icon = widget;
}

static void
show_bytes (QuernChip *self, GBytes *bytes)
{
  if (bytes != NULL && quern_attachment_is_picture (self->attachment))
    quern_picture_load_bytes_async (bytes, self->cancellable, picture_loaded_cb, g_object_ref (self));
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChip) self = user_data;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, NULL);
  show_bytes (self, bytes);
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
  g_clear_object (&self->cancellable);
  g_clear_object (&self->attachment);
  self->icon = NULL;
  G_OBJECT_CLASS (quern_chip_parent_class)->dispose (object);
}

static void
quern_chip_class_init (QuernChipClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_chip_dispose;
  signals[REMOVED] = g_signal_new ("removed", QUERN_TYPE_CHIP, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
quern_chip_init (QuernChip *self)
{
  self->box = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));
  self->cancellable = g_cancellable_new ();
  gtk_widget_add_css_class (GTK_WIDGET (self), "chip");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->box));
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
  GtkWidget *label = gtk_label_new (quern_attachment_get_name (attachment));

  self->attachment = g_object_ref (attachment);
  self->icon = gtk_image_new_from_icon_name (quern_attachment_is_picture (attachment) ? "image-x-generic-symbolic"
                                                                                      : "text-x-generic-symbolic");
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 20);
  gtk_box_append (self->box, self->icon);
  gtk_box_append (self->box, label);
  if (quern_attachment_get_bytes (attachment) != NULL)
    show_bytes (self, quern_attachment_get_bytes (attachment));
  else if (store != NULL)
    quern_store_load_attachment_async (store, attachment, self->cancellable, stored_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}

QuernAttachment *
quern_chip_get_attachment (QuernChip *self)
{
  g_return_val_if_fail (QUERN_IS_CHIP (self), NULL);
  return self->attachment;
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
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_clicked_cb), self);
  gtk_box_append (self->box, button);
}
