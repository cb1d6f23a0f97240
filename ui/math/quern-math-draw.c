/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Draws a formula with render nodes: one text node for all glyphs of a size and colour, a colour node for each rule. */

#include "quern-math-draw.h"

#include <math.h>

typedef struct {
  double size; /* em of the font */
  guint32 color;
  PangoFont *font;
  GArray *glyphs; /* of PangoGlyphInfo, at their places */
} Run;

typedef struct {
  GtkSnapshot *snapshot;
  const QuernMathFont *font;
  PangoContext *context;
  const GdkRGBA *color; /* of the text */
  double size;          /* pixels of an em */
  double scale;         /* device pixels of a pixel */
  GArray *runs;
} Drawing;

static GdkRGBA
quern_math_rgba (const Drawing *drawing, guint32 color)
{
  if (color == G_MAXUINT32)
    return *drawing->color;
  return (GdkRGBA) { (color >> 16) / 255.f, ((color >> 8) & 0xff) / 255.f, (color & 0xff) / 255.f,
                     drawing->color->alpha };
}

static void
quern_math_clear_run (gpointer data)
{
  Run *run = data;
  g_clear_object (&run->font);
  g_array_unref (run->glyphs);
}

static void
quern_math_add_glyph (Drawing *drawing, const QuernMathBox *box, double x, double y)
{
  PangoGlyphInfo glyph = { .glyph = box->glyph,
                           .geometry = { 0, (int) round (x * PANGO_SCALE), (int) round (y * PANGO_SCALE) },
                           .attr = { .is_cluster_start = 1 } };
  Run *run = NULL;

  for (guint i = 0; i < drawing->runs->len && run == NULL; i++) {
    Run *other = &g_array_index (drawing->runs, Run, i);
    if (other->size == box->size && other->color == box->color)
      run = other;
  }
  if (run == NULL) {
    g_autoptr (PangoFontDescription) description = pango_font_description_new ();
    Run made = { box->size, box->color, NULL, g_array_new (FALSE, FALSE, sizeof glyph) };
    pango_font_description_set_family (description, drawing->font->family);
    pango_font_description_set_absolute_size (description, box->size * drawing->size * PANGO_SCALE);
    made.font = pango_context_load_font (drawing->font->context, description);
    g_array_append_val (drawing->runs, made);
    run = &g_array_index (drawing->runs, Run, drawing->runs->len - 1);
  }
  g_array_append_val (run->glyphs, glyph);
}

/* Rules are whole pixels thick and lie on whole pixels, so that they are sharp. */
static void
quern_math_add_rule (Drawing *drawing, const QuernMathBox *box, double x, double y)
{
  double scale = drawing->scale, width = box->width * drawing->size,
         height = (box->height + box->depth) * drawing->size;
  double top = y - box->height * drawing->size;
  GdkRGBA color = quern_math_rgba (drawing, box->color);

  if (width >= height) {
    height = MAX (round (height * scale), 1) / scale;
    top = round (top * scale) / scale;
  } else {
    width = MAX (round (width * scale), 1) / scale;
    x = round (x * scale) / scale;
  }
  gtk_snapshot_append_color (drawing->snapshot, &color, &GRAPHENE_RECT_INIT (x, top, width, height));
}

static void
quern_math_add_slash (Drawing *drawing, const QuernMathBox *box, double x, double y)
{
  GskPathBuilder *builder = gsk_path_builder_new ();
  double top = y - box->height * drawing->size, bottom = y + box->depth * drawing->size;
  g_autoptr (GskStroke) stroke = gsk_stroke_new (MAX (0.05 * drawing->size, 1));
  g_autoptr (GskPath) path = NULL;
  GdkRGBA color = quern_math_rgba (drawing, box->color);

  gsk_path_builder_move_to (builder, x, box->glyph == 1 ? bottom : top);
  gsk_path_builder_line_to (builder, x + box->width * drawing->size, box->glyph == 1 ? top : bottom);
  path = gsk_path_builder_free_to_path (builder);
  gtk_snapshot_append_stroke (drawing->snapshot, path, stroke, &color);
}

static void
quern_math_add_words (Drawing *drawing, const QuernMathBox *box, double x, double y)
{
  g_autoptr (PangoLayout)
      layout = quern_math_words_layout (box, drawing->context, drawing->font->family, drawing->size);
  GdkRGBA color = quern_math_rgba (drawing, box->color);

  gtk_snapshot_save (drawing->snapshot);
  gtk_snapshot_translate (drawing->snapshot,
                          &GRAPHENE_POINT_INIT (x, y - pango_layout_get_baseline (layout) / (double) PANGO_SCALE));
  gtk_snapshot_append_layout (drawing->snapshot, layout, &color);
  gtk_snapshot_restore (drawing->snapshot);
}

static void
quern_math_add_box (Drawing *drawing, const QuernMathBox *box, double x, double y)
{
  switch (box->kind) {
  case QUERN_MATH_BOX_GLYPH: quern_math_add_glyph (drawing, box, x, y); break;
  case QUERN_MATH_BOX_RULE: quern_math_add_rule (drawing, box, x, y); break;
  case QUERN_MATH_BOX_SLASH: quern_math_add_slash (drawing, box, x, y); break;
  case QUERN_MATH_BOX_WORDS: quern_math_add_words (drawing, box, x, y); break;
  case QUERN_MATH_BOX_GROUP:
    for (guint i = 0; i < box->children->len; i++) {
      QuernMathChild *child = &g_array_index (box->children, QuernMathChild, i);
      quern_math_add_box (drawing, child->box, x + child->x * drawing->size, y + child->y * drawing->size);
    }
  }
}

/**
 * quern_math_draw:
 * @font: what @box was set in
 * @context: of the widget
 * @size: pixels of an em
 * @scale: device pixels of a pixel
 * @x: left edge of the formula
 * @y: its baseline
 * @color: of the text around it
 */
void
quern_math_draw (GtkSnapshot *snapshot, const QuernMathFont *font, PangoContext *context, const QuernMathBox *box,
                 double size, double scale, double x, double y, const GdkRGBA *color)
{
  Drawing drawing = { snapshot, font, context, color, size, scale, g_array_new (FALSE, FALSE, sizeof (Run)) };

  g_array_set_clear_func (drawing.runs, quern_math_clear_run);
  quern_math_add_box (&drawing, box, x, y);
  for (guint i = 0; i < drawing.runs->len; i++) {
    Run *run = &g_array_index (drawing.runs, Run, i);
    PangoGlyphString glyphs = { .num_glyphs = (int) run->glyphs->len,
                                .glyphs = (PangoGlyphInfo *) (gpointer) run->glyphs->data };
    GdkRGBA rgba = quern_math_rgba (&drawing, run->color);
    g_autoptr (GskRenderNode)
        node = run->font != NULL ? gsk_text_node_new (run->font, &glyphs, &rgba, graphene_point_zero ()) : NULL;
    if (node != NULL)
      gtk_snapshot_append_node (snapshot, node);
  }
  g_array_unref (drawing.runs);
}

/**
 * quern_math_widget_size:
 *
 * Returns: the pixels of an em of the widget's font
 */
double
quern_math_widget_size (GtkWidget *widget)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  PangoFontDescription *description = pango_context_get_font_description (context);
  double size = pango_font_description_get_size (description) / (double) PANGO_SCALE;

  if (!pango_font_description_get_size_is_absolute (description))
    size *= pango_cairo_context_get_resolution (context) / 72;
  return size > 0 ? size : 15;
}
