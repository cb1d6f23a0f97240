/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Measures how fast memory can be read, which limits the speed of decoding. */

#include "cpu/qe-bandwidth.h"

#include <string.h>
#include <sys/mman.h>

#include "cpu/qe-clock.h"

#define BYTES ((size_t) 256 << 20) /* far more than any cache holds, even a shared last level */
#define SLICE ((size_t) 1 << 20)
#define LINE 64
#define SECONDS 0.3

typedef struct {
  const uint8_t *memory;
  size_t size;
  atomic_ullong sum; /* keeps the compiler from dropping the reads */
} Reading;

/* Memory is read in cache lines. Reading one word of each line keeps as many lines in flight as the processor can
 * handle. Reading every word with baseline instructions got 42 GB/s where this gets 60 GB/s (Zen 4, two cores). */
static void
read_all (QeWorker *worker, void *data)
{
  Reading *r = data;
  uint64_t sum = 0, word;
  for (size_t at; (at = qe_worker_next (worker) * SLICE) < r->size;)
    for (size_t i = at; i + LINE <= r->size && i < at + SLICE; i += LINE) {
      memcpy (&word, r->memory + i, sizeof word);
      sum += word;
    }
  atomic_fetch_add (&r->sum, sum);
}

double
qe_pool_read_rate (QePool *pool, const void *memory, size_t size)
{
  Reading r = { .memory = memory, .size = size };
  const double start = qe_clock_seconds ();
  qe_pool_run (pool, read_all, &r);
  return (double) size / (qe_clock_seconds () - start);
}

static void
fill (QeWorker *worker, void *data)
{
  uint8_t *memory = data;
  for (size_t i; (i = qe_worker_next (worker)) < BYTES / SLICE;)
    memset (memory + i * SLICE, (int) i | 1, SLICE);
}

/* Returns bytes per second, or 0 if memory or threads are refused. */
double
qe_cpu_measure_bandwidth (unsigned n_threads)
{
  void *memory = mmap (NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  QePool *pool = NULL;
  double best = 0;
  if (memory == MAP_FAILED)
    return 0;
  madvise (memory, BYTES, MADV_HUGEPAGE); /* weights are in huge pages too */
  if (qe_pool_new (&pool, n_threads, NULL) == QE_OK) {
    qe_pool_run (pool, fill, memory);
    for (const double begin = qe_clock_seconds (); qe_clock_seconds () - begin < SECONDS;) {
      const double rate = qe_pool_read_rate (pool, memory, BYTES);
      best = rate > best ? rate : best;
    }
  }
  qe_pool_free (pool);
  munmap (memory, BYTES);
  return best;
}
