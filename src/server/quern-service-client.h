/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* A program that asks the service, as the window shows it. Properties, all read-only: "name", "model" (%NULL before its first
 * question), "state" ("waiting", "loading", "reading", "writing", "idle"), "n-requests", "n-tokens". */
#define QUERN_TYPE_SERVICE_CLIENT (quern_service_client_get_type ())
G_DECLARE_FINAL_TYPE (QuernServiceClient, quern_service_client, QUERN, SERVICE_CLIENT, GObject)

const char *quern_service_client_get_name (QuernServiceClient *self);
const char *quern_service_client_get_model (QuernServiceClient *self);
const char *quern_service_client_get_state (QuernServiceClient *self);
guint quern_service_client_get_n_requests (QuernServiceClient *self);
guint64 quern_service_client_get_n_tokens (QuernServiceClient *self);

G_END_DECLS
