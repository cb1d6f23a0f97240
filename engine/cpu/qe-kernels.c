/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Choice of the kernels. */

#include "qe-kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "qe.h"

/* Levels from low to high; each includes those below it on the same architecture. */
static const struct {
  const char *name;
  unsigned flags;
} levels[] = {
  { "generic", 0 },
  { "avx2", QE_CPU_AVX2 },
  { "avx-vnni", QE_CPU_AVX2 | QE_CPU_AVX_VNNI },
  { "avx512-vnni", QE_CPU_AVX2 | QE_CPU_AVX512 },
  { "avx512-vbmi", QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_VBMI },
  { "neon", QE_CPU_NEON },
  { "neon-dotprod", QE_CPU_NEON | QE_CPU_DOTPROD },
  { "neon-i8mm", QE_CPU_NEON | QE_CPU_DOTPROD | QE_CPU_I8MM },
};

void
qe_kernels_init (QeKernels *k, unsigned flags)
{
  qe_kernels_init_generic (k);
  qe_kernels_init_sketch (k);
#if defined __x86_64__
  if (flags & QE_CPU_AVX2)
    qe_kernels_init_avx2 (k);
  if (flags & QE_CPU_AVX_VNNI)
    qe_kernels_init_avx_vnni (k);
  if (flags & QE_CPU_AVX512)
    qe_kernels_init_avx512 (k);
  if (flags & QE_CPU_AVX512_VBMI)
    qe_kernels_init_avx512_vbmi (k);
#elif defined __aarch64__
  if (flags & QE_CPU_NEON)
    qe_kernels_init_neon (k);
  if (flags & QE_CPU_DOTPROD)
    qe_kernels_init_dotprod (k);
  if (flags & QE_CPU_I8MM)
    qe_kernels_init_i8mm (k);
#endif
}

static QeKernels chosen;

static void
choose (void)
{
  unsigned mask = ~0u;
  const char *wish = getenv ("QE_KERNELS");
  for (size_t i = 0; wish && i < sizeof levels / sizeof *levels; i++)
    if (strcmp (wish, levels[i].name) == 0)
      mask = levels[i].flags;
  qe_kernels_init (&chosen, qe_cpu_flags () & mask);
}

const QeKernels *
qe_kernels (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, choose);
  return &chosen;
}

const char *
qe_cpu_kernels (void)
{
  return qe_kernels ()->name;
}
