/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-json.h"
#include "qe-error.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 100

typedef struct {
  QeJson *json;
  const char *at, *end;
} Parser;

/* ---- parse ----------------------------------------------------------------------------------------------------- */

static void
skip_space (Parser *p)
{
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
    p->at++;
}

static bool
accept (Parser *p, char c)
{
  skip_space (p);
  if (p->at == p->end || *p->at != c)
    return false;
  p->at++;
  return true;
}

static bool
parse_hex (Parser *p, uint32_t *out)
{
  *out = 0;
  if (p->end - p->at < 4)
    return false;
  for (int i = 0; i < 4; i++) {
    char c = *p->at++;
    uint32_t digit = c >= '0' && c <= '9'                     ? (uint32_t) (c - '0')
                     : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (uint32_t) ((c | 0x20) - 'a' + 10)
                                                              : 16;
    if (digit == 16)
      return false;
    *out = *out * 16 + digit;
  }
  return true;
}

/* After the opening quote. The decoded text goes to strings. */
static bool
parse_string (Parser *p, size_t *start, size_t *length)
{
  QeBuffer *strings = &p->json->strings;
  *start = strings->size;
  for (;;) {
    const char *run = p->at;
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && (uint8_t) *p->at >= 0x20)
      p->at++;
    qe_buffer_add (strings, run, (size_t) (p->at - run));
    if (p->at == p->end || (uint8_t) *p->at < 0x20)
      return false;
    if (*p->at++ == '"')
      break;
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (p->at == p->end)
      return false;
    char c = *p->at++;
    const char *found = c ? strchr (names, c) : NULL;
    if (found) {
      qe_buffer_add (strings, &values[found - names], 1);
      continue;
    }
    /* One code point follows, or two escapes for one past U+FFFF. */
    uint32_t point, low;
    char bytes[4];
    if (c != 'u' || !parse_hex (p, &point))
      return false;
    if (point >= 0xd800 && point < 0xdc00 && p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u') {
      const char *before = p->at;
      p->at += 2;
      if (!parse_hex (p, &low))
        return false;
      if (low >= 0xdc00 && low < 0xe000)
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      else
        p->at = before;
    }
    if (point >= 0xd800 && point < 0xe000)
      point = 0xfffd;
    qe_buffer_add (strings, bytes, qe_utf8_put (bytes, point));
  }
  *length = strings->size - *start;
  qe_buffer_add (strings, "", 1);
  return true;
}

static bool
skip_digits (Parser *p)
{
  const char *before = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
    p->at++;
  return p->at > before;
}

static bool
parse_value (Parser *p, int depth, size_t key, size_t key_length)
{
  QeJson *json = p->json;
  if (json->n_values == json->capacity) {
    size_t capacity = json->capacity * 2 + 16;
    QeJsonValue *values = realloc (json->values, capacity * sizeof *values);
    if (!values) {
      json->strings.failed = true;
      return false;
    }
    json->values = values;
    json->capacity = capacity;
  }
  const size_t i = json->n_values++;
  json->values[i] = (QeJsonValue) { 0 };
  skip_space (p);
  if (depth > MAX_DEPTH || p->at == p->end)
    return false;
  QeJsonValue value = { .key = key, .key_length = key_length };
  bool ok = true;
  char c = *p->at;
  if (c == '{' || c == '[') {
    p->at++;
    value.kind = c == '{' ? QE_JSON_OBJECT : QE_JSON_ARRAY;
    const char closing = c == '{' ? '}' : ']';
    if (!accept (p, closing)) {
      do {
        size_t own_key = 0, own_length = 0;
        if (c == '{' && (!accept (p, '"') || !parse_string (p, &own_key, &own_length) || !accept (p, ':')))
          return false;
        if (!parse_value (p, depth + 1, own_key, own_length))
          return false;
      } while (accept (p, ','));
      ok = accept (p, closing);
    }
  } else if (c == '"') {
    p->at++;
    value.kind = QE_JSON_STRING;
    ok = parse_string (p, &value.text, &value.text_length);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    value.kind = QE_JSON_NUMBER;
    const char *first = p->at;
    if (*p->at == '-')
      p->at++;
    const char *digits = p->at;
    if (!skip_digits (p) || (*digits == '0' && p->at - digits > 1))
      return false;
    if (p->at < p->end && *p->at == '.' && (p->at++, !skip_digits (p)))
      return false;
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
      p->at++;
      if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
        p->at++;
      if (!skip_digits (p))
        return false;
    }
    value.text = p->json->strings.size;
    value.text_length = (size_t) (p->at - first);
    qe_buffer_add (&p->json->strings, first, value.text_length);
    qe_buffer_add (&p->json->strings, "", 1);
  } else {
    value.kind = c == 't' ? QE_JSON_TRUE : c == 'f' ? QE_JSON_FALSE : QE_JSON_NULL;
    const char *word = c == 't' ? "true" : c == 'f' ? "false" : "null";
    size_t n = strlen (word);
    ok = (size_t) (p->end - p->at) >= n && memcmp (p->at, word, n) == 0;
    p->at += ok ? n : 0;
  }
  value.end = p->json->n_values;
  p->json->values[i] = value;
  return ok;
}

QeStatus
qe_json_parse (QeJson *out, const char *text, size_t length, QeError *err)
{
  *out = (QeJson) { 0 };
  Parser p = { out, text, text + length };
  bool ok = parse_value (&p, 0, 0, 0);
  skip_space (&p);
  if (ok && p.at == p.end && !out->strings.failed)
    return QE_OK;
  bool no_memory = out->strings.failed;
  qe_json_clear (out);
  if (no_memory)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to read a JSON text.");
  return qe_fail (err, QE_ERROR_FORMAT, "This is not valid JSON: there is a mistake at byte %zu.",
                  (size_t) (p.at - text));
}

void
qe_json_clear (QeJson *json)
{
  free (json->values);
  qe_buffer_clear (&json->strings);
  *json = (QeJson) { 0 };
}

/* ---- look ------------------------------------------------------------------------------------------------------ */

size_t
qe_json_first (const QeJson *json, size_t parent)
{
  bool has_items = json->values[parent].kind >= QE_JSON_ARRAY && json->values[parent].end > parent + 1;
  return has_items ? parent + 1 : QE_JSON_NONE;
}

size_t
qe_json_next (const QeJson *json, size_t parent, size_t i)
{
  size_t next = json->values[i].end;
  return next < json->values[parent].end ? next : QE_JSON_NONE;
}

size_t
qe_json_member (const QeJson *json, size_t object, const char *key)
{
  size_t found = QE_JSON_NONE, length;
  if (json->values[object].kind != QE_JSON_OBJECT)
    return found;
  for (size_t i = qe_json_first (json, object); i != QE_JSON_NONE; i = qe_json_next (json, object, i)) {
    const char *name = qe_json_key (json, i, &length);
    if (length == strlen (key) && memcmp (name, key, length) == 0)
      found = i;
  }
  return found;
}

static const char *
string_at (const QeJson *json, size_t offset)
{
  return json->strings.data ? json->strings.data + offset : "";
}

const char *
qe_json_text (const QeJson *json, size_t i, size_t *length)
{
  *length = json->values[i].text_length;
  return string_at (json, json->values[i].text);
}

const char *
qe_json_key (const QeJson *json, size_t i, size_t *length)
{
  *length = json->values[i].key_length;
  return string_at (json, json->values[i].key);
}

/* ---- write ----------------------------------------------------------------------------------------------------- */

void
qe_json_write_escaped (const char *text, size_t length, QeBuffer *out)
{
  static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
  for (size_t i = 0; i < length; i++) {
    const char *found = text[i] ? strchr (values, text[i]) : NULL;
    char escape[8] = { '\\', found ? names[found - values] : 0 };
    if (!found && (uint8_t) text[i] < 0x20)
      snprintf (escape, sizeof escape, "\\u%04x", (unsigned) (uint8_t) text[i]);
    if (found || (uint8_t) text[i] < 0x20)
      qe_buffer_puts (out, escape);
    else
      qe_buffer_add (out, &text[i], 1);
  }
}

void
qe_json_write_string (const char *text, size_t length, QeBuffer *out)
{
  qe_buffer_add (out, "\"", 1);
  qe_json_write_escaped (text, length, out);
  qe_buffer_add (out, "\"", 1);
}

void
qe_json_write (const QeJson *json, size_t i, QeBuffer *out)
{
  size_t length;
  const char *text = qe_json_text (json, i, &length);
  switch (json->values[i].kind) {
  case QE_JSON_NULL: qe_buffer_puts (out, "null"); break;
  case QE_JSON_FALSE: qe_buffer_puts (out, "false"); break;
  case QE_JSON_TRUE: qe_buffer_puts (out, "true"); break;
  case QE_JSON_NUMBER: qe_buffer_add (out, text, length); break;
  case QE_JSON_STRING: qe_json_write_string (text, length, out); break;
  case QE_JSON_ARRAY:
  case QE_JSON_OBJECT: {
    bool is_object = json->values[i].kind == QE_JSON_OBJECT;
    size_t key_length;
    qe_buffer_puts (out, is_object ? "{" : "[");
    for (size_t child = qe_json_first (json, i); child != QE_JSON_NONE; child = qe_json_next (json, i, child)) {
      if (child != i + 1)
        qe_buffer_puts (out, ", ");
      if (is_object) {
        const char *key = qe_json_key (json, child, &key_length);
        qe_json_write_string (key, key_length, out);
        qe_buffer_puts (out, ": ");
      }
      qe_json_write (json, child, out);
    }
    qe_buffer_puts (out, is_object ? "}" : "]");
  } break;
  }
}
