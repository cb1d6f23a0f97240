/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-highlight.h"

#include "quern-find.h"

/* Highlights matches in the labels and text views below a widget. They are underlined on yellow, which is readable in
 * the light and in the dark style. */

#define TAG_NAME "quern-found"
#define FOUND_RED 0xf6
#define FOUND_GREEN 0xd3
#define FOUND_BLUE 0x2d
#define FOUND_ALPHA 0.45

typedef GtkWidget *(*Visitor) (GtkWidget *widget, gpointer data);

/* Calls func for labels and text views, in reading order, and returns the first result. */
static GtkWidget *
visit (GtkWidget *widget, Visitor func, gpointer data)
{
  GtkWidget *first = NULL;

  if (GTK_IS_LABEL (widget) || GTK_IS_TEXT_VIEW (widget))
    return func (widget, data);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child)) {
    GtkWidget *found = visit (child, func, data);
    if (first == NULL)
      first = found;
  }
  return first;
}

static GQuark
marked_quark (void)
{
  return g_quark_from_static_string (TAG_NAME);
}

static GArray *
find_all (const char *text, const char *const *needles)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (QuernFindRange));

  for (; *needles != NULL; needles++) {
    g_autofree char *folded = quern_find_fold (*needles, NULL);
    g_autoptr (GArray) ranges = quern_find_ranges (text, folded);
    g_array_append_vals (all, ranges->data, ranges->len);
  }
  return all;
}

static void
add_attribute (PangoAttrList *list, PangoAttribute *attribute, const QuernFindRange *range)
{
  attribute->start_index = (guint) range->start;
  attribute->end_index = (guint) range->end;
  pango_attr_list_insert (list, attribute);
}

/* What a label has of its own beside its markup, such as the room of formulas, is neither a background nor a line. */
static gboolean
is_mark (PangoAttribute *attribute, gpointer user_data)
{
  return attribute->klass->type == PANGO_ATTR_BACKGROUND || attribute->klass->type == PANGO_ATTR_BACKGROUND_ALPHA
         || attribute->klass->type == PANGO_ATTR_UNDERLINE;
}

/* Returns: (transfer full): a copy of the label's attributes without marks */
static PangoAttrList *
dup_own_attributes (GtkLabel *label)
{
  PangoAttrList *own = gtk_label_get_attributes (label);
  PangoAttrList *list = own != NULL ? pango_attr_list_copy (own) : pango_attr_list_new ();
  PangoAttrList *marks = pango_attr_list_filter (list, is_mark, NULL);

  g_clear_pointer (&marks, pango_attr_list_unref);
  return list;
}

static gboolean
mark_label (GtkLabel *label, const char *const *needles)
{
  g_autoptr (GArray) ranges = find_all (gtk_label_get_text (label), needles);
  g_autoptr (PangoAttrList) list = NULL;

  if (ranges->len == 0)
    return FALSE;
  list = dup_own_attributes (label);
  for (guint i = 0; i < ranges->len; i++) {
    const QuernFindRange *range = &g_array_index (ranges, QuernFindRange, i);
    add_attribute (list, pango_attr_background_new (FOUND_RED * 257, FOUND_GREEN * 257, FOUND_BLUE * 257), range);
    add_attribute (list, pango_attr_background_alpha_new ((guint16) (FOUND_ALPHA * G_MAXUINT16)), range);
    add_attribute (list, pango_attr_underline_new (PANGO_UNDERLINE_SINGLE), range);
  }
  gtk_label_set_attributes (label, list);
  g_object_set_qdata (G_OBJECT (label), marked_quark (), label);
  return TRUE;
}

static gboolean
mark_view (GtkTextView *view, const char *const *needles)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GtkTextTag *tag = gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (buffer), TAG_NAME);
  const GdkRGBA colour = { FOUND_RED / 255.f, FOUND_GREEN / 255.f, FOUND_BLUE / 255.f, FOUND_ALPHA };
  g_autofree char *text = NULL;
  g_autoptr (GArray) ranges = NULL;

  if (gtk_text_view_get_editable (view))
    return FALSE;
  g_object_get (buffer, "text", &text, NULL);
  ranges = find_all (text, needles);
  if (ranges->len > 0 && tag == NULL)
    tag = gtk_text_buffer_create_tag (buffer, TAG_NAME, "background-rgba", &colour, "underline", PANGO_UNDERLINE_SINGLE,
                                      NULL);
  for (guint i = 0; i < ranges->len; i++) {
    const QuernFindRange *range = &g_array_index (ranges, QuernFindRange, i);
    GtkTextIter start, end;
    gtk_text_buffer_get_iter_at_offset (buffer, &start, (int) g_utf8_pointer_to_offset (text, text + range->start));
    gtk_text_buffer_get_iter_at_offset (buffer, &end, (int) g_utf8_pointer_to_offset (text, text + range->end));
    gtk_text_buffer_apply_tag (buffer, tag, &start, &end);
  }
  return ranges->len > 0;
}

static GtkWidget *
mark (GtkWidget *widget, gpointer needles)
{
  gboolean found = GTK_IS_LABEL (widget) ? mark_label (GTK_LABEL (widget), needles)
                                         : mark_view (GTK_TEXT_VIEW (widget), needles);
  return found ? widget : NULL;
}

static GtkWidget *
unmark (GtkWidget *widget, gpointer user_data)
{
  if (GTK_IS_LABEL (widget)) {
    if (g_object_steal_qdata (G_OBJECT (widget), marked_quark ()) != NULL) {
      /* GTK merges a label's attributes with those of its markup. They can only be removed by parsing the markup again. */
      g_autofree char *text = g_strdup (gtk_label_get_label (GTK_LABEL (widget)));
      g_autoptr (PangoAttrList) own = dup_own_attributes (GTK_LABEL (widget));
      gtk_label_set_attributes (GTK_LABEL (widget), own);
      gtk_label_set_label (GTK_LABEL (widget), "");
      gtk_label_set_label (GTK_LABEL (widget), text);
    }
  } else {
    GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (widget));
    GtkTextIter start, end;
    if (gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (buffer), TAG_NAME) != NULL) {
      gtk_text_buffer_get_bounds (buffer, &start, &end);
      gtk_text_buffer_remove_tag_by_name (buffer, TAG_NAME, &start, &end);
    }
  }
  return NULL;
}

/**
 * quern_highlight_show:
 * @root: a widget
 * @needles: what to look for in the text below it, each anywhere
 *
 * Highlights the matches in place of earlier ones.
 *
 * Returns: (transfer none) (nullable): the first widget with a match
 */
GtkWidget *
quern_highlight_show (GtkWidget *root, const char *const *needles)
{
  quern_highlight_clear (root);
  return visit (root, mark, (gpointer) needles);
}

void
quern_highlight_clear (GtkWidget *root)
{
  visit (root, unmark, NULL);
}
