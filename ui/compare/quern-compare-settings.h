/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-compare-column.h"

G_BEGIN_DECLS

GtkWidget *quern_compare_settings_new (QuernCompareColumn *column);

G_END_DECLS
