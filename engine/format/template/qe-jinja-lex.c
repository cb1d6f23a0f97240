/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cuts a template into tokens, and white space around tags away, by jinja2's rules for trim_blocks and lstrip_blocks. */
#include "qe-error.h"
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

typedef struct {
  QjBase *base;
  QjTokens *out;
  const char *at, *end;
  char brackets[QJ_MAX_NESTING]; /* the closing ones that are awaited */
  size_t n_brackets;
  uint32_t line;
  bool line_starting; /* what was read last ended with a line end */
} Lexer;

static void
add_token (Lexer *l, QjTokenKind kind, const char *text, size_t size)
{
  QjTokens *out = l->out;
  if (out->n == out->capacity) {
    size_t capacity = out->capacity * 2 + 256;
    QjToken *items = realloc (out->items, capacity * sizeof *items);
    if (!items)
      qj_fail_status (l->base, QE_ERROR_MEMORY, "There is not enough memory for the chat template.");
    out->items = items;
    out->capacity = capacity;
  }
  out->items[out->n++] = (QjToken) { kind, l->line, (uint32_t) size, text };
}

/* Moves on to `to`, counting lines. */
static void
advance (Lexer *l, const char *to)
{
  for (const char *p = l->at; (p = memchr (p, '\n', (size_t) (to - p))); p++)
    l->line++;
  l->line_starting = to > l->at && to[-1] == '\n';
  l->at = to;
  l->base->line = l->line;
}

static bool
starts_with (const Lexer *l, const char *p, const char *word)
{
  size_t n = strlen (word);
  return (size_t) (l->end - p) >= n && memcmp (p, word, n) == 0;
}

/* Past white space from p on; Python's, hence Unicode's. */
static const char *
skip_space (const Lexer *l, const char *p)
{
  uint32_t c;
  size_t length;
  while (p < l->end && qe_utf8_next (p, (size_t) (l->end - p), &c, &length) == QE_UTF8_OK && qj_is_space (c))
    p += length;
  return p;
}

/* Text up to a tag with its sign: '-' cuts white space before it; without '+', a tag that is first on its line takes
 * the blanks before it along, unless it prints. */
static void
add_data (Lexer *l, const char *tag, char sign, bool prints)
{
  const char *end = tag;
  if (sign == '-') {
    while (end > l->at) {
      uint32_t c;
      size_t length;
      const char *p = end - 1;
      while (p > l->at && ((uint8_t) *p & 0xc0) == 0x80)
        p--;
      if (qe_utf8_next (p, (size_t) (end - p), &c, &length) != QE_UTF8_OK || !qj_is_space (c))
        break;
      end = p;
    }
  } else if (sign != '+' && !prints) {
    const char *line = memrchr (l->at, '\n', (size_t) (tag - l->at));
    line = line ? line + 1 : l->line_starting ? l->at : NULL;
    if (line && skip_space (l, line) >= tag)
      end = line;
  }
  if (end > l->at)
    add_token (l, QJ_TOKEN_DATA, l->at, (size_t) (end - l->at));
}

/* After the sign of an end tag was looked at: past "%}" and what white space control takes along. */
static const char *
end_of_tag (const Lexer *l, const char *p, char sign, bool trim_line)
{
  p += 2;
  if (sign == '-')
    return skip_space (l, p);
  return trim_line && sign != '+' && p < l->end && *p == '\n' ? p + 1 : p;
}

/* Past `word` and the end of its tag, when that is what is at p (after "{%" and the sign); else NULL. */
static const char *
match_word_tag (const Lexer *l, const char *p, const char *word, bool trim_line)
{
  p = skip_space (l, p);
  if (!starts_with (l, p, word))
    return NULL;
  p = skip_space (l, p + strlen (word));
  char sign = p < l->end && (*p == '-' || (trim_line && *p == '+')) ? *p++ : 0;
  return starts_with (l, p, "%}") ? end_of_tag (l, p, sign, trim_line) : NULL;
}

static char
sign_at (const Lexer *l, const char *p)
{
  return p < l->end && (*p == '-' || *p == '+') ? *p : 0;
}

/* ---- inside of tags -------------------------------------------------------------------------------------------- */

static bool
is_digit (const Lexer *l, const char *p)
{
  return p < l->end && *p >= '0' && *p <= '9';
}

/* Digits with single underscores between; p when there are none. */
static const char *
skip_digits (const Lexer *l, const char *p)
{
  while (is_digit (l, p) || (p < l->end && *p == '_' && is_digit (l, p - 1) && is_digit (l, p + 1)))
    p++;
  return p;
}

static void
lex_number (Lexer *l)
{
  const char *p = l->at, *end = skip_digits (l, p), *fraction = end;
  bool after_dot = l->out->n > 0 && l->out->items[l->out->n - 1].kind == QJ_TOKEN_DOT && p[-1] == '.';
  if (fraction < l->end && *fraction == '.' && is_digit (l, fraction + 1))
    fraction = skip_digits (l, fraction + 1);
  if (fraction < l->end && (*fraction == 'e' || *fraction == 'E')) {
    const char *digits = fraction + 1;
    digits += digits < l->end && (*digits == '+' || *digits == '-');
    if (is_digit (l, digits))
      fraction = skip_digits (l, digits);
  }
  QjTokenKind kind = fraction > end && !after_dot ? QJ_TOKEN_FLOAT : QJ_TOKEN_INTEGER;
  if (kind == QJ_TOKEN_FLOAT) {
    end = fraction;
  } else if (*p == '0') { /* no other digits may follow a nought */
    bool is_based = p + 1 < l->end && p[1] && strchr ("xXoObB", p[1]);
    end = p + 1;
    if (is_based) {
      /* Hexadecimal, octal or binary digits after 0x, 0o, 0b. */
      const char *digits = (p[1] | 0x20) == 'x' ? "0123456789abcdefABCDEF" : (p[1] | 0x20) == 'o' ? "01234567" : "01";
      const char *q = p + 2;
      while (q < l->end && *q
             && (strchr (digits, *q) || (*q == '_' && q + 1 < l->end && q[1] && strchr (digits, q[1]))))
        q++;
      end = q > p + 2 ? q : p + 1;
    }
    while (!is_based && end < l->end && (*end == '0' || (*end == '_' && end + 1 < l->end && end[1] == '0')))
      end++;
  }
  add_token (l, kind, p, (size_t) (end - p));
  advance (l, end);
}

static bool
is_name_part (uint32_t c, bool first)
{
  if (c < 128)
    return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (!first && c >= '0' && c <= '9');
  utf8proc_category_t category = utf8proc_category ((utf8proc_int32_t) c);
  bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
  bool other = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ND
               || category == UTF8PROC_CATEGORY_PC;
  return letter || category == UTF8PROC_CATEGORY_NL || (!first && other);
}

static const struct {
  char text[3];
  QjTokenKind kind;
} operators[] = {
  /* the longer ones first */
  { "//", QJ_TOKEN_FLOOR_DIVIDE }, { "**", QJ_TOKEN_POWER },         { "==", QJ_TOKEN_EQUAL },
  { "!=", QJ_TOKEN_UNEQUAL },      { ">=", QJ_TOKEN_GREATER_EQUAL }, { "<=", QJ_TOKEN_LESS_EQUAL },
  { "+", QJ_TOKEN_ADD },           { "-", QJ_TOKEN_SUBTRACT },       { "/", QJ_TOKEN_DIVIDE },
  { "*", QJ_TOKEN_MULTIPLY },      { "%", QJ_TOKEN_MODULO },         { "~", QJ_TOKEN_TILDE },
  { "[", QJ_TOKEN_LEFT_BRACKET },  { "]", QJ_TOKEN_RIGHT_BRACKET },  { "(", QJ_TOKEN_LEFT_PAREN },
  { ")", QJ_TOKEN_RIGHT_PAREN },   { "{", QJ_TOKEN_LEFT_BRACE },     { "}", QJ_TOKEN_RIGHT_BRACE },
  { ">", QJ_TOKEN_GREATER },       { "<", QJ_TOKEN_LESS },           { "=", QJ_TOKEN_ASSIGN },
  { ".", QJ_TOKEN_DOT },           { ":", QJ_TOKEN_COLON },          { "|", QJ_TOKEN_PIPE },
  { ",", QJ_TOKEN_COMMA },         { ";", QJ_TOKEN_SEMICOLON },
};

static void
lex_operator (Lexer *l)
{
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (starts_with (l, l->at, operators[i].text)) {
      static const char opening[] = "([{", closing[] = ")]}";
      const char *open = strchr (opening, operators[i].text[0]);
      if (open) {
        if (l->n_brackets == QJ_MAX_NESTING)
          qj_fail (l->base, "brackets are nested more than %d deep", QJ_MAX_NESTING);
        l->brackets[l->n_brackets++] = closing[open - opening];
      } else if (strchr (closing, operators[i].text[0])) {
        if (l->n_brackets == 0 || l->brackets[--l->n_brackets] != operators[i].text[0])
          qj_fail (l->base, "“%c” closes nothing", operators[i].text[0]);
      }
      add_token (l, operators[i].kind, l->at, strlen (operators[i].text));
      advance (l, l->at + strlen (operators[i].text));
      return;
    }
  qj_fail (l->base, "there is something that cannot be read");
}

/* Up to the end of a tag; `close` is "%}" or "}}". */
static void
lex_tag (Lexer *l, const char *close, QjTokenKind end_kind)
{
  bool is_block = end_kind == QJ_TOKEN_BLOCK_END;
  l->n_brackets = 0;
  for (;;) {
    advance (l, skip_space (l, l->at));
    if (l->at == l->end)
      qj_fail (l->base, "a tag is not ended with %s", close);
    char sign = sign_at (l, l->at);
    sign = sign == '+' && !is_block ? 0 : sign;
    if (l->n_brackets == 0 && starts_with (l, l->at + (sign != 0), close)) {
      add_token (l, end_kind, l->at, 2);
      advance (l, end_of_tag (l, l->at + (sign != 0), sign, is_block));
      return;
    }
    if (is_digit (l, l->at)) {
      lex_number (l);
    } else if (*l->at == '"' || *l->at == '\'') {
      char quote = *l->at;
      const char *p = l->at + 1;
      while (p < l->end && *p != quote)
        p += *p == '\\' && p + 1 < l->end ? 2 : 1;
      if (p >= l->end)
        qj_fail (l->base, "a text is not ended with %c", quote);
      add_token (l, QJ_TOKEN_STRING, l->at + 1, (size_t) (p - l->at - 1));
      advance (l, p + 1);
    } else {
      const char *p = l->at;
      uint32_t c;
      size_t length;
      while (p < l->end && qe_utf8_next (p, (size_t) (l->end - p), &c, &length) == QE_UTF8_OK
             && is_name_part (c, p == l->at))
        p += length;
      if (p == l->at) {
        lex_operator (l);
        continue;
      }
      add_token (l, QJ_TOKEN_NAME, l->at, (size_t) (p - l->at));
      advance (l, p);
    }
  }
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

/* The next "{{", "{%" or "{#"; NULL when no tag follows. */
static const char *
find_tag (const Lexer *l)
{
  for (const char *p = l->at; (p = memchr (p, '{', (size_t) (l->end - p))) && p + 1 < l->end; p++)
    if (p[1] == '{' || p[1] == '%' || p[1] == '#')
      return p;
  return NULL;
}

void
qj_lex (QjBase *base, const char *text, size_t length, QjTokens *out)
{
  Lexer l = { .base = base, .out = out, .at = text, .end = text + length, .line = 1, .line_starting = true };
  base->line = 1;
  for (const char *tag; (tag = find_tag (&l));) {
    char sign = sign_at (&l, tag + 2);
    const char *inside = tag + 2 + (sign != 0);
    const char *raw = tag[1] == '%' ? match_word_tag (&l, inside, "raw", false) : NULL;
    add_data (&l, tag, sign, tag[1] == '{');
    advance (&l, raw ? raw : inside);
    if (raw) {
      const char *p = l.at, *after = NULL;
      for (; (p = memmem (p, (size_t) (l.end - p), "{%", 2)); p += 2) {
        sign = sign_at (&l, p + 2);
        after = match_word_tag (&l, p + 2 + (sign != 0), "endraw", true);
        if (after)
          break;
      }
      if (!p)
        qj_fail (l.base, "{%% raw %%} is not ended");
      add_data (&l, p, sign, false);
      advance (&l, after);
    } else if (tag[1] == '#') {
      const char *close = memmem (l.at, (size_t) (l.end - l.at), "#}", 2);
      if (!close)
        qj_fail (l.base, "a comment is not ended with #}");
      char mark = close > l.at && (close[-1] == '-' || close[-1] == '+') ? close[-1] : 0;
      advance (&l, end_of_tag (&l, close, mark, true));
    } else {
      bool is_block = tag[1] == '%';
      add_token (&l, is_block ? QJ_TOKEN_BLOCK_BEGIN : QJ_TOKEN_VARIABLE_BEGIN, tag, 2);
      lex_tag (&l, is_block ? "%}" : "}}", is_block ? QJ_TOKEN_BLOCK_END : QJ_TOKEN_VARIABLE_END);
    }
  }
  if (l.at < l.end)
    add_token (&l, QJ_TOKEN_DATA, l.at, (size_t) (l.end - l.at));
  add_token (&l, QJ_TOKEN_END, l.end, 0);
}
