/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-installed-row.h"

#include "quern-facts.h"

#include <glib/gi18n.h>
#include <string.h>

/* One model on this computer: what it is, whose it is, when it was used, and what can be done with it. The actions
 * ("installed.…", which take the model's path) belong to QuernInstalledView. */
struct _QuernInstalledRow {
  AdwActionRow parent_instance;

  /* Template widgets */
  GtkWidget *warning, *chat_button;
  GtkMenuButton *menu_button;

  /* Owned references */
  QuernModel *model;
};

G_DEFINE_FINAL_TYPE (QuernInstalledRow, quern_installed_row, ADW_TYPE_ACTION_ROW)

/* Appends when the model was used: the day is what people go by when they make space. */
static void
append_use (GString *text, gint64 time)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (time / G_USEC_PER_SEC),
                        now = g_date_time_new_now_local ();
  g_autofree char *day = NULL, *today = NULL, *use = NULL;

  if (time == 0 || then == NULL) {
    quern_facts_append (text, _("not used yet"));
    return;
  }
  day = g_date_time_format (then, "%x");
  today = g_date_time_format (now, "%x");
  /* Translators: a date */
  use = g_str_equal (day, today) ? g_strdup (_("used today")) : g_strdup_printf (_("last used on %s"), day);
  quern_facts_append (text, use);
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

static void
quern_installed_row_append_item (GMenu *menu, const char *label, const char *action, QuernModel *model)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", quern_model_get_path (model));
  g_menu_append_item (menu, item);
}

static void
quern_installed_row_dispose (GObject *object)
{
  QuernInstalledRow *self = QUERN_INSTALLED_ROW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_INSTALLED_ROW);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (quern_installed_row_parent_class)->dispose (object);
}

static void
quern_installed_row_class_init (QuernInstalledRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_installed_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-installed-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledRow, warning);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledRow, chat_button);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledRow, menu_button);
}

static void
quern_installed_row_init (QuernInstalledRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_installed_row_new:
 * @library: where the model is
 *
 * Returns: (transfer floating): a row for a #GtkListBox
 */
GtkWidget *
quern_installed_row_new (QuernModel *model, QuernLibrary *library)
{
  QuernInstalledRow *self = g_object_new (QUERN_TYPE_INSTALLED_ROW, NULL);
  g_autofree char *title = quern_model_dup_choice (model), *name = NULL;
  QuernModelOrigin origin = quern_model_get_origin (model);
  g_autoptr (GMenu) menu = g_menu_new ();

  self->model = g_object_ref (model);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), title);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->chat_button), "s", quern_model_get_id (model));
  quern_installed_row_append_item (menu, _("Show in _Files"), "installed.show", model);
  if (origin == QUERN_ORIGIN_OWN || origin == QUERN_ORIGIN_OLLAMA || origin == QUERN_ORIGIN_HUGGING_FACE)
    quern_installed_row_append_item (menu, _("_Verify Again"), "installed.verify", model);
  if (origin == QUERN_ORIGIN_OWN)
    quern_installed_row_append_item (menu, _("_Delete"), "installed.delete", model);
  else if (origin == QUERN_ORIGIN_FILE)
    quern_installed_row_append_item (menu, _("_Remove from List"), "installed.delete", model);
  gtk_menu_button_set_menu_model (self->menu_button, G_MENU_MODEL (menu));
  /* Translators: the menu of a model */
  name = g_strdup_printf (_("More: %s"), title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->menu_button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  /* What does not apply is removed, not hidden: boxes around hidden widgets keep their distance. */
  adw_action_row_remove (ADW_ACTION_ROW (self),
                         quern_model_get_state (model) == QUERN_MODEL_OK ? self->warning : self->chat_button);
  if (quern_model_is_demo (model))
    adw_action_row_remove (ADW_ACTION_ROW (self), GTK_WIDGET (self->menu_button));
  quern_installed_row_update (self, library);
  return GTK_WIDGET (self);
}

/**
 * quern_installed_row_update:
 * @library: where the model is
 *
 * Says what the model is, when it was used last, and whose it is where that is not Quern.
 */
void
quern_installed_row_update (QuernInstalledRow *self, QuernLibrary *library)
{
  QuernModel *model = self->model;
  QuernModelOrigin origin = quern_model_get_origin (model);
  g_autofree char *size = g_format_size (quern_model_get_size (model));
  g_autoptr (GString) text = g_string_new (NULL);

  if (quern_model_get_state (model) != QUERN_MODEL_OK) {
    g_string_append (text, quern_model_get_problem (model));
  } else {
    quern_facts_append (text, quern_model_is_demo (model) ? _("Demonstration") : NULL);
    quern_facts_append (text, size);
    quern_facts_append (text, quern_model_get_unverified (model) ? _("not verified") : NULL);
    quern_facts_append (text, quern_model_get_vision_path (model) != NULL ? _("sees pictures")
                              : quern_model_needs_vision_file (model)     ? _("pictures need another file")
                                                                          : NULL);
    append_use (text, quern_library_get_last_used (library, model));
  }
  if (quern_model_get_keeper (model) != NULL) {
    g_string_append_c (text, '\n');
    /* Translators: a program, such as Ollama */
    g_string_append_printf (text, _("Managed by %s"), quern_model_get_keeper (model));
  } else if (origin == QUERN_ORIGIN_FILE || origin == QUERN_ORIGIN_FOLDER) {
    g_autofree char *path = dup_short_path (quern_model_get_path (model));
    g_string_append_printf (text, "\n%s", path);
  }
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), text->str);
}
