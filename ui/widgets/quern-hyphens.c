/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-hyphens.h"

/* Where Pango breaks a word that is wider than its line, it adds a hyphen, as in a book. What people and models wrote is
 * copied and compared letter by letter, so it is shown without hyphens that nobody wrote. */

/**
 * quern_hyphens_leave_out:
 *
 * Breaks the words of a label without hyphens. Other attributes that it has are kept.
 */
void
quern_hyphens_leave_out (GtkLabel *label)
{
  PangoAttrList *given = gtk_label_get_attributes (label);
  g_autoptr (PangoAttrList) attributes = given != NULL ? pango_attr_list_copy (given) : pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (label, attributes);
}

/* Only what is new: a tag makes the view lay out all that it is applied to. */
static void
inserted_cb (GtkTextBuffer *buffer, GtkTextIter *end, const char *text, int n_bytes, GtkTextTag *tag)
{
  GtkTextIter start = *end;

  gtk_text_iter_backward_chars (&start, (int) g_utf8_strlen (text, n_bytes));
  gtk_text_buffer_apply_tag (buffer, tag, &start, end);
}

/**
 * quern_hyphens_leave_out_of_view:
 *
 * Breaks the words of a text view without hyphens, also those that are written later. Call it once for the buffer it has.
 */
void
quern_hyphens_leave_out_of_view (GtkTextView *view)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GtkTextTag *tag = gtk_text_buffer_create_tag (buffer, NULL, "insert-hyphens", FALSE, NULL);
  GtkTextIter start, end;

  g_signal_connect_object (buffer, "insert-text", G_CALLBACK (inserted_cb), tag, G_CONNECT_AFTER);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  gtk_text_buffer_apply_tag (buffer, tag, &start, &end);
}
