/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A formula as a tree. One line of it is a list of nodes, linked by `next`; every node belongs to the tree. */

/* TeX's classes, which decide about the space between neighbours. */
typedef enum {
  QUERN_MATH_ORD,
  QUERN_MATH_OP,
  QUERN_MATH_BIN,
  QUERN_MATH_REL,
  QUERN_MATH_OPEN,
  QUERN_MATH_CLOSE,
  QUERN_MATH_PUNCT,
  QUERN_MATH_INNER,
} QuernMathClass;

typedef enum {
  QUERN_MATH_LETTERS, /* the usual: Latin and small Greek letters are italic */
  QUERN_MATH_ROMAN,
  QUERN_MATH_BOLD,
  QUERN_MATH_ITALIC,
  QUERN_MATH_BOLD_ITALIC,
  QUERN_MATH_SCRIPT,
  QUERN_MATH_FRAKTUR,
  QUERN_MATH_BLACKBOARD,
  QUERN_MATH_SANS,
  QUERN_MATH_MONO,
} QuernMathVariant;

typedef enum {
  QUERN_MATH_LIST,     /* body: a line of nodes */
  QUERN_MATH_SYMBOL,   /* ch, variant */
  QUERN_MATH_BIG,      /* ch: a big operator */
  QUERN_MATH_NAME,     /* text: a function, set upright */
  QUERN_MATH_TEXT,     /* text, variant: words */
  QUERN_MATH_UNKNOWN,  /* text: source that means nothing here */
  QUERN_MATH_SPACE,    /* width */
  QUERN_MATH_SCRIPTS,  /* body, above, below; limits */
  QUERN_MATH_FRACTION, /* above, below; ch, ch2: delimiters or 0; value: style plus one, or 0; width: 0 without a rule */
  QUERN_MATH_ROOT,     /* body; above: its degree or NULL */
  QUERN_MATH_ACCENT,   /* body, ch; value: it grows */
  QUERN_MATH_OVER,     /* body, ch: a brace or an arrow that grows, or 0 for a rule */
  QUERN_MATH_UNDER,    /* the same below */
  QUERN_MATH_ARROW,    /* ch grows with its labels: above, below */
  QUERN_MATH_FENCED,   /* body between ch and ch2, each may be 0 */
  QUERN_MATH_DELIMITER, /* ch; value: 1 to 4 for \big to \Bigg, 0 for \middle */
  QUERN_MATH_ARRAY,     /* body: rows, array */
  QUERN_MATH_ROW,       /* body: cells, each a list; width: space below; value: rules above */
  QUERN_MATH_STYLE,     /* value: 0 to 3, from here on */
  QUERN_MATH_COLOR,     /* body, color */
  QUERN_MATH_BOXED,     /* body in a frame */
  QUERN_MATH_CANCEL,    /* body; value: 1 rising, 2 falling, 3 both */
  QUERN_MATH_PHANTOM,   /* body; value: 1 width, 2 height are kept; 4: it is visible */
} QuernMathKind;

typedef enum {
  QUERN_MATH_LIMITS_DEFAULT, /* as the operator and the style have it */
  QUERN_MATH_LIMITS_ALWAYS,
  QUERN_MATH_LIMITS_NEVER,
} QuernMathLimits;

/* How the columns of an environment stand. */
typedef struct {
  const char *name;
  const char *left, *right; /* delimiters, or "" */
  const char *columns;      /* of "lcr"; the last one repeats, or all of them where there are two */
  double gap, pair_gap;     /* em between columns; before every third column of aligned ones */
  double row_gap;           /* em between rows */
  guint8 style;             /* of the cells */
  gboolean has_argument;    /* columns, or their number, follow in braces */
} QuernMathEnvironment;

typedef struct _QuernMathNode QuernMathNode;

struct _QuernMathNode {
  QuernMathKind kind;
  QuernMathClass class;
  QuernMathVariant variant;
  QuernMathLimits limits;
  int value;
  gunichar ch, ch2;
  guint32 color; /* 0xrrggbb */
  double width;  /* em */
  gsize offset;  /* bytes into the source */
  char *text;
  const QuernMathEnvironment *environment;
  QuernMathNode *body, *above, *below, *next;
};

typedef struct {
  GPtrArray *owned; /* the nodes and their texts */
  guint n_nodes;
  QuernMathNode *root; /* a list */
  QuernMathNode *tag;  /* a list, or NULL */
} QuernMathTree;

QuernMathTree *quern_math_parse (const char *source, gsize length);
void quern_math_tree_free (QuernMathTree *tree);
char *quern_math_chemistry (const char *source, gsize length);
char *quern_math_speak (const QuernMathTree *tree);
char *quern_math_to_mathml (const QuernMathTree *tree, gboolean display);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernMathTree, quern_math_tree_free)

G_END_DECLS
