/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-models-page.h"

#include "quern-advice-view.h"
#include "quern-downloads-view.h"
#include "quern-installed-view.h"
#include "quern-repo-page.h"
#include "quern-search-view.h"

#include <glib/gi18n.h>

struct _QuernModelsPage {
  AdwBin parent_instance;

  /* Template widgets */
  AdwNavigationView *navigation;
  AdwViewStack *stack;
  AdwViewSwitcher *switcher;
  AdwWindowTitle *narrow_title;
  AdwViewSwitcherBar *switcher_bar;

  /* Owned references */
  QuernModelsService *service;

  AdwViewStackPage *downloads_page; /* borrowed from the stack */
  GtkWidget *search;                /* borrowed from the stack */
};

G_DEFINE_FINAL_TYPE (QuernModelsPage, quern_models_page, ADW_TYPE_BIN)

/* "models.view": a view by its name; "models.search": a text; "models.repo": a repository's id */
static void
view_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_models_page_show (QUERN_MODELS_PAGE (widget), g_variant_get_string (parameter, NULL));
}

static void
quern_models_page_search_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_models_page_search (QUERN_MODELS_PAGE (widget), g_variant_get_string (parameter, NULL));
}

static void
repo_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernModelsPage *self = QUERN_MODELS_PAGE (widget);
  adw_navigation_view_push (self->navigation,
                            quern_repo_page_new (self->service, g_variant_get_string (parameter, NULL)));
}

/* Adds a view. Its page is its parent for accessibility, too; without that, assistive technologies find each view below
 * every page before its own, because they go from one child of the stack to the next (libadwaita 1.7). */
static AdwViewStackPage *
add_view (QuernModelsPage *self, GtkWidget *view, const char *name, const char *title, const char *icon)
{
  AdwViewStackPage *page = adw_view_stack_add_titled_with_icon (self->stack, view, name, title, icon);

  gtk_accessible_set_accessible_parent (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE (page), NULL);
  return page;
}

/* The number on the tab: downloads that are not done. */
static void
downloads_changed_cb (QuernModelsPage *self)
{
  GListModel *downloads = G_LIST_MODEL (quern_models_service_get_downloads (self->service));
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (QuernDownload) download = g_list_model_get_item (downloads, i);
    n += quern_download_get_state (download) != QUERN_DOWNLOAD_COMPLETE;
  }
  adw_view_stack_page_set_badge_number (self->downloads_page, n);
}

static void
quern_models_page_dispose (GObject *object)
{
  QuernModelsPage *self = QUERN_MODELS_PAGE (object);

  adw_bin_set_child (ADW_BIN (self), NULL); /* its parent class would free it again */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_MODELS_PAGE);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_models_page_parent_class)->dispose (object);
}

static void
quern_models_page_class_init (QuernModelsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_models_page_dispose;
  gtk_widget_class_install_action (widget_class, "models.view", "s", view_action);
  gtk_widget_class_install_action (widget_class, "models.search", "s", quern_models_page_search_action);
  gtk_widget_class_install_action (widget_class, "models.repo", "s", repo_action);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/models/quern-models-page.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernModelsPage, navigation);
  gtk_widget_class_bind_template_child (widget_class, QuernModelsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernModelsPage, switcher);
  gtk_widget_class_bind_template_child (widget_class, QuernModelsPage, narrow_title);
  gtk_widget_class_bind_template_child (widget_class, QuernModelsPage, switcher_bar);
}

static void
quern_models_page_init (QuernModelsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Measures what the computer has. */
GtkWidget *
quern_models_page_new (QuernModelsService *service)
{
  QuernModelsPage *self;
  QuernDownloads *downloads;

  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (service), NULL);

  self = g_object_new (QUERN_TYPE_MODELS_PAGE, NULL);
  self->service = g_object_ref (service);
  downloads = quern_models_service_get_downloads (service);
  self->search = quern_search_view_new (service);
  add_view (self, quern_advice_view_new (service), "computer", _("For You"), "computer-symbolic");
  add_view (self, self->search, "search", _("Search"), "edit-find-symbolic");
  add_view (self, quern_installed_view_new (service), "installed", _("Installed"), "drive-harddisk-symbolic");
  self->downloads_page = add_view (self, quern_downloads_view_new (service), "downloads", _("Downloads"),
                                   "folder-download-symbolic");
  g_signal_connect_object (downloads, "items-changed", G_CALLBACK (downloads_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (downloads, "installed", G_CALLBACK (downloads_changed_cb), self, G_CONNECT_SWAPPED);
  downloads_changed_cb (self);
  quern_models_service_measure (service);
  return GTK_WIDGET (self);
}

/**
 * quern_models_page_show:
 * @view: "computer", "search", "installed" or "downloads"
 */
void
quern_models_page_show (QuernModelsPage *self, const char *view)
{
  g_return_if_fail (QUERN_IS_MODELS_PAGE (self));

  adw_navigation_view_pop_to_tag (self->navigation, "models");
  adw_view_stack_set_visible_child_name (self->stack, view);
}

/* Shows what the hub has for a text. */
void
quern_models_page_search (QuernModelsPage *self, const char *text)
{
  g_return_if_fail (QUERN_IS_MODELS_PAGE (self));

  quern_models_page_show (self, "search");
  quern_search_view_set_text (self->search, text);
}
