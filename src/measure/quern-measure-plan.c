/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Cuts a text into windows. A piece that fits into the context is one window and is scored from its beginning. A longer
 * piece is cut into windows that overlap by half: each evaluates a whole context, but only its second half is scored,
 * so that every scored token has at least half a context before it. The first half of the first window is not
 * scored.
 *
 * As llama-perplexity cuts it, a piece becomes windows of exactly one context each that do not overlap; their second half
 * is scored but for the last row, which predicts a token of the next window. What does not fill a window at the end is left
 * out, and so is a line break that ends the text. */

void
_quern_measure_source_free (gpointer data)
{
  QuernMeasureSource *source = data;

  g_free (source->text);
  g_free (source->reasoning);
  g_free (source->reply);
  g_free (source->category);
  g_clear_pointer (&source->request, quern_request_unref);
  g_clear_pointer (&source->whole, quern_request_unref);
  g_clear_pointer (&source->answer, g_array_unref);
  g_clear_pointer (&source->tokens, g_array_unref);
  g_free (source);
}

void
_quern_measure_plan_free (QuernMeasurePlan *plan)
{
  if (!plan)
    return;
  g_ptr_array_unref (plan->pieces);
  g_array_unref (plan->tokens);
  g_array_unref (plan->windows);
  g_free (plan);
}

/* The tokens of an answer are those that the template makes of the conversation with it. The answer begins where they differ from
 * the tokens of the question alone, and ends with the token with which a model says so: what templates put behind that is not
 * the model's. */
static gboolean
tokenise_answer (QuernOpenFile *file, QuernRequest *request, QuernRequest *whole, QuernMeasureSource *piece,
                 GError **error)
{
  g_autoptr (GArray) question = g_array_new (FALSE, FALSE, sizeof (gint32));
  guint n = 0, end = 0;

  if (!quern_open_file_tokenise_request (file, request, question, error)
      || !quern_open_file_tokenise_request (file, whole, piece->tokens, error))
    return FALSE;
  while (n < MIN (question->len, piece->tokens->len)
         && g_array_index (question, gint32, n) == g_array_index (piece->tokens, gint32, n))
    n++;
  for (guint i = n; i < piece->tokens->len; i++)
    if (quern_open_file_ends_generation (file, g_array_index (piece->tokens, gint32, i)))
      end = i + 1;
  if (end > 0)
    g_array_set_size (piece->tokens, end);
  piece->first = n > 0 ? n - 1 : 0;
  return TRUE;
}

static gboolean
tokenise_source (QuernOpenFile *file, const QuernMeasureSource *source, QuernMeasureWindows windows,
                 QuernMeasureSource *piece, GError **error)
{
  piece->first = source->first;
  if (source->tokens) {
    g_array_append_vals (piece->tokens, source->tokens->data, source->tokens->len);
    return TRUE;
  }
  if (source->text) {
    gboolean one_less = windows == QUERN_MEASURE_WINDOWS_LLAMA && g_str_has_suffix (source->text, "\n");
    g_autofree char *text = g_strndup (source->text, strlen (source->text) - (one_less ? 1 : 0));
    return quern_open_file_tokenise (file, text, piece->tokens, error);
  }
  if (source->whole)
    return tokenise_answer (file, source->request, source->whole, piece, error);
  if (source->reply) {
    g_autoptr (QuernRequest) whole = quern_request_new_without (source->request, 0);
    quern_request_set_beginning (whole, source->reasoning, source->reply);
    return tokenise_answer (file, source->request, whole, piece, error);
  }
  if (!quern_open_file_tokenise_request (file, source->request, piece->tokens, error))
    return FALSE;
  /* Scoring begins with the row before the answer's first token, because that row predicts it. */
  piece->first = piece->tokens->len > 0 ? piece->tokens->len - 1 : 0;
  g_array_append_vals (piece->tokens, source->answer->data, source->answer->len);
  return TRUE;
}

static void
add_llama_windows (QuernMeasurePlan *plan, guint begin, guint n, guint first, guint n_ctx)
{
  for (guint base = 0; base + n_ctx <= n; base += n_ctx) {
    QuernMeasureWindow window = { begin + base, n_ctx - 1, begin + MAX (base + n_ctx / 2, first),
                                  begin + base + n_ctx - 1 };
    if (window.first < window.end)
      g_array_append_val (plan->windows, window);
  }
}

static void
add_windows (QuernMeasurePlan *plan, guint begin, guint n, guint first, guint n_ctx)
{
  const guint end = begin + n - 1; /* end of the rows that predict a token of the piece */
  const guint half = n_ctx / 2;

  if (n <= n_ctx) {
    QuernMeasureWindow window = { begin, n - 1, begin + first, end };
    if (window.first < window.end)
      g_array_append_val (plan->windows, window);
    return;
  }
  plan->windowed = TRUE;
  for (guint base = begin; base + half < end; base += half) {
    guint stop = MIN (base + n_ctx, end);
    QuernMeasureWindow window = { base, stop - base, MAX (base + half, begin + first), stop };
    if (window.first < window.end)
      g_array_append_val (plan->windows, window);
  }
}

static void
fail_nothing (const QuernMeasurePlan *plan, QuernMeasureWindows windows, guint n_ctx, GError **error)
{
  if (windows == QUERN_MEASURE_WINDOWS_LLAMA)
    g_set_error (
        error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
        _("There is nothing to measure: the text has %u tokens and does not fill a window of %u. Choose a longer "
          "text or a shorter context."),
        plan->tokens->len, n_ctx);
  else
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
                 _("There is nothing to measure: the text must have at least two tokens. Choose a longer text."));
}

/* Any thread may call this. It fails when there is nothing to score. */
QuernMeasurePlan *
_quern_measure_plan_new (QuernOpenFile *file, GPtrArray *sources, QuernMeasureWindows windows, guint n_ctx,
                         GError **error)
{
  g_autoptr (QuernMeasurePlan) plan = g_new0 (QuernMeasurePlan, 1);
  guint n_vocab;

  quern_open_file_get_vocabulary (file, &n_vocab);
  plan->pieces = g_ptr_array_new_with_free_func (_quern_measure_source_free);
  plan->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  plan->windows = g_array_new (FALSE, FALSE, sizeof (QuernMeasureWindow));
  for (guint i = 0; i < sources->len; i++) {
    QuernMeasureSource *piece = g_new0 (QuernMeasureSource, 1);
    piece->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    piece->category = g_strdup (((const QuernMeasureSource *) sources->pdata[i])->category);
    g_ptr_array_add (plan->pieces, piece);
    if (!tokenise_source (file, sources->pdata[i], windows, piece, error))
      return NULL;
    /* Tokens that were read from a file may be anything. */
    for (guint j = 0; j < piece->tokens->len; j++)
      if (g_array_index (piece->tokens, guint32, j) >= n_vocab) {
        g_set_error (
            error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_VOCABULARY,
            _("The text has tokens that this model does not know. Use the models that the text was made for."));
        return NULL;
      }
    if (windows == QUERN_MEASURE_WINDOWS_LLAMA)
      add_llama_windows (plan, plan->tokens->len, piece->tokens->len, piece->first, n_ctx);
    else if (piece->tokens->len > 1)
      add_windows (plan, plan->tokens->len, piece->tokens->len, piece->first, n_ctx);
    g_array_append_vals (plan->tokens, piece->tokens->data, piece->tokens->len);
  }
  if (plan->windows->len > 0)
    return g_steal_pointer (&plan);
  fail_nothing (plan, windows, n_ctx, error);
  return NULL;
}
