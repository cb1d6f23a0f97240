/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_SWEEP_PAGE (quern_sweep_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernSweepPage, quern_sweep_page, QUERN, SWEEP_PAGE, AdwNavigationPage)

AdwNavigationPage *quern_sweep_page_new (QuernModelsService *service, QuernHubRepo *repo, const QuernSweepSetup *setup);

G_END_DECLS
