/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The folder OWNER/REPO/path as repositories with commits, sizes and hashes. */

#include "quern-test-hub-private.h"

#include "quern-sha256.h"

#include <json-glib/json-glib.h>

static void
hub_file_free (gpointer data)
{
  HubFile *file = data;

  g_free (file->path);
  g_free (file->full);
  g_free (file->sha256);
  g_free (file->blob_id);
  g_free (file);
}

static void
hub_repo_free (gpointer data)
{
  HubRepo *repo = data;

  g_free (repo->id);
  g_free (repo->commit);
  g_ptr_array_unref (repo->files);
  g_free (repo->listing);
  g_free (repo->gated);
  g_free (repo->license);
  g_free (repo->architecture);
  g_free (repo->renamed_to);
  g_free (repo->modified);
  g_strfreev (repo->tags);
  g_free (repo);
}

static HubFile *
hub_file_new (const char *full, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMappedFile) map = g_mapped_file_new (full, FALSE, &error);
  HubFile *file = g_new0 (HubFile, 1);

  file->path = g_strdup (path);
  file->full = g_strdup (full);
  if (map != NULL) {
    file->size = g_mapped_file_get_length (map);
    file->sha256 = quern_sha256_of_data (g_mapped_file_get_contents (map), file->size);
  } else {
    g_warning ("%s", error->message);
    file->sha256 = quern_sha256_of_data ("", 0);
  }
  file->blob_id = g_strndup (file->sha256 + 24, 40);
  file->lfs = g_str_has_suffix (path, ".gguf") || file->size > 10 * 1000 * 1000;
  return file;
}

static void
add_files (HubRepo *repo, const char *folder, const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  if (dir == NULL)
    return;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *full = g_build_filename (folder, name, NULL);
    g_autofree char *path = *prefix != '\0' ? g_build_filename (prefix, name, NULL) : g_strdup (name);

    if (g_file_test (full, G_FILE_TEST_IS_DIR))
      add_files (repo, full, path);
    else if (g_str_equal (path, "listing.json"))
      repo->listing = g_strdup (full);
    else if (!g_str_equal (path, "hub.json"))
      g_ptr_array_add (repo->files, hub_file_new (full, path));
  }
}

static char *
dup_member (JsonObject *object, const char *name)
{
  return g_strdup (json_object_get_string_member_with_default (object, name, NULL));
}

static void
read_settings (HubRepo *repo, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "hub.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;

  if (!json_parser_load_from_file (parser, path, NULL))
    return;
  object = json_node_get_object (json_parser_get_root (parser));
  repo->gated = dup_member (object, "gated");
  repo->license = dup_member (object, "license");
  repo->architecture = dup_member (object, "architecture");
  repo->renamed_to = dup_member (object, "renamed_to");
  repo->modified = dup_member (object, "lastModified");
  repo->downloads = json_object_get_int_member_with_default (object, "downloads", 0);
  repo->likes = json_object_get_int_member_with_default (object, "likes", 0);
  repo->parameters = json_object_get_int_member_with_default (object, "parameters", 0);
  if (json_object_has_member (object, "tags")) {
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
    JsonArray *tags = json_object_get_array_member (object, "tags");

    for (guint i = 0; i < json_array_get_length (tags); i++)
      g_strv_builder_add (builder, json_array_get_string_element (tags, i));
    repo->tags = g_strv_builder_end (builder);
  }
}

static int
compare_files (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(HubFile *const *) a)->path, (*(HubFile *const *) b)->path);
}

static int
compare_downloads (gconstpointer a, gconstpointer b)
{
  const HubRepo *x = *(HubRepo *const *) a, *y = *(HubRepo *const *) b;

  if (x->downloads != y->downloads)
    return x->downloads > y->downloads ? -1 : 1;
  return g_strcmp0 (x->id, y->id);
}

static HubRepo *
hub_repo_new (const char *folder, const char *id)
{
  HubRepo *repo = g_new0 (HubRepo, 1);
  g_autoptr (GString) all = g_string_new (id);
  g_autofree char *hash = NULL;

  repo->id = g_strdup (id);
  repo->files = g_ptr_array_new_with_free_func (hub_file_free);
  read_settings (repo, folder);
  add_files (repo, folder, "");
  g_ptr_array_sort (repo->files, compare_files);
  for (guint i = 0; i < repo->files->len; i++) {
    HubFile *file = repo->files->pdata[i];
    g_string_append_printf (all, "\n%s %s", file->path, file->sha256);
  }
  hash = quern_sha256_of_data (all->str, all->len);
  repo->commit = g_strndup (hash, 40);
  if (repo->modified == NULL)
    repo->modified = g_strdup ("2026-03-01T12:00:00.000Z");
  return repo;
}

/* All repositories of the folder, most downloaded first. */
GPtrArray *
quern_hub_repos_scan (const char *folder)
{
  GPtrArray *repos = g_ptr_array_new_with_free_func (hub_repo_free);
  g_autoptr (GDir) owners = g_dir_open (folder, 0, NULL);

  for (const char *owner; owners != NULL && (owner = g_dir_read_name (owners)) != NULL;) {
    g_autofree char *owner_folder = g_build_filename (folder, owner, NULL);
    g_autoptr (GDir) names = g_dir_open (owner_folder, 0, NULL);

    for (const char *name; names != NULL && (name = g_dir_read_name (names)) != NULL;) {
      g_autofree char *repo_folder = g_build_filename (owner_folder, name, NULL);
      g_autofree char *id = g_strconcat (owner, "/", name, NULL);

      if (g_file_test (repo_folder, G_FILE_TEST_IS_DIR))
        g_ptr_array_add (repos, hub_repo_new (repo_folder, id));
    }
  }
  g_ptr_array_sort (repos, compare_downloads);
  return repos;
}

HubRepo *
quern_hub_repo_find (GPtrArray *repos, const char *id)
{
  for (guint i = 0; i < repos->len; i++)
    if (g_str_equal (((HubRepo *) repos->pdata[i])->id, id))
      return repos->pdata[i];
  return NULL;
}

HubFile *
quern_hub_repo_find_file (HubRepo *repo, const char *path)
{
  for (guint i = 0; i < repo->files->len; i++)
    if (g_str_equal (((HubFile *) repo->files->pdata[i])->path, path))
      return repo->files->pdata[i];
  return NULL;
}
