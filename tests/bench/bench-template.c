/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-template [FILE]
 * Renders a conversation of 200 messages with each template of the tests and prints milliseconds (the median of 50 runs),
 * and what compiling a template and finding out what it does takes. With a model FILE: how long opening it takes, without
 * reading its weights, and how long its header alone (medians of 9). */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "format/template/qe-template.h"

enum { N_MESSAGES = 200, RUNS = 50, OPENINGS = 9 };

static char *
read_file (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  char *text = f ? malloc (1 << 20) : NULL;
  *size = text ? fread (text, 1, 1 << 20, f) : 0;
  if (f)
    fclose (f);
  return text;
}

/* Questions and answers of a few hundred characters, answers with their reasoning. */
static void
fill (QeChatMessage *messages, QeChatPart *part, char *words)
{
  for (size_t i = 0; i < 600; i++)
    words[i] = "the quick brown fox jumps over the lazy dog. "[i % 45];
  words[600] = '\0';
  *part = (QeChatPart) { QE_PART_TEXT, words };
  for (size_t i = 0; i < N_MESSAGES; i++)
    messages[i] = (QeChatMessage) {
      .role = i % 2 ? QE_ROLE_ASSISTANT : QE_ROLE_USER, .parts = part, .n_parts = 1, .reasoning = i % 2 ? words : NULL
    };
}

static int
run_template (const char *name, const char *text, size_t size)
{
  static QeChatMessage messages[N_MESSAGES];
  static QeChatPart part;
  static char words[601];
  double render[RUNS], make[RUNS];
  QeError err = { 0 };
  fill (messages, &part, words);
  for (int i = 0; i < RUNS; i++) {
    QeTemplate *template;
    QeChatText out;
    double start = qe_clock_seconds ();
    if (qe_template_new (&template, text, size, NULL, NULL, &err) != QE_OK)
      break;
    make[i] = 1e3 * (qe_clock_seconds () - start);
    start = qe_clock_seconds ();
    QeStatus status = qe_template_render (&out, template, messages, N_MESSAGES - 1,
                                          &(QeChatOptions) { .add_generation_prompt = true }, &err);
    render[i] = 1e3 * (qe_clock_seconds () - start);
    qe_template_free (template);
    if (status != QE_OK)
      break;
    qe_chat_text_clear (&out);
  }
  if (err.message[0])
    fprintf (stderr, "bench-template: %s: %s\n", name, err.message);
  else
    printf ("%-32s %8.3f ms   compiled and tried in %.3f ms\n", name, median (render, RUNS), median (make, RUNS));
  return err.message[0] != '\0';
}

static int
run_file (const char *path)
{
  double open[OPENINGS], probe[OPENINGS];
  QeError err = { 0 };
  for (int i = 0; i < OPENINGS; i++) {
    QeModel *model = NULL;
    QeModelInfo info;
    double start = qe_clock_seconds ();
    QeStatus status = qe_model_open (&model, path, &(QeModelParams) { .no_prefetch = true }, &err);
    open[i] = 1e3 * (qe_clock_seconds () - start);
    qe_model_free (model);
    start = qe_clock_seconds ();
    if (status != QE_OK || qe_model_probe (path, &info, &err) != QE_OK) {
      fprintf (stderr, "bench-template: %s\n", err.message);
      return 1;
    }
    probe[i] = 1e3 * (qe_clock_seconds () - start);
  }
  printf ("%s: opened in %.1f ms, header alone in %.1f ms\n", path, median (open, OPENINGS), median (probe, OPENINGS));
  return 0;
}

int
main (int argc, char **argv)
{
  struct dirent **entries = NULL;
  int n = scandir (TEMPLATES, &entries, NULL, alphasort), failed = n < 0;
  for (int i = 0; i < n; i++) {
    char path[4096];
    size_t size;
    snprintf (path, sizeof path, "%s/%s", TEMPLATES, entries[i]->d_name);
    char *text = strstr (entries[i]->d_name, ".jinja") ? read_file (path, &size) : NULL;
    failed |= text && run_template (entries[i]->d_name, text, size);
    free (text);
    free (entries[i]);
  }
  free (entries);
  return failed || (argc > 1 && run_file (argv[1]));
}
