/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-math-tree.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_MATH_DO_SYMBOL, /* value: class; text: the character */
  QUERN_MATH_DO_BIG,    /* value: takes limits; text: the character */
  QUERN_MATH_DO_NAME,   /* value: takes limits; text: what is set, or NULL for the name itself */
  QUERN_MATH_DO_ACCENT, /* value: grows; text: the character */
  QUERN_MATH_DO_OVER,   /* text: a character that grows, or "" for a rule */
  QUERN_MATH_DO_UNDER,
  QUERN_MATH_DO_ARROW,    /* text: the arrow */
  QUERN_MATH_DO_FRACTION, /* value: style plus one; text: "" or its delimiters, without a rule */
  QUERN_MATH_DO_INFIX,    /* text: as for fractions, NULL with a rule */
  QUERN_MATH_DO_ROOT,
  QUERN_MATH_DO_ALPHABET, /* value: variant of the argument */
  QUERN_MATH_DO_SWITCH,   /* value: variant from here on */
  QUERN_MATH_DO_TEXT,     /* value: variant */
  QUERN_MATH_DO_OPERATOR, /* \operatorname */
  QUERN_MATH_DO_CLASS,    /* value: class of the argument */
  QUERN_MATH_DO_SPACE,    /* value: in eighteenths of an em */
  QUERN_MATH_DO_LENGTH,   /* a space whose length follows; value: in braces */
  QUERN_MATH_DO_STYLE,    /* value: 0 to 3 */
  QUERN_MATH_DO_LIMITS,   /* value: QuernMathLimits */
  QUERN_MATH_DO_LEFT,
  QUERN_MATH_DO_RIGHT, /* ends what \left began; \middle separates it */
  QUERN_MATH_DO_MIDDLE,
  QUERN_MATH_DO_SIZED, /* value: size + 8 × class; a delimiter follows */
  QUERN_MATH_DO_BEGIN,
  QUERN_MATH_DO_END,
  QUERN_MATH_DO_NEWLINE,
  QUERN_MATH_DO_HLINE,
  QUERN_MATH_DO_COLOR, /* value: 0 from here on, 1 with an argument */
  QUERN_MATH_DO_BOXED,
  QUERN_MATH_DO_CANCEL,  /* value: as in QUERN_MATH_CANCEL */
  QUERN_MATH_DO_PHANTOM, /* value: as in QUERN_MATH_PHANTOM */
  QUERN_MATH_DO_STACK,   /* value: 0 \overset, 1 \underset, 2 \stackrel */
  QUERN_MATH_DO_SUBSTACK,
  QUERN_MATH_DO_TAG,
  QUERN_MATH_DO_MOD, /* value: 0 \pmod, 1 \mod, 2 \pod */
  QUERN_MATH_DO_NOT,
  QUERN_MATH_DO_DOTS,
  QUERN_MATH_DO_CHEMISTRY,
  QUERN_MATH_DO_IGNORE, /* value: number of arguments that go, too */
} QuernMathAction;

typedef struct {
  const char *name;
  QuernMathAction action;
  int value;
  const char *text;
} QuernMathCommand;

const QuernMathCommand *quern_math_command (const char *name, gsize length);
const QuernMathCommand *quern_math_character (gunichar ch);
const QuernMathEnvironment *quern_math_environment (const char *name);
gunichar quern_math_alphabet (gunichar ch, QuernMathVariant variant);
gboolean quern_math_color (const char *name, guint32 *color);

G_END_DECLS
