/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-dialog.h"

#include "quern-heat-map.h"
#include "quern-measure-chart.h"
#include "quern-measure-table.h"
#include "quern-sample-text.h"

#include <glib/gi18n.h>

/* Numbers for the models of a comparison on one text. The measurement belongs to the comparison: it goes on when the
 * dialog is closed, and is found again. */

#define UPDATE_DELAY 250 /* ms between updates while it runs */
#define MAX_FILE (4 * 1024 * 1024)

enum { SOURCE_SAMPLE, SOURCE_FILE, SOURCE_ANSWERS };

struct _QuernMeasureDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  AdwPreferencesGroup *setup;
  AdwComboRow *reference, *source;
  AdwActionRow *file_row;
  GtkWidget *start, *stop, *results;
  GtkToggleButton *pause;
  GtkProgressBar *progress;
  GtkLabel *note;
  GtkBox *verdicts;
  GtkGrid *table;
  AdwToggleGroup *axis;
  QuernMeasureChart *chart;
  GtkDropDown *which;
  QuernHeatMap *heat_map;

  /* Owned references */
  QuernComparison *comparison;
  GPtrArray *columns; /* of QuernCompareColumn: those that differ in model or cache type, largest first */
  GSignalGroup *signals;
  GCancellable *cancellable;
  char *file_text, *file_name;

  guint timer;
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
banner_clicked_cb (QuernMeasureDialog *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static void
axis_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = self->comparison != NULL ? quern_comparison_get_measure (self->comparison) : NULL;
  if (measure != NULL)
    quern_measure_chart_show (self->chart, measure, adw_toggle_group_get_active (self->axis) == 1);
}

static void
which_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = self->comparison != NULL ? quern_comparison_get_measure (self->comparison) : NULL;
  guint selected = gtk_drop_down_get_selected (self->which);

  if (measure != NULL && selected != GTK_INVALID_LIST_POSITION)
    quern_heat_map_show (self->heat_map, measure, selected + 1);
}

static void
update_numbers (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);
  QuernMeasured *first = measure != NULL ? quern_measure_get_result (measure, 0) : NULL;

  gtk_widget_set_visible (self->results, first != NULL && quern_measured_get_n_positions (first) > 0);
  if (!gtk_widget_get_visible (self->results))
    return;
  quern_measure_verdicts_fill (self->verdicts, measure);
  quern_measure_table_fill (self->table, measure);
  axis_cb (self);
}

static void
update_state (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);
  gboolean running = measure != NULL && quern_measure_get_running (measure);
  const char *note = measure != NULL ? quern_measure_get_note (measure) : NULL;

  gtk_widget_set_sensitive (GTK_WIDGET (self->setup), !running);
  gtk_widget_set_visible (self->start, !running);
  gtk_widget_set_visible (self->stop, running);
  gtk_widget_set_visible (GTK_WIDGET (self->pause), running);
  gtk_widget_set_visible (GTK_WIDGET (self->progress), running);
  gtk_progress_bar_set_fraction (self->progress, measure != NULL ? quern_measure_get_progress (measure) : 0);
  gtk_label_set_label (self->note, note != NULL ? note : "");
  gtk_widget_set_visible (GTK_WIDGET (self->note), note != NULL);
}

static gboolean
timer_cb (gpointer user_data)
{
  QuernMeasureDialog *self = QUERN_MEASURE_DIALOG (user_data);

  self->timer = 0;
  update_state (self);
  update_numbers (self);
  return G_SOURCE_REMOVE;
}

static void
progress_cb (QuernMeasureDialog *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add (UPDATE_DELAY, timer_cb, self);
}

static void
show_result (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  for (guint i = 1; measure != NULL && i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (measure, i));
    gtk_string_list_append (names, name);
  }
  gtk_drop_down_set_model (self->which, G_LIST_MODEL (names));
  update_state (self);
  update_numbers (self);
  if (gtk_widget_get_visible (self->results)) /* the one that differs most is the last: the smallest */
    gtk_drop_down_set_selected (self->which, g_list_model_get_n_items (G_LIST_MODEL (names)) - 1);
  which_cb (self);
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

static gboolean
add_text (QuernMeasureDialog *self, QuernMeasure *measure, QuernCompareColumn *reference)
{
  guint n = quern_comparison_get_n_columns (self->comparison);

  switch (adw_combo_row_get_selected (self->source)) {
  case SOURCE_FILE:
    if (self->file_text == NULL) {
      show_problem (self, _ ("Choose a text file first."));
      return FALSE;
    }
    quern_measure_add_text (measure, self->file_text);
    quern_measure_set_source (measure, self->file_name);
    return TRUE;
  case SOURCE_ANSWERS:
    for (guint i = 0; i < n; i++)
      if (quern_comparison_get_column (self->comparison, i) == reference)
        quern_comparison_add_answers (self->comparison, i, measure);
    quern_measure_set_source (measure, _ ("The reference's own answers"));
    return TRUE;
  default:
    quern_measure_add_text (measure, quern_sample_text ());
    quern_measure_set_source (measure, _ ("Built-in sample"));
    return TRUE;
  }
}

static void
run (QuernMeasureDialog *self, QuernMeasure *measure)
{
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  gtk_toggle_button_set_active (self->pause, FALSE);
  adw_banner_set_revealed (self->banner, FALSE);
  g_signal_group_set_target (self->signals, measure);
  quern_measure_run_async (measure, self->cancellable, done_cb, g_object_ref (self));
  update_state (self);
}

static void
start_cb (QuernMeasureDialog *self)
{
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  QuernCompareColumn *reference = g_ptr_array_index (self->columns, adw_combo_row_get_selected (self->reference));

  quern_measure_add_model (measure, quern_compare_column_get_model (reference),
                           quern_compare_column_get_kv_type (reference));
  for (guint i = 0; i < self->columns->len; i++) {
    QuernCompareColumn *column = g_ptr_array_index (self->columns, i);
    if (column != reference)
      quern_measure_add_model (measure, quern_compare_column_get_model (column),
                               quern_compare_column_get_kv_type (column));
  }
  if (!add_text (self, measure, reference))
    return;
  quern_comparison_set_measure (self->comparison, measure);
  run (self, measure);
}

static void
pause_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure != NULL)
    quern_measure_set_paused (measure, gtk_toggle_button_get_active (self->pause));
}

static void
stop_cb (QuernMeasureDialog *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self->comparison);

  if (measure != NULL)
    quern_measure_set_paused (measure, FALSE);
  g_cancellable_cancel (self->cancellable);
}

/* ---- the text --------------------------------------------------------------------------------------------------- */

static void
source_selected_cb (QuernMeasureDialog *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->file_row), adw_combo_row_get_selected (self->source) == SOURCE_FILE);
}

static void
file_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *name = g_file_get_basename (G_FILE (source));
  gsize length;

  if (!g_file_load_contents_finish (G_FILE (source), result, &text, &length, NULL, &error)) {
    show_problem (self, error->message);
    return;
  }
  if (length > MAX_FILE || !g_utf8_validate (text, (gssize) length, NULL)) {
    show_problem (self, length > MAX_FILE ? _ ("That file is larger than 4 MB: choose a part of it.")
                                          : _ ("That file is no text in UTF-8."));
    return;
  }
  g_free (self->file_text);
  self->file_text = g_steal_pointer (&text);
  g_set_str (&self->file_name, name);
  adw_action_row_set_subtitle (self->file_row, name);
}

static void
file_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureDialog) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL)
    g_file_load_contents_async (file, NULL, file_read_cb, g_object_ref (self));
}

static void
choose_file_cb (QuernMeasureDialog *self)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _ ("Choose a Text"));
  gtk_file_dialog_open (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL, file_chosen_cb,
                        g_object_ref (self));
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
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->columns, g_ptr_array_unref);
  g_clear_pointer (&self->file_text, g_free);
  g_clear_pointer (&self->file_name, g_free);
  G_OBJECT_CLASS (quern_measure_dialog_parent_class)->dispose (object);
}

static void
quern_measure_dialog_class_init (QuernMeasureDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_measure_dialog_dispose;
  g_type_ensure (QUERN_TYPE_HEAT_MAP);
  g_type_ensure (QUERN_TYPE_MEASURE_CHART);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/compare/quern-measure-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, setup);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, reference);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, source);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, file_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, start);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, stop);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, pause);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, progress);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, note);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, results);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, verdicts);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, table);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, axis);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, chart);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, which);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureDialog, heat_map);
  gtk_widget_class_bind_template_callback (widget_class, banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, source_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, choose_file_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_cb);
  gtk_widget_class_bind_template_callback (widget_class, pause_cb);
  gtk_widget_class_bind_template_callback (widget_class, stop_cb);
  gtk_widget_class_bind_template_callback (widget_class, axis_cb);
  gtk_widget_class_bind_template_callback (widget_class, which_cb);
}

static void
quern_measure_dialog_init (QuernMeasureDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->columns = g_ptr_array_new_with_free_func (g_object_unref);
  self->signals = g_signal_group_new (QUERN_TYPE_MEASURE);
  g_signal_group_connect_swapped (self->signals, "notify::progress", G_CALLBACK (progress_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::running", G_CALLBACK (update_state), self);
  g_signal_group_connect_swapped (self->signals, "notify::note", G_CALLBACK (update_state), self);
}

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  guint64 x = quern_compare_column_get_facts (*(QuernCompareColumn *const *) a)->file_bytes;
  guint64 y = quern_compare_column_get_facts (*(QuernCompareColumn *const *) b)->file_bytes;
  return x > y ? -1 : x < y;
}

static void
collect_columns (QuernMeasureDialog *self)
{
  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self->comparison, i);
    gboolean known = quern_compare_column_get_model (column) == NULL;
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

static void
offer (QuernMeasureDialog *self)
{
  const char *sources[] = { _ ("Built-in sample"), _ ("A file…"), _ ("The reference's own answers"), NULL };
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL), texts = NULL;

  for (guint i = 0; i < self->columns->len; i++) {
    g_autofree char *name = quern_compare_column_dup_label (g_ptr_array_index (self->columns, i));
    gtk_string_list_append (names, name);
  }
  if (quern_comparison_get_n_turns (self->comparison) == 0)
    sources[SOURCE_ANSWERS] = NULL;
  texts = gtk_string_list_new (sources);
  adw_combo_row_set_model (self->reference, G_LIST_MODEL (names));
  adw_combo_row_set_model (self->source, G_LIST_MODEL (texts));
  gtk_widget_set_sensitive (self->start, self->columns->len > 0);
}

/**
 * quern_measure_dialog_new:
 * @comparison: whose models are measured; it keeps the measurement
 */
AdwDialog *
quern_measure_dialog_new (QuernComparison *comparison)
{
  QuernMeasureDialog *self = g_object_new (QUERN_TYPE_MEASURE_DIALOG, NULL);

  self->comparison = g_object_ref (comparison);
  collect_columns (self);
  offer (self);
  g_signal_group_set_target (self->signals, quern_comparison_get_measure (comparison));
  show_result (self);
  return ADW_DIALOG (self);
}
