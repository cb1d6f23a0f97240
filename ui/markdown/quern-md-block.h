/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "math/quern-math-span.h"

G_BEGIN_DECLS

/* One block of Markdown, ready to be shown: its inline formatting is Pango markup. It is plain data without widgets. */
typedef enum {
  QUERN_MD_PARAGRAPH, /* markup, text */
  QUERN_MD_HEADING,   /* markup, text; number: level 1 to 6 */
  QUERN_MD_CODE,      /* text; info: language, "" when not given */
  QUERN_MD_QUOTE,     /* children */
  QUERN_MD_LIST,      /* children: items; number: first number, -1 for bullets */
  QUERN_MD_ITEM,      /* children; number: -1 plain, 0 open task, 1 done task */
  QUERN_MD_TABLE,     /* children: rows, the first is the header */
  QUERN_MD_ROW,       /* children: cells */
  QUERN_MD_CELL,      /* markup, text; number: 'l', 'c', 'r' or 0 */
  QUERN_MD_RULE,
  QUERN_MD_FORMULA, /* text: LaTeX of a formula on display */
  QUERN_MD_PARTS,   /* children: a paragraph with formulas on display in it */
} QuernMdKind;

typedef struct _QuernMdBlock QuernMdBlock;

struct _QuernMdBlock {
  QuernMdKind kind;
  int number;
  guint line;          /* first line in the text that was parsed, from 1 */
  gsize offset;        /* of that line, in all of a text that grew: top-level blocks of a QuernMdStream */
  char *markup;        /* Pango markup, or NULL */
  char *text;          /* the same without markup, or NULL */
  GArray *formulas;    /* of QuernMathSpan: those in text that can be set, or NULL */
  char *info;          /* or NULL */
  GPtrArray *children; /* of QuernMdBlock, or NULL */
};

QuernMdBlock *quern_md_block_new (QuernMdKind kind, int number, guint line);
void quern_md_block_free (QuernMdBlock *block);
GPtrArray *quern_md_blocks_new (void);
GPtrArray *quern_md_parse (const char *text, gsize length, gboolean open);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernMdBlock, quern_md_block_free)

G_END_DECLS
