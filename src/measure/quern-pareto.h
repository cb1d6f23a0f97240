/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

/* Which models are worth having: those that no other one beats in both size (or speed) and divergence. They are the
 * front. Measurements of several repositories may be put together, if they have the same reference and text. */

typedef enum {
  QUERN_PARETO_MEAN, /* mean divergence */
  QUERN_PARETO_P999, /* 99.9 % of all tokens diverge less */
} QuernParetoFigure;

typedef struct {
  QuernMeasured *measured; /* not owned */
  guint series;            /* number of the measurement */
  gboolean is_reference;   /* of its measurement: no part of the front, because its divergence is 0 by definition */
  double cost;             /* bytes, or seconds for a token: less is better */
  double divergence, half; /* in nats; half the width of the 95 % interval, 0 if it is not known */
  gboolean dominated;
} QuernParetoPoint;

GArray *quern_pareto_new (QuernMeasure *const *measures, guint n, gboolean by_speed, QuernParetoFigure figure);
gint quern_pareto_find_knee (const GArray *points);
char *quern_pareto_dup_sentence (const GArray *points);

G_END_DECLS
