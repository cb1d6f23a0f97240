/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-database.h"

G_BEGIN_DECLS

/* Marks a file as ours: "Qern". */
#define QUERN_SCHEMA_APPLICATION_ID 0x5165726e

const QuernMigration *quern_schema_migrations (guint *n_migrations);

G_END_DECLS
