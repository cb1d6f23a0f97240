/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-library.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* A conversation in the terminal: what `chat` does without a prompt. */
typedef struct {
  QuernStore *store; /* where it is kept; one in memory when it is not */
  QuernLibrary *library;
  QuernBackend *backend;
  QuernModel *model;
  QuernConversation *conversation; /* empty, with its settings */
  char **images;                   /* to go with the first question; may be NULL */
  GPtrArray *documents;            /* of QuernAttachment: the same */
} QuernCliTalk;

int quern_cli_talk (const QuernCliTalk *talk);

/* Keeps a question with its answer, as a conversation of the window; to be called before the store is closed. */
void quern_cli_keep (QuernStore *store, QuernConversation *conversation, QuernMessage *question, QuernMessage *answer);

/* Reads a picture as one that goes with a question. */
QuernAttachment *quern_cli_attach_picture (const char *path, GError **error);

G_END_DECLS
