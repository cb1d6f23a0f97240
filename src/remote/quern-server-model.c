/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-server-model.h"

#include "quern-json-util.h"

#include <glib/gi18n-lib.h>

static const char *const facts[] = { "unknown", "no", "yes" };
static const char *const states[] = { "unknown", "unloaded", "loading", "loaded", "failed" };

/**
 * quern_server_model_new:
 * @id: how the server calls it: a name, or a file's path
 *
 * Returns: (transfer full): a model of which nothing else is known
 */
QuernServerModel *
quern_server_model_new (const char *id)
{
  QuernServerModel *self = g_atomic_rc_box_new0 (QuernServerModel);
  g_autofree char *name = g_path_get_basename (id);

  self->id = g_strdup (id);
  /* Only of a file's path: the owner's name before a slash belongs to a model's. */
  self->title = g_strdup (g_path_is_absolute (id) || g_str_has_suffix (id, ".gguf") ? name : id);
  if (g_str_has_suffix (self->title, ".gguf"))
    self->title[strlen (self->title) - 5] = '\0';
  return self;
}

QuernServerModel *
quern_server_model_ref (QuernServerModel *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
quern_server_model_clear (gpointer data)
{
  QuernServerModel *self = data;

  g_free (self->id);
  g_free (self->title);
  g_strfreev (self->efforts);
}

void
quern_server_model_unref (QuernServerModel *self)
{
  g_atomic_rc_box_release_full (self, quern_server_model_clear);
}

static void
add_fact (GStrvBuilder *builder, QuernFact fact, const char *yes, const char *no)
{
  if (fact != QUERN_FACT_UNKNOWN)
    g_strv_builder_add (builder, fact == QUERN_FACT_YES ? yes : no);
}

/**
 * quern_server_model_dup_facts:
 *
 * Returns: (transfer full): what the server told of the model, for people, each a few words; none where it told nothing
 */
char **
quern_server_model_dup_facts (const QuernServerModel *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (self->context_length > 0)
    g_strv_builder_take (builder, g_strdup_printf (_("context of %u tokens"), self->context_length));
  else if (self->trained_length > 0)
    g_strv_builder_take (builder, g_strdup_printf (_("context of at most %u tokens"), self->trained_length));
  add_fact (builder, self->vision, _("pictures"), _("no pictures"));
  add_fact (builder, self->thinking, _("thinking can be turned off"), _("no switch for thinking"));
  switch (self->state) {
  case QUERN_SERVER_MODEL_UNLOADED: g_strv_builder_add (builder, _("not loaded")); break;
  case QUERN_SERVER_MODEL_LOADING: g_strv_builder_add (builder, _("loading")); break;
  case QUERN_SERVER_MODEL_FAILED: g_strv_builder_add (builder, _("could not be loaded")); break;
  case QUERN_SERVER_MODEL_UNKNOWN:
  case QUERN_SERVER_MODEL_LOADED: break;
  }
  if (self->efforts != NULL && self->efforts[0] != NULL) {
    g_autofree char *efforts = g_strjoinv (", ", self->efforts);

    g_strv_builder_take (builder, g_strdup_printf (_("effort: %s"), efforts));
  }
  return g_strv_builder_end (builder);
}

/**
 * quern_server_models_write:
 * @models: (element-type QuernServerModel):
 *
 * Writes them as an array, for the database and for quern-cli.
 */
void
quern_server_models_write (const GPtrArray *models, JsonBuilder *out)
{
  json_builder_begin_array (out);
  for (guint i = 0; i < models->len; i++) {
    const QuernServerModel *model = models->pdata[i];

    json_builder_begin_object (out);
    quern_json_add_string (out, "id", model->id);
    quern_json_add_string (out, "title", model->title);
    quern_json_add_int (out, "context_length", model->context_length);
    quern_json_add_int (out, "trained_length", model->trained_length);
    quern_json_add_string (out, "vision", facts[model->vision]);
    quern_json_add_string (out, "thinking", facts[model->thinking]);
    quern_json_add_string (out, "thinking_budget", facts[model->budget]);
    quern_json_add_string (out, "keeps_reasoning", facts[model->keeps_reasoning]);
    json_builder_set_member_name (out, "efforts");
    json_builder_begin_array (out);
    for (guint j = 0; model->efforts != NULL && model->efforts[j] != NULL; j++)
      json_builder_add_string_value (out, model->efforts[j]);
    json_builder_end_array (out);
    quern_json_add_string (out, "state", states[model->state]);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
}

static QuernFact
read_fact (JsonObject *object, const char *name)
{
  return quern_json_index (facts, G_N_ELEMENTS (facts), quern_json_string (object, name, NULL), QUERN_FACT_UNKNOWN);
}

/**
 * quern_server_models_read:
 * @array: (nullable): what quern_server_models_write() wrote
 *
 * Returns: (transfer full) (element-type QuernServerModel): the models; entries without an id are left out
 */
GPtrArray *
quern_server_models_read (JsonArray *array)
{
  GPtrArray *models = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_server_model_unref);

  for (guint i = 0; i < quern_json_length (array); i++) {
    JsonObject *object = quern_json_object_at (array, i);
    const char *id = quern_json_string (object, "id", NULL);
    JsonArray *efforts = quern_json_array (object, "efforts");
    QuernServerModel *model;

    if (id == NULL)
      continue;
    model = quern_server_model_new (id);
    g_set_str (&model->title, quern_json_string (object, "title", model->title));
    model->context_length = quern_json_count (object, "context_length");
    model->trained_length = quern_json_count (object, "trained_length");
    model->vision = read_fact (object, "vision");
    model->thinking = read_fact (object, "thinking");
    model->budget = read_fact (object, "thinking_budget");
    model->keeps_reasoning = read_fact (object, "keeps_reasoning");
    model->state = quern_json_index (states, G_N_ELEMENTS (states), quern_json_string (object, "state", NULL),
                                     QUERN_SERVER_MODEL_UNKNOWN);
    if (quern_json_length (efforts) > 0) {
      g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

      for (guint j = 0; j < quern_json_length (efforts); j++)
        g_strv_builder_add (builder, quern_json_string_at (efforts, j));
      model->efforts = g_strv_builder_end (builder);
    }
    g_ptr_array_add (models, model);
  }
  return models;
}
