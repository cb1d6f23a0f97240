/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-read FILE [-t THREADS] [-r REPEATS]
 * How fast the bytes of a file in the page cache can be read through a mapping and nothing else done: what decoding, which
 * reads each weight once for each token, could reach at best. Prints one JSON object. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pool/qe-pool.h"

#define SLICE ((size_t) 1 << 20)

typedef struct {
  const uint8_t *data;
  size_t size;
  atomic_ullong sum; /* keeps the compiler from dropping the reads */
} Reading;

static double
seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static unsigned long long
read_slice (const uint8_t *data, size_t size)
{
  uint64_t sum[8] = { 0 };
  for (size_t i = 0; i + sizeof sum <= size; i += sizeof sum) {
    uint64_t v[8];
    memcpy (v, data + i, sizeof v);
    for (int k = 0; k < 8; k++)
      sum[k] += v[k];
  }
  return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

static void
read_all (QeWorker *worker, void *data)
{
  Reading *r = data;
  unsigned long long sum = 0;
  for (size_t at; (at = qe_worker_next (worker) * SLICE) < r->size;)
    sum += read_slice (r->data + at, r->size - at < SLICE ? r->size - at : SLICE);
  atomic_fetch_add (&r->sum, sum);
}

static int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* The first pass brings the pages in and is not counted. */
static int
measure (const char *path, unsigned threads, size_t repeats)
{
  const int fd = open (path, O_RDONLY);
  struct stat st;
  double rates[64];
  QePool *pool = NULL;
  Reading r = { 0 };
  if (fd < 0 || fstat (fd, &st) != 0 || st.st_size == 0) {
    perror (path);
    return 1;
  }
  r.size = (size_t) st.st_size;
  r.data = mmap (NULL, r.size, PROT_READ, MAP_SHARED, fd, 0);
  if (r.data == MAP_FAILED || qe_pool_new (&pool, threads, NULL) != QE_OK) {
    fprintf (stderr, "bench-read: no memory or threads\n");
    return 1;
  }
  qe_pool_run (pool, read_all, &r);
  for (size_t i = 0; i < repeats; i++) {
    const double start = seconds ();
    qe_pool_run (pool, read_all, &r);
    rates[i] = (double) r.size / (seconds () - start);
  }
  qsort (rates, repeats, sizeof *rates, compare);
  printf ("{\"read_bytes_per_second\": %.4g, \"bytes\": %zu, \"threads\": %u}\n", rates[repeats / 2], r.size,
          qe_pool_threads (pool));
  qe_pool_free (pool);
  munmap ((void *) (uintptr_t) r.data, r.size);
  close (fd);
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
