/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison-json.h"
#include "quern-local-backend.h"
#include "quern-measure.h"
#include "test-util.h"

/* Comparisons and measurements of Quern Tiny's quantisations. */

static inline QuernModel *
model_at (const char *path)
{
  g_autoptr (GError) error = NULL;
  QuernModel *model = quern_model_new (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static inline char *
tiny_path (const char *quantisation)
{
  g_autofree char *name = g_strdup_printf ("quern-tiny-%s.gguf", quantisation);

  return g_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL);
}

static inline QuernModel *
tiny (const char *quantisation)
{
  g_autofree char *path = tiny_path (quantisation);

  return model_at (path);
}

static inline QuernMeasure *
measure_of (const char *text, ...)
{
  QuernMeasure *measure = quern_measure_new ();
  va_list names;

  va_start (names, text);
  for (const char *name = va_arg (names, const char *); name; name = va_arg (names, const char *)) {
    g_autoptr (QuernModel) model = tiny (name);
    quern_measure_add_model (measure, model, QUERN_KV_F16);
  }
  va_end (names);
  if (text)
    quern_measure_add_text (measure, text);
  return measure;
}

static inline gboolean
run_measure (QuernMeasure *measure, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (GAsyncResult) result = NULL;

  quern_measure_run_async (measure, backend, cancellable, test_result_cb, &result);
  test_wait_result (&result);
  return quern_measure_run_finish (measure, result, error);
}

static inline const QuernDivergenceSummary *
summary_of (QuernMeasure *measure, guint i)
{
  return quern_measured_get_summary (quern_measure_get_result (measure, i));
}

static inline void
add_column (QuernComparison *comparison, const char *quantisation)
{
  g_autoptr (QuernModel) model = tiny (quantisation);
  g_autoptr (QuernCompareColumn) column = quern_compare_column_new (model);

  quern_compare_column_set_thinking (column, QUERN_THINKING_OFF);
  g_assert_true (quern_comparison_add_column (comparison, column));
}

static inline QuernComparison *
comparison_of (const char *a, const char *b)
{
  QuernComparison *comparison = quern_comparison_new ();

  add_column (comparison, a);
  add_column (comparison, b);
  g_object_set (comparison, "seed", (guint64) 11, "max-tokens", 40, NULL);
  return comparison;
}

static inline gboolean
ask (QuernComparison *comparison, const char *prompt, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (GAsyncResult) result = NULL;

  quern_comparison_ask_async (comparison, backend, prompt, NULL, cancellable, test_result_cb, &result);
  test_wait_result (&result);
  return quern_comparison_ask_finish (comparison, result, error);
}

static inline QuernCompareAnswer *
answer_at (QuernComparison *comparison, guint column, guint turn)
{
  return quern_compare_column_get_answer (quern_comparison_get_column (comparison, column), turn);
}
