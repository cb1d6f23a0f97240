/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-title.h"
#include "quern-questions.h"
#include "quern-window-private.h"

#include <glib/gi18n.h>

/* Answers that end while nobody looks, and answers that are being made when the window is to close. */

/* What is known about a session while it is watched. */
typedef struct {
  QuernWindow *window; /* borrowed: when it goes, nothing is watched any more */
  gboolean answering;
  guint inhibit_cookie; /* keeps the computer awake while it answers; 0: does not */
} Watch;

static char *
notification_id (QuernConversation *conversation)
{
  return g_strdup_printf ("answer-%" G_GINT64_FORMAT, quern_conversation_get_id (conversation));
}

static void
quern_window_state_cb (QuernChatSession *session, GParamSpec *pspec, Watch *watch)
{
  QuernWindow *self = watch->window;
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());
  QuernConversation *conversation = quern_chat_session_get_conversation (session);
  gboolean answered = watch->answering;

  watch->answering = quern_chat_session_get_state (session) != QUERN_SESSION_IDLE;
  if (!watch->answering && !self->closing && g_settings_get_boolean (self->settings, "make-titles"))
    quern_chat_session_make_title_soon (session);
  /* The computer does not fall asleep over an answer. */
  if (watch->answering && watch->inhibit_cookie == 0) {
    watch->inhibit_cookie = gtk_application_inhibit (application, GTK_WINDOW (self), GTK_APPLICATION_INHIBIT_SUSPEND,
                                                     _("Generating an answer"));
  } else if (!watch->answering && watch->inhibit_cookie != 0) {
    gtk_application_uninhibit (application, watch->inhibit_cookie);
    watch->inhibit_cookie = 0;
  }
  if (answered && !watch->answering && !self->closing && !gtk_window_is_active (GTK_WINDOW (self))) {
    /* It does not say what the answer is, because notifications show on locked screens too. */
    g_autofree char *id = notification_id (conversation);
    g_autoptr (GNotification)
        notification = g_notification_new (quern_chat_title_shown (quern_conversation_get_title (conversation)));
    g_notification_set_body (notification, _("The answer is ready."));
    g_notification_set_default_action_and_target (notification, "app.open-conversation", "x",
                                                  quern_conversation_get_id (conversation));
    g_application_send_notification (G_APPLICATION (application), id, notification);
  }
}

static void
watch_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

/* Tells the desktop when an answer of @session ends while the window is not in use. */
void
_quern_window_watch (QuernWindow *self, QuernChatSession *session)
{
  Watch *watch = g_new (Watch, 1);
  GClosure *closure = g_cclosure_new (G_CALLBACK (quern_window_state_cb), watch, watch_free);

  *watch = (Watch) { .window = self };
  g_object_watch_closure (G_OBJECT (self), closure);
  g_signal_connect_closure (session, "notify::state", closure, FALSE);
}

/* Takes back what was said about a conversation that is now on the screen. */
void
_quern_window_withdraw_notification (QuernWindow *self, QuernConversation *conversation)
{
  g_autofree char *id = notification_id (conversation);
  g_application_withdraw_notification (g_application_get_default (), id);
}

/* A measurement that is paused waits for somebody to go on with it. */
static gboolean
is_working (QuernComparison *comparison)
{
  QuernMeasure *measure = quern_comparison_get_measure (comparison);
  QuernQuestions *questions = quern_comparison_get_questions (comparison);

  return quern_comparison_get_running (comparison) || (questions != NULL && quern_questions_get_running (questions))
         || (measure != NULL && quern_measure_get_running (measure) && !quern_measure_get_paused (measure));
}

/* Ends all that is being made of a comparison; what is there stays. */
void
_quern_window_stop_comparison (QuernComparison *comparison)
{
  QuernMeasure *measure = quern_comparison_get_measure (comparison);
  QuernQuestions *questions = quern_comparison_get_questions (comparison);

  quern_comparison_stop (comparison);
  if (questions != NULL)
    quern_questions_stop (questions);
  if (measure != NULL)
    quern_measure_stop (measure);
}

/**
 * quern_window_is_busy:
 *
 * Returns: whether an answer, a comparison or a measurement is being made
 */
gboolean
quern_window_is_busy (QuernWindow *self)
{
  GHashTableIter iter;
  gpointer item;

  g_return_val_if_fail (QUERN_IS_WINDOW (self), FALSE);

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (quern_chat_session_get_state (item) != QUERN_SESSION_IDLE)
      return TRUE;
  g_hash_table_iter_init (&iter, self->open_comparisons);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (is_working (item))
      return TRUE;
  return FALSE;
}

/**
 * quern_window_stop_answers:
 *
 * Stops everything that is being made, because the window is to close: a model that computes while the process ends uses
 * libraries that are gone. Answers are kept as interrupted ones.
 *
 * Returns: whether something has not ended yet; ask again soon
 */
gboolean
quern_window_stop_answers (QuernWindow *self)
{
  GHashTableIter iter;
  gpointer item;

  g_return_val_if_fail (QUERN_IS_WINDOW (self), FALSE);

  self->closing = TRUE;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (quern_chat_session_get_state (item) != QUERN_SESSION_IDLE)
      quern_chat_session_interrupt (item);
  g_hash_table_iter_init (&iter, self->open_comparisons);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    _quern_window_stop_comparison (item);
  return quern_window_is_busy (self);
}
