/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

/* Mean KL divergence, in nats for each token, at which words change. Below 0.01 the first choice differs in about one
 * token of thirty and sampling hides the rest: published tables put 8-bit and 6-bit quantisations there. From 0.1 on,
 * where those tables have 3 bits and less, the probability of the right token is off by 10 % (RMS) and more, which
 * shows in answers. They are bands and not ranks: divergence says how much a model differs, not that it is worse. */
#define QUERN_VERDICT_SLIGHT 0.01
#define QUERN_VERDICT_DAMAGED 0.1

typedef enum {
  QUERN_VERDICT_NONE, /* nothing was measured */
  QUERN_VERDICT_INDISTINGUISHABLE,
  QUERN_VERDICT_SLIGHTLY_DIFFERENT,
  QUERN_VERDICT_VISIBLY_DAMAGED,
} QuernVerdict;

QuernVerdict quern_verdict_of (const QuernDivergenceSummary *summary);
const char *quern_verdict_to_string (QuernVerdict verdict);
const char *quern_verdict_to_word (QuernVerdict verdict);
gboolean quern_verdict_is_borderline (const QuernDivergenceSummary *summary);
gboolean quern_verdict_too_close (QuernMeasured *a, QuernMeasured *b);
/* Returns the index of the smallest model that is not worse than the reference; 0, the reference, if there is none. */
guint quern_verdict_smallest_good (QuernMeasure *measure);
/* These functions return whole sentences about result i (not the reference) and about the measurement. */
char *quern_verdict_dup_sentence (QuernMeasure *measure, guint i);
char *quern_verdict_dup_details (QuernMeasure *measure, guint i);
char *quern_verdict_dup_reference (QuernMeasure *measure);
/* Describes the text that was read, and how far the reference is from itself. */
char *quern_measure_dup_summary (QuernMeasure *measure);

G_END_DECLS
