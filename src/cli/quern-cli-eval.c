/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quern-cli.h"
#include "quern-measure-categories.h"
#include "quern-measure-figures.h"
#include "quern-measure-llama.h"
#include "quern-measure-meaning.h"
#include "quern-measure.h"
#include "quern-model-card.h"
#include "quern-verdict.h"

/* Perplexity of a model on a text and, with a reference, how far it is from that. */

typedef struct {
  char **models;
  char *reference, *text, *windows, **categories;
  int n_ctx, n_threads, top;
  gint64 memory;
  gboolean card, json;
  QuernCliChart chart;
} Options;

static void
eval_progress_cb (QuernMeasure *measure)
{
  fprintf (stderr, "\r%3.0f %%", 100 * quern_measure_get_progress (measure));
}

static gboolean
cuts_as_llama (const Options *o)
{
  return g_strcmp0 (o->windows, "llama") == 0;
}

/* Returns what is to be measured: the models, the reference first, and the text. */
static QuernMeasure *
make_measure (const Options *o, GError **error)
{
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_library (FALSE, &store, NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new (), models = NULL;

  if (o->reference)
    g_ptr_array_add (ids, o->reference);
  for (char **id = o->models; *id; id++)
    g_ptr_array_add (ids, *id);
  g_ptr_array_add (ids, NULL);
  models = quern_cli_find_models (library, (char **) ids->pdata, error);
  if (!models)
    return NULL;
  for (guint i = 0; i < models->len; i++)
    quern_measure_add_model (measure, models->pdata[i], QUERN_KV_F16);
  if (!quern_cli_add_text (measure, o->text, o->categories, error))
    return NULL;
  quern_measure_set_windows (measure, cuts_as_llama (o) ? QUERN_MEASURE_WINDOWS_LLAMA : QUERN_MEASURE_WINDOWS_QUERN);
  quern_measure_set_top (measure, (guint) o->top);
  if (o->n_ctx > 0)
    quern_measure_set_context_size (measure, (guint) o->n_ctx);
  quern_measure_set_threads (measure, (guint) o->n_threads);
  if (o->memory > 0)
    g_object_set (measure, "memory-limit", (guint64) o->memory * 1000 * 1000, NULL);
  return g_steal_pointer (&measure);
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

static void
add_result (JsonBuilder *builder, QuernMeasured *result, gboolean compared)
{
  json_builder_set_member_name (builder, "model");
  json_builder_add_string_value (builder, quern_model_get_key (quern_measured_get_model (result)));
  json_builder_set_member_name (builder, "quantisation");
  json_builder_add_string_value (builder, quern_measured_get_facts (result)->quantisation);
  json_builder_set_member_name (builder, "tokens");
  json_builder_add_int_value (builder, (gint64) quern_measured_get_summary (result)->n);
  quern_measure_figures_write (result, QUERN_MEASURE_JSON_EVAL, compared, builder);
}

/* As llama-perplexity: for each model the figures that it has, and in what they are not its. */
static void
eval_print_llama (QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  for (guint i = 0; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    g_autofree char *block = quern_measure_dup_llama_block (measure, i);
    if (i > 0)
      putchar ('\n');
    if (n > 1)
      quern_cli_line (stdout, "%s:", label);
    quern_cli_text (stdout, g_strchomp (block));
  }
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    g_autofree char *note = quern_measure_dup_llama_note (measure, i);
    quern_cli_line (stderr, "%s: %s", label, note);
  }
}

static void
eval_print_meaning (QuernMeasure *measure, guint i)
{
  g_autofree char *meaning = quern_measure_dup_meaning (measure, i);
  guint positions[QUERN_MEASURE_EXAMPLES], n = quern_measure_find_examples (measure, i, positions);

  quern_cli_line (stdout, "%s", meaning);
  for (guint k = 0; k < n; k++) {
    g_autofree char *example = quern_measure_dup_example (measure, i, positions[k]);
    quern_cli_line (stdout, "  %s", example);
  }
}

void
quern_cli_print_measure (QuernMeasure *measure)
{
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_REPORT, FALSE);
  g_autofree char *reference = quern_verdict_dup_reference (measure);
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    g_autofree char *label = quern_measured_dup_label (result);
    g_autoptr (GString) line = g_string_new (NULL);
    g_string_printf (line, "%-10s", label);
    for (guint j = 0; j < figures->len; j++) {
      const QuernMeasureFigure *figure = figures->pdata[j];
      if (i == 0 && quern_measure_figure_needs_reference (figure))
        continue;
      g_autofree char *text = quern_measure_figure_dup_text (figure, result, QUERN_MEASURE_IN_REPORT);
      g_autofree char *heading = quern_measure_figure_dup_heading (figure, measure, QUERN_MEASURE_IN_REPORT);
      g_string_append_printf (line, "  %s %s", heading, text);
    }
    quern_cli_line (stdout, "%s", line->str);
  }
  if (n > 1) {
    putchar ('\n');
    quern_cli_line (stdout, "%s", reference);
  }
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    quern_cli_line (stdout, "%s", sentence);
    /* Of a sweep nobody kept which tokens the models would have chosen: there are no examples. */
    if (quern_measured_get_position (quern_measure_get_result (measure, i), 0)->top[0].id >= 0)
      eval_print_meaning (measure, i);
  }
  quern_cli_print_categories (measure);
}

/* One model's figures are the object; those of further models (-m given again) are in "models". */
static void
eval_print_json (QuernMeasure *measure, const Options *o)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint first = o->reference ? 1 : 0;
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "partial");
  json_builder_add_boolean_value (builder, quern_cli_was_interrupted ());
  add_result (builder, quern_measure_get_result (measure, first), n > 1);
  json_builder_set_member_name (builder, "context");
  json_builder_add_int_value (builder, quern_measure_get_context_size (measure));
  json_builder_set_member_name (builder, "windows");
  json_builder_add_string_value (builder, cuts_as_llama (o) ? "llama" : "quern");
  json_builder_set_member_name (builder, "n_windows");
  json_builder_add_int_value (builder, quern_measure_get_n_windows (measure));
  if (quern_measure_get_top (measure) > 0) {
    json_builder_set_member_name (builder, "top");
    json_builder_add_int_value (builder, quern_measure_get_top (measure));
  }
  json_builder_set_member_name (builder, "top_only");
  json_builder_add_boolean_value (builder, quern_measure_get_top_only (measure));
  json_builder_set_member_name (builder, "text_sha256");
  json_builder_add_string_value (builder, quern_measure_get_text_sha256 (measure));
  json_builder_set_member_name (builder, "note");
  json_builder_add_string_value (builder, quern_measure_get_note (measure) ? quern_measure_get_note (measure) : "");
  if (n > 1) {
    json_builder_set_member_name (builder, "noise_floor");
    json_builder_add_double_value (builder, quern_measure_get_noise_floor (measure));
  }
  json_builder_set_member_name (builder, "models");
  json_builder_begin_array (builder);
  for (guint i = first; i < n; i++) {
    json_builder_begin_object (builder);
    add_result (builder, quern_measure_get_result (measure, i), n > 1);
    quern_measure_categories_write (measure, quern_measure_get_result (measure, i), builder);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  quern_cli_print_json (builder);
}

static gboolean
eval_print_card (QuernMeasure *measure, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *card = NULL;

  quern_model_card_prepare_async (measure, NULL, quern_keep_result_cb, &result);
  if (!quern_model_card_prepare_finish (measure, quern_cli_wait (&result), error))
    return FALSE;
  card = quern_model_card_dup_markdown (measure);
  quern_cli_text (stdout, g_strchomp (card));
  return TRUE;
}

/* ---- command --------------------------------------------------------------------------------------------------- */

static void
eval_stop (gpointer measure)
{
  quern_measure_stop (measure);
}

static int
eval_run (const Options *o)
{
  GError *error = NULL;
  g_autoptr (QuernMeasure) measure = make_measure (o, &error);
  g_autoptr (QuernBackend) backend = NULL;
  g_autoptr (GAsyncResult) async = NULL;
  gboolean ok;
  guint source;

  if (!measure)
    return quern_cli_fail (error);
  if (isatty (STDERR_FILENO))
    g_signal_connect (measure, "notify::progress", G_CALLBACK (eval_progress_cb), NULL);
  backend = quern_cli_new_backend ();
  source = quern_cli_stop_on_interrupt (eval_stop, measure);
  quern_measure_run_async (measure, backend, NULL, quern_keep_result_cb, &async);
  ok = quern_measure_run_finish (measure, quern_cli_wait (&async), &error);
  g_source_remove (source);
  if (isatty (STDERR_FILENO))
    fputc ('\n', stderr);
  /* What was measured before an interruption is printed too. */
  if (!ok && quern_cli_was_interrupted () && quern_measured_get_n_positions (quern_measure_get_result (measure, 0)) > 0)
    g_clear_error (&error);
  else if (!ok)
    return quern_cli_was_interrupted () ? (quern_cli_fail (error), QUERN_CLI_INTERRUPTED) : quern_cli_fail (error);
  if (!quern_cli_write_chart (&o->chart, &measure, NULL, 1, &error))
    return quern_cli_fail (error);
  if (quern_measure_get_note (measure))
    quern_cli_line (stderr, "%s", quern_measure_get_note (measure));
  if (o->json)
    eval_print_json (measure, o);
  else if (o->card) {
    if (!eval_print_card (measure, &error))
      return quern_cli_fail (error);
  } else if (cuts_as_llama (o))
    eval_print_llama (measure);
  else
    quern_cli_print_measure (measure);
  return quern_cli_was_interrupted () ? quern_cli_interrupted () : QUERN_CLI_OK;
}

static int
eval_parse_and_run (Options *o, int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->models,
      N_("A model: an ID or a file; may be "
         "repeated"),
      "MODEL" },
    { "reference", 0, 0, G_OPTION_ARG_FILENAME, &o->reference, N_("Model to compare with"), "MODEL" },
    { "text", 0, 0, G_OPTION_ARG_FILENAME, &o->text,
      N_("The text: a file, a folder or -; by default, a built-in sample"), "FILE" },
    { "category", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->categories,
      N_("A text of Quern's: code, chat, tools, science, scripts, document or all; or wikitext; may be repeated"),
      "NAME" },
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &o->n_ctx, N_("Tokens of a window; by default, 512"), "N" },
    { "windows", 0, 0, G_OPTION_ARG_STRING, &o->windows,
      N_("How the text is cut: by Quern, or as by llama-perplexity, with its figures"), "quern|llama" },
    { "top", 0, 0, G_OPTION_ARG_INT, &o->top, N_("Also measure the divergence over the N likeliest tokens"), "N" },
    { "card", 0, 0, G_OPTION_ARG_NONE, &o->card, N_("Print a table for a model card, in Markdown"), NULL },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->n_threads, N_("Threads to use"), "N" },
    { "memory", 0, 0, G_OPTION_ARG_INT64, &o->memory, N_("Memory limit for the models, in megabytes"), "N" },
    QUERN_CLI_CHART_ENTRIES (&o->chart),
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL
  };
  gboolean done;
  int code = quern_cli_parse (NULL, entries, &argc, &argv, &done);

  if (done)
    return code;
  if (!o->models || !o->models[0] || argc > 1)
    return quern_cli_wrong_usage (_("Specify a model with -m and a text with --text."));
  if (o->models[1] && !o->reference)
    return quern_cli_wrong_usage (_("Specify a model to compare these models with: --reference."));
  if (o->windows && !cuts_as_llama (o) && !g_str_equal (o->windows, "quern"))
    return quern_cli_wrong_usage (_("--windows is quern or llama."));
  if (o->card && o->json)
    return quern_cli_wrong_usage (_("Choose one of --card and --json."));
  if (!quern_cli_check_range ("--ctx", o->n_ctx, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--threads", o->n_threads, 0, QUERN_CLI_MOST_THREADS)
      || !quern_cli_check_range ("--top", o->top, 0, QUERN_DIVERGENCE_MOST_TOP)
      || !quern_cli_check_range ("--memory", o->memory, 0, QUERN_CLI_MOST_MEGABYTES))
    return QUERN_CLI_USAGE;
  return eval_run (o);
}

int
quern_cli_eval (int argc, char **argv)
{
  Options o = { 0 };
  int code = eval_parse_and_run (&o, argc, argv);

  g_strfreev (o.models);
  g_free (o.reference);
  g_free (o.text);
  g_strfreev (o.categories);
  quern_cli_chart_clear (&o.chart);
  g_free (o.windows);
  return code;
}
