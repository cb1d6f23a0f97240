/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-repo-page.h"

#include "markdown/quern-md-view.h"
#include "quern-facts.h"
#include "quern-item-row.h"
#include "quern-start-download.h"
#include "quern-sweep-page.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* One repository of the hub: its facts, its quantisations with what each needs on this computer, and its card. The
 * header of each file is read from the hub, one after the other, so that the numbers are the file's own. */
struct _QuernRepoPage {
  AdwNavigationPage parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  GtkStack *stack;
  AdwStatusPage *failed_page;
  AdwPreferencesGroup *facts, *items_group, *sweeps_group, *card_group;
  GtkWidget *measure_button;
  AdwComboRow *context_row;
  AdwSwitchRow *vision_row;

  /* Owned references */
  QuernModelsService *service;
  QuernHubRepo *repo;
  GCancellable *cancellable;
  GPtrArray *rows;       /* of QuernItemRow, borrowed from the group */
  GPtrArray *sweep_rows; /* of GtkWidget, borrowed from the group */
  GPtrArray *setups;     /* of QuernSweepSetup: what they are about; or NULL */
  char *id;
  guint probing; /* index of the item whose header is being read */
};

G_DEFINE_FINAL_TYPE (QuernRepoPage, quern_repo_page, ADW_TYPE_NAVIGATION_PAGE)

/* ---- quantisations ---------------------------------------------------------------------------------------------- */

static gboolean
wants_vision (QuernRepoPage *self)
{
  return gtk_widget_get_visible (GTK_WIDGET (self->vision_row)) && adw_switch_row_get_active (self->vision_row);
}

static void
update_items (QuernRepoPage *self)
{
  GtkStringObject *selected = adw_combo_row_get_selected_item (self->context_row);
  guint n_ctx = selected != NULL ? (guint) g_ascii_strtoull (gtk_string_object_get_string (selected), NULL, 10) : 0;

  for (guint i = 0; n_ctx > 0 && self->rows != NULL && i < self->rows->len; i++)
    quern_item_row_update (self->rows->pdata[i], n_ctx, wants_vision (self));
}

static void
download_cb (QuernRepoPage *self, QuernItemRow *row)
{
  quern_start_download (GTK_WIDGET (self), self->service, self->repo, quern_item_row_get_item (row),
                        wants_vision (self));
}

static void
show_items (QuernRepoPage *self)
{
  GListModel *items = quern_hub_repo_get_items (self->repo);
  guint n = g_list_model_get_n_items (items);
  guint64 vision = 0;
  g_autofree char *size = NULL, *text = NULL;

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernHubItem) item = g_list_model_get_item (items, i);
    GtkWidget *row = quern_item_row_new (self->service, self->repo, item);

    vision = MAX (vision, quern_hub_item_get_vision_bytes (item));
    g_signal_connect_object (row, "download", G_CALLBACK (download_cb), self, G_CONNECT_SWAPPED);
    adw_preferences_group_add (self->items_group, row);
    g_ptr_array_add (self->rows, row);
  }
  if (n == 0)
    adw_preferences_group_set_description (self->items_group, _("There is no complete GGUF model in it."));
  size = g_format_size (vision);
  gtk_widget_set_visible (GTK_WIDGET (self->vision_row), vision > 0);
  /* Translators: what the vision file adds to the download */
  text = g_strdup_printf (_("Sees pictures; adds %s"), size);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->vision_row), text);
  update_items (self);
}

/* ---- headers of the files --------------------------------------------------------------------------------------- */

static void probe_next (QuernRepoPage *self);

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernRepoPage) self = user_data;
  g_autoptr (GError) error = NULL;

  /* A header that cannot be read leaves its row with the estimate. */
  if (!quern_hub_probe_finish (QUERN_HUB (source), result, &error)
      && (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
          || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE)))
    return;
  self->probing++;
  probe_next (self);
}

static void
probe_next (QuernRepoPage *self)
{
  g_autoptr (QuernHubItem) item = NULL;

  if (quern_hub_repo_get_support (self->repo) == QUERN_HUB_SUPPORT_NO || g_cancellable_is_cancelled (self->cancellable))
    return;
  item = g_list_model_get_item (quern_hub_repo_get_items (self->repo), self->probing);
  if (item != NULL)
    quern_hub_probe_async (quern_models_service_get_hub (self->service), self->repo, item, self->cancellable, probed_cb,
                           g_object_ref (self));
}

/* ---- measurements ----------------------------------------------------------------------------------------------- */

static void
show_sweep_page (QuernRepoPage *self, const QuernSweepSetup *setup)
{
  GtkWidget *navigation = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_NAVIGATION_VIEW);

  adw_navigation_view_push (ADW_NAVIGATION_VIEW (navigation), quern_sweep_page_new (self->service, self->repo, setup));
}

/* The one that is at work is shown first: there is only one. */
static void
quern_repo_page_measure_cb (QuernRepoPage *self)
{
  const QuernSweepSetup *open = quern_sweeps_get_setup (quern_models_service_get_sweeps (self->service));
  gboolean running = quern_sweeps_get_running (quern_models_service_get_sweeps (self->service));

  show_sweep_page (self, running && g_strcmp0 (open->repository, self->id) == 0 ? open : NULL);
}

static void
quern_repo_page_sweep_cb (QuernRepoPage *self, GtkWidget *row)
{
  guint i;

  if (g_ptr_array_find (self->sweep_rows, row, &i))
    show_sweep_page (self, self->setups->pdata[i]);
}

static void
add_sweep_row (QuernRepoPage *self, const QuernSweepSetup *setup)
{
  GtkWidget *row = adw_action_row_new ();
  g_autoptr (GDateTime) begun = g_date_time_new_from_unix_local (setup->begun);
  g_autofree char *date = begun != NULL ? g_date_time_format (begun, "%x") : g_strdup ("");
  g_autofree char *text = quern_text_choice_dup_name (setup->text), *title = NULL, *subtitle = NULL;
  QuernSweeps *sweeps = quern_models_service_get_sweeps (self->service);
  gboolean at_work = quern_sweeps_get_running (sweeps) && quern_sweeps_is_open (sweeps, setup->folder);

  /* Translators: a quantisation, and what a text is called */
  title = g_strdup_printf (_("Compared with %s: %s"), setup->reference, text);
  subtitle = g_strdup_printf (at_work          ? _("%s, at work")
                              : setup->running ? _("%s, interrupted: it can be continued")
                                               : "%s",
                              date);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  g_signal_connect_object (row, "activated", G_CALLBACK (quern_repo_page_sweep_cb), self, G_CONNECT_SWAPPED);
  adw_preferences_group_add (self->sweeps_group, row);
  g_ptr_array_add (self->sweep_rows, row);
}

static void
setups_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernRepoPage) self = user_data;
  g_autoptr (GPtrArray) setups = quern_sweep_setups_load_finish (result, NULL);

  if (setups == NULL || g_cancellable_is_cancelled (self->cancellable))
    return;
  for (guint i = 0; i < self->sweep_rows->len; i++)
    adw_preferences_group_remove (self->sweeps_group, self->sweep_rows->pdata[i]);
  g_ptr_array_set_size (self->sweep_rows, 0);
  for (guint i = setups->len; i-- > 0;)
    if (!g_str_equal (((const QuernSweepSetup *) setups->pdata[i])->repository, self->id))
      g_ptr_array_remove_index (setups, i);
  g_clear_pointer (&self->setups, g_ptr_array_unref);
  self->setups = g_steal_pointer (&setups);
  for (guint i = 0; i < self->setups->len; i++)
    add_sweep_row (self, self->setups->pdata[i]);
  gtk_widget_set_visible (GTK_WIDGET (self->sweeps_group), self->setups->len > 0);
}

static void
load_setups (QuernRepoPage *self)
{
  quern_sweep_setups_load_async (self->cancellable, setups_loaded_cb, g_object_ref (self));
}

/* ---- facts and card --------------------------------------------------------------------------------------------- */

static void
card_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernRepoPage) self = user_data;
  g_autofree char *text = quern_hub_load_card_finish (QUERN_HUB (source), result, NULL);
  GtkWidget *view;

  if (text == NULL || *text == '\0' || g_cancellable_is_cancelled (self->cancellable))
    return;
  view = quern_md_view_new ();
  quern_md_view_set_text (QUERN_MD_VIEW (view), text, TRUE);
  adw_preferences_group_add (self->card_group, view);
  gtk_widget_set_visible (GTK_WIDGET (self->card_group), TRUE);
}

static void
show_facts (QuernRepoPage *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 n = quern_hub_repo_get_downloads (self->repo);
  GDateTime *modified = quern_hub_repo_get_modified (self->repo);
  g_autofree char *date = modified != NULL ? g_date_time_format (modified, "%x") : NULL;
  g_autofree char *downloads = g_strdup_printf (ngettext ("%'" PRId64 " download", "%'" PRId64 " downloads", n), n);
  g_autofree char *license = NULL, *markup = NULL;

  if (quern_hub_repo_get_license (self->repo) != NULL)
    license = g_strdup_printf (_("Licence: %s"), quern_hub_repo_get_license (self->repo));
  quern_facts_append (text, quern_hub_repo_get_author (self->repo));
  quern_facts_append (text, license);
  quern_facts_append (text, downloads);
  quern_facts_append (text, date);
  markup = g_markup_escape_text (text->str, -1);
  adw_preferences_group_set_title (self->facts, quern_hub_repo_get_name (self->repo));
  adw_preferences_group_set_description (self->facts, markup);
}

static void
show_banner (QuernRepoPage *self)
{
  g_autofree char *text = NULL;

  if (quern_hub_repo_get_support (self->repo) == QUERN_HUB_SUPPORT_NO)
    text = g_strdup_printf (_("Quern cannot run the architecture “%s”. It runs Qwen 3.5 models."),
                            quern_hub_repo_get_architecture (self->repo));
  else if (quern_hub_repo_get_stale (self->repo))
    text = g_strdup (_("The hub does not respond. These are its last results."));
  else if (quern_hub_repo_get_gated (self->repo))
    text = g_strdup (_("Its licence must be accepted on the hub's web page first."));
  adw_banner_set_title (self->banner, text != NULL ? text : "");
  adw_banner_set_revealed (self->banner, text != NULL);
}

static void
quern_repo_page_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernRepoPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernHubRepo) repo = quern_hub_load_repo_finish (QUERN_HUB (source), result, &error);

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (repo == NULL) {
    g_autofree char *markup = g_markup_escape_text (error->message, -1);
    adw_status_page_set_description (self->failed_page, markup);
    gtk_stack_set_visible_child_name (self->stack, "failed");
    return;
  }
  self->repo = g_steal_pointer (&repo);
  show_facts (self);
  show_banner (self);
  show_items (self);
  gtk_widget_set_visible (self->measure_button,
                          quern_hub_repo_get_support (self->repo) != QUERN_HUB_SUPPORT_NO && self->rows->len > 1);
  gtk_stack_set_visible_child_name (self->stack, "model");
  probe_next (self);
  quern_hub_load_card_async (QUERN_HUB (source), self->repo, self->cancellable, card_cb, g_object_ref (self));
}

static void
quern_repo_page_load (QuernRepoPage *self)
{
  gtk_stack_set_visible_child_name (self->stack, "loading");
  quern_hub_load_repo_async (quern_models_service_get_hub (self->service), self->id, self->cancellable,
                             quern_repo_page_loaded_cb, g_object_ref (self));
}

/* The requests hold the page: when it is left they must end. */
static void
quern_repo_page_hidden (AdwNavigationPage *page)
{
  if (gtk_widget_get_parent (GTK_WIDGET (page)) == NULL)
    g_cancellable_cancel (QUERN_REPO_PAGE (page)->cancellable);
}

/* A page above it may have begun a sweep, or deleted one. */
static void
quern_repo_page_shown (AdwNavigationPage *page)
{
  load_setups (QUERN_REPO_PAGE (page));
}

static void
quern_repo_page_dispose (GObject *object)
{
  QuernRepoPage *self = QUERN_REPO_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  adw_navigation_page_set_child (ADW_NAVIGATION_PAGE (self), NULL); /* its parent class would free it again */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_REPO_PAGE);
  g_clear_object (&self->repo);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_repo_page_parent_class)->dispose (object);
}

static void
quern_repo_page_finalize (GObject *object)
{
  QuernRepoPage *self = QUERN_REPO_PAGE (object);

  g_object_unref (self->cancellable);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->sweep_rows);
  g_clear_pointer (&self->setups, g_ptr_array_unref);
  g_free (self->id);
  G_OBJECT_CLASS (quern_repo_page_parent_class)->finalize (object);
}

static void
quern_repo_page_class_init (QuernRepoPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_repo_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_repo_page_finalize;
  ADW_NAVIGATION_PAGE_CLASS (klass)->hidden = quern_repo_page_hidden;
  ADW_NAVIGATION_PAGE_CLASS (klass)->showing = quern_repo_page_shown;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-repo-page.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, failed_page);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, facts);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, items_group);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, card_group);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, sweeps_group);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, measure_button);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, context_row);
  gtk_widget_class_bind_template_child (widget_class, QuernRepoPage, vision_row);
  gtk_widget_class_bind_template_callback (widget_class, quern_repo_page_load);
  gtk_widget_class_bind_template_callback (widget_class, update_items);
  gtk_widget_class_bind_template_callback (widget_class, quern_repo_page_measure_cb);
}

static void
quern_repo_page_init (QuernRepoPage *self)
{
  self->rows = g_ptr_array_new ();
  self->sweep_rows = g_ptr_array_new ();
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_swapped (self->vision_row, "notify::active", G_CALLBACK (update_items), self);
}

/**
 * quern_repo_page_new:
 * @id: OWNER/NAME on the hub
 */
AdwNavigationPage *
quern_repo_page_new (QuernModelsService *service, const char *id)
{
  QuernRepoPage *self = g_object_new (QUERN_TYPE_REPO_PAGE, "title", id, NULL);

  self->service = g_object_ref (service);
  self->id = g_strdup (id);
  quern_repo_page_load (self);
  return ADW_NAVIGATION_PAGE (self);
}
