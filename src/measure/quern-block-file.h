/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A file to which blocks of bytes are appended and that survives whatever ends the program: each block has a checksum, and
 * what is damaged is found when the file is opened, or when the block is read, and is gone with all that follows it. The
 * file has a key: opened with another one it is empty. Numbers are in the order of bytes of the machine, whose files have
 * a mark of it. A file belongs to one thread at a time. */
typedef struct _QuernBlockFile QuernBlockFile;

QuernBlockFile *quern_block_file_open (const char *path, const char *key, GCancellable *cancellable, GError **error);
void quern_block_file_free (QuernBlockFile *self);
guint quern_block_file_get_n (QuernBlockFile *self);
gsize quern_block_file_get_size (QuernBlockFile *self, guint i);
gboolean quern_block_file_append (QuernBlockFile *self, gconstpointer data, gsize size, GError **error);
gboolean quern_block_file_read (QuernBlockFile *self, guint i, gpointer out, gsize size, GError **error);
GBytes *quern_block_file_dup_block (QuernBlockFile *self, guint i, GError **error);
gboolean quern_block_file_truncate (QuernBlockFile *self, guint n, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernBlockFile, quern_block_file_free)

G_END_DECLS
