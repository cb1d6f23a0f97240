/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sampling.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-json-util.h"

/* The JSON of a conversation's sampling is {"temperature": 0.7, "top_k": 20, …}, a number for each name. It holds only
 * what the user chose, so that all other values follow the model when another one is chosen. */

/* Returns: (transfer full) (nullable): a new object for every caller, or %NULL if this is no JSON object */
static JsonObject *
read_object (const char *json)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  if (quern_json_check (json, strlen (json), G_MAXUINT16) != QUERN_JSON_SOUND
      || !json_parser_load_from_data (parser, json, -1, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  return root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_dup_object (root) : NULL;
}

/* Returns a new object for every caller. It is empty if there is no JSON or it cannot be parsed. */
static JsonObject *
parse (const char *json)
{
  JsonObject *object = json ? read_object (json) : NULL;

  return object ? object : json_object_new ();
}

static char *
print (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  if (json_object_get_size (object) == 0)
    return NULL;
  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}

/**
 * quern_sampling_get:
 * @json: (nullable): a conversation's sampling
 *
 * Returns: what it says of @name, or @fallback
 */
double
quern_sampling_get (const char *json, const char *name, double fallback)
{
  g_autoptr (JsonObject) object = parse (json);

  return json_object_get_double_member_with_default (object, name, fallback);
}

/**
 * quern_sampling_set:
 * @json: (nullable): a conversation's sampling
 *
 * Returns: (transfer full): the same with another value of @name
 */
char *
quern_sampling_set (const char *json, const char *name, double value)
{
  g_autoptr (JsonObject) object = parse (json);

  json_object_set_double_member (object, name, value);
  return print (object);
}

/**
 * quern_sampling_unset:
 * @json: (nullable): a conversation's sampling
 *
 * Returns: (transfer full) (nullable): the same without a value of @name; %NULL when none is left
 */
char *
quern_sampling_unset (const char *json, const char *name)
{
  g_autoptr (JsonObject) object = parse (json);

  json_object_remove_member (object, name);
  return print (object);
}

static const struct {
  const char *name;
  double low, high;
} members[] = {
  /* first the values of the sampler, in the order of QuernChosenValues */
  { "temperature", 0, 10 },
  { "top_k", 0, 1e6 },
  { "top_p", 0, 1 },
  { "min_p", 0, 1 },
  { "presence_penalty", -10, 10 },
  { "repetition_penalty", 0.1, 10 },
  { "seed", 0, 9007199254740992.0 }, /* the largest that a double tells from its neighbours */
  { "max_tokens", 0, G_MAXINT },
  { "thinking_budget", 0, G_MAXINT },
  { "threads", 0, 1024 },
  { "kv_type", QUERN_KV_F16, QUERN_KV_F32 },
};

static gsize
find_member (const char *name)
{
  gsize i = 0;

  while (i < G_N_ELEMENTS (members) && !g_str_equal (members[i].name, name))
    i++;
  return i;
}

static double
member (JsonObject *object, const char *name, double fallback)
{
  const gsize i = find_member (name);
  double value = json_object_get_double_member_with_default (object, name, fallback);

  return CLAMP (value, members[i].low, members[i].high);
}

/**
 * quern_sampling_check:
 * @json: what somebody wrote
 *
 * Returns: whether it is an object of which quern_sampling_init() understands everything
 */
gboolean
quern_sampling_check (const char *json, GError **error)
{
  g_autoptr (JsonObject) object = read_object (json);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!object) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                         _("The sampling values must be a JSON object, such as {\"top_k\": 20}."));
    return FALSE;
  }
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node)) {
    const gsize i = find_member (name);
    if (i == G_N_ELEMENTS (members)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("There is no sampling value “%s”."), name);
      return FALSE;
    }
    if (!JSON_NODE_HOLDS_VALUE (node)
        || (json_node_get_value_type (node) != G_TYPE_INT64 && json_node_get_value_type (node) != G_TYPE_DOUBLE)
        || !(json_node_get_double (node) >= members[i].low && json_node_get_double (node) <= members[i].high)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _("The sampling value “%s” must be a number from %g to %g."), name, members[i].low,
                   members[i].high);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * quern_sampling_get_origin:
 * @json: (nullable): a conversation's sampling
 * @model: (nullable): the model that answers
 * @name: of a value of the sampler: "temperature"
 *
 * Returns: where quern_sampling_init() takes that value from
 */
QuernSamplingOrigin
quern_sampling_get_origin (const char *json, QuernModel *model, const char *name)
{
  g_autoptr (JsonObject) object = parse (json);
  const QuernModelInfo *info = model ? quern_model_get_info (model) : NULL;
  const struct {
    const char *name;
    gboolean given; /* by the file */
  } values[] = {
    { "temperature", info && info->sampling.has_temperature },
    { "top_k", info && info->sampling.has_top_k },
    { "top_p", info && info->sampling.has_top_p },
    { "min_p", info && info->sampling.has_min_p },
    { "presence_penalty", info && info->sampling.has_presence_penalty },
    { "repetition_penalty", info && info->sampling.has_repetition_penalty },
  };

  if (json_object_has_member (object, name))
    return QUERN_SAMPLING_CHOSEN;
  if (model && quern_model_is_remote (model))
    return QUERN_SAMPLING_SERVER;
  if (model && quern_model_is_demo (model)
      && (g_str_equal (name, "temperature") || g_str_equal (name, "presence_penalty")))
    return QUERN_SAMPLING_DEMO;
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    if (values[i].given && g_str_equal (values[i].name, name))
      return QUERN_SAMPLING_FILE;
  return QUERN_SAMPLING_FAMILY;
}

/**
 * quern_sampling_origin_to_string:
 *
 * Returns: a phrase for people
 */
const char *
quern_sampling_origin_to_string (QuernSamplingOrigin origin)
{
  switch (origin) {
  case QUERN_SAMPLING_CHOSEN: return _("set for this conversation");
  case QUERN_SAMPLING_FILE: return _("from the model’s file");
  case QUERN_SAMPLING_DEMO: return _("set for the demonstration");
  case QUERN_SAMPLING_SERVER: return _("decided by the server");
  case QUERN_SAMPLING_FAMILY:
  default: return _("recommended for models of this size");
  }
}

/**
 * quern_sampling_init:
 * @model: (nullable): whose values to begin with; without one only what has to do with loading makes sense
 * @json: (nullable): an object with what differs from these; anything else in it is ignored
 *
 * A random seed, unless @json names one.
 */
void
quern_sampling_init (QuernSampling *sampling, QuernModel *model, gboolean thinking, gboolean pictures, const char *json)
{
  g_autoptr (JsonObject) object = parse (json);
  QuernSamplerValues *values = &sampling->sampler;

  *sampling = (QuernSampling) { 0 };
  if (model)
    quern_sampler_values_init (values, model, thinking, pictures);
  if (model && quern_model_is_demo (model)) {
    /* The family's values are for models with billions of parameters. Quern Tiny knows only one good answer to each
     * question, so it always takes the most probable token. */
    values->temperature = 0;
    values->presence_penalty = 0;
  }
  values->seed = g_random_int ();
  for (guint i = 0; (QuernChosenValues) (1u << i) <= QUERN_CHOSE_SEED; i++)
    if (json_object_has_member (object, members[i].name))
      sampling->chosen |= 1u << i;
  values->temperature = (float) member (object, "temperature", values->temperature);
  values->top_k = (uint32_t) member (object, "top_k", values->top_k);
  values->top_p = (float) member (object, "top_p", values->top_p);
  values->min_p = (float) member (object, "min_p", values->min_p);
  values->presence_penalty = (float) member (object, "presence_penalty", values->presence_penalty);
  values->repetition_penalty = (float) member (object, "repetition_penalty", values->repetition_penalty);
  values->seed = (uint64_t) member (object, "seed", (double) values->seed);
  sampling->max_tokens = (guint) member (object, "max_tokens", 0);
  sampling->thinking_budget = (guint) member (object, "thinking_budget", 0);
  sampling->n_threads = (guint) member (object, "threads", 0);
  sampling->kv_type = (QuernKvType) member (object, "kv_type", QUERN_KV_F16);
}

void
quern_sampling_apply (const QuernSampling *sampling, QuernRequest *request)
{
  quern_request_set_sampler (request, &sampling->sampler);
  quern_request_set_chosen (request, sampling->chosen);
  quern_request_set_max_tokens (request, sampling->max_tokens);
  quern_request_set_thinking_budget (request, sampling->thinking_budget);
}
