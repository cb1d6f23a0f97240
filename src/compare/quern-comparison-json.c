/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-private.h"
#include "quern-questions.h"

/* Times are microseconds since 1970, durations seconds. */

static const char *const modes[] = { "one-after-another", "together" };
static const char *const votes[] = { "a", "b", "tie", "both-bad" };

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void
write_column (QuernCompareColumn *column, JsonBuilder *out)
{
  json_builder_begin_object (out);
  _quern_model_facts_write (quern_compare_column_get_facts (column), out);
  quern_json_add_int (out, "thinking", quern_compare_column_get_thinking (column));
  quern_json_add_string (out, "kv_type", quern_kv_names[quern_compare_column_get_kv_type (column)]);
  quern_json_add_double (out, "temperature", quern_compare_column_get_temperature (column));
  quern_json_add_string (out, "sampling", quern_compare_column_get_sampling (column));
  json_builder_set_member_name (out, "answers");
  json_builder_begin_array (out);
  for (guint i = 0; i < g_list_model_get_n_items (quern_compare_column_get_answers (column)); i++)
    _quern_compare_answer_write (quern_compare_column_get_answer (column, i), TRUE, out);
  json_builder_end_array (out);
  json_builder_end_object (out);
}

static void
write_pictures (GListModel *pictures, JsonBuilder *out)
{
  json_builder_set_member_name (out, "pictures");
  json_builder_begin_array (out);
  for (guint i = 0; i < g_list_model_get_n_items (pictures); i++) {
    g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, i);
    gsize size;
    const guchar *bytes = g_bytes_get_data (quern_picture_get_source (picture), &size);
    g_autofree char *text = g_base64_encode (bytes, size);
    json_builder_begin_object (out);
    quern_json_add_string (out, "mime", quern_picture_get_mime_type (picture));
    quern_json_add_string (out, "data", text);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
}

/**
 * quern_comparison_to_node:
 *
 * Returns: (transfer full): all of it, as one JSON object
 */
JsonNode *
quern_comparison_to_node (QuernComparison *self)
{
  g_autoptr (JsonBuilder) out = json_builder_new_immutable ();

  json_builder_begin_object (out);
  quern_json_add_string (out, "format", QUERN_COMPARISON_FORMAT);
  quern_json_add_int (out, "version", QUERN_COMPARISON_VERSION);
  quern_json_add_string (out, "title", self->title);
  quern_json_add_int (out, "created", self->created);
  quern_json_add_int (out, "seed", (gint64) self->seed);
  quern_json_add_string (out, "mode", modes[self->mode]);
  quern_json_add_int (out, "max_tokens", self->max_tokens);
  quern_json_add_int (out, "context_size", self->n_ctx);
  quern_json_add_int (out, "blind", self->blind);
  quern_compare_machine_write (quern_comparison_get_machine (self), out);
  json_builder_set_member_name (out, "prompts");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->turns->len; i++) {
    json_builder_begin_object (out);
    quern_json_add_string (out, "text", quern_comparison_get_prompt (self, i));
    write_pictures (quern_comparison_get_pictures (self, i), out);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "columns");
  json_builder_begin_array (out);
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++)
    write_column (quern_comparison_get_column (self, i), out);
  json_builder_end_array (out);
  /* These say where the columns part from the first. Readers of the file use it; Quern works it out again. */
  json_builder_set_member_name (out, "forks");
  json_builder_begin_array (out);
  for (guint turn = 0; turn < self->turns->len; turn++)
    for (guint b = 1; b < quern_comparison_get_n_columns (self); b++) {
      QuernFork fork;
      quern_comparison_get_fork (self, turn, 0, b, &fork);
      if (!fork.known)
        continue;
      json_builder_begin_object (out);
      quern_json_add_int (out, "prompt", turn);
      quern_json_add_int (out, "a", 0);
      quern_json_add_int (out, "b", b);
      quern_json_add_int (out, "differs", fork.differs);
      quern_json_add_int (out, "token", fork.index);
      if (fork.differs) {
        quern_json_add_string (out, "a_chose", fork.a.text);
        quern_json_add_double (out, "a_probability", fork.a.p);
        quern_json_add_string (out, "b_chose", fork.b.text);
        quern_json_add_double (out, "b_probability", fork.b.p);
      }
      json_builder_end_object (out);
    }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "votes");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->votes->len; i++) {
    const QuernVote *vote = quern_comparison_get_vote (self, i);
    json_builder_begin_array (out);
    json_builder_add_int_value (out, vote->turn);
    json_builder_add_int_value (out, vote->a);
    json_builder_add_int_value (out, vote->b);
    json_builder_add_string_value (out, votes[vote->kind]);
    json_builder_end_array (out);
  }
  json_builder_end_array (out);
  if (self->measure && !quern_measure_get_running (self->measure)) {
    json_builder_set_member_name (out, "measure");
    _quern_measure_write (self->measure, out);
  }
  if (self->questions && !quern_questions_get_running (self->questions)) {
    json_builder_set_member_name (out, "questions");
    _quern_questions_write (self->questions, out);
  }
  json_builder_end_object (out);
  return json_builder_get_root (out);
}

/**
 * quern_comparison_to_json:
 *
 * Returns: (transfer full): the comparison as JSON text, for quern_comparison_new_from_json()
 */
char *
quern_comparison_to_json (QuernComparison *self)
{
  g_autoptr (JsonNode) root = quern_comparison_to_node (self);

  return json_to_string (root, FALSE);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
read_column (QuernComparison *self, JsonObject *object, GListModel *models)
{
  JsonArray *answers = quern_json_array (object, "answers");
  QuernModelFacts facts;

  _quern_model_facts_read (object, &facts);
  g_autoptr (QuernCompareColumn) column = _quern_compare_column_new_stored (&facts);
  QuernModel *model = _quern_model_facts_find (&facts, models);
  if (model)
    quern_compare_column_set_model (column, model);
  _quern_compare_column_set_sha256 (column, facts.sha256);
  quern_model_facts_clear (&facts);
  quern_compare_column_set_thinking (column, (QuernThinking) CLAMP (quern_json_int (object, "thinking", -1), -1, 1));
  quern_compare_column_set_kv_type (column,
                                    (QuernKvType) quern_json_index (quern_kv_names, 3,
                                                                    quern_json_string (object, "kv_type", ""), 0));
  quern_compare_column_set_temperature (column, CLAMP (quern_json_double (object, "temperature", -1), -1, 10));
  quern_compare_column_set_sampling (column, quern_json_string (object, "sampling", NULL));
  for (guint i = 0; i < quern_json_length (answers) && i < self->turns->len; i++) {
    g_autoptr (QuernCompareAnswer) answer = _quern_compare_answer_read (quern_json_object_at (answers, i));
    _quern_compare_column_add_answer (column, answer);
  }
  quern_comparison_add_column (self, column);
}

static QuernComparison *
read_comparison (JsonObject *object, GListModel *models)
{
  QuernComparison *self = quern_comparison_new ();
  JsonArray *prompts = quern_json_array (object, "prompts"), *columns = quern_json_array (object, "columns");
  JsonArray *cast = quern_json_array (object, "votes");
  JsonObject *measure = quern_json_object (object, "measure"), *machine = quern_json_object (object, "machine");
  JsonObject *questions = quern_json_object (object, "questions");

  self->created = quern_json_int (object, "created", self->created);
  self->seed = (guint64) quern_json_int (object, "seed", 0);
  self->mode = (QuernCompareMode) quern_json_index (modes, G_N_ELEMENTS (modes), quern_json_string (object, "mode", ""),
                                                    0);
  self->max_tokens = quern_json_count (object, "max_tokens");
  self->n_ctx = quern_json_count (object, "context_size");
  self->blind = quern_json_int (object, "blind", 0) != 0;
  if (machine) {
    quern_compare_machine_clear (&self->machine);
    quern_compare_machine_read (machine, &self->machine);
  }
  g_set_str (&self->title, quern_json_string (object, "title", ""));
  for (guint i = 0; i < quern_json_length (prompts); i++) {
    JsonObject *prompt = quern_json_object_at (prompts, i);
    JsonArray *from = quern_json_array (prompt, "pictures");
    g_autoptr (GListStore) pictures = g_list_store_new (QUERN_TYPE_PICTURE);

    for (guint j = 0; j < quern_json_length (from); j++) {
      gsize size;
      guchar *data = g_base64_decode (quern_json_string (quern_json_object_at (from, j), "data", ""), &size);
      g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
      g_autoptr (QuernPicture) picture = size > 0 ? quern_picture_new_from_bytes (bytes, NULL, NULL) : NULL;
      if (picture) /* one that can no longer be decoded is left out */
        g_list_store_append (pictures, picture);
    }
    _quern_comparison_restore_turn (self, quern_json_string (prompt, "text", ""), G_LIST_MODEL (pictures));
  }
  for (guint i = 0; i < quern_json_length (columns) && i < QUERN_COMPARE_MAX_COLUMNS; i++)
    read_column (self, quern_json_object_at (columns, i), models);
  for (guint i = 0; i < quern_json_length (cast); i++) {
    JsonArray *from = quern_json_array_at (cast, i);
    guint n = quern_comparison_get_n_columns (self);
    gint64 turn = quern_json_int_at (from, 0), a = quern_json_int_at (from, 1), b = quern_json_int_at (from, 2);
    guint kind = quern_json_index (votes, G_N_ELEMENTS (votes), quern_json_string_at (from, 3), G_N_ELEMENTS (votes));

    if (turn >= 0 && turn < self->turns->len && a >= 0 && a < n && b >= 0 && b < n && a != b
        && kind < G_N_ELEMENTS (votes))
      quern_comparison_vote (self, (guint) turn, (guint) a, (guint) b, (QuernVoteKind) kind);
  }
  if (measure) {
    g_autoptr (QuernMeasure) read = _quern_measure_read (measure, models);
    quern_comparison_set_measure (self, read);
  }
  if (questions) {
    g_autoptr (QuernQuestions) read = _quern_questions_read (questions);
    quern_comparison_set_questions (self, read);
  }
  return self;
}

/**
 * quern_comparison_new_from_json:
 * @models: (nullable): of #QuernModel: where the columns' models are looked for; those that are missing keep their facts
 *
 * Returns: (transfer full) (nullable): the comparison as it was written, or %NULL when this is none
 */
QuernComparison *
quern_comparison_new_from_json (const char *json, gssize length, GListModel *models, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize size = length < 0 ? strlen (json) : (gsize) length;

  if (size <= QUERN_COMPARISON_MAX_BYTES && quern_json_check (json, size, G_MAXSIZE) == QUERN_JSON_SOUND
      && json_parser_load_from_data (parser, json, (gssize) size, NULL)) {
    JsonNode *root = json_parser_get_root (parser);
    JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
    gint64 version = quern_json_int (object, "version", 0);
    if (g_strcmp0 (quern_json_string (object, "format", NULL), QUERN_COMPARISON_FORMAT) == 0 && version >= 1
        && version <= QUERN_COMPARISON_VERSION)
      return read_comparison (object, models);
  }
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT,
               _("This version of Quern cannot read this comparison. Choose a JSON file that was exported from "
                 "Quern."));
  return NULL;
}
