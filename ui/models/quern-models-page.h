/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

/* Everything about models: which suit this computer, finding, downloading and keeping them. */
#define QUERN_TYPE_MODELS_PAGE (quern_models_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernModelsPage, quern_models_page, QUERN, MODELS_PAGE, AdwBin)

GtkWidget *quern_models_page_new (QuernModelsService *service);
void quern_models_page_show (QuernModelsPage *self, const char *view);
void quern_models_page_search (QuernModelsPage *self, const char *text);

G_END_DECLS
