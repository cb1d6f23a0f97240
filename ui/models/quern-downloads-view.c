/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-downloads-view.h"

#include "quern-download-row.h"

#include <glib/gi18n.h>

/* The queue of downloads, and how fast they may be. */
struct _QuernDownloadsView {
  AdwBin parent_instance;

  /* Template widgets */
  GtkStack *stack;
  AdwBanner *banner;
  GtkListBox *list;
  AdwComboRow *limit;

  /* Owned references */
  QuernModelsService *service;
  GSettings *settings;
};

G_DEFINE_FINAL_TYPE (QuernDownloadsView, quern_downloads_view, ADW_TYPE_BIN)

static const guint limits[] = { 0, 1, 2, 5, 10, 50 }; /* MB/s; 0: none */

static GtkWidget *
quern_downloads_view_create_row (gpointer item, gpointer user_data)
{
  return quern_download_row_new (user_data, item);
}

static void
quern_downloads_view_items_changed_cb (QuernDownloadsView *self)
{
  gboolean any = g_list_model_get_n_items (G_LIST_MODEL (quern_models_service_get_downloads (self->service))) > 0;
  gtk_stack_set_visible_child_name (self->stack, any ? "list" : "empty");
}

/* A limit that was set by other means shows as the nearest one that is not lower. */
static gboolean
limit_to_choice (GValue *value, GVariant *variant, gpointer user_data)
{
  guint limit = g_variant_get_uint32 (variant), choice = limit > 0 ? 1 : 0;

  while (choice > 0 && choice + 1 < G_N_ELEMENTS (limits) && limits[choice] < limit)
    choice++;
  g_value_set_uint (value, choice);
  return TRUE;
}

static GVariant *
choice_to_limit (const GValue *value, const GVariantType *type, gpointer user_data)
{
  return g_variant_new_uint32 (limits[MIN (g_value_get_uint (value), G_N_ELEMENTS (limits) - 1)]);
}

/* ---- what holds them up ------------------------------------------------------------------------------------------ */

/* Returns: bytes that the disk has too few for the one that needs most; 0 when there is enough */
static guint64
missing_space (QuernDownloadsView *self)
{
  GListModel *downloads = G_LIST_MODEL (quern_models_service_get_downloads (self->service));
  guint64 missing = 0;

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (QuernDownload) download = g_list_model_get_item (downloads, i);
    if (quern_download_get_state (download) == QUERN_DOWNLOAD_NO_SPACE)
      missing = MAX (missing, quern_download_get_missing (download));
  }
  return missing;
}

static void
update_banner (QuernDownloadsView *self)
{
  guint64 missing = missing_space (self);
  gboolean waiting = quern_downloads_get_progress (quern_models_service_get_downloads (self->service)) >= 0
                     && quern_models_service_must_ask (self->service);
  g_autofree char *size = g_format_size (missing), *text = NULL;

  if (missing > 0) {
    text = g_strdup_printf (_("%s more disk space needed"), size);
    adw_banner_set_title (self->banner, text);
    adw_banner_set_button_label (self->banner, _("_Manage Models"));
  } else if (waiting) {
    adw_banner_set_title (self->banner, _("This network is metered, and downloads may cost money. Downloads are "
                                          "paused."));
    adw_banner_set_button_label (self->banner, _("_Download Anyway"));
  }
  adw_banner_set_revealed (self->banner, missing > 0 || waiting);
}

static void
quern_downloads_view_banner_clicked_cb (QuernDownloadsView *self)
{
  if (missing_space (self) > 0)
    gtk_widget_activate_action (GTK_WIDGET (self), "models.view", "s", "installed");
  else
    quern_models_service_allow_metered (self->service);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void
quern_downloads_view_dispose (GObject *object)
{
  QuernDownloadsView *self = QUERN_DOWNLOADS_VIEW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_DOWNLOADS_VIEW);
  g_clear_object (&self->settings);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_downloads_view_parent_class)->dispose (object);
}

static void
quern_downloads_view_class_init (QuernDownloadsViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_downloads_view_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/models/quern-downloads-view.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadsView, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadsView, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadsView, list);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadsView, limit);
  gtk_widget_class_bind_template_callback (widget_class, quern_downloads_view_banner_clicked_cb);
}

static void
quern_downloads_view_init (QuernDownloadsView *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (QUERN_APP_ID);
  gtk_string_list_append (names, C_("speed of downloads", "No limit"));
  for (guint i = 1; i < G_N_ELEMENTS (limits); i++)
    gtk_string_list_take (names, g_strdup_printf (_("%u MB/s"), limits[i]));
  adw_combo_row_set_model (self->limit, G_LIST_MODEL (names));
  g_settings_bind_with_mapping (self->settings, "download-limit", self->limit, "selected", G_SETTINGS_BIND_DEFAULT,
                                limit_to_choice, choice_to_limit, NULL, NULL);
}

GtkWidget *
quern_downloads_view_new (QuernModelsService *service)
{
  QuernDownloadsView *self = g_object_new (QUERN_TYPE_DOWNLOADS_VIEW, NULL);

  self->service = g_object_ref (service);
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (quern_models_service_get_downloads (service)),
                           quern_downloads_view_create_row, g_object_ref (service), g_object_unref);
  g_signal_connect_object (quern_models_service_get_downloads (service), "notify::progress", G_CALLBACK (update_banner),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "notify::waiting", G_CALLBACK (update_banner), self, G_CONNECT_SWAPPED);
  update_banner (self);
  g_signal_connect_object (quern_models_service_get_downloads (service), "items-changed",
                           G_CALLBACK (quern_downloads_view_items_changed_cb), self, G_CONNECT_SWAPPED);
  quern_downloads_view_items_changed_cb (self);
  return GTK_WIDGET (self);
}
