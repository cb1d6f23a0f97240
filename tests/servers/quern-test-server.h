/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A server of models for tests: answers as llama-server, vLLM, SGLang, Ollama or LM Studio do, out of KIND.json beside this
 * file, and misbehaves on request. What is in llama.json was recorded (record.py); the others were written after their
 * sources. Answers are written byte by byte by threads of their own, so that they may be cut and lie. */

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _QuernTestServer QuernTestServer;

/* What is answered to a request. Those added last are looked at first. */
typedef struct {
  const char *path;        /* begins with "/"; NULL: any */
  const char *when;        /* part of the request's body; NULL: any */
  const char *without_key; /* applies to requests that do not have this key; NULL: to all */
  guint status;
  const char *type;    /* of the content */
  const char *headers; /* others, each ended by "\r\n"; NULL: none */
  const char *body;
} QuernTestReply;

/* How the body of an answer is sent; all zero: at once. */
typedef struct {
  gsize piece;       /* bytes at a time */
  guint pause;       /* milliseconds after each */
  guint delay;       /* milliseconds before the first byte of the head */
  gsize cut_after;   /* bytes of the body, after which the connection is reset; 0: never */
  gsize stall_after; /* bytes of the body, after which nothing more comes; 0: never */
  guint64 filler;    /* bytes of "x" in place of the body */
  gboolean drip;     /* the head comes byte by byte, for ever */
} QuernTestPace;

typedef struct {
  char *method, *path, *key, *body; /* key: NULL where there is none */
} QuernTestRequest;

/* Makes the body of an answer out of that of the request, on the server's thread; NULL: answered as if there were none. */
typedef char *(*QuernTestResponder) (const char *body, gpointer data);

/* @kind: the name of a file of replies, or NULL for none; @tls: with a certificate that nobody signed */
QuernTestServer *quern_test_server_new (const char *kind, gboolean tls);
void quern_test_server_free (QuernTestServer *server);
const char *quern_test_server_get_address (QuernTestServer *server);
guint quern_test_server_get_port (QuernTestServer *server);
void quern_test_server_add_reply (QuernTestServer *server, const QuernTestReply *reply);
void quern_test_server_set_responder (QuernTestServer *server, const char *path, QuernTestResponder responder,
                                      gpointer data);
void quern_test_server_set_pace (QuernTestServer *server, const QuernTestPace *pace);
GPtrArray *quern_test_server_dup_log (QuernTestServer *server);               /* of QuernTestRequest */
char *quern_test_server_dup_body (QuernTestServer *server, const char *path); /* of the last request; NULL: none */
guint quern_test_server_count (QuernTestServer *server, const char *path);
guint quern_test_server_get_n_gone (QuernTestServer *server); /* answers that the client did not want to the end */
guint quern_test_server_get_n_open (QuernTestServer *server); /* answers that are being written */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernTestServer, quern_test_server_free)

G_END_DECLS
