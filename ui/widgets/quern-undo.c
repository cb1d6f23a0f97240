/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-undo.h"

#include <glib/gi18n.h>

/* Deleting with undo: what is deleted disappears at once and is erased for good when no offer to take a deletion back is
 * on the screen any more. */

#define UNDO_SECONDS 10 /* twice as long as other toasts: afterwards it is gone for good */

typedef struct {
  AdwToastOverlay *overlay;
  QuernStore *store;
  void (*undo) (gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} Offer;

static GQuark
count_quark (void)
{
  return g_quark_from_static_string ("quern-undo-offers");
}

/* Changes the number of offers on the screen and returns it. */
static int
count_offers (AdwToastOverlay *overlay, int change)
{
  int n = GPOINTER_TO_INT (g_object_get_qdata (G_OBJECT (overlay), count_quark ())) + change;
  g_object_set_qdata (G_OBJECT (overlay), count_quark (), GINT_TO_POINTER (n));
  return n;
}

static void
offer_free (gpointer data, GClosure *closure)
{
  Offer *offer = data;

  offer->destroy (offer->data);
  g_object_unref (offer->overlay);
  g_object_unref (offer->store);
  g_free (offer);
}

static void
quern_undo_undo_cb (AdwToast *toast, gpointer user_data)
{
  Offer *offer = user_data;
  offer->undo (offer->data);
}

static void
quern_undo_dismissed_cb (AdwToast *toast, gpointer user_data)
{
  Offer *offer = user_data;
  if (count_offers (offer->overlay, -1) == 0)
    quern_store_erase_deleted_async (offer->store, NULL, NULL, NULL);
}

/**
 * quern_undo_offer:
 * @widget: a widget below an #AdwToastOverlay
 * @store: where something was deleted
 * @title: what was deleted, as a sentence
 * @undo: takes it back
 * @data: for @undo
 * @destroy: frees @data
 *
 * Shows a toast with an Undo button.
 */
void
quern_undo_offer (GtkWidget *widget, QuernStore *store, const char *title, void (*undo) (gpointer data), gpointer data,
                  GDestroyNotify destroy)
{
  AdwToastOverlay *overlay = ADW_TOAST_OVERLAY (gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY));
  AdwToast *toast = adw_toast_new (title);
  Offer *offer = g_new0 (Offer, 1);

  *offer = (Offer) { g_object_ref (overlay), g_object_ref (store), undo, data, destroy };
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_button_label (toast, _("_Undo"));
  adw_toast_set_timeout (toast, UNDO_SECONDS);
  g_signal_connect (toast, "button-clicked", G_CALLBACK (quern_undo_undo_cb), offer);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (quern_undo_dismissed_cb), offer, offer_free, 0);
  count_offers (overlay, 1);
  adw_toast_overlay_add_toast (overlay, toast);
}
