/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-served-models.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _QuernServedModels {
  GObject parent_instance;

  GListModel *servers;
  GListStore *models; /* of QuernModel */
};

static GType
quern_served_models_get_item_type (GListModel *list)
{
  return QUERN_TYPE_MODEL;
}

static guint
quern_served_models_get_n_items (GListModel *list)
{
  return g_list_model_get_n_items (G_LIST_MODEL (QUERN_SERVED_MODELS (list)->models));
}

static gpointer
quern_served_models_get_item (GListModel *list, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (QUERN_SERVED_MODELS (list)->models), position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = quern_served_models_get_item_type;
  iface->get_n_items = quern_served_models_get_n_items;
  iface->get_item = quern_served_models_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernServedModels, quern_served_models, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- one model ------------------------------------------------------------------------------------------------- */

/**
 * quern_served_model_dup_id:
 * @name: by which the server knows the model
 *
 * A new name of the server leaves the id as it is. Files' ids are never like this: what is left of "http://" is only left out where
 * a port tells what follows.
 *
 * Returns: (transfer full): the server's address and what it calls the model, "box.lan:8080/Qwen3.5-4B"
 */
char *
quern_served_model_dup_id (QuernServer *server, const char *name)
{
  const char *address = quern_server_get_address (server);
  const char *rest = g_str_has_prefix (address, "http://") ? address + strlen ("http://") : address;
  g_autofree char *host = g_strndup (rest, strcspn (rest, "/"));
  const char *colon = strrchr (host, ':');
  gboolean has_port = colon != NULL && g_ascii_isdigit (colon[1]) && strchr (colon, ']') == NULL;

  return g_strdup_printf ("%s/%s", has_port ? rest : address, name);
}

/**
 * quern_served_model_dup_host_of_id:
 * @id: of any model, also of one that is gone
 *
 * Returns: (transfer full) (nullable): host and port of the server that it is on, %NULL: it is the id of a file
 */
char *
quern_served_model_dup_host_of_id (const char *id)
{
  const char *scheme;

  g_return_val_if_fail (id != NULL, NULL);
  scheme = strstr (id, "://");
  if (scheme != NULL)
    id = scheme + strlen ("://");
  return strchr (id, '/') != NULL ? g_strndup (id, strcspn (id, "/")) : NULL;
}

static QuernModel *
make_model (QuernServer *server, const QuernServerModel *facts)
{
  const QuernServerTraits *traits = quern_server_get_traits (server);
  gboolean ollama = quern_server_get_kind (server) == QUERN_SERVER_OLLAMA;
  gboolean has_switch = traits->template_switch || traits->effort_switch || ollama;
  g_autofree char *id = quern_served_model_dup_id (server, facts->id), *problem = NULL;

  if (facts->state == QUERN_SERVER_MODEL_FAILED)
    problem = g_strdup_printf (_("“%s” could not load this model."), quern_server_get_name (server));
  return quern_model_new_elsewhere (&(const QuernModelElsewhere) {
      .id = id,
      .title = facts->title,
      .place = quern_server_get_name (server),
      .name = facts->id,
      .server = G_OBJECT (server),
      .context_length = facts->context_length,
      .trained_length = facts->trained_length,
      .takes_context = ollama,
      .sees = facts->vision != QUERN_FACT_NO,
      .thinking_switchable = has_switch && facts->thinking != QUERN_FACT_NO,
      /* A template ignores a switch that it does not know, so "on" does no harm where nothing is known. */
      .thinking_default = facts->thinking == QUERN_FACT_YES || facts->efforts != NULL
                          || (facts->thinking == QUERN_FACT_UNKNOWN && traits->template_switch),
      .efforts = (const char *const *) facts->efforts,
      .problem = problem,
  });
}

/**
 * quern_served_model_get_server:
 *
 * Returns: (transfer none) (nullable): the server that has the model; %NULL: it is a file on this computer
 */
QuernServer *
quern_served_model_get_server (QuernModel *model)
{
  GObject *server;

  g_return_val_if_fail (QUERN_IS_MODEL (model), NULL);
  server = quern_model_get_server (model);
  return server != NULL ? QUERN_SERVER (server) : NULL;
}

/**
 * quern_served_model_dup_facts:
 *
 * Returns: (transfer full) (nullable): what the server told of the model when it was last asked; %NULL when it does not have it any
 *   more
 */
QuernServerModel *
quern_served_model_dup_facts (QuernModel *model)
{
  const GPtrArray *models;

  g_return_val_if_fail (QUERN_IS_MODEL (model) && quern_model_is_remote (model), NULL);
  models = quern_server_get_models (quern_served_model_get_server (model));
  for (guint i = 0; i < models->len; i++) {
    QuernServerModel *facts = models->pdata[i];

    if (g_str_equal (facts->id, quern_model_get_name (model)))
      return quern_server_model_ref (facts);
  }
  return NULL;
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

static gboolean
is_same (QuernModel *a, QuernModel *b)
{
  return quern_model_get_server (a) == quern_model_get_server (b)
         && g_str_equal (quern_model_get_id (a), quern_model_get_id (b))
         && g_str_equal (quern_model_get_title (a), quern_model_get_title (b))
         && g_str_equal (quern_model_get_place (a), quern_model_get_place (b))
         && quern_model_choose_context (a, 0) == quern_model_choose_context (b, 0)
         && g_strcmp0 (quern_model_get_problem (a), quern_model_get_problem (b)) == 0
         && memcmp (quern_model_get_info (a), quern_model_get_info (b), sizeof (QuernModelInfo)) == 0;
}

/* Replaces what is no longer the same between the beginning and the end that are. */
static void
quern_served_models_update (QuernServedModels *self)
{
  g_autoptr (GPtrArray) old = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) now = g_ptr_array_new_with_free_func (g_object_unref);
  guint start = 0, end = 0;

  for (guint i = 0; i < quern_served_models_get_n_items (G_LIST_MODEL (self)); i++)
    g_ptr_array_add (old, quern_served_models_get_item (G_LIST_MODEL (self), i));
  for (guint i = 0; i < g_list_model_get_n_items (self->servers); i++) {
    g_autoptr (QuernServer) server = g_list_model_get_item (self->servers, i);
    const GPtrArray *models = quern_server_get_models (server);

    for (guint j = 0; j < models->len; j++)
      g_ptr_array_add (now, make_model (server, models->pdata[j]));
  }
  while (start < MIN (old->len, now->len) && is_same (old->pdata[start], now->pdata[start]))
    start++;
  while (end < MIN (old->len, now->len) - start
         && is_same (old->pdata[old->len - 1 - end], now->pdata[now->len - 1 - end]))
    end++;
  if (old->len > start + end || now->len > start + end)
    g_list_store_splice (self->models, start, old->len - start - end, now->pdata + start, now->len - start - end);
}

static void
servers_changed_cb (QuernServedModels *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->servers); i++) {
    g_autoptr (QuernServer) server = g_list_model_get_item (self->servers, i);

    g_signal_handlers_disconnect_by_func (server, quern_served_models_update, self);
    g_signal_connect_object (server, "changed", G_CALLBACK (quern_served_models_update), self, G_CONNECT_SWAPPED);
    g_signal_connect_object (server, "notify::name", G_CALLBACK (quern_served_models_update), self, G_CONNECT_SWAPPED);
  }
  quern_served_models_update (self);
}

static void
items_changed_cb (QuernServedModels *self, guint position, guint removed, guint added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
}

/**
 * quern_served_models_new:
 *
 * Returns: (transfer full): a list that follows @servers
 */
QuernServedModels *
quern_served_models_new (QuernServers *servers)
{
  QuernServedModels *self;

  g_return_val_if_fail (QUERN_IS_SERVERS (servers), NULL);
  self = g_object_new (QUERN_TYPE_SERVED_MODELS, NULL);
  self->servers = g_object_ref (quern_servers_get_list (servers));
  g_signal_connect_object (self->servers, "items-changed", G_CALLBACK (servers_changed_cb), self, G_CONNECT_SWAPPED);
  servers_changed_cb (self);
  return self;
}

static void
quern_served_models_finalize (GObject *object)
{
  QuernServedModels *self = QUERN_SERVED_MODELS (object);

  g_clear_object (&self->servers);
  g_clear_object (&self->models);
  G_OBJECT_CLASS (quern_served_models_parent_class)->finalize (object);
}

static void
quern_served_models_class_init (QuernServedModelsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_served_models_finalize;
}

static void
quern_served_models_init (QuernServedModels *self)
{
  self->models = g_list_store_new (QUERN_TYPE_MODEL);
  g_signal_connect_object (self->models, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
}
