/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model file: read from a buffer (whole, and as the beginning of a longer file), then opened, and when it opens, used
 * for a few tokens. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/gguf/qe-gguf.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (int ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

static void
parse (const uint8_t *data, size_t size, uint64_t file_size)
{
  QeGguf *gguf = NULL;
  QeError err = { 0 };
  QeStatus status = qe_gguf_parse (&gguf, data, size, file_size, &err);
  QeModelInfo info;

  require ((status == QE_OK) == (gguf != NULL), "a file is given exactly when the status is OK");
  require (status == QE_OK || (err.status == status && err.message[0]), "a failure is explained");
  require (status != QE_ERROR_MORE || size < file_size, "a whole file is never asked for more");
  for (size_t i = 0; gguf && i < qe_gguf_n_tensors (gguf); i++)
    require (qe_gguf_find (gguf, qe_gguf_tensor (gguf, i)->name) == qe_gguf_tensor (gguf, i),
             "names find their tensor");
  qe_gguf_free (gguf);
  qe_model_probe_bytes (data, size, file_size, &info, &err);
}

static void
generate (QeModel *model)
{
  static const char text[] = "<|im_start|>the\xff<|im_end|>";
  const QeModelInfo *info = qe_model_info (model);
  QeContextParams params = { .n_ctx = 256, .n_threads = 1, .checkpoint_bytes = UINT64_MAX };
  QeSamplerParams plain = { .temperature = 1, .top_k = 20, .top_p = 0.9f, .repetition_penalty = 1, .seed = 1 };
  QeContext *context = NULL;
  QeSampler *sampler = NULL;
  QePrompt *prompt = qe_prompt_new ();
  QeError err;
  int32_t *ids = NULL, made[QE_STEP_MAX];
  size_t n;

  /* a sound file may ask for more than a fuzzer has time for */
  if (info->n_embd <= 4096 && info->n_layers <= 64 && info->tensor_bytes < 4 << 20
      && qe_tokenize (model, text, sizeof text - 1, NULL, 0, &ids, &n, &err) == QE_OK
      && qe_prompt_add_tokens (prompt, ids, n < 32 ? n : 32, &err) == QE_OK
      && qe_context_new (&context, model, &params, &err) == QE_OK && qe_sampler_new (&sampler, &plain, &err) == QE_OK
      && qe_context_prefill (context, prompt, NULL, NULL, &err) == QE_OK)
    for (int i = 0; i < 3 && qe_context_step (context, sampler, NULL, made, &n, &err) == QE_OK; i++)
      require (n > 0 && made[0] >= 0 && (uint32_t) made[0] < info->n_vocab, "a step gives tokens of the vocabulary");
  qe_sampler_free (sampler);
  qe_context_free (context);
  qe_prompt_free (prompt);
  free (ids);
}

static int
open_and_use (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("fuzz-gguf", MFD_CLOEXEC);
  char path[64];
  QeModel *model = NULL;
  QeError err = { 0 };

  if (fd < 0 || write (fd, data, size) != (ssize_t) size)
    return -1;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (qe_model_open (&model, path, NULL, &err) == QE_OK)
    generate (model);
  else
    require (err.message[0] != 0, "a failure is explained");
  qe_model_free (model);
  close (fd);
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  parse (data, size, size);
  parse (data, size, size * 2 + 1000);
  parse (data, size / 2, size);
  return open_and_use (data, size);
}
