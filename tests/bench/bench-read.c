/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-read FILE [-t THREADS] [-r REPEATS]
 * How fast the bytes of a file in the page cache can be read through a mapping and nothing else done: what decoding, which
 * reads each weight once for each token, could reach at best. Prints one JSON object. */
#include <stdio.h>

#include "bench.h"
#include "cpu/qe-bandwidth.h"

/* The first pass brings the pages in and is not counted. */
static int
measure (const char *path, unsigned threads, size_t repeats)
{
  double rates[64];
  size_t size;
  void *data = map_file (path, &size);
  QePool *pool = NULL;
  if (!data) {
    perror (path);
    return 1;
  }
  if (qe_pool_new (&pool, threads, NULL) != QE_OK) {
    fprintf (stderr, "bench-read: no memory or threads\n");
    return 1;
  }
  qe_pool_read_rate (pool, data, size);
  for (size_t i = 0; i < repeats; i++)
    rates[i] = qe_pool_read_rate (pool, data, size);
  printf ("{\"read_bytes_per_second\": %.4g, \"bytes\": %zu, \"threads\": %u}\n", median (rates, repeats), size,
          qe_pool_threads (pool));
  qe_pool_free (pool);
  munmap (data, size);
  return 0;
}

int
main (int argc, char **argv)
{
  unsigned threads = 0;
  size_t repeats = 5;
  int c;
  while ((c = getopt (argc, argv, "t:r:")) != -1) {
    const size_t value = c == '?' ? 0 : strtoul (optarg, NULL, 10);
    if (c == 't')
      threads = (unsigned) value;
    else if (c == 'r' && value && value <= 64)
      repeats = value;
    else
      return 2;
  }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-read FILE [-t THREADS] [-r REPEATS]\n");
    return 2;
  }
  return measure (argv[optind], threads, repeats);
}
