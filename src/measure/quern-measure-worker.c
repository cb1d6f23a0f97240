/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Evaluates the text window by window: first with the reference, whose logits are written to an unnamed file unchanged
 * (32-bit floats), then with each other model, whose logits are compared with them row by row. Of models on servers the
 * likeliest tokens are told in place of logits; those of a reference are kept in memory.
 *
 * If all models fit into memory together, they stay open and a batch is one window. Otherwise only one model is open at
 * a time, and a batch has as many windows as BATCH_BYTES of logits allow, so that models are seldom changed. A batch
 * counts when every model has done it; whatever a stopped run did beyond that is measured again. */

#define BATCH_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define EVENT_ROWS 16 /* positions that are handed over together */
#define SCORE_ROWS 32 /* rows whose logits a model computes at a time when it scores */

typedef struct {
  const QuernMeasureJob *job;
  const QuernMeasureEvents *events;
  gpointer data;
  QuernMeasurePlan *plan;
  QuernOpenFile **files;     /* [models->len]; NULL: not open */
  QuernLoadedModel **loaded; /* [models->len]; NULL: not loaded */
  gboolean together;
  guint n_vocab;
  int file;     /* reference logits of the batch: [row][n_vocab] */
  float *row;   /* [n_vocab] */
  GArray *told; /* of QuernLikelihood: of a reference on a server, [row][top + 1], the text's own token at the end */
} Work;

/* The state of scoring one window with one model. */
typedef struct {
  Work *work;
  guint model;
  guint index; /* of the window in the plan */
  const QuernMeasureWindow *window;
  guint64 offset;    /* row of the file that holds the window's first scored row */
  gboolean repeated; /* the reference is evaluated a second time, for the noise floor */
  double noise;
  QuernDivergence ready[EVENT_ROWS];
  guint n_ready;
} Scoring;

/* ---- models ---------------------------------------------------------------------------------------------------- */

static QuernModel *
model_at (const Work *work, guint i)
{
  return work->job->models->pdata[i];
}

static gboolean
is_remote (const Work *work, guint i)
{
  return work->job->remote->pdata[i] != NULL;
}

static QuernKvType
kv_type_at (const Work *work, guint i)
{
  return g_array_index (work->job->kv_types, QuernKvType, i);
}

/* Decides whether all models stay in memory. It fails if one of them alone needs more than there is. */
static gboolean
choose_memory (Work *work, GError **error)
{
  guint64 available = work->job->memory_limit > 0 ? work->job->memory_limit : quern_memory_available ();
  guint64 sum = 0, largest = 0;
  guint worst = 0;

  for (guint i = 0; i < work->job->models->len; i++) {
    const QuernMeasureJob *job = work->job;
    QuernMemoryPlan plan;

    if (is_remote (work, i))
      continue;
    quern_model_plan_bare (model_at (work, i), job->n_ctx, kv_type_at (work, i), job->n_threads, FALSE, &plan);
    guint64 need = plan.total + (SCORE_ROWS + 1) * quern_model_get_info (model_at (work, i))->n_vocab * sizeof (float);
    sum += need;
    worst = need > largest ? i : worst;
    largest = MAX (largest, need);
  }
  work->together = sum <= available;
  return largest <= available
         || quern_inference_refuse_memory (model_at (work, worst), work->job->n_ctx, kv_type_at (work, worst), largest,
                                           available, error);
}

static void
close_model (Work *work, guint i)
{
  g_clear_object (&work->loaded[i]);
  g_clear_object (&work->files[i]);
}

static gboolean
open_file (Work *work, guint i, GError **error)
{
  if (!work->files[i])
    work->files[i] = quern_open_file_new (model_at (work, i), error);
  return work->files[i] != NULL;
}

/* Returns (nullable): the file that is open, or of several the first: whose vocabulary the text's tokens are of. */
static QuernOpenFile *
get_lexicon (const Work *work)
{
  for (guint i = 0; i < work->job->models->len; i++)
    if (work->files[i])
      return work->files[i];
  return NULL;
}

/* Figures can only be compared if the vocabularies are equal. Those of servers are checked window by window. */
static gboolean
check_vocabularies (Work *work, GError **error)
{
  guint64 hash = 0;
  gint known = -1;

  for (guint i = 0; i < work->job->models->len; i++) {
    guint n_vocab;
    if (is_remote (work, i))
      continue;
    if (!open_file (work, i, error))
      return FALSE;
    guint64 own = quern_open_file_get_vocabulary (work->files[i], &n_vocab);
    if (known >= 0 && (own != hash || n_vocab != work->n_vocab)) {
      g_autofree char *first = quern_model_dup_full_title (model_at (work, (guint) known));
      g_autofree char *other = quern_model_dup_full_title (model_at (work, i));
      g_set_error (
          error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_VOCABULARY,
          _("“%s” and “%s” have different vocabularies, so their numbers cannot be compared. Compare what they write instead."),
          first, other);
      return FALSE;
    }
    hash = own;
    work->n_vocab = n_vocab;
    known = known >= 0 ? known : (gint) i;
  }
  if (known < 0)
    g_set_error_literal (
        error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
        _("All of these models are on servers. Add one that is on this computer: its file tells which "
          "tokens a text has."));
  return known >= 0;
}

/* ---- the reference's logits ------------------------------------------------------------------------------------ */

static gboolean
fail_file (GError **error)
{
  g_set_error (
      error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
      _("The results of the reference could not be saved in “%s”: %s. Free up some space there and continue."),
      g_get_user_cache_dir (), g_strerror (errno));
  return FALSE;
}

/* Reads or writes one whole row. The loop handles short counts. */
static gboolean
transfer_row (Work *work, guint64 at, float *row, gboolean write, GError **error)
{
  const gsize size = work->n_vocab * sizeof (float);
  char *bytes = (char *) row;

  for (gsize done = 0; done < size;) {
    off_t offset = (off_t) (at * size + done);
    gssize n = write ? pwrite (work->file, bytes + done, size - done, offset)
                     : pread (work->file, bytes + done, size - done, offset);
    if (n == 0)
      errno = EIO;
    if (n <= 0 && errno != EINTR)
      return fail_file (error);
    done += (gsize) MAX (n, 0);
  }
  return TRUE;
}

/* ---- one window ------------------------------------------------------------------------------------------------ */

static void
quern_measure_hand_over (Scoring *s)
{
  Work *work = s->work;

  if (s->n_ready > 0)
    work->events->scored (work->data, s->model, get_lexicon (work), s->ready, s->n_ready);
  s->n_ready = 0;
}

static gboolean
fail_number (const Scoring *s, guint token, GError **error)
{
  g_autofree char *title = quern_model_dup_full_title (model_at (s->work, s->model));

  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
               _("“%s” gave a result that is not a number at token %u. Its file may be damaged: download it again."),
               title, token);
  return FALSE;
}

static void
quern_measure_take (Scoring *s, QuernDivergence *divergence)
{
  divergence->window = s->index;
  s->noise = MAX (s->noise, divergence->kld);
  if (s->repeated)
    return;
  s->ready[s->n_ready++] = *divergence;
  if (s->n_ready == EVENT_ROWS)
    quern_measure_hand_over (s);
}

/* ---- over top tokens -------------------------------------------------------------------------------------------- */

static void
keep_told (Work *work, guint64 at, gint32 token, const QuernToldRow *told)
{
  const QuernLikelihood own = { token, told->ln_p };

  g_array_set_size (work->told, (guint) at * (work->job->top + 1));
  g_array_append_vals (work->told, told->top, told->n_top);
  g_array_append_val (work->told, own);
}

/* What the reference said of a row. */
static gboolean
recall_side (Scoring *s, guint64 at, guint token, QuernDivergenceSide *out, GError **error)
{
  Work *work = s->work;

  if (is_remote (work, 0)) {
    const guint top = work->job->top;
    const QuernLikelihood *row = &g_array_index (work->told, QuernLikelihood, at * (top + 1));
    *out = (QuernDivergenceSide) { .told = { row, top, row[top].ln_p } };
    return TRUE;
  }
  return transfer_row (work, at, work->row, FALSE, error)
         && (quern_divergence_side_init (out, work->row, work->n_vocab) || fail_number (s, token, error));
}

/* Compares what is known of the model at a row with what is of the reference. */
static gboolean
quern_measure_take_side (Scoring *s, guint row, const QuernDivergenceSide *side, GError **error)
{
  Work *work = s->work;
  QuernDivergenceSide reference;
  QuernDivergence divergence;

  if (!recall_side (s, s->offset + row - s->window->first, row + 1, &reference, error))
    return FALSE;
  quern_divergence_compute_top (&reference, side, work->n_vocab, g_array_index (work->plan->tokens, gint32, row + 1),
                                work->job->top, &divergence);
  quern_measure_take (s, &divergence);
  return TRUE;
}

static gboolean
quern_measure_told_cb (gpointer data, guint row, const QuernToldRow *told, GError **error)
{
  Scoring *s = data;
  const QuernDivergenceSide side = { .told = *told };

  if (s->model == 0 && !s->repeated)
    keep_told (s->work, s->offset + row - s->window->first, g_array_index (s->work->plan->tokens, gint32, row + 1),
               told);
  return quern_measure_take_side (s, row, &side, error);
}

/* ---- over the whole vocabulary ----------------------------------------------------------------------------------- */

/* The reference passes through here too, but only for its own likelihoods: its divergence is 0 by definition. */
static gboolean
quern_measure_row_cb (gpointer data, guint row, const float *logits, GError **error)
{
  Scoring *s = data;
  Work *work = s->work;
  const guint64 at = s->offset + row - s->window->first;
  const gboolean keeps = s->model == 0 && !s->repeated;
  QuernDivergence divergence;

  if (keeps) {
    memcpy (work->row, logits, work->n_vocab * sizeof *logits);
    if (!transfer_row (work, at, work->row, TRUE, error))
      return FALSE;
  }
  if (work->job->top_only) {
    QuernDivergenceSide side;
    return quern_divergence_side_init (&side, logits, work->n_vocab) ? quern_measure_take_side (s, row, &side, error)
                                                                     : fail_number (s, row + 1, error);
  }
  if (!keeps && !transfer_row (work, at, work->row, FALSE, error))
    return FALSE;
  if (!quern_divergence_compute (work->row, logits, work->n_vocab, g_array_index (work->plan->tokens, gint32, row + 1),
                                 work->job->top, &divergence))
    return fail_number (s, row + 1, error);
  quern_measure_take (s, &divergence);
  return TRUE;
}

static gboolean
quern_measure_stopped_cb (gpointer data)
{
  const Work *work = ((Scoring *) data)->work;

  return work->events->stopped (work->data);
}

/* Returns (transfer full): the text that a server is to find in the window's tokens. */
static char *
dup_window_text (const Work *work, const QuernMeasureWindow *window)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (guint));
  GString *text = g_string_new (NULL);

  g_array_append_vals (tokens, &g_array_index (work->plan->tokens, gint32, window->base), window->n);
  quern_open_file_decode (get_lexicon (work), tokens, text, ends);
  return g_string_free_and_steal (text);
}

static gboolean
score_window (Scoring *s, GError **error)
{
  Work *work = s->work;
  g_autofree char *text = is_remote (work, s->model) ? dup_window_text (work, s->window) : NULL;
  const QuernMeasureScoring scoring = { work->loaded[s->model], work->plan->tokens,       s->window,
                                        quern_measure_row_cb,   quern_measure_stopped_cb, s,
                                        quern_measure_told_cb,  work->job->top,           text,
                                        work->job->cancellable };
  double seconds = 0;
  gboolean ok = _quern_measure_score_window (&scoring, &seconds, error);

  quern_measure_hand_over (s);
  if (ok && !s->repeated)
    work->events->worked (work->data, s->model, seconds, s->window->n);
  return ok;
}

static gboolean
score_batch (Work *work, guint model, guint begin, guint end, GError **error)
{
  const QuernMeasureJob *job = work->job;
  QuernLoadParams params = _quern_measure_load_params (job->n_ctx, job->n_threads, kv_type_at (work, model));
  guint64 offset = 0;

  params.force = TRUE; /* planned here, for all models */
  if (is_remote (work, model)) {
    if (!work->loaded[model])
      work->loaded[model] = g_object_ref (job->remote->pdata[model]);
  } else {
    for (guint i = 0; i < job->models->len && !work->together; i++)
      if (i != model)
        close_model (work, i);
    if (!open_file (work, model, error))
      return FALSE;
  }
  if (!work->loaded[model])
    work->loaded[model] = quern_backend_load_sync (job->backend, model_at (work, model), &params, job->cancellable,
                                                   error);
  if (!work->loaded[model])
    return FALSE;
  for (guint i = begin; i < end; i++) {
    const QuernMeasureWindow *window = &g_array_index (work->plan->windows, QuernMeasureWindow, i);
    Scoring scoring = { .work = work, .model = model, .index = i, .window = window, .offset = offset };
    if (!score_window (&scoring, error))
      return FALSE;
    offset += window->end - window->first;
  }
  return TRUE;
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

/* Returns the end of the batch that begins with this window. */
static guint
batch_end (const Work *work, guint begin)
{
  guint64 rows = 0;

  if (work->together || work->job->models->len == 1)
    return begin + 1;
  for (guint i = begin; i < work->plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (work->plan->windows, QuernMeasureWindow, i);
    rows += window->end - window->first;
    if (rows * work->n_vocab * sizeof (float) > BATCH_BYTES)
      return MAX (i, begin + 1);
  }
  return work->plan->windows->len;
}

static gboolean
score_all (Work *work, GError **error)
{
  guint end;

  for (guint begin = work->job->windows_done; begin < work->plan->windows->len; begin = end) {
    end = batch_end (work, begin);
    for (guint model = 0; model < work->job->models->len; model++) {
      if (!score_batch (work, model, begin, end, error))
        return FALSE;
      if (begin == 0 && model == 0 && work->job->models->len > 1) {
        /* The reference evaluates the first window once more, which shows the noise floor. */
        Scoring again = { .work = work,
                          .window = &g_array_index (work->plan->windows, QuernMeasureWindow, 0),
                          .repeated = TRUE };
        if (!score_window (&again, error))
          return FALSE;
        work->events->noise (work->data, again.noise);
      }
    }
    work->events->committed (work->data, end);
  }
  return TRUE;
}

/* Makes the plan, and a file for the reference's logits, which has no name any more once it is open. */
static gboolean
quern_measure_prepare (Work *work, GError **error)
{
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), "quern-measure-XXXXXX", NULL);

  if (!choose_memory (work, error) || !check_vocabularies (work, error))
    return FALSE;
  work->plan = _quern_measure_plan_new (get_lexicon (work), work->job->sources, work->job->windows, work->job->n_ctx,
                                        error);
  if (!work->plan)
    return FALSE;
  g_mkdir_with_parents (g_get_user_cache_dir (), 0700);
  work->file = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (work->file < 0)
    return fail_file (error);
  g_unlink (path);
  work->row = g_new (float, work->n_vocab);
  work->told = g_array_new (FALSE, FALSE, sizeof (QuernLikelihood));
  work->events->planned (work->data, work->plan, get_lexicon (work), work->together);
  return TRUE;
}

gboolean
_quern_measure_work (const QuernMeasureJob *job, const QuernMeasureEvents *events, gpointer data, GError **error)
{
  Work work = { .job = job, .events = events, .data = data, .file = -1 };

  work.files = g_new0 (QuernOpenFile *, job->models->len);
  work.loaded = g_new0 (QuernLoadedModel *, job->models->len);
  gboolean ok = quern_measure_prepare (&work, error) && score_all (&work, error);
  for (guint i = 0; i < job->models->len; i++)
    close_model (&work, i);
  g_free (work.files);
  g_free (work.loaded);
  g_free (work.row);
  g_clear_pointer (&work.told, g_array_unref);
  if (work.file >= 0)
    close (work.file);
  g_clear_pointer (&work.plan, _quern_measure_plan_free);
  return ok;
}
