/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Follows a text through a program and says which tokens may come next.
 *
 * The program is nondeterministic and has a stack. A thread is a step that waits for a byte together with a stack; a state
 * is a set of threads, all that the text so far leaves open. Stacks share their lower frames, and equal ones are one and
 * the same, so that equal states can be found again: then what was worked out for them, the state behind each byte and the
 * mask of tokens, is there. In this way a deterministic automaton arises, of which only the part that is used exists.
 *
 * A mask is worked out by walking through the tree of all tokens with that automaton. In the middle of a JSON string nearly
 * all tokens are allowed; where a loop over plain characters is open (qe-token-trie.h), they need not be walked through.
 *
 * A thread in a guarded part of the grammar carries how much of the text to be avoided it has just spelt, and ends where it would
 * spell all of it. */
#include "sampler/qe-grammar-private.h"

#include "format/tokenizer/qe-token-trie.h"
#include "qe-error.h"

#include <stdlib.h>
#include <string.h>

#define DEAD 1                /* the state from which nothing is possible; 0 stands for one that is not known yet */
#define NO_STACK 0            /* the frame below all others */
#define MAX_VISITS (1u << 14) /* steps that a byte may lead to at once */
#define VISIT_SLOTS (1u << 15)
#define MAX_STACK 20000        /* frames in one another */
#define MANY_TABLES (1u << 14) /* of 1 KB each; above this, all states are forgotten behind the next token */
#define MANY_FRAMES (1u << 17)
#define MAX_WORK (1u << 25) /* steps that a mask may take */
#define N_MASKS 192
#define LEAST_PLAIN 16 /* for a loop of fewer characters, walking is as fast */

typedef struct {
  uint32_t step, count; /* where to go on; rounds done, of a loop */
  uint32_t below;       /* a frame with a smaller number */
  uint32_t depth;
} Frame;

typedef struct {
  uint32_t step : 24,
      guard : 8; /* guard: 0 outside of guarded parts; else 1 + the bytes spelt of what is to be avoided */
  uint32_t stack;
} Thread;

typedef struct {
  uint32_t first, n; /* threads */
  uint32_t hash;
  uint32_t plain; /* so many plain characters may follow, at least */
  uint32_t mask;  /* its number, or N_MASKS */
  bool may_end;
  uint32_t *after; /* [256]: the state behind each byte; NULL while none is known */
} State;

typedef struct {
  uint64_t *bits;
  int32_t few[QE_GRAMMAR_FEW];
  QeGrammarMask mask;
  uint32_t state; /* 0: free */
  uint64_t used;  /* when */
} Mask;

typedef struct {
  uint32_t step : 24, guard : 8;
  uint32_t count, stack, stamp;
} Visit;

struct QeGrammar {
  QeProgram program;
  const QeTokenizer *tokenizer;
  const QeTokenTrie *trie;
  int32_t tokens[QE_MAX_TOKENS]; /* that the grammar names */
  size_t n_tokens;
  int32_t *spelling; /* [n_spelling]: plain tokens that hold all of the text to be avoided */
  size_t n_spelling;
  Frame *frames;
  uint32_t *frame_slots; /* a hash table of frames; 0: free */
  Thread *threads;
  State *states;
  uint32_t *state_slots; /* a hash table of states; 0: free */
  size_t n_frames, frame_capacity, n_frame_slots;
  size_t n_threads, thread_capacity;
  size_t n_states, state_capacity, n_state_slots;
  size_t n_tables;       /* number of State.after */
  Visit *visits, *queue; /* [VISIT_SLOTS], a hash table; [MAX_VISITS] */
  uint32_t stamp;
  uint32_t current; /* the state */
  size_t work;
  Mask masks[N_MASKS];
  uint64_t clock, serial;
  QeError problem;
};

static void
grammar_fail (QeGrammar *g, QeStatus status, const char *what)
{
  if (g->problem.status == QE_OK)
    qe_fail (&g->problem, status, "%s", what);
  g->problem.status = status;
}

static void
grammar_no_memory (QeGrammar *g)
{
  grammar_fail (g, QE_ERROR_MEMORY, "There is not enough memory to follow the grammar.");
}

static void
grammar_too_complicated (QeGrammar *g)
{
  grammar_fail (g, QE_ERROR_ARGUMENT, "The grammar leaves too many ways open at once. Make its rules simpler.");
}

static uint32_t
hash_words (const uint32_t *words, size_t n)
{
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++) {
    h = (h ^ words[i]) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return (uint32_t) h;
}

/* ---- stacks ---------------------------------------------------------------------------------------------------- */

static uint32_t
hash_frame (const Frame *f)
{
  return hash_words ((const uint32_t[]) { f->step, f->count, f->below }, 3);
}

/* Returns the stack with one more frame on it; NO_STACK if that cannot be. */
static uint32_t
push_frame (QeGrammar *g, uint32_t step, uint32_t count, uint32_t below)
{
  const Frame f = { step, count, below, g->frames[below].depth + 1 };
  if (f.depth > MAX_STACK) {
    grammar_fail (g, QE_ERROR_ARGUMENT, "The text is nested too deeply.");
    return NO_STACK;
  }
  if ((g->n_frames + 1) * 2 > g->n_frame_slots) {
    const size_t n = g->n_frame_slots ? g->n_frame_slots * 2 : 1024;
    uint32_t *slots = calloc (n, sizeof *slots);
    if (!slots) {
      grammar_no_memory (g);
      return NO_STACK;
    }
    for (uint32_t i = 1; i < g->n_frames; i++) {
      size_t slot = hash_frame (&g->frames[i]) & (n - 1);
      while (slots[slot])
        slot = (slot + 1) & (n - 1);
      slots[slot] = i;
    }
    free (g->frame_slots);
    g->frame_slots = slots;
    g->n_frame_slots = n;
  }
  size_t at = hash_frame (&f) & (g->n_frame_slots - 1);
  for (; g->frame_slots[at]; at = (at + 1) & (g->n_frame_slots - 1)) {
    const Frame *other = &g->frames[g->frame_slots[at]];
    if (other->step == step && other->count == count && other->below == below)
      return g->frame_slots[at];
  }
  if (!qe_grow ((void **) &g->frames, &g->frame_capacity, g->n_frames, sizeof *g->frames, UINT32_MAX)) {
    grammar_no_memory (g);
    return NO_STACK;
  }
  g->frames[g->n_frames] = f;
  g->frame_slots[at] = (uint32_t) g->n_frames;
  return (uint32_t) g->n_frames++;
}

/* ---- states ---------------------------------------------------------------------------------------------------- */

static int
compare_thread (const void *a, const void *b)
{
  const Thread *x = a, *y = b;
  if (x->step != y->step)
    return x->step < y->step ? -1 : 1;
  return x->stack != y->stack ? (x->stack < y->stack ? -1 : 1) : (x->guard > y->guard) - (x->guard < y->guard);
}

/* Returns the state of the newest threads, those from `first` on. If it exists already, they are taken off again. */
static uint32_t
find_state (QeGrammar *g, size_t first, bool may_end, uint32_t plain)
{
  Thread *threads = g->threads + first;
  const size_t n = g->n_threads - first;
  if (n > 1)
    qsort (threads, n, sizeof *threads, compare_thread);
  const uint32_t hash = hash_words ((const uint32_t *) threads, 2 * n) + may_end;
  if ((g->n_states + 1) * 2 > g->n_state_slots) {
    const size_t n_slots = g->n_state_slots ? g->n_state_slots * 2 : 256;
    uint32_t *slots = calloc (n_slots, sizeof *slots);
    if (!slots) {
      grammar_no_memory (g);
      return DEAD;
    }
    for (uint32_t i = DEAD; i < g->n_states; i++) {
      size_t slot = g->states[i].hash & (n_slots - 1);
      while (slots[slot])
        slot = (slot + 1) & (n_slots - 1);
      slots[slot] = i;
    }
    free (g->state_slots);
    g->state_slots = slots;
    g->n_state_slots = n_slots;
  }
  size_t at = hash & (g->n_state_slots - 1);
  for (; g->state_slots[at]; at = (at + 1) & (g->n_state_slots - 1)) {
    const State *s = &g->states[g->state_slots[at]];
    if (s->hash == hash && s->n == n && s->may_end == may_end
        && (n == 0 || memcmp (g->threads + s->first, threads, n * sizeof *threads) == 0)) {
      g->n_threads = first;
      return g->state_slots[at];
    }
  }
  if (!qe_grow ((void **) &g->states, &g->state_capacity, g->n_states, sizeof *g->states, UINT32_MAX)) {
    grammar_no_memory (g);
    return DEAD;
  }
  g->states[g->n_states] = (State) {
    .first = (uint32_t) first, .n = (uint32_t) n, .hash = hash, .plain = plain, .mask = N_MASKS, .may_end = may_end
  };
  g->state_slots[at] = (uint32_t) g->n_states;
  return (uint32_t) g->n_states++;
}

/* Queues a step that the text has reached, unless it was queued before. */
static void
visit (QeGrammar *g, size_t *n, uint32_t step, uint32_t count, uint32_t stack, uint8_t guard)
{
  size_t at = hash_words ((const uint32_t[]) { step | (uint32_t) guard << 24, count, stack }, 3) & (VISIT_SLOTS - 1);
  for (; g->visits[at].stamp == g->stamp; at = (at + 1) & (VISIT_SLOTS - 1))
    if (g->visits[at].step == step && g->visits[at].guard == guard && g->visits[at].count == count
        && g->visits[at].stack == stack)
      return;
  if (*n == MAX_VISITS) {
    grammar_too_complicated (g);
    return;
  }
  g->visits[at] = g->queue[(*n)++] = (Visit) { step & 0xffffff, guard, count, stack, g->stamp };
}

/* Begins a new set of visits. */
static void
clear_visits (QeGrammar *g)
{
  if (++g->stamp == 0) { /* the stamps of all slots have been in use once */
    memset (g->visits, 0, VISIT_SLOTS * sizeof *g->visits);
    g->stamp = 1;
  }
}

/* Goes on from the queued steps up to those that wait for a byte, and returns the state that they make. */
static uint32_t
close_visits (QeGrammar *g, size_t n)
{
  const QeStep *steps = g->program.steps;
  const size_t first = g->n_threads;
  uint32_t plain = 0, frame;
  bool may_end = false;
  for (size_t i = 0; i < n && g->problem.status == QE_OK; i++) {
    const Visit v = g->queue[i];
    const QeStep *s = &steps[v.step];
    switch (s->kind) {
    case QE_STEP_END:
      if (v.stack == NO_STACK)
        may_end = true;
      else
        visit (g, &n, g->frames[v.stack].step, g->frames[v.stack].count, g->frames[v.stack].below, v.guard);
      break;
    case QE_STEP_BYTE:
      if (qe_grow ((void **) &g->threads, &g->thread_capacity, g->n_threads, sizeof *g->threads, UINT32_MAX))
        g->threads[g->n_threads++] = (Thread) { v.step, v.guard, v.stack };
      else
        grammar_no_memory (g);
      break;
    case QE_STEP_SPLIT:
      visit (g, &n, s->next, 0, v.stack, v.guard);
      visit (g, &n, s->other, 0, v.stack, v.guard);
      break;
    case QE_STEP_CALL: /* a call at the end of a rule needs no frame to come back to */
      frame = s->next ? push_frame (g, s->next, 0, v.stack) : v.stack;
      visit (g, &n, s->other, 0, frame, v.guard);
      break;
    case QE_STEP_GUARD: visit (g, &n, s->next, 0, v.stack, s->min ? 1 : 0); break;
    case QE_STEP_LOOP:
      if (v.count >= s->min)
        visit (g, &n, s->next, 0, v.stack, v.guard);
      if (v.count == s->max)
        break;
      frame = push_frame (g, v.step, s->max == QE_UNLIMITED && v.count >= s->min ? v.count : v.count + 1, v.stack);
      visit (g, &n, s->other, 0, frame, v.guard);
      if (s->plain && v.guard <= 1) {
        const uint32_t rounds = s->max == QE_UNLIMITED ? QE_UNLIMITED : s->max - v.count;
        plain = rounds > plain ? rounds : plain;
      }
      break;
    }
  }
  g->work += n;
  if (g->problem.status != QE_OK) {
    g->n_threads = first;
    return DEAD;
  }
  return find_state (g, first, may_end, plain);
}

/* Returns a thread's guard behind a byte; SPELT if it has spelt what is to be avoided. */
#define SPELT UINT8_MAX
static uint8_t
guard_after (const QeGrammar *g, uint8_t guard, uint8_t byte)
{
  const char *avoided = g->program.avoided;
  if (!guard)
    return 0;
  if (byte != (uint8_t) avoided[guard - 1])
    return byte == (uint8_t) *avoided ? 2 : 1;
  return avoided[guard] ? (uint8_t) (guard + 1) : SPELT;
}

static uint32_t
find_after (QeGrammar *g, uint32_t state, uint8_t byte)
{
  size_t n = 0;
  if (g->work > MAX_WORK)
    grammar_too_complicated (g);
  if (g->problem.status != QE_OK)
    return DEAD;
  if (!g->states[state].after) {
    if (!(g->states[state].after = calloc (256, sizeof (uint32_t)))) {
      grammar_no_memory (g);
      return DEAD;
    }
    g->n_tables++;
  }
  clear_visits (g);
  for (uint32_t i = 0; i < g->states[state].n; i++) {
    const Thread t = g->threads[g->states[state].first + i];
    const QeStep *s = &g->program.steps[t.step];
    const uint8_t guard = guard_after (g, t.guard, byte);
    if (guard != SPELT && qe_byte_set_has (&g->program.sets[s->set], byte))
      visit (g, &n, s->next, 0, t.stack, guard);
  }
  g->work += g->states[state].n;
  const uint32_t after = n ? close_visits (g, n) : DEAD;
  g->states[state].after[byte] = after;
  return after;
}

/* Returns the state behind a byte. */
static inline uint32_t
advance (QeGrammar *g, uint32_t state, uint8_t byte)
{
  const uint32_t *known = g->states[state].after;
  return known && known[byte] ? known[byte] : find_after (g, state, byte);
}

static uint32_t
advance_text (QeGrammar *g, uint32_t state, const char *text, size_t length)
{
  for (size_t i = 0; i < length && state != DEAD; i++)
    state = advance (g, state, (uint8_t) text[i]);
  return state;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/* Forgets all states but the dead one. */
static void
clear_states (QeGrammar *g)
{
  for (size_t i = DEAD; i < g->n_states; i++)
    free (g->states[i].after);
  if (g->n_state_slots)
    memset (g->state_slots, 0, g->n_state_slots * sizeof *g->state_slots);
  for (size_t i = 0; i < N_MASKS; i++)
    g->masks[i].state = 0;
  g->n_threads = g->n_tables = 0;
  g->n_states = DEAD;
  find_state (g, 0, false, 0);
}

/* Forgets all states and frames but those of the current state, so that long texts do not pile them up. */
static void
forget (QeGrammar *g)
{
  const State s = g->states[g->current];
  Thread *kept = malloc ((s.n + 1) * sizeof *kept);
  uint32_t *number = calloc (g->n_frames, sizeof *number); /* the new one of a frame that is kept */
  const size_t n_frames = g->n_frames;
  if (!kept || !number) {
    grammar_no_memory (g);
  } else {
    memcpy (kept, g->threads + s.first, s.n * sizeof *kept);
    for (uint32_t i = 0; i < s.n; i++)
      for (uint32_t f = kept[i].stack; f != NO_STACK && !number[f]; f = g->frames[f].below)
        number[f] = 1;
    memset (g->frame_slots, 0, g->n_frame_slots * sizeof *g->frame_slots);
    g->n_frames = 1;
    for (size_t f = 1; f < n_frames; f++) { /* they move down, over frames that were looked at before */
      const Frame frame = g->frames[f];
      if (number[f])
        number[f] = push_frame (g, frame.step, frame.count, number[frame.below]);
    }
    clear_states (g);
    for (uint32_t i = 0; i < s.n; i++)
      g->threads[g->n_threads++] = (Thread) { kept[i].step, kept[i].guard, number[kept[i].stack] };
    g->current = find_state (g, 0, s.may_end, s.plain);
  }
  free (kept);
  free (number);
}

/* Looks up the tokens that the program names. */
static QeStatus
find_tokens (QeGrammar *g, QeError *err)
{
  const QeBuffer *names = &g->program.tokens;
  for (size_t at = 0; g->tokenizer && at < names->size; at += strlen (names->data + at) + 1) {
    const int32_t token = qe_tokenizer_find (g->tokenizer, names->data + at);
    if (token < 0 || qe_tokenizer_ends_generation (g->tokenizer, token))
      return qe_fail (
          err, QE_ERROR_ARGUMENT,
          "The grammar names “%.60s”, which is no token of this model with a meaning of its own, or ends the text.",
          names->data + at);
    g->tokens[g->n_tokens++] = token;
  }
  return QE_OK;
}

/* Finds the plain tokens that spell all of what is to be avoided. */
static QeStatus
find_spelling_tokens (QeGrammar *g, QeError *err)
{
  const char *avoided = g->program.avoided;
  if (!avoided || !g->trie)
    return QE_OK;
  const size_t n_longer = g->trie->n_longer[strlen (avoided) - 1];
  size_t capacity = 0, length;
  bool is_control;
  for (size_t i = 0; i < n_longer; i++) {
    const char *text = qe_tokenizer_token (g->tokenizer, g->trie->by_length[i], &length, &is_control);
    if (!memmem (text, length, avoided, strlen (avoided)))
      continue;
    if (!qe_grow ((void **) &g->spelling, &capacity, g->n_spelling, sizeof *g->spelling, SIZE_MAX))
      return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
    g->spelling[g->n_spelling++] = g->trie->by_length[i];
  }
  return QE_OK;
}

QeStatus
qe_grammar_new (QeGrammar **out, const QeTokenizer *tokenizer, QeProgram *program, QeError *err)
{
  QeGrammar *g = calloc (1, sizeof *g);
  *out = NULL;
  if (!g) {
    qe_program_clear (program);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
  }
  g->program = *program;
  *program = (QeProgram) { 0 };
  g->tokenizer = tokenizer;
  g->trie = tokenizer ? qe_tokenizer_trie (tokenizer) : NULL;
  g->visits = calloc (VISIT_SLOTS, sizeof *g->visits);
  g->queue = malloc (MAX_VISITS * sizeof *g->queue);
  g->n_frames = 1;
  if (!g->visits || !g->queue || (tokenizer && !g->trie)
      || !qe_grow ((void **) &g->frames, &g->frame_capacity, 0, sizeof *g->frames, UINT32_MAX)
      || !qe_grow ((void **) &g->threads, &g->thread_capacity, 0, sizeof *g->threads, UINT32_MAX)) {
    qe_grammar_free (g);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the grammar.");
  }
  g->frames[NO_STACK] = (Frame) { 0 };
  clear_states (g);
  qe_grammar_restart (g, false);
  QeStatus status = qe_grammar_problem (g, err);
  if (status == QE_OK)
    status = find_tokens (g, err);
  if (status == QE_OK)
    status = find_spelling_tokens (g, err);
  if (status == QE_OK)
    *out = g;
  else
    qe_grammar_free (g);
  return status;
}

QeStatus
qe_grammar_from_gbnf_for (QeGrammar **out, const QeTokenizer *tokenizer, const char *text, size_t length, QeError *err)
{
  QeRules rules;
  QeProgram program;
  *out = NULL;
  QeStatus status = qe_rules_parse (&rules, text, length, NULL, err);
  if (status == QE_OK) {
    status = qe_program_compile (&program, &rules, NULL, err);
    qe_rules_clear (&rules);
  }
  return status == QE_OK ? qe_grammar_new (out, tokenizer, &program, err) : status;
}

void
qe_grammar_free (QeGrammar *g)
{
  if (!g)
    return;
  for (size_t i = DEAD; i < g->n_states; i++)
    free (g->states[i].after);
  for (size_t i = 0; i < N_MASKS; i++)
    free (g->masks[i].bits);
  qe_program_clear (&g->program);
  free (g->frames);
  free (g->frame_slots);
  free (g->threads);
  free (g->states);
  free (g->state_slots);
  free (g->visits);
  free (g->queue);
  free (g->spelling);
  free (g);
}

void
qe_grammar_restart (QeGrammar *g, bool line_ends)
{
  size_t n = 0;
  if (g->problem.status != QE_OK) { /* what was found out then may be wrong */
    g->problem = (QeError) { 0 };
    clear_states (g);
  }
  clear_visits (g);
  visit (g, &n, g->program.start[line_ends], 0, NO_STACK, 0);
  g->current = close_visits (g, n);
}

QeStatus
qe_grammar_problem (const QeGrammar *g, QeError *err)
{
  return g->problem.status == QE_OK ? QE_OK : qe_fail (err, g->problem.status, "%s", g->problem.message);
}

/* ---- masks ----------------------------------------------------------------------------------------------------- */

/* Returns the state behind a token. One that ends generation leaves it as it is, if the text may end. */
static uint32_t
advance_token (QeGrammar *g, uint32_t state, int32_t token)
{
  size_t length;
  bool is_control;
  if (qe_tokenizer_ends_generation (g->tokenizer, token))
    return g->states[state].may_end ? state : DEAD;
  if (token < 0 || (size_t) token >= g->trie->n_rows)
    return DEAD;
  if (!(g->trie->ordinary[token / 64] >> (token % 64) & 1)) {
    size_t i = 0;
    while (i < g->n_tokens && g->tokens[i] != token)
      i++;
    return i < g->n_tokens ? advance_text (g, state, (const char[]) { (char) QE_TOKEN_MARK, (char) i }, 2) : DEAD;
  }
  const char *text = qe_tokenizer_token (g->tokenizer, token, &length, &is_control);
  return advance_text (g, state, text, length);
}

static void
walk_trie (QeGrammar *g, uint32_t state, const QeTrie *trie, uint64_t *bits)
{
  uint32_t states[QE_TRIE_DEPTH + 1] = { state };
  for (size_t i = 0; i < trie->n;) {
    const QeTrieNode *node = &trie->nodes[i];
    const uint32_t after = advance (g, states[node->depth], node->byte);
    if (after == DEAD) {
      i = node->skip;
      continue;
    }
    if (node->token >= 0)
      bits[node->token / 64] |= UINT64_C (1) << (node->token % 64);
    if (node->skip > i + 1)
      states[node->depth + 1] = after;
    i++;
  }
}

static void
compute_mask (QeGrammar *g, uint32_t state, Mask *m)
{
  const QeTokenTrie *trie = g->trie;
  const uint32_t plain = g->states[state].plain;
  size_t n = 0;
  if (plain >= LEAST_PLAIN) {
    /* The loop takes every plain token of so many characters; longer ones are tried, and those that a guard may forbid. */
    const size_t n_longer = plain > QE_TRIE_DEPTH ? 0 : trie->n_longer[plain];
    memcpy (m->bits, trie->plain, trie->n_words * sizeof *m->bits);
    for (size_t i = 0; i < n_longer; i++) {
      const int32_t token = trie->by_length[i];
      if (advance_token (g, state, token) == DEAD)
        m->bits[token / 64] &= ~(UINT64_C (1) << (token % 64));
    }
    for (size_t i = 0; i < g->n_spelling; i++)
      if (advance_token (g, state, g->spelling[i]) == DEAD)
        m->bits[g->spelling[i] / 64] &= ~(UINT64_C (1) << (g->spelling[i] % 64));
    walk_trie (g, state, &trie->others, m->bits);
  } else {
    memset (m->bits, 0, trie->n_words * sizeof *m->bits);
    walk_trie (g, state, &trie->all, m->bits);
  }
  for (size_t i = 0; i < g->n_tokens; i++)
    if (advance_token (g, state, g->tokens[i]) != DEAD)
      m->bits[g->tokens[i] / 64] |= UINT64_C (1) << (g->tokens[i] % 64);
  for (size_t i = 0; i < trie->n_ends && g->states[state].may_end; i++)
    m->bits[trie->ends[i] / 64] |= UINT64_C (1) << (trie->ends[i] % 64);
  for (size_t i = 0; i < trie->n_words; i++)
    n += (size_t) __builtin_popcountll (m->bits[i]);
  m->mask = (QeGrammarMask) { .bits = m->bits, .n_rows = trie->n_rows, .serial = ++g->serial };
  if (n > QE_GRAMMAR_FEW)
    return;
  for (size_t i = 0; i < trie->n_words; i++)
    for (uint64_t word = m->bits[i]; word; word &= word - 1)
      m->few[m->mask.n_few++] = (int32_t) (64 * i) + __builtin_ctzll (word);
  m->mask.few = m->few;
}

const QeGrammarMask *
qe_grammar_mask (QeGrammar *g)
{
  if (g->problem.status != QE_OK || !g->trie)
    return NULL;
  uint32_t i = g->states[g->current].mask;
  if (i == N_MASKS) {
    i = 0;
    for (uint32_t k = 1; k < N_MASKS; k++)
      if (g->masks[i].state && (!g->masks[k].state || g->masks[k].used < g->masks[i].used))
        i = k;
    Mask *m = &g->masks[i];
    if (m->state)
      g->states[m->state].mask = N_MASKS;
    m->state = 0;
    if (!m->bits && !(m->bits = malloc ((g->trie->n_words + 1) * sizeof *m->bits))) {
      grammar_no_memory (g);
      return NULL;
    }
    g->work = 0;
    compute_mask (g, g->current, m);
    if (g->problem.status != QE_OK)
      return NULL;
    m->state = g->current;
    g->states[g->current].mask = i;
  }
  g->masks[i].used = ++g->clock;
  return &g->masks[i].mask;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

void
qe_grammar_accept (QeGrammar *g, int32_t token)
{
  if (!g->tokenizer || g->problem.status != QE_OK)
    return;
  g->work = 0;
  g->current = advance_token (g, g->current, token);
  if (g->current == DEAD)
    grammar_fail (g, QE_ERROR_ARGUMENT, "The text does not follow the grammar.");
  else if (g->n_tables > MANY_TABLES || g->n_frames > MANY_FRAMES)
    forget (g);
}

size_t
qe_grammar_admits (QeGrammar *g, const int32_t *tokens, size_t n)
{
  uint32_t state = g->current;
  size_t i = 0;
  g->work = 0;
  for (; g->tokenizer && g->problem.status == QE_OK && i < n; i++) {
    const uint32_t after = advance_token (g, state, tokens[i]);
    if (after == DEAD)
      break;
    if (qe_tokenizer_ends_generation (g->tokenizer, tokens[i]))
      return i + 1;
    state = after;
  }
  return i;
}

bool
qe_grammar_admits_text (QeGrammar *g, const char *text, size_t length, bool *may_end)
{
  g->work = 0;
  const uint32_t state = g->problem.status == QE_OK ? advance_text (g, g->current, text, length) : DEAD;
  *may_end = g->states[state].may_end;
  return state != DEAD;
}
