/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "quern-json-util.h"
#include "quern-openai.h"
#include "quern-read.h"

/* OpenAI's chat completions. */

#define PREFIX "chatcmpl-"
#define CHUNK "chat.completion.chunk"

/* ---- probabilities --------------------------------------------------------------------------------------------- */

static void
add_choice (JsonBuilder *json, const QuernTokenChoice *choice)
{
  quern_json_add_int (json, "id", choice->id);
  quern_json_add_string (json, "token", choice->text);
  quern_json_add_double (json, "logprob", quern_openai_log_of (choice->p));
  json_builder_set_member_name (json, "bytes");
  json_builder_begin_array (json);
  for (const char *p = choice->text; *p; p++)
    json_builder_add_int_value (json, (guchar) *p);
  json_builder_end_array (json);
}

static void
add_token (JsonBuilder *json, const QuernGeneratedToken *token, guint n_top)
{
  json_builder_begin_object (json);
  add_choice (json, &token->chosen);
  json_builder_set_member_name (json, "top_logprobs");
  json_builder_begin_array (json);
  for (guint i = 0; i < MIN (n_top, token->n_top); i++) {
    json_builder_begin_object (json);
    add_choice (json, &token->top[i]);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

/* Adds the member "logprobs" with those tokens of the answer that were not told yet: not of reasoning, and not the one that
 * ends the answer, which has no text. */
static void
add_logprobs (QuernAnswer *answer, JsonBuilder *json)
{
  guint n = quern_generation_get_n_tokens (answer->generation);

  json_builder_set_member_name (json, "logprobs");
  if (answer->call->n_logprobs < 0) {
    json_builder_add_null_value (json);
    return;
  }
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "content");
  json_builder_begin_array (json);
  for (; answer->tokens_told < n; answer->tokens_told++) {
    const QuernGeneratedToken *token = quern_generation_get_token (answer->generation, answer->tokens_told);
    if (!token->reasoning && token->end > token->start)
      add_token (json, token, (guint) answer->call->n_logprobs);
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

/* ---- a stream -------------------------------------------------------------------------------------------------- */

/* Begins a chunk, up to the delta's members. */
static JsonBuilder *
begin_chunk (QuernAnswer *answer)
{
  JsonBuilder *json = json_builder_new ();

  quern_openai_begin (answer, json, PREFIX, CHUNK);
  json_builder_set_member_name (json, "choices");
  json_builder_begin_array (json);
  json_builder_begin_object (json);
  quern_json_add_int (json, "index", 0);
  json_builder_set_member_name (json, "delta");
  json_builder_begin_object (json);
  return json;
}

/* Ends the delta and its choice; the object stays open. */
static void
end_choice (QuernAnswer *answer, JsonBuilder *json, const char *finish_reason)
{
  json_builder_end_object (json);
  if (answer->call->n_logprobs >= 0)
    add_logprobs (answer, json);
  quern_json_add_string (json, "finish_reason", finish_reason);
  json_builder_end_object (json);
  json_builder_end_array (json);
}

static void
send_chunk (QuernAnswer *answer, JsonBuilder *json)
{
  end_choice (answer, json, NULL);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
}

static void
chat_begin (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = begin_chunk (answer);

  quern_json_add_string (json, "role", "assistant");
  quern_json_add_string (json, "content", "");
  send_chunk (answer, json);
}

static void
chat_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  g_autoptr (JsonBuilder) json = begin_chunk (answer);

  quern_json_add_string (json, reasoning ? "reasoning_content" : "content", text);
  send_chunk (answer, json);
}

/* Adds the member "tool_calls" of a delta: a call that begins, or more of its arguments. */
static void
chat_tool (QuernAnswer *answer, guint index, const char *arguments)
{
  const QuernToolCall *call = quern_generation_get_call (answer->generation, index);
  g_autoptr (JsonBuilder) json = begin_chunk (answer);

  json_builder_set_member_name (json, "tool_calls");
  json_builder_begin_array (json);
  json_builder_begin_object (json);
  quern_json_add_int (json, "index", index);
  if (!*arguments) {
    quern_json_add_string (json, "id", call->id);
    quern_json_add_string (json, "type", "function");
  }
  json_builder_set_member_name (json, "function");
  json_builder_begin_object (json);
  if (!*arguments)
    quern_json_add_string (json, "name", call->name);
  quern_json_add_string (json, "arguments", arguments);
  json_builder_end_object (json);
  json_builder_end_object (json);
  json_builder_end_array (json);
  send_chunk (answer, json);
}

static void
chat_progress (QuernAnswer *answer, double fraction)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  quern_openai_begin (answer, json, PREFIX, CHUNK);
  json_builder_set_member_name (json, "choices");
  json_builder_begin_array (json);
  json_builder_end_array (json);
  json_builder_set_member_name (json, "prompt_progress");
  json_builder_begin_object (json);
  quern_json_add_double (json, "fraction", fraction);
  quern_json_add_int (json, "total", s->prompt_tokens);
  json_builder_end_object (json);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
}

/* ---- the whole answer ------------------------------------------------------------------------------------------ */

static void
add_calls (QuernAnswer *answer, JsonBuilder *json)
{
  json_builder_set_member_name (json, "tool_calls");
  json_builder_begin_array (json);
  for (guint i = 0; i < quern_generation_get_n_calls (answer->generation); i++) {
    const QuernToolCall *call = quern_generation_get_call (answer->generation, i);
    json_builder_begin_object (json);
    quern_json_add_string (json, "id", call->id);
    quern_json_add_string (json, "type", "function");
    json_builder_set_member_name (json, "function");
    json_builder_begin_object (json);
    quern_json_add_string (json, "name", call->name);
    quern_json_add_string (json, "arguments", call->arguments->str);
    json_builder_end_object (json);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
reply_whole (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  gboolean calls = quern_generation_get_n_calls (answer->generation) > 0;

  quern_openai_begin (answer, json, PREFIX, "chat.completion");
  json_builder_set_member_name (json, "choices");
  json_builder_begin_array (json);
  json_builder_begin_object (json);
  quern_json_add_int (json, "index", 0);
  json_builder_set_member_name (json, "message");
  json_builder_begin_object (json);
  quern_json_add_string (json, "role", "assistant");
  quern_json_add_string (json, "content", calls && answer->text->len == 0 ? NULL : answer->text->str);
  if (calls)
    add_calls (answer, json);
  if (answer->reasoning->len > 0)
    quern_json_add_string (json, "reasoning_content", answer->reasoning->str);
  json_builder_end_object (json);
  add_logprobs (answer, json);
  quern_json_add_string (json, "finish_reason", quern_answer_finish_reason (answer));
  json_builder_end_object (json);
  json_builder_end_array (json);
  quern_openai_add_usage (answer, json);
  quern_openai_add_timings (answer, json);
  json_builder_end_object (json);
  quern_exchange_reply_json (answer->exchange, json);
}

static void
chat_end (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = NULL;

  if (!answer->call->stream) {
    reply_whole (answer);
    return;
  }
  json = begin_chunk (answer);
  end_choice (answer, json, quern_answer_finish_reason (answer));
  if (!answer->call->include_usage)
    quern_openai_add_timings (answer, json);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
  quern_openai_end_stream (answer, PREFIX, CHUNK);
}

const QuernDialect quern_dialect_chat = {
  .read = quern_read_chat,
  .form = QUERN_STREAM_EVENTS,
  .begin = chat_begin,
  .text = chat_text,
  .tool = chat_tool,
  .progress = chat_progress,
  .end = chat_end,
  .refuse = quern_refusal_to_json,
};
