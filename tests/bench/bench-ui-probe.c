/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One measurement of the real application, in this process; bench-ui.py runs it and puts the results together.
 *
 *   bench-ui-probe fill N            write a conversation of N messages with code, tables and formulas, print its id
 *   bench-ui-probe start TIME        from TIME (the monotonic clock, µs) to the end of the first frame
 *   bench-ui-probe open ID           open that conversation: time to the end of the frame that shows it; memory
 *   bench-ui-probe stream ID SECONDS an answer with code and formulas arrives in it at 100 tokens/s: the work of
 *                                    each frame; memory
 *
 * Prints one JSON object. A frame's own work runs from the frame clock's "before-paint" to its "after-paint": updates,
 * layout, drawing and handing over. */

#include "application/quern-application.h"
#include "markdown/quern-md-view.h"
#include "window/quern-window-private.h"

#include <gtksourceview/gtksource.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOKENS_PER_SECOND 100
#define TOKEN_BYTES 4
#define GIVE_UP 60 /* seconds */

typedef struct {
  GApplication *application;
  const char *mode;
  gint64 conversation;
  guint seconds;
  gint64 began, frame_began, cpu_began, cpu_opened; /* µs */
  gboolean opening;
  GArray *frames, *cpu; /* double: ms of each frame while the answer arrives; of that on the processor */
  QuernMessage *answer; /* that grows */
  char *text;           /* all of it */
  gsize n_written;
} Probe;

static const char sample[] =
    "## Sorting, part %u\n\nA **stable** sort keeps the *order* of equal keys; `sorted()` does. See "
    "<https://docs.python.org/3/howto/sorting.html>.\n\n```python\ndef insertion_sort(items):\n"
    "    for i in range(1, len(items)):\n        key, j = items[i], i - 1\n        while j >= 0 and items[j] > key:\n"
    "            items[j + 1] = items[j]\n            j -= 1\n        items[j + 1] = key\n    return items\n```\n\n"
    "| Name | Best | Worst | Stable |\n|---|--:|--:|:-:|\n| insertion | n | n² | yes |\n| merge | n log n | n log n | yes |\n"
    "| quick | n log n | n² | no |\n\n1. Choose a key.\n2. Compare.\n   - Swap when needed.\n3. Repeat until nothing moves.\n\n"
    "> Premature optimisation is the root of all evil.\n\nOf $n$ items it compares at most $\\frac{n(n-1)}{2}$, on average:\n\n"
    "$$\\sum_{i=1}^{n-1} \\frac{i}{2} = \\frac{n(n-1)}{4} \\approx \\int_0^n \\frac{x}{2}\\,dx, \\qquad "
    "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}^{-1} = \\frac{1}{ad - bc} \\begin{pmatrix} d & -b \\\\ -c & a "
    "\\end{pmatrix}$$\n\n";

/* kB of this process that are in memory. */
static gint64
read_memory (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  line = strstr (status, "VmRSS:");
  return line != NULL ? g_ascii_strtoll (line + strlen ("VmRSS:"), NULL, 10) : 0;
}

/* Time of this thread on a processor: without what others take away from it on a busy computer. */
static gint64
read_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static QuernWindow *
get_window (Probe *probe)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (probe->application));
  return QUERN_IS_WINDOW (window) ? QUERN_WINDOW (window) : NULL;
}

/* Ends without the waits of an ordinary end: nothing here is worth keeping. */
static void
finish (int status)
{
  fflush (stdout);
  _exit (status);
}

static gboolean
give_up_cb (gpointer user_data)
{
  g_printerr ("bench-ui-probe: nothing came of it in %d seconds\n", GIVE_UP);
  finish (1);
  return G_SOURCE_REMOVE;
}

/* Whether some answer is laid out and on the screen. */
static gboolean
shows_answer (GtkWidget *widget)
{
  if (!gtk_widget_get_mapped (widget))
    return FALSE;
  if (QUERN_IS_MD_VIEW (widget))
    return gtk_widget_get_height (widget) > 0;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    if (shows_answer (child))
      return TRUE;
  }
  return FALSE;
}

/* ---- an answer that arrives ------------------------------------------------------------------------------------- */

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static double
percentile (GArray *sorted, double fraction)
{
  return sorted->len > 0 ? g_array_index (sorted, double, (guint) (fraction * (sorted->len - 1) + 0.5)) : 0;
}

static void
print_frames (Probe *probe)
{
  g_array_sort (probe->frames, compare_doubles);
  g_array_sort (probe->cpu, compare_doubles);
  g_print ("{\"frames\": %u, \"frame_median_ms\": %.2f, \"frame_p99_ms\": %.2f, \"frame_max_ms\": %.2f, "
           "\"frame_cpu_p99_ms\": %.2f, \"bytes\": %zu, "
           "\"memory_kb\": %" G_GINT64_FORMAT "}\n",
           probe->frames->len, percentile (probe->frames, 0.5), percentile (probe->frames, 0.99),
           percentile (probe->frames, 1), percentile (probe->cpu, 0.99), probe->n_written, read_memory ());
}

/* Writes what should have arrived by now, also when this comes late. */
static gboolean
token_cb (gpointer user_data)
{
  Probe *probe = user_data;
  gint64 elapsed = g_get_monotonic_time () - probe->began;
  gsize due = MIN ((gsize) elapsed * TOKENS_PER_SECOND / G_USEC_PER_SEC * TOKEN_BYTES, strlen (probe->text));

  while (due > probe->n_written && (probe->text[due] & 0xc0) == 0x80) /* not through a character */
    due--;
  if (due > probe->n_written)
    quern_message_append (probe->answer, FALSE, probe->text + probe->n_written, due - probe->n_written);
  probe->n_written = MAX (due, probe->n_written);
  if (elapsed < (gint64) probe->seconds * G_USEC_PER_SEC)
    return G_SOURCE_CONTINUE;
  quern_message_set_state (probe->answer, QUERN_MESSAGE_COMPLETE, NULL);
  print_frames (probe);
  finish (0);
  return G_SOURCE_REMOVE;
}

static void
stream (Probe *probe)
{
  GListModel *messages = quern_chat_session_get_messages (get_window (probe)->session);
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "How does sorting work?");
  GString *text = g_string_new (NULL);

  for (guint i = 1; text->len < (gsize) probe->seconds * TOKENS_PER_SECOND * TOKEN_BYTES; i++)
    g_string_append_printf (text, sample, i);
  probe->text = g_string_free (text, FALSE);
  probe->answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  quern_message_set_state (probe->answer, QUERN_MESSAGE_STREAMING, NULL);
  quern_message_set_ids (question, quern_store_new_id (), 0, 0);
  quern_message_set_ids (probe->answer, quern_store_new_id (), 0, 0);
  g_list_store_append (G_LIST_STORE (messages), question);
  g_list_store_append (G_LIST_STORE (messages), probe->answer);
  probe->frames = g_array_new (FALSE, FALSE, sizeof (double));
  probe->cpu = g_array_new (FALSE, FALSE, sizeof (double));
  probe->began = g_get_monotonic_time ();
  g_timeout_add (1000 / TOKENS_PER_SECOND, token_cb, probe);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static gboolean
open_cb (gpointer user_data)
{
  Probe *probe = user_data;
  QuernWindow *window = get_window (probe);

  if (window == NULL || window->store == NULL || window->session == NULL)
    return G_SOURCE_CONTINUE;
  probe->began = g_get_monotonic_time ();
  probe->cpu_opened = read_cpu_time ();
  probe->opening = TRUE;
  gtk_widget_activate_action (GTK_WIDGET (window), "win.open-conversation", "x", probe->conversation);
  return G_SOURCE_REMOVE;
}

static gboolean
settled_cb (gpointer user_data)
{
  stream (user_data);
  return G_SOURCE_REMOVE;
}

static void
opened (Probe *probe)
{
  double ms = (g_get_monotonic_time () - probe->began) / 1000.0;
  double cpu = (read_cpu_time () - probe->cpu_opened) / 1000.0;

  probe->opening = FALSE;
  if (g_str_equal (probe->mode, "stream")) {
    g_timeout_add_seconds (1, settled_cb, probe);
    return;
  }
  g_print ("{\"open_ms\": %.1f, \"open_cpu_ms\": %.1f, \"memory_kb\": %" G_GINT64_FORMAT "}\n", ms, cpu,
           read_memory ());
  finish (0);
}

static void
before_paint_cb (GdkFrameClock *clock, Probe *probe)
{
  probe->frame_began = g_get_monotonic_time ();
  probe->cpu_began = read_cpu_time ();
}

static void
after_paint_cb (GdkFrameClock *clock, Probe *probe)
{
  gint64 now = g_get_monotonic_time ();
  double ms = (now - probe->frame_began) / 1000.0, cpu = (read_cpu_time () - probe->cpu_began) / 1000.0;

  if (g_str_equal (probe->mode, "start")) {
    g_print ("{\"start_ms\": %.1f, \"start_cpu_ms\": %.1f, \"memory_kb\": %" G_GINT64_FORMAT "}\n",
             (now - probe->began) / 1000.0, read_cpu_time () / 1000.0, read_memory ());
    finish (0);
  }
  if (probe->frames != NULL) {
    g_array_append_val (probe->frames, ms);
    g_array_append_val (probe->cpu, cpu);
  }
  if (probe->opening && shows_answer (GTK_WIDGET (get_window (probe))))
    opened (probe);
}

static void
realize_cb (GtkWidget *window, Probe *probe)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  g_signal_connect (clock, "before-paint", G_CALLBACK (before_paint_cb), probe);
  g_signal_connect (clock, "after-paint", G_CALLBACK (after_paint_cb), probe);
  if (!g_str_equal (probe->mode, "start"))
    g_timeout_add_seconds (1, open_cb, probe); /* when what comes with the start is over */
}

static void
window_added_cb (Probe *probe, GtkWindow *window)
{
  g_signal_connect_after (window, "realize", G_CALLBACK (realize_cb), probe);
}

static int
run (Probe *probe)
{
  gtk_source_init ();
  probe->application = G_APPLICATION (quern_application_new ());
  g_signal_connect_swapped (probe->application, "window-added", G_CALLBACK (window_added_cb), probe);
  g_timeout_add_seconds (GIVE_UP, give_up_cb, probe);
  return g_application_run (probe->application, 0, NULL);
}

/* ---- a long conversation ---------------------------------------------------------------------------------------- */

static int
fill (guint n_messages)
{
  g_autofree char *path = quern_database_default_path ();
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernStore) store = quern_store_open (path, &error);
  g_autoptr (QuernConversation) conversation = quern_conversation_new ();
  g_autoptr (QuernMessage) last = NULL;

  if (store == NULL) {
    g_printerr ("bench-ui-probe: %s\n", error->message);
    return 1;
  }
  quern_conversation_set_title (conversation, "A long conversation", TRUE);
  quern_store_add_conversation (store, conversation);
  for (guint i = 0; i < n_messages; i++) {
    g_autofree char *text = i % 2 == 0 ? g_strdup_printf ("What about part %u?", i / 2)
                                       : g_strdup_printf (sample, i / 2);
    g_autoptr (QuernMessage) message = quern_message_new (i % 2 == 0 ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, text);
    quern_message_set_state (message, QUERN_MESSAGE_COMPLETE, NULL);
    quern_store_append_message (store, conversation, last, message);
    g_set_object (&last, message);
  }
  g_print ("{\"id\": %" G_GINT64_FORMAT "}\n", quern_conversation_get_id (conversation));
  quern_store_close (store);
  return 0;
}

int
main (int argc, char **argv)
{
  Probe probe = { .mode = argc > 1 ? argv[1] : "" };
  gint64 number = argc > 2 ? g_ascii_strtoll (argv[2], NULL, 10) : 0;

  probe.seconds = argc > 3 ? (guint) g_ascii_strtoull (argv[3], NULL, 10) : 10;
  if (g_str_equal (probe.mode, "fill"))
    return fill ((guint) number);
  if (g_str_equal (probe.mode, "start"))
    probe.began = number;
  else if (g_str_equal (probe.mode, "open") || g_str_equal (probe.mode, "stream"))
    probe.conversation = number;
  else {
    g_printerr ("usage: bench-ui-probe fill N | start TIME | open ID | stream ID SECONDS\n");
    return 2;
  }
  return run (&probe);
}
