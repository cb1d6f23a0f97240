/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "cpu/qe-pool.h"

/* Returns the bytes per second at which the pool's threads can read `size` bytes once, if they do nothing else. */
double qe_pool_read_rate (QePool *pool, const void *memory, size_t size);
