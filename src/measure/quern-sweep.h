/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-downloads.h"
#include "quern-library.h"
#include "quern-measure.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_SWEEP_WAITING,
  QUERN_SWEEP_DOWNLOADING,
  QUERN_SWEEP_MEASURING,
  QUERN_SWEEP_DONE,
  QUERN_SWEEP_FAILED,  /* get_message() says why; running again tries again */
  QUERN_SWEEP_SKIPPED, /* get_message() says why */
} QuernSweepState;

/* One quantisation of a sweep. Properties (notified): "state", "download" (QuernDownload or NULL). */
#define QUERN_TYPE_SWEEP_ITEM (quern_sweep_item_get_type ())
G_DECLARE_FINAL_TYPE (QuernSweepItem, quern_sweep_item, QUERN, SWEEP_ITEM, GObject)

const char *quern_sweep_item_get_label (QuernSweepItem *self);
guint64 quern_sweep_item_get_bytes (QuernSweepItem *self);
QuernSweepState quern_sweep_item_get_state (QuernSweepItem *self);
const char *quern_sweep_item_get_message (QuernSweepItem *self);
QuernDownload *quern_sweep_item_get_download (QuernSweepItem *self);
QuernMeasured *quern_sweep_item_get_measured (QuernSweepItem *self);
double quern_sweep_item_get_lost (QuernSweepItem *self);

/* The quantisations of a repository, measured one after the other: downloaded, scored against what is kept of the
 * reference's logits, and deleted or kept. All that is done is in a folder of its own and survives whatever ends the
 * program: another sweep of the same repository, reference and text goes on there.
 *
 *   g_autoptr (QuernSweep) sweep = quern_sweep_new (repo, reference, downloads, library, backend);
 *   quern_measure_add_text (quern_sweep_get_measure (sweep), text);
 *   quern_sweep_open_async (sweep, …);     // what was done before is there
 *   quern_sweep_run_async (sweep, …);
 *
 * Main thread. Properties (notified): "progress" (double, 0 to 1), "running". */
#define QUERN_TYPE_SWEEP (quern_sweep_get_type ())
G_DECLARE_FINAL_TYPE (QuernSweep, quern_sweep, QUERN, SWEEP, GObject)

#define QUERN_SWEEP_BUDGET (G_GUINT64_CONSTANT (8) * 1000 * 1000 * 1000) /* bytes, unless set otherwise */

QuernSweep *quern_sweep_new (QuernHubRepo *repo, QuernHubItem *reference, QuernDownloads *downloads,
                             QuernLibrary *library, QuernBackend *backend);
void quern_sweep_set_only (QuernSweep *self, const char *const *labels);
void quern_sweep_set_budget (QuernSweep *self, guint64 bytes);
void quern_sweep_set_delete (QuernSweep *self, gboolean delete_models);
void quern_sweep_set_exclusive (QuernSweep *self, gboolean exclusive);
void quern_sweep_set_threads (QuernSweep *self, guint n_threads);
QuernMeasure *quern_sweep_get_measure (QuernSweep *self);
QuernHubRepo *quern_sweep_get_repo (QuernSweep *self);
GListModel *quern_sweep_get_items (QuernSweep *self);
const char *quern_sweep_get_folder (QuernSweep *self);
guint quern_sweep_get_n_positions (QuernSweep *self);
double quern_sweep_get_progress (QuernSweep *self);
gboolean quern_sweep_get_running (QuernSweep *self);
gboolean quern_sweep_get_complete (QuernSweep *self);
char *quern_sweep_dup_form (QuernSweep *self, const char **word, guint64 *bytes);

void quern_sweep_open_async (QuernSweep *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean quern_sweep_open_finish (QuernSweep *self, GAsyncResult *result, GError **error);
void quern_sweep_run_async (QuernSweep *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_sweep_run_finish (QuernSweep *self, GAsyncResult *result, GError **error);
void quern_sweep_stop (QuernSweep *self);

/* What is left to do, before and while it is done. */
typedef struct {
  guint64 download_bytes; /* of models that are not on this computer */
  guint64 tokens;         /* that are left to be evaluated, by all models together */
  double rate;            /* tokens per second, measured on this computer; 0: not known */
  double seconds;         /* of computing */
  char *by;               /* title of the model that the rate was measured with */
  gboolean scaled;        /* it is not a model of this sweep, so the rate was scaled by the number of parameters */
} QuernSweepEstimate;

void quern_sweep_estimate_async (QuernSweep *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
QuernSweepEstimate *quern_sweep_estimate_finish (QuernSweep *self, GAsyncResult *result, GError **error);
char *quern_sweep_estimate_dup_text (const QuernSweepEstimate *estimate);
void quern_sweep_estimate_free (QuernSweepEstimate *estimate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernSweepEstimate, quern_sweep_estimate_free)

G_END_DECLS
