/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measured.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _QuernMeasured {
  GObject parent_instance;

  QuernModel *model; /* NULL if the model is not on this computer */
  QuernModelFacts facts;
  QuernKvType kv_type;
  gboolean shares_quantisation; /* another model of the measurement has the same */
  GArray *positions;            /* of QuernDivergence */
  QuernDivergenceSum *sum;
  QuernDivergenceSummary summary;
  gboolean stale; /* the summary does not include all positions */
  double seconds;
  guint n_evaluated;
  guint top_only; /* tokens that the divergence is over; 0: the whole vocabulary */
};

enum { PROP_0, PROP_TITLE, PROP_QUANTISATION, PROP_N_POSITIONS, N_PROPS };
enum { SIGNAL_CHANGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernMeasured, quern_measured, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-compare-error-quark, quern_compare_error)

/* ---- facts ----------------------------------------------------------------------------------------------------- */

void
quern_model_facts_set (QuernModelFacts *facts, QuernModel *model)
{
  const QuernModelInfo *info = quern_model_get_info (model);

  quern_model_facts_clear (facts);
  *facts = (QuernModelFacts) { .id = g_strdup (quern_model_get_id (model)),
                               .title = quern_model_dup_full_title (model),
                               .quantisation = g_strdup (quern_model_get_quantisation (model)),
                               .place = g_strdup (quern_model_get_place (model)),
                               .file_bytes = info->file_bytes,
                               .parameters = info->parameters,
                               .bits_per_weight = info->bits_per_weight };
}

void
quern_model_facts_copy (QuernModelFacts *facts, const QuernModelFacts *other)
{
  quern_model_facts_clear (facts);
  *facts = *other;
  facts->id = g_strdup (other->id);
  facts->title = g_strdup (other->title);
  facts->quantisation = g_strdup (other->quantisation);
  facts->place = g_strdup (other->place);
  facts->sha256 = g_strdup (other->sha256);
}

void
quern_model_facts_clear (QuernModelFacts *facts)
{
  g_free (facts->id);
  g_free (facts->title);
  g_free (facts->quantisation);
  g_free (facts->place);
  g_free (facts->sha256);
  *facts = (QuernModelFacts) { 0 };
}

/**
 * quern_model_facts_dup_size:
 *
 * Returns: (transfer full): the size of the file for people, or where the model is that has none: "on “box.lan”"
 */
char *
quern_model_facts_dup_size (const QuernModelFacts *facts)
{
  /* Translators: name of a server */
  return facts->place ? g_strdup_printf (_("on “%s”"), facts->place) : g_format_size (facts->file_bytes);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/**
 * quern_measured_new:
 * @kv_type: how its attention cache is kept while it is measured
 *
 * Returns: (transfer full): a model with nothing measured yet
 */
QuernMeasured *
quern_measured_new (QuernModel *model, QuernKvType kv_type)
{
  QuernMeasured *self = g_object_new (QUERN_TYPE_MEASURED, NULL);

  self->model = g_object_ref (model);
  self->kv_type = kv_type;
  quern_model_facts_set (&self->facts, model);
  return self;
}

/**
 * quern_measured_new_stored:
 *
 * Returns: (transfer full): the results of a stored measurement, without a model
 */
QuernMeasured *
quern_measured_new_stored (const QuernModelFacts *facts, QuernKvType kv_type)
{
  QuernMeasured *self = g_object_new (QUERN_TYPE_MEASURED, NULL);

  self->kv_type = kv_type;
  quern_model_facts_copy (&self->facts, facts);
  return self;
}

/**
 * quern_measured_get_model:
 *
 * Returns: (transfer none) (nullable): the model, %NULL when it is not on this computer (any more)
 */
QuernModel *
quern_measured_get_model (QuernMeasured *self)
{
  return self->model;
}

void
quern_measured_set_model (QuernMeasured *self, QuernModel *model)
{
  g_set_object (&self->model, model);
}

/**
 * quern_measured_get_facts:
 *
 * Returns: (transfer none): facts of the model, known even if its file is gone
 */
const QuernModelFacts *
quern_measured_get_facts (QuernMeasured *self)
{
  return &self->facts;
}

/* A quantisation that two models of the measurement share is no label for either. */
void
quern_measured_set_shares_quantisation (QuernMeasured *self, gboolean shares)
{
  self->shares_quantisation = shares;
}

/* @top: over how many tokens its divergence is, where it is not over the whole vocabulary; else 0 */
void
quern_measured_set_top_only (QuernMeasured *self, guint top)
{
  self->top_only = top;
}

guint
quern_measured_get_top_only (QuernMeasured *self)
{
  return self->top_only;
}

/**
 * quern_measured_dup_label:
 *
 * Returns: (transfer full): a short name for a table: the quantisation, or the model's title where others have the same
 *   quantisation; with the cache's type when it is not the usual
 */
char *
quern_measured_dup_label (QuernMeasured *self)
{
  gboolean by_title = self->shares_quantisation || !self->facts.quantisation || !*self->facts.quantisation;
  const char *name = by_title ? self->facts.title : self->facts.quantisation;

  if (self->kv_type == QUERN_KV_F16)
    return g_strdup (name);
  return g_strdup_printf ("%s, KV %s", name, self->kv_type == QUERN_KV_Q8_0 ? "Q8_0" : "F32");
}

QuernKvType
quern_measured_get_kv_type (QuernMeasured *self)
{
  return self->kv_type;
}

guint
quern_measured_get_n_positions (QuernMeasured *self)
{
  return self->positions->len;
}

/**
 * quern_measured_get_position:
 * @i: below quern_measured_get_n_positions(); where that is in the text says quern_measure_get_position_token()
 *
 * Returns: (transfer none): valid until more positions are added
 */
const QuernDivergence *
quern_measured_get_position (QuernMeasured *self, guint i)
{
  g_return_val_if_fail (i < self->positions->len, NULL);
  return &g_array_index (self->positions, QuernDivergence, i);
}

/**
 * quern_measured_get_summary:
 *
 * Returns: (transfer none): means and errors of all positions so far
 */
const QuernDivergenceSummary *
quern_measured_get_summary (QuernMeasured *self)
{
  if (self->stale)
    quern_divergence_sum_summary (self->sum, &self->summary);
  self->stale = FALSE;
  return &self->summary;
}

/**
 * quern_measured_compare:
 * @error: (out): the standard error of what is returned, by block
 * @quantile: (out): how many errors a 95 % interval reaches to each side
 *
 * Returns: the mean over the positions that both have of the KLD of @self less that of @other
 */
double
quern_measured_compare (QuernMeasured *self, QuernMeasured *other, double *error, double *quantile)
{
  return quern_divergence_sum_paired (self->sum, other->sum, error, quantile);
}

/**
 * quern_measured_get_seconds:
 *
 * Returns: how long evaluating the text took, without loading
 */
double
quern_measured_get_seconds (QuernMeasured *self)
{
  return self->seconds;
}

guint
quern_measured_get_n_evaluated (QuernMeasured *self)
{
  return self->n_evaluated;
}

/**
 * quern_measured_get_rate:
 *
 * Returns: tokens evaluated per second, 0 before any
 */
double
quern_measured_get_rate (QuernMeasured *self)
{
  return self->seconds > 0 ? self->n_evaluated / self->seconds : 0;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

void
quern_measured_add (QuernMeasured *self, const QuernDivergence *positions, guint n)
{
  for (guint i = 0; i < n; i++)
    quern_divergence_sum_add (self->sum, &positions[i]);
  g_array_append_vals (self->positions, positions, n);
  self->stale = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_POSITIONS]);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* Deletes all but the first n positions. */
void
quern_measured_truncate (QuernMeasured *self, guint n)
{
  g_autoptr (GArray) kept = NULL;

  if (n >= self->positions->len)
    return;
  kept = g_steal_pointer (&self->positions);
  self->positions = g_array_new (FALSE, FALSE, sizeof (QuernDivergence));
  quern_divergence_sum_free (self->sum);
  self->sum = quern_divergence_sum_new ();
  quern_measured_add (self, (const QuernDivergence *) (void *) kept->data, n);
}

void
quern_measured_add_work (QuernMeasured *self, double seconds, guint n_tokens)
{
  self->seconds += seconds;
  self->n_evaluated += n_tokens;
}

void
quern_measured_set_sha256 (QuernMeasured *self, const char *sha256)
{
  g_set_str (&self->facts.sha256, sha256);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_measured_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernMeasured *self = QUERN_MEASURED (object);

  switch (prop_id) {
  case PROP_TITLE: g_value_set_string (value, self->facts.title); break;
  case PROP_QUANTISATION: g_value_set_string (value, self->facts.quantisation); break;
  case PROP_N_POSITIONS: g_value_set_uint (value, self->positions->len); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_measured_finalize (GObject *object)
{
  QuernMeasured *self = QUERN_MEASURED (object);

  g_clear_object (&self->model);
  quern_model_facts_clear (&self->facts);
  quern_divergence_sum_free (self->sum);
  g_array_unref (self->positions);
  G_OBJECT_CLASS (quern_measured_parent_class)->finalize (object);
}

static void
quern_measured_class_init (QuernMeasuredClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_measured_get_property;
  object_class->finalize = quern_measured_finalize;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_QUANTISATION] = g_param_spec_string ("quantisation", NULL, NULL, NULL, flags);
  properties[PROP_N_POSITIONS] = g_param_spec_uint ("n-positions", NULL, NULL, 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_MEASURED, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
}

static void
quern_measured_init (QuernMeasured *self)
{
  self->positions = g_array_new (FALSE, FALSE, sizeof (QuernDivergence));
  self->sum = quern_divergence_sum_new ();
}
