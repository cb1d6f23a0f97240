/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is recommended for a computer, and that it never is what does not fit. */

#include <string.h>

#include "quern-advisor.h"
#include "quern-model-private.h"
#include "test-util.h"

#define GB 1000000000ull

static QuernAdvice
advise (guint64 memory, guint64 disk, double bandwidth)
{
  QuernMachine machine = { memory, disk, bandwidth };
  QuernAdvice advice;
  g_autofree char *reason = NULL;

  quern_advisor_recommend (&machine, &advice);
  reason = quern_advisor_explain (&machine, &advice);
  g_assert_cmpstr (reason, !=, "");
  if (advice.size != NULL) {
    g_assert_cmpuint (advice.needs.memory, <, memory);
    g_assert_cmpuint (advice.needs.file, <=, disk);
  }
  return advice;
}

static void
test_small_computer (void)
{
  g_assert_cmpstr (advise (3 * GB, 100 * GB, 20e9).size->label, ==, "2B");
  g_assert_null (advise (GB / 2, 100 * GB, 20e9).size);
  g_assert_null (advise (0, 100 * GB, 20e9).size);
}

/* A mixture of experts answers fast where a dense model of the same size crawls. */
static void
test_slow_memory (void)
{
  QuernAdvice advice = advise (32 * GB, 500 * GB, 40e9);
  g_assert_cmpstr (advice.size->label, ==, "35B-A3B");
  advice = advise (20 * GB, 500 * GB, 40e9);
  g_assert_cmpstr (advice.size->label, ==, "9B");
  g_assert_true (advice.limited_by_speed == FALSE || advice.needs.speed >= 5);
}

/* Who lets a model think waits for thousands of tokens: more bits for a smaller model are worth less than a better one, and
 * a model that fits is not advised where it would take a quarter of an hour. */
static void
test_thinking (void)
{
  g_autofree char *times = quern_advisor_dup_times (12), *unknown = quern_advisor_dup_times (0);
  QuernAdvice advice = advise (24 * GB, 500 * GB, 30e9); /* 9B at Q8_0 would fit; it would think for 17 minutes */

  g_assert_cmpstr (advice.size->label, ==, "4B");
  g_assert_cmpstr (advice.quantisation, ==, "Q4_K_M");
  g_assert_cmpfloat (quern_advisor_thought_seconds (advice.needs.speed), <, 480);
  g_assert_cmpstr (times, ==, "a short answer in about 10 s, a thought-through one in about 4 min");
  g_assert_cmpstr (unknown, ==, "");
  g_assert_cmpfloat (quern_advisor_thought_seconds (20), <, quern_advisor_thought_seconds (10));
  /* What is slow everywhere still gets an advice. */
  g_assert_cmpstr (advise (24 * GB, 500 * GB, 1e9).size->label, ==, "0.8B");
}

/* A mixture that just fits wins over a dense model that is four times slower. */
static void
test_mixture (void)
{
  QuernAdvice advice = advise (26 * GB, 500 * GB, 120e9);

  g_assert_cmpstr (advice.size->label, ==, "35B-A3B");
  g_assert_cmpint (advice.needs.fit, ==, QUERN_FIT_TIGHT);
}

static void
test_full_disk (void)
{
  g_assert_cmpstr (advise (32 * GB, 3 * GB, 40e9).size->label, ==, "4B");
  g_assert_null (advise (32 * GB, GB / 4, 40e9).size);
}

static void
test_large_computer (void)
{
  QuernAdvice advice = advise (1000 * GB, 2000 * GB, 400e9);
  g_assert_cmpstr (advice.size->label, ==, "397B-A17B");
  g_assert_cmpstr (advice.quantisation, ==, "Q8_0");
}

static void
test_fit (void)
{
  QuernMachine machine = { 10 * GB, 0, 0 }, unknown = { 0 };

  g_assert_cmpint (quern_advisor_fit (&machine, 8 * GB), ==, QUERN_FIT_YES);
  g_assert_cmpint (quern_advisor_fit (&machine, 9 * GB), ==, QUERN_FIT_TIGHT);
  g_assert_cmpint (quern_advisor_fit (&machine, 11 * GB), ==, QUERN_FIT_NO);
  g_assert_cmpint (quern_advisor_fit (&unknown, 1), ==, QUERN_FIT_UNKNOWN);
  g_assert_cmpfloat (quern_advisor_speed (&machine, 1e9), ==, 0);
  machine.bandwidth = 40e9; /* decoding does not reach all of it */
  g_assert_cmpfloat (quern_advisor_speed (&machine, 1e9), >, 30);
  g_assert_cmpfloat (quern_advisor_speed (&machine, 1e9), <, 40);
}

/* The best of several measurements counts, with its date; for a month. */
static void
test_remember (void)
{
  const gint64 day = 24 * 60 * 60, begin = 1000 * day;
  QuernMachine machine = { .bandwidth = 10e9 };

  _quern_machine_remember (&machine, begin);
  g_assert_cmpfloat (machine.bandwidth, ==, 10e9);
  g_assert_cmpint (machine.measured, ==, begin);
  machine.bandwidth = 4e9; /* disturbed */
  _quern_machine_remember (&machine, begin + day);
  g_assert_cmpfloat (machine.bandwidth, ==, 10e9);
  g_assert_cmpint (machine.measured, ==, begin);
  machine.bandwidth = 12e9;
  _quern_machine_remember (&machine, begin + 2 * day);
  g_assert_cmpfloat (machine.bandwidth, ==, 12e9);
  machine.bandwidth = 0; /* not measured: what is known */
  _quern_machine_remember (&machine, begin + 3 * day);
  g_assert_cmpfloat (machine.bandwidth, ==, 12e9);
  g_assert_cmpint (machine.measured, ==, begin + 2 * day);
  machine.bandwidth = 8e9; /* other memory, perhaps */
  _quern_machine_remember (&machine, begin + 40 * day);
  g_assert_cmpfloat (machine.bandwidth, ==, 8e9);
  machine.bandwidth = 0; /* a clock that went back */
  _quern_machine_remember (&machine, begin);
  g_assert_cmpfloat (machine.bandwidth, ==, 0);
  g_assert_cmpint (machine.measured, ==, 0);
}

/* Without /proc nobody knows how much memory is free, which is not none. */
static void
test_unknown (void)
{
  g_autofree char *root = test_folder (), *proc = g_build_filename (root, "proc", NULL);
  g_autofree char *meminfo = g_build_filename (proc, "meminfo", NULL), *reason = NULL;
  const QuernMachine machine = { .memory = QUERN_MEMORY_UNKNOWN, .bandwidth = 20e9, .disk = 1000000000000 };
  QuernAdvice advice;

  g_assert_cmpuint (_quern_memory_available_in (root), ==, QUERN_MEMORY_UNKNOWN);
  g_assert_cmpint (g_mkdir (proc, 0700), ==, 0);
  g_assert_true (g_file_set_contents (meminfo, "MemTotal: 100 kB\n", -1, NULL));
  g_assert_cmpuint (_quern_memory_available_in (root), ==, QUERN_MEMORY_UNKNOWN);
  g_assert_true (g_file_set_contents (meminfo, "MemTotal: 100 kB\nMemAvailable: 50 kB\n", -1, NULL));
  g_assert_cmpuint (_quern_memory_available_in (root), ==, 50 * 1024);
  g_assert_cmpint (quern_advisor_fit (&machine, 1000), ==, QUERN_FIT_UNTOLD);
  quern_advisor_recommend (&machine, &advice);
  g_assert_null (advice.size);
  reason = quern_advisor_explain (&machine, &advice);
  g_assert_cmpstr (reason, ==, "Could not determine how much memory is free.");
  test_remove_folder (root);
}

static void
test_measure (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernMachine machine;

  quern_machine_measure_async (NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_machine_measure_finish (result, &machine, &error));
  g_assert_cmpfloat (machine.bandwidth, >, 0); /* a machine may be slow */
  g_assert_cmpuint (machine.memory, >, 1024 * 1024);
  g_assert_cmpint (machine.measured, >, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = test_folder ();
  int code;

  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/advisor/small-computer", test_small_computer);
  g_test_add_func ("/advisor/slow-memory", test_slow_memory);
  g_test_add_func ("/advisor/thinking", test_thinking);
  g_test_add_func ("/advisor/mixture", test_mixture);
  g_test_add_func ("/advisor/full-disk", test_full_disk);
  g_test_add_func ("/advisor/large-computer", test_large_computer);
  g_test_add_func ("/advisor/fit", test_fit);
  g_test_add_func ("/advisor/remember", test_remember);
  g_test_add_func ("/advisor/unknown", test_unknown);
  g_test_add_func ("/advisor/measure", test_measure);
  code = g_test_run ();
  test_remove_folder (folder);
  return code;
}
