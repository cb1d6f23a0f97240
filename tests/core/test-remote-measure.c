/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Measurements with a model on a server. The simulated vLLM works its probabilities out with Quern Tiny, so that it is known
 * what has to come of them; then it lies. */

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "quern-comparison-json.h"
#include "quern-comparison-report.h"
#include "quern-json-util.h"
#include "quern-measure-figures.h"
#include "quern-measure-llama.h"
#include "quern-measure-meaning.h"
#include "quern-model-card.h"
#include "quern-open-file.h"
#include "quern-pareto.h"
#include "quern-remote-backend.h"
#include "quern-sample-text.h"
#include "quern-verdict.h"
#include "test-remote-util.h"

#define TEXT "The miller sleeps badly in spring, and the mill stands still."

/* ---- the simulated server --------------------------------------------------------------------------------------- */

typedef struct {
  QuernTestServer *server;
  QuernModel *model; /* what answers */
  QuernLoadedModel *loaded;
  QuernOpenFile *file;
  guint n_vocab;
  /* What is done to an answer that is right; NULL: nothing. */
  void (*spoil) (JsonArray *entries);
  const char *body;  /* the answer, whatever is asked; NULL: the right one */
  const char *words; /* the text that tokens are said to be; NULL: the right one */
} Rack;

static QuernModel *
tiny (const char *quantisation)
{
  g_autofree char *name = g_strdup_printf ("quern-tiny-%s.gguf", quantisation);
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL);
  g_autoptr (GError) error = NULL;
  QuernModel *model = quern_model_new (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static GArray *
tokens_of (JsonArray *array)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (gint32));

  for (guint i = 0; i < json_array_get_length (array); i++) {
    gint32 token = (gint32) json_array_get_int_element (array, i);
    g_array_append_val (tokens, token);
  }
  return tokens;
}

typedef struct {
  const Rack *rack;
  const GArray *tokens;
  guint top;
  JsonArray *entries;
} Told;

static void
add_token (JsonObject *entry, gint32 id, double ln_p, guint rank)
{
  g_autofree char *name = g_strdup_printf ("%d", id);
  JsonObject *told = json_object_new ();

  json_object_set_double_member (told, "logprob", ln_p);
  json_object_set_int_member (told, "rank", rank);
  json_object_set_string_member (told, "decoded_token", "?");
  json_object_set_object_member (entry, name, told);
}

/* As vLLM tells a row: the text's own token first, then the likeliest. */
static gboolean
tell_row_cb (gpointer data, guint row, const float *logits)
{
  Told *t = data;
  const guint n = t->rack->n_vocab;
  double lse = quern_log_sum_exp (logits, n);
  gint32 own = g_array_index (t->tokens, gint32, row + 1);
  g_autofree QuernCandidate *top = g_new (QuernCandidate, t->top);
  JsonObject *entry = json_object_new ();
  guint rank = 1;

  for (guint i = 0; i < n; i++)
    rank += logits[i] > logits[own];
  add_token (entry, own, logits[own] - lse, rank);
  quern_top_candidates (logits, n, lse, top, t->top);
  for (guint i = 0; i < t->top; i++)
    add_token (entry, top[i].id, logits[top[i].id] - lse, i + 1);
  json_array_add_object_element (t->entries, entry);
  return TRUE;
}

static gboolean
never_stopped (gpointer data)
{
  return FALSE;
}

static char *
complete_cb (const char *body, gpointer data)
{
  Rack *rack = data;
  g_autoptr (JsonNode) node = json_from_string (body, NULL), root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *request = json_node_get_object (node), *reply = json_object_new (), *choice = json_object_new ();
  JsonArray *choices = json_array_new (), *entries = json_array_new ();
  g_autoptr (GArray) tokens = tokens_of (json_object_get_array_member (request, "prompt"));
  Told told = { rack, tokens, (guint) json_object_get_int_member (request, "prompt_logprobs"), entries };
  const QuernScoring scoring = { .tokens = (const gint32 *) (gconstpointer) tokens->data,
                                 .n = tokens->len - 1,
                                 .row = tell_row_cb,
                                 .stopped = never_stopped,
                                 .data = &told };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (json_object_get_int_member (request, "max_tokens"), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (request, "model"), ==, "Qwen/Qwen3.5-122B-A10B");
  json_array_add_null_element (entries);
  g_assert_true (quern_loaded_model_score_sync (rack->loaded, &scoring, &error));
  g_assert_no_error (error);
  if (rack->spoil != NULL)
    rack->spoil (entries);
  json_object_set_int_member (choice, "index", 0);
  json_object_set_string_member (choice, "text", "x");
  json_object_set_array_member (choice, "prompt_logprobs", entries);
  json_array_add_object_element (choices, choice);
  json_object_set_string_member (reply, "object", "text_completion");
  json_object_set_array_member (reply, "choices", choices);
  json_node_take_object (root, reply);
  return rack->body != NULL ? g_strdup (rack->body) : json_to_string (root, FALSE);
}

static char *
detokenise_cb (const char *body, gpointer data)
{
  Rack *rack = data;
  g_autoptr (JsonNode) node = json_from_string (body, NULL), root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GArray) tokens = tokens_of (json_object_get_array_member (json_node_get_object (node), "tokens"));
  g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GString) text = g_string_new (NULL);
  JsonObject *reply = json_object_new ();

  quern_open_file_decode (rack->file, tokens, text, ends);
  json_object_set_string_member (reply, "prompt", rack->words != NULL ? rack->words : text->str);
  json_node_take_object (root, reply);
  return json_to_string (root, FALSE);
}

/* A vLLM that answers with a quantisation of Quern Tiny. */
static Rack *
rack_new (Fixture *f, const char *quantisation)
{
  Rack *rack = g_new0 (Rack, 1);
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (GError) error = NULL;

  rack->model = tiny (quantisation);
  rack->file = quern_open_file_new (rack->model, &error);
  g_assert_no_error (error);
  quern_open_file_get_vocabulary (rack->file, &rack->n_vocab);
  rack->loaded = quern_backend_load_sync (backend, rack->model,
                                          &(const QuernLoadParams) { .context_size = 512,
                                                                     .private_context = TRUE,
                                                                     .no_drafts = TRUE,
                                                                     .no_checkpoints = TRUE,
                                                                     .no_sketch = TRUE },
                                          NULL, &error);
  g_assert_no_error (error);
  rack->server = quern_test_server_new ("vllm", FALSE);
  quern_test_server_set_responder (rack->server, "/v1/completions", complete_cb, rack);
  quern_test_server_set_responder (rack->server, "/detokenize", detokenise_cb, rack);
  if (f != NULL)
    add_server (f, quern_test_server_get_address (rack->server), "Rack");
  return rack;
}

static void
rack_free (Rack *rack)
{
  quern_test_server_free (rack->server);
  g_object_unref (rack->loaded);
  g_object_unref (rack->file);
  g_object_unref (rack->model);
  g_free (rack);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rack, rack_free)

/* ---- measuring --------------------------------------------------------------------------------------------------- */

/* Measures the models up to NULL, the reference first. */
static QuernMeasure *
measure_new (const char *text, ...)
{
  QuernMeasure *measure = quern_measure_new ();
  va_list models;

  va_start (models, text);
  for (QuernModel *model = va_arg (models, QuernModel *); model != NULL; model = va_arg (models, QuernModel *))
    quern_measure_add_model (measure, model, QUERN_KV_F16);
  va_end (models);
  quern_measure_add_text (measure, text);
  return measure;
}

static gboolean
measure_run (Fixture *f, QuernMeasure *measure, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_measure_run_async (measure, f->backend, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_measure_run_finish (measure, result, error);
}

static const QuernDivergenceSummary *
summary_of (QuernMeasure *measure, guint i)
{
  return quern_measured_get_summary (quern_measure_get_result (measure, i));
}

static void
assert_near (double a, double b, double most)
{
  if (!(fabs (a - b) <= most))
    g_error ("%.17g is not near %.17g", a, b);
}

/* The same weights here and there are the same model: whichever of them is the reference, and over several windows. */
static void
test_same (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) here = tiny ("Q8_0");

  for (guint first = 0; first < 2; first++) {
    QuernModel *there = model_of (f, "Rack");
    g_autoptr (QuernMeasure)
        measure = measure_new (quern_sample_text (), first == 0 ? here : there, first == 0 ? there : here, NULL);
    g_autoptr (GError) error = NULL;

    quern_measure_set_context_size (measure, 128);
    g_assert_true (measure_run (f, measure, &error));
    g_assert_no_error (error);
    g_assert_true (quern_measure_get_complete (measure));
    g_assert_cmpuint (quern_measure_get_n_windows (measure), >, 2);
    g_assert_true (quern_measure_get_top_only (measure));
    g_assert_cmpuint (quern_measure_get_top (measure), ==, QUERN_MEASURE_SERVED_TOP);
    assert_near (summary_of (measure, 1)->kld_max, 0, 1e-9);
    assert_near (summary_of (measure, 1)->ppl_ratio, 1, 1e-9);
    g_assert_cmpfloat (summary_of (measure, 1)->same_top, ==, 1);
    assert_near (quern_measure_get_noise_floor (measure), 0, 1e-9);
    assert_has (quern_measure_get_note (measure), "likeliest 20 tokens alone");
  }
}

/* Against a reference on a server, models here diverge exactly as they do over the top tokens of the same reference here; a
 * model on a server diverges no more than it would if all of it were told. */
static void
test_top (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) best = tiny ("Q8_0"), worse = tiny ("Q2_K");
  QuernModel *there = model_of (f, "Rack");
  g_autoptr (QuernMeasure) here = measure_new (TEXT, best, worse, NULL), far = measure_new (TEXT, there, worse, NULL),
                           back = measure_new (TEXT, worse, there, NULL), whole = measure_new (TEXT, worse, best, NULL);
  QuernMeasure *all[] = { here, far, back, whole };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    quern_measure_set_top (all[i], 8);
    g_assert_true (measure_run (f, all[i], &error));
    g_assert_no_error (error);
  }
  g_assert_false (quern_measure_get_top_only (here));
  g_assert_cmpfloat (summary_of (far, 1)->kld_mean, >, 0.01);
  assert_near (summary_of (far, 1)->kld_mean, summary_of (here, 1)->kld_top_mean, 1e-7);
  assert_near (summary_of (far, 1)->perplexity, summary_of (here, 1)->perplexity, 1e-3);
  assert_near (summary_of (far, 1)->delta_p_rms, summary_of (here, 1)->delta_p_rms, 1e-7);
  assert_near (summary_of (far, 1)->same_top, summary_of (here, 1)->same_top, 0);
  g_assert_true (isnan (summary_of (far, 1)->kld_top_mean));
  g_assert_cmpfloat (summary_of (back, 1)->kld_mean, >, 0.01);
  g_assert_cmpfloat (summary_of (back, 1)->kld_mean, <=, summary_of (whole, 1)->kld_top_mean + 1e-7);
  g_assert_cmpfloat (summary_of (whole, 1)->kld_top_mean, <, summary_of (whole, 1)->kld_mean);
  assert_near (summary_of (back, 1)->same_top, summary_of (whole, 1)->same_top, 0);
  /* Of every position the five likeliest tokens are known on both sides. */
  for (guint i = 0; i < quern_measured_get_n_positions (quern_measure_get_result (back, 1)); i++) {
    const QuernDivergence *a = quern_measured_get_position (quern_measure_get_result (back, 1), i);
    const QuernDivergence *b = quern_measured_get_position (quern_measure_get_result (whole, 1), i);

    for (guint k = 0; k < QUERN_DIVERGENCE_TOP; k++) {
      g_assert_cmpint (a->top[k].id, ==, b->top[k].id);
      g_assert_cmpint (a->top_reference[k].id, ==, b->top_reference[k].id);
    }
    assert_near (a->nll, b->nll, 1e-6);
  }
}

/* Wherever the divergence is shown, it is said that it is over so many tokens; kept and read again, too. */
static void
test_marked (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) best = tiny ("Q8_0"), worse = tiny ("Q2_K");
  g_autoptr (QuernMeasure) measure = measure_new (TEXT, best, worse, model_of (f, "Rack"), NULL);
  g_autoptr (QuernComparison) comparison = quern_comparison_new (), restored = NULL;
  g_autofree char *json = NULL, *html = NULL, *markdown = NULL, *card = NULL, *sentence = NULL, *meaning = NULL,
                  *block = NULL;
  g_autoptr (GArray) points = NULL;
  g_autoptr (GPtrArray) figures = NULL;
  g_autoptr (GError) error = NULL;
  QuernMeasure *read;

  g_assert_true (measure_run (f, measure, &error));
  g_assert_no_error (error);
  figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_WINDOW, FALSE);
  for (guint i = 0; i < figures->len; i++) {
    g_autofree char *heading = quern_measure_figure_dup_heading (figures->pdata[i], measure, QUERN_MEASURE_IN_WINDOW);

    g_assert_cmpstr (heading, !=, "Divergence");
    g_assert_cmpstr (heading, !=, "99.9 %");
  }
  sentence = quern_verdict_dup_sentence (measure, 1);
  assert_has (sentence, "likeliest 20 tokens alone");
  meaning = quern_measure_dup_meaning (measure, 1);
  assert_lacks (meaning, "nearly certain");
  card = quern_model_card_dup_markdown (measure);
  assert_has (card, "Mean KLD (top 20)");
  assert_has (card, "over the likeliest 20 tokens of the reference");
  assert_lacks (card, "whole vocabulary");
  block = quern_measure_dup_llama_block (measure, 1);
  assert_has (block, "KL divergence statistics (top 20 tokens)");
  points = quern_pareto_new (&measure, 1, FALSE, QUERN_PARETO_MEAN); /* the model there has no size */
  g_assert_cmpuint (points->len, ==, 2);
  quern_comparison_set_measure (comparison, measure);
  html = quern_comparison_to_html (comparison);
  markdown = quern_comparison_to_markdown (comparison);
  assert_has (html, "Mean KL divergence, top 20 tokens");
  assert_has (html, "mean divergence, top 20 tokens");
  assert_has (markdown, "Mean KL divergence, top 20 tokens");
  assert_lacks (markdown, "| Mean KL divergence |");
  json = quern_comparison_to_json (comparison);
  assert_has (json, "\"kl_divergence_top_mean\"");
  assert_lacks (json, "\"kl_divergence_mean\"");
  restored = quern_comparison_new_from_json (json, -1, G_LIST_MODEL (f->library), &error);
  g_assert_no_error (error);
  read = quern_comparison_get_measure (restored);
  g_assert_true (quern_measure_get_top_only (read));
  g_assert_cmpuint (quern_measure_get_top (read), ==, 20);
  assert_near (summary_of (read, 1)->kld_mean, summary_of (measure, 1)->kld_mean, 1e-9);
  g_assert_true (quern_measured_get_model (quern_measure_get_result (read, 2)) == model_of (f, "Rack"));
}

/* ---- servers that answer wrongly --------------------------------------------------------------------------------- */

static JsonObject *
last_entry (JsonArray *entries)
{
  return json_array_get_object_element (entries, json_array_get_length (entries) - 1);
}

/* One of the likeliest tokens. */
static JsonObject *
some_token (JsonArray *entries)
{
  g_autoptr (GList) names = json_object_get_members (last_entry (entries));

  return json_object_get_object_member (last_entry (entries), g_list_last (names)->data);
}

static void
spoil_length (JsonArray *entries)
{
  json_array_remove_element (entries, 1);
}

static void
spoil_null (JsonArray *entries)
{
  json_array_remove_element (entries, json_array_get_length (entries) - 1);
  json_array_add_null_element (entries);
}

static void
spoil_own (JsonArray *entries)
{
  g_autoptr (GList) names = json_object_get_members (last_entry (entries));

  json_object_remove_member (last_entry (entries), names->data); /* the text's own comes first */
}

static void
spoil_missing (JsonArray *entries)
{
  g_autoptr (GList) names = json_object_get_members (last_entry (entries));

  for (GList *name = g_list_nth (names, 5); name != NULL; name = name->next)
    json_object_remove_member (last_entry (entries), name->data);
}

static void
spoil_positive (JsonArray *entries)
{
  json_object_set_double_member (some_token (entries), "logprob", 3);
}

static void
spoil_type (JsonArray *entries)
{
  json_object_set_string_member (some_token (entries), "logprob", "-1.5");
}

static void
spoil_rank (JsonArray *entries)
{
  json_object_set_int_member (some_token (entries), "rank", -4);
}

static void
spoil_order (JsonArray *entries)
{
  json_object_set_double_member (some_token (entries), "logprob", -0.0001);
}

static void
spoil_name (JsonArray *entries)
{
  json_object_set_object_member (last_entry (entries), "99999999999999999999", json_object_new ());
}

static void
spoil_sum (JsonArray *entries)
{
  JsonObject *entry = last_entry (entries);
  g_autoptr (GList) names = json_object_get_members (entry);

  for (GList *name = names; name != NULL; name = name->next)
    json_object_set_double_member (json_object_get_object_member (entry, name->data), "logprob", -0.1);
}

static void
spoil_kind (JsonArray *entries)
{
  json_array_remove_element (entries, json_array_get_length (entries) - 1);
  json_array_add_int_element (entries, 7);
}

static const struct {
  const char *name;
  void (*spoil) (JsonArray *entries);
  const char *body;
  const char *words; /* of what went wrong */
} faults[] = {
  { "length", spoil_length, NULL, "their number is not that of the tokens" },
  { "null", spoil_null, NULL, "some tokens are missing" },
  { "own", spoil_own, NULL, "some tokens are missing" },
  { "missing", spoil_missing, NULL, "some tokens are missing" },
  { "positive", spoil_positive, NULL, "makes no sense" },
  { "type", spoil_type, NULL, "makes no sense" },
  { "rank", spoil_rank, NULL, "makes no sense" },
  { "order", spoil_order, NULL, "the likeliest tokens are not those" },
  { "name", spoil_name, NULL, "makes no sense" },
  { "sum", spoil_sum, NULL, "add up to more than 1" },
  { "kind", spoil_kind, NULL, "some tokens are missing" },
  { "none", NULL, "{\"choices\":[{\"prompt_logprobs\":null}]}", "there are none" },
  { "no-choices", NULL, "{\"choices\":{}}", "there are none" },
  { "empty", NULL, "{}", "there are none" },
  { "array", NULL, "[]", "not JSON" },
  { "page", NULL, "<html>Welcome</html>", "not JSON" },
  { "half", NULL, "{\"choices\":[{\"prompt_logprobs\":[null,{\"1\":{\"logprob\":-1", "not JSON" },
};

/* Nothing of a window with a fault counts, nothing crashes, and the sentence names the server and what is wrong. */
static void
test_faults (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) here = tiny ("Q8_0");

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autoptr (QuernMeasure) measure = measure_new (TEXT, here, model_of (f, "Rack"), NULL);
    g_autoptr (GError) error = NULL;

    rack->spoil = faults[i].spoil;
    rack->body = faults[i].body;
    g_assert_false (measure_run (f, measure, &error));
    g_test_message ("%s: %s", faults[i].name, error->message);
    g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ANSWER);
    assert_has (error->message, "127.0.0.1");
    assert_has (error->message, faults[i].words);
    g_assert_false (quern_measure_get_complete (measure));
    g_assert_cmpuint (quern_measured_get_n_positions (quern_measure_get_result (measure, 1)), ==, 0);
    /* What failed goes on when the server is well again. */
    rack->spoil = NULL;
    rack->body = NULL;
    g_assert_true (measure_run (f, measure, NULL));
    g_assert_true (quern_measure_get_complete (measure));
  }
}

/* A connection that is cut, and a limit that the server was started with. */
static void
test_refusals (Fixture *f, gconstpointer data)
{
  static const char limit[] =
      "{\"error\":{\"message\":\"Requested prompt logprobs of 40, which is greater than max allowed: "
      "20\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}";
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernTestServer) strict = new_server (f, "vllm", "Strict");
  g_autoptr (QuernModel) here = tiny ("Q8_0");
  g_autoptr (QuernMeasure) measure = measure_new (TEXT, here, model_of (f, "Rack"), NULL),
                           limited = measure_new (TEXT, here, model_of (f, "Strict"), NULL);
  g_autoptr (GError) error = NULL;

  quern_test_server_set_pace (rack->server, &(const QuernTestPace) { .cut_after = 30 });
  g_assert_false (measure_run (f, measure, &error));
  g_assert_cmpint (error->domain, ==, QUERN_SERVER_ERROR);
  assert_has (error->message, "127.0.0.1");
  g_clear_error (&error);
  quern_test_server_set_pace (rack->server, &(const QuernTestPace) { 0 });
  g_assert_true (measure_run (f, measure, &error));
  quern_test_server_set_responder (strict, "/detokenize", detokenise_cb, rack);
  quern_test_server_add_reply (strict, &(const QuernTestReply) { .path = "/v1/completions",
                                                                 .status = 400,
                                                                 .type = "application/json",
                                                                 .body = limit });
  quern_measure_set_top (limited, 40);
  g_assert_false (measure_run (f, limited, &error));
  assert_has (error->message, "max allowed: 20");
}

/* Other tokens, and only models elsewhere: said in words. */
static void
test_tokens (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) here = tiny ("Q8_0");
  g_autoptr (QuernMeasure) measure = measure_new (TEXT, here, model_of (f, "Rack"), NULL),
                           apart = measure_new (TEXT, model_of (f, "Rack"), NULL);
  g_autoptr (GError) error = NULL;

  rack->words = "The miller weeps";
  g_assert_false (measure_run (f, measure, &error));
  g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNSUPPORTED);
  assert_has (error->message, "has other tokens than the models on this computer");
  g_assert_cmpuint (quern_test_server_count (rack->server, "/v1/completions"), ==, 0);
  g_clear_error (&error);
  rack->words = NULL;
  g_assert_false (measure_run (f, apart, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED);
  assert_has (error->message, "Add one that is on this computer");
}

static gboolean
stop_cb (gpointer measure)
{
  quern_measure_stop (measure);
  return G_SOURCE_REMOVE;
}

/* Waiting for a server ends when the measurement is stopped, and the request with it. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (f, "Q8_0");
  g_autoptr (QuernModel) here = tiny ("Q8_0");
  g_autoptr (QuernMeasure) measure = measure_new (TEXT, here, model_of (f, "Rack"), NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_test_server_set_pace (rack->server, &(const QuernTestPace) { .stall_after = 5 });
  quern_measure_run_async (measure, f->backend, NULL, test_result_cb, &result);
  while (quern_test_server_count (rack->server, "/detokenize") == 0)
    g_main_context_iteration (NULL, FALSE);
  g_idle_add (stop_cb, measure);
  test_wait_result (&result);
  g_assert_false (quern_measure_run_finish (measure, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static int
run (Fixture *f, char **output, char **errors, ...)
{
  va_list list;
  int code;

  va_start (list, errors);
  code = test_run_cli (f->folder, NULL, list, output, errors);
  va_end (list);
  return code;
}

static void
test_cli (Fixture *f, gconstpointer data)
{
  g_autoptr (Rack) rack = rack_new (NULL, "Q8_0");
  g_autofree char *text = g_build_filename (f->folder, "text", NULL), *output = NULL, *errors = NULL;
  g_autofree char *file = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q2_K.gguf", NULL);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  g_assert_true (g_file_set_contents (text, TEXT, -1, NULL));
  g_assert_cmpint (run (f, &output, &errors, "servers", "add", "--name", "Rack",
                        quern_test_server_get_address (rack->server), NULL),
                   ==, 0);
  g_assert_cmpint (run (f, &output, &errors, "eval", "-m", file, "--reference", "Rack/Qwen/Qwen3.5-122B-A10B", "--text",
                        text, NULL),
                   ==, 0);
  assert_has (output, "Mean KL divergence, top 20 tokens ");
  assert_has (output, "How precise it is, its server does not tell.");
  assert_has (errors, "likeliest 20 tokens alone");
  g_assert_cmpint (run (f, &output, &errors, "eval", "-m", "Rack/Qwen/Qwen3.5-122B-A10B", "--reference", file, "--top",
                        "5", "--text", text, "--json", NULL),
                   ==, 0);
  node = json_from_string (output, NULL);
  object = json_node_get_object (node);
  g_assert_false (json_object_has_member (object, "kl_divergence"));
  g_assert_cmpfloat (quern_json_double (quern_json_object (object, "kl_divergence_top"), "mean", 0), >, 0.01);
  g_assert_true (json_object_get_boolean_member (object, "top_only"));
  g_assert_cmpint (quern_json_int (object, "top", 0), ==, 5);
  assert_has (quern_json_string (object, "note", ""), "likeliest 5 tokens alone");
  assert_has (quern_json_string (object, "model", ""), "/Qwen/Qwen3.5-122B-A10B");
}

int
main (int argc, char **argv)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/remote-measure/" name, Fixture, NULL, setup, function, teardown)
  ADD ("same", test_same);
  ADD ("top", test_top);
  ADD ("marked", test_marked);
  ADD ("faults", test_faults);
  ADD ("refusals", test_refusals);
  ADD ("tokens", test_tokens);
  ADD ("stop", test_stop);
  ADD ("cli", test_cli);
  return g_test_run ();
}
