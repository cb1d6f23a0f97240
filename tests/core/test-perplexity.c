/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quern measures in the way of llama-perplexity: its figures against those that llama-perplexity itself gave for the same
 * files and texts, which tests/data/perplexity/record.py recorded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quern-measure-llama.h"
#include "quern-sha256.h"
#include "test-compare-util.h"

/* How near figures have to be. Without rounding of activations both programs do the same, and what is left is the base file of
 * llama-perplexity, which keeps logarithms in steps of 2.4e-4 and raises everything below e^-16 to that: of a vocabulary of
 * 2048 tokens, 2e-4 of the probability, some nats off. Means hardly feel that, percentiles of small divergences do; and a
 * percentile is one position, where the next one may be a few per cent away.
 *
 * With rounding llama.cpp has one scale for 256 activations where Quern has one for each 32, so that models differ a little
 * less from their reference here. */
typedef struct {
  const char *activations; /* of the recorded runs */
  double mean, percentile; /* shares */
  double absolute;         /* nats, of percentiles */
  double same_top;         /* standard errors */
} Tolerance;

static const Tolerance exact = { "f32", 0.02, 0.03, 7e-4, 1 };
static const Tolerance rounded = { "8-bit", 0.05, 0.1, 5e-3, 2 };

static JsonObject *
recorded (void)
{
  static JsonParser *parser;
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "perplexity", "llama-perplexity.json", NULL);
  g_autoptr (GError) error = NULL;

  if (!parser) {
    parser = json_parser_new ();
    json_parser_load_from_file (parser, path, &error);
    g_assert_no_error (error);
  }
  return json_node_get_object (json_parser_get_root (parser));
}

/* The text must be the one that was recorded; else record.py has to run again. */
static char *
dup_text (const char *name)
{
  g_autofree char *path = g_str_equal (name, "LICENSE")
                              ? g_build_filename (g_getenv ("QUERN_TEST_DATA"), "..", "..", name, NULL)
                              : g_build_filename (g_getenv ("QUERN_TEST_DATA"), "perplexity", name, NULL);
  char *text;
  gsize size;

  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_autofree char *sha256 = quern_sha256_of_data (text, size);
  g_assert_cmpstr (sha256, ==,
                   json_object_get_string_member (json_object_get_object_member (recorded (), "texts"), name));
  return text;
}

static JsonObject *
find_run (const char *text, const char *activations, const char *quantisation)
{
  JsonArray *runs = json_object_get_array_member (recorded (), "runs");

  for (guint i = 0; i < json_array_get_length (runs); i++) {
    JsonObject *run = json_array_get_object_element (runs, i);
    if (g_str_equal (json_object_get_string_member (run, "text"), text)
        && g_str_equal (json_object_get_string_member (run, "activations"), activations)
        && g_str_equal (json_object_get_string_member (run, "quantisation"), quantisation))
      return run;
  }
  g_assert_not_reached ();
}

/* The first number of the line of a block that begins like this. */
static double
number_in (const char *const *lines, const char *beginning, double *error)
{
  for (; *lines; lines++)
    if (g_str_has_prefix (*lines, beginning)) {
      char *end;
      double value = g_ascii_strtod (strchr (*lines, ':') + 1, &end);
      if (error)
        *error = g_ascii_strtod (strstr (end, "±") + strlen ("±"), NULL);
      return value;
    }
  g_error ("no line begins with “%s”", beginning);
}

static void
assert_near (const char *what, const char *quantisation, double value, double expected, double share, double absolute)
{
  g_test_message ("%s %s: %.6f, llama-perplexity %.6f (%+.2f %%)", quantisation, what, value, expected,
                  100 * (value / expected - 1));
  g_assert_cmpfloat (fabs (value - expected), <=, share * fabs (expected) + absolute);
}

static void
check_block (QuernMeasure *measure, guint i, JsonObject *run, const Tolerance *tolerance)
{
  const char *quantisation = json_object_get_string_member (run, "quantisation");
  JsonArray *block = json_object_get_array_member (run, "block");
  g_autofree char *text = quern_measure_dup_llama_block (measure, i);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  g_autoptr (GPtrArray) theirs = g_ptr_array_new ();
  double error;

  /* Line by line the same words, up to the numbers. */
  g_assert_cmpuint (g_strv_length (lines), ==, json_array_get_length (block));
  for (guint k = 0; lines[k]; k++) {
    const char *line = json_array_get_string_element (block, k);
    gsize words = strchr (line, ':') ? (gsize) (strchr (line, ':') - line) : strlen (line);
    g_assert_cmpmem (lines[k], MIN (strlen (lines[k]), words), line, words);
    g_assert_cmpint (strstr (lines[k], "±") != NULL, ==, strstr (line, "±") != NULL);
    g_ptr_array_add (theirs, (gpointer) line);
  }
  g_ptr_array_add (theirs, NULL);
  const char *const *there = (const char *const *) theirs->pdata, *const *here = (const char *const *) lines;
  static const char *const percentiles[] = { "99.9%   KLD", "99.0%   KLD" };
  assert_near ("mean", quantisation, number_in (here, "Mean    KLD", NULL), number_in (there, "Mean    KLD", NULL),
               tolerance->mean, 0);
  for (guint k = 0; k < G_N_ELEMENTS (percentiles); k++)
    assert_near (percentiles[k], quantisation, number_in (here, percentiles[k], NULL),
                 number_in (there, percentiles[k], NULL), tolerance->percentile, tolerance->absolute);
  double same = number_in (there, "Same top p", &error);
  g_test_message ("%s same top: %.3f, llama-perplexity %.3f ± %.3f", quantisation, number_in (here, "Same top p", NULL),
                  same, error);
  g_assert_cmpfloat (fabs (number_in (here, "Same top p", NULL) - same), <=, tolerance->same_top * error);
}

static void
check_text (const char *text, const Tolerance *tolerance)
{
  const char *activations = tolerance->activations;
  static const char *const quantisations[] = { "F16", "Q8_0", "Q4_K_M", "Q2_K" };
  g_autofree char *content = dup_text (text);
  g_autoptr (QuernMeasure) measure = measure_of (content, "F16", "Q8_0", "Q4_K_M", "Q2_K", NULL);
  g_autoptr (GError) error = NULL;

  if (g_str_equal (activations, "f32"))
    g_setenv ("QE_ACTIVATIONS", "f32", TRUE);
  else
    g_unsetenv ("QE_ACTIVATIONS");
  quern_measure_set_windows (measure, QUERN_MEASURE_WINDOWS_LLAMA);
  quern_measure_set_context_size (measure,
                                  (guint) json_object_get_int_member (find_run (text, activations, "F16"), "context"));
  g_assert_true (run_measure (measure, NULL, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (quantisations); i++) {
    JsonObject *run = find_run (text, activations, quantisations[i]);
    assert_near ("perplexity", quantisations[i], summary_of (measure, i)->perplexity,
                 json_object_get_double_member (run, "perplexity"), 0.005, 0);
    /* the reference's, which the base file of llama-perplexity cuts off, is its own here */
    g_assert_cmpfloat_with_epsilon (summary_of (measure, i)->perplexity_reference, summary_of (measure, 0)->perplexity,
                                    1e-9 * summary_of (measure, 0)->perplexity);
    if (i > 0)
      check_block (measure, i, run, tolerance);
  }
}

static void
test_long (void)
{
  check_text ("LICENSE", &rounded);
}

static void
test_long_exact (void)
{
  check_text ("LICENSE", &exact);
}

static void
test_short_windows (void)
{
  check_text ("specification.txt", &rounded);
}

static void
test_short_windows_exact (void)
{
  check_text ("specification.txt", &exact);
}

/* What does not fill a window is left out; a text that fills none is refused, with its size. */
static void
test_windows (void)
{
  g_autofree char *content = dup_text ("LICENSE");
  g_autoptr (QuernMeasure) measure = measure_of (content, "Q8_0", NULL);
  g_autoptr (QuernMeasure) small = measure_of ("Too short.", "Q8_0", NULL);
  g_autoptr (GError) error = NULL;

  quern_measure_set_windows (measure, QUERN_MEASURE_WINDOWS_LLAMA);
  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_cmpuint (quern_measure_get_n_windows (measure), ==, quern_measure_get_n_tokens (measure) / 512);
  g_assert_cmpuint (quern_measured_get_n_positions (quern_measure_get_result (measure, 0)), ==,
                    255 * quern_measure_get_n_windows (measure));
  g_assert_cmpuint (quern_measure_get_position_token (measure, 0), ==, 257); /* what row 256 predicts */
  g_assert_cmpuint (quern_measure_get_position_token (measure, 254), ==, 511);
  g_assert_cmpuint (quern_measure_get_position_token (measure, 255), ==, 512 + 257);
  g_assert_nonnull (strstr (quern_measure_get_note (measure), "llama-perplexity"));
  quern_measure_set_windows (small, QUERN_MEASURE_WINDOWS_LLAMA);
  g_assert_false (run_measure (small, NULL, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
  g_assert_nonnull (strstr (error->message, "512"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/perplexity/windows", test_windows);
  g_test_add_func ("/perplexity/license", test_long);
  g_test_add_func ("/perplexity/license-exact", test_long_exact);
  g_test_add_func ("/perplexity/specification", test_short_windows);
  g_test_add_func ("/perplexity/specification-exact", test_short_windows_exact);
  return g_test_run ();
}
