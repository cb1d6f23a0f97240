/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-turns FILE [-t THREADS] [-d DEPTH]: Quern's side of turns.py.
 * Says "ready", then reads numbers from stdin and answers each with seconds: n, what the next n tokens took; 0, what a plain
 * read of the whole file took. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "pool/qe-bandwidth.h"
#include "sampler/qe-sampler.h"

#define MOST_TOKENS 8192 /* beyond the depth */

typedef struct {
  QeModel *model;
  QeContext *context;
  QeSampler *sampler;
  QePool *pool; /* reads */
  void *file;
  size_t file_bytes;
} Turns;

static bool
map_file (Turns *t, const char *path)
{
  const int fd = open (path, O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) != 0)
    return false;
  t->file_bytes = (size_t) st.st_size;
  t->file = mmap (NULL, t->file_bytes, PROT_READ, MAP_SHARED, fd, 0);
  close (fd);
  return t->file != MAP_FAILED;
}

static QeStatus
fill_context (Turns *t, const int32_t *text, size_t n, QeError *err)
{
  QePrompt *prompt = qe_prompt_new ();
  QeStatus status = prompt ? QE_OK : QE_ERROR_MEMORY;
  for (size_t i = 0; status == QE_OK && i < n; i++)
    status = qe_prompt_add_tokens (prompt, &text[i % MOST_TOKENS], 1, err);
  if (status == QE_OK)
    status = qe_context_prefill (t->context, prompt, NULL, NULL, err);
  qe_prompt_free (prompt);
  return status;
}

static QeStatus
start (Turns *t, const char *path, unsigned threads, size_t depth, QeError *err)
{
  static int32_t text[MOST_TOKENS];
  const QeContextParams params = { .n_ctx = (uint32_t) depth + MOST_TOKENS + 64, .n_threads = threads, .sketch = true };
  QeSamplerParams sampling;
  QeStatus status = qe_model_open (&t->model, path, NULL, err);
  if (status == QE_OK)
    status = qe_context_new (&t->context, t->model, &params, err);
  if (status == QE_OK)
    status = qe_pool_new (&t->pool, threads, err);
  if (status == QE_OK) {
    make_text (t->model, text, MOST_TOKENS);
    status = fill_context (t, text, depth + 16, err);
  }
  if (status == QE_OK) {
    qe_sampler_defaults (qe_model_info (t->model), false, false, &sampling);
    status = qe_sampler_new (&t->sampler, &sampling, err);
  }
  if (status == QE_OK)
    qe_sampler_follow (t->sampler, text, MOST_TOKENS);
  return status;
}

static QeStatus
answer (Turns *t, QeError *err)
{
  QeStatus status = QE_OK;
  puts ("ready");
  fflush (stdout);
  for (size_t n; status == QE_OK && scanf ("%zu", &n) == 1; fflush (stdout)) {
    const double begin = seconds ();
    if (n)
      status = step (t->context, t->sampler, n, err);
    else
      qe_pool_read_rate (t->pool, t->file, t->file_bytes);
    printf ("%.6f\n", seconds () - begin);
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
  QeStatus status = map_file (&t, argv[optind]) ? start (&t, argv[optind], threads, depth, &err) : QE_ERROR_IO;
  if (status == QE_OK)
    status = answer (&t, &err);
  if (status != QE_OK)
    fprintf (stderr, "bench-turns: %s\n", err.message);
  qe_sampler_free (t.sampler);
  qe_context_free (t.context);
  qe_model_free (t.model);
  qe_pool_free (t.pool);
  return status == QE_OK ? 0 : 1;
}
