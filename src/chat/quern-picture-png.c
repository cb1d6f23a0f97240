/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-picture-png.h"

#include <glib/gi18n-lib.h>
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "quern-picture.h"

/* Large PNG pictures, made small while they are read: of the picture there is one row at a time, of the result all. gdk-pixbuf's
 * loader would make the whole picture first, which for a few megabytes of one colour can be more than there is memory. */

typedef struct {
  const guint8 *rest;
  gsize left;
  png_structp png;
  png_infop info;
  png_bytep row; /* [width][4] */
  guint32 *sums; /* [small width][5]: red, green and blue times alpha, alpha, pixels */
  GdkPixbuf *small;
} PngLoad;

static void
read_data (png_structp png, png_bytep out, size_t length)
{
  PngLoad *load = png_get_io_ptr (png);

  if (length > load->left)
    png_error (png, "the end is missing");
  memcpy (out, load->rest, length);
  load->rest += length;
  load->left -= length;
}

static void
png_failed (png_structp png, png_const_charp message)
{
  png_longjmp (png, 1);
}

static void
png_warned (png_structp png, png_const_charp message)
{
}

/* Adds a row of RGBA to the sums; transparent pixels count as little as they are seen. */
static void
add_row (PngLoad *load, guint32 width, guint step)
{
  const guint8 *p = load->row;

  for (guint32 x = 0; x < width; x++, p += 4) {
    guint32 *sum = load->sums + (gsize) (x / step) * 5;

    sum[0] += p[0] * p[3];
    sum[1] += p[1] * p[3];
    sum[2] += p[2] * p[3];
    sum[3] += p[3];
    sum[4]++;
  }
}

/* Writes a row of the small picture, and begins the next. */
static void
finish_row (PngLoad *load, int y)
{
  int width = gdk_pixbuf_get_width (load->small);
  guint8 *out = gdk_pixbuf_get_pixels (load->small) + (gsize) y * (gsize) gdk_pixbuf_get_rowstride (load->small);

  for (int x = 0; x < width; x++, out += 4) {
    const guint32 *sum = load->sums + (gsize) x * 5;

    for (int c = 0; c < 3; c++)
      out[c] = sum[3] ? (guint8) ((sum[c] + sum[3] / 2) / sum[3]) : 0;
    out[3] = (guint8) ((sum[3] + sum[4] / 2) / sum[4]);
  }
  memset (load->sums, 0, (gsize) width * 5 * sizeof *load->sums);
}

/* Returns whether all of it was read. libpng jumps out of what it does not like, so that nothing here is a local variable that
 * has changed since. */
static gboolean
run (PngLoad *load, guint step, GCancellable *cancellable)
{
  guint32 width, height;

  if (setjmp (png_jmpbuf (load->png)))
    return FALSE;
  png_set_read_fn (load->png, load, read_data);
  png_set_user_limits (load->png, QUERN_PICTURE_MAX_LOADED_SIDE, QUERN_PICTURE_MAX_LOADED_SIDE);
  png_set_chunk_malloc_max (load->png, 8 * 1024 * 1024);
  png_read_info (load->png, load->info);
  width = png_get_image_width (load->png, load->info);
  height = png_get_image_height (load->png, load->info);
  if (png_get_interlace_type (load->png, load->info) != PNG_INTERLACE_NONE)
    return FALSE;
  png_set_expand (load->png);
  png_set_scale_16 (load->png);
  png_set_gray_to_rgb (load->png);
  png_set_add_alpha (load->png, 0xff, PNG_FILLER_AFTER);
  png_read_update_info (load->png, load->info);
  load->row = g_try_malloc (png_get_rowbytes (load->png, load->info));
  load->sums = g_try_malloc0_n ((width + step - 1) / step, 5 * sizeof *load->sums);
  load->small = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, (int) ((width + step - 1) / step),
                                (int) ((height + step - 1) / step));
  if (!load->row || !load->sums || !load->small || png_get_rowbytes (load->png, load->info) != (gsize) width * 4)
    return FALSE;
  for (guint32 y = 0; y < height && !g_cancellable_is_cancelled (cancellable); y++) {
    png_read_row (load->png, load->row, NULL);
    add_row (load, width, step);
    if ((y + 1) % step == 0 || y + 1 == height)
      finish_row (load, (int) (y / step));
  }
  return TRUE;
}

/**
 * quern_picture_png_load_small:
 * @bytes: a PNG file that is not interlaced
 * @step: how many pixels become one, in each direction; at most 64
 * @cancellable: (nullable): a cancellable
 * @error: return location of an error
 *
 * Returns: (transfer full) (nullable): the picture, @step times as small; %NULL when it is damaged or there is no memory
 */
GdkPixbuf *
quern_picture_png_load_small (GBytes *bytes, guint step, GCancellable *cancellable, GError **error)
{
  PngLoad load = { 0 };
  gboolean whole;

  load.rest = g_bytes_get_data (bytes, &load.left);
  load.png = png_create_read_struct (PNG_LIBPNG_VER_STRING, NULL, png_failed, png_warned);
  load.info = load.png ? png_create_info_struct (load.png) : NULL;
  whole = load.info && run (&load, step, cancellable);
  png_destroy_read_struct (&load.png, &load.info, NULL);
  g_free (load.row);
  g_free (load.sums);
  if (whole && !g_cancellable_set_error_if_cancelled (cancellable, error))
    return load.small;
  if (!whole)
    g_set_error_literal (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_DAMAGED, _("it could not be decoded"));
  g_clear_object (&load.small);
  return NULL;
}
