/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-categories.h"

#include "quern-json-util.h"
#include "quern-measure-private.h"

/**
 * quern_measure_dup_categories:
 *
 * Returns: (transfer full): the names of the categories in the order in which their texts were added; none for a text that
 *   has none
 */
GStrv
quern_measure_dup_categories (QuernMeasure *self)
{
  GPtrArray *sources = _quern_measure_get_sources (self);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < sources->len; i++) {
    const char *category = ((const QuernMeasureSource *) sources->pdata[i])->category;
    if (category && !g_ptr_array_find_with_equal_func (names, category, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (category));
  }
  g_ptr_array_add (names, NULL);
  return (GStrv) g_ptr_array_steal (names, NULL);
}

/**
 * quern_measure_get_category_summary:
 * @measured: one of the results
 * @out: (out caller-allocates): means over the positions of the category; all zero while there are none
 */
void
quern_measure_get_category_summary (QuernMeasure *self, QuernMeasured *measured, const char *category,
                                    QuernDivergenceSummary *out)
{
  g_autoptr (QuernDivergenceSum) sum = quern_divergence_sum_new ();
  GPtrArray *sources = _quern_measure_get_sources (self);
  guint next = 0, end = 0; /* of the piece, in tokens */
  gboolean inside = FALSE; /* the piece is of the category */

  for (guint i = 0; i < quern_measured_get_n_positions (measured); i++) {
    const guint token = quern_measure_get_position_token (self, i);
    while (next < sources->len && token >= end) {
      const QuernMeasureSource *piece = sources->pdata[next++];
      end += piece->tokens ? piece->tokens->len : 0;
      inside = g_strcmp0 (piece->category, category) == 0;
    }
    if (token < end && inside)
      quern_divergence_sum_add (sum, quern_measured_get_position (measured, i));
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
  g_auto (GStrv) names = quern_measure_dup_categories (self);
  const gboolean top = quern_measure_get_top_only (self);

  if (!names[0])
    return;
  json_builder_set_member_name (out, "categories");
  json_builder_begin_object (out);
  for (char **name = names; *name; name++) {
    QuernDivergenceSummary summary;
    quern_measure_get_category_summary (self, measured, *name, &summary);
    json_builder_set_member_name (out, *name);
    json_builder_begin_object (out);
    quern_json_add_int (out, "tokens", (gint64) summary.n);
    quern_json_add_double (out, top ? "kl_divergence_top_mean" : "kl_divergence_mean", summary.kld_mean);
    quern_json_add_double (out, top ? "kl_divergence_top_error" : "kl_divergence_error", summary.kld_error);
    quern_json_add_double (out, top ? "kl_divergence_top_block_error" : "kl_divergence_block_error",
                           summary.kld_block_error);
    quern_json_add_double (out, top ? "kl_divergence_top_p99" : "kl_divergence_p99", summary.kld_p99);
    quern_json_add_double (out, "same_top", summary.same_top);
    quern_json_add_double (out, "same_top_error", summary.same_top_error);
    quern_json_add_double (out, "same_top_block_error", summary.same_top_block_error);
    quern_json_add_double (out, "perplexity", summary.perplexity);
    json_builder_end_object (out);
  }
  json_builder_end_object (out);
}
