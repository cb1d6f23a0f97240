/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"
#include "quern-servers.h"

G_BEGIN_DECLS

/* The models that the servers of a list have, as models like any other: a GListModel of QuernModel, server after server, live with
 * the servers that are added, removed, renamed or asked anew what they have. What has not changed stays the same object. */
#define QUERN_TYPE_SERVED_MODELS (quern_served_models_get_type ())
G_DECLARE_FINAL_TYPE (QuernServedModels, quern_served_models, QUERN, SERVED_MODELS, GObject)

QuernServedModels *quern_served_models_new (QuernServers *servers);

char *quern_served_model_dup_id (QuernServer *server, const char *name);
char *quern_served_model_dup_host_of_id (const char *id);
QuernServer *quern_served_model_get_server (QuernModel *model);
QuernServerModel *quern_served_model_dup_facts (QuernModel *model);

G_END_DECLS
