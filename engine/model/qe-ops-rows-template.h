/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention over cached rows of one stored format. qe-ops-template.h includes this once for each format, with STORED()
 * to name the functions, ROW_BYTES() of n numbers and LOAD_ROW() for the i-th vector of a row. Up to four query heads
 * that share keys go together, so that a row is read and converted once for them. */

static inline __attribute__ ((always_inline)) void
STORED (scores_of) (float *scores, size_t ld_scores, const float *q, size_t ld_q, const int n_heads, const uint8_t *k,
                    size_t n, size_t d, float factor)
{
  for (size_t p = 0; p < n; p++, k += ROW_BYTES (d)) {
    Vec sum[4];
    for (int h = 0; h < n_heads; h++)
      sum[h] = splat (0);
    for (size_t i = 0; i < d / LANES; i++) {
      const Vec x = LOAD_ROW (k, i);
      for (int h = 0; h < n_heads; h++)
        sum[h] += x * load (q + h * ld_q + i * LANES);
    }
    for (int h = 0; h < n_heads; h++)
      scores[h * ld_scores + p] = factor * sum_lanes (sum[h]);
  }
}

static void
STORED (scores) (float *scores, size_t ld_scores, const float *q, size_t ld_q, size_t n_heads, const void *k, size_t n,
                 size_t d, float factor)
{
  size_t h = 0;
  for (; h + 4 <= n_heads; h += 4)
    STORED (scores_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 4, k, n, d, factor);
  for (; h + 2 <= n_heads; h += 2)
    STORED (scores_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 2, k, n, d, factor);
  if (h < n_heads)
    STORED (scores_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 1, k, n, d, factor);
}

/* The i-th vector of n rows, weighed and summed for each head. */
static inline __attribute__ ((always_inline)) void
STORED (mix_of) (float *o, size_t ld_o, const float *weights, size_t ld_weights, const int n_heads, const uint8_t *v,
                 size_t n, size_t d, size_t i)
{
  Vec sum[4];
  for (int h = 0; h < n_heads; h++)
    sum[h] = load (o + h * ld_o + i * LANES);
  for (size_t p = 0; p < n; p++, v += ROW_BYTES (d)) {
    const Vec x = LOAD_ROW (v, i);
    for (int h = 0; h < n_heads; h++)
      sum[h] += x * weights[h * ld_weights + p];
  }
  for (int h = 0; h < n_heads; h++)
    store (o + h * ld_o + i * LANES, sum[h]);
}

#define MIX_ROWS 32 /* so few that they stay in the first-level cache while each vector of them has its turn */

static void
STORED (mix) (float *o, size_t ld_o, const float *weights, size_t ld_weights, size_t n_heads, const void *v, size_t n,
              size_t d)
{
  for (size_t h = 0; h < n_heads; h++)
    memset (o + h * ld_o, 0, d * sizeof *o);
  for (size_t p = 0; p < n; p += MIX_ROWS) {
    const size_t rows = n - p < MIX_ROWS ? n - p : MIX_ROWS;
    const uint8_t *start = (const uint8_t *) v + p * ROW_BYTES (d);
    for (size_t i = 0; i < d / LANES; i++) {
      size_t h = 0;
      for (; h + 4 <= n_heads; h += 4)
        STORED (mix_of) (o + h * ld_o, ld_o, weights + h * ld_weights + p, ld_weights, 4, start, rows, d, i);
      for (; h < n_heads; h++)
        STORED (mix_of) (o + h * ld_o, ld_o, weights + h * ld_weights + p, ld_weights, 1, start, rows, d, i);
    }
  }
}

static void
STORED (widen) (float *y, const void *x, size_t n)
{
  for (size_t i = 0; i < n / LANES; i++)
    store (y + i * LANES, LOAD_ROW ((const uint8_t *) x, i));
}

#undef MIX_ROWS
#undef LOAD_ROW
#undef ROW_BYTES
#undef STORED
