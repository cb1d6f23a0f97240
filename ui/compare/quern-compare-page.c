/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-page-private.h"

#include <glib/gi18n.h>

/* Shows columns that answer the same prompts: side by side while they fit, otherwise one at a time with a switcher
 * above. quern-compare-page-actions.c has the actions. */

#define COLUMN_WIDTH 210 /* width of a column in sp; below it columns are shown one at a time */
#define SHORT_HEIGHT 360 /* in sp; the template has the same value */
#define FORK_DELAY 120   /* ms between updates of the marks while answers grow */

enum { CONTINUE, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernComparePage, quern_compare_page, ADW_TYPE_BIN)

/* Returns the view of a column by its index in the comparison. In a blind vote the views are in another order on the
 * screen. */
QuernCompareColumnView *
_quern_compare_page_get_view (QuernComparePage *self, guint column)
{
  QuernCompareColumn *wanted = quern_comparison_get_column (self->comparison, column);
  GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->columns));

  while (child != NULL && quern_compare_column_view_get_column (QUERN_COMPARE_COLUMN_VIEW (child)) != wanted)
    child = gtk_widget_get_next_sibling (child);
  return child != NULL ? QUERN_COMPARE_COLUMN_VIEW (child) : NULL;
}

/* ---- differences ------------------------------------------------------------------------------------------------ */

/* Each column is compared with the first one. The first one is compared with the column that parts from it earliest. */
static void
quern_compare_page_find_fork (QuernComparePage *self, guint turn, guint column, QuernForkView *view)
{
  guint n = quern_comparison_get_n_columns (self->comparison);

  *view = (QuernForkView) { 0 };
  for (guint other = column == 0 ? 1 : 0; other < (column == 0 ? n : 1); other++) {
    QuernFork fork;
    quern_comparison_get_fork (self->comparison, turn, column, other, &fork);
    if (!fork.known)
      continue; /* a server does not tell its tokens */
    if (!view->valid || (fork.differs && (!view->fork.differs || fork.index < view->fork.index)))
      *view = (QuernForkView) { TRUE, fork, other };
  }
}

static void
update_fork (QuernComparePage *self, guint turn, guint column)
{
  QuernCompareColumnView *view = _quern_compare_page_get_view (self, column);
  QuernCompareTurn *widget = view != NULL ? quern_compare_column_view_get_turn (view, turn) : NULL;
  g_autofree char *name = NULL, *other_name = NULL;
  QuernForkView fork;

  if (widget == NULL)
    return;
  quern_compare_page_find_fork (self, turn, column, &fork);
  if (fork.valid) {
    name = quern_compare_column_view_dup_name (view);
    other_name = quern_compare_column_view_dup_name (_quern_compare_page_get_view (self, fork.other));
  }
  quern_compare_turn_set_fork (widget, &fork, name, other_name,
                               fork.valid
                                   ? quern_compare_column_get_answer (quern_comparison_get_column (self->comparison,
                                                                                                   fork.other),
                                                                      turn)
                                   : NULL);
}

static void
update_forks (QuernComparePage *self)
{
  guint n_turns = quern_comparison_get_n_turns (self->comparison);

  for (guint turn = 0; turn < n_turns; turn++)
    for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++)
      update_fork (self, turn, i);
}

static gboolean
fork_timer_cb (gpointer user_data)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (user_data);
  guint n_turns = self->comparison != NULL ? quern_comparison_get_n_turns (self->comparison) : 0;

  self->fork_timer = 0;
  for (guint i = 0; n_turns > 0 && i < quern_comparison_get_n_columns (self->comparison); i++)
    update_fork (self, n_turns - 1, i); /* the other prompts are updated when a run ends */
  return G_SOURCE_REMOVE;
}

static void
answer_changed_cb (QuernComparePage *self)
{
  if (self->fork_timer == 0)
    self->fork_timer = g_timeout_add (FORK_DELAY, fork_timer_cb, self);
}

/* ---- layout ----------------------------------------------------------------------------------------------------- */

static void
update_visible (QuernComparePage *self)
{
  guint active = adw_toggle_group_get_active (self->switcher), i = 0;

  gtk_widget_set_visible (GTK_WIDGET (self->switcher), self->narrow);
  gtk_widget_set_visible (self->hint, !self->is_short && self->comparison != NULL
                                          && quern_comparison_get_n_turns (self->comparison) == 0);
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->columns)); child != NULL;
       child = gtk_widget_get_next_sibling (child), i++) {
    gtk_widget_set_visible (child, !self->narrow || i == active);
    quern_compare_column_view_set_compact (QUERN_COMPARE_COLUMN_VIEW (child), self->is_short);
  }
}

static void
update_switcher (QuernComparePage *self)
{
  guint active = adw_toggle_group_get_active (self->switcher), n;

  adw_toggle_group_remove_all (self->switcher);
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->columns)); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    QuernCompareColumn *column = quern_compare_column_view_get_column (QUERN_COMPARE_COLUMN_VIEW (child));
    g_autofree char *name = quern_compare_column_view_dup_name (QUERN_COMPARE_COLUMN_VIEW (child));
    AdwToggle *toggle = adw_toggle_new ();
    adw_toggle_set_label (toggle, _quern_compare_page_is_blind (self)
                                      ? name
                                      : quern_compare_column_get_facts (column)->quantisation);
    adw_toggle_set_tooltip (toggle, name);
    adw_toggle_group_add (self->switcher, toggle);
  }
  n = adw_toggle_group_get_n_toggles (self->switcher);
  if (n > 0)
    adw_toggle_group_set_active (self->switcher, active < n ? active : 0);
  update_visible (self);
}

static void
narrow_cb (QuernComparePage *self)
{
  self->narrow = TRUE;
  update_visible (self);
}

static void
wide_cb (QuernComparePage *self)
{
  self->narrow = FALSE;
  update_visible (self);
}

/* In a low window the answers are more important than the figures. */
static void
set_short (QuernComparePage *self, gboolean is_short)
{
  self->is_short = is_short;
  update_visible (self);
}

static void
short_cb (QuernComparePage *self)
{
  set_short (self, TRUE);
}

static void
tall_cb (QuernComparePage *self)
{
  set_short (self, FALSE);
}

/* Only one breakpoint applies at a time, so this one does what both do. */
static void
small_cb (QuernComparePage *self)
{
  self->narrow = TRUE;
  set_short (self, TRUE);
}

static void
large_cb (QuernComparePage *self)
{
  self->narrow = FALSE;
  set_short (self, FALSE);
}

static void
switched_cb (QuernComparePage *self)
{
  update_visible (self);
}

/* Decides what a blind vote shows: nothing while answers are generated, because their order and speed would give the
 * model away; the texts until they are voted on; then everything. */
static QuernCompareBlind
get_blind (QuernComparePage *self)
{
  guint n_turns = quern_comparison_get_n_turns (self->comparison), a, b;

  if (quern_comparison_get_running (self->comparison))
    return QUERN_COMPARE_BLIND_VEILED;
  if (n_turns == 0 || quern_comparison_next_pair (self->comparison, n_turns - 1, &a, &b))
    return QUERN_COMPARE_BLIND_NAMELESS;
  return QUERN_COMPARE_BLIND_REVEALED;
}

/* Orders the columns as they are, or in a blind vote shuffled for the prompt that is voted on, with letters. */
static void
update_order (QuernComparePage *self)
{
  guint order[QUERN_COMPARE_MAX_COLUMNS] = { 0, 1, 2, 3 };
  guint n = quern_comparison_get_n_columns (self->comparison),
        n_turns = quern_comparison_get_n_turns (self->comparison);
  gboolean blind = _quern_compare_page_is_blind (self);
  GtkWidget *before = NULL;

  if (blind)
    quern_comparison_get_order (self->comparison, n_turns > 0 ? n_turns - 1 : 0, order);
  for (guint i = 0; i < n; i++) {
    QuernCompareColumnView *view = _quern_compare_page_get_view (self, order[i]);
    quern_compare_column_view_set_blind (view, blind ? quern_compare_letters[i] : NULL, get_blind (self));
    gtk_box_reorder_child_after (self->columns, GTK_WIDGET (view), before);
    before = GTK_WIDGET (view);
  }
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

static void
update_columns (QuernComparePage *self, gboolean running)
{
  guint n = quern_comparison_get_n_columns (self->comparison);
  gboolean thinking = n > 0;

  for (guint i = 0; i < n; i++) {
    quern_compare_column_view_set_locked (_quern_compare_page_get_view (self, i), running, n > 2);
    thinking = thinking && quern_compare_column_thinks (quern_comparison_get_column (self->comparison, i));
  }
  quern_composer_set_thinking (self->composer, thinking);
}

/* Updates everything but the texts. */
void
_quern_compare_page_update (QuernComparePage *self)
{
  gboolean running = quern_comparison_get_running (self->comparison);
  const char *note = quern_comparison_get_note (self->comparison);
  const char *title = quern_comparison_get_title (self->comparison);
  guint n_turns = quern_comparison_get_n_turns (self->comparison);
  guint n = quern_comparison_get_n_columns (self->comparison);
  g_autoptr (AdwBreakpointCondition) narrow = NULL, both = NULL;

  adw_window_title_set_title (self->title, title != NULL && *title != '\0' ? title : _("Comparison"));
  update_visible (self);
  quern_composer_set_busy (self->composer, running);
  quern_composer_set_can_send (self->composer, !running && n >= 2);
  update_columns (self, running);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.stop", running);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "compare.add-column", !running && n < QUERN_COMPARE_MAX_COLUMNS);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "compare.jump", n_turns > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "compare.differences",
                                 n_turns > 0 && n >= 2 && !running
                                     && (!_quern_compare_page_is_blind (self)
                                         || get_blind (self) == QUERN_COMPARE_BLIND_REVEALED));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "compare.votes",
                                 quern_comparison_get_n_votes (self->comparison) > 0);
  if (note != NULL && !running)
    quern_compare_page_show_problem (self, note);
  _quern_compare_page_update_votes (self, running);
  narrow = adw_breakpoint_condition_new_length (ADW_BREAKPOINT_CONDITION_MAX_WIDTH, n * COLUMN_WIDTH,
                                                ADW_LENGTH_UNIT_SP);
  both = adw_breakpoint_condition_new_and (adw_breakpoint_condition_copy (narrow),
                                           adw_breakpoint_condition_new_length (ADW_BREAKPOINT_CONDITION_MAX_HEIGHT,
                                                                                SHORT_HEIGHT, ADW_LENGTH_UNIT_SP));
  adw_breakpoint_set_condition (self->breakpoint, narrow);
  adw_breakpoint_set_condition (self->both_breakpoint, both);
}

static void
turns_changed_cb (QuernComparePage *self)
{
  QuernCompareAnswer *answer;
  guint n_turns = quern_comparison_get_n_turns (self->comparison);

  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison) && n_turns > 0; i++) {
    answer = quern_compare_column_get_answer (quern_comparison_get_column (self->comparison, i), n_turns - 1);
    if (answer == NULL)
      continue;
    g_signal_handlers_disconnect_by_func (answer, answer_changed_cb, self);
    g_signal_connect_object (answer, "changed", G_CALLBACK (answer_changed_cb), self, G_CONNECT_SWAPPED);
  }
  update_order (self);
  _quern_compare_page_update (self);
  update_forks (self);
}

static void
column_changed_cb (QuernComparePage *self)
{
  update_switcher (self);
  update_columns (self, quern_comparison_get_running (self->comparison));
  update_forks (self);
}

static void
scrolled_cb (QuernCompareColumnView *view, double share, QuernComparePage *self)
{
  if (!self->together_scroll)
    return;
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->columns)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (child != GTK_WIDGET (view))
      quern_compare_column_view_set_scroll (QUERN_COMPARE_COLUMN_VIEW (child), share);
}

static void
catch_up_cb (QuernCompareColumnView *view, QuernComparePage *self)
{
  _quern_compare_page_catch_up (self, quern_compare_column_view_get_column (view));
}

static void
model_chosen_cb (QuernCompareColumnView *view, QuernModel *model, QuernComparePage *self)
{
  _quern_compare_page_choose_model (self, quern_compare_column_view_get_column (view), model);
}

static void
remove_cb (QuernCompareColumnView *view, QuernComparePage *self)
{
  quern_comparison_remove_column (self->comparison, quern_compare_column_view_get_column (view));
}

static void
quern_compare_page_continue_cb (QuernCompareColumnView *view, QuernComparePage *self)
{
  g_signal_emit (self, signals[CONTINUE], 0, quern_compare_column_view_get_column (view));
}

static void
columns_changed_cb (QuernComparePage *self)
{
  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (self->columns))) != NULL;)
    gtk_box_remove (self->columns, child);
  for (guint i = 0; i < quern_comparison_get_n_columns (self->comparison); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self->comparison, i);
    GtkWidget *view = quern_compare_column_view_new (self->comparison, column, self->library);
    quern_compare_column_view_set_marks (QUERN_COMPARE_COLUMN_VIEW (view), self->marks);
    g_signal_connect_object (view, "scrolled", G_CALLBACK (scrolled_cb), self, 0);
    g_signal_connect_object (view, "remove", G_CALLBACK (remove_cb), self, 0);
    g_signal_connect_object (view, "catch-up", G_CALLBACK (catch_up_cb), self, 0);
    g_signal_connect_object (view, "model-chosen", G_CALLBACK (model_chosen_cb), self, 0);
    g_signal_connect_object (view, "continue", G_CALLBACK (quern_compare_page_continue_cb), self, 0);
    g_signal_connect_object (column, "notify", G_CALLBACK (column_changed_cb), self, G_CONNECT_SWAPPED);
    gtk_size_group_add_widget (self->headers, quern_compare_column_view_get_header (QUERN_COMPARE_COLUMN_VIEW (view)));
    gtk_box_append (self->columns, view);
  }
  turns_changed_cb (self);
  update_switcher (self);
}

/* A blind vote that begins or ends changes what the columns show, and the names in the switcher. */
static void
blind_changed_cb (QuernComparePage *self)
{
  turns_changed_cb (self);
  update_switcher (self);
}

/* A measurement continues when its dialog is closed, so the button shows its progress. */
static void
measure_changed_cb (QuernComparePage *self)
{
  QuernMeasure *measure = self->comparison != NULL ? quern_comparison_get_measure (self->comparison) : NULL;
  gboolean running = measure != NULL && quern_measure_get_running (measure);
  g_autofree char *text = NULL;

  g_signal_group_set_target (self->measure_signals, measure);
  if (running)
    /* Translators: how far a measurement is, in percent */
    text = g_strdup_printf (_("Measured: %.0f %%"), quern_measure_get_progress (measure) * 100);
  gtk_widget_set_visible (GTK_WIDGET (self->measure_button), running);
  gtk_button_set_label (self->measure_button, text != NULL ? text : "");
}

/* Gives an empty comparison two columns: the largest installed model, and the smallest one of its family. */
void
_quern_compare_page_fill (QuernComparePage *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->library));
  QuernModel *first = quern_library_get_default (self->library), *second = NULL;

  if (first == NULL || quern_comparison_get_n_columns (self->comparison) > 0)
    return;
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (self->library), i);
    if (quern_model_get_state (model) == QUERN_MODEL_OK && !quern_model_is_remote (model)
        && quern_model_is_kin (model, first) && model != first
        && (second == NULL || quern_model_get_size (model) < quern_model_get_size (second)))
      second = model; /* the library keeps it */
  }
  for (guint i = 0; i < 2; i++) {
    g_autoptr (QuernCompareColumn) column = quern_compare_column_new (i == 0 || second == NULL ? first : second);
    quern_comparison_add_column (self->comparison, column);
  }
}

static void
quern_compare_page_banner_clicked_cb (QuernComparePage *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

static void
quern_compare_page_thinking_toggled_cb (QuernComparePage *self)
{
  gboolean thinking = quern_composer_get_thinking (self->composer);

  for (guint i = 0; self->comparison != NULL && i < quern_comparison_get_n_columns (self->comparison); i++)
    quern_compare_column_set_thinking (quern_comparison_get_column (self->comparison, i),
                                       thinking ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_compare_page_dispose (GObject *object)
{
  QuernComparePage *self = QUERN_COMPARE_PAGE (object);

  g_clear_handle_id (&self->fork_timer, g_source_remove);
  g_clear_object (&self->signals);
  g_clear_object (&self->column_signals);
  g_clear_object (&self->measure_signals);
  g_clear_object (&self->headers);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_COMPARE_PAGE);
  g_clear_object (&self->comparison);
  g_clear_object (&self->store);
  g_clear_object (&self->library);
  g_clear_object (&self->backend);
  G_OBJECT_CLASS (quern_compare_page_parent_class)->dispose (object);
}

static void
quern_compare_page_class_init (QuernComparePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_compare_page_dispose;
  signals[CONTINUE] = g_signal_new ("continue", QUERN_TYPE_COMPARE_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 1, QUERN_TYPE_COMPARE_COLUMN);
  g_type_ensure (QUERN_TYPE_COMPOSER);
  _quern_compare_page_install_actions (widget_class);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/compare/quern-compare-page.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, breakpoint);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, both_breakpoint);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, switcher);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, title);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, columns);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, add_button);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, hint);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, measure_button);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, votes);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, vote_a);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, vote_b);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, all_votes);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, vote_label);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, vote_buttons);
  gtk_widget_class_bind_template_child (widget_class, QuernComparePage, composer);
  gtk_widget_class_bind_template_callback (widget_class, quern_compare_page_banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, narrow_cb);
  gtk_widget_class_bind_template_callback (widget_class, wide_cb);
  gtk_widget_class_bind_template_callback (widget_class, short_cb);
  gtk_widget_class_bind_template_callback (widget_class, tall_cb);
  gtk_widget_class_bind_template_callback (widget_class, small_cb);
  gtk_widget_class_bind_template_callback (widget_class, large_cb);
  gtk_widget_class_bind_template_callback (widget_class, switched_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_compare_page_thinking_toggled_cb);
}

static void
quern_compare_page_init (QuernComparePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->headers = gtk_size_group_new (GTK_SIZE_GROUP_VERTICAL);
  self->together_scroll = TRUE;
  self->marks = TRUE;
  g_signal_connect_object (quern_composer_get_attachments (self->composer), "problem",
                           G_CALLBACK (quern_compare_page_show_problem), self, G_CONNECT_SWAPPED);
  self->signals = g_signal_group_new (QUERN_TYPE_COMPARISON);
  g_signal_group_connect_swapped (self->signals, "notify::running", G_CALLBACK (turns_changed_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::n-turns", G_CALLBACK (turns_changed_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::note", G_CALLBACK (_quern_compare_page_update), self);
  g_signal_group_connect_swapped (self->signals, "notify::n-votes", G_CALLBACK (blind_changed_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::title", G_CALLBACK (_quern_compare_page_update), self);
  g_signal_group_connect_swapped (self->signals, "notify::blind", G_CALLBACK (blind_changed_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::measure", G_CALLBACK (measure_changed_cb), self);
  self->measure_signals = g_signal_group_new (QUERN_TYPE_MEASURE);
  g_signal_group_connect_swapped (self->measure_signals, "notify::running", G_CALLBACK (measure_changed_cb), self);
  g_signal_group_connect_swapped (self->measure_signals, "notify::progress", G_CALLBACK (measure_changed_cb), self);
  self->column_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->column_signals, "items-changed", G_CALLBACK (columns_changed_cb), self);
}

/**
 * quern_compare_page_set_context:
 * @library: the models to choose from
 * @backend: where they run
 *
 * Call it once, before there is a comparison.
 */
void
quern_compare_page_set_context (QuernComparePage *self, QuernStore *store, QuernLibrary *library, QuernBackend *backend)
{
  g_return_if_fail (QUERN_IS_COMPARE_PAGE (self));

  g_set_object (&self->store, store);
  g_set_object (&self->library, library);
  g_set_object (&self->backend, backend);
}

/**
 * quern_compare_page_set_comparison:
 * @comparison: what to show; one without columns gets two
 */
void
quern_compare_page_set_comparison (QuernComparePage *self, QuernComparison *comparison)
{
  g_return_if_fail (QUERN_IS_COMPARE_PAGE (self));

  if (!g_set_object (&self->comparison, comparison))
    return;
  adw_banner_set_revealed (self->banner, FALSE);
  quern_composer_set_text (self->composer, "");
  _quern_compare_page_fill (self);
  g_signal_group_set_target (self->signals, comparison);
  g_signal_group_set_target (self->column_signals, quern_comparison_get_columns (comparison));
  _quern_compare_page_insert_actions (self);
  columns_changed_cb (self);
  measure_changed_cb (self);
}

/**
 * quern_compare_page_get_comparison:
 *
 * Returns: (transfer none) (nullable): the comparison that is shown
 */
QuernComparison *
quern_compare_page_get_comparison (QuernComparePage *self)
{
  return self->comparison;
}

/**
 * quern_compare_page_show_problem:
 * @sentence: what to know, and what can be done
 */
void
quern_compare_page_show_problem (QuernComparePage *self, const char *sentence)
{
  adw_banner_set_title (self->banner, sentence);
  adw_banner_set_use_markup (self->banner, FALSE);
  adw_banner_set_revealed (self->banner, TRUE);
}

void
quern_compare_page_focus (QuernComparePage *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->composer));
}
