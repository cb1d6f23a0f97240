/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QE_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

typedef enum {
  QE_UTF8_OK,
  QE_UTF8_BROKEN,  /* *length bytes can never become a character: one U+FFFD stands for them */
  QE_UTF8_PARTIAL, /* the text ends inside what may still become a character */
} QeUtf8;

/* Looks at the first character of n > 0 bytes. Broken sequences are cut as Unicode recommends (the longest beginning of
 * a possible character is one), so that the result is what other decoders show. */
QeUtf8 qe_utf8_next (const char *text, size_t n, uint32_t *code_point, size_t *length);
bool qe_utf8_valid (const char *text, size_t n);
size_t qe_utf8_put (char out[4], uint32_t code_point); /* bytes written */
