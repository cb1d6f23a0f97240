/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation in JSON as the engine's own messages, for the built-in layout. */
#include "qe-error.h"
#include "format/template/qe-template.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const QeJson *json;
  QeChatMessage *messages;
  QeChatPart *parts;
  QeToolCall *calls;
  QeBuffer *written; /* JSON of arguments and tools, which messages and options point to */
  const char **tools;
  size_t n_messages, n_parts, n_calls, n_written;
} Reader;

/* The text of a member that is one; NULL otherwise. */
static const char *
text_member (const QeJson *json, size_t object, const char *key)
{
  size_t i = qe_json_member (json, object, key), length;
  return i == QE_JSON_NONE || json->values[i].kind != QE_JSON_STRING ? NULL : qe_json_text (json, i, &length);
}

/* A text as it is, anything else as JSON. */
static const char *
write_value (Reader *r, size_t i)
{
  size_t length;
  if (r->json->values[i].kind == QE_JSON_STRING)
    return qe_json_text (r->json, i, &length);
  QeBuffer *buffer = &r->written[r->n_written++];
  qe_json_write (r->json, i, buffer);
  return buffer->data ? buffer->data : "";
}

static void
read_flag (const QeJson *json, const char *name, bool *out)
{
  size_t i = qe_json_member (json, 0, name);
  if (i != QE_JSON_NONE)
    *out = json->values[i].kind == QE_JSON_TRUE;
}

static QeStatus
read_and_render (Reader *r, QeChatText *out, QeChatOptions options, QeError *err)
{
  const QeJson *json = r->json;
  size_t length, messages = qe_json_member (json, 0, "messages");
  for (size_t i = qe_json_first (json, messages); i != QE_JSON_NONE; i = qe_json_next (json, messages, i)) {
    static const char *const roles[] = { "system", "user", "assistant", "tool" };
    QeChatMessage *m = &r->messages[r->n_messages];
    const char *role = text_member (json, i, "role");
    int found = -1;
    for (int k = 0; k < 4 && role; k++)
      if (strcmp (role, roles[k]) == 0)
        found = k;
    if (found < 0)
      return qe_fail (err, QE_ERROR_ARGUMENT, "Unexpected message role.");
    m->role = (QeRole) found;
    const size_t content = qe_json_member (json, i, "content");
    m->parts = r->parts + r->n_parts;
    if (content != QE_JSON_NONE && json->values[content].kind == QE_JSON_STRING)
      r->parts[r->n_parts++] = (QeChatPart) { QE_PART_TEXT, qe_json_text (json, content, &length) };
    else if (content != QE_JSON_NONE)
      for (size_t k = qe_json_first (json, content); k != QE_JSON_NONE; k = qe_json_next (json, content, k)) {
        const char *type = text_member (json, k, "type");
        bool is_image = type && (strstr (type, "image") != NULL), is_video = type && strcmp (type, "video") == 0;
        r->parts[r->n_parts++] = (QeChatPart) { is_image   ? QE_PART_IMAGE
                                                : is_video ? QE_PART_VIDEO
                                                           : QE_PART_TEXT,
                                                text_member (json, k, "text") };
      }
    m->n_parts = (size_t) (r->parts + r->n_parts - m->parts);
    const size_t calls = qe_json_member (json, i, "tool_calls");
    m->calls = r->calls + r->n_calls;
    for (size_t k = calls == QE_JSON_NONE ? calls : qe_json_first (json, calls); k != QE_JSON_NONE;
         k = qe_json_next (json, calls, k)) {
      size_t function = qe_json_member (json, k, "function");
      function = function == QE_JSON_NONE ? k : function;
      size_t arguments = qe_json_member (json, function, "arguments");
      r->calls[r->n_calls++] = (QeToolCall) { text_member (json, function, "name"),
                                              arguments == QE_JSON_NONE ? NULL : write_value (r, arguments) };
      m->n_calls++;
    }
    m->reasoning = text_member (json, i, "reasoning_content");
    r->n_messages++;
  }
  /* What the object says goes before what the caller says. */
  bool thinking = options.enable_thinking != QE_NO;
  read_flag (json, "add_generation_prompt", &options.add_generation_prompt);
  read_flag (json, "add_vision_id", &options.add_vision_id);
  read_flag (json, "enable_thinking", &thinking);
  options.enable_thinking = thinking ? QE_YES : QE_NO;
  size_t tools = qe_json_member (json, 0, "tools");
  if (tools != QE_JSON_NONE) {
    options.tools = r->tools;
    options.n_tools = 0;
    for (size_t i = qe_json_first (json, tools); i != QE_JSON_NONE; i = qe_json_next (json, tools, i))
      r->tools[options.n_tools++] = write_value (r, i);
  }
  for (size_t i = 0; i < r->n_written; i++)
    if (r->written[i].failed)
      return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  return qe_chat_render_built_in (out, r->messages, r->n_messages, &options, err);
}

QeStatus
qe_chat_render_built_in_json (QeChatText *out, const QeJson *json, const QeChatOptions *options, QeError *err)
{
  const size_t n = json->n_values; /* more than there can be of anything */
  Reader r = { .json = json,
               .messages = calloc (n, sizeof *r.messages),
               .parts = calloc (n, sizeof *r.parts),
               .calls = calloc (n, sizeof *r.calls),
               .written = calloc (n, sizeof *r.written),
               .tools = calloc (n, sizeof *r.tools) };
  QeStatus status;
  if (r.messages && r.parts && r.calls && r.written && r.tools)
    status = read_and_render (&r, out, *options, err);
  else
    status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  for (size_t i = 0; i < r.n_written; i++)
    qe_buffer_clear (&r.written[i]);
  free (r.messages);
  free (r.parts);
  free (r.calls);
  free (r.written);
  free (r.tools);
  return status;
}
