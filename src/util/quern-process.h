/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Called first by every program of Quern's. */
void quern_process_init (void);

G_END_DECLS
