/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Statistics of small counts, such as votes and right or wrong answers, and of values that come in blocks. They do not
 * depend on models. */

/* Computes the 95 % Wilson score interval of the share k / n; it is 0 to 1 if n is 0. */
void quern_wilson_interval (double k, double n, double *low, double *high);

/* Two-sided exact McNemar test: returns the probability of a split at least as uneven as (only_a, only_b) if both were
 * equally good. */
double quern_mcnemar_exact (guint only_a, guint only_b);

typedef struct {
  guint a, b;     /* players, below n_players */
  double score_a; /* 1: a won, 0: b won, 0.5: a tie */
} QuernDuel;

typedef struct {
  double rating;    /* on Elo's scale (400 points: odds of 10 to 1), mean of all players 0 */
  double low, high; /* 95 % bootstrap interval */
} QuernRating;

/* Computes Bradley–Terry ratings of n_players from their duels, with intervals from n_bootstrap resamplings drawn from
 * seed. Each pair that met gets one virtual tie, so that a player who never lost has a finite rating. */
void quern_bradley_terry (const QuernDuel *duels, gsize n_duels, guint n_players, guint n_bootstrap, guint32 seed,
                          QuernRating *out);

/* Values that resemble each other because they are neighbours: those of a window of a text. */
typedef struct {
  guint64 n;  /* how many values */
  double sum; /* of the values */
} QuernBlock;

double quern_block_mean (const QuernBlock *blocks, gsize n_blocks);
double quern_block_error (const QuernBlock *blocks, gsize n_blocks);
double quern_student_quantile (guint degrees);

G_END_DECLS
