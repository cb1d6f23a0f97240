/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-json.h"

/* A JSON schema on its way to a grammar. Each schema inside of it that is needed becomes a rule "s" + the number of its JSON
 * value; a queue holds those that have no rule yet, so nothing recurses however deep schemas refer to one another. */
typedef struct {
  QeJson json;
  QeBuffer out;    /* the grammar */
  uint8_t *queued; /* [n_values]: there is or will be a rule for it */
  size_t *queue;   /* [n_values] */
  size_t n_queued, n_done;
  QeStatus status;
  QeError *err;
} QeSchema;

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

/* Append what follows "::=" for a string, a number or an integer. */
void qe_schema_write_string (QeSchema *c, size_t schema);
void qe_schema_write_number (QeSchema *c, size_t schema, bool whole);

/* Writes the grammar of a schema. On success *json, the schema, and *out are the caller's. */
QeStatus qe_schema_to_gbnf (QeBuffer *out, QeJson *json, const char *text, size_t length, QeError *err);
