/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-model.h"
#include "quern-server-model.h"

G_BEGIN_DECLS

/* What `show` tells of a model beside its sizes: what its chat template does, and the sampling values to begin with. Rows on
 * standard output, or members "template" and "sampling" of an open JSON object. template: NULL, or its text, which comes last. */
void quern_cli_print_facts (QuernModel *model, const char *template);
void quern_cli_add_facts (JsonBuilder *builder, QuernModel *model, const char *template);

/* Returns: (transfer full): what a server told of a model, in a line */
char *quern_cli_describe_served (const QuernServerModel *model);

G_END_DECLS
