/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements; expressions are read in qe-jinja-parse-expression.c. */
#include "format/template/qe-jinja-parse.h"

#include <string.h>

/* ---- names ----------------------------------------------------------------------------------------------------- */

/* The place of a name in the index, or the free place where it belongs. */
static uint32_t *
find_place (const QeJinja *j, const char *name, size_t size)
{
  size_t mask = j->n_symbol_index - 1;
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ (uint8_t) name[i]) * 16777619u;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    uint32_t *place = &j->symbol_index[i];
    if (*place == 0)
      return place;
    const QjString *s = j->symbols[*place - 1];
    if (s->size == size && memcmp (s->data, name, size) == 0)
      return place;
  }
}

uint32_t
qj_find_symbol (const QeJinja *j, const char *name, size_t size)
{
  return j->n_symbol_index == 0 ? UINT32_MAX : *find_place (j, name, size) - 1;
}

uint32_t
qj_symbol (QjParser *p, const char *name, size_t size)
{
  QeJinja *j = p->jinja;
  if (j->n_symbols * 2 >= j->n_symbol_index) {
    j->n_symbol_index = j->n_symbol_index ? j->n_symbol_index * 2 : 128;
    j->symbol_index = qj_alloc (&j->base, j->n_symbol_index * sizeof *j->symbol_index);
    memset (j->symbol_index, 0, j->n_symbol_index * sizeof *j->symbol_index);
    for (size_t i = 0; i < j->n_symbols; i++)
      *find_place (j, j->symbols[i]->data, j->symbols[i]->size) = (uint32_t) i + 1;
  }
  uint32_t *place = find_place (j, name, size);
  if (*place == 0) {
    char *copy = qj_alloc (p->base, size + 1);
    memcpy (copy, name, size);
    copy[size] = '\0';
    j->symbols = qj_grow (p->base, j->symbols, j->n_symbols, &j->symbols_capacity, sizeof *j->symbols);
    j->symbol_names = qj_grow (p->base, j->symbol_names, j->n_symbols, &j->names_capacity, sizeof *j->symbol_names);
    j->symbol_names[j->n_symbols] = copy;
    j->symbols[j->n_symbols++] = qj_string_new (p->base, name, size, QJ_LITERAL);
    *place = (uint32_t) j->n_symbols;
  }
  return *place - 1;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

bool
qj_is_word (const QjToken *token, const char *word)
{
  return token->kind == QJ_TOKEN_NAME && token->size == strlen (word) && memcmp (token->text, word, token->size) == 0;
}

void
qj_unexpected (QjParser *p)
{
  p->base->line = p->token->line;
  if (p->token->kind == QJ_TOKEN_END)
    qj_fail (p->base, "the template ends too early");
  qj_fail (p->base, "“%.*s” is not expected here", (int) (p->token->size < 60 ? p->token->size : 60), p->token->text);
}

bool
qj_accept (QjParser *p, QjTokenKind kind)
{
  if (p->token->kind != kind)
    return false;
  p->token++;
  return true;
}

bool
qj_accept_word (QjParser *p, const char *word)
{
  if (!qj_is_word (p->token, word))
    return false;
  p->token++;
  return true;
}

const QjToken *
qj_expect (QjParser *p, QjTokenKind kind)
{
  if (p->token->kind != kind)
    qj_unexpected (p);
  return p->token++;
}

static void
expect_word (QjParser *p, const char *word)
{
  if (!qj_accept_word (p, word))
    qj_unexpected (p);
}

QjNode *
qj_node (QjParser *p, QjNodeKind kind)
{
  QjNode *node = qj_alloc (p->base, sizeof *node);
  memset (node, 0, sizeof *node);
  node->kind = kind;
  node->line = p->token->line;
  return node;
}

void
qj_append (QjParser *p, QjNodes *nodes, QjNode *node)
{
  nodes->items = qj_grow (p->base, nodes->items, nodes->n, &nodes->capacity, sizeof *nodes->items);
  nodes->items[nodes->n++] = node;
}

void
qj_descend (QjParser *p)
{
  if (++p->depth > 2 * QJ_MAX_NESTING)
    qj_fail (p->base, "it is nested too deep");
  p->base->line = p->token->line;
}

/* ---- targets --------------------------------------------------------------------------------------------------- */

static bool
is_constant_word (const QjToken *t)
{
  static const char *const words[] = { "true", "True", "false", "False", "none", "None" };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (qj_is_word (t, words[i]))
      return true;
  return false;
}

static QjNode *parse_target (QjParser *p, bool with_namespace);

static QjNode *
parse_single_target (QjParser *p, bool with_namespace)
{
  if (qj_accept (p, QJ_TOKEN_LEFT_PAREN)) {
    qj_descend (p);
    QjNode *inner = parse_target (p, with_namespace);
    qj_expect (p, QJ_TOKEN_RIGHT_PAREN);
    p->depth--;
    return inner;
  }
  if (p->token->kind != QJ_TOKEN_NAME || is_constant_word (p->token))
    qj_unexpected (p);
  QjNode *node = qj_node (p, QJ_NODE_NAME);
  node->symbol = qj_symbol (p, p->token->text, p->token->size);
  p->token++;
  if (with_namespace && qj_accept (p, QJ_TOKEN_DOT)) {
    const QjToken *name = qj_expect (p, QJ_TOKEN_NAME);
    node->kind = QJ_NODE_NAMESPACE_ITEM;
    node->value = qj_string (qj_string_new (p->base, name->text, name->size, QJ_LITERAL));
  }
  return node;
}

/* A name, or several with commas between, in brackets or not. */
static QjNode *
parse_target (QjParser *p, bool with_namespace)
{
  QjNode *first = parse_single_target (p, with_namespace);
  if (p->token->kind != QJ_TOKEN_COMMA)
    return first;
  QjNode *tuple = qj_node (p, QJ_NODE_TUPLE);
  qj_append (p, &tuple->nodes, first);
  while (qj_accept (p, QJ_TOKEN_COMMA) && p->token->kind != QJ_TOKEN_ASSIGN && p->token->kind != QJ_TOKEN_RIGHT_PAREN
         && !qj_is_word (p->token, "in"))
    qj_append (p, &tuple->nodes, parse_single_target (p, with_namespace));
  return tuple;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

static QjNode *parse_statement (QjParser *p);

/* One of the words in `ends`, which has spaces between and around. */
static bool
is_end_word (const QjToken *t, const char *ends)
{
  char word[24];
  if (!ends || t->kind != QJ_TOKEN_NAME || t->size > sizeof word - 3)
    return false;
  word[0] = word[t->size + 1] = ' ';
  memcpy (word + 1, t->text, t->size);
  word[t->size + 2] = '\0';
  return strstr (ends, word) != NULL;
}

/* Reads up to a tag that begins with one of the words in `ends`, or to the end of the template (NULL). That word is the
 * next token then. */
static QjNodes
parse_body (QjParser *p, const char *ends)
{
  QjNodes body = { 0 };
  qj_descend (p);
  for (;;) {
    if (p->token->kind == QJ_TOKEN_DATA) {
      QjNode *node = qj_node (p, QJ_NODE_TEXT);
      node->value = qj_string (qj_string_new (p->base, p->token->text, p->token->size, QJ_LITERAL));
      qj_append (p, &body, node);
      p->token++;
    } else if (p->token->kind == QJ_TOKEN_VARIABLE_BEGIN) {
      QjNode *node = qj_node (p, QJ_NODE_PRINT);
      p->token++;
      node->a = qj_parse_tuple (p, true, NULL);
      qj_expect (p, QJ_TOKEN_VARIABLE_END);
      qj_append (p, &body, node);
    } else if (p->token->kind == QJ_TOKEN_BLOCK_BEGIN) {
      p->token++;
      if (is_end_word (p->token, ends))
        break;
      QjNode *node = parse_statement (p);
      if (node)
        qj_append (p, &body, node);
      qj_expect (p, QJ_TOKEN_BLOCK_END);
    } else {
      if (ends)
        qj_unexpected (p);
      break;
    }
  }
  p->depth--;
  return body;
}

/* The same with the end of the tag before it, and without the word that ends it. */
static QjNodes
parse_block (QjParser *p, const char *ends)
{
  qj_expect (p, QJ_TOKEN_BLOCK_END);
  QjNodes body = parse_body (p, ends);
  p->token++;
  return body;
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static QjNode *
bodies_node (QjParser *p, QjNodes body)
{
  QjNode *node = qj_node (p, QJ_NODE_SCOPE);
  node->nodes = body;
  return node;
}

static QjNode *
parse_if (QjParser *p)
{
  QjNode *node = qj_node (p, QJ_NODE_IF);
  bool was_soft = p->soft;
  p->soft = true; /* what is not known here matters only when it is reached */
  do {
    qj_append (p, &node->nodes, qj_parse_tuple (p, false, NULL));
    qj_expect (p, QJ_TOKEN_BLOCK_END);
    qj_append (p, &node->nodes, bodies_node (p, parse_body (p, " elif else endif ")));
  } while (qj_accept_word (p, "elif"));
  if (qj_accept_word (p, "else"))
    node->c = bodies_node (p, parse_block (p, " endif "));
  else
    expect_word (p, "endif");
  p->soft = was_soft;
  return node;
}

static QjNode *
parse_for (QjParser *p)
{
  QjNode *node = qj_node (p, QJ_NODE_FOR);
  bool was_soft = p->soft;
  node->a = parse_target (p, false);
  expect_word (p, "in");
  node->b = qj_parse_tuple (p, false, "recursive");
  p->soft = false;
  if (qj_accept_word (p, "if"))
    node->c = qj_parse_expression (p, true);
  node->flag = qj_accept_word (p, "recursive");
  qj_expect (p, QJ_TOKEN_BLOCK_END);
  p->n_loops++;
  node->nodes = parse_body (p, " endfor else ");
  p->n_loops--;
  if (qj_accept_word (p, "else"))
    node->else_nodes = parse_block (p, " endfor ");
  else
    p->token++;
  p->soft = was_soft;
  return node;
}

static QjNode *
parse_set (QjParser *p)
{
  QjNode *node = qj_node (p, QJ_NODE_SET);
  node->a = parse_target (p, true);
  if (qj_accept (p, QJ_TOKEN_ASSIGN)) {
    node->b = qj_parse_tuple (p, true, NULL);
    return node;
  }
  if (node->a->kind == QJ_NODE_TUPLE)
    qj_unexpected (p);
  node->kind = QJ_NODE_SET_BLOCK;
  bool was_soft = p->soft;
  p->soft = false;
  node->b = p->token->kind == QJ_TOKEN_PIPE ? qj_parse_filters (p, NULL) : NULL;
  node->nodes = parse_block (p, " endset ");
  p->soft = was_soft;
  return node;
}

/* The parameters of a macro, in brackets. */
static void
parse_signature (QjParser *p, QjSignature *s)
{
  size_t params_capacity = 0, defaults_capacity = 0;
  qj_expect (p, QJ_TOKEN_LEFT_PAREN);
  while (!qj_accept (p, QJ_TOKEN_RIGHT_PAREN)) {
    if (s->n_params > 0)
      qj_expect (p, QJ_TOKEN_COMMA);
    if (p->token->kind != QJ_TOKEN_NAME || is_constant_word (p->token))
      qj_unexpected (p);
    s->has_caller_param |= qj_is_word (p->token, "caller");
    s->params = qj_grow (p->base, s->params, s->n_params, &params_capacity, sizeof *s->params);
    s->params[s->n_params++] = parse_single_target (p, false);
    if (qj_accept (p, QJ_TOKEN_ASSIGN)) {
      s->defaults = qj_grow (p->base, s->defaults, s->n_defaults, &defaults_capacity, sizeof *s->defaults);
      s->defaults[s->n_defaults++] = qj_parse_expression (p, true);
    } else if (s->n_defaults > 0) {
      qj_unexpected (p); /* a parameter without a default after one with it */
    }
  }
}

/* Reads the body of a macro: break and continue do not reach out of it, and what it reads is noted. */
static void
parse_macro_body (QjParser *p, QjSignature *s, const char *end)
{
  QjSignature *outer = p->macro;
  size_t n_loops = p->n_loops;
  bool was_soft = p->soft;
  p->macro = s;
  p->n_loops = 0;
  p->soft = false;
  s->body = parse_block (p, end);
  p->n_loops = n_loops;
  p->soft = was_soft;
  p->macro = outer;
  if (outer) { /* a name that an inner macro reads is read by the outer one */
    outer->wants_caller |= s->wants_caller;
    outer->wants_kwargs |= s->wants_kwargs;
    outer->wants_varargs |= s->wants_varargs;
  }
}

static QjSignature *
new_signature (QjParser *p)
{
  QjSignature *s = qj_alloc (p->base, sizeof *s);
  memset (s, 0, sizeof *s);
  return s;
}

static QjNode *
parse_with (QjParser *p)
{
  QjNode *node = qj_node (p, QJ_NODE_WITH);
  bool was_soft = p->soft;
  p->soft = false;
  while (p->token->kind != QJ_TOKEN_BLOCK_END) {
    if (node->nodes.n > 0)
      qj_expect (p, QJ_TOKEN_COMMA);
    qj_append (p, &node->nodes, parse_target (p, false));
    qj_expect (p, QJ_TOKEN_ASSIGN);
    qj_append (p, &node->nodes, qj_parse_expression (p, true));
  }
  node->else_nodes = parse_block (p, " endwith ");
  p->soft = was_soft;
  return node;
}

static QjNode *
parse_jump (QjParser *p, QjNodeKind kind)
{
  if (p->n_loops == 0)
    qj_fail (p->base, "{%% break %%} and {%% continue %%} belong into a loop");
  return qj_node (p, kind);
}

static QjNode *
parse_statement (QjParser *p)
{
  const QjToken *word = p->token;
  p->base->line = word->line;
  if (word->kind != QJ_TOKEN_NAME)
    qj_unexpected (p);
  p->token++;
  if (qj_is_word (word, "if"))
    return parse_if (p);
  if (qj_is_word (word, "for"))
    return parse_for (p);
  if (qj_is_word (word, "set"))
    return parse_set (p);
  if (qj_is_word (word, "macro")) {
    QjNode *node = qj_node (p, QJ_NODE_MACRO);
    const QjToken *name = qj_expect (p, QJ_TOKEN_NAME);
    node->symbol = qj_symbol (p, name->text, name->size);
    node->signature = new_signature (p);
    node->signature->name = p->jinja->symbols[node->symbol];
    parse_signature (p, node->signature);
    parse_macro_body (p, node->signature, " endmacro ");
    return node;
  }
  if (qj_is_word (word, "call")) {
    QjNode *node = qj_node (p, QJ_NODE_CALL_BLOCK);
    node->signature = new_signature (p);
    node->signature->name = qj_string_new (p->base, "caller", 6, QJ_LITERAL);
    if (p->token->kind == QJ_TOKEN_LEFT_PAREN)
      parse_signature (p, node->signature);
    node->a = qj_parse_expression (p, true);
    if (node->a->kind != QJ_NODE_CALL)
      qj_fail (p->base, "{%% call %%} needs something to call");
    parse_macro_body (p, node->signature, " endcall ");
    return node;
  }
  if (qj_is_word (word, "filter")) {
    QjNode *node = qj_node (p, QJ_NODE_FILTER_BLOCK);
    bool was_soft = p->soft;
    p->soft = false;
    node->a = qj_parse_filters (p, NULL);
    node->nodes = parse_block (p, " endfilter ");
    p->soft = was_soft;
    return node;
  }
  if (qj_is_word (word, "with"))
    return parse_with (p);
  if (qj_is_word (word, "generation")) {
    /* transformers' mark around what the assistant wrote: nothing but a scope of its own. */
    QjNode *node = qj_node (p, QJ_NODE_SCOPE);
    size_t n_loops = p->n_loops;
    bool was_soft = p->soft;
    p->n_loops = 0;
    p->soft = false;
    node->nodes = parse_block (p, " endgeneration ");
    node->flag = true;
    p->n_loops = n_loops;
    p->soft = was_soft;
    return node;
  }
  if (qj_is_word (word, "print")) {
    /* {% print a, b %} */
    QjNode *all = qj_node (p, QJ_NODE_SCOPE);
    while (p->token->kind != QJ_TOKEN_BLOCK_END) {
      if (all->nodes.n > 0)
        qj_expect (p, QJ_TOKEN_COMMA);
      QjNode *node = qj_node (p, QJ_NODE_PRINT);
      node->a = qj_parse_expression (p, true);
      qj_append (p, &all->nodes, node);
    }
    return all;
  }
  if (qj_is_word (word, "break"))
    return parse_jump (p, QJ_NODE_BREAK);
  if (qj_is_word (word, "continue"))
    return parse_jump (p, QJ_NODE_CONTINUE);
  qj_fail (p->base, "Quern does not know the tag “%.*s”", (int) (word->size < 60 ? word->size : 60), word->text);
}

void
qj_parse (QeJinja *jinja, const QjToken *tokens)
{
  QjParser p = { .jinja = jinja, .base = &jinja->base, .token = tokens };
  jinja->body = parse_body (&p, NULL);
  if (p.token->kind != QJ_TOKEN_END)
    qj_unexpected (&p);
  if (p.unknown.size > 0) {
    p.base->line = p.unknown.line;
    qj_fail (p.base, "Quern does not know the filter or test “%.*s”", (int) (p.unknown.size < 60 ? p.unknown.size : 60),
             p.unknown.text);
  }
}
