/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads grammars in the notation that llama.cpp calls GBNF:
 *
 *   root   ::= "[" (number ("," " "? number)*)? "]"   # a list of numbers
 *   number ::= "-"? ("0" | [1-9] [0-9]{0,15})
 *
 * A rule ends with its line, except inside of parentheses and after "::=" and "|". Escapes: \n \r \t \\ \" \[ \] \xHH \uHHHH
 * \UHHHHHHHH; the last three are code points. "." is any character, and a class may begin with "^". <tool_call> is not text
 * but the token of that name, which has a meaning of its own. */
#include "sampler/qe-grammar-private.h"

#include "format/tokenizer/qe-utf8.h"
#include "qe-error.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT (1u << 20)
#define MAX_NODES (1u << 20)
#define MAX_RULES (1u << 16)
#define MAX_RANGES 1024 /* in one class */
#define MAX_DEPTH 64    /* parentheses in one another */
#define MAX_REPEAT 1000000

typedef struct {
  QeRules *rules;
  const char *text, *at, *end;
  QeStatus status;
  QeError *err;
} GrammarParser;

/* Notes a mistake at the current place, unless one was noted before. Returns QE_NO_NODE. */
static uint32_t
parser_fail (GrammarParser *p, const char *what)
{
  size_t line = 1;
  for (const char *c = p->text; c < p->at; c++)
    line += *c == '\n';
  if (p->status == QE_OK)
    p->status = qe_fail (p->err, QE_ERROR_FORMAT, "Line %zu of the grammar: %s", line, what);
  return QE_NO_NODE;
}

static uint32_t
parser_no_memory (GrammarParser *p)
{
  if (p->status == QE_OK)
    p->status = qe_fail (p->err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
  return QE_NO_NODE;
}

bool
qe_grow (void **items, size_t *capacity, size_t n, size_t size, size_t limit)
{
  if (n < *capacity)
    return true;
  const size_t more = n * 2 + 64;
  void *grown = n < limit ? realloc (*items, more * size) : NULL;
  if (!grown)
    return false;
  *items = grown;
  *capacity = more;
  return true;
}

static uint32_t
add_node (GrammarParser *p, QeNode node)
{
  QeRules *r = p->rules;
  if (r->n_nodes == MAX_NODES)
    return parser_fail (p, "the grammar is too large.");
  if (!qe_grow ((void **) &r->nodes, &r->node_capacity, r->n_nodes, sizeof *r->nodes, MAX_NODES))
    return parser_no_memory (p);
  r->nodes[r->n_nodes] = node;
  return (uint32_t) r->n_nodes++;
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

static char
peek (const GrammarParser *p)
{
  return p->at < p->end ? *p->at : '\0';
}

/* Skips blanks and comments, and line ends if they mean nothing here. */
static void
skip_blanks (GrammarParser *p, bool lines)
{
  for (; p->at < p->end; p->at++) {
    if (*p->at == '#') {
      const char *end = memchr (p->at, '\n', (size_t) (p->end - p->at));
      p->at = end ? end : p->end;
      if (!end)
        return;
    }
    if (*p->at != ' ' && *p->at != '\t' && !(lines && (*p->at == '\n' || *p->at == '\r')))
      return;
  }
}

static bool
is_name (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static size_t
take_name (GrammarParser *p)
{
  const char *start = p->at;
  while (p->at < p->end && is_name (*p->at))
    p->at++;
  return (size_t) (p->at - start);
}

/* Takes one character of a literal or a class, which may be escaped. */
static bool
take_character (GrammarParser *p, uint32_t *c)
{
  static const char names[] = "nrt\\\"[]-^", values[] = "\n\r\t\\\"[]-^";
  size_t length;
  if (peek (p) != '\\') {
    if (p->at < p->end && qe_utf8_next (p->at, (size_t) (p->end - p->at), c, &length) == QE_UTF8_OK) {
      p->at += length;
      return true;
    }
    parser_fail (p, p->at < p->end ? "the text is not valid UTF-8." : "a literal or a class has no end.");
    return false;
  }
  p->at++;
  const char kind = peek (p);
  const int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  const char *found = kind ? strchr (names, kind) : NULL;
  p->at += p->at < p->end;
  *c = found ? (uint32_t) (uint8_t) values[found - names] : 0;
  for (int i = 0; i < digits; i++, p->at++) {
    const char h = peek (p), lower = (char) (h | 0x20);
    if (!(h >= '0' && h <= '9') && !(lower >= 'a' && lower <= 'f')) {
      parser_fail (p, "an escape has too few hexadecimal digits.");
      return false;
    }
    *c = *c << 4 | (uint32_t) (h <= '9' ? h - '0' : lower - 'a' + 10);
  }
  if ((!digits && !found) || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000)) {
    parser_fail (p,
                 digits ? "an escape is no Unicode character." : "an escape is not known: write \\\\ for a backslash.");
    return false;
  }
  return true;
}

/* ---- elements -------------------------------------------------------------------------------------------------- */

static int
compare_range (const void *a, const void *b)
{
  const QeCodeRange *x = a, *y = b;
  return x->low != y->low ? (x->low < y->low ? -1 : 1) : (x->high > y->high) - (x->high < y->high);
}

static bool
add_range (GrammarParser *p, uint32_t low, uint32_t high)
{
  QeRules *r = p->rules;
  if (!qe_grow ((void **) &r->ranges, &r->range_capacity, r->n_ranges, sizeof *r->ranges, MAX_TEXT)) {
    parser_no_memory (p);
    return false;
  }
  r->ranges[r->n_ranges++] = (QeCodeRange) { low, high };
  return true;
}

/* Turns the ranges from `at` on into ascending ones, and into all others if they are excluded. */
static bool
arrange_ranges (GrammarParser *p, size_t at, bool excluded)
{
  QeRules *r = p->rules;
  size_t n = at;
  if (r->n_ranges > at)
    qsort (r->ranges + at, r->n_ranges - at, sizeof *r->ranges, compare_range);
  for (size_t i = at; i < r->n_ranges; i++) {
    if (n > at && r->ranges[i].low <= r->ranges[n - 1].high + 1) {
      if (r->ranges[i].high > r->ranges[n - 1].high)
        r->ranges[n - 1].high = r->ranges[i].high;
    } else {
      r->ranges[n++] = r->ranges[i];
    }
  }
  r->n_ranges = n;
  if (!excluded)
    return true;
  uint32_t low = 0;
  for (size_t i = at; i < n; i++) {
    const QeCodeRange range = r->ranges[i];
    if (range.low > low && !add_range (p, low, range.low - 1))
      return false;
    low = range.high + 1;
  }
  if (low <= 0x10ffff && !add_range (p, low, 0x10ffff))
    return false;
  memmove (r->ranges + at, r->ranges + n, (r->n_ranges - n) * sizeof *r->ranges);
  r->n_ranges -= n - at;
  return true;
}

/* Takes the name of a token, <name>. */
static uint32_t
parse_token (GrammarParser *p)
{
  QeBuffer *tokens = &p->rules->tokens, *literals = &p->rules->literals;
  const char *start = p->at;
  while (p->at < p->end && *p->at != '>' && *p->at != '\n' && *p->at != '\0')
    p->at++;
  if (peek (p) != '>')
    return parser_fail (p, "a token's name has no end.");
  p->at++;
  const size_t length = (size_t) (p->at - start);
  size_t number = 0, at = 0;
  for (; at < tokens->size; at += strlen (tokens->data + at) + 1, number++)
    if (strlen (tokens->data + at) == length && memcmp (tokens->data + at, start, length) == 0)
      break;
  if (at == tokens->size) {
    if (number == QE_MAX_TOKENS)
      return parser_fail (p, "the grammar names too many tokens.");
    qe_buffer_add (tokens, start, length);
    qe_buffer_add (tokens, "", 1);
  }
  const char bytes[2] = { (char) QE_TOKEN_MARK, (char) number };
  qe_buffer_add (literals, bytes, sizeof bytes);
  if (tokens->failed || literals->failed)
    return parser_no_memory (p);
  return add_node (p, (QeNode) {
                          .kind = QE_NODE_TEXT, .at = (uint32_t) (literals->size - sizeof bytes), .n = sizeof bytes });
}

static uint32_t parse_choice (GrammarParser *p, int depth);

static uint32_t
parse_element (GrammarParser *p, int depth)
{
  const char c = peek (p);
  if (c == '"') {
    const size_t at = p->rules->literals.size;
    uint32_t character;
    char bytes[4];
    p->at++;
    while (p->at < p->end && *p->at != '"') {
      if (*p->at == '\n')
        return parser_fail (p, "a literal has no end.");
      if (!take_character (p, &character))
        return QE_NO_NODE;
      qe_buffer_add (&p->rules->literals, bytes, qe_utf8_put (bytes, character));
    }
    if (p->at == p->end)
      return parser_fail (p, "a literal has no end.");
    p->at++;
    if (p->rules->literals.failed)
      return parser_no_memory (p);
    return add_node (p, (QeNode) { .kind = QE_NODE_TEXT,
                                   .at = (uint32_t) at,
                                   .n = (uint32_t) (p->rules->literals.size - at) });
  }
  if (c == '[') {
    const size_t at = p->rules->n_ranges;
    p->at++;
    const bool excluded = peek (p) == '^';
    p->at += excluded;
    while (peek (p) != ']') {
      uint32_t low, high;
      if (!take_character (p, &low))
        return QE_NO_NODE;
      high = low;
      if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
        p->at++;
        if (!take_character (p, &high))
          return QE_NO_NODE;
      }
      if (high < low)
        return parser_fail (p, "a range of a class ends before it begins.");
      if (p->rules->n_ranges - at == MAX_RANGES)
        return parser_fail (p, "a class has too many ranges.");
      if (!add_range (p, low, high))
        return QE_NO_NODE;
    }
    p->at++;
    if (!arrange_ranges (p, at, excluded))
      return QE_NO_NODE;
    return add_node (p, (QeNode) {
                            .kind = QE_NODE_CLASS, .at = (uint32_t) at, .n = (uint32_t) (p->rules->n_ranges - at) });
  }
  if (c == '.') {
    const size_t at = p->rules->n_ranges;
    p->at++;
    if (!add_range (p, 0, 0x10ffff))
      return QE_NO_NODE;
    return add_node (p, (QeNode) { .kind = QE_NODE_CLASS, .at = (uint32_t) at, .n = 1 });
  }
  if (c == '(') {
    if (depth == MAX_DEPTH)
      return parser_fail (p, "too many parentheses stand in one another.");
    p->at++;
    const uint32_t node = parse_choice (p, depth + 1);
    if (p->status != QE_OK)
      return QE_NO_NODE;
    if (peek (p) != ')')
      return parser_fail (p, "a parenthesis is not closed.");
    p->at++;
    return node;
  }
  if (c == '!' && p->rules->avoided) {
    if (depth == MAX_DEPTH)
      return parser_fail (p, "too many parentheses stand in one another.");
    p->at++;
    const uint32_t node = parse_element (p, depth + 1);
    return node == QE_NO_NODE ? node : add_node (p, (QeNode) { .kind = QE_NODE_GUARDED, .child = node });
  }
  if (is_name (c)) { /* `at` and `n` say where the name is, until all rules are known */
    const uint32_t at = (uint32_t) (p->at - p->text), n = (uint32_t) take_name (p);
    return add_node (p, (QeNode) { .kind = QE_NODE_RULE, .at = at, .n = n });
  }
  if (c == '<')
    return parse_token (p);
  return parser_fail (p, "a literal, a class, a rule's name or a parenthesis was expected.");
}

static bool
take_count (GrammarParser *p, uint32_t *count)
{
  const char *start = p->at;
  *count = 0;
  for (; peek (p) >= '0' && peek (p) <= '9'; p->at++) {
    *count = *count * 10 + (uint32_t) (*p->at - '0');
    if (*count > MAX_REPEAT) {
      parser_fail (p, "something is repeated more than a million times.");
      return false;
    }
  }
  return p->at > start;
}

/* Takes the marks behind an element that say how often it comes. */
static uint32_t
parse_repeats (GrammarParser *p, uint32_t node)
{
  for (;;) {
    uint32_t min = 0, max = QE_UNLIMITED;
    const char c = peek (p);
    if (c != '*' && c != '+' && c != '?' && c != '{')
      return node;
    p->at++;
    min = c == '+';
    max = c == '?' ? 1 : QE_UNLIMITED;
    if (c == '{') {
      skip_blanks (p, false);
      const bool has_min = take_count (p, &min);
      skip_blanks (p, false);
      bool has_max = false;
      if (peek (p) == ',') {
        p->at++;
        skip_blanks (p, false);
        has_max = take_count (p, &max);
        skip_blanks (p, false);
        max = has_max ? max : QE_UNLIMITED;
      } else {
        max = min;
      }
      if (p->status == QE_OK && (peek (p) != '}' || (!has_min && !has_max)))
        return parser_fail (p, "a repetition is written {2}, {2,} or {2,5}.");
      p->at++;
      if (max < min)
        return parser_fail (p, "a repetition ends before it begins.");
    }
    if (p->status != QE_OK)
      return QE_NO_NODE;
    node = add_node (p, max == 0 ? (QeNode) { .kind = QE_NODE_SEQUENCE, .next = QE_NO_NODE, .child = QE_NO_NODE }
                                 : (QeNode) { .kind = QE_NODE_REPEAT, .child = node, .min = min, .max = max });
    if (node == QE_NO_NODE)
      return QE_NO_NODE;
    skip_blanks (p, false);
  }
}

/* ---- rules ----------------------------------------------------------------------------------------------------- */

static uint32_t
parse_sequence (GrammarParser *p, int depth)
{
  const uint32_t sequence = add_node (p,
                                      (QeNode) { .kind = QE_NODE_SEQUENCE, .next = QE_NO_NODE, .child = QE_NO_NODE });
  uint32_t last = QE_NO_NODE;
  skip_blanks (p, true);
  while (p->status == QE_OK && p->at < p->end && *p->at != '|' && *p->at != ')' && *p->at != '\n' && *p->at != '\r') {
    uint32_t node = parse_element (p, depth);
    if (node == QE_NO_NODE)
      return QE_NO_NODE;
    skip_blanks (p, depth > 0);
    node = parse_repeats (p, node);
    if (node == QE_NO_NODE)
      return QE_NO_NODE;
    p->rules->nodes[node].next = QE_NO_NODE;
    if (last == QE_NO_NODE)
      p->rules->nodes[sequence].child = node;
    else
      p->rules->nodes[last].next = node;
    last = node;
    skip_blanks (p, depth > 0);
  }
  return sequence;
}

static uint32_t
parse_choice (GrammarParser *p, int depth)
{
  const uint32_t choice = add_node (p, (QeNode) { .kind = QE_NODE_CHOICE, .next = QE_NO_NODE, .child = QE_NO_NODE });
  uint32_t last = QE_NO_NODE;
  while (p->status == QE_OK) {
    const uint32_t node = parse_sequence (p, depth);
    if (p->status != QE_OK)
      return QE_NO_NODE;
    if (last == QE_NO_NODE)
      p->rules->nodes[choice].child = node;
    else
      p->rules->nodes[last].next = node;
    last = node;
    const char *before = p->at;
    skip_blanks (p, true); /* an alternative may stand in a line of its own */
    if (peek (p) != '|') {
      p->at = before;
      return choice;
    }
    p->at++;
  }
  return QE_NO_NODE;
}

static bool
parse_rule (GrammarParser *p)
{
  QeRules *r = p->rules;
  QeRule rule = { .name = p->at };
  rule.length = (uint32_t) take_name (p);
  if (rule.length == 0) {
    parser_fail (p, "a rule's name was expected.");
    return false;
  }
  skip_blanks (p, false);
  if (p->end - p->at < 3 || memcmp (p->at, "::=", 3) != 0) {
    parser_fail (p, "“::=” was expected after the name of a rule.");
    return false;
  }
  p->at += 3;
  rule.node = parse_choice (p, 0);
  if (p->status != QE_OK)
    return false;
  skip_blanks (p, false);
  if (p->at < p->end && *p->at != '\n' && *p->at != '\r') {
    parser_fail (p, "a parenthesis is closed that was never opened.");
    return false;
  }
  if (r->n_rules == MAX_RULES) {
    parser_fail (p, "the grammar has too many rules.");
    return false;
  }
  if (!qe_grow ((void **) &r->rules, &r->rule_capacity, r->n_rules, sizeof *r->rules, MAX_RULES)) {
    parser_no_memory (p);
    return false;
  }
  r->rules[r->n_rules++] = rule;
  return true;
}

static int
compare_names (const char *a, size_t n, const char *b, size_t m)
{
  const int order = memcmp (a, b, n < m ? n : m);
  return order ? order : (n > m) - (n < m);
}

static int
compare_rule (const void *a, const void *b)
{
  const QeRule *x = a, *y = b;
  return compare_names (x->name, x->length, y->name, y->length);
}

/* Finds a rule among those that were sorted by name. */
static uint32_t
find_rule (const QeRules *r, const char *name, size_t length)
{
  size_t low = 0, high = r->n_rules;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const int order = compare_names (r->rules[middle].name, r->rules[middle].length, name, length);
    if (order == 0)
      return (uint32_t) middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return QE_NO_NODE;
}

static int
shown (size_t length)
{
  return length < 60 ? (int) length : 60;
}

/* Replaces names by the numbers of rules. */
static QeStatus
resolve_names (GrammarParser *p)
{
  QeRules *r = p->rules;
  if (r->n_rules > 0)
    qsort (r->rules, r->n_rules, sizeof *r->rules, compare_rule);
  for (size_t i = 1; i < r->n_rules; i++)
    if (compare_rule (&r->rules[i - 1], &r->rules[i]) == 0)
      return qe_fail (p->err, QE_ERROR_FORMAT, "The grammar has two rules with the name “%.*s”.",
                      shown (r->rules[i].length), r->rules[i].name);
  for (size_t i = 0; i < r->n_nodes; i++) {
    QeNode *node = &r->nodes[i];
    if (node->kind != QE_NODE_RULE)
      continue;
    const char *name = p->text + node->at;
    node->at = find_rule (r, name, node->n);
    if (node->at == QE_NO_NODE)
      return qe_fail (p->err, QE_ERROR_FORMAT, "The grammar has no rule with the name “%.*s”, but it is used.",
                      shown (node->n), name);
  }
  r->root = find_rule (r, "root", 4);
  if (r->root == QE_NO_NODE)
    return qe_fail (p->err, QE_ERROR_FORMAT, "The grammar has no rule with the name “root”, which is the whole text.");
  return QE_OK;
}

QeStatus
qe_rules_parse (QeRules *out, const char *text, size_t length, const char *avoided, QeError *err)
{
  GrammarParser p = { .rules = out, .text = text, .at = text, .end = text + length, .err = err };
  *out = (QeRules) { .avoided = avoided };
  if (length > MAX_TEXT)
    return qe_fail (err, QE_ERROR_UNSUPPORTED, "The grammar has %zu bytes; one megabyte is the most.", length);
  skip_blanks (&p, true);
  while (p.at < p.end && parse_rule (&p))
    skip_blanks (&p, true);
  if (p.status == QE_OK)
    p.status = resolve_names (&p);
  if (p.status != QE_OK)
    qe_rules_clear (out);
  return p.status;
}

void
qe_rules_clear (QeRules *rules)
{
  free (rules->nodes);
  free (rules->ranges);
  free (rules->rules);
  qe_buffer_clear (&rules->literals);
  qe_buffer_clear (&rules->tokens);
  *rules = (QeRules) { 0 };
}
