/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-generation-private.h"
#include "quern-turns.h"

/* Two threads use a generation. The context's thread adds text and facts under the lock and asks for a flush. On the
 * thread that asked for the generation, a source of its main context moves them to the fields that getters and signals
 * use. A flush comes at once after a pause, and at most every FLUSH_MS while text streams. */
#define FLUSH_MS 12

typedef struct {
  QuernGenerationPhase phase;
  double progress;
  gboolean in_reasoning;
} Shown;

/* What a call gained since the last flush. */
typedef struct {
  char *name; /* of a call that begins; NULL: the last one goes on */
  GString *arguments;
  gboolean complete;
} CallPart;

struct _QuernGeneration {
  GObject parent_instance;

  GMainContext *context;
  gint stop_wanted, answer_now_wanted; /* atomic */

  /* Only the consuming thread uses these fields. */
  Shown shown;
  QuernStop stop;
  GError *error;
  QuernStatistics statistics;
  GArray *tokens;   /* of QuernGeneratedToken */
  GPtrArray *calls; /* of QuernToolCall */

  GMutex lock;                 /* guards the fields below */
  GString *reasoning, *answer; /* text that was not flushed yet */
  GArray *new_tokens;          /* of QuernGeneratedToken, likewise */
  GPtrArray *call_parts;       /* of CallPart, likewise */
  char *stop_text;             /* that the answer ended at, or NULL */
  GStringChunk *texts; /* of tokens; NULL until there is one; a chunk never moves, so tokens may point into it */
  gsize length[2], covered[2]; /* bytes of the answer and of the reasoning, and those that tokens cover */
  Shown next;
  QuernStatistics next_statistics;
  gboolean flush_queued, finished;
  gint64 flushed_at;
};

enum { PROP_0, PROP_PHASE, PROP_PROGRESS, PROP_IN_REASONING, N_PROPS };
enum { SIGNAL_TEXT, SIGNAL_CALL, SIGNAL_CHANGED, SIGNAL_DONE, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernGeneration, quern_generation, G_TYPE_OBJECT)

/**
 * quern_stop_to_string:
 *
 * Returns: the word that `quern-cli chat --json` prints
 */
const char *
quern_stop_to_string (QuernStop stop)
{
  static const char *const names[] = { "end", "length", "context", "stopped", "failed", "text" };

  return names[stop];
}

/* ---- the consuming side ---------------------------------------------------------------------------------------- */

static void
emit_text (QuernGeneration *self, gboolean reasoning, GString *text)
{
  if (text->len > 0)
    g_signal_emit (self, signals[SIGNAL_TEXT], 0, reasoning, text->str);
  g_string_free (text, TRUE);
}

static void
call_free (gpointer data)
{
  QuernToolCall *call = data;

  g_free (call->id);
  g_free (call->name);
  g_string_free (call->arguments, TRUE);
  g_free (call);
}

static void
call_part_free (gpointer data)
{
  CallPart *part = data;

  g_free (part->name);
  g_string_free (part->arguments, TRUE);
  g_free (part);
}

static void
emit_call (QuernGeneration *self, CallPart *part)
{
  QuernToolCall *call;
  guint number;

  if (part->name) {
    call = g_new0 (QuernToolCall, 1);
    call->id = g_strdup_printf ("call_%08x%08x%08x", g_random_int (), g_random_int (), g_random_int ());
    call->name = g_steal_pointer (&part->name);
    call->arguments = g_string_new (NULL);
    g_ptr_array_add (self->calls, call);
    g_signal_emit (self, signals[SIGNAL_CALL], 0, self->calls->len - 1, "");
  }
  number = self->calls->len - 1;
  call = self->calls->pdata[number];
  call->complete = part->complete;
  g_string_append_len (call->arguments, part->arguments->str, (gssize) part->arguments->len);
  if (part->arguments->len > 0)
    g_signal_emit (self, signals[SIGNAL_CALL], 0, number, part->arguments->str);
}

static gboolean
quern_generation_flush_cb (gpointer data)
{
  QuernGeneration *self = data;
  g_autoptr (GPtrArray) call_parts = NULL;
  GString *reasoning, *answer;
  Shown next;
  gboolean finished;

  g_mutex_lock (&self->lock);
  reasoning = self->reasoning;
  answer = self->answer;
  self->reasoning = g_string_new (NULL);
  self->answer = g_string_new (NULL);
  call_parts = g_steal_pointer (&self->call_parts);
  self->call_parts = g_ptr_array_new_with_free_func (call_part_free);
  next = self->next;
  self->statistics = self->next_statistics;
  if (self->new_tokens->len > 0)
    g_array_append_vals (self->tokens, self->new_tokens->data, self->new_tokens->len);
  g_array_set_size (self->new_tokens, 0);
  finished = self->finished;
  self->flush_queued = FALSE;
  self->flushed_at = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);

  emit_text (self, TRUE, reasoning);
  emit_text (self, FALSE, answer);
  for (guint i = 0; i < call_parts->len; i++)
    emit_call (self, call_parts->pdata[i]);
  Shown old = self->shown;

  self->shown = next;
  if (old.phase != next.phase)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PHASE]);
  if (old.progress != next.progress)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  if (old.in_reasoning != next.in_reasoning)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IN_REASONING]);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  if (finished)
    g_signal_emit (self, signals[SIGNAL_DONE], 0);
  return G_SOURCE_REMOVE;
}

/* The caller holds the lock. The source is attached, because g_main_context_invoke() could run the flush on the
 * context's thread. */
static void
quern_generation_queue_flush (QuernGeneration *self)
{
  gint64 due = self->flushed_at + FLUSH_MS * 1000 - g_get_monotonic_time ();
  GSource *source;

  if (self->flush_queued)
    return;
  self->flush_queued = TRUE;
  source = g_timeout_source_new ((guint) (CLAMP (due, 0, FLUSH_MS * 1000) / 1000));
  g_source_set_callback (source, quern_generation_flush_cb, g_object_ref (self), g_object_unref);
  g_source_set_static_name (source, "[quern] generation");
  g_source_attach (source, self->context);
  g_source_unref (source);
}

/**
 * quern_generation_stop:
 *
 * Ends the generation within a token or a slice of the prompt; "done" follows. Any thread may call it.
 */
void
quern_generation_stop (QuernGeneration *self)
{
  g_atomic_int_set (&self->stop_wanted, TRUE);
  _quern_turns_wake ();
}

/**
 * quern_generation_answer_now:
 *
 * Closes the think block and goes on with the answer. It does nothing unless the model is thinking. Any thread may
 * call it.
 */
void
quern_generation_answer_now (QuernGeneration *self)
{
  g_atomic_int_set (&self->answer_now_wanted, TRUE);
}

QuernGenerationPhase
quern_generation_get_phase (QuernGeneration *self)
{
  return self->shown.phase;
}

/**
 * quern_generation_get_progress:
 *
 * Returns: the share of the prompt that was evaluated, 0 to 1
 */
double
quern_generation_get_progress (QuernGeneration *self)
{
  return self->shown.progress;
}

gboolean
quern_generation_get_in_reasoning (QuernGeneration *self)
{
  return self->shown.in_reasoning;
}

/**
 * quern_generation_get_stop:
 *
 * Returns: how the generation ended; valid once "done" was emitted
 */
QuernStop
quern_generation_get_stop (QuernGeneration *self)
{
  return self->stop;
}

/**
 * quern_generation_get_stop_text:
 *
 * Returns: (transfer none) (nullable): the text in front of which the answer ended; valid once "done" was emitted
 */
const char *
quern_generation_get_stop_text (QuernGeneration *self)
{
  return self->stop_text;
}

/**
 * quern_generation_get_n_calls:
 *
 * Returns: calls of tools that were begun so far; 0 when the request offered none
 */
guint
quern_generation_get_n_calls (QuernGeneration *self)
{
  return self->calls->len;
}

/**
 * quern_generation_get_call:
 *
 * Returns: (transfer none): valid as long as @self; it grows with the text
 */
const QuernToolCall *
quern_generation_get_call (QuernGeneration *self, guint i)
{
  g_return_val_if_fail (i < self->calls->len, NULL);

  return self->calls->pdata[i];
}

/**
 * quern_generation_get_error:
 *
 * Returns: (transfer none) (nullable): the error; only if the generation ended with %QUERN_STOP_FAILED
 */
const GError *
quern_generation_get_error (QuernGeneration *self)
{
  return self->error;
}

/**
 * quern_generation_get_statistics:
 *
 * Returns: (transfer none): the statistics, which grow with the text
 */
const QuernStatistics *
quern_generation_get_statistics (QuernGeneration *self)
{
  return &self->statistics;
}

/**
 * quern_generation_get_n_tokens:
 *
 * Returns: tokens that were generated so far; 0 when the request did not ask for candidates
 */
guint
quern_generation_get_n_tokens (QuernGeneration *self)
{
  return self->tokens->len;
}

/**
 * quern_generation_get_token:
 *
 * Returns: (transfer none): valid until there are more tokens; its texts as long as @self
 */
const QuernGeneratedToken *
quern_generation_get_token (QuernGeneration *self, guint i)
{
  g_return_val_if_fail (i < self->tokens->len, NULL);

  return &g_array_index (self->tokens, QuernGeneratedToken, i);
}

/* ---- the producing side ---------------------------------------------------------------------------------------- */

QuernGeneration *
_quern_generation_new (void)
{
  QuernGeneration *self = g_object_new (QUERN_TYPE_GENERATION, NULL);

  self->context = g_main_context_ref_thread_default ();
  return self;
}

gboolean
_quern_generation_wants_stop (QuernGeneration *self)
{
  return g_atomic_int_get (&self->stop_wanted);
}

/* Returns whether "answer now" was asked for since the last call. */
gboolean
_quern_generation_take_answer_now (QuernGeneration *self)
{
  return g_atomic_int_compare_and_exchange (&self->answer_now_wanted, TRUE, FALSE);
}

void
_quern_generation_set_phase (QuernGeneration *self, QuernGenerationPhase phase)
{
  g_mutex_lock (&self->lock);
  self->next.phase = phase;
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

void
_quern_generation_set_progress (QuernGeneration *self, double progress)
{
  g_mutex_lock (&self->lock);
  self->next.progress = progress;
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

void
_quern_generation_set_in_reasoning (QuernGeneration *self, gboolean in_reasoning)
{
  g_mutex_lock (&self->lock);
  if (self->next.in_reasoning != in_reasoning) {
    self->next.in_reasoning = in_reasoning;
    quern_generation_queue_flush (self);
  }
  g_mutex_unlock (&self->lock);
}

void
_quern_generation_add_text (QuernGeneration *self, gboolean reasoning, const char *text, gsize length)
{
  g_mutex_lock (&self->lock);
  g_string_append_len (reasoning ? self->reasoning : self->answer, text, (gssize) length);
  self->length[reasoning] += length;
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

/* The caller holds the lock. */
static CallPart *
quern_generation_last_part (QuernGeneration *self, const char *name, gsize length)
{
  CallPart *part = self->call_parts->len > 0 ? self->call_parts->pdata[self->call_parts->len - 1] : NULL;

  if (part && !name)
    return part;
  part = g_new0 (CallPart, 1);
  part->name = name ? g_utf8_make_valid (name, (gssize) length) : NULL;
  part->arguments = g_string_new (NULL);
  g_ptr_array_add (self->call_parts, part);
  return part;
}

void
_quern_generation_begin_call (QuernGeneration *self, const char *name, gsize length)
{
  g_mutex_lock (&self->lock);
  quern_generation_last_part (self, name, length);
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

/* To the arguments of the call that was begun last. */
void
_quern_generation_add_arguments (QuernGeneration *self, const char *text, gsize length)
{
  g_mutex_lock (&self->lock);
  g_string_append_len (quern_generation_last_part (self, NULL, 0)->arguments, text, (gssize) length);
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

void
_quern_generation_end_call (QuernGeneration *self)
{
  g_mutex_lock (&self->lock);
  quern_generation_last_part (self, NULL, 0)->complete = TRUE;
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

/* Call it before _quern_generation_finish(). */
void
_quern_generation_set_stop_text (QuernGeneration *self, const char *text)
{
  g_mutex_lock (&self->lock);
  g_set_str (&self->stop_text, text);
  g_mutex_unlock (&self->lock);
}

/* Call it after the text of the token was added: the token's span is what was added since the token before it. */
void
_quern_generation_add_token (QuernGeneration *self, const QuernGeneratedToken *token)
{
  QuernGeneratedToken copy = *token;

  g_mutex_lock (&self->lock);
  if (!self->texts)
    self->texts = g_string_chunk_new (1024);
  copy.chosen.text = g_string_chunk_insert_const (self->texts, token->chosen.text);
  for (guint i = 0; i < copy.n_top; i++)
    copy.top[i].text = g_string_chunk_insert_const (self->texts, token->top[i].text);
  copy.start = (guint) self->covered[token->reasoning];
  copy.end = (guint) self->length[token->reasoning];
  self->covered[token->reasoning] = copy.end;
  g_array_append_val (self->new_tokens, copy);
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

/* The statistics are shown with the next text. */
void
_quern_generation_set_statistics (QuernGeneration *self, const QuernStatistics *statistics)
{
  g_mutex_lock (&self->lock);
  self->next_statistics = *statistics;
  g_mutex_unlock (&self->lock);
}

/* The producing side calls this last. Takes ownership of @error. */
void
_quern_generation_finish (QuernGeneration *self, QuernStop stop, const QuernStatistics *statistics, GError *error)
{
  g_mutex_lock (&self->lock);
  self->stop = stop;
  self->next_statistics = *statistics;
  self->error = error;
  self->next.phase = QUERN_GENERATION_DONE;
  self->next.in_reasoning = FALSE;
  self->finished = TRUE;
  quern_generation_queue_flush (self);
  g_mutex_unlock (&self->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_generation_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernGeneration *self = QUERN_GENERATION (object);

  switch (prop_id) {
  case PROP_PHASE: g_value_set_int (value, self->shown.phase); break;
  case PROP_PROGRESS: g_value_set_double (value, self->shown.progress); break;
  case PROP_IN_REASONING: g_value_set_boolean (value, self->shown.in_reasoning); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_generation_finalize (GObject *object)
{
  QuernGeneration *self = QUERN_GENERATION (object);

  g_string_free (self->reasoning, TRUE);
  g_string_free (self->answer, TRUE);
  g_array_unref (self->tokens);
  g_array_unref (self->new_tokens);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->call_parts);
  g_free (self->stop_text);
  g_clear_pointer (&self->texts, g_string_chunk_free);
  g_clear_error (&self->error);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (quern_generation_parent_class)->finalize (object);
}

static void
quern_generation_class_init (QuernGenerationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_generation_get_property;
  object_class->finalize = quern_generation_finalize;
  properties[PROP_PHASE] = g_param_spec_int ("phase", NULL, NULL, 0, QUERN_GENERATION_DONE, 0, flags);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_IN_REASONING] = g_param_spec_boolean ("in-reasoning", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_TEXT] = g_signal_new ("text", QUERN_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_CALL] = g_signal_new ("call", QUERN_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
  signals[SIGNAL_DONE] = g_signal_new ("done", QUERN_TYPE_GENERATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 0);
}

static void
quern_generation_init (QuernGeneration *self)
{
  g_mutex_init (&self->lock);
  self->reasoning = g_string_new (NULL);
  self->answer = g_string_new (NULL);
  self->tokens = g_array_new (FALSE, FALSE, sizeof (QuernGeneratedToken));
  self->new_tokens = g_array_new (FALSE, FALSE, sizeof (QuernGeneratedToken));
  self->calls = g_ptr_array_new_with_free_func (call_free);
  self->call_parts = g_ptr_array_new_with_free_func (call_part_free);
}
