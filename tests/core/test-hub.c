/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Search, repositories, their quantisations, headers, the cache and the token's way, against the test hub. */

#include "config.h"

#include "quern-hub-offer.h"
#include "quern-hub-repo.h"
#include "quern-hub-search.h"
#include "quern-hub-fixture.h"
#include "test-util.h"

#include <string.h>

#define REPO "quern/Tiny-GGUF"

typedef struct {
  QuernHubFixture base;
  QuernHub *client;
} Fixture;

static void
copy_tiny (Fixture *f, const char *name)
{
  g_autofree char *from = g_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL), *data = NULL;
  g_autofree char *to = g_build_filename (f->base.files, REPO, name, NULL), *folder = g_path_get_dirname (to);
  gsize size;

  g_mkdir_with_parents (folder, 0755);
  g_assert_true (g_file_get_contents (from, &data, &size, NULL));
  g_assert_true (g_file_set_contents (to, data, size, NULL));
}

static void
setup (Fixture *f, gconstpointer data)
{
  quern_hub_fixture_setup (&f->base, data);
  copy_tiny (f, "quern-tiny-Q2_K.gguf");
  copy_tiny (f, "quern-tiny-Q8_0.gguf");
  copy_tiny (f, "mmproj-quern-tiny-F16.gguf");
  quern_hub_fixture_text (&f->base, REPO, "README.md", "---\nlicense: gpl-3.0\n---\n# Quern Tiny\n\nSmall.\n");
  quern_hub_fixture_text (&f->base, REPO, "hub.json",
                          "{\"downloads\": 500, \"likes\": 7, \"license\": \"gpl-3.0\", \"architecture\": \"qwen35\","
                          " \"parameters\": 3160000}");
  quern_test_hub_rescan (f->base.hub);
  f->client = quern_hub_new ();
  quern_hub_set_endpoint (f->client, quern_test_hub_get_endpoint (f->base.hub));
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->client);
  quern_hub_fixture_clear (&f->base, data);
}

static void
add_fault (Fixture *f, QuernFaultKind kind, const char *path, guint64 after, guint64 value, guint times)
{
  const QuernFault fault = { kind, path, after, value, times };

  quern_test_hub_add_fault (f->base.hub, &fault);
}

static QuernHubRepo *
load (Fixture *f, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_hub_load_repo_async (f->client, id, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  return quern_hub_load_repo_finish (f->client, result, error);
}

/* ---- search ---------------------------------------------------------------------------------------------------- */

static void
add_many (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *repo = g_strdup_printf ("many/Model-%03u-GGUF", i);
    g_autofree char *settings = g_strdup_printf ("{\"downloads\": %u, \"architecture\": \"%s\"}", 1000 - i,
                                                 i % 2 ? "qwen35" : "llama");

    quern_hub_fixture_text (&f->base, repo, "hub.json", settings);
    quern_hub_fixture_add (&f->base, repo, "x-Q4_0.gguf", 100, i);
  }
  quern_test_hub_rescan (f->base.hub);
}

static QuernHubSearch *
search (Fixture *f, const char *text)
{
  QuernHubSearch *found = quern_hub_search_new (f->client);

  quern_hub_search_set_text (found, text);
  g_assert_cmpint (quern_hub_search_get_state (found), ==, QUERN_HUB_SEARCH_LOADING);
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  return found;
}

static void
test_search_pages (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubSearch) found = NULL;
  g_autoptr (QuernHubRepo) first = NULL, second = NULL;

  add_many (f, 65);
  found = search (f, "model");
  g_assert_cmpint (quern_hub_search_get_state (found), ==, QUERN_HUB_SEARCH_READY);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (found)), ==, 30);
  g_assert_true (quern_hub_search_get_has_more (found));
  quern_hub_search_load_more (found);
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  quern_hub_search_load_more (found);
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (found)), ==, 65);
  g_assert_false (quern_hub_search_get_has_more (found));
  first = g_list_model_get_item (G_LIST_MODEL (found), 0);
  second = g_list_model_get_item (G_LIST_MODEL (found), 1);
  g_assert_cmpstr (quern_hub_repo_get_id (first), ==, "many/Model-000-GGUF");
  g_assert_cmpint (quern_hub_repo_get_downloads (first), ==, 1000);
  g_assert_cmpint (quern_hub_repo_get_support (first), ==, QUERN_HUB_SUPPORT_NO);
  g_assert_cmpint (quern_hub_repo_get_support (second), ==, QUERN_HUB_SUPPORT_YES);
}

static void
test_search_offline (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubSearch) online = search (f, "tiny"), offline = NULL, unknown = NULL;

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (online)), ==, 1);
  add_fault (f, QUERN_FAULT_STATUS, "/api/", 0, 503, 0);
  offline = search (f, "tiny");
  g_assert_cmpint (quern_hub_search_get_state (offline), ==, QUERN_HUB_SEARCH_STALE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (offline)), ==, 1);
  g_assert_cmpint (quern_hub_search_get_fetched (offline), >, 0);
  unknown = search (f, "never asked before");
  g_assert_cmpint (quern_hub_search_get_state (unknown), ==, QUERN_HUB_SEARCH_FAILED);
  g_assert_nonnull (quern_hub_search_get_message (unknown));
}

static void
count_changes_cb (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  *(guint *) data += removed + added;
}

/* Rows that somebody looks at are replaced only when the hub has something else to say. */
static void
test_search_again_keeps_rows (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubSearch) found = NULL;
  guint changes = 0;

  add_many (f, 5);
  found = search (f, "model");
  g_signal_connect (found, "items-changed", G_CALLBACK (count_changes_cb), &changes);
  quern_hub_search_set_text (found, "Model-");
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (found)), ==, 5);
  g_assert_cmpuint (changes, ==, 0);
  quern_hub_fixture_text (&f->base, "many/Model-002-GGUF", "hub.json",
                          "{\"downloads\": 998, \"architecture\": \"qwen35\"}");
  quern_test_hub_rescan (f->base.hub);
  quern_hub_search_set_text (found, "model");
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  g_assert_cmpuint (changes, ==, 2); /* one went, one came */
}

static void
test_search_stale_answer_is_dropped (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubSearch) found = quern_hub_search_new (f->client);

  add_many (f, 3);
  quern_hub_search_set_text (found, "model");
  quern_hub_search_set_text (found, "tiny");
  TEST_WAIT_UNTIL (quern_hub_search_get_state (found) != QUERN_HUB_SEARCH_LOADING);
  for (guint i = 0; i < 50; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (2000);
  }
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (found)), ==, 1);
}

/* ---- one repository -------------------------------------------------------------------------------------------- */

static void
test_details (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = load (f, REPO, &error);
  g_autoptr (QuernHubItem) small = NULL, named = NULL;
  g_autofree char *sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "quern-tiny-Q2_K.gguf");

  g_assert_no_error (error);
  g_assert_cmpstr (quern_hub_repo_get_license (repo), ==, "gpl-3.0");
  g_assert_cmpuint (strlen (quern_hub_repo_get_revision (repo)), ==, 40);
  g_assert_cmpuint (g_list_model_get_n_items (quern_hub_repo_get_items (repo)), ==, 2);
  small = g_list_model_get_item (quern_hub_repo_get_items (repo), 0);
  g_assert_cmpstr (quern_hub_item_get_label (small), ==, "Q2_K");
  g_assert_cmpuint (quern_hub_item_get_bytes (small), ==, 1501792);
  g_assert_cmpuint (quern_hub_item_get_vision_bytes (small), ==, 2518496);
  g_assert_cmpstr (quern_hub_item_get_file (small, 0)->sha256, ==, sha256);
  g_assert_cmpfloat_with_epsilon (quern_hub_item_get_bits_per_weight (small), 8.0 * 1501792 / 3160000, 1e-9);
  named = quern_hub_repo_find_item (repo, "q8_0");
  g_assert_cmpuint (quern_hub_item_get_bytes (named), ==, 3452832);
}

static void
test_probe (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubRepo) repo = load (f, REPO, NULL);
  g_autoptr (QuernHubItem) item = quern_hub_repo_find_item (repo, "Q8_0");
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q8_0.gguf", NULL);
  QeModelInfo local;
  guint64 cost;

  g_assert_cmpint (qe_model_probe (path, &local, NULL), ==, QE_OK);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    quern_hub_probe_async (f->client, repo, item, NULL, test_result_cb, &result);
    TEST_WAIT_UNTIL (result != NULL);
    g_assert_true (quern_hub_probe_finish (f->client, result, &error));
    g_assert_no_error (error);
    if (i == 0)
      cost = quern_test_hub_content_bytes (f->base.hub);
    else
      g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), ==, cost); /* remembered */
  }
  g_assert_cmpuint (quern_hub_item_get_info (item)->parameters, ==, local.parameters);
  g_assert_cmpuint (quern_hub_item_get_info (item)->decode_bytes, ==, local.decode_bytes);
  g_assert_cmpstr (quern_hub_item_get_info (item)->quantisation, ==, "Q8_0");
  g_assert_true (quern_hub_item_get_info_exact (item));
  g_assert_cmpuint (cost, <, 3452832); /* not the whole file */
}

/* Gives a repository the files of Quern Tiny, but for those that end otherwise. */
static void
copy_tiny_to (Fixture *f, const char *repo, const char *ending)
{
  const char *tiny = g_getenv ("QUERN_TINY_DIR");
  g_autoptr (GDir) dir = g_dir_open (tiny, 0, NULL);
  g_autofree char *folder = g_build_filename (f->base.files, repo, NULL);

  g_mkdir_with_parents (folder, 0755);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *from = g_build_filename (tiny, name, NULL), *to = g_build_filename (folder, name, NULL);
    g_autoptr (GFile) source = g_file_new_for_path (from), destination = g_file_new_for_path (to);

    if (g_str_has_suffix (name, ending))
      g_assert_true (g_file_copy (source, destination, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
  }
}

static QuernHubOffer *
find_offer (Fixture *f, const char *model, const char *quantisation, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_hub_find_offer_async (f->client, model, quantisation, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  return quern_hub_find_offer_finish (f->client, result, error);
}

/* The model itself, not one made from it, and not where the quantisation is missing; with its header read. */
static void
test_offer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubOffer) offer = NULL;

  copy_tiny_to (f, "a/Qwen3.5-4B-GGUF", "Q2_K.gguf");
  copy_tiny_to (f, "b/Qwen3.5-4B-Tuned-GGUF", ".gguf");
  copy_tiny_to (f, "c/Qwen_Qwen3.5-4B-GGUF", ".gguf");
  copy_tiny_to (f, "d/Qwen3.5-14B-GGUF", ".gguf");
  quern_test_hub_rescan (f->base.hub);
  offer = find_offer (f, "Qwen3.5-4B", "Q4_K_M", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_hub_repo_get_id (offer->repo), ==, "c/Qwen_Qwen3.5-4B-GGUF");
  g_assert_cmpstr (quern_hub_item_get_label (offer->item), ==, "Q4_K_M");
  g_assert_true (quern_hub_item_get_info_exact (offer->item));
  g_assert_null (find_offer (f, "Qwen3.5-9B", "Q4_K_M", &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND);
}

static void
test_probe_not_a_model (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubRepo) repo = NULL;
  g_autoptr (QuernHubItem) item = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_hub_fixture_add (&f->base, REPO, "junk-Q6_K.gguf", 5000, 3);
  quern_test_hub_rescan (f->base.hub);
  repo = load (f, REPO, NULL);
  item = quern_hub_repo_find_item (repo, "Q6_K");
  quern_hub_probe_async (f->client, repo, item, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  g_assert_false (quern_hub_probe_finish (f->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
test_card (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubRepo) repo = load (f, REPO, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *card = NULL;

  quern_hub_load_card_async (f->client, repo, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  card = quern_hub_load_card_finish (f->client, result, NULL);
  g_assert_cmpstr (card, ==, "# Quern Tiny\n\nSmall.\n");
}

static void
test_grouping (Fixture *f, gconstpointer data)
{
  static const char json[] =
      "{\"id\":\"o/n\",\"sha\":\"abc\",\"gated\":false,\"gguf\":{\"total\":1000,\"architecture\":\"qwen35moe\"},"
      "\"siblings\":[{\"rfilename\":\"README.md\",\"size\":10},"
      "{\"rfilename\":\"Q8_0/M-Q8_0-00002-of-00002.gguf\",\"size\":300},"
      "{\"rfilename\":\"Q8_0/M-Q8_0-00001-of-00002.gguf\",\"size\":700},"
      "{\"rfilename\":\"BF16/M-BF16-00001-of-00002.gguf\",\"size\":700},"
      "{\"rfilename\":\"M-UD-Q4_K_XL.gguf\",\"size\":500},{\"rfilename\":\"M-IQ2_XXS.gguf\",\"size\":200},"
      "{\"rfilename\":\"M-MXFP4_MOE.gguf\",\"size\":520},{\"rfilename\":\"../evil-Q4_0.gguf\",\"size\":520},"
      "{\"rfilename\":\"mmproj-F32.gguf\",\"size\":90},{\"rfilename\":\"mmproj-F16.gguf\",\"size\":45},"
      "{\"rfilename\":\"imatrix_unsloth.gguf\",\"size\":4},{\"rfilename\":17},7,null]}";
  g_autoptr (GBytes) body = g_bytes_new_static (json, strlen (json));
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = quern_hub_parse_repo (body, "o/n", &error);
  const char *const labels[] = { "IQ2_XXS", "UD-Q4_K_XL", "MXFP4_MOE", "Q8_0" };
  g_autoptr (QuernHubItem) split = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (quern_hub_repo_get_items (repo)), ==, G_N_ELEMENTS (labels));
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++) {
    g_autoptr (QuernHubItem) item = g_list_model_get_item (quern_hub_repo_get_items (repo), i);

    g_assert_cmpstr (quern_hub_item_get_label (item), ==, labels[i]);
    g_assert_cmpuint (quern_hub_item_get_vision_bytes (item), ==, 45);
  }
  split = quern_hub_repo_find_item (repo, "Q8_0");
  g_assert_cmpuint (quern_hub_item_get_n_files (split), ==, 2);
  g_assert_cmpuint (quern_hub_item_get_bytes (split), ==, 1000);
  g_assert_cmpstr (quern_hub_item_get_file (split, 1)->name, ==, "M-Q8_0-00002-of-00002.gguf");
  g_assert_cmpfloat (quern_hub_item_get_bits_per_weight (split), ==, 8);
}

/* A repository of files with these paths, each 10 bytes longer than the one before. */
static QuernHubRepo *
repo_of (const char *const *paths)
{
  g_autoptr (GString) json = g_string_new ("{\"id\": \"o/n\", \"siblings\": [");
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;
  QuernHubRepo *repo;

  for (guint i = 0; paths[i] != NULL; i++)
    g_string_append_printf (json, "%s{\"rfilename\": \"%s\", \"size\": %u}", i > 0 ? "," : "", paths[i], 100 + 10 * i);
  g_string_append (json, "]}");
  body = g_bytes_new (json->str, json->len);
  repo = quern_hub_parse_repo (body, "o/n", &error);
  g_assert_no_error (error);
  return repo;
}

/* Every file has a name of its own here, is found by its path, and shows under a label of its own. */
static void
test_same_names (void)
{
  const char *const sets[][6] = {
    { "a/b.gguf", "b.gguf" },
    { "c/b.gguf", "c-b.gguf", "b.gguf" },
    { "x/m-Q4_K_M.gguf", "y/m-Q4_K_M.gguf", "m-Q4_K_M.gguf", "x-m-Q4_K_M.gguf", "x/y/m-Q4_K_M.gguf" },
    { "M-Q8_0.gguf", "m-q8_0.gguf", "M-Q8_0.GGUF" },
    { "x-y/z-Q2_K.gguf", "x/y-z-Q2_K.gguf", "y/z-Q2_K.gguf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (sets); i++) {
    g_autoptr (QuernHubRepo) repo = repo_of (sets[i]);
    g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GHashTable) labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    for (guint k = 0; k < 6 && sets[i][k] != NULL; k++) {
      g_autoptr (QuernHubItem) item = quern_hub_repo_find_item (repo, sets[i][k]), by_label = NULL;

      g_assert_nonnull (item);
      g_assert_cmpuint (quern_hub_item_get_bytes (item), ==, 100 + 10 * k);
      g_assert_true (g_hash_table_add (names, g_ascii_strdown (quern_hub_item_get_file (item, 0)->name, -1)));
      g_assert_true (g_hash_table_add (labels, g_strdup (quern_hub_item_get_label (item))));
      by_label = quern_hub_repo_find_item (repo, quern_hub_item_get_label (item));
      g_assert_true (by_label == item || by_label == NULL); /* never another one */
    }
  }
}

/* What only another program runs is marked by its name, with what to take instead; what Quern runs is not. */
static void
test_other_programs (void)
{
  const char *const others[] = { "Qwen3.6-27B-IQ4_KS", "x-IQ2_K",   "x-smol-IQ4_KSS", "x-IQ3_KT",
                                 "x-IQ4_K_R4",         "x-Q4_K_R4", "x-IQ4_XS_R8",    "x.Q6_0",
                                 "Bonsai-2-27B-PQ2_0", "x-TQ3_4S",  "Qwen-TQ4_1S",    "x-Q4_0_ROCMFP4",
                                 "Qwen3.5-4B-ROCmFP4", "m-iq5_ks" };
  const char *const ours[] = {
    "x-IQ4_XS", "x-IQ4_NL", "x-IQ3_XXS", "x-IQ2_M", "x-Q4_K_M",    "x-UD-Q4_K_XL", "x-NVFP4",
    "x-Q1_0",   "x-Q2_0",   "x-TQ1_0",   "x-TQ2_0", "x-MXFP4_MOE", "x-BF16",       "x-Q4_K_S"
  };
  const char *const paths[] = { "x-IQ4_KS.gguf", "x-Q2_K.gguf", "x-Q4_K_M.gguf", "x-Q8_0.gguf", NULL };
  const char *const alone[] = { "x-IQ4_KS.gguf", NULL };
  g_autoptr (QuernHubRepo) repo = repo_of (paths), lonely = repo_of (alone);
  g_autoptr (QuernHubItem) other = quern_hub_repo_find_item (repo, "IQ4_KS");
  g_autoptr (QuernHubItem) usual = quern_hub_repo_find_item (repo, "Q4_K_M");
  g_autoptr (QuernHubItem) only = quern_hub_repo_find_item (lonely, "IQ4_KS");
  g_autofree char *advice = quern_hub_repo_dup_advice (repo, other),
                  *no_advice = quern_hub_repo_dup_advice (repo, usual);
  g_autofree char *elsewhere = quern_hub_repo_dup_advice (lonely, only);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_nonnull (quern_hub_program_from_name (others[i]));
  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    g_assert_null (quern_hub_program_from_name (ours[i]));
  g_assert_cmpstr (advice, ==, "Made for ik_llama.cpp, not for Quern. Use Q2_K instead."); /* the nearest in size */
  g_assert_null (no_advice);
  g_assert_nonnull (strstr (elsewhere, "another repository"));
}

/* One in a folder alone is still called by its own name, and all parts of a split one alike. */
static void
test_local_names (void)
{
  const char *const paths[] = { "UD/m-UD-Q4_K_XL.gguf",
                                ".hidden-Q4_0.gguf",
                                "BF16/s-BF16-00001-of-00002.gguf",
                                "BF16/s-BF16-00002-of-00002.gguf",
                                "s-BF16-00001-of-00002.gguf",
                                "big-Q6_K-00001-of-99999.gguf",
                                "none-Q5_K_M-00000-of-00000.gguf",
                                "odd-Q3_K_M.GGUF",
                                NULL };
  g_autoptr (QuernHubRepo) repo = repo_of (paths);
  g_autoptr (QuernHubItem) folder = quern_hub_repo_find_item (repo, "m-ud-q4_k_xl.gguf");
  g_autoptr (QuernHubItem) hidden = quern_hub_repo_find_item (repo, ".hidden-Q4_0.gguf");
  g_autoptr (QuernHubItem) split = quern_hub_repo_find_item (repo, "BF16/s-BF16-00001-of-00002.gguf");
  g_autoptr (QuernHubItem) capitals = quern_hub_repo_find_item (repo, "Q3_K_M");
  g_autofree char *long_name = g_strnfill (240, 'n'), *long_path = g_strconcat (long_name, "-Q2_K.gguf", NULL);
  const char *const long_paths[] = { long_path, NULL };
  g_autoptr (QuernHubRepo) long_repo = repo_of (long_paths);
  g_autoptr (QuernHubItem) long_item = quern_hub_repo_find_item (long_repo, "Q2_K");

  g_assert_cmpuint (g_list_model_get_n_items (quern_hub_repo_get_items (repo)), ==, 4); /* and nothing of 99999 parts */
  g_assert_cmpstr (quern_hub_item_get_file (folder, 0)->name, ==, "m-UD-Q4_K_XL.gguf");
  g_assert_cmpstr (quern_hub_item_get_file (hidden, 0)->name, ==, "_hidden-Q4_0.gguf");
  g_assert_cmpstr (quern_hub_item_get_file (split, 0)->name, ==, "BF16-s-BF16-00001-of-00002.gguf");
  g_assert_cmpstr (quern_hub_item_get_file (split, 1)->name, ==, "BF16-s-BF16-00002-of-00002.gguf");
  g_assert_cmpstr (quern_hub_item_get_file (capitals, 0)->name, ==,
                   "odd-Q3_K_M.gguf"); /* as the library looks for it */
  g_assert_cmpuint (strlen (quern_hub_item_get_file (long_item, 0)->name), <, 240);
  g_assert_true (g_str_has_suffix (quern_hub_item_get_file (long_item, 0)->name, "-Q2_K.gguf"));
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------- */

static void
test_renamed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = NULL;

  quern_hub_fixture_text (&f->base, "old/Name", "hub.json", "{\"renamed_to\": \"" REPO "\"}");
  quern_test_hub_rescan (f->base.hub);
  repo = load (f, "old/Name", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_hub_repo_get_id (repo), ==, "old/Name"); /* what was asked for; see test_other_id() */
}

/* A repository that calls itself another one's name does not get that one's folder. */
static void
test_other_id (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = NULL;

  quern_hub_fixture_text (
      &f->base, "evil/twin", "listing.json",
      "{\"id\": \"quern/Tiny-GGUF\", \"siblings\": [{\"rfilename\": \"a-Q4_0.gguf\", \"size\": 5}]}");
  quern_test_hub_rescan (f->base.hub);
  repo = load (f, "evil/twin", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_hub_repo_get_id (repo), ==, "evil/twin");
}

static void
test_survives (Fixture *f, gconstpointer data)
{
  const QuernFault *fault = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = NULL;

  quern_test_hub_add_fault (f->base.hub, fault);
  repo = load (f, REPO, &error);
  g_assert_no_error (error);
  g_assert_false (quern_hub_repo_get_stale (repo));
  g_assert_cmpuint (g_list_model_get_n_items (quern_hub_repo_get_items (repo)), ==, 2);
  g_assert_cmpuint (quern_test_hub_n_faults (f->base.hub), ==, 0);
}

static void
test_stale_repo (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubRepo) online = load (f, REPO, NULL), offline = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->base.hub, quern_test_hub_free); /* the network is gone */
  offline = load (f, REPO, &error);
  g_assert_no_error (error);
  g_assert_true (quern_hub_repo_get_stale (offline));
  g_assert_cmpuint (g_list_model_get_n_items (quern_hub_repo_get_items (offline)), ==, 2);
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  const struct {
    const char *id;
    int code;
  } cases[] = { { "quern/absent", QUERN_HUB_ERROR_UNAUTHORIZED },
                { "../../etc", QUERN_HUB_ERROR_NOT_FOUND },
                { "noslash", QUERN_HUB_ERROR_NOT_FOUND } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (load (f, cases[i].id, &error));
    g_assert_error (error, QUERN_HUB_ERROR, cases[i].code);
  }
  quern_hub_set_token (f->client, "hf_accepted");
  {
    g_autoptr (GError) error = NULL;

    g_assert_null (load (f, "quern/absent", &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND);
  }
  add_fault (f, QUERN_FAULT_REDIRECT_LOOP, "/api/models/" REPO, 0, 0, 0);
  {
    g_autoptr (GError) error = NULL;

    g_assert_null (load (f, REPO, &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
  }
}

/* One sentence, and nothing in the log: criticals end a test. */
static void
test_odd_answers (Fixture *f, gconstpointer data)
{
  const QuernFaultKind kinds[] = { QUERN_FAULT_NO_LOCATION, QUERN_FAULT_EMPTY };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (GError) error = NULL;

    add_fault (f, kinds[i], "/api/", 0, 0, 0);
    g_assert_null (load (f, REPO, &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
    quern_test_hub_clear (f->base.hub);
  }
  for (guint status = 300; status <= 304; status += 4) {
    g_autoptr (GError) error = NULL;

    add_fault (f, QUERN_FAULT_STATUS, "/api/", 0, status, 0);
    g_assert_null (load (f, REPO, &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
    quern_test_hub_clear (f->base.hub);
  }
  add_fault (f, QUERN_FAULT_NO_LOCATION, "/resolve/", 0, 0, 0);
  {
    g_autoptr (GError) error = NULL;

    g_assert_null (quern_hub_resolve (f->client, REPO, "main", "quern-tiny-Q2_K.gguf", NULL, NULL, &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
  }
}

/* Far more values than any repository has: refused before a tree is made of them. */
static void
test_large_listing (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) json = g_string_new ("{\"id\": \"o/n\", \"siblings\": [");
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 1000000; i++)
    g_string_append (json, "{},");
  g_string_append (json, "{}]}");
  body = g_bytes_new (json->str, json->len);
  g_assert_null (quern_hub_parse_repo (body, "o/n", &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE);
  g_clear_error (&error);
  quern_hub_fixture_text (&f->base, "o/large", "listing.json", json->str);
  quern_test_hub_rescan (f->base.hub);
  g_assert_null (load (f, "o/large", &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE);
}

/* A hub may not make people wait unseen: what it asks for is told. */
static void
test_asked_to_wait (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();

  add_fault (f, QUERN_FAULT_STATUS, "/api/", 86400, 429, 0);
  g_assert_null (load (f, REPO, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_RATE_LIMITED);
  g_assert_nonnull (strstr (error->message, "24 hours"));
  g_assert_cmpint (quern_hub_get_asked_wait (f->client), ==, 86400 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 60 * G_USEC_PER_SEC);
}

/* ---- the token ------------------------------------------------------------------------------------------------- */

static void
test_token_stays (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernHubRepo) repo = NULL;
  g_autoptr (GPtrArray) log = NULL;
  guint to_hub = 0, to_other = 0;

  quern_hub_set_token (f->client, "hf_accepted");
  add_fault (f, QUERN_FAULT_REDIRECT_AWAY, "/api/models/" REPO, 0, 0, 1);
  repo = load (f, REPO, NULL);
  g_assert_nonnull (repo);
  log = quern_test_hub_dup_log (f->base.hub);
  for (guint i = 0; i < log->len; i++) {
    const QuernHubRequest *request = log->pdata[i];

    if (g_str_has_prefix (request->host, "127.0.0.1"))
      to_hub += request->authorized;
    else {
      to_other++;
      g_assert_false (request->authorized);
    }
  }
  g_assert_cmpuint (to_hub, ==, 1);
  g_assert_cmpuint (to_other, ==, 1);
}

static void
test_token_rule (void)
{
  const struct {
    const char *endpoint, *url;
    gboolean allowed;
  } cases[] = {
    { "https://huggingface.co", "https://huggingface.co/api/models", TRUE },
    { "https://huggingface.co", "https://HuggingFace.co/x", TRUE },
    { "https://huggingface.co", "http://huggingface.co/x", FALSE },
    { "https://huggingface.co", "https://huggingface.co:8443/x", FALSE },
    { "https://huggingface.co", "https://cdn-lfs.hf.co/x", FALSE },
    { "https://huggingface.co", "https://huggingface.co.evil.example/x", FALSE },
    { "http://mirror.example", "http://mirror.example/x", FALSE },
    { "http://127.0.0.1:8080", "http://127.0.0.1:8080/x", TRUE },
    { "http://127.0.0.1:8080", "http://localhost:8080/x", FALSE },
    { "http://127.0.0.1:8080", "http://127.0.0.1:8081/x", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GUri) uri = g_uri_parse (cases[i].url, SOUP_HTTP_URI_FLAGS, NULL);

    g_assert_cmpint (quern_hub_may_send_token (cases[i].endpoint, uri), ==, cases[i].allowed);
  }
}

static void
test_token_sources (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->base.folder, "token", NULL), *token = NULL;
  g_autoptr (QuernHub) from_file = NULL, from_variable = NULL, from_environment = NULL, broken = NULL;

  g_assert_true (g_file_set_contents (path, "hf_file\n", -1, NULL));
  from_file = quern_hub_new ();
  token = quern_hub_dup_token (from_file);
  g_assert_cmpstr (token, ==, "hf_file");
  g_setenv ("HF_TOKEN", "hf_variable", TRUE);
  from_variable = quern_hub_new ();
  g_free (token);
  token = quern_hub_dup_token (from_variable);
  g_assert_cmpstr (token, ==, "hf_variable");
  quern_hub_set_endpoint (from_variable, "https://mirror.example"); /* for which nobody meant the variable */
  g_free (token);
  token = quern_hub_dup_token (from_variable);
  g_assert_null (token);
  g_setenv ("HF_ENDPOINT", "https://mirror.example/", TRUE); /* now somebody does */
  quern_hub_set_endpoint (from_variable, NULL);
  from_environment = quern_hub_new ();
  token = quern_hub_dup_token (from_environment);
  g_assert_cmpstr (token, ==, "hf_variable");
  g_unsetenv ("HF_ENDPOINT");
  g_setenv ("HF_TOKEN", "hf\r\nHost: evil", TRUE);
  broken = quern_hub_new ();
  g_free (token);
  token = quern_hub_dup_token (broken);
  g_assert_null (token);
  g_unsetenv ("HF_TOKEN");
}

static void
test_endpoint (Fixture *f, gconstpointer data)
{
  const struct {
    const char *set, *get;
  } cases[] = { { "mirror.example/", "https://mirror.example" },
                { "http://localhost:1//", "http://localhost:1" },
                { " https://mirror.example/hf ", "https://mirror.example/hf" },
                { "", QUERN_HUB_DEFAULT_ENDPOINT },
                { NULL, QUERN_HUB_DEFAULT_ENDPOINT } };
  const char *const wrong[] = { "ftp://x",        "file:///etc", "http:/mirror.example",        "mailto:x",
                                "not an address", "https://",    "https://mirror.example/?a=b", "://x" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *endpoint = NULL;

    quern_hub_set_endpoint (f->client, cases[i].set);
    endpoint = quern_hub_dup_endpoint (f->client);
    g_assert_cmpstr (endpoint, ==, cases[i].get);
  }
  g_setenv ("HF_ENDPOINT", "https://hf-mirror.example", TRUE);
  quern_hub_set_endpoint (f->client, NULL);
  g_unsetenv ("HF_ENDPOINT");
  {
    g_autofree char *endpoint = quern_hub_dup_endpoint (f->client);
    g_assert_cmpstr (endpoint, ==, "https://hf-mirror.example");
  }
  for (guint i = 0; i < 2 * G_N_ELEMENTS (wrong); i++) {
    const char *address = wrong[i / 2];
    g_autoptr (GError) error = NULL;

    g_setenv ("HF_ENDPOINT", i % 2 ? address : "", TRUE);
    quern_hub_set_endpoint (f->client, i % 2 ? NULL : address);
    g_assert_false (quern_hub_check_endpoint (f->client, &error));
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ADDRESS);
    g_assert_nonnull (strstr (error->message, address));
    g_clear_error (&error);
    g_assert_null (load (f, REPO, &error)); /* and nobody else is asked */
    g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ADDRESS);
  }
  g_unsetenv ("HF_ENDPOINT");
  quern_hub_set_endpoint (f->client, "https://mirror.example");
  g_assert_true (quern_hub_check_endpoint (f->client, NULL));
}

static void
test_labels (void)
{
  const char *const cases[][2] = {
    { "Qwen3.5-4B-Q4_K_M", "Q4_K_M" },      { "Qwen3.5-4B-UD-Q2_K_XL", "UD-Q2_K_XL" },
    { "Qwen_Qwen3.5-9B-IQ4_XS", "IQ4_XS" }, { "model.Q8_0", "Q8_0" },
    { "qwen3.5-0.8b-q4_0", "Q4_0" },        { "Qwen3.5-4B-BF16", "BF16" },
    { "mmproj-Qwen3.5-4B-f16", "F16" },     { "Qwen3.5-35B-A3B-MXFP4_MOE", "MXFP4_MOE" },
    { "Qwen3.5-4B-Q4_K_M-imat", "Q4_K_M" }, { "something", "something" },
    { "ud-q4_k_xl", "UD-Q4_K_XL" },         { "Bonsai-2-27B-PQ2_0", "PQ2_0" },
    { "Qwen3.6-35B-A3B-TQ3_4S", "TQ3_4S" }, { "Qwen3.6-27B-IQ4_KS", "IQ4_KS" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *label = quern_hub_label_from_name (cases[i][0]);
    g_assert_cmpstr (label, ==, cases[i][1]);
  }
}

int
main (int argc, char *argv[])
{
  static const struct {
    const char *name;
    QuernFault fault;
  } survivable[] = {
    { "500", { QUERN_FAULT_STATUS, "/api/", 0, 500, 2 } },
    { "429-retry-after", { QUERN_FAULT_STATUS, "/api/", 1, 429, 1 } },
    { "gzip", { QUERN_FAULT_GZIP, "/api/", 0, 0, 1 } },
    { "bad-json", { QUERN_FAULT_BAD_JSON, "/api/", 0, 0, 1 } },
  };

  quern_hub_fixture_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/hub/" path, Fixture, NULL, setup, function, teardown)
  ADD ("search/pages", test_search_pages);
  ADD ("search/offline", test_search_offline);
  ADD ("search/again-keeps-rows", test_search_again_keeps_rows);
  ADD ("search/stale-answer-is-dropped", test_search_stale_answer_is_dropped);
  ADD ("repo/details", test_details);
  ADD ("repo/probe", test_probe);
  ADD ("offer", test_offer);
  ADD ("repo/probe-not-a-model", test_probe_not_a_model);
  ADD ("repo/card", test_card);
  ADD ("repo/grouping", test_grouping);
  ADD ("repo/renamed", test_renamed);
  ADD ("repo/other-id", test_other_id);
  ADD ("repo/odd-answers", test_odd_answers);
  ADD ("repo/large-listing", test_large_listing);
  ADD ("repo/asked-to-wait", test_asked_to_wait);
  ADD ("repo/stale", test_stale_repo);
  ADD ("repo/errors", test_errors);
  ADD ("token/stays", test_token_stays);
  ADD ("token/sources", test_token_sources);
  ADD ("endpoint", test_endpoint);
#undef ADD
  g_test_add_func ("/hub/token/rule", test_token_rule);
  g_test_add_func ("/hub/labels", test_labels);
  g_test_add_func ("/hub/other-programs", test_other_programs);
  g_test_add_func ("/hub/same-names", test_same_names);
  g_test_add_func ("/hub/local-names", test_local_names);
  for (guint i = 0; i < G_N_ELEMENTS (survivable); i++) {
    g_autofree char *path = g_strconcat ("/hub/survives/", survivable[i].name, NULL);
    g_test_add (path, Fixture, &survivable[i].fault, setup, test_survives, teardown);
  }
  return g_test_run ();
}
