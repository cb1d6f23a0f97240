/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Renders templates for template-diff.py: jinja-driver FILE, where FILE is JSON
 *   {"now": SECONDS, "jobs": [{"template": TEXT, "contexts": [{…}, …]}, …]}
 * Prints one JSON line for each context: {"text": …} or {"error": …}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/template/qe-jinja.h"

typedef struct {
  const QeJson *json;
  size_t context;
} Variables;

static void
fill (QjRun *run, void *data)
{
  const Variables *v = data;
  size_t length;
  for (size_t i = qe_json_first (v->json, v->context); i != QE_JSON_NONE; i = qe_json_next (v->json, v->context, i)) {
    const char *name = qe_json_key (v->json, i, &length);
    if (qe_jinja_wants (run, name)) {
      QjValue value = qe_jinja_json (run, v->json, i);
      qe_jinja_set (run, name, &value);
    }
  }
}

static void
print_line (const char *key, const char *text, size_t length)
{
  QeBuffer line = { 0 };
  qe_buffer_puts (&line, "{\"");
  qe_buffer_puts (&line, key);
  qe_buffer_puts (&line, "\": ");
  qe_json_write_string (text, length, &line);
  qe_buffer_puts (&line, "}");
  puts (line.data ? line.data : "");
  qe_buffer_clear (&line);
}

static void
run_job (const QeJson *json, size_t job, int64_t now)
{
  size_t contexts = qe_json_member (json, job, "contexts"), length;
  const char *text = qe_json_text (json, qe_json_member (json, job, "template"), &length);
  QeJinja *jinja = NULL;
  QeError err = { 0 };
  QeStatus compiled = qe_jinja_compile (&jinja, text, length, &err);
  for (size_t i = qe_json_first (json, contexts); i != QE_JSON_NONE; i = qe_json_next (json, contexts, i)) {
    QeChatText out = { 0 };
    Variables v = { json, i };
    if (compiled == QE_OK && qe_jinja_render (jinja, fill, &v, 0, now, &out, &err) == QE_OK)
      print_line ("text", out.text, out.length);
    else
      print_line ("error", err.message, strlen (err.message));
    qe_chat_text_clear (&out);
  }
  qe_jinja_free (jinja);
}

static char *
read_all (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  char *text = NULL;
  size_t n;
  *size = 0;
  if (!f)
    return NULL;
  do {
    char *longer = realloc (text, *size + (1 << 20));
    if (!longer)
      break;
    text = longer;
    n = fread (text + *size, 1, 1 << 20, f);
    *size += n;
  } while (n > 0);
  fclose (f);
  return text;
}

int
main (int argc, char **argv)
{
  size_t size = 0;
  QeJson json;
  QeError err = { 0 };
  char *text = argc == 2 ? read_all (argv[1], &size) : NULL;
  if (!text || qe_json_parse (&json, text, size, &err) != QE_OK) {
    fprintf (stderr, "jinja-driver: %s\n", text ? err.message : "usage: jinja-driver FILE");
    return 2;
  }
  size_t jobs = qe_json_member (&json, 0, "jobs"), now = qe_json_member (&json, 0, "now"), length;
  for (size_t i = qe_json_first (&json, jobs); i != QE_JSON_NONE; i = qe_json_next (&json, jobs, i))
    run_job (&json, i, now == QE_JSON_NONE ? 0 : strtoll (qe_json_text (&json, now, &length), NULL, 10));
  qe_json_clear (&json);
  free (text);
  return 0;
}
