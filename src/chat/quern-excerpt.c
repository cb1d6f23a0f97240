/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-excerpt.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session.h"
#include "quern-document.h"
#include "quern-picture.h"
#include "quern-sql.h"

typedef struct {
  char *name, *mime, *hash;
  gboolean picture;
  GBytes *bytes; /* NULL if they are in the store */
} CopiedAttachment;

typedef struct {
  QuernRole role;
  char *text, *reasoning;
  GPtrArray *attachments; /* of CopiedAttachment */
} CopiedMessage;

struct _QuernExcerpt {
  QuernDatabase *database;
  GPtrArray *messages; /* of CopiedMessage */
  gboolean has_pictures;
};

static void
copied_attachment_free (gpointer data)
{
  CopiedAttachment *attachment = data;

  g_free (attachment->name);
  g_free (attachment->mime);
  g_free (attachment->hash);
  g_clear_pointer (&attachment->bytes, g_bytes_unref);
  g_free (attachment);
}

static void
copied_message_free (gpointer data)
{
  CopiedMessage *message = data;

  g_free (message->text);
  g_free (message->reasoning);
  g_ptr_array_unref (message->attachments);
  g_free (message);
}

static void
quern_excerpt_add (QuernExcerpt *self, QuernRole role, const char *text, const char *reasoning, GListModel *attachments)
{
  CopiedMessage *message = g_new0 (CopiedMessage, 1);
  guint n = attachments ? g_list_model_get_n_items (attachments) : 0;

  message->role = role;
  message->text = g_strdup (text);
  message->reasoning = reasoning && *reasoning ? g_strdup (reasoning) : NULL;
  message->attachments = g_ptr_array_new_with_free_func (copied_attachment_free);
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    GBytes *bytes = quern_attachment_get_bytes (attachment);
    CopiedAttachment *copy = g_new0 (CopiedAttachment, 1);
    copy->name = g_strdup (quern_attachment_get_name (attachment));
    copy->mime = g_strdup (quern_attachment_get_mime (attachment));
    copy->hash = g_strdup (quern_attachment_get_hash (attachment));
    copy->picture = quern_attachment_is_picture (attachment);
    copy->bytes = bytes ? g_bytes_ref (bytes) : NULL;
    g_ptr_array_add (message->attachments, copy);
    self->has_pictures |= copy->picture;
  }
  g_ptr_array_add (self->messages, message);
}

/**
 * quern_excerpt_new:
 * @store: where attachments are that were not loaded
 * @system_prompt: (nullable): what comes before everything else
 *
 * Returns: (transfer full): an excerpt with the system prompt only
 */
QuernExcerpt *
quern_excerpt_new (QuernStore *store, const char *system_prompt)
{
  QuernExcerpt *self = g_new0 (QuernExcerpt, 1);

  self->database = g_object_ref (quern_store_get_database (store));
  self->messages = g_ptr_array_new_with_free_func (copied_message_free);
  if (system_prompt && *system_prompt)
    quern_excerpt_add (self, QUERN_ROLE_SYSTEM, system_prompt, NULL, NULL);
  return self;
}

void
quern_excerpt_free (QuernExcerpt *self)
{
  g_object_unref (self->database);
  g_ptr_array_unref (self->messages);
  g_free (self);
}

/**
 * quern_excerpt_includes:
 *
 * Returns: whether a message goes to models; an answer that failed before its first word does not
 */
gboolean
quern_excerpt_includes (QuernMessage *message)
{
  return quern_message_get_role (message) == QUERN_ROLE_USER || quern_message_get_content_length (message) > 0;
}

/**
 * quern_excerpt_add_message:
 *
 * Adds a message of the history, unless it does not go to models.
 */
void
quern_excerpt_add_message (QuernExcerpt *self, QuernMessage *message)
{
  gboolean question = quern_message_get_role (message) == QUERN_ROLE_USER;

  if (quern_excerpt_includes (message))
    quern_excerpt_add (self, question ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, quern_message_get_content (message),
                       question ? NULL : quern_message_get_reasoning (message),
                       quern_message_get_attachments (message));
}

/**
 * quern_excerpt_add_question:
 * @text: what is asked
 * @attachments: (nullable): a list of #QuernAttachment
 *
 * Adds a question that is not a message of a conversation.
 */
void
quern_excerpt_add_question (QuernExcerpt *self, const char *text, GListModel *attachments)
{
  quern_excerpt_add (self, QUERN_ROLE_USER, text, NULL, attachments);
}

gboolean
quern_excerpt_has_pictures (QuernExcerpt *self)
{
  return self->has_pictures;
}

/* ---- building, on any thread ----------------------------------------------------------------------------------- */

static gboolean
read_attachment (sqlite3 *db, gpointer data, GError **error)
{
  CopiedAttachment *attachment = data;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT data FROM blob WHERE hash = ?1", "s", attachment->hash);

  if (stmt && sqlite3_step (stmt) == SQLITE_ROW) {
    attachment->bytes = quern_sql_dup_bytes (stmt, 0);
    return TRUE;
  }
  g_clear_error (error);
  g_set_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_ATTACHMENT,
               _("“%s” can no longer be read. Remove it from the conversation to continue."), attachment->name);
  return FALSE;
}

/**
 * quern_excerpt_quote_file:
 * @name: of the file
 * @mime: its type, which says which pages of a document are sent
 * @bytes: (nullable): what is in it
 *
 * Returns: (transfer full): a text file or document as the model sees it, before the question
 */
char *
quern_excerpt_quote_file (const char *name, const char *mime, GBytes *bytes)
{
  gsize size = 0, longest = 2;
  const char *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;
  g_autofree char *title = quern_document_dup_title (name, mime);
  g_autofree char *text = bytes && quern_document_get_facts (mime, NULL)
                              ? quern_document_dup_text (mime, bytes)
                              : g_utf8_make_valid (data ? data : "", (gssize) size);
  g_autofree char *fence = NULL;

  /* The fence is longer than every run of backticks in the text, so that nothing in the text ends it. */
  for (const char *p = strchr (text, '`'); p != NULL; p = strchr (p, '`')) {
    gsize n = strspn (p, "`");
    longest = MAX (longest, n);
    p += n;
  }
  fence = g_strnfill (longest + 1, '`');
  return g_strdup_printf ("%s:\n%s\n%s\n%s\n\n", title, fence, text, fence);
}

/**
 * quern_excerpt_build:
 *
 * Reads and decodes the attachments; blocks.
 *
 * Returns: (transfer full) (nullable): a request with the messages, nothing else set
 */
QuernRequest *
quern_excerpt_build (QuernExcerpt *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernRequest) request = quern_request_new ();

  for (guint i = 0; i < self->messages->len; i++) {
    const CopiedMessage *message = self->messages->pdata[i];
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint j = 0; j < message->attachments->len; j++) {
      CopiedAttachment *attachment = message->attachments->pdata[j];
      if (!attachment->bytes && !quern_database_read (self->database, read_attachment, attachment, error))
        return NULL;
      if (!attachment->picture) {
        g_autofree char *quoted = quern_excerpt_quote_file (attachment->name, attachment->mime, attachment->bytes);
        g_string_append (text, quoted);
      }
    }
    g_string_append (text, message->text);
    quern_request_add_message (request, message->role, text->str, message->reasoning);
    for (guint j = 0; j < message->attachments->len; j++) {
      const CopiedAttachment *attachment = message->attachments->pdata[j];
      g_autoptr (QuernPicture) picture = NULL;
      if (!attachment->picture)
        continue;
      picture = quern_picture_new_from_bytes (attachment->bytes, cancellable, error);
      if (!picture) {
        g_prefix_error (error, "%s: ", attachment->name);
        return NULL;
      }
      quern_request_add_picture (request, quern_picture_dup_pixels (picture));
    }
  }
  return g_steal_pointer (&request);
}

static void
excerpt_build_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernRequest *request = quern_excerpt_build (data, cancellable, &error);

  if (request)
    g_task_return_pointer (task, request, (GDestroyNotify) quern_request_unref);
  else
    g_task_return_error (task, error);
}

/**
 * quern_excerpt_build_async:
 * @self: (transfer full): the excerpt
 */
void
quern_excerpt_build_async (QuernExcerpt *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, self, (GDestroyNotify) quern_excerpt_free);
  g_task_run_in_thread (task, excerpt_build_worker);
}

/* Returns: (transfer full) (nullable): the request */
QuernRequest *
quern_excerpt_build_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
