/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-attachment-bar.h"

#include "quern-attachment-loader.h"
#include "quern-chip.h"
#include "quern-document.h"
#include "quern-document-pick.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

/* Shows the pictures, text files and documents that will be sent with the message. A file that cannot be attached is refused at
 * once; the "problem" signal says why. While a file is still being read, or the model cannot see a picture, the bar is
 * not ready and nothing may be sent, so that no message goes without its pictures. */
struct _QuernAttachmentBar {
  AdwBin parent_instance;

  /* Children */
  AdwWrapBox *box;
  GtkWidget *loading;
  GtkWidget *offer;
  GtkLabel *offer_label;
  GtkWidget *notice, *pick, *draw;
  GtkLabel *notice_label;
  GtkActionable *get_vision;

  /* Owned references */
  GListStore *attachments;
  QuernChatSession *session;
  QuernStore *store;
  GSignalGroup *session_signals;
  GCancellable *cancellable; /* cancels the loads of this message */

  QuernTokenCount count; /* of the prompt; context_size 0 while nobody knows */
  guint n_loading;
};

enum { CHANGED, PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernAttachmentBar, quern_attachment_bar, ADW_TYPE_BIN)

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

static gboolean
has_pictures (QuernAttachmentBar *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->attachments));

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    if (quern_attachment_is_picture (attachment))
      return TRUE;
  }
  return FALSE;
}

/* Says what the model needs before it can see the attachments, and offers it. */
static void
update_offer (QuernAttachmentBar *self)
{
  QuernModel *model = self->session != NULL ? quern_chat_session_get_model (self->session) : NULL;
  gboolean blind = model != NULL && !quern_model_can_see (model) && has_pictures (self);
  gboolean remote = model != NULL && quern_model_is_remote (model);

  gtk_widget_set_visible (self->offer, blind);
  if (blind) {
    g_autofree char *text = g_strdup_printf (remote ? _("“%s” cannot see pictures.") /* Translators: name of a model */
                                                    : _("“%s” cannot see pictures without its vision file."),
                                             quern_model_get_title (model));
    gtk_label_set_label (self->offer_label, text);
    gtk_actionable_set_action_target (self->get_vision, "s", quern_model_get_id (model));
    gtk_widget_set_visible (GTK_WIDGET (self->get_vision), !remote); /* there is no file to get */
  }
}

/* The document that something is to be done about: one without text, or else the longest; NULL for none. */
static QuernAttachment *
find_document (QuernAttachmentBar *self, QuernDocumentFacts *facts)
{
  QuernAttachment *found = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->attachments)); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    QuernDocumentFacts these;

    if (quern_document_get_facts (quern_attachment_get_mime (attachment), &these)
        && (found == NULL || (these.is_blank && !facts->is_blank)
            || (these.is_blank == facts->is_blank && these.n_tokens > facts->n_tokens))) {
      found = attachment; /* the list holds it */
      *facts = these;
    }
  }
  return found;
}

/* Says what has to be done about a document before it can be sent, and offers it. */
static void
update_notice (QuernAttachmentBar *self)
{
  QuernDocumentFacts facts = { 0 };
  QuernAttachment *document = find_document (self, &facts);
  gboolean long_one = document != NULL && !facts.is_blank && self->count.context_size > 0 && !self->count.fits;
  g_autofree char *text = NULL;

  gtk_widget_set_visible (self->notice, long_one || facts.is_blank);
  gtk_widget_set_visible (self->pick, long_one && facts.n_pages > 1);
  gtk_widget_set_visible (self->draw, facts.is_blank);
  if (facts.is_blank)
    /* Translators: name of a document */
    text = g_strdup_printf (_("“%s” has no text: its pages are pictures."), quern_attachment_get_name (document));
  else if (long_one)
    /* Translators: name of a document, then numbers of tokens */
    text = g_strdup_printf (_("“%s” is too long: with it the prompt has %'u tokens, and the context holds %'u."),
                            quern_attachment_get_name (document), self->count.total, self->count.context_size);
  gtk_label_set_label (self->notice_label, text != NULL ? text : "");
}

static void
quern_attachment_bar_update (QuernAttachmentBar *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->attachments));

  gtk_widget_set_visible (self->loading, self->n_loading > 0);
  gtk_widget_set_visible (GTK_WIDGET (self), n > 0 || self->n_loading > 0);
  update_offer (self);
  update_notice (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
removed_cb (QuernAttachmentBar *self, QuernChip *chip)
{
  guint position;
  if (g_list_store_find (self->attachments, quern_chip_get_attachment (chip), &position))
    g_list_store_remove (self->attachments, position);
}

static void
replace (QuernAttachmentBar *self, QuernAttachment *attachment, GListModel *instead)
{
  guint position, n = g_list_model_get_n_items (instead);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  if (!g_list_store_find (self->attachments, attachment, &position))
    return;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (items, g_list_model_get_item (instead, i));
  g_list_store_splice (self->attachments, position, 1, items->pdata, n);
}

static void
replaced_cb (QuernAttachmentBar *self, GListModel *instead, QuernChip *chip)
{
  replace (self, quern_chip_get_attachment (chip), instead);
}

static void
chip_changed_cb (QuernAttachmentBar *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static GtkWidget *
make_chip (QuernAttachmentBar *self, QuernAttachment *attachment)
{
  GtkWidget *chip = quern_chip_new (attachment, self->store);

  quern_chip_set_removable (QUERN_CHIP (chip));
  quern_chip_set_session (QUERN_CHIP (chip), self->session);
  g_signal_connect_object (chip, "removed", G_CALLBACK (removed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (chip, "replaced", G_CALLBACK (replaced_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (chip, "changed", G_CALLBACK (chip_changed_cb), self, G_CONNECT_SWAPPED);
  return chip;
}

static GtkWidget *
nth_chip (QuernAttachmentBar *self, guint n)
{
  GtkWidget *chip = gtk_widget_get_first_child (GTK_WIDGET (self->box));

  while (n-- > 0)
    chip = gtk_widget_get_next_sibling (chip);
  return chip;
}

static void
items_changed_cb (QuernAttachmentBar *self, guint position, guint removed, guint added)
{
  GtkWidget *before = position > 0 ? nth_chip (self, position - 1) : NULL;

  while (removed-- > 0)
    adw_wrap_box_remove (self->box, nth_chip (self, position));
  for (guint i = position; i < position + added; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    GtkWidget *chip = make_chip (self, attachment);
    adw_wrap_box_insert_child_after (self->box, chip, before);
    before = chip;
  }
  quern_attachment_bar_update (self);
}

static void
model_changed_cb (QuernAttachmentBar *self)
{
  for (GtkWidget *chip = gtk_widget_get_first_child (GTK_WIDGET (self->box)); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip))
    quern_chip_set_session (QUERN_CHIP (chip), self->session);
  quern_attachment_bar_update (self);
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

static void
quern_attachment_bar_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernAttachmentBar) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) attachment = quern_attachment_load_finish (result, &error);

  if (self->attachments == NULL || g_task_get_cancellable (G_TASK (result)) != self->cancellable)
    return; /* the message was sent or dropped */
  self->n_loading--;
  if (attachment != NULL)
    g_list_store_append (self->attachments, attachment);
  else
    quern_attachment_bar_update (self);
  if (error != NULL)
    quern_attachment_bar_report (self, error->message);
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

/* Something is done about a document; meanwhile nothing is sent. */
typedef struct {
  QuernAttachmentBar *bar;
  QuernAttachment *document;
} Work;

static Work *
begin_work (QuernAttachmentBar *self, QuernAttachment *document)
{
  Work *work = g_new (Work, 1);

  *work = (Work) { g_object_ref (self), g_object_ref (document) };
  self->n_loading++;
  quern_attachment_bar_update (self);
  return work;
}

static void
end_work (Work *work, GAsyncResult *result, GListModel *instead, GError *error)
{
  QuernAttachmentBar *self = work->bar;

  if (self->attachments != NULL && g_task_get_cancellable (G_TASK (result)) == self->cancellable) {
    self->n_loading--;
    if (instead != NULL)
      replace (self, work->document, instead);
    quern_attachment_bar_update (self);
    if (error != NULL)
      quern_attachment_bar_report (self, error->message);
  }
  g_object_unref (work->document);
  g_object_unref (work->bar);
  g_free (work);
}

static void
quern_attachment_bar_picked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) picked = quern_document_pick_finish (result, &error);
  g_autoptr (GListStore) instead = picked != NULL ? g_list_store_new (QUERN_TYPE_ATTACHMENT) : NULL;

  if (instead != NULL)
    g_list_store_append (instead, picked);
  end_work (user_data, result, G_LIST_MODEL (instead), error);
}

static void
pick_clicked_cb (QuernAttachmentBar *self)
{
  QuernDocumentFacts facts = { 0 };
  QuernAttachment *document = find_document (self, &facts);

  if (document != NULL && self->session != NULL)
    quern_document_pick_async (self->session, document, self->cancellable, quern_attachment_bar_picked_cb,
                               begin_work (self, document));
}

static void
quern_attachment_bar_drawn_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) pictures = quern_document_draw_finish (result, &error);

  end_work (user_data, result, pictures, error);
}

static void
draw_clicked_cb (QuernAttachmentBar *self)
{
  QuernDocumentFacts facts = { 0 };
  QuernAttachment *document = find_document (self, &facts);

  if (document != NULL && quern_attachment_get_source (document) != NULL)
    quern_document_draw_async (document, self->cancellable, quern_attachment_bar_drawn_cb, begin_work (self, document));
}

static void
choose_clicked_cb (QuernAttachmentBar *self)
{
  QuernDocumentFacts facts = { 0 };
  QuernAttachment *document = find_document (self, &facts);
  guint position;

  if (document != NULL && g_list_store_find (self->attachments, document, &position))
    quern_chip_open (QUERN_CHIP (nth_chip (self, position)));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_attachment_bar_dispose (GObject *object)
{
  QuernAttachmentBar *self = QUERN_ATTACHMENT_BAR (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->attachments);
  g_clear_object (&self->session_signals);
  g_clear_object (&self->session);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_attachment_bar_parent_class)->dispose (object);
}

static void
quern_attachment_bar_class_init (QuernAttachmentBarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_attachment_bar_dispose;
  signals[CHANGED] = g_signal_new ("changed", QUERN_TYPE_ATTACHMENT_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 0);
  signals[PROBLEM] = g_signal_new ("problem", QUERN_TYPE_ATTACHMENT_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (GTK_WIDGET_CLASS (klass),
                                               "/io/github/quern/Quern/ui/composer/quern-attachment-bar.ui");
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, box);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, loading);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, notice);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, notice_label);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, pick);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, draw);
  gtk_widget_class_bind_template_callback (GTK_WIDGET_CLASS (klass), pick_clicked_cb);
  gtk_widget_class_bind_template_callback (GTK_WIDGET_CLASS (klass), draw_clicked_cb);
  gtk_widget_class_bind_template_callback (GTK_WIDGET_CLASS (klass), choose_clicked_cb);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, offer);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, offer_label);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), QuernAttachmentBar, get_vision);
}

static void
quern_attachment_bar_init (QuernAttachmentBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->offer_label);
  quern_hyphens_leave_out (self->notice_label);
  self->session_signals = g_signal_group_new (QUERN_TYPE_CHAT_SESSION);
  g_signal_group_connect_swapped (self->session_signals, "notify::model", G_CALLBACK (model_changed_cb), self);
  quern_attachment_bar_set_model (self, NULL);
}

/**
 * quern_attachment_bar_set_session:
 * @session: (nullable): whose model will get what is attached
 * @store: (nullable): where attachments of earlier messages are
 */
void
quern_attachment_bar_set_session (QuernAttachmentBar *self, QuernChatSession *session, QuernStore *store)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  g_set_object (&self->store, store);
  g_set_object (&self->session, session);
  g_signal_group_set_target (self->session_signals, session);
  model_changed_cb (self);
}

/**
 * quern_attachment_bar_add_file:
 * @file: a picture, a text or a document
 */
void
quern_attachment_bar_add_file (QuernAttachmentBar *self, GFile *file)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  self->n_loading++;
  quern_attachment_load_file_async (file, self->cancellable, quern_attachment_bar_loaded_cb, g_object_ref (self));
  quern_attachment_bar_update (self);
}

/**
 * quern_attachment_bar_add_texture:
 * @name: the name to show
 * @texture: a picture from the clipboard or from another window
 */
void
quern_attachment_bar_add_texture (QuernAttachmentBar *self, const char *name, GdkTexture *texture)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  self->n_loading++;
  quern_attachment_load_texture_async (name, texture, self->cancellable, quern_attachment_bar_loaded_cb,
                                       g_object_ref (self));
  quern_attachment_bar_update (self);
}

/**
 * quern_attachment_bar_set_count:
 * @count: (nullable): what the prompt has with all that is attached; %NULL while nobody knows
 *
 * Lets people decide about a document that does not fit.
 */
void
quern_attachment_bar_set_count (QuernAttachmentBar *self, const QuernTokenCount *count)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  self->count = count != NULL ? *count : (QuernTokenCount) { 0 };
  update_notice (self);
}

/**
 * quern_attachment_bar_report:
 * @sentence: why something could not be attached
 */
void
quern_attachment_bar_report (QuernAttachmentBar *self, const char *sentence)
{
  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));
  g_signal_emit (self, signals[PROBLEM], 0, sentence);
}

/**
 * quern_attachment_bar_is_ready:
 *
 * Returns: whether all that is attached can be sent now
 */
gboolean
quern_attachment_bar_is_ready (QuernAttachmentBar *self)
{
  g_return_val_if_fail (QUERN_IS_ATTACHMENT_BAR (self), FALSE);

  if (self->n_loading > 0 || gtk_widget_get_visible (self->offer))
    return FALSE;
  for (GtkWidget *chip = gtk_widget_get_first_child (GTK_WIDGET (self->box)); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip))
    if (!quern_chip_is_ready (QUERN_CHIP (chip)))
      return FALSE;
  return TRUE;
}

/**
 * quern_attachment_bar_dup_model:
 *
 * Returns: (transfer full) (element-type QuernAttachment): what is attached now
 */
GListModel *
quern_attachment_bar_dup_model (QuernAttachmentBar *self)
{
  GListStore *copy = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->attachments)); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
    g_list_store_append (copy, attachment);
  }
  return G_LIST_MODEL (copy);
}

/**
 * quern_attachment_bar_set_model:
 * @attachments: (nullable) (element-type QuernAttachment): what it shows and changes from now on; %NULL for a list of its
 *   own
 */
void
quern_attachment_bar_set_model (QuernAttachmentBar *self, GListStore *attachments)
{
  g_autoptr (GListStore) before = NULL;
  guint removed = 0;

  g_return_if_fail (QUERN_IS_ATTACHMENT_BAR (self));

  if (attachments != NULL && attachments == self->attachments)
    return;
  /* Files that are still being read belong to the message before. */
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->n_loading = 0;
  before = g_steal_pointer (&self->attachments);
  if (before != NULL) {
    g_signal_handlers_disconnect_by_func (before, items_changed_cb, self);
    removed = g_list_model_get_n_items (G_LIST_MODEL (before));
  }
  self->attachments = attachments != NULL ? g_object_ref (attachments) : g_list_store_new (QUERN_TYPE_ATTACHMENT);
  g_signal_connect_object (self->attachments, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  items_changed_cb (self, 0, removed, g_list_model_get_n_items (G_LIST_MODEL (self->attachments)));
}
