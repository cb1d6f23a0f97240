/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Sets a formula by the rules of TeX (The TeXbook, appendix G) with the lengths of an OpenType font's MATH table. The
 * result is in em of the size that it will be drawn in, so that it serves every size. */

#include "quern-math-layout-private.h"

#include "quern-math-symbols.h"

#include <string.h>

#define NULL_DELIMITER 0.12 /* em, beside fractions */
#define FRAME 0.3           /* em between a frame and what it is around */

static QuernMathBox *quern_math_set (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style);

static QuernMathStyle
quern_math_superscript_style (QuernMathStyle style)
{
  style.level = style.level < 2 ? 2 : 3;
  return style;
}

static QuernMathStyle
quern_math_cramped (QuernMathStyle style)
{
  style.cramped = TRUE;
  return style;
}

static QuernMathBox *
quern_math_group_new (QuernMathLayout *self, QuernMathStyle style)
{
  return _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style);
}

/* ---- characters ------------------------------------------------------------------------------------------------- */

static QuernMathBox *
quern_math_set_character (QuernMathLayout *self, gunichar ch, QuernMathVariant variant, QuernMathStyle style)
{
  int script_level = MAX (style.level - 1, 0);
  hb_codepoint_t glyph = quern_math_font_glyph (self->font, quern_math_alphabet (ch, variant), script_level);
  char text[7] = { 0 };

  if (glyph == 0)
    glyph = quern_math_font_glyph (self->font, ch, script_level);
  if (glyph != 0)
    return _quern_math_glyph_new (self, glyph, style);
  g_unichar_to_utf8 (ch, text);
  return _quern_math_words_new (self, text, variant == QUERN_MATH_LETTERS ? QUERN_MATH_ROMAN : variant, style);
}

static QuernMathBox *
quern_math_set_name (QuernMathLayout *self, const char *name, QuernMathStyle style)
{
  QuernMathBox *group = quern_math_group_new (self, style);

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar ch = g_utf8_get_char (p);
    if (ch == ' ' || ch == 0x2009)
      group->width += _quern_math_size (self, style) / 6;
    else
      _quern_math_box_add (group, quern_math_set_character (self, ch, QUERN_MATH_ROMAN, style), group->width, 0);
  }
  return group;
}

/* Sets a big operator: in display style a larger form, and always centred on the axis. */
static QuernMathBox *
quern_math_set_big (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  double axis = _quern_math_constant (self, HB_OT_MATH_CONSTANT_AXIS_HEIGHT, style);
  double least = style.level > 0 ? 0
                                 : _quern_math_constant (self, HB_OT_MATH_CONSTANT_DISPLAY_OPERATOR_MIN_HEIGHT, style);
  QuernMathBox *box = _quern_math_grow (self, node->ch, FALSE, least, style);
  QuernMathBox *group = quern_math_group_new (self, style);

  _quern_math_box_add (group, box, 0, (box->height - box->depth) / 2 - axis);
  group->italic = box->italic;
  return group;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* Space between classes, left and right: 1 thin, 2 medium, 3 thick; negative: not in scripts. */
static const gint8 spacing[8][8] = {
  { 0, 1, -2, -3, 0, 0, 0, -1 },     /* ord */
  { 1, 1, 0, -3, 0, 0, 0, -1 },      /* op */
  { -2, -2, 0, 0, -2, 0, 0, -2 },    /* bin */
  { -3, -3, 0, 0, -3, 0, 0, -3 },    /* rel */
  { 0, 0, 0, 0, 0, 0, 0, 0 },        /* open */
  { 0, 1, -2, -3, 0, 0, 0, -1 },     /* close */
  { -1, -1, 0, -1, -1, -1, -1, -1 }, /* punct */
  { -1, 1, -2, -3, -1, 0, -1, -1 },  /* inner */
};

typedef struct {
  QuernMathBox *box; /* NULL for a space */
  QuernMathClass class;
  double width; /* of a space */
  int level;
  gsize offset;
} Item;

static void
quern_math_collect (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle *style, GArray *items)
{
  for (; node != NULL; node = node->next) {
    Item item = { .class = node->class, .level = style->level, .offset = node->offset };

    if (node->kind == QUERN_MATH_STYLE) {
      style->level = node->value;
      continue;
    }
    if (node->kind == QUERN_MATH_COLOR) { /* whose neighbours see what is in it */
      QuernMathStyle colored = *style;
      colored.color = node->color;
      quern_math_collect (self,
                          node->body != NULL && node->body->kind == QUERN_MATH_LIST ? node->body->body : node->body,
                          &colored, items);
      continue;
    }
    if (node->kind == QUERN_MATH_SPACE)
      item.width = node->width * _quern_math_size (self, *style);
    else
      item.box = quern_math_set (self, node, *style);
    g_array_append_val (items, item);
  }
}

/* A binary operator without something on both sides is an ordinary symbol: a sign. */
static void
quern_math_find_signs (GArray *items, gboolean behind_cell)
{
  Item *before = NULL;

  for (guint i = 0; i < items->len; i++) {
    Item *item = &g_array_index (items, Item, i);
    if (item->box == NULL)
      continue;
    if (item->class == QUERN_MATH_BIN
        && (before == NULL
                ? !behind_cell
                : before->class == QUERN_MATH_BIN || before->class == QUERN_MATH_OP || before->class == QUERN_MATH_REL
                      || before->class == QUERN_MATH_OPEN || before->class == QUERN_MATH_PUNCT))
      item->class = QUERN_MATH_ORD;
    if (before != NULL && before->class == QUERN_MATH_BIN
        && (item->class == QUERN_MATH_REL || item->class == QUERN_MATH_CLOSE || item->class == QUERN_MATH_PUNCT))
      before->class = QUERN_MATH_ORD;
    before = item;
  }
  if (before != NULL && before->class == QUERN_MATH_BIN)
    before->class = QUERN_MATH_ORD;
}

/**
 * _quern_math_set_line:
 * @first: (nullable): the first of some nodes
 * @behind_cell: it goes on after the cell before, so that a relation at its beginning is one
 *
 * Returns: (transfer none): the nodes beside each other, with the space that belongs between them
 */
QuernMathBox *
_quern_math_set_line (QuernMathLayout *self, const QuernMathNode *first, QuernMathStyle style, gboolean behind_cell)
{
  static const double spaces[] = { 0, 3 / 18.0, 4 / 18.0, 5 / 18.0 };
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
  QuernMathBox *group = quern_math_group_new (self, style);
  int before = behind_cell ? QUERN_MATH_ORD : -1;

  quern_math_collect (self, first, &style, items);
  quern_math_find_signs (items, behind_cell);
  if (items->len == 1 && g_array_index (items, Item, 0).box != NULL && !behind_cell)
    return g_array_index (items, Item, 0).box; /* still a single character, for scripts and accents */
  for (guint i = 0; i < items->len; i++) {
    Item *item = &g_array_index (items, Item, i);
    QuernMathChild *child;
    if (item->box == NULL) {
      group->width += item->width;
      continue;
    }
    if (before >= 0) {
      int space = spacing[before][item->class];
      if (space > 0 || item->level < 2)
        group->width += spaces[ABS (space)] * self->font->script[item->level];
    }
    _quern_math_box_add (group, item->box, group->width, 0);
    child = &g_array_index (group->children, QuernMathChild, group->children->len - 1);
    child->class = item->class;
    child->offset = item->offset;
    before = item->class;
  }
  return group;
}

/* ---- scripts ---------------------------------------------------------------------------------------------------- */

/* Sets what stands above and below in the middle. */
static QuernMathBox *
quern_math_set_limits (QuernMathLayout *self, QuernMathBox *body, QuernMathBox *above, QuernMathBox *below,
                       QuernMathStyle style)
{
  QuernMathBox *group = quern_math_group_new (self, style);
  double width = MAX (body->width, MAX (above != NULL ? above->width : 0, below != NULL ? below->width : 0));
  double lean = body->italic / 2;

  _quern_math_box_add (group, body, (width - body->width) / 2, 0);
  if (above != NULL) {
    double gap = _quern_math_constant (self, HB_OT_MATH_CONSTANT_UPPER_LIMIT_GAP_MIN, style);
    double rise = _quern_math_constant (self, HB_OT_MATH_CONSTANT_UPPER_LIMIT_BASELINE_RISE_MIN, style);
    _quern_math_box_add (group, above, (width - above->width) / 2 + lean,
                         -body->height - MAX (gap + above->depth, rise));
  }
  if (below != NULL) {
    double gap = _quern_math_constant (self, HB_OT_MATH_CONSTANT_LOWER_LIMIT_GAP_MIN, style);
    double drop = _quern_math_constant (self, HB_OT_MATH_CONSTANT_LOWER_LIMIT_BASELINE_DROP_MIN, style);
    _quern_math_box_add (group, below, (width - below->width) / 2 - lean,
                         body->depth + MAX (gap + below->height, drop));
  }
  return group;
}

/* Returns whether scripts are nothing but primes that are raised already: fonts without forms for scripts have these. */
static gboolean
quern_math_are_raised_primes (QuernMathLayout *self, const QuernMathNode *node)
{
  const QuernMathNode *prime = node != NULL && node->kind == QUERN_MATH_LIST ? node->body : NULL;

  if (prime == NULL || quern_math_font_glyph (self->font, 0x2032, 1) != quern_math_font_glyph (self->font, 0x2032, 0))
    return FALSE;
  for (; prime != NULL; prime = prime->next) {
    if (prime->kind != QUERN_MATH_SYMBOL || prime->ch != 0x2032)
      return FALSE;
  }
  return TRUE;
}

static QuernMathBox *
quern_math_set_scripts (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathStyle up = quern_math_superscript_style (style), down = quern_math_cramped (up);
  QuernMathBox *body = quern_math_set (self, node->body, style);
  gboolean primes = quern_math_are_raised_primes (self, node->above);
  QuernMathBox *above = node->above != NULL ? quern_math_set (self, node->above, primes ? style : up) : NULL;
  QuernMathBox *below = node->below != NULL ? quern_math_set (self, node->below, down) : NULL;
  QuernMathBox *group;
  double u = 0, v = 0, kern = 0;

#define LENGTH(name) _quern_math_constant (self, HB_OT_MATH_CONSTANT_##name, style)
  if (node->limits == QUERN_MATH_LIMITS_ALWAYS
      || (node->limits == QUERN_MATH_LIMITS_DEFAULT && node->class == QUERN_MATH_OP && style.level == 0))
    return quern_math_set_limits (self, body, above, below, style);

  if (!body->single) {
    u = body->height - LENGTH (SUPERSCRIPT_BASELINE_DROP_MAX);
    v = body->depth + LENGTH (SUBSCRIPT_BASELINE_DROP_MIN);
  }
  if (above != NULL)
    u = MAX (MAX (u, style.cramped ? LENGTH (SUPERSCRIPT_SHIFT_UP_CRAMPED) : LENGTH (SUPERSCRIPT_SHIFT_UP)),
             above->depth + LENGTH (SUPERSCRIPT_BOTTOM_MIN));
  if (primes)
    u = MAX (body->height - 0.75 * _quern_math_size (self, style), 0);
  if (below != NULL) {
    v = MAX (v, LENGTH (SUBSCRIPT_SHIFT_DOWN));
    if (above == NULL)
      v = MAX (v, below->height - LENGTH (SUBSCRIPT_TOP_MAX));
    else {
      double missing = LENGTH (SUB_SUPERSCRIPT_GAP_MIN) - ((u - above->depth) - (below->height - v));
      if (missing > 0) {
        double raise = LENGTH (SUPERSCRIPT_BOTTOM_MAX_WITH_SUBSCRIPT) - (u - above->depth);
        v += missing;
        raise = CLAMP (raise, 0, missing);
        u += raise;
        v -= raise;
      }
    }
  }
  group = quern_math_group_new (self, style);
  _quern_math_box_add (group, body, 0, 0);
  if (above != NULL) {
    if (body->single && body->kind == QUERN_MATH_BOX_GLYPH)
      kern = body->size
             * quern_math_font_kern (self->font, body->glyph, HB_OT_MATH_KERN_TOP_RIGHT,
                                     (u - above->depth) / body->size);
    _quern_math_box_add (group, above, body->width + kern, -u);
  }
  if (below != NULL) {
    kern = 0;
    if (body->single && body->kind == QUERN_MATH_BOX_GLYPH)
      kern = body->size
             * quern_math_font_kern (self->font, body->glyph, HB_OT_MATH_KERN_BOTTOM_RIGHT,
                                     (below->height - v) / body->size);
    _quern_math_box_add (group, below, body->width - body->italic + kern, v);
    if (above == NULL)
      group->width = MAX (body->width - body->italic, group->width - (below->width > 0 ? 0 : body->italic));
  }
  group->width += LENGTH (SPACE_AFTER_SCRIPT);
  return group;
}

/* ---- fractions and roots ---------------------------------------------------------------------------------------- */

static QuernMathBox *
quern_math_set_fraction (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathStyle inner;
  QuernMathBox *above, *below, *group, *outer;
  double width, u, v, axis, rule;
  gboolean display;

  if (node->value > 0)
    style.level = node->value - 1;
  display = style.level == 0;
  inner = style;
  inner.level = MIN (style.level + 1, 3);
  above = quern_math_set (self, node->above, inner);
  below = quern_math_set (self, node->below, quern_math_cramped (inner));
  width = MAX (above->width, below->width);
  axis = LENGTH (AXIS_HEIGHT);
  group = quern_math_group_new (self, style);
  if (node->width > 0) {
    rule = LENGTH (FRACTION_RULE_THICKNESS);
    u = MAX (display ? LENGTH (FRACTION_NUMERATOR_DISPLAY_STYLE_SHIFT_UP) : LENGTH (FRACTION_NUMERATOR_SHIFT_UP),
             axis + rule / 2 + above->depth
                 + (display ? LENGTH (FRACTION_NUM_DISPLAY_STYLE_GAP_MIN) : LENGTH (FRACTION_NUMERATOR_GAP_MIN)));
    v = MAX (display ? LENGTH (FRACTION_DENOMINATOR_DISPLAY_STYLE_SHIFT_DOWN)
                     : LENGTH (FRACTION_DENOMINATOR_SHIFT_DOWN),
             rule / 2 - axis + below->height
                 + (display ? LENGTH (FRACTION_DENOM_DISPLAY_STYLE_GAP_MIN) : LENGTH (FRACTION_DENOMINATOR_GAP_MIN)));
    _quern_math_box_add (group, _quern_math_rule_new (self, width, rule, style), 0, rule / 2 - axis);
  } else {
    double missing;
    u = display ? LENGTH (STACK_TOP_DISPLAY_STYLE_SHIFT_UP) : LENGTH (STACK_TOP_SHIFT_UP);
    v = display ? LENGTH (STACK_BOTTOM_DISPLAY_STYLE_SHIFT_DOWN) : LENGTH (STACK_BOTTOM_SHIFT_DOWN);
    missing = (display ? LENGTH (STACK_DISPLAY_STYLE_GAP_MIN) : LENGTH (STACK_GAP_MIN))
              - ((u - above->depth) - (below->height - v));
    if (missing > 0) {
      u += missing / 2;
      v += missing / 2;
    }
  }
  _quern_math_box_add (group, above, (width - above->width) / 2, -u);
  _quern_math_box_add (group, below, (width - below->width) / 2, v);
  if (node->ch != 0)
    return _quern_math_fence (self, node->ch, group, node->ch2, style);
  outer = quern_math_group_new (self, style);
  _quern_math_box_add (outer, group, NULL_DELIMITER, 0);
  outer->width += NULL_DELIMITER;
  return outer;
}

static QuernMathBox *
quern_math_set_root (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *body = quern_math_set (self, node->body, quern_math_cramped (style)), *sign, *group, *degree;
  double rule = LENGTH (RADICAL_RULE_THICKNESS), x = 0, top;
  double gap = style.level == 0 ? LENGTH (RADICAL_DISPLAY_STYLE_VERTICAL_GAP) : LENGTH (RADICAL_VERTICAL_GAP);

  sign = _quern_math_grow (self, 0x221a, FALSE, MAX (body->height + body->depth, 0) + gap + rule, style);
  gap = MAX (gap, (sign->height + sign->depth - rule - body->height - body->depth + gap) / 2);
  top = body->height + gap + rule;
  group = quern_math_group_new (self, style);
  if (node->above != NULL) {
    double height = sign->height + sign->depth;
    int percent = hb_ot_math_get_constant (self->font->font, HB_OT_MATH_CONSTANT_RADICAL_DEGREE_BOTTOM_RAISE_PERCENT);
    QuernMathStyle small = style;
    small.level = 3;
    degree = quern_math_set (self, node->above, small);
    x = MAX (LENGTH (RADICAL_KERN_BEFORE_DEGREE), 0);
    _quern_math_box_add (group, degree, x, height - top - height * percent / 100.0 - degree->depth);
    x = MAX (x + degree->width + LENGTH (RADICAL_KERN_AFTER_DEGREE), 0);
  }
  _quern_math_box_add (group, sign, x, sign->height - top);
  x += sign->width;
  _quern_math_box_add (group, _quern_math_rule_new (self, body->width, rule, style), x, rule - top);
  _quern_math_box_add (group, body, x, 0);
  group->height = MAX (group->height, top + LENGTH (RADICAL_EXTRA_ASCENDER));
  return group;
}

/* ---- above and below -------------------------------------------------------------------------------------------- */

/* Returns the widest form of an accent that is no wider than its base. */
static QuernMathBox *
quern_math_accent_box (QuernMathLayout *self, const QuernMathNode *node, double width, QuernMathStyle style)
{
  hb_codepoint_t glyph = quern_math_font_glyph (self->font, node->ch, MAX (style.level - 1, 0));
  hb_ot_math_glyph_variant_t variants[20];
  unsigned n = G_N_ELEMENTS (variants);

  if (glyph == 0)
    return quern_math_set_character (self, node->ch, QUERN_MATH_ROMAN, style);
  if (node->value) {
    hb_ot_math_get_glyph_variants (self->font->font, glyph, HB_DIRECTION_LTR, 0, &n, variants);
    for (unsigned i = 0; i < n; i++) {
      QuernMathExtents extents = quern_math_font_extents (self->font, variants[i].glyph);
      if ((extents.right - extents.left) * _quern_math_size (self, style) <= width)
        glyph = variants[i].glyph;
    }
  }
  return _quern_math_glyph_new (self, glyph, style);
}

static QuernMathBox *
quern_math_set_accent (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *body = quern_math_set (self, node->body, quern_math_cramped (style));
  QuernMathBox *accent = quern_math_accent_box (self, node, body->width, style);
  QuernMathBox *group = quern_math_group_new (self, style);
  double middle = body->single && body->attach > 0 ? body->attach : body->width / 2, own = accent->width / 2, width;

  if (accent->kind == QUERN_MATH_BOX_GLYPH) {
    QuernMathExtents extents = quern_math_font_extents (self->font, accent->glyph);
    own = accent->attach != 0 ? accent->attach : (extents.left + extents.right) / 2 * accent->size;
  }
  _quern_math_box_add (group, body, 0, 0);
  width = group->width;
  _quern_math_box_add (group, accent, middle - own, -MAX (body->height - LENGTH (ACCENT_BASE_HEIGHT), 0));
  group->width = width; /* accents do not push their neighbours away */
  group->italic = body->italic;
  group->single = body->single; /* scripts stand as if there was no accent */
  return group;
}

/* Sets a rule, a brace or an arrow along its body. */
static QuernMathBox *
quern_math_set_over (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  gboolean over = node->kind == QUERN_MATH_OVER;
  QuernMathBox *body = quern_math_set (self, node->body, over ? quern_math_cramped (style) : style), *line, *group;
  double gap = over ? LENGTH (OVERBAR_VERTICAL_GAP) : LENGTH (UNDERBAR_VERTICAL_GAP), width;

  group = quern_math_group_new (self, style);
  if (node->ch == 0) {
    line = _quern_math_rule_new (self, body->width,
                                 over ? LENGTH (OVERBAR_RULE_THICKNESS) : LENGTH (UNDERBAR_RULE_THICKNESS), style);
    _quern_math_box_add (group, body, 0, 0);
    _quern_math_box_add (group, line, 0, over ? -body->height - gap : body->depth + gap + line->height);
    if (over)
      group->height += LENGTH (OVERBAR_EXTRA_ASCENDER);
    else
      group->depth += LENGTH (UNDERBAR_EXTRA_DESCENDER);
    return group;
  }
  line = _quern_math_grow (self, node->ch, TRUE, body->width, style);
  width = MAX (body->width, line->width);
  _quern_math_box_add (group, body, (width - body->width) / 2, 0);
  _quern_math_box_add (group, line, (width - line->width) / 2,
                       over ? -body->height - gap - line->depth : body->depth + gap + line->height);
  return group;
}

static QuernMathBox *
quern_math_set_arrow (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathStyle up = quern_math_superscript_style (style);
  QuernMathBox *above = quern_math_set (self, node->above, up);
  QuernMathBox *below = node->below != NULL ? quern_math_set (self, node->below, quern_math_cramped (up)) : NULL;
  double width = MAX (above->width, below != NULL ? below->width : 0) + 0.8 * _quern_math_size (self, style);
  QuernMathBox *arrow = _quern_math_grow (self, node->ch, TRUE, MAX (width, 1.6 * _quern_math_size (self, style)),
                                          style);

  return quern_math_set_limits (self, arrow, above, below, style);
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

/* Sets what stands between \left and \right. What \middle separates has delimiters of the same height. */
static QuernMathBox *
quern_math_set_fenced (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *inside = quern_math_group_new (self, style), *row;
  g_autoptr (GPtrArray) pieces = g_ptr_array_new ();
  g_autoptr (GArray) middles = g_array_new (FALSE, FALSE, sizeof (gunichar));
  QuernMathNode *first = node->body->body;
  double length;

  for (QuernMathNode *at = first, *before = NULL;; before = at, at = at->next) {
    gboolean middle = at != NULL && at->kind == QUERN_MATH_DELIMITER && at->value == 0;
    if (at != NULL && !middle)
      continue;
    if (before != NULL) /* cut the chain for a moment */
      before->next = NULL;
    g_ptr_array_add (pieces, _quern_math_set_line (self, first == at ? NULL : first, style, FALSE));
    if (before != NULL)
      before->next = at;
    if (at == NULL)
      break;
    g_array_append_val (middles, at->ch);
    first = at->next;
  }
  for (guint i = 0; i < pieces->len; i++)
    _quern_math_box_add (inside, g_ptr_array_index (pieces, i), inside->width, 0);
  length = _quern_math_fence_length (self, inside, style);
  row = quern_math_group_new (self, style);
  for (guint i = 0; i < pieces->len; i++) {
    _quern_math_box_add (row, g_ptr_array_index (pieces, i), row->width, 0);
    if (i < middles->len)
      _quern_math_box_add (row, _quern_math_delimiter (self, g_array_index (middles, gunichar, i), length, style),
                           row->width, 0);
  }
  return _quern_math_fence (self, node->ch, row, node->ch2, style);
}

static QuernMathBox *
quern_math_set_boxed (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *body = quern_math_set (self, node->body, style), *group = quern_math_group_new (self, style);
  double rule = LENGTH (FRACTION_RULE_THICKNESS), width = body->width + 2 * FRAME;
  double height = body->height + FRAME, depth = body->depth + FRAME;

  _quern_math_box_add (group, body, rule + FRAME, 0);
  _quern_math_box_add (group, _quern_math_rule_new (self, width + 2 * rule, rule, style), 0, -height);
  _quern_math_box_add (group, _quern_math_rule_new (self, width + 2 * rule, rule, style), 0, depth + rule);
  _quern_math_box_add (group, _quern_math_rule_new (self, rule, height + depth, style), 0, depth);
  _quern_math_box_add (group, _quern_math_rule_new (self, rule, height + depth, style), rule + width, depth);
  return group;
}

static QuernMathBox *
quern_math_set_cancel (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *body = quern_math_set (self, node->body, style), *group = quern_math_group_new (self, style);

  _quern_math_box_add (group, body, 0, 0);
  for (int way = 1; way <= 2; way++) {
    if ((node->value & way) == 0)
      continue;
    QuernMathBox *slash = _quern_math_box_new (self, QUERN_MATH_BOX_SLASH, style);
    slash->width = body->width;
    slash->height = body->height;
    slash->depth = body->depth;
    slash->glyph = way;
    _quern_math_box_add (group, slash, 0, 0);
  }
  return group;
}

static QuernMathBox *
quern_math_set_phantom (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  QuernMathBox *body = quern_math_set (self, node->body, style), *group = quern_math_group_new (self, style);

  if (node->value & 4)
    _quern_math_box_add (group, body, 0, 0);
  group->width = node->value & 1 ? body->width : 0;
  group->height = node->value & 2 ? body->height : 0;
  group->depth = node->value & 2 ? body->depth : 0;
  return group;
}

static QuernMathBox *
quern_math_set (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  static const double sizes[] = { 0, 1.2, 1.8, 2.4, 3 };

  switch (node->kind) {
  case QUERN_MATH_LIST: return _quern_math_set_line (self, node->body, style, FALSE);
  case QUERN_MATH_SYMBOL: return quern_math_set_character (self, node->ch, node->variant, style);
  case QUERN_MATH_BIG: return quern_math_set_big (self, node, style);
  case QUERN_MATH_NAME: return quern_math_set_name (self, node->text, style);
  case QUERN_MATH_TEXT:
  case QUERN_MATH_UNKNOWN: return _quern_math_words_new (self, node->text, node->variant, style);
  case QUERN_MATH_SCRIPTS: return quern_math_set_scripts (self, node, style);
  case QUERN_MATH_FRACTION: return quern_math_set_fraction (self, node, style);
  case QUERN_MATH_ROOT: return quern_math_set_root (self, node, style);
  case QUERN_MATH_ACCENT: return quern_math_set_accent (self, node, style);
  case QUERN_MATH_OVER:
  case QUERN_MATH_UNDER: return quern_math_set_over (self, node, style);
  case QUERN_MATH_ARROW: return quern_math_set_arrow (self, node, style);
  case QUERN_MATH_FENCED: return quern_math_set_fenced (self, node, style);
  case QUERN_MATH_DELIMITER:
    return _quern_math_delimiter (self, node->ch, sizes[node->value] * _quern_math_size (self, style), style);
  case QUERN_MATH_ARRAY: return _quern_math_set_array (self, node, style);
  case QUERN_MATH_BOXED: return quern_math_set_boxed (self, node, style);
  case QUERN_MATH_CANCEL: return quern_math_set_cancel (self, node, style);
  case QUERN_MATH_PHANTOM: return quern_math_set_phantom (self, node, style);
  case QUERN_MATH_COLOR:
  case QUERN_MATH_SPACE: { /* as an argument of its own */
    QuernMathNode alone = *node;
    alone.next = NULL;
    return _quern_math_set_line (self, &alone, style, FALSE);
  }
  case QUERN_MATH_ROW:
  case QUERN_MATH_STYLE: break;
  }
  return quern_math_group_new (self, style);
}
#undef LENGTH

static void
quern_math_box_free (gpointer data)
{
  QuernMathBox *box = data;
  g_clear_pointer (&box->children, g_array_unref);
  g_free (box->text);
  g_free (box);
}

/**
 * quern_math_layout_new:
 * @tree: a formula
 * @font: outlives the layout
 * @display: it stands on a line of its own
 *
 * Returns: (transfer full): the formula, set
 */
QuernMathLayout *
quern_math_layout_new (const QuernMathTree *tree, const QuernMathFont *font, gboolean display)
{
  QuernMathLayout *self;
  QuernMathStyle style = { .level = display ? 0 : 1, .color = G_MAXUINT32 };

  g_return_val_if_fail (tree != NULL && font != NULL, NULL);

  self = g_new0 (QuernMathLayout, 1);
  self->font = font;
  self->boxes = g_ptr_array_new_with_free_func (quern_math_box_free);
  self->box = _quern_math_set_line (self, tree->root->body, style, FALSE);
  if (tree->tag != NULL)
    self->tag = quern_math_set (self, tree->tag, style);
  self->n_kept = self->boxes->len;
  return self;
}

/**
 * quern_math_layout_free:
 * @self: (nullable): a formula that was set
 */
void
quern_math_layout_free (QuernMathLayout *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->boxes);
  g_free (self);
}
