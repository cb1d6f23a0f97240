/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-installed-row.h"

#include "quern-facts.h"

#include <glib/gi18n.h>
#include <string.h>

/* One model on this computer: what it is, whose it is, when it was used, and what can be done with it. The actions
 * ("installed.…", which take the model's path) belong to QuernInstalledView. */

/* Returns: (transfer full): "used today"; the day is what people go by when they make space */
static char *
describe_use (gint64 time)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (time / G_USEC_PER_SEC),
                        now = g_date_time_new_now_local ();
  g_autofree char *day = NULL, *today = NULL;

  if (time == 0 || then == NULL)
    return g_strdup (_("not used yet"));
  day = g_date_time_format (then, "%x");
  today = g_date_time_format (now, "%x");
  if (g_str_equal (day, today))
    return g_strdup (_("used today"));
  /* Translators: a date */
  return g_strdup_printf (_("last used on %s"), day);
}

/* Returns: (transfer full): "~/Models/x.gguf" */
static char *
dup_short_path (const char *path)
{
  const char *home = g_get_home_dir ();
  gsize length = strlen (home);
  g_autofree char *shown = g_filename_display_name (path);

  if (length > 1 && g_str_has_prefix (path, home) && path[length] == G_DIR_SEPARATOR && g_str_has_prefix (shown, home))
    return g_strconcat ("~", shown + length, NULL);
  return g_steal_pointer (&shown);
}

/* Whose it is, where that is not Quern. */
static void
append_origin (GString *text, QuernModel *model)
{
  const char *keeper = quern_model_get_keeper (model);
  g_autofree char *path = dup_short_path (quern_model_get_path (model));

  if (keeper != NULL) {
    g_string_append_c (text, '\n');
    /* Translators: a program, such as Ollama */
    g_string_append_printf (text, _("Managed by %s"), keeper);
  } else if (quern_model_get_origin (model) == QUERN_ORIGIN_FILE
             || quern_model_get_origin (model) == QUERN_ORIGIN_FOLDER)
    g_string_append_printf (text, "\n%s", path);
}

static char *
describe (QuernModel *model, QuernLibrary *library)
{
  g_autofree char *size = g_format_size (quern_model_get_size (model)), *use = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (quern_model_get_state (model) != QUERN_MODEL_OK) {
    g_string_append (text, quern_model_get_problem (model));
  } else {
    use = describe_use (quern_library_get_last_used (library, model));
    quern_facts_append (text, quern_model_is_demo (model) ? _("Demonstration") : NULL);
    quern_facts_append (text, size);
    quern_facts_append (text, quern_model_get_unverified (model) ? _("not verified") : NULL);
    quern_facts_append (text, quern_model_get_vision_path (model) != NULL ? _("sees pictures")
                              : quern_model_needs_vision_file (model)     ? _("pictures need another file")
                                                                          : NULL);
    quern_facts_append (text, use);
  }
  append_origin (text, model);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
append_item (GMenu *menu, const char *label, const char *action, QuernModel *model)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", quern_model_get_path (model));
  g_menu_append_item (menu, item);
}

static GtkWidget *
create_menu_button (QuernModel *model)
{
  GtkWidget *button = gtk_menu_button_new ();
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autofree char *title = quern_model_dup_full_title (model), *name = NULL;
  QuernModelOrigin origin = quern_model_get_origin (model);

  append_item (menu, _("Show in _Files"), "installed.show", model);
  if (origin == QUERN_ORIGIN_OWN || origin == QUERN_ORIGIN_OLLAMA || origin == QUERN_ORIGIN_HUGGING_FACE)
    append_item (menu, _("_Verify Again"), "installed.verify", model);
  if (origin == QUERN_ORIGIN_OWN)
    append_item (menu, _("_Delete"), "installed.delete", model);
  else if (origin == QUERN_ORIGIN_FILE)
    append_item (menu, _("_Remove from List"), "installed.delete", model);
  /* Translators: the menu of a model */
  name = g_strdup_printf (_("More: %s"), title);
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "view-more-symbolic");
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (button), G_MENU_MODEL (menu));
  gtk_widget_set_tooltip_text (button, _("More"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  return button;
}

static GtkWidget *
create_chat_button (QuernModel *model)
{
  GtkWidget *button = gtk_button_new_with_label (_("Chat"));

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", quern_model_get_id (model));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.chat-with");
  return button;
}

/**
 * quern_installed_row_new:
 *
 * Returns: (transfer floating): a row, to be filled by quern_installed_row_update()
 */
GtkWidget *
quern_installed_row_new (QuernModel *model)
{
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *title = quern_model_dup_full_title (model);

  g_object_set_data_full (G_OBJECT (row), "model", g_object_ref (model), g_object_unref);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  if (quern_model_get_state (model) == QUERN_MODEL_OK)
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), create_chat_button (model));
  else
    adw_action_row_add_prefix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("dialog-warning-symbolic"));
  if (!quern_model_is_demo (model))
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), create_menu_button (model));
  return row;
}

/* Says when it was used last. */
void
quern_installed_row_update (GtkWidget *row, QuernLibrary *library)
{
  g_autofree char *text = describe (g_object_get_data (G_OBJECT (row), "model"), library);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), text);
}
