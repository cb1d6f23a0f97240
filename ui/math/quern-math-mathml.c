/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* A formula as presentation MathML, for programs that paste it as one: https://www.w3.org/TR/MathML3/chapter3.html. */

#include "quern-math-tree.h"

#include <string.h>

static void put_node (GString *out, const QuernMathNode *node);

static void
put_text (GString *out, const char *element, const char *attributes, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);

  g_string_append_printf (out, "<%s%s>%s</%s>", element, attributes, escaped, element);
}

static void
put_sign (GString *out, const char *attributes, gunichar ch)
{
  char text[7] = { 0 };

  if (ch == 0)
    return;
  g_unichar_to_utf8 (ch, text);
  put_text (out, "mo", attributes, text);
}

static const char *
variant_of (const QuernMathNode *node)
{
  static const char *const names[] = {
    [QUERN_MATH_LETTERS] = "",
    [QUERN_MATH_ROMAN] = " mathvariant=\"normal\"",
    [QUERN_MATH_BOLD] = " mathvariant=\"bold\"",
    [QUERN_MATH_ITALIC] = " mathvariant=\"italic\"",
    [QUERN_MATH_BOLD_ITALIC] = " mathvariant=\"bold-italic\"",
    [QUERN_MATH_SCRIPT] = " mathvariant=\"script\"",
    [QUERN_MATH_FRAKTUR] = " mathvariant=\"fraktur\"",
    [QUERN_MATH_BLACKBOARD] = " mathvariant=\"double-struck\"",
    [QUERN_MATH_SANS] = " mathvariant=\"sans-serif\"",
    [QUERN_MATH_MONO] = " mathvariant=\"monospace\"",
  };

  return node->variant < G_N_ELEMENTS (names) ? names[node->variant] : "";
}

static gboolean
is_digit (const QuernMathNode *node)
{
  return node != NULL && node->kind == QUERN_MATH_SYMBOL && g_unichar_isdigit (node->ch);
}

/* Whether a node in a number belongs to it: a point does if a digit follows, not the one at the end of a sentence. */
static gboolean
is_in_number (const QuernMathNode *node)
{
  return is_digit (node)
         || (node != NULL && node->kind == QUERN_MATH_SYMBOL && node->ch == '.' && is_digit (node->next));
}

/* Nodes beside each other as one element. Digits that follow each other are one number. */
static void
put_line (GString *out, const QuernMathNode *node)
{
  g_string_append (out, "<mrow>");
  while (node != NULL) {
    if (is_digit (node)) {
      g_string_append_printf (out, "<mn%s>", variant_of (node));
      for (; is_in_number (node); node = node->next)
        g_string_append_unichar (out, node->ch);
      g_string_append (out, "</mn>");
    } else {
      put_node (out, node);
      node = node->next;
    }
  }
  g_string_append (out, "</mrow>");
}

/* The only element of a place that must have one. */
static void
put_one (GString *out, const QuernMathNode *node)
{
  if (node != NULL && node->kind == QUERN_MATH_LIST)
    put_line (out, node->body);
  else if (node != NULL && node->next == NULL && !is_digit (node) && node->kind != QUERN_MATH_STYLE)
    put_node (out, node);
  else
    put_line (out, node);
}

static void
put_scripts (GString *out, const QuernMathNode *node)
{
  gboolean limits = node->limits == QUERN_MATH_LIMITS_ALWAYS
                    || (node->limits == QUERN_MATH_LIMITS_DEFAULT && node->class == QUERN_MATH_OP);
  const char *element;

  if (node->above != NULL && node->below != NULL)
    element = limits ? "munderover" : "msubsup";
  else if (node->above != NULL)
    element = limits ? "mover" : "msup";
  else
    element = limits ? "munder" : "msub";
  g_string_append_printf (out, "<%s>", element);
  put_one (out, node->body);
  if (node->below != NULL)
    put_one (out, node->below);
  if (node->above != NULL)
    put_one (out, node->above);
  g_string_append_printf (out, "</%s>", element);
}

static void
put_array (GString *out, const QuernMathNode *node)
{
  const QuernMathEnvironment *environment = node->environment;

  g_string_append (out, "<mrow>");
  if (environment != NULL && *environment->left != '\0')
    put_text (out, "mo", " fence=\"true\"", environment->left);
  g_string_append (out, "<mtable>");
  for (const QuernMathNode *row = node->body; row != NULL; row = row->next) {
    g_string_append (out, "<mtr>");
    for (const QuernMathNode *cell = row->body; cell != NULL; cell = cell->next) {
      g_string_append (out, "<mtd>");
      put_line (out, cell->kind == QUERN_MATH_LIST ? cell->body : cell);
      g_string_append (out, "</mtd>");
    }
    g_string_append (out, "</mtr>");
  }
  g_string_append (out, "</mtable>");
  if (environment != NULL && *environment->right != '\0')
    put_text (out, "mo", " fence=\"true\"", environment->right);
  g_string_append (out, "</mrow>");
}

/* What encloses the body of a node. @attributes has its own space in front. */
static void
put_enclosed (GString *out, const char *element, const char *attributes, const QuernMathNode *node)
{
  g_string_append_printf (out, "<%s%s>", element, attributes);
  put_one (out, node->body);
  g_string_append_printf (out, "</%s>", element);
}

static void
put_stacked (GString *out, const QuernMathNode *node, gboolean above, gunichar ch)
{
  const char *element = above ? "mover" : "munder";

  g_string_append_printf (out, "<%s accent%s=\"true\">", element, above ? "" : "under");
  put_one (out, node->body);
  put_sign (out, " stretchy=\"true\"", ch);
  g_string_append_printf (out, "</%s>", element);
}

static void
put_arrow (GString *out, const QuernMathNode *node)
{
  g_string_append (out, "<munderover>");
  put_sign (out, " stretchy=\"true\"", node->ch);
  put_one (out, node->below);
  put_one (out, node->above);
  g_string_append (out, "</munderover>");
}

static void
put_fraction (GString *out, const QuernMathNode *node)
{
  g_string_append (out, "<mrow>");
  put_sign (out, " fence=\"true\"", node->ch);
  g_string_append (out, node->width > 0 ? "<mfrac>" : "<mfrac linethickness=\"0\">");
  put_one (out, node->above);
  put_one (out, node->below);
  g_string_append (out, "</mfrac>");
  put_sign (out, " fence=\"true\"", node->ch2);
  g_string_append (out, "</mrow>");
}

static void
put_symbol (GString *out, const QuernMathNode *node)
{
  char text[7] = { 0 };
  gunichar ch = node->ch;

  g_unichar_to_utf8 (ch, text);
  if (g_unichar_isdigit (ch))
    put_text (out, "mn", variant_of (node), text);
  else if (g_unichar_isalpha (ch) || (node->class == QUERN_MATH_ORD && ch != '.' && ch != 0x2032))
    put_text (out, "mi", variant_of (node), text);
  else
    put_text (out, "mo", "", text);
}

static void
put_node (GString *out, const QuernMathNode *node)
{
  static const char *const strikes[] = { "", "updiagonalstrike", "downdiagonalstrike",
                                         "updiagonalstrike downdiagonalstrike" };
  g_autofree char *attribute = NULL;

  switch (node->kind) {
  case QUERN_MATH_LIST: put_line (out, node->body); break;
  case QUERN_MATH_SYMBOL: put_symbol (out, node); break;
  case QUERN_MATH_BIG: put_sign (out, " largeop=\"true\"", node->ch); break;
  case QUERN_MATH_NAME: put_text (out, "mi", " mathvariant=\"normal\"", node->text); break;
  case QUERN_MATH_TEXT:
  case QUERN_MATH_UNKNOWN: put_text (out, "mtext", "", node->text); break;
  case QUERN_MATH_SPACE: {
    char width[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf (out, "<mspace width=\"%sem\"/>",
                            g_ascii_formatd (width, sizeof width, "%.3f", node->width));
    break;
  }
  case QUERN_MATH_SCRIPTS: put_scripts (out, node); break;
  case QUERN_MATH_FRACTION: put_fraction (out, node); break;
  case QUERN_MATH_ROOT:
    g_string_append (out, node->above != NULL ? "<mroot>" : "<msqrt>");
    put_one (out, node->body);
    if (node->above != NULL)
      put_one (out, node->above);
    g_string_append (out, node->above != NULL ? "</mroot>" : "</msqrt>");
    break;
  case QUERN_MATH_ACCENT: put_stacked (out, node, TRUE, node->ch); break;
  case QUERN_MATH_OVER: put_stacked (out, node, TRUE, node->ch != 0 ? node->ch : 0xaf); break;
  case QUERN_MATH_UNDER: put_stacked (out, node, FALSE, node->ch != 0 ? node->ch : '_'); break;
  case QUERN_MATH_ARROW: put_arrow (out, node); break;
  case QUERN_MATH_FENCED:
    g_string_append (out, "<mrow>");
    put_sign (out, " fence=\"true\" stretchy=\"true\"", node->ch);
    put_one (out, node->body);
    put_sign (out, " fence=\"true\" stretchy=\"true\"", node->ch2);
    g_string_append (out, "</mrow>");
    break;
  case QUERN_MATH_DELIMITER: put_sign (out, "", node->ch); break;
  case QUERN_MATH_ARRAY: put_array (out, node); break;
  case QUERN_MATH_COLOR:
    attribute = g_strdup_printf (" mathcolor=\"#%06x\"", node->color & 0xffffff);
    put_enclosed (out, "mstyle", attribute, node);
    break;
  case QUERN_MATH_BOXED: put_enclosed (out, "menclose", " notation=\"box\"", node); break;
  case QUERN_MATH_CANCEL:
    attribute = g_strdup_printf (" notation=\"%s\"", strikes[CLAMP (node->value, 0, 3)]);
    put_enclosed (out, "menclose", attribute, node);
    break;
  case QUERN_MATH_PHANTOM: put_enclosed (out, (node->value & 4) ? "mrow" : "mphantom", "", node); break;
  case QUERN_MATH_ROW: /* arrays show them */
  case QUERN_MATH_STYLE: break;
  }
}

/**
 * quern_math_to_mathml:
 * @display: whether it stands alone
 *
 * Returns: (transfer full): an element "math"
 */
char *
quern_math_to_mathml (const QuernMathTree *tree, gboolean display)
{
  GString *out = g_string_new ("<math xmlns=\"http://www.w3.org/1998/Math/MathML\"");

  g_string_append (out, display ? " display=\"block\">" : ">");
  put_one (out, tree->root);
  g_string_append (out, "</math>");
  return g_string_free_and_steal (out);
}
