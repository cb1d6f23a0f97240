/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-kept-logits.h"
#include "quern-measure-private.h"
#include "quern-sweep.h"

G_BEGIN_DECLS

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (QuernModelFacts, quern_model_facts_clear)

/* A sweep's folder holds three kinds of block files: `plan`, `reference.logits` and `LABEL.rows` for each model. What is
 * done is what these files say, so that it makes no difference how a run ended. */

/* The text as the reference reads it. Other models get the same tokens. */
typedef struct {
  char *key;               /* SHA-256 of all the rest */
  GArray *tokens;          /* of gint32 */
  GArray *windows;         /* of QuernMeasureWindow */
  GPtrArray *pieces;       /* of QuernMeasureSource: tokens and categories */
  GArray *position_tokens; /* of guint: the token that each position is about */
  GString *text;
  GArray *ends; /* of guint: the byte of the text at which each token ends */
  guint n_ctx, n_vocab;
  guint64 vocabulary; /* quern_open_file_get_vocabulary() */
} QuernSweepPlan;

QuernSweepPlan *_quern_sweep_plan_new (QuernOpenFile *file, GPtrArray *sources, QuernMeasureWindows windows,
                                       guint n_ctx, GError **error);
QuernSweepPlan *_quern_sweep_plan_load (const char *path, const char *key, GCancellable *cancellable, GError **error);
gboolean _quern_sweep_plan_save (const QuernSweepPlan *plan, const char *path, const char *key, GError **error);
void _quern_sweep_plan_free (QuernSweepPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernSweepPlan, _quern_sweep_plan_free)

/* What was measured with one model, window by window. */
typedef struct {
  GArray *positions; /* of QuernDivergence */
  double lost;       /* sum of what quern_kept_logits_compare() says is lost */
  double seconds;
  guint n_evaluated;
} QuernSweepWindow;

QuernSweepWindow *_quern_sweep_window_new (void);
void _quern_sweep_window_free (QuernSweepWindow *window);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernSweepWindow, _quern_sweep_window_free)

guint _quern_sweep_rows_get_n_windows (QuernBlockFile *file);
gboolean _quern_sweep_rows_begin (QuernBlockFile *file, const QuernModelFacts *facts, GError **error);
gboolean _quern_sweep_rows_read_facts (QuernBlockFile *file, QuernModelFacts *facts);
gboolean _quern_sweep_rows_add (QuernBlockFile *file, const QuernSweepWindow *window, GError **error);
QuernSweepWindow *_quern_sweep_rows_read (QuernBlockFile *file, guint i, GError **error);

/* What workers need and make; one of them runs at a time. */
typedef struct {
  char *folder, *key;
  char *reference;    /* hash of the reference's files */
  GPtrArray *sources; /* of QuernMeasureSource */
  QuernMeasureWindows windows;
  guint n_ctx, n_threads;
  guint64 budget; /* bytes for the reference's logits */
  QuernBackend *backend;
  QuernSweepPlan *plan;  /* NULL before it is made or loaded */
  QuernKeptForm form;    /* known with the plan */
  QuernKeptLogits *kept; /* NULL: not open */
} QuernSweepWork;

/* What a worker is to do: to score one model. */
typedef struct {
  QuernSweepWork *work;
  const char *label, *hash; /* of the item and of all its files */
  const char *sha256;       /* of its file; NULL if the hub tells none, or there are several */
  const char *path;         /* of the model */
  gboolean is_reference;
  gboolean is_known; /* the caller has the facts of the model */
  guint n_known;     /* windows that the caller has; it is told of the others, made now or before */
  GCancellable *cancellable;
  void (*planned) (gpointer data);
  void (*began) (gpointer data, const QuernModelFacts *facts);
  void (*scored) (gpointer data, QuernSweepWindow *window); /* takes it */
  gpointer data;
} QuernSweepJob;

struct _QuernSweepItem {
  GObject parent_instance;

  QuernHubItem *offer;
  char *label, *hash, *message;
  QuernSweepState state;
  QuernDownload *download; /* while it is under way; or NULL */
  QuernMeasured *measured; /* NULL before anything is known */
  gboolean shown;          /* it is among the measurement's results */
  double lost;             /* sum over the positions */
  guint n_windows;         /* that are among the results */
};

struct _QuernSweep {
  GObject parent_instance;

  QuernHubRepo *repo;
  QuernDownloads *downloads;
  QuernLibrary *library;
  QuernMeasure *measure;
  GListStore *items; /* of QuernSweepItem, the reference first */
  gboolean delete_models, exclusive;
  QuernSweepWork work;        /* a thread's while a step of the run is under way */
  const QuernSweepPlan *plan; /* as the main thread knows it; NULL before that */
  int lock;                   /* of the folder; -1: not locked */
  GHashTable *own;            /* label -> path of models that this sweep downloaded */
  gboolean logits_wanted;     /* they are not complete, as far as is known */
  guint n_damaged;            /* how often files turned out to be damaged in this run */
  GTask *task;                /* of the run, or NULL */
  GCancellable *cancellable;
  QuernSweepItem *current; /* being downloaded or measured */
  gulong download_id;
};

QuernSweepItem *_quern_sweep_get_item (QuernSweep *self, guint i);
gboolean _quern_sweep_item_is_complete (QuernSweep *self, QuernSweepItem *item);
void _quern_sweep_make_key (QuernSweep *self);
void _quern_sweep_notify (QuernSweep *self);
void _quern_sweep_unlock (QuernSweep *self);
void _quern_sweep_item_set_state (QuernSweepItem *self, QuernSweepState state, const char *message);
void _quern_sweep_item_set_download (QuernSweepItem *self, QuernDownload *download);

gboolean _quern_sweep_work (const QuernSweepJob *job, GError **error);
gboolean _quern_sweep_load_plan (QuernSweepWork *work, GCancellable *cancellable, GError **error);
QuernBlockFile *_quern_sweep_open_rows (QuernSweepWork *work, const char *label, const char *hash,
                                        GCancellable *cancellable, GError **error);
gboolean _quern_sweep_logits_are_complete (QuernSweepWork *work, GCancellable *cancellable, gboolean *complete,
                                           GError **error);
void _quern_sweep_forget_logits (QuernSweepWork *work);

G_END_DECLS
