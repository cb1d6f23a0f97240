/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure.h"

#include "quern-measure-private.h"

#include <glib/gi18n-lib.h>

/* The set-up and the results of a measurement. quern-measure-run.c runs it. */

enum { PROP_0, PROP_PROGRESS, PROP_RUNNING, PROP_PAUSED, PROP_NOTE, PROP_MEMORY_LIMIT, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernMeasure, quern_measure, G_TYPE_OBJECT)

/* ---- setting up ------------------------------------------------------------------------------------------------ */

/**
 * quern_measure_new:
 *
 * Returns: (transfer full): a measurement without models and text
 */
QuernMeasure *
quern_measure_new (void)
{
  return g_object_new (QUERN_TYPE_MEASURE, NULL);
}

/* Deletes the results, because the models or the text change. */
static void
start_over (QuernMeasure *self)
{
  self->windows_done = 0;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->results)); i++)
    quern_measured_truncate (quern_measure_get_result (self, i), 0);
}

/**
 * quern_measure_add_model:
 * @kv_type: how its attention cache is kept
 *
 * The first is the reference. What was measured before is forgotten.
 *
 * Returns: (transfer none): its results, to come
 */
QuernMeasured *
quern_measure_add_model (QuernMeasure *self, QuernModel *model, QuernKvType kv_type)
{
  g_autoptr (QuernMeasured) result = quern_measured_new (model, kv_type);

  g_return_val_if_fail (!self->task, NULL);
  start_over (self);
  g_list_store_append (self->results, result);
  return result; /* the list holds it */
}

static void
add_source (QuernMeasure *self, QuernMeasureSource *source)
{
  start_over (self);
  source->category = g_strdup (self->category);
  g_ptr_array_add (self->sources, source);
}

/**
 * quern_measure_begin_category:
 * @category: (nullable): the category of all that is added from now on
 */
void
quern_measure_begin_category (QuernMeasure *self, const char *category)
{
  g_set_str (&self->category, category);
}

/**
 * quern_measure_add_text:
 * @text: ordinary text; what looks like a special token is read as its letters
 *
 * May be called more than once: pieces do not see each other.
 */
void
quern_measure_add_text (QuernMeasure *self, const char *text)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->text = g_utf8_make_valid (text, -1);
  add_source (self, source);
}

/**
 * quern_measure_add_request:
 * @answer: (array length=n_answer): the tokens that were generated from @request; they alone are scored
 *
 * Only the words of a conversation: pictures are left out, so a request with pictures must not be added.
 */
void
quern_measure_add_request (QuernMeasure *self, QuernRequest *request, const gint32 *answer, guint n_answer)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->request = quern_request_ref (request);
  source->answer = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_array_append_vals (source->answer, answer, n_answer);
  add_source (self, source);
}

/**
 * quern_measure_add_reply:
 * @request: without pictures, as for quern_measure_add_request()
 * @reasoning: (nullable): what was thought before the answer
 * @answer: what was answered, by whatever model: it alone is scored, with the reasoning
 */
void
quern_measure_add_reply (QuernMeasure *self, QuernRequest *request, const char *reasoning, const char *answer)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->request = quern_request_ref (request);
  source->reasoning = reasoning && *reasoning ? g_utf8_make_valid (reasoning, -1) : NULL;
  source->reply = g_utf8_make_valid (answer, -1);
  add_source (self, source);
}

/**
 * quern_measure_add_messages:
 * @request: without pictures, as for quern_measure_add_request()
 * @whole: the same with an answer as its last message, which may be a call of a tool: it alone is scored, in the form that the
 *   template of the reference gives it
 */
void
quern_measure_add_messages (QuernMeasure *self, QuernRequest *request, QuernRequest *whole)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->request = quern_request_ref (request);
  source->whole = quern_request_new_without (whole, 0);
  quern_request_set_complete (source->whole, TRUE);
  source->reply = quern_request_dup_last (whole);
  add_source (self, source);
}

/**
 * quern_measure_set_source:
 * @name: what the text is, to be shown: "notes.txt"
 */
void
quern_measure_set_source (QuernMeasure *self, const char *name)
{
  g_set_str (&self->source_name, name);
}

const char *
quern_measure_get_source (QuernMeasure *self)
{
  return self->source_name;
}

/**
 * quern_measure_set_context_size:
 * @n_tokens: of a window; a text that is longer is cut into windows, of which the second half is scored
 */
void
quern_measure_set_context_size (QuernMeasure *self, guint n_tokens)
{
  self->n_ctx = CLAMP (n_tokens, 16, 1 << 20);
}

guint
quern_measure_get_context_size (QuernMeasure *self)
{
  return self->n_ctx;
}

/**
 * quern_measure_set_windows:
 *
 * What was measured before is forgotten if this changes.
 */
void
quern_measure_set_windows (QuernMeasure *self, QuernMeasureWindows windows)
{
  g_return_if_fail (!self->task);
  if (self->windows == windows)
    return;
  self->windows = windows;
  start_over (self);
}

QuernMeasureWindows
quern_measure_get_windows (QuernMeasure *self)
{
  return self->windows;
}

/**
 * quern_measure_set_top:
 * @top: over how many of the reference's likeliest tokens a second divergence is measured, up to
 *   %QUERN_DIVERGENCE_MOST_TOP; 0: none is
 *
 * Such figures stand beside those of programs that only tell the log-probabilities of so many tokens.
 */
void
quern_measure_set_top (QuernMeasure *self, guint top)
{
  g_return_if_fail (!self->task);
  if (self->top == top)
    return;
  self->top = MIN (top, QUERN_DIVERGENCE_MOST_TOP);
  start_over (self);
}

guint
quern_measure_get_top (QuernMeasure *self)
{
  return self->top;
}

/* Sets whether all divergences are over the top tokens, because of some model more is not known. */
void
_quern_measure_set_top_only (QuernMeasure *self, gboolean top_only)
{
  self->top_only = top_only;
  if (top_only && self->top == 0)
    self->top = QUERN_MEASURE_SERVED_TOP;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->results)); i++)
    quern_measured_set_top_only (quern_measure_get_result (self, i), top_only ? self->top : 0);
}

/**
 * quern_measure_get_top_only:
 *
 * Returns: whether the divergence of every model is that over the quern_measure_get_top() likeliest tokens of the reference,
 *   with all others taken as one; known when a run has begun
 */
gboolean
quern_measure_get_top_only (QuernMeasure *self)
{
  return self->top_only;
}

/**
 * quern_measure_dup_marked:
 * @heading: what says that something is a divergence
 *
 * Returns: (transfer full): @heading, with the number of tokens where the divergence is over so many alone
 */
char *
quern_measure_dup_marked (QuernMeasure *self, const char *heading)
{
  /* Translators: a heading such as “Divergence”; number of tokens */
  return self->top_only ? g_strdup_printf (_("%s, top %u tokens"), heading, self->top) : g_strdup (heading);
}

void
quern_measure_set_threads (QuernMeasure *self, guint n_threads)
{
  self->n_threads = n_threads;
}

/* ---- what came of it ------------------------------------------------------------------------------------------- */

/**
 * quern_measure_get_results:
 *
 * Returns: (transfer none): of #QuernMeasured, the reference first
 */
GListModel *
quern_measure_get_results (QuernMeasure *self)
{
  return G_LIST_MODEL (self->results);
}

/**
 * quern_measure_get_result:
 *
 * Returns: (transfer none)
 */
QuernMeasured *
quern_measure_get_result (QuernMeasure *self, guint i)
{
  g_autoptr (QuernMeasured) result = g_list_model_get_item (G_LIST_MODEL (self->results), i);

  return result; /* the list holds it */
}

gboolean
quern_measure_get_running (QuernMeasure *self)
{
  return self->task != NULL;
}

gboolean
quern_measure_get_paused (QuernMeasure *self)
{
  return self->paused;
}

/**
 * quern_measure_get_complete:
 *
 * Returns: whether the whole text was measured with every model
 */
gboolean
quern_measure_get_complete (QuernMeasure *self)
{
  return self->n_windows > 0 && self->windows_done == self->n_windows;
}

double
quern_measure_get_progress (QuernMeasure *self)
{
  return self->progress;
}

/**
 * quern_measure_get_note:
 *
 * Returns: (nullable): sentences on how the figures were made: that the text was cut, that models were run one at a time
 */
const char *
quern_measure_get_note (QuernMeasure *self)
{
  return self->note;
}

/**
 * quern_measure_get_n_windows:
 *
 * Returns: into how many windows the text is cut; 0 before a run has begun
 */
guint
quern_measure_get_n_windows (QuernMeasure *self)
{
  return self->n_windows;
}

/**
 * quern_measure_get_text_sha256:
 *
 * Returns: (nullable): SHA-256 of the text as it was added, or, of conversations and answers, as the models got it; %NULL
 *   before a run has begun
 */
const char *
quern_measure_get_text_sha256 (QuernMeasure *self)
{
  return self->text_sha256;
}

const char *
quern_measure_get_text (QuernMeasure *self)
{
  return self->text->str;
}

guint
quern_measure_get_n_tokens (QuernMeasure *self)
{
  return self->ends->len;
}

void
quern_measure_get_token_span (QuernMeasure *self, guint token, guint *start, guint *end)
{
  g_return_if_fail (token < self->ends->len);
  *start = token > 0 ? g_array_index (self->ends, guint, token - 1) : 0;
  *end = g_array_index (self->ends, guint, token);
}

guint
quern_measure_get_position_token (QuernMeasure *self, guint i)
{
  g_return_val_if_fail (i < self->position_tokens->len, 0);
  return g_array_index (self->position_tokens, guint, i);
}

/**
 * quern_measure_get_candidate:
 * @id: of a candidate in one of the results
 *
 * Returns: (transfer none): its text; invalid UTF-8 as U+FFFD
 */
const char *
quern_measure_get_candidate (QuernMeasure *self, gint32 id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const char *text = g_hash_table_lookup (self->candidates, GINT_TO_POINTER (id));

  return text ? text : "";
}

double
quern_measure_get_noise_floor (QuernMeasure *self)
{
  return self->noise;
}

/* ---- restoring ------------------------------------------------------------------------------------------------- */

void
_quern_measure_restore (QuernMeasure *self, const char *text, GArray *ends, GArray *position_tokens, guint windows_done,
                        guint n_windows, double noise)
{
  g_string_assign (self->text, text);
  g_array_set_size (self->ends, 0);
  g_array_append_vals (self->ends, ends->data, ends->len);
  g_array_set_size (self->position_tokens, 0);
  g_array_append_vals (self->position_tokens, position_tokens->data, position_tokens->len);
  self->windows_done = windows_done;
  self->n_windows = n_windows;
  self->noise = noise;
  _quern_measure_update_progress (self);
}

void
_quern_measure_restore_piece (QuernMeasure *self, const gint32 *tokens, guint n, guint first, const char *category)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  source->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  source->first = first;
  source->category = g_strdup (category);
  g_array_append_vals (source->tokens, tokens, n);
  g_ptr_array_add (self->sources, source);
}

/* Takes all pieces together; they must be tokenised. */
void
_quern_measure_restore_pieces (QuernMeasure *self, GPtrArray *pieces)
{
  g_ptr_array_ref (pieces);
  g_ptr_array_unref (self->sources);
  self->sources = pieces;
}

void
_quern_measure_restore_result (QuernMeasure *self, QuernMeasured *result)
{
  g_list_store_append (self->results, result);
}

void
_quern_measure_restore_candidate (QuernMeasure *self, gint32 id, const char *text)
{
  g_hash_table_insert (self->candidates, GINT_TO_POINTER (id), g_strdup (text));
}

void
_quern_measure_restore_text_sha256 (QuernMeasure *self, const char *sha256)
{
  g_set_str (&self->text_sha256, sha256);
}

void
_quern_measure_restore_note (QuernMeasure *self, const char *note)
{
  g_set_str (&self->note, note);
}

guint
_quern_measure_get_windows_done (QuernMeasure *self)
{
  return self->windows_done;
}

/* Returns the number of positions of a complete measurement. */
guint
_quern_measure_get_n_rows (QuernMeasure *self)
{
  return self->position_tokens->len;
}

/* Call it only while nothing runs. */
GHashTable *
_quern_measure_get_candidates (QuernMeasure *self)
{
  return self->candidates;
}

GPtrArray *
_quern_measure_get_sources (QuernMeasure *self)
{
  return self->sources;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_measure_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  switch (prop_id) {
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  case PROP_RUNNING: g_value_set_boolean (value, self->task != NULL); break;
  case PROP_PAUSED: g_value_set_boolean (value, self->paused); break;
  case PROP_NOTE: g_value_set_string (value, self->note); break;
  case PROP_MEMORY_LIMIT: g_value_set_uint64 (value, self->memory_limit); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_measure_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  switch (prop_id) {
  case PROP_PAUSED: quern_measure_set_paused (self, g_value_get_boolean (value)); break;
  case PROP_MEMORY_LIMIT: self->memory_limit = g_value_get_uint64 (value); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_measure_finalize (GObject *object)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  g_clear_object (&self->results);
  g_ptr_array_unref (self->sources);
  g_free (self->source_name);
  g_free (self->category);
  g_free (self->text_sha256);
  g_string_free (self->text, TRUE);
  g_array_unref (self->ends);
  g_array_unref (self->position_tokens);
  g_array_unref (self->window_rows);
  g_hash_table_unref (self->candidates);
  g_mutex_clear (&self->lock);
  g_free (self->note);
  G_OBJECT_CLASS (quern_measure_parent_class)->finalize (object);
}

static void
quern_measure_class_init (QuernMeasureClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_measure_get_property;
  object_class->set_property = quern_measure_set_property;
  object_class->finalize = quern_measure_finalize;
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, readable);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, readable);
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, writable);
  properties[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, NULL, readable);
  properties[PROP_MEMORY_LIMIT] = g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, writable);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

/* Two files with the same quantisation are labelled with their titles. */
static void
results_changed_cb (QuernMeasure *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));

  for (guint i = 0; i < n; i++) {
    const QuernModelFacts *facts = quern_measured_get_facts (quern_measure_get_result (self, i));
    gboolean shares = FALSE;
    for (guint k = 0; k < n; k++) {
      const QuernModelFacts *other = quern_measured_get_facts (quern_measure_get_result (self, k));
      shares |= g_strcmp0 (facts->quantisation, other->quantisation) == 0
                && g_strcmp0 (facts->title, other->title) != 0;
    }
    quern_measured_set_shares_quantisation (quern_measure_get_result (self, i), shares);
  }
}

static void
quern_measure_init (QuernMeasure *self)
{
  self->results = g_list_store_new (QUERN_TYPE_MEASURED);
  g_signal_connect_object (self->results, "items-changed", G_CALLBACK (results_changed_cb), self, G_CONNECT_SWAPPED);
  self->sources = g_ptr_array_new_with_free_func (_quern_measure_source_free);
  self->n_ctx = QUERN_MEASURE_CONTEXT;
  self->text = g_string_new (NULL);
  self->ends = g_array_new (FALSE, FALSE, sizeof (guint));
  self->position_tokens = g_array_new (FALSE, FALSE, sizeof (guint));
  self->window_rows = g_array_new (FALSE, FALSE, sizeof (guint));
  self->candidates = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->noise = -1;
  g_mutex_init (&self->lock);
}
