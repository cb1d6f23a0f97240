/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-together FILE [-t THREADS] [-n TOKENS] [-d DEPTH] [-w] [CONTEXTS …]: what contexts that make steps together write in
 * sum, against what one of them writes alone, by turns, medians of five, as JSON. -w: whole logits, as in comparisons; else with a sketch
 * of the head. */
#include <stdio.h>

#include "bench.h"

#define ROUNDS 5
#define WARM_TOKENS 16

typedef struct {
  QeModel *model;
  int32_t *text; /* that all samplers follow */
  size_t n_text, n_tokens, depth, n_shown;
  QeContextStep steps[QE_STEPS_TOGETHER]; /* of all contexts there are */
} Together;

static QeStatus
start (Together *t, const char *path, unsigned threads, bool sketch, QeError *err)
{
  t->n_text = t->depth + WARM_TOKENS + 2 * ROUNDS * QE_STEPS_TOGETHER * t->n_tokens;
  const QeContextParams params = {
    .n_ctx = (uint32_t) t->n_text, .n_threads = threads, .checkpoint_bytes = UINT64_MAX, .sketch = sketch
  };
  t->text = malloc (t->n_text * sizeof *t->text);
  QeStatus status = t->text ? qe_model_open (&t->model, path, NULL, err) : QE_ERROR_MEMORY;
  if (status == QE_OK)
    make_text (t->model, t->text, t->n_text);
  for (size_t i = 0; status == QE_OK && i < QE_STEPS_TOGETHER; i++) {
    QeContextStep *s = &t->steps[i];
    status = qe_context_new (&s->context, t->model, &params, err);
    if (status == QE_OK)
      status = prefill_tokens (s->context, t->text, t->depth + WARM_TOKENS, err);
    if (status == QE_OK)
      status = new_follower (&s->sampler, t->model, t->text, t->n_text, err);
  }
  if (status == QE_OK && sketch) /* it is made during the first steps */
    status = step (t->steps[0].context, t->steps[0].sampler, t->n_tokens, err);
  return status;
}

/* Tokens a second, in sum, of the first n contexts. */
static QeStatus
measure (Together *t, size_t n, double *rate, QeError *err)
{
  const double begin = qe_clock_seconds ();
  for (size_t i = 0; i < t->n_tokens; i++) {
    qe_contexts_step (t->steps, n);
    for (size_t k = 0; k < n; k++)
      if (t->steps[k].status != QE_OK) {
        *err = t->steps[k].error;
        return t->steps[k].status;
      }
  }
  *rate = (double) (n * t->n_tokens) / (qe_clock_seconds () - begin);
  return QE_OK;
}

static QeStatus
compare_with_one (Together *t, size_t n, QeError *err)
{
  double one[ROUNDS], many[ROUNDS];
  QeStatus status = QE_OK;
  for (size_t i = 0; status == QE_OK && i < ROUNDS; i++) {
    status = measure (t, 1, &one[i], err);
    if (status == QE_OK)
      status = measure (t, n, &many[i], err);
  }
  if (status == QE_OK)
    printf ("%s\"%zu\": { \"together\": %.2f, \"alone\": %.2f, \"ratio\": %.2f }", t->n_shown++ ? ",\n  " : "{ ", n,
            median (many, ROUNDS), median (one, ROUNDS), median (many, ROUNDS) / median (one, ROUNDS));
  return status;
}

int
main (int argc, char **argv)
{
  Together t = { .n_tokens = 32 };
  QeError err = { .message = "not enough memory" };
  unsigned threads = 0;
  bool sketch = true;
  int c;
  while ((c = getopt (argc, argv, "t:n:d:w")) != -1)
    switch (c) {
    case 't': threads = (unsigned) atoi (optarg); break;
    case 'n': t.n_tokens = strtoul (optarg, NULL, 10); break;
    case 'd': t.depth = strtoul (optarg, NULL, 10); break;
    case 'w': sketch = false; break;
    default: return 2;
    }
  if (optind >= argc) {
    fprintf (stderr, "usage: bench-together FILE [-t THREADS] [-n TOKENS] [-d DEPTH] [-w] [CONTEXTS …]\n");
    return 2;
  }
  QeStatus status = start (&t, argv[optind], threads, sketch, &err);
  for (size_t n = 2; status == QE_OK && optind + 1 == argc && n <= QE_STEPS_TOGETHER; n *= 2)
    status = compare_with_one (&t, n, &err);
  for (int i = optind + 1; status == QE_OK && i < argc; i++) {
    const size_t n = strtoul (argv[i], NULL, 10);
    status = compare_with_one (&t, n < 1 ? 1 : n < QE_STEPS_TOGETHER ? n : QE_STEPS_TOGETHER, &err);
  }
  if (t.n_shown)
    puts (" }");
  if (status != QE_OK)
    fprintf (stderr, "bench-together: %s\n", err.message);
  for (size_t i = 0; i < QE_STEPS_TOGETHER; i++) {
    qe_sampler_free (t.steps[i].sampler);
    qe_context_free (t.steps[i].context);
  }
  free (t.text);
  qe_model_free (t.model);
  return status == QE_OK ? 0 : 1;
}
