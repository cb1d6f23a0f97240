/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <setjmp.h>

#include "format/template/qe-arena.h"
#include "format/template/qe-jinja.h"

/* The parts of the interpreter. Inside it names begin with Qj and qj_:
 *
 *   qe-jinja-lex.c    text → tokens         qe-jinja-value.c    lists, dicts, truth, order, iteration
 *   qe-jinja-parse*.c tokens → tree         qe-jinja-string.c   strings that know where they come from
 *   qe-jinja-eval.c   expressions           qe-jinja-print.c    values as Python and JSON write them
 *   qe-jinja-exec.c   statements, loops     qe-jinja-filters.c, -tests.c (and functions), -methods.c
 *
 * Memory comes from an arena; a failure is qj_fail(), which jumps back to qe_jinja_compile() or qe_jinja_render(). Both
 * give the arena back, so that nothing in between has to clean up. */

#define QJ_MAX_TEMPLATE ((size_t) 256 << 10) /* bytes of a template; published ones have 2 to 30 KiB */
#define QJ_MAX_NESTING 100                   /* of brackets in a template; of blocks and operators twice as many */
#define QJ_MAX_DEPTH 1000                    /* of expressions and statements while they run */
#define QJ_MAX_STRING ((size_t) 16 << 20)    /* bytes of one string, and of all that is rendered */
#define QJ_MAX_RANGE 100000                  /* items of range(): as jinja2's sandbox has it */
#define QJ_TREE_MEMORY ((size_t) 12 << 20)   /* bytes of a compiled template */
#define QJ_MEMORY ((size_t) 36 << 20)        /* bytes of a run, without what it renders */
#define QJ_STEPS 500000                      /* of a run, some 100 ms; more for long conversations */

/* ---- failure and memory ---------------------------------------------------------------------------------------- */

typedef struct {
  QeArena arena;
  QeError *err;
  QeStatus status;
  uint64_t steps; /* left; memory costs some, too */
  uint32_t line;  /* of the template, where it is at */
  jmp_buf failed;
} QjBase;

/* Ends compiling or rendering with a sentence that names the line. */
_Noreturn void qj_fail (QjBase *base, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
_Noreturn void qj_fail_status (QjBase *base, QeStatus status, const char *sentence);
void *qj_alloc (QjBase *base, size_t size);                                              /* never NULL */
void *qj_grow (QjBase *base, void *items, size_t n, size_t *capacity, size_t item_size); /* room for one more than n */

/* ---- values ---------------------------------------------------------------------------------------------------- */

typedef enum {
  QJ_MISSING, /* no value at all: an argument that was not given */
  QJ_UNDEFINED,
  QJ_NONE,
  QJ_BOOL,
  QJ_INT,
  QJ_FLOAT,
  QJ_BIG, /* a whole number outside of int64, as text: it can be shown and compared, not computed with */
  QJ_STRING,
  QJ_LIST,
  QJ_TUPLE,
  QJ_ITEMS,
  QJ_KEYS,
  QJ_VALUES,
  QJ_GENERATOR, /* QjList */
  QJ_RANGE,
  QJ_DICT,
  QJ_NAMESPACE, /* QjDict */
  QJ_LOOP,
  QJ_MACRO,
  QJ_FUNCTION,
  QJ_METHOD,
} QjKind;

typedef enum { QJ_LITERAL, QJ_PLAIN, QJ_MIXED } QjOrigin;

typedef struct QjString {
  const char *data;       /* valid UTF-8 without a NUL at its end */
  uint32_t size, n_chars; /* n_chars: UINT32_MAX until counted */
  QjOrigin origin;
  bool markup; /* from |escape or |safe: what is added to it is escaped */
  uint32_t n_spans;
  const QeSpan *spans; /* QJ_MIXED: what is plain */
} QjString;

typedef struct QjList {
  QjValue *items;
  uint32_t n;
  uint32_t at; /* QJ_GENERATOR: what was taken already */
} QjList;

typedef struct QjRange {
  int64_t start, stop, step, n;
} QjRange;

typedef struct {
  QjValue key, value;
} QjEntry;
typedef struct QjDict { /* in the order of insertion */
  QjEntry *entries;
  size_t n, capacity;
  uint32_t *index;  /* hashed places, entry number + 1; NULL while the dict is small */
  uint32_t n_index; /* a power of two */
} QjDict;

#define qj_undefined(of) ((QjValue) { .kind = QJ_UNDEFINED, .name = (of) })
#define qj_none() ((QjValue) { .kind = QJ_NONE })
#define qj_bool(b) ((QjValue) { .kind = QJ_BOOL, .boolean = (b) })
#define qj_int(i) ((QjValue) { .kind = QJ_INT, .integer = (i) })
#define qj_float(d) ((QjValue) { .kind = QJ_FLOAT, .number = (d) })
#define qj_string(s) ((QjValue) { .kind = QJ_STRING, .string = (s) })

static inline bool
qj_is_list (QjValue v)
{
  return v.kind >= QJ_LIST && v.kind <= QJ_GENERATOR;
}
static inline bool
qj_is_number (QjValue v)
{
  return v.kind >= QJ_BOOL && v.kind <= QJ_FLOAT;
}
static inline int64_t
qj_integer_of (QjValue v)
{
  return v.kind == QJ_BOOL ? v.boolean : v.integer;
} /* bool or int */
static inline double
qj_double_of (QjValue v)
{
  return v.kind == QJ_FLOAT ? v.number : (double) qj_integer_of (v);
}

typedef struct {
  const QjString *name;
  QjValue value;
} QjKeyword;
typedef struct { /* of a call, a filter or a test, without what it is applied to */
  QjValue *items;
  uint32_t n, n_keywords;
  QjKeyword *keywords;
} QjArgs;

#define QJ_MAX_PARAMS 8
/* p: what the function is applied to (filters, tests, methods), then its parameters; args: the same as they were given. */
typedef QjValue (*QjFunc) (QjRun *r, const QjValue *p, const QjArgs *args);
typedef struct QjFunction {
  const char *name;
  QjFunc func;
  const char *params; /* their names, with spaces between; "*": any number, to be read from args */
  uint8_t n_required; /* of the parameters */
  bool positional;    /* parameters have no names for callers */
} QjFunction;

typedef struct QjMethod {
  const QjFunction *function;
  QjValue self;
} QjMethod;

/* ---- tree ------------------------------------------------------------------------------------------------------ */

typedef enum {
  /* expressions */
  QJ_NODE_CONST,
  QJ_NODE_NAME,
  QJ_NODE_ATTRIBUTE,
  QJ_NODE_ITEM,
  QJ_NODE_SLICE,
  QJ_NODE_CALL,
  QJ_NODE_FILTER,
  QJ_NODE_TEST,
  QJ_NODE_LIST,
  QJ_NODE_TUPLE,
  QJ_NODE_DICT,
  QJ_NODE_NEGATIVE,
  QJ_NODE_POSITIVE,
  QJ_NODE_NOT,
  QJ_NODE_AND,
  QJ_NODE_OR,
  QJ_NODE_ARITHMETIC,
  QJ_NODE_CONCAT,
  QJ_NODE_COMPARE,
  QJ_NODE_CONDITION,
  /* statements */
  QJ_NODE_TEXT,
  QJ_NODE_PRINT,
  QJ_NODE_IF,
  QJ_NODE_FOR,
  QJ_NODE_SET,
  QJ_NODE_SET_BLOCK,
  QJ_NODE_MACRO,
  QJ_NODE_CALL_BLOCK,
  QJ_NODE_FILTER_BLOCK,
  QJ_NODE_WITH,
  QJ_NODE_SCOPE,
  QJ_NODE_BREAK,
  QJ_NODE_CONTINUE,
  QJ_NODE_NAMESPACE_ITEM, /* the target of {% set ns.x = … %} */
} QjNodeKind;

typedef enum {
  QJ_ADD,
  QJ_SUBTRACT,
  QJ_MULTIPLY,
  QJ_DIVIDE,
  QJ_FLOOR_DIVIDE,
  QJ_MODULO,
  QJ_POWER,
  QJ_EQUAL,
  QJ_UNEQUAL,
  QJ_LESS,
  QJ_LESS_EQUAL,
  QJ_GREATER,
  QJ_GREATER_EQUAL,
  QJ_IN,
  QJ_NOT_IN,
} QjOperator;

typedef struct QjNode QjNode;
typedef struct {
  QjNode **items;
  size_t n, capacity;
} QjNodes;

typedef struct {
  QjNodes positional, keywords; /* a keyword is a constant (its name) with its value in `a` */
  QjNode *more, *more_keywords; /* *more, **more_keywords */
} QjArguments;

typedef struct QjSignature { /* of a macro, or of the body of a {% call %} */
  const QjString *name;
  const QjNode **params;   /* names */
  const QjNode **defaults; /* of the last n_defaults parameters */
  size_t n_params, n_defaults;
  bool wants_varargs, wants_kwargs, wants_caller, has_caller_param;
  QjNodes body;
} QjSignature;

/* What the members mean depends on the kind:
 *   CONST, TEXT value · NAME symbol · ATTRIBUTE a.value · ITEM a[b] · SLICE a[nodes: start, stop, step or NULL]
 *   CALL a(arguments) · FILTER, TEST a|function(arguments); a is NULL at the head of a filter block
 *   LIST, TUPLE, CONCAT nodes · DICT nodes: key, value, key … · NEGATIVE, POSITIVE, NOT a · AND, OR, ARITHMETIC a op b
 *   COMPARE a, nodes with their op · CONDITION: a if b else c (or NULL)
 *   PRINT a · IF nodes: test, body, test, body … with c for else · FOR a in b if c: nodes, else_nodes, flag: recursive
 *   SET a = b · SET_BLOCK a, filter b or NULL, nodes · MACRO signature, symbol · CALL_BLOCK signature, a
 *   FILTER_BLOCK a, nodes · WITH nodes: target, value …; else_nodes: body · SCOPE nodes · NAMESPACE_ITEM symbol.value */
struct QjNode {
  uint8_t kind, op;
  bool flag;
  uint32_t line, symbol;
  QjNode *a, *b, *c;
  QjNodes nodes;
  union {
    QjValue value;
    QjNodes else_nodes;
    struct {
      const QjFunction *function;
      QjArguments *arguments;
    };
    QjSignature *signature;
  };
};

struct QeJinja {
  QjBase base;               /* its arena keeps the tree */
  const QjString **symbols;  /* the names of variables */
  const char **symbol_names; /* the same, with a NUL at their ends */
  size_t n_symbols, symbols_capacity, names_capacity;
  uint32_t *symbol_index; /* hashed places, symbol + 1 */
  size_t n_symbol_index;
  QjNodes body;
};

typedef enum {
  QJ_TOKEN_END,
  QJ_TOKEN_DATA,
  QJ_TOKEN_VARIABLE_BEGIN,
  QJ_TOKEN_VARIABLE_END,
  QJ_TOKEN_BLOCK_BEGIN,
  QJ_TOKEN_BLOCK_END,
  QJ_TOKEN_NAME,
  QJ_TOKEN_STRING,
  QJ_TOKEN_INTEGER,
  QJ_TOKEN_FLOAT,
  QJ_TOKEN_ADD,
  QJ_TOKEN_SUBTRACT,
  QJ_TOKEN_DIVIDE,
  QJ_TOKEN_FLOOR_DIVIDE,
  QJ_TOKEN_MULTIPLY,
  QJ_TOKEN_MODULO,
  QJ_TOKEN_POWER,
  QJ_TOKEN_TILDE,
  QJ_TOKEN_LEFT_BRACKET,
  QJ_TOKEN_RIGHT_BRACKET,
  QJ_TOKEN_LEFT_PAREN,
  QJ_TOKEN_RIGHT_PAREN,
  QJ_TOKEN_LEFT_BRACE,
  QJ_TOKEN_RIGHT_BRACE,
  QJ_TOKEN_EQUAL,
  QJ_TOKEN_UNEQUAL,
  QJ_TOKEN_GREATER,
  QJ_TOKEN_GREATER_EQUAL,
  QJ_TOKEN_LESS,
  QJ_TOKEN_LESS_EQUAL,
  QJ_TOKEN_ASSIGN,
  QJ_TOKEN_DOT,
  QJ_TOKEN_COLON,
  QJ_TOKEN_PIPE,
  QJ_TOKEN_COMMA,
  QJ_TOKEN_SEMICOLON,
} QjTokenKind;

typedef struct {
  QjTokenKind kind;
  uint32_t line, size;
  const char *text; /* a string's without its quotes */
} QjToken;

typedef struct {  /* malloc'd, so that the caller can give it back after a failure, too */
  QjToken *items; /* a QJ_TOKEN_END is the last */
  size_t n, capacity;
} QjTokens;

/* text: valid UTF-8, line ends are "\n" */
void qj_lex (QjBase *base, const char *text, size_t length, QjTokens *out);
void qj_parse (QeJinja *jinja, const QjToken *tokens);
/* UINT32_MAX when the template has no such name. */
uint32_t qj_find_symbol (const QeJinja *jinja, const char *name, size_t size);

/* ---- run ------------------------------------------------------------------------------------------------------- */

typedef struct QjScope QjScope;
struct QjScope {
  QjScope *parent; /* NULL: the template's own, whose variables are in QjRun.globals */
  struct {
    uint32_t symbol;
    QjValue value;
  } *items;
  size_t n, capacity;
  bool captured; /* a macro remembers it */
};

typedef struct { /* a string in the making */
  QjRun *run;
  char *data;
  QeSpan *spans;
  size_t size, capacity, n_spans, spans_capacity;
  bool outlives; /* data is malloc'd, because the text outlives the run */
} QjBuilder;

typedef struct QjParsed { /* JSON that values point into */
  struct QjParsed *next;
  QeJson json;
} QjParsed;

struct QjRun {
  QjBase base;
  const QeJinja *jinja;
  QjValue *globals; /* by symbol; QJ_MISSING where unset */
  const char *const *symbol_names;
  uint32_t loop_symbol; /* of “loop”; UINT32_MAX where the template does not use it */
  QjScope *scope;
  QjBuilder *out;
  unsigned depth;
  QjValue filtered; /* what a {% filter %} block was filled with */
  int64_t now;
  QjParsed *parsed;           /* to be cleared at the end */
  const QjString *chars[128]; /* literal strings of one ASCII character, once they were wanted */
};

typedef struct QjMacro {
  const QjSignature *signature;
  QjScope *scope; /* where it was defined */
} QjMacro;

typedef struct { /* goes over whatever can be gone over */
  QjValue value;
  int64_t at;
} QjIterator;

typedef struct QjLoop {
  const QjNode *node;
  QjScope *scope; /* around the loop */
  QjIterator source;
  QjValue *ahead; /* items fetched but not yet gone through */
  size_t n_ahead, at_ahead;
  QjValue iterable, current, before, changed;
  int64_t index0, length; /* length: -1 until asked for */
  int64_t depth0;
} QjLoop;

void qj_steps (QjRun *r, size_t n); /* fails when the budget is used up */
void qj_enter (QjRun *r);           /* one level deeper; fails when that is too deep */
static inline void
qj_leave (QjRun *r)
{
  r->depth--;
}

/* ---- strings --------------------------------------------------------------------------------------------------- */

QjString *qj_string_new (QjBase *base, const char *data, size_t size, QjOrigin origin);
QjValue qj_literal (QjRun *r, const char *text); /* text: static */
size_t qj_n_chars (const QjString *s);
size_t qj_byte_offset (const QjString *s, size_t n_chars); /* of a character, counted from 0 */
const QjString *qj_substring (QjRun *r, const QjString *s, size_t start, size_t end); /* bytes */
const QjString *qj_concat (QjRun *r, const QjString *a, const QjString *b);
bool qj_string_is (const QjString *s, const char *text);
bool qj_strings_equal (const QjString *a, const QjString *b);
const char *qj_find (const QjString *s, const QjString *part, size_t from); /* NULL: not there */
bool qj_is_space (uint32_t c);
const QjString *qj_strip (QjRun *r, const QjString *s, const QjString *chars, bool left,
                          bool right); /* chars: NULL, or a set */
const QjString *qj_replace (QjRun *r, const QjString *s, const QjString *old, const QjString *new, int64_t count);
typedef enum { QJ_UPPER, QJ_LOWER, QJ_CAPITALIZE, QJ_TITLE, QJ_SWAPCASE, QJ_CASEFOLD, QJ_TITLE_FILTER } QjCase;
const QjString *qj_change_case (QjRun *r, const QjString *s, QjCase how);
const QjString *qj_escape (QjRun *r, const QjString *s); /* &, <, >, ", ' for HTML; marked */
QjValue qj_split_lines (QjRun *r, const QjString *s, bool keep_ends);
const QjString *qj_format (QjRun *r, const QjString *format, QjValue values); /* Python's % */

QjBuilder qj_builder (QjRun *r);
void qj_add (QjBuilder *b, const char *data, size_t size, bool plain);
void qj_add_text (QjBuilder *b, const char *literal);
void qj_add_part (QjBuilder *b, const QjString *s, size_t start, size_t end);
void qj_add_string (QjBuilder *b, const QjString *s);
void qj_add_fill (QjBuilder *b, const QjString *fill, int64_t times);
const QjString *qj_finish (QjBuilder *b);

/* ---- values: qe-jinja-value.c, qe-jinja-print.c ------------------------------------------------------------------ */

const char *qj_type_name (QjValue v);
QjValue qj_list_new (QjRun *r, QjKind kind, size_t n);
QjValue qj_pair (QjRun *r, QjValue a, QjValue b); /* a tuple */
QjDict *qj_dict_new (QjRun *r, size_t n);
void qj_dict_put (QjRun *r, QjDict *dict, QjValue key, QjValue value);
QjEntry *qj_dict_find (QjRun *r, const QjDict *dict, QjValue key); /* NULL: not there. Fails for keys that cannot be */
QjEntry *qj_dict_find_text (const QjDict *dict, const char *text, size_t size);
bool qj_truth (QjRun *r, QjValue v);
bool qj_equal (QjRun *r, QjValue a, QjValue b);
int qj_order (QjRun *r, QjValue a, QjValue b); /* < 0, 0, > 0; fails where Python knows no order. 2: not a number */
bool qj_contains (QjRun *r, QjValue container, QjValue v);
int64_t qj_count (QjRun *r, QjValue v);                /* len(); -1: it has none */
void qj_iterate (QjRun *r, QjIterator *it, QjValue v); /* fails when v cannot be gone over */
bool qj_is_iterable (QjValue v);
bool qj_next (QjRun *r, QjIterator *it, QjValue *out);
QjValue qj_to_list (QjRun *r, QjValue v, QjKind kind);                                /* of its items; a new one */
void qj_sort (QjRun *r, QjValue *items, const QjValue *keys, size_t n, bool reverse); /* stable, by keys */

void qj_add_value (QjBuilder *b, QjValue v); /* str() */
void qj_add_repr (QjBuilder *b, QjValue v);
const QjString *qj_str (QjRun *r, QjValue v);
size_t qj_print_float (char out[40], double d);
typedef struct {
  const QjString *indent, *item_separator, *key_separator;
  bool ascii, sort_keys;
} QjJsonStyle;
void qj_add_json (QjBuilder *b, QjValue v, const QjJsonStyle *style);

/* ---- evaluation ------------------------------------------------------------------------------------------------ */

QjValue qj_eval (QjRun *r, const QjNode *node);
QjValue qj_eval_call (QjRun *r, const QjNode *node, const QjKeyword *caller); /* caller: NULL, or one argument more */
QjValue qj_attribute (QjRun *r, QjValue v, const QjString *name);
QjValue qj_item (QjRun *r, QjValue v, QjValue key);
QjValue qj_slice (QjRun *r, QjValue v, QjValue start, QjValue stop, QjValue step);
QjValue qj_add_values (QjRun *r, QjValue a, QjValue b);
bool qj_compare (QjRun *r, QjOperator op, QjValue a, QjValue b);
QjValue qj_call (QjRun *r, QjValue callee, const QjArgs *args);
/* Matches arguments with the parameters of a function and calls it; self: NULL, or what it is applied to. */
QjValue qj_apply (QjRun *r, const QjFunction *f, const QjValue *self, const QjArgs *args);
void qj_exec (QjRun *r, const QjNodes *body);
QjValue qj_call_macro (QjRun *r, QjMacro *macro, const QjArgs *args);
QjValue qj_call_loop (QjRun *r, QjLoop *loop, const QjArgs *args);
QjValue qj_loop_attribute (QjRun *r, QjLoop *loop, const QjString *name);
QjValue qj_lookup (QjRun *r, uint32_t symbol);
void qj_assign (QjRun *r, uint32_t symbol, QjValue value);

const QjFunction *qj_find_filter (const char *name, size_t size);
const QjFunction *qj_find_test (const char *name, size_t size);
const QjFunction *qj_find_method (QjKind kind, const QjString *name); /* of strings, dicts, lists, tuples */
extern const QjFunction qj_loop_methods[];                            /* cycle, changed */
extern const QjFunction qj_functions[];                               /* the global ones; a NULL name is the last */
