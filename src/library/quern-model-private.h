/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

/* Which file it is, whatever it is called and holds. */
typedef struct {
  guint64 device, inode;
  gint64 born; /* when the inode was made, nanoseconds since 1970; 0 where the file system does not know */
} QuernFileId;

/* What tells whether a file is still the one that was looked at, and unchanged. */
typedef struct {
  QuernFileId id;
  guint64 size;
  gint64 modified; /* nanoseconds */
} QuernFileStamp;

gboolean _quern_file_stamp (const char *path, gboolean follow, QuernFileStamp *stamp);
const QuernFileId *_quern_model_get_file_id (QuernModel *self);
QuernModel *_quern_model_new_vision (const char *path, const QeVisionInfo *info);
QuernModel *_quern_model_probe (const char *path);
gboolean _quern_model_is_current (QuernModel *self);
QuernModel *_quern_model_copy (QuernModel *self);
void _quern_model_set_id (QuernModel *self, const char *id);
void _quern_model_set_origin (QuernModel *self, QuernModelOrigin origin);
void _quern_model_set_unverified (QuernModel *self, GHashTable *paths);
void _quern_model_set_name (QuernModel *self, const char *name);
void _quern_model_set_detail (QuernModel *self, const char *detail);
void _quern_model_set_vision (QuernModel *self, const char *path, const QeVisionInfo *info);
gboolean _quern_model_equal (QuernModel *self, QuernModel *other);
gboolean _quern_model_is_same_file (QuernModel *self, QuernModel *other);
char *_quern_model_dup_stem (QuernModel *self);

guint64 _quern_memory_available_in (const char *root);

G_END_DECLS
