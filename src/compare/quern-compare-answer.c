/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-answer.h"

#include <string.h>

#include "quern-compare-answer-private.h"

struct _QuernCompareAnswer {
  GObject parent_instance;

  QuernCompareState state;
  double progress;
  GString *answer, *reasoning;
  GArray *tokens;      /* of QuernGeneratedToken */
  GStringChunk *texts; /* text of tokens; a chunk never moves, so tokens may point into it */
  QuernStatistics statistics;
  char *failure;
  guint64 planned, peak;
  gboolean together;
  QuernAnswerSettings settings;
};

enum { PROP_0, PROP_STATE, PROP_PROGRESS, PROP_ANSWER, PROP_REASONING, N_PROPS };
enum { SIGNAL_TEXT, SIGNAL_CHANGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernCompareAnswer, quern_compare_answer, G_TYPE_OBJECT)

/* ---- what a generation tells ----------------------------------------------------------------------------------- */

static void
quern_compare_answer_text_cb (QuernCompareAnswer *self, gboolean reasoning, const char *text)
{
  g_string_append (reasoning ? self->reasoning : self->answer, text);
  g_signal_emit (self, signals[SIGNAL_TEXT], 0, reasoning, text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[reasoning ? PROP_REASONING : PROP_ANSWER]);
}

static void
quern_compare_answer_moved_cb (QuernCompareAnswer *self, gboolean to_reasoning)
{
  GString *from = to_reasoning ? self->answer : self->reasoning, *to = to_reasoning ? self->reasoning : self->answer;

  g_string_append_len (to, from->str, (gssize) from->len);
  g_string_truncate (from, 0);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REASONING]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ANSWER]);
}

void
_quern_compare_answer_set_state (QuernCompareAnswer *self, QuernCompareState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

static void
quern_compare_answer_changed_cb (QuernCompareAnswer *self, QuernGeneration *generation)
{
  double progress = quern_generation_get_progress (generation);

  while (self->tokens->len < quern_generation_get_n_tokens (generation))
    _quern_compare_answer_add_token (self, quern_generation_get_token (generation, self->tokens->len));
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  if (progress != self->progress) {
    self->progress = progress;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  }
  if (quern_generation_get_phase (generation) == QUERN_GENERATION_DECODE)
    _quern_compare_answer_set_state (self, QUERN_COMPARE_WRITING);
}

/* Takes what @generation writes, until _quern_compare_answer_finish(). */
void
_quern_compare_answer_follow (QuernCompareAnswer *self, QuernGeneration *generation)
{
  g_signal_connect_object (generation, "text", G_CALLBACK (quern_compare_answer_text_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (generation, "moved", G_CALLBACK (quern_compare_answer_moved_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (generation, "changed", G_CALLBACK (quern_compare_answer_changed_cb), self,
                           G_CONNECT_SWAPPED);
}

void
_quern_compare_answer_set_memory (QuernCompareAnswer *self, guint64 planned, guint64 peak, gboolean together)
{
  self->planned = planned;
  self->peak = peak;
  self->together = together;
}

void
_quern_compare_answer_finish (QuernCompareAnswer *self, QuernCompareState state, const QuernStatistics *statistics,
                              const char *failure)
{
  self->statistics = *statistics;
  g_set_str (&self->failure, failure);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  _quern_compare_answer_set_state (self, state);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

QuernCompareState
quern_compare_answer_get_state (QuernCompareAnswer *self)
{
  return self->state;
}

gboolean
quern_compare_answer_is_running (QuernCompareAnswer *self)
{
  return self->state >= QUERN_COMPARE_LOADING && self->state <= QUERN_COMPARE_WRITING;
}

double
quern_compare_answer_get_progress (QuernCompareAnswer *self)
{
  return self->progress;
}

const char *
quern_compare_answer_get_answer (QuernCompareAnswer *self)
{
  return self->answer->str;
}

const char *
quern_compare_answer_get_reasoning (QuernCompareAnswer *self)
{
  return self->reasoning->str;
}

/**
 * quern_compare_answer_get_failure:
 *
 * Returns: (nullable): a sentence
 */
const char *
quern_compare_answer_get_failure (QuernCompareAnswer *self)
{
  return self->failure;
}

guint
quern_compare_answer_get_n_tokens (QuernCompareAnswer *self)
{
  return self->tokens->len;
}

/**
 * quern_compare_answer_get_token:
 *
 * Returns: (transfer none): valid until there are more tokens
 */
const QuernGeneratedToken *
quern_compare_answer_get_token (QuernCompareAnswer *self, guint i)
{
  g_return_val_if_fail (i < self->tokens->len, NULL);
  return &g_array_index (self->tokens, QuernGeneratedToken, i);
}

/**
 * quern_compare_answer_get_statistics:
 *
 * Returns: (transfer none): all zero before it ended. Looking at probabilities is not counted as decoding.
 */
const QuernStatistics *
quern_compare_answer_get_statistics (QuernCompareAnswer *self)
{
  return &self->statistics;
}

/**
 * quern_compare_answer_get_peak_memory:
 *
 * Returns: bytes by which the process grew for it, measured; 0 when columns ran together, for it cannot be told whose
 * memory is whose
 */
guint64
quern_compare_answer_get_peak_memory (QuernCompareAnswer *self)
{
  return self->peak;
}

/**
 * quern_compare_answer_get_planned_memory:
 *
 * Returns: bytes that it was expected to take at most
 */
guint64
quern_compare_answer_get_planned_memory (QuernCompareAnswer *self)
{
  return self->planned;
}

/**
 * quern_compare_answer_get_together:
 *
 * Returns: whether other columns ran at the same time, so that its timings compare with nothing
 */
gboolean
quern_compare_answer_get_together (QuernCompareAnswer *self)
{
  return self->together;
}

/**
 * quern_compare_answer_get_settings:
 *
 * Returns: (transfer none): with what it was made
 */
const QuernAnswerSettings *
quern_compare_answer_get_settings (QuernCompareAnswer *self)
{
  return &self->settings;
}

void
_quern_compare_answer_set_settings (QuernCompareAnswer *self, const QuernAnswerSettings *settings)
{
  self->settings = *settings;
}

/* ---- forks ----------------------------------------------------------------------------------------------------- */

static double
probability_of (const QuernGeneratedToken *token, gint32 id)
{
  if (token->chosen.id == id)
    return token->chosen.p;
  for (guint i = 0; i < token->n_top; i++)
    if (token->top[i].id == id)
      return token->top[i].p;
  return token->n_top > 0 ? -token->top[token->n_top - 1].p : 0;
}

/**
 * quern_compare_answer_fork:
 * @out: (out caller-allocates): where they part; its same_context is left to the caller, who knows what came before
 */
void
quern_compare_answer_fork (QuernCompareAnswer *a, QuernCompareAnswer *b, QuernFork *out)
{
  guint n = MIN (a->tokens->len, b->tokens->len), longer = MAX (a->tokens->len, b->tokens->len), i = 0;

  *out = (QuernFork) { .known = n > 0, .same_context = TRUE };
  while (i < n && quern_compare_answer_get_token (a, i)->chosen.id == quern_compare_answer_get_token (b, i)->chosen.id)
    i++;
  out->index = i;
  out->shared = longer > 0 ? (double) i / longer : 0;
  if (i == n)
    return;
  const QuernGeneratedToken *left = quern_compare_answer_get_token (a, i),
                            *right = quern_compare_answer_get_token (b, i);
  out->differs = TRUE;
  out->a = left->chosen;
  out->b = right->chosen;
  out->p_a_in_b = probability_of (right, left->chosen.id);
  out->p_b_in_a = probability_of (left, right->chosen.id);
}

QuernCompareAnswer *
_quern_compare_answer_new (void)
{
  return g_object_new (QUERN_TYPE_COMPARE_ANSWER, NULL);
}

/* ---- restoring ------------------------------------------------------------------------------------------------- */

void
_quern_compare_answer_restore (QuernCompareAnswer *self, QuernCompareState state, const char *answer,
                               const char *reasoning, const char *failure, const QuernStatistics *statistics)
{
  g_string_assign (self->answer, answer);
  g_string_assign (self->reasoning, reasoning);
  g_set_str (&self->failure, failure);
  self->state = state;
  self->statistics = *statistics;
}

void
_quern_compare_answer_add_token (QuernCompareAnswer *self, const QuernGeneratedToken *token)
{
  QuernGeneratedToken copy = *token;

  copy.chosen.text = g_string_chunk_insert_const (self->texts, token->chosen.text);
  for (guint i = 0; i < copy.n_top; i++)
    copy.top[i].text = g_string_chunk_insert_const (self->texts, token->top[i].text);
  g_array_append_val (self->tokens, copy);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_compare_answer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernCompareAnswer *self = QUERN_COMPARE_ANSWER (object);

  switch (prop_id) {
  case PROP_STATE: g_value_set_int (value, (int) self->state); break;
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  case PROP_ANSWER: g_value_set_string (value, self->answer->str); break;
  case PROP_REASONING: g_value_set_string (value, self->reasoning->str); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_compare_answer_finalize (GObject *object)
{
  QuernCompareAnswer *self = QUERN_COMPARE_ANSWER (object);

  g_string_free (self->answer, TRUE);
  g_string_free (self->reasoning, TRUE);
  g_array_unref (self->tokens);
  g_string_chunk_free (self->texts);
  g_free (self->failure);
  G_OBJECT_CLASS (quern_compare_answer_parent_class)->finalize (object);
}

static void
quern_compare_answer_class_init (QuernCompareAnswerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_compare_answer_get_property;
  object_class->finalize = quern_compare_answer_finalize;
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, QUERN_COMPARE_NOT_ASKED, 0, flags);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_ANSWER] = g_param_spec_string ("answer", NULL, NULL, NULL, flags);
  properties[PROP_REASONING] = g_param_spec_string ("reasoning", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_TEXT] = g_signal_new ("text", QUERN_TYPE_COMPARE_ANSWER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_COMPARE_ANSWER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
}

static void
quern_compare_answer_init (QuernCompareAnswer *self)
{
  self->answer = g_string_new (NULL);
  self->reasoning = g_string_new (NULL);
  self->tokens = g_array_new (FALSE, FALSE, sizeof (QuernGeneratedToken));
  self->texts = g_string_chunk_new (1024);
}
