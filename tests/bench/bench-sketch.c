/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-sketch FILE [-t THREADS] [-n PAIRS]
 * What the sketch of the head brings: two contexts in one process, one with it, six tokens of each in turn, with the sampler
 * of a conversation. Prints medians of the time of a token and of the ratio as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define TOKENS_IN_TURN 6
#define WARM_TOKENS 48 /* the sketch is made meanwhile */
#define PAIRS_MAX 300

typedef struct {
  QeContext *context;
  QeSampler *sampler;
} Side;

static QeStatus
open_side (Side *side, QeModel *model, const QeContextParams *params, const int32_t *text, size_t n, QeError *err)
{
  QeStatus status = qe_context_new (&side->context, model, params, err);
  if (status == QE_OK)
    status = new_follower (&side->sampler, model, text, n, err);
  if (status == QE_OK)
    status = prefill_tokens (side->context, text, 16, err);
  return status == QE_OK ? step (side->context, side->sampler, WARM_TOKENS, err) : status;
}

static QeStatus
measure (const Side sides[2], size_t pairs, QeError *err)
{
  double times[2][PAIRS_MAX], ratios[PAIRS_MAX];
  QeStatus status = QE_OK;
  for (size_t i = 0; i < pairs; i++) {
    for (int k = 0; status == QE_OK && k < 2; k++) {
      const double start = qe_clock_seconds ();
      status = step (sides[k].context, sides[k].sampler, TOKENS_IN_TURN, err);
      times[k][i] = (qe_clock_seconds () - start) / TOKENS_IN_TURN;
    }
    ratios[i] = times[0][i] / times[1][i];
  }
  if (status == QE_OK)
    printf ("{\"whole_ms\": %.2f, \"sketch_ms\": %.2f, \"ratio\": %.3f}\n", 1e3 * median (times[0], pairs),
            1e3 * median (times[1], pairs), median (ratios, pairs));
  return status;
}

int
main (int argc, char **argv)
{
  static int32_t text[WARM_TOKENS + PAIRS_MAX * TOKENS_IN_TURN];
  const size_t n_text = sizeof text / sizeof *text;
  QeContextParams params = { .n_ctx = (uint32_t) n_text + 64 };
  Side sides[2] = { { NULL, NULL }, { NULL, NULL } };
  QeModel *model = NULL;
  QeError err = { 0 };
  size_t pairs = 60;
  int c;
  while ((c = getopt (argc, argv, "n:t:")) != -1) {
    const size_t value = c == '?' ? 0 : strtoul (optarg, NULL, 10);
    if (c == 't')
      params.n_threads = (unsigned) value;
    else if (c == 'n' && value && value <= PAIRS_MAX)
      pairs = value;
    else
      return 2;
  }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-sketch FILE [-t THREADS] [-n PAIRS]\n");
    return 2;
  }
  QeStatus status = qe_model_open (&model, argv[optind], NULL, &err);
  if (status == QE_OK)
    make_text (model, text, n_text);
  for (int k = 0; status == QE_OK && k < 2; k++) {
    params.sketch = k;
    status = open_side (&sides[k], model, &params, text, n_text, &err);
  }
  if (status == QE_OK)
    status = measure (sides, pairs, &err);
  if (status != QE_OK)
    fprintf (stderr, "bench-sketch: %s\n", err.message);
  for (int k = 0; k < 2; k++) {
    qe_sampler_free (sides[k].sampler);
    qe_context_free (sides[k].context);
  }
  qe_model_free (model);
  return status == QE_OK ? 0 : 1;
}
