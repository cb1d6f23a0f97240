/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-comparison.h"

G_BEGIN_DECLS

gboolean quern_compare_figures_fill (GtkGrid *grid, QuernComparison *comparison, QuernCompareColumn *column);

G_END_DECLS
