/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Breaks formulas that are wider than the page: those on display before relations and binary operators, as books do;
 * those in a paragraph behind them, as TeX does. */

#include "quern-math-layout-private.h"

#define LINE_GAP 0.35 /* em */
#define INDENT 2

static QuernMathChild *
quern_math_nth_child (const QuernMathBox *box, guint i)
{
  return &g_array_index (box->children, QuernMathChild, i);
}

/* Copies the children from `first` up to `end` into a line of their own. */
static QuernMathBox *
quern_math_part_of_line (QuernMathLayout *self, const QuernMathBox *box, guint first, guint end)
{
  QuernMathBox *part = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, (QuernMathStyle) { .color = G_MAXUINT32 });
  double left = quern_math_nth_child (box, first)->x;

  for (guint i = first; i < end; i++) {
    const QuernMathChild *child = quern_math_nth_child (box, i);
    _quern_math_box_add (part, child->box, child->x - left, child->y);
    quern_math_nth_child (part, i - first)->class = child->class;
  }
  return part;
}

/* Returns whether a line may begin with this child, and whether it would begin well. */
static gboolean
quern_math_may_begin (const QuernMathBox *box, guint i, gboolean *good)
{
  QuernMathClass class = quern_math_nth_child (box, i)->class, before = quern_math_nth_child (box, i - 1)->class;

  *good = class == QUERN_MATH_REL;
  return (class == QUERN_MATH_REL && before != QUERN_MATH_REL) || class == QUERN_MATH_BIN || before == QUERN_MATH_PUNCT;
}

/* Returns the child that the line after `first` begins with, or the number of children. */
static guint
quern_math_find_break (const QuernMathBox *box, guint first, double width)
{
  double left = quern_math_nth_child (box, first)->x;
  guint n = box->children->len, best = n, best_good = n;
  gboolean good;

  if (box->width - left <= width)
    return n;
  for (guint i = first + 1; i < n; i++) {
    QuernMathChild *before = quern_math_nth_child (box, i - 1);
    if (!quern_math_may_begin (box, i, &good))
      continue;
    if (before->x + before->box->width - left > width && best < n)
      break;
    best = i; /* the first possible one is taken, even if its line is too wide */
    if (good && before->x + before->box->width - left > 0.4 * width)
      best_good = i;
  }
  return best_good < n ? best_good : best;
}

/**
 * quern_math_layout_break:
 * @width: what there is, in em
 *
 * Returns: (transfer none): the formula on as many lines as it needs; a line that cannot be broken may be wider. It
 *   belongs to the layout, and is there until this is called again
 */
QuernMathBox *
quern_math_layout_break (QuernMathLayout *self, double width)
{
  QuernMathBox *box = self->box, *lines, *last = NULL;
  double indent = INDENT, y = 0;
  guint n = box->kind == QUERN_MATH_BOX_GROUP ? box->children->len : 0;

  g_ptr_array_set_size (self->boxes, (int) self->n_kept);
  if (box->width <= width || n < 2)
    return box;
  for (guint i = 1; i < n; i++) {
    if (quern_math_nth_child (box, i)->class == QUERN_MATH_REL) {
      if (quern_math_nth_child (box, i)->x
          < 0.35 * width) /* lines that begin with a relation are below the first one */
        indent = quern_math_nth_child (box, i)->x;
      break;
    }
  }
  indent = MIN (indent, 0.35 * width);
  lines = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, (QuernMathStyle) { .color = G_MAXUINT32 });
  for (guint first = 0; first < n;) {
    guint end = quern_math_find_break (box, first, first == 0 ? width : width - indent);
    QuernMathBox *line = quern_math_part_of_line (self, box, first, end);
    if (last != NULL)
      y += last->depth + LINE_GAP + line->height;
    _quern_math_box_add (lines, line, first == 0 ? 0 : indent, y);
    last = line;
    first = end;
  }
  return lines;
}

/**
 * quern_math_layout_pieces:
 * @source: what the formula was parsed from
 *
 * Cuts a formula in a paragraph where a line may end: behind a relation or an operator, if a space follows there in the
 * source.
 *
 * Returns: (transfer full) (element-type QuernMathChild): its pieces with their offsets in @source; the last one's x and
 *   width end where the formula does, the others' where the next one begins
 */
GArray *
quern_math_layout_pieces (QuernMathLayout *self, const char *source)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (QuernMathChild));
  QuernMathBox *box = self->box;
  guint n = box->kind == QUERN_MATH_BOX_GROUP ? box->children->len : 0, first = 0;

  for (guint i = 1; i < n; i++) {
    QuernMathClass before = quern_math_nth_child (box, i - 1)->class;
    QuernMathChild *child = quern_math_nth_child (box, i);
    if ((before != QUERN_MATH_REL && before != QUERN_MATH_BIN) || child->class == QUERN_MATH_REL || child->offset == 0
        || source[child->offset - 1] != ' ')
      continue;
    QuernMathChild piece = *quern_math_nth_child (box, first);
    piece.box = quern_math_part_of_line (self, box, first, i);
    piece.box->width = child->x - piece.x;
    g_array_append_val (pieces, piece);
    first = i;
  }
  QuernMathChild rest = { .box = box };
  if (first > 0) {
    rest = *quern_math_nth_child (box, first);
    rest.box = quern_math_part_of_line (self, box, first, n);
  }
  g_array_append_val (pieces, rest);
  g_array_index (pieces, QuernMathChild, 0).offset = 0;
  self->n_kept = self->boxes->len;
  return pieces;
}
