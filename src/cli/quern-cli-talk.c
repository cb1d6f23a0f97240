/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli-talk.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <stdio.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "quern-chat-session.h"
#include "quern-chat-title.h"
#include "quern-cli.h"
#include "quern-export.h"
#include "quern-printable.h"

/* Lines are edited with readline, whose history is in memory alone: nothing that is written here stays unless --keep is given.
 * While a line is written the main loop stands still; while an answer is made readline does. Answers go to standard output,
 * everything else to standard error. */

typedef struct {
  const QuernCliTalk *what;
  QuernChatSession *session;
  QuernMessage *answer;            /* the one that is being made, or NULL */
  gsize shown[2];                  /* bytes of its text and of its reasoning that are on the screen */
  QuernPrintableStream streams[2]; /* likewise */
  gboolean terminal;               /* answers go to one */
  gboolean ended;
} Talk;

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static int interrupted = -1; /* an eventfd: Ctrl+C was pressed while a line was written */

/* Runs on whichever thread the system chose. */
static void
interrupted_cb (int signal)
{
  const guint64 one = 1;
  const int before = errno;

  if (write (interrupted, &one, sizeof one) < 0) /* the count is full: it was pressed before */
    errno = before;
}

/* Ctrl+C while a line is written: takes it back, as shells do. */
static void
forget_line (void)
{
  fputs ("^C\n", stderr);
  rl_on_new_line ();
  rl_replace_line ("", 0);
  rl_redisplay ();
}

/* Waits for a key or for Ctrl+C. Readline's own way learns of a signal only where that ends its wait, and another thread may
 * have taken it. */
static int
get_key (FILE *stream)
{
  struct pollfd wait[] = { { .fd = fileno (stream), .events = POLLIN }, { .fd = interrupted, .events = POLLIN } };
  guint64 times;

  for (;;) {
    if (poll (wait, G_N_ELEMENTS (wait), -1) < 0 && errno != EINTR)
      return EOF;
    if (read (interrupted, &times, sizeof times) == sizeof times)
      forget_line ();
    else if (wait[0].revents)
      return rl_getc (stream);
  }
}

/* Returns NULL at the end of the input. */
static char *
read_line (void)
{
  struct sigaction action = { .sa_handler = interrupted_cb, .sa_flags = SA_RESTART }, before;
  char *line;

  sigaction (SIGINT, &action, &before);
  line = readline ("> ");
  sigaction (SIGINT, &before, NULL);
  return line;
}

static void
init_readline (void)
{
  if (interrupted < 0)
    interrupted = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  rl_readline_name = "quern-cli";
  rl_outstream = stderr;
  rl_catch_signals = 0;
  rl_getc_function = get_key;
  using_history ();
  stifle_history (1000);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void
show_more (Talk *talk, gboolean reasoning)
{
  const char *text = reasoning ? quern_message_get_reasoning (talk->answer) : quern_message_get_content (talk->answer);
  gsize length = strlen (text);
  g_autoptr (GString) out = g_string_new (NULL);

  if (length < talk->shown[reasoning]) { /* it was taken for the other: what is on the screen stays there */
    talk->shown[reasoning] = length;
    return;
  }
  if (length == talk->shown[reasoning])
    return;
  if (!reasoning && talk->shown[FALSE] == 0 && talk->shown[TRUE] > 0)
    fputs ("\n\n", stderr);
  quern_printable_push (&talk->streams[reasoning], text + talk->shown[reasoning], length - talk->shown[reasoning], out);
  fputs (reasoning || talk->terminal ? out->str : text + talk->shown[reasoning], reasoning ? stderr : stdout);
  fflush (reasoning ? stderr : stdout);
  talk->shown[reasoning] = length;
}

static void
content_cb (Talk *talk)
{
  show_more (talk, FALSE);
}

static void
reasoning_cb (Talk *talk)
{
  show_more (talk, TRUE);
}

static void
forget_answer (Talk *talk)
{
  if (talk->answer == NULL)
    return;
  g_signal_handlers_disconnect_by_data (talk->answer, talk);
  g_clear_object (&talk->answer);
}

/* The answer comes into the conversation when the question is committed. */
static void
messages_changed_cb (GListModel *messages, guint position, guint removed, guint added, Talk *talk)
{
  guint n = g_list_model_get_n_items (messages);
  g_autoptr (QuernMessage) last = n > 0 ? g_list_model_get_item (messages, n - 1) : NULL;

  if (added == 0 || last == NULL || last == talk->answer || quern_message_get_role (last) != QUERN_ROLE_ASSISTANT)
    return;
  forget_answer (talk);
  talk->answer = g_object_ref (last);
  memset (talk->shown, 0, sizeof talk->shown);
  memset (talk->streams, 0, sizeof talk->streams);
  g_signal_connect_swapped (last, "notify::content", G_CALLBACK (content_cb), talk);
  g_signal_connect_swapped (last, "notify::reasoning", G_CALLBACK (reasoning_cb), talk);
  reasoning_cb (talk);
  content_cb (talk);
}

static gboolean
talk_interrupt_cb (gpointer data)
{
  quern_chat_session_stop (((Talk *) data)->session);
  return G_SOURCE_CONTINUE;
}

/* Says how the answer ended, where it did not by itself. */
static void
tell_end (Talk *talk)
{
  QuernMessageState state = talk->answer ? quern_message_get_state (talk->answer) : QUERN_MESSAGE_COMPLETE;

  putchar ('\n');
  fflush (stdout);
  if (state == QUERN_MESSAGE_STOPPED)
    quern_cli_line (stderr, "%s", _("Stopped."));
  else if (state == QUERN_MESSAGE_LENGTH)
    quern_cli_line (stderr, "%s", _("The answer is cut off: it has reached its greatest length."));
  else if (state == QUERN_MESSAGE_FAILED && quern_message_get_failure (talk->answer))
    quern_cli_line (stderr, "%s", quern_message_get_failure (talk->answer));
  if (quern_chat_session_get_note (talk->session))
    quern_cli_line (stderr, "%s", quern_chat_session_get_note (talk->session));
}

static void
talk_ask (Talk *talk, const char *text)
{
  QuernQuestion *question = quern_chat_session_get_question (talk->session);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint interrupt;

  quern_question_set_text (question, text);
  interrupt = g_unix_signal_add (SIGINT, talk_interrupt_cb, talk);
  quern_chat_session_ask_async (talk->session, question, NULL, quern_keep_result_cb, &result);
  if (quern_chat_session_ask_finish (talk->session, quern_cli_wait (&result), &error)) {
    tell_end (talk);
  } else {
    quern_cli_line (stderr, "%s", error->message);
    if (quern_chat_session_get_refused (talk->session) != NULL)
      quern_chat_session_withdraw (talk->session);
    quern_question_set_text (quern_chat_session_get_question (talk->session), "");
  }
  g_source_remove (interrupt);
  forget_answer (talk);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

static void
think (Talk *talk, const char *argument)
{
  QuernModel *model = quern_chat_session_get_model (talk->session);
  gboolean wanted = !quern_chat_session_get_thinking (talk->session);

  if (g_str_equal (argument, "on"))
    wanted = TRUE;
  else if (g_str_equal (argument, "off"))
    wanted = FALSE;
  else if (*argument != '\0') {
    quern_cli_line (stderr, "%s", _("/think takes “on” or “off”, or nothing."));
    return;
  }
  if (model == NULL || !quern_model_get_info (model)->chat.thinking_switchable) {
    quern_cli_line (stderr, "%s", _("This model has no switch for thinking."));
    return;
  }
  quern_chat_session_set_thinking (talk->session, wanted);
  quern_cli_line (stderr, "%s", wanted ? _("Thinking is on.") : _("Thinking is off."));
}

static void
add (Talk *talk, QuernAttachment *attachment)
{
  g_list_store_append (quern_question_get_attachments (quern_chat_session_get_question (talk->session)), attachment);
  quern_cli_line (stderr, _("%s goes with the next question."), quern_attachment_get_name (attachment));
}

static void
attach (Talk *talk, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) attachment = NULL;

  if (*path == '\0') {
    g_list_store_remove_all (quern_question_get_attachments (quern_chat_session_get_question (talk->session)));
    quern_cli_line (stderr, "%s", _("No pictures go with the next question."));
    return;
  }
  attachment = quern_cli_attach_picture (path, &error);
  if (attachment == NULL) {
    quern_cli_line (stderr, "%s", error->message);
    return;
  }
  add (talk, attachment);
}

static void
save (Talk *talk, const char *path)
{
  g_autoptr (GListStore) list = g_list_store_new (QUERN_TYPE_CONVERSATION);
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernExportFormat format = g_str_has_suffix (path, ".json")   ? QUERN_EXPORT_JSON
                             : g_str_has_suffix (path, ".html") ? QUERN_EXPORT_HTML
                                                                : QUERN_EXPORT_MARKDOWN;

  if (*path == '\0') {
    quern_cli_line (stderr, "%s", _("/save takes the name of a file: .md, .html or .json."));
    return;
  }
  if (g_file_query_exists (file, NULL)) {
    quern_cli_line (stderr, _("“%s” is there already; choose another name."), path);
    return;
  }
  g_list_store_append (list, talk->what->conversation);
  quern_export_async (talk->what->store, G_LIST_MODEL (list), format, file, NULL, quern_keep_result_cb, &result);
  if (quern_export_finish (quern_cli_wait (&result), &error))
    quern_cli_line (stderr, _("Saved as “%s”."), path);
  else
    quern_cli_line (stderr, "%s", error->message);
}

static void
choose_model (Talk *talk, const char *id)
{
  QuernModel *now = quern_chat_session_get_model (talk->session);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernModel) model = NULL;

  if (*id == '\0') {
    quern_cli_line (stderr, "%s", now ? quern_model_get_id (now) : _("No model is chosen."));
    return;
  }
  model = quern_cli_find_model (talk->what->library, id, &error);
  if (model == NULL) {
    quern_cli_line (stderr, "%s", error->message);
    return;
  }
  quern_chat_session_set_model (talk->session, model);
  quern_cli_tell_place (model);
  quern_cli_line (stderr, _("“%s” answers from now on."), quern_model_get_title (model));
}

static void
help (Talk *talk, const char *argument)
{
  fputs (_("/think [on|off]  think before answering, or not\n"
           "/image [FILE]    send a picture with the next question; without FILE: none\n"
           "/model [MODEL]   go on with another model; without MODEL: which one it is\n"
           "/save FILE       write the conversation as .md, .html or .json\n"
           "/help            this list\n"
           "/quit            end, as Ctrl+D does; Ctrl+C stops an answer\n"),
         stderr);
}

static void
quit (Talk *talk, const char *argument)
{
  talk->ended = TRUE;
}

/* Returns: whether @line was a command, or is to be none that is known */
static gboolean
obey (Talk *talk, const char *line)
{
  static const struct {
    const char *name;
    void (*run) (Talk *talk, const char *argument);
  } commands[] = {
    { "/think", think },        { "/image", attach }, { "/save", save },
    { "/model", choose_model }, { "/help", help },    { "/quit", quit },
  };
  gsize length = strcspn (line, " \t");
  g_autofree char *argument = g_strstrip (g_strdup (line + length));

  if (*line != '/' || strpbrk (line, "\n") != NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (length == strlen (commands[i].name) && strncmp (line, commands[i].name, length) == 0) {
      commands[i].run (talk, argument);
      return TRUE;
    }
  if (memchr (line + 1, '/', length - 1) != NULL) /* a path */
    return FALSE;
  quern_cli_line (stderr, _("There is no command “%.*s”. /help lists them."), (int) length, line);
  return TRUE;
}

/* ---- the conversation ------------------------------------------------------------------------------------------- */

static void
talk_turn (Talk *talk, const char *line)
{
  g_autofree char *text = g_strstrip (g_utf8_make_valid (line, -1));

  if (*text == '\0')
    return;
  add_history (text);
  if (!obey (talk, text))
    talk_ask (talk, text);
}

/**
 * quern_cli_attach_picture:
 *
 * Returns: (transfer full) (nullable): the picture in a file; the error names the file
 */
QuernAttachment *
quern_cli_attach_picture (const char *path, GError **error)
{
  g_autoptr (QuernPicture) picture = quern_cli_load_picture (path, error);
  g_autofree char *name = g_path_get_basename (path), *shown = g_filename_display_name (name);

  return picture
             ? quern_attachment_new (shown, quern_picture_get_mime_type (picture), quern_picture_get_source (picture))
             : NULL;
}

/**
 * quern_cli_keep:
 *
 * Keeps a question with its answer, which the caller has filled in, as a conversation that the window lists.
 */
void
quern_cli_keep (QuernStore *store, QuernConversation *conversation, QuernMessage *question, QuernMessage *answer)
{
  g_autofree char *title = quern_chat_title_from_question (quern_message_get_content (question));

  quern_conversation_set_title (conversation, title, FALSE);
  quern_store_append_message (store, conversation, NULL, question);
  quern_store_append_message (store, conversation, question, answer);
  quern_store_save_message (store, answer);
}

/**
 * quern_cli_talk:
 *
 * Returns: the exit code of the program
 */
int
quern_cli_talk (const QuernCliTalk *what)
{
  Talk talk = { .what = what, .terminal = isatty (STDOUT_FILENO) };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  talk.session = quern_chat_session_new (what->store, what->backend, what->library, what->conversation);
  quern_chat_session_load_async (talk.session, NULL, quern_keep_result_cb, &result);
  if (!quern_chat_session_load_finish (talk.session, quern_cli_wait (&result), &error)) {
    g_object_unref (talk.session);
    return quern_cli_fail (g_steal_pointer (&error));
  }
  quern_chat_session_set_model (talk.session, what->model);
  g_signal_connect (quern_chat_session_get_messages (talk.session), "items-changed", G_CALLBACK (messages_changed_cb),
                    &talk);
  for (char **path = what->images; path != NULL && *path != NULL; path++)
    attach (&talk, *path);
  for (guint i = 0; i < what->documents->len; i++)
    add (&talk, what->documents->pdata[i]);
  quern_cli_tell_place (what->model);
  quern_cli_line (stderr, _("“%s” answers. /help lists commands; Ctrl+D ends."), quern_model_get_title (what->model));
  init_readline ();
  while (!talk.ended) {
    char *line = read_line ();
    if (line == NULL)
      break;
    talk_turn (&talk, line);
    free (line);
  }
  if (!talk.ended)
    fputc ('\n', stderr);
  clear_history ();
  forget_answer (&talk);
  g_signal_handlers_disconnect_by_data (quern_chat_session_get_messages (talk.session), &talk);
  g_object_unref (talk.session);
  return QUERN_CLI_OK;
}
