/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Converts LaTeX formulas to readable Unicode: names become signs, powers and indices small characters, a fraction a/b,
 * a matrix rows of cells. Spaces are set as TeX sets them, whatever was typed. Unknown commands stay as they were
 * written.
 *
 * A formula is read into text with marks (quern-md-math.h), which quern-md-math-render.c turns into markup and text. */

#include "quern-md-math.h"

#include <string.h>

#define MAX_DEPTH 20
#define MAX_GRIDS 70 /* one character holds the index of a grid */

static const char *const ordinary[][2] = {
  { "alpha", "α" },      { "beta", "β" },        { "gamma", "γ" },      { "delta", "δ" },     { "epsilon", "ε" },
  { "varepsilon", "ε" }, { "zeta", "ζ" },        { "eta", "η" },        { "theta", "θ" },     { "vartheta", "ϑ" },
  { "iota", "ι" },       { "kappa", "κ" },       { "lambda", "λ" },     { "mu", "μ" },        { "nu", "ν" },
  { "xi", "ξ" },         { "omicron", "ο" },     { "pi", "π" },         { "varpi", "ϖ" },     { "rho", "ρ" },
  { "varrho", "ϱ" },     { "sigma", "σ" },       { "varsigma", "ς" },   { "tau", "τ" },       { "upsilon", "υ" },
  { "phi", "φ" },        { "varphi", "φ" },      { "chi", "χ" },        { "psi", "ψ" },       { "omega", "ω" },
  { "Gamma", "Γ" },      { "Delta", "Δ" },       { "Theta", "Θ" },      { "Lambda", "Λ" },    { "Xi", "Ξ" },
  { "Pi", "Π" },         { "Sigma", "Σ" },       { "Upsilon", "Υ" },    { "Phi", "Φ" },       { "Psi", "Ψ" },
  { "Omega", "Ω" },      { "infty", "∞" },       { "partial", "∂" },    { "nabla", "∇" },     { "sum", "∑" },
  { "prod", "∏" },       { "coprod", "∐" },      { "int", "∫" },        { "iint", "∬" },      { "iiint", "∭" },
  { "oint", "∮" },       { "bigcup", "⋃" },      { "bigcap", "⋂" },     { "emptyset", "∅" },  { "varnothing", "∅" },
  { "forall", "∀" },     { "exists", "∃" },      { "nexists", "∄" },    { "neg", "¬" },       { "lnot", "¬" },
  { "ldots", "…" },      { "dots", "…" },        { "dotsc", "…" },      { "cdots", "⋯" },     { "dotsb", "⋯" },
  { "vdots", "⋮" },      { "ddots", "⋱" },       { "prime", "′" },      { "degree", "°" },    { "angle", "∠" },
  { "triangle", "△" },   { "square", "□" },      { "langle", "⟨" },     { "rangle", "⟩" },    { "lfloor", "⌊" },
  { "rfloor", "⌋" },     { "lceil", "⌈" },       { "rceil", "⌉" },      { "lvert", "|" },     { "rvert", "|" },
  { "vert", "|" },       { "lVert", "‖" },       { "rVert", "‖" },      { "Vert", "‖" },      { "lbrace", "{" },
  { "rbrace", "}" },     { "ell", "ℓ" },         { "hbar", "ℏ" },       { "Re", "ℜ" },        { "Im", "ℑ" },
  { "aleph", "ℵ" },      { "wp", "℘" },          { "imath", "ı" },      { "jmath", "ȷ" },     { "top", "⊤" },
  { "bot", "⊥" },        { "dagger", "†" },      { "ddagger", "‡" },    { "S", "§" },         { "P", "¶" },
  { "copyright", "©" },  { "pounds", "£" },      { "euro", "€" },       { "checkmark", "✓" }, { "star", "⋆" },
  { "bullet", "•" },     { "blacksquare", "■" }, { "backslash", "\\" },
};

static const char *const relations[][2] = {
  { "leq", "≤" },
  { "le", "≤" },
  { "leqslant", "≤" },
  { "geq", "≥" },
  { "ge", "≥" },
  { "geqslant", "≥" },
  { "neq", "≠" },
  { "ne", "≠" },
  { "approx", "≈" },
  { "equiv", "≡" },
  { "sim", "∼" },
  { "simeq", "≃" },
  { "cong", "≅" },
  { "propto", "∝" },
  { "ll", "≪" },
  { "gg", "≫" },
  { "lt", "<" },
  { "gt", ">" },
  { "in", "∈" },
  { "notin", "∉" },
  { "ni", "∋" },
  { "subset", "⊂" },
  { "subseteq", "⊆" },
  { "subsetneq", "⊊" },
  { "supset", "⊃" },
  { "supseteq", "⊇" },
  { "to", "→" },
  { "rightarrow", "→" },
  { "longrightarrow", "⟶" },
  { "leftarrow", "←" },
  { "gets", "←" },
  { "longleftarrow", "⟵" },
  { "Rightarrow", "⇒" },
  { "Longrightarrow", "⟹" },
  { "implies", "⟹" },
  { "impliedby", "⟸" },
  { "Leftarrow", "⇐" },
  { "iff", "⟺" },
  { "Leftrightarrow", "⇔" },
  { "leftrightarrow", "↔" },
  { "mapsto", "↦" },
  { "longmapsto", "⟼" },
  { "hookrightarrow", "↪" },
  { "rightharpoonup", "⇀" },
  { "rightleftharpoons", "⇌" },
  { "uparrow", "↑" },
  { "downarrow", "↓" },
  { "Uparrow", "⇑" },
  { "Downarrow", "⇓" },
  { "perp", "⊥" },
  { "parallel", "∥" },
  { "mid", "∣" },
  { "nmid", "∤" },
  { "vdash", "⊢" },
  { "models", "⊨" },
  { "prec", "≺" },
  { "succ", "≻" },
  { "preceq", "⪯" },
  { "succeq", "⪰" },
  { "asymp", "≍" },
  { "doteq", "≐" },
  { "coloneqq", "≔" },
  { "triangleq", "≜" },
  { "therefore", "∴" },
  { "because", "∵" },
};

static const char *const binaries[][2] = {
  { "times", "×" }, { "cdot", "·" },     { "div", "÷" },    { "pm", "±" },    { "mp", "∓" },  { "cup", "∪" },
  { "cap", "∩" },   { "setminus", "∖" }, { "land", "∧" },   { "wedge", "∧" }, { "lor", "∨" }, { "vee", "∨" },
  { "oplus", "⊕" }, { "otimes", "⊗" },   { "odot", "⊙" },   { "circ", "∘" },  { "ast", "∗" }, { "uplus", "⊎" },
  { "sqcup", "⊔" }, { "sqcap", "⊓" },    { "bmod", "mod" },
};

static const char *const functions[] = {
  "sin",  "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh",   "cosh", "tanh",
  "coth", "log", "ln",  "lg",  "exp", "lim", "liminf", "limsup", "min",    "max",    "sup",  "inf",
  "det",  "dim", "ker", "deg", "gcd", "arg", "hom",    "Pr",     "argmin", "argmax",
};

/* Commands whose argument is words or a name and is set upright, then bold ones, then those whose argument is set as it
 * is. */
static const char *const upright[] = {
  "text", "mathrm", "operatorname", "textrm", "mathsf", "mathtt", "textit", "mbox"
};
static const char *const bold[] = { "mathbf", "textbf", "boldsymbol", "bm", "boxed" };
static const char *const plain[] = { "mathit",    "mathcal", "mathscr",   "mathfrak", "underbrace",
                                     "overbrace", "cancel",  "underline", "mathop",   "substack" };
/* Commands that only affect the setting are left out; those in the second list are left out with their argument. */
static const char *const silent[] = { "left",     "right",        "big",       "Big",         "bigg",   "Bigg",
                                      "bigl",     "bigr",         "Bigl",      "Bigr",        "biggl",  "biggr",
                                      "middle",   "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits",
                                      "nonumber", "notag",        "hline",     "centering" };
static const char *const dropped[] = { "label", "hspace", "vspace", "phantom", "hphantom", "vphantom", "color" };

static const char *const accents[][2] = {
  { "vec", "⃗" },   { "hat", "̂" },   { "widehat", "̂" },        { "bar", "̄" },       { "overline", "̅" },
  { "dot", "̇" },   { "ddot", "̈" },  { "tilde", "̃" },          { "widetilde", "̃" }, { "check", "̌" },
  { "acute", "́" }, { "grave", "̀" }, { "overrightarrow", "⃗" },
};

static const char blackboard[] = "CℂHℍNℕPℙQℚRℝZℤE𝔼F𝔽K𝕂D𝔻1𝟙";

typedef struct {
  const char *at, *end;
  GString *out;
  GPtrArray *grids;
  gboolean small; /* inside a power or an index, where there are no spaces */
} Reader;

static void read_all (Reader *self, gboolean in_braces, int depth);
static void read_command (Reader *self, int depth);

static gboolean
is_one_of (const char *const *names, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (names[i], name))
      return TRUE;
  return FALSE;
}

static const char *
look_up (const char *const (*pairs)[2], gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (pairs[i][0], name))
      return pairs[i][1];
  return NULL;
}

#define LOOK_UP(table, name) look_up (table, G_N_ELEMENTS (table), name)
#define IS_ONE_OF(table, name) is_one_of (table, G_N_ELEMENTS (table), name)

/* ---- output ----------------------------------------------------------------------------------------------------- */

static gboolean
ends_with_space (Reader *self)
{
  return self->out->len == 0 || strchr (" \n", self->out->str[self->out->len - 1]) != NULL;
}

static void
add_space (Reader *self)
{
  if (!ends_with_space (self))
    g_string_append_c (self->out, ' ');
}

/* Returns whether a plus or minus sign here is the sign of a number: nothing or another sign stands before it. */
static gboolean
is_unary (Reader *self)
{
  const char *end = self->out->str + self->out->len;

  while (end > self->out->str && end[-1] == ' ')
    end--;
  return end == self->out->str || strchr ("([{=<>+,;|/\n", end[-1]) != NULL || ends_with_space (self);
}

static void
add_operator (Reader *self, const char *sign, gboolean may_be_unary)
{
  gboolean tight = self->small || (may_be_unary && is_unary (self));

  if (!tight)
    add_space (self);
  g_string_append (self->out, sign);
  if (!tight)
    g_string_append_c (self->out, ' ');
}

static void
add_marked (Reader *self, char mark, const char *text)
{
  g_string_append_c (self->out, mark);
  g_string_append (self->out, text);
  g_string_append_c (self->out, QUERN_MATH_END);
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

static void
skip_spaces (Reader *self)
{
  while (self->at < self->end && g_ascii_isspace (*self->at))
    self->at++;
}

/* Takes the bytes in braces without reading them; returns NULL if there are no braces. */
static char *
take_raw (Reader *self, char open, char close)
{
  const char *start;
  int level = 1;

  skip_spaces (self);
  if (self->at >= self->end || *self->at != open)
    return NULL;
  for (start = ++self->at; self->at < self->end; self->at++) {
    if (*self->at == '\\' && self->at + 1 < self->end)
      self->at++;
    else if (*self->at == open)
      level++;
    else if (*self->at == close && --level == 0)
      return g_strndup (start, self->at++ - start);
  }
  return g_strndup (start, self->end - start);
}

/* Reads the next argument: one sign, one command or a group in braces. */
static char *
read_argument (Reader *self, gboolean small, int depth)
{
  Reader inner = { self->at, self->end, g_string_new (NULL), self->grids, self->small || small };

  skip_spaces (&inner);
  if (inner.at < inner.end && *inner.at == '{' && depth < MAX_DEPTH) {
    inner.at++;
    read_all (&inner, TRUE, depth + 1);
  } else if (inner.at < inner.end && depth < MAX_DEPTH) {
    if (*inner.at == '\\') {
      inner.at++;
      read_command (&inner, depth + 1); /* reads its own arguments too */
    } else {
      Reader one = inner;
      inner.at = one.end = MIN (g_utf8_next_char (inner.at), inner.end);
      read_all (&one, FALSE, depth + 1);
    }
  }
  self->at = inner.at;
  return g_strstrip (g_string_free (inner.out, FALSE));
}

/* Removes marks from words, and with `escapes` also backslashes before signs. */
static const char *
clean (char *words, gboolean escapes)
{
  char *out = words;

  for (const char *p = words; *p != '\0'; p++)
    if ((*p < 0 || *p >= ' ') && (!escapes || *p != '\\' || g_ascii_isalpha (p[1])))
      *out++ = *p;
  *out = '\0';
  return words;
}

/* ---- commands with arguments ------------------------------------------------------------------------------------ */

/* Adds the numerator or denominator, in brackets if it has more than one term. */
static void
add_part (GString *out, const char *text)
{
  g_string_append_printf (out, strpbrk (text, "+ =/") != NULL || strstr (text, "−") != NULL ? "(%s)" : "%s", text);
}

static void
read_fraction (Reader *self, int depth)
{
  g_autofree char *above = read_argument (self, FALSE, depth);
  g_autofree char *below = read_argument (self, FALSE, depth);

  add_part (self->out, above);
  g_string_append_c (self->out, '/');
  add_part (self->out, below);
}

static void
read_root (Reader *self, int depth)
{
  g_autofree char *index = self->at < self->end && *self->at == '[' ? take_raw (self, '[', ']') : NULL;
  g_autofree char *argument = read_argument (self, FALSE, depth);
  const char *sign = "√";

  if (g_strcmp0 (index, "3") == 0)
    sign = "∛";
  else if (g_strcmp0 (index, "4") == 0)
    sign = "∜";
  else if (index != NULL)
    add_marked (self, QUERN_MATH_SUP, clean (index, TRUE));
  g_string_append_printf (self->out, g_utf8_strlen (argument, -1) > 1 ? "%s(%s)" : "%s%s", sign, argument);
}

static void
read_accent (Reader *self, const char *sign, int depth)
{
  g_autofree char *argument = read_argument (self, FALSE, depth);

  for (const char *p = argument; *p != '\0'; p = g_utf8_next_char (p)) {
    g_string_append_len (self->out, p, g_utf8_next_char (p) - p);
    if ((guint8) *p > ' ' && (g_utf8_strlen (argument, -1) == 1 || g_str_equal (sign, "̅") || p == argument))
      g_string_append (self->out, sign);
  }
}

static void
read_blackboard (Reader *self, int depth)
{
  g_autofree char *argument = read_argument (self, FALSE, depth);

  for (const char *p = argument; *p != '\0'; p = g_utf8_next_char (p)) {
    const char *found = NULL;
    for (const char *q = blackboard; *q != '\0' && found == NULL; q = g_utf8_next_char (g_utf8_next_char (q)))
      found = *q == *p ? g_utf8_next_char (q) : NULL;
    g_string_append_len (self->out, found != NULL ? found : p,
                         g_utf8_next_char (found != NULL ? found : p) - (found != NULL ? found : p));
  }
}

/* Reads one thing above or below another, as a power or an index of it. */
static void
read_stacked (Reader *self, char mark, int depth)
{
  g_autofree char *script = read_argument (self, TRUE, depth);
  g_autofree char *base = read_argument (self, FALSE, depth);

  g_string_append (self->out, base);
  add_marked (self, mark, script);
}

static void
read_words (Reader *self, int depth)
{
  g_autofree char *raw = take_raw (self, '{', '}');
  g_autofree char *other = raw == NULL ? read_argument (self, FALSE, depth) : NULL;

  add_marked (self, QUERN_MATH_UPRIGHT, raw != NULL ? clean (raw, TRUE) : other);
}

/* ---- environments ----------------------------------------------------------------------------------------------- */

static const struct {
  const char *name, *left, *right;
} brackets[] = {
  { "matrix", "", "" },      { "pmatrix", "(", ")" }, { "bmatrix", "[", "]" },
  { "Bmatrix", "{", "}" },   { "vmatrix", "|", "|" }, { "Vmatrix", "‖", "‖" },
  { "smallmatrix", "", "" }, { "cases", "{", "" },    { "array", "", "" },
};

/* Returns where the environment that was just opened ends. */
static const char *
find_end (Reader *self, const char *name)
{
  g_autofree char *begin = g_strdup_printf ("\\begin{%s}", name), *end = g_strdup_printf ("\\end{%s}", name);
  int level = 1;

  for (const char *p = self->at; p < self->end; p++) {
    if ((gsize) (self->end - p) >= strlen (begin) && memcmp (p, begin, strlen (begin)) == 0)
      level++;
    else if ((gsize) (self->end - p) >= strlen (end) && memcmp (p, end, strlen (end)) == 0 && --level == 0)
      return p;
  }
  return NULL;
}

/* Returns where a cell or row ends: at & or \\ outside of braces and inner environments. */
static const char *
cell_end (const char *p, const char *end)
{
  int level = 0;

  for (; p < end; p++) {
    if (*p == '\\' && p + 1 < end) {
      if (p[1] == '\\' && level == 0)
        return p;
      level += g_str_has_prefix (p, "\\begin{") ? 1 : g_str_has_prefix (p, "\\end{") ? -1 : 0;
      p++;
    } else if (*p == '{' || *p == '}')
      level += *p == '{' ? 1 : -1;
    else if (*p == '&' && level == 0)
      return p;
  }
  return end;
}

static char *
read_cell (Reader *self, const char *start, const char *end, int depth)
{
  Reader cell = { start, end, g_string_new (NULL), self->grids, FALSE };
  g_autofree char *marked = NULL;

  read_all (&cell, FALSE, depth + 1);
  marked = g_strstrip (g_string_free (cell.out, FALSE));
  return quern_md_math_to_text (marked, self->grids, FALSE);
}

static void
read_grid (Reader *self, const char *end, gsize kind, int depth)
{
  QuernMathGrid *grid = g_new0 (QuernMathGrid, 1);
  GPtrArray *row = g_ptr_array_new_with_free_func (g_free);

  *grid = (QuernMathGrid) { g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref), brackets[kind].left,
                            brackets[kind].right };
  g_ptr_array_add (grid->rows, row);
  for (const char *p = self->at; p < end;) {
    const char *stop = cell_end (p, end);
    g_autofree char *text = read_cell (self, p, stop, depth);
    if (stop < end || *text != '\0' || row->len > 0)
      g_ptr_array_add (row, g_strdelimit (g_steal_pointer (&text), "\n", ' '));
    p = stop + (stop < end && *stop == '\\' ? 2 : 1);
    if (stop < end && *stop == '\\')
      g_ptr_array_add (grid->rows, row = g_ptr_array_new_with_free_func (g_free));
  }
  if (row->len == 0)
    g_ptr_array_remove_index (grid->rows, grid->rows->len - 1);
  g_ptr_array_add (self->grids, grid);
  g_string_append_c (self->out, QUERN_MATH_GRID);
  g_string_append_c (self->out, QUERN_MATH_FIRST_GRID + (char) (self->grids->len - 1));
}

static void
read_environment (Reader *self, int depth)
{
  g_autofree char *name = take_raw (self, '{', '}');
  const char *end = name != NULL ? find_end (self, name) : NULL;
  g_autofree char *columns = NULL;

  if (end == NULL)
    return; /* its content is read as it comes */
  if (g_str_equal (name, "array") || g_str_equal (name, "alignedat") || g_str_equal (name, "alignat"))
    columns = take_raw (self, '{', '}');
  for (gsize i = 0; i < G_N_ELEMENTS (brackets) && self->grids->len < MAX_GRIDS && depth < MAX_DEPTH; i++) {
    if (g_str_equal (name, brackets[i].name)) {
      read_grid (self, end, i, depth);
      self->at = end;
      return;
    }
  }
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* An unknown command stays, with its arguments. */
static void
add_unknown (Reader *self, const char *name)
{
  g_string_append_printf (self->out, "%c\\%s", QUERN_MATH_UPRIGHT, name);
  while (self->at < self->end && *self->at == '{') {
    g_autofree char *argument = take_raw (self, '{', '}');
    g_string_append_printf (self->out, "{%s}", clean (argument, FALSE));
  }
  g_string_append_c (self->out, QUERN_MATH_END);
}

static gboolean
read_structure (Reader *self, const char *name, int depth)
{
  if (g_str_equal (name, "frac") || g_str_equal (name, "dfrac") || g_str_equal (name, "tfrac")
      || g_str_equal (name, "cfrac"))
    read_fraction (self, depth);
  else if (g_str_equal (name, "sqrt"))
    read_root (self, depth);
  else if (g_str_equal (name, "mathbb"))
    read_blackboard (self, depth);
  else if (g_str_equal (name, "overset") || g_str_equal (name, "stackrel"))
    read_stacked (self, QUERN_MATH_SUP, depth);
  else if (g_str_equal (name, "underset"))
    read_stacked (self, QUERN_MATH_SUB, depth);
  else if (g_str_equal (name, "begin"))
    read_environment (self, depth);
  else if (g_str_equal (name, "end"))
    g_free (take_raw (self, '{', '}'));
  else
    return FALSE;
  return TRUE;
}

static gboolean
read_style (Reader *self, const char *name, int depth)
{
  g_autofree char *argument = NULL;

  if (IS_ONE_OF (upright, name)) {
    read_words (self, depth);
  } else if (IS_ONE_OF (bold, name)) {
    argument = read_argument (self, FALSE, depth);
    add_marked (self, QUERN_MATH_BOLD, argument);
  } else if (IS_ONE_OF (plain, name)) {
    argument = read_argument (self, FALSE, depth);
    g_string_append (self->out, argument);
  } else if (IS_ONE_OF (dropped, name)) {
    argument = take_raw (self, '{', '}');
  } else if (g_str_equal (name, "textcolor")) {
    g_free (take_raw (self, '{', '}'));
    argument = read_argument (self, FALSE, depth);
    g_string_append (self->out, argument);
  } else if (g_str_equal (name, "binom") || g_str_equal (name, "dbinom") || g_str_equal (name, "tbinom")) {
    g_autofree char *below = (argument = read_argument (self, FALSE, depth), read_argument (self, FALSE, depth));
    g_string_append_printf (self->out, "C(%s, %s)", argument, below);
  } else if (g_str_equal (name, "pmod") || g_str_equal (name, "tag")) {
    argument = read_argument (self, FALSE, depth);
    g_string_append_printf (self->out, *name == 'p' ? "  (mod %s)" : "   (%s)", argument);
  } else if (LOOK_UP (accents, name) != NULL)
    read_accent (self, LOOK_UP (accents, name), depth);
  else
    return FALSE;
  return TRUE;
}

static gboolean
add_sign (Reader *self, const char *name)
{
  const char *sign;

  if ((sign = LOOK_UP (ordinary, name)) != NULL)
    g_string_append (self->out, sign);
  else if ((sign = LOOK_UP (relations, name)) != NULL)
    add_operator (self, sign, FALSE);
  else if ((sign = LOOK_UP (binaries, name)) != NULL)
    add_operator (self, sign, g_str_equal (name, "pm") || g_str_equal (name, "mp"));
  else if (g_str_equal (name, "quad") || g_str_equal (name, "qquad"))
    g_string_append (self->out, *name == 'q' && name[1] == 'q' ? "    " : "  ");
  else
    return FALSE;
  return TRUE;
}

/* Adds the name of a function, and a space if its argument has no brackets. */
static void
add_function (Reader *self, const char *name)
{
  add_marked (self, QUERN_MATH_UPRIGHT, name);
  skip_spaces (self);
  if (self->at < self->end && strchr ("^_({[)}]|,", *self->at) == NULL && !self->small
      && !g_str_has_prefix (self->at, "\\left"))
    g_string_append_c (self->out, ' ');
}

static void
add_command (Reader *self, const char *name, int depth)
{
  if (IS_ONE_OF (silent, name)) {
    if (self->at < self->end && *self->at == '.' && (g_str_equal (name, "left") || g_str_equal (name, "right")))
      self->at++; /* there is no bracket on this side */
  } else if (g_str_equal (name, "not"))
    read_accent (self, "̸", depth);
  else if (IS_ONE_OF (functions, name))
    add_function (self, name);
  else if (!add_sign (self, name) && !read_structure (self, name, depth) && !read_style (self, name, depth))
    add_unknown (self, name);
}

/* Reads a command; `at` is behind the backslash. */
static void
read_command (Reader *self, int depth)
{
  const char *start = self->at;
  g_autofree char *name = NULL;

  while (self->at < self->end && g_ascii_isalpha (*self->at))
    self->at++;
  if (self->at > start) {
    name = g_strndup (start, self->at - start);
    add_command (self, name, depth);
  } else if (self->at < self->end) {
    if (*self->at == '\\')
      g_string_append_c (self->out, '\n');
    else if (strchr (",;: >", *self->at) != NULL)
      g_string_append_c (self->out, ' ');
    else if (*self->at == '|')
      g_string_append (self->out, "‖");
    else if (*self->at > 0 && *self->at != '!')
      g_string_append_c (self->out, *self->at);
    if (*self->at++ == '\\' && self->at < self->end && *self->at == '[')
      g_free (take_raw (self, '[', ']')); /* the argument says how much space follows */
  }
}

static void
read_character (Reader *self, char c)
{
  static const char *const relation_signs[][2] = { { "=", "=" }, { "<", "<" }, { ">", ">" } };
  char name[2] = { c, '\0' };

  if (c == '+' || c == '-')
    add_operator (self, c == '+' ? "+" : "−", TRUE);
  else if (LOOK_UP (relation_signs, name) != NULL)
    add_operator (self, name, FALSE);
  else if (c == '\'')
    g_string_append (self->out, "′");
  else if (c == ',' && !self->small)
    g_string_append (self->out, self->at < self->end && g_ascii_isdigit (*self->at) ? "," : ", ");
  else if (c == '~')
    g_string_append_c (self->out, ' ');
  else if (strchr ("{}&\n\r\t ", c) == NULL)
    g_string_append_c (self->out, c);
}

static void
read_all (Reader *self, gboolean in_braces, int depth)
{
  while (self->at < self->end) {
    char c = *self->at++;
    if (c == '}' && in_braces)
      return;
    if (c == '\\')
      read_command (self, depth);
    else if (c == '{' && depth < MAX_DEPTH)
      read_all (self, TRUE, depth + 1);
    else if (c == '^' || c == '_') {
      g_autofree char *argument = read_argument (self, TRUE, depth);
      while (self->out->len > 0 && self->out->str[self->out->len - 1] == ' ')
        g_string_truncate (self->out, self->out->len - 1);
      add_marked (self, c == '^' ? QUERN_MATH_SUP : QUERN_MATH_SUB, argument);
    } else if (c < 0 || c >= ' ' || g_ascii_isspace (c))
      read_character (self, c);
  }
}

/* Removes blanks at the ends of lines, and empty lines. */
static char *
tidy (const char *marked)
{
  g_auto (GStrv) lines = g_strsplit (marked, "\n", -1);
  GString *out = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++) {
    g_strstrip (lines[i]);
    if (*lines[i] != '\0')
      g_string_append_printf (out, out->len > 0 ? "\n%s" : "%s", lines[i]);
  }
  return g_string_free (out, FALSE);
}

/**
 * quern_md_math_render:
 * @latex: a formula, without what marks it as one
 * @display: it has lines of its own
 * @text: (out) (transfer full): the formula as plain text
 *
 * Returns: (transfer full): the formula as Pango markup
 */
char *
quern_md_math_render (const char *latex, gboolean display, char **text)
{
  g_autoptr (GPtrArray) grids = quern_md_math_grids_new ();
  Reader reader = { latex, latex + strlen (latex), g_string_new (NULL), grids, FALSE };
  g_autofree char *marked = NULL;

  read_all (&reader, FALSE, 0);
  marked = tidy (reader.out->str);
  g_string_free (reader.out, TRUE);
  *text = quern_md_math_to_text (marked, grids, display);
  return quern_md_math_to_markup (marked, grids, display);
}
