/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Converts cmark-gfm's tree to QuernMdBlock. On top of CommonMark it knows GitHub's tables, task lists, strike-through
 * and bare links. HTML is shown as text and never interpreted. The depth is limited, because the text comes from a
 * model or the clipboard. */

#include "quern-md-block.h"
#include "quern-md-formula.h"

#include "math/quern-math-font.h"
#include "math/quern-math-tree.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <string.h>

#define MAX_BLOCK_DEPTH 10
#define MAX_INLINE_DEPTH 40

typedef struct {
  GString *markup, *text;
  GArray *formulas; /* of QuernMathSpan */
} Inline;

static void quern_md_parse_add_inlines (Inline *out, cmark_node *parent, int depth);
static cmark_node *quern_md_parse_add_inline (Inline *out, cmark_node *node, cmark_node *stop, int depth);

static gboolean
quern_md_parse_is_type (cmark_node *node, const char *name)
{
  return strcmp (cmark_node_get_type_string (node), name) == 0;
}

static void
quern_md_parse_add_plain (Inline *out, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  g_string_append (out->markup, escaped);
  g_string_append (out->text, text);
}

static void
quern_md_parse_add_text (Inline *out, const char *text)
{
  g_autofree char *restored = quern_md_formula_restore (text, FALSE);
  quern_md_parse_add_plain (out, restored);
}

/* Returns whether a formula can be set: it is balanced, and there is a font. */
static gboolean
quern_md_parse_can_set (const char *latex)
{
  g_autoptr (QuernMathTree) tree = quern_math_parse (latex, strlen (latex));
  return tree != NULL && quern_math_font_get () != NULL;
}

/* Adds a formula to a line, as its source: a widget shows it there. What cannot be set looks like code. */
static void
quern_md_parse_add_formula (Inline *out, cmark_node *node)
{
  gboolean display, known;
  const char *latex = quern_md_formula_get_latex (node, &display);
  g_autofree char *flat = g_strdelimit (g_strdup (latex), "\n", ' ');
  g_autofree char *source = g_strdup_printf (display ? "$$%s$$" : "$%s$", flat);

  known = quern_md_parse_can_set (flat);
  if (known)
    quern_math_spans_add (out->formulas, out->text->len, strlen (source), flat);
  g_string_append (out->markup, known ? "<span>" : "<tt>");
  quern_md_parse_add_plain (out, source);
  g_string_append (out->markup, known ? "</span>" : "</tt>");
}

static void
quern_md_parse_add_wrapped (Inline *out, cmark_node *node, const char *tag, int depth)
{
  g_string_append_printf (out->markup, "<%s>", tag);
  quern_md_parse_add_inlines (out, node, depth + 1);
  g_string_append_printf (out->markup, "</%s>", tag);
}

/* Adds a link if its address is one that a browser or a mail program should open. A picture becomes a link, too, because
 * nothing is fetched from the network. */
static void
quern_md_parse_add_link (Inline *out, cmark_node *node, int depth)
{
  g_autofree char *url = quern_md_formula_restore (cmark_node_get_url (node) != NULL ? cmark_node_get_url (node) : "",
                                                   FALSE);
  g_autofree char *scheme = g_uri_parse_scheme (url);
  gboolean safe = scheme != NULL
                  && (g_str_equal (scheme, "http") || g_str_equal (scheme, "https") || g_str_equal (scheme, "mailto"));
  if (safe) {
    g_autofree char *escaped = g_markup_escape_text (url, -1);
    g_string_append_printf (out->markup, "<a href=\"%s\" title=\"%s\">", escaped, escaped);
  }
  gsize before = out->text->len;
  quern_md_parse_add_inlines (out, node, depth + 1);
  if (out->text->len == before)
    quern_md_parse_add_plain (out, *url != '\0' ? url : "…");
  if (safe)
    g_string_append (out->markup, "</a>");
}

/* Returns Pango's name of an HTML tag that only says how text looks, or NULL for others. */
static const char *
quern_md_parse_tag_of (cmark_node *node, gboolean closing)
{
  static const char *const tags[][2] = {
    { "b", "b" },    { "strong", "b" }, { "i", "i" },     { "em", "i" },    { "u", "u" },
    { "ins", "u" },  { "s", "s" },      { "del", "s" },   { "sub", "sub" }, { "sup", "sup" },
    { "kbd", "tt" }, { "code", "tt" },  { "samp", "tt" }, { "tt", "tt" },   { "small", "small" },
  };
  const char *html = node != NULL && cmark_node_get_type (node) == CMARK_NODE_HTML_INLINE
                         ? cmark_node_get_literal (node)
                         : "";
  gsize start = closing ? 2 : 1, length = strlen (html);

  if (length < start + 2 || (html[1] == '/') != closing)
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (tags); i++) {
    if (length == start + strlen (tags[i][0]) + 1
        && g_ascii_strncasecmp (html + start, tags[i][0], strlen (tags[i][0])) == 0)
      return tags[i][1];
  }
  return NULL;
}

/* Shows HTML as text, except for line breaks and for pairs of tags that only say how text looks. Returns the node that
 * follows. */
static cmark_node *
quern_md_parse_add_html (Inline *out, cmark_node *node, cmark_node *stop, int depth)
{
  g_autofree char *restored = quern_md_formula_restore (cmark_node_get_literal (node), TRUE);
  const char *tag = quern_md_parse_tag_of (node, FALSE), *other;
  cmark_node *close = tag != NULL && depth < MAX_INLINE_DEPTH ? cmark_node_next (node) : NULL;
  int open = 1;

  for (; close != NULL && close != stop; close = cmark_node_next (close)) {
    other = quern_md_parse_tag_of (close, FALSE);
    open += other != NULL && strcmp (other, tag) == 0;
    other = quern_md_parse_tag_of (close, TRUE);
    open -= other != NULL && strcmp (other, tag) == 0;
    if (open == 0)
      break;
  }
  if (close != NULL && close != stop) {
    g_string_append_printf (out->markup, "<%s>", tag);
    for (node = cmark_node_next (node); node != close;)
      node = quern_md_parse_add_inline (out, node, close, depth + 1);
    g_string_append_printf (out->markup, "</%s>", tag);
    return cmark_node_next (close);
  }
  quern_md_parse_add_plain (out, g_regex_match_simple ("^<br */?>$", restored, G_REGEX_CASELESS, 0) ? "\n" : restored);
  return cmark_node_next (node);
}

/* Adds a node, and with an HTML tag all up to its end. Returns the node that follows; `stop` follows the last one. */
static cmark_node *
quern_md_parse_add_inline (Inline *out, cmark_node *node, cmark_node *stop, int depth)
{
  const char *literal = cmark_node_get_literal (node);
  g_autofree char *text = NULL;

  switch ((int) cmark_node_get_type (node)) {
  case CMARK_NODE_TEXT: quern_md_parse_add_text (out, literal); break;
  case CMARK_NODE_HTML_INLINE: return quern_md_parse_add_html (out, node, stop, depth);
  case CMARK_NODE_CUSTOM_INLINE: quern_md_parse_add_formula (out, node); break;
  case CMARK_NODE_CODE:
    text = quern_md_formula_restore (literal, TRUE);
    g_string_append (out->markup, "<tt>");
    quern_md_parse_add_plain (out, text);
    g_string_append (out->markup, "</tt>");
    break;
  case CMARK_NODE_FOOTNOTE_REFERENCE: /* its number, raised */
    text = g_strdup_printf ("[%s]", literal);
    g_string_append (out->markup, "<sup>");
    quern_md_parse_add_plain (out, text);
    g_string_append (out->markup, "</sup>");
    break;
  case CMARK_NODE_SOFTBREAK: /* people and models expect the line break that they typed */
  case CMARK_NODE_LINEBREAK: quern_md_parse_add_text (out, "\n"); break;
  case CMARK_NODE_EMPH: quern_md_parse_add_wrapped (out, node, "i", depth); break;
  case CMARK_NODE_STRONG: quern_md_parse_add_wrapped (out, node, "b", depth); break;
  case CMARK_NODE_LINK:
  case CMARK_NODE_IMAGE: quern_md_parse_add_link (out, node, depth); break;
  default:
    if (quern_md_parse_is_type (node, "strikethrough"))
      quern_md_parse_add_wrapped (out, node, "s", depth);
    else
      quern_md_parse_add_inlines (out, node, depth + 1);
  }
  return cmark_node_next (node);
}

static void
quern_md_parse_add_inlines (Inline *out, cmark_node *parent, int depth)
{
  if (depth > MAX_INLINE_DEPTH) {
    char *plain = cmark_render_plaintext (parent, CMARK_OPT_DEFAULT, 0);
    quern_md_parse_add_text (out, plain);
    free (plain);
    return;
  }
  for (cmark_node *node = cmark_node_first_child (parent); node != NULL;)
    node = quern_md_parse_add_inline (out, node, NULL, depth);
}

static Inline
quern_md_parse_new_inline (void)
{
  return (Inline) { g_string_new (NULL), g_string_new (NULL), quern_math_spans_new () };
}

/* Gives what was added to a block. */
static void
quern_md_parse_finish_inline (Inline *out, QuernMdBlock *block)
{
  block->markup = g_string_free (out->markup, FALSE);
  block->text = g_string_free (out->text, FALSE);
  if (out->formulas->len > 0)
    block->formulas = g_array_ref (out->formulas);
  g_array_unref (out->formulas);
}

static void
quern_md_parse_set_inlines (QuernMdBlock *block, cmark_node *node)
{
  Inline out = quern_md_parse_new_inline ();
  quern_md_parse_add_inlines (&out, node, 0);
  quern_md_parse_finish_inline (&out, block);
}

static QuernMdBlock *
quern_md_parse_make_table (cmark_node *table, guint line)
{
  QuernMdBlock *out = quern_md_block_new (QUERN_MD_TABLE, 0, line);
  int n_columns = cmark_gfm_extensions_get_table_columns (table);
  const guint8 *alignments = cmark_gfm_extensions_get_table_alignments (table);

  out->children = quern_md_blocks_new ();
  for (cmark_node *row = cmark_node_first_child (table); row != NULL; row = cmark_node_next (row)) {
    QuernMdBlock *row_block = quern_md_block_new (QUERN_MD_ROW, 0, cmark_node_get_start_line (row));
    int column = 0;
    row_block->children = quern_md_blocks_new ();
    g_ptr_array_add (out->children, row_block);
    for (cmark_node *cell = cmark_node_first_child (row); cell != NULL; cell = cmark_node_next (cell), column++) {
      int alignment = alignments != NULL && column < n_columns ? alignments[column] : 0;
      QuernMdBlock *cell_block = quern_md_block_new (QUERN_MD_CELL, alignment, row_block->line);
      quern_md_parse_set_inlines (cell_block, cell);
      g_ptr_array_add (row_block->children, cell_block);
    }
  }
  return out;
}

static QuernMdBlock *quern_md_parse_make_block (cmark_node *node, int depth);

static QuernMdBlock *
quern_md_parse_make_container (cmark_node *node, QuernMdKind kind, int number, int depth)
{
  QuernMdBlock *out = quern_md_block_new (kind, number, cmark_node_get_start_line (node));
  out->children = quern_md_blocks_new ();
  for (cmark_node *child = cmark_node_first_child (node); child != NULL; child = cmark_node_next (child)) {
    QuernMdBlock *block = quern_md_parse_make_block (child, depth + 1);
    if (block != NULL)
      g_ptr_array_add (out->children, block);
  }
  return out;
}

/* Makes a footnote: a list of one item with its number. cmark-gfm puts footnotes at the end, as they are referred to. */
static QuernMdBlock *
quern_md_parse_make_footnote (cmark_node *node, int depth)
{
  QuernMdBlock *list = quern_md_block_new (QUERN_MD_LIST, 1, cmark_node_get_start_line (node));

  for (cmark_node *before = cmark_node_previous (node);
       before != NULL && cmark_node_get_type (before) == CMARK_NODE_FOOTNOTE_DEFINITION;
       before = cmark_node_previous (before))
    list->number++;
  list->children = quern_md_blocks_new ();
  g_ptr_array_add (list->children, quern_md_parse_make_container (node, QUERN_MD_ITEM, -1, depth));
  return list;
}

static QuernMdBlock *
quern_md_parse_make_leaf (cmark_node *node, QuernMdKind kind, int number)
{
  QuernMdBlock *out = quern_md_block_new (kind, number, cmark_node_get_start_line (node));
  quern_md_parse_set_inlines (out, node);
  return out;
}

/* Returns whether a node is a formula on display that can be set. */
static gboolean
quern_md_parse_is_display (cmark_node *node)
{
  gboolean display = FALSE;
  const char *latex = cmark_node_get_type (node) == CMARK_NODE_CUSTOM_INLINE
                          ? quern_md_formula_get_latex (node, &display)
                          : NULL;
  return display && quern_md_parse_can_set (latex);
}

/* Makes a paragraph. Formulas on display divide it into parts; one that is alone is a block of its own. */
static QuernMdBlock *
quern_md_parse_make_paragraph (cmark_node *node)
{
  guint line = cmark_node_get_start_line (node);
  QuernMdBlock *out, *part;
  cmark_node *child = cmark_node_first_child (node);

  while (child != NULL && !quern_md_parse_is_display (child))
    child = cmark_node_next (child);
  if (child == NULL)
    return quern_md_parse_make_leaf (node, QUERN_MD_PARAGRAPH, 0);
  out = quern_md_block_new (QUERN_MD_PARTS, 0, line);
  out->children = quern_md_blocks_new ();
  for (child = cmark_node_first_child (node); child != NULL;) {
    gboolean display;
    if (quern_md_parse_is_display (child)) {
      part = quern_md_block_new (QUERN_MD_FORMULA, 0, line);
      part->text = g_strdup (quern_md_formula_get_latex (child, &display));
      g_ptr_array_add (out->children, part);
      child = cmark_node_next (child);
      continue;
    }
    Inline text = quern_md_parse_new_inline ();
    while (child != NULL && !quern_md_parse_is_display (child)) {
      gboolean line_break = cmark_node_get_type (child) == CMARK_NODE_SOFTBREAK
                            || cmark_node_get_type (child) == CMARK_NODE_LINEBREAK;
      cmark_node *next = cmark_node_next (child), *stop = next;
      while (stop != NULL && !quern_md_parse_is_display (stop))
        stop = cmark_node_next (stop);
      if (line_break && (text.text->len == 0 || next == NULL || next == stop)) /* none at the edge of a part */
        child = next;
      else
        child = quern_md_parse_add_inline (&text, child, stop, 0);
    }
    part = quern_md_block_new (QUERN_MD_PARAGRAPH, 0, line);
    quern_md_parse_finish_inline (&text, part);
    if (part->text[strspn (part->text, " ")] != '\0')
      g_ptr_array_add (out->children, part);
    else
      quern_md_block_free (part);
  }
  if (out->children->len > 1)
    return out;
  part = g_ptr_array_steal_index (out->children, 0);
  quern_md_block_free (out);
  return part;
}

/* Makes a block of code. The language is the first word of `info`: in "python title=x", python. */
static QuernMdBlock *
quern_md_parse_make_code (cmark_node *node, const char *literal, const char *info)
{
  QuernMdBlock *out = quern_md_block_new (QUERN_MD_CODE, 0, cmark_node_get_start_line (node));
  gsize length;

  out->text = quern_md_formula_restore (literal, TRUE);
  length = strlen (out->text);
  if (length > 0 && out->text[length - 1] == '\n')
    out->text[length - 1] = '\0';
  out->info = g_strndup (info != NULL ? info : "", strcspn (info != NULL ? info : "", " \t,{"));
  return out;
}

static QuernMdBlock *
quern_md_parse_make_block (cmark_node *node, int depth)
{
  guint line = cmark_node_get_start_line (node);
  int number = -1;
  QuernMdBlock *out;

  if (depth > MAX_BLOCK_DEPTH && cmark_node_get_type (node) != CMARK_NODE_ITEM) { /* as source: too deep to draw */
    char *plain = cmark_render_plaintext (node, CMARK_OPT_DEFAULT, 0);
    out = quern_md_parse_make_code (node, plain, NULL);
    free (plain);
    return out;
  }
  if (quern_md_parse_is_type (node, "table"))
    return quern_md_parse_make_table (node, line);
  if (cmark_node_get_type (node) == CMARK_NODE_FOOTNOTE_DEFINITION)
    return quern_md_parse_make_footnote (node, depth);
  switch ((int) cmark_node_get_type (node)) {
  case CMARK_NODE_HEADING:
    return quern_md_parse_make_leaf (node, QUERN_MD_HEADING, cmark_node_get_heading_level (node));
  case CMARK_NODE_CODE_BLOCK:
    return quern_md_parse_make_code (node, cmark_node_get_literal (node), cmark_node_get_fence_info (node));
  case CMARK_NODE_HTML_BLOCK: return quern_md_parse_make_code (node, cmark_node_get_literal (node), "html");
  case CMARK_NODE_BLOCK_QUOTE: return quern_md_parse_make_container (node, QUERN_MD_QUOTE, 0, depth);
  case CMARK_NODE_LIST:
    if (cmark_node_get_list_type (node) == CMARK_ORDERED_LIST)
      number = cmark_node_get_list_start (node);
    return quern_md_parse_make_container (node, QUERN_MD_LIST, number, depth);
  case CMARK_NODE_ITEM:
    if (quern_md_parse_is_type (node, "tasklist"))
      number = cmark_gfm_extensions_get_tasklist_item_checked (node) ? 1 : 0;
    return quern_md_parse_make_container (node, QUERN_MD_ITEM, number, depth);
  case CMARK_NODE_THEMATIC_BREAK: return quern_md_block_new (QUERN_MD_RULE, 0, line);
  default: return quern_md_parse_make_paragraph (node);
  }
}

/**
 * quern_md_parse:
 * @text: Markdown, need not end with NUL
 * @length: its bytes
 * @open: more will come, so a formula on display may still be closed
 *
 * Returns: (transfer full) (element-type QuernMdBlock): the top-level blocks in order
 */
GPtrArray *
quern_md_parse (const char *text, gsize length, gboolean open)
{
  g_autoptr (GString) prepared = quern_md_formula_prepare (text, length, open);
  static const char *const names[] = { "table", "strikethrough", "autolink", "tasklist" };
  GPtrArray *blocks = quern_md_blocks_new ();
  cmark_parser *parser;
  cmark_node *document;

  cmark_gfm_core_extensions_ensure_registered ();
  parser = cmark_parser_new (CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE | CMARK_OPT_FOOTNOTES);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    cmark_parser_attach_syntax_extension (parser, cmark_find_syntax_extension (names[i]));
  cmark_parser_attach_syntax_extension (parser, quern_md_formula_extension ());

  cmark_parser_feed (parser, prepared->str, prepared->len);
  document = cmark_parser_finish (parser);
  cmark_consolidate_text_nodes (document);
  for (cmark_node *node = cmark_node_first_child (document); node != NULL; node = cmark_node_next (node))
    g_ptr_array_add (blocks, quern_md_parse_make_block (node, 0));
  cmark_node_free (document);
  cmark_parser_free (parser);
  return blocks;
}
