/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-heat-map.h"

#include "quern-candidates.h"
#include "quern-heat-text.h"

#include <glib/gi18n.h>
#include <math.h>

/* Shows the measured text, tinted and underlined where a model's next-token distribution is far from the reference's.
 * One token is selected: arrow keys move to the next token, and with Ctrl to the next marked one. A popover shows the
 * most probable tokens of both models there, and a screen reader hears them. */

struct _QuernHeatMap {
  AdwBin parent_instance;

  QuernHeatText *view;
  GtkPopover *popover; /* NULL if closed */

  /* Owned references */
  QuernMeasure *measure;
  GArray *starts;    /* array of int: character offset where each token begins, and one more for the end of the text */
  GArray *positions; /* array of guint: the position of the result that predicts each token, or NO_POSITION */

  guint result;
  guint current; /* index of the selected token */
  guint scroll_source;
};

#define NO_POSITION G_MAXUINT

G_DEFINE_FINAL_TYPE (QuernHeatMap, quern_heat_map, ADW_TYPE_BIN)

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* A token may end inside a character. Its edges are moved to the beginning of the character. */
static void
find_starts (QuernHeatMap *self)
{
  const char *text = quern_measure_get_text (self->measure);
  guint n = quern_measure_get_n_tokens (self->measure), byte = 0, start, end;
  int chars = 0;

  g_array_set_size (self->starts, 0);
  for (guint i = 0; i < n; i++) {
    quern_measure_get_token_span (self->measure, i, &start, &end);
    for (; byte < start; byte++)
      chars += ((guchar) text[byte] & 0xc0) != 0x80;
    g_array_append_val (self->starts, chars);
  }
  chars = (int) g_utf8_strlen (text, -1);
  g_array_append_val (self->starts, chars);
}

static const QuernDivergence *
get_position (QuernHeatMap *self, guint token)
{
  QuernMeasured *measured = quern_measure_get_result (self->measure, self->result);
  guint i = token < self->positions->len ? g_array_index (self->positions, guint, token) : NO_POSITION;

  return measured != NULL && i < quern_measured_get_n_positions (measured) ? quern_measured_get_position (measured, i)
                                                                           : NULL;
}

/* ---- what is at a token ----------------------------------------------------------------------------------------- */

static void
quern_heat_map_add_candidates (QuernHeatMap *self, GtkWidget *grid, const char *title, const QuernCandidate *top,
                               const char *own)
{
  QuernCandidateRow rows[QUERN_DIVERGENCE_TOP];
  guint n = 0;

  for (; n < QUERN_DIVERGENCE_TOP && top[n].id >= 0; n++) {
    const char *text = quern_measure_get_candidate (self->measure, top[n].id);
    rows[n] = (QuernCandidateRow) { text, top[n].p, g_str_equal (text, own) };
  }
  quern_candidates_add (grid, title, rows, n);
}

static char *
dup_token (QuernHeatMap *self, guint token)
{
  guint start, end;

  quern_measure_get_token_span (self->measure, token, &start, &end);
  return g_strndup (quern_measure_get_text (self->measure) + start, end - start);
}

static GtkWidget *
quern_heat_map_make_details (QuernHeatMap *self, const QuernDivergence *position)
{
  g_autofree char *reference = quern_measured_dup_label (quern_measure_get_result (self->measure, 0));
  g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (self->measure, self->result));
  g_autofree char *own = dup_token (self, self->current);
  g_autofree char *divergence = quern_measure_dup_marked (self->measure, _("Divergence"));
  g_autofree char *text =
      /* Translators: “Divergence”, perhaps with the number of tokens that it is over; the divergence */
      g_strdup_printf (_("%s %.4f. The token in the text has a probability of %.1f %%; with the reference, %.1f %%."),
                       divergence, position->kld, exp (-position->nll) * 100, exp (-position->nll_reference) * 100);
  GtkWidget *grid = quern_candidates_new (text);

  quern_heat_map_add_candidates (self, grid, reference, position->top_reference, own);
  quern_heat_map_add_candidates (self, grid, name, position->top, own);
  return grid;
}

/* Describes the selected token for screen readers. */
static void
announce (QuernHeatMap *self)
{
  const QuernDivergence *position = get_position (self, self->current);
  g_autofree char *own = dup_token (self, self->current), *text = NULL;
  g_autoptr (GString) token = g_string_new (own);
  const char *wanted = NULL, *got = NULL;

  g_string_replace (token, "\n", "↵", 0);
  if (position != NULL) {
    wanted = quern_measure_get_candidate (self->measure, position->top_reference[0].id);
    got = quern_measure_get_candidate (self->measure, position->top[0].id);
    g_autofree char *divergence = quern_measure_dup_marked (self->measure, _("divergence"));
    /* Translators: a token of the text, “divergence”, how much, the likeliest token of the reference and of the model */
    text = g_strdup_printf (_("“%s”: %s %.3f. Most likely for the reference: “%s”, for this model: “%s”."), token->str,
                            divergence, position->kld, wanted, got);
  } else {
    text = g_strdup_printf (_("“%s”: not scored."), token->str);
  }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
  gtk_accessible_announce (GTK_ACCESSIBLE (self->view), text, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}

static void
close_popover (QuernHeatMap *self)
{
  GtkPopover *popover = g_steal_pointer (&self->popover);

  if (popover == NULL)
    return;
  gtk_popover_popdown (popover);
  gtk_widget_unparent (GTK_WIDGET (popover));
}

/* The popover takes no focus, so that arrow keys go on from token to token while it follows them. */
static void
open_popover (QuernHeatMap *self)
{
  const QuernDivergence *position = get_position (self, self->current);
  GtkTextView *view = GTK_TEXT_VIEW (self->view);
  GtkTextIter at;
  GdkRectangle rect;

  if (position == NULL) {
    close_popover (self);
    return;
  }
  if (self->popover == NULL) {
    self->popover = GTK_POPOVER (gtk_popover_new ());
    gtk_popover_set_autohide (self->popover, FALSE);
    gtk_widget_set_can_focus (GTK_WIDGET (self->popover), FALSE);
    gtk_accessible_update_property (GTK_ACCESSIBLE (self->popover), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    _("Most likely tokens"), -1);
    gtk_widget_set_parent (GTK_WIDGET (self->popover), GTK_WIDGET (self));
  }
  gtk_popover_set_child (self->popover, quern_heat_map_make_details (self, position));
  gtk_text_buffer_get_iter_at_offset (gtk_text_view_get_buffer (view), &at,
                                      g_array_index (self->starts, int, self->current));
  gtk_text_view_get_iter_location (view, &at, &rect);
  gtk_text_view_buffer_to_window_coords (view, GTK_TEXT_WINDOW_WIDGET, rect.x, rect.y, &rect.x, &rect.y);
  rect.width = MAX (rect.width, 1);
  gtk_popover_set_pointing_to (self->popover, &rect);
  gtk_popover_popup (self->popover);
}

/* The dialog scrolls, not the text view. */
static void
scroll_to_current (QuernHeatMap *self)
{
  GtkTextView *view = GTK_TEXT_VIEW (self->view);
  GtkWidget *scrolled = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_SCROLLED_WINDOW);
  GtkAdjustment *adjustment;
  GtkTextIter at;
  GdkRectangle rect;
  graphene_point_t point;
  double y;

  if (scrolled == NULL || self->current + 1 >= self->starts->len)
    return;
  gtk_text_buffer_get_iter_at_offset (gtk_text_view_get_buffer (view), &at,
                                      g_array_index (self->starts, int, self->current));
  gtk_text_view_get_iter_location (view, &at, &rect);
  if (!gtk_widget_compute_point (GTK_WIDGET (self->view), scrolled, &GRAPHENE_POINT_INIT (0, (float) rect.y), &point))
    return;
  adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));
  y = point.y + gtk_adjustment_get_value (adjustment);
  gtk_adjustment_clamp_page (adjustment, y - rect.height, y + 2 * rect.height);
}

static gboolean
scroll_idle_cb (gpointer user_data)
{
  QuernHeatMap *self = QUERN_HEAT_MAP (user_data);

  self->scroll_source = 0;
  scroll_to_current (self);
  return G_SOURCE_REMOVE;
}

/* Waits for the dialog to scroll to the text, which is higher than the dialog, and then scrolls to the token. */
static void
focus_enter_cb (QuernHeatMap *self)
{
  if (self->scroll_source == 0)
    self->scroll_source = g_idle_add_full (G_PRIORITY_LOW, scroll_idle_cb, self, NULL);
}

/* ---- choosing --------------------------------------------------------------------------------------------------- */

static gboolean
choose (QuernHeatMap *self, guint token)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
  GtkTextIter start, end;

  if (token >= self->positions->len)
    return FALSE;
  self->current = token;
  gtk_text_buffer_get_iter_at_offset (buffer, &start, g_array_index (self->starts, int, token));
  gtk_text_buffer_get_iter_at_offset (buffer, &end, g_array_index (self->starts, int, token + 1));
  gtk_text_buffer_select_range (buffer, &start, &end);
  scroll_to_current (self);
  announce (self);
  return TRUE;
}

static guint
find_token (QuernHeatMap *self, int offset)
{
  guint token = 0;

  while (token + 1 < self->positions->len && g_array_index (self->starts, int, token + 1) <= offset)
    token++;
  return token;
}

/* Moves by one token or to the next marked one. @step is 1 or -1. Returns FALSE at the end. */
static gboolean
move (QuernHeatMap *self, int step, gboolean marked)
{
  int token = (int) self->current + step, n = (int) self->positions->len;

  for (; marked && token >= 0 && token < n; token += step) {
    const QuernDivergence *position = get_position (self, (guint) token);
    if (position != NULL && quern_heat_level (position->kld) >= 0)
      break;
  }
  return token >= 0 && token < n && choose (self, (guint) token);
}

/* Moves up or down by one line, as in any text, to the token there. */
static gboolean
move_line (QuernHeatMap *self, gboolean down)
{
  GtkTextView *view = GTK_TEXT_VIEW (self->view);
  GtkTextIter at;

  gtk_text_buffer_get_iter_at_offset (gtk_text_view_get_buffer (view), &at,
                                      g_array_index (self->starts, int, self->current));
  if (!(down ? gtk_text_view_forward_display_line (view, &at) : gtk_text_view_backward_display_line (view, &at)))
    return FALSE;
  return choose (self, find_token (self, gtk_text_iter_get_offset (&at)));
}

static gboolean
handle_key (QuernHeatMap *self, guint keyval, gboolean marked)
{
  gboolean mirrored = gtk_widget_get_direction (GTK_WIDGET (self->view)) == GTK_TEXT_DIR_RTL;

  switch (keyval) {
  case GDK_KEY_Left:
  case GDK_KEY_KP_Left: return move (self, mirrored ? 1 : -1, marked);
  case GDK_KEY_Right:
  case GDK_KEY_KP_Right: return move (self, mirrored ? -1 : 1, marked);
  case GDK_KEY_Up:
  case GDK_KEY_KP_Up: return move_line (self, FALSE);
  case GDK_KEY_Down:
  case GDK_KEY_KP_Down: return move_line (self, TRUE);
  default: return FALSE;
  }
}

static gboolean
quern_heat_map_key_pressed_cb (QuernHeatMap *self, guint keyval, guint keycode, GdkModifierType state)
{
  if (self->measure == NULL || self->positions->len == 0)
    return GDK_EVENT_PROPAGATE;
  if (keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter || keyval == GDK_KEY_space) {
    choose (self, self->current);
    open_popover (self);
    return GDK_EVENT_STOP;
  }
  if (keyval == GDK_KEY_Escape && self->popover != NULL) {
    close_popover (self);
    return GDK_EVENT_STOP;
  }
  if (!handle_key (self, keyval, (state & GDK_CONTROL_MASK) != 0))
    return GDK_EVENT_PROPAGATE;
  if (self->popover != NULL)
    open_popover (self);
  return GDK_EVENT_STOP;
}

static void
released_cb (QuernHeatMap *self, int n_press, double x, double y)
{
  GtkTextView *view = GTK_TEXT_VIEW (self->view);
  GtkTextIter at;
  int bx, by;

  if (self->measure == NULL || self->positions->len == 0)
    return;
  gtk_text_view_window_to_buffer_coords (view, GTK_TEXT_WINDOW_WIDGET, (int) x, (int) y, &bx, &by);
  if (!gtk_text_view_get_iter_at_location (view, &at, bx, by)) {
    close_popover (self);
    return;
  }
  choose (self, find_token (self, gtk_text_iter_get_offset (&at)));
  open_popover (self);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_heat_map_dispose (GObject *object)
{
  close_popover (QUERN_HEAT_MAP (object));
  g_clear_handle_id (&QUERN_HEAT_MAP (object)->scroll_source, g_source_remove);
  g_clear_object (&QUERN_HEAT_MAP (object)->measure);
  G_OBJECT_CLASS (quern_heat_map_parent_class)->dispose (object);
}

static void
quern_heat_map_finalize (GObject *object)
{
  g_array_unref (QUERN_HEAT_MAP (object)->starts);
  g_array_unref (QUERN_HEAT_MAP (object)->positions);
  G_OBJECT_CLASS (quern_heat_map_parent_class)->finalize (object);
}

static void
quern_heat_map_class_init (QuernHeatMapClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_heat_map_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_heat_map_finalize;
}

static void
quern_heat_map_init (QuernHeatMap *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *keys = gtk_event_controller_key_new (), *focus = gtk_event_controller_focus_new ();

  self->starts = g_array_new (FALSE, FALSE, sizeof (int));
  self->positions = g_array_new (FALSE, FALSE, sizeof (guint));
  self->view = QUERN_HEAT_TEXT (quern_heat_text_new ());
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Text with divergences"),
      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
      _("Arrow keys move from token to token; with Ctrl, to the next one that differs. Return shows the most likely "
        "tokens of both models."),
      -1);
  g_signal_connect_swapped (click, "released", G_CALLBACK (released_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (click));
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE); /* before the text view moves by characters */
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (quern_heat_map_key_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), keys);
  g_signal_connect_swapped (focus, "enter", G_CALLBACK (focus_enter_cb), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (close_popover), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), focus);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->view));
}

/**
 * quern_heat_map_show:
 * @result: whose divergence from the reference is shown
 */
void
quern_heat_map_show (QuernHeatMap *self, QuernMeasure *measure, guint result)
{
  QuernMeasured *measured = quern_measure_get_result (measure, result);
  const char *text = quern_measure_get_text (measure);
  gboolean same_text = self->measure == measure && self->positions->len > 0;
  guint none = NO_POSITION;

  close_popover (self);
  g_set_object (&self->measure, measure);
  self->result = result;
  if (!same_text)
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view)), text != NULL ? text : "", -1);
  g_array_set_size (self->positions, 0);
  quern_heat_text_clear (self->view);
  if (text == NULL || measured == NULL)
    return;
  find_starts (self);
  for (guint i = 0; i + 1 < self->starts->len; i++)
    g_array_append_val (self->positions, none);
  for (guint i = 0; i < quern_measured_get_n_positions (measured); i++) {
    guint token = quern_measure_get_position_token (measure, i);
    if (token < self->positions->len)
      g_array_index (self->positions, guint, token) = i;
  }
  for (guint token = 0; token < self->positions->len; token++) {
    const QuernDivergence *position = get_position (self, token);
    quern_heat_text_add (self->view, g_array_index (self->starts, int, token),
                         g_array_index (self->starts, int, token + 1),
                         position != NULL ? quern_heat_level (position->kld) : QUERN_HEAT_UNKNOWN);
  }
  self->current = same_text                                       ? MIN (self->current, self->positions->len - 1)
                  : quern_measured_get_n_positions (measured) > 0 ? quern_measure_get_position_token (measure, 0)
                                                                  : 0;
}
