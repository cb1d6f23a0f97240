/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <sched.h>

/* Returns the number of processors that this process may use, at least 1. */
unsigned qe_topology_allowed_cpus (void);

/* Returns how many threads suit the machine that `root` describes ("", or for tests a folder with sys/ and proc/ below
 * it), for a process that is confined to `allowed`: one for each physical performance core, limited by the cgroup's
 * processor quota. At least 1. */
unsigned qe_topology_threads (const char *root, const cpu_set_t *allowed);
