/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session-private.h"

/* Asks the model for something that is not part of the conversation: a summary or a title. It does not think, and it
 * uses the conversation's own context, whose cache holds most of the prompt already. Requests wait for each other
 * there, so whoever asks for a title must cancel it when the user asks something. */

#define TITLE_TOKENS 24
#define TITLE_CHARACTERS 60

typedef struct {
  guint max_tokens;
  QuernRequest *request;
  QuernLoadedModel *context;
  QuernGeneration *generation;
  GString *text;
  gulong cancel_handler;
} Completion;

static void
completion_free (gpointer data)
{
  Completion *completion = data;

  g_clear_pointer (&completion->request, quern_request_unref);
  g_clear_object (&completion->context);
  g_clear_object (&completion->generation);
  g_string_free (completion->text, TRUE);
  g_free (completion);
}

static void
fail (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
text_cb (GTask *task, gboolean reasoning, const char *text)
{
  Completion *completion = g_task_get_task_data (task);

  if (!reasoning)
    g_string_append (completion->text, text);
}

static void
done_cb (GTask *task)
{
  Completion *completion = g_task_get_task_data (task);
  const GError *error = quern_generation_get_error (completion->generation);

  g_cancellable_disconnect (g_task_get_cancellable (task), completion->cancel_handler);
  g_signal_handlers_disconnect_by_data (completion->generation, task);
  g_strstrip (completion->text->str);
  if (error)
    g_task_return_error (task, g_error_copy (error));
  else if (!g_task_return_error_if_cancelled (task))
    g_task_return_pointer (task, g_strdup (completion->text->str), g_free);
  g_object_unref (task);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  quern_generation_stop (data);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Completion *completion = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  completion->context = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);
  if (!completion->context) {
    fail (task, error);
    return;
  }
  completion->generation = quern_loaded_model_generate (completion->context, completion->request);
  g_signal_connect_swapped (completion->generation, "text", G_CALLBACK (text_cb), task);
  g_signal_connect_swapped (completion->generation, "done", G_CALLBACK (done_cb), task);
  if (cancellable)
    completion->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb),
                                                        g_object_ref (completion->generation), g_object_unref);
}

static void
built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  Completion *completion = g_task_get_task_data (task);
  GError *error = NULL;
  QuernSampling sampling;
  QuernLoadParams params;

  completion->request = quern_prompt_build_finish (result, &error);
  if (completion->request && !self->model)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, _("Choose a model first."));
  if (error) {
    fail (task, error);
    return;
  }
  quern_sampling_init (&sampling, self->model, FALSE, quern_request_has_pictures (completion->request), NULL);
  sampling.max_tokens = completion->max_tokens;
  quern_sampling_apply (&sampling, completion->request);
  quern_request_set_thinking (completion->request, FALSE);
  _quern_chat_session_load_params (self, self->model, &params);
  quern_backend_load_async (self->backend, self->model, &params, NULL, NULL, g_task_get_cancellable (task), loaded_cb,
                            task);
}

/* Appends the question to the prompt and asks the model. Takes ownership of @prompt. */
void
_quern_chat_session_complete_async (QuernChatSession *self, QuernPrompt *prompt, const char *question, guint max_tokens,
                                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Completion *completion = g_new0 (Completion, 1);

  completion->max_tokens = max_tokens;
  completion->text = g_string_new (NULL);
  g_task_set_task_data (task, completion, completion_free);
  quern_prompt_add_text (prompt, QUERN_ROLE_USER, question, NULL);
  quern_prompt_build_async (prompt, cancellable, built_cb, task);
}

/* Returns: (transfer full) (nullable): what the model wrote */
char *
_quern_chat_session_complete_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- titles ---------------------------------------------------------------------------------------------------- */

/* Returns the first line without the quotes and marks that models put around titles, or NULL if nothing is left. */
static char *
clean_title (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 2);
  const char *start = lines[0] ? lines[0] : "";
  g_autofree char *line = NULL;
  gsize length;

  start += strspn (start, " \t#*\"'");
  line = g_strdup (start);
  length = strlen (line);
  while (length > 0 && strchr (" \t*\"'.", line[length - 1]))
    line[--length] = '\0';
  if (length == 0)
    return NULL;
  return g_utf8_strlen (line, -1) <= TITLE_CHARACTERS ? g_steal_pointer (&line)
                                                      : g_utf8_substring (line, 0, TITLE_CHARACTERS);
}

static void
titled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autofree char *text = _quern_chat_session_complete_finish (self, result, &error);
  g_autofree char *title = text ? clean_title (text) : NULL;

  if (error) {
    g_task_return_error (task, error);
    return;
  }
  if (title && !quern_conversation_get_title_given (self->conversation))
    quern_conversation_set_title (self->conversation, title, FALSE);
  g_task_return_boolean (task, title != NULL);
}

/**
 * quern_chat_session_make_title_async:
 *
 * Lets the model generate a title for the conversation, unless the user gave it one. Call it when nothing else is to be
 * done, and cancel it when something is.
 */
void
quern_chat_session_make_title_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  QuernPrompt *prompt = _quern_chat_session_prompt (self, g_list_model_get_n_items (G_LIST_MODEL (self->messages)));

  _quern_chat_session_complete_async (
      self, prompt, _("Give our conversation a title of at most six words. Answer with the title alone."),
      TITLE_TOKENS, cancellable, titled_cb, task);
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
