/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-read.h"

#include "quern-json-util.h"

/* The body of POST /v1/completions. */

static gboolean
is_number (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64;
}

/* A prompt is a text, an array with one text, or an array of ids of tokens. */
static gboolean
read_prompt (const QuernFields *fields, QuernServiceCall *call)
{
  JsonNode *node = quern_fields_node (fields, "prompt");
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  JsonArray *only = quern_json_length (array) == 1 ? quern_json_array_at (array, 0) : NULL;
  guint n;

  array = only ? only : array; /* a list of one prompt in tokens */
  n = quern_json_length (array);
  if (!node)
    return quern_fields_refuse (fields, "prompt", "is missing");
  if (!array) {
    g_set_str (&call->prompt, quern_fields_string (fields, "prompt", NULL));
    return *fields->refusal == NULL;
  }
  if (n > 0 && is_number (json_array_get_element (array, 0))) {
    call->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    for (guint i = 0; i < n; i++) {
      gint64 token = is_number (json_array_get_element (array, i)) ? quern_json_int_at (array, i) : -1;
      gint32 id = (gint32) token;
      if (token < 0 || token > G_MAXINT32)
        return quern_fields_refuse (fields, "prompt", "must be a text, or an array of ids of tokens");
      g_array_append_val (call->tokens, id);
    }
    return TRUE;
  }
  if (n != 1)
    return quern_fields_refuse (fields, "prompt", "may have one text only: send a request for each");
  g_set_str (&call->prompt, quern_json_string_at (array, 0));
  return TRUE;
}

/**
 * quern_read_completion:
 * @refusal: (inout): what is wrong with @body
 *
 * Reads the body of a completion.
 */
gboolean
quern_read_completion (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };

  if (!quern_read_model (&fields, call) || !read_prompt (&fields, call) || !quern_read_sampling (&fields, call))
    return FALSE;
  g_set_str (&call->suffix, quern_fields_string (&fields, "suffix", NULL));
  g_set_str (&call->grammar, quern_fields_string (&fields, "grammar", NULL));
  call->echo = quern_fields_bool (&fields, "echo", FALSE);
  if (call->max_tokens < 0 && !quern_fields_has (&fields, "n_predict"))
    call->max_tokens = 16; /* OpenAI's */
  if (call->suffix && call->tokens)
    return quern_fields_refuse (&fields, "suffix", "needs a prompt that is a text");
  if (call->max_tokens == 0 && !call->echo)
    return quern_fields_refuse (&fields, "max_tokens", "must be at least 1, unless \"echo\" is true");
  return *refusal == NULL;
}
