/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Compiled against llama.cpp in the peer's root by accuracy.py: peer-logits MODEL TOKENS OUT
 * evaluates the tokens (one a line) in one batch and writes the logits of every one, raw f32. */
#include <stdio.h>
#include <stdlib.h>

#include <ggml-backend.h>
#include <llama.h>

#include "peer.h"

#define MAX_TOKENS 512

int
main (int argc, char **argv)
{
  if (argc != 4)
    return 2;
  llama_log_set (quiet, NULL);
  ggml_backend_load_all ();
  struct llama_model *model = llama_model_load_from_file (argv[1], llama_model_default_params ());
  struct llama_context_params params = llama_context_default_params ();
  params.n_ctx = params.n_batch = params.n_ubatch = MAX_TOKENS;
  struct llama_context *context = model ? llama_init_from_model (model, params) : NULL;
  FILE *in = fopen (argv[2], "r"), *out = fopen (argv[3], "wb");
  if (!context || !in || !out)
    return 1;
  struct llama_batch batch = llama_batch_init (MAX_TOKENS, 0, 1);
  for (int token; batch.n_tokens < MAX_TOKENS && fscanf (in, "%d", &token) == 1; batch.n_tokens++) {
    batch.token[batch.n_tokens] = token;
    batch.pos[batch.n_tokens] = batch.n_tokens;
    batch.n_seq_id[batch.n_tokens] = 1;
    batch.seq_id[batch.n_tokens][0] = 0;
    batch.logits[batch.n_tokens] = 1;
  }
  if (llama_decode (context, batch) != 0)
    return 1;
  size_t n_vocab = (size_t) llama_vocab_n_tokens (llama_model_get_vocab (model));
  for (int i = 0; i < batch.n_tokens; i++)
    if (fwrite (llama_get_logits_ith (context, i), sizeof (float), n_vocab, out) != n_vocab)
      return 1;
  return fclose (out) == 0 ? 0 : 1;
}
