/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-sweep-page.h"

#include "compare/quern-measure-results.h"
#include "compare/quern-measure-text.h"
#include "quern-download-row.h"

#include <glib/gi18n.h>

/* The quantisations of a repository, measured one after the other. First what is to be measured is chosen; then the page shows
 * the sweep that the application has open, which goes on when the page is left. */

#define UPDATE_DELAY 500      /* ms between updates while it runs */
#define GIGABYTE 1000000000.0 /* as g_format_size() counts */

struct _QuernSweepPage {
  AdwNavigationPage parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  GtkWidget *setup, *start, *go_on, *pause, *stop, *delete, *spinner;
  AdwComboRow *reference;
  AdwExpanderRow *quantisations;
  QuernMeasureText *text;
  AdwSwitchRow *delete_models, *llama;
  AdwSpinRow *budget, *context;
  GtkLabel *facts, *left;
  GtkListBox *items;
  GtkProgressBar *progress;
  QuernMeasureResults *results;

  GPtrArray *checks; /* of GtkCheckButton, borrowed from their rows, in the order of `offers` */

  /* Owned references */
  QuernModelsService *service;
  QuernHubRepo *repo;
  GPtrArray *offers; /* of QuernHubItem that can be measured */
  QuernSweep *sweep; /* that is shown; NULL while one is being chosen */
  GCancellable *estimating;

  guint timer;
  guint n_shown; /* results that are shown */
  gboolean opening, ending;
};

G_DEFINE_FINAL_TYPE (QuernSweepPage, quern_sweep_page, ADW_TYPE_NAVIGATION_PAGE)

static QuernSweeps *
get_sweeps (QuernSweepPage *self)
{
  return quern_models_service_get_sweeps (self->service);
}

static void
quern_sweep_page_problem_cb (QuernSweepPage *self, const char *sentence)
{
  if (sentence != NULL)
    adw_banner_set_title (self->banner, sentence);
  adw_banner_set_revealed (self->banner, sentence != NULL);
}

static void
quern_sweep_page_dismiss_cb (QuernSweepPage *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static char *
describe_figures (QuernMeasured *measured)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);

  if (s->kld_mean == 0)
    return g_strdup_printf (_("perplexity %.4f ± %.4f"), s->perplexity, s->block_quantile * s->perplexity_block_error);
  return g_strdup_printf (_("divergence %.5f ± %.5f"), s->kld_mean, s->block_quantile * s->kld_block_error);
}

static char *
describe_item (QuernSweepPage *self, QuernSweepItem *item)
{
  QuernMeasured *measured = quern_sweep_item_get_measured (item);
  guint n = measured != NULL ? quern_measured_get_n_positions (measured) : 0;
  guint of = MAX (quern_sweep_get_n_positions (self->sweep), 1);
  int percent = (int) (100.0 * n / of);
  g_autofree char *figures = n > 0 ? describe_figures (measured) : NULL, *how_far = NULL;

  switch (quern_sweep_item_get_state (item)) {
  case QUERN_SWEEP_DOWNLOADING:
    how_far = quern_sweep_item_get_download (item) != NULL
                  ? quern_download_row_describe (quern_sweep_item_get_download (item))
                  : NULL;
    return g_strdup_printf (_("Downloading: %s"), how_far != NULL ? how_far : "…");
  case QUERN_SWEEP_MEASURING:
    return figures != NULL ? g_strdup_printf (_("Measuring: %d %%, %s"), percent, figures)
                           : g_strdup (_("Measuring…"));
  case QUERN_SWEEP_DONE: return g_strdup_printf (_("Done: %s"), figures != NULL ? figures : "");
  case QUERN_SWEEP_FAILED: return g_strdup_printf (_("Failed: %s"), quern_sweep_item_get_message (item));
  case QUERN_SWEEP_SKIPPED: return g_strdup (quern_sweep_item_get_message (item));
  default:
    return figures != NULL ? g_strdup_printf (_("Waiting: %d %%, %s"), percent, figures) : g_strdup (_("Waiting"));
  }
}

static void
update_rows (QuernSweepPage *self)
{
  GListModel *items = quern_sweep_get_items (self->sweep);

  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (items, i);
    GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->items, (int) i);
    g_autofree char *text = describe_item (self, item);
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), text);
  }
}

static GtkWidget *
make_row (gpointer item, gpointer self)
{
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *size = g_format_size (quern_sweep_item_get_bytes (item));
  GtkWidget *label = gtk_label_new (size);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_sweep_item_get_label (item));
  gtk_widget_add_css_class (label, "dim-label");
  gtk_widget_add_css_class (label, "numeric");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  return row;
}

static void
update_facts (QuernSweepPage *self)
{
  const QuernSweepSetup *setup = quern_sweeps_get_setup (get_sweeps (self));
  g_autofree char *form = quern_sweep_dup_form (self->sweep, NULL, NULL), *text = NULL;
  const char *source = quern_measure_get_source (quern_sweep_get_measure (self->sweep));

  if (setup == NULL)
    return;
  text = g_strdup_printf (_("%s is compared with its quantisation %s. Text: %s. Windows of %u tokens."),
                          setup->repository, setup->reference, source,
                          quern_measure_get_context_size (quern_sweep_get_measure (self->sweep)));
  if (form != NULL) {
    g_autofree char *both = g_strdup_printf ("%s %s", text, form);
    gtk_label_set_label (self->facts, both);
  } else
    gtk_label_set_label (self->facts, text);
}

/* How long the rest takes, once something was measured: before that it would have to be tried out. */
static void
left_estimated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweepPage) self = user_data;
  g_autoptr (QuernSweepEstimate) estimate = quern_sweep_estimate_finish (QUERN_SWEEP (source), result, NULL);
  g_autofree char *text = estimate != NULL ? quern_sweep_estimate_dup_text (estimate) : NULL;

  if (self->banner == NULL || self->sweep != QUERN_SWEEP (source))
    return;
  gtk_label_set_label (self->left, text != NULL ? text : "");
}

static void
update_results (QuernSweepPage *self, gboolean running)
{
  QuernMeasure *measure = quern_sweep_get_measure (self->sweep);
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  if (n != self->n_shown)
    quern_measure_results_show (self->results, measure, FALSE);
  quern_measure_results_update (self->results, running);
  self->n_shown = n;
}

static void
quern_sweep_page_update (QuernSweepPage *self)
{
  gboolean running = quern_sweeps_get_running (get_sweeps (self)), shown = self->sweep != NULL;
  gboolean complete = shown && quern_sweep_get_complete (self->sweep);
  gboolean choosing = !shown && !self->opening;

  running = running && shown;
  gtk_widget_set_visible (self->setup, choosing);
  gtk_widget_set_visible (self->start, choosing);
  gtk_widget_set_visible (self->spinner, self->opening);
  gtk_widget_set_visible (GTK_WIDGET (self->facts), shown);
  gtk_widget_set_visible (GTK_WIDGET (self->items), shown);
  gtk_widget_set_visible (self->pause, running);
  gtk_widget_set_visible (self->stop, running);
  gtk_widget_set_sensitive (self->pause, !self->ending);
  gtk_widget_set_sensitive (self->stop, !self->ending);
  gtk_widget_set_visible (self->go_on, shown && !running && !complete);
  gtk_widget_set_visible (self->delete,
                          shown && !running && quern_sweeps_get_setup (get_sweeps (self))->folder != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->progress), shown && !complete);
  gtk_widget_set_visible (GTK_WIDGET (self->left), shown && !complete && *gtk_label_get_label (self->left) != '\0');
  if (!shown) {
    quern_measure_results_show (self->results, NULL, FALSE);
    return;
  }
  gtk_progress_bar_set_fraction (self->progress, quern_sweep_get_progress (self->sweep));
  update_facts (self);
  update_rows (self);
  update_results (self, running);
}

static gboolean
quern_sweep_page_timer_cb (gpointer user_data)
{
  QuernSweepPage *self = QUERN_SWEEP_PAGE (user_data);

  if (quern_sweep_get_n_positions (self->sweep) > 0 && quern_sweep_get_progress (self->sweep) > 0)
    quern_sweep_estimate_async (self->sweep, NULL, left_estimated_cb, g_object_ref (self));
  quern_sweep_page_update (self);
  return G_SOURCE_CONTINUE;
}

/* The sweep began, or ended. */
static void
quern_sweep_page_running_cb (QuernSweepPage *self)
{
  gboolean running = quern_sweeps_get_running (get_sweeps (self));
  const char *problem = quern_sweeps_get_problem (get_sweeps (self));

  if (self->sweep == NULL)
    return;
  self->ending = FALSE;
  g_clear_handle_id (&self->timer, g_source_remove);
  if (running)
    self->timer = g_timeout_add (UPDATE_DELAY, quern_sweep_page_timer_cb, self);
  quern_sweep_page_problem_cb (self, running ? NULL : problem);
  quern_sweep_page_update (self);
}

/* Another sweep is open than before. This page shows its own, and nothing that was closed. */
static void
show_sweep (QuernSweepPage *self, QuernSweep *sweep)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_set_object (&self->sweep, sweep);
  self->n_shown = 0;
  gtk_label_set_label (self->left, "");
  gtk_list_box_bind_model (self->items, sweep != NULL ? quern_sweep_get_items (sweep) : NULL, make_row, self, NULL);
  quern_sweep_page_running_cb (self);
  quern_sweep_page_update (self);
}

static void
sweep_changed_cb (QuernSweepPage *self)
{
  if (self->sweep != NULL && quern_sweeps_get_sweep (get_sweeps (self)) != self->sweep)
    show_sweep (self, NULL);
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

/* Says how many are chosen. The reference is always measured. */
static void
quern_sweep_page_choice_cb (QuernSweepPage *self)
{
  guint reference = adw_combo_row_get_selected (self->reference), n = 0;
  guint64 bytes = 0;
  g_autofree char *size = NULL, *text = NULL;

  if (self->checks == NULL || self->checks->len < self->offers->len)
    return;
  for (guint i = 0; i < self->checks->len; i++) {
    gtk_widget_set_sensitive (self->checks->pdata[i], i != reference);
    if (i != reference && !gtk_check_button_get_active (self->checks->pdata[i]))
      continue;
    n++;
    bytes += quern_hub_item_get_bytes (self->offers->pdata[i]);
  }
  size = g_format_size (bytes);
  text = g_strdup_printf (ngettext ("%u of %u, %s", "%u of %u, %s", n), n, self->offers->len, size);
  adw_expander_row_set_subtitle (self->quantisations, text);
  gtk_widget_set_sensitive (self->start, n > 1);
}

static void
add_offer (QuernSweepPage *self, QuernHubItem *offer)
{
  GtkWidget *row = adw_action_row_new (), *check = gtk_check_button_new ();
  g_autofree char *size = g_format_size (quern_hub_item_get_bytes (offer));

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_hub_item_get_label (offer));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), size);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (check), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  quern_hub_item_get_label (offer), -1);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (check, "toggled", G_CALLBACK (quern_sweep_page_choice_cb), self);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  adw_expander_row_add_row (self->quantisations, row);
  g_ptr_array_add (self->offers, g_object_ref (offer));
  g_ptr_array_add (self->checks, check);
}

/* What is best as a reference is the file with the most bits. */
static void
fill_offers (QuernSweepPage *self)
{
  GListModel *items = quern_hub_repo_get_items (self->repo);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint best = 0;

  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernHubItem) offer = g_list_model_get_item (items, i);
    g_autofree char *advice = quern_hub_repo_dup_advice (self->repo, offer);
    if (advice != NULL)
      continue;
    add_offer (self, offer);
    gtk_string_list_append (names, quern_hub_item_get_label (offer));
    if (quern_hub_item_get_bytes (offer) > quern_hub_item_get_bytes (self->offers->pdata[best]))
      best = self->offers->len - 1;
  }
  adw_combo_row_set_model (self->reference, G_LIST_MODEL (names));
  adw_combo_row_set_selected (self->reference, best);
  quern_sweep_page_choice_cb (self);
}

/* Returns: (transfer full) (nullable) */
static QuernSweepSetup *
dup_setup (QuernSweepPage *self, GError **error)
{
  QuernTextChoice *text = quern_measure_text_dup_choice (self->text, error);
  guint reference = adw_combo_row_get_selected (self->reference);
  g_autoptr (GStrvBuilder) only = g_strv_builder_new ();
  QuernSweepSetup *setup;

  if (text == NULL)
    return NULL;
  setup = quern_sweep_setup_new (quern_hub_repo_get_id (self->repo),
                                 quern_hub_item_get_label (self->offers->pdata[reference]));
  for (guint i = 0; i < self->offers->len; i++)
    if (i == reference || gtk_check_button_get_active (self->checks->pdata[i]))
      g_strv_builder_add (only, quern_hub_item_get_label (self->offers->pdata[i]));
  setup->only = g_strv_builder_end (only);
  quern_text_choice_free (setup->text);
  setup->text = text;
  setup->windows = adw_switch_row_get_active (self->llama) ? QUERN_MEASURE_WINDOWS_LLAMA : QUERN_MEASURE_WINDOWS_QUERN;
  setup->n_ctx = (guint) adw_spin_row_get_value (self->context);
  setup->budget = (guint64) (adw_spin_row_get_value (self->budget) * GIGABYTE);
  setup->delete_models = adw_switch_row_get_active (self->delete_models);
  return setup;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static void
run (QuernSweepPage *self)
{
  if (quern_models_service_must_ask (self->service))
    quern_models_service_allow_metered (self->service); /* the question before said so */
  quern_sweeps_run (get_sweeps (self));
}

static void
quern_sweep_page_response_cb (AdwAlertDialog *dialog, const char *response, QuernSweepPage *self)
{
  QuernSweeps *sweeps = get_sweeps (self);
  QuernSweep *sweep = g_object_get_data (G_OBJECT (dialog), "sweep");

  if (quern_sweeps_get_sweep (sweeps) != sweep || quern_sweeps_get_running (sweeps))
    return; /* another one was opened in the meantime */
  if (g_str_equal (response, "measure")) {
    show_sweep (self, sweep);
    run (self);
  } else if (self->sweep == NULL)
    quern_sweeps_forget (sweeps);
  quern_sweep_page_update (self);
}

/* Asks with the estimate, before anything is downloaded. */
static void
estimated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweepPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernSweepEstimate) estimate = quern_sweep_estimate_finish (QUERN_SWEEP (source), result, &error);
  g_autofree char *text = estimate != NULL ? quern_sweep_estimate_dup_text (estimate) : g_strdup (error->message);
  AdwAlertDialog *dialog;

  if (self->banner == NULL || quern_sweeps_get_sweep (get_sweeps (self)) != QUERN_SWEEP (source))
    return;
  self->opening = FALSE;
  quern_sweep_page_update (self);
  dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Measure These Quantisations?"), NULL));
  if (quern_models_service_must_ask (self->service))
    adw_alert_dialog_format_body (dialog, "%s %s", text, _("This network is metered, and downloads may cost money."));
  else
    adw_alert_dialog_set_body (dialog, text);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "measure", _("_Measure"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "measure", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (dialog, "measure");
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "sweep", g_object_ref (source), g_object_unref);
  g_signal_connect_object (dialog, "response", G_CALLBACK (quern_sweep_page_response_cb), self, 0);
  adw_dialog_present (ADW_DIALOG (dialog), GTK_WIDGET (self));
}

static void
quern_sweep_page_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweepPage) self = user_data;
  QuernSweeps *sweeps = QUERN_SWEEPS (source);
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_sweeps_open_finish (sweeps, result, &error);

  if (self->banner == NULL)
    return;
  if (ok && self->sweep == NULL && quern_sweeps_get_setup (sweeps)->folder == NULL) { /* a new one */
    quern_sweep_estimate_async (quern_sweeps_get_sweep (sweeps), self->estimating, estimated_cb, g_object_ref (self));
    return;
  }
  self->opening = FALSE;
  if (ok)
    show_sweep (self, quern_sweeps_get_sweep (sweeps));
  else
    quern_sweep_page_problem_cb (self, error->message);
  quern_sweep_page_update (self);
}

static void
quern_sweep_page_open (QuernSweepPage *self, QuernSweepSetup *setup)
{
  self->opening = TRUE;
  quern_sweep_page_update (self);
  quern_sweeps_open_async (get_sweeps (self), setup, self->repo, quern_sweep_page_opened_cb, g_object_ref (self));
}

static void
quern_sweep_page_start_cb (QuernSweepPage *self)
{
  g_autoptr (GError) error = NULL;
  QuernSweepSetup *setup = dup_setup (self, &error);

  quern_sweep_page_problem_cb (self, setup != NULL ? NULL : error->message);
  if (setup != NULL)
    quern_sweep_page_open (self, setup);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static void
quern_sweep_page_go_on_cb (QuernSweepPage *self)
{
  run (self);
}

static void
quern_sweep_page_pause_cb (QuernSweepPage *self)
{
  self->ending = TRUE;
  quern_sweeps_pause (get_sweeps (self));
  quern_sweep_page_update (self);
}

static void
quern_sweep_page_stop_cb (QuernSweepPage *self)
{
  self->ending = TRUE;
  quern_sweeps_stop (get_sweeps (self));
  quern_sweep_page_update (self);
}

static void
quern_sweep_page_deleted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweepPage) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_sweep_setup_delete_finish (result, &error);

  if (self->banner != NULL && !ok)
    quern_sweep_page_problem_cb (self, error->message);
}

static void
delete_response_cb (AdwAlertDialog *dialog, const char *response, QuernSweepPage *self)
{
  QuernSweeps *sweeps = get_sweeps (self);
  g_autoptr (QuernSweepSetup) setup = NULL;

  if (!g_str_equal (response, "delete") || self->sweep == NULL || quern_sweeps_get_running (sweeps))
    return;
  setup = quern_sweep_setup_new ("", "");
  setup->folder = g_strdup (quern_sweep_get_folder (self->sweep));
  quern_sweeps_forget (sweeps); /* lets go of its files */
  quern_sweep_setup_delete_async (setup, quern_sweep_page_deleted_cb, g_object_ref (self));
}

static void
quern_sweep_page_delete_cb (QuernSweepPage *self)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (
      adw_alert_dialog_new (_("Delete These Results?"),
                            _("What was measured, and what is kept of the reference, is deleted. Models stay.")));

  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "delete", _("_Delete"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "delete", ADW_RESPONSE_DESTRUCTIVE);
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (delete_response_cb), self, 0);
  adw_dialog_present (ADW_DIALOG (dialog), GTK_WIDGET (self));
}

/* ---- object ------------------------------------------------------------------------------------------------------ */

static void
quern_sweep_page_dispose (GObject *object)
{
  QuernSweepPage *self = QUERN_SWEEP_PAGE (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->estimating);
  g_clear_object (&self->estimating);
  adw_navigation_page_set_child (ADW_NAVIGATION_PAGE (self), NULL); /* its parent class would free it again */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SWEEP_PAGE);
  g_clear_object (&self->sweep);
  g_clear_object (&self->repo);
  g_clear_object (&self->service);
  g_clear_pointer (&self->checks, g_ptr_array_unref);
  g_clear_pointer (&self->offers, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_sweep_page_parent_class)->dispose (object);
}

static void
quern_sweep_page_class_init (QuernSweepPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_sweep_page_dispose;
  g_type_ensure (QUERN_TYPE_MEASURE_RESULTS);
  g_type_ensure (QUERN_TYPE_MEASURE_TEXT);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-sweep-page.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, setup);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, start);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, go_on);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, pause);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, stop);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, delete);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, reference);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, quantisations);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, text);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, delete_models);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, llama);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, budget);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, context);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, facts);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, left);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, items);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, progress);
  gtk_widget_class_bind_template_child (widget_class, QuernSweepPage, results);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_dismiss_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_choice_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_problem_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_start_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_go_on_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_pause_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_stop_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_sweep_page_delete_cb);
}

static void
quern_sweep_page_init (QuernSweepPage *self)
{
  self->offers = g_ptr_array_new_with_free_func (g_object_unref);
  self->checks = g_ptr_array_new ();
  self->estimating = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_sweep_page_new:
 * @setup: (nullable): of a sweep of @repo that is kept, which is opened; %NULL to choose what is measured
 */
AdwNavigationPage *
quern_sweep_page_new (QuernModelsService *service, QuernHubRepo *repo, const QuernSweepSetup *setup)
{
  QuernSweepPage *self = g_object_new (QUERN_TYPE_SWEEP_PAGE, NULL);
  QuernSweeps *sweeps = quern_models_service_get_sweeps (service);

  self->service = g_object_ref (service);
  self->repo = g_object_ref (repo);
  quern_measure_text_set_context (self->text, NULL, quern_sweeps_get_store (sweeps));
  fill_offers (self);
  g_signal_connect_object (sweeps, "notify::running", G_CALLBACK (quern_sweep_page_running_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (sweeps, "notify::sweep", G_CALLBACK (sweep_changed_cb), self, G_CONNECT_SWAPPED);
  if (setup != NULL && quern_sweeps_is_open (sweeps, setup->folder))
    show_sweep (self, quern_sweeps_get_sweep (sweeps));
  else if (setup != NULL)
    quern_sweep_page_open (self, quern_sweep_setup_copy (setup));
  else
    quern_sweep_page_update (self);
  return ADW_NAVIGATION_PAGE (self);
}
