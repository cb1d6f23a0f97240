/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-tool-call.h"
#include "format/template/qe-rich-text.h"

#include <string.h>

typedef struct {
  const char *text;
  size_t at, end;
  const QeJson *schema; /* of the function's parameters; NULL when unknown */
  size_t properties;
  QeBuffer *out;
} Call;

/* Moves past `part` if the text goes on with it. */
static bool
accept (Call *c, const char *part)
{
  size_t n = strlen (part);
  if (c->end - c->at < n || memcmp (c->text + c->at, part, n) != 0)
    return false;
  c->at += n;
  return true;
}

/* Everything up to `stop`, and past it. */
static bool
take_until (Call *c, const char *stop, size_t *start, size_t *length)
{
  size_t found = qe_text_find (c->text, c->at, c->end, stop);
  if (found == c->end)
    return false;
  *start = c->at;
  *length = found - c->at;
  c->at = found + strlen (stop);
  return true;
}

static void
skip_space (Call *c)
{
  size_t end = c->end;
  qe_text_trim (c->text, &c->at, &end);
  if (c->at > end) /* nothing but white space was left */
    c->at = c->end;
}

/* ---- schema ---------------------------------------------------------------------------------------------------- */

/* Whether the schema says that a parameter is (or may be) a string; *known: it says anything at all. */
static bool
is_declared_string (const Call *c, const char *key, size_t key_length, bool *known)
{
  const QeJson *json = c->schema;
  size_t length;
  *known = false;
  if (!json)
    return false;
  for (size_t i = qe_json_first (json, c->properties); i != QE_JSON_NONE; i = qe_json_next (json, c->properties, i)) {
    const char *name = qe_json_key (json, i, &length);
    size_t type = qe_json_member (json, i, "type");
    if (length != key_length || memcmp (name, key, length) != 0 || type == QE_JSON_NONE)
      continue;
    *known = true;
    return json->values[type].kind == QE_JSON_STRING && strcmp (qe_json_text (json, type, &length), "string") == 0;
  }
  return false;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* A value as the JSON it is; Python's names for true, false and null too, since the template writes those. */
static bool
write_as_json (Call *c, const char *value, size_t length)
{
  static const char *const names[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" } };
  QeJson json;
  for (int i = 0; i < 3; i++)
    if (length == strlen (names[i][0]) && memcmp (value, names[i][0], length) == 0) {
      qe_buffer_puts (c->out, names[i][1]);
      return true;
    }
  if (qe_json_parse (&json, value, length, NULL) != QE_OK)
    return false;
  bool is_string = json.values[0].kind == QE_JSON_STRING; /* quotes belong to the text then */
  if (!is_string)
    qe_json_write (&json, 0, c->out);
  qe_json_clear (&json);
  return !is_string;
}

/* The end of a value that starts at c->at: the first </parameter> that another parameter or the end of the function
 * follows, because code may quote the tag; else the first one; else the end of the function. */
static size_t
find_value_end (const Call *c, size_t *after)
{
  static const char tag[] = "</parameter>";
  size_t first = qe_text_find (c->text, c->at, c->end, tag);
  for (size_t at = first; at < c->end; at = qe_text_find (c->text, at + 1, c->end, tag)) {
    Call next = *c;
    next.at = at + strlen (tag);
    *after = next.at;
    skip_space (&next);
    if (next.at == next.end || accept (&next, "<parameter=") || accept (&next, "</function>"))
      return at;
  }
  *after = first == c->end ? qe_text_find (c->text, c->at, c->end, "</function>") : first + strlen (tag);
  return first == c->end ? *after : first;
}

static bool
parse_function (Call *c, const QeJson *tools, size_t n_tools)
{
  size_t name, name_length;
  if (!accept (c, "<function=") || !take_until (c, ">", &name, &name_length) || name_length == 0)
    return false;
  /* The function is looked up: {"type": "function", "function": {"name", "parameters": {"properties"}}}, or without
   * wrapper. */
  for (size_t i = 0; i < n_tools; i++) {
    const QeJson *json = &tools[i];
    size_t function = qe_json_member (json, 0, "function"), length = 0;
    function = function == QE_JSON_NONE ? 0 : function;
    size_t own = qe_json_member (json, function, "name");
    const char *text = own == QE_JSON_NONE ? "" : qe_json_text (json, own, &length);
    if (own == QE_JSON_NONE || length != name_length || memcmp (text, c->text + name, length) != 0)
      continue;
    size_t parameters = qe_json_member (json, function, "parameters");
    c->properties = parameters == QE_JSON_NONE ? parameters : qe_json_member (json, parameters, "properties");
    c->schema = c->properties == QE_JSON_NONE ? NULL : json;
    break;
  }
  qe_buffer_puts (c->out, "{\"name\": ");
  qe_json_write_string (c->text + name, name_length, c->out);
  qe_buffer_puts (c->out, ", \"arguments\": {");
  skip_space (c);
  for (bool is_first = true; accept (c, "<parameter="); is_first = false) {
    /* After "<parameter=": KEY>, newline, value, newline, </parameter>. */
    size_t key, key_length, after;
    if (!take_until (c, ">", &key, &key_length))
      return false;
    size_t end = find_value_end (c, &after), start = c->at;
    if (start < end && c->text[start] == '\n')
      start++;
    if (start < end && c->text[end - 1] == '\n')
      end--;
    qe_buffer_puts (c->out, is_first ? "" : ", ");
    qe_json_write_string (c->text + key, key_length, c->out);
    qe_buffer_puts (c->out, ": ");
    const char *value = c->text + start;
    size_t length = end - start;
    bool known, is_string = is_declared_string (c, c->text + key, key_length, &known);
    if (is_string || !write_as_json (c, value, length))
      qe_json_write_string (value, length, c->out);
    c->at = after;
    skip_space (c);
  }
  accept (c, "</function>");
  skip_space (c);
  qe_buffer_puts (c->out, "}}");
  return c->at == c->end;
}

/* {"name": …, "arguments": {…}}; models that write OpenAI's form put the arguments into a text. */
static bool
parse_json_call (const char *text, size_t length, QeBuffer *out)
{
  QeJson json, inner;
  size_t n;
  if (qe_json_parse (&json, text, length, NULL) != QE_OK)
    return false;
  size_t name = qe_json_member (&json, 0, "name"), arguments = qe_json_member (&json, 0, "arguments");
  bool ok = name != QE_JSON_NONE && json.values[name].kind == QE_JSON_STRING && arguments != QE_JSON_NONE;
  const char *quoted = ok && json.values[arguments].kind == QE_JSON_STRING ? qe_json_text (&json, arguments, &n) : NULL;
  bool is_quoted = quoted && qe_json_parse (&inner, quoted, n, NULL) == QE_OK;
  const QeJson *holder = is_quoted ? &inner : &json;
  size_t object = is_quoted ? 0 : arguments;
  ok = ok && holder->values[object].kind == QE_JSON_OBJECT;
  if (ok) {
    qe_buffer_puts (out, "{\"name\": ");
    qe_json_write (&json, name, out);
    qe_buffer_puts (out, ", \"arguments\": ");
    qe_json_write (holder, object, out);
    qe_buffer_puts (out, "}");
  }
  if (is_quoted)
    qe_json_clear (&inner);
  qe_json_clear (&json);
  return ok;
}

bool
qe_tool_call_parse (const char *text, size_t length, const QeJson *tools, size_t n_tools, QeBuffer *out)
{
  Call c = { .text = text, .end = length, .out = out };
  qe_text_trim (text, &c.at, &c.end);
  size_t start = c.at;
  if (parse_function (&c, tools, n_tools) && !out->failed)
    return true;
  qe_buffer_clear (out);
  return parse_json_call (text + start, c.end - start, out) && !out->failed;
}
