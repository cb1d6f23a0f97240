/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-answer-row.h"

#include "markdown/quern-md-view.h"
#include "quern-announcer.h"
#include "widgets/quern-hyphens.h"
#include "quern-chat-page.h"
#include "quern-siblings.h"
#include "quern-statistics-button.h"
#include "quern-thinking-view.h"

#include <glib/gi18n.h>

/* Shows an answer of the model. While it streams, changes of the message are shown at most once per frame. */
struct _QuernAnswerRow {
  AdwBin parent_instance;

  /* Template widgets */
  GtkLabel *model;
  QuernThinkingView *thinking;
  GtkWidget *waiting;
  GtkLabel *status;
  QuernMdView *text;
  GtkWidget *notice;
  GtkImage *notice_icon;
  GtkLabel *notice_label;
  GtkButton *notice_button;
  GtkWidget *footer;
  QuernStatisticsButton *statistics;
  QuernSiblings *siblings;
  GtkActionable *copy, *regenerate;
  GtkMenuButton *others, *more;

  /* Owned references */
  QuernMessage *message;

  gboolean last; /* whether it is the last message */
  guint tick;    /* tick callback of the update in the next frame, or 0 */
  gboolean was_streaming;
  QuernAnnouncer announcer;
};

G_DEFINE_FINAL_TYPE (QuernAnswerRow, quern_answer_row, ADW_TYPE_BIN)

typedef struct {
  const char *icon, *text, *button, *action;
} Notice;

/* Says how an answer ended that did not end by itself, and offers what can be done. */
static gboolean
get_notice (QuernMessage *message, Notice *out)
{
  const char *failure = quern_message_get_failure (message);
  gboolean told = failure != NULL && *failure != '\0';

  switch (quern_message_get_state (message)) {
  case QUERN_MESSAGE_STOPPED:
    *out = (Notice) { "media-playback-stop-symbolic", _("You stopped this answer."), _("Continue"), "chat.continue" };
    return TRUE;
  case QUERN_MESSAGE_INTERRUPTED:
    *out = (Notice) { "dialog-warning-symbolic", _("Interrupted: Quern was closed while this answer was generated."),
                      _("Continue"), "chat.continue" };
    return TRUE;
  case QUERN_MESSAGE_LENGTH:
    *out = (Notice) { "content-loading-symbolic", told ? failure : _("The answer reached its length limit."),
                      _("Continue"), "chat.continue" };
    return TRUE;
  case QUERN_MESSAGE_FAILED:
    *out = (Notice) { "dialog-error-symbolic", told ? failure : _("The answer could not be generated."),
                      _("Try Again"), "chat.regenerate" };
    return TRUE;
  case QUERN_MESSAGE_COMPLETE:
    *out = (Notice) { "dialog-warning-symbolic", _("The model stopped without an answer."), _("Try Again"),
                      "chat.regenerate" };
    return quern_message_get_content_length (message) == 0;
  case QUERN_MESSAGE_STREAMING: break;
  }
  return FALSE;
}

static void
quern_answer_row_update_notice (QuernAnswerRow *self)
{
  Notice notice;
  gboolean shown = get_notice (self->message, &notice);

  gtk_widget_set_visible (self->notice, shown);
  if (!shown)
    return;
  gtk_image_set_from_icon_name (self->notice_icon, notice.icon);
  gtk_label_set_label (self->notice_label, notice.text);
  gtk_button_set_label (self->notice_button, notice.button);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->notice_button), "x", quern_message_get_id (self->message));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->notice_button), notice.action);
  /* an answer in the middle cannot be continued: the messages after it follow its old end */
  gtk_widget_set_visible (GTK_WIDGET (self->notice_button),
                          self->last || !g_str_equal (notice.action, "chat.continue"));
}

static void
quern_answer_row_update (QuernAnswerRow *self)
{
  const char *content = quern_message_get_content (self->message);
  const char *model = quern_message_get_model_title (self->message);
  gboolean streaming = quern_message_get_state (self->message) == QUERN_MESSAGE_STREAMING;
  gboolean reasoning = quern_message_get_in_reasoning (self->message);

  quern_thinking_view_update (self->thinking, self->message);
  quern_md_view_set_text (self->text, content, !streaming);
  gtk_widget_set_visible (GTK_WIDGET (self->text), *content != '\0');
  gtk_widget_set_visible (self->waiting, streaming && *content == '\0' && !reasoning);
  quern_answer_row_update_notice (self);
  /* The model is named if there is more than one answer to tell apart. */
  gtk_label_set_label (self->model, model != NULL ? model : "");
  gtk_widget_set_visible (GTK_WIDGET (self->model),
                          model != NULL && quern_message_get_sibling_count (self->message) > 1);
  quern_siblings_update (self->siblings, self->message);
  quern_statistics_button_update (self->statistics, self->message);
  gtk_widget_set_visible (self->footer, !streaming);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_BUSY, streaming, -1);
  quern_announcer_push (&self->announcer, GTK_WIDGET (self), content, !streaming);
  /* A screen reader hears how the answer ended when the notice appears. */
  if (self->was_streaming && !streaming && gtk_widget_get_visible (self->notice))
    gtk_accessible_announce (GTK_ACCESSIBLE (self), gtk_label_get_label (self->notice_label),
                             GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
  self->was_streaming = streaming;
}

static gboolean
quern_answer_row_tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernAnswerRow *self = QUERN_ANSWER_ROW (widget);
  self->tick = 0;
  quern_answer_row_update (self);
  return G_SOURCE_REMOVE;
}

static void
quern_answer_row_queue_update (QuernAnswerRow *self)
{
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), quern_answer_row_tick_cb, NULL, NULL);
}

static void
append_item (GMenu *menu, const char *label, const char *action, gint64 id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, action, "x", id);
  g_menu_append_item (menu, item);
}

/* The menu is filled when it opens, because the models may have changed. */
static void
create_others_cb (GtkMenuButton *button, gpointer user_data)
{
  QuernAnswerRow *self = QUERN_ANSWER_ROW (user_data);
  GtkWidget *page = gtk_widget_get_ancestor (GTK_WIDGET (self), QUERN_TYPE_CHAT_PAGE);
  GListModel *models = page != NULL ? G_LIST_MODEL (quern_chat_page_get_library (QUERN_CHAT_PAGE (page))) : NULL;
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenu) section = g_menu_new ();

  for (guint i = 0; models != NULL && i < g_list_model_get_n_items (models); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (models, i);
    g_autofree char *title = quern_model_dup_choice (model);
    g_auto (GStrv) parts = g_strsplit (title, "_", -1);
    g_autofree char *label = g_strjoinv ("__", parts); /* a single underscore would be a mnemonic */
    g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
    if (quern_model_get_state (model) != QUERN_MODEL_OK)
      continue;
    g_menu_item_set_action_and_target (item, "chat.regenerate-with", "(xs)", quern_message_get_id (self->message),
                                       quern_model_get_id (model));
    g_menu_append_item (section, item);
  }
  g_menu_append_section (menu, _("Answer Again With"), G_MENU_MODEL (section));
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

/* Menus are made when they open: of all that a row is made of, they take longest. */
static void
create_more_cb (GtkMenuButton *button, gpointer user_data)
{
  gint64 id = quern_message_get_id (QUERN_ANSWER_ROW (user_data)->message);
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenu) removal = g_menu_new ();

  append_item (menu, _("_Edit Answer…"), "chat.edit-answer", id);
  append_item (menu, _("_Branch to a New Chat"), "chat.branch", id);
  append_item (menu, _("View _Raw Text"), "chat.raw", id);
  append_item (removal, _("_Delete from Here"), "chat.delete", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (removal));
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

static void
quern_answer_row_dispose (GObject *object)
{
  QuernAnswerRow *self = QUERN_ANSWER_ROW (object);

  if (self->tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
  g_clear_object (&self->message);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_ANSWER_ROW);
  G_OBJECT_CLASS (quern_answer_row_parent_class)->dispose (object);
}

static void
quern_answer_row_class_init (QuernAnswerRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_answer_row_dispose;
  g_type_ensure (QUERN_TYPE_MD_VIEW);
  g_type_ensure (QUERN_TYPE_SIBLINGS);
  g_type_ensure (QUERN_TYPE_STATISTICS_BUTTON);
  g_type_ensure (QUERN_TYPE_THINKING_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-answer-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, thinking);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, waiting);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, status);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, text);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, notice);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, notice_icon);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, notice_label);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, notice_button);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, footer);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, statistics);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, siblings);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, copy);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, regenerate);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, others);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, more);
  gtk_widget_class_bind_template_child (widget_class, QuernAnswerRow, model);
}

static void
quern_answer_row_init (QuernAnswerRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->notice_label);
  gtk_menu_button_set_create_popup_func (self->others, create_others_cb, self, NULL);
  gtk_menu_button_set_create_popup_func (self->more, create_more_cb, self, NULL);
}

/**
 * quern_answer_row_new:
 * @message: an answer, perhaps one that is being written
 *
 * Returns: (transfer floating): a widget that shows @message as it grows
 */
GtkWidget *
quern_answer_row_new (QuernMessage *message)
{
  QuernAnswerRow *self = g_object_new (QUERN_TYPE_ANSWER_ROW, NULL);
  gint64 id = quern_message_get_id (message);

  self->message = g_object_ref (message);
  gtk_actionable_set_action_target (self->copy, "x", id);
  gtk_actionable_set_action_target (self->regenerate, "x", id);
  quern_announcer_skip (&self->announcer, quern_message_get_content (message));
  g_signal_connect_object (message, "notify", G_CALLBACK (quern_answer_row_queue_update), self, G_CONNECT_SWAPPED);
  quern_answer_row_update (self);
  return GTK_WIDGET (self);
}

/**
 * quern_answer_row_set_last:
 * @last: whether no message follows
 */
void
quern_answer_row_set_last (QuernAnswerRow *self, gboolean last)
{
  g_return_if_fail (QUERN_IS_ANSWER_ROW (self));

  if (self->last == last)
    return;
  self->last = last;
  quern_answer_row_update_notice (self);
}

/**
 * quern_answer_row_set_status:
 * @status: what happens before the first word arrives, e.g. "Loading the model…"
 */
void
quern_answer_row_set_status (QuernAnswerRow *self, const char *status)
{
  g_return_if_fail (QUERN_IS_ANSWER_ROW (self));
  gtk_label_set_label (self->status, status);
}
