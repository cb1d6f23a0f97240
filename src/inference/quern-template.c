/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-template.h"

#include "quern-local-private.h"

/* The chat template of a model's file, and what it makes of a conversation, without answering. All of this blocks: it opens
 * the file, but reads no weights. */

/**
 * quern_template_read:
 *
 * Returns: (transfer full) (nullable): the text of the file's template, "" when it has none; invalid UTF-8 as U+FFFD
 */
char *
quern_template_read (QuernModel *model, GError **error)
{
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, error);
  size_t length = 0;
  const char *text;

  if (!file)
    return NULL;
  text = qe_model_chat_template (_quern_open_file_get_model (file), &length);
  return g_utf8_make_valid (text ? text : "", (gssize) length);
}

/* Takes the rendered text. */
static gboolean
take_text (QuernOpenFile *file, QeChatText *text, char **prompt, GArray **tokens, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));
  gboolean ok = _quern_open_file_tokenise_text (file, text, ids, error);

  if (ok) {
    *prompt = g_utf8_make_valid (text->text, (gssize) text->length); /* of which a NUL is no part */
    *tokens = g_steal_pointer (&ids);
  }
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
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, error);
  QeChatText text = { 0 };
  gboolean in_reasoning;

  return file && _quern_request_render (request, _quern_open_file_get_model (file), &text, &in_reasoning, error)
         && take_text (file, &text, prompt, tokens, error);
}

/**
 * quern_template_render_json:
 * @json: (array length=length): an object with `messages`, perhaps `tools`, and variables for the template, as OpenAI's API takes it
 * @thinking: whether the model is to think, where @json does not say it
 * @effort: (nullable): how much it is to think, likewise
 *
 * As quern_template_render().
 */
gboolean
quern_template_render_json (QuernModel *model, const char *json, gsize length, QuernThinking thinking,
                            const char *effort, char **prompt, GArray **tokens, GError **error)
{
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, error);
  const QeChatOptions options = { .add_generation_prompt = true,
                                  .enable_thinking = thinking == QUERN_THINKING_DEFAULT ? QE_UNSET
                                                     : thinking == QUERN_THINKING_ON    ? QE_YES
                                                                                        : QE_NO,
                                  .reasoning_effort = effort };
  QeError engine_error = { 0 };
  QeChatText text = { 0 };

  if (!file)
    return FALSE;
  if (qe_chat_render_json (&text, _quern_open_file_get_model (file), json, length, &options, &engine_error) == QE_OK)
    return take_text (file, &text, prompt, tokens, error);
  if (engine_error.status != QE_ERROR_ARGUMENT)
    return _quern_inference_set_error (error, &engine_error);
  /* It says what is wrong with the conversation. */
  g_set_error_literal (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_FAILED, engine_error.message);
  return FALSE;
}
