/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations as variables of a chat template: messages of the engine's own kind, or JSON as OpenAI writes it. */
#include "qe-error.h"
#include "format/template/qe-rich-text.h"
#include "format/template/qe-template.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const QeTemplate *template;
  const QeChatOptions *options;
  const QeChatMessage *messages; /* or else json */
  size_t n_messages;
  const QeJson *json;
} Conversation;

static QjValue
literal (QjRun *run, const char *text)
{
  return qe_jinja_text (run, text, strlen (text), false);
}

static QjValue
plain (QjRun *run, const char *text)
{
  return qe_jinja_text (run, text ? text : "", text ? strlen (text) : 0, true);
}

static void
qe_chat_set (QjRun *run, const char *name, QjValue value)
{
  qe_jinja_set (run, name, &value);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static QjValue
make_content (QjRun *run, const QeChatMessage *message)
{
  static const char *const types[] = { [QE_PART_TEXT] = "text", [QE_PART_IMAGE] = "image", [QE_PART_VIDEO] = "video" };
  bool all_text = true;
  for (size_t i = 0; i < message->n_parts; i++)
    all_text = all_text && message->parts[i].kind == QE_PART_TEXT;
  if (all_text) {
    /* Text alone is a text, since not every template takes lists. */
    if (message->n_parts <= 1)
      return plain (run, message->n_parts ? message->parts[0].text : "");
    QjValue m = qe_jinja_list (run, message->n_parts);
    for (size_t i = 0; i < message->n_parts; i++)
      qe_jinja_list_set (m, i, plain (run, message->parts[i].text));
    return qe_jinja_join (run, m);
  }
  QjValue parts = qe_jinja_list (run, message->n_parts);
  for (size_t i = 0; i < message->n_parts; i++) {
    const QeChatPart *part = &message->parts[i];
    QjValue item = qe_jinja_dict (run, 2);
    qe_jinja_dict_set (run, item, "type", literal (run, types[part->kind]));
    if (part->kind == QE_PART_TEXT)
      qe_jinja_dict_set (run, item, "text", plain (run, part->text));
    qe_jinja_list_set (parts, i, item);
  }
  return parts;
}

static QjValue
parse_arguments (QjRun *run, const char *text, size_t length)
{
  QjValue arguments;
  if (length == 0)
    return qe_jinja_dict (run, 0);
  if (!qe_jinja_parse (run, text, length, &arguments) || !qe_jinja_is_dict (arguments))
    qe_jinja_refuse (run, "The arguments of a tool call are not a JSON object.");
  return arguments;
}

static QjValue
make_message (QjRun *run, const QeChatMessage *message)
{
  static const char *const roles[] = {
    [QE_ROLE_SYSTEM] = "system", [QE_ROLE_USER] = "user", [QE_ROLE_ASSISTANT] = "assistant", [QE_ROLE_TOOL] = "tool"
  };
  QjValue out = qe_jinja_dict (run, 6);
  if ((unsigned) message->role > QE_ROLE_TOOL)
    qe_jinja_refuse (run, "Unexpected message role.");
  qe_jinja_dict_set (run, out, "role", literal (run, roles[message->role]));
  qe_jinja_dict_set (run, out, "content", make_content (run, message));
  if (message->reasoning)
    qe_jinja_dict_set (run, out, "reasoning_content", plain (run, message->reasoning));
  if (message->name)
    qe_jinja_dict_set (run, out, "name", plain (run, message->name));
  if (message->call_id)
    qe_jinja_dict_set (run, out, "tool_call_id", plain (run, message->call_id));
  if (message->n_calls == 0)
    return out;
  QjValue calls = qe_jinja_list (run, message->n_calls);
  for (size_t i = 0; i < message->n_calls; i++) {
    QjValue function = qe_jinja_dict (run, 2), entry = qe_jinja_dict (run, 3);
    const char *arguments = message->calls[i].arguments ? message->calls[i].arguments : "";
    qe_jinja_dict_set (run, function, "name", plain (run, message->calls[i].name));
    qe_jinja_dict_set (run, function, "arguments", parse_arguments (run, arguments, strlen (arguments)));
    qe_jinja_dict_set (run, entry, "type", literal (run, "function"));
    if (message->calls[i].id)
      qe_jinja_dict_set (run, entry, "id", plain (run, message->calls[i].id));
    qe_jinja_dict_set (run, entry, "function", function);
    qe_jinja_list_set (calls, i, entry);
  }
  qe_jinja_dict_set (run, out, "tool_calls", calls);
  return out;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static bool
has_text (const QeJson *json, size_t i, const char *text)
{
  size_t length;
  return i != QE_JSON_NONE && json->values[i].kind == QE_JSON_STRING
         && strcmp (qe_json_text (json, i, &length), text) == 0;
}

/* OpenAI's parts with the address of a picture are what templates know as pictures. */
static QjValue
make_json_part (QjRun *run, const QeJson *json, size_t i)
{
  size_t type = qe_json_member (json, i, "type");
  if (!has_text (json, type, "image_url") && !has_text (json, type, "input_image"))
    return qe_jinja_json (run, json, i);
  QjValue part = qe_jinja_dict (run, 1);
  qe_jinja_dict_set (run, part, "type", literal (run, "image"));
  return part;
}

typedef QjValue (*MakeItem) (QjRun *run, const QeJson *json, size_t i);

static QjValue
make_json_list (QjRun *run, const QeJson *json, size_t parent, MakeItem make)
{
  size_t n = 0;
  if (json->values[parent].kind != QE_JSON_ARRAY)
    return qe_jinja_json (run, json, parent);
  for (size_t i = qe_json_first (json, parent); i != QE_JSON_NONE; i = qe_json_next (json, parent, i))
    n++;
  QjValue list = qe_jinja_list (run, n);
  n = 0;
  for (size_t i = qe_json_first (json, parent); i != QE_JSON_NONE; i = qe_json_next (json, parent, i))
    qe_jinja_list_set (list, n++, make (run, json, i));
  return list;
}

/* A call, or the function in it, whose arguments may be a JSON text. */
static QjValue
make_json_call (QjRun *run, const QeJson *json, size_t call)
{
  size_t length;
  if (json->values[call].kind != QE_JSON_OBJECT)
    return qe_jinja_json (run, json, call);
  QjValue out = qe_jinja_dict (run, 4);
  for (size_t i = qe_json_first (json, call); i != QE_JSON_NONE; i = qe_json_next (json, call, i)) {
    const char *key = qe_json_key (json, i, &length);
    bool is_text = json->values[i].kind == QE_JSON_STRING;
    const char *text = qe_json_text (json, i, &length);
    qe_jinja_dict_set (run, out, key,
                       strcmp (key, "arguments") == 0 && is_text ? parse_arguments (run, text, length)
                       : strcmp (key, "function") == 0           ? make_json_call (run, json, i)
                                                                 : qe_jinja_json (run, json, i));
  }
  return out;
}

static QjValue
make_json_message (QjRun *run, const QeJson *json, size_t message)
{
  size_t length;
  if (json->values[message].kind != QE_JSON_OBJECT)
    qe_jinja_refuse (run, "A message is not a JSON object.");
  QjValue out = qe_jinja_dict (run, 4);
  for (size_t i = qe_json_first (json, message); i != QE_JSON_NONE; i = qe_json_next (json, message, i)) {
    const char *key = qe_json_key (json, i, &length);
    qe_jinja_dict_set (run, out, key,
                       strcmp (key, "content") == 0      ? make_json_list (run, json, i, make_json_part)
                       : strcmp (key, "tool_calls") == 0 ? make_json_list (run, json, i, make_json_call)
                                                         : qe_jinja_json (run, json, i));
  }
  return out;
}

/* ---- options --------------------------------------------------------------------------------------------------- */

static void
set_tristate (QjRun *run, const char *name, QeTristate value)
{
  if (value != QE_UNSET)
    qe_chat_set (run, name, qe_jinja_boolean (value == QE_YES));
}

static void
set_options (QjRun *run, const Conversation *c)
{
  const QeChatOptions *o = c->options;
  qe_chat_set (run, "documents", qe_jinja_none ());
  qe_chat_set (run, "add_generation_prompt", qe_jinja_boolean (o->add_generation_prompt));
  if (o->add_vision_id)
    qe_chat_set (run, "add_vision_id", qe_jinja_boolean (true));
  set_tristate (run, "enable_thinking", o->enable_thinking);
  set_tristate (run, "preserve_thinking", o->preserve_thinking);
  if (o->reasoning_effort)
    qe_chat_set (run, "reasoning_effort", plain (run, o->reasoning_effort));
  if (c->template->bos)
    qe_chat_set (run, "bos_token", literal (run, c->template->bos));
  if (c->template->eos)
    qe_chat_set (run, "eos_token", literal (run, c->template->eos));
  QjValue tools = qe_jinja_list (run, o->n_tools), tool;
  for (size_t i = 0; i < o->n_tools; i++) {
    if (!qe_jinja_parse (run, o->tools[i], strlen (o->tools[i]), &tool))
      qe_jinja_refuse (run, "The description of a tool is not valid JSON.");
    qe_jinja_list_set (tools, i, tool);
  }
  qe_chat_set (run, "tools", o->n_tools ? tools : qe_jinja_none ());
  if (o->variables) {
    QjValue all;
    if (!qe_jinja_parse (run, o->variables, strlen (o->variables), &all) || !qe_jinja_is_dict (all))
      qe_jinja_refuse (run, "The variables for the chat template are not a JSON object.");
    qe_jinja_set_members (run, all);
  }
}

static void
fill_messages (QjRun *run, void *data)
{
  const Conversation *c = data;
  QjValue messages = qe_jinja_list (run, c->n_messages);
  set_options (run, c);
  for (size_t i = 0; i < c->n_messages; i++)
    qe_jinja_list_set (messages, i, make_message (run, &c->messages[i]));
  qe_chat_set (run, "messages", messages);
}

static void
fill_json (QjRun *run, void *data)
{
  const Conversation *c = data;
  size_t length;
  set_options (run, c);
  for (size_t i = qe_json_first (c->json, 0); i != QE_JSON_NONE; i = qe_json_next (c->json, 0, i)) {
    const char *name = qe_json_key (c->json, i, &length);
    bool is_messages = strcmp (name, "messages") == 0;
    if (is_messages || qe_jinja_wants (run, name))
      qe_chat_set (run, name,
                   is_messages ? make_json_list (run, c->json, i, make_json_message) : qe_jinja_json (run, c->json, i));
  }
}

/* ---- rendering ------------------------------------------------------------------------------------------------- */

static QeStatus
qe_chat_render_conversation (QeChatText *out, const QeTemplate *template, QeJinjaFill fill, Conversation *c,
                             QeError *err)
{
  QeStatus status = qe_jinja_render (template->jinja, fill, c, template->steps, c->options->now, out, err);
  if (status == QE_OK)
    out->end = qe_chat_text_end (out);
  return status;
}

QeStatus
qe_template_render (QeChatText *out, const QeTemplate *template, const QeChatMessage *messages, size_t n_messages,
                    const QeChatOptions *options, QeError *err)
{
  Conversation c = { .template = template, .options = options, .messages = messages, .n_messages = n_messages };
  if (template && template->jinja)
    return qe_chat_render_conversation (out, template, fill_messages, &c, err);
  return qe_chat_render_built_in (out, messages, n_messages, options, err);
}

QeStatus
qe_template_render_json (QeChatText *out, const QeTemplate *template, const char *text, size_t length,
                         const QeChatOptions *options, QeError *err)
{
  QeJson json;
  QeStatus status = qe_json_parse (&json, text, length, err);
  if (status == QE_ERROR_FORMAT)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The conversation is not valid JSON.");
  if (status != QE_OK)
    return status;
  size_t messages = qe_json_member (&json, 0, "messages");
  Conversation c = { .template = template, .options = options, .json = &json };
  if (messages == QE_JSON_NONE || json.values[messages].kind != QE_JSON_ARRAY)
    status = qe_fail (err, QE_ERROR_ARGUMENT, "The conversation has no list of messages.");
  else if (template && template->jinja)
    status = qe_chat_render_conversation (out, template, fill_json, &c, err);
  else
    status = qe_chat_render_built_in_json (out, &json, options, err);
  qe_json_clear (&json);
  return status;
}

/* ---- how a prompt ends ----------------------------------------------------------------------------------------- */

/* Whether the text up to `end` ends with a tag that is the template's own. */
static bool
ends_with (const QeChatText *text, size_t end, const char *tag)
{
  size_t n = strlen (tag);
  if (end < n || memcmp (text->text + end - n, tag, n) != 0)
    return false;
  for (size_t i = text->n_plain; i-- > 0 && text->plain[i].end > end - n;)
    if (text->plain[i].start < end)
      return false;
  return true;
}

QeThinkEnd
qe_chat_text_end (const QeChatText *text)
{
  size_t start = 0, end = text->length;
  qe_text_trim (text->text, &start, &end);
  return ends_with (text, end, "<think>")    ? QE_THINK_OPEN
         : ends_with (text, end, "</think>") ? QE_THINK_CLOSED
                                             : QE_THINK_NONE;
}
