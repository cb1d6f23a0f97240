/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-buffer.h"

#include <stdlib.h>
#include <string.h>

void
qe_buffer_add (QeBuffer *buffer, const char *text, size_t length)
{
  if (buffer->failed)
    return;
  if (buffer->capacity - buffer->size <= length) {
    size_t capacity = (buffer->size + length) * 2 + 64;
    char *data = realloc (buffer->data, capacity);
    if (!data) {
      buffer->failed = true;
      return;
    }
    buffer->data = data;
    buffer->capacity = capacity;
  }
  if (length > 0)
    memcpy (buffer->data + buffer->size, text, length);
  buffer->size += length;
  buffer->data[buffer->size] = 0;
}

void
qe_buffer_puts (QeBuffer *buffer, const char *text)
{
  qe_buffer_add (buffer, text, strlen (text));
}

void
qe_buffer_clear (QeBuffer *buffer)
{
  free (buffer->data);
  *buffer = (QeBuffer) { 0 };
}
