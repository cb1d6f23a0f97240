/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of a JSON schema. A range becomes alternatives of digits: 7 to 123 is [7-9] | [1-9][0-9] | 1([0-1][0-9]|2[0-3]). */
#include "sampler/qe-schema-private.h"

#include <stdio.h>

#define DIGITS 16
#define MOST UINT64_C (9999999999999999) /* the largest number of that many digits */

typedef struct {
  bool given, open; /* open: the bound itself is out */
  bool negative;
  uint64_t magnitude; /* at most MOST */
} Bound;

/* Reads a bound. One that is no whole number moves inwards for integers, and is refused for others. */
static void
read_bound (QeSchema *c, size_t schema, const char *keyword, bool open, bool whole, bool is_minimum, Bound *out)
{
  const size_t i = qe_json_member (&c->json, schema, keyword);
  size_t length;
  if (i == QE_JSON_NONE)
    return;
  if (c->json.values[i].kind != QE_JSON_NUMBER) {
    qe_schema_fail (c, QE_ERROR_FORMAT, schema, "", "“%s” must be a number", keyword);
    return;
  }
  const char *text = qe_json_text (&c->json, i, &length);
  Bound b = { .given = true, .open = open, .negative = *text == '-' };
  bool fraction = false;
  text += b.negative;
  for (; *text >= '0' && *text <= '9' && b.magnitude <= MOST; text++)
    b.magnitude = b.magnitude * 10 + (uint64_t) (*text - '0');
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++)
      fraction |= *text != '0';
  const bool usable = !*text && b.magnitude <= MOST && !(fraction && !whole);
  if ((!usable || out->given) && c->lenient)
    return;
  if (!usable) {
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, " It must be a whole number of at most 16 digits.",
                    "“%s” cannot be had", keyword);
    return;
  }
  if (fraction) {
    b.open = false;
    if (is_minimum ? !b.negative : b.negative)
      b.magnitude++; /* away from zero, which is inwards */
  }
  b.negative &= b.magnitude > 0;
  if (out->given) {
    qe_schema_fail (c, QE_ERROR_UNSUPPORTED, schema, "", "Two %s bounds cannot be had together",
                    is_minimum ? "lower" : "upper");
    return;
  }
  *out = b;
}

/* Writes the numbers of n digits from a to b. */
static void
write_digits (QeBuffer *out, const char *a, const char *b, size_t n)
{
  size_t zeros = 0, nines = 0;
  if (n == 0)
    return;
  while (zeros < n - 1 && a[1 + zeros] == '0')
    zeros++;
  while (nines < n - 1 && b[1 + nines] == '9')
    nines++;
  const bool from_zeros = zeros == n - 1, to_nines = nines == n - 1;
  if (a[0] == b[0] && !(from_zeros && to_nines)) {
    qe_schema_printf (out, "\"%c\" ", a[0]);
    write_digits (out, a + 1, b + 1, n - 1);
    return;
  }
  const char low = (char) (a[0] + !from_zeros),
             high = (char) (b[0] - !to_nines); /* first digits with any others behind */
  bool any = false;
  qe_buffer_puts (out, "(");
  if (!from_zeros) {
    static const char most[] = "9999999999999999";
    qe_schema_printf (out, "\"%c\" ", a[0]);
    write_digits (out, a + 1, most, n - 1);
    any = true;
  }
  if (low <= high) {
    qe_schema_printf (out, "%s[%c-%c] [0-9]{%zu}", any ? "| " : "", low, high, n - 1);
    any = true;
  }
  if (!to_nines) {
    static const char least[] = "0000000000000000";
    qe_schema_printf (out, "%s\"%c\" ", any ? "| " : "", b[0]);
    write_digits (out, least, b + 1, n - 1);
  }
  qe_buffer_puts (out, ") ");
}

/* Writes the whole numbers from low to high. */
static void
write_whole (QeBuffer *out, uint64_t low, uint64_t high)
{
  bool any = false;
  qe_buffer_puts (out, "(");
  for (size_t n = 1; n <= DIGITS && low <= high; n++) {
    char a[24], b[24];
    uint64_t most = 9;
    for (size_t i = 1; i < n; i++)
      most = most * 10 + 9;
    if (low > most)
      continue;
    snprintf (a, sizeof a, "%llu", (unsigned long long) low);
    snprintf (b, sizeof b, "%llu", (unsigned long long) (high < most ? high : most));
    qe_buffer_puts (out, any ? "| " : "");
    write_digits (out, a, b, n);
    any = true;
    if (high <= most)
      break;
    low = most + 1;
  }
  qe_buffer_puts (out, any ? ")" : "[])");
}

/* Writes numbers by their distance from zero: between low and high, where low_open and high_open leave out the bound
 * itself. What is left out above is more than zero. */
static void
write_magnitudes (QeBuffer *out, bool whole, uint64_t low, bool low_open, uint64_t high, bool high_open)
{
  if (whole) {
    write_whole (out, low + low_open, high - high_open);
    return;
  }
  qe_buffer_puts (out, "(");
  if (low < high && high - low > (low_open ? 1 : 0)) {
    write_whole (out, low + low_open, high - 1);
    qe_buffer_puts (out, " fraction? | ");
  }
  if (low_open && low < high)
    qe_schema_printf (out, "\"%llu.\" [0-9]{0,14} [1-9] | ", (unsigned long long) low);
  if (!high_open && (low < high || (low == high && !low_open)))
    qe_schema_printf (out, "\"%llu\" (\".\" \"0\")?)", (unsigned long long) high);
  else
    qe_buffer_puts (out, "[])");
}

void
qe_schema_write_number (QeSchema *c, size_t schema, bool whole)
{
  Bound min = { 0 }, max = { 0 };
  read_bound (c, schema, "minimum", false, whole, true, &min);
  read_bound (c, schema, "exclusiveMinimum", true, whole, true, &min);
  read_bound (c, schema, "maximum", false, whole, false, &max);
  read_bound (c, schema, "exclusiveMaximum", true, whole, false, &max);
  if (!min.given && !max.given) {
    qe_buffer_puts (&c->out, whole ? "integer" : "number");
    return;
  }
  bool any = false;
  if (!max.given || (!max.negative && !(max.open && max.magnitude == 0))) { /* zero and above */
    const bool positive = min.given && !min.negative;
    write_magnitudes (&c->out, whole, positive ? min.magnitude : 0, positive && min.open,
                      max.given ? max.magnitude : MOST, max.given && max.open);
    any = true;
  }
  if (!min.given || min.negative) { /* below zero */
    const bool bounded = max.given && max.negative;
    const bool above_zero = whole || (max.given && !max.negative && max.open && max.magnitude == 0);
    qe_buffer_puts (&c->out, any ? " | \"-\" " : "\"-\" ");
    write_magnitudes (&c->out, whole, bounded ? max.magnitude : 0, bounded ? max.open : above_zero,
                      min.given ? min.magnitude : MOST, min.given && min.open);
    any = true;
  }
  if (!any)
    qe_buffer_puts (&c->out, "[]");
}
