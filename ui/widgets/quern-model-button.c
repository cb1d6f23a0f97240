/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-model-button.h"

#include "quern-model-row.h"

#include <glib/gi18n.h>

/* The title of the chat page: which model answers, and a menu of those on this computer. */
struct _QuernModelButton {
  AdwBin parent_instance;

  /* Template widgets */
  GtkMenuButton *button;
  GtkLabel *title, *subtitle;
  GtkPopover *popover;
  GtkListBox *list;

  /* Owned references */
  QuernLibrary *library;
  QuernChatSession *session;
  GSignalGroup *session_signals;
};

G_DEFINE_FINAL_TYPE (QuernModelButton, quern_model_button, ADW_TYPE_BIN)

static QuernModel *
get_model (QuernModelButton *self)
{
  return self->session != NULL ? quern_chat_session_get_model (self->session) : NULL;
}

static void
quern_model_button_update (QuernModelButton *self)
{
  QuernModel *model = get_model (self);
  const char *quantisation = model != NULL ? quern_model_get_quantisation (model) : "";
  /* The quantisation first: files of one model are told apart by it. */
  const char *title = model == NULL           ? _("Choose a Model")
                      : *quantisation != '\0' ? quantisation
                                              : quern_model_get_title (model);
  g_autofree char *subtitle = NULL, *full = NULL, *name = NULL;
  GtkListBoxRow *row;

  if (model != NULL && quern_model_is_demo (model))
    /* Translators: name of the demonstration model */
    subtitle = g_strdup_printf (_("%s · Demonstration"), quern_model_get_title (model));
  else if (model != NULL && quern_model_is_remote (model))
    /* Translators: below the name of a model, the name of the server that has it */
    subtitle = g_strdup_printf (_("On %s"), quern_model_get_place (model));
  else
    subtitle = g_strdup (model != NULL && *quantisation != '\0' ? quern_model_get_title (model) : "");
  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->subtitle, subtitle);
  gtk_widget_set_visible (GTK_WIDGET (self->subtitle), *subtitle != '\0');
  /* Translators: name of the model button for screen readers */
  full = *subtitle != '\0' ? g_strdup_printf ("%s · %s", title, subtitle) : g_strdup (title);
  name = model != NULL ? g_strdup_printf (_("Model: %s"), full) : g_strdup (title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++)
    quern_model_row_set_selected (QUERN_MODEL_ROW (row), model);
}

static GtkWidget *
quern_model_button_create_row (gpointer item, gpointer user_data)
{
  GtkWidget *row = quern_model_row_new (QUERN_MODEL (item));
  quern_model_row_set_selected (QUERN_MODEL_ROW (row), get_model (QUERN_MODEL_BUTTON (user_data)));
  return row;
}

static void
row_activated_cb (QuernModelButton *self, GtkListBoxRow *row)
{
  QuernModel *model = quern_model_row_get_model (QUERN_MODEL_ROW (row));

  gtk_popover_popdown (self->popover);
  if (self->session == NULL)
    return;
  quern_chat_session_set_model (self->session, model);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.model-chosen", "s", quern_model_get_id (model));
}

static void
import_clicked_cb (QuernModelButton *self)
{
  gtk_popover_popdown (self->popover);
}

static void
quern_model_button_dispose (GObject *object)
{
  QuernModelButton *self = QUERN_MODEL_BUTTON (object);

  g_clear_object (&self->session_signals);
  g_clear_object (&self->session);
  g_clear_object (&self->library);
  adw_bin_set_child (ADW_BIN (self), NULL); /* the template would free it without telling AdwBin */
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_MODEL_BUTTON);
  G_OBJECT_CLASS (quern_model_button_parent_class)->dispose (object);
}

static void
quern_model_button_class_init (QuernModelButtonClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_model_button_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/widgets/quern-model-button.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernModelButton, button);
  gtk_widget_class_bind_template_child (widget_class, QuernModelButton, title);
  gtk_widget_class_bind_template_child (widget_class, QuernModelButton, subtitle);
  gtk_widget_class_bind_template_child (widget_class, QuernModelButton, popover);
  gtk_widget_class_bind_template_child (widget_class, QuernModelButton, list);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, import_clicked_cb);
}

static void
quern_model_button_init (QuernModelButton *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_list_box_set_header_func (self->list, quern_model_row_update_header, NULL, NULL);
  self->session_signals = g_signal_group_new (QUERN_TYPE_CHAT_SESSION);
  g_signal_group_connect_swapped (self->session_signals, "notify::model", G_CALLBACK (quern_model_button_update), self);
  quern_model_button_update (self);
}

/**
 * quern_model_button_set_library:
 * @library: whose models it offers
 */
void
quern_model_button_set_library (QuernModelButton *self, QuernLibrary *library)
{
  g_return_if_fail (QUERN_IS_MODEL_BUTTON (self));

  if (g_set_object (&self->library, library))
    gtk_list_box_bind_model (self->list, G_LIST_MODEL (library), quern_model_button_create_row, self, NULL);
}

/**
 * quern_model_button_set_session:
 * @session: (nullable): whose model it shows and sets
 */
void
quern_model_button_set_session (QuernModelButton *self, QuernChatSession *session)
{
  g_return_if_fail (QUERN_IS_MODEL_BUTTON (self));

  g_set_object (&self->session, session);
  g_signal_group_set_target (self->session_signals, session);
  quern_model_button_update (self);
}

void
quern_model_button_popup (QuernModelButton *self)
{
  g_return_if_fail (QUERN_IS_MODEL_BUTTON (self));
  gtk_menu_button_popup (self->button);
}
