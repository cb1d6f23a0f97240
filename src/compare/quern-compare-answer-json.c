/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <math.h>
#include <string.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-json.h"

/* This file reads and writes answers as JSON. A token is an array: [id, p, reasoning, start, end, text, [id, p, text,
 * id, p, text …]]. */

static const char *const states[] = { "waiting", "loading", "reading", "writing",  "done",
                                      "cut",     "stopped", "failed",  "not-asked" };

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* Rounds to six decimals, so that a file has 0.7 and not 0.699999988. The value reads back as the same float. */
static void
add_float (JsonBuilder *out, const char *name, float value)
{
  quern_json_add_double (out, name, round (value * 1e6) / 1e6);
}

/* With `tokens`, writes every token and its candidates; otherwise only the text. */
void
_quern_compare_answer_write (QuernCompareAnswer *answer, gboolean tokens, JsonBuilder *out)
{
  json_builder_begin_object (out);
  quern_json_add_string (out, "state", states[quern_compare_answer_get_state (answer)]);
  quern_json_add_string (out, "answer", quern_compare_answer_get_answer (answer));
  quern_json_add_string (out, "reasoning", quern_compare_answer_get_reasoning (answer));
  quern_json_add_string (out, "failure", quern_compare_answer_get_failure (answer));
  quern_json_add_int (out, "peak_memory_bytes", (gint64) quern_compare_answer_get_peak_memory (answer));
  quern_json_add_int (out, "planned_memory_bytes", (gint64) quern_compare_answer_get_planned_memory (answer));
  quern_json_add_int (out, "together", quern_compare_answer_get_together (answer));
  const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
  json_builder_set_member_name (out, "statistics");
  json_builder_begin_object (out);
  quern_json_add_int (out, "seed", (gint64) s->seed);
  quern_json_add_int (out, "prompt_tokens", s->prompt_tokens);
  quern_json_add_int (out, "prompt_tokens_reused", s->reused_tokens);
  quern_json_add_int (out, "prompt_tokens_evaluated", s->evaluated_tokens);
  quern_json_add_int (out, "answer_tokens", s->answer_tokens);
  quern_json_add_int (out, "reasoning_tokens", s->reasoning_tokens);
  quern_json_add_double (out, "load_seconds", s->load_seconds);
  quern_json_add_double (out, "first_token_seconds", s->first_token_seconds);
  quern_json_add_double (out, "prefill_seconds", s->prefill_seconds);
  quern_json_add_double (out, "decode_seconds", s->decode_seconds);
  quern_json_add_double (out, "reasoning_seconds", s->reasoning_seconds);
  quern_json_add_double (out, "prefill_tokens_per_second", quern_statistics_prefill_rate (s));
  quern_json_add_double (out, "decode_tokens_per_second", quern_statistics_decode_rate (s));
  json_builder_end_object (out);
  const QuernAnswerSettings *settings = quern_compare_answer_get_settings (answer);
  if (settings->n_ctx > 0) { /* an answer that was never run has no settings */
    json_builder_set_member_name (out, "settings");
    json_builder_begin_object (out);
    quern_json_add_int (out, "thinking", settings->thinking);
    quern_json_add_string (out, "kv_type", quern_kv_names[settings->kv_type]);
    quern_json_add_int (out, "context", settings->n_ctx);
    quern_json_add_int (out, "threads", settings->n_threads);
    quern_json_add_int (out, "max_tokens", settings->max_tokens);
    add_float (out, "temperature", settings->sampler.temperature);
    quern_json_add_int (out, "top_k", settings->sampler.top_k);
    add_float (out, "top_p", settings->sampler.top_p);
    add_float (out, "min_p", settings->sampler.min_p);
    add_float (out, "presence_penalty", settings->sampler.presence_penalty);
    add_float (out, "repetition_penalty", settings->sampler.repetition_penalty);
    json_builder_end_object (out);
  }
  json_builder_set_member_name (out, "tokens");
  json_builder_begin_array (out);
  for (guint i = 0; tokens && i < quern_compare_answer_get_n_tokens (answer); i++) {
    const QuernGeneratedToken *token = quern_compare_answer_get_token (answer, i);
    json_builder_begin_array (out);
    json_builder_add_int_value (out, token->chosen.id);
    json_builder_add_double_value (out, token->chosen.p);
    json_builder_add_int_value (out, token->reasoning ? 1 : 0);
    json_builder_add_int_value (out, token->start);
    json_builder_add_int_value (out, token->end);
    json_builder_add_string_value (out, token->chosen.text);
    json_builder_begin_array (out);
    for (guint j = 0; j < token->n_top; j++) {
      json_builder_add_int_value (out, token->top[j].id);
      json_builder_add_double_value (out, token->top[j].p);
      json_builder_add_string_value (out, token->top[j].text);
    }
    json_builder_end_array (out);
    json_builder_end_array (out);
  }
  json_builder_end_array (out);
  json_builder_end_object (out);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Clamps the offset to the text and moves it to the beginning of a character, because the file may say anything. */
static guint
read_offset (JsonArray *from, guint i, guint least, const char *text)
{
  gsize length = strlen (text);
  guint offset = (guint) CLAMP (quern_json_int_at (from, i), least, (gint64) MAX (length, least));

  while (offset < length && (text[offset] & 0xc0) == 0x80)
    offset++;
  return offset;
}

static void
read_token (QuernCompareAnswer *answer, JsonArray *from)
{
  QuernGeneratedToken token = { .reasoning = quern_json_int_at (from, 2) != 0 };
  JsonArray *top = quern_json_array_at (from, 6);
  const char *text = token.reasoning ? quern_compare_answer_get_reasoning (answer)
                                     : quern_compare_answer_get_answer (answer);

  token.chosen = (QuernTokenChoice) { (gint32) quern_json_int_at (from, 0), quern_json_double_at (from, 1),
                                      quern_json_string_at (from, 5) };
  token.start = MIN (read_offset (from, 3, 0, text), (guint) strlen (text));
  token.end = read_offset (from, 4, token.start, text);
  token.n_top = MIN (quern_json_length (top) / 3, QUERN_MAX_CANDIDATES);
  for (guint i = 0; i < token.n_top; i++)
    token.top[i] = (QuernTokenChoice) { (gint32) quern_json_int_at (top, 3 * i), quern_json_double_at (top, 3 * i + 1),
                                        quern_json_string_at (top, 3 * i + 2) };
  _quern_compare_answer_add_token (answer, &token);
}

/* An answer that was running when it was written counts as stopped. */
QuernCompareAnswer *
_quern_compare_answer_read (JsonObject *object)
{
  QuernCompareAnswer *answer = _quern_compare_answer_new ();
  guint state = quern_json_index (states, G_N_ELEMENTS (states), quern_json_string (object, "state", ""),
                                  QUERN_COMPARE_STOPPED);
  JsonArray *tokens = quern_json_array (object, "tokens");
  JsonObject *from = quern_json_object (object, "statistics");
  const QuernStatistics statistics = { .seed = (guint64) quern_json_int (from, "seed", 0),
                                       .prompt_tokens = quern_json_count (from, "prompt_tokens"),
                                       .reused_tokens = quern_json_count (from, "prompt_tokens_reused"),
                                       .evaluated_tokens = quern_json_count (from, "prompt_tokens_evaluated"),
                                       .answer_tokens = quern_json_count (from, "answer_tokens"),
                                       .reasoning_tokens = quern_json_count (from, "reasoning_tokens"),
                                       .load_seconds = quern_json_double (from, "load_seconds", 0),
                                       .first_token_seconds = quern_json_double (from, "first_token_seconds", 0),
                                       .prefill_seconds = quern_json_double (from, "prefill_seconds", 0),
                                       .decode_seconds = quern_json_double (from, "decode_seconds", 0),
                                       .reasoning_seconds = quern_json_double (from, "reasoning_seconds", 0) };

  from = quern_json_object (object, "settings");
  if (from) {
    const QuernAnswerSettings settings = {
      .thinking = quern_json_int (from, "thinking", 0) != 0,
      .kv_type = (QuernKvType) quern_json_index (quern_kv_names, 3, quern_json_string (from, "kv_type", ""), 0),
      .n_ctx = quern_json_count (from, "context"),
      .n_threads = quern_json_count (from, "threads"),
      .max_tokens = quern_json_count (from, "max_tokens"),
      .sampler = { .temperature = (float) quern_json_double (from, "temperature", 0),
                   .top_k = quern_json_count (from, "top_k"),
                   .top_p = (float) quern_json_double (from, "top_p", 1),
                   .min_p = (float) quern_json_double (from, "min_p", 0),
                   .presence_penalty = (float) quern_json_double (from, "presence_penalty", 0),
                   .repetition_penalty = (float) quern_json_double (from, "repetition_penalty", 1) },
    };
    _quern_compare_answer_set_settings (answer, &settings);
  }
  _quern_compare_answer_set_memory (answer, (guint64) MAX (0, quern_json_int (object, "planned_memory_bytes", 0)),
                                    (guint64) MAX (0, quern_json_int (object, "peak_memory_bytes", 0)),
                                    quern_json_int (object, "together", 0) != 0);
  _quern_compare_answer_restore (answer, state < QUERN_COMPARE_DONE ? QUERN_COMPARE_STOPPED : (QuernCompareState) state,
                                 quern_json_string (object, "answer", ""), quern_json_string (object, "reasoning", ""),
                                 quern_json_string (object, "failure", NULL), &statistics);
  for (guint i = 0; i < quern_json_length (tokens); i++)
    read_token (answer, quern_json_array_at (tokens, i));
  return answer;
}
