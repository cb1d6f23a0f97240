/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-private.h"

/* Tokens are arrays: [id, p, reasoning, start, end, text, [id, p, text, id, p, text …]]. Times are microseconds since
 * 1970, durations seconds. */

static const char *const states[] = { "waiting", "loading", "reading", "writing", "done", "cut", "stopped", "failed" };
static const char *const modes[] = { "one-after-another", "together" };
static const char *const kv_names[] = { "F16", "Q8_0", "F32" };
static const char *const votes[] = { "a", "b", "tie", "both-bad" };

static guint
index_of (const char *const *names, guint n, const char *name, guint fallback)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (names[i], name) == 0)
      return i;
  return fallback;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static char *
processor_name (void)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL) || !(found = strstr (text, "model name"))
      || !(found = strchr (found, ':')))
    return g_strdup ("");
  g_autofree char *line = g_strndup (found + 1, strcspn (found + 1, "\n"));
  g_autofree char *valid = g_utf8_make_valid (g_strstrip (line), -1);
  return g_steal_pointer (&valid);
}

static void
write_machine (JsonBuilder *out)
{
  g_autofree char *name = processor_name ();

  json_builder_set_member_name (out, "machine");
  json_builder_begin_object (out);
  quern_json_add_string (out, "processor", name);
  quern_json_add_int (out, "threads", qe_cpu_default_threads ());
  quern_json_add_string (out, "kernels", qe_cpu_kernels ());
  quern_json_add_string (out, "quern", QUERN_VERSION);
  json_builder_end_object (out);
}

static void
write_token (const QuernCompareToken *token, JsonBuilder *out)
{
  json_builder_begin_array (out);
  json_builder_add_int_value (out, token->chosen.id);
  json_builder_add_double_value (out, token->chosen.p);
  json_builder_add_int_value (out, token->reasoning ? 1 : 0);
  json_builder_add_int_value (out, token->start);
  json_builder_add_int_value (out, token->end);
  json_builder_add_string_value (out, token->chosen.text);
  json_builder_begin_array (out);
  for (guint i = 0; i < token->n_top; i++) {
    json_builder_add_int_value (out, token->top[i].id);
    json_builder_add_double_value (out, token->top[i].p);
    json_builder_add_string_value (out, token->top[i].text);
  }
  json_builder_end_array (out);
  json_builder_end_array (out);
}

static void
write_statistics (const QuernStatistics *s, JsonBuilder *out)
{
  json_builder_set_member_name (out, "statistics");
  json_builder_begin_object (out);
  quern_json_add_int (out, "seed", (gint64) s->seed);
  quern_json_add_int (out, "prompt_tokens", s->prompt_tokens);
  quern_json_add_int (out, "prompt_tokens_reused", s->reused_tokens);
  quern_json_add_int (out, "prompt_tokens_evaluated", s->evaluated_tokens);
  quern_json_add_int (out, "answer_tokens", s->answer_tokens);
  quern_json_add_int (out, "reasoning_tokens", s->reasoning_tokens);
  quern_json_add_double (out, "load_seconds", s->load_seconds);
  quern_json_add_double (out, "first_token_seconds", s->first_token_seconds);
  quern_json_add_double (out, "prefill_seconds", s->prefill_seconds);
  quern_json_add_double (out, "decode_seconds", s->decode_seconds);
  quern_json_add_double (out, "reasoning_seconds", s->reasoning_seconds);
  quern_json_add_double (out, "prefill_tokens_per_second", quern_statistics_prefill_rate (s));
  quern_json_add_double (out, "decode_tokens_per_second", quern_statistics_decode_rate (s));
  json_builder_end_object (out);
}

static void
write_answer (QuernCompareAnswer *answer, JsonBuilder *out)
{
  json_builder_begin_object (out);
  quern_json_add_string (out, "state", states[quern_compare_answer_get_state (answer)]);
  quern_json_add_string (out, "answer", quern_compare_answer_get_answer (answer));
  quern_json_add_string (out, "reasoning", quern_compare_answer_get_reasoning (answer));
  quern_json_add_string (out, "failure", quern_compare_answer_get_failure (answer));
  quern_json_add_int (out, "peak_memory_bytes", (gint64) quern_compare_answer_get_peak_memory (answer));
  quern_json_add_int (out, "planned_memory_bytes", (gint64) quern_compare_answer_get_planned_memory (answer));
  quern_json_add_int (out, "together", quern_compare_answer_get_together (answer));
  write_statistics (quern_compare_answer_get_statistics (answer), out);
  json_builder_set_member_name (out, "tokens");
  json_builder_begin_array (out);
  for (guint i = 0; i < quern_compare_answer_get_n_tokens (answer); i++)
    write_token (quern_compare_answer_get_token (answer, i), out);
  json_builder_end_array (out);
  json_builder_end_object (out);
}

static void
write_column (QuernCompareColumn *column, JsonBuilder *out)
{
  json_builder_begin_object (out);
  _quern_model_facts_write (quern_compare_column_get_facts (column), out);
  quern_json_add_int (out, "thinking", quern_compare_column_get_thinking (column));
  quern_json_add_string (out, "kv_type", kv_names[quern_compare_column_get_kv_type (column)]);
  quern_json_add_double (out, "temperature", quern_compare_column_get_temperature (column));
  quern_json_add_string (out, "sampling", quern_compare_column_get_sampling (column));
  json_builder_set_member_name (out, "answers");
  json_builder_begin_array (out);
  for (guint i = 0; i < g_list_model_get_n_items (quern_compare_column_get_answers (column)); i++)
    write_answer (quern_compare_column_get_answer (column, i), out);
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

static void
write_prompts (QuernComparison *self, JsonBuilder *out)
{
  json_builder_set_member_name (out, "prompts");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->turns->len; i++) {
    json_builder_begin_object (out);
    quern_json_add_string (out, "text", quern_comparison_get_prompt (self, i));
    write_pictures (quern_comparison_get_pictures (self, i), out);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
}

static void
write_votes (QuernComparison *self, JsonBuilder *out)
{
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
}

/* Where neighbouring columns part; for readers of the file. */
static void
write_forks (QuernComparison *self, JsonBuilder *out)
{
  json_builder_set_member_name (out, "forks");
  json_builder_begin_array (out);
  for (guint turn = 0; turn < self->turns->len; turn++)
    for (guint b = 1; b < quern_comparison_get_n_columns (self); b++) {
      QuernFork fork;
      quern_comparison_get_fork (self, turn, 0, b, &fork);
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
  write_machine (out);
  write_prompts (self, out);
  json_builder_set_member_name (out, "columns");
  json_builder_begin_array (out);
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++)
    write_column (quern_comparison_get_column (self, i), out);
  json_builder_end_array (out);
  write_forks (self, out);
  write_votes (self, out);
  if (self->measure && !quern_measure_get_running (self->measure)) {
    json_builder_set_member_name (out, "measure");
    _quern_measure_write (self->measure, out);
  }
  json_builder_end_object (out);
  return json_builder_get_root (out);
}

char *
quern_comparison_to_json (QuernComparison *self)
{
  g_autoptr (JsonNode) root = quern_comparison_to_node (self);

  return json_to_string (root, FALSE);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Spans lie within the text and at characters' beginnings, whatever the file says. */
static guint
read_offset (JsonArray *from, guint i, guint least, const char *text)
{
  gsize length = strlen (text);
  guint offset = (guint) CLAMP (quern_json_int_at (from, i), least, (gint64) MAX (length, least));

  while (offset < length && (text[offset] & 0xc0) == 0x80)
    offset++;
  return offset;
}

static void
read_token (QuernCompareAnswer *answer, JsonArray *from)
{
  QuernCompareToken token = { .reasoning = quern_json_int_at (from, 2) != 0 };
  JsonArray *top = quern_json_array_at (from, 6);
  const char *text = token.reasoning ? quern_compare_answer_get_reasoning (answer)
                                     : quern_compare_answer_get_answer (answer);

  token.chosen = (QuernTokenChoice) { (gint32) quern_json_int_at (from, 0), quern_json_double_at (from, 1),
                                      quern_json_string_at (from, 5) };
  token.start = MIN (read_offset (from, 3, 0, text), (guint) strlen (text));
  token.end = read_offset (from, 4, token.start, text);
  token.n_top = MIN (quern_json_length (top) / 3, QUERN_COMPARE_TOP);
  for (guint i = 0; i < token.n_top; i++)
    token.top[i] = (QuernTokenChoice) { (gint32) quern_json_int_at (top, 3 * i), quern_json_double_at (top, 3 * i + 1),
                                        quern_json_string_at (top, 3 * i + 2) };
  _quern_compare_answer_restore_token (answer, &token);
}

static guint
read_count (JsonObject *object, const char *name)
{
  return (guint) CLAMP (quern_json_int (object, name, 0), 0, G_MAXINT);
}

static void
read_statistics (JsonObject *object, QuernStatistics *out)
{
  *out = (QuernStatistics) { .seed = (guint64) quern_json_int (object, "seed", 0),
                             .prompt_tokens = read_count (object, "prompt_tokens"),
                             .reused_tokens = read_count (object, "prompt_tokens_reused"),
                             .evaluated_tokens = read_count (object, "prompt_tokens_evaluated"),
                             .answer_tokens = read_count (object, "answer_tokens"),
                             .reasoning_tokens = read_count (object, "reasoning_tokens"),
                             .load_seconds = quern_json_double (object, "load_seconds", 0),
                             .first_token_seconds = quern_json_double (object, "first_token_seconds", 0),
                             .prefill_seconds = quern_json_double (object, "prefill_seconds", 0),
                             .decode_seconds = quern_json_double (object, "decode_seconds", 0),
                             .reasoning_seconds = quern_json_double (object, "reasoning_seconds", 0) };
}

/* One that was running when it was written was interrupted. */
static QuernCompareAnswer *
read_answer (JsonObject *object)
{
  QuernCompareAnswer *answer = _quern_compare_answer_new ();
  guint state = index_of (states, G_N_ELEMENTS (states), quern_json_string (object, "state", ""), QUERN_COMPARE_STOPPED);
  JsonArray *tokens = quern_json_array (object, "tokens");
  QuernStatistics statistics;

  read_statistics (quern_json_object (object, "statistics"), &statistics);
  _quern_compare_answer_set_memory (answer, (guint64) MAX (0, quern_json_int (object, "planned_memory_bytes", 0)),
                                    (guint64) MAX (0, quern_json_int (object, "peak_memory_bytes", 0)),
                                    quern_json_int (object, "together", 0) != 0);
  _quern_compare_answer_restore (answer, state < QUERN_COMPARE_DONE ? QUERN_COMPARE_STOPPED : (QuernCompareState) state,
                                 quern_json_string (object, "answer", ""), quern_json_string (object, "reasoning", ""),
                                 quern_json_string (object, "failure", NULL), &statistics);
  for (guint i = 0; i < quern_json_length (tokens); i++)
    read_token (answer, quern_json_array_at (tokens, i));
  return answer;
}

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
  quern_compare_column_set_kv_type (
      column, (QeKvType) index_of (kv_names, G_N_ELEMENTS (kv_names), quern_json_string (object, "kv_type", ""), 0));
  quern_compare_column_set_temperature (column, CLAMP (quern_json_double (object, "temperature", -1), -1, 10));
  quern_compare_column_set_sampling (column, quern_json_string (object, "sampling", NULL));
  for (guint i = 0; i < quern_json_length (answers) && i < self->turns->len; i++) {
    g_autoptr (QuernCompareAnswer) answer = read_answer (quern_json_object_at (answers, i));
    _quern_compare_column_add_answer (column, answer);
  }
  quern_comparison_add_column (self, column);
}

/* A picture that cannot be read any more is left out. */
static void
read_prompt (QuernComparison *self, JsonObject *object)
{
  g_autoptr (GListStore) pictures = g_list_store_new (QUERN_TYPE_PICTURE);
  JsonArray *from = quern_json_array (object, "pictures");

  for (guint i = 0; i < quern_json_length (from); i++) {
    gsize size;
    guchar *data = g_base64_decode (quern_json_string (quern_json_object_at (from, i), "data", ""), &size);
    g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
    g_autoptr (QuernPicture) picture = size > 0 ? quern_picture_new_from_bytes (bytes, NULL, NULL) : NULL;
    if (picture)
      g_list_store_append (pictures, picture);
  }
  _quern_comparison_restore_turn (self, quern_json_string (object, "text", ""), G_LIST_MODEL (pictures));
}

static void
read_vote (QuernComparison *self, JsonArray *from)
{
  guint n = quern_comparison_get_n_columns (self);
  gint64 turn = quern_json_int_at (from, 0), a = quern_json_int_at (from, 1), b = quern_json_int_at (from, 2);
  guint kind = index_of (votes, G_N_ELEMENTS (votes), quern_json_string_at (from, 3), G_N_ELEMENTS (votes));

  if (turn >= 0 && turn < self->turns->len && a >= 0 && a < n && b >= 0 && b < n && a != b
      && kind < G_N_ELEMENTS (votes))
    quern_comparison_vote (self, (guint) turn, (guint) a, (guint) b, (QuernVoteKind) kind);
}

static QuernComparison *
read_comparison (JsonObject *object, GListModel *models)
{
  QuernComparison *self = quern_comparison_new ();
  JsonArray *prompts = quern_json_array (object, "prompts"), *columns = quern_json_array (object, "columns");
  JsonArray *cast = quern_json_array (object, "votes");
  JsonObject *measure = quern_json_object (object, "measure");

  self->created = quern_json_int (object, "created", self->created);
  self->seed = (guint64) quern_json_int (object, "seed", 0);
  self->mode = (QuernCompareMode) index_of (modes, G_N_ELEMENTS (modes), quern_json_string (object, "mode", ""), 0);
  self->max_tokens = read_count (object, "max_tokens");
  self->n_ctx = read_count (object, "context_size");
  self->blind = quern_json_int (object, "blind", 0) != 0;
  g_set_str (&self->title, quern_json_string (object, "title", ""));
  for (guint i = 0; i < quern_json_length (prompts); i++)
    read_prompt (self, quern_json_object_at (prompts, i));
  for (guint i = 0; i < quern_json_length (columns) && i < QUERN_COMPARE_MAX_COLUMNS; i++)
    read_column (self, quern_json_object_at (columns, i), models);
  for (guint i = 0; i < quern_json_length (cast); i++)
    read_vote (self, quern_json_array_at (cast, i));
  if (measure) {
    g_autoptr (QuernMeasure) read = _quern_measure_read (measure, models);
    quern_comparison_set_measure (self, read);
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
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize size = length < 0 ? strlen (json) : (gsize) length;

  if (size <= QUERN_COMPARISON_MAX_BYTES && json_parser_load_from_data (parser, json, (gssize) size, NULL)) {
    JsonNode *root = json_parser_get_root (parser);
    JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
    gint64 version = quern_json_int (object, "version", 0);
    if (g_strcmp0 (quern_json_string (object, "format", NULL), QUERN_COMPARISON_FORMAT) == 0 && version >= 1
        && version <= QUERN_COMPARISON_VERSION)
      return read_comparison (object, models);
  }
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT,
               _("This is not a comparison that this version of Quern can read. Choose a JSON file that Quern exported."));
  return NULL;
}
