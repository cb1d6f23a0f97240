/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* Asks the model for something that is not part of the conversation: a summary or a title. It does not think, and it
 * uses the conversation's own context, whose cache holds most of the prompt already. Requests wait for each other
 * there, so whoever asks for a title must cancel it when the user asks something. */

typedef struct {
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
completion_fail (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
completion_text_cb (GTask *task, gboolean reasoning, const char *text)
{
  Completion *completion = g_task_get_task_data (task);

  if (!reasoning)
    g_string_append (completion->text, text);
}

static void
completion_done_cb (GTask *task)
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
completion_cancelled_cb (GCancellable *cancellable, gpointer data)
{
  quern_generation_stop (data);
}

static void
completion_context_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Completion *completion = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  completion->context = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);
  if (!completion->context) {
    completion_fail (task, error);
    return;
  }
  completion->generation = quern_loaded_model_generate (completion->context, completion->request);
  g_signal_connect_swapped (completion->generation, "text", G_CALLBACK (completion_text_cb), task);
  g_signal_connect_swapped (completion->generation, "done", G_CALLBACK (completion_done_cb), task);
  if (cancellable)
    completion->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (completion_cancelled_cb),
                                                        g_object_ref (completion->generation), g_object_unref);
}

/* Asks the model, with the sampling of its family; the request is a question without an answer, and nothing else is set. */
void
_quern_chat_session_complete_async (QuernChatSession *self, QuernRequest *request, guint max_tokens,
                                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Completion *completion = g_new0 (Completion, 1);
  QuernSampling sampling;
  QuernLoadParams params;

  completion->request = quern_request_ref (request);
  completion->text = g_string_new (NULL);
  g_task_set_task_data (task, completion, completion_free);
  if (!self->model) {
    completion_fail (task,
                     g_error_new (QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, "%s", _("Choose a model first.")));
    return;
  }
  quern_sampling_init (&sampling, self->model, FALSE, quern_request_has_pictures (request), NULL);
  sampling.max_tokens = max_tokens;
  quern_sampling_apply (&sampling, request);
  _quern_chat_session_load_params (self, self->model, &params);
  quern_backend_load_async (self->backend, self->model, &params, NULL, NULL, cancellable, completion_context_loaded_cb,
                            task);
}

/* Returns: (transfer full) (nullable): what the model wrote */
char *
_quern_chat_session_complete_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
