/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define QUERN_HUB_ERROR (quern_hub_error_quark ())
GQuark quern_hub_error_quark (void);

typedef enum {
  QUERN_HUB_ERROR_FAILED,
  QUERN_HUB_ERROR_OFFLINE,      /* no answer: no network, no such host, refused, timed out */
  QUERN_HUB_ERROR_NOT_FOUND,    /* no such repository, revision or file */
  QUERN_HUB_ERROR_UNAUTHORIZED, /* wants a (valid) token */
  QUERN_HUB_ERROR_GATED,        /* wants the licence to be accepted on the web page */
  QUERN_HUB_ERROR_RATE_LIMITED, /* too many requests, and the wait is too long to sit out */
  QUERN_HUB_ERROR_SERVER,       /* the server failed, repeatedly */
  QUERN_HUB_ERROR_TOO_LARGE,    /* an answer that is larger than any sound one */
  QUERN_HUB_ERROR_BAD_ADDRESS,  /* the hub's own address is none; nothing was sent */
  QUERN_HUB_ERROR_BAD_ANSWER,   /* an answer that is not what the hub's interface promises */
} QuernHubError;

G_END_DECLS
