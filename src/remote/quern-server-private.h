/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-server.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* ---- calls ----------------------------------------------------------------------------------------------------- */

/* What a call needs to know of a server. Threads share it: nobody changes it but for the key, which is looked up once. */
typedef struct {
  gatomicrefcount references;
  char *address;
  char *origin;   /* to which the key goes, and nowhere else */
  char *host;     /* for people */
  char *key_file; /* NULL: the key is in the keyring */
  gboolean plain_key;

  GMutex lock;
  char *key;
  gboolean key_known; /* looked up; it may be NULL all the same */
} QuernServerAccess;

QuernServerAccess *_quern_server_access_new (const char *address);
QuernServerAccess *_quern_server_access_ref (QuernServerAccess *self);
void _quern_server_access_unref (QuernServerAccess *self);
/* Blocks when the key is looked up for the first time. */
char *_quern_server_access_dup_key (QuernServerAccess *self);
void _quern_server_access_set_key (QuernServerAccess *self, const char *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServerAccess, _quern_server_access_unref)

/* A call's answer as a whole. */
typedef struct {
  guint status;
  char *type;     /* of the content, NULL: not told */
  char *program;  /* "Server" header, NULL: not told */
  char *location; /* of a redirect, NULL: none */
  gint64 wait;    /* microseconds that the server asks to wait; -1: it does not */
  gboolean sent_key;
  GBytes *body;
} QuernServerReply;

void _quern_server_reply_free (QuernServerReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServerReply, _quern_server_reply_free)

/* @path: what is appended to the address; body: JSON, or NULL for GET. Redirects are not followed. */
SoupMessage *_quern_server_make_message (QuernServerAccess *access, const char *path, const char *body,
                                         gboolean *held_key);
/* A session whose connections may be silent for so many seconds; 0: for any time. */
SoupSession *_quern_server_make_session (guint seconds);
void _quern_server_reply_take_headers (QuernServerReply *reply, SoupMessage *message);
/* Blocks, for at most so many seconds; only what kept an answer from coming is an error. For worker threads. */
QuernServerReply *_quern_server_fetch (QuernServerAccess *access, const char *path, const char *body, guint seconds,
                                       GCancellable *cancellable, GError **error);
/* Turns what libsoup says into a sentence; a cancellation stays one. */
void _quern_server_set_transport_error (GError **error, const char *address, const GError *cause);

/* ---- refusals (quern-server-refusal.c) ------------------------------------------------------------------------- */

/* A JSON value of a reply, or NULL: not JSON, or too much of it. */
JsonNode *_quern_server_reply_parse (const QuernServerReply *reply);
/* The same where so many values are expected that they would be too many elsewhere. */
JsonNode *_quern_server_reply_parse_up_to (const QuernServerReply *reply, gsize most);
JsonNode *_quern_server_parse_json (const char *text, gsize size);
/* Whether a reply is a good one; else a sentence out of what the server wrote, in whichever of its forms. */
gboolean _quern_server_reply_check (const QuernServerReply *reply, const char *host, GError **error);
/* The same of a JSON object in the midst of an answer; FALSE where it tells of no error. */
gboolean _quern_server_set_told_error (GError **error, const char *host, guint status, JsonNode *node);

/* ---- servers --------------------------------------------------------------------------------------------------- */

/* What a probe found. */
typedef struct {
  char *address;
  char *api; /* what stands between the address and "/chat/completions": "/v1" or "" */
  QuernServerKind kind;
  char *version; /* "": not told */
  GPtrArray *models;
} QuernServerFound;

void _quern_server_found_free (QuernServerFound *found);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServerFound, _quern_server_found_free)

QuernServer *_quern_server_new (gint64 id, const char *name, QuernServerFound *found, gboolean has_key,
                                const char *key_file, gboolean plain_key);
QuernServerAccess *_quern_server_get_access (QuernServer *self);
SoupSession *_quern_server_get_session (QuernServer *self);
const char *_quern_server_get_api (QuernServer *self);
void _quern_server_drop_key (QuernServer *self);
void _quern_server_set_id (QuernServer *self, gint64 id);
void _quern_server_take_found (QuernServer *self, QuernServerFound *found);
QuernServerFound *_quern_server_probe (QuernServerAccess *access, GCancellable *cancellable, GError **error);

/* For tests: in milliseconds, how long connecting and a silence within an answer may take. */
void _quern_server_answer_set_limits (guint connect, guint silence);

/* The keyring; blocks. A key of NULL is forgotten. */
char *_quern_server_key_lookup (const char *origin);
gboolean _quern_server_key_store (const char *origin, const char *key, GCancellable *cancellable, GError **error);

G_END_DECLS
