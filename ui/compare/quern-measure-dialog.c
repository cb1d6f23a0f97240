/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-dialog.h"

#include "quern-measure-results.h"
#include "quern-measure-text.h"

#include <glib/gi18n.h>

/* Measures the models of a comparison on one text. The measurement belongs to the comparison: it continues when the
 * dialog is closed, and the next dialog shows it again. */

#define UPDATE_DELAY 250 /* ms between updates while it runs */
#define TOP 40           /* tokens of the second divergence: what others publish */

struct _QuernMeasureDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  GtkWidget *setup, *again;
  GtkLabel *intro;
  AdwComboRow *reference;
  QuernMeasureText *text;
  GtkWidget *go_on, *start, *stop;
  GtkToggleButton *pause;
  GtkProgressBar *progress;
  AdwSwitchRow *llama, *top;
  QuernMeasureResults *results;

  /* Owned references */
  QuernComparison *comparison;
  QuernBackend *backend;
  GPtrArray *columns; /* of QuernCompareColumn: those that differ in model or cache type, largest first */
  GSignalGroup *signals;

  guint timer;
  gboolean anew;    /* shows the set-up although there are results */
  gboolean syncing; /* the program sets the pause button */
};

G_DEFINE_FINAL_TYPE (QuernMeasureDialog, quern_measure_dialog, ADW_TYPE_DIALOG)

static void
show_problem (QuernMeasureDialog *self, const char *sentence)
{
  adw_banner_set_title (self->banner, sentence);
  adw_banner_set_use_markup (self->banner, FALSE);
  adw_banner_set_revealed (self->banner, TRUE);
}

static void
quern_measure_dialog_banner_clicked_cb (QuernMeasureDialog *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

/* Returns whether a measurement can go on that was stopped, failed, or was interrupted by the end of the program. */
static gboolean
can_go_on (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure == NULL || quern_measure_get_running (measure) || quern_measure_get_complete (measure)
      || quern_measure_get_n_tokens (measure) == 0)
    return FALSE;
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++)
    if (quern_measured_get_model (quern_measure_get_result (measure, i)) == NULL)
      return FALSE;
  return TRUE;
}

static void
quern_measure_dialog_update_state (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);
  gboolean running = measure != NULL && quern_measure_get_running (measure);
  gboolean measured = measure != NULL && (running || quern_measure_get_complete (measure)),
           setting_up = !running && (self->anew || !measured), paused = running && quern_measure_get_paused (measure);

  gtk_widget_set_visible (GTK_WIDGET (self->intro), setting_up);
  gtk_widget_set_visible (self->setup, setting_up);
  gtk_widget_set_visible (self->again, !running && !setting_up);
  gtk_widget_set_visible (self->go_on, can_go_on (self));
  gtk_widget_set_visible (self->start, setting_up);
  gtk_widget_set_visible (self->stop, running);
  gtk_widget_set_visible (GTK_WIDGET (self->pause), running);
  self->syncing = TRUE;
  gtk_toggle_button_set_active (self->pause, paused);
  gtk_button_set_label (GTK_BUTTON (self->pause), paused ? _("Paused") : _("Pause"));
  self->syncing = FALSE;
  gtk_widget_set_visible (GTK_WIDGET (self->progress), running);
  gtk_progress_bar_set_fraction (self->progress, measure != NULL ? quern_measure_get_progress (measure) : 0);
  quern_measure_results_update (self->results, running);
}

static gboolean
quern_measure_dialog_timer_cb (gpointer user_data)
{
  QuernMeasureDialog *self = QUERN_MEASURE_DIALOG (user_data);

  self->timer = 0;
  quern_measure_dialog_update_state (self);
  return G_SOURCE_REMOVE;
}

static void
quern_measure_dialog_progress_cb (QuernMeasureDialog *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add (UPDATE_DELAY, quern_measure_dialog_timer_cb, self);
}

static void
show_result (QuernMeasureDialog *self)
{
  quern_measure_results_show (self->results, quern_comparison_get_measure (self->comparison), TRUE);
  quern_measure_dialog_update_state (self);
}

/* The measurement may have been started from an earlier dialog. */
static void
running_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure != NULL && !quern_measure_get_running (measure))
    show_result (self);
  else
    quern_measure_dialog_update_state (self);
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_measure_run_finish (QUERN_MEASURE (source), result, &error);

  if (self->banner == NULL || quern_comparison_get_measure (self->comparison) != QUERN_MEASURE (source))
    return;
  if (!ok && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_problem (self, error->message);
  show_result (self);
}

/* The old results stay below until there are new ones. */
static void
again_cb (QuernMeasureDialog *self)
{
  self->anew = TRUE;
  adw_banner_set_revealed (self->banner, FALSE);
  quern_measure_dialog_update_state (self);
  gtk_widget_grab_focus (self->start);
}

static void
quern_measure_dialog_run (QuernMeasureDialog *self, QuernMeasure *measure)
{
  self->anew = FALSE;
  quern_measure_set_paused (measure, FALSE);
  quern_measure_results_show (self->results, measure, TRUE);
  adw_banner_set_revealed (self->banner, FALSE);
  g_signal_group_set_target (self->signals, measure);
  quern_measure_run_async (measure, self->backend, NULL, done_cb, g_object_ref (self));
  quern_measure_dialog_update_state (self);
}

typedef struct {
  QuernMeasureDialog *dialog;
  QuernMeasure *measure;
} Starting;

static void
text_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Starting *starting = user_data;
  QuernMeasureDialog *self = starting->dialog;
  g_autoptr (GError) error = NULL;

  if (self->banner == NULL) {
    ; /* the dialog was closed in the meantime, and nothing was started */
  } else if (quern_measure_text_add_finish (QUERN_MEASURE_TEXT (source), result, &error)) {
    quern_comparison_set_measure (self->comparison, starting->measure);
    quern_measure_dialog_run (self, starting->measure);
  } else {
    show_problem (self, error->message);
  }
  g_object_unref (starting->measure);
  g_object_unref (self);
  g_free (starting);
}

static void
quern_measure_dialog_start_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_measure_new ();
  QuernCompareColumn *reference = g_ptr_array_index (self->columns, adw_combo_row_get_selected (self->reference));
  Starting *starting = g_new (Starting, 1);

  quern_measure_add_model (measure, quern_compare_column_get_model (reference),
                           quern_compare_column_get_kv_type (reference));
  for (guint i = 0; i < self->columns->len; i++) {
    QuernCompareColumn *column = g_ptr_array_index (self->columns, i);
    if (column != reference)
      quern_measure_add_model (measure, quern_compare_column_get_model (column),
                               quern_compare_column_get_kv_type (column));
  }
  quern_measure_set_windows (measure, adw_switch_row_get_active (self->llama) ? QUERN_MEASURE_WINDOWS_LLAMA
                                                                              : QUERN_MEASURE_WINDOWS_QUERN);
  if (gtk_widget_get_visible (GTK_WIDGET (self->top)))
    quern_measure_set_top (measure, adw_switch_row_get_active (self->top) ? TOP : 0);
  *starting = (Starting) { g_object_ref (self), measure };
  quern_measure_text_add_async (self->text, measure, reference, text_added_cb, starting);
}

static void
go_on_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure != NULL && !quern_measure_get_running (measure))
    quern_measure_dialog_run (self, measure);
}

static void
pause_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure != NULL && !self->syncing)
    quern_measure_set_paused (measure, gtk_toggle_button_get_active (self->pause));
}

static void
quern_measure_dialog_stop_cb (QuernMeasureDialog *self)
{
  quern_measure_stop (quern_comparison_get_measure (self->comparison));
}

/* A problem lasts until another text is chosen. */
static void
text_problem_cb (QuernMeasureDialog *self, const char *sentence)
{
  if (sentence != NULL)
    show_problem (self, sentence);
  else
    adw_banner_set_revealed (self->banner, FALSE);
}

static gboolean
quern_measure_dialog_drop_cb (QuernMeasureDialog *self, const GValue *value)
{
  if (!gtk_widget_get_visible (self->setup))
    return FALSE;
  quern_measure_text_read_file (self->text, g_value_get_object (value));
  return TRUE;
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_measure_dialog_dispose (GObject *object)
{
  QuernMeasureDialog *self = QUERN_MEASURE_DIALOG (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->signals);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_MEASURE_DIALOG);
  g_clear_object (&self->comparison);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->columns, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_measure_dialog_parent_class)->dispose (object);
}

static void
quern_measure_dialog_class_init (QuernMeasureDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_measure_dialog_dispose;
  g_type_ensure (QUERN_TYPE_MEASURE_RESULTS);
  g_type_ensure (QUERN_TYPE_MEASURE_TEXT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/compare/quern-measure-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, intro);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, setup);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, again);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, reference);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, text);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, go_on);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, start);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, stop);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, pause);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, progress);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, results);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, top);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, llama);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_dialog_banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, text_problem_cb);
  gtk_widget_class_bind_template_callback (widget_class, again_cb);
  gtk_widget_class_bind_template_callback (widget_class, go_on_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_dialog_start_cb);
  gtk_widget_class_bind_template_callback (widget_class, pause_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_dialog_stop_cb);
}

static void
quern_measure_dialog_init (QuernMeasureDialog *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);

  gtk_widget_init_template (GTK_WIDGET (self));
  self->columns = g_ptr_array_new_with_free_func (g_object_unref);
  self->signals = g_signal_group_new (QUERN_TYPE_MEASURE);
  g_signal_group_connect_swapped (self->signals, "notify::progress", G_CALLBACK (quern_measure_dialog_progress_cb),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::running", G_CALLBACK (running_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::paused", G_CALLBACK (quern_measure_dialog_update_state),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::note", G_CALLBACK (quern_measure_dialog_update_state), self);
  g_signal_connect_swapped (target, "drop", G_CALLBACK (quern_measure_dialog_drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  guint64 x = quern_compare_column_get_facts (*(QuernCompareColumn *const *) a)->file_bytes;
  guint64 y = quern_compare_column_get_facts (*(QuernCompareColumn *const *) b)->file_bytes;
  return x > y ? -1 : x < y;
}

static gboolean
can_measure (QuernMeasureDialog *self, QuernModel *model)
{
  return (quern_backend_get_capabilities (self->backend, model) & (QUERN_CAN_SCORE | QUERN_CAN_SCORE_TOP)) != 0;
}

/* Says what is possible with models on servers: that those which tell nothing of a text are left out, and that of others the
 * likeliest tokens alone are known. */
static void
explain_servers (QuernMeasureDialog *self)
{
  g_autoptr (GString) text = g_string_new (gtk_label_get_label (self->intro));
  gboolean remote = FALSE;

  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++) {
    QuernModel *model = quern_compare_column_get_model (quern_comparison_get_column (self->comparison, i));
    g_autoptr (GError) refusal = NULL;

    if (model == NULL || !quern_model_is_remote (model))
      continue;
    if (can_measure (self, model)) {
      remote = TRUE;
      continue;
    }
    quern_inference_refuse_scores (model, &refusal);
    g_string_append_printf (text, "\n\n%s", refusal->message);
  }
  gtk_widget_set_visible (GTK_WIDGET (self->top), !remote); /* there is no other divergence then */
  if (remote)
    g_string_append_printf (text, "\n\n%s",
                            _("A server among them tells the likeliest tokens alone. So the divergence is over those, "
                              "with all others taken as one, for every model here."));
  gtk_label_set_label (self->intro, text->str);
}

static void
collect_columns (QuernMeasureDialog *self)
{
  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self->comparison, i);
    QuernModel *model = quern_compare_column_get_model (column);
    gboolean known = model == NULL || !can_measure (self, model);
    for (guint k = 0; k < self->columns->len && !known; k++) {
      QuernCompareColumn *other = g_ptr_array_index (self->columns, k);
      known = quern_compare_column_get_model (other) == quern_compare_column_get_model (column)
              && quern_compare_column_get_kv_type (other) == quern_compare_column_get_kv_type (column);
    }
    if (!known)
      g_ptr_array_add (self->columns, g_object_ref (column));
  }
  g_ptr_array_sort (self->columns, compare_sizes);
}

/**
 * quern_measure_dialog_new:
 * @comparison: whose models are measured; it keeps the measurement
 * @backend: where the models run
 * @store: (nullable): whose conversations may be the text
 *
 * Returns: (transfer floating): the dialog, to be presented
 */
AdwDialog *
quern_measure_dialog_new (QuernComparison *comparison, QuernBackend *backend, QuernStore *store)
{
  QuernMeasureDialog *self = g_object_new (QUERN_TYPE_MEASURE_DIALOG, NULL);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  self->comparison = g_object_ref (comparison);
  self->backend = g_object_ref (backend);
  collect_columns (self);
  explain_servers (self);
  for (guint i = 0; i < self->columns->len; i++)
    gtk_string_list_take (names, quern_compare_column_dup_label (g_ptr_array_index (self->columns, i)));
  adw_combo_row_set_model (self->reference, G_LIST_MODEL (names));
  quern_measure_text_set_context (self->text, comparison, store);
  gtk_widget_set_sensitive (self->start, self->columns->len > 0);
  g_signal_group_set_target (self->signals, quern_comparison_get_measure (comparison));
  show_result (self);
  return ADW_DIALOG (self);
}
