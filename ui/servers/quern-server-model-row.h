/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-server.h"

G_BEGIN_DECLS

char *quern_server_model_describe (const QuernServerModel *model);
void quern_server_model_rows_show (AdwPreferencesGroup *group, GPtrArray *rows, QuernServer *server);

G_END_DECLS
