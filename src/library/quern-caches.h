/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

/* A model that another program keeps under a name of its own. */
typedef struct {
  char *path, *vision_path; /* vision_path may be NULL */
  char *name;               /* as that program calls it, "qwen3.5:4b" */
} QuernCacheFile;

/* A folder in which another program keeps models. */
typedef struct {
  QuernModelOrigin origin;
  char *path;
} QuernCacheFolder;

GPtrArray *_quern_caches_dup_folders (void);
gboolean _quern_caches_is_ollama (const char *folder);
GPtrArray *_quern_caches_read_ollama (const char *folder, GCancellable *cancellable);

G_END_DECLS
