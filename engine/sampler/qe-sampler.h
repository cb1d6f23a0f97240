/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* From now on pick t is tokens[t] for t < n, at the cost of choosing from the logits: what a model of random weights would
 * say in the place of a trained one, for measurements. The tokens are borrowed. */
void qe_sampler_follow (QeSampler *sampler, const int32_t *tokens, size_t n);
