/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "chat/quern-chat-page.h"
#include "compare/quern-compare-page.h"
#include "quern-desk.h"
#include "quern-window.h"
#include "sidebar/quern-sidebar.h"

G_BEGIN_DECLS

struct _QuernWindow {
  AdwApplicationWindow parent_instance;

  /* Template widgets */
  AdwToastOverlay *toasts;
  AdwNavigationSplitView *split_view;
  AdwNavigationPage *content_page;
  QuernSidebar *sidebar;
  QuernChatPage *chat_page;
  GtkStack *pages;

  /* Owned references */
  GSettings *settings;
  QuernStore *store;
  QuernLibrary *library;
  QuernComparisons *comparisons;
  QuernBackend *backend;     /* a QuernJointBackend */
  QuernDesk *desk;           /* the above, and what is in use of it */
  QuernChatSession *session; /* the one on the screen */
  GBinding *title_binding, *name_binding;
  QuernModelsService *models;
  AdwNavigationPage *models_page; /* made when it is first shown */

  QuernComparePage *compare_page; /* a child of pages, made when it is first shown */

  GtkCssProvider *zoom; /* the size of the text */
  double pinched;       /* zoom when two fingers touched */
  gboolean saved;
};

void _quern_window_install_actions (GtkWidgetClass *widget_class);
void _quern_window_install_zoom_actions (GtkWidgetClass *widget_class);
void _quern_window_init_zoom (QuernWindow *self);
void _quern_window_clear_zoom (QuernWindow *self);
void _quern_window_install_data_actions (GtkWidgetClass *widget_class);
void _quern_window_watch_store (QuernWindow *self);
void _quern_window_install_folder_actions (GtkWidgetClass *widget_class);
void _quern_window_open (QuernWindow *self, QuernConversation *conversation);
void _quern_window_new_chat (QuernWindow *self);
void _quern_window_compare (QuernWindow *self, QuernComparison *comparison);
QuernComparePage *_quern_window_get_compare_page (QuernWindow *self);
void _quern_window_leave (QuernChatSession *session);
void _quern_window_leave_comparison (QuernComparison *comparison);
void _quern_window_import (QuernWindow *self, const char *path);
void _quern_window_open_files (GtkWidget *widget, const char *name, GVariant *parameter);
void _quern_window_show_models (QuernWindow *self, const char *view);

G_END_DECLS
