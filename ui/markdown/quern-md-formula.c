/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Finds formulas in Markdown: $x$ and \(x\) within a line, $$x$$ and \[x\] on display. They are found while cmark-gfm
 * parses inline text, so that code spans win and nothing inside a formula is taken for emphasis or an escape.
 *
 * The text is prepared first, because cmark-gfm would spoil two things. It takes \( for an escaped bracket, so these
 * pairs become control characters. And a display formula over several lines may have lines that look like list items or
 * quotes; a control character in front keeps them in their paragraph. The number of lines stays the same, and text that
 * turns out to be code gets its own characters back. */

#include "quern-md-formula.h"

#include "quern-md-flanking.h"

#include <string.h>

#define INLINE_OPEN '\1'
#define INLINE_CLOSE '\2'
#define DISPLAY_OPEN '\3'
#define DISPLAY_CLOSE '\4'
#define PROTECTED '\5'
#define FLANKING '\6' /* quern-md-flanking.c */

static const char brackets[] = "()[]"; /* ordered as the control characters */

/* ---- display formulas over several lines ------------------------------------------------------------------------ */

typedef struct {
  const char *end;          /* end of the text */
  gboolean open;            /* more text may come, so an open formula may still be closed */
  const char *first, *last; /* first line of the current formula, and the line after its last one */
  const char *hopeless[2];  /* no \] or $$ closes a formula that begins before here */
  gboolean quoted;          /* the formula is inside a quote */
} Scan;

static const char *
quern_md_formula_line_end (const char *line, const char *end)
{
  const char *newline = memchr (line, '\n', end - line);
  return newline != NULL ? newline : end;
}

/* Skips blanks and the marks of a quote. */
static const char *
quern_md_formula_skip_marks (const char *p, const char *end, gboolean quotes)
{
  while (p < end && (*p == ' ' || *p == '\t' || (quotes && *p == '>')))
    p++;
  return p;
}

static gboolean
quern_md_formula_begins_with (const char *p, const char *end, const char *what)
{
  gsize n = strlen (what);
  return (gsize) (end - p) >= n && memcmp (p, what, n) == 0;
}

static gboolean
quern_md_formula_contains (const char *p, const char *end, const char *what)
{
  return memmem (p, end - p, what, strlen (what)) != NULL;
}

/* Returns the line after the one that closes a formula whose first line is at `line`, or NULL if none does before
 * `stop`. Blank lines and fences end every paragraph. */
static const char *
quern_md_formula_find_close (Scan *scan, const char *line, const char *close, const char **stop)
{
  for (line = quern_md_formula_line_end (line, scan->end); line < scan->end;
       line = quern_md_formula_line_end (line, scan->end)) {
    const char *end = quern_md_formula_line_end (++line, scan->end), *p = quern_md_formula_skip_marks (line, end, TRUE);
    if (quern_md_formula_contains (p, end, close))
      return end < scan->end ? end + 1 : end;
    if (end == scan->end)
      break; /* the last line is missing or incomplete */
    *stop = line;
    if (p == end || quern_md_formula_begins_with (p, end, "```") || quern_md_formula_begins_with (p, end, "~~~"))
      return NULL;
  }
  *stop = scan->end;
  return scan->open ? scan->end : NULL;
}

/* Checks whether a formula over several lines begins in this line. */
static void
quern_md_formula_begin_line (Scan *scan, const char *line)
{
  const char *end = quern_md_formula_line_end (line, scan->end), *p = quern_md_formula_skip_marks (line, end, TRUE),
             *last;
  gboolean dollars = quern_md_formula_begins_with (p, end, "$$");
  const char *close = dollars ? "$$" : "\\]";

  if ((scan->last != NULL && line < scan->last) || (!dollars && !quern_md_formula_begins_with (p, end, "\\[")))
    return;
  if (quern_md_formula_contains (p + 2, end, close) || line < scan->hopeless[dollars])
    return;
  last = quern_md_formula_find_close (scan, line, close, &scan->hopeless[dollars]);
  if (last == NULL)
    return;
  scan->first = line;
  scan->last = last;
  scan->quoted = memchr (line, '>', p - line) != NULL;
}

static gboolean
quern_md_formula_is_inside (const Scan *scan, const char *line)
{
  return scan->last != NULL && line > scan->first && line < scan->last;
}

static gboolean
quern_md_formula_is_mark (char c)
{
  return c >= INLINE_OPEN && c <= FLANKING;
}

/* Adds a run of asterisks or tildes, with a mark where emphasis needs one. Returns its end. */
static const char *
quern_md_formula_append_run (GString *out, const char *line, const char *p, const char *end)
{
  const char *behind = p, *previous = p > line ? g_utf8_find_prev_char (line, p) : NULL;
  gunichar before = previous != NULL ? g_utf8_get_char_validated (previous, p - previous) : 0, after;
  QuernMdMark mark;

  while (behind < end && *behind == *p)
    behind++;
  after = behind < end ? g_utf8_get_char_validated (behind, end - behind) : 0;
  mark = quern_md_flanking_find_mark (before, after);
  if (mark == QUERN_MD_MARK_BEFORE)
    g_string_append_c (out, FLANKING);
  g_string_append_len (out, p, behind - p);
  if (mark == QUERN_MD_MARK_BEHIND)
    g_string_append_c (out, FLANKING);
  return behind;
}

static void
quern_md_formula_append_line (GString *out, const char *p, const char *end)
{
  const char *line = p;

  while (p < end && (*p == '*' || *p == '~'))
    p = quern_md_formula_append_run (out, line, p, end);
  for (; p < end; p++) {
    const char *bracket = *p == '\\' && p + 1 < end && p[1] != '\0' ? strchr (brackets, p[1]) : NULL;
    if (bracket != NULL)
      g_string_append_c (out, INLINE_OPEN + (bracket - brackets));
    else if (!quern_md_formula_is_mark (*p))
      g_string_append_c (out, *p);
    if (*p == '\\' && p + 1 < end && !quern_md_formula_is_mark (*++p) && bracket == NULL)
      g_string_append_c (out, *p);
    while (p + 1 < end && (p[1] == '*' || p[1] == '~'))
      p = quern_md_formula_append_run (out, line, p + 1, end) - 1;
  }
}

/**
 * quern_md_formula_prepare:
 * @text: Markdown
 * @length: its bytes
 * @open: more will come
 *
 * Returns: (transfer full): the same number of lines, for cmark-gfm with quern_md_formula_extension()
 */
GString *
quern_md_formula_prepare (const char *text, gsize length, gboolean open)
{
  GString *out = g_string_sized_new (length + 16);
  Scan scan = { .end = text + length, .open = open };

  for (const char *line = text; line < scan.end;) {
    const char *end = quern_md_formula_line_end (line, scan.end), *rest = line;
    quern_md_formula_begin_line (&scan, line);
    if (quern_md_formula_is_inside (&scan, line)) {
      rest = quern_md_formula_skip_marks (line, end, scan.quoted);
      g_string_append_len (out, line, rest - line);
      if (rest < end)
        g_string_append_c (out, PROTECTED);
    }
    quern_md_formula_append_line (out, rest, end);
    if (end < scan.end)
      g_string_append_c (out, '\n');
    line = end + 1;
  }
  return out;
}

/**
 * quern_md_formula_spans:
 * @text: Markdown of which more will come
 * @length: its bytes
 * @line: a line of it, from 1
 *
 * Returns: whether the line may be in the middle of a formula, so that its text must not be parsed from there
 */
gboolean
quern_md_formula_spans (const char *text, gsize length, guint line)
{
  Scan scan = { .end = text + length, .open = TRUE };
  const char *p = text;

  for (guint i = 1; p < scan.end; i++) {
    quern_md_formula_begin_line (&scan, p);
    if (i == line)
      return quern_md_formula_is_inside (&scan, p);
    p = quern_md_formula_line_end (p, scan.end) + 1;
  }
  return FALSE;
}

/**
 * quern_md_formula_restore:
 * @text: what cmark-gfm made of prepared text
 * @literal: it is code, in which nothing is escaped
 *
 * Returns: (transfer full): without what was put in
 */
char *
quern_md_formula_restore (const char *text, gboolean literal)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++) {
    if (!quern_md_formula_is_mark (*p))
      g_string_append_c (out, *p);
    else if (*p != PROTECTED && *p != FLANKING) {
      if (literal)
        g_string_append_c (out, '\\');
      g_string_append_c (out, brackets[*p - INLINE_OPEN]);
    }
  }
  return g_string_free (out, FALSE);
}

/* ---- inline ----------------------------------------------------------------------------------------------------- */

typedef struct {
  int start, end; /* byte span of the LaTeX in the text that is being parsed */
  int behind;
  gboolean display;
} Found;

static gboolean
quern_md_formula_is_space (unsigned char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* Finds a formula between single-byte signs, wherever they are. */
static gboolean
quern_md_formula_find_bracketed (cmark_inline_parser *parser, int at, unsigned char close, Found *found)
{
  unsigned char c;

  *found = (Found) { .start = at + 1, .display = close == DISPLAY_CLOSE };
  for (found->end = at + 1; (c = cmark_inline_parser_peek_at (parser, found->end)) != '\0'; found->end++) {
    if (c == close) {
      found->behind = found->end + 1;
      return found->end > found->start;
    }
  }
  return FALSE;
}

static gboolean
quern_md_formula_find_display (cmark_inline_parser *parser, int at, Found *found)
{
  unsigned char c;

  *found = (Found) { .start = at + 2, .display = TRUE };
  for (found->end = at + 2; (c = cmark_inline_parser_peek_at (parser, found->end)) != '\0'; found->end++) {
    if (c == '$' && cmark_inline_parser_peek_at (parser, found->end + 1) == '$') {
      found->behind = found->end + 2;
      return found->end > found->start;
    }
    if (c == '\\' && cmark_inline_parser_peek_at (parser, found->end + 1) != '\0')
      found->end++;
  }
  return FALSE;
}

/* Recognises amounts, as in "$5 a month or 50$": a number, then words, and nothing that only formulas have. */
static gboolean
quern_md_formula_is_money (cmark_inline_parser *parser, const Found *found)
{
  int words = 0;

  if (!g_ascii_isdigit (cmark_inline_parser_peek_at (parser, found->start)))
    return FALSE;
  for (int i = found->start; i < found->end; i++) {
    unsigned char c = cmark_inline_parser_peek_at (parser, i);
    if (strchr ("\\^_={}<>+*", c) != NULL)
      return FALSE;
    words += c == ' ' && g_ascii_isalpha (cmark_inline_parser_peek_at (parser, i + 1))
             && g_ascii_isalpha (cmark_inline_parser_peek_at (parser, i + 2));
  }
  return words > 0;
}

/* As in Pandoc, a single sign must open before and close after something that is not a space, so "$5 and $6" is money.
 * No letter or digit may touch the signs from outside, because "$HOME/$USER" is shell code. A sign that does not close the
 * formula makes it none, unless it is in braces: "$5, and $x^2$ is a formula". */
static gboolean
quern_md_formula_find_single (cmark_inline_parser *parser, int at, Found *found)
{
  unsigned char c, before = at > 0 ? cmark_inline_parser_peek_at (parser, at - 1) : ' ';
  int braces = 0;

  *found = (Found) { .start = at + 1 };
  if (g_ascii_isalnum (before) || quern_md_formula_is_space (cmark_inline_parser_peek_at (parser, at + 1)))
    return FALSE;
  for (found->end = at + 1; (c = cmark_inline_parser_peek_at (parser, found->end)) != '\0'; found->end++) {
    braces += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (c == '\\' && cmark_inline_parser_peek_at (parser, found->end + 1) != '\0')
      found->end++;
    else if (c == '$' && braces <= 0) {
      found->behind = found->end + 1;
      return found->end > found->start
             && !quern_md_formula_is_space (cmark_inline_parser_peek_at (parser, found->end - 1))
             && !g_ascii_isalnum (cmark_inline_parser_peek_at (parser, found->end + 1))
             && !quern_md_formula_is_money (parser, found);
    }
  }
  return FALSE;
}

static cmark_node *
quern_md_formula_match_cb (cmark_syntax_extension *extension, cmark_parser *parser, cmark_node *parent, unsigned char c,
                           cmark_inline_parser *inline_parser)
{
  g_autoptr (GString) latex = g_string_new (NULL);
  g_autofree char *restored = NULL;
  cmark_node *node;
  int at = cmark_inline_parser_get_offset (inline_parser);
  gboolean is_formula;
  Found found;

  if (c == INLINE_OPEN || c == DISPLAY_OPEN)
    is_formula = quern_md_formula_find_bracketed (inline_parser, at, c + 1, &found);
  else if (c != '$') /* a character of another extension */
    is_formula = FALSE;
  else if (cmark_inline_parser_peek_at (inline_parser, at + 1) == '$')
    is_formula = quern_md_formula_find_display (inline_parser, at, &found);
  else
    is_formula = quern_md_formula_find_single (inline_parser, at, &found);
  if (!is_formula)
    return NULL;
  for (int i = found.start; i < found.end; i++)
    g_string_append_c (latex, (char) cmark_inline_parser_peek_at (inline_parser, i));
  restored = quern_md_formula_restore (latex->str, TRUE);
  node = cmark_node_new (CMARK_NODE_CUSTOM_INLINE);
  cmark_node_set_on_enter (node, restored);
  cmark_node_set_on_exit (node, found.display ? "$$" : "$");
  cmark_inline_parser_set_offset (inline_parser, found.behind);
  return node;
}

/**
 * quern_md_formula_extension:
 *
 * Returns: (transfer none): for a parser of prepared text
 */
cmark_syntax_extension *
quern_md_formula_extension (void)
{
  static cmark_syntax_extension *extension;

  if (extension == NULL) {
    cmark_mem *memory = cmark_get_default_mem_allocator ();
    cmark_llist *characters = cmark_llist_append (memory, NULL, GINT_TO_POINTER ('$'));
    characters = cmark_llist_append (memory, characters, GINT_TO_POINTER (INLINE_OPEN));
    characters = cmark_llist_append (memory, characters, GINT_TO_POINTER (DISPLAY_OPEN));
    extension = cmark_syntax_extension_new ("quern-formula");
    cmark_syntax_extension_set_special_inline_chars (extension, characters);
    cmark_syntax_extension_set_match_inline_func (extension, quern_md_formula_match_cb);
  }
  return extension;
}

/**
 * quern_md_formula_get_latex:
 * @display: (out): whether it was set off
 *
 * Returns: (transfer none): what a node of %CMARK_NODE_CUSTOM_INLINE holds
 */
const char *
quern_md_formula_get_latex (cmark_node *node, gboolean *display)
{
  *display = g_strcmp0 (cmark_node_get_on_exit (node), "$$") == 0;
  return cmark_node_get_on_enter (node);
}
