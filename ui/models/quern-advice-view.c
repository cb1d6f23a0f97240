/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-advice-view.h"

#include "quern-facts.h"
#include "quern-fit-mark.h"
#include "quern-hub-offer.h"
#include "quern-start-download.h"

#include <glib/gi18n.h>

/* "For this computer": the sizes of the family with what each would need here, and one recommendation with its reason.
 * For that one the hub is asked who has it, and the header of the very file is read, so that it can be downloaded from
 * here with the numbers that are true for it. */
struct _QuernAdviceView {
  AdwBin parent_instance;

  /* Children, borrowed */
  AdwPreferencesGroup *advice_group;
  AdwActionRow *advice_row, *offer_row;
  GtkWidget *find_button, *download_button, *measure_button, *offer_mark;
  GPtrArray *rows, *marks; /* for each size */

  /* Owned references */
  QuernModelsService *service;
  QuernHubOffer *offer; /* NULL: none yet */
  GCancellable *cancellable;
  char *wish; /* what the hub was asked for last */
};

G_DEFINE_FINAL_TYPE (QuernAdviceView, quern_advice_view, ADW_TYPE_BIN)

static char *
describe (const QuernNeeds *needs)
{
  g_autofree char *file = quern_facts_about_size (needs->file), *memory = quern_facts_about_size (needs->memory);
  g_autofree char *speed = quern_format_speed (needs->speed);

  /* Translators: size of the download, needed memory; at 4 bits per weight */
  if (*speed == '\0')
    return g_strdup_printf (_("About %s to download, %s of memory"), file, memory);
  return g_strdup_printf (_("About %s to download, %s of memory · %s"), file, memory, speed);
}

/* ---- what the hub has of it --------------------------------------------------------------------------------------- */

static void
show_offer (QuernAdviceView *self)
{
  const QuernMachine *machine = quern_models_service_get_machine (self->service);
  QuernHubItem *item = self->offer != NULL ? self->offer->item : NULL;
  g_autofree char *size = NULL, *needed = NULL, *text = NULL;
  guint64 memory;

  gtk_widget_set_visible (GTK_WIDGET (self->offer_row), item != NULL);
  gtk_widget_set_visible (self->download_button, item != NULL);
  gtk_widget_set_visible (self->find_button, item == NULL);
  if (item == NULL)
    return;
  adw_action_row_set_subtitle (self->advice_row, ""); /* the numbers of the file itself are better */
  memory = quern_models_service_plan_item (item, QUERN_ADVISOR_CONTEXT, TRUE);
  size = g_format_size (quern_hub_item_get_bytes (item) + quern_hub_item_get_vision_bytes (item));
  needed = quern_facts_about_size (memory);
  if (quern_hub_item_get_vision (item) != NULL)
    /* Translators: size of the download, needed memory */
    text = g_strdup_printf (_("%s to download, with vision · needs %s of memory"), size, needed);
  else
    text = g_strdup_printf (_("%s to download · needs %s of memory"), size, needed);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->offer_row), quern_hub_repo_get_id (self->offer->repo));
  adw_action_row_set_subtitle (self->offer_row, text);
  quern_fit_mark_set (self->offer_mark, quern_advisor_fit (machine, memory),
                      machine->disk > 0 && quern_hub_item_get_bytes (item) > machine->disk);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->offer_row), "s", quern_hub_repo_get_id (self->offer->repo));
}

static void
offer_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernAdviceView) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubOffer) offer = quern_hub_find_offer_finish (QUERN_HUB (source), result, &error);

  if (self->service == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->offer = g_steal_pointer (&offer);
  if (self->offer == NULL)
    g_clear_pointer (&self->wish, g_free); /* asked again when the page is looked at next */
  show_offer (self);
}

/* Not before the page is looked at, and not over a network that charges for it: a header may be 16 MB. */
static void
ask_hub (QuernAdviceView *self, const QuernAdvice *advice)
{
  g_autofree char *model = g_strdup_printf ("Qwen3.5-%s", advice->size->label);
  g_autofree char *wish = g_strdup_printf ("%s %s", model, advice->quantisation);

  if (g_strcmp0 (wish, self->wish) == 0 || !gtk_widget_get_mapped (GTK_WIDGET (self))
      || quern_models_service_must_ask (self->service))
    return;
  g_set_str (&self->wish, wish);
  g_clear_pointer (&self->offer, quern_hub_offer_free);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  show_offer (self);
  quern_hub_find_offer_async (quern_models_service_get_hub (self->service), model, advice->quantisation,
                              self->cancellable, offer_cb, g_object_ref (self));
}

static void
download_clicked_cb (QuernAdviceView *self)
{
  if (self->offer != NULL)
    quern_start_download (GTK_WIDGET (self), self->service, self->offer->repo, self->offer->item, TRUE);
}

/* ---- advice ------------------------------------------------------------------------------------------------------- */

/* Returns: (transfer full): why it is recommended, and what that rests on */
static char *
dup_reason (const QuernMachine *machine, const QuernAdvice *advice)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (machine->measured);
  g_autofree char *reason = quern_advisor_explain (machine, advice), *date = NULL, *measured = NULL;

  if (machine->measured == 0 || then == NULL)
    return g_steal_pointer (&reason);
  date = g_date_time_format (then, "%x");
  /* Translators: a date */
  measured = g_strdup_printf (machine->busy ? _("Measured on %s, while other programs were at work.")
                                            : _("Measured on %s."),
                              date);
  return g_strconcat (reason, " ", measured, NULL);
}

static void
update_advice (QuernAdviceView *self, const QuernMachine *machine)
{
  QuernAdvice advice;
  g_autofree char *title = NULL, *reason = NULL, *text = NULL;

  quern_advisor_recommend (machine, &advice);
  reason = dup_reason (machine, &advice);
  if (advice.size != NULL)
    /* Translators: size and quantisation of the recommended model */
    title = g_strdup_printf (_("Qwen 3.5 %s in %s"), advice.size->label, advice.quantisation);
  else
    title = g_strdup (_("No recommendation"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->advice_row), title);
  adw_preferences_group_set_description (self->advice_group, reason);
  gtk_widget_set_visible (self->find_button, advice.size != NULL && self->offer == NULL);
  if (advice.size == NULL) {
    adw_action_row_set_subtitle (self->advice_row, "");
    return;
  }
  text = describe (&advice.needs);
  adw_action_row_set_subtitle (self->advice_row, self->offer == NULL ? text : "");
  g_clear_pointer (&text, g_free);
  ask_hub (self, &advice);
  text = g_strdup_printf ("Qwen3.5-%s", advice.size->label);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->find_button), "s", text);
}

/* What is shown stays until the new figures are there. */
static void
measure_clicked_cb (QuernAdviceView *self)
{
  gtk_widget_set_sensitive (self->measure_button, FALSE);
  quern_models_service_measure (self->service);
}

static void
quern_advice_view_update (QuernAdviceView *self)
{
  const QuernMachine *machine = quern_models_service_get_machine (self->service);
  gboolean measured;

  g_object_get (self->service, "measured", &measured, NULL);
  for (guint i = 0; i < quern_advisor_get_n_sizes (); i++) {
    QuernNeeds needs;
    g_autofree char *text = NULL;

    quern_advisor_needs (machine, quern_advisor_get_size (i), "Q4_K_M", &needs);
    text = describe (&needs);
    adw_action_row_set_subtitle (self->rows->pdata[i], text);
    quern_fit_mark_set (self->marks->pdata[i], needs.fit, needs.disk_too_small);
  }
  gtk_widget_set_sensitive (self->measure_button, measured);
  if (measured)
    update_advice (self, machine);
}

static void
add_size (QuernAdviceView *self, AdwPreferencesGroup *group, const QuernFamilySize *size)
{
  GtkWidget *row = adw_action_row_new (), *mark = quern_fit_mark_new ();
  g_autofree char *title = g_strdup_printf (_("Qwen 3.5 %s"), size->label);
  g_autofree char *text = g_strdup_printf ("Qwen3.5-%s", size->label);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), mark);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (row), "s", text);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (row), "models.search");
  adw_preferences_group_add (group, row);
  g_ptr_array_add (self->rows, row);
  g_ptr_array_add (self->marks, mark);
}

static GtkWidget *
create_offer_row (QuernAdviceView *self)
{
  self->offer_row = ADW_ACTION_ROW (adw_action_row_new ());
  self->offer_mark = quern_fit_mark_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->offer_row), FALSE);
  adw_action_row_add_suffix (self->offer_row, self->offer_mark);
  adw_action_row_add_suffix (self->offer_row, gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self->offer_row), TRUE);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->offer_row), "s", "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->offer_row), "models.repo");
  gtk_widget_set_visible (GTK_WIDGET (self->offer_row), FALSE);
  return GTK_WIDGET (self->offer_row);
}

static GtkWidget *
create_advice_group (QuernAdviceView *self)
{
  GtkWidget *group = adw_preferences_group_new ();

  self->advice_group = ADW_PREFERENCES_GROUP (group);
  self->advice_row = ADW_ACTION_ROW (adw_action_row_new ());
  self->find_button = gtk_button_new_with_mnemonic (_("_Find Model"));
  gtk_widget_set_valign (self->find_button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->find_button, "suggested-action");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->find_button), "s", "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->find_button), "models.search");
  gtk_widget_set_visible (self->find_button, FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->advice_row), _("Measuring this computer…"));
  adw_action_row_add_suffix (self->advice_row, self->find_button);
  self->download_button = gtk_button_new_with_mnemonic (_("_Download"));
  gtk_widget_set_valign (self->download_button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->download_button, "suggested-action");
  gtk_widget_set_visible (self->download_button, FALSE);
  g_signal_connect_swapped (self->download_button, "clicked", G_CALLBACK (download_clicked_cb), self);
  adw_action_row_add_suffix (self->advice_row, self->download_button);
  self->measure_button = gtk_button_new_with_mnemonic (_("_Measure Again"));
  gtk_widget_set_valign (self->measure_button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->measure_button, "flat");
  g_signal_connect_swapped (self->measure_button, "clicked", G_CALLBACK (measure_clicked_cb), self);
  adw_preferences_group_set_header_suffix (self->advice_group, self->measure_button);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("Recommended for This Computer"));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->advice_row));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), create_offer_row (self));
  return group;
}

static void
quern_advice_view_dispose (GObject *object)
{
  QuernAdviceView *self = QUERN_ADVICE_VIEW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->offer, quern_hub_offer_free);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_advice_view_parent_class)->dispose (object);
}

static void
quern_advice_view_finalize (GObject *object)
{
  QuernAdviceView *self = QUERN_ADVICE_VIEW (object);

  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->marks);
  g_free (self->wish);
  G_OBJECT_CLASS (quern_advice_view_parent_class)->finalize (object);
}

static void
quern_advice_view_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (quern_advice_view_parent_class)->map (widget);
  quern_advice_view_update (QUERN_ADVICE_VIEW (widget));
}

static void
quern_advice_view_class_init (QuernAdviceViewClass *klass)
{
  GTK_WIDGET_CLASS (klass)->map = quern_advice_view_map;
  G_OBJECT_CLASS (klass)->dispose = quern_advice_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_advice_view_finalize;
}

static void
quern_advice_view_init (QuernAdviceView *self)
{
  GtkWidget *page = adw_preferences_page_new (), *group = adw_preferences_group_new ();

  self->rows = g_ptr_array_new ();
  self->marks = g_ptr_array_new ();
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (create_advice_group (self)));
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("All Sizes"));
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      _("These are estimates for Q4_K_M, about 5 bits per weight, and a conversation of 8192 tokens. Before you "
        "download a file, its actual needs are read from it. Quern Tiny, a demonstration, is already installed."));
  for (guint i = 0; i < quern_advisor_get_n_sizes (); i++)
    add_size (self, ADW_PREFERENCES_GROUP (group), quern_advisor_get_size (i));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  adw_bin_set_child (ADW_BIN (self), page);
}

GtkWidget *
quern_advice_view_new (QuernModelsService *service)
{
  QuernAdviceView *self = g_object_new (QUERN_TYPE_ADVICE_VIEW, NULL);

  self->service = g_object_ref (service);
  g_signal_connect_object (service, "notify::measured", G_CALLBACK (quern_advice_view_update), self, G_CONNECT_SWAPPED);
  quern_advice_view_update (self);
  return GTK_WIDGET (self);
}
