/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-questions-dialog.h"

#include "servers/quern-sending.h"

#include <glib/gi18n.h>

/* The questions belong to the comparison: asking continues when the dialog is closed, and the next dialog shows the
 * results again. */

#define UPDATE_DELAY 250 /* ms between updates while it runs */
#define MAX_FILE (4 * 1024 * 1024)
#define SIGNIFICANT 0.05

enum { SOURCE_SAMPLE, SOURCE_FILE };

typedef struct {
  AdwPreferencesGroup *group;
  GtkWidget *row;
} AddedRow;

struct _QuernQuestionsDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  AdwPreferencesGroup *setup, *accuracy, *flips, *answers;
  AdwComboRow *source;
  AdwActionRow *file_row;
  GtkWidget *start, *stop;
  GtkProgressBar *progress;

  /* Owned references */
  QuernComparison *comparison;
  QuernBackend *backend;
  QuernQuestions *chosen; /* loaded from a file, and not asked yet */
  GSignalGroup *signals;
  GArray *rows; /* of AddedRow: what was added to the groups of the template */

  guint timer;
};

G_DEFINE_FINAL_TYPE (QuernQuestionsDialog, quern_questions_dialog, ADW_TYPE_DIALOG)

static void
show_problem (QuernQuestionsDialog *self, const char *sentence)
{
  adw_banner_set_title (self->banner, sentence);
  adw_banner_set_use_markup (self->banner, FALSE);
  adw_banner_set_revealed (self->banner, TRUE);
}

static void
quern_questions_dialog_banner_clicked_cb (QuernQuestionsDialog *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static AdwActionRow *
quern_questions_dialog_make_row (const char *title, const char *subtitle, const char *figure)
{
  GtkWidget *row = adw_action_row_new (), *label;

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  if (figure != NULL) {
    label = gtk_label_new (figure);
    gtk_widget_add_css_class (label, "numeric");
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  }
  return ADW_ACTION_ROW (row);
}

static void
quern_questions_dialog_add_row (QuernQuestionsDialog *self, AdwPreferencesGroup *group, GtkWidget *row)
{
  AddedRow added = { group, row };

  adw_preferences_group_add (group, row);
  g_array_append_val (self->rows, added);
}

static void
add_flips (QuernQuestionsDialog *self, QuernQuestions *questions, guint a, guint b)
{
  QuernFlips flips;
  g_autofree char *title = NULL, *subtitle = NULL, *figure = NULL;

  quern_questions_get_flips (questions, a, b, &flips);
  title = g_strdup_printf (_("%s against %s"), quern_questions_get_label (questions, a),
                           quern_questions_get_label (questions, b));
  /* Translators: counts of questions; then the verdict of a test */
  subtitle = g_strdup_printf (_("Only the first correct: %u · only the second: %u · %s"), flips.only_a, flips.only_b,
                              flips.p_value >= SIGNIFICANT  ? _("too close to call")
                              : flips.only_a > flips.only_b ? _("the first is better")
                                                            : _("the second is better"));
  figure = g_strdup_printf (_("%.0f %% flips, p = %.2g"), flips.flips * 100, flips.p_value);
  quern_questions_dialog_add_row (self, self->flips,
                                  GTK_WIDGET (quern_questions_dialog_make_row (title, subtitle, figure)));
}

static GtkWidget *
make_answer (QuernQuestions *questions, guint column, guint i)
{
  QuernCompareAnswer *answer = quern_questions_get_answer (questions, column, i);
  gboolean right = quern_questions_is_right (questions, column, i);
  gboolean ended = quern_compare_answer_get_state (answer) == QUERN_COMPARE_DONE
                   || quern_compare_answer_get_state (answer) == QUERN_COMPARE_CUT;
  AdwActionRow *row = quern_questions_dialog_make_row (quern_questions_get_label (questions, column),
                                                       quern_compare_answer_get_answer (answer),
                                                       !ended  ? _("No answer")
                                                       : right ? _("Correct")
                                                               : _("Incorrect"));
  GtkWidget *icon = gtk_image_new_from_icon_name (!ended  ? "content-loading-symbolic"
                                                  : right ? "object-select-symbolic"
                                                          : "window-close-symbolic");

  gtk_accessible_update_state (GTK_ACCESSIBLE (icon), GTK_ACCESSIBLE_STATE_HIDDEN, TRUE, -1); /* the word says it */
  adw_action_row_add_prefix (row, icon);
  return GTK_WIDGET (row);
}

static void
add_question (QuernQuestionsDialog *self, QuernQuestions *questions, guint i)
{
  GtkWidget *row = adw_expander_row_new ();
  guint n = quern_questions_get_n_columns (questions), right = 0;
  g_autofree char *subtitle = g_strdup_printf (_("Expected: %s"), quern_questions_get_expected (questions, i));
  g_autofree char *figure = NULL;
  GtkWidget *label;

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_questions_get_question (questions, i));
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (row), subtitle);
  for (guint column = 0; column < n; column++) {
    right += quern_questions_is_right (questions, column, i);
    adw_expander_row_add_row (ADW_EXPANDER_ROW (row), make_answer (questions, column, i));
  }
  /* Translators: columns that answered rightly, of all columns */
  figure = g_strdup_printf (_("%u of %u correct"), right, n);
  label = gtk_label_new (figure);
  gtk_widget_add_css_class (label, "numeric");
  adw_expander_row_add_suffix (ADW_EXPANDER_ROW (row), label);
  quern_questions_dialog_add_row (self, self->answers, row);
}

/* The list of answers is filled at the end, because filling it would collapse rows that were expanded. */
static void
update_results (QuernQuestionsDialog *self)
{
  QuernQuestions *questions = quern_comparison_get_questions (self->comparison);
  guint n = questions != NULL ? quern_questions_get_n_columns (questions) : 0;
  gboolean running = n > 0 && quern_questions_get_running (questions);

  for (guint i = 0; i < self->rows->len; i++) {
    const AddedRow *added = &g_array_index (self->rows, AddedRow, i);
    adw_preferences_group_remove (added->group, added->row);
  }
  g_array_set_size (self->rows, 0);
  for (guint a = 0; a < n; a++) {
    double low, high, share = quern_questions_get_accuracy (questions, a, &low, &high);
    guint right, all;
    g_autofree char *count = NULL, *figure = NULL;
    quern_questions_count (questions, a, &right, &all);
    count = g_strdup_printf (ngettext ("%u of %u question", "%u of %u questions", all), right, all);
    figure = g_strdup_printf (_("%.0f %% (%.0f to %.0f %%)"), share * 100, low * 100, high * 100);
    quern_questions_dialog_add_row (self, self->accuracy,
                                    GTK_WIDGET (
                                        quern_questions_dialog_make_row (quern_questions_get_label (questions, a),
                                                                         count, all > 0 ? figure : "")));
    for (guint b = a + 1; b < n; b++)
      add_flips (self, questions, a, b);
  }
  for (guint i = 0; n > 0 && !running && i < quern_questions_get_n (questions); i++)
    add_question (self, questions, i);
  gtk_widget_set_visible (GTK_WIDGET (self->accuracy), n > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->flips), n > 1);
  gtk_widget_set_visible (GTK_WIDGET (self->answers), n > 0 && !running);
}

static void
quern_questions_dialog_update (QuernQuestionsDialog *self)
{
  QuernQuestions *questions = quern_comparison_get_questions (self->comparison);
  gboolean running = questions != NULL && quern_questions_get_running (questions);
  double progress = 0;

  if (questions != NULL)
    g_object_get (questions, "progress", &progress, NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (self->setup), !running);
  gtk_widget_set_visible (self->start, !running);
  gtk_widget_set_sensitive (self->start, !quern_comparison_get_running (self->comparison));
  gtk_widget_set_visible (self->stop, running);
  gtk_widget_set_visible (GTK_WIDGET (self->progress), running);
  gtk_progress_bar_set_fraction (self->progress, progress);
  update_results (self);
}

static gboolean
quern_questions_dialog_timer_cb (gpointer user_data)
{
  QuernQuestionsDialog *self = QUERN_QUESTIONS_DIALOG (user_data);

  self->timer = 0;
  quern_questions_dialog_update (self);
  return G_SOURCE_REMOVE;
}

static void
quern_questions_dialog_changed_cb (QuernQuestionsDialog *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add (UPDATE_DELAY, quern_questions_dialog_timer_cb, self);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static void
quern_questions_dialog_asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernQuestionsDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_questions_run_finish (QUERN_QUESTIONS (source), result, &error);

  if (self->banner == NULL)
    return;
  if (!ok && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_problem (self, error->message);
  quern_questions_dialog_update (self);
}

static void
run_now_cb (GtkWidget *widget, gpointer questions)
{
  QuernQuestionsDialog *self = QUERN_QUESTIONS_DIALOG (widget);

  adw_banner_set_revealed (self->banner, FALSE);
  quern_comparison_set_questions (self->comparison, questions);
  g_signal_group_set_target (self->signals, questions);
  quern_questions_run_async (questions, self->comparison, self->backend, NULL, quern_questions_dialog_asked_cb,
                             g_object_ref (self));
  quern_questions_dialog_update (self);
}

static void
quern_questions_dialog_start_cb (QuernQuestionsDialog *self)
{
  g_autoptr (QuernQuestions) questions = NULL;
  g_autoptr (GPtrArray) models = NULL;

  if (adw_combo_row_get_selected (self->source) == SOURCE_SAMPLE)
    questions = quern_questions_new_sample ();
  else if (self->chosen != NULL)
    questions = g_object_ref (self->chosen);
  if (questions == NULL) {
    show_problem (self, _("Choose a file with questions first."));
    return;
  }
  models = quern_comparison_dup_models (self->comparison);
  quern_sending_tell (GTK_WIDGET (self), models, run_now_cb, g_object_ref (questions), g_object_unref);
}

static void
quern_questions_dialog_stop_cb (QuernQuestionsDialog *self)
{
  quern_questions_stop (quern_comparison_get_questions (self->comparison));
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void
quern_questions_dialog_source_selected_cb (QuernQuestionsDialog *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->file_row), adw_combo_row_get_selected (self->source) == SOURCE_FILE);
}

static void
file_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernQuestionsDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernQuestions) questions = NULL;
  g_autofree char *text = NULL, *name = g_file_get_basename (G_FILE (source)), *count = NULL;
  gsize length;

  if (self->banner == NULL)
    return;
  if (g_file_load_contents_finish (G_FILE (source), result, &text, &length, NULL, &error)) {
    if (length <= MAX_FILE)
      questions = quern_questions_new (text, (gssize) length, &error);
    else
      g_set_error (&error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT,
                   _("That file is larger than 4 MB. Choose a smaller file."));
  }
  if (questions == NULL) {
    show_problem (self, error->message);
    return;
  }
  quern_questions_set_name (questions, name);
  g_set_object (&self->chosen, questions);
  count = g_strdup_printf (ngettext ("%s: %u question", "%s: %u questions", quern_questions_get_n (questions)), name,
                           quern_questions_get_n (questions));
  adw_action_row_set_subtitle (self->file_row, count);
  adw_combo_row_set_selected (self->source, SOURCE_FILE);
}

static void
read_file (QuernQuestionsDialog *self, GFile *file)
{
  g_file_load_contents_async (file, NULL, file_read_cb, g_object_ref (self));
}

static void
quern_questions_dialog_file_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernQuestionsDialog) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL)
    read_file (self, file);
}

static void
quern_questions_dialog_choose_file_cb (QuernQuestionsDialog *self)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Choose Questions"));
  gtk_file_dialog_open (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL,
                        quern_questions_dialog_file_chosen_cb, g_object_ref (self));
}

static gboolean
quern_questions_dialog_drop_cb (QuernQuestionsDialog *self, const GValue *value)
{
  if (!gtk_widget_get_sensitive (GTK_WIDGET (self->setup)))
    return FALSE;
  read_file (self, g_value_get_object (value));
  return TRUE;
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_questions_dialog_dispose (GObject *object)
{
  QuernQuestionsDialog *self = QUERN_QUESTIONS_DIALOG (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->signals);
  g_clear_pointer (&self->rows, g_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_QUESTIONS_DIALOG);
  g_clear_object (&self->comparison);
  g_clear_object (&self->backend);
  g_clear_object (&self->chosen);
  G_OBJECT_CLASS (quern_questions_dialog_parent_class)->dispose (object);
}

static void
quern_questions_dialog_class_init (QuernQuestionsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_questions_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/compare/quern-questions-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, setup);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, accuracy);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, flips);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, answers);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, source);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, file_row);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, start);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, stop);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionsDialog, progress);
  gtk_widget_class_bind_template_callback (widget_class, quern_questions_dialog_banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_questions_dialog_source_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_questions_dialog_choose_file_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_questions_dialog_start_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_questions_dialog_stop_cb);
}

static void
quern_questions_dialog_init (QuernQuestionsDialog *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);

  gtk_widget_init_template (GTK_WIDGET (self));
  self->rows = g_array_new (FALSE, FALSE, sizeof (AddedRow));
  self->signals = g_signal_group_new (QUERN_TYPE_QUESTIONS);
  g_signal_group_connect_swapped (self->signals, "changed", G_CALLBACK (quern_questions_dialog_changed_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::running", G_CALLBACK (quern_questions_dialog_changed_cb),
                                  self);
  g_signal_connect_swapped (target, "drop", G_CALLBACK (quern_questions_dialog_drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

/**
 * quern_questions_dialog_new:
 * @comparison: whose columns are asked; it keeps the questions and what came of them
 * @backend: where their models run
 *
 * Returns: (transfer floating): the dialog, to be presented
 */
AdwDialog *
quern_questions_dialog_new (QuernComparison *comparison, QuernBackend *backend)
{
  const char *sources[] = { _("Built-in sample"), _("A file…"), NULL };
  QuernQuestionsDialog *self = g_object_new (QUERN_TYPE_QUESTIONS_DIALOG, NULL);
  g_autoptr (GtkStringList) names = gtk_string_list_new (sources);

  self->comparison = g_object_ref (comparison);
  self->backend = g_object_ref (backend);
  adw_combo_row_set_model (self->source, G_LIST_MODEL (names));
  g_signal_group_set_target (self->signals, quern_comparison_get_questions (comparison));
  quern_questions_dialog_update (self);
  return ADW_DIALOG (self);
}
