/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python's “%” for texts. */
#include "format/template/qe-jinja-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDEST 10000

typedef struct { /* %[(key)][flags][width][.precision]conversion */
  bool left, plus, blank, zero, alternate;
  int width, precision; /* precision: -1 when not given */
  char conversion;
} Directive;

typedef struct {
  QjRun *r;
  const QjString *format;
  size_t at;
  QjValue values; /* a dict, a tuple or one value */
  uint32_t used;
  QjBuilder out;
} Formatter;

static char
next_char (Formatter *f)
{
  if (f->at == f->format->size)
    qj_fail (&f->r->base, "a “%%” is not followed by what to format");
  return f->format->data[f->at++];
}

static QjValue
next_value (Formatter *f)
{
  uint32_t i = f->used++;
  if (f->values.kind == QJ_TUPLE ? i >= f->values.list->n : i > 0)
    qj_fail (&f->r->base, "there are too few values to format");
  return f->values.kind == QJ_TUPLE ? f->values.list->items[i] : f->values;
}

static int
read_size (Formatter *f, char *c)
{
  int n = 0;
  if (*c == '*') {
    QjValue v = next_value (f);
    if (v.kind != QJ_INT || v.integer < -WIDEST || v.integer > WIDEST)
      qj_fail (&f->r->base, "the width of a format is no sensible number");
    *c = next_char (f);
    return (int) v.integer;
  }
  for (; *c >= '0' && *c <= '9'; *c = next_char (f))
    if ((n = n * 10 + (*c - '0')) > WIDEST)
      qj_fail (&f->r->base, "the width of a format is too large");
  return n;
}

static void
add_padded (Formatter *f, const Directive *d, const QjString *s)
{
  int64_t missing = d->width - (int64_t) qj_n_chars (s);
  const QjString *blank = qj_literal (f->r, " ").string;
  if (!d->left)
    qj_add_fill (&f->out, blank, missing);
  qj_add_string (&f->out, s);
  if (d->left)
    qj_add_fill (&f->out, blank, missing);
}

static void
add_number (Formatter *f, const Directive *d, QjValue v)
{
  bool is_float = strchr ("eEfFgG", d->conversion) != NULL;
  char spec[16], text[WIDEST + 400], flags[6];
  size_t n = 0;
  bool negative_based = false;
  if (!qj_is_number (v) || (!is_float && strchr ("xXo", d->conversion) && v.kind == QJ_FLOAT))
    qj_fail (&f->r->base, "%s is formatted as a number", qj_type_name (v));
  if (d->left)
    flags[n++] = '-';
  if (d->plus)
    flags[n++] = '+';
  if (d->blank)
    flags[n++] = ' ';
  if (d->zero)
    flags[n++] = '0';
  if (d->alternate && is_float)
    flags[n++] = '#';
  flags[n] = '\0';
  if (is_float) {
    snprintf (spec, sizeof spec, "%%%s*.*%c", flags, d->conversion);
    n = (size_t) snprintf (text, sizeof text, spec, d->width, d->precision < 0 ? 6 : d->precision, qj_double_of (v));
  } else {
    double whole = v.kind == QJ_FLOAT ? v.number : 0;
    if (!(whole > -9.2e18 && whole < 9.2e18))
      qj_fail (&f->r->base, "a number is too large to be formatted");
    int64_t i = v.kind == QJ_FLOAT ? (int64_t) whole : qj_integer_of (v);
    char c = d->conversion == 'i' || d->conversion == 'u' ? 'd' : d->conversion;
    negative_based = c != 'd' && i < 0;
    if (negative_based || d->alternate || (d->precision >= 0 && d->zero))
      qj_fail (&f->r->base, "Quern cannot format a number like this");
    snprintf (spec, sizeof spec, "%%%s*.*l%c", flags, c);
    n = (size_t) snprintf (text, sizeof text, spec, d->width, d->precision < 0 && d->zero ? -1 : d->precision,
                           (long) i);
  }
  qj_add (&f->out, text, n < sizeof text ? n : sizeof text - 1, false);
}

static void
add_directive (Formatter *f)
{
  char c = next_char (f);
  QjValue v = { QJ_MISSING };
  if (c == '(') {
    /* The value of "(key)", after its opening bracket. */
    size_t start = f->at;
    while (next_char (f) != ')')
      ;
    if (f->values.kind != QJ_DICT)
      qj_fail (&f->r->base, "formatting by name needs a dict");
    QjEntry *e = qj_dict_find_text (f->values.dict, f->format->data + start, f->at - 1 - start);
    if (!e)
      qj_fail (&f->r->base, "there is no value of that name to format");
    f->used++;
    v = e->value;
    c = next_char (f);
  }
  Directive d = { .precision = -1 };
  for (;; c = next_char (f)) {
    if (c == '-')
      d.left = true;
    else if (c == '+')
      d.plus = true;
    else if (c == ' ')
      d.blank = true;
    else if (c == '0')
      d.zero = true;
    else if (c == '#')
      d.alternate = true;
    else
      break;
  }
  d.width = read_size (f, &c);
  if (d.width < 0) {
    d.left = true;
    d.width = -d.width;
  }
  if (c == '.') {
    c = next_char (f);
    d.precision = read_size (f, &c);
  }
  while (c == 'l' || c == 'h' || c == 'L')
    c = next_char (f);
  d.conversion = c;
  if (d.conversion == '%') {
    qj_add_text (&f->out, "%");
    return;
  }
  if (v.kind == QJ_MISSING)
    v = next_value (f);
  if (d.conversion == 's' || d.conversion == 'r') {
    QjBuilder b = qj_builder (f->r);
    d.conversion == 's' ? qj_add_value (&b, v) : qj_add_repr (&b, v);
    const QjString *s = qj_finish (&b);
    if (f->format->markup && !(v.kind == QJ_STRING && v.string->markup))
      s = qj_escape (f->r, s);
    add_padded (f, &d, d.precision < 0 ? s : qj_substring (f->r, s, 0, qj_byte_offset (s, (size_t) d.precision)));
  } else if (d.conversion == 'c') {
    char bytes[4];
    const QjString *s = v.kind == QJ_STRING ? v.string : NULL;
    if (v.kind == QJ_INT && v.integer >= 0 && v.integer < 0x110000 && !(v.integer >= 0xd800 && v.integer < 0xe000)) {
      QjBuilder b = qj_builder (f->r);
      qj_add (&b, bytes, qe_utf8_put (bytes, (uint32_t) v.integer), true);
      s = qj_finish (&b);
    }
    if (!s || qj_n_chars (s) != 1)
      qj_fail (&f->r->base, "“%%c” needs one character");
    add_padded (f, &d, s);
  } else if (d.conversion && strchr ("diuoxXeEfFgG", d.conversion)) {
    add_number (f, &d, v);
  } else {
    qj_fail (&f->r->base, "“%%%c” is no format", d.conversion >= 32 && d.conversion < 127 ? d.conversion : '?');
  }
}

const QjString *
qj_format (QjRun *r, const QjString *format, QjValue values)
{
  Formatter f = { .r = r, .format = format, .values = values, .out = qj_builder (r) };
  while (f.at < format->size) {
    const char *start = format->data + f.at, *percent = memchr (start, '%', format->size - f.at);
    size_t end = percent ? (size_t) (percent - format->data) : format->size;
    qj_add_part (&f.out, format, f.at, end);
    f.at = end + (percent != NULL);
    if (percent)
      add_directive (&f);
  }
  bool all_used = values.kind == QJ_TUPLE ? f.used >= values.list->n
                                          : f.used > 0 || values.kind == QJ_DICT || values.kind == QJ_LIST;
  if (!all_used)
    qj_fail (&r->base, "there are too many values to format");
  QjString *s = (QjString *) qj_finish (&f.out);
  s->markup = format->markup;
  return s;
}
