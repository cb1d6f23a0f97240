/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Speed of matrix products alone: bench-products [-c] [-t THREADS] [-n TOKENS] [-m MiB] [TYPE…]
 *
 * For each type, weights of 2560 columns and so many MiB times one token (as in decoding: GB/s of weights read, beside
 * what a plain read of memory reaches) and times TOKENS tokens (as in prefill: billions of operations a second, two for
 * each weight and token; 0: not at all). Medians of five. MiB may be a fraction, for weights in a cache. -c: processor time instead of wall time, for one thread on a busy machine. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"

#define COLUMNS 2560
#define REPEATS 5
#define LEAST_SECONDS 0.01
#define HUGE_PAGE ((size_t) 2 << 20)

typedef struct {
  QeMatmul *m;
  QeProduct product;
  const float *x;
  size_t n_tokens;
} Job;

static clockid_t timer = CLOCK_MONOTONIC;

static double
now (void)
{
  struct timespec t;
  clock_gettime (timer, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
run_job (QeWorker *worker, void *data)
{
  Job *j = data;
  qe_matmul (j->m, worker, &j->product, 1, j->x, COLUMNS, COLUMNS, j->n_tokens);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Of one run; short ones are measured several at a time. */
static double
median_seconds (QePool *pool, Job *job)
{
  double s[REPEATS], first = now ();
  qe_pool_run (pool, run_job, job);
  int n = 1 + (int) (LEAST_SECONDS / (now () - first + 1e-9));
  for (int i = 0; i < REPEATS; i++) {
    double start = now ();
    for (int k = 0; k < n; k++)
      qe_pool_run (pool, run_job, job);
    s[i] = (now () - start) / n;
  }
  qsort (s, REPEATS, sizeof *s, compare);
  return s[REPEATS / 2];
}

/* Random bytes are sound weights for speed: blocks' scales may be any number, and indices into codebooks are to differ. In
 * plain numbers no one is denormal: every byte is 0x30 … 0x37. */
static void
fill (uint8_t *w, size_t n, bool plain)
{
  uint64_t seed = 1;
  for (size_t i = 0; i < n; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    w[i] = plain ? 0x30 | (seed >> 56 & 7) : seed >> 56;
  }
}

static void
bench_type (QePool *pool, QeType type, size_t bytes, size_t n_tokens)
{
  const QeTypeTraits *t = qe_type_traits (type);
  size_t max_tokens = n_tokens ? n_tokens : 1, row_bytes = qe_row_bytes (t, COLUMNS), rows = bytes / row_bytes;
  size_t prefill_rows = n_tokens > 16 && rows > 4096 ? 4096 : rows; /* a few tokens wait for memory, many do not */
  size_t w_bytes = (rows * row_bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  uint8_t *w = aligned_alloc (HUGE_PAGE, w_bytes);
  float *x = malloc (max_tokens * COLUMNS * sizeof *x), *y = malloc (max_tokens * rows * sizeof *y);
  Job job = { .product = { w, type, rows, y, rows }, .x = x, .n_tokens = 1 };
  if (w)
    madvise (w, w_bytes, MADV_HUGEPAGE); /* as those of files lie */
  if (w && x && y && qe_matmul_new (&job.m, qe_pool_threads (pool), COLUMNS, max_tokens, NULL) == QE_OK) {
    fill (w, rows * row_bytes, t->block_elements == 1);
    for (size_t i = 0; i < max_tokens * COLUMNS; i++)
      x[i] = (float) (i * 2654435761u >> 8 & 0xffff) / 65536 - 0.5f;
    double decode = median_seconds (pool, &job);
    job.n_tokens = n_tokens;
    job.product.rows = prefill_rows;
    double prefill = n_tokens ? median_seconds (pool, &job) : 1;
    printf ("%-8s decode %6.2f GB/s   %zu tokens %7.1f GOP/s\n", t->name, (double) (rows * row_bytes) / decode * 1e-9,
            n_tokens, 2.0 * (double) n_tokens * (double) prefill_rows * COLUMNS / prefill * 1e-9);
    fflush (stdout);
  }
  qe_matmul_free (job.m);
  free (w);
  free (x);
  free (y);
}

int
main (int argc, char **argv)
{
  unsigned n_threads = 0;
  size_t n_tokens = 512;
  double mib = 300;
  QePool *pool;
  for (int c; (c = getopt (argc, argv, "ct:n:m:")) != -1;)
    switch (c) {
    case 'c': timer = CLOCK_PROCESS_CPUTIME_ID; break;
    case 't': n_threads = (unsigned) atoi (optarg); break;
    case 'n': n_tokens = (size_t) atol (optarg); break;
    case 'm': mib = atof (optarg); break;
    default: return 2;
    }
  if (!(mib > 0) || qe_pool_new (&pool, n_threads, NULL) != QE_OK)
    return 2;
  printf ("kernels %s, %u threads, plain read %.2f GB/s\n", qe_cpu_kernels (), qe_pool_threads (pool),
          qe_cpu_measure_bandwidth (qe_pool_threads (pool)) * 1e-9);
  for (uint32_t type = 0; type < QE_N_TYPES; type++) {
    const QeTypeTraits *t = qe_type_traits (type);
    bool wanted = t->block_bytes > 0 && optind == argc;
    for (int i = optind; i < argc; i++)
      wanted |= t->name && t->block_bytes > 0 && strcmp (argv[i], t->name) == 0;
    if (wanted)
      bench_type (pool, type, (size_t) (mib * (1 << 20)), n_tokens);
  }
  qe_pool_free (pool);
  return 0;
}
