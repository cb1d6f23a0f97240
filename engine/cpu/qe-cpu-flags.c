/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the processor can do and the system lets it do. */

#include "cpu/qe-kernels.h"

#if defined __x86_64__

#include <cpuid.h>

/* Which register sets the system saves at a thread switch (XCR0). */
static uint64_t
saved_state (void)
{
  uint32_t low, high;
  __asm__ ("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t) high << 32 | low;
}

unsigned
qe_cpu_flags (void)
{
  unsigned a, b, c, d, b7 = 0, c7 = 0, a71 = 0, unused, flags = 0;
  if (!__get_cpuid (1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return 0;
  uint64_t state = saved_state ();
  if (!__get_cpuid_count (7, 0, &unused, &b7, &c7, &d) || (state & 6) != 6)
    return 0;
  bool avx2 = (c & bit_AVX) && (c & bit_FMA) && (c & bit_F16C) && (b7 & bit_AVX2);
  if (!avx2)
    return 0;
  flags |= QE_CPU_AVX2;
  if (__get_cpuid_count (7, 1, &a71, &b, &c, &d) && (a71 & (1u << 4)))
    flags |= QE_CPU_AVX_VNNI;
  unsigned need = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  const unsigned vbmi = 1u << 1, gfni = 1u << 8, vnni = 1u << 11, bf16 = 1u << 5;
  if ((state & 0xe6) == 0xe6 && (b7 & need) == need) {
    flags |= QE_CPU_AVX512;
    flags |= c7 & vnni ? QE_CPU_AVX512_VNNI : 0;
    flags |= (c7 & vbmi) && (c7 & gfni) ? QE_CPU_AVX512_VBMI : 0;
    flags |= a71 & bf16 ? QE_CPU_AVX512_BF16 : 0;
  }
  return flags;
}

#elif defined __aarch64__

#include <asm/hwcap.h>
#include <sys/auxv.h>

#ifndef HWCAP2_I8MM
#define HWCAP2_I8MM (1ul << 13)
#endif

unsigned
qe_cpu_flags (void)
{
  unsigned flags = QE_CPU_NEON;
  if (getauxval (AT_HWCAP) & HWCAP_ASIMDDP)
    flags |= QE_CPU_DOTPROD;
  if ((flags & QE_CPU_DOTPROD) && (getauxval (AT_HWCAP2) & HWCAP2_I8MM))
    flags |= QE_CPU_I8MM;
  return flags;
}

#else

unsigned
qe_cpu_flags (void)
{
  return 0;
}

#endif
