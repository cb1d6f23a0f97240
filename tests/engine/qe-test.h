/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A small TAP harness for tests of the engine, which must not need GLib.
 *
 *   QE_TEST (addition)
 *   {
 *     QE_CHECK (1 + 1 == 2);
 *     QE_REQUIRE (file != NULL);       // ends this test when it fails
 *     QE_CHECK_INT (n, ==, 3);
 *   }
 *
 * A file holds any number of tests and no main(). A failed check prints its place and values and the test goes on, so
 * that one run shows everything that is wrong. `test-x NAME…` runs only the tests named. */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qe.h"

typedef void (*QeTestFunc) (void);

void qe_test_add (const char *name, QeTestFunc func);
bool qe_test_check (bool ok, const char *file, int line, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));
void qe_test_note (const char *format, ...) __attribute__ ((format (printf, 1, 2))); /* a comment in the log */
void qe_test_skip (const char *why); /* the running test counts as skipped; return after it */

#define QE_TEST(name)                                                                                                  \
  static void test_##name (void);                                                                                      \
  __attribute__ ((constructor)) static void add_##name (void)                                                          \
  {                                                                                                                    \
    qe_test_add (#name, test_##name);                                                                                  \
  }                                                                                                                    \
  static void test_##name (void)

#define QE_CHECK(condition) qe_test_check (condition, __FILE__, __LINE__, "%s", #condition)
#define QE_REQUIRE(condition)                                                                                          \
  do {                                                                                                                 \
    if (!QE_CHECK (condition))                                                                                         \
      return;                                                                                                          \
  } while (0)

#define QE_CHECK_INT(a, op, b)                                                                                         \
  do {                                                                                                                 \
    long long check_a = (long long) (a), check_b = (long long) (b);                                                    \
    qe_test_check (check_a op check_b, __FILE__, __LINE__, "%s %s %s: %lld and %lld", #a, #op, #b, check_a, check_b);  \
  } while (0)

#define QE_CHECK_FLOAT(a, b, tolerance)                                                                                \
  do {                                                                                                                 \
    double check_a = (a), check_b = (b);                                                                               \
    qe_test_check (fabs (check_a - check_b) <= (tolerance), __FILE__, __LINE__, "%s is %.9g, not %.9g within %g", #a,  \
                   check_a, check_b, (double) (tolerance));                                                            \
  } while (0)

/* Strings; NULL equals only NULL. */
#define QE_CHECK_STR(a, b)                                                                                             \
  do {                                                                                                                 \
    const char *check_a = (a), *check_b = (b);                                                                         \
    qe_test_check (check_a == check_b || (check_a && check_b && strcmp (check_a, check_b) == 0), __FILE__, __LINE__,   \
                   "%s is \"%s\", not \"%s\"", #a, check_a ? check_a : "(null)", check_b ? check_b : "(null)");        \
  } while (0)

/* That text contains part, e.g. a message what it must say. */
#define QE_CHECK_CONTAINS(text, part)                                                                                  \
  do {                                                                                                                 \
    const char *check_t = (text), *check_p = (part);                                                                   \
    qe_test_check (check_t &&strstr (check_t, check_p), __FILE__, __LINE__, "%s is \"%s\" without \"%s\"", #text,      \
                   check_t ? check_t : "(null)", check_p);                                                             \
  } while (0)

/* A status with its message: QE_CHECK_OK (qe_model_open (&model, path, NULL, &err), err). */
#define QE_CHECK_OK(call, err) qe_test_check ((call) == QE_OK, __FILE__, __LINE__, "%s: %s", #call, (err).message)
#define QE_REQUIRE_OK(call, err)                                                                                       \
  do {                                                                                                                 \
    if (!QE_CHECK_OK (call, err))                                                                                      \
      return;                                                                                                          \
  } while (0)

/* Two float arrays, element by element; names the worst one. NaN differs from everything. */
#define QE_CHECK_CLOSE(got, want, n, tolerance) qe_test_check_close (__FILE__, __LINE__, #got, got, want, n, tolerance)
bool qe_test_check_close (const char *file, int line, const char *what, const float *got, const float *want, size_t n,
                          double tolerance);
double qe_test_max_abs_diff (const float *a, const float *b, size_t n, size_t *where); /* INFINITY if any is NaN */

/* ---- test data ------------------------------------------------------------------------------------------------- */

/* Path of a file under tests/data (QUERN_TEST_DATA), or of one of Quern Tiny's (QUERN_TINY_DIR). Valid until the
 * eighth call after this one. */
const char *qe_test_data (const char *name);
const char *qe_test_tiny (const char *name);
/* One of Quern Tiny's models, open; NULL and a failed check when that is impossible. qe_model_free() it. Inline, because arm.sh
 * links tests of kernels alone, without models. */
static inline QeModel *
qe_test_open_tiny (const char *name)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  QE_CHECK_OK (qe_model_open (&model, qe_test_tiny (name), NULL, &err), err);
  return model;
}

/* A new empty folder under $TMPDIR, removed with its contents when the program ends. */
const char *qe_test_folder (void);
/* A whole file; a NUL follows, not counted in *size. NULL and a failed check when it cannot be read. free() it. */
void *qe_test_read (const char *path, size_t *size);
bool qe_test_write (const char *path, const void *data, size_t size);

/* An array of numpy, C order, at most 4 dimensions: either f32 or i32 is set. */
typedef struct {
  size_t n_dims, shape[4], n; /* n: elements in all */
  float *f32;
  int32_t *i32;
} QeNpy;

/* Reads a .npy file of little-endian float32 or int32. false and a failed check when it is something else. */
bool qe_npy_load (QeNpy *out, const char *path);
void qe_npy_clear (QeNpy *npy);

/* Deterministic random numbers for tests: the same on every machine. */
uint64_t qe_test_random (uint64_t *state);
float qe_test_random_float (uint64_t *state); /* in [-1, 1) */
