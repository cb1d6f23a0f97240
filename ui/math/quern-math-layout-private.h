/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-math-layout.h"

G_BEGIN_DECLS

/* One of TeX's eight styles: display, text, script, script of script; cramped ones have lower superscripts. */
typedef struct {
  int level; /* 0 to 3 */
  gboolean cramped;
  guint32 color;
} QuernMathStyle;

QuernMathBox *_quern_math_box_new (QuernMathLayout *self, QuernMathBoxKind kind, QuernMathStyle style);
QuernMathBox *_quern_math_glyph_new (QuernMathLayout *self, hb_codepoint_t glyph, QuernMathStyle style);
QuernMathBox *_quern_math_rule_new (QuernMathLayout *self, double width, double height, QuernMathStyle style);
QuernMathBox *_quern_math_words_new (QuernMathLayout *self, const char *text, QuernMathVariant variant,
                                     QuernMathStyle style);
void _quern_math_box_add (QuernMathBox *self, QuernMathBox *child, double x, double y);
double _quern_math_size (QuernMathLayout *self, QuernMathStyle style);
double _quern_math_constant (QuernMathLayout *self, hb_ot_math_constant_t constant, QuernMathStyle style);
QuernMathBox *_quern_math_grow (QuernMathLayout *self, gunichar ch, gboolean sideways, double length,
                                QuernMathStyle style);
QuernMathBox *_quern_math_fence (QuernMathLayout *self, gunichar left, QuernMathBox *inside, gunichar right,
                                 QuernMathStyle style);
QuernMathBox *_quern_math_delimiter (QuernMathLayout *self, gunichar ch, double length, QuernMathStyle style);
double _quern_math_fence_length (QuernMathLayout *self, const QuernMathBox *inside, QuernMathStyle style);
QuernMathBox *_quern_math_set_line (QuernMathLayout *self, const QuernMathNode *first, QuernMathStyle style,
                                    gboolean behind_cell);
QuernMathBox *_quern_math_set_array (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style);

G_END_DECLS
