/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-divergence.h"

#include <math.h>
#include <string.h>

#include "quern-statistics.h"

/* ---- one position ---------------------------------------------------------------------------------------------- */

/* Returns the likelihood of a token, NaN where it is not known. */
static double
side_get_ln_p (const QuernDivergenceSide *side, gsize n_vocab, gint32 id)
{
  if (side->logits)
    return id >= 0 && (gsize) id < n_vocab ? side->logits[id] - side->log_sum : NAN;
  for (guint i = 0; i < side->told.n_top; i++)
    if (side->told.top[i].id == id)
      return side->told.top[i].ln_p;
  return NAN;
}

/* Fills in the likeliest tokens, up to QUERN_DIVERGENCE_MOST_TOP of them, and returns their number. */
static guint
side_list_top (const QuernDivergenceSide *side, gsize n_vocab, QuernLikelihood *out, guint top)
{
  QuernCandidate likeliest[QUERN_DIVERGENCE_MOST_TOP];
  guint n = 0;

  top = MIN (top, QUERN_DIVERGENCE_MOST_TOP);
  if (!side->logits) {
    n = MIN (top, side->told.n_top);
    memcpy (out, side->told.top, n * sizeof *out);
    return n;
  }
  quern_top_candidates (side->logits, n_vocab, side->log_sum, likeliest, top);
  for (; n < top && likeliest[n].id >= 0; n++)
    out[n] = (QuernLikelihood) { likeliest[n].id, side->logits[likeliest[n].id] - side->log_sum };
  return n;
}

/* The divergence over the reference's likeliest tokens, with all the others as one event, in the way of programs that tell
 * only so many log-probabilities. Those of which the other side does not tell count with the others. It is never more than
 * the divergence over the whole vocabulary. */
static double
divergence_of_top (const QuernDivergenceSide *reference, const QuernDivergenceSide *other, gsize n_vocab, guint top)
{
  QuernLikelihood likeliest[QUERN_DIVERGENCE_MOST_TOP];
  guint n = side_list_top (reference, n_vocab, likeliest, top);
  double kld = 0, rest_p = 1, rest_q = 1;

  for (guint i = 0; i < n; i++) {
    double ln_p = likeliest[i].ln_p, ln_q = side_get_ln_p (other, n_vocab, likeliest[i].id);
    if (isnan (ln_q))
      continue;
    kld += exp (ln_p) * (ln_p - ln_q);
    rest_p -= exp (ln_p);
    rest_q -= exp (ln_q);
  }
  /* A rest that is no more than what rounding leaves says nothing. */
  if (rest_p > 1e-12)
    kld += rest_p * log (rest_p / MAX (rest_q, 1e-15));
  return MAX (kld, 0);
}

/**
 * quern_divergence_side_init:
 * @logits: (array length=n_vocab): which must stay
 *
 * Returns: %FALSE if a logit is not finite
 */
gboolean
quern_divergence_side_init (QuernDivergenceSide *side, const float *logits, gsize n_vocab)
{
  double same, none;

  *side = (QuernDivergenceSide) { .logits = logits };
  return quern_compare_logits (logits, logits, n_vocab, &side->log_sum, &same, &none);
}

static void
side_list_candidates (const QuernDivergenceSide *side, gsize n_vocab, QuernCandidate *out)
{
  QuernLikelihood top[QUERN_DIVERGENCE_TOP];
  guint n = side_list_top (side, n_vocab, top, QUERN_DIVERGENCE_TOP);

  for (guint i = 0; i < QUERN_DIVERGENCE_TOP; i++)
    out[i] = i < n ? (QuernCandidate) { top[i].id, exp (top[i].ln_p) } : (QuernCandidate) { -1, 0 };
}

/**
 * quern_divergence_compute_top:
 * @n_vocab: size of the vocabulary of whichever side has logits
 * @token: the token that follows in the text
 * @top: over how many of the reference's likeliest tokens the divergence is summed, from 1 to %QUERN_DIVERGENCE_MOST_TOP
 * @out: (out): its divergence is that over the top tokens; there is no second one
 *
 * As quern_divergence_compute() where only the likeliest tokens of a side are known. All else is exact.
 */
void
quern_divergence_compute_top (const QuernDivergenceSide *reference, const QuernDivergenceSide *other, gsize n_vocab,
                              gint32 token, guint top, QuernDivergence *out)
{
  double ln_p = reference->logits ? reference->logits[token] - reference->log_sum : reference->told.ln_p;
  double ln_q = other->logits ? other->logits[token] - other->log_sum : other->told.ln_p;

  *out = (QuernDivergence) { .token = token,
                             .nll_reference = -ln_p,
                             .nll = -ln_q,
                             .kld = divergence_of_top (reference, other, n_vocab, top),
                             .kld_top = NAN,
                             .delta_p = exp (ln_q) - exp (ln_p) };
  side_list_candidates (reference, n_vocab, out->top_reference);
  side_list_candidates (other, n_vocab, out->top);
  out->same_top = out->top_reference[0].id == out->top[0].id;
}

/**
 * quern_divergence_compute:
 * @reference: (array length=n_vocab): the reference's logits
 * @logits: (array length=n_vocab): the other model's
 * @token: the token that follows in the text, below @n_vocab
 * @top: over how many of the likeliest tokens a second divergence is summed, up to %QUERN_DIVERGENCE_MOST_TOP; 0: none is
 * @out: (out): set on success; its window is 0
 *
 * Equal logits give a divergence of exactly 0, and it is never below that.
 *
 * Returns: %FALSE if a logit is not finite
 */
gboolean
quern_divergence_compute (const float *reference, const float *logits, gsize n_vocab, gint32 token, guint top,
                          QuernDivergence *out)
{
  g_return_val_if_fail (token >= 0 && (gsize) token < n_vocab, FALSE);

  QuernDivergenceSide p = { .logits = reference }, q = { .logits = logits };
  double kld;

  if (!quern_compare_logits (reference, logits, n_vocab, &p.log_sum, &q.log_sum, &kld))
    return FALSE;
  *out = (QuernDivergence) {
    .token = token,
    .nll_reference = p.log_sum - reference[token],
    .nll = q.log_sum - logits[token],
    .kld = kld,
    .kld_top = top > 0 ? divergence_of_top (&p, &q, n_vocab, top) : NAN,
    .delta_p = exp (logits[token] - q.log_sum) - exp (reference[token] - p.log_sum),
  };
  quern_top_candidates (reference, n_vocab, p.log_sum, out->top_reference, QUERN_DIVERGENCE_TOP);
  quern_top_candidates (logits, n_vocab, q.log_sum, out->top, QUERN_DIVERGENCE_TOP);
  out->same_top = out->top_reference[0].id == out->top[0].id;
  return TRUE;
}

/* ---- running means --------------------------------------------------------------------------------------------- */

void
quern_running_add (QuernRunning *running, double value)
{
  double before = value - running->mean;
  running->n++;
  running->mean += before / (double) running->n;
  running->m2 += before * (value - running->mean);
}

/**
 * quern_running_standard_error:
 *
 * Returns: sqrt ((E[x²] - E[x]²) / (n - 1)); 0 for fewer than two values
 */
double
quern_running_standard_error (const QuernRunning *running)
{
  if (running->n < 2)
    return 0;
  return sqrt (running->m2 / (double) running->n / (double) (running->n - 1));
}

/* ---- values in order -------------------------------------------------------------------------------------------- */

/* Values as they came, and in ascending order. They are put in order where somebody asks, and then what came since is merged
 * into what was in order before: summaries are asked for again and again while a text is measured. */
typedef struct {
  GArray *values; /* of double */
  GArray *sorted; /* of double: the first of them */
} Ranks;

static void
ranks_init (Ranks *ranks)
{
  ranks->values = g_array_new (FALSE, FALSE, sizeof (double));
  ranks->sorted = g_array_new (FALSE, FALSE, sizeof (double));
}

static void
ranks_clear (Ranks *ranks)
{
  g_array_unref (ranks->values);
  g_array_unref (ranks->sorted);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static void
ranks_sort (Ranks *ranks)
{
  const guint n = ranks->values->len, before = ranks->sorted->len, n_new = n - before;
  g_autoptr (GArray) merged = g_array_sized_new (FALSE, FALSE, sizeof (double), n);
  g_autoptr (GArray) added = g_array_sized_new (FALSE, FALSE, sizeof (double), n_new);

  if (n_new == 0)
    return;
  g_array_append_vals (added, &g_array_index (ranks->values, double, before), n_new);
  g_array_sort (added, compare_doubles);
  for (guint i = 0, j = 0; i < before || j < n_new;) {
    gboolean old = j == n_new
                   || (i < before && g_array_index (ranks->sorted, double, i) <= g_array_index (added, double, j));
    double value = old ? g_array_index (ranks->sorted, double, i++) : g_array_index (added, double, j++);
    g_array_append_val (merged, value);
  }
  g_array_unref (ranks->sorted);
  ranks->sorted = g_steal_pointer (&merged);
}

/* Interpolates between the two nearest ranks. There must be values, and they must be in order. */
static double
percentile (const Ranks *ranks, double share)
{
  double at = CLAMP (share, 0, 1) * (ranks->sorted->len - 1);
  guint low = (guint) at, high = MIN (low + 1, ranks->sorted->len - 1);
  double a = g_array_index (ranks->sorted, double, low), b = g_array_index (ranks->sorted, double, high);
  return a + (b - a) * (at - low);
}

/* ---- a text ---------------------------------------------------------------------------------------------------- */

/* What is summed in each block. */
enum {
  SUM_KLD,
  SUM_KLD_TOP,
  SUM_SAME_TOP,
  SUM_DELTA_P,
  SUM_DELTA_P_SQUARED,
  SUM_NLL,
  SUM_NLL_REFERENCE,
  N_SUMS,
};

#define PIECE 16         /* the fewest positions of a block that is not a whole window */
#define ENOUGH_BLOCKS 10 /* fewer windows than that are cut into pieces */

/* Neighbours of one window, PIECE at most. Blocks are put together from them. */
typedef struct {
  guint32 window;
  guint n;
  double sums[N_SUMS];
} Piece;

struct _QuernDivergenceSum {
  QuernRunning all[N_SUMS], nll_difference;
  double nll_product; /* sum of the products of both NLLs' distances from their means */
  guint64 n_same_top;
  Ranks klds, delta_ps;
  GArray *pieces; /* of Piece */
};

/**
 * quern_divergence_sum_new:
 *
 * Returns: (transfer full): an empty sum; free it with quern_divergence_sum_free()
 */
QuernDivergenceSum *
quern_divergence_sum_new (void)
{
  QuernDivergenceSum *self = g_new0 (QuernDivergenceSum, 1);

  ranks_init (&self->klds);
  ranks_init (&self->delta_ps);
  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  return self;
}

void
quern_divergence_sum_free (QuernDivergenceSum *self)
{
  if (!self)
    return;
  ranks_clear (&self->klds);
  ranks_clear (&self->delta_ps);
  g_array_unref (self->pieces);
  g_free (self);
}

/**
 * quern_divergence_sum_add:
 *
 * Positions of a window have to come one after the other.
 */
void
quern_divergence_sum_add (QuernDivergenceSum *self, const QuernDivergence *divergence)
{
  const double values[N_SUMS] = {
    [SUM_KLD] = divergence->kld,
    [SUM_KLD_TOP] = divergence->kld_top,
    [SUM_SAME_TOP] = divergence->same_top ? 1 : 0,
    [SUM_DELTA_P] = divergence->delta_p,
    [SUM_DELTA_P_SQUARED] = divergence->delta_p * divergence->delta_p,
    [SUM_NLL] = divergence->nll,
    [SUM_NLL_REFERENCE] = divergence->nll_reference,
  };
  Piece *piece = self->pieces->len > 0 ? &g_array_index (self->pieces, Piece, self->pieces->len - 1) : NULL;

  if (!piece || piece->window != divergence->window || piece->n == PIECE) {
    g_array_set_size (self->pieces, self->pieces->len + 1);
    piece = &g_array_index (self->pieces, Piece, self->pieces->len - 1);
    *piece = (Piece) { .window = divergence->window };
  }
  piece->n++;
  self->nll_product += (divergence->nll - self->all[SUM_NLL].mean)
                       * (divergence->nll_reference - self->all[SUM_NLL_REFERENCE].mean) * (double) self->all[SUM_NLL].n
                       / (double) (self->all[SUM_NLL].n + 1);
  for (guint i = 0; i < N_SUMS; i++) {
    piece->sums[i] += values[i];
    quern_running_add (&self->all[i], values[i]);
  }
  quern_running_add (&self->nll_difference, divergence->nll - divergence->nll_reference);
  self->n_same_top += divergence->same_top ? 1 : 0;
  g_array_append_val (self->klds.values, divergence->kld);
  g_array_append_val (self->delta_ps.values, divergence->delta_p);
}

/* ---- errors by block ------------------------------------------------------------------------------------------- */

static gboolean
is_new_window (const GArray *pieces, guint i)
{
  return i == 0 || g_array_index (pieces, Piece, i).window != g_array_index (pieces, Piece, i - 1).window;
}

/* Puts the first pieces together to blocks: whole windows where there are enough, else as many pieces of each as it takes.
 * Returns an array of guint, the first piece of each block, and the number of pieces at its end. */
static GArray *
divide (const GArray *pieces, guint n)
{
  GArray *firsts = g_array_new (FALSE, FALSE, sizeof (guint));
  guint n_windows = 0, run = 0; /* pieces of the block so far */

  for (guint i = 0; i < n; i++)
    n_windows += is_new_window (pieces, i) ? 1 : 0;
  const guint most = n_windows < ENOUGH_BLOCKS ? MAX (1, n / ENOUGH_BLOCKS) : G_MAXUINT; /* pieces of a block */
  for (guint i = 0; i < n; i++) {
    run = is_new_window (pieces, i) || run == most ? 1 : run + 1;
    if (run == 1)
      g_array_append_val (firsts, i);
  }
  g_array_append_val (firsts, n);
  return firsts;
}

/* The error by block of the mean of a sum of what is summed, each times its weight. */
static double
weighted_error (const QuernDivergenceSum *self, const GArray *firsts, const double weights[N_SUMS])
{
  guint n_blocks = firsts->len - 1;
  g_autofree QuernBlock *blocks = g_new0 (QuernBlock, MAX (n_blocks, 1));

  for (guint b = 0; b < n_blocks; b++)
    for (guint i = g_array_index (firsts, guint, b); i < g_array_index (firsts, guint, b + 1); i++) {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);
      blocks[b].n += piece->n;
      for (guint k = 0; k < N_SUMS; k++)
        blocks[b].sum += weights[k] != 0 ? weights[k] * piece->sums[k] : 0;
    }
  return quern_block_error (blocks, n_blocks);
}

static double
error_of (const QuernDivergenceSum *self, const GArray *firsts, guint which)
{
  double weights[N_SUMS] = { 0 };

  weights[which] = 1;
  return weighted_error (self, firsts, weights);
}

/* The error by block of a percentile of the KLD: by how much it moves when the share of positions below it moves by that
 * share's own error (Woodruff's interval). */
static double
percentile_error (const QuernDivergenceSum *self, const GArray *firsts, double share)
{
  guint n_blocks = firsts->len - 1, at = 0;
  g_autofree QuernBlock *blocks = g_new0 (QuernBlock, MAX (n_blocks, 1));
  double value = percentile (&self->klds, share);

  for (guint b = 0; b < n_blocks; b++)
    for (guint i = g_array_index (firsts, guint, b); i < g_array_index (firsts, guint, b + 1); i++) {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);
      blocks[b].n += piece->n;
      for (guint k = 0; k < piece->n; k++)
        blocks[b].sum += g_array_index (self->klds.values, double, at++) <= value ? 1 : 0;
    }
  double error = quern_block_error (blocks, n_blocks);
  return 0.5 * (percentile (&self->klds, share + error) - percentile (&self->klds, share - error));
}

/* Of a text that is too short for two blocks, positions are all there is; the quantile of one degree of freedom makes the
 * interval as wide as that deserves. */
static void
take_errors_for_block_errors (QuernDivergenceSummary *out)
{
  out->kld_block_error = out->kld_error;
  out->kld_top_block_error = out->kld_top_error;
  out->same_top_block_error = out->same_top_error;
  out->delta_p_block_error = out->delta_p_error;
  out->delta_p_rms_block_error = out->delta_p_rms_error;
  out->perplexity_block_error = out->perplexity_error;
  out->perplexity_reference_block_error = out->perplexity_reference_error;
  out->delta_ln_ppl_block_error = out->delta_ln_ppl_error;
  out->ppl_ratio_block_error = out->ppl_ratio_error;
  out->ppl_difference_block_error = out->ppl_difference_error;
}

static void
add_block_errors (const QuernDivergenceSum *self, QuernDivergenceSummary *out)
{
  g_autoptr (GArray) firsts = divide (self->pieces, self->pieces->len);

  out->n_blocks = firsts->len - 1;
  out->block_quantile = quern_student_quantile (MAX (out->n_blocks, 2) - 1);
  if (out->n_blocks < 2) {
    take_errors_for_block_errors (out);
    return;
  }
  out->kld_block_error = error_of (self, firsts, SUM_KLD);
  out->kld_top_block_error = error_of (self, firsts, SUM_KLD_TOP);
  out->kld_p99_block_error = percentile_error (self, firsts, 0.99);
  out->kld_p999_block_error = percentile_error (self, firsts, 0.999);
  out->same_top_block_error = error_of (self, firsts, SUM_SAME_TOP);
  out->delta_p_block_error = error_of (self, firsts, SUM_DELTA_P);
  if (out->delta_p_rms > 0)
    out->delta_p_rms_block_error = 0.5 / out->delta_p_rms * error_of (self, firsts, SUM_DELTA_P_SQUARED);
  out->perplexity_block_error = out->perplexity * error_of (self, firsts, SUM_NLL);
  out->perplexity_reference_block_error = out->perplexity_reference * error_of (self, firsts, SUM_NLL_REFERENCE);
  out->delta_ln_ppl_block_error = weighted_error (self, firsts,
                                                  (double[N_SUMS]) { [SUM_NLL] = 1, [SUM_NLL_REFERENCE] = -1 });
  out->ppl_ratio_block_error = out->ppl_ratio * out->delta_ln_ppl_block_error;
  out->ppl_difference_block_error =
      weighted_error (self, firsts,
                      (double[N_SUMS]) {
                          [SUM_NLL] = out->perplexity, [SUM_NLL_REFERENCE] = -out->perplexity_reference });
}

/* ---- summary ---------------------------------------------------------------------------------------------------- */

static void
add_perplexities (const QuernDivergenceSum *self, QuernDivergenceSummary *out)
{
  const QuernRunning *nll = &self->all[SUM_NLL], *reference = &self->all[SUM_NLL_REFERENCE];
  double error = quern_running_standard_error (nll), error_reference = quern_running_standard_error (reference);
  double n = (double) nll->n, covariance = nll->n > 1 ? self->nll_product / n / (n - 1) : 0;

  out->perplexity = exp (nll->mean);
  out->perplexity_error = out->perplexity * error;
  out->perplexity_reference = exp (reference->mean);
  out->perplexity_reference_error = out->perplexity_reference * error_reference;
  out->delta_ln_ppl = self->nll_difference.mean;
  out->delta_ln_ppl_error = quern_running_standard_error (&self->nll_difference);
  out->ppl_ratio = exp (out->delta_ln_ppl);
  out->ppl_ratio_error = out->ppl_ratio * out->delta_ln_ppl_error;
  out->ppl_difference = out->perplexity - out->perplexity_reference;
  out->ppl_difference_error = sqrt (MAX (0, pow (out->perplexity_error, 2) + pow (out->perplexity_reference_error, 2)
                                                - 2 * out->perplexity * out->perplexity_reference * covariance));
  out->correlation = nll->m2 > 0 && reference->m2 > 0 ? self->nll_product / sqrt (nll->m2 * reference->m2) : NAN;
}

static void
add_percentiles (const QuernDivergenceSum *self, QuernDivergenceSummary *out)
{
  const struct {
    double share, *kld, *delta_p;
  } wanted[] = {
    { 0, &out->kld_min, &out->delta_p_min },         { 0.001, &out->kld_p001, &out->delta_p_p001 },
    { 0.01, &out->kld_p01, &out->delta_p_p01 },      { 0.05, &out->kld_p05, &out->delta_p_p05 },
    { 0.1, &out->kld_p10, &out->delta_p_p10 },       { 0.25, NULL, &out->delta_p_p25 },
    { 0.5, &out->kld_median, &out->delta_p_median }, { 0.75, NULL, &out->delta_p_p75 },
    { 0.9, &out->kld_p90, &out->delta_p_p90 },       { 0.95, &out->kld_p95, &out->delta_p_p95 },
    { 0.99, &out->kld_p99, &out->delta_p_p99 },      { 0.999, &out->kld_p999, &out->delta_p_p999 },
    { 1, &out->kld_max, &out->delta_p_max },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    if (wanted[i].kld)
      *wanted[i].kld = percentile (&self->klds, wanted[i].share);
    *wanted[i].delta_p = percentile (&self->delta_ps, wanted[i].share);
  }
}

/**
 * quern_divergence_sum_summary:
 * @out: (out caller-allocates): all zero while nothing was added
 *
 * Formulas: PPL = exp (mean NLL), its error by propagation; delta ln PPL = mean (NLL - NLL of the reference), whose
 * error is that of the paired differences; error of a share s = sqrt (s (1 - s) / (n - 1)); error of the RMS =
 * SE (delta p²) / (2 RMS). Errors by block: quern_block_error().
 */
void
quern_divergence_sum_summary (QuernDivergenceSum *self, QuernDivergenceSummary *out)
{
  guint64 n = self->all[SUM_KLD].n;

  *out = (QuernDivergenceSummary) { .n = n };
  if (n == 0)
    return;
  ranks_sort (&self->klds);
  ranks_sort (&self->delta_ps);
  out->kld_mean = self->all[SUM_KLD].mean;
  out->kld_error = quern_running_standard_error (&self->all[SUM_KLD]);
  out->kld_top_mean = self->all[SUM_KLD_TOP].mean;
  out->kld_top_error = quern_running_standard_error (&self->all[SUM_KLD_TOP]);
  out->same_top = (double) self->n_same_top / (double) n;
  out->same_top_error = n > 1 ? sqrt (out->same_top * (1 - out->same_top) / (double) (n - 1)) : 0;
  out->delta_p_mean = self->all[SUM_DELTA_P].mean;
  out->delta_p_error = quern_running_standard_error (&self->all[SUM_DELTA_P]);
  out->delta_p_rms = sqrt (self->all[SUM_DELTA_P_SQUARED].mean);
  if (out->delta_p_rms > 0)
    out->delta_p_rms_error = 0.5 / out->delta_p_rms * quern_running_standard_error (&self->all[SUM_DELTA_P_SQUARED]);
  add_percentiles (self, out);
  add_perplexities (self, out);
  add_block_errors (self, out);
}

/**
 * quern_divergence_sum_paired:
 * @error: (out): its standard error by block; infinite where there are too few positions to tell
 * @quantile: (out): a 95 % interval reaches this many errors to each side
 *
 * Over the positions that both have: neighbours that both found hard or easy cancel out.
 *
 * Returns: the mean of KLD of @a less KLD of @b
 */
double
quern_divergence_sum_paired (const QuernDivergenceSum *a, const QuernDivergenceSum *b, double *error, double *quantile)
{
  guint n = 0;

  while (n < MIN (a->pieces->len, b->pieces->len)
         && g_array_index (a->pieces, Piece, n).n == g_array_index (b->pieces, Piece, n).n)
    n++;
  g_autoptr (GArray) firsts = divide (a->pieces, n);
  guint n_blocks = firsts->len - 1;
  g_autofree QuernBlock *blocks = g_new0 (QuernBlock, MAX (n_blocks, 1));

  for (guint k = 0; k < n_blocks; k++)
    for (guint i = g_array_index (firsts, guint, k); i < g_array_index (firsts, guint, k + 1); i++) {
      const Piece *x = &g_array_index (a->pieces, Piece, i), *y = &g_array_index (b->pieces, Piece, i);
      blocks[k].n += x->n;
      blocks[k].sum += x->sums[SUM_KLD] - y->sums[SUM_KLD];
    }
  *error = n_blocks < 2 ? INFINITY : quern_block_error (blocks, n_blocks);
  *quantile = quern_student_quantile (MAX (n_blocks, 2) - 1);
  return quern_block_mean (blocks, n_blocks);
}
