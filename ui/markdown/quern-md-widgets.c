/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Makes widgets for Markdown blocks. One function makes the empty widget of a kind, and quern_md_widgets_sync() fills it. Filling again
 * with newer text changes only what differs, so that a growing answer stays cheap and selections above are kept. */

#include "quern-md-widgets.h"

#include "quern-code-block.h"

#include "math/quern-math-paragraph.h"
#include "math/quern-math-view.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>
#include <string.h>

static GQuark
quern_md_widgets_kind_quark (void)
{
  return g_quark_from_static_string ("quern-md-kind");
}

/* Returns whether a widget can show a block: it was made for this kind, with formulas in its text or without. */
static gboolean
quern_md_widgets_suits (GtkWidget *widget, QuernMdBlock *block)
{
  int kind = GPOINTER_TO_INT (g_object_get_qdata (G_OBJECT (widget), quern_md_widgets_kind_quark ())) - 1;
  return kind == (int) block->kind && QUERN_IS_MATH_PARAGRAPH (widget) == (block->formulas != NULL);
}

/* Asks before a link opens, because the address is often not what the text says. */
static gboolean
quern_md_widgets_activate_link_cb (GtkLabel *label, const char *address)
{
  return gtk_widget_activate_action (GTK_WIDGET (label), "win.open-link", "s", address);
}

static GtkWidget *
quern_md_widgets_make_label (gboolean with_formulas)
{
  GtkWidget *widget = gtk_label_new (NULL);
  GtkLabel *label = GTK_LABEL (widget);

  gtk_label_set_wrap (label, TRUE);
  gtk_label_set_wrap_mode (label, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_natural_wrap_mode (label, GTK_NATURAL_WRAP_WORD);
  gtk_label_set_xalign (label, 0);
  gtk_label_set_yalign (label, 0);
  gtk_label_set_selectable (label, TRUE);
  g_signal_connect (label, "activate-link", G_CALLBACK (quern_md_widgets_activate_link_cb), NULL);
  quern_hyphens_leave_out (label);
  return with_formulas ? quern_math_paragraph_new (label) : widget;
}

static GtkWidget *
quern_md_widgets_make_box (GtkOrientation orientation, int spacing, const char *css_class, GtkAccessibleRole role)
{
  GtkWidget *box = g_object_new (GTK_TYPE_BOX, "accessible-role", role, "orientation", orientation, "spacing", spacing,
                                 NULL);
  gtk_widget_add_css_class (box, css_class);
  return box;
}

/* Makes an item: a marker beside a column of blocks. */
static GtkWidget *
quern_md_widgets_make_item (void)
{
  GtkWidget *box = g_object_new (GTK_TYPE_BOX, "accessible-role", GTK_ACCESSIBLE_ROLE_LIST_ITEM, "spacing", 6, NULL);
  GtkWidget *marker = gtk_label_new (NULL),
            *content = quern_md_widgets_make_box (GTK_ORIENTATION_VERTICAL, 6, "md-item", GTK_ACCESSIBLE_ROLE_GENERIC);

  gtk_label_set_xalign (GTK_LABEL (marker), 1);
  gtk_label_set_yalign (GTK_LABEL (marker), 0);
  gtk_widget_set_valign (marker, GTK_ALIGN_START);
  gtk_widget_add_css_class (marker, "md-marker");
  gtk_widget_set_hexpand (content, TRUE);
  gtk_box_append (GTK_BOX (box), marker);
  gtk_box_append (GTK_BOX (box), content);
  return box;
}

static GtkWidget *
quern_md_widgets_make_table (void)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkWidget *grid = g_object_new (GTK_TYPE_GRID, "accessible-role", GTK_ACCESSIBLE_ROLE_TABLE, NULL);

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_propagate_natural_width (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), grid);
  gtk_widget_set_halign (scrolled, GTK_ALIGN_START);
  gtk_widget_add_css_class (scrolled, "md-table");
  gtk_accessible_update_property (GTK_ACCESSIBLE (grid), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Table"), -1);
  return scrolled;
}

static GtkWidget *
quern_md_widgets_make (QuernMdBlock *block)
{
  GtkWidget *widget;

  switch (block->kind) {
  case QUERN_MD_CODE: widget = quern_code_block_new (); break;
  case QUERN_MD_QUOTE:
    widget = quern_md_widgets_make_box (GTK_ORIENTATION_VERTICAL, 9, "md-quote", GTK_ACCESSIBLE_ROLE_GENERIC);
    break;
  case QUERN_MD_LIST:
    widget = quern_md_widgets_make_box (GTK_ORIENTATION_VERTICAL, 4, "md-list", GTK_ACCESSIBLE_ROLE_LIST);
    break;
  case QUERN_MD_ITEM: widget = quern_md_widgets_make_item (); break;
  case QUERN_MD_TABLE: widget = quern_md_widgets_make_table (); break;
  case QUERN_MD_RULE: widget = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL); break;
  case QUERN_MD_FORMULA: widget = quern_math_view_new (); break;
  case QUERN_MD_PARTS:
    widget = quern_md_widgets_make_box (GTK_ORIENTATION_VERTICAL, 6, "md-parts", GTK_ACCESSIBLE_ROLE_GENERIC);
    break;
  default: widget = quern_md_widgets_make_label (block->formulas != NULL);
  }
  g_object_set_qdata (G_OBJECT (widget), quern_md_widgets_kind_quark (), GINT_TO_POINTER (block->kind + 1));
  return widget;
}

/* A block runs in the direction of its first letter outside of formulas. Without letters it takes the direction of its
 * parent. */
static GtkTextDirection
quern_md_widgets_direction_of (QuernMdBlock *block)
{
  const GArray *formulas = block->formulas;
  guint next = 0;

  for (const char *p = block->text != NULL ? block->text : ""; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c;
    if (formulas != NULL && next < formulas->len) {
      const QuernMathSpan *span = &g_array_index (formulas, QuernMathSpan, next);
      if ((gsize) (p - block->text) == span->start) {
        p += span->length - 1; /* its last character is a dollar */
        next++;
        continue;
      }
    }
    c = g_utf8_get_char (p);
    if (!g_unichar_isalpha (c))
      continue;
    switch ((int) g_unichar_get_script (c)) {
    case G_UNICODE_SCRIPT_ARABIC:
    case G_UNICODE_SCRIPT_HEBREW:
    case G_UNICODE_SCRIPT_SYRIAC:
    case G_UNICODE_SCRIPT_THAANA:
    case G_UNICODE_SCRIPT_NKO:
    case G_UNICODE_SCRIPT_ADLAM: return GTK_TEXT_DIR_RTL;
    default: return GTK_TEXT_DIR_LTR;
    }
  }
  return GTK_TEXT_DIR_NONE;
}

/* Returns the label of a widget that quern_md_widgets_make_label() made. */
static GtkLabel *
quern_md_widgets_label_of (GtkWidget *widget)
{
  return QUERN_IS_MATH_PARAGRAPH (widget) ? quern_math_paragraph_get_label (QUERN_MATH_PARAGRAPH (widget))
                                          : GTK_LABEL (widget);
}

static void
quern_md_widgets_fill_label (GtkWidget *widget, QuernMdBlock *block)
{
  static const char *const headings[] = { "title-1", "title-3", "title-4", "heading", "heading", "heading" };

  if (g_strcmp0 (gtk_label_get_label (quern_md_widgets_label_of (widget)), block->markup) == 0)
    return;
  gtk_widget_set_direction (GTK_WIDGET (quern_md_widgets_label_of (widget)), quern_md_widgets_direction_of (block));
  if (QUERN_IS_MATH_PARAGRAPH (widget))
    quern_math_paragraph_set (QUERN_MATH_PARAGRAPH (widget), block->markup, block->text, block->formulas);
  else
    gtk_label_set_markup (GTK_LABEL (widget), block->markup);
  if (block->kind == QUERN_MD_HEADING) {
    const char *classes[] = { "md-heading", headings[CLAMP (block->number, 1, 6) - 1], NULL };
    gtk_widget_set_css_classes (widget, classes);
  }
}

/* Returns the first block with a text, or the last one on the way there. */
static QuernMdBlock *
quern_md_widgets_first_text (QuernMdBlock *block)
{
  while (block->text == NULL && block->children != NULL && block->children->len > 0)
    block = g_ptr_array_index (block->children, 0);
  return block;
}

/* Returns the marker of item i: a number, a bullet or a box. */
static char *
quern_md_widgets_marker_text (QuernMdBlock *list, guint i)
{
  QuernMdBlock *item = g_ptr_array_index (list->children, i);

  if (item->number >= 0)
    return g_strdup (item->number == 1 ? "☑" : "☐");
  if (list->number < 0)
    return g_strdup ("•");
  return g_strdup_printf ("%d.", list->number + (int) i);
}

static void
quern_md_widgets_fill_list (GtkWidget *list, QuernMdBlock *block)
{
  g_autofree char *widest = NULL;
  GtkTextDirection direction = quern_md_widgets_direction_of (quern_md_widgets_first_text (block));
  GtkWidget *item;

  quern_md_widgets_sync (list, block->children, 0);
  if (block->children->len == 0)
    return;
  widest = quern_md_widgets_marker_text (block, block->children->len - 1);
  item = gtk_widget_get_first_child (list);
  for (guint i = 0; item != NULL; i++, item = gtk_widget_get_next_sibling (item)) {
    GtkWidget *marker = gtk_widget_get_first_child (item);
    g_autofree char *text = quern_md_widgets_marker_text (block, i);
    int task = ((QuernMdBlock *) g_ptr_array_index (block->children, i))->number;
    gtk_label_set_label (GTK_LABEL (marker), text);
    gtk_label_set_width_chars (GTK_LABEL (marker), g_utf8_strlen (widest, -1));
    gtk_widget_set_direction (item, direction);
    gtk_widget_set_direction (marker, direction); /* “1.” and not “.1” */
    if (task >= 0)
      gtk_accessible_update_property (GTK_ACCESSIBLE (marker), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      task == 1 ? _("Done") : _("Not done"), -1);
  }
}

/* A cell is as wide as its text up to this limit and wraps only beyond it. So its height does not depend on its width,
 * which a table that scrolls sideways cannot know. */
#define CELL_CHARS 40

static void
quern_md_widgets_fill_table (GtkWidget *widget, QuernMdBlock *block)
{
  GtkWidget *viewport = gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (widget));
  GtkGrid *grid = GTK_GRID (gtk_viewport_get_child (GTK_VIEWPORT (viewport)));
  GtkTextDirection direction = quern_md_widgets_direction_of (quern_md_widgets_first_text (block));
  guint row, column;

  for (row = 0; row < block->children->len; row++) {
    GPtrArray *cells = ((QuernMdBlock *) g_ptr_array_index (block->children, row))->children;
    for (column = 0; column < cells->len; column++) {
      QuernMdBlock *cell = g_ptr_array_index (cells, column);
      gboolean wide = cell->formulas == NULL && g_utf8_strlen (cell->text, -1) > CELL_CHARS;
      GtkWidget *label = gtk_grid_get_child_at (grid, column, row);
      if (label != NULL && !quern_md_widgets_suits (label, cell)) {
        gtk_grid_remove (grid, label);
        label = NULL;
      }
      if (label == NULL) {
        label = quern_md_widgets_make (cell);
        gtk_grid_attach (grid, label, column, row, 1, 1);
      }
      gtk_label_set_wrap (quern_md_widgets_label_of (label), wide);
      gtk_label_set_width_chars (quern_md_widgets_label_of (label), wide ? CELL_CHARS : -1);
      gtk_label_set_max_width_chars (quern_md_widgets_label_of (label), wide ? CELL_CHARS : -1);
      gtk_widget_add_css_class (label, "md-cell");
      gtk_widget_set_hexpand (label, TRUE);
      if (row == 0)
        gtk_widget_add_css_class (label, "heading");
      gtk_label_set_xalign (quern_md_widgets_label_of (label), cell->number == 'r' ? 1 : cell->number == 'c' ? 0.5 : 0);
      quern_md_widgets_fill_label (label, cell);
      gtk_widget_set_direction (GTK_WIDGET (quern_md_widgets_label_of (label)),
                                direction); /* cells of a column align to the same side */
    }
    while (gtk_grid_get_child_at (grid, column, row) != NULL)
      gtk_grid_remove (grid, gtk_grid_get_child_at (grid, column++, row));
  }
  while (gtk_grid_get_child_at (grid, 0, row) != NULL)
    gtk_grid_remove_row (grid, row);
  gtk_widget_set_direction (widget, direction);
  gtk_widget_set_direction (GTK_WIDGET (grid), direction);
}

/**
 * quern_md_widgets_sync:
 * @box: a #GtkBox whose children belong to this function
 * @blocks: (element-type QuernMdBlock): what it shall show
 * @first: blocks before this one are shown already and have not changed
 *
 * Makes the children of @box show @blocks, keeping those that do already.
 */
void
quern_md_widgets_sync (GtkWidget *box, GPtrArray *blocks, guint first)
{
  GtkWidget *child = gtk_widget_get_first_child (box);

  for (guint n = first; child != NULL && n > 0; n--)
    child = gtk_widget_get_next_sibling (child);
  for (guint i = first; i < blocks->len; i++) {
    QuernMdBlock *block = g_ptr_array_index (blocks, i);
    if (child == NULL || !quern_md_widgets_suits (child, block)) {
      GtkWidget *made = quern_md_widgets_make (block);
      gtk_box_insert_child_after (GTK_BOX (box), made,
                                  child != NULL ? gtk_widget_get_prev_sibling (child)
                                                : gtk_widget_get_last_child (box));
      if (child != NULL)
        gtk_box_remove (GTK_BOX (box), child);
      child = made;
    }
    switch (block->kind) {
    case QUERN_MD_PARAGRAPH:
    case QUERN_MD_HEADING:
    case QUERN_MD_CELL: quern_md_widgets_fill_label (child, block); break;
    case QUERN_MD_CODE: quern_code_block_set (QUERN_CODE_BLOCK (child), block->info, block->text); break;
    case QUERN_MD_FORMULA: quern_math_view_set_latex (QUERN_MATH_VIEW (child), block->text); break;
    case QUERN_MD_PARTS: quern_md_widgets_sync (child, block->children, 0); break;
    case QUERN_MD_QUOTE:
      quern_md_widgets_sync (child, block->children, 0);
      gtk_widget_set_direction (child, quern_md_widgets_direction_of (quern_md_widgets_first_text (block)));
      break;
    case QUERN_MD_LIST: quern_md_widgets_fill_list (child, block); break;
    case QUERN_MD_ITEM: quern_md_widgets_sync (gtk_widget_get_last_child (child), block->children, 0); break;
    case QUERN_MD_TABLE: quern_md_widgets_fill_table (child, block); break;
    case QUERN_MD_ROW: /* the table's grid shows rows */
    case QUERN_MD_RULE: break;
    }
    child = gtk_widget_get_next_sibling (child);
  }
  while (child != NULL) {
    GtkWidget *next = gtk_widget_get_next_sibling (child);
    gtk_box_remove (GTK_BOX (box), child);
    child = next;
  }
}
