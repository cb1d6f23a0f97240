/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-heat-map.h"

#include <glib/gi18n.h>
#include <math.h>

/* The measured text, tinted and underlined where a model's next-token distribution is far from the reference's. A click,
 * or Return at the cursor, tells what both found likeliest there. Never colour alone: the underline says the same. */

#define N_LEVELS 3

struct _QuernHeatMap {
  AdwBin parent_instance;

  GtkTextView *view;
  GtkTextTag *tags[N_LEVELS];

  /* Owned references */
  QuernMeasure *measure;
  GArray *starts; /* of int: character offset where each token of the text begins; one more at the end */

  guint result;
};

G_DEFINE_FINAL_TYPE (QuernHeatMap, quern_heat_map, ADW_TYPE_BIN)

/* From which divergence on a token gets which mark, in nats. */
static const double levels[N_LEVELS] = { 0.02, 0.1, 0.5 };

static void
make_tags (QuernHeatMap *self)
{
  static const PangoUnderline underlines[N_LEVELS] = { PANGO_UNDERLINE_SINGLE, PANGO_UNDERLINE_DOUBLE,
                                                       PANGO_UNDERLINE_ERROR };
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);

  for (guint i = 0; i < N_LEVELS; i++) {
    GdkRGBA tint = { 0.95f, 0.4f, 0.05f, 0.15f + 0.17f * (float) i }; /* over either background */
    self->tags[i] =
        gtk_text_buffer_create_tag (buffer, NULL, "background-rgba", &tint, "underline", underlines[i], NULL);
  }
}

/* Tokens may end inside a character: their edges are moved to its beginning. */
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

static void
mark (QuernHeatMap *self, guint token, double kld)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  GtkTextIter start, end;
  int level = -1;

  while (level + 1 < N_LEVELS && kld >= levels[level + 1])
    level++;
  if (level < 0 || token + 1 >= self->starts->len)
    return;
  gtk_text_buffer_get_iter_at_offset (buffer, &start, g_array_index (self->starts, int, token));
  gtk_text_buffer_get_iter_at_offset (buffer, &end, g_array_index (self->starts, int, token + 1));
  gtk_text_buffer_apply_tag (buffer, self->tags[level], &start, &end);
}

/* ---- what is at a place ----------------------------------------------------------------------------------------- */

static const QuernDivergence *
find_position (QuernHeatMap *self, int offset, guint *token)
{
  QuernMeasured *measured = quern_measure_get_result (self->measure, self->result);
  guint n = measured != NULL ? quern_measured_get_n_positions (measured) : 0;

  for (guint i = 0; i < n; i++) {
    *token = quern_measure_get_position_token (self->measure, i);
    if (*token + 1 < self->starts->len && offset >= g_array_index (self->starts, int, *token)
        && offset < g_array_index (self->starts, int, *token + 1))
      return quern_measured_get_position (measured, i);
  }
  return NULL;
}

static void
add_candidates (QuernHeatMap *self, GtkGrid *grid, int column, const char *title, const QuernCandidate *top)
{
  GtkWidget *heading = gtk_label_new (title);

  gtk_widget_add_css_class (heading, "heading");
  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_grid_attach (grid, heading, column, 1, 1, 1);
  for (int i = 0; i < QUERN_DIVERGENCE_TOP && top[i].id >= 0; i++) {
    GString *token = g_string_new (quern_measure_get_candidate (self->measure, top[i].id));
    g_autofree char *text = NULL;
    GtkWidget *label;
    g_string_replace (token, "\n", "↵", 0);
    text = g_strdup_printf (_ ("“%s” %.1f %%"), token->str, top[i].p * 100);
    label = gtk_label_new (text);
    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_widget_add_css_class (label, "numeric");
    gtk_grid_attach (grid, label, column, i + 2, 1, 1);
    g_string_free (token, TRUE);
  }
}

static GtkWidget *
make_details (QuernHeatMap *self, const QuernDivergence *position)
{
  GtkWidget *grid = gtk_grid_new (), *label;
  g_autofree char *reference = quern_measured_dup_label (quern_measure_get_result (self->measure, 0));
  g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (self->measure, self->result));
  g_autofree char *text =
      g_strdup_printf (_ ("Divergence %.4f. The text's own token has %.1f %%, with the reference %.1f %%."),
                       position->kld, exp (-position->nll) * 100, exp (-position->nll_reference) * 100);

  gtk_grid_set_column_spacing (GTK_GRID (grid), 18);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 3);
  gtk_widget_add_css_class (grid, "statistics");
  label = gtk_label_new (text);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 36);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_grid_attach (GTK_GRID (grid), label, 0, 0, 2, 1);
  add_candidates (self, GTK_GRID (grid), 0, reference, position->top_reference);
  add_candidates (self, GTK_GRID (grid), 1, name, position->top);
  return grid;
}

static void
popover_closed_cb (GtkWidget *popover)
{
  gtk_widget_unparent (popover);
}

static gboolean
show_details (QuernHeatMap *self, const GtkTextIter *at)
{
  guint token = 0;
  const QuernDivergence *position =
      self->measure != NULL ? find_position (self, gtk_text_iter_get_offset (at), &token) : NULL;
  GtkWidget *popover;
  GdkRectangle rect;

  if (position == NULL)
    return FALSE;
  popover = gtk_popover_new ();
  gtk_popover_set_child (GTK_POPOVER (popover), make_details (self, position));
  gtk_accessible_update_property (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Likeliest tokens"), -1);
  gtk_widget_set_parent (popover, GTK_WIDGET (self));
  g_signal_connect (popover, "closed", G_CALLBACK (popover_closed_cb), NULL);
  gtk_text_view_get_iter_location (self->view, at, &rect);
  gtk_text_view_buffer_to_window_coords (self->view, GTK_TEXT_WINDOW_WIDGET, rect.x, rect.y, &rect.x, &rect.y);
  rect.width = MAX (rect.width, 1);
  gtk_popover_set_pointing_to (GTK_POPOVER (popover), &rect);
  gtk_popover_popup (GTK_POPOVER (popover));
  return TRUE;
}

static void
released_cb (QuernHeatMap *self, int n_press, double x, double y)
{
  GtkTextIter at;
  int bx, by;

  gtk_text_view_window_to_buffer_coords (self->view, GTK_TEXT_WINDOW_WIDGET, (int) x, (int) y, &bx, &by);
  if (gtk_text_view_get_iter_at_location (self->view, &at, bx, by))
    show_details (self, &at);
}

static gboolean
key_pressed_cb (QuernHeatMap *self, guint keyval, guint keycode, GdkModifierType state)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  GtkTextIter at;

  if (keyval != GDK_KEY_Return && keyval != GDK_KEY_KP_Enter)
    return GDK_EVENT_PROPAGATE;
  gtk_text_buffer_get_iter_at_mark (buffer, &at, gtk_text_buffer_get_insert (buffer));
  return show_details (self, &at) ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_heat_map_dispose (GObject *object)
{
  g_clear_object (&QUERN_HEAT_MAP (object)->measure);
  G_OBJECT_CLASS (quern_heat_map_parent_class)->dispose (object);
}

static void
quern_heat_map_finalize (GObject *object)
{
  g_array_unref (QUERN_HEAT_MAP (object)->starts);
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
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->starts = g_array_new (FALSE, FALSE, sizeof (int));
  self->view = GTK_TEXT_VIEW (gtk_text_view_new ());
  gtk_text_view_set_editable (self->view, FALSE);
  gtk_text_view_set_wrap_mode (self->view, GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (self->view, FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (self->view), "heat-map");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("The text by divergence"), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ ("Return tells about the token at the cursor."), -1);
  make_tags (self);
  g_signal_connect_swapped (click, "released", G_CALLBACK (released_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (click));
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (key_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), keys);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->view));
}

GtkWidget *
quern_heat_map_new (void)
{
  return g_object_new (QUERN_TYPE_HEAT_MAP, NULL);
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

  g_set_object (&self->measure, measure);
  self->result = result;
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->view), text != NULL ? text : "", -1);
  if (text == NULL || measured == NULL)
    return;
  find_starts (self);
  for (guint i = 0; i < quern_measured_get_n_positions (measured); i++)
    mark (self, quern_measure_get_position_token (measure, i), quern_measured_get_position (measured, i)->kld);
}
