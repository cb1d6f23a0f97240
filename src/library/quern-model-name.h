/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *quern_quantisation_from_name (const char *name);
char *quern_title_from_name (const char *name);
gboolean quern_title_says_nothing (const char *title);
void quern_models_tell_apart (GPtrArray *models);

G_END_DECLS
