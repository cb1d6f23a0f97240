/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-conversation.h"
#include "quern-generation.h"

G_BEGIN_DECLS

char *quern_template_read (QuernModel *model, GError **error);
gboolean quern_template_render (QuernModel *model, QuernRequest *request, char **prompt, GArray **tokens,
                                GError **error);
gboolean quern_template_render_json (QuernModel *model, const char *json, gsize length, QuernThinking thinking,
                                     const char *effort, char **prompt, GArray **tokens, GError **error);

G_END_DECLS
