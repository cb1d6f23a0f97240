/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions of qe.h that speak of a model where they mean its tokenizer or its chat template. */
#include "model/qe-model.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "sampler/qe-grammar.h"

#include <stdlib.h>

QeStatus
qe_tokenize (const QeModel *model, const char *text, size_t length, const QeSpan *plain, size_t n_plain, int32_t **out,
             size_t *n_out, QeError *err)
{
  return qe_tokenizer_encode (qe_model_tokenizer (model), text, length, plain, n_plain, out, n_out, err);
}

const char *
qe_token_bytes (const QeModel *model, int32_t id, size_t *length, bool *is_control)
{
  return qe_tokenizer_token (qe_model_tokenizer (model), id, length, is_control);
}

int32_t
qe_token_by_text (const QeModel *model, const char *text)
{
  return qe_tokenizer_find (qe_model_tokenizer (model), text);
}

bool
qe_token_ends_generation (const QeModel *model, int32_t id)
{
  return qe_tokenizer_ends_generation (qe_model_tokenizer (model), id);
}

const uint8_t *
qe_sampleable_tokens (const QeModel *model)
{
  return qe_tokenizer_allowed (qe_model_tokenizer (model));
}

uint64_t
qe_vocabulary_hash (const QeModel *model)
{
  return qe_tokenizer_hash (qe_model_tokenizer (model));
}

QeDecoder *
qe_decoder_new (const QeModel *model)
{
  return qe_decoder_new_for (qe_model_tokenizer (model));
}

QeOutputParser *
qe_output_parser_new (const QeModel *model, bool thinking, QeOutputFunc func, void *data)
{
  return qe_output_parser_new_for (qe_model_tokenizer (model), thinking, func, data);
}

QeStatus
qe_grammar_from_gbnf (QeGrammar **out, const QeModel *model, const char *text, size_t length, QeError *err)
{
  return qe_grammar_from_gbnf_for (out, model ? qe_model_tokenizer (model) : NULL, text, length, err);
}

QeStatus
qe_grammar_from_schema (QeGrammar **out, const QeModel *model, const char *json, size_t length, QeError *err)
{
  return qe_grammar_from_schema_for (out, model ? qe_model_tokenizer (model) : NULL, json, length, err);
}

QeStatus
qe_grammar_from_tools (QeGrammar **out, const QeModel *model, const QeToolRules *rules, QeError *err)
{
  return qe_grammar_from_tools_for (out, model ? qe_model_tokenizer (model) : NULL, rules, err);
}

/* ---- chat ------------------------------------------------------------------------------------------------------ */

const char *
qe_model_chat_template (const QeModel *model, size_t *length)
{
  const char *text = NULL;
  *length = 0;
  return qe_gguf_get_string (model->gguf, "tokenizer.chat_template", &text, length) ? text : NULL;
}

QeStatus
qe_chat_render (QeChatText *out, const QeModel *model, const QeChatMessage *messages, size_t n_messages,
                const QeChatOptions *options, QeError *err)
{
  return qe_template_render (out, model ? model->chat_template : NULL, messages, n_messages, options, err);
}

QeStatus
qe_chat_render_json (QeChatText *out, const QeModel *model, const char *json, size_t length,
                     const QeChatOptions *options, QeError *err)
{
  return qe_template_render_json (out, model ? model->chat_template : NULL, json, length, options, err);
}
