/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Products with weights of every format against double precision, for every number of tokens and threads. */
#include "qe-weights-test.h"

#include "cpu/qe-matmul.h"

#define MAX_TOKENS 40

typedef struct {
  QeMatmul *m;
  const QeProduct *products;
  size_t n_products;
  const QeGroupedProduct *grouped; /* instead of products */
  const float *x;
  size_t ldx, columns, n_tokens;
} Job;

static void
run_job (QeWorker *worker, void *data)
{
  Job *j = data;
  if (j->grouped)
    qe_matmul_grouped (j->m, worker, j->grouped, j->n_products, j->x, j->ldx, j->columns);
  else
    qe_matmul (j->m, worker, j->products, j->n_products, j->x, j->ldx, j->columns, j->n_tokens);
}

/* Runs the job with a pool and scratch of its own. */
static bool
run (Job *job, unsigned n_threads)
{
  QeError err;
  QePool *pool = NULL;
  bool ok = QE_CHECK_OK (qe_pool_new (&pool, n_threads, &err), err)
            && QE_CHECK_OK (qe_matmul_new (&job->m, n_threads, job->columns, MAX_TOKENS, &err), err);
  if (ok)
    qe_pool_run (pool, run_job, job);
  qe_matmul_free (job->m);
  qe_pool_free (pool);
  return ok;
}

/* What rounding activations to 8 bits costs at most; formats that are plain numbers use f32. */
static double
allowed_error (QeType type)
{
  return qe_type_traits (type)->block_elements == 1 || getenv ("QE_ACTIVATIONS") ? 2e-6 : 0.012;
}

/* What a product of so many terms comes to if their signs are independent, root mean square. A single result may be much
 * less where terms happen to cancel, which says nothing about its error. */
static double
typical_size (const TestWeights *w, const float *x, size_t ldx, size_t n_tokens)
{
  double weights = 0, activations = 0;
  for (size_t i = 0; i < w->rows * w->columns; i++)
    weights += (double) w->f32[i] * w->f32[i];
  for (size_t t = 0; t < n_tokens; t++)
    for (size_t c = 0; c < w->columns; c++)
      activations += (double) x[t * ldx + c] * x[t * ldx + c];
  return sqrt (weights * activations / (double) (w->rows * w->columns * n_tokens));
}

static double
root_mean_square (const float *x, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double) x[i] * x[i];
  return sqrt (sum / (double) n);
}

static void
check_product (QeType type, size_t rows, size_t columns, size_t n_tokens)
{
  size_t ldx = columns + 3, ldy = rows + 5;
  TestWeights w;
  float *x = test_activations (n_tokens, ldx, 11), *y = malloc (n_tokens * ldy * sizeof *y), *want = NULL;
  if (QE_CHECK (test_weights_make (&w, type, rows, columns, 5)) && x && y) {
    want = test_product (&w, x, ldx, n_tokens);
    QeProduct product = { w.raw, type, rows, y, ldy };
    Job job = { .products = &product, .n_products = 1, .x = x, .ldx = ldx, .columns = columns, .n_tokens = n_tokens };
    for (size_t i = 0; i < n_tokens * ldy; i++)
      y[i] = 1234;
    run (&job, 2);
    size_t untouched = 0;
    for (size_t t = 0; t < n_tokens; t++) {
      for (size_t r = rows; r < ldy; r++)
        untouched += y[t * ldy + r] == 1234;
      memmove (y + t * rows, y + t * ldy, rows * sizeof *y);
    }
    double error = test_relative_error (y, want, n_tokens * rows);
    const double size = root_mean_square (want, n_tokens * rows), typical = typical_size (&w, x, ldx, n_tokens);
    error *= size < typical ? size / typical : 1;
    error *= n_tokens * rows < 8 ? 0.5 : 1; /* few results scatter more than many */
    qe_test_check (error < allowed_error (type) && untouched == n_tokens * 5, __FILE__, __LINE__,
                   "%s %zux%zu, %zu tokens: error %g, %zu of %zu cells beyond the rows untouched",
                   qe_type_traits (type)->name, rows, columns, n_tokens, error, untouched, n_tokens * 5);
  }
  test_weights_clear (&w);
  free (x);
  free (y);
  free (want);
}

QE_TEST (every_format_and_batch)
{
  static const size_t tokens[] = { 1, 2, 3, 5, 7, 13, 33 };
  for (size_t i = 0; i < N_TEST_TYPES; i++)
    for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++)
      check_product (test_types[i], 75, 768, tokens[k]);
}

QE_TEST (odd_sizes)
{
  for (size_t i = 0; i < N_TEST_TYPES; i++) {
    size_t block = qe_type_traits (test_types[i])->block_elements, columns = block == 1 ? 101 : block * 11;
    check_product (test_types[i], 1, block, 1);
    check_product (test_types[i], 1, columns, 33);
    check_product (test_types[i], 17, columns, 2);
    check_product (test_types[i], 35, columns, 19);
    check_product (test_types[i], 300, block == 1 ? 1 : block, 12);
  }
}

/* The same bits with any number of threads, several products at once, and more tokens than announced. */
QE_TEST (threads_change_nothing)
{
  static const QeType types[] = { QE_TYPE_Q4_K, QE_TYPE_Q6_K, QE_TYPE_Q8_0, QE_TYPE_F16, QE_TYPE_F32 };
  static const size_t tokens[] = { 1, 6, 40, 60 };
  enum { ROWS = 333, COLUMNS = 512, N = sizeof types / sizeof *types };
  float *x = test_activations (60, COLUMNS, 3), *first = malloc (60 * N * ROWS * sizeof *first);
  float *y = malloc (60 * N * ROWS * sizeof *y);
  TestWeights w[N];
  QeProduct products[N];
  for (size_t i = 0; i < N; i++) {
    test_weights_make (&w[i], types[i], ROWS, COLUMNS, i);
    products[i] = (QeProduct) { w[i].raw, types[i], ROWS, y + i * ROWS, N * ROWS };
  }
  for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++)
    for (unsigned n_threads = 1; n_threads <= 5; n_threads += n_threads) {
      size_t n = tokens[k] * N * ROWS;
      Job job = {
        .products = products, .n_products = N, .x = x, .ldx = COLUMNS, .columns = COLUMNS, .n_tokens = tokens[k]
      };
      memset (y, 0xff, n * sizeof *y);
      run (&job, n_threads);
      if (n_threads == 1)
        memcpy (first, y, n * sizeof *y);
      QE_CHECK (memcmp (first, y, n * sizeof *y) == 0);
    }
  for (size_t i = 0; i < N; i++)
    test_weights_clear (&w[i]);
  free (x);
  free (y);
  free (first);
}

/* Experts: each takes its own rows of x and writes them compactly. */
static void
check_grouped (QeType type, size_t n_tokens, size_t spread)
{
  enum { EXPERTS = 5, ROWS = 40, COLUMNS = 512 };
  TestWeights w;
  float *x = test_activations (n_tokens, COLUMNS, 17), *y = calloc (EXPERTS * n_tokens * ROWS, sizeof *y);
  uint32_t *rows = malloc (EXPERTS * n_tokens * sizeof *rows);
  QeGroupedProduct grouped[EXPERTS];
  test_weights_make (&w, type, EXPERTS * ROWS, COLUMNS, 23);
  for (size_t e = 0; e < EXPERTS; e++) {
    size_t n = 0;
    for (size_t t = 0; t < n_tokens; t++)
      if ((t + e) % spread == 0 && e != 3) /* expert 3 gets none */
        rows[e * n_tokens + n++] = (uint32_t) t;
    grouped[e] = (QeGroupedProduct) { { w.raw + e * ROWS * w.row_bytes, type, ROWS, y + e * n_tokens * ROWS, ROWS },
                                      rows + e * n_tokens,
                                      n };
  }
  Job job = { .grouped = grouped, .n_products = EXPERTS, .x = x, .ldx = COLUMNS, .columns = COLUMNS };
  run (&job, 2);
  float *all = test_product (&w, x, COLUMNS, n_tokens), *want = calloc (EXPERTS * n_tokens * ROWS, sizeof *want);
  for (size_t e = 0; e < EXPERTS; e++)
    for (size_t i = 0; i < grouped[e].n_token_rows; i++)
      memcpy (want + (e * n_tokens + i) * ROWS, all + (grouped[e].token_rows[i] * EXPERTS + e) * ROWS,
              ROWS * sizeof *want);
  double error = test_relative_error (y, want, EXPERTS * n_tokens * ROWS);
  qe_test_check (error < allowed_error (type), __FILE__, __LINE__, "%s, %zu tokens, every %zu: error %g",
                 qe_type_traits (type)->name, n_tokens, spread, error);
  test_weights_clear (&w);
  free (x);
  free (y);
  free (rows);
  free (all);
  free (want);
}

QE_TEST (experts)
{
  static const QeType types[] = { QE_TYPE_Q4_K, QE_TYPE_Q6_K, QE_TYPE_Q8_0, QE_TYPE_F16, QE_TYPE_F32, QE_TYPE_IQ2_S };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    check_grouped (types[i], 1, 1);
    check_grouped (types[i], 40, 1);
    check_grouped (types[i], 40, 3);
    check_grouped (types[i], 700, 2); /* more than announced, and than the gather buffer holds of f32 */
  }
}

/* The exact way: activations stay f32. */
QE_TEST (exact_activations)
{
  setenv ("QE_ACTIVATIONS", "f32", 1);
  for (size_t i = 0; i < N_TEST_TYPES; i++) {
    check_product (test_types[i], 33, 512, 2);
    check_product (test_types[i], 33, 512, 20);
  }
  unsetenv ("QE_ACTIVATIONS");
}
