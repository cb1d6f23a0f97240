/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model-private.h"

G_BEGIN_DECLS

/* What a scan goes by. */
typedef struct {
  char *folder, *demo_folder;
  GHashTable *records; /* path -> QuernFileRecord: what in the folder is Quern's own */
  GPtrArray *imported; /* of paths: files and folders elsewhere */
  GPtrArray *known;    /* of QuernModel, from the last scan: unchanged files are not read again */
} QuernScanOptions;

GPtrArray *_quern_scan (const QuernScanOptions *options, GPtrArray *skipped, GCancellable *cancellable);
gboolean _quern_scan_has_models (const char *folder, GCancellable *cancellable);

gboolean _quern_scan_is_later_part (const char *path);
void _quern_scan_beside (QuernModel *model);

G_END_DECLS
