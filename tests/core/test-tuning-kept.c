/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was measured about this computer is kept, and taken over on the same computer only. */
#include <glib/gstdio.h>

#include "quern-tuning.h"

static gboolean
nobody_asks (gpointer data)
{
  return FALSE;
}

static QeModel *
open_tiny (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q4_K_M.gguf", NULL);
  QeModel *model = NULL;
  QeError error = { 0 };

  g_assert_cmpint (qe_model_open (&model, path, NULL, &error), ==, QE_OK);
  return model;
}

/* Writes what a file says about a machine and loads it; returns what is in use then. */
static char *
load (const char *path, const char *machine, const char *ahead)
{
  g_autofree char *text = g_strdup_printf ("[tuning]\nmachine=%s\nahead=%s\n", machine, ahead);
  char in_use[400];

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  _quern_tuning_load ();
  qe_tuning_write (in_use, sizeof in_use);
  return g_strdup (in_use);
}

static void
test_kept (void)
{
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), "quern", "tuning", NULL), *machine = NULL;
  g_autofree char *other = NULL, *damaged = NULL, *own = NULL, *off = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  QeModel *model = open_tiny ();

  g_unsetenv ("QUERN_TUNING");
  g_assert_false (_quern_tuning_is_wanted (model)); /* it has too little to measure with */
  _quern_tuning_begin_work ();
  _quern_tuning_end_work ();
  _quern_tuning_measure (model, 1, nobody_asks, NULL);
  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL));
  machine = g_key_file_get_string (file, "tuning", "machine", NULL);
  g_assert_cmpstr (machine, !=, "");
  qe_model_free (model);

  other = load (path, "another one", "Q4_K 4096");
  g_assert_cmpstr (other, ==, "");
  damaged = load (path, machine, "Q4_K 99999999");
  g_assert_cmpstr (damaged, ==, "");
  g_setenv ("QUERN_TUNING", "off", TRUE);
  off = load (path, machine, "Q4_K 4096");
  g_assert_cmpstr (off, ==, "");
  g_unsetenv ("QUERN_TUNING");
  own = load (path, machine, "Q4_K 4096");
  g_assert_cmpstr (own, ==, qe_tuning_read ("Q4_K 4096") ? "Q4_K 4096" : ""); /* "": no kernels here ask ahead */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/tuning/kept", test_kept);
  return g_test_run ();
}
