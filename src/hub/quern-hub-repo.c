/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-hub-repo-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

enum { PROP_0, PROP_ID, PROP_AUTHOR, PROP_NAME, PROP_DOWNLOADS, PROP_LIKES, PROP_STALE, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernHubRepo, quern_hub_repo, G_TYPE_OBJECT)

static void
quern_hub_repo_finalize (GObject *object)
{
  QuernHubRepo *self = QUERN_HUB_REPO (object);

  g_free (self->id);
  g_free (self->author);
  g_free (self->name);
  g_free (self->revision);
  g_free (self->license);
  g_free (self->architecture);
  g_clear_pointer (&self->modified, g_date_time_unref);
  g_object_unref (self->items);
  G_OBJECT_CLASS (quern_hub_repo_parent_class)->finalize (object);
}

static void
quern_hub_repo_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernHubRepo *self = QUERN_HUB_REPO (object);

  switch (id) {
  case PROP_ID: g_value_set_string (value, self->id); break;
  case PROP_AUTHOR: g_value_set_string (value, self->author); break;
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_DOWNLOADS: g_value_set_int64 (value, self->downloads); break;
  case PROP_LIKES: g_value_set_int64 (value, self->likes); break;
  case PROP_STALE: g_value_set_boolean (value, self->stale); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_hub_repo_class_init (QuernHubRepoClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = quern_hub_repo_finalize;
  object_class->get_property = quern_hub_repo_get_property;
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_AUTHOR] = g_param_spec_string ("author", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_DOWNLOADS] = g_param_spec_int64 ("downloads", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_LIKES] = g_param_spec_int64 ("likes", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_STALE] = g_param_spec_boolean ("stale", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_hub_repo_init (QuernHubRepo *self)
{
  self->items = g_list_store_new (QUERN_TYPE_HUB_ITEM);
}

#define GETTER(type, name, fallback)                                                                                   \
  type quern_hub_repo_get_##name (QuernHubRepo *self)                                                                  \
  {                                                                                                                    \
    g_return_val_if_fail (QUERN_IS_HUB_REPO (self), fallback);                                                         \
    return self->name;                                                                                                 \
  }

GETTER (const char *, id, NULL)
GETTER (const char *, author, NULL)
GETTER (const char *, name, NULL)
GETTER (const char *, revision, NULL)     /* commit id, NULL when the hub did not say */
GETTER (const char *, license, NULL)      /* e.g. "apache-2.0"; may be NULL */
GETTER (const char *, architecture, NULL) /* e.g. "qwen35"; may be NULL */
GETTER (guint64, parameters, 0)           /* 0: not known */
GETTER (gint64, downloads, 0)
GETTER (gint64, likes, 0)
GETTER (GDateTime *, modified, NULL) /* may be NULL */
GETTER (gboolean, gated, FALSE)      /* wants its licence to be accepted on the web page */
GETTER (gboolean, stale, FALSE)      /* the hub did not answer: this is what it said last */

/* Returns: (transfer none): #QuernHubItem, smallest first; empty for a repository from a listing */
GListModel *
quern_hub_repo_get_items (QuernHubRepo *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_REPO (self), NULL);
  return G_LIST_MODEL (self->items);
}

/* Whether this engine runs what is in it, as far as the hub says. */
QuernHubSupport
quern_hub_repo_get_support (QuernHubRepo *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_REPO (self), QUERN_HUB_SUPPORT_UNKNOWN);
  if (self->architecture == NULL)
    return QUERN_HUB_SUPPORT_UNKNOWN;
  return g_str_equal (self->architecture, "qwen35") || g_str_equal (self->architecture, "qwen35moe")
             ? QUERN_HUB_SUPPORT_YES
             : QUERN_HUB_SUPPORT_NO;
}

typedef gboolean (*Match) (QuernHubItem *item, const char *what);

static gboolean
has_path (QuernHubItem *item, const char *what)
{
  for (guint i = 0; i < quern_hub_item_get_n_files (item); i++)
    if (g_str_equal (quern_hub_item_get_file (item, i)->path, what))
      return TRUE;
  return FALSE;
}

static gboolean
has_label (QuernHubItem *item, const char *what)
{
  return g_ascii_strcasecmp (quern_hub_item_get_label (item), what) == 0;
}

/* By the name that it gets here, or that it has in its folder. */
static gboolean
has_name (QuernHubItem *item, const char *what)
{
  for (guint i = 0; i < quern_hub_item_get_n_files (item); i++) {
    const QuernHubFile *file = quern_hub_item_get_file (item, i);
    const char *slash = strrchr (file->path, '/');

    if (g_ascii_strcasecmp (file->name, what) == 0 || (slash != NULL && g_ascii_strcasecmp (slash + 1, what) == 0))
      return TRUE;
  }
  return FALSE;
}

/**
 * quern_hub_repo_find_item:
 * @what: a file's path, a label such as "Q4_K_M" (in any case), or a file's name without its folders
 *
 * Returns: (transfer full) (nullable): the item; %NULL also where a name would be that of several
 */
QuernHubItem *
quern_hub_repo_find_item (QuernHubRepo *self, const char *what)
{
  const Match matches[] = { has_path, has_label, has_name };
  g_autoptr (QuernHubItem) found = NULL;

  g_return_val_if_fail (QUERN_IS_HUB_REPO (self) && what != NULL, NULL);
  for (guint i = 0; found == NULL && i < G_N_ELEMENTS (matches); i++)
    for (guint k = 0; k < g_list_model_get_n_items (G_LIST_MODEL (self->items)); k++) {
      g_autoptr (QuernHubItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), k);

      if (!matches[i](item, what))
        continue;
      if (found != NULL)
        return NULL;
      found = g_steal_pointer (&item);
    }
  return g_steal_pointer (&found);
}

static guint64
distance (QuernHubItem *a, QuernHubItem *b)
{
  guint64 x = quern_hub_item_get_bytes (a), y = quern_hub_item_get_bytes (b);

  return x > y ? x - y : y - x;
}

/* Returns: (transfer full) (nullable): which program an item is made for and what to take instead, as a sentence, where
 * Quern does not run it */
char *
quern_hub_repo_dup_advice (QuernHubRepo *self, QuernHubItem *item)
{
  g_autoptr (QuernHubItem) instead = NULL;
  const char *program;

  g_return_val_if_fail (QUERN_IS_HUB_REPO (self) && QUERN_IS_HUB_ITEM (item), NULL);
  program = quern_hub_item_get_program (item);
  if (program == NULL)
    return NULL;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    g_autoptr (QuernHubItem) other = g_list_model_get_item (G_LIST_MODEL (self->items), i);

    /* What Quern runs, of a size as near as can be. */
    if (quern_hub_item_get_program (other) == NULL
        && (instead == NULL || distance (other, item) < distance (instead, item)))
      g_set_object (&instead, other);
  }
  return instead != NULL ? g_strdup_printf (_("Made for %s, not for Quern. Use %s instead."), program,
                                            quern_hub_item_get_label (instead))
                         : g_strdup_printf (_("Made for %s, not for Quern. Use a Q4_K_M file of this model from "
                                              "another repository."),
                                            program);
}

/* OWNER/NAME of letters, digits and "-_." as the hub allows them: safe as a folder's name. */
gboolean
quern_hub_repo_id_is_valid (const char *id)
{
  const char *slash = id != NULL ? strchr (id, '/') : NULL;

  if (slash == NULL || slash == id || slash[1] == '\0' || strchr (slash + 1, '/') != NULL || strlen (id) > 200)
    return FALSE;
  if (id[0] == '.' || slash[1] == '.')
    return FALSE;
  for (const char *p = id; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_./", *p) == NULL)
      return FALSE;
  return TRUE;
}
