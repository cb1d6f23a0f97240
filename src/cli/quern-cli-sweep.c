/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "quern-cli.h"
#include "quern-json-util.h"
#include "quern-local-backend.h"
#include "quern-measure-categories.h"
#include "quern-measure-figures.h"
#include "quern-sweep.h"

#define LINE_INTERVAL (30 * G_USEC_PER_SEC) /* between two lines of progress where there is no terminal */

typedef struct {
  char *reference, *text, *windows;
  char **only, **categories;
  gint64 budget; /* megabytes */
  int n_ctx, n_threads;
  char **with;
  gboolean delete_models, keep, json, quiet, dry_run;
  QuernCliChart chart;
} Options;

/* What a sweep needs, which lives as long as it. */
typedef struct {
  QuernHub *hub;
  QuernStore *store;
  QuernLibrary *library;
  QuernDownloads *downloads;
  QuernBackend *backend;
  QuernSweep *sweep;
  const Options *options;
  gboolean terminal;
  gint64 printed;
} Sweep;

/* ---- progress -------------------------------------------------------------------------------------------------- */

/* One line on what is being done: a download's progress, or the figures so far with their 95 % interval. */
static char *
progress_line (QuernSweepItem *item, guint n_positions)
{
  QuernDownload *download = quern_sweep_item_get_download (item);
  QuernMeasured *measured = quern_sweep_item_get_measured (item);
  const char *label = quern_sweep_item_get_label (item);

  if (download) {
    g_autofree char *bytes = g_format_size (quern_download_get_bytes (download));
    g_autofree char *total = g_format_size (quern_download_get_total (download));
    return g_strdup_printf (_("%s: downloading, %s of %s"), label, bytes, total);
  }
  if (!measured || quern_measured_get_n_positions (measured) == 0)
    return g_strdup_printf (_("%s: measuring"), label);
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
  int percent = (int) (100.0 * quern_measured_get_n_positions (measured) / MAX (n_positions, 1));
  if (s->kld_mean == 0)
    return g_strdup_printf (_("%s: %d %%, perplexity %.4f ± %.4f"), label, percent, s->perplexity,
                            s->block_quantile * s->perplexity_block_error);
  return g_strdup_printf (_("%s: %d %%, divergence %.5f ± %.5f, same top token %.1f %%"), label, percent, s->kld_mean,
                          s->block_quantile * s->kld_block_error, 100 * s->same_top);
}

static void
sweep_progress_cb (Sweep *self)
{
  GListModel *items = quern_sweep_get_items (self->sweep);
  gint64 now = g_get_monotonic_time ();

  if (self->options->quiet || (!self->terminal && self->printed != 0 && now - self->printed < LINE_INTERVAL))
    return;
  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (items, i);
    QuernSweepState state = quern_sweep_item_get_state (item);
    if (state != QUERN_SWEEP_DOWNLOADING && state != QUERN_SWEEP_MEASURING)
      continue;
    g_autofree char *line = progress_line (item, quern_sweep_get_n_positions (self->sweep));
    self->printed = now;
    fprintf (stderr, self->terminal ? "\r\033[K%s" : "%s\n", line);
    fflush (stderr);
  }
}

/* What stays on the terminal: each quantisation as it is done. */
static void
sweep_state_cb (QuernSweepItem *item, GParamSpec *pspec, Sweep *self)
{
  QuernSweepState state = quern_sweep_item_get_state (item);
  QuernMeasured *measured = quern_sweep_item_get_measured (item);

  if (self->options->quiet)
    return;
  if (state == QUERN_SWEEP_DONE && measured) {
    g_autofree char *line = progress_line (item, quern_measured_get_n_positions (measured));
    fputs (self->terminal ? "\r\033[K" : "", stderr);
    quern_cli_line (stderr, "%s", line);
  } else if (state == QUERN_SWEEP_FAILED) {
    fputs (self->terminal ? "\r\033[K" : "", stderr);
    quern_cli_line (stderr, "%s: %s", quern_sweep_item_get_label (item), quern_sweep_item_get_message (item));
  } else
    sweep_progress_cb (self);
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

static void
sweep_add_model (JsonBuilder *builder, QuernMeasure *measure, QuernSweepItem *item, gboolean is_reference,
                 const char *bound)
{
  static const char *const states[] = { "waiting", "downloading", "measuring", "done", "failed", "skipped" };
  QuernMeasured *measured = quern_sweep_item_get_measured (item);

  json_builder_begin_object (builder);
  quern_json_add_string (builder, "quantisation", quern_sweep_item_get_label (item));
  quern_json_add_string (builder, "state", states[quern_sweep_item_get_state (item)]);
  quern_json_add_string (builder, "message", quern_sweep_item_get_message (item));
  quern_json_add_int (builder, "bytes", (gint64) quern_sweep_item_get_bytes (item));
  if (measured) {
    quern_json_add_string (builder, "sha256", quern_measured_get_facts (measured)->sha256);
    quern_json_add_double (builder, "bits_per_weight", quern_measured_get_facts (measured)->bits_per_weight);
    quern_json_add_int (builder, "tokens", quern_measured_get_n_positions (measured));
    quern_measure_figures_write (measured, QUERN_MEASURE_JSON_EVAL, !is_reference, builder);
    if (!is_reference)
      quern_json_add_double (builder, bound, quern_sweep_item_get_lost (item));
    quern_measure_categories_write (measure, measured, builder);
  }
  json_builder_end_object (builder);
}

static void
sweep_print_json (const Sweep *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  GListModel *items = quern_sweep_get_items (self->sweep);
  QuernMeasure *measure = quern_sweep_get_measure (self->sweep);
  const char *form;
  guint64 bytes;
  g_autofree char *sentence = quern_sweep_dup_form (self->sweep, &form, &bytes);

  json_builder_begin_object (builder);
  quern_json_add_string (builder, "repository", quern_hub_repo_get_id (quern_sweep_get_repo (self->sweep)));
  quern_json_add_string (builder, "revision", quern_hub_repo_get_revision (quern_sweep_get_repo (self->sweep)));
  quern_json_add_string (builder, "reference", self->options->reference);
  quern_json_add_string (builder, "text", quern_measure_get_source (measure));
  quern_json_add_int (builder, "context", quern_measure_get_context_size (measure));
  json_builder_set_member_name (builder, "complete");
  json_builder_add_boolean_value (builder, quern_sweep_get_complete (self->sweep));
  json_builder_set_member_name (builder, "reference_logits");
  json_builder_begin_object (builder);
  quern_json_add_string (builder, "form", form);
  quern_json_add_int (builder, "bytes", (gint64) bytes);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "models");
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (items, i);
    sweep_add_model (builder, measure, item, i == 0,
                     g_str_equal (form, "f16") ? "kl_divergence_bound" : "reference_mass_lost");
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  quern_cli_print_json (builder);
}

static void
sweep_print_text (const Sweep *self)
{
  g_autofree char *form = quern_sweep_dup_form (self->sweep, NULL, NULL);
  GListModel *items = quern_sweep_get_items (self->sweep);

  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (items, i);
    if (quern_sweep_item_get_state (item) == QUERN_SWEEP_SKIPPED)
      quern_cli_line (stderr, "%s: %s", quern_sweep_item_get_label (item), quern_sweep_item_get_message (item));
  }
  if (form)
    quern_cli_line (stderr, "%s", form);
  if (g_list_model_get_n_items (quern_measure_get_results (quern_sweep_get_measure (self->sweep))) > 0)
    quern_cli_print_measure (quern_sweep_get_measure (self->sweep));
}

/* ---- command --------------------------------------------------------------------------------------------------- */

static void
sweep_stop (gpointer sweep)
{
  quern_sweep_stop (sweep);
}

/* Opens a sweep as the options say: what was done of it before is there. */
static QuernSweep *
sweep_open (const Sweep *self, const char *name, GError **error)
{
  const Options *o = self->options;
  g_autoptr (QuernHubRepo) repo = quern_cli_load_repo (self->hub, name, o->quiet, error);
  g_autoptr (QuernHubItem) reference = repo ? quern_cli_choose_item (repo, o->reference, error) : NULL;
  g_autoptr (GAsyncResult) opened = NULL;

  if (!reference)
    return NULL;
  g_autoptr (QuernSweep) sweep = quern_sweep_new (repo, reference, self->downloads, self->library, self->backend);
  if (o->only)
    quern_sweep_set_only (sweep, (const char *const *) o->only);
  if (o->budget > 0)
    quern_sweep_set_budget (sweep, (guint64) o->budget * 1000 * 1000);
  quern_sweep_set_delete (sweep, o->delete_models);
  quern_sweep_set_exclusive (sweep, TRUE);
  quern_sweep_set_threads (sweep, (guint) o->n_threads);
  quern_measure_set_windows (quern_sweep_get_measure (sweep), g_strcmp0 (o->windows, "llama") == 0
                                                                  ? QUERN_MEASURE_WINDOWS_LLAMA
                                                                  : QUERN_MEASURE_WINDOWS_QUERN);
  if (o->n_ctx > 0)
    quern_measure_set_context_size (quern_sweep_get_measure (sweep), (guint) o->n_ctx);
  if (!quern_cli_add_text (quern_sweep_get_measure (sweep), o->text, o->categories, error))
    return NULL;
  quern_sweep_open_async (sweep, NULL, quern_keep_result_cb, &opened);
  return quern_sweep_open_finish (sweep, quern_cli_wait (&opened), error) ? g_steal_pointer (&sweep) : NULL;
}

/* The library, the queue, which does nothing yet, and the sweep. */
static gboolean
sweep_prepare (Sweep *self, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) loaded = NULL;
  g_autoptr (GError) cause = NULL;

  self->library = quern_cli_open_library (TRUE, &self->store, error);
  if (!self->library)
    return FALSE;
  self->downloads = quern_downloads_new (self->hub);
  quern_downloads_hold (self->downloads, NULL);
  quern_downloads_load_async (self->downloads, NULL, quern_keep_result_cb, &loaded);
  if (!quern_downloads_load_finish (self->downloads, quern_cli_wait (&loaded), &cause))
    quern_cli_line (stderr, "quern-cli: %s", cause->message);
  self->backend = QUERN_BACKEND (quern_local_backend_new ());
  self->sweep = sweep_open (self, name, error);
  return self->sweep != NULL;
}

/* The chart, with what was measured of other repositories. */
static gboolean
sweep_write_chart (const Sweep *self, const char *name, GError **error)
{
  g_autoptr (GPtrArray) sweeps = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) measures = g_ptr_array_new (), names = g_ptr_array_new ();

  g_ptr_array_add (measures, quern_sweep_get_measure (self->sweep));
  g_ptr_array_add (names, (char *) name);
  for (char **other = self->options->with; other && *other; other++) {
    QuernSweep *sweep = sweep_open (self, *other, error);
    if (!sweep)
      return FALSE;
    g_ptr_array_add (sweeps, sweep);
    if (!quern_sweep_get_complete (sweep))
      quern_cli_line (stderr, _("“%s” is not completely measured with this reference and text."), *other);
    g_ptr_array_add (measures, quern_sweep_get_measure (sweep));
    g_ptr_array_add (names, *other);
  }
  return quern_cli_write_chart (&self->options->chart, (QuernMeasure *const *) measures->pdata,
                                (const char *const *) names->pdata, measures->len, error);
}

static gboolean
sweep_tell_estimate (Sweep *self, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (quern_sweep_get_complete (self->sweep) || (self->options->quiet && !self->options->dry_run))
    return TRUE;
  quern_sweep_estimate_async (self->sweep, NULL, quern_keep_result_cb, &result);
  g_autoptr (QuernSweepEstimate) estimate = quern_sweep_estimate_finish (self->sweep, quern_cli_wait (&result), error);
  if (!estimate)
    return FALSE;
  g_autofree char *text = quern_sweep_estimate_dup_text (estimate);
  quern_cli_line (self->options->dry_run ? stdout : stderr, "%s", text);
  return TRUE;
}

static int
sweep_run (Sweep *self, const char *name)
{
  g_autoptr (GAsyncResult) ended = NULL;
  g_autoptr (GError) chart_error = NULL;
  GError *error = NULL;
  gboolean ok = sweep_prepare (self, name, &error);

  if (!ok)
    return quern_cli_fail (error);
  ok = sweep_tell_estimate (self, &error);
  if (self->options->dry_run)
    return ok ? QUERN_CLI_OK : quern_cli_fail (error);
  if (!ok) /* the model that was tried is none of the sweep's */
    quern_cli_line (stderr, "quern-cli: %s", error->message);
  g_clear_error (&error);
  for (guint i = 0; i < g_list_model_get_n_items (quern_sweep_get_items (self->sweep)); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (quern_sweep_get_items (self->sweep), i);
    g_signal_connect (item, "notify::state", G_CALLBACK (sweep_state_cb), self);
  }
  g_signal_connect_swapped (self->sweep, "notify::progress", G_CALLBACK (sweep_progress_cb), self);
  guint source = quern_cli_stop_on_interrupt (sweep_stop, self->sweep);
  quern_sweep_run_async (self->sweep, quern_keep_result_cb, &ended);
  ok = quern_sweep_run_finish (self->sweep, quern_cli_wait (&ended), &error);
  g_source_remove (source);
  while (quern_downloads_is_active (self->downloads)) /* the thread of a stopped download saves what it has */
    g_main_context_iteration (NULL, TRUE);
  if (self->terminal && !self->options->quiet)
    fputs ("\r\033[K", stderr);
  if (self->options->json)
    sweep_print_json (self);
  else
    sweep_print_text (self);
  if (!sweep_write_chart (self, name, &chart_error))
    return ok ? quern_cli_fail (g_steal_pointer (&chart_error)) : quern_cli_fail (error);
  if (ok)
    return QUERN_CLI_OK;
  return quern_cli_was_interrupted () ? (g_error_free (error), quern_cli_interrupted ()) : quern_cli_fail (error);
}

static void
sweep_clear (Sweep *self)
{
  if (self->downloads)
    quern_downloads_close (self->downloads);
  g_clear_object (&self->sweep);
  g_clear_object (&self->backend);
  g_clear_object (&self->downloads);
  g_clear_object (&self->library);
  if (self->store)
    quern_store_close (self->store); /* waits until it is written */
  g_clear_object (&self->store);
  g_clear_object (&self->hub);
}

static int
sweep_parse_and_run (Options *o, int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "reference", 0, 0, G_OPTION_ARG_STRING, &o->reference, N_("Quantisation that the others are compared with"),
      "QUANT" },
    { "quant", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->only, N_("Measure only this quantisation; may be repeated"),
      "QUANT" },
    { "text", 0, 0, G_OPTION_ARG_FILENAME, &o->text,
      N_("The text: a file, a folder or -; by default, a built-in sample"), "FILE" },
    { "category", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->categories,
      N_("A text of Quern's: code, chat, tools, science, scripts, document or all; or wikitext; may be repeated"),
      "NAME" },
    { "budget-disk", 0, 0, G_OPTION_ARG_INT64, &o->budget,
      N_("Megabytes on disk for what the reference says; by default, 8000"), "N" },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &o->keep, N_("Keep the downloaded models; this is the default"), NULL },
    { "delete", 0, 0, G_OPTION_ARG_NONE, &o->delete_models, N_("Delete each downloaded model once it is measured"),
      NULL },
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &o->n_ctx, N_("Tokens of a window; by default, 512"), "N" },
    { "windows", 0, 0, G_OPTION_ARG_STRING, &o->windows,
      N_("How the text is cut: by Quern, or as by llama-perplexity"), "quern|llama" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->n_threads, N_("Threads to use"), "N" },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &o->dry_run, N_("Print how long it will take, and stop"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, N_("Hide progress"), NULL },
    QUERN_CLI_CHART_ENTRIES (&o->chart),
    { "with", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->with,
      N_("Another repository, swept before with the same reference and text, for the chart; may be repeated"),
      "REPO" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL
  };
  gboolean done;
  GError *error = NULL;
  int code = quern_cli_parse (_("REPO — measure all quantisations of a repository; run again to resume"), entries,
                              &argc, &argv, &done);

  if (done)
    return code;
  if (argc != 2 || !o->reference)
    return quern_cli_wrong_usage (
        _("Specify one repository and a reference, e.g. “unsloth/Qwen3.5-4B-GGUF --reference Q8_0”."));
  if (o->windows && !g_str_equal (o->windows, "llama") && !g_str_equal (o->windows, "quern"))
    return quern_cli_wrong_usage (_("--windows is quern or llama."));
  if (o->keep && o->delete_models)
    return quern_cli_wrong_usage (_("Specify either --keep or --delete."));
  if (!quern_cli_check_range ("--ctx", o->n_ctx, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--threads", o->n_threads, 0, QUERN_CLI_MOST_THREADS)
      || !quern_cli_check_range ("--budget-disk", o->budget, 0, QUERN_CLI_MOST_MEGABYTES))
    return QUERN_CLI_USAGE;
  Sweep self = { .hub = quern_hub_new (), .options = o, .terminal = isatty (STDERR_FILENO) };
  code = quern_hub_check_endpoint (self.hub, &error) ? sweep_run (&self, argv[1]) : quern_cli_wrong_address (error);
  sweep_clear (&self);
  return code;
}

int
quern_cli_sweep (int argc, char **argv)
{
  Options o = { 0 };
  int code = sweep_parse_and_run (&o, argc, argv);

  g_free (o.reference);
  g_free (o.text);
  g_free (o.windows);
  g_strfreev (o.only);
  g_strfreev (o.categories);
  g_strfreev (o.with);
  quern_cli_chart_clear (&o.chart);
  return code;
}
