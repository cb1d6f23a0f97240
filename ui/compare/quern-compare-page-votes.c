/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-page-private.h"

#include <glib/gi18n.h>

/* The bar above the composer. It asks for each pair which answer is better while names are hidden, and then tells the
 * names. */

const char *const quern_compare_letters[QUERN_COMPARE_MAX_COLUMNS] = { "A", "B", "C", "D" };

gboolean
_quern_compare_page_is_blind (QuernComparePage *self)
{
  gboolean blind = FALSE;

  if (self->comparison != NULL)
    g_object_get (self->comparison, "blind", &blind, NULL);
  return blind;
}

/* Says what was just voted, with the names of the models. */
static char *
make_revelation (QuernComparison *comparison, const QuernVote *vote)
{
  g_autofree char *a = quern_compare_column_dup_label (quern_comparison_get_column (comparison, vote->a));
  g_autofree char *b = quern_compare_column_dup_label (quern_comparison_get_column (comparison, vote->b));

  switch (vote->kind) {
  case QUERN_VOTE_A: return g_strdup_printf (_("You preferred %s to %s."), a, b);
  case QUERN_VOTE_B: return g_strdup_printf (_("You preferred %s to %s."), b, a);
  case QUERN_VOTE_TIE: return g_strdup_printf (_("You found %s and %s equally good."), a, b);
  default: return g_strdup_printf (_("You found both %s and %s bad."), a, b);
  }
}

/* Says how the votes on two columns stand, or how many votes there are on more. */
static char *
make_summary (QuernComparison *comparison)
{
  guint n = quern_comparison_get_n_votes (comparison);
  g_autofree char *a = NULL, *b = NULL;
  QuernVoteCount count;

  if (n == 0)
    return NULL;
  if (quern_comparison_get_n_columns (comparison) != 2)
    return g_strdup_printf (ngettext ("%u vote", "%u votes", n), n);
  a = quern_compare_column_dup_label (quern_comparison_get_column (comparison, 0));
  b = quern_compare_column_dup_label (quern_comparison_get_column (comparison, 1));
  quern_comparison_count_votes (comparison, 0, 1, &count);
  /* Translators: counts of votes: for either model, ties, both bad; then the share of the first with its interval */
  return g_strdup_printf (_("%s better: %u · %s better: %u · equal: %u · both bad: %u. %s wins %.0f %% (95 %% "
                            "interval: %.0f to %.0f %%)."),
                          a, count.a, b, count.b, count.ties, count.both_bad, a, count.share * 100, count.low * 100,
                          count.high * 100);
}

void
_quern_compare_page_update_votes (QuernComparePage *self, gboolean running)
{
  guint n_turns = quern_comparison_get_n_turns (self->comparison), n = quern_comparison_get_n_votes (self->comparison);
  gboolean blind = _quern_compare_page_is_blind (self) && n_turns > 0, asks;
  g_autofree char *text = NULL;
  guint a, b;

  asks = blind && quern_comparison_next_pair (self->comparison, n_turns - 1, &a, &b);
  if (asks) {
    /* Translators: %s is the letter of an answer */
    g_autofree char *better_a = g_strdup_printf (_("%s Is Better"), quern_compare_letters[a]),
                    *better_b = g_strdup_printf (_("%s Is Better"), quern_compare_letters[b]);
    gtk_button_set_label (self->vote_a, better_a);
    gtk_button_set_label (self->vote_b, better_b);
    text = quern_comparison_get_n_columns (self->comparison) == 2
               ? g_strdup (_("Which answer is better?"))
               : g_strdup_printf (_("Which answer is better, %s or %s?"), quern_compare_letters[a],
                                  quern_compare_letters[b]);
  } else if (blind && n > 0 && quern_comparison_get_vote (self->comparison, n - 1)->turn == n_turns - 1)
    text = make_revelation (self->comparison, quern_comparison_get_vote (self->comparison, n - 1));
  else
    text = make_summary (self->comparison);
  gtk_label_set_label (self->vote_label, text != NULL ? text : "");
  gtk_widget_set_visible (self->votes, text != NULL && n_turns > 0 && !running);
  gtk_widget_set_visible (self->vote_buttons, asks);
  gtk_widget_set_visible (self->all_votes, !asks && n > 0);
}

void
_quern_compare_page_vote (QuernComparePage *self, QuernVoteKind kind)
{
  guint order[QUERN_COMPARE_MAX_COLUMNS], turn = quern_comparison_get_n_turns (self->comparison), a, b;

  if (!_quern_compare_page_is_blind (self) || turn == 0 || quern_comparison_get_running (self->comparison)
      || !quern_comparison_next_pair (self->comparison, turn - 1, &a, &b))
    return;
  quern_comparison_get_order (self->comparison, turn - 1, order);
  quern_comparison_vote (self->comparison, turn - 1, order[a], order[b], kind);
  gtk_accessible_announce (GTK_ACCESSIBLE (self), gtk_label_get_label (self->vote_label),
                           GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}
