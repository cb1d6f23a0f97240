/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-fork-markup.h"

#include <glib/gi18n.h>

/**
 * quern_fork_markup:
 * @text: an answer, or its reasoning
 * @shared: how many bytes of it another answer has, too
 * @end: end of the first different token, which begins at @shared; equal to it for the token that ends the answer
 * @marked: whether there is a different token, and it is in this text
 *
 * Returns: (transfer full): Pango markup for a #GtkLabel: what is shared is dim, the different token is a link to "fork"
 */
char *
quern_fork_markup (const char *text, guint shared, guint end, gboolean marked)
{
  gsize length = strlen (text);
  gsize from = MIN (shared, length), to = MIN (MAX (end, shared), length);
  g_autofree char *before = NULL, *token = NULL, *after = NULL;
  GString *markup = g_string_new (NULL);

  /* A token may end inside a character. The mark must cover whole characters. */
  while (from > 0 && ((guchar) text[from] & 0xc0) == 0x80)
    from--;
  while (((guchar) text[to] & 0xc0) == 0x80)
    to++;
  before = g_markup_escape_text (text, (gssize) from);
  token = g_markup_escape_text (text + from, (gssize) (to - from));
  after = g_markup_escape_text (text + to, -1);
  if (*before != '\0')
    g_string_append_printf (markup, "<span alpha=\"75%%\">%s</span>", before);
  if (!marked)
    g_string_append (markup, token);
  else if (*g_strchomp (token) != '\0')
    g_string_append_printf (markup, "<a href=\"fork\"><b>%s</b></a>", token);
  else /* Translators: mark where an answer ended, or chose white space, and another one went on with words */
    g_string_append_printf (markup, "<a href=\"fork\"><b>%s</b></a>", to > from ? "␣" : _("[end]"));
  g_string_append (markup, after);
  return g_string_free (markup, FALSE);
}

/**
 * quern_fork_dup_choice:
 *
 * Returns: (transfer full): the token in quotes, with white space made visible
 */
char *
quern_fork_dup_choice (const QuernTokenChoice *choice)
{
  GString *text = g_string_new (choice->text);

  if (text->len == 0)
    g_string_assign (text, _("[end]"));
  g_string_replace (text, "\n", "↵", 0);
  g_string_prepend (text, "“");
  g_string_append (text, "”");
  return g_string_free (text, FALSE);
}

static char *
percent (double p)
{
  if (p < 0)
    /* Translators: a probability below what was kept */
    return g_strdup_printf (_("less than %.2g %%"), -p * 100);
  return g_strdup_printf (_("%.1f %%"), p * 100);
}

/**
 * quern_fork_dup_sentence:
 *
 * Returns: (transfer full): what both models chose and how likely each found either
 */
char *
quern_fork_dup_sentence (const QuernFork *fork, const char *name_a, const char *name_b)
{
  g_autofree char *a = quern_fork_dup_choice (&fork->a), *b = quern_fork_dup_choice (&fork->b);
  g_autofree char *a_a = percent (fork->a.p), *a_b = percent (fork->p_b_in_a);
  g_autofree char *b_a = percent (fork->p_a_in_b), *b_b = percent (fork->b.p);
  GString *text = g_string_new (NULL);

  /* Translators: e.g. "Q8_0 chose “cat” (44.0 %); “dog” had 41.0 %" */
  g_string_append_printf (text, _("%s chose %s (%s); %s had %s."), name_a, a, a_a, b, a_b);
  g_string_append_c (text, '\n');
  g_string_append_printf (text, _("%s chose %s (%s); %s had %s."), name_b, b, b_b, a, b_a);
  g_string_append_c (text, '\n');
  g_string_append_printf (text, _("The first %u tokens are the same: %.0f %% of the longer answer."), fork->index,
                          fork->shared * 100);
  if (!fork->same_context) {
    g_string_append_c (text, '\n');
    g_string_append (text, _("The columns differ in earlier answers, so these figures belong to different prompts."));
  }
  return g_string_free (text, FALSE);
}
