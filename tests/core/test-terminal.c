/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quern-store.h"
#include "test-util.h"

/* quern-cli chat as people meet it in a terminal, which is a pseudo-terminal here: keys go in, the screen comes out. */

typedef struct {
  char *folder;
  pid_t pid; /* 0: not running */
  int terminal;
  GString *screen; /* all that came out */
  gsize read;      /* of the screen, up to where what was waited for ended */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->screen = g_string_new (NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  if (f->pid > 0) {
    kill (f->pid, SIGKILL);
    waitpid (f->pid, NULL, 0);
    close (f->terminal);
  }
  g_string_free (f->screen, TRUE);
  test_remove_folder (f->folder);
  g_free (f->folder);
}

/* Starts quern-cli with arguments that end with NULL. */
static void
start (Fixture *f, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  struct winsize size = { .ws_row = 40, .ws_col = 200 };
  va_list list;

  g_ptr_array_add (arguments, program);
  va_start (list, f);
  for (char *argument = va_arg (list, char *); argument; argument = va_arg (list, char *))
    g_ptr_array_add (arguments, argument);
  va_end (list);
  g_ptr_array_add (arguments, NULL);
  g_setenv ("XDG_DATA_HOME", f->folder, TRUE);
  g_setenv ("TERM", "dumb", TRUE);
  g_setenv ("INPUTRC", "/dev/null", TRUE);
  f->pid = forkpty (&f->terminal, NULL, NULL, &size);
  g_assert_cmpint (f->pid, >=, 0);
  if (f->pid == 0) {
    execv (program, (char **) arguments->pdata);
    _exit (127);
  }
  f->read = 0;
  g_string_truncate (f->screen, 0);
}

/* Reads what comes, for a moment. Returns FALSE at the end of the program's output. */
static gboolean
read_more (Fixture *f)
{
  struct pollfd wait = { .fd = f->terminal, .events = POLLIN };
  char buffer[4096];
  ssize_t n;

  if (poll (&wait, 1, 100) <= 0)
    return TRUE;
  n = read (f->terminal, buffer, sizeof buffer);
  if (n <= 0)
    return n < 0 && errno == EINTR;
  g_string_append_len (f->screen, buffer, n);
  return TRUE;
}

/* Waits until one of two texts is on the screen, below what was waited for before. Returns it. */
static const char *
expect_either (Fixture *f, const char *text, const char *other)
{
  gint64 end = g_get_monotonic_time () + TEST_WAIT_SECONDS * G_USEC_PER_SEC;

  for (;;) {
    const char *wanted[] = { text, other };
    for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++) {
      const char *found = wanted[i] ? strstr (f->screen->str + f->read, wanted[i]) : NULL;
      if (found) {
        f->read = (gsize) (found - f->screen->str) + strlen (wanted[i]);
        return wanted[i];
      }
    }
    if (!read_more (f) || g_get_monotonic_time () > end)
      g_error ("“%s” did not come; on the screen: %s", text, f->screen->str);
  }
}

static void
expect (Fixture *f, const char *text)
{
  expect_either (f, text, NULL);
}

/* Waits for a text, and until the next line can be written: what is typed before goes to the terminal's own line, where Ctrl+D
 * means nothing to the program. */
static void
expect_said (Fixture *f, const char *text)
{
  expect (f, text);
  expect (f, "\n> ");
}

static void
type (Fixture *f, const char *keys)
{
  g_assert_cmpint (write (f->terminal, keys, strlen (keys)), ==, strlen (keys));
}

/* Waits until the program has ended. Returns its exit code. */
static int
end (Fixture *f)
{
  gint64 latest = g_get_monotonic_time () + TEST_WAIT_SECONDS * G_USEC_PER_SEC;
  int status;

  while (read_more (f))
    if (g_get_monotonic_time () > latest)
      g_error ("the program did not end; on the screen: %s", f->screen->str);
  g_assert_cmpint (waitpid (f->pid, &status, 0), ==, f->pid);
  f->pid = 0;
  close (f->terminal);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static QuernStore *
open_store (Fixture *f)
{
  g_autofree char *path = g_build_filename (f->folder, "quern", "quern.db", NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS) ? quern_store_open (path, NULL) : NULL;
}

static void
test_conversation (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = NULL;
  g_autofree char *saved = g_build_filename (f->folder, "saved.md", NULL), *text = NULL;
  g_autofree char *save = g_strdup_printf ("/save %s\r", saved);

  start (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", NULL);
  expect (f, "> ");
  type (f, "What is the capital of France?\r");
  expect_said (f, "The capital of France is Paris.");
  type (f, "/help\r");
  expect_said (f, "/image [FILE]");
  type (f, "/nonsense\r");
  expect_said (f, "There is no command “/nonsense”");
  type (f, "/think on\r");
  expect_said (f, "Thinking is on.");
  type (f, "/image /no/such.png\r");
  expect_said (f, "/no/such.png");
  type (f, "/model\r");
  expect_said (f, "quern-tiny");
  type (f, "/model no-such-model\r");
  expect_said (f, "There is no model");
  type (f, "/think off\r");
  expect_said (f, "Thinking is off.");
  type (f, "Who are you?\r");
  expect_said (f, "Who are you?");
  type (f, "\x10"); /* Ctrl+P */
  expect (f, "Who are you?");
  type (f, "\r");
  expect (f, "\n> ");
  type (f, save);
  expect_said (f, "Saved as");
  type (f, "\x04"); /* Ctrl+D */
  g_assert_cmpint (end (f), ==, 0);
  g_assert_true (g_file_get_contents (saved, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "What is the capital of France?"));
  g_assert_nonnull (strstr (text, "Who are you?"));
  g_unlink (saved);
  store = open_store (f);
  g_assert_true (!store || g_list_model_get_n_items (quern_store_get_conversations (store)) == 0);
  g_assert_false (test_folder_contains (f->folder, "capital"));
}

static void
test_keep (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernConversation) conversation = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) path = NULL;

  start (f, "chat", "-m", "quern-tiny", "--no-think", "--keep", "--system", "Be brief.", NULL);
  expect (f, "> ");
  type (f, "not this\x03"); /* Ctrl+C takes the line back */
  expect_said (f, "^C");
  type (f, "Who are you?\r");
  expect_said (f, "I am Quern Tiny");
  type (f, "/quit\r");
  g_assert_cmpint (end (f), ==, 0);
  store = open_store (f);
  g_assert_nonnull (store);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 1);
  conversation = g_list_model_get_item (quern_store_get_conversations (store), 0);
  g_assert_cmpstr (quern_conversation_get_title (conversation), ==, "Who are you?");
  g_assert_cmpstr (quern_conversation_get_system_prompt (conversation), ==, "Be brief.");
  quern_store_load_path_async (store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  path = quern_store_load_path_finish (store, result, NULL);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_nonnull (strstr (quern_message_get_content (path->pdata[1]), "I am Quern Tiny"));
  quern_store_close (store);
}

/* A single prompt is kept, too, and without a terminal. */
static void
test_keep_one (Fixture *f, gconstpointer data)
{
  g_autofree char *cli = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDIN_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernConversation) conversation = NULL;
  g_autofree char *output = NULL;

  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->folder, TRUE);
  process = g_subprocess_launcher_spawn (launcher, NULL, cli, "chat", "-m", "quern-tiny", "--no-think", "--keep",
                                         "Who are you?", NULL);
  g_assert_true (g_subprocess_communicate_utf8 (process, "", NULL, &output, NULL, NULL));
  g_assert_true (g_subprocess_get_successful (process));
  g_assert_true (g_str_has_prefix (output, "I am Quern Tiny"));
  store = open_store (f);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 1);
  conversation = g_list_model_get_item (quern_store_get_conversations (store), 0);
  g_assert_cmpstr (quern_conversation_get_title (conversation), ==, "Who are you?");
  quern_store_close (store);
}

/* What is piped in stands below the prompt. */
static void
test_pipe (Fixture *f, gconstpointer data)
{
  g_autofree char *cli = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocess)
      process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, cli, "chat",
                                  "-m", "quern-tiny", "--dry-run", "Sum", "this up:", NULL);
  g_autofree char *output = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (process, "line one\nline two\n", NULL, &output, NULL, NULL));
  g_assert_true (g_subprocess_get_successful (process));
  g_assert_nonnull (strstr (output, "Sum this up:\n\nline one\nline two"));
}

/* Ctrl+C stops the answer, and nothing else. The model of random weights goes on for hundreds of tokens, mostly: an answer that
 * had ended before the key came is asked for again. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  g_autofree char *model = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "goldens", "a-dense-F16.gguf", NULL);
  gboolean stopped = FALSE;

  start (f, "chat", "-m", model, "--temp", "1", "--seed", "3", NULL);
  expect (f, "> ");
  for (int i = 0; i < 20 && !stopped; i++) {
    type (f, "Go on and on\r");
    expect (f, "\r\n");
    while (f->screen->len < f->read + 20) /* it has begun */
      g_assert_true (read_more (f));
    type (f, "\x03");
    stopped = g_str_equal (expect_either (f, "Stopped.", "^C\r\n"), "Stopped.");
    expect (f, "> ");
  }
  g_assert_true (stopped);
  type (f, "/model quern-tiny\r");
  expect_said (f, "answers from now on");
  type (f, "/quit\r");
  g_assert_cmpint (end (f), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/terminal/conversation", Fixture, NULL, setup, test_conversation, teardown);
  g_test_add ("/terminal/keep", Fixture, NULL, setup, test_keep, teardown);
  g_test_add ("/terminal/keep-one", Fixture, NULL, setup, test_keep_one, teardown);
  g_test_add ("/terminal/pipe", Fixture, NULL, setup, test_pipe, teardown);
  g_test_add ("/terminal/stop", Fixture, NULL, setup, test_stop, teardown);
  return g_test_run ();
}
