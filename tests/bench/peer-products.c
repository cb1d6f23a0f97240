/* SPDX-License-Identifier: GPL-3.0-or-later */

/* llama.cpp's products of quantised weights with one token, alone, as bench-products measures ours: 0.5 MiB of random
 * blocks in rows of 2560 weights, one thread, processor time. In the peer's root (see compare.py), with this folder at /mnt:
 *
 *   gcc -O2 /mnt/peer-products.c -o /tmp/p -lggml-base && /tmp/p /usr/lib/x86_64-linux-gnu/ggml/backends0/libggml-cpu-zen4.so
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ggml-cpu.h>
#include <ggml.h>

#define COLUMNS 2560
#define BYTES (512 << 10)
#define REPEATS 200

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
bench (const struct ggml_type_traits_cpu *(*traits_of) (enum ggml_type), enum ggml_type type)
{
  const struct ggml_type_traits_cpu *traits = traits_of (type);
  size_t row = ggml_row_size (type, COLUMNS), rows = BYTES / row;
  uint8_t *w = malloc (rows * row), x8[4 * COLUMNS];
  float x[COLUMNS], y = 0;
  uint64_t seed = 1;
  for (size_t i = 0; i < rows * row; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    w[i] = (uint8_t) (seed >> 56);
  }
  for (int i = 0; i < COLUMNS; i++)
    x[i] = (float) (i * 2654435761u >> 8 & 0xffff) / 65536 - 0.5f;
  double best = 1e9;
  for (int k = 0; k < 5; k++) {
    double start = now ();
    for (int n = 0; n < REPEATS; n++) {
      traits_of (traits->vec_dot_type)->from_float (x, x8, COLUMNS);
      for (size_t r = 0; r < rows; r++)
        traits->vec_dot (COLUMNS, &y, 0, w + r * row, 0, x8, 0, 1);
    }
    double seconds = (now () - start) / REPEATS;
    best = seconds < best ? seconds : best;
  }
  printf ("%-8s decode %6.2f GB/s\n", ggml_type_name (type), (double) (rows * row) / best * 1e-9);
  free (w);
}

int
main (int argc, char **argv)
{
  static const enum ggml_type types[] = {
    GGML_TYPE_Q4_0,   GGML_TYPE_Q5_0,  GGML_TYPE_Q8_0,    GGML_TYPE_Q2_K,   GGML_TYPE_Q3_K,  GGML_TYPE_Q4_K,
    GGML_TYPE_Q5_K,   GGML_TYPE_Q6_K,  GGML_TYPE_IQ4_NL,  GGML_TYPE_IQ4_XS, GGML_TYPE_MXFP4, GGML_TYPE_IQ2_XXS,
    GGML_TYPE_IQ2_XS, GGML_TYPE_IQ2_S, GGML_TYPE_IQ3_XXS, GGML_TYPE_IQ3_S,  GGML_TYPE_IQ1_S, GGML_TYPE_IQ1_M,
  };
  void *library = argc == 2 ? dlopen (argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
  if (!library) {
    fprintf (stderr, "%s\n", argc == 2 ? dlerror () : "usage: peer-products LIBGGML-CPU.so");
    return 2;
  }
  void (*init) (void) = (void (*) (void)) dlsym (library, "ggml_cpu_init");
  const struct ggml_type_traits_cpu *(*traits_of) (enum ggml_type) =
      (const struct ggml_type_traits_cpu *(*) (enum ggml_type)) dlsym (library, "ggml_get_type_traits_cpu");
  if (!init || !traits_of)
    return 1;
  init ();
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    bench (traits_of, types[i]);
  return 0;
}
