/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-title.h"
#include "quern-window-private.h"

#include <glib/gi18n.h>

/* Answers that end while nobody looks, and answers that are being made when the window is to close. */

static char *
notification_id (QuernConversation *conversation)
{
  return g_strdup_printf ("answer-%" G_GINT64_FORMAT, quern_conversation_get_id (conversation));
}

/* Says that an answer has ended; not what it says, because notifications show on locked screens too. */
static void
notify_answer (QuernWindow *self, QuernConversation *conversation)
{
  g_autofree char *id = notification_id (conversation);
  g_autoptr (GNotification)
      notification = g_notification_new (quern_chat_title_shown (quern_conversation_get_title (conversation)));

  g_notification_set_body (notification, _("The answer is ready."));
  g_notification_set_default_action_and_target (notification, "app.open-conversation", "x",
                                                quern_conversation_get_id (conversation));
  g_application_send_notification (g_application_get_default (), id, notification);
}

/* The computer does not fall asleep over an answer. */
static void
keep_awake (QuernWindow *self, QuernChatSession *session, gboolean awake)
{
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());
  guint cookie = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (session), "inhibit"));

  if (awake && cookie == 0)
    cookie = gtk_application_inhibit (application, GTK_WINDOW (self), GTK_APPLICATION_INHIBIT_SUSPEND,
                                      _("Generating an answer"));
  else if (!awake && cookie != 0) {
    gtk_application_uninhibit (application, cookie);
    cookie = 0;
  }
  g_object_set_data (G_OBJECT (session), "inhibit", GUINT_TO_POINTER (cookie));
}

static void
state_cb (QuernChatSession *session, GParamSpec *pspec, QuernWindow *self)
{
  gboolean answered = g_object_get_data (G_OBJECT (session), "answering") != NULL;
  gboolean answering = quern_chat_session_get_state (session) != QUERN_SESSION_IDLE;

  g_object_set_data (G_OBJECT (session), "answering", GINT_TO_POINTER (answering));
  if (!answering && !self->closing && g_settings_get_boolean (self->settings, "make-titles"))
    quern_chat_session_make_title_soon (session);
  keep_awake (self, session, answering);
  if (answered && !answering && !self->closing && !gtk_window_is_active (GTK_WINDOW (self)))
    notify_answer (self, quern_chat_session_get_conversation (session));
}

/* Tells the desktop when an answer of @session ends while the window is not in use. */
void
_quern_window_watch (QuernWindow *self, QuernChatSession *session)
{
  g_signal_connect_object (session, "notify::state", G_CALLBACK (state_cb), self, 0);
}

/* Takes back what was said about a conversation that is now on the screen. */
void
_quern_window_withdraw_notification (QuernWindow *self, QuernConversation *conversation)
{
  g_autofree char *id = notification_id (conversation);
  g_application_withdraw_notification (g_application_get_default (), id);
}

/**
 * quern_window_stop_answers:
 *
 * Stops every answer that is being made, because the window is to close.
 *
 * Returns: whether one has not ended yet; ask again soon
 */
gboolean
quern_window_stop_answers (QuernWindow *self)
{
  GHashTableIter iter;
  gpointer session;
  gboolean busy = FALSE;

  g_return_val_if_fail (QUERN_IS_WINDOW (self), FALSE);

  self->closing = TRUE;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    if (quern_chat_session_get_state (session) != QUERN_SESSION_IDLE) {
      quern_chat_session_stop (session);
      busy = TRUE;
    }
  return busy;
}
