/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli-facts.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

#include "quern-cli.h"
#include "quern-json-util.h"
#include "quern-sampling.h"

/* ---- of servers ------------------------------------------------------------------------------------------------ */

/* For example: "context of 4096 tokens, pictures, thinking can be turned off". */
char *
quern_cli_describe_served (const QuernServerModel *model)
{
  g_auto (GStrv) facts = quern_server_model_dup_facts (model);

  return g_strjoinv (", ", facts);
}

/* ---- on standard output ---------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  double value;
} Value;

static void
list_values (QuernModel *model, gboolean thinking, Value values[6])
{
  QuernSampling sampling;
  const QuernSamplerValues *p = &sampling.sampler;

  quern_sampling_init (&sampling, model, thinking, FALSE, NULL);
  values[0] = (Value) { "temperature", p->temperature };
  values[1] = (Value) { "top_k", p->top_k };
  values[2] = (Value) { "top_p", p->top_p };
  values[3] = (Value) { "min_p", p->min_p };
  values[4] = (Value) { "presence_penalty", p->presence_penalty };
  values[5] = (Value) { "repetition_penalty", p->repetition_penalty };
}

static char *
describe_sampling (QuernModel *model, gboolean thinking)
{
  GString *out = g_string_new (NULL);
  Value values[6];

  list_values (model, thinking, values);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_string_append_printf (out, "%s%s %.4g", i > 0 ? ", " : "", values[i].name, values[i].value);
    if (quern_sampling_get_origin (NULL, model, values[i].name) == QUERN_SAMPLING_FILE)
      g_string_append_printf (out, " (%s)", quern_sampling_origin_to_string (QUERN_SAMPLING_FILE));
  }
  return g_string_free_and_steal (out);
}

void
quern_cli_print_facts (QuernModel *model, const char *template)
{
  const QuernTemplateInfo *info = &quern_model_get_info (model)->chat;
  /* In the order in which the header's facts number the forms. */
  const char *const forms[] = { _("none are offered to the model"), _("called as <function=NAME>"),
                                _("called as JSON in <tool_call>"), _("called in a form of their own") };
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < info->n_efforts; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? ", " : "", info->efforts[i]);
  if (info->n_efforts == 0)
    g_string_append (out, _("no levels"));
  else if (info->effort_default[0])
    g_string_append_printf (out, _(" (default: %s)"), info->effort_default);
  g_autofree char *effort = g_string_free_and_steal (out);
  g_autofree char *thinking = describe_sampling (model, TRUE), *answering = describe_sampling (model, FALSE);

  if (!info->present)
    quern_cli_line (stdout, "%-18s %s", _("Chat template"), _("none: the layout of Qwen 3.5 is used"));
  else if (info->usable)
    quern_cli_line (stdout, "%-18s %s", _("Chat template"), _("the file’s own"));
  else
    quern_cli_line (stdout, "%-18s %s %s", _("Chat template"),
                    _("cannot be used, so the layout of Qwen 3.5 is used instead."), info->problem);
  quern_cli_line (stdout, "%-18s %s", _("Thinking"),
                  info->thinking_switchable
                      ? info->thinking_default ? _("on, can be switched off") : _("off, can be switched on")
                  : info->thinking_default ? _("always on")
                                           : _("no switch; the model decides"));
  quern_cli_line (stdout, "%-18s %s", _("Effort"), effort);
  quern_cli_line (stdout, "%-18s %s", _("Earlier reasoning"),
                  info->reasoning_switchable
                      ? info->keeps_reasoning ? _("kept, can be left out") : _("left out, can be kept")
                  : info->keeps_reasoning ? _("kept")
                                          : _("left out"));
  quern_cli_line (stdout, "%-18s %s", _("Tools"), forms[info->tools]);
  quern_cli_line (stdout, "%-18s %s", _("With thinking"), thinking);
  quern_cli_line (stdout, "%-18s %s", _("Without thinking"), answering);
  if (!template)
    return;
  fputc ('\n', stdout);
  if (isatty (STDOUT_FILENO))
    quern_cli_text (stdout, template);
  else
    fputs (template, stdout);
}

/* ---- as JSON --------------------------------------------------------------------------------------------------- */

static void
add_sampling (JsonBuilder *builder, QuernModel *model, gboolean thinking)
{
  Value values[6];

  list_values (model, thinking, values);
  json_builder_set_member_name (builder, thinking ? "thinking" : "not_thinking");
  json_builder_begin_object (builder);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    json_builder_set_member_name (builder, values[i].name);
    json_builder_add_double_value (builder, values[i].value);
  }
  json_builder_end_object (builder);
}

void
quern_cli_add_facts (JsonBuilder *builder, QuernModel *model, const char *template)
{
  static const char *const forms[] = { "none", "xml", "hermes", "other" }; /* as the header numbers them */
  const QuernTemplateInfo *info = &quern_model_get_info (model)->chat;

  json_builder_set_member_name (builder, "template");
  json_builder_begin_object (builder);
  quern_json_add_bool (builder, "present", info->present);
  quern_json_add_bool (builder, "usable", info->usable);
  quern_cli_add_string (builder, "problem", info->problem[0] ? info->problem : NULL);
  quern_json_add_bool (builder, "thinking_default", info->thinking_default);
  quern_json_add_bool (builder, "thinking_switchable", info->thinking_switchable);
  json_builder_set_member_name (builder, "efforts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < info->n_efforts; i++)
    json_builder_add_string_value (builder, info->efforts[i]);
  json_builder_end_array (builder);
  quern_cli_add_string (builder, "effort_default", info->effort_default[0] ? info->effort_default : NULL);
  quern_json_add_bool (builder, "keeps_reasoning", info->keeps_reasoning);
  quern_json_add_bool (builder, "reasoning_switchable", info->reasoning_switchable);
  quern_json_add_bool (builder, "takes_system", info->takes_system);
  quern_json_add_bool (builder, "takes_pictures", info->takes_pictures);
  quern_cli_add_string (builder, "tools", forms[info->tools]);
  if (template)
    quern_cli_add_string (builder, "text", template);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "sampling");
  json_builder_begin_object (builder);
  add_sampling (builder, model, TRUE);
  add_sampling (builder, model, FALSE);
  static const char *const origins[] = { "conversation", "file", "family", "demonstration",
                                         "server" }; /* QuernSamplingOrigin */
  Value values[6];

  list_values (model, FALSE, values);
  json_builder_set_member_name (builder, "origins");
  json_builder_begin_object (builder);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    quern_cli_add_string (builder, values[i].name, origins[quern_sampling_get_origin (NULL, model, values[i].name)]);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}
