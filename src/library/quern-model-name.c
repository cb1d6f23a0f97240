/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-model-name.h"

#include <string.h>

#include "quern-model-private.h"

/* What models are called. The header of a file knows neither who made it nor which recipe its types were mixed by
 * (general.file_type 15 is both Q4_K_M and UD-Q4_K_XL), and some headers hold the name of a temporary folder; names of
 * files, which publishers choose with care, then tell more. */

/* Finds the quantisation in a file's name: *start and *end are bytes. */
static gboolean
find_quantisation (const char *name, int *start, int *end)
{
  static GRegex *regex;
  g_autoptr (GMatchInfo) match = NULL;

  if (g_once_init_enter (&regex))
    g_once_init_leave (
        &regex,
        g_regex_new ("^(?:.*[-._:])?([IP]?Q[1-8](?:_[A-Z0-9]+)+|TQ[1-4]_[0-9]S?|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|"
                     "NVFP4|ROCMFP[0-9]+)(?![A-Za-z0-9])",
                     G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL));
  if (!g_regex_match (regex, name, 0, &match))
    return FALSE;
  g_match_info_fetch_pos (match, 1, start, end);
  if (*start >= 3 && g_ascii_strncasecmp (name + *start - 3, "UD-", 3) == 0)
    *start -= 3;
  return TRUE;
}

/**
 * quern_quantisation_from_name:
 * @name: a file's name without its ending, or a tag: "Qwen3.5-4B-UD-Q4_K_XL", "qwen3.5:9b-q4_K_M"
 *
 * Returns: (transfer full) (nullable): the quantisation that it names, in capitals: "UD-Q4_K_XL"; %NULL when it names none
 */
char *
quern_quantisation_from_name (const char *name)
{
  int start, end;

  return find_quantisation (name, &start, &end) ? g_ascii_strup (name + start, end - start) : NULL;
}

/**
 * quern_title_from_name:
 * @name: a file's name without its ending
 *
 * Returns: (transfer full): the part of it that names the model: "Qwen3.5-4B" of "Qwen3.5-4B-UD-Q4_K_XL"
 */
char *
quern_title_from_name (const char *name)
{
  int start, end;

  if (!find_quantisation (name, &start, &end))
    return g_strdup (name);
  while (start > 0 && strchr ("-._:", name[start - 1]))
    start--;
  return start > 0 ? g_strndup (name, start) : g_strdup (name);
}

/**
 * quern_title_says_nothing:
 * @title: what a file calls itself (general.name)
 *
 * Returns: whether it was made by a program that had no name to give: "Unsloth_Gguf_4Kx92237", "checkpoint-1200", "model"
 */
gboolean
quern_title_says_nothing (const char *title)
{
  static GRegex *regex;

  if (g_once_init_enter (&regex))
    g_once_init_leave (
        &regex, g_regex_new ("^\\s*(?:unsloth[_ -]?gguf\\b.*|unsloth_gguf_.*|(?:hf[_ -]|merged[_ -]|final[_ -])?"
                             "(?:model|merged?|output|out|final|snapshot|weights|gguf|unknown|none|null|tmp\\w*|temp)"
                             "(?:[_ -](?:hf|gguf|merged|final|model))*|checkpoint[_ -]?\\d*|[0-9a-f]{16,}|.*[/\\\\].*|"
                             "[^A-Za-z\\x{80}-\\x{10ffff}]*)\\s*$",
                             G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL));
  return g_regex_match (regex, title, 0, NULL);
}

/* Returns an element of the model's path: 0 is the file's own name, 1 the folder it lies in, and so on; %NULL above the
 * root. */
static char *
dup_path_element (QuernModel *model, guint level)
{
  g_autofree char *path = NULL;

  if (level == 0)
    return _quern_model_dup_stem (model);
  path = g_path_get_dirname (quern_model_get_path (model));
  for (guint i = 1; i < level; i++) {
    char *parent = g_path_get_dirname (path);
    if (g_str_equal (parent, path)) {
      g_free (parent);
      return NULL;
    }
    g_free (path);
    path = parent;
  }
  return g_path_get_basename (path);
}

/* Looks for the nearest part of their paths that is another one for each model; takes whole paths where there is none. */
static void
tell_group_apart (GPtrArray *group)
{
  const guint max_level = 6;

  for (guint level = 0; level < max_level; level++) {
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < group->len; i++) {
      char *element = dup_path_element (group->pdata[i], level);
      if (element)
        g_hash_table_add (seen, element);
    }
    if (g_hash_table_size (seen) < group->len)
      continue;
    for (guint i = 0; i < group->len; i++) {
      g_autofree char *element = dup_path_element (group->pdata[i], level);
      if (!quern_model_is_demo (group->pdata[i])) /* which is marked as such wherever it shows */
        _quern_model_set_detail (group->pdata[i], element);
    }
    return;
  }
  for (guint i = 0; i < group->len; i++)
    _quern_model_set_detail (group->pdata[i], quern_model_get_path (group->pdata[i]));
}

static gboolean
has_path (gconstpointer model, gconstpointer path)
{
  return g_str_equal (quern_model_get_path ((QuernModel *) model), path);
}

/**
 * quern_models_tell_apart:
 * @models: (element-type QuernModel): that are shown together
 *
 * Adds to the titles of different files that would show under one title and quantisation what tells them apart: the name
 * of the file, or of the nearest folder that differs. What runs elsewhere has its server's name in the full title anyway.
 */
void
quern_models_tell_apart (GPtrArray *models)
{
  g_autoptr (GHashTable)
      groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  GHashTableIter iter;
  gpointer group;

  for (guint i = 0; i < models->len; i++) {
    g_autofree char *title = quern_model_dup_full_title (models->pdata[i]);
    group = g_hash_table_lookup (groups, title);
    if (!group) {
      group = g_ptr_array_new ();
      g_hash_table_insert (groups, g_steal_pointer (&title), group);
    }
    if (!quern_model_is_remote (models->pdata[i])
        && !g_ptr_array_find_with_equal_func (group, quern_model_get_path (models->pdata[i]), has_path, NULL))
      g_ptr_array_add (group, models->pdata[i]);
  }
  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, NULL, &group))
    if (((GPtrArray *) group)->len > 1)
      tell_group_apart (group);
}
