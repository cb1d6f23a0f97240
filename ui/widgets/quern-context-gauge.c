/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-context-gauge.h"

#include <glib/gi18n.h>

/* Shows how much of the context the next turn takes: a ring that fills, the two numbers, and the parts of the sum in a
 * popover. Everything is counted with the model's own tokenizer, and nothing is shown until it is known. */

#define RING 16 /* pixels */
#define NEARLY_FULL 0.85

struct _QuernContextGauge {
  AdwBin parent_instance;

  GtkMenuButton *button;
  GtkWidget *ring;
  GtkLabel *label;
  GtkPopover *popover;

  QuernTokenCount count;
  gboolean in_parts; /* the count has the parts of the total */
  gint64 shown;      /* monotonic time of the last update while an answer grows */
};

G_DEFINE_FINAL_TYPE (QuernContextGauge, quern_context_gauge, ADW_TYPE_BIN)

static double
fraction (QuernContextGauge *self)
{
  return self->count.context_size > 0 ? MIN (1.0, (double) self->count.total / self->count.context_size) : 0;
}

static void
draw_cb (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  QuernContextGauge *self = user_data;
  double radius = MIN (width, height) / 2.0 - 1.5, middle_x = width / 2.0, middle_y = height / 2.0;
  GdkRGBA color;

  gtk_widget_get_color (GTK_WIDGET (area), &color);
  cairo_set_line_width (cr, 3);
  cairo_set_source_rgba (cr, color.red, color.green, color.blue, color.alpha * 0.2);
  cairo_arc (cr, middle_x, middle_y, radius, 0, 2 * G_PI);
  cairo_stroke (cr);
  gdk_cairo_set_source_rgba (cr, &color);
  cairo_arc (cr, middle_x, middle_y, radius, -G_PI_2, -G_PI_2 + 2 * G_PI * fraction (self));
  cairo_stroke (cr);
}

/* ---- the parts -------------------------------------------------------------------------------------------------- */

static GtkWidget *
dim_label (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "dim-label");
  return label;
}

static void
add_part (GtkGrid *grid, int *row, const char *name, guint tokens)
{
  g_autofree char *text = g_strdup_printf ("%'u", tokens);
  GtkWidget *number = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (number), 1);
  gtk_widget_add_css_class (number, "numeric");
  gtk_widget_set_hexpand (number, TRUE);
  gtk_grid_attach (grid, dim_label (name), 0, *row, 1, 1);
  gtk_grid_attach (grid, number, 1, *row, 1, 1);
  (*row)++;
}

static GtkWidget *
make_parts (QuernContextGauge *self)
{
  const QuernTokenCount *count = &self->count;
  GtkWidget *grid = gtk_grid_new ();
  int row = 0;

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 24);
  if (!self->in_parts) {
    add_part (GTK_GRID (grid), &row, _("Conversation and answer"), count->total);
  } else {
    if (count->instructions > 0)
      add_part (GTK_GRID (grid), &row, _("Instructions"), count->instructions);
    if (count->history > 0)
      add_part (GTK_GRID (grid), &row, _("Earlier messages"), count->history);
    if (count->attachments > 0)
      add_part (GTK_GRID (grid), &row, _("Attachments"), count->attachments);
    add_part (GTK_GRID (grid), &row, _("This message"), count->question);
  }
  add_part (GTK_GRID (grid), &row, self->in_parts ? _("Left for the answer") : _("Left"),
            count->context_size > count->total ? count->context_size - count->total : 0);
  return grid;
}

static void
show_cb (QuernContextGauge *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  GtkWidget *title = gtk_label_new (_("Context in Tokens"));
  GtkWidget *hint = gtk_label_new (
      _("What the model sees at once: this conversation and its answer. A token is about ¾ of a "
        "word."));
  GtkWidget *bar = gtk_level_bar_new ();
  GtkWidget *settings = gtk_button_new_with_label (_("Context Length…"));
  g_autofree char *sum = g_strdup_printf (_("%'u of %'u"), self->count.total, self->count.context_size);

  gtk_widget_add_css_class (box, "gauge-details");
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_add_css_class (title, "heading");
  gtk_label_set_xalign (GTK_LABEL (hint), 0);
  gtk_label_set_wrap (GTK_LABEL (hint), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (hint), 36);
  gtk_level_bar_add_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_LOW, 0);
  gtk_level_bar_add_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_HIGH, 1);
  gtk_level_bar_set_value (GTK_LEVEL_BAR (bar), fraction (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, sum, -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (settings), "win.context-settings");
  g_signal_connect_swapped (settings, "clicked", G_CALLBACK (gtk_popover_popdown), self->popover);
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), make_parts (self));
  gtk_box_append (GTK_BOX (box), settings);
  gtk_popover_set_child (self->popover, box);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_context_gauge_class_init (QuernContextGaugeClass *klass)
{
}

static void
quern_context_gauge_init (QuernContextGauge *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->ring = gtk_drawing_area_new ();
  gtk_widget_set_size_request (self->ring, RING, RING);
  gtk_widget_set_valign (self->ring, GTK_ALIGN_CENTER);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (self->ring), draw_cb, self, NULL);
  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->label, PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "numeric");
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->label));
  gtk_box_append (GTK_BOX (box), self->ring);
  self->popover = GTK_POPOVER (gtk_popover_new ());
  g_signal_connect_swapped (self->popover, "show", G_CALLBACK (show_cb), self);
  self->button = GTK_MENU_BUTTON (gtk_menu_button_new ());
  gtk_menu_button_set_child (self->button, box);
  gtk_menu_button_set_popover (self->button, GTK_WIDGET (self->popover));
  gtk_menu_button_set_direction (self->button, GTK_ARROW_UP);
  gtk_widget_add_css_class (GTK_WIDGET (self->button), "flat");
  gtk_widget_add_css_class (GTK_WIDGET (self->button), "gauge-button");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->button));
  gtk_widget_set_visible (GTK_WIDGET (self->button), FALSE);
}

static void
show (QuernContextGauge *self)
{
  g_autofree char *text = NULL;
  g_autofree char *sentence = NULL;
  gboolean known = self->count.context_size > 0;

  gtk_widget_set_visible (GTK_WIDGET (self->button), known);
  if (!known)
    return;
  /* Translators: tokens of the next prompt / tokens that the context holds */
  text = g_strdup_printf (self->count.estimated ? _("≈ %'u / %'u") : _("%'u / %'u"), self->count.total,
                          self->count.context_size);
  sentence = g_strdup_printf (self->count.estimated ? _("About %'u of %'u tokens of context used")
                                                    : _("%'u of %'u tokens of context used"),
                              self->count.total, self->count.context_size);
  gtk_label_set_label (self->label, text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->button), sentence);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, sentence, -1);
  gtk_widget_remove_css_class (GTK_WIDGET (self->button), "warning");
  gtk_widget_remove_css_class (GTK_WIDGET (self->button), "error");
  if (!self->count.fits)
    gtk_widget_add_css_class (GTK_WIDGET (self->button), "error");
  else if (fraction (self) >= NEARLY_FULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->button), "warning");
  gtk_widget_queue_draw (self->ring);
}

/**
 * quern_context_gauge_set_count:
 * @count: (nullable): what the next turn takes; %NULL: not known
 */
void
quern_context_gauge_set_count (QuernContextGauge *self, const QuernTokenCount *count)
{
  g_return_if_fail (QUERN_IS_CONTEXT_GAUGE (self));

  self->count = count != NULL ? *count : (QuernTokenCount) { 0 };
  self->in_parts = TRUE;
  show (self);
}

/**
 * quern_context_gauge_set_used:
 * @used: tokens that are used while an answer grows
 */
void
quern_context_gauge_set_used (QuernContextGauge *self, guint used, guint size)
{
  gint64 now = g_get_monotonic_time ();

  g_return_if_fail (QUERN_IS_CONTEXT_GAUGE (self));

  if (used == 0 || now - self->shown < G_USEC_PER_SEC / 4) /* nobody reads numbers faster */
    return;
  self->shown = now;
  self->count = (QuernTokenCount) { .total = used, .context_size = size, .fits = TRUE };
  self->in_parts = FALSE;
  show (self);
}
