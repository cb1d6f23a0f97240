/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-tuning.h"

#include <unistd.h>

#include "quern-machine.h"

/* How far ahead weights are best read, which qe_model_tune() measures. It is kept in $XDG_CACHE_HOME/quern/tuning together with
 * what it depends on: processor and threads, kernels, memory, version. When one of these changes it is measured again. Nothing is
 * measured or read while QUERN_TUNING is "off", as in tests. */

#define GROUP "tuning"

static GMutex measuring;       /* held while somebody measures; nobody waits for it */
static gint failed, n_working; /* atomic; n_working: requests that contexts work at now */

static char *
dup_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "quern", "tuning", NULL);
}

static gboolean
is_off (void)
{
  return g_strcmp0 (g_getenv ("QUERN_TUNING"), "off") == 0;
}

/* What the measurement depends on, in one line. */
static char *
dup_machine (void)
{
  g_autofree char *processor = _quern_machine_dup_processor ();

  return g_strdup_printf ("%s / %s / %" G_GINT64_FORMAT " MiB / %s", processor, quern_machine_get_kernels (),
                          (gint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE) / (1024 * 1024), QUERN_VERSION);
}

/* Takes over what was measured on this computer before. Any thread. */
void
_quern_tuning_load (void)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_path (), *machine = NULL, *known = NULL, *text = NULL;

  if (is_off () || !g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return;
  machine = dup_machine ();
  known = g_key_file_get_string (file, GROUP, "machine", NULL);
  text = g_key_file_get_string (file, GROUP, "ahead", NULL);
  if (text && g_strcmp0 (known, machine) == 0)
    qe_tuning_read (text); /* a text that is not sound is measured again */
}

static void
save (void)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_path (), *folder = g_path_get_dirname (path), *machine = dup_machine ();
  const gsize size = qe_tuning_write (NULL, 0) + 1;
  g_autofree char *text = g_malloc (size);

  qe_tuning_write (text, size);
  g_key_file_set_string (file, GROUP, "machine", machine);
  g_key_file_set_string (file, GROUP, "ahead", text);
  g_mkdir_with_parents (folder, 0700);
  g_key_file_save_to_file (file, path, NULL); /* a failure costs a measurement next time */
}

/* Between these, a context is at work, and measuring would disturb it. Any thread. */
void
_quern_tuning_begin_work (void)
{
  g_atomic_int_inc (&n_working);
}

void
_quern_tuning_end_work (void)
{
  g_atomic_int_add (&n_working, -1);
}

/* Returns TRUE if there is something to measure with @model. Any thread. */
gboolean
_quern_tuning_is_wanted (QeModel *model)
{
  return !is_off () && !g_atomic_int_get (&failed) && !qe_model_is_tuned (model);
}

typedef struct {
  gboolean (*is_asked) (gpointer data);
  gpointer data;
} Asked;

static bool
cancelled_cb (void *data)
{
  Asked *asked = data;

  return g_atomic_int_get (&n_working) > 0 || asked->is_asked (asked->data);
}

/* Measures for a second or two, uses what comes of it and keeps it; gives up as soon as is_asked() says that somebody waits, or
 * when a context is at work. Call it while nobody waits, on any thread. */
void
_quern_tuning_measure (QeModel *model, guint n_threads, gboolean (*is_asked) (gpointer data), gpointer data)
{
  Asked asked = { is_asked, data };
  const QeControl control = { .cancelled = cancelled_cb, .data = &asked };
  QeError error = { 0 };

  if (!g_mutex_trylock (&measuring))
    return;
  if (qe_model_tune (model, n_threads, &control, NULL, NULL, &error) == QE_OK)
    save ();
  else if (error.status != QE_ERROR_CANCELLED) {
    g_debug ("The weights' speed was not measured: %s", error.message);
    g_atomic_int_set (&failed, TRUE);
  }
  g_mutex_unlock (&measuring);
}
