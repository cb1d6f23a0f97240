/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Translates the argument of \ce, as mhchem has it, into LaTeX: 2H2 + O2 -> 2H2O. */

#include "quern-math-tree.h"

#include <string.h>

static const struct {
  const char *sign, *plain, *labelled; /* the longest first */
} arrows[] = {
  { "<=>>", "\\rightleftharpoons ", "\\xrightleftharpoons" },
  { "<<=>", "\\rightleftharpoons ", "\\xrightleftharpoons" },
  { "<=>", "\\rightleftharpoons ", "\\xrightleftharpoons" },
  { "<->", "\\leftrightarrow ", "\\xleftrightarrow" },
  { "->", "\\longrightarrow ", "\\xrightarrow" },
  { "<-", "\\longleftarrow ", "\\xleftarrow" },
  { "=>", "\\Rightarrow ", "\\xRightarrow" },
};

typedef struct {
  const char *at, *end;
  GString *out;
  gboolean behind; /* right behind an element or a bracket: a number counts its atoms, a sign is its charge */
} Chemistry;

/* Copies a group with its braces, or in braces what has the given characters. */
static void
quern_math_chemistry_script (Chemistry *c, const char *characters)
{
  if (c->at < c->end && *c->at == '{') {
    const char *start = c->at;
    int depth = 0;
    for (; c->at < c->end; c->at++) {
      depth += *c->at == '{' ? 1 : *c->at == '}' ? -1 : 0;
      if (depth == 0)
        break;
    }
    c->at = MIN (c->at + 1, c->end);
    g_string_append_len (c->out, start, c->at - start);
    return;
  }
  gsize n = strspn (c->at, characters);
  g_string_append_printf (c->out, "{%.*s}", (int) n, c->at);
  c->at += n;
}

static gboolean
quern_math_chemistry_arrow (Chemistry *c)
{
  for (gsize i = 0; i < G_N_ELEMENTS (arrows); i++) {
    if (!g_str_has_prefix (c->at, arrows[i].sign))
      continue;
    c->at += strlen (arrows[i].sign);
    c->behind = FALSE;
    if (*c->at != '[') {
      g_string_append (c->out, arrows[i].plain);
      return TRUE;
    }
    char *labels[2] = { NULL, NULL };
    for (int n = 0; n < 2 && *c->at == '['; n++) {
      const char *close = strchr (c->at, ']');
      if (close == NULL)
        close = c->end;
      labels[n] = g_strndup (c->at + 1, close - c->at - 1);
      c->at = close < c->end ? close + 1 : close;
    }
    g_string_append (c->out, arrows[i].labelled);
    if (labels[1] != NULL)
      g_string_append_printf (c->out, "[%s]", labels[1]);
    g_string_append_printf (c->out, "{%s}", labels[0]);
    g_free (labels[0]);
    g_free (labels[1]);
    return TRUE;
  }
  return FALSE;
}

static gboolean
quern_math_chemistry_ends (const char *at)
{
  return *at == '\0' || strchr (" )]}^,", *at) != NULL;
}

/**
 * quern_math_chemistry:
 * @source: the argument of \ce
 * @length: its bytes
 *
 * Returns: (transfer full): LaTeX that is to be set upright
 */
char *
quern_math_chemistry (const char *source, gsize length)
{
  g_autofree char *text = g_strndup (source, length);
  Chemistry c = { .at = text, .end = text + strlen (text), .out = g_string_new (NULL) };

  while (c.at < c.end) {
    gboolean behind = c.behind;
    if (quern_math_chemistry_arrow (&c))
      continue;
    c.behind = FALSE;
    switch (*c.at) {
    case '^':
    case '_':
      if (*c.at == '^' && !behind && quern_math_chemistry_ends (c.at + 1)) {
        g_string_append (c.out, "\\uparrow ");
        c.at++;
        break;
      }
      if (!behind)
        g_string_append (c.out, "{}"); /* in front of an element: an isotope */
      g_string_append_c (c.out, *c.at++);
      quern_math_chemistry_script (&c, "0123456789+-");
      c.behind = TRUE;
      break;
    case '+':
    case '-':
      if (behind && quern_math_chemistry_ends (c.at + 1))
        g_string_append_printf (c.out, "^{%c}", *c.at);
      else if (*c.at == '-' && behind)
        g_string_append (c.out, "{-}"); /* a bond */
      else
        g_string_append_c (c.out, *c.at);
      c.at++;
      break;
    case '=': g_string_append (c.out, behind ? "{=}" : "="), c.at++; break;
    case '#': g_string_append (c.out, "{\\equiv}"), c.at++; break;
    case '*':
    case '.': g_string_append (c.out, "\\cdot "), c.at++; break;
    case '$': c.at++; break; /* what is between them is LaTeX already, as most here */
    case '%': g_string_append (c.out, "\\%"), c.at++; break;
    case ' ':
      c.at += strspn (c.at, " ");
      if (*c.at == '(')
        g_string_append (c.out, "\\,");
      break;
    case '\\':
      g_string_append_c (c.out, *c.at++);
      while (g_ascii_isalpha (*c.at))
        g_string_append_c (c.out, *c.at++);
      g_string_append_c (c.out, ' ');
      if (*c.at == '{')
        quern_math_chemistry_script (&c, "");
      break;
    case '{': quern_math_chemistry_script (&c, ""); break;
    default:
      if (g_ascii_isdigit (*c.at)) {
        gsize n = strspn (c.at, "0123456789./");
        while (n > 1 && !g_ascii_isdigit (c.at[n - 1]))
          n--;
        g_string_append_printf (c.out, behind ? "_{%.*s}" : "%.*s\\,", (int) n, c.at);
        c.at += n;
        c.behind = behind;
      } else if (*c.at == 'v' && !behind && (c.at == text || c.at[-1] == ' ') && quern_math_chemistry_ends (c.at + 1)) {
        g_string_append (c.out, "\\downarrow ");
        c.at++;
      } else {
        c.behind = g_ascii_isalpha (*c.at) || *c.at == ')' || *c.at == ']';
        g_string_append_c (c.out, *c.at++); /* a byte: those of longer characters follow each other */
      }
    }
  }
  return g_string_free (c.out, FALSE);
}
