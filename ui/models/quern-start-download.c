/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-start-download.h"

#include <glib/gi18n.h>

/* The way from a button to a download: over a metered network not without a question. */

typedef struct {
  GtkWidget *widget;
  QuernModelsService *service;
  QuernHubRepo *repo;
  QuernHubItem *item;
  gboolean with_vision;
} Wish;

static void
quern_start_download_wish_free (gpointer data, GClosure *closure)
{
  Wish *wish = data;

  g_object_unref (wish->widget);
  g_object_unref (wish->service);
  g_object_unref (wish->repo);
  g_object_unref (wish->item);
  g_free (wish);
}

static void
quern_start_download_start (const Wish *wish)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (wish->widget, ADW_TYPE_TOAST_OVERLAY);
  /* Translators: quantisation of a model */
  g_autofree char *text = g_strdup_printf (_("Download of %s started"), quern_hub_item_get_label (wish->item));
  AdwToast *toast = adw_toast_new (text);

  quern_downloads_add (quern_models_service_get_downloads (wish->service), wish->repo, wish->item, wish->with_vision);
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_button_label (toast, _("_Show"));
  adw_toast_set_action_target (toast, "s", "downloads");
  adw_toast_set_action_name (toast, "win.show-models");
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

static void
quern_start_download_response_cb (AdwAlertDialog *dialog, const char *response, Wish *wish)
{
  if (!g_str_equal (response, "download") || gtk_widget_get_root (wish->widget) == NULL)
    return;
  quern_models_service_allow_metered (wish->service);
  quern_start_download_start (wish);
}

static void
quern_start_download_ask (const Wish *wish)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Use a Metered Network?"), NULL));
  guint64 vision = wish->with_vision ? quern_hub_item_get_vision_bytes (wish->item) : 0;
  g_autofree char *size = g_format_size (quern_hub_item_get_bytes (wish->item) + vision);

  adw_alert_dialog_format_body (dialog,
                                _("This network is metered, and downloads may cost money. The model takes "
                                  "%s."),
                                size);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "download", _("_Download"), NULL);
  adw_alert_dialog_set_default_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_start_download_response_cb),
                         g_memdup2 (wish, sizeof *wish), quern_start_download_wish_free, 0);
  g_object_ref (wish->widget);
  g_object_ref (wish->service);
  g_object_ref (wish->repo);
  g_object_ref (wish->item);
  adw_dialog_present (ADW_DIALOG (dialog), wish->widget);
}

/**
 * quern_start_download:
 * @widget: where the wish came from, on the page about models
 *
 * Queues an item, and offers to show the queue, for which one need not leave the page. What is under way already is shown
 * there.
 */
void
quern_start_download (GtkWidget *widget, QuernModelsService *service, QuernHubRepo *repo, QuernHubItem *item,
                      gboolean with_vision)
{
  const Wish wish = { widget, service, repo, item, with_vision };
  QuernDownload *download = quern_models_service_find_download (service, quern_hub_repo_get_id (repo),
                                                                quern_hub_item_get_label (item));

  if (download != NULL && quern_download_get_state (download) != QUERN_DOWNLOAD_COMPLETE)
    gtk_widget_activate_action (widget, "models.view", "s", "downloads");
  else if (quern_models_service_must_ask (service))
    quern_start_download_ask (&wish);
  else
    quern_start_download_start (&wish);
}
