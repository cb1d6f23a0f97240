/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements, loops, macros and the scopes of their variables. */
#include "format/template/qe-jinja-private.h"

#include <string.h>

typedef enum { GO_ON, BREAK, CONTINUE } Flow;

static Flow exec_body (QjRun *r, const QjNodes *body);

/* ---- scopes ---------------------------------------------------------------------------------------------------- */

static QjScope *
new_scope (QjRun *r, QjScope *parent)
{
  QjScope *scope = qj_alloc (&r->base, sizeof *scope);
  *scope = (QjScope) { .parent = parent };
  return scope;
}

QjValue
qj_lookup (QjRun *r, uint32_t symbol)
{
  for (const QjScope *s = r->scope; s->parent; s = s->parent) {
    qj_steps (r, s->n / 16);
    for (size_t i = 0; i < s->n; i++)
      if (s->items[i].symbol == symbol)
        return s->items[i].value;
  }
  QjValue v = r->globals[symbol];
  return v.kind == QJ_MISSING ? qj_undefined (r->symbol_names[symbol]) : v;
}

static void
assign_in (QjRun *r, QjScope *s, uint32_t symbol, QjValue value)
{
  if (!s->parent) {
    r->globals[symbol] = value;
    return;
  }
  qj_steps (r, s->n / 16);
  for (size_t i = 0; i < s->n; i++)
    if (s->items[i].symbol == symbol) {
      s->items[i].value = value;
      return;
    }
  s->items = qj_grow (&r->base, s->items, s->n, &s->capacity, sizeof *s->items);
  s->items[s->n].symbol = symbol;
  s->items[s->n++].value = value;
}

void
qj_assign (QjRun *r, uint32_t symbol, QjValue value)
{
  assign_in (r, r->scope, symbol, value);
}

static void
assign_by_name (QjRun *r, QjScope *s, const char *name, QjValue value)
{
  uint32_t symbol = qj_find_symbol (r->jinja, name, strlen (name));
  if (symbol != UINT32_MAX)
    assign_in (r, s, symbol, value);
}

/* Gives the target, or each part of it, its value. */
static void
assign_target (QjRun *r, const QjNode *target, QjValue value)
{
  if (target->kind == QJ_NODE_NAME) {
    qj_assign (r, target->symbol, value);
  } else if (target->kind == QJ_NODE_NAMESPACE_ITEM) {
    QjValue ns = qj_lookup (r, target->symbol);
    if (ns.kind != QJ_NAMESPACE)
      qj_fail (&r->base, "“%.60s” is no namespace", r->symbol_names[target->symbol]);
    qj_dict_put (r, ns.dict, target->value.kind == QJ_STRING ? target->value : qj_none (), value);
  } else {
    qj_enter (r);
    QjValue items = qj_to_list (r, value, QJ_LIST);
    if (items.list->n != target->nodes.n)
      qj_fail (&r->base, "%zu names are given %u values", target->nodes.n, items.list->n);
    for (size_t i = 0; i < target->nodes.n; i++)
      assign_target (r, target->nodes.items[i], items.list->items[i]);
    qj_leave (r);
  }
}

/* ---- what is printed inside of something ----------------------------------------------------------------------- */

/* Runs the body in a scope of its own and returns what it prints. */
static QjValue
qj_capture (QjRun *r, const QjNodes *body, QjScope *scope, Flow *flow)
{
  QjBuilder out = qj_builder (r), *outer = r->out;
  QjScope *outer_scope = r->scope;
  r->out = &out;
  r->scope = scope;
  *flow = exec_body (r, body);
  r->scope = outer_scope;
  r->out = outer;
  return qj_string (qj_finish (&out));
}

static QjValue
apply_filters (QjRun *r, const QjNode *filters, QjValue value)
{
  QjValue outer = r->filtered;
  r->filtered = value;
  value = qj_eval (r, filters);
  r->filtered = outer;
  return value;
}

static Flow
exec_in_scope (QjRun *r, const QjNodes *body, QjScope *scope)
{
  QjScope *outer = r->scope;
  r->scope = scope;
  Flow flow = exec_body (r, body);
  r->scope = outer;
  return flow;
}

/* ---- macros ---------------------------------------------------------------------------------------------------- */

static QjValue
new_macro (QjRun *r, const QjSignature *signature)
{
  QjMacro *macro = qj_alloc (&r->base, sizeof *macro);
  *macro = (QjMacro) { signature, r->scope };
  for (QjScope *s = r->scope; s && !s->captured; s = s->parent)
    s->captured = true;
  return (QjValue) { .kind = QJ_MACRO, .macro = macro };
}

/* The keyword argument of that name, marked as taken; NULL: not given. */
static QjKeyword *
take_keyword (const QjArgs *args, bool *taken, const char *name, size_t size)
{
  for (uint32_t i = 0; i < args->n_keywords; i++)
    if (!taken[i] && args->keywords[i].name->size == size && memcmp (args->keywords[i].name->data, name, size) == 0) {
      taken[i] = true;
      return &args->keywords[i];
    }
  return NULL;
}

QjValue
qj_call_macro (QjRun *r, QjMacro *macro, const QjArgs *args)
{
  const QjSignature *s = macro->signature;
  QjScope *outer = r->scope, *scope = new_scope (r, macro->scope);
  bool *taken = qj_alloc (&r->base, args->n_keywords + 1);
  Flow flow;
  memset (taken, 0, args->n_keywords + 1);
  qj_enter (r);
  r->scope = scope;
  for (size_t i = 0; i < s->n_params; i++) {
    const QjString *name = r->jinja->symbols[s->params[i]->symbol];
    qj_steps (r, args->n_keywords / 4);
    QjKeyword *keyword = i < args->n ? NULL : take_keyword (args, taken, name->data, name->size);
    size_t first_default = s->n_params - s->n_defaults;
    QjValue v = i < args->n          ? args->items[i]
                : keyword            ? keyword->value
                : i >= first_default ? qj_eval (r, s->defaults[i - first_default])
                                     : qj_undefined (r->symbol_names[s->params[i]->symbol]);
    qj_assign (r, s->params[i]->symbol, v);
  }
  if (s->wants_caller && !s->has_caller_param) {
    const QjKeyword *caller = take_keyword (args, taken, "caller", strlen ("caller"));
    assign_by_name (r, scope, "caller", caller ? caller->value : qj_undefined ("caller"));
  }
  /* Keywords that no parameter took are for kwargs, or too many. */
  QjDict *kwargs = qj_dict_new (r, 0);
  for (uint32_t i = 0; i < args->n_keywords; i++) {
    const QjString *taken_name = args->keywords[i].name;
    if (taken[i])
      continue;
    if (!s->wants_kwargs)
      qj_fail (&r->base, "the macro “%.*s” takes no argument “%.*s”", (int) (s->name->size < 60 ? s->name->size : 60),
               s->name->data, (int) (taken_name->size < 60 ? taken_name->size : 60), taken_name->data);
    qj_dict_put (r, kwargs, qj_string (taken_name), args->keywords[i].value);
  }
  if (s->wants_kwargs)
    assign_by_name (r, r->scope, "kwargs", (QjValue) { .kind = QJ_DICT, .dict = kwargs });
  size_t n = args->n > s->n_params ? args->n - s->n_params : 0;
  if (n > 0 && !s->wants_varargs)
    qj_fail (&r->base, "the macro “%.*s” takes %zu arguments at most", (int) (s->name->size < 60 ? s->name->size : 60),
             s->name->data, s->n_params);
  if (s->wants_varargs) {
    QjValue varargs = qj_list_new (r, QJ_TUPLE, n);
    for (size_t i = 0; i < n; i++)
      varargs.list->items[i] = args->items[s->n_params + i];
    assign_by_name (r, r->scope, "varargs", varargs);
  }
  r->scope = outer;
  QjValue text = qj_capture (r, &s->body, scope, &flow);
  qj_leave (r);
  return text;
}

/* ---- loops ----------------------------------------------------------------------------------------------------- */

/* The next item that the loop's condition lets through, tried with the loop's variables in a scope of their own. */
static bool
qj_fetch_item (QjRun *r, QjLoop *loop, QjValue *item)
{
  const QjNode *condition = loop->node->c;
  while (qj_next (r, &loop->source, item)) {
    if (!condition)
      return true;
    QjScope *outer = r->scope;
    r->scope = new_scope (r, loop->scope);
    assign_target (r, loop->node->a, *item);
    bool passes = qj_truth (r, qj_eval (r, condition));
    r->scope = outer;
    if (passes)
      return true;
  }
  return false;
}

static bool
next_item (QjRun *r, QjLoop *loop, QjValue *item)
{
  if (loop->at_ahead == loop->n_ahead)
    return qj_fetch_item (r, loop, item);
  *item = loop->ahead[loop->at_ahead++];
  return true;
}

/* Fetches up to n items more, without going on. */
static void
look_ahead (QjRun *r, QjLoop *loop, size_t n)
{
  QjValue item;
  size_t capacity = loop->n_ahead;
  if (loop->at_ahead == loop->n_ahead)
    loop->at_ahead = loop->n_ahead = capacity = 0;
  while (loop->n_ahead - loop->at_ahead < n && qj_fetch_item (r, loop, &item)) {
    loop->ahead = qj_grow (&r->base, capacity ? loop->ahead : NULL, loop->n_ahead, &capacity, sizeof item);
    loop->ahead[loop->n_ahead++] = item;
  }
}

static int64_t
loop_length (QjRun *r, QjLoop *loop)
{
  if (loop->length >= 0)
    return loop->length;
  loop->length = loop->node->c ? -1 : qj_count (r, loop->iterable);
  if (loop->length < 0) {
    look_ahead (r, loop, SIZE_MAX);
    loop->length = loop->index0 + 1 + (int64_t) (loop->n_ahead - loop->at_ahead);
  }
  return loop->length;
}

QjValue
qj_loop_attribute (QjRun *r, QjLoop *loop, const QjString *name)
{
  if (qj_string_is (name, "index"))
    return qj_int (loop->index0 + 1);
  if (qj_string_is (name, "index0"))
    return qj_int (loop->index0);
  if (qj_string_is (name, "first"))
    return qj_bool (loop->index0 == 0);
  if (qj_string_is (name, "last") || qj_string_is (name, "nextitem")) {
    look_ahead (r, loop, 1);
    bool is_last = loop->at_ahead == loop->n_ahead;
    return name->data[0] == 'l' ? qj_bool (is_last) : is_last ? qj_undefined ("nextitem") : loop->ahead[loop->at_ahead];
  }
  if (qj_string_is (name, "length"))
    return qj_int (loop_length (r, loop));
  if (qj_string_is (name, "revindex"))
    return qj_int (loop_length (r, loop) - loop->index0);
  if (qj_string_is (name, "revindex0"))
    return qj_int (loop_length (r, loop) - loop->index0 - 1);
  if (qj_string_is (name, "previtem"))
    return loop->index0 == 0 ? qj_undefined ("previtem") : loop->before;
  if (qj_string_is (name, "depth") || qj_string_is (name, "depth0"))
    return qj_int (loop->depth0 + (name->size == 5));
  return (QjValue) { QJ_MISSING };
}

static QjValue
loop_cycle (QjRun *r, const QjValue *p, const QjArgs *args)
{
  if (args->n == 0 || args->n_keywords > 0)
    qj_fail (&r->base, "loop.cycle() needs something to go through");
  return args->items[p[0].loop->index0 % args->n];
}

static QjValue
loop_changed (QjRun *r, const QjValue *p, const QjArgs *args)
{
  QjLoop *loop = p[0].loop;
  QjValue now = qj_list_new (r, QJ_TUPLE, args->n);
  if (args->n_keywords > 0)
    qj_fail (&r->base, "loop.changed() takes no keyword arguments");
  for (uint32_t i = 0; i < args->n; i++)
    now.list->items[i] = args->items[i];
  bool changed = loop->changed.kind == QJ_MISSING || !qj_equal (r, loop->changed, now);
  loop->changed = now;
  return qj_bool (changed);
}

const QjFunction qj_loop_methods[] = {
  { "cycle", loop_cycle, "*", 0, true },
  { "changed", loop_changed, "*", 0, true },
  { NULL },
};

static Flow
qj_run_loop (QjRun *r, const QjNode *node, QjScope *parent, QjValue iterable, int64_t depth0)
{
  QjLoop *loop = qj_alloc (&r->base, sizeof *loop);
  QjScope *scope = NULL, *outer = r->scope;
  QjValue item;
  *loop = (QjLoop) { .node = node,
                     .scope = parent,
                     .iterable = iterable,
                     .index0 = -1,
                     .length = -1,
                     .depth0 = depth0,
                     .current = { QJ_MISSING },
                     .before = { QJ_MISSING },
                     .changed = { QJ_MISSING } };
  qj_iterate (r, &loop->source, iterable);
  Flow flow = GO_ON;
  bool ended = false;
  while (flow != BREAK && next_item (r, loop, &item)) {
    loop->index0++;
    loop->before = loop->current;
    loop->current = item;
    if (!scope || scope->captured)
      scope = new_scope (r, parent);
    scope->n = 0; /* the last item's scope serves again, unless somebody remembers it */
    r->scope = scope;
    assign_target (r, node->a, item);
    if (r->loop_symbol != UINT32_MAX)
      qj_assign (r, r->loop_symbol, (QjValue) { .kind = QJ_LOOP, .loop = loop });
    flow = exec_body (r, &node->nodes);
    ended = ended || flow == GO_ON;
    r->scope = outer;
  }
  /* In jinja2, else also follows a loop whose items all ended with break or continue. */
  if (!ended && node->else_nodes.n > 0)
    return exec_in_scope (r, &node->else_nodes, new_scope (r, parent));
  return GO_ON;
}

/* loop (items) in a recursive loop: the same body for other items. */
QjValue
qj_call_loop (QjRun *r, QjLoop *loop, const QjArgs *args)
{
  QjBuilder out = qj_builder (r), *outer = r->out;
  if (!loop->node->flag)
    qj_fail (&r->base, "only a loop that is marked as recursive can be called");
  if (args->n != 1 || args->n_keywords > 0)
    qj_fail (&r->base, "a recursive loop takes one argument");
  qj_enter (r);
  r->out = &out;
  qj_run_loop (r, loop->node, loop->scope, args->items[0], loop->depth0 + 1);
  r->out = outer;
  qj_leave (r);
  return qj_string (qj_finish (&out));
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static Flow
qj_exec_node (QjRun *r, const QjNode *node)
{
  switch ((QjNodeKind) node->kind) {
  case QJ_NODE_TEXT: qj_add_string (r->out, node->value.string); return GO_ON;
  case QJ_NODE_PRINT: {
    QjValue v = qj_eval (r, node->a);
    qj_add_value (r->out, v);
    return GO_ON;
  }
  case QJ_NODE_IF: {
    for (size_t i = 0; i + 1 < node->nodes.n; i += 2)
      if (qj_truth (r, qj_eval (r, node->nodes.items[i])))
        return exec_body (r, &node->nodes.items[i + 1]->nodes);
    return node->c ? exec_body (r, &node->c->nodes) : GO_ON;
  }
  case QJ_NODE_FOR: {
    QjValue iterable = qj_eval (r, node->b);
    r->base.line = node->line;
    return qj_run_loop (r, node, r->scope, iterable, 0);
  }
  case QJ_NODE_SET: {
    QjValue v = qj_eval (r, node->b);
    r->base.line = node->line;
    assign_target (r, node->a, v);
    return GO_ON;
  }
  case QJ_NODE_SET_BLOCK: {
    Flow flow;
    QjValue value = qj_capture (r, &node->nodes, new_scope (r, r->scope), &flow);
    if (flow != GO_ON)
      return flow;
    assign_target (r, node->a, node->b ? apply_filters (r, node->b, value) : value);
    return GO_ON;
  }
  case QJ_NODE_MACRO: qj_assign (r, node->symbol, new_macro (r, node->signature)); return GO_ON;
  case QJ_NODE_CALL_BLOCK: {
    QjKeyword caller = { node->signature->name, new_macro (r, node->signature) };
    qj_add_value (r->out, qj_eval_call (r, node->a, &caller));
    return GO_ON;
  }
  case QJ_NODE_FILTER_BLOCK: {
    Flow flow;
    QjValue value = qj_capture (r, &node->nodes, new_scope (r, r->scope), &flow);
    if (flow == GO_ON)
      qj_add_value (r->out, apply_filters (r, node->a, value));
    return flow;
  }
  case QJ_NODE_WITH: {
    QjScope *scope = new_scope (r, r->scope), *outer = r->scope;
    QjValue *values = qj_alloc (&r->base, node->nodes.n * sizeof *values);
    for (size_t i = 1; i < node->nodes.n; i += 2)
      values[i] = qj_eval (r, node->nodes.items[i]);
    r->scope = scope;
    for (size_t i = 1; i < node->nodes.n; i += 2)
      assign_target (r, node->nodes.items[i - 1], values[i]);
    Flow flow = exec_body (r, &node->else_nodes);
    r->scope = outer;
    return flow;
  }
  case QJ_NODE_SCOPE: return exec_in_scope (r, &node->nodes, node->flag ? new_scope (r, r->scope) : r->scope);
  case QJ_NODE_BREAK: return BREAK;
  case QJ_NODE_CONTINUE: return CONTINUE;
  default: qj_fail (&r->base, "a value stands for a statement");
  }
}

static Flow
exec_body (QjRun *r, const QjNodes *body)
{
  Flow flow = GO_ON;
  qj_enter (r);
  for (size_t i = 0; i < body->n && flow == GO_ON; i++) {
    qj_steps (r, 1);
    r->base.line = body->items[i]->line;
    flow = qj_exec_node (r, body->items[i]);
  }
  qj_leave (r);
  return flow;
}

void
qj_exec (QjRun *r, const QjNodes *body)
{
  exec_body (r, body);
}
