/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "quern-dialect.h"
#include "quern-json-util.h"
#include "quern-read.h"

/* OpenAI's responses. An answer is a list of items: reasoning, messages and calls of functions. */

typedef enum { ITEM_REASONING, ITEM_MESSAGE, ITEM_CALL } ItemKind;

static const char *const id_prefixes[] = { "rs_", "msg_", "fc_" };

typedef struct {
  ItemKind kind;
  char *id;
  GString *text; /* of a call: its arguments */
  const QuernToolCall *call;
  gboolean closed;
} Item;

typedef struct {
  GPtrArray *items; /* of Item */
  gint64 n_events;
} Response;

static void
item_free (gpointer data)
{
  Item *item = data;

  g_free (item->id);
  g_string_free (item->text, TRUE);
  g_free (item);
}

static void
response_free (gpointer data)
{
  Response *response = data;

  g_ptr_array_unref (response->items);
  g_free (response);
}

static Response *
get_response (QuernAnswer *answer)
{
  Response *response = answer->data;

  if (response)
    return response;
  response = g_new0 (Response, 1);
  response->items = g_ptr_array_new_with_free_func (item_free);
  answer->data = response;
  return response;
}

/* ---- objects --------------------------------------------------------------------------------------------------- */

static void
add_part (JsonBuilder *json, const Item *item, const char *text)
{
  json_builder_begin_object (json);
  quern_json_add_string (json, "type", item->kind == ITEM_REASONING ? "reasoning_text" : "output_text");
  quern_json_add_string (json, "text", text);
  if (item->kind == ITEM_MESSAGE) {
    json_builder_set_member_name (json, "annotations");
    json_builder_begin_array (json);
    json_builder_end_array (json);
  }
  json_builder_end_object (json);
}

/* An item as it is so far; whole: with what it holds. */
static void
add_item (JsonBuilder *json, const Item *item, gboolean whole)
{
  static const char *const types[] = { "reasoning", "message", "function_call" };

  json_builder_begin_object (json);
  quern_json_add_string (json, "id", item->id);
  quern_json_add_string (json, "type", types[item->kind]);
  quern_json_add_string (json, "status", whole ? "completed" : "in_progress");
  if (item->kind == ITEM_CALL) {
    quern_json_add_string (json, "call_id", item->call->id);
    quern_json_add_string (json, "name", item->call->name);
    quern_json_add_string (json, "arguments", whole ? item->text->str : "");
    json_builder_end_object (json);
    return;
  }
  if (item->kind == ITEM_MESSAGE) {
    quern_json_add_string (json, "role", "assistant");
  } else {
    json_builder_set_member_name (json, "summary");
    json_builder_begin_array (json);
    json_builder_end_array (json);
  }
  json_builder_set_member_name (json, "content");
  json_builder_begin_array (json);
  if (whole)
    add_part (json, item, item->text->str);
  json_builder_end_array (json);
  json_builder_end_object (json);
}

static void
add_usage (QuernAnswer *answer, JsonBuilder *json)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);

  json_builder_set_member_name (json, "usage");
  json_builder_begin_object (json);
  quern_json_add_int (json, "input_tokens", s->prompt_tokens);
  json_builder_set_member_name (json, "input_tokens_details");
  json_builder_begin_object (json);
  quern_json_add_int (json, "cached_tokens", s->reused_tokens);
  json_builder_end_object (json);
  quern_json_add_int (json, "output_tokens", s->answer_tokens);
  json_builder_set_member_name (json, "output_tokens_details");
  json_builder_begin_object (json);
  quern_json_add_int (json, "reasoning_tokens", s->reasoning_tokens);
  json_builder_end_object (json);
  quern_json_add_int (json, "total_tokens", (gint64) s->prompt_tokens + s->answer_tokens);
  json_builder_end_object (json);
}

static const char *
status_of (QuernAnswer *answer)
{
  return g_str_equal (quern_answer_finish_reason (answer), "length") ? "incomplete" : "completed";
}

/* The response with its items; done: with what is known at its end. */
static void
add_response (QuernAnswer *answer, JsonBuilder *json, gboolean done)
{
  const Response *response = get_response (answer);
  g_autofree char *id = g_strconcat ("resp_", answer->id, NULL);
  const char *status = done ? status_of (answer) : "in_progress";

  json_builder_begin_object (json);
  quern_json_add_string (json, "id", id);
  quern_json_add_string (json, "object", "response");
  quern_json_add_int (json, "created_at", answer->created);
  quern_json_add_string (json, "status", status);
  quern_json_add_string (json, "model", quern_model_get_id (answer->model));
  json_builder_set_member_name (json, "output");
  json_builder_begin_array (json);
  for (guint i = 0; done && i < response->items->len; i++)
    add_item (json, response->items->pdata[i], TRUE);
  json_builder_end_array (json);
  quern_json_add_string (json, "error", NULL);
  json_builder_set_member_name (json, "incomplete_details");
  if (g_str_equal (status, "incomplete")) {
    json_builder_begin_object (json);
    quern_json_add_string (json, "reason", "max_output_tokens");
    json_builder_end_object (json);
  } else {
    json_builder_add_null_value (json);
  }
  quern_json_add_string (json, "instructions", NULL);
  quern_json_add_string (json, "previous_response_id", NULL);
  quern_json_add_bool (json, "store", FALSE);
  quern_json_add_bool (json, "parallel_tool_calls", answer->call->parallel_tools);
  quern_json_add_string (json, "tool_choice",
                         answer->call->tool_choice == QUERN_SERVICE_TOOLS_NONE       ? "none"
                         : answer->call->tool_choice == QUERN_SERVICE_TOOLS_REQUIRED ? "required"
                                                                                     : "auto");
  json_builder_set_member_name (json, "tools");
  json_builder_begin_array (json);
  json_builder_end_array (json);
  quern_json_add_string (json, "truncation", "disabled");
  json_builder_set_member_name (json, "metadata");
  json_builder_begin_object (json);
  json_builder_end_object (json);
  if (done)
    add_usage (answer, json);
  json_builder_end_object (json);
}

/* ---- a stream -------------------------------------------------------------------------------------------------- */

static JsonBuilder *
begin_event (QuernAnswer *answer, const char *type)
{
  JsonBuilder *json = quern_answer_begin_event (type);

  quern_json_add_int (json, "sequence_number", get_response (answer)->n_events++);
  return json;
}

static void
send_response (QuernAnswer *answer, const char *type, gboolean done)
{
  g_autoptr (JsonBuilder) json = begin_event (answer, type);

  json_builder_set_member_name (json, "response");
  add_response (answer, json, done);
  quern_answer_send_event (answer, type, json);
}

/* Begins an event of an item: the last one. */
static JsonBuilder *
begin_item_event (QuernAnswer *answer, const char *type, const Item *item, gboolean of_part)
{
  JsonBuilder *json = begin_event (answer, type);

  quern_json_add_string (json, "item_id", item->id);
  quern_json_add_int (json, "output_index", (gint64) get_response (answer)->items->len - 1);
  if (of_part)
    quern_json_add_int (json, "content_index", 0);
  return json;
}

static void
send_item (QuernAnswer *answer, const char *type, const Item *item, gboolean whole)
{
  g_autoptr (JsonBuilder) json = begin_event (answer, type);

  quern_json_add_int (json, "output_index", (gint64) get_response (answer)->items->len - 1);
  json_builder_set_member_name (json, "item");
  add_item (json, item, whole);
  quern_answer_send_event (answer, type, json);
}

static void
send_part (QuernAnswer *answer, const char *type, const Item *item)
{
  g_autoptr (JsonBuilder) json = begin_item_event (answer, type, item, TRUE);

  json_builder_set_member_name (json, "part");
  add_part (json, item, item->text->str);
  quern_answer_send_event (answer, type, json);
}

/* The names of events that bring more text of an item, and that tell the whole of it. */
static const char *const delta_events[] = { "response.reasoning_text.delta", "response.output_text.delta",
                                            "response.function_call_arguments.delta" };
static const char *const done_events[] = { "response.reasoning_text.done", "response.output_text.done",
                                           "response.function_call_arguments.done" };

static void
send_text (QuernAnswer *answer, const Item *item, const char *text, gboolean done)
{
  const char *type = (done ? done_events : delta_events)[item->kind];
  g_autoptr (JsonBuilder) json = begin_item_event (answer, type, item, item->kind != ITEM_CALL);

  quern_json_add_string (json, !done ? "delta" : item->kind == ITEM_CALL ? "arguments" : "text", text);
  quern_answer_send_event (answer, type, json);
}

static void
close_item (QuernAnswer *answer)
{
  const Response *response = get_response (answer);
  Item *item = response->items->len > 0 ? response->items->pdata[response->items->len - 1] : NULL;

  if (!item || item->closed)
    return;
  item->closed = TRUE;
  if (!answer->call->stream)
    return;
  send_text (answer, item, item->text->str, TRUE);
  if (item->kind != ITEM_CALL)
    send_part (answer, "response.content_part.done", item);
  send_item (answer, "response.output_item.done", item, TRUE);
}

/* The item that the next text belongs to: the last one, or else a new one. */
static Item *
open_item (QuernAnswer *answer, ItemKind kind, const QuernToolCall *call)
{
  Response *response = get_response (answer);
  Item *item = response->items->len > 0 ? response->items->pdata[response->items->len - 1] : NULL;

  if (item && !item->closed && item->kind == kind && item->call == call)
    return item;
  close_item (answer);
  item = g_new0 (Item, 1);
  *item = (Item) { kind, g_strdup_printf ("%s%s%02x", id_prefixes[kind], answer->id, response->items->len),
                   g_string_new (NULL), call, FALSE };
  g_ptr_array_add (response->items, item);
  if (!answer->call->stream)
    return item;
  send_item (answer, "response.output_item.added", item, FALSE);
  if (kind != ITEM_CALL)
    send_part (answer, "response.content_part.added", item);
  return item;
}

static void
add_text (QuernAnswer *answer, ItemKind kind, const QuernToolCall *call, const char *text)
{
  Item *item = open_item (answer, kind, call);

  g_string_append (item->text, text);
  if (answer->call->stream && *text)
    send_text (answer, item, text, FALSE);
}

static void
responses_begin (QuernAnswer *answer)
{
  send_response (answer, "response.created", FALSE);
  send_response (answer, "response.in_progress", FALSE);
}

static void
responses_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  add_text (answer, reasoning ? ITEM_REASONING : ITEM_MESSAGE, NULL, text);
}

static void
responses_tool (QuernAnswer *answer, guint index, const char *arguments)
{
  add_text (answer, ITEM_CALL, quern_generation_get_call (answer->generation, index), arguments);
}

static void
responses_end (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = NULL;
  guint n_calls = quern_generation_get_n_calls (answer->generation);

  if (!answer->call->stream) {
    if (answer->reasoning->len > 0)
      add_text (answer, ITEM_REASONING, NULL, answer->reasoning->str);
    if (answer->text->len > 0 || n_calls == 0)
      add_text (answer, ITEM_MESSAGE, NULL, answer->text->str);
    for (guint i = 0; i < n_calls; i++) {
      const QuernToolCall *call = quern_generation_get_call (answer->generation, i);
      add_text (answer, ITEM_CALL, call, call->arguments->str);
    }
    json = json_builder_new ();
    add_response (answer, json, TRUE);
    quern_exchange_reply_json (answer->exchange, json);
    return;
  }
  if (get_response (answer)->items->len == 0)
    open_item (answer, ITEM_MESSAGE, NULL);
  close_item (answer);
  send_response (answer, g_str_equal (status_of (answer), "incomplete") ? "response.incomplete" : "response.completed",
                 TRUE);
  quern_exchange_end (answer->exchange);
}

const QuernDialect quern_dialect_responses = {
  .read = quern_read_responses,
  .form = QUERN_STREAM_EVENTS,
  .begin = responses_begin,
  .text = responses_text,
  .tool = responses_tool,
  .end = responses_end,
  .refuse = quern_refusal_to_json,
  .free_data = response_free,
};
