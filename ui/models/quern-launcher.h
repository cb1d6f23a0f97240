/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void quern_launcher_show_progress (GApplication *application, double progress);

G_END_DECLS
