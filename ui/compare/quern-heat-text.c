/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-heat-text.h"

#include "widgets/quern-hyphens.h"

typedef struct {
  int start, end; /* character offsets */
  int level;
} Place;

struct _QuernHeatText {
  GtkTextView parent_instance;

  GArray *places; /* of Place, in the order of the text */
  GtkTextTag *unknown;
};

G_DEFINE_FINAL_TYPE (QuernHeatText, quern_heat_text, GTK_TYPE_TEXT_VIEW)

/* The least divergence of each level, in nats, and the thickness of its line, in pixels. */
static const double levels[QUERN_HEAT_LEVELS] = { 0.02, 0.1, 0.5 };
static const float thickness[QUERN_HEAT_LEVELS] = { 1, 2.5f, 4.5f };

int
quern_heat_level (double kld)
{
  int level = -1;

  while (level + 1 < QUERN_HEAT_LEVELS && kld >= levels[level + 1])
    level++;
  return level;
}

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

static void
draw_run (GtkSnapshot *snapshot, const GdkRectangle *from, int x_end, int level)
{
  const GdkRGBA tint = { 0.95f, 0.4f, 0.05f, 0.14f + 0.14f * (float) level }; /* readable in light and dark style */
  const GdkRGBA line = { 0.9f, 0.35f, 0.02f, 1 };
  float x = (float) MIN (from->x, x_end), width = (float) ABS (x_end - from->x);

  gtk_snapshot_append_color (snapshot, &tint, &GRAPHENE_RECT_INIT (x, (float) from->y, width, (float) from->height));
  gtk_snapshot_append_color (snapshot, &line,
                             &GRAPHENE_RECT_INIT (x, (float) (from->y + from->height) - thickness[level], width,
                                                  thickness[level]));
}

static void
quern_heat_text_snapshot_layer (GtkTextView *view, GtkTextViewLayer layer, GtkSnapshot *snapshot)
{
  QuernHeatText *self = QUERN_HEAT_TEXT (view);
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GdkRectangle visible;
  GtkTextIter top, bottom;
  int first, last;

  if (layer != GTK_TEXT_VIEW_LAYER_BELOW_TEXT)
    return;
  gtk_text_view_get_visible_rect (view, &visible);
  gtk_text_view_get_line_at_y (view, &top, visible.y, NULL);
  gtk_text_view_get_line_at_y (view, &bottom, visible.y + visible.height, NULL);
  gtk_text_iter_forward_line (&bottom);
  first = gtk_text_iter_get_offset (&top);
  last = gtk_text_iter_get_offset (&bottom);
  for (guint i = 0; i < self->places->len; i++) {
    const Place *place = &g_array_index (self->places, Place, i);
    GtkTextIter at, end;
    GdkRectangle rect, previous, begin;
    if (place->end <= first || place->start > last)
      continue;
    /* A place that wraps is drawn as one run in each line. */
    gtk_text_buffer_get_iter_at_offset (buffer, &at, place->start);
    gtk_text_buffer_get_iter_at_offset (buffer, &end, place->end);
    gtk_text_view_get_iter_location (view, &at, &begin);
    previous = begin;
    for (; gtk_text_iter_compare (&at, &end) < 0; gtk_text_iter_forward_char (&at)) {
      gtk_text_view_get_iter_location (view, &at, &rect);
      if (rect.y != begin.y) {
        draw_run (snapshot, &begin, previous.x + previous.width, place->level);
        begin = rect;
      }
      previous = rect;
    }
    draw_run (snapshot, &begin, previous.x + previous.width, place->level);
  }
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_heat_text_finalize (GObject *object)
{
  g_array_unref (QUERN_HEAT_TEXT (object)->places);
  G_OBJECT_CLASS (quern_heat_text_parent_class)->finalize (object);
}

static void
quern_heat_text_class_init (QuernHeatTextClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_heat_text_finalize;
  GTK_TEXT_VIEW_CLASS (klass)->snapshot_layer = quern_heat_text_snapshot_layer;
}

static void
quern_heat_text_init (QuernHeatText *self)
{
  GtkTextView *view = GTK_TEXT_VIEW (self);

  self->places = g_array_new (FALSE, FALSE, sizeof (Place));
  gtk_text_view_set_editable (view, FALSE);
  gtk_text_view_set_wrap_mode (view, GTK_WRAP_WORD_CHAR);
  quern_hyphens_leave_out_of_view (view);
  gtk_text_view_set_accepts_tab (view, FALSE);
  gtk_text_view_set_pixels_inside_wrap (view, 6); /* leaves room for the lines */
  gtk_text_view_set_pixels_below_lines (view, 6);
  gtk_widget_add_css_class (GTK_WIDGET (self), "heat-map");
  self->unknown = gtk_text_buffer_create_tag (gtk_text_view_get_buffer (view), NULL, "foreground-rgba",
                                              &(GdkRGBA) { 0.5f, 0.5f, 0.5f, 1 }, NULL); /* on either background */
}

/**
 * quern_heat_text_new:
 *
 * Returns: (transfer floating): a text view without marks
 */
GtkWidget *
quern_heat_text_new (void)
{
  return g_object_new (QUERN_TYPE_HEAT_TEXT, NULL);
}

void
quern_heat_text_clear (QuernHeatText *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self));
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  gtk_text_buffer_remove_tag (buffer, self->unknown, &start, &end);
  g_array_set_size (self->places, 0);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/**
 * quern_heat_text_add:
 * @start: in characters
 * @end: likewise; behind the last one
 * @level: from quern_heat_level(); -1 marks nothing, QUERN_HEAT_UNKNOWN greys
 *
 * Marks a place behind those that are marked already.
 */
void
quern_heat_text_add (QuernHeatText *self, int start, int end, int level)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self));
  const Place place = { start, end, MIN (level, QUERN_HEAT_LEVELS - 1) };
  GtkTextIter from, to;

  if (level == QUERN_HEAT_UNKNOWN && end > start) {
    gtk_text_buffer_get_iter_at_offset (buffer, &from, start);
    gtk_text_buffer_get_iter_at_offset (buffer, &to, end);
    gtk_text_buffer_apply_tag (buffer, self->unknown, &from, &to);
  }
  if (level < 0 || end <= start)
    return;
  g_array_append_val (self->places, place);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
