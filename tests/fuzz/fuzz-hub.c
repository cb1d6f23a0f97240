/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a hub answers: a listing of repositories, and one repository with its files. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern-hub-repo.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (gboolean ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

/* A file's name is one that can be given to it, and nothing else has it. */
static void
check_file (GHashTable *names, const QuernHubFile *file)
{
  g_autofree char *folded = g_utf8_casefold (file->name, -1);
  const char *owner = g_hash_table_lookup (names, folded);

  require (g_utf8_validate (file->name, -1, NULL) && g_str_has_suffix (file->name, ".gguf"), "a name is a model's");
  require (file->name[0] != '.' && strchr (file->name, '/') == NULL && strlen (file->name) < 240, "a name is a file's");
  require (file->size > 0 && file->size <= G_GUINT64_CONSTANT (1) << 44, "a size is one that a disk may have");
  require (file->sha256 == NULL || strspn (file->sha256, "0123456789abcdef") == 64, "a hash is one in lower case");
  require (owner == NULL || g_str_equal (owner, file->path), "no two files have one name");
  g_hash_table_replace (names, g_steal_pointer (&folded), g_strdup (file->path));
}

static void
check_item (QuernHubRepo *repo, QuernHubItem *item, GHashTable *names, GHashTable *labels)
{
  guint64 bytes = 0;

  require (g_utf8_validate (quern_hub_item_get_label (item), -1, NULL), "a label can be shown");
  require (g_hash_table_add (labels, g_strdup (quern_hub_item_get_label (item))), "no two items have one label");
  require (quern_hub_item_get_n_files (item) > 0, "an item has files");
  for (guint i = 0; i < quern_hub_item_get_n_files (item); i++) {
    const QuernHubFile *file = quern_hub_item_get_file (item, i);
    g_autoptr (QuernHubItem) found = quern_hub_repo_find_item (repo, file->path);

    require (found == item, "a file's path finds it");
    check_file (names, file);
    bytes += file->size;
  }
  require (bytes == quern_hub_item_get_bytes (item), "an item is as large as its files");
  if (quern_hub_item_get_vision (item) != NULL)
    check_file (names, quern_hub_item_get_vision (item));
}

static void
check_repo (QuernHubRepo *repo)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GListModel *items = quern_hub_repo_get_items (repo);
  const char *texts[] = { quern_hub_repo_get_license (repo), quern_hub_repo_get_architecture (repo),
                          quern_hub_repo_get_revision (repo) };

  require (quern_hub_repo_id_is_valid (quern_hub_repo_get_id (repo)), "an id is a folder's");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    require (texts[i] == NULL || g_utf8_validate (texts[i], -1, NULL), "a word can be shown");
  for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernHubItem) item = g_list_model_get_item (items, i);
    check_item (repo, item, names, labels);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GPtrArray) listing = quern_hub_parse_listing (body, NULL);
  g_autoptr (QuernHubRepo) repo = quern_hub_parse_repo (body, "asked/for", NULL);

  if (repo != NULL) {
    require (g_str_equal (quern_hub_repo_get_id (repo), "asked/for"), "a repository goes by the name asked for");
    check_repo (repo);
  }
  for (guint i = 0; listing != NULL && i < listing->len; i++)
    check_repo (listing->pdata[i]);
  return 0;
}
