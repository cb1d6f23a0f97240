/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"
#include "quern-local-backend.h"
#include "test-util.h"

/* A conversation with Quern Tiny in a database of its own. */

typedef struct {
  char *folder, *path;
  QuernStore *store;
  QuernLibrary *library;
  QuernLocalBackend *backend;
  QuernConversation *conversation;
  QuernChatSession *session;
} Fixture;

static inline void
scan (QuernLibrary *library)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_library_scan_async (library, NULL, test_result_cb, &result);
  test_wait_result (&result);
}

static inline void
load (QuernChatSession *session)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_chat_session_load_async (session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_chat_session_load_finish (session, result, &error));
  g_assert_no_error (error);
}

static inline void
open_all (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  GListModel *conversations;

  f->store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  f->library = quern_library_new (f->store);
  scan (f->library);
  f->backend = quern_local_backend_new ();
  conversations = quern_store_get_conversations (f->store);
  f->conversation = g_list_model_get_n_items (conversations) ? g_list_model_get_item (conversations, 0)
                                                             : quern_conversation_new ();
  f->session = quern_chat_session_new (f->store, QUERN_BACKEND (f->backend), f->library, f->conversation);
  load (f->session);
}

static inline void
close_all (Fixture *f)
{
  g_clear_object (&f->session);
  g_clear_object (&f->conversation);
  g_clear_object (&f->backend);
  g_clear_object (&f->library);
  quern_store_close (f->store);
  g_clear_object (&f->store);
}

static inline void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->path = g_build_filename (f->folder, "quern.db", NULL);
  open_all (f);
  quern_conversation_set_sampling (f->conversation,
                                   "{\"temperature\": 0, \"top_k\": 0, \"top_p\": 1, \"presence_penalty\": 0}");
  quern_chat_session_set_thinking (f->session, FALSE);
}

static inline void
teardown (Fixture *f, gconstpointer data)
{
  close_all (f);
  test_remove_folder (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

static inline QuernMessage *
message_at (Fixture *f, guint position)
{
  QuernMessage *message = g_list_model_get_item (quern_chat_session_get_messages (f->session), position);

  g_assert_nonnull (message);
  g_object_unref (message); /* the list holds it */
  return message;
}

static inline guint
n_messages (Fixture *f)
{
  return g_list_model_get_n_items (quern_chat_session_get_messages (f->session));
}

static inline void
finish (Fixture *f, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  gboolean answered;

  test_wait_result (result);
  answered = quern_chat_session_ask_finish (f->session, *result, &error);
  g_assert_no_error (error); /* first, for its message */
  g_assert_true (answered);
  g_assert_cmpint (quern_chat_session_get_state (f->session), ==, QUERN_SESSION_IDLE);
}

/* Writes a question in place of what was written. */
static inline void
write_question (QuernChatSession *session, const char *text, GListModel *attachments)
{
  QuernQuestion *question = quern_chat_session_get_question (session);

  quern_question_set_text (question, text);
  g_list_store_remove_all (quern_question_get_attachments (question));
  for (guint i = 0; attachments && i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_list_store_append (quern_question_get_attachments (question), attachment);
  }
}

/* Writes a question and asks it. */
static inline void
begin (QuernChatSession *session, const char *text, GListModel *attachments, GCancellable *cancellable,
       GAsyncResult **result)
{
  write_question (session, text, attachments);
  quern_chat_session_ask_async (session, quern_chat_session_get_question (session), cancellable, test_result_cb,
                                result);
}

static inline void
answer_again (QuernChatSession *session, QuernMessage *message, QuernModel *model, GAsyncResult **result)
{
  g_autoptr (QuernQuestion) question = quern_question_new_again (message, model);

  quern_chat_session_ask_async (session, question, NULL, test_result_cb, result);
}

static inline void
continue_answer (QuernChatSession *session, QuernMessage *answer, GAsyncResult **result)
{
  g_autoptr (QuernQuestion) question = quern_question_new_continue (answer);

  quern_chat_session_ask_async (session, question, NULL, test_result_cb, result);
}

static inline QuernMessage *
ask (Fixture *f, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;

  begin (f->session, text, NULL, NULL, &result);
  finish (f, &result);
  return message_at (f, n_messages (f) - 1);
}

/* Asking fails and changes nothing: the question can be written on, or it is refused and waits for a decision. */
static inline void
assert_fails (Fixture *f, const char *text, GListModel *attachments, QuernChatError code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint before = n_messages (f);
  QuernQuestion *question;

  begin (f->session, text, attachments, NULL, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (f->session, result, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, (int) code);
  g_assert_cmpuint (n_messages (f), ==, before);
  g_assert_cmpint (quern_chat_session_get_state (f->session), ==, QUERN_SESSION_IDLE);
  question = code == QUERN_CHAT_ERROR_TOO_LONG ? quern_chat_session_get_refused (f->session)
                                               : quern_chat_session_get_question (f->session);
  g_assert_cmpstr (quern_question_get_text (question), ==, text);
}

/* Fills a conversation with six turns, which do not fit. */
static inline void
fill (Fixture *f)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (QuernMessage) last = NULL;

  for (int i = 0; i < 200; i++)
    g_string_append (text, "capital ");
  for (int i = 0; i < 12; i++) {
    QuernMessage *message = quern_message_new (i % 2 ? QUERN_ROLE_ASSISTANT : QUERN_ROLE_USER, text->str);
    quern_store_append_message (f->store, f->conversation, last, message);
    g_clear_object (&last);
    last = message;
  }
  load (f->session);
}
