/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "qe.h"

G_BEGIN_DECLS

/* Brings the contexts of one open file together: see quern-stepper.c. */
typedef struct _QuernStepper QuernStepper;

typedef enum {
  QUERN_SEAT_AWAY,     /* it reads a prompt, or rests: nobody waits for it */
  QUERN_SEAT_EXPECTED, /* its thread does something with the last token and will ask for the next */
  QUERN_SEAT_WAITING,  /* for the step that it asked for */
  QUERN_SEAT_STEPPING,
  QUERN_SEAT_DONE, /* its thread has not noticed yet */
} QuernSeatState;

/* A context that writes an answer. It belongs to the stepper from joining to leaving. */
typedef struct {
  QuernSeatState state;
  QeContextStep *step;
} QuernSeat;

QuernStepper *_quern_stepper_new (void);
void _quern_stepper_free (QuernStepper *self);
void _quern_stepper_join (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_leave (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_rest (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_begin (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_give_way (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_end (QuernStepper *self, QuernSeat *seat);
void _quern_stepper_step (QuernStepper *self, QuernSeat *seat, QeContextStep *step);

G_END_DECLS
