/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu/qe-ops.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const QeOps *
qe_ops_get (void)
{
#ifdef __x86_64__
  const char *limit = getenv ("QE_KERNELS");
  const bool any = !limit || !*limit;
  __builtin_cpu_init ();
  if ((any || !strncmp (limit, "avx512", 6)) && __builtin_cpu_supports ("avx512f")
      && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    return &qe_ops_avx512;
  if ((any || !strncmp (limit, "avx", 3)) && __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")
      && __builtin_cpu_supports ("f16c"))
    return &qe_ops_avx2;
#endif
  return &qe_ops_generic;
}
