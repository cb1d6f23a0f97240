/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* That a download put a file at a path. */
typedef struct {
  char *target;
  guint64 size;      /* bytes */
  gboolean verified; /* against a checksum that somebody told */
} QuernReceipt;

GPtrArray *quern_receipts_read (void);

G_END_DECLS
