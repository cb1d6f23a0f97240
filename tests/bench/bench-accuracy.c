/* SPDX-License-Identifier: GPL-3.0-or-later */

/* bench-accuracy MODEL TEXT [TOKENS-OUT | ROUNDED EXACT]
 *
 * What 8-bit activations cost: the mean KL divergence of the model's distributions from those with f32 activations, over
 * the first 400 tokens of a text. With TOKENS-OUT the tokens are written, one a line, for another program; its logits of
 * both kinds (raw f32, [tokens][vocabulary]) are then judged the same way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../engine/qe-divergence.h"
#include "qe.h"

#define N 400

static void *
read_file (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  long n = f && fseek (f, 0, SEEK_END) == 0 ? ftell (f) : -1;
  char *data = n >= 0 ? calloc ((size_t) n + 1, 1) : NULL;
  if (data) {
    rewind (f);
    *size = fread (data, 1, (size_t) n, f);
  }
  if (f)
    fclose (f);
  return data;
}

typedef struct {
  float *logits; /* [N][n_vocab] */
  size_t n_vocab;
} Scores;

static bool
keep (void *data, size_t row, const float *logits)
{
  Scores *s = data;
  memcpy (s->logits + row * s->n_vocab, logits, s->n_vocab * sizeof *logits);
  return true;
}

static float *
score (QeModel *model, const int32_t *ids, size_t n, QeError *err)
{
  QeContextParams params = { .n_ctx = N };
  QeContext *context = NULL;
  Scores s = { .n_vocab = qe_model_info (model)->n_vocab };
  s.logits = calloc (N * s.n_vocab, sizeof *s.logits);
  if (!s.logits || qe_context_new (&context, model, &params, err) != QE_OK
      || qe_context_score (context, ids, n, 0, keep, &s, NULL, err) != QE_OK) {
    free (s.logits);
    s.logits = NULL;
  }
  qe_context_free (context);
  return s.logits;
}

static int
quern (QeModel *model, const int32_t *ids, size_t n, QeError *err)
{
  setenv ("QE_ACTIVATIONS", "f32", 1);
  float *exact = score (model, ids, n, err);
  unsetenv ("QE_ACTIVATIONS");
  float *rounded = exact ? score (model, ids, n, err) : NULL;
  if (rounded)
    printf ("%.3e\n", qe_mean_divergence (exact, rounded, n, qe_model_info (model)->n_vocab));
  free (exact);
  free (rounded);
  return rounded ? 0 : 1;
}

static int
others (const char *rounded_path, const char *exact_path, size_t n, size_t n_vocab)
{
  size_t sizes[2] = { 0, 0 }, want = n * n_vocab * sizeof (float);
  float *rounded = read_file (rounded_path, &sizes[0]), *exact = read_file (exact_path, &sizes[1]);
  bool ok = rounded && exact && sizes[0] == want && sizes[1] == want;
  if (ok)
    printf ("%.3e\n", qe_mean_divergence (exact, rounded, n, n_vocab));
  else
    fprintf (stderr, "bench-accuracy: %zu and %zu bytes of logits, expected %zu\n", sizes[0], sizes[1], want);
  free (rounded);
  free (exact);
  return ok ? 0 : 1;
}

static int
write_tokens (const char *path, const int32_t *ids, size_t n)
{
  FILE *f = fopen (path, "w");
  for (size_t i = 0; f && i < n; i++)
    fprintf (f, "%d\n", ids[i]);
  return f && fclose (f) == 0 ? 0 : 1;
}

int
main (int argc, char **argv)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  int32_t *ids = NULL;
  size_t size = 0, n = 0;
  int status = 2;
  char *text = argc >= 3 ? read_file (argv[2], &size) : NULL;
  if (!text) {
    fprintf (stderr, "usage: bench-accuracy MODEL TEXT [TOKENS-OUT | ROUNDED EXACT]\n");
  } else if (qe_model_open (&model, argv[1], NULL, &err) != QE_OK
             || qe_tokenize (model, text, size < 4000 ? size : 4000, NULL, 0, &ids, &n, &err) != QE_OK) {
    status = 1;
  } else {
    n = n < N ? n : N;
    status = argc > 4 ? others (argv[3], argv[4], n, qe_model_info (model)->n_vocab) : quern (model, ids, n, &err);
    if (status == 0 && argc == 4)
      status = write_tokens (argv[3], ids, n);
  }
  if (err.message[0])
    fprintf (stderr, "bench-accuracy: %s\n", err.message);
  free (ids);
  free (text);
  qe_model_free (model);
  return status;
}
