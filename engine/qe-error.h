/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* Fills err (may be NULL) with a printf-style sentence and returns status, so that a failure is one statement:
 *   return qe_fail (err, QE_ERROR_FORMAT, "The tensor “%s” ends past the end of the file.", name); */
QeStatus qe_fail (QeError *err, QeStatus status, const char *format, ...) __attribute__ ((format (printf, 3, 4)));

/* True when [offset, offset + size) lies inside `total`; cannot wrap. */
static inline bool
qe_range_ok (uint64_t offset, uint64_t size, uint64_t total)
{
  return offset <= total && size <= total - offset;
}
