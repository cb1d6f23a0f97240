/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-question-row.h"

#include "composer/quern-chip.h"
#include "widgets/quern-hyphens.h"
#include "widgets/quern-picture-tile.h"
#include "quern-siblings.h"

/* Shows a question in a bubble at the end side, with its attachments above. */
struct _QuernQuestionRow {
  AdwBin parent_instance;

  /* Template widgets */
  GtkWidget *attachments;
  GtkWidget *bubble;
  GtkLabel *text;
  QuernSiblings *siblings;
  GtkActionable *answer, *edit, *copy, *remove;

  /* Owned references */
  QuernMessage *message;
};

G_DEFINE_FINAL_TYPE (QuernQuestionRow, quern_question_row, ADW_TYPE_BIN)

static void
quern_question_row_update (QuernQuestionRow *self)
{
  const char *content = quern_message_get_content (self->message);

  gtk_label_set_label (self->text, content);
  gtk_widget_set_visible (self->bubble, *content != '\0');
  quern_siblings_update (self->siblings, self->message);
}

static void
quern_question_row_dispose (GObject *object)
{
  g_clear_object (&QUERN_QUESTION_ROW (object)->message);
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_QUESTION_ROW);
  G_OBJECT_CLASS (quern_question_row_parent_class)->dispose (object);
}

static void
quern_question_row_class_init (QuernQuestionRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_question_row_dispose;
  g_type_ensure (QUERN_TYPE_SIBLINGS);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-question-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, attachments);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, bubble);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, text);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, siblings);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, answer);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, edit);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, copy);
  gtk_widget_class_bind_template_child (widget_class, QuernQuestionRow, remove);
}

static void
quern_question_row_init (QuernQuestionRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->text);
}

/**
 * quern_question_row_new:
 * @message: a question
 * @store: where its attachments are
 *
 * Returns: (transfer floating): a widget that shows @message
 */
GtkWidget *
quern_question_row_new (QuernMessage *message, QuernStore *store)
{
  QuernQuestionRow *self = g_object_new (QUERN_TYPE_QUESTION_ROW, NULL);
  gint64 id = quern_message_get_id (message);
  GListModel *attachments = quern_message_get_attachments (message);
  guint n = g_list_model_get_n_items (attachments);
  g_autoptr (GListStore) pictures = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  self->message = g_object_ref (message);
  gtk_actionable_set_action_target (self->answer, "x", id);
  gtk_actionable_set_action_target (self->edit, "x", id);
  gtk_actionable_set_action_target (self->copy, "x", id);
  gtk_actionable_set_action_target (self->remove, "x", id);
  g_signal_connect_object (message, "notify", G_CALLBACK (quern_question_row_update), self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    GtkWidget *widget;
    if (quern_attachment_is_picture (attachment)) {
      guint position = g_list_model_get_n_items (G_LIST_MODEL (pictures));
      g_list_store_append (pictures, attachment);
      widget = quern_picture_tile_new (G_LIST_MODEL (pictures), position, store);
    } else {
      widget = quern_chip_new (attachment, store);
    }
    adw_wrap_box_append (ADW_WRAP_BOX (self->attachments), widget);
  }
  gtk_widget_set_visible (self->attachments, n > 0);
  quern_question_row_update (self);
  return GTK_WIDGET (self);
}

/**
 * quern_question_row_set_last:
 * @last: whether no message follows, so that the question can be answered (its answer was deleted or never came)
 */
void
quern_question_row_set_last (QuernQuestionRow *self, gboolean last)
{
  g_return_if_fail (QUERN_IS_QUESTION_ROW (self));
  gtk_widget_set_visible (GTK_WIDGET (self->answer), last);
}
