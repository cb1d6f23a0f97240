/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-json-util.h"
#include "quern-openai.h"
#include "quern-read.h"

/* OpenAI's completions of raw text. */

#define PREFIX "cmpl-"
#define OBJECT "text_completion"

static void
add_choice (JsonBuilder *json, const char *text, const char *finish_reason)
{
  json_builder_set_member_name (json, "choices");
  json_builder_begin_array (json);
  json_builder_begin_object (json);
  quern_json_add_int (json, "index", 0);
  quern_json_add_string (json, "text", text);
  quern_json_add_string (json, "logprobs", NULL);
  quern_json_add_string (json, "finish_reason", finish_reason);
  json_builder_end_object (json);
  json_builder_end_array (json);
}

static void
send_chunk (QuernAnswer *answer, const char *text, const char *finish_reason)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  quern_openai_begin (answer, json, PREFIX, OBJECT);
  add_choice (json, text, finish_reason);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
}

static void
completion_begin (QuernAnswer *answer)
{
}

static void
completion_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  send_chunk (answer, text, NULL);
}

static void
completion_end (QuernAnswer *answer)
{
  g_autoptr (JsonBuilder) json = NULL;

  if (answer->call->stream) {
    send_chunk (answer, "", quern_answer_finish_reason (answer));
    quern_openai_end_stream (answer, PREFIX, OBJECT);
    return;
  }
  json = json_builder_new ();
  quern_openai_begin (answer, json, PREFIX, OBJECT);
  add_choice (json, answer->text->str, quern_answer_finish_reason (answer));
  quern_openai_add_usage (answer, json);
  quern_openai_add_timings (answer, json);
  json_builder_end_object (json);
  quern_exchange_reply_json (answer->exchange, json);
}

const QuernDialect quern_dialect_completions = {
  .read = quern_read_completion,
  .form = QUERN_STREAM_EVENTS,
  .begin = completion_begin,
  .text = completion_text,
  .end = completion_end,
  .refuse = quern_refusal_to_json,
};
