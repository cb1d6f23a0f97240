/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "test-util.h"

/* The linker puts this one between the program and the engine (meson.build), so that a test can do something in the middle of
 * an answer, however fast the engine and however slow the test's own thread is. */

static int test_steps_left = G_MAXINT; /* that may be made before the engine waits */

QeStatus __real_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
QeStatus __wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);

/* The engine makes so many steps and waits. */
static inline void
test_hold_after (int steps)
{
  g_atomic_int_set (&test_steps_left, steps);
}

static inline void
test_let_go (void)
{
  g_atomic_int_set (&test_steps_left, G_MAXINT);
}

QeStatus
__wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                        QeError *err)
{
  int left;

  while ((left = g_atomic_int_get (&test_steps_left)) == 0)
    g_usleep (1000);
  if (left != G_MAXINT)
    g_atomic_int_compare_and_exchange (&test_steps_left, left, left - 1);
  return __real_qe_context_step (context, sampler, control, tokens, n, err);
}
