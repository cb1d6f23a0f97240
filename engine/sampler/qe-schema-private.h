/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-json.h"

/* A JSON schema on its way to a grammar. Each schema inside of it that is needed becomes a rule "s" + the number of its JSON
 * value; a queue holds those that have no rule yet, so nothing recurses however deep schemas refer to one another. Where strings are
 * written as they are, without quotes, as in calls with tags, the rule is "t" + the number: a value that is no string is JSON there, too. */
typedef struct {
  QeJson json;
  QeBuffer out;    /* the grammar */
  uint8_t *queued; /* [n_values]: there is or will be a rule "s" (bit 0), a rule "t" (bit 1) */
  size_t *queue;   /* [2 * n_values]: twice the schema, and 1 more for the rule "t" */
  size_t n_queued, n_done;
  const size_t
      *bases; /* [n_bases]: schemas that references inside of them count from; else they count from the whole */
  size_t n_bases;
  bool as_text; /* the rule that is being written is a "t" */
  bool lenient; /* conditions that cannot be had are left out, where else they are refused */
  QeStatus status;
  QeError *err;
} QeSchema;

/* Reads JSON and begins the grammar of schemas in it, whose rules are to follow. To be cleared also after a failure, which is
 * noted in c->status. */
void qe_schema_begin (QeSchema *c, const char *text, size_t length, QeError *err);
/* Sees to it that there will be a rule of a schema; qe_schema_put() appends the name of its rule "s", too. */
void qe_schema_want (QeSchema *c, size_t schema, bool as_text);
void qe_schema_put (QeSchema *c, size_t schema);
/* Writes the rules that are to be there and are not yet. To be called at the beginning of a line. */
void qe_schema_write_rules (QeSchema *c);
/* Writes the rules of a schema. If it cannot be had, nothing is written and nothing noted, and false is returned. Rules "t" refer to a
 * rule "text", and mark parts with "!". */
bool qe_schema_try (QeSchema *c, size_t schema, bool as_text);
void qe_schema_clear (QeSchema *c);

/* Notes what is wrong with a schema, unless something was noted before. The sentence ends in where it is: format is followed
 * by “ at #/…”, then by `rest`. */
void qe_schema_fail (QeSchema *c, QeStatus status, size_t schema, const char *rest, const char *format, ...)
    __attribute__ ((format (printf, 5, 6)));
/* Notes that a keyword, as it stands there, is not supported. */
void qe_schema_refuse (QeSchema *c, size_t schema, const char *keyword);

/* Appends a literal of GBNF. */
void qe_schema_put_literal (QeBuffer *out, const char *text, size_t length);
void qe_schema_printf (QeBuffer *out, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* A whole number that is a keyword's value: false if the keyword is not there, or if it is no number from 0 to a million,
 * which is noted. */
bool qe_schema_count (QeSchema *c, size_t schema, const char *keyword, uint32_t *out);

/* Whether the schema of an object says that it must have a member. */
bool qe_schema_requires (const QeJson *json, size_t schema, const char *name);

/* Appends what a schema allows, or any value where there is none (QE_JSON_NONE). */
void qe_schema_put_or_value (QeSchema *c, size_t schema);

/* Append what follows "::=" for an object, which may add rules of its own behind it, or an array. */
void qe_schema_write_object (QeSchema *c, size_t schema);
void qe_schema_write_array (QeSchema *c, size_t schema);
/* Append what follows "::=" for a string (as c->as_text says), a number or an integer. */
void qe_schema_write_string (QeSchema *c, size_t schema);
void qe_schema_write_number (QeSchema *c, size_t schema, bool whole);
