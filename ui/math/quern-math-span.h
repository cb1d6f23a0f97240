/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A formula in a text. */
typedef struct {
  gsize start, length; /* bytes of the text, dollars included */
  char *latex;         /* without them */
} QuernMathSpan;

GArray *quern_math_spans_new (void);
void quern_math_spans_add (GArray *spans, gsize start, gsize length, const char *latex);

G_END_DECLS
