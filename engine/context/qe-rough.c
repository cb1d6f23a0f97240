/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-rough.h"

#include <math.h>
#include <stdlib.h>

#include "qe-error.h"

#define REFINE_MOST 4096 /* logits that are refined together */
/* Margins are so many standard deviations. Of rows that are worked out in full the error is known: were one of them further off
 * than TRUSTED_DEVIATIONS, the errors would not be spread as they should be, and the sketch is not relied upon for that token. */
#define DEVIATIONS 6.0f
#define TRUSTED_DEVIATIONS 5.0f

size_t
qe_rough_bytes (uint32_t n_embd, uint32_t n_vocab)
{
  return QE_DEFER_MAX * (n_embd * sizeof (float) + qe_sketch_blocks (n_embd) * QE_SKETCH_COLUMNS)
         + (qe_head_groups (n_vocab) + REFINE_MOST) * sizeof (float);
}

QeStatus
qe_rough_init (QeRough *out, QeGraph *graph, QeHeadSketch *sketch, uint32_t n_embd, uint32_t n_vocab, QeError *err)
{
  QeRough r = { .graph = graph, .n_embd = n_embd, .n_vocab = n_vocab, .sketch = sketch, .rows.sketch = sketch };
  if (sketch) {
    r.rows.x = malloc ((size_t) QE_DEFER_MAX * n_embd * sizeof *r.rows.x);
    r.rows.p = aligned_alloc (64, QE_DEFER_MAX * qe_sketch_blocks (n_embd) * QE_SKETCH_COLUMNS);
    r.margins = malloc (qe_head_groups (n_vocab) * sizeof *r.margins);
    r.unrefined = malloc (REFINE_MOST * sizeof *r.unrefined);
    if (!r.rows.x || !r.rows.p || !r.margins || !r.unrefined) {
      qe_rough_clear (&r);
      return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's buffers.");
    }
  }
  *out = r;
  return QE_OK;
}

void
qe_rough_clear (QeRough *rough)
{
  free (rough->rows.x);
  free (rough->rows.p);
  free (rough->margins);
  free (rough->unrefined);
  *rough = (QeRough) { 0 };
}

QeRoughRows *
qe_rough_rows (QeRough *rough)
{
  return rough->sketch && qe_head_sketch_is_ready (rough->sketch) ? &rough->rows : NULL;
}

void
qe_rough_advance (QeRough *rough)
{
  if (rough->sketch)
    qe_graph_advance_sketch (rough->graph, rough->sketch);
}

static bool
refine (void *data, const int32_t *tokens, size_t n)
{
  QeRough *r = data;
  float *logits = qe_graph_logits (r->graph, r->refined);
  bool believable = true;
  for (size_t some; n > 0; tokens += some, n -= some) {
    some = n < REFINE_MOST ? n : REFINE_MOST;
    for (size_t i = 0; i < some; i++)
      r->unrefined[i] = logits[tokens[i]];
    qe_graph_head_tokens (r->graph, r->rows.x + r->refined * r->n_embd, tokens, some, logits);
    for (size_t i = 0; i < some; i++) {
      const float most = r->margins[tokens[i] / QE_ROUGH_GROUP] * (TRUSTED_DEVIATIONS / DEVIATIONS);
      believable = believable && fabsf (logits[tokens[i]] - r->unrefined[i]) <= most;
    }
  }
  return believable;
}

void
qe_rough_logits (QeRough *rough, uint32_t i, QeRoughLogits *out)
{
  for (size_t k = 0; k < qe_head_groups (rough->n_vocab); k++)
    rough->margins[k] = DEVIATIONS * qe_head_sketch_deviation (rough->sketch, &rough->rows.input[i], k);
  rough->refined = i;
  *out = (QeRoughLogits) { qe_graph_logits (rough->graph, i), rough->margins, refine, rough };
}

QeStatus
qe_rough_complete (QeRough *rough, uint32_t i, QeError *err)
{
  return qe_graph_head (rough->graph, rough->rows.x + i * rough->n_embd, 1, qe_graph_logits (rough->graph, i), err);
}
