/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chat-page-private.h"

#include "quern-overflow-dialog.h"
#include "servers/quern-sending.h"

#include <glib/gi18n.h>

/* Asks questions, and lets people decide about those that do not fit. Until a question is in the conversation its session
 * keeps it (src/chat/quern-chat-unsent.c); what is here follows the session that it was asked in, even when another
 * conversation is shown by then. */

static void
give_up (QuernChatPage *self, QuernChatSession *session, const GError *error)
{
  quern_chat_session_withdraw (session);
  if (error != NULL && self->session == session && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    quern_chat_page_show_problem (self, error->message);
}

/* ---- when it does not fit --------------------------------------------------------------------------------------- */

static void
fresh_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;

  quern_chat_session_load_finish (QUERN_CHAT_SESSION (source), result, NULL);
  if (self->session == QUERN_CHAT_SESSION (source))
    _quern_chat_page_send (self);
}

/* Opens the conversation that begins with the summary, and asks the question there. */
static void
summarised_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernConversation) fresh = quern_chat_session_summarise_finish (session, result, &error);

  if (self->session == session)
    _quern_chat_page_set_working (self, NULL, NULL);
  if (fresh == NULL || self->session != session) {
    give_up (self, session, error);
    return;
  }
  quern_store_add_conversation (self->store, fresh);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-conversation", "x", quern_conversation_get_id (fresh));
  if (quern_chat_session_get_conversation (self->session) != fresh) {
    give_up (self, session, NULL);
    return;
  }
  quern_chat_session_move_refused (session, self->session);
  quern_chat_session_load_async (self->session, NULL, fresh_loaded_cb, g_object_ref (self));
}

static void
chosen_cb (QuernChatSession *session, QuernOverflowChoice choice, const QuernOverflowPlan *plan, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  QuernConversation *conversation = quern_chat_session_get_conversation (session);
  QuernQuestion *question = quern_chat_session_get_refused (session);
  g_autoptr (GCancellable) cancellable = NULL;

  if (choice == QUERN_OVERFLOW_CANCEL || question == NULL || self->session != session) {
    give_up (self, session, NULL);
    return;
  }
  if (choice == QUERN_OVERFLOW_SUMMARISE) {
    cancellable = g_cancellable_new ();
    _quern_chat_page_set_working (self, _("Summarising the conversation…"), cancellable);
    quern_chat_session_summarise_async (session, cancellable, summarised_cb, g_object_ref (self));
    return;
  }
  if (choice == QUERN_OVERFLOW_RAISE)
    quern_conversation_set_context_size (conversation, plan->raised);
  else
    quern_conversation_set_context_start (conversation, plan->start);
  _quern_chat_page_ask (self, question);
}

static void
planned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  g_autoptr (GError) error = NULL;
  QuernOverflowPlan plan;

  if (!quern_chat_session_plan_overflow_finish (session, result, &plan, &error) || self->session != session
      || quern_chat_session_get_refused (session) == NULL || gtk_widget_get_root (GTK_WIDGET (self)) == NULL)
    give_up (self, session, error);
  else
    quern_overflow_dialog_present (GTK_WIDGET (self), session, &plan, chosen_cb, g_object_ref (self));
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  g_autoptr (GError) error = NULL;

  if (quern_chat_session_ask_finish (session, result, &error))
    return;
  if (g_error_matches (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG) && self->session == session)
    quern_chat_session_plan_overflow_async (session, NULL, planned_cb, g_object_ref (self));
  else
    give_up (self, session, error);
}

typedef struct {
  QuernChatSession *session;
  QuernQuestion *question;
} Asking;

static void
quern_chat_page_asking_free (gpointer data)
{
  Asking *asking = data;

  g_object_unref (asking->session);
  g_object_unref (asking->question);
  g_free (asking);
}

static void
ask_now_cb (GtkWidget *widget, gpointer data)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  Asking *asking = data;
  QuernQuestion *question = asking->question;
  QuernQuestionKind kind = quern_question_get_kind (question);

  if (self->session != asking->session)
    return; /* another conversation is shown by now */
  adw_banner_set_revealed (self->banner, FALSE);
  quern_chat_session_ask_async (self->session, question, NULL, answered_cb, g_object_ref (self));
  if (kind == QUERN_QUESTION_NEW || kind == QUERN_QUESTION_EDIT)
    quern_transcript_scroll_to_end (self->transcript);
}

/* Asks a question of the session on the screen, when people know where it goes. */
void
_quern_chat_page_ask (QuernChatPage *self, QuernQuestion *question)
{
  g_autoptr (GPtrArray) models = g_ptr_array_new ();
  Asking *asking = g_new (Asking, 1);

  if (quern_chat_session_get_model (self->session) != NULL)
    g_ptr_array_add (models, quern_chat_session_get_model (self->session));
  *asking = (Asking) { g_object_ref (self->session), g_object_ref (question) };
  quern_sending_tell (GTK_WIDGET (self), models, ask_now_cb, asking, quern_chat_page_asking_free);
}

/* Asks what is written, if there is anything and the model can answer now. */
void
_quern_chat_page_send (QuernChatPage *self)
{
  QuernQuestion *question = self->session != NULL ? quern_chat_session_get_question (self->session) : NULL;
  g_autofree char *text = question != NULL ? g_strstrip (g_strdup (quern_question_get_text (question))) : NULL;

  if (!_quern_chat_page_is_ready (self)
      || (*text == '\0' && !gtk_widget_get_visible (GTK_WIDGET (quern_composer_get_attachments (self->composer)))))
    return;
  quern_question_set_text (question, text);
  _quern_chat_page_ask (self, question);
}

/* ---- while an answer is made -------------------------------------------------------------------------------------- */

/* What is written is asked, or not, when the present answer is complete. */
void
_quern_chat_page_set_waiting (QuernChatPage *self, gboolean waiting)
{
  g_clear_handle_id (&self->send_source, g_source_remove);
  if (self->waiting == waiting)
    return;
  self->waiting = waiting;
  gtk_widget_set_visible (self->waiting_bar, waiting);
  if (waiting)
    gtk_accessible_announce (GTK_ACCESSIBLE (self), _("Your message will be sent when this answer is complete."),
                             GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}

static void
send_waiting_cb (gpointer user_data)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (user_data);

  self->send_source = 0;
  _quern_chat_page_set_waiting (self, FALSE);
  _quern_chat_page_send (self);
}

/* Asks what waited for the end of the answer, unless somebody stopped that: then it stays written. */
void
_quern_chat_page_send_waiting (QuernChatPage *self)
{
  GListModel *messages = quern_chat_session_get_messages (self->session);
  guint n = g_list_model_get_n_items (messages);
  g_autoptr (QuernMessage) last = n > 0 ? g_list_model_get_item (messages, n - 1) : NULL;

  if (!self->waiting)
    return;
  if (last == NULL || quern_message_get_state (last) == QUERN_MESSAGE_STOPPED
      || quern_chat_session_get_refused (self->session) != NULL)
    _quern_chat_page_set_waiting (self, FALSE);
  else if (self->send_source == 0)
    self->send_source = g_idle_add_once (send_waiting_cb, self);
}

gboolean
_quern_chat_page_is_ready (QuernChatPage *self)
{
  return self->session != NULL && quern_chat_session_get_state (self->session) == QUERN_SESSION_IDLE
         && self->working == NULL && quern_chat_session_get_model (self->session) != NULL;
}
