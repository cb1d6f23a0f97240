/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls of tools as a grammar, in the form that the file's template teaches:
 *
 *   <tool_call>\n<function=NAME>\n<parameter=KEY>\nVALUE\n</parameter>\n…</function>\n</tool_call>      (QE_TOOLS_XML)
 *   <tool_call>\n{"name": "NAME", "arguments": {…}}\n</tool_call>                                       (QE_TOOLS_HERMES)
 *
 * Parameters come in the order of their declaration. A string is written as it is, with the length, pattern, format or words that its
 * schema asks for, and without the closing tag; everything else is JSON under its schema. Tools come from programs that know nothing
 * of this grammar: of a schema that cannot be had, what can be had is followed, and where that is nothing, any JSON value may stand.
 * Only for a tool that says "strict": true it is an error. */
#include "sampler/qe-schema-private.h"

#include "format/template/qe-tool-schema.h"
#include "qe-error.h"
#include "sampler/qe-grammar-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING (1u << QE_JSON_STRING)
#define BOOLEAN (1u << QE_JSON_TRUE | 1u << QE_JSON_FALSE)

typedef struct {
  QeSchema c; /* its JSON is a list: first the schema of the answer, or null; then the tools */
  const QeToolRules *rules;
  bool exact;    /* schemas are followed, where they can be had */
  size_t *items; /* [1 + n_tools]: of the list */
  size_t *bases; /* [1 + n_tools]: what references in the items count from */
} ToolGrammar;

/* What ends a value. Guarded texts do not spell it. */
static const char closing_tag[] = "</parameter>";

/* What is known of a parameter: HAS_JSON a rule "s", HAS_TEXT a rule "t", of which HAS_FREE_TEXT allows any text. */
enum { HAS_NO_RULE, HAS_JSON, HAS_TEXT, HAS_FREE_TEXT };

static void
write_text_rules (QeBuffer *out)
{
  qe_buffer_puts (out, "text ::= !(.*)\n"
                       "any-parameter ::= \"<parameter=\" [^<>\\n]+ \">\\n\" text parameter-end\n"
                       "parameter-end ::= \"\\n\"? \"</parameter>\\n\"\n");
}

/* Whether a value of these kinds is written as it is, which it is if it may be a string. */
static bool
may_be_text (unsigned kinds)
{
  return kinds == 0 || kinds & STRING;
}

static void
put_parameter (ToolGrammar *g, const QeToolSchema *tool, size_t schema, uint8_t rule)
{
  QeBuffer *out = &g->c.out;
  const unsigned kinds = qe_tool_schema_kinds (tool, schema);
  size_t length;
  const char *name = qe_json_key (tool->json, schema, &length);
  const bool required = qe_schema_requires (tool->json, tool->parameters, name);
  qe_buffer_puts (out, required ? "" : "(");
  qe_buffer_puts (out, "\"<parameter=\" ");
  qe_schema_put_literal (out, name, length);
  qe_buffer_puts (out, "\">\\n\" ");
  if (kinds == BOOLEAN)
    qe_buffer_puts (out, "([tT] \"rue\" | [fF] \"alse\") "); /* templates show them as Python writes them */
  else if (rule == HAS_JSON || rule == HAS_TEXT)
    qe_schema_printf (out, "%c%zu ", rule == HAS_JSON ? 's' : 't', schema);
  else
    qe_buffer_puts (out, may_be_text (kinds) ? "text " : "value ");
  /* A text may end in a line end of its own, so the one that is not part of it must be there where the length counts. */
  qe_buffer_puts (out, rule == HAS_TEXT ? "\"\\n</parameter>\\n\" " : "parameter-end ");
  qe_buffer_puts (out, required ? "" : ")? ");
}

/* The parameters of a tool whose calls are written with tags. rules: [n_values]. */
static void
write_parameters (ToolGrammar *g, const QeToolSchema *tool, const uint8_t *rules)
{
  const size_t properties = qe_tool_schema_properties (tool);
  const QeJson *json = tool->json;
  size_t length;
  if (tool->parameters != QE_JSON_NONE && properties == QE_JSON_NONE)
    qe_buffer_puts (&g->c.out, "any-parameter* ");
  for (size_t i = properties == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (json, properties); i != QE_JSON_NONE;
       i = qe_json_next (json, properties, i)) {
    const char *name = qe_json_key (json, i, &length);
    if (length > 0 && strcspn (name, "<>\n") == length) /* else it could not be read again */
      put_parameter (g, tool, i, rules[i]);
  }
}

static bool
is_wanted (const ToolGrammar *g, const QeToolSchema *tool)
{
  size_t length = 0;
  const char *name = tool->name == QE_JSON_NONE ? "" : qe_json_text (tool->json, tool->name, &length);
  return length > 0 && strcspn (name, "<>\n") == length && (!g->rules->name || strcmp (name, g->rules->name) == 0);
}

/* Makes the rule of a schema: of all that it says or, unless the tool is strict, of as much of it as can be had. */
static uint8_t
try_schema (ToolGrammar *g, const QeToolSchema *tool, size_t schema, bool as_text)
{
  const size_t start = g->c.out.size;
  char free_text[40];
  bool found = false;
  if (tool->strict) {
    qe_schema_want (&g->c, schema, as_text);
    qe_schema_write_rules (&g->c);
    found = g->c.status == QE_OK;
  }
  g->c.lenient = !tool->strict;
  if (g->c.lenient)
    found = qe_schema_try (&g->c, schema, as_text);
  g->c.lenient = false;
  if (!found || !as_text)
    return found ? HAS_JSON : HAS_NO_RULE;
  snprintf (free_text, sizeof free_text, "t%zu ::= text\n", schema);
  return strcmp (g->c.out.data + start, free_text) == 0 ? HAS_FREE_TEXT : HAS_TEXT;
}

/* Makes the rules of the schemas that a tool needs, as far as they can be had, and notes them in rules, [n_values]. */
static void
try_schemas (ToolGrammar *g, const QeToolSchema *tool, uint8_t *rules)
{
  const size_t properties = qe_tool_schema_properties (tool);
  const QeJson *json = tool->json;
  if ((!g->exact && !tool->strict) || tool->parameters == QE_JSON_NONE)
    return;
  if (g->rules->form == QE_TOOLS_HERMES)
    rules[tool->parameters] = try_schema (g, tool, tool->parameters, false);
  else if (properties != QE_JSON_NONE)
    for (size_t i = qe_json_first (json, properties); i != QE_JSON_NONE; i = qe_json_next (json, properties, i)) {
      const unsigned kinds = qe_tool_schema_kinds (tool, i);
      if (kinds != BOOLEAN)
        rules[i] = try_schema (g, tool, i, may_be_text (kinds));
    }
}

/* The rule of a call, between the tokens that enclose it. */
static void
write_call (ToolGrammar *g, const QeToolSchema *tool, size_t number, const uint8_t *rules)
{
  QeBuffer *out = &g->c.out, name = { 0 };
  size_t length;
  const char *text = qe_json_text (tool->json, tool->name, &length);
  if (g->rules->form == QE_TOOLS_HERMES) {
    qe_json_write_string (text, length, &name);
    qe_schema_printf (out, "call-%zu ::= \"{\\\"name\\\": \" ", number);
    out->failed |= name.failed;
    if (!name.failed)
      qe_schema_put_literal (out, name.data, name.size);
    qe_buffer_puts (out, "\", \\\"arguments\\\": \" ");
    if (tool->parameters == QE_JSON_NONE)
      qe_buffer_puts (out, "\"{}\"");
    else
      qe_schema_printf (out, rules[tool->parameters] ? "s%zu" : "object", tool->parameters);
    qe_buffer_puts (out, " \"}\\n\"\n");
    qe_buffer_clear (&name);
    return;
  }
  qe_schema_printf (out, "call-%zu ::= \"<function=\" ", number);
  qe_schema_put_literal (out, text, length);
  qe_buffer_puts (out, "\">\\n\" ");
  write_parameters (g, tool, rules);
  qe_buffer_puts (out, "\"</function>\\n\"\n");
}

/* Writes the grammar into c.out. */
static void
write_grammar (ToolGrammar *g, QeError *err)
{
  const QeToolRules *rules = g->rules;
  uint8_t *known = calloc (g->c.json.n_values, 1);
  QeBuffer *out = &g->c.out, calls = { 0 };
  size_t number = 0;
  if (!known) {
    g->c.status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
    return;
  }
  if (rules->schema) {
    qe_schema_want (&g->c, g->items[0], false);
    qe_schema_write_rules (&g->c);
  }
  write_text_rules (out);
  for (size_t i = 1; i <= rules->n_tools && g->c.status == QE_OK; i++) {
    QeToolSchema tool;
    qe_tool_schema_find (&tool, &g->c.json, g->items[i]);
    if (!is_wanted (g, &tool))
      continue;
    try_schemas (g, &tool, known);
    write_call (g, &tool, number, known);
    qe_schema_printf (&calls, number ? " | call-%zu" : "call-%zu", number);
    number++;
  }
  free (known);
  if (g->c.status == QE_OK && number == 0)
    g->c.status = rules->name ? qe_fail (err, QE_ERROR_ARGUMENT, "There is no tool with the name “%.60s”.", rules->name)
                              : qe_fail (err, QE_ERROR_ARGUMENT, "There is no tool that could be called.");
  qe_buffer_puts (out, "body ::= \"\\n\" (");
  qe_buffer_add (out, calls.data ? calls.data : "", calls.size);
  qe_buffer_puts (out, ") </tool_call>\ncalls ::= body");
  qe_buffer_puts (out, rules->parallel ? " (\"\\n\" <tool_call> body)*\nroot ::= " : "\nroot ::= ");
  if (rules->schema)
    qe_schema_printf (out, "s%zu | ", g->items[0]);
  qe_buffer_puts (out, rules->open ? "calls\n" : "<tool_call> calls\n");
  out->failed |= calls.failed;
  qe_buffer_clear (&calls);
  if (g->c.status == QE_OK && out->failed)
    g->c.status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
}

/* Puts the schema and the tools into one list, so that their rules can stand in one grammar. */
static QeStatus
join_json (QeBuffer *out, const QeToolRules *rules, QeError *err)
{
  qe_buffer_puts (out, "[");
  for (size_t i = 0; i <= rules->n_tools; i++) {
    const char *text = i ? rules->tools[i - 1] : rules->schema ? rules->schema : "null";
    QeJson json;
    const QeStatus status = qe_json_parse (&json, text, strlen (text), err);
    if (status != QE_OK)
      return status;
    qe_json_clear (&json);
    qe_buffer_puts (out, i ? "," : "");
    qe_buffer_puts (out, text);
  }
  qe_buffer_puts (out, "]");
  return out->failed ? qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tools.") : QE_OK;
}

static QeStatus
make_grammar (QeGrammar **out, const QeTokenizer *tokenizer, const QeToolRules *rules, const QeBuffer *json, bool exact,
              QeError *err)
{
  ToolGrammar g = { .rules = rules, .exact = exact };
  QeRules parsed;
  QeProgram program;
  size_t n = 0;
  qe_schema_begin (&g.c, json->data, json->size, err);
  g.items = calloc (rules->n_tools + 1, sizeof *g.items);
  g.bases = calloc (rules->n_tools + 1, sizeof *g.bases);
  if (g.c.status == QE_OK && (!g.items || !g.bases))
    g.c.status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tools.");
  if (g.c.status == QE_OK) {
    for (size_t i = qe_json_first (&g.c.json, 0); i != QE_JSON_NONE; i = qe_json_next (&g.c.json, 0, i))
      g.items[n++] = i;
    for (size_t i = 0; i < n; i++) {
      QeToolSchema tool;
      qe_tool_schema_find (&tool, &g.c.json, g.items[i]);
      g.bases[i] = i == 0 || tool.parameters == QE_JSON_NONE ? g.items[i] : tool.parameters;
    }
    g.c.bases = g.bases;
    g.c.n_bases = n;
    write_grammar (&g, err);
  }
  QeStatus status = g.c.status;
  if (status == QE_OK)
    status = qe_rules_parse (&parsed, g.c.out.data, g.c.out.size, closing_tag, err);
  if (status == QE_OK) {
    status = qe_program_compile (&program, &parsed, NULL, err);
    qe_rules_clear (&parsed);
    if (status == QE_OK)
      status = qe_grammar_new (out, tokenizer, &program, err);
  }
  free (g.items);
  free (g.bases);
  qe_schema_clear (&g.c);
  return status;
}

QeStatus
qe_grammar_from_tools_for (QeGrammar **out, const QeTokenizer *tokenizer, const QeToolRules *rules, QeError *err)
{
  QeBuffer json = { 0 };
  *out = NULL;
  if (rules->form != QE_TOOLS_XML && rules->form != QE_TOOLS_HERMES)
    return qe_fail (err, QE_ERROR_UNSUPPORTED,
                    rules->form == QE_TOOLS_NONE ? "The model's chat template knows no tools."
                                                 : "The model writes calls of tools in a form that is not known.");
  QeStatus status = join_json (&json, rules, err);
  if (status == QE_OK) {
    status = make_grammar (out, tokenizer, rules, &json, true, err);
    /* A schema that only shows to be of no use when it is compiled, such as one that nothing is valid under. */
    if (status != QE_OK && status != QE_ERROR_MEMORY)
      status = make_grammar (out, tokenizer, rules, &json, false, err);
  }
  qe_buffer_clear (&json);
  return status;
}
