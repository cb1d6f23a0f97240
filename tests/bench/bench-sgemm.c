/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-sgemm [-t THREADS] [-n TOKENS] [-r REPEATS] ROWSxCOLUMNS…
 * How fast OpenBLAS multiplies f32 weights of these shapes with so many tokens: what prefill is to beat. Prints one JSON
 * object; two operations for each weight and token. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu/qe-clock.h"

static float *
numbers (size_t n)
{
  float *x = malloc (n * sizeof *x);
  for (size_t i = 0; x && i < n; i++)
    x[i] = (float) (i * 2654435761u >> 8 & 0xffff) / 65536 - 0.5f;
  return x;
}

/* The best of the repeats, after one to warm up; 0 without memory. */
static double
best_seconds (int rows, int columns, int tokens, int repeats)
{
  float *w = numbers ((size_t) rows * (size_t) columns), *x = numbers ((size_t) tokens * (size_t) columns);
  float *y = numbers ((size_t) tokens * (size_t) rows);
  double best = 0;
  for (int i = -1; w && x && y && i < repeats; i++) {
    const double start = qe_clock_seconds ();
    cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, tokens, rows, columns, 1, x, columns, w, columns, 0, y, rows);
    const double took = qe_clock_seconds () - start;
    best = i <= 0 || took < best ? took : best;
  }
  free (w);
  free (x);
  free (y);
  return best;
}

int
main (int argc, char **argv)
{
  int threads = 1, tokens = 512, repeats = 3, c;
  double operations = 0, total = 0;
  while ((c = getopt (argc, argv, "t:n:r:")) != -1) {
    const int value = c == '?' ? 0 : atoi (optarg);
    if (value < 1)
      return 2;
    *(c == 't' ? &threads : c == 'n' ? &tokens : &repeats) = value;
  }
  openblas_set_num_threads (threads);
  for (int i = optind; i < argc; i++) {
    int rows, columns;
    if (sscanf (argv[i], "%dx%d", &rows, &columns) != 2 || rows < 1 || columns < 1)
      return 2;
    total += best_seconds (rows, columns, tokens, repeats);
    operations += 2.0 * rows * columns * tokens;
  }
  if (total <= 0) {
    fprintf (stderr, "usage: bench-sgemm [-t THREADS] [-n TOKENS] [-r REPEATS] ROWSxCOLUMNS…\n");
    return 2;
  }
  printf ("{\"operations_per_second\": %.4g, \"threads\": %d}\n", operations / total, threads);
  return 0;
}
