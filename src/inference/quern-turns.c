/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-turns.h"

static GMutex lock;
static GCond changed;
static guint n_first; /* requests that go first, queued or running */

/* A request that goes first was asked. Each call is matched by one of _quern_turns_end(). */
void
_quern_turns_begin (void)
{
  g_mutex_lock (&lock);
  n_first++;
  g_mutex_unlock (&lock);
}

void
_quern_turns_end (void)
{
  g_mutex_lock (&lock);
  n_first--;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

/* Lets those who rest look whether they are stopped. */
void
_quern_turns_wake (void)
{
  g_mutex_lock (&lock);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

/* Whether something goes first now. */
gboolean
_quern_turns_are_taken (void)
{
  gboolean taken;

  g_mutex_lock (&lock);
  taken = n_first > 0;
  g_mutex_unlock (&lock);
  return taken;
}

/* Returns when nothing goes first, or when @stopped says that there is nothing to wait for. */
void
_quern_turns_wait (gboolean (*stopped) (gpointer data), gpointer data)
{
  g_mutex_lock (&lock);
  while (n_first > 0 && !stopped (data))
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}
