/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_INSTALLED_VIEW (quern_installed_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernInstalledView, quern_installed_view, QUERN, INSTALLED_VIEW, AdwBin)

GtkWidget *quern_installed_view_new (QuernModelsService *service);

G_END_DECLS
