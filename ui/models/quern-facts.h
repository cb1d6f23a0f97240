/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void quern_facts_append (GString *facts, const char *fact);
char *quern_facts_about_size (guint64 bytes);
char *quern_facts_isolate (char *fact);

G_END_DECLS
