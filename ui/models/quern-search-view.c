/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-search-view.h"

#include "quern-facts.h"
#include "quern-hub-search.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* GGUF repositories of the hub that match a text. Without a network it shows what the hub said last. */
struct _QuernSearchView {
  AdwBin parent_instance;

  /* Template widgets */
  GtkSearchEntry *entry;
  AdwBanner *banner;
  GtkStack *stack;
  GtkListBox *list;
  GtkWidget *more_button;
  AdwStatusPage *failed_page;

  /* Owned references */
  QuernModelsService *service;
  QuernHubSearch *search;
};

G_DEFINE_FINAL_TYPE (QuernSearchView, quern_search_view, ADW_TYPE_BIN)

static void
search_changed_cb (QuernSearchView *self)
{
  quern_hub_search_set_text (self->search, gtk_editable_get_text (GTK_EDITABLE (self->entry)));
}

static void
more_clicked_cb (QuernSearchView *self)
{
  quern_hub_search_load_more (self->search);
}

static char *
describe (QuernSearchView *self, QuernHubRepo *repo)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 n = quern_hub_repo_get_downloads (repo);
  GDateTime *modified = quern_hub_repo_get_modified (repo);
  g_autofree char *date = modified != NULL ? g_date_time_format (modified, "%x") : NULL;
  g_autofree char *downloads = g_strdup_printf (ngettext ("%'" PRId64 " download", "%'" PRId64 " downloads", n), n);

  quern_facts_append (text, quern_hub_repo_get_author (repo));
  quern_facts_append (text, downloads);
  quern_facts_append (text, date);
  if (quern_models_service_recommends (self->service, repo, NULL)) {
    g_string_append (text, "\n");
    g_string_append (text, _("Has the model that is recommended for this computer"));
  }
  if (quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_NO) {
    g_string_append (text, "\n");
    /* Translators: an architecture of models, e.g. "llama" */
    g_string_append_printf (text, _("Quern cannot run this architecture: %s"), quern_hub_repo_get_architecture (repo));
  }
  if (quern_hub_repo_get_gated (repo)) {
    g_string_append (text, "\n");
    g_string_append (text, _("Its licence must be accepted on the hub's web page first"));
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static GtkWidget *
quern_search_view_create_row (gpointer item, gpointer user_data)
{
  QuernHubRepo *repo = item;
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *subtitle = describe (QUERN_SEARCH_VIEW (user_data), repo);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_hub_repo_get_name (repo));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  if (quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_NO) /* the subtitle says it in words */
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("action-unavailable-symbolic"));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (row), "s", quern_hub_repo_get_id (repo));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (row), "models.repo");
  return row;
}

/* Another model may be recommended now. The rows stay: one of them may be about to be pressed. */
static void
describe_rows (QuernSearchView *self)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++) {
    g_autoptr (QuernHubRepo) repo = g_list_model_get_item (G_LIST_MODEL (self->search), (guint) i);
    g_autofree char *subtitle = describe (self, repo);
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  }
}

static void
quern_search_view_state_cb (QuernSearchView *self)
{
  const char *message = quern_hub_search_get_message (self->search);
  QuernHubSearchState state = quern_hub_search_get_state (self->search);
  gboolean have = g_list_model_get_n_items (G_LIST_MODEL (self->search)) > 0;
  g_autofree char *markup = g_markup_escape_text (message != NULL ? message : "", -1);

  if (have)
    gtk_stack_set_visible_child_name (self->stack, "list");
  else if (state == QUERN_HUB_SEARCH_FAILED)
    gtk_stack_set_visible_child_name (self->stack, "failed");
  else
    gtk_stack_set_visible_child_name (self->stack, state == QUERN_HUB_SEARCH_READY || state == QUERN_HUB_SEARCH_STALE
                                                       ? "nothing"
                                                       : "loading");
  adw_status_page_set_description (self->failed_page, markup);
  gtk_widget_set_visible (self->more_button, quern_hub_search_get_has_more (self->search));
  gtk_widget_set_sensitive (self->more_button, state != QUERN_HUB_SEARCH_LOADING);
  if (state == QUERN_HUB_SEARCH_STALE)
    adw_banner_set_title (self->banner, _("The hub does not respond. These are its last results."));
  else if (message != NULL)
    adw_banner_set_title (self->banner, message);
  adw_banner_set_revealed (self->banner, state == QUERN_HUB_SEARCH_STALE || (have && state == QUERN_HUB_SEARCH_FAILED));
}

/* Nothing goes over the network before the page is looked at. */
static void
quern_search_view_map (GtkWidget *widget)
{
  QuernSearchView *self = QUERN_SEARCH_VIEW (widget);

  GTK_WIDGET_CLASS (quern_search_view_parent_class)->map (widget);
  if (quern_hub_search_get_state (self->search) == QUERN_HUB_SEARCH_IDLE)
    search_changed_cb (self);
}

static void
quern_search_view_dispose (GObject *object)
{
  QuernSearchView *self = QUERN_SEARCH_VIEW (object);

  adw_bin_set_child (ADW_BIN (self), NULL); /* its parent class would free it again */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SEARCH_VIEW);
  g_clear_object (&self->search);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_search_view_parent_class)->dispose (object);
}

static void
quern_search_view_class_init (QuernSearchViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_search_view_dispose;
  widget_class->map = quern_search_view_map;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-search-view.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, entry);
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, list);
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, more_button);
  gtk_widget_class_bind_template_child (widget_class, QuernSearchView, failed_page);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, more_clicked_cb);
}

static void
quern_search_view_init (QuernSearchView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
quern_search_view_new (QuernModelsService *service)
{
  QuernSearchView *self = g_object_new (QUERN_TYPE_SEARCH_VIEW, NULL);

  self->service = g_object_ref (service);
  self->search = quern_hub_search_new (quern_models_service_get_hub (service));
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (self->search), quern_search_view_create_row, self, NULL);
  g_signal_connect_object (service, "notify::measured", G_CALLBACK (describe_rows), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->search, "notify::state", G_CALLBACK (quern_search_view_state_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_editable_set_text (GTK_EDITABLE (self->entry), "Qwen3.5");
  return GTK_WIDGET (self);
}

/* Searches for a text at once. */
void
quern_search_view_set_text (GtkWidget *view, const char *text)
{
  QuernSearchView *self = QUERN_SEARCH_VIEW (view);

  gtk_editable_set_text (GTK_EDITABLE (self->entry), text);
  search_changed_cb (self);
}
