/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Positions scaled for long contexts: rates and magnitude against transformers' (yarn.json) and against the formulas, in
 * the walk through a model too, where pictures have three positions. Logits: test-goldens. */
#include "context/qe-context-private.h"
#include "model/qe-graph-private.h"
#include "model/qe-rope.h"
#include "qe-test.h"
#include "qe-test-variants.h"
#include "format/template/qe-json.h"

/* The scaling of e-yarn: 16 dimensions, base 1e7. */
static const QeRopeScaling yarn = {
  .kind = QE_ROPE_YARN, .factor = 4, .original_context = 64, .beta_fast = 32, .beta_slow = 1, .ramp = -1, .attention = 1
};

static double
number (const QeJson *json, size_t value)
{
  size_t length;

  return strtod (qe_json_text (json, value, &length), NULL);
}

QE_TEST (rates_of_transformers)
{
  QeJson json = { 0 };
  QeError err = { 0 };
  size_t size = 0, n = 0;
  char *text = qe_test_read (qe_test_data ("goldens/yarn.json"), &size);
  double rates[8];

  QE_REQUIRE (text != NULL);
  QE_REQUIRE_OK (qe_json_parse (&json, text, size, &err), err);
  const size_t golden = qe_json_member (&json, 0, "e-yarn"), list = qe_json_member (&json, golden, "inv_freq");

  QE_CHECK_FLOAT (qe_rope_rates (&yarn, 1e7, 16, rates),
                  number (&json, qe_json_member (&json, golden, "attention_scaling")), 1e-12);
  for (size_t i = qe_json_first (&json, list); i != QE_JSON_NONE && n < 8; i = qe_json_next (&json, list, i), n++)
    QE_CHECK_FLOAT (rates[n], number (&json, i), 1e-7 * rates[n]); /* the reference has floats */
  QE_CHECK_INT (n, ==, 8);
  qe_json_clear (&json);
  free (text);
}

/* The optional keys, each against what its formula gives. */
QE_TEST (rates_with_other_keys)
{
  double plain[16], rates[16];
  QeRopeScaling s = { .kind = QE_ROPE_PLAIN,
                      .factor = 8,
                      .original_context = 4096,
                      .beta_fast = 32,
                      .beta_slow = 1,
                      .ramp = -1,
                      .attention = 1 };

  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, plain), 1, 0);
  for (int p = 0; p < 16; p++)
    QE_CHECK_FLOAT (plain[p], pow (1e4, -p / 16.0), 1e-15);

  s.kind = QE_ROPE_LINEAR;
  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, rates), 1, 0);
  for (int p = 0; p < 16; p++)
    QE_CHECK_FLOAT (rates[p], plain[p] / 8, 1e-15);

  /* By the paper: a pair of wavelength w makes c / w turns within the original context c. With these numbers pair 5 makes
   * 36.7 turns and pair 6 20.6, pair 11 makes 1.16 and pair 12 0.65. */
  s.kind = QE_ROPE_YARN;
  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, rates), 0.1 * log (8) + 1, 1e-15);
  for (int p = 0; p < 16; p++) {
    const double slowed = p <= 5 ? 0 : p >= 12 ? 1 : (p - 5) / 7.0;

    QE_CHECK_FLOAT (rates[p], plain[p] * (1 - slowed) + plain[p] / 8 * slowed, 1e-15);
  }

  s.beta_fast = 500; /* pair 0 makes 652 turns, pair 1 367 */
  s.beta_slow = 20;  /* pair 6 makes 20.6, pair 7 11.6 */
  qe_rope_rates (&s, 1e4, 32, rates);
  QE_CHECK_FLOAT (rates[0], plain[0], 1e-15);
  QE_CHECK_FLOAT (rates[1], plain[1] * (1 - 1 / 7.0) + plain[1] / 8 / 7.0, 1e-15);
  QE_CHECK_FLOAT (rates[7], plain[7] / 8, 1e-15);

  s.ramp = 0; /* no exemption: linear, and no magnitude */
  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, rates), 1, 0);
  QE_CHECK_FLOAT (rates[0], plain[0] / 8, 1e-15);

  s.ramp = 1;
  s.log_multiplier = 0.5;
  s.attention = 3;
  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, rates), 3 * (0.1 * log (8) + 1) / (0.05 * log (8) + 1), 1e-15);
  s.magnitude = 1.25;
  QE_CHECK_FLOAT (qe_rope_rates (&s, 1e4, 32, rates), 3 * 1.25, 1e-15);
}

/* Extremes give numbers: every division has something to divide by. */
QE_TEST (rates_are_numbers)
{
  static const double bases[] = { 1, 1 + 1e-12, 1e12 }, betas[] = { 1e-3, 1, 1e6 };

  for (size_t i = 0; i < 3; i++)
    for (size_t fast = 0; fast < 3; fast++)
      for (size_t slow = 0; slow < 3; slow++) {
        QeRopeScaling s = yarn;
        double rates[QE_MAX_HEAD_SIZE / 2];

        s.beta_fast = betas[fast];
        s.beta_slow = betas[slow];
        QE_CHECK (isfinite (qe_rope_rates (&s, bases[i], QE_MAX_HEAD_SIZE, rates)));
        for (size_t p = 0; p < QE_MAX_HEAD_SIZE / 2; p++)
          QE_CHECK (rates[p] >= 0 && rates[p] <= 1);
      }
}

/* What the walk turns by: text and pictures, whose rows have a position for time, height and width. */
QE_TEST (pictures_with_yarn)
{
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeError err = { 0 };
  const QeRow rows[2] = { { .token = 1, .position = { 200, 200, 200 } },
                          { .token = -1, .position = { 7, 100, 3000 } } };
  const QeBatch batch = { .rows = rows, .n = 2 };
  double rates[8];
  const double magnitude = qe_rope_rates (&yarn, 1e7, 16, rates);

  QE_REQUIRE_OK (qe_model_open (&model, qe_test_data ("goldens/e-yarn-F16.gguf"), NULL, &err), err);
  QE_REQUIRE_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 64, .n_threads = 1 }, &err), err);
  context->graph->batch = &batch;
  for (uint32_t t = 0; t < 2; t++) {
    qe_graph_angles (context->graph, t);
    for (uint32_t p = 0; p < 8; p++) /* sections 3, 3, 2, interleaved: time, height, width, time, … */
    {
      const double angle = rows[t].position[p % 3] * rates[p];

      QE_CHECK_FLOAT (context->graph->cosine[t * 8 + p], magnitude * cos (angle), 1e-6);
      QE_CHECK_FLOAT (context->graph->sine[t * 8 + p], magnitude * sin (angle), 1e-6);
    }
  }
  context->graph->batch = NULL;
  qe_context_free (context);
  qe_model_free (model);
}

static uint32_t
context_of (const char *folder, const char *name)
{
  QeModelInfo info = { 0 };
  QeError err = { 0 };
  char path[600];

  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  QE_CHECK_OK (qe_model_probe (path, &info, &err), err);
  return info.n_ctx_train;
}

/* The context that a file allows: what it says, or what its scaling makes of the original one. */
QE_TEST (context_that_is_allowed)
{
  const char *folder = qe_test_variants ("rope-linear rope-none rope-yarn");
  QeModelInfo plain = { 0 }, said = { 0 };
  QeError err = { 0 };

  QE_REQUIRE (folder != NULL);
  QE_CHECK_OK (qe_model_probe (qe_test_data ("goldens/a-dense-F16.gguf"), &plain, &err), err);
  QE_CHECK_OK (qe_model_probe (qe_test_data ("goldens/e-yarn-F16.gguf"), &said, &err), err);
  QE_CHECK_INT (said.n_ctx_train, ==, 256);
  QE_CHECK_INT (context_of (folder, "rope-yarn"), ==, 4 * plain.n_ctx_train);
  QE_CHECK_INT (context_of (folder, "rope-linear"), ==, plain.n_ctx_train); /* its original context is not said */
  QE_CHECK_INT (context_of (folder, "rope-none"), ==, plain.n_ctx_train);
}
