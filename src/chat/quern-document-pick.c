/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-document-pick.h"

#include <glib/gi18n-lib.h>

#include "quern-attachment-cost.h"
#include "quern-chat-session-private.h"
#include "quern-document.h"
#include "quern-page-list.h"
#include "quern-passages.h"

/* Lets the question that is being written pick the pages of a document: as many as there is room for beside everything else
 * in the context. How much text that is follows from the tokens of the whole document, which is counted. */

#define ANSWER_ROOM(size) MIN ((size) / 4, 1024u)

typedef struct {
  QuernAttachment *document, *whole; /* as it is sent now, and with all its pages */
  guint whole_tokens, present_tokens;
  char *question;
  gsize max_bytes;
} Picking;

static void
picking_free (gpointer data)
{
  Picking *picking = data;

  g_object_unref (picking->document);
  g_clear_object (&picking->whole);
  g_free (picking->question);
  g_free (picking);
}

static void
picking_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Picking *picking = data;
  QuernDocumentFacts facts = { 0 };
  GError *error = NULL;
  g_autoptr (GArray) pages = NULL;

  quern_document_get_facts (quern_attachment_get_mime (picking->whole), &facts);
  pages = quern_passages_pick (quern_attachment_get_bytes (picking->whole), facts.n_pages, picking->question,
                               picking->max_bytes, &error);
  if (pages)
    g_task_return_pointer (task, quern_document_choose (picking->whole, pages, TRUE), g_object_unref);
  else
    g_task_return_error (task, error);
}

/* Everything is known by now: what of the context the rest of the prompt leaves is for the document. */
static void
picking_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Picking *picking = g_task_get_task_data (task);
  GError *error = NULL;
  QuernTokenCount count;
  guint taken;

  if (!quern_chat_session_count_tokens_finish (QUERN_CHAT_SESSION (source), result, &count, &error)) {
    g_task_return_error (task, error);
    return;
  }
  taken = count.total - MIN (count.total, picking->present_tokens) + ANSWER_ROOM (count.context_size);
  /* Bytes for a token are about the same on all pages; a tenth is for those where they are not, and for their numbers. */
  picking->max_bytes = (gsize) ((double) quern_attachment_get_size (picking->whole) * 0.9
                                * (count.context_size - MIN (count.context_size, taken))
                                / MAX (picking->whole_tokens, 1));
  g_task_run_in_thread (task, picking_worker);
}

/* Ends the task where the tokens could not be counted. */
static gboolean
take_cost (GTask *task, GAsyncResult *result, guint *tokens)
{
  QuernAttachmentCost cost;
  GError *error = NULL;

  if (!quern_attachment_cost_finish (result, &cost, &error)) {
    g_task_return_error (task, error);
    return FALSE;
  }
  *tokens = cost.tokens;
  return TRUE;
}

static void
picking_present_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Picking *picking = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task); /* before the task is handed on */

  if (take_cost (task, result, &picking->present_tokens))
    quern_chat_session_count_tokens_async (QUERN_CHAT_SESSION (source), cancellable, picking_counted_cb,
                                           g_steal_pointer (&task));
}

static void
picking_whole_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Picking *picking = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task); /* before the task is handed on */

  if (take_cost (task, result, &picking->whole_tokens))
    quern_attachment_cost_async (QUERN_CHAT_SESSION (source), picking->document, 0, 0, cancellable, picking_present_cb,
                                 g_steal_pointer (&task));
}

static void
count_whole (GTask *task)
{
  Picking *picking = g_task_get_task_data (task);
  QuernDocumentFacts facts = { 0 };
  g_autoptr (GArray) all = NULL;

  quern_document_get_facts (quern_attachment_get_mime (picking->document), &facts);
  all = quern_page_list_new_all (facts.n_pages);
  picking->whole = quern_document_choose (picking->document, all, FALSE);
  quern_attachment_cost_async (g_task_get_source_object (task), picking->whole, 0, 0, g_task_get_cancellable (task),
                               picking_whole_cb, task);
}

static void
picking_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, &error);

  if (bytes)
    count_whole (g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

/**
 * quern_document_pick_async:
 * @session: with a question that is being written, and a model
 * @document: one of the question's attachments
 *
 * Picks the pages that have to do with the question.
 */
void
quern_document_pick_async (QuernChatSession *session, QuernAttachment *document, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (session, cancellable, callback, user_data);
  Picking *picking = g_new0 (Picking, 1);

  picking->document = g_object_ref (document);
  picking->question = g_strdup (quern_question_get_text (quern_chat_session_get_question (session)));
  g_task_set_task_data (task, picking, picking_free);
  if (quern_attachment_get_bytes (document))
    count_whole (task);
  else
    quern_store_load_attachment_async (session->store, document, cancellable, picking_loaded_cb, task);
}

/**
 * quern_document_pick_finish:
 *
 * Returns: (transfer full) (nullable): the document with the pages that were picked; %NULL with a sentence for people
 */
QuernAttachment *
quern_document_pick_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
