/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-template.h"

#include <stdlib.h>

#include "quern-backend.h"
#include "quern-request.h"

/* The chat template of a model's file, and what it makes of a conversation, without answering. All of this blocks: it opens
 * the file, but reads no weights. */

static QeModel *
open_model (QuernModel *model, GError **error)
{
  const QeModelParams params = { .no_prefetch = true };
  QeError engine_error = { 0 };
  QeModel *opened = NULL;

  if (qe_model_open (&opened, quern_model_get_path (model), &params, &engine_error) != QE_OK)
    quern_engine_set_error (error, &engine_error);
  return opened;
}

/**
 * quern_template_read:
 *
 * Returns: (transfer full) (nullable): the text of the file's template, "" when it has none; invalid UTF-8 as U+FFFD
 */
char *
quern_template_read (QuernModel *model, GError **error)
{
  QeModel *opened = open_model (model, error);
  size_t length = 0;
  const char *text;
  char *valid;

  if (!opened)
    return NULL;
  text = qe_model_chat_template (opened, &length);
  valid = g_utf8_make_valid (text ? text : "", (gssize) length);
  qe_model_free (opened);
  return valid;
}

/* Takes the rendered text. */
static gboolean
take_text (QeModel *opened, QeChatText *text, char **prompt, GArray **tokens, GError **error)
{
  QeError engine_error = { 0 };
  int32_t *ids = NULL;
  size_t n = 0;
  gboolean ok = qe_tokenize (opened, text->text, text->length, text->plain, text->n_plain, &ids, &n, &engine_error)
                == QE_OK;

  if (ok) {
    *prompt = g_utf8_make_valid (text->text, (gssize) text->length); /* of which a NUL is no part */
    *tokens = g_array_append_vals (g_array_new (FALSE, FALSE, sizeof *ids), ids, (guint) n);
  } else {
    quern_engine_set_error (error, &engine_error);
  }
  free (ids);
  qe_chat_text_clear (text);
  return ok;
}

/**
 * quern_template_render:
 * @prompt: (out) (transfer full): the text that the model would go on from; a picture is one placeholder in it
 * @tokens: (out) (transfer full) (element-type gint32): the same as ids
 */
gboolean
quern_template_render (QuernModel *model, QuernRequest *request, char **prompt, GArray **tokens, GError **error)
{
  QeModel *opened = open_model (model, error);
  QeError engine_error = { 0 };
  QeChatText text = { 0 };
  gboolean in_reasoning, ok = FALSE;

  if (!opened)
    return FALSE;
  if (_quern_request_render (request, opened, &text, &in_reasoning, &engine_error))
    ok = take_text (opened, &text, prompt, tokens, error);
  else
    quern_engine_set_error (error, &engine_error);
  qe_model_free (opened);
  return ok;
}

/**
 * quern_template_render_json:
 * @json: (array length=length): an object with `messages`, perhaps `tools`, and variables for the template, as OpenAI's API takes it
 * @options: what holds where @json says nothing
 *
 * As quern_template_render().
 */
gboolean
quern_template_render_json (QuernModel *model, const char *json, gsize length, const QeChatOptions *options,
                            char **prompt, GArray **tokens, GError **error)
{
  QeModel *opened = open_model (model, error);
  QeError engine_error = { 0 };
  QeChatText text = { 0 };
  gboolean ok = FALSE;

  if (!opened)
    return FALSE;
  if (qe_chat_render_json (&text, opened, json, length, options, &engine_error) == QE_OK)
    ok = take_text (opened, &text, prompt, tokens, error);
  else if (engine_error.status == QE_ERROR_ARGUMENT) /* it says what is wrong with the conversation */
    g_set_error_literal (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_FAILED, engine_error.message);
  else
    quern_engine_set_error (error, &engine_error);
  qe_model_free (opened);
  return ok;
}
