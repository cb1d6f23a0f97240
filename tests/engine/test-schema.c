/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"

#include "format/template/qe-json.h"
#include "model/qe-model.h"
#include "sampler/qe-grammar.h"

static QeGrammar *
grammar_for (const QeTokenizer *tokenizer, const char *schema)
{
  QeGrammar *g = NULL;
  QeError err = { 0 };
  qe_test_check (qe_grammar_from_schema_for (&g, tokenizer, schema, strlen (schema), &err) == QE_OK, __FILE__, __LINE__,
                 "%s: %s", schema, err.message);
  return g;
}

static bool
takes (QeGrammar *g, const char *text)
{
  bool may_end;
  return g && qe_grammar_admits_text (g, text, strlen (text), &may_end) && may_end;
}

QE_TEST (texts)
{
  static const struct {
    const char *schema, *yes[8], *no[8];
  } cases[] = {
    { "{\"type\": \"object\"}",
      { "{}", "{\"a\": 1}", "{\n  \"a\": [1, {\"b\": null}],\n  \"c\": \"\\u00e4\\ud83d\\ude00\"\n}",
        "{\"a\":1,\"b\":2}" },
      { "", "[]", "{ }", "{\"a\" : 1}", "{\"a\":  1}", "{} ", "{\"a\":\"\\ud83d\"}", "{\"a\":01}" } },
    { "true", { "1", "null", "[]", "\"\"", "-0.5e3" }, { "", "nul", "+1", "1.", ".5" } },
    { "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"type\": \"boolean\"}}, "
      "\"required\": [\"a\", \"b\"], \"additionalProperties\": false}",
      { "{\"a\":1,\"b\":true}", "{ \"a\": -20, \"b\": false }", "{\n\t\"a\": 0,\n\t\"b\": true\n}" },
      { "{}", "{\"a\":1}", "{\"b\":true,\"a\":1}", "{\"a\":1.5,\"b\":true}", "{\"a\":1,\"b\":true,\"c\":1}" } },
    { "{\"properties\": {\"a\": {\"const\": 1}, \"b\": {\"const\": 2}, \"c\": {\"const\": 3}}, \"required\": [\"b\"]}",
      { "{\"b\":2}", "{\"a\":1,\"b\":2}", "{\"b\":2,\"c\":3}", "{\"a\":1,\"b\":2,\"c\":3}" },
      { "{}", "{\"a\":1}", "{\"a\":1,\"c\":3}", "{,\"b\":2}", "{\"b\":2,}" } },
    { "{\"type\": \"object\", \"properties\": {\"a\": {\"const\": 1}, \"b\": {\"const\": 2}}}",
      { "{}", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}" },
      { "{\"c\":1}", "{\"a\":1,}" } },
    { "{\"type\": \"object\", \"properties\": {\"ab\": {\"const\": 1}, \"a\\u00e4\": {\"const\": 2}, \"\\\"\": {\"const\": 3}}, "
      "\"additionalProperties\": {\"type\": \"null\"}}",
      { "{}", "{\"ab\":1}", "{\"a\":null}", "{\"ab\":1,\"abc\":null,\"\":null}", "{\"a\xc3\xa4\":2,\"a\xc3\xb6\":null}",
        "{\"\\\"\":3}" },
      { "{\"ab\":null}", "{\"ab\":1,\"ab\":null}", "{\"a\xc3\xa4\":null}", "{\"\\\"\":null}", "{\"c\":1}" } },
    { "{\"type\": \"object\", \"required\": [\"x\"], \"additionalProperties\": {\"type\": \"integer\"}}",
      { "{\"x\":1}", "{\"x\":1,\"y\":2}" },
      { "{}", "{\"y\":2}", "{\"x\":\"\"}" } },
    { "{\"type\": \"object\", \"additionalProperties\": false}", { "{}" }, { "{\"a\":1}" } },
    { "{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"minItems\": 2, \"maxItems\": 3}",
      { "[1,2]", "[1, 2, 3]", "[\n1,\n2\n]" },
      { "[]", "[1]", "[1,2,3,4]", "[1,2,]" } },
    { "{\"type\": \"array\", \"maxItems\": 1}", { "[]", "[1]", "[[]]" }, { "[1,2]" } },
    { "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"enum\": [1]}}", { "[1]", "[1,1,1,1]" }, { "[]" } },
    { "{\"items\": false}", { "[]" }, { "[1]" } },
    { "{\"prefixItems\": [{\"type\": \"integer\"}, {\"type\": \"string\"}], \"items\": {\"type\": \"null\"}, \"maxItems\": 3}",
      { "[1,\"\"]", "[1,\"a\",null]" },
      { "[]", "[1]", "[\"\",1]", "[1,\"\",null,null]" } },
    { "{\"enum\": [\"a\\\"\\n\", 1, {\"x\": [1, 2]}, null, 1.50]}",
      { "\"a\\\"\\n\"", "1", "{\"x\": [1, 2]}", "null", "1.50" },
      { "\"a\"", "2", "1.5" } },
    { "{\"type\": \"string\", \"enum\": [\"a\", 1]}", { "\"a\"" }, { "1" } },
    { "{\"type\": [\"integer\", \"null\"]}", { "12", "null" }, { "1.5", "\"\"" } },
    { "{\"type\": \"string\", \"minLength\": 2, \"maxLength\": 3}",
      { "\"ab\"", "\"\xc3\xa4\xe2\x82\xac\\n\"", "\"\\ud83d\\ude00\xf0\x9f\x98\x80\"" },
      { "\"a\"", "\"abcd\"", "ab", "\"\\n\"" } },
    { "{\"type\": \"string\", \"pattern\": \"^[A-Z]{2}-\\\\d+$\"}",
      { "\"AB-1\"", "\"XY-123\"" },
      { "\"A-1\"", "\"AB-\"", "\"AB-1x\"" } },
    { "{\"pattern\": \"b|^c(?:d|e)?$\"}", { "\"abc\"", "\"b\"", "\"c\"", "\"cd\"" }, { "\"\"", "\"cf\"", "\"acd\"" } },
    { "{\"pattern\": \"^[^a-z]\\\\.\\\"\\\\\\\\\\\\n.?\\\\u00e4$\"}",
      { "\"A.\\\"\\\\\\n\xc3\xa4\"", "\"\\\".\\\"\\\\\\nx\xc3\xa4\"" },
      { "\"a.\\\"\\\\\\n\xc3\xa4\"", "\"A.\\\"\\\\\\n\\n\xc3\xa4\"" } },
    { "{\"format\": \"uuid\"}", { "\"123e4567-e89b-12d3-a456-426614174000\"" }, { "\"123e4567\"" } },
    { "{\"format\": \"date-time\"}",
      { "\"2026-12-01T02:30:00Z\"", "\"2026-12-01T02:30:00.25+01:00\"" },
      { "\"2026-12-01\"", "\"2026-12-01T24:00:00Z\"" } },
    { "{\"format\": \"ipv4\"}",
      { "\"127.0.0.1\"", "\"255.249.10.99\"" },
      { "\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\"" } },
    { "{\"format\": \"email\"}", { "\"a.b+c@example.org\"" }, { "\"a\"", "\"a@b\"", "\"@example.org\"" } },
    { "{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"string\", \"maxLength\": 0}]}",
      { "1", "\"\"" },
      { "\"a\"", "null" } },
    { "{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"k\": {\"const\": \"a\"}, \"n\": {\"type\": \"integer\"}}, "
      "\"required\": [\"k\", \"n\"]}, {\"type\": \"object\", \"properties\": {\"k\": {\"const\": \"b\"}}, \"required\": [\"k\"]}]}",
      { "{\"k\":\"a\",\"n\":1}", "{\"k\":\"b\"}" },
      { "{\"k\":\"a\"}", "{\"k\":\"b\",\"n\":1}" } },
    { "{\"oneOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}", { "\"\"", "null" }, { "1" } },
    { "{\"allOf\": [{\"$ref\": \"#/$defs/a%20b~1\"}], \"$defs\": {\"a b/\": {\"const\": 7}}}", { "7" }, { "8" } },
    { "{\"type\": \"object\", \"properties\": {\"v\": {\"type\": \"integer\"}, \"next\": {\"anyOf\": [{\"$ref\": \"#\"}, {\"type\": \"null\"}]}}, "
      "\"required\": [\"v\", \"next\"], \"additionalProperties\": false}",
      { "{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}" },
      { "{\"v\":1}", "{\"v\":1,\"next\":{\"v\":2}}" } },
    { "{\"title\": \"T\", \"description\": \"D\", \"default\": 1, \"examples\": [1], \"$schema\": \"x\", \"x-y\": {}, \"type\": \"integer\", "
      "\"minLength\": 5}",
      { "1" },
      { "1.0" } },
    { "{\"type\": \"object\", \"properties\": {\"a\": false, \"b\": true}, \"required\": [\"b\"]}",
      { "{\"b\":[1]}" },
      { "{\"a\":1,\"b\":1}" } },
    { "{\"anyOf\": [{\"type\": \"object\", \"properties\": {\"a\": {\"$ref\": \"#/anyOf/0\"}}, \"required\": [\"a\"]}, {\"type\": \"null\"}]}",
      { "null" },
      { "{\"a\":null}", "{" } },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeGrammar *g = grammar_for (NULL, cases[i].schema);
    for (size_t k = 0; g && k < 8 && cases[i].yes[k]; k++)
      qe_test_check (takes (g, cases[i].yes[k]), __FILE__, __LINE__, "%s should take %s", cases[i].schema,
                     cases[i].yes[k]);
    for (size_t k = 0; g && k < 8 && cases[i].no[k]; k++)
      qe_test_check (!takes (g, cases[i].no[k]), __FILE__, __LINE__, "%s should not take %s", cases[i].schema,
                     cases[i].no[k]);
    qe_grammar_free (g);
  }
}

QE_TEST (refusals)
{
  static const struct {
    const char *schema, *said;
    QeStatus status;
  } cases[] = {
    { "{", "not valid JSON", QE_ERROR_FORMAT },
    { "{\"type\": \"\xff\"}", "not valid UTF-8", QE_ERROR_FORMAT },
    { "1", "There is no schema", QE_ERROR_FORMAT },
    { "{\"type\": \"text\"}", "“type” must be a type's name or a list of such names at #.", QE_ERROR_FORMAT },
    { "{\"type\": [\"string\", 1]}", "“type” must be", QE_ERROR_FORMAT },
    { "{\"properties\": {\"a\": {\"not\": {}}}}", "“not” is not supported at #/properties/a.", QE_ERROR_UNSUPPORTED },
    { "{\"properties\": {\"a\": {\"items\": {\"if\": {}}}}}", "“if” is not supported at #/properties/a/items.",
      QE_ERROR_UNSUPPORTED },
    { "{\"patternProperties\": {}}", "“patternProperties” is not supported at #.", QE_ERROR_UNSUPPORTED },
    { "{\"type\": \"number\", \"multipleOf\": 2}", "“multipleOf” is not supported", QE_ERROR_UNSUPPORTED },
    { "{\"minProperties\": 1}", "“minProperties” is not supported", QE_ERROR_UNSUPPORTED },
    { "{\"requierd\": []}", "“requierd” is not supported", QE_ERROR_UNSUPPORTED },
    { "{\"uniqueItems\": true}", "“uniqueItems” is not supported", QE_ERROR_UNSUPPORTED },
    { "{\"anyOf\": [{}], \"properties\": {}}", "“anyOf” beside other conditions", QE_ERROR_UNSUPPORTED },
    { "{\"anyOf\": [{}], \"type\": \"string\"}", "“anyOf” beside other conditions", QE_ERROR_UNSUPPORTED },
    { "{\"$ref\": \"#\", \"enum\": [1]}", "“$ref” beside “enum”", QE_ERROR_UNSUPPORTED },
    { "{\"$ref\": \"#/$defs/a\"}", "“$ref” points to nothing at #.", QE_ERROR_FORMAT },
    { "{\"$ref\": \"http://example.org/schema\"}", "Only schemas in the same text", QE_ERROR_FORMAT },
    { "{\"$ref\": \"#\"}", "Nothing can be valid", QE_ERROR_ARGUMENT },
    { "{\"properties\": {\"a\": {\"anyOf\": [{\"$ref\": \"#/properties/a\"}, {\"type\": \"null\"}]}}}",
      "A schema refers to itself without anything around it, at #/properties/a", QE_ERROR_UNSUPPORTED },
    { "{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\"}]}", "may be valid at once", QE_ERROR_UNSUPPORTED },
    { "{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"k\": {\"const\": \"a\"}}}, {\"type\": \"object\", \"properties\": "
      "{\"k\": {\"const\": \"b\"}}}]}",
      "may be valid at once", QE_ERROR_UNSUPPORTED },
    { "{\"allOf\": [{}, {}]}", "“allOf” of more than one", QE_ERROR_UNSUPPORTED },
    { "{\"enum\": 1}", "“enum” must be a list", QE_ERROR_FORMAT },
    { "{\"anyOf\": []}", "“anyOf” must be a list", QE_ERROR_FORMAT },
    { "{\"format\": \"ipv6\"}", "The format “ipv6” is not supported at #. Supported are date", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"a\", \"maxLength\": 3}", "Only one of “pattern”", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"(?=a)\"}", "A group that begins with “(?” cannot be used in “pattern” at #.",
      QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"\\\\bfoo\"}", "word boundary", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"(a)\\\\1\"}", "reference to a group", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"a(^b)\"}", "“^” behind the beginning", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"(a\"}", "group without end", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"a)\"}", "never opened", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"[a\"}", "class without end", QE_ERROR_UNSUPPORTED },
    { "{\"pattern\": \"*a\"}", "repetition of nothing", QE_ERROR_UNSUPPORTED },
    { "{\"minLength\": -1}", "“minLength” must be a whole number", QE_ERROR_UNSUPPORTED },
    { "{\"maxItems\": 1e9}", "“maxItems” must be a whole number", QE_ERROR_UNSUPPORTED },
    { "{\"type\": \"number\", \"minimum\": 0.5}", "“minimum” cannot be had at #. It must be a whole number",
      QE_ERROR_UNSUPPORTED },
    { "{\"type\": \"integer\", \"minimum\": 3, \"maximum\": 2}", "Nothing can be valid", QE_ERROR_ARGUMENT },
    { "{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2}", "Nothing can be valid", QE_ERROR_ARGUMENT },
    { "{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}", "Nothing can be valid",
      QE_ERROR_ARGUMENT },
    { "false", "Nothing can be valid", QE_ERROR_ARGUMENT },
    { "{\"enum\": []}", "Nothing can be valid", QE_ERROR_ARGUMENT },
    { "{\"required\": [\"a\"], \"additionalProperties\": false}", "“a” is required", QE_ERROR_ARGUMENT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeGrammar *g = (QeGrammar *) 1;
    QeError err = { 0 };
    qe_test_check (qe_grammar_from_schema (&g, NULL, cases[i].schema, strlen (cases[i].schema), &err)
                       == cases[i].status,
                   __FILE__, __LINE__, "%s: %s", cases[i].schema, err.message);
    QE_CHECK (g == NULL);
    QE_CHECK_CONTAINS (err.message, cases[i].said);
  }
}

QE_TEST (ranges)
{
  uint64_t state = 5;
  size_t wrong = 0;
  for (int round = 0; round < 120; round++) {
    const int a = (int) (qe_test_random (&state) % 2400) - 1200,
              b = a + (int) (qe_test_random (&state) % (round % 3 ? 1200 : 30));
    const bool open_a = qe_test_random (&state) % 3 == 0, open_b = qe_test_random (&state) % 3 == 0;
    const bool has_a = round % 5 != 0, has_b = round % 7 != 0;
    char bounds[160] = "", schema[240], text[24];
    if (has_a)
      sprintf (bounds, ", \"%s\": %d", open_a ? "exclusiveMinimum" : "minimum", a);
    if (has_b)
      sprintf (bounds + strlen (bounds), ", \"%s\": %d", open_b ? "exclusiveMaximum" : "maximum", b);
    for (int whole = 0; whole < 2; whole++) {
      snprintf (schema, sizeof schema, "{\"type\": [\"%s\", \"null\"]%s}", whole ? "integer" : "number", bounds);
      QeGrammar *g = grammar_for (NULL, schema);
      for (int x = -2500; x <= 2500; x++) {
        const bool in = (!has_a || (open_a ? x > a : x >= a)) && (!has_b || (open_b ? x < b : x <= b));
        snprintf (text, sizeof text, "%d", x);
        if (takes (g, text) != in && wrong++ < 5)
          qe_test_note ("%s and %s", schema, text);
        /* 0.25 further */
        const bool in_further = (!has_a || (x >= 0 ? x >= a : x > a)) && (!has_b || (x >= 0 ? x < b : x <= b));
        snprintf (text, sizeof text, "%d.25", x);
        if (takes (g, text) != (in_further && !whole) && wrong++ < 5)
          qe_test_note ("%s and %s", schema, text);
      }
      qe_grammar_free (g);
    }
  }
  QE_CHECK_INT (wrong, ==, 0);
}

QE_TEST (dates)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  static const int years[] = { 0, 4, 1900, 2000, 2023, 2024, 2100, 2400, 9999 };
  QeGrammar *g = grammar_for (NULL, "{\"format\": \"date\"}");
  size_t wrong = 0;
  for (size_t i = 0; i < sizeof years / sizeof *years; i++)
    for (int month = 0; month <= 13; month++)
      for (int day = 0; day <= 32; day++) {
        const int year = years[i], leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        char text[64];
        snprintf (text, sizeof text, "\"%04d-%02d-%02d\"", year, month, day);
        const bool valid = month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
        wrong += takes (g, text) != valid;
      }
  QE_CHECK_INT (wrong, ==, 0);
  qe_grammar_free (g);
}

/* ---- a validator ----------------------------------------------------------------------------------------------- */

static const char *
text_of (const QeJson *json, size_t i)
{
  size_t length;
  return qe_json_text (json, i, &length);
}

static bool
is_type (const QeJson *json, size_t i, const char *type)
{
  static const char *const names[] = { "null", "boolean", "boolean", "number", "string", "array", "object" };
  if (strcmp (type, "integer") == 0)
    return json->values[i].kind == QE_JSON_NUMBER
           && floor (strtod (text_of (json, i), NULL)) == strtod (text_of (json, i), NULL);
  return strcmp (names[json->values[i].kind], type) == 0;
}

static bool
is_equal (const QeJson *a, size_t i, const QeJson *b, size_t k)
{
  QeBuffer x = { 0 }, y = { 0 };
  qe_json_write (a, i, &x);
  qe_json_write (b, k, &y);
  const bool equal = strcmp (x.data, y.data) == 0;
  qe_buffer_clear (&x);
  qe_buffer_clear (&y);
  return equal;
}

static size_t
count_characters (const char *text, size_t length)
{
  size_t n = 0;
  for (size_t i = 0; i < length; i++)
    n += ((uint8_t) text[i] & 0xc0) != 0x80;
  return n;
}

static bool validate (const QeJson *schema, size_t s, const QeJson *json, size_t i);

static bool
validate_object (const QeJson *schema, size_t s, const QeJson *json, size_t i)
{
  const size_t properties = qe_json_member (schema, s, "properties"), required = qe_json_member (schema, s, "required");
  const size_t more = qe_json_member (schema, s, "additionalProperties");
  size_t length;
  for (size_t k = qe_json_first (json, i); k != QE_JSON_NONE; k = qe_json_next (json, i, k)) {
    const char *key = qe_json_key (json, k, &length);
    const size_t property = properties == QE_JSON_NONE ? QE_JSON_NONE : qe_json_member (schema, properties, key);
    if (qe_json_member (json, i, key) != k && strlen (key) == length)
      return false; /* twice */
    if (property != QE_JSON_NONE ? !validate (schema, property, json, k)
                                 : more != QE_JSON_NONE && !validate (schema, more, json, k))
      return false;
  }
  for (size_t k = required == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (schema, required); k != QE_JSON_NONE;
       k = qe_json_next (schema, required, k))
    if (qe_json_member (json, i, text_of (schema, k)) == QE_JSON_NONE)
      return false;
  return true;
}

static bool
validate_array (const QeJson *schema, size_t s, const QeJson *json, size_t i)
{
  const size_t items = qe_json_member (schema, s, "items"), prefix = qe_json_member (schema, s, "prefixItems");
  const size_t min = qe_json_member (schema, s, "minItems"), max = qe_json_member (schema, s, "maxItems");
  size_t p = prefix == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (schema, prefix);
  long n = 0;
  for (size_t k = qe_json_first (json, i); k != QE_JSON_NONE; k = qe_json_next (json, i, k), n++) {
    if (p != QE_JSON_NONE ? !validate (schema, p, json, k)
                          : items != QE_JSON_NONE && !validate (schema, items, json, k))
      return false;
    p = p != QE_JSON_NONE ? qe_json_next (schema, prefix, p) : p;
  }
  return (min == QE_JSON_NONE || n >= atol (text_of (schema, min)))
         && (max == QE_JSON_NONE || n <= atol (text_of (schema, max)));
}

static bool
validate (const QeJson *schema, size_t s, const QeJson *json, size_t i)
{
  if (schema->values[s].kind != QE_JSON_OBJECT)
    return schema->values[s].kind == QE_JSON_TRUE;
  const QeJsonKind kind = json->values[i].kind;
  size_t length, n = 0;
  for (size_t k = qe_json_first (schema, s); k != QE_JSON_NONE; k = qe_json_next (schema, s, k)) {
    const char *name = qe_json_key (schema, k, &length);
    bool found = false;
    if (strcmp (name, "$ref") == 0
        && !validate (schema,
                      strcmp (text_of (schema, k), "#") == 0
                          ? 0
                          : qe_json_member (schema, qe_json_member (schema, 0, "$defs"), text_of (schema, k) + 8),
                      json, i))
      return false;
    if (strcmp (name, "type") == 0) {
      found = schema->values[k].kind == QE_JSON_STRING && is_type (json, i, text_of (schema, k));
      for (size_t t = qe_json_first (schema, k); t != QE_JSON_NONE; t = qe_json_next (schema, k, t))
        found |= is_type (json, i, text_of (schema, t));
      if (!found)
        return false;
    }
    if (strcmp (name, "const") == 0 && !is_equal (schema, k, json, i))
      return false;
    if (strcmp (name, "enum") == 0 || strcmp (name, "anyOf") == 0) {
      for (size_t t = qe_json_first (schema, k); t != QE_JSON_NONE; t = qe_json_next (schema, k, t))
        found |= name[0] == 'e' ? is_equal (schema, t, json, i) : validate (schema, t, json, i);
      if (!found)
        return false;
    }
    if (kind == QE_JSON_STRING && (strcmp (name, "minLength") == 0 || strcmp (name, "maxLength") == 0)) {
      const char *text = qe_json_text (json, i, &n);
      const size_t limit = (size_t) atol (text_of (schema, k)), characters = count_characters (text, n);
      if (name[1] == 'i' ? characters < limit : characters > limit)
        return false;
    }
    if (kind == QE_JSON_NUMBER && (strcmp (name, "minimum") == 0 || strcmp (name, "maximum") == 0)) {
      const double limit = strtod (text_of (schema, k), NULL), x = strtod (text_of (json, i), NULL);
      if (name[1] == 'i' ? x < limit : x > limit)
        return false;
    }
  }
  return (kind != QE_JSON_OBJECT || validate_object (schema, s, json, i))
         && (kind != QE_JSON_ARRAY || validate_array (schema, s, json, i));
}

static bool
is_valid (const char *schema, const char *text, size_t length)
{
  QeJson s, json;
  QeError err = { 0 };
  bool ok = false;
  if (qe_json_parse (&s, schema, strlen (schema), &err) == QE_OK) {
    if (qe_json_parse (&json, text, length, &err) == QE_OK) {
      ok = validate (&s, 0, &json, 0);
      qe_json_clear (&json);
    }
    qe_json_clear (&s);
  }
  return ok;
}

/* ---- random schemas -------------------------------------------------------------------------------------------- */

static void
random_schema (uint64_t *state, int depth, QeBuffer *out)
{
  static const char *const names[] = { "a", "ab", "name", "x y", "\xc3\xa4", "n", "k\\\"", "z9" };
  static const char *const leaves[] = {
    "{\"type\": \"string\"}",
    "{\"type\": \"integer\"}",
    "{\"type\": \"number\"}",
    "{\"type\": \"boolean\"}",
    "{\"type\": \"null\"}",
    "{\"type\": \"string\", \"maxLength\": 5}",
    "{\"type\": \"string\", \"minLength\": 3, \"maxLength\": 20}",
    "{\"type\": \"string\", \"minLength\": 2}",
    "{\"type\": \"integer\", \"minimum\": -3, \"maximum\": 117}",
    "{\"type\": \"number\", \"minimum\": 0, \"maximum\": 10}",
    "{\"enum\": [\"red\", \"green\", 3, null, [1, 2]]}",
    "{\"const\": \"fixed\"}",
    "{\"type\": [\"string\", \"integer\", \"null\"], \"maxLength\": 9, \"minimum\": 5}",
    "{\"type\": \"object\"}",
    "{\"$ref\": \"#/$defs/list\"}",
    "{\"$ref\": \"#/$defs/leaf\"}",
    "true",
  };
  const uint64_t kind = depth > 0 ? qe_test_random (state) % 6 : 5;
  char text[80];
  if (kind >= 3) {
    qe_buffer_puts (out, leaves[qe_test_random (state) % (sizeof leaves / sizeof *leaves)]);
    return;
  }
  if (kind == 0) {
    qe_buffer_puts (out, "{\"anyOf\": [");
    random_schema (state, depth - 1, out);
    qe_buffer_puts (out, ", ");
    random_schema (state, depth - 1, out);
    qe_buffer_puts (out, "]}");
  } else if (kind == 1) {
    const unsigned min = (unsigned) (qe_test_random (state) % 3);
    qe_buffer_puts (out, "{\"type\": \"array\", \"items\": ");
    random_schema (state, depth - 1, out);
    snprintf (text, sizeof text, ", \"minItems\": %u, \"maxItems\": %u}", min,
              min + (unsigned) (qe_test_random (state) % 4));
    qe_buffer_puts (out, text);
  } else {
    const uint64_t present = qe_test_random (state) & 0xff, required = qe_test_random (state) & present;
    bool any = false;
    qe_buffer_puts (out, "{\"type\": \"object\", \"properties\": {");
    for (int i = 0; i < 8; i++) {
      if (!(present >> i & 1))
        continue;
      snprintf (text, sizeof text, "%s\"%s\": ", any ? ", " : "", names[i]);
      qe_buffer_puts (out, text);
      random_schema (state, depth - 1, out);
      any = true;
    }
    qe_buffer_puts (out, "}, \"required\": [");
    any = false;
    for (int i = 0; i < 8; i++) {
      if (!(required >> i & 1))
        continue;
      snprintf (text, sizeof text, "%s\"%s\"", any ? ", " : "", names[i]);
      qe_buffer_puts (out, text);
      any = true;
    }
    qe_buffer_puts (out, "], \"additionalProperties\": ");
    qe_buffer_puts (out, qe_test_random (state) % 2 ? "false}" : "{\"type\": \"integer\", \"maximum\": 5}}");
  }
}

/* Writes a text token by token as the masks allow. After `patience` tokens it prefers what brings it to an end. */
static bool
random_walk (QeGrammar *g, const QeTokenizer *t, uint64_t *state, int patience, QeBuffer *out)
{
  static const char endings[] = "\"}],: 0eln";
  qe_buffer_clear (out);
  for (int step = 0; step < 4000; step++) {
    const QeGrammarMask *mask = qe_grammar_mask (g);
    int32_t chosen = -1;
    size_t rank = sizeof endings, n = 0, length;
    bool is_control;
    if (!mask)
      return false;
    for (int32_t id = 0; id < (int32_t) mask->n_rows; id++) {
      if (!(mask->bits[id / 64] >> (id % 64) & 1))
        continue;
      const char *text = qe_tokenizer_token (t, id, &length, &is_control);
      const bool ends = qe_tokenizer_ends_generation (t, id);
      if (step < patience && !ends) {
        if (qe_test_random (state) % ++n == 0)
          chosen = id;
      } else if (step >= patience) {
        const char *found = ends || length != 1 ? NULL : strchr (endings, text[0]);
        const size_t own = ends ? 0 : found ? 1 + (size_t) (found - endings) : sizeof endings;
        if (own < rank || chosen < 0 || (own == rank && qe_test_random (state) % ++n == 0)) {
          rank = own;
          chosen = id;
        }
      } else if (chosen < 0) {
        chosen = id;
      }
    }
    if (chosen < 0)
      return false;
    if (qe_tokenizer_ends_generation (t, chosen))
      return true;
    const char *text = qe_tokenizer_token (t, chosen, &length, &is_control);
    qe_buffer_add (out, text, length);
    qe_grammar_accept (g, chosen);
  }
  return false;
}

QE_TEST (random_schemas)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  uint64_t state = 23;
  size_t walks = 0, bytes = 0;
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny ("quern-tiny-Q8_0.gguf"), NULL, &err), err);
  const QeTokenizer *t = qe_model_tokenizer (model);
  for (int round = 0; round < 250; round++) {
    QeBuffer schema = { 0 }, text = { 0 };
    qe_buffer_puts (&schema, "{\"anyOf\": [");
    random_schema (&state, 3, &schema);
    qe_buffer_puts (
        &schema,
        "], \"$defs\": {\"leaf\": {\"type\": \"string\", \"maxLength\": 2}, \"list\": {\"type\": \"object\", "
        "\"properties\": {\"v\": {\"type\": \"integer\"}, \"next\": {\"anyOf\": [{\"type\": \"null\"}, "
        "{\"$ref\": \"#/$defs/list\"}]}}, \"required\": [\"v\", \"next\"], \"additionalProperties\": false}}}");
    QeGrammar *g = grammar_for (t, schema.data);
    for (int walk = 0; g && walk < 8; walk++) {
      qe_grammar_restart (g, false);
      const bool ended = random_walk (g, t, &state, 1 << (walk % 8), &text);
      qe_test_check (ended && is_valid (schema.data, text.data, text.size), __FILE__, __LINE__, "%s gave %s",
                     schema.data, text.data ? text.data : "");
      walks++;
      bytes += text.size;
    }
    qe_grammar_free (g);
    qe_buffer_clear (&schema);
    qe_buffer_clear (&text);
  }
  qe_test_note ("%zu texts of %zu bytes", walks, bytes);
  qe_model_free (model);
}

/* ---- with a model ---------------------------------------------------------------------------------------------- */

static const char record_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"$defs\": {\"place\": {\"type\": \"object\", \"properties\": "
    "{\"city\": {\"type\": \"string\", \"maxLength\": 30}, \"zip\": {\"type\": \"string\", \"maxLength\": 8}}, "
    "\"required\": [\"city\", \"zip\"], \"additionalProperties\": false}}, \"properties\": {"
    "\"name\": {\"type\": \"string\", \"maxLength\": 40}, \"age\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 150}, "
    "\"email\": {\"type\": \"string\", \"maxLength\": 40}, \"active\": {\"type\": \"boolean\"}, "
    "\"role\": {\"enum\": [\"admin\", \"user\", \"guest\"]}, \"score\": {\"type\": \"number\"}, "
    "\"tags\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"maxLength\": 12}, \"maxItems\": 3}, "
    "\"home\": {\"$ref\": \"#/$defs/place\"}, \"work\": {\"anyOf\": [{\"$ref\": \"#/$defs/place\"}, {\"type\": \"null\"}]}, "
    "\"note\": {\"type\": [\"string\", \"null\"], \"maxLength\": 30}, \"a\": {\"type\": \"integer\"}, \"b\": {\"type\": \"integer\"}, "
    "\"c\": {\"type\": \"boolean\"}, \"d\": {\"type\": \"string\", \"maxLength\": 20}, \"e\": {\"type\": \"number\", \"minimum\": 0}, "
    "\"f\": {\"const\": \"v1\"}, \"g\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"maxItems\": 4}, "
    "\"h\": {\"type\": \"string\", \"maxLength\": 10}, \"i\": {\"type\": \"boolean\"}, \"j\": {\"type\": \"null\"}}, "
    "\"required\": [\"name\", \"age\", \"email\", \"active\", \"role\", \"score\", \"tags\", \"home\", \"work\", \"note\", \"a\", \"b\", "
    "\"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\"]}";

/* Generates what a model of random tastes writes under a schema. Returns the number of tokens, 0 on failure. */
static size_t
generate (QeModel *model, const QeContextParams *params, QeGrammar *g, uint64_t seed, QeBuffer *out)
{
  const QeSamplerParams sampling = {
    .temperature = 1.5f, .top_k = 40, .top_p = 1, .presence_penalty = 0.5f, .repetition_penalty = 1, .seed = seed
  };
  QeContext *context = NULL;
  QeSampler *sampler = NULL;
  QePrompt *prompt = qe_prompt_new ();
  QeError err = { 0 };
  int32_t *ids = NULL;
  size_t n_ids = 0, made = 0;
  bool ended = false;
  qe_buffer_clear (out);
  QE_CHECK_OK (qe_tokenize (model, "Write a record.", 15, NULL, 0, &ids, &n_ids, &err), err);
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, ids, n_ids, &err), err);
  QE_CHECK_OK (qe_context_new (&context, model, params, &err), err);
  QE_CHECK_OK (qe_sampler_new (&sampler, &sampling, &err), err);
  if (context && sampler && qe_context_prefill (context, prompt, NULL, NULL, &err) == QE_OK) {
    qe_sampler_set_grammar (sampler, g, -1);
    while (!ended && made < 1900) {
      int32_t tokens[QE_STEP_MAX];
      size_t n, length;
      bool is_control;
      const QeStatus status = qe_context_step (context, sampler, NULL, tokens, &n, &err);
      ended = status == QE_END;
      if (!ended && !QE_CHECK_OK (status, err))
        break;
      for (size_t i = 0; i < n; i++) {
        const char *text = qe_token_bytes (model, tokens[i], &length, &is_control);
        if (!qe_token_ends_generation (model, tokens[i]))
          qe_buffer_add (out, text, length);
      }
      made += n;
    }
  }
  free (ids);
  qe_prompt_free (prompt);
  qe_sampler_free (sampler);
  qe_context_free (context);
  return ended ? made : 0;
}

QE_TEST (two_hundred_records)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  const QeContextParams params = { .n_ctx = 2048, .n_threads = 1, .checkpoint_bytes = UINT64_MAX };
  QeBuffer text = { 0 };
  size_t valid = 0, tokens = 0;
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny ("quern-tiny-Q8_0.gguf"), NULL, &err), err);
  QeGrammar *g = NULL;
  QE_REQUIRE_OK (qe_grammar_from_schema (&g, model, record_schema, strlen (record_schema), &err), err);
  for (uint64_t seed = 1; seed <= 200; seed++) {
    const size_t n = generate (model, &params, g, seed, &text);
    const bool ok = n && is_valid (record_schema, text.data, text.size);
    if (!ok)
      qe_test_note ("seed %d, %zu tokens: %s", (int) seed, n, text.data ? text.data : "");
    valid += ok;
    tokens += n;
  }
  qe_test_note ("%zu tokens", tokens);
  QE_CHECK_INT (valid, ==, 200);
  qe_buffer_clear (&text);
  qe_grammar_free (g);
  qe_model_free (model);
}

/* Drafts and the sketch of the head change nothing in what is written. */
QE_TEST (drafts_and_sketch)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  QeBuffer plain = { 0 }, other = { 0 };
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny ("quern-tiny-Q8_0.gguf"), NULL, &err), err);
  QeGrammar *g = NULL;
  QE_REQUIRE_OK (qe_grammar_from_schema (&g, model, record_schema, strlen (record_schema), &err), err);
  for (uint64_t seed = 300; seed < 312; seed++) {
    QeContextParams params = { .n_ctx = 2048, .n_threads = 1, .checkpoint_bytes = UINT64_MAX };
    QE_CHECK_INT (generate (model, &params, g, seed, &plain), >, 0);
    for (int k = 1; k < 4; k++) {
      params.sketch = k & 1;
      params.speculative = k & 2;
      QE_CHECK_INT (generate (model, &params, g, seed, &other), >, 0);
      QE_CHECK_STR (other.data, plain.data);
    }
  }
  qe_buffer_clear (&plain);
  qe_buffer_clear (&other);
  qe_grammar_free (g);
  qe_model_free (model);
}
