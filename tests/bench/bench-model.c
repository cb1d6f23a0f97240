/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-model FILE [-p PROMPT] [-n TOKENS] [-t THREADS] [-d DEPTH] [-r REPEATS] [-c CONTEXT] [-k] [-s] [-w]
 * Reads a prompt and continues it with fixed tokens, chosen as others would be, and prints what it took as one JSON object. load_seconds is what opening
 * took; first_token_seconds, until the first token after the first prompt was chosen, counted from the start of main().
 * -s: a context that may draft, -k: one with a sketch of the head, as the application's. -w: something like it first, not counted (llama-bench does that). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

typedef struct {
  const char *path;
  size_t prompt, tokens, depth, repeats;
  uint32_t context;
  unsigned threads;
  bool speculative, sketch, warm;
} Options;

typedef struct {
  double prefill, decode, load, first_token;
} Measured;

static QeStatus
prefill (QeContext *context, size_t from, size_t n, uint32_t n_vocab, int32_t salt, QeError *err)
{
  QePrompt *prompt = qe_prompt_new ();
  QeStatus status = prompt ? QE_OK : QE_ERROR_MEMORY;
  for (size_t i = 0; status == QE_OK && i < from + n; i++) {
    const int32_t token = (int32_t) ((i * 7919 + (i >= from ? (size_t) salt : 0)) % n_vocab);
    status = qe_prompt_add_tokens (prompt, &token, 1, err);
    if (i + 1 == from)
      qe_prompt_mark (prompt);
  }
  if (status == QE_OK)
    status = qe_context_prefill (context, prompt, NULL, NULL, err);
  qe_prompt_free (prompt);
  return status;
}

static QeStatus
decode (const QeModel *model, QeContext *context, size_t n, QeError *err)
{
  int32_t *text = malloc ((n + 1) * sizeof *text);
  QeSampler *sampler = NULL;
  QeStatus status = QE_ERROR_MEMORY;
  if (text) {
    make_text (model, text, n);
    status = new_follower (&sampler, model, text, n, err);
  }
  if (status == QE_OK)
    status = step (context, sampler, n, err);
  qe_sampler_free (sampler);
  free (text);
  return status;
}

/* When the first token after the prompt is known. */
static double
pick_first (QeContext *context, uint32_t n_vocab)
{
  const QeSamplerParams params = { .temperature = 1, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1 };
  QeSampler *sampler = NULL;
  if (qe_sampler_new (&sampler, &params, NULL) == QE_OK)
    qe_sampler_pick (sampler, qe_context_logits (context), n_vocab, NULL);
  qe_sampler_free (sampler);
  return qe_clock_seconds ();
}

static QeStatus
measure (const Options *o, const QeModel *model, QeContext *context, Measured *out, QeError *err)
{
  const uint32_t n_vocab = qe_model_info (model)->n_vocab;
  double p[64], d[64];
  QeStatus status = o->depth ? prefill (context, o->depth, 1, n_vocab, 1, err) : QE_OK;
  if (status == QE_OK && o->warm)
    status = prefill (context, o->depth, o->prompt < 32 && o->prompt ? o->prompt : 32, n_vocab, 1, err);
  if (status == QE_OK && o->warm && !o->prompt)
    status = decode (model, context, o->tokens, err);
  for (size_t i = 0; status == QE_OK && i < o->repeats; i++) {
    double start = qe_clock_seconds ();
    if (o->prompt)
      status = prefill (context, o->depth, o->prompt, n_vocab, (int32_t) i + 2, err);
    p[i] = (double) o->prompt / (qe_clock_seconds () - start);
    if (i == 0 && o->prompt && status == QE_OK)
      out->first_token = pick_first (context, n_vocab);
    start = qe_clock_seconds ();
    if (status == QE_OK)
      status = decode (model, context, o->tokens, err);
    d[i] = (double) o->tokens / (qe_clock_seconds () - start);
  }
  out->prefill = median (p, o->repeats);
  out->decode = median (d, o->repeats);
  return status;
}

static int
run (const Options *o)
{
  const double start = qe_clock_seconds ();
  QeError err = { 0 };
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeContextParams params = {
    .n_threads = o->threads, .n_ctx = o->context, .speculative = o->speculative, .sketch = o->sketch
  };
  Measured m = { 0 };
  struct rusage usage;
  QeStatus status = qe_model_open (&model, o->path, NULL, &err);
  if (!params.n_ctx)
    params.n_ctx = (uint32_t) (o->depth + o->prompt + o->tokens * (o->prompt ? 1 : o->repeats + 1) + 33);
  if (status == QE_OK)
    status = qe_context_new (&context, model, &params, &err);
  m.load = qe_clock_seconds () - start;
  if (status == QE_OK)
    status = measure (o, model, context, &m, &err);
  if (status != QE_OK) {
    fprintf (stderr, "bench-model: %s\n", err.message);
  } else {
    getrusage (RUSAGE_SELF, &usage);
    printf ("{\"prefill_tokens_per_second\": %.2f, \"decode_tokens_per_second\": %.2f, \"load_seconds\": %.3f, "
            "\"first_token_seconds\": %.3f, \"peak_rss_bytes\": %ld, \"threads\": %u, \"decode_bytes\": %llu, "
            "\"read_bytes\": %llu}\n",
            m.prefill, m.decode, m.load, m.first_token > 0 ? m.first_token - start : 0, usage.ru_maxrss * 1024,
            qe_context_threads (context), (unsigned long long) qe_model_info (model)->decode_bytes,
            (unsigned long long) (o->sketch ? qe_model_info (model)->sketched_bytes
                                            : qe_model_info (model)->decode_bytes));
  }
  qe_context_free (context);
  qe_model_free (model);
  return status == QE_OK ? 0 : 1;
}

int
main (int argc, char **argv)
{
  Options o = { .prompt = 512, .tokens = 64, .repeats = 1 };
  int c;
  while ((c = getopt (argc, argv, "p:n:t:d:r:c:kws")) != -1) {
    const size_t value = c == '?' || !optarg ? 0 : strtoul (optarg, NULL, 10);
    if (c == 'p')
      o.prompt = value;
    else if (c == 'n')
      o.tokens = value;
    else if (c == 't')
      o.threads = (unsigned) value;
    else if (c == 'd')
      o.depth = value;
    else if (c == 'c')
      o.context = (uint32_t) value;
    else if (c == 'k')
      o.sketch = true;
    else if (c == 's')
      o.speculative = true;
    else if (c == 'w')
      o.warm = true;
    else if (c == 'r' && value && value <= 64)
      o.repeats = value;
    else
      return 2;
  }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-model FILE [-p PROMPT] [-n TOKENS] [-t THREADS] [-d DEPTH] [-r REPEATS] "
                     "[-c CONTEXT] [-k] [-s] [-w]\n");
    return 2;
  }
  o.path = argv[optind];
  return run (&o);
}
