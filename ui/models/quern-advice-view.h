/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_ADVICE_VIEW (quern_advice_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernAdviceView, quern_advice_view, QUERN, ADVICE_VIEW, AdwBin)

GtkWidget *quern_advice_view_new (QuernModelsService *service);

G_END_DECLS
