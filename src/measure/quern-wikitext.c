/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-wikitext.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-measured.h"
#include "quern-sha256.h"

#define REPO "datasets/ggml-org/ci"
#define ARCHIVE "wikitext-2-raw-v1.zip"
#define NAME "wiki.test.raw"
#define SHA256 "173c87a53759e0201f33e0ccf978e510c2042d7f2cb78229d9a50d79b9e7dd08"
#define MOST_BYTES (16 * 1024 * 1024) /* of the text, which has 1.3 million */

/* ---- the archive ----------------------------------------------------------------------------------------------- */

static guint
number_at (const guint8 *data, gsize at, guint bytes)
{
  guint number = 0;

  for (guint i = 0; i < bytes; i++)
    number |= (guint) data[at + i] << 8 * i;
  return number;
}

static char *
fail_archive (GError **error)
{
  g_set_error_literal (
      error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
      _("The hub has another archive of WikiText-2 than expected. Use a text of your own, or one of Quern's "
        "categories."));
  return NULL;
}

/* Inflates what is at most MOST_BYTES long. */
static char *
inflate_bytes (const guint8 *data, gsize size, gsize *length, GError **error)
{
  g_autoptr (GZlibDecompressor) zlib = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW);
  g_autofree char *out = g_malloc (MOST_BYTES + 1);
  gsize read = 0, written = 0;
  GConverterResult state = G_CONVERTER_CONVERTED;

  while (state == G_CONVERTER_CONVERTED && written < MOST_BYTES) {
    gsize n_read, n_written;
    state = g_converter_convert (G_CONVERTER (zlib), data + read, size - read, out + written, MOST_BYTES - written,
                                 G_CONVERTER_INPUT_AT_END, &n_read, &n_written, NULL);
    if (state == G_CONVERTER_ERROR)
      return fail_archive (error);
    read += n_read;
    written += n_written;
  }
  if (state != G_CONVERTER_FINISHED)
    return fail_archive (error);
  out[written] = '\0';
  *length = written;
  return g_steal_pointer (&out);
}

/* Unpacks the entry whose record of the directory is at `at`; its size is checked. */
static char *
unpack_entry (const guint8 *data, gsize size, gsize at, gsize *length, GError **error)
{
  const guint method = number_at (data, at + 10, 2);
  const gsize packed = number_at (data, at + 20, 4), offset = number_at (data, at + 42, 4);

  if (offset > size || size - offset < 30 || number_at (data, offset, 4) != 0x04034b50)
    return fail_archive (error);
  const gsize begin = offset + 30 + number_at (data, offset + 26, 2) + number_at (data, offset + 28, 2);
  if (begin > size || packed > size - begin)
    return fail_archive (error);
  if (method == 8)
    return inflate_bytes (data + begin, packed, length, error);
  if (method != 0 || packed > MOST_BYTES)
    return fail_archive (error);
  *length = packed;
  return g_strndup ((const char *) data + begin, packed);
}

/* Finds the text in a ZIP archive, whose directory is at its end. */
char *
_quern_wikitext_unpack (GBytes *archive, gsize *length, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (archive, &size);
  gsize end = size >= 22 ? size - 22 : 0;

  while (end > 0 && size - end < 22 + 65535 && number_at (data, end, 4) != 0x06054b50)
    end--;
  if (size < 22 || number_at (data, end, 4) != 0x06054b50)
    return fail_archive (error);
  gsize at = number_at (data, end + 16, 4);
  for (guint left = number_at (data, end + 10, 2); left > 0; left--) {
    if (at > end || end - at < 46 || number_at (data, at, 4) != 0x02014b50)
      return fail_archive (error);
    gsize name = number_at (data, at + 28, 2), others = number_at (data, at + 30, 2) + number_at (data, at + 32, 2);
    if (name + others > end - at - 46)
      return fail_archive (error);
    if (name >= strlen (NAME) && memcmp (data + at + 46 + name - strlen (NAME), NAME, strlen (NAME)) == 0)
      return unpack_entry (data, size, at, length, error);
    at += 46 + name + others;
  }
  return fail_archive (error);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static gboolean
is_right (const char *text, gsize length, const char *sha256)
{
  g_autofree char *own = quern_sha256_of_data (text, length);

  return g_str_equal (own, sha256);
}

char *
_quern_wikitext_load (QuernHub *hub, const char *repo, const char *sha256, GCancellable *cancellable, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "quern", NULL);
  g_autofree char *path = g_build_filename (folder, NAME, NULL), *kept = NULL, *text = NULL;
  gsize length;

  if (g_file_get_contents (path, &kept, &length, NULL) && is_right (kept, length, sha256))
    return g_steal_pointer (&kept);
  g_autofree char *url = quern_hub_file_url (hub, repo, "main", ARCHIVE);
  g_autoptr (QuernHubAnswer) answer = quern_hub_fetch (hub, url, cancellable, error);
  if (!answer)
    return NULL;
  text = _quern_wikitext_unpack (answer->body, &length, error);
  if (!text)
    return NULL;
  if (!is_right (text, length, sha256))
    return fail_archive (error);
  /* It is only kept to save the next download. */
  g_mkdir_with_parents (folder, 0700);
  g_file_set_contents (path, text, (gssize) length, NULL);
  return g_steal_pointer (&text);
}

/**
 * quern_wikitext_load:
 *
 * Blocks: for worker threads.
 *
 * Returns: (transfer full) (nullable): the text, or %NULL with @error set
 */
char *
quern_wikitext_load (QuernHub *hub, GCancellable *cancellable, GError **error)
{
  return _quern_wikitext_load (hub, REPO, SHA256, cancellable, error);
}

static void
quern_wikitext_load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *text = quern_wikitext_load (source, cancellable, &error);

  if (text)
    g_task_return_pointer (task, text, g_free);
  else
    g_task_return_error (task, error);
}

void
quern_wikitext_load_async (QuernHub *hub, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (hub, cancellable, callback, user_data);

  g_task_run_in_thread (task, quern_wikitext_load_thread);
}

/**
 * quern_wikitext_load_finish:
 *
 * Returns: (transfer full) (nullable): the text, or %NULL with @error set
 */
char *
quern_wikitext_load_finish (QuernHub *hub, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
