/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-picture-check.h"
#include "quern-picture-header.h"
#include "quern-picture-png.h"

/* A picture that somebody gave: its own bytes, and its pixels as the model and the window see them: 8-bit RGB, upright,
 * on white where it is transparent. Immutable, so any thread may read it.
 *
 * Decoders are the part of a program that strangers' files reach first. Only formats named here are tried, and the size
 * that a file's header states is looked at before pixels are made, so that a small file cannot ask for all memory. What is
 * larger than anybody looks at is made smaller while it is loaded: models get a million pixels at most. */

struct _QuernPicture {
  GObject parent_instance;

  GBytes *source;        /* the file; NULL for a thumbnail */
  GBytes *pixels;        /* [height][width][3] */
  const char *mime_type; /* static; NULL for a thumbnail */
  guint width;
  guint height;
};

G_DEFINE_FINAL_TYPE (QuernPicture, quern_picture, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-picture-error-quark, quern_picture_error)

typedef struct {
  const char *mime_type;
  const char *name;
  const char *magic;
  gsize length, offset;
  gboolean boxes; /* HEIC and AVIF */
} Format;

static const Format formats[] = {
  { "image/png", "PNG", "\x89PNG\r\n\x1a\n", 8, 0 },
  { "image/jpeg", "JPEG", "\xff\xd8\xff", 3, 0 },
  { "image/gif", "GIF", "GIF8", 4, 0 },
  { "image/webp", "WebP", "WEBPVP8", 7, 8 },
  { "image/bmp", "BMP", "BM", 2, 0 },
  { "image/tiff", "TIFF", "II*\0", 4, 0 },
  { "image/tiff", "TIFF", "MM\0*", 4, 0 },
  { "image/avif", "AVIF", "ftypavif", 8, 4, .boxes = TRUE },
  { "image/avif", "AVIF", "ftypavis", 8, 4, .boxes = TRUE },
  { "image/heif", "HEIC", "ftyphe", 6, 4, .boxes = TRUE },
  { "image/heif", "HEIC", "ftypmif1", 8, 4, .boxes = TRUE },
  { "image/heif", "HEIC", "ftypmsf1", 8, 4, .boxes = TRUE },
};

/* How many pixels become one in each direction, so that the picture is small enough: 1, 2, 4 … */
static guint
find_step (gint64 width, gint64 height)
{
  guint step = 1;

  while ((width + step - 1) / step > QUERN_PICTURE_MAX_SIDE || (height + step - 1) / step > QUERN_PICTURE_MAX_SIDE
         || ((width + step - 1) / step) * ((height + step - 1) / step) > QUERN_PICTURE_MAX_PIXELS)
    step *= 2;
  return step;
}

static gboolean
check_size (int width, int height, gint64 most, GError **error)
{
  if (width >= 1 && height >= 1 && width <= QUERN_PICTURE_MAX_LOADED_SIDE && height <= QUERN_PICTURE_MAX_LOADED_SIDE
      && (gint64) width * height <= most)
    return TRUE;
  g_set_error (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_TOO_LARGE,
               _("This picture is too large: %d × %d pixels. Scale it down to at most %d pixels per side and %d "
                 "million pixels in total, and try again."),
               width, height, QUERN_PICTURE_MAX_LOADED_SIDE, (int) (most / 1000000));
  return FALSE;
}

typedef struct {
  gint64 most; /* pixels that the file may have */
  guint step;  /* of a PNG that is to be loaded in another way; 0 for all others */
  gboolean is_png;
  GError *refusal;
} Sizing;

/* The loader knows the size and has made no pixels yet. A size of zero tells it to give up. */
static void
size_prepared_cb (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  Sizing *sizing = user_data;
  int step;

  if (sizing->refusal != NULL || sizing->step > 0)
    return;
  if (!check_size (width, height, sizing->most, &sizing->refusal)) {
    gdk_pixbuf_loader_set_size (loader, 0, 0);
    return;
  }
  step = (int) find_step (width, height);
  if (step > 1 && sizing->is_png && sizing->most == QUERN_PICTURE_MAX_LOADED_PIXELS) {
    sizing->step = (guint) step;
    gdk_pixbuf_loader_set_size (loader, 0, 0);
  } else if (step > 1)
    gdk_pixbuf_loader_set_size (loader, (width + step - 1) / step, (height + step - 1) / step);
}

/* Of what a loader made in full all the same. */
static GdkPixbuf *
make_small (GdkPixbuf *pixbuf)
{
  int width = gdk_pixbuf_get_width (pixbuf), height = gdk_pixbuf_get_height (pixbuf);
  int step = (int) find_step (width, height);

  return step > 1 ? gdk_pixbuf_scale_simple (pixbuf, (width + step - 1) / step, (height + step - 1) / step,
                                             GDK_INTERP_BILINEAR)
                  : g_object_ref (pixbuf);
}

static void
set_damaged (GError **error, const Format *format, const char *why)
{
  g_set_error (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_DAMAGED,
               /* Translators: a format, then what its decoder says */
               _("This %s picture is damaged (%s). Use another copy, or open it in another application and save it "
                 "again."),
               format->name, why);
}

/* Decodes a picture and turns it upright. */
static GdkPixbuf *
decode (GBytes *bytes, const Format *format, GCancellable *cancellable, GError **error)
{
  const gsize piece = 64 * 1024;
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new_with_mime_type (format->mime_type, NULL);
  g_autoptr (GError) failure = NULL;
  Sizing sizing = { 0 };
  gboolean fed = TRUE;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  GdkPixbuf *upright;
  const char *flaw;
  guint orientation;

  if (loader == NULL) {
    g_set_error (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_NO_LOADER,
                 _("This system cannot read %s pictures. Save it as PNG or JPEG and try again."), format->name);
    return NULL;
  }
  sizing.is_png = g_str_equal (format->name, "PNG");
  sizing.most = quern_picture_header_is_sequential (data, size) ? QUERN_PICTURE_MAX_LOADED_PIXELS
                                                                : QUERN_PICTURE_MAX_WHOLE_PIXELS;
  /* The loader is fed piece by piece, which keeps it cancellable and ends soon after the size was refused. */
  g_signal_connect (loader, "size-prepared", G_CALLBACK (size_prepared_cb), &sizing);
  for (gsize offset = 0; fed && sizing.refusal == NULL && sizing.step == 0 && offset < size; offset += piece)
    fed = !g_cancellable_set_error_if_cancelled (cancellable, &failure)
          && gdk_pixbuf_loader_write (loader, data + offset, MIN (piece, size - offset), &failure);
  /* It must be closed before it goes; only the first failure counts. */
  fed = gdk_pixbuf_loader_close (loader, fed ? &failure : NULL) && fed;
  if (sizing.step > 0) {
    g_clear_error (&failure);
    pixbuf = quern_picture_png_load_small (bytes, sizing.step, cancellable, &failure);
    fed = pixbuf != NULL;
  }
  if (!fed || sizing.refusal != NULL) {
    if (sizing.refusal != NULL)
      g_propagate_error (error, sizing.refusal);
    else if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_propagate_error (error, g_steal_pointer (&failure));
    else
      set_damaged (error, format, failure != NULL ? failure->message : _("it could not be decoded"));
    return NULL;
  }

  if (pixbuf == NULL && gdk_pixbuf_loader_get_pixbuf (loader) != NULL)
    pixbuf = make_small (gdk_pixbuf_loader_get_pixbuf (loader)); /* of an animation, the first picture */
  flaw = NULL;
  if (pixbuf == NULL)
    flaw = _("it is empty");
  else if (!quern_picture_header_is_whole (data, size))
    flaw = _("it is incomplete");
  else
    flaw = quern_picture_check_pixels (bytes, cancellable);
  if (flaw != NULL) {
    set_damaged (error, format, flaw);
    return NULL;
  }
  orientation = quern_picture_header_orientation (data, size);
  if (orientation != 0 && gdk_pixbuf_get_option (pixbuf, "orientation") == NULL) {
    char digit[2] = { '0' + orientation };
    gdk_pixbuf_set_option (pixbuf, "orientation", digit);
  }
  upright = gdk_pixbuf_apply_embedded_orientation (pixbuf);
  if (upright == NULL)
    set_damaged (error, format, _("it cannot be rotated"));
  return upright;
}

static QuernPicture *
picture_new (GdkPixbuf *pixbuf, GError **error)
{
  gsize width = gdk_pixbuf_get_width (pixbuf), height = gdk_pixbuf_get_height (pixbuf);
  gsize stride = gdk_pixbuf_get_rowstride (pixbuf), channels = gdk_pixbuf_get_n_channels (pixbuf);
  gboolean has_alpha = gdk_pixbuf_get_has_alpha (pixbuf);
  const guint8 *in = gdk_pixbuf_read_pixels (pixbuf);
  guint8 *pixels = g_try_malloc (width * height * 3), *out = pixels;
  QuernPicture *self;

  if (pixels == NULL) {
    g_set_error_literal (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_TOO_LARGE,
                         _("There is not enough memory for this picture. Scale it down and try again."));
    return NULL;
  }
  for (gsize y = 0; y < height; y++)
    for (gsize x = 0; x < width; x++) {
      const guint8 *p = in + y * stride + x * channels;

      /* The model's own processor drops transparency and shows whatever colours lie under it, often black. People see
       * transparent pictures on a page, so white is what they mean. */
      for (gsize c = 0; c < 3; c++)
        *out++ = has_alpha ? (p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255 : p[c];
    }
  self = g_object_new (QUERN_TYPE_PICTURE, NULL);
  self->width = width;
  self->height = height;
  self->pixels = g_bytes_new_take (pixels, width * height * 3);
  return self;
}

/**
 * quern_picture_new_from_bytes:
 * @bytes: a picture file
 * @cancellable: (nullable): a cancellable
 * @error: return location of an error
 *
 * Decodes a picture. Takes a while with large ones: quern_picture_load_bytes_async() is for the main thread.
 *
 * Returns: (transfer full) (nullable): the picture, or %NULL with @error set in %QUERN_PICTURE_ERROR, or in
 *   %G_IO_ERROR when cancelled
 */
QuernPicture *
quern_picture_new_from_bytes (GBytes *bytes, GCancellable *cancellable, GError **error)
{
  const Format *format = NULL;
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  QuernPicture *self;
  gsize size, cursor = 0;
  const guint8 *data;
  guint32 width, height;

  g_return_val_if_fail (bytes != NULL, NULL);

  if (g_bytes_get_size (bytes) > QUERN_PICTURE_MAX_BYTES) {
    g_set_error (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_TOO_LARGE,
                 _("This file is too large for a picture: more than %d MB."), QUERN_PICTURE_MAX_BYTES >> 20);
    return NULL;
  }
  data = g_bytes_get_data (bytes, &size);
  for (const Format *f = formats; f < formats + G_N_ELEMENTS (formats) && format == NULL; f++)
    if (size >= f->offset + f->length && memcmp (data + f->offset, f->magic, f->length) == 0)
      format = f;
  if (format == NULL) {
    g_set_error_literal (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_NOT_A_PICTURE,
                         _("This file is not a picture that Quern can read. Use PNG, JPEG, WebP, GIF, HEIC or AVIF."));
    return NULL;
  }
  while (format->boxes && quern_picture_header_next_box (data, size, &cursor, &width, &height))
    if (!check_size (MIN (width, G_MAXINT), MIN (height, G_MAXINT), QUERN_PICTURE_MAX_WHOLE_PIXELS, error))
      return NULL;
  pixbuf = decode (bytes, format, cancellable, error);
  if (pixbuf == NULL)
    return NULL;
  self = picture_new (pixbuf, error);
  if (self == NULL)
    return NULL;
  self->source = g_bytes_ref (bytes);
  self->mime_type = format->mime_type;
  return self;
}

/**
 * quern_picture_new_from_file:
 * @file: a picture file
 * @cancellable: (nullable): a cancellable
 * @error: return location of an error
 *
 * Reads and decodes a picture: see quern_picture_new_from_bytes().
 *
 * Returns: (transfer full) (nullable): the picture, or %NULL with @error set, to a %G_IO_ERROR if it cannot be read
 */
QuernPicture *
quern_picture_new_from_file (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInputStream) stream = NULL;
  g_autoptr (GByteArray) array = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree guint8 *piece = NULL;
  gssize n = 0;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  stream = g_file_read (file, cancellable, error);
  if (stream == NULL)
    return NULL;
  array = g_byte_array_new ();
  piece = g_malloc (64 * 1024);
  /* One byte more than a picture may have shows that there is more. */
  while (array->len <= QUERN_PICTURE_MAX_BYTES
         && (n = g_input_stream_read (G_INPUT_STREAM (stream), piece, 64 * 1024, cancellable, error)) > 0)
    g_byte_array_append (array, piece, n);
  if (n < 0)
    return NULL;
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  return quern_picture_new_from_bytes (bytes, cancellable, error);
}

static void
load_worker (GTask *task, gpointer source_object, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernPicture *self = G_IS_FILE (source_object) ? quern_picture_new_from_file (source_object, cancellable, &error)
                                                 : quern_picture_new_from_bytes (task_data, cancellable, &error);

  if (self != NULL)
    g_task_return_pointer (task, self, g_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * quern_picture_load_bytes_async:
 * @bytes: a picture file
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is done: quern_picture_load_finish()
 * @user_data: for @callback
 *
 * Decodes a picture in a thread.
 */
void
quern_picture_load_bytes_async (GBytes *bytes, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (bytes != NULL);

  g_task_set_source_tag (task, quern_picture_load_finish);
  g_task_set_task_data (task, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  g_task_run_in_thread (task, load_worker);
}

/**
 * quern_picture_load_file_async:
 * @file: a picture file
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is done: quern_picture_load_finish()
 * @user_data: for @callback
 *
 * Reads and decodes a picture in a thread.
 */
void
quern_picture_load_file_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (G_IS_FILE (file));

  task = g_task_new (file, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_picture_load_finish);
  g_task_run_in_thread (task, load_worker);
}

/**
 * quern_picture_load_finish:
 * @result: what the callback was given
 * @error: return location of an error
 *
 * Returns: (transfer full) (nullable): the picture, or %NULL with @error set
 */
QuernPicture *
quern_picture_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, quern_picture_load_finish), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

guint
quern_picture_get_width (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), 0);

  return self->width;
}

guint
quern_picture_get_height (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), 0);

  return self->height;
}

/**
 * quern_picture_get_pixels:
 * @self: a picture
 *
 * Returns: (transfer none): 8-bit RGB, upright, three bytes a pixel and no padding: what
 *   gdk_memory_texture_new() takes as %GDK_MEMORY_R8G8B8
 */
GBytes *
quern_picture_get_pixels (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), NULL);

  return self->pixels;
}

/**
 * quern_picture_dup_pixels:
 * @self: a picture
 *
 * Returns: (transfer full): the same pixels, as quern_request_add_picture() takes them
 */
QuernPixels *
quern_picture_dup_pixels (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), NULL);

  return quern_pixels_new (self->pixels, self->width, self->height, 3 * self->width);
}

/**
 * quern_picture_get_source:
 * @self: a picture
 *
 * Returns: (transfer none) (nullable): the file as it was given; %NULL for a thumbnail
 */
GBytes *
quern_picture_get_source (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), NULL);

  return self->source;
}

/**
 * quern_picture_get_mime_type:
 * @self: a picture
 *
 * Returns: (nullable): the type of the source, as its content says; %NULL for a thumbnail
 */
const char *
quern_picture_get_mime_type (QuernPicture *self)
{
  g_return_val_if_fail (QUERN_IS_PICTURE (self), NULL);

  return self->mime_type;
}

/**
 * quern_picture_dup_thumbnail:
 * @self: a picture
 * @max_side: the longest side that the result may have, in pixels
 *
 * Returns: (transfer full) (nullable): a smaller picture of the same proportions, or @self itself when it is small
 *   enough; %NULL when there is no memory for it
 */
QuernPicture *
quern_picture_dup_thumbnail (QuernPicture *self, guint max_side)
{
  g_autoptr (GdkPixbuf) whole = NULL;
  g_autoptr (GdkPixbuf) small = NULL;
  guint longest;

  g_return_val_if_fail (QUERN_IS_PICTURE (self), NULL);
  g_return_val_if_fail (max_side > 0, NULL);

  longest = MAX (self->width, self->height);
  if (longest <= max_side)
    return g_object_ref (self);
  whole = gdk_pixbuf_new_from_bytes (self->pixels, GDK_COLORSPACE_RGB, FALSE, 8, self->width, self->height,
                                     self->width * 3);
  small = gdk_pixbuf_scale_simple (whole, MAX (1, (guint64) self->width * max_side / longest),
                                   MAX (1, (guint64) self->height * max_side / longest), GDK_INTERP_BILINEAR);
  return small != NULL ? picture_new (small, NULL) : NULL;
}

static void
quern_picture_finalize (GObject *object)
{
  QuernPicture *self = QUERN_PICTURE (object);

  g_clear_pointer (&self->source, g_bytes_unref);
  g_clear_pointer (&self->pixels, g_bytes_unref);

  G_OBJECT_CLASS (quern_picture_parent_class)->finalize (object);
}

static void
quern_picture_class_init (QuernPictureClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_picture_finalize;
}

static void
quern_picture_init (QuernPicture *self)
{
}
