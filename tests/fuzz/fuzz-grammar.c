/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody sends as a grammar: a JSON schema if it begins with '{', a tool behind '[', else GBNF. One that is taken is followed for a
 * while, always with some byte that it admits: a text that was begun must never come to where it can neither go on nor end. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/qe-grammar.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { STEPS = 200 };

static void
require (int ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

static void
follow (QeGrammar *grammar, uint8_t first)
{
  char text[STEPS + 1];
  bool may_end;
  for (size_t n = 0; n < STEPS; n++) {
    bool goes_on = false;
    qe_grammar_admits_text (grammar, text, n, &may_end);
    for (unsigned i = 0; i < 256 && !goes_on; i++) {
      bool ends;
      text[n] = (char) (first + n * 7 + i);
      goes_on = qe_grammar_admits_text (grammar, text, n + 1, &ends);
    }
    if (qe_grammar_problem (grammar, NULL) != QE_OK)
      return;
    require (goes_on || may_end, "a text can go on or end");
    if (!goes_on)
      return;
  }
}

/* The form depends on the size. */
static QeStatus
make_from_tool (QeGrammar **grammar, const char *text, size_t size, QeError *err)
{
  char *tool = strndup (text, size);
  const QeToolRules rules = { .tools = (const char *const *) &tool,
                              .n_tools = 1,
                              .form = size & 1 ? QE_TOOLS_XML : QE_TOOLS_HERMES,
                              .parallel = size & 2,
                              .open = size & 4 };
  const QeStatus status = qe_grammar_from_tools_for (grammar, NULL, &rules, err);
  free (tool);
  return status;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  QeGrammar *grammar = NULL;
  QeError err = { 0 };
  const char *text = (const char *) data;
  QeStatus status;
  if (size && *data == '{')
    status = qe_grammar_from_schema_for (&grammar, NULL, text, size, &err);
  else if (size && *data == '[')
    status = make_from_tool (&grammar, text + 1, size - 1, &err);
  else
    status = qe_grammar_from_gbnf_for (&grammar, NULL, text, size, &err);
  require ((status == QE_OK) == (grammar != NULL), "a grammar, or a failure");
  if (grammar) {
    follow (grammar, 'a');
    qe_grammar_restart (grammar, true);
    follow (grammar, '"');
  } else {
    require (err.status == status && err.message[0] && strlen (err.message) < sizeof err.message,
             "a failure is a sentence");
  }
  qe_grammar_free (grammar);
  return 0;
}
