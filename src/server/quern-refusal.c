/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-refusal.h"

#include "quern-backend.h"
#include "quern-json-util.h"

/* Messages to programs are in English, as those of other servers: they go into logs, and some programs look for words. */

static const char *
type_of_status (guint status)
{
  static const struct {
    guint status;
    const char *type;
  } types[] = {
    { 401, "authentication_error" }, { 403, "permission_error" },    { 404, "not_found_error" },
    { 429, "rate_limit_error" },     { 501, "not_supported_error" }, { 503, "unavailable_error" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].status == status)
      return types[i].type;
  return status >= 500 ? "server_error" : "invalid_request_error";
}

static QuernRefusal *
new_valist (guint status, const char *code, const char *param, const char *format, va_list arguments)
{
  QuernRefusal *self = g_new0 (QuernRefusal, 1);
  g_autofree char *message = g_strdup_vprintf (format, arguments);

  self->status = status;
  self->type = type_of_status (status);
  self->code = code;
  self->param = param ? g_utf8_make_valid (param, -1) : NULL;
  self->message = g_utf8_make_valid (message, -1);
  return self;
}

/**
 * quern_refusal_new:
 * @status: of HTTP
 * @code: (nullable): a static string that programs look at
 * @param: (nullable): the member of the request that is wrong
 * @format: a sentence
 *
 * Returns: (transfer full): a refusal
 */
QuernRefusal *
quern_refusal_new (guint status, const char *code, const char *param, const char *format, ...)
{
  va_list arguments;
  QuernRefusal *self;

  va_start (arguments, format);
  self = new_valist (status, code, param, format, arguments);
  va_end (arguments);
  return self;
}

/**
 * quern_refuse:
 * @refusal: (inout): where the refusal goes; one that is there already stays
 *
 * As quern_refusal_new(), for functions that return what this returns: %FALSE, always.
 */
gboolean
quern_refuse (QuernRefusal **refusal, guint status, const char *code, const char *param, const char *format, ...)
{
  va_list arguments;

  if (*refusal)
    return FALSE;
  va_start (arguments, format);
  *refusal = new_valist (status, code, param, format, arguments);
  va_end (arguments);
  return FALSE;
}

/**
 * quern_refusal_new_from_error:
 * @error: what went wrong while a model was loaded or ran
 *
 * Returns: (transfer full): the refusal that says so
 */
QuernRefusal *
quern_refusal_new_from_error (const GError *error)
{
  guint status = 500;
  const char *code = NULL;

  if (error->domain == QUERN_INFERENCE_ERROR) {
    switch ((QuernInferenceError) error->code) {
    case QUERN_INFERENCE_ERROR_CONTEXT_FULL:
      status = 400;
      code = "context_length_exceeded";
      break;
    case QUERN_INFERENCE_ERROR_NO_VISION:
    case QUERN_INFERENCE_ERROR_REQUEST:
    case QUERN_INFERENCE_ERROR_FAILED: status = 400; break;
    case QUERN_INFERENCE_ERROR_MEMORY: status = 503; break;
    case QUERN_INFERENCE_ERROR_UNSUPPORTED: status = 501; break;
    case QUERN_INFERENCE_ERROR_DAMAGED: break;
    }
  }
  return quern_refusal_new (status, code, NULL, "%s", error->message);
}

void
quern_refusal_free (QuernRefusal *self)
{
  if (!self)
    return;
  g_free (self->message);
  g_free (self->param);
  g_free (self);
}

/**
 * quern_refusal_to_json:
 *
 * Returns: (transfer full): the error object of OpenAI's API, with what llama-server adds to it
 */
char *
quern_refusal_to_json (const QuernRefusal *self)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "error");
  json_builder_begin_object (json);
  quern_json_add_string (json, "message", self->message);
  quern_json_add_string (json, "type", self->prompt_tokens > 0 ? "exceed_context_size_error" : self->type);
  quern_json_add_string (json, "param", self->param);
  if (self->code)
    quern_json_add_string (json, "code", self->code);
  else
    quern_json_add_int (json, "code", self->status);
  if (self->prompt_tokens > 0) {
    quern_json_add_int (json, "n_prompt_tokens", self->prompt_tokens);
    quern_json_add_int (json, "n_ctx", self->context_size);
  }
  json_builder_end_object (json);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, FALSE);
}
