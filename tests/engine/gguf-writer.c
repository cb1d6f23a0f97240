/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gguf-writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
gguf_put (GgufWriter *w, const void *bytes, size_t n)
{
  if (w->size + n > w->capacity) {
    w->capacity = (w->size + n) * 2;
    w->data = realloc (w->data, w->capacity);
    if (!w->data) {
      fprintf (stderr, "out of memory\n");
      exit (1);
    }
  }
  if (n > 0)
    memcpy (w->data + w->size, bytes, n);
  w->size += n;
}

void
gguf_u32 (GgufWriter *w, uint32_t value)
{
  gguf_put (w, &value, sizeof value);
}

void
gguf_u64 (GgufWriter *w, uint64_t value)
{
  gguf_put (w, &value, sizeof value);
}

void
gguf_string (GgufWriter *w, const char *text)
{
  gguf_u64 (w, strlen (text));
  gguf_put (w, text, strlen (text));
}

void
gguf_begin (GgufWriter *w, uint32_t version, uint64_t n_tensors, uint64_t n_keys)
{
  w->size = 0;
  gguf_put (w, "GGUF", 4);
  gguf_u32 (w, version);
  gguf_u64 (w, n_tensors);
  gguf_u64 (w, n_keys);
}

void
gguf_key (GgufWriter *w, const char *key, uint32_t type)
{
  gguf_string (w, key);
  gguf_u32 (w, type);
}

void
gguf_key_u32 (GgufWriter *w, const char *key, uint32_t value)
{
  gguf_key (w, key, 4);
  gguf_u32 (w, value);
}

void
gguf_key_string (GgufWriter *w, const char *key, const char *value)
{
  gguf_key (w, key, 8);
  gguf_string (w, value);
}

void
gguf_key_array (GgufWriter *w, const char *key, uint32_t type, uint64_t count)
{
  gguf_key (w, key, 9);
  gguf_u32 (w, type);
  gguf_u64 (w, count);
}

void
gguf_tensor (GgufWriter *w, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *ne, uint64_t offset)
{
  gguf_string (w, name);
  gguf_u32 (w, n_dims);
  for (uint32_t i = 0; i < n_dims; i++)
    gguf_u64 (w, ne[i]);
  gguf_u32 (w, type);
  gguf_u64 (w, offset);
}

void
gguf_data (GgufWriter *w, size_t n)
{
  while (w->size % 32)
    gguf_put (w, "", 1);
  for (size_t i = 0; i < n; i++)
    gguf_put (w, &(uint8_t) { (uint8_t) i }, 1);
}

void
gguf_clear (GgufWriter *w)
{
  free (w->data);
  *w = (GgufWriter) { 0 };
}
