/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings that know for each byte whether the template or somebody else wrote it. */
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- making ---------------------------------------------------------------------------------------------------- */

static uint32_t
count_chars (const char *data, size_t size)
{
  uint32_t n = 0;
  for (size_t i = 0; i < size; i++)
    n += ((uint8_t) data[i] & 0xc0) != 0x80;
  return n;
}

QjString *
qj_string_new (QjBase *base, const char *data, size_t size, QjOrigin origin)
{
  QjString *s = qj_alloc (base, sizeof *s);
  *s = (QjString) {
    .data = data, .size = (uint32_t) size, .n_chars = count_chars (data, size), .origin = size ? origin : QJ_LITERAL
  };
  return s;
}

QjValue
qj_literal (QjRun *r, const char *text)
{
  return qj_string (qj_string_new (&r->base, text, strlen (text), QJ_LITERAL));
}

size_t
qj_n_chars (const QjString *s)
{
  if (s->n_chars == UINT32_MAX)
    ((QjString *) s)->n_chars = count_chars (s->data,
                                             s->size); /* only strings of a run, of one thread, come uncounted */
  return s->n_chars;
}

size_t
qj_byte_offset (const QjString *s, size_t n_chars)
{
  if (n_chars >= qj_n_chars (s))
    return s->size;
  if (s->n_chars == s->size)
    return n_chars;
  size_t at = 0;
  for (; n_chars > 0; n_chars--)
    for (at++; ((uint8_t) s->data[at] & 0xc0) == 0x80;)
      at++;
  return at;
}

const QjString *
qj_substring (QjRun *r, const QjString *s, size_t start, size_t end)
{
  if (start == 0 && end == s->size)
    return s;
  if (end - start == 1 && s->origin == QJ_LITERAL && !s->markup && (uint8_t) s->data[start] < 128) {
    const QjString **known = &r->chars[(uint8_t) s->data[start]];
    if (!*known)
      *known = qj_string_new (&r->base, s->data + start, 1, QJ_LITERAL);
    return *known;
  }
  QjString *part = qj_alloc (&r->base, sizeof *part);
  *part = (QjString) { .data = s->data + start,
                       .size = (uint32_t) (end - start),
                       .markup = s->markup,
                       .n_chars = s->n_chars == s->size ? (uint32_t) (end - start) : UINT32_MAX,
                       .origin = start < end ? s->origin : QJ_LITERAL };
  if (part->origin != QJ_MIXED)
    return part;
  uint32_t first = 0, n = 0;
  while (first < s->n_spans && s->spans[first].end <= start)
    first++;
  while (first + n < s->n_spans && s->spans[first + n].start < end)
    n++;
  if (n == 0) {
    part->origin = QJ_LITERAL;
    return part;
  }
  qj_steps (r, n / 4);
  QeSpan *spans = qj_alloc (&r->base, n * sizeof *spans);
  for (uint32_t i = 0; i < n; i++) {
    QeSpan span = s->spans[first + i];
    spans[i].start = span.start > start ? span.start - (uint32_t) start : 0;
    spans[i].end = (span.end < end ? span.end : (uint32_t) end) - (uint32_t) start;
  }
  if (n == 1 && spans[0].start == 0 && spans[0].end == part->size) {
    part->origin = QJ_PLAIN;
  } else {
    part->spans = spans;
    part->n_spans = n;
  }
  return part;
}

/* ---- builder --------------------------------------------------------------------------------------------------- */

QjBuilder
qj_builder (QjRun *r)
{
  return (QjBuilder) { .run = r };
}

static void
reserve (QjBuilder *b, size_t more)
{
  QjBase *base = &b->run->base;
  if (b->capacity - b->size >= more)
    return;
  if (more > QJ_MAX_STRING || b->size + more > QJ_MAX_STRING)
    qj_fail (base, "a text becomes longer than %zu MiB", QJ_MAX_STRING >> 20);
  size_t capacity = (b->size + more) * 2 + 48;
  if (b->outlives) {
    char *longer = realloc (b->data, capacity);
    if (!longer)
      qj_fail_status (base, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
    b->data = longer;
    b->capacity = capacity;
    return;
  }
  if (b->data && qe_arena_extend (&base->arena, b->data, b->capacity, capacity)) {
    b->capacity = capacity;
    return;
  }
  char *data = qj_alloc (base, capacity);
  if (b->size > 0)
    memcpy (data, b->data, b->size);
  b->data = data;
  b->capacity = capacity;
}

static void
add_span (QjBuilder *b, size_t start, size_t end)
{
  QeSpan *last = b->n_spans ? &b->spans[b->n_spans - 1] : NULL;
  if (start == end)
    return;
  if (last && last->end == start) {
    last->end = (uint32_t) end;
    return;
  }
  b->spans = qj_grow (&b->run->base, b->spans, b->n_spans, &b->spans_capacity, sizeof *b->spans);
  b->spans[b->n_spans++] = (QeSpan) { (uint32_t) start, (uint32_t) end };
}

void
qj_add (QjBuilder *b, const char *data, size_t size, bool plain)
{
  if (size == 0)
    return;
  qj_steps (b->run, 1 + size / 16);
  reserve (b, size);
  memcpy (b->data + b->size, data, size);
  if (plain)
    add_span (b, b->size, b->size + size);
  b->size += size;
}

void
qj_add_text (QjBuilder *b, const char *literal)
{
  qj_add (b, literal, strlen (literal), false);
}

void
qj_add_part (QjBuilder *b, const QjString *s, size_t start, size_t end)
{
  size_t base = b->size;
  qj_add (b, s->data + start, end - start, s->origin == QJ_PLAIN);
  if (s->origin != QJ_MIXED)
    return;
  qj_steps (b->run, s->n_spans / 4);
  for (uint32_t i = 0; i < s->n_spans; i++) {
    size_t from = s->spans[i].start > start ? s->spans[i].start : start,
           to = s->spans[i].end < end ? s->spans[i].end : end;
    if (from < to)
      add_span (b, base + from - start, base + to - start);
  }
}

void
qj_add_string (QjBuilder *b, const QjString *s)
{
  qj_add_part (b, s, 0, s->size);
}

void
qj_add_fill (QjBuilder *b, const QjString *fill, int64_t times)
{
  if (fill->size == 0)
    return;
  if (times > 0 && (size_t) times > QJ_MAX_STRING / fill->size)
    qj_fail (&b->run->base, "a text becomes longer than %zu MiB", QJ_MAX_STRING >> 20);
  for (; times > 0; times--) {
    qj_steps (b->run, 1);
    qj_add_string (b, fill);
  }
}

const QjString *
qj_finish (QjBuilder *b)
{
  QjString *s = qj_alloc (&b->run->base, sizeof *s);
  bool all = b->n_spans == 1 && b->spans[0].start == 0 && b->spans[0].end == b->size;
  *s = (QjString) { .data = b->data ? b->data : "",
                    .size = (uint32_t) b->size,
                    .n_chars = UINT32_MAX,
                    .origin = b->n_spans == 0 ? QJ_LITERAL
                              : all           ? QJ_PLAIN
                                              : QJ_MIXED,
                    .n_spans = (uint32_t) b->n_spans,
                    .spans = b->spans };
  return s;
}

/* ---- comparing and searching ----------------------------------------------------------------------------------- */

bool
qj_string_is (const QjString *s, const char *text)
{
  return s->size == strlen (text) && memcmp (s->data, text, s->size) == 0;
}

bool
qj_strings_equal (const QjString *a, const QjString *b)
{
  return a->size == b->size && memcmp (a->data, b->data, a->size) == 0;
}

const char *
qj_find (const QjString *s, const QjString *part, size_t from)
{
  return from > s->size ? NULL : memmem (s->data + from, s->size - from, part->data, part->size);
}

/* What Python's str.isspace() says: Unicode's white space and the four separators U+001C to U+001F. */
bool
qj_is_space (uint32_t c)
{
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680
         || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* The character at p, which is inside valid UTF-8. */
static uint32_t
char_at (const char *p, const char *end, size_t *length)
{
  uint32_t c;
  qe_utf8_next (p, (size_t) (end - p), &c, length);
  return c;
}

static bool
is_stripped (const char *p, const char *end, const QjString *chars, size_t *length)
{
  uint32_t c = char_at (p, end, length);
  return chars ? memmem (chars->data, chars->size, p, *length) != NULL : qj_is_space (c);
}

const QjString *
qj_strip (QjRun *r, const QjString *s, const QjString *chars, bool left, bool right)
{
  const char *start = s->data, *end = s->data + s->size;
  size_t length;
  qj_steps (r, s->size / 64);
  while (left && start < end && is_stripped (start, end, chars, &length))
    start += length;
  while (right && end > start) {
    const char *p = end - 1;
    while (((uint8_t) *p & 0xc0) == 0x80)
      p--;
    if (!is_stripped (p, end, chars, &length))
      break;
    end = p;
  }
  return qj_substring (r, s, (size_t) (start - s->data), (size_t) (end - s->data));
}

/* ---- changing -------------------------------------------------------------------------------------------------- */

const QjString *
qj_concat (QjRun *r, const QjString *a, const QjString *b)
{
  QjBuilder out = qj_builder (r);
  if (b->size == 0 && (a->markup || !b->markup))
    return a;
  qj_add_string (&out, a->markup || !b->markup ? a : qj_escape (r, a));
  qj_add_string (&out, b->markup || !a->markup ? b : qj_escape (r, b));
  QjString *s = (QjString *) qj_finish (&out);
  s->markup = a->markup || b->markup;
  return s;
}

const QjString *
qj_replace (QjRun *r, const QjString *s, const QjString *old, const QjString *new, int64_t count)
{
  QjBuilder out = qj_builder (r);
  if (old->size == 0) { /* Python puts the new text before every character and at the end then */
    size_t length;
    const char *end = s->data + s->size;
    for (const char *p = s->data;; p += length) {
      if (count != 0)
        qj_add_string (&out, new);
      count -= count > 0;
      qj_steps (r, 1);
      if (p == end)
        return qj_finish (&out);
      char_at (p, end, &length);
      qj_add_part (&out, s, (size_t) (p - s->data), (size_t) (p - s->data) + length);
    }
  }
  const char *found = count == 0 ? NULL : qj_find (s, old, 0);
  size_t at = 0;
  qj_steps (r, s->size / 16);
  if (!found)
    return s;
  for (; found && count != 0; found = qj_find (s, old, at)) {
    qj_add_part (&out, s, at, (size_t) (found - s->data));
    qj_add_string (&out, new);
    at = (size_t) (found - s->data) + old->size;
    count -= count > 0;
    qj_steps (r, 1);
  }
  qj_add_part (&out, s, at, s->size);
  return qj_finish (&out);
}

const QjString *
qj_escape (QjRun *r, const QjString *s)
{
  QjBuilder out = qj_builder (r);
  size_t at = 0;
  if (s->markup)
    return s;
  for (size_t i = 0; i < s->size; i++) {
    const char *name = s->data[i] == '&'    ? "&amp;"
                       : s->data[i] == '<'  ? "&lt;"
                       : s->data[i] == '>'  ? "&gt;"
                       : s->data[i] == '"'  ? "&#34;"
                       : s->data[i] == '\'' ? "&#39;"
                                            : NULL;
    if (!name)
      continue;
    qj_add_part (&out, s, at, i);
    qj_add_text (&out, name);
    at = i + 1;
  }
  qj_add_part (&out, s, at, s->size);
  QjString *escaped = (QjString *) qj_finish (&out);
  escaped->markup = true;
  return escaped;
}

/* ---- cases ----------------------------------------------------------------------------------------------------- */

static bool
is_cased (uint32_t c)
{
  utf8proc_category_t category = utf8proc_category ((utf8proc_int32_t) c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

/* What stands inside of words without being a letter with case: marks, apostrophes, what is not seen. */
static bool
is_case_ignorable (uint32_t c)
{
  utf8proc_category_t category = utf8proc_category ((utf8proc_int32_t) c);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF
         || category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' || c == ':'
         || c == 0xb7 || c == 0x2018 || c == 0x2019 || c == 0x2024 || c == 0x2027;
}

/* Adds one character in upper, lower or title case. Few have more than one letter there. */
static void
add_cased (QjBuilder *b, uint32_t c, QjCase how, bool plain, bool ends_word)
{
  static const char *const ligatures[] = { "FF", "FI", "FL", "FFI", "FFL", "ST", "ST" };
  char bytes[4];
  if (c == 0xdf && how != QJ_LOWER) {
    qj_add (b, how == QJ_UPPER ? "SS" : how == QJ_TITLE ? "Ss" : "ss", 2, plain);
    return;
  }
  if (c >= 0xfb00 && c <= 0xfb06 && (how == QJ_UPPER || how == QJ_TITLE)) {
    const char *ligature = ligatures[c - 0xfb00];
    for (size_t i = 0; ligature[i]; i++) {
      bytes[0] = how == QJ_TITLE && i > 0 ? (char) (ligature[i] | 0x20) : ligature[i];
      qj_add (b, bytes, 1, plain);
    }
    return;
  }
  if (c == 0x130 && how == QJ_LOWER) {
    qj_add (b, "i\xcc\x87", 3, plain);
    return;
  }
  utf8proc_int32_t to = (utf8proc_int32_t) c;
  if (c == 0x3a3 && how == QJ_LOWER && ends_word)
    to = 0x3c2; /* the sigma at the end of a word */
  else
    to = how == QJ_UPPER ? utf8proc_toupper (to) : how == QJ_TITLE ? utf8proc_totitle (to) : utf8proc_tolower (to);
  qj_add (b, bytes, qe_utf8_put (bytes, (uint32_t) to), plain);
}

/* Whether no letter follows in the same word. */
static bool
ends_word (const char *after, const char *end)
{
  size_t length;
  uint32_t c = 0;
  for (; after < end && is_case_ignorable (c = char_at (after, end, &length)); after += length)
    ;
  return after == end || !is_cased (c);
}

const QjString *
qj_change_case (QjRun *r, const QjString *s, QjCase how)
{
  QjBuilder out = qj_builder (r);
  const char *end = s->data + s->size;
  uint32_t before = 0, span = 0;
  bool before_cased = false, in_word = false; /* in_word: a letter came before, in the same word */
  size_t length;
  qj_steps (r, s->size / 4);
  for (const char *p = s->data; p < end; p += length) {
    uint32_t at = (uint32_t) (p - s->data), c = char_at (p, end, &length);
    while (span < s->n_spans && s->spans[span].end <= at)
      span++;
    bool plain = s->origin == QJ_PLAIN || (span < s->n_spans && s->spans[span].start <= at && s->origin == QJ_MIXED);
    const bool first = p == s->data;
    QjCase to = how;
    /* A word begins for the filter `title` after blanks and opening brackets, for str.title() after whatever has no case. */
    bool begins = first
                  || (how == QJ_TITLE ? !before_cased
                                      : before == '-' || before == '(' || before == '{' || before == '['
                                            || before == '<' || qj_is_space (before));
    switch (how) {
    case QJ_CAPITALIZE: to = first ? QJ_TITLE : QJ_LOWER; break;
    case QJ_TITLE: to = begins ? QJ_TITLE : QJ_LOWER; break;
    case QJ_TITLE_FILTER: to = begins ? QJ_UPPER : QJ_LOWER; break;
    case QJ_SWAPCASE:
      to = utf8proc_category ((utf8proc_int32_t) c) == UTF8PROC_CATEGORY_LU ? QJ_LOWER : QJ_UPPER;
      break;
    default: break;
    }
    add_cased (&out, c, to, plain,
               c == 0x3a3 && to == QJ_LOWER && how != QJ_CASEFOLD && in_word && ends_word (p + length, end));
    before = c;
    before_cased = is_cased (c);
    if (!is_case_ignorable (c))
      in_word = before_cased && !(how == QJ_TITLE_FILTER && to == QJ_UPPER); /* there the rest is a text of its own */
  }
  QjString *changed = (QjString *) qj_finish (&out);
  changed->markup = s->markup;
  return changed;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

/* Finds what ends a line for Python's str.splitlines(). */
static const char *
next_line_end (const char *p, const char *end, size_t *length)
{
  for (; p < end; p += *length) {
    const uint32_t c = char_at (p, end, length);
    if ((c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029)
      break;
  }
  if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
    *length = 2;
  return p;
}

QjValue
qj_split_lines (QjRun *r, const QjString *s, bool keep_ends)
{
  const char *end = s->data + s->size;
  size_t n = 0, length = 1, i = 0;
  qj_steps (r, s->size / 16);
  for (const char *p = s->data; p < end; n++) {
    p = next_line_end (p, end, &length);
    p = p < end ? p + length : end;
  }
  QjValue lines = qj_list_new (r, QJ_LIST, n);
  for (const char *p = s->data; p < end;) {
    const char *stop = next_line_end (p, end, &length), *next = stop < end ? stop + length : end;
    lines.list->items[i++] = qj_string (
        qj_substring (r, s, (size_t) (p - s->data), (size_t) ((keep_ends ? next : stop) - s->data)));
    p = next;
  }
  return lines;
}
