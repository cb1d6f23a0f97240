/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quern Tiny's greedy answers to texts, in each quantisation, against the reference's: data/quern-tiny/expected.json. */
#include "qe-test.h"
#include "format/template/qe-json.h"

/* Where the reference's first choice led by less than this somewhere, another answer may stand. */
#define SAFE_MARGIN 0.5

typedef struct {
  QeJson json;
  size_t texts;
} Expected;

static bool
load_expected (Expected *e)
{
  size_t size = 0;
  char *text = qe_test_read (qe_test_tiny ("expected.json"), &size);
  QeError err = { 0 };
  bool ok = text != NULL && QE_CHECK_OK (qe_json_parse (&e->json, text, size, &err), err);

  if (ok)
    e->texts = qe_json_member (&e->json, 0, "text");
  free (text);
  return ok;
}

static size_t
member (const Expected *e, size_t object, const char *key)
{
  const size_t i = qe_json_member (&e->json, object, key);

  qe_test_check (i != QE_JSON_NONE, __FILE__, __LINE__, "expected.json has no \"%s\"", key);
  return i;
}

/* The ids of a list, up to `max`. */
static size_t
read_ids (const Expected *e, size_t list, int32_t *out, size_t max)
{
  size_t n = 0, length;

  for (size_t i = qe_json_first (&e->json, list); i != QE_JSON_NONE && n < max; i = qe_json_next (&e->json, list, i))
    out[n++] = atoi (qe_json_text (&e->json, i, &length));
  return n;
}

static bool
same (const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
  return n_a == n_b && memcmp (a, b, n_a * sizeof *a) == 0;
}

/* The greedy answer to a rendered prompt, through the interface that the application uses. */
static size_t
answer (QeModel *model, QeContext *context, const char *prompt_text, size_t length, int32_t *out, size_t max)
{
  const QeSamplerParams greedy = { .top_p = 1, .repetition_penalty = 1 };
  QePrompt *prompt = qe_prompt_new ();
  QeSampler *sampler = NULL;
  QeStatus status = QE_OK;
  QeError err = { 0 };
  int32_t *ids = NULL, step[QE_STEP_MAX];
  size_t n_ids = 0, n = 0, n_step;

  QE_CHECK_OK (qe_sampler_new (&sampler, &greedy, &err), err);
  QE_CHECK_OK (qe_tokenize (model, prompt_text, length, NULL, 0, &ids, &n_ids, &err), err);
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, ids, n_ids, &err), err);
  QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, NULL, &err), err);
  while (n < max && status == QE_OK) {
    status = qe_context_step (context, sampler, NULL, step, &n_step, &err);
    qe_test_check (status == QE_OK || status == QE_END, __FILE__, __LINE__, "step: %s", err.message);
    for (size_t i = 0; i < n_step && n < max; i++)
      out[n++] = step[i];
  }
  free (ids);
  qe_sampler_free (sampler);
  qe_prompt_free (prompt);
  return n;
}

static void
check_text (const Expected *e, size_t text, const char *quantisation, QeModel *model, QeContext *context,
            size_t *n_same)
{
  int32_t want[512], peer[512], got[512];
  const size_t hf = member (e, text, "hf_float32"), prompt = member (e, text, "prompt");
  const size_t n_want = read_ids (e, member (e, hf, "ids"), want, 512);
  const size_t n_peer = read_ids (e, member (e, member (e, member (e, text, "llama.cpp"), quantisation), "ids"), peer,
                                  512);
  size_t length, n_got;
  const double margin = atof (qe_json_text (&e->json, member (e, hf, "smallest_margin"), &length));
  const char *prompt_text = qe_json_text (&e->json, prompt, &length);

  n_got = answer (model, context, prompt_text, length, got, n_want > n_peer ? n_want : n_peer);
  if (same (got, n_got < n_want ? n_got : n_want, want, n_want))
    (*n_same)++;
  else
    qe_test_check (same (got, n_got < n_peer ? n_got : n_peer, peer, n_peer) || margin < SAFE_MARGIN, __FILE__,
                   __LINE__, "%s answers otherwise than both references (smallest margin %g) to %s", quantisation,
                   margin, prompt_text);
}

static void
check_quantisation (const char *quantisation, bool speculative)
{
  char file[64];
  Expected e;
  QeModel *model = NULL;
  QeContext *context = NULL;
  size_t n = 0, n_same = 0;
  QeError err = { 0 };
  const QeContextParams params = { .n_ctx = 1024, .n_threads = 2, .speculative = speculative };

  QE_REQUIRE (load_expected (&e));
  snprintf (file, sizeof file, "quern-tiny-%s.gguf", quantisation);
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny (file), NULL, &err), err);
  QE_REQUIRE_OK (qe_context_new (&context, model, &params, &err), err);
  for (size_t i = qe_json_first (&e.json, e.texts); i != QE_JSON_NONE; i = qe_json_next (&e.json, e.texts, i), n++)
    check_text (&e, i, quantisation, model, context, &n_same);
  qe_test_note ("%s: %zu of %zu answers equal those of the exact model", quantisation, n_same, n);
  QE_CHECK_INT (n, ==, 30);
  QE_CHECK_INT (n_same, >=, 26);
  qe_context_free (context);
  qe_model_free (model);
  qe_json_clear (&e.json);
}

QE_TEST (f16)
{
  check_quantisation ("F16", false);
}
QE_TEST (q8_0)
{
  check_quantisation ("Q8_0", false);
}
QE_TEST (q6_k)
{
  check_quantisation ("Q6_K", false);
}
QE_TEST (q5_k_m)
{
  check_quantisation ("Q5_K_M", false);
}
QE_TEST (q4_k_m)
{
  check_quantisation ("Q4_K_M", false);
}
QE_TEST (q3_k_m)
{
  check_quantisation ("Q3_K_M", false);
}
QE_TEST (q2_k)
{
  check_quantisation ("Q2_K", false);
}
QE_TEST (iq4_xs)
{
  check_quantisation ("IQ4_XS", false);
}
