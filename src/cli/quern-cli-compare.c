/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quern-cli.h"
#include "quern-comparison-json.h"
#include "quern-comparison-report.h"
#include "quern-diff.h"
#include "quern-questions.h"

/* Asks several models the same and shows where their answers part. */

typedef struct {
  char **models, **images;
  char *html, *markdown, *questions, *temperature_text;
  gboolean json, together, think, no_think;
  gint64 seed, memory;
  double temperature;
  int max_tokens, n_ctx;
  char *prompt;
} Options;

static QuernComparison *
make_comparison (const Options *o, GError **error)
{
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_library (FALSE, &store, NULL);
  g_autoptr (GPtrArray) models = quern_cli_find_models (library, o->models, error);
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();

  if (!models)
    return NULL;
  for (guint i = 0; i < models->len; i++) {
    g_autoptr (QuernCompareColumn) column = quern_compare_column_new (models->pdata[i]);
    quern_cli_tell_place (models->pdata[i]);
    quern_compare_column_set_temperature (column, o->temperature);
    if (o->think || o->no_think)
      quern_compare_column_set_thinking (column, o->think ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
    quern_comparison_add_column (comparison, column);
  }
  g_object_set (comparison, "mode", o->together ? QUERN_COMPARE_TOGETHER : QUERN_COMPARE_ONE_AFTER_ANOTHER,
                "max-tokens", (guint) o->max_tokens, "context-size", (guint) o->n_ctx, "memory-limit",
                (guint64) o->memory * 1000 * 1000, NULL);
  if (o->seed >= 0)
    g_object_set (comparison, "seed", (guint64) o->seed, NULL);
  return g_steal_pointer (&comparison);
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

static void
compare_print_questions (QuernQuestions *questions)
{
  guint n = quern_questions_get_n_columns (questions);

  for (guint i = 0; i < n; i++) {
    double low, high, share = quern_questions_get_accuracy (questions, i, &low, &high);
    guint right, all;
    quern_questions_count (questions, i, &right, &all);
    quern_cli_line (stdout, _("%s: %u of %u correct, %.0f %% (95 %% interval %.0f to %.0f %%)\n"),
                    quern_questions_get_label (questions, i), right, all, 100 * share, 100 * low, 100 * high);
  }
  for (guint i = 1; i < n; i++) {
    QuernFlips flips;
    quern_questions_get_flips (questions, 0, i, &flips);
    quern_cli_line (stdout, _("%s against %s: %.0f %% flips, p = %.3g\n"), quern_questions_get_label (questions, 0),
                    quern_questions_get_label (questions, i), 100 * flips.flips, flips.p_value);
  }
}

/* A server does not tell its tokens, nor draws it with the same numbers: what remains are the texts. */
static void
compare_print_texts (QuernComparison *comparison, guint column, const char *first, const char *other)
{
  const char *a = quern_compare_answer_get_answer (
      quern_compare_column_get_answer (quern_comparison_get_column (comparison, 0), 0));
  const char *b = quern_compare_answer_get_answer (
      quern_compare_column_get_answer (quern_comparison_get_column (comparison, column), 0));
  g_autoptr (GArray) pieces = quern_diff_words (a, b);
  QuernDiffCount count;

  quern_diff_count (a, b, pieces, &count);
  if (count.changes == 0)
    quern_cli_line (stdout, _("The texts of %s and %s are the same."), first, other);
  else
    quern_cli_line (stdout,
                    ngettext ("The texts of %s and %s differ in %u place.",
                              "The texts of %s and %s differ in %u places.", count.changes),
                    first, other, count.changes);
}

static int
compare_print_result (QuernComparison *comparison, const Options *o)
{
  guint n = quern_comparison_get_n_columns (comparison), failed = 0;

  for (guint i = 0; i < n && *o->prompt; i++)
    failed += quern_compare_answer_get_state (
                  quern_compare_column_get_answer (quern_comparison_get_column (comparison, i), 0))
              >= QUERN_COMPARE_STOPPED;
  if (o->json) {
    g_autofree char *json = quern_comparison_to_json (comparison), *marked = NULL;
    g_autoptr (JsonNode) root = json_from_string (json, NULL);

    json_object_set_boolean_member (json_node_get_object (root), "partial", quern_cli_was_interrupted ());
    marked = json_to_string (root, TRUE);
    quern_cli_put_json (marked);
  } else if (!o->html && !o->markdown) {
    for (guint i = 0; i < n && *o->prompt; i++) {
      QuernCompareColumn *column = quern_comparison_get_column (comparison, i);
      QuernCompareAnswer *answer = quern_compare_column_get_answer (column, 0);
      const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
      g_autofree char *label = quern_compare_column_dup_label (column);
      g_autofree char *size = quern_model_facts_dup_size (quern_compare_column_get_facts (column));
      g_autofree char *memory = g_format_size (quern_compare_answer_get_peak_memory (answer));

      quern_cli_line (stdout, "== %s ==", label);
      quern_cli_text (stdout, quern_compare_answer_get_answer (answer));
      putchar ('\n');
      fflush (stdout);
      if (quern_compare_answer_get_failure (answer))
        quern_cli_line (stderr, "%s", quern_compare_answer_get_failure (answer));
      if (quern_compare_column_get_facts (column)->place) {
        quern_cli_line (stderr, _("[%s: first text after %.2f s, writes %.1f/s, %u tokens]\n"), label,
                        s->first_token_seconds, quern_statistics_decode_rate (s), s->answer_tokens);
        continue;
      }
      quern_cli_line (
          stderr,
          _("[%s: %s, %.2f bits per weight, first token after %.2f s, reads %.1f/s, writes %.1f/s, memory %s]\n"),
          label, size, quern_compare_column_get_facts (column)->bits_per_weight, s->first_token_seconds,
          quern_statistics_prefill_rate (s), quern_statistics_decode_rate (s), memory);
    }
    for (guint i = 1; i < n && *o->prompt; i++) {
      g_autofree char *first = quern_compare_column_dup_label (quern_comparison_get_column (comparison, 0));
      g_autofree char *other = quern_compare_column_dup_label (quern_comparison_get_column (comparison, i));
      QuernFork fork;

      quern_comparison_get_fork (comparison, 0, 0, i, &fork);
      if (!fork.known)
        compare_print_texts (comparison, i, first, other);
      else if (fork.differs)
        quern_cli_line (stdout,
                        _("%s and %s differ from token %u on (%.0f %% shared): “%s” (%.2f) and “%s” "
                          "(%.2f).\n"),
                        first, other, fork.index + 1, 100 * fork.shared, fork.a.text, fork.a.p, fork.b.text, fork.b.p);
      else
        quern_cli_line (stdout, _("%s and %s gave the same answer.\n"), first, other);
    }
    if (quern_comparison_get_questions (comparison))
      compare_print_questions (quern_comparison_get_questions (comparison));
  }
  if (quern_cli_was_interrupted ())
    return quern_cli_interrupted ();
  if (failed == 0)
    return QUERN_CLI_OK;
  fprintf (stderr, "quern-cli: %s\n", _("Not every column has finished."));
  return QUERN_CLI_FAILED;
}

/* A file is replaced when the report is whole. A device or pipe is written to and stays what it is, as does a link. */
static gboolean
write_report (const char *path, const char *text, GError **error)
{
  GStatBuf info;
  gboolean ok;
  FILE *f;

  if (g_lstat (path, &info) != 0 || S_ISREG (info.st_mode))
    return g_file_set_contents (path, text, -1, error);
  f = g_fopen (path, "we");
  ok = f && fputs (text, f) >= 0 && fflush (f) == 0;
  if (!ok)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _("The output could not be written: %s"),
                 g_strerror (errno));
  return (!f || fclose (f) == 0) && ok;
}

/* ---- command --------------------------------------------------------------------------------------------------- */

static void
compare_stop_comparison (gpointer comparison)
{
  quern_comparison_stop (comparison);
}

static void
compare_stop_questions (gpointer questions)
{
  quern_questions_stop (questions);
}

static int
compare_run (const Options *o)
{
  GError *error = NULL;
  g_autoptr (QuernComparison) comparison = make_comparison (o, &error);
  g_autoptr (QuernBackend) backend = quern_cli_new_backend ();
  g_autoptr (GListStore) pictures = g_list_store_new (QUERN_TYPE_PICTURE);

  if (!comparison)
    return quern_cli_fail (error);
  for (char **path = o->images; path && *path; path++) {
    g_autoptr (QuernPicture) picture = quern_cli_load_picture (*path, &error);
    if (!picture)
      return quern_cli_fail (error);
    g_list_store_append (pictures, picture);
  }
  if (*o->prompt) {
    g_autoptr (GAsyncResult) result = NULL;
    const guint source = quern_cli_stop_on_interrupt (compare_stop_comparison, comparison);

    quern_comparison_ask_async (comparison, backend, o->prompt, G_LIST_MODEL (pictures), NULL, quern_keep_result_cb,
                                &result);
    gboolean ok = quern_comparison_ask_finish (comparison, quern_cli_wait (&result), &error);
    g_source_remove (source);
    if (!ok)
      return quern_cli_fail (error);
  }
  if (o->questions && !quern_cli_was_interrupted ()) { /* in place of, or after, the prompt */
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (QuernQuestions) questions = NULL;
    g_autofree char *text = NULL, *name = g_path_get_basename (o->questions);
    gsize length;

    if (!g_file_get_contents (o->questions, &text, &length, &error)
        || !(questions = quern_questions_new (text, (gssize) length, &error)))
      return quern_cli_fail (error);
    quern_questions_set_name (questions, name);
    quern_comparison_set_questions (comparison, questions);
    const guint source = quern_cli_stop_on_interrupt (compare_stop_questions, questions);
    quern_questions_run_async (questions, comparison, backend, NULL, quern_keep_result_cb, &result);
    gboolean ok = quern_questions_run_finish (questions, quern_cli_wait (&result), &error);
    g_source_remove (source);
    if (!ok && !quern_cli_was_interrupted ())
      return quern_cli_fail (error);
    g_clear_error (&error);
  }
  if (o->html || o->markdown || o->json) {
    g_autoptr (GAsyncResult) result = NULL;

    /* What is exported says which files these were. */
    quern_comparison_hash_async (comparison, NULL, quern_keep_result_cb, &result);
    if (!quern_comparison_hash_finish (comparison, quern_cli_wait (&result), &error))
      return quern_cli_fail (error);
    g_autofree char *html = quern_comparison_to_html (comparison);
    g_autofree char *markdown = quern_comparison_to_markdown (comparison);
    if ((o->html && !write_report (o->html, html, &error))
        || (o->markdown && !write_report (o->markdown, markdown, &error)))
      return quern_cli_fail (error);
  }
  if (quern_comparison_get_note (comparison))
    quern_cli_line (stderr, "%s", quern_comparison_get_note (comparison));
  return compare_print_result (comparison, o);
}

static int
compare_parse_and_run (Options *o, int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->models,
      N_("A model: an ID or a file; to be given two to four "
         "times"),
      "MODEL" },
    { "image", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images, N_("Attach a picture; may be repeated"), "FILE" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, N_("The same seed gives the same texts"), "N" },
    { "temp", 0, 0, G_OPTION_ARG_STRING, &o->temperature_text, N_("Temperature; 0 takes the most likely token"), "T" },
    { "think", 0, 0, G_OPTION_ARG_NONE, &o->think, N_("Think before answering"), NULL },
    { "no-think", 0, 0, G_OPTION_ARG_NONE, &o->no_think, N_("Answer without thinking"), NULL },
    { "max", 0, 0, G_OPTION_ARG_INT, &o->max_tokens, N_("Generate at most N tokens"), "N" },
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &o->n_ctx, N_("Context length in tokens"), "N" },
    { "together", 0, 0, G_OPTION_ARG_NONE, &o->together,
      N_("Run them at the same time; the speeds cannot be compared "
         "then"),
      NULL },
    { "memory", 0, 0, G_OPTION_ARG_INT64, &o->memory, N_("Memory limit for the models, in megabytes"), "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_("Print one JSON object"), NULL },
    { "questions", 0, 0, G_OPTION_ARG_FILENAME, &o->questions,
      N_("Ask the questions in a file of JSON lines with "
         "question and answer or regex"),
      "FILE" },
    { "markdown", 0, 0, G_OPTION_ARG_FILENAME, &o->markdown, N_("Write a report as Markdown"), "FILE" },
    { "html", 0, 0, G_OPTION_ARG_FILENAME, &o->html, N_("Write a report"), "FILE" },
    G_OPTION_ENTRY_NULL
  };
  gboolean done;
  int code = quern_cli_parse ("PROMPT", entries, &argc, &argv, &done);

  if (done)
    return code;
  guint n = o->models ? g_strv_length (o->models) : 0;
  if (n < 2 || n > QUERN_COMPARE_MAX_COLUMNS)
    return quern_cli_wrong_usage (_("Specify two to four models, each with -m."));
  if (argc < 2 && !o->questions)
    return quern_cli_wrong_usage (_("Specify a prompt or --questions."));
  if (o->think && o->no_think)
    return quern_cli_wrong_usage (_("--think and --no-think cannot be used together."));
  if (!quern_cli_check_range ("--max", o->max_tokens, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--ctx", o->n_ctx, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--memory", o->memory, 0, QUERN_CLI_MOST_MEGABYTES)
      || (o->seed != QUERN_CLI_NO_SEED && !quern_cli_check_range ("--seed", o->seed, 0, G_MAXINT64))
      || !quern_cli_parse_number ("--temp", o->temperature_text, 0, QUERN_CLI_MOST_TEMPERATURE, &o->temperature))
    return QUERN_CLI_USAGE;
  g_autofree char *joined = g_strjoinv (" ", argv + 1);
  o->prompt = g_utf8_make_valid (joined, -1);
  return compare_run (o);
}

int
quern_cli_compare (int argc, char **argv)
{
  Options o = { .seed = QUERN_CLI_NO_SEED, .temperature = -1 };
  int code = compare_parse_and_run (&o, argc, argv);

  g_strfreev (o.models);
  g_strfreev (o.images);
  g_free (o.html);
  g_free (o.markdown);
  g_free (o.questions);
  g_free (o.temperature_text);
  g_free (o.prompt);
  return code;
}
