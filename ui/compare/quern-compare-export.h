/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-page.h"

G_BEGIN_DECLS

void quern_compare_export (QuernComparePage *page, QuernComparison *comparison, const char *format);

G_END_DECLS
