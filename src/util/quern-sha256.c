/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-sha256.h"

#include <gcrypt.h>
#include <string.h>

struct _QuernDigest {
  gcry_md_hd_t handle;
  int algorithm;
};

/* libsecret uses the same library: whoever comes first sets it up. */
static void
ensure_library (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    if (!gcry_control (GCRYCTL_INITIALIZATION_FINISHED_P)) {
      gcry_check_version (NULL);
      gcry_control (GCRYCTL_DISABLE_SECMEM, 0); /* nothing secret is hashed here */
      gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
    g_once_init_leave (&once, 1);
  }
}

static QuernDigest *
digest_new (int algorithm)
{
  QuernDigest *digest = g_new0 (QuernDigest, 1);

  ensure_library ();
  digest->algorithm = algorithm;
  if (gcry_md_open (&digest->handle, algorithm, 0) != 0)
    g_error ("libgcrypt lacks %s", gcry_md_algo_name (algorithm)); /* broken installation; nothing can be verified */
  return digest;
}

QuernDigest *
quern_digest_new_sha256 (void)
{
  return digest_new (GCRY_MD_SHA256);
}

/* A short sum to find damage with, not to prove anything: CRC-32, or where FIPS mode forbids that, the beginning of a
 * SHA-256. */
QuernDigest *
quern_digest_new_crc32 (void)
{
  ensure_library ();
  return digest_new (gcry_md_test_algo (GCRY_MD_CRC32) == 0 ? GCRY_MD_CRC32 : GCRY_MD_SHA256);
}

/* Returns: (transfer full): a second digest that stands where this one stands now */
QuernDigest *
quern_digest_copy (QuernDigest *digest)
{
  QuernDigest *copy = g_new0 (QuernDigest, 1);

  copy->algorithm = digest->algorithm;
  if (gcry_md_copy (&copy->handle, digest->handle) != 0)
    g_error ("out of memory"); /* as g_malloc() does */
  return copy;
}

void
quern_digest_free (QuernDigest *digest)
{
  if (digest == NULL)
    return;
  gcry_md_close (digest->handle);
  g_free (digest);
}

void
quern_digest_reset (QuernDigest *digest)
{
  gcry_md_reset (digest->handle);
}

void
quern_digest_update (QuernDigest *digest, gconstpointer data, gsize size)
{
  gcry_md_write (digest->handle, data, size);
}

/**
 * quern_digest_get_crc32:
 * @digest: a digest made by quern_digest_new_crc32()
 *
 * Returns: the sum of what came so far; more may follow
 */
guint32
quern_digest_get_crc32 (QuernDigest *digest)
{
  g_autoptr (QuernDigest) copy = quern_digest_copy (digest);
  guint32 crc;

  memcpy (&crc, gcry_md_read (copy->handle, copy->algorithm), sizeof crc);
  return GUINT32_FROM_BE (crc);
}

/**
 * quern_digest_dup_hex:
 * @digest: a digest; it is finished by this
 *
 * Returns: (transfer full): its value in lower-case hexadecimal digits
 */
char *
quern_digest_dup_hex (QuernDigest *digest)
{
  const guint8 *bytes = gcry_md_read (digest->handle, digest->algorithm);
  guint size = gcry_md_get_algo_dlen (digest->algorithm);
  GString *text = g_string_sized_new (2 * size);

  for (guint i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

char *
quern_sha256_of_data (gconstpointer data, gsize size)
{
  g_autoptr (QuernDigest) digest = quern_digest_new_sha256 ();

  quern_digest_update (digest, data, size);
  return quern_digest_dup_hex (digest);
}

/**
 * quern_sha256_of_file:
 * @path: a file
 * @done: (nullable): counts the bytes read, for another thread to look at (atomically)
 *
 * Blocks: for use in worker threads.
 *
 * Returns: (transfer full) (nullable): 64 hexadecimal digits, or %NULL with @error set
 */
char *
quern_sha256_of_file (const char *path, guint64 *done, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) in = g_file_read (file, cancellable, error);
  g_autoptr (QuernDigest) digest = NULL;
  g_autofree char *buffer = NULL;
  const gsize size = 1024 * 1024;
  gssize n;

  if (in == NULL)
    return NULL;
  digest = quern_digest_new_sha256 ();
  buffer = g_malloc (size);
  while ((n = g_input_stream_read (G_INPUT_STREAM (in), buffer, size, cancellable, error)) > 0) {
    quern_digest_update (digest, buffer, n);
    if (done != NULL)
      __atomic_add_fetch (done, n, __ATOMIC_RELAXED);
  }
  return n < 0 ? NULL : quern_digest_dup_hex (digest);
}

/* TRUE for 64 lower-case hexadecimal digits. */
gboolean
quern_sha256_is_valid (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

/**
 * quern_sha256_from_text:
 * @text: (nullable): what may be a hash, as hubs write it: in capitals or not, "sha256:" before it or not
 *
 * Returns: (transfer full) (nullable): the hash in lower case, as everything here compares it
 */
char *
quern_sha256_from_text (const char *text)
{
  g_autofree char *lower = text != NULL ? g_ascii_strdown (text, -1) : NULL;
  const char *hash = lower != NULL && g_str_has_prefix (lower, "sha256:") ? lower + strlen ("sha256:") : lower;

  return quern_sha256_is_valid (hash) ? g_strdup (hash) : NULL;
}
