/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A hub for tests: answers as huggingface.co does (JSON shapes, Link paging, 302 to a second host, X-Linked-* headers,
 * ranges, status codes) over the files of a folder laid out as OWNER/REPO/path, and misbehaves on request.
 *
 * The hub itself is http://127.0.0.1:PORT, the content host http://localhost:PORT2: two names, so that a token that
 * follows a redirect shows in the log. Everything runs in a thread of its own; all functions may be called from any
 * thread. A repository's optional file `hub.json` sets downloads, likes, gated, license, tags, architecture,
 * parameters, lastModified and renamed_to; it is not listed itself. A file `listing.json` is what the hub answers when
 * asked for the repository, as it is. */

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _QuernTestHub QuernTestHub;

typedef enum {
  QUERN_FAULT_STATUS,       /* answer `value` (a status code), with Retry-After: `after` seconds if not 0 */
  QUERN_FAULT_CUT,          /* content: close the connection after `after` bytes of the body */
  QUERN_FAULT_STALL,        /* content: send nothing more after `after` bytes, until the client gives up */
  QUERN_FAULT_CORRUPT,      /* content: flip the bits of the byte at offset `after` of the file, where a range has it */
  QUERN_FAULT_CHANGED_ETAG, /* content: another ETag than ever before */
  QUERN_FAULT_LYING_LENGTH, /* content: claim a file that is `value` bytes longer */
  QUERN_FAULT_NO_RANGES,    /* content: ignore Range and send all of the file */
  QUERN_FAULT_SLOW_START,   /* content: wait `value` milliseconds before the first byte */
  QUERN_FAULT_REDIRECT_LOOP, /* hub: redirect to itself */
  QUERN_FAULT_REDIRECT_AWAY, /* hub: redirect to the same path on the other host */
  QUERN_FAULT_GZIP,          /* a gzip-coded body */
  QUERN_FAULT_BAD_JSON,      /* hub: a body that stops in the middle of the JSON text */
  QUERN_FAULT_WRONG_RANGE,   /* content: a range that starts `value` bytes after the one that was asked for */
  QUERN_FAULT_LISTED_HASH,   /* hub: in the list of files, hashes are as QuernHashFault says */
  QUERN_FAULT_LINKED_HASH,   /* hub: the same where a file is resolved */
  QUERN_FAULT_NO_LOCATION,   /* hub: redirect without saying where to */
  QUERN_FAULT_EMPTY,         /* hub: an empty body that is said to be JSON */
} QuernFaultKind;

typedef enum {
  QUERN_HASH_MISSING,
  QUERN_HASH_CAPITALS,
  QUERN_HASH_WRONG,
  QUERN_HASH_OID,   /* under the name that the tree of a repository has for it */
  QUERN_HASH_PLAIN, /* as a plain ETag, without the hub's own headers */
} QuernHashFault;

typedef struct {
  QuernFaultKind kind;
  const char *path; /* part of the request's path that it applies to; NULL: any */
  guint64 after;
  guint64 value;
  guint times; /* how often; 0: always */
} QuernFault;

typedef struct {
  char *method, *host, *path, *range;
  gboolean authorized; /* an Authorization header came along */
  guint status;
  guint64 sent; /* body bytes written so far */
} QuernHubRequest;

QuernTestHub *quern_test_hub_new (const char *folder, guint port, GError **error);
void quern_test_hub_free (QuernTestHub *hub);
const char *quern_test_hub_get_endpoint (QuernTestHub *hub);
void quern_test_hub_rescan (QuernTestHub *hub);
void quern_test_hub_add_fault (QuernTestHub *hub, const QuernFault *fault);
guint quern_test_hub_n_faults (QuernTestHub *hub);                          /* that have not been used up */
void quern_test_hub_clear (QuernTestHub *hub);                              /* faults, log and counters */
void quern_test_hub_set_rate (QuernTestHub *hub, guint64 bytes_per_second); /* a connection; 0: no limit */
/* How many body bytes the content host sends from now on before it waits, with its connections open, for another
 * allowance: a download that stands still where a test wants it. G_MAXUINT64: no limit. */
void quern_test_hub_set_allowance (QuernTestHub *hub, guint64 bytes);
/* The next two wait until the content host has ended what it was sending. */
GPtrArray *quern_test_hub_dup_log (QuernTestHub *hub);
guint64 quern_test_hub_content_bytes (QuernTestHub *hub); /* body bytes sent by the content host */
char *quern_test_hub_dup_sha256 (QuernTestHub *hub, const char *repo, const char *path);

gboolean quern_fault_kind_parse (const char *text, QuernFaultKind *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernTestHub, quern_test_hub_free)

G_END_DECLS
