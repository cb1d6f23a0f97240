/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint quern_dates_section (GDateTime *now, gint64 time, gboolean pinned);
char *quern_dates_section_title (GDateTime *now, gint64 time, gboolean pinned);

G_END_DECLS
