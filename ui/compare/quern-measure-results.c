/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-results.h"

#include "quern-chart.h"
#include "quern-heat-map.h"
#include "quern-measure-chart.h"
#include "quern-measure-table.h"
#include "quern-model-card.h"
#include "quern-verdict.h"

#include <glib/gi18n.h>

enum { PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

struct _QuernMeasureResults {
  GtkBox parent_instance;

  /* Template widgets */
  GtkLabel *note, *summary;
  GtkBox *verdicts, *meaning;
  GtkGrid *table, *details, *categories;
  GtkToggleButton *all_figures;
  GtkWidget *details_scroll, *categories_box, *text_box;
  GtkButton *copy;
  AdwToggleGroup *axis;
  QuernMeasureChart *chart;
  GtkDropDown *which;
  QuernHeatMap *heat_map;

  /* Owned references */
  QuernMeasure *measure; /* or NULL */

  gboolean copying; /* the files of the card's models are being hashed */
  gboolean running, disposed;
};

G_DEFINE_FINAL_TYPE (QuernMeasureResults, quern_measure_results, GTK_TYPE_BOX)

static void
axis_cb (QuernMeasureResults *self)
{
  if (self->measure != NULL)
    quern_measure_chart_show (self->chart, self->measure, adw_toggle_group_get_active (self->axis) == 1);
}

static void
which_cb (QuernMeasureResults *self)
{
  guint selected = gtk_drop_down_get_selected (self->which);

  if (self->measure == NULL || selected == GTK_INVALID_LIST_POSITION || !gtk_widget_get_visible (self->text_box))
    return;
  quern_heat_map_show (self->heat_map, self->measure, selected + 1);
  quern_measure_meaning_fill (self->meaning, self->measure, selected + 1);
}

static void
all_figures_cb (QuernMeasureResults *self)
{
  gboolean shown = gtk_toggle_button_get_active (self->all_figures);

  gtk_widget_set_visible (self->details_scroll, shown);
  if (self->measure != NULL && shown)
    quern_measure_details_fill (self->details, self->measure);
}

/* ---- model card -------------------------------------------------------------------------------------------------- */

static void
card_ready_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureResults) self = user_data;
  g_autofree char *card = NULL;

  if (self->disposed)
    return;
  self->copying = FALSE;
  quern_model_card_prepare_finish (QUERN_MEASURE (source), result, NULL); /* the card says which hashes are not known */
  card = quern_model_card_dup_markdown (QUERN_MEASURE (source));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), card);
  gtk_button_set_label (self->copy, _("Copied"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->copy), !self->running);
}

static void
copy_card_cb (QuernMeasureResults *self)
{
  self->copying = TRUE;
  gtk_widget_set_sensitive (GTK_WIDGET (self->copy), FALSE);
  quern_model_card_prepare_async (self->measure, NULL, card_ready_cb, g_object_ref (self));
}

/* ---- the chart as a file ----------------------------------------------------------------------------------------- */

static void
chart_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureResults) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_file_replace_contents_finish (G_FILE (source), result, NULL, &error) && !self->disposed)
    g_signal_emit (self, signals[PROBLEM], 0, error->message);
}

static void
chart_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureResults) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);
  g_autofree char *sentence = NULL, *name = file != NULL ? g_file_get_basename (file) : NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (file == NULL || self->measure == NULL)
    return;
  const QuernChartContent content = { .measures = &self->measure,
                                      .n = 1,
                                      .by_speed = adw_toggle_group_get_active (self->axis) == 1 };
  if (g_str_has_suffix (name, ".png")) {
    bytes = quern_chart_to_png_bytes (&content);
  } else {
    sentence = quern_chart_dup_sentence (&content);
    char *svg = quern_chart_to_svg (&content, sentence != NULL ? sentence : _("Divergence of quantisations"), TRUE);
    bytes = g_bytes_new_take (svg, strlen (svg));
  }
  g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_REPLACE_DESTINATION, NULL,
                                       chart_written_cb, g_object_ref (self));
}

/* The ending of the name decides: .png, or else SVG. */
static void
save_chart_cb (QuernMeasureResults *self)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autofree char *name = g_strdup_printf ("%s.svg", _("Measurement"));

  gtk_file_dialog_set_title (dialog, _("Save Chart"));
  gtk_file_dialog_set_initial_name (dialog, name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL, chart_chosen_cb,
                        g_object_ref (self));
}

/* ---- object ------------------------------------------------------------------------------------------------------ */

static void
quern_measure_results_dispose (GObject *object)
{
  QuernMeasureResults *self = QUERN_MEASURE_RESULTS (object);

  self->disposed = TRUE;
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_MEASURE_RESULTS);
  g_clear_object (&self->measure);
  G_OBJECT_CLASS (quern_measure_results_parent_class)->dispose (object);
}

static void
quern_measure_results_class_init (QuernMeasureResultsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_measure_results_dispose;
  signals[PROBLEM] = g_signal_new ("problem", QUERN_TYPE_MEASURE_RESULTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_STRING);
  g_type_ensure (QUERN_TYPE_HEAT_MAP);
  g_type_ensure (QUERN_TYPE_MEASURE_CHART);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/compare/quern-measure-results.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, note);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, summary);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, verdicts);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, meaning);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, table);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, details);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, categories);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, all_figures);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, details_scroll);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, categories_box);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, text_box);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, copy);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, axis);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, chart);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, which);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureResults, heat_map);
  gtk_widget_class_bind_template_callback (widget_class, axis_cb);
  gtk_widget_class_bind_template_callback (widget_class, which_cb);
  gtk_widget_class_bind_template_callback (widget_class, all_figures_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_card_cb);
  gtk_widget_class_bind_template_callback (widget_class, save_chart_cb);
}

static void
quern_measure_results_init (QuernMeasureResults *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_measure_results_update:
 * @running: whether figures are still to change
 *
 * Shows what was measured meanwhile: nothing, before there is something.
 */
void
quern_measure_results_update (QuernMeasureResults *self, gboolean running)
{
  QuernMeasured *first = self->measure != NULL ? quern_measure_get_result (self->measure, 0) : NULL;
  const char *note = self->measure != NULL ? quern_measure_get_note (self->measure) : NULL;
  g_autofree char *summary = NULL;

  self->running = running;
  gtk_widget_set_visible (GTK_WIDGET (self), first != NULL && quern_measured_get_n_positions (first) > 0);
  gtk_widget_set_sensitive (GTK_WIDGET (self->copy), !running && !self->copying);
  gtk_label_set_label (self->note, note != NULL ? note : "");
  gtk_widget_set_visible (GTK_WIDGET (self->note), note != NULL);
  if (!gtk_widget_get_visible (GTK_WIDGET (self)))
    return;
  summary = quern_measure_dup_summary (self->measure);
  gtk_label_set_label (self->summary, summary);
  quern_measure_verdicts_fill (self->verdicts, self->measure);
  quern_measure_table_fill (self->table, self->measure);
  if (!running) /* means by category are not kept, as those over all positions are */
    gtk_widget_set_visible (self->categories_box, quern_measure_categories_fill (self->categories, self->measure));
  all_figures_cb (self);
  axis_cb (self);
}

/**
 * quern_measure_results_show:
 * @measure: (nullable): what is shown from now on
 * @with_text: whether its text is shown, with what the figures mean in it
 */
void
quern_measure_results_show (QuernMeasureResults *self, QuernMeasure *measure, gboolean with_text)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  g_set_object (&self->measure, measure);
  gtk_button_set_label (self->copy, _("Copy as Markdown"));
  for (guint i = 1; measure != NULL && i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (measure, i));
    gtk_string_list_append (names, name);
  }
  gtk_widget_set_visible (self->text_box, with_text);
  gtk_drop_down_set_model (self->which, G_LIST_MODEL (names));
  quern_measure_results_update (self, measure != NULL && quern_measure_get_running (measure));
  if (gtk_widget_get_visible (GTK_WIDGET (self))) /* the last model is the smallest, which mostly differs most */
    gtk_drop_down_set_selected (self->which, g_list_model_get_n_items (G_LIST_MODEL (names)) - 1);
  which_cb (self);
}
