/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls of tools as a grammar, and what a sampler makes of it. */
#include "qe-test.h"

#include "format/template/qe-json.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "model/qe-model.h"
#include "sampler/qe-grammar.h"

static const char weather[] =
    "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"parameters\": {\"type\": \"object\", "
    "\"$defs\": {\"days\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 14}}, \"properties\": {"
    "\"city\": {\"type\": \"string\"}, \"unit\": {\"type\": \"string\", \"enum\": [\"celsius\", \"fahrenheit\"]}, "
    "\"days\": {\"$ref\": \"#/$defs/days\"}, \"rain\": {\"type\": \"boolean\"}, "
    "\"points\": {\"type\": \"array\", \"items\": {\"type\": \"number\"}, \"uniqueItems\": true}}, "
    "\"required\": [\"city\", \"days\"]}}}";
static const char clock_tool[] = "{\"name\": \"clock\"}";
static const char any_tool[] = "{\"name\": \"any\", \"parameters\": {\"type\": \"object\"}}";
static const char odd_tool[] = /* its reference leads nowhere */
    "{\"name\": \"odd\", \"parameters\": {\"properties\": {\"x\": {\"type\": \"array\", \"items\": {\"$ref\": "
    "\"#/$defs/none\"}}}, \"required\": [\"x\"]}}";
static const char *const empty_tool = /* nothing is valid under its schema */
    "{\"name\": \"empty\", \"parameters\": {\"properties\": {\"x\": {\"type\": \"integer\", \"minimum\": 5, "
    "\"maximum\": 2}}, \"required\": [\"x\"]}}";
static const char *const tools[] = { weather, clock_tool, any_tool, odd_tool };

/* Whether the grammar takes the whole text, the names of tokens in it being tokens, and lets it end there. */
static bool
takes (QeGrammar *g, const QeModel *model, const char *text)
{
  int32_t *ids = NULL;
  size_t n = 0;
  char *whole = NULL;
  bool taken = false;
  if (asprintf (&whole, "%s<|im_end|>", text) > 0
      && qe_tokenize (model, whole, strlen (whole), NULL, 0, &ids, &n, NULL) == QE_OK)
    taken = qe_grammar_admits (g, ids, n) == n;
  free (ids);
  free (whole);
  return taken;
}

static void
check_texts (const QeModel *model, const QeToolRules *rules, const char *const *yes, const char *const *no)
{
  QeGrammar *g = NULL;
  QeError err = { 0 };
  QE_REQUIRE_OK (qe_grammar_from_tools (&g, model, rules, &err), err);
  for (; *yes; yes++)
    qe_test_check (takes (g, model, *yes), __FILE__, __LINE__, "“%s” should be taken", *yes);
  for (; *no; no++)
    qe_test_check (!takes (g, model, *no), __FILE__, __LINE__, "“%s” should not be taken", *no);
  qe_grammar_free (g);
}

#define CALL(parameters) "<tool_call>\n<function=get_weather>\n" parameters "</function>\n</tool_call>"
#define PARAMETER(key, value) "<parameter=" key ">\n" value "\n</parameter>\n"
#define CLOCK "<tool_call>\n<function=clock>\n</function>\n</tool_call>"

QE_TEST (tags)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const QeToolRules all = { .tools = tools, .n_tools = 4, .form = QE_TOOLS_XML, .parallel = true };
  check_texts (model, &all,
               (const char *const[]) {
                   CALL (PARAMETER ("city", "Bern") PARAMETER ("days", "2")),
                   CALL (PARAMETER ("city", "a <b> </param\n\nc") PARAMETER ("unit", "celsius") PARAMETER ("days", "14")
                             PARAMETER ("rain", "True") PARAMETER ("points", "[1.5, 1.5, 1]")),
                   CALL (PARAMETER ("city", "") PARAMETER ("days", "1") PARAMETER ("rain", "false")), CLOCK,
                   CLOCK "\n" CLOCK,
                   "<tool_call>\n<function=any>\n" PARAMETER ("k", "v")
                       PARAMETER ("l", "w") "</function>\n</tool_call>",
                   "<tool_call>\n<function=odd>\n" PARAMETER ("x", "{\"a\": 3}") "</function>\n</tool_call>", NULL },
               (const char *const[]) {
                   "", "It is sunny.", "<tool_call>\n", CALL (PARAMETER ("days", "2")),
                   CALL (PARAMETER ("city", "Bern")), CALL (PARAMETER ("city", "Bern") PARAMETER ("days", "15")),
                   CALL (PARAMETER ("city", "Bern") PARAMETER ("unit", "kelvin") PARAMETER ("days", "2")),
                   CALL (PARAMETER ("city", "Bern") PARAMETER ("days", "2") PARAMETER ("rain", "maybe")),
                   "<tool_call>\n<function=nothing>\n</function>\n</tool_call>", CLOCK "and", NULL });
  /* one call of one tool */
  const QeToolRules one = { .tools = tools, .n_tools = 4, .form = QE_TOOLS_XML, .name = "clock" };
  check_texts (model, &one, (const char *const[]) { CLOCK, NULL },
               (const char *const[]) { CLOCK "\n" CLOCK, CALL (PARAMETER ("city", "Bern") PARAMETER ("days", "2")),
                                       NULL });
  const QeToolRules empty = { .tools = &empty_tool, .n_tools = 1, .form = QE_TOOLS_XML };
  check_texts (model, &empty,
               (const char *const[]) {
                   "<tool_call>\n<function=empty>\n" PARAMETER ("x", "3") "</function>\n</tool_call>", NULL },
               (const char *const[]) { CLOCK, NULL });
  /* what comes behind the tag, and an answer instead of calls */
  const QeToolRules open = { .tools = tools, .n_tools = 4, .form = QE_TOOLS_XML, .open = true };
  check_texts (model, &open, (const char *const[]) { "\n<function=clock>\n</function>\n</tool_call>", NULL },
               (const char *const[]) { CLOCK, NULL });
  const QeToolRules both = {
    .tools = tools,
    .n_tools = 4,
    .form = QE_TOOLS_XML,
    .schema = "{\"type\": \"object\", \"properties\": {\"a\": {\"$ref\": \"#/$defs/b\"}}, \"required\": [\"a\"], "
              "\"$defs\": {\"b\": {\"type\": \"null\"}}}"
  };
  check_texts (model, &both, (const char *const[]) { CLOCK, "{\"a\": null}", NULL },
               (const char *const[]) { "{\"a\": 1}", "{\"a\": null}" CLOCK, NULL });
  qe_model_free (model);
}

QE_TEST (json)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const QeToolRules all = { .tools = tools, .n_tools = 4, .form = QE_TOOLS_HERMES };
  check_texts (model, &all,
               (const char *const[]) {
                   "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>",
                   "<tool_call>\n{\"name\": \"any\", \"arguments\": {\"k\": [1, \"</parameter>\"]}}\n</tool_call>",
                   "<tool_call>\n{\"name\": \"odd\", \"arguments\": {\"x\": null}}\n</tool_call>", NULL },
               (const char *const[]) { CLOCK, "<tool_call>\n{\"name\": \"nothing\", \"arguments\": {}}\n</tool_call>",
                                       "<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"a\": 1}}\n</tool_call>",
                                       NULL });
  qe_model_free (model);
}

/* What a schema asks of strings holds where they are written as they are, and in JSON. */
static const char conditions_tool[] =
    "{\"name\": \"f\", \"parameters\": {\"type\": \"object\", \"$defs\": {\"code\": {\"type\": \"string\", \"maxLength\": 2}}, "
    "\"properties\": {\"short\": {\"type\": \"string\", \"minLength\": 2, \"maxLength\": 4}, "
    "\"code\": {\"$ref\": \"#/$defs/code\"}, "
    "\"maybe\": {\"anyOf\": [{\"type\": \"string\", \"maxLength\": 3}, {\"type\": \"null\"}]}, "
    "\"plate\": {\"type\": \"string\", \"pattern\": \"^[A-Z]{2}-\\\\d+$\"}, "
    "\"html\": {\"type\": \"string\", \"pattern\": \"^<b>[^x]*</b>$\"}, "
    "\"filled\": {\"type\": \"string\", \"pattern\": \"\\\\S\"}, "
    "\"day\": {\"type\": \"string\", \"format\": \"date\"}, "
    "\"mixed\": {\"enum\": [\"one two\", 3, null]}, "
    "\"both\": {\"type\": \"string\", \"pattern\": \"^a*$\", \"maxLength\": 3}, "
    "\"link\": {\"type\": \"string\", \"format\": \"uri\", \"maxLength\": 5}, "
    "\"list\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"maxLength\": 1}, \"maxItems\": 2, \"uniqueItems\": true}, "
    "\"share\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 0.5}}}}";

#define F(parameters) "<tool_call>\n<function=f>\n" parameters "</function>\n</tool_call>"
#define ONE(key, value) F (PARAMETER (key, value))

QE_TEST (conditions_of_tags)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const char *const list[] = { conditions_tool };
  const QeToolRules rules = { .tools = list, .n_tools = 1, .form = QE_TOOLS_XML };
  check_texts (model, &rules,
               (const char *const[]) {
                   ONE ("short", "ab"),
                   ONE ("short", "abcd"),
                   ONE ("short", "äöü\xf0\x9f\x98\x80"),
                   ONE ("short", "a\n"),
                   ONE ("short", "\n\n"),
                   ONE ("short", "</pa"),
                   ONE ("short", "\"\\"),
                   ONE ("code", ""),
                   ONE ("code", "ab"),
                   ONE ("maybe", "abc"),
                   ONE ("maybe", "null"),
                   ONE ("maybe", "None"),
                   ONE ("plate", "BE-123"),
                   ONE ("html", "<b> a\n\"c\" </b>"),
                   ONE ("filled", "x"),
                   ONE ("filled", " </parameter <x> "),
                   ONE ("day", "2026-02-28"),
                   ONE ("mixed", "one two"),
                   ONE ("mixed", "3"),
                   ONE ("mixed", "null"),
                   ONE ("both", "aaaaa"),
                   ONE ("link", "a b"),
                   ONE ("list", "[\"a\", \"b\"]"),
                   ONE ("share", "7"),
                   F (PARAMETER ("short", "abcd") PARAMETER ("code", "x") PARAMETER ("day", "2026-12-01")),
                   NULL },
               (const char *const[]) { ONE ("short", "a"),
                                       ONE ("short", "abcde"),
                                       ONE ("short", "ääöö\xc3\xbc"),
                                       F ("<parameter=short>\nab</parameter>\n"),
                                       F ("<parameter=short>\na\n</parameter>\n"),
                                       ONE ("code", "abc"),
                                       ONE ("maybe", "abcd"),
                                       ONE ("plate", "be-123"),
                                       ONE ("plate", "BE-"),
                                       ONE ("plate", "BE-1 "),
                                       ONE ("html", "<b>x</b>"),
                                       ONE ("html", "b"),
                                       ONE ("filled", " \n"),
                                       ONE ("filled", ""),
                                       ONE ("filled", "a\n</parameter>\n<parameter=filled>\nb"),
                                       ONE ("day", "2026-02-30"),
                                       ONE ("day", "today"),
                                       ONE ("mixed", "one"),
                                       ONE ("mixed", "4"),
                                       ONE ("both", "ab"),
                                       ONE ("link", "abcdef"),
                                       ONE ("list", "[\"a\", \"b\", \"c\"]"),
                                       ONE ("list", "[\"ab\"]"),
                                       ONE ("share", "\"a\""),
                                       NULL });
  qe_model_free (model);
}

#define JSON(arguments) "<tool_call>\n{\"name\": \"f\", \"arguments\": " arguments "}\n</tool_call>"

QE_TEST (conditions_of_json)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const char *const list[] = { conditions_tool };
  const QeToolRules rules = { .tools = list, .n_tools = 1, .form = QE_TOOLS_HERMES };
  check_texts (model, &rules,
               (const char *const[]) { JSON ("{}"), JSON ("{\"short\": \"äöüß\", \"day\": \"2026-12-01\"}"),
                                       JSON ("{\"maybe\": null, \"both\": \"aaaaa\"}"), JSON ("{\"link\": \"a b c\"}"),
                                       JSON ("{\"list\": [\"a\"]}"), JSON ("{\"mixed\": 3}"), NULL },
               (const char *const[]) { JSON ("{\"short\": \"a\"}"), JSON ("{\"short\": \"abcde\"}"),
                                       JSON ("{\"plate\": \"x\"}"), JSON ("{\"day\": \"today\"}"),
                                       JSON ("{\"mixed\": 4}"), JSON ("{\"list\": [1]}"),
                                       JSON ("{\"list\": [\"a\", \"b\", \"c\"]}"), JSON ("{\"code\": \"abc\"}"),
                                       JSON ("{\"link\": \"abcdef\"}"), NULL });
  qe_model_free (model);
}

/* Bytes that spell a token's name are not that token, and the other way round. */
QE_TEST (tokens_are_not_text)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const char token[] = "root ::= \"a\" <tool_call> \"b\"", text[] = "root ::= \"a<tool_call>b\"";
  const QeSpan all = { 0, 13 };
  int32_t *named = NULL, *spelt = NULL;
  size_t n_named = 0, n_spelt = 0;
  QeGrammar *g = NULL, *h = NULL;
  QeError err = { 0 };
  QE_REQUIRE_OK (qe_grammar_from_gbnf (&g, model, token, strlen (token), &err), err);
  QE_REQUIRE_OK (qe_grammar_from_gbnf (&h, model, text, strlen (text), &err), err);
  QE_REQUIRE_OK (qe_tokenize (model, "a<tool_call>b", 13, NULL, 0, &named, &n_named, &err), err);
  QE_REQUIRE_OK (qe_tokenize (model, "a<tool_call>b", 13, &all, 1, &spelt, &n_spelt, &err), err);
  QE_CHECK (n_named < n_spelt);
  QE_CHECK_INT (qe_grammar_admits (g, named, n_named), ==, n_named);
  QE_CHECK_INT (qe_grammar_admits (g, spelt, n_spelt), <, n_spelt);
  QE_CHECK_INT (qe_grammar_admits (h, spelt, n_spelt), ==, n_spelt);
  QE_CHECK_INT (qe_grammar_admits (h, named, n_named), <, n_named);
  qe_grammar_accept (g, named[0]);
  const QeGrammarMask *mask = qe_grammar_mask (g);
  QE_REQUIRE (mask && mask->few);
  QE_CHECK_INT (mask->n_few, ==, 1);
  QE_CHECK_INT (mask->few[0], ==, qe_token_by_text (model, "<tool_call>"));
  qe_grammar_free (g);
  g = (QeGrammar *) 1;
  QE_CHECK_INT (qe_grammar_from_gbnf (&g, model, "root ::= <no_such_token>", 24, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK (g == NULL);
  QE_CHECK_CONTAINS (err.message, "<no_such_token>");
  QE_CHECK_INT (qe_grammar_from_gbnf (&g, model, "root ::= <|im_end|>", 19, &err), ==, QE_ERROR_ARGUMENT);
  qe_grammar_free (h);
  free (named);
  free (spelt);
  qe_model_free (model);
}

typedef struct {
  QeJson arguments; /* of the last call */
  char name[40], json[2000];
  size_t n_calls, n_other;
} Calls;

static void
calls_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Calls *c = data;
  if (kind == QE_OUT_CALL) {
    snprintf (c->name, sizeof c->name, "%.*s", (int) length, text);
    c->json[0] = '\0';
  } else if (kind == QE_OUT_ARGUMENTS) {
    snprintf (c->json + strlen (c->json), sizeof c->json - strlen (c->json), "%.*s", (int) length, text);
  } else if (kind == QE_OUT_CALL_END) {
    qe_json_clear (&c->arguments);
    c->n_calls += qe_json_parse (&c->arguments, c->json, strlen (c->json), NULL) == QE_OK;
  } else {
    c->n_other++;
  }
}

/* Returns the number of characters of a string; -1 if it is none. */
static int
characters (const QeJson *json, size_t value)
{
  size_t length;
  int n = 0;
  if (value == QE_JSON_NONE || json->values[value].kind != QE_JSON_STRING)
    return -1;
  const char *text = qe_json_text (json, value, &length);
  for (size_t i = 0; i < length; i++)
    n += (text[i] & 0xc0) != 0x80;
  return n;
}

/* Whatever the logits are, what the grammar leaves is a call with the arguments that it must have, and can be read. */
QE_TEST (random_logits_make_calls)
{
  static const char tool[] =
      "{\"name\": \"f\", \"parameters\": {\"properties\": {\"n\": {\"type\": \"integer\"}, \"on\": {\"type\": \"boolean\"}, "
      "\"word\": {\"enum\": [\"</parameter>\", \"a b\"]}, \"z\": {\"type\": \"array\", \"items\": {\"type\": \"null\"}, "
      "\"maxItems\": 3}, \"s\": {\"type\": \"string\", \"minLength\": 2, \"maxLength\": 20}, \"p\": {\"type\": \"string\", "
      "\"pattern\": \"^<?[^a]{0,12}>$\"}}, \"required\": [\"n\", \"word\", \"s\", \"p\"]}}";
  static const QeToolForm forms[] = { QE_TOOLS_XML, QE_TOOLS_HERMES };
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  const char *const list[] = { tool };
  float *logits = malloc (n_vocab * sizeof *logits);
  uint64_t state = 5;
  QE_REQUIRE (logits != NULL);
  for (int round = 0; round < 24; round++) {
    const QeToolRules rules = { .tools = list, .n_tools = 1, .form = forms[round & 1] };
    QeSamplerParams params = { .temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = (uint64_t) round };
    QeGrammar *g = NULL;
    QeSampler *s = NULL;
    QeError err = { 0 };
    Calls calls = { 0 };
    int32_t token = -1;
    QE_REQUIRE_OK (qe_grammar_from_tools (&g, model, &rules, &err), err);
    QE_REQUIRE_OK (qe_sampler_new (&s, &params, &err), err);
    QeOutputParser *parser = qe_output_parser_new (model, false, calls_cb, &calls);
    QE_CHECK_OK (qe_output_parser_set_tools (parser, list, 1, &err), err);
    qe_sampler_set_grammar (s, g, -1);
    for (int i = 0; i < 500; i++) {
      for (size_t k = 0; k < n_vocab; k++)
        logits[k] = qe_test_random_float (&state);
      token = qe_sampler_pick (s, logits, n_vocab, qe_sampleable_tokens (model));
      if (!QE_CHECK (token >= 0) || qe_token_ends_generation (model, token))
        break;
      qe_sampler_accept (s, token);
      qe_output_parser_push (parser, token);
    }
    qe_output_parser_finish (parser);
    QE_CHECK (token >= 0 && qe_token_ends_generation (model, token));
    QE_CHECK_INT (calls.n_calls, ==, 1);
    QE_CHECK_INT (calls.n_other, ==, 0);
    QE_CHECK_STR (calls.name, "f");
    if (calls.n_calls == 1) {
      const QeJson *json = &calls.arguments;
      const size_t number = qe_json_member (json, 0, "n"), word = qe_json_member (json, 0, "word");
      const size_t on = qe_json_member (json, 0, "on"), z = qe_json_member (json, 0, "z");
      QE_CHECK (number != QE_JSON_NONE && json->values[number].kind == QE_JSON_NUMBER);
      QE_CHECK (word != QE_JSON_NONE && json->values[word].kind == QE_JSON_STRING);
      QE_CHECK (on == QE_JSON_NONE || json->values[on].kind == QE_JSON_TRUE || json->values[on].kind == QE_JSON_FALSE);
      QE_CHECK (z == QE_JSON_NONE || json->values[z].kind == QE_JSON_ARRAY);
      const size_t string = qe_json_member (json, 0, "s"), pattern = qe_json_member (json, 0, "p");
      QE_CHECK_INT (characters (json, string), >=, 2);
      QE_CHECK_INT (characters (json, string), <=, 20);
      QE_CHECK_INT (characters (json, pattern), >=, 1);
      QE_CHECK_INT (characters (json, pattern), <=, 14);
    }
    qe_json_clear (&calls.arguments);
    qe_output_parser_free (parser);
    qe_sampler_free (s);
    qe_grammar_free (g);
  }
  free (logits);
  qe_model_free (model);
}

QE_TEST (mistakes)
{
  static const struct {
    QeToolRules rules;
    const char *tool, *said;
    QeStatus status;
  } cases[] = {
    { { .form = QE_TOOLS_NONE }, clock_tool, "knows no tools", QE_ERROR_UNSUPPORTED },
    { { .form = QE_TOOLS_OTHER }, clock_tool, "not known", QE_ERROR_UNSUPPORTED },
    { { .form = QE_TOOLS_XML }, "{\"name\": 1}", "no tool that could be called", QE_ERROR_ARGUMENT },
    { { .form = QE_TOOLS_XML }, "{\"name\": \"a>b\"}", "no tool that could be called", QE_ERROR_ARGUMENT },
    { { .form = QE_TOOLS_XML, .name = "other" }, clock_tool, "no tool with the name “other”", QE_ERROR_ARGUMENT },
    { { .form = QE_TOOLS_XML }, "{\"name\"", "not valid JSON", QE_ERROR_FORMAT },
    { { .form = QE_TOOLS_XML }, "1], [{\"name\": \"a\"}", "not valid JSON", QE_ERROR_FORMAT },
    { { .form = QE_TOOLS_XML, .schema = "{\"not\": {}}" }, clock_tool, "“not” is not supported", QE_ERROR_UNSUPPORTED },
    { { .form = QE_TOOLS_XML },
      "{\"name\": \"f\", \"strict\": true, \"parameters\": {\"properties\": {\"x\": {\"type\": \"string\", \"maxLength\": 3, "
      "\"pattern\": \"a\"}}}}",
      "Only one of “pattern”, “format” and a length can be had at #/properties/x",
      QE_ERROR_UNSUPPORTED },
    { { .form = QE_TOOLS_HERMES },
      "{\"function\": {\"name\": \"f\", \"strict\": true, \"parameters\": {\"not\": {}}}}",
      "“not” is not supported at #.",
      QE_ERROR_UNSUPPORTED },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeToolRules rules = cases[i].rules;
    QeGrammar *g = (QeGrammar *) 1;
    QeError err = { 0 };
    rules.tools = &cases[i].tool;
    rules.n_tools = 1;
    QE_CHECK_INT (qe_grammar_from_tools (&g, NULL, &rules, &err), ==, cases[i].status);
    QE_CHECK (g == NULL);
    QE_CHECK_CONTAINS (err.message, cases[i].said);
  }
}
