/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-jinja-private.h"

/* What the two halves of the parser share. */
typedef struct {
  QeJinja *jinja;
  QjBase *base;
  const QjToken *token; /* the next one */
  unsigned depth;
  size_t n_loops; /* around here, in the same macro */
  bool soft;      /* in a branch: an unknown filter fails only when it is reached */
  QjToken
      unknown; /* the first filter or test outside of branches that is not known; its size is 0 when there is none */
  QjSignature *macro; /* around here; NULL outside */
} QjParser;

uint32_t qj_symbol (QjParser *p, const char *name, size_t size); /* adds it where it is new */
bool qj_is_word (const QjToken *token, const char *word);
_Noreturn void qj_unexpected (QjParser *p);
bool qj_accept (QjParser *p, QjTokenKind kind);
bool qj_accept_word (QjParser *p, const char *word);
const QjToken *qj_expect (QjParser *p, QjTokenKind kind);
QjNode *qj_node (QjParser *p, QjNodeKind kind);
void qj_append (QjParser *p, QjNodes *nodes, QjNode *node);
void qj_descend (QjParser *p); /* one level deeper; p->depth-- at its end */

QjNode *qj_parse_expression (QjParser *p, bool with_condition);
/* An expression, or a tuple of several; `end` is a word that may follow the last comma. */
QjNode *qj_parse_tuple (QjParser *p, bool with_condition, const char *end);
/* "name(…)|name…" after a "|" when node is given, or at the head of a block. */
QjNode *qj_parse_filters (QjParser *p, QjNode *node);
