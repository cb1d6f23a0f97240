/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/quern-transcript.h"

#include <adwaita.h>

static guint
count_rows (GtkWidget *widget)
{
  guint n = gtk_accessible_get_accessible_role (GTK_ACCESSIBLE (widget)) == GTK_ACCESSIBLE_ROLE_ARTICLE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    n += count_rows (child);
  return n;
}

/* A conversation that is loaded comes in one change: only its end may be built. */
static void
test_long (void)
{
  g_autoptr (GListStore) messages = g_list_store_new (QUERN_TYPE_MESSAGE);
  g_autoptr (GPtrArray) loaded = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (QuernStore) store = quern_store_open_in_memory ();
  g_autoptr (QuernMessage) more = quern_message_new (QUERN_ROLE_ASSISTANT, "more");
  GtkWidget *transcript = g_object_ref_sink (g_object_new (QUERN_TYPE_TRANSCRIPT, NULL));
  guint n;

  for (guint i = 0; i < 2000; i++)
    g_ptr_array_add (loaded, quern_message_new (i % 2 == 0 ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, "text"));
  quern_transcript_set_store (QUERN_TRANSCRIPT (transcript), store);
  quern_transcript_set_messages (QUERN_TRANSCRIPT (transcript), G_LIST_MODEL (messages));
  g_list_store_splice (messages, 0, 0, loaded->pdata, loaded->len);
  n = count_rows (transcript);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, <, 100);
  g_list_store_append (messages, more);
  g_assert_cmpuint (count_rows (transcript), ==, n + 1);
  g_object_unref (transcript);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  adw_init ();
  g_test_add_func ("/transcript/long", test_long);
  return g_test_run ();
}
