/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-local-backend.h"
#include "quern-library.h"
#include "test-pace.h"

/* The bridge: loading, sharing, refusing, queueing, stopping. */

static QuernModel *
tiny (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL);
  g_autoptr (GError) error = NULL;
  QuernModel *model = quern_model_new (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static QuernLoadedModel *
load (QuernLocalBackend *backend, QuernModel *model, const QuernLoadParams *params, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_backend_load_async (QUERN_BACKEND (backend), model, params, NULL, NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_backend_load_finish (QUERN_BACKEND (backend), result, error);
}

static QuernRequest *
request (const char *text, float temperature)
{
  QuernRequest *self = quern_request_new ();
  QuernSamplerValues params = { .temperature = temperature, .top_p = 1, .repetition_penalty = 1, .seed = 3 };

  quern_request_add_message (self, QUERN_ROLE_USER, text, NULL);
  quern_request_set_sampler (self, &params);
  return self;
}

static void
append_cb (GString *text, gboolean reasoning, const char *more)
{
  g_assert_true (g_main_context_is_owner (g_main_context_default ())); /* never on the context's thread */
  g_string_append (text, more);
}

static gboolean
is_done (gpointer generation)
{
  return quern_generation_get_phase (generation) == QUERN_GENERATION_DONE;
}

static gboolean
is_decoding (gpointer generation)
{
  return quern_generation_get_phase (generation) == QUERN_GENERATION_DECODE;
}

/* Requests to one context are answered in their order, each with its own text. */
static void
test_queue (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  QuernLoadParams params = { .context_size = 512 };
  g_autoptr (QuernLoadedModel) context = load (backend, model, &params, NULL);
  g_autoptr (QuernLoadedModel) same = load (backend, model, &params, NULL);
  const char *questions[] = { "What is the capital of France?", "Hello!", "capital of Kenya" };
  const char *answers[] = { "The capital of France is Paris.", "Hello! How can I help you?",
                            "The capital of Kenya is Nairobi." };
  QuernGeneration *generations[3];
  GString *texts[3];

  g_assert_true (context == same);
  g_assert_cmpuint (quern_loaded_model_get_context_size (context), ==, 512);
  test_hold_after (0);
  for (int i = 0; i < 3; i++) {
    g_autoptr (QuernRequest) r = request (questions[i], 0);
    texts[i] = g_string_new (NULL);
    generations[i] = quern_loaded_model_generate (context, r);
    g_signal_connect_swapped (generations[i], "text", G_CALLBACK (append_cb), texts[i]);
  }
  test_wait (is_decoding, generations[0]);
  for (int i = 1; i < 3; i++)
    g_assert_cmpint (quern_generation_get_phase (generations[i]), ==, QUERN_GENERATION_QUEUED);
  test_let_go ();
  for (int i = 0; i < 3; i++) {
    test_wait (is_done, generations[i]); /* the end of a short one may be told before that of the one before */
    g_assert_cmpint (quern_generation_get_stop (generations[i]), ==, QUERN_STOP_END);
    g_assert_cmpstr (texts[i]->str, ==, answers[i]);
    g_string_free (texts[i], TRUE);
    g_object_unref (generations[i]);
  }
}

static void
test_stop_queued (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q4_K_M.gguf");
  g_autoptr (QuernLoadedModel) context = load (backend, model, &(QuernLoadParams) { .context_size = 2048 }, NULL);
  g_autoptr (QuernRequest) babble = request ("Hello!", 9);
  g_autoptr (QuernGeneration) first = NULL, second = NULL;

  test_hold_after (0);
  first = quern_loaded_model_generate (context, babble);
  second = quern_loaded_model_generate (context, babble);
  quern_generation_stop (second);
  quern_generation_stop (first);
  test_let_go ();
  test_wait (is_done, second);
  test_wait (is_done, first); /* a queued one may be told first */
  g_assert_cmpint (quern_generation_get_stop (first), ==, QUERN_STOP_USER);
  g_assert_cmpint (quern_generation_get_stop (second), ==, QUERN_STOP_USER);
  g_assert_cmpuint (quern_generation_get_statistics (second)->answer_tokens, ==, 0);
}

/* Different settings are different contexts; unloading lets go of those that rest. */
static void
test_contexts (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  QuernLoadParams small = { .context_size = 256 }, large = { .context_size = 1024 };
  QuernLoadParams private = { .context_size = 256, .private_context = TRUE };
  g_autoptr (QuernLoadedModel) one = load (backend, model, &small, NULL);
  g_autoptr (QuernLoadedModel) two = load (backend, model, &large, NULL);
  g_autoptr (QuernLoadedModel) three = load (backend, model, &private, NULL);

  g_assert_true (one != two && one != three);
  g_autoptr (QuernLoadedModel) found_small = quern_backend_find_loaded (QUERN_BACKEND (backend), model, &small);
  g_autoptr (QuernLoadedModel) found_large = quern_backend_find_loaded (QUERN_BACKEND (backend), model, &large);
  g_assert_true (found_small == one);
  g_assert_true (found_large == two);
  quern_local_backend_unload_all (backend);
  g_assert_null (quern_backend_find_loaded (QUERN_BACKEND (backend), model, &small));
}

/* Asks, lets the model go, loads it again; what was read of the same question then. */
static guint
reused_after_reload (gboolean keep, gboolean forget)
{
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  QuernLoadParams params = { .context_size = 512 };
  guint reused = 0;

  for (int round = 0; round < 2; round++) {
    g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
    g_autoptr (QuernLoadedModel) context = NULL;
    g_autoptr (QuernRequest) ask = request ("What is the capital of France?", 0);
    g_autoptr (QuernGeneration) generation = NULL;
    quern_local_backend_set_keep_state (backend, keep);
    context = load (backend, model, &params, NULL);
    generation = quern_loaded_model_generate (context, ask);
    test_wait (is_done, generation);
    g_assert_cmpint (quern_generation_get_stop (generation), ==, QUERN_STOP_END);
    reused = quern_generation_get_statistics (generation)->reused_tokens;
    if (forget)
      quern_local_backend_forget_states (backend);
  }
  return reused;
}

/* A model that is loaded again goes on from what it had read, if that is wanted and was not erased. */
static void
test_keep_state (void)
{
  g_assert_cmpuint (reused_after_reload (FALSE, FALSE), ==, 0);
  g_assert_cmpuint (reused_after_reload (TRUE, TRUE), ==, 0);
  g_assert_cmpuint (reused_after_reload (TRUE, FALSE), >, 10);
}

/* A context that no machine has memory for is refused before anything is allocated, with one that would fit. */
static void
test_memory (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  g_autoptr (GError) error = NULL;
  QuernLoadParams params = { .context_size = 4000000000u };

  g_assert_null (load (backend, model, &params, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "would fit"));
  g_assert_cmpuint (quern_backend_get_largest_context (QUERN_BACKEND (backend), model, QUERN_KV_F16), ==,
                    2048); /* what it was trained for */
}

static gboolean
loads_within (QuernModel *model, guint64 bytes, GError **error)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autofree char *limit = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);
  QuernLoadParams params = { .context_size = 512 };

  g_setenv ("QUERN_MEMORY", limit, TRUE);
  g_autoptr (QuernLoadedModel) context = load (backend, model, &params, error);
  g_unsetenv ("QUERN_MEMORY");
  return context != NULL;
}

/* What the plan says is enough, a sketch of the head less is too, and less than that is refused. */
static void
test_tight_memory (void)
{
  g_autoptr (QuernModel) model = tiny ("quern-tiny-F16.gguf");
  g_autoptr (GError) error = NULL;
  guint64 sketch = quern_model_get_info (model)->sketch_bytes;
  QuernMemoryPlan plan;

  g_assert_cmpuint (sketch, >, 0);
  quern_model_plan (model, 512, QUERN_KV_F16, &plan);
  g_assert_true (loads_within (model, plan.total, &error));
  g_assert_true (loads_within (model, plan.total - sketch, &error));
  g_assert_no_error (error);
  g_assert_false (loads_within (model, plan.total - sketch - 1, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY);
}

static void
test_cancelled_load (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernLoadParams params = { .context_size = 256 };

  g_cancellable_cancel (cancellable);
  quern_backend_load_async (QUERN_BACKEND (backend), model, &params, NULL, NULL, cancellable, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_null (quern_backend_load_finish (QUERN_BACKEND (backend), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The file goes between the library's look and the loading. */
static void
test_file_gone (void)
{
  g_autofree char *folder = test_folder ();
  g_autofree char *path = g_build_filename (folder, "model.gguf", NULL);
  g_autofree char *tiny_path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q2_K.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_get_contents (tiny_path, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
  model = quern_model_new (path, NULL, NULL);
  g_unlink (path);
  g_assert_null (load (backend, model, &(QuernLoadParams) { .context_size = 256 }, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_DAMAGED);
  test_remove_folder (folder);
}

static void
test_full_context (void)
{
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autoptr (QuernModel) model = tiny ("quern-tiny-Q8_0.gguf");
  g_autoptr (QuernLoadedModel) context = load (backend, model, &(QuernLoadParams) { .context_size = 32 }, NULL);
  g_autofree char *long_text = g_strnfill (500, 'q');
  g_autoptr (QuernRequest) too_long = request (long_text, 0);
  g_autoptr (QuernRequest) babble = request ("Hello!", 9);
  g_autoptr (QuernGeneration) refused = quern_loaded_model_generate (context, too_long);
  g_autoptr (QuernGeneration) cut = quern_loaded_model_generate (context, babble);

  test_wait (is_done, refused);
  test_wait (is_done, cut);
  g_assert_cmpint (quern_generation_get_stop (refused), ==, QUERN_STOP_FAILED);
  g_assert_error (quern_generation_get_error (refused), QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_CONTEXT_FULL);
  g_assert_cmpint (quern_generation_get_stop (cut), ==, QUERN_STOP_CONTEXT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/engine/queue", test_queue);
  g_test_add_func ("/engine/stop-queued", test_stop_queued);
  g_test_add_func ("/engine/contexts", test_contexts);
  g_test_add_func ("/engine/memory", test_memory);
  g_test_add_func ("/engine/tight-memory", test_tight_memory);
  g_test_add_func ("/engine/keep-state", test_keep_state);
  g_test_add_func ("/engine/cancelled-load", test_cancelled_load);
  g_test_add_func ("/engine/file-gone", test_file_gone);
  g_test_add_func ("/engine/full-context", test_full_context);
  return g_test_run ();
}
