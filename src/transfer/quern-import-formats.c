/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import.h"

/* What other programs export, as the JSON of our own exports, with all branches. What has no place there is counted in
 * the member "lost". */

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (*text)
    json_object_set_string_member (object, name, text);
}

static void
set_time (JsonObject *object, const char *name, double seconds)
{
  g_autoptr (GDateTime) time = seconds > 0 && seconds < 1e11 ? g_date_time_new_from_unix_utc ((gint64) seconds) : NULL;
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;

  if (text)
    json_object_set_string_member (object, name, text);
}

static void
count_lost (JsonObject *conversation, const char *name)
{
  JsonObject *lost = _quern_import_object (conversation, "lost");

  if (!lost) {
    lost = json_object_new ();
    json_object_set_object_member (conversation, "lost", lost);
  }
  json_object_set_int_member (lost, name, json_object_get_int_member_with_default (lost, name, 0) + 1);
}

static JsonObject *
add_message (JsonArray *messages, const char *role, const char *text, const char *reasoning, double time,
             const char *model)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "role", role);
  json_object_set_string_member (object, "content", text);
  set_text (object, "reasoning", reasoning);
  set_text (object, "model_title", model);
  set_time (object, "created", time);
  json_array_add_object_element (messages, object);
  return object;
}

/* Where it is in the tree. */
static void
set_place (JsonObject *message, gint64 id, gint64 parent, gboolean shown)
{
  json_object_set_int_member (message, "id", id);
  if (parent)
    json_object_set_int_member (message, "parent", parent);
  json_object_set_boolean_member (message, "shown", shown);
}

static JsonObject *
new_conversation (const char *title, JsonArray **messages)
{
  JsonObject *object = json_object_new ();

  *messages = json_array_new ();
  json_object_set_string_member (object, "title", title);
  json_object_set_array_member (object, "messages", *messages);
  return object;
}

/* Appends text parts: strings, or objects with a "text". Anything else, such as a picture that lies elsewhere, is lost. */
static void
append_parts (GString *text, JsonArray *parts, JsonObject *conversation)
{
  for (guint i = 0; parts && i < json_array_get_length (parts); i++) {
    JsonNode *node = json_array_get_element (parts, i);
    const char *part = NULL;
    if (JSON_NODE_HOLDS_OBJECT (node) && json_object_has_member (json_node_get_object (node), "text"))
      part = _quern_import_string (json_node_get_object (node), "text");
    else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
      part = json_node_get_string (node);
    if (!part) {
      count_lost (conversation, "attachments");
      continue;
    }
    if (*part && text->len)
      g_string_append_c (text, '\n');
    g_string_append (text, part);
  }
}

/* ---- OpenAI ---------------------------------------------------------------------------------------------------- */

/* [{"title", "create_time", "current_node", "mapping": {id: {"parent", "message": {"author": {"role"},
 * "content": {"content_type": "text", "parts": [text, …]}, "create_time", "metadata": {"model_slug"}}}}}, …] */

typedef struct {
  JsonObject *conversation;
  JsonArray *messages;
  GHashTable *ids;   /* name of a node -> id of its message, or of the one above where it has none */
  GHashTable *shown; /* set of the names of the nodes that were shown */
} OpenAi;

/* Adds the message of a node, if it is one. Returns its id, or that of the one it follows. */
static gint64
add_openai_message (OpenAi *o, JsonObject *node, const char *name, gint64 parent)
{
  JsonObject *message = _quern_import_object (node, "message");
  const char *role = _quern_import_string (_quern_import_object (message, "author"), "role");
  g_autoptr (GString) text = g_string_new (NULL);
  JsonObject *added;
  gint64 id = json_array_get_length (o->messages) + 1;

  if (!message)
    return parent;
  append_parts (text, _quern_import_array (_quern_import_object (message, "content"), "parts"), o->conversation);
  if (g_str_equal (role, "system")) {
    set_text (o->conversation, "system_prompt", text->str);
    return parent;
  }
  if (text->len == 0 || !(g_str_equal (role, "user") || g_str_equal (role, "assistant"))) {
    count_lost (o->conversation, "messages");
    return parent;
  }
  added = add_message (o->messages, role, text->str, "", _quern_import_number (message, "create_time"),
                       _quern_import_string (_quern_import_object (message, "metadata"), "model_slug"));
  set_place (added, id, parent, g_hash_table_contains (o->shown, name));
  return id;
}

static JsonObject *
openai_conversation (JsonObject *object, JsonObject *mapping)
{
  OpenAi o = { .ids = g_hash_table_new (g_str_hash, g_str_equal), .shown = g_hash_table_new (g_str_hash, g_str_equal) };
  g_autoptr (GList) names = json_object_get_members (mapping);
  const char *shown = _quern_import_string (object, "current_node");

  o.conversation = new_conversation (_quern_import_string (object, "title"), &o.messages);
  set_time (o.conversation, "created", _quern_import_number (object, "create_time"));
  set_time (o.conversation, "updated", _quern_import_number (object, "update_time"));
  for (JsonObject *node;
       (node = _quern_import_object (mapping, shown)) && g_hash_table_add (o.shown, (gpointer) shown);)
    shown = _quern_import_string (node, "parent");
  /* Each node is added after all above it that are not there yet. */
  for (GList *l = names; l; l = l->next) {
    g_autoptr (GPtrArray) above = g_ptr_array_new ();                        /* names, from the node up */
    g_autoptr (GHashTable) met = g_hash_table_new (g_str_hash, g_str_equal); /* a circle ends at the first of these */
    const char *name = l->data;
    gint64 id;
    for (JsonObject *node; !g_hash_table_contains (o.ids, name) && (node = _quern_import_object (mapping, name))
                           && g_hash_table_add (met, (gpointer) name);) {
      g_ptr_array_add (above, (gpointer) name);
      name = _quern_import_string (node, "parent");
    }
    id = (gint64) (gintptr) g_hash_table_lookup (o.ids, name);
    for (guint i = above->len; i > 0; i--) {
      name = above->pdata[i - 1];
      id = add_openai_message (&o, _quern_import_object (mapping, name), name, id);
      g_hash_table_insert (o.ids, (gpointer) name, (gpointer) (gintptr) id);
    }
  }
  g_hash_table_unref (o.ids);
  g_hash_table_unref (o.shown);
  return o.conversation;
}

JsonArray *
_quern_import_openai (JsonNode *root)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  g_autoptr (JsonArray) conversations = json_array_new ();

  if (JSON_NODE_HOLDS_OBJECT (root) && _quern_import_object (json_node_get_object (root), "mapping"))
    json_array_add_object_element (conversations,
                                   openai_conversation (json_node_get_object (root),
                                                        _quern_import_object (json_node_get_object (root), "mapping")));
  for (guint i = 0; list && i < json_array_get_length (list); i++) {
    JsonObject *object = _quern_import_element (list, i);
    JsonObject *mapping = _quern_import_object (object, "mapping");
    if (mapping)
      json_array_add_object_element (conversations, openai_conversation (object, mapping));
  }
  return json_array_get_length (conversations) ? g_steal_pointer (&conversations) : NULL;
}

/* ---- LM Studio ------------------------------------------------------------------------------------------------- */

/* {"name", "createdAt" (ms), "systemPrompt", "messages": [{"currentlySelected", "versions": [version, …]}, …]}
 * version: {"type": "singleStep", "role", "content": [{"type": "text", "text"}, …]} or {"type": "multiStep", "role",
 * "steps": [{"type": "contentBlock", "style": {"type": "thinking"}?, "content": […]}, …]}. */

/* Adds all versions of a message below `parent`. What comes next followed the one that was selected. Returns its id. */
static gint64
add_lmstudio_message (JsonObject *conversation, JsonArray *messages, JsonObject *message, gint64 parent)
{
  JsonArray *versions = _quern_import_array (message, "versions");
  guint n = versions ? json_array_get_length (versions) : 0;
  double selected = CLAMP (_quern_import_number (message, "currentlySelected"), 0, 1e6);
  gint64 next = 0;

  for (guint i = 0; i < n; i++) {
    JsonObject *version = _quern_import_element (versions, i);
    JsonArray *steps = _quern_import_array (version, "steps");
    const char *role = _quern_import_string (version, "role");
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GString) reasoning = g_string_new (NULL);
    gint64 id = json_array_get_length (messages) + 1;

    append_parts (text, _quern_import_array (version, "content"), conversation);
    for (guint j = 0; steps && j < json_array_get_length (steps); j++) {
      JsonObject *step = _quern_import_element (steps, j);
      const char *style = _quern_import_string (_quern_import_object (step, "style"), "type");
      append_parts (g_str_equal (style, "thinking") ? reasoning : text, _quern_import_array (step, "content"),
                    conversation);
    }
    if ((text->len == 0 && reasoning->len == 0) || !(g_str_equal (role, "user") || g_str_equal (role, "assistant"))) {
      count_lost (conversation, "messages");
      continue;
    }
    set_place (add_message (messages, role, text->str, reasoning->str, 0,
                            _quern_import_string (_quern_import_object (version, "senderInfo"), "senderName")),
               id, parent, i == (guint) selected);
    if (i == (guint) selected)
      next = id;
  }
  if (n == 0)
    count_lost (conversation, "messages");
  return next ? next : parent;
}

JsonArray *
_quern_import_lmstudio (JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonArray *list = _quern_import_array (object, "messages");
  JsonObject *conversation;
  JsonArray *messages, *conversations;
  gint64 last = 0;

  if (!list || !_quern_import_array (_quern_import_element (list, 0), "versions"))
    return NULL;
  conversation = new_conversation (_quern_import_string (object, "name"), &messages);
  set_text (conversation, "system_prompt", _quern_import_string (object, "systemPrompt"));
  set_time (conversation, "created", _quern_import_number (object, "createdAt") / 1000);
  set_time (conversation, "updated", _quern_import_number (object, "createdAt") / 1000);
  for (guint i = 0; i < json_array_get_length (list); i++)
    last = add_lmstudio_message (conversation, messages, _quern_import_element (list, i), last);
  conversations = json_array_new ();
  json_array_add_object_element (conversations, conversation);
  return conversations;
}
