/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects and arrays of a JSON schema. */
#include "sampler/qe-schema-private.h"

#include "format/tokenizer/qe-utf8.h"
#include "sampler/qe-grammar-private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MEMBERS 5000   /* of one object, as in OpenAI's strict mode */
#define MAX_NAME_PREFIX 40 /* characters that a free member may share with a declared one */

/* ---- objects --------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  size_t length;
  size_t schema; /* QE_JSON_NONE: any value */
  bool required;
} Member;

typedef struct {
  Member *members; /* [n] */
  size_t n;
  bool more;   /* others may follow */
  size_t rest; /* their schema; QE_JSON_NONE: any value */
} ObjectShape;

static int
compare_member (const void *a, const void *b)
{
  const Member *x = *(const Member *const *) a, *y = *(const Member *const *) b;
  const int order = memcmp (x->name, y->name, x->length < y->length ? x->length : y->length);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Writes rules for a JSON string, without escapes, that is none of the names: sorted[low … high - 1], which agree in their
 * first `at` bytes, `depth` characters. */
static void
write_other_names (QeSchema *c, size_t schema, Member **sorted, size_t low, size_t high, size_t at, size_t depth,
                   size_t *n_rules)
{
  static const char excluded[] = "\\\"\\\\\\x00-\\x1f\\x7f";
  const size_t rule = (*n_rules)++;
  QeBuffer tail = { 0 }; /* the alternatives that begin as names do */
  QeBuffer seen = { 0 };
  const bool is_name = low < high && sorted[low]->length == at;
  for (size_t i = low + is_name, next; i < high; i = next) {
    uint32_t c_point;
    size_t length, n;
    qe_utf8_next (sorted[i]->name + at, sorted[i]->length - at, &c_point, &length);
    for (next = i + 1; next < high; next++)
      if (sorted[next]->length < at + length || memcmp (sorted[next]->name + at, sorted[i]->name + at, length) != 0)
        break;
    n = *n_rules;
    qe_schema_printf (&seen, "\\U%08x", (unsigned) c_point);
    if (depth >= MAX_NAME_PREFIX || c_point < 0x20 || c_point == '"' || c_point == '\\' || c_point == 0x7f)
      continue; /* such a character is written as an escape, which other names do not have */
    qe_schema_printf (&tail, " | \"\\U%08x\" s%zu-o%zu", (unsigned) c_point, schema, n);
    write_other_names (c, schema, sorted, i, next, at + length, depth + 1, n_rules);
  }
  qe_schema_printf (&c->out, "s%zu-o%zu ::= [^%s", schema, rule, excluded);
  qe_buffer_add (&c->out, seen.data ? seen.data : "", seen.size);
  qe_schema_printf (&c->out, "] [^%s]* \"\\\"\"%s", excluded, is_name ? "" : " | \"\\\"\"");
  qe_buffer_add (&c->out, tail.data ? tail.data : "", tail.size);
  qe_buffer_puts (&c->out, "\n");
  c->out.failed |= tail.failed | seen.failed;
  qe_buffer_clear (&tail);
  qe_buffer_clear (&seen);
}

/* Collects what an object's schema says of members. */
static void
read_shape (QeSchema *c, size_t schema, ObjectShape *shape)
{
  const QeJson *json = &c->json;
  const size_t properties = qe_json_member (json, schema, "properties");
  const size_t required = qe_json_member (json, schema, "required");
  const size_t more = qe_json_member (json, schema, "additionalProperties");
  *shape = (ObjectShape) { .rest = QE_JSON_NONE };
  if (more != QE_JSON_NONE) {
    shape->more = json->values[more].kind != QE_JSON_FALSE;
    shape->rest = json->values[more].kind == QE_JSON_OBJECT ? more : QE_JSON_NONE;
    if (json->values[more].kind != QE_JSON_OBJECT && json->values[more].kind != QE_JSON_TRUE
        && json->values[more].kind != QE_JSON_FALSE)
      qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“additionalProperties” must be true, false or a schema");
  }
  if (properties != QE_JSON_NONE && json->values[properties].kind != QE_JSON_OBJECT)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“properties” must be an object");
  if (required != QE_JSON_NONE && json->values[required].kind != QE_JSON_ARRAY)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“required” must be a list of names");
  shape->members = calloc (MAX_MEMBERS, sizeof *shape->members);
  c->out.failed |= !shape->members;
  if (c->status != QE_OK || !shape->members)
    return;
  size_t n = 0;
  for (size_t i = properties == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (json, properties);
       i != QE_JSON_NONE && shape->n < MAX_MEMBERS && c->status == QE_OK; i = qe_json_next (json, properties, i)) {
    Member m = { .schema = i };
    if (++n > MAX_MEMBERS)
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "An object of 5000 members or more is not supported");
    m.name = qe_json_key (json, i, &m.length);
    if (memchr (m.name, '\0', m.length))
      qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "A name with a NUL character is not supported");
    if (qe_json_member (json, properties, m.name) == i) /* of two equal names the last counts */
      shape->members[shape->n++] = m;
  }
  for (size_t i = required == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (json, required);
       i != QE_JSON_NONE && shape->n < MAX_MEMBERS && c->status == QE_OK; i = qe_json_next (json, required, i)) {
    Member m = { .schema = shape->rest, .required = true };
    size_t k = 0;
    m.name = qe_json_text (json, i, &m.length);
    while (k < shape->n
           && (shape->members[k].length != m.length || memcmp (shape->members[k].name, m.name, m.length) != 0))
      k++;
    if (json->values[i].kind != QE_JSON_STRING || memchr (m.name, '\0', m.length))
      qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“required” must be a list of names");
    else if (k < shape->n)
      shape->members[k].required = true;
    else if (more != QE_JSON_NONE && !shape->more)
      qe_schema_fail (c, QE_ERROR_ARGUMENT, schema, "",
                      "“%.60s” is required, but it is not among the properties and “additionalProperties” forbids it",
                      m.name);
    else
      shape->members[shape->n++] = m;
  }
  if (shape->n == MAX_MEMBERS)
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "An object of 5000 members or more is not supported");
}

static void
put_member (QeSchema *c, const Member *m)
{
  QeBuffer json = { 0 };
  qe_json_write_string (m->name, m->length, &json);
  c->out.failed |= json.failed;
  if (!json.failed)
    qe_schema_put_literal (&c->out, json.data, json.size);
  qe_buffer_clear (&json);
  qe_buffer_puts (&c->out, "colon ");
  qe_schema_put_or_value (c, m->schema);
}

/* Two rules for each place between members: "f", where none was written yet, and "r", where one was. */
void
qe_schema_write_object (QeSchema *c, size_t schema)
{
  ObjectShape shape;
  read_shape (c, schema, &shape);
  if (c->status != QE_OK || !shape.members || (shape.n == 0 && !shape.more)) {
    const bool any = qe_json_member (&c->json, schema, "properties") == QE_JSON_NONE
                     && qe_json_member (&c->json, schema, "additionalProperties") == QE_JSON_NONE;
    qe_buffer_puts (&c->out, any ? "object" : "\"{}\"");
    free (shape.members);
    return;
  }
  size_t first_required = 0;
  while (first_required < shape.n && !shape.members[first_required].required)
    first_required++;
  qe_schema_printf (&c->out, "\"{\" ws s%zu-f0 ws \"}\"%s\n", schema, first_required == shape.n ? " | \"{}\"" : "");
  for (size_t i = 0; i < shape.n; i++) {
    if (i <= first_required) {
      qe_schema_printf (&c->out, "s%zu-f%zu ::= ", schema, i);
      put_member (c, &shape.members[i]);
      qe_schema_printf (&c->out, "s%zu-r%zu", schema, i + 1);
      if (!shape.members[i].required)
        qe_schema_printf (&c->out, " | s%zu-f%zu", schema, i + 1);
      qe_buffer_puts (&c->out, "\n");
    }
    qe_schema_printf (&c->out, "s%zu-r%zu ::= \",\" ws ", schema, i);
    put_member (c, &shape.members[i]);
    qe_schema_printf (&c->out, "s%zu-r%zu", schema, i + 1);
    if (!shape.members[i].required)
      qe_schema_printf (&c->out, " | s%zu-r%zu", schema, i + 1);
    qe_buffer_puts (&c->out, "\n");
  }
  if (shape.more) {
    Member **sorted = malloc ((shape.n + 1) * sizeof *sorted);
    size_t n_rules = 0;
    c->out.failed |= !sorted;
    for (size_t i = 0; sorted && i < shape.n; i++)
      sorted[i] = &shape.members[i];
    if (sorted) {
      qsort (sorted, shape.n, sizeof *sorted, compare_member);
      write_other_names (c, schema, sorted, 0, shape.n, 0, 0, &n_rules);
    }
    free (sorted);
    qe_schema_printf (&c->out, "s%zu-o ::= \"\\\"\" s%zu-o0 colon ", schema, schema);
    qe_schema_put_or_value (c, shape.rest);
    qe_schema_printf (&c->out, "\ns%zu-f%zu ::= s%zu-o s%zu-r%zu\n", schema, shape.n, schema, schema, shape.n);
    qe_schema_printf (&c->out, "s%zu-r%zu ::= (\",\" ws s%zu-o)*", schema, shape.n, schema);
  } else {
    qe_schema_printf (&c->out, "s%zu-f%zu ::= []\ns%zu-r%zu ::= \"\"", schema, shape.n, schema, shape.n);
  }
  free (shape.members);
}

/* ---- arrays ---------------------------------------------------------------------------------------------------- */

void
qe_schema_write_array (QeSchema *c, size_t schema)
{
  const QeJson *json = &c->json;
  const size_t items = qe_json_member (json, schema, "items"), prefix = qe_json_member (json, schema, "prefixItems");
  const size_t unique = qe_json_member (json, schema, "uniqueItems");
  uint32_t min = 0, max = QE_UNLIMITED, n = 0;
  qe_schema_count (c, schema, "minItems", &min);
  qe_schema_count (c, schema, "maxItems", &max);
  if (unique != QE_JSON_NONE && json->values[unique].kind != QE_JSON_FALSE && !c->lenient)
    qe_schema_refuse (c, schema, "uniqueItems");
  if (prefix != QE_JSON_NONE && json->values[prefix].kind != QE_JSON_ARRAY)
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“prefixItems” must be a list of schemas");
  if (items != QE_JSON_NONE && json->values[items].kind == QE_JSON_ARRAY)
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, " Write them as “prefixItems”.", "“items” must be one schema");
  if (c->status != QE_OK)
    return;
  if (max == 0 || min > max) {
    qe_buffer_puts (&c->out, min > max ? "[]" : "\"[]\"");
    return;
  }
  qe_buffer_puts (&c->out, "\"[\" ws ");
  for (size_t i = prefix == QE_JSON_NONE ? QE_JSON_NONE : qe_json_first (json, prefix); i != QE_JSON_NONE && n < max;
       i = qe_json_next (json, prefix, i), n++) {
    qe_buffer_puts (&c->out, n ? "\",\" ws " : "");
    qe_schema_put (c, i);
  }
  uint32_t least = n < min ? min - n : 0, most = max == QE_UNLIMITED ? max : max - n;
  if (n && items == QE_JSON_NONE)
    most = least; /* nothing is said of further items, so none are written that need not be */
  if (most > 0) {
    if (!n) { /* the first one has no comma before it */
      qe_schema_put_or_value (c, items);
      least -= least > 0;
      most -= most != QE_UNLIMITED;
    }
    qe_buffer_puts (&c->out, "(\",\" ws ");
    qe_schema_put_or_value (c, items);
    qe_schema_printf (&c->out, most == QE_UNLIMITED ? "){%u,}" : "){%u,%u}", (unsigned) least, (unsigned) most);
  }
  qe_schema_printf (&c->out, " ws \"]\"%s", n || min ? "" : " | \"[]\"");
}
