/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Form C in three steps: decompose each character, order the combining marks, compose. The tables and the composition
 * are utf8proc's; the ordering is ours, because utf8proc sorts in a time that grows with the square of a run of marks,
 * and text is not to be trusted. */
#include "format/tokenizer/qe-normalise.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define LONGEST_DECOMPOSITION 18 /* code points, of any one character */

/* Nothing below U+0300 combines or decomposes under form C. */
static bool
needs_work (const char *text, size_t length, bool nfc)
{
  bool high = false;
  for (size_t i = 0; i < length && !high; i++)
    high = (uint8_t) text[i] >= 0x80;
  if (!high)
    return false;
  for (size_t at = 0; at < length;) {
    uint32_t c;
    size_t n;
    if (qe_utf8_next (text + at, length - at, &c, &n) != QE_UTF8_OK || (nfc && c >= 0x300))
      return true;
    at += n;
  }
  return false;
}

static int
combining_class (int32_t c)
{
  return c < 0x300 ? 0 : utf8proc_get_property (c)->combining_class;
}

/* Code points of the text, decomposed when asked; *n of them, in memory for twice as many. NULL: out of memory. */
static int32_t *
decompose (const char *text, size_t length, bool nfc, size_t *n)
{
  size_t capacity = length + LONGEST_DECOMPOSITION;
  int32_t *out = malloc (2 * capacity * sizeof *out);
  *n = 0;
  for (size_t at = 0; out && at < length;) {
    uint32_t c;
    size_t used;
    int boundary = 0;
    qe_utf8_next (text + at, length - at, &c, &used);
    at += used;
    if (capacity - *n < LONGEST_DECOMPOSITION) {
      capacity *= 2;
      int32_t *more = realloc (out, 2 * capacity * sizeof *out);
      if (!more) {
        free (out);
        return NULL;
      }
      out = more;
    }
    utf8proc_ssize_t made = 1;
    if (nfc && c >= 0xc0)
      made = utf8proc_decompose_char ((int32_t) c, out + *n, LONGEST_DECOMPOSITION,
                                      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
    else
      out[*n] = (int32_t) c;
    *n += made > 0 ? (size_t) made : 0;
  }
  return out;
}

bool
qe_normalise (const char *text, size_t length, bool nfc, char **out, size_t *out_length)
{
  *out = (char *) text;
  *out_length = length;
  if (!needs_work (text, length, nfc))
    return true;
  size_t n;
  int32_t *c = decompose (text, length, nfc, &n);
  if (!c)
    return false;
  if (nfc) {
    int32_t *scratch = c + n;
    for (size_t i = 0; i < n; i++) {
      size_t first = i;
      while (i < n && combining_class (c[i]) > 0)
        i++;
      if (i - first > 1) {
        /* A run of marks is sorted by combining class, and equals keep their order. */
        int32_t *run = c + first;
        size_t count = i - first;
        size_t start[257] = { 0 };
        for (size_t k = 0; k < count; k++)
          start[combining_class (run[k]) + 1]++;
        for (int k = 1; k < 257; k++)
          start[k] += start[k - 1];
        for (size_t k = 0; k < count; k++)
          scratch[start[combining_class (run[k])]++] = run[k];
        memcpy (run, scratch, count * sizeof *run);
      }
    }
    utf8proc_ssize_t composed = utf8proc_normalize_utf32 (c, (utf8proc_ssize_t) n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    n = composed > 0 ? (size_t) composed : 0;
  }
  char *bytes = malloc (n * 4 + 1);
  size_t size = 0;
  for (size_t i = 0; bytes && i < n; i++)
    size += qe_utf8_put (bytes + size, (uint32_t) c[i]);
  free (c);
  *out = bytes;
  *out_length = size;
  return bytes != NULL;
}
