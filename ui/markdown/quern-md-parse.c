/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Converts cmark-gfm's tree to QuernMdBlock. On top of CommonMark it knows GitHub's tables, task lists, strike-through
 * and bare links. HTML is shown as text and never interpreted. The depth is limited, because the text comes from a
 * model or the clipboard. */

#include "quern-md-block.h"
#include "quern-md-formula.h"
#include "quern-md-math.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <string.h>

#define MAX_BLOCK_DEPTH 10
#define MAX_INLINE_DEPTH 40

typedef struct {
  GString *markup, *text;
} Inline;

static void add_inlines (Inline *out, cmark_node *parent, int depth);

static gboolean
is_type (cmark_node *node, const char *name)
{
  return strcmp (cmark_node_get_type_string (node), name) == 0;
}

static void
add_plain (Inline *out, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  g_string_append (out->markup, escaped);
  g_string_append (out->text, text);
}

static void
add_text (Inline *out, const char *text)
{
  g_autofree char *restored = quern_md_formula_restore (text, FALSE);
  add_plain (out, restored);
}

/* Puts a display formula on a line of its own. */
static void
add_formula (Inline *out, cmark_node *node)
{
  gboolean display;
  const char *latex = quern_md_formula_get_latex (node, &display);
  g_autofree char *text = NULL, *markup = quern_md_math_render (latex, display, &text);
  gboolean own_line = display && (cmark_node_previous (node) != NULL || cmark_node_next (node) != NULL);

  if (own_line && out->text->len > 0 && !g_str_has_suffix (out->text->str, "\n"))
    add_plain (out, "\n");
  g_string_append (out->markup, markup);
  g_string_append (out->text, text);
  if (own_line && cmark_node_next (node) != NULL && cmark_node_get_type (cmark_node_next (node)) == CMARK_NODE_TEXT)
    add_plain (out, "\n");
}

static void
add_wrapped (Inline *out, cmark_node *node, const char *tag, int depth)
{
  g_string_append_printf (out->markup, "<%s>", tag);
  add_inlines (out, node, depth + 1);
  g_string_append_printf (out->markup, "</%s>", tag);
}

/* Accepts only addresses that a browser or mail program should open; others are shown as text. */
static gboolean
is_safe_address (const char *url)
{
  g_autofree char *scheme = g_uri_parse_scheme (url);
  return scheme != NULL
         && (g_str_equal (scheme, "http") || g_str_equal (scheme, "https") || g_str_equal (scheme, "mailto"));
}

/* Adds a link. A picture becomes a link too, because nothing is fetched from the network. */
static void
add_link (Inline *out, cmark_node *node, int depth)
{
  g_autofree char *url = quern_md_formula_restore (cmark_node_get_url (node) != NULL ? cmark_node_get_url (node) : "",
                                                   FALSE);
  gboolean safe = is_safe_address (url);
  if (safe) {
    g_autofree char *escaped = g_markup_escape_text (url, -1);
    g_string_append_printf (out->markup, "<a href=\"%s\" title=\"%s\">", escaped, escaped);
  }
  gsize before = out->text->len;
  add_inlines (out, node, depth + 1);
  if (out->text->len == before)
    add_plain (out, *url != '\0' ? url : "…");
  if (safe)
    g_string_append (out->markup, "</a>");
}

static void
add_code (Inline *out, const char *text)
{
  g_autofree char *restored = quern_md_formula_restore (text, TRUE);

  g_string_append (out->markup, "<tt>");
  add_plain (out, restored);
  g_string_append (out->markup, "</tt>");
}

/* Shows HTML as text, except for the line breaks that models write into table cells. */
static void
add_html (Inline *out, const char *html)
{
  g_autofree char *restored = quern_md_formula_restore (html, TRUE);

  if (g_regex_match_simple ("^<br */?>$", restored, G_REGEX_CASELESS, 0)) {
    add_plain (out, "\n");
    return;
  }
  add_plain (out, restored);
}

static void
add_inline (Inline *out, cmark_node *node, int depth)
{
  switch ((int) cmark_node_get_type (node)) {
  case CMARK_NODE_TEXT: add_text (out, cmark_node_get_literal (node)); break;
  case CMARK_NODE_HTML_INLINE: add_html (out, cmark_node_get_literal (node)); break;
  case CMARK_NODE_CUSTOM_INLINE: add_formula (out, node); break;
  case CMARK_NODE_CODE: add_code (out, cmark_node_get_literal (node)); break;
  case CMARK_NODE_SOFTBREAK: /* people and models expect the line break that they typed */
  case CMARK_NODE_LINEBREAK: add_text (out, "\n"); break;
  case CMARK_NODE_EMPH: add_wrapped (out, node, "i", depth); break;
  case CMARK_NODE_STRONG: add_wrapped (out, node, "b", depth); break;
  case CMARK_NODE_LINK:
  case CMARK_NODE_IMAGE: add_link (out, node, depth); break;
  default:
    if (is_type (node, "strikethrough"))
      add_wrapped (out, node, "s", depth);
    else
      add_inlines (out, node, depth + 1);
  }
}

static void
add_inlines (Inline *out, cmark_node *parent, int depth)
{
  if (depth > MAX_INLINE_DEPTH) {
    char *plain = cmark_render_plaintext (parent, CMARK_OPT_DEFAULT, 0);
    add_text (out, plain);
    free (plain);
    return;
  }
  for (cmark_node *node = cmark_node_first_child (parent); node != NULL; node = cmark_node_next (node))
    add_inline (out, node, depth);
}

static void
set_inlines (QuernMdBlock *block, cmark_node *node)
{
  Inline out = { g_string_new (NULL), g_string_new (NULL) };
  add_inlines (&out, node, 0);
  block->markup = g_string_free (out.markup, FALSE);
  block->text = g_string_free (out.text, FALSE);
}

static void
set_literal (QuernMdBlock *block, const char *literal, const char *info)
{
  gsize length;

  block->text = quern_md_formula_restore (literal, TRUE);
  length = strlen (block->text);
  if (length > 0 && block->text[length - 1] == '\n')
    block->text[length - 1] = '\0';
  /* In "python title=x" the language is the first word. */
  block->info = g_strndup (info, strcspn (info, " \t,{"));
}

static QuernMdBlock *
make_table (cmark_node *table, guint line)
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
      set_inlines (cell_block, cell);
      g_ptr_array_add (row_block->children, cell_block);
    }
  }
  return out;
}

static QuernMdBlock *make_block (cmark_node *node, int depth);

static QuernMdBlock *
make_container (cmark_node *node, QuernMdKind kind, int number, int depth)
{
  QuernMdBlock *out = quern_md_block_new (kind, number, cmark_node_get_start_line (node));
  out->children = quern_md_blocks_new ();
  for (cmark_node *child = cmark_node_first_child (node); child != NULL; child = cmark_node_next (child)) {
    QuernMdBlock *block = make_block (child, depth + 1);
    if (block != NULL)
      g_ptr_array_add (out->children, block);
  }
  return out;
}

static int
task_state (cmark_node *item)
{
  if (!is_type (item, "tasklist"))
    return -1;
  return cmark_gfm_extensions_get_tasklist_item_checked (item) ? 1 : 0;
}

static QuernMdBlock *
make_list (cmark_node *node, int depth)
{
  gboolean ordered = cmark_node_get_list_type (node) == CMARK_ORDERED_LIST;
  return make_container (node, QUERN_MD_LIST, ordered ? cmark_node_get_list_start (node) : -1, depth);
}

static QuernMdBlock *
make_leaf (cmark_node *node, QuernMdKind kind, int number)
{
  QuernMdBlock *out = quern_md_block_new (kind, number, cmark_node_get_start_line (node));
  set_inlines (out, node);
  return out;
}

static QuernMdBlock *
make_code (cmark_node *node, const char *info)
{
  QuernMdBlock *out = quern_md_block_new (QUERN_MD_CODE, 0, cmark_node_get_start_line (node));
  set_literal (out, cmark_node_get_literal (node), info != NULL ? info : "");
  return out;
}

/* Shows a block as source text, because it is nested too deeply to draw. */
static QuernMdBlock *
make_flat (cmark_node *node)
{
  QuernMdBlock *out = quern_md_block_new (QUERN_MD_CODE, 0, cmark_node_get_start_line (node));
  char *plain = cmark_render_plaintext (node, CMARK_OPT_DEFAULT, 0);
  set_literal (out, plain, "");
  free (plain);
  return out;
}

static QuernMdBlock *
make_block (cmark_node *node, int depth)
{
  guint line = cmark_node_get_start_line (node);

  if (depth > MAX_BLOCK_DEPTH && cmark_node_get_type (node) != CMARK_NODE_ITEM)
    return make_flat (node);
  if (is_type (node, "table"))
    return make_table (node, line);
  switch ((int) cmark_node_get_type (node)) {
  case CMARK_NODE_HEADING: return make_leaf (node, QUERN_MD_HEADING, cmark_node_get_heading_level (node));
  case CMARK_NODE_CODE_BLOCK: return make_code (node, cmark_node_get_fence_info (node));
  case CMARK_NODE_HTML_BLOCK: return make_code (node, "html");
  case CMARK_NODE_BLOCK_QUOTE: return make_container (node, QUERN_MD_QUOTE, 0, depth);
  case CMARK_NODE_LIST: return make_list (node, depth);
  case CMARK_NODE_ITEM: return make_container (node, QUERN_MD_ITEM, task_state (node), depth);
  case CMARK_NODE_THEMATIC_BREAK: return quern_md_block_new (QUERN_MD_RULE, 0, line);
  default: return make_leaf (node, QUERN_MD_PARAGRAPH, 0);
  }
}

static cmark_parser *
new_parser (void)
{
  static const char *const names[] = { "table", "strikethrough", "autolink", "tasklist" };
  cmark_parser *parser;

  cmark_gfm_core_extensions_ensure_registered ();
  parser = cmark_parser_new (CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    cmark_parser_attach_syntax_extension (parser, cmark_find_syntax_extension (names[i]));
  cmark_parser_attach_syntax_extension (parser, quern_md_formula_extension ());
  return parser;
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
  cmark_parser *parser = new_parser ();
  GPtrArray *blocks = quern_md_blocks_new ();
  cmark_node *document;

  cmark_parser_feed (parser, prepared->str, prepared->len);
  document = cmark_parser_finish (parser);
  cmark_consolidate_text_nodes (document);
  for (cmark_node *node = cmark_node_first_child (document); node != NULL; node = cmark_node_next (node))
    g_ptr_array_add (blocks, make_block (node, 0));
  cmark_node_free (document);
  cmark_parser_free (parser);
  return blocks;
}
