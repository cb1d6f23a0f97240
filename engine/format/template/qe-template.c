/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a chat template does is found out by rendering small conversations with it and looking at what comes out. Words
 * in its source say little: «enable_thinking is true» stands in templates that think by default and in those that do not. */
#include "format/template/qe-template.h"
#include "qe-error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For each of the two dozen small conversations: ten times what published templates take, and little time for all. */
#define PROBE_STEPS 50000

/* Words that no template has of its own. */
#define QUESTION "qz-question"
#define ANSWER "qz-answer"
#define REASONING "qz-reasoning"
#define SYSTEM "qz-system"
#define TOOL "qz_tool"
#define STRANGE "qz-strange"

static const QeChatPart question[] = { { QE_PART_TEXT, QUESTION } };
static const QeChatPart answer[] = { { QE_PART_TEXT, ANSWER } };
static const QeChatPart system_text[] = { { QE_PART_TEXT, SYSTEM } };
static const QeChatPart picture[] = { { QE_PART_IMAGE, NULL }, { QE_PART_TEXT, QUESTION } };
static const QeToolCall call = { TOOL, "{\"qz_key\": \"qz-value\"}" };
static const char *const tool =
    "{\"type\": \"function\", \"function\": {\"name\": \"" TOOL "\", \"description\": \"x\", "
    "\"parameters\": {\"type\": \"object\", \"properties\": {\"qz_key\": {\"type\": \"string\"}}}}}";

#define USER { .role = QE_ROLE_USER, .parts = question, .n_parts = 1 }
#define ASSISTANT { .role = QE_ROLE_ASSISTANT, .parts = answer, .n_parts = 1 }
static const QeChatMessage asked[] = { USER };
static const QeChatMessage asked_again[] = { USER, ASSISTANT, USER };
static const QeChatMessage with_system[] = { { .role = QE_ROLE_SYSTEM, .parts = system_text, .n_parts = 1 }, USER };
static const QeChatMessage with_picture[] = { { .role = QE_ROLE_USER, .parts = picture, .n_parts = 2 } };
static const QeChatMessage with_reasoning[] = {
  USER, { .role = QE_ROLE_ASSISTANT, .parts = answer, .n_parts = 1, .reasoning = REASONING }, USER
};
static const QeChatMessage with_call[] = {
  USER,
  { .role = QE_ROLE_ASSISTANT, .parts = answer, .n_parts = 1, .calls = &call, .n_calls = 1 },
  { .role = QE_ROLE_TOOL, .parts = answer, .n_parts = 1 }
};

typedef struct {
  const QeTemplate *template;
  QeError err; /* of what failed last */
  QeStatus status;
} Prober;

/* Renders a conversation; NULL when the template refuses it. *out is to be cleared. */
static const char *
qe_template_probe (Prober *p, const QeChatMessage *messages, size_t n, QeChatOptions options, QeChatText *out)
{
  *out = (QeChatText) { 0 };
  options.add_generation_prompt = true;
  options.now = 1; /* any time, but always the same */
  p->status = qe_template_render (out, p->template, messages, n, &options, &p->err);
  return p->status == QE_OK ? out->text : NULL;
}

static bool
says (Prober *p, const QeChatMessage *messages, size_t n, QeChatOptions options, const char *words)
{
  QeChatText text;
  const char *rendered = qe_template_probe (p, messages, n, options, &text);
  bool found = rendered && strstr (rendered, words);
  qe_chat_text_clear (&text);
  return found;
}

/* ---- whether it can be used ------------------------------------------------------------------------------------- */

/* Plain conversations must come out, and what was said must be in them. */
static bool
is_usable (Prober *p, char *problem, size_t size)
{
  const struct {
    const QeChatMessage *messages;
    size_t n;
    const char *words;
  } checks[] = {
    { asked, 1, QUESTION },
    { asked_again, 3, QUESTION },
    { asked_again, 3, ANSWER },
  };
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    if (says (p, checks[i].messages, checks[i].n, (QeChatOptions) { 0 }, checks[i].words))
      continue;
    snprintf (problem, size, "%s", p->status == QE_OK ? "The chat template leaves out what was said." : p->err.message);
    return false;
  }
  return true;
}

/* ---- effort ---------------------------------------------------------------------------------------------------- */

static const char efforts[][12] = { "none", "minimal", "low", "medium", "high", "xhigh", "max" };
enum { N_EFFORTS = sizeof efforts / sizeof *efforts, LOW = 2, MEDIUM = 3, HIGH = 4 };

static char *
render_effort (Prober *p, const char *effort)
{
  QeChatText text;
  const QeChatOptions options = { .enable_thinking = QE_YES, .reasoning_effort = effort };
  bool failed = !qe_template_probe (p, asked, 1, options, &text);
  char *rendered = failed ? NULL : text.text;
  free (text.plain);
  return rendered;
}

static bool
same (const char *a, const char *b)
{
  return a && b && strcmp (a, b) == 0;
}

static void
find_efforts (Prober *p, QeTemplateInfo *info)
{
  char *texts[N_EFFORTS], *strange = render_effort (p, STRANGE), *unset = render_effort (p, NULL);
  bool chosen[N_EFFORTS];
  for (int i = 0; i < N_EFFORTS; i++)
    texts[i] = render_effort (p, efforts[i]);
  /* The values that the template tells apart are chosen. What it does not know it refuses, or treats like any other strange
   * value; one level may look like that, too (“medium” is often the one for which nothing is written). A template that
   * just copies the value takes every word: then the usual three are offered. */
  bool copies = strange && strstr (strange, STRANGE);
  size_t n = 0;
  for (int i = 0; i < N_EFFORTS; i++) {
    chosen[i] = copies ? i >= LOW && i <= HIGH : texts[i] && !same (texts[i], strange);
    n += chosen[i];
  }
  bool medium_is_strange = !copies && strange && same (texts[MEDIUM], strange) && !chosen[MEDIUM];
  if (n > 0 && medium_is_strange)
    chosen[MEDIUM] = true;
  bool makes_difference = false; /* one that always reads the same is no choice */
  for (int i = 0; i < N_EFFORTS; i++)
    makes_difference |= chosen[i] && !same (texts[i], unset);
  for (int i = 0; i < N_EFFORTS; i++)
    chosen[i] = chosen[i] && makes_difference;
  for (int i = 0; i < N_EFFORTS; i++) {
    if (chosen[i]) {
      strcpy (info->efforts[info->n_efforts++], efforts[i]);
      if (same (texts[i], unset))
        strcpy (info->effort_default, efforts[i]);
    }
    free (texts[i]);
  }
  free (strange);
  free (unset);
}

/* ---- what it takes --------------------------------------------------------------------------------------------- */

static bool
takes_pictures (Prober *p)
{
  QeChatText text;
  bool taken = qe_template_probe (p, with_picture, 1, (QeChatOptions) { 0 }, &text) && text.n_images == 1
               && strstr (text.text, QUESTION);
  qe_chat_text_clear (&text);
  return taken;
}

/* How calls are written shows in one of the history. */
static QeToolForm
find_tools (Prober *p)
{
  const QeChatOptions options = { .tools = &tool, .n_tools = 1 };
  QeChatText text;
  if (!says (p, asked, 1, options, TOOL))
    return QE_TOOLS_NONE;
  const char *rendered = qe_template_probe (p, with_call, 3, options, &text);
  QeToolForm form = QE_TOOLS_OTHER;
  if (rendered && strstr (rendered, "<function=" TOOL ">") && strstr (rendered, "<parameter=qz_key>"))
    form = QE_TOOLS_XML;
  else if (rendered && strstr (rendered, "\"name\": \"" TOOL "\", \"arguments\": {")
           && strstr (rendered, "</tool_call>"))
    form = QE_TOOLS_HERMES;
  qe_chat_text_clear (&text);
  return form;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

/* Compiles the template and tries it. When it cannot be used, jinja is NULL and info says why. */
static QeStatus
qe_template_compile (QeTemplate *t, const char *text, size_t length, QeError *err)
{
  Prober p = { .template = t };
  QeError problem = { 0 };
  QeStatus status = qe_jinja_compile (&t->jinja, text, length, &problem);
  if (status == QE_ERROR_MEMORY)
    return qe_fail (err, status, "%s", problem.message);
  if (status != QE_OK) {
    snprintf (t->info.problem, sizeof t->info.problem, "%s", problem.message);
    return QE_OK;
  }
  t->info.usable = is_usable (&p, t->info.problem, sizeof t->info.problem);
  if (t->info.usable)
    return QE_OK;
  qe_jinja_free (t->jinja);
  t->jinja = NULL;
  return p.status == QE_ERROR_MEMORY ? qe_fail (err, p.status, "%s", p.err.message) : QE_OK;
}

QeStatus
qe_template_new (QeTemplate **out, const char *text, size_t length, const char *bos, const char *eos, QeError *err)
{
  QeTemplate *t = calloc (1, sizeof *t);
  QeStatus status = QE_OK;
  if (t) {
    t->steps = PROBE_STEPS;
    t->bos = bos ? strdup (bos) : NULL;
    t->eos = eos ? strdup (eos) : NULL;
  }
  if (!t || (bos && !t->bos) || (eos && !t->eos))
    status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the chat template.");
  if (status == QE_OK && text) {
    t->info.present = true;
    status = qe_template_compile (t, text, length, err);
  }
  if (status != QE_OK) {
    qe_template_free (t);
    return status;
  }
  Prober p = { .template = t };
  QeTemplateInfo *info = &t->info;
  QeChatText plain, on, off;
  const char *unset = qe_template_probe (&p, asked, 1, (QeChatOptions) { 0 }, &plain);
  const char *yes = qe_template_probe (&p, asked, 1, (QeChatOptions) { .enable_thinking = QE_YES }, &on);
  const char *no = qe_template_probe (&p, asked, 1, (QeChatOptions) { .enable_thinking = QE_NO }, &off);
  info->end = plain.end;
  info->thinking_switchable = yes && no && strcmp (yes, no) != 0;
  /* A template may leave the opening of the block to the model: then “on” shows in nothing but what “off” adds. */
  info->thinking_default = info->thinking_switchable ? unset && strcmp (unset, yes) == 0 : plain.end == QE_THINK_OPEN;
  qe_chat_text_clear (&plain);
  qe_chat_text_clear (&on);
  qe_chat_text_clear (&off);
  bool kept = says (&p, with_reasoning, 3, (QeChatOptions) { .preserve_thinking = QE_YES }, REASONING);
  bool dropped = !says (&p, with_reasoning, 3, (QeChatOptions) { .preserve_thinking = QE_NO }, REASONING);
  info->keeps_reasoning = says (&p, with_reasoning, 3, (QeChatOptions) { 0 }, REASONING);
  info->reasoning_switchable = kept && dropped;
  find_efforts (&p, info);
  info->takes_system = says (&p, with_system, 2, (QeChatOptions) { 0 }, SYSTEM);
  info->takes_pictures = takes_pictures (&p);
  info->tools = find_tools (&p);
  t->steps = 0;
  *out = t;
  return QE_OK;
}

/* The text of the token whose id a key holds, in buffer; NULL: there is none. */
static const char *
special_token (const QeGguf *gguf, const char *key, char *buffer, size_t size)
{
  uint64_t id;
  QeStrings tokens;
  const char *text = NULL;
  size_t length = 0;
  if (!qe_gguf_get_u64 (gguf, key, &id) || !qe_gguf_strings (gguf, "tokenizer.ggml.tokens", &tokens)
      || id >= tokens.left)
    return NULL;
  for (uint64_t i = 0; i <= id; i++)
    if (!qe_strings_next (&tokens, &text, &length))
      return NULL;
  if (length >= size)
    return NULL;
  memcpy (buffer, text, length);
  buffer[length] = '\0';
  return buffer;
}

QeStatus
qe_template_read (QeTemplate **out, const QeGguf *gguf, QeError *err)
{
  const char *text;
  size_t length = 0;
  char bos[64], eos[64];
  if (!qe_gguf_get_string (gguf, "tokenizer.chat_template", &text, &length))
    text = NULL;
  /* The list of tokens is long: it is gone through only for templates that have a use for it. */
  bool wants_bos = text && memmem (text, length, "bos_token", strlen ("bos_token"));
  bool wants_eos = text && memmem (text, length, "eos_token", strlen ("eos_token"));
  return qe_template_new (out, text, length,
                          wants_bos ? special_token (gguf, "tokenizer.ggml.bos_token_id", bos, sizeof bos) : NULL,
                          wants_eos ? special_token (gguf, "tokenizer.ggml.eos_token_id", eos, sizeof eos) : NULL, err);
}

void
qe_template_free (QeTemplate *template)
{
  if (!template)
    return;
  qe_jinja_free (template->jinja);
  free (template->bos);
  free (template->eos);
  free (template);
}
