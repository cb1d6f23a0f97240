/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-questions.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-json.h"
#include "quern-comparison-private.h"

typedef struct {
  char *question;
  char *expected; /* as it stands in the file */
  gboolean is_regex;
  GRegex *right; /* matches a right answer */
} Question;

struct _QuernQuestions {
  GObject parent_instance;

  GPtrArray *questions; /* of Question */
  GPtrArray *answers;   /* of QuernCompareAnswer: [column][question] */
  GPtrArray *labels;    /* array of char *: the column's label when it was asked */
  char *name;           /* name of the file, or NULL */
  GTask *task;          /* NULL when nothing runs */
  QuernCompareRun *run; /* NULL when nothing runs */
};

enum { PROP_0, PROP_PROGRESS, PROP_RUNNING, N_PROPS };
enum { SIGNAL_CHANGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernQuestions, quern_questions, G_TYPE_OBJECT)

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->question);
  g_free (question->expected);
  g_clear_pointer (&question->right, g_regex_unref);
  g_free (question);
}

/* No letter or digit may touch an expected answer: "5" is not found in "56". Returns FALSE if a regular expression is
 * invalid. */
static gboolean
add_question (QuernQuestions *self, const char *text, const char *expected, gboolean is_regex, GError **error)
{
  g_autofree char *escaped = g_regex_escape_string (expected, -1);
  g_autofree char *pattern = is_regex ? g_strdup (expected)
                                      : g_strdup_printf ("(?<![\\p{L}\\p{N}])%s(?![\\p{L}\\p{N}])", escaped);
  GRegex *right = g_regex_new (pattern, G_REGEX_CASELESS | G_REGEX_MULTILINE, G_REGEX_MATCH_DEFAULT, error);
  Question *question;

  if (!right)
    return FALSE;
  question = g_new (Question, 1);
  *question = (Question) { g_strdup (text), g_strdup (expected), is_regex, right };
  g_ptr_array_add (self->questions, question);
  return TRUE;
}

/**
 * quern_questions_new:
 * @jsonl: lines of JSON; empty ones are skipped
 *
 * Returns: (transfer full) (nullable): the questions, or %NULL with the line that is wrong in @error
 */
QuernQuestions *
quern_questions_new (const char *jsonl, gssize length, GError **error)
{
  g_autoptr (QuernQuestions) self = g_object_new (QUERN_TYPE_QUESTIONS, NULL);
  g_autofree char *text = g_utf8_make_valid (jsonl, length);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i]; i++) {
    g_autoptr (JsonParser) parser = json_parser_new ();
    g_autoptr (GError) failure = NULL;
    JsonObject *object = NULL;

    if (!*g_strstrip (lines[i]))
      continue;
    if (json_parser_load_from_data (parser, lines[i], -1, NULL)
        && JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
      object = json_node_get_object (json_parser_get_root (parser));
    const char *question = quern_json_string (object, "question", quern_json_string (object, "prompt", NULL));
    const char *regex = quern_json_string (object, "regex", NULL), *answer = quern_json_string (object, "answer", NULL);
    if (!question || (!regex && (!answer || !*answer))) {
      g_set_error (
          error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT,
          _("Line %u is not a question: each line must be a JSON object with “question” and “answer” or “regex”."),
          i + 1);
      return NULL;
    }
    if (!add_question (self, question, regex ? regex : answer, regex != NULL, &failure)) {
      g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT,
                   _("The regular expression in line %u is invalid: %s"), i + 1, failure->message);
      return NULL;
    }
  }
  if (self->questions->len > 0)
    return g_steal_pointer (&self);
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT, _("There are no questions in this file."));
  return NULL;
}

/**
 * quern_questions_new_sample:
 *
 * Returns: (transfer full): a few questions that any model may be asked, to see how it is done
 */
QuernQuestions *
quern_questions_new_sample (void)
{
  static const struct {
    const char *question, *expected;
  } sample[] = {
    { "What is the capital of France?", "Paris" },
    { "What is the capital of Italy?", "Rome" },
    { "What is the capital of Japan?", "Tokyo" },
    { "What is the capital of Egypt?", "Cairo" },
    { "What is the capital of Spain?", "Madrid" },
    { "What is the capital of Germany?", "Berlin" },
    { "What is 7 + 5?", "12" },
    { "What is 12 + 30?", "42" },
    { "What is 47 + 38?", "85" },
    { "What is 60 - 15?", "45" },
    { "Which animal says “meow”?", "cat" },
    { "How many days has a week?", "7|seven" },
  };
  QuernQuestions *self = g_object_new (QUERN_TYPE_QUESTIONS, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sample); i++)
    add_question (self, sample[i].question, sample[i].expected, strchr (sample[i].expected, '|') != NULL, NULL);
  quern_questions_set_name (self, _("Built-in sample"));
  return self;
}

void
quern_questions_set_name (QuernQuestions *self, const char *name)
{
  g_set_str (&self->name, name);
}

/**
 * quern_questions_get_name:
 *
 * Returns: (nullable): where the questions come from
 */
const char *
quern_questions_get_name (QuernQuestions *self)
{
  return self->name;
}

guint
quern_questions_get_n (QuernQuestions *self)
{
  return self->questions->len;
}

const char *
quern_questions_get_question (QuernQuestions *self, guint i)
{
  g_return_val_if_fail (i < self->questions->len, NULL);
  return ((Question *) self->questions->pdata[i])->question;
}

/**
 * quern_questions_get_expected:
 *
 * Returns: the expected answer, or the regular expression
 */
const char *
quern_questions_get_expected (QuernQuestions *self, guint i)
{
  g_return_val_if_fail (i < self->questions->len, NULL);
  return ((Question *) self->questions->pdata[i])->expected;
}

/* ---- results --------------------------------------------------------------------------------------------------- */

guint
quern_questions_get_n_columns (QuernQuestions *self)
{
  return self->labels->len;
}

/**
 * quern_questions_get_label:
 *
 * Returns: what the column was when it was asked
 */
const char *
quern_questions_get_label (QuernQuestions *self, guint column)
{
  g_return_val_if_fail (column < self->labels->len, NULL);
  return self->labels->pdata[column];
}

/**
 * quern_questions_get_answer:
 *
 * Returns: (transfer none): what a column said, so far
 */
QuernCompareAnswer *
quern_questions_get_answer (QuernQuestions *self, guint column, guint i)
{
  g_return_val_if_fail (column < self->labels->len && i < self->questions->len, NULL);
  return self->answers->pdata[column * self->questions->len + i];
}

static gboolean
came_to_an_end (QuernCompareAnswer *answer)
{
  QuernCompareState state = quern_compare_answer_get_state (answer);

  return state == QUERN_COMPARE_DONE || state == QUERN_COMPARE_CUT;
}

gboolean
quern_questions_is_right (QuernQuestions *self, guint column, guint i)
{
  const Question *question = self->questions->pdata[i];
  QuernCompareAnswer *answer = quern_questions_get_answer (self, column, i);

  return g_regex_match (question->right, quern_compare_answer_get_answer (answer), G_REGEX_MATCH_DEFAULT, NULL);
}

/**
 * quern_questions_count:
 * @right: (out): of them, those that are right
 * @n: (out): answers that came to an end
 */
void
quern_questions_count (QuernQuestions *self, guint column, guint *right, guint *n)
{
  *right = *n = 0;
  for (guint i = 0; i < self->questions->len; i++) {
    if (!came_to_an_end (quern_questions_get_answer (self, column, i)))
      continue;
    ++*n;
    *right += quern_questions_is_right (self, column, i);
  }
}

double
quern_questions_get_accuracy (QuernQuestions *self, guint column, double *low, double *high)
{
  guint right, n;

  quern_questions_count (self, column, &right, &n);
  quern_wilson_interval (right, n, low, high);
  return n > 0 ? (double) right / n : 0;
}

void
quern_questions_get_flips (QuernQuestions *self, guint a, guint b, QuernFlips *out)
{
  *out = (QuernFlips) { 0 };
  for (guint i = 0; i < self->questions->len; i++) {
    if (!came_to_an_end (quern_questions_get_answer (self, a, i))
        || !came_to_an_end (quern_questions_get_answer (self, b, i)))
      continue;
    gboolean left = quern_questions_is_right (self, a, i), right = quern_questions_is_right (self, b, i);
    *(left ? (right ? &out->both : &out->only_a) : (right ? &out->only_b : &out->neither)) += 1;
  }
  guint n = out->only_a + out->only_b + out->both + out->neither;
  out->flips = n > 0 ? (double) (out->only_a + out->only_b) / n : 0;
  out->p_value = quern_mcnemar_exact (out->only_a, out->only_b);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
quern_questions_ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernQuestions *self = QUERN_QUESTIONS (source);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  gboolean stopped = !_quern_compare_run_finish (result, NULL);

  g_clear_pointer (&self->run, _quern_compare_run_free);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  if (stopped)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled."));
  else
    g_task_return_boolean (task, TRUE);
}

static void
quern_questions_answer_cb (QuernQuestions *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/**
 * quern_questions_run_async:
 * @comparison: whose columns are asked, with its seed and limits; its own prompts and answers are left alone
 * @backend: where the columns' models run
 *
 * Asks everything anew, column after column, with one loading of each.
 */
void
quern_questions_run_async (QuernQuestions *self, QuernComparison *comparison, QuernBackend *backend,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  QuernCompareMode mode;
  guint64 needed, available;
  GError *error = NULL;

  g_return_if_fail (!self->task);
  if (!quern_comparison_plan_memory (comparison, FALSE, &mode, &needed, &available, &error)) {
    g_task_return_error (task, error);
    return;
  }
  self->run = _quern_compare_run_new (backend, FALSE);
  g_ptr_array_set_size (self->answers, 0);
  g_ptr_array_set_size (self->labels, 0);
  for (guint i = 0; i < quern_comparison_get_n_columns (comparison); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (comparison, i);
    QuernCompareJob *job = _quern_comparison_add_job (comparison, self->run, column, QUERN_COMPARE_ONE_AFTER_ANOTHER,
                                                      FALSE);
    QuernSampling sampling = _quern_comparison_sampling (comparison, column, FALSE);

    for (guint j = 0; j < self->questions->len; j++) {
      g_autoptr (QuernRequest) request = quern_request_new ();
      QuernCompareAnswer *answer = _quern_compare_answer_new ();
      quern_request_add_message (request, QUERN_ROLE_USER, quern_questions_get_question (self, j), NULL);
      _quern_compare_job_ask (job, request, quern_compare_column_thinks (column), &sampling.sampler,
                              sampling.max_tokens, answer);
      g_signal_connect_object (answer, "notify::state", G_CALLBACK (quern_questions_answer_cb), self,
                               G_CONNECT_SWAPPED);
      g_ptr_array_add (self->answers, answer);
    }
    g_ptr_array_add (self->labels, quern_compare_column_dup_label (column));
  }
  self->task = g_steal_pointer (&task);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  _quern_compare_run_async (self->run, self, cancellable, quern_questions_ran_cb);
}

gboolean
quern_questions_run_finish (QuernQuestions *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_questions_stop:
 *
 * Ends a run within a token; what was answered stays.
 */
void
quern_questions_stop (QuernQuestions *self)
{
  if (self->run)
    _quern_compare_run_stop (self->run);
}

gboolean
quern_questions_get_running (QuernQuestions *self)
{
  return self->task != NULL;
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

void
_quern_questions_write (QuernQuestions *self, JsonBuilder *out)
{
  json_builder_begin_object (out);
  quern_json_add_string (out, "name", self->name);
  json_builder_set_member_name (out, "questions");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->questions->len; i++) {
    const Question *question = self->questions->pdata[i];
    json_builder_begin_object (out);
    quern_json_add_string (out, "question", question->question);
    quern_json_add_string (out, question->is_regex ? "regex" : "answer", question->expected);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
  json_builder_set_member_name (out, "columns");
  json_builder_begin_array (out);
  for (guint i = 0; i < self->labels->len; i++) {
    json_builder_begin_object (out);
    quern_json_add_string (out, "model", self->labels->pdata[i]);
    json_builder_set_member_name (out, "answers");
    json_builder_begin_array (out);
    for (guint j = 0; j < self->questions->len; j++)
      _quern_compare_answer_write (quern_questions_get_answer (self, i, j), FALSE, out);
    json_builder_end_array (out);
    json_builder_set_member_name (out, "right"); /* readers of the file use it */
    json_builder_begin_array (out);
    for (guint j = 0; j < self->questions->len; j++)
      json_builder_add_int_value (out, quern_questions_is_right (self, i, j));
    json_builder_end_array (out);
    json_builder_end_object (out);
  }
  json_builder_end_array (out);
  json_builder_end_object (out);
}

/* Never fails: a question that makes no sense matches no answer. */
QuernQuestions *
_quern_questions_read (JsonObject *object)
{
  QuernQuestions *self = g_object_new (QUERN_TYPE_QUESTIONS, NULL);
  JsonArray *questions = quern_json_array (object, "questions"), *columns = quern_json_array (object, "columns");

  quern_questions_set_name (self, quern_json_string (object, "name", NULL));
  for (guint i = 0; i < quern_json_length (questions); i++) {
    JsonObject *from = quern_json_object_at (questions, i);
    const char *regex = quern_json_string (from, "regex", NULL);
    const char *expected = regex ? regex : quern_json_string (from, "answer", "");
    const char *text = quern_json_string (from, "question", "");
    if (!add_question (self, text, expected, regex != NULL, NULL))
      add_question (self, text, expected, FALSE, NULL);
  }
  for (guint i = 0; i < MIN (quern_json_length (columns), QUERN_COMPARE_MAX_COLUMNS); i++) {
    JsonObject *from = quern_json_object_at (columns, i);
    JsonArray *answers = quern_json_array (from, "answers");
    g_ptr_array_add (self->labels, g_strdup (quern_json_string (from, "model", "?")));
    for (guint j = 0; j < self->questions->len; j++)
      g_ptr_array_add (self->answers, _quern_compare_answer_read (quern_json_object_at (answers, j)));
  }
  return self;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_questions_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernQuestions *self = QUERN_QUESTIONS (object);
  guint done = 0;

  switch (prop_id) {
  case PROP_PROGRESS:
    for (guint i = 0; i < self->answers->len; i++)
      done += quern_compare_answer_get_state (self->answers->pdata[i]) >= QUERN_COMPARE_DONE;
    g_value_set_double (value, self->answers->len > 0 ? (double) done / self->answers->len : 0);
    break;
  case PROP_RUNNING: g_value_set_boolean (value, self->task != NULL); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_questions_finalize (GObject *object)
{
  QuernQuestions *self = QUERN_QUESTIONS (object);

  g_ptr_array_unref (self->questions);
  g_ptr_array_unref (self->answers);
  g_ptr_array_unref (self->labels);
  g_free (self->name);
  G_OBJECT_CLASS (quern_questions_parent_class)->finalize (object);
}

static void
quern_questions_class_init (QuernQuestionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_questions_get_property;
  object_class->finalize = quern_questions_finalize;
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_QUESTIONS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
}

static void
quern_questions_init (QuernQuestions *self)
{
  self->questions = g_ptr_array_new_with_free_func (question_free);
  self->answers = g_ptr_array_new_with_free_func (g_object_unref);
  self->labels = g_ptr_array_new_with_free_func (g_free);
}
