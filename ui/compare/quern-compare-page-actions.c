/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-export.h"
#include "quern-compare-page-private.h"
#include "quern-diff-dialog.h"
#include "quern-document.h"
#include "quern-measure-dialog.h"
#include "quern-questions-dialog.h"
#include "quern-votes-dialog.h"
#include "servers/quern-sending.h"

#include <glib/gi18n.h>
#include <string.h>

/* The actions of a comparison ("compare.…"), and the composer's actions ("chat.…"), which the chat page has too. */

/* A question that is being asked. Its attachments are read one after another; then the columns are asked. */
typedef struct {
  QuernComparePage *page;
  GString *text;
  GListModel *attachments; /* of QuernAttachment */
  GListStore *pictures;    /* of QuernPicture */
  guint next;
} Asking;

static void
asking_free (Asking *asking)
{
  g_object_unref (asking->page);
  g_string_free (asking->text, TRUE);
  g_object_unref (asking->attachments);
  g_object_unref (asking->pictures);
  g_free (asking);
}

static void
quern_compare_page_asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComparePage) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_comparison_ask_finish (QUERN_COMPARISON (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && self->comparison == QUERN_COMPARISON (source)
      && self->banner != NULL)
    quern_compare_page_show_problem (self, error->message);
}

static void ask_next (Asking *asking);

static void
picture_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_load_finish (result, &error);

  if (picture == NULL) {
    quern_compare_page_show_problem (asking->page, error->message);
    asking_free (asking);
    return;
  }
  g_list_store_append (asking->pictures, picture);
  ask_next (asking);
}

static void
ask_next (Asking *asking)
{
  QuernComparePage *self = asking->page;
  QuernCompareColumnView *view;

  while (asking->next < g_list_model_get_n_items (asking->attachments)) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (asking->attachments, asking->next++);
    g_autofree char *text = NULL;
    g_autofree char *title = NULL;
    const char *mime = quern_attachment_get_mime (attachment);
    GBytes *bytes = quern_attachment_get_bytes (attachment);
    if (quern_attachment_is_picture (attachment)) {
      quern_picture_load_bytes_async (bytes, NULL, picture_cb, asking);
      return;
    }
    if (asking->text->len > 0)
      g_string_append (asking->text, "\n\n");
    title = quern_document_dup_title (quern_attachment_get_name (attachment), mime);
    text = quern_document_get_facts (mime, NULL) ? quern_document_dup_text (mime, bytes)
                                                 : g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_string_append_printf (asking->text, "%s:\n\n%s", title, text);
  }
  quern_comparison_ask_async (self->comparison, self->backend, asking->text->str, G_LIST_MODEL (asking->pictures), NULL,
                              quern_compare_page_asked_cb, g_object_ref (self));
  for (guint i = 0;
       (view = _quern_compare_page_get_view (self, i)) != NULL && i < quern_comparison_get_n_columns (self->comparison);
       i++)
    quern_compare_column_view_follow (view);
  asking_free (asking);
}

static void
send_now_cb (GtkWidget *widget, gpointer data)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (widget);
  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);
  g_autofree char *text = g_strstrip (quern_composer_dup_text (self->composer));
  Asking *asking;

  if (self->comparison == NULL || quern_comparison_get_running (self->comparison)
      || (*text == '\0' && !gtk_widget_get_visible (GTK_WIDGET (bar))))
    return;
  asking = g_new0 (Asking, 1);
  asking->page = g_object_ref (self);
  asking->text = g_string_new (text);
  asking->attachments = quern_attachment_bar_dup_model (bar);
  asking->pictures = g_list_store_new (QUERN_TYPE_PICTURE);
  adw_banner_set_revealed (self->banner, FALSE);
  quern_composer_set_text (self->composer, "");
  quern_attachment_bar_set_model (bar, NULL);
  ask_next (asking);
}

/* When people know where it goes. */
static void
quern_compare_page_send_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (widget);
  g_autoptr (GPtrArray) models = NULL;

  if (self->comparison == NULL)
    return;
  models = quern_comparison_dup_models (self->comparison);
  quern_sending_tell (widget, models, send_now_cb, NULL, NULL);
}

static void
quern_compare_page_stop_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_comparison_stop (QUERN_COMPARE_PAGE (widget)->comparison);
}

static void
quern_compare_page_files_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComparePage) self = user_data;
  g_autoptr (GListModel) files = gtk_file_dialog_open_multiple_finish (GTK_FILE_DIALOG (source), result, NULL);

  for (guint i = 0; files != NULL && self->composer != NULL && i < g_list_model_get_n_items (files); i++) {
    g_autoptr (GFile) file = g_list_model_get_item (files, i);
    quern_attachment_bar_add_file (quern_composer_get_attachments (self->composer), file);
  }
}

static void
quern_compare_page_attach_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Attach Pictures or Documents"));
  gtk_file_dialog_open_multiple (dialog, GTK_WINDOW (gtk_widget_get_root (widget)), NULL,
                                 quern_compare_page_files_chosen_cb, g_object_ref (widget));
}

/* Adds a model on this computer that no column has yet. If there is none, it adds the first model again, which can have other
 * settings. */
static void
add_column_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (widget);
  QuernModel *chosen = quern_compare_column_get_model (quern_comparison_get_column (self->comparison, 0));
  g_autoptr (QuernCompareColumn) column = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->library)); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (self->library), i);
    gboolean used = quern_model_get_state (model) != QUERN_MODEL_OK || quern_model_is_remote (model);
    for (guint c = 0; c < quern_comparison_get_n_columns (self->comparison); c++)
      used = used || quern_compare_column_get_model (quern_comparison_get_column (self->comparison, c)) == model;
    if (!used) {
      chosen = model; /* the library keeps it */
      break;
    }
  }
  column = quern_compare_column_new (chosen);
  quern_compare_column_set_thinking (column, quern_compare_column_get_thinking (
                                                 quern_comparison_get_column (self->comparison, 0)));
  quern_comparison_add_column (self->comparison, column);
}

static void
jump_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (widget);
  guint n_turns = quern_comparison_get_n_turns (self->comparison);

  for (GtkWidget *view = gtk_widget_get_first_child (GTK_WIDGET (self->columns)); view != NULL && n_turns > 0;
       view = gtk_widget_get_next_sibling (view))
    if (gtk_widget_get_visible (view) && quern_compare_column_view_jump (QUERN_COMPARE_COLUMN_VIEW (view), n_turns - 1))
      return;
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY)),
                               adw_toast_new (_("The last answers are identical")));
}

static void
measure_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  adw_dialog_present (quern_measure_dialog_new (QUERN_COMPARE_PAGE (widget)->comparison,
                                                QUERN_COMPARE_PAGE (widget)->backend,
                                                QUERN_COMPARE_PAGE (widget)->store),
                      widget);
}

static void
quern_compare_page_export_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernComparePage *page = QUERN_COMPARE_PAGE (widget);

  quern_compare_export (page, quern_compare_page_get_comparison (page), g_variant_get_string (parameter, NULL));
}

static void
vote_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _quern_compare_page_vote (QUERN_COMPARE_PAGE (widget), (QuernVoteKind) g_variant_get_int32 (parameter));
}

static void
votes_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  adw_dialog_present (quern_votes_dialog_new (QUERN_COMPARE_PAGE (widget)->comparison), widget);
}

static void
differences_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  adw_dialog_present (quern_diff_dialog_new (QUERN_COMPARE_PAGE (widget)->comparison), widget);
}

static void
questions_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  adw_dialog_present (quern_questions_dialog_new (QUERN_COMPARE_PAGE (widget)->comparison,
                                                  QUERN_COMPARE_PAGE (widget)->backend),
                      widget);
}

/* ---- columns ---------------------------------------------------------------------------------------------------- */

static void
caught_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComparePage) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_comparison_catch_up_finish (QUERN_COMPARISON (source), result, &error)
      && self->comparison == QUERN_COMPARISON (source) && self->banner != NULL)
    quern_compare_page_show_problem (self, error->message);
}

static void
catch_up_now_cb (GtkWidget *widget, gpointer column)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (widget);

  if (!quern_comparison_get_running (self->comparison))
    quern_comparison_catch_up_async (self->comparison, self->backend, column, NULL, caught_up_cb, g_object_ref (self));
}

void
_quern_compare_page_catch_up (QuernComparePage *self, QuernCompareColumn *column)
{
  g_autoptr (GPtrArray) models = quern_comparison_dup_models (self->comparison);

  quern_sending_tell (GTK_WIDGET (self), models, catch_up_now_cb, g_object_ref (column), g_object_unref);
}

/* A column that was replaced by one with another model, kept for undo. */
typedef struct {
  QuernComparison *comparison;
  QuernCompareColumn *column, *other;
  GArray *votes; /* of QuernVote */
} Replaced;

static void
replaced_free (gpointer data, GClosure *closure)
{
  Replaced *replaced = data;

  g_object_unref (replaced->comparison);
  g_object_unref (replaced->column);
  g_object_unref (replaced->other);
  g_array_unref (replaced->votes);
  g_free (replaced);
}

static void
undo_replace_cb (AdwToast *toast, gpointer user_data)
{
  Replaced *replaced = user_data;

  if (!quern_comparison_replace_column (replaced->comparison, replaced->other, replaced->column))
    return;
  for (guint i = 0; i < replaced->votes->len; i++) {
    const QuernVote *vote = &g_array_index (replaced->votes, QuernVote, i);
    quern_comparison_vote (replaced->comparison, vote->turn, vote->a, vote->b, vote->kind);
  }
}

/* Answers belong to the model that gave them. So a column with answers is replaced by a new one. */
void
_quern_compare_page_choose_model (QuernComparePage *self, QuernCompareColumn *column, QuernModel *model)
{
  g_autoptr (QuernCompareColumn) old = g_object_ref (column), other = NULL;
  g_autoptr (GArray) votes = g_array_new (FALSE, FALSE, sizeof (QuernVote));
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  QuernCompareAnswer *answer;
  Replaced *replaced;
  AdwToast *toast;
  gboolean answered = FALSE;

  if (quern_compare_column_get_model (column) == model)
    return;
  for (guint i = 0; !answered && (answer = quern_compare_column_get_answer (column, i)) != NULL; i++)
    answered = *quern_compare_answer_get_answer (answer) != '\0'
               || *quern_compare_answer_get_reasoning (answer) != '\0';
  if (!answered) {
    quern_compare_column_set_model (column, model);
    return;
  }
  for (guint i = 0; i < quern_comparison_get_n_votes (self->comparison); i++)
    g_array_append_vals (votes, quern_comparison_get_vote (self->comparison, i), 1);
  other = quern_compare_column_new (model);
  quern_compare_column_set_thinking (other, quern_compare_column_get_thinking (column));
  quern_compare_column_set_kv_type (other, quern_compare_column_get_kv_type (column));
  quern_compare_column_set_temperature (other, quern_compare_column_get_temperature (column));
  if (!quern_comparison_replace_column (self->comparison, column, other))
    return;
  replaced = g_new (Replaced, 1);
  *replaced = (Replaced) { g_object_ref (self->comparison), g_steal_pointer (&old), g_steal_pointer (&other),
                           g_steal_pointer (&votes) };
  toast = adw_toast_new (_("The answers of the other model were removed"));
  adw_toast_set_button_label (toast, _("_Undo"));
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (undo_replace_cb), replaced, replaced_free, 0);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

/* ---- what can be switched: "view.…" ----------------------------------------------------------------------------- */

static void
marks_cb (GSimpleAction *action, GVariant *state, gpointer user_data)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (user_data);

  g_simple_action_set_state (action, state);
  self->marks = g_variant_get_boolean (state);
  for (GtkWidget *view = gtk_widget_get_first_child (GTK_WIDGET (self->columns)); view != NULL;
       view = gtk_widget_get_next_sibling (view))
    quern_compare_column_view_set_marks (QUERN_COMPARE_COLUMN_VIEW (view), self->marks);
}

static void
scroll_together_cb (GSimpleAction *action, GVariant *state, gpointer user_data)
{
  g_simple_action_set_state (action, state);
  QUERN_COMPARE_PAGE (user_data)->together_scroll = g_variant_get_boolean (state);
}

/* The names of QuernCompareMode in menus. */
static const char *const modes[] = { "one-after-another", "together" };

static void
mode_cb (GSimpleAction *action, GVariant *state, gpointer user_data)
{
  gboolean together = g_str_equal (g_variant_get_string (state, NULL), modes[QUERN_COMPARE_TOGETHER]);

  g_object_set (QUERN_COMPARE_PAGE (user_data)->comparison, "mode",
                together ? QUERN_COMPARE_TOGETHER : QUERN_COMPARE_ONE_AFTER_ANOTHER, NULL);
  g_simple_action_set_state (action, state);
}

/* Inserts the actions that change the page, and those that are properties of the comparison. */
void
_quern_compare_page_insert_actions (QuernComparePage *self)
{
  static const GActionEntry entries[] = {
    { .name = "mode", .parameter_type = "s", .state = "''", .change_state = mode_cb },
    { .name = "marks", .state = "true", .change_state = marks_cb },
    { .name = "scroll-together", .state = "true", .change_state = scroll_together_cb },
  };
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();
  g_autoptr (GPropertyAction) blind = g_property_action_new ("blind", self->comparison, "blind");

  g_action_map_add_action_entries (G_ACTION_MAP (group), entries, G_N_ELEMENTS (entries), self);
  g_action_group_change_action_state (G_ACTION_GROUP (group), "marks", g_variant_new_boolean (self->marks));
  g_action_group_change_action_state (G_ACTION_GROUP (group), "scroll-together",
                                      g_variant_new_boolean (self->together_scroll));
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (blind));
  g_action_group_change_action_state (G_ACTION_GROUP (group), "mode",
                                      g_variant_new_string (modes[quern_comparison_get_mode (self->comparison)]));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "view", G_ACTION_GROUP (group));
}

void
_quern_compare_page_install_actions (GtkWidgetClass *widget_class)
{
  static const struct {
    const char *name, *parameter;
    GtkWidgetActionActivateFunc func;
  } actions[] = {
    { "chat.send", NULL, quern_compare_page_send_action },
    { "chat.stop", NULL, quern_compare_page_stop_action },
    { "chat.attach", NULL, quern_compare_page_attach_action },
    { "compare.add-column", NULL, add_column_action },
    { "compare.jump", NULL, jump_action },
    { "compare.measure", NULL, measure_action },
    { "compare.export", "s", quern_compare_page_export_action },
    { "compare.vote", "i", vote_action },
    { "compare.votes", NULL, votes_action },
    { "compare.differences", NULL, differences_action },
    { "compare.questions", NULL, questions_action },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, actions[i].parameter, actions[i].func);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_j, GDK_CONTROL_MASK, "compare.jump", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_d, GDK_CONTROL_MASK, "compare.differences", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "chat.stop", NULL);
}
