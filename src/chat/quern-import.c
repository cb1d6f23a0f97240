/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-export.h"
#include "quern-preset.h"

/* A file is read and turned into the JSON of an export on a thread; the store gets its conversations on the caller's,
 * where its objects live. Nothing in the file is trusted: what is missing or of the wrong type is left out. */

#define MAX_BYTES (1024u * 1024 * 1024)

G_DEFINE_QUARK (quern-import-error-quark, quern_import_error)

/* ---- members --------------------------------------------------------------------------------------------------- */

static JsonNode *
value_member (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

const char *
_quern_import_string (JsonObject *object, const char *name)
{
  JsonNode *node = value_member (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : "";
}

double
_quern_import_number (JsonObject *object, const char *name)
{
  JsonNode *node = value_member (object, name);

  if (!node || json_node_get_value_type (node) == G_TYPE_STRING)
    return 0;
  return json_node_get_double (node);
}

static gint64
integer (JsonObject *object, const char *name)
{
  JsonNode *node = value_member (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : 0;
}

static guint
count (JsonObject *object, const char *name)
{
  return (guint) CLAMP (integer (object, name), 0, G_MAXINT);
}

static gboolean
boolean (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = value_member (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_BOOLEAN ? json_node_get_boolean (node) : fallback;
}

JsonObject *
_quern_import_object (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
_quern_import_array (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* NULL past the end, and for what is no object. */
JsonObject *
_quern_import_element (JsonArray *array, guint position)
{
  JsonNode *node =
      array && position < json_array_get_length (array) ? json_array_get_element (array, position) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* ---- reading, on a thread -------------------------------------------------------------------------------------- */

static JsonArray *
from_quern (JsonNode *root, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonArray *conversations = _quern_import_array (object, "conversations");
  gint64 version = integer (object, "quern");

  if (version > QUERN_EXPORT_VERSION) {
    g_set_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_NEWER,
                 _("This file was saved by a newer version of Quern. Update Quern to import it."));
    return NULL;
  }
  return version > 0 && conversations ? json_array_ref (conversations) : NULL;
}

static JsonArray *
recognise (JsonNode *root, GError **error)
{
  GError *failure = NULL;
  JsonArray *conversations = from_quern (root, &failure);

  if (!conversations && !failure)
    conversations = _quern_import_openai (root);
  if (!conversations && !failure)
    conversations = _quern_import_lmstudio (root);
  if (!conversations && !failure)
    g_set_error (&failure, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_UNKNOWN,
                 _("This is no file with conversations. Choose a JSON file that was exported by Quern, LM Studio or ChatGPT."));
  if (failure)
    g_propagate_error (error, failure);
  return conversations;
}

static JsonArray *
read_file (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gsize size;

  if (!g_file_load_contents (file, cancellable, &text, &size, NULL, error))
    return NULL;
  if (size > MAX_BYTES || !json_parser_load_from_data (parser, text, (gssize) size, NULL)
      || !json_parser_get_root (parser)) {
    g_set_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_UNKNOWN,
                 _("This is no file with conversations. Choose a JSON file that was exported by Quern, LM Studio or ChatGPT."));
    return NULL;
  }
  return recognise (json_parser_get_root (parser), error);
}

static void
read_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  JsonArray *conversations = read_file (data, cancellable, &error);

  if (conversations)
    g_task_return_pointer (task, conversations, (GDestroyNotify) json_array_unref);
  else
    g_task_return_error (task, error);
}

/* ---- adding to the store --------------------------------------------------------------------------------------- */

static gint64
parse_time (JsonObject *object, const char *name)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (_quern_import_string (object, name), NULL);

  return time ? MAX (g_date_time_to_unix_usec (time), 0) : 0;
}

/* What came of a file. */
typedef struct {
  guint conversations, messages;
  guint lost_messages, lost_attachments, lost_conversations; /* that could not be taken */
} Report;

static void
add_attachments (QuernMessage *message, JsonObject *object, Report *report)
{
  JsonArray *array = _quern_import_array (object, "attachments");

  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    JsonObject *entry = _quern_import_element (array, i);
    gsize size;
    guchar *data = g_base64_decode (_quern_import_string (entry, "data"), &size);
    g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
    g_autoptr (QuernAttachment) attachment = NULL;
    if (size == 0) {
      report->lost_attachments++;
      continue;
    }
    attachment = quern_attachment_new (_quern_import_string (entry, "name"), _quern_import_string (entry, "type"), bytes);
    quern_message_add_attachment (message, attachment);
  }
}

static QuernMessageState
parse_state (const char *nick)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (QUERN_TYPE_MESSAGE_STATE);
  const GEnumValue *value = g_enum_get_value_by_nick (klass, nick);

  if (!value)
    return QUERN_MESSAGE_COMPLETE;
  return value->value == QUERN_MESSAGE_STREAMING ? QUERN_MESSAGE_INTERRUPTED : (QuernMessageState) value->value;
}

static void
set_statistics (QuernMessage *message, JsonObject *object)
{
  QuernStatistics statistics = {
    .seed = (guint64) integer (object, "seed"),
    .prompt_tokens = count (object, "prompt_tokens"),
    .reused_tokens = count (object, "reused_tokens"),
    .evaluated_tokens = count (object, "evaluated_tokens"),
    .answer_tokens = count (object, "answer_tokens"),
    .reasoning_tokens = count (object, "reasoning_tokens"),
    .load_seconds = _quern_import_number (object, "load_seconds"),
    .first_token_seconds = _quern_import_number (object, "first_token_seconds"),
    .prefill_seconds = _quern_import_number (object, "prefill_seconds"),
    .decode_seconds = _quern_import_number (object, "decode_seconds"),
    .reasoning_seconds = _quern_import_number (object, "reasoning_seconds"),
  };

  if (object)
    quern_message_set_statistics (message, &statistics);
}

static QuernMessage *
message_from_json (JsonObject *object, Report *report)
{
  gboolean question = !g_str_equal (_quern_import_string (object, "role"), "assistant");
  QuernMessage *message = quern_message_new (question ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, "");

  quern_message_set_text (message, _quern_import_string (object, "content"), _quern_import_string (object, "reasoning"));
  quern_message_set_ids (message, 0, 0, parse_time (object, "created"));
  add_attachments (message, object, report);
  if (!question) {
    const char *failure = _quern_import_string (object, "failure");
    const char *title = _quern_import_string (object, "model_title");
    const char *model = _quern_import_string (object, "model");
    quern_message_set_state (message, parse_state (_quern_import_string (object, "state")), *failure ? failure : NULL);
    quern_message_set_model (message, *model ? model : NULL, *title ? title : NULL);
    quern_message_set_thinking (message, boolean (object, "thinking", FALSE));
    set_statistics (message, _quern_import_object (object, "statistics"));
  }
  return message;
}

/* The folder of that name, which is made when there is none. */
static gint64
find_folder (QuernStore *store, const char *name)
{
  GListModel *folders = quern_store_get_presets (store, QUERN_PRESET_FOLDER);

  if (*name == '\0')
    return 0;
  for (guint i = 0; i < g_list_model_get_n_items (folders); i++) {
    g_autoptr (QuernPreset) folder = g_list_model_get_item (folders, i);
    if (g_str_equal (quern_preset_get_name (folder), name))
      return quern_preset_get_id (folder);
  }
  return quern_preset_get_id (quern_store_add_preset (store, QUERN_PRESET_FOLDER, name, NULL));
}

static QuernConversation *
conversation_from_json (QuernStore *store, JsonObject *object)
{
  QuernConversation *c = quern_conversation_new ();
  const char *model = _quern_import_string (object, "model");
  const char *prompt = _quern_import_string (object, "system_prompt");
  const char *draft = _quern_import_string (object, "draft");
  JsonObject *sampling = _quern_import_object (object, "sampling");

  quern_conversation_set_ids (c, 0, parse_time (object, "created"));
  quern_conversation_set_folder_id (c, find_folder (store, _quern_import_string (object, "folder")));
  quern_conversation_set_draft (c, *draft ? draft : NULL);

  quern_conversation_set_title (c, _quern_import_string (object, "title"), boolean (object, "title_given", TRUE));
  quern_conversation_set_pinned (c, boolean (object, "pinned", FALSE));
  quern_conversation_set_model_id (c, *model ? model : NULL);
  quern_conversation_set_system_prompt (c, *prompt ? prompt : NULL);
  quern_conversation_set_context_size (c, count (object, "context_size"));
  if (value_member (object, "thinking"))
    quern_conversation_set_thinking (c, boolean (object, "thinking", FALSE) ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
  if (sampling) {
    g_autofree char *json = json_to_string (json_object_get_member (object, "sampling"), FALSE);
    quern_conversation_set_sampling (c, json);
  }
  return c;
}

/* Adds messages below those they follow. One whose parent is not known follows the message before it, which is what
 * files without branches mean; within the shown branch, siblings that came later were chosen by appending. */
static void
add_messages (QuernStore *store, QuernConversation *conversation, JsonArray *array, gint64 context_start, Report *report)
{
  g_autoptr (GHashTable) by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_object_unref);
  QuernMessage *last = NULL;

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = _quern_import_element (array, i);
    g_autoptr (QuernMessage) message = object ? message_from_json (object, report) : NULL;
    gint64 id = integer (object, "id"), parent_id = integer (object, "parent");
    QuernMessage *parent = parent_id ? g_hash_table_lookup (by_id, &parent_id) : id ? NULL : last;
    if (!message) {
      report->lost_messages++;
      continue;
    }
    report->messages++;
    quern_store_append_message (store, conversation, parent, message);
    last = message;
    if (id && id == context_start)
      quern_conversation_set_context_start (conversation, quern_message_get_id (message));
    if (boolean (object, "shown", TRUE))
      g_ptr_array_add (shown, g_object_ref (message));
    if (!id)
      id = quern_message_get_id (message);
    g_hash_table_replace (by_id, g_memdup2 (&id, sizeof id), g_steal_pointer (&message));
  }
  for (guint i = 0; i < shown->len; i++)
    quern_store_choose_message (store, conversation, shown->pdata[i]);
}

/* NULL for what has no message. */
static QuernConversation *
add_conversation (QuernStore *store, JsonObject *object, Report *report)
{
  JsonArray *messages = _quern_import_array (object, "messages");
  gint64 updated = parse_time (object, "updated");
  JsonObject *lost = _quern_import_object (object, "lost");
  QuernConversation *conversation;

  report->lost_messages += count (lost, "messages");
  report->lost_attachments += count (lost, "attachments");
  if (!messages || json_array_get_length (messages) == 0) {
    report->lost_conversations++;
    return NULL;
  }
  conversation = conversation_from_json (store, object);
  quern_store_add_conversation (store, conversation);
  add_messages (store, conversation, messages, integer (object, "context_start"), report);
  if (updated)
    quern_conversation_touch (conversation, updated);
  report->conversations++;
  return conversation;
}

static void
append_loss (GString *text, const char *sentence, guint n)
{
  if (n == 0)
    return;
  g_string_append_c (text, ' ');
  g_string_append_printf (text, sentence, n);
}

/* What was taken, and what was not; NULL when everything was. */
static char *
report_to_text (const Report *r)
{
  g_autofree char *conversations =
      g_strdup_printf (ngettext ("%u conversation", "%u conversations", r->conversations), r->conversations);
  GString *text;

  if (r->lost_conversations + r->lost_messages + r->lost_attachments == 0)
    return NULL;
  text = g_string_new (NULL);
  /* Translators: %s is, for example, “3 conversations” */
  g_string_append_printf (text, ngettext ("%s with %u message were imported.", "%s with %u messages were imported.", r->messages),
                          conversations, r->messages);
  append_loss (text, ngettext ("%u conversation was empty.", "%u conversations were empty.", r->lost_conversations),
               r->lost_conversations);
  append_loss (text, ngettext ("%u message of another kind than text was left out.",
                               "%u messages of other kinds than text were left out.", r->lost_messages),
               r->lost_messages);
  append_loss (text, ngettext ("%u attachment is not in the file.", "%u attachments are not in the file.", r->lost_attachments),
               r->lost_attachments);
  return g_string_free (text, FALSE);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernStore *store = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (JsonArray) array = g_task_propagate_pointer (G_TASK (result), &error);
  g_autoptr (GPtrArray) added = g_ptr_array_new_with_free_func (g_object_unref);
  Report report = { 0 };

  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    QuernConversation *conversation = add_conversation (store, _quern_import_element (array, i), &report);
    if (conversation)
      g_ptr_array_add (added, conversation);
  }
  if (!error && added->len == 0)
    g_set_error (&error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_EMPTY, _("There is no conversation in this file."));
  g_task_set_task_data (task, report_to_text (&report), g_free);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&added), (GDestroyNotify) g_ptr_array_unref);
}

/**
 * quern_import_async:
 * @file: conversations that Quern, LM Studio or ChatGPT exported
 *
 * Adds its conversations to the store, with the times they had; those that are there already are not looked at.
 */
void
quern_import_async (QuernStore *store, GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (store, cancellable, callback, user_data);
  g_autoptr (GTask) reading = g_task_new (NULL, cancellable, read_cb, task);

  g_task_set_task_data (reading, g_object_ref (file), g_object_unref);
  g_task_run_in_thread (reading, read_worker);
}

/**
 * quern_import_finish:
 *
 * Returns: (transfer full) (element-type QuernConversation) (nullable): what was added, at least one
 */
GPtrArray *
quern_import_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * quern_import_get_report:
 *
 * Returns: (transfer none) (nullable): sentences for people about what was taken and what was not, %NULL when everything
 *   was; it lives as long as @result
 */
const char *
quern_import_get_report (GAsyncResult *result)
{
  return g_task_get_task_data (G_TASK (result));
}
