/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-divergence.h"
#include "quern-model.h"

G_BEGIN_DECLS

#define QUERN_COMPARE_ERROR (quern_compare_error_quark ())
GQuark quern_compare_error_quark (void);

typedef enum {
  QUERN_COMPARE_ERROR_FAILED,
  QUERN_COMPARE_ERROR_VOCABULARY, /* the vocabularies differ, so figures cannot be compared */
  QUERN_COMPARE_ERROR_TEXT,       /* there is nothing to score in the text */
  QUERN_COMPARE_ERROR_FORMAT,     /* the imported file is no comparison */
  QUERN_COMPARE_ERROR_DAMAGED,    /* what was kept on disk is not what was written */
  QUERN_COMPARE_ERROR_NUMBER,     /* a model gives something that is not a number */
} QuernCompareError;

/* Facts that identify a model of a comparison. They are kept when its file is gone. */
typedef struct {
  char *id, *title, *quantisation;
  char *place;  /* the server on which it is; NULL: a file */
  char *sha256; /* NULL until it is computed, and of what is on a server */
  guint64 file_bytes, parameters;
  double bits_per_weight;
} QuernModelFacts;

void quern_model_facts_set (QuernModelFacts *facts, QuernModel *model);
void quern_model_facts_copy (QuernModelFacts *facts, const QuernModelFacts *other);
void quern_model_facts_clear (QuernModelFacts *facts);
char *quern_model_facts_dup_size (const QuernModelFacts *facts);

/* The part of a measurement that belongs to one model: every scored position and their summary. It grows while the
 * measurement runs. The signal "changed" () is emitted a few times a second when there are more positions. Properties
 * (read): "title", "quantisation" (string), "n-positions" (uint). */
#define QUERN_TYPE_MEASURED (quern_measured_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasured, quern_measured, QUERN, MEASURED, GObject)

QuernMeasured *quern_measured_new (QuernModel *model, QuernKvType kv_type);
QuernMeasured *quern_measured_new_stored (const QuernModelFacts *facts, QuernKvType kv_type);
QuernModel *quern_measured_get_model (QuernMeasured *self);
void quern_measured_set_model (QuernMeasured *self, QuernModel *model);
const QuernModelFacts *quern_measured_get_facts (QuernMeasured *self);
char *quern_measured_dup_label (QuernMeasured *self);
QuernKvType quern_measured_get_kv_type (QuernMeasured *self);
guint quern_measured_get_n_positions (QuernMeasured *self);
const QuernDivergence *quern_measured_get_position (QuernMeasured *self, guint i);
const QuernDivergenceSummary *quern_measured_get_summary (QuernMeasured *self);
double quern_measured_compare (QuernMeasured *self, QuernMeasured *other, double *error, double *quantile);
double quern_measured_get_seconds (QuernMeasured *self);
double quern_measured_get_rate (QuernMeasured *self);

/* QuernMeasure calls these functions. */
void quern_measured_set_shares_quantisation (QuernMeasured *self, gboolean shares);
void quern_measured_set_top_only (QuernMeasured *self, guint top);
guint quern_measured_get_top_only (QuernMeasured *self);
void quern_measured_add (QuernMeasured *self, const QuernDivergence *positions, guint n);
void quern_measured_truncate (QuernMeasured *self, guint n);
void quern_measured_add_work (QuernMeasured *self, double seconds, guint n_tokens);
guint quern_measured_get_n_evaluated (QuernMeasured *self);
void quern_measured_set_sha256 (QuernMeasured *self, const char *sha256);

G_END_DECLS
