/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-cache.h"

/* Fills in the sizes that qe_cache_init() would use, without allocating memory. */
void qe_cache_measure (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp);
QeStatus qe_cache_init (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp,
                        QeError *err);
void qe_cache_clear (QeCache *cache);
void qe_cache_forget (QeCache *cache); /* returns to the state before the first row */
