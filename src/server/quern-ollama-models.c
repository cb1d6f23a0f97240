/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "quern-fields.h"
#include "quern-json-util.h"
#include "quern-ollama.h"

/* What Ollama's API says of models, and of itself. */

/* Programs ask for at least such a version before they use what came with it: tools, thinking, schemas. */
#define VERSION "0.12.6"

static char *
dup_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup ("1970-01-01T00:00:00Z");
}

static void
add_details (JsonBuilder *json, QuernModel *model)
{
  const QuernModelInfo *info = quern_model_get_info (model);

  json_builder_set_member_name (json, "details");
  json_builder_begin_object (json);
  quern_json_add_string (json, "parent_model", "");
  quern_json_add_string (json, "format", "gguf");
  quern_json_add_string (json, "family", info->architecture);
  json_builder_set_member_name (json, "families");
  json_builder_begin_array (json);
  json_builder_add_string_value (json, info->architecture);
  json_builder_end_array (json);
  quern_json_add_string (json, "parameter_size", info->size_label);
  quern_json_add_string (json, "quantization_level", info->quantisation);
  json_builder_end_object (json);
}

static void
add_capabilities (JsonBuilder *json, QuernModel *model)
{
  const QuernTemplateInfo *chat = &quern_model_get_info (model)->chat;

  json_builder_set_member_name (json, "capabilities");
  json_builder_begin_array (json);
  json_builder_add_string_value (json, "completion");
  if (quern_model_get_vision_path (model))
    json_builder_add_string_value (json, "vision");
  if (quern_model_takes_tools (model))
    json_builder_add_string_value (json, "tools");
  if (chat->thinking_switchable || chat->thinking_default)
    json_builder_add_string_value (json, "thinking");
  json_builder_end_array (json);
}

/* The members that lists of models have; the object stays open. The digest only tells models apart. */
static void
begin_model (JsonBuilder *json, QuernModel *model)
{
  const char *id = quern_model_get_id (model);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, quern_model_get_path (model), -1);
  GStatBuf facts;

  json_builder_begin_object (json);
  quern_json_add_string (json, "name", id);
  quern_json_add_string (json, "model", id);
  g_autofree char *time = dup_time (g_stat (quern_model_get_path (model), &facts) == 0 ? (gint64) facts.st_mtime : 0);

  quern_json_add_string (json, "modified_at", time);
  quern_json_add_int (json, "size", (gint64) quern_model_get_size (model));
  quern_json_add_string (json, "digest", digest);
  add_details (json, model);
}

void
quern_ollama_say_alive (QuernExchange *exchange)
{
  quern_exchange_reply (exchange, 200, "Ollama is running"); /* the words that programs look for */
}

void
quern_ollama_show_version (QuernExchange *exchange)
{
  quern_exchange_reply (exchange, 200, "{\"version\":\"" VERSION "\"}");
}

static void
list (QuernExchange *exchange, gboolean loaded)
{
  g_autoptr (GPtrArray) models = quern_service_core_dup_models (exchange->core);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *expires = dup_time (now + 600);

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "models");
  json_builder_begin_array (json);
  for (guint i = 0; i < models->len; i++) {
    if (loaded && !quern_service_core_is_loaded (exchange->core, models->pdata[i]))
      continue;
    begin_model (json, models->pdata[i]);
    if (loaded) {
      quern_json_add_int (json, "context_length",
                          quern_service_core_get_context_size (exchange->core, models->pdata[i]));
      quern_json_add_int (json, "size_vram", 0);
      quern_json_add_string (json, "expires_at", expires);
    } else {
      add_capabilities (json, models->pdata[i]);
    }
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
  quern_exchange_reply_json (exchange, json);
}

void
quern_ollama_list_models (QuernExchange *exchange)
{
  list (exchange, FALSE);
}

void
quern_ollama_list_loaded (QuernExchange *exchange)
{
  list (exchange, TRUE);
}

static void
add_fact (JsonBuilder *json, const char *architecture, const char *name, gint64 value)
{
  g_autofree char *key = g_strdup_printf ("%s.%s", architecture, name);

  quern_json_add_int (json, key, value);
}

/* Reads the name of a model, as lists give it. */
static QuernModel *
find_model (QuernServiceCore *core, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  g_autofree char *id = g_strdup (quern_fields_string (&fields, "model", quern_fields_string (&fields, "name", NULL)));

  if (*refusal)
    return NULL;
  if (id && g_str_has_suffix (id, ":latest"))
    id[strlen (id) - strlen (":latest")] = '\0';
  return quern_service_core_find_model (core, id, refusal);
}

gboolean
quern_ollama_show_model (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal)
{
  g_autoptr (QuernModel) model = find_model (core, body, refusal);
  const QuernModelInfo *info;

  if (!model)
    return FALSE;
  info = quern_model_get_info (model);
  quern_json_add_string (reply, "modelfile", "");
  quern_json_add_string (reply, "parameters", "");
  quern_json_add_string (reply, "template", "{{ .Prompt }}{{ .Suffix }}");
  add_details (reply, model);
  json_builder_set_member_name (reply, "model_info");
  json_builder_begin_object (reply);
  quern_json_add_string (reply, "general.architecture", info->architecture);
  quern_json_add_string (reply, "general.basename", info->names.basename);
  quern_json_add_int (reply, "general.parameter_count", (gint64) info->parameters);
  add_fact (reply, info->architecture, "context_length", quern_service_core_get_context_size (core, model));
  add_fact (reply, info->architecture, "embedding_length", info->n_embd);
  add_fact (reply, info->architecture, "block_count", info->n_layers);
  json_builder_end_object (reply);
  add_capabilities (reply, model);
  return TRUE;
}

void
quern_ollama_refuse_work (QuernExchange *exchange)
{
  g_autoptr (QuernRefusal)
      refusal = quern_refusal_new (501, NULL, NULL,
                                   "Quern does not do this for other programs. Download and remove models in Quern.");

  quern_exchange_refuse (exchange, refusal);
}
