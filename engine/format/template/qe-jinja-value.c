/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What values are and how Python compares them and goes over them. */
#include "format/template/qe-jinja-private.h"

#include <math.h>
#include <string.h>

#define SMALL_DICT 8 /* entries that are looked through one by one */

const char *
qj_type_name (QjValue v)
{
  static const char *const names[] = {
    [QJ_MISSING] = "nothing",
    [QJ_UNDEFINED] = "something undefined",
    [QJ_NONE] = "none",
    [QJ_BOOL] = "a boolean",
    [QJ_INT] = "a number",
    [QJ_FLOAT] = "a number",
    [QJ_BIG] = "a very large number",
    [QJ_STRING] = "a text",
    [QJ_LIST] = "a list",
    [QJ_TUPLE] = "a tuple",
    [QJ_ITEMS] = "a dict's items",
    [QJ_KEYS] = "a dict's keys",
    [QJ_VALUES] = "a dict's values",
    [QJ_GENERATOR] = "a generator",
    [QJ_RANGE] = "a range",
    [QJ_DICT] = "a dict",
    [QJ_NAMESPACE] = "a namespace",
    [QJ_LOOP] = "a loop",
    [QJ_MACRO] = "a macro",
    [QJ_FUNCTION] = "a function",
    [QJ_METHOD] = "a method",
  };
  return names[v.kind];
}

QjValue
qj_list_new (QjRun *r, QjKind kind, size_t n)
{
  QjList *list = qj_alloc (&r->base, sizeof *list);
  qj_steps (r, n / 8);
  *list = (QjList) { .items = n ? qj_alloc (&r->base, n * sizeof *list->items) : NULL, .n = (uint32_t) n };
  for (size_t i = 0; i < n; i++)
    list->items[i] = qj_undefined (NULL);
  return (QjValue) { .kind = kind, .list = list };
}

QjValue
qj_pair (QjRun *r, QjValue a, QjValue b)
{
  QjValue pair = qj_list_new (r, QJ_TUPLE, 2);
  pair.list->items[0] = a;
  pair.list->items[1] = b;
  return pair;
}

/* ---- dicts ----------------------------------------------------------------------------------------------------- */

static uint32_t
hash_bytes (const char *data, size_t size)
{
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ (uint8_t) data[i]) * 16777619u;
  return hash;
}

/* Equal values have equal hashes, whatever their types. Fails for what can be no key. */
static uint32_t
hash_value (QjRun *r, QjValue v)
{
  uint32_t hash = 1;
  switch (v.kind) {
  case QJ_STRING:
  case QJ_BIG: qj_steps (r, v.string->size / 64); return hash_bytes (v.string->data, v.string->size);
  case QJ_BOOL:
  case QJ_INT:
  case QJ_FLOAT: {
    double d = qj_double_of (v) + 0.0; /* -0 is 0 */
    return hash_bytes ((const char *) &d, sizeof d);
  }
  case QJ_TUPLE:
    qj_enter (r);
    for (uint32_t i = 0; i < v.list->n; i++)
      hash = hash * 31 + hash_value (r, v.list->items[i]);
    qj_leave (r);
    return hash;
  case QJ_LIST:
  case QJ_DICT:
  case QJ_ITEMS:
  case QJ_KEYS: qj_fail (&r->base, "%s cannot be a key", qj_type_name (v));
  default: return (uint32_t) v.kind;
  }
}

QjDict *
qj_dict_new (QjRun *r, size_t n)
{
  QjDict *dict = qj_alloc (&r->base, sizeof *dict);
  *dict = (QjDict) { .entries = n ? qj_alloc (&r->base, n * sizeof *dict->entries) : NULL, .capacity = n };
  return dict;
}

/* The place of a key in the index, or the free one where it belongs. */
static uint32_t *
find_place (QjRun *r, const QjDict *dict, QjValue key, uint32_t hash)
{
  for (uint32_t i = hash & (dict->n_index - 1);; i = (i + 1) & (dict->n_index - 1)) {
    qj_steps (r, 1);
    if (dict->index[i] == 0 || qj_equal (r, dict->entries[dict->index[i] - 1].key, key))
      return &dict->index[i];
  }
}

QjEntry *
qj_dict_find (QjRun *r, const QjDict *dict, QjValue key)
{
  uint32_t hash = key.kind == QJ_STRING && !dict->index ? 0 : hash_value (r, key);
  if (dict->index) {
    uint32_t place = *find_place (r, dict, key, hash);
    return place ? &dict->entries[place - 1] : NULL;
  }
  for (size_t i = 0; i < dict->n; i++)
    if (qj_equal (r, dict->entries[i].key, key))
      return &dict->entries[i];
  return NULL;
}

QjEntry *
qj_dict_find_text (const QjDict *dict, const char *text, size_t size)
{
  if (dict->index) {
    for (uint32_t i = hash_bytes (text, size) & (dict->n_index - 1); dict->index[i];
         i = (i + 1) & (dict->n_index - 1)) {
      QjEntry *e = &dict->entries[dict->index[i] - 1];
      if (e->key.kind == QJ_STRING && e->key.string->size == size && memcmp (e->key.string->data, text, size) == 0)
        return e;
    }
    return NULL;
  }
  for (size_t i = 0; i < dict->n; i++) {
    QjEntry *e = &dict->entries[i];
    if (e->key.kind == QJ_STRING && e->key.string->size == size && memcmp (e->key.string->data, text, size) == 0)
      return e;
  }
  return NULL;
}

void
qj_dict_put (QjRun *r, QjDict *dict, QjValue key, QjValue value)
{
  QjEntry *known = qj_dict_find (r, dict, key);
  if (known) {
    known->value = value;
    return;
  }
  dict->entries = qj_grow (&r->base, dict->entries, dict->n, &dict->capacity, sizeof *dict->entries);
  dict->entries[dict->n++] = (QjEntry) { key, value };
  if (dict->n > SMALL_DICT && dict->n * 2 > dict->n_index) {
    dict->n_index = dict->n_index ? dict->n_index * 2 : SMALL_DICT * 4;
    dict->index = qj_alloc (&r->base, dict->n_index * sizeof *dict->index);
    memset (dict->index, 0, dict->n_index * sizeof *dict->index);
    for (size_t i = 0; i < dict->n; i++)
      *find_place (r, dict, dict->entries[i].key, hash_value (r, dict->entries[i].key)) = (uint32_t) i + 1;
  } else if (dict->index) {
    *find_place (r, dict, key, hash_value (r, key)) = (uint32_t) dict->n;
  }
}

/* ---- truth and order ------------------------------------------------------------------------------------------- */

bool
qj_truth (QjRun *r, QjValue v)
{
  switch (v.kind) {
  case QJ_MISSING:
  case QJ_UNDEFINED:
  case QJ_NONE: return false;
  case QJ_BOOL: return v.boolean;
  case QJ_INT: return v.integer != 0;
  case QJ_FLOAT: return v.number != 0;
  case QJ_GENERATOR: return true;
  default: return qj_count (r, v) != 0; /* what has no length is true */
  }
}

bool
qj_equal (QjRun *r, QjValue a, QjValue b)
{
  if (qj_is_number (a) && qj_is_number (b))
    return a.kind != QJ_FLOAT && b.kind != QJ_FLOAT ? qj_integer_of (a) == qj_integer_of (b)
                                                    : qj_double_of (a) == qj_double_of (b);
  if (a.kind != b.kind)
    return false;
  qj_steps (r, 1);
  switch (a.kind) {
  case QJ_UNDEFINED:
  case QJ_NONE: return true;
  case QJ_BIG:
  case QJ_STRING: qj_steps (r, a.string->size / 64); return qj_strings_equal (a.string, b.string);
  case QJ_LIST:
  case QJ_TUPLE: {
    bool equal = a.list->n == b.list->n;
    qj_enter (r);
    for (uint32_t i = 0; i < a.list->n && equal; i++)
      equal = qj_equal (r, a.list->items[i], b.list->items[i]);
    qj_leave (r);
    return equal;
  }
  case QJ_DICT: {
    bool equal = a.dict->n == b.dict->n;
    qj_enter (r);
    for (size_t i = 0; i < a.dict->n && equal; i++) {
      QjEntry *other = qj_dict_find (r, b.dict, a.dict->entries[i].key);
      equal = other && qj_equal (r, a.dict->entries[i].value, other->value);
    }
    qj_leave (r);
    return equal;
  }
  case QJ_RANGE:
    return a.range->n == b.range->n
           && (a.range->n == 0
               || (a.range->start == b.range->start && (a.range->n == 1 || a.range->step == b.range->step)));
  case QJ_METHOD:
    return a.method == b.method
           || (a.method->function == b.method->function && qj_equal (r, a.method->self, b.method->self));
  default: return a.list == b.list; /* the same thing */
  }
}

int
qj_order (QjRun *r, QjValue a, QjValue b)
{
  qj_steps (r, 1);
  if (qj_is_number (a) && qj_is_number (b)) {
    if (a.kind == QJ_FLOAT || b.kind == QJ_FLOAT) {
      double u = qj_double_of (a), v = qj_double_of (b);
      return u < v ? -1 : u > v ? 1 : u == v ? 0 : 2; /* 2: one is not a number */
    }
    int64_t x = qj_integer_of (a), y = qj_integer_of (b);
    return (x > y) - (x < y);
  }
  if (a.kind == QJ_STRING && b.kind == QJ_STRING) { /* bytes of UTF-8 are in the order of characters */
    size_t n = a.string->size < b.string->size ? a.string->size : b.string->size;
    qj_steps (r, n / 64);
    int order = memcmp (a.string->data, b.string->data, n);
    return order ? (order > 0) - (order < 0) : (a.string->size > b.string->size) - (a.string->size < b.string->size);
  }
  if ((a.kind == QJ_LIST || a.kind == QJ_TUPLE) && a.kind == b.kind) {
    for (uint32_t i = 0; i < a.list->n && i < b.list->n; i++)
      if (!qj_equal (r, a.list->items[i], b.list->items[i])) {
        qj_enter (r);
        int order = qj_order (r, a.list->items[i], b.list->items[i]);
        qj_leave (r);
        return order;
      }
    return (a.list->n > b.list->n) - (a.list->n < b.list->n);
  }
  qj_fail (&r->base, "%s and %s have no order", qj_type_name (a), qj_type_name (b));
}

bool
qj_contains (QjRun *r, QjValue container, QjValue v)
{
  if (container.kind == QJ_STRING) {
    if (v.kind != QJ_STRING)
      qj_fail (&r->base, "%s cannot be in a text", qj_type_name (v));
    qj_steps (r, container.string->size / 32);
    return qj_find (container.string, v.string, 0) != NULL;
  }
  if (container.kind == QJ_DICT)
    return qj_dict_find (r, container.dict, v) != NULL;
  QjIterator it;
  QjValue item;
  qj_iterate (r, &it, container);
  while (qj_next (r, &it, &item))
    if (qj_equal (r, item, v))
      return true;
  return false;
}

/* ---- going over ------------------------------------------------------------------------------------------------ */

int64_t
qj_count (QjRun *r, QjValue v)
{
  if (qj_is_list (v))
    return v.kind == QJ_GENERATOR ? -1 : (int64_t) v.list->n;
  switch (v.kind) {
  case QJ_UNDEFINED: return 0;
  case QJ_STRING: return (int64_t) qj_n_chars (v.string);
  case QJ_RANGE: return v.range->n;
  case QJ_DICT: return (int64_t) v.dict->n;
  default: return -1;
  }
}

bool
qj_is_iterable (QjValue v)
{
  return qj_is_list (v) || v.kind == QJ_UNDEFINED || v.kind == QJ_STRING || v.kind == QJ_RANGE || v.kind == QJ_DICT;
}

void
qj_iterate (QjRun *r, QjIterator *it, QjValue v)
{
  if (!qj_is_iterable (v))
    qj_fail (&r->base, "%s cannot be gone through item by item", qj_type_name (v));
  *it = (QjIterator) { .value = v };
}

bool
qj_next (QjRun *r, QjIterator *it, QjValue *out)
{
  QjValue v = it->value;
  qj_steps (r, 1);
  switch (v.kind) {
  case QJ_STRING: {
    const QjString *s = it->value.string;
    size_t start = (size_t) it->at, end = start;
    if (start == s->size)
      return false;
    do
      end++;
    while (end < s->size && ((uint8_t) s->data[end] & 0xc0) == 0x80);
    QjString *part = (QjString *) qj_substring (r, s, start, end);
    *out = qj_string (part);
    it->at = (int64_t) end;
    return true;
  }
  case QJ_RANGE:
    if (it->at >= v.range->n)
      return false;
    *out = qj_int (v.range->start + it->at++ * v.range->step);
    return true;
  case QJ_DICT:
    if ((size_t) it->at >= v.dict->n)
      return false;
    *out = v.dict->entries[it->at++].key;
    return true;
  case QJ_GENERATOR:
    if (v.list->at >= v.list->n)
      return false;
    *out = v.list->items[v.list->at++];
    return true;
  case QJ_UNDEFINED: return false;
  default:
    if (it->at >= v.list->n)
      return false;
    *out = v.list->items[it->at++];
    return true;
  }
}

QjValue
qj_to_list (QjRun *r, QjValue v, QjKind kind)
{
  QjIterator it;
  QjValue list = qj_list_new (r, kind, 0), item;
  size_t capacity = 0;
  qj_iterate (r, &it, v);
  while (qj_next (r, &it, &item)) {
    list.list->items = qj_grow (&r->base, list.list->items, list.list->n, &capacity, sizeof item);
    list.list->items[list.list->n++] = item;
  }
  return list;
}

/* ---- sorting --------------------------------------------------------------------------------------------------- */

typedef struct {
  QjValue item, key;
} Sorted;

void
qj_sort (QjRun *r, QjValue *items, const QjValue *keys, size_t n, bool reverse)
{
  Sorted *from = qj_alloc (&r->base, 2 * n * sizeof *from), *to = from + n;
  for (size_t i = 0; i < n; i++)
    from[i] = (Sorted) { items[i], keys[i] };
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t start = 0; start < n; start += 2 * width) {
      size_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
      for (size_t i = start, a = start, b = middle; i < end; i++) {
        bool b_first = a == middle;
        if (a < middle && b < end)
          b_first = (reverse ? qj_order (r, from[a].key, from[b].key) : qj_order (r, from[b].key, from[a].key)) == -1;
        to[i] = b_first ? from[b++] : from[a++];
      }
    }
    Sorted *swap = from;
    from = to;
    to = swap;
  }
  for (size_t i = 0; i < n; i++)
    items[i] = from[i].item;
}
