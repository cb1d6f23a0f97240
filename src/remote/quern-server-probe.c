/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which program answers at an address, and what it says of its models. Each kind is asked at an endpoint that only it has, with
 * little time for each answer; a refusal is an answer, too. */

#include "config.h"

#include "quern-server-private.h"

#include "quern-json-util.h"
#include "quern-server-address.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SECONDS 2       /* for each answer */
#define MAX_MODELS 1000 /* of one server */
#define MAX_ASKED 64    /* models about which Ollama is asked one by one */
#define MAX_ID 1024     /* bytes */

typedef struct {
  QuernServerAccess *access;
  GCancellable *cancellable;
  QuernServerFound *found;
  GError *refusal;   /* why the first endpoint that exists and says nothing of use does so */
  gboolean is_llama; /* by its name in a header */
} Probe;

/* Returns the object that an endpoint answers with; NULL where it is none, with @error set where nothing else can be asked. */
static JsonNode *
ask (Probe *probe, const char *path, const char *body, GError **error)
{
  g_autoptr (QuernServerReply)
      reply = _quern_server_fetch (probe->access, path, body, SECONDS, probe->cancellable, error);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) refusal = NULL;

  if (reply == NULL)
    return NULL;
  if (g_strcmp0 (reply->program, "llama.cpp") == 0)
    probe->is_llama = TRUE;
  if (!_quern_server_reply_check (reply, probe->access->host, &refusal)) {
    /* That an endpoint does not exist tells nothing; all else does. */
    if (probe->refusal == NULL && reply->status != SOUP_STATUS_NOT_FOUND
        && reply->status != SOUP_STATUS_METHOD_NOT_ALLOWED)
      probe->refusal = g_steal_pointer (&refusal);
    return NULL;
  }
  node = _quern_server_reply_parse (reply);
  return g_steal_pointer (&node);
}

static JsonObject *
object_of (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* Adds a model unless its id is none; NULL then. */
static QuernServerModel *
add_model (Probe *probe, const char *id)
{
  QuernServerModel *model;

  if (id == NULL || *id == '\0' || strlen (id) > MAX_ID || probe->found->models->len >= MAX_MODELS)
    return NULL;
  model = quern_server_model_new (id);
  g_ptr_array_add (probe->found->models, model);
  return model;
}

static QuernFact
fact (gboolean known, gboolean yes)
{
  return !known ? QUERN_FACT_UNKNOWN : yes ? QUERN_FACT_YES : QUERN_FACT_NO;
}

static gboolean
has_string (JsonArray *array, const char *text)
{
  for (guint i = 0; i < quern_json_length (array); i++)
    if (g_str_equal (quern_json_string_at (array, i), text))
      return TRUE;
  return FALSE;
}

static void
set_efforts (QuernServerModel *model, const char *const *efforts)
{
  g_strfreev (model->efforts);
  model->efforts = g_strdupv ((char **) efforts);
}

/* ---- the kinds ------------------------------------------------------------------------------------------------- */

/* What /props says of the model that is loaded, which /v1/models does not. */
static void
read_props (QuernServerModel *model, JsonObject *props)
{
  static const char *const efforts[] = { "low", "medium", "high", NULL };
  JsonObject *caps = quern_json_object (props, "chat_template_caps");
  JsonObject *modalities = quern_json_object (props, "modalities");
  const char *template = quern_json_string (props, "chat_template", NULL);

  model->context_length = quern_json_count (quern_json_object (props, "default_generation_settings"), "n_ctx");
  model->vision = fact (modalities != NULL, quern_json_int (modalities, "vision", FALSE) != 0);
  /* The template decides: without the switch in it, nothing that a request says is heard. */
  model->thinking = fact (template != NULL, template != NULL && strstr (template, "enable_thinking") != NULL);
  model->budget = model->thinking;
  model->keeps_reasoning = fact (caps != NULL, quern_json_int (caps, "supports_preserve_reasoning", FALSE) != 0);
  if (quern_json_int (caps, "supports_reasoning_effort", FALSE) != 0)
    set_efforts (model, efforts);
  model->state = QUERN_SERVER_MODEL_LOADED; /* one that sleeps wakes up by itself */
}

static void
read_llama_model (Probe *probe, JsonObject *entry, JsonObject *props, gboolean router)
{
  static const struct {
    const char *name;
    QuernServerModelState state;
  } states[] = { { "loaded", QUERN_SERVER_MODEL_LOADED },
                 { "sleeping", QUERN_SERVER_MODEL_LOADED },
                 { "loading", QUERN_SERVER_MODEL_LOADING },
                 { "downloading", QUERN_SERVER_MODEL_LOADING },
                 { "unloaded", QUERN_SERVER_MODEL_UNLOADED } };
  QuernServerModel *model = add_model (probe, quern_json_string (entry, "id", NULL));
  JsonObject *meta = quern_json_object (entry, "meta"), *status = quern_json_object (entry, "status");
  JsonArray *input = quern_json_array (quern_json_object (entry, "architecture"), "input_modalities");
  const char *state = quern_json_string (status, "value", "");

  if (model == NULL)
    return;
  model->context_length = quern_json_count (meta, "n_ctx");
  model->trained_length = MAX (quern_json_count (meta, "n_ctx_train"), quern_json_count (entry, "context_length"));
  model->vision = fact (input != NULL, has_string (input, "image"));
  if (!router)
    read_props (model, props);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_str_equal (state, states[i].name))
      model->state = states[i].state;
  if (quern_json_int (status, "failed", FALSE) != 0)
    model->state = QUERN_SERVER_MODEL_FAILED;
}

static gboolean
probe_llama (Probe *probe, GError **error)
{
  g_autoptr (JsonNode) node = ask (probe, "/props", NULL, error), list = NULL;
  JsonObject *props = object_of (node);
  gboolean router = g_strcmp0 (quern_json_string (props, "role", NULL), "router") == 0;
  JsonArray *data;

  if (!probe->is_llama && !router && quern_json_string (props, "build_info", NULL) == NULL
      && quern_json_object (props, "default_generation_settings") == NULL)
    return FALSE;
  probe->found->kind = QUERN_SERVER_LLAMA;
  g_set_str (&probe->found->version, quern_json_string (props, "build_info", ""));
  if (props == NULL && probe->refusal != NULL) {
    g_propagate_error (error, g_steal_pointer (&probe->refusal));
    return FALSE;
  }
  list = ask (probe, "/v1/models", NULL, error);
  data = quern_json_array (object_of (list), "data");
  for (guint i = 0; i < quern_json_length (data); i++)
    read_llama_model (probe, quern_json_object_at (data, i), props, router);
  return list != NULL;
}

/* The length that a model was trained for: "<architecture>.context_length". */
static guint
trained_length (JsonObject *info)
{
  const char *architecture = quern_json_string (info, "general.architecture", NULL);
  g_autofree char *name = architecture != NULL ? g_strconcat (architecture, ".context_length", NULL) : NULL;

  return name != NULL ? quern_json_count (info, name) : 0;
}

static void
read_ollama_capabilities (QuernServerModel *model, JsonArray *capabilities)
{
  static const char *const efforts[] = { "low", "medium", "high", NULL };

  if (capabilities == NULL)
    return;
  model->vision = fact (TRUE, has_string (capabilities, "vision"));
  model->thinking = fact (TRUE, has_string (capabilities, "thinking"));
  if (model->thinking == QUERN_FACT_YES)
    set_efforts (model, efforts);
}

static gboolean
probe_ollama (Probe *probe, GError **error)
{
  g_autoptr (JsonNode) version = ask (probe, "/api/version", NULL, error), tags = NULL, running = NULL;
  const char *text = quern_json_string (object_of (version), "version", NULL);
  JsonArray *models, *loaded;

  if (text == NULL)
    return FALSE;
  tags = ask (probe, "/api/tags", NULL, error);
  if (tags == NULL)
    return FALSE;
  running = ask (probe, "/api/ps", NULL, error);
  if (running == NULL && *error != NULL)
    return FALSE;
  probe->found->kind = QUERN_SERVER_OLLAMA;
  g_set_str (&probe->found->version, text);
  models = quern_json_array (object_of (tags), "models");
  loaded = quern_json_array (object_of (running), "models");
  for (guint i = 0; i < quern_json_length (models); i++) {
    JsonObject *entry = quern_json_object_at (models, i);
    const char *name = quern_json_string (entry, "name", quern_json_string (entry, "model", NULL));
    QuernServerModel *model = add_model (probe, name);
    JsonArray *capabilities = quern_json_array (entry, "capabilities");

    if (model == NULL)
      continue;
    model->budget = QUERN_FACT_NO;
    model->state = loaded != NULL ? QUERN_SERVER_MODEL_UNLOADED : QUERN_SERVER_MODEL_UNKNOWN;
    model->trained_length = quern_json_count (quern_json_object (entry, "details"), "context_length");
    read_ollama_capabilities (model, capabilities);
    if ((capabilities == NULL || model->trained_length == 0) && i < MAX_ASKED) {
      g_autoptr (JsonBuilder) body = json_builder_new ();
      g_autoptr (JsonNode) root = NULL, shown = NULL;
      g_autofree char *json = NULL;

      json_builder_begin_object (body);
      quern_json_add_string (body, "model", name);
      json_builder_end_object (body);
      root = json_builder_get_root (body);
      json = json_to_string (root, FALSE);
      shown = ask (probe, "/api/show", json, error);
      if (shown == NULL && *error != NULL)
        return FALSE;
      read_ollama_capabilities (model, quern_json_array (object_of (shown), "capabilities"));
      if (model->trained_length == 0)
        model->trained_length = trained_length (quern_json_object (object_of (shown), "model_info"));
    }
    for (guint j = 0; j < quern_json_length (loaded); j++) {
      JsonObject *other = quern_json_object_at (loaded, j);

      if (g_strcmp0 (quern_json_string (other, "name", NULL), name) != 0)
        continue;
      model->state = QUERN_SERVER_MODEL_LOADED;
      model->context_length = quern_json_count (other, "context_length");
    }
  }
  return TRUE;
}

/* The list of LM Studio's own interface: "key" in the newer one, "state" in the older. */
static gboolean
read_lm_studio (Probe *probe, JsonObject *root)
{
  JsonArray *newer = quern_json_array (root, "models"), *older = quern_json_array (root, "data");
  JsonArray *list = newer != NULL ? newer : older;
  gboolean known = FALSE;

  for (guint i = 0; i < quern_json_length (list); i++) {
    JsonObject *entry = quern_json_object_at (list, i), *capabilities = quern_json_object (entry, "capabilities");
    JsonArray *loaded = quern_json_array (entry, "loaded_instances");
    JsonObject *reasoning = quern_json_object (capabilities, "reasoning");
    JsonArray *options = quern_json_array (reasoning, "allowed_options");
    const char *id = quern_json_string (entry, newer != NULL ? "key" : "id", NULL);
    const char *state = quern_json_string (entry, "state", NULL), *type = quern_json_string (entry, "type", "");
    gboolean is_loaded = quern_json_length (loaded) > 0 || g_strcmp0 (state, "loaded") == 0;
    QuernServerModel *model;

    if (id == NULL || (newer == NULL && state == NULL))
      continue;
    known = TRUE;
    if (!g_str_equal (type, "llm") && !g_str_equal (type, "vlm"))
      continue;
    model = add_model (probe, id);
    if (model == NULL)
      continue;
    g_set_str (&model->title, quern_json_string (entry, "display_name", model->title));
    model->trained_length = quern_json_count (entry, "max_context_length");
    model->context_length = newer != NULL
                                ? quern_json_count (quern_json_object (quern_json_object_at (loaded, 0), "config"),
                                                    "context_length")
                                : quern_json_count (entry, "loaded_context_length");
    model->vision = newer != NULL ? fact (capabilities != NULL, quern_json_int (capabilities, "vision", FALSE) != 0)
                                  : fact (TRUE, g_str_equal (type, "vlm"));
    model->thinking = fact (options != NULL, has_string (options, "off"));
    model->budget = QUERN_FACT_NO;
    model->state = is_loaded                           ? QUERN_SERVER_MODEL_LOADED
                   : g_strcmp0 (state, "loading") == 0 ? QUERN_SERVER_MODEL_LOADING
                                                       : QUERN_SERVER_MODEL_UNLOADED;
    if (options != NULL) {
      g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

      for (guint j = 0; j < quern_json_length (options); j++)
        if (!g_str_equal (quern_json_string_at (options, j), "off")
            && !g_str_equal (quern_json_string_at (options, j), "on"))
          g_strv_builder_add (builder, quern_json_string_at (options, j));
      model->efforts = g_strv_builder_end (builder);
    }
  }
  return known;
}

static gboolean
probe_lm_studio (Probe *probe, GError **error)
{
  static const char *const paths[] = { "/api/v1/models", "/api/v0/models" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (JsonNode) list = ask (probe, paths[i], NULL, error);

    if (list == NULL && *error != NULL)
      return FALSE;
    if (read_lm_studio (probe, object_of (list))) {
      probe->found->kind = QUERN_SERVER_LM_STUDIO;
      return TRUE;
    }
  }
  return FALSE;
}

/* A list of models in OpenAI's form, which all have; who wrote it may be told by its "owned_by". */
static gboolean
read_list (Probe *probe, JsonNode *node)
{
  JsonArray *data = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node)
                                                                 : quern_json_array (object_of (node), "data");
  const char *owner = quern_json_string (quern_json_object_at (data, 0), "owned_by", NULL);

  for (guint kind = 0; kind < QUERN_N_SERVER_KINDS && owner != NULL; kind++)
    if (g_strcmp0 (quern_server_kind_get_traits (kind)->owner, owner) == 0)
      probe->found->kind = kind;
  for (guint i = 0; i < quern_json_length (data); i++) {
    static const char *const lengths[] = { "max_model_len", "context_length", "context_window", "max_context_length" };
    JsonObject *entry = quern_json_object_at (data, i);
    JsonArray *input = quern_json_array (quern_json_object (entry, "architecture"), "input_modalities");
    QuernServerModel *model = add_model (probe,
                                         quern_json_string (entry, "id", quern_json_string (entry, "name", NULL)));

    if (model == NULL)
      continue;
    for (guint j = 0; j < G_N_ELEMENTS (lengths) && model->context_length == 0; j++)
      model->context_length = quern_json_count (entry, lengths[j]);
    model->vision = fact (input != NULL, has_string (input, "image"));
    if (probe->found->kind == QUERN_SERVER_VLLM || probe->found->kind == QUERN_SERVER_SGLANG)
      model->state = QUERN_SERVER_MODEL_LOADED; /* they do not listen before */
    if (quern_server_kind_get_traits (probe->found->kind)->thinking_budget == NULL)
      model->budget = QUERN_FACT_NO;
  }
  return data != NULL;
}

static gboolean
probe_others (Probe *probe, GError **error)
{
  static const char *const efforts[] = { "low", "medium", "high", NULL };
  static const char *const apis[] = { "/v1", "" };
  g_autoptr (JsonNode) version = NULL;
  gboolean known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (apis) && !known; i++) {
    g_autofree char *path = g_strconcat (apis[i], "/models", NULL);
    g_autoptr (JsonNode) list = ask (probe, path, NULL, error);

    if (list == NULL && *error != NULL)
      return FALSE;
    probe->found->kind = QUERN_SERVER_OTHER;
    known = read_list (probe, list);
    g_set_str (&probe->found->api, apis[known ? i : 0]);
  }
  if (!known || probe->found->kind != QUERN_SERVER_VLLM)
    return known;
  for (guint i = 0; i < probe->found->models->len; i++)
    set_efforts (probe->found->models->pdata[i], efforts);
  version = ask (probe, "/version", NULL, error);
  g_set_str (&probe->found->version, quern_json_string (object_of (version), "version", ""));
  return version != NULL || *error == NULL;
}

/**
 * _quern_server_probe:
 *
 * Blocks. Returns: (transfer full) (nullable): what answers there
 */
QuernServerFound *
_quern_server_probe (QuernServerAccess *access, GCancellable *cancellable, GError **error)
{
  static gboolean (*const probes[]) (Probe *probe, GError **error) = { probe_llama, probe_ollama, probe_lm_studio,
                                                                       probe_others };
  Probe probe = { .access = access, .cancellable = cancellable };
  g_autoptr (QuernServerFound) found = g_new0 (QuernServerFound, 1);
  g_autoptr (GError) cause = NULL;
  gboolean known = FALSE;

  found->address = g_strdup (access->address);
  found->api = g_strdup ("/v1");
  found->version = g_strdup ("");
  found->models = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_server_model_unref);
  probe.found = found;
  for (guint i = 0; i < G_N_ELEMENTS (probes) && !known && cause == NULL; i++)
    known = probes[i](&probe, &cause);
  if (!known && cause == NULL)
    cause = g_steal_pointer (&probe.refusal);
  g_clear_error (&probe.refusal);
  if (known)
    return g_steal_pointer (&found);
  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  else
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_SERVER,
                 _("The server at “%s” does not offer language models. Check the port and the path."), access->host);
  return NULL;
}

/* ---- finding a server ------------------------------------------------------------------------------------------ */

typedef struct {
  char **addresses;
  QuernServerKey key; /* owned strings */
  QuernServerFound *found;
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;

  g_strfreev (search->addresses);
  g_free ((char *) search->key.key);
  g_free ((char *) search->key.key_file);
  g_clear_pointer (&search->found, _quern_server_found_free);
  g_free (search);
}

static QuernServer *
search_run (const Search *search, const char *address, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernServerAccess) access = _quern_server_access_new (address);
  QuernServerFound *found;
  QuernServer *server;

  access->plain_key = search->key.plain;
  _quern_server_access_set_key (access, search->key.key);
  found = _quern_server_probe (access, cancellable, error);
  if (found == NULL)
    return NULL;
  server = _quern_server_new (0, NULL, found, search->key.key != NULL, search->key.key_file, search->key.plain);
  _quern_server_access_set_key (_quern_server_get_access (server), search->key.key);
  return server;
}

static void
find_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Search *search = data;
  g_autoptr (GError) told = NULL;

  for (char **address = search->addresses; *address != NULL && !g_cancellable_is_cancelled (cancellable); address++) {
    g_autoptr (GError) error = NULL;
    QuernServer *server = search_run (search, *address, cancellable, &error);

    if (server != NULL) {
      g_task_return_pointer (task, server, g_object_unref);
      return;
    }
    /* The first error is told, unless a later one says more than that there is nothing. */
    if (told == NULL
        || (g_error_matches (told, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE)
            && !g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE))) {
      g_clear_error (&told);
      told = g_steal_pointer (&error);
    }
  }
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_error (task, g_steal_pointer (&told));
}

/**
 * quern_server_find_async:
 * @address: in whatever form it was typed or pasted
 * @key: (nullable): the server's key
 *
 * Looks for a server where the address may mean. Nothing is kept: quern_servers_add_async() does that.
 */
void
quern_server_find_async (const char *address, const QuernServerKey *key, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  GError *error = NULL;
  Search *search = g_new0 (Search, 1);

  g_task_set_source_tag (task, quern_server_find_async);
  g_task_set_task_data (task, search, search_free);
  search->addresses = quern_server_address_candidates (address, &error);
  if (key != NULL) {
    search->key = (QuernServerKey) { g_strdup (key->key), g_strdup (key->key_file), key->plain };
  }
  if (error == NULL && search->key.key != NULL)
    quern_server_key_check (search->key.key, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_run_in_thread (task, find_worker);
}

/**
 * quern_server_find_finish:
 *
 * Returns: (transfer full) (nullable): the server, or %NULL with a %QUERN_SERVER_ERROR that says what is wrong
 */
QuernServer *
quern_server_find_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
find_local_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Search *search = data;
  g_autoptr (GPtrArray) servers = g_ptr_array_new_with_free_func (g_object_unref);

  for (char **address = search->addresses; *address != NULL && !g_cancellable_is_cancelled (cancellable); address++) {
    QuernServer *server = search_run (search, *address, cancellable, NULL);

    if (server != NULL)
      g_ptr_array_add (servers, server);
  }
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_pointer (task, g_steal_pointer (&servers), (GDestroyNotify) g_ptr_array_unref);
}

/**
 * quern_server_find_local_async:
 *
 * Looks for servers at the usual ports of this computer; only when somebody asks for it.
 */
void
quern_server_find_local_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Search *search = g_new0 (Search, 1);

  g_task_set_source_tag (task, quern_server_find_local_async);
  search->addresses = quern_server_address_local_candidates ();
  g_task_set_task_data (task, search, search_free);
  g_task_run_in_thread (task, find_local_worker);
}

/**
 * quern_server_find_local_finish:
 *
 * Returns: (transfer full) (element-type QuernServer) (nullable): those that answered without a key
 */
GPtrArray *
quern_server_find_local_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
probe_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernServerFound *found = _quern_server_probe (data, cancellable, &error);

  if (found != NULL)
    g_task_return_pointer (task, found, (GDestroyNotify) _quern_server_found_free);
  else
    g_task_return_error (task, error);
}

/**
 * quern_server_probe_async:
 *
 * Asks a known server anew which models it has; nothing changes where it does not answer.
 */
void
quern_server_probe_async (QuernServer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_SERVER (self));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_server_probe_async);
  g_task_set_task_data (task, _quern_server_access_ref (_quern_server_get_access (self)),
                        (GDestroyNotify) _quern_server_access_unref);
  g_task_run_in_thread (task, probe_worker);
}

/**
 * quern_server_probe_finish:
 *
 * Returns: whether it answered; else a %QUERN_SERVER_ERROR says what is wrong
 */
gboolean
quern_server_probe_finish (QuernServer *self, GAsyncResult *result, GError **error)
{
  QuernServerFound *found;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  found = g_task_propagate_pointer (G_TASK (result), error);
  if (found != NULL)
    _quern_server_take_found (self, found);
  return found != NULL;
}
