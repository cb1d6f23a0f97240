/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Turns a formula with marks (quern-md-math.h) into Pango markup, and into plain text for the clipboard and screen
 * readers. Matrices on display are drawn in a monospace font with Unicode's pieces of brackets. */

#include "quern-md-math.h"

#include <string.h>

static const char raised[] = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻=⁼(⁽)⁾nⁿiⁱaᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰjʲkᵏlˡmᵐoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻTᵀ"
                             "∘°′′**";
static const char lowered[] = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓ";

static void
grid_free (gpointer data)
{
  QuernMathGrid *grid = data;
  g_ptr_array_unref (grid->rows);
  g_free (grid);
}

/**
 * quern_md_math_grids_new:
 *
 * Returns: (transfer full) (element-type QuernMathGrid): an empty list that owns its grids
 */
GPtrArray *
quern_md_math_grids_new (void)
{
  return g_ptr_array_new_with_free_func (grid_free);
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* Returns the small form of one character, or NULL if it has none. Both tables are pairs of characters. */
static const char *
small_form (const char *table, const char *p)
{
  gunichar wanted = g_utf8_get_char (p);

  for (const char *q = table; *q != '\0'; q = g_utf8_next_char (g_utf8_next_char (q)))
    if (g_utf8_get_char (q) == wanted)
      return g_utf8_next_char (q);
  return NULL;
}

/* Uses small characters if every character has a small form; otherwise the text follows the sign. */
static void
append_script (GString *out, char mark, const char *text)
{
  g_autoptr (GString) small = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    const char *form = small_form (mark == QUERN_MATH_SUP ? raised : lowered, p);
    if (form == NULL) {
      g_string_append_printf (out, g_utf8_strlen (text, -1) > 1 ? "%c(%s)" : "%c%s", mark == QUERN_MATH_SUP ? '^' : '_',
                              text);
      return;
    }
    g_string_append_len (small, form, g_utf8_next_char (form) - form);
  }
  g_string_append (out, small->str);
}

/* Writes a grid in one line: [a b; c d]. */
static void
append_grid (GString *out, const QuernMathGrid *grid)
{
  g_string_append (out, *grid->left != '\0' ? grid->left : "");
  for (guint i = 0; i < grid->rows->len; i++) {
    GPtrArray *row = g_ptr_array_index (grid->rows, i);
    if (i > 0)
      g_string_append (out, "; ");
    for (guint j = 0; j < row->len; j++)
      g_string_append_printf (out, j > 0 ? ", %s" : "%s", (char *) g_ptr_array_index (row, j));
  }
  g_string_append (out, grid->right);
}

/* Reads up to the end of the open mark and leaves `p` behind it. */
static char *
read_text (const char **p, GPtrArray *grids)
{
  GString *out = g_string_new (NULL);

  for (; **p != '\0' && **p != QUERN_MATH_END; ++*p) {
    char c = **p;
    if (c == QUERN_MATH_SUP || c == QUERN_MATH_SUB || c == QUERN_MATH_UPRIGHT || c == QUERN_MATH_BOLD) {
      g_autofree char *inner = (++*p, read_text (p, grids));
      if (c == QUERN_MATH_SUP || c == QUERN_MATH_SUB)
        append_script (out, c, inner);
      else
        g_string_append (out, inner);
      if (**p == '\0')
        break;
    } else if (c == QUERN_MATH_GRID)
      append_grid (out, g_ptr_array_index (grids, *++*p - QUERN_MATH_FIRST_GRID));
    else
      g_string_append_c (out, c);
  }
  return g_string_free (out, FALSE);
}

/* ---- grids on display ------------------------------------------------------------------------------------------- */

static void
pad (GString *line, gsize width)
{
  for (gsize n = g_utf8_strlen (line->str, -1); n < width; n++)
    g_string_append_c (line, ' ');
}

/* Returns the piece of a tall bracket at line i of n: top, middle or bottom; a brace has a piece for its centre too. */
static const char *
bracket_piece (const char *bracket, guint i, guint n)
{
  static const struct {
    const char *bracket, *top, *middle, *bottom;
  } pieces[] = {
    { "(", "⎛", "⎜", "⎝" }, { ")", "⎞", "⎟", "⎠" }, { "[", "⎡", "⎢", "⎣" },
    { "]", "⎤", "⎥", "⎦" }, { "{", "⎧", "⎪", "⎩" }, { "}", "⎫", "⎪", "⎭" },
  };

  for (gsize k = 0; k < G_N_ELEMENTS (pieces); k++) {
    if (n == 1 || !g_str_equal (pieces[k].bracket, bracket))
      continue;
    if (*bracket == '{' && n > 2 && i == n / 2)
      return "⎨";
    return i == 0 ? pieces[k].top : i == n - 1 ? pieces[k].bottom : pieces[k].middle;
  }
  return bracket;
}

static GPtrArray *
grid_lines (const QuernMathGrid *grid)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  gsize widths[32] = { 0 };

  for (guint i = 0; i < grid->rows->len; i++) {
    GPtrArray *row = g_ptr_array_index (grid->rows, i);
    for (guint j = 0; j < MIN (row->len, G_N_ELEMENTS (widths)); j++)
      widths[j] = MAX (widths[j], (gsize) g_utf8_strlen (g_ptr_array_index (row, j), -1));
  }
  for (guint i = 0; i < grid->rows->len; i++) {
    GPtrArray *row = g_ptr_array_index (grid->rows, i);
    GString *line = g_string_new (bracket_piece (grid->left, i, grid->rows->len));
    gsize width = g_utf8_strlen (line->str, -1);
    for (guint j = 0; j < G_N_ELEMENTS (widths) && widths[j] > 0; j++) {
      g_string_append_printf (line, j > 0 ? "  %s" : " %s", j < row->len ? (char *) g_ptr_array_index (row, j) : "");
      width += widths[j] + (j > 0 ? 2 : 1);
      pad (line, width);
    }
    g_string_append_printf (line, " %s", bracket_piece (grid->right, i, grid->rows->len));
    g_ptr_array_add (lines, g_string_free (line, FALSE));
  }
  return lines;
}

/* Puts the lines of `right` to the right of `left`, with both centred vertically. */
static void
join (GPtrArray *left, GPtrArray *right)
{
  guint height = MAX (left->len, right->len);
  guint left_top = (height - left->len) / 2, right_top = (height - right->len) / 2;
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();
  gsize width = 0;

  for (guint i = 0; i < left->len; i++)
    width = MAX (width, (gsize) g_utf8_strlen (g_ptr_array_index (left, i), -1));
  for (guint i = 0; i < height; i++) {
    GString *line = g_string_new (i >= left_top && i - left_top < left->len ? g_ptr_array_index (left, i - left_top)
                                                                            : "");
    pad (line, width);
    if (i >= right_top && i - right_top < right->len)
      g_string_append (line, g_ptr_array_index (right, i - right_top));
    g_ptr_array_add (lines, g_string_free (line, FALSE));
  }
  g_ptr_array_set_size (left, 0);
  for (guint i = 0; i < height; i++)
    g_ptr_array_add (left, g_ptr_array_index (lines, i));
}

/* Draws one line of a formula that has grids in it, as several lines. */
static char *
draw_line (const char *marked, GPtrArray *grids)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (const char *p = marked; *p != '\0';) {
    g_autoptr (GPtrArray) part = NULL;
    if (*p == QUERN_MATH_GRID) {
      part = grid_lines (g_ptr_array_index (grids, p[1] - QUERN_MATH_FIRST_GRID));
      p += 2;
    } else {
      const char *end = strchr (p, QUERN_MATH_GRID);
      g_autofree char *piece = end != NULL ? g_strndup (p, end - p) : g_strdup (p);
      const char *at = piece;
      part = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (part, read_text (&at, grids));
      p += strlen (piece);
    }
    join (lines, part);
  }
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

static char *
draw (const char *marked, GPtrArray *grids)
{
  g_auto (GStrv) lines = g_strsplit (marked, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    char *drawn = draw_line (lines[i], grids);
    g_free (lines[i]);
    lines[i] = drawn;
  }
  return g_strjoinv ("\n", lines);
}

/* ---- interface -------------------------------------------------------------------------------------------------- */

/**
 * quern_md_math_to_text:
 * @marked: a formula with marks
 * @grids: (element-type QuernMathGrid): what its marks of grids refer to
 * @display: it has lines of its own
 *
 * Returns: (transfer full): in Unicode
 */
char *
quern_md_math_to_text (const char *marked, GPtrArray *grids, gboolean display)
{
  return display && grids->len > 0 ? draw (marked, grids) : read_text (&marked, grids);
}

static void
append_markup (GString *out, const char *marked, GPtrArray *grids)
{
  g_autoptr (GString) ends = g_string_new (NULL); /* the end tags of the open marks */

  for (const char *p = marked; *p != '\0'; p++) {
    gboolean upright = strchr (ends->str, QUERN_MATH_UPRIGHT) != NULL;
    if (*p == QUERN_MATH_SUP || *p == QUERN_MATH_SUB || *p == QUERN_MATH_BOLD || *p == QUERN_MATH_UPRIGHT) {
      g_string_append (out, *p == QUERN_MATH_SUP    ? "<sup>"
                            : *p == QUERN_MATH_SUB  ? "<sub>"
                            : *p == QUERN_MATH_BOLD ? "<b>"
                                                    : "");
      g_string_append_c (ends, *p);
    } else if (*p == QUERN_MATH_END) {
      char mark = ends->len > 0 ? ends->str[ends->len - 1] : '\0';
      g_string_append (out, mark == QUERN_MATH_SUP    ? "</sup>"
                            : mark == QUERN_MATH_SUB  ? "</sub>"
                            : mark == QUERN_MATH_BOLD ? "</b>"
                                                      : "");
      g_string_truncate (ends, ends->len > 0 ? ends->len - 1 : 0);
    } else if (*p == QUERN_MATH_GRID) {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autofree char *escaped = NULL;
      append_grid (text, g_ptr_array_index (grids, *++p - QUERN_MATH_FIRST_GRID));
      escaped = g_markup_escape_text (text->str, -1);
      g_string_append (out, escaped);
    } else if (g_ascii_isalpha (*p) && !upright)
      g_string_append_printf (out, "<i>%c</i>", *p);
    else {
      gsize n = g_utf8_next_char (p) - p;
      g_autofree char *escaped = g_markup_escape_text (p, (gssize) n);
      g_string_append (out, escaped);
      p += n - 1;
    }
  }
}

/**
 * quern_md_math_to_markup:
 *
 * Returns: (transfer full): the same as Pango markup, letters that stand for something in italics
 */
char *
quern_md_math_to_markup (const char *marked, GPtrArray *grids, gboolean display)
{
  GString *out = g_string_new (NULL);

  if (display && grids->len > 0) {
    g_autofree char *drawn = draw (marked, grids);
    g_autofree char *escaped = g_markup_escape_text (drawn, -1);
    g_string_append_printf (out, "<tt>%s</tt>", escaped);
  } else
    append_markup (out, marked, grids);
  return g_string_free (out, FALSE);
}
