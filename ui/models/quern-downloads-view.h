/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_DOWNLOADS_VIEW (quern_downloads_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernDownloadsView, quern_downloads_view, QUERN, DOWNLOADS_VIEW, AdwBin)

GtkWidget *quern_downloads_view_new (QuernModelsService *service);

G_END_DECLS
