/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-server-model-row.h"

#include "models/quern-facts.h"

#include <glib/gi18n.h>

#define MOST_ROWS 50 /* a server may have a thousand models, which nobody reads here */

/**
 * quern_server_model_describe:
 *
 * Returns: (transfer full): in a line, what its server told of a model; "" where that is nothing
 */
char *
quern_server_model_describe (const QuernServerModel *model)
{
  g_auto (GStrv) facts = quern_server_model_dup_facts (model);
  GString *text = g_string_new (NULL);

  for (char **fact = facts; *fact != NULL; fact++)
    quern_facts_append (text, *fact);
  return g_string_free_and_steal (text);
}

static GtkWidget *
make_row (const QuernServerModel *model)
{
  g_autofree char *subtitle = quern_server_model_describe (model);

  return g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", model->title, "subtitle", subtitle, NULL);
}

/**
 * quern_server_model_rows_show:
 * @rows: (element-type GtkWidget): those that the group has, and had from the last call
 * @models: (nullable) (element-type QuernServerModel): which they are to show; %NULL: none
 *
 * Fills a group with the models of a server, and says how many more there are.
 */
void
quern_server_model_rows_show (AdwPreferencesGroup *group, GPtrArray *rows, const GPtrArray *models)
{
  guint n = models != NULL ? models->len : 0;

  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
  for (guint i = 0; i < MIN (n, MOST_ROWS); i++)
    g_ptr_array_add (rows, make_row (models->pdata[i]));
  if (n > MOST_ROWS) {
    guint more = n - MOST_ROWS;
    g_autofree char *text = g_strdup_printf (ngettext ("and %u more model", "and %u more models", more), more);

    g_ptr_array_add (rows, g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", text, NULL));
  }
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_add (group, rows->pdata[i]);
}
