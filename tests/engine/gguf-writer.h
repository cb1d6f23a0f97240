/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Writes GGUF files piece by piece for tests, hostile ones too: every count and offset is what the test says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *data;
  size_t size, capacity;
} GgufWriter;

void gguf_put (GgufWriter *w, const void *bytes, size_t n);
void gguf_u32 (GgufWriter *w, uint32_t value);
void gguf_u64 (GgufWriter *w, uint64_t value);
void gguf_string (GgufWriter *w, const char *text);
void gguf_begin (GgufWriter *w, uint32_t version, uint64_t n_tensors, uint64_t n_keys);
void gguf_key (GgufWriter *w, const char *key, uint32_t type); /* its value follows */
void gguf_key_u32 (GgufWriter *w, const char *key, uint32_t value);
void gguf_key_string (GgufWriter *w, const char *key, const char *value);
void gguf_key_array (GgufWriter *w, const char *key, uint32_t type, uint64_t count); /* its elements follow */
void gguf_tensor (GgufWriter *w, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *ne, uint64_t offset);
void gguf_data (GgufWriter *w, size_t n); /* pads to 32 bytes, then n bytes 0, 1, 2, … */
void gguf_clear (GgufWriter *w);
