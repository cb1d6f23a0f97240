/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

const char *quern_picture_check_pixels (GBytes *bytes, GCancellable *cancellable);

G_END_DECLS
