/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Text that grows. When memory runs out the buffer stays as it was and `failed` says so from then on: append freely and
 * look once at the end. */
typedef struct {
  char *data; /* NUL-terminated once something was added */
  size_t size, capacity;
  bool failed;
} QeBuffer;

void qe_buffer_add (QeBuffer *buffer, const char *text, size_t length);
void qe_buffer_puts (QeBuffer *buffer, const char *text);
void qe_buffer_clear (QeBuffer *buffer);
