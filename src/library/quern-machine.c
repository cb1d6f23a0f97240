/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-machine.h"

#include <stdio.h>
#include <string.h>

#include "quern-library.h"

/* What a computer has for a model. Memory and disk are looked at each time. The bandwidth is the best of several
 * measurements, kept with its date in $XDG_CACHE_HOME/quern/machine: one that was disturbed shows less than there is, and
 * none shows more. It is forgotten after a while, as memory can be changed, and with another processor. */

#define KEEP_SECONDS (30 * 24 * 60 * 60)
#define LOOK_MICROSECONDS (G_USEC_PER_SEC / 4)
#define BUSY_SHARE 0.25 /* of all processors, by others */
#define GROUP "bandwidth"

/* ---- processor --------------------------------------------------------------------------------------------------- */

/**
 * quern_machine_get_threads:
 *
 * Returns: threads that compute by default, at least 1: as many as there are cores that this process may use
 */
guint
quern_machine_get_threads (void)
{
  return qe_cpu_default_threads ();
}

/**
 * quern_machine_get_kernels:
 *
 * Returns: the name of the kernels that this processor runs, such as "avx2"
 */
const char *
quern_machine_get_kernels (void)
{
  return qe_cpu_kernels ();
}

/* ---- what was measured before ------------------------------------------------------------------------------------ */

/* Returns "Intel(R) Xeon(R) … / 2", which what is measured depends on besides the memory itself. */
char *
_quern_machine_dup_processor (void)
{
  g_autofree char *text = NULL, *name = NULL;
  const char *line;

  g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL);
  line = text ? strstr (text, "model name") : NULL;
  line = line ? strchr (line, ':') : NULL;
  name = line ? g_strndup (line + 1, strcspn (line + 1, "\n")) : g_strdup ("");
  return g_strdup_printf ("%s / %u", g_strstrip (name), qe_cpu_default_threads ());
}

/* Replaces what was measured @now (0: nothing was) by something better that was measured before, or keeps it for later. */
void
_quern_machine_remember (QuernMachine *machine, gint64 now)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), "quern", "machine", NULL);
  g_autofree char *processor = _quern_machine_dup_processor (), *known_processor = NULL;
  double known;
  gint64 date;

  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  known_processor = g_key_file_get_string (file, GROUP, "processor", NULL);
  known = g_key_file_get_double (file, GROUP, "bytes-per-second", NULL);
  date = g_key_file_get_int64 (file, GROUP, "date", NULL);
  machine->measured = machine->bandwidth > 0 ? now : 0;
  if (g_strcmp0 (known_processor, processor) != 0 || !(known > 0) || date > now || now - date >= KEEP_SECONDS
      || known < machine->bandwidth) {
    if (machine->bandwidth > 0) {
      g_autofree char *folder = g_path_get_dirname (path);

      g_key_file_set_string (file, GROUP, "processor", processor);
      g_key_file_set_double (file, GROUP, "bytes-per-second", machine->bandwidth);
      g_key_file_set_int64 (file, GROUP, "date", machine->measured);
      g_mkdir_with_parents (folder, 0700);
      g_key_file_save_to_file (file, path, NULL); /* a failure costs a measurement next time */
    }
    return;
  }
  machine->bandwidth = known;
  machine->measured = date;
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static gboolean
read_times (guint64 *idle, guint64 *all)
{
  g_autofree char *text = NULL;
  guint64 user, nice, system, waiting, irq, soft;

  if (!g_file_get_contents ("/proc/stat", &text, NULL, NULL)
      || sscanf (text,
                 "cpu %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                 " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                 &user, &nice, &system, idle, &waiting, &irq, &soft)
             != 7)
    return FALSE;
  *idle += waiting;
  *all = user + nice + system + *idle + irq + soft;
  return TRUE;
}

static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernMachine *machine = g_new0 (QuernMachine, 1);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *folder = quern_library_dup_folder ();
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autoptr (GFileInfo) disk = NULL;
  guint64 idle, all, idle_after, all_after;

  g_mkdir_with_parents (folder, 0755);
  disk = g_file_query_filesystem_info (file, G_FILE_ATTRIBUTE_FILESYSTEM_FREE, NULL, NULL);
  machine->disk = disk != NULL ? g_file_info_get_attribute_uint64 (disk, G_FILE_ATTRIBUTE_FILESYSTEM_FREE) : 0;
  machine->memory = quern_memory_available ();
  if (read_times (&idle, &all)) { /* whether others use the processors now */
    g_usleep (LOOK_MICROSECONDS);
    machine->busy = read_times (&idle_after, &all_after) && all_after > all
                    && 1 - (double) (idle_after - idle) / (double) (all_after - all) > BUSY_SHARE;
  }
  if (machine->busy)
    _quern_machine_remember (machine, now); /* better than disturbing others and being disturbed */
  if (machine->bandwidth == 0) {
    for (guint i = 0; i < 3 && !g_cancellable_is_cancelled (cancellable); i++)
      machine->bandwidth = MAX (machine->bandwidth, qe_cpu_measure_bandwidth (qe_cpu_default_threads ()));
    _quern_machine_remember (machine, now);
  }
  g_task_return_pointer (task, machine, g_free);
}

/**
 * quern_machine_measure_async:
 *
 * Finds out what this computer has; reads memory for about a second in a thread, unless others are busy and the bandwidth
 * is known from before.
 */
void
quern_machine_measure_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, quern_machine_measure_async);
  g_task_run_in_thread (task, measure_thread);
}

gboolean
quern_machine_measure_finish (GAsyncResult *result, QuernMachine *machine, GError **error)
{
  g_autofree QuernMachine *measured = g_task_propagate_pointer (G_TASK (result), error);

  if (measured == NULL)
    return FALSE;
  *machine = *measured;
  return TRUE;
}
