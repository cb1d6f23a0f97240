/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-export.h"

#include <cmark-gfm-core-extensions.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-file-name.h"
#include "quern-preset.h"

/* Every export begins as the JSON: an array of conversations, each with its messages, parents before children. */

typedef struct {
  QuernStore *store;
  JsonArray *conversations; /* so far without their messages */
  GArray *ids;              /* of gint64, the same order */
  QuernExportFormat format;
  GFile *file;
} Export;

static void
export_free (gpointer data)
{
  Export *export = data;

  g_object_unref (export->store);
  json_array_unref (export->conversations);
  g_array_unref (export->ids);
  g_object_unref (export->file);
  g_free (export);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

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

static JsonObject *
statistics_to_json (const QuernStatistics *s)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "seed", (gint64) s->seed);
  json_object_set_int_member (object, "prompt_tokens", s->prompt_tokens);
  json_object_set_int_member (object, "reused_tokens", s->reused_tokens);
  json_object_set_int_member (object, "evaluated_tokens", s->evaluated_tokens);
  json_object_set_int_member (object, "answer_tokens", s->answer_tokens);
  json_object_set_int_member (object, "reasoning_tokens", s->reasoning_tokens);
  json_object_set_double_member (object, "load_seconds", s->load_seconds);
  json_object_set_double_member (object, "first_token_seconds", s->first_token_seconds);
  json_object_set_double_member (object, "prefill_seconds", s->prefill_seconds);
  json_object_set_double_member (object, "decode_seconds", s->decode_seconds);
  json_object_set_double_member (object, "reasoning_seconds", s->reasoning_seconds);
  return object;
}

static gboolean
add_attachments (JsonObject *object, QuernMessage *message, QuernStore *store, GError **error)
{
  GListModel *attachments = quern_message_get_attachments (message);
  guint n = g_list_model_get_n_items (attachments);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_autoptr (GBytes) bytes = quern_store_read_attachment (store, attachment, error);
    g_autofree char *text = NULL;
    JsonObject *entry;
    if (!bytes)
      return FALSE;
    text = g_base64_encode (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    entry = json_object_new ();
    json_object_set_string_member (entry, "name", quern_attachment_get_name (attachment));
    json_object_set_string_member (entry, "type", quern_attachment_get_mime (attachment));
    json_object_set_string_member (entry, "data", text);
    json_array_add_object_element (array, entry);
  }
  if (n > 0)
    json_object_set_array_member (object, "attachments", g_steal_pointer (&array));
  return TRUE;
}

static JsonObject *
message_to_json (QuernMessage *message, gboolean shown)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", quern_message_get_id (message));
  if (quern_message_get_parent_id (message))
    json_object_set_int_member (object, "parent", quern_message_get_parent_id (message));
  json_object_set_string_member (object, "role", enum_nick (QUERN_TYPE_ROLE, quern_message_get_role (message)));
  json_object_set_boolean_member (object, "shown", shown);
  set_time (object, "created", quern_message_get_created (message));
  json_object_set_string_member (object, "content", quern_message_get_content (message));
  set_text (object, "reasoning", quern_message_get_reasoning (message));
  if (quern_message_get_role (message) == QUERN_ROLE_ASSISTANT) {
    json_object_set_string_member (object, "state",
                                   enum_nick (QUERN_TYPE_MESSAGE_STATE, quern_message_get_state (message)));
    set_text (object, "failure", quern_message_get_failure (message));
    set_text (object, "model", quern_message_get_model_id (message));
    set_text (object, "model_title", quern_message_get_model_title (message));
    json_object_set_boolean_member (object, "thinking", quern_message_get_thinking (message));
    json_object_set_object_member (object, "statistics", statistics_to_json (quern_message_get_statistics (message)));
  }
  return object;
}

static gboolean
add_messages (Export *export, JsonObject *conversation, gint64 id, GError **error)
{
  g_autoptr (GHashTable) shown = NULL;
  g_autoptr (GPtrArray) messages = quern_store_read_tree (export->store, id, &shown, error);
  JsonArray *array;

  if (!messages)
    return FALSE;
  array = json_array_new ();
  json_object_set_array_member (conversation, "messages", array);
  for (guint i = 0; i < messages->len; i++) {
    QuernMessage *message = messages->pdata[i];
    gint64 message_id = quern_message_get_id (message);
    JsonObject *object = message_to_json (message, g_hash_table_contains (shown, &message_id));
    json_array_add_object_element (array, object);
    if (!add_attachments (object, message, export->store, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- conversations --------------------------------------------------------------------------------------------- */

static JsonObject *
conversation_to_json (QuernStore *store, QuernConversation *c)
{
  QuernPreset *folder = quern_store_find_preset (store, QUERN_PRESET_FOLDER, quern_conversation_get_folder_id (c));
  JsonObject *object = json_object_new ();
  const char *sampling = quern_conversation_get_sampling (c);
  JsonNode *node = sampling ? json_from_string (sampling, NULL) : NULL;

  json_object_set_string_member (object, "title", quern_conversation_get_title (c) ? quern_conversation_get_title (c) : "");
  json_object_set_boolean_member (object, "title_given", quern_conversation_get_title_given (c));
  set_time (object, "created", quern_conversation_get_created (c));
  set_time (object, "updated", quern_conversation_get_updated (c));
  set_text (object, "folder", folder ? quern_preset_get_name (folder) : NULL);
  set_text (object, "draft", quern_conversation_get_draft (c));
  if (quern_conversation_get_context_start (c))
    json_object_set_int_member (object, "context_start", quern_conversation_get_context_start (c));
  json_object_set_boolean_member (object, "pinned", quern_conversation_get_pinned (c));
  set_text (object, "model", quern_conversation_get_model_id (c));
  set_text (object, "system_prompt", quern_conversation_get_system_prompt (c));
  if (quern_conversation_get_thinking (c) != QUERN_THINKING_DEFAULT)
    json_object_set_boolean_member (object, "thinking", quern_conversation_get_thinking (c) == QUERN_THINKING_ON);
  if (quern_conversation_get_context_size (c))
    json_object_set_int_member (object, "context_size", quern_conversation_get_context_size (c));
  if (node)
    json_object_set_member (object, "sampling", node);
  return object;
}

static char *
to_json (JsonArray *conversations)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_int_member (object, "quern", QUERN_EXPORT_VERSION);
  json_object_set_array_member (object, "conversations", json_array_ref (conversations));
  json_node_set_object (root, object);
  return json_to_string (root, TRUE);
}

static gboolean
export_now (Export *export, GCancellable *cancellable, GError **error)
{
  g_autofree char *text = NULL;

  for (guint i = 0; i < export->ids->len; i++) {
    JsonObject *conversation = json_array_get_object_element (export->conversations, i);
    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !add_messages (export, conversation, g_array_index (export->ids, gint64, i), error))
      return FALSE;
  }
  switch (export->format) {
  case QUERN_EXPORT_JSON: text = to_json (export->conversations); break;
  case QUERN_EXPORT_HTML: text = _quern_export_to_html (export->conversations); break;
  case QUERN_EXPORT_MARKDOWN: text = _quern_export_to_markdown (export->conversations); break;
  }
  return g_file_replace_contents (export->file, text, strlen (text), NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL,
                                  cancellable, error);
}

static void
export_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (export_now (data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_export_extension:
 *
 * Returns: what names of such files end in
 */
const char *
quern_export_extension (QuernExportFormat format)
{
  static const char *const extensions[] = { [QUERN_EXPORT_MARKDOWN] = ".md", [QUERN_EXPORT_JSON] = ".json",
                                            [QUERN_EXPORT_HTML] = ".html" };

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
 */
void
quern_export_async (QuernStore *store, GListModel *conversations, QuernExportFormat format, GFile *file,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (store, cancellable, callback, user_data);
  Export *export = g_new0 (Export, 1);

  cmark_gfm_core_extensions_ensure_registered (); /* by one thread only */
  export->store = g_object_ref (store);
  export->conversations = json_array_new ();
  export->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  export->format = format;
  export->file = g_object_ref (file);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    gint64 id = quern_conversation_get_id (conversation);
    json_array_add_object_element (export->conversations, conversation_to_json (store, conversation));
    g_array_append_val (export->ids, id);
  }
  g_task_set_task_data (task, export, export_free);
  g_task_run_in_thread (task, export_worker);
}

gboolean
quern_export_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
