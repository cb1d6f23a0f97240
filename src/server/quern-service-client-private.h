/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-service-client.h"
#include "quern-service-core.h"

G_BEGIN_DECLS

QuernServiceClient *_quern_service_client_new (const QuernServiceClientFacts *facts);
const char *_quern_service_client_get_id (QuernServiceClient *self);
gboolean _quern_service_client_update (QuernServiceClient *self, const QuernServiceClientFacts *facts);

G_END_DECLS
