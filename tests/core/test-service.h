/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-local-backend.h"
#include "quern-service.h"
#include "test-http.h"

/* The service with Quern Tiny, asked over real connections. */

#define PARIS "What is the capital of France?"
#define PARIS_ANSWER "The capital of France is Paris."

typedef struct {
  QuernBackend *backend;
  QuernLibrary *library;
  QuernService *service;
  GPtrArray *lines; /* that it logged */
  guint port;
} Fixture;

static inline void
logged_cb (Fixture *f, const char *line)
{
  g_ptr_array_add (f->lines, g_strdup (line));
}

static inline QuernLibrary *
open_library (void)
{
  QuernLibrary *library = quern_library_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_library_scan_async (library, NULL, test_result_cb, &result);
  test_wait_result (&result);
  quern_library_scan_finish (library, result, &error);
  g_assert_no_error (error);
  return library;
}

static inline void
start (Fixture *f, const QuernServiceSetup *setup)
{
  g_autoptr (GError) error = NULL;

  quern_service_start (f->service, setup, &error);
  g_assert_no_error (error);
  f->port = quern_service_get_port (f->service);
  g_assert_cmpuint (f->port, >, 0);
}

static inline void
set_up (Fixture *f, gconstpointer setup)
{
  f->backend = QUERN_BACKEND (quern_local_backend_new ());
  f->library = open_library ();
  f->service = quern_service_new (f->backend, f->library);
  f->lines = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect_swapped (f->service, "logged", G_CALLBACK (logged_cb), f);
  start (f, setup ? setup : &(QuernServiceSetup) { .context_size = 2048 });
}

static inline void
tear_down (Fixture *f, gconstpointer setup)
{
  quern_service_stop_and_wait (f->service);
  g_assert_false (quern_service_get_running (f->service));
  g_object_unref (f->service);
  g_object_unref (f->backend);
  g_object_unref (f->library);
  g_ptr_array_unref (f->lines);
}

static inline TestReply *
get (Fixture *f, const char *path)
{
  return test_http (f->port, "GET", path, NULL, NULL);
}

static inline TestReply *
post (Fixture *f, const char *path, const char *body)
{
  return test_http (f->port, "POST", path, NULL, body);
}

/* A question at temperature 0; more: further members, beginning with a comma. */
static inline char *
question (const char *text, const char *more)
{
  return g_strdup_printf ("{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"temperature\":0%s}", text, more);
}

static inline TestReply *
ask (Fixture *f, const char *text, const char *more)
{
  g_autofree char *body = question (text, more);

  return post (f, "/v1/chat/completions", body);
}

static inline void
assert_error (const TestReply *reply, guint status, const char *type)
{
  g_autofree char *message = test_json_text (reply->json, "$.error.message");

  g_assert_cmpuint (reply->status, ==, status);
  test_assert_text (reply->json, "$.error.type", type);
  g_assert_cmpuint (strlen (message), >, 10);
}
