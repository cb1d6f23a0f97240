/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-cache-memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "qe-error.h"

void
qe_cache_measure (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp)
{
  QeCache c = { .n_ctx = n_ctx, .kv_type = kv_type, .n_kv_heads = config->n_kv_heads };
  for (uint32_t i = 0; i < config->n_layers; i++)
    c.n_state_layers += config->recurrent[i];
  c.n_kv_layers = config->n_layers - c.n_state_layers + with_mtp;
  c.kv_row_bytes = qe_row_bytes (qe_type_traits (qe_cache_type (kv_type)), config->head_size);
  c.kv_bytes = (size_t) c.n_kv_layers * c.n_kv_heads * n_ctx * c.kv_row_bytes;
  c.state_size = (size_t) config->n_value_heads * config->state_size * config->state_size;
  c.n_history = config->conv_kernel - 1;
  c.channels = qe_config_channels (config);
  c.recurrent_bytes = c.n_state_layers * (c.state_size + c.n_history * c.channels) * sizeof (float);
  c.write_size = (size_t) (config->n_key_heads + config->n_value_heads) * config->state_size + config->n_value_heads;
  c.write_size = (c.write_size + 15) / 16 * 16; /* whole cache lines */
  c.writes_bytes = c.n_state_layers * QE_WRITES_MAX * c.write_size * sizeof (float);
  *out = c;
}

/* Maps zeroed memory, which takes no RAM until it is written. */
static void *
reserve (size_t bytes)
{
  void *p = mmap (NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void
release (void *p, size_t bytes)
{
  if (p)
    munmap (p, bytes ? bytes : 1);
}

QeStatus
qe_cache_init (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp, QeError *err)
{
  QeCache c;
  if (kv_type == QE_KV_Q8_0 && config->head_size % 32)
    return qe_fail (err, QE_ERROR_UNSUPPORTED, "This model's attention heads do not fit an 8-bit cache; use F16.");
  qe_cache_measure (&c, config, n_ctx, kv_type, with_mtp);
  c.keys = reserve (c.kv_bytes);
  c.values = reserve (c.kv_bytes);
  c.state = reserve (c.recurrent_bytes);
  c.writes = reserve (c.writes_bytes);
  if (!c.keys || !c.values || !c.state || !c.writes) {
    qe_cache_clear (&c);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a context of %u tokens.", n_ctx);
  }
  madvise (c.state, c.recurrent_bytes, MADV_HUGEPAGE); /* every token reads all of it */
  c.conv = c.state + c.n_state_layers * c.state_size;
  *out = c;
  return QE_OK;
}

void
qe_cache_clear (QeCache *cache)
{
  release (cache->keys, cache->kv_bytes);
  release (cache->values, cache->kv_bytes);
  release (cache->state, cache->recurrent_bytes);
  release (cache->writes, cache->writes_bytes);
  *cache = (QeCache) { 0 };
}

void
qe_cache_forget (QeCache *cache)
{
  memset (cache->state, 0, cache->recurrent_bytes);
  cache->n_writes = cache->first_history = 0;
}
