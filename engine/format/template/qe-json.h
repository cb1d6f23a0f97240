/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "format/template/qe-buffer.h"

/* A JSON text (RFC 8259) as a flat list of values in the order in which they appear. Keys keep their order and numbers
 * their spelling, since a chat template shows both to the model.
 *
 *   for (size_t i = qe_json_first (&json, 0); i != QE_JSON_NONE; i = qe_json_next (&json, 0, i)) … */

typedef enum {
  QE_JSON_NULL,
  QE_JSON_FALSE,
  QE_JSON_TRUE,
  QE_JSON_NUMBER,
  QE_JSON_STRING,
  QE_JSON_ARRAY,
  QE_JSON_OBJECT,
} QeJsonKind;

typedef struct {
  QeJsonKind kind;
  size_t key, key_length;   /* in strings; of a member of an object */
  size_t text, text_length; /* in strings; of a string (decoded) or a number (as written) */
  size_t end;               /* the first value after this one and all that is inside it */
} QeJsonValue;

typedef struct {
  QeJsonValue *values; /* values[0] is the whole */
  size_t n_values, capacity;
  QeBuffer strings; /* each NUL-terminated */
} QeJson;

#define QE_JSON_NONE ((size_t) -1)

/* QE_ERROR_FORMAT when it is not JSON or nested more than 100 deep; then *out is clear. Lone surrogates become U+FFFD. */
QeStatus qe_json_parse (QeJson *out, const char *text, size_t length, QeError *err);
void qe_json_clear (QeJson *json);

size_t qe_json_first (const QeJson *json, size_t parent); /* of an array or object; QE_JSON_NONE: empty, or neither */
size_t qe_json_next (const QeJson *json, size_t parent, size_t i);
size_t qe_json_member (const QeJson *json, size_t object, const char *key); /* the last of that name */
const char *qe_json_text (const QeJson *json, size_t i, size_t *length);    /* of a string or number; a NUL follows */
const char *qe_json_key (const QeJson *json, size_t i, size_t *length);

/* As Python's json.dumps (ensure_ascii=False) writes: ", " and ": " between, non-ASCII kept. */
void qe_json_write (const QeJson *json, size_t i, QeBuffer *out);
void qe_json_write_string (const char *text, size_t length, QeBuffer *out);
void qe_json_write_escaped (const char *text, size_t length, QeBuffer *out); /* without quotes around */
