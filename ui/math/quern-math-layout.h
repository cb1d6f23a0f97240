/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-math-font.h"
#include "quern-math-tree.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_MATH_BOX_GROUP, /* children */
  QUERN_MATH_BOX_GLYPH, /* glyph, at `size` em */
  QUERN_MATH_BOX_RULE,  /* filled */
  QUERN_MATH_BOX_SLASH, /* a line from corner to corner; glyph: 1 rising, 2 falling */
  QUERN_MATH_BOX_WORDS, /* text, variant, at `size` em */
} QuernMathBoxKind;

typedef struct _QuernMathBox QuernMathBox;

typedef struct {
  QuernMathBox *box;
  double x, y;          /* of its origin; y grows downwards from the baseline */
  QuernMathClass class; /* in a line */
  gsize offset;         /* of its source */
} QuernMathChild;

/* All lengths are em of the size that the formula is drawn in. */
struct _QuernMathBox {
  QuernMathBoxKind kind;
  double width, height, depth;
  double size;
  hb_codepoint_t glyph;
  guint32 color; /* 0xrrggbb, or G_MAXUINT32 for that of the text */
  QuernMathVariant variant;
  char *text;
  GArray *children; /* of QuernMathChild */
  double italic;    /* part of the width that a subscript does not see */
  double attach;    /* where an accent stands, from the left */
  gboolean single;  /* one character */
};

typedef struct {
  const QuernMathFont *font;
  GPtrArray *boxes;
  guint n_kept;      /* how many of them do not belong to the last quern_math_layout_break() */
  QuernMathBox *box; /* the whole formula on one line */
  QuernMathBox *tag; /* its number, or NULL */
} QuernMathLayout;

QuernMathLayout *quern_math_layout_new (const QuernMathTree *tree, const QuernMathFont *font, gboolean display);
void quern_math_layout_free (QuernMathLayout *self);
QuernMathBox *quern_math_layout_break (QuernMathLayout *self, double width);
GArray *quern_math_layout_pieces (QuernMathLayout *self, const char *source);
PangoLayout *quern_math_words_layout (const QuernMathBox *box, PangoContext *context, const char *family, double size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernMathLayout, quern_math_layout_free)

G_END_DECLS
