/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "quern-dialect.h"
#include "quern-json-util.h"
#include "quern-ollama.h"
#include "quern-open-file.h"
#include "quern-read.h"

/* What can be asked for, in one table. */

/* ---- models ---------------------------------------------------------------------------------------------------- */

static void
add_model (QuernServiceCore *core, JsonBuilder *json, QuernModel *model)
{
  const QuernModelInfo *info = quern_model_get_info (model);
  gboolean sees = quern_model_get_vision_path (model) != NULL;
  GStatBuf facts;

  json_builder_begin_object (json);
  quern_json_add_string (json, "id", quern_model_get_id (model));
  quern_json_add_string (json, "object", "model");
  quern_json_add_int (json, "created",
                      g_stat (quern_model_get_path (model), &facts) == 0 ? (gint64) facts.st_mtime : 0);
  quern_json_add_string (json, "owned_by", "quern");
  json_builder_set_member_name (json, "meta");
  json_builder_begin_object (json);
  quern_json_add_string (json, "name", quern_model_get_title (model));
  quern_json_add_string (json, "quantization", info->quantisation);
  quern_json_add_int (json, "size", (gint64) quern_model_get_size (model));
  quern_json_add_int (json, "n_params", (gint64) info->parameters);
  quern_json_add_int (json, "n_vocab", info->n_vocab);
  quern_json_add_int (json, "n_embd", info->n_embd);
  quern_json_add_int (json, "n_ctx_train", info->n_ctx_train);
  quern_json_add_int (json, "n_ctx", quern_service_core_get_context_size (core, model));
  quern_json_add_bool (json, "loaded", quern_service_core_is_loaded (core, model));
  json_builder_end_object (json);
  json_builder_set_member_name (json, "architecture");
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "input_modalities");
  json_builder_begin_array (json);
  json_builder_add_string_value (json, "text");
  if (sees)
    json_builder_add_string_value (json, "image");
  json_builder_end_array (json);
  json_builder_set_member_name (json, "output_modalities");
  json_builder_begin_array (json);
  json_builder_add_string_value (json, "text");
  json_builder_end_array (json);
  json_builder_end_object (json);
  json_builder_end_object (json);
}

static void
list_models (QuernExchange *exchange)
{
  g_autoptr (GPtrArray) models = quern_service_core_dup_models (exchange->core);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  quern_json_add_string (json, "object", "list");
  json_builder_set_member_name (json, "data");
  json_builder_begin_array (json);
  for (guint i = 0; i < models->len; i++)
    add_model (exchange->core, json, models->pdata[i]);
  json_builder_end_array (json);
  json_builder_end_object (json);
  quern_exchange_reply_json (exchange, json);
}

static void
show_model (QuernExchange *exchange)
{
  g_autoptr (QuernRefusal) refusal = NULL;
  g_autoptr (QuernModel) model = quern_service_core_find_model (exchange->core, exchange->tail, &refusal);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!model) {
    quern_exchange_refuse (exchange, refusal);
    return;
  }
  add_model (exchange->core, json, model);
  quern_exchange_reply_json (exchange, json);
}

/* ---- state ----------------------------------------------------------------------------------------------------- */

static void
show_health (QuernExchange *exchange)
{
  quern_exchange_reply (exchange, 200, "{\"status\":\"ok\"}");
}

static void
show_queue (QuernExchange *exchange)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  quern_service_core_describe (exchange->core, json);
  json_builder_end_object (json);
  quern_exchange_reply_json (exchange, json);
}

static void
refuse_embeddings (QuernExchange *exchange)
{
  g_autoptr (QuernRefusal) refusal = quern_refusal_new (
      501, NULL, NULL,
      "Embeddings are not supported: those of a model for conversations would mislead. Use an embedding "
      "model of another server.");

  quern_exchange_refuse (exchange, refusal);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static QuernOpenFile *
open_file (QuernServiceCore *core, const QuernFields *fields, QuernRefusal **refusal)
{
  const char *id = quern_fields_string (fields, "model", NULL);
  g_autoptr (QuernModel) model = *refusal ? NULL : quern_service_core_find_model (core, id, refusal);
  g_autoptr (GError) error = NULL;
  QuernOpenFile *file = model ? quern_open_file_new (model, &error) : NULL;

  if (error)
    *refusal = quern_refusal_new_from_error (error);
  return file;
}

static void
add_tokens (QuernOpenFile *file, const GArray *tokens, gboolean with_pieces, JsonBuilder *reply)
{
  json_builder_set_member_name (reply, "tokens");
  json_builder_begin_array (reply);
  for (guint i = 0; i < tokens->len; i++) {
    gint32 id = g_array_index (tokens, gint32, i);
    if (with_pieces) {
      g_autofree char *piece = quern_open_file_dup_token_text (file, id);
      json_builder_begin_object (reply);
      quern_json_add_int (reply, "id", id);
      quern_json_add_string (reply, "piece", piece);
      json_builder_end_object (reply);
    } else {
      json_builder_add_int_value (reply, id);
    }
  }
  json_builder_end_array (reply);
  quern_json_add_int (reply, "count", tokens->len);
}

/* As llama-server takes it ("content") and as vLLM does ("prompt", or messages). */
static gboolean
tokenize (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  g_autoptr (QuernServiceCall) call = quern_service_call_new ();
  g_autoptr (QuernOpenFile) file = open_file (core, &fields, refusal);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GError) error = NULL;
  gboolean with_pieces = quern_fields_bool (&fields, "with_pieces", FALSE);
  const char *text = quern_fields_string (&fields, "content", NULL);

  if (!text)
    text = quern_fields_string (&fields, "prompt", NULL);
  if (!file || *refusal)
    return FALSE;
  if (!text && quern_fields_has (&fields, "messages")) {
    g_autoptr (QuernModel)
        model = quern_service_core_find_model (core, quern_fields_string (&fields, "model", NULL), refusal);
    g_autoptr (QuernRequest) request = model && quern_read_chat (call, body, refusal)
                                           ? quern_service_call_make_request (call, model, refusal)
                                           : NULL;
    if (!request)
      return FALSE;
    quern_open_file_tokenise_request (file, request, tokens, &error);
  } else if (text) {
    quern_open_file_tokenise (file, text, tokens, &error);
  } else {
    return quern_fields_refuse (&fields, "content", "is missing: it is the text");
  }
  if (error) {
    *refusal = quern_refusal_new_from_error (error);
    return FALSE;
  }
  add_tokens (file, tokens, with_pieces, reply);
  return TRUE;
}

static gboolean
detokenize (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  g_autoptr (QuernOpenFile) file = open_file (core, &fields, refusal);
  JsonArray *array = quern_fields_array (&fields, "tokens");
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32)),
                     ends = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *valid = NULL;

  if (!file || *refusal)
    return FALSE;
  if (!array)
    return quern_fields_refuse (&fields, "tokens", "is missing: it is an array of ids");
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);
    gint64 token = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
                       ? json_node_get_int (node)
                       : -1;
    gint32 id = (gint32) token;
    if (token < 0 || token > G_MAXINT32)
      return quern_fields_refuse (&fields, "tokens", "must be an array of ids");
    g_array_append_val (tokens, id);
  }
  quern_open_file_decode (file, tokens, text, ends);
  valid = g_utf8_make_valid (text->str, (gssize) text->len);
  quern_json_add_string (reply, "content", valid);
  quern_json_add_string (reply, "prompt", valid); /* as vLLM calls it */
  return TRUE;
}

/* Returns the tokens of a prompt in the form of a dialect, or -1 with a refusal. */
static gssize
count_prompt (QuernServiceCore *core, JsonObject *body, const QuernDialect *dialect, QuernRefusal **refusal)
{
  g_autoptr (QuernServiceCall) call = quern_service_call_new ();
  g_autoptr (QuernModel)
      model = dialect->read (call, body, refusal) ? quern_service_core_find_model (core, call->model, refusal) : NULL;
  g_autoptr (QuernRequest) request = model ? quern_service_call_make_request (call, model, refusal) : NULL;
  g_autoptr (GError) error = NULL;
  gssize n = request ? quern_service_core_count (core, model, request, &error) : -1;

  if (error)
    *refusal = quern_refusal_new_from_error (error);
  return n;
}

static gboolean
count_input (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal)
{
  gssize n = count_prompt (core, body, &quern_dialect_chat, refusal);

  if (n < 0)
    return FALSE;
  quern_json_add_string (reply, "object", "response.input_tokens");
  quern_json_add_int (reply, "input_tokens", n);
  return TRUE;
}

static gboolean
count_messages (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal)
{
  gssize n = count_prompt (core, body, &quern_dialect_messages, refusal);

  if (n >= 0)
    quern_json_add_int (reply, "input_tokens", n);
  return n >= 0;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

static const QuernEndpoint endpoints[] = {
  { "GET", "/models", .handle = list_models },
  { "GET", "/models/", .handle = show_model },
  { "GET", "/health", TRUE, .handle = show_health },
  { "GET", "/queue", .handle = show_queue },
  { "POST", "/chat/completions", .dialect = &quern_dialect_chat },
  { "POST", "/chat/completions/input_tokens", .work = count_input },
  { "POST", "/completions", .dialect = &quern_dialect_completions },
  { "POST", "/embeddings", .handle = refuse_embeddings },
  { "POST", "/tokenize", .work = tokenize },
  { "POST", "/detokenize", .work = detokenize },
  { "POST", "/responses", .dialect = &quern_dialect_responses },
  { "POST", "/messages", .dialect = &quern_dialect_messages },
  { "POST", "/messages/count_tokens", .work = count_messages, .refuse = quern_messages_refuse },
  { "GET", "", TRUE, .handle = quern_ollama_say_alive },
  { "GET", "/api/version", TRUE, .handle = quern_ollama_show_version },
  { "GET", "/api/tags", .handle = quern_ollama_list_models, .refuse = quern_ollama_refuse },
  { "GET", "/api/ps", .handle = quern_ollama_list_loaded, .refuse = quern_ollama_refuse },
  { "POST", "/api/show", .work = quern_ollama_show_model, .refuse = quern_ollama_refuse },
  { "POST", "/api/chat", .dialect = &quern_dialect_ollama_chat },
  { "POST", "/api/generate", .dialect = &quern_dialect_ollama_generate },
  { "POST", "/api/pull", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "POST", "/api/push", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "POST", "/api/create", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "POST", "/api/copy", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "POST", "/api/embed", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "POST", "/api/embeddings", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
  { "DELETE", "/api/delete", .handle = quern_ollama_refuse_work, .refuse = quern_ollama_refuse },
};

/* Where the path goes on behind the endpoint's own; NULL if it is another's. */
static const char *
match (const QuernEndpoint *endpoint, const char *path)
{
  gsize n = strlen (endpoint->path);

  if (n == 0) /* the root */
    return g_str_equal (path, "/") || !*path ? path + strlen (path) : NULL;
  if (strncmp (path, endpoint->path, n) != 0 || (path[n] && endpoint->path[n - 1] != '/'))
    return NULL;
  return path[n] || endpoint->path[n - 1] != '/' ? path + n : NULL;
}

/**
 * quern_endpoint_find:
 * @path: of a request, with "/v1" or without
 * @tail: (out): what the path goes on with, where the endpoint stands for all that is below it
 * @known: (out): whether the path is right, be it with another method
 *
 * Returns: (nullable): what answers
 */
const QuernEndpoint *
quern_endpoint_find (const char *method, const char *path, const char **tail, gboolean *known)
{
  const char *wanted = g_str_equal (method, "HEAD") ? "GET" : method;

  *tail = "";
  *known = FALSE;
  if (g_str_has_prefix (path, "/v1/"))
    path += 3;
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    const char *rest = match (&endpoints[i], path);
    if (!rest)
      continue;
    *known = TRUE;
    if (!g_str_equal (endpoints[i].method, wanted))
      continue;
    *tail = rest;
    return &endpoints[i];
  }
  return NULL;
}
