/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-attachment-cost.h"

#include <glib/gi18n-lib.h>

#include "quern-vision.h"
#include "quern-chat-session-private.h"

/* The cost of a picture follows from its size and the header of the vision file. The cost of a text is counted with the
 * model's tokenizer: a message with the text, less an empty message. */

#define PICTURE_MARKS 2 /* tokens: the template's start and end around each picture */

typedef struct {
  QuernBackend *backend;
  QuernModel *model;
  QuernAttachment *attachment;
  guint width, height;
  QuernAttachmentCost cost;
  gssize with_text; /* tokens of the message with the text; -1 before they are counted */
} Job;

static void
cost_job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->backend);
  g_object_unref (job->model);
  g_object_unref (job->attachment);
  g_free (job);
}

static void
picture_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  QuernPicturePlan plan = { 0 };
  GError *error = NULL;

  if (!quern_vision_plan (job->model, job->width, job->height, &plan, &error)) {
    g_task_return_error (task, error);
    return;
  }
  job->cost = (QuernAttachmentCost) { plan.width, plan.height, plan.n_tokens + PICTURE_MARKS };
  g_task_return_boolean (task, TRUE);
}

static void count_text (GTask *task, const char *text);

static void
cost_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Job *job = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = quern_backend_count_finish (QUERN_BACKEND (source), result, NULL, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else if (job->with_text < 0) {
    job->with_text = n;
    count_text (g_steal_pointer (&task), "");
  } else {
    job->cost.tokens = job->with_text > n ? (guint) (job->with_text - n) : 0;
    g_task_return_boolean (task, TRUE);
  }
}

/* @task: (transfer full) */
static void
count_text (GTask *task, const char *text)
{
  Job *job = g_task_get_task_data (task);
  g_autoptr (QuernRequest) request = quern_request_new ();

  quern_request_add_message (request, QUERN_ROLE_USER, text, NULL);
  quern_request_set_unsent (request, TRUE);
  quern_backend_count_async (job->backend, job->model, request, g_task_get_cancellable (task), cost_counted_cb, task);
}

/* @task: (transfer full) */
static void
count_bytes (GTask *task, GBytes *bytes)
{
  Job *job = g_task_get_task_data (task);
  g_autofree char *quoted = quern_excerpt_quote_file (quern_attachment_get_name (job->attachment),
                                                      quern_attachment_get_mime (job->attachment), bytes);

  count_text (task, quoted);
}

static void
cost_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, &error);

  if (bytes != NULL)
    count_bytes (g_steal_pointer (&task), bytes);
  else
    g_task_return_error (task, error);
}

/**
 * quern_attachment_cost_async:
 * @session: whose model it would be sent to
 * @attachment: a picture or a text
 * @width: of a picture, in pixels
 * @height: of a picture, in pixels
 *
 * Finds out how large a picture will be when the model gets it, and how many tokens a picture or a text will take. Fails
 * with %QUERN_INFERENCE_ERROR_NO_VISION where the model cannot see.
 */
void
quern_attachment_cost_async (QuernChatSession *session, QuernAttachment *attachment, guint width, guint height,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (session, cancellable, callback, user_data);
  GBytes *bytes = quern_attachment_get_bytes (attachment);
  Job *job;

  if (session->model == NULL) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, "%s", _("Choose a model first."));
    return;
  }
  job = g_new0 (Job, 1);
  *job = (Job) { g_object_ref (session->backend),
                 g_object_ref (session->model),
                 g_object_ref (attachment),
                 width,
                 height,
                 .with_text = -1 };
  g_task_set_task_data (task, job, cost_job_free);
  if (quern_attachment_is_picture (attachment))
    g_task_run_in_thread (task, picture_worker);
  else if (bytes != NULL)
    count_bytes (g_steal_pointer (&task), bytes);
  else
    quern_store_load_attachment_async (session->store, attachment, cancellable, cost_loaded_cb,
                                       g_steal_pointer (&task));
}

/**
 * quern_attachment_cost_finish:
 * @cost: (out): what it costs; untouched on failure
 */
gboolean
quern_attachment_cost_finish (GAsyncResult *result, QuernAttachmentCost *cost, GError **error)
{
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *cost = ((Job *) g_task_get_task_data (G_TASK (result)))->cost;
  return TRUE;
}
