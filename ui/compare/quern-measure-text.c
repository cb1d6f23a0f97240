/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-text.h"

#include "quern-texts.h"
#include "quern-wikitext.h"

#include <glib/gi18n.h>

#define MAX_FILE (4 * 1024 * 1024)

enum {
  SOURCE_SAMPLE,
  SOURCE_CATEGORIES,
  SOURCE_PASTED,
  SOURCE_FILE,
  SOURCE_FOLDER,
  SOURCE_CONVERSATION,
  SOURCE_ANSWERS
};
enum { PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

struct _QuernMeasureText {
  AdwPreferencesGroup parent_instance;

  /* Template widgets */
  AdwComboRow *source, *conversation;
  AdwActionRow *file_row, *folder_row;
  AdwExpanderRow *categories_row;
  GtkWidget *pasted_row;
  GtkTextView *pasted;

  GPtrArray *categories; /* of GtkCheckButton, borrowed from their rows; each has the name of a category */

  /* Owned references */
  QuernComparison *comparison; /* or NULL */
  QuernStore *store;           /* or NULL */
  QuernHub *hub;
  char *text, *name; /* of the file, or NULL */
  char *folder;      /* path, or NULL */
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

/* ---- a folder --------------------------------------------------------------------------------------------------- */

static void
quern_measure_text_folder_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernMeasureText) self = user_data;
  g_autoptr (GFile) folder = gtk_file_dialog_select_folder_finish (GTK_FILE_DIALOG (source), result, NULL);
  g_autofree char *name = folder != NULL ? g_file_get_basename (folder) : NULL;

  if (folder == NULL || self->source == NULL || !g_file_is_native (folder))
    return;
  g_free (self->folder);
  self->folder = g_file_get_path (folder);
  adw_action_row_set_subtitle (self->folder_row, name);
}

static void
quern_measure_text_choose_folder_cb (QuernMeasureText *self)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Choose a Folder with Texts"));
  gtk_file_dialog_select_folder (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL,
                                 quern_measure_text_folder_chosen_cb, g_object_ref (self));
}

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

static void
quern_measure_text_source_selected_cb (QuernMeasureText *self)
{
  guint selected = adw_combo_row_get_selected (self->source);

  g_signal_emit (self, signals[PROBLEM], 0, NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->categories_row), selected == SOURCE_CATEGORIES);
  gtk_widget_set_visible (self->pasted_row, selected == SOURCE_PASTED);
  gtk_widget_set_visible (GTK_WIDGET (self->file_row), selected == SOURCE_FILE);
  gtk_widget_set_visible (GTK_WIDGET (self->folder_row), selected == SOURCE_FOLDER);
  gtk_widget_set_visible (GTK_WIDGET (self->conversation), selected == SOURCE_CONVERSATION);
}

/* ---- what was chosen -------------------------------------------------------------------------------------------- */

static GStrv
dup_categories (QuernMeasureText *self)
{
  g_autoptr (GStrvBuilder) chosen = g_strv_builder_new ();

  for (guint i = 0; i < self->categories->len; i++)
    if (gtk_check_button_get_active (self->categories->pdata[i]))
      g_strv_builder_add (chosen, gtk_widget_get_name (self->categories->pdata[i]));
  return g_strv_builder_end (chosen);
}

static char *
dup_pasted (QuernMeasureText *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->pasted);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

/* Returns what is to be said where nothing is chosen, or NULL. */
static const char *
fill_choice (QuernMeasureText *self, QuernTextChoice *choice)
{
  QuernConversation *conversation;

  switch (adw_combo_row_get_selected (self->source)) {
  case SOURCE_CATEGORIES:
    choice->categories = dup_categories (self);
    return choice->categories[0] != NULL ? NULL : _("Choose a category first.");
  case SOURCE_PASTED: choice->text = dup_pasted (self); return *choice->text != '\0' ? NULL : _("Paste a text first.");
  case SOURCE_FILE:
    choice->text = g_strdup (self->text);
    choice->name = g_strdup (self->name);
    return choice->text != NULL ? NULL : _("Choose a text file first.");
  case SOURCE_FOLDER:
    choice->folder = g_strdup (self->folder);
    return choice->folder != NULL ? NULL : _("Choose a folder first.");
  case SOURCE_CONVERSATION:
    conversation = adw_combo_row_get_selected_item (self->conversation);
    choice->conversation = conversation != NULL ? quern_conversation_get_id (conversation) : 0;
    return conversation != NULL ? NULL : _("There are no conversations yet. Choose another text.");
  default: return NULL;
  }
}

/**
 * quern_measure_text_dup_choice:
 *
 * Returns: (transfer full) (nullable): what was chosen; %NULL with @error set where something is missing. The reference's own
 *   answers are no such choice.
 */
QuernTextChoice *
quern_measure_text_dup_choice (QuernMeasureText *self, GError **error)
{
  g_autoptr (QuernTextChoice) choice = quern_text_choice_new ();
  const char *missing = fill_choice (self, choice);

  if (missing == NULL)
    return g_steal_pointer (&choice);
  g_set_error_literal (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT, missing);
  return NULL;
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (quern_text_choice_add_finish (QUERN_MEASURE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_measure_text_add_async:
 * @reference: (nullable): whose answers are meant by “the reference’s own”
 *
 * Adds the chosen text to @measure.
 */
void
quern_measure_text_add_async (QuernMeasureText *self, QuernMeasure *measure, QuernCompareColumn *reference,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (QuernTextChoice) choice = NULL;
  GError *error = NULL;

  if (adw_combo_row_get_selected (self->source) == SOURCE_ANSWERS) {
    for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++)
      if (quern_comparison_get_column (self->comparison, i) == reference)
        quern_comparison_add_answers (self->comparison, i, measure);
    quern_measure_set_source (measure, _("The reference’s own answers"));
    g_task_return_boolean (task, TRUE);
    return;
  }
  choice = quern_measure_text_dup_choice (self, &error);
  if (choice == NULL)
    g_task_return_error (task, error);
  else
    quern_text_choice_add_async (choice, measure, self->hub, self->store, NULL, added_cb, g_object_ref (task));
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
  g_clear_object (&self->hub);
  g_clear_pointer (&self->categories, g_ptr_array_unref);
  g_clear_pointer (&self->text, g_free);
  g_clear_pointer (&self->folder, g_free);
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
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, categories_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, pasted_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, pasted);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, file_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, folder_row);
  gtk_widget_class_bind_template_child (widget_class, QuernMeasureText, conversation);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_text_source_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_text_choose_file_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_measure_text_choose_folder_cb);
}

static void
add_category (QuernMeasureText *self, const char *id, const char *name, const char *subtitle)
{
  GtkWidget *row = adw_action_row_new (), *check = gtk_check_button_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
  if (subtitle != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_set_name (check, id);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  adw_expander_row_add_row (self->categories_row, row);
  g_ptr_array_add (self->categories, check);
}

static void
quern_measure_text_init (QuernMeasureText *self)
{
  const QuernTextCategory *category;

  gtk_widget_init_template (GTK_WIDGET (self));
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->file_row), FALSE);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->folder_row), FALSE);
  self->categories = g_ptr_array_new ();
  for (guint i = 0; (category = quern_texts_get (i)) != NULL; i++)
    add_category (self, category->id, quern_texts_get_name (category->id), NULL);
  add_category (self, QUERN_TEXT_WIKITEXT, _("The text that publishers use, from the hub"),
                QUERN_WIKITEXT_ATTRIBUTION);
}

/**
 * quern_measure_text_set_context:
 * @comparison: (nullable): whose answers may be the text
 * @store: (nullable): whose conversations may be
 */
void
quern_measure_text_set_context (QuernMeasureText *self, QuernComparison *comparison, QuernStore *store)
{
  const char *sources[] = { _("Built-in sample"),
                            _("Texts by category"),
                            _("Pasted text"),
                            _("A file…"),
                            _("A folder…"),
                            _("A past conversation…"),
                            _("The reference’s own answers"),
                            NULL };
  g_autoptr (GSettings) settings = g_settings_new (QUERN_APP_ID);
  g_autofree char *endpoint = g_settings_get_string (settings, "hub-endpoint");
  g_autoptr (GtkStringList) texts = NULL;
  g_autoptr (GtkExpression) title = gtk_property_expression_new (QUERN_TYPE_CONVERSATION, NULL, "title");

  g_set_object (&self->comparison, comparison);
  g_set_object (&self->store, store);
  self->hub = quern_hub_new ();
  quern_hub_set_endpoint (self->hub, endpoint);
  if (comparison == NULL || quern_comparison_get_n_turns (comparison) == 0)
    sources[SOURCE_ANSWERS] = NULL;
  texts = gtk_string_list_new (sources);
  adw_combo_row_set_expression (self->conversation, title);
  if (store != NULL)
    adw_combo_row_set_model (self->conversation, quern_store_get_conversations (store));
  adw_combo_row_set_model (self->source, G_LIST_MODEL (texts));
}
