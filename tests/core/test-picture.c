/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>
#include <unistd.h>

/* 6 x 4: red left, blue right, a green corner at the bottom left: every turn and flip of it looks different. */
static GdkPixbuf *
sample (gboolean with_alpha)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, with_alpha, 8, 48, 32);
  g_autoptr (GdkPixbuf) right = gdk_pixbuf_new_subpixbuf (pixbuf, 24, 0, 24, 32);
  g_autoptr (GdkPixbuf) corner = gdk_pixbuf_new_subpixbuf (pixbuf, 0, 16, 16, 16);

  gdk_pixbuf_fill (pixbuf, 0xff0000ff);
  gdk_pixbuf_fill (right, 0x0000ffff);
  gdk_pixbuf_fill (corner, 0x00ff00ff);
  return pixbuf;
}

static GBytes *
save (GdkPixbuf *pixbuf, const char *type)
{
  g_autoptr (GError) error = NULL;
  char *buffer;
  gsize size;

  gdk_pixbuf_save_to_buffer (pixbuf, &buffer, &size, type, &error, NULL);
  g_assert_no_error (error);
  return g_bytes_new_take (buffer, size);
}

static GBytes *
sample_file (const char *type)
{
  g_autoptr (GdkPixbuf) pixbuf = sample (FALSE);

  return save (pixbuf, type);
}

/* Within what lossy formats do to a flat area. */
static void
assert_colour (QuernPicture *picture, guint x, guint y, guint32 rgb)
{
  const guint8 *p = g_bytes_get_data (quern_picture_get_pixels (picture), NULL);

  p += (y * quern_picture_get_width (picture) + x) * 3;
  g_test_message ("at %u %u: %02x%02x%02x", x, y, p[0], p[1], p[2]);
  g_assert_cmpint (ABS (p[0] - (int) (rgb >> 16)), <=, 12);
  g_assert_cmpint (ABS (p[1] - (int) (rgb >> 8 & 255)), <=, 12);
  g_assert_cmpint (ABS (p[2] - (int) (rgb & 255)), <=, 12);
}

static void
assert_sample (QuernPicture *picture)
{
  g_assert_cmpuint (quern_picture_get_width (picture), ==, 48);
  g_assert_cmpuint (quern_picture_get_height (picture), ==, 32);
  g_assert_cmpuint (g_bytes_get_size (quern_picture_get_pixels (picture)), ==, 48 * 32 * 3);
  assert_colour (picture, 6, 6, 0xff0000);
  assert_colour (picture, 40, 6, 0x0000ff);
  assert_colour (picture, 40, 28, 0x0000ff);
  assert_colour (picture, 6, 26, 0x00ff00);
}

static void
test_formats (gconstpointer data)
{
  const char *const *format = data; /* type of gdk-pixbuf, MIME type */
  g_autoptr (GBytes) bytes = sample_file (format[0]);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  assert_sample (picture);
  g_assert_cmpstr (quern_picture_get_mime_type (picture), ==, format[1]);
  g_assert_true (quern_picture_get_source (picture) == bytes);
}

/* 8 x 4, two frames: the first red, the second blue. Written by hand: nothing here saves GIF. */
static void
test_gif (void)
{
  static const guint8 gif[] = {
    'G',  'I',  'F',  '8',  '9',  'a',  8,    0,    4,    0,    0x80, 0,    0,    0xff, 0,    0,
    0,    0,    0xff, ',',  0,    0,    0,    0,    8,    0,    4,    0,    0,    2,    25,   0x04,
    0x41, 0x10, 0x04, 0x41, 0x10, 0x04, 0x41, 0x10, 0x04, 0x41, 0x10, 0x04, 0x41, 0x10, 0x04, 0x41,
    0x10, 0x04, 0x41, 0x10, 0x04, 0x41, 0x10, 0x05, 0,    ',',  0,    0,    0,    0,    8,    0,
    4,    0,    0,    2,    25,   0x0c, 0xc3, 0x30, 0x0c, 0xc3, 0x30, 0x0c, 0xc3, 0x30, 0x0c, 0xc3,
    0x30, 0x0c, 0xc3, 0x30, 0x0c, 0xc3, 0x30, 0x0c, 0xc3, 0x30, 0x0c, 0xc3, 0x30, 0x05, 0,    ';',
  };
  g_autoptr (GBytes) bytes = g_bytes_new_static (gif, sizeof gif);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (quern_picture_get_width (picture), ==, 8);
  g_assert_cmpuint (quern_picture_get_height (picture), ==, 4);
  assert_colour (picture, 0, 0, 0xff0000);
}

static void
test_transparent_is_white (void)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, 2, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (QuernPicture) picture = NULL;
  static const guint8 rgba[] = { 10, 20, 30, 0, 0, 0, 200, 128 };

  memcpy (gdk_pixbuf_get_pixels (pixbuf), rgba, sizeof rgba);
  bytes = save (pixbuf, "png");
  picture = quern_picture_new_from_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  assert_colour (picture, 0, 0, 0xffffff);
  assert_colour (picture, 1, 0, 0x7f7fe3);
}

/* A JPEG with an EXIF block in front that says nothing but the orientation. */
static GBytes *
turned_jpeg (guint8 orientation)
{
  g_autoptr (GBytes) plain = sample_file ("jpeg");
  guint8 exif[] = { 0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M',         0, 42, 0, 0, 0, 8,
                    0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   orientation, 0, 0,  0, 0, 0, 0 };
  GByteArray *array = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (plain, &size);

  g_byte_array_append (array, data, 2);
  g_byte_array_append (array, exif, sizeof exif);
  g_byte_array_append (array, data + 2, size - 2);
  return g_byte_array_free_to_bytes (array);
}

static guint32
crc32_of (const guint8 *data, gsize size)
{
  guint32 crc = 0xffffffff;

  for (gsize i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/* A PNG with an eXIf chunk, little-endian, behind its header. */
static GBytes *
turned_png (guint8 orientation)
{
  g_autoptr (GBytes) plain = sample_file ("png");
  guint8 exif[] = { 0,    0, 0, 26, 'e', 'X', 'I', 'f',         'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12,
                    0x01, 3, 0, 1,  0,   0,   0,   orientation, 0,   0,   0,  0, 0, 0, 0, 1, 2, 3, 4 };
  GByteArray *array = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (plain, &size);
  guint32 checksum = GUINT32_TO_BE (crc32_of (exif + 4, 30));

  memcpy (exif + 34, &checksum, 4);
  g_byte_array_append (array, data, 33);
  g_byte_array_append (array, exif, sizeof exif);
  g_byte_array_append (array, data + 33, size - 33);
  return g_byte_array_free_to_bytes (array);
}

/* A WebP with an EXIF chunk at its end. */
static GBytes *
turned_webp (guint8 orientation)
{
  g_autoptr (GBytes) plain = sample_file ("webp");
  guint8 exif[] = { 'E', 'X',  'I',  'F', 26, 0, 0, 0, 'M', 'M', 0,           42, 0, 0, 0, 8, 0,
                    1,   0x01, 0x12, 0,   3,  0, 0, 0, 1,   0,   orientation, 0,  0, 0, 0, 0, 0 };
  GByteArray *array = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (plain, &size);
  guint32 length = GUINT32_TO_LE ((guint32) (size + sizeof exif - 8));

  g_byte_array_append (array, data, size);
  g_byte_array_append (array, exif, sizeof exif);
  memcpy (array->data + 4, &length, 4);
  return g_byte_array_free_to_bytes (array);
}

static void
test_orientation (gconstpointer data)
{
  /* where the green corner comes out: to the right, down; and whether the sides are exchanged */
  static const struct {
    gboolean right, down, turned;
  } want[] = {
    { FALSE, TRUE, FALSE }, { TRUE, TRUE, FALSE },  { TRUE, FALSE, FALSE }, { FALSE, FALSE, FALSE },
    { TRUE, FALSE, TRUE },  { FALSE, FALSE, TRUE }, { FALSE, TRUE, TRUE },  { TRUE, TRUE, TRUE },
  };
  GBytes *(*make) (guint8 orientation) = data;

  for (guint8 i = 0; i < G_N_ELEMENTS (want); i++) {
    g_autoptr (GBytes) bytes = make (i + 1);
    g_autoptr (GError) error = NULL;
    g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (bytes, NULL, &error);
    guint width = want[i].turned ? 32 : 48, height = want[i].turned ? 48 : 32;

    g_assert_no_error (error);
    g_test_message ("orientation %d", i + 1);
    g_assert_cmpuint (quern_picture_get_width (picture), ==, width);
    g_assert_cmpuint (quern_picture_get_height (picture), ==, height);
    assert_colour (picture, want[i].right ? width - 5 : 4, want[i].down ? height - 5 : 4, 0x00ff00);
  }
}

static void
assert_refused (GBytes *bytes, QuernPictureError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  QuernPicture *picture = quern_picture_new_from_bytes (bytes, NULL, &error);

  g_assert_null (picture);
  g_test_message ("%s", error->message);
  g_assert_error (error, QUERN_PICTURE_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_not_a_picture (void)
{
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) text = g_bytes_new_static ("Dear Sir or Madam", 17);
  g_autoptr (GBytes) svg = g_bytes_new_static ("<svg xmlns='http://www.w3.org/2000/svg'/>", 41);
  g_autoptr (GBytes) jpeg_start = g_bytes_new_static ("\xff\xd8", 2);

  assert_refused (empty, QUERN_PICTURE_ERROR_NOT_A_PICTURE, "not a picture");
  assert_refused (text, QUERN_PICTURE_ERROR_NOT_A_PICTURE, "not a picture");
  assert_refused (svg, QUERN_PICTURE_ERROR_NOT_A_PICTURE, "not a picture");
  assert_refused (jpeg_start, QUERN_PICTURE_ERROR_NOT_A_PICTURE, "not a picture");
}

/* Every beginning of every format is refused with a sentence, never a crash, and never passes for a whole picture. */
static void
test_truncated (gconstpointer data)
{
  const char *const *format = data;
  g_autoptr (GdkPixbuf) noise = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 48, 32);
  guint8 *pixels = gdk_pixbuf_get_pixels (noise);
  g_autoptr (GBytes) whole = NULL;
  gsize size;

  for (gsize i = 0; i < gdk_pixbuf_get_byte_length (noise); i++)
    pixels[i] = g_str_hash (format[0]) * (i + 1) * (i + 7) >> 13;
  whole = save (noise, format[0]);
  size = g_bytes_get_size (whole);

  for (gsize n = 16; n < size / 2; n += 1 + n / 16) {
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (whole, 0, n);
    assert_refused (part, QUERN_PICTURE_ERROR_DAMAGED, "damaged");
  }
}

/* ---- destroyed pixel data in a container that is well ------------------------------------------------------------- */

static GdkPixbuf *
noise (void)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 160, 120);
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);
  guint32 state = 1;

  for (gsize i = 0; i < gdk_pixbuf_get_byte_length (pixbuf); i++)
    pixels[i] = (state = state * 1664525 + 1013904223) >> 24;
  return pixbuf;
}

static GByteArray *
noise_file (const char *type)
{
  g_autoptr (GdkPixbuf) pixbuf = noise ();

  return g_bytes_unref_to_array (save (pixbuf, type));
}

static gsize
find (GByteArray *file, const char *what, gsize length)
{
  const guint8 *found = memmem (file->data, file->len, what, length);

  g_assert_nonnull (found);
  return found - file->data;
}

static void
put_be32 (guint8 *p, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (p, &value, 4);
}

static void
assert_damaged (GByteArray *file)
{
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (file);

  assert_refused (bytes, QUERN_PICTURE_ERROR_DAMAGED, "damaged");
}

static void
test_destroyed_png (void)
{
  for (guint kind = 0; kind < 4; kind++) {
    GByteArray *file = noise_file ("png");
    gsize idat = find (file, "IDAT", 4);
    guint32 length = (guint32) file->data[idat - 4] << 24 | file->data[idat - 3] << 16 | file->data[idat - 2] << 8
                     | file->data[idat - 1];

    g_test_message ("kind %u, %u bytes", kind, length);
    if (kind == 0 || kind == 1) /* other bytes; with the checksum of those, and without */
      memset (file->data + idat + 4 + length / 2, 0x55, length / 4);
    else if (kind == 2) /* one bit of one pixel, which only the checksum of the pixels tells */
      file->data[idat + 4 + length / 2] ^= 1;
    else /* half of them, and the container put right */
    {
      g_byte_array_remove_range (file, idat + 4 + length / 2, length - length / 2);
      length /= 2;
      put_be32 (file->data + idat - 4, length);
    }
    if (kind != 0)
      put_be32 (file->data + idat + 4 + length, crc32_of (file->data + idat, length + 4));
    assert_damaged (file);
  }
}

static void
test_destroyed_jpeg (void)
{
  for (guint kind = 0; kind < 3; kind++) {
    GByteArray *file = noise_file ("jpeg");
    gsize scan = find (file, "\xff\xda", 2) + 14, length = file->len - 2 - scan;

    g_test_message ("kind %u, %zu bytes", kind, length);
    if (kind == 0)
      g_byte_array_remove_range (file, scan + length / 2, length - length / 2);
    else /* codes that are none; markers where none may be */
      for (gsize i = length / 6 * 2; i < length / 4 * 2; i++)
        file->data[scan + i] = i % 2 == 0 ? 0xff : kind == 1 ? 0 : 0xd4;
    assert_damaged (file);
  }
}

/* The frame's blocks end early, and so does the file, as it should. */
static void
test_destroyed_gif (void)
{
  static const guint8 cut[] = {
    'G', 'I', 'F', '8', '9', 'a', 8, 0, 4, 0, 0x80, 0, 0,    0xff, 0,    0,    0,    0, 0xff,
    ',', 0,   0,   0,   0,   8,   0, 4, 0, 0, 2,    5, 0x04, 0x41, 0x10, 0x04, 0x41, 0, ';',
  };
  static const guint8 bad[] = {
    'G', 'I', 'F', '8', '9', 'a', 8, 0, 4,  0,    0x80, 0,    0,    0xff, 0,    0,    0,    0,    0xff, ',',  0, 0,
    0,   0,   8,   0,   4,   0,   0, 2, 11, 0x04, 0x41, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0, ';',
  };

  assert_damaged (g_byte_array_append (g_byte_array_new (), cut, sizeof cut));
  assert_damaged (g_byte_array_append (g_byte_array_new (), bad, sizeof bad));
}

static void
test_destroyed_webp (void)
{
  GByteArray *file = noise_file ("webp");
  gsize chunk = find (file, "VP8", 3);
  guint32 left = file->len / 2 / 2 * 2, riff = GUINT32_TO_LE (left - 8),
          inside = GUINT32_TO_LE ((guint32) (left - chunk - 8));

  g_byte_array_set_size (file, left);
  memcpy (file->data + 4, &riff, 4);
  memcpy (file->data + chunk + 4, &inside, 4);
  assert_damaged (file);
}

static void
test_destroyed_tiff (void)
{
  static const char *const compressions[] = { "5", "8" }; /* LZW, Deflate */

  for (guint i = 0; i < G_N_ELEMENTS (compressions); i++) {
    g_autoptr (GdkPixbuf) pixbuf = noise ();
    g_autoptr (GError) error = NULL;
    GByteArray *file;
    char *buffer;
    gsize size;

    gdk_pixbuf_save_to_buffer (pixbuf, &buffer, &size, "tiff", &error, "compression", compressions[i], NULL);
    g_assert_no_error (error);
    file = g_byte_array_new_take ((guint8 *) buffer, size);
    memset (file->data + size / 3, 0x55, size / 3);
    assert_damaged (file);
  }
}

static GBytes *
with_bytes_at (const char *type, gsize offset, const void *data, gsize length)
{
  g_autoptr (GBytes) bytes = sample_file (type);
  gsize size;
  guint8 *copy = g_memdup2 (g_bytes_get_data (bytes, &size), g_bytes_get_size (bytes));

  size = g_bytes_get_size (bytes);
  g_assert_cmpuint (offset + length, <=, size);
  memcpy (copy + offset, data, length);
  return g_bytes_new_take (copy, size);
}

/* Small files whose headers claim 65535 x 65535 pixels and the like: refused by the header, with the numbers. */
static void
test_bombs (void)
{
  static const guint8 gif[] = "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;";
  static const guint8 bmp_size[] = { 0xf0, 0xff, 0, 0, 0xf0, 0xff, 0, 0 };
  static const guint8 avif_size[] = { 0, 0, 0x40, 0, 0, 0, 0x40, 0 };
  g_autoptr (GBytes) gif_bomb = g_bytes_new_static (gif, sizeof gif - 1);
  g_autoptr (GBytes) bmp_bomb = with_bytes_at ("bmp", 18, bmp_size, sizeof bmp_size);
  g_autoptr (GBytes) avif = sample_file ("avif");
  const guint8 *avif_data = g_bytes_get_data (avif, NULL);
  const guint8 *ispe = memmem (avif_data, g_bytes_get_size (avif), "ispe", 4);
  g_autoptr (GBytes) avif_bomb = NULL;

  assert_refused (gif_bomb, QUERN_PICTURE_ERROR_TOO_LARGE, "65535 × 65535");
  assert_refused (bmp_bomb, QUERN_PICTURE_ERROR_TOO_LARGE, "65520 × 65520");
  g_assert_nonnull (ispe);
  avif_bomb = with_bytes_at ("avif", ispe + 8 - avif_data, avif_size, sizeof avif_size);
  assert_refused (avif_bomb, QUERN_PICTURE_ERROR_TOO_LARGE, "16384 × 16384");
}

static void
assert_loaded (GBytes *bytes, guint width, guint height, guint8 red, guint8 blue)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (bytes, NULL, &error);
  const guint8 *pixels;

  g_assert_no_error (error);
  g_assert_cmpuint (quern_picture_get_width (picture), ==, width);
  g_assert_cmpuint (quern_picture_get_height (picture), ==, height);
  pixels = g_bytes_get_data (quern_picture_get_pixels (picture), NULL);
  g_assert_cmpint (ABS (pixels[0] - red), <=, 3);
  g_assert_cmpint (ABS (pixels[(gsize) width * height * 3 - 1] - blue), <=, 3);
}

/* More than 100 megapixels are made fewer while they are loaded. The picture is red at the top and blue at the bottom; its last
 * row and column are left over when it is halved. */
static void
test_large (void)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 9001, 12001);
  g_autoptr (GdkPixbuf) bottom = gdk_pixbuf_new_subpixbuf (pixbuf, 0, 6000, 9001, 6001);
  g_autoptr (GBytes) png = NULL;
  g_autoptr (GBytes) jpeg = NULL;
  gsize size;
  g_autofree guint8 *cut = NULL;
  g_autoptr (GBytes) damaged = NULL;
  g_autoptr (GError) error = NULL;

  gdk_pixbuf_fill (pixbuf, 0xff0000ff);
  gdk_pixbuf_fill (bottom, 0x0000ffff);
  png = save (pixbuf, "png");
  jpeg = save (pixbuf, "jpeg");
  assert_loaded (png, 4501, 6001, 0xff, 0xff);
  assert_loaded (jpeg, 4501, 6001, 0xff, 0xff);
  cut = g_memdup2 (g_bytes_get_data (png, &size), g_bytes_get_size (png));
  size = g_bytes_get_size (png);
  memset (cut + size / 2, 0x55, 64);
  damaged = g_bytes_new (cut, size);
  g_assert_null (quern_picture_new_from_bytes (damaged, NULL, &error));
  g_assert_error (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_DAMAGED);
}

/* A sound header that asks for more than there may be. */
static void
test_png_bomb (void)
{
  static const guint8 size[] = { 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff };
  g_autoptr (GBytes) bytes = with_bytes_at ("png", 16, size, sizeof size);
  const guint8 *header = (const guint8 *) g_bytes_get_data (bytes, NULL) + 12;
  guint32 crc = 0xffffffff;
  guint8 big_endian[4];
  g_autofree guint8 *data = NULL;
  g_autoptr (GBytes) bomb = NULL;

  for (int i = 0; i < 17; i++) {
    crc ^= header[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  for (int i = 0; i < 4; i++)
    big_endian[i] = (guint8) (~crc >> (24 - 8 * i));
  data = g_memdup2 (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  memcpy (data + 29, big_endian, sizeof big_endian);
  bomb = g_bytes_new (data, g_bytes_get_size (bytes));
  assert_refused (bomb, QUERN_PICTURE_ERROR_TOO_LARGE, "65535 × 65535");
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **out = user_data;

  *out = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("quern-picture-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "picture", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GBytes) bytes = sample_file ("png");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) missing = NULL;
  g_autoptr (QuernPicture) picture = NULL;
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);
  quern_picture_load_file_async (file, NULL, loaded_cb, &result);
  picture = quern_picture_load_finish (wait_for (&result), &error);
  g_assert_no_error (error);
  assert_sample (picture);
  g_assert_true (g_bytes_equal (quern_picture_get_source (picture), bytes));

  g_file_delete (file, NULL, NULL);
  quern_picture_load_file_async (file, NULL, loaded_cb, &missing);
  g_assert_null (quern_picture_load_finish (wait_for (&missing), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (rmdir (folder), ==, 0);
}

static void
test_cancel (void)
{
  g_autoptr (GBytes) bytes = sample_file ("png");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  quern_picture_load_bytes_async (bytes, cancellable, loaded_cb, &result);
  g_assert_null (quern_picture_load_finish (wait_for (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_thumbnail (void)
{
  g_autoptr (GBytes) bytes = sample_file ("png");
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (bytes, NULL, NULL);
  g_autoptr (QuernPicture) small = quern_picture_dup_thumbnail (picture, 12);
  g_autoptr (QuernPicture) same = quern_picture_dup_thumbnail (picture, 48);

  g_assert_cmpuint (quern_picture_get_width (small), ==, 12);
  g_assert_cmpuint (quern_picture_get_height (small), ==, 8);
  assert_colour (small, 1, 1, 0xff0000);
  assert_colour (small, 11, 7, 0x0000ff);
  assert_colour (small, 1, 7, 0x00ff00);
  g_assert_true (same == picture);
}

int
main (int argc, char *argv[])
{
  static const char *const saved[][2] = {
    { "png", "image/png" }, { "jpeg", "image/jpeg" }, { "webp", "image/webp" },
    { "bmp", "image/bmp" }, { "tiff", "image/tiff" }, { "avif", "image/avif" },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (saved); i++) {
    g_autofree char *whole = g_strconcat ("/picture/format/", saved[i][0], NULL);
    g_autofree char *part = g_strconcat ("/picture/truncated/", saved[i][0], NULL);

    g_test_add_data_func (whole, saved[i], test_formats);
    g_test_add_data_func (part, saved[i], test_truncated);
  }
  g_test_add_func ("/picture/format/gif", test_gif);
  g_test_add_func ("/picture/transparent-is-white", test_transparent_is_white);
  g_test_add_data_func ("/picture/orientation/jpeg", turned_jpeg, test_orientation);
  g_test_add_data_func ("/picture/orientation/png", turned_png, test_orientation);
  g_test_add_data_func ("/picture/orientation/webp", turned_webp, test_orientation);
  g_test_add_func ("/picture/not-a-picture", test_not_a_picture);
  g_test_add_func ("/picture/destroyed/png", test_destroyed_png);
  g_test_add_func ("/picture/destroyed/jpeg", test_destroyed_jpeg);
  g_test_add_func ("/picture/destroyed/gif", test_destroyed_gif);
  g_test_add_func ("/picture/destroyed/webp", test_destroyed_webp);
  g_test_add_func ("/picture/destroyed/tiff", test_destroyed_tiff);
  g_test_add_func ("/picture/bombs", test_bombs);
  g_test_add_func ("/picture/large", test_large);
  g_test_add_func ("/picture/png-bomb", test_png_bomb);
  g_test_add_func ("/picture/file", test_file);
  g_test_add_func ("/picture/cancel", test_cancel);
  g_test_add_func ("/picture/thumbnail", test_thumbnail);
  return g_test_run ();
}
