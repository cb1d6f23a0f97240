/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How fast memory can be read: the roof over decoding speed. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qe-pool.h"

#define BYTES ((size_t) 256 << 20) /* far beyond what caches keep of it, also of a shared last level */
#define SLICE ((size_t) 1 << 20)
#define SECONDS 0.3

typedef struct {
  uint8_t *memory;
  unsigned rounds;
  atomic_ullong sum; /* keeps the compiler from dropping the reads */
} Reading;

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static unsigned long long
read_slice (const uint8_t *memory)
{
  uint64_t sum[8] = { 0 };
  for (size_t i = 0; i < SLICE; i += sizeof sum) {
    uint64_t v[8];
    memcpy (v, memory + i, sizeof v);
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
  for (size_t i; (i = qe_worker_next (worker)) < r->rounds * (BYTES / SLICE);)
    sum += read_slice (r->memory + i % (BYTES / SLICE) * SLICE);
  atomic_fetch_add (&r->sum, sum);
}

static void
fill (QeWorker *worker, void *data)
{
  Reading *r = data;
  for (size_t i; (i = qe_worker_next (worker)) < BYTES / SLICE;)
    memset (r->memory + i * SLICE, (int) i | 1, SLICE);
}

/* Returns 0 when memory or threads are refused. */
double
qe_cpu_measure_bandwidth (unsigned n_threads)
{
  Reading r = { .memory = malloc (BYTES) };
  QePool *pool = NULL;
  double best = 0;
  if (r.memory && qe_pool_new (&pool, n_threads, NULL) == QE_OK) {
    qe_pool_run (pool, fill, &r);
    r.rounds = 1;
    for (double begin = now (), last = begin; last - begin < SECONDS;) {
      double start = last;
      qe_pool_run (pool, read_all, &r);
      last = now ();
      double rate = (double) BYTES * r.rounds / (last - start);
      best = rate > best ? rate : best;
    }
  }
  qe_pool_free (pool);
  free (r.memory);
  return best;
}
