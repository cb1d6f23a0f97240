/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void quern_background_request_async (const char *reason, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean quern_background_request_finish (GAsyncResult *result);

G_END_DECLS
