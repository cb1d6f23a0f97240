/* SPDX-License-Identifier: GPL-3.0-or-later */

/* /api/models, /api/models/OWNER/REPO, its tree, and /OWNER/REPO/resolve/REV/PATH. */

#include "quern-test-hub-private.h"

#include <json-glib/json-glib.h>

#define TOKEN_ACCEPTED "Bearer hf_accepted" /* has agreed to the licences */
#define TOKEN_OTHER "Bearer hf_other"       /* valid, but has not */

static const char *
query_get (GHashTable *query, const char *name)
{
  return query != NULL ? g_hash_table_lookup (query, name) : NULL;
}

/* soup's hash table keeps one value for a name; expand[] comes several times. */
static gboolean
has_expand (SoupServerMessage *msg, const char *what)
{
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));
  g_autofree char *coded = g_strconcat ("expand%5B%5D=", what, NULL);
  g_autofree char *plain = g_strconcat ("expand[]=", what, NULL);

  return query != NULL && (strcasestr (query, coded) != NULL || strstr (query, plain) != NULL);
}

static void
add_strings (JsonBuilder *json, const HubRepo *repo)
{
  json_builder_set_member_name (json, "tags");
  json_builder_begin_array (json);
  json_builder_add_string_value (json, "gguf");
  for (guint i = 0; repo->tags != NULL && repo->tags[i] != NULL; i++)
    json_builder_add_string_value (json, repo->tags[i]);
  if (repo->license != NULL) {
    g_autofree char *tag = g_strconcat ("license:", repo->license, NULL);
    json_builder_add_string_value (json, tag);
  }
  json_builder_end_array (json);
}

static void
add_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

static void
add_int (JsonBuilder *json, const char *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

/* Returns: (transfer full): a hash with what is wrong about it */
static char *
dup_hash (const char *sha256, guint64 what)
{
  return what == QUERN_HASH_CAPITALS ? g_ascii_strup (sha256, -1)
         : what == QUERN_HASH_WRONG  ? g_strdup_printf ("%c%s", sha256[0] == '0' ? '1' : '0', sha256 + 1)
                                     : g_strdup (sha256);
}

static void
add_siblings (JsonBuilder *json, const HubRepo *repo, gboolean blobs, const QuernFault *wrong)
{
  json_builder_set_member_name (json, "siblings");
  json_builder_begin_array (json);
  for (guint i = 0; i < repo->files->len; i++) {
    const HubFile *file = repo->files->pdata[i];

    json_builder_begin_object (json);
    add_string (json, "rfilename", file->path);
    if (blobs) {
      add_int (json, "size", file->size);
      add_string (json, "blobId", file->blob_id);
    }
    if (blobs && file->lfs) {
      g_autofree char *hash = dup_hash (file->sha256, wrong != NULL ? wrong->value : 0);

      json_builder_set_member_name (json, "lfs");
      json_builder_begin_object (json);
      if (wrong == NULL || wrong->value != QUERN_HASH_MISSING)
        add_string (json, wrong != NULL && wrong->value == QUERN_HASH_OID ? "oid" : "sha256", hash);
      add_int (json, "size", file->size);
      add_int (json, "pointerSize", 134);
      json_builder_end_object (json);
    }
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
add_gguf (JsonBuilder *json, const HubRepo *repo)
{
  if (repo->architecture == NULL)
    return;
  json_builder_set_member_name (json, "gguf");
  json_builder_begin_object (json);
  add_int (json, "total", repo->parameters);
  add_string (json, "architecture", repo->architecture);
  add_int (json, "context_length", 262144);
  json_builder_end_object (json);
}

/* Only what was expanded when anything was, the usual set otherwise. */
static void
add_repo (JsonBuilder *json, SoupServerMessage *msg, const HubRepo *repo, gboolean listing, gboolean blobs,
          const QuernFault *wrong_hash)
{
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));
  gboolean all = query == NULL || (strstr (query, "expand[]") == NULL && strcasestr (query, "expand%5B%5D") == NULL);
  g_autofree char *author = g_strndup (repo->id, strcspn (repo->id, "/"));

  json_builder_begin_object (json);
  add_string (json, "_id", repo->commit + 16);
  add_string (json, "id", repo->id);
  if (all)
    add_string (json, "modelId", repo->id);
  if (all || has_expand (msg, "author"))
    add_string (json, "author", author);
  if (all || has_expand (msg, "sha"))
    add_string (json, "sha", repo->commit);
  if (all || has_expand (msg, "lastModified"))
    add_string (json, "lastModified", repo->modified);
  if (all || has_expand (msg, "gated")) {
    json_builder_set_member_name (json, "gated");
    if (repo->gated != NULL)
      json_builder_add_string_value (json, repo->gated);
    else
      json_builder_add_boolean_value (json, FALSE);
  }
  if (all || has_expand (msg, "downloads"))
    add_int (json, "downloads", repo->downloads);
  if (all || has_expand (msg, "likes"))
    add_int (json, "likes", repo->likes);
  if (all || has_expand (msg, "tags"))
    add_strings (json, repo);
  if (all || has_expand (msg, "pipeline_tag"))
    add_string (json, "pipeline_tag", "image-text-to-text");
  if ((all && !listing) || has_expand (msg, "siblings") || (listing && all && strstr (query ? query : "", "full=true")))
    add_siblings (json, repo, blobs, wrong_hash);
  if ((all && !listing) || has_expand (msg, "gguf"))
    add_gguf (json, repo);
  json_builder_end_object (json);
}

static void
answer_json (QuernTestHub *hub, SoupServerMessage *msg, JsonBuilder *json, const char *path)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, FALSE);
  gsize size = strlen (text);
  QuernFault fault;

  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  if (quern_hub_take_fault (hub, QUERN_FAULT_GZIP, path, &fault)) {
    g_autoptr (GBytes) packed = quern_hub_gzip (text, size);

    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Content-Encoding", "gzip");
    soup_server_message_set_response (msg, "application/json; charset=utf-8", SOUP_MEMORY_COPY,
                                      g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
    return;
  }
  if (quern_hub_take_fault (hub, QUERN_FAULT_BAD_JSON, path, &fault))
    size /= 2;
  if (quern_hub_take_fault (hub, QUERN_FAULT_EMPTY, path, &fault))
    size = 0;
  soup_server_message_set_response (msg, "application/json; charset=utf-8", SOUP_MEMORY_COPY, text, size);
}

static gboolean
repo_matches (const HubRepo *repo, GHashTable *query)
{
  const char *search = query_get (query, "search"), *author = query_get (query, "author");
  g_auto (GStrv) words = g_strsplit (search != NULL ? search : "", " ", -1);

  if (repo->renamed_to != NULL)
    return FALSE;
  for (guint i = 0; words[i] != NULL; i++)
    if (strcasestr (repo->id, words[i]) == NULL)
      return FALSE;
  return author == NULL || (g_str_has_prefix (repo->id, author) && repo->id[strlen (author)] == '/');
}

static void
answer_list (QuernTestHub *hub, SoupServerMessage *msg, GHashTable *query)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint limit = query_get (query, "limit") ? g_ascii_strtoull (query_get (query, "limit"), NULL, 10) : 1000;
  guint skip = query_get (query, "cursor") ? g_ascii_strtoull (query_get (query, "cursor"), NULL, 10) : 0;
  guint seen = 0;

  json_builder_begin_array (json);
  for (guint i = 0; i < hub->repos->len; i++) {
    const HubRepo *repo = hub->repos->pdata[i];

    if (!repo_matches (repo, query))
      continue;
    if (seen >= skip && seen < skip + limit)
      add_repo (json, msg, repo, TRUE, FALSE, NULL);
    seen++;
  }
  json_builder_end_array (json);
  if (seen > skip + limit) {
    g_autoptr (GHashTable) next = g_hash_table_new (g_str_hash, g_str_equal);
    g_autofree char *cursor = g_strdup_printf ("%u", skip + limit);
    g_auto (GStrv) parts = g_strsplit (g_uri_get_query (soup_server_message_get_uri (msg)), "&", -1);
    g_autoptr (GString) url = g_string_new (hub->endpoint);

    g_string_append (url, "/api/models?");
    for (guint i = 0; parts[i] != NULL; i++)
      if (!g_str_has_prefix (parts[i], "cursor="))
        g_string_append_printf (url, "%s&", parts[i]);
    g_string_append_printf (url, "cursor=%s", cursor);
    g_string_prepend (url, "<");
    g_string_append (url, ">; rel=\"next\"");
    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Link", url->str);
  }
  answer_json (hub, msg, json, "/api/models");
}

static void
answer_tree (QuernTestHub *hub, SoupServerMessage *msg, const HubRepo *repo, const char *path)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_array (json);
  for (guint i = 0; i < repo->files->len; i++) {
    const HubFile *file = repo->files->pdata[i];

    json_builder_begin_object (json);
    add_string (json, "type", "file");
    add_string (json, "oid", file->blob_id);
    add_int (json, "size", file->size);
    add_string (json, "path", file->path);
    if (file->lfs) {
      json_builder_set_member_name (json, "lfs");
      json_builder_begin_object (json);
      add_string (json, "oid", file->sha256);
      add_int (json, "size", file->size);
      add_int (json, "pointerSize", 134);
      json_builder_end_object (json);
    }
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  answer_json (hub, msg, json, path);
}

/* As the hub does: an invalid token is refused everywhere; a gated repository's files want one that has agreed. */
static gboolean
token_refused (SoupServerMessage *msg, const HubRepo *repo, gboolean content)
{
  const char *token = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization");

  if (token != NULL && !g_str_equal (token, TOKEN_ACCEPTED) && !g_str_equal (token, TOKEN_OTHER))
    quern_hub_error (msg, SOUP_STATUS_UNAUTHORIZED, NULL, "Invalid credentials in Authorization header");
  else if (repo == NULL && token == NULL)
    quern_hub_error (msg, SOUP_STATUS_UNAUTHORIZED, "RepoNotFound", "Invalid username or password.");
  else if (repo == NULL)
    quern_hub_error (msg, SOUP_STATUS_NOT_FOUND, "RepoNotFound", "Repository not found");
  else if (content && repo->gated != NULL && token == NULL)
    quern_hub_error (msg, SOUP_STATUS_UNAUTHORIZED, "GatedRepo", "Access to this model is restricted.");
  else if (content && repo->gated != NULL && !g_str_equal (token, TOKEN_ACCEPTED))
    quern_hub_error (msg, SOUP_STATUS_FORBIDDEN, "GatedRepo", "You are not in the authorized list.");
  else
    return FALSE;
  return TRUE;
}

static gboolean
answer_redirect_faults (QuernTestHub *hub, SoupServerMessage *msg, const char *path)
{
  g_autofree char *target = g_uri_to_string_partial (soup_server_message_get_uri (msg), 0);
  g_autoptr (GUri) uri = g_uri_parse (target, SOUP_HTTP_URI_FLAGS, NULL);
  g_autofree char *away = NULL;
  QuernFault fault;

  if (quern_hub_take_fault (hub, QUERN_FAULT_REDIRECT_LOOP, path, &fault)) {
    soup_server_message_set_redirect (msg, SOUP_STATUS_FOUND, target);
    return TRUE;
  }
  if (quern_hub_take_fault (hub, QUERN_FAULT_NO_LOCATION, path, &fault)) {
    soup_server_message_set_status (msg, SOUP_STATUS_FOUND, NULL);
    return TRUE;
  }
  if (!quern_hub_take_fault (hub, QUERN_FAULT_REDIRECT_AWAY, path, &fault))
    return FALSE;
  away = g_strdup_printf ("%s%s%s%s", hub->content_endpoint, g_uri_get_path (uri), g_uri_get_query (uri) ? "?" : "",
                          g_uri_get_query (uri) ? g_uri_get_query (uri) : "");
  soup_server_message_set_redirect (msg, SOUP_STATUS_FOUND, away);
  return TRUE;
}

static gboolean
answer_renamed (SoupServerMessage *msg, const char *path, const HubRepo *repo)
{
  const char *rest;
  g_autofree char *target = NULL;

  if (repo == NULL || repo->renamed_to == NULL)
    return FALSE;
  rest = strstr (path, repo->id) + strlen (repo->id);
  target = g_strdup_printf ("%s/%s%s", g_str_has_prefix (path, "/api/models/") ? "/api/models" : "", repo->renamed_to,
                            rest);
  soup_server_message_set_redirect (msg, SOUP_STATUS_TEMPORARY_REDIRECT, target);
  return TRUE;
}

static void
answer_verbatim (SoupServerMessage *msg, const char *path)
{
  g_autofree char *text = NULL;
  gsize size = 0;

  g_file_get_contents (path, &text, &size, NULL);
  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (msg, "application/json; charset=utf-8", SOUP_MEMORY_TAKE, g_steal_pointer (&text),
                                    size);
}

static void
answer_repo (QuernTestHub *hub, SoupServerMessage *msg, const char *path, GHashTable *query, char **parts)
{
  /* parts: OWNER REPO [tree|revision REV] */
  g_autofree char *id = parts[0] != NULL && parts[1] != NULL ? g_strconcat (parts[0], "/", parts[1], NULL)
                                                             : g_strdup ("");
  HubRepo *repo = quern_hub_repo_find (hub->repos, id);
  const char *what = repo != NULL ? parts[2] : NULL, *revision = what != NULL ? parts[3] : NULL;

  if (answer_renamed (msg, path, repo) || token_refused (msg, repo, FALSE))
    return;
  if (revision != NULL && !g_str_equal (revision, "main") && !g_str_equal (revision, repo->commit))
    quern_hub_error (msg, SOUP_STATUS_NOT_FOUND, "RevisionNotFound", "Invalid rev id");
  else if (g_strcmp0 (what, "tree") == 0)
    answer_tree (hub, msg, repo, path);
  else if (repo->listing != NULL)
    answer_verbatim (msg, repo->listing);
  else {
    g_autoptr (JsonBuilder) json = json_builder_new ();
    QuernFault fault;
    gboolean wrong = quern_hub_take_fault (hub, QUERN_FAULT_LISTED_HASH, path, &fault);

    add_repo (json, msg, repo, FALSE, g_strcmp0 (query_get (query, "blobs"), "true") == 0, wrong ? &fault : NULL);
    answer_json (hub, msg, json, path);
  }
}

static void
answer_small_file (SoupServerMessage *msg, const HubFile *file)
{
  g_autofree char *data = NULL, *etag = g_strdup_printf ("\"%s\"", file->blob_id);
  gsize size = 0;

  if (!g_file_get_contents (file->full, &data, &size, NULL))
    return quern_hub_error (msg, SOUP_STATUS_INTERNAL_SERVER_ERROR, NULL, "cannot read");
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "ETag", etag);
  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (msg, "text/plain; charset=utf-8", SOUP_MEMORY_TAKE, g_steal_pointer (&data), size);
}

/* parts: OWNER REPO "resolve" REV PATH… */
static void
answer_resolve (QuernTestHub *hub, SoupServerMessage *msg, const char *path, char **parts)
{
  g_autofree char *id = g_strconcat (parts[0], "/", parts[1], NULL), *file_path = g_strjoinv ("/", parts + 4);
  HubRepo *repo = quern_hub_repo_find (hub->repos, id);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  HubFile *file;
  g_autofree char *size = NULL, *etag = NULL, *coded = NULL, *target = NULL, *hash = NULL;
  QuernFault fault;
  gboolean wrong;

  if (answer_renamed (msg, path, repo) || token_refused (msg, repo, TRUE))
    return;
  if (!g_str_equal (parts[3], "main") && !g_str_equal (parts[3], repo->commit))
    return quern_hub_error (msg, SOUP_STATUS_NOT_FOUND, "RevisionNotFound", "Invalid rev id");
  soup_message_headers_replace (headers, "X-Repo-Commit", repo->commit);
  file = quern_hub_repo_find_file (repo, file_path);
  if (file == NULL)
    return quern_hub_error (msg, SOUP_STATUS_NOT_FOUND, "EntryNotFound", "Entry not found");
  if (!file->lfs)
    return answer_small_file (msg, file);
  size = g_strdup_printf ("%" G_GUINT64_FORMAT, file->size);
  wrong = quern_hub_take_fault (hub, QUERN_FAULT_LINKED_HASH, path, &fault);
  hash = wrong ? dup_hash (file->sha256, fault.value) : g_strdup (file->sha256);
  etag = wrong && fault.value == QUERN_HASH_MISSING ? g_strdup ("\"x\"") : g_strdup_printf ("\"%s\"", hash);
  soup_message_headers_replace (headers, "X-Linked-Size", size);
  if (!wrong || fault.value != QUERN_HASH_PLAIN)
    soup_message_headers_replace (headers, "X-Linked-ETag", etag);
  soup_message_headers_replace (headers, "ETag", etag);
  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  coded = g_uri_escape_string (file->path, "/", FALSE);
  target = g_strdup_printf ("%s/cdn/%s/%s?sha256=%s&Expires=4102444800&Signature=x", hub->content_endpoint, repo->id,
                            coded, file->sha256);
  soup_server_message_set_redirect (msg, SOUP_STATUS_FOUND, target);
}

void
quern_hub_api_handler (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  QuernTestHub *hub = data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", -1);
  QuernHubRequest *request = quern_hub_log (hub, msg);

  if (quern_hub_status_fault (hub, msg, path) || (server == hub->hub && answer_redirect_faults (hub, msg, path)))
    ;
  else if (g_str_equal (path, "/api/models"))
    answer_list (hub, msg, query);
  else if (g_str_has_prefix (path, "/api/models/"))
    answer_repo (hub, msg, path, query, parts + 2);
  else if (g_strv_length (parts) >= 5 && g_str_equal (parts[2], "resolve"))
    answer_resolve (hub, msg, path, parts);
  else
    quern_hub_error (msg, SOUP_STATUS_NOT_FOUND, NULL, "Sorry, we can't find the page you are looking for.");
  request->status = soup_server_message_get_status (msg);
}
