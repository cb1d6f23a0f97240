/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-export.h"
#include "quern-folder.h"

/* A file is read, turned into the JSON of an export and written to the database on a thread; the caller's, where the store's
 * objects live, only shows what came of it. Nothing in the file is trusted: what is missing or of the wrong type is left
 * out, and one that would take too much memory is refused before it is parsed. */

#define MAX_BYTES (1024u * 1024 * 1024)
#define MAX_VALUES (16u * 1024 * 1024) /* of JSON, each of which takes about a hundred bytes */
#define MAX_NESTING 100
#define MAX_BESIDE (1024u * 1024) /* bytes of a file about the one that was chosen */
/* Written at a time. */
#define BATCH_MESSAGES 2000
#define BATCH_BYTES (4u << 20)

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
  JsonNode *node = array && position < json_array_get_length (array) ? json_array_get_element (array, position) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* ---- reading, on a thread -------------------------------------------------------------------------------------- */

static gboolean
fail_as_too_large (GError **error)
{
  g_set_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_TOO_LARGE,
               _("This file is too large to be imported. Export fewer conversations at a time."));
  return FALSE;
}

/* Counts what the parser would make, without making it. */
static gboolean
check_size (const char *text, gsize size, GError **error)
{
  guint values = 0, depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < size; i++) {
    if (quoted) {
      quoted = text[i] != '"';
      i += text[i] == '\\'; /* and what it escapes */
      continue;
    }
    quoted = text[i] == '"';
    if (text[i] == '[' || text[i] == '{')
      depth++;
    else if ((text[i] == ']' || text[i] == '}') && depth > 0)
      depth--;
    else if (text[i] != ',')
      continue;
    if (++values > MAX_VALUES || depth > MAX_NESTING)
      return fail_as_too_large (error);
  }
  return TRUE;
}

/* Whether an object follows another one without a comma, on a line of its own: no single value of JSON has that. */
static gboolean
has_lines (const char *text)
{
  for (const char *end = strstr (text, "}"); end; end = strstr (end + 1, "}")) {
    const char *next = end + 1 + strspn (end + 1, " \t\r\n");
    if (*next == '{' && memchr (end, '\n', (gsize) (next - end)))
      return TRUE;
  }
  return FALSE;
}

/* The objects of such a file as a list. NULL: a line is something else. */
static JsonNode *
parse_lines (const char *text)
{
  g_autoptr (JsonArray) list = json_array_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  JsonNode *root;

  for (char **line = lines; *line; line++) {
    g_autoptr (JsonParser) parser = json_parser_new ();
    if (!*g_strstrip (*line))
      continue;
    if (!json_parser_load_from_data (parser, *line, -1, NULL)
        || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
      return NULL;
    json_array_add_element (list, json_parser_steal_root (parser));
  }
  root = json_node_new (JSON_NODE_ARRAY);
  json_node_set_array (root, list);
  return root;
}

/* A small file beside @file: NULL if there is none that is an object. */
static JsonNode *
read_beside (GFile *file, const char *name, GCancellable *cancellable)
{
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autoptr (GFile) other = folder ? g_file_get_child (folder, name) : NULL;
  g_autoptr (GFileInfo) info = other ? g_file_query_info (other, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, cancellable, NULL)
                                     : NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gsize size;

  if (!info || g_file_info_get_size (info) > MAX_BESIDE
      || !g_file_load_contents (other, cancellable, &text, &size, NULL, NULL) || !check_size (text, size, NULL)
      || !json_parser_load_from_data (parser, text, (gssize) size, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return NULL;
  return json_parser_steal_root (parser);
}

/* What other programs wrote: the first that knows it takes it. */
static JsonArray *
convert (JsonNode *root, GFile *file, GCancellable *cancellable)
{
  static JsonArray *(*const formats[]) (JsonNode *) = { _quern_import_openai, _quern_import_lmstudio,
                                                        _quern_import_open_webui, _quern_import_llama,
                                                        _quern_import_claude };
  g_autoptr (JsonNode) beside = NULL;
  JsonArray *conversations = NULL;

  for (gsize i = 0; !conversations && i < G_N_ELEMENTS (formats); i++)
    conversations = formats[i](root);
  if (conversations)
    return conversations;
  beside = read_beside (file, "thread.json", cancellable);
  conversations = _quern_import_jan (root, beside ? json_node_get_object (beside) : NULL);
  return conversations ? conversations : _quern_import_messages (root);
}

static JsonArray *
read_file (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, cancellable, error);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;
  JsonArray *conversations;
  gint64 version;
  gsize size;

  if (!info)
    return NULL;
  if (g_file_info_get_size (info) > MAX_BYTES) {
    fail_as_too_large (error);
    return NULL;
  }
  if (!g_file_load_contents (file, cancellable, &text, &size, NULL, error) || !check_size (text, size, error))
    return NULL;
  if (json_parser_load_from_data (parser, text, (gssize) size, NULL) && json_parser_get_root (parser))
    root = json_parser_steal_root (parser);
  if (has_lines (text)) {
    JsonNode *lines = parse_lines (text);
    if (lines) {
      g_clear_pointer (&root, json_node_unref);
      root = lines;
    }
  }
  g_clear_pointer (&text, g_free);
  object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  conversations = _quern_import_array (object, "conversations");
  version = integer (object, "quern");
  if (version > QUERN_EXPORT_VERSION) {
    g_set_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_NEWER,
                 _("This file was saved by a newer version of Quern. Update Quern to import it."));
    return NULL;
  }
  if (version > 0 && conversations)
    return json_array_ref (conversations);
  conversations = root ? convert (root, file, cancellable) : NULL;
  if (!conversations)
    g_set_error (
        error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_UNKNOWN,
        _("This file has no conversations in it. Choose a JSON file that was exported from Quern, Open WebUI, "
          "llama.cpp, LM Studio, Jan, ChatGPT or Claude."));
  return conversations;
}

/* ---- writing, on the thread ------------------------------------------------------------------------------------ */

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

typedef struct {
  QuernStore *store;
  GFile *file;
  GTask *task; /* borrowed */
  GCancellable *cancellable;
  GFileProgressCallback progress;
  gpointer progress_data;
  goffset done, total;      /* messages */
  GPtrArray *conversations; /* so far; of QuernConversation */
  GPtrArray *folders;       /* their folders' names; of char */
  Report report;
  char *text; /* of the report, or NULL */
} Import;

static void
import_free (gpointer data)
{
  Import *import = data;

  g_object_unref (import->store);
  g_object_unref (import->file);
  g_clear_object (&import->cancellable);
  g_ptr_array_unref (import->conversations);
  g_ptr_array_unref (import->folders);
  g_free (import->text);
  g_free (import);
}

typedef struct {
  GTask *task;
  goffset done;
} Progress;

static gboolean
progress_cb (gpointer data)
{
  const Progress *progress = data;
  const Import *import = g_task_get_task_data (progress->task);

  import->progress (progress->done, import->total, import->progress_data);
  return G_SOURCE_REMOVE;
}

static void
progress_free (gpointer data)
{
  g_object_unref (((Progress *) data)->task);
  g_free (data);
}

static QuernMessage *
message_from_json (JsonObject *object, Report *report)
{
  gboolean question = !g_str_equal (_quern_import_string (object, "role"), "assistant");
  QuernMessage *message = quern_message_new (question ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, "");
  JsonArray *attachments = _quern_import_array (object, "attachments");

  quern_message_set_text (message, _quern_import_string (object, "content"),
                          _quern_import_string (object, "reasoning"));
  quern_message_set_ids (message, 0, 0, parse_time (object, "created"));
  for (guint i = 0; attachments && i < json_array_get_length (attachments); i++) {
    JsonObject *entry = _quern_import_element (attachments, i);
    gsize size;
    guchar *data = g_base64_decode (_quern_import_string (entry, "data"), &size);
    g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
    g_autoptr (QuernAttachment) attachment = NULL;
    if (size == 0) {
      report->lost_attachments++;
      continue;
    }
    attachment = quern_attachment_new (_quern_import_string (entry, "name"), _quern_import_string (entry, "type"),
                                       bytes);
    quern_message_add_attachment (message, attachment);
  }
  if (!question) {
    const char *failure = _quern_import_string (object, "failure");
    const char *title = _quern_import_string (object, "model_title");
    const char *model = _quern_import_string (object, "model");
    const char *effort = _quern_import_string (object, "effort");
    g_autoptr (GEnumClass) states = g_type_class_ref (QUERN_TYPE_MESSAGE_STATE);
    const GEnumValue *state = g_enum_get_value_by_nick (states, _quern_import_string (object, "state"));
    int value = state ? state->value : QUERN_MESSAGE_COMPLETE;
    JsonObject *numbers = _quern_import_object (object, "statistics");
    QuernStatistics statistics = {
      .seed = (guint64) integer (numbers, "seed"),
      .prompt_tokens = count (numbers, "prompt_tokens"),
      .reused_tokens = count (numbers, "reused_tokens"),
      .evaluated_tokens = count (numbers, "evaluated_tokens"),
      .answer_tokens = count (numbers, "answer_tokens"),
      .reasoning_tokens = count (numbers, "reasoning_tokens"),
      .load_seconds = _quern_import_number (numbers, "load_seconds"),
      .first_token_seconds = _quern_import_number (numbers, "first_token_seconds"),
      .prefill_seconds = _quern_import_number (numbers, "prefill_seconds"),
      .decode_seconds = _quern_import_number (numbers, "decode_seconds"),
      .reasoning_seconds = _quern_import_number (numbers, "reasoning_seconds"),
    };
    quern_message_set_state (message, value == QUERN_MESSAGE_STREAMING ? QUERN_MESSAGE_INTERRUPTED : value,
                             *failure ? failure : NULL);
    quern_message_set_model (message, *model ? model : NULL, *title ? title : NULL);
    quern_message_set_thinking (message, boolean (object, "thinking", FALSE));
    quern_message_set_effort (message, *effort ? effort : NULL);
    if (numbers)
      quern_message_set_statistics (message, &statistics);
  }
  return message;
}

/* What is known of the messages of a conversation while they are read. */
typedef struct {
  GHashTable *ids;    /* id in the file (gint64 *) -> id in the store (gint64 *) */
  GHashTable *newest; /* id of a parent (gint64 *) -> id of the last message below it (gint64 *) */
  GPtrArray *shown;   /* of QuernMessage: without their texts */
  GPtrArray *batch;   /* of QuernMessage, to be written */
  gsize size;         /* of the texts of the batch */
  gint64 last;        /* id of the message before */
} Messages;

static gint64 *
copy_id (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static gboolean
write_batch (Import *import, QuernConversation *conversation, Messages *m, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (import->cancellable, error)
      || !quern_store_import_messages (import->store, conversation, m->batch, error))
    return FALSE;
  import->done += m->batch->len;
  if (import->progress) {
    g_autoptr (GSource) source = g_idle_source_new ();
    Progress *progress = g_new (Progress, 1);
    *progress = (Progress) { g_object_ref (import->task), import->done };
    g_source_set_priority (source, G_PRIORITY_DEFAULT);
    g_source_set_callback (source, progress_cb, progress, progress_free);
    g_source_attach (source, g_task_get_context (import->task));
  }
  g_ptr_array_set_size (m->batch, 0);
  m->size = 0;
  return TRUE;
}

static gboolean
add_messages (Import *import, QuernConversation *conversation, JsonArray *array, gint64 context_start, GError **error)
{
  Messages m = { g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free),
                 g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free),
                 g_ptr_array_new_with_free_func (g_object_unref),
                 g_ptr_array_new_with_free_func (g_object_unref),
                 0,
                 0 };
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < json_array_get_length (array); i++) {
    JsonObject *object = _quern_import_element (array, i);
    gint64 id = integer (object, "id"), named = integer (object, "parent"), parent, created;
    const gint64 *known = named ? g_hash_table_lookup (m.ids, &named) : NULL;
    QuernMessage *message;

    if (!object) {
      import->report.lost_messages++;
      continue;
    }
    message = message_from_json (object, &import->report);
    created = quern_message_get_created (message);
    parent = known ? *known : 0;
    /* One that names no parent follows the message before it, which is what files without branches mean. */
    if (!named && !id)
      parent = m.last;
    quern_message_set_ids (message, quern_store_new_id (), parent, created ? created : g_get_real_time ());
    m.last = quern_message_get_id (message);
    g_hash_table_replace (m.ids, copy_id (id ? id : m.last), copy_id (m.last));
    g_hash_table_replace (m.newest, copy_id (parent), copy_id (m.last));
    if (boolean (object, "shown", TRUE)) {
      QuernMessage *place = quern_message_new (QUERN_ROLE_USER, "");
      quern_message_set_ids (place, m.last, parent, 0);
      g_ptr_array_add (m.shown, place);
    }
    if (id && id == context_start)
      quern_conversation_set_context_start (conversation, m.last);
    m.size += quern_message_get_content_length (message);
    g_ptr_array_add (m.batch, message);
    import->report.messages++;
    if (m.batch->len >= BATCH_MESSAGES || m.size >= BATCH_BYTES)
      ok = write_batch (import, conversation, &m, error);
  }
  ok = ok && write_batch (import, conversation, &m, error);
  /* The newest sibling was chosen when it was added. What remains was shown though a sibling came later. */
  for (guint i = m.shown->len; i > 0; i--) {
    gint64 parent = quern_message_get_parent_id (m.shown->pdata[i - 1]);
    const gint64 *newest = g_hash_table_lookup (m.newest, &parent);
    if (*newest == quern_message_get_id (m.shown->pdata[i - 1]))
      g_ptr_array_remove_index_fast (m.shown, i - 1);
  }
  ok = ok && quern_store_import_choices (import->store, conversation, m.shown, error);
  g_hash_table_unref (m.ids);
  g_hash_table_unref (m.newest);
  g_ptr_array_unref (m.shown);
  g_ptr_array_unref (m.batch);
  return ok;
}

/* Leaves out what has no message. */
static gboolean
add_conversation (Import *import, JsonObject *object, GError **error)
{
  JsonArray *messages = _quern_import_array (object, "messages");
  gint64 updated = parse_time (object, "updated");
  JsonObject *lost = _quern_import_object (object, "lost");
  const char *model = _quern_import_string (object, "model");
  const char *prompt = _quern_import_string (object, "system_prompt");
  const char *unsent = _quern_import_string (object, "draft");
  const char *effort = _quern_import_string (object, "effort");
  QuernConversation *c;

  import->report.lost_messages += count (lost, "messages");
  import->report.lost_attachments += count (lost, "attachments");
  if (!messages || json_array_get_length (messages) == 0) {
    import->report.lost_conversations++;
    return TRUE;
  }
  c = quern_conversation_new ();
  quern_conversation_set_ids (c, 0, parse_time (object, "created"));
  quern_conversation_set_unsent (c, *unsent ? unsent : NULL);
  quern_conversation_set_title (c, _quern_import_string (object, "title"), boolean (object, "title_given", TRUE));
  quern_conversation_set_pinned (c, boolean (object, "pinned", FALSE));
  quern_conversation_set_model_id (c, *model ? model : NULL);
  quern_conversation_set_system_prompt (c, *prompt ? prompt : NULL);
  quern_conversation_set_context_size (c, count (object, "context_size"));
  if (value_member (object, "thinking"))
    quern_conversation_set_thinking (c, boolean (object, "thinking", FALSE) ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
  quern_conversation_set_effort (c, *effort ? effort : NULL);
  if (_quern_import_object (object, "sampling")) {
    g_autofree char *json = json_to_string (json_object_get_member (object, "sampling"), FALSE);
    quern_conversation_set_sampling (c, json);
  }
  g_ptr_array_add (import->conversations, c);
  g_ptr_array_add (import->folders, g_strdup (_quern_import_string (object, "folder")));
  if (!quern_store_import_conversation (import->store, c, error)
      || !add_messages (import, c, messages, integer (object, "context_start"), error))
    return FALSE;
  if (updated)
    quern_conversation_touch (c, updated);
  import->report.conversations++;
  json_object_remove_member (object, "messages"); /* the memory */
  return TRUE;
}

static void
append_loss (GString *text, const char *sentence, guint n)
{
  if (n == 0)
    return;
  g_string_append_c (text, ' ');
  g_string_append_printf (text, sentence, n);
}

static void
import_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Import *import = g_task_get_task_data (data);
  GError *error = NULL;
  g_autoptr (JsonArray) array = read_file (import->file, import->cancellable, &error);

  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    JsonArray *messages = _quern_import_array (_quern_import_element (array, i), "messages");
    import->total += messages ? json_array_get_length (messages) : 0;
  }
  for (guint i = 0; array && !error && i < json_array_get_length (array); i++)
    add_conversation (import, _quern_import_element (array, i), &error);
  if (!error && import->conversations->len == 0)
    g_set_error (&error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_EMPTY, _("There are no conversations in this file."));
  if (!error && quern_store_import_end (import->store, import->conversations, TRUE, &error)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  quern_store_import_end (import->store, import->conversations, FALSE, NULL);
  g_task_return_error (task, error);
}

/* ---- showing, on the caller's thread --------------------------------------------------------------------------- */

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Import *import = g_task_get_task_data (task);
  const Report *r = &import->report;
  GListModel *folders = quern_store_get_folders (import->store);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    if (import->conversations->len > 0)
      quern_store_import_show (import->store, NULL);
    g_task_return_error (task, error);
    return;
  }
  quern_store_import_show (import->store, import->conversations);
  for (guint i = 0; i < import->conversations->len; i++) {
    const char *name = import->folders->pdata[i];
    gint64 id = 0;
    for (guint j = 0; *name && id == 0 && j < g_list_model_get_n_items (folders); j++) {
      g_autoptr (QuernFolder) folder = g_list_model_get_item (folders, j);
      if (g_str_equal (quern_folder_get_name (folder), name))
        id = quern_folder_get_id (folder);
    }
    if (*name && id == 0)
      id = quern_folder_get_id (quern_store_add_folder (import->store, name));
    quern_conversation_set_folder_id (import->conversations->pdata[i], id);
  }
  /* What was taken and what was not is told where anything was not. */
  if (r->lost_conversations + r->lost_messages + r->lost_attachments > 0) {
    g_autofree char *conversations =
        g_strdup_printf (ngettext ("%u conversation", "%u conversations", r->conversations), r->conversations);
    GString *text = g_string_new (NULL);

    /* Translators: %s is, for example, “3 conversations” */
    g_string_append_printf (text,
                            ngettext ("%s with %u message imported.",
                                      "%s with %u messages "
                                      "imported.",
                                      r->messages),
                            conversations, r->messages);
    append_loss (text, ngettext ("%u conversation was empty.", "%u conversations were empty.", r->lost_conversations),
                 r->lost_conversations);
    append_loss (text,
                 ngettext ("%u message that is not text was left out.", "%u messages that are not text were left out.",
                           r->lost_messages),
                 r->lost_messages);
    append_loss (text,
                 ngettext ("%u attachment is missing from the file.",
                           "%u attachments are missing from the "
                           "file.",
                           r->lost_attachments),
                 r->lost_attachments);
    import->text = g_string_free (text, FALSE);
  }
  g_task_return_pointer (task, g_ptr_array_ref (import->conversations), (GDestroyNotify) g_ptr_array_unref);
}

/**
 * quern_import_async:
 * @file: conversations that Quern, or a program whose files it knows, exported
 * @progress: (nullable): is told the messages that are written, and how many there are, on the caller's thread until
 *   @callback is called
 * @cancellable: (nullable): also ends an import that has begun; nothing of it stays then
 *
 * Adds its conversations to the store, with the times they had; those that are there already are not looked at. All of
 * them or, where that fails, none.
 */
void
quern_import_async (QuernStore *store, GFile *file, GFileProgressCallback progress, gpointer progress_data,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data); /* the worker knows whether it was cancelled in time */
  g_autoptr (GTask) working = g_task_new (NULL, NULL, written_cb, task);
  Import *import = g_new0 (Import, 1);

  *import = (Import) { .store = g_object_ref (store),
                       .file = g_object_ref (file),
                       .task = task,
                       .cancellable = cancellable ? g_object_ref (cancellable) : NULL,
                       .progress = progress,
                       .progress_data = progress_data,
                       .conversations = g_ptr_array_new_with_free_func (g_object_unref),
                       .folders = g_ptr_array_new_with_free_func (g_free) };
  g_task_set_task_data (task, import, import_free);
  g_task_set_task_data (working, g_object_ref (task), g_object_unref);
  g_task_run_in_thread (working, import_worker);
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
  return ((Import *) g_task_get_task_data (G_TASK (result)))->text;
}
