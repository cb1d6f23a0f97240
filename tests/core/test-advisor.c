/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is recommended for a computer, and that it never is what does not fit. */

#include "quern-advisor.h"

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
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/advisor/small-computer", test_small_computer);
  g_test_add_func ("/advisor/slow-memory", test_slow_memory);
  g_test_add_func ("/advisor/full-disk", test_full_disk);
  g_test_add_func ("/advisor/large-computer", test_large_computer);
  g_test_add_func ("/advisor/fit", test_fit);
  return g_test_run ();
}
