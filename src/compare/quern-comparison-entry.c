/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-entry.h"

struct _QuernComparisonEntry {
  GObject parent_instance;

  gint64 id, updated;
  char *title;
};

enum { PROP_0, PROP_TITLE, PROP_UPDATED, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernComparisonEntry, quern_comparison_entry, G_TYPE_OBJECT)

QuernComparisonEntry *
_quern_comparison_entry_new (gint64 id, const char *title, gint64 updated)
{
  QuernComparisonEntry *self = g_object_new (QUERN_TYPE_COMPARISON_ENTRY, NULL);

  self->id = id;
  self->title = g_strdup (title);
  self->updated = updated;
  return self;
}

gint64
quern_comparison_entry_get_id (QuernComparisonEntry *self)
{
  return self->id;
}

const char *
quern_comparison_entry_get_title (QuernComparisonEntry *self)
{
  return self->title;
}

gint64
quern_comparison_entry_get_updated (QuernComparisonEntry *self)
{
  return self->updated;
}

/* Notifies only of the properties that changed. */
void
_quern_comparison_entry_update (QuernComparisonEntry *self, const char *title, gint64 updated)
{
  self->updated = updated;
  if (g_set_str (&self->title, title))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UPDATED]);
}

static void
quern_comparison_entry_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernComparisonEntry *self = QUERN_COMPARISON_ENTRY (object);

  switch (prop_id) {
  case PROP_TITLE: g_value_set_string (value, self->title); break;
  case PROP_UPDATED: g_value_set_int64 (value, self->updated); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_comparison_entry_finalize (GObject *object)
{
  g_free (QUERN_COMPARISON_ENTRY (object)->title);
  G_OBJECT_CLASS (quern_comparison_entry_parent_class)->finalize (object);
}

static void
quern_comparison_entry_class_init (QuernComparisonEntryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_comparison_entry_get_property;
  object_class->finalize = quern_comparison_entry_finalize;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_UPDATED] = g_param_spec_int64 ("updated", NULL, NULL, 0, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_comparison_entry_init (QuernComparisonEntry *self)
{
}
