/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-persona-dialog.h"

#include <glib/gi18n.h>

/* Edits a persona, or makes one. */
struct _QuernPersonaDialog {
  AdwAlertDialog parent_instance;

  /* Template widgets */
  GtkEditable *name;
  GtkTextView *instructions;

  /* Owned references */
  QuernStore *store;
  QuernPersona *persona; /* NULL for a new one */
};

G_DEFINE_FINAL_TYPE (QuernPersonaDialog, quern_persona_dialog, ADW_TYPE_ALERT_DIALOG)

static void
response_cb (QuernPersonaDialog *self, const char *response)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (self->name)));
  g_autofree char *text = NULL;

  g_object_get (gtk_text_view_get_buffer (self->instructions), "text", &text, NULL);
  if (g_str_equal (response, "delete") && self->persona != NULL)
    quern_store_delete_persona (self->store, self->persona);
  else if (!g_str_equal (response, "save") || *name == '\0')
    return;
  else if (self->persona != NULL)
    quern_store_change_persona (self->store, self->persona, name, text);
  else
    quern_store_add_persona (self->store, name, text);
}

/* A persona needs a name, otherwise nobody could find it again. */
static void
name_changed_cb (QuernPersonaDialog *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (self->name)));

  adw_alert_dialog_set_response_enabled (ADW_ALERT_DIALOG (self), "save", *name != '\0');
}

static void
quern_persona_dialog_dispose (GObject *object)
{
  QuernPersonaDialog *self = QUERN_PERSONA_DIALOG (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_PERSONA_DIALOG);
  g_clear_object (&self->store);
  g_clear_object (&self->persona);
  G_OBJECT_CLASS (quern_persona_dialog_parent_class)->dispose (object);
}

static void
quern_persona_dialog_class_init (QuernPersonaDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_persona_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/preferences/quern-persona-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernPersonaDialog, name);
  gtk_widget_class_bind_template_child (widget_class, QuernPersonaDialog, instructions);
  gtk_widget_class_bind_template_callback (widget_class, response_cb);
  gtk_widget_class_bind_template_callback (widget_class, name_changed_cb);
}

static void
quern_persona_dialog_init (QuernPersonaDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_persona_dialog_new:
 * @store: where personas are
 * @persona: (nullable): what is edited, or %NULL to make one
 *
 * Returns: (transfer floating): the dialog, to be presented on a window
 */
AdwDialog *
quern_persona_dialog_new (QuernStore *store, QuernPersona *persona)
{
  QuernPersonaDialog *self = g_object_new (QUERN_TYPE_PERSONA_DIALOG, "heading",
                                           persona != NULL ? _("Edit Persona") : _("New Persona"), NULL);

  self->store = g_object_ref (store);
  if (persona != NULL) {
    self->persona = g_object_ref (persona);
    gtk_editable_set_text (self->name, quern_persona_get_name (persona));
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->instructions), quern_persona_get_prompt (persona), -1);
  } else {
    adw_alert_dialog_remove_response (ADW_ALERT_DIALOG (self), "delete");
  }
  name_changed_cb (self);
  return ADW_DIALOG (self);
}
