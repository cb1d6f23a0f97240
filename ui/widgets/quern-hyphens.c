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

static void
buffer_changed_cb (GtkTextBuffer *buffer, GtkTextTag *tag)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  gtk_text_buffer_apply_tag (buffer, tag, &start, &end);
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

  g_signal_connect_object (buffer, "changed", G_CALLBACK (buffer_changed_cb), tag, 0);
  buffer_changed_cb (buffer, tag);
}
