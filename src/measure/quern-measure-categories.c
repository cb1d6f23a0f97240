/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-categories.h"

#include "quern-json-util.h"
#include "quern-measure-private.h"

static const char *
category_of (QuernMeasure *self, guint piece)
{
  return ((QuernMeasureSource *) _quern_measure_get_sources (self)->pdata[piece])->category;
}

/* Whether no earlier piece has the category. */
static gboolean
is_first_of_category (QuernMeasure *self, guint piece)
{
  for (guint i = 0; i < piece; i++)
    if (g_strcmp0 (category_of (self, i), category_of (self, piece)) == 0)
      return FALSE;
  return category_of (self, piece) != NULL;
}

/**
 * quern_measure_get_n_categories:
 *
 * Returns: how many categories there are; 0 for a text that has none
 */
guint
quern_measure_get_n_categories (QuernMeasure *self)
{
  guint n = 0;

  for (guint i = 0; i < _quern_measure_get_sources (self)->len; i++)
    n += is_first_of_category (self, i);
  return n;
}

/**
 * quern_measure_get_category:
 *
 * Returns: (nullable): the name of category @i, in the order in which the texts were added; %NULL past the last
 */
const char *
quern_measure_get_category (QuernMeasure *self, guint i)
{
  for (guint piece = 0; piece < _quern_measure_get_sources (self)->len; piece++)
    if (is_first_of_category (self, piece) && i-- == 0)
      return category_of (self, piece);
  return NULL;
}

/**
 * quern_measure_get_category_summary:
 * @measured: one of the results
 * @i: a category
 * @out: (out caller-allocates): means over the positions of the category; all zero while there are none
 */
void
quern_measure_get_category_summary (QuernMeasure *self, QuernMeasured *measured, guint i, QuernDivergenceSummary *out)
{
  g_autoptr (QuernDivergenceSum) sum = quern_divergence_sum_new ();
  GPtrArray *sources = _quern_measure_get_sources (self);
  const char *category = quern_measure_get_category (self, i);
  guint piece = 0, end = 0; /* of the piece, in tokens */

  for (guint j = 0; j < quern_measured_get_n_positions (measured); j++) {
    const guint token = quern_measure_get_position_token (self, j);
    while (piece < sources->len && token >= end) {
      const QuernMeasureSource *source = sources->pdata[piece++];
      end += source->tokens ? source->tokens->len : 0;
    }
    if (token < end && g_strcmp0 (category_of (self, piece - 1), category) == 0)
      quern_divergence_sum_add (sum, quern_measured_get_position (measured, j));
  }
  quern_divergence_sum_summary (sum, out);
}

/**
 * quern_measure_categories_write:
 * @out: a builder inside an object, to which the member "categories" is added if there are any
 */
void
quern_measure_categories_write (QuernMeasure *self, QuernMeasured *measured, JsonBuilder *out)
{
  const guint n = quern_measure_get_n_categories (self);

  if (n == 0)
    return;
  json_builder_set_member_name (out, "categories");
  json_builder_begin_object (out);
  for (guint i = 0; i < n; i++) {
    QuernDivergenceSummary summary;
    quern_measure_get_category_summary (self, measured, i, &summary);
    json_builder_set_member_name (out, quern_measure_get_category (self, i));
    json_builder_begin_object (out);
    quern_json_add_int (out, "tokens", (gint64) summary.n);
    quern_json_add_double (out, "kl_divergence_mean", summary.kld_mean);
    quern_json_add_double (out, "kl_divergence_error", summary.kld_error);
    quern_json_add_double (out, "kl_divergence_block_error", summary.kld_block_error);
    quern_json_add_double (out, "kl_divergence_p99", summary.kld_p99);
    quern_json_add_double (out, "same_top", summary.same_top);
    quern_json_add_double (out, "same_top_error", summary.same_top_error);
    quern_json_add_double (out, "same_top_block_error", summary.same_top_block_error);
    quern_json_add_double (out, "perplexity", summary.perplexity);
    json_builder_end_object (out);
  }
  json_builder_end_object (out);
}
