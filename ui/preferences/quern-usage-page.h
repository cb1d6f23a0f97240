/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_USAGE_PAGE (quern_usage_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernUsagePage, quern_usage_page, QUERN, USAGE_PAGE, AdwPreferencesPage)

GtkWidget *quern_usage_page_new (QuernStore *store);

G_END_DECLS
