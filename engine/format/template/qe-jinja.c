/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiling and rendering from outside, memory, failures, and the variables that a caller sets. */
#include "qe-error.h"
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- failure and memory ---------------------------------------------------------------------------------------- */

void
qj_fail_status (QjBase *base, QeStatus status, const char *sentence)
{
  base->status = qe_fail (base->err, status, "%s", sentence);
  longjmp (base->failed, 1);
}

void
qj_fail (QjBase *base, const char *format, ...)
{
  char what[300];
  va_list args;
  va_start (args, format);
  vsnprintf (what, sizeof what, format, args);
  va_end (args);
  base->status = qe_fail (base->err, QE_ERROR_FORMAT, "The chat template fails in line %u: %s.", base->line, what);
  longjmp (base->failed, 1);
}

void *
qj_alloc (QjBase *base, size_t size)
{
  size_t steps = size / 48;
  void *piece = steps <= base->steps ? qe_arena_alloc (&base->arena, size) : NULL;
  if (piece) {
    base->steps -= steps;
    return piece;
  }
  if (steps > base->steps)
    qj_fail (base, "it takes too many steps");
  if (size > base->arena.limit - base->arena.total)
    qj_fail (base, "it takes too much memory");
  qj_fail_status (base, QE_ERROR_MEMORY, "There is not enough memory for the chat template.");
}

void *
qj_grow (QjBase *base, void *items, size_t n, size_t *capacity, size_t item_size)
{
  if (n < *capacity)
    return items;
  size_t more = *capacity * 2 + 4;
  if (items && qe_arena_extend (&base->arena, items, *capacity * item_size, more * item_size)) {
    *capacity = more;
    return items;
  }
  void *copy = qj_alloc (base, more * item_size);
  if (n > 0)
    memcpy (copy, items, n * item_size);
  *capacity = more;
  return copy;
}

/* Numbers and dates are written as in English, whatever the program's language. NULL where there is no such locale. */
static locale_t
enter_locale (locale_t *own)
{
  *own = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
  return *own ? uselocale (*own) : (locale_t) 0;
}

static void
leave_locale (locale_t own, locale_t before)
{
  if (!own)
    return;
  uselocale (before);
  freelocale (own);
}

/* ---- compiling ------------------------------------------------------------------------------------------------- */

static void
qj_compile_guarded (QeJinja *j, const char *text, size_t length, QjTokens *tokens)
{
  locale_t own, before = enter_locale (&own);
  if (setjmp (j->base.failed) == 0) {
    /* jinja2 reads the text with line ends made "\n" and without a last one. */
    char *copy = qj_alloc (&j->base, length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
      if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')
        continue;
      copy[n++] = text[i] == '\r' ? '\n' : text[i];
    }
    if (n > 0 && copy[n - 1] == '\n')
      n--;
    copy[n] = '\0';
    qj_lex (&j->base, copy, n, tokens);
    qj_parse (j, tokens->items);
  }
  leave_locale (own, before);
}

QeStatus
qe_jinja_compile (QeJinja **out, const char *text, size_t length, QeError *err)
{
  if (length > QJ_MAX_TEMPLATE)
    return qe_fail (err, QE_ERROR_FORMAT, "The chat template is longer than %zu KiB.", QJ_MAX_TEMPLATE >> 10);
  if (!qe_utf8_valid (text, length))
    return qe_fail (err, QE_ERROR_FORMAT, "The chat template is not valid UTF-8.");
  QeJinja *j = calloc (1, sizeof *j);
  QjTokens tokens = { 0 };
  if (!j)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the chat template.");
  j->base.err = err;
  j->base.arena.limit = QJ_TREE_MEMORY;
  j->base.steps = QJ_STEPS;
  qj_compile_guarded (j, text, length, &tokens);
  free (tokens.items);
  QeStatus status = j->base.status;
  if (status != QE_OK) {
    qe_jinja_free (j);
    return status;
  }
  j->base.err = NULL;
  *out = j;
  return QE_OK;
}

void
qe_jinja_free (QeJinja *jinja)
{
  if (!jinja)
    return;
  qe_arena_clear (&jinja->base.arena);
  free (jinja);
}

/* ---- rendering ------------------------------------------------------------------------------------------------- */

/* Hands the text over, with a copy of the spans, which are the run's. */
static QeStatus
hand_over (QjBuilder *b, QeChatText *out, QeError *err)
{
  char *text = realloc (b->data, b->size + 1);
  QeSpan *plain = malloc (b->n_spans * sizeof *plain + 1);
  b->data = text ? text : b->data;
  if (!text || !plain) {
    free (plain);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  }
  text[b->size] = '\0';
  if (b->n_spans > 0)
    memcpy (plain, b->spans, b->n_spans * sizeof *plain);
  static const char pad[] = "<|image_pad|>";
  size_t n_images = 0, at = 0;
  for (size_t span = 0; span <= b->n_spans; span++) {
    size_t end = span < b->n_spans ? b->spans[span].start : b->size;
    for (const char *p; at < end && (p = memmem (b->data + at, end - at, pad, sizeof pad - 1)); n_images++)
      at = (size_t) (p - b->data) + sizeof pad - 1;
    at = span < b->n_spans ? b->spans[span].end : end;
  }
  *out = (QeChatText) { .text = text, .length = b->size, .plain = plain, .n_plain = b->n_spans, .n_images = n_images };
  b->data = NULL;
  return QE_OK;
}

/* Fills r->out, or says in r->base.status why not. */
static void
qj_run_guarded (QjRun *r, QeJinjaFill fill, void *data)
{
  locale_t own, before = enter_locale (&own);
  if (setjmp (r->base.failed) == 0) {
    const QeJinja *j = r->jinja;
    r->globals = qj_alloc (&r->base, j->n_symbols * sizeof *r->globals);
    r->scope = qj_alloc (&r->base, sizeof *r->scope);
    *r->scope = (QjScope) { 0 };
    r->symbol_names = j->symbol_names;
    r->loop_symbol = qj_find_symbol (j, "loop", strlen ("loop"));
    for (size_t i = 0; i < j->n_symbols; i++)
      r->globals[i] = (QjValue) { QJ_MISSING };
    for (const QjFunction *f = qj_functions; f->name; f++) {
      QjValue function = { .kind = QJ_FUNCTION, .function = f };
      qe_jinja_set (r, f->name, &function);
    }
    fill (r, data);
    qj_exec (r, &r->jinja->body);
  }
  leave_locale (own, before);
}

QeStatus
qe_jinja_render (const QeJinja *jinja, QeJinjaFill fill, void *data, uint64_t steps, int64_t now, QeChatText *out,
                 QeError *err)
{
  QjBuilder text = { .outlives = true };
  QjRun *r = calloc (1, sizeof *r);
  if (!r)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  r->base.err = err;
  r->base.arena.limit = QJ_MEMORY;
  r->base.steps = steps ? steps : QJ_STEPS;
  r->base.line = 1;
  r->jinja = jinja;
  r->now = now;
  r->out = &text;
  text.run = r;
  qj_run_guarded (r, fill, data);
  QeStatus status = r->base.status == QE_ERROR_FORMAT ? QE_ERROR_ARGUMENT : r->base.status;
  if (status == QE_OK)
    status = hand_over (&text, out, err);
  else if (err)
    err->status = status;
  free (text.data);
  for (QjParsed *p = r->parsed; p; p = p->next)
    qe_json_clear (&p->json);
  qe_arena_clear (&r->base.arena);
  free (r);
  return status;
}

/* ---- variables ------------------------------------------------------------------------------------------------- */

bool
qe_jinja_reads (const QeJinja *jinja, const char *name)
{
  return qj_find_symbol (jinja, name, strlen (name)) != UINT32_MAX;
}

bool
qe_jinja_wants (const QjRun *r, const char *name)
{
  return qe_jinja_reads (r->jinja, name);
}

void
qe_jinja_refuse (QjRun *r, const char *sentence)
{
  qj_fail_status (&r->base, QE_ERROR_ARGUMENT, sentence);
}

void
qe_jinja_set (QjRun *r, const char *name, const QjValue *value)
{
  uint32_t symbol = qj_find_symbol (r->jinja, name, strlen (name));
  if (symbol != UINT32_MAX)
    r->globals[symbol] = *value;
}

void
qe_jinja_set_members (QjRun *r, QjValue v)
{
  for (size_t i = 0; i < v.dict->n; i++) {
    const QjEntry *e = &v.dict->entries[i];
    uint32_t symbol = qj_find_symbol (r->jinja, e->key.string->data, e->key.string->size);
    if (symbol != UINT32_MAX)
      r->globals[symbol] = e->value;
  }
}

QjValue
qe_jinja_none (void)
{
  return qj_none ();
}

QjValue
qe_jinja_boolean (bool value)
{
  return qj_bool (value);
}

QjValue
qe_jinja_text (QjRun *r, const char *text, size_t length, bool plain)
{
  if (length > QJ_MAX_STRING)
    qj_fail_status (&r->base, QE_ERROR_ARGUMENT, "A message is too long.");
  r->base.steps += length / 2; /* the work grows with what there is to be rendered */
  if (!qe_utf8_valid (text, length)) {
    /* A copy in which U+FFFD stands for what is not UTF-8. */
    QjBuilder b = qj_builder (r);
    size_t good = 0, n;
    uint32_t c;
    for (size_t at = 0; at < length; at += n) {
      if (qe_utf8_next (text + at, length - at, &c, &n) == QE_UTF8_OK)
        continue;
      qj_add (&b, text + good, at - good, plain);
      qj_add (&b, QE_REPLACEMENT, strlen (QE_REPLACEMENT), plain);
      good = at + n;
    }
    qj_add (&b, text + good, length - good, plain);
    return qj_string (qj_finish (&b));
  }
  return qj_string (qj_string_new (&r->base, text, length, plain ? QJ_PLAIN : QJ_LITERAL));
}

QjValue
qe_jinja_list (QjRun *r, size_t n)
{
  r->base.steps += n * 200;
  return qj_list_new (r, QJ_LIST, n);
}

void
qe_jinja_list_set (QjValue list, size_t i, QjValue value)
{
  list.list->items[i] = value;
}

QjValue
qe_jinja_join (QjRun *r, QjValue list)
{
  QjBuilder b = qj_builder (r);
  for (uint32_t i = 0; i < list.list->n; i++)
    qj_add_value (&b, list.list->items[i]);
  return qj_string (qj_finish (&b));
}

QjValue
qe_jinja_dict (QjRun *r, size_t n)
{
  return (QjValue) { .kind = QJ_DICT, .dict = qj_dict_new (r, n) };
}

void
qe_jinja_dict_set (QjRun *r, QjValue dict, const char *key, QjValue value)
{
  qj_dict_put (r, dict.dict, qe_jinja_text (r, key, strlen (key), true), value);
}

QjValue
qe_jinja_json (QjRun *r, const QeJson *json, size_t i)
{
  size_t length;
  const char *text = qe_json_text (json, i, &length);
  switch (json->values[i].kind) {
  case QE_JSON_NULL: return qj_none ();
  case QE_JSON_FALSE:
  case QE_JSON_TRUE: return qj_bool (json->values[i].kind == QE_JSON_TRUE);
  case QE_JSON_NUMBER: {
    char *end;
    if (memchr (text, '.', length) || memchr (text, 'e', length) || memchr (text, 'E', length))
      return qj_float (strtod (text, NULL));
    errno = 0;
    long long value = strtoll (text, &end, 10);
    if (errno == 0)
      return qj_int (value);
    return (QjValue) { .kind = QJ_BIG, .string = qj_string_new (&r->base, text, length, QJ_PLAIN) };
  }
  case QE_JSON_STRING: return qe_jinja_text (r, text, length, true);
  default: {
    bool is_object = json->values[i].kind == QE_JSON_OBJECT;
    size_t n = 0, at = 0, key_length;
    for (size_t child = qe_json_first (json, i); child != QE_JSON_NONE; child = qe_json_next (json, i, child))
      n++;
    r->base.steps += n * 50;
    QjValue v = is_object ? qe_jinja_dict (r, n) : qj_list_new (r, QJ_LIST, n);
    for (size_t child = qe_json_first (json, i); child != QE_JSON_NONE; child = qe_json_next (json, i, child)) {
      QjValue item = qe_jinja_json (r, json, child);
      const char *key = qe_json_key (json, child, &key_length);
      if (is_object)
        qj_dict_put (r, v.dict, qe_jinja_text (r, key, key_length, true), item);
      else
        v.list->items[at++] = item;
    }
    return v;
  }
  }
}

bool
qe_jinja_parse (QjRun *r, const char *text, size_t length, QjValue *out)
{
  QjParsed *parsed = qj_alloc (&r->base, sizeof *parsed);
  QeStatus status = qe_json_parse (&parsed->json, text, length, NULL);
  if (status == QE_ERROR_MEMORY)
    qj_fail_status (&r->base, status, "There is not enough memory for this conversation.");
  if (status != QE_OK)
    return false;
  parsed->next = r->parsed;
  r->parsed = parsed;
  *out = qe_jinja_json (r, &parsed->json, 0);
  return true;
}

bool
qe_jinja_is_dict (QjValue value)
{
  return value.kind == QJ_DICT;
}
