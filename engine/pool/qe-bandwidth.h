/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "pool/qe-pool.h"

/* Bytes per second at which the pool's threads can read `size` bytes once and do nothing else with them. */
double qe_pool_read_rate (QePool *pool, const void *memory, size_t size);
