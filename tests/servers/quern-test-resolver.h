/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Makes this program find every host whose name ends in ".test" on this computer, and no other one: hosts that are not known
 * to be loopback, without a network. */
void quern_test_resolver_install (void);

G_END_DECLS
