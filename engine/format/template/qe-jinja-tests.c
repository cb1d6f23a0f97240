/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests (what follows “is”) and global functions. */
#include "format/template/qe-jinja-private.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "format/tokenizer/qe-utf8.h"

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static QjValue
test_defined (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind != QJ_UNDEFINED);
}

static QjValue
test_undefined (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_UNDEFINED);
}

static QjValue
test_none (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_NONE);
}

static QjValue
test_boolean (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_BOOL);
}

static QjValue
test_true (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_BOOL && p[0].boolean);
}

static QjValue
test_false (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_BOOL && !p[0].boolean);
}

static QjValue
test_integer (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_INT || p[0].kind == QJ_BIG);
}

static QjValue
test_float (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_FLOAT);
}

static QjValue
test_number (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (qj_is_number (p[0]) || p[0].kind == QJ_BIG);
}

static QjValue
test_string (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_STRING);
}

static QjValue
test_mapping (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_DICT);
}

static QjValue
test_sequence (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int kind = p[0].kind;
  return qj_bool (kind == QJ_STRING || kind == QJ_LIST || kind == QJ_TUPLE || kind == QJ_DICT || kind == QJ_RANGE
                  || kind == QJ_UNDEFINED);
}

static QjValue
test_iterable (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (qj_is_iterable (p[0]) || p[0].kind == QJ_LOOP);
}

static QjValue
test_callable (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind >= QJ_LOOP || p[0].kind == QJ_UNDEFINED);
}

static QjValue
test_escaped (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_STRING && p[0].string->markup);
}

/* Whether a text has letters with case and all of them are of the wanted one. */
static bool
has_case (QjRun *r, const QjString *s, utf8proc_category_t wanted, utf8proc_category_t other)
{
  bool found = false;
  size_t length;
  uint32_t c;
  qj_steps (r, s->size / 8);
  for (size_t i = 0; i < s->size; i += length) {
    qe_utf8_next (s->data + i, s->size - i, &c, &length);
    utf8proc_category_t category = utf8proc_category ((utf8proc_int32_t) c);
    if (category == other || category == UTF8PROC_CATEGORY_LT)
      return false;
    found |= category == wanted;
  }
  return found;
}

static QjValue
test_lower (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (has_case (r, qj_str (r, p[0]), UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LU));
}

static QjValue
test_upper (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (has_case (r, qj_str (r, p[0]), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL));
}

static double
rest (QjRun *r, QjValue a, QjValue b)
{
  if (!qj_is_number (a) || !qj_is_number (b))
    qj_fail (&r->base, "%s cannot be divided by %s", qj_type_name (a), qj_type_name (b));
  if (qj_double_of (b) == 0)
    qj_fail (&r->base, "a number is divided by zero");
  if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT)
    return fmod (qj_double_of (a), qj_double_of (b));
  return qj_integer_of (b) == -1 ? 0 : (double) (qj_integer_of (a) % qj_integer_of (b));
}

static QjValue
test_odd (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (fabs (rest (r, p[0], qj_int (2))) == 1);
}

static QjValue
test_even (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (rest (r, p[0], qj_int (2)) == 0);
}

static QjValue
test_divisibleby (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (rest (r, p[0], p[1]) == 0);
}

/* Whether both are the very same thing; equal numbers, texts and the like cannot be told apart here. */
static QjValue
test_sameas (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool same_kind = p[0].kind == p[1].kind;
  if (p[0].kind >= QJ_LIST)
    return qj_bool (same_kind && p[0].list == p[1].list);
  return qj_bool (same_kind && qj_equal (r, p[0], p[1]));
}

static QjValue
test_filter (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_STRING && qj_find_filter (p[0].string->data, p[0].string->size));
}

static QjValue
test_test (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].kind == QJ_STRING && qj_find_test (p[0].string->data, p[0].string->size));
}

static QjValue
test_eq (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_EQUAL, p[0], p[1]));
}
static QjValue
test_ne (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_UNEQUAL, p[0], p[1]));
}
static QjValue
test_gt (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_GREATER, p[0], p[1]));
}
static QjValue
test_ge (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_GREATER_EQUAL, p[0], p[1]));
}
static QjValue
test_lt (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_LESS, p[0], p[1]));
}
static QjValue
test_le (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_LESS_EQUAL, p[0], p[1]));
}
static QjValue
test_in (QjRun *r, const QjValue *p, const QjArgs *a)
{
  return qj_bool (qj_compare (r, QJ_IN, p[0], p[1]));
}

static const QjFunction tests[] = {
  { "odd", test_odd, "", 0 },
  { "even", test_even, "", 0 },
  { "divisibleby", test_divisibleby, "num", 1 },
  { "defined", test_defined, "", 0 },
  { "undefined", test_undefined, "", 0 },
  { "filter", test_filter, "", 0 },
  { "test", test_test, "", 0 },
  { "none", test_none, "", 0 },
  { "boolean", test_boolean, "", 0 },
  { "false", test_false, "", 0 },
  { "true", test_true, "", 0 },
  { "integer", test_integer, "", 0 },
  { "float", test_float, "", 0 },
  { "lower", test_lower, "", 0 },
  { "upper", test_upper, "", 0 },
  { "string", test_string, "", 0 },
  { "mapping", test_mapping, "", 0 },
  { "number", test_number, "", 0 },
  { "sequence", test_sequence, "", 0 },
  { "iterable", test_iterable, "", 0 },
  { "callable", test_callable, "", 0 },
  { "sameas", test_sameas, "other", 1 },
  { "escaped", test_escaped, "", 0 },
  { "in", test_in, "seq", 1 },
  { "==", test_eq, "b", 1, true },
  { "eq", test_eq, "b", 1, true },
  { "equalto", test_eq, "b", 1, true },
  { "!=", test_ne, "b", 1, true },
  { "ne", test_ne, "b", 1, true },
  { ">", test_gt, "b", 1, true },
  { "gt", test_gt, "b", 1, true },
  { "greaterthan", test_gt, "b", 1, true },
  { ">=", test_ge, "b", 1, true },
  { "ge", test_ge, "b", 1, true },
  { "<", test_lt, "b", 1, true },
  { "lt", test_lt, "b", 1, true },
  { "lessthan", test_lt, "b", 1, true },
  { "<=", test_le, "b", 1, true },
  { "le", test_le, "b", 1, true },
};

const QjFunction *
qj_find_test (const char *name, size_t size)
{
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
    if (strlen (tests[i].name) == size && memcmp (tests[i].name, name, size) == 0)
      return &tests[i];
  return NULL;
}

/* ---- functions ------------------------------------------------------------------------------------------------- */

static QjValue
function_range (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjRange *range = qj_alloc (&r->base, sizeof *range);
  for (int i = 0; i < 3; i++)
    if (p[i].kind != QJ_MISSING && p[i].kind != QJ_INT && p[i].kind != QJ_BOOL)
      qj_fail (&r->base, "range() takes whole numbers, not %s", qj_type_name (p[i]));
  bool single = p[1].kind == QJ_MISSING;
  int64_t start = single ? 0 : qj_integer_of (p[0]), stop = qj_integer_of (p[single ? 0 : 1]);
  int64_t step = p[2].kind == QJ_MISSING ? 1 : qj_integer_of (p[2]);
  if (step == 0)
    qj_fail (&r->base, "the step of range() is 0");
  __int128 span = step > 0 ? (__int128) stop - start : (__int128) start - stop;
  __int128 width = step > 0 ? step : -(__int128) step, n = span > 0 ? (span - 1) / width + 1 : 0;
  if (n > QJ_MAX_RANGE)
    qj_fail (&r->base, "range() has more than %d items", QJ_MAX_RANGE);
  *range = (QjRange) { start, stop, step, (int64_t) n };
  return (QjValue) { .kind = QJ_RANGE, .range = range };
}

/* Puts pairs, a dict's or a list's, and keyword arguments into a dict. */
static QjDict *
collect (QjRun *r, const QjArgs *args)
{
  QjDict *dict = qj_dict_new (r, 0);
  QjValue item;
  if (args->n > 1)
    qj_fail (&r->base, "one dict at most can be given");
  if (args->n == 1 && args->items[0].kind == QJ_DICT) {
    for (size_t i = 0; i < args->items[0].dict->n; i++)
      qj_dict_put (r, dict, args->items[0].dict->entries[i].key, args->items[0].dict->entries[i].value);
  } else if (args->n == 1) {
    QjIterator it;
    qj_iterate (r, &it, args->items[0]);
    while (qj_next (r, &it, &item)) {
      QjValue pair = qj_to_list (r, item, QJ_LIST);
      if (pair.list->n != 2)
        qj_fail (&r->base, "a dict is made of pairs");
      if (pair.list->items[0].kind == QJ_LIST || pair.list->items[0].kind == QJ_DICT)
        qj_fail (&r->base, "%s cannot be a key", qj_type_name (pair.list->items[0]));
      qj_dict_put (r, dict, pair.list->items[0], pair.list->items[1]);
    }
  }
  for (uint32_t i = 0; i < args->n_keywords; i++)
    qj_dict_put (r, dict, qj_string (args->keywords[i].name), args->keywords[i].value);
  return dict;
}

static QjValue
function_dict (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return (QjValue) { .kind = QJ_DICT, .dict = collect (r, args) };
}

static QjValue
function_namespace (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return (QjValue) { .kind = QJ_NAMESPACE, .dict = collect (r, args) };
}

/* The template refuses the conversation, in its own words. */
static QjValue
function_raise_exception (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *words = qj_str (r, p[0]);
  char sentence[400];
  size_t size = words->size < sizeof sentence ? words->size : sizeof sentence - 1;
  while (size < words->size && size > 0 && ((uint8_t) words->data[size] & 0xc0) == 0x80)
    size--; /* never half a character */
  memcpy (sentence, words->data, size);
  sentence[size] = '\0';
  qj_fail_status (&r->base, QE_ERROR_ARGUMENT, size ? sentence : "The chat template refuses this conversation.");
}

static QjValue
function_strftime_now (QjRun *r, const QjValue *p, const QjArgs *args)
{
  char format[200], text[1000];
  time_t now = r->now ? (time_t) r->now : time (NULL);
  struct tm tm;
  if (p[0].kind != QJ_STRING || p[0].string->size >= sizeof format - 1)
    qj_fail (&r->base, "strftime_now() takes a short text");
  memcpy (format, p[0].string->data, p[0].string->size);
  memcpy (format + p[0].string->size, "|", 2); /* so that an empty result is no failure */
  if (!localtime_r (&now, &tm))
    qj_fail (&r->base, "there is no such time");
  size_t n = strftime (text, sizeof text, format, &tm);
  if (n == 0)
    qj_fail (&r->base, "a date becomes too long");
  char *copy = qj_alloc (&r->base, n);
  memcpy (copy, text, n - 1);
  return qj_string (qj_string_new (&r->base, copy, n - 1, QJ_LITERAL));
}

const QjFunction qj_functions[] = {
  { "range", function_range, "start stop step", 1, true },
  { "dict", function_dict, "*", 0 },
  { "namespace", function_namespace, "*", 0 },
  { "raise_exception", function_raise_exception, "message", 1 },
  { "strftime_now", function_strftime_now, "format", 1 },
  { NULL },
};
