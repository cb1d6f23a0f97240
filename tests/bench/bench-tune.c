/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-tune FILE [-t THREADS]
 * Measures with a file's weights how far ahead they are best asked for, and prints all that was tried beside a plain read. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "cpu/qe-bandwidth.h"

static void
print_trial (void *data, const QeTuneTrial *t)
{
  const double read = *(const double *) data;
  printf ("%-8s %6zu bytes ahead  %6.2f GB/s  %3.0f %% of a plain read%s%s\n", t->format, t->ahead,
          t->bytes_per_second * 1e-9, 100 * t->bytes_per_second / read, t->by_default ? "  default" : "",
          t->chosen ? "  chosen" : "");
}

static double
plain_read (const char *path, unsigned threads)
{
  double rates[5];
  size_t size;
  void *data = map_file (path, &size);
  QePool *pool = NULL;
  if (!data || qe_pool_new (&pool, threads, NULL) != QE_OK)
    return 0;
  qe_pool_read_rate (pool, data, size); /* brings the pages in */
  for (size_t i = 0; i < 5; i++)
    rates[i] = qe_pool_read_rate (pool, data, size);
  qe_pool_free (pool);
  munmap (data, size);
  return median (rates, 5);
}

int
main (int argc, char **argv)
{
  unsigned threads = 0;
  QeModel *model = NULL;
  QeError err = { 0 };
  for (int c; (c = getopt (argc, argv, "t:")) != -1;) {
    if (c != 't')
      return 2;
    threads = (unsigned) strtoul (optarg, NULL, 10);
  }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-tune FILE [-t THREADS]\n");
    return 2;
  }
  double read = plain_read (argv[optind], threads);
  printf ("kernels %s, plain read %.2f GB/s\n", qe_cpu_kernels (), read * 1e-9);
  QeStatus status = qe_model_open (&model, argv[optind], NULL, &err);
  if (status == QE_OK)
    status = qe_model_tune (model, threads, NULL, print_trial, &read, &err);
  qe_model_free (model);
  if (status != QE_OK)
    fprintf (stderr, "bench-tune: %s\n", err.message);
  return status == QE_OK ? 0 : 1;
}
