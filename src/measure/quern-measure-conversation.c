/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-conversation.h"

#include <glib/gi18n-lib.h>

#include "quern-excerpt.h"

/* One answer with the prompt it was given. */
typedef struct {
  QuernExcerpt *excerpt;
  QuernRequest *request; /* made from the excerpt on the thread */
  char *reasoning, *answer;
  gboolean thinking;
} Reply;

static void
reply_free (gpointer data)
{
  Reply *reply = data;

  g_clear_pointer (&reply->excerpt, quern_excerpt_free);
  g_clear_pointer (&reply->request, quern_request_unref);
  g_free (reply->reasoning);
  g_free (reply->answer);
  g_free (reply);
}

typedef struct {
  QuernStore *store;
  QuernConversation *conversation;
  GPtrArray *replies; /* of Reply */
} Adding;

static void
adding_free (gpointer data)
{
  Adding *adding = data;

  g_object_unref (adding->store);
  g_object_unref (adding->conversation);
  g_ptr_array_unref (adding->replies);
  g_free (adding);
}

/* Reads the attached text files and builds the requests. */
static void
quern_measure_build_requests_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Adding *adding = data;
  GError *error = NULL;

  for (guint i = 0; i < adding->replies->len; i++) {
    Reply *reply = adding->replies->pdata[i];
    reply->request = quern_excerpt_build (reply->excerpt, cancellable, &error);
    if (!reply->request) {
      g_task_return_error (task, error);
      return;
    }
    quern_request_set_thinking (reply->request, reply->thinking);
  }
  g_task_return_boolean (task, TRUE);
}

static void
quern_measure_path_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Adding *adding = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GPtrArray) messages = quern_store_load_path_finish (QUERN_STORE (source), result, &error);

  if (!messages) {
    g_task_return_error (task, error);
    return;
  }
  /* Answers that follow a picture are left out: the text alone is not the prompt that they answered. */
  for (guint i = 0; i < messages->len; i++) {
    QuernMessage *message = messages->pdata[i];
    g_autoptr (QuernExcerpt) excerpt = NULL;
    Reply *reply;
    if (quern_message_get_role (message) != QUERN_ROLE_ASSISTANT || quern_message_get_content_length (message) == 0)
      continue;
    excerpt = quern_excerpt_new (adding->store, quern_conversation_get_system_prompt (adding->conversation));
    for (guint j = 0; j < i; j++)
      quern_excerpt_add_message (excerpt, messages->pdata[j]);
    if (quern_excerpt_has_pictures (excerpt))
      break;
    reply = g_new (Reply, 1);
    *reply = (Reply) { g_steal_pointer (&excerpt), NULL, g_strdup (quern_message_get_reasoning (message)),
                       g_strdup (quern_message_get_content (message)),
                       quern_message_get_reasoning (message) && *quern_message_get_reasoning (message) };
    g_ptr_array_add (adding->replies, reply);
  }
  if (adding->replies->len > 0)
    g_task_run_in_thread (task, quern_measure_build_requests_thread);
  else
    g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
                             _("“%s” has no answers that can be measured; answers about pictures cannot be measured. "
                               "Choose another conversation."),
                             quern_conversation_get_title (adding->conversation));
}

void
quern_measure_add_conversation_async (QuernMeasure *self, QuernStore *store, QuernConversation *conversation,
                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Adding *adding = g_new (Adding, 1);

  *adding = (Adding) { g_object_ref (store), g_object_ref (conversation), g_ptr_array_new_with_free_func (reply_free) };
  g_task_set_task_data (task, adding, adding_free);
  quern_store_load_path_async (store, conversation, cancellable, quern_measure_path_loaded_cb, task);
}

gboolean
quern_measure_add_conversation_finish (QuernMeasure *self, GAsyncResult *result, GError **error)
{
  Adding *adding = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  for (guint i = 0; i < adding->replies->len; i++) {
    const Reply *reply = adding->replies->pdata[i];
    quern_measure_add_reply (self, reply->request, reply->reasoning, reply->answer);
  }
  quern_measure_set_source (self, quern_conversation_get_title (adding->conversation));
  return TRUE;
}
