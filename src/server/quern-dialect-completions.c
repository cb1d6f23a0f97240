/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <math.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-open-file.h"
#include "quern-openai.h"
#include "quern-read.h"

/* OpenAI's completions of raw text. */

#define PREFIX "cmpl-"
#define OBJECT "text_completion"

/* ---- probabilities --------------------------------------------------------------------------------------------- */

/* What the dialect keeps of a stream: characters of the tokens that were told. */
static guint *
characters_told (QuernAnswer *answer)
{
  if (!answer->data)
    answer->data = g_new0 (guint, 1);
  return answer->data;
}

/* Of the first token of a prompt no probability is known: nothing stood before it. */
static gboolean
is_known (const QuernGeneratedToken *token)
{
  return token->n_top > 0 || !token->given;
}

static void
add_top (JsonBuilder *json, const QuernGeneratedToken *token, guint n)
{
  json_builder_begin_object (json);
  for (guint i = 0; i < MIN (n, token->n_top); i++)
    quern_json_add_double (json, token->top[i].text, quern_openai_log_of (token->top[i].p));
  json_builder_end_object (json);
}

/* Adds the member "logprobs" with the tokens that were not told yet: lists side by side. all: there will be no more. The last
 * one waits until then, because it may be the one that ends the text, which is left out. */
static void
add_logprobs (QuernAnswer *answer, JsonBuilder *json, gboolean all)
{
  static const char *const lists[] = { "tokens", "token_logprobs", "top_logprobs", "text_offset" };
  const guint n_top = (guint) MAX (answer->call->n_logprobs, 0), first = answer->tokens_told;
  guint n = quern_generation_get_n_tokens (answer->generation), *characters = characters_told (answer);

  json_builder_set_member_name (json, "logprobs");
  if (answer->call->n_logprobs < 0) {
    json_builder_add_null_value (json);
    return;
  }
  if (n > first && (!all || quern_generation_get_stop (answer->generation) == QUERN_STOP_END)
      && !quern_generation_get_token (answer->generation, n - 1)->given)
    n--;
  json_builder_begin_object (json);
  for (guint k = 0; k < G_N_ELEMENTS (lists); k++) {
    json_builder_set_member_name (json, lists[k]);
    if (k == 2 && n_top == 0) {
      json_builder_add_null_value (json);
      continue;
    }
    json_builder_begin_array (json);
    for (guint i = first; i < n; i++) {
      const QuernGeneratedToken *token = quern_generation_get_token (answer->generation, i);
      if (k == 0) {
        json_builder_add_string_value (json, token->chosen.text);
      } else if (k == 3) {
        json_builder_add_int_value (json, *characters);
        *characters += (guint) g_utf8_strlen (token->chosen.text, -1);
      } else if (!is_known (token)) {
        json_builder_add_null_value (json);
      } else if (k == 1) {
        json_builder_add_double_value (json, quern_openai_log_of (token->chosen.p));
      } else {
        add_top (json, token, n_top);
      }
    }
    json_builder_end_array (json);
  }
  json_builder_end_object (json);
  answer->tokens_told = n;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* The prompt, which the client wants back. */
static char *
dup_prompt (QuernAnswer *answer)
{
  g_autoptr (QuernOpenFile) file = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (guint));

  if (answer->call->prompt)
    return g_strdup (answer->call->prompt);
  file = quern_open_file_new (answer->model, NULL); /* which is open, because the model has answered */
  if (file)
    quern_open_file_decode (file, answer->call->tokens, text, ends);
  return g_utf8_make_valid (text->str, (gssize) text->len);
}

static void
add_choice (QuernAnswer *answer, JsonBuilder *json, const char *text, const char *finish_reason)
{
  json_builder_set_member_name (json, "choices");
  json_builder_begin_array (json);
  json_builder_begin_object (json);
  quern_json_add_int (json, "index", 0);
  quern_json_add_string (json, "text", text);
  add_logprobs (answer, json, finish_reason != NULL);
  quern_json_add_string (json, "finish_reason", finish_reason);
  json_builder_end_object (json);
  json_builder_end_array (json);
}

static void
send_chunk (QuernAnswer *answer, const char *text, const char *finish_reason)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  quern_openai_begin (answer, json, PREFIX, OBJECT);
  add_choice (answer, json, text, finish_reason);
  json_builder_end_object (json);
  quern_answer_send (answer, NULL, json);
}

static void
completion_begin (QuernAnswer *answer)
{
  g_autofree char *prompt = answer->call->echo ? dup_prompt (answer) : NULL;

  if (prompt)
    send_chunk (answer, prompt, NULL);
}

static void
completion_text (QuernAnswer *answer, gboolean reasoning, const char *text)
{
  send_chunk (answer, text, NULL);
}

static void
completion_end (QuernAnswer *answer)
{
  g_autofree char *prompt = NULL, *text = NULL;
  g_autoptr (JsonBuilder) json = NULL;

  if (answer->call->stream) {
    send_chunk (answer, "", quern_answer_finish_reason (answer));
    quern_openai_end_stream (answer, PREFIX, OBJECT);
    return;
  }
  prompt = answer->call->echo ? dup_prompt (answer) : NULL;
  text = g_strconcat (prompt ? prompt : "", answer->text->str, NULL);
  json = json_builder_new ();
  quern_openai_begin (answer, json, PREFIX, OBJECT);
  add_choice (answer, json, text, quern_answer_finish_reason (answer));
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
  .free_data = g_free,
};
