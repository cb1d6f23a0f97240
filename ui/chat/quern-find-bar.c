/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-find-bar.h"

#include <glib/gi18n.h>

#include "quern-find.h"
#include "quern-message.h"

/* Finds text in the messages of a conversation and goes from match to match, newest first. A thread reads the messages,
 * because a conversation may have thousands. */
struct _QuernFindBar {
  AdwBin parent_instance;

  /* Template widgets */
  GtkSearchBar *bar;
  GtkSearchEntry *entry;
  GtkLabel *count;
  GtkWidget *previous, *next;

  QuernTranscript *transcript; /* borrowed: both are on the same page */

  /* Owned references */
  GListModel *messages;
  GCancellable *search;
  GArray *found; /* array of gint64: ids of messages, oldest first */
  char *text;    /* the text that is searched for */

  guint current; /* index in `found` */
};

G_DEFINE_FINAL_TYPE (QuernFindBar, quern_find_bar, ADW_TYPE_BIN)

/* ---- the search, on a thread ------------------------------------------------------------------------------------ */

typedef struct {
  char *needle;
  GArray *ids;
  GPtrArray *texts;
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;

  g_free (search->needle);
  g_array_unref (search->ids);
  g_ptr_array_unref (search->texts);
  g_free (search);
}

static void
search_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Search *search = data;
  g_autofree char *needle = quern_find_fold (search->needle, NULL);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < search->texts->len && !g_cancellable_is_cancelled (cancellable); i++) {
    g_autoptr (GArray) ranges = quern_find_ranges (search->texts->pdata[i], needle);
    if (ranges->len > 0)
      g_array_append_val (found, g_array_index (search->ids, gint64, i));
  }
  g_task_return_pointer (task, g_steal_pointer (&found), (GDestroyNotify) g_array_unref);
}

/* ---- what was found --------------------------------------------------------------------------------------------- */

static void
show_current (QuernFindBar *self)
{
  guint n = self->found != NULL ? self->found->len : 0;
  const char *const needles[] = { self->text, NULL };
  g_autofree char *text = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->count), self->text != NULL);
  gtk_widget_set_sensitive (self->previous, n > 1);
  gtk_widget_set_sensitive (self->next, n > 1);
  if (n == 0) {
    gtk_label_set_label (self->count, _("No results"));
    quern_transcript_show_match (self->transcript, 0, NULL);
    return;
  }
  /* Translators: the place among the messages with what was looked for, and how many those are */
  text = g_strdup_printf (_("%u of %u"), self->current + 1, n);
  gtk_label_set_label (self->count, text);
  quern_transcript_show_match (self->transcript, g_array_index (self->found, gint64, self->current), needles);
}

static void
forget (QuernFindBar *self)
{
  g_cancellable_cancel (self->search);
  g_clear_object (&self->search);
  g_clear_pointer (&self->found, g_array_unref);
  g_clear_pointer (&self->text, g_free);
}

static void
searched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernFindBar *self = QUERN_FIND_BAR (source);
  g_autoptr (GArray) found = g_task_propagate_pointer (G_TASK (result), NULL);

  if (found == NULL || g_task_get_cancellable (G_TASK (result)) != self->search)
    return; /* a newer search is running */
  self->found = g_steal_pointer (&found);
  self->current = self->found->len > 0 ? self->found->len - 1 : 0;
  show_current (self);
}

static void
changed_cb (QuernFindBar *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (GTask) task = NULL;
  Search *search;

  forget (self);
  if (*text == '\0' || self->messages == NULL) {
    show_current (self);
    return;
  }
  self->text = g_strdup (text);
  self->search = g_cancellable_new ();
  search = g_new (Search, 1);
  *search = (Search) { g_strdup (text), g_array_new (FALSE, FALSE, sizeof (gint64)),
                       g_ptr_array_new_with_free_func (g_free) };
  for (guint i = 0; i < g_list_model_get_n_items (self->messages); i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (self->messages, i);
    gint64 id = quern_message_get_id (message);
    g_array_append_val (search->ids, id);
    g_ptr_array_add (search->texts, g_strdup (quern_message_get_content (message)));
  }
  task = g_task_new (self, self->search, searched_cb, NULL);
  g_task_set_task_data (task, search, search_free);
  g_task_run_in_thread (task, search_worker);
}

static void
step (QuernFindBar *self, guint by)
{
  if (self->found == NULL || self->found->len == 0)
    return;
  self->current = (self->current + by) % self->found->len;
  show_current (self);
}

/* “Previous” goes from newer messages to older ones, as people read upwards from the end. */
static void
previous_cb (QuernFindBar *self)
{
  step (self, self->found != NULL ? self->found->len - 1 : 0);
}

static void
next_cb (QuernFindBar *self)
{
  step (self, 1);
}

static void
stop_cb (QuernFindBar *self)
{
  gtk_search_bar_set_search_mode (self->bar, FALSE);
}

static void
mode_changed_cb (QuernFindBar *self)
{
  if (gtk_search_bar_get_search_mode (self->bar))
    return;
  gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
  forget (self);
  if (self->transcript != NULL)
    quern_transcript_show_match (self->transcript, 0, NULL);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.focus-composer", NULL);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_find_bar_dispose (GObject *object)
{
  QuernFindBar *self = QUERN_FIND_BAR (object);

  self->transcript = NULL;
  forget (self);
  g_clear_object (&self->messages);
  adw_bin_set_child (ADW_BIN (self), NULL); /* the template would free it without telling AdwBin */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_FIND_BAR);
  G_OBJECT_CLASS (quern_find_bar_parent_class)->dispose (object);
}

static void
quern_find_bar_class_init (QuernFindBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_find_bar_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-find-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernFindBar, bar);
  gtk_widget_class_bind_template_child (widget_class, QuernFindBar, entry);
  gtk_widget_class_bind_template_child (widget_class, QuernFindBar, count);
  gtk_widget_class_bind_template_child (widget_class, QuernFindBar, previous);
  gtk_widget_class_bind_template_child (widget_class, QuernFindBar, next);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, previous_cb);
  gtk_widget_class_bind_template_callback (widget_class, next_cb);
  gtk_widget_class_bind_template_callback (widget_class, stop_cb);
}

static void
quern_find_bar_init (QuernFindBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_search_bar_connect_entry (self->bar, GTK_EDITABLE (self->entry));
  g_signal_connect_object (self->bar, "notify::search-mode-enabled", G_CALLBACK (mode_changed_cb), self,
                           G_CONNECT_SWAPPED);
}

/**
 * quern_find_bar_set_transcript:
 * @transcript: shows the matches; it must outlive the bar
 */
void
quern_find_bar_set_transcript (QuernFindBar *self, QuernTranscript *transcript)
{
  g_return_if_fail (QUERN_IS_FIND_BAR (self));
  self->transcript = transcript;
}

/**
 * quern_find_bar_set_messages:
 * @messages: (nullable) (element-type QuernMessage): the messages to search; the bar closes
 */
void
quern_find_bar_set_messages (QuernFindBar *self, GListModel *messages)
{
  g_return_if_fail (QUERN_IS_FIND_BAR (self));

  if (g_set_object (&self->messages, messages))
    gtk_search_bar_set_search_mode (self->bar, FALSE);
}

/**
 * quern_find_bar_open:
 *
 * Shows the bar, focuses its entry and selects the text.
 */
void
quern_find_bar_open (QuernFindBar *self)
{
  g_return_if_fail (QUERN_IS_FIND_BAR (self));

  gtk_search_bar_set_search_mode (self->bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  gtk_editable_select_region (GTK_EDITABLE (self->entry), 0, -1);
}
