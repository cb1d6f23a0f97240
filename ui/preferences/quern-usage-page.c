/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-usage-page.h"

#include "quern-usage.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* What answers took, by month, and what the same tokens would have cost with a service. Nothing of this is asked for on a
 * network: the prices are what somebody wrote down, with the date, and can be changed. */

#define MOST_MONTHS 24

struct _QuernUsagePage {
  AdwPreferencesPage parent_instance;

  /* Children, borrowed */
  AdwPreferencesGroup *months;
  GPtrArray *prices; /* of AdwSpinRow: of each service that for reading, then that for writing */
  GPtrArray *costs;  /* of AdwActionRow: what the sum would have cost with each service */

  /* Owned references */
  GSettings *settings;
  GCancellable *cancellable;

  gint64 read, written; /* in all */
};

G_DEFINE_FINAL_TYPE (QuernUsagePage, quern_usage_page, ADW_TYPE_PREFERENCES_PAGE)

static char *
describe_cost (QuernUsagePage *self, guint service)
{
  double reading = adw_spin_row_get_value (self->prices->pdata[2 * service]);
  double writing = adw_spin_row_get_value (self->prices->pdata[2 * service + 1]);

  /* Translators: an amount of dollars */
  return g_strdup_printf (_("$%.2f"), ((double) self->read * reading + (double) self->written * writing) / 1e6);
}

static void
update_costs (QuernUsagePage *self)
{
  for (guint i = 0; i < self->costs->len; i++) {
    g_autofree char *cost = describe_cost (self, i);
    adw_action_row_set_subtitle (self->costs->pdata[i], cost);
  }
}

/* ---- prices ------------------------------------------------------------------------------------------------------ */

static void
price_changed_cb (QuernUsagePage *self)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sdd)"));
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *today = g_date_time_format (now, "%F");

  for (guint i = 0; i < self->costs->len; i++)
    g_variant_builder_add (&builder, "(sdd)", adw_preferences_row_get_title (self->costs->pdata[i]),
                           adw_spin_row_get_value (self->prices->pdata[2 * i]),
                           adw_spin_row_get_value (self->prices->pdata[2 * i + 1]));
  g_settings_set_value (self->settings, "hosted-prices", g_variant_builder_end (&builder));
  g_settings_set_string (self->settings, "hosted-prices-date", today);
  update_costs (self);
}

static void
add_price (QuernUsagePage *self, AdwPreferencesGroup *group, char *title, double value)
{
  GtkWidget *row = g_object_new (ADW_TYPE_SPIN_ROW, "accessible-role", GTK_ACCESSIBLE_ROLE_LIST_ITEM, "use-markup",
                                 FALSE, "title", title, "adjustment", gtk_adjustment_new (value, 0, 1000, 0.05, 1, 0),
                                 "digits", 2, "numeric", TRUE, NULL);

  g_signal_connect_swapped (row, "notify::value", G_CALLBACK (price_changed_cb), self);
  adw_preferences_group_add (group, row);
  g_ptr_array_add (self->prices, row);
  g_free (title);
}

static void
add_services (QuernUsagePage *self, AdwPreferencesGroup *costs, AdwPreferencesGroup *prices)
{
  g_autoptr (GVariant) services = g_settings_get_value (self->settings, "hosted-prices");
  GVariantIter iter;
  const char *name;
  double reading, writing;

  g_variant_iter_init (&iter, services);
  while (g_variant_iter_next (&iter, "(&sdd)", &name, &reading, &writing)) {
    GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", name, NULL);

    adw_preferences_group_add (costs, row);
    g_ptr_array_add (self->costs, row);
    /* Translators: a service; the price of what a model reads */
    add_price (self, prices, g_strdup_printf (_("%s, reading"), name), reading);
    /* Translators: a service; the price of what a model writes */
    add_price (self, prices, g_strdup_printf (_("%s, writing"), name), writing);
  }
}

/* ---- months ------------------------------------------------------------------------------------------------------ */

static void
add_month (QuernUsagePage *self, const QuernUsage *usage)
{
  g_autoptr (GDateTime) first = g_date_time_new_local (usage->year, usage->month, 1, 0, 0, 0);
  /* Translators: month and year, for g_date_time_format() */
  g_autofree char *month = first != NULL ? g_date_time_format (first, _("%B %Y")) : NULL;
  g_autofree char *text = g_strdup_printf (_("%'" PRId64 " tokens read, %'" PRId64 " written, in %.0f minutes"),
                                           usage->read, usage->written, usage->seconds / 60);

  adw_preferences_group_add (self->months, g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title",
                                                         month != NULL ? month : "", "subtitle", text, NULL));
}

static void
usage_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernUsagePage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) months = quern_usage_load_finish (QUERN_STORE (source), result, &error);

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (months == NULL) {
    g_autofree char *markup = g_markup_escape_text (error->message, -1);
    adw_preferences_group_set_description (self->months, markup);
    return;
  }
  for (guint i = 0; i < months->len; i++) {
    const QuernUsage *usage = &g_array_index (months, QuernUsage, i);

    self->read += usage->read;
    self->written += usage->written;
    if (i < MOST_MONTHS)
      add_month (self, usage);
  }
  if (months->len == 0)
    adw_preferences_group_set_description (self->months, _("Nothing was asked yet."));
  update_costs (self);
}

/* ---- object ------------------------------------------------------------------------------------------------------ */

static void
quern_usage_page_dispose (GObject *object)
{
  QuernUsagePage *self = QUERN_USAGE_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (quern_usage_page_parent_class)->dispose (object);
}

static void
quern_usage_page_finalize (GObject *object)
{
  QuernUsagePage *self = QUERN_USAGE_PAGE (object);

  g_ptr_array_unref (self->prices);
  g_ptr_array_unref (self->costs);
  g_object_unref (self->cancellable);
  G_OBJECT_CLASS (quern_usage_page_parent_class)->finalize (object);
}

static void
quern_usage_page_class_init (QuernUsagePageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_usage_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_usage_page_finalize;
}

static AdwPreferencesGroup *
add_group (QuernUsagePage *self, const char *title, const char *description)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  adw_preferences_group_set_title (group, title);
  adw_preferences_group_set_description (group, description);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (self), group);
  return group;
}

static void
quern_usage_page_init (QuernUsagePage *self)
{
  AdwPreferencesGroup *costs, *prices;
  g_autofree char *date = NULL, *since = NULL;

  self->settings = g_settings_new (QUERN_APP_ID);
  self->cancellable = g_cancellable_new ();
  self->prices = g_ptr_array_new ();
  self->costs = g_ptr_array_new ();
  adw_preferences_page_set_title (ADW_PREFERENCES_PAGE (self), _("Usage"));
  adw_preferences_page_set_icon_name (ADW_PREFERENCES_PAGE (self), "accessories-calculator-symbolic");
  date = g_settings_get_string (self->settings, "hosted-prices-date");
  /* Translators: a date such as 2026-11-01 */
  since = g_strdup_printf (_("Dollars for a million tokens, as of %s. Change them to what you would pay."), date);
  costs = add_group (self, _("What the Same Would Have Cost"), _("With hosted models, at the prices below"));
  self->months = add_group (self, _("By Month"), _("Answers that are kept"));
  prices = add_group (self, _("Prices"), since);
  add_services (self, costs, prices);
  update_costs (self);
}

/**
 * quern_usage_page_new:
 * @store: whose answers count
 *
 * Returns: (transfer floating): a page of the preferences
 */
GtkWidget *
quern_usage_page_new (QuernStore *store)
{
  QuernUsagePage *self = g_object_new (QUERN_TYPE_USAGE_PAGE, NULL);

  quern_usage_load_async (store, self->cancellable, usage_loaded_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}
