/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled against llama.cpp in the peer's root by turns.py: peer-turns MODEL THREADS DEPTH
 * Says "ready", then reads numbers from stdin and answers each with the seconds that so many tokens took. As llama-bench does,
 * tokens are random, and threads stay alive from one to the next; they rest while it is another's turn. */
#include <stdio.h>
#include <stdlib.h>

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>

#include "peer.h"
#include "cpu/qe-clock.h"

#define BATCH 512
#define MOST_TOKENS 8192 /* beyond the depth */

typedef struct ggml_threadpool *(*NewPool) (struct ggml_threadpool_params *params);
typedef void (*PausePool) (struct ggml_threadpool *pool);

static int
decode (struct llama_context *context, int n_vocab, int n)
{
  llama_token tokens[BATCH];
  for (int i = 0; i < n; i++)
    tokens[i] = rand () % n_vocab;
  const int status = llama_decode (context, llama_batch_get_one (tokens, n));
  llama_synchronize (context);
  return status;
}

int
main (int argc, char **argv)
{
  if (argc != 4)
    return 2;
  const int threads = atoi (argv[2]), depth = atoi (argv[3]);
  llama_log_set (quiet, NULL);
  ggml_backend_load_all ();
  ggml_backend_reg_t cpu = ggml_backend_dev_backend_reg (ggml_backend_dev_by_type (GGML_BACKEND_DEVICE_TYPE_CPU));
  const NewPool new_pool = (NewPool) ggml_backend_reg_get_proc_address (cpu, "ggml_threadpool_new");
  const PausePool pause_pool = (PausePool) ggml_backend_reg_get_proc_address (cpu, "ggml_threadpool_pause");
  struct llama_context_params params = llama_context_default_params ();
  params.n_ctx = (uint32_t) (depth + MOST_TOKENS);
  params.n_threads = params.n_threads_batch = threads;
  struct llama_model *model = llama_model_load_from_file (argv[1], llama_model_default_params ());
  struct llama_context *context = model ? llama_init_from_model (model, params) : NULL;
  if (!context || !new_pool)
    return 1;
  struct ggml_threadpool_params pool_params = ggml_threadpool_params_default (threads);
  struct ggml_threadpool *pool = new_pool (&pool_params);
  llama_attach_threadpool (context, pool, NULL);
  const int n_vocab = llama_vocab_n_tokens (llama_model_get_vocab (model));
  for (int i = 0; i < depth; i += BATCH)
    if (decode (context, n_vocab, depth - i < BATCH ? depth - i : BATCH) != 0)
      return 1;
  puts ("ready");
  fflush (stdout);
  for (int n; scanf ("%d", &n) == 1; fflush (stdout)) {
    const double begin = qe_clock_seconds ();
    for (int i = 0; i < n; i++)
      if (decode (context, n_vocab, 1) != 0)
        return 1;
    printf ("%.6f\n", qe_clock_seconds () - begin);
    if (pause_pool)
      pause_pool (pool);
  }
  return 0;
}
