/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep.h"

#include "quern-sweep-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-sha256.h"

/* The set-up and the results of a sweep. quern-sweep-run.c runs it. */

/* ---- items ----------------------------------------------------------------------------------------------------- */

enum { ITEM_PROP_0, ITEM_PROP_STATE, ITEM_PROP_DOWNLOAD, N_ITEM_PROPS };

static GParamSpec *item_properties[N_ITEM_PROPS];

G_DEFINE_FINAL_TYPE (QuernSweepItem, quern_sweep_item, G_TYPE_OBJECT)

static void
quern_sweep_item_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernSweepItem *self = QUERN_SWEEP_ITEM (object);

  switch (prop_id) {
  case ITEM_PROP_STATE: g_value_set_uint (value, self->state); break;
  case ITEM_PROP_DOWNLOAD: g_value_set_object (value, self->download); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_sweep_item_finalize (GObject *object)
{
  QuernSweepItem *self = QUERN_SWEEP_ITEM (object);

  g_clear_object (&self->offer);
  g_clear_object (&self->download);
  g_clear_object (&self->measured);
  g_free (self->label);
  g_free (self->hash);
  g_free (self->message);
  G_OBJECT_CLASS (quern_sweep_item_parent_class)->finalize (object);
}

static void
quern_sweep_item_class_init (QuernSweepItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_sweep_item_get_property;
  object_class->finalize = quern_sweep_item_finalize;
  item_properties[ITEM_PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, QUERN_SWEEP_SKIPPED, 0, flags);
  item_properties[ITEM_PROP_DOWNLOAD] = g_param_spec_object ("download", NULL, NULL, QUERN_TYPE_DOWNLOAD, flags);
  g_object_class_install_properties (object_class, N_ITEM_PROPS, item_properties);
}

static void
quern_sweep_item_init (QuernSweepItem *self)
{
}

/* The same files give the same hash. Of a file without a checksum the name and the size must do. */
static char *
hash_of_files (QuernHubItem *offer)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < quern_hub_item_get_n_files (offer); i++) {
    const QuernHubFile *file = quern_hub_item_get_file (offer, i);
    if (file->sha256)
      g_string_append_printf (all, "%s\n", file->sha256);
    else
      g_string_append_printf (all, "%s %" G_GUINT64_FORMAT "\n", file->path, file->size);
  }
  return quern_sha256_of_data (all->str, all->len);
}

static QuernSweepItem *
quern_sweep_item_new (QuernHubRepo *repo, QuernHubItem *offer)
{
  QuernSweepItem *self = g_object_new (QUERN_TYPE_SWEEP_ITEM, NULL);

  self->offer = g_object_ref (offer);
  self->label = g_strdup (quern_hub_item_get_label (offer));
  self->hash = hash_of_files (offer);
  self->message = quern_hub_repo_dup_advice (repo, offer);
  self->state = self->message ? QUERN_SWEEP_SKIPPED : QUERN_SWEEP_WAITING;
  return self;
}

const char *
quern_sweep_item_get_label (QuernSweepItem *self)
{
  return self->label;
}

guint64
quern_sweep_item_get_bytes (QuernSweepItem *self)
{
  return quern_hub_item_get_bytes (self->offer);
}

QuernSweepState
quern_sweep_item_get_state (QuernSweepItem *self)
{
  return self->state;
}

/**
 * quern_sweep_item_get_message:
 *
 * Returns: (nullable): why it failed or was skipped
 */
const char *
quern_sweep_item_get_message (QuernSweepItem *self)
{
  return self->message;
}

/**
 * quern_sweep_item_get_download:
 *
 * Returns: (transfer none) (nullable): while it is downloaded
 */
QuernDownload *
quern_sweep_item_get_download (QuernSweepItem *self)
{
  return self->download;
}

/**
 * quern_sweep_item_get_measured:
 *
 * Returns: (transfer none) (nullable): its results so far, %NULL before its header was read
 */
QuernMeasured *
quern_sweep_item_get_measured (QuernSweepItem *self)
{
  return self->measured;
}

/**
 * quern_sweep_item_get_lost:
 *
 * Returns: the mean of what quern_kept_logits_compare() says is lost: nats by which the divergence may be off where the
 *   reference's logits are rounded, or the share of its mass that is not kept
 */
double
quern_sweep_item_get_lost (QuernSweepItem *self)
{
  guint n = self->measured ? quern_measured_get_n_positions (self->measured) : 0;

  return n > 0 ? self->lost / n : 0;
}

void
_quern_sweep_item_set_state (QuernSweepItem *self, QuernSweepState state, const char *message)
{
  self->state = state;
  g_set_str (&self->message, message);
  g_object_notify_by_pspec (G_OBJECT (self), item_properties[ITEM_PROP_STATE]);
}

void
_quern_sweep_item_set_download (QuernSweepItem *self, QuernDownload *download)
{
  if (g_set_object (&self->download, download))
    g_object_notify_by_pspec (G_OBJECT (self), item_properties[ITEM_PROP_DOWNLOAD]);
}

/* ---- the sweep ------------------------------------------------------------------------------------------------- */

enum { PROP_0, PROP_PROGRESS, PROP_RUNNING, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernSweep, quern_sweep, G_TYPE_OBJECT)

static void
quern_sweep_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernSweep *self = QUERN_SWEEP (object);

  switch (prop_id) {
  case PROP_PROGRESS: g_value_set_double (value, quern_sweep_get_progress (self)); break;
  case PROP_RUNNING: g_value_set_boolean (value, self->task != NULL); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_sweep_finalize (GObject *object)
{
  QuernSweep *self = QUERN_SWEEP (object);

  _quern_sweep_unlock (self);
  _quern_sweep_forget_logits (&self->work);
  g_clear_pointer (&self->work.plan, _quern_sweep_plan_free);
  g_clear_pointer (&self->work.sources, g_ptr_array_unref);
  g_clear_object (&self->work.backend);
  g_free (self->work.folder);
  g_free (self->work.key);
  g_free (self->work.reference);
  g_clear_object (&self->repo);
  g_clear_object (&self->downloads);
  g_clear_object (&self->library);
  g_clear_object (&self->measure);
  g_clear_object (&self->items);
  g_hash_table_unref (self->own);
  G_OBJECT_CLASS (quern_sweep_parent_class)->finalize (object);
}

static void
quern_sweep_class_init (QuernSweepClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_sweep_get_property;
  object_class->finalize = quern_sweep_finalize;
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_sweep_init (QuernSweep *self)
{
  self->measure = quern_measure_new ();
  self->items = g_list_store_new (QUERN_TYPE_SWEEP_ITEM);
  self->own = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->work.budget = QUERN_SWEEP_BUDGET;
  self->lock = -1;
}

/**
 * quern_sweep_new:
 * @reference: an item of @repo
 * @library: that learns which files are Quern's own
 *
 * Returns: (transfer full): a sweep over all items of @repo that Quern can run, without a text
 */
QuernSweep *
quern_sweep_new (QuernHubRepo *repo, QuernHubItem *reference, QuernDownloads *downloads, QuernLibrary *library,
                 QuernBackend *backend)
{
  QuernSweep *self = g_object_new (QUERN_TYPE_SWEEP, NULL);
  GListModel *offers = quern_hub_repo_get_items (repo);
  g_autoptr (QuernSweepItem) first = quern_sweep_item_new (repo, reference);

  self->repo = g_object_ref (repo);
  self->downloads = g_object_ref (downloads);
  self->library = g_object_ref (library);
  self->work.backend = g_object_ref (backend);
  self->work.reference = g_strdup (first->hash);
  g_list_store_append (self->items, first);
  for (guint i = 0; i < g_list_model_get_n_items (offers); i++) {
    g_autoptr (QuernHubItem) offer = g_list_model_get_item (offers, i);
    if (offer == reference)
      continue;
    g_autoptr (QuernSweepItem) item = quern_sweep_item_new (repo, offer);
    g_list_store_append (self->items, item);
  }
  return self;
}

/* Returns (transfer none): item i, the reference being 0. */
QuernSweepItem *
_quern_sweep_get_item (QuernSweep *self, guint i)
{
  g_autoptr (QuernSweepItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), i);

  return item; /* the list holds it */
}

/**
 * quern_sweep_set_only:
 * @labels: (array zero-terminated=1): the quantisations to measure; the others are left out
 */
void
quern_sweep_set_only (QuernSweep *self, const char *const *labels)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->items)) - 1; i > 0; i--)
    if (!g_strv_contains (labels, _quern_sweep_get_item (self, i)->label))
      g_list_store_remove (self->items, i);
}

/**
 * quern_sweep_set_budget:
 * @bytes: that the reference's logits may take on the disk
 */
void
quern_sweep_set_budget (QuernSweep *self, guint64 bytes)
{
  self->work.budget = bytes;
}

/**
 * quern_sweep_set_delete:
 * @delete_models: whether a model that this sweep downloaded is deleted when it is measured, and the reference's logits
 *   at the end
 */
void
quern_sweep_set_delete (QuernSweep *self, gboolean delete_models)
{
  self->delete_models = delete_models;
}

/**
 * quern_sweep_set_exclusive:
 * @exclusive: whether other downloads of the queue are left alone, for a program that runs nothing but the sweep
 */
void
quern_sweep_set_exclusive (QuernSweep *self, gboolean exclusive)
{
  self->exclusive = exclusive;
}

void
quern_sweep_set_threads (QuernSweep *self, guint n_threads)
{
  self->work.n_threads = n_threads;
}

/**
 * quern_sweep_get_measure:
 *
 * Returns: (transfer none): to which the text is added, and which has the results, the reference first
 */
QuernMeasure *
quern_sweep_get_measure (QuernSweep *self)
{
  return self->measure;
}

/**
 * quern_sweep_get_repo:
 *
 * Returns: (transfer none)
 */
QuernHubRepo *
quern_sweep_get_repo (QuernSweep *self)
{
  return self->repo;
}

/**
 * quern_sweep_get_items:
 *
 * Returns: (transfer none): of #QuernSweepItem, the reference first
 */
GListModel *
quern_sweep_get_items (QuernSweep *self)
{
  return G_LIST_MODEL (self->items);
}

/**
 * quern_sweep_get_folder:
 *
 * Returns: (nullable): where its files are, once it is opened
 */
const char *
quern_sweep_get_folder (QuernSweep *self)
{
  return self->work.folder;
}

/**
 * quern_sweep_get_n_positions:
 *
 * Returns: how many positions are scored with each model; 0 before the reference has read the text
 */
guint
quern_sweep_get_n_positions (QuernSweep *self)
{
  return self->plan ? self->plan->position_tokens->len : 0;
}

gboolean
_quern_sweep_item_is_complete (QuernSweep *self, QuernSweepItem *item)
{
  return self->plan && item->measured
         && quern_measured_get_n_positions (item->measured) == self->plan->position_tokens->len;
}

gboolean
quern_sweep_get_running (QuernSweep *self)
{
  return self->task != NULL;
}

/**
 * quern_sweep_get_complete:
 *
 * Returns: whether all models that Quern can run are measured
 */
gboolean
quern_sweep_get_complete (QuernSweep *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (item->state != QUERN_SWEEP_SKIPPED && !_quern_sweep_item_is_complete (self, item))
      return FALSE;
  }
  return TRUE;
}

double
quern_sweep_get_progress (QuernSweep *self)
{
  guint n = 0;
  double done = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (item->state == QUERN_SWEEP_SKIPPED)
      continue;
    n++;
    done += item->measured ? quern_measured_get_n_positions (item->measured) : 0;
  }
  return self->plan && n > 0 ? done / n / self->plan->position_tokens->len : 0;
}

/**
 * quern_sweep_dup_form:
 * @word: (out) (optional): the form's name in JSON
 * @bytes: (out) (optional): what it takes on the disk
 *
 * Returns: (transfer full) (nullable): a sentence on how the reference's logits are kept; %NULL before that is known
 */
char *
quern_sweep_dup_form (QuernSweep *self, const char **word, guint64 *bytes)
{
  const QuernSweepPlan *plan = self->plan;
  QuernKeptForm form = plan ? self->work.form : QUERN_KEPT_NONE;
  guint64 size = plan ? quern_kept_form_get_bytes (form, plan->n_vocab, plan->position_tokens->len) : 0;
  g_autofree char *text = g_format_size (size);

  if (word)
    *word = quern_kept_form_to_word (form);
  if (bytes)
    *bytes = size;
  if (form == QUERN_KEPT_NONE)
    return NULL;
  if (form == QUERN_KEPT_F16)
    return g_strdup_printf (
        _("The reference is read once: all its logits are kept in 16 bits (%s). What that does to a "
          "divergence is bounded for each model."),
        text);
  return g_strdup_printf (
      _("The reference is read once: of each token its %d likeliest successors are kept, and the mass "
        "of the rest (%s). Divergences are lower bounds, as differences within the rest are not seen."),
      QUERN_KEPT_TOP_TOKENS, text);
}

/* What a folder belongs to: the same repository, reference, text and windows. */
void
_quern_sweep_make_key (QuernSweep *self)
{
  GPtrArray *sources = _quern_measure_get_sources (self->measure);
  g_autoptr (GString) all = g_string_new (NULL);

  g_string_append_printf (all, "%s\n%s\n%u %d\n", quern_hub_repo_get_id (self->repo),
                          _quern_sweep_get_item (self, 0)->label, quern_measure_get_context_size (self->measure),
                          (int) quern_measure_get_windows (self->measure));
  for (guint i = 0; i < sources->len; i++) {
    const QuernMeasureSource *source = sources->pdata[i];
    const char *const parts[] = { source->category, source->text, source->reasoning, source->reply };
    for (guint j = 0; j < G_N_ELEMENTS (parts); j++) {
      g_autofree char *hash = parts[j] ? quern_sha256_of_data (parts[j], strlen (parts[j])) : NULL;
      g_string_append_printf (all, "%s\n", hash ? hash : "");
    }
  }
  g_free (self->work.key);
  self->work.key = quern_sha256_of_data (all->str, all->len);
}

void
_quern_sweep_notify (QuernSweep *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
}
