/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-test-hub.h"

G_BEGIN_DECLS

/* A fresh folder with a hub over "files" in it and XDG folders of its own, for one test. */
typedef struct {
  char *folder, *files, *models;
  QuernTestHub *hub;
} QuernHubFixture;

void quern_hub_fixture_init (void); /* before anything asks GLib for the XDG folders: first thing in main() */
void quern_hub_fixture_setup (QuernHubFixture *fixture, gconstpointer data);
void quern_hub_fixture_clear (QuernHubFixture *fixture, gconstpointer data);
void quern_hub_fixture_add (QuernHubFixture *fixture, const char *repo, const char *path, gsize size, guint32 seed);
void quern_hub_fixture_text (QuernHubFixture *fixture, const char *repo, const char *path, const char *text);
gboolean quern_hub_fixture_same (QuernHubFixture *fixture, const char *repo, const char *path, const char *copy);
const char *quern_hub_fixture_dead_endpoint (void); /* where nobody ever answers: connections are refused */
void quern_remove_tree (const char *path);

G_END_DECLS
