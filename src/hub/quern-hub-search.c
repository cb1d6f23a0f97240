/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-hub-search.h"

#include "quern-hub-private.h"

#define PAGE 30

struct _QuernHubSearch {
  GObject parent_instance;

  QuernHub *hub;
  GPtrArray *repos;
  GHashTable *ids; /* a repository that moves up while we page comes only once */
  char *text, *next, *message;
  QuernHubSearchState state;
  gint64 fetched;
  GCancellable *cancellable; /* of the page that is being loaded */
};

typedef struct {
  char *url, *next;
  GPtrArray *repos;
  gboolean from_cache, first;
  gint64 fetched;
} Page;

enum { PROP_0, PROP_TEXT, PROP_STATE, PROP_MESSAGE, PROP_HAS_MORE, N_PROPS };

static GParamSpec *properties[N_PROPS];

static GType
search_get_item_type (GListModel *model)
{
  return QUERN_TYPE_HUB_REPO;
}

static guint
search_get_n_items (GListModel *model)
{
  return QUERN_HUB_SEARCH (model)->repos->len;
}

static gpointer
search_get_item (GListModel *model, guint position)
{
  GPtrArray *repos = QUERN_HUB_SEARCH (model)->repos;

  return position < repos->len ? g_object_ref (repos->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = search_get_item_type;
  iface->get_n_items = search_get_n_items;
  iface->get_item = search_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernHubSearch, quern_hub_search, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
quern_hub_search_dispose (GObject *object)
{
  QuernHubSearch *self = QUERN_HUB_SEARCH (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->hub);
  G_OBJECT_CLASS (quern_hub_search_parent_class)->dispose (object);
}

static void
quern_hub_search_finalize (GObject *object)
{
  QuernHubSearch *self = QUERN_HUB_SEARCH (object);

  g_ptr_array_unref (self->repos);
  g_hash_table_unref (self->ids);
  g_free (self->text);
  g_free (self->next);
  g_free (self->message);
  G_OBJECT_CLASS (quern_hub_search_parent_class)->finalize (object);
}

static void
quern_hub_search_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernHubSearch *self = QUERN_HUB_SEARCH (object);

  switch (id) {
  case PROP_TEXT: g_value_set_string (value, self->text); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_MESSAGE: g_value_set_string (value, self->message); break;
  case PROP_HAS_MORE: g_value_set_boolean (value, self->next != NULL); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_hub_search_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TEXT)
    quern_hub_search_set_text (QUERN_HUB_SEARCH (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_hub_search_class_init (QuernHubSearchClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = quern_hub_search_dispose;
  object_class->finalize = quern_hub_search_finalize;
  object_class->get_property = quern_hub_search_get_property;
  object_class->set_property = quern_hub_search_set_property;
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags | G_PARAM_WRITABLE);
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, QUERN_HUB_SEARCH_FAILED, 0, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  properties[PROP_HAS_MORE] = g_param_spec_boolean ("has-more", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_hub_search_init (QuernHubSearch *self)
{
  self->repos = g_ptr_array_new_with_free_func (g_object_unref);
  self->ids = g_hash_table_new (g_str_hash, g_str_equal);
}

/* Nothing is asked before the first quern_hub_search_set_text(). */
QuernHubSearch *
quern_hub_search_new (QuernHub *hub)
{
  QuernHubSearch *self;

  g_return_val_if_fail (QUERN_IS_HUB (hub), NULL);
  self = g_object_new (QUERN_TYPE_HUB_SEARCH, NULL);
  self->hub = g_object_ref (hub);
  return self;
}

/* ---- pages ----------------------------------------------------------------------------------------------------- */

static void
page_free (gpointer data)
{
  Page *page = data;

  g_free (page->url);
  g_free (page->next);
  g_clear_pointer (&page->repos, g_ptr_array_unref);
  g_free (page);
}

static void
quern_hub_search_load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Page *page = data;
  GError *error = NULL;
  g_autoptr (QuernHubAnswer) answer = quern_hub_fetch (source, page->url, cancellable, &error);

  if (answer != NULL)
    page->repos = quern_hub_parse_listing (answer->body, &error);
  if (page->repos == NULL) {
    g_task_return_error (task, error);
    return;
  }
  page->next = g_strdup (answer->next);
  page->from_cache = answer->from_cache;
  page->fetched = answer->fetched;
  g_task_return_boolean (task, TRUE);
}

static void
quern_hub_search_set_state (QuernHubSearch *self, QuernHubSearchState state, const char *message)
{
  self->state = state;
  g_set_str (&self->message, message);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HAS_MORE]);
}

/* Whether two answers of the hub say the same about a repository. */
static gboolean
same_repo (gpointer one, gpointer other)
{
  GDateTime *a = quern_hub_repo_get_modified (one), *b = quern_hub_repo_get_modified (other);

  return g_str_equal (quern_hub_repo_get_id (one), quern_hub_repo_get_id (other))
         && quern_hub_repo_get_downloads (one) == quern_hub_repo_get_downloads (other)
         && quern_hub_repo_get_support (one) == quern_hub_repo_get_support (other)
         && quern_hub_repo_get_gated (one) == quern_hub_repo_get_gated (other)
         && (a == b || (a != NULL && b != NULL && g_date_time_equal (a, b)));
}

static void
quern_hub_search_page_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree GWeakRef *weak = data;
  g_autoptr (QuernHubSearch) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  g_weak_ref_clear (weak);
  if (self == NULL || g_task_get_cancellable (G_TASK (result)) != self->cancellable
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->cancellable);
  if (ok) {
    Page *page = g_task_get_task_data (G_TASK (result));
    g_autoptr (GPtrArray) old = NULL;
    guint n_old = self->repos->len, n, head = page->first ? 0 : n_old, tail = 0;

    if (page->first) {
      g_hash_table_remove_all (self->ids);
      old = self->repos;
      self->repos = g_ptr_array_new_with_free_func (g_object_unref);
    }
    for (guint i = 0; i < page->repos->len; i++)
      if (g_hash_table_add (self->ids, (gpointer) quern_hub_repo_get_id (page->repos->pdata[i])))
        g_ptr_array_add (self->repos, g_object_ref (page->repos->pdata[i]));
    n = self->repos->len;
    while (head < MIN (n_old, n) && same_repo (old->pdata[head], self->repos->pdata[head]))
      head++;
    while (head + tail < MIN (n_old, n) && same_repo (old->pdata[n_old - tail - 1], self->repos->pdata[n - tail - 1]))
      tail++;
    g_list_model_items_changed (G_LIST_MODEL (self), head, n_old - head - tail, n - head - tail);
    g_set_str (&self->next, page->next);
    self->fetched = page->fetched;
    quern_hub_search_set_state (self, page->from_cache ? QUERN_HUB_SEARCH_STALE : QUERN_HUB_SEARCH_READY, NULL);
    return;
  }
  if (((Page *) g_task_get_task_data (G_TASK (result)))->first) {
    guint n = self->repos->len;

    g_hash_table_remove_all (self->ids);
    g_ptr_array_set_size (self->repos, 0);
    if (n > 0)
      g_list_model_items_changed (G_LIST_MODEL (self), 0, n, 0);
  }
  quern_hub_search_set_state (self, QUERN_HUB_SEARCH_FAILED, error->message);
}

static void
quern_hub_search_load (QuernHubSearch *self, char *url, gboolean first)
{
  g_autoptr (GTask) task = NULL;
  GWeakRef *weak = g_new0 (GWeakRef, 1);
  Page *page = g_new0 (Page, 1);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  page->url = url;
  page->first = first;
  g_weak_ref_init (weak, self);
  task = g_task_new (self->hub, self->cancellable, quern_hub_search_page_cb, weak);
  g_task_set_source_tag (task, quern_hub_search_load);
  g_task_set_task_data (task, page, page_free);
  g_task_run_in_thread (task, quern_hub_search_load_thread);
  quern_hub_search_set_state (self, QUERN_HUB_SEARCH_LOADING, NULL);
}

/* Returns: (transfer full): address of the first page for a text, most downloaded first */
char *
_quern_hub_search_url (QuernHub *hub, const char *text)
{
  g_autofree char *endpoint = quern_hub_dup_endpoint (hub), *coded = g_uri_escape_string (text, NULL, FALSE);

  return g_strdup_printf ("%s/api/models?search=%s&filter=gguf&sort=downloads&direction=-1&limit=%d"
                          "&expand%%5B%%5D=gguf&expand%%5B%%5D=downloads&expand%%5B%%5D=likes&expand%%5B%%5D=gated"
                          "&expand%%5B%%5D=lastModified&expand%%5B%%5D=tags&expand%%5B%%5D=sha",
                          endpoint, coded, PAGE);
}

/**
 * quern_hub_search_set_text:
 * @text: words to look for; "" for the most downloaded
 *
 * Starts the search anew, also for the same text.
 */
void
quern_hub_search_set_text (QuernHubSearch *self, const char *text)
{
  g_return_if_fail (QUERN_IS_HUB_SEARCH (self));
  g_set_str (&self->text, text != NULL ? text : "");
  g_clear_pointer (&self->next, g_free);
  quern_hub_search_load (self, _quern_hub_search_url (self->hub, self->text), TRUE);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEXT]);
}

/* Loads the next page; nothing happens when there is none or one is on its way. */
void
quern_hub_search_load_more (QuernHubSearch *self)
{
  g_return_if_fail (QUERN_IS_HUB_SEARCH (self));
  if (self->next != NULL && self->cancellable == NULL)
    quern_hub_search_load (self, g_strdup (self->next), FALSE);
}

gboolean
quern_hub_search_get_has_more (QuernHubSearch *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_SEARCH (self), FALSE);
  return self->next != NULL;
}

QuernHubSearchState
quern_hub_search_get_state (QuernHubSearch *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_SEARCH (self), QUERN_HUB_SEARCH_IDLE);
  return self->state;
}

/* Returns: (nullable): what went wrong and what to do, in a sentence */
const char *
quern_hub_search_get_message (QuernHubSearch *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_SEARCH (self), NULL);
  return self->message;
}

/* When the hub gave the last page, in seconds since 1970. */
gint64
quern_hub_search_get_fetched (QuernHubSearch *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_SEARCH (self), 0);
  return self->fetched;
}
