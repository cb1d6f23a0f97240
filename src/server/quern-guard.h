/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-refusal.h"

G_BEGIN_DECLS

/* Who may ask. A page in a browser can send requests to this computer, so neither a port on loopback nor the address that a
 * request comes from says who sent it. Programs that run here are believed; pages are not, unless they are allowed. */
typedef struct {
  gboolean network; /* requests from other computers are answered; own names and addresses count as hosts then */
  char *key;        /* that requests must have, or NULL: any will do */
  char **hosts;     /* names that are allowed besides those of this computer, or NULL */
  char **origins;   /* of pages that are allowed besides those of local programs, or NULL */
} QuernGuard;

/* What a request says of itself in its head. NULL where a header is missing. */
typedef struct {
  const char *method, *host, *origin, *content_type;
  const char *authorization, *x_api_key, *api_key;
} QuernGuardHead;

gboolean quern_guard_allows_host (const QuernGuard *self, const char *host);
gboolean quern_guard_allows_origin (const QuernGuard *self, const char *origin);
gboolean quern_guard_allows_key (const QuernGuard *self, const QuernGuardHead *head);
QuernRefusal *quern_guard_check (const QuernGuard *self, const QuernGuardHead *head, gboolean is_public);
void quern_guard_clear (QuernGuard *self);

G_END_DECLS
