/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-grammar FILE [-t THREADS] [-n PAIRS] [-s]
 * What following a JSON schema costs: two contexts in one process, one with a list of records of 20 members as the schema, six
 * tokens of each in turn, with the sampler of a conversation; -s: with the sketch of the head. Both write the same text,
 * chosen beforehand at random among what the schema allows; the grammar that the clock sees has no masks yet. Prints as
 * JSON the times of what is done once, of new masks, medians of the time of a token, and the ratio of the times of all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "model/qe-model.h"
#include "sampler/qe-grammar.h"

#define TOKENS_IN_TURN 6
#define WARM_TOKENS 48
#define PAIRS_MAX 300
#define TEXT_MAX (WARM_TOKENS + (PAIRS_MAX + 1) * TOKENS_IN_TURN + QE_STEP_MAX)

static const char schema[] =
    "{\"type\": \"array\", \"items\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"name\": {\"type\": \"string\"}, \"first_name\": {\"type\": \"string\"}, \"age\": {\"type\": \"integer\", \"minimum\": 0, "
    "\"maximum\": 150}, \"email\": {\"type\": \"string\"}, \"phone\": {\"type\": [\"string\", \"null\"]}, \"active\": "
    "{\"type\": \"boolean\"}, \"role\": {\"enum\": [\"admin\", \"user\", \"guest\"]}, \"score\": {\"type\": \"number\"}, \"tags\": "
    "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}, \"street\": {\"type\": \"string\"}, \"city\": {\"type\": \"string\"}, "
    "\"zip\": {\"type\": \"string\", \"maxLength\": 40}, \"country\": {\"type\": \"string\"}, \"born\": {\"type\": \"string\", "
    "\"format\": \"date\"}, \"employer\": {\"type\": \"string\"}, \"title\": {\"type\": \"string\"}, \"salary\": {\"type\": "
    "\"integer\"}, \"note\": {\"type\": \"string\", \"maxLength\": 200}, \"website\": {\"type\": \"string\"}, \"verified\": "
    "{\"type\": \"boolean\"}}, \"required\": [\"name\", \"first_name\", \"age\", \"email\", \"phone\", \"active\", \"role\", \"score\", "
    "\"tags\", \"street\", \"city\", \"zip\", \"country\", \"born\", \"employer\", \"title\", \"salary\", \"note\", \"website\", "
    "\"verified\"]}}";

typedef struct {
  QeContext *context;
  QeSampler *sampler;
} Side;

static double mask_times[TEXT_MAX];
static size_t n_masks;

static uint64_t
next_random (uint64_t *state)
{
  uint64_t x = *state += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* Writes a text that the schema allows: strings of some five tokens, little white space, and never the end. Notes how long
 * new masks take. Returns false if there is none. */
static bool
make_valid_text (const QeModel *model, QeGrammar *grammar, int32_t *text, size_t n)
{
  uint64_t state = 1, serial = 0;
  for (size_t i = 0; i < n; i++) {
    const double start = qe_clock_seconds ();
    const QeGrammarMask *mask = qe_grammar_mask (grammar);
    const double taken = qe_clock_seconds () - start;
    uint64_t weight = 0;
    if (!mask)
      return false;
    if (mask->serial > serial) {
      mask_times[n_masks++] = taken;
      serial = mask->serial;
    }
    text[i] = -1;
    const bool closes = !mask->few && next_random (&state) % 5 == 0;
    for (int32_t id = 0; id < (int32_t) mask->n_rows; id++) {
      size_t length;
      bool is_control;
      if (!(mask->bits[id / 64] >> (id % 64) & 1) || qe_token_ends_generation (model, id))
        continue;
      const char *bytes = qe_token_bytes (model, id, &length, &is_control);
      const bool wanted = mask->few ? *bytes != ' ' && *bytes != '\n' && *bytes != ']'
                                    : closes == (*bytes == '"') && !memchr (bytes, '\\', length);
      const uint64_t own = wanted ? 100000000 : 1;
      weight += own;
      if (next_random (&state) % weight < own)
        text[i] = id;
    }
    if (text[i] < 0)
      return false;
    qe_grammar_accept (grammar, text[i]);
  }
  return true;
}

static QeStatus
measure (const Side sides[2], size_t pairs, QeError *err)
{
  double times[2][PAIRS_MAX], sums[2] = { 0, 0 };
  QeStatus status = QE_OK;
  for (size_t i = 0; i < pairs; i++) {
    for (int k = 0; status == QE_OK && k < 2; k++) {
      const double start = qe_clock_seconds ();
      status = step (sides[k].context, sides[k].sampler, TOKENS_IN_TURN, err);
      times[k][i] = (qe_clock_seconds () - start) / TOKENS_IN_TURN;
    }
    sums[0] += times[0][i];
    sums[1] += times[1][i];
  }
  if (status == QE_OK)
    printf ("\"free_ms\": %.3f, \"grammar_ms\": %.3f, \"ratio\": %.4f}\n", 1e3 * median (times[0], pairs),
            1e3 * median (times[1], pairs), sums[1] / sums[0]);
  return status;
}

int
main (int argc, char **argv)
{
  static int32_t text[TEXT_MAX];
  QeContextParams params = { .n_ctx = TEXT_MAX + 64 };
  Side sides[2] = { { NULL, NULL }, { NULL, NULL } };
  QeGrammar *grammars[2] = { NULL, NULL };
  QeModel *model = NULL;
  QeError err = { 0 };
  size_t pairs = 100;
  int c;
  while ((c = getopt (argc, argv, "n:st:")) != -1) {
    const size_t value = c == 's' || c == '?' ? 0 : strtoul (optarg, NULL, 10);
    if (c == 't')
      params.n_threads = (unsigned) value;
    else if (c == 's')
      params.sketch = true;
    else if (c == 'n' && value && value <= PAIRS_MAX)
      pairs = value;
    else
      return 2;
  }
  if (optind + 1 != argc) {
    fprintf (stderr, "usage: bench-grammar FILE [-t THREADS] [-n PAIRS] [-s]\n");
    return 2;
  }
  const size_t n_text = WARM_TOKENS + (pairs + 1) * TOKENS_IN_TURN + QE_STEP_MAX;
  QeStatus status = qe_model_open (&model, argv[optind], NULL, &err);
  if (status == QE_OK) {
    const double start = qe_clock_seconds ();
    qe_tokenizer_trie (qe_model_tokenizer (model));
    const double between = qe_clock_seconds ();
    status = qe_grammar_from_schema (&grammars[0], model, schema, strlen (schema), &err);
    printf ("{\"tree_ms\": %.1f, \"compile_ms\": %.2f, ", 1e3 * (between - start),
            1e3 * (qe_clock_seconds () - between));
  }
  if (status == QE_OK && !make_valid_text (model, grammars[0], text, n_text))
    status = qe_grammar_problem (grammars[0], &err);
  if (status == QE_OK)
    status = qe_grammar_from_schema (&grammars[1], model, schema, strlen (schema), &err);
  for (int k = 0; status == QE_OK && k < 2; k++) {
    status = qe_context_new (&sides[k].context, model, &params, &err);
    if (status == QE_OK)
      status = new_follower (&sides[k].sampler, model, text, n_text, &err);
    if (status == QE_OK)
      status = prefill_tokens (sides[k].context, text, 16, &err);
    if (status == QE_OK)
      qe_sampler_set_grammar (sides[k].sampler, k ? grammars[1] : NULL, -1);
    if (status == QE_OK)
      status = step (sides[k].context, sides[k].sampler, WARM_TOKENS, &err);
  }
  if (status == QE_OK) {
    double sum = 0;
    for (size_t i = 0; i < n_masks; i++)
      sum += mask_times[i];
    const double middle = median (mask_times, n_masks);
    printf ("\"masks\": %zu, \"mask_ms_mean\": %.3f, \"mask_ms_median\": %.3f, \"mask_ms_most\": %.3f, ", n_masks,
            1e3 * sum / (double) n_masks, 1e3 * middle, 1e3 * mask_times[n_masks - 1]);
    status = measure (sides, pairs, &err);
  }
  if (status != QE_OK)
    fprintf (stderr, "bench-grammar: %s\n", err.message);
  for (int k = 0; k < 2; k++) {
    qe_sampler_free (sides[k].sampler);
    qe_context_free (sides[k].context);
    qe_grammar_free (grammars[k]);
  }
  qe_model_free (model);
  return status == QE_OK ? 0 : 1;
}
