/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "quern-model-private.h"

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
number_after (const char *text, const char *key, guint64 fallback)
{
  const char *found = text ? strstr (text, key) : NULL;

  return found ? g_ascii_strtoull (found + strlen (key), NULL, 10) : fallback;
}

/* As quern_memory_available(), for the system whose files are below this folder. */
guint64
_quern_memory_available_in (const char *root)
{
  g_autofree char *meminfo = g_build_filename (root, "proc", "meminfo", NULL);
  g_autofree char *text = NULL;
  guint64 kilobytes;

  g_file_get_contents (meminfo, &text, NULL, NULL);
  kilobytes = number_after (text, "MemAvailable:", QUERN_MEMORY_UNKNOWN);
  guint64 available = kilobytes < QUERN_MEMORY_UNKNOWN / 1024 ? kilobytes * 1024 : QUERN_MEMORY_UNKNOWN;
  g_autofree char *path = g_build_filename (root, "proc", "self", "cgroup", NULL), *groups = NULL;
  g_autofree char *top = g_build_filename (root, "sys", "fs", "cgroup", NULL), *folder = NULL;
  const char *own;

  if (!g_file_get_contents (path, &groups, NULL, NULL) || !(own = strstr (groups, "0::/")))
    return available;
  folder = g_strdelimit (g_build_filename (top, own + strlen ("0::"), NULL), "\n", '\0');
  while (g_str_has_prefix (folder, top)) {
    guint64 limit = MIN (number_in_file (folder, "memory.max", G_MAXUINT64),
                         number_in_file (folder, "memory.high", G_MAXUINT64));
    guint64 used = number_in_file (folder, "memory.current", 0), cache;
    g_autofree char *stat_path = g_build_filename (folder, "memory.stat", NULL), *stat = NULL;
    char *parent = g_path_get_dirname (folder);

    /* There is room below the limit of each group. Its page cache counts as free: the kernel drops that before anything
     * else. */
    if (limit != G_MAXUINT64) {
      g_file_get_contents (stat_path, &stat, NULL, NULL);
      cache = number_after (stat, "\ninactive_file ", 0) + number_after (stat, "\nactive_file ", 0);
      used -= MIN (used, cache);
      available = MIN (available, limit > used ? limit - used : 0);
    }
    g_free (folder);
    folder = parent;
  }
  return available;
}

/**
 * quern_memory_available:
 *
 * Returns: bytes that can be taken now without swapping: MemAvailable, within the limits of our control groups;
 *   %QUERN_MEMORY_UNKNOWN where the system does not tell, as in a sandbox without /proc
 */
guint64
quern_memory_available (void)
{
  const char *limit = g_getenv ("QUERN_MEMORY"); /* bytes, or "unknown", for tests */

  if (g_strcmp0 (limit, "unknown") == 0)
    return QUERN_MEMORY_UNKNOWN;
  return MIN (_quern_memory_available_in ("/"), limit ? g_ascii_strtoull (limit, NULL, 10) : QUERN_MEMORY_UNKNOWN);
}
