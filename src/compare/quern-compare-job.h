/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-answer.h"
#include "quern-backend.h"

G_BEGIN_DECLS

/* The items that one model answers, one after another, while it is loaded once. */
typedef struct {
  QuernModel *model;
  QuernKvType kv_type;
  guint n_ctx, n_threads;
  gboolean together; /* other jobs run at the same time */
  guint64 planned;   /* bytes */
  GPtrArray *items;  /* of QuernCompareItem */
} QuernCompareJob;

typedef struct {
  QuernRequest *request;
  gboolean thinking;
  QuernSamplerValues sampler;
  guint max_tokens; /* 0: no limit */
  QuernCompareAnswer *answer;
} QuernCompareItem;

QuernCompareJob *_quern_compare_job_new (QuernModel *model, QuernKvType kv_type, guint n_ctx, guint n_threads,
                                         gboolean together, gboolean pictures);
void _quern_compare_job_add (QuernCompareJob *job, QuernRequest *request, gboolean thinking,
                             const QuernSamplerValues *sampler, guint max_tokens, QuernCompareAnswer *answer);
void _quern_compare_job_free (gpointer job);
guint64 _quern_compare_plan (QuernModel *model, QuernKvType kv_type, guint n_ctx, guint n_threads, gboolean pictures,
                             guint64 *weights);
/* Runs the jobs one after another, or each on a thread of its own. Call it on a worker's thread. */
void _quern_compare_jobs_run (GPtrArray *jobs, GCancellable *cancellable);

G_END_DECLS
