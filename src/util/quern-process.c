/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-process.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* Less address space than this is too little for the libraries alone: OpenBLAS would ask for its buffers for ever while it is
 * loaded, and GLib end the process at its first thread. */
#define LEAST_ADDRESS_SPACE (512u << 20)

/* Runs before the libraries are initialised, so nothing of theirs may be used, sanitizers' neither. */
__attribute__ ((no_sanitize ("address", "undefined", "thread"))) static void
check_address_space (void)
{
  static const char message[] =
      "Quern needs more address space than it is allowed here: raise the limit to 1 GB at least (ulimit -v 1000000).\n";
  struct rlimit limit;

  if (getrlimit (RLIMIT_AS, &limit) != 0 || limit.rlim_cur >= LEAST_ADDRESS_SPACE)
    return;
  (void) !write (STDERR_FILENO, message, sizeof message - 1); /* if that fails, nobody can be told */
  _exit (1);
}

__attribute__ ((section (".preinit_array"), used)) static void (*const before_libraries) (void) = check_address_space;

/* A limit to the size of files is an error of that write, as a full disk is, and no reason to end. */
void
quern_process_init (void)
{
  signal (SIGXFSZ, SIG_IGN);
}
