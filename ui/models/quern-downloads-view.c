/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-downloads-view.h"

#include "quern-download-row.h"

#include <glib/gi18n.h>

/* The queue of downloads, and how fast they may be. */
struct _QuernDownloadsView {
  AdwBin parent_instance;

  /* Children, borrowed */
  GtkStack *stack;
  AdwComboRow *limit_row;

  /* Owned references */
  QuernModelsService *service;
};

G_DEFINE_FINAL_TYPE (QuernDownloadsView, quern_downloads_view, ADW_TYPE_BIN)

static const guint limits[] = { 0, 1, 2, 5, 10, 50 }; /* MB/s; 0: none */

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  return quern_download_row_new (user_data, item);
}

static void
items_changed_cb (QuernDownloadsView *self)
{
  gboolean any = g_list_model_get_n_items (G_LIST_MODEL (quern_models_service_get_downloads (self->service))) > 0;
  gtk_stack_set_visible_child_name (self->stack, any ? "list" : "empty");
}

static void
limit_cb (QuernDownloadsView *self)
{
  guint selected = adw_combo_row_get_selected (self->limit_row);

  if (selected < G_N_ELEMENTS (limits))
    quern_downloads_set_rate (quern_models_service_get_downloads (self->service), limits[selected] * (guint64) 1000000);
}

static GtkWidget *
create_limit_row (QuernDownloadsView *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  gtk_string_list_append (names, C_ ("speed of downloads", "No limit"));
  for (guint i = 1; i < G_N_ELEMENTS (limits); i++)
    gtk_string_list_take (names, g_strdup_printf (_ ("%u MB/s"), limits[i]));
  self->limit_row = ADW_COMBO_ROW (adw_combo_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->limit_row), _ ("Speed Limit"));
  adw_combo_row_set_model (self->limit_row, G_LIST_MODEL (names));
  g_signal_connect_object (self->limit_row, "notify::selected", G_CALLBACK (limit_cb), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self->limit_row);
}

static GtkWidget *
create_list (QuernDownloadsView *self)
{
  GtkWidget *page = adw_preferences_page_new (), *group = adw_preferences_group_new ();
  GtkWidget *options = adw_preferences_group_new (), *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Downloads"), -1);
  gtk_list_box_bind_model (GTK_LIST_BOX (list), G_LIST_MODEL (quern_models_service_get_downloads (self->service)),
                           create_row, g_object_ref (self->service), g_object_unref);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), list);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (options), create_limit_row (self));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (options));
  return page;
}

static GtkWidget *
create_empty_page (void)
{
  GtkWidget *page = adw_status_page_new (), *button = gtk_button_new_with_mnemonic (_ ("_Find a Model"));

  adw_status_page_set_icon_name (ADW_STATUS_PAGE (page), "folder-download-symbolic");
  adw_status_page_set_title (ADW_STATUS_PAGE (page), _ ("No Downloads"));
  adw_status_page_set_description (ADW_STATUS_PAGE (page),
                                   _ ("What you download is verified, and goes on after an interruption."));
  gtk_widget_add_css_class (button, "pill");
  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", "search");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "models.view");
  adw_status_page_set_child (ADW_STATUS_PAGE (page), button);
  return page;
}

static void
quern_downloads_view_dispose (GObject *object)
{
  QuernDownloadsView *self = QUERN_DOWNLOADS_VIEW (object);

  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_downloads_view_parent_class)->dispose (object);
}

static void
quern_downloads_view_class_init (QuernDownloadsViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_downloads_view_dispose;
}

static void
quern_downloads_view_init (QuernDownloadsView *self)
{
}

GtkWidget *
quern_downloads_view_new (QuernModelsService *service)
{
  QuernDownloadsView *self = g_object_new (QUERN_TYPE_DOWNLOADS_VIEW, NULL);

  self->service = g_object_ref (service);
  self->stack = GTK_STACK (gtk_stack_new ());
  gtk_stack_add_named (self->stack, create_empty_page (), "empty");
  gtk_stack_add_named (self->stack, create_list (self), "list");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->stack));
  g_signal_connect_object (quern_models_service_get_downloads (service), "items-changed", G_CALLBACK (items_changed_cb),
                           self, G_CONNECT_SWAPPED);
  items_changed_cb (self);
  return GTK_WIDGET (self);
}
