/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker threads, their barriers, and how many of them a machine gets. */
#include "qe-test.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/qe-pool.h"
#include "cpu/qe-topology.h"

#define ROUNDS 200
#define MAX_THREADS 8

typedef struct {
  unsigned values[MAX_THREADS]; /* one for each thread, written between barriers without atomics */
  unsigned wrong[MAX_THREADS];
  unsigned chunks[1000]; /* how often each was handed out */
} Shared;

/* Everyone writes, meets, and must see what all others wrote. */
static void
exchange (QeWorker *worker, void *data)
{
  Shared *s = data;
  for (unsigned round = 1; round <= ROUNDS; round++) {
    s->values[worker->index] = round * 10 + worker->index;
    qe_worker_barrier (worker);
    for (unsigned i = 0; i < worker->n; i++)
      s->wrong[worker->index] += s->values[i] != round * 10 + i;
    qe_worker_barrier (worker);
  }
}

QE_TEST (barriers_publish_writes)
{
  for (unsigned n = 1; n <= MAX_THREADS; n = n < 3 ? n + 1 : n * 2 - 2) {
    Shared s = { 0 };
    QeError err;
    QePool *pool = NULL;
    QE_REQUIRE_OK (qe_pool_new (&pool, n, &err), err);
    QE_CHECK_INT (qe_pool_threads (pool), ==, n);
    qe_pool_run (pool, exchange, &s);
    for (unsigned i = 0; i < n; i++)
      QE_CHECK_INT (s.wrong[i], ==, 0);
    qe_pool_free (pool);
  }
}

static void
count_workers (QeWorker *worker, void *data)
{
  Shared *s = data;
  for (unsigned pass = 0; pass < 2; pass++) {
    while (qe_worker_next (worker) < 10)
      s->values[worker->index]++;
    qe_worker_barrier (worker);
  }
  s->wrong[worker->index] += worker->n != 1;
}

/* A small region runs on the caller alone, between regions of all, with chunks and barriers as usual. */
QE_TEST (one_worker_alone)
{
  Shared s = { 0 };
  QeError err;
  QePool *pool = NULL;
  QE_REQUIRE_OK (qe_pool_new (&pool, 4, &err), err);
  for (unsigned round = 0; round < 3; round++) {
    qe_pool_run (pool, exchange, &s);
    memset (&s, 0, sizeof s);
    qe_pool_run_alone (pool, count_workers, &s);
    QE_CHECK_INT (s.values[0], ==, 20);
    QE_CHECK_INT (s.values[1] + s.values[2] + s.values[3], ==, 0);
    QE_CHECK_INT (s.wrong[0], ==, 0);
  }
  qe_pool_free (pool);
}

/* Chunk numbers start over after each barrier and each is given to one thread. */
static void
take_chunks (QeWorker *worker, void *data)
{
  Shared *s = data;
  for (int pass = 0; pass < 20; pass++) {
    qe_worker_barrier (worker);
    for (size_t i; (i = qe_worker_next (worker)) < 1000;)
      s->chunks[i]++; /* a race here, seen by the thread sanitizer, would be a chunk handed out twice */
    qe_worker_barrier (worker);
  }
}

QE_TEST (chunks_are_handed_out_once)
{
  Shared s = { 0 };
  QeError err;
  QePool *pool = NULL;
  QE_REQUIRE_OK (qe_pool_new (&pool, 4, &err), err);
  qe_pool_run (pool, take_chunks, &s);
  unsigned wrong = 0;
  for (int i = 0; i < 1000; i++)
    wrong += s.chunks[i] != 20;
  QE_CHECK_INT (wrong, ==, 0);
  qe_pool_free (pool);
}

static void
count_in (QeWorker *worker, void *data)
{
  atomic_fetch_add ((atomic_uint *) data, 1);
}

/* Regions far enough apart that the workers sleep, and back to back. */
QE_TEST (regions_follow_each_other)
{
  atomic_uint count = 0;
  QeError err;
  QePool *pool = NULL;
  QE_REQUIRE_OK (qe_pool_new (&pool, 3, &err), err);
  for (int i = 0; i < 2000; i++) {
    qe_pool_run (pool, count_in, &count);
    if (i % 100 == 0)
      usleep (2000);
  }
  QE_CHECK_INT (count, ==, 6000);
  qe_pool_free (pool);
}

QE_TEST (pools_stand_side_by_side)
{
  QeError err;
  QePool *a = NULL, *b = NULL;
  atomic_uint count = 0;
  QE_REQUIRE_OK (qe_pool_new (&a, 2, &err), err);
  QE_REQUIRE_OK (qe_pool_new (&b, 2, &err), err);
  for (int i = 0; i < 50; i++)
    qe_pool_run (i % 2 ? a : b, count_in, &count);
  QE_CHECK_INT (count, ==, 100);
  qe_pool_free (a);
  qe_pool_free (b);
  qe_pool_free (NULL);
}

/* ---- machines -------------------------------------------------------------------------------------------------- */

static void
put (const char *root, const char *path, const char *text)
{
  char full[512];
  snprintf (full, sizeof full, "%s%s", root, path);
  for (char *p = full + strlen (root) + 1; (p = strchr (p, '/')); p++) {
    *p = '\0';
    mkdir (full, 0700);
    *p = '/';
  }
  qe_test_write (full, text, strlen (text));
}

static unsigned
threads (const char *root, int n_cpus)
{
  cpu_set_t set;
  CPU_ZERO (&set);
  for (int i = 0; i < n_cpus; i++)
    CPU_SET (i, &set);
  return qe_topology_threads (root, &set);
}

QE_TEST (one_thread_for_each_core)
{
  const char *root = qe_test_folder ();
  char path[128], list[16];
  for (int i = 0; i < 8; i++) {
    snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
    snprintf (list, sizeof list, "%d,%d\n", i % 4, i % 4 + 4);
    put (root, path, list);
  }
  QE_CHECK_INT (threads (root, 8), ==, 4);
  QE_CHECK_INT (threads (root, 2), ==, 2);
}

QE_TEST (efficiency_cores_are_left_out)
{
  const char *intel = qe_test_folder (), *arm = qe_test_folder ();
  char path[128];
  put (intel, "/sys/devices/cpu_core/cpus", "0-5\n");
  put (intel, "/sys/devices/cpu_atom/cpus", "6-9\n");
  QE_CHECK_INT (threads (intel, 10), ==, 6);
  for (int i = 0; i < 8; i++) {
    snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpu_capacity", i);
    put (arm, path, i < 4 ? "290\n" : i < 7 ? "871\n" : "1024\n");
  }
  QE_CHECK_INT (threads (arm, 8), ==, 4);
}

QE_TEST (cgroup_quotas_count)
{
  const char *v2 = qe_test_folder (), *v1 = qe_test_folder (), *none = qe_test_folder ();
  put (v2, "/proc/self/cgroup", "0::/a/b\n");
  put (v2, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put (v2, "/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  QE_CHECK_INT (threads (v2, 8), ==, 3);
  put (v1, "/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n");
  put (v1, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  put (v1, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  QE_CHECK_INT (threads (v1, 8), ==, 1);
  QE_CHECK_INT (threads (none, 8), ==, 8);
}

QE_TEST (this_machine)
{
  QE_CHECK_INT (qe_cpu_default_threads (), >=, 1);
  QE_CHECK_INT (qe_cpu_default_threads (), <=, sysconf (_SC_NPROCESSORS_ONLN));
  double rate = qe_cpu_measure_bandwidth (qe_cpu_default_threads ());
  QE_CHECK (rate > 0); /* a machine may be slow, and more so under a sanitizer */
  qe_test_note ("reads %.1f GB/s", rate * 1e-9);
}
