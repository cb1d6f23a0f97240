/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <glib/gstdio.h>

/* What core tests share: a folder of their own, and waiting for asynchronous calls with a bound. */

/* A bound against hanging, far above what the slowest machine takes: nothing may depend on how fast one is. */
#define TEST_WAIT_SECONDS 300

static inline char *
test_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("quern-test-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static inline void
test_remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      test_remove_folder (path);
    else
      g_unlink (path);
  }
  g_rmdir (folder);
}

/* Whether any file below holds these bytes. */
static inline gboolean
test_folder_contains (const char *folder, const char *bytes)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  gboolean found = FALSE;

  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name && !found; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *text = NULL;
    gsize size = 0;
    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      found = test_folder_contains (path, bytes);
    else if (g_file_get_contents (path, &text, &size, NULL))
      found = memmem (text, size, bytes, strlen (bytes)) != NULL;
  }
  return found;
}

/* A GAsyncReadyCallback that keeps the result: user_data is a GAsyncResult **. */
static inline void
test_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static inline gboolean
test_expired_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until the condition holds; fails the test after TEST_WAIT_SECONDS. */
#define TEST_WAIT_UNTIL(condition)                                                                                     \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gboolean expired_ = FALSE;                                                                                         \
    guint source_ = g_timeout_add_seconds (TEST_WAIT_SECONDS, test_expired_cb, &expired_);                             \
    while (!(condition) && !expired_)                                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                                           \
    if (expired_)                                                                                                      \
      g_error ("not within %d seconds: %s", TEST_WAIT_SECONDS, #condition);                                            \
    g_source_remove (source_);                                                                                         \
  }                                                                                                                    \
  G_STMT_END

typedef gboolean (*TestCondition) (gpointer data);

static inline void
test_wait (TestCondition condition, gpointer data)
{
  TEST_WAIT_UNTIL (condition (data));
}

static inline gboolean
test_is_set (gpointer data)
{
  return *(gpointer *) data != NULL;
}

static inline void
test_wait_result (GAsyncResult **result)
{
  test_wait (test_is_set, result);
}

/* Makes models that say of themselves what other makers' files say, by their names in make-twins.py, up to NULL. */
static inline void
test_make_twins (const char *folder, ...)
{
  g_autofree char *script = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "..", "core", "make-twins.py", NULL);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  va_list names;

  g_ptr_array_add (arguments, (gpointer) "python3");
  g_ptr_array_add (arguments, script);
  g_ptr_array_add (arguments, (gpointer) folder);
  va_start (names, folder);
  for (char *name = va_arg (names, char *); name; name = va_arg (names, char *))
    g_ptr_array_add (arguments, name);
  va_end (names);
  g_ptr_array_add (arguments, NULL);
  process = g_subprocess_newv ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

/* Runs quern-cli with a first argument (NULL: without) and those of the list up to NULL, in a data folder of the test's own. Replaces
 * what is in output and errors; returns the exit status. */
static inline int
test_run_cli (const char *data, const char *first, va_list list, char **output, char **errors)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (output, g_free);
  g_clear_pointer (errors, g_free);
  g_ptr_array_add (arguments, program);
  if (first != NULL)
    g_ptr_array_add (arguments, (gpointer) first);
  for (char *argument = va_arg (list, char *); argument != NULL; argument = va_arg (list, char *))
    g_ptr_array_add (arguments, argument);
  g_ptr_array_add (arguments, NULL);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", data, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) arguments->pdata, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, output, errors, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  return g_subprocess_get_exit_status (process);
}

#define assert_has(text, part)                                                                                         \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if ((text) == NULL || strstr ((text), (part)) == NULL)                                                             \
      g_error ("“%s” is not in “%s”", (part), (text));                                                                 \
  }                                                                                                                    \
  G_STMT_END
