/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-math-view.h"

#include "quern-math-draw.h"

#include <math.h>

#define MARGIN 4       /* pixels above and below */
#define LEAST_WIDTH 6  /* em that a formula asks for at least, if it is wider */
#define TAG_DISTANCE 2 /* em between a formula and its number */

/* Shows a formula on display: centred, on several lines if it is too wide for one, and scrolled sideways if that is not
 * enough. It can be focused, and Ctrl+C copies its LaTeX. */
struct _QuernMathView {
  GtkWidget parent_instance;

  GtkWidget *scrollbar;
  GtkAdjustment *adjustment;
  char *latex;
  QuernMathLayout *layout; /* NULL until there is a formula */
  QuernMathBox *box;       /* as it is broken for `broken_width` em */
  double broken_width;
};

G_DEFINE_FINAL_TYPE (QuernMathView, quern_math_view, GTK_TYPE_WIDGET)

/* Returns what the number needs beside the formula, in em. */
static double
quern_math_view_get_tag_width (QuernMathView *self)
{
  return self->layout != NULL && self->layout->tag != NULL ? self->layout->tag->width + TAG_DISTANCE : 0;
}

/* Breaks the formula for a width in em. Widths that break it in the same way are common, because it is measured often. */
static void
quern_math_view_break (QuernMathView *self, double width)
{
  if (self->box != NULL && self->broken_width == width)
    return;
  self->broken_width = width;
  self->box = quern_math_layout_break (self->layout, MAX (width - quern_math_view_get_tag_width (self), 1));
}

static void
quern_math_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  QuernMathView *self = QUERN_MATH_VIEW (widget);
  double size = quern_math_widget_size (widget), em;

  if (self->layout == NULL)
    return;
  if (orientation == GTK_ORIENTATION_HORIZONTAL) {
    em = self->layout->box->width + quern_math_view_get_tag_width (self);
    *natural = (int) ceil (em * size) + 2; /* for what leans out */
    *minimum = (int) MIN (*natural, LEAST_WIDTH * size);
    return;
  }
  quern_math_view_break (self, for_size > 0 ? for_size / size : G_MAXINT);
  em = self->box->height + self->box->depth;
  *minimum = (int) (ceil (self->box->height * size) + ceil (self->box->depth * size)) + 2 * MARGIN;
  if (for_size > 0 && (self->box->width + quern_math_view_get_tag_width (self)) * size > for_size + 2) {
    int bar = 0;
    gtk_widget_measure (self->scrollbar, orientation, -1, &bar, NULL, NULL, NULL);
    *minimum += bar;
  }
  *natural = *minimum;
}

static void
quern_math_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  QuernMathView *self = QUERN_MATH_VIEW (widget);
  double size = quern_math_widget_size (widget), whole;
  gboolean too_wide;
  int bar;

  if (self->layout == NULL)
    return;
  quern_math_view_break (self, width / size);
  whole = (self->box->width + quern_math_view_get_tag_width (self)) * size;
  too_wide = whole > width + 2;
  gtk_widget_set_child_visible (self->scrollbar, too_wide);
  gtk_adjustment_configure (self->adjustment, gtk_adjustment_get_value (self->adjustment), 0, too_wide ? whole : width,
                            width * 0.1, width * 0.9, width);
  gtk_widget_measure (self->scrollbar, GTK_ORIENTATION_VERTICAL, -1, &bar, NULL, NULL, NULL);
  if (too_wide)
    gtk_widget_size_allocate (self->scrollbar, &(GtkAllocation) { 0, height - bar, width, bar }, -1);
}

static void
quern_math_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  QuernMathView *self = QUERN_MATH_VIEW (widget);
  double size = quern_math_widget_size (widget), scale = gtk_widget_get_scale_factor (widget), whole, x, y;
  int width = gtk_widget_get_width (widget);
  PangoContext *context = gtk_widget_get_pango_context (widget);
  gboolean scrolls = gtk_widget_get_child_visible (self->scrollbar);
  GdkRGBA color;

  if (self->layout == NULL)
    return;
  quern_math_view_break (self, width / size);
  gtk_widget_get_color (widget, &color);
  whole = (self->box->width + quern_math_view_get_tag_width (self)) * size;
  x = scrolls ? -gtk_adjustment_get_value (self->adjustment) : MAX (floor ((width - whole) / 2), 0);
  y = MARGIN + ceil (self->box->height * size);
  if (scrolls)
    gtk_snapshot_push_clip (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, gtk_widget_get_height (widget)));
  quern_math_draw (snapshot, self->layout->font, context, self->box, size, scale, x, y, &color);
  if (self->layout->tag != NULL) {
    double tag = self->layout->tag->width * size;
    double last = MARGIN + ceil ((self->box->height + self->box->depth) / 2 * size) + 0.35 * size;
    quern_math_draw (snapshot, self->layout->font, context, self->layout->tag, size, scale,
                     scrolls ? x + whole - tag : width - tag, self->box == self->layout->box ? y : last, &color);
  }
  if (scrolls) {
    gtk_snapshot_pop (snapshot);
    gtk_widget_snapshot_child (widget, self->scrollbar, snapshot);
  }
}

static gboolean
quern_math_view_scroll_cb (QuernMathView *self, double dx, double dy, GtkEventController *controller)
{
  double page = gtk_adjustment_get_page_size (self->adjustment), before = gtk_adjustment_get_value (self->adjustment);
  GdkModifierType state = gtk_event_controller_get_current_event_state (controller);

  if (state & GDK_SHIFT_MASK)
    dx = dy;
  if (gtk_event_controller_scroll_get_unit (GTK_EVENT_CONTROLLER_SCROLL (controller)) == GDK_SCROLL_UNIT_WHEEL)
    dx *= pow (page, 2.0 / 3);
  gtk_adjustment_set_value (self->adjustment, before + dx);
  return gtk_adjustment_get_value (self->adjustment) != before;
}

/* As LaTeX for texts, and as MathML for programs that have formulas. */
static void
quern_math_view_copy (QuernMathView *self)
{
  g_autofree char *text = g_strdup_printf ("$$%s$$", self->latex);
  g_autoptr (QuernMathTree) tree = quern_math_parse (self->latex, strlen (self->latex));
  g_autofree char *mathml = tree != NULL ? quern_math_to_mathml (tree, TRUE) : g_strdup ("");
  g_autoptr (GBytes) bytes = g_bytes_new (mathml, strlen (mathml));
  GdkContentProvider *providers[] = {
    gdk_content_provider_new_typed (G_TYPE_STRING, text),
    gdk_content_provider_new_for_bytes ("application/mathml+xml", bytes),
    gdk_content_provider_new_for_bytes ("text/html", bytes),
  };
  g_autoptr (GdkContentProvider) all = gdk_content_provider_new_union (providers, G_N_ELEMENTS (providers));

  gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (self)), all);
}

static gboolean
quern_math_view_key_cb (QuernMathView *self, guint key, guint code, GdkModifierType state)
{
  double step = gtk_adjustment_get_step_increment (self->adjustment);
  gboolean control = (state & GDK_CONTROL_MASK) != 0;

  if (control && (key == GDK_KEY_c || key == GDK_KEY_C || key == GDK_KEY_Insert)) {
    quern_math_view_copy (self);
    return GDK_EVENT_STOP;
  }
  if (control || !gtk_widget_get_child_visible (self->scrollbar) || (key != GDK_KEY_Left && key != GDK_KEY_Right))
    return GDK_EVENT_PROPAGATE;
  gtk_adjustment_set_value (self->adjustment,
                            gtk_adjustment_get_value (self->adjustment) + (key == GDK_KEY_Left ? -step : step));
  return GDK_EVENT_STOP;
}

static void
quern_math_view_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (quern_math_view_parent_class)->css_changed (widget, change);
  gtk_widget_queue_resize (widget); /* the font may have another size */
}

static void
quern_math_view_dispose (GObject *object)
{
  QuernMathView *self = QUERN_MATH_VIEW (object);

  g_clear_pointer (&self->scrollbar, gtk_widget_unparent);
  G_OBJECT_CLASS (quern_math_view_parent_class)->dispose (object);
}

static void
quern_math_view_finalize (GObject *object)
{
  QuernMathView *self = QUERN_MATH_VIEW (object);

  quern_math_layout_free (self->layout);
  g_free (self->latex);
  G_OBJECT_CLASS (quern_math_view_parent_class)->finalize (object);
}

static GtkSizeRequestMode
quern_math_view_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
quern_math_view_class_init (QuernMathViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = quern_math_view_dispose;
  object_class->finalize = quern_math_view_finalize;
  widget_class->measure = quern_math_view_measure;
  widget_class->size_allocate = quern_math_view_size_allocate;
  widget_class->snapshot = quern_math_view_snapshot;
  widget_class->css_changed = quern_math_view_css_changed;
  widget_class->get_request_mode = quern_math_view_get_request_mode;
  gtk_widget_class_set_css_name (widget_class, "formula");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_MATH);
}

static void
quern_math_view_init (QuernMathView *self)
{
  GtkEventController *scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  self->scrollbar = gtk_scrollbar_new (GTK_ORIENTATION_HORIZONTAL, NULL);
  self->adjustment = gtk_scrollbar_get_adjustment (GTK_SCROLLBAR (self->scrollbar));
  gtk_widget_set_parent (self->scrollbar, GTK_WIDGET (self));
  gtk_widget_set_child_visible (self->scrollbar, FALSE);
  g_signal_connect_swapped (self->adjustment, "value-changed", G_CALLBACK (gtk_widget_queue_draw), self);
  g_signal_connect_swapped (scroll, "scroll", G_CALLBACK (quern_math_view_scroll_cb), self);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (quern_math_view_key_cb), self);
  g_signal_connect_swapped (click, "pressed", G_CALLBACK (gtk_widget_grab_focus), self);
  gtk_widget_add_controller (GTK_WIDGET (self), scroll);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_direction (GTK_WIDGET (self), GTK_TEXT_DIR_LTR); /* as formulas are in every language here */
}

/**
 * quern_math_view_new:
 *
 * Returns: (transfer floating): a view without a formula
 */
GtkWidget *
quern_math_view_new (void)
{
  return g_object_new (QUERN_TYPE_MATH_VIEW, NULL);
}

/**
 * quern_math_view_set_latex:
 * @latex: a formula that quern_math_parse() accepts, without its delimiters; a font for it is there
 */
void
quern_math_view_set_latex (QuernMathView *self, const char *latex)
{
  g_autoptr (QuernMathTree) tree = NULL;
  g_autofree char *words = NULL;

  g_return_if_fail (QUERN_IS_MATH_VIEW (self));

  if (!g_set_str (&self->latex, latex))
    return;
  g_clear_pointer (&self->layout, quern_math_layout_free);
  self->box = NULL;
  tree = quern_math_parse (latex, strlen (latex));
  if (tree != NULL) {
    self->layout = quern_math_layout_new (tree, quern_math_font_get (), TRUE);
    words = quern_math_speak (tree);
  }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, words != NULL ? words : latex,
                                  -1);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/**
 * quern_math_view_get_latex:
 *
 * Returns: (transfer none) (nullable): what it shows
 */
const char *
quern_math_view_get_latex (QuernMathView *self)
{
  g_return_val_if_fail (QUERN_IS_MATH_VIEW (self), NULL);

  return self->latex;
}
