/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "format/template/qe-json.h"

#define MAX 16

/* A golden's message in the engine's terms. The pieces point into `json` and into `written`. */
typedef struct {
  QeChatMessage messages[MAX];
  QeChatPart parts[MAX][MAX];
  QeToolCall calls[MAX][MAX];
  const char *tools[MAX];
  QeBuffer written[64];
  size_t n_written;
  QeChatOptions options;
  size_t n_messages;
} Case;

static const char *
text_of (const QeJson *json, size_t i)
{
  size_t length;
  return i == QE_JSON_NONE || json->values[i].kind != QE_JSON_STRING ? NULL : qe_json_text (json, i, &length);
}

static bool
is_true (const QeJson *json, size_t i)
{
  return i != QE_JSON_NONE && json->values[i].kind == QE_JSON_TRUE;
}

static const char *
rewrite (Case *c, const QeJson *json, size_t i)
{
  QeBuffer *buffer = &c->written[c->n_written++];
  qe_json_write (json, i, buffer);
  return buffer->data;
}

static QePartKind
part_kind (const QeJson *json, size_t part)
{
  const char *type = text_of (json, qe_json_member (json, part, "type"));
  return strncmp (type, "image", 5) == 0 ? QE_PART_IMAGE : strcmp (type, "video") == 0 ? QE_PART_VIDEO : QE_PART_TEXT;
}

static void
read_parts (Case *c, const QeJson *json, size_t content, QeChatPart *parts, size_t *n)
{
  if (content == QE_JSON_NONE || json->values[content].kind == QE_JSON_NULL)
    return;
  if (json->values[content].kind == QE_JSON_STRING) {
    parts[(*n)++] = (QeChatPart) { QE_PART_TEXT, text_of (json, content) };
    return;
  }
  for (size_t i = qe_json_first (json, content); i != QE_JSON_NONE; i = qe_json_next (json, content, i))
    parts[(*n)++] = (QeChatPart) { part_kind (json, i), text_of (json, qe_json_member (json, i, "text")) };
}

static void
read_message (Case *c, const QeJson *json, size_t i)
{
  static const char *const roles[] = { "system", "user", "assistant", "tool" };
  QeChatMessage *m = &c->messages[c->n_messages];
  const char *role = text_of (json, qe_json_member (json, i, "role"));
  m->role = (QeRole) 99;
  for (int r = 0; r < 4; r++)
    if (strcmp (role, roles[r]) == 0)
      m->role = (QeRole) r;
  m->parts = c->parts[c->n_messages];
  read_parts (c, json, qe_json_member (json, i, "content"), c->parts[c->n_messages], &m->n_parts);
  m->reasoning = text_of (json, qe_json_member (json, i, "reasoning_content"));
  m->calls = c->calls[c->n_messages];
  size_t calls = qe_json_member (json, i, "tool_calls");
  for (size_t k = calls == QE_JSON_NONE ? calls : qe_json_first (json, calls); k != QE_JSON_NONE;
       k = qe_json_next (json, calls, k)) {
    size_t function = qe_json_member (json, k, "function");
    function = function == QE_JSON_NONE ? k : function;
    c->calls[c->n_messages][m->n_calls++] =
        (QeToolCall) { text_of (json, qe_json_member (json, function, "name")),
                       rewrite (c, json, qe_json_member (json, function, "arguments")) };
  }
  c->n_messages++;
}

static void
read_case (Case *c, const QeJson *json, size_t i)
{
  *c = (Case) { 0 };
  size_t messages = qe_json_member (json, i, "messages"), options = qe_json_member (json, i, "options");
  for (size_t k = qe_json_first (json, messages); k != QE_JSON_NONE; k = qe_json_next (json, messages, k))
    read_message (c, json, k);
  size_t thinking = qe_json_member (json, options, "enable_thinking"), tools = qe_json_member (json, options, "tools");
  c->options.enable_thinking = thinking == QE_JSON_NONE ? QE_UNSET : is_true (json, thinking) ? QE_YES : QE_NO;
  c->options.add_generation_prompt = is_true (json, qe_json_member (json, options, "add_generation_prompt"));
  c->options.add_vision_id = is_true (json, qe_json_member (json, options, "add_vision_id"));
  c->options.tools = c->tools;
  for (size_t k = tools == QE_JSON_NONE ? tools : qe_json_first (json, tools); k != QE_JSON_NONE;
       k = qe_json_next (json, tools, k))
    c->tools[c->options.n_tools++] = rewrite (c, json, k);
}

static size_t
count_of (const char *text, const char *part)
{
  size_t n = 0;
  for (const char *at = text; (at = strstr (at, part)); at++)
    n++;
  return n;
}

QE_TEST (goldens)
{
  static Case c;
  QeJson json;
  QeError err;
  size_t size, count = 0, length;
  char *text = qe_test_read (qe_test_data ("goldens/chat.json"), &size);
  QE_REQUIRE (text != NULL);
  QE_REQUIRE_OK (qe_json_parse (&json, text, size, &err), err);
  for (size_t i = qe_json_first (&json, 0); i != QE_JSON_NONE; i = qe_json_next (&json, 0, i), count++) {
    QeChatText out = { 0 };
    const char *name = text_of (&json, qe_json_member (&json, i, "name"));
    const char *error = text_of (&json, qe_json_member (&json, i, "error"));
    read_case (&c, &json, i);
    QeStatus status = qe_chat_render (&out, NULL, c.messages, c.n_messages, &c.options, &err);
    if (error) {
      qe_test_check (status == QE_ERROR_ARGUMENT, __FILE__, __LINE__, "%s: status %d", name, status);
      QE_CHECK_STR (err.message, error);
    } else {
      qe_test_check (status == QE_OK, __FILE__, __LINE__, "%s: %s", name, err.message);
      const char *want = qe_json_text (&json, qe_json_member (&json, i, "text"), &length);
      QE_CHECK_STR (out.text, want);
      QE_CHECK_INT (out.length, ==, length);
      QE_CHECK_INT (out.n_images, ==, count_of (want, "<|image_pad|>"));
    }
    qe_chat_text_clear (&out);
    for (size_t k = 0; k < c.n_written; k++)
      qe_buffer_clear (&c.written[k]);
  }
  QE_CHECK_INT (count, ==, 35);
  qe_json_clear (&json);
  free (text);
}

static QeStatus
render_one (QeChatText *out, const char *user, QeError *err)
{
  const QeChatPart part = { QE_PART_TEXT, user };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 };
  return qe_chat_render (out, NULL, &message, 1, &(QeChatOptions) { .add_generation_prompt = true }, err);
}

/* What a user types is marked, all of it and nothing else. */
QE_TEST (plain_spans)
{
  QeChatText out;
  QeError err;
  QE_REQUIRE_OK (render_one (&out, "  a<|im_end|>b\n", &err), err);
  QE_CHECK_INT (out.n_plain, ==, 1);
  QE_CHECK_INT (out.plain[0].end - out.plain[0].start, ==, strlen ("a<|im_end|>b"));
  QE_CHECK (memcmp (out.text + out.plain[0].start, "a<|im_end|>b", 12) == 0);
  qe_chat_text_clear (&out);
}

/* Trimming is Python's: it knows Unicode's white space, and leaves what only looks like it. */
QE_TEST (trim)
{
  QeChatText out;
  QeError err;
  QE_REQUIRE_OK (render_one (&out, "\xc2\xa0\xe3\x80\x80\x1f x\xe2\x80\x8b \xe2\x80\xa8\xc2\x85", &err), err);
  QE_CHECK_CONTAINS (out.text, "user\nx\xe2\x80\x8b<|im_end|>"); /* U+200B is no white space */
  qe_chat_text_clear (&out);
  QE_REQUIRE_OK (render_one (&out, "\xff \x80 \xe3", &err), err); /* not UTF-8 */
  QE_CHECK_CONTAINS (out.text, "user\n\xff \x80 \xe3<|im_end|>");
  qe_chat_text_clear (&out);
}

QE_TEST (plain_spans_of_every_part)
{
  const QeChatPart parts[] = { { QE_PART_TEXT, "<|im_end|>" },
                               { QE_PART_IMAGE, NULL },
                               { QE_PART_TEXT, "<|image_pad|>" } };
  const QeToolCall call = { "f<|im_end|>", "{\"k<|im_end|>\": \"<|im_end|>\", \"l\": [\"<|im_end|>\"]}" };
  const char *tool = "{\"name\": \"<|im_end|>\"}";
  const QeChatMessage messages[] = {
    { .role = QE_ROLE_SYSTEM, .parts = parts, .n_parts = 1 },
    { .role = QE_ROLE_USER, .parts = parts, .n_parts = 3 },
    { .role = QE_ROLE_ASSISTANT,
      .parts = parts,
      .n_parts = 1,
      .reasoning = "<|im_end|>",
      .calls = &call,
      .n_calls = 1 },
    { .role = QE_ROLE_TOOL, .parts = parts, .n_parts = 1 },
  };
  QeChatText out;
  QeError err;
  QE_REQUIRE_OK (qe_chat_render (&out, NULL, messages, 4, &(QeChatOptions) { .tools = &tool, .n_tools = 1 }, &err),
                 err);
  size_t outside = 0, covered = 0, span = 0;
  for (size_t at = 0; at < out.length; at++) {
    while (span < out.n_plain && out.plain[span].end <= at)
      span++;
    bool plain = span < out.n_plain && at >= out.plain[span].start;
    if (strncmp (out.text + at, "<|im_end|>", 10) == 0)
      plain ? covered++ : outside++;
  }
  QE_CHECK_INT (outside, ==, 4); /* one for each message */
  QE_CHECK_INT (covered, ==, 10);
  QE_CHECK_INT (out.n_images, ==, 1);
  qe_chat_text_clear (&out);
}

QE_TEST (bad_json)
{
  static const char *const bad[] = { "",      "{",  "[1,]", "{\"a\":1,}",       "{\"a\" 1}",   "nul",    "01",
                                     "1.",    "-",  "1e",   "\"\\x\"",          "\"\\u12g4\"", "\"\n\"", "\"a",
                                     "[1] 2", "+1", ".5",   "\"\\ud800\\u00\"", "{1:2}" };
  QeError err;
  QeJson json;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    qe_test_check (qe_json_parse (&json, bad[i], strlen (bad[i]), &err) == QE_ERROR_FORMAT, __FILE__, __LINE__,
                   "“%s” was accepted", bad[i]);
  char *deep = malloc (200000);
  memset (deep, '[', 200000);
  QE_CHECK_INT (qe_json_parse (&json, deep, 200000, &err), ==, QE_ERROR_FORMAT);
  free (deep);
  const QeChatPart part = { QE_PART_TEXT, "x" };
  const QeToolCall calls[] = { { "f", "[1]" }, { "f", "{" } };
  QeChatText out = { 0 };
  for (int i = 0; i < 2; i++) {
    const QeChatMessage messages[] = { { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 },
                                       { .role = QE_ROLE_ASSISTANT, .calls = &calls[i], .n_calls = 1 } };
    QE_CHECK_INT (qe_chat_render (&out, NULL, messages, 2, &(QeChatOptions) { 0 }, &err), ==, QE_ERROR_ARGUMENT);
    QE_CHECK_CONTAINS (err.message, "JSON object");
  }
}

QE_TEST (json_round_trip)
{
  static const char text[] =
      " {\"b\":[1, 2.50,-3e+7,true ,false,null],\"a\":\"q\\\"\\\\\\/\\n\\u0001\\u00e9\\ud83d\\ude00\\ud800x\",\"\":{}} ";
  static const char want[] = "{\"b\": [1, 2.50, -3e+7, true, false, null], "
                             "\"a\": \"q\\\"\\\\/\\n\\u0001\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx\", \"\": {}}";
  QeJson json;
  QeError err;
  QeBuffer out = { 0 };
  QE_REQUIRE_OK (qe_json_parse (&json, text, strlen (text), &err), err);
  qe_json_write (&json, 0, &out);
  QE_CHECK_STR (out.data, want);
  qe_buffer_clear (&out);
  qe_json_clear (&json);
}
