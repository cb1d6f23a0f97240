/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-schema.h"

/* The schema, step by step. Ids are made by the program (quern_store_new_id()), so that an object has its id before it
 * is on disk; they grow with time. Times are microseconds since 1970, UTC; durations are seconds.
 *
 * Messages form a tree: parent_id NULL is a first message; `chosen_id` names the child that is shown (of a message), or
 * the first message that is shown (of a conversation). Editing a question or asking for another answer adds a sibling.
 *
 * `deleted` is when a conversation or message was deleted. 0 marks messages that are being erased, and
 * QUERN_STORE_FIRST_IMPORTING or more conversations that are being imported. NULL: neither.
 *
 * `owner` is the instance that is writing a message whose state is 'streaming' (see quern_database_instance_alive()).
 * The full-text index holds messages that are not being written; its tokenizer lives in quern-fts.c. */
static const char conversations_sql[] =
    "CREATE TABLE folder ("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0);"

    "CREATE TABLE conversation ("
    "  id INTEGER PRIMARY KEY, title TEXT NOT NULL DEFAULT '', title_given INTEGER NOT NULL DEFAULT 0,"
    "  created INTEGER NOT NULL, updated INTEGER NOT NULL, pinned INTEGER NOT NULL DEFAULT 0,"
    "  folder_id INTEGER REFERENCES folder ON DELETE SET NULL,"
    "  model_id TEXT, thinking INTEGER, sampling TEXT, context_size INTEGER NOT NULL DEFAULT 0,"
    "  system_prompt TEXT, draft TEXT, chosen_id INTEGER, deleted INTEGER);"
    "CREATE INDEX conversation_updated ON conversation (updated);"

    "CREATE TABLE message ("
    "  id INTEGER PRIMARY KEY,"
    "  conversation_id INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,"
    "  parent_id INTEGER REFERENCES message ON DELETE CASCADE, chosen_id INTEGER,"
    "  role TEXT NOT NULL, content TEXT NOT NULL DEFAULT '', reasoning TEXT NOT NULL DEFAULT '',"
    "  state TEXT NOT NULL, owner INTEGER NOT NULL DEFAULT 0, failure TEXT,"
    "  created INTEGER NOT NULL, model_id TEXT, model_title TEXT, thinking INTEGER NOT NULL DEFAULT 0,"
    "  seed INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,"
    "  reused_tokens INTEGER NOT NULL DEFAULT 0, evaluated_tokens INTEGER NOT NULL DEFAULT 0,"
    "  answer_tokens INTEGER NOT NULL DEFAULT 0, reasoning_tokens INTEGER NOT NULL DEFAULT 0,"
    "  load_seconds REAL NOT NULL DEFAULT 0, first_token_seconds REAL NOT NULL DEFAULT 0,"
    "  prefill_seconds REAL NOT NULL DEFAULT 0, decode_seconds REAL NOT NULL DEFAULT 0,"
    "  reasoning_seconds REAL NOT NULL DEFAULT 0, deleted INTEGER);"
    "CREATE INDEX message_conversation ON message (conversation_id);"
    "CREATE INDEX message_parent ON message (parent_id);"
    "CREATE INDEX message_streaming ON message (state) WHERE state = 'streaming';"

    "CREATE TABLE blob (hash TEXT PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE attachment ("
    "  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE, position INTEGER NOT NULL,"
    "  hash TEXT NOT NULL REFERENCES blob, name TEXT NOT NULL, mime TEXT NOT NULL, size INTEGER NOT NULL,"
    "  PRIMARY KEY (message_id, position)) WITHOUT ROWID;"
    "CREATE INDEX attachment_hash ON attachment (hash);"

    "CREATE VIRTUAL TABLE message_index USING fts5 ("
    "  content, content='message', content_rowid='id', tokenize='quern');"
    "INSERT INTO message_index (message_index, rank) VALUES ('secure-delete', 1);"
    "CREATE TRIGGER message_index_insert AFTER INSERT ON message WHEN new.state <> 'streaming' BEGIN"
    "  INSERT INTO message_index (rowid, content) VALUES (new.id, new.content); END;"
    "CREATE TRIGGER message_index_delete AFTER DELETE ON message WHEN old.state <> 'streaming' BEGIN"
    "  INSERT INTO message_index (message_index, rowid, content) VALUES ('delete', old.id, old.content); END;"
    "CREATE TRIGGER message_index_out BEFORE UPDATE OF content, state ON message WHEN old.state <> 'streaming' BEGIN"
    "  INSERT INTO message_index (message_index, rowid, content) VALUES ('delete', old.id, old.content); END;"
    "CREATE TRIGGER message_index_in AFTER UPDATE OF content, state ON message WHEN new.state <> 'streaming' BEGIN"
    "  INSERT INTO message_index (rowid, content) VALUES (new.id, new.content); END;"

    "CREATE TABLE model_file ("
    "  path TEXT PRIMARY KEY, added INTEGER NOT NULL, imported INTEGER NOT NULL DEFAULT 0,"
    "  last_used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;";

/* Messages before context_start, where it is on the branch that is shown, are no longer sent to the model. */
static const char personas_sql[] =
    "ALTER TABLE conversation ADD COLUMN context_start INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE persona ("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0, system_prompt TEXT NOT NULL);";

/* content: a comparison as JSON, see quern-comparison-json.c. */
static const char comparisons_sql[] =
    "CREATE TABLE comparison ("
    "  id INTEGER PRIMARY KEY, title TEXT NOT NULL, updated INTEGER NOT NULL, content TEXT NOT NULL, deleted INTEGER);"
    "CREATE INDEX comparison_updated ON comparison (updated);";

/* What explains the speed of an answer. */
static const char passes_sql[] = "ALTER TABLE message ADD COLUMN n_threads INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE message ADD COLUMN n_passes INTEGER NOT NULL DEFAULT 0;";

/* Which file Quern itself put at a path, and when: only that one may it delete. 0: none, or no longer. A hidden one is in
 * Quern's folder without having come from Quern, and was taken off the list. */
static const char installed_sql[] = "ALTER TABLE model_file ADD COLUMN installed INTEGER NOT NULL DEFAULT 0;"
                                    "ALTER TABLE model_file ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;"
                                    "ALTER TABLE model_file ADD COLUMN device INTEGER NOT NULL DEFAULT 0;"
                                    "ALTER TABLE model_file ADD COLUMN inode INTEGER NOT NULL DEFAULT 0;"
                                    "ALTER TABLE model_file ADD COLUMN born INTEGER NOT NULL DEFAULT 0;";

/* A cascade from each message to the next recurses in SQLite, which ends at 1,000 levels: a longer chain could never be
 * erased again. Whoever erases a message erases those that follow it (quern-store-erase.c), and the reference is checked
 * when a transaction ends. Only the text of the schema changes, as SQLite's "Making Other Kinds Of Table Schema Changes"
 * describes: no row is written, which also works where the disk is full or a page is damaged. */
static const char chains_sql[] =
    "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_schema SET sql = replace (sql, 'parent_id INTEGER REFERENCES message ON DELETE CASCADE',"
    "  'parent_id INTEGER REFERENCES message DEFERRABLE INITIALLY DEFERRED') WHERE type = 'table' AND name = 'message';"
    "CREATE INDEX message_deleted ON message (deleted) WHERE deleted IS NOT NULL;" /* tells other connections, too */
    "CREATE INDEX conversation_deleted ON conversation (deleted) WHERE deleted IS NOT NULL;"
    "PRAGMA writable_schema = RESET;";

/* How long a model was to think, where its template knows levels: one of QuernTemplateInfo.efforts, as the template spells it. */
static const char efforts_sql[] = "ALTER TABLE conversation ADD COLUMN effort TEXT;"
                                  "ALTER TABLE message ADD COLUMN effort TEXT;";

/* Servers of models that the user added, see quern-servers.c. `api` stands between the address and "/chat/completions"; `models`
 * are those of the last probe, as JSON. Keys are in the keyring, or in a file of the user's own (`key_file`), and never here;
 * `plain_key`: it may travel unencrypted. */
static const char servers_sql[] =
    "CREATE TABLE server ("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL UNIQUE, api TEXT NOT NULL, kind TEXT NOT NULL,"
    "  version TEXT NOT NULL, models TEXT NOT NULL, has_key INTEGER NOT NULL DEFAULT 0, key_file TEXT,"
    "  plain_key INTEGER NOT NULL DEFAULT 0);";

static const QuernMigration migrations[] = {
  { "conversations, messages, attachments, search, imported models", conversations_sql },
  { "personas, the beginning of what is sent", personas_sql },
  { "comparisons", comparisons_sql },
  { "threads and passes of an answer", passes_sql },
  { "which model files Quern installed", installed_sql },
  { "chains of messages of any length", chains_sql },
  { "effort of thinking", efforts_sql },
  { "servers of models", servers_sql },
};

const QuernMigration *
quern_schema_migrations (guint *n_migrations)
{
  *n_migrations = G_N_ELEMENTS (migrations);
  return migrations;
}
