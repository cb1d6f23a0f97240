/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-rich-text.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>

/* Marks [start, end) as plain, joining it with the span before where they touch. */
static void
add_span (QeRichText *rich, size_t start, size_t end)
{
  if (start == end)
    return;
  if (end > UINT32_MAX) {
    rich->text.failed = true; /* 4 GiB of chat: no room for it anyway */
    return;
  }
  if (rich->n_plain > 0 && rich->plain[rich->n_plain - 1].end == start) {
    rich->plain[rich->n_plain - 1].end = (uint32_t) end;
    return;
  }
  if (rich->n_plain == rich->capacity) {
    size_t capacity = rich->capacity * 2 + 8;
    QeSpan *plain = realloc (rich->plain, capacity * sizeof *plain);
    if (!plain) {
      rich->text.failed = true;
      return;
    }
    rich->plain = plain;
    rich->capacity = capacity;
  }
  rich->plain[rich->n_plain++] = (QeSpan) { (uint32_t) start, (uint32_t) end };
}

void
qe_rich_text_template (QeRichText *rich, const char *text)
{
  qe_buffer_puts (&rich->text, text);
}

void
qe_rich_text_plain (QeRichText *rich, const char *text, size_t length)
{
  size_t start = rich->text.size;
  qe_buffer_add (&rich->text, text, length);
  if (!rich->text.failed)
    add_span (rich, start, start + length);
}

void
qe_rich_text_slice (QeRichText *rich, const QeRichText *from, size_t start, size_t end)
{
  size_t base = rich->text.size;
  if (start >= end)
    return;
  qe_buffer_add (&rich->text, from->text.data + start, end - start);
  for (size_t i = 0; i < from->n_plain && !rich->text.failed; i++) {
    size_t a = from->plain[i].start > start ? from->plain[i].start : start;
    size_t b = from->plain[i].end < end ? from->plain[i].end : end;
    if (a < b)
      add_span (rich, base + a - start, base + b - start);
  }
}

void
qe_rich_text_clear (QeRichText *rich)
{
  qe_buffer_clear (&rich->text);
  free (rich->plain);
  *rich = (QeRichText) { 0 };
}

void
qe_chat_text_clear (QeChatText *text)
{
  free (text->text);
  free (text->plain);
  *text = (QeChatText) { 0 };
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* What Python's str.isspace() says: Unicode's white space and the four separators U+001C to U+001F. */
static bool
is_space (uint32_t c)
{
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680
         || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

void
qe_text_trim (const char *text, size_t *start, size_t *end)
{
  uint32_t c;
  size_t length;
  while (*start < *end && qe_utf8_next (text + *start, *end - *start, &c, &length) == QE_UTF8_OK && is_space (c))
    *start += length;
  while (*start < *end) {
    size_t at = *end - 1; /* the start of the last character */
    while (at > *start && *end - at < 4 && ((uint8_t) text[at] & 0xc0) == 0x80)
      at--;
    if (qe_utf8_next (text + at, *end - at, &c, &length) != QE_UTF8_OK || at + length != *end || !is_space (c))
      break;
    *end = at;
  }
}

size_t
qe_text_find (const char *text, size_t start, size_t end, const char *part)
{
  const char *found = start < end ? memmem (text + start, end - start, part, strlen (part)) : NULL;
  return found ? (size_t) (found - text) : end;
}

size_t
qe_text_find_last (const char *text, size_t start, size_t end, const char *part)
{
  size_t last = end;
  for (size_t at = qe_text_find (text, start, end, part); at < end;
       at = qe_text_find (text, at + strlen (part), end, part))
    last = at;
  return last;
}
