/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The queue: order, pause, resume, cancel, restart, replaced files, a full disk; and quern-cli pull killed at random
 * points. QUERN_TEST_KILLS sets how many times (20). */

#include "quern-receipts.h"
#include "config.h"

#include "quern-downloads.h"
#include "quern-fetch.h"
#include "quern-hub-fixture.h"
#include "test-util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPO "quern/Queue-GGUF"
#define SIZE (2 * 1024 * 1024)

typedef struct {
  QuernHubFixture base;
  QuernHub *client;
  QuernDownloads *downloads;
  QuernHubRepo *repo;
  guint installed;
} Fixture;

static void
installed_cb (QuernDownloads *downloads, QuernDownload *download, guint *count)
{
  *count += 1;
}

static void
load_repo (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&f->repo);
  f->repo = quern_hub_load_repo (f->client, REPO, NULL, &error);
  g_assert_no_error (error);
}

static void
open_queue (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  f->downloads = quern_downloads_new (f->client);
  g_signal_connect (f->downloads, "installed", G_CALLBACK (installed_cb), &f->installed);
  quern_downloads_load_async (f->downloads, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  quern_downloads_load_finish (f->downloads, result, &error);
  g_assert_no_error (error);
}

static void
close_queue (Fixture *f)
{
  quern_downloads_close (f->downloads);
  TEST_WAIT_UNTIL (!quern_downloads_is_active (f->downloads));
  g_clear_object (&f->downloads);
}

static void
setup (Fixture *f, gconstpointer data)
{
  quern_hub_fixture_setup (&f->base, data);
  quern_hub_fixture_add (&f->base, REPO, "m-Q4_K_M.gguf", SIZE, 1);
  quern_hub_fixture_add (&f->base, REPO, "m-Q8_0.gguf", SIZE + 77, 2);
  quern_hub_fixture_add (&f->base, REPO, "BF16/m-BF16-00001-of-00002.gguf", SIZE, 3);
  quern_hub_fixture_add (&f->base, REPO, "BF16/m-BF16-00002-of-00002.gguf", SIZE / 2, 4);
  quern_hub_fixture_add (&f->base, REPO, "mmproj-F16.gguf", 300000, 5);
  quern_test_hub_rescan (f->base.hub);
  f->client = quern_hub_new ();
  quern_hub_set_endpoint (f->client, quern_test_hub_get_endpoint (f->base.hub));
  load_repo (f);
  open_queue (f);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  close_queue (f);
  g_clear_object (&f->repo);
  g_clear_object (&f->client);
  quern_hub_fixture_clear (&f->base, data);
}

static QuernDownload *
add (Fixture *f, const char *label)
{
  g_autoptr (QuernHubItem) item = quern_hub_repo_find_item (f->repo, label);

  g_assert_nonnull (item);
  return quern_downloads_add (f->downloads, f->repo, item, TRUE);
}

static QuernDownload *
entry (Fixture *f, guint index)
{
  g_autoptr (QuernDownload) download = g_list_model_get_item (G_LIST_MODEL (f->downloads), index);

  g_assert_nonnull (download);
  return download; /* the queue holds it */
}

static void
wait_for (QuernDownload *download, QuernDownloadState state)
{
  TEST_WAIT_UNTIL (quern_download_get_state (download) == state);
}

static void
wait_for_bytes (QuernDownload *download, guint64 bytes)
{
  TEST_WAIT_UNTIL (quern_download_get_bytes (download) >= bytes);
}

/* Adds an item of which so many bytes come, and no more until let_go(): it is under way for as long as the test likes. */
static QuernDownload *
add_held (Fixture *f, const char *label, guint64 bytes)
{
  QuernDownload *download;

  quern_test_hub_set_allowance (f->base.hub, bytes);
  download = add (f, label);
  wait_for_bytes (download, bytes);
  g_assert_cmpint (quern_download_get_state (download), ==, QUERN_DOWNLOAD_RUNNING);
  return download;
}

static void
let_go (Fixture *f)
{
  quern_test_hub_set_allowance (f->base.hub, G_MAXUINT64);
}

static gboolean
is_here (Fixture *f, const char *path)
{
  g_autofree char *name = g_path_get_basename (path), *full = g_build_filename (f->base.models, REPO, name, NULL);

  return quern_hub_fixture_same (&f->base, REPO, path, full);
}

static gboolean
is_absent (Fixture *f, const char *name)
{
  g_autofree char *full = g_build_filename (f->base.models, REPO, name, NULL);

  return !g_file_test (full, G_FILE_TEST_EXISTS);
}

/* ---- ordinary -------------------------------------------------------------------------------------------------- */

static void
test_item_with_vision (Fixture *f, gconstpointer data)
{
  QuernDownload *download = add (f, "Q4_K_M");

  g_assert_cmpuint (quern_download_get_total (download), ==, SIZE + 300000);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_cmpuint (f->installed, ==, 1);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
  g_assert_true (is_here (f, "mmproj-F16.gguf"));
  g_assert_cmpfloat (quern_download_get_fraction (download), ==, 1);
  g_assert_null (quern_download_get_message (download));
}

static void
test_split_item (Fixture *f, gconstpointer data)
{
  QuernDownload *download = add_held (f, "BF16", SIZE + SIZE / 4); /* the first part is done */

  g_assert_true (is_absent (f, "m-BF16-00001-of-00002.gguf"));
  let_go (f);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "BF16/m-BF16-00001-of-00002.gguf"));
  g_assert_true (is_here (f, "BF16/m-BF16-00002-of-00002.gguf"));
  g_assert_true (is_here (f, "mmproj-F16.gguf"));
}

static void
test_vision_once (Fixture *f, gconstpointer data)
{
  wait_for (add (f, "Q4_K_M"), QUERN_DOWNLOAD_COMPLETE);
  quern_test_hub_clear (f->base.hub);
  wait_for (add (f, "Q8_0"), QUERN_DOWNLOAD_COMPLETE);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), ==, SIZE + 77);
}

static void
test_order (Fixture *f, gconstpointer data)
{
  QuernDownload *first, *second, *third;

  first = add_held (f, "Q4_K_M", SIZE / 4);
  second = add (f, "Q8_0");
  third = add (f, "BF16");
  g_assert_cmpint (quern_download_get_state (first), ==, QUERN_DOWNLOAD_RUNNING);
  g_assert_cmpint (quern_download_get_state (second), ==, QUERN_DOWNLOAD_QUEUED);
  quern_downloads_move (f->downloads, third, 0);
  g_assert_true (entry (f, 0) == third);
  g_assert_cmpint (quern_download_get_state (first), ==, QUERN_DOWNLOAD_RUNNING);
  let_go (f);
  wait_for (third, QUERN_DOWNLOAD_COMPLETE);
  g_assert_cmpint (quern_download_get_state (first), ==, QUERN_DOWNLOAD_COMPLETE);
  g_assert_cmpint (quern_download_get_state (second), !=, QUERN_DOWNLOAD_COMPLETE);
  wait_for (second, QUERN_DOWNLOAD_COMPLETE);
}

static void
test_pause_resume (Fixture *f, gconstpointer data)
{
  QuernDownload *download;
  guint64 before;

  quern_test_hub_set_rate (f->base.hub, SIZE);
  quern_test_hub_set_allowance (f->base.hub, SIZE);
  download = add (f, "Q4_K_M");
  TEST_WAIT_UNTIL (quern_download_get_speed (download) > 0);
  g_assert_cmpint (quern_download_get_seconds_left (download), >=, 0);
  wait_for_bytes (download, SIZE / 2);
  quern_downloads_pause (f->downloads, download);
  g_assert_cmpint (quern_download_get_state (download), ==, QUERN_DOWNLOAD_PAUSED);
  TEST_WAIT_UNTIL (!quern_downloads_is_active (f->downloads));
  before = quern_test_hub_content_bytes (f->base.hub);
  quern_test_hub_set_rate (f->base.hub, 0);
  let_go (f);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
  /* nothing that had come when it was paused comes again */
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub) - before, <=, SIZE + 300000 - SIZE / 2);
}

static void
test_pause_resume_quickly (Fixture *f, gconstpointer data)
{
  QuernDownload *download;

  quern_downloads_set_rate (f->downloads, 4 * SIZE);
  download = add (f, "Q4_K_M");
  for (guint i = 0; i < 30; i++) {
    for (guint k = 0; k < i % 4; k++)
      g_main_context_iteration (NULL, FALSE);
    quern_downloads_pause (f->downloads, download);
    quern_downloads_resume (f->downloads, download);
  }
  quern_downloads_set_rate (f->downloads, 0);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
}

static gboolean
verify (Fixture *f, const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_downloads_verify_async (f->downloads, path, NULL, test_result_cb, &result);
  TEST_WAIT_UNTIL (result != NULL);
  return quern_downloads_verify_finish (f->downloads, result, error);
}

static void
test_verify_again (Fixture *f, gconstpointer data)
{
  QuernDownload *download = add (f, "Q4_K_M");
  g_autofree char *path = g_strdup (quern_download_get_path (download)), *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  quern_downloads_clear_complete (f->downloads);
  close_queue (f);
  open_queue (f);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->downloads)), ==, 0);
  g_assert_true (verify (f, path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  content[size / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, content, size, NULL));
  g_assert_false (verify (f, path, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED);
  g_clear_error (&error);
  g_assert_false (verify (f, "/etc/hostname", &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_FAILED);
}

/* What other programs keep under the name of its hash can be verified too, through their links. */
static void
test_verify_by_name (Fixture *f, gconstpointer data)
{
  g_autofree char *sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "m-Q4_K_M.gguf");
  g_autofree char *blob = g_strdup_printf ("%s/sha256-%s", f->base.models, sha256), *content = NULL;
  g_autofree char *link = g_build_filename (f->base.models, "link.gguf", NULL);
  QuernDownload *download = add (f, "Q4_K_M");
  g_autoptr (GError) error = NULL;
  gsize size;

  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_cmpint (g_rename (quern_download_get_path (download), blob), ==, 0);
  g_assert_cmpint (symlink (blob, link), ==, 0);
  g_assert_true (verify (f, link, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (blob, &content, &size, NULL));
  content[0] ^= 1;
  g_assert_true (g_file_set_contents (blob, content, size, NULL));
  g_assert_false (verify (f, link, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  QuernDownload *download = add_held (f, "Q4_K_M", SIZE / 4);
  g_autofree char *folder = g_build_filename (f->base.models, REPO, NULL);

  quern_downloads_cancel (f->downloads, download);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->downloads)), ==, 0);
  TEST_WAIT_UNTIL (!quern_downloads_is_active (f->downloads));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS)); /* nothing stays behind */
}

/* ---- checksums and names --------------------------------------------------------------------------------------- */

static void
add_fault (Fixture *f, QuernFaultKind kind, const char *path, guint64 after, guint64 value)
{
  const QuernFault fault = { kind, path, after, value, 0 };

  quern_test_hub_add_fault (f->base.hub, &fault);
}

/* The list of files tells no checksum, or in capitals; the answer about the file does: wrong bytes are not installed. */
static void
test_hash_from_elsewhere (Fixture *f, gconstpointer data)
{
  const guint64 kinds[] = { QUERN_HASH_MISSING, QUERN_HASH_CAPITALS, QUERN_HASH_OID };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    QuernDownload *download;

    add_fault (f, QUERN_FAULT_LISTED_HASH, "/api/", 0, kinds[i]);
    add_fault (f, QUERN_FAULT_CORRUPT, "Q4_K_M", 100, 0);
    load_repo (f);
    download = add (f, "Q4_K_M");
    wait_for (download, QUERN_DOWNLOAD_FAILED);
    g_assert_error (quern_download_get_error (download), QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED);
    g_assert_true (is_absent (f, "m-Q4_K_M.gguf"));
    quern_test_hub_clear (f->base.hub);
    quern_downloads_cancel (f->downloads, download);
  }
  add_fault (f, QUERN_FAULT_LISTED_HASH, "/api/", 0, QUERN_HASH_MISSING);
  load_repo (f);
  wait_for (add (f, "Q4_K_M"), QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (quern_download_get_verifiable (entry (f, 0)));
}

/* Where nobody tells a checksum the model is installed, and marked: in the queue, in the library, and when it is to be
 * verified again. The mark stays. */
static void
test_unverified (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->base.models, REPO, "m-Q4_K_M.gguf", NULL);
  g_autoptr (GPtrArray) receipts = NULL;
  guint n_unverified = 0;
  g_autoptr (GError) error = NULL;
  QuernDownload *download;

  add_fault (f, QUERN_FAULT_LISTED_HASH, "/api/", 0, QUERN_HASH_MISSING);
  add_fault (f, QUERN_FAULT_LINKED_HASH, "m-Q4_K_M", 0, QUERN_HASH_MISSING);
  load_repo (f);
  download = add (f, "Q4_K_M");
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_false (quern_download_get_verifiable (download));
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
  quern_downloads_clear_complete (f->downloads);
  close_queue (f);
  receipts = quern_receipts_read ();
  for (guint i = 0; i < receipts->len; i++) {
    const QuernReceipt *receipt = receipts->pdata[i];
    g_assert_true (receipt->verified || g_str_equal (receipt->target, path)); /* the vision file is verified */
    n_unverified += !receipt->verified;
  }
  g_assert_cmpuint (n_unverified, ==, 1);
  open_queue (f);
  g_assert_false (verify (f, path, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_FAILED);
}

/* Two files of one name in one repository, both wanted: both are there, and each is what it was asked for as. */
static void
test_same_names (Fixture *f, gconstpointer data)
{
  const char *const paths[] = { "b.gguf", "a/b.gguf", "c-b.gguf", "c/b.gguf" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    quern_hub_fixture_add (&f->base, REPO, paths[i], 200000 + i, 10 + i);
  quern_test_hub_rescan (f->base.hub);
  load_repo (f);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    add (f, paths[i]);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->downloads)), ==, G_N_ELEMENTS (paths));
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    wait_for (entry (f, i), QUERN_DOWNLOAD_COMPLETE);
    g_assert_true (quern_hub_fixture_same (&f->base, REPO, paths[i], quern_download_get_path (entry (f, i))));
  }
}

/* The server asks for a day: that shows, in no more than ten minutes, and pausing ends it at once. */
static void
test_asked_to_wait (Fixture *f, gconstpointer data)
{
  QuernDownload *download;

  add_fault (f, QUERN_FAULT_STATUS, "/cdn/", 86400, 503);
  download = add (f, "Q4_K_M");
  TEST_WAIT_UNTIL (quern_download_get_wait (download) > 0);
  g_assert_cmpint (quern_download_get_wait (download), >, 500);
  g_assert_cmpint (quern_download_get_wait (download), <=, 600);
  quern_downloads_pause (f->downloads, download);
  TEST_WAIT_UNTIL (!quern_downloads_is_active (f->downloads));
  g_assert_cmpint (quern_download_get_wait (download), ==, 0);
  quern_test_hub_clear (f->base.hub);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
}

/* ---- restart --------------------------------------------------------------------------------------------------- */

static void
test_restart (Fixture *f, gconstpointer data)
{
  QuernDownload *download;

  add_held (f, "Q4_K_M", SIZE / 2);
  quern_downloads_pause (f->downloads, add (f, "Q8_0"));
  close_queue (f);
  open_queue (f);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->downloads)), ==, 2);
  download = entry (f, 0);
  g_assert_cmpstr (quern_download_get_label (download), ==, "Q4_K_M");
  g_assert_cmpuint (quern_download_get_bytes (download), >=, SIZE / 2);
  let_go (f);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE); /* went on by itself */
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
  g_assert_cmpint (quern_download_get_state (entry (f, 1)), ==, QUERN_DOWNLOAD_PAUSED);
}

static void
test_lost_database (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "quern", "downloads.db", NULL);
  QuernDownload *download;

  add_held (f, "Q4_K_M", SIZE / 2);
  close_queue (f);
  let_go (f);
  g_assert_true (
      g_file_set_contents (path, "this is no database, but long enough to look like one at first", -1, NULL));
  open_queue (f);
  download = entry (f, 0);
  g_assert_cmpstr (quern_download_get_repo (download), ==, REPO);
  g_assert_cmpstr (quern_download_get_label (download), ==, "Q4_K_M");
  g_assert_cmpint (quern_download_get_state (download), ==, QUERN_DOWNLOAD_PAUSED);
  g_assert_cmpuint (quern_download_get_bytes (download), >=, SIZE / 2);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------- */

static void
test_replaced (Fixture *f, gconstpointer data)
{
  QuernDownload *download = add_held (f, "Q4_K_M", SIZE / 4);

  quern_downloads_pause (f->downloads, download);
  TEST_WAIT_UNTIL (!quern_downloads_is_active (f->downloads));
  quern_hub_fixture_add (&f->base, REPO, "m-Q4_K_M.gguf", SIZE + 1000, 9);
  quern_test_hub_rescan (f->base.hub);
  let_go (f);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_FAILED);
  g_assert_nonnull (quern_download_get_message (download));
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
}

static void
test_damaged_is_never_installed (Fixture *f, gconstpointer data)
{
  const QuernFault fault = { QUERN_FAULT_CORRUPT, "Q4_K_M", 100, 0, 0 };
  QuernDownload *download;

  quern_test_hub_add_fault (f->base.hub, &fault);
  download = add (f, "Q4_K_M");
  wait_for (download, QUERN_DOWNLOAD_FAILED);
  g_assert_true (is_absent (f, "m-Q4_K_M.gguf"));
  g_assert_cmpuint (f->installed, ==, 0);
  quern_test_hub_clear (f->base.hub);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
}

static void
test_server_away (Fixture *f, gconstpointer data)
{
  const QuernFault fault = { QUERN_FAULT_STATUS, "/resolve/", 200, 503, 0 };
  QuernDownload *download;

  quern_test_hub_add_fault (f->base.hub, &fault);
  quern_hub_set_endpoint (f->client, quern_hub_fixture_dead_endpoint ());
  download = add (f, "Q4_K_M");
  wait_for (download, QUERN_DOWNLOAD_WAITING);
  g_assert_nonnull (quern_download_get_message (download));
  g_assert_cmpint (quern_download_get_wait (download), >, 0); /* the time until the next attempt, which runs down */
  g_assert_cmpint (quern_download_get_wait (download), <=, 15);
  TEST_WAIT_UNTIL (quern_download_get_wait (download) <= 13);
  quern_test_hub_clear (f->base.hub);
  quern_hub_set_endpoint (f->client, quern_test_hub_get_endpoint (f->base.hub));
  quern_downloads_resume (f->downloads, download); /* as when the network comes back */
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
}

static void
test_other_program (Fixture *f, gconstpointer data)
{
  g_autofree char *target = g_build_filename (f->base.models, REPO, "m-Q4_K_M.gguf", NULL);
  g_autofree char *sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "m-Q4_K_M.gguf");
  g_autoptr (QuernPart) other = quern_part_open (target, SIZE, sha256, NULL);
  QuernDownload *download = add (f, "Q4_K_M");

  wait_for (download, QUERN_DOWNLOAD_WAITING);
  g_assert_error (quern_download_get_error (download), QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_BUSY);
  g_clear_pointer (&other, quern_part_free);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE); /* tries again by itself */
}

/* A disk of 2 MB for files of 2.3 MB: paused at once, with how much is missing; goes on when there is room. */
static void
test_no_space (Fixture *f, gconstpointer data)
{
  QuernDownload *download;

  g_mkdir_with_parents (f->base.models, 0755);
  if (mount ("tmpfs", f->base.models, "tmpfs", 0, "size=2m") != 0) {
    g_test_skip_printf ("cannot mount a small disk: %s", g_strerror (errno));
    return;
  }
  download = add (f, "Q4_K_M");
  wait_for (download, QUERN_DOWNLOAD_NO_SPACE);
  g_assert_cmpuint (quern_download_get_missing (download), >=, 300000);
  g_assert_cmpuint (quern_download_get_missing (download), <, SIZE);
  g_assert_nonnull (quern_download_get_message (download));
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), ==, 0);
  g_assert_cmpint (mount ("tmpfs", f->base.models, "tmpfs", MS_REMOUNT, "size=8m"), ==, 0);
  quern_downloads_resume (f->downloads, download);
  wait_for (download, QUERN_DOWNLOAD_COMPLETE);
  g_assert_true (is_here (f, "m-Q4_K_M.gguf"));
  umount2 (f->base.models, MNT_DETACH);
}

/* ---- quern-cli pull, killed ------------------------------------------------------------------------------------ */

static GPid
spawn_pull (Fixture *f, const char *what)
{
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  const char *argv[] = { program, "pull", "--quiet", what, NULL };
  g_auto (GStrv)
      env = g_environ_setenv (g_get_environ (), "HF_ENDPOINT", quern_test_hub_get_endpoint (f->base.hub), TRUE);
  g_autoptr (GError) error = NULL;
  GPid pid = 0;

  g_spawn_async (NULL, (char **) argv, env, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid,
                 &error);
  g_assert_no_error (error);
  return pid;
}

/* Runs quern-cli; returns its exit code and what it wrote to both outputs. */
static int
run_cli (Fixture *f, const char *endpoint, const char *const *arguments, char **output)
{
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (argv, program);
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_setenv (launcher, "HF_ENDPOINT", endpoint, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, output, NULL, &error));
  g_assert_no_error (error);
  return g_subprocess_get_exit_status (process);
}

#define RUN(f, output, ...)                                                                                            \
  run_cli (f, quern_test_hub_get_endpoint ((f)->base.hub), (const char *const[]) { __VA_ARGS__, NULL }, output)

static void
test_cli_unverified (Fixture *f, gconstpointer data)
{
  g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q2_K.gguf", NULL), *content = NULL;
  g_autofree char *there = g_build_filename (f->base.files, "quern/Marked-GGUF", "marked-Q2_K.gguf", NULL);
  g_autofree char *folder = g_path_get_dirname (there), *pulled = NULL, *listed = NULL, *shown = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (tiny, &content, &size, NULL));
  g_mkdir_with_parents (folder, 0755);
  g_assert_true (g_file_set_contents (there, content, size, NULL));
  quern_test_hub_rescan (f->base.hub);
  add_fault (f, QUERN_FAULT_LISTED_HASH, "/api/", 0, QUERN_HASH_MISSING);
  add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, QUERN_HASH_MISSING);
  g_assert_cmpint (RUN (f, &pulled, "pull", "quern/Marked-GGUF:Q2_K"), ==, 0);
  g_assert_nonnull (strstr (pulled, "Not verified"));
  g_assert_cmpint (RUN (f, &listed, "list"), ==, 0);
  g_assert_nonnull (strstr (listed, "marked-q2_k "));
  g_assert_nonnull (strstr (strstr (listed, "marked-q2_k "), ", not verified"));
  g_assert_cmpint (RUN (f, &shown, "show", "--json", "marked-q2_k"), ==, 0);
  g_assert_nonnull (strstr (shown, "\"unverified\" : true"));
}

/* No other hub is asked in place of one that has no address. */
static void
test_cli_wrong_address (Fixture *f, gconstpointer data)
{
  const char *const addresses[] = { "ftp://mirror.example", "file:///srv", "not an address" };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++) {
    g_autofree char *pulled = NULL, *found = NULL;

    g_assert_cmpint (run_cli (f, addresses[i], (const char *const[]) { "pull", REPO, NULL }, &pulled), ==, 2);
    g_assert_cmpint (run_cli (f, addresses[i], (const char *const[]) { "search", "x", NULL }, &found), ==, 2);
    g_assert_nonnull (strstr (pulled, addresses[i]));
    g_assert_nonnull (strstr (found, addresses[i]));
  }
}

/* Waits for the program; kills it when `limit` microseconds are over. TRUE: it ended well by itself. */
static gboolean
await_or_kill (GPid pid, gint64 limit)
{
  gint64 end = g_get_monotonic_time () + limit;
  int status;

  while (waitpid (pid, &status, WNOHANG) == 0) {
    if (g_get_monotonic_time () < end) {
      g_usleep (2000);
      continue;
    }
    kill (pid, SIGKILL);
    waitpid (pid, &status, 0);
    return FALSE;
  }
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  return TRUE;
}

/* Bytes of a file with this hash that are not on the disk yet, as far as is recorded. */
static guint64
missing (Fixture *f, const char *path, guint64 size)
{
  g_autofree char *target = g_build_filename (f->base.models, REPO, path, NULL);
  g_autofree char *sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, path);

  return is_here (f, path) ? 0 : size - quern_part_peek_bytes (target, size, sha256);
}

#define BOTH(f) (missing (f, "m-Q4_K_M.gguf", SIZE) + missing (f, "mmproj-F16.gguf", 300000))

/* Whenever a program is killed: what has its name is right, what was recorded stays, and the next one fetches nothing that
 * was recorded. How far each one comes is left to chance and to the machine. */
static void
test_killed (Fixture *f, gconstpointer data)
{
  guint kills = g_getenv ("QUERN_TEST_KILLS") ? (guint) atoi (g_getenv ("QUERN_TEST_KILLS")) : 20, killed = 0,
        rounds = 0;
  g_autofree char *folder = g_build_filename (f->base.models, REPO, NULL);

  quern_test_hub_set_rate (f->base.hub, 4 * 1024 * 1024); /* half a second or so for one download */
  while (killed < kills) {
    gboolean done = FALSE;

    quern_remove_tree (folder);
    rounds++;
    for (guint in_round = 0; !done; in_round++) {
      guint64 before = BOTH (f), sent = quern_test_hub_content_bytes (f->base.hub);
      GPid pid = spawn_pull (f, REPO ":Q4_K_M");

      done = await_or_kill (pid,
                            in_round < 12 ? g_test_rand_int_range (20000, 700000) : TEST_WAIT_SECONDS * G_USEC_PER_SEC);
      killed += !done;
      g_assert_cmpuint (BOTH (f), <=, before);
      g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub) - sent, <=, before);
      g_assert_true (is_absent (f, "m-Q4_K_M.gguf") || is_here (f, "m-Q4_K_M.gguf"));
      g_assert_true (is_absent (f, "mmproj-F16.gguf") || is_here (f, "mmproj-F16.gguf"));
    }
    g_assert_cmpuint (BOTH (f), ==, 0);
  }
  guint64 cost = quern_test_hub_content_bytes (f->base.hub), content = rounds * (guint64) (SIZE + 300000);
  g_test_message ("%u kills in %u downloads; fetched %.2f times the content", killed, rounds,
                  (double) cost / (double) content);
  /* A kill may cost what was not yet recorded: two tenths of a second at 4 MB/s, and the system may be slow. */
  g_assert_cmpfloat ((double) cost, <=, 1.05 * (double) content + (double) killed * 1024 * 1024);
}

static void
wait_for_less (Fixture *f, guint64 bytes)
{
  gint64 end = g_get_monotonic_time () + TEST_WAIT_SECONDS * G_USEC_PER_SEC;

  while (BOTH (f) >= bytes && g_get_monotonic_time () < end)
    g_usleep (5000);
}

/* What a program has got to by the time it is killed is recorded while it runs, not at its end: each one goes on from there. */
static void
test_killed_keeps_progress (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5; i++) {
    guint64 before = BOTH (f), sent = quern_test_hub_content_bytes (f->base.hub);
    GPid pid;
    int status;

    quern_test_hub_set_allowance (f->base.hub, SIZE / 6);
    pid = spawn_pull (f, REPO ":Q4_K_M");
    wait_for_less (f, before);
    g_assert_cmpint (waitpid (pid, &status, WNOHANG), ==, 0); /* it waits for more */
    kill (pid, SIGKILL);
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_cmpuint (BOTH (f), <, before);
    g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub) - sent, <=, before);
  }
  let_go (f);
  g_assert_cmpuint (BOTH (f), >, 0);
  g_assert_true (await_or_kill (spawn_pull (f, REPO ":Q4_K_M"), TEST_WAIT_SECONDS * G_USEC_PER_SEC));
  g_assert_cmpuint (BOTH (f), ==, 0);
}

int
main (int argc, char *argv[])
{
  quern_hub_fixture_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/download-queue/" path, Fixture, NULL, setup, function, teardown)
  ADD ("item-with-vision", test_item_with_vision);
  ADD ("split-item", test_split_item);
  ADD ("vision-once", test_vision_once);
  ADD ("order", test_order);
  ADD ("pause-resume", test_pause_resume);
  ADD ("pause-resume-quickly", test_pause_resume_quickly);
  ADD ("verify-again", test_verify_again);
  ADD ("verify-by-name", test_verify_by_name);
  ADD ("cancel", test_cancel);
  ADD ("restart", test_restart);
  ADD ("lost-database", test_lost_database);
  ADD ("replaced", test_replaced);
  ADD ("damaged-is-never-installed", test_damaged_is_never_installed);
  ADD ("server-away", test_server_away);
  ADD ("other-program", test_other_program);
  ADD ("no-space", test_no_space);
  ADD ("hash-from-elsewhere", test_hash_from_elsewhere);
  ADD ("unverified", test_unverified);
  ADD ("same-names", test_same_names);
  ADD ("asked-to-wait", test_asked_to_wait);
  ADD ("cli-unverified", test_cli_unverified);
  ADD ("cli-wrong-address", test_cli_wrong_address);
  ADD ("killed", test_killed);
  ADD ("killed-keeps-progress", test_killed_keeps_progress);
#undef ADD
  return g_test_run ();
}
