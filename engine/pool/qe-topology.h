/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <sched.h>

/* Processors this process may use. At least 1. */
unsigned qe_topology_allowed_cpus (void);

/* How many threads suit the machine that `root` describes ("" or a folder with sys/ and proc/ below it, for tests), for
 * a process confined to `allowed`: physical performance cores, limited by the cgroup's processor quota. At least 1. */
unsigned qe_topology_threads (const char *root, const cpu_set_t *allowed);
