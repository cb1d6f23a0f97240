/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "quern-message.h"
#include "quern-model.h"

G_BEGIN_DECLS

/* ---- what to generate ------------------------------------------------------------------------------------------ */

/* A decoded picture: 8-bit RGB, rows of `stride` bytes. */
typedef struct {
  GBytes *pixels;
  guint width, height, stride;
} QuernPixels;

QuernPixels *quern_pixels_new (GBytes *pixels, guint width, guint height, guint stride);
void quern_pixels_free (QuernPixels *pixels);

/* How the next token is drawn. */
typedef struct {
  float temperature;        /* 0: the most probable token */
  guint top_k;              /* 0: off */
  float top_p;              /* 1: off */
  float min_p;              /* 0: off */
  float presence_penalty;   /* subtracted once from each token generated so far; 0: off */
  float frequency_penalty;  /* subtracted as often as a token was generated so far; 0: off */
  float repetition_penalty; /* 1: off */
  guint64 seed;
} QuernSamplerValues;

/* Values that somebody chose, rather than that a file or a family's card recommends them: a server has recommendations of its
 * own, which hold for the others. */
typedef enum {
  QUERN_CHOSE_TEMPERATURE = 1 << 0,
  QUERN_CHOSE_TOP_K = 1 << 1,
  QUERN_CHOSE_TOP_P = 1 << 2,
  QUERN_CHOSE_MIN_P = 1 << 3,
  QUERN_CHOSE_PRESENCE_PENALTY = 1 << 4,
  QUERN_CHOSE_REPETITION_PENALTY = 1 << 5,
  QUERN_CHOSE_SEED = 1 << 6,
  QUERN_CHOSE_ALL = (1 << 7) - 1,
} QuernChosenValues;

void quern_sampler_values_init (QuernSamplerValues *values, QuernModel *model, gboolean thinking, gboolean pictures);

typedef struct {
  gint32 token;
  float bias; /* added to its logit; -100 or less: never */
} QuernLogitBias;

typedef enum {
  QUERN_TOOLS_AUTO,     /* the model decides */
  QUERN_TOOLS_NONE,     /* they are not offered */
  QUERN_TOOLS_REQUIRED, /* it must call at least one */
} QuernToolChoice;

/* Whether the tokens of a prompt that was given in tokens are told with their probabilities, in front of the answer's. */
typedef enum {
  QUERN_ECHO_NONE,
  QUERN_ECHO_AND_ANSWER,
  QUERN_ECHO_ALONE, /* there is no answer */
} QuernEcho;

#define QUERN_MAX_STOPS 16

/* A prompt and how to continue it. It is built on one thread and then handed over, after which nobody changes it. */
typedef struct _QuernRequest QuernRequest;

QuernRequest *quern_request_new (void);
QuernRequest *quern_request_new_without (QuernRequest *self, guint n_messages);
QuernRequest *quern_request_ref (QuernRequest *self);
void quern_request_unref (QuernRequest *self);
void quern_request_add_message (QuernRequest *self, QuernRole role, const char *text, const char *reasoning);
void quern_request_add_picture (QuernRequest *self, QuernPixels *pixels);
gboolean quern_request_has_pictures (QuernRequest *self);
void quern_request_set_thinking (QuernRequest *self, gboolean thinking);
void quern_request_set_complete (QuernRequest *self, gboolean complete);
char *quern_request_dup_last (QuernRequest *self);
void quern_request_set_beginning (QuernRequest *self, const char *reasoning, const char *answer);
void quern_request_set_sampler (QuernRequest *self, const QuernSamplerValues *values);
void quern_request_set_chosen (QuernRequest *self, QuernChosenValues chosen);
void quern_request_set_max_tokens (QuernRequest *self, guint n_tokens);
void quern_request_set_effort (QuernRequest *self, const char *effort);
void quern_request_set_thinking_budget (QuernRequest *self, guint n_tokens);
gboolean quern_request_check_schema (const char *schema, GError **error);
void quern_request_set_schema (QuernRequest *self, const char *schema);
gboolean quern_request_check_grammar (const char *gbnf, GError **error);
void quern_request_set_grammar (QuernRequest *self, const char *gbnf);
void quern_request_set_variables (QuernRequest *self, const char *json);
void quern_request_add_call (QuernRequest *self, const char *id, const char *name, const char *arguments);
void quern_request_add_result (QuernRequest *self, const char *call_id, const char *name, const char *text);
gboolean quern_request_check_tools (const char *const *tools, GError **error);
void quern_request_set_tools (QuernRequest *self, const char *const *tools);
void quern_request_set_tool_choice (QuernRequest *self, QuernToolChoice choice, const char *name, gboolean parallel);
void quern_request_set_stops (QuernRequest *self, const char *const *stops);
void quern_request_set_bias (QuernRequest *self, const QuernLogitBias *bias, guint n);
void quern_request_set_raw (QuernRequest *self, gboolean raw);
void quern_request_set_echo (QuernRequest *self, QuernEcho echo);
void quern_request_set_unsent (QuernRequest *self, gboolean unsent);
void quern_request_set_tokens (QuernRequest *self, const gint32 *tokens, guint n);
void quern_request_set_no_end (QuernRequest *self, gint32 filler);
void quern_request_set_candidates (QuernRequest *self, guint n);
void quern_request_set_background (QuernRequest *self, gboolean background);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernPixels, quern_pixels_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernRequest, quern_request_unref)

/* ---- a generation that runs ------------------------------------------------------------------------------------ */

typedef enum {
  QUERN_GENERATION_QUEUED,
  QUERN_GENERATION_WAITING, /* for a server that has the request and says nothing yet: it may be loading the model */
  QUERN_GENERATION_PREFILL, /* pictures and prompt are evaluated: see progress */
  QUERN_GENERATION_DECODE,
  QUERN_GENERATION_DONE,
} QuernGenerationPhase;

typedef enum {
  QUERN_STOP_END,     /* the model ended the answer */
  QUERN_STOP_LENGTH,  /* the limit max_tokens was reached */
  QUERN_STOP_CONTEXT, /* the context is full */
  QUERN_STOP_USER,    /* quern_generation_stop() was called */
  QUERN_STOP_FAILED,  /* see quern_generation_get_error() */
  QUERN_STOP_TEXT,    /* a text that the request named was met: see quern_generation_get_stop_text() */
} QuernStop;

#define QUERN_MAX_CANDIDATES 20

/* One of the tokens that could come next. */
typedef struct {
  gint32 id;
  double p;         /* probability from the model alone: temperature 1, no penalties; 0 where it is not known */
  const char *text; /* valid as long as what has it */
} QuernTokenChoice;

/* One token of the answer, or of a prompt that is told too. The token that ends the answer is included; its span is empty. */
typedef struct {
  QuernTokenChoice chosen;
  QuernTokenChoice top[QUERN_MAX_CANDIDATES]; /* the most probable tokens, most probable first */
  guint n_top;                                /* 0 where they are not known, as of the first token of a prompt */
  gboolean reasoning;
  gboolean given;   /* it is of the prompt; its span is empty */
  guint start, end; /* byte span that it added to the reasoning or the answer */
} QuernGeneratedToken;

/* A call of a tool that the model makes. */
typedef struct {
  char *id; /* made up, for the result to refer to */
  char *name;
  GString *arguments; /* JSON, an object; it grows */
  gboolean complete;  /* it is whole */
} QuernToolCall;

const char *quern_stop_to_string (QuernStop stop);

/* A generation belongs to the thread that started it: signals are emitted from that thread's main context, with text in
 * batches. Signals: "text" (gboolean reasoning, const char *text), "moved" (gboolean to_reasoning): all text so far turns
 * out to be reasoning, or all reasoning so far to be the answer; "call" (guint number, const char *arguments) with "" when a
 * call begins and then with what its arguments gained; "changed" () after each batch, "done" ();
 * notify::phase, notify::progress, notify::in-reasoning. The statistics and, where the request asked for candidates, the
 * tokens grow with the text and are complete when "done" is emitted. */
#define QUERN_TYPE_GENERATION (quern_generation_get_type ())
G_DECLARE_FINAL_TYPE (QuernGeneration, quern_generation, QUERN, GENERATION, GObject)

void quern_generation_stop (QuernGeneration *self);
void quern_generation_answer_now (QuernGeneration *self);
QuernGenerationPhase quern_generation_get_phase (QuernGeneration *self);
double quern_generation_get_progress (QuernGeneration *self);
gboolean quern_generation_get_in_reasoning (QuernGeneration *self);
QuernStop quern_generation_get_stop (QuernGeneration *self);
const char *quern_generation_get_stop_text (QuernGeneration *self);
guint quern_generation_get_n_calls (QuernGeneration *self);
const QuernToolCall *quern_generation_get_call (QuernGeneration *self, guint i);
const GError *quern_generation_get_error (QuernGeneration *self);
const char *quern_generation_get_note (QuernGeneration *self);
const QuernStatistics *quern_generation_get_statistics (QuernGeneration *self);
guint quern_generation_get_n_tokens (QuernGeneration *self);
const QuernGeneratedToken *quern_generation_get_token (QuernGeneration *self, guint i);

G_END_DECLS
