/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The harness itself, as far as other tests lean on it. */
#include "qe-test.h"

QE_TEST (npy_shapes_and_values)
{
  QeNpy ids = { 0 }, logits = { 0 };

  QE_REQUIRE (qe_npy_load (&ids, qe_test_data ("goldens/a-dense/ids40.npy")));
  QE_CHECK (ids.i32 != NULL && ids.f32 == NULL);
  QE_CHECK_INT (ids.n_dims, ==, 1);
  QE_CHECK_INT (ids.shape[0], ==, 40);
  QE_REQUIRE (qe_npy_load (&logits, qe_test_data ("goldens/a-dense/logits40.npy")));
  QE_CHECK_INT (logits.shape[0], ==, 40);
  QE_CHECK_INT (logits.shape[1], ==, 4096);
  for (size_t i = 0; i < ids.n; i++)
    QE_CHECK (ids.i32[i] >= 0 && ids.i32[i] < 4096);
  QE_CHECK_CLOSE (logits.f32, logits.f32, logits.n, 0);
  qe_npy_clear (&ids);
  qe_npy_clear (&logits);
}

QE_TEST (differences)
{
  const float a[] = { 1, 2, 3, 4 }, b[] = { 1, 2.5f, 3, 3 }, c[] = { 1, NAN, 3, 4 };
  size_t where = 9;

  QE_CHECK_FLOAT (qe_test_max_abs_diff (a, b, 4, &where), 1, 0);
  QE_CHECK_INT (where, ==, 3);
  QE_CHECK (isinf (qe_test_max_abs_diff (a, c, 4, NULL)));
}

QE_TEST (folder_is_writable)
{
  const char *folder = qe_test_folder ();
  char path[300];
  size_t size = 0;
  char *text;

  QE_REQUIRE (folder != NULL);
  snprintf (path, sizeof path, "%s/file", folder);
  QE_REQUIRE (qe_test_write (path, "abc", 3));
  text = qe_test_read (path, &size);
  QE_CHECK_STR (text, "abc");
  QE_CHECK_INT (size, ==, 3);
  free (text);
}
