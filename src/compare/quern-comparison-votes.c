/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-private.h"

/* Votes on which answer is better, their counts and the ratings. */

/**
 * quern_comparison_get_order:
 * @order: (out caller-allocates): filled with a column for each place, one for each column
 *
 * The order in which a blind vote shows the columns: shuffled anew for each prompt, the same whenever it is asked for.
 */
void
quern_comparison_get_order (QuernComparison *self, guint turn, guint *order)
{
  guint n = quern_comparison_get_n_columns (self);
  g_autoptr (GRand)
      random = g_rand_new_with_seed_array ((const guint32[]) { (guint32) self->seed, (guint32) (self->seed >> 32),
                                                               (guint32) self->created, turn },
                                           4);

  for (guint i = 0; i < n; i++) {
    guint j = (guint) g_rand_int_range (random, 0, (gint32) i + 1);
    order[i] = order[j];
    order[j] = i;
  }
}

/* Finds the vote on two columns, in whichever order they were shown. */
static gboolean
find_vote (QuernComparison *self, guint turn, guint a, guint b, guint *index)
{
  for (*index = 0; *index < self->votes->len; ++*index) {
    const QuernVote *vote = &g_array_index (self->votes, QuernVote, *index);
    if (vote->turn == turn && ((vote->a == a && vote->b == b) || (vote->a == b && vote->b == a)))
      return TRUE;
  }
  return FALSE;
}

/* Returns whether the column has an answer that can be judged. */
static gboolean
has_answered (QuernComparison *self, guint turn, guint column)
{
  QuernCompareAnswer *answer = quern_compare_column_get_answer (quern_comparison_get_column (self, column), turn);

  return answer && *quern_compare_answer_get_answer (answer) != '\0';
}

/**
 * quern_comparison_next_pair:
 * @a: (out): places on the screen (0 for A) of the next two columns to vote about
 *
 * Returns: %FALSE when every pair that answered @turn has its vote
 */
gboolean
quern_comparison_next_pair (QuernComparison *self, guint turn, guint *a, guint *b)
{
  guint order[QUERN_COMPARE_MAX_COLUMNS], n = quern_comparison_get_n_columns (self), index;

  quern_comparison_get_order (self, turn, order);
  for (*a = 0; *a + 1 < n; ++*a)
    for (*b = *a + 1; *b < n; ++*b)
      if (!find_vote (self, turn, order[*a], order[*b], &index) && has_answered (self, turn, order[*a])
          && has_answered (self, turn, order[*b]))
        return TRUE;
  return FALSE;
}

/**
 * quern_comparison_vote:
 *
 * A second vote on the same prompt and columns replaces the first.
 */
void
quern_comparison_vote (QuernComparison *self, guint turn, guint a, guint b, QuernVoteKind kind)
{
  QuernVote vote = { turn, a, b, kind };
  guint old;

  g_return_if_fail (a != b && MAX (a, b) < quern_comparison_get_n_columns (self) && turn < self->turns->len);
  if (find_vote (self, turn, a, b, &old))
    g_array_remove_index (self->votes, old);
  g_array_append_val (self->votes, vote);
  _quern_comparison_notify_votes (self);
}

guint
quern_comparison_get_n_votes (QuernComparison *self)
{
  return self->votes->len;
}

/**
 * quern_comparison_get_vote:
 *
 * Returns: (transfer none): the vote with index @i; valid until votes are added or removed
 */
const QuernVote *
quern_comparison_get_vote (QuernComparison *self, guint i)
{
  g_return_val_if_fail (i < self->votes->len, NULL);
  return &g_array_index (self->votes, QuernVote, i);
}

/**
 * quern_comparison_count_votes:
 * @out: (out caller-allocates): votes between columns @a and @b; both bad says nothing about which is better
 */
void
quern_comparison_count_votes (QuernComparison *self, guint a, guint b, QuernVoteCount *out)
{
  *out = (QuernVoteCount) { 0 };
  for (guint i = 0; i < self->votes->len; i++) {
    const QuernVote *vote = &g_array_index (self->votes, QuernVote, i);
    if ((vote->a == a && vote->b == b) || (vote->a == b && vote->b == a)) {
      gboolean swapped = vote->a == b;
      if (vote->kind == QUERN_VOTE_TIE)
        out->ties++;
      else if (vote->kind == QUERN_VOTE_BOTH_BAD)
        out->both_bad++;
      else if ((vote->kind == QUERN_VOTE_A) != swapped)
        out->a++;
      else
        out->b++;
    }
  }
  double n = out->a + out->b + out->ties, won = out->a + 0.5 * out->ties;
  out->share = n > 0 ? won / n : 0.5;
  quern_wilson_interval (won, n, &out->low, &out->high);
}

/**
 * quern_comparison_rate:
 * @ratings: (out caller-allocates): one for each column
 *
 * Returns: %FALSE while there are fewer than QUERN_COMPARE_MIN_VOTES votes that prefer one or call it a tie
 */
gboolean
quern_comparison_rate (QuernComparison *self, QuernRating *ratings)
{
  g_autoptr (GArray) duels = g_array_new (FALSE, FALSE, sizeof (QuernDuel));

  for (guint i = 0; i < self->votes->len; i++) {
    const QuernVote *vote = &g_array_index (self->votes, QuernVote, i);
    double score = vote->kind == QUERN_VOTE_A ? 1 : vote->kind == QUERN_VOTE_B ? 0 : 0.5;
    QuernDuel duel = { vote->a, vote->b, score };
    if (vote->kind != QUERN_VOTE_BOTH_BAD)
      g_array_append_val (duels, duel);
  }
  if (duels->len < QUERN_COMPARE_MIN_VOTES)
    return FALSE;
  quern_bradley_terry ((const QuernDuel *) (void *) duels->data, duels->len, quern_comparison_get_n_columns (self),
                       1000, (guint32) self->seed, ratings);
  return TRUE;
}
