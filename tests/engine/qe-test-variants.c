/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test-variants.h"

#include "qe-test.h"

const char *
qe_test_variants (const char *names)
{
  const char *folder = qe_test_folder ();
  char command[2048];

  if (!QE_CHECK (folder != NULL))
    return NULL;
  snprintf (command, sizeof command, "python3 '%s' '%s' '%s' %s", qe_test_data ("../engine/make-variants.py"),
            qe_test_data ("goldens"), folder, names);
  return QE_CHECK (system (command) == 0) ? folder : NULL;
}
