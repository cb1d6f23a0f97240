/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"

G_BEGIN_DECLS

/* The one place that knows which backend runs a model: those on this computer go to the one that it was made with, those on
 * servers to a QuernRemoteBackend. */
#define QUERN_TYPE_JOINT_BACKEND (quern_joint_backend_get_type ())
G_DECLARE_FINAL_TYPE (QuernJointBackend, quern_joint_backend, QUERN, JOINT_BACKEND, GObject)

QuernBackend *quern_joint_backend_new (QuernBackend *local);
QuernBackend *quern_joint_backend_get_local (QuernJointBackend *self);

G_END_DECLS
