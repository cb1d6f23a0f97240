/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/quern-announcer.h"
#include "chat/quern-transcript.h"

#include <adwaita.h>

static guint
count_rows (GtkWidget *widget)
{
  guint n = gtk_accessible_get_accessible_role (GTK_ACCESSIBLE (widget)) == GTK_ACCESSIBLE_ROLE_ARTICLE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += count_rows (child);
  return n;
}

/* A loaded conversation arrives in one change, and only its end may be built. */
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

/* ---- the end stays in view, when it was --------------------------------------------------------------------------- */

static GtkAdjustment *
find_adjustment (GtkWidget *widget)
{
  GtkAdjustment *found = GTK_IS_SCROLLED_WINDOW (widget)
                             ? gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (widget))
                             : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); found == NULL && child != NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_adjustment (child);
  return found;
}

static double
below (GtkAdjustment *adjustment)
{
  return gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment)
         - gtk_adjustment_get_value (adjustment);
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  return --*(int *) user_data > 0;
}

/* Runs some frames, so that everything is laid out. */
static void
settle (GtkWidget *widget)
{
  int frames = 5;

  gtk_widget_add_tick_callback (widget, tick_cb, &frames, NULL);
  while (frames > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_follow (void)
{
  g_autoptr (GListStore) messages = g_list_store_new (QUERN_TYPE_MESSAGE);
  g_autoptr (QuernStore) store = quern_store_open_in_memory ();
  g_autoptr (QuernMessage) last = NULL;
  GtkWidget *window = gtk_window_new ();
  GtkWidget *transcript = g_object_new (QUERN_TYPE_TRANSCRIPT, NULL);
  GtkAdjustment *adjustment = find_adjustment (transcript);
  double read, upper;

  for (guint i = 0; i < 12; i++) {
    g_autoptr (QuernMessage)
        message = quern_message_new (i % 2 == 0 ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, "Some text");
    g_list_store_append (messages, message);
    g_set_object (&last, message);
  }
  quern_message_set_state (last, QUERN_MESSAGE_STREAMING, NULL);
  quern_transcript_set_store (QUERN_TRANSCRIPT (transcript), store);
  quern_transcript_set_messages (QUERN_TRANSCRIPT (transcript), G_LIST_MODEL (messages));
  gtk_window_set_default_size (GTK_WINDOW (window), 400, 300);
  gtk_window_set_child (GTK_WINDOW (window), transcript);
  gtk_window_present (GTK_WINDOW (window));
  settle (window);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), >, 600);
  g_assert_cmpfloat (below (adjustment), <=, 2);
  upper = gtk_adjustment_get_upper (adjustment);
  quern_message_append (last, FALSE, "\n\nMore\n\nand more\n\nand more", -1);
  settle (window);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), >, upper);
  g_assert_cmpfloat (below (adjustment), <=, 2); /* it was at the end and still is */

  read = gtk_adjustment_get_value (adjustment) - 150;
  gtk_adjustment_set_value (adjustment, read);
  settle (window);
  upper = gtk_adjustment_get_upper (adjustment);
  quern_message_append (last, FALSE, "\n\nMuch more\n\nof it\n\nstill", -1);
  settle (window);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), >, upper);
  g_assert_cmpfloat (ABS (gtk_adjustment_get_value (adjustment) - read), <, 1); /* what is being read does not move */
  gtk_window_destroy (GTK_WINDOW (window));
}

static guint
count_high_views (GtkWidget *widget)
{
  guint n = GTK_IS_TEXT_VIEW (widget) && gtk_widget_get_height (widget) > 20;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += count_high_views (child);
  return n;
}

/* Code of one line can be seen when a conversation is opened in a window that is there. */
static void
test_code (void)
{
  g_autoptr (QuernStore) store = quern_store_open_in_memory ();
  GtkWidget *window = gtk_window_new (), *transcript = g_object_new (QUERN_TYPE_TRANSCRIPT, NULL);

  quern_transcript_set_store (QUERN_TRANSCRIPT (transcript), store);
  gtk_window_set_default_size (GTK_WINDOW (window), 500, 500);
  gtk_window_set_child (GTK_WINDOW (window), transcript);
  gtk_window_present (GTK_WINDOW (window));
  settle (window);
  for (int i = 0; i < 3; i++) {
    g_autoptr (GListStore) messages = g_list_store_new (QUERN_TYPE_MESSAGE);
    g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "How?");
    g_autoptr (QuernMessage)
        answer = quern_message_new (QUERN_ROLE_ASSISTANT, "So:\n\n```sh\nls -l\n```\n\nThen:\n\n```\nend\n```");
    gpointer both[] = { question, answer };
    quern_transcript_set_messages (QUERN_TRANSCRIPT (transcript), G_LIST_MODEL (messages));
    g_list_store_splice (messages, 0, 0, both, 2);
    settle (window);
    g_assert_cmpuint (count_high_views (transcript), ==, 2);
  }
  gtk_window_destroy (GTK_WINDOW (window));
}

/* ---- far away ----------------------------------------------------------------------------------------------------- */

static GtkWidget *
find_label (GtkWidget *widget, const char *text)
{
  GtkWidget *found = GTK_IS_LABEL (widget) && g_str_equal (gtk_label_get_text (GTK_LABEL (widget)), text) ? widget
                                                                                                          : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); found == NULL && child != NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_label (child, text);
  return found;
}

/* Returns where the message is in the view, or -1e6 if it has no row. */
static double
place_of (GtkWidget *transcript, guint position)
{
  g_autofree char *text = g_strdup_printf ("text %u", position);
  GtkWidget *label = find_label (transcript, text);
  graphene_rect_t bounds;

  return label != NULL && gtk_widget_compute_bounds (label, transcript, &bounds) ? bounds.origin.y : -1e6;
}

/* Returns a message in the view, near this one. */
static guint
find_in_view (GtkWidget *transcript, guint near)
{
  for (guint i = 0; i < 100; i++) {
    guint position = i % 2 == 0 ? near - i / 2 : near + i / 2;
    if (place_of (transcript, position) >= 0 && place_of (transcript, position) < 300)
      return position;
  }
  g_assert_not_reached ();
}

/* Scrolls by a view's height and more at a time, while rows are added at one end and removed at the other. */
static guint
scroll_on (GtkWidget *transcript, guint position, int step)
{
  GtkAdjustment *adjustment = find_adjustment (transcript);
  guint begin = position;

  while (ABS ((int) position - (int) begin) < 300) {
    double place, value = gtk_adjustment_get_value (adjustment);

    position = find_in_view (transcript, position);
    place = place_of (transcript, position);
    gtk_adjustment_set_value (adjustment, value + step * 400);
    value = gtk_adjustment_get_value (adjustment) - value;
    settle (transcript);
    g_assert_cmpfloat (ABS (place_of (transcript, position) - (place - value)), <, 3);
    g_assert_cmpuint (count_rows (transcript), <=, 160);
  }
  return position;
}

/* Wherever the reader goes in a long conversation, only nearby rows are built, and the text does not move. */
static void
test_far_away (void)
{
  g_autoptr (GListStore) messages = g_list_store_new (QUERN_TYPE_MESSAGE);
  g_autoptr (QuernStore) store = quern_store_open_in_memory ();
  GtkWidget *window = gtk_window_new ();
  GtkWidget *transcript = g_object_new (QUERN_TYPE_TRANSCRIPT, NULL);
  GtkAdjustment *adjustment = find_adjustment (transcript);
  gboolean at_end;

  for (guint i = 0; i < 2000; i++) {
    g_autofree char *text = g_strdup_printf ("text %u", i);
    g_autoptr (QuernMessage) message = quern_message_new (i % 2 == 0 ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, text);
    quern_message_set_ids (message, i + 1, i, 1);
    g_list_store_append (messages, message);
  }
  quern_transcript_set_store (QUERN_TRANSCRIPT (transcript), store);
  quern_transcript_set_messages (QUERN_TRANSCRIPT (transcript), G_LIST_MODEL (messages));
  gtk_window_set_default_size (GTK_WINDOW (window), 400, 300);
  gtk_window_set_child (GTK_WINDOW (window), transcript);
  gtk_window_present (GTK_WINDOW (window));
  settle (window);

  quern_transcript_show_match (QUERN_TRANSCRIPT (transcript), 1000, NULL); /* text 999 */
  for (guint i = 0; i < 4; i++)                                            /* the view is held there for some frames */
    settle (window);
  g_assert_cmpfloat (place_of (transcript, 999), >=, 0);
  g_assert_cmpfloat (place_of (transcript, 999), <, 300);
  g_assert_cmpuint (count_rows (transcript), <, 100);
  g_object_get (transcript, "at-end", &at_end, NULL);
  g_assert_false (at_end);

  scroll_on (transcript, scroll_on (transcript, 999, 1), -1);
  quern_transcript_scroll_to_end (QUERN_TRANSCRIPT (transcript));
  settle (window);
  g_assert_cmpfloat (below (adjustment), <=, 2);
  g_assert_cmpfloat (place_of (transcript, 1999), <, 300);
  g_object_get (transcript, "at-end", &at_end, NULL);
  g_assert_true (at_end);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* ---- what a screen reader says ------------------------------------------------------------------------------------ */

static void
assert_next (QuernAnnouncer *announcer, const char *text, gboolean finished, const char *wanted)
{
  g_autofree char *said = quern_announcer_next (announcer, text, finished);
  g_assert_cmpstr (said, ==, wanted);
}

static void
test_announcer (void)
{
  QuernAnnouncer a = { 0 }, b = { 0 }, c = { 0 };

  assert_next (&a, "Hello", FALSE, NULL);
  assert_next (&a, "Hello there. How", FALSE, "Hello there.");
  assert_next (&a, "Hello there. How are **you**? It is 3.5", FALSE, "How are you?");
  assert_next (&a, "Hello there. How are **you**? It is 3.5 now", TRUE, "It is 3.5 now");
  assert_next (&a, "Hello there. How are **you**? It is 3.5 now", TRUE, NULL);
  assert_next (&b, "1. apple\n2. ban", FALSE, "1. apple"); /* the number of a list item is no sentence */
  assert_next (&b, "1. apple\n2. banana", TRUE, "2. banana");
  quern_announcer_skip (&c, "你好。");
  assert_next (&c, "你好。我是谁？好", FALSE, "我是谁？");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  adw_init ();
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  g_test_add_func ("/transcript/long", test_long);
  g_test_add_func ("/transcript/follow", test_follow);
  g_test_add_func ("/transcript/code", test_code);
  g_test_add_func ("/transcript/far-away", test_far_away);
  g_test_add_func ("/announcer/sentences", test_announcer);
  return g_test_run ();
}
