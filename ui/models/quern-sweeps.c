/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-sweeps.h"

#include <glib/gi18n.h>

struct _QuernSweeps {
  GObject parent_instance;

  /* Owned references */
  QuernHub *hub;
  QuernDownloads *downloads;
  QuernLibrary *library;
  QuernBackend *backend;
  QuernStore *store;
  QuernSweep *sweep;      /* or NULL */
  QuernSweepSetup *setup; /* of the sweep, or NULL */
  char *problem;          /* why the last run ended, or NULL */
  char *interrupted;      /* id of a repository, or NULL */

  gboolean running, closed;
  gboolean saving, save_again; /* the set-up is being written; it changed meanwhile */
};

enum { PROP_0, PROP_SWEEP, PROP_RUNNING, PROP_INTERRUPTED, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernSweeps, quern_sweeps, G_TYPE_OBJECT)

/* ---- keeping the set-up ------------------------------------------------------------------------------------------ */

static void quern_sweeps_save (QuernSweeps *self, gboolean running);

static void
quern_sweeps_saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweeps) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_sweep_setup_save_finish (result, &error))
    g_message ("the set-up of a sweep could not be kept: %s", error->message);
  self->saving = FALSE;
  if (self->save_again)
    quern_sweeps_save (self, self->setup->running);
}

/* One at a time: what is kept in the end is what was wanted last. */
static void
quern_sweeps_save (QuernSweeps *self, gboolean running)
{
  self->setup->running = running;
  self->save_again = self->saving;
  if (self->saving)
    return;
  self->saving = TRUE;
  quern_sweep_setup_save_async (self->setup, self->sweep, running, quern_sweeps_saved_cb, g_object_ref (self));
}

static void
quern_sweeps_found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweeps) self = user_data;
  g_autoptr (GPtrArray) setups = quern_sweep_setups_load_finish (result, NULL);

  for (guint i = 0; setups != NULL && i < setups->len && self->sweep == NULL; i++) {
    const QuernSweepSetup *setup = setups->pdata[i];
    if (!setup->running)
      continue;
    g_set_str (&self->interrupted, setup->repository);
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_INTERRUPTED]);
    return;
  }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void
quern_sweeps_set (QuernSweeps *self, QuernSweep *sweep, QuernSweepSetup *setup)
{
  g_set_object (&self->sweep, sweep);
  g_clear_pointer (&self->setup, quern_sweep_setup_free);
  self->setup = setup;
  self->save_again = FALSE;
  g_set_str (&self->problem, NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SWEEP]);
}

typedef struct {
  QuernSweep *sweep;
  QuernSweepSetup *setup;
} Opening;

static void
quern_sweeps_opening_free (gpointer data)
{
  Opening *opening = data;

  g_object_unref (opening->sweep);
  g_clear_pointer (&opening->setup, quern_sweep_setup_free);
  g_free (opening);
}

static void
quern_sweeps_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernSweeps *self = g_task_get_source_object (task);
  Opening *opening = g_task_get_task_data (task);
  GError *error = NULL;

  if (!quern_sweep_open_finish (QUERN_SWEEP (source), result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  quern_sweeps_set (self, opening->sweep, g_steal_pointer (&opening->setup));
  g_task_return_boolean (task, TRUE);
}

static void
quern_sweeps_text_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Opening *opening = g_task_get_task_data (task);
  GError *error = NULL;

  if (quern_text_choice_add_finish (QUERN_MEASURE (source), result, &error))
    quern_sweep_open_async (opening->sweep, NULL, quern_sweeps_opened_cb, g_object_ref (task));
  else
    g_task_return_error (task, error);
}

/**
 * quern_sweeps_open_async:
 * @setup: (transfer full): what is to be measured
 * @repo: the repository that @setup names
 *
 * Opens a sweep in place of the one that was open, which must not be running. What was done of it before is there then.
 */
void
quern_sweeps_open_async (QuernSweeps *self, QuernSweepSetup *setup, QuernHubRepo *repo, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Opening *opening = NULL;
  GError *error = NULL;
  QuernSweep *sweep = NULL;

  if (self->running)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_BUSY,
                 _("The quantisations of “%s” are being measured. Stop that first, or wait until it is done."),
                 self->setup->repository);
  else
    sweep = quern_sweep_setup_create (setup, repo, self->downloads, self->library, self->backend, &error);
  if (sweep == NULL) {
    quern_sweep_setup_free (setup);
    g_task_return_error (task, error);
    return;
  }
  quern_sweeps_forget (self); /* it may be the same, and would be in use */
  opening = g_new (Opening, 1);
  *opening = (Opening) { sweep, setup };
  g_task_set_task_data (task, opening, quern_sweeps_opening_free);
  quern_text_choice_add_async (setup->text, quern_sweep_get_measure (sweep), self->hub, self->store, NULL,
                               quern_sweeps_text_added_cb, g_object_ref (task));
}

gboolean
quern_sweeps_open_finish (QuernSweeps *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static void
quern_sweeps_set_running (QuernSweeps *self, gboolean running)
{
  self->running = running;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
}

/* A sweep that was paused, or whose application ends, is to be asked about at the next start. */
static void
quern_sweeps_ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweeps) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_sweep_run_finish (QUERN_SWEEP (source), result, &error);
  gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (!ok && !stopped)
    g_set_str (&self->problem, error->message);
  if (!stopped && !self->closed)
    quern_sweeps_save (self, FALSE);
  quern_sweeps_set_running (self, FALSE);
}

/**
 * quern_sweeps_run:
 *
 * Begins, or goes on with, the open sweep.
 */
void
quern_sweeps_run (QuernSweeps *self)
{
  g_return_if_fail (QUERN_IS_SWEEPS (self) && self->sweep != NULL && !self->running);
  g_set_str (&self->problem, NULL);
  g_set_str (&self->interrupted, NULL);
  quern_sweeps_save (self, TRUE);
  quern_sweep_run_async (self->sweep, quern_sweeps_ran_cb, g_object_ref (self));
  quern_sweeps_set_running (self, TRUE);
}

/* Ends the run for now. */
void
quern_sweeps_pause (QuernSweeps *self)
{
  g_return_if_fail (QUERN_IS_SWEEPS (self));
  if (self->running)
    quern_sweep_stop (self->sweep);
}

/* Ends the run for good: nobody is asked about it at the next start. */
void
quern_sweeps_stop (QuernSweeps *self)
{
  g_return_if_fail (QUERN_IS_SWEEPS (self) && self->sweep != NULL);
  quern_sweeps_pause (self);
  quern_sweeps_save (self, FALSE);
}

/* Closes the sweep, which must not be running. What it did is kept. */
void
quern_sweeps_forget (QuernSweeps *self)
{
  g_return_if_fail (QUERN_IS_SWEEPS (self) && !self->running);
  quern_sweeps_set (self, NULL, NULL);
}

/* The application ends. "running" says when the sweep has let go. */
void
quern_sweeps_close (QuernSweeps *self)
{
  g_return_if_fail (QUERN_IS_SWEEPS (self));
  self->closed = TRUE;
  quern_sweeps_pause (self);
}

/* ---- what there is ----------------------------------------------------------------------------------------------- */

/* Returns: whether the sweep of a folder is the open one */
gboolean
quern_sweeps_is_open (QuernSweeps *self, const char *folder)
{
  return self->sweep != NULL && g_strcmp0 (quern_sweep_get_folder (self->sweep), folder) == 0;
}

/* Returns: whether a download is one of the running sweep's */
gboolean
quern_sweeps_has (QuernSweeps *self, const char *repository, const char *label)
{
  GListModel *items = self->running ? quern_sweep_get_items (self->sweep) : NULL;

  for (guint i = 0; items != NULL && i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernSweepItem) item = g_list_model_get_item (items, i);
    if (g_str_equal (self->setup->repository, repository) && g_str_equal (quern_sweep_item_get_label (item), label))
      return TRUE;
  }
  return FALSE;
}

/**
 * quern_sweeps_get_sweep:
 *
 * Returns: (transfer none) (nullable): the open sweep
 */
QuernSweep *
quern_sweeps_get_sweep (QuernSweeps *self)
{
  return self->sweep;
}

/**
 * quern_sweeps_get_setup:
 *
 * Returns: (nullable): that of the open sweep
 */
const QuernSweepSetup *
quern_sweeps_get_setup (QuernSweeps *self)
{
  return self->setup;
}

QuernStore *
quern_sweeps_get_store (QuernSweeps *self)
{
  return self->store;
}

gboolean
quern_sweeps_get_running (QuernSweeps *self)
{
  return self->running;
}

/**
 * quern_sweeps_get_problem:
 *
 * Returns: (nullable): a sentence on why the last run ended early
 */
const char *
quern_sweeps_get_problem (QuernSweeps *self)
{
  return self->problem;
}

const char *
quern_sweeps_get_interrupted (QuernSweeps *self)
{
  return self->interrupted;
}

/* ---- object ------------------------------------------------------------------------------------------------------ */

static void
quern_sweeps_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernSweeps *self = QUERN_SWEEPS (object);

  switch (id) {
  case PROP_SWEEP: g_value_set_object (value, self->sweep); break;
  case PROP_RUNNING: g_value_set_boolean (value, self->running); break;
  case PROP_INTERRUPTED: g_value_set_string (value, self->interrupted); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_sweeps_dispose (GObject *object)
{
  QuernSweeps *self = QUERN_SWEEPS (object);

  g_clear_object (&self->sweep);
  g_clear_pointer (&self->setup, quern_sweep_setup_free);
  g_clear_object (&self->hub);
  g_clear_object (&self->downloads);
  g_clear_object (&self->library);
  g_clear_object (&self->backend);
  g_clear_object (&self->store);
  g_clear_pointer (&self->problem, g_free);
  g_clear_pointer (&self->interrupted, g_free);
  G_OBJECT_CLASS (quern_sweeps_parent_class)->dispose (object);
}

static void
quern_sweeps_class_init (QuernSweepsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = quern_sweeps_dispose;
  object_class->get_property = quern_sweeps_get_property;
  properties[PROP_SWEEP] = g_param_spec_object ("sweep", NULL, NULL, QUERN_TYPE_SWEEP, flags);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  properties[PROP_INTERRUPTED] = g_param_spec_string ("interrupted", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_sweeps_init (QuernSweeps *self)
{
}

/**
 * quern_sweeps_new:
 * @store: whose conversations may be measured with
 *
 * Looks at once whether a sweep was interrupted; "interrupted" says so.
 */
QuernSweeps *
quern_sweeps_new (QuernHub *hub, QuernDownloads *downloads, QuernLibrary *library, QuernBackend *backend,
                  QuernStore *store)
{
  QuernSweeps *self = g_object_new (QUERN_TYPE_SWEEPS, NULL);

  self->hub = g_object_ref (hub);
  self->downloads = g_object_ref (downloads);
  self->library = g_object_ref (library);
  self->backend = g_object_ref (backend);
  self->store = g_object_ref (store);
  quern_sweep_setups_load_async (NULL, quern_sweeps_found_cb, g_object_ref (self));
  return self;
}
