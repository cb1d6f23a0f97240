/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What two texts have in common and what not, in whole words. */

typedef enum { QUERN_DIFF_SAME, QUERN_DIFF_ONLY_A, QUERN_DIFF_ONLY_B } QuernDiffKind;

typedef struct {
  QuernDiffKind kind;
  guint start, end; /* bytes of b for what only b has, else of a */
} QuernDiffPiece;

/* Pieces in reading order; where both have something of their own, that of a comes first. */
GArray *quern_diff_words (const char *a, const char *b);

typedef struct {
  guint changes;         /* places where they differ */
  guint only_a, only_b;  /* words */
  guint same;            /* words of a that b has, too */
} QuernDiffCount;

void quern_diff_count (const char *a, const char *b, GArray *pieces, QuernDiffCount *out);

G_END_DECLS
