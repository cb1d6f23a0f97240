/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-sweep-setup.h"

G_BEGIN_DECLS

/* The sweep that the application has open: at most one, which goes on whatever page is shown. Properties (notified):
 * "sweep" (QuernSweep or NULL), "running" (boolean), "interrupted" (string or NULL: id of a repository whose sweep was at work
 * when the application ended). */
#define QUERN_TYPE_SWEEPS (quern_sweeps_get_type ())
G_DECLARE_FINAL_TYPE (QuernSweeps, quern_sweeps, QUERN, SWEEPS, GObject)

QuernSweeps *quern_sweeps_new (QuernHub *hub, QuernDownloads *downloads, QuernLibrary *library, QuernBackend *backend,
                               QuernStore *store);
void quern_sweeps_open_async (QuernSweeps *self, QuernSweepSetup *setup, QuernHubRepo *repo,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_sweeps_open_finish (QuernSweeps *self, GAsyncResult *result, GError **error);
void quern_sweeps_run (QuernSweeps *self);
void quern_sweeps_pause (QuernSweeps *self);
void quern_sweeps_stop (QuernSweeps *self);
void quern_sweeps_forget (QuernSweeps *self);
void quern_sweeps_close (QuernSweeps *self);
gboolean quern_sweeps_is_open (QuernSweeps *self, const char *folder);
gboolean quern_sweeps_has (QuernSweeps *self, const char *repository, const char *label);
QuernSweep *quern_sweeps_get_sweep (QuernSweeps *self);
const QuernSweepSetup *quern_sweeps_get_setup (QuernSweeps *self);
QuernStore *quern_sweeps_get_store (QuernSweeps *self);
gboolean quern_sweeps_get_running (QuernSweeps *self);
const char *quern_sweeps_get_problem (QuernSweeps *self);
const char *quern_sweeps_get_interrupted (QuernSweeps *self);

G_END_DECLS
