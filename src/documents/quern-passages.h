/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GArray *quern_passages_pick (GBytes *text, guint n_pages, const char *question, gsize max_bytes, GError **error);

G_END_DECLS
