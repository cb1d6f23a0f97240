/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-print-layout.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "markdown/quern-md-block.h"
#include "math/quern-math-draw.h"
#include "quern-message.h"

/* Messages become items below each other: texts, which a page may end in the middle of, and the rest, which is whole on a page
 * and drawn smaller where it is too large for one. Text is black on white, whatever the window looks like. */

#define TEXT_SIZE 10
#define HEAD_HEIGHT 26 /* the title at the top of a page, and the space below it */
#define FOOT_HEIGHT 22
#define INDENT 16
#define CELL_PADDING 4
#define CODE_PADDING 5
#define PICTURE_HEIGHT 260

/* A formula in a text: drawn where the character at `start`, a byte of the text, stands. */
typedef struct {
  int start;
  const QuernMathBox *box;
  double size;
} Piece;

typedef struct {
  double x, width;
  double before; /* space above it, except at the top of a page */
  double height; /* of what is no text */
  double zoom;   /* of what would be too large */
  gboolean keep; /* on a page with what follows */
  gboolean code; /* on grey */

  PangoLayout *layout; /* of a text, or NULL */
  GArray *pieces;      /* of Piece, in it */
  GPtrArray *formulas; /* of QuernMathLayout: have the boxes */
  PangoLayout *marker; /* of a list's item, left of the first line; or NULL */
  GskRenderNode *node; /* a formula on display or a picture, or NULL */
  GPtrArray *cells;    /* of Item: a row of a table, or NULL */
} Item;

/* A part of an item, on a page. */
typedef struct {
  const Item *item;
  int first, n; /* lines of a text */
  double y, height;
} Slice;

struct _QuernPrintLayout {
  PangoContext *context;
  double width, height; /* of a page, without margins */
  PangoLayout *title;
  GPtrArray *items; /* of Item */
  GPtrArray *pages; /* of GArray of Slice */
  GHashTable *pictures;
  char *marker; /* of the list's item whose first text comes next, or NULL */
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_clear_object (&item->layout);
  g_clear_object (&item->marker);
  g_clear_pointer (&item->pieces, g_array_unref);
  g_clear_pointer (&item->formulas, g_ptr_array_unref);
  g_clear_pointer (&item->cells, g_ptr_array_unref);
  g_clear_pointer (&item->node, gsk_render_node_unref);
  g_free (item);
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

static PangoLayout *
new_layout (QuernPrintLayout *self, double size, gboolean bold, gboolean mono)
{
  PangoLayout *layout = pango_layout_new (self->context);
  g_autoptr (PangoFontDescription)
      font = pango_font_description_copy (pango_context_get_font_description (self->context));

  if (mono)
    pango_font_description_set_family (font, "monospace");
  if (bold)
    pango_font_description_set_weight (font, PANGO_WEIGHT_BOLD);
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  return layout;
}

/* Pango's markup has no links: their text is underlined. */
static char *
without_links (const char *markup)
{
  g_autoptr (GRegex) regex = g_regex_new ("<a [^>]*>", 0, 0, NULL);
  g_autofree char *begun = g_regex_replace_literal (regex, markup, -1, 0, "<u>", 0, NULL);
  GString *text = g_string_new (begun != NULL ? begun : "");

  g_string_replace (text, "</a>", "</u>", 0);
  return g_string_free_and_steal (text);
}

static void
add_attribute (PangoAttrList *list, PangoAttribute *attribute, int start, int end)
{
  attribute->start_index = (guint) start;
  attribute->end_index = (guint) end;
  pango_attr_list_insert (list, attribute);
}

/* Makes room for the formulas of a text; see quern-math-paragraph.c. */
static void
set_formulas (Item *item, const char *text, const GArray *spans, double size, PangoAttrList *list)
{
  const PangoRectangle nothing = { 0 };

  item->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  item->formulas = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_math_layout_free);
  for (guint i = 0; i < spans->len; i++) {
    const QuernMathSpan *span = &g_array_index (spans, QuernMathSpan, i);
    g_autoptr (QuernMathTree) tree = quern_math_parse (span->latex, strlen (span->latex));
    QuernMathLayout *formula = tree != NULL ? quern_math_layout_new (tree, quern_math_font_get (), FALSE) : NULL;
    int start = (int) span->start, end = (int) (span->start + span->length);
    int behind = (int) (g_utf8_next_char (text + start) - text);
    Piece piece = { start, NULL, size };
    PangoRectangle room;

    if (formula == NULL)
      continue;
    g_ptr_array_add (item->formulas, formula);
    piece.box = formula->box;
    piece.size = MIN (size, item->width / MAX (formula->box->width, 1));
    room = (PangoRectangle) { 0, (int) -ceil (piece.box->height * piece.size * PANGO_SCALE),
                              (int) ceil (piece.box->width * piece.size * PANGO_SCALE),
                              (int) ceil ((piece.box->height + piece.box->depth) * piece.size * PANGO_SCALE) };
    add_attribute (list, pango_attr_shape_new (&room, &room), start, behind);
    add_attribute (list, pango_attr_shape_new (&nothing, &nothing), behind, end);
    add_attribute (list, pango_attr_allow_breaks_new (FALSE), start, end);
    g_array_append_val (item->pieces, piece);
  }
}

static Item *
new_item (double x, double width, double before)
{
  Item *item = g_new0 (Item, 1);

  item->x = x;
  item->width = MAX (width, 40);
  item->before = before;
  item->zoom = 1;
  return item;
}

/* @markup: of @text, or NULL */
static Item *
new_text (QuernPrintLayout *self, const char *markup, const char *text, const GArray *spans, double x, double width,
          double size, gboolean bold, gboolean mono)
{
  Item *item = new_item (x, width, 5);
  g_autoptr (PangoAttrList) list = NULL;
  g_autofree char *plain = NULL, *printable = markup != NULL ? without_links (markup) : NULL;

  item->layout = new_layout (self, size, bold, mono);
  if (printable == NULL || !pango_parse_markup (printable, -1, 0, &list, &plain, NULL, NULL))
    list = pango_attr_list_new ();
  if (spans != NULL && quern_math_font_get () != NULL && g_strcmp0 (plain, text) == 0)
    set_formulas (item, text, spans, size, list);
  pango_attr_list_insert (list, pango_attr_insert_hyphens_new (FALSE));
  pango_layout_set_text (item->layout, plain != NULL ? plain : text, -1);
  pango_layout_set_attributes (item->layout, list);
  pango_layout_set_width (item->layout, (int) (item->width * PANGO_SCALE));
  return item;
}

static void
add_item (QuernPrintLayout *self, Item *item)
{
  if (self->marker != NULL) {
    item->marker = new_layout (self, TEXT_SIZE, FALSE, FALSE);
    pango_layout_set_text (item->marker, self->marker, -1);
    g_clear_pointer (&self->marker, g_free);
  }
  g_ptr_array_add (self->items, item);
}

/* ---- formulas, pictures, tables --------------------------------------------------------------------------------- */

/* Scales it down to what a page holds. */
static void
fit (QuernPrintLayout *self, Item *item, double width, double height)
{
  double most = self->height - HEAD_HEIGHT - FOOT_HEIGHT;

  item->zoom = MIN (1, MIN (item->width / MAX (width, 1), most / MAX (height, 1)));
  item->height = height * item->zoom;
}

static void
add_formula (QuernPrintLayout *self, const char *latex, double x, double width)
{
  const GdkRGBA black = { 0, 0, 0, 1 };
  const QuernMathFont *font = quern_math_font_get ();
  g_autoptr (QuernMathTree) tree = font != NULL ? quern_math_parse (latex, strlen (latex)) : NULL;
  g_autoptr (QuernMathLayout) layout = tree != NULL ? quern_math_layout_new (tree, font, TRUE) : NULL;
  GtkSnapshot *snapshot;
  QuernMathBox *box;
  Item *item;
  double size = TEXT_SIZE * 1.1, tag;

  if (layout == NULL) {
    add_item (self, new_text (self, NULL, latex, NULL, x, width, TEXT_SIZE, FALSE, TRUE));
    return;
  }
  item = new_item (x, width, 8);
  tag = layout->tag != NULL ? layout->tag->width + 1 : 0;
  box = quern_math_layout_break (layout, item->width / size - tag);
  snapshot = gtk_snapshot_new ();
  quern_math_draw (snapshot, font, self->context, box, size, 4, MAX ((item->width - box->width * size) / 2, 0),
                   box->height * size, &black);
  if (layout->tag != NULL)
    quern_math_draw (snapshot, font, self->context, layout->tag, size, 4,
                     MAX (item->width - layout->tag->width * size, (box->width + 1) * size), box->height * size,
                     &black);
  item->node = gtk_snapshot_free_to_node (snapshot);
  fit (self, item, (box->width + tag) * size, (box->height + box->depth) * size);
  add_item (self, item);
}

static void
add_picture (QuernPrintLayout *self, GdkTexture *texture, double x, double width)
{
  double w = gdk_texture_get_width (texture) * 0.75,
         h = gdk_texture_get_height (texture) * 0.75; /* 96 pixels an inch */
  double zoom = MIN (1, PICTURE_HEIGHT / h);
  Item *item = new_item (x, width, 6);

  item->node = gsk_texture_node_new (texture, &GRAPHENE_RECT_INIT (0, 0, (float) (w * zoom), (float) (h * zoom)));
  fit (self, item, w * zoom, h * zoom);
  add_item (self, item);
}

/* Gives each column what its text needs, and where that is too much, no more than its share of what others leave. */
static void
share_width (double *widths, guint n, double width)
{
  for (guint round = 0; round < n; round++) {
    double sum = 0, wide = 0, limit;
    guint n_wide = 0;
    for (guint i = 0; i < n; i++)
      sum += widths[i];
    if (sum <= width)
      return;
    limit = sum / n;
    for (guint i = 0; i < n; i++)
      if (widths[i] >= limit) {
        wide += widths[i];
        n_wide++;
      }
    limit = MAX (width - (sum - wide), width / n * n_wide) / n_wide;
    for (guint i = 0; i < n; i++)
      widths[i] = MIN (widths[i], limit);
  }
}

static double
text_height (PangoLayout *layout)
{
  int height;

  pango_layout_get_size (layout, NULL, &height);
  return height / (double) PANGO_SCALE;
}

static void
add_table (QuernPrintLayout *self, const QuernMdBlock *table, double x, double width)
{
  guint n = 0;
  g_autofree double *widths = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();

  for (guint r = 0; r < table->children->len; r++)
    n = MAX (n, ((QuernMdBlock *) table->children->pdata[r])->children->len);
  widths = g_new0 (double, MAX (n, 1));
  for (guint r = 0; r < table->children->len; r++) {
    GPtrArray *cells = ((QuernMdBlock *) table->children->pdata[r])->children;
    Item *row = new_item (x, width, r == 0 ? 8 : 0);
    row->cells = g_ptr_array_new_with_free_func (item_free);
    row->keep = r == 0;
    for (guint c = 0; c < cells->len; c++) {
      const QuernMdBlock *cell = cells->pdata[c];
      Item *text = new_text (self, cell->markup, cell->text, cell->formulas, 0, width, TEXT_SIZE - 0.5, r == 0, FALSE);
      int natural;
      pango_layout_set_width (text->layout, -1);
      pango_layout_get_size (text->layout, &natural, NULL);
      pango_layout_set_alignment (text->layout, cell->number == 'r'   ? PANGO_ALIGN_RIGHT
                                                : cell->number == 'c' ? PANGO_ALIGN_CENTER
                                                                      : PANGO_ALIGN_LEFT);
      widths[c] = MAX (widths[c], natural / (double) PANGO_SCALE + 2 * CELL_PADDING + 1);
      g_ptr_array_add (row->cells, text);
    }
    g_ptr_array_add (rows, row);
  }
  share_width (widths, n, width);
  for (guint r = 0; r < rows->len; r++) {
    Item *row = rows->pdata[r];
    double left = 0, height = 0;
    for (guint c = 0; c < row->cells->len; c++) {
      Item *cell = row->cells->pdata[c];
      cell->x = left + CELL_PADDING;
      cell->width = MAX (widths[c] - 2 * CELL_PADDING, 8);
      pango_layout_set_width (cell->layout, (int) (cell->width * PANGO_SCALE));
      height = MAX (height, text_height (cell->layout));
      left += widths[c];
    }
    fit (self, row, MIN (left, width), height + 2 * CELL_PADDING);
    row->width = left;
    add_item (self, row);
  }
}

/* ---- Markdown --------------------------------------------------------------------------------------------------- */

static void add_blocks (QuernPrintLayout *self, GPtrArray *blocks, double x);

static void
add_list (QuernPrintLayout *self, const QuernMdBlock *list, double x)
{
  for (guint i = 0; i < list->children->len; i++) {
    const QuernMdBlock *item = list->children->pdata[i];
    g_free (self->marker);
    self->marker = item->number >= 0  ? g_strdup (item->number == 1 ? "☑" : "☐")
                   : list->number < 0 ? g_strdup ("•")
                                      : g_strdup_printf ("%d.", list->number + (int) i);
    add_blocks (self, item->children, x + INDENT);
  }
  g_clear_pointer (&self->marker, g_free);
}

static void
add_block (QuernPrintLayout *self, const QuernMdBlock *block, double x)
{
  static const double headings[] = { 1.6, 1.35, 1.2, 1.1, 1, 1 };
  double width = self->width - x;
  Item *item;

  switch (block->kind) {
  case QUERN_MD_HEADING:
    item = new_text (self, block->markup, block->text, block->formulas, x, width,
                     TEXT_SIZE * headings[CLAMP (block->number, 1, 6) - 1], TRUE, FALSE);
    item->before = 10;
    item->keep = TRUE;
    add_item (self, item);
    break;
  case QUERN_MD_CODE:
    item = new_text (self, NULL, block->text, NULL, x + CODE_PADDING, width - 2 * CODE_PADDING, TEXT_SIZE - 1, FALSE,
                     TRUE);
    item->code = TRUE;
    item->before = 8;
    add_item (self, item);
    break;
  case QUERN_MD_QUOTE: add_blocks (self, block->children, x + INDENT); break;
  case QUERN_MD_LIST: add_list (self, block, x); break;
  case QUERN_MD_TABLE: add_table (self, block, x, width); break;
  case QUERN_MD_FORMULA: add_formula (self, block->text, x, width); break;
  case QUERN_MD_RULE:
    item = new_item (x, width, 6);
    item->node = gsk_color_node_new (&(GdkRGBA) { 0.6f, 0.6f, 0.6f, 1 },
                                     &GRAPHENE_RECT_INIT (0, 0, (float) width, 0.5f));
    item->height = 1;
    add_item (self, item);
    break;
  case QUERN_MD_PARTS:
  case QUERN_MD_ITEM:
  case QUERN_MD_ROW: add_blocks (self, block->children, x); break;
  case QUERN_MD_PARAGRAPH:
  case QUERN_MD_CELL:
    add_item (self, new_text (self, block->markup, block->text, block->formulas, x, width, TEXT_SIZE, FALSE, FALSE));
    break;
  }
}

static void
add_blocks (QuernPrintLayout *self, GPtrArray *blocks, double x)
{
  for (guint i = 0; blocks != NULL && i < blocks->len; i++)
    add_block (self, blocks->pdata[i], MIN (x, self->width / 2));
}

static void
add_message (QuernPrintLayout *self, QuernMessage *message)
{
  gboolean asked = quern_message_get_role (message) == QUERN_ROLE_USER;
  const char *model = quern_message_get_model_title (message), *text = quern_message_get_content (message);
  GListModel *attachments = quern_message_get_attachments (message);
  Item *name = new_text (self, NULL,
                         asked                             ? _("You")
                         : model != NULL && *model != '\0' ? model
                                                           : _("Answer"),
                         NULL, 0, self->width, TEXT_SIZE, TRUE, FALSE);
  g_autoptr (GPtrArray) blocks = NULL;

  name->before = 18;
  name->keep = TRUE;
  add_item (self, name);
  for (guint i = 0; attachments != NULL && i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    GdkTexture *texture = g_hash_table_lookup (self->pictures, quern_attachment_get_hash (attachment));
    if (texture != NULL)
      add_picture (self, texture, 0, self->width);
    else
      add_item (self, new_text (self, NULL, quern_attachment_get_name (attachment), NULL, 0, self->width, TEXT_SIZE,
                                FALSE, TRUE));
  }
  if (asked) {
    if (*text != '\0')
      add_item (self, new_text (self, NULL, text, NULL, 0, self->width, TEXT_SIZE, FALSE, FALSE));
    return;
  }
  blocks = quern_md_parse (text, strlen (text), FALSE);
  add_blocks (self, blocks, 0);
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

static double
bottom (QuernPrintLayout *self)
{
  return self->height - FOOT_HEIGHT;
}

static void
new_page (QuernPrintLayout *self, double *y)
{
  g_ptr_array_add (self->pages, g_array_new (FALSE, FALSE, sizeof (Slice)));
  *y = HEAD_HEIGHT;
}

static void
add_slice (QuernPrintLayout *self, const Item *item, int first, int n, double y, double height)
{
  Slice slice = { item, first, n, y, height };

  g_array_append_val ((GArray *) self->pages->pdata[self->pages->len - 1], slice);
}

/* The lines of a text, as many on a page as it holds. */
static void
place_text (QuernPrintLayout *self, const Item *item, double *y)
{
  PangoLayoutIter *iter = pango_layout_get_iter (item->layout);
  double padding = item->code ? CODE_PADDING : 0, top = *y, height = 0;
  int line = 0, first = 0;

  do {
    int from, to;
    double tall;
    pango_layout_iter_get_line_yrange (iter, &from, &to);
    tall = (to - from) / (double) PANGO_SCALE;
    if (top + height + tall + 2 * padding > bottom (self) && (line > first || top > HEAD_HEIGHT)) {
      if (line > first)
        add_slice (self, item, first, line - first, top + padding, height);
      new_page (self, &top);
      first = line;
      height = 0;
    }
    height += tall;
    line++;
  } while (pango_layout_iter_next_line (iter));
  add_slice (self, item, first, line - first, top + padding, height);
  *y = top + height + 2 * padding;
  pango_layout_iter_free (iter);
}

static void
place_items (QuernPrintLayout *self)
{
  double y;

  new_page (self, &y);
  for (guint i = 0; i < self->items->len; i++) {
    const Item *item = self->items->pdata[i];
    double height = item->layout != NULL ? text_height (item->layout) : item->height;

    if (y > HEAD_HEIGHT)
      y += item->before;
    if ((item->keep && y > HEAD_HEIGHT && y + height + 3 * TEXT_SIZE > bottom (self))
        || (item->layout == NULL && y + height > bottom (self) && y > HEAD_HEIGHT))
      new_page (self, &y);
    if (item->layout != NULL) {
      place_text (self, item, &y);
    } else {
      add_slice (self, item, 0, 0, y, height);
      y += height;
    }
  }
}

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

static void
draw_node (cairo_t *cr, GskRenderNode *node, double x, double y, double zoom)
{
  cairo_save (cr);
  cairo_translate (cr, x, y);
  cairo_scale (cr, zoom, zoom);
  gsk_render_node_draw (node, cr);
  cairo_restore (cr);
}

/* The formulas that stand in a line, whose left end is at x and whose baseline at y. */
static void
draw_pieces (QuernPrintLayout *self, cairo_t *cr, const Item *item, int line, double x, double y)
{
  const GdkRGBA black = { 0, 0, 0, 1 };

  for (guint i = 0; item->pieces != NULL && i < item->pieces->len; i++) {
    const Piece *piece = &g_array_index (item->pieces, Piece, i);
    GtkSnapshot *snapshot;
    g_autoptr (GskRenderNode) node = NULL;
    PangoRectangle place;
    int of_piece;

    pango_layout_index_to_line_x (item->layout, piece->start, FALSE, &of_piece, NULL);
    if (of_piece != line)
      continue;
    pango_layout_index_to_pos (item->layout, piece->start, &place);
    snapshot = gtk_snapshot_new ();
    quern_math_draw (snapshot, quern_math_font_get (), self->context, piece->box, piece->size, 4, 0, 0, &black);
    node = gtk_snapshot_free_to_node (snapshot);
    if (node != NULL)
      draw_node (cr, node, x + MIN (place.x, place.x + place.width) / (double) PANGO_SCALE, y, 1);
  }
}

/* Draws lines of a text; the top of the first is at y. */
static void
draw_lines (QuernPrintLayout *self, cairo_t *cr, const Item *item, int first, int n, double x, double y)
{
  PangoLayoutIter *iter = pango_layout_get_iter (item->layout);
  int line = 0, top = 0;

  do {
    PangoRectangle place;
    double baseline;
    if (line >= first + n)
      break;
    if (line == first)
      pango_layout_iter_get_line_yrange (iter, &top, NULL);
    if (line++ < first)
      continue;
    pango_layout_iter_get_line_extents (iter, NULL, &place);
    baseline = y + (pango_layout_iter_get_baseline (iter) - top) / (double) PANGO_SCALE;
    cairo_move_to (cr, x + place.x / (double) PANGO_SCALE, baseline);
    pango_cairo_show_layout_line (cr, pango_layout_iter_get_line_readonly (iter));
    draw_pieces (self, cr, item, line - 1, x, baseline);
  } while (pango_layout_iter_next_line (iter));
  pango_layout_iter_free (iter);
}

static void
draw_row (QuernPrintLayout *self, cairo_t *cr, const Item *row, double y)
{
  cairo_save (cr);
  cairo_translate (cr, row->x, y);
  cairo_scale (cr, row->zoom, row->zoom);
  for (guint i = 0; i < row->cells->len; i++) {
    const Item *cell = row->cells->pdata[i];
    draw_lines (self, cr, cell, 0, pango_layout_get_line_count (cell->layout), cell->x, CELL_PADDING);
  }
  cairo_set_line_width (cr, row->keep ? 1 : 0.4);
  cairo_move_to (cr, 0, row->height / row->zoom);
  cairo_line_to (cr, row->width, row->height / row->zoom);
  cairo_stroke (cr);
  cairo_restore (cr);
}

static void
draw_slice (QuernPrintLayout *self, cairo_t *cr, const Slice *slice)
{
  const Item *item = slice->item;

  if (item->code) {
    cairo_set_source_rgb (cr, 0.94, 0.94, 0.94);
    cairo_rectangle (cr, item->x - CODE_PADDING, slice->y - CODE_PADDING, item->width + 2 * CODE_PADDING,
                     slice->height + 2 * CODE_PADDING);
    cairo_fill (cr);
  }
  cairo_set_source_rgb (cr, 0, 0, 0);
  if (item->cells != NULL)
    draw_row (self, cr, item, slice->y);
  else if (item->node != NULL)
    draw_node (cr, item->node, item->x, slice->y, item->zoom);
  else if (item->layout != NULL)
    draw_lines (self, cr, item, slice->first, slice->n, item->x, slice->y);
  if (item->marker != NULL && slice->first == 0) {
    cairo_move_to (cr, item->x - INDENT, slice->y);
    pango_cairo_show_layout (cr, item->marker);
  }
}

/* A line of small grey text; @align: 0 left, 1 right. */
static void
draw_small (QuernPrintLayout *self, cairo_t *cr, PangoLayout *layout, double align, double y)
{
  int width;

  pango_layout_get_size (layout, &width, NULL);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  cairo_move_to (cr, (self->width - width / (double) PANGO_SCALE) * align, y);
  pango_cairo_show_layout (cr, layout);
}

/**
 * quern_print_layout_draw:
 * @page: from 0
 *
 * Draws a page, whose margins' corner is the origin.
 */
void
quern_print_layout_draw (QuernPrintLayout *self, cairo_t *cr, guint page)
{
  const GArray *slices = self->pages->pdata[page];
  g_autoptr (PangoLayout) number = new_layout (self, TEXT_SIZE - 2, FALSE, FALSE);
  g_autofree char *text = g_strdup_printf ("%u / %u", page + 1, self->pages->len);

  pango_layout_set_text (number, text, -1);
  draw_small (self, cr, self->title, 0, 0);
  draw_small (self, cr, number, 1, self->height - TEXT_SIZE);
  for (guint i = 0; i < slices->len; i++)
    draw_slice (self, cr, &g_array_index (slices, Slice, i));
}

/**
 * quern_print_layout_get_n_pages:
 *
 * Returns: the number of pages, at least one
 */
guint
quern_print_layout_get_n_pages (QuernPrintLayout *self)
{
  return self->pages->len;
}

/**
 * quern_print_layout_new:
 * @context: 72 dots to an inch; its font is that of the text
 * @width: of a page, without margins
 * @title: of the conversation
 * @messages: (element-type QuernMessage): what is shown of it
 * @pictures: (element-type utf8 GdkTexture): the pictures that are there, by their attachments' hashes
 *
 * Returns: (transfer full): the pages
 */
QuernPrintLayout *
quern_print_layout_new (PangoContext *context, double width, double height, const char *title, GPtrArray *messages,
                        GHashTable *pictures)
{
  QuernPrintLayout *self = g_new0 (QuernPrintLayout, 1);

  self->context = g_object_ref (context);
  self->width = width;
  self->height = height;
  self->pictures = g_hash_table_ref (pictures);
  self->items = g_ptr_array_new_with_free_func (item_free);
  self->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  self->title = new_layout (self, TEXT_SIZE - 2, FALSE, FALSE);
  pango_layout_set_width (self->title, (int) (width * PANGO_SCALE));
  pango_layout_set_height (self->title, -1);
  pango_layout_set_ellipsize (self->title, PANGO_ELLIPSIZE_END);
  pango_layout_set_text (self->title, title, -1);
  for (guint i = 0; i < messages->len; i++)
    add_message (self, messages->pdata[i]);
  place_items (self);
  return self;
}

void
quern_print_layout_free (QuernPrintLayout *self)
{
  g_object_unref (self->context);
  g_object_unref (self->title);
  g_ptr_array_unref (self->pages);
  g_ptr_array_unref (self->items);
  g_hash_table_unref (self->pictures);
  g_free (self->marker);
  g_free (self);
}
