/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "format/template/qe-jinja-parse.h"
#include "format/tokenizer/qe-utf8.h"

#define LONGEST_NUMBER 400 /* digits */

/* ---- texts and numbers ----------------------------------------------------------------------------------------- */

/* One escape of Python's, after its backslash. Writes to *out and returns what follows. */
static const char *
read_escape (QjParser *p, const char *at, const char *end, char **out)
{
  static const char names[] = "\\'\"abfnrtv", values[] = "\\'\"\a\b\f\n\r\t\v";
  char c = *at++;
  const char *found = c ? strchr (names, c) : NULL;
  int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (found) {
    *(*out)++ = values[found - names];
  } else if (digits > 0) {
    uint32_t value = 0;
    for (int i = 0; i < digits; i++, at++) {
      char d = at < end ? *at : 'x';
      uint32_t digit = d >= '0' && d <= '9'                     ? (uint32_t) (d - '0')
                       : (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? (uint32_t) ((d | 0x20) - 'a' + 10)
                                                                : 16;
      if (digit == 16)
        qj_fail (p->base, "a text has a broken escape");
      value = value * 16 + digit;
    }
    if (value > 0x10ffff)
      qj_fail (p->base, "a text has a broken escape");
    value = value >= 0xd800 && value < 0xe000 ? 0xfffd : value; /* half a pair is no character */
    *out += qe_utf8_put (*out, value);
  } else if (c >= '0' && c <= '7') {
    uint32_t value = (uint32_t) (c - '0');
    for (int i = 0; i < 2 && at < end && *at >= '0' && *at <= '7'; i++)
      value = value * 8 + (uint32_t) (*at++ - '0');
    *out += qe_utf8_put (*out, value);
  } else if (c == 'N') {
    qj_fail (p->base, "Quern does not know characters by their names (\\N)");
  } else if (c != '\n') { /* a backslash before a line end joins the lines; any other stays */
    *(*out)++ = '\\';
    *(*out)++ = c;
  }
  return at;
}

static QjNode *
parse_number (QjParser *p)
{
  QjNode *node = qj_node (p, QJ_NODE_CONST);
  const QjToken *t = p->token++;
  char digits[LONGEST_NUMBER + 1], *end;
  size_t n = 0;
  for (size_t i = 0; i < t->size; i++) {
    if (n == LONGEST_NUMBER)
      qj_fail (p->base, "a number is too long");
    if (t->text[i] != '_')
      digits[n++] = t->text[i];
  }
  digits[n] = '\0';
  bool based = n > 2 && digits[0] == '0' && digits[1] >= 'A';
  char kind = based ? (char) (digits[1] | 0x20) : 0;
  if (t->kind == QJ_TOKEN_FLOAT) {
    node->value = qj_float (strtod (digits, NULL));
    return node;
  }
  unsigned long long value = strtoull (based ? digits + 2 : digits, &end,
                                       kind == 'x'   ? 16
                                       : kind == 'o' ? 8
                                       : kind        ? 2
                                                     : 10);
  if (value <= INT64_MAX)
    node->value = qj_int ((int64_t) value);
  else if (based)
    qj_fail (p->base, "a number is too large");
  else
    node->value = (QjValue) {
      .kind = QJ_BIG, .string = qj_string_new (p->base, memcpy (qj_alloc (p->base, n), digits, n), n, QJ_LITERAL)
    };
  return node;
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static QjArguments *
new_arguments (QjParser *p)
{
  QjArguments *args = qj_alloc (p->base, sizeof *args);
  *args = (QjArguments) { 0 };
  return args;
}

/* In brackets; the opening one is the next token. */
static QjArguments *
parse_arguments (QjParser *p)
{
  QjArguments *args = new_arguments (p);
  qj_expect (p, QJ_TOKEN_LEFT_PAREN);
  for (bool first = true; !qj_accept (p, QJ_TOKEN_RIGHT_PAREN); first = false) {
    if (!first)
      qj_expect (p, QJ_TOKEN_COMMA);
    if (!first && qj_accept (p, QJ_TOKEN_RIGHT_PAREN))
      break;
    if (qj_accept (p, QJ_TOKEN_MULTIPLY)) {
      if (args->more || args->more_keywords)
        qj_unexpected (p);
      args->more = qj_parse_expression (p, true);
    } else if (qj_accept (p, QJ_TOKEN_POWER)) {
      if (args->more_keywords)
        qj_unexpected (p);
      args->more_keywords = qj_parse_expression (p, true);
    } else if (p->token->kind == QJ_TOKEN_NAME && p->token[1].kind == QJ_TOKEN_ASSIGN) {
      if (args->more_keywords)
        qj_unexpected (p);
      QjNode *keyword = qj_node (p, QJ_NODE_CONST);
      keyword->value = qj_string (qj_string_new (p->base, p->token->text, p->token->size, QJ_LITERAL));
      p->token += 2;
      keyword->a = qj_parse_expression (p, true);
      qj_append (p, &args->keywords, keyword);
    } else {
      if (args->more || args->more_keywords || args->keywords.n > 0)
        qj_unexpected (p);
      qj_append (p, &args->positional, qj_parse_expression (p, true));
    }
  }
  return args;
}

static QjNode *
parse_call (QjParser *p, QjNode *callee)
{
  QjNode *node = qj_node (p, QJ_NODE_CALL);
  node->a = callee;
  node->function = NULL;
  node->arguments = parse_arguments (p);
  return node;
}

/* The name of a filter or a test, which may have dots in it. */
static QjToken
parse_dotted_name (QjParser *p)
{
  QjToken name = *qj_expect (p, QJ_TOKEN_NAME);
  while (qj_accept (p, QJ_TOKEN_DOT)) {
    const QjToken *more = qj_expect (p, QJ_TOKEN_NAME);
    name.size = (uint32_t) (more->text + more->size - name.text);
  }
  return name;
}

/* Looks the filter or the test up. What is not known fails when it is reached, or at the end of the template where it
 * stands in no branch. */
static void
set_function (QjParser *p, QjNode *node, const QjToken *name)
{
  node->function = node->kind == QJ_NODE_FILTER ? qj_find_filter (name->text, name->size)
                                                : qj_find_test (name->text, name->size);
  if (!node->function && !p->soft && p->unknown.size == 0)
    p->unknown = *name;
}

QjNode *
qj_parse_filters (QjParser *p, QjNode *node)
{
  for (bool at_head = !node && p->token->kind != QJ_TOKEN_PIPE; at_head || qj_accept (p, QJ_TOKEN_PIPE);
       at_head = false) {
    QjToken name = parse_dotted_name (p);
    QjNode *filter = qj_node (p, QJ_NODE_FILTER);
    filter->a = node;
    set_function (p, filter, &name);
    filter->arguments = p->token->kind == QJ_TOKEN_LEFT_PAREN ? parse_arguments (p) : new_arguments (p);
    node = filter;
  }
  return node;
}

static QjNode *parse_primary (QjParser *p);
static QjNode *parse_postfix (QjParser *p, QjNode *node);

/* After "is". */
static QjNode *
parse_test (QjParser *p, QjNode *subject)
{
  bool negated = qj_accept_word (p, "not");
  QjToken name = parse_dotted_name (p);
  QjNode *node = qj_node (p, QJ_NODE_TEST);
  node->a = subject;
  set_function (p, node, &name);
  if (p->token->kind == QJ_TOKEN_LEFT_PAREN) {
    node->arguments = parse_arguments (p);
  } else {
    node->arguments = new_arguments (p);
    /* An argument may stand there without brackets: "is divisibleby 3". */
    const QjToken *t = p->token;
    const bool is_name = t->kind == QJ_TOKEN_NAME && !qj_is_word (t, "else") && !qj_is_word (t, "or")
                         && !qj_is_word (t, "and");
    if (is_name || t->kind == QJ_TOKEN_STRING || t->kind == QJ_TOKEN_INTEGER || t->kind == QJ_TOKEN_FLOAT
        || t->kind == QJ_TOKEN_LEFT_BRACKET || t->kind == QJ_TOKEN_LEFT_BRACE) {
      if (qj_is_word (p->token, "is"))
        qj_unexpected (p);
      qj_append (p, &node->arguments->positional, parse_postfix (p, parse_primary (p)));
    }
  }
  if (!negated)
    return node;
  QjNode *not = qj_node (p, QJ_NODE_NOT);
  not->a = node;
  return not;
}

/* ---- what binds closest ---------------------------------------------------------------------------------------- */

static QjNode *
parse_primary (QjParser *p)
{
  switch (p->token->kind) {
  case QJ_TOKEN_NAME: {
    const QjToken *t = p->token;
    QjNode *name = qj_node (p, QJ_NODE_CONST);
    if (qj_is_word (t, "true") || qj_is_word (t, "True")) {
      name->value = qj_bool (true);
    } else if (qj_is_word (t, "false") || qj_is_word (t, "False")) {
      name->value = qj_bool (false);
    } else if (qj_is_word (t, "none") || qj_is_word (t, "None")) {
      name->value = qj_none ();
    } else {
      name->kind = QJ_NODE_NAME;
      name->symbol = qj_symbol (p, t->text, t->size);
      if (p->macro) {
        p->macro->wants_caller |= qj_is_word (t, "caller");
        p->macro->wants_kwargs |= qj_is_word (t, "kwargs");
        p->macro->wants_varargs |= qj_is_word (t, "varargs");
      }
    }
    p->token++;
    return name;
  }
  case QJ_TOKEN_STRING: {
    /* Several texts in a row are one. */
    QjNode *node = qj_node (p, QJ_NODE_CONST);
    size_t size = 0;
    for (const QjToken *t = p->token; t->kind == QJ_TOKEN_STRING; t++)
      size += t->size;
    char *data = qj_alloc (p->base, size + 4), *out = data; /* no escape is shorter than what it stands for */
    for (; p->token->kind == QJ_TOKEN_STRING; p->token++)
      for (const char *at = p->token->text, *end = at + p->token->size; at < end;)
        if (*at == '\\')
          at = read_escape (p, at + 1, end, &out);
        else
          *out++ = *at++;
    node->value = qj_string (qj_string_new (p->base, data, (size_t) (out - data), QJ_LITERAL));
    return node;
  }
  case QJ_TOKEN_INTEGER:
  case QJ_TOKEN_FLOAT: return parse_number (p);
  case QJ_TOKEN_LEFT_PAREN: {
    p->token++;
    if (p->token->kind == QJ_TOKEN_RIGHT_PAREN) {
      p->token++;
      return qj_node (p, QJ_NODE_TUPLE);
    }
    QjNode *node = qj_parse_tuple (p, true, NULL);
    qj_expect (p, QJ_TOKEN_RIGHT_PAREN);
    return node;
  }
  case QJ_TOKEN_LEFT_BRACKET: {
    QjNode *node = qj_node (p, QJ_NODE_LIST);
    p->token++;
    while (!qj_accept (p, QJ_TOKEN_RIGHT_BRACKET)) {
      if (node->nodes.n > 0)
        qj_expect (p, QJ_TOKEN_COMMA);
      if (qj_accept (p, QJ_TOKEN_RIGHT_BRACKET))
        break;
      qj_append (p, &node->nodes, qj_parse_expression (p, true));
    }
    return node;
  }
  case QJ_TOKEN_LEFT_BRACE: {
    QjNode *node = qj_node (p, QJ_NODE_DICT);
    p->token++;
    while (!qj_accept (p, QJ_TOKEN_RIGHT_BRACE)) {
      if (node->nodes.n > 0)
        qj_expect (p, QJ_TOKEN_COMMA);
      if (qj_accept (p, QJ_TOKEN_RIGHT_BRACE))
        break;
      qj_append (p, &node->nodes, qj_parse_expression (p, true));
      qj_expect (p, QJ_TOKEN_COLON);
      qj_append (p, &node->nodes, qj_parse_expression (p, true));
    }
    return node;
  }
  default: qj_unexpected (p);
  }
}

/* One of the parts of a slice; NULL where it is left out. */
static QjNode *
parse_slice_part (QjParser *p)
{
  bool is_empty = p->token->kind == QJ_TOKEN_COLON || p->token->kind == QJ_TOKEN_RIGHT_BRACKET
                  || p->token->kind == QJ_TOKEN_COMMA;
  return is_empty ? NULL : qj_parse_expression (p, true);
}

static QjNode *
parse_postfix (QjParser *p, QjNode *node)
{
  for (;;) {
    if (qj_accept (p, QJ_TOKEN_DOT)) {
      QjNode *item = qj_node (p, QJ_NODE_ATTRIBUTE);
      item->a = node;
      if (p->token->kind == QJ_TOKEN_INTEGER) {
        item->kind = QJ_NODE_ITEM;
        item->b = parse_number (p);
      } else {
        const QjToken *name = qj_expect (p, QJ_TOKEN_NAME);
        item->value = qj_string (qj_string_new (p->base, name->text, name->size, QJ_LITERAL));
      }
      node = item;
    } else if (qj_accept (p, QJ_TOKEN_LEFT_BRACKET)) {
      QjNode *item = qj_node (p, QJ_NODE_ITEM);
      item->a = node;
      QjNode *first = parse_slice_part (p);
      if (p->token->kind == QJ_TOKEN_COLON) {
        item->kind = QJ_NODE_SLICE;
        qj_append (p, &item->nodes, first);
        p->token++;
        qj_append (p, &item->nodes, parse_slice_part (p));
        qj_append (p, &item->nodes, qj_accept (p, QJ_TOKEN_COLON) ? parse_slice_part (p) : NULL);
      } else if (!first) {
        qj_unexpected (p);
      } else if (p->token->kind == QJ_TOKEN_COMMA) {
        item->b = qj_node (p, QJ_NODE_TUPLE);
        qj_append (p, &item->b->nodes, first);
        while (qj_accept (p, QJ_TOKEN_COMMA) && p->token->kind != QJ_TOKEN_RIGHT_BRACKET)
          qj_append (p, &item->b->nodes, qj_parse_expression (p, true));
      } else {
        item->b = first;
      }
      qj_expect (p, QJ_TOKEN_RIGHT_BRACKET);
      node = item;
    } else if (p->token->kind == QJ_TOKEN_LEFT_PAREN) {
      node = parse_call (p, node);
    } else {
      return node;
    }
  }
}

/* ---- operators ------------------------------------------------------------------------------------------------- */

static QjNode *
parse_unary (QjParser *p, bool with_filters)
{
  bool is_negative = p->token->kind == QJ_TOKEN_SUBTRACT;
  QjNode *node;
  qj_descend (p);
  if (is_negative || p->token->kind == QJ_TOKEN_ADD) {
    node = qj_node (p, is_negative ? QJ_NODE_NEGATIVE : QJ_NODE_POSITIVE);
    p->token++;
    node->a = parse_unary (p, false);
  } else {
    node = parse_primary (p);
  }
  node = parse_postfix (p, node);
  p->depth--;
  while (with_filters) { /* filters, tests, and calls of what they give */
    if (p->token->kind == QJ_TOKEN_PIPE)
      node = qj_parse_filters (p, node);
    else if (qj_accept_word (p, "is"))
      node = parse_test (p, node);
    else if (p->token->kind == QJ_TOKEN_LEFT_PAREN)
      node = parse_call (p, node);
    else
      break;
  }
  return node;
}

static QjNode *
binary (QjParser *p, QjNodeKind kind, QjOperator op, QjNode *a)
{
  QjNode *node = qj_node (p, kind);
  node->op = op;
  node->a = a;
  p->token++;
  return node;
}

static QjNode *
parse_power (QjParser *p)
{
  QjNode *node = parse_unary (p, true);
  while (p->token->kind == QJ_TOKEN_POWER) {
    node = binary (p, QJ_NODE_ARITHMETIC, QJ_POWER, node);
    node->b = parse_unary (p, true);
  }
  return node;
}

static QjNode *
parse_product (QjParser *p)
{
  QjNode *node = parse_power (p);
  for (;;) {
    switch (p->token->kind) {
    case QJ_TOKEN_MULTIPLY: node = binary (p, QJ_NODE_ARITHMETIC, QJ_MULTIPLY, node); break;
    case QJ_TOKEN_DIVIDE: node = binary (p, QJ_NODE_ARITHMETIC, QJ_DIVIDE, node); break;
    case QJ_TOKEN_FLOOR_DIVIDE: node = binary (p, QJ_NODE_ARITHMETIC, QJ_FLOOR_DIVIDE, node); break;
    case QJ_TOKEN_MODULO: node = binary (p, QJ_NODE_ARITHMETIC, QJ_MODULO, node); break;
    default: return node;
    }
    node->b = parse_power (p);
  }
}

static QjNode *
parse_concat (QjParser *p)
{
  QjNode *first = parse_product (p);
  if (p->token->kind != QJ_TOKEN_TILDE)
    return first;
  QjNode *node = qj_node (p, QJ_NODE_CONCAT);
  qj_append (p, &node->nodes, first);
  while (qj_accept (p, QJ_TOKEN_TILDE))
    qj_append (p, &node->nodes, parse_product (p));
  return node;
}

static QjNode *
parse_sum (QjParser *p)
{
  QjNode *node = parse_concat (p);
  while (p->token->kind == QJ_TOKEN_ADD || p->token->kind == QJ_TOKEN_SUBTRACT) {
    node = binary (p, QJ_NODE_ARITHMETIC, p->token->kind == QJ_TOKEN_ADD ? QJ_ADD : QJ_SUBTRACT, node);
    node->b = parse_concat (p);
  }
  return node;
}

static QjNode *
parse_not (QjParser *p)
{
  if (!qj_is_word (p->token, "not")) {
    QjNode *first = parse_sum (p), *comparison = NULL;
    for (;;) {
      /* The operator comes next, or "in", or "not in". */
      const QjToken *t = p->token;
      size_t n_tokens = 1;
      QjOperator op;
      switch (t->kind) {
      case QJ_TOKEN_EQUAL: op = QJ_EQUAL; break;
      case QJ_TOKEN_UNEQUAL: op = QJ_UNEQUAL; break;
      case QJ_TOKEN_LESS: op = QJ_LESS; break;
      case QJ_TOKEN_LESS_EQUAL: op = QJ_LESS_EQUAL; break;
      case QJ_TOKEN_GREATER: op = QJ_GREATER; break;
      case QJ_TOKEN_GREATER_EQUAL: op = QJ_GREATER_EQUAL; break;
      default:
        op = qj_is_word (t, "in") ? QJ_IN : QJ_NOT_IN;
        n_tokens = op == QJ_IN ? 1 : qj_is_word (t, "not") && qj_is_word (t + 1, "in") ? 2 : 0;
      }
      if (n_tokens == 0)
        break;
      p->token += n_tokens;
      if (!comparison) {
        comparison = qj_node (p, QJ_NODE_COMPARE);
        comparison->a = first;
      }
      QjNode *operand = qj_node (p, QJ_NODE_COMPARE); /* the operator with its right side */
      operand->op = op;
      operand->a = parse_sum (p);
      qj_append (p, &comparison->nodes, operand);
    }
    return comparison ? comparison : first;
  }
  QjNode *node = qj_node (p, QJ_NODE_NOT);
  p->token++;
  qj_descend (p);
  node->a = parse_not (p);
  p->depth--;
  return node;
}

static QjNode *
parse_and (QjParser *p)
{
  QjNode *node = parse_not (p);
  while (qj_is_word (p->token, "and")) {
    node = binary (p, QJ_NODE_AND, 0, node);
    node->b = parse_not (p);
  }
  return node;
}

static QjNode *
parse_or (QjParser *p)
{
  QjNode *node = parse_and (p);
  while (qj_is_word (p->token, "or")) {
    node = binary (p, QJ_NODE_OR, 0, node);
    node->b = parse_and (p);
  }
  return node;
}

QjNode *
qj_parse_expression (QjParser *p, bool with_condition)
{
  bool was_soft = p->soft;
  QjToken unknown = p->unknown;
  qj_descend (p);
  QjNode *node = parse_or (p);
  while (with_condition && qj_accept_word (p, "if")) {
    p->unknown = unknown; /* what came before “if” is a branch */
    QjNode *condition = qj_node (p, QJ_NODE_CONDITION);
    condition->a = node;
    p->soft = true;
    condition->b = parse_or (p);
    condition->c = qj_accept_word (p, "else") ? qj_parse_expression (p, true) : NULL;
    node = condition;
  }
  p->soft = was_soft;
  p->depth--;
  return node;
}

static bool
is_tuple_end (const QjToken *t, const char *end)
{
  return t->kind == QJ_TOKEN_VARIABLE_END || t->kind == QJ_TOKEN_BLOCK_END || t->kind == QJ_TOKEN_RIGHT_PAREN
         || (end && qj_is_word (t, end));
}

QjNode *
qj_parse_tuple (QjParser *p, bool with_condition, const char *end)
{
  if (is_tuple_end (p->token, end))
    qj_unexpected (p);
  QjNode *first = qj_parse_expression (p, with_condition);
  if (p->token->kind != QJ_TOKEN_COMMA)
    return first;
  QjNode *tuple = qj_node (p, QJ_NODE_TUPLE);
  qj_append (p, &tuple->nodes, first);
  while (qj_accept (p, QJ_TOKEN_COMMA) && !is_tuple_end (p->token, end))
    qj_append (p, &tuple->nodes, qj_parse_expression (p, with_condition));
  return tuple;
}
