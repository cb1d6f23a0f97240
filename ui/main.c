/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "application/quern-application.h"
#include "quern-i18n.h"
#include "quern-log.h"
#include "quern-process.h"

#include <gtksourceview/gtksource.h>

int
main (int argc, char **argv)
{
  g_autoptr (QuernApplication) application = NULL;

  quern_log_init ();
  quern_process_init ();
  quern_i18n_init ();
  gtk_source_init ();

  application = quern_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
