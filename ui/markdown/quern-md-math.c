/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Formulas in LaTeX as readable Unicode: names become signs, simple powers and indices become small characters, a
 * fraction becomes a/b. What is not known stays as it was written. */

#include "quern-md-math.h"

#include <string.h>

#define MAX_DEPTH 20

static const char *const signs[][2] = {
  { "alpha", "α" },     { "beta", "β" },      { "gamma", "γ" },     { "delta", "δ" },    { "epsilon", "ε" }, { "varepsilon", "ε" },
  { "zeta", "ζ" },      { "eta", "η" },       { "theta", "θ" },     { "iota", "ι" },     { "kappa", "κ" },   { "lambda", "λ" },
  { "mu", "μ" },        { "nu", "ν" },        { "xi", "ξ" },        { "pi", "π" },       { "rho", "ρ" },     { "sigma", "σ" },
  { "tau", "τ" },       { "upsilon", "υ" },   { "phi", "φ" },       { "varphi", "φ" },   { "chi", "χ" },     { "psi", "ψ" },
  { "omega", "ω" },     { "Gamma", "Γ" },     { "Delta", "Δ" },     { "Theta", "Θ" },    { "Lambda", "Λ" },  { "Xi", "Ξ" },
  { "Pi", "Π" },        { "Sigma", "Σ" },     { "Phi", "Φ" },       { "Psi", "Ψ" },      { "Omega", "Ω" },   { "times", "×" },
  { "cdot", "·" },      { "div", "÷" },       { "pm", "±" },        { "mp", "∓" },       { "leq", "≤" },     { "le", "≤" },
  { "geq", "≥" },       { "ge", "≥" },        { "neq", "≠" },       { "ne", "≠" },       { "approx", "≈" },  { "equiv", "≡" },
  { "sim", "∼" },       { "propto", "∝" },    { "infty", "∞" },     { "partial", "∂" },  { "nabla", "∇" },   { "sum", "∑" },
  { "prod", "∏" },      { "int", "∫" },       { "oint", "∮" },      { "in", "∈" },       { "notin", "∉" },   { "subset", "⊂" },
  { "subseteq", "⊆" },  { "supset", "⊃" },    { "cup", "∪" },       { "cap", "∩" },      { "emptyset", "∅" }, { "forall", "∀" },
  { "exists", "∃" },    { "neg", "¬" },       { "land", "∧" },      { "wedge", "∧" },    { "lor", "∨" },     { "vee", "∨" },
  { "to", "→" },        { "rightarrow", "→" }, { "leftarrow", "←" }, { "Rightarrow", "⇒" }, { "implies", "⇒" }, { "iff", "⇔" },
  { "leftrightarrow", "↔" }, { "mapsto", "↦" }, { "ldots", "…" },   { "cdots", "⋯" },    { "dots", "…" },    { "prime", "′" },
  { "circ", "∘" },      { "degree", "°" },    { "angle", "∠" },     { "perp", "⊥" },     { "parallel", "∥" }, { "mid", "∣" },
  { "langle", "⟨" },    { "rangle", "⟩" },    { "quad", " " },      { "qquad", "  " },   { "left", "" },     { "right", "" },
  { "displaystyle", "" }, { "ell", "ℓ" },     { "hbar", "ℏ" },      { "sin", "sin " },   { "cos", "cos " },  { "tan", "tan " },
  { "log", "log " },    { "ln", "ln " },      { "exp", "exp " },    { "lim", "lim" },    { "min", "min" },   { "max", "max" },
};

/* Commands whose argument is shown as it is. */
static const char *const plain[] = { "text", "mathrm", "mathbf", "mathit", "mathbb", "mathcal", "operatorname", "boxed", "textbf" };

static const char raised[] = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻=⁼(⁽)⁾nⁿiⁱaᵃbᵇcᶜdᵈeᵉkᵏmᵐtᵗxˣyʸTᵀ";
static const char lowered[] = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋=₌(₍)₎aₐeₑiᵢjⱼkₖmₘnₙoₒpₚrᵣsₛtₜxₓ";

typedef struct {
  const char *at, *end;
  GString *out;
} Reader;

static void read_all (Reader *self, gboolean in_braces, int depth);

/* The next argument: one sign, one command or what is in braces. */
static char *
read_argument (Reader *self, int depth)
{
  Reader inner = { self->at, self->end, g_string_new (NULL) };

  while (inner.at < inner.end && *inner.at == ' ')
    inner.at++;
  if (inner.at < inner.end && *inner.at == '{' && depth < MAX_DEPTH) {
    inner.at++;
    read_all (&inner, TRUE, depth + 1);
  } else if (inner.at < inner.end) {
    const char *next = *inner.at == '\\' ? inner.at + 1 : g_utf8_next_char (inner.at);
    if (*inner.at == '\\')
      while (next < inner.end && g_ascii_isalpha (*next))
        next++;
    Reader one = { inner.at, MIN (next, inner.end), inner.out };
    if (depth < MAX_DEPTH)
      read_all (&one, FALSE, depth + 1);
    inner.at = MIN (next, inner.end);
  }
  self->at = inner.at;
  return g_string_free (inner.out, FALSE);
}

/* In small characters when every one of them has a small form, else behind the mark. */
static void
add_script (Reader *self, char mark, const char *text)
{
  const char *table = mark == '^' ? raised : lowered;
  g_autoptr (GString) small = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    const char *found = *p > 0 ? strchr (table, *p) : NULL;
    if (found == NULL) {
      g_string_append_printf (self->out, g_utf8_strlen (text, -1) > 1 ? "%c(%s)" : "%c%s", mark, text);
      return;
    }
    g_string_append_len (small, found + 1, g_utf8_next_char (found + 1) - (found + 1));
  }
  g_string_append (self->out, small->str);
}

static void
add_part (GString *out, const char *text)
{
  g_string_append_printf (out, strpbrk (text, "+- =/") != NULL ? "(%s)" : "%s", text);
}

static void
read_fraction (Reader *self, int depth)
{
  g_autofree char *above = read_argument (self, depth);
  g_autofree char *below = read_argument (self, depth);

  add_part (self->out, above);
  g_string_append_c (self->out, '/');
  add_part (self->out, below);
}

static void
read_root (Reader *self, int depth)
{
  g_autofree char *argument = read_argument (self, depth);
  g_string_append_printf (self->out, g_utf8_strlen (argument, -1) > 1 ? "√(%s)" : "√%s", argument);
}

static void
add_command (Reader *self, const char *name, int depth)
{
  if (g_str_equal (name, "frac") || g_str_equal (name, "dfrac") || g_str_equal (name, "tfrac")) {
    read_fraction (self, depth);
    return;
  }
  if (g_str_equal (name, "sqrt")) {
    read_root (self, depth);
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++) {
    if (g_str_equal (name, plain[i])) {
      g_autofree char *argument = read_argument (self, depth);
      g_string_append (self->out, argument);
      return;
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (signs); i++) {
    if (g_str_equal (name, signs[i][0])) {
      g_string_append (self->out, signs[i][1]);
      return;
    }
  }
  g_string_append_printf (self->out, "\\%s", name);
}

/* After the backslash. */
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
    if (strchr (",;: \\", *self->at) != NULL)
      g_string_append_c (self->out, *self->at == '\\' ? '\n' : ' ');
    else if (*self->at > 0 && *self->at != '!')
      g_string_append_c (self->out, *self->at);
    if (*self->at > 0)
      self->at++;
  }
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
    else if (c == '^' || c == '_') {
      g_autofree char *argument = read_argument (self, depth);
      add_script (self, c, argument);
    } else if (c != '{' && c != '}' && c != '&')
      g_string_append_c (self->out, c);
  }
}

/**
 * quern_md_math_to_unicode:
 * @latex: a formula, without what marks it as one
 * @length: its bytes
 *
 * Returns: (transfer full): the formula as text
 */
char *
quern_md_math_to_unicode (const char *latex, gsize length)
{
  Reader reader = { latex, latex + length, g_string_new (NULL) };
  read_all (&reader, FALSE, 0);
  return g_strstrip (g_string_free (reader.out, FALSE));
}

/* Whether a formula between single signs may end at this one. */
static gboolean
may_close (const char *text, const char *at)
{
  return at > text && !g_ascii_isspace (at[-1]) && at[-1] != '\\' && !g_ascii_isdigit (at[1]);
}

/**
 * quern_md_math_find:
 * @before: (out): bytes before the first formula of @text
 * @skip: (out): bytes of each of its marks, 1 or 2
 * @length: (out): bytes between the marks
 *
 * Returns: @length, 0 when there is none
 */
gsize
quern_md_math_find (const char *text, gsize *before, gsize *skip, gsize *length)
{
  for (const char *p = strchr (text, '$'); p != NULL; p = strchr (p + *skip, '$')) {
    const char *inside;
    *skip = p[1] == '$' ? 2 : 1;
    *before = p - text;
    inside = p + *skip;
    if (*skip == 1 && g_ascii_isspace (*inside))
      continue;
    for (const char *q = strstr (inside, *skip == 2 ? "$$" : "$"); q != NULL; q = strstr (q + 1, *skip == 2 ? "$$" : "$")) {
      if (q > inside && (*skip == 2 || may_close (inside, q))) {
        *length = q - inside;
        return *length;
      }
    }
  }
  return 0;
}
