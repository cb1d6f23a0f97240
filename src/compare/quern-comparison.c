/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-json.h"
#include "quern-comparison-private.h"
#include "quern-questions.h"

enum {
  PROP_0,
  PROP_TITLE,
  PROP_RUNNING,
  PROP_MODE,
  PROP_SEED,
  PROP_MAX_TOKENS,
  PROP_CONTEXT_SIZE,
  PROP_N_TURNS,
  PROP_N_VOTES,
  PROP_BLIND,
  PROP_MEASURE,
  PROP_QUESTIONS,
  PROP_NOTE,
  PROP_MEMORY_LIMIT,
  N_PROPS
};
enum { SIGNAL_CHANGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernComparison, quern_comparison, G_TYPE_OBJECT)

static void
turn_free (gpointer data)
{
  QuernCompareTurn *turn = data;

  g_free (turn->prompt);
  g_object_unref (turn->pictures);
  g_free (turn);
}

static void
quern_comparison_changed (QuernComparison *self, guint property)
{
  if (property)
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
_quern_comparison_notify_running (QuernComparison *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NOTE]);
  if (!self->task)
    quern_comparison_changed (self, 0);
}

/* Emits "changed" for a change that no property reports, so that it is saved. */
void
_quern_comparison_changed (QuernComparison *self)
{
  quern_comparison_changed (self, 0);
}

void
_quern_comparison_notify_votes (QuernComparison *self)
{
  quern_comparison_changed (self, PROP_N_VOTES);
}

void
_quern_comparison_note_machine (QuernComparison *self)
{
  quern_compare_machine_set_here (&self->machine);
}

/* ---- what it is ------------------------------------------------------------------------------------------------ */

/**
 * quern_comparison_new:
 *
 * Returns: (transfer full): a comparison without columns
 */
QuernComparison *
quern_comparison_new (void)
{
  return g_object_new (QUERN_TYPE_COMPARISON, NULL);
}

/**
 * quern_comparison_get_id:
 *
 * Returns: the number it is stored under, 0 before it was
 */
gint64
quern_comparison_get_id (QuernComparison *self)
{
  return self->id;
}

void
quern_comparison_set_id (QuernComparison *self, gint64 id)
{
  self->id = id;
}

/**
 * quern_comparison_get_created:
 *
 * Returns: microseconds since 1970, UTC
 */
gint64
quern_comparison_get_created (QuernComparison *self)
{
  return self->created;
}

const char *
quern_comparison_get_title (QuernComparison *self)
{
  return self->title;
}

void
quern_comparison_set_title (QuernComparison *self, const char *title)
{
  if (g_set_str (&self->title, title ? title : ""))
    quern_comparison_changed (self, PROP_TITLE);
}

QuernCompareMode
quern_comparison_get_mode (QuernComparison *self)
{
  return self->mode;
}

/**
 * quern_comparison_get_seed:
 *
 * Returns: what the random numbers of all columns are made from
 */
guint64
quern_comparison_get_seed (QuernComparison *self)
{
  return self->seed;
}

/**
 * quern_comparison_get_note:
 *
 * Returns: (nullable): that the last run had to be done otherwise than was asked for
 */
const char *
quern_comparison_get_note (QuernComparison *self)
{
  return self->note;
}

/* ---- prompts --------------------------------------------------------------------------------------------------- */

guint
quern_comparison_get_n_turns (QuernComparison *self)
{
  return self->turns->len;
}

const char *
quern_comparison_get_prompt (QuernComparison *self, guint turn)
{
  g_return_val_if_fail (turn < self->turns->len, NULL);
  return ((QuernCompareTurn *) self->turns->pdata[turn])->prompt;
}

/**
 * quern_comparison_get_pictures:
 *
 * Returns: (transfer none): of #QuernPicture
 */
GListModel *
quern_comparison_get_pictures (QuernComparison *self, guint turn)
{
  g_return_val_if_fail (turn < self->turns->len, NULL);
  return G_LIST_MODEL (((QuernCompareTurn *) self->turns->pdata[turn])->pictures);
}

void
_quern_comparison_restore_turn (QuernComparison *self, const char *prompt, GListModel *pictures)
{
  QuernCompareTurn *turn = g_new (QuernCompareTurn, 1);

  *turn = (QuernCompareTurn) { g_utf8_make_valid (prompt, -1), g_list_store_new (QUERN_TYPE_PICTURE) };
  for (guint i = 0; pictures && i < g_list_model_get_n_items (pictures); i++) {
    g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, i);
    g_list_store_append (turn->pictures, picture);
  }
  g_ptr_array_add (self->turns, turn);
  if (!*self->title) { /* the first line of the first prompt, or its beginning, is the title */
    g_autofree char *line = g_strndup (turn->prompt, strcspn (turn->prompt, "\n"));
    if (g_utf8_strlen (line, -1) > 60) {
      g_autofree char *beginning = g_utf8_substring (line, 0, 60);
      g_free (line);
      line = g_strconcat (beginning, "…", NULL);
    }
    quern_comparison_set_title (self, line);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TURNS]);
}

/**
 * quern_comparison_get_fork:
 * @out: (out caller-allocates): where columns @a and @b part in their answers to prompt @turn
 *
 * Token ids are compared, which means something only for models of one vocabulary.
 */
void
quern_comparison_get_fork (QuernComparison *self, guint turn, guint a, guint b, QuernFork *out)
{
  QuernCompareColumn *left = quern_comparison_get_column (self, a), *right = quern_comparison_get_column (self, b);

  g_return_if_fail (left && right && turn < self->turns->len);
  quern_compare_answer_fork (quern_compare_column_get_answer (left, turn),
                             quern_compare_column_get_answer (right, turn), out);
  out->same_context = quern_compare_column_thinks (left) == quern_compare_column_thinks (right);
  for (guint i = 0; i < turn && out->same_context; i++)
    out->same_context = g_str_equal (quern_compare_answer_get_answer (quern_compare_column_get_answer (left, i)),
                                     quern_compare_answer_get_answer (quern_compare_column_get_answer (right, i)));
}

/* ---- measurement ----------------------------------------------------------------------------------------------- */

/**
 * quern_comparison_get_measure:
 *
 * Returns: (transfer none) (nullable)
 */
QuernMeasure *
quern_comparison_get_measure (QuernComparison *self)
{
  return self->measure;
}

static void
measure_running_cb (QuernComparison *self)
{
  if (quern_measure_get_running (self->measure))
    _quern_comparison_note_machine (self);
  if (!quern_measure_get_running (self->measure))
    quern_comparison_changed (self, 0);
}

/**
 * quern_comparison_set_measure:
 *
 * Keeps a measurement with the comparison; saved whenever a run of it ends.
 */
void
quern_comparison_set_measure (QuernComparison *self, QuernMeasure *measure)
{
  if (self->measure == measure)
    return;
  if (self->measure)
    g_signal_handlers_disconnect_by_data (self->measure, self);
  g_set_object (&self->measure, measure);
  if (measure)
    g_signal_connect_object (measure, "notify::running", G_CALLBACK (measure_running_cb), self, G_CONNECT_SWAPPED);
  quern_comparison_changed (self, PROP_MEASURE);
}

/**
 * quern_comparison_get_questions:
 *
 * Returns: (transfer none) (nullable): the question set that was put to the columns last
 */
QuernQuestions *
quern_comparison_get_questions (QuernComparison *self)
{
  return self->questions;
}

static void
questions_running_cb (QuernComparison *self)
{
  if (quern_questions_get_running (self->questions))
    _quern_comparison_note_machine (self);
  else
    quern_comparison_changed (self, 0);
}

/**
 * quern_comparison_set_questions:
 *
 * Keeps a question set with the comparison; saved whenever a run of it ends.
 */
void
quern_comparison_set_questions (QuernComparison *self, QuernQuestions *questions)
{
  if (self->questions == questions)
    return;
  if (self->questions)
    g_signal_handlers_disconnect_by_data (self->questions, self);
  g_set_object (&self->questions, questions);
  if (questions)
    g_signal_connect_object (questions, "notify::running", G_CALLBACK (questions_running_cb), self, G_CONNECT_SWAPPED);
  quern_comparison_changed (self, PROP_QUESTIONS);
}

gboolean
quern_comparison_is_empty (QuernComparison *self)
{
  return self->turns->len == 0 && !self->measure && !self->questions;
}

/**
 * quern_comparison_get_machine:
 *
 * Returns: (transfer none): the machine that made the figures; valid until the next run
 */
const QuernCompareMachine *
quern_comparison_get_machine (QuernComparison *self)
{
  return &self->machine;
}

/**
 * quern_comparison_add_answers:
 * @column: whose answers are to be the text: the reference's
 *
 * Adds the answers of a column to @measure, each behind its prompt. Those to prompts with pictures are left out.
 */
void
quern_comparison_add_answers (QuernComparison *self, guint column, QuernMeasure *measure)
{
  QuernCompareColumn *source = quern_comparison_get_column (self, column);

  g_return_if_fail (source);
  for (guint turn = 0; turn < self->turns->len; turn++) {
    QuernCompareAnswer *answer = quern_compare_column_get_answer (source, turn);
    g_autoptr (QuernRequest) request = quern_comparison_build_request (self, source, turn);
    g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    for (guint i = 0; i < quern_compare_answer_get_n_tokens (answer); i++)
      g_array_append_val (tokens, quern_compare_answer_get_token (answer, i)->chosen.id);
    if (tokens->len > 0 && !quern_request_has_pictures (request))
      quern_measure_add_request (measure, request, (const gint32 *) (void *) tokens->data, tokens->len);
  }
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_comparison_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernComparison *self = QUERN_COMPARISON (object);

  switch (prop_id) {
  case PROP_TITLE: g_value_set_string (value, self->title); break;
  case PROP_RUNNING: g_value_set_boolean (value, self->task != NULL); break;
  case PROP_MODE: g_value_set_int (value, (int) self->mode); break;
  case PROP_SEED: g_value_set_uint64 (value, self->seed); break;
  case PROP_MAX_TOKENS: g_value_set_uint (value, self->max_tokens); break;
  case PROP_CONTEXT_SIZE: g_value_set_uint (value, self->n_ctx); break;
  case PROP_N_TURNS: g_value_set_uint (value, self->turns->len); break;
  case PROP_N_VOTES: g_value_set_uint (value, self->votes->len); break;
  case PROP_BLIND: g_value_set_boolean (value, self->blind); break;
  case PROP_MEASURE: g_value_set_object (value, self->measure); break;
  case PROP_QUESTIONS: g_value_set_object (value, self->questions); break;
  case PROP_NOTE: g_value_set_string (value, self->note); break;
  case PROP_MEMORY_LIMIT: g_value_set_uint64 (value, self->memory_limit); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_comparison_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernComparison *self = QUERN_COMPARISON (object);

  switch (prop_id) {
  case PROP_TITLE: quern_comparison_set_title (self, g_value_get_string (value)); return;
  case PROP_MEASURE: quern_comparison_set_measure (self, g_value_get_object (value)); return;
  case PROP_QUESTIONS: quern_comparison_set_questions (self, g_value_get_object (value)); return;
  case PROP_MODE: self->mode = (QuernCompareMode) g_value_get_int (value); break;
  case PROP_SEED: self->seed = g_value_get_uint64 (value); break;
  case PROP_MAX_TOKENS: self->max_tokens = g_value_get_uint (value); break;
  case PROP_CONTEXT_SIZE: self->n_ctx = g_value_get_uint (value); break;
  case PROP_BLIND: self->blind = g_value_get_boolean (value); break;
  case PROP_MEMORY_LIMIT: self->memory_limit = g_value_get_uint64 (value); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec); return;
  }
  quern_comparison_changed (self, prop_id);
}

static void
quern_comparison_finalize (GObject *object)
{
  QuernComparison *self = QUERN_COMPARISON (object);

  g_free (self->title);
  g_free (self->note);
  g_clear_object (&self->columns);
  g_ptr_array_unref (self->turns);
  g_array_unref (self->votes);
  g_clear_object (&self->measure);
  g_clear_object (&self->questions);
  quern_compare_machine_clear (&self->machine);
  G_OBJECT_CLASS (quern_comparison_parent_class)->finalize (object);
}

static void
quern_comparison_class_init (QuernComparisonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_comparison_get_property;
  object_class->set_property = quern_comparison_set_property;
  object_class->finalize = quern_comparison_finalize;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", writable);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, readable);
  properties[PROP_MODE] = g_param_spec_int ("mode", NULL, NULL, 0, QUERN_COMPARE_TOGETHER, 0, writable);
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, writable);
  properties[PROP_MAX_TOKENS] = g_param_spec_uint ("max-tokens", NULL, NULL, 0, G_MAXUINT, 0, writable);
  properties[PROP_CONTEXT_SIZE] = g_param_spec_uint ("context-size", NULL, NULL, 0, G_MAXUINT, 0, writable);
  properties[PROP_N_TURNS] = g_param_spec_uint ("n-turns", NULL, NULL, 0, G_MAXUINT, 0, readable);
  properties[PROP_N_VOTES] = g_param_spec_uint ("n-votes", NULL, NULL, 0, G_MAXUINT, 0, readable);
  properties[PROP_BLIND] = g_param_spec_boolean ("blind", NULL, NULL, FALSE, writable);
  properties[PROP_MEASURE] = g_param_spec_object ("measure", NULL, NULL, QUERN_TYPE_MEASURE, writable);
  properties[PROP_QUESTIONS] = g_param_spec_object ("questions", NULL, NULL, QUERN_TYPE_QUESTIONS, writable);
  properties[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, NULL, readable);
  properties[PROP_MEMORY_LIMIT] = g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, writable);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_COMPARISON, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
}

static void
quern_comparison_init (QuernComparison *self)
{
  self->title = g_strdup ("");
  self->created = g_get_real_time ();
  self->seed = g_random_int ();
  quern_compare_machine_set_here (&self->machine);
  self->columns = g_list_store_new (QUERN_TYPE_COMPARE_COLUMN);
  self->turns = g_ptr_array_new_with_free_func (turn_free);
  self->votes = g_array_new (FALSE, FALSE, sizeof (QuernVote));
}
