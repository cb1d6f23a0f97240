/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Sets matrices, cases, aligned lines and other things with rows and columns. */

#include "quern-math-layout-private.h"

#include <string.h>

#define MAX_COLUMNS 64
#define LEAST_HEIGHT 0.75 /* em: of a row, however little it has; its depth is a third of it */
#define SMALL_HEIGHT 0.55 /* the same in scripts */
#define RULE 0.04
#define EDGE 0.5 /* em: what an array with upright rules has on its sides */

typedef struct {
  char alignment[MAX_COLUMNS];
  double gap[MAX_COLUMNS]; /* in front of each column */
  double width[MAX_COLUMNS];
  int rules[MAX_COLUMNS + 1]; /* in front of each column, and after the last one */
  int n;
} Columns;

/* Reads "l|cr". What people write about gaps and widths is left out. */
static void
quern_math_read_columns (Columns *columns, const char *text)
{
  int n = 0;

  for (const char *p = text; p != NULL && *p != '\0' && n < MAX_COLUMNS; p++) {
    if (strchr ("lcr", *p) != NULL)
      columns->alignment[n++] = *p;
    else if (*p == '|')
      columns->rules[n]++;
    else if (*p == 'p' || *p == 'm' || *p == 'X')
      columns->alignment[n++] = 'l';
    if (p[1] == '{') { /* @{…}, p{…}, *{n}{…} */
      int depth = 0;
      for (p++; *p != '\0'; p++) {
        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        if (depth == 0)
          break;
      }
      if (*p == '\0')
        break;
    }
  }
}

static int
quern_math_count_columns (const QuernMathNode *array)
{
  int most = 1;

  for (const QuernMathNode *row = array->body; row != NULL; row = row->next) {
    int n = 0;
    for (const QuernMathNode *cell = row->body; cell != NULL && n < MAX_COLUMNS; cell = cell->next)
      n++;
    most = MAX (most, n);
  }
  return most;
}

/**
 * _quern_math_set_array:
 * @node: an array
 *
 * Returns: (transfer none): its cells and delimiters, centred on the axis
 */
QuernMathBox *
_quern_math_set_array (QuernMathLayout *self, const QuernMathNode *node, QuernMathStyle style)
{
  const QuernMathEnvironment *environment = node->environment;
  QuernMathBox *group = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style), *shifted;
  Columns columns = { .n = quern_math_count_columns (node) };
  gsize n_kinds = strlen (environment->columns);
  g_autoptr (GPtrArray) cells = g_ptr_array_new (); /* columns.n of each row */
  double size, y = 0, x, middle, axis;
  int n_rows = 0, i;

  style.level = style.level >= 2 ? style.level : environment->style;
  style.cramped = FALSE;
  size = _quern_math_size (self, style);
  for (i = 0; i < columns.n; i++) {
    columns.alignment[i] = environment->columns[i % n_kinds];
    columns.gap[i] = i == 0 ? 0 : (n_kinds == 2 && i % 2 == 0 ? environment->pair_gap : environment->gap) * size;
  }
  if (environment->has_argument && n_kinds == 1)
    quern_math_read_columns (&columns, node->text);
  for (const QuernMathNode *row = node->body; row != NULL; row = row->next, n_rows++) {
    const QuernMathNode *cell = row->body;
    for (i = 0; i < columns.n; i++) {
      gboolean behind = columns.alignment[i] == 'l' && i > 0 && n_kinds == 2;
      QuernMathBox *box = _quern_math_set_line (self, cell != NULL ? cell->body : NULL, style, behind);
      columns.width[i] = MAX (columns.width[i], box->width);
      g_ptr_array_add (cells, box);
      cell = cell != NULL ? cell->next : NULL;
    }
  }

  double gap = environment->row_gap * size, whole = 0, left = 0, right;
  for (i = 0; i < columns.n; i++)
    whole += columns.gap[i] + columns.width[i];
  for (i = 0; i <= columns.n; i++)
    left = columns.rules[i] > 0 ? -EDGE * size : left;
  right = whole - left;
  i = 0;
  for (const QuernMathNode *row = node->body; row != NULL; row = row->next, i++) {
    gboolean empty = row->body->body == NULL && row->body->next == NULL; /* only rules */
    double height = empty && row->next == NULL ? 0 : (style.level < 2 ? LEAST_HEIGHT : SMALL_HEIGHT) * size;
    double depth = height / 3;
    QuernMathBox **line = (QuernMathBox **) cells->pdata + i * columns.n;
    for (int k = 0; k < columns.n; k++) {
      height = MAX (height, line[k]->height);
      depth = MAX (depth, line[k]->depth);
    }
    if (empty && row->next == NULL && i > 0)
      y -= gap / 2;
    for (int k = 0; k < row->value; k++)
      _quern_math_box_add (group, _quern_math_rule_new (self, right - left, RULE, style), left,
                           y - (i > 0 && !(empty && row->next == NULL) ? gap / 2 : 0) + k * 2 * RULE);
    if (i == 0 && row->value > 0)
      y += gap / 2;
    y += height;
    x = 0;
    for (int k = 0; k < columns.n; k++) {
      double space = columns.width[k] - line[k]->width;
      x += columns.gap[k];
      _quern_math_box_add (group, line[k],
                           x
                               + (columns.alignment[k] == 'l'   ? 0
                                  : columns.alignment[k] == 'r' ? space
                                                                : space / 2),
                           y);
      x += columns.width[k];
    }
    y += depth;
    if (row->next != NULL)
      y += gap + row->width;
  }
  x = 0;
  for (i = 0; i <= columns.n; i++) {
    double before = i < columns.n ? columns.gap[i] : 0;
    for (int k = 0; k < columns.rules[i]; k++)
      _quern_math_box_add (group, _quern_math_rule_new (self, RULE, y, style),
                           (i == 0           ? left
                            : i == columns.n ? right - RULE
                                             : x + before / 2)
                               + k * 2 * RULE,
                           y);
    x += before + (i < columns.n ? columns.width[i] : 0);
  }
  group->height = 0;
  group->depth = y;
  group->width = MAX (group->width, right);

  axis = _quern_math_constant (self, HB_OT_MATH_CONSTANT_AXIS_HEIGHT, style);
  middle = -y / 2 - axis;
  shifted = _quern_math_box_new (self, QUERN_MATH_BOX_GROUP, style);
  _quern_math_box_add (shifted, group, -left, middle);
  if (environment->left[0] == '\0' && environment->right[0] == '\0')
    return shifted;
  return _quern_math_fence (self, environment->left[0] != '\0' ? g_utf8_get_char (environment->left) : 0, shifted,
                            environment->right[0] != '\0' ? g_utf8_get_char (environment->right) : 0, style);
}
