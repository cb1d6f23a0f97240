/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-import.h"

G_BEGIN_DECLS

/* Makes the JSON of our own exports (quern-export.h) of what other programs wrote. */

void _quern_import_set_text (JsonObject *object, const char *name, const char *text);
void _quern_import_set_time (JsonObject *object, const char *name, double seconds);
double _quern_import_seconds (JsonObject *object, const char *name);
void _quern_import_count_lost (JsonObject *conversation, const char *name);
JsonObject *_quern_import_new_conversation (const char *title, JsonArray **messages);
JsonObject *_quern_import_add_message (JsonArray *messages, const char *role, const char *text, const char *reasoning,
                                       double time, const char *model);
void _quern_import_set_place (JsonObject *message, gint64 id, gint64 parent, gboolean shown);
gboolean _quern_import_add_data_url (JsonObject *message, const char *name, const char *url);
void _quern_import_add_text_file (JsonObject *message, const char *name, const char *text);

/* The messages of a conversation as a tree: nodes that name the one above them. Files may name what is not there, and make
 * circles. */
typedef struct _QuernImportTree QuernImportTree;

/* Adds the message of @node below the message @parent. Returns its id, which is the number of messages then, or @parent if it
 * is no message. */
typedef gint64 (*QuernImportAddNode) (QuernImportTree *tree, JsonObject *node, const char *name, gint64 parent);

struct _QuernImportTree {
  JsonObject *conversation;
  JsonArray *messages;       /* of the conversation */
  const char *parent_member; /* of a node */
  QuernImportAddNode add;

  GPtrArray *names;  /* of the nodes, in the order of the file */
  GHashTable *nodes; /* name -> JsonObject */
  GHashTable *ids;   /* name -> id of its message, or of the one above where it has none */
  GHashTable *shown; /* set of names */
};

void _quern_import_tree_init (QuernImportTree *self, const char *title, const char *parent_member,
                              QuernImportAddNode add);
void _quern_import_tree_add (QuernImportTree *self, const char *name, JsonObject *node);
JsonObject *_quern_import_tree_end (QuernImportTree *self, const char *leaf);
gint64 _quern_import_tree_place (QuernImportTree *self, JsonObject *message, const char *name, gint64 parent);

/* Converts each element of an array that @convert takes for a conversation, and the root itself. NULL: none was. */
JsonArray *_quern_import_each (JsonNode *root, JsonObject *(*convert) (JsonObject *object));

G_END_DECLS
