/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparison.h"
#include "quern-library.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* A comparison on the screen. Signals: "continue" (QuernCompareColumn): go on with this column as a chat. */
#define QUERN_TYPE_COMPARE_PAGE (quern_compare_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernComparePage, quern_compare_page, QUERN, COMPARE_PAGE, AdwBin)

void quern_compare_page_set_context (QuernComparePage *self, QuernStore *store, QuernLibrary *library,
                                     QuernBackend *backend);
void quern_compare_page_set_comparison (QuernComparePage *self, QuernComparison *comparison);
QuernComparison *quern_compare_page_get_comparison (QuernComparePage *self);
void quern_compare_page_show_problem (QuernComparePage *self, const char *sentence);
void quern_compare_page_focus (QuernComparePage *self);

G_END_DECLS
