/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-advisor.h"
#include "quern-downloads.h"
#include "quern-library.h"
#include "quern-servers.h"
#include "quern-service.h"
#include "quern-sweeps.h"

G_BEGIN_DECLS

/* What the pages about models share: the hub, the downloads, the servers and what this computer can do. One for the application.
 * Properties: "measured": whether get_machine() is known; "waiting": downloads wait because the network is metered.
 * Signals: "ready" (const char *title, const char *id): a downloaded model is there, and nobody was notified. */
#define QUERN_TYPE_MODELS_SERVICE (quern_models_service_get_type ())
G_DECLARE_FINAL_TYPE (QuernModelsService, quern_models_service, QUERN, MODELS_SERVICE, GObject)

QuernModelsService *quern_models_service_new (GApplication *application, QuernLibrary *library, QuernServers *servers,
                                              QuernService *service, QuernBackend *backend, QuernStore *store);
void quern_models_service_close (QuernModelsService *self);
QuernHub *quern_models_service_get_hub (QuernModelsService *self);
QuernLibrary *quern_models_service_get_library (QuernModelsService *self);
QuernServers *quern_models_service_get_servers (QuernModelsService *self);
QuernService *quern_models_service_get_service (QuernModelsService *self);
QuernDownloads *quern_models_service_get_downloads (QuernModelsService *self);
QuernSweeps *quern_models_service_get_sweeps (QuernModelsService *self);
const QuernMachine *quern_models_service_get_machine (QuernModelsService *self);
void quern_models_service_measure (QuernModelsService *self);
gboolean quern_models_service_recommends (QuernModelsService *self, QuernHubRepo *repo, QuernHubItem *item);
guint64 quern_models_service_plan_item (QuernHubItem *item, guint n_ctx, gboolean with_vision);
gboolean quern_models_service_must_ask (QuernModelsService *self);
void quern_models_service_allow_metered (QuernModelsService *self);
QuernModel *quern_models_service_find_model (QuernModelsService *self, const char *path);
QuernDownload *quern_models_service_find_download (QuernModelsService *self, const char *repo, const char *label);

G_END_DECLS
