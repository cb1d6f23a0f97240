/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-test-hub.h"

#include <libsoup/soup.h>

typedef struct {
  char *path; /* inside the repository */
  char *full; /* on disk */
  guint64 size;
  char *sha256;
  char *blob_id; /* 40 hex digits, as git has them */
  gboolean lfs;
} HubFile;

typedef struct {
  char *id;     /* OWNER/REPO */
  char *commit; /* 40 hex digits that change with the content */
  GPtrArray *files;
  char *listing; /* path of what is answered verbatim, or NULL */
  char *gated;   /* NULL, "auto" or "manual" */
  char *license, *architecture, *renamed_to, *modified;
  char **tags;
  gint64 downloads, likes, parameters;
} HubRepo;

typedef struct {
  QuernFault fault;
  char *path;
  guint left; /* 0: always */
} HubFault;

struct _QuernTestHub {
  char *folder, *endpoint, *content_endpoint;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  SoupServer *hub, *content;
  GCancellable *cancellable;

  GMutex lock; /* everything below */
  GCond idle;
  GPtrArray *repos;
  GArray *faults;
  GPtrArray *log;
  guint64 rate, content_bytes;
  guint64 allowance; /* body bytes that may still be sent; G_MAXUINT64: any number */
  guint n_transfers, n_etags;
};

/* quern-test-hub-repo.c */
GPtrArray *quern_hub_repos_scan (const char *folder);
HubRepo *quern_hub_repo_find (GPtrArray *repos, const char *id);
HubFile *quern_hub_repo_find_file (HubRepo *repo, const char *path);

/* quern-test-hub-api.c */
void quern_hub_api_handler (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query,
                            gpointer data);
void quern_hub_resolve_handler (QuernTestHub *hub, SoupServerMessage *msg, const char *path, HubRepo *repo);

/* quern-test-hub-content.c */
void quern_hub_content_handler (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query,
                                gpointer data);

/* quern-test-hub.c; the first two want the lock */
gboolean quern_hub_take_fault (QuernTestHub *hub, QuernFaultKind kind, const char *path, QuernFault *out);
QuernHubRequest *quern_hub_log (QuernTestHub *hub, SoupServerMessage *msg);
void quern_hub_error (SoupServerMessage *msg, guint status, const char *code, const char *text);
gboolean quern_hub_status_fault (QuernTestHub *hub, SoupServerMessage *msg, const char *path);
GBytes *quern_hub_gzip (const void *data, gsize size);
