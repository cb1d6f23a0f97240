/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "quern-measure-conversation.h"
#include "quern-measure-meaning.h"
#include "quern-sample-text.h"
#include "quern-verdict.h"
#include "test-compare-util.h"

/* Measurements, from end to end. */

/* The worse the quantisation the farther; a file is exactly as far from itself as it should be: not at all. */
static void
test_order (void)
{
  g_autoptr (QuernMeasure) measure = measure_of (quern_sample_text (), "Q8_0", "Q8_0", "Q6_K", "Q4_K_M", "Q2_K", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (run_measure (measure, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (quern_measure_get_complete (measure));
  g_assert_cmpfloat (quern_measure_get_progress (measure), ==, 1);
  g_assert_true (quern_measure_get_noise_floor (measure) == 0);
  g_assert_true (summary_of (measure, 1)->kld_mean == 0 && summary_of (measure, 1)->kld_max == 0);
  g_assert_cmpfloat (summary_of (measure, 1)->same_top, ==, 1);
  for (guint i = 2; i <= 4; i++)
    g_assert_cmpfloat (summary_of (measure, i)->kld_mean, >, summary_of (measure, i - 1)->kld_mean);
  g_assert_cmpint (quern_verdict_of (summary_of (measure, 1)), ==, QUERN_VERDICT_INDISTINGUISHABLE);
  g_assert_cmpint (quern_verdict_of (summary_of (measure, 4)), ==, QUERN_VERDICT_VISIBLY_DAMAGED);
  g_assert_false (
      quern_verdict_too_close (quern_measure_get_result (measure, 2), quern_measure_get_result (measure, 4)));
  g_assert_cmpuint (quern_verdict_smallest_good (measure), ==, 2);
  g_autofree char *reference = quern_verdict_dup_reference (measure);
  g_assert_nonnull (strstr (reference, "Q8_0"));
  g_assert_null (strstr (reference, "full precision")); /* the reference is itself quantised */
}

/* The text is longer than a window: that is said, and each position is about the right token. */
static void
test_windows (void)
{
  g_autoptr (QuernMeasure) measure = measure_of (quern_sample_text (), "Q8_0", "Q2_K", NULL);

  quern_measure_set_context_size (measure, 128);
  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_nonnull (strstr (quern_measure_get_note (measure), "128"));
  g_assert_cmpstr (quern_measure_get_text (measure), ==, quern_sample_text ());
  guint n = quern_measured_get_n_positions (quern_measure_get_result (measure, 1));
  g_assert_cmpuint (n, ==, quern_measure_get_n_tokens (measure) - 1 - 64);
  for (guint i = 0; i < n; i++) {
    const QuernDivergence *d = quern_measured_get_position (quern_measure_get_result (measure, 1), i);
    g_assert_cmpuint (quern_measure_get_position_token (measure, i), ==, 65 + i);
    g_assert_cmpint (d->token, ==, quern_measured_get_position (quern_measure_get_result (measure, 0), i)->token);
    g_assert_nonnull (quern_measure_get_candidate (measure, d->top[0].id));
  }
}

typedef struct {
  GArray *rows; /* of float: [row][n_vocab] */
  gsize n_vocab;
} Logits;

static bool
keep_cb (void *data, size_t row, const float *logits)
{
  Logits *kept = data;

  g_array_append_vals (kept->rows, logits, (guint) kept->n_vocab);
  return true;
}

static GArray *
logits_of (const char *quantisation, const int32_t *tokens, size_t n, gsize *n_vocab)
{
  g_autofree char *path = tiny_path (quantisation);
  QeModel *model;
  QeContext *context;

  g_assert_cmpint (qe_model_open (&model, path, NULL, NULL), ==, QE_OK);
  g_assert_cmpint (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 512 }, NULL), ==, QE_OK);
  *n_vocab = qe_model_info (model)->n_vocab;
  Logits kept = { g_array_new (FALSE, FALSE, sizeof (float)), *n_vocab };
  g_assert_cmpint (qe_context_score (context, tokens, n, 0, keep_cb, &kept, NULL, NULL), ==, QE_OK);
  qe_context_free (context);
  qe_model_free (model);
  return kept.rows;
}

/* Plainly: softmax of both in long double, then the sum of the definition. */
static double
plain_kld (const float *p, const float *q, gsize n)
{
  long double sum_p = 0, sum_q = 0, kld = 0;

  for (gsize i = 0; i < n; i++) {
    sum_p += expl (p[i]);
    sum_q += expl (q[i]);
  }
  for (gsize i = 0; i < n; i++)
    kld += expl (p[i]) / sum_p * (logl (expl (p[i]) / sum_p) - logl (expl (q[i]) / sum_q));
  return (double) kld;
}

/* The same figures by another way, from logits that the engine gives outside of a measurement. */
static void
test_independent (void)
{
  static const char text[] = "The miller sleeps badly in spring.";
  g_autoptr (QuernMeasure) measure = measure_of (text, "Q8_0", "Q4_K_M", NULL);
  g_autofree char *path = tiny_path ("Q8_0");
  QeSpan all = { 0, sizeof text - 1 };
  QeModel *model;
  int32_t *tokens;
  size_t n;
  gsize n_vocab;
  double kld = 0, nll = 0;

  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_null (quern_measure_get_note (measure));
  g_assert_cmpint (qe_model_open (&model, path, NULL, NULL), ==, QE_OK);
  g_assert_cmpint (qe_tokenize (model, text, sizeof text - 1, &all, 1, &tokens, &n, NULL), ==, QE_OK);
  qe_model_free (model);
  g_autoptr (GArray) p = logits_of ("Q8_0", tokens, n, &n_vocab);
  g_autoptr (GArray) q = logits_of ("Q4_K_M", tokens, n, &n_vocab);
  for (size_t t = 0; t + 1 < n; t++) {
    const float *row_p = &g_array_index (p, float, t *n_vocab), *row_q = &g_array_index (q, float, t *n_vocab);
    long double sum = 0;
    for (gsize i = 0; i < n_vocab; i++)
      sum += expl (row_q[i]);
    kld += plain_kld (row_p, row_q, n_vocab);
    nll -= (double) logl (expl (row_q[tokens[t + 1]]) / sum);
  }
  free (tokens);
  g_assert_cmpuint (summary_of (measure, 1)->n, ==, n - 1);
  g_assert_cmpfloat_with_epsilon (summary_of (measure, 1)->kld_mean, kld / (double) (n - 1), 1e-6);
  g_assert_cmpfloat_with_epsilon (log (summary_of (measure, 1)->perplexity), nll / (double) (n - 1), 1e-6);
}

static guint64
plan_of (const char *quantisation, guint n_ctx)
{
  g_autoptr (QuernModel) model = tiny (quantisation);
  QePlanParams params = { .n_ctx = n_ctx, .checkpoint_bytes = UINT64_MAX };
  QuernMemoryPlan plan;

  qe_plan_memory (quern_model_get_info (model), &params, &plan);
  return plan.total;
}

/* Not enough memory for both: one at a time, with the same figures; not enough for one: refused. */
static void
test_memory (void)
{
  g_autoptr (QuernMeasure) together = measure_of (quern_sample_text (), "Q8_0", "Q4_K_M", NULL);
  g_autoptr (QuernMeasure) apart = measure_of (quern_sample_text (), "Q8_0", "Q4_K_M", NULL);
  g_autoptr (QuernMeasure) tight = measure_of (quern_sample_text (), "Q8_0", "Q4_K_M", NULL);
  g_autoptr (GError) error = NULL;

  g_object_set (apart, "memory-limit", plan_of ("Q8_0", 512) * 3 / 2, NULL);
  g_assert_true (run_measure (together, NULL, NULL));
  g_assert_true (run_measure (apart, NULL, NULL));
  g_assert_nonnull (strstr (quern_measure_get_note (apart), "one at a time"));
  g_assert_null (strstr (quern_measure_get_note (together), "one at a time"));
  g_assert_true (summary_of (apart, 1)->kld_mean == summary_of (together, 1)->kld_mean);
  g_object_set (tight, "memory-limit", (guint64) 1000000, NULL);
  g_assert_false (run_measure (tight, NULL, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY);
}

static void
cancel_cb (QuernMeasure *measure, GParamSpec *pspec, GCancellable *cancellable)
{
  if (quern_measure_get_progress (measure) > 0)
    g_cancellable_cancel (cancellable);
}

/* Cancelled in the middle, then gone on with: the figures are those of a run in one go. */
static void
test_resume (void)
{
  g_autoptr (QuernMeasure) whole = measure_of (quern_sample_text (), "Q8_0", "Q2_K", NULL);
  g_autoptr (QuernMeasure) halved = measure_of (quern_sample_text (), "Q8_0", "Q2_K", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  quern_measure_set_context_size (whole, 32);
  quern_measure_set_context_size (halved, 32);
  g_assert_true (run_measure (whole, NULL, NULL));
  gulong id = g_signal_connect (halved, "notify::progress", G_CALLBACK (cancel_cb), cancellable);
  if (!run_measure (halved, cancellable, &error)) {
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint (quern_measured_get_n_positions (quern_measure_get_result (halved, 0)), ==,
                      quern_measured_get_n_positions (quern_measure_get_result (halved, 1)));
  }
  g_signal_handler_disconnect (halved, id);
  g_assert_true (run_measure (halved, NULL, NULL));
  g_assert_true (quern_measure_get_complete (halved));
  g_assert_cmpuint (summary_of (halved, 1)->n, ==, summary_of (whole, 1)->n);
  g_assert_true (summary_of (halved, 1)->kld_mean == summary_of (whole, 1)->kld_mean);
}

static gboolean
unpause_cb (gpointer measure)
{
  quern_measure_set_paused (measure, FALSE);
  return G_SOURCE_REMOVE;
}

static void
note_pause_cb (QuernMeasure *measure, GParamSpec *pspec, double *progress)
{
  gboolean paused;

  g_object_get (measure, "paused", &paused, NULL);
  if (!paused)
    *progress = quern_measure_get_progress (measure);
}

/* Begun while paused, nothing is computed until it goes on. */
static void
test_pause (void)
{
  g_autoptr (QuernMeasure) measure = measure_of ("A short text for a short wait.", "Q8_0", "Q2_K", NULL);
  double progress = -1;

  quern_measure_set_paused (measure, TRUE);
  g_signal_connect (measure, "notify::paused", G_CALLBACK (note_pause_cb), &progress);
  g_timeout_add (300, unpause_cb, measure);
  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_cmpfloat (progress, ==, 0);
  g_assert_true (quern_measure_get_complete (measure));
}

static void
test_bad_texts (void)
{
  static const char *const texts[] = { "", "a" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (QuernMeasure) measure = measure_of (texts[i], "Q8_0", NULL);
    g_autoptr (GError) error = NULL;
    g_assert_false (run_measure (measure, NULL, &error));
    g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
  }
}

/* Models of other vocabularies can be read side by side, but not measured. */
static void
test_vocabularies (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "goldens", "a-dense-F16.gguf", NULL);
  g_autoptr (QuernModel) other = model_at (path);
  g_autoptr (QuernMeasure) measure = measure_of ("Some words", "Q8_0", NULL);
  g_autoptr (GError) error = NULL;

  quern_measure_add_model (measure, other, QUERN_KV_F16);
  g_assert_false (run_measure (measure, NULL, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_VOCABULARY);
}

static void
delete_cb (QuernMeasured *result, const char *path)
{
  g_unlink (path);
}

/* Its file goes away while the reference is read: a sentence, and nothing else breaks. */
static void
test_deleted (void)
{
  g_autofree char *folder = test_folder (), *from = tiny_path ("Q2_K");
  g_autofree char *path = g_build_filename (folder, "gone.gguf", NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
  g_autoptr (QuernModel) model = model_at (path);
  g_autoptr (QuernMeasure) measure = measure_of (quern_sample_text (), "Q8_0", NULL);
  QuernMeasured *result = quern_measure_add_model (measure, model, QUERN_KV_F16);
  g_object_set (measure, "memory-limit", plan_of ("Q8_0", 512) * 3 / 2, NULL);
  g_signal_connect (quern_measure_get_result (measure, 0), "changed", G_CALLBACK (delete_cb), path);
  if (!run_measure (measure, NULL, &error)) /* else it was opened before it was deleted */
    g_assert_nonnull (strstr (error->message, "gone.gguf"));
  g_assert_false (quern_measure_get_running (measure));
  g_unlink (path);
  g_clear_error (&error);
  g_assert_cmpuint (quern_measured_get_n_positions (result), <=, 2000);
  if (!quern_measure_get_complete (measure))
    g_assert_false (run_measure (measure, NULL, &error));
  test_remove_folder (folder);
}

/* The reference's own answers as the text to measure on. */
static void
test_measure_answers (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernMeasure) measure = quern_measure_new ();

  g_assert_true (ask (comparison, "Count to three", NULL, NULL));
  for (guint i = 0; i < 2; i++)
    quern_measure_add_model (measure, quern_compare_column_get_model (quern_comparison_get_column (comparison, i)),
                             QUERN_KV_F16);
  quern_comparison_add_answers (comparison, 0, measure);
  g_assert_true (run_measure (measure, NULL, NULL));
  QuernCompareAnswer *answer = answer_at (comparison, 0, 0);
  g_assert_cmpuint (summary_of (measure, 0)->n, ==, quern_compare_answer_get_n_tokens (answer));
  for (guint i = 0; i < quern_compare_answer_get_n_tokens (answer); i++) /* what was drawn is what is scored */
    g_assert_cmpfloat_with_epsilon (exp (-quern_measured_get_position (quern_measure_get_result (measure, 0), i)->nll),
                                    quern_compare_answer_get_token (answer, i)->chosen.p, 1e-3);
}

/* An answer in words is scored as its tokens are. */
static void
test_reply (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernMeasure) tokens = measure_of (NULL, "Q8_0", "Q2_K", NULL);
  g_autoptr (QuernMeasure) words = measure_of (NULL, "Q8_0", "Q2_K", NULL);

  g_assert_true (ask (comparison, "What is the capital of France?", NULL, NULL));
  g_autoptr (QuernRequest)
      request = quern_comparison_build_request (comparison, quern_comparison_get_column (comparison, 0), 0);
  quern_comparison_add_answers (comparison, 0, tokens);
  quern_measure_add_reply (words, request, NULL, quern_compare_answer_get_answer (answer_at (comparison, 0, 0)));
  g_assert_true (run_measure (tokens, NULL, NULL));
  g_assert_true (run_measure (words, NULL, NULL));
  g_assert_cmpuint (summary_of (words, 1)->n + 1, ==, summary_of (tokens, 1)->n); /* without the end */
  for (guint i = 0; i < summary_of (words, 1)->n; i++)
    g_assert_cmpfloat_with_epsilon (quern_measured_get_position (quern_measure_get_result (words, 1), i)->kld,
                                    quern_measured_get_position (quern_measure_get_result (tokens, 1), i)->kld, 1e-6);
}

static gboolean
add_conversation (QuernMeasure *measure, QuernStore *store, QuernConversation *conversation, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_measure_add_conversation_async (measure, store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_measure_add_conversation_finish (measure, result, error);
}

/* The answers of a past conversation, with the reasoning of those that thought. */
static void
test_conversation (void)
{
  g_autoptr (QuernStore) store = quern_store_open_in_memory ();
  g_autoptr (QuernConversation) conversation = quern_conversation_new ();
  g_autoptr (QuernConversation) empty = quern_conversation_new ();
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "What is the capital of France?");
  g_autoptr (QuernMessage) answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  g_autoptr (QuernMeasure) measure = measure_of (NULL, "Q8_0", "Q2_K", NULL);
  g_autoptr (GError) error = NULL;

  quern_message_set_text (answer, "The capital of France is Paris.", "The user asks for a capital.");
  quern_message_set_state (answer, QUERN_MESSAGE_COMPLETE, NULL);
  quern_store_add_conversation (store, conversation);
  quern_store_add_conversation (store, empty);
  quern_conversation_set_title (conversation, "France", FALSE);
  quern_store_append_message (store, conversation, NULL, question);
  quern_store_append_message (store, conversation, question, answer);
  g_assert_false (add_conversation (measure, store, empty, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
  g_clear_error (&error);
  g_assert_true (add_conversation (measure, store, conversation, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (quern_measure_get_source (measure), ==, "France");
  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_nonnull (strstr (quern_measure_get_text (measure), "The capital of France is Paris."));
  guint first = quern_measure_get_position_token (measure, 0), start, end;
  quern_measure_get_token_span (measure, first, &start, &end);
  g_assert_true (g_str_has_prefix (quern_measure_get_text (measure) + start, "The user asks for a capital."));
  quern_store_close (store);
}

static void
stop_cb (QuernMeasure *measure)
{
  quern_measure_stop (measure);
}

/* Stopped by whoever holds it, without its cancellable; then gone on with after it was stored and read back. */
static void
test_stop_and_go_on (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernMeasure) measure = measure_of (quern_sample_text (), "Q8_0", "Q2_K", NULL);
  g_autoptr (QuernMeasure) whole = measure_of (quern_sample_text (), "Q8_0", "Q2_K", NULL);
  g_autoptr (GListStore) models = g_list_store_new (QUERN_TYPE_MODEL);
  g_autoptr (GError) error = NULL;

  quern_measure_set_context_size (measure, 64);
  quern_measure_set_context_size (whole, 64);
  quern_measure_set_windows (measure, QUERN_MEASURE_WINDOWS_LLAMA);
  quern_measure_set_windows (whole, QUERN_MEASURE_WINDOWS_LLAMA);
  quern_measure_set_top (measure, 8);
  quern_measure_set_top (whole, 8);
  g_assert_true (run_measure (whole, NULL, NULL));
  quern_comparison_set_measure (comparison, measure);
  g_signal_connect_swapped (quern_measure_get_result (measure, 1), "changed", G_CALLBACK (stop_cb), measure);
  if (!run_measure (measure, NULL, &error))
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_autofree char *json = quern_comparison_to_json (comparison);
  for (guint i = 0; i < 2; i++)
    g_list_store_append (models, quern_measured_get_model (quern_measure_get_result (measure, i)));
  g_autoptr (QuernComparison) back = quern_comparison_new_from_json (json, -1, G_LIST_MODEL (models), NULL);
  QuernMeasure *rest = quern_comparison_get_measure (back);
  g_assert_true (run_measure (rest, NULL, NULL));
  g_assert_true (quern_measure_get_complete (rest));
  g_assert_true (summary_of (rest, 1)->kld_mean == summary_of (whole, 1)->kld_mean);
  /* What is stored of a position is enough for everything that is told of the text. */
  g_assert_true (summary_of (rest, 1)->kld_top_mean == summary_of (whole, 1)->kld_top_mean);
  g_assert_true (summary_of (rest, 1)->kld_block_error == summary_of (whole, 1)->kld_block_error);
  g_assert_cmpuint (summary_of (rest, 1)->n_blocks, ==, quern_measure_get_n_windows (whole));
  g_assert_cmpstr (quern_measure_get_text_sha256 (rest), ==, quern_measure_get_text_sha256 (whole));
  g_assert_cmpstr (quern_measure_get_note (rest), ==, quern_measure_get_note (whole));
}

/* Words for those who know no divergence: examples are places where both models would go on differently, with the end of
 * the text before them; the numbers are those of the summary. */
static void
test_meaning (void)
{
  g_autoptr (QuernMeasure) measure = measure_of (quern_sample_text (), "Q8_0", "Q2_K", "Q8_0", NULL);
  guint positions[QUERN_MEASURE_EXAMPLES];

  g_assert_true (run_measure (measure, NULL, NULL));
  g_assert_cmpuint (quern_measure_find_examples (measure, 1, positions), ==, QUERN_MEASURE_EXAMPLES);
  for (guint k = 0; k < QUERN_MEASURE_EXAMPLES; k++) {
    const QuernDivergence *d = quern_measured_get_position (quern_measure_get_result (measure, 1), positions[k]);
    g_autofree char *example = quern_measure_dup_example (measure, 1, positions[k]);
    g_autofree char *first = g_strdup_printf ("(%.0f %%), Q2_K with", 100 * d->top_reference[0].p);
    g_autofree char *second = g_strdup_printf ("(%.0f %%).", 100 * d->top[0].p);
    g_test_message ("%s", example);
    g_assert_false (d->same_top);
    g_assert_true (g_str_has_prefix (example, "After “"));
    g_assert_nonnull (strstr (example, "”, Q8_0 goes on with “"));
    g_assert_nonnull (strstr (example, first));
    g_assert_true (g_str_has_suffix (example, second));
    g_assert_null (strchr (example, '\n'));
    g_assert_true (g_utf8_validate (example, -1, NULL));
    g_assert_cmpuint (positions[k] * QUERN_MEASURE_EXAMPLES / summary_of (measure, 1)->n, ==,
                      k); /* each from its third */
  }
  g_autofree char *meaning = quern_measure_dup_meaning (measure, 1);
  g_autofree char *one_of = g_strdup_printf ("at one of %.3g places", 1 / (1 - summary_of (measure, 1)->same_top));
  g_assert_nonnull (strstr (meaning, one_of));
  /* The same file differs nowhere, and has no examples. */
  g_assert_cmpuint (quern_measure_find_examples (measure, 2, positions), ==, 0);
  g_autofree char *same = quern_measure_dup_meaning (measure, 2);
  g_assert_nonnull (strstr (same, "the same token"));
}

int
main (int argc, char **argv)
{
  g_autofree char *cache = test_folder ();

  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compare/measure/order", test_order);
  g_test_add_func ("/compare/measure/windows", test_windows);
  g_test_add_func ("/compare/measure/independent", test_independent);
  g_test_add_func ("/compare/measure/memory", test_memory);
  g_test_add_func ("/compare/measure/resume", test_resume);
  g_test_add_func ("/compare/measure/pause", test_pause);
  g_test_add_func ("/compare/measure/bad-texts", test_bad_texts);
  g_test_add_func ("/compare/measure/vocabularies", test_vocabularies);
  g_test_add_func ("/compare/measure/deleted", test_deleted);
  g_test_add_func ("/compare/measure/answers", test_measure_answers);
  g_test_add_func ("/compare/measure/reply", test_reply);
  g_test_add_func ("/compare/measure/conversation", test_conversation);
  g_test_add_func ("/compare/measure/stop-and-go-on", test_stop_and_go_on);
  g_test_add_func ("/compare/measure/meaning", test_meaning);
  int code = g_test_run ();
  test_remove_folder (cache); /* must be empty but for itself: logits have no name */
  return code;
}
