/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define QUERN_SERVER_ERROR (quern_server_error_quark ())
GQuark quern_server_error_quark (void);

/* Each comes with a sentence that says what happened and what to do. */
typedef enum {
  QUERN_SERVER_ERROR_FAILED,       /* the server refused, for a reason that has no code of its own */
  QUERN_SERVER_ERROR_BAD_ADDRESS,  /* what was given is no address; nothing was sent */
  QUERN_SERVER_ERROR_UNREACHABLE,  /* no such host, refused, no network, no answer in time */
  QUERN_SERVER_ERROR_CERTIFICATE,  /* somebody else may be listening */
  QUERN_SERVER_ERROR_UNAUTHORIZED, /* wants a key, or another one */
  QUERN_SERVER_ERROR_PLAIN_KEY,    /* wants a key, which would travel unencrypted: that has to be allowed first */
  QUERN_SERVER_ERROR_LOADING,      /* is loading its model; the same will succeed later */
  QUERN_SERVER_ERROR_BUSY,         /* too many requests, or overloaded: see quern_server_answer_get_retry_after() */
  QUERN_SERVER_ERROR_NO_SERVER,    /* something answered that runs no language models */
  QUERN_SERVER_ERROR_REDIRECT,     /* the answer is at another address, to which nothing was sent */
  QUERN_SERVER_ERROR_NO_MODEL,     /* the server does not have this model */
  QUERN_SERVER_ERROR_CONTEXT_FULL, /* the prompt is longer than the server's context */
  QUERN_SERVER_ERROR_UNSUPPORTED,  /* the server or its model cannot do this, as with pictures */
  QUERN_SERVER_ERROR_INTERRUPTED,  /* the answer was cut; what came is kept */
  QUERN_SERVER_ERROR_BAD_ANSWER,   /* the answer is not what the server's interface promises */
  QUERN_SERVER_ERROR_KEYRING,      /* the key cannot be kept */
} QuernServerError;

G_END_DECLS
