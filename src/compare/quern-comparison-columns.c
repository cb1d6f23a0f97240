/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-answer-private.h"
#include "quern-comparison-json.h"
#include "quern-comparison-private.h"

/* The columns of a comparison: they can be added, removed and replaced, together with their answers and votes. */

/**
 * quern_comparison_get_columns:
 *
 * Returns: (transfer none): of #QuernCompareColumn
 */
GListModel *
quern_comparison_get_columns (QuernComparison *self)
{
  return G_LIST_MODEL (self->columns);
}

/**
 * quern_comparison_get_column:
 *
 * Returns: (transfer none) (nullable)
 */
QuernCompareColumn *
quern_comparison_get_column (QuernComparison *self, guint i)
{
  g_autoptr (QuernCompareColumn) column = g_list_model_get_item (G_LIST_MODEL (self->columns), i);

  return column; /* the list holds it */
}

guint
quern_comparison_get_n_columns (QuernComparison *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->columns));
}

/**
 * quern_comparison_dup_models:
 *
 * Returns: (transfer full) (element-type QuernModel): the models that the columns have; some may have none
 */
GPtrArray *
quern_comparison_dup_models (QuernComparison *self)
{
  GPtrArray *models = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernModel *model = quern_compare_column_get_model (quern_comparison_get_column (self, i));

    if (model != NULL)
      g_ptr_array_add (models, g_object_ref (model));
  }
  return models;
}

static void
column_changed_cb (QuernComparison *self)
{
  _quern_comparison_changed (self);
}

static void
insert_column (QuernComparison *self, guint position, guint n_removed, QuernCompareColumn *column)
{
  /* Gives the column one answer for each prompt; prompts that it was not asked get a QUERN_COMPARE_NOT_ASKED answer. */
  const QuernStatistics none = { 0 };

  while (g_list_model_get_n_items (quern_compare_column_get_answers (column)) < self->turns->len) {
    g_autoptr (QuernCompareAnswer) answer = _quern_compare_answer_new ();
    _quern_compare_answer_restore (answer, QUERN_COMPARE_NOT_ASKED, "", "", NULL, &none);
    _quern_compare_column_add_answer (column, answer);
  }
  g_signal_handlers_disconnect_by_func (column, column_changed_cb, self);
  g_signal_connect_object (column, "notify", G_CALLBACK (column_changed_cb), self, G_CONNECT_SWAPPED);
  g_list_store_splice (self->columns, position, n_removed, (gpointer *) &column, 1);
}

/**
 * quern_comparison_add_column:
 *
 * A column that comes late was not asked the prompts so far: quern_comparison_catch_up_async() does that.
 *
 * Returns: %FALSE when there are QUERN_COMPARE_MAX_COLUMNS already, or while it runs
 */
gboolean
quern_comparison_add_column (QuernComparison *self, QuernCompareColumn *column)
{
  if (self->task || quern_comparison_get_n_columns (self) >= QUERN_COMPARE_MAX_COLUMNS)
    return FALSE;
  insert_column (self, quern_comparison_get_n_columns (self), 0, column);
  _quern_comparison_changed (self);
  return TRUE;
}

/**
 * quern_comparison_remove_column:
 *
 * Takes its votes with it. Does nothing while it runs.
 */
void
quern_comparison_remove_column (QuernComparison *self, QuernCompareColumn *column)
{
  guint position;

  if (self->task || !g_list_store_find (self->columns, column, &position))
    return;
  for (guint i = self->votes->len; i > 0; i--) {
    QuernVote *vote = &g_array_index (self->votes, QuernVote, i - 1);
    if (vote->a == position || vote->b == position) {
      g_array_remove_index (self->votes, i - 1);
      continue;
    }
    vote->a -= vote->a > position;
    vote->b -= vote->b > position;
  }
  g_list_store_remove (self->columns, position);
  _quern_comparison_notify_votes (self);
}

/**
 * quern_comparison_replace_column:
 * @column: one of the comparison
 * @other: what takes its place: one with another model, which was asked nothing
 *
 * Answers belong to the model that gave them, so another model is another column. Votes about @column go with it.
 *
 * Returns: %FALSE while it runs
 */
gboolean
quern_comparison_replace_column (QuernComparison *self, QuernCompareColumn *column, QuernCompareColumn *other)
{
  guint position;

  if (self->task || !g_list_store_find (self->columns, column, &position))
    return FALSE;
  for (guint i = self->votes->len; i > 0; i--) {
    const QuernVote *vote = &g_array_index (self->votes, QuernVote, i - 1);
    if (vote->a == position || vote->b == position)
      g_array_remove_index (self->votes, i - 1);
  }
  insert_column (self, position, 1, other);
  _quern_comparison_notify_votes (self);
  return TRUE;
}

/**
 * quern_comparison_attach_models:
 * @models: of #QuernModel, the library's
 *
 * Finds the files of a stored comparison's columns and measurement that it had to do without so far.
 */
void
quern_comparison_attach_models (QuernComparison *self, GListModel *models)
{
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    QuernModel *model = _quern_model_facts_find (quern_compare_column_get_facts (column), models);
    if (model && !quern_compare_column_get_model (column))
      quern_compare_column_set_model (column, model);
  }
  for (guint i = 0; self->measure && i < g_list_model_get_n_items (quern_measure_get_results (self->measure)); i++) {
    QuernMeasured *result = quern_measure_get_result (self->measure, i);
    if (!quern_measured_get_model (result))
      quern_measured_set_model (result, _quern_model_facts_find (quern_measured_get_facts (result), models));
  }
}
