/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-picture-header.h"

#include <string.h>

static guint32
read_number (const guint8 *p, guint n_bytes, gboolean little_endian)
{
  guint32 value = 0;

  for (guint i = 0; i < n_bytes; i++)
    value = value << 8 | p[little_endian ? n_bytes - 1 - i : i];
  return value;
}

/**
 * quern_picture_header_next_box:
 * @data: a HEIC or AVIF file
 * @size: its size
 * @cursor: (inout): where to go on, 0 at first
 * @width: (out): of a picture or tile
 * @height: (out): of a picture or tile
 *
 * Finds sizes that the file states. Loaders of these formats tell the size only after decoding; the file has it in
 * "ispe" boxes, one for each tile and one for the whole. They are looked for everywhere instead of by way of the boxes
 * around them, so that an odd nesting hides none.
 *
 * Returns: %FALSE when there are no more
 */
gboolean
quern_picture_header_next_box (const guint8 *data, gsize size, gsize *cursor, guint32 *width, guint32 *height)
{
  while (*cursor < size) {
    const guint8 *box = memmem (data + *cursor, size - *cursor, "ispe", 4);

    if (box == NULL || size - (box - data) < 16)
      return FALSE;
    *cursor = box + 4 - data;
    if (read_number (box + 4, 4, FALSE) != 0) /* version and flags */
      continue;
    *width = read_number (box + 8, 4, FALSE);
    *height = read_number (box + 12, 4, FALSE);
    return TRUE;
  }
  return FALSE;
}

/* The content of the first chunk of a PNG or WebP file that is called `name`; NULL if there is none. */
static const guint8 *
find_chunk (const guint8 *data, gsize size, gboolean png, const char *name, gsize *length)
{
  gsize offset = png ? 8 : 12, name_at = png ? 4 : 0, length_at = png ? 0 : 4;

  while (offset + 8 <= size) {
    gsize n = read_number (data + offset + length_at, 4, !png);

    if (n > size - offset - 8)
      return NULL;
    if (memcmp (data + offset + name_at, name, 4) == 0) {
      *length = n;
      return data + offset + 8;
    }
    offset += 8 + n + (png ? 4 : n % 2); /* a checksum, or padding */
  }
  return NULL;
}

/* The end marker is looked for after the start of the first scan, because a preview in the header has one too. */
static gboolean
jpeg_is_whole (const guint8 *data, gsize size)
{
  gsize offset = 2;

  while (offset + 4 <= size && data[offset] == 0xff) {
    guint8 marker = data[offset + 1];

    if (marker == 0xff) /* padding */
      offset++;
    else if (marker == 0xda)
      return memmem (data + offset, size - offset, "\xff\xd9", 2) != NULL;
    else
      offset += 2 + read_number (data + offset + 2, 2, FALSE);
  }
  return FALSE;
}

/* Whether the rows of a JPEG follow each other; progressive ones are in memory as a whole before the first pixel is made. */
static gboolean
jpeg_is_sequential (const guint8 *data, gsize size)
{
  gsize offset = 2;

  while (offset + 4 <= size && data[offset] == 0xff) {
    guint8 marker = data[offset + 1];

    if (marker == 0xff) /* padding */
      offset++;
    else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
      return marker <= 0xc1;
    else
      offset += 2 + read_number (data + offset + 2, 2, FALSE);
  }
  return FALSE;
}

/**
 * quern_picture_header_is_sequential:
 * @data: a picture file
 * @size: its size
 *
 * Returns: whether it can be made smaller while it is read, row by row
 */
gboolean
quern_picture_header_is_sequential (const guint8 *data, gsize size)
{
  gsize length = 0;
  const guint8 *header;

  if (size >= 2 && memcmp (data, "\xff\xd8", 2) == 0)
    return jpeg_is_sequential (data, size);
  header = size >= 8 && memcmp (data, "\x89PNG", 4) == 0 ? find_chunk (data, size, TRUE, "IHDR", &length) : NULL;
  return header != NULL && length >= 13 && header[12] == 0; /* not interlaced */
}

/* Uncompressed rows, as many as the header says. */
static gboolean
bmp_is_whole (const guint8 *data, gsize size)
{
  gint32 height;
  guint64 row;

  if (size < 54)
    return FALSE;
  if (read_number (data + 14, 4, TRUE) < 40 || read_number (data + 30, 4, TRUE) != 0)
    return TRUE; /* an older header, or compressed rows: only the loader knows */
  height = (gint32) read_number (data + 22, 4, TRUE);
  row = ((guint64) read_number (data + 18, 4, TRUE) * read_number (data + 28, 2, TRUE) + 31) / 32 * 4;
  return row <= size && read_number (data + 10, 4, TRUE) + row * (guint32) ABS ((gint64) height) <= size;
}

/**
 * quern_picture_header_is_whole:
 * @data: a picture file
 * @size: its size
 *
 * Loaders show what there is of a PNG, JPEG or BMP file that was cut, and fill the rest with grey. A model would describe
 * that as if it were the picture.
 *
 * Returns: %FALSE for such a file that ends too early
 */
gboolean
quern_picture_header_is_whole (const guint8 *data, gsize size)
{
  gsize length;

  if (size >= 8 && memcmp (data, "\x89PNG", 4) == 0)
    return find_chunk (data, size, TRUE, "IEND", &length) != NULL;
  if (size >= 2 && memcmp (data, "\xff\xd8", 2) == 0)
    return jpeg_is_whole (data, size);
  if (size >= 2 && memcmp (data, "BM", 2) == 0)
    return bmp_is_whole (data, size);
  return TRUE;
}

/* Orientation in an EXIF block, 0 if there is none: a TIFF header and a directory of 12-byte entries. */
static guint
exif_orientation (const guint8 *data, gsize size)
{
  gboolean little_endian;
  gsize directory, n;

  if (size >= 6 && memcmp (data, "Exif\0\0", 6) == 0) {
    data += 6;
    size -= 6;
  }
  if (size < 8 || (memcmp (data, "II*\0", 4) != 0 && memcmp (data, "MM\0*", 4) != 0))
    return 0;
  little_endian = data[0] == 'I';
  directory = read_number (data + 4, 4, little_endian);
  if (directory > size - 2)
    return 0;
  n = MIN (read_number (data + directory, 2, little_endian), (size - directory - 2) / 12);
  for (gsize i = 0; i < n; i++) {
    const guint8 *entry = data + directory + 2 + i * 12;

    if (read_number (entry, 2, little_endian) == 0x112 && read_number (entry + 2, 2, little_endian) == 3)
      return read_number (entry + 8, 2, little_endian);
  }
  return 0;
}

/**
 * quern_picture_header_orientation:
 * @data: a picture file
 * @size: its size
 *
 * Finds the orientation where loaders do not: in PNG and WebP.
 *
 * Returns: EXIF's number, 1 to 8, or 0 when there is none
 */
guint
quern_picture_header_orientation (const guint8 *data, gsize size)
{
  const guint8 *chunk = NULL;
  gsize length = 0;
  guint orientation;

  if (size >= 8 && memcmp (data, "\x89PNG", 4) == 0)
    chunk = find_chunk (data, size, TRUE, "eXIf", &length);
  else if (size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    chunk = find_chunk (data, size, FALSE, "EXIF", &length);
  orientation = chunk != NULL ? exif_orientation (chunk, length) : 0;
  return orientation <= 8 ? orientation : 0;
}
