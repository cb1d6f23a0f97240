/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-sweep.h"
#include "quern-text-choice.h"

G_BEGIN_DECLS

/* What somebody chose for a sweep. It is kept in the sweep's folder, so that one that was interrupted can be found again, and
 * gone on with, when the program starts. */
typedef struct {
  char *repository, *reference; /* id; label */
  GStrv only;                   /* labels of the quantisations that are measured, the reference among them or not */
  QuernTextChoice *text;
  QuernMeasureWindows windows;
  guint n_ctx;    /* tokens of a window */
  guint64 budget; /* bytes for the reference's logits */
  gboolean delete_models;
  gint64 begun;     /* seconds since 1970 */
  gboolean running; /* as far as its folder says: it runs, or was interrupted by the end of the program */
  char *folder;     /* NULL before it is kept */
} QuernSweepSetup;

QuernSweepSetup *quern_sweep_setup_new (const char *repository, const char *reference);
QuernSweepSetup *quern_sweep_setup_copy (const QuernSweepSetup *self);
void quern_sweep_setup_free (QuernSweepSetup *self);
QuernSweep *quern_sweep_setup_create (const QuernSweepSetup *self, QuernHubRepo *repo, QuernDownloads *downloads,
                                      QuernLibrary *library, QuernBackend *backend, GError **error);

void quern_sweep_setup_save_async (QuernSweepSetup *self, QuernSweep *sweep, gboolean running,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_sweep_setup_save_finish (GAsyncResult *result, GError **error);

/* Finds the sweeps that are kept. */
void quern_sweep_setups_load_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *quern_sweep_setups_load_finish (GAsyncResult *result, GError **error);

/* Deletes what a sweep keeps, which no program may be running. Models stay. */
void quern_sweep_setup_delete_async (const QuernSweepSetup *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_sweep_setup_delete_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernSweepSetup, quern_sweep_setup_free)

G_END_DECLS
