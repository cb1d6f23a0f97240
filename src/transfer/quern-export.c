/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-export.h"

#include <cmark-gfm-core-extensions.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-export-private.h"
#include "quern-file-name.h"
#include "quern-folder.h"

typedef struct {
  QuernStore *store;
  GArray *conversations; /* of QuernExportConversation */
  QuernExportFormat format;
  GFile *file;
} Export;

static void
export_free (gpointer data)
{
  Export *export = data;

  g_object_unref (export->store);
  for (guint i = 0; i < export->conversations->len; i++)
    json_object_unref (g_array_index (export->conversations, QuernExportConversation, i).json);
  g_array_unref (export->conversations);
  g_object_unref (export->file);
  g_free (export);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

void
_quern_export_write (QuernExportWriter *self, const char *text, gsize length)
{
  if (!self->error)
    g_output_stream_write_all (self->stream, text, length, NULL, self->cancellable, &self->error);
}

void
_quern_export_put (QuernExportWriter *self, const char *text)
{
  _quern_export_write (self, text, strlen (text));
}

void
_quern_export_format (QuernExportWriter *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list values;

  va_start (values, format);
  text = g_strdup_vprintf (format, values);
  va_end (values);
  _quern_export_put (self, text);
}

void
_quern_export_base64 (QuernExportWriter *self, QuernAttachment *attachment)
{
  g_autoptr (GBytes) bytes = self->error ? NULL : quern_store_read_attachment (self->store, attachment, &self->error);
  gsize size = 0;
  const guchar *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;
  char text[4096 / 3 * 4 + 16];
  int state = 0, save = 0;

  for (gsize at = 0; at < size; at += 4096)
    _quern_export_write (self, text,
                         g_base64_encode_step (data + at, MIN (4096, size - at), FALSE, text, &state, &save));
  _quern_export_write (self, text, g_base64_encode_close (FALSE, text, &state, &save));
}

/* ---- JSON: messages -------------------------------------------------------------------------------------------- */

/* A string in quotes, with what JSON does not take as it is escaped. */
static void
put_string (QuernExportWriter *writer, const char *text)
{
  const char *begin = text;

  _quern_export_put (writer, "\"");
  for (; *text; text++) {
    if ((guchar) *text >= 0x20 && *text != '"' && *text != '\\')
      continue;
    _quern_export_write (writer, begin, (gsize) (text - begin));
    _quern_export_format (writer, "\\u%04x", (guint) *text);
    begin = text + 1;
  }
  _quern_export_write (writer, begin, (gsize) (text - begin));
  _quern_export_put (writer, "\"");
}

static void
put_member (QuernExportWriter *writer, const char *name, const char *text)
{
  _quern_export_format (writer, ",\"%s\":", name);
  put_string (writer, text);
}

/* An object without its last brace, for members that are written one by one. */
static void
put_open_object (QuernExportWriter *writer, JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, FALSE);

  _quern_export_write (writer, text, strlen (text) - 1);
}

static const char *
enum_nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

/* "2026-11-23T23:05:00Z" */
static void
set_time (JsonObject *object, const char *name, gint64 microseconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc_usec (microseconds);
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;

  if (text && microseconds)
    json_object_set_string_member (object, name, text);
}

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text && *text)
    json_object_set_string_member (object, name, text);
}

static void
json_message (QuernExportWriter *writer, QuernMessage *message, gboolean shown, gboolean is_first)
{
  g_autoptr (JsonObject) object = json_object_new ();
  GListModel *attachments = quern_message_get_attachments (message);
  guint n_attachments = g_list_model_get_n_items (attachments);

  json_object_set_int_member (object, "id", quern_message_get_id (message));
  if (quern_message_get_parent_id (message))
    json_object_set_int_member (object, "parent", quern_message_get_parent_id (message));
  json_object_set_string_member (object, "role", enum_nick (QUERN_TYPE_ROLE, quern_message_get_role (message)));
  json_object_set_boolean_member (object, "shown", shown);
  set_time (object, "created", quern_message_get_created (message));
  if (quern_message_get_role (message) == QUERN_ROLE_ASSISTANT) {
    const QuernStatistics *s = quern_message_get_statistics (message);
    JsonObject *statistics = json_object_new ();
    json_object_set_string_member (object, "state",
                                   enum_nick (QUERN_TYPE_MESSAGE_STATE, quern_message_get_state (message)));
    set_text (object, "failure", quern_message_get_failure (message));
    set_text (object, "model", quern_message_get_model_id (message));
    set_text (object, "model_title", quern_message_get_model_title (message));
    json_object_set_boolean_member (object, "thinking", quern_message_get_thinking (message));
    set_text (object, "effort", quern_message_get_effort (message));
    json_object_set_int_member (statistics, "seed", (gint64) s->seed);
    json_object_set_int_member (statistics, "prompt_tokens", s->prompt_tokens);
    json_object_set_int_member (statistics, "reused_tokens", s->reused_tokens);
    json_object_set_int_member (statistics, "evaluated_tokens", s->evaluated_tokens);
    json_object_set_int_member (statistics, "answer_tokens", s->answer_tokens);
    json_object_set_int_member (statistics, "reasoning_tokens", s->reasoning_tokens);
    json_object_set_double_member (statistics, "load_seconds", s->load_seconds);
    json_object_set_double_member (statistics, "first_token_seconds", s->first_token_seconds);
    json_object_set_double_member (statistics, "prefill_seconds", s->prefill_seconds);
    json_object_set_double_member (statistics, "decode_seconds", s->decode_seconds);
    json_object_set_double_member (statistics, "reasoning_seconds", s->reasoning_seconds);
    json_object_set_object_member (object, "statistics", statistics);
  }

  /* Texts and attachments can be long: they are written one by one, not put into the object. */
  _quern_export_put (writer, is_first ? "\n" : ",\n");
  put_open_object (writer, object);
  put_member (writer, "content", quern_message_get_content (message));
  if (*quern_message_get_reasoning (message))
    put_member (writer, "reasoning", quern_message_get_reasoning (message));
  for (guint i = 0; i < n_attachments; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    _quern_export_put (writer, i == 0 ? ",\"attachments\":[{\"name\":" : "\"},{\"name\":");
    put_string (writer, quern_attachment_get_name (attachment));
    put_member (writer, "type", quern_attachment_get_mime (attachment));
    _quern_export_put (writer, ",\"data\":\"");
    _quern_export_base64 (writer, attachment);
  }
  if (n_attachments > 0)
    _quern_export_put (writer, "\"}]");
  _quern_export_put (writer, "}");
}

/* ---- JSON: conversations --------------------------------------------------------------------------------------- */

static JsonObject *
conversation_to_json (QuernStore *store, QuernConversation *c)
{
  QuernFolder *folder = quern_store_find_folder (store, quern_conversation_get_folder_id (c));
  JsonObject *object = json_object_new ();
  const char *sampling = quern_conversation_get_sampling (c);
  JsonNode *node = sampling ? json_from_string (sampling, NULL) : NULL;

  json_object_set_string_member (object, "title",
                                 quern_conversation_get_title (c) ? quern_conversation_get_title (c) : "");
  json_object_set_boolean_member (object, "title_given", quern_conversation_get_title_given (c));
  set_time (object, "created", quern_conversation_get_created (c));
  set_time (object, "updated", quern_conversation_get_updated (c));
  set_text (object, "folder", folder ? quern_folder_get_name (folder) : NULL);
  set_text (object, "draft", quern_conversation_get_unsent (c));
  if (quern_conversation_get_context_start (c))
    json_object_set_int_member (object, "context_start", quern_conversation_get_context_start (c));
  json_object_set_boolean_member (object, "pinned", quern_conversation_get_pinned (c));
  set_text (object, "model", quern_conversation_get_model_id (c));
  set_text (object, "system_prompt", quern_conversation_get_system_prompt (c));
  if (quern_conversation_get_thinking (c) != QUERN_THINKING_DEFAULT)
    json_object_set_boolean_member (object, "thinking", quern_conversation_get_thinking (c) == QUERN_THINKING_ON);
  set_text (object, "effort", quern_conversation_get_effort (c));
  if (quern_conversation_get_context_size (c))
    json_object_set_int_member (object, "context_size", quern_conversation_get_context_size (c));
  if (node)
    json_object_set_member (object, "sampling", node);
  return object;
}

static void
json_begin (QuernExportWriter *writer, const QuernExportConversation *first)
{
  _quern_export_format (writer, "{\"quern\":%d,\"conversations\":[", QUERN_EXPORT_VERSION);
}

static void
json_begin_conversation (QuernExportWriter *writer, const QuernExportConversation *conversation)
{
  _quern_export_put (writer, conversation->is_first ? "\n" : ",\n");
  put_open_object (writer, conversation->json);
  _quern_export_put (writer, ",\"messages\":[");
}

static void
json_end_conversation (QuernExportWriter *writer)
{
  _quern_export_put (writer, "]}");
}

static void
json_end (QuernExportWriter *writer)
{
  _quern_export_put (writer, "]}\n");
}

const QuernExportWay _quern_export_json = { json_begin, json_begin_conversation, json_message, json_end_conversation,
                                            json_end };

/* ---- all of it, on a thread ------------------------------------------------------------------------------------ */

typedef struct {
  QuernExportWriter *writer;
  const QuernExportWay *way;
  gboolean is_first;
} Telling;

static gboolean
message_cb (QuernMessage *message, gboolean shown, gpointer data, GError **error)
{
  Telling *telling = data;

  telling->way->message (telling->writer, message, shown, telling->is_first);
  telling->is_first = FALSE;
  return telling->writer->error == NULL; /* which is told then */
}

/* The file that was there stays until the new one is whole; a new one that is not is removed. */
static void
export_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  static const QuernExportWay *const ways[] = { [QUERN_EXPORT_MARKDOWN] = &_quern_export_markdown,
                                                [QUERN_EXPORT_JSON] = &_quern_export_json,
                                                [QUERN_EXPORT_HTML] = &_quern_export_html };
  const Export *export = data;
  const QuernExportWay *way = ways[export->format];
  const QuernExportConversation *all = (const QuernExportConversation *) export->conversations->data;
  gboolean is_new = !g_file_query_exists (export->file, NULL);
  GError *error = NULL;
  g_autoptr (GFileOutputStream)
      file = g_file_replace (export->file, NULL, FALSE, G_FILE_CREATE_PRIVATE, cancellable, &error);
  g_autoptr (GOutputStream) buffered = file ? g_buffered_output_stream_new_sized (G_OUTPUT_STREAM (file), 1 << 16)
                                            : NULL;
  QuernExportWriter writer = { export->store, buffered, cancellable, NULL };
  g_autoptr (GCancellable) discard = g_cancellable_new ();

  if (!file) {
    g_task_return_error (task, error);
    return;
  }
  if (way->begin)
    way->begin (&writer, export->conversations->len > 0 ? all : NULL);
  for (guint i = 0; i < export->conversations->len && !writer.error; i++) {
    Telling telling = { &writer, way, TRUE };
    if (way->begin_conversation)
      way->begin_conversation (&writer, all + i);
    if (!writer.error && !quern_store_read_tree (writer.store, all[i].id, message_cb, &telling, cancellable, &error)
        && !writer.error)
      writer.error = g_steal_pointer (&error);
    g_clear_error (&error);
    if (way->end_conversation)
      way->end_conversation (&writer);
  }
  if (way->end)
    way->end (&writer);
  if (!writer.error && g_output_stream_close (buffered, cancellable, &writer.error)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_cancellable_cancel (discard);
  g_output_stream_close (G_OUTPUT_STREAM (file), discard, NULL);
  if (is_new)
    g_file_delete (export->file, NULL, NULL);
  g_task_return_error (task, writer.error);
}

/**
 * quern_export_extension:
 *
 * Returns: what names of such files end in
 */
const char *
quern_export_extension (QuernExportFormat format)
{
  static const char *const extensions[] = {
    [QUERN_EXPORT_MARKDOWN] = ".md", [QUERN_EXPORT_JSON] = ".json", [QUERN_EXPORT_HTML] = ".html"
  };

  return extensions[format];
}

/**
 * quern_export_dup_name:
 *
 * Returns: (transfer full): a file name to suggest
 */
char *
quern_export_dup_name (QuernConversation *conversation, QuernExportFormat format)
{
  const char *title = quern_conversation_get_title (conversation);

  return quern_file_name (title ? title : "", quern_export_extension (format), _("Conversation"));
}

/**
 * quern_export_async:
 * @conversations: a list of #QuernConversation
 * @file: is replaced when everything is written
 *
 * Takes no more memory than the longest message needs.
 */
void
quern_export_async (QuernStore *store, GListModel *conversations, QuernExportFormat format, GFile *file,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (store, cancellable, callback, user_data);
  Export *export = g_new0 (Export, 1);

  cmark_gfm_core_extensions_ensure_registered (); /* by one thread only */
  export->store = g_object_ref (store);
  export->conversations = g_array_new (FALSE, FALSE, sizeof (QuernExportConversation));
  export->format = format;
  export->file = g_object_ref (file);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    JsonObject *json = conversation_to_json (store, conversation);
    QuernExportConversation entry = { quern_conversation_get_id (conversation),
                                      json_object_get_string_member_with_default (json, "title", ""),
                                      json_object_get_string_member_with_default (json, "system_prompt", ""), json,
                                      i == 0 };
    g_array_append_val (export->conversations, entry);
  }
  g_task_set_task_data (task, export, export_free);
  g_task_run_in_thread (task, export_worker);
}

/**
 * quern_export_finish:
 *
 * Returns: whether all of it is in the file
 */
gboolean
quern_export_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
