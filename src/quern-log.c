/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-log.h"

#include <string.h>

static void
dconf_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  if (strstr (message, "unable to create") != NULL)
    g_debug ("%s: %s", domain, message);
  else
    g_log_default_handler (domain, level, message, NULL);
}

/**
 * quern_log_init:
 *
 * Keeps off the terminal what is no news to anybody there. dconf has a file by which it hears of changes; where neither the
 * runtime folder nor the cache can be written to it goes without, reads and writes settings all the same, and complains
 * each time that it looks.
 */
void
quern_log_init (void)
{
  g_log_set_handler ("dconf", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING, dconf_cb, NULL);
}
