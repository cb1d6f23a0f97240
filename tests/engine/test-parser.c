/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "format/template/qe-tool-call.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "format/tokenizer/qe-utf8.h"

typedef struct {
  QeBuffer reasoning, answer, calls; /* calls: one a line; the last one may lack its end */
} Output;

static void
output_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Output *o = data;
  QeBuffer *b = kind == QE_OUT_REASONING ? &o->reasoning : kind == QE_OUT_ANSWER ? &o->answer : &o->calls;
  qe_buffer_puts (b, kind == QE_OUT_CALL ? "{\"name\": \"" : "");
  qe_buffer_add (b, text, length);
  qe_buffer_puts (b, kind == QE_OUT_CALL ? "\", \"arguments\": " : kind == QE_OUT_CALL_END ? "}\n" : "");
}

static void
clear_output (Output *o)
{
  qe_buffer_clear (&o->reasoning);
  qe_buffer_clear (&o->answer);
  qe_buffer_clear (&o->calls);
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
  clear_output (&o);
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

/* What a schema says of a value, wherever it says so. */
QE_TEST (declared_values)
{
  check_with (
      false,
      "{\"name\": \"f\", \"parameters\": {\"$defs\": {\"id\": {\"type\": \"string\"}}, \"properties\": {"
      "\"a\": {\"type\": [\"string\", \"null\"]}, \"b\": {\"enum\": [\"1\", \"2\"]}, \"c\": {\"$ref\": \"#/$defs/id\"}, "
      "\"d\": {\"anyOf\": [{\"type\": \"boolean\"}, {\"const\": \"x\"}]}, \"e\": {\"type\": \"boolean\"}, "
      "\"f\": {\"type\": \"object\"}}}}",
      "<tool_call>\n<function=f>\n<parameter=a>\n5\n</parameter>\n<parameter=a>\nnull\n</parameter>\n"
      "<parameter=b>\n1\n</parameter>\n<parameter=c>\n7\n</parameter>\n<parameter=d>\nFalse\n</parameter>\n"
      "<parameter=d>\n3\n</parameter>\n<parameter=e>\nmaybe\n</parameter>\n<parameter=f>\n{\"k\":[1,\"é\"]}\n"
      "</parameter>\n</function>\n</tool_call>",
      "", "",
      "{\"name\": \"f\", \"arguments\": {\"a\": \"5\", \"a\": null, \"b\": \"1\", \"c\": \"7\", \"d\": false, "
      "\"d\": \"3\", \"e\": \"maybe\", \"f\": {\"k\": [1, \"é\"]}}}\n");
}

/* Text behind a call, and calls that share a block. */
QE_TEST (blocks_of_more)
{
  check (false, "<tool_call>\n<function=a>\n</function>\nand more\n</tool_call>", "", "and more",
         "{\"name\": \"a\", \"arguments\": {}}\n");
  check (false,
         "<tool_call>\n<function=a>\n</function>\n<function=b>\n<parameter=x>\n1\n</parameter>\n</function>\n"
         "</tool_call>",
         "", "", "{\"name\": \"a\", \"arguments\": {}}\n{\"name\": \"b\", \"arguments\": {\"x\": 1}}\n");
  check (false, "<tool_call>\n<function=a> is how calls begin.\n</tool_call>", "",
         "<tool_call>\n<function=a> is how calls begin.\n</tool_call>", "");
}

/* However a call arrives in pieces, the same comes out, and strings come before they are whole. */
QE_TEST (every_split)
{
  static const char tool[] = "{\"name\": \"f\", \"parameters\": {\"properties\": {\"s\": {\"type\": \"string\"}}}}";
  static const char *const bodies[] = {
    "\n<function=f>\n<parameter=s>\nif a:\n\n  b(\"</parameter>\\\")\n</function>\n\n</parameter>\n<parameter=n>\n[1, 2]\n"
    "</parameter>\n</function>\n",
    "<function=f><parameter=s>x</parameter><parameter=t>y</parameter></function>",
    "\n<function=f>\n<parameter=s>\n\n</parameter>\n</function>\n<function=g>\n</function>\nrest",
    "\n<function=f>\n<parameter=s>\nno end\n</function>\n",
    "\n<function=f>\n<parameter=s>\n<<</parameter\n</parameter",
    "\n<function=f\n>\n</function>",
    "\n{\"name\": \"f\", \"arguments\": {\"s\": \"</parameter>\"}}\n",
    "\n<function=>\n</function>",
  };
  QeJson json;
  QE_REQUIRE (qe_json_parse (&json, tool, strlen (tool), NULL) == QE_OK);
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    for (int closed = 0; closed < 2; closed++) {
      const size_t n = strlen (bodies[i]);
      Output whole = { 0 };
      size_t rest = 0;
      for (size_t cut = 0; cut <= n + 1; cut++) {
        Output o = { 0 };
        QeToolCallReader r = { .func = output_cb, .data = &o, .tools = &json, .n_tools = 1 };
        const size_t first = cut <= n ? cut : 0;
        qe_tool_call_begin (&r);
        qe_tool_call_push (&r, bodies[i], first);
        for (size_t at = first; at < n; at += cut <= n ? n - at : 1) /* the last round goes byte by byte */
          qe_tool_call_push (&r, bodies[i] + at, cut <= n ? n - at : 1);
        const size_t own = qe_tool_call_end (&r, closed);
        if (cut == 0) {
          whole = o;
          rest = own;
        } else {
          qe_test_check (strcmp (shown (&whole.calls), shown (&o.calls)) == 0 && rest == own, __FILE__, __LINE__,
                         "“%s” cut at %zu: “%s”, whole: “%s”", bodies[i], cut, shown (&o.calls), shown (&whole.calls));
          clear_output (&o);
        }
        qe_tool_call_clear (&r);
      }
      clear_output (&whole);
    }
  Output o = { 0 };
  QeToolCallReader r = { .func = output_cb, .data = &o, .tools = &json, .n_tools = 1 };
  qe_tool_call_begin (&r);
  static const char begun[] = "\n<function=f>\n<parameter=s>\nso far";
  qe_tool_call_push (&r, begun, strlen (begun));
  QE_CHECK (strcmp (shown (&o.calls), "{\"name\": \"f\", \"arguments\": {\"s\": \"so far") == 0);
  clear_output (&o);
  qe_tool_call_clear (&r);
  qe_json_clear (&json);
}

QE_TEST (unfinished_calls)
{
  check (false, "x\n<tool_call>\n<function=f>\n<parameter=a>\n1", "", "x",
         "{\"name\": \"f\", \"arguments\": {\"a\": 1");
  check (false, "x\n<tool_call>\n<function=f>\n<param", "", "x\n<tool_call>\n<function=f>\n<param", "");
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
