/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-advisor.h"

#include "quern-library.h"

#include <glib/gi18n-lib.h>

/* Which size and quantisation suits a computer. Decoding reads every active weight once for each token, so that the
 * bandwidth of the memory divided by those bytes bounds the speed; the weights, the cache of the conversation and some
 * working memory must fit beside everything else that runs. */

#define WORKING_MEMORY (300 * 1000 * 1000.0) /* buffers of a prefill, tokenizer, vision */
#define ROOMY 0.85                           /* of the available memory; more than that is tight */
#define DECODE_SHARE 0.85                    /* of a plain read of memory: engine/doc/measurements-2026-11.md */
#define LEAST_SPEED 5.0                      /* tokens per second: about as fast as people read */

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

static gboolean
try (const QuernMachine *machine, const QuernFamilySize *size, const char *quantisation, QuernAdvice *advice)
{
  QuernNeeds needs;

  quern_advisor_needs (machine, size, quantisation, &needs);
  if (needs.fit != QUERN_FIT_YES || needs.disk_too_small)
    return FALSE;
  if (needs.speed > 0 && needs.speed < LEAST_SPEED) {
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
 * The largest size that fits with room to spare at 4 bits or more and is no slower than reading; of that the best
 * quantisation of which the same holds.
 */
void
quern_advisor_recommend (const QuernMachine *machine, QuernAdvice *advice)
{
  *advice = (QuernAdvice) { 0 };
  if (machine->memory == 0)
    return;
  for (guint i = G_N_ELEMENTS (sizes); i > 0 && advice->size == NULL; i--) {
    if (!try (machine, &sizes[i - 1], "Q4_K_M", advice))
      continue;
    for (gsize k = 0; k < G_N_ELEMENTS (quantisations); k++) {
      QuernAdvice better = *advice;
      if (try (machine, &sizes[i - 1], quantisations[k].name, &better)) {
        better.limited_by_speed = advice->limited_by_speed;
        *advice = better;
        break;
      }
    }
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
  g_autofree char *memory = g_format_size (machine->memory), *file = NULL, *needed = NULL;
  g_autoptr (GString) text = NULL;

  if (machine->memory == 0 || machine->memory == QUERN_MEMORY_UNKNOWN)
    return g_strdup (_("Could not determine how much memory is free."));
  if (advice->size == NULL)
    return g_strdup_printf (_("With %s of free memory and the free disk space, none of these fits. Close other "
                              "applications or free up disk space, then try again."),
                            memory);
  file = g_format_size (advice->needs.file);
  needed = g_format_size (advice->needs.memory);
  text = g_string_new (NULL);
  /* Translators: free memory, needed memory, size of the file */
  g_string_printf (text,
                   _("%s of memory is free, of which the model takes about %s; the download is about "
                     "%s."),
                   memory, needed, file);
  g_string_append_c (text, ' ');
  if (advice->needs.speed > 0)
    g_string_append_printf (text, _("The memory can be read at %.0f GB/s, enough for about %.0f tokens/s."),
                            machine->bandwidth / 1e9, advice->needs.speed);
  if (advice->limited_by_speed) {
    g_string_append_c (text, ' ');
    g_string_append (text, _("A larger model would fit, but it would answer more slowly than people read."));
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
