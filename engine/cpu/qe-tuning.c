/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu/qe-tuning.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/qe-kernels.h"
#include "qe.h"

static atomic_size_t measured[QE_N_TYPES]; /* bytes and 1; 0, which is QE_AHEAD_UNKNOWN and 1: not measured */

size_t
qe_tuning_ahead (QeType type)
{
  const size_t m = atomic_load_explicit (&measured[type], memory_order_relaxed);
  return m ? m - 1 : qe_kernels ()->ahead[type];
}

void
qe_tuning_set_ahead (QeType type, size_t bytes)
{
  atomic_store_explicit (&measured[type], bytes + 1, memory_order_relaxed);
}

bool
qe_tuning_is_measured (QeType type)
{
  return atomic_load_explicit (&measured[type], memory_order_relaxed) != 0;
}

void
qe_tuning_reset (void)
{
  for (size_t type = 0; type < QE_N_TYPES; type++)
    qe_tuning_set_ahead ((QeType) type, QE_AHEAD_UNKNOWN);
}

/* ---- as text --------------------------------------------------------------------------------------------------- */

/* Writes what was measured as text, "Q4_K 6656 Q8_0 8192". Returns its length, which is less than size when it fits; "" when
 * nothing was measured. */
size_t
qe_tuning_write (char *text, size_t size)
{
  size_t length = 0;
  if (size)
    *text = 0;
  for (uint32_t type = 0; type < QE_N_TYPES; type++) {
    const size_t m = atomic_load_explicit (&measured[type], memory_order_relaxed);
    const bool fits = length < size;
    if (m)
      length += (size_t) snprintf (fits ? text + length : NULL, fits ? size - length : 0, "%s%s %zu", length ? " " : "",
                                   qe_type_traits (type)->name, m - 1);
  }
  return length;
}

/* The type whose kernels ask ahead and that has this name of `length` bytes; QE_N_TYPES: none. */
static uint32_t
find_type (const char *name, size_t length)
{
  uint32_t type = 0;
  for (; type < QE_N_TYPES; type++) {
    const char *known = qe_type_traits (type)->name;
    if (qe_kernels ()->ahead[type] && known && strlen (known) == length && memcmp (known, name, length) == 0)
      break;
  }
  return type;
}

/* Takes over what qe_tuning_write() wrote. Returns false, and changes nothing, when the text is something else. */
bool
qe_tuning_read (const char *text)
{
  size_t ahead[QE_N_TYPES];
  bool found[QE_N_TYPES] = { false };
  while (*text) {
    const size_t length = strcspn (text, " ");
    const uint32_t type = find_type (text, length);
    char *end;
    if (type == QE_N_TYPES || found[type] || text[length] != ' ' || text[length + 1] < '0' || text[length + 1] > '9')
      return false;
    const unsigned long bytes = strtoul (text + length + 1, &end, 10);
    if (bytes > QE_AHEAD_MOST || (*end && *end != ' ') || (*end == ' ' && !end[1]))
      return false;
    ahead[type] = bytes;
    found[type] = true;
    text = *end ? end + 1 : end;
  }
  for (uint32_t type = 0; type < QE_N_TYPES; type++)
    if (found[type])
      qe_tuning_set_ahead (type, ahead[type]);
  return true;
}
