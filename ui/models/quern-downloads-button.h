/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_DOWNLOADS_BUTTON (quern_downloads_button_get_type ())
G_DECLARE_FINAL_TYPE (QuernDownloadsButton, quern_downloads_button, QUERN, DOWNLOADS_BUTTON, AdwBin)

GtkWidget *quern_downloads_button_new (QuernModelsService *service);

G_END_DECLS
