/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <glib.h>

G_BEGIN_DECLS

GString *quern_md_formula_prepare (const char *text, gsize length, gboolean open);
gboolean quern_md_formula_spans (const char *text, gsize length, guint line);
char *quern_md_formula_restore (const char *text, gboolean literal);
cmark_syntax_extension *quern_md_formula_extension (void);
const char *quern_md_formula_get_latex (cmark_node *node, gboolean *display);

G_END_DECLS
