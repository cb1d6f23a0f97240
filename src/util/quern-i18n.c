/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-i18n.h"

#include <libintl.h>
#include <locale.h>

/**
 * quern_i18n_init:
 *
 * Lets this program speak the user's language. Programs that are run from the build folder find their catalogues by
 * QUERN_LOCALEDIR.
 */
void
quern_i18n_init (void)
{
  const char *folder = g_getenv ("QUERN_LOCALEDIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, folder != NULL ? folder : LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}
