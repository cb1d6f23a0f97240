/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "composer/quern-attachment-bar.h"

#include <adwaita.h>
#include <glib/gstdio.h>
#include <string.h>

/* Tests which files can be attached to a message, and which are refused. */

typedef struct {
  QuernAttachmentBar *bar;
  char *problem;
  guint n_changes;
} Fixture;

static void
changed_cb (Fixture *f)
{
  f->n_changes++;
}

static void
problem_cb (Fixture *f, const char *sentence)
{
  g_set_str (&f->problem, sentence);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->bar = g_object_ref_sink (g_object_new (QUERN_TYPE_ATTACHMENT_BAR, NULL));
  g_signal_connect_swapped (f->bar, "changed", G_CALLBACK (changed_cb), f);
  g_signal_connect_swapped (f->bar, "problem", G_CALLBACK (problem_cb), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->bar);
  g_clear_pointer (&f->problem, g_free);
}

static gboolean
give_up (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Adds a file and waits until it is attached or refused. */
static void
add (Fixture *f, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  gboolean late = FALSE;
  guint timeout = g_timeout_add_seconds (300, give_up, &late);

  quern_attachment_bar_add_file (f->bar, file);
  g_assert_false (quern_attachment_bar_is_ready (f->bar)); /* nothing may be sent before it is read */
  while (!quern_attachment_bar_is_ready (f->bar) && !late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);
  g_assert_false (late);
  g_assert_cmpuint (f->n_changes, >=, 2);
}

static void
add_contents (Fixture *f, const char *name, const char *contents, gsize length)
{
  g_autofree char *folder = g_dir_make_tmp ("quern-attach-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, contents, length, NULL));
  add (f, path);
  g_remove (path);
  g_rmdir (folder);
}

static void
test_picture (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "images", "shape0.png", NULL);
  g_autoptr (GListModel) model = NULL;
  g_autoptr (QuernAttachment) attachment = NULL;

  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (f->bar)));
  add (f, path);
  g_assert_cmpstr (f->problem, ==, NULL); /* the log shows the problem */
  model = quern_attachment_bar_dup_model (f->bar);
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, 1);
  attachment = g_list_model_get_item (model, 0);
  g_assert_cmpstr (quern_attachment_get_name (attachment), ==, "shape0.png");
  g_assert_true (quern_attachment_is_picture (attachment));
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (f->bar)));
  quern_attachment_bar_set_model (f->bar, NULL);
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (f->bar)));
}

static void
test_text (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) model = NULL;
  g_autoptr (QuernAttachment) attachment = NULL;

  add_contents (f, "notes.txt", "grüße\n", 8);
  g_assert_cmpstr (f->problem, ==, NULL);
  model = quern_attachment_bar_dup_model (f->bar);
  attachment = g_list_model_get_item (model, 0);
  g_assert_cmpstr (quern_attachment_get_mime (attachment), ==, "text/plain");
  g_assert_false (quern_attachment_is_picture (attachment));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) model = NULL;

  add_contents (f, "noise.bin", "\x00\xff\xfe\x01\x80", 5);
  g_assert_nonnull (f->problem);
  g_assert_nonnull (strstr (f->problem, "noise.bin"));
  model = quern_attachment_bar_dup_model (f->bar);
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, 0);
}

/* Texts in old encodings are converted to UTF-8. */
static void
test_encodings (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *bytes;
    gsize length;
  } files[] = { { "\xef\xbb\xbfgr\xc3\xbc", 7 }, { "\xff\xfeg\0r\0\xfc\0", 8 }, { "gr\xfc", 3 } };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (GListModel) model = NULL;
    g_autoptr (QuernAttachment) attachment = NULL;
    GBytes *bytes;
    add_contents (f, "old.txt", files[i].bytes, files[i].length);
    g_assert_cmpstr (f->problem, ==, NULL);
    model = quern_attachment_bar_dup_model (f->bar);
    attachment = g_list_model_get_item (model, i);
    bytes = quern_attachment_get_bytes (attachment);
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "gr\xc3\xbc", 4);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ()) {
    g_print ("1..0 # SKIP no display\n");
    return 0;
  }
  adw_init ();
  g_test_add ("/attachments/picture", Fixture, NULL, set_up, test_picture, tear_down);
  g_test_add ("/attachments/text", Fixture, NULL, set_up, test_text, tear_down);
  g_test_add ("/attachments/encodings", Fixture, NULL, set_up, test_encodings, tear_down);
  g_test_add ("/attachments/refused", Fixture, NULL, set_up, test_refused, tear_down);
  return g_test_run ();
}
