/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

void quern_start_download (GtkWidget *widget, QuernModelsService *service, QuernHubRepo *repo, QuernHubItem *item,
                           gboolean with_vision);

G_END_DECLS
