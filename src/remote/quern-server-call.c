/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is asked, and how each kind of server wants it written. A field that a kind does not know is not sent to it: strict
 * servers refuse it, others ignore it without a word. */

#include "config.h"

#include "quern-server-call.h"

#include "quern-json-util.h"

#define NO_SEED G_MININT64

typedef struct {
  char *mime_type;
  GBytes *bytes;
} Picture;

typedef struct {
  QuernSpeaker speaker;
  char *text;
  char *reasoning;     /* NULL: none */
  GPtrArray *pictures; /* of Picture; they come before the text */
} Message;

struct _QuernServerCall {
  QuernServerModel *model;
  GPtrArray *messages;
  QuernThinking thinking;
  char *effort;
  guint thinking_budget; /* tokens; 0: no limit */
  char *begun_reasoning, *begun_answer;
  guint max_tokens;     /* 0: no limit */
  guint context_length; /* in tokens, where the client decides; 0: the server's */
  QuernServerSampling sampling;
  gint64 seed;
  char **stop;
  JsonNode *schema; /* that the answer follows, or NULL */
};

static void
picture_free (gpointer data)
{
  Picture *picture = data;

  g_free (picture->mime_type);
  g_bytes_unref (picture->bytes);
  g_free (picture);
}

static void
message_free (gpointer data)
{
  Message *message = data;

  g_free (message->text);
  g_free (message->reasoning);
  g_ptr_array_unref (message->pictures);
  g_free (message);
}

/**
 * quern_server_call_new:
 * @model: (transfer none): which is asked
 *
 * Returns: (transfer full): a call without messages, with the server's own settings
 */
QuernServerCall *
quern_server_call_new (QuernServerModel *model)
{
  QuernServerCall *self = g_new0 (QuernServerCall, 1);

  self->model = quern_server_model_ref (model);
  self->messages = g_ptr_array_new_with_free_func (message_free);
  self->sampling = (QuernServerSampling) QUERN_SERVER_SAMPLING_DEFAULT;
  self->seed = NO_SEED;
  self->thinking = QUERN_THINKING_DEFAULT;
  return self;
}

void
quern_server_call_free (QuernServerCall *self)
{
  quern_server_model_unref (self->model);
  g_ptr_array_unref (self->messages);
  g_free (self->effort);
  g_free (self->begun_reasoning);
  g_free (self->begun_answer);
  g_strfreev (self->stop);
  g_clear_pointer (&self->schema, json_node_unref);
  g_free (self);
}

/**
 * quern_server_call_add_message:
 * @text: what was said; invalid UTF-8 becomes U+FFFD
 * @reasoning: (nullable): of an earlier answer
 */
void
quern_server_call_add_message (QuernServerCall *self, QuernSpeaker speaker, const char *text, const char *reasoning)
{
  Message *message = g_new0 (Message, 1);

  message->speaker = speaker;
  message->text = g_utf8_make_valid (text, -1);
  message->reasoning = reasoning != NULL && *reasoning != '\0' ? g_utf8_make_valid (reasoning, -1) : NULL;
  message->pictures = g_ptr_array_new_with_free_func (picture_free);
  g_ptr_array_add (self->messages, message);
}

/**
 * quern_server_call_add_picture:
 * @mime_type: image/png or image/jpeg, which all servers read
 * @bytes: the file's content, shown before the text of the message that was added last
 */
void
quern_server_call_add_picture (QuernServerCall *self, const char *mime_type, GBytes *bytes)
{
  Picture *picture;
  Message *message;

  g_return_if_fail (self->messages->len > 0 && mime_type != NULL && bytes != NULL);
  picture = g_new (Picture, 1);
  *picture = (Picture) { g_strdup (mime_type), g_bytes_ref (bytes) };
  message = self->messages->pdata[self->messages->len - 1];
  g_ptr_array_add (message->pictures, picture);
}

/* @thinking: %QUERN_THINKING_DEFAULT for the server's own */
void
quern_server_call_set_thinking (QuernServerCall *self, QuernThinking thinking)
{
  self->thinking = thinking;
}

QuernThinking
quern_server_call_get_thinking (const QuernServerCall *self)
{
  return self->thinking;
}

/* Returns: (transfer none): which is asked */
QuernServerModel *
quern_server_call_get_model (const QuernServerCall *self)
{
  return self->model;
}

/* @effort: (nullable): one of the model's levels; %NULL for its default */
void
quern_server_call_set_effort (QuernServerCall *self, const char *effort)
{
  g_set_str (&self->effort, effort);
}

/* @n_tokens: after which the thinking ends, where the server can do that; 0: no limit */
void
quern_server_call_set_thinking_budget (QuernServerCall *self, guint n_tokens)
{
  self->thinking_budget = n_tokens;
}

/**
 * quern_server_call_set_beginning:
 * @reasoning: (nullable): with which the answer begins
 * @answer: (nullable): what follows it
 *
 * The answer goes on from there, where the server can do that (#QuernServerTraits); what it sends does not repeat the beginning.
 */
void
quern_server_call_set_beginning (QuernServerCall *self, const char *reasoning, const char *answer)
{
  g_set_str (&self->begun_reasoning, reasoning != NULL && *reasoning != '\0' ? reasoning : NULL);
  g_set_str (&self->begun_answer, answer != NULL && *answer != '\0' ? answer : NULL);
}

/* @n_tokens: after which the answer ends; 0: no limit */
void
quern_server_call_set_max_tokens (QuernServerCall *self, guint n_tokens)
{
  self->max_tokens = n_tokens;
}

/* @n_tokens: of the context that the server is to make, where it leaves that to the client; 0: its own default */
void
quern_server_call_set_context_length (QuernServerCall *self, guint n_tokens)
{
  self->context_length = n_tokens;
}

void
quern_server_call_set_sampling (QuernServerCall *self, const QuernServerSampling *sampling)
{
  self->sampling = *sampling;
}

void
quern_server_call_set_seed (QuernServerCall *self, gint64 seed)
{
  self->seed = seed;
}

/* @stop: (nullable): texts at which the answer ends */
void
quern_server_call_set_stop (QuernServerCall *self, const char *const *stop)
{
  g_strfreev (self->stop);
  self->stop = g_strdupv ((char **) stop);
}

/* @schema: (nullable): a JSON schema; what is no JSON counts as none */
void
quern_server_call_set_schema (QuernServerCall *self, const char *schema)
{
  g_clear_pointer (&self->schema, json_node_unref);
  self->schema = schema != NULL ? json_from_string (schema, NULL) : NULL;
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static const char *const speakers[] = { "system", "user", "assistant" };

static void
add_message (JsonBuilder *out, const Message *message, QuernServerKind kind)
{
  const QuernServerTraits *traits = quern_server_kind_get_traits (kind);

  json_builder_begin_object (out);
  quern_json_add_string (out, "role", speakers[message->speaker]);
  if (message->pictures->len == 0 || kind == QUERN_SERVER_OLLAMA)
    quern_json_add_string (out, "content", message->text);
  if (message->pictures->len > 0) {
    json_builder_set_member_name (out, kind == QUERN_SERVER_OLLAMA ? "images" : "content");
    json_builder_begin_array (out);
    for (guint i = 0; i < message->pictures->len; i++) {
      const Picture *picture = message->pictures->pdata[i];
      gsize size;
      const guchar *bytes = g_bytes_get_data (picture->bytes, &size);
      g_autofree char *base64 = g_base64_encode (bytes, size);
      g_autofree char *url = g_strconcat ("data:", picture->mime_type, ";base64,", base64, NULL);

      if (kind == QUERN_SERVER_OLLAMA) {
        json_builder_add_string_value (out, base64);
        continue;
      }
      json_builder_begin_object (out);
      quern_json_add_string (out, "type", "image_url");
      json_builder_set_member_name (out, "image_url");
      json_builder_begin_object (out);
      quern_json_add_string (out, "url", url);
      json_builder_end_object (out);
      json_builder_end_object (out);
    }
    if (kind != QUERN_SERVER_OLLAMA) {
      json_builder_begin_object (out);
      quern_json_add_string (out, "type", "text");
      quern_json_add_string (out, "text", message->text);
      json_builder_end_object (out);
    }
    json_builder_end_array (out);
  }
  if (message->reasoning != NULL && traits->reasoning != NULL)
    quern_json_add_string (out, traits->reasoning, message->reasoning);
  json_builder_end_object (out);
}

static gboolean
is_begun (const QuernServerCall *self, QuernServerKind kind)
{
  return quern_server_kind_get_traits (kind)->continues
         && (self->begun_reasoning != NULL || self->begun_answer != NULL);
}

static void
add_messages (const QuernServerCall *self, JsonBuilder *out, QuernServerKind kind)
{
  json_builder_set_member_name (out, "messages");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->messages->len; i++)
    add_message (out, self->messages->pdata[i], kind);
  if (is_begun (self, kind)) {
    json_builder_begin_object (out);
    quern_json_add_string (out, "role", "assistant");
    quern_json_add_string (out, "content", self->begun_answer != NULL ? self->begun_answer : "");
    if (self->begun_reasoning != NULL)
      quern_json_add_string (out, quern_server_kind_get_traits (kind)->reasoning, self->begun_reasoning);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
}

/* ---- settings -------------------------------------------------------------------------------------------------- */

static void
add_changed (JsonBuilder *out, const char *name, double value)
{
  if (name != NULL && !isnan (value))
    quern_json_add_double (out, name, value);
}

static void
add_sampling (const QuernServerCall *self, JsonBuilder *out, const QuernServerTraits *traits)
{
  const QuernServerSampling *s = &self->sampling;

  add_changed (out, "temperature", s->temperature);
  add_changed (out, "top_p", s->top_p);
  if (traits->top_k && !isnan (s->top_k))
    quern_json_add_int (out, "top_k", (gint64) s->top_k);
  if (traits->min_p)
    add_changed (out, "min_p", s->min_p);
  add_changed (out, "presence_penalty", s->presence_penalty);
  add_changed (out, "frequency_penalty", s->frequency_penalty);
  add_changed (out, traits->repeat_penalty, s->repeat_penalty);
  if (self->seed != NO_SEED)
    quern_json_add_int (out, "seed", self->seed);
  if (self->max_tokens > 0)
    quern_json_add_int (out, traits->max_tokens, self->max_tokens);
  if (self->stop != NULL) {
    json_builder_set_member_name (out, "stop");
    json_builder_begin_array (out);
    for (char **stop = self->stop; *stop != NULL; stop++)
      json_builder_add_string_value (out, *stop);
    json_builder_end_array (out);
  }
}

/* The switch of the template; a string instead of the boolean would be refused. */
static void
add_template_settings (const QuernServerCall *self, JsonBuilder *out, const QuernServerTraits *traits)
{
  gboolean keep = FALSE;

  for (guint i = 0; i < self->messages->len && self->model->keeps_reasoning == QUERN_FACT_YES; i++)
    keep |= ((const Message *) self->messages->pdata[i])->reasoning != NULL;
  if (!traits->template_switch || (self->thinking == QUERN_THINKING_DEFAULT && !keep))
    return;
  json_builder_set_member_name (out, "chat_template_kwargs");
  json_builder_begin_object (out);
  if (self->thinking != QUERN_THINKING_DEFAULT)
    quern_json_add_bool (out, "enable_thinking", self->thinking == QUERN_THINKING_ON);
  if (keep)
    quern_json_add_bool (out, "preserve_thinking", TRUE);
  json_builder_end_object (out);
}

static void
add_thinking (const QuernServerCall *self, JsonBuilder *out, QuernServerKind kind)
{
  const QuernServerTraits *traits = quern_server_kind_get_traits (kind);
  gboolean on = self->thinking == QUERN_THINKING_ON;

  add_template_settings (self, out, traits);
  if (!traits->effort_switch)
    return;
  if (self->thinking == QUERN_THINKING_OFF)
    quern_json_add_string (out, "reasoning_effort", "none");
  else if (self->effort != NULL)
    quern_json_add_string (out, "reasoning_effort", self->effort);
  else if (on && !traits->template_switch)
    quern_json_add_string (out, "reasoning_effort", "medium"); /* LM Studio's word for "on" */
  if (self->thinking != QUERN_THINKING_OFF && self->thinking_budget > 0 && traits->thinking_budget != NULL)
    quern_json_add_int (out, traits->thinking_budget, self->thinking_budget);
}

static void
add_schema (const QuernServerCall *self, JsonBuilder *out, QuernServerKind kind)
{
  if (self->schema == NULL || !quern_server_kind_get_traits (kind)->schema)
    return;
  if (kind == QUERN_SERVER_OLLAMA) {
    json_builder_set_member_name (out, "format");
    json_builder_add_value (out, json_node_copy (self->schema));
    return;
  }
  json_builder_set_member_name (out, "response_format");
  json_builder_begin_object (out);
  quern_json_add_string (out, "type", "json_schema");
  json_builder_set_member_name (out, "json_schema");
  json_builder_begin_object (out);
  quern_json_add_string (out, "name", "answer");
  quern_json_add_bool (out, "strict", TRUE);
  json_builder_set_member_name (out, "schema");
  json_builder_add_value (out, json_node_copy (self->schema));
  json_builder_end_object (out);
  json_builder_end_object (out);
}

static void
add_ollama_settings (const QuernServerCall *self, JsonBuilder *out, const QuernServerTraits *traits)
{
  if (self->thinking != QUERN_THINKING_OFF && self->effort != NULL)
    quern_json_add_string (out, "think", self->effort);
  else if (self->thinking != QUERN_THINKING_DEFAULT)
    quern_json_add_bool (out, "think", self->thinking == QUERN_THINKING_ON);
  /* Else it would silently leave out the beginning of a conversation that is too long. */
  quern_json_add_bool (out, "truncate", FALSE);
  quern_json_add_bool (out, "shift", FALSE);
  json_builder_set_member_name (out, "options");
  json_builder_begin_object (out);
  if (self->context_length > 0)
    quern_json_add_int (out, "num_ctx", self->context_length);
  add_sampling (self, out, traits);
  json_builder_end_object (out);
}

static char *
builder_to_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);

  return json_to_string (root, FALSE);
}

/**
 * quern_server_call_to_json:
 *
 * Returns: (transfer full): the body of a request for an answer that comes in pieces
 */
char *
quern_server_call_to_json (const QuernServerCall *self, QuernServerKind kind)
{
  const QuernServerTraits *traits = quern_server_kind_get_traits (kind);
  g_autoptr (JsonBuilder) out = json_builder_new_immutable ();

  json_builder_begin_object (out);
  quern_json_add_string (out, "model", self->model->id);
  add_messages (self, out, kind);
  quern_json_add_bool (out, "stream", TRUE);
  if (kind == QUERN_SERVER_OLLAMA)
    add_ollama_settings (self, out, traits);
  else {
    add_sampling (self, out, traits);
    add_thinking (self, out, kind);
  }
  add_schema (self, out, kind);
  if (traits->usage) {
    json_builder_set_member_name (out, "stream_options");
    json_builder_begin_object (out);
    quern_json_add_bool (out, "include_usage", TRUE);
    json_builder_end_object (out);
  }
  if (traits->progress)
    quern_json_add_bool (out, "return_progress", TRUE);
  if (traits->ends_thinking && self->thinking != QUERN_THINKING_OFF)
    quern_json_add_bool (out, "reasoning_control", TRUE);
  if (traits->continue_fields && is_begun (self, kind)) {
    quern_json_add_bool (out, "continue_final_message", TRUE);
    quern_json_add_bool (out, "add_generation_prompt", FALSE);
  }
  json_builder_end_object (out);
  return builder_to_json (out);
}

/**
 * quern_server_call_to_count_json:
 *
 * Returns: (transfer full): the body of a request that counts the tokens of the prompt, for kinds that can
 */
char *
quern_server_call_to_count_json (const QuernServerCall *self, QuernServerKind kind)
{
  const QuernServerTraits *traits = quern_server_kind_get_traits (kind);
  g_autoptr (JsonBuilder) out = json_builder_new_immutable ();

  json_builder_begin_object (out);
  quern_json_add_string (out, "model", self->model->id);
  add_messages (self, out, kind);
  add_template_settings (self, out, traits);
  if (kind != QUERN_SERVER_LLAMA) {
    quern_json_add_bool (out, "add_generation_prompt", !is_begun (self, kind));
    if (is_begun (self, kind))
      quern_json_add_bool (out, "continue_final_message", TRUE);
  }
  json_builder_end_object (out);
  return builder_to_json (out);
}

/**
 * quern_server_call_estimate:
 *
 * Returns: about how many tokens the prompt has, for servers that do not count: four bytes of text to a token, ten tokens for
 * what a template writes around a message, and a thousand for a picture
 */
guint
quern_server_call_estimate (const QuernServerCall *self)
{
  gsize n = 0;

  for (guint i = 0; i < self->messages->len; i++) {
    const Message *message = self->messages->pdata[i];

    n += strlen (message->text) / 4 + 10 + 1000 * (gsize) message->pictures->len;
  }
  n += (self->begun_reasoning != NULL ? strlen (self->begun_reasoning) / 4 : 0)
       + (self->begun_answer != NULL ? strlen (self->begun_answer) / 4 : 0);
  return (guint) MIN (n, G_MAXINT);
}
