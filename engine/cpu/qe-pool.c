/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Worker threads that run one function together and meet at barriers.
 *
 * A barrier is a counter of those who arrived and a generation that the last one raises. The others watch the generation:
 * first spinning, because operations of one token are microseconds apart, then asleep in the kernel on its address. Two
 * facts make a lost wake-up impossible: the kernel sleeps only if the generation still has the old value, and `sleepers`
 * is raised before that look while the generation is raised before `sleepers` is read, all sequentially consistent.
 * Between regions the workers wait in the same way for `epoch`. Where there are more threads than processors, spinning
 * would keep the awaited thread from running, so it is cut short and the processor yielded. */

#include "cpu/qe-pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qe-error.h"
#include "cpu/qe-topology.h"

#define SPINS 4000 /* about 0.1 ms */
#define SPINS_CROWDED 50
#define YIELDS_CROWDED 20
#define LINE 64 /* bytes of a cache line; fields that different threads write are this far apart */

typedef struct {
  _Alignas (LINE) atomic_uint generation; /* the futex */
  atomic_uint sleepers;
} Gate;

struct QePool {
  unsigned n_threads, n_started;
  unsigned spins, yields;
  bool stop;
  QePoolFunc func;
  void *data;
  pthread_t *threads; /* [n_threads - 1] */
  QeWorker *workers;  /* [n_threads] */
  Gate epoch, barrier;
  _Alignas (LINE) atomic_uint arrived;
  _Alignas (LINE) atomic_size_t next;
};

static inline void
relax (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__
  __asm__ volatile ("isb" ::: "memory");
#endif
}

/* Returns when the generation is no longer `old`. */
static void
gate_wait (const QePool *pool, Gate *gate, unsigned old)
{
  for (unsigned i = 0; i < pool->spins; i++) {
    if (atomic_load_explicit (&gate->generation, memory_order_acquire) != old)
      return;
    relax ();
  }
  for (unsigned i = 0; i < pool->yields; i++) {
    if (atomic_load_explicit (&gate->generation, memory_order_acquire) != old)
      return;
    sched_yield ();
  }
  atomic_fetch_add (&gate->sleepers, 1);
  while (atomic_load (&gate->generation) == old)
    syscall (SYS_futex, &gate->generation, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
  atomic_fetch_sub (&gate->sleepers, 1);
}

static void
gate_open (Gate *gate)
{
  atomic_fetch_add (&gate->generation, 1);
  if (atomic_load (&gate->sleepers) > 0)
    syscall (SYS_futex, &gate->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void
qe_worker_barrier (QeWorker *worker)
{
  QePool *pool = worker->pool;
  if (worker->n == 1) {
    atomic_store_explicit (&pool->next, 0, memory_order_relaxed);
    return;
  }
  unsigned old = atomic_load_explicit (&pool->barrier.generation, memory_order_relaxed);
  if (atomic_fetch_add_explicit (&pool->arrived, 1, memory_order_acq_rel) + 1 < pool->n_threads) {
    gate_wait (pool, &pool->barrier, old);
    return;
  }
  atomic_store_explicit (&pool->arrived, 0, memory_order_relaxed);
  atomic_store_explicit (&pool->next, 0, memory_order_relaxed);
  gate_open (&pool->barrier);
}

size_t
qe_worker_next (QeWorker *worker)
{
  return atomic_fetch_add_explicit (&worker->pool->next, 1, memory_order_relaxed);
}

static void *
pool_thread (void *data)
{
  QeWorker *worker = data;
  QePool *pool = worker->pool;
  for (unsigned epoch = 0;; epoch++) {
    gate_wait (pool, &pool->epoch, epoch);
    if (pool->stop)
      return NULL;
    pool->func (worker, pool->data);
    qe_worker_barrier (worker);
  }
}

/* Runs func on every thread of the pool and returns when all are done. The caller is thread 0. Only one region may run
 * at a time. */
void
qe_pool_run (QePool *pool, QePoolFunc func, void *data)
{
  pool->func = func;
  pool->data = data;
  gate_open (&pool->epoch);
  func (&pool->workers[0], data);
  qe_worker_barrier (&pool->workers[0]);
}

/* Runs func on the caller's thread only; the other threads stay asleep. */
void
qe_pool_run_alone (QePool *pool, QePoolFunc func, void *data)
{
  QeWorker alone = { pool, 0, 1 };
  qe_worker_barrier (&alone);
  func (&alone, data);
}

/* On success *out is owned by the caller, who frees it with qe_pool_free(). If n_threads is 0, it is
 * qe_cpu_default_threads(). */
QeStatus
qe_pool_new (QePool **out, unsigned n_threads, QeError *err)
{
  unsigned n = n_threads ? n_threads : qe_cpu_default_threads ();
  bool crowded = n > qe_topology_allowed_cpus ();
  QePool *pool = aligned_alloc (LINE, (sizeof *pool + LINE - 1) / LINE * LINE);
  if (!pool)
    return qe_fail (err, QE_ERROR_MEMORY, "Not enough memory for the worker threads.");
  *pool = (QePool) { .n_threads = n, .spins = crowded ? SPINS_CROWDED : SPINS, .yields = crowded ? YIELDS_CROWDED : 0 };
  pool->threads = calloc (n, sizeof *pool->threads);
  pool->workers = calloc (n, sizeof *pool->workers);
  if (!pool->threads || !pool->workers) {
    qe_pool_free (pool);
    return qe_fail (err, QE_ERROR_MEMORY, "Not enough memory for %u worker threads.", n);
  }
  for (unsigned i = 0; i < n; i++)
    pool->workers[i] = (QeWorker) { pool, i, n };
  for (unsigned i = 1; i < n; i++, pool->n_started++)
    if (pthread_create (&pool->threads[i - 1], NULL, pool_thread, &pool->workers[i]) != 0) {
      qe_pool_free (pool);
      return qe_fail (err, QE_ERROR_MEMORY, "The system refused to start %u threads; use fewer.", n);
    }
  *out = pool;
  return QE_OK;
}

void
qe_pool_free (QePool *pool)
{
  if (!pool)
    return;
  pool->stop = true;
  gate_open (&pool->epoch);
  for (unsigned i = 0; i < pool->n_started; i++)
    pthread_join (pool->threads[i], NULL);
  free (pool->threads);
  free (pool->workers);
  free (pool);
}

unsigned
qe_pool_threads (const QePool *pool)
{
  return pool->n_threads;
}
