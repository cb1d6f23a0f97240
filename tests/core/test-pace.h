/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "test-util.h"

/* The linker puts this one between the program and the engine (meson.build), so that a test can do something in the middle of
 * an answer, however fast the engine and however slow the test's own thread is. */

static int test_steps_left = G_MAXINT; /* that may be made before the engine waits */
static int test_most_together;         /* contexts that made a step in one pass */

QeStatus __real_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
QeStatus __wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
void __real_qe_contexts_step (QeContextStep *steps, size_t n);
void __wrap_qe_contexts_step (QeContextStep *steps, size_t n);

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

static inline void
test_await_step (void)
{
  int left;

  while ((left = g_atomic_int_get (&test_steps_left)) == 0)
    g_usleep (1000);
  if (left != G_MAXINT)
    g_atomic_int_compare_and_exchange (&test_steps_left, left, left - 1);
}

void
__wrap_qe_contexts_step (QeContextStep *steps, size_t n)
{
  test_await_step ();
  if ((int) n > g_atomic_int_get (&test_most_together)) /* one thread at a time makes steps of a model */
    g_atomic_int_set (&test_most_together, (int) n);
  __real_qe_contexts_step (steps, n);
}

QeStatus
__wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                        QeError *err)
{
  test_await_step ();
  return __real_qe_context_step (context, sampler, control, tokens, n, err);
}
