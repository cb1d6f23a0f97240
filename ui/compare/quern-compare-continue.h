/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison.h"
#include "quern-store.h"

G_BEGIN_DECLS

QuernConversation *quern_compare_continue (QuernStore *store, QuernComparison *comparison, QuernCompareColumn *column);

G_END_DECLS
