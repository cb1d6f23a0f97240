/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods of strings, dicts and lists. Those that would change a value are known, too, but without a function: the
 * sandbox gives something undefined in their place. */
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const QjString *
text_arg (QjRun *r, QjValue v)
{
  if (v.kind != QJ_STRING)
    qj_fail (&r->base, "%s is given where a text is needed", qj_type_name (v));
  return v.string;
}

static int64_t
integer_arg (QjRun *r, QjValue v, int64_t otherwise)
{
  if (v.kind == QJ_MISSING || v.kind == QJ_NONE)
    return otherwise;
  if (v.kind != QJ_INT && v.kind != QJ_BOOL)
    qj_fail (&r->base, "%s is given where a whole number is needed", qj_type_name (v));
  return qj_integer_of (v);
}

/* What a marked string gives is marked, too. */
static QjValue
marked_like (QjRun *r, const QjString *like, const QjString *s)
{
  if (s->markup == like->markup)
    return qj_string (s);
  QjString *copy = qj_alloc (&r->base, sizeof *copy);
  *copy = *s;
  copy->markup = like->markup;
  return qj_string (copy);
}

/* ---- cases ----------------------------------------------------------------------------------------------------- */

#define CASE_METHOD(name, how)                                                                                         \
  static QjValue name (QjRun *r, const QjValue *p, const QjArgs *args)                                                 \
  {                                                                                                                    \
    return qj_string (qj_change_case (r, p[0].string, how));                                                           \
  }
CASE_METHOD (string_upper, QJ_UPPER)
CASE_METHOD (string_lower, QJ_LOWER)
CASE_METHOD (string_casefold, QJ_CASEFOLD)
CASE_METHOD (string_capitalize, QJ_CAPITALIZE)
CASE_METHOD (string_title, QJ_TITLE)
CASE_METHOD (string_swapcase, QJ_SWAPCASE)

/* ---- white space ----------------------------------------------------------------------------------------------- */

static const QjString *
strip_set (QjRun *r, QjValue v)
{
  return v.kind == QJ_MISSING || v.kind == QJ_NONE ? NULL : text_arg (r, v);
}

static QjValue
string_strip (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_strip (r, p[0].string, strip_set (r, p[1]), true, true));
}

static QjValue
string_lstrip (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_strip (r, p[0].string, strip_set (r, p[1]), true, false));
}

static QjValue
string_rstrip (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_string (qj_strip (r, p[0].string, strip_set (r, p[1]), false, true));
}

static QjValue
pad (QjRun *r, const QjValue *p, bool left, bool right)
{
  const QjString *fill = p[2].kind == QJ_MISSING ? qj_literal (r, " ").string : text_arg (r, p[2]);
  int64_t length = (int64_t) qj_n_chars (p[0].string), width = integer_arg (r, p[1], 0);
  int64_t missing = width > length ? width - length : 0;
  if (qj_n_chars (fill) != 1)
    qj_fail (&r->base, "a text is filled up with one character");
  int64_t before = left && right ? missing / 2 + (missing & width & 1) : left ? missing : 0;
  QjBuilder b = qj_builder (r);
  qj_add_fill (&b, fill, before);
  qj_add_string (&b, p[0].string);
  qj_add_fill (&b, fill, missing - before);
  return marked_like (r, p[0].string, qj_finish (&b));
}

static QjValue
string_center (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return pad (r, p, true, true);
}
static QjValue
string_ljust (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return pad (r, p, false, true);
}
static QjValue
string_rjust (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return pad (r, p, true, false);
}

static QjValue
string_zfill (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = p[0].string;
  int64_t missing = integer_arg (r, p[1], 0) - (int64_t) qj_n_chars (s);
  size_t sign = s->size > 0 && (s->data[0] == '+' || s->data[0] == '-');
  QjBuilder b = qj_builder (r);
  qj_add_part (&b, s, 0, sign);
  qj_add_fill (&b, qj_literal (r, "0").string, missing);
  qj_add_part (&b, s, sign, s->size);
  return marked_like (r, s, qj_finish (&b));
}

/* ---- searching ------------------------------------------------------------------------------------------------- */

/* Narrows to characters [start, stop) as slices do; false when nothing can be there (start is past the end). */
static bool
narrow (QjRun *r, const QjValue *p, size_t *start, size_t *end)
{
  const QjString *s = p[0].string;
  int64_t n = (int64_t) qj_n_chars (s), from = integer_arg (r, p[2], 0), to = integer_arg (r, p[3], n);
  from = from < 0 ? (from + n < 0 ? 0 : from + n) : from;
  to = to < 0 ? (to + n < 0 ? 0 : to + n) : to > n ? n : to;
  *start = qj_byte_offset (s, (size_t) (from > n ? n : from));
  *end = qj_byte_offset (s, (size_t) to);
  return from <= to && from <= n;
}

/* The byte where a part is found in what is left after narrowing; -1: nowhere. */
static int64_t
find (QjRun *r, const QjValue *p, bool last)
{
  const QjString *s = p[0].string, *part = text_arg (r, p[1]);
  size_t start, end;
  int64_t found = -1;
  qj_steps (r, s->size / 16);
  if (!narrow (r, p, &start, &end) || end - start < part->size)
    return -1;
  if (!last) {
    const char *at = memmem (s->data + start, end - start, part->data, part->size);
    return at ? at - s->data : -1;
  }
  qj_steps (r, (size_t) part->size * 4);
  for (size_t at = end - part->size + 1; at-- > start && found < 0;) {
    if (s->data[at] != (part->size ? part->data[0] : s->data[at]))
      continue;
    qj_steps (r, part->size / 16);
    if (memcmp (s->data + at, part->data, part->size) == 0)
      found = (int64_t) at;
  }
  return found;
}

static QjValue
char_index (QjRun *r, const QjValue *p, bool last, bool must)
{
  int64_t at = find (r, p, last);
  if (at < 0 && must)
    qj_fail (&r->base, "a text is not found in another");
  return qj_int (at < 0 ? -1 : (int64_t) qj_n_chars (qj_substring (r, p[0].string, 0, (size_t) at)));
}

static QjValue
string_find (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return char_index (r, p, false, false);
}
static QjValue
string_rfind (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return char_index (r, p, true, false);
}
static QjValue
string_index (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return char_index (r, p, false, true);
}
static QjValue
string_rindex (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return char_index (r, p, true, true);
}

static QjValue
string_count (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = p[0].string, *part = text_arg (r, p[1]);
  size_t start, end;
  int64_t n = 0;
  qj_steps (r, s->size / 16);
  if (!narrow (r, p, &start, &end))
    return qj_int (0);
  if (part->size == 0)
    return qj_int ((int64_t) qj_n_chars (qj_substring (r, s, start, end)) + 1);
  for (const char *at; (at = memmem (s->data + start, end - start, part->data, part->size)); n++)
    start = (size_t) (at - s->data) + part->size;
  return qj_int (n);
}

static bool
has_affix (const QjString *s, size_t start, size_t end, const QjString *affix, bool at_end)
{
  return end - start >= affix->size
         && memcmp (s->data + (at_end ? end - affix->size : start), affix->data, affix->size) == 0;
}

/* startswith and endswith: one text, or a tuple of which one is enough. */
static QjValue
match_affix (QjRun *r, const QjValue *p, bool at_end)
{
  size_t start, end;
  bool can_be = narrow (r, p, &start, &end), found = false;
  if (p[1].kind != QJ_TUPLE)
    return qj_bool (can_be && has_affix (p[0].string, start, end, text_arg (r, p[1]), at_end));
  for (uint32_t i = 0; i < p[1].list->n && can_be && !found; i++)
    found = has_affix (p[0].string, start, end, text_arg (r, p[1].list->items[i]), at_end);
  return qj_bool (found);
}

static QjValue
string_startswith (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return match_affix (r, p, false);
}
static QjValue
string_endswith (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return match_affix (r, p, true);
}

static QjValue
string_removeprefix (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = p[0].string, *prefix = text_arg (r, p[1]);
  return qj_string (has_affix (s, 0, s->size, prefix, false) ? qj_substring (r, s, prefix->size, s->size) : s);
}

static QjValue
string_removesuffix (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = p[0].string, *suffix = text_arg (r, p[1]);
  return qj_string (has_affix (s, 0, s->size, suffix, true) ? qj_substring (r, s, 0, s->size - suffix->size) : s);
}

/* ---- splitting and joining ------------------------------------------------------------------------------------- */

typedef struct {
  QjRun *r;
  const QjString *s;
  QjValue list;
  size_t capacity;
} Pieces;

static void
add_piece (Pieces *out, size_t start, size_t end)
{
  QjList *list = out->list.list;
  list->items = qj_grow (&out->r->base, list->items, list->n, &out->capacity, sizeof *list->items);
  qj_steps (out->r, 2);
  list->items[list->n++] = qj_string (qj_substring (out->r, out->s, start, end));
}

static bool
space_at (const QjString *s, size_t at, size_t *length)
{
  uint32_t c;
  qe_utf8_next (s->data + at, s->size - at, &c, length);
  return qj_is_space (c);
}

/* The character that ends at `end`. */
static size_t
char_before (const QjString *s, size_t end)
{
  do
    end--;
  while (end > 0 && ((uint8_t) s->data[end] & 0xc0) == 0x80);
  return end;
}

static QjValue
split (QjRun *r, const QjValue *p, bool back)
{
  const QjString *s = p[0].string;
  Pieces out = { r, s, qj_list_new (r, QJ_LIST, 0), 0 };
  const QjString *separator = p[1].kind == QJ_MISSING || p[1].kind == QJ_NONE ? NULL : text_arg (r, p[1]);
  int64_t max = integer_arg (r, p[2], -1);
  qj_steps (r, s->size / 16);
  if (separator && separator->size == 0)
    qj_fail (&r->base, "a text is split at an empty one");
  if (!separator && back) {
    size_t end = s->size, length;
    for (;;) {
      while (end > 0 && space_at (s, char_before (s, end), &length))
        end = char_before (s, end);
      if (end == 0)
        break;
      size_t start = end;
      if (max-- == 0) {
        add_piece (&out, 0, end);
        break;
      }
      while (start > 0 && !space_at (s, char_before (s, start), &length))
        start = char_before (s, start);
      add_piece (&out, start, end);
      end = start;
    }
  } else if (!separator) {
    size_t at = 0, length;
    for (;;) {
      while (at < s->size && space_at (s, at, &length))
        at += length;
      if (at == s->size)
        break;
      size_t start = at;
      if (max-- == 0) {
        add_piece (&out, start, s->size);
        break;
      }
      while (at < s->size && !space_at (s, at, &length))
        at += length;
      add_piece (&out, start, at);
    }
  } else if (back) {
    size_t end = s->size;
    while (max != 0) {
      QjValue q[4] = { qj_string (qj_substring (r, s, 0, end)), qj_string (separator) };
      int64_t found = find (r, q, true);
      if (found < 0)
        break;
      add_piece (&out, (size_t) found + separator->size, end);
      end = (size_t) found;
      max--;
    }
    add_piece (&out, 0, end);
  } else {
    size_t at = 0;
    for (const char *found; max != 0 && (found = qj_find (s, separator, at)); max--) {
      add_piece (&out, at, (size_t) (found - s->data));
      at = (size_t) (found - s->data) + separator->size;
    }
    add_piece (&out, at, s->size);
  }
  QjList *list = out.list.list;
  for (uint32_t i = 0; back && i < list->n / 2; i++) {
    QjValue swap = list->items[i];
    list->items[i] = list->items[list->n - 1 - i];
    list->items[list->n - 1 - i] = swap;
  }
  return out.list;
}

static QjValue
string_split (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return split (r, p, false);
}
static QjValue
string_rsplit (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return split (r, p, true);
}

static QjValue
string_splitlines (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_split_lines (r, p[0].string, qj_truth (r, p[1]));
}

static QjValue
partition (QjRun *r, const QjValue *p, bool last)
{
  const QjString *s = p[0].string, *separator = text_arg (r, p[1]);
  QjValue parts = qj_list_new (r, QJ_TUPLE, 3), q[4] = { p[0], p[1] };
  if (separator->size == 0)
    qj_fail (&r->base, "a text is split at an empty one");
  int64_t at = find (r, q, last);
  size_t start = at >= 0 ? (size_t) at : last ? 0 : s->size, end = at >= 0 ? start + separator->size : start;
  parts.list->items[0] = qj_string (qj_substring (r, s, 0, start));
  parts.list->items[1] = qj_string (qj_substring (r, s, start, end));
  parts.list->items[2] = qj_string (qj_substring (r, s, end, s->size));
  return parts;
}

static QjValue
string_partition (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return partition (r, p, false);
}
static QjValue
string_rpartition (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return partition (r, p, true);
}

static QjValue
string_replace (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *old = text_arg (r, p[1]), *new = text_arg (r, p[2]);
  if (p[0].string->markup) {
    old = qj_escape (r, old);
    new = qj_escape (r, new);
  }
  return marked_like (r, p[0].string, qj_replace (r, p[0].string, old, new, integer_arg (r, p[3], -1)));
}

static QjValue
string_join (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *separator = p[0].string;
  QjBuilder b = qj_builder (r);
  QjIterator it;
  QjValue item;
  bool first = true;
  qj_iterate (r, &it, p[1]);
  for (; qj_next (r, &it, &item); first = false) {
    if (!first)
      qj_add_string (&b, separator);
    const QjString *s = text_arg (r, item);
    qj_add_string (&b, separator->markup ? qj_escape (r, s) : s);
  }
  return marked_like (r, separator, qj_finish (&b));
}

/* "{} {0} {name}", without the finer points of Python's format(). */
static QjValue
string_format (QjRun *r, const QjValue *p, const QjArgs *args)
{
  const QjString *s = p[0].string;
  QjBuilder b = qj_builder (r);
  uint32_t next = 0;
  for (size_t i = 0; i < s->size; i++) {
    if (s->data[i] != '{' && s->data[i] != '}') {
      size_t start = i;
      while (i + 1 < s->size && s->data[i + 1] != '{' && s->data[i + 1] != '}')
        i++;
      qj_add_part (&b, s, start, i + 1);
      continue;
    }
    if (i + 1 < s->size && s->data[i + 1] == s->data[i]) {
      qj_add_part (&b, s, i, i + 1);
      i++;
      continue;
    }
    const char *close = s->data[i] == '{' ? memchr (s->data + i, '}', s->size - i) : NULL;
    if (!close)
      qj_fail (&r->base, "a brace in format() has no partner");
    const QjString *name = qj_substring (r, s, i + 1, (size_t) (close - s->data));
    bool is_number = name->size > 0 && name->size < 6;
    for (uint32_t k = 0; k < name->size; k++)
      is_number = is_number && name->data[k] >= '0' && name->data[k] <= '9';
    const QjValue *v = NULL;
    if (name->size == 0 || is_number) {
      uint32_t at = 0;
      for (uint32_t k = 0; k < name->size; k++)
        at = at * 10 + (uint32_t) (name->data[k] - '0');
      at = is_number ? at : next++;
      v = at < args->n ? &args->items[at] : NULL;
    }
    for (uint32_t k = 0; k < args->n_keywords && !v; k++)
      v = qj_strings_equal (args->keywords[k].name, name) ? &args->keywords[k].value : NULL;
    if (!v)
      qj_fail (&r->base, "format() has no value for “{%.*s}”", (int) (name->size < 60 ? name->size : 60), name->data);
    qj_add_value (&b, *v);
    i = (size_t) (close - s->data);
  }
  return marked_like (r, s, qj_finish (&b));
}

/* ---- what a text is made of -------------------------------------------------------------------------------------- */

/* A bit for each of utf8proc's categories. */
#define LETTERS 0x3eu /* Lu Ll Lt Lm Lo */
#define DECIMALS (1u << UTF8PROC_CATEGORY_ND)
#define NUMBERS (DECIMALS | 1u << UTF8PROC_CATEGORY_NL | 1u << UTF8PROC_CATEGORY_NO)

static QjValue
made_of (QjRun *r, const QjString *s, unsigned categories)
{
  size_t length;
  uint32_t c;
  qj_steps (r, s->size / 8);
  for (size_t i = 0; i < s->size; i += length) {
    qe_utf8_next (s->data + i, s->size - i, &c, &length);
    if (!(categories >> utf8proc_category ((utf8proc_int32_t) c) & 1))
      return qj_bool (false);
  }
  return qj_bool (s->size > 0);
}

static QjValue
string_isalpha (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return made_of (r, p[0].string, LETTERS);
}
static QjValue
string_isalnum (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return made_of (r, p[0].string, LETTERS | NUMBERS);
}
static QjValue
string_isdigit (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return made_of (r, p[0].string, DECIMALS);
}
static QjValue
string_isnumeric (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return made_of (r, p[0].string, NUMBERS);
}

static QjValue
string_isspace (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (p[0].string->size > 0 && qj_strip (r, p[0].string, NULL, true, false)->size == 0);
}

static QjValue
string_isascii (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_bool (qj_n_chars (p[0].string) == p[0].string->size);
}

static QjValue
string_islower (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_apply (r, qj_find_test ("lower", 5), &p[0], &(QjArgs) { 0 });
}

static QjValue
string_isupper (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return qj_apply (r, qj_find_test ("upper", 5), &p[0], &(QjArgs) { 0 });
}

/* ---- dicts and lists ------------------------------------------------------------------------------------------- */

static QjValue
dict_get (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjEntry *e = qj_dict_find (r, p[0].dict, p[1]);
  return e ? e->value : p[2].kind == QJ_MISSING ? qj_none () : p[2];
}

static QjValue
dict_items (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue items = qj_list_new (r, QJ_ITEMS, p[0].dict->n);
  for (size_t i = 0; i < p[0].dict->n; i++)
    items.list->items[i] = qj_pair (r, p[0].dict->entries[i].key, p[0].dict->entries[i].value);
  return items;
}

static QjValue
dict_keys (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue keys = qj_list_new (r, QJ_KEYS, p[0].dict->n);
  for (size_t i = 0; i < p[0].dict->n; i++)
    keys.list->items[i] = p[0].dict->entries[i].key;
  return keys;
}

static QjValue
dict_values (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjValue values = qj_list_new (r, QJ_VALUES, p[0].dict->n);
  for (size_t i = 0; i < p[0].dict->n; i++)
    values.list->items[i] = p[0].dict->entries[i].value;
  return values;
}

static QjValue
copy_itself (QjRun *r, const QjValue *p, const QjArgs *args)
{
  return p[0]; /* nothing can change either */
}

static QjValue
list_count (QjRun *r, const QjValue *p, const QjArgs *args)
{
  int64_t n = 0;
  for (uint32_t i = 0; i < p[0].list->n; i++)
    n += qj_equal (r, p[0].list->items[i], p[1]);
  return qj_int (n);
}

static QjValue
list_index (QjRun *r, const QjValue *p, const QjArgs *args)
{
  for (uint32_t i = 0; i < p[0].list->n; i++)
    if (qj_equal (r, p[0].list->items[i], p[1]))
      return qj_int (i);
  qj_fail (&r->base, "a list has no such item");
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static const QjFunction string_methods[] = {
  { "capitalize", string_capitalize, "", 0, true },
  { "casefold", string_casefold, "", 0, true },
  { "center", string_center, "width fillchar", 1, true },
  { "count", string_count, "sub start end", 1, true },
  { "endswith", string_endswith, "suffix start end", 1, true },
  { "find", string_find, "sub start end", 1, true },
  { "format", string_format, "*", 0 },
  { "index", string_index, "sub start end", 1, true },
  { "isalnum", string_isalnum, "", 0, true },
  { "isalpha", string_isalpha, "", 0, true },
  { "isascii", string_isascii, "", 0, true },
  { "isdecimal", string_isdigit, "", 0, true },
  { "isdigit", string_isdigit, "", 0, true },
  { "islower", string_islower, "", 0, true },
  { "isnumeric", string_isnumeric, "", 0, true },
  { "isspace", string_isspace, "", 0, true },
  { "isupper", string_isupper, "", 0, true },
  { "join", string_join, "iterable", 1, true },
  { "ljust", string_ljust, "width fillchar", 1, true },
  { "lower", string_lower, "", 0, true },
  { "lstrip", string_lstrip, "chars", 0, true },
  { "partition", string_partition, "sep", 1, true },
  { "removeprefix", string_removeprefix, "prefix", 1, true },
  { "removesuffix", string_removesuffix, "suffix", 1, true },
  { "replace", string_replace, "old new count", 2, true },
  { "rfind", string_rfind, "sub start end", 1, true },
  { "rindex", string_rindex, "sub start end", 1, true },
  { "rjust", string_rjust, "width fillchar", 1, true },
  { "rpartition", string_rpartition, "sep", 1, true },
  { "rsplit", string_rsplit, "sep maxsplit", 0 },
  { "rstrip", string_rstrip, "chars", 0, true },
  { "split", string_split, "sep maxsplit", 0 },
  { "splitlines", string_splitlines, "keepends", 0 },
  { "startswith", string_startswith, "prefix start end", 1, true },
  { "strip", string_strip, "chars", 0, true },
  { "swapcase", string_swapcase, "", 0, true },
  { "title", string_title, "", 0, true },
  { "upper", string_upper, "", 0, true },
  { "zfill", string_zfill, "width", 1, true },
  { NULL },
};

static const QjFunction dict_methods[] = {
  { "copy", copy_itself, "", 0, true },
  { "get", dict_get, "key default", 1, true },
  { "items", dict_items, "", 0, true },
  { "keys", dict_keys, "", 0, true },
  { "values", dict_values, "", 0, true },
  { "clear" },
  { "pop" },
  { "popitem" },
  { "setdefault" },
  { "update" },
  { NULL },
};

static const QjFunction list_methods[] = {
  { "copy", copy_itself, "", 0, true },
  { "count", list_count, "value", 1, true },
  { "index", list_index, "value", 1, true },
  { "append" },
  { "clear" },
  { "extend" },
  { "insert" },
  { "pop" },
  { "remove" },
  { "reverse" },
  { "sort" },
  { NULL },
};

static const QjFunction tuple_methods[] = {
  { "count", list_count, "value", 1, true },
  { "index", list_index, "value", 1, true },
  { NULL },
};

const QjFunction *
qj_find_method (QjKind kind, const QjString *name)
{
  const QjFunction *f = kind == QJ_STRING  ? string_methods
                        : kind == QJ_DICT  ? dict_methods
                        : kind == QJ_LIST  ? list_methods
                        : kind == QJ_TUPLE ? tuple_methods
                        : kind == QJ_LOOP  ? qj_loop_methods
                                           : NULL;
  for (; f && f->name; f++)
    if (qj_string_is (name, f->name))
      return f;
  return NULL;
}
