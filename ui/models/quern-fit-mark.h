/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-advisor.h"

G_BEGIN_DECLS

GtkWidget *quern_fit_mark_new (void);
void quern_fit_mark_set (GtkWidget *mark, QuernFit fit, gboolean disk_too_small);
char *quern_format_speed (double tokens_per_second);

G_END_DECLS
