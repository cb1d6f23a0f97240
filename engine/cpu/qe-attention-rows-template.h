/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention over cached rows of one stored format. qe-attention-template.h includes this once for each format, with STORED()
 * to name the functions, ROW_BYTES() of n numbers and LOAD_ROW() for the i-th vector of a row. Up to four query heads
 * that share keys go together, so that a row is read and converted once for them. */

#define KEYS_AHEAD 8 /* rows: without asking so early, half of the time goes by in waiting for memory */

/* n_rows rows: their heads' queries are loaded once for them. */
static inline __attribute__ ((always_inline)) void
STORED (dot_some_keys) (float *scores, size_t ld_scores, const float *q, size_t ld_q, const int n_heads,
                        const uint8_t *k, const int n_rows, size_t d, float factor)
{
  Vec sum[2][4];
  for (int r = 0; r < n_rows; r++)
    for (int h = 0; h < n_heads; h++)
      sum[r][h] = splat (0);
  for (size_t i = 0; i < d / LANES; i++) {
    Vec x[2];
    for (int r = 0; r < n_rows; r++)
      __builtin_prefetch (k + (size_t) (r + KEYS_AHEAD) * ROW_BYTES (d) + ROW_BYTES (i * LANES));
    for (int r = 0; r < n_rows; r++)
      x[r] = LOAD_ROW (k + r * ROW_BYTES (d), i);
    for (int h = 0; h < n_heads; h++) {
      const Vec y = load (q + h * ld_q + i * LANES);
      for (int r = 0; r < n_rows; r++)
        sum[r][h] += x[r] * y;
    }
  }
  for (int h = 0; h < n_heads; h++)
    for (int r = 0; r < n_rows; r++)
      scores[h * ld_scores + r] = factor * sum_lanes (sum[r][h]);
}

static inline __attribute__ ((always_inline)) void
STORED (dot_keys_of) (float *scores, size_t ld_scores, const float *q, size_t ld_q, const int n_heads, const uint8_t *k,
                      size_t n, size_t d, float factor)
{
  size_t p = 0;
  for (; p + 2 <= n; p += 2)
    STORED (dot_some_keys) (scores + p, ld_scores, q, ld_q, n_heads, k + p * ROW_BYTES (d), 2, d, factor);
  if (p < n)
    STORED (dot_some_keys) (scores + p, ld_scores, q, ld_q, n_heads, k + p * ROW_BYTES (d), 1, d, factor);
}

static void
STORED (dot_keys) (float *scores, size_t ld_scores, const float *q, size_t ld_q, size_t n_heads, const void *k,
                   size_t n, size_t d, float factor)
{
  size_t h = 0;
  for (; h + 4 <= n_heads; h += 4)
    STORED (dot_keys_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 4, k, n, d, factor);
  for (; h + 2 <= n_heads; h += 2)
    STORED (dot_keys_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 2, k, n, d, factor);
  if (h < n_heads)
    STORED (dot_keys_of) (scores + h * ld_scores, ld_scores, q + h * ld_q, ld_q, 1, k, n, d, factor);
}

#define MIX_ROWS 32 /* so few that they stay in the first-level cache while each column of them has its turn */
#define MIX_VECTORS (LANES >= 16 ? 4 : 2) /* of a column: accumulators of four heads fill half the registers */

/* Vectors i … of n rows, weighed and summed for each head. The same place of the rows that come next is fetched ahead, as a
 * column is no run of addresses that the processor would follow. */
static inline __attribute__ ((always_inline)) void
STORED (mix_some_values) (float *o, size_t ld_o, const float *weights, size_t ld_weights, const int n_heads,
                          const uint8_t *v, size_t n, size_t d, size_t i, const int n_vectors)
{
  const size_t width = ROW_BYTES ((size_t) n_vectors * LANES), begin = ROW_BYTES (i * LANES);
  Vec sum[4][MIX_VECTORS];
  for (int h = 0; h < n_heads; h++)
    for (int j = 0; j < n_vectors; j++)
      sum[h][j] = load (o + h * ld_o + (i + j) * LANES);
  for (size_t p = 0; p < n; p++, v += ROW_BYTES (d)) {
    for (size_t line = 0; line < width; line += 64)
      __builtin_prefetch (v + MIX_ROWS * ROW_BYTES (d) + begin + line);
    for (int j = 0; j < n_vectors; j++) {
      const Vec x = LOAD_ROW (v, i + j);
      for (int h = 0; h < n_heads; h++)
        sum[h][j] += x * weights[h * ld_weights + p];
    }
  }
  for (int h = 0; h < n_heads; h++)
    for (int j = 0; j < n_vectors; j++)
      store (o + h * ld_o + (i + j) * LANES, sum[h][j]);
}

static inline __attribute__ ((always_inline)) void
STORED (mix_columns) (float *o, size_t ld_o, const float *weights, size_t ld_weights, const int n_heads,
                      const uint8_t *v, size_t n, size_t d)
{
  size_t i = 0;
  for (; i + MIX_VECTORS <= d / LANES; i += MIX_VECTORS)
    STORED (mix_some_values) (o, ld_o, weights, ld_weights, n_heads, v, n, d, i, MIX_VECTORS);
  for (; i < d / LANES; i++)
    STORED (mix_some_values) (o, ld_o, weights, ld_weights, n_heads, v, n, d, i, 1);
}

static void
STORED (mix_values) (float *o, size_t ld_o, const float *weights, size_t ld_weights, size_t n_heads, const void *v,
                     size_t n, size_t d)
{
  for (size_t h = 0; h < n_heads; h++)
    memset (o + h * ld_o, 0, d * sizeof *o);
  for (size_t p = 0; p < n; p += MIX_ROWS) {
    const size_t rows = n - p < MIX_ROWS ? n - p : MIX_ROWS;
    const uint8_t *start = (const uint8_t *) v + p * ROW_BYTES (d);
    size_t h = 0;
    for (; h + 4 <= n_heads; h += 4)
      STORED (mix_columns) (o + h * ld_o, ld_o, weights + h * ld_weights + p, ld_weights, 4, start, rows, d);
    for (; h < n_heads; h++)
      STORED (mix_columns) (o + h * ld_o, ld_o, weights + h * ld_weights + p, ld_weights, 1, start, rows, d);
  }
}

#undef KEYS_AHEAD
#undef MIX_ROWS
#undef MIX_VECTORS
#undef LOAD_ROW
#undef ROW_BYTES
#undef STORED
