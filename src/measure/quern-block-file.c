/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-block-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "quern-measured.h"
#include "quern-sha256.h"

#define PIECE (1 << 20) /* bytes that are read and checked at a time */

/* Another order of bytes, or another layout, is another mark, and so an empty file. */
#define MARK G_GUINT64_CONSTANT (0x31736b636f6c6251) /* "Qblocks1" */

typedef struct {
  guint64 mark;
  char key[64];
} FileHead;

typedef struct {
  guint32 index, crc; /* of the index, the size and the bytes */
  guint64 size;
} BlockHead;

struct _QuernBlockFile {
  char *path;
  int fd;
  GArray *ends; /* of guint64: the byte at which block i ends */
  QuernDigest *digest;
};

static gboolean
fail_errno (QuernBlockFile *self, GError **error)
{
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
               _("“%s” could not be read or written: %s. Free up some space there and continue."), self->path,
               g_strerror (errno));
  return FALSE;
}

/* Reads or writes all of it. Past the end of the file there is nothing to read: EIO. */
static gboolean
transfer (QuernBlockFile *self, guint64 at, gpointer data, gsize size, gboolean write, GError **error)
{
  for (gsize done = 0; done < size;) {
    gssize n = write ? pwrite (self->fd, (char *) data + done, size - done, (off_t) (at + done))
                     : pread (self->fd, (char *) data + done, size - done, (off_t) (at + done));
    if (n == 0)
      errno = EIO;
    if (n <= 0 && errno != EINTR)
      return fail_errno (self, error);
    done += (gsize) MAX (n, 0);
  }
  return TRUE;
}

static void
quern_block_file_begin_crc (QuernBlockFile *self, const BlockHead *head)
{
  quern_digest_reset (self->digest);
  quern_digest_update (self->digest, &head->index, sizeof head->index);
  quern_digest_update (self->digest, &head->size, sizeof head->size);
}

static guint64
quern_block_file_end_of (QuernBlockFile *self, guint n)
{
  return n > 0 ? g_array_index (self->ends, guint64, n - 1) : sizeof (FileHead);
}

/* Reads on from the last block that is known; the file may end anywhere. Returns whether the next block is sound. */
static gboolean
quern_block_file_scan_next (QuernBlockFile *self, guint64 length, char *buffer)
{
  guint64 at = quern_block_file_end_of (self, self->ends->len);
  BlockHead head;

  if (length - at < sizeof head || !transfer (self, at, &head, sizeof head, FALSE, NULL))
    return FALSE;
  at += sizeof head;
  if (head.index != self->ends->len || head.size > length - at)
    return FALSE;
  quern_block_file_begin_crc (self, &head);
  for (guint64 left = head.size; left > 0;) {
    gsize n = MIN (left, PIECE);
    if (!transfer (self, at, buffer, n, FALSE, NULL))
      return FALSE;
    quern_digest_update (self->digest, buffer, n);
    at += n;
    left -= n;
  }
  if (quern_digest_get_crc32 (self->digest) != head.crc)
    return FALSE;
  g_array_append_val (self->ends, at);
  return TRUE;
}

static gboolean
quern_block_file_scan (QuernBlockFile *self, const FileHead *wanted, GCancellable *cancellable, GError **error)
{
  off_t length = lseek (self->fd, 0, SEEK_END);
  g_autofree char *buffer = g_malloc (PIECE);
  FileHead head;

  if (length < 0)
    return fail_errno (self, error);
  if ((gsize) length < sizeof head || !transfer (self, 0, &head, sizeof head, FALSE, NULL)
      || memcmp (&head, wanted, sizeof head) != 0) {
    head = *wanted;
    return ftruncate (self->fd, 0) == 0 ? transfer (self, 0, &head, sizeof head, TRUE, error)
                                        : fail_errno (self, error);
  }
  while (quern_block_file_scan_next (self, (guint64) length, buffer))
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
  return quern_block_file_truncate (self, self->ends->len, error);
}

/**
 * quern_block_file_open:
 * @path: of the file, which is created if it is not there
 * @key: 64 characters that say what the blocks belong to, such as a SHA-256
 *
 * Blocks, as it reads the whole file to check it.
 *
 * Returns: (transfer full) (nullable): the file, with the blocks up to the first damaged one; %NULL with @error set
 */
QuernBlockFile *
quern_block_file_open (const char *path, const char *key, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernBlockFile) self = g_new0 (QuernBlockFile, 1);
  FileHead head = { .mark = MARK };

  self->path = g_strdup (path);
  self->fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  self->ends = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->digest = quern_digest_new_crc32 ();
  if (self->fd < 0) {
    fail_errno (self, error);
    return NULL;
  }
  memcpy (head.key, key, MIN (strlen (key), sizeof head.key));
  return quern_block_file_scan (self, &head, cancellable, error) ? g_steal_pointer (&self) : NULL;
}

void
quern_block_file_free (QuernBlockFile *self)
{
  if (!self)
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_array_unref (self->ends);
  quern_digest_free (self->digest);
  g_free (self->path);
  g_free (self);
}

guint
quern_block_file_get_n (QuernBlockFile *self)
{
  return self->ends->len;
}

/**
 * quern_block_file_get_size:
 *
 * Returns: bytes of block @i
 */
gsize
quern_block_file_get_size (QuernBlockFile *self, guint i)
{
  g_return_val_if_fail (i < self->ends->len, 0);
  return (gsize) (quern_block_file_end_of (self, i + 1) - quern_block_file_end_of (self, i) - sizeof (BlockHead));
}

gboolean
quern_block_file_append (QuernBlockFile *self, gconstpointer data, gsize size, GError **error)
{
  BlockHead head = { .index = self->ends->len, .size = size };
  guint64 at = quern_block_file_end_of (self, self->ends->len), end = at + sizeof head + size;

  quern_block_file_begin_crc (self, &head);
  quern_digest_update (self->digest, data, size);
  head.crc = quern_digest_get_crc32 (self->digest);
  if (!transfer (self, at, &head, sizeof head, TRUE, error)
      || !transfer (self, at + sizeof head, (gpointer) data, size, TRUE, error))
    return FALSE;
  g_array_append_val (self->ends, end);
  return TRUE;
}

/**
 * quern_block_file_read:
 * @out: (out caller-allocates) (array length=size): the bytes of block @i
 * @size: that it must have
 *
 * Returns: %FALSE with @error set; %QUERN_COMPARE_ERROR_DAMAGED if the block is not what was written
 */
gboolean
quern_block_file_read (QuernBlockFile *self, guint i, gpointer out, gsize size, GError **error)
{
  BlockHead head;
  guint64 at = quern_block_file_end_of (self, i);

  g_return_val_if_fail (i < self->ends->len, FALSE);
  if (!transfer (self, at, &head, sizeof head, FALSE, error))
    return FALSE;
  if (head.index == i && head.size == size && size == quern_block_file_get_size (self, i)) {
    if (!transfer (self, at + sizeof head, out, size, FALSE, error))
      return FALSE;
    quern_block_file_begin_crc (self, &head);
    quern_digest_update (self->digest, out, size);
    if (quern_digest_get_crc32 (self->digest) == head.crc)
      return TRUE;
  }
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_DAMAGED,
               _("“%s” is damaged; what it held is measured again. If this happens often, check the disk."),
               self->path);
  return FALSE;
}

/**
 * quern_block_file_dup_block:
 *
 * Returns: (transfer full) (nullable): the bytes of block @i
 */
GBytes *
quern_block_file_dup_block (QuernBlockFile *self, guint i, GError **error)
{
  gsize size = quern_block_file_get_size (self, i);
  g_autofree char *data = g_malloc (size);

  return quern_block_file_read (self, i, data, size, error) ? g_bytes_new_take (g_steal_pointer (&data), size) : NULL;
}

/**
 * quern_block_file_truncate:
 * @n: how many blocks stay
 */
gboolean
quern_block_file_truncate (QuernBlockFile *self, guint n, GError **error)
{
  if (n < self->ends->len)
    g_array_set_size (self->ends, n);
  return ftruncate (self->fd, (off_t) quern_block_file_end_of (self, self->ends->len)) == 0 || fail_errno (self, error);
}
