/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>

#include "quern-cli.h"
#include "quern-local-backend.h"
#include "quern-machine.h"
#include "quern-open-file.h"

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

/* What is measured, for the signal handler, too. */
typedef struct {
  const Options *options;
  QuernOpenFile *file;
  QuernLoadedModel *loaded;
  QuernGeneration *generation; /* NULL while nothing is generated */
  GCancellable *cancellable;
} Bench;

static void
bench_stop (gpointer data)
{
  Bench *bench = data;

  g_cancellable_cancel (bench->cancellable);
  if (bench->generation)
    quern_generation_stop (bench->generation);
}

/* The same tokens each time, none that ends a generation. */
static void
fill_tokens (QuernOpenFile *file, gint32 *tokens, guint n, guint64 state)
{
  guint n_vocab;

  quern_open_file_get_vocabulary (file, &n_vocab);
  for (guint i = 0; i < n;) {
    gint32 id;
    state = state * 6364136223846793005u + 1442695040888963407u;
    id = (gint32) ((state >> 33) % n_vocab);
    if (quern_open_file_has_text_token (file, id))
      tokens[i++] = id;
  }
}

static void
bench_done_cb (gboolean *done)
{
  *done = TRUE;
}

/* Reads a prompt of tokens and writes n_decode more. */
static gboolean
bench_generate (Bench *bench, const gint32 *tokens, guint n, guint n_decode, QuernStatistics *statistics,
                GError **error)
{
  g_autoptr (QuernRequest) request = quern_request_new ();
  g_autoptr (QuernGeneration) generation = NULL;
  gboolean done = FALSE;

  if (g_cancellable_set_error_if_cancelled (bench->cancellable, error))
    return FALSE;
  quern_request_set_tokens (request, tokens, n);
  quern_request_set_max_tokens (request, n_decode);
  quern_request_set_no_end (request, tokens[0]);
  quern_request_set_sampler (request, &(QuernSamplerValues) { .top_p = 1, .repetition_penalty = 1 });
  bench->generation = generation = quern_loaded_model_generate (bench->loaded, request);
  g_signal_connect_swapped (generation, "done", G_CALLBACK (bench_done_cb), &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  bench->generation = NULL;
  *statistics = *quern_generation_get_statistics (generation);
  if (quern_generation_get_stop (generation) == QUERN_STOP_LENGTH)
    return TRUE;
  if (quern_generation_get_error (generation))
    g_propagate_error (error, g_error_copy (quern_generation_get_error (generation)));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled."));
  return FALSE;
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
bench_run_rounds (Bench *bench, Measured *out, GError **error)
{
  const Options *o = bench->options;
  guint depth = (guint) o->depth, n_prompt = (guint) o->n_prompt;
  g_autofree gint32 *tokens = g_new (gint32, depth + n_prompt + 1);
  g_autofree double *prefills = g_new0 (double, o->rounds);
  g_autofree double *decodes = g_new0 (double, o->rounds);

  for (int round = -1; round < o->rounds; round++) { /* round -1 warms up */
    int slot = MAX (round, 0);
    QuernStatistics s;
    gboolean ok;

    fill_tokens (bench->file, tokens, depth + 1, 1);
    ok = depth == 0 || bench_generate (bench, tokens, depth, 1, &s, error);
    fill_tokens (bench->file, tokens + depth, n_prompt, (guint64) round + 2);
    ok = ok && bench_generate (bench, tokens, depth + n_prompt, (guint) MAX (o->n_decode, 1), &s, error);
    if (!ok) {
      if (!quern_cli_was_interrupted () || round < 1)
        return FALSE;
      g_clear_error (error);
      break;
    }
    prefills[slot] = s.prefill_seconds > 0 ? s.evaluated_tokens / s.prefill_seconds : 0;
    decodes[slot] = o->n_decode > 0 && s.decode_seconds > 0 ? s.answer_tokens / s.decode_seconds : 0;
    out->rounds = round + 1;
  }
  out->prefill = median (prefills, out->rounds);
  out->decode = median (decodes, out->rounds);
  out->threads = quern_loaded_model_get_threads (bench->loaded);
  return TRUE;
}

/* The memory is not planned: who measures a model that is too big wants to know how slow it is. */
static gboolean
bench_measure (const Options *o, QuernModel *model, Measured *out, GError **error)
{
  const QuernLoadParams params = { .context_size = (guint) (o->depth + o->n_prompt + MAX (o->n_decode, 1) + 1),
                                   .n_threads = (guint) o->n_threads,
                                   .kv_type = o->kv_q8 ? QUERN_KV_Q8_0 : QUERN_KV_F16,
                                   .force = TRUE,
                                   .private_context = TRUE,
                                   .no_drafts = TRUE };
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernLoadedModel) loaded = NULL;
  g_autoptr (QuernOpenFile) file = NULL;
  Bench bench = { .options = o, .cancellable = cancellable };
  guint interrupt = quern_cli_stop_on_interrupt (bench_stop, &bench);
  gint64 began = g_get_monotonic_time ();
  gboolean ok;

  quern_backend_load_async (backend, model, &params, NULL, NULL, cancellable, quern_keep_result_cb, &result);
  loaded = quern_backend_load_finish (backend, quern_cli_wait (&result), error);
  bench.loaded = loaded;
  out->load_seconds = (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
  file = loaded ? quern_open_file_new (model, error) : NULL;
  bench.file = file;
  ok = file && bench_run_rounds (&bench, out, error);
  g_source_remove (interrupt);
  return ok;
}

static void
bench_print_json (QuernModel *model, const Options *o, const Measured *m)
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
  json_builder_add_boolean_value (builder, quern_cli_was_interrupted ());
  json_builder_set_member_name (builder, "kernels");
  json_builder_add_string_value (builder, quern_machine_get_kernels ());
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
bench_print_text (QuernModel *model, const Options *o, const Measured *m)
{
  g_autofree char *title = quern_model_dup_full_title (model);
  g_autofree char *rss = g_format_size (quern_cli_peak_rss ());

  quern_cli_line (
      stdout,
      _("%s: prefill of %d tokens %.2f/s, decode %.2f/s at depth %d; loaded in %.2f s, %u threads (%s), peak memory %s\n"),
      title, o->n_prompt, m->prefill, m->decode, o->depth, m->load_seconds, m->threads, quern_machine_get_kernels (),
      rss);
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
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_library (FALSE, &store, NULL);
  g_autoptr (QuernModel) model = NULL;
  GError *error = NULL;
  Measured measured = { 0 };

  model = quern_cli_find_model (library, o.model, &error);
  if (model && quern_model_is_remote (model))
    return quern_cli_wrong_usage (_("“bench” measures this computer, but “%s” is on “%s”."),
                                  quern_model_get_title (model), quern_model_get_place (model));
  if (!model || !bench_measure (&o, model, &measured, &error))
    return quern_cli_was_interrupted () ? (quern_cli_fail (error), QUERN_CLI_INTERRUPTED) : quern_cli_fail (error);
  (o.json ? bench_print_json : bench_print_text) (model, &o, &measured);
  return quern_cli_was_interrupted () ? quern_cli_interrupted () : QUERN_CLI_OK;
}
