/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings of a JSON schema: lengths, formats, and patterns as far as they are regular expressions in the sense of theory.
 * A pattern is written down again as GBNF, with characters as JSON writes them inside of a string, or as they are. */
#include "sampler/qe-schema-private.h"

#include "format/tokenizer/qe-utf8.h"
#include "sampler/qe-grammar-private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RANGES 100 /* of a class */
#define MAX_DEPTH 24
#define MOST_CHARACTER 0x10ffff

/* ---- sets of characters ---------------------------------------------------------------------------------------- */

typedef struct {
  struct {
    uint32_t low, high;
  } ranges[2 * MAX_RANGES]; /* what is excluded may make some more */
  size_t n;
} CharacterSet;

static void
set_add (CharacterSet *set, uint32_t low, uint32_t high)
{
  set->ranges[set->n].low = low;
  set->ranges[set->n++].high = high;
}

/* Makes a set of all characters that are not in `set`, or adds them to `out`. */
static void
set_add_others (CharacterSet *out, const CharacterSet *set)
{
  for (uint32_t low = 0; low <= MOST_CHARACTER;) {
    uint32_t high = MOST_CHARACTER; /* the last one before the next range */
    bool inside = false;
    for (size_t i = 0; i < set->n; i++) {
      if (low >= set->ranges[i].low && low <= set->ranges[i].high) {
        low = set->ranges[i].high + 1;
        inside = true;
        break;
      }
      if (set->ranges[i].low > low && set->ranges[i].low - 1 < high)
        high = set->ranges[i].low - 1;
    }
    if (inside)
      continue;
    set_add (out, low, high);
    low = high + 1;
  }
}

/* Adds \d, \w, \s or what is not in them. */
static void
set_add_kind (CharacterSet *set, char kind)
{
  CharacterSet plain = { .n = 0 };
  switch (kind | 0x20) {
  case 'd': set_add (&plain, '0', '9'); break;
  case 'w':
    set_add (&plain, '0', '9');
    set_add (&plain, 'A', 'Z');
    set_add (&plain, '_', '_');
    set_add (&plain, 'a', 'z');
    break;
  default:
    set_add (&plain, '\t', '\r');
    set_add (&plain, ' ', ' ');
    set_add (&plain, 0xa0, 0xa0);
    set_add (&plain, 0x1680, 0x1680);
    set_add (&plain, 0x2000, 0x200a);
    set_add (&plain, 0x2028, 0x2029);
    set_add (&plain, 0x202f, 0x202f);
    set_add (&plain, 0x205f, 0x205f);
    set_add (&plain, 0x3000, 0x3000);
    set_add (&plain, 0xfeff, 0xfeff);
    break;
  }
  if (kind & 0x20)
    for (size_t i = 0; i < plain.n; i++)
      set_add (set, plain.ranges[i].low, plain.ranges[i].high);
  else
    set_add_others (set, &plain);
}

static bool
set_is_only (const CharacterSet *set, uint32_t character)
{
  for (size_t i = 0; i < set->n; i++)
    if (set->ranges[i].low != character || set->ranges[i].high != character)
      return false;
  return set->n > 0;
}

static void
write_ranges (QeBuffer *out, const CharacterSet *set)
{
  qe_buffer_puts (out, "[");
  for (size_t i = 0; i < set->n; i++)
    qe_schema_printf (out, "\\U%08x-\\U%08x", (unsigned) set->ranges[i].low, (unsigned) set->ranges[i].high);
  qe_buffer_puts (out, "]");
}

/* Writes one character of the set as it stands in a JSON string: as it is, or escaped if it must be. */
static void
write_escaped_set (QeBuffer *out, const CharacterSet *set)
{
  static const uint32_t escaped[] = { '"', '\\', '\b', '\f', '\n', '\r', '\t' };
  static const char *const names[] = { "\\\"", "\\\\", "b", "f", "n", "r", "t" };
  CharacterSet others = { .n = 0 }, raw = { .n = 0 };
  bool any = false;
  set_add_others (&others, set);
  set_add (&others, 0, 0x1f);
  set_add (&others, '"', '"');
  set_add (&others, '\\', '\\');
  set_add (&others, 0xd800, 0xdfff);
  set_add_others (&raw, &others);
  qe_buffer_puts (out, "(");
  write_ranges (out, &raw);
  for (size_t i = 0; i < sizeof escaped / sizeof *escaped; i++) {
    size_t range = 0;
    while (range < set->n && (escaped[i] < set->ranges[range].low || escaped[i] > set->ranges[range].high))
      range++;
    if (range == set->n)
      continue;
    qe_buffer_puts (out, any ? "" : " | \"\\\\\" [");
    qe_buffer_puts (out, names[i]);
    any = true;
  }
  qe_buffer_puts (out, any ? "]) " : ") ");
}

/* ---- patterns -------------------------------------------------------------------------------------------------- */

typedef struct {
  QeSchema *schema;
  size_t value; /* the schema with the pattern */
  const char *at, *end;
  bool shuns_tags; /* of text: "<" is only written where nothing else may stand */
  bool ends_tags;  /* so far there is a place where only ">" may stand */
} PatternParser;

static void
write_set (PatternParser *p, QeBuffer *out, const CharacterSet *set)
{
  CharacterSet others = { .n = 0 }, shunned = { .n = 0 };
  p->ends_tags |= set_is_only (set, '>');
  if (!p->schema->as_text) {
    write_escaped_set (out, set);
  } else if (p->shuns_tags && !set_is_only (set, '<')) {
    set_add_others (&others, set);
    set_add (&others, '<', '<');
    set_add_others (&shunned, &others);
    write_ranges (out, &shunned);
  } else {
    write_ranges (out, set);
  }
  qe_buffer_puts (out, " ");
}

/* Writes that any characters may stand here. */
static void
write_any (PatternParser *p, QeBuffer *out)
{
  qe_buffer_puts (out, !p->schema->as_text ? "char* " : p->shuns_tags ? "[^<]* " : ".* ");
}

static void
pattern_refuse (PatternParser *p, const char *what)
{
  qe_schema_fail (p->schema, QE_ERROR_UNSUPPORTED, p->value, "", "%s cannot be used in “pattern”", what);
  p->at = p->end;
}

static char
pattern_peek (const PatternParser *p)
{
  return p->at < p->end ? *p->at : '\0';
}

static bool
pattern_take (PatternParser *p, char c)
{
  if (pattern_peek (p) != c || p->at == p->end)
    return false;
  p->at++;
  return true;
}

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

/* Takes what an escape stands for, after the backslash, into the set. Returns the character, or UINT32_MAX for many. */
static uint32_t
take_escape (PatternParser *p, CharacterSet *set)
{
  static const char names[] = "nrtfv0", values[] = "\n\r\t\f\v\0";
  uint32_t c;
  size_t length;
  if (p->at == p->end) {
    pattern_refuse (p, "A backslash at the end");
    return UINT32_MAX;
  }
  const char kind = *p->at++;
  const char *found = kind ? strchr (names, kind) : NULL;
  const int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 0;
  if (kind && strchr ("dDwWsS", kind)) {
    set_add_kind (set, kind);
    return UINT32_MAX;
  }
  if (digits) {
    c = 0;
    for (int i = 0; i < digits; i++) {
      const char h = pattern_peek (p), lower = (char) (h | 0x20);
      if (!is_digit (h) && !(lower >= 'a' && lower <= 'f')) {
        pattern_refuse (p, "A hexadecimal escape of too few digits");
        return UINT32_MAX;
      }
      c = c << 4 | (uint32_t) (is_digit (h) ? h - '0' : lower - 'a' + 10);
      p->at++;
    }
  } else if (found) {
    c = (uint32_t) (uint8_t) values[found - names];
  } else if (is_digit (kind) || (kind | 0x20) == 'b' || (kind | 0x20) == 'p' || kind == 'k' || kind == 'c') {
    pattern_refuse (p, kind == 'b' || kind == 'B'       ? "A word boundary (\\b)"
                       : is_digit (kind) || kind == 'k' ? "A reference to a group (\\1)"
                                                        : "This escape (\\p, \\c)");
    return UINT32_MAX;
  } else {
    p->at--;
    qe_utf8_next (p->at, (size_t) (p->end - p->at), &c, &length);
    p->at += length;
  }
  set_add (set, c, c);
  return c;
}

static uint32_t
take_class_character (PatternParser *p, CharacterSet *set)
{
  uint32_t c;
  size_t length;
  if (pattern_take (p, '\\')) {
    if (pattern_take (p, 'b')) { /* in a class it is a backspace */
      set_add (set, '\b', '\b');
      return '\b';
    }
    return take_escape (p, set);
  }
  qe_utf8_next (p->at, (size_t) (p->end - p->at), &c, &length);
  p->at += length;
  set_add (set, c, c);
  return c;
}

/* After '['. */
static void
write_pattern_class (PatternParser *p, QeBuffer *out)
{
  CharacterSet set = { .n = 0 }, others = { .n = 0 };
  const bool excluded = pattern_take (p, '^');
  while (p->at < p->end && *p->at != ']') {
    if (set.n > MAX_RANGES - 20) {
      pattern_refuse (p, "A class of so many ranges");
      return;
    }
    const uint32_t low = take_class_character (p, &set);
    if (p->end - p->at < 2 || p->at[0] != '-' || p->at[1] == ']')
      continue;
    p->at++;
    const uint32_t high = take_class_character (p, &set);
    if (low == UINT32_MAX || high == UINT32_MAX || high < low) {
      pattern_refuse (p, "Such a range of a class");
      return;
    }
    set_add (&set, low, high);
  }
  if (!pattern_take (p, ']')) {
    pattern_refuse (p, "A class without end");
    return;
  }
  if (excluded)
    set_add_others (&others, &set);
  write_set (p, out, excluded ? &others : &set);
}

/* Takes how often something comes, and writes it. */
static void
write_pattern_repeats (PatternParser *p, QeBuffer *out)
{
  const char c = pattern_peek (p);
  if (c == '{') {
    const char *start = p->at++;
    const char *digits = p->at;
    while (is_digit (pattern_peek (p)))
      p->at++;
    const bool has_min = p->at > digits;
    if (pattern_take (p, ','))
      while (is_digit (pattern_peek (p)))
        p->at++;
    if (!has_min || !pattern_take (p, '}')) {
      pattern_refuse (p, "A “{” that is not followed by numbers");
      return;
    }
    qe_buffer_add (out, start, (size_t) (p->at - start));
  } else if (c == '*' || c == '+' || c == '?') {
    qe_buffer_add (out, p->at++, 1);
  } else {
    return;
  }
  qe_buffer_puts (out, " ");
  pattern_take (p, '?'); /* matches as little as possible, which makes no other strings match */
  if (pattern_peek (p) == '+' || pattern_peek (p) == '*' || pattern_peek (p) == '{')
    pattern_refuse (p, "A repetition of a repetition");
}

static void
write_pattern_choice (PatternParser *p, QeBuffer *out, int depth)
{
  qe_buffer_puts (out, "(");
  for (bool more = true; more && p->at <= p->end && p->schema->status == QE_OK; more = pattern_take (p, '|')) {
    qe_buffer_puts (out, "\"\" ");
    if (depth == 0 && !pattern_take (p, '^'))
      write_any (p, out);
    bool anchored = false;
    while (p->at < p->end && *p->at != '|' && *p->at != ')') {
      CharacterSet set = { .n = 0 };
      if (anchored) {
        pattern_refuse (p, "“$” before the end");
      } else if (pattern_take (p, '$')) {
        anchored = true;
        if (depth > 0)
          pattern_refuse (p, "“$” in a group");
        continue;
      } else if (pattern_take (p, '^')) {
        pattern_refuse (p, "“^” behind the beginning");
      } else if (pattern_take (p, '(')) {
        if (depth == MAX_DEPTH)
          pattern_refuse (p, "A group so deep in others");
        else if (pattern_take (p, '?') && !pattern_take (p, ':'))
          pattern_refuse (p, "A group that begins with “(?”");
        else
          write_pattern_choice (p, out, depth + 1);
        if (p->schema->status == QE_OK && !pattern_take (p, ')'))
          pattern_refuse (p, "A group without end");
      } else if (pattern_take (p, '[')) {
        write_pattern_class (p, out);
      } else if (pattern_take (p, '.')) {
        CharacterSet line_ends = { .n = 0 };
        set_add (&line_ends, '\n', '\n');
        set_add (&line_ends, '\r', '\r');
        set_add (&line_ends, 0x2028, 0x2029);
        set_add_others (&set, &line_ends);
        write_set (p, out, &set);
      } else if (strchr ("*+?{}", *p->at) && *p->at) {
        pattern_refuse (p, "A repetition of nothing");
      } else {
        if (pattern_take (p, '\\')) {
          take_escape (p, &set);
        } else {
          uint32_t c;
          size_t length;
          qe_utf8_next (p->at, (size_t) (p->end - p->at), &c, &length);
          set_add (&set, c, c);
          p->at += length;
        }
        write_set (p, out, &set);
      }
      write_pattern_repeats (p, out);
    }
    if (depth == 0 && !anchored)
      write_any (p, out);
    if (p->at < p->end && *p->at == '|')
      qe_buffer_puts (out, "| ");
    if (depth == 0 && p->at < p->end && *p->at == ')')
      pattern_refuse (p, "A parenthesis that was never opened");
  }
  qe_buffer_puts (out, ")");
}

/* ---- strings --------------------------------------------------------------------------------------------------- */

/* Writes a pattern. As text it must not spell the closing tag, and yet come to its end: it is guarded where there is always another
 * way than the last ">" of the tag, else "<" is left out of its classes, so that the tag comes only where the pattern spells it. */
static void
write_pattern (QeSchema *c, size_t schema, const char *pattern, size_t length)
{
  const size_t start = c->out.size;
  PatternParser p = { .schema = c, .value = schema, .at = pattern, .end = pattern + length };
  qe_buffer_puts (&c->out, c->as_text ? "!" : "\"\\\"\" ");
  write_pattern_choice (&p, &c->out, 0);
  if (!c->as_text) {
    qe_buffer_puts (&c->out, " \"\\\"\"");
  } else if (p.ends_tags && c->status == QE_OK && !c->out.failed) {
    c->out.size = start;
    p = (PatternParser) { .schema = c, .value = schema, .at = pattern, .end = pattern + length, .shuns_tags = true };
    write_pattern_choice (&p, &c->out, 0);
  }
}

/* Writes what a format allows, or returns false. */
static bool
write_format (QeSchema *c, const char *name)
{
  static const char *const formats[] = { "date", "time", "date-time", "uuid", "ipv4", "email", "hostname" };
  const char *quote = c->as_text ? "" : "\"\\\"\"";
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp (name, formats[i]) == 0) {
      qe_schema_printf (&c->out, "%s %s %s", quote, formats[i], quote);
      return true;
    }
  return false;
}

/* Writes a pattern if all of it can be had, or returns false and notes nothing. */
static bool
try_pattern (QeSchema *c, size_t schema, const char *pattern, size_t length)
{
  const size_t size = c->out.size;
  write_pattern (c, schema, pattern, length);
  if (c->status != QE_ERROR_UNSUPPORTED)
    return true;
  c->status = QE_OK;
  c->out.size = size;
  return false;
}

void
qe_schema_write_string (QeSchema *c, size_t schema)
{
  const size_t pattern = qe_json_member (&c->json, schema, "pattern");
  const size_t format = qe_json_member (&c->json, schema, "format");
  uint32_t min = 0, max = QE_UNLIMITED;
  bool has_length = qe_schema_count (c, schema, "minLength", &min);
  has_length |= qe_schema_count (c, schema, "maxLength", &max);
  size_t length;
  if (pattern != QE_JSON_NONE && c->json.values[pattern].kind != QE_JSON_STRING)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“pattern” must be a string");
  else if (format != QE_JSON_NONE && c->json.values[format].kind != QE_JSON_STRING)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“format” must be a string");
  else if (!c->lenient && (pattern != QE_JSON_NONE) + (format != QE_JSON_NONE) + has_length > 1)
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "Only one of “pattern”, “format” and a length can be had");
  if (c->status != QE_OK)
    return;
  if (pattern != QE_JSON_NONE) {
    const char *text = qe_json_text (&c->json, pattern, &length);
    if (!c->lenient) {
      write_pattern (c, schema, text, length);
      return;
    }
    if (try_pattern (c, schema, text, length))
      return;
  }
  if (format != QE_JSON_NONE) {
    const char *name = qe_json_text (&c->json, format, &length);
    if (write_format (c, name))
      return;
    if (!c->lenient)
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema,
                      " Supported are date, time, date-time, uuid, ipv4, email and hostname.",
                      "The format “%.*s” is not supported", length < 40 ? (int) length : 40, name);
  }
  if (min > max) {
    qe_buffer_puts (&c->out, "[]");
  } else if (min > 0 || max != QE_UNLIMITED) {
    qe_schema_printf (&c->out, c->as_text ? "!(.{%u," : "\"\\\"\" (char{%u,", (unsigned) min);
    if (max != QE_UNLIMITED)
      qe_schema_printf (&c->out, "%u", (unsigned) max);
    qe_buffer_puts (&c->out, c->as_text ? "})" : "}) \"\\\"\"");
  } else {
    qe_buffer_puts (&c->out, c->as_text ? "text" : "string");
  }
}
