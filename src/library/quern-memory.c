/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "quern-model.h"

/* How much memory a model may take: what the kernel says is available, or less where a control group limits us. */

static guint64
number_in_file (const char *folder, const char *name, guint64 fallback)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;
  guint64 value;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return fallback;
  return g_ascii_string_to_unsigned (g_strstrip (text), 10, 0, G_MAXUINT64, &value, NULL) ? value : fallback;
}

/* The number after `key` in a text of lines such as "MemAvailable:  123 kB" or "inactive_file 123". */
static guint64
number_after (const char *text, const char *key)
{
  const char *found = text ? strstr (text, key) : NULL;

  return found ? g_ascii_strtoull (found + strlen (key), NULL, 10) : 0;
}

static guint64
system_available (void)
{
  g_autofree char *text = NULL;

  g_file_get_contents ("/proc/meminfo", &text, NULL, NULL);
  return number_after (text, "MemAvailable:") * 1024;
}

/* Room below one group's limit. Its page cache counts as free: the kernel drops that before anything else. */
static guint64
group_available (const char *folder)
{
  guint64 limit = MIN (number_in_file (folder, "memory.max", G_MAXUINT64),
                       number_in_file (folder, "memory.high", G_MAXUINT64));
  guint64 used = number_in_file (folder, "memory.current", 0);
  g_autofree char *path = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *stat = NULL;
  guint64 cache;

  if (limit == G_MAXUINT64)
    return limit;
  g_file_get_contents (path, &stat, NULL, NULL);
  cache = number_after (stat, "\ninactive_file ") + number_after (stat, "\nactive_file ");
  used -= MIN (used, cache);
  return limit > used ? limit - used : 0;
}

/**
 * quern_memory_available:
 *
 * Returns: bytes that can be taken now without swapping: MemAvailable, within the limits of our control groups
 */
guint64
quern_memory_available (void)
{
  const char *limit = g_getenv ("QUERN_MEMORY"); /* bytes, for tests */
  guint64 available = MIN (system_available (), limit ? g_ascii_strtoull (limit, NULL, 10) : G_MAXUINT64);
  g_autofree char *groups = NULL;
  const char *own;
  g_autofree char *folder = NULL;

  if (!g_file_get_contents ("/proc/self/cgroup", &groups, NULL, NULL) || !(own = strstr (groups, "0::/")))
    return available;
  folder = g_strdelimit (g_build_filename ("/sys/fs/cgroup", own + strlen ("0::"), NULL), "\n", '\0');
  while (g_str_has_prefix (folder, "/sys/fs/cgroup")) {
    char *parent = g_path_get_dirname (folder);
    available = MIN (available, group_available (folder));
    g_free (folder);
    folder = parent;
  }
  return available;
}
