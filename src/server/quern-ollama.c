/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-ollama.h"

#include <string.h>

#include "quern-json-util.h"
#include "quern-read.h"

/* Ollama's own API, for programs that know no other: its chat and its generate. Answers are lines of JSON, and errors texts. */

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* The model's name may have the tag that stands for none. */
static gboolean
read_head (const QuernFields *fields, QuernServiceCall *call)
{
  const QuernFields options = { quern_fields_object (fields, "options"), "options.", fields->refusal };
  JsonNode *format = quern_fields_node (fields, "format"), *think = quern_fields_node (fields, "think");

  g_set_str (&call->model, quern_fields_string (fields, "model", quern_fields_string (fields, "name", NULL)));
  if (call->model && g_str_has_suffix (call->model, ":latest"))
    call->model[strlen (call->model) - strlen (":latest")] = '\0';
  call->stream = quern_fields_bool (fields, "stream", TRUE);
  if (options.object && quern_read_sampling (&options, call)) {
    gint64 most = quern_fields_int (&options, "num_predict", G_MININT32, G_MAXINT32, -1);
    call->max_tokens = most >= 0 ? most : call->max_tokens;
  }
  if (format && JSON_NODE_HOLDS_OBJECT (format))
    call->schema = json_to_string (format, FALSE);
  else if (g_str_equal (quern_fields_string (fields, "format", ""), "json"))
    call->schema = g_strdup ("{\"type\":\"object\"}");
  if (think && json_node_get_value_type (think) == G_TYPE_STRING)
    quern_read_effort (call, json_node_get_string (think));
  else if (think)
    call->thinking = quern_fields_bool (fields, "think", FALSE) ? QUERN_THINKING_ON : QUERN_THINKING_OFF;
  return *fields->refusal == NULL;
}

static gboolean
read_pictures (const QuernFields *fields, QuernServiceMessage *message)
{
  JsonArray *images = quern_fields_array (fields, "images");

  for (guint i = 0; i < quern_json_length (images); i++) {
    const char *text = quern_json_string_at (images, i);
    gsize size;
    guchar *bytes;
    if (!text || !*text)
      return quern_fields_refuse (fields, "images", "must be an array of pictures in base64");
    bytes = g_base64_decode (text, &size);
    g_ptr_array_add (message->pictures, g_bytes_new_take (bytes, size));
  }
  return *fields->refusal == NULL;
}

static gboolean
read_message (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const roles[] = { "user", "assistant", "system", "tool" };
  static const QuernRole known[] = { QUERN_ROLE_USER, QUERN_ROLE_ASSISTANT, QUERN_ROLE_SYSTEM, QUERN_ROLE_USER };
  guint role = quern_json_index (roles, G_N_ELEMENTS (roles), quern_fields_string (fields, "role", ""), 4);
  JsonArray *calls = quern_fields_array (fields, "tool_calls");
  QuernServiceMessage *message;

  if (role == 4)
    return quern_fields_refuse (fields, "role", "must be \"system\", \"user\", \"assistant\" or \"tool\"");
  message = quern_service_call_add_message (call, known[role]);
  message->is_result = role == 3;
  g_set_str (&message->text, quern_fields_string (fields, "content", ""));
  g_set_str (&message->reasoning, quern_fields_string (fields, "thinking", NULL));
  g_set_str (&message->name, quern_fields_string (fields, "tool_name", NULL));
  g_set_str (&message->call_id, quern_fields_string (fields, "tool_call_id", NULL));
  for (guint i = 0; i < quern_json_length (calls); i++) {
    JsonObject *one = quern_json_object_at (calls, i), *function = quern_json_object (one, "function");
    const char *name = quern_json_string (function, "name", NULL);
    JsonObject *arguments = quern_json_object (function, "arguments");
    g_autofree char *text = arguments ? json_to_string (json_object_get_member (function, "arguments"), FALSE) : NULL;
    if (!name)
      return quern_fields_refuse (fields, "tool_calls",
                                  "must be an array of objects with a \"function\" that has a \"name\"");
    quern_service_message_add_call (message, quern_json_string (one, "id", NULL), name, text ? text : "{}");
  }
  return *fields->refusal == NULL && read_pictures (fields, message);
}

/* A request without text only loads the model: of a prompt of one token nothing is asked. */
static void
ask_nothing (QuernServiceCall *call)
{
  const gint32 any = 0;

  call->tokens = g_array_append_vals (g_array_new (FALSE, FALSE, sizeof any), &any, 1);
  call->echo = TRUE;
  call->max_tokens = 0;
}

static gboolean
is_nothing (const QuernServiceCall *call)
{
  return call->echo && call->max_tokens == 0;
}

gboolean
quern_ollama_read_chat (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  JsonArray *messages = quern_fields_array (&fields, "messages"), *tools = quern_fields_array (&fields, "tools");
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();

  if (!read_head (&fields, call))
    return FALSE;
  for (guint i = 0; i < quern_json_length (messages); i++) {
    g_autofree char *where = g_strdup_printf ("messages[%u].", i);
    const QuernFields message = { quern_json_object_at (messages, i), where, refusal };
    if (!message.object)
      return quern_fields_refuse (&fields, "messages", "must be an array of objects");
    if (!read_message (&message, call))
      return FALSE;
  }
  for (guint i = 0; i < quern_json_length (tools); i++) {
    if (!quern_json_object (quern_json_object_at (tools, i), "function"))
      return quern_fields_refuse (&fields, "tools", "must be an array of objects with a \"function\"");
    g_strv_builder_take (texts, json_to_string (json_array_get_element (tools, i), FALSE));
  }
  if (quern_json_length (tools) > 0)
    call->tools = g_strv_builder_end (texts);
  if (quern_json_length (messages) == 0)
    ask_nothing (call);
  return *refusal == NULL;
}

gboolean
quern_ollama_read_generate (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  const char *prompt = quern_fields_string (&fields, "prompt", "");
  const char *suffix = quern_fields_string (&fields, "suffix", ""),
             *system = quern_fields_string (&fields, "system", "");

  if (!read_head (&fields, call))
    return FALSE;
  if (!*prompt && !*suffix) {
    ask_nothing (call);
    return *refusal == NULL;
  }
  if (*suffix || quern_fields_bool (&fields, "raw", FALSE)) {
    g_set_str (&call->prompt, prompt);
    g_set_str (&call->suffix, *suffix ? suffix : NULL);
    return *refusal == NULL;
  }
  if (*system)
    g_set_str (&quern_service_call_add_message (call, QUERN_ROLE_SYSTEM)->text, system);
  g_set_str (&quern_service_call_add_message (call, QUERN_ROLE_USER)->text, prompt);
  return read_pictures (&fields, call->messages->pdata[call->messages->len - 1]);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* What the dialect keeps of an answer: how many calls were told. */
static guint *
calls_told (QuernAnswer *answer)
{
  if (!answer->data)
    answer->data = g_new0 (guint, 1);
  return answer->data;
}

static JsonBuilder *
begin_line (QuernAnswer *answer)
{
  JsonBuilder *json = json_builder_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");

  json_builder_begin_object (json);
  quern_json_add_string (json, "model", quern_model_get_id (answer->model));
  quern_json_add_string (json, "created_at", time);
  return json;
}

/* Adds calls that are complete and were not told yet. */
static void
add_calls (QuernAnswer *answer, JsonBuilder *json)
{
  guint n = quern_generation_get_n_calls (answer->generation), *told = calls_told (answer);
  gboolean begun = FALSE;

  for (; *told < n; (*told)++) {
    const QuernToolCall *call = quern_generation_get_call (answer->generation, *told);
    JsonNode *arguments = call->complete ? json_from_string (call->arguments->str, NULL) : NULL;
    if (!call->complete)
      break;
    if (!begun) {
      json_builder_set_member_name (json, "tool_calls");
      json_builder_begin_array (json);
      begun = TRUE;
    }
    json_builder_begin_object (json);
    quern_json_add_string (json, "id", call->id);
    json_builder_set_member_name (json, "function");
    json_builder_begin_object (json);
    quern_json_add_int (json, "index", *told);
    quern_json_add_string (json, "name", call->name);
    json_builder_set_member_name (json, "arguments");
    if (arguments) {
      json_builder_add_value (json, arguments);
    } else {
      json_builder_begin_object (json);
      json_builder_end_object (json);
    }
    json_builder_end_object (json);
    json_builder_end_object (json);
  }
  if (begun)
    json_builder_end_array (json);
}

/* Adds the text of a line, as a message or as a response. NULL: there is none of that kind. */
static void
add_text (QuernAnswer *answer, JsonBuilder *json, const char *reasoning, const char *text, gboolean calls)
{
  gboolean chat = answer->dialect == &quern_dialect_ollama_chat;

  if (chat) {
    json_builder_set_member_name (json, "message");
    json_builder_begin_object (json);
    quern_json_add_string (json, "role", "assistant");
  }
  quern_json_add_string (json, chat ? "content" : "response", text ? text : "");
  if (reasoning && *reasoning)
    quern_json_add_string (json, "thinking", reasoning);
  if (chat && calls)
    add_calls (answer, json);
  if (chat)
    json_builder_end_object (json);
}

static void
send_line (QuernAnswer *answer, const char *reasoning, const char *text, gboolean calls)
{
  g_autoptr (JsonBuilder) json = begin_line (answer);

  add_text (answer, json, reasoning, text, calls);
  quern_json_add_bool (json, "done", FALSE);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
}

static void
ollama_begin (QuernAnswer *answer)
{
}

static void
ollama_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  send_line (answer, reasoning ? text : NULL, reasoning ? NULL : text, FALSE);
}

/* Calls are told whole. */
static void
ollama_tool (QuernAnswer *answer, guint index, const char *arguments)
{
  if (index >= *calls_told (answer) && quern_generation_get_call (answer->generation, index)->complete)
    send_line (answer, NULL, NULL, TRUE);
}

static gint64
nanoseconds (double seconds)
{
  return (gint64) (seconds * 1e9);
}

static void
ollama_end (QuernAnswer *answer)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);
  gboolean stream = answer->call->stream;
  g_autoptr (JsonBuilder) json = NULL;

  if (stream && *calls_told (answer) < quern_generation_get_n_calls (answer->generation))
    send_line (answer, NULL, NULL, TRUE);
  json = begin_line (answer);
  add_text (answer, json, stream ? NULL : answer->reasoning->str, stream ? NULL : answer->text->str, !stream);
  quern_json_add_bool (json, "done", TRUE);
  quern_json_add_string (json, "done_reason",
                         is_nothing (answer->call)                                     ? "load"
                         : g_str_equal (quern_answer_finish_reason (answer), "length") ? "length"
                                                                                       : "stop");
  quern_json_add_int (json, "total_duration", (g_get_monotonic_time () - answer->exchange->began_at) * 1000);
  quern_json_add_int (json, "load_duration", 0);
  quern_json_add_int (json, "prompt_eval_count", is_nothing (answer->call) ? 0 : s->prompt_tokens);
  quern_json_add_int (json, "prompt_eval_duration", nanoseconds (s->prefill_seconds));
  quern_json_add_int (json, "eval_count", s->answer_tokens);
  quern_json_add_int (json, "eval_duration", nanoseconds (s->decode_seconds));
  json_builder_end_object (json);
  if (!stream) {
    quern_exchange_reply_json (answer->exchange, json);
    return;
  }
  quern_answer_send (answer, NULL, json);
  quern_exchange_end (answer->exchange);
}

/**
 * quern_ollama_refuse:
 *
 * Returns: (transfer full): the error as Ollama's API has it
 */
char *
quern_ollama_refuse (const QuernRefusal *refusal)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (json);
  quern_json_add_string (json, "error", refusal->message);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, FALSE);
}

const QuernDialect quern_dialect_ollama_chat = {
  .read = quern_ollama_read_chat,
  .form = QUERN_STREAM_LINES,
  .begin = ollama_begin,
  .text = ollama_text,
  .tool = ollama_tool,
  .end = ollama_end,
  .refuse = quern_ollama_refuse,
  .free_data = g_free,
};

const QuernDialect quern_dialect_ollama_generate = {
  .read = quern_ollama_read_generate,
  .form = QUERN_STREAM_LINES,
  .begin = ollama_begin,
  .text = ollama_text,
  .end = ollama_end,
  .refuse = quern_ollama_refuse,
  .free_data = g_free,
};
