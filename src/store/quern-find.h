/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A part of a text, in bytes. */
typedef struct {
  gsize start, end;
} QuernFindRange;

char *quern_find_fold (const char *text, GArray **offsets);
GArray *quern_find_ranges (const char *text, const char *folded_needle);

G_END_DECLS
