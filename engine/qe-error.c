/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-error.h"

#include <stdarg.h>
#include <stdio.h>

QeStatus
qe_fail (QeError *err, QeStatus status, const char *format, ...)
{
  if (err) {
    va_list args;
    va_start (args, format);
    vsnprintf (err->message, sizeof err->message, format, args);
    va_end (args);
    err->status = status;
  }
  return status;
}
