/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-turns FILE [-t THREADS] [-d DEPTH]: Quern's side of turns.py.
 * Says "ready", then reads numbers from stdin and answers each with seconds: n, what the next n tokens took; 0, what a plain
 * read of the whole file took. */
#include <stdio.h>

#include "bench.h"
#include "cpu/qe-bandwidth.h"

#define MOST_TOKENS 8192 /* beyond the depth */
#define WARM_TOKENS 16

typedef struct {
  QeModel *model;
  QeContext *context;
  QeSampler *sampler;
  int32_t *text; /* that the sampler follows */
  QePool *pool;  /* reads */
  void *file;
  size_t file_bytes;
} Turns;

static QeStatus
start (Turns *t, const char *path, unsigned threads, size_t depth, QeError *err)
{
  const size_t n = depth + MOST_TOKENS;
  const QeContextParams params = { .n_ctx = (uint32_t) (n + WARM_TOKENS), .n_threads = threads, .sketch = true };
  t->text = malloc (n * sizeof *t->text);
  QeStatus status = t->text ? qe_model_open (&t->model, path, NULL, err) : QE_ERROR_MEMORY;
  if (status == QE_OK)
    status = qe_context_new (&t->context, t->model, &params, err);
  if (status == QE_OK)
    status = qe_pool_new (&t->pool, threads, err);
  if (status == QE_OK) {
    make_text (t->model, t->text, n);
    status = prefill_tokens (t->context, t->text, depth + WARM_TOKENS, err);
  }
  if (status == QE_OK)
    status = new_follower (&t->sampler, t->model, t->text, MOST_TOKENS, err);
  return status;
}

static QeStatus
answer (Turns *t, QeError *err)
{
  QeStatus status = QE_OK;
  puts ("ready");
  fflush (stdout);
  for (size_t n; status == QE_OK && scanf ("%zu", &n) == 1; fflush (stdout)) {
    const double begin = qe_clock_seconds ();
    if (n)
      status = step (t->context, t->sampler, n, err);
    else
      qe_pool_read_rate (t->pool, t->file, t->file_bytes);
    printf ("%.6f\n", qe_clock_seconds () - begin);
  }
  return status;
}

int
main (int argc, char **argv)
{
  Turns t = { 0 };
  QeError err = { .message = "no memory, or no such file" };
  unsigned threads = 0;
  size_t depth = 0;
  int c;
  while ((c = getopt (argc, argv, "t:d:")) != -1)
    switch (c) {
    case 't': threads = (unsigned) atoi (optarg); break;
    case 'd': depth = strtoul (optarg, NULL, 10); break;
    default: return 2;
    }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-turns FILE [-t THREADS] [-d DEPTH]\n");
    return 2;
  }
  t.file = map_file (argv[optind], &t.file_bytes);
  QeStatus status = t.file ? start (&t, argv[optind], threads, depth, &err) : QE_ERROR_IO;
  if (status == QE_OK)
    status = answer (&t, &err);
  if (status != QE_OK)
    fprintf (stderr, "bench-turns: %s\n", err.message);
  qe_sampler_free (t.sampler);
  free (t.text);
  qe_context_free (t.context);
  qe_model_free (t.model);
  qe_pool_free (t.pool);
  return status == QE_OK ? 0 : 1;
}
