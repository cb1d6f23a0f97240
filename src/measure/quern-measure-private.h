/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"
#include "quern-open-file.h"

G_BEGIN_DECLS

/* One piece of the text: plain text, a conversation with an answer (only the answer is scored), or tokens. */
typedef struct {
  char *text;            /* or NULL */
  QuernRequest *request; /* or NULL; answer follows it */
  GArray *answer;        /* of gint32; or NULL */
  QuernRequest *whole;   /* or NULL: the conversation with the answer, in place of its tokens */
  char *reasoning;       /* or NULL; it comes before the reply */
  char *reply;           /* or NULL: the answer as text, in place of its tokens; with `whole` only its name */
  GArray *tokens;        /* array of gint32: the tokenised piece, or NULL */
  guint first;           /* the first row that is scored */
  char *category;        /* or NULL */
} QuernMeasureSource;

void _quern_measure_source_free (gpointer data);

/* The tokens [base, base + n) are evaluated together. The rows [first, end) are scored; they count from the beginning
 * of the text, and row r predicts token r + 1. */
typedef struct {
  guint base, n, first, end;
} QuernMeasureWindow;

/* The text as a model gets it. */
typedef struct {
  GPtrArray *pieces; /* of QuernMeasureSource, tokenised */
  GArray *tokens;    /* of gint32: of all pieces */
  GArray *windows;   /* of QuernMeasureWindow */
  gboolean windowed; /* some piece is longer than a window */
} QuernMeasurePlan;

QuernMeasurePlan *_quern_measure_plan_new (QuernOpenFile *file, GPtrArray *sources, QuernMeasureWindows windows,
                                           guint n_ctx, GError **error);
void _quern_measure_plan_free (QuernMeasurePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernMeasurePlan, _quern_measure_plan_free)

QuernLoadParams _quern_measure_load_params (guint n_ctx, guint n_threads, QuernKvType kv_type);
GArray *_quern_measure_windows_list_positions (const GArray *windows);
guint64 _quern_measure_windows_get_n_evaluated (const GArray *windows);

/* A window that a model is scored on. */
typedef struct {
  QuernLoadedModel *loaded;
  const GArray *tokens; /* of the text */
  const QuernMeasureWindow *window;
  /* Called with the logits of a row of the text; FALSE, with an error, ends the scoring. */
  gboolean (*row) (gpointer data, guint at, const float *logits, GError **error);
  gboolean (*stopped) (gpointer data);
  gpointer data;
  /* Of a model on a server, in place of logits: see QuernScoring. */
  gboolean (*told) (gpointer data, guint at, const QuernToldRow *told, GError **error);
  guint top;
  const char *text; /* of the window */
  GCancellable *cancellable;
} QuernMeasureScoring;

gboolean _quern_measure_score_window (const QuernMeasureScoring *scoring, double *seconds, GError **error);

/* The worker reports its results through these functions. */
typedef struct {
  void (*planned) (gpointer data, const QuernMeasurePlan *plan, QuernOpenFile *file, gboolean together);
  void (*scored) (gpointer data, guint model, QuernOpenFile *file, const QuernDivergence *positions, guint n);
  void (*worked) (gpointer data, guint model, double seconds, guint n_tokens);
  void (*noise) (gpointer data, double kld);
  void (*committed) (gpointer data, guint n_windows);
  gboolean (*stopped) (gpointer data); /* blocks while the measurement is paused */
} QuernMeasureEvents;

typedef struct {
  QuernBackend *backend;
  GCancellable *cancellable;
  GPtrArray *models;  /* of QuernModel; the first is the reference */
  GPtrArray *remote;  /* of QuernLoadedModel, by model; NULL: it is on this computer */
  GArray *kv_types;   /* of QuernKvType */
  GPtrArray *sources; /* of QuernMeasureSource */
  QuernMeasureWindows windows;
  guint n_ctx, n_threads, windows_done, top;
  gboolean top_only; /* some model is on a server, so that there is no other divergence than that over `top` tokens */
  guint64 memory_limit; /* bytes; 0: what is free */
} QuernMeasureJob;

/* Call it on a worker's thread; the events are called on the same thread. */
gboolean _quern_measure_work (const QuernMeasureJob *job, const QuernMeasureEvents *events, gpointer data,
                              GError **error);

typedef struct _QuernMeasureRun QuernMeasureRun;

struct _QuernMeasure {
  GObject parent_instance;

  GListStore *results; /* of QuernMeasured */
  GPtrArray *sources;  /* of QuernMeasureSource */
  char *source_name;
  char *category; /* of the texts that are added next, or NULL */
  QuernMeasureWindows windows;
  guint n_ctx, n_threads, top;
  gboolean top_only; /* all divergences are over `top` tokens */
  guint64 memory_limit;

  /* The text; it is known when the plan is made. */
  char *text_sha256;
  GString *text;
  GArray *ends;            /* array of guint: the byte at which token i ends */
  GArray *position_tokens; /* of guint */
  guint n_windows, windows_done;
  GArray *window_rows; /* array of guint: number of positions up to the end of window i */

  GMutex lock;            /* guards candidates, to which entries are only added */
  GHashTable *candidates; /* gint32 -> text */
  double noise;
  char *note;
  double progress;
  gboolean paused;
  GTask *task;          /* NULL when nothing runs */
  QuernMeasureRun *run; /* the task's */
};

void _quern_measure_update_progress (QuernMeasure *self);
void _quern_measure_set_top_only (QuernMeasure *self, gboolean top_only);

/* These functions restore a stored measurement. */
void _quern_measure_restore (QuernMeasure *self, const char *text, GArray *ends, GArray *position_tokens,
                             guint windows_done, guint n_windows, double noise);
void _quern_measure_restore_piece (QuernMeasure *self, const gint32 *tokens, guint n, guint first,
                                   const char *category);
void _quern_measure_restore_pieces (QuernMeasure *self, GPtrArray *pieces);
void _quern_measure_restore_result (QuernMeasure *self, QuernMeasured *result);
void _quern_measure_restore_candidate (QuernMeasure *self, gint32 id, const char *text);
void _quern_measure_restore_text_sha256 (QuernMeasure *self, const char *sha256);
void _quern_measure_restore_note (QuernMeasure *self, const char *note);
guint _quern_measure_get_windows_done (QuernMeasure *self);
guint _quern_measure_get_n_rows (QuernMeasure *self);
GHashTable *_quern_measure_get_candidates (QuernMeasure *self);
GPtrArray *_quern_measure_get_sources (QuernMeasure *self);

G_END_DECLS
