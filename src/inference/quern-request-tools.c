/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request says of tools, and the grammar that an answer follows. */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-local-private.h"

/* ---- messages -------------------------------------------------------------------------------------------------- */

static void
call_free (gpointer data)
{
  QuernRequestCall *call = data;

  g_free (call->id);
  g_free (call->name);
  g_free (call->arguments);
  g_free (call);
}

/**
 * quern_request_add_call:
 * @id: (nullable): what the result refers to
 * @arguments: a JSON object, as text
 *
 * Says that the message that was added last, an answer, called a tool.
 */
void
quern_request_add_call (QuernRequest *self, const char *id, const char *name, const char *arguments)
{
  QuernRequestMessage *message;
  QuernRequestCall *call;

  g_return_if_fail (self->messages->len > 0);
  _quern_request_forget_prompt (self);
  message = self->messages->pdata[self->messages->len - 1];
  if (!message->calls)
    message->calls = g_ptr_array_new_with_free_func (call_free);
  call = g_new (QuernRequestCall, 1);
  *call = (QuernRequestCall) { g_strdup (id), g_utf8_make_valid (name, -1), g_utf8_make_valid (arguments, -1) };
  g_ptr_array_add (message->calls, call);
}

/**
 * quern_request_add_result:
 * @call_id: (nullable): of the call that it is the result of
 * @name: (nullable): of the tool
 * @text: the result
 *
 * Adds the result of a call as a message.
 */
void
quern_request_add_result (QuernRequest *self, const char *call_id, const char *name, const char *text)
{
  QuernRequestMessage *message;

  quern_request_add_message (self, QUERN_ROLE_USER, text, NULL);
  message = self->messages->pdata[self->messages->len - 1];
  message->is_result = TRUE;
  message->call_id = g_strdup (call_id);
  message->name = g_strdup (name);
}

/* ---- tools ----------------------------------------------------------------------------------------------------- */

static gboolean
set_request_error (GError **error, const QeError *engine_error)
{
  g_set_error_literal (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST, engine_error->message);
  return FALSE;
}

/**
 * quern_request_check_tools:
 * @tools: (array zero-terminated=1): JSON of each tool
 *
 * Returns: whether each of them can be offered to a model; if not, @error is one sentence that says why
 */
gboolean
quern_request_check_tools (const char *const *tools, GError **error)
{
  for (guint i = 0; tools[i]; i++) {
    QeGrammar *grammar = NULL;
    QeError engine_error = { 0 };
    const QeToolRules rules = { .tools = &tools[i], .n_tools = 1, .form = QE_TOOLS_XML };

    if (qe_grammar_from_tools (&grammar, NULL, &rules, &engine_error) != QE_OK)
      return set_request_error (error, &engine_error);
    qe_grammar_free (grammar);
  }
  return TRUE;
}

/**
 * quern_request_set_tools:
 * @tools: (array zero-terminated=1) (nullable): JSON of each tool that the model may call, as OpenAI's API takes them
 */
void
quern_request_set_tools (QuernRequest *self, const char *const *tools)
{
  _quern_request_forget_prompt (self);
  g_strfreev (self->tools);
  self->tools = tools && tools[0] ? g_strdupv ((char **) tools) : NULL;
}

/**
 * quern_request_set_tool_choice:
 * @choice: whether the model may or must call tools
 * @name: (nullable): the only tool that it may call, and must
 * @parallel: whether it may make several calls in one answer
 */
void
quern_request_set_tool_choice (QuernRequest *self, QuernToolChoice choice, const char *name, gboolean parallel)
{
  _quern_request_forget_prompt (self);
  self->tool_choice = name ? QUERN_TOOLS_REQUIRED : choice;
  g_set_str (&self->tool_name, name);
  self->one_call = !parallel;
}

/* ---- grammar --------------------------------------------------------------------------------------------------- */

/**
 * quern_request_check_grammar:
 * @gbnf: a grammar in llama.cpp's notation
 *
 * Returns: whether an answer can be made to follow it; if not, @error is one sentence that says why
 */
gboolean
quern_request_check_grammar (const char *gbnf, GError **error)
{
  QeGrammar *grammar = NULL;
  QeError engine_error = { 0 };

  if (qe_grammar_from_gbnf (&grammar, NULL, gbnf, strlen (gbnf), &engine_error) != QE_OK)
    return set_request_error (error, &engine_error);
  qe_grammar_free (grammar);
  return TRUE;
}

/**
 * quern_request_set_grammar:
 * @gbnf: (nullable): a grammar that quern_request_check_grammar() accepts, or %NULL for free text
 *
 * Makes the answer follow a grammar, unless it is cut short. It goes before a schema. Reasoning stays free.
 */
void
quern_request_set_grammar (QuernRequest *self, const char *gbnf)
{
  g_set_str (&self->gbnf, gbnf);
}

gboolean
_quern_request_offers_tools (const QuernRequest *self)
{
  return self->tools && self->tool_choice != QUERN_TOOLS_NONE;
}

/* Makes the grammar that the answer follows; *grammar is NULL if it may be anything. *after_call: it begins to hold behind the
 * token that opens a call, not with the answer. */
gboolean
_quern_request_make_grammar (const QuernRequest *self, const QeModel *opened, QeGrammar **grammar, gboolean *after_call,
                             GError **error)
{
  const QeToolForm form = qe_model_info (opened)->chat.tools;
  const gboolean offers = _quern_request_offers_tools (self);
  const gboolean must = offers && self->tool_choice == QUERN_TOOLS_REQUIRED;
  QeError engine_error = { 0 };
  QeStatus status = QE_OK;

  *grammar = NULL;
  *after_call = FALSE;
  if (offers && form == QE_TOOLS_NONE) {
    g_set_error_literal (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST,
                         _("This model’s chat template knows no tools. Choose another model, or ask without tools."));
    return FALSE;
  }
  if (self->gbnf) {
    status = qe_grammar_from_gbnf (grammar, opened, self->gbnf, strlen (self->gbnf), &engine_error);
  } else if (offers) {
    *after_call = !must && !self->schema;
    status = qe_grammar_from_tools (grammar, opened,
                                    &(QeToolRules) { .tools = (const char *const *) self->tools,
                                                     .n_tools = g_strv_length (self->tools),
                                                     .form = form,
                                                     .name = self->tool_name,
                                                     .parallel = !self->one_call,
                                                     .open = *after_call,
                                                     .schema = must ? NULL : self->schema },
                                    &engine_error);
    /* Calls that nobody asked for may be written in a form that there is no grammar for. */
    if (*after_call && status != QE_OK && status != QE_ERROR_MEMORY)
      status = QE_OK;
  } else if (self->schema) {
    status = qe_grammar_from_schema (grammar, opened, self->schema, strlen (self->schema), &engine_error);
  }
  if (status == QE_OK)
    return TRUE;
  return status == QE_ERROR_MEMORY ? _quern_inference_set_error (error, &engine_error)
                                   : set_request_error (error, &engine_error);
}
