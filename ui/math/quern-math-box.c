/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What formulas are built of, and delimiters that grow: the font has some in several sizes, and pieces for larger ones. */

#include "quern-math-layout-private.h"

#include <math.h>

#define MAX_BOXES 30000
#define MAX_PIECES 200 /* of one delimiter */
#define MAX_VARIANTS 20
#define NULL_DELIMITER 0.12 /* em, as in TeX */

/**
 * _quern_math_box_new:
 * @style: gives it size and colour
 *
 * Returns: (transfer none): an empty box, which belongs to the layout
 */
QuernMathBox *
_quern_math_box_new (QuernMathLayout *self, QuernMathBoxKind kind, QuernMathStyle style)
{
  QuernMathBox *box = g_new0 (QuernMathBox, 1);

  box->kind = kind;
  box->size = _quern_math_size (self, style);
  box->color = style.color;
  if (kind == QUERN_MATH_BOX_GROUP)
    box->children = g_array_new (FALSE, FALSE, sizeof (QuernMathChild));
  g_ptr_array_add (self->boxes, box);
  return box;
}

/**
 * _quern_math_glyph_new:
 * @glyph: a glyph of the font
 *
 * Returns: (transfer none): a box with this glyph on its baseline
 */
QuernMathBox *
_quern_math_glyph_new (QuernMathLayout *self, hb_codepoint_t glyph, QuernMathStyle style)
{
  QuernMathBox *box = _quern_math_box_new (self, QUERN_MATH_BOX_GLYPH, style);
  QuernMathExtents extents = quern_math_font_extents (self->font, glyph);
  double attach = hb_ot_math_get_glyph_top_accent_attachment (self->font->font, glyph) / self->font->upem;

  box->glyph = glyph;
  box->italic = quern_math_font_italics (self->font, glyph) * box->size;
  box->width = extents.width * box->size;
  if ((extents.right - extents.width) * box->size > 0.3 * box->italic) /* in some fonts the advance has it already */
    box->width += box->italic;
  box->height = extents.height * box->size;
  box->depth = extents.depth * box->size;
  box->attach = attach * box->size;
  box->single = TRUE;
  return box;
}

/**
 * _quern_math_rule_new:
 * @width: in em
 * @height: in em, above its baseline
 *
 * Returns: (transfer none): a filled rectangle
 */
QuernMathBox *
_quern_math_rule_new (QuernMathLayout *self, double width, double height, QuernMathStyle style)
{
  QuernMathBox *box = _quern_math_box_new (self, QUERN_MATH_BOX_RULE, style);
  box->width = width;
  box->height = height;
  return box;
}

/**
 * quern_math_words_layout:
 * @box: words
 * @context: where they are drawn or measured
 * @family: the font's family, which is looked in first
 * @size: pixels of an em
 *
 * Returns: (transfer full): the words for Pango
 */
PangoLayout *
quern_math_words_layout (const QuernMathBox *box, PangoContext *context, const char *family, double size)
{
  PangoLayout *layout = pango_layout_new (context);
  g_autoptr (PangoFontDescription) description = pango_font_description_new ();
  g_autofree char *families = g_strdup_printf ("%s, Sans", family);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  pango_font_description_set_family (description, box->variant == QUERN_MATH_MONO ? "Monospace" : families);
  pango_font_description_set_absolute_size (description, MAX (size * box->size, 1) * PANGO_SCALE);
  if (box->variant == QUERN_MATH_BOLD)
    pango_font_description_set_weight (description, PANGO_WEIGHT_BOLD);
  if (box->variant == QUERN_MATH_ITALIC)
    pango_font_description_set_style (description, PANGO_STYLE_ITALIC);
  pango_attr_list_insert (attributes, pango_attr_insert_hyphens_new (FALSE));
  pango_layout_set_attributes (layout, attributes);
  pango_layout_set_font_description (layout, description);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, box->text, -1);
  return layout;
}

/**
 * _quern_math_words_new:
 * @text: words, or characters that the font does not have
 *
 * Returns: (transfer none): a box with them
 */
QuernMathBox *
_quern_math_words_new (QuernMathLayout *self, const char *text, QuernMathVariant variant, QuernMathStyle style)
{
  const double pixels = 64;
  QuernMathBox *box = _quern_math_box_new (self, QUERN_MATH_BOX_WORDS, style);
  g_autoptr (PangoLayout) layout = NULL;
  PangoRectangle ink, logical;
  double baseline;

  box->text = g_strdup (text);
  box->variant = variant;
  layout = quern_math_words_layout (box, self->font->context, self->font->family, pixels);
  pango_layout_get_extents (layout, &ink, &logical);
  baseline = pango_layout_get_baseline (layout);
  box->width = logical.width / (pixels * PANGO_SCALE);
  box->height = (baseline - ink.y) / (pixels * PANGO_SCALE);
  box->depth = (ink.y + ink.height - baseline) / (pixels * PANGO_SCALE);
  return box;
}

/**
 * _quern_math_box_add:
 * @self: a group, which grows so that it covers the child
 * @x: of the child's origin, from the left
 * @y: of the child's baseline, below that of the group
 */
void
_quern_math_box_add (QuernMathBox *self, QuernMathBox *child, double x, double y)
{
  QuernMathChild entry = { child, x, y, QUERN_MATH_ORD, 0 };

  if (self->children->len == 0 && child->height + child->depth > 0) {
    self->height = child->height - y; /* both may be negative */
    self->depth = child->depth + y;
  }
  g_array_append_val (self->children, entry);
  self->width = MAX (self->width, x + child->width);
  self->height = MAX (self->height, child->height - y);
  self->depth = MAX (self->depth, child->depth + y);
}

double
_quern_math_size (QuernMathLayout *self, QuernMathStyle style)
{
  return self->font->script[style.level];
}

/**
 * _quern_math_constant:
 * @constant: a length of the MATH table
 *
 * Returns: the length in this style, in em
 */
double
_quern_math_constant (QuernMathLayout *self, hb_ot_math_constant_t constant, QuernMathStyle style)
{
  return quern_math_font_constant (self->font, constant) * _quern_math_size (self, style);
}

/* ---- what grows ------------------------------------------------------------------------------------------------- */

/* Puts the pieces of a glyph together, at least `length` long (in em of the font). */
static QuernMathBox *
quern_math_assemble (QuernMathLayout *self, const hb_ot_math_glyph_part_t *parts, unsigned n_parts, gboolean sideways,
                     double length, QuernMathStyle style)
{
  double upem = self->font->upem, fixed = 0, extending = 0, overlap, at = 0;
  double least = hb_ot_math_get_min_connector_overlap (self->font->font, sideways ? HB_DIRECTION_LTR : HB_DIRECTION_BTT)
                 / upem;
  int n_fixed = 0, n_extending = 0, repeats = 0, n;
  double most = G_MAXDOUBLE;
  QuernMathBox *group = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style);

  for (unsigned i = 0; i < n_parts; i++) {
    gboolean extends = (parts[i].flags & HB_MATH_GLYPH_PART_FLAG_EXTENDER) != 0;
    *(extends ? &extending : &fixed) += parts[i].full_advance / upem;
    ++*(extends ? &n_extending : &n_fixed);
    most = MIN (most, parts[i].full_advance / upem * 0.9);
    if (i > 0)
      most = MIN (most, MIN (parts[i - 1].end_connector_length, parts[i].start_connector_length) / upem);
  }
  /* The pieces are repeated until they reach the length with the least overlap; then they overlap more, to fit. */
  if (extending - n_extending * least > 0)
    repeats = (int) CLAMP (ceil ((length - fixed + (n_fixed - 1) * least) / (extending - n_extending * least)), 0,
                           MAX_PIECES / n_extending);
  n = n_fixed + repeats * n_extending;
  overlap = n > 1 ? CLAMP ((fixed + repeats * extending - length) / (n - 1), least, MAX (least, most)) : 0;
  for (unsigned i = 0; i < n_parts; i++) {
    int times = (parts[i].flags & HB_MATH_GLYPH_PART_FLAG_EXTENDER) != 0 ? repeats : 1;
    for (int k = 0; k < times; k++) {
      QuernMathBox *piece = _quern_math_glyph_new (self, parts[i].glyph, style);
      if (sideways)
        _quern_math_box_add (group, piece, at * piece->size, 0);
      else
        _quern_math_box_add (group, piece, 0, -at * piece->size - piece->depth);
      at += parts[i].full_advance / upem - overlap;
    }
  }
  return group;
}

/**
 * _quern_math_grow:
 * @ch: a delimiter, a root, a brace, an arrow or an accent
 * @sideways: it grows in width
 * @length: what it is to reach, in em
 *
 * Returns: (transfer none): the smallest form that is at least so long, or the longest that there is
 */
QuernMathBox *
_quern_math_grow (QuernMathLayout *self, gunichar ch, gboolean sideways, double length, QuernMathStyle style)
{
  hb_codepoint_t glyph = quern_math_font_glyph (self->font, ch, 0);
  hb_direction_t direction = sideways ? HB_DIRECTION_LTR : HB_DIRECTION_BTT;
  hb_ot_math_glyph_variant_t variants[MAX_VARIANTS];
  hb_ot_math_glyph_part_t parts[MAX_VARIANTS];
  unsigned n_variants = MAX_VARIANTS, n_parts = MAX_VARIANTS;
  double wanted = length / _quern_math_size (self, style);
  QuernMathBox *box;

  if (glyph == 0) {
    char text[7] = { 0 };
    g_unichar_to_utf8 (ch, text);
    return _quern_math_words_new (self, text, QUERN_MATH_ROMAN, style);
  }
  box = _quern_math_glyph_new (self, glyph, style);
  if ((sideways ? box->width : box->height + box->depth) >= length * 0.99)
    return box;
  hb_ot_math_get_glyph_variants (self->font->font, glyph, direction, 0, &n_variants, variants);
  for (unsigned i = 0; i < n_variants; i++) {
    if (variants[i].advance / self->font->upem >= wanted * 0.99)
      return _quern_math_glyph_new (self, variants[i].glyph, style);
  }
  if (self->boxes->len < MAX_BOXES) {
    hb_position_t italics;
    hb_ot_math_get_glyph_assembly (self->font->font, glyph, direction, 0, &n_parts, parts, &italics);
    if (n_parts > 0)
      return quern_math_assemble (self, parts, n_parts, sideways, wanted, style);
  }
  return n_variants > 0 ? _quern_math_glyph_new (self, variants[n_variants - 1].glyph, style) : box;
}

/**
 * _quern_math_delimiter:
 * @ch: the delimiter
 * @length: em
 *
 * Returns: (transfer none): the delimiter, centred on the axis
 */
QuernMathBox *
_quern_math_delimiter (QuernMathLayout *self, gunichar ch, double length, QuernMathStyle style)
{
  QuernMathBox *group = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style);
  QuernMathBox *box;

  if (ch == 0) {
    group->width = NULL_DELIMITER;
    return group;
  }
  box = _quern_math_grow (self, ch, FALSE, length, style);
  _quern_math_box_add (group, box, 0,
                       (box->height - box->depth) / 2
                           - _quern_math_constant (self, HB_OT_MATH_CONSTANT_AXIS_HEIGHT, style));
  return group;
}

/**
 * _quern_math_fence_length:
 * @inside: what stands between delimiters
 *
 * Returns: how long these have to be, in em: they may leave a tenth uncovered, but no more than half an em
 */
double
_quern_math_fence_length (QuernMathLayout *self, const QuernMathBox *inside, QuernMathStyle style)
{
  double axis = _quern_math_constant (self, HB_OT_MATH_CONSTANT_AXIS_HEIGHT, style);
  double whole = 2 * MAX (inside->height - axis, inside->depth + axis);
  return MAX (whole * 0.901, whole - 0.5);
}

/**
 * _quern_math_fence:
 * @left: a delimiter, or 0
 * @right: a delimiter, or 0
 *
 * Returns: (transfer none): a box between delimiters of its height
 */
QuernMathBox *
_quern_math_fence (QuernMathLayout *self, gunichar left, QuernMathBox *inside, gunichar right, QuernMathStyle style)
{
  QuernMathBox *group = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style);
  double length = _quern_math_fence_length (self, inside, style);

  _quern_math_box_add (group, _quern_math_delimiter (self, left, length, style), 0, 0);
  _quern_math_box_add (group, inside, group->width, 0);
  _quern_math_box_add (group, _quern_math_delimiter (self, right, length, style), group->width, 0);
  return group;
}
