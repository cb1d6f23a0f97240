/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The machine and the version that produced the figures. Both stay with the comparison, whoever exports it later. */
typedef struct {
  char *processor; /* "" if the system does not say */
  char *kernels;
  char *version; /* version of Quern */
  guint threads;
} QuernCompareMachine;

void quern_compare_machine_set_here (QuernCompareMachine *machine);
void quern_compare_machine_clear (QuernCompareMachine *machine);
void quern_compare_machine_write (const QuernCompareMachine *machine, JsonBuilder *out);
void quern_compare_machine_read (JsonObject *object, QuernCompareMachine *out);

G_END_DECLS
