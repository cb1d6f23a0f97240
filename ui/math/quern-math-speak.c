/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Says a formula in words, for screen readers. Signs that these know by themselves, such as Greek letters, stay. */

#include "quern-math-tree.h"

#include <glib/gi18n.h>
#include <string.h>

static const struct {
  gunichar ch;
  const char *words;
} signs[] = {
  { '=', NC_("formula", "equals") },
  { '+', NC_("formula", "plus") },
  { 0x2212, NC_("formula", "minus") },
  { 0xd7, NC_("formula", "times") },
  { 0x22c5, NC_("formula", "times") },
  { 0x2217, NC_("formula", "times") },
  { '/', NC_("formula", "divided by") },
  { 0xf7, NC_("formula", "divided by") },
  { 0xb1, NC_("formula", "plus or minus") },
  { 0x2213, NC_("formula", "minus or plus") },
  { '<', NC_("formula", "less than") },
  { '>', NC_("formula", "greater than") },
  { 0x2264, NC_("formula", "less than or equal to") },
  { 0x2a7d, NC_("formula", "less than or equal to") },
  { 0x2265, NC_("formula", "greater than or equal to") },
  { 0x2a7e, NC_("formula", "greater than or equal to") },
  { 0x2260, NC_("formula", "not equal to") },
  { 0x2248, NC_("formula", "approximately equal to") },
  { 0x2261, NC_("formula", "equivalent to") },
  { 0x221d, NC_("formula", "proportional to") },
  { 0x2192, NC_("formula", "goes to") },
  { 0x27f6, NC_("formula", "goes to") },
  { 0x21d2, NC_("formula", "implies") },
  { 0x27f9, NC_("formula", "implies") },
  { 0x21d4, NC_("formula", "if and only if") },
  { 0x27fa, NC_("formula", "if and only if") },
  { 0x2208, NC_("formula", "in") },
  { 0x2209, NC_("formula", "not in") },
  { 0x2282, NC_("formula", "subset of") },
  { 0x2286, NC_("formula", "subset of or equal to") },
  { 0x222a, NC_("formula", "union") },
  { 0x2229, NC_("formula", "intersection") },
  { 0x2205, NC_("formula", "empty set") },
  { 0x2200, NC_("formula", "for all") },
  { 0x2203, NC_("formula", "there exists") },
  { 0xac, NC_("formula", "not") },
  { 0x2227, NC_("formula", "and") },
  { 0x2228, NC_("formula", "or") },
  { 0x221e, NC_("formula", "infinity") },
  { 0x2202, NC_("formula", "partial") },
  { 0x2207, NC_("formula", "nabla") },
  { 0x2211, NC_("formula", "sum") },
  { 0x220f, NC_("formula", "product") },
  { 0x222b, NC_("formula", "integral") },
  { 0x222e, NC_("formula", "contour integral") },
  { 0x2026, NC_("formula", "and so on") },
  { 0x22ef, NC_("formula", "and so on") },
  { '|', NC_("formula", "bar") },
  { '(', NC_("formula", "open bracket") },
  { ')', NC_("formula", "close bracket") },
};

static const struct {
  gunichar ch;
  const char *words;
} accents[] = {
  { 0x302, NC_("formula", "%s hat") },        { 0x303, NC_("formula", "%s tilde") },
  { 0x304, NC_("formula", "%s bar") },        { 0x307, NC_("formula", "%s dot") },
  { 0x308, NC_("formula", "%s double dot") }, { 0x20d7, NC_("formula", "vector %s") },
  { 0x2192, NC_("formula", "vector %s") },
};

static char *quern_math_say (const QuernMathNode *node);

/* Adds words, with a space in front of them. */
static void
quern_math_say_more (GString *out, const char *words)
{
  if (out->len > 0 && words[0] != '\0')
    g_string_append_c (out, ' ');
  g_string_append (out, words);
}

static char *
quern_math_say_line (const QuernMathNode *node)
{
  GString *out = g_string_new (NULL);

  for (; node != NULL; node = node->next) {
    gboolean digit = node->kind == QUERN_MATH_SYMBOL && (node->ch == '.' || g_unichar_isdigit (node->ch));
    g_autofree char *words = quern_math_say (node);
    if (digit && out->len > 0 && (g_ascii_isdigit (out->str[out->len - 1]) || out->str[out->len - 1] == '.'))
      g_string_append (out, words); /* one number */
    else
      quern_math_say_more (out, words);
  }
  return g_string_free (out, FALSE);
}

/* Returns the only node of a list in lists, or NULL. */
static const QuernMathNode *
quern_math_only_node (const QuernMathNode *node)
{
  while (node != NULL && node->kind == QUERN_MATH_LIST && node->body != NULL && node->body->next == NULL)
    node = node->body;
  return node != NULL && node->kind != QUERN_MATH_LIST ? node : NULL;
}

static char *
quern_math_say_sign (gunichar ch)
{
  char text[7] = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (signs); i++) {
    if (signs[i].ch == ch)
      return g_strdup (_ (signs[i].words));
  }
  g_unichar_to_utf8 (ch, text);
  return g_strdup (text);
}

static char *
quern_math_say_scripts (const QuernMathNode *node)
{
  g_autofree char *body = quern_math_say (node->body);
  g_autofree char *above = node->above != NULL ? quern_math_say (node->above) : NULL;
  g_autofree char *below = node->below != NULL ? quern_math_say (node->below) : NULL;
  const QuernMathNode *only = quern_math_only_node (node->above);
  gboolean is_operator = node->class == QUERN_MATH_OP;
  g_autofree char *with_below = NULL;

  if (node->limits == QUERN_MATH_LIMITS_ALWAYS && !is_operator) {
    /* Translators: a formula with a label above or below */
    return g_strdup_printf (C_("formula", "%1$s, marked %2$s,"), body, above != NULL ? above : below);
  }
  if (is_operator && above != NULL && below != NULL) {
    /* Translators: sum from i equals 1 to n of */
    return g_strdup_printf (C_("formula", "%1$s from %2$s to %3$s of"), body, below, above);
  }
  if (is_operator && below != NULL) {
    /* Translators: limit for x goes to 0 of */
    return g_strdup_printf (C_("formula", "%1$s for %2$s of"), body, below);
  }
  with_below = below != NULL ? g_strdup_printf (C_("formula", "%1$s sub %2$s"), body, below) : g_steal_pointer (&body);
  if (above == NULL)
    return g_steal_pointer (&with_below);
  if (only != NULL && only->kind == QUERN_MATH_SYMBOL && only->ch == '2')
    return g_strdup_printf (C_("formula", "%s squared"), with_below);
  if (only != NULL && only->kind == QUERN_MATH_SYMBOL && only->ch == '3')
    return g_strdup_printf (C_("formula", "%s cubed"), with_below);
  if (only != NULL && only->kind == QUERN_MATH_SYMBOL && only->ch == 0x2032)
    return g_strdup_printf (C_("formula", "%s prime"), with_below);
  if (only != NULL)
    return g_strdup_printf (C_("formula", "%1$s to the power of %2$s"), with_below, above);
  /* Translators: the exponent has several parts, hence the comma */
  return g_strdup_printf (C_("formula", "%1$s to the power of %2$s,"), with_below, above);
}

static char *
quern_math_say_fraction (const QuernMathNode *node)
{
  g_autofree char *above = quern_math_say (node->above), *below = quern_math_say (node->below);

  if (node->ch == '(')
    return g_strdup_printf (C_("formula", "%1$s choose %2$s"), above, below);
  if (quern_math_only_node (node->above) != NULL && quern_math_only_node (node->below) != NULL)
    return g_strdup_printf (C_("formula", "%1$s over %2$s"), above, below);
  return g_strdup_printf (C_("formula", "fraction %1$s over %2$s, end of fraction,"), above, below);
}

static char *
quern_math_say_array (const QuernMathNode *node)
{
  GString *out = g_string_new (NULL);
  const QuernMathEnvironment *environment = node->environment;
  gboolean is_matrix = strcmp (environment->columns, "c") == 0 && environment->gap > 0;
  int n = 0;

  for (const QuernMathNode *row = node->body; row != NULL; row = row->next) {
    g_autoptr (GString) cells = g_string_new (NULL);
    for (const QuernMathNode *cell = row->body; cell != NULL; cell = cell->next) {
      g_autofree char *words = quern_math_say (cell);
      quern_math_say_more (cells, words);
      if (is_matrix && cell->next != NULL)
        g_string_append_c (cells, ',');
    }
    if (is_matrix && node->body->next != NULL) {
      g_autofree char *line = g_strdup_printf (C_("formula", "row %1$d: %2$s;"), ++n, cells->str);
      quern_math_say_more (out, line);
    } else {
      quern_math_say_more (out, cells->str);
      if (row->next != NULL)
        g_string_append_c (out, ';');
    }
  }
  return g_string_free (out, FALSE);
}

static char *
quern_math_say (const QuernMathNode *node)
{
  g_autofree char *body = NULL;

  switch (node->kind) {
  case QUERN_MATH_LIST: return quern_math_say_line (node->body);
  case QUERN_MATH_SYMBOL:
  case QUERN_MATH_BIG:
  case QUERN_MATH_DELIMITER: return node->ch != 0 ? quern_math_say_sign (node->ch) : g_strdup ("");
  case QUERN_MATH_NAME: return g_strdup (strcmp (node->text, "lim") == 0 ? C_("formula", "limit") : node->text);
  case QUERN_MATH_TEXT:
  case QUERN_MATH_UNKNOWN: return g_strdup (node->text);
  case QUERN_MATH_SCRIPTS: return quern_math_say_scripts (node);
  case QUERN_MATH_FRACTION: return quern_math_say_fraction (node);
  case QUERN_MATH_ARRAY: return quern_math_say_array (node);
  case QUERN_MATH_ROOT: {
    g_autofree char *degree = node->above != NULL ? quern_math_say (node->above) : NULL;
    body = quern_math_say (node->body);
    if (degree != NULL)
      return g_strdup_printf (C_("formula", "root of degree %1$s of %2$s,"), degree, body);
    return quern_math_only_node (node->body) != NULL ? g_strdup_printf (C_("formula", "square root of %s"), body)
                                                     : g_strdup_printf (C_("formula", "square root of %s,"), body);
  }
  case QUERN_MATH_ACCENT:
  case QUERN_MATH_OVER:
  case QUERN_MATH_UNDER:
    body = quern_math_say (node->body);
    for (gsize i = 0; i < G_N_ELEMENTS (accents); i++) {
      if (accents[i].ch == node->ch)
        return g_strdup_printf (_ (accents[i].words), body);
    }
    if (node->ch == 0)
      return g_strdup_printf (node->kind == QUERN_MATH_OVER ? C_("formula", "%s bar")
                                                            : C_("formula", "%s underlined"),
                              body);
    return g_steal_pointer (&body);
  case QUERN_MATH_ARROW: {
    g_autofree char *arrow = quern_math_say_sign (node->ch), *label = quern_math_say (node->above);
    return *label != '\0' ? g_strdup_printf (C_("formula", "%1$s, marked %2$s,"), arrow, label)
                          : g_steal_pointer (&arrow);
  }
  case QUERN_MATH_FENCED: {
    GString *out = g_string_new (NULL);
    g_autofree char *left = node->ch != 0 ? quern_math_say_sign (node->ch) : NULL;
    g_autofree char *right = node->ch2 != 0 ? quern_math_say_sign (node->ch2) : NULL;
    body = quern_math_say (node->body);
    quern_math_say_more (out, left != NULL ? left : "");
    quern_math_say_more (out, body);
    quern_math_say_more (out, right != NULL ? right : "");
    return g_string_free (out, FALSE);
  }
  case QUERN_MATH_CANCEL:
    body = quern_math_say (node->body);
    return g_strdup_printf (C_("formula", "%s crossed out"), body);
  case QUERN_MATH_PHANTOM:
    if ((node->value & 4) == 0)
      return g_strdup ("");
    return quern_math_say (node->body);
  case QUERN_MATH_COLOR: return node->body != NULL ? quern_math_say (node->body) : g_strdup ("");
  case QUERN_MATH_BOXED: return quern_math_say (node->body);
  case QUERN_MATH_ROW:
  case QUERN_MATH_SPACE:
  case QUERN_MATH_STYLE: break;
  }
  return g_strdup ("");
}

/**
 * quern_math_speak:
 * @tree: a formula
 *
 * Returns: (transfer full): how it is said
 */
char *
quern_math_speak (const QuernMathTree *tree)
{
  g_autofree char *words = NULL;

  g_return_val_if_fail (tree != NULL, NULL);

  words = quern_math_say (tree->root);
  if (tree->tag == NULL)
    return g_steal_pointer (&words);
  g_autofree char *tag = quern_math_say (tree->tag);
  return g_strdup_printf ("%s, %s", words, tag);
}
