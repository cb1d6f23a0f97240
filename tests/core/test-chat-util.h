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
  answered = quern_chat_session_answer_finish (f->session, *result, &error);
  g_assert_no_error (error); /* first, for its message */
  g_assert_true (answered);
  g_assert_cmpint (quern_chat_session_get_state (f->session), ==, QUERN_SESSION_IDLE);
}

static inline QuernMessage *
ask (Fixture *f, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_chat_session_send_async (f->session, text, NULL, NULL, test_result_cb, &result);
  finish (f, &result);
  return message_at (f, n_messages (f) - 1);
}

static inline void
assert_fails (Fixture *f, const char *text, GListModel *attachments, QuernChatError code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint before = n_messages (f);

  quern_chat_session_send_async (f->session, text, attachments, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_answer_finish (f->session, result, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, (int) code);
  g_assert_cmpuint (n_messages (f), ==, before);
  g_assert_cmpint (quern_chat_session_get_state (f->session), ==, QUERN_SESSION_IDLE);
}
