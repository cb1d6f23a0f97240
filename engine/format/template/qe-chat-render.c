/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built-in layout, for files without a template that can be used: that of Qwen 3.5 (engine/doc/qwen35.md §8.2;
 * tests/data/goldens/chat.json). Wording and white space are a wire format: the models were trained on exactly this.
 *
 * Whatever comes from a message is marked as plain, so that a user who types <|im_end|> sends seven characters and not
 * the end of the message. */
#include "qe-error.h"
#include "format/template/qe-json.h"
#include "format/template/qe-rich-text.h"
#include "format/template/qe-template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tools_before[] =
    "<|im_start|>system\n# Tools\n\nYou have access to the following functions:\n\n<tools>";
static const char tools_after[] =
    "\n</tools>\n\n"
    "If you choose to call a function ONLY reply in the following format with NO suffix:\n\n"
    "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
    "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\nmultiple lines\n"
    "</parameter>\n</function>\n</tool_call>\n\n"
    "<IMPORTANT>\nReminder:\n"
    "- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within "
    "<tool_call></tool_call> XML tags\n"
    "- Required parameters MUST be specified\n"
    "- You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT "
    "after\n"
    "- If there is no function call available, answer the question like normal with your current knowledge and do not "
    "tell the user about function calls\n</IMPORTANT>";

typedef struct {
  const QeChatMessage *messages;
  size_t n_messages;
  const QeChatOptions *options;
  size_t question; /* the last message that asks something: earlier answers lose their reasoning */
  QeRichText out;
  size_t n_pictures, n_videos;
  QeError *err;
} Renderer;

typedef struct { /* a message's content, and what of it is left after trimming */
  QeRichText rich;
  size_t start, end;
} Content;

/* ---- content --------------------------------------------------------------------------------------------------- */

/* A placeholder with its number, if asked for. `count` is NULL when the content is only looked at. */
static void
add_placeholder (Renderer *r, QeRichText *rich, const char *name, const char *pad, size_t *count)
{
  char label[40];
  if (count)
    (*count)++;
  if (r->options->add_vision_id) {
    snprintf (label, sizeof label, "%s %zu: ", name, count ? *count : 0);
    qe_rich_text_template (rich, label);
  }
  qe_rich_text_template (rich, "<|vision_start|>");
  qe_rich_text_template (rich, pad);
  qe_rich_text_template (rich, "<|vision_end|>");
}

static QeStatus
read_content (Renderer *r, Content *content, const QeChatMessage *message, bool counting)
{
  *content = (Content) { 0 };
  for (size_t i = 0; i < message->n_parts; i++) {
    const QeChatPart *part = &message->parts[i];
    if (part->kind == QE_PART_TEXT) {
      qe_rich_text_plain (&content->rich, part->text ? part->text : "", part->text ? strlen (part->text) : 0);
      continue;
    }
    bool is_picture = part->kind == QE_PART_IMAGE;
    if (message->role == QE_ROLE_SYSTEM) {
      qe_rich_text_clear (&content->rich);
      return qe_fail (r->err, QE_ERROR_ARGUMENT, "System message cannot contain %s.", is_picture ? "images" : "videos");
    }
    if (is_picture)
      add_placeholder (r, &content->rich, "Picture", "<|image_pad|>", counting ? &r->n_pictures : NULL);
    else
      add_placeholder (r, &content->rich, "Video", "<|video_pad|>", counting ? &r->n_videos : NULL);
  }
  content->end = content->rich.text.size;
  qe_text_trim (content->rich.text.data, &content->start, &content->end);
  return QE_OK;
}

static QeStatus
find_question (Renderer *r)
{
  bool found = false;
  for (size_t i = 0; i < r->n_messages; i++) {
    Content content;
    if (r->messages[i].role != QE_ROLE_USER)
      continue;
    QeStatus status = read_content (r, &content, &r->messages[i], false);
    if (status != QE_OK)
      return status;
    /* A user's message that is wholly a tool's response asks nothing. */
    static const char before[] = "<tool_response>", after[] = "</tool_response>";
    const char *text = content.rich.text.data;
    size_t length = content.end - content.start;
    const bool is_response = length >= sizeof after - 1 && memcmp (text + content.start, before, sizeof before - 1) == 0
                             && memcmp (text + content.end - (sizeof after - 1), after, sizeof after - 1) == 0;
    if (!is_response) {
      r->question = i;
      found = true;
    }
    qe_rich_text_clear (&content.rich);
  }
  return found ? QE_OK : qe_fail (r->err, QE_ERROR_ARGUMENT, "No user query found in messages.");
}

/* ---- system and tools ------------------------------------------------------------------------------------------ */

/* The system block: tools first, then the system message, if either is there. */
static QeStatus
render_system (Renderer *r)
{
  const QeChatOptions *options = r->options;
  bool has_system = r->messages[0].role == QE_ROLE_SYSTEM;
  Content content = { 0 };
  QeStatus status = has_system ? read_content (r, &content, &r->messages[0], false) : QE_OK;
  if (status != QE_OK)
    return status;
  if (options->n_tools > 0) {
    qe_rich_text_template (&r->out, tools_before);
    for (size_t i = 0; i < options->n_tools && status == QE_OK; i++) {
      QeJson json;
      QeBuffer line = { 0 };
      status = qe_json_parse (&json, options->tools[i], strlen (options->tools[i]), r->err);
      if (status == QE_ERROR_FORMAT)
        status = qe_fail (r->err, QE_ERROR_ARGUMENT, "The description of a tool is not valid JSON.");
      if (status != QE_OK)
        break;
      qe_json_write (&json, 0, &line);
      qe_rich_text_template (&r->out, "\n");
      qe_rich_text_plain (&r->out, line.data, line.size);
      r->out.text.failed = r->out.text.failed || line.failed;
      qe_json_clear (&json);
      qe_buffer_clear (&line);
    }
    qe_rich_text_template (&r->out, tools_after);
    qe_rich_text_template (&r->out, content.end > content.start ? "\n\n" : "");
  } else if (has_system) {
    qe_rich_text_template (&r->out, "<|im_start|>system\n");
  }
  qe_rich_text_slice (&r->out, &content.rich, content.start, content.end);
  if (options->n_tools > 0 || has_system)
    qe_rich_text_template (&r->out, "<|im_end|>\n");
  qe_rich_text_clear (&content.rich);
  return status;
}

/* ---- assistant ------------------------------------------------------------------------------------------------- */

static QeStatus
render_arguments (Renderer *r, const char *arguments)
{
  QeJson json;
  size_t length;
  if (!arguments || !*arguments)
    return QE_OK;
  QeStatus status = qe_json_parse (&json, arguments, strlen (arguments), r->err);
  if (status == QE_ERROR_MEMORY)
    return status;
  if (status != QE_OK || json.values[0].kind != QE_JSON_OBJECT) {
    qe_json_clear (&json);
    return qe_fail (r->err, QE_ERROR_ARGUMENT, "The arguments of a tool call are not a JSON object.");
  }
  for (size_t i = qe_json_first (&json, 0); i != QE_JSON_NONE; i = qe_json_next (&json, 0, i)) {
    const char *key = qe_json_key (&json, i, &length);
    qe_rich_text_template (&r->out, "<parameter=");
    qe_rich_text_plain (&r->out, key, length);
    qe_rich_text_template (&r->out, ">\n");
    /* Objects and arrays are written as JSON, the rest as Python's str() has it. */
    QeBuffer text = { 0 };
    const char *bytes = qe_json_text (&json, i, &length);
    switch (json.values[i].kind) {
    case QE_JSON_NULL: qe_buffer_puts (&text, "None"); break;
    case QE_JSON_FALSE: qe_buffer_puts (&text, "False"); break;
    case QE_JSON_TRUE: qe_buffer_puts (&text, "True"); break;
    case QE_JSON_NUMBER:
    case QE_JSON_STRING: qe_buffer_add (&text, bytes, length); break;
    case QE_JSON_ARRAY:
    case QE_JSON_OBJECT: qe_json_write (&json, i, &text); break;
    }
    qe_rich_text_plain (&r->out, text.data, text.size);
    r->out.text.failed = r->out.text.failed || text.failed;
    qe_buffer_clear (&text);
    qe_rich_text_template (&r->out, "\n</parameter>\n");
  }
  qe_json_clear (&json);
  return QE_OK;
}

static QeStatus
render_assistant (Renderer *r, size_t index, const Content *said)
{
  const QeChatMessage *message = &r->messages[index];
  Content answer = *said;
  size_t start = 0, end = 0;
  if (message->reasoning) {
    end = strlen (message->reasoning);
  } else {
    /* The content may still hold its think block: the reasoning is from start to end then, and what follows is the answer. */
    const char *text = said->rich.text.data;
    size_t close = qe_text_find (text, said->start, said->end, "</think>");
    if (close != said->end) {
      size_t open = qe_text_find_last (text, said->start, close, "<think>");
      start = open < close ? open + strlen ("<think>") : said->start;
      end = close;
      answer.start = qe_text_find_last (text, said->start, said->end, "</think>") + strlen ("</think>");
      while (answer.start < answer.end && text[answer.start] == '\n')
        answer.start++;
    }
  }
  qe_rich_text_template (&r->out, "<|im_start|>assistant\n");
  if (index > r->question) {
    qe_rich_text_template (&r->out, "<think>\n");
    qe_text_trim (message->reasoning ? message->reasoning : said->rich.text.data, &start, &end);
    if (message->reasoning)
      qe_rich_text_plain (&r->out, message->reasoning + start, end - start);
    else
      qe_rich_text_slice (&r->out, &said->rich, start, end);
    qe_rich_text_template (&r->out, "\n</think>\n\n");
  }
  qe_rich_text_slice (&r->out, &answer.rich, answer.start, answer.end);
  QeStatus status = QE_OK;
  for (size_t i = 0; i < message->n_calls && status == QE_OK; i++) {
    qe_rich_text_template (&r->out, i > 0 ? "\n" : answer.end > answer.start ? "\n\n" : "");
    qe_rich_text_template (&r->out, "<tool_call>\n<function=");
    qe_rich_text_plain (&r->out, message->calls[i].name ? message->calls[i].name : "",
                        message->calls[i].name ? strlen (message->calls[i].name) : 0);
    qe_rich_text_template (&r->out, ">\n");
    status = render_arguments (r, message->calls[i].arguments);
    qe_rich_text_template (&r->out, "</function>\n</tool_call>");
  }
  qe_rich_text_template (&r->out, "<|im_end|>\n");
  return status;
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static QeStatus
render_message (Renderer *r, size_t index)
{
  Content said;
  QeStatus status = read_content (r, &said, &r->messages[index], true);
  if (status != QE_OK)
    return status;
  switch (r->messages[index].role) {
  case QE_ROLE_SYSTEM:
    if (index > 0)
      status = qe_fail (r->err, QE_ERROR_ARGUMENT, "System message must be at the beginning.");
    break;
  case QE_ROLE_USER:
    qe_rich_text_template (&r->out, "<|im_start|>user\n");
    qe_rich_text_slice (&r->out, &said.rich, said.start, said.end);
    qe_rich_text_template (&r->out, "<|im_end|>\n");
    break;
  case QE_ROLE_ASSISTANT: status = render_assistant (r, index, &said); break;
  case QE_ROLE_TOOL: {
    bool first = index > 0 && r->messages[index - 1].role != QE_ROLE_TOOL;
    bool last = index + 1 == r->n_messages || r->messages[index + 1].role != QE_ROLE_TOOL;
    qe_rich_text_template (&r->out, first ? "<|im_start|>user\n<tool_response>\n" : "\n<tool_response>\n");
    qe_rich_text_slice (&r->out, &said.rich, said.start, said.end);
    qe_rich_text_template (&r->out, last ? "\n</tool_response><|im_end|>\n" : "\n</tool_response>");
  } break;
  default: status = qe_fail (r->err, QE_ERROR_ARGUMENT, "Unexpected message role.");
  }
  r->out.text.failed = r->out.text.failed || said.rich.text.failed;
  qe_rich_text_clear (&said.rich);
  return status;
}

QeStatus
qe_chat_render_built_in (QeChatText *out, const QeChatMessage *messages, size_t n_messages,
                         const QeChatOptions *options, QeError *err)
{
  Renderer r = { .messages = messages, .n_messages = n_messages, .options = options, .err = err };
  if (n_messages == 0)
    return qe_fail (r.err, QE_ERROR_ARGUMENT, "No messages provided.");
  QeStatus status = render_system (&r);
  if (status == QE_OK)
    status = find_question (&r);
  for (size_t i = 0; i < r.n_messages && status == QE_OK; i++)
    status = render_message (&r, i);
  if (r.options->add_generation_prompt) {
    qe_rich_text_template (&r.out, "<|im_start|>assistant\n<think>\n");
    qe_rich_text_template (&r.out, r.options->enable_thinking != QE_NO ? "" : "\n</think>\n\n");
  }
  if (status == QE_OK && qe_rich_text_failed (&r.out))
    status = qe_fail (r.err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  if (status != QE_OK) {
    qe_rich_text_clear (&r.out);
    return status;
  }
  *out = (QeChatText) { .text = r.out.text.data,
                        .length = r.out.text.size,
                        .plain = r.out.plain,
                        .n_plain = r.out.n_plain,
                        .n_images = r.n_pictures };
  out->end = qe_chat_text_end (out);
  return QE_OK;
}
