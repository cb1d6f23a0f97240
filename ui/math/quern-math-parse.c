/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Reads LaTeX into a tree. The text comes from a model: depth and size are bounded, and what is not balanced is not a
 * formula. A command that nobody knows becomes a node of its own, so that the rest can still be set. */

#include "quern-math-symbols.h"

#include <math.h>
#include <string.h>

#define MAX_LENGTH 16384 /* bytes */
#define MAX_DEPTH 100
#define MAX_NODES 8000
#define MAX_EM 40

typedef enum {
  END, /* of the source */
  CHARACTER,
  COMMAND,
  OPEN_BRACE,
  CLOSE_BRACE,
  SUPERSCRIPT,
  SUBSCRIPT,
  AMPERSAND,
} TokenKind;

typedef struct {
  TokenKind kind;
  gunichar ch;      /* CHARACTER */
  const char *name; /* COMMAND, with its length */
  gsize length;
  const QuernMathCommand *command; /* COMMAND, or NULL if nobody knows it */
  const char *start;
} Token;

/* What ends a list. */
typedef enum { AT_END, AT_BRACE, AT_BRACKET, AT_RIGHT, AT_CELL } Stop;

typedef struct {
  const char *start, *at, *end;
  QuernMathTree *tree;
  QuernMathVariant variant;
  int depth;
  gboolean is_part; /* the source is not the formula's own: a translation of chemistry */
  gboolean aligned; /* it has columns or lines outside of an environment */
  gboolean failed;
} Parser;

static QuernMathNode *quern_math_parse_list (Parser *p, Stop stop);
static QuernMathNode *quern_math_parse_atom (Parser *p, const Token *token);
static QuernMathNode *quern_math_parse_rows (Parser *p, const QuernMathEnvironment *environment, Stop stop,
                                             const char *name);

/* ---- nodes and tokens ------------------------------------------------------------------------------------------- */

static QuernMathNode *
quern_math_node_new (Parser *p, QuernMathKind kind, QuernMathClass class)
{
  QuernMathNode *node = g_new0 (QuernMathNode, 1);

  node->kind = kind;
  node->class = class;
  node->variant = p->variant;
  node->offset = p->is_part ? 0 : p->at - p->start;
  g_ptr_array_add (p->tree->owned, node);
  if (++p->tree->n_nodes > MAX_NODES)
    p->failed = TRUE;
  return node;
}

static char *
quern_math_own (Parser *p, char *text)
{
  g_ptr_array_add (p->tree->owned, text);
  return text;
}

static QuernMathNode *
quern_math_symbol_new (Parser *p, gunichar ch, QuernMathClass class)
{
  QuernMathNode *node = quern_math_node_new (p, QUERN_MATH_SYMBOL, class);
  node->ch = ch;
  return node;
}

static QuernMathNode *
quern_math_words_new (Parser *p, QuernMathKind kind, char *text, QuernMathVariant variant)
{
  QuernMathNode *node = quern_math_node_new (p, kind, kind == QUERN_MATH_NAME ? QUERN_MATH_OP : QUERN_MATH_ORD);
  node->text = quern_math_own (p, text);
  node->variant = variant;
  return node;
}

static QuernMathNode *
quern_math_space_new (Parser *p, double em)
{
  QuernMathNode *node = quern_math_node_new (p, QUERN_MATH_SPACE, QUERN_MATH_ORD);
  node->width = CLAMP (em, -MAX_EM, MAX_EM);
  return node;
}

static Token
quern_math_next_token (Parser *p)
{
  Token token = { END };

  while (p->at < p->end && g_ascii_isspace (*p->at))
    p->at++;
  token.start = p->at;
  if (p->at >= p->end)
    return token;
  switch (*p->at) {
  case '{': token.kind = OPEN_BRACE; break;
  case '}': token.kind = CLOSE_BRACE; break;
  case '^': token.kind = SUPERSCRIPT; break;
  case '_': token.kind = SUBSCRIPT; break;
  case '&': token.kind = AMPERSAND; break;
  case '\\':
    token.kind = COMMAND;
    token.name = p->at + 1;
    if (token.name >= p->end) { /* a lone backslash at the end */
      token.kind = CHARACTER;
      token.ch = '\\';
      break;
    }
    while (token.name + token.length < p->end && g_ascii_isalpha (token.name[token.length]))
      token.length++;
    if (token.length == 0)
      token.length = g_utf8_next_char (token.name) - token.name;
    token.command = quern_math_command (token.name, token.length);
    p->at = token.name + token.length;
    return token;
  default: token.kind = CHARACTER; token.ch = g_utf8_get_char (p->at);
  }
  p->at = g_utf8_next_char (p->at);
  return token;
}

static Token
quern_math_peek_token (Parser *p)
{
  const char *at = p->at;
  Token token = quern_math_next_token (p);
  p->at = at;
  return token;
}

static gboolean
quern_math_take_character (Parser *p, char c)
{
  const char *at = p->at;

  while (at < p->end && g_ascii_isspace (*at))
    at++;
  if (at >= p->end || *at != c)
    return FALSE;
  p->at = at + 1;
  return TRUE;
}

static gboolean
quern_math_token_does (const Token *token, QuernMathAction action)
{
  return token->kind == COMMAND && token->command != NULL && token->command->action == action;
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

/* Reads what stands in braces as it is. Returns NULL and fails if there are none. */
static char *
quern_math_raw_argument (Parser *p)
{
  const char *start;
  int depth = 1;

  if (!quern_math_take_character (p, '{')) {
    p->failed = TRUE;
    return NULL;
  }
  for (start = p->at; p->at < p->end; p->at++) {
    if (*p->at == '\\' && p->at + 1 < p->end)
      p->at++;
    else if (*p->at == '{')
      depth++;
    else if (*p->at == '}' && --depth == 0)
      return g_strndup (start, p->at++ - start);
  }
  p->failed = TRUE;
  return NULL;
}

/* Reads one argument: a group, or a single symbol. */
static QuernMathNode *
quern_math_argument (Parser *p)
{
  Token token = quern_math_next_token (p);

  switch (token.kind) {
  case CHARACTER:
  case COMMAND:
  case OPEN_BRACE: return quern_math_parse_atom (p, &token);
  default: p->failed = TRUE; return quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  }
}

static QuernMathNode *
quern_math_styled_argument (Parser *p, QuernMathVariant variant)
{
  QuernMathVariant before = p->variant;
  QuernMathNode *node;

  p->variant = variant;
  node = quern_math_argument (p);
  p->variant = before;
  return node;
}

/* Reads "1.5em", "4pt" or the like. Returns em. */
static double
quern_math_length (const char *text)
{
  static const struct {
    const char *unit;
    double em;
  } units[] = { { "em", 1 },      { "ex", 0.43 },   { "pt", 0.1 },   { "mu", 1 / 18.0 }, { "px", 0.075 },
                { "cm", 2.8453 }, { "mm", 0.2845 }, { "in", 7.227 }, { "bp", 0.10037 },  { "pc", 1.2 } };
  char *rest;
  double number = g_ascii_strtod (text, &rest);

  if (!isfinite (number))
    return 0;
  rest += strspn (rest, " ");
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++) {
    if (g_str_has_prefix (rest, units[i].unit))
      return CLAMP (number * units[i].em, -MAX_EM, MAX_EM);
  }
  return 0;
}

/* Reads a delimiter. Returns its character, or 0 for a full stop. */
static gunichar
quern_math_delimiter (Parser *p)
{
  Token token = quern_math_next_token (p);

  if (token.kind == COMMAND && token.command != NULL && token.command->action == QUERN_MATH_DO_SYMBOL)
    return g_utf8_get_char (token.command->text);
  if (token.kind != CHARACTER) {
    p->failed = TRUE;
    return 0;
  }
  switch (token.ch) {
  case '.': return 0;
  case '<': return 0x27e8;
  case '>': return 0x27e9;
  default: return token.ch;
  }
}

/* ---- single commands -------------------------------------------------------------------------------------------- */

/* Reads words, which may have formulas between dollars. */
static QuernMathNode *
quern_math_text (Parser *p, QuernMathVariant variant)
{
  g_autofree char *raw = quern_math_raw_argument (p);
  QuernMathNode *list, **last;
  g_autoptr (GString) words = g_string_new (NULL);

  list = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  last = &list->body;
  for (const char *at = raw; at != NULL; at++) {
    if ((*at == '$' || *at == '\0') && words->len > 0) {
      *last = quern_math_words_new (p, QUERN_MATH_TEXT, g_strdup (words->str), variant);
      last = &(*last)->next;
      g_string_truncate (words, 0);
    }
    if (*at == '\0')
      break;
    if (*at == '$' && strchr (at + 1, '$') != NULL) {
      Parser part = *p;
      part.at = part.start = at + 1;
      part.end = strchr (at + 1, '$');
      part.is_part = TRUE;
      part.variant = QUERN_MATH_LETTERS;
      *last = quern_math_parse_list (&part, AT_END);
      last = &(*last)->next;
      p->failed = p->failed || part.failed || part.aligned;
      at = part.end;
    } else if (*at == '\\' && at[1] != '\0') {
      gsize letters = 0;
      while (g_ascii_isalpha (at[1 + letters]))
        letters++;
      if (letters == 0)
        g_string_append_c (words, *++at == '\\' ? ' ' : *at);
      else { /* a command inside of words: a symbol, or its name goes and its argument stays */
        const QuernMathCommand *command = quern_math_command (at + 1, letters);
        if (command != NULL && command->action == QUERN_MATH_DO_SYMBOL)
          g_string_append (words, command->text);
        at += letters;
      }
    } else if (*at == '~')
      g_string_append (words, "\u00a0");
    else if (*at != '{' && *at != '}')
      g_string_append_c (words, *at);
  }
  return list->body != NULL && list->body->next == NULL ? list->body : list;
}

static QuernMathNode *
quern_math_chemistry_node (Parser *p)
{
  g_autofree char *raw = quern_math_raw_argument (p);
  g_autofree char *tex = raw != NULL ? quern_math_chemistry (raw, strlen (raw)) : NULL;
  Parser part = *p;

  if (tex == NULL || strlen (tex) > MAX_LENGTH) {
    p->failed = TRUE;
    return quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  }
  part.start = part.at = tex;
  part.end = tex + strlen (tex);
  part.is_part = TRUE;
  part.variant = QUERN_MATH_ROMAN;
  part.depth++;
  if (part.depth > MAX_DEPTH) {
    p->failed = TRUE;
    return quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  }
  QuernMathNode *node = quern_math_parse_list (&part, AT_END);
  p->failed = p->failed || part.failed || part.aligned;
  return node;
}

/* Puts the slash of \not through a symbol. */
static QuernMathNode *
quern_math_negation (Parser *p)
{
  QuernMathNode *node = quern_math_argument (p);
  gunichar composed;

  if (node->kind == QUERN_MATH_SYMBOL && g_unichar_compose (node->ch, 0x338, &composed)) {
    node->ch = composed;
    return node;
  }
  QuernMathNode *cancel = quern_math_node_new (p, QUERN_MATH_CANCEL, node->class);
  cancel->body = node;
  cancel->value = 1;
  return cancel;
}

static QuernMathNode *
quern_math_fenced (Parser *p)
{
  QuernMathNode *node = quern_math_node_new (p, QUERN_MATH_FENCED, QUERN_MATH_INNER);

  node->ch = quern_math_delimiter (p);
  node->body = quern_math_parse_list (p, AT_RIGHT);
  if (!p->failed)
    node->ch2 = quern_math_delimiter (p);
  return node;
}

static QuernMathNode *
quern_math_stack (Parser *p, int how)
{
  QuernMathNode *script = quern_math_argument (p), *body = quern_math_argument (p);
  QuernMathNode *node = quern_math_node_new (p, QUERN_MATH_SCRIPTS, body->class);
  QuernMathNode *list = quern_math_node_new (p, QUERN_MATH_LIST, how == 2 ? QUERN_MATH_REL : body->class);

  node->limits = QUERN_MATH_LIMITS_ALWAYS;
  node->body = body;
  *(how == 1 ? &node->below : &node->above) = script;
  list->body = node; /* so that a script behind it does not become a limit */
  return list;
}

/* Reads the argument of \pmod, \mod or \pod. */
static QuernMathNode *
quern_math_modulus (Parser *p, int how)
{
  QuernMathNode *list = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD), *parts[6];
  int n = 0;

  parts[n++] = quern_math_space_new (p, how == 1 ? 0.667 : 0.444);
  if (how != 1)
    parts[n++] = quern_math_symbol_new (p, '(', QUERN_MATH_OPEN);
  if (how != 2) {
    parts[n++] = quern_math_words_new (p, QUERN_MATH_TEXT, g_strdup ("mod"), QUERN_MATH_ROMAN);
    parts[n++] = quern_math_space_new (p, 0.333);
  }
  parts[n++] = quern_math_argument (p);
  if (how != 1)
    parts[n++] = quern_math_symbol_new (p, ')', QUERN_MATH_CLOSE);
  list->body = parts[0];
  for (int i = 1; i < n; i++)
    parts[i - 1]->next = parts[i];
  return list;
}

/* Reads a group in square brackets, or returns NULL if there is none. */
static QuernMathNode *
quern_math_optional_argument (Parser *p)
{
  return quern_math_take_character (p, '[') ? quern_math_parse_list (p, AT_BRACKET) : NULL;
}

static QuernMathNode *
quern_math_colored (Parser *p, gboolean with_argument)
{
  QuernMathNode *node = quern_math_node_new (p, QUERN_MATH_COLOR, QUERN_MATH_ORD);
  g_autofree char *name = NULL;

  if (quern_math_take_character (p, '['))
    while (p->at < p->end && *p->at++ != ']') /* the name of a model of colours */
      ;
  name = quern_math_raw_argument (p);
  if (name == NULL)
    return node;
  if (strspn (name, "0123456789abcdefABCDEF") == 6 && strlen (name) == 6) { /* [HTML] */
    char *number = g_strconcat ("#", name, NULL);
    g_free (name);
    name = number;
  }
  if (!quern_math_color (name, &node->color))
    node->color = G_MAXUINT32;                                       /* that of the text */
  if (with_argument || quern_math_peek_token (p).kind == OPEN_BRACE) /* the latter as MathJax reads \color */
    node->body = quern_math_argument (p);
  return node; /* without a body: the list gives it what follows */
}

static QuernMathNode *
quern_math_array (Parser *p)
{
  g_autofree char *name = quern_math_raw_argument (p);
  const QuernMathEnvironment *environment = name != NULL ? quern_math_environment (name) : NULL;

  if (environment == NULL) {
    p->failed = TRUE;
    return quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  }
  return quern_math_parse_rows (p, environment, AT_CELL, name);
}

/* Reads \substack{a \\ b}. */
static QuernMathNode *
quern_math_substack (Parser *p)
{
  if (!quern_math_take_character (p, '{')) {
    p->failed = TRUE;
    return quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  }
  return quern_math_parse_rows (p, quern_math_environment ("substack"), AT_BRACE, NULL);
}

/* Chooses low dots between letters and commas, and raised ones beside operators. */
static QuernMathNode *
quern_math_dots (Parser *p)
{
  Token next = quern_math_peek_token (p);
  const QuernMathCommand *command = next.kind == CHARACTER ? quern_math_character (next.ch) : next.command;
  gboolean raised = command != NULL
                    && ((command->action == QUERN_MATH_DO_SYMBOL
                         && (command->value == QUERN_MATH_BIN || command->value == QUERN_MATH_REL))
                        || command->action == QUERN_MATH_DO_BIG);
  return quern_math_symbol_new (p, raised ? 0x22ef : 0x2026, QUERN_MATH_INNER);
}

static QuernMathNode *
quern_math_run (Parser *p, const Token *token)
{
  const QuernMathCommand *command = token->command;
  QuernMathNode *node, *body;

  switch (command->action) {
  case QUERN_MATH_DO_SYMBOL: return quern_math_symbol_new (p, g_utf8_get_char (command->text), command->value);
  case QUERN_MATH_DO_BIG:
    node = quern_math_node_new (p, QUERN_MATH_BIG, QUERN_MATH_OP);
    node->ch = g_utf8_get_char (command->text);
    node->limits = command->value ? QUERN_MATH_LIMITS_DEFAULT : QUERN_MATH_LIMITS_NEVER;
    return node;
  case QUERN_MATH_DO_NAME:
    node = quern_math_words_new (p, QUERN_MATH_NAME, g_strdup (command->text != NULL ? command->text : command->name),
                                 QUERN_MATH_ROMAN);
    node->limits = command->value == 1 ? QUERN_MATH_LIMITS_DEFAULT : QUERN_MATH_LIMITS_NEVER;
    if (command->value == 2)
      node->class = QUERN_MATH_BIN;
    return node;
  case QUERN_MATH_DO_OPERATOR: {
    gboolean star = quern_math_take_character (p, '*');
    g_autofree char *raw = quern_math_raw_argument (p);
    g_autoptr (GString) name = g_string_new (NULL);
    for (const char *at = raw; at != NULL && *at != '\0'; at++) {
      if (*at == '\\' && at[1] != '\0' && !g_ascii_isalpha (at[1])) { /* a thin space */
        at++;
        g_string_append (name, "\u2009");
      } else if (*at == '\\') /* a command for the letters: \mathrm */
        while (g_ascii_isalpha (at[1]))
          at++;
      else if (strchr ("{}~", *at) == NULL)
        g_string_append_c (name, *at);
    }
    node = quern_math_words_new (p, QUERN_MATH_NAME, g_strdup (name->str), QUERN_MATH_ROMAN);
    node->limits = star ? QUERN_MATH_LIMITS_DEFAULT : QUERN_MATH_LIMITS_NEVER;
    return node;
  }
  case QUERN_MATH_DO_ACCENT:
    node = quern_math_node_new (p, QUERN_MATH_ACCENT, QUERN_MATH_ORD);
    node->ch = g_utf8_get_char (command->text);
    node->value = command->value;
    node->body = quern_math_argument (p);
    return node;
  case QUERN_MATH_DO_OVER:
  case QUERN_MATH_DO_UNDER:
    node = quern_math_node_new (p, command->action == QUERN_MATH_DO_OVER ? QUERN_MATH_OVER : QUERN_MATH_UNDER,
                                QUERN_MATH_ORD);
    node->ch = g_utf8_get_char (command->text);
    node->body = quern_math_argument (p);
    if (strstr (command->name, "brac") != NULL || strstr (command->name, "paren") != NULL)
      node->limits = QUERN_MATH_LIMITS_ALWAYS; /* its label */
    return node;
  case QUERN_MATH_DO_ARROW:
    node = quern_math_node_new (p, QUERN_MATH_ARROW, QUERN_MATH_REL);
    node->ch = g_utf8_get_char (command->text);
    node->below = quern_math_optional_argument (p);
    node->above = quern_math_argument (p);
    return node;
  case QUERN_MATH_DO_FRACTION:
    node = quern_math_node_new (p, QUERN_MATH_FRACTION, QUERN_MATH_INNER);
    node->value = command->value;
    node->width = command->text == NULL;
    if (command->text != NULL) {
      node->ch = g_utf8_get_char (command->text);
      node->ch2 = g_utf8_get_char (g_utf8_next_char (command->text));
    }
    node->above = quern_math_argument (p);
    node->below = quern_math_argument (p);
    return node;
  case QUERN_MATH_DO_ROOT:
    node = quern_math_node_new (p, QUERN_MATH_ROOT, QUERN_MATH_ORD);
    node->above = quern_math_optional_argument (p);
    node->body = quern_math_argument (p);
    return node;
  case QUERN_MATH_DO_ALPHABET: return quern_math_styled_argument (p, command->value);
  case QUERN_MATH_DO_SWITCH: p->variant = command->value; return NULL;
  case QUERN_MATH_DO_TEXT: return quern_math_text (p, command->value);
  case QUERN_MATH_DO_CLASS:
    body = quern_math_argument (p);
    node = quern_math_node_new (p, QUERN_MATH_LIST, command->value);
    node->body = body;
    node->limits = command->value == QUERN_MATH_OP ? QUERN_MATH_LIMITS_DEFAULT : QUERN_MATH_LIMITS_NEVER;
    return node;
  case QUERN_MATH_DO_SPACE: return quern_math_space_new (p, command->value / 18.0);
  case QUERN_MATH_DO_LENGTH: {
    g_autofree char *text = NULL;
    if (command->value) {
      quern_math_take_character (p, '*');
      text = quern_math_raw_argument (p);
    } else {
      while (p->at < p->end && *p->at == ' ')
        p->at++;
      gsize length = MIN (strspn (p->at, "-+.0123456789"), (gsize) (p->end - p->at));
      length = MIN (length + 2, (gsize) (p->end - p->at)); /* and two letters */
      text = g_strndup (p->at, length);
      p->at += length;
      if (!g_utf8_validate (text, -1, NULL))
        p->failed = TRUE;
    }
    return quern_math_space_new (p, text != NULL ? quern_math_length (text) : 0);
  }
  case QUERN_MATH_DO_STYLE:
    node = quern_math_node_new (p, QUERN_MATH_STYLE, QUERN_MATH_ORD);
    node->value = command->value;
    return node;
  case QUERN_MATH_DO_LEFT: return quern_math_fenced (p);
  case QUERN_MATH_DO_MIDDLE:
  case QUERN_MATH_DO_SIZED:
    node = quern_math_node_new (p, QUERN_MATH_DELIMITER, QUERN_MATH_REL);
    node->ch = quern_math_delimiter (p);
    if (command->action == QUERN_MATH_DO_SIZED) {
      const QuernMathCommand *meaning = quern_math_character (node->ch);
      node->value = command->value % 8;
      node->class = command->value / 8;
      if (node->class == QUERN_MATH_ORD && meaning != NULL
          && (meaning->value == QUERN_MATH_OPEN || meaning->value == QUERN_MATH_CLOSE))
        node->class = meaning->value; /* TeX leaves \big( ordinary; open and close look the same or better */
    }
    return node;
  case QUERN_MATH_DO_BEGIN: return quern_math_array (p);
  case QUERN_MATH_DO_COLOR: return quern_math_colored (p, command->value);
  case QUERN_MATH_DO_BOXED:
  case QUERN_MATH_DO_CANCEL:
  case QUERN_MATH_DO_PHANTOM:
    body = quern_math_argument (p);
    node = quern_math_node_new (p,
                                command->action == QUERN_MATH_DO_BOXED    ? QUERN_MATH_BOXED
                                : command->action == QUERN_MATH_DO_CANCEL ? QUERN_MATH_CANCEL
                                                                          : QUERN_MATH_PHANTOM,
                                body->class);
    node->body = body;
    node->value = command->value;
    return node;
  case QUERN_MATH_DO_STACK: return quern_math_stack (p, command->value);
  case QUERN_MATH_DO_SUBSTACK: return quern_math_substack (p);
  case QUERN_MATH_DO_TAG: {
    gboolean star = quern_math_take_character (p, '*');
    g_autofree char *raw = quern_math_raw_argument (p);
    node = quern_math_words_new (p, QUERN_MATH_TEXT,
                                 raw == NULL ? g_strdup ("") : g_strdup_printf (star ? "%s" : "(%s)", raw),
                                 QUERN_MATH_ROMAN);
    if (p->tree->tag != NULL || p->is_part) { /* one in each line: each stays in its line */
      body = quern_math_space_new (p, 2);
      body->next = node;
      node = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
      node->body = body;
      return node;
    }
    p->tree->tag = node;
    return NULL;
  }
  case QUERN_MATH_DO_MOD: return quern_math_modulus (p, command->value);
  case QUERN_MATH_DO_NOT: return quern_math_negation (p);
  case QUERN_MATH_DO_DOTS: return quern_math_dots (p);
  case QUERN_MATH_DO_CHEMISTRY: return quern_math_chemistry_node (p);
  case QUERN_MATH_DO_IGNORE:
    for (int i = 0; i < command->value; i++)
      g_free (quern_math_raw_argument (p));
    return NULL;
  case QUERN_MATH_DO_HLINE: return NULL; /* where no row begins */
  case QUERN_MATH_DO_INFIX:
  case QUERN_MATH_DO_LIMITS:
  case QUERN_MATH_DO_RIGHT:
  case QUERN_MATH_DO_END:
  case QUERN_MATH_DO_NEWLINE: break; /* no argument can be made of these */
  }
  p->failed = TRUE;
  return NULL;
}

/* Reads what a token begins, without scripts. Never returns NULL. */
static QuernMathNode *
quern_math_parse_atom (Parser *p, const Token *token)
{
  QuernMathNode *node = NULL;

  if (p->failed || ++p->depth > MAX_DEPTH)
    p->failed = TRUE;
  else if (token->kind == OPEN_BRACE) {
    QuernMathVariant before = p->variant;
    node = quern_math_parse_list (p, AT_BRACE);
    p->variant = before;
  } else if (token->kind == COMMAND && token->command == NULL)
    node = quern_math_words_new (p, QUERN_MATH_UNKNOWN, g_strndup (token->start, token->length + 1), QUERN_MATH_MONO);
  else if (token->kind == COMMAND)
    node = quern_math_run (p, token);
  else if (token->kind == CHARACTER && token->ch == '~')
    node = quern_math_space_new (p, 1 / 3.0);
  else if (token->kind == CHARACTER) {
    const QuernMathCommand *meaning = quern_math_character (token->ch);
    if (meaning != NULL && meaning->action == QUERN_MATH_DO_BIG) {
      Token command = { COMMAND, .command = meaning };
      node = quern_math_run (p, &command);
    } else if (meaning != NULL)
      node = quern_math_symbol_new (p, g_utf8_get_char (meaning->text), meaning->value);
    else
      node = quern_math_symbol_new (p, token->ch, QUERN_MATH_ORD);
  }
  p->depth--;
  if (node == NULL)
    node = quern_math_node_new (p, QUERN_MATH_SPACE, QUERN_MATH_ORD);
  return node;
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* Puts a script on the last node of a list, or on nothing. */
static void
quern_math_add_script (Parser *p, QuernMathNode **last, TokenKind kind, QuernMathNode *script)
{
  QuernMathNode *node = *last;

  if (node == NULL || node->kind == QUERN_MATH_SPACE || node->kind == QUERN_MATH_STYLE) {
    QuernMathNode *empty = quern_math_node_new (p, QUERN_MATH_SCRIPTS, QUERN_MATH_ORD);
    empty->body = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
    if (node != NULL)
      node->next = empty;
    *last = node = empty;
  } else if (node->kind != QUERN_MATH_SCRIPTS || *(kind == SUPERSCRIPT ? &node->above : &node->below) != NULL) {
    QuernMathNode *body = g_memdup2 (node, sizeof *node);
    g_ptr_array_add (p->tree->owned, body);
    body->next = NULL;
    *node = (QuernMathNode) {
      .kind = QUERN_MATH_SCRIPTS, .class = body->class, .limits = body->limits, .offset = body->offset, .body = body
    };
  }
  *(kind == SUPERSCRIPT ? &node->above : &node->below) = script;
}

/* Reads the primes from the first one on, and the superscript that may follow them. */
static QuernMathNode *
quern_math_primes (Parser *p)
{
  QuernMathNode *list = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD), **last = &list->body;
  int n = 1;

  while (quern_math_take_character (p, '\''))
    n++;
  for (int i = 0; i < n && !p->failed; i++) {
    *last = quern_math_symbol_new (p, 0x2032, QUERN_MATH_ORD);
    last = &(*last)->next;
  }
  if (quern_math_peek_token (p).kind == SUPERSCRIPT) {
    quern_math_next_token (p);
    *last = quern_math_argument (p);
  }
  return list;
}

/* Makes a fraction of what stands before and after \over. */
static QuernMathNode *
quern_math_infix (Parser *p, QuernMathNode *list, const QuernMathCommand *command, Stop stop)
{
  QuernMathNode *fraction = quern_math_node_new (p, QUERN_MATH_FRACTION, QUERN_MATH_INNER), *outer;

  fraction->width = command->text == NULL;
  if (command->text != NULL && *command->text != '\0') {
    fraction->ch = g_utf8_get_char (command->text);
    fraction->ch2 = g_utf8_get_char (g_utf8_next_char (command->text));
  }
  fraction->above = list;
  fraction->below = quern_math_parse_list (p, stop);
  outer = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD);
  outer->body = fraction;
  return outer;
}

static QuernMathNode *
quern_math_parse_list (Parser *p, Stop stop)
{
  QuernMathNode *list = quern_math_node_new (p, QUERN_MATH_LIST, QUERN_MATH_ORD), *last = NULL, *first = NULL;
  gboolean done = FALSE;

  if (++p->depth > MAX_DEPTH)
    p->failed = TRUE;
  while (!done && !p->failed) {
    Token token = quern_math_peek_token (p);
    QuernMathNode *before = last;

    if (token.kind == AMPERSAND || quern_math_token_does (&token, QUERN_MATH_DO_NEWLINE)) {
      p->aligned = p->aligned || stop == AT_END;
      if (stop != AT_CELL)
        p->failed = TRUE;
      break;
    }
    if (quern_math_token_does (&token, QUERN_MATH_DO_END)) {
      p->failed = p->failed || stop != AT_CELL;
      break;
    }
    quern_math_next_token (p);
    if (token.kind == END) {
      p->failed = p->failed || (stop != AT_END && stop != AT_CELL); /* the rows know whether a cell may end so */
      done = TRUE;
    } else if (token.kind == CLOSE_BRACE) {
      if (stop == AT_CELL)
        p->at = token.start;
      else if (stop != AT_BRACE)
        p->failed = TRUE;
      done = TRUE;
    } else if (token.kind == CHARACTER && token.ch == ']' && stop == AT_BRACKET)
      done = TRUE;
    else if (quern_math_token_does (&token, QUERN_MATH_DO_RIGHT)) {
      p->failed = p->failed || stop != AT_RIGHT;
      done = TRUE;
    } else if (quern_math_token_does (&token, QUERN_MATH_DO_INFIX)) {
      list->body = first;
      p->depth--;
      return quern_math_infix (p, list, token.command, stop);
    } else if (quern_math_token_does (&token, QUERN_MATH_DO_LIMITS)) {
      if (last != NULL)
        last->limits = token.command->value;
    } else if (token.kind == SUPERSCRIPT || token.kind == SUBSCRIPT)
      quern_math_add_script (p, &last, token.kind, quern_math_argument (p));
    else if (token.kind == CHARACTER && token.ch == '\'')
      quern_math_add_script (p, &last, SUPERSCRIPT, quern_math_primes (p));
    else {
      QuernMathNode *node;
      gsize offset = p->is_part ? 0 : token.start - p->start;
      node = quern_math_parse_atom (p, &token);
      node->offset = offset;
      if (last != NULL)
        last->next = node;
      last = node;
      if (node->kind == QUERN_MATH_COLOR && node->body == NULL && !p->failed) {
        node->body = quern_math_parse_list (p, stop);
        done = TRUE; /* what ended its list ends this one */
      }
    }
    if (before == NULL && first == NULL)
      first = last;
  }
  list->body = first;
  p->depth--;
  return list;
}

/* ---- rows and columns ------------------------------------------------------------------------------------------- */

/* Reads rows until the end of their environment, or of the source or group. */
static QuernMathNode *
quern_math_parse_rows (Parser *p, const QuernMathEnvironment *environment, Stop stop, const char *name)
{
  QuernMathNode *array = quern_math_node_new (p, QUERN_MATH_ARRAY, QUERN_MATH_ORD), **last_row = &array->body;

  array->environment = environment;
  if (environment->left[0] != '\0' || environment->right[0] != '\0')
    array->class = QUERN_MATH_INNER;
  if (quern_math_take_character (p, '[')) /* a position that says nothing here */
    while (p->at < p->end && *p->at++ != ']')
      ;
  if (environment->has_argument)
    array->text = quern_math_own (p, quern_math_raw_argument (p));
  for (;;) {
    QuernMathNode *row = quern_math_node_new (p, QUERN_MATH_ROW, QUERN_MATH_ORD), **last_cell = &row->body;
    Token token;
    gboolean empty;

    while ((token = quern_math_peek_token (p), quern_math_token_does (&token, QUERN_MATH_DO_HLINE))) {
      quern_math_next_token (p);
      row->value++;
    }
    for (;;) {
      QuernMathVariant before = p->variant;
      QuernMathNode *cell = quern_math_parse_list (p, AT_CELL);
      p->variant = before;
      *last_cell = cell;
      last_cell = &cell->next;
      if (p->failed || quern_math_peek_token (p).kind != AMPERSAND)
        break;
      quern_math_next_token (p);
    }
    token = quern_math_next_token (p);
    empty = row->body->body == NULL && row->body->next == NULL;
    if (!p->failed && (!empty || row->value > 0 || quern_math_token_does (&token, QUERN_MATH_DO_NEWLINE))) {
      *last_row = row;
      last_row = &row->next;
    }
    if (p->failed)
      return array;
    if (quern_math_token_does (&token, QUERN_MATH_DO_NEWLINE)) {
      quern_math_take_character (p, '*');
      if (p->at < p->end && *p->at == '[') {
        const char *close = memchr (p->at, ']', p->end - p->at);
        if (close != NULL) {
          g_autofree char *length = g_strndup (p->at + 1, close - p->at - 1);
          row->width = quern_math_length (length);
          p->at = close + 1;
        }
      }
    } else if (quern_math_token_does (&token, QUERN_MATH_DO_END) && stop == AT_CELL) {
      g_autofree char *end = quern_math_raw_argument (p);
      if (g_strcmp0 (end, name) != 0)
        p->failed = TRUE;
      return array;
    } else {
      if ((token.kind == CLOSE_BRACE) != (stop == AT_BRACE) || (token.kind == END) != (stop == AT_END))
        p->failed = TRUE;
      return array;
    }
  }
}

/**
 * quern_math_parse:
 * @source: LaTeX without its dollars, valid UTF-8
 * @length: its bytes
 *
 * Returns: (transfer full) (nullable): the formula, or %NULL if it is not balanced, too long or too deep
 */
QuernMathTree *
quern_math_parse (const char *source, gsize length)
{
  QuernMathTree *tree;
  Parser p = { 0 };

  g_return_val_if_fail (source != NULL, NULL);

  tree = g_new0 (QuernMathTree, 1);
  tree->owned = g_ptr_array_new_with_free_func (g_free);
  if (length <= MAX_LENGTH && g_utf8_validate_len (source, length, NULL)) {
    p.tree = tree;
    p.start = p.at = quern_math_own (&p, g_strndup (source, length));
    p.end = p.start + length;
    tree->root = quern_math_parse_list (&p, AT_END);
    if (p.aligned) { /* several lines, but no environment around them */
      p = (Parser) { .start = p.start, .at = p.start, .end = p.end, .tree = tree };
      tree->tag = NULL;
      tree->root = quern_math_node_new (&p, QUERN_MATH_LIST, QUERN_MATH_ORD);
      tree->root->body = quern_math_parse_rows (&p, quern_math_environment ("aligned"), AT_END, NULL);
    }
    if (!p.failed)
      return tree;
  }
  quern_math_tree_free (tree);
  return NULL;
}

/**
 * quern_math_tree_free:
 * @tree: (nullable): a formula
 */
void
quern_math_tree_free (QuernMathTree *tree)
{
  if (tree == NULL)
    return;
  g_ptr_array_unref (tree->owned);
  g_free (tree);
}
