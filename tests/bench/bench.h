/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the programs here that run whole models, or read them, share. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/qe-clock.h"
#include "qe.h"
#include "sampler/qe-sampler.h"

static inline int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Sorts x. */
static inline double
median (double *x, size_t n)
{
  qsort (x, n, sizeof *x, compare);
  return !n ? 0 : n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Tokens that end nothing, in the place of what a model of random weights would say. */
static inline void
make_text (const QeModel *model, int32_t *text, size_t n)
{
  const int32_t n_vocab = (int32_t) qe_model_info (model)->n_vocab;
  int32_t token = 0;
  for (size_t i = 0; i < n; i++) {
    do
      token = (token + 31) % n_vocab;
    while (qe_token_ends_generation (model, token));
    text[i] = token;
  }
}

static inline QeStatus
prefill_tokens (QeContext *context, const int32_t *tokens, size_t n, QeError *err)
{
  QePrompt *prompt = qe_prompt_new ();
  QeStatus status = prompt ? qe_prompt_add_tokens (prompt, tokens, n, err) : QE_ERROR_MEMORY;
  if (status == QE_OK)
    status = qe_context_prefill (context, prompt, NULL, NULL, err);
  qe_prompt_free (prompt);
  return status;
}

/* A conversation's sampler that will follow a text, which is borrowed. */
static inline QeStatus
new_follower (QeSampler **out, const QeModel *model, const int32_t *text, size_t n, QeError *err)
{
  QeSamplerParams params;
  qe_sampler_defaults (qe_model_info (model), false, false, &params);
  QeStatus status = qe_sampler_new (out, &params, err);
  if (status == QE_OK)
    qe_sampler_follow (*out, text, n);
  return status;
}

/* At least n more tokens of what the sampler is to follow. */
static inline QeStatus
step (QeContext *context, QeSampler *sampler, size_t n, QeError *err)
{
  QeStatus status = QE_OK;
  for (size_t done = 0, more; status == QE_OK && done < n; done += more) {
    int32_t tokens[QE_STEP_MAX];
    status = qe_context_step (context, sampler, NULL, tokens, &more, err);
  }
  return status;
}

/* A mapping of the whole file; NULL, with errno, when there is none or nothing in it. */
static inline void *
map_file (const char *path, size_t *size)
{
  const int fd = open (path, O_RDONLY);
  struct stat st;
  void *data = MAP_FAILED;
  if (fd >= 0 && fstat (fd, &st) == 0) {
    *size = (size_t) st.st_size;
    data = mmap (NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
  }
  if (fd >= 0)
    close (fd);
  return data == MAP_FAILED ? NULL : data;
}
