/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define QUERN_DOWNLOAD_ERROR (quern_download_error_quark ())
GQuark quern_download_error_quark (void);

typedef enum {
  QUERN_DOWNLOAD_ERROR_FAILED,
  QUERN_DOWNLOAD_ERROR_NO_SPACE, /* the disk is too small by some bytes */
  QUERN_DOWNLOAD_ERROR_DISK,     /* the disk refused to read or write */
  QUERN_DOWNLOAD_ERROR_BUSY,     /* another process of Quern is downloading this file */
  QUERN_DOWNLOAD_ERROR_CHANGED,  /* the hub has another file under this name now */
  QUERN_DOWNLOAD_ERROR_CONFLICT, /* the hub contradicts itself about the content */
  QUERN_DOWNLOAD_ERROR_DAMAGED,  /* the content does not match its SHA-256, even after fetching it again */
} QuernDownloadError;

/* A file that is on its way: PATH.part with its content at the right offsets, and PATH.part.facts, which says what the
 * file must become and how much of every chunk is there, with a checksum of that much. Facts are replaced by renaming,
 * so they are whole after a crash; what they claim is checked against the disk before it is believed.
 *
 * Chunks are fetched by several threads: every function may be called from any thread unless it says otherwise. */
typedef struct _QuernPart QuernPart;

QuernPart *quern_part_open (const char *path, guint64 size, const char *sha256, GError **error);
void quern_part_free (QuernPart *part); /* keeps the files */
gboolean quern_part_reserve (QuernPart *part, GError **error);
guint64 quern_part_still_needed (const char *path, guint64 size);
guint64 quern_part_missing_space (const char *folder, guint64 needed);

char *quern_part_dup_validator (QuernPart *part);
void quern_part_set_validator (QuernPart *part, const char *validator);
guint quern_part_get_n_chunks (QuernPart *part);
guint64 quern_part_chunk_start (QuernPart *part, guint chunk);
guint64 quern_part_chunk_end (QuernPart *part, guint chunk);
guint32 quern_part_get_have (QuernPart *part, guint chunk, guint32 *crc);
gboolean quern_part_is_complete (QuernPart *part, guint chunk);
guint64 quern_part_get_bytes (QuernPart *part);

gboolean quern_part_write (QuernPart *part, guint64 offset, gconstpointer data, gsize size, GError **error);
gboolean quern_part_read (QuernPart *part, guint64 offset, gpointer data, gsize size, GError **error);
void quern_part_record (QuernPart *part, guint chunk, guint32 have, guint32 crc);
void quern_part_forget (QuernPart *part);
gboolean quern_part_save (QuernPart *part, gboolean now, GError **error);
void quern_part_flush_range (QuernPart *part, guint64 offset, guint64 size);

gboolean quern_part_is_verified (QuernPart *part);
gboolean quern_part_set_verified (QuernPart *part, GError **error);
gboolean quern_part_install (const char *path, GError **error);
guint64 quern_part_peek_bytes (const char *path, guint64 size, const char *sha256);
gboolean quern_part_identify (const char *path, guint64 *size, char **sha256);
void quern_part_discard (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernPart, quern_part_free)

G_END_DECLS
