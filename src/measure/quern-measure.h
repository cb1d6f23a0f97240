/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-measured.h"

G_BEGIN_DECLS

/* A forced run: one text, evaluated by a reference and by other models, compared position by position over the full
 * vocabulary. Set it up, then quern_measure_run_async(); what is measured shows in the results while it runs.
 *
 *   g_autoptr (QuernMeasure) measure = quern_measure_new ();
 *   quern_measure_add_model (measure, largest, QUERN_KV_F16); // the first is the reference
 *   quern_measure_add_model (measure, smaller, QUERN_KV_F16);
 *   quern_measure_add_text (measure, text);
 *   quern_measure_run_async (measure, backend, cancellable, done_cb, NULL);
 *
 * Of a model on a server only the likeliest tokens are known. Where one is measured, the divergence of all is that over so
 * many tokens, and everything that shows it says so: quern_measure_get_top_only().
 *
 * A run that was cancelled or failed keeps what it has; running again goes on there. Models are in memory together where
 * they fit, else one at a time. Properties (notified): "progress" (double, 0 to 1), "running", "paused" (writable),
 * "note" (string or NULL: what to know about the figures), "memory-limit" (uint64, writable; bytes that the models may
 * take, 0: what is free). */
#define QUERN_TYPE_MEASURE (quern_measure_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasure, quern_measure, QUERN, MEASURE, GObject)

#define QUERN_MEASURE_CONTEXT 512 /* tokens of a window, unless set otherwise */
#define QUERN_MEASURE_SERVED_TOP                                                                                       \
  20 /* tokens that are told of a model on a server, unless set otherwise: vLLM's limit */

/* How a text is cut where it is longer than a window. */
typedef enum {
  QUERN_MEASURE_WINDOWS_QUERN, /* windows overlap by half; a text that is shorter is scored from its beginning */
  QUERN_MEASURE_WINDOWS_LLAMA, /* as llama-perplexity does: no overlap, the beginning of each window and the rest are left out */
} QuernMeasureWindows;

QuernMeasure *quern_measure_new (void);
QuernMeasured *quern_measure_add_model (QuernMeasure *self, QuernModel *model, QuernKvType kv_type);
void quern_measure_add_text (QuernMeasure *self, const char *text);
void quern_measure_add_request (QuernMeasure *self, QuernRequest *request, const gint32 *answer, guint n_answer);
void quern_measure_add_reply (QuernMeasure *self, QuernRequest *request, const char *reasoning, const char *answer);
void quern_measure_add_messages (QuernMeasure *self, QuernRequest *request, QuernRequest *whole);
void quern_measure_begin_category (QuernMeasure *self, const char *category);
void quern_measure_set_source (QuernMeasure *self, const char *name);
const char *quern_measure_get_source (QuernMeasure *self);
void quern_measure_set_context_size (QuernMeasure *self, guint n_tokens);
guint quern_measure_get_context_size (QuernMeasure *self);
void quern_measure_set_windows (QuernMeasure *self, QuernMeasureWindows windows);
QuernMeasureWindows quern_measure_get_windows (QuernMeasure *self);
void quern_measure_set_top (QuernMeasure *self, guint top);
guint quern_measure_get_top (QuernMeasure *self);
gboolean quern_measure_get_top_only (QuernMeasure *self);
char *quern_measure_dup_marked (QuernMeasure *self, const char *heading);
void quern_measure_set_threads (QuernMeasure *self, guint n_threads);
GListModel *quern_measure_get_results (QuernMeasure *self);
QuernMeasured *quern_measure_get_result (QuernMeasure *self, guint i);

void quern_measure_run_async (QuernMeasure *self, QuernBackend *backend, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_measure_run_finish (QuernMeasure *self, GAsyncResult *result, GError **error);
void quern_measure_stop (QuernMeasure *self);
void quern_measure_set_paused (QuernMeasure *self, gboolean paused);
gboolean quern_measure_get_running (QuernMeasure *self);
gboolean quern_measure_get_paused (QuernMeasure *self);
gboolean quern_measure_get_complete (QuernMeasure *self);
double quern_measure_get_progress (QuernMeasure *self);
const char *quern_measure_get_note (QuernMeasure *self);
guint quern_measure_get_n_windows (QuernMeasure *self);
const char *quern_measure_get_text_sha256 (QuernMeasure *self);

/* The text, once a run has begun: token i covers bytes [start, end). */
const char *quern_measure_get_text (QuernMeasure *self);
guint quern_measure_get_n_tokens (QuernMeasure *self);
void quern_measure_get_token_span (QuernMeasure *self, guint token, guint *start, guint *end);
/* Returns the token that position i of every result is about. */
guint quern_measure_get_position_token (QuernMeasure *self, guint i);
/* Returns the text of a candidate. */
const char *quern_measure_get_candidate (QuernMeasure *self, gint32 id);
/* Returns the largest divergence of the reference from itself in a second evaluation; -1 before that. */
double quern_measure_get_noise_floor (QuernMeasure *self);

G_END_DECLS
