/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-memory [-c CONTEXT] [-k] [-q] [-s] FILE…
 * Fills a context (of at least 768 rows) of each file to the last row and prints the planned against the measured peak
 * of memory, one process for each so that peaks do not mix. -q: Q8_0 cache; -s: with speculation; -k: with a sketch. Exit 1 when one is off by more than 5 % and
 * more than 1 MB (the page granularity of the libraries alone is of that order). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qe.h"

/* Steps, so that a sketch is made. */
static QeStatus
step (QeContext *context, uint32_t n, QeError *err)
{
  QeSampler *sampler = NULL;
  QeStatus status = qe_sampler_new (&sampler, &(QeSamplerParams) { .top_p = 1, .repetition_penalty = 1 }, err);
  for (uint32_t i = 0; i < n && status == QE_OK; i++) {
    int32_t tokens[QE_STEP_MAX];
    size_t n_tokens;
    status = qe_context_step (context, sampler, NULL, tokens, &n_tokens, err);
    i += (uint32_t) n_tokens - 1;
    if (status == QE_END)
      status = qe_context_append (context, &(int32_t) { 1 }, 1, NULL, err);
  }
  qe_sampler_free (sampler);
  return status == QE_ERROR_CONTEXT_FULL ? QE_OK : status;
}

static QeStatus
fill (QeContext *context, uint32_t n_ctx, uint32_t n_vocab, QeError *err)
{
  const uint32_t n_steps = 200;
  QePrompt *prompt = qe_prompt_new ();
  QeStatus status = prompt ? QE_OK : QE_ERROR_MEMORY;
  for (uint32_t i = 0; status == QE_OK && i < n_ctx - n_steps; i++) {
    const int32_t token = (int32_t) (i * 7919 % n_vocab);
    status = qe_prompt_add_tokens (prompt, &token, 1, err);
    if (i >= 512 && i % 16 == 0 && i < 1024)
      qe_prompt_mark (prompt); /* so that, after a batch of full size, every checkpoint there may be is taken */
  }
  if (status == QE_OK)
    status = qe_context_prefill (context, prompt, NULL, NULL, err);
  qe_prompt_free (prompt);
  return status == QE_OK ? step (context, n_steps, err) : status;
}

static int
run (const char *path, const QeContextParams *params)
{
  const QePlanParams plan_params = {
    .n_ctx = params->n_ctx, .kv_type = params->kv_type, .speculative = params->speculative, .sketch = params->sketch
  };
  QeError err = { 0 };
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeMemoryPlan plan;
  struct rusage usage;
  double ratio;
  QeStatus status = qe_model_open (&model, path, NULL, &err);
  if (status == QE_OK)
    status = qe_context_new (&context, model, params, &err);
  if (status == QE_OK)
    status = fill (context, params->n_ctx, qe_model_info (model)->n_vocab, &err);
  if (status != QE_OK) {
    fprintf (stderr, "bench-memory: %s: %s\n", path, err.message);
    return 1;
  }
  qe_plan_memory (qe_model_info (model), &plan_params, &plan);
  getrusage (RUSAGE_SELF, &usage);
  ratio = (double) plan.total / ((double) usage.ru_maxrss * 1024);
  printf ("%s at %u: planned %.1f MB (weights %.1f, cache %.1f, state %.1f, compute %.1f, checkpoints %.1f, "
          "tokenizer %.1f), measured %.1f MB, ratio %.3f\n",
          strrchr (path, '/') ? strrchr (path, '/') + 1 : path, params->n_ctx, (double) plan.total / 1e6,
          (double) plan.weights / 1e6, (double) plan.kv_cache / 1e6, (double) plan.recurrent_state / 1e6,
          (double) plan.compute / 1e6, (double) plan.checkpoints / 1e6, (double) plan.tokenizer / 1e6,
          (double) usage.ru_maxrss * 1024 / 1e6, ratio);
  qe_context_free (context);
  qe_model_free (model);
  return fabs (ratio - 1) > 0.05 && fabs ((double) plan.total - (double) usage.ru_maxrss * 1024) > 1e6;
}

static int
run_apart (const char *path, const QeContextParams *params)
{
  int status = 1;
  const pid_t child = fork ();
  if (child == 0) {
    status = run (path, params);
    fflush (stdout);
    _exit (status);
  }
  return child < 0 || waitpid (child, &status, 0) < 0 || status != 0;
}

int
main (int argc, char **argv)
{
  QeContextParams params = { .n_ctx = 1024 };
  int c, failures = 0;
  while ((c = getopt (argc, argv, "c:kqs")) != -1) {
    if (c == 'c')
      params.n_ctx = (uint32_t) strtoul (optarg, NULL, 10);
    else if (c == 'q')
      params.kv_type = QE_KV_Q8_0;
    else if (c == 'k')
      params.sketch = true;
    else if (c == 's')
      params.speculative = true;
    else
      return 2;
  }
  if (optind == argc || params.n_ctx < 768) {
    fprintf (stderr, "usage: bench-memory [-c CONTEXT] [-k] [-q] [-s] FILE...\n");
    return 2;
  }
  for (int i = optind; i < argc; i++)
    failures += run_apart (argv[i], &params);
  return failures > 0;
}
