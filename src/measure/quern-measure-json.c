/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-json.h"

#include <math.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-measure-figures.h"
#include "quern-measure-private.h"

/* This file reads and writes a measurement as JSON. Positions are arrays, because there are many: [token, nll of the
 * reference, nll, kld, delta p, same first choice, [id, p, id, p …] of the reference, [id, p …], window, kld of top tokens or
 * null]. Where "top_only" is 1, kld is that of top tokens. */

static const char *const window_names[] = {
  [QUERN_MEASURE_WINDOWS_QUERN] = "quern", [QUERN_MEASURE_WINDOWS_LLAMA] = "llama"
};

/* ---- models ---------------------------------------------------------------------------------------------------- */

void
_quern_model_facts_write (const QuernModelFacts *facts, JsonBuilder *out)
{
  json_builder_set_member_name (out, "model");
  json_builder_begin_object (out);
  quern_json_add_string (out, "id", facts->id);
  quern_json_add_string (out, "title", facts->title);
  quern_json_add_string (out, "quantisation", facts->quantisation);
  quern_json_add_string (out, "server", facts->place);
  quern_json_add_string (out, "sha256", facts->sha256);
  quern_json_add_int (out, "file_bytes", (gint64) facts->file_bytes);
  quern_json_add_int (out, "parameters", (gint64) facts->parameters);
  quern_json_add_double (out, "bits_per_weight", facts->bits_per_weight);
  json_builder_end_object (out);
}

/* @out must be empty. */
void
_quern_model_facts_read (JsonObject *object, QuernModelFacts *out)
{
  JsonObject *model = quern_json_object (object, "model");

  *out = (QuernModelFacts) { .id = g_strdup (quern_json_string (model, "id", "")),
                             .title = g_strdup (quern_json_string (model, "title", "?")),
                             .quantisation = g_strdup (quern_json_string (model, "quantisation", "")),
                             .place = g_strdup (quern_json_string (model, "server", NULL)),
                             .sha256 = g_strdup (quern_json_string (model, "sha256", NULL)),
                             .file_bytes = (guint64) MAX (0, quern_json_int (model, "file_bytes", 0)),
                             .parameters = (guint64) MAX (0, quern_json_int (model, "parameters", 0)),
                             .bits_per_weight = quern_json_double (model, "bits_per_weight", 0) };
}

/* Finds the model with the same id and size in `models`. Returns NULL if there is none. */
QuernModel *
_quern_model_facts_find (const QuernModelFacts *facts, GListModel *models)
{
  for (guint i = 0; models && i < g_list_model_get_n_items (models); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (models, i);
    if (g_str_equal (quern_model_get_id (model), facts->id)
        && quern_model_get_info (model)->file_bytes == facts->file_bytes
        && quern_model_get_state (model) == QUERN_MODEL_OK)
      return model; /* the list holds it */
  }
  return NULL;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void
write_top (const QuernCandidate *top, JsonBuilder *out)
{
  json_builder_begin_array (out);
  for (guint i = 0; i < QUERN_DIVERGENCE_TOP && top[i].id >= 0; i++) {
    json_builder_add_int_value (out, top[i].id);
    json_builder_add_double_value (out, top[i].p);
  }
  json_builder_end_array (out);
}

static void
write_result (QuernMeasured *result, JsonBuilder *out)
{
  json_builder_begin_object (out);
  _quern_model_facts_write (quern_measured_get_facts (result), out);
  quern_json_add_string (out, "kv_type", quern_kv_names[quern_measured_get_kv_type (result)]);
  quern_json_add_double (out, "seconds", quern_measured_get_seconds (result));
  quern_json_add_int (out, "evaluated", quern_measured_get_n_evaluated (result));
  /* Readers of the file use the summary; Quern computes it again from the positions. */
  json_builder_set_member_name (out, "summary");
  json_builder_begin_object (out);
  quern_json_add_int (out, "tokens", (gint64) quern_measured_get_summary (result)->n);
  quern_measure_figures_write (result, QUERN_MEASURE_JSON_FILE, TRUE, out);
  json_builder_end_object (out);
  json_builder_set_member_name (out, "positions");
  json_builder_begin_array (out);
  for (guint i = 0; i < quern_measured_get_n_positions (result); i++) {
    const QuernDivergence *d = quern_measured_get_position (result, i);
    json_builder_begin_array (out);
    json_builder_add_int_value (out, d->token);
    json_builder_add_double_value (out, d->nll_reference);
    json_builder_add_double_value (out, d->nll);
    json_builder_add_double_value (out, d->kld);
    json_builder_add_double_value (out, d->delta_p);
    json_builder_add_int_value (out, d->same_top ? 1 : 0);
    write_top (d->top_reference, out);
    write_top (d->top, out);
    json_builder_add_int_value (out, d->window);
    if (isnan (d->kld_top))
      json_builder_add_null_value (out);
    else
      json_builder_add_double_value (out, d->kld_top);
    json_builder_end_array (out);
  }
  json_builder_end_array (out);
  json_builder_end_object (out);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return GPOINTER_TO_INT (*(const gpointer *) a) - GPOINTER_TO_INT (*(const gpointer *) b);
}

/* Writes a running measurement up to the last batch that all models have done, or nothing if there is none. */
void
_quern_measure_write (QuernMeasure *self, JsonBuilder *out)
{
  json_builder_begin_object (out);
  quern_json_add_string (out, "source", quern_measure_get_source (self));
  quern_json_add_int (out, "context", quern_measure_get_context_size (self));
  quern_json_add_string (out, "cut", window_names[quern_measure_get_windows (self)]);
  quern_json_add_int (out, "top", quern_measure_get_top (self));
  quern_json_add_int (out, "top_only", quern_measure_get_top_only (self) ? 1 : 0);
  quern_json_add_string (out, "text_sha256", quern_measure_get_text_sha256 (self));
  quern_json_add_int (out, "windows", quern_measure_get_n_windows (self));
  quern_json_add_int (out, "windows_done", _quern_measure_get_windows_done (self));
  quern_json_add_double (out, "noise_floor", quern_measure_get_noise_floor (self));
  quern_json_add_string (out, "note", quern_measure_get_note (self));
  quern_json_add_string (out, "text", quern_measure_get_text (self));
  json_builder_set_member_name (out, "ends");
  json_builder_begin_array (out);
  for (guint i = 0; i < quern_measure_get_n_tokens (self); i++) {
    guint begin, end;
    quern_measure_get_token_span (self, i, &begin, &end);
    json_builder_add_int_value (out, end);
  }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "position_tokens");
  json_builder_begin_array (out);
  for (guint i = 0; i < _quern_measure_get_n_rows (self); i++)
    json_builder_add_int_value (out, quern_measure_get_position_token (self, i));
  json_builder_end_array (out);
  GPtrArray *sources = _quern_measure_get_sources (self);

  json_builder_set_member_name (out, "pieces");
  json_builder_begin_array (out);
  for (guint i = 0; i < sources->len; i++) {
    const QuernMeasureSource *source = sources->pdata[i];
    if (!source->tokens)
      continue;
    json_builder_begin_object (out);
    quern_json_add_int (out, "first", source->first);
    if (source->category)
      quern_json_add_string (out, "category", source->category);
    json_builder_set_member_name (out, "tokens");
    json_builder_begin_array (out);
    for (guint j = 0; j < source->tokens->len; j++)
      json_builder_add_int_value (out, g_array_index (source->tokens, gint32, j));
    json_builder_end_array (out);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
  /* The candidates are in the order of ids, so that the same measurement gives the same file. */
  GHashTable *candidates = _quern_measure_get_candidates (self);
  g_autoptr (GPtrArray) ids = g_hash_table_get_keys_as_ptr_array (candidates);

  g_ptr_array_sort (ids, compare_ids);
  json_builder_set_member_name (out, "candidates");
  json_builder_begin_array (out);
  for (guint i = 0; i < ids->len; i++) {
    json_builder_begin_array (out);
    json_builder_add_int_value (out, GPOINTER_TO_INT (ids->pdata[i]));
    json_builder_add_string_value (out, g_hash_table_lookup (candidates, ids->pdata[i]));
    json_builder_end_array (out);
  }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "models");
  json_builder_begin_array (out);
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (self)); i++)
    write_result (quern_measure_get_result (self, i), out);
  json_builder_end_array (out);
  json_builder_end_object (out);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
read_top (JsonArray *array, QuernCandidate *top)
{
  guint n = quern_json_length (array) / 2;

  for (guint i = 0; i < QUERN_DIVERGENCE_TOP; i++)
    top[i] = i < n ? (QuernCandidate) { (gint32) CLAMP (quern_json_int_at (array, 2 * i), 0, G_MAXINT32),
                                        quern_json_double_at (array, 2 * i + 1) }
                   : (QuernCandidate) { -1, 0 };
}

static void
read_result (QuernMeasure *self, JsonObject *object, guint n_rows, GListModel *models)
{
  QuernModelFacts facts;
  QuernKvType kv_type = (QuernKvType) quern_json_index (quern_kv_names, 3, quern_json_string (object, "kv_type", ""),
                                                        0);

  _quern_model_facts_read (object, &facts);
  g_autoptr (QuernMeasured) result = quern_measured_new_stored (&facts, kv_type);
  quern_measured_set_model (result, _quern_model_facts_find (&facts, models));
  quern_model_facts_clear (&facts);
  quern_measured_add_work (result, quern_json_double (object, "seconds", 0),
                           (guint) CLAMP (quern_json_int (object, "evaluated", 0), 0, G_MAXINT));
  JsonArray *array = quern_json_array (object, "positions");
  guint top = quern_measure_get_top (self);
  guint n = MIN (quern_json_length (array), n_rows);
  g_autofree QuernDivergence *positions = g_new0 (QuernDivergence, n + 1);

  for (guint i = 0; i < n; i++) {
    JsonArray *from = quern_json_array_at (array, i);
    positions[i] = (QuernDivergence) { .token = (gint32) CLAMP (quern_json_int_at (from, 0), 0, G_MAXINT32),
                                       .nll_reference = quern_json_double_at (from, 1),
                                       .nll = quern_json_double_at (from, 2),
                                       .kld = quern_json_double_at (from, 3),
                                       .delta_p = quern_json_double_at (from, 4),
                                       .same_top = quern_json_int_at (from, 5) != 0 };
    read_top (quern_json_array_at (from, 6), positions[i].top_reference);
    read_top (quern_json_array_at (from, 7), positions[i].top);
    /* Files of earlier versions do not say where windows end: they were of 512 tokens, mostly. */
    positions[i].window = quern_json_length (from) > 8 ? (guint32) CLAMP (quern_json_int_at (from, 8), 0, G_MAXINT32)
                                                       : i / (QUERN_MEASURE_CONTEXT / 2);
    positions[i].kld_top = top > 0 && quern_json_length (from) > 9 ? quern_json_double_at (from, 9) : NAN;
  }
  quern_measured_add (result, positions, n);
  _quern_measure_restore_result (self, result);
}

/* Never fails: values that make no sense are left out. */
QuernMeasure *
_quern_measure_read (JsonObject *object, GListModel *models)
{
  QuernMeasure *self = quern_measure_new ();
  const char *text = quern_json_string (object, "text", "");
  gsize length = strlen (text);
  guint last = 0;
  g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (guint));
  JsonArray *candidates = quern_json_array (object, "candidates"), *results = quern_json_array (object, "models");
  guint n_windows = (guint) CLAMP (quern_json_int (object, "windows", 0), 0, G_MAXINT);
  guint done = (guint) CLAMP (quern_json_int (object, "windows_done", 0), 0, n_windows);

  quern_measure_set_source (self, quern_json_string (object, "source", NULL));
  quern_measure_set_context_size (self, (guint) CLAMP (quern_json_int (object, "context", 512), 16, 1 << 20));
  quern_measure_set_windows (self, (QuernMeasureWindows) quern_json_index (window_names, G_N_ELEMENTS (window_names),
                                                                           quern_json_string (object, "cut", ""), 0));
  quern_measure_set_top (self, (guint) CLAMP (quern_json_int (object, "top", 0), 0, QUERN_DIVERGENCE_MOST_TOP));
  _quern_measure_restore_text_sha256 (self, quern_json_string (object, "text_sha256", NULL));
  /* The ends of the tokens are moved where necessary, so that they ascend and lie between characters. */
  JsonArray *array = quern_json_array (object, "ends");
  for (guint i = 0; i < quern_json_length (array); i++) {
    guint end = (guint) CLAMP (quern_json_int_at (array, i), last, (gint64) length);
    while (end < length && (text[end] & 0xc0) == 0x80)
      end++;
    g_array_append_val (ends, end);
    last = end;
  }
  array = quern_json_array (object, "position_tokens");
  for (guint i = 0; ends->len > 0 && i < quern_json_length (array); i++) {
    guint token = (guint) CLAMP (quern_json_int_at (array, i), 0, ends->len - 1);
    g_array_append_val (rows, token);
  }
  array = quern_json_array (object, "pieces");
  for (guint i = 0; i < quern_json_length (array); i++) {
    JsonObject *piece = quern_json_object_at (array, i);
    JsonArray *from = quern_json_array (piece, "tokens");
    guint n = quern_json_length (from);
    g_autofree gint32 *tokens = g_new (gint32, n + 1);
    for (guint j = 0; j < n; j++)
      tokens[j] = (gint32) CLAMP (quern_json_int_at (from, j), -1, G_MAXINT32);
    _quern_measure_restore_piece (self, tokens, n, (guint) CLAMP (quern_json_int (piece, "first", 0), 0, n),
                                  quern_json_string (piece, "category", NULL));
  }
  for (guint i = 0; i < quern_json_length (results); i++)
    read_result (self, quern_json_object_at (results, i), rows->len, models);
  _quern_measure_set_top_only (self, quern_json_int (object, "top_only", 0) != 0);
  for (guint i = 0; i < quern_json_length (candidates); i++) {
    JsonArray *pair = quern_json_array_at (candidates, i);
    _quern_measure_restore_candidate (self, (gint32) quern_json_int_at (pair, 0), quern_json_string_at (pair, 1));
  }
  _quern_measure_restore_note (self, quern_json_string (object, "note", NULL));
  _quern_measure_restore (self, text, ends, rows, done, n_windows, quern_json_double (object, "noise_floor", -1));
  return self;
}
