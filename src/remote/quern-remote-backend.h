/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"

G_BEGIN_DECLS

/* Asks servers to run their models. Nothing is loaded here: a server does that when it is first asked, and QuernGeneration's phase
 * tells how far it is. It belongs to the thread of the servers, unlike other backends. */
#define QUERN_TYPE_REMOTE_BACKEND (quern_remote_backend_get_type ())
G_DECLARE_FINAL_TYPE (QuernRemoteBackend, quern_remote_backend, QUERN, REMOTE_BACKEND, GObject)

QuernBackend *quern_remote_backend_new (void);

/* For tests: milliseconds after which a server that is loading its model is asked again. */
void _quern_remote_set_patience (guint milliseconds);

G_END_DECLS
