/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_REPO_PAGE (quern_repo_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernRepoPage, quern_repo_page, QUERN, REPO_PAGE, AdwNavigationPage)

AdwNavigationPage *quern_repo_page_new (QuernModelsService *service, const char *id);

G_END_DECLS
