/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "format/quant/qe-quant.h"

/* A GGUF container (v2, v3; split files too): keys, tensors, mapped data. Knows nothing of any architecture. */

typedef struct QeGguf QeGguf;

typedef struct {
  const char *name;
  QeType type;
  uint32_t n_dims;
  uint64_t ne[4];   /* fastest-varying first; 1 past n_dims */
  uint64_t size;    /* bytes */
  const void *data; /* in the mapping; NULL when only the header was read */
} QeTensor;

/* Every length, offset, type and shape is checked against the file before use; names and keys are unique. A split model
 * is opened by its first part. Without map_data only headers are read, and .data of every tensor is NULL.
 * qe_gguf_parse() borrows `data` for as long as the object lives; of a split model it sees the first part alone. */
QeStatus qe_gguf_open (QeGguf **out, const char *path, bool map_data, QeError *err);
QeStatus qe_gguf_parse (QeGguf **out, const void *data, size_t size, uint64_t file_size, QeError *err);
void qe_gguf_free (QeGguf *gguf);

size_t qe_gguf_n_tensors (const QeGguf *gguf);
const QeTensor *qe_gguf_tensor (const QeGguf *gguf, size_t i);
const QeTensor *qe_gguf_find (const QeGguf *gguf, const char *name); /* NULL when absent */
uint64_t qe_gguf_file_bytes (const QeGguf *gguf);
uint32_t qe_gguf_n_parts (const QeGguf *gguf);

/* QE_ERROR_CHANGED when a mapped file was truncated or replaced since it was opened. Cheap: an fstat. */
QeStatus qe_gguf_check_unchanged (const QeGguf *gguf, QeError *err);
void qe_gguf_prefetch (const QeGguf *gguf, const QeControl *control);

/* Typed look-ups: false when the key is absent or of another kind. Integer keys accept every integer width. */
bool qe_gguf_has (const QeGguf *gguf, const char *key);
bool qe_gguf_has_prefix (const QeGguf *gguf, const char *prefix); /* any key that begins with it; slow */
bool qe_gguf_get_u64 (const QeGguf *gguf, const char *key, uint64_t *out);
bool qe_gguf_get_f64 (const QeGguf *gguf, const char *key, double *out); /* f32, f64 or an integer */
bool qe_gguf_get_bool (const QeGguf *gguf, const char *key, bool *out);
bool qe_gguf_get_string (const QeGguf *gguf, const char *key, const char **out,
                         size_t *length); /* not NUL-terminated */
/* Into a buffer of its own: cut to size, never within a character; "" when the key is absent. */
void qe_gguf_copy_string (const QeGguf *gguf, const char *key, char *out, size_t size);
/* The keys general.* that names are made of. */
void qe_gguf_read_names (const QeGguf *gguf, QeFileNames *out);
/* Arrays of numbers, bools or strings. */
bool qe_gguf_array_length (const QeGguf *gguf, const char *key, uint64_t *out);
bool qe_gguf_array_u64 (const QeGguf *gguf, const char *key, uint64_t i, uint64_t *out); /* integers, bools */
bool qe_gguf_array_f64 (const QeGguf *gguf, const char *key, uint64_t i, double *out);
/* A walk through an array of strings, for the long ones. The strings live as long as the QeGguf. */
typedef struct {
  const uint8_t *at;
  uint64_t left;
} QeStrings;
bool qe_gguf_strings (const QeGguf *gguf, const char *key, QeStrings *out);
bool qe_strings_next (QeStrings *strings, const char **out, size_t *length);
/* The same for an array of integers or bools. */
typedef struct {
  const uint8_t *at;
  uint64_t count;
  uint32_t type;
} QeIntegers;
bool qe_gguf_integers (const QeGguf *gguf, const char *key, QeIntegers *out);
bool qe_integers_get (const QeIntegers *integers, uint64_t i, uint64_t *out); /* false: negative, or no element i */
