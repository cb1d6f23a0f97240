/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-model.h"

G_BEGIN_DECLS

GtkWidget *quern_model_row_new (QuernModel *model);
void quern_model_row_set_selected (GtkWidget *row, QuernModel *selected);
QuernModel *quern_model_row_get_model (GtkWidget *row);

G_END_DECLS
