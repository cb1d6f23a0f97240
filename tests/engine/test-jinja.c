/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreter of chat templates: goldens, where bytes come from, what templates do, hostile templates. How it agrees
 * with jinja2 is for template-diff.py. */
#include "qe-test.h"
#include "format/template/qe-template.h"

#include <locale.h>

static QeTemplate *
read_template (const char *name)
{
  char path[100];
  size_t size;
  QeTemplate *template = NULL;
  QeError err;
  snprintf (path, sizeof path, "templates/%s.jinja", name);
  char *text = qe_test_read (qe_test_data (path), &size);
  if (QE_CHECK (text != NULL) && QE_CHECK_OK (qe_template_new (&template, text, size, NULL, NULL, &err), err))
    QE_CHECK_STR (template->info.problem, "");
  free (text);
  return template;
}

static const char *
member_text (const QeJson *json, size_t object, const char *key)
{
  size_t i = qe_json_member (json, object, key), length;
  return i == QE_JSON_NONE || json->values[i].kind != QE_JSON_STRING ? NULL : qe_json_text (json, i, &length);
}

/* A golden as one object: its messages and, beside them, its options. */
static void
write_conversation (const QeJson *json, size_t golden, QeBuffer *out)
{
  size_t options = qe_json_member (json, golden, "options"), length;
  qe_buffer_puts (out, "{\"messages\": ");
  qe_json_write (json, qe_json_member (json, golden, "messages"), out);
  for (size_t i = qe_json_first (json, options); i != QE_JSON_NONE; i = qe_json_next (json, options, i)) {
    const char *key = qe_json_key (json, i, &length);
    qe_buffer_puts (out, ", ");
    qe_json_write_string (key, length, out);
    qe_buffer_puts (out, ": ");
    qe_json_write (json, i, out);
  }
  qe_buffer_puts (out, "}");
}

static void
check_golden (const QeTemplate *template, const QeJson *json, size_t golden)
{
  QeBuffer conversation = { 0 };
  QeChatText out = { 0 };
  QeError err = { 0 };
  const char *name = member_text (json, golden, "name"), *want = member_text (json, golden, "text");
  write_conversation (json, golden, &conversation);
  QeStatus status = qe_template_render_json (&out, template, conversation.data, conversation.size,
                                             &(QeChatOptions) { 0 }, &err);
  if (want) {
    qe_test_check (status == QE_OK, __FILE__, __LINE__, "%s: %s", name, err.message);
    QE_CHECK_STR (out.text, want);
  } else {
    qe_test_check (status == QE_ERROR_ARGUMENT, __FILE__, __LINE__, "%s is not refused", name);
    QE_CHECK (strlen (err.message) > 10);
  }
  qe_chat_text_clear (&out);
  qe_buffer_clear (&conversation);
}

/* Renders the goldens of a file whose generation is the wanted one (NULL: all) and returns their number. */
static size_t
check_goldens (const char *file, const char *generation, const char *template_name)
{
  size_t size, n = 0;
  QeJson json;
  QeError err;
  QeTemplate *template = read_template (template_name);
  char *text = qe_test_read (qe_test_data (file), &size);
  if (text && template && QE_CHECK_OK (qe_json_parse (&json, text, size, &err), err)) {
    for (size_t i = qe_json_first (&json, 0); i != QE_JSON_NONE; i = qe_json_next (&json, 0, i)) {
      const char *own = member_text (&json, i, "generation");
      if (generation && strncmp (own, generation, strlen (generation)) != 0)
        continue;
      check_golden (template, &json, i);
      n++;
    }
    qe_json_clear (&json);
  }
  free (text);
  qe_template_free (template);
  return n;
}

QE_TEST (goldens)
{
  QE_CHECK_INT (check_goldens ("goldens/chat.json", NULL, "qwen35-thinks"), ==, 35);
}

QE_TEST (goldens_of_generations)
{
  static const char file[] = "goldens/chat-generations.json";
  QE_CHECK_INT (check_goldens (file, "3.5", "qwen35-thinks"), ==, 10);
  QE_CHECK_INT (check_goldens (file, "3.6", "qwen36"), ==, 10);
  QE_CHECK_INT (check_goldens (file, "3.8", "qwen38"), ==, 10);
  QE_CHECK_INT (check_goldens (file, "fine-tune", "no-think-block"), ==, 10);
}

/* The built-in layout takes conversations in JSON, too. */
QE_TEST (built_in_json)
{
  static const char conversation[] =
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}]},"
      " {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": "
      "\"{\\\"k\\\": 1}\"}}]},"
      " {\"role\": \"tool\", \"content\": \"r\"}], \"add_generation_prompt\": true, \"enable_thinking\": false}";
  static const char *const bad[] = { "", "[]", "{\"messages\": 1}", "{\"messages\": [{\"role\": \"robot\"}]}" };
  QeChatText out;
  QeError err;
  QE_REQUIRE_OK (qe_chat_render_json (&out, NULL, conversation, strlen (conversation), &(QeChatOptions) { 0 }, &err),
                 err);
  QE_CHECK_CONTAINS (out.text, "<function=f>\n<parameter=k>\n1\n</parameter>");
  QE_CHECK_INT (out.end, ==, QE_THINK_CLOSED);
  qe_chat_text_clear (&out);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    QE_CHECK_INT (qe_chat_render_json (&out, NULL, bad[i], strlen (bad[i]), &(QeChatOptions) { 0 }, &err), ==,
                  QE_ERROR_ARGUMENT);
}

/* ---- where bytes come from ------------------------------------------------------------------------------------- */

/* Occurrences of <|im_end|> inside of the plain spans, and outside. */
static void
count_ends (const QeChatText *out, size_t *plain, size_t *own)
{
  size_t span = 0;
  *plain = *own = 0;
  for (size_t at = 0; at < out->length; at++) {
    while (span < out->n_plain && out->plain[span].end <= at)
      span++;
    bool is_plain = span < out->n_plain && at >= out->plain[span].start;
    if (strncmp (out->text + at, "<|im_end|>", 10) == 0)
      is_plain ? ++*plain : ++*own;
  }
}

/* Whatever a person or a tool wrote stays plain, in every template and in every place of a conversation. */
QE_TEST (plain_in_every_part)
{
  static const struct {
    const char *template;
    size_t plain, own;
  } cases[] = {
    { "qwen35-thinks", 10, 4 },
    { "qwen36", 10, 4 },
    { "qwen38", 10, 4 },
    { "hermes", 9, 4 },
  };
  const QeChatPart parts[] = { { QE_PART_TEXT, "<|im_end|>" },
                               { QE_PART_IMAGE, NULL },
                               { QE_PART_TEXT, "<|image_pad|>" } };
  const QeToolCall call = { "f<|im_end|>", "{\"k<|im_end|>\": \"<|im_end|>\", \"l\": [\"<|im_end|>\"]}" };
  const char *tool = "{\"name\": \"<|im_end|>\"}";
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeTemplate *template = read_template (cases[i].template);
    size_t n_parts = template->info.takes_pictures ? 3 : 1, plain, own;
    const QeChatMessage messages[] = {
      { .role = QE_ROLE_SYSTEM, .parts = parts, .n_parts = 1 },
      { .role = QE_ROLE_USER, .parts = parts, .n_parts = n_parts },
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
    if (QE_CHECK_OK (qe_template_render (&out, template, messages, 4, &(QeChatOptions) { .tools = &tool, .n_tools = 1 },
                                         &err),
                     err)) {
      count_ends (&out, &plain, &own);
      QE_CHECK_INT (plain, ==, cases[i].plain);
      QE_CHECK_INT (own, ==, cases[i].own);
      QE_CHECK_INT (out.n_images, ==, template->info.takes_pictures);
      qe_chat_text_clear (&out);
    }
    qe_template_free (template);
  }
}

static QeStatus
render (const char *source, const char *variables, QeChatText *out, QeError *err)
{
  QeTemplate template = { 0 };
  QeStatus status = qe_jinja_compile (&template.jinja, source, strlen (source), err);
  const QeChatOptions options = { .variables = variables, .now = 1764540000 };
  *out = (QeChatText) { 0 };
  if (status == QE_OK)
    status = qe_template_render (out, &template, NULL, 0, &options, err);
  qe_jinja_free (template.jinja);
  return status;
}

/* The bytes of the text that are plain, as “p”; the others as “.”. */
QE_TEST (origin_through_operations)
{
  static const struct {
    const char *source, *text, *plain;
  } cases[] = {
    { "a{{ d }}b", "adatab", ".pppp." },
    { "{{ 'x' + d + 'y' }}", "xdatay", ".pppp." },
    { "{{ ('x' ~ d ~ 'y')[1:-1] }}", "data", "pppp" },
    { "{{ ('xx' ~ d ~ 'yy')[1:4] }}", "xda", ".pp" },
    { "{{ ('<' ~ d)|upper }}", "<DATA", ".pppp" },
    { "{{ ('<' ~ d)[::-1] }}", "atad<", "pppp." },
    { "{{ d|replace('t', 'T') }}", "daTa", "pp.p" },
    { "{{ 'x-x'|replace('-', d) }}", "xdatax", ".pppp." },
    { "{{ [d, 'l', d]|join(',') }}", "data,l,data", "pppp...pppp" },
    { "{{ '%s|%s' % (d, 'l') }}", "data|l", "pppp.." },
    { "{{ '{}-{}'.format(d, 'l') }}", "data-l", "pppp.." },
    { "{{ (' ' ~ d ~ ' ')|trim }}", "data", "pppp" },
    { "{{ ('l,' ~ d).split(',')|join }}", "ldata", ".pppp" },
    { "{% set x %}<{{ d }}>{% endset %}{{ x }}", "<data>", ".pppp." },
    { "{% macro m(a) %}({{ a }}){% endmacro %}{{ m(d) }}", "(data)", ".pppp." },
    { "{% filter upper %}l{{ d }}{% endfilter %}", "LDATA", ".pppp" },
    { "{% for c in d %}{{ c }}-{% endfor %}", "d-a-t-a-", "p.p.p.p." },
    { "{{ {'l': d}|tojson }}", "{\"l\": \"data\"}", "pp.pppppppppp" },
    { "{{ [d]|string }}", "['data']", "pppppppp" },
    { "{{ d ~ n ~ true }}", "data5True", "pppp....." },
    { "{{ ('a\\n' ~ d)|indent(2, true) }}", "  a\n  data", "......pppp" },
    { "{{ o.k }}{% for k, v in o.items() %}{{ k }}{{ v }}{% endfor %}", "vkv", "ppp" },
    { "{{ d * 2 }}{{ 'l' * 2 }}", "datadatall", "pppppppp.." },
    { "{{ d|e }}{{ d|truncate(3, true, '', 0) }}{{ d.center(6, '*') }}", "datadat*data*", "ppppppp.pppp." },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeChatText out;
    QeError err = { 0 };
    char plain[64] = "";
    if (!QE_CHECK_OK (render (cases[i].source, "{\"d\": \"data\", \"n\": 5, \"o\": {\"k\": \"v\"}}", &out, &err), err))
      continue;
    memset (plain, '.', out.length);
    for (size_t k = 0; k < out.n_plain; k++)
      memset (plain + out.plain[k].start, 'p', out.plain[k].end - out.plain[k].start);
    QE_CHECK_STR (out.text, cases[i].text);
    QE_CHECK_STR (plain, cases[i].plain);
    qe_chat_text_clear (&out);
  }
}

/* Text that is no UTF-8 is repaired before the template sees it. */
QE_TEST (broken_text)
{
  const QeChatPart part = { QE_PART_TEXT, "\xff<|im_end|>\xe3" };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 };
  QeTemplate *template = read_template ("qwen35-thinks");
  QeChatText out;
  QeError err;
  QE_REQUIRE_OK (qe_template_render (&out, template, &message, 1, &(QeChatOptions) { 0 }, &err), err);
  QE_CHECK_STR (out.text, "<|im_start|>user\n\xef\xbf\xbd<|im_end|>\xef\xbf\xbd<|im_end|>\n");
  QE_CHECK_INT (out.n_plain, ==, 1);
  qe_chat_text_clear (&out);
  qe_template_free (template);
}

/* Numbers and dates are written as in English in every locale. */
QE_TEST (locale_is_left_alone)
{
  QeChatText out;
  QeError err;
  setlocale (LC_ALL, "de_DE.UTF-8"); /* where it is not installed, nothing changes and the test is only weaker */
  QE_REQUIRE_OK (render ("{{ 0.5 + 1 }} {{ '2.5'|float }} {{ strftime_now('%B %Y') }}", NULL, &out, &err), err);
  QE_CHECK_STR (out.text, "1.5 2.5 November 2025");
  qe_chat_text_clear (&out);
  setlocale (LC_ALL, "C");
}

/* ---- what templates do ----------------------------------------------------------------------------------------- */

/* The levels with commas between, the default in brackets. */
static void
list_efforts (const QeTemplateInfo *info, char *out, size_t size)
{
  size_t n = 0;
  out[0] = '\0';
  for (uint32_t i = 0; i < info->n_efforts; i++)
    n += (size_t) snprintf (out + n, size - n, strcmp (info->efforts[i], info->effort_default) == 0 ? "%s[%s]" : "%s%s",
                            i ? "," : "", info->efforts[i]);
}

static void
check_info (const char *name, const QeTemplateInfo *info, const QeTemplateInfo *want, const char *want_efforts)
{
  char efforts[100];
  list_efforts (info, efforts, sizeof efforts);
  qe_test_note ("%s", name);
  QE_CHECK_INT (info->usable, ==, want->usable);
  QE_CHECK_INT (info->end, ==, want->end);
  QE_CHECK_INT (info->thinking_default, ==, want->thinking_default);
  QE_CHECK_INT (info->thinking_switchable, ==, want->thinking_switchable);
  QE_CHECK_INT (info->keeps_reasoning, ==, want->keeps_reasoning);
  QE_CHECK_INT (info->reasoning_switchable, ==, want->reasoning_switchable);
  QE_CHECK_INT (info->takes_system, ==, want->takes_system);
  QE_CHECK_INT (info->takes_pictures, ==, want->takes_pictures);
  QE_CHECK_INT (info->tools, ==, want->tools);
  QE_CHECK_STR (efforts, want_efforts);
}

QE_TEST (facts)
{
  static const struct {
    const char *name, *efforts;
    QeTemplateInfo info;
  } cases[] = {
    { "qwen35-thinks",
      "",
      { .usable = true,
        .end = QE_THINK_OPEN,
        .thinking_default = true,
        .thinking_switchable = true,
        .takes_system = true,
        .takes_pictures = true,
        .tools = QE_TOOLS_XML } },
    { "qwen35-thinks-if-asked",
      "",
      { .usable = true,
        .end = QE_THINK_CLOSED,
        .thinking_switchable = true,
        .takes_system = true,
        .takes_pictures = true,
        .tools = QE_TOOLS_XML } },
    { "qwen36",
      "",
      { .usable = true,
        .end = QE_THINK_OPEN,
        .thinking_default = true,
        .thinking_switchable = true,
        .reasoning_switchable = true,
        .takes_system = true,
        .takes_pictures = true,
        .tools = QE_TOOLS_XML } },
    { "qwen38",
      "low,medium,[xhigh]",
      { .usable = true,
        .end = QE_THINK_OPEN,
        .thinking_default = true,
        .thinking_switchable = true,
        .keeps_reasoning = true,
        .reasoning_switchable = true,
        .takes_system = true,
        .takes_pictures = true,
        .tools = QE_TOOLS_XML } },
    { "no-think-block", "", { .usable = true, .end = QE_THINK_NONE, .takes_system = true } },
    { "hermes",
      "",
      { .usable = true,
        .end = QE_THINK_OPEN,
        .thinking_default = true,
        .takes_system = true,
        .tools = QE_TOOLS_HERMES } },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeTemplate *template = read_template (cases[i].name);
    check_info (cases[i].name, &template->info, &cases[i].info, cases[i].efforts);
    qe_template_free (template);
  }
}

#define MESSAGES "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"

QE_TEST (facts_of_efforts)
{
  static const struct {
    const char *source, *efforts;
  } cases[] = {
    { MESSAGES, "" },
    { "{{ reasoning_effort }}" MESSAGES, "low,medium,high" },
    { "Reasoning: {{ reasoning_effort|default('medium') }}" MESSAGES, "low,[medium],high" },
    { "{% if reasoning_effort|default('xhigh') == 'xhigh' %}Effort: xhigh.{% endif %}" MESSAGES, "medium,[xhigh]" },
    { "{% set e = reasoning_effort or 'high' %}{% if e not in ['low', 'high', 'max'] %}{{ raise_exception('no') }}{% "
      "endif %}"
      "{{ e }}" MESSAGES,
      "low,[high],max" },
    { "{% if reasoning_effort == 'high' %}x{% endif %}" MESSAGES, "[medium],high" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeTemplate *template;
    QeError err;
    char efforts[100];
    QE_REQUIRE_OK (qe_template_new (&template, cases[i].source, strlen (cases[i].source), NULL, NULL, &err), err);
    list_efforts (&template->info, efforts, sizeof efforts);
    QE_CHECK_STR (efforts, cases[i].efforts);
    qe_template_free (template);
  }
}

/* A template that leaves the opening of the block to the model thinks unless it is told not to. */
QE_TEST (facts_of_unopened_block)
{
  static const char source[] = MESSAGES "{% if add_generation_prompt %}<|im_start|>assistant\n"
                                        "{% if enable_thinking is defined and enable_thinking is false %}{{ "
                                        "'<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}";
  QeTemplate *template;
  QeError err;
  QE_REQUIRE_OK (qe_template_new (&template, source, strlen (source), NULL, NULL, &err), err);
  QE_CHECK_INT (template->info.end, ==, QE_THINK_NONE);
  QE_CHECK (template->info.thinking_default);
  QE_CHECK (template->info.thinking_switchable);
  qe_template_free (template);
}

/* Both templates say «enable_thinking is true»; the first thinks only if asked, the second unless it is told not to. */
QE_TEST (facts_of_guards)
{
  static const char off[] = MESSAGES
      "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
      "{%- if enable_thinking is defined and enable_thinking is true %}{{- '<think>\\n' }}"
      "{%- else %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}";
  static const char on[] =
      "{%- if enable_thinking is undefined or enable_thinking is true %}"
      "{%- if reasoning_effort|default('xhigh') == 'xhigh' %}{{- '<|im_start|>system\\nEffort: xhigh.<|im_end|>\\n' "
      "}}{%- endif %}{%- endif %}" MESSAGES "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
      "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- else "
      "%}{{- '<think>\\n' }}{%- endif %}{%- endif %}";
  QeTemplate *template;
  QeError err;
  char efforts[100];
  QE_REQUIRE_OK (qe_template_new (&template, off, strlen (off), NULL, NULL, &err), err);
  QE_CHECK (!template->info.thinking_default && template->info.thinking_switchable);
  QE_CHECK_INT (template->info.end, ==, QE_THINK_CLOSED);
  qe_template_free (template);
  QE_REQUIRE_OK (qe_template_new (&template, on, strlen (on), NULL, NULL, &err), err);
  QE_CHECK (template->info.thinking_default && template->info.thinking_switchable);
  QE_CHECK_INT (template->info.end, ==, QE_THINK_OPEN);
  list_efforts (&template->info, efforts, sizeof efforts);
  QE_CHECK_STR (efforts, "medium,[xhigh]");
  qe_template_free (template);
}

/* What cannot be used is said, and the built-in layout stands in for it. */
QE_TEST (unusable)
{
  static const struct {
    const char *source, *problem;
  } cases[] = {
    { "{% if %}", "line 1" },
    { "x\n{{ y.z }}", "“y” is undefined" },
    { "{{ raise_exception('Not today.') }}", "Not today." },
    { "Hello!", "leaves out what was said" },
    { "{% include 'x' %}", "does not know the tag “include”" },
    { "{{ messages[0].content|nonsense }}", "nonsense" },
    { "{{ messages[0].content }}{{ 1 / (messages|length - 3) }}", "divided by zero" },
    { "\xff", "not valid UTF-8" },
  };
  const QeChatPart part = { QE_PART_TEXT, "Hi" };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeTemplate *template;
    QeChatText out;
    QeError err;
    QE_REQUIRE_OK (qe_template_new (&template, cases[i].source, strlen (cases[i].source), NULL, NULL, &err), err);
    QE_CHECK (template->info.present && !template->info.usable);
    QE_CHECK_CONTAINS (template->info.problem, cases[i].problem);
    QE_CHECK_INT (template->info.tools, ==, QE_TOOLS_XML);
    QE_REQUIRE_OK (qe_template_render (&out, template, &message, 1, &(QeChatOptions) { .add_generation_prompt = true },
                                       &err),
                   err);
    QE_CHECK_STR (out.text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n");
    QE_CHECK_INT (out.end, ==, QE_THINK_OPEN);
    qe_chat_text_clear (&out);
    qe_template_free (template);
  }
}

QE_TEST (variables)
{
  QeTemplate *template;
  QeChatText out;
  QeError err;
  const QeChatPart part = { QE_PART_TEXT, "Hi" };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 };
  static const char source[] = "{{ bos_token }}{{ messages[0].content }}{{ mood }}{{ enable_thinking }}{{ documents "
                               "}}{{ tools }}{{ eos_token }}" MESSAGES;
  QE_REQUIRE_OK (qe_template_new (&template, source, strlen (source), "<s>", "</s>", &err), err);
  QeChatOptions options = { .variables = "{\"mood\": \"good\"}", .enable_thinking = QE_NO };
  QE_REQUIRE_OK (qe_template_render (&out, template, &message, 1, &options, &err), err);
  QE_CHECK (strncmp (out.text, "<s>HigoodFalseNoneNone</s>", 26) == 0);
  qe_chat_text_clear (&out);
  options.variables = "[1]";
  QE_CHECK_INT (qe_template_render (&out, template, &message, 1, &options, &err), ==, QE_ERROR_ARGUMENT);
  qe_template_free (template);
}

/* Opens Quern Tiny with another template in the place of its own, which is made as long with a comment. */
static QeModel *
open_with_template (const char *source)
{
  static const char key[] = "tokenizer.chat_template";
  size_t size, length = strlen (source);
  uint64_t room;
  QeModel *model = NULL;
  QeError err;
  char path[300], *data = qe_test_read (qe_test_tiny ("quern-tiny-Q2_K.gguf"), &size);
  char *value = data ? memmem (data, size, key, strlen (key)) : NULL;
  if (!QE_CHECK (value != NULL))
    return NULL;
  value += strlen (key) + 4; /* past the type */
  memcpy (&room, value, sizeof room);
  value += sizeof room;
  if (QE_CHECK (length + 4 <= room)) {
    memset (value, ' ', room);
    memcpy (value, "{#", 2);
    memcpy (value + room - length - 2, "#}", 2);
    memcpy (value + room - length, source, length);
    snprintf (path, sizeof path, "%s/model.gguf", qe_test_folder ());
    QE_CHECK (qe_test_write (path, data, size));
    QE_CHECK_OK (qe_model_open (&model, path, NULL, &err), err);
  }
  free (data);
  return model;
}

static void
check_model (const char *source, const char *want, QeThinkEnd end)
{
  const QeChatPart part = { QE_PART_TEXT, "Hi" };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = &part, .n_parts = 1 };
  QeModel *model = open_with_template (source);
  QeChatText out;
  QeError err;
  size_t length;
  if (!model)
    return;
  const char *text = qe_model_chat_template (model, &length);
  QE_CHECK (text && length > strlen (source) && memcmp (text + length - strlen (source), source, strlen (source)) == 0);
  if (QE_CHECK_OK (qe_chat_render (&out, model, &message, 1, &(QeChatOptions) { .add_generation_prompt = true }, &err),
                   err)) {
    QE_CHECK_STR (out.text, want);
    QE_CHECK_INT (out.end, ==, end);
    QE_CHECK_INT (qe_model_info (model)->thinking_default, ==, end == QE_THINK_OPEN);
    qe_chat_text_clear (&out);
  }
  qe_model_free (model);
}

/* The template of the file decides; the built-in layout stands in for one that cannot be used. */
QE_TEST (models)
{
  check_model ("{%- for m in messages %}{{ '[' ~ m.role ~ '] ' ~ m.content ~ '\\n' }}{% endfor %}{{ '[assistant]' }}",
               "[user] Hi\n[assistant]", QE_THINK_NONE);
  check_model ("{%- for m in messages %}{{ m.content }}{% endfor %}{{ '<think>' }}", "Hi<think>", QE_THINK_OPEN);
  check_model ("{%- for m in messages %}{{ m.content.nonsense.x }}{% endfor %}",
               "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n", QE_THINK_OPEN);
}

/* ---- hostile templates ----------------------------------------------------------------------------------------- */

QE_TEST (hostile)
{
  static const char *const sources[] = {
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro f(x) %}{{ f(x + 1) }}{% endmacro %}{{ f(0) }}",
    "{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(0) }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro a() %}{% call a() %}{{ caller() }}{% endcall %}{% endmacro %}{% call a() %}x{% endcall %}",
    "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% set n = namespace(l=[]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}",
    "{% set n = namespace() %}{% set n.x = [n] %}{{ n.x }}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'a'|indent(1000000000, true) }}",
    "{{ [1]|tojson(indent=1000000000) }}",
    "{{ range(10000000000) }}",
    "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "{{ ('a ' * 4000000).split()|length }}",
    "{{ range(99999)|join('x' * 10000) }}",
    "{{ ('a' * 1000000).rfind('a' * 500000 + 'b') }}",
    "{{ 1 // 0 }}",
    "{{ 1 % 0 }}",
    "{{ 10 ** 1000000000 }}",
    "{{ 9223372036854775807 + 1 }}",
    "{{ -9223372036854775807 - 2 }}",
    "{{ (0 - 9223372036854775807 - 1) // -1 }}",
    "{{ 0.0 ** -1 }}",
    "{{ [][::0] }}",
    "{{ strftime_now('%1000000Y') }}",
    "{{ 'a'.split('') }}",
    "{{ x(*5) }}",
    "{{ dict(**{1: 2}) }}",
    "{{ {[]: 1} }}",
    "{{ [1] < ['a'] }}",
    "{{ none + 1 }}",
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    QeChatText out;
    QeError err = { 0 };
    QeStatus status = render (sources[i], NULL, &out, &err);
    qe_test_check (status == QE_ERROR_ARGUMENT && strncmp (err.message, "The chat template fails in line 1: ", 35) == 0,
                   __FILE__, __LINE__, "%s: %d, “%s”", sources[i], status, err.message);
    qe_chat_text_clear (&out);
  }
}

/* Things that are deep, repeated n times. */
QE_TEST (deep)
{
  static const struct {
    const char *before, *part, *middle, *after;
  } cases[] = {
    { "{{ ", "(", "1", ")" },
    { "{{ ", "[", "", "]" },
    { "{{ ", "{1: ", "2", "}" },
    { "{{ ", "-", "1", "" },
    { "{{ ", "not ", "1", "" },
    { "{{ 1", "+1", "", "" },
    { "{{ 'a'", "|upper", "", "" },
    { "{{ a", ".b", "", "" },
    { "", "{% if 1 %}", "x", "{% endif %}" },
    { "{{ ", "1 if 0 else ", "2", "" },
    { "{{ ", "f(", "1", ")" },
    { "", "{% for x in [1] %}", "y", "{% endfor %}" },
    { "{% set ", "(", "x", ")" },
    { "{{ a", "[0", "]", "" },
  };
  enum { N = 20000 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeBuffer source = { 0 };
    QeChatText out;
    QeError err = { 0 };
    qe_buffer_puts (&source, cases[i].before);
    for (int k = 0; k < N; k++)
      qe_buffer_puts (&source, cases[i].part);
    qe_buffer_puts (&source, cases[i].middle);
    for (int k = 0; k < N; k++)
      qe_buffer_puts (&source, cases[i].after);
    qe_buffer_puts (&source, cases[i].before[0] == '{' && cases[i].before[1] == '{' ? " }}" : "");
    QE_CHECK (render (source.data, NULL, &out, &err) != QE_OK);
    QE_CHECK (strlen (err.message) > 10);
    qe_buffer_clear (&source);
  }
}

QE_TEST (huge)
{
  const size_t size = (size_t) 50 << 20;
  char *source = malloc (size + 1);
  QeTemplate *template;
  QeError err;
  QE_REQUIRE (source != NULL);
  memset (source, 'x', size);
  source[size] = '\0';
  QE_REQUIRE_OK (qe_template_new (&template, source, size, NULL, NULL, &err), err);
  QE_CHECK_CONTAINS (template->info.problem, "longer than 256 KiB");
  qe_template_free (template);
  free (source);
}
