/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import-tree.h"

#include <string.h>

/* What has no place in the JSON of our exports is counted in the member "lost" of the conversation. */

void
_quern_import_set_text (JsonObject *object, const char *name, const char *text)
{
  if (*text)
    json_object_set_string_member (object, name, text);
}

void
_quern_import_set_time (JsonObject *object, const char *name, double seconds)
{
  g_autoptr (GDateTime) time = seconds > 0 && seconds < 1e11 ? g_date_time_new_from_unix_utc ((gint64) seconds) : NULL;
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;

  if (text)
    json_object_set_string_member (object, name, text);
}

/* A time that may be in seconds or in milliseconds, as programs changed their minds. */
double
_quern_import_seconds (JsonObject *object, const char *name)
{
  double time = _quern_import_number (object, name);

  return time >= 1e11 ? time / 1000 : time;
}

void
_quern_import_count_lost (JsonObject *conversation, const char *name)
{
  JsonObject *lost = _quern_import_object (conversation, "lost");

  if (!lost) {
    lost = json_object_new ();
    json_object_set_object_member (conversation, "lost", lost);
  }
  json_object_set_int_member (lost, name, json_object_get_int_member_with_default (lost, name, 0) + 1);
}

/* The messages belong to the conversation. */
JsonObject *
_quern_import_new_conversation (const char *title, JsonArray **messages)
{
  JsonObject *object = json_object_new ();

  *messages = json_array_new ();
  json_object_set_string_member (object, "title", title);
  json_object_set_array_member (object, "messages", *messages);
  return object;
}

JsonObject *
_quern_import_add_message (JsonArray *messages, const char *role, const char *text, const char *reasoning, double time,
                           const char *model)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "role", role);
  json_object_set_string_member (object, "content", text);
  _quern_import_set_text (object, "reasoning", reasoning);
  _quern_import_set_text (object, "model_title", model);
  _quern_import_set_time (object, "created", time);
  json_array_add_object_element (messages, object);
  return object;
}

/* Where it is in the tree. */
void
_quern_import_set_place (JsonObject *message, gint64 id, gint64 parent, gboolean shown)
{
  json_object_set_int_member (message, "id", id);
  if (parent)
    json_object_set_int_member (message, "parent", parent);
  json_object_set_boolean_member (message, "shown", shown);
}

static void
add_attachment (JsonObject *message, const char *name, const char *type, const char *base64)
{
  JsonArray *list = _quern_import_array (message, "attachments");
  JsonObject *object = json_object_new ();

  if (!list) {
    list = json_array_new ();
    json_object_set_array_member (message, "attachments", list);
  }
  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "type", type);
  json_object_set_string_member (object, "data", base64);
  json_array_add_object_element (list, object);
}

/* Attaches what "data:TYPE;base64,…" holds. FALSE: the address is of another kind, so the file is elsewhere. */
gboolean
_quern_import_add_data_url (JsonObject *message, const char *name, const char *url)
{
  const char *comma = g_str_has_prefix (url, "data:") ? strchr (url, ',') : NULL;
  g_autofree char *head = comma ? g_strndup (url + strlen ("data:"), (gsize) (comma - url) - strlen ("data:")) : NULL;
  char *end = head ? strchr (head, ';') : NULL;

  if (!head || !g_str_has_suffix (head, ";base64"))
    return FALSE;
  *end = '\0';
  add_attachment (message, *name ? name : g_str_has_prefix (head, "image/") ? "image" : "file", head, comma + 1);
  return TRUE;
}

void
_quern_import_add_text_file (JsonObject *message, const char *name, const char *text)
{
  g_autofree char *base64 = g_base64_encode ((const guchar *) text, strlen (text));

  add_attachment (message, *name ? name : "text.txt", "text/plain", base64);
}

/* ---- trees ----------------------------------------------------------------------------------------------------- */

void
_quern_import_tree_init (QuernImportTree *self, const char *title, const char *parent_member, QuernImportAddNode add)
{
  *self = (QuernImportTree) { .parent_member = parent_member,
                              .add = add,
                              .names = g_ptr_array_new (),
                              .nodes = g_hash_table_new (g_str_hash, g_str_equal),
                              .ids = g_hash_table_new (g_str_hash, g_str_equal),
                              .shown = g_hash_table_new (g_str_hash, g_str_equal) };
  self->conversation = _quern_import_new_conversation (title, &self->messages);
}

/* The name and the node stay the caller's. */
void
_quern_import_tree_add (QuernImportTree *self, const char *name, JsonObject *node)
{
  if (node && g_hash_table_insert (self->nodes, (gpointer) name, node))
    g_ptr_array_add (self->names, (gpointer) name);
}

/* For QuernImportAddNode: a message that was just added is that of the node. Returns its id. */
gint64
_quern_import_tree_place (QuernImportTree *self, JsonObject *message, const char *name, gint64 parent)
{
  gint64 id = json_array_get_length (self->messages);

  _quern_import_set_place (message, id, parent, g_hash_table_contains (self->shown, name));
  return id;
}

/* Adds the messages of all nodes, of which those from the root to @leaf are shown. Returns the conversation. */
JsonObject *
_quern_import_tree_end (QuernImportTree *self, const char *leaf)
{
  for (JsonObject *node;
       (node = g_hash_table_lookup (self->nodes, leaf)) && g_hash_table_add (self->shown, (gpointer) leaf);)
    leaf = _quern_import_string (node, self->parent_member);
  /* Each node is added after all above it that are not there yet. */
  for (guint n = 0; n < self->names->len; n++) {
    g_autoptr (GPtrArray) above = g_ptr_array_new ();                        /* names, from the node up */
    g_autoptr (GHashTable) met = g_hash_table_new (g_str_hash, g_str_equal); /* a circle ends at the first of these */
    const char *name = self->names->pdata[n];
    gint64 id;
    for (JsonObject *node; !g_hash_table_contains (self->ids, name) && (node = g_hash_table_lookup (self->nodes, name))
                           && g_hash_table_add (met, (gpointer) name);) {
      g_ptr_array_add (above, (gpointer) name);
      name = _quern_import_string (node, self->parent_member);
    }
    id = (gint64) (gintptr) g_hash_table_lookup (self->ids, name);
    for (guint i = above->len; i > 0; i--) {
      name = above->pdata[i - 1];
      id = self->add (self, g_hash_table_lookup (self->nodes, name), name, id);
      g_hash_table_insert (self->ids, (gpointer) name, (gpointer) (gintptr) id);
    }
  }
  g_ptr_array_unref (self->names);
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->ids);
  g_hash_table_unref (self->shown);
  return self->conversation;
}

JsonArray *
_quern_import_each (JsonNode *root, JsonObject *(*convert) (JsonObject *object))
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  g_autoptr (JsonArray) conversations = json_array_new ();
  JsonObject *found = JSON_NODE_HOLDS_OBJECT (root) ? convert (json_node_get_object (root)) : NULL;

  if (found)
    json_array_add_object_element (conversations, found);
  for (guint i = 0; list && i < json_array_get_length (list); i++) {
    JsonObject *object = _quern_import_element (list, i);
    found = object ? convert (object) : NULL;
    if (found)
      json_array_add_object_element (conversations, found);
  }
  return json_array_get_length (conversations) ? g_steal_pointer (&conversations) : NULL;
}
