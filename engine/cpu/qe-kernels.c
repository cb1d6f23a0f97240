/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The choice of kernels: which instruction set fills which slots. */

#include "cpu/qe-kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Streams alone read pairs of activations and ask ahead, and AVX-VNNI has none. */
static void
forget_streams (QeKernels *k)
{
  k->pair_x8 = NULL;
  memset (k->ahead, 0, sizeof k->ahead);
}

#define MAX_INITS 11 /* of one set */

/* From the plainest to the newest: each set overwrites what those before it have filled. A set of products has the name by which
 * people see it and QE_KERNELS holds the choice down to it, together with all sets that need no other flags. */
static const struct {
  const char *name; /* NULL: no products */
  unsigned flags;   /* all of them are needed */
  QeKernelsInit *inits[MAX_INITS];
} sets[] = {
  { "generic",
    0,
    { qe_quantise_init_generic, qe_dot_init_generic, qe_dot_float_init_generic, qe_sketch_init_generic,
      qe_sketch_make_init_generic, qe_attention_init_generic, qe_attend_init_generic, qe_delta_init_generic,
      qe_vector_init_generic } },
#if defined __x86_64__
  { "avx2",
    QE_CPU_AVX2,
    { qe_quantise_init_avx2, qe_dot_init_avx2, qe_tile_init_avx2, qe_stream_init_avx2, qe_dot_float_init_avx2,
      qe_sketch_init_avx2, qe_sketch_make_init_avx2, qe_attention_init_avx2, qe_attend_init_avx2, qe_delta_init_avx2,
      qe_vector_init_avx2 } },
  { "avx-vnni",
    QE_CPU_AVX2 | QE_CPU_AVX_VNNI,
    { qe_dot_init_avx_vnni, qe_tile_init_avx_vnni, qe_sketch_init_avx_vnni, forget_streams } },
  { NULL,
    QE_CPU_AVX2 | QE_CPU_AVX512,
    { qe_sketch_make_init_avx512, qe_attention_init_avx512, qe_attend_init_avx512, qe_delta_init_avx512,
      qe_vector_init_avx512 } },
  { NULL, QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_BF16, { qe_attend_init_avx512_bf16 } },
  { "avx512-vnni",
    QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_VNNI,
    { qe_quantise_init_avx512_vnni, qe_dot_init_avx512_vnni, qe_tile_init_avx512_vnni, qe_stream_init_avx512_vnni,
      qe_sketch_init_avx512_vnni } },
  { "avx512-vbmi",
    QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_VNNI | QE_CPU_AVX512_VBMI,
    { qe_dot_init_avx512_vbmi, qe_tile_init_avx512_vbmi, qe_stream_init_avx512_vbmi } },
#elif defined __aarch64__
  { "neon",
    QE_CPU_NEON,
    { qe_quantise_init_neon, qe_dot_init_neon, qe_tile_init_neon, qe_dot_float_init_neon, qe_sketch_init_neon } },
  { "neon-dotprod",
    QE_CPU_NEON | QE_CPU_DOTPROD,
    { qe_dot_init_dotprod, qe_tile_init_dotprod, qe_sketch_init_dotprod } },
  { "neon-i8mm", QE_CPU_NEON | QE_CPU_DOTPROD | QE_CPU_I8MM, { qe_tile_init_i8mm } },
#endif
};
#define N_SETS (sizeof sets / sizeof *sets)

void
qe_kernels_init (QeKernels *k, unsigned flags)
{
  *k = (QeKernels) { 0 };
  for (size_t i = 0; i < N_SETS; i++) {
    if (sets[i].flags & ~flags)
      continue;
    for (size_t n = 0; n < MAX_INITS && sets[i].inits[n]; n++)
      sets[i].inits[n](k);
    if (sets[i].name)
      k->name = sets[i].name;
  }
}

static QeKernels chosen;

bool
qe_cpu_exact_activations (void)
{
  const char *activations = getenv ("QE_ACTIVATIONS");

  return activations && strcmp (activations, "f32") == 0;
}

static void
choose_kernels (void)
{
  const char *wish = getenv ("QE_KERNELS");
  unsigned mask = ~0u;
  for (size_t i = 0; wish && i < N_SETS; i++)
    if (sets[i].name && strcmp (wish, sets[i].name) == 0)
      mask = sets[i].flags;
  if (qe_cpu_exact_activations ())
    mask &= ~(unsigned) QE_CPU_AVX512_BF16; /* whose attention rounds */
  qe_kernels_init (&chosen, qe_cpu_flags () & mask);
}

const QeKernels *
qe_kernels (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, choose_kernels);
  return &chosen;
}

const char *
qe_cpu_kernels (void)
{
  return qe_kernels ()->name;
}

/* Floats of QeAttend.scratch for n_queries at most. Of every instruction set, for the widest vectors. */
size_t
qe_attend_scratch (size_t n_queries, size_t d)
{
  const size_t queries = (n_queries + 31) / 32 * 32, columns = (d + 31) / 32 * 32;
  return queries * columns                        /* queries */
         + queries * columns                      /* what is mixed */
         + QE_ATTEND_KEYS * columns               /* keys, then values */
         + QE_ATTEND_KEYS * queries + 3 * queries /* products; largest, sum, what is kept */
      ;
}
