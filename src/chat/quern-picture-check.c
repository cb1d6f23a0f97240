/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-picture-check.h"

#include <glib/gi18n-lib.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "quern-picture.h"

/* Loaders made for the eye show what they can: they fill what is missing with grey, and keep what their decoders complain
 * about to themselves. A model would describe such a picture as if it were one. So the decoders of the formats whose loaders
 * do that are asked once more, for their verdict alone: PNG's pixels have a checksum, and JPEG and GIF say when the codes of
 * the pixels make no sense or end too early. The other loaders refuse by themselves; uncompressed pixels cannot be told from
 * others. Only pictures that a loader has accepted come here, so that their sizes are sound. */

/* ---- PNG -------------------------------------------------------------------------------------------------------- */

static guint32
read_be32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

/* Bytes of one pass of a PNG's pixels: a filter byte and the pixels of each row. */
static guint64
pass_size (guint64 width, guint64 height, guint bits)
{
  return width > 0 ? ((width * bits + 7) / 8 + 1) * height : 0;
}

/* Bytes that the pixels of a PNG have when they are inflated. header: the content of IHDR. */
static guint64
inflated_size (const guint8 *header)
{
  static const guint8 channels[] = { 1, 0, 3, 1, 2, 0, 4 }; /* by colour type */
  static const guint8 passes[][4] = {
    /* of interlaced ones: x and y of the first pixel, steps */
    { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 },
  };
  guint64 width = read_be32 (header), height = read_be32 (header + 4), sum = 0;
  guint bits = header[9] < G_N_ELEMENTS (channels) ? header[8] * channels[header[9]] : 0;

  if (header[12] == 0)
    return pass_size (width, height, bits);
  for (gsize i = 0; i < G_N_ELEMENTS (passes); i++) {
    const guint8 *pass = passes[i];

    sum += pass_size ((width + pass[2] - 1 - pass[0]) / pass[2], (height + pass[3] - 1 - pass[1]) / pass[3], bits);
  }
  return sum;
}

static const char *
check_png (const guint8 *data, gsize size, GCancellable *cancellable)
{
  g_autoptr (GConverter) inflate = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  guint64 expected = 0, inflated = 0;
  gboolean finished = FALSE, damaged = FALSE;
  guint8 out[16 * 1024]; /* what the pixels become, which is thrown away */
  gsize offset = 8;

  while (size - offset >= 12 && !g_cancellable_is_cancelled (cancellable)) {
    const guint8 *chunk = data + offset;
    gsize length = read_be32 (chunk);

    if (length > size - offset - 12)
      break;
    if (memcmp (chunk + 4, "IHDR", 4) == 0 && length >= 13)
      expected = inflated_size (chunk + 8);
    else if (memcmp (chunk + 4, "IDAT", 4) == 0)
      for (gsize done = 0; done < length && !finished && !damaged;) {
        g_autoptr (GError) error = NULL;
        gsize n_read = 0, n_written = 0;
        GConverterResult result = g_converter_convert (inflate, chunk + 8 + done, length - done, out, sizeof out,
                                                       G_CONVERTER_NO_FLAGS, &n_read, &n_written, &error);

        done += n_read;
        inflated += n_written;
        finished = result == G_CONVERTER_FINISHED;
        if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
          break;
        damaged = result == G_CONVERTER_ERROR;
      }
    offset += 12 + length;
  }
  if (damaged)
    return _("its pixels do not match its checksum");
  if (g_cancellable_is_cancelled (cancellable))
    return NULL;
  return inflated < expected ? _("it is incomplete") : NULL;
}

/* ---- JPEG ------------------------------------------------------------------------------------------------------- */

typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf out;
  gboolean damaged;
} JpegVerdict;

static void
jpeg_failed (j_common_ptr jpeg)
{
  longjmp (((JpegVerdict *) jpeg->err)->out, 1);
}

/* Most warnings are about habits of cameras and programs, and are no damage. */
static void
jpeg_said (j_common_ptr jpeg, int level)
{
  JpegVerdict *verdict = (JpegVerdict *) jpeg->err;

  if (level >= 0)
    return;
  switch (verdict->manager.msg_code) {
  case JWRN_HIT_MARKER: /* the pixels end too early */
  case JWRN_HUFF_BAD_CODE:
  case JWRN_ARITH_BAD_CODE:
  case JWRN_MUST_RESYNC:
  case JWRN_JPEG_EOF: verdict->damaged = TRUE; break;
  default: break;
  }
}

/* Pieces so small that libjpeg-turbo takes its careful way through the codes: the fast one passes over those that stand for
 * nothing. */
#define JPEG_PIECE 256

typedef struct {
  struct jpeg_source_mgr manager;
  const guint8 *rest;
  gsize left;
} JpegSource;

static void
jpeg_source_ignore (j_decompress_ptr jpeg)
{
}

static boolean
jpeg_source_fill (j_decompress_ptr jpeg)
{
  static const JOCTET end[] = { 0xff, JPEG_EOI };
  JpegSource *source = (JpegSource *) jpeg->src;
  gsize n = MIN (source->left, JPEG_PIECE);

  source->manager.next_input_byte = n > 0 ? source->rest : end;
  source->manager.bytes_in_buffer = n > 0 ? n : sizeof end;
  source->rest += n;
  source->left -= n;
  if (n == 0)
    WARNMS (jpeg, JWRN_JPEG_EOF);
  return TRUE;
}

static void
jpeg_source_skip (j_decompress_ptr jpeg, long n_bytes)
{
  JpegSource *source = (JpegSource *) jpeg->src;
  gsize n = MAX (n_bytes, 0), buffered = MIN (n, source->manager.bytes_in_buffer);

  source->manager.next_input_byte += buffered;
  source->manager.bytes_in_buffer -= buffered;
  n = MIN (n - buffered, source->left);
  source->rest += n;
  source->left -= n;
}

static const char *
check_jpeg (const guint8 *data, gsize size, GCancellable *cancellable)
{
  guint8 row[4 * (QUERN_PICTURE_MAX_LOADED_SIDE / 8 + 8)];
  JSAMPROW rows[] = { row };
  struct jpeg_decompress_struct jpeg;
  JpegVerdict verdict = { 0 };
  JpegSource source = { { .init_source = jpeg_source_ignore,
                          .fill_input_buffer = jpeg_source_fill,
                          .skip_input_data = jpeg_source_skip,
                          .resync_to_restart = jpeg_resync_to_restart,
                          .term_source = jpeg_source_ignore },
                        data,
                        size };

  jpeg.err = jpeg_std_error (&verdict.manager);
  verdict.manager.error_exit = jpeg_failed;
  verdict.manager.emit_message = jpeg_said;
  jpeg_create_decompress (&jpeg);
  if (setjmp (verdict.out) == 0) {
    jpeg.src = &source.manager;
    jpeg_read_header (&jpeg, TRUE);
    jpeg.scale_num = 1; /* at an eighth of the size every code is read all the same */
    jpeg.scale_denom = 8;
    jpeg.out_color_space = jpeg.jpeg_color_space;
    jpeg.do_fancy_upsampling = FALSE;
    jpeg_start_decompress (&jpeg);
    while ((gsize) jpeg.output_width * jpeg.output_components <= sizeof row && jpeg.output_scanline < jpeg.output_height
           && !verdict.damaged && !g_cancellable_is_cancelled (cancellable))
      jpeg_read_scanlines (&jpeg, rows, 1);
  } else {
    verdict.damaged = TRUE;
  }
  jpeg_destroy_decompress (&jpeg);
  return verdict.damaged ? _("its pixels are damaged") : NULL;
}

/* ---- GIF -------------------------------------------------------------------------------------------------------- */

/* Bits out of the blocks of a frame: a length, so many bytes, and so on until a length of 0. */
typedef struct {
  const guint8 *data;
  gsize size, offset;
  guint block; /* bytes left in it */
  guint32 bits;
  guint n_bits;
} GifBits;

/* The next code; -1 at the end of the blocks. */
static int
read_code (GifBits *in, guint width)
{
  int code;

  while (in->n_bits < width) {
    if (in->offset >= in->size)
      return -1;
    if (in->block == 0) {
      in->block = in->data[in->offset++];
      if (in->block == 0 || in->offset >= in->size)
        return -1;
    }
    in->bits |= (guint32) in->data[in->offset++] << in->n_bits;
    in->n_bits += 8;
    in->block--;
  }
  code = in->bits & ((1u << width) - 1);
  in->bits >>= width;
  in->n_bits -= width;
  return code;
}

/* How many pixels a frame's codes stand for, up to `wanted`: what strings are made of does not matter, how long they are
 * does. A code that stands for nothing ends it. */
static guint64
count_gif_pixels (GifBits *in, guint first_width, guint64 wanted)
{
  guint16 lengths[4096]; /* of the strings that codes stand for */
  const int clear = 1 << first_width;
  guint width = first_width + 1;
  int next = clear + 2, before = -1;
  guint64 n = 0;

  for (int i = 0; i < clear; i++)
    lengths[i] = 1;
  while (n < wanted) {
    int code = read_code (in, width);

    if (code == clear) {
      width = first_width + 1;
      next = clear + 2;
      before = -1;
      continue;
    }
    if (code < 0 || code == clear + 1 || code > next || (code == next && (before < 0 || next >= 4096))
        || (before < 0 && code > clear))
      break;
    if (before >= 0 && next < 4096) {
      lengths[next++] = lengths[before] + 1;
      if (next == 1 << width && width < 12)
        width++;
    }
    n += lengths[code];
    before = code;
  }
  return n;
}

static const char *
check_gif (const guint8 *data, gsize size, GCancellable *cancellable)
{
  GifBits in = { .data = data, .size = size };
  gsize offset = 13;
  guint64 wanted;

  if (size > 10 && data[10] & 0x80)
    offset += 3 << ((data[10] & 7) + 1);             /* colours */
  while (offset + 2 < size && data[offset] == '!') { /* what comes before the first frame */
    offset += 2;
    while (offset < size && data[offset] != 0)
      offset += 1 + data[offset];
    offset++;
  }
  if (offset >= size || data[offset] != ',' || size - offset < 11)
    return _("it is incomplete");
  wanted = (guint64) (data[offset + 5] | data[offset + 6] << 8) * (data[offset + 7] | data[offset + 8] << 8);
  in.offset = offset + 10 + (data[offset + 9] & 0x80 ? 3 << ((data[offset + 9] & 7) + 1) : 0);
  if (in.offset >= size || data[in.offset] < 1 || data[in.offset] > 11)
    return _("it is incomplete");
  in.offset++;
  return count_gif_pixels (&in, data[in.offset - 1], wanted) < wanted ? _("it is incomplete") : NULL;
}

/**
 * quern_picture_check_pixels:
 * @bytes: a picture file that a loader has accepted
 * @cancellable: (nullable): ends it early, without a finding
 *
 * Looks whether the pixels are whole, as far as the format allows.
 *
 * Returns: (nullable): what is wrong with them, in words to go into brackets; static
 */
const char *
quern_picture_check_pixels (GBytes *bytes, GCancellable *cancellable)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (size >= 8 && memcmp (data, "\x89PNG", 4) == 0)
    return check_png (data, size, cancellable);
  if (size >= 2 && memcmp (data, "\xff\xd8", 2) == 0)
    return check_jpeg (data, size, cancellable);
  if (size >= 4 && memcmp (data, "GIF8", 4) == 0)
    return check_gif (data, size, cancellable);
  return NULL;
}
