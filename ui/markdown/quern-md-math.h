/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *quern_md_math_to_unicode (const char *latex, gsize length);
gsize quern_md_math_find       (const char *text, gsize *before, gsize *skip, gsize *length);

G_END_DECLS
