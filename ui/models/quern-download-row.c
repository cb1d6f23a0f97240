/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-download-row.h"

#include "quern-facts.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

#define STALLED 1000 /* bytes per second; with less, the time that is left says nothing */

/* One download: how far it is, and what can be done with it. */
struct _QuernDownloadRow {
  GtkListBoxRow parent_instance;

  /* Template widgets */
  GtkLabel *title, *status;
  GtkProgressBar *bar;
  GtkWidget *chat_button, *up_button, *pause_button, *resume_button, *cancel_button;

  /* Owned references */
  QuernModelsService *service;
  QuernDownload *download;
};

G_DEFINE_FINAL_TYPE (QuernDownloadRow, quern_download_row, GTK_TYPE_LIST_BOX_ROW)

static char *
format_time_left (gint64 seconds)
{
  if (seconds < 60)
    return g_strdup_printf (ngettext ("%d second left", "%d seconds left", seconds), (int) seconds);
  if (seconds < 3600)
    return g_strdup_printf (ngettext ("%d minute left", "%d minutes left", seconds / 60), (int) (seconds / 60));
  return g_strdup_printf (ngettext ("%d hour left", "%d hours left", seconds / 3600), (int) (seconds / 3600));
}

/* A time that runs down. */
static char *
format_clock (gint64 seconds)
{
  return quern_facts_isolate (g_strdup_printf ("%d:%02d", (int) (seconds / 60), (int) (seconds % 60)));
}

static char *
describe_running (QuernDownload *download, const char *done, const char *total)
{
  gint64 left = quern_download_get_seconds_left (download);
  g_autofree char *speed = quern_facts_isolate (g_format_size ((guint64) quern_download_get_speed (download)));
  g_autofree char *time = NULL;

  if (quern_download_get_wait (download) > 0) {
    time = format_clock (quern_download_get_wait (download));
    /* Translators: bytes that are here, bytes in all, a time such as 9:58 */
    return g_strdup_printf (_("%s of %s · The server is busy, trying again in %s"), done, total, time);
  }
  if (quern_download_get_phase (download) == QUERN_DOWNLOAD_VERIFYING)
    return g_strdup (_("Verifying…"));
  if (quern_download_get_phase (download) == QUERN_DOWNLOAD_REPAIRING)
    return g_strdup (_("A part was damaged and is downloaded again…"));
  if (left < 0)
    return g_strdup_printf (_("%s of %s"), done, total);
  if (quern_download_get_speed (download) < STALLED)
    return g_strdup_printf (_("%s of %s · Nothing arrives at the moment; Quern keeps trying"), done, total);
  time = format_time_left (left);
  /* Translators: bytes that are here, bytes in all, speed, "3 minutes left" */
  return g_strdup_printf (_("%s of %s · %s/s · %s"), done, total, speed, time);
}

/**
 * quern_download_row_describe:
 *
 * Returns: (transfer full): how it stands, in words
 */
char *
quern_download_row_describe (QuernDownload *download)
{
  g_autofree char *done = quern_facts_isolate (g_format_size (quern_download_get_bytes (download)));
  g_autofree char *total = quern_facts_isolate (g_format_size (quern_download_get_total (download)));
  g_autofree char *missing = quern_facts_isolate (g_format_size (quern_download_get_missing (download)));
  g_autofree char *time = NULL;

  switch (quern_download_get_state (download)) {
  case QUERN_DOWNLOAD_QUEUED: return g_strdup_printf (_("Waiting · %s of %s"), done, total);
  case QUERN_DOWNLOAD_PAUSED: return g_strdup_printf (_("Paused · %s of %s"), done, total);
  case QUERN_DOWNLOAD_RUNNING: return describe_running (download, done, total);
  case QUERN_DOWNLOAD_NO_SPACE:
    return g_strdup_printf (_("%s more disk space is needed. Free up some space, then resume."), missing);
  case QUERN_DOWNLOAD_COMPLETE:
    return g_strdup_printf (quern_download_get_verifiable (download) ? _("Complete and verified · %s")
                                                                     : _("Complete, not verified · %s"),
                            total);
  case QUERN_DOWNLOAD_WAITING:
    if (quern_download_get_wait (download) == 0)
      return g_strdup (quern_download_get_message (download));
    time = format_clock (quern_download_get_wait (download)); /* until it tries again by itself */
    /* Translators: what is the matter, in a sentence; a time such as 0:15 */
    return g_strdup_printf (_("%s Trying again in %s."), quern_download_get_message (download), time);
  default: /* FAILED says it itself */ return g_strdup (quern_download_get_message (download));
  }
}

static void
quern_download_row_update_buttons (QuernDownloadRow *self)
{
  QuernDownloadState state = quern_download_get_state (self->download);
  gboolean complete = state == QUERN_DOWNLOAD_COMPLETE;
  gboolean going = state == QUERN_DOWNLOAD_RUNNING || state == QUERN_DOWNLOAD_QUEUED;
  g_autoptr (QuernModel) model = NULL;

  if (complete)
    model = quern_models_service_find_model (self->service, quern_download_get_path (self->download));
  gtk_widget_set_visible (self->chat_button, model != NULL);
  if (model != NULL)
    gtk_actionable_set_action_target (GTK_ACTIONABLE (self->chat_button), "s", quern_model_get_id (model));
  gtk_widget_set_visible (self->up_button, state == QUERN_DOWNLOAD_QUEUED);
  gtk_widget_set_visible (self->pause_button, going || state == QUERN_DOWNLOAD_WAITING);
  gtk_widget_set_visible (self->resume_button, !complete && !going);
  gtk_widget_set_visible (GTK_WIDGET (self->bar), !complete);
  gtk_widget_set_tooltip_text (self->cancel_button, complete ? _("Remove from List") : _("Cancel"));
}

static void
quern_download_row_progress_cb (QuernDownloadRow *self)
{
  g_autofree char *text = quern_download_row_describe (self->download);

  gtk_label_set_label (self->status, text);
  gtk_progress_bar_set_fraction (self->bar, quern_download_get_fraction (self->download));
}

static void
quern_download_row_state_cb (QuernDownloadRow *self)
{
  quern_download_row_update_buttons (self);
  quern_download_row_progress_cb (self);
}

static void
pause_clicked_cb (QuernDownloadRow *self)
{
  quern_downloads_pause (quern_models_service_get_downloads (self->service), self->download);
}

static void
resume_clicked_cb (QuernDownloadRow *self)
{
  quern_downloads_resume (quern_models_service_get_downloads (self->service), self->download);
}

static void
up_clicked_cb (QuernDownloadRow *self)
{
  int index = gtk_list_box_row_get_index (GTK_LIST_BOX_ROW (self));
  quern_downloads_move (quern_models_service_get_downloads (self->service), self->download, MAX (0, index - 1));
}

static void
cancel_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernDownloadRow) self = user_data;

  if (g_str_equal (adw_alert_dialog_choose_finish (ADW_ALERT_DIALOG (source), result), "delete")
      && self->service != NULL)
    quern_downloads_cancel (quern_models_service_get_downloads (self->service), self->download);
}

/* Asks first: what is here already would have to be fetched again. */
static void
cancel_clicked_cb (QuernDownloadRow *self)
{
  AdwAlertDialog *dialog;

  if (quern_download_get_state (self->download) == QUERN_DOWNLOAD_COMPLETE
      || quern_download_get_bytes (self->download) == 0) {
    quern_downloads_cancel (quern_models_service_get_downloads (self->service), self->download);
    return;
  }
  dialog = ADW_ALERT_DIALOG (
      adw_alert_dialog_new (_("Cancel This Download?"), _("The part that was already downloaded "
                                                           "will be deleted.")));
  adw_alert_dialog_add_responses (dialog, "keep", _("_Keep Downloading"), "delete", _("_Delete"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "delete", ADW_RESPONSE_DESTRUCTIVE);
  adw_alert_dialog_set_default_response (dialog, "keep");
  adw_alert_dialog_choose (dialog, GTK_WIDGET (self), NULL, cancel_chosen_cb, g_object_ref (self));
}

static void
quern_download_row_dispose (GObject *object)
{
  QuernDownloadRow *self = QUERN_DOWNLOAD_ROW (object);

  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), NULL); /* its parent class would free it again */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_DOWNLOAD_ROW);
  g_clear_object (&self->download);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_download_row_parent_class)->dispose (object);
}

static void
quern_download_row_class_init (QuernDownloadRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_download_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-download-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, title);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, status);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, bar);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, chat_button);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, up_button);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, pause_button);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, resume_button);
  gtk_widget_class_bind_template_child (widget_class, QuernDownloadRow, cancel_button);
  gtk_widget_class_bind_template_callback (widget_class, up_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, pause_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, resume_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_clicked_cb);
}

static void
quern_download_row_init (QuernDownloadRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->status);
}

GtkWidget *
quern_download_row_new (QuernModelsService *service, QuernDownload *download)
{
  QuernDownloadRow *self = g_object_new (QUERN_TYPE_DOWNLOAD_ROW, NULL);
  g_autofree char *title = NULL;

  self->service = g_object_ref (service);
  self->download = g_object_ref (download);
  title = g_strdup_printf ("%s · %s", quern_download_get_label (download), quern_download_get_repo (download));
  gtk_label_set_label (self->title, title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  g_signal_connect_object (download, "notify::bytes", G_CALLBACK (quern_download_row_progress_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (download, "notify::wait", G_CALLBACK (quern_download_row_progress_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (download, "notify::missing", G_CALLBACK (quern_download_row_progress_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (download, "notify::state", G_CALLBACK (quern_download_row_state_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (quern_models_service_get_library (service), "items-changed",
                           G_CALLBACK (quern_download_row_update_buttons), self, G_CONNECT_SWAPPED);
  quern_download_row_state_cb (self);
  return GTK_WIDGET (self);
}
