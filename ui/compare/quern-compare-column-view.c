/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-column-view.h"

#include "widgets/quern-model-row.h"
#include "quern-compare-figures.h"
#include "quern-compare-settings.h"

#include <glib/gi18n.h>

struct _QuernCompareColumnView {
  AdwBin parent_instance;

  /* Template widgets */
  GtkMenuButton *model_button, *settings_button;
  GtkLabel *title, *subtitle, *facts;
  GtkGrid *figures;
  GtkWidget *header, *arrow;
  GtkPopover *model_popover;
  GtkListBox *models;
  GtkScrolledWindow *scrolled;
  GtkBox *turns;

  /* Owned references */
  QuernComparison *comparison;
  QuernCompareColumn *column;
  char *letter; /* its letter in a blind vote, or NULL */
  QuernCompareBlind blind;

  gboolean marks;
  gboolean compact; /* figures are hidden */
  gboolean follow;  /* the view stays at the end while the answer grows */
  gboolean setting; /* the program sets the scroll position */
};

enum { SCROLLED, REMOVE, CONTINUE, CATCH_UP, MODEL_CHOSEN, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernCompareColumnView, quern_compare_column_view, ADW_TYPE_BIN)

static gboolean
is_nameless (QuernCompareColumnView *self)
{
  return self->letter != NULL && self->blind != QUERN_COMPARE_BLIND_REVEALED;
}

/* ---- header ----------------------------------------------------------------------------------------------------- */

static QuernCompareAnswer *
quern_compare_column_view_get_last_answer (QuernCompareColumnView *self)
{
  guint n = g_list_model_get_n_items (quern_compare_column_get_answers (self->column));
  return n > 0 ? quern_compare_column_get_answer (self->column, n - 1) : NULL;
}

/* Offers to ask the first prompt that this model was not asked. */
static void
update_offers (QuernCompareColumnView *self)
{
  guint missing = quern_comparison_get_missing (self->comparison, self->column);
  gboolean can = !quern_comparison_get_running (self->comparison)
                 && quern_compare_column_get_model (self->column) != NULL && !is_nameless (self);
  QuernCompareTurn *turn;

  for (guint i = 0; (turn = quern_compare_column_view_get_turn (self, i)) != NULL; i++) {
    gboolean never = quern_compare_answer_get_state (quern_compare_turn_get_answer (turn)) == QUERN_COMPARE_NOT_ASKED;
    quern_compare_turn_set_offer (turn, !can || i != missing ? NULL : never ? _("Ask This Model") : _("Ask Again"));
  }
}

/* While names are hidden only the last prompt is shown, because the answers before it were already attributed. */
static void
update_turns (QuernCompareColumnView *self)
{
  guint n = g_list_model_get_n_items (quern_compare_column_get_answers (self->column));
  QuernCompareTurn *turn;

  for (guint i = 0; (turn = quern_compare_column_view_get_turn (self, i)) != NULL; i++) {
    gtk_widget_set_visible (GTK_WIDGET (turn), !is_nameless (self) || i + 1 == n);
    quern_compare_turn_set_veiled (turn, self->letter != NULL && self->blind == QUERN_COMPARE_BLIND_VEILED);
  }
  update_offers (self);
}

static void
quern_compare_column_view_update (QuernCompareColumnView *self)
{
  const QuernModelFacts *facts = quern_compare_column_get_facts (self->column);
  g_autofree char *name = quern_compare_column_view_dup_name (self), *accessible = NULL;
  g_autofree char *label = quern_compare_column_dup_label (self->column), *size = quern_model_facts_dup_size (facts);
  g_autofree char *facts_text = NULL, *subtitle = NULL;
  const char *head = facts->place != NULL ? facts->place : facts->quantisation;
  g_autofree char *revealed = self->letter != NULL ? g_strdup_printf ("%s · %s", self->letter, head) : NULL;
  gboolean blind = is_nameless (self),
           figures = quern_compare_figures_fill (self->figures, self->comparison, self->column),
           thinks = quern_compare_column_thinks (self->column), differs = FALSE;
  GtkListBoxRow *row;

  /* The subtitle says whether the model thinks if the columns differ in that. */
  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++)
    differs = differs || quern_compare_column_thinks (quern_comparison_get_column (self->comparison, i)) != thinks;
  subtitle = differs ? g_strdup_printf (thinks ? _("%s · thinking") : _("%s · not thinking"), label)
                     : g_steal_pointer (&label);
  if (quern_compare_column_get_model (self->column) == NULL)
    facts_text = g_strdup (_("This model is no longer on this computer."));
  else if (facts->place != NULL)
    facts_text = g_steal_pointer (&size);
  else
    /* Translators: size of a model's file and bits for each weight */
    facts_text = g_strdup_printf (_("%s · %.2f bits per weight"), size, facts->bits_per_weight);
  gtk_label_set_label (self->title, blind ? name : self->letter != NULL ? revealed : head);
  gtk_label_set_label (self->subtitle, blind ? _("Hidden until you have voted") : subtitle);
  gtk_label_set_label (self->facts, facts_text);
  gtk_widget_set_visible (GTK_WIDGET (self->facts), !blind && !self->compact);
  gtk_widget_set_visible (GTK_WIDGET (self->figures), !blind && figures && !self->compact);
  gtk_widget_set_visible (GTK_WIDGET (self->settings_button), !blind);
  /* In a blind vote the button becomes a heading: it cannot be pressed, but it is not dimmed. */
  gtk_widget_set_can_target (GTK_WIDGET (self->model_button), self->letter == NULL);
  gtk_widget_set_can_focus (GTK_WIDGET (self->model_button), self->letter == NULL);
  gtk_widget_set_visible (self->arrow, self->letter == NULL);
  accessible = g_strdup_printf (_("Model of this column: %s"), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->model_button), GTK_ACCESSIBLE_PROPERTY_LABEL, accessible, -1);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->model_button), blind ? NULL : subtitle);
  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->models, i)) != NULL; i++)
    quern_model_row_set_selected (QUERN_MODEL_ROW (row), quern_compare_column_get_model (self->column));
  update_offers (self);
}

static GtkWidget *
quern_compare_column_view_create_row (gpointer item, gpointer user_data)
{
  GtkWidget *row = quern_model_row_new (QUERN_MODEL (item));
  quern_model_row_set_selected (QUERN_MODEL_ROW (row),
                                quern_compare_column_get_model (QUERN_COMPARE_COLUMN_VIEW (user_data)->column));
  return row;
}

static void
model_activated_cb (QuernCompareColumnView *self, GtkListBoxRow *row)
{
  gtk_popover_popdown (self->model_popover);
  g_signal_emit (self, signals[MODEL_CHOSEN], 0, quern_model_row_get_model (QUERN_MODEL_ROW (row)));
}

static void
create_settings_cb (GtkMenuButton *button, gpointer user_data)
{
  gtk_menu_button_set_popover (button, quern_compare_settings_new (QUERN_COMPARE_COLUMN_VIEW (user_data)->column));
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void
answers_changed_cb (QuernCompareColumnView *self, guint position, guint removed, guint added)
{
  for (guint i = 0; i < removed; i++)
    gtk_box_remove (self->turns, GTK_WIDGET (quern_compare_column_view_get_turn (self, position)));
  for (guint i = position; i < position + added; i++) {
    QuernCompareTurn *before = i > 0 ? quern_compare_column_view_get_turn (self, i - 1) : NULL;
    QuernCompareAnswer *answer = quern_compare_column_get_answer (self->column, i);
    GtkWidget *turn = quern_compare_turn_new (quern_comparison_get_prompt (self->comparison, i),
                                              quern_comparison_get_pictures (self->comparison, i), answer);
    quern_compare_turn_set_marks (QUERN_COMPARE_TURN (turn), self->marks);
    gtk_box_insert_child_after (self->turns, turn, GTK_WIDGET (before));
    g_signal_connect_object (answer, "notify::state", G_CALLBACK (quern_compare_column_view_update), self,
                             G_CONNECT_SWAPPED);
  }
  quern_compare_column_view_update (self);
  update_turns (self);
}

static double
get_share (GtkAdjustment *adjustment)
{
  double range = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);
  return range > 0 ? gtk_adjustment_get_value (adjustment) / range : 0;
}

static void
quern_compare_column_view_value_changed_cb (QuernCompareColumnView *self, GtkAdjustment *adjustment)
{
  if (self->setting)
    return;
  self->follow = get_share (adjustment) > 0.99;
  g_signal_emit (self, signals[SCROLLED], 0, get_share (adjustment));
}

static void
size_changed_cb (QuernCompareColumnView *self, GtkAdjustment *adjustment)
{
  if (self->follow)
    quern_compare_column_view_set_scroll (self, 1);
}

/* ---- actions ---------------------------------------------------------------------------------------------------- */

static void
remove_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[REMOVE], 0);
}

static void
quern_compare_column_view_continue_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[CONTINUE], 0);
}

static void
catch_up_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[CATCH_UP], 0);
}

static void
quern_compare_column_view_copy_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernCompareAnswer *answer = quern_compare_column_view_get_last_answer (QUERN_COMPARE_COLUMN_VIEW (widget));
  if (answer != NULL)
    gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), quern_compare_answer_get_answer (answer));
}

static void
quern_compare_column_view_dispose (GObject *object)
{
  QuernCompareColumnView *self = QUERN_COMPARE_COLUMN_VIEW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_COMPARE_COLUMN_VIEW);
  g_clear_object (&self->column);
  g_clear_object (&self->comparison);
  g_clear_pointer (&self->letter, g_free);
  G_OBJECT_CLASS (quern_compare_column_view_parent_class)->dispose (object);
}

static void
quern_compare_column_view_class_init (QuernCompareColumnViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_compare_column_view_dispose;
  signals[SCROLLED] = g_signal_new ("scrolled", QUERN_TYPE_COMPARE_COLUMN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 1, G_TYPE_DOUBLE);
  signals[REMOVE] = g_signal_new ("remove", QUERN_TYPE_COMPARE_COLUMN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);
  signals[CONTINUE] = g_signal_new ("continue", QUERN_TYPE_COMPARE_COLUMN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 0);
  signals[CATCH_UP] = g_signal_new ("catch-up", QUERN_TYPE_COMPARE_COLUMN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 0);
  signals[MODEL_CHOSEN] = g_signal_new ("model-chosen", QUERN_TYPE_COMPARE_COLUMN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, QUERN_TYPE_MODEL);
  gtk_widget_class_install_action (widget_class, "column.catch-up", NULL, catch_up_action);
  gtk_widget_class_install_action (widget_class, "column.remove", NULL, remove_action);
  gtk_widget_class_install_action (widget_class, "column.continue", NULL, quern_compare_column_view_continue_action);
  gtk_widget_class_install_action (widget_class, "column.copy", NULL, quern_compare_column_view_copy_action);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/compare/quern-compare-column-view.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, model_button);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, settings_button);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, title);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, subtitle);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, facts);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, figures);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, arrow);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, header);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, model_popover);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, models);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernCompareColumnView, turns);
  gtk_widget_class_bind_template_callback (widget_class, model_activated_cb);
}

static void
quern_compare_column_view_init (QuernCompareColumnView *self)
{
  GtkAdjustment *adjustment;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->marks = TRUE;
  adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);
  g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (quern_compare_column_view_value_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adjustment, "changed", G_CALLBACK (size_changed_cb), self, G_CONNECT_SWAPPED);
  gtk_menu_button_set_create_popup_func (self->settings_button, create_settings_cb, self, NULL);
}

/**
 * quern_compare_column_view_new:
 * @comparison: whose prompts are shown
 * @column: what is shown
 * @library: the models to choose from
 *
 * Returns: (transfer floating): a widget that shows @column
 */
GtkWidget *
quern_compare_column_view_new (QuernComparison *comparison, QuernCompareColumn *column, QuernLibrary *library)
{
  QuernCompareColumnView *self = g_object_new (QUERN_TYPE_COMPARE_COLUMN_VIEW, NULL);
  GListModel *answers = quern_compare_column_get_answers (column);

  self->comparison = g_object_ref (comparison);
  self->column = g_object_ref (column);
  gtk_list_box_set_header_func (self->models, quern_model_row_update_header, NULL, NULL);
  gtk_list_box_bind_model (self->models, G_LIST_MODEL (library), quern_compare_column_view_create_row, self, NULL);
  g_signal_connect_object (column, "notify", G_CALLBACK (quern_compare_column_view_update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (answers, "items-changed", G_CALLBACK (answers_changed_cb), self, G_CONNECT_SWAPPED);
  answers_changed_cb (self, 0, 0, g_list_model_get_n_items (answers));
  return GTK_WIDGET (self);
}

/**
 * quern_compare_column_view_get_column:
 *
 * Returns: (transfer none): the column that is shown
 */
QuernCompareColumn *
quern_compare_column_view_get_column (QuernCompareColumnView *self)
{
  return self->column;
}

/**
 * quern_compare_column_view_get_header:
 *
 * Returns: (transfer none): what stays above the answers, to be as high as that of other columns
 */
GtkWidget *
quern_compare_column_view_get_header (QuernCompareColumnView *self)
{
  return self->header;
}

/**
 * quern_compare_column_view_get_turn:
 *
 * Returns: (transfer none) (nullable): the widget of a prompt, or %NULL if there is none
 */
QuernCompareTurn *
quern_compare_column_view_get_turn (QuernCompareColumnView *self, guint turn)
{
  GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->turns));

  while (turn-- > 0 && child != NULL)
    child = gtk_widget_get_next_sibling (child);
  return child != NULL ? QUERN_COMPARE_TURN (child) : NULL;
}

/**
 * quern_compare_column_view_set_blind:
 * @letter: (nullable): what it is called in a blind vote; %NULL without one
 * @blind: how much of it shows
 */
void
quern_compare_column_view_set_blind (QuernCompareColumnView *self, const char *letter, QuernCompareBlind blind)
{
  g_set_str (&self->letter, letter);
  self->blind = blind;
  quern_compare_column_view_update (self);
  update_turns (self);
}

/**
 * quern_compare_column_view_dup_name:
 *
 * Returns: (transfer full): what it is called on the page
 */
char *
quern_compare_column_view_dup_name (QuernCompareColumnView *self)
{
  if (!is_nameless (self))
    return quern_compare_column_dup_label (self->column);
  /* Translators: a column of a blind vote: A, B … */
  return g_strdup_printf (_("Answer %s"), self->letter);
}

void
quern_compare_column_view_set_marks (QuernCompareColumnView *self, gboolean marks)
{
  QuernCompareTurn *turn;

  self->marks = marks;
  for (guint i = 0; (turn = quern_compare_column_view_get_turn (self, i)) != NULL; i++)
    quern_compare_turn_set_marks (turn, marks);
}

/**
 * quern_compare_column_view_set_locked:
 * @running: whether an answer is generated, so that the model and the settings cannot change
 * @removable: whether there are more columns than a comparison needs
 */
void
quern_compare_column_view_set_locked (QuernCompareColumnView *self, gboolean running, gboolean removable)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->model_button), !running);
  gtk_widget_set_sensitive (GTK_WIDGET (self->settings_button), !running);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "column.remove", !running && removable && self->letter == NULL);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "column.continue",
                                 !running && quern_compare_column_view_get_last_answer (self) != NULL
                                     && !is_nameless (self));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "column.copy",
                                 quern_compare_column_view_get_last_answer (self) != NULL);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "column.catch-up", !running);
  quern_compare_column_view_update (self); /* the figures depend on those of the other columns */
}

/**
 * quern_compare_column_view_set_compact:
 * @compact: whether to hide the figures for lack of room
 */
void
quern_compare_column_view_set_compact (QuernCompareColumnView *self, gboolean compact)
{
  if (self->compact == compact)
    return;
  self->compact = compact;
  quern_compare_column_view_update (self);
}

/**
 * quern_compare_column_view_set_scroll:
 * @share: how far to scroll, 0 to 1
 */
void
quern_compare_column_view_set_scroll (QuernCompareColumnView *self, double share)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);
  double range = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);

  self->setting = TRUE;
  gtk_adjustment_set_value (adjustment, range * share);
  self->setting = FALSE;
}

/**
 * quern_compare_column_view_follow:
 *
 * Scrolls to the end and keeps it in sight until the user scrolls away.
 */
void
quern_compare_column_view_follow (QuernCompareColumnView *self)
{
  self->follow = TRUE;
  quern_compare_column_view_set_scroll (self, 1);
}

/**
 * quern_compare_column_view_jump:
 *
 * Scrolls to and tells about where the answer to a prompt begins to differ.
 *
 * Returns: whether it does
 */
gboolean
quern_compare_column_view_jump (QuernCompareColumnView *self, guint turn)
{
  QuernCompareTurn *widget = quern_compare_column_view_get_turn (self, turn);
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);
  graphene_point_t point;
  double y;

  self->follow = FALSE;
  if (widget == NULL || !quern_compare_turn_find_fork (widget, &y)
      || !gtk_widget_compute_point (GTK_WIDGET (widget), GTK_WIDGET (self->turns), &GRAPHENE_POINT_INIT (0, y), &point))
    return FALSE;
  gtk_adjustment_set_value (adjustment, point.y - gtk_adjustment_get_page_size (adjustment) / 3);
  return quern_compare_turn_show_fork (widget);
}
