/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-item-row.h"

#include "quern-facts.h"
#include "quern-fit-mark.h"

#include <glib/gi18n.h>

struct _QuernItemRow {
  AdwActionRow parent_instance;

  /* Children, borrowed */
  GtkWidget *mark, *button, *chat_button;

  /* Owned references */
  QuernModelsService *service;
  QuernHubRepo *repo;
  QuernHubItem *item;

  guint n_ctx;
  gboolean with_vision;
};

enum { SIGNAL_DOWNLOAD, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernItemRow, quern_item_row, ADW_TYPE_ACTION_ROW)

static char *
describe (QuernItemRow *self, guint64 memory, gboolean exact)
{
  const QuernModelInfo *info = quern_hub_item_get_info (self->item);
  guint64 vision = self->with_vision ? quern_hub_item_get_vision_bytes (self->item) : 0;
  g_autofree char *size = g_format_size (quern_hub_item_get_bytes (self->item) + vision);
  g_autofree char *needed = exact ? g_format_size (memory) : quern_facts_about_size (memory);
  g_autofree char *density = NULL, *room = NULL, *speed = NULL;
  g_autofree char *advice = quern_hub_repo_dup_advice (self->repo, self->item);
  GString *text = g_string_new (NULL);
  double bits = quern_hub_item_get_bits_per_weight (self->item);

  quern_facts_append (text, size);
  density = bits > 0 ? g_strdup_printf (_("%.1f bits per weight"), bits) : NULL;
  quern_facts_append (text, density);
  room = g_strdup_printf (exact ? _("%s of memory") : _("about %s of memory (estimate)"), needed);
  quern_facts_append (text, room);
  speed = quern_format_speed (quern_advisor_speed (quern_models_service_get_machine (self->service),
                                                   info != NULL ? (double) info->sketched_bytes : 0));
  quern_facts_append (text, speed);
  if (quern_models_service_recommends (self->service, self->repo, self->item))
    g_string_append_printf (text, "\n%s", _("Recommended for this computer"));
  if (advice != NULL)
    g_string_append_printf (text, "\n%s", advice);
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full) (nullable): the model, when this very item is installed */
static QuernModel *
find_installed (QuernItemRow *self)
{
  g_autofree char *folder = quern_library_dup_folder (), *path = NULL;

  path = g_build_filename (folder, quern_hub_repo_get_id (self->repo), quern_hub_item_get_file (self->item, 0)->name,
                           NULL);
  return quern_models_service_find_model (self->service, path);
}

static void
quern_item_row_update_buttons (QuernItemRow *self)
{
  g_autoptr (QuernModel) model = find_installed (self);
  QuernDownload *download = quern_models_service_find_download (self->service, quern_hub_repo_get_id (self->repo),
                                                                quern_hub_item_get_label (self->item));
  gboolean under_way = download != NULL && quern_download_get_state (download) != QUERN_DOWNLOAD_COMPLETE;
  g_autofree char *name = NULL;

  if (quern_models_service_recommends (self->service, self->repo, self->item) && !under_way)
    gtk_widget_set_css_classes (self->button, (const char *[]) { "suggested-action", "image-button", NULL });
  else
    gtk_widget_set_css_classes (self->button, (const char *[]) { "flat", "image-button", NULL });
  gtk_widget_set_visible (self->chat_button, model != NULL);
  gtk_widget_set_visible (self->button, model == NULL);
  if (model != NULL) {
    gtk_actionable_set_action_target (GTK_ACTIONABLE (self->chat_button), "s", quern_model_get_id (model));
    return;
  }
  gtk_button_set_icon_name (GTK_BUTTON (self->button), under_way ? "view-list-symbolic" : "folder-download-symbolic");
  name = g_strdup_printf (under_way ? _("Show Download of %s") : _("Download %s"),
                          quern_hub_item_get_label (self->item));
  gtk_widget_set_tooltip_text (self->button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
refresh (QuernItemRow *self)
{
  const QuernMachine *machine = quern_models_service_get_machine (self->service);
  gboolean exact = quern_hub_item_get_info_exact (self->item);
  guint64 memory = quern_models_service_plan_item (self->item, self->n_ctx, self->with_vision);
  g_autofree char *text = describe (self, memory, exact);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), text);
  quern_fit_mark_set (self->mark, quern_advisor_fit (machine, memory),
                      machine->disk > 0 && quern_hub_item_get_bytes (self->item) > machine->disk);
  quern_item_row_update_buttons (self);
}

static void
quern_item_row_clicked_cb (QuernItemRow *self)
{
  g_signal_emit (self, signals[SIGNAL_DOWNLOAD], 0);
}

static void
quern_item_row_dispose (GObject *object)
{
  QuernItemRow *self = QUERN_ITEM_ROW (object);

  g_clear_object (&self->service);
  g_clear_object (&self->repo);
  g_clear_object (&self->item);
  G_OBJECT_CLASS (quern_item_row_parent_class)->dispose (object);
}

static void
quern_item_row_class_init (QuernItemRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_item_row_dispose;
  signals[SIGNAL_DOWNLOAD] = g_signal_new ("download", QUERN_TYPE_ITEM_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 0);
}

static void
quern_item_row_init (QuernItemRow *self)
{
  self->mark = quern_fit_mark_new ();
  self->button = gtk_button_new ();
  gtk_widget_set_valign (self->button, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (quern_item_row_clicked_cb), self);
  self->chat_button = gtk_button_new_with_label (_("Chat"));
  gtk_widget_set_valign (self->chat_button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->chat_button), "s", "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->chat_button), "win.chat-with");
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->mark);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->button);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->chat_button);
}

GtkWidget *
quern_item_row_new (QuernModelsService *service, QuernHubRepo *repo, QuernHubItem *item)
{
  QuernItemRow *self = g_object_new (QUERN_TYPE_ITEM_ROW, "use-markup", FALSE, NULL);
  QuernDownloads *downloads = quern_models_service_get_downloads (service);

  self->service = g_object_ref (service);
  self->repo = g_object_ref (repo);
  self->item = g_object_ref (item);
  self->n_ctx = QUERN_ADVISOR_CONTEXT;
  self->with_vision = TRUE;
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), quern_hub_item_get_label (item));
  g_signal_connect_object (item, "notify::probed", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "notify::measured", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (downloads, "items-changed", G_CALLBACK (quern_item_row_update_buttons), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (quern_models_service_get_library (service), "items-changed",
                           G_CALLBACK (quern_item_row_update_buttons), self, G_CONNECT_SWAPPED);
  refresh (self);
  return GTK_WIDGET (self);
}

QuernHubItem *
quern_item_row_get_item (QuernItemRow *self)
{
  g_return_val_if_fail (QUERN_IS_ITEM_ROW (self), NULL);
  return self->item;
}

/* Reckons with another length of the conversation, and with or without the vision file. */
void
quern_item_row_update (QuernItemRow *self, guint n_ctx, gboolean with_vision)
{
  g_return_if_fail (QUERN_IS_ITEM_ROW (self));

  self->n_ctx = n_ctx;
  self->with_vision = with_vision;
  refresh (self);
}
