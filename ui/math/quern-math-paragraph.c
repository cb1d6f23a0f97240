/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Shows a text with formulas in it. The text is that of a label, with the formulas as LaTeX: so it is selected, copied,
 * searched and wrapped as any other. The first character of a formula is as wide and high as the formula, the others are
 * nothing; and this widget draws the formula there. A long formula is cut where a line may end, into pieces of which each
 * has such a character. */

#include "quern-math-paragraph.h"

#include "quern-math-draw.h"
#include "quern-math-span.h"

#include <math.h>
#include <string.h>

#define MOST_WIDTH 18 /* em: a wider piece is drawn smaller, because a line cannot end in it */

typedef struct {
  int start; /* byte of the label's text */
  const QuernMathBox *box;
  double zoom; /* of a piece that is too wide */
} Piece;

/* A formula, set and said. Those of a growing text stay. */
typedef struct {
  char *latex;
  QuernMathLayout *layout;
  GArray *pieces; /* of QuernMathChild */
  char *words;
} Formula;

struct _QuernMathParagraph {
  GtkWidget parent_instance;

  GtkLabel *label;
  GArray *spans;       /* of QuernMathSpan, or NULL */
  GPtrArray *formulas; /* of Formula, one for each span */
  GArray *pieces;      /* of Piece */
  double size;         /* pixels of an em, for which the label has room */
};

G_DEFINE_FINAL_TYPE (QuernMathParagraph, quern_math_paragraph, GTK_TYPE_WIDGET)

static void
quern_math_span_clear (gpointer data)
{
  g_free (((QuernMathSpan *) data)->latex);
}

/**
 * quern_math_spans_new:
 *
 * Returns: (transfer full) (element-type QuernMathSpan): an empty list
 */
GArray *
quern_math_spans_new (void)
{
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (QuernMathSpan));
  g_array_set_clear_func (spans, quern_math_span_clear);
  return spans;
}

/**
 * quern_math_spans_add:
 * @spans: (element-type QuernMathSpan): grows
 * @start: byte of the text where the formula begins, with its dollar
 * @length: bytes of it in the text
 * @latex: without dollars
 */
void
quern_math_spans_add (GArray *spans, gsize start, gsize length, const char *latex)
{
  QuernMathSpan span = { start, length, g_strdup (latex) };
  g_array_append_val (spans, span);
}

static void
quern_math_paragraph_add_attribute (PangoAttrList *list, PangoAttribute *attribute, int start, int end)
{
  attribute->start_index = start;
  attribute->end_index = end;
  pango_attr_list_insert (list, attribute);
}

/* Gives the label its attributes: room for each piece, in the size of the widget's font. */
static void
quern_math_paragraph_make_room (QuernMathParagraph *self)
{
  g_autoptr (PangoAttrList) list = pango_attr_list_new ();
  const char *text = gtk_label_get_text (self->label);
  const PangoRectangle nothing = { 0 };
  guint next = 0;

  self->size = quern_math_widget_size (GTK_WIDGET (self));
  for (guint i = 0; self->spans != NULL && i < self->spans->len; i++) {
    const QuernMathSpan *span = &g_array_index (self->spans, QuernMathSpan, i);
    int end = (int) (span->start + span->length);
    while (next < self->pieces->len && g_array_index (self->pieces, Piece, next).start < end) {
      const Piece *piece = &g_array_index (self->pieces, Piece, next++);
      double size = self->size * piece->zoom * PANGO_SCALE;
      PangoRectangle room = { 0, (int) -ceil (piece->box->height * size), (int) ceil (piece->box->width * size),
                              (int) ceil ((piece->box->height + piece->box->depth) * size) };
      int behind = (int) (g_utf8_next_char (text + piece->start) - text);
      int stop = next < self->pieces->len ? MIN (g_array_index (self->pieces, Piece, next).start, end) : end;
      quern_math_paragraph_add_attribute (list, pango_attr_shape_new (&room, &room), piece->start, behind);
      quern_math_paragraph_add_attribute (list, pango_attr_shape_new (&nothing, &nothing), behind, stop);
      quern_math_paragraph_add_attribute (list, pango_attr_allow_breaks_new (FALSE), piece->start, stop);
    }
  }
  pango_attr_list_insert (list, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (self->label, list);
}

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

/* For each character with a shape, GTK adds an empty picture as large as the text: they are left out. */
static GskRenderNode *
quern_math_paragraph_without_pictures (GskRenderNode *node)
{
  switch ((int) gsk_render_node_get_node_type (node)) {
  case GSK_CAIRO_NODE: return NULL;
  case GSK_CONTAINER_NODE: {
    guint n = gsk_container_node_get_n_children (node);
    g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify) gsk_render_node_unref);
    for (guint i = 0; i < n; i++) {
      GskRenderNode *child = quern_math_paragraph_without_pictures (gsk_container_node_get_child (node, i));
      if (child != NULL)
        g_ptr_array_add (kept, child);
    }
    return gsk_container_node_new ((GskRenderNode **) kept->pdata, kept->len);
  }
  case GSK_CLIP_NODE: {
    g_autoptr (GskRenderNode) child = quern_math_paragraph_without_pictures (gsk_clip_node_get_child (node));
    return child != NULL ? gsk_clip_node_new (child, gsk_clip_node_get_clip (node)) : NULL;
  }
  case GSK_TRANSFORM_NODE: {
    g_autoptr (GskRenderNode) child = quern_math_paragraph_without_pictures (gsk_transform_node_get_child (node));
    return child != NULL ? gsk_transform_node_new (child, gsk_transform_node_get_transform (node)) : NULL;
  }
  default: return gsk_render_node_ref (node);
  }
}

/* Returns how much smaller everything is drawn, because a formula is wider than the widget. */
static double
quern_math_paragraph_get_shrink (QuernMathParagraph *self, int width)
{
  int least;

  gtk_widget_measure (GTK_WIDGET (self->label), GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  return width > 0 && width < least ? width / (double) least : 1;
}

static void
quern_math_paragraph_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (widget);
  PangoLayout *layout = gtk_label_get_layout (self->label);
  PangoLayoutIter *iter = pango_layout_get_iter (layout);
  PangoContext *context = gtk_widget_get_pango_context (widget);
  double shrink = quern_math_paragraph_get_shrink (self, gtk_widget_get_width (widget));
  GtkSnapshot *text = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) whole = NULL, node = NULL;
  GdkRGBA color;
  int left, top;

  gtk_widget_snapshot_child (widget, GTK_WIDGET (self->label), text);
  whole = gtk_snapshot_free_to_node (text);
  node = whole != NULL ? quern_math_paragraph_without_pictures (whole) : NULL;
  if (node != NULL)
    gtk_snapshot_append_node (snapshot, node);

  gtk_widget_get_color (GTK_WIDGET (self->label), &color);
  gtk_label_get_layout_offsets (self->label, &left, &top);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_scale (snapshot, shrink, shrink);
  do {
    PangoLayoutRun *run = pango_layout_iter_get_run_readonly (iter);
    PangoRectangle place;
    if (run == NULL)
      continue;
    for (guint i = 0; i < self->pieces->len; i++) {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);
      if (piece->start != run->item->offset)
        continue;
      pango_layout_iter_get_run_extents (iter, NULL, &place);
      quern_math_draw (snapshot, quern_math_font_get (), context, piece->box, self->size * piece->zoom,
                       gtk_widget_get_scale_factor (widget), left + place.x / (double) PANGO_SCALE,
                       top + pango_layout_iter_get_run_baseline (iter) / (double) PANGO_SCALE, &color);
    }
  } while (pango_layout_iter_next_run (iter));
  gtk_snapshot_restore (snapshot);
  pango_layout_iter_free (iter);
}

static void
quern_math_paragraph_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                              int *minimum_baseline, int *natural_baseline)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (widget);
  double shrink = 1;

  if (orientation == GTK_ORIENTATION_VERTICAL && for_size > 0) {
    shrink = quern_math_paragraph_get_shrink (self, for_size);
    for_size = (int) ceil (for_size / shrink);
  }
  gtk_widget_measure (GTK_WIDGET (self->label), orientation, for_size, minimum, natural, minimum_baseline,
                      natural_baseline);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    *minimum = (int) MIN (*minimum, 6 * self->size);
  else if (shrink < 1) {
    *minimum = *natural = (int) ceil (*natural * shrink);
    *minimum_baseline = *natural_baseline = -1;
  }
}

static void
quern_math_paragraph_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (widget);
  double shrink = quern_math_paragraph_get_shrink (self, width);

  if (shrink < 1)
    gtk_widget_allocate (GTK_WIDGET (self->label), (int) ceil (width / shrink), (int) ceil (height / shrink), -1,
                         gsk_transform_scale (NULL, shrink, shrink));
  else
    gtk_widget_allocate (GTK_WIDGET (self->label), width, height, baseline, NULL);
}

static GtkSizeRequestMode
quern_math_paragraph_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
quern_math_paragraph_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (widget);

  GTK_WIDGET_CLASS (quern_math_paragraph_parent_class)->css_changed (widget, change);
  if (self->label != NULL && self->size != quern_math_widget_size (widget))
    quern_math_paragraph_make_room (self);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_math_paragraph_free_formula (gpointer data)
{
  Formula *formula = data;

  quern_math_layout_free (formula->layout);
  g_array_unref (formula->pieces);
  g_free (formula->latex);
  g_free (formula->words);
  g_free (formula);
}

/* Returns the formula at a place in the text, which is kept if it is what it was. */
static Formula *
quern_math_paragraph_get_formula (QuernMathParagraph *self, guint i, const char *latex)
{
  Formula *formula = i < self->formulas->len ? g_ptr_array_index (self->formulas, i) : NULL;
  g_autoptr (QuernMathTree) tree = NULL;

  if (formula != NULL && g_str_equal (formula->latex, latex))
    return formula;
  g_ptr_array_set_size (self->formulas, (int) i);
  tree = quern_math_parse (latex, strlen (latex));
  g_assert (tree != NULL);
  formula = g_new0 (Formula, 1);
  formula->latex = g_strdup (latex);
  formula->layout = quern_math_layout_new (tree, quern_math_font_get (), FALSE);
  formula->pieces = quern_math_layout_pieces (formula->layout, latex);
  formula->words = quern_math_speak (tree);
  g_ptr_array_add (self->formulas, formula);
  return formula;
}

/* Whole formulas are copied: a part of one is not LaTeX. */
static void
quern_math_paragraph_copy_cb (QuernMathParagraph *self)
{
  const char *text = gtk_label_get_text (self->label);
  int first, last;

  if (self->spans == NULL || !gtk_label_get_selection_bounds (self->label, &first, &last))
    return;
  for (guint i = 0; i < self->spans->len; i++) {
    const QuernMathSpan *span = &g_array_index (self->spans, QuernMathSpan, i);
    int start = (int) g_utf8_pointer_to_offset (text, text + span->start);
    int end = (int) g_utf8_pointer_to_offset (text, text + span->start + span->length);
    if (first < end && last > start) {
      first = MIN (first, start);
      last = MAX (last, end);
    }
  }
  gtk_label_select_region (self->label, first, last);
}

static void
quern_math_paragraph_dispose (GObject *object)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (object);

  if (self->label != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->label));
  self->label = NULL;
  G_OBJECT_CLASS (quern_math_paragraph_parent_class)->dispose (object);
}

static void
quern_math_paragraph_finalize (GObject *object)
{
  QuernMathParagraph *self = QUERN_MATH_PARAGRAPH (object);

  g_clear_pointer (&self->spans, g_array_unref);
  g_ptr_array_unref (self->formulas);
  g_array_unref (self->pieces);
  G_OBJECT_CLASS (quern_math_paragraph_parent_class)->finalize (object);
}

static void
quern_math_paragraph_class_init (QuernMathParagraphClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = quern_math_paragraph_dispose;
  object_class->finalize = quern_math_paragraph_finalize;
  widget_class->measure = quern_math_paragraph_measure;
  widget_class->size_allocate = quern_math_paragraph_size_allocate;
  widget_class->snapshot = quern_math_paragraph_snapshot;
  widget_class->css_changed = quern_math_paragraph_css_changed;
  widget_class->get_request_mode = quern_math_paragraph_get_request_mode;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
}

static void
quern_math_paragraph_init (QuernMathParagraph *self)
{
  self->formulas = g_ptr_array_new_with_free_func (quern_math_paragraph_free_formula);
  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
}

/**
 * quern_math_paragraph_new:
 * @label: (transfer floating): shows the text
 *
 * Returns: (transfer floating): a widget without text
 */
GtkWidget *
quern_math_paragraph_new (GtkLabel *label)
{
  QuernMathParagraph *self = g_object_new (QUERN_TYPE_MATH_PARAGRAPH, NULL);

  self->label = label;
  gtk_widget_set_parent (GTK_WIDGET (label), GTK_WIDGET (self));
  g_signal_connect_object (label, "copy-clipboard", G_CALLBACK (quern_math_paragraph_copy_cb), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}

/**
 * quern_math_paragraph_get_label:
 *
 * Returns: (transfer none): the label with the text
 */
GtkLabel *
quern_math_paragraph_get_label (QuernMathParagraph *self)
{
  g_return_val_if_fail (QUERN_IS_MATH_PARAGRAPH (self), NULL);

  return self->label;
}

/**
 * quern_math_paragraph_set:
 * @markup: Pango markup of @text
 * @text: the text, with its formulas as LaTeX
 * @spans: (element-type QuernMathSpan): the formulas; quern_math_parse() accepts each of them, and there is a font
 */
void
quern_math_paragraph_set (QuernMathParagraph *self, const char *markup, const char *text, const GArray *spans)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self->label)) == GTK_TEXT_DIR_RTL;
  g_autoptr (GString) words = g_string_new (NULL);
  gsize at = 0;

  g_return_if_fail (QUERN_IS_MATH_PARAGRAPH (self));

  g_clear_pointer (&self->spans, g_array_unref);
  self->spans = quern_math_spans_new ();
  g_array_set_size (self->pieces, 0);
  for (guint i = 0; i < spans->len; i++) {
    const QuernMathSpan *span = &g_array_index (spans, QuernMathSpan, i);
    const Formula *formula = quern_math_paragraph_get_formula (self, i, span->latex);
    gsize opening = (span->length - strlen (span->latex)) / 2; /* one dollar, or two */
    guint n_pieces = rtl ? 1 : formula->pieces->len; /* pieces would stand in the order of the text around them */
    quern_math_spans_add (self->spans, span->start, span->length, span->latex);
    for (guint k = 0; k < n_pieces; k++) {
      const QuernMathChild *child = &g_array_index (formula->pieces, QuernMathChild, k);
      Piece piece = { (int) (span->start + (k > 0 ? opening + child->offset : 0)), child->box, 1 };
      if (n_pieces == 1)
        piece.box = formula->layout->box;
      if (piece.box->width > MOST_WIDTH)
        piece.zoom = MAX (MOST_WIDTH / piece.box->width, 0.4);
      g_array_append_val (self->pieces, piece);
    }
    g_string_append_len (words, text + at, span->start - at);
    g_string_append_printf (words, " %s ", formula->words);
    at = span->start + span->length;
  }
  g_ptr_array_set_size (self->formulas, (int) spans->len);
  g_string_append (words, text + at);
  gtk_label_set_markup (self->label, markup);
  quern_math_paragraph_make_room (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->label), GTK_ACCESSIBLE_PROPERTY_LABEL, words->str, -1);
}
