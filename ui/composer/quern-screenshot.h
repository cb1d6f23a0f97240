/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void quern_screenshot_take_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GFile *quern_screenshot_take_finish (GAsyncResult *result, GError **error);

G_END_DECLS
