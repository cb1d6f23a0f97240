/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-dialect.h"
#include "quern-json-util.h"
#include "quern-read.h"

/* Anthropic's messages. An answer is a list of blocks: thinking, text and uses of tools. */

typedef enum { BLOCK_NONE, BLOCK_THINKING, BLOCK_TEXT, BLOCK_USE } BlockKind;

typedef struct {
  BlockKind open; /* the block that is being written */
  guint n_blocks; /* begun */
  guint call;     /* its number, of BLOCK_USE */
} Blocks;

static Blocks *
get_blocks (QuernAnswer *answer)
{
  if (!answer->data)
    answer->data = g_new0 (Blocks, 1);
  return answer->data;
}

/* ---- objects --------------------------------------------------------------------------------------------------- */

static void
add_usage (QuernAnswer *answer, JsonBuilder *json)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);

  json_builder_set_member_name (json, "usage");
  json_builder_begin_object (json);
  quern_json_add_int (json, "input_tokens", s->evaluated_tokens);
  quern_json_add_int (json, "cache_creation_input_tokens", 0);
  quern_json_add_int (json, "cache_read_input_tokens", s->reused_tokens);
  quern_json_add_int (json, "output_tokens", s->answer_tokens);
  json_builder_end_object (json);
}

/* Adds the members that say why the answer is over; done: it is. */
static void
add_stop (QuernAnswer *answer, JsonBuilder *json, gboolean done)
{
  const char *reason = NULL, *stop = NULL;

  if (done && quern_generation_get_stop (answer->generation) == QUERN_STOP_TEXT) {
    reason = "stop_sequence";
    stop = quern_generation_get_stop_text (answer->generation);
  } else if (done) {
    const char *finish = quern_answer_finish_reason (answer);
    reason = g_str_equal (finish, "length")       ? "max_tokens"
             : g_str_equal (finish, "tool_calls") ? "tool_use"
                                                  : "end_turn";
  }
  quern_json_add_string (json, "stop_reason", reason);
  quern_json_add_string (json, "stop_sequence", stop);
}

/* What a call's arguments are as JSON; none if they are not whole. */
static void
add_input (JsonBuilder *json, const QuernToolCall *call)
{
  JsonNode *input = call && call->complete ? json_from_string (call->arguments->str, NULL) : NULL;

  json_builder_set_member_name (json, "input");
  if (input) {
    json_builder_add_value (json, input);
    return;
  }
  json_builder_begin_object (json);
  json_builder_end_object (json);
}

static void
add_block (QuernAnswer *answer, JsonBuilder *json, BlockKind kind, guint number, const char *text, gboolean whole)
{
  const QuernToolCall *call = kind == BLOCK_USE ? quern_generation_get_call (answer->generation, number) : NULL;

  json_builder_begin_object (json);
  if (kind == BLOCK_THINKING) {
    quern_json_add_string (json, "type", "thinking");
    quern_json_add_string (json, "thinking", text);
    quern_json_add_string (json, "signature", "");
  } else if (kind == BLOCK_TEXT) {
    quern_json_add_string (json, "type", "text");
    quern_json_add_string (json, "text", text);
  } else {
    quern_json_add_string (json, "type", "tool_use");
    quern_json_add_string (json, "id", call->id);
    quern_json_add_string (json, "name", call->name);
    add_input (json, whole ? call : NULL);
  }
  json_builder_end_object (json);
}

static void
add_message (QuernAnswer *answer, JsonBuilder *json, gboolean done)
{
  g_autofree char *id = g_strconcat ("msg_", answer->id, NULL);

  json_builder_begin_object (json);
  quern_json_add_string (json, "id", id);
  quern_json_add_string (json, "type", "message");
  quern_json_add_string (json, "role", "assistant");
  quern_json_add_string (json, "model", quern_model_get_id (answer->model));
  json_builder_set_member_name (json, "content");
  json_builder_begin_array (json);
  if (done && answer->reasoning->len > 0)
    add_block (answer, json, BLOCK_THINKING, 0, answer->reasoning->str, TRUE);
  if (done && answer->text->len > 0)
    add_block (answer, json, BLOCK_TEXT, 0, answer->text->str, TRUE);
  for (guint i = 0; done && i < quern_generation_get_n_calls (answer->generation); i++)
    add_block (answer, json, BLOCK_USE, i, NULL, TRUE);
  json_builder_end_array (json);
  add_stop (answer, json, done);
  add_usage (answer, json);
  json_builder_end_object (json);
}

/* ---- a stream -------------------------------------------------------------------------------------------------- */

static void
send_delta (QuernAnswer *answer, const char *type, const char *member, const char *text)
{
  g_autoptr (JsonBuilder) json = quern_answer_begin_event ("content_block_delta");

  quern_json_add_int (json, "index", (gint64) get_blocks (answer)->n_blocks - 1);
  json_builder_set_member_name (json, "delta");
  json_builder_begin_object (json);
  quern_json_add_string (json, "type", type);
  quern_json_add_string (json, member, text);
  json_builder_end_object (json);
  quern_answer_send_event (answer, "content_block_delta", json);
}

static void
close_block (QuernAnswer *answer)
{
  Blocks *blocks = get_blocks (answer);
  g_autoptr (JsonBuilder) json = NULL;

  if (blocks->open == BLOCK_NONE)
    return;
  if (blocks->open == BLOCK_THINKING)
    send_delta (answer, "signature_delta", "signature", "");
  blocks->open = BLOCK_NONE;
  json = quern_answer_begin_event ("content_block_stop");
  quern_json_add_int (json, "index", (gint64) blocks->n_blocks - 1);
  quern_answer_send_event (answer, "content_block_stop", json);
}

static void
open_block (QuernAnswer *answer, BlockKind kind, guint call)
{
  Blocks *blocks = get_blocks (answer);
  g_autoptr (JsonBuilder) json = NULL;

  if (blocks->open == kind && blocks->call == call)
    return;
  close_block (answer);
  *blocks = (Blocks) { kind, blocks->n_blocks + 1, call };
  json = quern_answer_begin_event ("content_block_start");
  quern_json_add_int (json, "index", (gint64) blocks->n_blocks - 1);
  json_builder_set_member_name (json, "content_block");
  add_block (answer, json, kind, call, "", FALSE);
  quern_answer_send_event (answer, "content_block_start", json);
}

static void
messages_begin (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = quern_answer_begin_event ("message_start");

  json_builder_set_member_name (json, "message");
  add_message (answer, json, FALSE);
  quern_answer_send_event (answer, "message_start", json);
}

static void
messages_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  open_block (answer, reasoning ? BLOCK_THINKING : BLOCK_TEXT, 0);
  send_delta (answer, reasoning ? "thinking_delta" : "text_delta", reasoning ? "thinking" : "text", text);
}

static void
messages_tool (QuernAnswer *answer, guint index, const char *arguments)
{
  open_block (answer, BLOCK_USE, index);
  if (*arguments)
    send_delta (answer, "input_json_delta", "partial_json", arguments);
}

static void
messages_end (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = NULL, last = NULL;

  if (!answer->call->stream) {
    json = json_builder_new ();
    add_message (answer, json, TRUE);
    quern_exchange_reply_json (answer->exchange, json);
    return;
  }
  close_block (answer);
  json = quern_answer_begin_event ("message_delta");
  json_builder_set_member_name (json, "delta");
  json_builder_begin_object (json);
  add_stop (answer, json, TRUE);
  json_builder_end_object (json);
  add_usage (answer, json);
  quern_answer_send_event (answer, "message_delta", json);
  last = quern_answer_begin_event ("message_stop");
  quern_answer_send_event (answer, "message_stop", last);
  quern_exchange_end (answer->exchange);
}

/**
 * quern_messages_refuse:
 *
 * Returns: (transfer full): the error as Anthropic's API has it
 */
char *
quern_messages_refuse (const QuernRefusal *refusal)
{
  g_autoptr (JsonBuilder) json = quern_answer_begin_event ("error");
  g_autoptr (JsonNode) root = NULL;

  json_builder_set_member_name (json, "error");
  json_builder_begin_object (json);
  quern_json_add_string (json, "type",
                         refusal->status == 503   ? "overloaded_error"
                         : refusal->status == 413 ? "request_too_large"
                         : refusal->status >= 500 ? "api_error"
                                                  : refusal->type);
  quern_json_add_string (json, "message", refusal->message);
  json_builder_end_object (json);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, FALSE);
}

const QuernDialect quern_dialect_messages = {
  .read = quern_read_messages,
  .form = QUERN_STREAM_EVENTS,
  .begin = messages_begin,
  .text = messages_text,
  .tool = messages_tool,
  .end = messages_end,
  .refuse = quern_messages_refuse,
  .refuse_event = "error",
  .free_data = g_free,
};
