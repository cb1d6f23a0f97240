/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-tool-call.h"

#include <string.h>

#define STRING (1u << QE_JSON_STRING)

typedef enum {
  STATE_HEAD,    /* before <function=NAME>, or before JSON */
  STATE_BETWEEN, /* before <parameter=KEY> or </function> */
  STATE_VALUE,   /* in a value */
  STATE_REST,    /* nothing more is understood before the end */
} ToolCallState;

/* Whether the text at some place is a tag. OPEN: too little of it is there to say. */
typedef enum { NO, YES, OPEN } Match;

static const char function_tag[] = "<function=", parameter_tag[] = "<parameter=";
static const char parameter_end[] = "</parameter>", function_end[] = "</function>";

static Match
match_tag (const QeToolCallReader *r, size_t at, const char *tag)
{
  const size_t n = strlen (tag), left = r->body.size - at;
  if (memcmp (r->body.data + at, tag, n < left ? n : left) != 0)
    return NO;
  return n <= left ? YES : OPEN;
}

static size_t
skip_space (const QeToolCallReader *r, size_t at)
{
  while (at < r->body.size && strchr (" \t\r\n", r->body.data[at]) && r->body.data[at])
    at++;
  return at;
}

/* Whether one of two tags follows behind white space; a block that ends there is as good if `or_end`. at_end: no more
 * text will come. */
static Match
match_next (const QeToolCallReader *r, size_t at, const char *a, const char *b, bool or_end, bool at_end)
{
  at = skip_space (r, at);
  if (at == r->body.size)
    return !at_end ? OPEN : or_end ? YES : NO;
  const Match x = match_tag (r, at, a), y = b ? match_tag (r, at, b) : NO;
  if (x == YES || y == YES)
    return YES;
  return !at_end && (x == OPEN || y == OPEN) ? OPEN : NO;
}

/* ---- giving out ------------------------------------------------------------------------------------------------ */

static void
give (QeToolCallReader *r, QeOutputKind kind, const char *text, size_t length)
{
  r->func (r->data, kind, text, length);
}

static void
give_arguments (QeToolCallReader *r, const char *text)
{
  give (r, QE_OUT_ARGUMENTS, text, strlen (text));
}

/* A piece of a string, or a whole one with its quotes. */
static void
give_string (QeToolCallReader *r, const char *text, size_t length, bool quotes)
{
  QeBuffer out = { 0 };
  if (quotes)
    qe_json_write_string (text, length, &out);
  else
    qe_json_write_escaped (text, length, &out);
  if (out.size)
    give (r, QE_OUT_ARGUMENTS, out.data, out.size);
  qe_buffer_clear (&out);
}

static void
end_call (QeToolCallReader *r)
{
  give_arguments (r, "}");
  give (r, QE_OUT_CALL_END, "", 0);
}

/* ---- schema ---------------------------------------------------------------------------------------------------- */

/* Looks the tool up that is called. */
static void
find_tool (QeToolCallReader *r, const char *name, size_t name_length)
{
  r->tool = (QeToolSchema) { .name = QE_JSON_NONE, .parameters = QE_JSON_NONE };
  for (size_t i = 0; i < r->n_tools; i++) {
    QeToolSchema tool;
    size_t length = 0;
    qe_tool_schema_find (&tool, &r->tools[i], 0);
    const char *text = tool.name == QE_JSON_NONE ? "" : qe_json_text (tool.json, tool.name, &length);
    if (length > 0 && length == name_length && memcmp (text, name, length) == 0) {
      r->tool = tool;
      return;
    }
  }
}

static unsigned
kinds_of_parameter (const QeToolCallReader *r, const char *key, size_t key_length)
{
  const size_t properties = qe_tool_schema_properties (&r->tool);
  const QeJson *json = r->tool.json;
  size_t length;
  if (properties == QE_JSON_NONE)
    return 0;
  for (size_t i = qe_json_first (json, properties); i != QE_JSON_NONE; i = qe_json_next (json, properties, i)) {
    const char *name = qe_json_key (json, i, &length);
    if (length == key_length && memcmp (name, key, length) == 0)
      return qe_tool_schema_kinds (&r->tool, i);
  }
  return 0;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* A whole value that need not be a string: the JSON that it is, and Python's names for true, false and null too, since the
 * template writes those. What is no JSON, or JSON of another kind where a string may stand, is a string. */
static void
give_value (QeToolCallReader *r, const char *value, size_t length)
{
  static const char *const names[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" } };
  QeJson json;
  QeBuffer out = { 0 };
  for (int i = 0; i < 3; i++)
    if (length == strlen (names[i][0]) && memcmp (value, names[i][0], length) == 0) {
      give_arguments (r, names[i][1]);
      return;
    }
  bool is_json = qe_json_parse (&json, value, length, NULL) == QE_OK;
  if (is_json) {
    const QeJsonKind kind = json.values[0].kind;
    /* The quotes of a string belong to the text. */
    is_json = kind != QE_JSON_STRING && (!(r->kinds & STRING) || r->kinds & 1u << kind);
    if (is_json)
      qe_json_write (&json, 0, &out);
    qe_json_clear (&json);
  }
  if (is_json && out.size)
    give (r, QE_OUT_ARGUMENTS, out.data, out.size);
  else
    give_string (r, value, length, true);
  qe_buffer_clear (&out);
}

/* Looks for the end of the value from `scanned` on: a </parameter> that another parameter or the end of the function
 * follows, because code may quote the tag; or a </function> that ends the block, where a model forgot the other tag.
 * Moves `scanned` to that place, or to where such a tag may have begun. */
static Match
find_value_end (QeToolCallReader *r, bool at_end)
{
  for (; r->scanned < r->body.size; r->scanned++) {
    const char *found = memchr (r->body.data + r->scanned, '<', r->body.size - r->scanned);
    r->scanned = found ? (size_t) (found - r->body.data) : r->body.size;
    if (!found)
      break;
    Match end = match_tag (r, r->scanned, parameter_end);
    if (end == YES)
      end = match_next (r, r->scanned + strlen (parameter_end), parameter_tag, function_end, true, at_end);
    Match last = match_tag (r, r->scanned, function_end);
    if (last == YES)
      last = match_next (r, r->scanned + strlen (function_end), function_tag, NULL, true, at_end);
    if (end == YES || last == YES)
      return YES;
    if (!at_end && (end == OPEN || last == OPEN))
      return OPEN;
  }
  return at_end ? NO : OPEN;
}

/* Takes as much of a value as is certain. Returns whether it has ended. */
static bool
take_value (QeToolCallReader *r, bool at_end, bool closed)
{
  const bool is_string = r->kinds == STRING;
  const Match end = find_value_end (r, at_end);
  size_t stop = r->scanned;
  /* One line end before the tag belongs to it. */
  if (stop > r->at && r->body.data[stop - 1] == '\n' && (end == YES || end == OPEN || closed))
    stop--;
  if (is_string) {
    give_string (r, r->body.data + r->at, stop - r->at, false);
    r->at = stop;
  }
  if (end == OPEN)
    return false;
  if (end == NO && !closed) { /* cut off: what is there is given out as it is */
    if (!is_string)
      give (r, QE_OUT_ARGUMENTS, r->body.data + r->at, stop - r->at);
    r->at = stop;
    return false;
  }
  if (is_string)
    give_arguments (r, "\"");
  else
    give_value (r, r->body.data + r->at, stop - r->at);
  r->at = r->scanned;
  if (end == YES && match_tag (r, r->at, parameter_end) == YES)
    r->at += strlen (parameter_end);
  return true;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* The end of a name, which a '>' ends; 0 if it is not there yet, or if it cannot be one (*broken). */
static size_t
find_name_end (const QeToolCallReader *r, size_t at, bool *broken)
{
  const size_t start = at;
  while (at < r->body.size && !strchr (">\n<", r->body.data[at]))
    at++;
  *broken = at < r->body.size && (r->body.data[at] != '>' || at == start);
  return at < r->body.size && !*broken ? at : 0;
}

/* Takes <function=NAME>, once it is certain that parameters or its end follow. */
static bool
take_head (QeToolCallReader *r, bool at_end, bool closed)
{
  const size_t at = skip_space (r, r->at);
  bool broken = false;
  if (at == r->body.size)
    return false;
  const Match head = match_tag (r, at, function_tag);
  if (head == NO && (r->begun || r->body.data[at] != '{'))
    r->state = STATE_REST;
  if (head != YES)
    return false;
  const size_t name = at + strlen (function_tag), end = find_name_end (r, name, &broken);
  const Match next = end ? match_next (r, end + 1, parameter_tag, function_end, closed, at_end) : OPEN;
  if (broken || next == NO)
    r->state = STATE_REST;
  if (broken || next != YES)
    return false;
  find_tool (r, r->body.data + name, end - name);
  give (r, QE_OUT_CALL, r->body.data + name, end - name);
  give_arguments (r, "{");
  r->at = end + 1;
  r->begun = r->is_first = true;
  r->state = STATE_BETWEEN;
  return true;
}

/* Takes <parameter=KEY> with the line end behind it, or </function>. */
static bool
take_tag (QeToolCallReader *r, bool at_end)
{
  const size_t at = skip_space (r, r->at);
  bool broken = false;
  if (at < r->body.size && match_tag (r, at, function_end) == YES) {
    end_call (r);
    r->at = at + strlen (function_end);
    r->state = STATE_HEAD;
    return true;
  }
  if (at == r->body.size || match_tag (r, at, parameter_tag) != YES)
    return false;
  const size_t key = at + strlen (parameter_tag), end = find_name_end (r, key, &broken);
  if (!end || (end + 1 == r->body.size && !at_end))
    return false;
  if (!r->is_first)
    give_arguments (r, ", ");
  give_string (r, r->body.data + key, end - key, true);
  r->kinds = kinds_of_parameter (r, r->body.data + key, end - key);
  give_arguments (r, r->kinds == STRING ? ": \"" : ": ");
  r->is_first = false;
  r->at = end + 1;
  r->at += r->at < r->body.size && r->body.data[r->at] == '\n';
  r->scanned = r->at;
  r->state = STATE_VALUE;
  return true;
}

/* Goes on as far as the text allows. */
static void
advance (QeToolCallReader *r, bool at_end, bool closed)
{
  bool moved = r->body.size > 0 && !r->body.failed;
  while (moved)
    switch ((ToolCallState) r->state) {
    case STATE_HEAD: moved = take_head (r, at_end, closed); break;
    case STATE_BETWEEN: moved = take_tag (r, at_end); break;
    case STATE_VALUE:
      moved = take_value (r, at_end, closed);
      r->state = moved ? STATE_BETWEEN : STATE_VALUE;
      break;
    case STATE_REST: moved = false; break;
    }
}

/* {"name": …, "arguments": {…}}; models that write OpenAI's form put the arguments into a text. */
static void
take_json (QeToolCallReader *r)
{
  QeJson json, inner;
  QeBuffer out = { 0 };
  size_t n;
  if (qe_json_parse (&json, r->body.data, r->body.size, NULL) != QE_OK)
    return;
  const size_t name = qe_json_member (&json, 0, "name"), arguments = qe_json_member (&json, 0, "arguments");
  const bool named = name != QE_JSON_NONE && json.values[name].kind == QE_JSON_STRING && arguments != QE_JSON_NONE;
  const char *quoted = named && json.values[arguments].kind == QE_JSON_STRING ? qe_json_text (&json, arguments, &n)
                                                                              : NULL;
  const bool is_quoted = quoted && qe_json_parse (&inner, quoted, n, NULL) == QE_OK;
  const QeJson *holder = is_quoted ? &inner : &json;
  const size_t object = is_quoted ? 0 : arguments;
  if (named && holder->values[object].kind == QE_JSON_OBJECT) {
    qe_json_write (holder, object, &out);
    if (!out.failed) {
      const char *text = qe_json_text (&json, name, &n);
      give (r, QE_OUT_CALL, text, n);
      give (r, QE_OUT_ARGUMENTS, out.data, out.size);
      give (r, QE_OUT_CALL_END, "", 0);
      r->begun = true;
      r->at = r->body.size;
    }
  }
  if (is_quoted)
    qe_json_clear (&inner);
  qe_json_clear (&json);
  qe_buffer_clear (&out);
}

void
qe_tool_call_begin (QeToolCallReader *r)
{
  qe_buffer_clear (&r->body);
  r->at = r->scanned = 0;
  r->state = STATE_HEAD;
  r->begun = false;
}

void
qe_tool_call_push (QeToolCallReader *r, const char *text, size_t length)
{
  if (length == 0)
    return;
  qe_buffer_add (&r->body, text, length);
  advance (r, false, false);
}

size_t
qe_tool_call_end (QeToolCallReader *r, bool closed)
{
  advance (r, true, closed);
  if (closed && !r->begun && !r->body.failed && r->body.size > 0)
    take_json (r);
  if (!r->begun)
    return 0;
  if (r->state == STATE_BETWEEN && closed)
    end_call (r);
  else if (r->state == STATE_BETWEEN) /* of a tag that was cut off nothing is told */
    r->at = r->body.size;
  return skip_space (r, r->at);
}

void
qe_tool_call_clear (QeToolCallReader *r)
{
  qe_buffer_clear (&r->body);
}
