/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"

#include "format/tokenizer/qe-token-trie.h"
#include "format/tokenizer/qe-tokenizer-private.h"
#include "format/tokenizer/qe-utf8.h"
#include "model/qe-model.h"
#include "sampler/qe-grammar-private.h"
#include "sampler/qe-sampler.h"

static QeGrammar *
grammar_for (const QeTokenizer *tokenizer, const char *text)
{
  QeGrammar *g = NULL;
  QeError err = { 0 };
  if (!qe_test_check (qe_grammar_from_gbnf_for (&g, tokenizer, text, strlen (text), &err) == QE_OK, __FILE__, __LINE__,
                      "%s: %s", text, err.message))
    return NULL;
  return g;
}

static const char json_grammar[] =
    "root   ::= object\n"
    "value  ::= object | array | string | number | (\"true\" | \"false\" | \"null\") ws\n"
    "object ::=\n"
    "  \"{\" ws (\n"
    "            string \":\" ws value\n"
    "    (\",\" ws string \":\" ws value)*\n"
    "  )? \"}\" ws\n"
    "array  ::=\n"
    "  \"[\" ws (\n"
    "            value\n"
    "    (\",\" ws value)*\n"
    "  )? \"]\" ws\n"
    "string ::=\n"
    "  \"\\\"\" (\n"
    "    [^\"\\\\\\x7F\\x00-\\x1F] |\n"
    "    \"\\\\\" ([\"\\\\bfnrt] | \"u\" [0-9a-fA-F]{4}) # escapes\n"
    "  )* \"\\\"\" ws\n"
    "number ::= (\"-\"? ([0-9] | [1-9] [0-9]{0,15})) (\".\" [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws\n"
    "# Optional space: by convention, applied in this grammar after literal chars when allowed\n"
    "ws ::= | \" \" | \"\\n\" [ \\t]{0,20}\n";

/* Texts that follow a grammar, and such that do not. */
QE_TEST (texts)
{
  static const struct {
    const char *grammar, *yes[7], *no[7];
  } cases[] = {
    { "root ::= \"ab\" | \"cd\"", { "ab", "cd" }, { "", "a", "abc", "ac", "cb" } },
    { "root ::= \"a\"* \"b\"+ \"c\"?", { "b", "ab", "aabb", "bc" }, { "", "a", "ac", "bcc", "ba" } },
    { "root ::= \"ab\"{2,3}", { "abab", "ababab" }, { "ab", "aba", "abababab" } },
    { "root ::= [ab]{2}", { "aa", "ba" }, { "a", "aaa" } },
    { "root ::= \"a\"{2,}", { "aa", "aaaaaaa" }, { "a", "" } },
    { "root ::= \"a\"{,2}", { "", "a", "aa" }, { "aaa" } },
    { "root ::= \"a\"{0} \"b\"", { "b" }, { "ab", "" } },
    { "root ::= (\"a\"?){3} \"b\"", { "b", "ab", "aaab" }, { "aaaab" } },
    { "root ::= (\"a\"* \"b\"*)* \"c\"", { "c", "abc", "baabbac" }, { "ab", "cc" } },
    { "root ::= \"\"", { "" }, { "a" } },
    { "root ::= \"(\" root \")\" | \"x\"", { "x", "((x))" }, { "(x", "x)", "()", "((x)" } },
    { "root ::= \"a\" root \"b\" |", { "", "ab", "aaabbb" }, { "aab", "abb", "ba" } },
    { "root ::= item (\",\" item)*\nitem ::= [0-9]+\n", { "1", "12,3" }, { ",", "1,", "1,,2" } },
    { "root ::= \"a\" tail\ntail ::= \"b\" tail | \"c\"", { "ac", "abbbc" }, { "a", "abb" } },
    { "root ::= [^a-c\\n]", { "d", "A", "\xc3\xa4", "\xf0\x9f\x98\x80" }, { "a", "c", "\n", "", "\xc3" } },
    { "root ::= .", { "a", "\n", "\xe2\x82\xac" }, { "", "ab", "\xe2\x82" } },
    { "root ::= [\xc3\xa4-\xc3\xb6\\u20AC]", { "\xc3\xa4", "\xc3\xb5", "\xe2\x82\xac" }, { "\xc3\xb7", "a" } },
    { "root ::= \"\\x41\\u00e4\\U0001F600\\t\\\\\\\"\"", { "A\xc3\xa4\xf0\x9f\x98\x80\t\\\"" }, { "A" } },
    { "root ::= [-a] [\\]\\-^]", { "-]", "a-", "a^" }, { "b]", "a" } },
    { "# nothing\nroot ::= # first\n  (\"a\" # then\n   | \"b\")\n  | \"c\"\n\n", { "a", "b", "c" }, { "", "ab" } },
    { "root ::= a-1_B\r\na-1_B ::= \"x\"\r\n", { "x" }, { "" } },
    { "root ::= \"a\" | \"b\" never\nnever ::= \"c\" never", { "a" }, { "b", "bc" } },
    { "root ::= \"a\" (\"b\" never)* \"c\"\nnever ::= [] | \"c\" never", { "ac" }, { "ab" } },
    { json_grammar,
      { "{}", "{ \"a\":1}", "{\"a\": [1, -2.5e3, \"x\\u00e4\\n\", {}, null], \"b\":{\"c\": true}}" },
      { "", "[]", "{", "{\"a\"}", "{\"a\":01}", "{\"a\":\"\n\"}", "{} }" } },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeGrammar *g = grammar_for (NULL, cases[i].grammar);
    bool may_end;
    for (size_t k = 0; g && k < 7 && cases[i].yes[k]; k++)
      qe_test_check (qe_grammar_admits_text (g, cases[i].yes[k], strlen (cases[i].yes[k]), &may_end) && may_end,
                     __FILE__, __LINE__, "%s should take “%s”", cases[i].grammar, cases[i].yes[k]);
    for (size_t k = 0; g && k < 7 && cases[i].no[k]; k++)
      qe_test_check (!qe_grammar_admits_text (g, cases[i].no[k], strlen (cases[i].no[k]), &may_end) || !may_end,
                     __FILE__, __LINE__, "%s should not take “%s”", cases[i].grammar, cases[i].no[k]);
    qe_grammar_free (g);
  }
}

QE_TEST (mistakes)
{
  static const struct {
    const char *grammar, *said;
    QeStatus status;
  } cases[] = {
    { "", "no rule with the name “root”", QE_ERROR_FORMAT },
    { "a ::= \"b\"", "no rule with the name “root”", QE_ERROR_FORMAT },
    { "root ::= b", "no rule with the name “b”", QE_ERROR_FORMAT },
    { "root ::= \"a\"\nroot ::= \"b\"", "two rules with the name “root”", QE_ERROR_FORMAT },
    { "root ::= \"a", "Line 1 of the grammar: a literal", QE_ERROR_FORMAT },
    { "root ::= \"a\"\n\nb ::= [a", "Line 3 of the grammar: a literal or a class", QE_ERROR_FORMAT },
    { "root ::= (\"a\"", "not closed", QE_ERROR_FORMAT },
    { "root ::= \"a\")", "never opened", QE_ERROR_FORMAT },
    { "root ::= *", "was expected", QE_ERROR_FORMAT },
    { "root = \"a\"", "“::=” was expected", QE_ERROR_FORMAT },
    { "root ::= \"\\q\"", "escape is not known", QE_ERROR_FORMAT },
    { "root ::= \"\\x4\"", "too few", QE_ERROR_FORMAT },
    { "root ::= \"\\uD800\"", "no Unicode character", QE_ERROR_FORMAT },
    { "root ::= \"\xff\"", "not valid UTF-8", QE_ERROR_FORMAT },
    { "root ::= [z-a]", "ends before it begins", QE_ERROR_FORMAT },
    { "root ::= \"a\"{3,2}", "ends before it begins", QE_ERROR_FORMAT },
    { "root ::= \"a\"{x}", "is written {2}", QE_ERROR_FORMAT },
    { "root ::= \"a\"{,}", "is written {2}", QE_ERROR_FORMAT },
    { "root ::= \"a\"{0,99999999999}", "more than a million", QE_ERROR_FORMAT },
    { "root ::= <think", "a token's name has no end", QE_ERROR_FORMAT },
    { "root ::= !<think>", "was expected", QE_ERROR_FORMAT },
    { "root ::= sum\nsum ::= sum \"+\" \"1\" | \"1\"", "rule “sum” of the grammar begins with itself",
      QE_ERROR_UNSUPPORTED },
    { "root ::= a\na ::= b \"x\" | \"y\"\nb ::= c? a \"z\"\nc ::= \"c\"", "begins with itself", QE_ERROR_UNSUPPORTED },
    { "root ::= (root)* \"a\"", "rule “root” of the grammar begins with itself", QE_ERROR_UNSUPPORTED },
    { "root ::= (\"a\"?){0,65}", "may be empty", QE_ERROR_UNSUPPORTED },
    { "root ::= \"a\" root", "No text can follow", QE_ERROR_ARGUMENT },
    { "root ::= \"a\" []", "No text can follow", QE_ERROR_ARGUMENT },
    { "root ::= ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\"a\"", "too many parentheses",
      QE_ERROR_FORMAT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    QeGrammar *g = (QeGrammar *) 1;
    QeError err = { 0 };
    QE_CHECK_INT (qe_grammar_from_gbnf (&g, NULL, cases[i].grammar, strlen (cases[i].grammar), &err), ==,
                  cases[i].status);
    QE_CHECK (g == NULL);
    QE_CHECK_CONTAINS (err.message, cases[i].said);
  }
}

/* Classes of characters become sequences of bytes: checked for every character and for what is none. */
QE_TEST (utf8)
{
  QeGrammar *g = grammar_for (NULL, "root ::= [^b-y\\u0100-\\u07fe\\u0801-\\uabcd\\uffff\\U00010005-\\U000FFFFE]");
  QeGrammar *all = grammar_for (NULL, "root ::= .");
  bool may_end;
  size_t wrong = 0;
  QE_REQUIRE (g && all);
  for (uint32_t c = 0; c <= 0x10ffff; c++) {
    char text[4];
    const bool none = c >= 0xd800 && c < 0xe000; /* a surrogate has bytes that qe_utf8_put() would not write */
    const size_t n = none ? 3 : qe_utf8_put (text, c);
    if (none)
      memcpy (text, (char[]) { (char) 0xed, (char) (0x80 | (c >> 6 & 0x3f)), (char) (0x80 | (c & 0x3f)) }, 3);
    const bool excluded = (c >= 'b' && c <= 'y') || (c >= 0x100 && c <= 0x7fe) || (c >= 0x801 && c <= 0xabcd)
                          || c == 0xffff || (c >= 0x10005 && c <= 0xffffe);
    wrong += (qe_grammar_admits_text (g, text, n, &may_end) && may_end) != (!excluded && !none);
    wrong += (qe_grammar_admits_text (all, text, n, &may_end) && may_end) == none;
  }
  QE_CHECK_INT (wrong, ==, 0);
  /* every sequence of two bytes begins a character or is one exactly where the decoder says so */
  for (unsigned i = 0; i < 65536; i++) {
    const char text[2] = { (char) (i >> 8), (char) i };
    uint32_t c;
    size_t length;
    const QeUtf8 kind = qe_utf8_next (text, 2, &c, &length);
    wrong += qe_grammar_admits_text (all, text, 2, &may_end)
             != (kind == QE_UTF8_PARTIAL || (kind == QE_UTF8_OK && length == 2));
  }
  QE_CHECK_INT (wrong, ==, 0);
  qe_grammar_free (g);
  qe_grammar_free (all);
}

/* ---- a slow matcher -------------------------------------------------------------------------------------------- */

/* Finds where texts of a node that begin at `at` can end, as a set of bits, straight from the rules. */
typedef struct {
  const QeRules *rules;
  const char *text;
  unsigned n;
  uint32_t known[8][16]; /* of rules; bit 31: it is known */
} Matcher;

static uint32_t
match (Matcher *m, uint32_t node, unsigned at)
{
  const QeNode *nodes = m->rules->nodes, *n = &nodes[node];
  uint32_t ends = 0, before;
  uint32_t *known;
  switch (n->kind) {
  case QE_NODE_TEXT:
    return n->n <= m->n - at && (!n->n || memcmp (m->text + at, m->rules->literals.data + n->at, n->n) == 0)
               ? 1u << (at + n->n)
               : 0;
  case QE_NODE_CLASS:
    for (uint32_t i = 0; i < n->n && at < m->n; i++)
      if ((uint8_t) m->text[at] >= m->rules->ranges[n->at + i].low
          && (uint8_t) m->text[at] <= m->rules->ranges[n->at + i].high)
        ends = 1u << (at + 1);
    return ends;
  case QE_NODE_RULE:
    known = &m->known[n->at][at];
    if (!*known) {
      *known = 1u << 31; /* a rule that begins with itself and never ends, which the automaton leaves out, too */
      *known |= match (m, m->rules->rules[n->at].node, at);
    }
    return *known & ~(1u << 31);
  case QE_NODE_CHOICE:
    for (uint32_t i = n->child; i != QE_NO_NODE; i = nodes[i].next)
      ends |= match (m, i, at);
    return ends;
  case QE_NODE_SEQUENCE:
    ends = 1u << at;
    for (uint32_t i = n->child; i != QE_NO_NODE; i = nodes[i].next) {
      before = ends;
      ends = 0;
      for (unsigned k = at; k <= m->n; k++)
        if (before >> k & 1)
          ends |= match (m, i, k);
    }
    return ends;
  case QE_NODE_GUARDED: return match (m, n->child, at);
  case QE_NODE_REPEAT:
    before = 1u << at;
    for (uint32_t round = 0; before && round <= n->max && round <= n->min + m->n; round++) {
      uint32_t after = 0;
      ends |= round >= n->min ? before : 0;
      for (unsigned k = at; k <= m->n && round < n->max; k++)
        if (before >> k & 1)
          after |= match (m, n->child, k);
      before = after;
    }
    return ends;
  }
  return 0;
}

static void
random_expression (uint64_t *state, int depth, char *out, size_t size)
{
  static const char *const leaves[] = { "\"a\"", "\"b\"", "\"ab\"", "[ab]", "[^a]", "\"\"", "x", "y", "root" };
  static const char *const repeats[] = { "", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}" };
  const uint64_t kind = qe_test_random (state) % 5;
  const char *repeat = repeats[qe_test_random (state) % 9];
  char a[400], b[400];
  if (depth == 0 || kind < 2) {
    snprintf (out, size, "%s%s", leaves[qe_test_random (state) % 9], repeat);
    return;
  }
  random_expression (state, depth - 1, a, sizeof a);
  random_expression (state, depth - 1, b, sizeof b);
  snprintf (out, size, kind == 2 ? "(%s | %s)%s" : "(%s %s)%s", a, b, repeat);
}

/* Random grammars and all texts of up to six letters: the automaton says the same as the slow matcher. What it admits as a
 * beginning is the beginning of a text, perhaps of a longer one; what it does not admit is not. */
QE_TEST (random_grammars)
{
  uint64_t state = 11;
  size_t compared = 0, wrong = 0, refused = 0, kept = 0;
  for (int round = 0; round < 600; round++) {
    char a[400], b[400], c[400], text[1300];
    random_expression (&state, 3, a, sizeof a);
    random_expression (&state, 2, b, sizeof b);
    random_expression (&state, 2, c, sizeof c);
    snprintf (text, sizeof text, "root ::= %s | \"c\"\nx ::= %s\ny ::= %s", a, b, c);
    QeRules rules;
    QeError err = { 0 };
    QeGrammar *g = NULL;
    if (qe_grammar_from_gbnf (&g, NULL, text, strlen (text), &err) != QE_OK) {
      QE_CHECK_CONTAINS (err.message, "begins with itself");
      refused++;
      continue;
    }
    QE_REQUIRE_OK (qe_rules_parse (&rules, text, strlen (text), NULL, &err), err);
    bool is_beginning[2186 + 1] = { false }, admitted[2186 + 1] = { false };
    size_t number = 0;
    for (unsigned n = 0; n <= 6; n++) {
      size_t count = 1;
      for (unsigned i = 0; i < n; i++)
        count *= 3;
      for (size_t i = 0; i < count; i++, number++) {
        char word[8] = "";
        size_t rest = i;
        for (unsigned k = n; k-- > 0; rest /= 3)
          word[k] = "abc"[rest % 3];
        Matcher m = { .rules = &rules, .text = word, .n = n };
        bool may_end;
        const bool want = match (&m, rules.rules[rules.root].node, 0) >> n & 1;
        admitted[number] = qe_grammar_admits_text (g, word, n, &may_end);
        if (qe_grammar_problem (g, NULL) != QE_OK)
          goto next; /* so many ways to read it that they are too many even for such texts */
        if (may_end != want && !wrong++)
          qe_test_note ("%s: “%s” should%s be a text", text, word, want ? "" : " not");
        compared++;
        for (size_t k = number; want; k = (k - 1) / 3) { /* the word without its last letter */
          is_beginning[k] = true;
          if (k == 0)
            break;
        }
      }
    }
    for (size_t k = 0; k < number; k++)
      wrong += is_beginning[k] && !admitted[k];
    kept++;
  next:
    qe_rules_clear (&rules);
    qe_grammar_free (g);
  }
  qe_test_note ("%zu texts compared, %zu grammars refused, %zu compared to the end", compared, refused, kept);
  QE_CHECK_INT (wrong, ==, 0);
  QE_CHECK_INT (kept, >, 250);
}

/* ---- masks ----------------------------------------------------------------------------------------------------- */

static bool
mask_has (const QeGrammarMask *mask, int32_t token)
{
  return mask->bits[token / 64] >> (token % 64) & 1;
}

/* The mask is what trying every token by itself finds. */
static void
check_mask (QeGrammar *g, const QeTokenizer *t, const char *where)
{
  const QeGrammarMask *mask = qe_grammar_mask (g);
  size_t wrong = 0, n = 0;
  if (!QE_CHECK (mask != NULL)) {
    qe_test_note ("%s", where);
    return;
  }
  QE_CHECK_INT (mask->n_rows, >=, qe_tokenizer_size (t));
  for (int32_t id = 0; id < (int32_t) mask->n_rows; id++) {
    size_t length;
    bool is_control;
    const char *text = qe_tokenizer_token (t, id, &length, &is_control);
    const bool ordinary = text && length > 0 && (t->type[id] == QE_TOKEN_NORMAL || t->type[id] == 6); /* 6: a byte */
    const bool want = (ordinary || qe_tokenizer_ends_generation (t, id)) && qe_grammar_admits (g, &id, 1) == 1;
    if (mask_has (mask, id) != want && wrong++ < 3)
      qe_test_note ("token %d “%.*s” should%s be admitted %s", id, (int) length, text ? text : "", want ? "" : " not",
                    where);
    n += want;
  }
  QE_CHECK_INT (wrong, ==, 0);
  QE_CHECK_INT (n, >, 0);
  QE_CHECK ((mask->few != NULL) == (n <= QE_GRAMMAR_FEW));
  for (size_t i = 0; i < mask->n_few; i++)
    QE_CHECK (mask_has (mask, mask->few[i]) && (i == 0 || mask->few[i] > mask->few[i - 1]));
  if (mask->few)
    QE_CHECK_INT (mask->n_few, ==, n);
}

/* Follows a text byte by byte, so that characters are cut too, and checks the mask before each byte. */
static void
follow_bytes (const QeModel *model, const char *grammar, const char *text)
{
  const QeTokenizer *t = qe_model_tokenizer (model);
  QeGrammar *g = grammar_for (t, grammar);
  int32_t byte_tokens[256];
  QE_REQUIRE (g != NULL);
  memset (byte_tokens, 0xff, sizeof byte_tokens);
  for (int32_t id = 0; id < (int32_t) qe_tokenizer_size (t); id++) {
    size_t length;
    bool is_control;
    const char *bytes = qe_tokenizer_token (t, id, &length, &is_control);
    if (bytes && length == 1 && !is_control)
      byte_tokens[(uint8_t) *bytes] = id;
  }
  for (const char *at = text;; at++) {
    char where[80];
    snprintf (where, sizeof where, "before “%.20s”", at);
    check_mask (g, t, where);
    if (!*at)
      break;
    if (!QE_CHECK (mask_has (qe_grammar_mask (g), byte_tokens[(uint8_t) *at])))
      break;
    qe_grammar_accept (g, byte_tokens[(uint8_t) *at]);
  }
  QeError err = { 0 };
  QE_CHECK_OK (qe_grammar_problem (g, &err), err);
  qe_grammar_free (g);
}

QE_TEST (masks)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  qe_test_note ("%zu tokens", qe_tokenizer_size (qe_model_tokenizer (model)));
  follow_bytes (model, json_grammar, "{\"na\xc3\xafve\": [\"\xf0\x9f\x98\x80 the\", -1.5], \"\\u00e4\": {}}");
  follow_bytes (model, "root ::= \"\\\"\" [^\"\\\\\\x00-\\x1f\\x7f]{3,40} \"\\\"\"",
                "\"the quick brown f\xc3\xb6x jumps over the la\"");
  follow_bytes (model, "root ::= [^\"\\\\\\x00-\\x1f\\x7f]{0,20} \"the end\"", "all is the endthe end");
  follow_bytes (model, "root ::= .*", "any\xe2\x82\xac\n");
  follow_bytes (model, "root ::= [a-z ]{0,30} | \"\xc3\xa4\xc3\xb6\"", "words and words");
  follow_bytes (model, "root ::= \"yes\" | \"no\" | \"maybe\"", "maybe");
  qe_model_free (model);
}

/* States are forgotten on the way without losing count. */
QE_TEST (long_texts)
{
  enum { N = 40000 };
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const QeTokenizer *t = qe_model_tokenizer (model);
  QeGrammar *g =
      grammar_for (t, "root ::= (\"a\" | \"b\" [^\"\\\\\\x00-\\x1f\\x7f] ){40000} tail\ntail ::= (\"(\" tail \")\")?");
  int32_t *a = NULL, *open = NULL, *close = NULL;
  size_t n_a = 0, n = 0;
  QeError err = { 0 };
  QE_REQUIRE_OK (qe_tokenizer_encode (t, "a", 1, NULL, 0, &a, &n_a, &err), err);
  QE_REQUIRE_OK (qe_tokenizer_encode (t, "(", 1, NULL, 0, &open, &n, &err), err);
  QE_REQUIRE_OK (qe_tokenizer_encode (t, ")", 1, NULL, 0, &close, &n, &err), err);
  QE_REQUIRE (g && n_a == 1 && n == 1);
  for (int i = 0; i < N; i++) {
    if (i % 4000 == 0 || i == N - 1)
      QE_CHECK (mask_has (qe_grammar_mask (g), *a));
    qe_grammar_accept (g, *a);
  }
  const QeGrammarMask *mask = qe_grammar_mask (g);
  QE_REQUIRE (mask != NULL);
  QE_CHECK (!mask_has (mask, *a) && mask_has (mask, *open) && !mask_has (mask, *close));
  for (int i = 0; i < 8000; i++)
    qe_grammar_accept (g, *open);
  for (int i = 0; i < 8000; i++)
    qe_grammar_accept (g, *close);
  QE_CHECK_OK (qe_grammar_problem (g, &err), err);
  mask = qe_grammar_mask (g);
  QE_REQUIRE (mask != NULL);
  QE_CHECK (!mask_has (mask, *close));
  QE_CHECK (mask->few && mask->n_few > 0 && qe_tokenizer_ends_generation (t, mask->few[0]));
  for (int i = 0; i < 30000; i++) /* deeper than anybody can want */
    qe_grammar_accept (g, *open);
  QE_CHECK (qe_grammar_problem (g, &err) != QE_OK && qe_grammar_mask (g) == NULL);
  qe_grammar_restart (g, false);
  QE_CHECK_OK (qe_grammar_problem (g, &err), err);
  QE_CHECK (qe_grammar_mask (g) && mask_has (qe_grammar_mask (g), *a));
  free (a);
  free (open);
  free (close);
  qe_grammar_free (g);
  qe_model_free (model);
}

/* A grammar with very many ways is given up with a sentence, in reasonable time. */
QE_TEST (too_many_ways)
{
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  QeGrammar *g = grammar_for (qe_model_tokenizer (model),
                              "root ::= x{0,1000000} \"!\"\nx ::= (y | y y | y y y){1,100000} (y | y y){0,100000}\n"
                              "y ::= [a-z]{0,1} [a-z]{1,100000}");
  QeError err = { 0 };
  if (g) {
    int32_t *letters = NULL;
    size_t n = 0;
    QE_CHECK_OK (qe_tokenizer_encode (qe_model_tokenizer (model), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      51, NULL, 0, &letters, &n, &err),
                 err);
    for (size_t i = 0; i < n; i++)
      if (qe_grammar_mask (g))
        qe_grammar_accept (g, letters[i]);
    QE_CHECK (qe_grammar_mask (g) || qe_grammar_problem (g, &err) != QE_OK);
    qe_test_note ("%s", err.message);
    free (letters);
  }
  qe_grammar_free (g);
  qe_model_free (model);
}

/* ---- sampler --------------------------------------------------------------------------------------------------- */

static QeSampler *
new_sampler (const QeSamplerParams *params)
{
  QeSampler *s = NULL;
  QeError err = { 0 };
  QE_CHECK_OK (qe_sampler_new (&s, params, &err), err);
  return s;
}

/* A sampler with a grammar picks what one picks that is given the mask by hand. */
QE_TEST (picks)
{
  static const QeSamplerParams params[] = {
    { .temperature = 0, .top_p = 1, .repetition_penalty = 1 },
    { .temperature = 1.5f, .top_k = 20, .top_p = 0.95f, .presence_penalty = 1.5f, .repetition_penalty = 1, .seed = 3 },
    { .temperature = 2, .top_p = 1, .repetition_penalty = 1.1f, .seed = 4 },
  };
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const QeTokenizer *t = qe_model_tokenizer (model);
  const uint8_t *sampleable = qe_sampleable_tokens (model);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  float *logits = malloc (n_vocab * sizeof *logits);
  uint8_t *allowed = malloc (n_vocab);
  QE_REQUIRE (logits && allowed);
  for (size_t k = 0; k < sizeof params / sizeof *params; k++) {
    QeGrammar *g = grammar_for (t, json_grammar), *other = grammar_for (t, json_grammar);
    QeSampler *a = new_sampler (&params[k]), *b = new_sampler (&params[k]);
    uint64_t state = k + 1;
    int steps = 0;
    QE_REQUIRE (g && other && a && b);
    qe_sampler_set_grammar (a, g, -1);
    for (; steps < 60; steps++) {
      const QeGrammarMask *mask = qe_grammar_mask (other);
      QE_REQUIRE (mask != NULL);
      for (size_t i = 0; i < n_vocab; i++) {
        logits[i] = 4 * qe_test_random_float (&state);
        allowed[i] = sampleable[i] && mask_has (mask, (int32_t) i);
      }
      const int32_t got = qe_sampler_pick (a, logits, n_vocab, sampleable);
      const int32_t want = qe_sampler_pick (b, logits, n_vocab, allowed);
      QE_CHECK_INT (got, ==, want);
      if (got != want || got < 0 || qe_tokenizer_ends_generation (t, got))
        break;
      QE_CHECK_INT (qe_sampler_admits (a, &got, 1), ==, 1);
      qe_sampler_accept (a, got);
      qe_sampler_accept (b, want);
      qe_grammar_accept (other, want);
    }
    QE_CHECK_INT (steps, >, 2);
    qe_sampler_free (a);
    qe_sampler_free (b);
    qe_grammar_free (g);
    qe_grammar_free (other);
  }
  free (logits);
  free (allowed);
  qe_model_free (model);
}

/* The grammar holds from the token that ends thinking on, line ends may come first, and reset goes back. */
QE_TEST (after_thinking)
{
  static const QeSamplerParams greedy = { .temperature = 0, .top_p = 1, .repetition_penalty = 1 };
  QeModel *model = qe_test_open_tiny ("quern-tiny-Q8_0.gguf");
  QE_REQUIRE (model != NULL);
  const QeTokenizer *t = qe_model_tokenizer (model);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  float *logits = calloc (n_vocab, sizeof *logits);
  const int32_t closing = qe_token_by_text (model, "</think>");
  int32_t *ids = NULL, *hello = NULL;
  size_t n = 0, n_hello = 0;
  QeError err = { 0 };
  QeGrammar *g = grammar_for (t, "root ::= \"yes\" | \"no\"");
  QeSampler *s = new_sampler (&greedy);
  QE_REQUIRE (g && s && logits && closing >= 0);
  QE_REQUIRE_OK (qe_tokenizer_encode (t, "\n", 1, NULL, 0, &ids, &n, &err), err);
  QE_REQUIRE_OK (qe_tokenizer_encode (t, "hello", 5, NULL, 0, &hello, &n_hello, &err), err);
  qe_sampler_set_grammar (s, g, closing);
  for (int round = 0; round < 2; round++) {
    logits[hello[0]] = 9;
    QE_CHECK_INT (qe_sampler_pick (s, logits, n_vocab, NULL), ==, hello[0]);
    qe_sampler_accept (s, hello[0]);
    const int32_t draft[] = { hello[0], closing, hello[0] };
    QE_CHECK_INT (qe_sampler_admits (s, draft, 3), ==, 2);
    qe_sampler_accept (s, closing);
    QE_CHECK (qe_sampler_pick (s, logits, n_vocab, NULL) != hello[0]);
    QE_CHECK_INT (qe_sampler_admits (s, hello, 1), ==, 0);
    logits[ids[0]] = 10;
    QE_CHECK_INT (qe_sampler_pick (s, logits, n_vocab, NULL), ==, ids[0]);
    qe_sampler_accept (s, ids[0]);
    logits[ids[0]] = 0;
    char text[16] = { 0 };
    for (int i = 0; i < 9; i++) {
      const int32_t token = qe_sampler_pick (s, logits, n_vocab, NULL);
      size_t length;
      bool is_control;
      QE_REQUIRE (token >= 0);
      qe_sampler_accept (s, token);
      if (qe_tokenizer_ends_generation (t, token))
        break;
      const char *bytes = qe_tokenizer_token (t, token, &length, &is_control);
      QE_REQUIRE (bytes && strlen (text) + length < sizeof text);
      memcpy (text + strlen (text), bytes, length);
    }
    QE_CHECK (strcmp (text, "yes") == 0 || strcmp (text, "no") == 0);
    qe_sampler_reset (s);
  }
  /* text that the grammar does not allow is a problem, and is said to be */
  qe_sampler_set_grammar (s, g, -1);
  qe_sampler_accept (s, hello[0]);
  QE_CHECK_INT (qe_sampler_pick (s, logits, n_vocab, NULL), ==, -1);
  QE_CHECK_INT (qe_sampler_problem (s, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "does not follow the grammar");
  qe_sampler_set_grammar (s, NULL, -1);
  QE_CHECK_INT (qe_sampler_problem (s, &err), ==, QE_OK);
  QE_CHECK_INT (qe_sampler_pick (s, logits, n_vocab, NULL), ==, hello[0]);
  free (ids);
  free (hello);
  free (logits);
  qe_sampler_free (s);
  qe_grammar_free (g);
  qe_model_free (model);
}
