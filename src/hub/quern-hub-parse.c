/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The hub's JSON as objects. Members may be missing or of another type than promised; what is not understood is left
 * out. */

#include "config.h"

#include "download/quern-sha256.h"
#include "quern-hub-repo-private.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_PARTS 512

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

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64 && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return 0;
  return MAX (0, json_node_get_int (node));
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
  for (const char *p = path; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      return FALSE;
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;
  return TRUE;
}

static QuernHubFile *
parse_file (JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *lfs = object != NULL ? get_object (object, "lfs") : NULL;
  const char *path = object != NULL ? get_string (object, "rfilename") : NULL;
  const char *sha256 = lfs != NULL ? get_string (lfs, "sha256") : NULL;
  guint64 size = lfs != NULL && get_int (lfs, "size") > 0 ? get_int (lfs, "size")
                 : object != NULL                         ? get_int (object, "size")
                                                          : 0;

  if (path == NULL || size == 0 || !path_is_safe (path) || strlen (path) < 6
      || g_ascii_strcasecmp (path + strlen (path) - 5, ".gguf") != 0)
    return NULL;
  return quern_hub_file_new (path, size, quern_sha256_is_valid (sha256) ? sha256 : NULL);
}

/* "dir/name-00002-of-00004" → stem "dir/name", part 2, of 4. */
static gboolean
parse_split (const char *stem, char **base, guint *part, guint *parts)
{
  gsize length = strlen (stem);
  const char *tail = length > 15 ? stem + length - 15 : NULL;

  if (tail == NULL || tail[0] != '-' || strspn (tail + 1, "0123456789") != 5 || strncmp (tail + 6, "-of-", 4) != 0
      || strspn (tail + 10, "0123456789") != 5)
    return FALSE;
  *part = (guint) g_ascii_strtoull (tail + 1, NULL, 10);
  *parts = (guint) g_ascii_strtoull (tail + 10, NULL, 10);
  *base = g_strndup (stem, length - 15);
  return *part >= 1 && *part <= *parts && *parts <= MAX_PARTS;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(QuernHubFile *const *) a)->path, (*(QuernHubFile *const *) b)->path);
}

/* Two files of the same name in different folders of the repository get the folders into their names. */
static void
make_names_unique (GPtrArray *files)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < files->len; i++) {
    QuernHubFile *file = files->pdata[i];

    if (g_hash_table_contains (seen, file->name)) {
      g_free (file->name);
      file->name = g_strdelimit (g_strdup (file->path), "/", '-');
    }
    g_hash_table_add (seen, g_strdup (file->name));
  }
}

/* ---- items ----------------------------------------------------------------------------------------------------- */

static gboolean
is_vision (const QuernHubFile *file)
{
  return strcasestr (file->name, "mmproj") != NULL;
}

/* Files that hold no model: importance matrices, drafts of the MTP block alone. */
static gboolean
is_side_file (const QuernHubFile *file)
{
  return strcasestr (file->name, "imatrix") != NULL || g_ascii_strncasecmp (file->name, "mtp-", 4) == 0;
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

static const QuernHubFile *
choose_vision (GPtrArray *files)
{
  const QuernHubFile *best = NULL;

  for (guint i = 0; i < files->len; i++)
    if (is_vision (files->pdata[i]) && (best == NULL || vision_rank (files->pdata[i]) < vision_rank (best)))
      best = files->pdata[i];
  return best;
}

/* All parts of the split file that starts at index `first` of the sorted files, NULL if one is missing. */
static QuernHubItem *
split_item (GPtrArray *files, guint first, const char *base, guint parts)
{
  g_autofree char *name = g_path_get_basename (base), *label = quern_hub_label_from_name (name);
  g_autoptr (QuernHubItem) item = quern_hub_item_new (label);

  for (guint i = 0; i < parts; i++) {
    g_autofree char *expected = g_strdup_printf ("%s-%05u-of-%05u.gguf", base, i + 1, parts);
    const QuernHubFile *file = first + i < files->len ? files->pdata[first + i] : NULL;
    QuernHubFile *copy;

    if (file == NULL || g_ascii_strcasecmp (file->path, expected) != 0)
      return NULL;
    copy = quern_hub_file_new (file->path, file->size, file->sha256);
    g_free (copy->name);
    copy->name = g_strdup (file->name);
    quern_hub_item_add_file (item, copy);
  }
  return g_steal_pointer (&item);
}

static QuernHubItem *
single_item (const QuernHubFile *file)
{
  g_autofree char *stem = g_strndup (file->path, strlen (file->path) - 5), *name = g_path_get_basename (stem);
  g_autofree char *label = quern_hub_label_from_name (name);
  QuernHubItem *item = quern_hub_item_new (label);
  QuernHubFile *copy = quern_hub_file_new (file->path, file->size, file->sha256);

  g_free (copy->name);
  copy->name = g_strdup (file->name);
  quern_hub_item_add_file (item, copy);
  return item;
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
  const QuernHubFile *vision = choose_vision (files);

  for (guint i = 0; i < files->len; i++) {
    const QuernHubFile *file = files->pdata[i];
    g_autofree char *stem = g_strndup (file->path, strlen (file->path) - 5), *base = NULL;
    g_autoptr (QuernHubItem) item = NULL;
    guint part = 0, parts = 0;

    if (is_vision (file) || is_side_file (file))
      continue;
    if (!parse_split (stem, &base, &part, &parts))
      item = single_item (file);
    else if (part == 1)
      item = split_item (files, i, base, parts);
    if (item == NULL)
      continue; /* a later part, or one of an incomplete upload */
    quern_hub_item_set_vision (item, vision);
    quern_hub_item_set_parameters (item, repo->parameters);
    g_list_store_insert_sorted (repo->items, item, compare_bytes, NULL);
  }
}

/* ---- repositories ---------------------------------------------------------------------------------------------- */

static char *
license_of (JsonObject *object)
{
  JsonArray *tags = get_array (object, "tags");

  for (guint i = 0; tags != NULL && i < json_array_get_length (tags); i++) {
    JsonNode *node = json_array_get_element (tags, i);
    const char *tag = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                          ? json_node_get_string (node)
                          : "";

    if (g_str_has_prefix (tag, "license:"))
      return g_strdup (tag + 8);
  }
  return NULL;
}

static void
read_files (QuernHubRepo *repo, JsonObject *object)
{
  JsonArray *siblings = get_array (object, "siblings");
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_hub_file_free);

  for (guint i = 0; siblings != NULL && i < json_array_get_length (siblings); i++) {
    QuernHubFile *file = parse_file (json_array_get_element (siblings, i));

    if (file != NULL)
      g_ptr_array_add (files, file);
  }
  g_ptr_array_sort (files, compare_paths);
  make_names_unique (files);
  group_files (repo, files);
}

static QuernHubRepo *
parse_repo (JsonNode *node)
{
  JsonObject *object = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *gguf = object != NULL ? get_object (object, "gguf") : NULL;
  const char *id = object != NULL ? get_string (object, "id") : NULL;
  JsonNode *gated = object != NULL ? json_object_get_member (object, "gated") : NULL;
  QuernHubRepo *repo;

  if (!quern_hub_repo_id_is_valid (id))
    return NULL;
  repo = g_object_new (QUERN_TYPE_HUB_REPO, NULL);
  repo->id = g_strdup (id);
  repo->author = g_strndup (id, strcspn (id, "/"));
  repo->name = g_strdup (strchr (id, '/') + 1);
  repo->revision = g_strdup (get_string (object, "sha"));
  repo->license = license_of (object);
  repo->downloads = get_int (object, "downloads");
  repo->likes = get_int (object, "likes");
  repo->gated = gated != NULL && JSON_NODE_HOLDS_VALUE (gated) && json_node_get_value_type (gated) == G_TYPE_STRING;
  if (get_string (object, "lastModified") != NULL)
    repo->modified = g_date_time_new_from_iso8601 (get_string (object, "lastModified"), NULL);
  if (gguf != NULL) {
    repo->architecture = g_strdup (get_string (gguf, "architecture"));
    repo->parameters = get_int (gguf, "total");
  }
  read_files (repo, object);
  return repo;
}

static JsonNode *
parse_body (GBytes *body, JsonNodeType type, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize size;
  const char *data = g_bytes_get_data (body, &size);
  JsonNode *root = NULL;

  if (size > 0 && json_parser_load_from_data (parser, data, size, NULL))
    root = json_parser_get_root (parser);
  if (root != NULL && json_node_get_node_type (root) == type)
    return json_node_ref (root);
  g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                       _ ("The address in Preferences answers, but not as a hub does. Check it and try again."));
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
  for (guint i = 0; i < json_array_get_length (json_node_get_array (root)); i++) {
    QuernHubRepo *repo = parse_repo (json_array_get_element (json_node_get_array (root), i));

    if (repo != NULL)
      g_ptr_array_add (repos, repo);
  }
  return repos;
}

/* Returns: (transfer full) (nullable): one repository with its files */
QuernHubRepo *
quern_hub_parse_repo (GBytes *body, GError **error)
{
  g_autoptr (JsonNode) root = parse_body (body, JSON_NODE_OBJECT, error);
  QuernHubRepo *repo = root != NULL ? parse_repo (root) : NULL;

  if (root != NULL && repo == NULL)
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                         _ ("The hub’s answer names no repository. Try again later."));
  return repo;
}
