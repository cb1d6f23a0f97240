/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/tokenizer/qe-utf8.h"

#include <string.h>

QeUtf8
qe_utf8_next (const char *text, size_t n, uint32_t *code_point, size_t *length)
{
  const uint8_t *p = (const uint8_t *) text;
  uint8_t low, high;
  *length = 1;
  *code_point = p[0];
  if (p[0] < 0x80)
    return QE_UTF8_OK;
  *code_point = 0xfffd;
  /* How long the sequence is that the first byte begins, and what its second byte may be (Unicode table 3-7). */
  size_t wanted = p[0] < 0xc2 || p[0] > 0xf4 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
  high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
  if (wanted == 0)
    return QE_UTF8_BROKEN;
  uint32_t value = p[0] & (0xffu >> (wanted + 1));
  for (size_t i = 1; i < wanted; i++) {
    *length = i;
    if (i == n)
      return QE_UTF8_PARTIAL;
    if (p[i] < low || p[i] > high)
      return QE_UTF8_BROKEN;
    value = value << 6 | (p[i] & 0x3f);
    low = 0x80, high = 0xbf;
  }
  *length = wanted;
  *code_point = value;
  return QE_UTF8_OK;
}

bool
qe_utf8_valid (const char *text, size_t n)
{
  for (size_t at = 0; at < n;) {
    uint32_t c;
    size_t length;
    if (qe_utf8_next (text + at, n - at, &c, &length) != QE_UTF8_OK)
      return false;
    at += length;
  }
  return true;
}

size_t
qe_utf8_put (char out[4], uint32_t c)
{
  if (c < 0x80)
    return out[0] = (char) c, 1;
  if (c < 0x800) {
    out[0] = (char) (0xc0 | c >> 6);
    out[1] = (char) (0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char) (0xe0 | c >> 12);
    out[1] = (char) (0x80 | (c >> 6 & 0x3f));
    out[2] = (char) (0x80 | (c & 0x3f));
    return 3;
  }
  out[0] = (char) (0xf0 | c >> 18);
  out[1] = (char) (0x80 | (c >> 12 & 0x3f));
  out[2] = (char) (0x80 | (c >> 6 & 0x3f));
  out[3] = (char) (0x80 | (c & 0x3f));
  return 4;
}
