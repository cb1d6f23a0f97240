/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-title.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session-private.h"

/* Where titles come from. A conversation begins without one. Its first question gives it the first line; after the first
 * answer, the model may make a better one; a branch has that of its original, with a mark. A title that a person gave is
 * never replaced. */

#define TITLE_CHARACTERS 60
#define TITLE_TOKENS 24
#define TITLE_DELAY_SECONDS 3 /* after the answer: a quick next question comes first */

/**
 * quern_chat_title_shown:
 * @title: (nullable): that of a conversation
 *
 * Returns: (transfer none): it, or what is shown while the conversation has none
 */
const char *
quern_chat_title_shown (const char *title)
{
  return title && *title ? title : _("New Chat");
}

/**
 * quern_chat_title_from_question:
 * @text: a question
 *
 * Returns: (transfer full): its first line, cut where it is long; empty if there is none
 */
char *
quern_chat_title_from_question (const char *text)
{
  g_autofree char *line = g_strstrip (g_strdup (text)), *cut = NULL;

  line[strcspn (line, "\r\n")] = '\0';
  if (g_utf8_strlen (line, -1) <= TITLE_CHARACTERS)
    return g_steal_pointer (&line);
  cut = g_utf8_substring (line, 0, TITLE_CHARACTERS - 1);
  return g_strconcat (g_strchomp (cut), "…", NULL);
}

/* Makes the first line of a question the title of a conversation that has none. */
void
_quern_chat_session_title_by_question (QuernChatSession *self, const char *text)
{
  g_autofree char *title = quern_chat_title_from_question (text);

  if (*title && !*quern_conversation_get_title (self->conversation))
    quern_conversation_set_title (self->conversation, title, FALSE);
}

/* Marks the title as a branch, so that it differs from the original's. A title has the mark only once. */
char *
_quern_chat_title_of_branch (const char *original)
{
  /* Translators: title of a conversation that begins as another one (%s) did */
  g_autofree char *mark = g_strdup_printf (_("%s (branch)"), "");

  return g_str_has_suffix (original, mark) ? g_strdup (original) : g_strdup_printf (_("%s (branch)"), original);
}

/* ---- by the model ---------------------------------------------------------------------------------------------- */

static void
titled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autofree char *text = _quern_chat_session_complete_finish (self, result, &error);
  g_autofree char *title = NULL;
  char *line;

  if (!text) {
    g_task_return_error (task, error);
    return;
  }
  /* The title is the first line without the quotes and marks that models put around titles. */
  line = text + strspn (text, " \t#*\"'");
  line[strcspn (line, "\n")] = '\0';
  for (gsize length = strlen (line); length > 0 && strchr (" \t*\"'.", line[length - 1]); length--)
    line[length - 1] = '\0';
  title = g_utf8_substring (line, 0, MIN (g_utf8_strlen (line, -1), TITLE_CHARACTERS));
  if (*title && !quern_conversation_get_title_given (self->conversation))
    quern_conversation_set_title (self->conversation, title, FALSE);
  g_task_return_boolean (task, *title != '\0');
}

static void
title_request_built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (QuernRequest) request = quern_excerpt_build_finish (result, &error);

  if (request)
    _quern_chat_session_complete_async (self, request, TITLE_TOKENS, g_task_get_cancellable (task), titled_cb,
                                        g_object_ref (task));
  else
    g_task_return_error (task, error);
}

/**
 * quern_chat_session_make_title_async:
 *
 * Lets the model generate a title for the conversation, unless the user gave it one. Cancel it when something else is to
 * be done.
 */
void
quern_chat_session_make_title_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  QuernExcerpt *excerpt = _quern_chat_session_excerpt (self, quern_conversation_get_system_prompt (self->conversation),
                                                       _quern_chat_session_start (self, n), n);

  quern_excerpt_add_question (excerpt,
                              _("Give our conversation a title of at most six words. Answer with the title alone."),
                              NULL);
  quern_excerpt_build_async (excerpt, cancellable, title_request_built_cb,
                             g_task_new (self, cancellable, callback, user_data));
}

/**
 * quern_chat_session_make_title_finish:
 *
 * Returns: whether a title was found
 */
gboolean
quern_chat_session_make_title_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
title_delay_cb (gpointer data)
{
  QuernChatSession *self = data;

  self->title_source = 0;
  /* The first line of the question stays the title if the model finds none. */
  quern_chat_session_make_title_async (self, self->titling, NULL, NULL);
  return G_SOURCE_REMOVE;
}

/**
 * quern_chat_session_make_title_soon:
 *
 * Call it when an answer has ended: after the first one the model makes a title, unless it is the demonstration, whose
 * titles would make no sense. A question that is asked meanwhile stops it.
 */
void
quern_chat_session_make_title_soon (QuernChatSession *self)
{
  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));

  if (!self->model || quern_model_is_demo (self->model) || quern_conversation_get_title_given (self->conversation)
      || g_list_model_get_n_items (G_LIST_MODEL (self->messages)) != 2)
    return;
  _quern_chat_session_stop_title (self);
  self->titling = g_cancellable_new ();
  self->title_source = g_timeout_add_seconds_full (G_PRIORITY_LOW, TITLE_DELAY_SECONDS, title_delay_cb,
                                                   g_object_ref (self), g_object_unref);
}

void
_quern_chat_session_stop_title (QuernChatSession *self)
{
  g_cancellable_cancel (self->titling);
  g_clear_object (&self->titling);
  g_clear_handle_id (&self->title_source, g_source_remove);
}
