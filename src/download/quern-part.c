/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-part.h"

#include "quern-sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIN_CHUNK (128 * 1024)
#define MAX_CHUNK (16 * 1024 * 1024)
#define SAVE_INTERVAL (G_USEC_PER_SEC / 10)
#define SPACE_MARGIN (32 * 1024 * 1024) /* left free on the disk, for the database and the rest of the system */

G_DEFINE_QUARK (quern - download - error - quark, quern_download_error)

typedef struct {
  guint32 have; /* bytes from the chunk's start that are on disk */
  guint32 crc;  /* of them */
} Chunk;

struct _QuernPart {
  char *path, *part_path, *facts_path;
  int fd;
  guint64 size;
  char *sha256; /* NULL: unknown */
  guint32 chunk_size;
  guint n_chunks;

  GMutex save_lock; /* one writer of the facts at a time */
  GMutex lock;      /* everything below */
  Chunk *chunks;
  guint64 bytes;   /* sum of have */
  gint64 saved;    /* monotonic time */
  char *validator; /* that the server gave the version which is being fetched; NULL: none, or not needed */
  gboolean changed, verified;
};

static gboolean
set_disk_error (GError **error, const char *path, int code)
{
  if (code == ENOSPC || code == EDQUOT)
    g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_NO_SPACE,
                 _("The disk is full. Free up some space, then resume the download."));
  else
    g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DISK,
                 _("“%s” cannot be written: %s. Check the folder’s permissions and the disk."), path,
                 g_strerror (code));
  return FALSE;
}

/* ---- facts ----------------------------------------------------------------------------------------------------- */

/* quern-part 1
 * size N
 * sha256 HEX|-
 * chunk-size N
 * verified 0|1
 * validator TEXT           where the hash is not known
 * chunk INDEX HAVE CRC     one line for each chunk that has anything
 * end */
static char *
facts_to_text (const QuernPart *part)
{
  GString *text = g_string_new ("quern-part 1\n");

  g_string_append_printf (text, "size %" G_GUINT64_FORMAT "\nsha256 %s\nchunk-size %u\nverified %d\n", part->size,
                          part->sha256 != NULL ? part->sha256 : "-", part->chunk_size, part->verified);
  if (part->validator != NULL)
    g_string_append_printf (text, "validator %s\n", part->validator);
  for (guint i = 0; i < part->n_chunks; i++)
    if (part->chunks[i].have > 0)
      g_string_append_printf (text, "chunk %u %u %08x\n", i, part->chunks[i].have, part->chunks[i].crc);
  g_string_append (text, "end\n");
  return g_string_free (text, FALSE);
}

/* FALSE, with nothing recorded, when the facts are damaged or of another file. */
static gboolean
facts_from_text (QuernPart *part, const char *text)
{
  g_autofree char *head = g_strdup_printf ("quern-part 1\nsize %" G_GUINT64_FORMAT
                                           "\nsha256 %s\nchunk-size %u\nverified ",
                                           part->size, part->sha256 != NULL ? part->sha256 : "-", part->chunk_size);
  g_auto (GStrv) lines = NULL;
  gboolean good = g_str_has_prefix (text, head) && g_str_has_suffix (text, "\nend\n");

  if (good) {
    lines = g_strsplit (text + strlen (head), "\n", -1);
    part->verified = g_strcmp0 (lines[0], "1") == 0;
    if (lines[1] != NULL && g_str_has_prefix (lines[1], "validator "))
      g_set_str (&part->validator, lines[1] + strlen ("validator "));
    for (guint i = part->validator != NULL ? 2 : 1; good && lines[i] != NULL && !g_str_equal (lines[i], "end"); i++) {
      guint index, have, crc;

      good = sscanf (lines[i], "chunk %u %u %x", &index, &have, &crc) == 3 && index < part->n_chunks
             && have <= quern_part_chunk_end (part, index) - quern_part_chunk_start (part, index)
             && part->chunks[index].have == 0;
      if (good) {
        part->chunks[index] = (Chunk) { have, crc };
        part->bytes += have;
      }
    }
  }
  if (!good) {
    memset (part->chunks, 0, part->n_chunks * sizeof *part->chunks);
    part->bytes = 0;
    part->verified = FALSE;
    g_clear_pointer (&part->validator, g_free);
  }
  return good;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static QuernPart *
part_new (const char *path, guint64 size, const char *sha256)
{
  QuernPart *part = g_new0 (QuernPart, 1);

  g_mutex_init (&part->lock);
  g_mutex_init (&part->save_lock);
  part->fd = -1;
  part->path = g_strdup (path);
  part->part_path = g_strconcat (path, ".part", NULL);
  part->facts_path = g_strconcat (path, ".part.facts", NULL);
  part->size = size;
  part->sha256 = g_strdup (sha256);
  /* A power of two, so that a file has at most about 256 chunks until chunks reach their maximum. */
  part->chunk_size = MIN_CHUNK;
  while (part->chunk_size < MAX_CHUNK && size / part->chunk_size > 256)
    part->chunk_size *= 2;
  part->n_chunks = (size + part->chunk_size - 1) / part->chunk_size;
  part->chunks = g_new0 (Chunk, MAX (part->n_chunks, 1));
  return part;
}

/**
 * quern_part_open:
 * @path: where the finished file will be; its folder is made
 * @size: bytes that it will have
 * @sha256: (nullable): its hash, if known
 *
 * Takes up what an earlier run left, if that is of the same content. Only one process has a file open at a time:
 * %QUERN_DOWNLOAD_ERROR_BUSY.
 *
 * Returns: (transfer full) (nullable): the file, or %NULL with @error set
 */
QuernPart *
quern_part_open (const char *path, guint64 size, const char *sha256, GError **error)
{
  g_autoptr (QuernPart) part = part_new (path, size, sha256);
  g_autofree char *folder = g_path_get_dirname (path), *text = NULL;
  struct stat opened, named;

  if (g_mkdir_with_parents (folder, 0755) != 0) {
    set_disk_error (error, folder, errno);
    return NULL;
  }
  part->fd = g_open (part->part_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (part->fd < 0) {
    set_disk_error (error, part->part_path, errno);
    return NULL;
  }
  /* Between opening and locking, the process that had it may have renamed it into place: then the lock is on the finished
   * file, which must not be touched. */
  if (flock (part->fd, LOCK_EX | LOCK_NB) != 0 || fstat (part->fd, &opened) != 0 || stat (part->part_path, &named) != 0
      || opened.st_ino != named.st_ino) {
    g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_BUSY,
                 _("Another instance of Quern is downloading this file. Wait until it is done, or stop it there."));
    return NULL;
  }
  /* Without facts the content is worth nothing: it may be of another file. */
  if (!g_file_get_contents (part->facts_path, &text, NULL, NULL) || !facts_from_text (part, text)
      || (guint64) opened.st_size != part->size)
    quern_part_forget (part);
  if ((guint64) opened.st_size != part->size && ftruncate (part->fd, part->size) != 0) {
    set_disk_error (error, part->part_path, errno);
    return NULL;
  }
  return g_steal_pointer (&part);
}

void
quern_part_free (QuernPart *part)
{
  if (part == NULL)
    return;
  if (part->fd >= 0)
    close (part->fd);
  g_mutex_clear (&part->lock);
  g_mutex_clear (&part->save_lock);
  g_free (part->path);
  g_free (part->part_path);
  g_free (part->facts_path);
  g_free (part->sha256);
  g_free (part->validator);
  g_free (part->chunks);
  g_free (part);
}

/**
 * quern_part_reserve:
 *
 * Has the file system set the whole file's space aside, so that the disk cannot fill up half way. File systems that
 * cannot do that are let off.
 */
gboolean
quern_part_reserve (QuernPart *part, GError **error)
{
  struct statfs fs;

  if (part->size == 0 || (fstatfs (part->fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
      || fallocate (part->fd, 0, 0, part->size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
    return TRUE;
  return set_disk_error (error, part->part_path, errno);
}

/* How many bytes a file of `size` at `path` (or its .part) still has to get from the disk. */
guint64
quern_part_still_needed (const char *path, guint64 size)
{
  g_autofree char *part_path = g_strconcat (path, ".part", NULL);
  struct stat st;
  guint64 used;

  if (stat (part_path, &st) != 0 && stat (path, &st) != 0)
    return size;
  used = (guint64) st.st_blocks * 512;
  return used >= size ? 0 : size - used;
}

/**
 * quern_part_missing_space:
 * @folder: where the files will be; it need not exist yet
 * @needed: bytes that they still need together
 *
 * Returns: how many bytes the disk has too few, 0 when they fit. A little is left free for the rest of the system.
 */
guint64
quern_part_missing_space (const char *folder, guint64 needed)
{
  g_autofree char *existing = g_strdup (folder);
  struct statvfs fs;
  guint64 space;

  while (statvfs (existing, &fs) != 0) {
    char *parent = g_path_get_dirname (existing);

    if (errno != ENOENT || g_str_equal (parent, existing)) {
      g_free (parent);
      return 0; /* unknown: writing will tell */
    }
    g_free (existing);
    existing = parent;
  }
  space = (guint64) fs.f_bavail * fs.f_frsize;
  if (needed == 0)
    return 0;
  needed += MIN (SPACE_MARGIN, (guint64) fs.f_blocks * fs.f_frsize / 20);
  return needed > space ? needed - space : 0;
}

/* ---- chunks ---------------------------------------------------------------------------------------------------- */

/* Returns: (transfer full) (nullable): what the server called the version that the content is of, where no hash decides */
char *
quern_part_dup_validator (QuernPart *part)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  return g_strdup (part->validator);
}

/* A header's value; NULL: it said nothing. */
void
quern_part_set_validator (QuernPart *part, const char *validator)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  g_set_str (&part->validator, validator);
  part->changed = TRUE;
}

guint
quern_part_get_n_chunks (QuernPart *part)
{
  return part->n_chunks;
}

guint64
quern_part_chunk_start (QuernPart *part, guint chunk)
{
  return (guint64) chunk * part->chunk_size;
}

guint64
quern_part_chunk_end (QuernPart *part, guint chunk)
{
  return MIN (((guint64) chunk + 1) * part->chunk_size, part->size);
}

/**
 * quern_part_get_have:
 * @crc: (out) (optional): checksum of these bytes
 *
 * Returns: how many bytes from the start of the chunk are on disk, as far as is recorded
 */
guint32
quern_part_get_have (QuernPart *part, guint chunk, guint32 *crc)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  if (crc != NULL)
    *crc = part->chunks[chunk].crc;
  return part->chunks[chunk].have;
}

gboolean
quern_part_is_complete (QuernPart *part, guint chunk)
{
  return quern_part_get_have (part, chunk, NULL)
         == quern_part_chunk_end (part, chunk) - quern_part_chunk_start (part, chunk);
}

guint64
quern_part_get_bytes (QuernPart *part)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  return part->bytes;
}

gboolean
quern_part_write (QuernPart *part, guint64 offset, gconstpointer data, gsize size, GError **error)
{
  for (gsize done = 0; done < size;) {
    gssize n = pwrite (part->fd, (const char *) data + done, size - done, offset + done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return set_disk_error (error, part->part_path, n < 0 ? errno : ENOSPC);
    done += n;
  }
  return TRUE;
}

gboolean
quern_part_read (QuernPart *part, guint64 offset, gpointer data, gsize size, GError **error)
{
  for (gsize done = 0; done < size;) {
    gssize n = pread (part->fd, (char *) data + done, size - done, offset + done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DISK,
                   _("“%s” cannot be read back: %s. Check the disk, then resume the download."), part->part_path,
                   n < 0 ? g_strerror (errno) : _("another application made it shorter"));
      return FALSE;
    }
    done += n;
  }
  return TRUE;
}

/* Says that the first `have` bytes of a chunk are written and what their checksum is. */
void
quern_part_record (QuernPart *part, guint chunk, guint32 have, guint32 crc)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  part->bytes += have;
  part->bytes -= part->chunks[chunk].have;
  part->chunks[chunk] = (Chunk) { have, crc };
  part->changed = TRUE;
}

/* Starts from zero. */
void
quern_part_forget (QuernPart *part)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  memset (part->chunks, 0, part->n_chunks * sizeof *part->chunks);
  part->bytes = 0;
  part->verified = FALSE;
  part->changed = TRUE;
  g_clear_pointer (&part->validator, g_free);
}

/* A new file takes the place of the old one. It is flushed only at the end: while a download runs, flushing ten times a
 * second would hold it up (file systems write the content out along with it), and facts that a power failure leaves
 * damaged are recognised. Sets errno on failure. */
static gboolean
replace_facts (QuernPart *part, const char *text, gboolean flush)
{
  g_autofree char *next = g_strconcat (part->facts_path, ".new", NULL);
  int fd = g_open (next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  gsize size = strlen (text), done = 0;
  gboolean ok = fd >= 0;

  while (ok && done < size) {
    gssize n = write (fd, text + done, size - done);

    if (n < 0 && errno == EINTR)
      continue;
    ok = n > 0;
    done += MAX (n, 0);
  }
  ok = ok && (!flush || fsync (fd) == 0);
  if (fd >= 0)
    close (fd);
  return ok && g_rename (next, part->facts_path) == 0;
}

/**
 * quern_part_save:
 * @now: %FALSE: not more often than ten times a second
 *
 * Writes the facts. They say nothing that is not yet handed to the system, so they hold after a kill; after a power
 * failure the checksums tell.
 */
gboolean
quern_part_save (QuernPart *part, gboolean now, GError **error)
{
  g_autofree char *text = NULL;
  gint64 time = g_get_monotonic_time ();
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&part->save_lock);
  int code;

  g_mutex_lock (&part->lock);
  if (!part->changed || (!now && time - part->saved < SAVE_INTERVAL)) {
    g_mutex_unlock (&part->lock);
    return TRUE;
  }
  text = facts_to_text (part);
  part->saved = time;
  part->changed = FALSE;
  g_mutex_unlock (&part->lock);
  if (replace_facts (part, text, now))
    return TRUE;
  code = errno;
  g_mutex_lock (&part->lock);
  part->changed = TRUE;
  g_mutex_unlock (&part->lock);
  return set_disk_error (error, part->facts_path, code);
}

/* Lets the disk begin to write what is finished, so that the flush at the end is short. */
void
quern_part_flush_range (QuernPart *part, guint64 offset, guint64 size)
{
  sync_file_range (part->fd, offset, size, SYNC_FILE_RANGE_WRITE);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

gboolean
quern_part_is_verified (QuernPart *part)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&part->lock);

  return part->verified;
}

/* To be called when the hash was right. The content is on the disk itself before the facts say so. */
gboolean
quern_part_set_verified (QuernPart *part, GError **error)
{
  if (fdatasync (part->fd) != 0)
    return set_disk_error (error, part->part_path, errno);
  g_mutex_lock (&part->lock);
  part->verified = TRUE;
  part->changed = TRUE;
  g_mutex_unlock (&part->lock);
  return quern_part_save (part, TRUE, error);
}

/* Gives a verified file its name. Nothing happens when it has it already. */
gboolean
quern_part_install (const char *path, GError **error)
{
  g_autofree char *part_path = g_strconcat (path, ".part", NULL), *facts_path = g_strconcat (path, ".part.facts", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  int fd;

  if (g_rename (part_path, path) != 0 && (errno != ENOENT || !g_file_test (path, G_FILE_TEST_EXISTS)))
    return set_disk_error (error, path, errno);
  fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd >= 0) {
    fsync (fd); /* the name itself must survive a power failure; where folders cannot be synced, nothing is lost */
    close (fd);
  }
  g_unlink (facts_path);
  return TRUE;
}

/* How much of the file the facts claim, without opening it. */
guint64
quern_part_peek_bytes (const char *path, guint64 size, const char *sha256)
{
  g_autoptr (QuernPart) part = part_new (path, size, sha256);
  g_autofree char *text = NULL;
  struct stat st;

  if (!g_file_get_contents (part->facts_path, &text, NULL, NULL) || !facts_from_text (part, text)
      || stat (part->part_path, &st) != 0 || (guint64) st.st_size != size)
    return 0;
  return part->bytes;
}

/* What the file at `path` is to become, from its facts alone. */
gboolean
quern_part_identify (const char *path, guint64 *size, char **sha256)
{
  g_autofree char *facts_path = g_strconcat (path, ".part.facts", NULL), *text = NULL;
  char hash[65];
  guint64 bytes;

  if (!g_file_get_contents (facts_path, &text, NULL, NULL)
      || sscanf (text, "quern-part 1\nsize %" G_GUINT64_FORMAT "\nsha256 %64s\n", &bytes, hash) != 2)
    return FALSE;
  *size = bytes;
  *sha256 = quern_sha256_is_valid (hash) ? g_strdup (hash) : NULL;
  return TRUE;
}

/* Deletes what a cancelled download left, and its folder if that is empty now. */
void
quern_part_discard (const char *path)
{
  g_autofree char *part_path = g_strconcat (path, ".part", NULL), *facts_path = g_strconcat (path, ".part.facts", NULL);
  g_autofree char *next_path = g_strconcat (facts_path, ".new", NULL), *folder = g_path_get_dirname (path);

  g_unlink (facts_path);
  g_unlink (next_path);
  g_unlink (part_path);
  g_rmdir (folder);
}
