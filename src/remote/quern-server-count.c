/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How many tokens a prompt has, by the server's own tokenizer and template where it can say. */

#include "config.h"

#include "quern-server-answer.h"

#include "quern-json-util.h"
#include "quern-server-private.h"

#define SECONDS 10

typedef struct {
  QuernServerAccess *access;
  char *path, *body; /* NULL: the server is not asked */
  guint estimate;
  gboolean exact;
} Count;

static void
count_free (gpointer data)
{
  Count *count = data;

  _quern_server_access_unref (count->access);
  g_free (count->path);
  g_free (count->body);
  g_free (count);
}

static void
count_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Count *count = data;
  g_autoptr (QuernServerReply)
      reply = _quern_server_fetch (count->access, count->path, count->body, SECONDS, cancellable, NULL);
  g_autoptr (JsonNode)
      node = reply != NULL && SOUP_STATUS_IS_SUCCESSFUL (reply->status) ? _quern_server_reply_parse (reply) : NULL;
  JsonObject *root = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  guint n = MAX (quern_json_count (root, "input_tokens"), quern_json_count (root, "count"));

  if (g_task_return_error_if_cancelled (task))
    return;
  count->exact = n > 0;
  g_task_return_int (task, n > 0 ? n : count->estimate);
}

/**
 * quern_server_count_async:
 * @call: what would be asked
 *
 * Counts the tokens of its prompt. A model is not loaded for that: where it is not, and where the server does not count, the
 * result is an estimate.
 */
void
quern_server_count_async (QuernServer *server, const QuernServerCall *call, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Count *count;
  QuernServerKind kind;
  QuernServerModelState state;

  g_return_if_fail (QUERN_IS_SERVER (server) && call != NULL);
  task = g_task_new (server, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_server_count_async);
  count = g_new0 (Count, 1);
  g_task_set_task_data (task, count, count_free);
  kind = quern_server_get_kind (server);
  state = quern_server_call_get_model (call)->state;
  count->access = _quern_server_access_ref (_quern_server_get_access (server));
  count->estimate = quern_server_call_estimate (call);
  if (!quern_server_kind_get_traits (kind)->counts || state == QUERN_SERVER_MODEL_UNLOADED
      || state == QUERN_SERVER_MODEL_LOADING) {
    g_task_return_int (task, count->estimate);
    return;
  }
  count->path = kind == QUERN_SERVER_LLAMA ? g_strdup ("/v1/chat/completions/input_tokens") : g_strdup ("/tokenize");
  count->body = quern_server_call_to_count_json (call, kind);
  g_task_run_in_thread (task, count_worker);
}

/**
 * quern_server_count_finish:
 * @exact: (out): whether the server counted; else it is an estimate and to be shown as one
 *
 * Returns: the number of tokens, -1 with @error set when cancelled
 */
gssize
quern_server_count_finish (QuernServer *server, GAsyncResult *result, gboolean *exact, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, server), -1);
  *exact = ((const Count *) g_task_get_task_data (G_TASK (result)))->exact;
  return g_task_propagate_int (G_TASK (result), error);
}
