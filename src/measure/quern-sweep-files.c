/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-measure-json.h"
#include "quern-sha256.h"

/* ---- the plan -------------------------------------------------------------------------------------------------- */

void
_quern_sweep_plan_free (QuernSweepPlan *plan)
{
  if (!plan)
    return;
  g_free (plan->key);
  g_array_unref (plan->tokens);
  g_array_unref (plan->windows);
  g_ptr_array_unref (plan->pieces);
  g_clear_pointer (&plan->position_tokens, g_array_unref);
  g_string_free (plan->text, TRUE);
  g_array_unref (plan->ends);
  g_free (plan);
}

static QuernSweepPlan *
quern_sweep_plan_new_empty (void)
{
  QuernSweepPlan *plan = g_new0 (QuernSweepPlan, 1);

  plan->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  plan->windows = g_array_new (FALSE, FALSE, sizeof (QuernMeasureWindow));
  plan->pieces = g_ptr_array_new_with_free_func (_quern_measure_source_free);
  plan->text = g_string_new (NULL);
  plan->ends = g_array_new (FALSE, FALSE, sizeof (guint));
  return plan;
}

static void
write_numbers (JsonBuilder *out, const char *name, const GArray *numbers)
{
  json_builder_set_member_name (out, name);
  json_builder_begin_array (out);
  for (guint i = 0; i < numbers->len; i++)
    json_builder_add_int_value (out, g_array_index (numbers, guint, i));
  json_builder_end_array (out);
}

static char *
quern_sweep_plan_to_json (const QuernSweepPlan *plan)
{
  g_autoptr (JsonBuilder) out = json_builder_new ();
  g_autofree char *vocabulary = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", plan->vocabulary);

  json_builder_begin_object (out);
  quern_json_add_int (out, "context", plan->n_ctx);
  quern_json_add_int (out, "n_vocab", plan->n_vocab);
  quern_json_add_string (out, "vocabulary", vocabulary);
  quern_json_add_string (out, "text", plan->text->str);
  write_numbers (out, "ends", plan->ends);
  write_numbers (out, "tokens", plan->tokens);
  json_builder_set_member_name (out, "windows");
  json_builder_begin_array (out);
  for (guint i = 0; i < plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (plan->windows, QuernMeasureWindow, i);
    json_builder_add_int_value (out, window->base);
    json_builder_add_int_value (out, window->n);
    json_builder_add_int_value (out, window->first);
    json_builder_add_int_value (out, window->end);
  }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "pieces");
  json_builder_begin_array (out);
  for (guint i = 0; i < plan->pieces->len; i++) {
    const QuernMeasureSource *piece = plan->pieces->pdata[i];
    json_builder_begin_object (out);
    quern_json_add_int (out, "tokens", piece->tokens->len);
    quern_json_add_int (out, "first", piece->first);
    quern_json_add_string (out, "category", piece->category);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
  json_builder_end_object (out);
  g_autoptr (JsonNode) root = json_builder_get_root (out);
  return json_to_string (root, FALSE);
}

/* What follows from the rest. */
static void
quern_sweep_plan_complete (QuernSweepPlan *plan, const char *json)
{
  plan->key = quern_sha256_of_data (json, strlen (json));
  plan->position_tokens = _quern_measure_windows_list_positions (plan->windows);
}

/* Tokenises the text with the reference's vocabulary and template. Blocks. */
QuernSweepPlan *
_quern_sweep_plan_new (QuernOpenFile *file, GPtrArray *sources, QuernMeasureWindows windows, guint n_ctx,
                       GError **error)
{
  g_autoptr (QuernMeasurePlan) made = _quern_measure_plan_new (file, sources, windows, n_ctx, error);
  QuernSweepPlan *plan;

  if (!made)
    return NULL;
  plan = quern_sweep_plan_new_empty ();
  plan->n_ctx = n_ctx;
  plan->vocabulary = quern_open_file_get_vocabulary (file, &plan->n_vocab);
  g_array_append_vals (plan->tokens, made->tokens->data, made->tokens->len);
  g_array_append_vals (plan->windows, made->windows->data, made->windows->len);
  g_ptr_array_unref (plan->pieces);
  plan->pieces = g_ptr_array_ref (made->pieces);
  quern_open_file_decode (file, plan->tokens, plan->text, plan->ends);
  g_autofree char *json = quern_sweep_plan_to_json (plan);
  quern_sweep_plan_complete (plan, json);
  return plan;
}

gboolean
_quern_sweep_plan_save (const QuernSweepPlan *plan, const char *path, const char *key, GError **error)
{
  g_autoptr (QuernBlockFile) file = quern_block_file_open (path, key, NULL, error);
  g_autofree char *json = quern_sweep_plan_to_json (plan);

  return file && quern_block_file_truncate (file, 0, error)
         && quern_block_file_append (file, json, strlen (json), error);
}

/* Its checksum says that it is what was written: only whether it is whole is looked at. */
static QuernSweepPlan *
quern_sweep_plan_from_json (const char *json)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (QuernSweepPlan) plan = quern_sweep_plan_new_empty ();

  if (!json_parser_load_from_data (parser, json, -1, NULL) || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return NULL;
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  JsonArray *ends = quern_json_array (object, "ends"), *tokens = quern_json_array (object, "tokens"),
            *windows = quern_json_array (object, "windows"), *pieces = quern_json_array (object, "pieces");
  guint begin = 0;

  plan->n_ctx = (guint) quern_json_int (object, "context", 0);
  plan->n_vocab = (guint) quern_json_int (object, "n_vocab", 0);
  plan->vocabulary = g_ascii_strtoull (quern_json_string (object, "vocabulary", ""), NULL, 16);
  g_string_assign (plan->text, quern_json_string (object, "text", ""));
  for (guint i = 0; i < quern_json_length (tokens); i++) {
    gint32 token = (gint32) quern_json_int_at (tokens, i);
    guint end = (guint) quern_json_int_at (ends, i);
    g_array_append_val (plan->tokens, token);
    g_array_append_val (plan->ends, end);
  }
  for (guint i = 0; i + 3 < quern_json_length (windows); i += 4) {
    QuernMeasureWindow window = { (guint) quern_json_int_at (windows, i), (guint) quern_json_int_at (windows, i + 1),
                                  (guint) quern_json_int_at (windows, i + 2),
                                  (guint) quern_json_int_at (windows, i + 3) };
    g_array_append_val (plan->windows, window);
  }
  for (guint i = 0; i < quern_json_length (pieces); i++) {
    JsonObject *from = quern_json_object_at (pieces, i);
    QuernMeasureSource *piece = g_new0 (QuernMeasureSource, 1);
    guint n = (guint) CLAMP (quern_json_int (from, "tokens", 0), 0, plan->tokens->len - begin);
    piece->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    g_array_append_vals (piece->tokens, (const gint32 *) (gconstpointer) plan->tokens->data + begin, n);
    piece->first = (guint) quern_json_int (from, "first", 0);
    piece->category = g_strdup (quern_json_string (from, "category", NULL));
    g_ptr_array_add (plan->pieces, piece);
    begin += n;
  }
  if (plan->windows->len == 0 || plan->n_vocab == 0 || quern_json_length (ends) != plan->tokens->len)
    return NULL;
  quern_sweep_plan_complete (plan, json);
  return g_steal_pointer (&plan);
}

/* Returns NULL without an error if there is none, or it is damaged. */
QuernSweepPlan *
_quern_sweep_plan_load (const char *path, const char *key, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernBlockFile) file = quern_block_file_open (path, key, cancellable, error);

  if (!file || quern_block_file_get_n (file) == 0)
    return NULL;
  g_autoptr (GBytes) block = quern_block_file_dup_block (file, 0, error);
  if (!block)
    return NULL;
  gsize size;
  const char *data = g_bytes_get_data (block, &size);
  g_autofree char *json = g_strndup (data, size);
  return quern_sweep_plan_from_json (json);
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Block 0 has the facts of the model as JSON, and each further one a window: a WindowHead and its positions. */

typedef struct {
  double seconds, lost;
  guint32 n_evaluated, n;
} WindowHead;

typedef struct {
  double nll_reference, nll, kld, delta_p;
  gint32 token;
  guint32 same_top;
} Position;

QuernSweepWindow *
_quern_sweep_window_new (void)
{
  QuernSweepWindow *window = g_new0 (QuernSweepWindow, 1);

  window->positions = g_array_new (FALSE, FALSE, sizeof (QuernDivergence));
  return window;
}

void
_quern_sweep_window_free (QuernSweepWindow *window)
{
  g_array_unref (window->positions);
  g_free (window);
}

guint
_quern_sweep_rows_get_n_windows (QuernBlockFile *file)
{
  return MAX (quern_block_file_get_n (file), 1) - 1;
}

gboolean
_quern_sweep_rows_begin (QuernBlockFile *file, const QuernModelFacts *facts, GError **error)
{
  g_autoptr (JsonBuilder) out = json_builder_new ();

  json_builder_begin_object (out);
  _quern_model_facts_write (facts, out);
  json_builder_end_object (out);
  g_autoptr (JsonNode) root = json_builder_get_root (out);
  g_autofree char *json = json_to_string (root, FALSE);
  return quern_block_file_truncate (file, 0, error) && quern_block_file_append (file, json, strlen (json), error);
}

/* `facts` must be empty. */
gboolean
_quern_sweep_rows_read_facts (QuernBlockFile *file, QuernModelFacts *facts)
{
  g_autoptr (GBytes) block = quern_block_file_get_n (file) > 0 ? quern_block_file_dup_block (file, 0, NULL) : NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (!block
      || !json_parser_load_from_data (parser, g_bytes_get_data (block, NULL), (gssize) g_bytes_get_size (block), NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return FALSE;
  _quern_model_facts_read (json_node_get_object (json_parser_get_root (parser)), facts);
  return TRUE;
}

gboolean
_quern_sweep_rows_add (QuernBlockFile *file, const QuernSweepWindow *window, GError **error)
{
  g_autoptr (GByteArray) block = g_byte_array_new ();
  const WindowHead head = { window->seconds, window->lost, window->n_evaluated, window->positions->len };

  g_byte_array_append (block, (const guint8 *) &head, sizeof head);
  for (guint i = 0; i < window->positions->len; i++) {
    const QuernDivergence *d = &g_array_index (window->positions, QuernDivergence, i);
    const Position position = { d->nll_reference, d->nll, d->kld, d->delta_p, d->token, d->same_top ? 1 : 0 };
    g_byte_array_append (block, (const guint8 *) &position, sizeof position);
  }
  return quern_block_file_append (file, block->data, block->len, error);
}

/* Returns (transfer full): window i, or NULL with an error. */
QuernSweepWindow *
_quern_sweep_rows_read (QuernBlockFile *file, guint i, GError **error)
{
  g_autoptr (GBytes) block = quern_block_file_dup_block (file, i + 1, error);
  gsize size;
  const char *data = block ? g_bytes_get_data (block, &size) : NULL;
  WindowHead head = { 0 };

  if (!data)
    return NULL;
  if (size >= sizeof head)
    memcpy (&head, data, sizeof head);
  if (size < sizeof head || (size - sizeof head) / sizeof (Position) != head.n) {
    g_set_error_literal (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_DAMAGED,
                         _("A file of the sweep is of another version of Quern."));
    return NULL;
  }
  QuernSweepWindow *window = _quern_sweep_window_new ();
  window->seconds = head.seconds;
  window->lost = head.lost;
  window->n_evaluated = head.n_evaluated;
  for (guint j = 0; j < head.n; j++) {
    Position p;
    memcpy (&p, data + sizeof head + j * sizeof p, sizeof p);
    QuernDivergence d = { .token = p.token,
                          .nll_reference = p.nll_reference,
                          .nll = p.nll,
                          .kld = p.kld,
                          .delta_p = p.delta_p,
                          .same_top = p.same_top != 0,
                          .window = i,
                          .kld_top = NAN };
    for (guint k = 0; k < QUERN_DIVERGENCE_TOP; k++)
      d.top[k].id = d.top_reference[k].id = -1;
    g_array_append_val (window->positions, d);
  }
  return window;
}
