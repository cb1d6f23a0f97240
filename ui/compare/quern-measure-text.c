/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-text.h"

#include "quern-measure-conversation.h"
#include "quern-sample-text.h"

#include <glib/gi18n.h>

#define MAX_FILE (4 * 1024 * 1024)

enum { SOURCE_SAMPLE, SOURCE_FILE, SOURCE_CONVERSATION, SOURCE_ANSWERS };
enum { PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

struct _QuernMeasureText {
  AdwPreferencesGroup parent_instance;

  /* Template widgets */
  AdwComboRow *source, *conversation;
  AdwActionRow *file_row;

  /* Owned references */
  QuernComparison *comparison;
  QuernStore *store;
  char *text, *name; /* of the file, or NULL */
};

G_DEFINE_FINAL_TYPE (QuernMeasureText, quern_measure_text, ADW_TYPE_PREFERENCES_GROUP)

/* ---- a file ----------------------------------------------------------------------------------------------------- */

static void
file_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureText) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *name = g_file_get_basename (G_FILE (source));
  const char *problem = NULL;
  gsize length = 0;

  if (self->source == NULL)
    return;
  if (!g_file_load_contents_finish (G_FILE (source), result, &text, &length, NULL, &error))
    problem = error->message;
  else if (length > MAX_FILE)
    problem = _("That file is larger than 4 MB. Choose a smaller file.");
  else if (!g_utf8_validate (text, (gssize) length, NULL))
    problem = _("That file is not UTF-8 text.");
  if (problem != NULL) {
    g_signal_emit (self, signals[PROBLEM], 0, problem);
    return;
  }
  g_signal_emit (self, signals[PROBLEM], 0, NULL); /* of a file before */
  g_free (self->text);
  self->text = g_steal_pointer (&text);
  g_set_str (&self->name, name);
  adw_action_row_set_subtitle (self->file_row, name);
  adw_combo_row_set_selected (self->source, SOURCE_FILE);
}

/**
 * quern_measure_text_read_file:
 *
 * Chooses a file, as one that was dropped.
 */
void
quern_measure_text_read_file (QuernMeasureText *self, GFile *file)
{
  g_file_load_contents_async (file, NULL, file_read_cb, g_object_ref (self));
}

static void
quern_measure_text_file_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureText) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL)
    quern_measure_text_read_file (self, file);
}

static void
quern_measure_text_choose_file_cb (QuernMeasureText *self)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Choose a Text"));
  gtk_file_dialog_open (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL,
                        quern_measure_text_file_chosen_cb, g_object_ref (self));
}

static void
quern_measure_text_source_selected_cb (QuernMeasureText *self)
{
  guint selected = adw_combo_row_get_selected (self->source);

  g_signal_emit (self, signals[PROBLEM], 0, NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->file_row), selected == SOURCE_FILE);
  gtk_widget_set_visible (GTK_WIDGET (self->conversation), selected == SOURCE_CONVERSATION);
}

/* ---- what was chosen -------------------------------------------------------------------------------------------- */

static void
conversation_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (quern_measure_add_conversation_finish (QUERN_MEASURE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_measure_text_add_async:
 * @reference: whose answers are meant by “the reference's own”
 *
 * Adds the chosen text to @measure.
 */
void
quern_measure_text_add_async (QuernMeasureText *self, QuernMeasure *measure, QuernCompareColumn *reference,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  QuernConversation *conversation;

  switch (adw_combo_row_get_selected (self->source)) {
  case SOURCE_CONVERSATION:
    conversation = adw_combo_row_get_selected_item (self->conversation);
    if (conversation != NULL)
      quern_measure_add_conversation_async (measure, self->store, conversation, NULL, conversation_added_cb,
                                            g_object_ref (task));
    else
      g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
                               _("There are no conversations yet. Choose another text."));
    return;
  case SOURCE_FILE:
    if (self->text == NULL) {
      g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT, _("Choose a text file first."));
      return;
    }
    quern_measure_add_text (measure, self->text);
    quern_measure_set_source (measure, self->name);
    break;
  case SOURCE_ANSWERS:
    for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++)
      if (quern_comparison_get_column (self->comparison, i) == reference)
        quern_comparison_add_answers (self->comparison, i, measure);
    quern_measure_set_source (measure, _("The reference’s own answers"));
    break;
  default:
    quern_measure_add_text (measure, quern_sample_text ());
    quern_measure_set_source (measure, _("Built-in sample"));
    break;
  }
  g_task_return_boolean (task, TRUE);
}

gboolean
quern_measure_text_add_finish (QuernMeasureText *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_measure_text_dispose (GObject *object)
{
  QuernMeasureText *self = QUERN_MEASURE_TEXT (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_MEASURE_TEXT);
  g_clear_object (&self->comparison);
  g_clear_object (&self->store);
  g_clear_pointer (&self->text, g_free);
  g_clear_pointer (&self->name, g_free);
  G_OBJECT_CLASS (quern_measure_text_parent_class)->dispose (object);
}

static void
quern_measure_text_class_init (QuernMeasureTextClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_measure_text_dispose;
  signals[PROBLEM] = g_signal_new ("problem", QUERN_TYPE_MEASURE_TEXT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/compare/quern-measure-text.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, source);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, file_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, conversation);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_text_source_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_text_choose_file_cb);
}

static void
quern_measure_text_init (QuernMeasureText *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->file_row), FALSE);
}

/**
 * quern_measure_text_set_context:
 * @comparison: whose answers may be the text
 * @store: (nullable): whose conversations may be
 */
void
quern_measure_text_set_context (QuernMeasureText *self, QuernComparison *comparison, QuernStore *store)
{
  const char *sources[] = { _("Built-in sample"), _("A file…"), _("A past conversation…"),
                            _("The reference’s own answers"), NULL };
  g_autoptr (GtkStringList) texts = NULL;
  g_autoptr (GtkExpression) title = gtk_property_expression_new (QUERN_TYPE_CONVERSATION, NULL, "title");

  g_set_object (&self->comparison, comparison);
  g_set_object (&self->store, store);
  if (quern_comparison_get_n_turns (comparison) == 0)
    sources[SOURCE_ANSWERS] = NULL;
  texts = gtk_string_list_new (sources);
  adw_combo_row_set_expression (self->conversation, title);
  if (store != NULL)
    adw_combo_row_set_model (self->conversation, quern_store_get_conversations (store));
  adw_combo_row_set_model (self->source, G_LIST_MODEL (texts));
}
