/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-picture-tile.h"

#include "quern-picture-viewer.h"
#include "quern-thumbnail.h"

#include <glib/gi18n.h>

/* Longest sides in pixels. A single picture may be larger than several side by side. */
#define SIDE_ALONE 256
#define SIDE 128
#define WAITING_SIDE 96

struct _QuernPictureTile {
  AdwBin parent_instance;

  GtkButton *button;

  /* Owned references */
  GListModel *pictures;
  QuernStore *store;
  GCancellable *cancellable;

  guint position;
};

G_DEFINE_FINAL_TYPE (QuernPictureTile, quern_picture_tile, ADW_TYPE_BIN)

static void
show_thumbnail (QuernPictureTile *self, QuernThumbnail *thumbnail)
{
  GtkWidget *picture = gtk_picture_new_for_paintable (quern_thumbnail_get_paintable (thumbnail));
  double width = quern_thumbnail_get_width (thumbnail), height = quern_thumbnail_get_height (thumbnail);
  double side = g_list_model_get_n_items (self->pictures) > 1 ? SIDE : SIDE_ALONE;
  double scale = MIN (1, side / MAX (width, height));

  /* A very long or very small picture is cropped, or gets some room around it. */
  gtk_widget_set_size_request (picture, MAX (40, (int) (width * scale)), MAX (40, (int) (height * scale)));
  gtk_picture_set_content_fit (GTK_PICTURE (picture), GTK_CONTENT_FIT_COVER);
  gtk_button_set_child (self->button, picture);
}

static void
thumbnail_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureTile) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernThumbnail) thumbnail = quern_thumbnail_load_finish (result, &error);

  if (self->pictures == NULL)
    return;
  if (thumbnail != NULL)
    show_thumbnail (self, thumbnail);
  else
    gtk_button_set_icon_name (self->button, "image-missing-symbolic");
}

static void
clicked_cb (QuernPictureTile *self)
{
  quern_picture_viewer_present (GTK_WIDGET (self), self->pictures, self->position, self->store);
}

static void
quern_picture_tile_dispose (GObject *object)
{
  QuernPictureTile *self = QUERN_PICTURE_TILE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->pictures);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_picture_tile_parent_class)->dispose (object);
}

static void
quern_picture_tile_class_init (QuernPictureTileClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_picture_tile_dispose;
}

static void
quern_picture_tile_init (QuernPictureTile *self)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("image-x-generic-symbolic");

  self->button = GTK_BUTTON (button);
  self->cancellable = g_cancellable_new ();
  gtk_widget_set_size_request (gtk_button_get_child (self->button), WAITING_SIDE, WAITING_SIDE);
  gtk_widget_set_overflow (button, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (button, "picture-tile");
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (clicked_cb), self);
  adw_bin_set_child (ADW_BIN (self), button);
}

/**
 * quern_picture_tile_new:
 * @pictures: (element-type QuernAttachment): the pictures of a message
 * @position: which of them this is
 * @store: where their bytes are
 *
 * Returns: (transfer floating): a button that shows it
 */
GtkWidget *
quern_picture_tile_new (GListModel *pictures, guint position, QuernStore *store)
{
  QuernPictureTile *self = g_object_new (QUERN_TYPE_PICTURE_TILE, NULL);
  g_autoptr (QuernAttachment) attachment = g_list_model_get_item (pictures, position);
  QuernThumbnail *known = quern_thumbnail_find (attachment);
  g_autofree char *label = g_strdup_printf (_("View %s"), quern_attachment_get_name (attachment));

  self->pictures = g_object_ref (pictures);
  self->position = position;
  g_set_object (&self->store, store);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->button), quern_attachment_get_name (attachment));
  if (known != NULL)
    show_thumbnail (self, known);
  else
    quern_thumbnail_load_async (attachment, store, self->cancellable, thumbnail_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}
