/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-process.h"

#include <signal.h>

/* A limit to the size of files is an error of that write, as a full disk is, and no reason to end. */
void
quern_process_init (void)
{
  signal (SIGXFSZ, SIG_IGN);
}
