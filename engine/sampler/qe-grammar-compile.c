/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a program of rules. It is built from behind: each node is compiled with the number of the step that comes after it,
 * so nothing needs to be patched but calls. Alternatives that no text can follow are left out, so a text that has begun as
 * the program allows can always be ended. */
#include "sampler/qe-grammar-private.h"

#include "qe-error.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STEPS (1u << 20)
#define MAX_WORK (1u << 26) /* nodes that the analysis may look at */
#define MAX_EMPTY_ROUNDS 64 /* of something that may be empty */

typedef struct {
  const QeRules *rules;
  QeProgram *program;
  uint8_t *may_be_empty, *has_text; /* [n_rules] */
  uint32_t *entry;                  /* [n_rules] */
  uint32_t *pending;                /* children of open sequences */
  size_t n_pending, pending_capacity;
  size_t work;
  QeStatus status;
  QeError *err;
} Compiler;

static uint32_t
compiler_fail (Compiler *c, QeStatus status, const char *what)
{
  if (c->status == QE_OK)
    c->status = qe_fail (c->err, status, "%s", what);
  return 0;
}

static uint32_t
compiler_too_large (Compiler *c)
{
  return compiler_fail (c, QE_ERROR_UNSUPPORTED, "The grammar is too large.");
}

/* ---- analysis -------------------------------------------------------------------------------------------------- */

static bool
may_be_empty (Compiler *c, uint32_t i)
{
  const QeNode *nodes = c->rules->nodes, *node = &nodes[i];
  c->work++;
  switch (node->kind) {
  case QE_NODE_TEXT: return node->n == 0;
  case QE_NODE_CLASS: return false;
  case QE_NODE_RULE: return c->may_be_empty[node->at];
  case QE_NODE_REPEAT: return node->min == 0 || may_be_empty (c, node->child);
  case QE_NODE_GUARDED: return may_be_empty (c, node->child);
  case QE_NODE_SEQUENCE:
    for (i = node->child; i != QE_NO_NODE; i = nodes[i].next)
      if (!may_be_empty (c, i))
        return false;
    return true;
  case QE_NODE_CHOICE:
    for (i = node->child; i != QE_NO_NODE; i = nodes[i].next)
      if (may_be_empty (c, i))
        return true;
    return false;
  }
  return false;
}

/* Returns whether some text of finite length follows a node. */
static bool
has_text (Compiler *c, uint32_t i)
{
  const QeNode *nodes = c->rules->nodes, *node = &nodes[i];
  c->work++;
  switch (node->kind) {
  case QE_NODE_TEXT: return true;
  case QE_NODE_CLASS: return node->n > 0;
  case QE_NODE_RULE: return c->has_text[node->at];
  case QE_NODE_REPEAT: return node->min == 0 || has_text (c, node->child);
  case QE_NODE_GUARDED: return has_text (c, node->child);
  case QE_NODE_SEQUENCE:
    for (i = node->child; i != QE_NO_NODE; i = nodes[i].next)
      if (!has_text (c, i))
        return false;
    return true;
  case QE_NODE_CHOICE:
    for (i = node->child; i != QE_NO_NODE; i = nodes[i].next)
      if (has_text (c, i))
        return true;
    return false;
  }
  return false;
}

/* Counts the rules that a node may begin with, or with `edges` notes them. */
static size_t
list_beginnings (Compiler *c, uint32_t i, uint32_t *edges)
{
  const QeNode *nodes = c->rules->nodes, *node = &nodes[i];
  size_t n = 0;
  if (node->kind == QE_NODE_RULE) {
    if (edges)
      *edges = node->at;
    return 1;
  }
  if (node->kind == QE_NODE_TEXT || node->kind == QE_NODE_CLASS
      || (node->kind == QE_NODE_REPEAT && !has_text (c, node->child)))
    return 0;
  const bool has_list = node->kind == QE_NODE_SEQUENCE || node->kind == QE_NODE_CHOICE;
  for (i = node->child; i != QE_NO_NODE; i = has_list ? nodes[i].next : QE_NO_NODE) {
    if (node->kind == QE_NODE_CHOICE && !has_text (c, i))
      continue;
    n += list_beginnings (c, i, edges ? edges + n : NULL);
    if (node->kind == QE_NODE_SEQUENCE && !may_be_empty (c, i))
      break;
  }
  return n;
}

/* Finds a rule that begins with itself: rules that begin with no other one are crossed out again and again, and what
 * stays are such rules and those that lead to them. */
static void
refuse_left_recursion (Compiler *c, uint32_t *culprit)
{
  const size_t n = c->rules->n_rules;
  uint32_t *first = calloc (n + 1, sizeof *first), *left = calloc (n + 1, sizeof *left), *edges = NULL, *back = NULL;
  uint32_t *back_first = calloc (n + 2, sizeof *back_first), *done = calloc (n + 1, sizeof *done);
  size_t total = 0, n_done = 0;
  for (size_t i = 0; first && i < n; i++) {
    first[i] = (uint32_t) total;
    total += c->has_text[i] ? list_beginnings (c, c->rules->rules[i].node, NULL) : 0;
    first[i + 1] = (uint32_t) total;
  }
  edges = malloc ((total + 1) * sizeof *edges);
  back = malloc ((total + 1) * sizeof *back);
  if (!first || !left || !edges || !back || !back_first || !done) {
    compiler_fail (c, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
    goto out;
  }
  for (size_t i = 0; i < n; i++) {
    if (c->has_text[i])
      list_beginnings (c, c->rules->rules[i].node, edges + first[i]);
    left[i] = first[i + 1] - first[i];
    for (size_t k = first[i]; k < first[i + 1]; k++)
      back_first[edges[k] + 2]++;
  }
  for (size_t i = 0; i < n; i++)
    back_first[i + 2] += back_first[i + 1]; /* now back_first[i + 1] is where those of rule i begin */
  for (size_t i = 0; i < n; i++)
    for (size_t k = first[i]; k < first[i + 1]; k++)
      back[back_first[edges[k] + 1]++] = (uint32_t) i;
  for (size_t i = 0; i < n; i++)
    if (!left[i])
      done[n_done++] = (uint32_t) i;
  for (size_t d = 0; d < n_done; d++)
    for (size_t k = back_first[done[d]]; k < back_first[done[d] + 1]; k++)
      if (--left[back[k]] == 0)
        done[n_done++] = back[k];
  if (n_done < n) {
    uint32_t rule = 0;
    while (!left[rule])
      rule++;
    for (size_t walked = 0; walked <= n; walked++) { /* after so many steps it stands in a ring */
      size_t k = first[rule];
      while (!left[edges[k]])
        k++;
      rule = edges[k];
    }
    const QeRule *r = &c->rules->rules[rule];
    *culprit = rule;
    c->status = qe_fail (c->err, QE_ERROR_UNSUPPORTED,
                         "The rule “%.*s” of the grammar begins with itself. Write such a repetition with * or +.",
                         r->length < 60 ? (int) r->length : 60, r->name);
  }
out:
  free (first);
  free (left);
  free (edges);
  free (back);
  free (back_first);
  free (done);
}

/* Returns whether any one plain character is a text of the node. */
static bool
takes_plain (const QeRules *rules, uint32_t i, int depth)
{
  static const QeCodeRange plain[] = {
    { 0x20, 0x21 }, { 0x23, 0x5b }, { 0x5d, 0x7e }, { 0x80, 0xd7ff }, { 0xe000, 0x10ffff },
  };
  const QeNode *node = &rules->nodes[i];
  if (depth == 0)
    return false;
  if (node->kind == QE_NODE_RULE)
    return takes_plain (rules, rules->rules[node->at].node, depth - 1);
  if (node->kind == QE_NODE_SEQUENCE)
    return node->child != QE_NO_NODE && rules->nodes[node->child].next == QE_NO_NODE
           && takes_plain (rules, node->child, depth - 1);
  if (node->kind == QE_NODE_CHOICE) {
    for (i = node->child; i != QE_NO_NODE; i = rules->nodes[i].next)
      if (takes_plain (rules, i, depth - 1))
        return true;
    return false;
  }
  if (node->kind != QE_NODE_CLASS)
    return false;
  size_t found = 0;
  for (uint32_t k = 0; k < node->n; k++)
    for (size_t j = 0; j < sizeof plain / sizeof *plain; j++)
      found += rules->ranges[node->at + k].low <= plain[j].low && rules->ranges[node->at + k].high >= plain[j].high;
  return found == sizeof plain / sizeof *plain;
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

static uint32_t
add_step (Compiler *c, QeStep step)
{
  QeProgram *p = c->program;
  if (c->status != QE_OK)
    return 0;
  if (p->n_steps == MAX_STEPS)
    return compiler_too_large (c);
  if (!qe_grow ((void **) &p->steps, &p->step_capacity, p->n_steps, sizeof *p->steps, MAX_STEPS))
    return compiler_fail (c, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
  p->steps[p->n_steps] = step;
  return (uint32_t) p->n_steps++;
}

/* Adds a step that takes a byte of the set. Sets are looked for among the newest, which is where equal ones are. */
static uint32_t
add_byte_step (Compiler *c, const QeByteSet *set, uint32_t next)
{
  QeProgram *p = c->program;
  size_t i = p->n_sets;
  while (i > 0 && p->n_sets - i < 64 && memcmp (&p->sets[i - 1], set, sizeof *set) != 0)
    i--;
  if (i == 0 || p->n_sets - i == 64) {
    if (!qe_grow ((void **) &p->sets, &p->set_capacity, p->n_sets, sizeof *p->sets, MAX_STEPS))
      return compiler_fail (c, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
    p->sets[p->n_sets++] = *set;
    i = p->n_sets;
  }
  return add_step (c, (QeStep) { .kind = QE_STEP_BYTE, .set = (uint32_t) i - 1, .next = next });
}

static void
add_bytes (QeByteSet *set, unsigned low, unsigned high)
{
  for (unsigned byte = low; byte <= high; byte++)
    set->bits[byte / 64] |= UINT64_C (1) << (byte % 64);
}

/* The first bytes of a class's characters, by what comes after them. */
#define MAX_HEADS 4096
typedef struct {
  QeByteSet set;
  uint32_t next;
} Head;

typedef struct {
  Compiler *c;
  Head *heads;
  size_t n_heads, capacity;
  size_t first_step; /* of this class: equal steps among those are used again */
  uint32_t next;
} ClassCompiler;

static uint32_t
tail_step (ClassCompiler *k, unsigned low, unsigned high, uint32_t next)
{
  const QeProgram *p = k->c->program;
  QeByteSet set = { 0 };
  add_bytes (&set, low, high);
  for (size_t i = k->first_step; i < p->n_steps; i++)
    if (p->steps[i].next == next && memcmp (&p->sets[p->steps[i].set], &set, sizeof set) == 0)
      return (uint32_t) i;
  return add_byte_step (k->c, &set, next);
}

/* Adds the characters from low to high, all of `length` bytes, by splitting them until each byte has a range of its own. */
static void
add_characters (ClassCompiler *k, uint32_t low, uint32_t high, unsigned length)
{
  for (unsigned i = 1; i < length; i++) {
    const uint32_t mask = (UINT32_C (1) << (6 * i)) - 1;
    if ((low & ~mask) == (high & ~mask))
      continue;
    if (low & mask) {
      add_characters (k, low, low | mask, length);
      add_characters (k, (low | mask) + 1, high, length);
      return;
    }
    if ((high & mask) != mask) {
      add_characters (k, low, (high & ~mask) - 1, length);
      add_characters (k, high & ~mask, high, length);
      return;
    }
  }
  uint32_t next = k->next;
  for (unsigned i = 0; i + 1 < length; i++)
    next = tail_step (k, 0x80 | (low >> (6 * i) & 0x3f), 0x80 | (high >> (6 * i) & 0x3f), next);
  const unsigned mark = length == 1 ? 0 : length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0;
  /* Heads with the same rest behind them are one. */
  size_t i = 0;
  while (i < k->n_heads && k->heads[i].next != next)
    i++;
  if (i == k->n_heads) {
    if (!qe_grow ((void **) &k->heads, &k->capacity, k->n_heads, sizeof *k->heads, MAX_HEADS)) {
      compiler_too_large (k->c);
      return;
    }
    k->heads[k->n_heads++] = (Head) { .next = next };
  }
  add_bytes (&k->heads[i].set, mark | low >> (6 * (length - 1)), mark | high >> (6 * (length - 1)));
}

static uint32_t
compile_class (Compiler *c, const QeNode *node, uint32_t next)
{
  static const QeCodeRange lengths[] = {
    { 0, 0x7f }, { 0x80, 0x7ff }, { 0x800, 0xd7ff }, { 0xe000, 0xffff }, { 0x10000, 0x10ffff },
  };
  static const unsigned n_bytes[] = { 1, 2, 3, 3, 4 };
  ClassCompiler k = { .c = c, .first_step = c->program->n_steps, .next = next };
  uint32_t entry = 0;
  for (uint32_t i = 0; i < node->n && c->status == QE_OK; i++) {
    const QeCodeRange range = c->rules->ranges[node->at + i];
    for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
      const uint32_t low = range.low > lengths[j].low ? range.low : lengths[j].low;
      const uint32_t high = range.high < lengths[j].high ? range.high : lengths[j].high;
      if (low <= high)
        add_characters (&k, low, high, n_bytes[j]);
    }
  }
  for (size_t i = 0; i < k.n_heads && c->status == QE_OK; i++) {
    const uint32_t step = add_byte_step (c, &k.heads[i].set, k.heads[i].next);
    entry = i ? add_step (c, (QeStep) { .kind = QE_STEP_SPLIT, .next = step, .other = entry }) : step;
  }
  free (k.heads);
  return entry;
}

/* Returns the step where the node begins. What has no text is never compiled. */
static uint32_t
compile_node (Compiler *c, uint32_t i, uint32_t next)
{
  const QeNode *nodes = c->rules->nodes, *node = &nodes[i];
  const size_t first = c->n_pending;
  uint32_t entry = 0;
  bool found = false;
  if (c->status != QE_OK)
    return 0;
  switch (node->kind) {
  case QE_NODE_TEXT:
    for (uint32_t k = node->n; k-- > 0;) {
      QeByteSet set = { 0 };
      const uint8_t byte = (uint8_t) c->rules->literals.data[node->at + k];
      add_bytes (&set, byte, byte);
      next = add_byte_step (c, &set, next);
    }
    return next;
  case QE_NODE_CLASS: return compile_class (c, node, next);
  case QE_NODE_RULE: return add_step (c, (QeStep) { .kind = QE_STEP_CALL, .next = next, .other = node->at });
  case QE_NODE_REPEAT: {
    uint32_t min = node->min;
    if (!has_text (c, node->child))
      return next; /* no round is possible, and none is asked for */
    if (may_be_empty (c, node->child)) {
      if (node->max != QE_UNLIMITED && node->max > MAX_EMPTY_ROUNDS)
        return compiler_fail (c, QE_ERROR_UNSUPPORTED,
                              "Something that may be empty is repeated up to more than 64 times in the grammar.");
      min = 0; /* rounds that are asked for may be empty */
    }
    if (node->max == 1) {
      const uint32_t once = compile_node (c, node->child, next);
      return min ? once : add_step (c, (QeStep) { .kind = QE_STEP_SPLIT, .next = once, .other = next });
    }
    return add_step (c, (QeStep) { .kind = QE_STEP_LOOP,
                                   .plain = takes_plain (c->rules, node->child, 8),
                                   .next = next,
                                   .other = compile_node (c, node->child, 0),
                                   .min = min,
                                   .max = node->max });
  }
  case QE_NODE_GUARDED:
    next = add_step (c, (QeStep) { .kind = QE_STEP_GUARD, .next = next });
    next = compile_node (c, node->child, next);
    return add_step (c, (QeStep) { .kind = QE_STEP_GUARD, .next = next, .min = 1 });
  case QE_NODE_CHOICE:
    for (i = node->child; i != QE_NO_NODE && c->status == QE_OK; i = nodes[i].next) {
      if (!has_text (c, i))
        continue;
      const uint32_t way = compile_node (c, i, next);
      entry = found ? add_step (c, (QeStep) { .kind = QE_STEP_SPLIT, .next = way, .other = entry }) : way;
      found = true;
    }
    return entry;
  case QE_NODE_SEQUENCE:
    for (i = node->child; i != QE_NO_NODE; i = nodes[i].next) {
      if (!qe_grow ((void **) &c->pending, &c->pending_capacity, c->n_pending, sizeof *c->pending, MAX_STEPS))
        return compiler_too_large (c);
      c->pending[c->n_pending++] = i;
    }
    while (c->n_pending > first)
      next = compile_node (c, c->pending[--c->n_pending], next);
    return next;
  }
  return 0;
}

QeStatus
qe_program_compile (QeProgram *out, const QeRules *rules, uint32_t *culprit, QeError *err)
{
  uint32_t ignored;
  Compiler c = { .rules = rules, .program = out, .err = err };
  *out = (QeProgram) { .avoided = rules->avoided };
  culprit = culprit ? culprit : &ignored;
  *culprit = QE_NO_NODE;
  if (rules->tokens.size > 0)
    qe_buffer_add (&out->tokens, rules->tokens.data, rules->tokens.size);
  c.may_be_empty = calloc (rules->n_rules, 1);
  c.has_text = calloc (rules->n_rules, 1);
  c.entry = calloc (rules->n_rules, sizeof *c.entry);
  if (!c.may_be_empty || !c.has_text || !c.entry || out->tokens.failed)
    compiler_fail (&c, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
  /* All rules are looked at until nothing changes, in both directions in turn, because what a rule needs mostly stands all
   * before or all behind it. */
  const size_t n = rules->n_rules;
  bool changed = true;
  for (size_t round = 0; changed && c.status == QE_OK; round++) {
    changed = false;
    for (size_t k = 0; k < n && c.status == QE_OK; k++) {
      const size_t i = round % 2 ? n - 1 - k : k;
      const uint32_t node = rules->rules[i].node;
      if (!c.may_be_empty[i] && may_be_empty (&c, node))
        c.may_be_empty[i] = changed = true;
      if (!c.has_text[i] && has_text (&c, node))
        c.has_text[i] = changed = true;
      if (c.work > MAX_WORK)
        compiler_fail (&c, QE_ERROR_UNSUPPORTED, "The grammar is too complicated.");
    }
  }
  if (c.status == QE_OK)
    refuse_left_recursion (&c, culprit);
  if (c.status == QE_OK && !c.has_text[rules->root])
    compiler_fail (&c, QE_ERROR_ARGUMENT, "No text can follow the grammar: its rules never come to an end.");
  if (c.status == QE_OK) {
    add_step (&c, (QeStep) { .kind = QE_STEP_END });
    for (size_t i = 0; i < rules->n_rules && c.status == QE_OK; i++)
      if (c.has_text[i])
        c.entry[i] = compile_node (&c, rules->rules[i].node, 0);
    for (size_t i = 0; i < out->n_steps; i++)
      if (out->steps[i].kind == QE_STEP_CALL)
        out->steps[i].other = c.entry[out->steps[i].other];
    QeByteSet line_end = { 0 };
    add_bytes (&line_end, '\n', '\n');
    const uint32_t round = add_byte_step (&c, &line_end, 0);
    out->start[0] = c.entry[rules->root];
    out->start[1] =
        add_step (&c, (QeStep) { .kind = QE_STEP_LOOP, .next = out->start[0], .other = round, .min = 0, .max = 2 });
  }
  free (c.may_be_empty);
  free (c.has_text);
  free (c.entry);
  free (c.pending);
  if (c.status != QE_OK)
    qe_program_clear (out);
  return c.status;
}

void
qe_program_clear (QeProgram *program)
{
  free (program->steps);
  free (program->sets);
  qe_buffer_clear (&program->tokens);
  *program = (QeProgram) { 0 };
}
