/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-request.h"

#include <stdlib.h>
#include <string.h>

#include "quern-local-private.h"
#include "quern-vision.h"

/* ---- pictures -------------------------------------------------------------------------------------------------- */

/**
 * quern_pixels_new:
 * @pixels: 8-bit RGB, @height rows of @stride bytes
 *
 * Returns: (transfer full): the picture
 */
QuernPixels *
quern_pixels_new (GBytes *pixels, guint width, guint height, guint stride)
{
  QuernPixels *self = g_new (QuernPixels, 1);

  *self = (QuernPixels) { g_bytes_ref (pixels), width, height, stride };
  return self;
}

void
quern_pixels_free (QuernPixels *pixels)
{
  if (!pixels)
    return;
  g_bytes_unref (pixels->pixels);
  g_free (pixels);
}

/* ---- sampling -------------------------------------------------------------------------------------------------- */

/**
 * quern_sampler_values_init:
 * @thinking: whether the model will think
 * @pictures: whether it will see pictures
 *
 * Sets @values to those that the model's file advises, and where it advises none to those that the family's model cards
 * recommend for a model of this size. The seed is 0.
 */
void
quern_sampler_values_init (QuernSamplerValues *values, QuernModel *model, gboolean thinking, gboolean pictures)
{
  QeSamplerParams params;

  qe_sampler_defaults (quern_model_get_info (model), thinking, pictures, &params);
  *values = (QuernSamplerValues) { params.temperature,
                                   params.top_k,
                                   params.top_p,
                                   params.min_p,
                                   params.presence_penalty,
                                   params.frequency_penalty,
                                   params.repetition_penalty,
                                   params.seed };
}

/* ---- building -------------------------------------------------------------------------------------------------- */

/* The prompt that counting left is of no use when the request changes. */
void
_quern_request_forget_prompt (QuernRequest *self)
{
  g_clear_pointer (&self->prepared, qe_prompt_free);
  g_clear_object (&self->prepared_file);
}

static void
message_free (gpointer data)
{
  QuernRequestMessage *message = data;

  g_free (message->text);
  g_free (message->reasoning);
  g_ptr_array_unref (message->pictures);
  g_clear_pointer (&message->calls, g_ptr_array_unref);
  g_free (message->call_id);
  g_free (message->name);
  g_free (message);
}

/**
 * quern_request_new:
 *
 * Returns: (transfer full): an empty request: no thinking, the family's sampling, no limit
 */
QuernRequest *
quern_request_new (void)
{
  QuernRequest *self = g_new0 (QuernRequest, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->messages = g_ptr_array_new_with_free_func (message_free);
  self->filler = -1;
  return self;
}

/**
 * quern_request_ref:
 *
 * Returns: (transfer full): the same request with one more reference. Any thread may call it.
 */
QuernRequest *
quern_request_ref (QuernRequest *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
quern_request_unref (QuernRequest *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  _quern_request_forget_prompt (self);
  g_mutex_clear (&self->lock);
  g_ptr_array_unref (self->messages);
  g_clear_pointer (&self->tokens, g_array_unref);
  g_free (self->effort);
  g_free (self->begun_reasoning);
  g_free (self->begun_answer);
  g_free (self->schema);
  g_free (self->gbnf);
  g_free (self->variables);
  g_strfreev (self->tools);
  g_free (self->tool_name);
  g_strfreev (self->stops);
  g_clear_pointer (&self->biases, g_array_unref);
  g_free (self);
}

/**
 * quern_request_add_message:
 * @text: what was said; invalid UTF-8 becomes U+FFFD
 * @reasoning: (nullable): of an assistant's message
 */
void
quern_request_add_message (QuernRequest *self, QuernRole role, const char *text, const char *reasoning)
{
  QuernRequestMessage *message = g_new0 (QuernRequestMessage, 1);

  _quern_request_forget_prompt (self);
  message->role = role;
  message->text = g_utf8_make_valid (text, -1);
  message->reasoning = g_strdup (reasoning);
  message->pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_pixels_free);
  g_ptr_array_add (self->messages, message);
}

/**
 * quern_request_add_picture:
 * @pixels: (transfer full): shown before the text of the message that was added last
 */
void
quern_request_add_picture (QuernRequest *self, QuernPixels *pixels)
{
  QuernRequestMessage *message;

  g_return_if_fail (self->messages->len > 0);
  _quern_request_forget_prompt (self);
  message = self->messages->pdata[self->messages->len - 1];
  g_ptr_array_add (message->pictures, pixels);
}

/**
 * quern_request_new_without:
 * @n_messages: how many of the oldest messages are left out; instructions always stay
 *
 * Returns: (transfer full): the same request without them
 */
QuernRequest *
quern_request_new_without (QuernRequest *self, guint n_messages)
{
  QuernRequest *request = quern_request_new ();

  for (guint i = 0; i < self->messages->len; i++) {
    const QuernRequestMessage *message = self->messages->pdata[i];
    if (message->role != QUERN_ROLE_SYSTEM && n_messages > 0) {
      n_messages--;
      continue;
    }
    if (message->is_result)
      quern_request_add_result (request, message->call_id, message->name, message->text);
    else
      quern_request_add_message (request, message->role, message->text, message->reasoning);
    for (guint j = 0; message->calls && j < message->calls->len; j++) {
      const QuernRequestCall *call = message->calls->pdata[j];
      quern_request_add_call (request, call->id, call->name, call->arguments);
    }
    for (guint j = 0; j < message->pictures->len; j++) {
      const QuernPixels *picture = message->pictures->pdata[j];
      quern_request_add_picture (request,
                                 quern_pixels_new (picture->pixels, picture->width, picture->height, picture->stride));
    }
  }
  request->thinking = self->thinking;
  request->begun_reasoning = g_strdup (self->begun_reasoning);
  request->begun_answer = g_strdup (self->begun_answer);
  request->schema = g_strdup (self->schema);
  request->gbnf = g_strdup (self->gbnf);
  request->variables = g_strdup (self->variables);
  request->tools = g_strdupv (self->tools);
  request->tool_choice = self->tool_choice;
  request->tool_name = g_strdup (self->tool_name);
  request->one_call = self->one_call;
  request->stops = g_strdupv (self->stops);
  request->biases = self->biases ? g_array_copy (self->biases) : NULL;
  request->raw = self->raw;
  request->echo = self->echo;
  request->sampler = self->sampler;
  request->has_sampler = self->has_sampler;
  request->chosen = self->chosen;
  request->max_tokens = self->max_tokens;
  request->effort = g_strdup (self->effort);
  request->thinking_budget = self->thinking_budget;
  request->n_candidates = self->n_candidates;
  request->filler = self->filler;
  request->background = self->background;
  return request;
}

gboolean
quern_request_has_pictures (QuernRequest *self)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (self);

  return pictures->len > 0;
}

void
quern_request_set_thinking (QuernRequest *self, gboolean thinking)
{
  _quern_request_forget_prompt (self);
  self->thinking = thinking;
}

/**
 * quern_request_set_complete:
 * @complete: whether the last message is an answer, so that none is asked for: a conversation to be read, not to be continued
 */
void
quern_request_set_complete (QuernRequest *self, gboolean complete)
{
  _quern_request_forget_prompt (self);
  self->complete = complete;
}

/**
 * quern_request_dup_last:
 *
 * Returns: (transfer full): the last message with the calls that it makes, to tell it from others
 */
char *
quern_request_dup_last (QuernRequest *self)
{
  GString *out = g_string_new (NULL);
  const QuernRequestMessage *message = self->messages->len > 0 ? self->messages->pdata[self->messages->len - 1] : NULL;

  g_string_append (out, message && message->text ? message->text : "");
  for (guint i = 0; message && message->calls && i < message->calls->len; i++) {
    const QuernRequestCall *call = message->calls->pdata[i];
    g_string_append_printf (out, "\n%s %s", call->name, call->arguments);
  }
  return g_string_free_and_steal (out);
}

/**
 * quern_request_set_effort:
 * @effort: (nullable): how much to think, one of the levels that the model's template knows; %NULL for its default
 */
void
quern_request_set_effort (QuernRequest *self, const char *effort)
{
  _quern_request_forget_prompt (self);
  g_set_str (&self->effort, effort);
}

/**
 * quern_request_set_beginning:
 * @reasoning: (nullable): what was thought so far
 * @answer: (nullable): what was answered so far; when it is not empty, thinking is over
 *
 * Continues an answer that ended too early, as if the model had just written its beginning.
 */
void
quern_request_set_beginning (QuernRequest *self, const char *reasoning, const char *answer)
{
  _quern_request_forget_prompt (self);
  g_set_str (&self->begun_reasoning, reasoning);
  g_set_str (&self->begun_answer, answer);
}

/* All of the values count as chosen, unless quern_request_set_chosen() says less. */
void
quern_request_set_sampler (QuernRequest *self, const QuernSamplerValues *values)
{
  self->sampler = *values;
  self->has_sampler = TRUE;
  self->chosen = QUERN_CHOSE_ALL;
}

/**
 * quern_request_set_chosen:
 * @chosen: which of the sampler's values a server must take; for the others it has defaults of its own
 */
void
quern_request_set_chosen (QuernRequest *self, QuernChosenValues chosen)
{
  self->chosen = chosen;
}

void
quern_request_set_max_tokens (QuernRequest *self, guint n_tokens)
{
  self->max_tokens = n_tokens;
}

/**
 * quern_request_set_thinking_budget:
 * @n_tokens: the think block is closed after this many tokens and the answer begins; 0 for no limit
 */
void
quern_request_set_thinking_budget (QuernRequest *self, guint n_tokens)
{
  self->thinking_budget = n_tokens;
}

/**
 * quern_request_check_schema:
 * @schema: a JSON schema
 *
 * Returns: whether an answer can be made to follow it; if not, @error is one sentence that says why
 */
gboolean
quern_request_check_schema (const char *schema, GError **error)
{
  QeGrammar *grammar = NULL;
  QeError engine_error = { 0 };

  if (qe_grammar_from_schema (&grammar, NULL, schema, strlen (schema), &engine_error) != QE_OK)
    g_set_error_literal (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_FAILED, engine_error.message);
  qe_grammar_free (grammar);
  return engine_error.status == QE_OK;
}

/**
 * quern_request_set_schema:
 * @schema: (nullable): a JSON schema that quern_request_check_schema() accepts, or %NULL for free text
 *
 * Makes the answer JSON that is valid under @schema, unless it is cut short. Reasoning stays free.
 */
void
quern_request_set_schema (QuernRequest *self, const char *schema)
{
  g_set_str (&self->schema, schema);
}

/**
 * quern_request_set_variables:
 * @json: (nullable): a JSON object whose members become variables of the chat template
 */
void
quern_request_set_variables (QuernRequest *self, const char *json)
{
  _quern_request_forget_prompt (self);
  g_set_str (&self->variables, json);
}

/**
 * quern_request_set_stops:
 * @stops: (array zero-terminated=1) (nullable): at most %QUERN_MAX_STOPS texts, none of them empty
 *
 * Ends the answer in front of the first of these texts, which is not given out. In reasoning and in calls of tools they mean
 * nothing.
 */
void
quern_request_set_stops (QuernRequest *self, const char *const *stops)
{
  g_strfreev (self->stops);
  self->stops = stops && stops[0] ? g_strdupv ((char **) stops) : NULL;
}

/**
 * quern_request_set_bias:
 * @bias: (array length=n): what is added to the logits of tokens
 */
void
quern_request_set_bias (QuernRequest *self, const QuernLogitBias *bias, guint n)
{
  g_clear_pointer (&self->biases, g_array_unref);
  if (n > 0)
    self->biases = g_array_append_vals (g_array_new (FALSE, FALSE, sizeof *bias), bias, n);
}

/**
 * quern_request_set_raw:
 *
 * Gives out what the model writes as it is: with its line ends, and without looking for reasoning and calls of tools.
 */
void
quern_request_set_raw (QuernRequest *self, gboolean raw)
{
  self->raw = raw;
}

/**
 * quern_request_set_echo:
 *
 * Tells the probabilities of the prompt's tokens, where candidates are asked for and the prompt was given in tokens.
 */
void
quern_request_set_echo (QuernRequest *self, QuernEcho echo)
{
  self->echo = echo;
}

/**
 * quern_request_set_unsent:
 * @unsent: whether somebody is still writing what is in it
 *
 * What nobody has sent yet does not leave this computer: its tokens are only estimated where a server would have to count them.
 */
void
quern_request_set_unsent (QuernRequest *self, gboolean unsent)
{
  self->unsent = unsent;
}

/**
 * quern_request_set_tokens:
 * @tokens: (array length=n): the whole prompt, in place of messages
 */
void
quern_request_set_tokens (QuernRequest *self, const gint32 *tokens, guint n)
{
  _quern_request_forget_prompt (self);
  g_clear_pointer (&self->tokens, g_array_unref);
  self->tokens = g_array_append_vals (g_array_new (FALSE, FALSE, sizeof *tokens), tokens, n);
}

/**
 * quern_request_set_no_end:
 * @filler: a token
 *
 * Lets the model write as many tokens as the request allows: where it would end, @filler stands in its place.
 */
void
quern_request_set_no_end (QuernRequest *self, gint32 filler)
{
  self->filler = filler;
}

/**
 * quern_request_set_candidates:
 * @n: how many of the most probable tokens are to be told of each token that is generated, at most %QUERN_MAX_CANDIDATES;
 *   0 for none
 *
 * The model writes token by token then, without drafts, so that it knows the probabilities of each.
 */
void
quern_request_set_candidates (QuernRequest *self, guint n)
{
  self->n_candidates = MIN (n, QUERN_MAX_CANDIDATES);
}

/**
 * quern_request_set_background:
 * @background: whether it is a program that asks, and nobody at the window
 *
 * Lets the request rest between two tokens, and between slices of the prompt, while one that is not in the background is
 * queued or runs on any model. It must not be asked of a context that those are asked of, too (`lane` in QuernLoadParams):
 * they would wait for each other.
 */
void
quern_request_set_background (QuernRequest *self, gboolean background)
{
  self->background = background;
}

/* ---- rendering ------------------------------------------------------------------------------------------------- */

/* Returns: (transfer container) (element-type QuernPixels): of all messages, in order */
GPtrArray *
_quern_request_list_pictures (const QuernRequest *self)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < self->messages->len; i++) {
    const QuernRequestMessage *message = self->messages->pdata[i];
    for (guint j = 0; j < message->pictures->len; j++)
      g_ptr_array_add (all, message->pictures->pdata[j]);
  }
  return all;
}

/* Appends to a rendered text, which the engine allocated with malloc(). Text that is not the template's own becomes a
 * plain span. */
static gboolean
append_text (QeChatText *text, const char *more, gboolean plain)
{
  size_t length = strlen (more);
  char *longer = realloc (text->text, text->length + length + 1);
  QeSpan *spans;

  if (!longer)
    return FALSE;
  text->text = longer;
  memcpy (longer + text->length, more, length + 1);
  text->length += length;
  if (!plain || length == 0)
    return TRUE;
  spans = realloc (text->plain, (text->n_plain + 1) * sizeof *spans);
  if (!spans)
    return FALSE;
  text->plain = spans;
  spans[text->n_plain++] = (QeSpan) { (uint32_t) (text->length - length), (uint32_t) text->length };
  return TRUE;
}

/* A prompt that opens no think block gets one where the model had opened it itself. */
static gboolean
append_beginning (const QuernRequest *self, QeChatText *text, gboolean *in_reasoning)
{
  gboolean answered = self->begun_answer && *self->begun_answer;

  if (text->end == QE_THINK_NONE && self->begun_reasoning && *self->begun_reasoning) {
    if (!append_text (text, "<think>\n", FALSE))
      return FALSE;
    *in_reasoning = TRUE;
  }
  if (*in_reasoning && self->begun_reasoning && !append_text (text, self->begun_reasoning, TRUE))
    return FALSE;
  if (!answered)
    return TRUE;
  if (*in_reasoning && !append_text (text, "\n</think>\n\n", FALSE))
    return FALSE;
  *in_reasoning = FALSE;
  return append_text (text, self->begun_answer, TRUE);
}

gboolean
_quern_request_render (const QuernRequest *self, const QeModel *opened, QeChatText *text, gboolean *in_reasoning,
                       GError **error)
{
  static const QeRole roles[] = {
    [QUERN_ROLE_USER] = QE_ROLE_USER, [QUERN_ROLE_ASSISTANT] = QE_ROLE_ASSISTANT, [QUERN_ROLE_SYSTEM] = QE_ROLE_SYSTEM
  };
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (self);
  g_autofree QeChatMessage *messages = g_new0 (QeChatMessage, self->messages->len);
  g_autofree QeChatPart *parts = g_new0 (QeChatPart, self->messages->len + pictures->len);
  g_autoptr (GArray) calls = g_array_new (FALSE, FALSE, sizeof (QeToolCall));
  const gboolean offers = _quern_request_offers_tools (self);
  const QeChatOptions options = { .add_generation_prompt = true,
                                  .enable_thinking = self->thinking ? QE_YES : QE_NO,
                                  .reasoning_effort = self->effort,
                                  .tools = offers ? (const char *const *) self->tools : NULL,
                                  .n_tools = offers ? g_strv_length (self->tools) : 0,
                                  .variables = self->variables };
  QeChatPart *part = parts;
  QeError engine_error = { .status = QE_ERROR_MEMORY };

  for (guint i = 0; i < self->messages->len; i++) {
    const QuernRequestMessage *message = self->messages->pdata[i];
    for (guint j = 0; message->calls && j < message->calls->len; j++) {
      const QuernRequestCall *call = message->calls->pdata[j];
      QeToolCall copy = { call->name, call->arguments, call->id };
      g_array_append_val (calls, copy);
    }
  }
  for (guint i = 0, first = 0; i < self->messages->len; i++) {
    const QuernRequestMessage *message = self->messages->pdata[i];
    const guint n_calls = message->calls ? message->calls->len : 0;
    messages[i] = (QeChatMessage) { .role = message->is_result ? QE_ROLE_TOOL : roles[message->role],
                                    .parts = part,
                                    .n_parts = message->pictures->len + 1,
                                    .reasoning = message->reasoning,
                                    .calls = n_calls ? &g_array_index (calls, QeToolCall, first) : NULL,
                                    .n_calls = n_calls,
                                    .name = message->name,
                                    .call_id = message->call_id };
    first += n_calls;
    for (guint j = 0; j < message->pictures->len; j++)
      *part++ = (QeChatPart) { QE_PART_IMAGE, NULL };
    *part++ = (QeChatPart) { QE_PART_TEXT, message->text };
  }
  if (qe_chat_render (text, opened, messages, self->messages->len, &options, &engine_error) != QE_OK)
    return _quern_inference_set_error (error, &engine_error);
  *in_reasoning = text->end == QE_THINK_OPEN;
  if (append_beginning (self, text, in_reasoning))
    return TRUE;
  qe_chat_text_clear (text);
  return _quern_inference_set_error (error, &engine_error);
}

/* ---- prompt ---------------------------------------------------------------------------------------------------- */

QePrompt *
_quern_request_make_prompt (QuernRequest *self, QuernOpenFile *file, GPtrArray *images, gboolean *in_reasoning,
                            GError **error)
{
  const QeModel *opened = _quern_open_file_get_model (file);
  QeChatText text = { 0 };
  QeError engine_error = { 0 };
  QePrompt *prompt = NULL;

  g_mutex_lock (&self->lock);
  if (self->prepared_file == file) {
    prompt = g_steal_pointer (&self->prepared);
    *in_reasoning = self->prepared_in_reasoning;
    _quern_request_forget_prompt (self);
  }
  g_mutex_unlock (&self->lock);
  if (!prompt && self->tokens) {
    engine_error.status = QE_ERROR_MEMORY;
    prompt = qe_prompt_new ();
    if (prompt
        && qe_prompt_add_tokens (prompt, &g_array_index (self->tokens, gint32, 0), self->tokens->len, &engine_error)
               == QE_OK)
      return prompt;
    _quern_inference_set_error (error, &engine_error);
    qe_prompt_free (prompt);
    return NULL;
  }
  if (prompt || !_quern_request_render (self, opened, &text, in_reasoning, error))
    return prompt;
  if (qe_chat_prompt (&prompt, opened, &text, (QeImage *const *) images->pdata, images->len, &engine_error) != QE_OK)
    _quern_inference_set_error (error, &engine_error);
  qe_chat_text_clear (&text);
  return prompt;
}

/* Returns the tokens of the rendered text and the rows that the pictures take beyond their placeholders. */
static gssize
count_with_pictures (const QuernRequest *self, QuernModel *model, const QeModel *opened, GPtrArray *pictures,
                     GError **error)
{
  QeChatText text = { 0 };
  QeError engine_error = { 0 };
  QeVision *vision = NULL;
  int32_t *ids = NULL;
  size_t n = 0;
  gboolean in_reasoning, ok = TRUE;

  if (!_quern_request_render (self, opened, &text, &in_reasoning, error))
    return -1;
  if (quern_model_get_vision_path (model) && !_quern_vision_open (model, opened, &vision, error)) {
    qe_chat_text_clear (&text);
    return -1;
  }
  ok = qe_tokenize (opened, text.text, text.length, text.plain, text.n_plain, &ids, &n, &engine_error) == QE_OK;
  for (guint i = 0; ok && vision && i < pictures->len; i++) {
    const QuernPixels *pixels = pictures->pdata[i];
    QeImagePlan plan = { 0 };
    ok = qe_vision_plan (vision, pixels->width, pixels->height, &plan, &engine_error) == QE_OK;
    n += ok ? plan.n_tokens - 1 : 0;
  }
  free (ids);
  qe_vision_free (vision);
  qe_chat_text_clear (&text);
  if (ok)
    return (gssize) n;
  _quern_inference_set_error (error, &engine_error);
  return -1;
}

/* Returns the rows of the prompt, or -1 with @error set. The prompt stays with the request for the generation, unless it
 * has pictures, whose embeddings are not known yet. */
gssize
_quern_request_count (QuernRequest *self, QuernModel *model, QuernOpenFile *file, GError **error)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (self);
  gboolean in_reasoning;
  QePrompt *prompt;
  gssize n;

  if (pictures->len > 0)
    return count_with_pictures (self, model, _quern_open_file_get_model (file), pictures, error);
  prompt = _quern_request_make_prompt (self, file, pictures, &in_reasoning, error);
  if (!prompt)
    return -1;
  n = (gssize) qe_prompt_length (prompt);
  g_mutex_lock (&self->lock);
  _quern_request_forget_prompt (self);
  self->prepared_file = g_object_ref (file);
  self->prepared = prompt;
  self->prepared_in_reasoning = in_reasoning;
  g_mutex_unlock (&self->lock);
  return n;
}
