/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"
#include "quern-joint-backend.h"
#include "quern-local-backend.h"
#include "quern-served-models.h"
#include "quern-test-server.h"
#include "test-util.h"

/* The models of simulated servers beside Quern Tiny, with everything that an application has. */

typedef struct {
  char *folder, *path;
  QuernStore *store;
  QuernLibrary *library;
  QuernServers *servers;
  QuernBackend *backend;
} Fixture;

static inline void
open_all (Fixture *f)
{
  g_autoptr (GAsyncResult) scanned = NULL, loaded = NULL;
  g_autoptr (QuernServedModels) served = NULL;
  g_autoptr (QuernLocalBackend) local = quern_local_backend_new ();
  g_autoptr (GError) error = NULL;

  f->store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  f->library = quern_library_new (f->store);
  quern_library_scan_async (f->library, NULL, test_result_cb, &scanned);
  test_wait_result (&scanned);
  f->servers = quern_servers_new (f->store);
  served = quern_served_models_new (f->servers);
  quern_library_set_elsewhere (f->library, G_LIST_MODEL (served));
  quern_servers_load_async (f->servers, NULL, test_result_cb, &loaded);
  test_wait_result (&loaded);
  g_assert_true (quern_servers_load_finish (f->servers, loaded, &error));
  g_assert_no_error (error);
  f->backend = quern_joint_backend_new (QUERN_BACKEND (local));
}

static inline void
close_all (Fixture *f)
{
  g_clear_object (&f->backend);
  g_clear_object (&f->library);
  g_clear_object (&f->servers);
  quern_store_close (f->store);
  g_clear_object (&f->store);
}

static inline void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->path = g_build_filename (f->folder, "quern.db", NULL);
  open_all (f);
}

static inline void
teardown (Fixture *f, gconstpointer data)
{
  close_all (f);
  test_remove_folder (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

/* Finds a server and keeps it under a name. */
static inline void
add_server (Fixture *f, const char *address, const char *name)
{
  g_autoptr (GAsyncResult) found = NULL, added = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = NULL, kept = NULL;

  quern_server_find_async (address, NULL, NULL, test_result_cb, &found);
  test_wait_result (&found);
  server = quern_server_find_finish (found, &error);
  g_assert_no_error (error);
  quern_server_set_name (server, name);
  quern_servers_add_async (f->servers, server, NULL, test_result_cb, &added);
  test_wait_result (&added);
  kept = quern_servers_add_finish (f->servers, added, &error);
  g_assert_no_error (error);
}

static inline QuernTestServer *
new_server (Fixture *f, const char *kind, const char *name)
{
  QuernTestServer *simulated = quern_test_server_new (kind, FALSE);

  add_server (f, quern_test_server_get_address (simulated), name);
  return simulated;
}

/* The first model of a server. */
static inline QuernModel *
model_of (Fixture *f, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (f->library)); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (f->library), i);

    if (g_strcmp0 (quern_model_get_place (model), name) == 0)
      return model; /* the library holds it */
  }
  g_assert_not_reached ();
}

/* A conversation with a model. */
typedef struct {
  QuernConversation *conversation;
  QuernChatSession *session;
} Chat;

static inline Chat
open_chat (Fixture *f, QuernModel *model)
{
  Chat chat = { quern_conversation_new () };
  g_autoptr (GAsyncResult) result = NULL;

  chat.session = quern_chat_session_new (f->store, f->backend, f->library, chat.conversation);
  quern_chat_session_load_async (chat.session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  quern_chat_session_set_model (chat.session, model);
  return chat;
}

static inline void
chat_clear (Chat *chat)
{
  g_clear_object (&chat->session);
  g_clear_object (&chat->conversation);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chat, chat_clear)

static inline void
chat_begin (Chat *chat, const char *text, GAsyncResult **result)
{
  QuernQuestion *question = quern_chat_session_get_question (chat->session);

  quern_question_set_text (question, text);
  quern_chat_session_ask_async (chat->session, question, NULL, test_result_cb, result);
}

static inline QuernMessage *
last_message (Chat *chat)
{
  GListModel *messages = quern_chat_session_get_messages (chat->session);
  QuernMessage *message = g_list_model_get_item (messages, g_list_model_get_n_items (messages) - 1);

  g_object_unref (message); /* the list holds it */
  return message;
}

static inline QuernMessage *
chat_finish (Chat *chat, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;
  gboolean answered;

  test_wait_result (result);
  answered = quern_chat_session_ask_finish (chat->session, *result, &error);
  g_assert_no_error (error);
  g_assert_true (answered);
  g_assert_cmpint (quern_chat_session_get_state (chat->session), ==, QUERN_SESSION_IDLE);
  return last_message (chat);
}

static inline QuernMessage *
chat_ask (Chat *chat, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;

  chat_begin (chat, text, &result);
  return chat_finish (chat, &result);
}

#define assert_lacks(text, part) g_assert_null (strstr ((text), (part)))
