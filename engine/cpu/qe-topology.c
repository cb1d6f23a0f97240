/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Decides how many threads to use: one for each performance core. Two threads of one physical core would share its
 * arithmetic units and its path to memory, and efficiency cores would make the others wait at barriers. */

#include "cpu/qe-topology.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qe.h"

/* Reads the first line of ROOT/path. Returns false if it cannot be read. */
static bool
read_line (const char *root, const char *path, char *line, size_t size)
{
  char full[PATH_MAX];
  if (snprintf (full, sizeof full, "%s%s", root, path) >= (int) sizeof full)
    return false;
  FILE *f = fopen (full, "re");
  if (!f)
    return false;
  bool ok = fgets (line, (int) size, f) != NULL;
  fclose (f);
  return ok;
}

static bool
read_number (const char *root, const char *path, long *out)
{
  char line[64], *end;
  if (!read_line (root, path, line, sizeof line))
    return false;
  *out = strtol (line, &end, 10);
  return end != line;
}

/* Parses a list such as "0-3,8". Returns false if it is malformed. */
static bool
parse_cpu_list (const char *text, cpu_set_t *out)
{
  CPU_ZERO (out);
  while (*text >= '0' && *text <= '9') {
    char *end;
    unsigned long first = strtoul (text, &end, 10), last = first;
    if (*end == '-')
      last = strtoul (end + 1, &end, 10);
    for (unsigned long i = first; i <= last && i < CPU_SETSIZE; i++)
      CPU_SET (i, out);
    text = *end == ',' ? end + 1 : end;
  }
  return CPU_COUNT (out) > 0;
}

/* Removes efficiency cores: Intel lists its kinds of cores, others give each processor a relative capacity. */
static void
keep_performance_cores (const char *root, cpu_set_t *cpus)
{
  char line[512], path[96];
  cpu_set_t kind, fast;
  long capacity[CPU_SETSIZE] = { 0 }, most = 0;

  if (read_line (root, "/sys/devices/cpu_core/cpus", line, sizeof line) && parse_cpu_list (line, &kind)) {
    CPU_AND (&fast, cpus, &kind);
    if (CPU_COUNT (&fast) > 0)
      *cpus = fast;
    return;
  }
  for (int i = 0; i < CPU_SETSIZE; i++) {
    snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpu_capacity", i);
    if (!CPU_ISSET (i, cpus) || !read_number (root, path, &capacity[i]))
      continue;
    most = capacity[i] > most ? capacity[i] : most;
  }
  for (int i = 0; i < CPU_SETSIZE && most > 0; i++)
    if (CPU_ISSET (i, cpus) && capacity[i] * 2 < most)
      CPU_CLR (i, cpus);
}

/* In version 2, cpu.max of the group and of those around it holds "quota period" or "max period". The smallest
 * counts. */
static unsigned
quota_v2 (const char *root, const char *group)
{
  char dir[PATH_MAX - 64], path[PATH_MAX], line[64];
  unsigned least = UINT_MAX;
  snprintf (dir, sizeof dir, "%s", strcmp (group, "/") == 0 ? "" : group);
  for (;;) {
    long quota, period;
    snprintf (path, sizeof path, "/sys/fs/cgroup%s/cpu.max", dir);
    if (read_line (root, path, line, sizeof line) && sscanf (line, "%ld %ld", &quota, &period) == 2 && quota > 0
        && period > 0) {
      unsigned n = (unsigned) ((quota + period - 1) / period);
      least = n < least ? n : least;
    }
    char *slash = strrchr (dir, '/');
    if (!slash)
      return least;
    *slash = '\0';
  }
}

static unsigned
quota_v1 (const char *root, const char *group)
{
  const char *const bases[] = { group, "" }; /* in a container the group itself is mounted at the top */
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
    char path[PATH_MAX];
    long quota, period;
    snprintf (path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", bases[i]);
    if (!read_number (root, path, &quota) || quota <= 0)
      continue;
    snprintf (path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", bases[i]);
    if (read_number (root, path, &period) && period > 0)
      return (unsigned) ((quota + period - 1) / period);
  }
  return UINT_MAX;
}

/* Lines of /proc/self/cgroup are "id:controllers:group"; version 2 has id 0 and no controllers. */
static unsigned
cgroup_quota (const char *root)
{
  char path[PATH_MAX], line[PATH_MAX];
  unsigned least = UINT_MAX;
  if (snprintf (path, sizeof path, "%s/proc/self/cgroup", root) >= (int) sizeof path)
    return least;
  FILE *f = fopen (path, "re");
  while (f && fgets (line, sizeof line, f)) {
    char *controllers = strchr (line, ':');
    char *group = controllers ? strchr (controllers + 1, ':') : NULL;
    if (!group)
      continue;
    *group++ = '\0';
    group[strcspn (group, "\n")] = '\0';
    bool names_cpu = false; /* the list of controllers, separated by commas, does */
    for (const char *p = controllers + 1; *p; p += *p == ',') {
      const size_t length = strcspn (p, ",");
      names_cpu = names_cpu || (length == 3 && memcmp (p, "cpu", 3) == 0);
      p += length;
    }
    unsigned n = UINT_MAX;
    if (strcmp (line, "0:") == 0 || controllers[1] == '\0')
      n = quota_v2 (root, group);
    else if (names_cpu)
      n = quota_v1 (root, group);
    least = n < least ? n : least;
  }
  if (f)
    fclose (f);
  return least;
}

unsigned
qe_topology_threads (const char *root, const cpu_set_t *allowed)
{
  cpu_set_t cpus = *allowed;
  keep_performance_cores (root, &cpus);
  for (int i = 0; i < CPU_SETSIZE; i++) { /* keeps one processor of each physical core */
    char line[512], path[96];
    cpu_set_t siblings;
    snprintf (path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
    if (!CPU_ISSET (i, &cpus) || !read_line (root, path, line, sizeof line) || !parse_cpu_list (line, &siblings))
      continue;
    for (int k = i + 1; k < CPU_SETSIZE; k++)
      if (CPU_ISSET (k, &siblings))
        CPU_CLR (k, &cpus);
  }
  unsigned n = (unsigned) CPU_COUNT (&cpus), quota = cgroup_quota (root);
  n = quota < n ? quota : n;
  return n > 0 ? n : 1;
}

static void
allowed_cpus (cpu_set_t *out)
{
  if (sched_getaffinity (0, sizeof *out, out) != 0) {
    CPU_ZERO (out);
    CPU_SET (0, out);
  }
}

unsigned
qe_topology_allowed_cpus (void)
{
  cpu_set_t allowed;
  allowed_cpus (&allowed);
  int n = CPU_COUNT (&allowed);
  return n > 0 ? (unsigned) n : 1;
}

unsigned
qe_cpu_default_threads (void)
{
  cpu_set_t allowed;
  allowed_cpus (&allowed);
  return qe_topology_threads ("", &allowed);
}
