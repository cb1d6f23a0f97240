/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A matcher for one regular expression (engine/doc/qwen35.md §7.3); its alternatives, tried in this order:
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)  |  [^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+  |  \p{N}  |  ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*
 *   |  \s*[\r\n]+  |  \s+(?!\S)  |  \s+
 *
 * for qwen2 the same without \p{M}. Every alternative consumes what it looks at, but for one character, so that the
 * whole text is split in linear time. */
#include "format/tokenizer/qe-pretokenise.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

typedef enum { LETTER, NUMBER, SPACE, NEWLINE /* CR or LF */, OTHER, END } Class;

typedef struct {
  QeSplit split;
  const char *text;
  size_t length;
} Text;

/* The class of the character at `at`; *after is where the next one starts. END past the last. */
static Class
peek (const Text *t, size_t at, size_t *after)
{
  uint32_t c;
  size_t n;
  *after = at;
  if (at >= t->length)
    return END;
  qe_utf8_next (t->text + at, t->length - at, &c, &n);
  *after = at + n;
  if (c < 0x80) {
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
      return LETTER;
    if (c >= '0' && c <= '9')
      return NUMBER;
    if (c == '\r' || c == '\n')
      return NEWLINE;
    return c == ' ' || (c >= '\t' && c <= '\f') ? SPACE : OTHER;
  }
  switch (utf8proc_category ((int32_t) c)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO: return LETTER;
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME: return t->split == QE_SPLIT_QWEN35 ? LETTER : OTHER;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_NO: return NUMBER;
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP: return SPACE;
  default: return c == 0x85 ? SPACE : OTHER;
  }
}

static size_t
skip_class (const Text *t, size_t at, Class wanted)
{
  size_t after;
  while (peek (t, at, &after) == wanted)
    at = after;
  return at;
}

/* 's 't 're 've 'm 'll 'd in either case, at an apostrophe; `at` when there is none. U+017F folds to s. */
static size_t
match_contraction (const Text *t, size_t at)
{
  const uint8_t *p = (const uint8_t *) t->text + at;
  size_t left = t->length - at;
  if (left < 2)
    return at;
  uint8_t a = p[1] | 0x20, b = left > 2 ? p[2] | 0x20 : 0;
  if (a == 's' || a == 't' || a == 'm' || a == 'd')
    return at + 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
    return at + 3;
  return left > 2 && p[1] == 0xc5 && p[2] == 0xbf ? at + 3 : at;
}

size_t
qe_split_next (QeSplit split, const char *text, size_t length, size_t at)
{
  const Text t = { split, text, length };
  size_t second, third;
  Class first = peek (&t, at, &second);
  if (text[at] == '\'' && (third = match_contraction (&t, at)) > at)
    return third;
  if (first == LETTER)
    return skip_class (&t, second, LETTER);
  if (first == NUMBER)
    return second;
  Class next = peek (&t, second, &third);
  if (first != NEWLINE && next == LETTER)
    return skip_class (&t, third, LETTER);
  if (first == OTHER || (text[at] == ' ' && next == OTHER))
    return skip_class (&t, skip_class (&t, second, OTHER), NEWLINE);
  /* A run of white space starts at `at`: up to its last line end; else all but its last character, which begins the
   * next word; else all. */
  size_t end = at, last = at, line_end = at, after;
  for (Class c; (c = peek (&t, end, &after)) == SPACE || c == NEWLINE; end = after) {
    last = end;
    if (c == NEWLINE)
      line_end = after;
  }
  if (line_end > at)
    return line_end;
  return end < t.length && last > at ? last : end;
}
