/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-repo.h"

struct _QuernHubRepo {
  GObject parent_instance;

  char *id, *author, *name, *revision, *license, *architecture;
  guint64 parameters;
  gint64 downloads, likes;
  GDateTime *modified;
  gboolean gated, stale;
  GListStore *items;
};
