/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The download of one file against a hub that misbehaves in every way we know: right bytes on disk, or a clear error and
 * a second try that works. */

#include "config.h"

#include "quern-fetch.h"
#include "quern-hub-fixture.h"

#include <glib/gstdio.h>
#include <fcntl.h>
#include <unistd.h>

#define REPO "quern/Test-GGUF"
#define FILE_NAME "model-Q4_K_M.gguf"
#define SIZE (3 * 1024 * 1024 + 4321)

typedef struct {
  QuernHubFixture base;
  QuernHub *client;
  QuernRateLimiter *limiter;
  char *target, *sha256;
  QuernFetchProgress progress;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  quern_hub_fixture_setup (&f->base, data);
  quern_hub_fixture_add (&f->base, REPO, FILE_NAME, SIZE, 1);
  quern_test_hub_rescan (f->base.hub);
  f->client = quern_hub_new ();
  quern_hub_set_endpoint (f->client, quern_test_hub_get_endpoint (f->base.hub));
  f->limiter = quern_rate_limiter_new ();
  f->target = g_build_filename (f->base.models, REPO, FILE_NAME, NULL);
  f->sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, FILE_NAME);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->client);
  quern_rate_limiter_free (f->limiter);
  g_free (f->target);
  g_free (f->sha256);
  quern_hub_fixture_clear (&f->base, data);
}

static gboolean
fetch (Fixture *f, GCancellable *cancellable, GError **error)
{
  const QuernFetchSpec spec = { .hub = f->client,
                                .repo = REPO,
                                .revision = "main",
                                .path = FILE_NAME,
                                .size = SIZE,
                                .sha256 = f->sha256,
                                .target = f->target,
                                .limiter = f->limiter };

  f->progress = (QuernFetchProgress) { 0 };
  return quern_fetch_run (&spec, &f->progress, cancellable, error);
}

static void
assert_installs (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *facts = g_strconcat (f->target, ".part.facts", NULL);

  g_assert_false (g_file_test (f->target, G_FILE_TEST_EXISTS));
  g_assert_true (quern_part_install (f->target, &error));
  g_assert_no_error (error);
  g_assert_true (quern_hub_fixture_same (&f->base, REPO, FILE_NAME, f->target));
  g_assert_false (g_file_test (facts, G_FILE_TEST_EXISTS));
}

static void
assert_fetches (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = fetch (f, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpuint (quern_fetch_progress_get (&f->progress).bytes, ==, SIZE);
  assert_installs (f);
}

static void
add_fault (Fixture *f, QuernFaultKind kind, const char *path, guint64 after, guint64 value, guint times)
{
  const QuernFault fault = { kind, path, after, value, times };

  quern_test_hub_add_fault (f->base.hub, &fault);
}

/* ---- without faults -------------------------------------------------------------------------------------------- */

static void
test_plain (Fixture *f, gconstpointer data)
{
  assert_fetches (f);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), ==, SIZE);
}

static void
test_parallel (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) log = NULL;
  guint ranges = 0;
  guint64 sum = 0;
  const gsize size = 24 * 1024 * 1024;
  QuernFetchSpec spec = { .hub = f->client, .repo = REPO, .revision = "main", .path = "large.gguf", .size = size };
  g_autofree char *target = g_build_filename (f->base.models, "large.gguf", NULL), *sha256 = NULL;
  g_autoptr (GError) error = NULL;

  quern_hub_fixture_add (&f->base, REPO, "large.gguf", size, 2);
  quern_test_hub_rescan (f->base.hub);
  quern_test_hub_set_rate (f->base.hub, 20 * 1024 * 1024);
  spec.target = target;
  spec.sha256 = sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "large.gguf");
  g_assert_true (quern_fetch_run (&spec, &f->progress, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (quern_part_install (target, &error));
  g_assert_true (quern_hub_fixture_same (&f->base, REPO, "large.gguf", target));
  log = quern_test_hub_dup_log (f->base.hub);
  for (guint i = 0; i < log->len; i++) {
    const QuernHubRequest *request = log->pdata[i];
    ranges += request->status == 206;
    sum += request->sent;
  }
  g_assert_cmpuint (ranges, >, 3);
  g_assert_cmpuint (sum, ==, size); /* nothing twice */
}

static void
test_empty_and_tiny (Fixture *f, gconstpointer data)
{
  const gsize sizes[] = { 1, 128 * 1024, 128 * 1024 + 1 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *target = g_build_filename (f->base.models, "tiny.gguf", NULL), *sha256 = NULL;
    QuernFetchSpec spec = {
      .hub = f->client, .repo = REPO, .revision = "main", .path = "tiny.gguf", .size = sizes[i], .target = target
    };
    g_autoptr (GError) error = NULL;

    quern_hub_fixture_add (&f->base, REPO, "tiny.gguf", sizes[i], i);
    quern_test_hub_rescan (f->base.hub);
    spec.sha256 = sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "tiny.gguf");
    quern_fetch_run (&spec, &f->progress, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (quern_part_install (target, &error));
    g_assert_true (quern_hub_fixture_same (&f->base, REPO, "tiny.gguf", target));
    g_unlink (target);
  }
}

/* ---- faults that a download survives by itself ----------------------------------------------------------------- */

typedef struct {
  const char *name;
  QuernFaultKind kind;
  const char *path;
  guint64 after, value;
  guint times;
  guint64 most; /* content bytes that it may cost at most; 0: not limited */
} Survivable;

static const Survivable survivable[] = {
  { "cut", QUERN_FAULT_CUT, "/cdn/", 200000, 0, 1, SIZE },
  { "cut-at-once", QUERN_FAULT_CUT, "/cdn/", 0, 0, 3, SIZE },
  { "cut-often", QUERN_FAULT_CUT, "/cdn/", 150000, 0, 5, SIZE },
  { "stall", QUERN_FAULT_STALL, "/cdn/", 100001, 0, 1, SIZE },
  { "corrupt", QUERN_FAULT_CORRUPT, "/cdn/", 2000000, 0, 1, 2 * SIZE },
  { "corrupt-first-byte", QUERN_FAULT_CORRUPT, "/cdn/", 0, 0, 1, SIZE + 128 * 1024 },
  { "corrupt-last-byte", QUERN_FAULT_CORRUPT, "/cdn/", SIZE - 1, 0, 1, 2 * SIZE },
  { "changed-etag", QUERN_FAULT_CHANGED_ETAG, "/cdn/", 0, 0, 1, 2 * SIZE },
  { "lying-length", QUERN_FAULT_LYING_LENGTH, "/cdn/", 0, 100, 2, 0 },
  { "wrong-range", QUERN_FAULT_WRONG_RANGE, "/cdn/", 0, 4096, 2, 0 },
  { "no-ranges", QUERN_FAULT_NO_RANGES, "/cdn/", 0, 0, 0, SIZE },
  { "slow-start", QUERN_FAULT_SLOW_START, "/cdn/", 0, 400, 1, SIZE },
  { "gzip", QUERN_FAULT_GZIP, "/cdn/", 0, 0, 2, 0 },
  { "content-403", QUERN_FAULT_STATUS, "/cdn/", 0, 403, 2, SIZE },
  { "content-416", QUERN_FAULT_STATUS, "/cdn/", 0, 416, 2, SIZE },
  { "content-429", QUERN_FAULT_STATUS, "/cdn/", 1, 429, 2, SIZE },
  { "content-500", QUERN_FAULT_STATUS, "/cdn/", 0, 500, 2, SIZE },
  { "content-503-retry-after", QUERN_FAULT_STATUS, "/cdn/", 1, 503, 1, SIZE },
  { "resolve-502", QUERN_FAULT_STATUS, "/resolve/", 0, 502, 2, SIZE },
  { "resolve-429", QUERN_FAULT_STATUS, "/resolve/", 1, 429, 1, SIZE },
  { "resolve-loop-once", QUERN_FAULT_REDIRECT_LOOP, "/resolve/", 0, 0, 18, SIZE },
};

static void
test_survives (Fixture *f, gconstpointer data)
{
  const Survivable *s = data;

  if (s->kind == QUERN_FAULT_STALL)
    quern_hub_set_timeout (f->client, 3);
  add_fault (f, s->kind, s->path, s->after, s->value, s->times);
  assert_fetches (f);
  g_assert_cmpuint (quern_test_hub_n_faults (f->base.hub), ==, s->times == 0 ? 1 : 0); /* it did happen */
  if (s->most > 0)
    g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), <=, s->most + 2 * 1024 * 1024);
}

static void
test_no_ranges_and_cut (Fixture *f, gconstpointer data)
{
  add_fault (f, QUERN_FAULT_NO_RANGES, "/cdn/", 0, 0, 0);
  add_fault (f, QUERN_FAULT_CUT, "/cdn/", 1000000, 0, 1);
  assert_fetches (f);
}

/* ---- faults that end it, and the retry after them -------------------------------------------------------------- */

typedef struct {
  const char *name;
  QuernFaultKind kind;
  const char *path;
  guint64 after, value;
  int code;
  gboolean download_domain;
} Fatal;

static const Fatal fatal[] = {
  { "resolve-401", QUERN_FAULT_STATUS, "/resolve/", 0, 401, QUERN_HUB_ERROR_UNAUTHORIZED, FALSE },
  { "resolve-404", QUERN_FAULT_STATUS, "/resolve/", 0, 404, QUERN_HUB_ERROR_NOT_FOUND, FALSE },
  { "resolve-403", QUERN_FAULT_STATUS, "/resolve/", 0, 403, QUERN_HUB_ERROR_UNAUTHORIZED, FALSE },
  { "corrupt-always", QUERN_FAULT_CORRUPT, "/cdn/", 5000, 0, QUERN_DOWNLOAD_ERROR_DAMAGED, TRUE },
};

static void
test_fails_clearly (Fixture *f, gconstpointer data)
{
  const Fatal *s = data;
  GQuark domain = s->download_domain ? QUERN_DOWNLOAD_ERROR : QUERN_HUB_ERROR;
  g_autoptr (GError) error = NULL;

  add_fault (f, s->kind, s->path, s->after, s->value, 0);
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, domain, s->code);
  g_assert_false (g_file_test (f->target, G_FILE_TEST_EXISTS));
  quern_test_hub_clear (f->base.hub);
  assert_fetches (f);
}

static void
test_hub_away (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  quern_hub_set_endpoint (f->client, quern_hub_fixture_dead_endpoint ());
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE);
  quern_hub_set_endpoint (f->client, quern_test_hub_get_endpoint (f->base.hub));
  assert_fetches (f);
}

static void
test_replaced (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  quern_hub_fixture_add (&f->base, REPO, FILE_NAME, SIZE, 77);
  quern_test_hub_rescan (f->base.hub);
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CHANGED);
  g_free (f->sha256);
  f->sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, FILE_NAME);
  assert_fetches (f);
}

/* ---- stop and go on -------------------------------------------------------------------------------------------- */

typedef struct {
  QuernFetchProgress *progress;
  GCancellable *cancellable;
  guint64 bytes;
} Stopper;

static gpointer
stop_thread (gpointer data)
{
  Stopper *stopper = data;

  while (quern_fetch_progress_get (stopper->progress).received < stopper->bytes) /* the test has a time limit */
    g_usleep (2000);
  g_cancellable_cancel (stopper->cancellable);
  return NULL;
}

/* Stops a download that has received so many bytes, and can get no more. */
static void
stop_after (Fixture *f, guint64 bytes)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Stopper stopper = { &f->progress, cancellable, bytes };
  GThread *thread;
  g_autoptr (GError) error = NULL;

  f->progress = (QuernFetchProgress) { 0 };
  quern_test_hub_set_allowance (f->base.hub, bytes);
  thread = g_thread_new ("stop", stop_thread, &stopper);
  g_assert_false (fetch (f, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  quern_test_hub_clear (f->base.hub);
  quern_test_hub_set_allowance (f->base.hub, G_MAXUINT64);
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  guint64 before;

  stop_after (f, SIZE / 2);
  before = quern_part_peek_bytes (f->target, SIZE, f->sha256);
  g_assert_cmpuint (before, ==, SIZE / 2);
  assert_fetches (f);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), <=, SIZE - before);
}

/* Another program wrote into the .part meanwhile: only the chunk that it hit is fetched again. */
static void
test_resume_damaged_part (Fixture *f, gconstpointer data)
{
  g_autofree char *part = g_strconcat (f->target, ".part", NULL);
  guint64 before;
  int fd;

  stop_after (f, SIZE / 2);
  before = quern_part_peek_bytes (f->target, SIZE, f->sha256);
  fd = g_open (part, O_WRONLY, 0);
  g_assert_cmpint (pwrite (fd, "damage", 6, 150000), ==, 6);
  close (fd);
  assert_fetches (f);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), <=, SIZE - before + 128 * 1024);
}

#define CUT 300000 /* in the middle of a chunk, the beginning of which is hashed by then */

/* While nothing more may come: damages what it wrote, and what it will be sent in its place. */
static gpointer
damage_thread (gpointer data)
{
  Fixture *f = data;
  g_autofree char *part = g_strconcat (f->target, ".part", NULL);
  int fd;

  while (quern_fetch_progress_get (&f->progress).bytes < CUT) /* the test has a time limit */
    g_usleep (1000);
  fd = g_open (part, O_WRONLY, 0);
  g_assert_cmpint (pwrite (fd, "damage", 6, CUT - 1000), ==, 6);
  close (fd);
  add_fault (f, QUERN_FAULT_CORRUPT, "/cdn/", CUT - 2000, 0, 1);
  quern_test_hub_set_allowance (f->base.hub, G_MAXUINT64);
  return NULL;
}

/* What was hashed while it arrived is not what is in the file at last. */
static void
test_rewritten (Fixture *f, gconstpointer data)
{
  GThread *thread;

  add_fault (f, QUERN_FAULT_CUT, "/cdn/", CUT, 0, 1);
  quern_test_hub_set_allowance (f->base.hub, CUT);
  thread = g_thread_new ("damage", damage_thread, f);
  assert_fetches (f);
  g_thread_join (thread);
  g_assert_cmpuint (quern_test_hub_n_faults (f->base.hub), ==, 0);
}

static guint
n_requests (Fixture *f, const char *host)
{
  g_autoptr (GPtrArray) log = quern_test_hub_dup_log (f->base.hub);
  guint n = 0;

  for (guint i = 0; i < log->len; i++)
    n += g_str_has_prefix (((const QuernHubRequest *) log->pdata[i])->host, host);
  return n;
}

/* A small file costs one request for where it is and one for what it is, however long each takes. */
static void
test_few_requests (Fixture *f, gconstpointer data)
{
  add_fault (f, QUERN_FAULT_SLOW_START, "/cdn/", 0, 300, 0);
  quern_test_hub_set_rate (f->base.hub, 4 * 1024 * 1024); /* slow enough to make more connections look useful */
  assert_fetches (f);
  g_assert_cmpuint (n_requests (f, "localhost"), ==, 1);
  g_assert_cmpuint (n_requests (f, "127.0.0.1"), ==, 1);
}

/* A large one on such a server costs not many either: each brings for ten times as long as its answer takes. */
static void
test_few_requests_large (Fixture *f, gconstpointer data)
{
  const gsize size = 64 * 1024 * 1024;
  QuernFetchSpec spec = { .hub = f->client, .repo = REPO, .revision = "main", .path = "large.gguf", .size = size };
  g_autofree char *target = g_build_filename (f->base.models, "large.gguf", NULL), *sha256 = NULL;
  g_autoptr (GError) error = NULL;

  quern_hub_fixture_add (&f->base, REPO, "large.gguf", size, 2);
  quern_test_hub_rescan (f->base.hub);
  quern_test_hub_set_rate (f->base.hub, 20 * 1024 * 1024);
  add_fault (f, QUERN_FAULT_SLOW_START, "/cdn/", 0, 300, 0);
  spec.target = target;
  spec.sha256 = sha256 = quern_test_hub_dup_sha256 (f->base.hub, REPO, "large.gguf");
  g_assert_true (quern_fetch_run (&spec, &f->progress, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (quern_part_install (target, &error));
  g_assert_true (quern_hub_fixture_same (&f->base, REPO, "large.gguf", target));
  g_assert_cmpuint (n_requests (f, "localhost"), <=, 12);
}

/* Size, hash and bytes are right: what the server calls the versions of the file is not asked. */
static void
test_new_etag_each_time (Fixture *f, gconstpointer data)
{
  add_fault (f, QUERN_FAULT_CHANGED_ETAG, "/cdn/", 0, 0, 0);
  add_fault (f, QUERN_FAULT_CUT, "/cdn/", 300000, 0, 8);
  assert_fetches (f);
  g_assert_cmpuint (quern_test_hub_content_bytes (f->base.hub), <=,
                    SIZE + 2 * 1024 * 1024); /* nothing from the start */
}

/* Replaces the file while nothing more of it may come. */
static gpointer
replace_thread (gpointer data)
{
  Fixture *f = data;

  while (quern_fetch_progress_get (&f->progress).bytes < CUT) /* the test has a time limit */
    g_usleep (1000);
  quern_hub_fixture_add (&f->base, REPO, FILE_NAME, SIZE, 77);
  add_fault (f, QUERN_FAULT_CHANGED_ETAG, "/cdn/", 0, 0, 1); /* what comes next is the new one ... */
  quern_test_hub_set_allowance (f->base.hub, G_MAXUINT64);
  return NULL;
}

/* Without a hash two versions of a file must not become one. */
static void
test_versions_are_not_mixed (Fixture *f, gconstpointer data)
{
  GThread *thread;

  g_clear_pointer (&f->sha256, g_free);
  add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, QUERN_HASH_MISSING, 0);
  add_fault (f, QUERN_FAULT_CUT, "/cdn/", CUT, 0, 1);
  quern_test_hub_set_allowance (f->base.hub, CUT);
  thread = g_thread_new ("replace", replace_thread, f);
  assert_fetches (f); /* compares it with the new one */
  g_thread_join (thread);
}

/* Nor over two runs of the program. */
static void
test_versions_are_not_mixed_later (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->sha256, g_free);
  add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, QUERN_HASH_MISSING, 0);
  stop_after (f, SIZE / 2);
  g_assert_cmpuint (quern_part_peek_bytes (f->target, SIZE, NULL), ==, SIZE / 2);
  add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, QUERN_HASH_MISSING, 0);
  quern_hub_fixture_add (&f->base, REPO, FILE_NAME, SIZE, 77);
  quern_test_hub_rescan (f->base.hub);
  assert_fetches (f);
}

/* What only the answer about the file tells is taken all the same, in capitals too: wrong bytes are found out. */
static void
test_hash_of_the_answer (Fixture *f, gconstpointer data)
{
  const guint64 kinds[] = { QUERN_HASH_CAPITALS, QUERN_HASH_PLAIN, QUERN_HASH_OID };

  g_clear_pointer (&f->sha256, g_free);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (GError) error = NULL;

    add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, kinds[i], 0);
    add_fault (f, QUERN_FAULT_CORRUPT, "/cdn/", 5000, 0, 0);
    g_assert_false (fetch (f, NULL, &error));
    g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED);
    quern_test_hub_clear (f->base.hub);
  }
  assert_fetches (f);
}

/* The same commit has one content: then the hub's two hashes cannot both be right. */
static void
test_hashes_contradict (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubResolved) resolved = quern_hub_resolve (f->client, REPO, "main", FILE_NAME, NULL, NULL, &error);
  QuernFetchSpec spec = { .hub = f->client, .repo = REPO, .path = FILE_NAME, .size = SIZE, .target = f->target };

  g_assert_no_error (error);
  spec.revision = resolved->commit;
  spec.sha256 = f->sha256;
  add_fault (f, QUERN_FAULT_LINKED_HASH, "/resolve/", 0, QUERN_HASH_WRONG, 0);
  g_assert_false (quern_fetch_run (&spec, &f->progress, NULL, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CONFLICT);
}

/* A byte now and then is no download. */
static void
test_trickle (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  quern_hub_set_timeout (f->client, 1);
  quern_test_hub_set_rate (f->base.hub, 50);
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE);
  quern_test_hub_clear (f->base.hub);
  quern_test_hub_set_rate (f->base.hub, 0);
  quern_hub_set_timeout (f->client, 60);
  assert_fetches (f);
}

static gpointer
end_wait_thread (gpointer data)
{
  Stopper *stopper = data;

  while (quern_fetch_progress_get (stopper->progress).wait_until == 0) /* the test has a time limit */
    g_usleep (2000);
  stopper->bytes = quern_fetch_progress_get (stopper->progress).wait_until - g_get_monotonic_time ();
  g_cancellable_cancel (stopper->cancellable);
  return NULL;
}

/* A server that asks for a day gets ten minutes, which show, and which can be ended. */
static void
test_asked_to_wait (Fixture *f, gconstpointer data)
{
  const char *const where[] = { "/cdn/", "/resolve/" };

  for (guint i = 0; i < G_N_ELEMENTS (where); i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    Stopper stopper = { &f->progress, cancellable, 0 };
    g_autoptr (GError) error = NULL;
    GThread *thread;

    f->progress = (QuernFetchProgress) { 0 };
    add_fault (f, QUERN_FAULT_STATUS, where[i], 86400, 429, 0);
    thread = g_thread_new ("end-wait", end_wait_thread, &stopper);
    g_assert_false (fetch (f, cancellable, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_thread_join (thread);
    g_assert_cmpuint (stopper.bytes, >, 500 * G_USEC_PER_SEC);
    g_assert_cmpuint (stopper.bytes, <=, 600 * G_USEC_PER_SEC);
    quern_test_hub_clear (f->base.hub);
  }
}

static void
test_resume_damaged_facts (Fixture *f, gconstpointer data)
{
  g_autofree char *facts = g_strconcat (f->target, ".part.facts", NULL), *text = NULL;

  stop_after (f, SIZE / 2);
  g_assert_true (g_file_get_contents (facts, &text, NULL, NULL));
  text[strlen (text) / 2] = '\0';
  g_assert_true (g_file_set_contents (facts, text, -1, NULL));
  g_assert_cmpuint (quern_part_peek_bytes (f->target, SIZE, f->sha256), ==, 0);
  assert_fetches (f);
}

static void
test_resume_without_ranges (Fixture *f, gconstpointer data)
{
  stop_after (f, SIZE / 2);
  add_fault (f, QUERN_FAULT_NO_RANGES, "/cdn/", 0, 0, 0);
  assert_fetches (f);
}

static void
test_rate (Fixture *f, gconstpointer data)
{
  gint64 begun = g_get_monotonic_time ();

  quern_rate_limiter_set_rate (f->limiter, 2 * SIZE);
  assert_fetches (f);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 450000);
}

static void
test_busy (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPart) other = quern_part_open (f->target, SIZE, f->sha256, &error);

  g_assert_no_error (error);
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_BUSY);
  g_clear_pointer (&other, quern_part_free);
  assert_fetches (f);
}

/* ---- the token ------------------------------------------------------------------------------------------------- */

static void
test_gated (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) log = NULL;
  guint hub_with = 0, content_with = 0;

  quern_hub_fixture_text (&f->base, REPO, "hub.json", "{\"gated\": \"manual\"}");
  quern_test_hub_rescan (f->base.hub);
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_GATED);
  g_clear_error (&error);
  quern_hub_set_token (f->client, "hf_other");
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_GATED);
  g_clear_error (&error);
  quern_hub_set_token (f->client, "hf_nonsense");
  g_assert_false (fetch (f, NULL, &error));
  g_assert_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_UNAUTHORIZED);
  quern_hub_set_token (f->client, "hf_accepted");
  assert_fetches (f);
  log = quern_test_hub_dup_log (f->base.hub);
  for (guint i = 0; i < log->len; i++) {
    const QuernHubRequest *request = log->pdata[i];

    if (g_str_has_prefix (request->host, "127.0.0.1"))
      hub_with += request->authorized;
    else
      content_with += request->authorized;
  }
  g_assert_cmpuint (hub_with, >=, 3);
  g_assert_cmpuint (content_with, ==, 0);
}

int
main (int argc, char *argv[])
{
  quern_hub_fixture_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/download/" path, Fixture, NULL, setup, function, teardown)
  ADD ("few-requests", test_few_requests);
  ADD ("few-requests-large", test_few_requests_large);
  ADD ("new-etag-each-time", test_new_etag_each_time);
  ADD ("versions-are-not-mixed", test_versions_are_not_mixed);
  ADD ("versions-are-not-mixed-later", test_versions_are_not_mixed_later);
  ADD ("hash-of-the-answer", test_hash_of_the_answer);
  ADD ("hashes-contradict", test_hashes_contradict);
  ADD ("trickle", test_trickle);
  ADD ("asked-to-wait", test_asked_to_wait);
  ADD ("plain", test_plain);
  ADD ("parallel", test_parallel);
  ADD ("empty-and-tiny", test_empty_and_tiny);
  ADD ("no-ranges-and-cut", test_no_ranges_and_cut);
  ADD ("hub-away", test_hub_away);
  ADD ("replaced", test_replaced);
  ADD ("resume", test_resume);
  ADD ("resume-damaged-part", test_resume_damaged_part);
  ADD ("rewritten", test_rewritten);
  ADD ("resume-damaged-facts", test_resume_damaged_facts);
  ADD ("resume-without-ranges", test_resume_without_ranges);
  ADD ("rate", test_rate);
  ADD ("busy", test_busy);
  ADD ("gated", test_gated);
#undef ADD
  for (guint i = 0; i < G_N_ELEMENTS (survivable); i++) {
    g_autofree char *path = g_strconcat ("/download/survives/", survivable[i].name, NULL);
    g_test_add (path, Fixture, &survivable[i], setup, test_survives, teardown);
  }
  for (guint i = 0; i < G_N_ELEMENTS (fatal); i++) {
    g_autofree char *path = g_strconcat ("/download/fails-clearly/", fatal[i].name, NULL);
    g_test_add (path, Fixture, &fatal[i], setup, test_fails_clearly, teardown);
  }
  return g_test_run ();
}
