/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-column.h"

#include "quern-comparison-json.h"

struct _QuernCompareColumn {
  GObject parent_instance;

  QuernModel *model; /* NULL if the model is not on this computer */
  QuernModelFacts facts;
  QuernThinking thinking;
  QuernKvType kv_type;
  double temperature; /* negative: the value the family recommends */
  char *sampling;
  GListStore *answers; /* of QuernCompareAnswer */
};

enum { PROP_0, PROP_MODEL, PROP_LABEL, PROP_THINKING, PROP_KV_TYPE, PROP_TEMPERATURE, PROP_SAMPLING, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernCompareColumn, quern_compare_column, G_TYPE_OBJECT)

/**
 * quern_compare_column_new:
 *
 * Returns: (transfer full): a column with the model's own settings
 */
QuernCompareColumn *
quern_compare_column_new (QuernModel *model)
{
  QuernCompareColumn *self = g_object_new (QUERN_TYPE_COMPARE_COLUMN, NULL);

  quern_compare_column_set_model (self, model);
  return self;
}

QuernCompareColumn *
_quern_compare_column_new_stored (const QuernModelFacts *facts)
{
  QuernCompareColumn *self = g_object_new (QUERN_TYPE_COMPARE_COLUMN, NULL);

  quern_model_facts_copy (&self->facts, facts);
  return self;
}

/**
 * quern_compare_column_get_model:
 *
 * Returns: (transfer none) (nullable): the model; %NULL in a stored comparison whose model is not on this computer
 */
QuernModel *
quern_compare_column_get_model (QuernCompareColumn *self)
{
  return self->model;
}

void
quern_compare_column_set_model (QuernCompareColumn *self, QuernModel *model)
{
  if (!g_set_object (&self->model, model))
    return;
  /* If the id and the size are the same, facts such as the hash of the file stay valid. */
  if (model
      && (g_strcmp0 (self->facts.id, quern_model_get_id (model)) != 0
          || self->facts.file_bytes != quern_model_get_info (model)->file_bytes))
    quern_model_facts_set (&self->facts, model);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
}

/**
 * quern_compare_column_get_facts:
 *
 * Returns: (transfer none): what is known of the model even when its file is gone
 */
const QuernModelFacts *
quern_compare_column_get_facts (QuernCompareColumn *self)
{
  return &self->facts;
}

/**
 * quern_compare_column_dup_label:
 *
 * Returns: (transfer full): a name for the column's head, with the settings that were changed
 */
char *
quern_compare_column_dup_label (QuernCompareColumn *self)
{
  GString *label = g_string_new (self->facts.title);

  if (self->kv_type != QUERN_KV_F16)
    g_string_append_printf (label, " · KV %s", quern_kv_names[self->kv_type]);
  if (self->temperature >= 0)
    g_string_append_printf (label, " · T %g", self->temperature);
  return g_string_free_and_steal (label);
}

QuernThinking
quern_compare_column_get_thinking (QuernCompareColumn *self)
{
  return self->thinking;
}

void
quern_compare_column_set_thinking (QuernCompareColumn *self, QuernThinking thinking)
{
  if (self->thinking == thinking)
    return;
  self->thinking = thinking;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
}

/**
 * quern_compare_column_thinks:
 *
 * Returns: whether it thinks first: its own setting, or what the model's template does without one, or lets nobody choose
 */
gboolean
quern_compare_column_thinks (QuernCompareColumn *self)
{
  if (self->thinking != QUERN_THINKING_DEFAULT
      && (!self->model || quern_model_get_info (self->model)->chat.thinking_switchable))
    return self->thinking == QUERN_THINKING_ON;
  return self->model && quern_model_get_info (self->model)->thinking_default;
}

QuernKvType
quern_compare_column_get_kv_type (QuernCompareColumn *self)
{
  return self->kv_type;
}

void
quern_compare_column_set_kv_type (QuernCompareColumn *self, QuernKvType kv_type)
{
  if (self->kv_type == kv_type)
    return;
  self->kv_type = kv_type;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KV_TYPE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
}

double
quern_compare_column_get_temperature (QuernCompareColumn *self)
{
  return self->temperature;
}

void
quern_compare_column_set_temperature (QuernCompareColumn *self, double temperature)
{
  if (self->temperature == temperature)
    return;
  self->temperature = temperature;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEMPERATURE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
}

const char *
quern_compare_column_get_sampling (QuernCompareColumn *self)
{
  return self->sampling;
}

void
quern_compare_column_set_sampling (QuernCompareColumn *self, const char *json)
{
  if (g_set_str (&self->sampling, json))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SAMPLING]);
}

/**
 * quern_compare_column_get_answers:
 *
 * Returns: (transfer none): of #QuernCompareAnswer, one for each prompt of the comparison
 */
GListModel *
quern_compare_column_get_answers (QuernCompareColumn *self)
{
  return G_LIST_MODEL (self->answers);
}

/**
 * quern_compare_column_get_answer:
 *
 * Returns: (transfer none) (nullable)
 */
QuernCompareAnswer *
quern_compare_column_get_answer (QuernCompareColumn *self, guint turn)
{
  g_autoptr (QuernCompareAnswer) answer = g_list_model_get_item (G_LIST_MODEL (self->answers), turn);

  return answer; /* the list holds it */
}

void
_quern_compare_column_add_answer (QuernCompareColumn *self, QuernCompareAnswer *answer)
{
  g_list_store_append (self->answers, answer);
}

void
_quern_compare_column_replace_answer (QuernCompareColumn *self, guint turn, QuernCompareAnswer *answer)
{
  g_list_store_splice (self->answers, turn, 1, (gpointer *) &answer, 1);
}

void
_quern_compare_column_set_sha256 (QuernCompareColumn *self, const char *sha256)
{
  g_set_str (&self->facts.sha256, sha256);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_compare_column_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernCompareColumn *self = QUERN_COMPARE_COLUMN (object);

  switch (prop_id) {
  case PROP_MODEL: g_value_set_object (value, self->model); break;
  case PROP_LABEL: g_value_take_string (value, quern_compare_column_dup_label (self)); break;
  case PROP_THINKING: g_value_set_int (value, self->thinking); break;
  case PROP_KV_TYPE: g_value_set_int (value, (int) self->kv_type); break;
  case PROP_TEMPERATURE: g_value_set_double (value, self->temperature); break;
  case PROP_SAMPLING: g_value_set_string (value, self->sampling); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_compare_column_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernCompareColumn *self = QUERN_COMPARE_COLUMN (object);

  switch (prop_id) {
  case PROP_MODEL: quern_compare_column_set_model (self, g_value_get_object (value)); break;
  case PROP_THINKING: quern_compare_column_set_thinking (self, g_value_get_int (value)); break;
  case PROP_KV_TYPE: quern_compare_column_set_kv_type (self, (QuernKvType) g_value_get_int (value)); break;
  case PROP_TEMPERATURE: quern_compare_column_set_temperature (self, g_value_get_double (value)); break;
  case PROP_SAMPLING: quern_compare_column_set_sampling (self, g_value_get_string (value)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_compare_column_finalize (GObject *object)
{
  QuernCompareColumn *self = QUERN_COMPARE_COLUMN (object);

  g_clear_object (&self->model);
  quern_model_facts_clear (&self->facts);
  g_free (self->sampling);
  g_clear_object (&self->answers);
  G_OBJECT_CLASS (quern_compare_column_parent_class)->finalize (object);
}

static void
quern_compare_column_class_init (QuernCompareColumnClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_compare_column_get_property;
  object_class->set_property = quern_compare_column_set_property;
  object_class->finalize = quern_compare_column_finalize;
  properties[PROP_MODEL] = g_param_spec_object ("model", NULL, NULL, QUERN_TYPE_MODEL, flags);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_THINKING] = g_param_spec_int ("thinking", NULL, NULL, QUERN_THINKING_DEFAULT, QUERN_THINKING_ON,
                                                QUERN_THINKING_DEFAULT, flags);
  properties[PROP_KV_TYPE] = g_param_spec_int ("kv-type", NULL, NULL, QUERN_KV_F16, QUERN_KV_F32, QUERN_KV_F16, flags);
  properties[PROP_TEMPERATURE] = g_param_spec_double ("temperature", NULL, NULL, -1, 10, -1, flags);
  properties[PROP_SAMPLING] = g_param_spec_string ("sampling", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_compare_column_init (QuernCompareColumn *self)
{
  self->thinking = QUERN_THINKING_DEFAULT;
  self->temperature = -1;
  self->answers = g_list_store_new (QUERN_TYPE_COMPARE_ANSWER);
}
