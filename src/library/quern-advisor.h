/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "quern-machine.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_FIT_UNKNOWN, /* not measured yet */
  QUERN_FIT_YES,
  QUERN_FIT_TIGHT, /* it fits, and hardly anything else does beside it */
  QUERN_FIT_NO,
  QUERN_FIT_UNTOLD, /* the system does not tell how much memory is free */
} QuernFit;

/* One size of the family. These are estimates for choosing what to look for; a file's header decides later. */
typedef struct {
  const char *label;               /* "35B-A3B" */
  double parameters, active;       /* of the language model; those one token reads */
  guint kv_bytes, state_megabytes; /* F16 cache for one token; recurrent state with checkpoints */
} QuernFamilySize;

typedef struct {
  guint64 file, memory; /* bytes to download; to have free while a conversation runs */
  double speed;         /* tokens per second at most, by the bandwidth; 0: not known */
  QuernFit fit;
  gboolean disk_too_small;
} QuernNeeds;

typedef struct {
  const QuernFamilySize *size; /* NULL: nothing fits */
  const char *quantisation;
  QuernNeeds needs;
  gboolean limited_by_speed; /* a larger one would fit and be too slow */
} QuernAdvice;

#define QUERN_ADVISOR_CONTEXT 8192 /* tokens of the conversation that the advice reckons with */

guint quern_advisor_get_n_sizes (void);
const QuernFamilySize *quern_advisor_get_size (guint index);
QuernFit quern_advisor_fit (const QuernMachine *machine, guint64 memory);
double quern_advisor_speed (const QuernMachine *machine, double bytes_per_token);
double quern_advisor_thought_seconds (double speed);
char *quern_advisor_dup_times (double speed);
void quern_advisor_needs (const QuernMachine *machine, const QuernFamilySize *size, const char *quantisation,
                          QuernNeeds *needs);
void quern_advisor_recommend (const QuernMachine *machine, QuernAdvice *advice);
char *quern_advisor_explain (const QuernMachine *machine, const QuernAdvice *advice);

G_END_DECLS
