/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-store.h"

G_BEGIN_DECLS

void quern_print_async (GtkWindow *parent, QuernStore *store, QuernConversation *conversation, const char *pdf,
                        GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_print_finish (GAsyncResult *result, GError **error);

G_END_DECLS
