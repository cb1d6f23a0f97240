/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/quant/qe-quant.h"

/* What depends on the processor and its memory and changes no result: how far ahead weights of a format are asked for while one
 * token goes through them. It is the same for the whole process and may change at any time. model/qe-tune.c measures it, and
 * qe_tuning_read() takes over what was measured before. */

#define QE_AHEAD_MOST 32768       /* bytes */
#define QE_AHEAD_UNKNOWN SIZE_MAX /* not measured */

/* Bytes: what was measured, or else what the kernels have; 0 for formats whose kernels do not ask. Any thread. */
size_t qe_tuning_ahead (QeType type);
void qe_tuning_set_ahead (QeType type, size_t bytes); /* at most QE_AHEAD_MOST, or QE_AHEAD_UNKNOWN */
bool qe_tuning_is_measured (QeType type);
void qe_tuning_reset (void); /* nothing is measured */
