/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <libsoup/soup.h>

#include "quern-hub-error.h"
#include "quern-hub-retry.h"

G_BEGIN_DECLS

/* The connection to a hub: where it is, who we are, one SoupSession, and the rules that every request follows. */
#define QUERN_TYPE_HUB (quern_hub_get_type ())
G_DECLARE_FINAL_TYPE (QuernHub, quern_hub, QUERN, HUB, GObject)

#define QUERN_HTTP_TOO_MANY_REQUESTS 429 /* libsoup has no name for it */
#define QUERN_HUB_DEFAULT_ENDPOINT "https://huggingface.co"

QuernHub *quern_hub_new (void);
char *quern_hub_dup_endpoint (QuernHub *self);
void quern_hub_set_endpoint (QuernHub *self, const char *endpoint);
gboolean quern_hub_check_endpoint (QuernHub *self, GError **error);
void quern_hub_set_timeout (QuernHub *self, guint seconds);
char *quern_hub_dup_token (QuernHub *self);
void quern_hub_set_token (QuernHub *self, const char *token);
void quern_hub_store_token_async (QuernHub *self, const char *token, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_hub_store_token_finish (QuernHub *self, GAsyncResult *result, GError **error);

/* What follows blocks: for worker threads. */

/* One call without retries. Redirects are followed, the token goes to the hub's own host only. */
typedef struct {
  const char *method;   /* NULL: GET */
  const char *range;    /* "bytes=0-99", or NULL */
  const char *if_range; /* an ETag, or NULL */
  const char *etag;     /* If-None-Match, or NULL */
  gboolean identity;    /* want the bytes as they are: no content coding */
  gboolean keep_linked; /* stop at a redirect that carries X-Linked-* headers or leads to another host */
} QuernHubCallOptions;

GInputStream *quern_hub_open (QuernHub *self, const char *url, const QuernHubCallOptions *options,
                              SoupMessage **message, GCancellable *cancellable, GError **error);

/* How fast a body comes. */
typedef struct {
  gint64 waited; /* microseconds spent in reading */
  guint64 bytes;
} QuernHubPace;

gssize quern_hub_read (QuernHub *self, GInputStream *in, gpointer buffer, gsize size, QuernHubPace *pace,
                       GCancellable *cancellable, GError **error);

/* A whole (small) answer, with retries and back-off. */
typedef struct {
  GBytes *body;
  char *etag;
  char *next;          /* URL of the next page, or NULL */
  gint64 fetched;      /* when the hub said so, in seconds since 1970 */
  gboolean from_cache; /* the hub did not answer; this is what it said last */
} QuernHubAnswer;

QuernHubAnswer *quern_hub_fetch (QuernHub *self, const char *url, GCancellable *cancellable, GError **error);
void quern_hub_answer_free (QuernHubAnswer *answer);

/* What the hub says about one file of a repository. */
typedef struct {
  char *location; /* where the bytes are; may expire */
  guint64 size;
  char *sha256; /* NULL: the hub tells none, as for files that are kept in git */
  char *commit;
} QuernHubResolved;

QuernHubResolved *quern_hub_resolve (QuernHub *self, const char *repo, const char *revision, const char *path,
                                     gint64 *asked_delay, GCancellable *cancellable, GError **error);
void quern_hub_resolved_free (QuernHubResolved *resolved);
char *quern_hub_file_url (QuernHub *self, const char *repo, const char *revision, const char *path);
gint64 quern_hub_get_asked_wait (QuernHub *self);
gboolean quern_hub_check_status (SoupMessage *message, GError **error);
gboolean quern_hub_is_own_answer (QuernHub *self, SoupMessage *message);
gboolean quern_hub_may_send_token (const char *endpoint, GUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernHubAnswer, quern_hub_answer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernHubResolved, quern_hub_resolved_free)

G_END_DECLS
