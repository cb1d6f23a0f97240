/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "format/template/qe-buffer.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "format/tokenizer/qe-utf8.h"

typedef struct {
  QeBuffer reasoning, answer, calls; /* calls: one a line */
} Output;

static void
output_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Output *o = data;
  QeBuffer *b = kind == QE_OUT_REASONING ? &o->reasoning : kind == QE_OUT_ANSWER ? &o->answer : &o->calls;
  qe_buffer_add (b, text, length);
  if (kind == QE_OUT_TOOL_CALL)
    qe_buffer_puts (b, "\n");
}

static const char *
shown (const QeBuffer *buffer)
{
  return buffer->data ? buffer->data : "";
}

static QeTokenizer *
load (void)
{
  QeGguf *gguf;
  QeTokenizer *t = NULL;
  if (qe_gguf_open (&gguf, qe_test_tiny ("quern-tiny-Q8_0.gguf"), false, NULL) == QE_OK)
    qe_tokenizer_new (&t, gguf, NULL);
  qe_gguf_free (gguf);
  QE_CHECK (t != NULL);
  return t;
}

/* What generated text comes out as, its tags being tokens. */
static void
check_with (bool thinking, const char *tool, const char *text, const char *reasoning, const char *answer,
            const char *calls)
{
  QeTokenizer *t = load ();
  Output o = { 0 };
  QeError err;
  int32_t *ids;
  size_t n;
  QeOutputParser *p = qe_output_parser_new_for (t, thinking, output_cb, &o);
  if (tool)
    QE_CHECK_OK (qe_output_parser_set_tools (p, &tool, 1, &err), err);
  QE_CHECK (qe_output_parser_in_reasoning (p) == thinking);
  QE_REQUIRE_OK (qe_tokenizer_encode (t, text, strlen (text), NULL, 0, &ids, &n, &err), err);
  for (size_t i = 0; i < n; i++)
    qe_output_parser_push (p, ids[i]);
  qe_output_parser_finish (p);
  qe_test_check (strcmp (shown (&o.reasoning), reasoning) == 0, __FILE__, __LINE__, "“%s”: reasoning “%s”", text,
                 shown (&o.reasoning));
  qe_test_check (strcmp (shown (&o.answer), answer) == 0, __FILE__, __LINE__, "“%s”: answer “%s”", text,
                 shown (&o.answer));
  qe_test_check (strcmp (shown (&o.calls), calls) == 0, __FILE__, __LINE__, "“%s”: calls “%s”", text, shown (&o.calls));
  free (ids);
  qe_output_parser_free (p);
  qe_tokenizer_free (t);
  qe_buffer_clear (&o.reasoning);
  qe_buffer_clear (&o.answer);
  qe_buffer_clear (&o.calls);
}

static void
check (bool thinking, const char *text, const char *reasoning, const char *answer, const char *calls)
{
  check_with (thinking, NULL, text, reasoning, answer, calls);
}

QE_TEST (reasoning_and_answer)
{
  check (true, "I add.\n\n8 + 7\n</think>\n\nIt is 15.\n\nSure.<|im_end|>", "I add.\n\n8 + 7", "It is 15.\n\nSure.",
         "");
  check (true, "no line end</think>answer", "no line end", "answer", "");
  check (true, "never closed\n", "never closed", "", "");
  check (true, "\n\n</think>\n\nx", "", "x", "");
  check (false, "\nplain <b>answer</b>\n", "", "plain <b>answer</b>", "");
  check (false, "<think>\nafter all\n</think>\n\nyes", "after all", "yes", "");
  check (false, "", "", "", "");
}

/* Tags in the middle of an answer are what the answer speaks of. */
QE_TEST (quoted_tags)
{
  check (false, "It writes <think> and </think> first.", "", "It writes <think> and </think> first.", "");
  check (false, "and </tool_call> too", "", "and </tool_call> too", "");
  check (true, "I could write <tool_call> here</tool_call>, so\n</think>\n\nok",
         "I could write <tool_call> here</tool_call>, so", "ok", "");
}

QE_TEST (tool_calls)
{
  check (
      true,
      "Look.\n</think>\n\nI will look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBern\n</parameter>\n"
      "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call><|im_end|>",
      "Look.", "I will look.", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\", \"days\": 2}}\n");
  check (false,
         "<tool_call>\n<function=a>\n</function>\n</tool_call>\n<tool_call>\n<function=b>\n<parameter=x>\n[1, \"é\"]\n"
         "</parameter>\n</function>\n</tool_call>",
         "", "", "{\"name\": \"a\", \"arguments\": {}}\n{\"name\": \"b\", \"arguments\": {\"x\": [1, \"é\"]}}\n");
  /* still thinking: the call ends it */
  check (true, "Let me see.\n<tool_call>\n<function=a>\n</function>\n</tool_call>\nDone", "Let me see.", "Done",
         "{\"name\": \"a\", \"arguments\": {}}\n");
  check (false, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"k\": null}}\n</tool_call>", "", "",
         "{\"name\": \"a\", \"arguments\": {\"k\": null}}\n");
  check (false, "<tool_call>\n{\"name\": \"a\", \"arguments\": \"{\\\"k\\\": [1]}\"}\n</tool_call>", "", "",
         "{\"name\": \"a\", \"arguments\": {\"k\": [1]}}\n");
  check (false, "<tool_call>\n{\"name\": \"a\", \"arguments\": \"[1]\"}\n</tool_call>", "",
         "<tool_call>\n{\"name\": \"a\", \"arguments\": \"[1]\"}\n</tool_call>", "");
}

QE_TEST (tool_values)
{
  check (
      false,
      "<tool_call>\n<function=f>\n<parameter=code>\nif a:\n  print (\"</parameter>\")\n\n</parameter>\n<parameter=b>\n"
      "True\n</parameter><parameter=s>bare</parameter></function></tool_call>",
      "", "",
      "{\"name\": \"f\", \"arguments\": {\"code\": \"if a:\\n  print (\\\"</parameter>\\\")\\n\", \"b\": true, "
      "\"s\": \"bare\"}}\n");
  /* the schema decides what a number is */
  check_with (false,
              "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": \"object\", "
              "\"properties\": {\"zip\": {\"type\": \"string\"}, \"n\": {\"type\": \"integer\"}}}}}",
              "<tool_call>\n<function=f>\n<parameter=zip>\n3000\n</parameter>\n<parameter=n>\n3000\n</parameter>\n"
              "</function>\n</tool_call>",
              "", "", "{\"name\": \"f\", \"arguments\": {\"zip\": \"3000\", \"n\": 3000}}\n");
}

QE_TEST (unfinished_calls)
{
  check (false, "x\n<tool_call>\n<function=f>\n<parameter=a>\n1", "", "x\n<tool_call>\n<function=f>\n<parameter=a>\n1",
         "");
  check (false, "<tool_call>\nnonsense\n</tool_call>", "", "<tool_call>\nnonsense\n</tool_call>", "");
  check (false, "<tool_call></tool_call>", "", "<tool_call></tool_call>", "");
  check (false, "<tool_call>\n<function=f>\n<parameter=a>\n1\n</function>\n</tool_call>", "", "",
         "{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n");
}

/* Every piece that comes out is whole characters, whatever the tokens. */
QE_TEST (whole_characters)
{
  QeTokenizer *t = load ();
  uint64_t state = 35;
  Output o = { 0 };
  for (int round = 0; round < 200; round++) {
    QeOutputParser *p = qe_output_parser_new_for (t, round & 1, output_cb, &o);
    for (int i = 0; i < 50; i++)
      qe_output_parser_push (p, (int32_t) (qe_test_random (&state) % (qe_tokenizer_size (t) + 10)) - 5);
    qe_output_parser_finish (p);
    qe_output_parser_free (p);
  }
  QE_CHECK (o.reasoning.size > 0 && qe_utf8_valid (o.reasoning.data, o.reasoning.size));
  QE_CHECK (o.answer.size > 0 && qe_utf8_valid (o.answer.data, o.answer.size));
  qe_buffer_clear (&o.reasoning);
  qe_buffer_clear (&o.answer);
  qe_buffer_clear (&o.calls);
  qe_tokenizer_free (t);
}
