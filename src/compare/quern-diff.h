/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Compares two texts word by word. */

typedef enum { QUERN_DIFF_SAME, QUERN_DIFF_ONLY_A, QUERN_DIFF_ONLY_B } QuernDiffKind;

typedef struct {
  QuernDiffKind kind;
  guint start, end; /* byte span, in b for QUERN_DIFF_ONLY_B and in a otherwise */
} QuernDiffPiece;

/* Returns the pieces in reading order. Where both texts have words of their own, those of a come first. */
GArray *quern_diff_words (const char *a, const char *b);

typedef struct {
  guint changes;        /* places where the texts differ */
  guint only_a, only_b; /* words that only one text has */
  guint same;           /* words of a that b has too */
} QuernDiffCount;

void quern_diff_count (const char *a, const char *b, GArray *pieces, QuernDiffCount *out);

G_END_DECLS
