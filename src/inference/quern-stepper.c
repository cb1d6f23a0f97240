/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-stepper.h"

/* Lets the contexts of one open file share the processor. Each has a thread of its own, which reads prompts and takes answers
 * out of tokens; but only one of these threads has the engine work at a time, and the steps that they ask for meanwhile are made
 * together, so that the weights are read once for all of them (qe_contexts_step()). What comes of a step does not depend on
 * which steps are made with it.
 *
 * A step begins as soon as every context that writes has asked for one, or PATIENCE after the first did (half as long as the last
 * steps took, if that is longer). Whoever finds that it may begin makes it for all.
 *
 * A prompt is read in one go, except that between layers it lets the steps that are asked for go first if none was made for
 * STRETCH, and that it lets another prompt have its turn after SLICE. So those that write go on while others read, one who comes
 * with a short prompt soon writes with them, and a short prompt does not wait for a long one. */

#define PATIENCE (10 * G_TIME_SPAN_MILLISECOND)
#define STRETCH (50 * G_TIME_SPAN_MILLISECOND)
#define SLICE (250 * G_TIME_SPAN_MILLISECOND)

struct _QuernStepper {
  GMutex lock;   /* guards all, seats too */
  GCond changed; /* of anything */
  gboolean busy; /* a thread has the engine work */
  GPtrArray *seats;
  guint64 next_ticket,
      ticket;        /* of prompts: that of the one that comes next; that of the one that reads, or may begin */
  gint64 began_at;   /* monotonic: when it began, or went on */
  gint64 last_took;  /* microseconds: the steps that were made last */
  gint64 stepped_at; /* monotonic: when these were done */
};

QuernStepper *
_quern_stepper_new (void)
{
  QuernStepper *self = g_new0 (QuernStepper, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->seats = g_ptr_array_new ();
  return self;
}

/* All have left. */
void
_quern_stepper_free (QuernStepper *self)
{
  g_ptr_array_unref (self->seats);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
quern_stepper_set_state (QuernStepper *self, QuernSeat *seat, QuernSeatState state)
{
  g_mutex_lock (&self->lock);
  seat->state = state;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Takes a context in. Nobody waits for it until it has read its prompt. */
void
_quern_stepper_join (QuernStepper *self, QuernSeat *seat)
{
  g_mutex_lock (&self->lock);
  seat->state = QUERN_SEAT_AWAY;
  g_ptr_array_add (self->seats, seat);
  g_mutex_unlock (&self->lock);
}

void
_quern_stepper_leave (QuernStepper *self, QuernSeat *seat)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_remove (self->seats, seat);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* The context will not ask for a step soon. */
void
_quern_stepper_rest (QuernStepper *self, QuernSeat *seat)
{
  quern_stepper_set_state (self, seat, QUERN_SEAT_AWAY);
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

static guint
quern_stepper_count (QuernStepper *self, QuernSeatState state)
{
  guint n = 0;

  for (guint i = 0; i < self->seats->len; i++)
    n += ((const QuernSeat *) self->seats->pdata[i])->state == state;
  return n;
}

/* Makes the steps that are asked for. The caller holds the lock, which is free meanwhile, and has the engine. */
static void
quern_stepper_make_steps (QuernStepper *self)
{
  const guint n = quern_stepper_count (self, QUERN_SEAT_WAITING);
  g_autofree QeContextStep *steps = g_new (QeContextStep, n);
  g_autofree QuernSeat **seats = g_new (QuernSeat *, n);
  const gint64 began = g_get_monotonic_time ();

  for (guint i = 0, k = 0; i < self->seats->len; i++) {
    QuernSeat *seat = self->seats->pdata[i];
    if (seat->state != QUERN_SEAT_WAITING)
      continue;
    seat->state = QUERN_SEAT_STEPPING;
    steps[k] = *seat->step;
    seats[k++] = seat;
  }
  g_mutex_unlock (&self->lock);
  qe_contexts_step (steps, n);
  g_mutex_lock (&self->lock);
  self->stepped_at = g_get_monotonic_time ();
  self->last_took = self->stepped_at - began;
  for (guint i = 0; i < n; i++) {
    *seats[i]->step = steps[i];
    seats[i]->state = QUERN_SEAT_DONE;
  }
  g_cond_broadcast (&self->changed);
}

static gboolean
quern_stepper_is_complete (QuernStepper *self)
{
  return quern_stepper_count (self, QUERN_SEAT_EXPECTED) + quern_stepper_count (self, QUERN_SEAT_DONE) == 0;
}

/* Makes a step of a context that has joined and does not read a prompt, together with those of others; returns when it is made.
 * step->control must not wait for anything. It is asked on any thread. */
void
_quern_stepper_step (QuernStepper *self, QuernSeat *seat, QeContextStep *step)
{
  gint64 deadline;

  g_mutex_lock (&self->lock);
  deadline = g_get_monotonic_time () + MAX (PATIENCE, self->last_took / 2);
  seat->step = step;
  seat->state = QUERN_SEAT_WAITING;
  g_cond_broadcast (&self->changed);
  while (seat->state != QUERN_SEAT_DONE) {
    gboolean may_begin = !self->busy && self->ticket == self->next_ticket;
    if (may_begin && (quern_stepper_is_complete (self) || g_get_monotonic_time () >= deadline)) {
      self->busy = TRUE;
      quern_stepper_make_steps (self);
      self->busy = FALSE;
    } else if (may_begin) {
      g_cond_wait_until (&self->changed, &self->lock, deadline);
    } else {
      g_cond_wait (&self->changed, &self->lock);
    }
  }
  seat->state = QUERN_SEAT_EXPECTED;
  seat->step = NULL;
  g_mutex_unlock (&self->lock);
}

/* ---- prompts --------------------------------------------------------------------------------------------------- */

/* Waits until the context may have the engine work at its prompt, or at anything else than a step. The caller does so until it
 * calls _quern_stepper_end(), and calls _quern_stepper_give_way() again and again meanwhile. */
void
_quern_stepper_begin (QuernStepper *self, QuernSeat *seat)
{
  guint64 ticket;

  g_mutex_lock (&self->lock);
  seat->state = QUERN_SEAT_AWAY;
  ticket = self->next_ticket++;
  g_cond_broadcast (&self->changed);
  while (self->busy || self->ticket != ticket)
    g_cond_wait (&self->changed, &self->lock);
  self->busy = TRUE;
  self->began_at = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
}

/* After it, the context's first step is expected. */
void
_quern_stepper_end (QuernStepper *self, QuernSeat *seat)
{
  g_mutex_lock (&self->lock);
  self->busy = FALSE;
  self->ticket++;
  seat->state = QUERN_SEAT_EXPECTED;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Lets the steps go first that are asked for, if none was made for a while, and another prompt when this one had its turn. */
void
_quern_stepper_give_way (QuernStepper *self, QuernSeat *seat)
{
  gboolean others;

  g_mutex_lock (&self->lock);
  if (quern_stepper_count (self, QUERN_SEAT_WAITING) > 0 && g_get_monotonic_time () - self->stepped_at >= STRETCH)
    quern_stepper_make_steps (self);
  others = self->next_ticket - self->ticket > 1 && g_get_monotonic_time () - self->began_at > SLICE;
  g_mutex_unlock (&self->lock);
  if (!others)
    return;
  _quern_stepper_end (self, seat);
  _quern_stepper_begin (self, seat);
}
