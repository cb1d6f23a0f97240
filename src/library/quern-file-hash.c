/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-file-hash.h"

#include <string.h>

#include "quern-model-private.h"
#include "quern-sha256.h"

/* Hashes of large files, remembered in the cache folder: reading 20 GB takes a minute even where hashing does not. A hash
 * holds as long as the file at its path is the same one, of the same size, and was not written to since. */

#define MOST_HASHES 500                              /* more are forgotten, all at once */
#define SETTLED (G_GINT64_CONSTANT (2) * 1000000000) /* ns; a file that was just written to may be so again unnoticed */

static char *
dup_cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "quern", "hashes", NULL);
}

static char *
dup_stamp_text (const QuernFileStamp *stamp)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT,
                          (guint64) stamp->id.inode, (gint64) stamp->id.born, stamp->size, stamp->modified);
}

/* The cache is read and written as a whole. Two programs that write at once lose an entry of one of them, no more. */
static GKeyFile *
read_cache (void)
{
  g_autofree char *path = dup_cache_path ();
  GKeyFile *cache = g_key_file_new ();

  g_key_file_load_from_file (cache, path, G_KEY_FILE_NONE, NULL);
  return cache;
}

static void
write_cache (const char *group, const char *stamp, const char *hash)
{
  g_autoptr (GKeyFile) cache = read_cache ();
  g_autofree char *path = dup_cache_path (), *folder = g_path_get_dirname (path);
  gsize n;

  g_strfreev (g_key_file_get_groups (cache, &n));
  if (n >= MOST_HASHES) {
    g_key_file_unref (cache);
    cache = g_key_file_new ();
  }
  g_key_file_set_string (cache, group, "stamp", stamp);
  g_key_file_set_string (cache, group, "sha256", hash);
  g_mkdir_with_parents (folder, 0700);
  /* A cache that cannot be written is none; the file is read again the next time. */
  g_key_file_save_to_file (cache, path, NULL);
}

static char *
look_up (const char *group, const char *stamp)
{
  g_autoptr (GKeyFile) cache = read_cache ();
  g_autofree char *known = g_key_file_get_string (cache, group, "stamp", NULL);
  g_autofree char *hash = g_key_file_get_string (cache, group, "sha256", NULL);

  return g_strcmp0 (known, stamp) == 0 && quern_sha256_is_valid (hash) ? g_steal_pointer (&hash) : NULL;
}

/**
 * quern_file_hash:
 * @path: a file, or a link to one
 *
 * The SHA-256 of a file, read from the cache where the file has not changed since. Blocks: for use in worker threads.
 *
 * Returns: (transfer full) (nullable): 64 hexadecimal digits, or %NULL with @error set
 */
char *
quern_file_hash (const char *path, GCancellable *cancellable, GError **error)
{
  g_autofree char *group = quern_sha256_of_data (path, strlen (path)); /* paths may have what names of groups may not */
  g_autofree char *stamp = NULL, *again = NULL;
  QuernFileStamp before, after;
  char *hash;

  if (!_quern_file_stamp (path, TRUE, &before))
    return quern_sha256_of_file (path, NULL, cancellable, error); /* which says what is wrong with it */
  stamp = dup_stamp_text (&before);
  hash = look_up (group, stamp);
  if (hash)
    return hash;
  hash = quern_sha256_of_file (path, NULL, cancellable, error);
  if (!hash || !_quern_file_stamp (path, TRUE, &after))
    return hash;
  again = dup_stamp_text (&after);
  if (g_str_equal (stamp, again) && g_get_real_time () * 1000 - after.modified > SETTLED)
    write_cache (group, stamp, hash);
  return hash;
}
