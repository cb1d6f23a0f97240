/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-openai.h"

#include <math.h>

#include "quern-json-util.h"

/**
 * quern_openai_log_of:
 *
 * Returns: the logarithm of a probability; of none, as low as OpenAI's API has it
 */
double
quern_openai_log_of (double p)
{
  return p > 0 ? MAX (log (p), -9999) : -9999;
}

/**
 * quern_openai_begin:
 * @prefix: of the id: "chatcmpl-"
 * @object: "chat.completion"
 *
 * Begins an object with the members that all of them have.
 */
void
quern_openai_begin (QuernAnswer *answer, JsonBuilder *json, const char *prefix, const char *object)
{
  g_autofree char *id = g_strconcat (prefix, answer->id, NULL);

  json_builder_begin_object (json);
  quern_json_add_string (json, "id", id);
  quern_json_add_string (json, "object", object);
  quern_json_add_int (json, "created", answer->created);
  quern_json_add_string (json, "model", quern_model_get_id (answer->model));
  quern_json_add_string (json, "system_fingerprint", "quern-" QUERN_VERSION);
}

/* Adds the member "usage". */
void
quern_openai_add_usage (QuernAnswer *answer, JsonBuilder *json)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);

  json_builder_set_member_name (json, "usage");
  json_builder_begin_object (json);
  quern_json_add_int (json, "prompt_tokens", s->prompt_tokens);
  quern_json_add_int (json, "completion_tokens", s->answer_tokens);
  quern_json_add_int (json, "total_tokens", (gint64) s->prompt_tokens + s->answer_tokens);
  json_builder_set_member_name (json, "prompt_tokens_details");
  json_builder_begin_object (json);
  quern_json_add_int (json, "cached_tokens", s->reused_tokens);
  json_builder_end_object (json);
  json_builder_set_member_name (json, "completion_tokens_details");
  json_builder_begin_object (json);
  quern_json_add_int (json, "reasoning_tokens", s->reasoning_tokens);
  json_builder_end_object (json);
  json_builder_end_object (json);
}

static void
add_rate (JsonBuilder *json, const char *what, guint n, double seconds)
{
  g_autofree char *count = g_strconcat (what, "_n", NULL), *ms = g_strconcat (what, "_ms", NULL);
  g_autofree char *each = g_strconcat (what, "_per_token_ms", NULL), *rate = g_strconcat (what, "_per_second", NULL);

  quern_json_add_int (json, count, n);
  quern_json_add_double (json, ms, seconds * 1000);
  quern_json_add_double (json, each, n > 0 ? seconds * 1000 / n : 0);
  quern_json_add_double (json, rate, seconds > 0 ? n / seconds : 0);
}

/* Adds the member "timings", as llama-server has it. */
void
quern_openai_add_timings (QuernAnswer *answer, JsonBuilder *json)
{
  const QuernStatistics *s = quern_generation_get_statistics (answer->generation);

  json_builder_set_member_name (json, "timings");
  json_builder_begin_object (json);
  quern_json_add_int (json, "cache_n", s->reused_tokens);
  add_rate (json, "prompt", s->evaluated_tokens, s->prefill_seconds);
  add_rate (json, "predicted", s->answer_tokens, s->decode_seconds);
  json_builder_end_object (json);
}

/* Sends what follows the last choice of a stream: the usage if it was asked for, and the end. */
void
quern_openai_end_stream (QuernAnswer *answer, const char *prefix, const char *object)
{
  if (answer->call->include_usage) {
    g_autoptr (JsonBuilder) json = json_builder_new ();

    quern_openai_begin (answer, json, prefix, object);
    json_builder_set_member_name (json, "choices");
    json_builder_begin_array (json);
    json_builder_end_array (json);
    quern_openai_add_usage (answer, json);
    quern_openai_add_timings (answer, json);
    json_builder_end_object (json);
    quern_answer_send (answer, NULL, json);
  }
  quern_exchange_send (answer->exchange, NULL, "[DONE]");
  quern_exchange_end (answer->exchange);
}
