/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/tokenizer/qe-tokenizer.h"
#include "qe.h"

/* What a sampler asks of the grammar that it follows. A grammar has one position in the text. Nothing here ends a text
 * that cannot go on: once a call has failed (memory is short, the text has left the grammar, the grammar leaves too many
 * ways open), no token is admitted any more, and qe_grammar_problem() says why. */

/* The tokens that may come next. */
typedef struct {
  const uint64_t *bits; /* one bit for each row of the model's output */
  size_t n_rows;
  const int32_t *few; /* [n_few]: all of them in the order of ids, if there are at most QE_GRAMMAR_FEW; else NULL */
  size_t n_few;
  uint64_t serial; /* equal numbers: the same tokens */
} QeGrammarMask;

#define QE_GRAMMAR_FEW 128

/* As qe_grammar_from_gbnf(), qe_grammar_from_schema() and qe_grammar_from_tools() in qe.h. tokenizer: NULL if the
 * grammar is only to be checked. */
QeStatus qe_grammar_from_gbnf_for (QeGrammar **out, const QeTokenizer *tokenizer, const char *text, size_t length,
                                   QeError *err);
QeStatus qe_grammar_from_schema_for (QeGrammar **out, const QeTokenizer *tokenizer, const char *json, size_t length,
                                     QeError *err);
QeStatus qe_grammar_from_tools_for (QeGrammar **out, const QeTokenizer *tokenizer, const QeToolRules *rules,
                                    QeError *err);

/* Goes to the beginning of a text. line_ends: up to two line ends may come before it, as after a think block. */
void qe_grammar_restart (QeGrammar *grammar, bool line_ends);
/* Returns the tokens that may come next, valid until the next call; NULL if there is a problem. */
const QeGrammarMask *qe_grammar_mask (QeGrammar *grammar);
void qe_grammar_accept (QeGrammar *grammar, int32_t token);
/* Returns how many of these tokens may come next, one after the other. A token that ends generation is the last. */
size_t qe_grammar_admits (QeGrammar *grammar, const int32_t *tokens, size_t n);
/* Returns whether the text may go on with these bytes, and whether it may end behind them. The position stays. */
bool qe_grammar_admits_text (QeGrammar *grammar, const char *text, size_t length, bool *may_end);
QeStatus qe_grammar_problem (const QeGrammar *grammar, QeError *err); /* QE_OK if there is none */
