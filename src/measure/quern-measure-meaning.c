/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-meaning.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* What a measurement means for answers, in words for people who never saw a divergence, and examples from the text. */

#define CONTEXT_CHARACTERS 50 /* of the text before an example */
#define CERTAIN 20            /* odds at which somebody would call it certain which model wrote a text */

/* Half a character of a script with many bytes is no example for people. */
static gboolean
is_readable (QuernMeasure *measure, gint32 token)
{
  return token >= 0 && !strstr (quern_measure_get_candidate (measure, token), "\357\277\275"); /* U+FFFD */
}

/**
 * quern_measure_find_examples:
 * @i: a result that is not the reference
 * @positions: (out) (array length=QUERN_MEASURE_EXAMPLES): positions where both models would go on differently
 *
 * From each third of the text the one where they differ most.
 *
 * Returns: how many there are: fewer where models hardly differ
 */
guint
quern_measure_find_examples (QuernMeasure *measure, guint i, guint *positions)
{
  QuernMeasured *result = quern_measure_get_result (measure, i);
  guint64 n = quern_measured_get_n_positions (result);
  guint found = 0;

  for (guint64 part = 0; part < QUERN_MEASURE_EXAMPLES; part++) {
    const QuernDivergence *best = NULL;
    for (guint64 at = part * n / QUERN_MEASURE_EXAMPLES; at < (part + 1) * n / QUERN_MEASURE_EXAMPLES; at++) {
      const QuernDivergence *d = quern_measured_get_position (result, (guint) at);
      if (d->same_top || (best && d->kld <= best->kld) || !is_readable (measure, d->top[0].id)
          || !is_readable (measure, d->top_reference[0].id))
        continue;
      best = d;
      positions[found] = (guint) at;
    }
    found += best ? 1 : 0;
  }
  return found;
}

/* The end of the text before a token, on one line, from the beginning of a word. */
static char *
dup_context (QuernMeasure *measure, guint token)
{
  const char *text = quern_measure_get_text (measure);
  guint start, end;

  quern_measure_get_token_span (measure, token, &start, &end);
  const char *from = text + start;
  for (guint k = 0; k < CONTEXT_CHARACTERS && from > text; k++)
    from = g_utf8_prev_char (from);
  const char *space = from > text ? memchr (from, ' ', (gsize) (text + start - from)) : NULL;
  g_autofree char *piece = g_strndup (space ? space + 1 : from, (gsize) (text + start - (space ? space + 1 : from)));
  g_auto (GStrv) words = g_strsplit_set (g_strstrip (piece), " \n\r\t", -1);
  GString *out = g_string_new (from > text ? "…" : NULL);

  for (char **word = words; *word; word++)
    if (**word)
      g_string_append_printf (out, "%s%s", out->len > 0 && !g_str_has_suffix (out->str, "…") ? " " : "", *word);
  return g_string_free_and_steal (out);
}

/* A token as people see it: without the space before a word, and with signs for what is only space. */
static char *
dup_shown (const char *token)
{
  static const char *const signs[][2] = { { "\n", "↵" }, { "\r", "" }, { "\t", "⇥" }, { " ", "␣" } };
  g_autofree char *word = g_strstrip (g_strdup (token));
  g_autoptr (GString) out = g_string_new (token);

  if (*word)
    g_string_assign (out, word);
  for (guint k = 0; k < (*word ? 3 : G_N_ELEMENTS (signs)); k++)
    g_string_replace (out, signs[k][0], signs[k][1], 0);
  return g_string_free_and_steal (g_steal_pointer (&out));
}

/**
 * quern_measure_dup_example:
 * @i: a result that is not the reference
 * @position: one of quern_measure_find_examples()
 *
 * Returns: (transfer full): "After “…the miller sleeps badly in”, F16 goes on with “spring” (62 %), Q2_K with “the” (41 %)."
 */
char *
quern_measure_dup_example (QuernMeasure *measure, guint i, guint position)
{
  QuernMeasured *result = quern_measure_get_result (measure, i), *reference = quern_measure_get_result (measure, 0);
  const QuernDivergence *d = quern_measured_get_position (result, position);
  g_autofree char *context = dup_context (measure, quern_measure_get_position_token (measure, position));
  g_autofree char *first = dup_shown (quern_measure_get_candidate (measure, d->top_reference[0].id));
  g_autofree char *second = dup_shown (quern_measure_get_candidate (measure, d->top[0].id));
  g_autofree char *name_first = quern_measured_dup_label (reference), *name_second = quern_measured_dup_label (result);

  return g_strdup_printf (_("After “%s”, %s goes on with “%s” (%.0f %%), %s with “%s” (%.0f %%)."), context,
                          name_first, first, 100 * d->top_reference[0].p, name_second, second, 100 * d->top[0].p);
}

/* Appends how many tokens it takes to tell two models apart. */
static void
append_odds (GString *out, const QuernDivergenceSummary *s, const char *name, const char *reference)
{
  if (s->kld_mean > 0)
    g_string_append_printf (
        out,
        _("A divergence of %.2g means: who knows both models well would have to read some %.0f tokens "
          "of an answer by %s to be nearly certain that it is not by %s."),
        s->kld_mean, MAX (1, log (CERTAIN) / s->kld_mean), reference, name);
  else
    g_string_append_printf (out, _("A divergence of 0 means that nobody could tell answers of %s and %s apart."),
                            reference, name);
  g_string_append_c (out, ' ');
}

/**
 * quern_measure_dup_meaning:
 * @i: a result that is not the reference
 *
 * The number of tokens after which it is clear who wrote a text follows from what the divergence is: what a token adds on
 * average to the logarithm of the odds, where the reference wrote it.
 *
 * Returns: (transfer full): sentences; the string is empty while nothing is measured
 */
char *
quern_measure_dup_meaning (QuernMeasure *measure, guint i)
{
  QuernMeasured *result = quern_measure_get_result (measure, i);
  const QuernDivergenceSummary *s = quern_measured_get_summary (result);
  g_autofree char *name = quern_measured_dup_label (result);
  g_autofree char *reference = quern_measured_dup_label (quern_measure_get_result (measure, 0));
  GString *out = g_string_new (NULL);

  if (s->n == 0)
    return g_string_free_and_steal (out);
  if (s->same_top >= 1)
    g_string_append_printf (out, _("%s would have chosen the same token as %s everywhere in this text."), name,
                            reference);
  else
    g_string_append_printf (
        out,
        _("%s would have chosen another token than %s at one of %.3g places: an answer soon takes another turn. Another "
          "turn is not yet a worse one; the examples below show what kind they are."),
        name, reference, 1 / (1 - s->same_top));
  g_string_append_c (out, ' ');
  /* How soon models can be told apart follows from the divergence over the whole vocabulary alone. */
  if (!quern_measure_get_top_only (measure))
    append_odds (out, s, name, reference);
  g_string_append (
      out,
      _("Tokens are words or parts of words. Every figure is about this text alone: code, other languages and long "
        "conversations may suffer more."));
  return g_string_free_and_steal (out);
}
