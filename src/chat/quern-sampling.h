/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"
#include "quern-model.h"

G_BEGIN_DECLS

/* The settings of an answer apart from its prompt: the family's values, replaced where the conversation's JSON has
 * others. */
typedef struct {
  QuernSamplerValues sampler;
  QuernChosenValues chosen; /* which of them */
  guint max_tokens;         /* 0: no limit */
  guint thinking_budget;    /* 0: no limit */
  guint n_threads;          /* 0: as many as make sense here */
  QuernKvType kv_type;
} QuernSampling;

void quern_sampling_init (QuernSampling *sampling, QuernModel *model, gboolean thinking, gboolean pictures,
                          const char *json);
void quern_sampling_apply (const QuernSampling *sampling, QuernRequest *request);
gboolean quern_sampling_check (const char *json, GError **error);
char *quern_sampling_set (const char *json, const char *name, double value);
char *quern_sampling_unset (const char *json, const char *name);
double quern_sampling_get (const char *json, const char *name, double fallback);

/* Where a value of the sampler comes from. */
typedef enum {
  QUERN_SAMPLING_CHOSEN, /* for this conversation */
  QUERN_SAMPLING_FILE,   /* the model's file says it (general.sampling.*) */
  QUERN_SAMPLING_FAMILY, /* recommended for models of this size */
  QUERN_SAMPLING_DEMO,   /* of the demonstration model */
  QUERN_SAMPLING_SERVER, /* the server has a value of its own, which nobody here knows */
} QuernSamplingOrigin;

QuernSamplingOrigin quern_sampling_get_origin (const char *json, QuernModel *model, const char *name);
const char *quern_sampling_origin_to_string (QuernSamplingOrigin origin);

G_END_DECLS
