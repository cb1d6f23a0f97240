/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-compare-answer.h"

G_BEGIN_DECLS

/* Columns that answer requests: each model is loaded once, and answers its requests one after another. Those on servers all
 * begin at once, as they take nothing from the others. Everything here
 * belongs to the main thread. */
typedef struct _QuernCompareRun QuernCompareRun;
typedef struct _QuernCompareJob QuernCompareJob; /* one column's part of the run */

QuernCompareRun *_quern_compare_run_new (QuernBackend *backend, gboolean together);
QuernCompareJob *_quern_compare_run_add (QuernCompareRun *self, QuernModel *model, const QuernLoadParams *params,
                                         gboolean pictures);
void _quern_compare_job_ask (QuernCompareJob *job, QuernRequest *request, gboolean thinking,
                             const QuernSamplerValues *values, guint max_tokens, QuernCompareAnswer *answer);
/* The callback comes with @source when every answer has ended, in whatever way; FALSE from _finish: it was stopped. */
void _quern_compare_run_async (QuernCompareRun *self, gpointer source, GCancellable *cancellable,
                               GAsyncReadyCallback callback);
gboolean _quern_compare_run_finish (GAsyncResult *result, GError **error);
void _quern_compare_run_stop (QuernCompareRun *self);
void _quern_compare_run_free (QuernCompareRun *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernCompareRun, _quern_compare_run_free)

G_END_DECLS
