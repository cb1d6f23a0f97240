/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A JSON schema as a grammar. Every text of the grammar is valid JSON under the schema; not every valid text is one of the
 * grammar, because a model needs only one way to say something:
 *
 * - Members come in the order of "properties", and no others unless "additionalProperties" is there and not false.
 * - White space is what models write when nobody tells them: none, one space, or a line end with up to 32 blanks to indent
 *   the next line, between brackets and what is in them and after commas; none or one space after a colon.
 * - Numbers have at most 16 digits before and 15 behind the point, so that none goes on without end.
 *
 * Supported: type (also a list), properties, required, additionalProperties, items, prefixItems, minItems, maxItems, enum,
 * const, anyOf, oneOf if no two of its schemas can be valid at once, allOf of one schema, $ref into the same text, $defs,
 * minLength, maxLength, pattern and format (qe-schema-string.c), minimum, maximum and the exclusive ones
 * (qe-schema-number.c). Annotations such as title and description mean nothing here. Everything else is refused by name. */
#include "sampler/qe-schema-private.h"

#include "format/tokenizer/qe-utf8.h"
#include "qe-error.h"
#include "sampler/qe-grammar-private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (1u << 20)
#define MAX_KEYWORDS 1000 /* of one schema */
#define MAX_PAIRS 2000    /* of schemas of a “oneOf” */
#define MAX_COMPARED 100  /* values, or members, that tell such schemas apart */
#define MAX_COUNT 1000000
#define MAX_FOLLOWED 64 /* references to references */

static const char preamble[] =
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" (ws member (\",\" ws member)* ws)? \"}\"\n"
    "member ::= string colon value\n"
    "array ::= \"[\" (ws value (\",\" ws value)* ws)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1f\\x7f] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" unit)\n"
    "unit ::= ([0-9a-ce-fA-CE-F] hex | [dD] [0-7]) hex{2} | [dD] [89abAB] hex{2} \"\\\\u\" [dD] [c-fC-F] hex{2}\n"
    "hex ::= [0-9a-fA-F]\n"
    "integer ::= \"0\" | \"-\"? [1-9] [0-9]{0,15}\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15}) fraction? ([eE] [-+]? [0-9]{1,2})?\n"
    "fraction ::= \".\" [0-9]{1,15}\n"
    "ws ::= (\" \" | \"\\n\" [ \\t]{0,32})?\n"
    "colon ::= \":\" \" \"?\n"
    "leap-year ::= [0-9]{2} (\"0\" [48] | [2468] [048] | [13579] [26]) | ([02468] [048] | [13579] [26]) \"00\"\n"
    "month-day ::= (\"01\" | \"03\" | \"05\" | \"07\" | \"08\" | \"10\" | \"12\") \"-\" (\"0\" [1-9] | [12] [0-9] | \"3\" [01])"
    " | (\"04\" | \"06\" | \"09\" | \"11\") \"-\" (\"0\" [1-9] | [12] [0-9] | \"30\")"
    " | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8])\n"
    "date ::= [0-9]{4} \"-\" month-day | leap-year \"-02-29\"\n"
    "hour-minute ::= ([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9]\n"
    "time ::= hour-minute \":\" [0-5] [0-9] (\".\" [0-9]{1,9})? (\"Z\" | [-+] hour-minute)\n"
    "date-time ::= date \"T\" time\n"
    "uuid ::= hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12}\n"
    "octet ::= \"25\" [0-5] | \"2\" [0-4] [0-9] | \"1\" [0-9] [0-9] | [1-9]? [0-9]\n"
    "ipv4 ::= octet \".\" octet \".\" octet \".\" octet\n"
    "label ::= [a-zA-Z0-9] ([-a-zA-Z0-9]{0,61} [a-zA-Z0-9])?\n"
    "hostname ::= label (\".\" label){0,3}\n"
    "atom ::= [-a-zA-Z0-9_+]{1,20}\n"
    "email ::= atom (\".\" atom){0,2} \"@\" label (\".\" label){1,3}\n";

/* ---- failures -------------------------------------------------------------------------------------------------- */

/* Returns the schema that references inside of this one count from. */
static size_t
find_base (const QeSchema *c, size_t schema)
{
  size_t base = 0;
  for (size_t i = 0; i < c->n_bases; i++)
    if (schema >= c->bases[i] && schema < c->json.values[c->bases[i]].end)
      base = c->bases[i];
  return base;
}

void
qe_schema_fail (QeSchema *c, QeStatus status, size_t schema, const char *rest, const char *format, ...)
{
  QeBuffer path = { 0 };
  char what[160];
  va_list args;
  if (c->status != QE_OK)
    return;
  va_start (args, format);
  vsnprintf (what, sizeof what, format, args);
  va_end (args);
  /* Where the schema is, as a JSON pointer. */
  size_t at = find_base (c, schema), length;
  qe_buffer_puts (&path, "#");
  while (at != schema) {
    size_t child = qe_json_first (&c->json, at), n = 0;
    for (; c->json.values[child].end <= schema; n++)
      child = qe_json_next (&c->json, at, child);
    if (c->json.values[at].kind == QE_JSON_OBJECT) {
      const char *key = qe_json_key (&c->json, child, &length);
      qe_buffer_puts (&path, "/");
      qe_buffer_add (&path, key, length);
    } else {
      qe_schema_printf (&path, "/%zu", n);
    }
    at = child;
  }
  c->status = qe_fail (c->err, status, "The JSON schema cannot be used: %s at %.120s%s.%s", what,
                       path.data ? path.data : "#", path.size > 120 ? "…" : "", rest);
  qe_buffer_clear (&path);
}

void
qe_schema_refuse (QeSchema *c, size_t schema, const char *keyword)
{
  qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "“%.60s” is not supported", keyword);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

void
qe_schema_printf (QeBuffer *out, const char *format, ...)
{
  char text[160];
  va_list args;
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  qe_buffer_puts (out, text);
}

void
qe_schema_put_literal (QeBuffer *out, const char *text, size_t length)
{
  qe_buffer_puts (out, "\"");
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '"' || text[i] == '\\' || text[i] == '\n')
      qe_buffer_puts (out, "\\");
    qe_buffer_add (out, text[i] == '\n' ? "n" : &text[i], 1);
  }
  qe_buffer_puts (out, "\" ");
}

void
qe_schema_want (QeSchema *c, size_t schema, bool as_text)
{
  const uint8_t bit = (uint8_t) (1 << as_text);
  if (!(c->queued[schema] & bit)) {
    c->queued[schema] |= bit;
    c->queue[c->n_queued++] = 2 * schema + as_text;
  }
}

void
qe_schema_put (QeSchema *c, size_t schema)
{
  qe_schema_want (c, schema, false);
  qe_schema_printf (&c->out, "s%zu ", schema);
}

/* Appends a schema that says what this one allows, in the form that this one has. */
static void
put_alike (QeSchema *c, size_t schema)
{
  qe_schema_want (c, schema, c->as_text);
  qe_schema_printf (&c->out, "%c%zu ", c->as_text ? 't' : 's', schema);
}

void
qe_schema_put_or_value (QeSchema *c, size_t schema)
{
  if (schema == QE_JSON_NONE)
    qe_buffer_puts (&c->out, "value ");
  else
    qe_schema_put (c, schema);
}

/* ---- keywords -------------------------------------------------------------------------------------------------- */

enum {
  TYPE_NULL = 1 << QE_JSON_NULL,
  TYPE_BOOLEAN = 1 << QE_JSON_TRUE,
  TYPE_NUMBER = 1 << QE_JSON_NUMBER,
  TYPE_STRING = 1 << QE_JSON_STRING,
  TYPE_ARRAY = 1 << QE_JSON_ARRAY,
  TYPE_OBJECT = 1 << QE_JSON_OBJECT,
  TYPE_INTEGER = 1 << 8,
};

typedef enum { ROLE_NOTE, ROLE_TYPE, ROLE_WHOLE, ROLE_DETAIL } Role;

static const struct {
  const char *name;
  Role role; /* means nothing; says types; says everything alone; says more about values of a type */
  int types;
} keywords[] = {
  { "title", ROLE_NOTE, 0 },
  { "description", ROLE_NOTE, 0 },
  { "default", ROLE_NOTE, 0 },
  { "examples", ROLE_NOTE, 0 },
  { "example", ROLE_NOTE, 0 },
  { "deprecated", ROLE_NOTE, 0 },
  { "readOnly", ROLE_NOTE, 0 },
  { "writeOnly", ROLE_NOTE, 0 },
  { "nullable", ROLE_NOTE, 0 },
  { "$schema", ROLE_NOTE, 0 },
  { "$id", ROLE_NOTE, 0 },
  { "$comment", ROLE_NOTE, 0 },
  { "$defs", ROLE_NOTE, 0 },
  { "definitions", ROLE_NOTE, 0 },
  { "type", ROLE_TYPE, 0 },
  { "$ref", ROLE_WHOLE, 0 },
  { "anyOf", ROLE_WHOLE, 0 },
  { "oneOf", ROLE_WHOLE, 0 },
  { "allOf", ROLE_WHOLE, 0 },
  { "enum", ROLE_WHOLE, 0 },
  { "const", ROLE_WHOLE, 0 },
  { "properties", ROLE_DETAIL, TYPE_OBJECT },
  { "required", ROLE_DETAIL, TYPE_OBJECT },
  { "additionalProperties", ROLE_DETAIL, TYPE_OBJECT },
  { "items", ROLE_DETAIL, TYPE_ARRAY },
  { "prefixItems", ROLE_DETAIL, TYPE_ARRAY },
  { "minItems", ROLE_DETAIL, TYPE_ARRAY },
  { "maxItems", ROLE_DETAIL, TYPE_ARRAY },
  { "uniqueItems", ROLE_DETAIL, TYPE_ARRAY },
  { "minLength", ROLE_DETAIL, TYPE_STRING },
  { "maxLength", ROLE_DETAIL, TYPE_STRING },
  { "pattern", ROLE_DETAIL, TYPE_STRING },
  { "format", ROLE_DETAIL, TYPE_STRING },
  { "minimum", ROLE_DETAIL, TYPE_NUMBER },
  { "maximum", ROLE_DETAIL, TYPE_NUMBER },
  { "exclusiveMinimum", ROLE_DETAIL, TYPE_NUMBER },
  { "exclusiveMaximum", ROLE_DETAIL, TYPE_NUMBER },
};

#define N_KEYWORDS (sizeof keywords / sizeof *keywords)

bool
qe_schema_count (QeSchema *c, size_t schema, const char *keyword, uint32_t *out)
{
  const size_t i = qe_json_member (&c->json, schema, keyword);
  size_t length;
  if (i == QE_JSON_NONE)
    return false;
  const char *text = qe_json_text (&c->json, i, &length);
  uint32_t count = MAX_COUNT + 1;
  if (c->json.values[i].kind == QE_JSON_NUMBER && length <= 7 && strspn (text, "0123456789") == length)
    count = (uint32_t) strtoul (text, NULL, 10);
  if (count <= MAX_COUNT) {
    *out = count;
    return true;
  }
  if (!c->lenient)
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "“%s” must be a whole number of at most a million", keyword);
  return false;
}

static int
type_by_name (const char *name)
{
  static const struct {
    const char *name;
    int type;
  } types[] = {
    { "null", TYPE_NULL },     { "boolean", TYPE_BOOLEAN }, { "integer", TYPE_INTEGER }, { "number", TYPE_NUMBER },
    { "string", TYPE_STRING }, { "array", TYPE_ARRAY },     { "object", TYPE_OBJECT },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp (types[i].name, name) == 0)
      return types[i].type;
  return 0;
}

/* Reads "type"; 0 if there is none, or if it is wrong, which is noted. */
static int
read_types (QeSchema *c, size_t schema)
{
  const size_t value = qe_json_member (&c->json, schema, "type");
  size_t length;
  int types = 0;
  bool sound = true;
  if (value == QE_JSON_NONE)
    return 0;
  if (c->json.values[value].kind == QE_JSON_STRING)
    types = type_by_name (qe_json_text (&c->json, value, &length));
  for (size_t i = qe_json_first (&c->json, value); i != QE_JSON_NONE; i = qe_json_next (&c->json, value, i)) {
    const int type = c->json.values[value].kind == QE_JSON_ARRAY && c->json.values[i].kind == QE_JSON_STRING
                         ? type_by_name (qe_json_text (&c->json, i, &length))
                         : 0;
    sound &= type != 0;
    types |= type;
  }
  if (!types || !sound)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“type” must be a type's name or a list of such names");
  return types;
}

/* Checks the keywords of a schema. *whole: the keyword that says everything, or QE_JSON_NONE; *detailed: the types about
 * which others say more. */
static void
check_keywords (QeSchema *c, size_t schema, size_t *whole, int *detailed)
{
  size_t length;
  *whole = QE_JSON_NONE;
  *detailed = 0;
  size_t n = 0;
  for (size_t i = qe_json_first (&c->json, schema); i != QE_JSON_NONE && c->status == QE_OK;
       i = qe_json_next (&c->json, schema, i)) {
    const char *name = qe_json_key (&c->json, i, &length);
    size_t k = strlen (name) == length ? 0 : N_KEYWORDS;
    while (k < N_KEYWORDS && strcmp (keywords[k].name, name) != 0)
      k++;
    if (++n > MAX_KEYWORDS)
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "A schema of more than 1000 keywords is not supported");
    if (k == N_KEYWORDS && strncmp (name, "x-", 2) != 0 && !c->lenient)
      qe_schema_refuse (c, schema, name);
    if (k == N_KEYWORDS || qe_json_member (&c->json, schema, name) != i)
      continue;
    if (keywords[k].role == ROLE_DETAIL)
      *detailed |= keywords[k].types;
    if (keywords[k].role != ROLE_WHOLE)
      continue;
    if (*whole == QE_JSON_NONE)
      *whole = i;
    else if (!c->lenient)
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "“%s” beside “%s” is not supported",
                      qe_json_key (&c->json, *whole, &length), name);
  }
  if (*whole == QE_JSON_NONE)
    return;
  const char *name = qe_json_key (&c->json, *whole, &length);
  const bool lists_values = strcmp (name, "enum") == 0 || strcmp (name, "const") == 0;
  const bool has_more = *detailed || (!lists_values && qe_json_member (&c->json, schema, "type") != QE_JSON_NONE);
  if (has_more && c->lenient && !lists_values)
    *whole = QE_JSON_NONE; /* the other conditions are followed */
  else if (has_more && !c->lenient)
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "“%s” beside other conditions is not supported", name);
}

/* ---- references and alternatives ------------------------------------------------------------------------------- */

/* Takes the next name of a JSON pointer in a URI fragment, with %XX, ~0 and ~1 decoded. */
static bool
take_pointer_name (const char **at, QeBuffer *name)
{
  qe_buffer_clear (name);
  qe_buffer_add (name, "", 0);
  for ((*at)++; **at && **at != '/'; (*at)++) {
    char c = **at;
    if (c == '%') {
      const char digits[3] = { (*at)[1], (*at)[1] ? (*at)[2] : '\0', '\0' };
      if (strspn (digits, "0123456789abcdefABCDEF") != 2)
        return false;
      c = (char) strtoul (digits, NULL, 16);
      *at += 2;
    } else if (c == '~') {
      c = (*at)[1] == '0' ? '~' : '/';
      if ((*at)[1] != '0' && (*at)[1] != '1')
        return false;
      (*at)++;
    }
    qe_buffer_add (name, &c, 1);
  }
  return !name->failed;
}

/* Returns what "$ref" points to; QE_JSON_NONE if that is nothing, which is noted. */
static size_t
find_reference (QeSchema *c, size_t schema, size_t reference)
{
  size_t length, found = find_base (c, schema);
  QeBuffer name = { 0 };
  const char *text = qe_json_text (&c->json, reference, &length), *at = text + 1;
  bool sound = c->json.values[reference].kind == QE_JSON_STRING && *text == '#' && (text[1] == '\0' || text[1] == '/');
  while (sound && *at && found != QE_JSON_NONE) {
    sound = take_pointer_name (&at, &name);
    if (c->json.values[found].kind == QE_JSON_ARRAY) {
      size_t n = name.size && strspn (name.data, "0123456789") == name.size ? strtoul (name.data, NULL, 10) : SIZE_MAX;
      size_t child = qe_json_first (&c->json, found);
      for (; n > 0 && child != QE_JSON_NONE; n--)
        child = qe_json_next (&c->json, found, child);
      found = child;
    } else {
      found = qe_json_member (&c->json, found, name.data ? name.data : "");
    }
  }
  qe_buffer_clear (&name);
  if (sound && found != QE_JSON_NONE)
    return found;
  qe_schema_fail (c, QE_ERROR_FORMAT, schema, " Only schemas in the same text can be referred to, as #/$defs/NAME.",
                  "“$ref” points to nothing");
  return QE_JSON_NONE;
}

/* Follows references. QE_JSON_NONE if they do not lead to a schema. */
static size_t
follow (QeSchema *c, size_t schema)
{
  for (int i = 0; i < MAX_FOLLOWED && schema != QE_JSON_NONE; i++) {
    const size_t reference = qe_json_member (&c->json, schema, "$ref");
    if (reference == QE_JSON_NONE)
      return schema;
    schema = find_reference (c, schema, reference);
  }
  return QE_JSON_NONE;
}

/* Returns the types that a schema's values may have, or all if that is not plain to see. */
static int
possible_types (QeSchema *c, size_t schema)
{
  const int all = TYPE_INTEGER | (TYPE_INTEGER - 1);
  const size_t value = qe_json_member (&c->json, schema, "const"), list = qe_json_member (&c->json, schema, "enum");
  int types = 0;
  if (value != QE_JSON_NONE)
    types = 1 << c->json.values[value].kind;
  else if (list != QE_JSON_NONE)
    for (size_t i = qe_json_first (&c->json, list); i != QE_JSON_NONE; i = qe_json_next (&c->json, list, i))
      types |= 1 << c->json.values[i].kind;
  else
    types = read_types (c, schema);
  if (types & 1 << QE_JSON_FALSE)
    types |= TYPE_BOOLEAN;
  return types & TYPE_INTEGER ? types | TYPE_NUMBER : types ? types : all;
}

/* Lists the strings that are a schema's only values. Returns their number; 0 if they are too many, or others are among
 * them. */
static size_t
list_strings (const QeJson *json, size_t schema, size_t strings[MAX_COMPARED])
{
  const size_t value = qe_json_member (json, schema, "const"), list = qe_json_member (json, schema, "enum");
  size_t n = 0;
  strings[0] = value;
  if (value != QE_JSON_NONE || list == QE_JSON_NONE)
    return value != QE_JSON_NONE && json->values[value].kind == QE_JSON_STRING;
  for (size_t i = qe_json_first (json, list); i != QE_JSON_NONE; i = qe_json_next (json, list, i)) {
    if (json->values[i].kind != QE_JSON_STRING || n == MAX_COMPARED)
      return 0;
    strings[n++] = i;
  }
  return n;
}

/* Returns whether both list only strings, and none in common. */
static bool
list_other_strings (const QeJson *json, size_t a, size_t b)
{
  size_t of_a[MAX_COMPARED], of_b[MAX_COMPARED];
  const size_t n = list_strings (json, a, of_a), m = list_strings (json, b, of_b);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < m; k++) {
      size_t length_a, length_b;
      const char *x = qe_json_text (json, of_a[i], &length_a), *y = qe_json_text (json, of_b[k], &length_b);
      if (length_a == length_b && memcmp (x, y, length_a) == 0)
        return false;
    }
  return n > 0 && m > 0;
}

bool
qe_schema_requires (const QeJson *json, size_t schema, const char *name)
{
  const size_t required = qe_json_member (json, schema, "required");
  size_t length;
  if (required == QE_JSON_NONE)
    return false;
  for (size_t i = qe_json_first (json, required); i != QE_JSON_NONE; i = qe_json_next (json, required, i))
    if (json->values[i].kind == QE_JSON_STRING && strcmp (qe_json_text (json, i, &length), name) == 0)
      return true;
  return false;
}

/* Returns whether no value can be valid under both schemas, as far as that is plain: their types differ, they list other
 * strings, or a member that both require tells them apart in this way. */
static bool
exclude_each_other (QeSchema *c, size_t a, size_t b)
{
  const QeJson *json = &c->json;
  size_t length;
  a = follow (c, a);
  b = follow (c, b);
  if (a == QE_JSON_NONE || b == QE_JSON_NONE)
    return false;
  if (!(possible_types (c, a) & possible_types (c, b)) || list_other_strings (json, a, b))
    return true;
  const size_t of_a = qe_json_member (json, a, "properties"), of_b = qe_json_member (json, b, "properties");
  if (of_a == QE_JSON_NONE || of_b == QE_JSON_NONE || possible_types (c, a) != TYPE_OBJECT
      || possible_types (c, b) != TYPE_OBJECT)
    return false;
  size_t n = 0;
  for (size_t i = qe_json_first (json, of_a); i != QE_JSON_NONE && n < MAX_COMPARED;
       i = qe_json_next (json, of_a, i), n++) {
    const char *name = qe_json_key (json, i, &length);
    const size_t k = qe_json_member (json, of_b, name);
    if (k != QE_JSON_NONE && qe_schema_requires (json, a, name) && qe_schema_requires (json, b, name)
        && list_other_strings (json, i, k))
      return true;
  }
  return false;
}

static void
write_whole (QeSchema *c, size_t schema, size_t keyword)
{
  const QeJson *json = &c->json;
  size_t length;
  const char *name = qe_json_key (json, keyword, &length);
  if (strcmp (name, "$ref") == 0) {
    const size_t target = find_reference (c, schema, keyword);
    if (target != QE_JSON_NONE)
      put_alike (c, target);
  } else if (strcmp (name, "enum") == 0 || strcmp (name, "const") == 0) {
    /* The values are written as they stand there, as far as "type" allows them. */
    const bool is_const = keyword == qe_json_member (json, schema, "const");
    const int types = read_types (c, schema);
    bool any = false;
    if (!is_const && json->values[keyword].kind != QE_JSON_ARRAY)
      qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“enum” must be a list of values");
    for (size_t i = is_const ? keyword : qe_json_first (json, keyword); i != QE_JSON_NONE && c->status == QE_OK;
         i = is_const ? QE_JSON_NONE : qe_json_next (json, keyword, i)) {
      const QeJsonKind kind = json->values[i].kind;
      int type = 1 << (kind == QE_JSON_FALSE ? QE_JSON_TRUE : kind);
      if (type == TYPE_NUMBER && !strpbrk (qe_json_text (json, i, &length), ".eE"))
        type |= TYPE_INTEGER;
      if (types && !(types & type))
        continue;
      QeBuffer text = { 0 };
      if (c->as_text && kind == QE_JSON_STRING) {
        const char *word = qe_json_text (json, i, &length);
        qe_buffer_add (&text, word, length);
      } else {
        qe_json_write (json, i, &text);
      }
      c->out.failed |= text.failed;
      if (!text.failed) {
        qe_buffer_puts (&c->out, any ? "| " : "");
        qe_schema_put_literal (&c->out, text.data ? text.data : "", text.size);
        any = true;
      }
      qe_buffer_clear (&text);
    }
    if (!any)
      qe_buffer_puts (&c->out, "[]");
  } else {
    if (strcmp (name, "allOf") == 0 && json->values[keyword].kind == QE_JSON_ARRAY
        && qe_json_first (json, keyword) != QE_JSON_NONE && qe_json_next (json, keyword, keyword + 1) != QE_JSON_NONE)
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "“allOf” of more than one schema is not supported");
    const bool exclusive = strcmp (name, "oneOf") == 0;
    size_t checks = 0;
    if (json->values[keyword].kind != QE_JSON_ARRAY || qe_json_first (json, keyword) == QE_JSON_NONE) {
      qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“%s” must be a list of schemas", name);
      return;
    }
    for (size_t i = qe_json_first (json, keyword); i != QE_JSON_NONE; i = qe_json_next (json, keyword, i)) {
      for (size_t k = qe_json_first (json, keyword); exclusive && k != i && c->status == QE_OK;
           k = qe_json_next (json, keyword, k))
        if (!c->lenient && (++checks > MAX_PAIRS || !exclude_each_other (c, i, k)))
          qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, " Use “anyOf”.",
                          "Schemas of “oneOf” may be valid at once, so it is not supported");
      qe_buffer_puts (&c->out, i == keyword + 1 ? "" : "| ");
      put_alike (c, i);
    }
  }
}

/* ---- schemas --------------------------------------------------------------------------------------------------- */

static void
write_schema (QeSchema *c, size_t schema)
{
  const QeJsonKind kind = c->json.values[schema].kind;
  size_t whole;
  int detailed;
  if (kind == QE_JSON_TRUE || kind == QE_JSON_FALSE) {
    qe_buffer_puts (&c->out, kind == QE_JSON_FALSE ? "[]" : c->as_text ? "text" : "value");
    return;
  }
  if (kind != QE_JSON_OBJECT) {
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "There is no schema, which is an object,");
    return;
  }
  check_keywords (c, schema, &whole, &detailed);
  if (c->status != QE_OK)
    return;
  if (whole != QE_JSON_NONE) {
    write_whole (c, schema, whole);
    return;
  }
  int types = read_types (c, schema);
  types = types ? types : detailed; /* who speaks of the length of a string means strings */
  if (types & TYPE_NUMBER)
    types &= ~TYPE_INTEGER;
  if (!types) {
    qe_buffer_puts (&c->out, c->as_text ? "text" : "value");
    return;
  }
  const char *separator = "";
  for (int type = 1; type <= TYPE_INTEGER && c->status == QE_OK; type <<= 1) {
    if (!(types & type) || type == TYPE_OBJECT)
      continue;
    qe_buffer_puts (&c->out, separator);
    switch (type) {
    case TYPE_NULL: qe_buffer_puts (&c->out, c->as_text ? "\"null\" | \"None\"" : "\"null\""); break;
    case TYPE_BOOLEAN: /* as text also in the way in which templates show them, which is Python's */
      qe_buffer_puts (&c->out, c->as_text ? "[tT] \"rue\" | [fF] \"alse\"" : "\"true\" | \"false\"");
      break;
    case TYPE_STRING: qe_schema_write_string (c, schema); break;
    case TYPE_ARRAY: qe_schema_write_array (c, schema); break;
    default: qe_schema_write_number (c, schema, type == TYPE_INTEGER); break;
    }
    separator = " | ";
  }
  if (types & TYPE_OBJECT) { /* the last one, because it adds rules of its own */
    qe_buffer_puts (&c->out, separator);
    qe_schema_write_object (c, schema);
  }
}

void
qe_schema_begin (QeSchema *c, const char *text, size_t length, QeError *err)
{
  *c = (QeSchema) { .err = err };
  if (length > MAX_BYTES)
    c->status = qe_fail (err, QE_ERROR_UNSUPPORTED, "The JSON schema has %zu bytes; one megabyte is the most.", length);
  else if (!qe_utf8_valid (text, length))
    c->status = qe_fail (err, QE_ERROR_FORMAT, "The JSON schema is not valid UTF-8.");
  else
    c->status = qe_json_parse (&c->json, text, length, err);
  if (c->status != QE_OK)
    return;
  c->queued = calloc (c->json.n_values, 1);
  c->queue = malloc (2 * c->json.n_values * sizeof *c->queue);
  qe_buffer_puts (&c->out, preamble);
  if (!c->queued || !c->queue || c->out.failed)
    c->status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the JSON schema.");
}

void
qe_schema_write_rules (QeSchema *c)
{
  while (c->n_done < c->n_queued && c->status == QE_OK && !c->out.failed) {
    const size_t schema = c->queue[c->n_done] / 2;
    c->as_text = c->queue[c->n_done++] % 2;
    qe_schema_printf (&c->out, "%c%zu ::= ", c->as_text ? 't' : 's', schema);
    write_schema (c, schema);
    qe_buffer_puts (&c->out, "\n");
  }
  if (c->status == QE_OK && c->out.failed)
    c->status = qe_fail (c->err, QE_ERROR_MEMORY, "There is not enough memory for the JSON schema.");
}

bool
qe_schema_try (QeSchema *c, size_t schema, bool as_text)
{
  const size_t size = c->out.size, n_queued = c->n_queued;
  if (c->status != QE_OK)
    return false;
  qe_schema_want (c, schema, as_text);
  qe_schema_write_rules (c);
  if (c->status == QE_OK)
    return true;
  if (c->status == QE_ERROR_MEMORY)
    return false;
  while (c->n_queued > n_queued) {
    const size_t item = c->queue[--c->n_queued];
    c->queued[item / 2] &= (uint8_t) ~(1 << item % 2);
  }
  c->n_done = n_queued;
  c->out.size = size;
  c->out.data[size] = '\0';
  c->status = QE_OK;
  return false;
}

void
qe_schema_clear (QeSchema *c)
{
  free (c->queued);
  free (c->queue);
  qe_buffer_clear (&c->out);
  qe_json_clear (&c->json);
}

QeStatus
qe_grammar_from_schema_for (QeGrammar **out, const QeTokenizer *tokenizer, const char *text, size_t length,
                            QeError *err)
{
  QeSchema c;
  QeRules rules = { 0 };
  QeProgram program;
  uint32_t culprit = QE_NO_NODE;
  *out = NULL;
  qe_schema_begin (&c, text, length, err);
  if (c.status == QE_OK) {
    qe_buffer_puts (&c.out, "root ::= ");
    qe_schema_put (&c, 0);
    qe_buffer_puts (&c.out, "\n");
    qe_schema_write_rules (&c);
  }
  QeStatus status = c.status;
  if (status == QE_OK)
    status = qe_rules_parse (&rules, c.out.data, c.out.size, NULL, err);
  if (status == QE_OK) {
    status = qe_program_compile (&program, &rules, &culprit, err);
    if (status == QE_OK)
      status = qe_grammar_new (out, tokenizer, &program, err);
    else if (status == QE_ERROR_ARGUMENT)
      qe_fail (err, status, "Nothing can be valid under the JSON schema.");
    else if (culprit != QE_NO_NODE) /* its name is that of a schema */
      qe_schema_fail (&c, status, strtoul (rules.rules[culprit].name + 1, NULL, 10), "",
                      "A schema refers to itself without anything around it,");
    qe_rules_clear (&rules);
  }
  qe_schema_clear (&c);
  return status;
}
