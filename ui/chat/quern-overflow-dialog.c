/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-overflow-dialog.h"

#include <glib/gi18n.h>

/* Asks what to do when the next turn does not fit the context. It offers three ways, each with its cost. A way that is
 * not possible stays in the list and says why. */

typedef struct {
  QuernOverflowPlan plan;
  QuernChatSession *session;
  QuernOverflowFunc func;
  gpointer user_data;
  GtkCheckButton *checks[QUERN_OVERFLOW_N_CHOICES]; /* the dialog's; NULL for the choice to cancel */
  gboolean any;                                     /* at least one way is possible */
} Overflow;

static void
overflow_free (gpointer data, GClosure *closure)
{
  g_object_unref (((Overflow *) data)->session);
  g_free (data);
}

static void
response_cb (AdwAlertDialog *dialog, const char *response, Overflow *overflow)
{
  QuernOverflowChoice choice = QUERN_OVERFLOW_CANCEL;

  for (int i = QUERN_OVERFLOW_CANCEL + 1; i < QUERN_OVERFLOW_N_CHOICES && g_str_equal (response, "go"); i++)
    if (gtk_check_button_get_active (overflow->checks[i]))
      choice = i;
  overflow->func (overflow->session, choice, &overflow->plan, overflow->user_data);
}

static void
add_way (Overflow *overflow, GtkWidget *list, QuernOverflowChoice choice, gboolean possible, const char *title,
         const char *subtitle)
{
  GtkWidget *row = adw_action_row_new (), *check = gtk_check_button_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  gtk_check_button_set_group (GTK_CHECK_BUTTON (check), overflow->checks[QUERN_OVERFLOW_RAISE]);
  overflow->checks[choice] = GTK_CHECK_BUTTON (check);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, subtitle, -1);
  gtk_widget_set_sensitive (row, possible);
  if (possible && !overflow->any)
    gtk_check_button_set_active (GTK_CHECK_BUTTON (check), TRUE);
  overflow->any |= possible;
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

/**
 * quern_overflow_dialog_present:
 * @parent: the widget it is presented on
 * @session: has refused a question
 * @plan: what can be done about it
 * @func: called once with the choice
 *
 * Asks what to do about a prompt that does not fit.
 */
void
quern_overflow_dialog_present (GtkWidget *parent, QuernChatSession *session, const QuernOverflowPlan *plan,
                               QuernOverflowFunc func, gpointer user_data)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("The Context Is Full"), NULL));
  QuernModel *model = quern_question_get_model (quern_chat_session_get_refused (session));
  guint most = quern_model_get_info (model)->n_ctx_train;
  Overflow *overflow = g_new0 (Overflow, 1);
  GtkWidget *list = gtk_list_box_new ();
  g_autofree char *raise = NULL;
  g_autofree char *raise_cost = NULL;
  g_autofree char *leave_out_cost = NULL;

  *overflow = (Overflow) { .plan = *plan, .session = g_object_ref (session), .func = func, .user_data = user_data };
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, _("What to do"), -1);

  if (plan->raised > 0) {
    g_autofree char *more = g_format_size (plan->raised_bytes);
    g_autofree char *total = g_format_size (plan->raised_total);
    raise = g_strdup_printf (_("Increase the Context Length to %'u Tokens"), plan->raised);
    /* Translators: "24 MB more memory, 310 MB with the model itself." */
    raise_cost = g_strdup_printf (_("Takes %s more memory, %s in total with the model. The conversation is read "
                                    "again."),
                                  more, total);
  } else {
    raise = g_strdup (_("Increase the Context Length"));
    raise_cost = plan->needed >= most || plan->context_size >= most
                     ? g_strdup_printf (_("The context of this model cannot be longer than %'u tokens."), most)
                     : g_strdup (_("There is not enough memory for a longer context."));
  }
  add_way (overflow, list, QUERN_OVERFLOW_RAISE, plan->raised > 0, raise, raise_cost);

  if (plan->start == 0)
    leave_out_cost = g_strdup (_("The question would not fit even without them."));
  else
    leave_out_cost = g_strdup_printf (
        ngettext ("The model no longer sees the oldest %u message. It stays here, above a line that marks the place.",
                  "The model no longer sees the oldest %u messages. They stay here, above a line that marks the place.",
                  plan->n_left_out),
        plan->n_left_out);
  add_way (overflow, list, QUERN_OVERFLOW_LEAVE_OUT, plan->start != 0, _("Leave Out the Oldest Messages"),
           leave_out_cost);

  add_way (overflow, list, QUERN_OVERFLOW_SUMMARISE, plan->can_summarise, _("Start a New Chat with a Summary"),
           plan->can_summarise ? _("The model summarises this conversation first, which takes a while.")
                               : _("There is nothing before this question to summarise."));

  /* Translators: the first number is larger than the room that is left of the second */
  adw_alert_dialog_format_body (dialog,
                                _("With this question, the context would need room for %'u tokens and the "
                                  "answer. It holds %'u."),
                                plan->needed, plan->context_size);
  if (!overflow->any)
    adw_alert_dialog_format_body (dialog,
                                  _("With this question, the context would need room for %'u tokens and the "
                                    "answer. It holds %'u. Shorten the question, or attach less."),
                                  plan->needed, plan->context_size);
  adw_alert_dialog_set_extra_child (dialog, list);
  adw_alert_dialog_add_response (dialog, "cancel", overflow->any ? _("_Cancel") : _("_Close"));
  if (overflow->any) {
    adw_alert_dialog_add_response (dialog, "go", _("_Continue"));
    adw_alert_dialog_set_response_appearance (dialog, "go", ADW_RESPONSE_SUGGESTED);
    adw_alert_dialog_set_default_response (dialog, "go");
  }
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (response_cb), overflow, overflow_free, 0);
  adw_dialog_present (ADW_DIALOG (dialog), parent);
}
