/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "format/template/qe-buffer.h"

/* Text of which some parts came from people and must never be read as special tokens. */
typedef struct {
  QeBuffer text;
  QeSpan *plain; /* ascending, disjoint */
  size_t n_plain, capacity;
} QeRichText;

void qe_rich_text_template (QeRichText *rich, const char *text);             /* the template's own words */
void qe_rich_text_plain (QeRichText *rich, const char *text, size_t length); /* somebody's */
/* Bytes [start, end) of another, with what is plain there. */
void qe_rich_text_slice (QeRichText *rich, const QeRichText *from, size_t start, size_t end);
void qe_rich_text_clear (QeRichText *rich);
static inline bool
qe_rich_text_failed (const QeRichText *rich)
{
  return rich->text.failed;
} /* out of memory */

/* Narrows [*start, *end) as Python's str.strip() would. */
void qe_text_trim (const char *text, size_t *start, size_t *end);
/* The first or last occurrence of `part` in [start, end); `end` when there is none. */
size_t qe_text_find (const char *text, size_t start, size_t end, const char *part);
size_t qe_text_find_last (const char *text, size_t start, size_t end, const char *part);
