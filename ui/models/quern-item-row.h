/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

/* One quantisation of a repository: what it needs, and the button that fits its state. Emits "download". */
#define QUERN_TYPE_ITEM_ROW (quern_item_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernItemRow, quern_item_row, QUERN, ITEM_ROW, AdwActionRow)

GtkWidget *quern_item_row_new (QuernModelsService *service, QuernHubRepo *repo, QuernHubItem *item);
QuernHubItem *quern_item_row_get_item (QuernItemRow *self);
void quern_item_row_update (QuernItemRow *self, guint n_ctx, gboolean with_vision);

G_END_DECLS
