/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-read.h"

#include <math.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-picture.h"

/* The members of requests that chat and completions share, under the names that OpenAI, llama-server and vLLM use. */

#define MOST_BIASES 1024
#define MOST_TOKENS 1e9

gboolean
quern_read_model (const QuernFields *fields, QuernServiceCall *call)
{
  const QuernFields options = { quern_fields_object (fields, "stream_options"), "stream_options.", fields->refusal };

  g_set_str (&call->model, quern_fields_string (fields, "model", NULL));
  call->stream = quern_fields_bool (fields, "stream", FALSE);
  call->progress = quern_fields_bool (fields, "return_progress", FALSE);
  if (options.object)
    call->include_usage = quern_fields_bool (&options, "include_usage", FALSE);
  return *fields->refusal == NULL;
}

/* Reads a text or an array of texts. Empty ones would end every answer before it began. */
gboolean
quern_read_stops (const QuernFields *fields, const char *name, QuernServiceCall *call)
{
  JsonNode *node = quern_fields_node (fields, name);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GStrvBuilder) stops = g_strv_builder_new ();
  guint n = array ? json_array_get_length (array) : 1;

  if (!node || n == 0)
    return TRUE;
  if (n > QUERN_SERVICE_MAX_STOPS)
    return quern_fields_refuse (fields, name, "may have at most %d texts", QUERN_SERVICE_MAX_STOPS);
  for (guint i = 0; i < n; i++) {
    const char *stop = array ? quern_json_string_at (array, i) : quern_fields_string (fields, name, "");
    if (!stop || !*stop)
      return quern_fields_refuse (fields, name, "must be a text that is not empty, or an array of such texts");
    g_strv_builder_add (stops, stop);
  }
  g_strfreev (call->stops);
  call->stops = g_strv_builder_end (stops);
  return TRUE;
}

static gboolean
read_biases (const QuernFields *fields, QuernServiceCall *call)
{
  JsonObject *object = quern_fields_object (fields, "logit_bias");
  const QuernFields biases = { object, "logit_bias.", fields->refusal };
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!object)
    return *fields->refusal == NULL;
  if (json_object_get_size (object) > MOST_BIASES)
    return quern_fields_refuse (fields, "logit_bias", "may have at most %d tokens", MOST_BIASES);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node)) {
    QuernLogitBias bias;
    gint64 token;
    if (!g_ascii_string_to_signed (name, 10, 0, G_MAXINT32, &token, NULL))
      return quern_fields_refuse (fields, "logit_bias", "must have ids of tokens as names");
    bias = (QuernLogitBias) { (gint32) token, (float) quern_fields_number (&biases, name, -100, 100, 0) };
    g_array_append_val (call->biases, bias);
  }
  return *fields->refusal == NULL;
}

/* logprobs is true or a number: of chat, top_logprobs says how many; of completions, it says so itself. */
static void
read_logprobs (const QuernFields *fields, QuernServiceCall *call)
{
  JsonNode *node = quern_fields_node (fields, "logprobs");
  gboolean wanted = node != NULL;

  if (node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    wanted = json_node_get_boolean (node);
  else if (node)
    call->n_logprobs = (gint) quern_fields_int (fields, "logprobs", 0, QUERN_SERVICE_MAX_LOGPROBS, 0);
  if (wanted && call->n_logprobs < 0)
    call->n_logprobs = 0;
  if (!quern_fields_has (fields, "top_logprobs"))
    return;
  if (wanted)
    call->n_logprobs = (gint) quern_fields_int (fields, "top_logprobs", 0, QUERN_SERVICE_MAX_LOGPROBS, 0);
  else if (quern_fields_int (fields, "top_logprobs", 0, QUERN_SERVICE_MAX_LOGPROBS, 0) > 0)
    quern_fields_refuse (fields, "top_logprobs", "needs \"logprobs\": true");
}

gboolean
quern_read_sampling (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const limits[] = { "n_predict", "max_tokens", "max_completion_tokens" };

  call->temperature = quern_fields_number (fields, "temperature", 0, 10, NAN);
  call->top_p = quern_fields_number (fields, "top_p", 0, 1, NAN);
  call->min_p = quern_fields_number (fields, "min_p", 0, 1, NAN);
  call->top_k = quern_fields_int (fields, "top_k", -1, 1000000, QUERN_SERVICE_UNSET);
  call->presence_penalty = quern_fields_number (fields, "presence_penalty", -10, 10, NAN);
  call->frequency_penalty = quern_fields_number (fields, "frequency_penalty", -10, 10, NAN);
  call->repetition_penalty = quern_fields_number (fields, "repeat_penalty", 0.1, 10, NAN);
  call->repetition_penalty = quern_fields_number (fields, "repetition_penalty", 0.1, 10, call->repetition_penalty);
  call->seed = quern_fields_int (fields, "seed", G_MININT64 + 1, G_MAXINT64, QUERN_SERVICE_UNSET);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    call->max_tokens = quern_fields_int (fields, limits[i], -1, MOST_TOKENS, call->max_tokens);
  if (quern_fields_int (fields, "n", G_MININT32, G_MAXINT32, 1) != 1)
    quern_fields_refuse (fields, "n", "must be 1: send the request again for another answer");
  read_logprobs (fields, call);
  return quern_read_stops (fields, "stop", call) && read_biases (fields, call) && *fields->refusal == NULL;
}

/* "none" means not to think; any other level means to think, so much if the model's template knows levels. */
void
quern_read_effort (QuernServiceCall *call, const char *effort)
{
  call->thinking = g_str_equal (effort, "none") ? QUERN_THINKING_OFF : QUERN_THINKING_ON;
  g_set_str (&call->effort, effort);
}

/* Takes a picture out of a data URL. Other addresses are refused: what a client may not reach by itself it shall not reach
 * through this computer. */
gboolean
quern_read_picture (const QuernFields *fields, const char *url, QuernServiceMessage *message)
{
  const char *comma = strchr (url, ',');
  guchar *bytes;
  gsize size;

  if (!g_str_has_prefix (url, "data:"))
    return quern_refuse (fields->refusal, 400, NULL, "image_url",
                         "Pictures are not fetched from addresses. Send the picture itself as a data URL: "
                         "data:image/png;base64,…");
  if (!comma || comma - url < 7 || strncmp (comma - 7, ";base64", 7) != 0)
    return quern_refuse (fields->refusal, 400, NULL, "image_url",
                         "A picture must be a data URL in base64: data:image/png;base64,…");
  bytes = g_base64_decode (comma + 1, &size);
  g_ptr_array_add (message->pictures, g_bytes_new_take (bytes, size));
  return TRUE;
}
