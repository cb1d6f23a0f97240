/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

#include "quern-comparison-report.h"
#include "quern-comparisons.h"
#include "quern-file-hash.h"
#include "quern-machine.h"
#include "quern-questions.h"
#include "quern-sha256.h"
#include "test-compare-util.h"
#include "test-pace.h"

/* Comparisons by reading: running, votes, files, the store, questions, the command line. */

/* ---- reading side by side -------------------------------------------------------------------------------------- */

/* Every token's span covers the text without a gap, and its probability is among the likeliest. */
static void
assert_tokens (QuernCompareAnswer *answer)
{
  guint at = 0;

  g_assert_cmpuint (quern_compare_answer_get_n_tokens (answer), >, 0);
  for (guint i = 0; i < quern_compare_answer_get_n_tokens (answer); i++) {
    const QuernGeneratedToken *token = quern_compare_answer_get_token (answer, i);
    g_assert_cmpuint (token->start, ==, at);
    at = token->end;
    g_assert_cmpfloat (token->chosen.p, >, 0);
    g_assert_cmpfloat (token->chosen.p, <=, 1);
    g_assert_cmpuint (token->n_top, ==, QUERN_MAX_CANDIDATES);
    g_assert_cmpfloat (token->top[0].p, >=, token->chosen.p);
  }
  g_assert_cmpuint (at, <=, strlen (quern_compare_answer_get_answer (answer)));
}

/* Equal models draw equal texts; the same seed gives the same again; two turns. */
static void
test_seed (void)
{
  g_autoptr (QuernComparison) first = comparison_of ("Q8_0", "Q8_0");
  g_autoptr (QuernComparison) again = comparison_of ("Q8_0", "Q2_K");
  QuernFork fork;

  for (guint turn = 0; turn < 2; turn++) {
    g_assert_true (ask (first, turn == 0 ? "Count to three" : "And backwards?", NULL, NULL));
    g_assert_true (ask (again, turn == 0 ? "Count to three" : "And backwards?", NULL, NULL));
    quern_comparison_get_fork (first, turn, 0, 1, &fork);
    g_assert_false (fork.differs);
    g_assert_true (fork.same_context);
    g_assert_cmpfloat (fork.shared, ==, 1);
    g_assert_cmpstr (quern_compare_answer_get_answer (answer_at (first, 0, turn)), ==,
                     quern_compare_answer_get_answer (answer_at (again, 0, turn)));
    assert_tokens (answer_at (again, 0, turn));
    assert_tokens (answer_at (again, 1, turn));
  }
  const QuernStatistics *s = quern_compare_answer_get_statistics (answer_at (first, 0, 1));
  g_assert_cmpuint (s->prompt_tokens, >, quern_compare_answer_get_statistics (answer_at (first, 0, 0))->prompt_tokens);
  g_assert_cmpfloat (s->decode_seconds, >, 0);
}

/* The first token that differs, with both choices as each model saw them. */
static void
test_fork (void)
{
  g_autoptr (QuernComparison) comparison = NULL;
  QuernFork fork = { 0 };

  for (guint64 seed = 1; seed <= 20 && !fork.differs; seed++) {
    g_clear_object (&comparison);
    comparison = comparison_of ("Q8_0", "Q2_K");
    g_object_set (comparison, "seed", seed, NULL);
    g_assert_true (ask (comparison, "Tell me about the sea", NULL, NULL));
    quern_comparison_get_fork (comparison, 0, 0, 1, &fork);
  }
  g_assert_true (fork.differs);
  g_assert_cmpint (fork.a.id, !=, fork.b.id);
  const QuernGeneratedToken *a = quern_compare_answer_get_token (answer_at (comparison, 0, 0), fork.index);
  const QuernGeneratedToken *b = quern_compare_answer_get_token (answer_at (comparison, 1, 0), fork.index);
  g_assert_cmpint (a->chosen.id, ==, fork.a.id);
  for (guint i = 0; i < a->n_top; i++)
    if (a->top[i].id == fork.b.id)
      g_assert_true (a->top[i].p == fork.p_b_in_a);
  g_assert_cmpint (b->chosen.id, ==, fork.b.id);
  for (guint i = 0; i < fork.index; i++)
    g_assert_cmpint (quern_compare_answer_get_token (answer_at (comparison, 0, 0), i)->chosen.id, ==,
                     quern_compare_answer_get_token (answer_at (comparison, 1, 0), i)->chosen.id);
}

static gboolean
both_have_begun (gpointer comparison)
{
  for (guint i = 0; i < 2; i++)
    if (quern_compare_answer_get_state (answer_at (comparison, i, 0)) < QUERN_COMPARE_READING)
      return FALSE;
  return TRUE;
}

/* Columns of one file that run together go through the model in one pass, and answer what they answer alone. */
static void
test_one_pass (void)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (QuernComparison) apart = comparison_of ("Q4_K_M", "Q4_K_M");
  g_autoptr (QuernComparison) together = comparison_of ("Q4_K_M", "Q4_K_M");
  QuernComparison *const both[] = { apart, together };
  g_autoptr (GAsyncResult) result = NULL;

  for (guint i = 0; i < 2; i++) {
    g_object_set (both[i], "max-tokens", 600, NULL);
    for (guint j = 0; j < 2; j++)
      g_object_set (quern_comparison_get_column (both[i], j), "kv-type", j == 0 ? QUERN_KV_F16 : QUERN_KV_Q8_0,
                    "sampling", "{\"temperature\": 9, \"top_k\": 0, \"top_p\": 1}", NULL);
  }
  g_assert_true (ask (apart, "Hello", NULL, NULL));
  g_object_set (together, "mode", QUERN_COMPARE_TOGETHER, NULL);
  test_most_together = 0;
  test_hold_after (0);
  quern_comparison_ask_async (together, backend, "Hello", NULL, NULL, test_result_cb, &result);
  test_wait (both_have_begun, together);
  test_let_go ();
  test_wait_result (&result);
  g_assert_true (quern_comparison_ask_finish (together, result, NULL));
  g_assert_cmpint (test_most_together, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpstr (quern_compare_answer_get_answer (answer_at (together, i, 0)), ==,
                     quern_compare_answer_get_answer (answer_at (apart, i, 0)));
}

static void
test_together (void)
{
  g_autoptr (QuernComparison) apart = comparison_of ("Q8_0", "Q8_0");
  g_autoptr (QuernComparison) together = comparison_of ("Q8_0", "Q8_0");
  g_autoptr (GError) error = NULL;
  QuernCompareMode mode;
  guint64 one, two, available;

  g_assert_true (quern_comparison_plan_memory (apart, FALSE, &mode, &one, &available, NULL));
  g_object_set (together, "mode", QUERN_COMPARE_TOGETHER, NULL);
  g_assert_true (quern_comparison_plan_memory (together, FALSE, &mode, &two, &available, NULL));
  g_assert_cmpuint (two, >, one);
  g_assert_cmpuint (two, <, 2 * one); /* the weights of one file count once */
  g_assert_true (ask (apart, "Hello", NULL, NULL));
  g_assert_true (ask (together, "Hello", NULL, NULL));
  g_assert_true (quern_compare_answer_get_together (answer_at (together, 0, 0)));
  g_assert_cmpstr (quern_compare_answer_get_answer (answer_at (apart, 1, 0)), ==,
                   quern_compare_answer_get_answer (answer_at (together, 1, 0)));

  g_object_set (together, "memory-limit", (one + two) / 2, NULL);
  g_assert_true (ask (together, "Once more", NULL, NULL));
  g_assert_false (quern_compare_answer_get_together (answer_at (together, 0, 1)));
  g_assert_nonnull (quern_comparison_get_note (together));
  g_assert_cmpuint (quern_compare_answer_get_peak_memory (answer_at (together, 1, 1)), <=,
                    quern_compare_answer_get_planned_memory (answer_at (together, 1, 1)) + 16 * 1024 * 1024);

  g_object_set (together, "memory-limit", (guint64) 1000, NULL);
  g_assert_false (ask (together, "And again", NULL, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY);
  g_assert_cmpuint (quern_comparison_get_n_turns (together), ==, 2); /* nothing was added */
}

static void
stop_cb (QuernComparison *comparison)
{
  quern_comparison_stop (comparison);
}

/* What was written before the stop stays, and the column after it is stopped as well. */
static void
test_stop (void)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (GAsyncResult) result = NULL;

  g_object_set (comparison, "max-tokens", 2000, NULL);
  quern_comparison_ask_async (comparison, backend, "Write a long story", NULL, NULL, test_result_cb, &result);
  g_signal_connect_swapped (answer_at (comparison, 0, 0), "text", G_CALLBACK (stop_cb), comparison);
  test_wait_result (&result);
  g_assert_true (quern_comparison_ask_finish (comparison, result, NULL));
  g_assert_false (quern_comparison_get_running (comparison));
  g_assert_cmpuint (strlen (quern_compare_answer_get_answer (answer_at (comparison, 0, 0))), >, 0);
  g_assert_cmpint (quern_compare_answer_get_state (answer_at (comparison, 0, 0)), >=, QUERN_COMPARE_DONE);
  g_assert_false (quern_compare_answer_is_running (answer_at (comparison, 1, 0)));
}

static void
catch_up (QuernComparison *comparison, guint column)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (GAsyncResult) result = NULL;

  quern_comparison_catch_up_async (comparison, backend, quern_comparison_get_column (comparison, column), NULL,
                                   test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_comparison_catch_up_finish (comparison, result, NULL));
}

/* A column that came late was not asked, which is kept; asked after all, it says what an equal one had said. */
static void
test_late_column (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");

  g_assert_true (ask (comparison, "Count to three", NULL, NULL));
  g_assert_true (ask (comparison, "And backwards?", NULL, NULL));
  g_assert_cmpuint (quern_comparison_get_missing (comparison, quern_comparison_get_column (comparison, 1)), ==, 2);
  add_column (comparison, "Q8_0");
  for (guint turn = 0; turn < 2; turn++)
    g_assert_cmpint (quern_compare_answer_get_state (answer_at (comparison, 2, turn)), ==, QUERN_COMPARE_NOT_ASKED);
  g_assert_cmpuint (quern_comparison_get_missing (comparison, quern_comparison_get_column (comparison, 2)), ==, 0);
  g_autofree char *json = quern_comparison_to_json (comparison);
  g_autoptr (QuernComparison) back = quern_comparison_new_from_json (json, -1, NULL, NULL);
  g_assert_cmpint (quern_compare_answer_get_state (answer_at (back, 2, 1)), ==, QUERN_COMPARE_NOT_ASKED);

  catch_up (comparison, 2);
  g_assert_cmpuint (quern_comparison_get_missing (comparison, quern_comparison_get_column (comparison, 2)), ==, 2);
  for (guint turn = 0; turn < 2; turn++)
    g_assert_cmpstr (quern_compare_answer_get_answer (answer_at (comparison, 2, turn)), ==,
                     quern_compare_answer_get_answer (answer_at (comparison, 0, turn)));
}

/* Answers stay with the model that gave them: another model takes the column's place with none. */
static void
test_replaced_column (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernModel) model = tiny ("Q4_K_M");
  g_autoptr (QuernCompareColumn) other = quern_compare_column_new (model);
  g_autoptr (QuernCompareColumn) old = g_object_ref (quern_comparison_get_column (comparison, 1));

  add_column (comparison, "Q6_K");
  g_assert_true (ask (comparison, "Hello", NULL, NULL));
  quern_comparison_vote (comparison, 0, 0, 1, QUERN_VOTE_A);
  quern_comparison_vote (comparison, 0, 0, 2, QUERN_VOTE_B);
  g_assert_true (quern_comparison_replace_column (comparison, old, other));
  g_assert_true (quern_comparison_get_column (comparison, 1) == other);
  g_assert_cmpint (quern_compare_answer_get_state (answer_at (comparison, 1, 0)), ==, QUERN_COMPARE_NOT_ASKED);
  g_assert_cmpuint (quern_comparison_get_n_votes (comparison), ==, 1); /* the one between the others */
  g_assert_cmpuint (quern_comparison_get_vote (comparison, 0)->b, ==, 2);
  g_assert_true (quern_comparison_replace_column (comparison, other, old));
  g_assert_cmpint (quern_compare_answer_get_state (answer_at (comparison, 1, 0)), !=, QUERN_COMPARE_NOT_ASKED);
}

/* Its file goes away after it was chosen: its column says so, the other one answers. */
static void
test_deleted_model (void)
{
  g_autofree char *folder = test_folder (), *from = tiny_path ("Q2_K");
  g_autofree char *path = g_build_filename (folder, "gone.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
  g_autoptr (QuernModel) model = model_at (path);
  g_autoptr (QuernCompareColumn) column = quern_compare_column_new (model);
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();
  quern_compare_column_set_thinking (column, QUERN_THINKING_OFF);
  g_assert_true (quern_comparison_add_column (comparison, column));
  add_column (comparison, "Q8_0");
  g_object_set (comparison, "max-tokens", 8, NULL);
  g_unlink (path);
  g_assert_true (ask (comparison, "Hello", NULL, NULL));
  g_assert_cmpint (quern_compare_answer_get_state (answer_at (comparison, 0, 0)), ==, QUERN_COMPARE_FAILED);
  g_assert_nonnull (strstr (quern_compare_answer_get_failure (answer_at (comparison, 0, 0)), "gone.gguf"));
  g_assert_cmpuint (quern_compare_answer_get_n_tokens (answer_at (comparison, 1, 0)), >, 0);
  g_assert_cmpuint (quern_comparison_get_missing (comparison, column), ==, 0);
  test_remove_folder (folder);
}

/* What an answer was made with stays with it when the column is set otherwise. */
static void
test_settings (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  QuernCompareColumn *column = quern_comparison_get_column (comparison, 0);

  quern_compare_column_set_temperature (column, 0.3);
  quern_compare_column_set_kv_type (column, QUERN_KV_Q8_0);
  g_assert_true (ask (comparison, "Hello", NULL, NULL));
  quern_compare_column_set_temperature (column, 1.5);
  g_autofree char *json = quern_comparison_to_json (comparison);
  g_autoptr (QuernComparison) back = quern_comparison_new_from_json (json, -1, NULL, NULL);
  const QuernAnswerSettings *s = quern_compare_answer_get_settings (answer_at (back, 0, 0));
  g_assert_cmpfloat (s->sampler.temperature, ==, 0.3f);
  g_assert_cmpint (s->kv_type, ==, QUERN_KV_Q8_0);
  g_assert_cmpuint (s->n_ctx, >, 0);
  g_assert_cmpuint (s->max_tokens, ==, 40);
  g_autofree char *markdown = quern_comparison_to_markdown (back);
  g_assert_nonnull (strstr (markdown, "temperature 0.3, "));
}

/* Where figures were made travels with them. */
static void
test_machine (void)
{
  static const char json[] =
      "{\"format\":\"quern-comparison\",\"version\":1,\"machine\":{\"processor\":\"An old mill\","
      "\"threads\":3,\"kernels\":\"stone\",\"quern\":\"0.0.1\"}}";
  g_autoptr (QuernComparison) comparison = quern_comparison_new_from_json (json, -1, NULL, NULL);
  g_autofree char *again = quern_comparison_to_json (comparison);
  g_autofree char *html = quern_comparison_to_html (comparison);

  g_assert_nonnull (strstr (again, "An old mill"));
  g_assert_nonnull (strstr (html, "An old mill"));
  g_assert_nonnull (strstr (html, "3 threads"));
  add_column (comparison, "Q8_0");
  g_object_set (comparison, "max-tokens", 2, NULL);
  g_assert_true (ask (comparison, "Hello", NULL, NULL));
  g_assert_cmpstr (quern_comparison_get_machine (comparison)->kernels, ==, quern_machine_get_kernels ());
}

/* ---- votes ----------------------------------------------------------------------------------------------------- */

static void
test_votes (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  QuernVoteCount count;
  QuernRating ratings[2];
  guint order[2], flipped = 0;

  for (guint i = 0; i < 20; i++)
    _quern_comparison_restore_turn (comparison, "?", NULL);
  for (guint i = 0; i < 20; i++) {
    quern_comparison_get_order (comparison, i, order);
    g_assert_cmpuint (order[0] + order[1], ==, 1);
    flipped += order[0];
  }
  g_assert_cmpuint (flipped, >, 0);
  g_assert_cmpuint (flipped, <, 20);
  for (guint i = 0; i < 9; i++)
    quern_comparison_vote (comparison, i, i % 2, 1 - i % 2, i % 2 ? QUERN_VOTE_B : QUERN_VOTE_A);
  quern_comparison_vote (comparison, 0, 1, 0, QUERN_VOTE_A); /* changes the first one */
  quern_comparison_vote (comparison, 9, 0, 1, QUERN_VOTE_BOTH_BAD);
  quern_comparison_count_votes (comparison, 0, 1, &count);
  g_assert_cmpuint (count.a, ==, 8);
  g_assert_cmpuint (count.b, ==, 1);
  g_assert_cmpuint (count.both_bad, ==, 1);
  g_assert_cmpfloat (count.low, <, 8.0 / 9);
  g_assert_cmpfloat (count.high, >, 8.0 / 9);
  g_assert_false (quern_comparison_rate (comparison, ratings)); /* nine that prefer one */
  quern_comparison_vote (comparison, 10, 0, 1, QUERN_VOTE_A);
  g_assert_true (quern_comparison_rate (comparison, ratings));
  g_assert_cmpfloat (ratings[0].rating, >, ratings[1].rating);
  g_assert_cmpfloat (ratings[0].low, <=, ratings[0].rating);
}

/* Three columns: each pair that answered is asked about once, in the order of the screen. */
static void
test_pairs (void)
{
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  guint order[QUERN_COMPARE_MAX_COLUMNS], a, b, n = 0;

  add_column (comparison, "Q4_K_M");
  g_assert_true (ask (comparison, "Hello", NULL, NULL));
  quern_comparison_get_order (comparison, 0, order);
  while (quern_comparison_next_pair (comparison, 0, &a, &b)) {
    g_assert_cmpuint (a, <, b);
    g_assert_cmpuint (n++, <, 3);
    quern_comparison_vote (comparison, 0, order[a], order[b], QUERN_VOTE_TIE);
  }
  g_assert_cmpuint (n, ==, 3);
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static QuernComparison *
full_comparison (void)
{
  QuernComparison *comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernMeasure) measure = measure_of ("The <b>miller</b> & his daughter | 河边", "Q8_0", "Q2_K", NULL);

  g_assert_true (ask (comparison, "Is <i>3 | 4</i> \"right\"?\n```", NULL, NULL));
  g_assert_true (run_measure (measure, NULL, NULL));
  quern_measure_set_source (measure, "a test");
  quern_comparison_set_measure (comparison, measure);
  quern_comparison_vote (comparison, 0, 0, 1, QUERN_VOTE_TIE);
  return comparison;
}

/* Written and read back, it is the same to the last digit, and can be gone on with when its models are there. */
static void
test_round_trip (void)
{
  g_autoptr (QuernComparison) comparison = full_comparison ();
  g_autofree char *json = quern_comparison_to_json (comparison);
  g_autoptr (GListStore) models = g_list_store_new (QUERN_TYPE_MODEL);
  g_autoptr (QuernComparison) alone = quern_comparison_new_from_json (json, -1, NULL, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    g_list_store_append (models, quern_compare_column_get_model (quern_comparison_get_column (comparison, i)));
  g_autoptr (QuernComparison) back = quern_comparison_new_from_json (json, -1, G_LIST_MODEL (models), &error);
  g_assert_no_error (error);
  g_autofree char *again = quern_comparison_to_json (back);
  g_assert_true (g_str_equal (again, json));
  g_assert_true (summary_of (quern_comparison_get_measure (back), 1)->kld_mean
                 == summary_of (quern_comparison_get_measure (comparison), 1)->kld_mean);
  g_assert_true (ask (back, "And now?", NULL, &error));

  g_autofree char *same = quern_comparison_to_json (alone);
  g_assert_true (g_str_equal (same, json));
  g_assert_false (ask (alone, "And now?", NULL, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED);
  quern_comparison_attach_models (alone, G_LIST_MODEL (models));
  g_assert_true (ask (alone, "And now?", NULL, NULL));
}

/* Whatever is in the file, it is refused with a sentence or read without harm. */
static void
test_damaged_files (void)
{
  g_autoptr (QuernComparison) comparison = full_comparison ();
  g_autofree char *json = quern_comparison_to_json (comparison);
  gsize length = strlen (json);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  static const char *const nonsense[] = { "",
                                          "[]",
                                          "null",
                                          "{}",
                                          "{\"format\":\"quern-comparison\",\"version\":99}",
                                          "0{\"format\":\"quern-comparison\",\"version\":1}" };
  static const char *const sound[] = {
    "{\"format\":\"quern-comparison\",\"version\":1}",
    "{\"format\":\"quern-comparison\",\"version\":1,\"columns\":[1,{},{\"answers\":[{}]}],\"prompts\":[{}],\"votes\":[["
    "0,0,1]]}",
    "{\"format\":\"quern-comparison\",\"version\":1,\"measure\":{\"text\":\"é\",\"ends\":[1,99],\"position_tokens\":[-"
    "1,7],"
    "\"windows\":-3,\"models\":[{\"positions\":[[],[1,2,3]]}]}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (nonsense); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (quern_comparison_new_from_json (nonsense[i], -1, NULL, &error));
    g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT);
  }
  for (guint i = 0; i < G_N_ELEMENTS (sound); i++) {
    g_autoptr (QuernComparison) read = quern_comparison_new_from_json (sound[i], -1, NULL, NULL);
    g_autofree char *html = read ? quern_comparison_to_html (read) : NULL;
    g_assert_nonnull (html);
  }
  for (guint i = 0; i < 60; i++) {
    g_autofree char *changed = g_strdup (json);
    for (guint j = 0; j < 4; j++)
      changed[g_rand_int_range (random, 0, (gint32) length)] =
          "0123456789-[]{},:\"e."[g_rand_int_range (random, 0, 20)];
    g_autoptr (QuernComparison) read = quern_comparison_new_from_json (changed, (gssize) length, NULL, NULL);
    g_autofree char *html = read ? quern_comparison_to_html (read) : NULL;
  }
}

/* Reports need nothing from elsewhere and do not take words for markup. */
static void
test_reports (void)
{
  g_autoptr (QuernComparison) comparison = full_comparison ();
  g_autoptr (GAsyncResult) result = NULL;

  quern_comparison_hash_async (comparison, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_comparison_hash_finish (comparison, result, NULL));
  const char *sum = quern_compare_column_get_facts (quern_comparison_get_column (comparison, 0))->sha256;
  g_autofree char *html = quern_comparison_to_html (comparison);
  g_autofree char *markdown = quern_comparison_to_markdown (comparison);
  g_assert_cmpuint (strlen (sum), ==, 64);
  g_assert_nonnull (strstr (html, sum));
  g_assert_nonnull (strstr (html, "<svg"));
  g_assert_nonnull (strstr (html, "&lt;i&gt;3 | 4"));
  g_assert_null (strstr (html, "<i>"));
  g_assert_null (strstr (html, "://"));
  g_assert_nonnull (strstr (html, "default-src 'none'"));
  g_assert_null (strstr (html, "<script"));
  g_assert_nonnull (strstr (html, "Seed 11"));
  g_assert_nonnull (strstr (markdown, sum));
  g_assert_nonnull (strstr (markdown, "````")); /* longer than the fence in the prompt */
}

/* ---- store ----------------------------------------------------------------------------------------------------- */

static gboolean
has_one (gpointer entries)
{
  return g_list_model_get_n_items (entries) == 1;
}

static QuernComparison *
open_comparison (QuernComparisons *comparisons, gint64 id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_comparisons_open_async (comparisons, id, NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_comparisons_open_finish (comparisons, result, error);
}

/* Stored, changed, read back by another run of the program, deleted, brought back. */
static void
test_store (void)
{
  g_autofree char *folder = test_folder ();
  g_autofree char *path = g_build_filename (folder, "quern.db", NULL);
  g_autofree char *json = NULL;
  gint64 id;
  {
    g_autoptr (QuernStore) store = quern_store_open (path, NULL);
    g_autoptr (QuernComparisons) comparisons = quern_comparisons_new (store);
    g_autoptr (QuernComparison) comparison = full_comparison ();
    quern_comparisons_add (comparisons, comparison);
    quern_comparison_set_title (comparison, "Which one?");
    id = quern_comparison_get_id (comparison);
    json = quern_comparison_to_json (comparison);
    g_object_run_dispose (G_OBJECT (comparisons)); /* saves what is not saved yet */
    quern_store_close (store);
  }
  g_autoptr (QuernStore) store = quern_store_open (path, NULL);
  g_autoptr (QuernComparisons) comparisons = quern_comparisons_new (store);
  g_autoptr (GError) error = NULL;
  test_wait (has_one, quern_comparisons_get_entries (comparisons));
  g_autoptr (QuernComparisonEntry) entry = g_list_model_get_item (quern_comparisons_get_entries (comparisons), 0);
  g_assert_cmpstr (quern_comparison_entry_get_title (entry), ==, "Which one?");
  g_assert_cmpint (quern_comparison_entry_get_id (entry), ==, id);
  g_autoptr (QuernComparison) back = open_comparison (comparisons, id, &error);
  g_assert_no_error (error);
  g_autofree char *again = quern_comparison_to_json (back);
  g_assert_true (g_str_equal (again, json));
  quern_comparisons_delete (comparisons, entry);
  g_assert_cmpuint (g_list_model_get_n_items (quern_comparisons_get_entries (comparisons)), ==, 0);
  quern_comparisons_restore (comparisons, entry);
  g_assert_cmpuint (g_list_model_get_n_items (quern_comparisons_get_entries (comparisons)), ==, 1);
  quern_comparisons_restore (comparisons, entry); /* undo, when a backup brought it back before */
  g_assert_cmpuint (g_list_model_get_n_items (quern_comparisons_get_entries (comparisons)), ==, 1);
  g_assert_null (open_comparison (comparisons, 42, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED);
  quern_store_close (store);
  test_remove_folder (folder);
}

/* ---- questions ------------------------------------------------------------------------------------------------- */

static void
test_questions (void)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  static const char *const wrong[] = { "", "nonsense", "{\"question\":\"?\"}", "{\"question\":\"?\",\"regex\":\"(\"}" };
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (GAsyncResult) result = NULL;
  double low, high;
  QuernFlips flips;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (quern_questions_new (wrong[i], -1, &error));
    g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FORMAT);
  }
  g_autoptr (QuernQuestions)
      questions = quern_questions_new ("{\"question\": \"Say hello\", \"regex\": \".\"}\n\n"
                                       "{\"question\": \"2 + 2?\", \"answer\": \"no model says this\"}\n",
                                       -1, NULL);
  g_assert_cmpuint (quern_questions_get_n (questions), ==, 2);
  quern_questions_run_async (questions, comparison, backend, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_questions_run_finish (questions, result, NULL));
  for (guint column = 0; column < 2; column++) {
    g_assert_true (quern_questions_is_right (questions, column, 0));
    g_assert_false (quern_questions_is_right (questions, column, 1));
    g_assert_cmpfloat (quern_questions_get_accuracy (questions, column, &low, &high), ==, 0.5);
    g_assert_cmpfloat (low, <, 0.5);
    g_assert_cmpfloat (high, >, 0.5);
  }
  quern_questions_get_flips (questions, 0, 1, &flips);
  g_assert_cmpuint (flips.both, ==, 1);
  g_assert_cmpuint (flips.neither, ==, 1);
  g_assert_cmpfloat (flips.flips, ==, 0);
  g_assert_cmpfloat (flips.p_value, ==, 1);
  g_assert_cmpuint (quern_comparison_get_n_turns (comparison), ==, 0);

  /* kept with the comparison, exported, and read back */
  quern_questions_set_name (questions, "two.jsonl");
  quern_comparison_set_questions (comparison, questions);
  g_assert_false (quern_comparison_is_empty (comparison));
  g_autofree char *json = quern_comparison_to_json (comparison);
  g_autoptr (QuernComparison) back = quern_comparison_new_from_json (json, -1, NULL, NULL);
  g_autofree char *again = quern_comparison_to_json (back), *html = quern_comparison_to_html (back);
  g_autofree char *markdown = quern_comparison_to_markdown (back);
  g_assert_cmpstr (again, ==, json);
  g_assert_cmpfloat (quern_questions_get_accuracy (quern_comparison_get_questions (back), 0, &low, &high), ==, 0.5);
  g_assert_nonnull (strstr (html, "two.jsonl"));
  g_assert_nonnull (strstr (markdown, "| 1 / 2 | 50 %"));
}

static void
stop_questions_cb (QuernQuestions *questions)
{
  quern_questions_stop (questions);
  test_let_go ();
}

/* Stopped in the middle, what was answered stays, and only that counts. */
static void
test_stopped_questions (void)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (QuernComparison) comparison = comparison_of ("Q8_0", "Q2_K");
  g_autoptr (QuernQuestions) questions = quern_questions_new_sample ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint right, n;

  test_hold_after (0);
  quern_questions_run_async (questions, comparison, backend, NULL, test_result_cb, &result);
  g_signal_connect (questions, "changed", G_CALLBACK (stop_questions_cb), NULL);
  test_wait_result (&result);
  g_assert_false (quern_questions_run_finish (questions, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  quern_questions_count (questions, 1, &right, &n);
  g_assert_cmpuint (n, <, quern_questions_get_n (questions));
}

/* ---- command line ---------------------------------------------------------------------------------------------- */

static JsonObject *
run_cli (JsonParser *parser, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  va_list more;

  g_ptr_array_add (arguments, program);
  va_start (more, parser);
  for (char *argument = va_arg (more, char *); argument; argument = va_arg (more, char *))
    g_ptr_array_add (arguments, argument);
  va_end (more);
  g_ptr_array_add (arguments, NULL);
  g_spawn_sync (NULL, (char **) arguments->pdata, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  g_assert_true (json_parser_load_from_data (parser, output, -1, NULL));
  return json_node_get_object (json_parser_get_root (parser));
}

/* The field names that others rely on. */
static void
test_cli (void)
{
  g_autofree char *q8 = tiny_path ("Q8_0"), *q2 = tiny_path ("Q2_K");
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = run_cli (parser, "eval", "-m", q2, "--reference", q8, "--json", NULL);

  g_assert_cmpint (json_object_get_int_member (object, "tokens"), >, 500);
  g_assert_cmpfloat (json_object_get_double_member (object, "perplexity"), >, 1);
  JsonObject *kld = json_object_get_object_member (object, "kl_divergence");
  g_assert_cmpfloat (json_object_get_double_member (kld, "mean"), >, json_object_get_double_member (kld, "error"));
  g_assert_cmpfloat (json_object_get_double_member (kld, "median"), <, json_object_get_double_member (kld, "p99"));
  JsonObject *same = json_object_get_object_member (object, "same_top");
  g_assert_cmpfloat (json_object_get_double_member (same, "mean"), <, 1);
  g_assert_cmpfloat (json_object_get_double_member (same, "error"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "delta_p_rms"), >, 0);

  g_assert_cmpfloat (json_object_get_double_member (kld, "block_error"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (kld, "p99"), <, json_object_get_double_member (kld, "p99_9"));
  g_assert_cmpfloat (json_object_get_double_member (kld, "p99_9"), <=, json_object_get_double_member (kld, "max"));
  g_assert_cmpfloat (json_object_get_double_member (kld, "min"), <=, json_object_get_double_member (kld, "p0_1"));
  JsonObject *delta = json_object_get_object_member (object, "delta_p");
  g_assert_cmpfloat (json_object_get_double_member (delta, "min"), <, json_object_get_double_member (delta, "max"));
  JsonObject *ratio = json_object_get_object_member (object, "perplexity_ratio");
  g_assert_cmpfloat_with_epsilon (json_object_get_double_member (ratio, "mean"),
                                  json_object_get_double_member (object, "perplexity")
                                      / json_object_get_double_member (object, "perplexity_reference"),
                                  1e-9);
  g_assert_cmpfloat (json_object_get_double_member (object, "correlation"), <=, 1);
  g_assert_false (json_object_has_member (object, "kl_divergence_top"));

  object = run_cli (parser, "eval", "-m", q2, "--reference", q8, "--windows", "llama", "-c", "128", "--top", "40",
                    "--json", NULL);
  g_assert_cmpstr (json_object_get_string_member (object, "windows"), ==, "llama");
  g_assert_cmpint (json_object_get_int_member (object, "tokens"), ==,
                   63 * json_object_get_int_member (object, "n_windows"));
  g_assert_cmpint (json_object_get_int_member (object, "top"), ==, 40);
  double top = json_object_get_double_member (json_object_get_object_member (object, "kl_divergence_top"), "mean");
  g_assert_cmpfloat (top, >, 0);
  g_assert_cmpfloat (top, <=,
                     json_object_get_double_member (json_object_get_object_member (object, "kl_divergence"), "mean"));

  object = run_cli (parser, "compare", "-m", q8, "-m", q2, "--seed", "3", "--max", "8", "--no-think", "--json", "Hello",
                    NULL);
  g_assert_cmpint (json_object_get_int_member (object, "seed"), ==, 3);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "columns")), ==, 2);
}

/* A table and what it was made with: the hashes are those of the files, the first time and from the cache. */
static void
test_card (void)
{
  g_autofree char *q8 = tiny_path ("Q8_0"), *q2 = tiny_path ("Q2_K");
  g_autofree char *sum = quern_sha256_of_file (q2, NULL, NULL, NULL);
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  const char *arguments[] = { program, "eval", "-m", q2, "--reference", q8, "--card", NULL };

  for (guint i = 0; i < 2; i++) {
    g_autofree char *card = NULL;
    g_assert_true (g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &card, NULL,
                                 NULL, NULL));
    g_assert_true (
        g_str_has_prefix (card, "| Quant | Size (GiB) | BPW | PPL | PPL ratio | Mean KLD | 99 % | 99.9 % | "));
    g_assert_nonnull (strstr (card, "\n| Q8_0 (reference) | 0.003 | "));
    g_assert_nonnull (strstr (card, "\n| Q2_K | 0.001 | "));
    g_assert_nonnull (strstr (card, sum));
    g_assert_nonnull (strstr (card, "by window"));
    g_assert_null (strstr (card, "`?`"));
    /* what the table lists has as many cells as its head */
    g_auto (GStrv) lines = g_strsplit (card, "\n", 5);
    for (guint line = 0; line < 4; line++) {
      g_auto (GStrv) cells = g_strsplit (lines[line], "|", -1);
      g_assert_cmpuint (g_strv_length (cells), ==, 12);
    }
  }
}

/* Writes into the file that is there, and sets the time when that was done. */
static void
write_in_place (const char *path, const char *text, time_t when)
{
  FILE *file = fopen (path, "r+");
  const struct utimbuf times = { when, when };

  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (utime (path, &times), ==, 0);
}

/* A file is only read again where it may have changed. */
static void
test_file_hash (void)
{
  g_autofree char *folder = test_folder (), *path = g_build_filename (folder, "file", NULL);
  g_autofree char *one = quern_sha256_of_data ("one", 3), *two = quern_sha256_of_data ("two", 3);
  static const struct {
    const char *content;
    time_t when;
    gboolean is_two;
  } steps[] = {
    { "one", 1000000000, FALSE },
    { "two", 1000000001, TRUE }, /* written to, of the same size */
    { "one", 1000000001, TRUE }, /* nothing tells that it was: it was not read */
    { "one", 1000000002, FALSE },
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autofree char *hash = NULL;
    write_in_place (path, steps[i].content, steps[i].when);
    hash = quern_file_hash (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (hash, ==, steps[i].is_two ? two : one);
  }
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_null (quern_file_hash (path, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_autofree char *cache = test_folder ();

  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compare/run/seed", test_seed);
  g_test_add_func ("/compare/run/fork", test_fork);
  g_test_add_func ("/compare/run/together", test_together);
  g_test_add_func ("/compare/run/one-pass", test_one_pass);
  g_test_add_func ("/compare/run/stop", test_stop);
  g_test_add_func ("/compare/run/late-column", test_late_column);
  g_test_add_func ("/compare/run/replaced-column", test_replaced_column);
  g_test_add_func ("/compare/run/deleted-model", test_deleted_model);
  g_test_add_func ("/compare/run/settings", test_settings);
  g_test_add_func ("/compare/run/machine", test_machine);
  g_test_add_func ("/compare/votes", test_votes);
  g_test_add_func ("/compare/pairs", test_pairs);
  g_test_add_func ("/compare/files/round-trip", test_round_trip);
  g_test_add_func ("/compare/files/damaged", test_damaged_files);
  g_test_add_func ("/compare/files/reports", test_reports);
  g_test_add_func ("/compare/store", test_store);
  g_test_add_func ("/compare/questions", test_questions);
  g_test_add_func ("/compare/questions/stopped", test_stopped_questions);
  g_test_add_func ("/compare/cli", test_cli);
  g_test_add_func ("/compare/card", test_card);
  g_test_add_func ("/compare/file-hash", test_file_hash);
  int code = g_test_run ();
  test_remove_folder (cache); /* must be empty but for itself: logits have no name */
  return code;
}
