/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-diff-dialog.h"

#include "quern-diff.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

/* Colour is never the only mark: text that only the first answer has is struck through, text that only the second has
 * is underlined, and the line below describes the selected difference in words. */

typedef struct {
  int start, end; /* character offsets in the buffer */
  char *a, *b;    /* the text that each answer has there */
} Change;

struct _QuernDiffDialog {
  AdwDialog parent_instance;

  GtkDropDown *first, *second, *prompt;
  GtkTextView *view;
  GtkTextTag *only_a, *only_b;
  GtkLabel *legend, *summary, *details, *place;
  GtkWidget *bar; /* buttons that go from change to change */

  /* Owned references */
  QuernComparison *comparison;
  GArray *changes; /* of Change */
  char *name_a, *name_b;

  int current; /* index of the change, or -1 */
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (QuernDiffDialog, quern_diff_dialog, ADW_TYPE_DIALOG)

static void
change_clear (gpointer data)
{
  Change *change = data;

  g_free (change->a);
  g_free (change->b);
}

/* ---- going from change to change -------------------------------------------------------------------------------- */

static char *
quote (const char *words)
{
  GString *text = g_string_new (words);

  if (text->len == 0)
    g_string_assign (text, _("nothing"));
  else
    g_string_replace (text, "\n", "↵", 0);
  return g_string_free_and_steal (text);
}

static void
update_place (QuernDiffDialog *self)
{
  int n = (int) self->changes->len;
  g_autofree char *place = self->current >= 0 ? g_strdup_printf (_("%d of %d"), self->current + 1, n)
                                              : g_strdup_printf (ngettext ("%d difference", "%d differences", n), n);

  gtk_label_set_label (self->place, place);
  gtk_widget_set_visible (self->bar, n > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->legend), n > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "diff.previous", self->current > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "diff.next", self->current + 1 < n);
}

static void
go_to (QuernDiffDialog *self, int i)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  const Change *change = &g_array_index (self->changes, Change, i);
  g_autofree char *a = quote (change->a), *b = quote (change->b), *text = NULL;
  GtkTextIter start, end;

  self->current = i;
  gtk_text_buffer_get_iter_at_offset (buffer, &start, change->start);
  gtk_text_buffer_get_iter_at_offset (buffer, &end, change->end);
  gtk_text_buffer_select_range (buffer, &start, &end);
  gtk_text_view_scroll_to_iter (self->view, &start, 0.1, FALSE, 0, 0);
  /* Translators: model: its words. Other model: its words. */
  text = g_strdup_printf (_("%s: %s\n%s: %s"), self->name_a, a, self->name_b, b);
  gtk_label_set_label (self->details, text);
  gtk_widget_set_visible (GTK_WIDGET (self->details), TRUE);
  gtk_accessible_announce (GTK_ACCESSIBLE (self), text, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
  update_place (self);
}

static void
previous_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernDiffDialog *self = QUERN_DIFF_DIALOG (widget);

  if (self->current > 0)
    go_to (self, self->current - 1);
}

static void
next_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernDiffDialog *self = QUERN_DIFF_DIALOG (widget);

  if (self->current + 1 < (int) self->changes->len)
    go_to (self, self->current + 1);
}

/* ---- what is compared ------------------------------------------------------------------------------------------- */

static const char *
get_text (QuernDiffDialog *self, GtkDropDown *dropdown)
{
  QuernCompareColumn *column = quern_comparison_get_column (self->comparison, gtk_drop_down_get_selected (dropdown));
  QuernCompareAnswer *answer = column != NULL
                                   ? quern_compare_column_get_answer (column, gtk_drop_down_get_selected (self->prompt))
                                   : NULL;
  return answer != NULL ? quern_compare_answer_get_answer (answer) : "";
}

/* Fills the text with the pieces and notes its changes. The texts of both answers at one place are one change. */
static void
fill_text (QuernDiffDialog *self, const char *a, const char *b, GArray *pieces)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  gboolean joined = FALSE;

  gtk_text_buffer_set_text (buffer, "", 0);
  g_array_set_size (self->changes, 0);
  for (guint i = 0; i < pieces->len; i++) {
    const QuernDiffPiece *piece = &g_array_index (pieces, QuernDiffPiece, i);
    const char *text = (piece->kind == QUERN_DIFF_ONLY_B ? b : a) + piece->start;
    int start = gtk_text_buffer_get_char_count (buffer), length = (int) (piece->end - piece->start);
    GtkTextIter end;
    Change *change;
    gtk_text_buffer_get_end_iter (buffer, &end);
    if (piece->kind == QUERN_DIFF_SAME) {
      gtk_text_buffer_insert (buffer, &end, text, length);
      joined = FALSE;
      continue;
    }
    gtk_text_buffer_insert_with_tags (buffer, &end, text, length,
                                      piece->kind == QUERN_DIFF_ONLY_A ? self->only_a : self->only_b, NULL);
    if (!joined)
      g_array_append_vals (self->changes, &(Change) { .start = start }, 1);
    change = &g_array_index (self->changes, Change, self->changes->len - 1);
    change->end = gtk_text_buffer_get_char_count (buffer);
    *(piece->kind == QUERN_DIFF_ONLY_A ? &change->a : &change->b) = g_strndup (text, (gsize) length);
    joined = TRUE;
  }
}

static void
quern_diff_dialog_update (QuernDiffDialog *self)
{
  const char *a, *b;
  g_autoptr (GArray) pieces = NULL;
  g_autofree char *summary = NULL, *escaped_a = NULL, *escaped_b = NULL, *legend = NULL;
  QuernDiffCount count;

  if (self->filling)
    return;
  a = get_text (self, self->first);
  b = get_text (self, self->second);
  g_free (self->name_a);
  g_free (self->name_b);
  self->name_a = g_strdup (gtk_string_object_get_string (gtk_drop_down_get_selected_item (self->first)));
  self->name_b = g_strdup (gtk_string_object_get_string (gtk_drop_down_get_selected_item (self->second)));
  pieces = quern_diff_words (a, b);
  quern_diff_count (a, b, pieces, &count);
  if (count.changes == 0) {
    summary = g_strdup (_("Both answers are identical."));
  } else {
    g_autofree char *places = g_strdup_printf (ngettext ("%u difference.", "%u differences.", count.changes),
                                               count.changes);
    /* Translators: "7 places differ." and counts of words with the names of models */
    summary = g_strdup_printf (_("%s Words only in %s: %u; only in %s: %u; in both: %u."), places, self->name_a,
                               count.only_a, self->name_b, count.only_b, count.same);
  }
  gtk_label_set_label (self->summary, summary);
  escaped_a = g_markup_escape_text (self->name_a, -1);
  escaped_b = g_markup_escape_text (self->name_b, -1);
  legend = g_strdup_printf (_("<s>Struck through</s>: only %s. <u>Underlined</u>: only %s."), escaped_a, escaped_b);
  gtk_label_set_markup (self->legend, legend);
  fill_text (self, a, b, pieces);
  self->current = -1;
  gtk_widget_set_visible (GTK_WIDGET (self->details), FALSE);
  update_place (self);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static GtkDropDown *
add_choice (QuernDiffDialog *self, GtkWidget *box, GtkStringList *names, const char *name)
{
  GtkWidget *dropdown = gtk_drop_down_new (G_LIST_MODEL (g_object_ref (names)), NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (dropdown), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  adw_wrap_box_append (ADW_WRAP_BOX (box), dropdown);
  g_signal_connect_object (dropdown, "notify::selected", G_CALLBACK (quern_diff_dialog_update), self,
                           G_CONNECT_SWAPPED);
  return GTK_DROP_DOWN (dropdown);
}

static GtkLabel *
quern_diff_dialog_add_label (GtkWidget *box, const char *css_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  quern_hyphens_leave_out (GTK_LABEL (label));
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  gtk_box_append (GTK_BOX (box), label);
  return GTK_LABEL (label);
}

static GtkWidget *
make_text (QuernDiffDialog *self)
{
  const GdkRGBA red = { 0.9f, 0.15f, 0.15f, 0.2f }, green = { 0.1f, 0.65f, 0.3f, 0.24f }; /* over either background */
  GtkWidget *scrolled = gtk_scrolled_window_new (), *view = gtk_text_view_new ();
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));

  self->view = GTK_TEXT_VIEW (view);
  gtk_text_view_set_editable (self->view, FALSE);
  gtk_text_view_set_cursor_visible (self->view, FALSE);
  gtk_text_view_set_accepts_tab (self->view, FALSE);
  gtk_text_view_set_wrap_mode (self->view, GTK_WRAP_WORD_CHAR);
  quern_hyphens_leave_out_of_view (self->view);
  gtk_text_view_set_left_margin (self->view, 12);
  gtk_text_view_set_right_margin (self->view, 12);
  gtk_text_view_set_top_margin (self->view, 12);
  gtk_text_view_set_bottom_margin (self->view, 12);
  gtk_widget_add_css_class (view, "diff-text");
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Both answers"), -1);
  self->only_a = gtk_text_buffer_create_tag (buffer, NULL, "strikethrough", TRUE, "background-rgba", &red, NULL);
  self->only_b = gtk_text_buffer_create_tag (buffer, NULL, "underline", PANGO_UNDERLINE_SINGLE, "background-rgba",
                                             &green, NULL);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_widget_set_vexpand (scrolled, TRUE);
  gtk_widget_add_css_class (scrolled, "card");
  return scrolled;
}

static void
add_step (GtkWidget *bar, const char *icon, const char *name, const char *action)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_tooltip_text (button, name);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_box_append (GTK_BOX (bar), button);
}

static GtkWidget *
make_bar (QuernDiffDialog *self)
{
  GtkWidget *bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->bar = bar;
  gtk_widget_set_halign (bar, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (bar, "toolbar");
  add_step (bar, "go-up-symbolic", _("Previous Difference"), "diff.previous");
  self->place = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->place), "numeric");
  gtk_box_append (GTK_BOX (bar), GTK_WIDGET (self->place));
  add_step (bar, "go-down-symbolic", _("Next Difference"), "diff.next");
  return bar;
}

static void
quern_diff_dialog_finalize (GObject *object)
{
  QuernDiffDialog *self = QUERN_DIFF_DIALOG (object);

  g_clear_object (&self->comparison);
  g_array_unref (self->changes);
  g_free (self->name_a);
  g_free (self->name_b);
  G_OBJECT_CLASS (quern_diff_dialog_parent_class)->finalize (object);
}

static void
quern_diff_dialog_class_init (QuernDiffDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = quern_diff_dialog_finalize;
  gtk_widget_class_install_action (widget_class, "diff.previous", NULL, previous_action);
  gtk_widget_class_install_action (widget_class, "diff.next", NULL, next_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Down, GDK_ALT_MASK, "diff.next", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Up, GDK_ALT_MASK, "diff.previous", NULL);
}

static void
quern_diff_dialog_init (QuernDiffDialog *self)
{
  self->changes = g_array_new (FALSE, FALSE, sizeof (Change));
  g_array_set_clear_func (self->changes, change_clear);
}

static void
make_content (QuernDiffDialog *self, GtkStringList *names, GtkStringList *prompts)
{
  GtkWidget *toolbar = adw_toolbar_view_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  GtkWidget *choices = adw_wrap_box_new ();

  adw_wrap_box_set_child_spacing (ADW_WRAP_BOX (choices), 9);
  adw_wrap_box_set_line_spacing (ADW_WRAP_BOX (choices), 6);
  gtk_widget_add_css_class (box, "diff-page");
  self->filling = TRUE;
  self->first = add_choice (self, choices, names, _("First column"));
  self->second = add_choice (self, choices, names, _("Second column"));
  self->prompt = add_choice (self, choices, prompts, _("Prompt"));
  gtk_drop_down_set_selected (self->second, 1);
  gtk_drop_down_set_selected (self->prompt, g_list_model_get_n_items (G_LIST_MODEL (prompts)) - 1);
  gtk_widget_set_visible (GTK_WIDGET (self->prompt), g_list_model_get_n_items (G_LIST_MODEL (prompts)) > 1);
  self->filling = FALSE;
  gtk_box_append (GTK_BOX (box), choices);
  self->summary = quern_diff_dialog_add_label (box, NULL);
  self->legend = quern_diff_dialog_add_label (box, "dim-label");
  gtk_box_append (GTK_BOX (box), make_text (self));
  self->details = quern_diff_dialog_add_label (box, "notice");
  gtk_label_set_selectable (self->details, TRUE);
  adw_toolbar_view_add_top_bar (ADW_TOOLBAR_VIEW (toolbar), adw_header_bar_new ());
  adw_toolbar_view_add_bottom_bar (ADW_TOOLBAR_VIEW (toolbar), make_bar (self));
  adw_toolbar_view_set_content (ADW_TOOLBAR_VIEW (toolbar), box);
  adw_dialog_set_child (ADW_DIALOG (self), toolbar);
}

/**
 * quern_diff_dialog_new:
 * @comparison: with two columns and one prompt at least; nothing of it runs
 *
 * Returns: (transfer floating): the dialog, to be presented
 */
AdwDialog *
quern_diff_dialog_new (QuernComparison *comparison)
{
  QuernDiffDialog *self = g_object_new (QUERN_TYPE_DIFF_DIALOG, "title", _("Word Differences"), "content-width", 720,
                                        "content-height", 600, NULL);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL), prompts = gtk_string_list_new (NULL);

  self->comparison = g_object_ref (comparison);
  for (guint i = 0; i < quern_comparison_get_n_columns (comparison); i++)
    gtk_string_list_take (names, quern_compare_column_dup_label (quern_comparison_get_column (comparison, i)));
  for (guint i = 0; i < quern_comparison_get_n_turns (comparison); i++)
    gtk_string_list_take (prompts, g_strdup_printf (_("Prompt %u"), i + 1));
  make_content (self, names, prompts);
  quern_diff_dialog_update (self);
  return ADW_DIALOG (self);
}
