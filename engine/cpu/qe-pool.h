/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "qe.h"

/* The worker threads of one context. A forward pass is one parallel region: every thread runs the same function (SPMD)
 * and the threads meet at barriers between operations, spinning briefly before they sleep. The caller is thread 0. */

typedef struct QePool QePool;

typedef struct {
  QePool *pool;
  unsigned index, n; /* index of this thread, and number of threads */
} QeWorker;

typedef void (*QePoolFunc) (QeWorker *worker, void *data);

QeStatus qe_pool_new (QePool **out, unsigned n_threads, QeError *err);
void qe_pool_free (QePool *pool);
unsigned qe_pool_threads (const QePool *pool);
void qe_pool_run (QePool *pool, QePoolFunc func, void *data);       /* returns when every thread is done */
void qe_pool_run_alone (QePool *pool, QePoolFunc func, void *data); /* with one worker, of 1: the caller */

/* Waits for all threads; only for use inside a region. Every thread sees all writes made before it. */
void qe_worker_barrier (QeWorker *worker);

/* Hands out chunk numbers 0, 1, 2 … to whichever thread asks, so that a slow core does less; only for use inside a
 * region. Every barrier resets it. Results must not depend on who computes a chunk, so chunk sizes depend on the work
 * and never on n. */
size_t qe_worker_next (QeWorker *worker);
