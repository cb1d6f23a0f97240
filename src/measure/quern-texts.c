/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-texts.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-json-util.h"

#define MOST_FILES 10000 /* of a folder */
#define MOST_BYTES (64 * 1024 * 1024)

static const QuernTextCategory categories[] = {
  { "code", N_("Code in eight languages"), "code.txt" },
  { "chat", N_("Chat, of which the answers count"), "chat.jsonl" },
  { "tools", N_("Tool calls"), "calls.jsonl" },
  { "science", N_("Science with formulas"), "science.txt" },
  { "scripts", N_("Eight languages in other scripts"), "scripts.txt" },
  { "document", N_("A long document"), "document.txt" },
};

/**
 * quern_texts_get:
 *
 * Returns: (nullable): category @i, or %NULL past the last
 */
const QuernTextCategory *
quern_texts_get (guint i)
{
  return i < G_N_ELEMENTS (categories) ? &categories[i] : NULL;
}

/**
 * quern_texts_get_name:
 * @id: of a category, which may be one that Quern does not know
 *
 * Returns: its name for people, translated
 */
const char *
quern_texts_get_name (const char *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (categories); i++)
    if (g_str_equal (categories[i].id, id))
      return _ (categories[i].name);
  return id;
}

/* Instructions, then questions and answers in turn. Each answer is a piece of its own, after all that came before it. */
static void
add_conversation (QuernMeasure *measure, JsonArray *array)
{
  g_autoptr (QuernRequest) request = quern_request_new ();

  quern_request_add_message (request, QUERN_ROLE_SYSTEM, quern_json_string_at (array, 0), NULL);
  for (guint i = 1; i + 1 < quern_json_length (array); i += 2) {
    const char *answer = quern_json_string_at (array, i + 1);
    g_autoptr (QuernRequest) asked = NULL;
    quern_request_add_message (request, QUERN_ROLE_USER, quern_json_string_at (array, i), NULL);
    asked = quern_request_new_without (request, 0);
    quern_request_set_thinking (asked, FALSE);
    quern_measure_add_reply (measure, asked, NULL, answer);
    quern_request_add_message (request, QUERN_ROLE_ASSISTANT, answer, NULL);
  }
}

/* A question that a tool is called for. The call is a piece, and so is what is said about its result. */
static void
add_call (QuernMeasure *measure, JsonObject *object)
{
  g_autoptr (QuernRequest) asked = quern_request_new (), called = NULL, answering = NULL;
  g_autoptr (GStrvBuilder) tools = g_strv_builder_new ();
  JsonArray *offered = quern_json_array (object, "tools");
  JsonObject *call = quern_json_object (object, "call");
  JsonNode *values = call ? json_object_get_member (call, "arguments") : NULL;
  g_autofree char *arguments = values ? json_to_string (values, FALSE) : g_strdup ("{}");
  const char *name = quern_json_string (call, "name", "");

  for (guint i = 0; i < quern_json_length (offered); i++)
    g_strv_builder_take (tools, json_to_string (json_array_get_element (offered, i), FALSE));
  g_auto (GStrv) list = g_strv_builder_end (tools);
  quern_request_set_tools (asked, (const char *const *) list);
  quern_request_set_thinking (asked, FALSE);
  quern_request_add_message (asked, QUERN_ROLE_USER, quern_json_string (object, "question", ""), NULL);
  called = quern_request_new_without (asked, 0);
  quern_request_add_message (called, QUERN_ROLE_ASSISTANT, "", NULL);
  quern_request_add_call (called, NULL, name, arguments);
  quern_measure_add_messages (measure, asked, called);
  answering = quern_request_new_without (called, 0);
  quern_request_add_result (answering, NULL, name, quern_json_string (object, "result", ""));
  quern_measure_add_reply (measure, answering, NULL, quern_json_string (object, "answer", ""));
}

static gboolean
add_line (QuernMeasure *measure, const char *line, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root = json_parser_load_from_data (parser, line, (gssize) length, NULL) ? json_parser_get_root (parser)
                                                                                    : NULL;

  if (root && JSON_NODE_HOLDS_ARRAY (root))
    add_conversation (measure, json_node_get_array (root));
  else if (root && JSON_NODE_HOLDS_OBJECT (root))
    add_call (measure, json_node_get_object (root));
  else
    return FALSE;
  return TRUE;
}

/**
 * quern_texts_add:
 * @id: of a category
 *
 * Adds the texts of a category to a measurement. Blocks for some milliseconds.
 */
gboolean
quern_texts_add (QuernMeasure *measure, const char *id, GError **error)
{
  const char *data_folder = g_getenv ("QUERN_PKGDATADIR"); /* programs run from the build folder */
  const QuernTextCategory *category = NULL;
  g_autofree char *path = NULL, *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (categories); i++)
    if (g_str_equal (categories[i].id, id))
      category = &categories[i];
  if (!category) {
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
                 _("There is no category “%s”. There are code, chat, tools, science, scripts and document."), id);
    return FALSE;
  }
  path = g_build_filename (data_folder ? data_folder : PKGDATADIR, "texts", category->file, NULL);
  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  quern_measure_begin_category (measure, category->id);
  if (g_str_has_suffix (category->file, ".txt"))
    quern_measure_add_text (measure, text);
  for (char *line = text, *end; g_str_has_suffix (category->file, ".jsonl") && (end = strchr (line, '\n'));
       line = end + 1)
    if (!add_line (measure, line, (gsize) (end - line))) {
      g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT, _("“%s” is damaged. Install Quern again."),
                   path);
      return FALSE;
    }
  quern_measure_begin_category (measure, NULL);
  return TRUE;
}

/* ---- folders --------------------------------------------------------------------------------------------------- */

typedef struct {
  guint n_texts, n_files;
  guint64 n_bytes;
} Added;

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* What is not UTF-8, or has a NUL byte, is no text, and neither is what is larger than all texts may be: models lie in folders
 * too. Links are not followed: a folder may be linked into itself. */
static gboolean
add_folder (QuernMeasure *measure, const char *path, Added *added, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (!dir)
    return FALSE;
  for (const char *name; (name = g_dir_read_name (dir));)
    if (name[0] != '.' && added->n_files + names->len < MOST_FILES)
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len && added->n_bytes < MOST_BYTES; i++) {
    const char *name = names->pdata[i];
    g_autofree char *text = NULL;
    gsize length;
    GStatBuf info;
    if (g_lstat (name, &info) != 0 || S_ISLNK (info.st_mode))
      continue;
    if (S_ISDIR (info.st_mode)) {
      if (!add_folder (measure, name, added, error))
        return FALSE;
      continue;
    }
    added->n_files++;
    if (!S_ISREG (info.st_mode) || info.st_size > MOST_BYTES || !g_file_get_contents (name, &text, &length, NULL)
        || length == 0 || !g_utf8_validate_len (text, length, NULL))
      continue;
    quern_measure_add_text (measure, text);
    added->n_texts++;
    added->n_bytes += length;
  }
  return TRUE;
}

/**
 * quern_texts_add_folder:
 * @path: a folder
 *
 * Each file is a text of its own. Files that are no text are passed over, and so are hidden ones. Blocks.
 *
 * Returns: %FALSE with @error set if the folder cannot be read, or has no text
 */
gboolean
quern_texts_add_folder (QuernMeasure *measure, const char *path, GError **error)
{
  Added added = { 0 };

  if (!add_folder (measure, path, &added, error))
    return FALSE;
  if (added.n_texts > 0)
    return TRUE;
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
               _("There is no text file in “%s”. Choose a folder with files that are plain text in UTF-8."), path);
  return FALSE;
}
