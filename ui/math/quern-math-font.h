/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <hb-ot.h>
#include <pango/pango.h>

G_BEGIN_DECLS

/* A font with a MATH table. All lengths are in em of the font. */
typedef struct {
  char *family;
  PangoContext *context; /* measures words, and loads the font for drawing */
  hb_font_t *font;       /* in design units */
  double upem;
  double script[4]; /* how large each of TeX's four styles is */
} QuernMathFont;

typedef struct {
  double width, height, depth; /* advance, above and below the baseline */
  double left, right;          /* of the ink, from the origin */
} QuernMathExtents;

const QuernMathFont *quern_math_font_get (void);
QuernMathFont *quern_math_font_new (PangoFontMap *map, const char *family);
void quern_math_font_free (QuernMathFont *self);
double quern_math_font_constant (const QuernMathFont *self, hb_ot_math_constant_t constant);
hb_codepoint_t quern_math_font_glyph (const QuernMathFont *self, gunichar ch, int script_level);
QuernMathExtents quern_math_font_extents (const QuernMathFont *self, hb_codepoint_t glyph);
double quern_math_font_italics (const QuernMathFont *self, hb_codepoint_t glyph);
double quern_math_font_kern (const QuernMathFont *self, hb_codepoint_t glyph, hb_ot_math_kern_t corner, double height);

G_END_DECLS
