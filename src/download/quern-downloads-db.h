/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-download-private.h"
#include "quern-database.h"

/* The queue on disk. Opening and receipts block (worker thread), the others hand their work to the database's thread. */
QuernDatabase *_quern_downloads_db_open (GPtrArray **downloads, GError **error);
void _quern_downloads_db_save (QuernDatabase *database, QuernDownload *download, guint position);
void _quern_downloads_db_remove (QuernDatabase *database, QuernDownload *download);
gboolean _quern_downloads_db_write_receipts (QuernDatabase *database, QuernDownloadJob *job, GError **error);
gboolean _quern_downloads_db_receipt (QuernDatabase *database, const char *target, guint64 *size, char **sha256);
