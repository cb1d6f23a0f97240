/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A repository's quantisations, measured one after the other: what is kept of the reference, files that are damaged, and
 * quern-cli sweep, killed. */

#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "quern-hub-fixture.h"
#include "quern-kept-logits.h"
#include "quern-measure-categories.h"
#include "quern-measured.h"
#include "quern-sweep-setup.h"

#define REPO "quern/Tiny-GGUF"

static const char *const quantisations[] = { "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K" };

/* ---- block files ----------------------------------------------------------------------------------------------- */

static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static QuernBlockFile *
open_blocks (const char *path, const char *with_key)
{
  g_autoptr (GError) error = NULL;
  QuernBlockFile *file = quern_block_file_open (path, with_key, NULL, &error);

  g_assert_no_error (error);
  return file;
}

static void
append (QuernBlockFile *file, guint size, guint8 value)
{
  g_autofree guint8 *data = g_malloc (size + 1); /* never NULL */
  g_autoptr (GError) error = NULL;

  memset (data, value, size);
  g_assert_true (quern_block_file_append (file, data, size, &error));
}

static void
assert_block (QuernBlockFile *file, guint i, guint size, guint8 value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) block = quern_block_file_dup_block (file, i, &error);
  gsize length;
  const guint8 *data = g_bytes_get_data (block, &length);

  g_assert_no_error (error);
  g_assert_cmpuint (length, ==, size);
  g_assert_true (size == 0 || (data[0] == value && data[size - 1] == value));
}

/* Cut off at any byte, the file has the blocks that were whole, and goes on from there. */
static void
test_cut_anywhere (QuernHubFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "blocks", NULL), *whole = NULL;
  const guint sizes[] = { 5, 0, 700, 16 };
  gsize length, ends[G_N_ELEMENTS (sizes) + 1];

  g_autoptr (QuernBlockFile) file = open_blocks (path, key);
  for (guint i = 0; i <= G_N_ELEMENTS (sizes); i++) {
    g_autofree char *so_far = NULL;
    g_assert_true (g_file_get_contents (path, &so_far, &ends[i], NULL));
    if (i < G_N_ELEMENTS (sizes))
      append (file, sizes[i], (guint8) (i + 1));
  }
  g_assert_true (g_file_get_contents (path, &whole, &length, NULL));
  for (gsize cut = 0; cut <= length; cut++) {
    guint n = 0;
    g_assert_true (g_file_set_contents (path, whole, (gssize) cut, NULL));
    g_autoptr (QuernBlockFile) again = open_blocks (path, key);
    while (n < G_N_ELEMENTS (sizes) && cut >= ends[n + 1])
      n++;
    g_assert_cmpuint (quern_block_file_get_n (again), ==, n);
    append (again, 3, 99);
    g_clear_pointer (&again, quern_block_file_free);
    again = open_blocks (path, key);
    g_assert_cmpuint (quern_block_file_get_n (again), ==, n + 1);
    for (guint i = 0; i < n; i++)
      assert_block (again, i, sizes[i], (guint8) (i + 1));
    assert_block (again, n, 3, 99);
  }
}

/* A byte that changed is found, when the file is opened and when the block is read. With another key the file is empty. */
static void
test_damage (QuernHubFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "blocks", NULL), *whole = NULL;
  g_autoptr (QuernBlockFile) file = open_blocks (path, key);
  gsize length;

  for (guint i = 0; i < 3; i++)
    append (file, 40, (guint8) i);
  g_assert_true (g_file_get_contents (path, &whole, &length, NULL));
  for (gsize at = length - 2 * 56; at < length; at++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *changed = g_memdup2 (whole, length);
    guint damaged = at < length - 56 ? 1 : 2;
    changed[at] ^= 0x10;
    g_assert_true (g_file_set_contents (path, changed, (gssize) length, NULL));
    g_autoptr (QuernBlockFile) again = open_blocks (path, key);
    g_assert_cmpuint (quern_block_file_get_n (again), ==, damaged);
  }
  g_assert_true (g_file_set_contents_full (path, whole, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_autoptr (QuernBlockFile) good = open_blocks (path, key);
  g_assert_cmpuint (quern_block_file_get_n (good), ==, 3);
  FILE *behind = fopen (path, "r+");
  fseek (behind, (long) length - 60, SEEK_SET);
  fputc (77, behind);
  fclose (behind);
  g_autoptr (GError) error = NULL;
  assert_block (good, 0, 40, 0);
  g_assert_null (quern_block_file_dup_block (good, 1, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_DAMAGED);
  g_clear_pointer (&good, quern_block_file_free);
  good = open_blocks (path, "another key");
  g_assert_cmpuint (quern_block_file_get_n (good), ==, 0);
}

/* ---- kept logits ----------------------------------------------------------------------------------------------- */

/* Logits as models have them: a few large ones over a broad ground. */
static void
make_logits (GRand *random, float *logits, guint n, double width)
{
  for (guint i = 0; i < n; i++) {
    double sum = 0;
    for (guint j = 0; j < 12; j++)
      sum += g_rand_double (random);
    logits[i] = (float) (width * (sum - 6) + (i % 97 == 0 ? 6 * g_rand_double (random) : 0) - 11);
  }
}

static QuernKeptLogits *
open_kept (QuernHubFixture *f, QuernKeptForm form, guint n_vocab)
{
  g_autofree char *path = g_build_filename (f->folder, "kept", NULL);
  g_autoptr (GError) error = NULL;
  QuernKeptLogits *kept = quern_kept_logits_open (path, key, form, n_vocab, NULL, &error);

  g_assert_no_error (error);
  return kept;
}

/* Against the divergence of the unrounded logits: in 16 bits within the bound that is told, which is small; of the
 * likeliest tokens never above it, and near it. Likelihoods and first choices are exact in both. */
static void
test_kept (QuernHubFixture *f, gconstpointer data)
{
  const QuernKeptForm form = GPOINTER_TO_INT (data);
  const guint n_vocab = 5003;
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autofree float *reference = g_new (float, n_vocab), *logits = g_new (float, n_vocab);
  g_autoptr (QuernKeptLogits) kept = open_kept (f, form, n_vocab);
  g_autoptr (GError) error = NULL;
  double largest = 0;

  for (guint row = 0; row < 60; row++) {
    const gint32 token = g_rand_int_range (random, 0, (gint32) n_vocab);
    const double noise = pow (10, (int) (row % 4) - 3);
    QuernDivergence exact, own, out;
    double lost;

    make_logits (random, reference, n_vocab, 0.5 + row % 5);
    for (guint i = 0; i < n_vocab; i++)
      logits[i] = reference[i] + (float) (noise * (g_rand_double (random) - 0.5));
    g_assert_true (quern_divergence_compute (reference, logits, n_vocab, token, 0, &exact));
    g_assert_true (quern_kept_logits_add (kept, reference, token, &own, &error));
    g_assert_true (own.kld == 0 && own.nll == exact.nll_reference);
    g_assert_true (quern_kept_logits_compare (kept, row, logits, token, &out, &lost, &error));
    g_assert_no_error (error);
    g_assert_true (out.nll == exact.nll && out.nll_reference == exact.nll_reference);
    g_assert_true (out.same_top == exact.same_top);
    g_assert_cmpfloat_with_epsilon (out.delta_p, exact.delta_p, 1e-12);
    if (form == QUERN_KEPT_F16) {
      g_assert_cmpfloat (fabs (out.kld - exact.kld), <=, lost + 1e-6);
      largest = MAX (largest, lost / MAX (exact.kld, 1e-5));
    } else {
      g_assert_cmpfloat (out.kld, <=, exact.kld + 1e-6);
      g_assert_cmpfloat (exact.kld - out.kld, <=, exact.kld * MAX (4 * lost, 0.01) + 1e-6);
    }
  }
  g_assert_cmpfloat (largest, <, 1);
  g_clear_pointer (&kept, quern_kept_logits_free);
  kept = open_kept (f, form, n_vocab);
  g_assert_cmpuint (quern_kept_logits_get_n_rows (kept), ==, 60);
}

static void
test_budget (QuernHubFixture *f, gconstpointer data)
{
  guint64 exact = quern_kept_form_get_bytes (QUERN_KEPT_F16, 248320, 1000);
  guint64 top = quern_kept_form_get_bytes (QUERN_KEPT_TOP, 248320, 1000);

  g_assert_cmpuint (exact, >, (guint64) 248320 * 2 * 1000);
  g_assert_cmpuint (top, <, exact / 100);
  g_assert_cmpint (quern_kept_form_choose (248320, 1000, exact), ==, QUERN_KEPT_F16);
  g_assert_cmpint (quern_kept_form_choose (248320, 1000, exact - 1), ==, QUERN_KEPT_TOP);
  g_assert_cmpint (quern_kept_form_choose (248320, 1000, top - 1), ==, QUERN_KEPT_NONE);
}

/* ---- quern-cli sweep ------------------------------------------------------------------------------------------- */

typedef struct {
  QuernHubFixture base;
  char *data; /* XDG_DATA_HOME of the next run */
  char *output, *errors;
  int status;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = NULL;

  quern_hub_fixture_setup (&f->base, NULL);
  folder = g_build_filename (f->base.files, REPO, NULL);
  g_mkdir_with_parents (folder, 0755);
  for (guint i = 0; i < G_N_ELEMENTS (quantisations); i++) {
    g_autofree char *name = g_strdup_printf ("quern-tiny-%s.gguf", quantisations[i]);
    g_autoptr (GFile) from = g_file_new_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL);
    g_autoptr (GFile) to = g_file_new_build_filename (folder, name, NULL);
    g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
  }
  quern_hub_fixture_text (&f->base, REPO, "hub.json", "{\"architecture\": \"qwen35\", \"parameters\": 3160000}");
  quern_test_hub_rescan (f->base.hub);
  f->data = g_build_filename (f->base.folder, "a", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  quern_hub_fixture_clear (&f->base, NULL);
  g_free (f->data);
  g_free (f->output);
  g_free (f->errors);
}

static void
use_data (Fixture *f, const char *name)
{
  g_free (f->data);
  f->data = g_build_filename (f->base.folder, name, NULL);
}

static GSubprocess *
spawn (Fixture *f, const char *const *arguments)
{
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (argv, program);
  g_ptr_array_add (argv, (char *) "sweep");
  g_ptr_array_add (argv, (char *) REPO);
  for (guint i = 0; arguments[i]; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->data, TRUE);
  g_subprocess_launcher_setenv (launcher, "HF_ENDPOINT", quern_test_hub_get_endpoint (f->base.hub), TRUE);
  GSubprocess *process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

static void
run (Fixture *f, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  va_list list;

  va_start (list, f);
  for (char *argument = va_arg (list, char *); argument; argument = va_arg (list, char *))
    g_ptr_array_add (arguments, argument);
  va_end (list);
  g_ptr_array_add (arguments, NULL);
  g_autoptr (GSubprocess) process = spawn (f, (const char *const *) arguments->pdata);
  g_clear_pointer (&f->output, g_free);
  g_clear_pointer (&f->errors, g_free);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &f->output, &f->errors, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  f->status = g_subprocess_get_exit_status (process);
}

static JsonObject *
parse (Fixture *f, JsonParser *parser)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (f->status, ==, 0);
  json_parser_load_from_data (parser, f->output, -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

static JsonObject *
model_of (JsonObject *object, const char *quantisation)
{
  JsonArray *models = json_object_get_array_member (object, "models");

  for (guint i = 0; i < json_array_get_length (models); i++) {
    JsonObject *model = json_array_get_object_element (models, i);
    if (g_str_equal (json_object_get_string_member (model, "quantisation"), quantisation))
      return model;
  }
  g_assert_not_reached ();
}

static double
kld_of (JsonObject *object, const char *quantisation)
{
  return json_object_get_double_member (json_object_get_object_member (model_of (object, quantisation),
                                                                       "kl_divergence"),
                                        "mean");
}

/* What is measured in seconds is different each time. */
static void
drop_times (JsonArray *array, guint i, JsonNode *node, gpointer data)
{
  json_object_remove_member (json_node_get_object (node), "seconds");
  json_object_remove_member (json_node_get_object (node), "tokens_per_second");
}

/* All figures of the models, as text. */
static char *
figures_of (Fixture *f)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = parse (f, parser);
  JsonNode *models = json_object_get_member (object, "models");

  g_assert_true (json_object_get_boolean_member (object, "complete"));
  json_array_foreach_element (json_node_get_array (models), drop_times, NULL);
  return json_to_string (models, TRUE);
}

/* Models in a folder and in those in it. */
static guint
count_models_in (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    n += g_str_has_suffix (name, ".gguf") + count_models_in (path);
  }
  return n;
}

static guint
count_models (Fixture *f)
{
  g_autofree char *folder = g_build_filename (f->data, "quern", "models", NULL);

  return count_models_in (folder);
}

/* A file of the one sweep there is. */
static char *
sweep_file (Fixture *f, const char *name)
{
  g_autofree char *folder = g_build_filename (f->data, "quern", "sweeps", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  return g_build_filename (folder, g_dir_read_name (dir), name, NULL);
}

#define SWEEP(...) run (f, "--json", "--quiet", "--reference", "F16", "-c", "64", __VA_ARGS__, NULL)

/* All eight, with the figures that `eval` has, as near as is told; run again it only prints them. */
static void
test_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new (), other = json_parser_new ();
  g_autofree char *first = NULL, *second = NULL, *whole = NULL;

  SWEEP ("--keep");
  g_assert_cmpint (f->status, ==, 0);
  JsonObject *object = parse (f, parser);
  g_assert_cmpstr (json_object_get_string_member (json_object_get_object_member (object, "reference_logits"), "form"),
                   ==, "f16");
  for (guint i = 2; i < G_N_ELEMENTS (quantisations); i++) {
    g_assert_cmpstr (json_object_get_string_member (model_of (object, quantisations[i]), "state"), ==, "done");
    g_assert_cmpfloat (kld_of (object, quantisations[i]), >, kld_of (object, "Q8_0"));
  }
  g_assert_cmpuint (count_models (f), ==, 8);

  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autofree char *reference = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-F16.gguf", NULL);
  g_autofree char *model = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q4_K_M.gguf", NULL);
  const char *const argv[] = { program, "eval", "--json", "-c", "64", "--reference", reference, "-m", model, NULL };
  g_assert_true (
      g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &whole, NULL, NULL, NULL));
  g_assert_true (json_parser_load_from_data (other, whole, -1, NULL));
  JsonObject *eval = json_node_get_object (json_parser_get_root (other));
  JsonObject *swept = model_of (object, "Q4_K_M");
  double bound = json_object_get_double_member (swept, "kl_divergence_bound");
  double exact = json_object_get_double_member (json_object_get_object_member (eval, "kl_divergence"), "mean");
  g_assert_cmpfloat (fabs (kld_of (object, "Q4_K_M") - exact), <=, bound);
  g_assert_cmpfloat (bound, <, exact / 5);
  g_assert_true (json_object_get_double_member (swept, "perplexity")
                 == json_object_get_double_member (eval, "perplexity"));
  g_assert_true (json_object_get_double_member (json_object_get_object_member (swept, "same_top"), "mean")
                 == json_object_get_double_member (json_object_get_object_member (eval, "same_top"), "mean"));

  first = figures_of (f);
  quern_test_hub_clear (f->base.hub);
  SWEEP ("--keep");
  second = figures_of (f);
  g_assert_cmpstr (first, ==, second);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), ==, 0);
}

/* With too little space for all logits the likeliest are kept, and the figures are nearly the same. */
static void
test_small_budget (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new (), other = json_parser_new ();

  SWEEP ("--quant", "Q4_K_M");
  JsonObject *exact = parse (f, parser);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (exact, "models")), ==, 2);
  use_data (f, "b");
  SWEEP ("--quant", "Q4_K_M", "--budget-disk", "3");
  JsonObject *top = parse (f, other);
  JsonObject *kept = json_object_get_object_member (top, "reference_logits");
  g_assert_cmpstr (json_object_get_string_member (kept, "form"), ==, "top256");
  g_assert_cmpint (json_object_get_int_member (kept, "bytes"), <=, 3000000);
  g_assert_cmpfloat (kld_of (top, "Q4_K_M"), <=, kld_of (exact, "Q4_K_M"));
  g_assert_cmpfloat (kld_of (top, "Q4_K_M"), >, 0.7 * kld_of (exact, "Q4_K_M"));
}

/* Killed 20 times, wherever it was: the figures are those of a run that nobody disturbed, and nothing is left behind. */
static void
test_killed (Fixture *f, gconstpointer data)
{
  const char *const arguments[] = { "--json", "--quiet", "--reference", "F16", "-c", "64", "--delete", NULL };
  g_autoptr (GRand) random = g_rand_new_with_seed (20);
  g_autofree char *undisturbed = NULL, *killed = NULL, *logits = NULL;
  gint64 began = g_get_monotonic_time ();
  guint n_killed = 0;

  SWEEP ("--delete");
  undisturbed = figures_of (f);
  const double whole = (double) (g_get_monotonic_time () - began);
  g_assert_cmpuint (count_models (f), ==, 0);
  use_data (f, "b");
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GSubprocess) process = spawn (f, arguments);
    g_usleep ((gulong) (whole * g_rand_double_range (random, 0.02, 0.14)));
    g_subprocess_send_signal (process, SIGKILL);
    g_assert_true (g_subprocess_wait (process, NULL, NULL));
    n_killed += g_subprocess_get_if_signaled (process);
  }
  g_test_message ("killed at work %u times of 20; undisturbed it takes %.1f s", n_killed, whole / G_USEC_PER_SEC);
  g_assert_cmpuint (n_killed, >=, 5);
  SWEEP ("--delete");
  killed = figures_of (f);
  g_assert_cmpstr (undisturbed, ==, killed);
  g_assert_cmpuint (count_models (f), ==, 0);
  logits = sweep_file (f, "reference.logits");
  g_assert_false (g_file_test (logits, G_FILE_TEST_EXISTS));
}

static void
flip_byte (const char *path, double where)
{
  g_autofree char *content = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  content[(gsize) (where * (double) (size - 1))] ^= 0x20;
  g_assert_true (g_file_set_contents_full (path, content, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* What is damaged half way is measured again from there. */
static void
test_damaged (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "reference.logits", "Q2_K.rows", "F16.rows", "plan" };
  g_autofree char *before = NULL;

  SWEEP ("--quant", "Q2_K");
  before = figures_of (f);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = sweep_file (f, names[i]), *rows = sweep_file (f, "Q2_K.rows"), *after = NULL;
    flip_byte (path, 0.5);
    if (i == 0) /* which are only needed if there is something to compare with them */
      flip_byte (rows, 0.9);
    SWEEP ("--quant", "Q2_K");
    after = figures_of (f);
    g_assert_cmpstr (before, ==, after);
  }
}

/* One that cannot be measured does not keep the others from it, and is tried again. */
static void
test_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  const QuernFault gone = { QUERN_FAULT_STATUS, "Q4_K_M", 0, 404, 0 };

  quern_test_hub_add_fault (f->base.hub, &gone);
  SWEEP ("--quant", "Q4_K_M", "--quant", "Q2_K");
  g_assert_cmpint (f->status, ==, 1);
  g_assert_nonnull (strstr (f->errors, "1 quantisation could not be measured"));
  g_assert_true (json_parser_load_from_data (parser, f->output, -1, NULL));
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpstr (json_object_get_string_member (model_of (object, "Q4_K_M"), "state"), ==, "failed");
  g_assert_cmpstr (json_object_get_string_member (model_of (object, "Q2_K"), "state"), ==, "done");
  quern_test_hub_clear (f->base.hub);
  SWEEP ("--quant", "Q4_K_M", "--quant", "Q2_K");
  g_assert_cmpint (f->status, ==, 0);
}

/* One that fails before its first window is none of the results. */
static void
test_failure_before_figures (Fixture *f, gconstpointer data)
{
  SWEEP ("--quant", "Q2_K");
  g_assert_cmpint (f->status, ==, 0);
  g_setenv ("QUERN_MEMORY", "1000", TRUE);
  run (f, "--quiet", "--reference", "F16", "-c", "64", "--quant", "Q4_K_M", "--quant", "Q2_K", NULL);
  g_unsetenv ("QUERN_MEMORY");
  g_assert_cmpint (f->status, ==, 1);
  g_assert_nonnull (strstr (f->errors, "1 quantisation could not be measured"));
  g_assert_nonnull (strstr (f->output, "Q2_K is "));
  g_assert_null (strstr (f->output, "Q4_K_M"));
}

/* A model that was there before is not the sweep's to delete. */
static void
test_keeps_what_was_there (Fixture *f, gconstpointer data)
{
  SWEEP ("--quant", "Q2_K", "--keep");
  g_assert_cmpint (f->status, ==, 0);
  g_assert_cmpuint (count_models (f), ==, 2);
  run (f, "--json", "--quiet", "--reference", "Q2_K", "-c", "64", "--quant", "Q4_K_M", "--delete", NULL);
  g_assert_cmpint (f->status, ==, 0);
  g_assert_cmpuint (count_models (f), ==, 2); /* Q4_K_M came and went */
}

static void
test_estimate (Fixture *f, gconstpointer data)
{
  run (f, "--reference", "F16", "--dry-run", NULL);
  g_assert_cmpint (f->status, ==, 0);
  g_assert_nonnull (strstr (f->output, "on this computer"));
  g_assert_nonnull (strstr (f->output, "Quern Tiny"));
  g_assert_cmpuint (count_models (f), ==, 0);
  g_setenv ("QUERN_MEMORY", "1000", TRUE);
  run (f, "--reference", "F16", "--dry-run", NULL);
  g_assert_cmpint (f->status, ==, 1);
  run (f, "--reference", "F16", "--quant", "Q2_K", NULL);
  g_unsetenv ("QUERN_MEMORY");
  g_assert_cmpint (f->status, ==, 1); /* of the reference itself, which was downloaded */
  g_assert_cmpuint (count_models (f), ==, 1);
  run (f, "--dry-run", NULL);
  g_assert_cmpint (f->status, ==, 2);
  run (f, "--reference", "Q9_0", NULL);
  g_assert_cmpint (f->status, ==, 1);
}

/* ---- what the window keeps of a sweep -------------------------------------------------------------------------- */

static void
write_setup (QuernHubFixture *f, const char *name, const char *json)
{
  g_autofree char *folder = g_build_filename (f->folder, "data", "quern", "sweeps", name, NULL);
  g_autofree char *path = g_build_filename (folder, "setup.json", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  if (json)
    g_assert_true (g_file_set_contents (path, json, -1, NULL));
}

static GPtrArray *
load_setups (void)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_sweep_setups_load_async (NULL, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  GPtrArray *setups = quern_sweep_setups_load_finish (result, NULL);
  g_assert_nonnull (setups);
  return setups;
}

static gboolean
delete_setup (const QuernSweepSetup *of, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_sweep_setup_delete_async (of, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  return quern_sweep_setup_delete_finish (result, error);
}

/* Sweeps are found again with all that was chosen, the latest first; folders of others and damaged files are passed over, and
 * what is of the wrong type in them. One that a program has locked is not deleted. */
static void
test_setups (QuernHubFixture *f, gconstpointer data)
{
  write_setup (f, "one",
               "{\"repository\": \"a/b\", \"reference\": \"F16\", \"quantisations\": [\"F16\", \"Q4_K_M\"], \"text\": "
               "{\"categories\": [\"code\", \"wikitext\"]}, \"windows\": \"llama\", \"context\": 256, \"budget\": 5, "
               "\"delete\": true, \"begun\": 10, \"running\": true}");
  write_setup (
      f, "two",
      "{\"repository\": \"a/c\", \"reference\": \"Q8_0\", \"text\": {\"text\": \"Once\", \"name\": \"tale.txt\"}, "
      "\"context\": [], \"budget\": \"much\", \"windows\": 7, \"begun\": 20}");
  write_setup (f, "of-the-command-line", NULL);
  write_setup (f, "cut", "{\"repository\": \"a/b\", \"refer");
  write_setup (f, "list", "[1]");
  write_setup (f, "outside", "{\"repository\": \"../../etc\", \"reference\": \"F16\"}");
  write_setup (f, "no-reference", "{\"repository\": \"a/b\"}");
  g_autoptr (GPtrArray) setups = load_setups ();
  g_assert_cmpuint (setups->len, ==, 2);
  const QuernSweepSetup *two = setups->pdata[0], *one = setups->pdata[1];
  g_assert_cmpstr (one->repository, ==, "a/b");
  g_assert_cmpstr (one->reference, ==, "F16");
  g_assert_cmpuint (g_strv_length (one->only), ==, 2);
  g_assert_cmpstr (one->text->categories[1], ==, QUERN_TEXT_WIKITEXT);
  g_assert_cmpint (one->windows, ==, QUERN_MEASURE_WINDOWS_LLAMA);
  g_assert_cmpuint (one->n_ctx, ==, 256);
  g_assert_cmpuint (one->budget, ==, 5);
  g_assert_true (one->delete_models && one->running);
  g_assert_null (two->only);
  g_assert_cmpstr (two->text->text, ==, "Once");
  g_assert_cmpuint (two->n_ctx, ==, QUERN_MEASURE_CONTEXT);
  g_assert_cmpuint (two->budget, ==, QUERN_SWEEP_BUDGET);
  g_assert_cmpint (two->windows, ==, QUERN_MEASURE_WINDOWS_QUERN);
  g_assert_false (two->delete_models || two->running);
  g_autofree char *name = quern_text_choice_dup_name (one->text), *other = quern_text_choice_dup_name (two->text);
  g_assert_cmpstr (name, ==, "code, wikitext");
  g_assert_cmpstr (other, ==, "tale.txt");

  g_autofree char *path = g_build_filename (one->folder, "lock", NULL);
  g_autoptr (GError) error = NULL;
  int lock = open (path, O_RDWR | O_CREAT, 0600);
  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  g_assert_false (delete_setup (one, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  close (lock);
  g_clear_error (&error);
  g_assert_true (delete_setup (one, &error));
  g_assert_false (g_file_test (one->folder, G_FILE_TEST_EXISTS));
  g_autoptr (GPtrArray) left = load_setups ();
  g_assert_cmpuint (left->len, ==, 1);
}

/* A text that was chosen is added to a measurement under its name. */
static void
test_choice (QuernHubFixture *f, gconstpointer data)
{
  g_autoptr (QuernHub) hub = quern_hub_new ();
  g_autoptr (QuernTextChoice) choice = quern_text_choice_new ();
  g_autoptr (QuernMeasure) measure = quern_measure_new (), other = quern_measure_new ();
  g_autoptr (GAsyncResult) result = NULL, refused = NULL;
  g_autoptr (GError) error = NULL;

  choice->categories = g_strdupv ((char *[]) { (char *) "chat", (char *) "code", NULL });
  quern_text_choice_add_async (choice, measure, hub, NULL, NULL, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (quern_text_choice_add_finish (measure, result, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (quern_measure_get_source (measure), ==, "chat, code");
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);
  g_assert_cmpuint (g_strv_length (categories), ==, 2);

  choice->conversation = 7;
  quern_text_choice_add_async (choice, other, hub, NULL, NULL, quern_keep_result_cb, &refused);
  while (!refused)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (quern_text_choice_add_finish (other, refused, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
}

int
main (int argc, char *argv[])
{
  quern_hub_fixture_init ();
  g_test_init (&argc, &argv, NULL);
#define KEPT(name, function, form)                                                                                     \
  g_test_add ("/sweep/" name, QuernHubFixture, GINT_TO_POINTER (form), quern_hub_fixture_setup, function,              \
              quern_hub_fixture_clear)
  KEPT ("cut-anywhere", test_cut_anywhere, 0);
  KEPT ("damage", test_damage, 0);
  KEPT ("kept/f16", test_kept, QUERN_KEPT_F16);
  KEPT ("kept/top", test_kept, QUERN_KEPT_TOP);
  KEPT ("budget", test_budget, 0);
  KEPT ("setups", test_setups, 0);
  KEPT ("choice", test_choice, 0);
#define ADD(name, function) g_test_add ("/sweep/cli/" name, Fixture, NULL, setup, function, teardown)
  ADD ("sweep", test_sweep);
  ADD ("small-budget", test_small_budget);
  ADD ("killed", test_killed);
  ADD ("damaged", test_damaged);
  ADD ("failure", test_failure);
  ADD ("failure-before-figures", test_failure_before_figures);
  ADD ("keeps-what-was-there", test_keeps_what_was_there);
  ADD ("estimate", test_estimate);
  return g_test_run ();
}
