/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-plain-key.h"

#include <glib/gi18n.h>

typedef struct {
  GtkWidget *widget;
  QuernPlainKeyFunc func;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  g_object_unref (question->widget);
  g_free (question);
}

static void
quern_plain_key_response_cb (AdwAlertDialog *dialog, const char *response, Question *question)
{
  question->func (question->widget, g_str_equal (response, "send"));
}

/**
 * quern_plain_key_ask:
 * @widget: who asks
 * @host: where the key would go
 * @func: is told what was decided
 *
 * Asks whether a key may travel to another computer although the connection is not encrypted.
 */
void
quern_plain_key_ask (GtkWidget *widget, const char *host, QuernPlainKeyFunc func)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Send the Key Unencrypted?"), NULL));
  Question *question = g_new (Question, 1);

  *question = (Question) { g_object_ref (widget), func };
  adw_alert_dialog_format_body (
      dialog,
      _("The connection to “%s” is not encrypted. Everyone on the way can read the key, your "
        "messages and the answers. In your own network that may be fine; otherwise use an "
        "address that begins with https://."),
      host);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "send", _("_Send Unencrypted"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "send", ADW_RESPONSE_DESTRUCTIVE);
  adw_alert_dialog_set_default_response (dialog, "cancel");
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_plain_key_response_cb), question, question_free, 0);
  adw_dialog_present (ADW_DIALOG (dialog), widget);
}
