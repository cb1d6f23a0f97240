/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-server-model-row.h"

#include "models/quern-facts.h"
#include "quern-served-models.h"

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
make_row (QuernServer *server, const QuernServerModel *model)
{
  g_autofree char *subtitle = quern_server_model_describe (model);
  g_autofree char *id = quern_served_model_dup_id (server, model->id), *name = NULL;
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", model->title, "subtitle", subtitle,
                                 NULL);
  GtkWidget *chat;

  if (quern_server_get_id (server) == 0 || model->state == QUERN_SERVER_MODEL_FAILED)
    return row; /* it is not among the models yet, or cannot be asked */
  chat = gtk_button_new_with_label (_("Chat"));
  gtk_widget_set_valign (chat, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (chat), "s", id);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (chat), "win.chat-with");
  name = g_strdup_printf (_("Chat with %s"), model->title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (chat), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), chat);
  return row;
}

/**
 * quern_server_model_rows_show:
 * @rows: (element-type GtkWidget): those that the group has, and had from the last call
 * @server: whose models they are to show
 *
 * Fills a group with the models of a server, and says how many more there are.
 */
void
quern_server_model_rows_show (AdwPreferencesGroup *group, GPtrArray *rows, QuernServer *server)
{
  const GPtrArray *models = quern_server_get_models (server);
  guint n = models->len;

  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
  for (guint i = 0; i < MIN (n, MOST_ROWS); i++)
    g_ptr_array_add (rows, make_row (server, models->pdata[i]));
  if (n > MOST_ROWS) {
    guint more = n - MOST_ROWS;
    g_autofree char *text = g_strdup_printf (ngettext ("and %u more model", "and %u more models", more), more);

    g_ptr_array_add (rows, g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", text, NULL));
  }
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_add (group, rows->pdata[i]);
}
