/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "quern-cli.h"
#include "quern-local-private.h"

/* Measures one model: prefill of a prompt of pseudo-random tokens at a depth, then decoding behind it. Medians over
 * several rounds in one process. Speculative decoding is off: random tokens say nothing about it. */

#define MOST_ROUNDS 1000

typedef struct {
  char *model;
  int n_prompt, n_decode, n_threads, depth, rounds;
  gboolean json, kv_q8;
} Options;

typedef struct {
  double prefill, decode, load_seconds; /* tokens per second */
  unsigned threads;
  int rounds; /* that were finished */
} Measured;

static volatile sig_atomic_t interrupted;

static void
interrupt (int number)
{
  interrupted = 1;
}

static bool
is_interrupted (void *data)
{
  return interrupted;
}

static const QeControl control = { .cancelled = is_interrupted };

static gboolean
fail (GError **error, const QeError *engine_error)
{
  return _quern_inference_set_error (error, engine_error);
}

/* The same tokens each time, none that ends a generation. */
static void
fill_tokens (const QeModel *model, int32_t *tokens, size_t n, uint64_t state)
{
  uint32_t n_vocab = qe_model_info (model)->n_vocab;

  for (size_t i = 0; i < n;) {
    size_t length;
    bool is_control = true;
    int32_t id;
    state = state * 6364136223846793005u + 1442695040888963407u;
    id = (int32_t) ((state >> 33) % n_vocab);
    if (qe_token_bytes (model, id, &length, &is_control) && !is_control)
      tokens[i++] = id;
  }
}

static gboolean
prefill (QeContext *context, const int32_t *tokens, size_t n, QePrefillStats *stats, GError **error)
{
  QeError engine_error = { 0 };
  QePrompt *prompt = qe_prompt_new ();
  gboolean ok = prompt && qe_prompt_add_tokens (prompt, tokens, n, &engine_error) == QE_OK
                && qe_context_prefill (context, prompt, &control, stats, &engine_error) == QE_OK;

  qe_prompt_free (prompt);
  return ok || fail (error, &engine_error);
}

/* Where the model wants to end, a token is put in its place: the work is the same. */
static gboolean
decode (QeContext *context, int n, int32_t filler, double *rate, GError **error)
{
  QeSamplerParams params = { .temperature = 0, .top_p = 1, .repetition_penalty = 1 };
  QeSampler *sampler = NULL;
  QeError engine_error = { 0 };
  gint64 began = g_get_monotonic_time ();
  QeStatus status = qe_sampler_new (&sampler, &params, &engine_error);

  for (int done = 0; done < n && status == QE_OK;) {
    int32_t tokens[QE_STEP_MAX];
    size_t n_tokens = 0;
    status = qe_context_step (context, sampler, &control, tokens, &n_tokens, &engine_error);
    done += (int) MAX (n_tokens, 1);
    if (status == QE_END)
      status = qe_context_append (context, &filler, 1, NULL, &engine_error);
  }
  *rate = n / ((double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  qe_sampler_free (sampler);
  return status == QE_OK || fail (error, &engine_error);
}

static int
compare_doubles (const void *a, const void *b)
{
  return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b);
}

static double
median (double *values, int n)
{
  qsort (values, (size_t) n, sizeof *values, compare_doubles);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Each round has its own prompt, so that nothing is reused but the beginning that sets the depth. */
static gboolean
run_round (const Options *o, const QeModel *model, QeContext *context, int round, double *prefill_rate,
           double *decode_rate, GError **error)
{
  size_t n = (size_t) (o->depth + o->n_prompt);
  g_autofree int32_t *tokens = g_new (int32_t, n + 1);
  QePrefillStats stats = { 0 };

  fill_tokens (model, tokens, (size_t) o->depth + 1, 1);
  if (o->depth > 0 && !prefill (context, tokens, (size_t) o->depth, &stats, error))
    return FALSE;
  fill_tokens (model, tokens + o->depth, (size_t) o->n_prompt, (uint64_t) round + 2);
  if (!prefill (context, tokens, n, &stats, error))
    return FALSE;
  *prefill_rate = stats.seconds > 0 ? (double) stats.evaluated / stats.seconds : 0;
  return o->n_decode == 0 || decode (context, o->n_decode, tokens[0], decode_rate, error);
}

static gboolean
run_rounds (const Options *o, const QeModel *model, QeContext *context, Measured *out, GError **error)
{
  g_autofree double *prefills = g_new0 (double, o->rounds);
  g_autofree double *decodes = g_new0 (double, o->rounds);

  for (int round = -1; round < o->rounds; round++) { /* round -1 warms up */
    int slot = MAX (round, 0);
    if (!run_round (o, model, context, round, &prefills[slot], &decodes[slot], error)) {
      if (!interrupted || round < 1)
        return FALSE;
      g_clear_error (error);
      break;
    }
    out->rounds = round + 1;
  }
  out->prefill = median (prefills, out->rounds);
  out->decode = median (decodes, out->rounds);
  out->threads = qe_context_threads (context);
  return TRUE;
}

static gboolean
measure (const Options *o, const char *path, Measured *out, GError **error)
{
  QeContextParams params = { .n_ctx = (uint32_t) (o->depth + o->n_prompt + o->n_decode + 1),
                             .n_threads = (unsigned) o->n_threads,
                             .kv_type = o->kv_q8 ? QE_KV_Q8_0 : QE_KV_F16,
                             .sketch = true };
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeError engine_error = { 0 };
  gint64 began = g_get_monotonic_time ();
  gboolean ok = qe_model_open (&model, path, NULL, &engine_error) == QE_OK
                && qe_context_new (&context, model, &params, &engine_error) == QE_OK;

  out->load_seconds = (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
  if (ok)
    ok = run_rounds (o, model, context, out, error);
  else
    fail (error, &engine_error);
  qe_context_free (context);
  qe_model_free (model);
  return ok;
}

static void
print_json (QuernModel *model, const Options *o, const Measured *m)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const struct {
    const char *name;
    double value;
  } numbers[] = {
    { "prefill_tokens_per_second", m->prefill },
    { "decode_tokens_per_second", m->decode },
    { "load_seconds", m->load_seconds },
  };
  const struct {
    const char *name;
    gint64 value;
  } counts[] = {
    { "peak_rss_bytes", (gint64) quern_cli_peak_rss () },
    { "threads", m->threads },
    { "prompt", o->n_prompt },
    { "decode", o->n_decode },
    { "depth", o->depth },
    { "rounds", m->rounds },
  };

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "model");
  json_builder_add_string_value (builder, quern_model_get_path (model));
  json_builder_set_member_name (builder, "partial");
  json_builder_add_boolean_value (builder, interrupted);
  json_builder_set_member_name (builder, "kernels");
  json_builder_add_string_value (builder, qe_cpu_kernels ());
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    json_builder_set_member_name (builder, numbers[i].name);
    json_builder_add_double_value (builder, numbers[i].value);
  }
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    json_builder_set_member_name (builder, counts[i].name);
    json_builder_add_int_value (builder, counts[i].value);
  }
  json_builder_end_object (builder);
  quern_cli_print_json (builder);
}

static void
print_text (QuernModel *model, const Options *o, const Measured *m)
{
  g_autofree char *title = quern_model_dup_full_title (model);
  g_autofree char *rss = g_format_size (quern_cli_peak_rss ());

  quern_cli_line (
      stdout,
      _("%s: prefill of %d tokens %.2f/s, decode %.2f/s at depth %d; loaded in %.2f s, %u threads (%s), peak memory %s\n"),
      title, o->n_prompt, m->prefill, m->decode, o->depth, m->load_seconds, m->threads, qe_cpu_kernels (), rss);
}

static int
run (const Options *o)
{
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_library (FALSE, &store, NULL);
  g_autoptr (QuernModel) model = NULL;
  GError *error = NULL;
  Measured measured = { 0 };

  model = quern_cli_find_model (library, o->model, &error);
  signal (SIGINT, interrupt);
  if (!model || !measure (o, quern_model_get_path (model), &measured, &error))
    return interrupted ? (quern_cli_fail (error), QUERN_CLI_INTERRUPTED) : quern_cli_fail (error);
  (o->json ? print_json : print_text) (model, o, &measured);
  return interrupted ? quern_cli_interrupted () : QUERN_CLI_OK;
}

int
quern_cli_bench (int argc, char **argv)
{
  Options o = { .n_prompt = 512, .n_decode = 64, .rounds = 3 };
  g_autofree char *name = NULL;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &name, N_("The model: an ID or a file"), "MODEL" },
    { "prompt", 'p', 0, G_OPTION_ARG_INT, &o.n_prompt, N_("Tokens of the prompt"), "N" },
    { "decode", 'n', 0, G_OPTION_ARG_INT, &o.n_decode, N_("Tokens to generate"), "N" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, N_("Threads to use"), "N" },
    { "depth", 'd', 0, G_OPTION_ARG_INT, &o.depth, N_("Tokens that are in the context already"), "N" },
    { "rounds", 'r', 0, G_OPTION_ARG_INT, &o.rounds, N_("Number of rounds; the result is the median"), "N" },
    { "kv-q8", 0, 0, G_OPTION_ARG_NONE, &o.kv_q8, N_("Store the cache in 8 bits"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL
  };
  gboolean done;
  int code = quern_cli_parse (NULL, entries, &argc, &argv, &done);

  if (done)
    return code;
  o.model = name;
  if (!o.model || argc > 1)
    return quern_cli_wrong_usage (_("Specify one model with -m."));
  if (!quern_cli_check_range ("--prompt", o.n_prompt, 1, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--decode", o.n_decode, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--threads", o.n_threads, 0, QUERN_CLI_MOST_THREADS)
      || !quern_cli_check_range ("--depth", o.depth, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--rounds", o.rounds, 1, MOST_ROUNDS))
    return QUERN_CLI_USAGE;
  return run (&o);
}
