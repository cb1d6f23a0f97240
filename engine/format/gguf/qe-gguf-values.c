/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed look-ups. A number stored with one integer width in one file may have another in the next, so every width is
 * accepted; bounds were checked by the parser. */
#include "format/gguf/qe-gguf-private.h"

#include <string.h>

const QeGgufKey *
qe_gguf_key (const QeGguf *gguf, const char *key)
{
  uint32_t id;
  return qe_name_index_find (&gguf->keys, key, strlen (key), &id) ? &gguf->parts[0].header.keys[id] : NULL;
}

static const QeGgufKey *
find_scalar (const QeGguf *gguf, const char *key)
{
  const QeGgufKey *k = qe_gguf_key (gguf, key);
  return k && !k->is_array ? k : NULL;
}

/* Integers and bools as 64 bits with the sign kept; false for other types. */
static bool
load_integer (const uint8_t *p, uint32_t type, uint64_t *bits, bool *negative)
{
  union {
    uint8_t u8;
    int8_t i8;
    uint16_t u16;
    int16_t i16;
    uint32_t u32;
    int32_t i32;
    uint64_t u64;
    int64_t i64;
  } v;
  memcpy (&v, p, qe_gguf_value_size (type));
  int64_t value;
  switch (type) {
  case QE_GGUF_U8: value = v.u8; break;
  case QE_GGUF_BOOL: value = v.u8 != 0; break;
  case QE_GGUF_I8: value = v.i8; break;
  case QE_GGUF_U16: value = v.u16; break;
  case QE_GGUF_I16: value = v.i16; break;
  case QE_GGUF_U32: value = v.u32; break;
  case QE_GGUF_I32: value = v.i32; break;
  case QE_GGUF_I64: value = v.i64; break;
  case QE_GGUF_U64:
    *bits = v.u64;
    *negative = false;
    return true;
  default: return false;
  }
  *bits = (uint64_t) value;
  *negative = value < 0;
  return true;
}

static bool
load_u64 (const uint8_t *p, uint32_t type, uint64_t *out)
{
  bool negative;
  return load_integer (p, type, out, &negative) && !negative;
}

static bool
load_f64 (const uint8_t *p, uint32_t type, double *out)
{
  uint64_t bits;
  bool negative;
  float f;
  if (type == QE_GGUF_F32) {
    memcpy (&f, p, sizeof f);
    *out = f;
  } else if (type == QE_GGUF_F64) {
    memcpy (out, p, sizeof *out);
  } else if (load_integer (p, type, &bits, &negative)) {
    *out = negative ? (double) (int64_t) bits : (double) bits;
  } else {
    return false;
  }
  return true;
}

static const uint8_t *
value_bytes (const QeGguf *gguf, const QeGgufKey *key)
{
  return gguf->parts[0].header.bytes + key->value;
}

bool
qe_gguf_has (const QeGguf *gguf, const char *key)
{
  return qe_gguf_key (gguf, key) != NULL;
}

bool
qe_gguf_has_prefix (const QeGguf *gguf, const char *prefix)
{
  const QeGgufHeader *header = &gguf->parts[0].header;
  const size_t length = strlen (prefix);
  for (size_t i = 0; i < header->n_keys; i++)
    if (header->keys[i].name_length >= length && !memcmp (header->bytes + header->keys[i].name, prefix, length))
      return true;
  return false;
}

bool
qe_gguf_get_u64 (const QeGguf *gguf, const char *key, uint64_t *out)
{
  const QeGgufKey *k = find_scalar (gguf, key);
  return k && k->type != QE_GGUF_BOOL && load_u64 (value_bytes (gguf, k), k->type, out);
}

bool
qe_gguf_get_f64 (const QeGguf *gguf, const char *key, double *out)
{
  const QeGgufKey *k = find_scalar (gguf, key);
  return k && k->type != QE_GGUF_BOOL && load_f64 (value_bytes (gguf, k), k->type, out);
}

bool
qe_gguf_get_bool (const QeGguf *gguf, const char *key, bool *out)
{
  const QeGgufKey *k = find_scalar (gguf, key);
  if (!k || k->type != QE_GGUF_BOOL)
    return false;
  *out = *value_bytes (gguf, k) != 0;
  return true;
}

bool
qe_gguf_get_string (const QeGguf *gguf, const char *key, const char **out, size_t *length)
{
  const QeGgufKey *k = find_scalar (gguf, key);
  if (!k || k->type != QE_GGUF_STRING)
    return false;
  *out = (const char *) value_bytes (gguf, k) + 8;
  *length = k->end - k->value - 8;
  return true;
}

static const QeGgufKey *
find_array (const QeGguf *gguf, const char *key)
{
  const QeGgufKey *k = qe_gguf_key (gguf, key);
  return k && k->is_array ? k : NULL;
}

void
qe_gguf_copy_string (const QeGguf *gguf, const char *key, char *out, size_t size)
{
  const char *text;
  size_t length;
  out[0] = '\0';
  if (!qe_gguf_get_string (gguf, key, &text, &length))
    return;
  if (length >= size)
    for (length = size - 1; length > 0 && ((unsigned char) text[length] & 0xC0) == 0x80; length--)
      ;
  memcpy (out, text, length);
  out[length] = '\0';
}

void
qe_gguf_read_names (const QeGguf *gguf, QeFileNames *out)
{
  qe_gguf_copy_string (gguf, "general.base_model.0.name", out->base_model, sizeof out->base_model);
  qe_gguf_copy_string (gguf, "general.basename", out->basename, sizeof out->basename);
  qe_gguf_copy_string (gguf, "general.size_label", out->size_label, sizeof out->size_label);
  qe_gguf_copy_string (gguf, "general.finetune", out->finetune, sizeof out->finetune);
  qe_gguf_copy_string (gguf, "general.version", out->version, sizeof out->version);
  qe_gguf_copy_string (gguf, "general.type", out->type, sizeof out->type);
}

bool
qe_gguf_array_length (const QeGguf *gguf, const char *key, uint64_t *out)
{
  const QeGgufKey *k = find_array (gguf, key);
  if (k)
    *out = k->count;
  return k != NULL;
}

/* The bytes of element i of an array of numbers; NULL when there is none. */
static const uint8_t *
element (const QeGguf *gguf, const char *key, uint64_t i, uint32_t *type)
{
  const QeGgufKey *k = find_array (gguf, key);
  size_t size = k ? qe_gguf_value_size (k->type) : 0;
  if (!size || i >= k->count)
    return NULL;
  *type = k->type;
  return value_bytes (gguf, k) + i * size;
}

bool
qe_gguf_array_u64 (const QeGguf *gguf, const char *key, uint64_t i, uint64_t *out)
{
  uint32_t type;
  const uint8_t *p = element (gguf, key, i, &type);
  return p && load_u64 (p, type, out);
}

bool
qe_gguf_array_f64 (const QeGguf *gguf, const char *key, uint64_t i, double *out)
{
  uint32_t type;
  const uint8_t *p = element (gguf, key, i, &type);
  return p && type != QE_GGUF_BOOL && load_f64 (p, type, out);
}

bool
qe_gguf_integers (const QeGguf *gguf, const char *key, QeIntegers *out)
{
  const QeGgufKey *k = find_array (gguf, key);
  uint64_t bits;
  bool negative;
  if (!k || !load_integer ((const uint8_t[8]) { 0 }, k->type, &bits, &negative))
    return false;
  *out = (QeIntegers) { .at = value_bytes (gguf, k), .count = k->count, .type = k->type };
  return true;
}

bool
qe_integers_get (const QeIntegers *integers, uint64_t i, uint64_t *out)
{
  return i < integers->count && load_u64 (integers->at + i * qe_gguf_value_size (integers->type), integers->type, out);
}

bool
qe_gguf_strings (const QeGguf *gguf, const char *key, QeStrings *out)
{
  const QeGgufKey *k = find_array (gguf, key);
  if (!k || k->type != QE_GGUF_STRING)
    return false;
  *out = (QeStrings) { .at = value_bytes (gguf, k), .left = k->count };
  return true;
}

bool
qe_strings_next (QeStrings *strings, const char **out, size_t *length)
{
  uint64_t n;
  if (strings->left == 0)
    return false;
  memcpy (&n, strings->at, sizeof n);
  *out = (const char *) strings->at + sizeof n;
  *length = n;
  strings->at += sizeof n + n;
  strings->left--;
  return true;
}
