/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-model.h"

G_BEGIN_DECLS

#define QUERN_TYPE_MODEL_ROW (quern_model_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernModelRow, quern_model_row, QUERN, MODEL_ROW, GtkListBoxRow)

GtkWidget *quern_model_row_new (QuernModel *model);
void quern_model_row_update_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer user_data);
void quern_model_row_set_selected (QuernModelRow *self, QuernModel *selected);
QuernModel *quern_model_row_get_model (QuernModelRow *self);

G_END_DECLS
