/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_DOWNLOAD_ROW (quern_download_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernDownloadRow, quern_download_row, QUERN, DOWNLOAD_ROW, GtkListBoxRow)

GtkWidget *quern_download_row_new (QuernModelsService *service, QuernDownload *download);
char *quern_download_row_describe (QuernDownload *download);

G_END_DECLS
