/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-kept-logits.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "quern-measured.h"

/* What both forms begin with. P is what the reference said, P' what is kept of it. */
typedef struct {
  double nll;    /* -ln P(token) of the token that the text has */
  double own;    /* F16: divergence of P' from P */
  double chi2;   /* F16: sum over v of (P(v) - P'(v))² / P'(v) */
  double rest;   /* TOP: mass of all tokens that are not kept */
  gint32 top;    /* the likeliest token of P */
  guint32 n_top; /* TOP: how many are kept */
} RowHead;

typedef struct {
  gint32 id;
  float ln_p;
} TopToken;

struct _QuernKeptLogits {
  QuernBlockFile *file;
  QuernKeptForm form;
  guint n_vocab;
  char *row; /* RowHead, and guint16[n_vocab] or TopToken[QUERN_KEPT_TOP_TOKENS] */
  gsize row_size;
  float *widened; /* [65536]: the value of each half, of which only those up to 0 occur */
  float *wide;    /* [n_vocab]: a row of them */
};

/* ---- halves ---------------------------------------------------------------------------------------------------- */

/* Of values that are 0 or negative: the nearest half, ties to even. Below the range it is the lowest finite one, whose
 * probability is 0 all the same. */
static guint16
half_of (float value)
{
  guint32 bits;
  memcpy (&bits, &value, sizeof bits);
  guint32 magnitude = bits & 0x7fffffff;

  if (magnitude >= 0x477fe000) /* 65504 */
    return 0xfbff;
  if (magnitude < 0x38800000) { /* below the smallest normal half: steps of 2^-24 */
    return (guint16) (0x8000 | (guint32) lrintf (ldexpf (fabsf (value), 24)));
  }
  guint32 rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return (guint16) (0x8000 | ((rounded - 0x38000000) >> 13));
}

static float
value_of (guint16 half)
{
  guint exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  float value = exponent == 0 ? ldexpf ((float) fraction, -24)
                              : ldexpf ((float) (fraction | 0x400), (int) exponent - 25);

  return half & 0x8000 ? -value : value;
}

/* ---- forms ----------------------------------------------------------------------------------------------------- */

static gsize
row_size_of (QuernKeptForm form, guint n_vocab)
{
  return sizeof (RowHead)
         + (form == QUERN_KEPT_F16 ? (gsize) n_vocab * sizeof (guint16) : QUERN_KEPT_TOP_TOKENS * sizeof (TopToken));
}

/**
 * quern_kept_form_get_bytes:
 *
 * Returns: what @n_rows rows take on disk, with their checksums
 */
guint64
quern_kept_form_get_bytes (QuernKeptForm form, guint n_vocab, guint n_rows)
{
  return form == QUERN_KEPT_NONE ? 0 : 128 + (guint64) n_rows * (row_size_of (form, n_vocab) + 16);
}

/**
 * quern_kept_form_choose:
 * @budget: bytes
 *
 * Returns: the form that loses least within the budget
 */
QuernKeptForm
quern_kept_form_choose (guint n_vocab, guint n_rows, guint64 budget)
{
  if (quern_kept_form_get_bytes (QUERN_KEPT_F16, n_vocab, n_rows) <= budget)
    return QUERN_KEPT_F16;
  return quern_kept_form_get_bytes (QUERN_KEPT_TOP, n_vocab, n_rows) <= budget ? QUERN_KEPT_TOP : QUERN_KEPT_NONE;
}

/**
 * quern_kept_form_to_word:
 *
 * Returns: the form's name in JSON
 */
const char *
quern_kept_form_to_word (QuernKeptForm form)
{
  return form == QUERN_KEPT_F16 ? "f16" : form == QUERN_KEPT_TOP ? "top256" : "none";
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

/**
 * quern_kept_logits_open:
 * @path: of a file, which is created if it is not there
 * @key: what the logits belong to: model, text and form, as a SHA-256
 *
 * Blocks, as it reads and checks the whole file.
 *
 * Returns: (transfer full) (nullable): the rows that are sound; %NULL with @error set
 */
QuernKeptLogits *
quern_kept_logits_open (const char *path, const char *key, QuernKeptForm form, guint n_vocab, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (QuernBlockFile) file = quern_block_file_open (path, key, cancellable, error);
  QuernKeptLogits *self;

  if (!file)
    return NULL;
  self = g_new0 (QuernKeptLogits, 1);
  self->file = g_steal_pointer (&file);
  self->form = form;
  self->n_vocab = n_vocab;
  self->row_size = row_size_of (form, n_vocab);
  self->row = g_malloc0 (self->row_size);
  self->widened = g_new (float, 1 << 16);
  self->wide = g_new (float, n_vocab);
  for (guint i = 0; i < 1 << 16; i++)
    self->widened[i] = value_of ((guint16) i);
  return self;
}

void
quern_kept_logits_free (QuernKeptLogits *self)
{
  if (!self)
    return;
  quern_block_file_free (self->file);
  g_free (self->row);
  g_free (self->widened);
  g_free (self->wide);
  g_free (self);
}

guint
quern_kept_logits_get_n_rows (QuernKeptLogits *self)
{
  return quern_block_file_get_n (self->file);
}

gboolean
quern_kept_logits_truncate (QuernKeptLogits *self, guint n_rows, GError **error)
{
  return quern_block_file_truncate (self->file, n_rows, error);
}

/* ---- the reference --------------------------------------------------------------------------------------------- */

static void
keep_f16 (QuernKeptLogits *self, const float *logits, double lse, RowHead *head)
{
  guint16 *kept = (guint16 *) (gpointer) (self->row + sizeof *head);
  const float max = logits[head->top];
  double sum = 0;

  for (guint i = 0; i < self->n_vocab; i++) {
    kept[i] = half_of (MIN (logits[i] - max, 0));
    sum += exp (self->widened[kept[i]]);
  }
  const double lse_kept = log (sum); /* so that ln P'(v) = x - lse_kept for the kept value x */
  for (guint i = 0; i < self->n_vocab; i++) {
    double ln_p = logits[i] - lse, ln_kept = self->widened[kept[i]] - lse_kept;
    double p = exp (ln_p), ratio = expm1 (ln_p - ln_kept); /* P / P' - 1 */
    head->own += p * (ln_p - ln_kept);
    head->chi2 += exp (ln_kept) * ratio * ratio;
  }
  head->own = MAX (head->own, 0);
}

static int
compare_ids (gconstpointer a, gconstpointer b, gpointer data)
{
  return ((const TopToken *) a)->id - ((const TopToken *) b)->id;
}

/* The tokens are kept in the order of their ids, in which the others can be passed over. */
static void
keep_top (QuernKeptLogits *self, const float *logits, double lse, RowHead *head)
{
  TopToken *kept = (TopToken *) (gpointer) (self->row + sizeof *head);
  QuernCandidate top[QUERN_KEPT_TOP_TOKENS];

  head->n_top = MIN (QUERN_KEPT_TOP_TOKENS, self->n_vocab);
  memset (kept, 0, QUERN_KEPT_TOP_TOKENS * sizeof *kept);
  quern_top_candidates (logits, self->n_vocab, lse, top, head->n_top);
  for (guint i = 0; i < head->n_top; i++)
    kept[i] = (TopToken) { top[i].id, (float) (logits[top[i].id] - lse) };
  g_sort_array (kept, head->n_top, sizeof *kept, compare_ids, NULL);
  for (guint i = 0, next = 0; i < self->n_vocab; i++) {
    if (next < head->n_top && kept[next].id == (gint32) i)
      next++;
    else
      head->rest += exp (logits[i] - lse);
  }
}

static void
set_no_candidates (QuernDivergence *out)
{
  for (guint i = 0; i < QUERN_DIVERGENCE_TOP; i++)
    out->top[i].id = out->top_reference[i].id = -1;
  out->kld_top = NAN;
}

static gboolean
fail_number (GError **error)
{
  g_set_error_literal (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_NUMBER,
                       _("The model gave a result that is not a number. Its file may be damaged: download it again."));
  return FALSE;
}

/**
 * quern_kept_logits_add:
 * @logits: (array): the reference's, of the next row
 * @token: that the text has there
 * @out: (out): the reference's own likelihoods, with a divergence of 0
 */
gboolean
quern_kept_logits_add (QuernKeptLogits *self, const float *logits, gint32 token, QuernDivergence *out, GError **error)
{
  RowHead *head = (RowHead *) (gpointer) self->row;
  double lse, same, none;
  QuernCandidate top;

  if (!quern_compare_logits (logits, logits, self->n_vocab, &lse, &same, &none))
    return fail_number (error);
  quern_top_candidates (logits, self->n_vocab, lse, &top, 1);
  *head = (RowHead) { .nll = lse - logits[token], .top = top.id };
  if (self->form == QUERN_KEPT_F16)
    keep_f16 (self, logits, lse, head);
  else
    keep_top (self, logits, lse, head);
  *out = (QuernDivergence) { .token = token, .nll_reference = head->nll, .nll = head->nll, .same_top = TRUE };
  set_no_candidates (out);
  return quern_block_file_append (self->file, self->row, self->row_size, error);
}

/* ---- other models ---------------------------------------------------------------------------------------------- */

/* For any Q, |KLD (P, Q) - KLD (P', Q)| is at most own + sqrt (chi2) times the standard deviation of ln P'/Q under P',
 * by the inequality of Cauchy and Schwarz for the sum of (P - P') ln P'/Q. */
static gboolean
compare_f16 (QuernKeptLogits *self, const RowHead *head, const float *logits, double *lse, double *kld, double *lost)
{
  const guint16 *kept = (const guint16 *) (gconstpointer) (self->row + sizeof *head);
  double lse_kept, square = 0;

  for (guint i = 0; i < self->n_vocab; i++)
    self->wide[i] = self->widened[kept[i]];
  if (!quern_compare_logits (self->wide, logits, self->n_vocab, &lse_kept, lse, kld))
    return FALSE;
  for (guint i = 0; i < self->n_vocab; i++) {
    double ln_p = self->wide[i] - lse_kept, distance = ln_p - (logits[i] - *lse);
    square += exp (ln_p) * distance * distance;
  }
  *lost = head->own + sqrt (head->chi2 * MAX (square - *kld * *kld, 0));
  return TRUE;
}

static gboolean
compare_top (QuernKeptLogits *self, const RowHead *head, const float *logits, double *lse, double *kld, double *lost)
{
  const TopToken *kept = (const TopToken *) (gconstpointer) (self->row + sizeof *head);
  double rest = 0, same, none;

  if (!quern_compare_logits (logits, logits, self->n_vocab, lse, &same, &none))
    return FALSE;
  *kld = 0;
  for (guint i = 0, next = 0; i < self->n_vocab; i++) {
    double ln_q = logits[i] - *lse;
    if (next < head->n_top && kept[next].id == (gint32) i) {
      *kld += exp (kept[next].ln_p) * (kept[next].ln_p - ln_q);
      next++;
    } else
      rest += exp (ln_q);
  }
  if (head->rest > 0 && rest > 0)
    *kld += head->rest * log (head->rest / rest);
  *kld = MAX (*kld, 0);
  *lost = head->rest;
  return TRUE;
}

/**
 * quern_kept_logits_compare:
 * @row: from 0
 * @logits: (array): those of a model there
 * @token: that the text has there
 * @out: (out): how far the model is from the reference; without candidates
 * @lost: (out): F16: how far the divergence may be from that of unrounded logits, in nats. TOP: the mass of the
 *   reference that is not kept
 */
gboolean
quern_kept_logits_compare (QuernKeptLogits *self, guint row, const float *logits, gint32 token, QuernDivergence *out,
                           double *lost, GError **error)
{
  const RowHead *head = (const RowHead *) (gpointer) self->row;
  double lse, kld;
  QuernCandidate top;

  if (!quern_block_file_read (self->file, row, self->row, self->row_size, error))
    return FALSE;
  if (!(self->form == QUERN_KEPT_F16 ? compare_f16 : compare_top) (self, head, logits, &lse, &kld, lost))
    return fail_number (error);
  quern_top_candidates (logits, self->n_vocab, lse, &top, 1);
  *out = (QuernDivergence) { .token = token,
                             .nll_reference = head->nll,
                             .nll = lse - logits[token],
                             .kld = kld,
                             .delta_p = exp (logits[token] - lse) - exp (-head->nll),
                             .same_top = top.id == head->top };
  set_no_candidates (out);
  return TRUE;
}
