/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-log.h"

#include <string.h>

static gboolean
field_has (const GLogField *fields, gsize n_fields, const char *key, const char *text)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key) && fields[i].length < 0)
      return strstr (fields[i].value, text) != NULL;
  return FALSE;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (field_has (fields, n_fields, "GLIB_DOMAIN", "dconf")
      && field_has (fields, n_fields, "MESSAGE", "unable to create"))
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

/**
 * quern_log_init:
 *
 * Keeps off the terminal what is no news to anybody there. dconf has a file by which it hears of changes; where neither the
 * runtime folder nor the cache can be written to it goes without, reads and writes settings all the same, and complains
 * each time that it looks. To be called once, first of all.
 */
void
quern_log_init (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
}
