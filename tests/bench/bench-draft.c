/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-draft FILE [-t THREADS] [-r ROUNDS] [edit|prose]
 * What speculative decoding gains and costs: the same answers with drafts and without, in turn. A model of random
 * weights says nothing, so the sampler follows texts that a trained one would say (a word is a token):
 *
 *   edit   a text of which every ninth sentence is changed, asked for after it was read
 *   prose  an answer that shares no more than common words with what was read
 *
 * Prints one JSON object: tokens a second, medians of the rounds, and how many drafted tokens were right. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS_MAX 16
#define ANSWER 160 /* tokens */
#define TURN 8

static const char source[] =
    "The harbour was built when the town still lived from herring. Every morning the boats came in before the sun, and the "
    "women of the quay sorted the catch on long tables of oak. What was good went to the smokehouse, what was small went to "
    "the gulls. In the winter of the great storm the sea took two of the tables and the roof of the smokehouse, and for a "
    "year there was no fish to be had but salted. The council then voted for a wall. It was to be forty paces long and as "
    "high as a man can reach, of the grey stone that is found behind the mill. The mason asked for two summers and needed "
    "five. When it was done, nobody could see the sea from the lower street, and there were many who said that the storm "
    "had been the smaller evil. Yet the wall has held. Children walk on it in the evening, lovers carve their names into "
    "it, and once a year, on the day of the storm, the priest reads the names of those who were lost. The herring has "
    "gone elsewhere since. The boats that are left carry visitors to the islands, and the smokehouse sells postcards.";

static const char edited[] =
    "The harbour was built when the town still lived from herring. Every morning the boats came in before sunrise, and the "
    "women of the quay sorted the catch on long tables of oak. What was good went to the smokehouse, what was small went to "
    "the gulls. In the winter of the great storm the sea took two of the tables and the roof of the smokehouse, and for a "
    "year there was no fish to be had but salted. The council then decided to build a wall. It was to be forty paces long "
    "and as high as a man can reach, of the grey stone that is found behind the mill. The mason asked for two summers and "
    "needed five. When it was done, nobody could see the sea from the lower street, and many people said that the storm had "
    "been the smaller evil.";

static const char prose[] =
    "Bread rises because yeast eats sugar and gives off gas, which the dough holds like a balloon. Warm water wakes the yeast "
    "up; hot water kills it. Knead until a piece can be stretched so thin that light shines through, then let it rest under a "
    "cloth. After an hour it should be twice as large. Press it flat, fold it like a letter and shape it, and give it half an "
    "hour more while your oven gets as hot as it can. Steam in those first ten minutes keeps its crust soft enough to spread, "
    "so pour boiling water into an old tray below. Tap on its base: if that sounds hollow, your loaf is ready. Cut only when "
    "cool, however hard waiting may be, since crumbs set while they lose moisture. Rye flour behaves differently because it "
    "contains less gluten and more of those sticky sugars that bakers call pentosans; it wants sour dough instead.";

/* One token for each word and each mark; equal words are equal tokens, none of them special. */
static size_t
split (const char *text, int32_t *out, size_t max)
{
  size_t n = 0;
  while (*text && n < max) {
    uint32_t hash = 2166136261u;
    const char *start = text;
    while (isalpha ((unsigned char) *text))
      hash = (hash ^ (unsigned char) *text++) * 16777619u;
    if (text == start)
      hash = (hash ^ (unsigned char) *text++) * 16777619u;
    if (*start != ' ')
      out[n++] = (int32_t) (1000 + hash % 200000);
  }
  return n;
}

static QeStatus
read_source (QeContext *context, QeError *err)
{
  int32_t tokens[1024];
  const size_t n = split (source, tokens, 1024);
  return prefill_tokens (context, tokens, n, err);
}

/* A context that says a text. */
typedef struct {
  QeContext *context;
  QeSampler *sampler;
  int32_t answer[ANSWER];
  size_t n_answer, done;
  double seconds;
} Speaker;

static QeStatus
begin (Speaker *s, QeContext *context, const char *text, QeError *err)
{
  const QeSamplerParams params = { .temperature = 1, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1, .seed = 1 };
  QeStatus status = read_source (context, err);
  *s = (Speaker) { .context = context };
  s->n_answer = split (text, s->answer, ANSWER);
  if (status == QE_OK)
    status = qe_sampler_new (&s->sampler, &params, err);
  if (status == QE_OK)
    qe_sampler_follow (s->sampler, s->answer, s->n_answer);
  return status;
}

/* At least n more tokens, or to the end of the text. */
static QeStatus
say (Speaker *s, size_t n, QeError *err)
{
  const size_t end = s->done + n < s->n_answer ? s->done + n : s->n_answer;
  const double start = qe_clock_seconds ();
  QeStatus status = QE_OK;
  while (status == QE_OK && s->done < end) {
    int32_t tokens[QE_STEP_MAX];
    size_t more;
    status = qe_context_step (s->context, s->sampler, NULL, tokens, &more, err);
    for (size_t i = 0; status == QE_OK && i < more && s->done + i < s->n_answer; i++)
      if (tokens[i] != s->answer[s->done + i])
        status = QE_ERROR_NUMERIC;
    s->done += more;
  }
  s->seconds += qe_clock_seconds () - start;
  return status;
}

/* Both say the text, a few tokens each in turn, as the speed of memory may change at any time. */
static QeStatus
say_both (QeContext *const contexts[2], const char *text, double rates[2], QeError *err)
{
  Speaker s[2] = { { NULL }, { NULL } };
  QeStatus status = QE_OK;
  for (int k = 0; status == QE_OK && k < 2; k++)
    status = begin (&s[k], contexts[k], text, err);
  while (status == QE_OK && (s[0].done < s[0].n_answer || s[1].done < s[1].n_answer))
    for (int k = 0; status == QE_OK && k < 2; k++)
      status = say (&s[k], TURN, err);
  for (int k = 0; k < 2; k++) {
    rates[k] = (double) s[k].done / s[k].seconds;
    qe_sampler_free (s[k].sampler);
  }
  return status;
}

static QeStatus
measure (QeContext *contexts[2], size_t rounds, const char *name, const char *text, const char *end, QeError *err)
{
  double rates[2][ROUNDS_MAX], both[2];
  QeDecodeStats before, after;
  QeStatus status = say_both (contexts, text, both, err); /* not counted: the sketch is made */
  qe_context_decode_stats (contexts[1], &before);
  for (size_t i = 0; status == QE_OK && i < rounds; i++) {
    status = say_both (contexts, text, both, err);
    rates[0][i] = both[0];
    rates[1][i] = both[1];
  }
  qe_context_decode_stats (contexts[1], &after);
  if (status == QE_OK)
    printf ("\"%s\": {\"plain\": %.2f, \"drafts\": %.2f, \"drafted\": %llu, \"accepted\": %llu}%s", name,
            median (rates[0], rounds), median (rates[1], rounds), (unsigned long long) (after.drafted - before.drafted),
            (unsigned long long) (after.accepted - before.accepted), end);
  return status;
}

int
main (int argc, char **argv)
{
  QeContextParams params = { .n_ctx = 1024, .sketch = true };
  QeContext *contexts[2] = { NULL, NULL };
  QeModel *model = NULL;
  QeError err = { 0 };
  size_t rounds = 2;
  int c;
  while ((c = getopt (argc, argv, "t:r:")) != -1) {
    const size_t value = c == '?' ? 0 : strtoul (optarg, NULL, 10);
    if (c == 't')
      params.n_threads = (unsigned) value;
    else if (c == 'r' && value && value <= ROUNDS_MAX)
      rounds = value;
    else
      return 2;
  }
  const char *only = optind + 2 == argc ? argv[optind + 1] : NULL;
  if (optind + 1 != argc && !only) {
    fprintf (stderr, "usage: bench-draft FILE [-t THREADS] [-r ROUNDS] [edit|prose]\n");
    return 2;
  }
  QeStatus status = qe_model_open (&model, argv[optind], NULL, &err);
  for (int i = 0; status == QE_OK && i < 2; i++) {
    params.speculative = i;
    status = qe_context_new (&contexts[i], model, &params, &err);
  }
  printf ("{");
  if (status == QE_OK && (!only || strcmp (only, "edit") == 0))
    status = measure (contexts, rounds, "edit", edited, only ? "" : ", ", &err);
  if (status == QE_OK && (!only || strcmp (only, "prose") == 0))
    status = measure (contexts, rounds, "prose", prose, "", &err);
  printf ("}\n");
  if (status != QE_OK)
    fprintf (stderr, "bench-draft: %s\n", err.message[0] ? err.message : "the answer was not the given one");
  qe_context_free (contexts[0]);
  qe_context_free (contexts[1]);
  qe_model_free (model);
  return status == QE_OK ? 0 : 1;
}
