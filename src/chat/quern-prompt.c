/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-prompt.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session.h"
#include "quern-picture.h"
#include "quern-sql.h"

typedef struct {
  char *name, *hash;
  gboolean picture;
  GBytes *bytes; /* NULL if they are in the store */
} Piece;

typedef struct {
  QuernRole role;
  char *text, *reasoning;
  GPtrArray *pieces; /* of Piece */
} Turn;

struct _QuernPrompt {
  QuernDatabase *database;
  GPtrArray *turns; /* of Turn */
  gboolean has_pictures;
};

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_free (piece->name);
  g_free (piece->hash);
  g_clear_pointer (&piece->bytes, g_bytes_unref);
  g_free (piece);
}

static void
turn_free (gpointer data)
{
  Turn *turn = data;

  g_free (turn->text);
  g_free (turn->reasoning);
  g_ptr_array_unref (turn->pieces);
  g_free (turn);
}

static Turn *
add_turn (QuernPrompt *self, QuernRole role, const char *text, const char *reasoning)
{
  Turn *turn = g_new0 (Turn, 1);

  turn->role = role;
  turn->text = g_strdup (text);
  turn->reasoning = reasoning && *reasoning ? g_strdup (reasoning) : NULL;
  turn->pieces = g_ptr_array_new_with_free_func (piece_free);
  g_ptr_array_add (self->turns, turn);
  return turn;
}

static void
add_attachments (QuernPrompt *self, Turn *turn, GListModel *attachments)
{
  guint n = attachments ? g_list_model_get_n_items (attachments) : 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    GBytes *bytes = quern_attachment_get_bytes (attachment);
    Piece *piece = g_new0 (Piece, 1);
    piece->name = g_strdup (quern_attachment_get_name (attachment));
    piece->hash = g_strdup (quern_attachment_get_hash (attachment));
    piece->picture = quern_attachment_is_picture (attachment);
    piece->bytes = bytes ? g_bytes_ref (bytes) : NULL;
    g_ptr_array_add (turn->pieces, piece);
    self->has_pictures |= piece->picture;
  }
}

/**
 * quern_prompt_new:
 * @store: where attachments are that were not loaded
 * @system_prompt: (nullable): what comes before everything else
 *
 * Returns: (transfer full): a prompt with the system prompt only
 */
QuernPrompt *
quern_prompt_new (QuernStore *store, const char *system_prompt)
{
  QuernPrompt *self = g_new0 (QuernPrompt, 1);

  self->database = g_object_ref (quern_store_get_database (store));
  self->turns = g_ptr_array_new_with_free_func (turn_free);
  if (system_prompt && *system_prompt)
    add_turn (self, QUERN_ROLE_SYSTEM, system_prompt, NULL);
  return self;
}

void
quern_prompt_free (QuernPrompt *self)
{
  g_object_unref (self->database);
  g_ptr_array_unref (self->turns);
  g_free (self);
}

/**
 * quern_prompt_add_message:
 *
 * Adds a message of the history; answers that failed before their first word are left out.
 */
void
quern_prompt_add_message (QuernPrompt *self, QuernMessage *message)
{
  gboolean question = quern_message_get_role (message) == QUERN_ROLE_USER;
  Turn *turn;

  if (!question && quern_message_get_content_length (message) == 0)
    return;
  turn = add_turn (self, question ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, quern_message_get_content (message),
                   question ? NULL : quern_message_get_reasoning (message));
  add_attachments (self, turn, quern_message_get_attachments (message));
}

void
quern_prompt_add_text (QuernPrompt *self, QuernRole role, const char *text, GListModel *attachments)
{
  add_attachments (self, add_turn (self, role == QUERN_ROLE_USER ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, text, NULL),
                   attachments);
}

gboolean
quern_prompt_has_pictures (QuernPrompt *self)
{
  return self->has_pictures;
}

/* ---- building, on any thread ----------------------------------------------------------------------------------- */

static gboolean
read_piece (sqlite3 *db, gpointer data, GError **error)
{
  Piece *piece = data;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT data FROM blob WHERE hash = ?1", "s", piece->hash);

  if (stmt && sqlite3_step (stmt) == SQLITE_ROW) {
    piece->bytes = quern_sql_dup_bytes (stmt, 0);
    return TRUE;
  }
  g_clear_error (error);
  g_set_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_ATTACHMENT,
               _("“%s” can no longer be read. Remove it from the conversation to continue."), piece->name);
  return FALSE;
}

static gboolean
add_picture (QuernRequest *request, const Piece *piece, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (piece->bytes, cancellable, error);
  guint width, height;

  if (!picture) {
    g_prefix_error (error, "%s: ", piece->name);
    return FALSE;
  }
  width = quern_picture_get_width (picture);
  height = quern_picture_get_height (picture);
  quern_request_add_picture (request, quern_pixels_new (quern_picture_get_pixels (picture), width, height, 3 * width));
  return TRUE;
}

/* Returns a fence that is longer than every run of backticks in the text, so that nothing in the text ends it. */
static char *
fence_for (const char *text)
{
  gsize longest = 2;

  for (const char *p = strchr (text, '`'); p != NULL; p = strchr (p, '`')) {
    gsize n = strspn (p, "`");
    longest = MAX (longest, n);
    p += n;
  }
  return g_strnfill (longest + 1, '`');
}

/**
 * quern_prompt_quote_file:
 * @name: of the file
 * @bytes: (nullable): what is in it
 *
 * Returns: (transfer full): a text file as the model sees it, before the question
 */
char *
quern_prompt_quote_file (const char *name, GBytes *bytes)
{
  gsize size = 0;
  const char *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;
  g_autofree char *valid = g_utf8_make_valid (data ? data : "", (gssize) size);

  g_autofree char *fence = fence_for (valid);

  return g_strdup_printf ("%s:\n%s\n%s\n%s\n\n", name, fence, valid, fence);
}

static gboolean
build_turn (QuernPrompt *self, Turn *turn, QuernRequest *request, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < turn->pieces->len; i++) {
    Piece *piece = turn->pieces->pdata[i];
    if (!piece->bytes && !quern_database_read (self->database, read_piece, piece, error))
      return FALSE;
    if (!piece->picture) {
      g_autofree char *quoted = quern_prompt_quote_file (piece->name, piece->bytes);
      g_string_append (text, quoted);
    }
  }
  g_string_append (text, turn->text);
  quern_request_add_message (request, turn->role, text->str, turn->reasoning);
  for (guint i = 0; i < turn->pieces->len; i++) {
    const Piece *piece = turn->pieces->pdata[i];
    if (piece->picture && !add_picture (request, piece, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * quern_prompt_build:
 *
 * Reads and decodes the attachments; blocks.
 *
 * Returns: (transfer full) (nullable): a request with the messages, nothing else set
 */
QuernRequest *
quern_prompt_build (QuernPrompt *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernRequest) request = quern_request_new ();

  for (guint i = 0; i < self->turns->len; i++)
    if (!build_turn (self, self->turns->pdata[i], request, cancellable, error))
      return NULL;
  return g_steal_pointer (&request);
}

static void
build_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernRequest *request = quern_prompt_build (data, cancellable, &error);

  if (request)
    g_task_return_pointer (task, request, (GDestroyNotify) quern_request_unref);
  else
    g_task_return_error (task, error);
}

/**
 * quern_prompt_build_async:
 * @self: (transfer full): the prompt
 */
void
quern_prompt_build_async (QuernPrompt *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, self, (GDestroyNotify) quern_prompt_free);
  g_task_run_in_thread (task, build_worker);
}

/* Returns: (transfer full) (nullable): the request */
QuernRequest *
quern_prompt_build_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
