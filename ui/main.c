/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "application/quern-application.h"

#include <glib/gi18n.h>
#include <gtksourceview/gtksource.h>
#include <locale.h>

int
main (int argc, char **argv)
{
  g_autoptr (QuernApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  gtk_source_init ();

  application = quern_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
