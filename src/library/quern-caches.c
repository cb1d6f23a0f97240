/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-caches.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* Where other programs keep models, so that nobody downloads the same gigabytes twice. All of this is only ever read.
 *
 * LM Studio, llama.cpp and the tools of Hugging Face keep GGUF files under their names. Ollama keeps blobs named by their
 * SHA-256; its manifests, small JSON files in folders REGISTRY/OWNER/MODEL/TAG, say which blob is what. */

#define MAX_MANIFEST (1024 * 1024)
#define OLLAMA_LIBRARY "registry.ollama.ai/library/"
#define OLLAMA_REGISTRY "registry.ollama.ai/"

static void
folder_free (gpointer data)
{
  QuernCacheFolder *folder = data;

  g_free (folder->path);
  g_free (folder);
}

static void
file_free (gpointer data)
{
  QuernCacheFile *file = data;

  g_free (file->path);
  g_free (file->vision_path);
  g_free (file->name);
  g_free (file);
}

/* Takes the path. A folder that is named twice is looked into once. */
static void
add_folder (GPtrArray *folders, QuernModelOrigin origin, char *path)
{
  QuernCacheFolder *folder;

  for (guint i = 0; i < folders->len; i++)
    if (g_str_equal (((QuernCacheFolder *) folders->pdata[i])->path, path)) {
      g_free (path);
      return;
    }
  folder = g_new (QuernCacheFolder, 1);
  *folder = (QuernCacheFolder) { origin, path };
  g_ptr_array_add (folders, folder);
}

/* Adds the folder that a variable names; FALSE when it names none. */
static gboolean
add_variable (GPtrArray *folders, QuernModelOrigin origin, const char *variable, const char *below)
{
  const char *value = g_getenv (variable);

  if (value == NULL || !g_path_is_absolute (value))
    return FALSE;
  add_folder (folders, origin, g_build_filename (value, below, NULL));
  return TRUE;
}

/* Returns: (transfer full) (element-type QuernCacheFolder): where models of other programs may be; need not exist */
GPtrArray *
_quern_caches_dup_folders (void)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (folder_free);
  const char *home = g_get_home_dir (), *cache = g_get_user_cache_dir ();

  if (!add_variable (folders, QUERN_ORIGIN_OLLAMA, "OLLAMA_MODELS", NULL)) {
    add_folder (folders, QUERN_ORIGIN_OLLAMA, g_build_filename (home, ".ollama", "models", NULL));
    add_folder (folders, QUERN_ORIGIN_OLLAMA, g_strdup ("/usr/share/ollama/.ollama/models")); /* its system service */
  }
  add_folder (folders, QUERN_ORIGIN_LM_STUDIO, g_build_filename (home, ".lmstudio", "models", NULL));
  add_folder (folders, QUERN_ORIGIN_LM_STUDIO, g_build_filename (home, ".cache", "lm-studio", "models", NULL));
  if (!add_variable (folders, QUERN_ORIGIN_LLAMA_CPP, "LLAMA_CACHE", NULL))
    add_folder (folders, QUERN_ORIGIN_LLAMA_CPP, g_build_filename (cache, "llama.cpp", NULL));
  if (!add_variable (folders, QUERN_ORIGIN_HUGGING_FACE, "HF_HUB_CACHE", NULL)
      && !add_variable (folders, QUERN_ORIGIN_HUGGING_FACE, "HF_HOME", "hub"))
    add_folder (folders, QUERN_ORIGIN_HUGGING_FACE, g_build_filename (cache, "huggingface", "hub", NULL));
  return folders;
}

/* ---- Ollama ----------------------------------------------------------------------------------------------------- */

gboolean
_quern_caches_is_ollama (const char *folder)
{
  g_autofree char *manifests = g_build_filename (folder, "manifests", NULL);
  g_autofree char *blobs = g_build_filename (folder, "blobs", NULL);

  return g_file_test (manifests, G_FILE_TEST_IS_DIR) && g_file_test (blobs, G_FILE_TEST_IS_DIR);
}

/* "sha256:ab…" -> FOLDER/blobs/sha256-ab…; NULL for anything else, such as a path that leads elsewhere. */
static char *
blob_path (const char *folder, const char *digest)
{
  g_autofree char *name = NULL;

  if (digest == NULL || !g_str_has_prefix (digest, "sha256:") || strlen (digest) != strlen ("sha256:") + 64
      || strspn (digest + strlen ("sha256:"), "0123456789abcdef") != 64)
    return NULL;
  name = g_strdelimit (g_strdup (digest), ":", '-');
  return g_build_filename (folder, "blobs", name, NULL);
}

static void
read_layer (JsonArray *layers, guint index, JsonNode *node, gpointer data)
{
  QuernCacheFile *file = ((gpointer *) data)[0];
  const char *folder = ((gpointer *) data)[1];
  JsonObject *layer = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *type = layer ? json_object_get_string_member_with_default (layer, "mediaType", "") : "";
  const char *digest = layer ? json_object_get_string_member_with_default (layer, "digest", NULL) : NULL;

  if (g_str_equal (type, "application/vnd.ollama.image.model") && file->path == NULL)
    file->path = blob_path (folder, digest);
  else if (g_str_equal (type, "application/vnd.ollama.image.projector") && file->vision_path == NULL)
    file->vision_path = blob_path (folder, digest);
}

static void
read_manifest (GPtrArray *files, const char *folder, const char *path, const char *below)
{
  QuernCacheFile *file = g_new0 (QuernCacheFile, 1);
  gpointer data[] = { file, (gpointer) folder };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gsize size = 0;
  JsonNode *root = NULL, *layers = NULL;

  if (g_file_get_contents (path, &text, &size, NULL) && size <= MAX_MANIFEST
      && json_parser_load_from_data (parser, text, (gssize) size, NULL))
    root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    layers = json_object_get_member (json_node_get_object (root), "layers");
  if (layers != NULL && JSON_NODE_HOLDS_ARRAY (layers))
    json_array_foreach_element (json_node_get_array (layers), read_layer, data);
  if (file->path == NULL || !g_file_test (file->path, G_FILE_TEST_IS_REGULAR)) {
    file_free (file);
    return;
  }
  /* "registry.ollama.ai/library/qwen3.5/4b" -> "qwen3.5:4b", as Ollama itself prints it */
  const char *start = g_str_has_prefix (below, OLLAMA_LIBRARY)    ? below + strlen (OLLAMA_LIBRARY)
                      : g_str_has_prefix (below, OLLAMA_REGISTRY) ? below + strlen (OLLAMA_REGISTRY)
                                                                  : below;
  char *name = g_utf8_make_valid (start, -1);
  char *last = strrchr (name, '/');

  if (last != NULL)
    *last = ':';
  file->name = name;
  g_ptr_array_add (files, file);
}

static void
read_manifests (GPtrArray *files, const char *folder, const char *path, const char *below, guint depth,
                GCancellable *cancellable)
{
  g_autoptr (GDir) dir = NULL;

  if (depth > 5 || g_cancellable_is_cancelled (cancellable))
    return;
  dir = g_dir_open (path, 0, NULL);
  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    g_autofree char *child_below = depth > 0 ? g_strconcat (below, "/", name, NULL) : g_strdup (name);

    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      read_manifests (files, folder, child, child_below, depth + 1, cancellable);
    else
      read_manifest (files, folder, child, child_below);
  }
}

/* Returns: (transfer full) (element-type QuernCacheFile): the models that manifests name and that are there */
GPtrArray *
_quern_caches_read_ollama (const char *folder, GCancellable *cancellable)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (file_free);
  g_autofree char *manifests = g_build_filename (folder, "manifests", NULL);

  read_manifests (files, folder, manifests, "", 0, cancellable);
  return files;
}
