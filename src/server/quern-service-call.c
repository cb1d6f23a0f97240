/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-call.h"

#include <math.h>

#include "quern-backend.h"
#include "quern-effort.h"
#include "quern-open-file.h"
#include "quern-picture.h"

static void
tool_call_free (gpointer data)
{
  QuernServiceToolCall *call = data;

  g_free (call->id);
  g_free (call->name);
  g_free (call->arguments);
  g_free (call);
}

static void
message_free (gpointer data)
{
  QuernServiceMessage *message = data;

  g_free (message->text);
  g_free (message->reasoning);
  g_free (message->call_id);
  g_free (message->name);
  g_ptr_array_unref (message->pictures);
  g_ptr_array_unref (message->calls);
  g_free (message);
}

/**
 * quern_service_call_new:
 *
 * Returns: (transfer full): a call that says nothing: no messages, the model's own values, no limit
 */
QuernServiceCall *
quern_service_call_new (void)
{
  QuernServiceCall *self = g_new0 (QuernServiceCall, 1);

  self->messages = g_ptr_array_new_with_free_func (message_free);
  self->biases = g_array_new (FALSE, FALSE, sizeof (QuernLogitBias));
  self->temperature = self->top_p = self->min_p = NAN;
  self->presence_penalty = self->frequency_penalty = self->repetition_penalty = NAN;
  self->top_k = self->seed = QUERN_SERVICE_UNSET;
  self->max_tokens = -1;
  self->n_logprobs = -1;
  self->thinking = QUERN_THINKING_DEFAULT;
  self->parallel_tools = TRUE;
  return self;
}

void
quern_service_call_free (QuernServiceCall *self)
{
  if (!self)
    return;
  g_free (self->model);
  g_ptr_array_unref (self->messages);
  g_free (self->prompt);
  g_free (self->suffix);
  g_clear_pointer (&self->tokens, g_array_unref);
  g_strfreev (self->stops);
  g_array_unref (self->biases);
  g_free (self->effort);
  g_free (self->variables);
  g_free (self->schema);
  g_free (self->grammar);
  g_strfreev (self->tools);
  g_free (self->tool_name);
  g_free (self);
}

/**
 * quern_service_call_add_message:
 *
 * Returns: (transfer none): a new message at the end, without text, to be filled
 */
QuernServiceMessage *
quern_service_call_add_message (QuernServiceCall *self, QuernRole role)
{
  QuernServiceMessage *message = g_new0 (QuernServiceMessage, 1);

  message->role = role;
  message->text = g_strdup ("");
  message->pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  message->calls = g_ptr_array_new_with_free_func (tool_call_free);
  g_ptr_array_add (self->messages, message);
  return message;
}

void
quern_service_message_add_call (QuernServiceMessage *self, const char *id, const char *name, const char *arguments)
{
  QuernServiceToolCall *call = g_new (QuernServiceToolCall, 1);

  *call = (QuernServiceToolCall) { g_strdup (id), g_strdup (name), g_strdup (arguments) };
  g_ptr_array_add (self->calls, call);
}

/* ---- the request ----------------------------------------------------------------------------------------------- */

/* Whether @model is to think: as the call says, or else as the template of its file does by itself. */
static gboolean
quern_service_call_thinks (const QuernServiceCall *self, QuernModel *model)
{
  if (self->thinking == QUERN_THINKING_DEFAULT)
    return quern_model_get_info (model)->chat.thinking_default;
  return self->thinking == QUERN_THINKING_ON;
}

static gboolean
add_pictures (QuernRequest *request, const QuernServiceMessage *message, QuernRefusal **refusal)
{
  for (guint i = 0; i < message->pictures->len; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (message->pictures->pdata[i], NULL, &error);
    if (!picture)
      return quern_refuse (refusal, 400, NULL, "image_url", "%s", error->message);
    quern_request_add_picture (request, quern_picture_dup_pixels (picture));
  }
  return TRUE;
}

/* An assistant's message at the end is the beginning of the answer. */
static gboolean
add_messages (const QuernServiceCall *self, QuernRequest *request, QuernRefusal **refusal)
{
  for (guint i = 0; i < self->messages->len; i++) {
    const QuernServiceMessage *message = self->messages->pdata[i];
    if (message->is_result) {
      quern_request_add_result (request, message->call_id, message->name, message->text);
      continue;
    }
    if (message->role == QUERN_ROLE_ASSISTANT && i + 1 == self->messages->len && message->calls->len == 0) {
      quern_request_set_beginning (request, message->reasoning, message->text);
      break;
    }
    quern_request_add_message (request, message->role, message->text, message->reasoning);
    for (guint k = 0; k < message->calls->len; k++) {
      const QuernServiceToolCall *call = message->calls->pdata[k];
      quern_request_add_call (request, call->id, call->name, call->arguments);
    }
    if (!add_pictures (request, message, refusal))
      return FALSE;
  }
  return TRUE;
}

static gboolean
add_tools (const QuernServiceCall *self, QuernRequest *request, QuernRefusal **refusal)
{
  g_autoptr (GError) error = NULL;

  if (!self->tools)
    return self->tool_choice != QUERN_SERVICE_TOOLS_REQUIRED
           || quern_refuse (refusal, 400, NULL, "tool_choice",
                            "\"tool_choice\" asks for a call, but there are no \"tools\".");
  if (!quern_request_check_tools ((const char *const *) self->tools, &error))
    return quern_refuse (refusal, 400, NULL, "tools", "%s", error->message);
  quern_request_set_tools (request, (const char *const *) self->tools);
  quern_request_set_tool_choice (request, (QuernToolChoice) self->tool_choice, self->tool_name, self->parallel_tools);
  return TRUE;
}

static void
set_if_given (float *value, double wanted)
{
  if (!isnan (wanted))
    *value = (float) wanted;
}

static void
apply_sampling (const QuernServiceCall *self, QuernModel *model, QuernRequest *request)
{
  QuernSamplerValues values;

  quern_sampler_values_init (&values, model, quern_service_call_thinks (self, model),
                             quern_request_has_pictures (request));
  set_if_given (&values.temperature, self->temperature);
  set_if_given (&values.top_p, self->top_p);
  set_if_given (&values.min_p, self->min_p);
  set_if_given (&values.presence_penalty, self->presence_penalty);
  set_if_given (&values.frequency_penalty, self->frequency_penalty);
  set_if_given (&values.repetition_penalty, self->repetition_penalty);
  if (self->top_k != QUERN_SERVICE_UNSET)
    values.top_k = (guint) MAX (self->top_k, 0);
  values.seed = self->seed >= 0 ? (guint64) self->seed : g_random_int ();
  quern_request_set_sampler (request, &values);
  if (self->max_tokens >= 0)
    quern_request_set_max_tokens (request, (guint) MAX (self->max_tokens, 1));
  if (self->n_logprobs >= 0)
    quern_request_set_candidates (request, (guint) MAX (self->n_logprobs, 1));
  quern_request_set_stops (request, (const char *const *) self->stops);
  quern_request_set_bias (request, (const QuernLogitBias *) (gpointer) self->biases->data, self->biases->len);
}

static gboolean
apply_constraint (const QuernServiceCall *self, QuernRequest *request, QuernRefusal **refusal)
{
  g_autoptr (GError) error = NULL;

  if (self->grammar && !quern_request_check_grammar (self->grammar, &error))
    return quern_refuse (refusal, 400, NULL, "grammar", "%s", error->message);
  quern_request_set_grammar (request, self->grammar);
  if (self->schema && !quern_request_check_schema (self->schema, &error))
    return quern_refuse (refusal, 400, "invalid_json_schema", "response_format", "The JSON schema cannot be used: %s",
                         error->message);
  quern_request_set_schema (request, self->schema);
  return TRUE;
}

static gboolean
tokenise_prompt (const QuernServiceCall *self, QuernModel *model, GArray *tokens, GError **error)
{
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, error);

  return file
         && (self->suffix ? quern_open_file_tokenise_infill (file, self->prompt, self->suffix, tokens, error)
                          : quern_open_file_tokenise_raw (file, self->prompt, tokens, error));
}

/* A raw prompt becomes its tokens. */
static gboolean
add_prompt (const QuernServiceCall *self, QuernModel *model, QuernRequest *request, QuernRefusal **refusal)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) tokens = self->tokens ? g_array_ref (self->tokens) : g_array_new (FALSE, FALSE, sizeof (gint32));

  if (!self->tokens && !tokenise_prompt (self, model, tokens, &error)) {
    *refusal = quern_refusal_new_from_error (error);
    return FALSE;
  }
  if (tokens->len == 0)
    return quern_refuse (refusal, 400, NULL, "prompt", "The prompt is empty.");
  quern_request_set_tokens (request, (const gint32 *) (gpointer) tokens->data, tokens->len);
  quern_request_set_raw (request, TRUE);
  if (self->echo)
    quern_request_set_echo (request, self->max_tokens == 0 ? QUERN_ECHO_ALONE : QUERN_ECHO_AND_ANSWER);
  return TRUE;
}

/**
 * quern_service_call_make_request:
 * @refusal: (out): why there is no request
 *
 * Makes what @model is asked. It decodes pictures and may open the model's file, so it blocks; any thread may call it.
 *
 * Returns: (transfer full) (nullable): the request, in the background
 */
QuernRequest *
quern_service_call_make_request (const QuernServiceCall *self, QuernModel *model, QuernRefusal **refusal)
{
  g_autoptr (QuernRequest) request = quern_request_new ();
  const QuernTemplateInfo *info = &quern_model_get_info (model)->chat;
  gboolean raw = self->prompt || self->tokens;

  if (raw ? !add_prompt (self, model, request, refusal) : !add_messages (self, request, refusal))
    return NULL;
  if (quern_request_has_pictures (request) && !quern_model_get_vision_path (model)) {
    quern_refuse (refusal, 400, NULL, "image_url", "“%s” cannot see pictures: it has no vision file (mmproj).",
                  quern_model_get_id (model));
    return NULL;
  }
  quern_request_set_background (request, TRUE);
  quern_request_set_thinking (request, quern_service_call_thinks (self, model));
  for (guint i = 0; self->effort && i < info->n_efforts; i++)
    if (g_str_equal (info->efforts[i], self->effort))
      quern_request_set_effort (request, self->effort);
  quern_request_set_thinking_budget (request, self->thinking_budget);
  quern_request_set_variables (request, self->variables);
  apply_sampling (self, model, request);
  if (!apply_constraint (self, request, refusal) || !add_tools (self, request, refusal))
    return NULL;
  return g_steal_pointer (&request);
}

/* ---- what a prompt shares with another ------------------------------------------------------------------------- */

#define FNV_BASIS G_GUINT64_CONSTANT (0xcbf29ce484222325)
#define FNV_PRIME G_GUINT64_CONSTANT (0x100000001b3)

static guint64
hash_bytes (guint64 hash, const void *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    hash = (hash ^ ((const guint8 *) bytes)[i]) * FNV_PRIME;
  return hash;
}

static guint64
hash_text (guint64 hash, const char *text)
{
  return text ? hash_bytes (hash, text, strlen (text) + 1) : (hash ^ 0xff) * FNV_PRIME;
}

static guint64
hash_message (guint64 hash, const QuernServiceMessage *message)
{
  hash = hash_text ((hash ^ message->role ^ (message->is_result ? 64u : 0u)) * FNV_PRIME, message->text);
  hash = hash_text (hash, message->call_id);
  for (guint i = 0; i < message->pictures->len; i++) {
    gsize size;
    const void *bytes = g_bytes_get_data (message->pictures->pdata[i], &size);
    hash = hash_bytes (hash, bytes, size);
  }
  for (guint i = 0; i < message->calls->len; i++) {
    const QuernServiceToolCall *call = message->calls->pdata[i];
    hash = hash_text (hash_text (hash, call->name), call->arguments);
  }
  return hash;
}

/**
 * quern_service_call_fingerprint:
 *
 * Makes numbers of the beginnings of a call: the first of what is before all messages, each further one of everything up to
 * the end of another message (of a raw prompt: of another 1024 bytes). As far as the numbers of two calls agree, their
 * prompts do. Reasoning is left out, as templates drop that of earlier answers.
 *
 * Returns: (transfer full) (element-type guint64): the numbers
 */
GArray *
quern_service_call_fingerprint (const QuernServiceCall *self)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 hash = hash_text (FNV_BASIS, self->variables);
  const char *prompt = self->tokens ? self->tokens->data : self->prompt;
  gsize n = self->tokens ? self->tokens->len * sizeof (gint32) : prompt ? strlen (prompt) : 0;

  for (guint i = 0; self->tools && self->tools[i]; i++)
    hash = hash_text (hash, self->tools[i]);
  g_array_append_val (numbers, hash);
  for (gsize at = 0; at < n; at += MIN (1024, n - at)) {
    hash = hash_bytes (hash, prompt + at, MIN (1024, n - at));
    g_array_append_val (numbers, hash);
  }
  for (guint i = 0; i < self->messages->len; i++) {
    hash = hash_message (hash, self->messages->pdata[i]);
    g_array_append_val (numbers, hash);
  }
  return numbers;
}
