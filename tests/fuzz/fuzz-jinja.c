/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chat template out of a model file, with conversations. The first line is a JSON object with variables, the rest is
 * the template; without such a line the whole is the template. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/template/qe-template.h"
#include "format/tokenizer/qe-utf8.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (int ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

/* Text is UTF-8, spans ascend inside of it, and what people wrote is outside of them only where the template says so. */
static void
check_text (const QeChatText *text)
{
  size_t at = 0;

  require (text->text[text->length] == '\0', "the text has an end");
  require (qe_utf8_valid (text->text, text->length), "the text is UTF-8");
  for (size_t i = 0; i < text->n_plain; i++) {
    require (text->plain[i].start >= at && text->plain[i].start < text->plain[i].end, "spans ascend");
    at = text->plain[i].end;
  }
  require (at <= text->length, "spans are inside of the text");
}

static void
check_failure (const QeError *err)
{
  require (err->message[0] != '\0' && strlen (err->message) < sizeof err->message, "a failure is a sentence");
}

static void
check_messages (const QeTemplate *template, const char *variables)
{
  const QeChatPart words[] = { { QE_PART_TEXT, "{{ a }} \xff<|im_end|> \xc3\x9f" }, { QE_PART_IMAGE, NULL } };
  const QeToolCall call = { "f", "{\"a\": [1, 2.5, null, \"x\"], \"b\": true}" };
  const char *tool = "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {}}}";
  const QeChatMessage messages[] = {
    { .role = QE_ROLE_SYSTEM, .parts = words, .n_parts = 1 },
    { .role = QE_ROLE_USER, .parts = words, .n_parts = 2 },
    { .role = QE_ROLE_ASSISTANT, .parts = words, .n_parts = 1, .reasoning = "r", .calls = &call, .n_calls = 1 },
    { .role = QE_ROLE_TOOL, .parts = words, .n_parts = 1 },
  };
  const QeChatOptions options = {
    .add_generation_prompt = true, .tools = &tool, .n_tools = 1, .variables = variables, .now = 1764540000
  };
  QeChatText text;
  QeError err = { 0 };

  if (qe_template_render (&text, template, messages, 4, &options, &err) == QE_OK) {
    check_text (&text);
    qe_chat_text_clear (&text);
  } else {
    check_failure (&err);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const uint8_t *line = size > 0 && data[0] == '{' && size > 1 && data[1] != '%' && data[1] != '{' && data[1] != '#'
                            ? memchr (data, '\n', size)
                            : NULL;
  char *variables = line ? strndup ((const char *) data, (size_t) (line - data)) : NULL;
  const char *source = line ? (const char *) line + 1 : (const char *) data;
  size_t length = line ? size - (size_t) (line + 1 - data) : size;
  QeTemplate compiled = { 0 }, *template = NULL;
  QeError err = { 0 };

  if (qe_jinja_compile (&compiled.jinja, source, length, &err) == QE_OK) {
    check_messages (&compiled, NULL);
    if (variables)
      check_messages (&compiled, variables);
  } else {
    check_failure (&err);
  }
  qe_jinja_free (compiled.jinja);
  if (length < 4096 && qe_template_new (&template, source, length, "<s>", NULL, &err) == QE_OK) {
    require (template->info.usable || !template->jinja, "what cannot be used is not used");
    require (template->info.usable || template->info.problem[0], "what cannot be used is said");
  }
  qe_template_free (template);
  free (variables);
  return 0;
}
