/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions: what Python, jinja2 and its immutable sandbox make of them. */
#include "format/template/qe-jinja-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
qj_steps (QjRun *r, size_t n)
{
  if (r->base.steps < n)
    qj_fail (&r->base, "it takes too many steps");
  r->base.steps -= n;
}

void
qj_enter (QjRun *r)
{
  if (++r->depth > QJ_MAX_DEPTH)
    qj_fail (&r->base, "it is nested too deep while it runs");
}

_Noreturn static void
fail_undefined (QjRun *r, QjValue v)
{
  if (v.name)
    qj_fail (&r->base, "“%.60s” is undefined", v.name);
  qj_fail (&r->base, "something that is undefined is used");
}

/* ---- attributes and items -------------------------------------------------------------------------------------- */

static const char *
name_of (QjRun *r, const QjString *s)
{
  char *name = qj_alloc (&r->base, (size_t) s->size + 1);
  memcpy (name, s->data, s->size);
  name[s->size] = '\0';
  return name;
}

/* What Python's getattr() finds, as far as the sandbox lets it through; QJ_MISSING when there is nothing. */
static QjValue
python_attribute (QjRun *r, QjValue v, const QjString *name)
{
  const QjFunction *method = qj_find_method (v.kind, name);
  if (method) {
    if (method->func) {
      QjMethod *bound = qj_alloc (&r->base, sizeof *bound);
      *bound = (QjMethod) { method, v };
      return (QjValue) { .kind = QJ_METHOD, .method = bound };
    }
    return qj_undefined (method->name);
  } /* it would change the value */
  if (v.kind == QJ_NAMESPACE) {
    QjEntry *e = qj_dict_find_text (v.dict, name->data, name->size);
    return e ? e->value : (QjValue) { QJ_MISSING };
  }
  if (v.kind == QJ_LOOP)
    return qj_loop_attribute (r, v.loop, name);
  if (v.kind == QJ_MACRO && qj_string_is (name, "name"))
    return qj_string (v.macro->signature->name);
  if (v.kind == QJ_RANGE
      && (qj_string_is (name, "start") || qj_string_is (name, "stop") || qj_string_is (name, "step")))
    return qj_int (name->data[2] == 'a' ? v.range->start : name->data[2] == 'o' ? v.range->stop : v.range->step);
  return (QjValue) { QJ_MISSING };
}

QjValue
qj_attribute (QjRun *r, QjValue v, const QjString *name)
{
  if (v.kind == QJ_UNDEFINED)
    fail_undefined (r, v);
  QjValue found = python_attribute (r, v, name);
  if (found.kind != QJ_MISSING)
    return found;
  QjEntry *e = v.kind == QJ_DICT ? qj_dict_find_text (v.dict, name->data, name->size) : NULL;
  return e ? e->value : qj_undefined (name_of (r, name));
}

QjValue
qj_item (QjRun *r, QjValue v, QjValue key)
{
  QjValue found = { QJ_MISSING };
  if (v.kind == QJ_UNDEFINED)
    fail_undefined (r, v);
  if (v.kind == QJ_DICT && (key.kind < QJ_LIST || key.kind == QJ_TUPLE)) {
    QjEntry *e = qj_dict_find (r, v.dict, key);
    if (e)
      return e->value;
  }
  bool is_sequence = v.kind == QJ_STRING || v.kind == QJ_LIST || v.kind == QJ_TUPLE || v.kind == QJ_RANGE;
  if (is_sequence && (key.kind == QJ_INT || key.kind == QJ_BOOL)) {
    int64_t at = qj_integer_of (key), n = qj_count (r, v);
    at += at < 0 ? n : 0; /* it may count from the end */
    if (at >= 0 && at < n && v.kind == QJ_RANGE) {
      found = qj_int (v.range->start + at * v.range->step);
    } else if (at >= 0 && at < n && v.kind == QJ_STRING) {
      size_t start = qj_byte_offset (v.string, (size_t) at), end = start + 1;
      while (end < v.string->size && ((uint8_t) v.string->data[end] & 0xc0) == 0x80)
        end++;
      qj_steps (r, start / 32);
      found = qj_string (qj_substring (r, v.string, start, end));
    } else if (at >= 0 && at < n) {
      found = v.list->items[at];
    }
  } else if (key.kind == QJ_STRING) {
    found = python_attribute (r, v, key.string);
  }
  if (found.kind != QJ_MISSING)
    return found;
  return qj_undefined (key.kind == QJ_STRING ? name_of (r, key.string) : NULL);
}

/* A part of a slice as a number; none means `otherwise`. */
static int64_t
slice_part (QjRun *r, QjValue v, int64_t otherwise)
{
  if (v.kind == QJ_NONE || v.kind == QJ_MISSING)
    return otherwise;
  if (v.kind != QJ_INT && v.kind != QJ_BOOL)
    qj_fail (&r->base, "%s cannot be the border of a slice", qj_type_name (v));
  return qj_integer_of (v);
}

static int64_t
clamp (int64_t at, int64_t n, int64_t low, int64_t high)
{
  at = at < 0 ? at + n : at;
  return at < low ? low : at > high ? high : at;
}

QjValue
qj_slice (QjRun *r, QjValue v, QjValue start_value, QjValue stop_value, QjValue step_value)
{
  int64_t length = qj_count (r, v), step = slice_part (r, step_value, 1);
  if (v.kind == QJ_UNDEFINED)
    fail_undefined (r, v);
  if (v.kind != QJ_STRING && v.kind != QJ_LIST && v.kind != QJ_TUPLE && v.kind != QJ_RANGE)
    qj_fail (&r->base, "%s cannot be sliced", qj_type_name (v));
  if (step == 0)
    qj_fail (&r->base, "the step of a slice is 0");
  if (step < -INT32_MAX || step > INT32_MAX)
    step = step < 0 ? -INT32_MAX : INT32_MAX;
  bool back = step < 0;
  int64_t start = clamp (slice_part (r, start_value, back ? INT64_MAX : 0), length, back ? -1 : 0,
                         back ? length - 1 : length);
  int64_t stop = stop_value.kind == QJ_NONE || stop_value.kind == QJ_MISSING
                     ? back ? -1 : length
                     : clamp (slice_part (r, stop_value, 0), length, back ? -1 : 0, back ? length - 1 : length);
  int64_t n = back           ? (start > stop ? (start - stop - 1) / -step + 1 : 0)
              : start < stop ? (stop - start - 1) / step + 1
                             : 0;
  if (v.kind == QJ_STRING) {
    if (step == 1 || n == 0) {
      size_t from = qj_byte_offset (v.string, (size_t) start);
      qj_steps (r, v.string->n_chars == v.string->size ? 0 : v.string->size / 32);
      return qj_string (qj_substring (r, v.string, from, n ? qj_byte_offset (v.string, (size_t) (start + n)) : from));
    }
    uint32_t *offsets = qj_alloc (&r->base, (qj_n_chars (v.string) + 1) * sizeof *offsets); /* of each character */
    size_t at = 0;
    for (uint32_t i = 0; i < v.string->size; i++)
      if (((uint8_t) v.string->data[i] & 0xc0) != 0x80)
        offsets[at++] = i;
    offsets[at] = v.string->size;
    qj_steps (r, v.string->size / 4);
    QjBuilder b = qj_builder (r);
    for (int64_t i = 0; i < n; i++)
      qj_add_part (&b, v.string, offsets[start + i * step], offsets[start + i * step + 1]);
    return qj_string (qj_finish (&b));
  }
  if (v.kind == QJ_RANGE) {
    const QjRange *range = v.range;
    int64_t stride = step;
    QjRange *part = qj_alloc (&r->base, sizeof *part);
    if (stride > INT32_MAX || stride < INT32_MIN)
      stride = stride > 0 ? INT32_MAX : INT32_MIN; /* there is one item at most */
    *part = (QjRange) { range->start + start * range->step, 0, range->step * stride, n };
    part->stop = part->start + n * part->step;
    return (QjValue) { .kind = QJ_RANGE, .range = part };
  }
  QjValue list = qj_list_new (r, (QjKind) v.kind, (size_t) n);
  for (int64_t i = 0; i < n; i++)
    list.list->items[i] = v.list->items[start + i * step];
  return list;
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------ */

_Noreturn static void
fail_types (QjRun *r, const char *what, QjValue a, QjValue b)
{
  if (a.kind == QJ_UNDEFINED || b.kind == QJ_UNDEFINED)
    fail_undefined (r, a.kind == QJ_UNDEFINED ? a : b);
  qj_fail (&r->base, "%s and %s cannot be %s", qj_type_name (a), qj_type_name (b), what);
}

_Noreturn static void
fail_overflow (QjRun *r)
{
  qj_fail (&r->base, "a number becomes too large");
}

QjValue
qj_add_values (QjRun *r, QjValue a, QjValue b)
{
  int64_t sum;
  if (a.kind == QJ_STRING && b.kind == QJ_STRING)
    return qj_string (qj_concat (r, a.string, b.string));
  if ((a.kind == QJ_LIST || a.kind == QJ_TUPLE) && a.kind == b.kind) {
    QjValue list = qj_list_new (r, (QjKind) a.kind, (size_t) a.list->n + b.list->n);
    for (uint32_t i = 0; i < list.list->n; i++)
      list.list->items[i] = i < a.list->n ? a.list->items[i] : b.list->items[i - a.list->n];
    return list;
  }
  if (!qj_is_number (a) || !qj_is_number (b))
    fail_types (r, "added", a, b);
  if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT)
    return qj_float (qj_double_of (a) + qj_double_of (b));
  if (__builtin_add_overflow (qj_integer_of (a), qj_integer_of (b), &sum))
    fail_overflow (r);
  return qj_int (sum);
}

/* A text or list several times over. */
static QjValue
repeat (QjRun *r, QjValue v, int64_t times)
{
  times = times < 0 ? 0 : times;
  if (v.kind == QJ_STRING) {
    QjBuilder b = qj_builder (r);
    qj_add_fill (&b, v.string, times);
    QjString *s = (QjString *) qj_finish (&b);
    s->markup = v.string->markup;
    return qj_string (s);
  }
  if (v.list->n > 0 && times > (int64_t) (QJ_MAX_STRING / sizeof v) / v.list->n)
    qj_fail (&r->base, "a list becomes too long");
  QjValue list = qj_list_new (r, (QjKind) v.kind, v.list->n * (size_t) times);
  qj_steps (r, list.list->n / 4);
  for (uint32_t i = 0; i < list.list->n; i++)
    list.list->items[i] = v.list->items[i % v.list->n];
  return list;
}

static bool
is_repeatable (QjValue v)
{
  return v.kind == QJ_STRING || v.kind == QJ_LIST || v.kind == QJ_TUPLE;
}

static double
python_modulo (double a, double b)
{
  double rest = fmod (a, b);
  if (rest == 0)
    return copysign (0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

static QjValue
arithmetic (QjRun *r, QjOperator op, QjValue a, QjValue b)
{
  switch (op) {
  case QJ_ADD: return qj_add_values (r, a, b);
  case QJ_SUBTRACT: {
    int64_t difference;
    if (!qj_is_number (a) || !qj_is_number (b))
      fail_types (r, "subtracted", a, b);
    if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT)
      return qj_float (qj_double_of (a) - qj_double_of (b));
    if (__builtin_sub_overflow (qj_integer_of (a), qj_integer_of (b), &difference))
      fail_overflow (r);
    return qj_int (difference);
  }
  case QJ_MULTIPLY: {
    int64_t product;
    if (is_repeatable (a) && (b.kind == QJ_INT || b.kind == QJ_BOOL))
      return repeat (r, a, qj_integer_of (b));
    if (is_repeatable (b) && (a.kind == QJ_INT || a.kind == QJ_BOOL))
      return repeat (r, b, qj_integer_of (a));
    if (!qj_is_number (a) || !qj_is_number (b))
      fail_types (r, "multiplied", a, b);
    if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT)
      return qj_float (qj_double_of (a) * qj_double_of (b));
    if (__builtin_mul_overflow (qj_integer_of (a), qj_integer_of (b), &product))
      fail_overflow (r);
    return qj_int (product);
  }
  case QJ_POWER: {
    if (!qj_is_number (a) || !qj_is_number (b))
      fail_types (r, "raised to a power", a, b);
    if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT || qj_integer_of (b) < 0) {
      double x = qj_double_of (a), y = qj_double_of (b), result = pow (x, y);
      if ((x == 0 && y < 0) || (isnan (result) && !isnan (x) && !isnan (y))
          || (isinf (result) && isfinite (x) && isfinite (y)))
        qj_fail (&r->base, "a power has no value");
      return qj_float (result);
    }
    int64_t base = qj_integer_of (a), exponent = qj_integer_of (b), result = 1;
    for (; exponent > 0; exponent >>= 1) {
      if ((exponent & 1) && __builtin_mul_overflow (result, base, &result))
        fail_overflow (r);
      if (exponent > 1 && __builtin_mul_overflow (base, base, &base))
        fail_overflow (r);
    }
    return qj_int (result);
  }
  default: { /* /, // and %: rounded down, as Python has it */
    if (op == QJ_MODULO && a.kind == QJ_STRING)
      return qj_string (qj_format (r, a.string, b));
    if (!qj_is_number (a) || !qj_is_number (b))
      fail_types (r, "divided", a, b);
    double x = qj_double_of (a), y = qj_double_of (b);
    if (y == 0)
      qj_fail (&r->base, "a number is divided by zero");
    if (op == QJ_DIVIDE)
      return qj_float (x / y);
    if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT) {
      double quotient = (x - python_modulo (x, y)) / y; /* a whole number, but for rounding */
      return qj_float (op == QJ_MODULO ? python_modulo (x, y)
                       : quotient == 0 ? copysign (0, x / y)
                                       : floor (quotient + 0.5));
    }
    int64_t i = qj_integer_of (a), j = qj_integer_of (b);
    if (i == INT64_MIN && j == -1)
      fail_overflow (r);
    int64_t rest = i % j, floored = i / j;
    if (rest != 0 && (rest < 0) != (j < 0)) {
      rest += j;
      floored--;
    }
    return qj_int (op == QJ_MODULO ? rest : floored);
  }
  }
}

bool
qj_compare (QjRun *r, QjOperator op, QjValue a, QjValue b)
{
  switch (op) {
  case QJ_EQUAL: return qj_equal (r, a, b);
  case QJ_UNEQUAL: return !qj_equal (r, a, b);
  case QJ_IN: return qj_contains (r, b, a);
  case QJ_NOT_IN: return !qj_contains (r, b, a);
  default: break;
  }
  if (a.kind == QJ_UNDEFINED || b.kind == QJ_UNDEFINED)
    fail_undefined (r, a.kind == QJ_UNDEFINED ? a : b);
  int order = qj_order (r, a, b);
  return op == QJ_LESS         ? order == -1
         : op == QJ_LESS_EQUAL ? order == -1 || order == 0
         : op == QJ_GREATER    ? order == 1
                               : order == 1 || order == 0;
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void
add_keyword (QjRun *r, QjArgs *out, const QjString *name, QjValue value)
{
  qj_steps (r, out->n_keywords / 4);
  for (uint32_t i = 0; i < out->n_keywords; i++)
    if (qj_strings_equal (out->keywords[i].name, name))
      qj_fail (&r->base, "the argument “%.*s” is given twice", (int) (name->size < 60 ? name->size : 60), name->data);
  out->keywords[out->n_keywords++] = (QjKeyword) { name, value };
}

/* spare: room for so many keywords more. */
static QjArgs
eval_arguments (QjRun *r, const QjArguments *a, size_t spare)
{
  QjArgs out = { 0 };
  if (a->positional.n > 0)
    out.items = qj_alloc (&r->base, a->positional.n * sizeof *out.items);
  for (size_t i = 0; i < a->positional.n; i++) {
    QjValue v = qj_eval (r, a->positional.items[i]);
    out.items[out.n++] = v;
  }
  if (a->keywords.n + spare > 0)
    out.keywords = qj_alloc (&r->base, (a->keywords.n + spare) * sizeof *out.keywords);
  for (size_t i = 0; i < a->keywords.n; i++) {
    QjValue v = qj_eval (r, a->keywords.items[i]->a);
    add_keyword (r, &out, a->keywords.items[i]->value.string, v);
  }
  if (a->more) {
    QjValue more = qj_eval (r, a->more);
    if (more.kind == QJ_UNDEFINED)
      fail_undefined (r, more);
    QjValue list = qj_to_list (r, more, QJ_LIST);
    QjValue *items = qj_alloc (&r->base, ((size_t) out.n + list.list->n) * sizeof *items);
    for (uint32_t i = 0; i < out.n + list.list->n; i++)
      items[i] = i < out.n ? out.items[i] : list.list->items[i - out.n];
    out.items = items;
    out.n += list.list->n;
  }
  if (a->more_keywords) {
    QjValue more = qj_eval (r, a->more_keywords);
    if (more.kind != QJ_DICT)
      qj_fail (&r->base, "%s cannot be keyword arguments", qj_type_name (more));
    QjKeyword *keywords = qj_alloc (&r->base, (out.n_keywords + more.dict->n + 1) * sizeof *keywords);
    for (uint32_t i = 0; i < out.n_keywords; i++)
      keywords[i] = out.keywords[i];
    out.keywords = keywords;
    for (size_t i = 0; i < more.dict->n; i++) {
      if (more.dict->entries[i].key.kind != QJ_STRING)
        qj_fail (&r->base, "%s cannot be the name of an argument", qj_type_name (more.dict->entries[i].key));
      add_keyword (r, &out, more.dict->entries[i].key.string, more.dict->entries[i].value);
    }
  }
  return out;
}

QjValue
qj_apply (QjRun *r, const QjFunction *f, const QjValue *self, const QjArgs *args)
{
  QjValue p[QJ_MAX_PARAMS + 1] = { 0 }; /* all QJ_MISSING */
  unsigned first = self != NULL, n = *f->params != '\0';
  for (const char *blank = f->params; (blank = strchr (blank, ' ')); blank++)
    n++;
  if (self)
    p[0] = *self;
  if (f->params[0] == '*')
    return f->func (r, p, args);
  if (args->n > n)
    qj_fail (&r->base, "“%s” takes %u arguments at most", f->name, n);
  for (uint32_t i = 0; i < args->n; i++)
    p[first + i] = args->items[i];
  for (uint32_t i = 0; i < args->n_keywords; i++) {
    const QjString *name = args->keywords[i].name;
    unsigned at = f->positional ? n : 0; /* the place of the name in the list; n: it is not there */
    for (const char *param = f->params; at < n; at++) {
      size_t length = strcspn (param, " ");
      if (length == name->size && memcmp (param, name->data, length) == 0)
        break;
      param += length + (param[length] == ' ');
    }
    if (at == n || p[first + at].kind != QJ_MISSING)
      qj_fail (&r->base, "“%s” cannot take an argument “%.*s”", f->name, (int) (name->size < 60 ? name->size : 60),
               name->data);
    p[first + at] = args->keywords[i].value;
  }
  for (unsigned i = 0; i < f->n_required; i++)
    if (p[first + i].kind == QJ_MISSING)
      qj_fail (&r->base, "“%s” takes %u arguments at least", f->name, f->n_required);
  return f->func (r, p, args);
}

QjValue
qj_call (QjRun *r, QjValue callee, const QjArgs *args)
{
  switch (callee.kind) {
  case QJ_MACRO: return qj_call_macro (r, callee.macro, args);
  case QJ_FUNCTION: return qj_apply (r, callee.function, NULL, args);
  case QJ_METHOD: return qj_apply (r, callee.method->function, &callee.method->self, args);
  case QJ_LOOP: return qj_call_loop (r, callee.loop, args);
  case QJ_UNDEFINED: fail_undefined (r, callee);
  default: qj_fail (&r->base, "%s cannot be called", qj_type_name (callee));
  }
}

QjValue
qj_eval_call (QjRun *r, const QjNode *node, const QjKeyword *caller)
{
  QjValue callee = qj_eval (r, node->a);
  QjArgs args = eval_arguments (r, node->arguments, caller != NULL);
  r->base.line = node->line;
  if (caller)
    add_keyword (r, &args, caller->name, caller->value);
  return qj_call (r, callee, &args);
}

/* ---- the rest -------------------------------------------------------------------------------------------------- */

static QjValue
eval_inner (QjRun *r, const QjNode *node)
{
  switch ((QjNodeKind) node->kind) {
  case QJ_NODE_CONST: return node->value;
  case QJ_NODE_NAME: return qj_lookup (r, node->symbol);
  case QJ_NODE_ATTRIBUTE:
  case QJ_NODE_ITEM: {
    QjValue v = qj_eval (r, node->a);
    if (node->kind == QJ_NODE_ATTRIBUTE) {
      r->base.line = node->line;
      return qj_attribute (r, v, node->value.string);
    }
    QjValue key = qj_eval (r, node->b);
    r->base.line = node->line;
    return qj_item (r, v, key);
  }
  case QJ_NODE_SLICE: {
    QjValue v = qj_eval (r, node->a), parts[3];
    for (int i = 0; i < 3; i++)
      parts[i] = node->nodes.items[i] ? qj_eval (r, node->nodes.items[i]) : qj_none ();
    r->base.line = node->line;
    return qj_slice (r, v, parts[0], parts[1], parts[2]);
  }
  case QJ_NODE_CALL: return qj_eval_call (r, node, NULL);
  case QJ_NODE_FILTER:
  case QJ_NODE_TEST: {
    /* A filter or a test; what the filter block gives stands in for a subject that is not there. */
    QjValue subject = node->a ? qj_eval (r, node->a) : r->filtered;
    r->base.line = node->line;
    if (!node->function)
      qj_fail (&r->base, "a filter or test is not known");
    QjArgs args = eval_arguments (r, node->arguments, 0);
    r->base.line = node->line;
    return qj_apply (r, node->function, &subject, &args);
  }
  case QJ_NODE_LIST:
  case QJ_NODE_TUPLE: {
    QjValue list = qj_list_new (r, node->kind == QJ_NODE_LIST ? QJ_LIST : QJ_TUPLE, node->nodes.n);
    for (size_t i = 0; i < node->nodes.n; i++)
      list.list->items[i] = qj_eval (r, node->nodes.items[i]);
    return list;
  }
  case QJ_NODE_DICT: {
    QjDict *dict = qj_dict_new (r, node->nodes.n / 2);
    for (size_t i = 0; i + 1 < node->nodes.n; i += 2) {
      QjValue key = qj_eval (r, node->nodes.items[i]), value = qj_eval (r, node->nodes.items[i + 1]);
      if (key.kind >= QJ_LIST && key.kind != QJ_TUPLE && key.kind <= QJ_DICT)
        qj_fail (&r->base, "%s cannot be a key", qj_type_name (key));
      qj_dict_put (r, dict, key, value);
    }
    return (QjValue) { .kind = QJ_DICT, .dict = dict };
  }
  case QJ_NODE_NEGATIVE:
  case QJ_NODE_POSITIVE: {
    /* -x, or +x. */
    QjValue v = qj_eval (r, node->a);
    bool negative = node->kind == QJ_NODE_NEGATIVE;
    if (v.kind == QJ_FLOAT)
      return qj_float (negative ? -v.number : v.number);
    if (v.kind != QJ_INT && v.kind != QJ_BOOL)
      fail_types (r, "negated", v, qj_int (0));
    int64_t i = qj_integer_of (v);
    if (negative && i == INT64_MIN)
      fail_overflow (r);
    return qj_int (negative ? -i : i);
  }
  case QJ_NODE_NOT: return qj_bool (!qj_truth (r, qj_eval (r, node->a)));
  case QJ_NODE_AND:
  case QJ_NODE_OR:
  case QJ_NODE_ARITHMETIC: {
    QjValue a = qj_eval (r, node->a);
    if (node->kind == QJ_NODE_AND || node->kind == QJ_NODE_OR)
      return qj_truth (r, a) == (node->kind == QJ_NODE_AND) ? qj_eval (r, node->b) : a;
    QjValue b = qj_eval (r, node->b);
    r->base.line = node->line;
    return arithmetic (r, (QjOperator) node->op, a, b);
  }
  case QJ_NODE_CONCAT: {
    QjBuilder b = qj_builder (r);
    for (size_t i = 0; i < node->nodes.n; i++) {
      QjValue part = qj_eval (r, node->nodes.items[i]);
      qj_add_value (&b, part);
    }
    return qj_string (qj_finish (&b));
  }
  case QJ_NODE_COMPARE: {
    QjValue left = qj_eval (r, node->a);
    bool holds = true;
    for (size_t i = 0; i < node->nodes.n && holds; i++) {
      QjValue right = qj_eval (r, node->nodes.items[i]->a);
      r->base.line = node->line;
      holds = qj_compare (r, (QjOperator) node->nodes.items[i]->op, left, right);
      left = right;
    }
    return qj_bool (holds);
  }
  case QJ_NODE_CONDITION:
    if (qj_truth (r, qj_eval (r, node->b)))
      return qj_eval (r, node->a);
    return node->c ? qj_eval (r, node->c) : qj_undefined (NULL);
  default: qj_fail (&r->base, "a statement stands for a value");
  }
}

QjValue
qj_eval (QjRun *r, const QjNode *node)
{
  qj_enter (r);
  qj_steps (r, 1);
  QjValue v = eval_inner (r, node);
  qj_leave (r);
  return v;
}
