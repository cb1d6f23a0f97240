/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How fast memory can be read: the roof over decoding speed. */

#include "qe-bandwidth.h"

#include <string.h>
#include <sys/mman.h>

#include "pool/qe-clock.h"

#define BYTES ((size_t) 256 << 20) /* far beyond what caches keep of it, also of a shared last level */
#define SLICE ((size_t) 1 << 20)
#define LINE 64
#define SECONDS 0.3

typedef struct {
  const uint8_t *memory;
  size_t size;
  atomic_ullong sum; /* keeps the compiler from dropping the reads */
} Reading;

/* Memory moves in lines: with one word of each, the processor has as many of them under way as it can. Reading every
 * word with the instructions that all processors have got 42 GB/s where this gets 60 (Zen 4, two cores). */
static uint64_t
read_slice (const uint8_t *memory, size_t size)
{
  uint64_t sum = 0;
  for (size_t i = 0; i + LINE <= size; i += LINE) {
    uint64_t word;
    memcpy (&word, memory + i, sizeof word);
    sum += word;
  }
  return sum;
}

static void
read_all (QeWorker *worker, void *data)
{
  Reading *r = data;
  uint64_t sum = 0;
  for (size_t at; (at = qe_worker_next (worker) * SLICE) < r->size;)
    sum += read_slice (r->memory + at, r->size - at < SLICE ? r->size - at : SLICE);
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

/* Returns 0 when memory or threads are refused. */
double
qe_cpu_measure_bandwidth (unsigned n_threads)
{
  void *memory = mmap (NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  QePool *pool = NULL;
  double best = 0;
  if (memory == MAP_FAILED)
    return 0;
  madvise (memory, BYTES, MADV_HUGEPAGE); /* as weights are read */
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
