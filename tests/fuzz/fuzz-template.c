/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes from people and programs into a chat: JSON, messages, and tool calls that a model wrote. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/template/qe-tool-call.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (int ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

/* What was written can be read again, and is written the same. */
static void
check_json (const char *text, size_t length)
{
  QeJson first, second;
  QeBuffer a = { 0 }, b = { 0 };

  if (qe_json_parse (&first, text, length, NULL) != QE_OK)
    return;
  qe_json_write (&first, 0, &a);
  require (qe_json_parse (&second, a.data, a.size, NULL) == QE_OK, "JSON written can be read");
  qe_json_write (&second, 0, &b);
  require (a.size == b.size && memcmp (a.data, b.data, a.size) == 0, "JSON is written the same again");
  qe_json_clear (&first);
  qe_json_clear (&second);
  qe_buffer_clear (&a);
  qe_buffer_clear (&b);
}

typedef struct {
  QeBuffer calls; /* {"name": …, "arguments": …}, one after the other */
  int open;       /* the last one has no end yet */
} Calls;

static void
call_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Calls *c = data;

  if (kind == QE_OUT_CALL) {
    QeJson call;
    require (!c->open, "a call begins behind the end of the one before");
    if (c->calls.size > 0) {
      require (qe_json_parse (&call, c->calls.data, c->calls.size, NULL) == QE_OK, "a call is JSON");
      qe_json_clear (&call);
    }
    qe_buffer_clear (&c->calls);
    qe_buffer_puts (&c->calls, "{\"name\": ");
    qe_json_write_string (text, length, &c->calls);
    qe_buffer_puts (&c->calls, ", \"arguments\": ");
    c->open = 1;
    return;
  }
  require (c->open, "arguments and ends belong to a call");
  qe_buffer_add (&c->calls, text, length);
  qe_buffer_puts (&c->calls, kind == QE_OUT_CALL_END ? "}" : "");
  c->open = kind != QE_OUT_CALL_END;
}

/* What comes out does not depend on the pieces that a call arrives in, and calls that end are JSON. */
static void
check_call (const char *text, size_t length)
{
  static const char schema[] = "{\"name\": \"f\", \"parameters\": {\"properties\": {\"a\": {\"type\": \"string\"}}}}";
  static const size_t pieces[] = { SIZE_MAX, 1, 7 };
  QeBuffer whole = { 0 };
  size_t whole_rest = 0;
  QeJson tool, call;

  require (qe_json_parse (&tool, schema, sizeof schema - 1, NULL) == QE_OK, "the schema is JSON");
  for (size_t k = 0; k < 6; k++) {
    const size_t piece = pieces[k / 2], closed = k & 1;
    Calls calls = { 0 };
    QeToolCallReader r = { .func = call_cb, .data = &calls, .tools = &tool, .n_tools = 1 };
    qe_tool_call_begin (&r);
    for (size_t at = 0; at < length; at += piece < length - at ? piece : length - at)
      qe_tool_call_push (&r, text + at, piece < length - at ? piece : length - at);
    const size_t rest = qe_tool_call_end (&r, closed);
    require (rest <= r.body.size, "what is left is in the text");
    require (!calls.open || !closed, "a closed block leaves no call open");
    if (calls.calls.size > 0 && !calls.open) {
      require (qe_json_parse (&call, calls.calls.data, calls.calls.size, NULL) == QE_OK, "a call is JSON");
      require (call.values[qe_json_member (&call, 0, "arguments")].kind == QE_JSON_OBJECT, "arguments are an object");
      qe_json_clear (&call);
    }
    qe_tool_call_clear (&r);
    if (k == 1) {
      whole = calls.calls;
      whole_rest = rest;
      continue;
    }
    if (closed)
      require (rest == whole_rest && calls.calls.size == whole.size
                   && (whole.size == 0 || memcmp (calls.calls.data, whole.data, whole.size) == 0),
               "pieces make no difference");
    qe_buffer_clear (&calls.calls);
  }
  qe_buffer_clear (&whole);
  qe_json_clear (&tool);
}

/* Outside the plain spans there is what the template says, so exactly one end for each message. */
static void
check_rendered (const QeChatText *text, size_t n_ends)
{
  static const char end[] = "<|im_end|>";
  size_t at = 0, found = 0;

  for (size_t i = 0; i <= text->n_plain; i++) {
    size_t stop = i < text->n_plain ? text->plain[i].start : text->length;

    require (at <= stop && stop <= text->length, "spans ascend inside the text");
    for (const char *p = text->text + at; (p = memmem (p, (size_t) (text->text + stop - p), end, sizeof end - 1)); p++)
      found++;
    at = i < text->n_plain ? text->plain[i].end : stop;
  }
  require (found <= n_ends, "no message ends twice");
}

/* Lines: a role letter (s, u, a, t), then text; "i" adds a picture to the last message, "c" a call to it. */
static void
check_chat (char *text)
{
  QeChatMessage messages[16] = { 0 };
  QeChatPart parts[16][2] = { 0 };
  QeToolCall calls[16] = { 0 };
  QeChatText out;
  size_t n = 0;

  for (char *line = strtok (text, "\n"); line && n < 16; line = strtok (NULL, "\n")) {
    const char *role = strchr ("suat", line[0]);
    QeChatMessage *last = n ? &messages[n - 1] : NULL;
    if (line[0] == 'i' && last) {
      parts[n - 1][1] = (QeChatPart) { QE_PART_IMAGE, NULL };
      last->n_parts = 2;
    } else if (line[0] == 'c' && last) {
      calls[n - 1] = (QeToolCall) { "f", line + 1 };
      last->calls = &calls[n - 1];
      last->n_calls = 1;
    } else if (role && *role) {
      parts[n][0] = (QeChatPart) { QE_PART_TEXT, line + 1 };
      messages[n] = (QeChatMessage) { .parts = parts[n], .n_parts = 1 };
      messages[n].role = line[0] == 's'   ? QE_ROLE_SYSTEM
                         : line[0] == 'u' ? QE_ROLE_USER
                         : line[0] == 'a' ? QE_ROLE_ASSISTANT
                                          : QE_ROLE_TOOL;
      n++;
    }
  }
  if (qe_chat_render (&out, NULL, messages, n, &(QeChatOptions) { .add_generation_prompt = true }, NULL) == QE_OK) {
    check_rendered (&out, n);
    qe_chat_text_clear (&out);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *copy = malloc (size + 1);

  if (!copy)
    return -1;
  check_json ((const char *) data, size);
  check_call ((const char *) data, size);
  memcpy (copy, data, size);
  copy[size] = 0;
  check_chat (copy);
  free (copy);
  return 0;
}
