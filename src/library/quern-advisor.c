/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-advisor.h"

#include "quern-library.h"

#include <glib/gi18n-lib.h>
#include <math.h>

/* Which size and quantisation suits a computer. Decoding reads every active weight once for each token, so that the
 * bandwidth of the memory divided by those bytes bounds the speed; the weights, the cache of the conversation and some
 * working memory must fit beside everything else that runs. */

#define WORKING_MEMORY (300 * 1000 * 1000.0) /* buffers of a prefill, tokenizer, vision */
#define ROOMY 0.85                           /* of the available memory; more than that is tight */
#define DECODE_SHARE 0.85                    /* of a plain read of memory: engine/doc/measurements-2026-11.md */

/* What people wait for. Tokens of a short answer, of one with its thoughts, and of a prompt that is read before it; tokens of
 * a prompt that are read in the time of one that is written, which few computers fall short of. */
#define SHORT_ANSWER 120
#define THOUGHT_ANSWER 2200
#define PROMPT 2000
#define READ_FOR_ONE 4
#define MOST_SECONDS (8 * 60)       /* until a thought-through answer is there, whatever model writes it */
#define COMFORTABLE_SECONDS (150.0) /* so that a better quantisation is worth its time */
#define MUCH_FASTER 4               /* a mixture of experts that is tight wins over a dense model by that */

/* Counted from the shapes of the published models (no MTP block, no vision). */
static const QuernFamilySize sizes[] = {
  { "0.8B", 0.752e9, 0.752e9, 12288, 80 },        { "2B", 1.882e9, 1.882e9, 12288, 80 },
  { "4B", 4.206e9, 4.206e9, 32768, 200 },         { "9B", 8.954e9, 8.954e9, 32768, 200 },
  { "27B", 26.896e9, 26.896e9, 65536, 600 },      { "35B-A3B", 34.661e9, 3.0e9, 20480, 260 },
  { "122B-A10B", 122.112e9, 10.0e9, 24576, 600 }, { "397B-A17B", 396.346e9, 17.0e9, 30720, 750 },
};

/* From the best down to the least that is worth having. */
static const struct {
  const char *name;
  double bits;
} quantisations[] = { { "Q8_0", 8.5 }, { "Q6_K", 6.56 }, { "Q4_K_M", 5.0 } };

guint
quern_advisor_get_n_sizes (void)
{
  return G_N_ELEMENTS (sizes);
}

const QuernFamilySize *
quern_advisor_get_size (guint index)
{
  g_return_val_if_fail (index < G_N_ELEMENTS (sizes), NULL);
  return &sizes[index];
}

/**
 * quern_advisor_fit:
 * @memory: bytes that a model needs
 */
QuernFit
quern_advisor_fit (const QuernMachine *machine, guint64 memory)
{
  if (machine->memory == 0)
    return QUERN_FIT_UNKNOWN;
  if (machine->memory == QUERN_MEMORY_UNKNOWN)
    return QUERN_FIT_UNTOLD;
  if (memory > machine->memory)
    return QUERN_FIT_NO;
  return memory > ROOMY * machine->memory ? QUERN_FIT_TIGHT : QUERN_FIT_YES;
}

/* Returns: tokens per second that may be expected; 0 when the bandwidth is not known */
double
quern_advisor_speed (const QuernMachine *machine, double bytes_per_token)
{
  return bytes_per_token > 0 ? DECODE_SHARE * machine->bandwidth / bytes_per_token : 0;
}

/**
 * quern_advisor_thought_seconds:
 * @speed: tokens per second that are written
 *
 * Returns: seconds until an answer with its thoughts is there, after a prompt of 2,000 tokens; 0 where the speed is unknown
 */
double
quern_advisor_thought_seconds (double speed)
{
  return speed > 0 ? (THOUGHT_ANSWER + (double) PROMPT / READ_FOR_ONE) / speed : 0;
}

/* Returns: (transfer full): "10 s", "3 min": no more digits than an estimate has */
static char *
about_seconds (double seconds)
{
  if (seconds < 9.5)
    return g_strdup_printf (_("%.0f s"), MAX (1, seconds));
  if (seconds < 57.5)
    return g_strdup_printf (_("%.0f s"), 5 * floor (seconds / 5 + 0.5));
  if (seconds < 600)
    return g_strdup_printf (_("%.0f min"), floor (seconds / 60 + 0.5));
  return g_strdup_printf (_("%.0f min"), 5 * floor (seconds / 300 + 0.5));
}

/**
 * quern_advisor_dup_times:
 * @speed: tokens per second that are written
 *
 * Returns: (transfer full): how long answers take, "" where the speed is unknown
 */
char *
quern_advisor_dup_times (double speed)
{
  g_autofree char *brief = NULL, *thought = NULL;

  if (!(speed > 0))
    return g_strdup ("");
  brief = about_seconds (SHORT_ANSWER / speed);
  thought = about_seconds (quern_advisor_thought_seconds (speed));
  /* Translators: times such as "10 s" and "3 min" */
  return g_strdup_printf (_("a short answer in about %s, a thought-through one in about %s"), brief, thought);
}

static double
bits_of (const char *quantisation)
{
  for (gsize i = 0; i < G_N_ELEMENTS (quantisations); i++)
    if (g_str_equal (quantisations[i].name, quantisation))
      return quantisations[i].bits;
  g_return_val_if_reached (5.0);
}

/**
 * quern_advisor_needs:
 * @quantisation: one of Q8_0, Q6_K, Q4_K_M
 *
 * Estimates what a size needs on this computer.
 */
void
quern_advisor_needs (const QuernMachine *machine, const QuernFamilySize *size, const char *quantisation,
                     QuernNeeds *needs)
{
  double bytes = bits_of (quantisation) / 8;

  needs->file = (guint64) (size->parameters * bytes);
  needs->memory = (guint64) (size->parameters * bytes + (double) size->kv_bytes * QUERN_ADVISOR_CONTEXT
                             + size->state_megabytes * 1e6 + WORKING_MEMORY);
  needs->speed = quern_advisor_speed (machine, size->active * bytes);
  needs->fit = quern_advisor_fit (machine, needs->memory);
  needs->disk_too_small = machine->disk > 0 && needs->file > machine->disk;
}

/* Takes it where it fits (@least: how well) and is fast enough (@most: seconds of an answer with its thoughts). */
static gboolean
try (const QuernMachine *machine, const QuernFamilySize *size, const char *quantisation, QuernFit least, double most,
     QuernAdvice *advice)
{
  QuernNeeds needs;

  quern_advisor_needs (machine, size, quantisation, &needs);
  if ((needs.fit != QUERN_FIT_YES && needs.fit != least) || needs.disk_too_small)
    return FALSE;
  if (quern_advisor_thought_seconds (needs.speed) > most) {
    advice->limited_by_speed = TRUE;
    return FALSE;
  }
  advice->size = size;
  advice->quantisation = quantisation;
  advice->needs = needs;
  return TRUE;
}

/**
 * quern_advisor_recommend:
 * @advice: (out caller-allocates): the advice
 *
 * The largest size that fits with room to spare at 4 bits and thinks an answer through in some minutes: a better model in fewer
 * bits is worth more than a smaller one in many. Of that a better quantisation where it fits and answers come soon. A
 * mixture of experts that just fits is preferred to a dense model that is far slower. Where all are slow it is the least.
 */
void
quern_advisor_recommend (const QuernMachine *machine, QuernAdvice *advice)
{
  *advice = (QuernAdvice) { 0 };
  if (machine->memory == 0)
    return;
  for (guint i = G_N_ELEMENTS (sizes); i > 0 && advice->size == NULL; i--)
    try (machine, &sizes[i - 1], "Q4_K_M", QUERN_FIT_YES, MOST_SECONDS, advice);
  if (advice->size == NULL && !try (machine, &sizes[0], "Q4_K_M", QUERN_FIT_YES, G_MAXDOUBLE, advice))
    return;
  for (gsize k = 0; k < G_N_ELEMENTS (quantisations); k++) {
    QuernAdvice better = *advice;
    if (try (machine, advice->size, quantisations[k].name, QUERN_FIT_YES, COMFORTABLE_SECONDS, &better)) {
      better.limited_by_speed = advice->limited_by_speed;
      *advice = better;
      break;
    }
  }
  for (guint i = G_N_ELEMENTS (sizes); i > 0 && advice->size->active == advice->size->parameters; i--) {
    QuernAdvice mixture = *advice;
    if (sizes[i - 1].active < sizes[i - 1].parameters
        && try (machine, &sizes[i - 1], "Q4_K_M", QUERN_FIT_TIGHT, MOST_SECONDS, &mixture)
        && mixture.needs.speed >= MUCH_FASTER * advice->needs.speed)
      *advice = mixture;
  }
}

/**
 * quern_advisor_explain:
 *
 * Returns: (transfer full): the reason for the advice, in a sentence or two
 */
char *
quern_advisor_explain (const QuernMachine *machine, const QuernAdvice *advice)
{
  g_autofree char *memory = g_format_size (machine->memory), *file = NULL, *needed = NULL, *times = NULL;
  g_autoptr (GString) text = NULL;

  if (machine->memory == 0 || machine->memory == QUERN_MEMORY_UNKNOWN)
    return g_strdup (_("Could not determine how much memory is free."));
  if (advice->size == NULL)
    return g_strdup_printf (_("With %s of free memory and the free disk space, none of these fits. Close other "
                              "applications or free up disk space, then try again."),
                            memory);
  file = g_format_size (advice->needs.file);
  needed = g_format_size (advice->needs.memory);
  times = quern_advisor_dup_times (advice->needs.speed);
  text = g_string_new (NULL);
  /* Translators: free memory, needed memory, size of the file */
  g_string_printf (text,
                   _("%s of memory is free, of which the model takes about %s; the download is about "
                     "%s."),
                   memory, needed, file);
  g_string_append_c (text, ' ');
  if (advice->needs.speed > 0)
    g_string_append_printf (text, _("The memory can be read at %.0f GB/s, enough for about %.0f tokens/s: %s."),
                            machine->bandwidth / 1e9, advice->needs.speed, times);
  if (advice->limited_by_speed) {
    g_string_append_c (text, ' ');
    g_string_append (text, _("A larger model would fit, but it would take many minutes to think."));
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
