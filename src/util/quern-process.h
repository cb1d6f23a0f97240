/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Called first by every program of Quern's. A program that calls it also ends with a message when it is started with too little
 * address space for its libraries. */
void quern_process_init (void);

G_END_DECLS
