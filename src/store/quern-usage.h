/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

/* What the answers of a month took. */
typedef struct {
  int year, month; /* local time */
  gint64 read;     /* tokens of all prompts */
  gint64 written;  /* tokens of all answers, reasoning included */
  double seconds;  /* that this computer, or a server, read and wrote */
} QuernUsage;

void quern_usage_load_async (QuernStore *store, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
GArray *quern_usage_load_finish (QuernStore *store, GAsyncResult *result, GError **error);

G_END_DECLS
