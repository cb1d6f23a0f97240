/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters. p[0] is what they are applied to, p[1 …] their arguments, QJ_MISSING where one is not given. */
#include "format/template/qe-jinja-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static int64_t
integer_or (QjRun *r, QjValue v, int64_t otherwise)
{
  if (v.kind == QJ_MISSING)
    return otherwise;
  if (v.kind != QJ_INT && v.kind != QJ_BOOL)
    qj_fail (&r->base, "%s is given where a whole number is needed", qj_type_name (v));
  return qj_integer_of (v);
}

static const QjString *
text_or (QjRun *r, QjValue v, const QjString *otherwise)
{
  return v.kind == QJ_MISSING || v.kind == QJ_NONE ? otherwise : qj_str (r, v);
}

static const QjString *
unmarked (QjRun *r, const QjString *s)
{
  if (!s->markup)
    return s;
  QjString *copy = qj_alloc (&r->base, sizeof *copy);
  *copy = *s;
  copy->markup = false;
  return copy;
}

static QjValue
generator (QjRun *r, QjValue list)
{
  list.kind = QJ_GENERATOR;
  return list;
}

static QjValue
lowered (QjRun *r, QjValue v, bool case_sensitive)
{
  return v.kind == QJ_STRING && !case_sensitive ? qj_string (qj_change_case (r, v.string, QJ_LOWER)) : v;
}

/* What "a.b.0" leads to, from v on. `otherwise` stands in for what is undefined on the way, if it is given. */
static QjValue
follow (QjRun *r, QjValue v, QjValue path, QjValue otherwise)
{
  if (path.kind == QJ_MISSING || path.kind == QJ_NONE)
    return v;
  if (path.kind != QJ_STRING)
    return qj_item (r, v, path);
  const QjString *s = path.string;
  for (size_t at = 0; at <= s->size;) {
    const char *dot = memchr (s->data + at, '.', s->size - at);
    size_t end = dot ? (size_t) (dot - s->data) : s->size, digits = 0;
    int64_t number = 0;
    for (size_t i = at; i < end && s->data[i] >= '0' && s->data[i] <= '9' && digits < 15; i++, digits++)
      number = number * 10 + (s->data[i] - '0');
    bool is_number = digits > 0 && digits == end - at;
    v = qj_item (r, v, is_number ? qj_int (number) : qj_string (qj_substring (r, s, at, end)));
    if (v.kind == QJ_UNDEFINED && otherwise.kind != QJ_MISSING && otherwise.kind != QJ_NONE)
      v = otherwise;
    at = end + 1;
  }
  return v;
}

/* ---- texts ----------------------------------------------------------------------------------------------------- */

static QjValue
filter_string (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_str (r, p[0]));
}

static QjValue
filter_safe (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjString *s = qj_alloc (&r->base, sizeof *s);
  *s = *qj_str (r, p[0]);
  s->markup = true;
  return qj_string (s);
}

static QjValue
filter_escape (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_escape (r, qj_str (r, p[0])));
}

static QjValue
filter_force_escape (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_escape (r, unmarked (r, qj_str (r, p[0]))));
}

static QjValue
filter_upper (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_change_case (r, qj_str (r, p[0]), QJ_UPPER));
}

static QjValue
filter_lower (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_change_case (r, qj_str (r, p[0]), QJ_LOWER));
}

static QjValue
filter_capitalize (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_change_case (r, qj_str (r, p[0]), QJ_CAPITALIZE));
}

static QjValue
filter_title (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (unmarked (r, qj_change_case (r, qj_str (r, p[0]), QJ_TITLE_FILTER)));
}

static QjValue
filter_trim (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_strip (r, qj_str (r, p[0]), text_or (r, p[1], NULL), true, true));
}

static QjValue
filter_replace (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int64_t count = p[3].kind == QJ_NONE ? -1 : integer_or (r, p[3], -1);
  return qj_string (qj_replace (r, unmarked (r, qj_str (r, p[0])), qj_str (r, p[1]), qj_str (r, p[2]), count));
}

static QjValue
filter_center (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjArgs width = { .items = (QjValue[]) { p[1].kind == QJ_MISSING ? qj_int (80) : p[1] }, .n = 1 };
  QjValue s = qj_string (qj_str (r, p[0]));
  return qj_apply (r, qj_find_method (QJ_STRING, qj_literal (r, "center").string), &s, &width);
}

static QjValue
filter_join (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *separator = text_or (r, p[1], NULL);
  QjBuilder b = qj_builder (r);
  QjIterator it;
  QjValue item;
  bool first = true;
  qj_iterate (r, &it, p[0]);
  for (; qj_next (r, &it, &item); first = false) {
    if (!first && separator)
      qj_add_string (&b, separator);
    else if (!first && p[1].kind == QJ_NONE)
      qj_add_text (&b, "None");
    qj_add_value (&b, follow (r, item, p[2], (QjValue) { QJ_MISSING }));
  }
  return qj_string (qj_finish (&b));
}

static QjValue
filter_indent (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjBuilder b = qj_builder (r);
  const QjString *space = qj_literal (r, " ").string;
  int64_t width = p[1].kind == QJ_STRING ? 1 : integer_or (r, p[1], 4);
  space = p[1].kind == QJ_STRING ? p[1].string : space;
  bool first = qj_truth (r, p[2]), blank = qj_truth (r, p[3]);
  if (p[0].kind != QJ_STRING)
    qj_fail (&r->base, "%s cannot be indented", qj_type_name (p[0]));
  QjValue lines = qj_split_lines (r, qj_concat (r, p[0].string, qj_literal (r, "\n").string), false);
  for (uint32_t i = 0; i < lines.list->n; i++) {
    const QjString *line = lines.list->items[i].string;
    qj_add_text (&b, i > 0 ? "\n" : "");
    if (i == 0 ? first : blank || line->size > 0)
      qj_add_fill (&b, space, width);
    qj_add_string (&b, line);
  }
  QjString *s = (QjString *) qj_finish (&b);
  s->markup = p[0].string->markup;
  return qj_string (s);
}

static QjValue
filter_truncate (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = qj_str (r, p[0]), *end = text_or (r, p[3], qj_literal (r, "...").string);
  int64_t length = integer_or (r, p[1], 255), leeway = p[4].kind == QJ_NONE ? 5 : integer_or (r, p[4], 5);
  int64_t n = (int64_t) qj_n_chars (s), kept = length - (int64_t) qj_n_chars (end);
  if (kept < 0 || leeway < 0)
    qj_fail (&r->base, "“truncate” leaves no room");
  if (n <= length + leeway)
    return p[0];
  s = qj_substring (r, s, 0, qj_byte_offset (s, (size_t) kept));
  const char *space = qj_truth (r, p[2]) ? NULL : memrchr (s->data, ' ', s->size);
  return qj_string (qj_concat (r, space ? qj_substring (r, s, 0, (size_t) (space - s->data)) : s, end));
}

static QjValue
filter_wordcount (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = qj_str (r, p[0]);
  int64_t n = 0;
  bool inside = false;
  qj_steps (r, s->size / 16);
  for (uint32_t i = 0; i < s->size; i++) {
    uint8_t c = (uint8_t) s->data[i];
    bool part = c >= 128 || c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    n += part && !inside;
    inside = part;
  }
  return qj_int (n);
}

static QjValue
filter_format (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue values = qj_list_new (r, QJ_TUPLE, args->n);
  if (args->n > 0 && args->n_keywords > 0)
    qj_fail (&r->base, "“format” takes values with names or without, not both");
  for (uint32_t i = 0; i < args->n; i++)
    values.list->items[i] = args->items[i];
  if (args->n_keywords > 0) {
    values = (QjValue) { .kind = QJ_DICT, .dict = qj_dict_new (r, args->n_keywords) };
    for (uint32_t i = 0; i < args->n_keywords; i++)
      qj_dict_put (r, values.dict, qj_string (args->keywords[i].name), args->keywords[i].value);
  }
  return qj_string (qj_format (r, qj_str (r, p[0]), values));
}

static QjValue
filter_tojson (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjBuilder b = qj_builder (r);
  QjJsonStyle style = { .ascii = qj_truth (r, p[1]), .sort_keys = qj_truth (r, p[4]) };
  if (p[2].kind == QJ_STRING) {
    style.indent = p[2].string;
  } else if (p[2].kind != QJ_MISSING && p[2].kind != QJ_NONE) {
    QjBuilder spaces = qj_builder (r);
    qj_add_fill (&spaces, qj_literal (r, " ").string, integer_or (r, p[2], 0));
    style.indent = qj_finish (&spaces);
  }
  style.item_separator = qj_literal (r, style.indent ? "," : ", ").string;
  style.key_separator = qj_literal (r, ": ").string;
  if (p[3].kind != QJ_MISSING && p[3].kind != QJ_NONE) {
    QjValue pair = qj_to_list (r, p[3], QJ_LIST);
    if (pair.list->n != 2 || pair.list->items[0].kind != QJ_STRING || pair.list->items[1].kind != QJ_STRING)
      qj_fail (&r->base, "the separators of “tojson” are two texts");
    style.item_separator = pair.list->items[0].string;
    style.key_separator = pair.list->items[1].string;
  }
  qj_add_json (&b, p[0], &style);
  return qj_string (qj_finish (&b));
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static QjValue
filter_abs (QjRun *r, const QjValue *p, const QjArgs *args)
{
  if (p[0].kind == QJ_FLOAT)
    return qj_float (fabs (p[0].number));
  int64_t i = integer_or (r, p[0], 0);
  if (i == INT64_MIN || p[0].kind == QJ_MISSING)
    qj_fail (&r->base, "a number becomes too large");
  return qj_int (i < 0 ? -i : i);
}

/* A number in a text, with white space around and single underscores inside, as Python reads it; QJ_MISSING: none. */
static QjValue
read_number (QjRun *r, const QjString *s, int64_t base, bool whole)
{
  const QjString *trimmed = qj_strip (r, s, NULL, true, true);
  char text[400], *end;
  size_t n = 0;
  if (trimmed->size == 0 || trimmed->size >= sizeof text)
    return (QjValue) { QJ_MISSING };
  for (uint32_t i = 0; i < trimmed->size; i++) {
    bool between = i > 0 && i + 1 < trimmed->size && trimmed->data[i - 1] != '_' && trimmed->data[i + 1] != '_';
    if (trimmed->data[i] != '_')
      text[n++] = trimmed->data[i];
    else if (!between)
      return (QjValue) { QJ_MISSING };
  }
  text[n] = '\0';
  if (whole) {
    if (text[strspn (text, "+-")] == ' ' || strspn (text, "+-") > 1 || (base != 0 && (base < 2 || base > 36)))
      return (QjValue) { QJ_MISSING };
    char *digits = text + strspn (text, "+-");
    int64_t digits_base = base;
    bool binary = digits[0] == '0' && (digits[1] | 0x20) == 'b', octal = digits[0] == '0' && (digits[1] | 0x20) == 'o';
    if ((binary && (base == 2 || base == 0)) || (octal && (base == 8 || base == 0))) {
      digits_base = binary ? 2 : 8;
      memmove (digits, digits + 2, strlen (digits + 2) + 1);
    }
    if (digits[0] == '+' || digits[0] == '-' || digits[0] == '\0')
      return (QjValue) { QJ_MISSING };
    long long value = strtoll (text, &end, (int) digits_base);
    return *end || value == INT64_MAX || value == INT64_MIN ? (QjValue) { QJ_MISSING } : qj_int (value);
  }
  if (strpbrk (text, "xXpP(")) /* C knows hexadecimal fractions */
    return (QjValue) { QJ_MISSING };
  double d = strtod (text, &end);
  return *end || end == text ? (QjValue) { QJ_MISSING } : qj_float (d);
}

static QjValue
filter_int (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue otherwise = p[1].kind == QJ_MISSING ? qj_int (0) : p[1], v = p[0];
  if (v.kind == QJ_UNDEFINED)
    qj_fail (&r->base, "something undefined is no number");
  if (v.kind == QJ_STRING) {
    QjValue number = read_number (r, v.string, integer_or (r, p[2], 10), true);
    if (number.kind == QJ_INT)
      return number;
    v = read_number (r, v.string, 10, false);
  }
  if (v.kind == QJ_INT || v.kind == QJ_BIG)
    return v;
  if (v.kind == QJ_BOOL)
    return qj_int (v.boolean);
  if (v.kind != QJ_FLOAT || !isfinite (v.number)) {
    if (p[0].kind == QJ_FLOAT && isinf (v.number))
      qj_fail (&r->base, "infinity is no whole number");
    return otherwise;
  }
  char text[400];
  if (fabs (v.number) < 9.2e18)
    return qj_int ((int64_t) v.number);
  size_t n = (size_t) snprintf (text, sizeof text, "%.0f", v.number);
  return (QjValue) { .kind = QJ_BIG,
                     .string = qj_string_new (&r->base, memcpy (qj_alloc (&r->base, n), text, n), n, QJ_LITERAL) };
}

static QjValue
filter_float (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue otherwise = p[1].kind == QJ_MISSING ? qj_float (0) : p[1];
  if (p[0].kind == QJ_UNDEFINED)
    qj_fail (&r->base, "something undefined is no number");
  QjValue number = p[0].kind == QJ_STRING || p[0].kind == QJ_BIG ? read_number (r, p[0].string, 10, false) : p[0];
  if (number.kind == QJ_FLOAT)
    return number;
  return number.kind == QJ_INT || number.kind == QJ_BOOL ? qj_float (qj_double_of (number)) : otherwise;
}

/* To the nearest, halves to the even one, judged by the exact value as Python does. */
static double
round_common (double d, int64_t precision)
{
  char text[400];
  if (!isfinite (d) || precision > 300)
    return d;
  if (precision < 0) {
    double unit = pow (10, (double) -precision);
    return isfinite (unit) ? nearbyint (d / unit) * unit : 0;
  }
  snprintf (text, sizeof text, "%.*f", (int) precision, d);
  return strtod (text, NULL);
}

static QjValue
filter_round (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int64_t precision = integer_or (r, p[1], 0);
  const QjString *method = text_or (r, p[2], qj_literal (r, "common").string);
  if (!qj_is_number (p[0]))
    qj_fail (&r->base, "%s cannot be rounded", qj_type_name (p[0]));
  if (qj_string_is (method, "common")) {
    if (p[0].kind == QJ_FLOAT)
      return qj_float (round_common (p[0].number, precision));
    return qj_int (precision >= 0 ? qj_integer_of (p[0])
                                  : (int64_t) round_common ((double) qj_integer_of (p[0]), precision));
  }
  if (!qj_string_is (method, "ceil") && !qj_string_is (method, "floor"))
    qj_fail (&r->base, "“round” knows common, ceil and floor");
  double unit = pow (10, (double) precision), d = qj_double_of (p[0]) * unit;
  return qj_float ((method->data[0] == 'c' ? ceil (d) : floor (d)) / unit);
}

/* ---- lists ----------------------------------------------------------------------------------------------------- */

static QjValue
filter_default (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool falsy = qj_truth (r, p[2]) && !qj_truth (r, p[0]);
  if (p[0].kind != QJ_UNDEFINED && !falsy)
    return p[0];
  return p[1].kind == QJ_MISSING ? qj_literal (r, "") : p[1];
}

static QjValue
filter_length (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int64_t n = qj_count (r, p[0]);
  if (n < 0)
    qj_fail (&r->base, "%s has no length", qj_type_name (p[0]));
  return qj_int (n);
}

static QjValue
filter_first (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjIterator it;
  QjValue item;
  qj_iterate (r, &it, p[0]);
  return qj_next (r, &it, &item) ? item : qj_undefined (NULL);
}

static QjValue
filter_last (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int64_t n = qj_count (r, p[0]);
  if (p[0].kind == QJ_GENERATOR || p[0].kind == QJ_UNDEFINED || n < 0)
    qj_fail (&r->base, "%s has no last item", qj_type_name (p[0]));
  if (p[0].kind == QJ_DICT)
    return n ? p[0].dict->entries[n - 1].key : qj_undefined (NULL);
  if (qj_is_list (p[0]))
    return n ? p[0].list->items[n - 1] : qj_undefined (NULL);
  return qj_item (r, p[0], qj_int (-1));
}

static QjValue
filter_list (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_to_list (r, p[0], QJ_LIST);
}

static QjValue
filter_reverse (QjRun *r, const QjValue *p, const QjArgs *args)
{
  if (p[0].kind == QJ_STRING)
    return qj_slice (r, p[0], qj_none (), qj_none (), qj_int (-1));
  bool was_generator = p[0].kind == QJ_GENERATOR || p[0].kind == QJ_UNDEFINED;
  QjValue list = qj_to_list (r, p[0], QJ_LIST);
  for (uint32_t i = 0; i < list.list->n / 2; i++) {
    QjValue swap = list.list->items[i];
    list.list->items[i] = list.list->items[list.list->n - 1 - i];
    list.list->items[list.list->n - 1 - i] = swap;
  }
  return was_generator ? list : generator (r, list);
}

static QjValue
filter_items (QjRun *r, const QjValue *p, const QjArgs *args)
{
  if (p[0].kind == QJ_UNDEFINED)
    return generator (r, qj_list_new (r, QJ_LIST, 0));
  if (p[0].kind != QJ_DICT)
    qj_fail (&r->base, "%s has no items", qj_type_name (p[0]));
  QjValue items = qj_list_new (r, QJ_GENERATOR, p[0].dict->n);
  for (size_t i = 0; i < p[0].dict->n; i++)
    items.list->items[i] = qj_pair (r, p[0].dict->entries[i].key, p[0].dict->entries[i].value);
  return items;
}

static QjValue
filter_dictsort (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool case_sensitive = qj_truth (r, p[1]);
  const QjString *by = text_or (r, p[2], qj_literal (r, "key").string);
  if (p[0].kind != QJ_DICT)
    qj_fail (&r->base, "%s cannot be sorted by its keys", qj_type_name (p[0]));
  if (!qj_string_is (by, "key") && !qj_string_is (by, "value"))
    qj_fail (&r->base, "“dictsort” sorts by key or by value");
  size_t n = p[0].dict->n;
  QjValue items = qj_list_new (r, QJ_LIST, n), *keys = qj_alloc (&r->base, n * sizeof *keys);
  for (size_t i = 0; i < n; i++) {
    QjEntry e = p[0].dict->entries[i];
    items.list->items[i] = qj_pair (r, e.key, e.value);
    keys[i] = lowered (r, by->data[0] == 'k' ? e.key : e.value, case_sensitive);
  }
  qj_sort (r, items.list->items, keys, n, qj_truth (r, p[3]));
  return items;
}

/* The keys to sort by: one attribute, or several with commas between. */
static QjValue
sort_key (QjRun *r, QjValue item, QjValue attribute, bool case_sensitive)
{
  if (attribute.kind != QJ_STRING || !memchr (attribute.string->data, ',', attribute.string->size))
    return lowered (r, follow (r, item, attribute, (QjValue) { QJ_MISSING }), case_sensitive);
  const QjString *s = attribute.string;
  size_t n = 1;
  for (uint32_t i = 0; i < s->size; i++)
    n += s->data[i] == ',';
  QjValue keys = qj_list_new (r, QJ_LIST, n);
  for (size_t at = 0, i = 0; i < n; i++) {
    const char *comma = memchr (s->data + at, ',', s->size - at);
    size_t end = comma ? (size_t) (comma - s->data) : s->size;
    QjValue path = qj_string (qj_substring (r, s, at, end));
    keys.list->items[i] = lowered (r, follow (r, item, path, (QjValue) { QJ_MISSING }), case_sensitive);
    at = end + 1;
  }
  return keys;
}

static QjValue
filter_sort (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool reverse = qj_truth (r, p[1]);
  bool case_sensitive = qj_truth (r, p[2]);
  QjValue list = qj_to_list (r, p[0], QJ_LIST);
  QjValue *keys = qj_alloc (&r->base, list.list->n * sizeof *keys);
  for (uint32_t i = 0; i < list.list->n; i++)
    keys[i] = sort_key (r, list.list->items[i], p[3], case_sensitive);
  qj_sort (r, list.list->items, keys, list.list->n, reverse);
  return list;
}

static QjValue
filter_unique (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool case_sensitive = qj_truth (r, p[1]);
  QjDict *seen = qj_dict_new (r, 0);
  QjValue all = qj_to_list (r, p[0], QJ_LIST), kept = qj_list_new (r, QJ_GENERATOR, all.list->n);
  kept.list->n = 0;
  for (uint32_t i = 0; i < all.list->n; i++) {
    QjValue key = lowered (r, follow (r, all.list->items[i], p[2], (QjValue) { QJ_MISSING }), case_sensitive);
    size_t n = seen->n;
    if (key.kind == QJ_LIST || key.kind == QJ_DICT)
      qj_fail (&r->base, "%s cannot be a key", qj_type_name (key));
    qj_dict_put (r, seen, key, qj_none ());
    if (seen->n > n)
      kept.list->items[kept.list->n++] = all.list->items[i];
  }
  return kept;
}

/* The least item, or the greatest. */
static QjValue
extreme (QjRun *r, const QjValue *p, int wanted)
{
  bool case_sensitive = qj_truth (r, p[1]);
  QjIterator it;
  QjValue item, best = qj_undefined (NULL), best_key = best;
  qj_iterate (r, &it, p[0]);
  for (bool first = true; qj_next (r, &it, &item); first = false) {
    QjValue key = lowered (r, follow (r, item, p[2], (QjValue) { QJ_MISSING }), case_sensitive);
    if (!first && qj_order (r, key, best_key) != wanted)
      continue;
    best = item;
    best_key = key;
  }
  return best;
}

static QjValue
filter_min (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return extreme (r, p, -1);
}

static QjValue
filter_max (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return extreme (r, p, 1);
}

static QjValue
filter_sum (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue sum = p[2].kind == QJ_MISSING ? qj_int (0) : p[2], item;
  QjIterator it;
  if (sum.kind == QJ_STRING)
    qj_fail (&r->base, "“sum” adds no texts: “join” does");
  qj_iterate (r, &it, p[0]);
  while (qj_next (r, &it, &item))
    sum = qj_add_values (r, sum, follow (r, item, p[1], (QjValue) { QJ_MISSING }));
  return sum;
}

static QjValue
part_of (QjRun *r, QjValue list, int64_t start, int64_t end, QjValue fill, int64_t n)
{
  QjValue part = qj_list_new (r, QJ_LIST, (size_t) n);
  for (int64_t i = 0; i < n; i++)
    part.list->items[i] = start + i < end ? list.list->items[start + i] : fill;
  return part;
}

static QjValue
filter_batch (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue all = qj_to_list (r, p[0], QJ_LIST);
  int64_t size = integer_or (r, p[1], 1), n = all.list->n;
  bool filled = p[2].kind != QJ_MISSING && p[2].kind != QJ_NONE;
  if (size < 1 || size > QJ_MAX_RANGE)
    qj_fail (&r->base, "“batch” needs a sensible number of items");
  QjValue batches = qj_list_new (r, QJ_GENERATOR, (size_t) ((n + size - 1) / size));
  for (int64_t i = 0; i < batches.list->n; i++) {
    int64_t end = (i + 1) * size < n ? (i + 1) * size : n;
    batches.list->items[i] = part_of (r, all, i * size, end, p[2], filled ? size : end - i * size);
  }
  return batches;
}

static QjValue
filter_slice (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue all = qj_to_list (r, p[0], QJ_LIST);
  int64_t slices = integer_or (r, p[1], 1), n = all.list->n, start = 0;
  bool filled = p[2].kind != QJ_MISSING && p[2].kind != QJ_NONE;
  if (slices == 0 || slices > QJ_MAX_RANGE)
    qj_fail (&r->base, "“slice” needs a sensible number of slices");
  slices = slices < 0 ? 0 : slices;
  QjValue out = qj_list_new (r, QJ_GENERATOR, (size_t) slices);
  for (int64_t i = 0; i < slices; i++) {
    int64_t size = n / slices + (i < n % slices);
    out.list->items[i] = part_of (r, all, start, start + size, p[2], size + (filled && i >= n % slices));
    start += size;
  }
  return out;
}

static QjValue
filter_groupby (QjRun *r, const QjValue *p, const QjArgs *args)
{
  bool case_sensitive = qj_truth (r, p[3]);
  QjValue all = qj_to_list (r, p[0], QJ_LIST), groups = qj_list_new (r, QJ_LIST, all.list->n);
  uint32_t n = all.list->n, at = 0;
  QjValue *keys = qj_alloc (&r->base, n * sizeof *keys), *indices = qj_alloc (&r->base, n * sizeof *indices);
  for (uint32_t i = 0; i < n; i++) {
    keys[i] = lowered (r, follow (r, all.list->items[i], p[1], p[2]), case_sensitive);
    indices[i] = qj_int (i);
  }
  qj_sort (r, indices, keys, n, false);
  groups.list->n = 0;
  while (at < n) {
    uint32_t start = at;
    while (at < n && qj_equal (r, keys[indices[at].integer], keys[indices[start].integer]))
      at++;
    QjValue members = qj_list_new (r, QJ_LIST, at - start);
    for (uint32_t i = start; i < at; i++)
      members.list->items[i - start] = all.list->items[indices[i].integer];
    groups.list->items[groups.list->n++] = qj_pair (r, follow (r, members.list->items[0], p[1], p[2]), members);
  }
  return groups;
}

/* ---- filters that take filters and tests -------------------------------------------------------------------------- */

static QjValue
filter_attr (QjRun *r, const QjValue *p, const QjArgs *args)
{
  if (p[0].kind == QJ_UNDEFINED)
    qj_fail (&r->base, "an attribute of something undefined is asked for");
  QjValue found = p[1].kind == QJ_STRING && p[0].kind != QJ_DICT ? qj_attribute (r, p[0], p[1].string)
                                                                 : qj_undefined (NULL);
  if (p[0].kind == QJ_DICT && p[1].kind == QJ_STRING && qj_find_method (QJ_DICT, p[1].string))
    return qj_attribute (r, p[0], p[1].string);
  return found;
}

static const QjValue *
find_keyword (const QjArgs *args, const char *name)
{
  for (uint32_t i = 0; i < args->n_keywords; i++)
    if (qj_string_is (args->keywords[i].name, name))
      return &args->keywords[i].value;
  return NULL;
}

static QjArgs
without_first (const QjArgs *args, uint32_t n)
{
  QjArgs rest = *args;
  rest.items += rest.n < n ? rest.n : n;
  rest.n -= rest.n < n ? rest.n : n;
  return rest;
}

/* What the filters below go through. jinja2 goes through nothing where the value is none, or false for another reason. */
static QjValue
items_to_choose (QjRun *r, QjValue value)
{
  return generator (r, qj_truth (r, value) ? qj_to_list (r, value, QJ_LIST) : qj_list_new (r, QJ_LIST, 0));
}

static QjValue
filter_map (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjValue *attribute = find_keyword (args, "attribute"), *otherwise = find_keyword (args, "default");
  const QjFunction *filter = NULL;
  QjValue list = items_to_choose (r, p[0]);
  QjArgs rest = without_first (args, 1);
  if (args->n == 0) {
    if (!attribute || args->n_keywords != 1u + (otherwise != NULL))
      qj_fail (&r->base, "“map” needs a filter or an attribute");
  } else if (args->items[0].kind == QJ_STRING) {
    filter = qj_find_filter (args->items[0].string->data, args->items[0].string->size);
  }
  if (args->n > 0 && !filter)
    qj_fail (&r->base, "“map” is given a filter that is not known");
  for (uint32_t i = 0; i < list.list->n; i++) {
    QjValue item = list.list->items[i];
    qj_enter (r);
    list.list->items[i] = filter ? qj_apply (r, filter, &item, &rest)
                                 : follow (r, item, *attribute, otherwise ? *otherwise : (QjValue) { QJ_MISSING });
    qj_leave (r);
  }
  return list;
}

/* Keeps what passes a test, or what does not; by_attribute: the first argument says of what. */
static QjValue
choose (QjRun *r, const QjValue *p, const QjArgs *args, bool by_attribute, bool wanted)
{
  QjArgs rest = without_first (args, by_attribute ? 2 : 1);
  QjValue test_name = args->n > by_attribute ? args->items[by_attribute] : (QjValue) { QJ_MISSING };
  const QjFunction *test = NULL;
  if (by_attribute && args->n == 0)
    qj_fail (&r->base, "the name of an attribute is missing");
  if (test_name.kind == QJ_STRING)
    test = qj_find_test (test_name.string->data, test_name.string->size);
  if (test_name.kind != QJ_MISSING && !test)
    qj_fail (&r->base, "a test is not known");
  QjValue list = items_to_choose (r, p[0]);
  uint32_t n = 0;
  for (uint32_t i = 0; i < list.list->n; i++) {
    QjValue item = list.list->items[i];
    QjValue subject = by_attribute ? follow (r, item, args->items[0], (QjValue) { QJ_MISSING }) : item;
    if (qj_truth (r, test ? qj_apply (r, test, &subject, &rest) : subject) == wanted)
      list.list->items[n++] = item;
  }
  list.list->n = n;
  return list;
}

static QjValue
filter_select (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return choose (r, p, args, false, true);
}

static QjValue
filter_reject (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return choose (r, p, args, false, false);
}

static QjValue
filter_selectattr (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return choose (r, p, args, true, true);
}

static QjValue
filter_rejectattr (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return choose (r, p, args, true, false);
}

/* ---- table ----------------------------------------------------------------------------------------------------- */

static const QjFunction filters[] = {
  { "abs", filter_abs, "", 0 },
  { "attr", filter_attr, "name", 1 },
  { "batch", filter_batch, "linecount fill_with", 1 },
  { "capitalize", filter_capitalize, "", 0 },
  { "center", filter_center, "width", 0 },
  { "count", filter_length, "", 0 },
  { "d", filter_default, "default_value boolean", 0 },
  { "default", filter_default, "default_value boolean", 0 },
  { "dictsort", filter_dictsort, "case_sensitive by reverse", 0 },
  { "e", filter_escape, "", 0 },
  { "escape", filter_escape, "", 0 },
  { "first", filter_first, "", 0 },
  { "float", filter_float, "default", 0 },
  { "forceescape", filter_force_escape, "", 0 },
  { "format", filter_format, "*", 0 },
  { "groupby", filter_groupby, "attribute default case_sensitive", 1 },
  { "indent", filter_indent, "width first blank", 0 },
  { "int", filter_int, "default base", 0 },
  { "items", filter_items, "", 0 },
  { "join", filter_join, "d attribute", 0 },
  { "last", filter_last, "", 0 },
  { "length", filter_length, "", 0 },
  { "list", filter_list, "", 0 },
  { "lower", filter_lower, "", 0 },
  { "map", filter_map, "*", 0 },
  { "max", filter_max, "case_sensitive attribute", 0 },
  { "min", filter_min, "case_sensitive attribute", 0 },
  { "reject", filter_reject, "*", 0 },
  { "rejectattr", filter_rejectattr, "*", 0 },
  { "replace", filter_replace, "old new count", 2 },
  { "reverse", filter_reverse, "", 0 },
  { "round", filter_round, "precision method", 0 },
  { "safe", filter_safe, "", 0 },
  { "select", filter_select, "*", 0 },
  { "selectattr", filter_selectattr, "*", 0 },
  { "slice", filter_slice, "slices fill_with", 1 },
  { "sort", filter_sort, "reverse case_sensitive attribute", 0 },
  { "string", filter_string, "", 0 },
  { "sum", filter_sum, "attribute start", 0 },
  { "title", filter_title, "", 0 },
  { "tojson", filter_tojson, "ensure_ascii indent separators sort_keys", 0 },
  { "trim", filter_trim, "chars", 0 },
  { "truncate", filter_truncate, "length killwords end leeway", 0 },
  { "unique", filter_unique, "case_sensitive attribute", 0 },
  { "upper", filter_upper, "", 0 },
  { "wordcount", filter_wordcount, "", 0 },
};

const QjFunction *
qj_find_filter (const char *name, size_t size)
{
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    if (strlen (filters[i].name) == size && memcmp (filters[i].name, name, size) == 0)
      return &filters[i];
  return NULL;
}
