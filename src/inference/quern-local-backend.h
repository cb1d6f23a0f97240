/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"

G_BEGIN_DECLS

/* Runs models in this process. A loaded model stays for "keep-alive" seconds after its last use (-1: until its memory is
 * needed), and it is dropped earlier if another model needs the memory. */
#define QUERN_TYPE_LOCAL_BACKEND (quern_local_backend_get_type ())
G_DECLARE_FINAL_TYPE (QuernLocalBackend, quern_local_backend, QUERN, LOCAL_BACKEND, GObject)

QuernLocalBackend *quern_local_backend_new (void);
void quern_local_backend_unload_all (QuernLocalBackend *self);
void quern_local_backend_set_keep_alive (QuernLocalBackend *self, int seconds);
void quern_local_backend_set_keep_state (QuernLocalBackend *self, gboolean keep_state);
void quern_local_backend_forget_states (QuernLocalBackend *self);
gboolean quern_local_backend_has_exact_activations (void);

G_END_DECLS
