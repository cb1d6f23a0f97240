/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The hub's JSON as objects. Members may be missing or of another type than promised; what is not understood is left
 * out. */

#include "config.h"

#include "quern-sha256.h"
#include "quern-hub-private.h"
#include "quern-hub-repo-private.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_PARTS 512
#define MAX_REPOS 1000 /* of one listing */
#define MAX_FILES 2000 /* models that one repository may offer */
#define MAX_SIZE (G_GUINT64_CONSTANT (16) * 1024 * 1024 * 1024 * 1024)
#define MAX_NAME 200 /* bytes; ".part.facts.new" must fit behind it */
#define MAX_WORD 100 /* characters of a licence and the like */

/* ---- members of any type --------------------------------------------------------------------------------------- */

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gint64
get_int (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return 0;
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return (gint64) CLAMP (json_node_get_double (node), 0, 1e18); /* a cast of more is undefined */
  return json_node_get_value_type (node) == G_TYPE_INT64 ? MAX (0, json_node_get_int (node)) : 0;
}

/* Returns: (transfer full) (nullable): a word as it may be shown in a line */
static char *
dup_word (const char *text)
{
  return text != NULL ? g_utf8_substring (text, 0, MIN (MAX_WORD, g_utf8_strlen (text, -1))) : NULL;
}

static JsonObject *
get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* A path that stays inside the repository and is no trick of control characters. */
static gboolean
path_is_safe (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  if (*path == '\0' || strlen (path) > 1000 || !g_utf8_validate (path, -1, NULL) || strchr (path, '\\') != NULL)
    return FALSE;
  for (const char *p = path; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_iscntrl (c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028
        || c == 0x2029)
      return FALSE;
  }
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;
  return TRUE;
}

/* The last part of a path. */
static const char *
base_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash != NULL ? slash + 1 : path;
}

/* Where a stem such as "dir/name-00002-of-00004" says that it is part 2 of 4, else NULL. */
static const char *
split_tail (const char *stem, guint *part, guint *parts)
{
  gsize length = strlen (stem);
  const char *tail = length > 15 ? stem + length - 15 : NULL;

  if (tail == NULL || tail[0] != '-' || strspn (tail + 1, "0123456789") != 5 || strncmp (tail + 6, "-of-", 4) != 0
      || strspn (tail + 10, "0123456789") != 5)
    return NULL;
  *part = (guint) g_ascii_strtoull (tail + 1, NULL, 10);
  *parts = (guint) g_ascii_strtoull (tail + 10, NULL, 10);
  return tail;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(QuernHubFile *const *) a)->path, (*(QuernHubFile *const *) b)->path);
}

/* ---- names on this computer ------------------------------------------------------------------------------------ */

/* Files of all folders of a repository end up in one folder here, where models find their vision file. All parts of a
 * split file are named alike, because the engine goes from the first part's name to the others. */
typedef struct {
  char *whole;      /* path without what tells the parts apart: the same for all of them, and for nothing else */
  char *name;       /* its last part, as a name here */
  char *key;        /* name in lower case, with the number of parts: two that share it cannot both be called so */
  const char *tail; /* of the file's path: "-00002-of-00004", or "" */
} Naming;

static void
naming_free (gpointer data)
{
  Naming *naming = data;

  g_free (naming->whole);
  g_free (naming->name);
  g_free (naming->key);
  g_free (naming);
}

/* Neither hidden, which no folder view and no scan would show, nor too long. Takes the name. */
static char *
sanitize_name (char *name, const char *whole)
{
  gsize length = strlen (name);

  if (name[0] == '.')
    name[0] = '_';
  if (length > MAX_NAME) {
    g_autofree char *hash = quern_sha256_of_data (whole, strlen (whole));
    const char *end = name + length - (MAX_NAME - 17);
    char *shorter;

    while ((*end & 0xc0) == 0x80) /* not in the middle of a character */
      end++;
    shorter = g_strdup_printf ("%.16s-%s", hash, end);
    g_free (name);
    return shorter;
  }
  return name;
}

static char *
make_key (const char *name, const char *tail)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);

  return *tail != '\0' ? g_strconcat (folded, tail + 6, NULL) : g_strdup (folded);
}

/* Which whole goes by a name: a table of key → whole, with "" where several would. */
static void
claim (GHashTable *owners, const char *key, const char *whole)
{
  const char *owner = g_hash_table_lookup (owners, key);

  if (owner == NULL)
    g_hash_table_insert (owners, g_strdup (key), g_strdup (whole));
  else if (!g_str_equal (owner, whole))
    g_hash_table_insert (owners, g_strdup (key), g_strdup (""));
}

static gboolean
owns (GHashTable *owners, const char *key, const char *whole)
{
  return g_strcmp0 (g_hash_table_lookup (owners, key), whole) == 0;
}

static GHashTable *
owners_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

/* "a/b" as one name: with its folder, and where even that is another's, with a hash. */
static char *
dup_folder_name (const Naming *naming)
{
  g_autofree char *folder = g_path_get_dirname (naming->whole);

  return sanitize_name (g_strconcat (g_strdelimit (folder, "/", '-'), "-", naming->name, NULL), naming->whole);
}

/* A file of the top folder keeps its name; of others that want the same name none has it. What a file is called does not
 * depend on the order of the listing. */
static char *
choose_name (const Naming *naming, GHashTable *wanted, GHashTable *at_top, GHashTable *with_folder)
{
  g_autofree char *longer = NULL, *key = NULL;

  if (owns (wanted, naming->key, naming->whole) || owns (at_top, naming->key, naming->whole))
    return g_strdup (naming->name);
  longer = dup_folder_name (naming);
  key = make_key (longer, naming->tail);
  if (strchr (naming->whole, '/') != NULL && !g_hash_table_contains (wanted, key)
      && owns (with_folder, key, naming->whole))
    return g_steal_pointer (&longer);
  g_autofree char *hash = quern_sha256_of_data (naming->whole, strlen (naming->whole));

  return sanitize_name (g_strdup_printf ("%.16s-%s", hash, naming->name), naming->whole);
}

/* Gives every file a name that no other file of the repository has. */
static void
name_files (GPtrArray *files)
{
  g_autoptr (GPtrArray) namings = g_ptr_array_new_with_free_func (naming_free);
  g_autoptr (GHashTable) wanted = owners_new (), at_top = owners_new (), with_folder = owners_new ();

  for (guint i = 0; i < files->len; i++) {
    const char *path = ((const QuernHubFile *) files->pdata[i])->path;
    g_autofree char *stem = g_strndup (path, strlen (path) - 5), *base = NULL, *longer = NULL, *key = NULL;
    guint part, parts;
    const char *tail = split_tail (stem, &part, &parts);
    Naming *naming = g_new0 (Naming, 1);

    base = tail != NULL ? g_strndup (stem, tail - stem) : g_strdup (stem);
    naming->tail = tail != NULL ? path + (tail - stem) : "";
    naming->whole = g_strconcat (base, tail != NULL ? tail + 6 : "", path + strlen (stem), NULL);
    naming->name = sanitize_name (g_strdup (*base_name (base) != '\0' ? base_name (base) : "_"), naming->whole);
    naming->key = make_key (naming->name, tail != NULL ? tail : "");
    longer = dup_folder_name (naming);
    key = make_key (longer, naming->tail);
    g_ptr_array_add (namings, naming);
    claim (wanted, naming->key, naming->whole);
    claim (with_folder, key, naming->whole);
    if (strchr (naming->whole, '/') == NULL)
      claim (at_top, naming->key, naming->whole);
  }
  for (guint i = 0; i < files->len; i++) {
    const Naming *naming = namings->pdata[i];
    g_autofree char *name = choose_name (naming, wanted, at_top, with_folder);
    QuernHubFile *file = files->pdata[i];

    g_free (file->name);
    file->name = g_strdup_printf ("%s%.*s.gguf", name, *naming->tail != '\0' ? 15 : 0, naming->tail);
  }
  /* Only a repository that names a file by the hash of another one's path can still repeat a name: that file is left out. */
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < files->len;) {
    if (g_hash_table_add (seen, g_utf8_casefold (((QuernHubFile *) files->pdata[i])->name, -1)))
      i++;
    else
      g_ptr_array_remove_index (files, i);
  }
}

/* ---- items ----------------------------------------------------------------------------------------------------- */

static gboolean
is_vision (const QuernHubFile *file)
{
  return strcasestr (base_name (file->path), "mmproj") != NULL;
}

static guint
vision_rank (const QuernHubFile *file)
{
  g_autofree char *stem = g_strndup (file->name, strlen (file->name) - 5);
  g_autofree char *label = quern_hub_label_from_name (stem);
  const char *const order[] = { "F16", "FP16", "BF16", "F32", "FP32", "Q8_0" };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (g_str_equal (label, order[i]))
      return i;
  return G_N_ELEMENTS (order);
}

/* The item that begins with a file, NULL for a later part, and for one of an upload that is not complete. */
static QuernHubItem *
item_at (GPtrArray *files, guint index)
{
  const QuernHubFile *file = files->pdata[index];
  g_autofree char *stem = g_strndup (file->path, strlen (file->path) - 5), *base = NULL, *label = NULL;
  g_autoptr (QuernHubItem) item = NULL;
  guint part, parts;
  const char *tail = split_tail (stem, &part, &parts);

  if (tail != NULL && (part != 1 || parts < 1 || parts > MAX_PARTS))
    return NULL;
  base = tail != NULL ? g_strndup (stem, tail - stem) : g_strdup (stem);
  label = quern_hub_label_from_name (base_name (base));
  item = quern_hub_item_new (label);
  if (tail == NULL)
    quern_hub_item_add_file (item, quern_hub_file_copy (file));
  for (guint i = 0; tail != NULL && i < parts; i++) {
    g_autofree char *expected = g_strdup_printf ("%s-%05u-of-%05u.gguf", base, i + 1, parts);

    file = index + i < files->len ? files->pdata[index + i] : NULL;
    if (file == NULL || g_ascii_strcasecmp (file->path, expected) != 0)
      return NULL;
    quern_hub_item_add_file (item, quern_hub_file_copy (file));
  }
  return g_steal_pointer (&item);
}

/* Two files never show under one label: only one of the top folder keeps it, the others get their path. */
static void
make_labels_unique (GPtrArray *items)
{
  g_autoptr (GHashTable) wanted = owners_new (), at_top = owners_new ();

  for (guint i = 0; i < items->len; i++) {
    const char *path = quern_hub_item_get_file (items->pdata[i], 0)->path;
    g_autofree char *key = g_utf8_casefold (quern_hub_item_get_label (items->pdata[i]), -1);

    claim (wanted, key, path);
    if (strchr (path, '/') == NULL)
      claim (at_top, key, path);
  }
  for (guint i = 0; i < items->len; i++) {
    const char *label = quern_hub_item_get_label (items->pdata[i]);
    const char *path = quern_hub_item_get_file (items->pdata[i], 0)->path;
    g_autofree char *key = g_utf8_casefold (label, -1), *longer = g_strdup_printf ("%s (%s)", label, path);

    if (!owns (wanted, key, path) && !owns (at_top, key, path))
      quern_hub_item_set_label (items->pdata[i], longer);
  }
}

static int
compare_bytes (gconstpointer a, gconstpointer b, gpointer data)
{
  guint64 x = quern_hub_item_get_bytes ((QuernHubItem *) a), y = quern_hub_item_get_bytes ((QuernHubItem *) b);

  return x < y ? -1 : x > y;
}

/* Files sorted by path: the parts of a split one follow each other. */
static void
group_files (QuernHubRepo *repo, GPtrArray *files)
{
  const QuernHubFile *vision = NULL;

  for (guint i = 0; i < files->len; i++)
    if (is_vision (files->pdata[i]) && (vision == NULL || vision_rank (files->pdata[i]) < vision_rank (vision)))
      vision = files->pdata[i];
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < files->len; i++) {
    const char *name = base_name (((const QuernHubFile *) files->pdata[i])->path);
    gboolean aside = is_vision (files->pdata[i]) || strcasestr (name, "imatrix") != NULL
                     || g_ascii_strncasecmp (name, "mtp-", 4) == 0;
    QuernHubItem *item = aside ? NULL : item_at (files, i);

    if (item == NULL)
      continue;
    quern_hub_item_set_vision (item, vision);
    quern_hub_item_set_parameters (item, repo->parameters);
    g_ptr_array_add (items, item);
  }
  make_labels_unique (items);
  for (guint i = 0; i < items->len; i++)
    g_list_store_insert_sorted (repo->items, items->pdata[i], compare_bytes, NULL);
}

/* ---- repositories ---------------------------------------------------------------------------------------------- */

/* FALSE: there are more files than anybody can choose from. */
static gboolean
read_files (QuernHubRepo *repo, JsonObject *object)
{
  JsonArray *siblings = get_array (object, "siblings");
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_hub_file_free);

  for (guint i = 0; siblings != NULL && i < json_array_get_length (siblings); i++) {
    JsonNode *node = json_array_get_element (siblings, i);
    JsonObject *sibling = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    JsonObject *lfs = sibling != NULL ? get_object (sibling, "lfs") : NULL;
    const char *path = sibling != NULL ? get_string (sibling, "rfilename") : NULL;
    g_autofree char *sha256 = lfs != NULL ? quern_sha256_from_text (get_string (lfs, "sha256")) : NULL;
    guint64 size = lfs != NULL && get_int (lfs, "size") > 0 ? get_int (lfs, "size")
                   : sibling != NULL                        ? get_int (sibling, "size")
                                                            : 0;

    if (lfs != NULL && sha256 == NULL)
      sha256 = quern_sha256_from_text (get_string (lfs, "oid"));
    if (path == NULL || size == 0 || size > MAX_SIZE || !path_is_safe (path) || strlen (base_name (path)) < 6
        || g_ascii_strcasecmp (path + strlen (path) - 5, ".gguf") != 0)
      continue;
    g_ptr_array_add (files, quern_hub_file_new (path, size, sha256));
    if (files->len > MAX_FILES)
      return FALSE;
  }
  g_ptr_array_sort (files, compare_paths);
  /* Of a path that is listed twice the first counts. */
  for (guint i = files->len; i-- > 1;)
    if (compare_paths (&files->pdata[i - 1], &files->pdata[i]) == 0)
      g_ptr_array_remove_index (files, i);
  name_files (files);
  group_files (repo, files);
  return TRUE;
}

static QuernHubRepo *
parse_repo (JsonObject *object, const char *id)
{
  JsonObject *gguf = get_object (object, "gguf");
  JsonArray *tags = get_array (object, "tags");
  JsonNode *gated = json_object_get_member (object, "gated");
  QuernHubRepo *repo = g_object_new (QUERN_TYPE_HUB_REPO, NULL);
  const char *revision;

  repo->id = g_strdup (id);
  repo->author = g_strndup (id, strcspn (id, "/"));
  repo->name = g_strdup (strchr (id, '/') + 1);
  revision = get_string (object, "sha"); /* a commit id or the like; what is too long for one is none */
  if (revision != NULL && *revision != '\0' && strlen (revision) <= MAX_WORD)
    repo->revision = g_strdup (revision);
  for (guint i = 0; tags != NULL && repo->license == NULL && i < json_array_get_length (tags); i++) {
    JsonNode *node = json_array_get_element (tags, i);
    const char *tag = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                          ? json_node_get_string (node)
                          : "";

    if (g_str_has_prefix (tag, "license:"))
      repo->license = dup_word (tag + strlen ("license:"));
  }
  repo->downloads = get_int (object, "downloads");
  repo->likes = get_int (object, "likes");
  repo->gated = gated != NULL && JSON_NODE_HOLDS_VALUE (gated) && json_node_get_value_type (gated) == G_TYPE_STRING;
  if (get_string (object, "lastModified") != NULL)
    repo->modified = g_date_time_new_from_iso8601 (get_string (object, "lastModified"), NULL);
  if (gguf != NULL) {
    repo->architecture = dup_word (get_string (gguf, "architecture"));
    repo->parameters = get_int (gguf, "total");
  }
  return repo;
}

static JsonNode *
parse_body (GBytes *body, JsonNodeType type, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) cause = NULL;
  gsize size;
  const char *data = g_bytes_get_data (body, &size);
  JsonNode *root = NULL;

  if (_quern_hub_check_json (body, &cause) && json_parser_load_from_data (parser, data, size, NULL))
    root = json_parser_get_root (parser);
  if (g_error_matches (cause, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE)) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  if (root != NULL && json_node_get_node_type (root) == type)
    return json_node_ref (root);
  g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                       _("The server at the address in Preferences is not a hub. Check the address and try again."));
  return NULL;
}

/* Returns: (transfer full) (element-type QuernHubRepo) (nullable): the repositories of a listing */
GPtrArray *
quern_hub_parse_listing (GBytes *body, GError **error)
{
  g_autoptr (JsonNode) root = parse_body (body, JSON_NODE_ARRAY, error);
  GPtrArray *repos;

  if (root == NULL)
    return NULL;
  repos = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < json_array_get_length (json_node_get_array (root)) && repos->len < MAX_REPOS; i++) {
    JsonNode *node = json_array_get_element (json_node_get_array (root), i);
    JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *id = object != NULL ? get_string (object, "id") : NULL;

    if (quern_hub_repo_id_is_valid (id))
      g_ptr_array_add (repos, parse_repo (object, id));
  }
  return repos;
}

/**
 * quern_hub_parse_repo:
 * @id: that was asked for: the repository goes by it, and so does the folder of what is downloaded, whatever the answer
 *   calls itself
 *
 * Returns: (transfer full) (nullable): one repository with its files
 */
QuernHubRepo *
quern_hub_parse_repo (GBytes *body, const char *id, GError **error)
{
  g_autoptr (JsonNode) root = parse_body (body, JSON_NODE_OBJECT, error);
  g_autoptr (QuernHubRepo) repo = NULL;

  g_return_val_if_fail (quern_hub_repo_id_is_valid (id), NULL);
  if (root == NULL)
    return NULL;
  if (!quern_hub_repo_id_is_valid (get_string (json_node_get_object (root), "id"))) {
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                         _("The hub’s response has no repository in it. Try again later."));
    return NULL;
  }
  repo = parse_repo (json_node_get_object (root), id);
  if (read_files (repo, json_node_get_object (root)))
    return g_steal_pointer (&repo);
  g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE,
               _("“%s” has more than %d models. Choose another repository."), id, MAX_FILES);
  return NULL;
}
