/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* From the text of a grammar to an automaton that reads bytes:
 *
 *   text --qe-grammar-parse.c--> rules of nodes --qe-grammar-compile.c--> program --qe-grammar.c--> states, masks
 */

#include "format/template/qe-buffer.h"
#include "format/tokenizer/qe-token-trie.h"
#include "sampler/qe-grammar.h"

/* ---- rules ----------------------------------------------------------------------------------------------------- */

#define QE_NO_NODE UINT32_MAX
#define QE_UNLIMITED UINT32_MAX

/* A token with a meaning of its own, such as <tool_call>, is to the automaton two bytes: one that is no part of any UTF-8, and
 * its number among those that the grammar names. The tree of ordinary tokens has none with that byte. */
#define QE_TOKEN_MARK QE_TRIE_NO_BYTE
#define QE_MAX_TOKENS 64

typedef enum {
  QE_NODE_TEXT,     /* bytes [at, at + n) of the literals */
  QE_NODE_CLASS,    /* one character of the ranges [at, at + n) */
  QE_NODE_RULE,     /* rule number `at` */
  QE_NODE_SEQUENCE, /* its children, one after the other; without any: nothing */
  QE_NODE_CHOICE,   /* one of its children */
  QE_NODE_REPEAT,   /* its child, min to max times */
  QE_NODE_GUARDED,  /* its child, as far as that does not spell the text that is to be avoided */
} QeNodeKind;

typedef struct {
  QeNodeKind kind;
  uint32_t next;  /* the following child of the same parent, or QE_NO_NODE */
  uint32_t child; /* the first, or QE_NO_NODE */
  uint32_t at, n;
  uint32_t min, max; /* max may be QE_UNLIMITED */
} QeNode;

typedef struct {
  uint32_t low, high; /* code points, both included */
} QeCodeRange;

typedef struct {
  const char *name; /* in the text of the grammar */
  uint32_t length;
  uint32_t node;
} QeRule;

typedef struct {
  QeNode *nodes;
  QeCodeRange *ranges; /* those of a class ascend and do not touch */
  QeRule *rules;
  QeBuffer literals;
  QeBuffer tokens; /* the names of tokens, each NUL-terminated, in the order of their numbers */
  size_t n_nodes, n_ranges, n_rules, node_capacity, range_capacity, rule_capacity;
  uint32_t root;       /* number of the rule of that name */
  const char *avoided; /* what guarded parts do not spell; NULL: there are none */
} QeRules;

/* The text must outlive the rules. On failure *out is clear. avoided: a static string that the parts of the grammar with "!" before
 * them do not spell, whose first byte does not come again in it; NULL: there is no such mark, as in grammars of other programs. Each
 * such part must leave another way wherever it could spell that text, else it may come to where it can neither go on nor end. */
QeStatus qe_rules_parse (QeRules *out, const char *text, size_t length, const char *avoided, QeError *err);
void qe_rules_clear (QeRules *rules);

/* ---- program --------------------------------------------------------------------------------------------------- */

typedef enum {
  QE_STEP_END,   /* returns to the top of the stack; the text may end if that is empty. Number 0 of each program */
  QE_STEP_BYTE,  /* takes a byte of `set`, then goes to next */
  QE_STEP_SPLIT, /* goes to next and to other */
  QE_STEP_CALL,  /* runs `other` up to its end, then goes to next */
  QE_STEP_LOOP,  /* runs `other` min to max times, then goes to next */
  QE_STEP_GUARD, /* begins to watch for the text that is to be avoided, then goes to next; `min` 0: no longer */
} QeStepKind;

typedef struct {
  QeStepKind kind;
  bool plain; /* LOOP: one round takes any one plain character (qe-token-trie.h) */
  uint32_t set;
  uint32_t next, other;
  uint32_t min, max;
} QeStep;

typedef struct {
  uint64_t bits[4];
} QeByteSet;

static inline bool
qe_byte_set_has (const QeByteSet *set, uint8_t byte)
{
  return set->bits[byte / 64] >> (byte % 64) & 1;
}

typedef struct {
  QeStep *steps;
  QeByteSet *sets;
  size_t n_steps, n_sets, step_capacity, set_capacity;
  QeBuffer tokens;     /* as those of QeRules */
  uint32_t start[2];   /* at the beginning; with line ends before it */
  const char *avoided; /* as that of QeRules */
} QeProgram;

/* QE_ERROR_UNSUPPORTED if a rule begins with itself or is too large, QE_ERROR_ARGUMENT if no text follows the rules. On
 * failure *out is clear. *culprit: the rule that begins with itself, or QE_NO_NODE; may be NULL. */
QeStatus qe_program_compile (QeProgram *out, const QeRules *rules, uint32_t *culprit, QeError *err);
void qe_program_clear (QeProgram *program);

/* Makes room for one more item in a growing array; false if memory is short or there are `limit` of them. */
bool qe_grow (void **items, size_t *capacity, size_t n, size_t size, size_t limit);
/* Takes the program over, in any case. QE_ERROR_ARGUMENT if the vocabulary lacks a token that it names. */
QeStatus qe_grammar_new (QeGrammar **out, const QeTokenizer *tokenizer, QeProgram *program, QeError *err);
