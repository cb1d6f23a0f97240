/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model-private.h"

G_BEGIN_DECLS

GPtrArray *_quern_scan (const char *folder, const char *demo_folder, GPtrArray *imported, GPtrArray *known,
                        GCancellable *cancellable);

void       _quern_scan_beside (QuernModel *model);

G_END_DECLS
