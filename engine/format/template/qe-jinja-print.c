/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as text: Python's str() and repr(), and json.dumps(). Brackets, quotes and commas around data count as data:
 * no special token is made of them, and long texts keep few spans. */
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static void
add_mark (QjBuilder *b, const char *text)
{
  qj_add (b, text, strlen (text), true);
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

/* As Python's repr(): the fewest digits, an exponent below 1e-4 and from 1e16 on. */
size_t
qj_print_float (char out[40], double d)
{
  char digits[20], text[40];
  int exponent;
  const char *sign = signbit (d) && !isnan (d) ? "-" : "";
  if (isnan (d) || isinf (d))
    return (size_t) snprintf (out, 40, "%s%s", sign, isnan (d) ? "nan" : "inf");
  /* The fewest digits that give the same number again, and the exponent of the first one. */
  for (int precision = 0; precision <= 16; precision++) {
    snprintf (text, sizeof text, "%.*e", precision, fabs (d));
    if (strtod (text, NULL) == fabs (d))
      break;
  }
  char *e = strchr (text, 'e');
  int n = 0;
  for (char *p = text; p < e; p++)
    if (*p >= '0' && *p <= '9')
      digits[n++] = *p;
  digits[n] = '\0';
  exponent = (int) strtol (e + 1, NULL, 10);
  if (d == 0)
    return (size_t) snprintf (out, 40, "%s0.0", sign);
  if (exponent < -4 || exponent >= 16)
    return (size_t) snprintf (out, 40, "%s%.1s%s%se%c%02d", sign, digits, n > 1 ? "." : "", digits + 1,
                              exponent < 0 ? '-' : '+', abs (exponent));
  if (exponent < 0)
    return (size_t) snprintf (out, 40, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
  if (n <= exponent + 1)
    return (size_t) snprintf (out, 40, "%s%s%.*s.0", sign, digits, exponent + 1 - n, "0000000000000000");
  return (size_t) snprintf (out, 40, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}

static void
add_number (QjBuilder *b, QjValue v, bool plain)
{
  char text[40];
  if (v.kind == QJ_BIG)
    qj_add (b, v.string->data, v.string->size, plain);
  else if (v.kind == QJ_FLOAT)
    qj_add (b, text, qj_print_float (text, v.number), plain);
  else
    qj_add (b, text, (size_t) snprintf (text, sizeof text, "%" PRId64, v.integer), plain);
}

/* ---- Python ---------------------------------------------------------------------------------------------------- */

static void
add_string_repr (QjBuilder *b, const QjString *s)
{
  bool single = memchr (s->data, '\'', s->size), twice = memchr (s->data, '"', s->size);
  char quote = single && !twice ? '"' : '\'', marks[2] = { quote, '\0' }, escape[12];
  size_t length, at = 0;
  uint32_t c;
  qj_steps (b->run, s->size / 8);
  if (s->markup)
    add_mark (b, "Markup(");
  add_mark (b, marks);
  for (size_t i = 0; i < s->size; i += length) {
    qe_utf8_next (s->data + i, s->size - i, &c, &length);
    /* The escape of the character, or "" when it stands for itself. */
    const utf8proc_category_t category = utf8proc_category ((utf8proc_int32_t) c);
    const bool is_unprintable = category == UTF8PROC_CATEGORY_CN
                                || (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_CO);
    escape[0] = '\0';
    if (c == '\\' || c == (uint32_t) quote)
      snprintf (escape, sizeof escape, "\\%c", (char) c);
    else if (c == '\n' || c == '\r' || c == '\t')
      snprintf (escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c != ' ' && is_unprintable)
      snprintf (escape, sizeof escape, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned) c);
    if (!escape[0])
      continue;
    qj_add_part (b, s, at, i);
    add_mark (b, escape);
    at = i + length;
  }
  qj_add_part (b, s, at, s->size);
  add_mark (b, marks);
  if (s->markup)
    add_mark (b, ")");
}

static void
add_list_repr (QjBuilder *b, QjValue v, const char *opening, const char *closing)
{
  add_mark (b, opening);
  for (uint32_t i = 0; i < v.list->n; i++) {
    add_mark (b, i > 0 ? ", " : "");
    qj_add_repr (b, v.list->items[i]);
  }
  add_mark (b, v.kind == QJ_TUPLE && v.list->n == 1 ? "," : "");
  add_mark (b, closing);
}

static void
add_dict_repr (QjBuilder *b, const QjDict *dict)
{
  add_mark (b, "{");
  for (size_t i = 0; i < dict->n; i++) {
    add_mark (b, i > 0 ? ", " : "");
    qj_add_repr (b, dict->entries[i].key);
    add_mark (b, ": ");
    qj_add_repr (b, dict->entries[i].value);
  }
  add_mark (b, "}");
}

void
qj_add_repr (QjBuilder *b, QjValue v)
{
  qj_enter (b->run);
  switch (v.kind) {
  case QJ_MISSING: break;
  case QJ_UNDEFINED: qj_add_text (b, "Undefined"); break;
  case QJ_NONE: qj_add_text (b, "None"); break;
  case QJ_BOOL: qj_add_text (b, v.boolean ? "True" : "False"); break;
  case QJ_INT:
  case QJ_FLOAT:
  case QJ_BIG: add_number (b, v, false); break;
  case QJ_STRING: add_string_repr (b, v.string); break;
  case QJ_LIST: add_list_repr (b, v, "[", "]"); break;
  case QJ_TUPLE: add_list_repr (b, v, "(", ")"); break;
  case QJ_ITEMS: add_list_repr (b, v, "dict_items([", "])"); break;
  case QJ_KEYS: add_list_repr (b, v, "dict_keys([", "])"); break;
  case QJ_VALUES: add_list_repr (b, v, "dict_values([", "])"); break;
  case QJ_DICT: add_dict_repr (b, v.dict); break;
  case QJ_RANGE: {
    char text[100];
    int n = snprintf (text, sizeof text, "range(%" PRId64 ", %" PRId64, v.range->start, v.range->stop);
    if (v.range->step != 1)
      n += snprintf (text + n, sizeof text - (size_t) n, ", %" PRId64, v.range->step);
    snprintf (text + n, sizeof text - (size_t) n, ")");
    qj_add_text (b, text);
  } break;
  case QJ_NAMESPACE:
    qj_add_text (b, "<Namespace ");
    add_dict_repr (b, v.dict);
    qj_add_text (b, ">");
    break;
  case QJ_MACRO:
    qj_add_text (b, "<Macro ");
    add_string_repr (b, v.macro->signature->name);
    qj_add_text (b, ">");
    break;
  case QJ_GENERATOR: qj_add_text (b, "<generator object>"); break;
  case QJ_LOOP: qj_add_text (b, "<LoopContext>"); break;
  default: qj_add_text (b, "<function>");
  }
  qj_leave (b->run);
}

void
qj_add_value (QjBuilder *b, QjValue v)
{
  if (v.kind == QJ_STRING)
    qj_add_string (b, v.string);
  else if (v.kind != QJ_UNDEFINED)
    qj_add_repr (b, v);
}

const QjString *
qj_str (QjRun *r, QjValue v)
{
  QjBuilder b = qj_builder (r);
  if (v.kind == QJ_STRING)
    return v.string;
  qj_add_value (&b, v);
  return qj_finish (&b);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void
add_json_string (QjBuilder *b, const QjString *s, bool ascii)
{
  static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
  char escape[16];
  size_t length, at = 0;
  uint32_t c;
  qj_steps (b->run, s->size / 8);
  add_mark (b, "\"");
  for (size_t i = 0; i < s->size; i += length) {
    c = (uint8_t) s->data[i];
    length = 1;
    if (c >= 0x80)
      qe_utf8_next (s->data + i, s->size - i, &c, &length);
    if (c >= 0x20 && c != '"' && c != '\\' && !(ascii && c >= 0x7f))
      continue;
    /* The escape of the character, or "" when it stands for itself. */
    const char *found = c > 0 && c < 128 ? strchr (values, (int) c) : NULL;
    escape[0] = '\0';
    if (found)
      snprintf (escape, sizeof escape, "\\%c", names[found - values]);
    else if (c < 0x20 || (ascii && c > 0x7e && c < 0x10000))
      snprintf (escape, sizeof escape, "\\u%04x", (unsigned) c);
    else if (ascii && c >= 0x10000)
      snprintf (escape, sizeof escape, "\\u%04x\\u%04x", (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
                (unsigned) (0xdc00 + ((c - 0x10000) & 0x3ff)));
    if (!escape[0])
      continue;
    qj_add_part (b, s, at, i);
    add_mark (b, escape);
    at = i + length;
  }
  qj_add_part (b, s, at, s->size);
  add_mark (b, "\"");
}

/* A line end and the indentation of a level, where there is any. */
static void
add_line (QjBuilder *b, const QjJsonStyle *style, unsigned level)
{
  if (!style->indent)
    return;
  add_mark (b, "\n");
  qj_add_fill (b, style->indent, level);
}

static void add_json (QjBuilder *b, QjValue v, const QjJsonStyle *style, unsigned level);

static void
add_json_dict (QjBuilder *b, const QjDict *dict, const QjJsonStyle *style, unsigned level)
{
  QjRun *r = b->run;
  QjValue *order = qj_alloc (&r->base, 2 * dict->n * sizeof *order), *keys = order + dict->n;
  for (size_t i = 0; i < dict->n; i++) {
    order[i] = qj_int ((int64_t) i);
    keys[i] = dict->entries[i].key;
  }
  if (style->sort_keys)
    qj_sort (r, order, keys, dict->n, false);
  add_mark (b, "{");
  for (size_t i = 0; i < dict->n; i++) {
    const QjEntry *e = &dict->entries[order[i].integer];
    if (i > 0)
      qj_add (b, style->item_separator->data, style->item_separator->size, true);
    add_line (b, style, level + 1);
    if (e->key.kind == QJ_STRING) {
      add_json_string (b, e->key.string, style->ascii);
    } else {
      if (e->key.kind != QJ_NONE && e->key.kind != QJ_BIG && !qj_is_number (e->key))
        qj_fail (&b->run->base, "%s cannot be a key in JSON", qj_type_name (e->key));
      add_mark (b, "\"");
      add_json (b, e->key, style, 0);
      add_mark (b, "\"");
    }
    qj_add (b, style->key_separator->data, style->key_separator->size, true);
    add_json (b, e->value, style, level + 1);
  }
  if (dict->n > 0)
    add_line (b, style, level);
  add_mark (b, "}");
}

static void
add_json (QjBuilder *b, QjValue v, const QjJsonStyle *style, unsigned level)
{
  qj_enter (b->run);
  qj_steps (b->run, 1);
  switch (v.kind) {
  case QJ_NONE: add_mark (b, "null"); break;
  case QJ_BOOL: add_mark (b, v.boolean ? "true" : "false"); break;
  case QJ_FLOAT:
    if (isnan (v.number) || isinf (v.number))
      add_mark (b, isnan (v.number) ? "NaN" : v.number > 0 ? "Infinity" : "-Infinity");
    else
      add_number (b, v, true);
    break;
  case QJ_INT:
  case QJ_BIG: add_number (b, v, true); break;
  case QJ_STRING: add_json_string (b, v.string, style->ascii); break;
  case QJ_LIST:
  case QJ_TUPLE: {
    add_mark (b, "[");
    for (uint32_t i = 0; i < v.list->n; i++) {
      if (i > 0)
        qj_add (b, style->item_separator->data, style->item_separator->size, true);
      add_line (b, style, level + 1);
      add_json (b, v.list->items[i], style, level + 1);
    }
    if (v.list->n > 0)
      add_line (b, style, level);
    add_mark (b, "]");
  } break;
  case QJ_DICT: add_json_dict (b, v.dict, style, level); break;
  default: qj_fail (&b->run->base, "%s cannot be written as JSON", qj_type_name (v));
  }
  qj_leave (b->run);
}

void
qj_add_json (QjBuilder *b, QjValue v, const QjJsonStyle *style)
{
  add_json (b, v, style, 0);
}
