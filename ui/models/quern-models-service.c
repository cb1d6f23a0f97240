/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-models-service.h"

#include "quern-hub-offer.h"
#include "quern-launcher.h"

#include <glib/gi18n.h>

/* Besides holding things together it looks after what must happen while no page is open: the computer is kept awake
 * during downloads, their progress is on the launcher, nothing goes over a metered network unasked, and when one is done
 * the library hears of it and so does the user. */
struct _QuernModelsService {
  GObject parent_instance;

  GApplication *application; /* borrowed: it owns us */

  /* Owned references */
  QuernHub *hub;
  QuernLibrary *library;
  QuernServers *servers;
  QuernService *service;
  QuernDownloads *downloads;
  QuernSweeps *sweeps;
  GCancellable *cancellable;
  GSettings *settings;

  QuernMachine machine;
  gboolean measured, measuring;
  guint again_source, again_seconds; /* until the bandwidth is measured again, as others were busy */
  guint inhibit_cookie;
  gboolean metered_allowed; /* the user said so, for as long as this network lasts */
  int shown_percent;        /* on the launcher; -1: none */
};

enum { PROP_0, PROP_MEASURED, PROP_WAITING, N_PROPS };
enum { SIGNAL_READY, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernModelsService, quern_models_service, G_TYPE_OBJECT)

static void
active_cb (QuernModelsService *self)
{
  gboolean active = quern_downloads_is_active (self->downloads);
  GtkApplication *application = GTK_APPLICATION (self->application);

  if (active && self->inhibit_cookie == 0)
    self->inhibit_cookie = gtk_application_inhibit (application, gtk_application_get_active_window (application),
                                                    GTK_APPLICATION_INHIBIT_SUSPEND, _("Downloading a model"));
  else if (!active && self->inhibit_cookie != 0) {
    gtk_application_uninhibit (application, self->inhibit_cookie);
    self->inhibit_cookie = 0;
  }
}

static void
quern_models_service_progress_cb (QuernModelsService *self)
{
  double progress = quern_downloads_get_progress (self->downloads);
  int percent = progress < 0 ? -1 : (int) (progress * 100);

  if (percent == self->shown_percent)
    return;
  self->shown_percent = percent;
  quern_launcher_show_progress (self->application, progress);
}

/* ---- settings --------------------------------------------------------------------------------------------------- */

static void
endpoint_cb (QuernModelsService *self)
{
  g_autofree char *endpoint = g_settings_get_string (self->settings, "hub-endpoint");

  quern_hub_set_endpoint (self->hub, endpoint);
}

static void
limit_cb (QuernModelsService *self)
{
  quern_downloads_set_rate (self->downloads,
                            g_settings_get_uint (self->settings, "download-limit") * (guint64) 1000000);
}

static void
follow_settings (QuernModelsService *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  g_signal_connect_object (self->settings, "changed::hub-endpoint", G_CALLBACK (endpoint_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::download-limit", G_CALLBACK (limit_cb), self, G_CONNECT_SWAPPED);
  endpoint_cb (self);
  limit_cb (self);
}

/* ---- metered networks ------------------------------------------------------------------------------------------- */

/* Returns: whether the user must be asked before anything large is downloaded */
gboolean
quern_models_service_must_ask (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), FALSE);
  return !self->metered_allowed && g_network_monitor_get_network_metered (g_network_monitor_get_default ());
}

static void
metered_cb (QuernModelsService *self)
{
  if (!g_network_monitor_get_network_metered (g_network_monitor_get_default ()))
    self->metered_allowed = FALSE;
  quern_downloads_set_suspended (self->downloads, quern_models_service_must_ask (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WAITING]);
}

/* The user wants downloads over this network, although it is metered. */
void
quern_models_service_allow_metered (QuernModelsService *self)
{
  g_return_if_fail (QUERN_IS_MODELS_SERVICE (self));
  self->metered_allowed = TRUE;
  metered_cb (self);
}

/* ---- the end of a download -------------------------------------------------------------------------------------- */

typedef struct {
  QuernModelsService *self;
  char *path, *title;
} Arrival;

/* Who looks at the window needs no notification of the desktop. */
static void
arrived_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Arrival *arrival = user_data;
  QuernModelsService *self = arrival->self;
  g_autoptr (QuernModel) model = quern_models_service_find_model (self, arrival->path);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self->application));

  if (model == NULL) {
    g_debug ("“%s” was downloaded, but is no model that runs", arrival->path);
  } else if (window != NULL && gtk_window_is_active (window)) {
    g_signal_emit (self, signals[SIGNAL_READY], 0, arrival->title, quern_model_get_id (model));
  } else {
    g_autoptr (GNotification) notification = g_notification_new (_("Model Downloaded"));
    g_autofree char *body = g_strdup_printf (_("%s is ready."), arrival->title);
    g_notification_set_body (notification, body);
    g_notification_set_default_action_and_target (notification, "app.chat-with", "s", quern_model_get_id (model));
    g_application_send_notification (self->application, "download", notification);
  }
  g_object_unref (self);
  g_free (arrival->path);
  g_free (arrival->title);
  g_free (arrival);
}

static void
installed_cb (QuernModelsService *self, QuernDownload *download)
{
  Arrival *arrival;
  g_auto (GStrv) paths = quern_download_dup_paths (download);

  quern_library_add_installed (self->library, (const char *const *) paths);
  if (quern_sweeps_has (self->sweeps, quern_download_get_repo (download), quern_download_get_label (download))) {
    quern_library_scan_async (self->library, NULL, NULL, NULL); /* the sweep's page says how far it is */
    return;
  }
  arrival = g_new (Arrival, 1);
  *arrival = (Arrival) { g_object_ref (self), g_strdup (quern_download_get_path (download)),
                         /* Translators: repository and quantisation */
                         g_strdup_printf (_("%s (%s)"), quern_download_get_repo (download),
                                          quern_download_get_label (download)) };
  quern_library_scan_async (self->library, NULL, arrived_cb, arrival);
}

/* ---- this computer ---------------------------------------------------------------------------------------------- */

/* A disturbed measurement makes poor advice: another one, at ever longer intervals, until one was not. */
static gboolean
measure_again_cb (gpointer data)
{
  QuernModelsService *self = data;

  self->again_source = 0;
  quern_models_service_measure (self);
  return G_SOURCE_REMOVE;
}

static void
quern_models_service_measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernModelsService) self = user_data;

  self->measuring = FALSE;
  if (!quern_machine_measure_finish (result, &self->machine, NULL))
    return;
  self->measured = TRUE;
  if (self->machine.busy && self->again_source == 0) {
    self->again_seconds = CLAMP (2 * self->again_seconds, 30, 1800);
    self->again_source = g_timeout_add_seconds (self->again_seconds, measure_again_cb, self);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MEASURED]);
}

/* Looks (again) at what the computer has; "measured" is notified when that is done. */
void
quern_models_service_measure (QuernModelsService *self)
{
  g_return_if_fail (QUERN_IS_MODELS_SERVICE (self));

  if (self->measuring)
    return;
  self->measuring = TRUE;
  quern_machine_measure_async (self->cancellable, quern_models_service_measured_cb, g_object_ref (self));
}

static void
quern_models_service_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!quern_downloads_load_finish (QUERN_DOWNLOADS (source), result, &error))
    g_message ("The list of downloads will not be kept: %s", error->message);
}

static void
quern_models_service_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_MEASURED)
    g_value_set_boolean (value, QUERN_MODELS_SERVICE (object)->measured);
  else if (id == PROP_WAITING)
    g_value_set_boolean (value, quern_models_service_must_ask (QUERN_MODELS_SERVICE (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_models_service_dispose (GObject *object)
{
  QuernModelsService *self = QUERN_MODELS_SERVICE (object);

  quern_models_service_close (self);
  g_clear_object (&self->sweeps);
  g_clear_object (&self->downloads);
  g_clear_object (&self->library);
  g_clear_object (&self->servers);
  g_clear_object (&self->service);
  g_clear_object (&self->hub);
  g_clear_object (&self->settings);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (quern_models_service_parent_class)->dispose (object);
}

static void
quern_models_service_class_init (QuernModelsServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = quern_models_service_dispose;
  object_class->get_property = quern_models_service_get_property;
  properties[PROP_MEASURED] = g_param_spec_boolean ("measured", NULL, NULL, FALSE,
                                                    G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_WAITING] = g_param_spec_boolean ("waiting", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_READY] = g_signal_new ("ready", QUERN_TYPE_MODELS_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
}

static void
quern_models_service_init (QuernModelsService *self)
{
  self->cancellable = g_cancellable_new ();
  self->shown_percent = -1;
}

/**
 * quern_models_service_new:
 * @application: (transfer none): must outlive it
 * @library: where downloads end up
 * @servers: which the user added
 * @service: what other programs use the models through
 * @backend: where the models of sweeps run
 * @store: whose conversations sweeps may measure with
 *
 * Goes on with the downloads of last time at once.
 */
QuernModelsService *
quern_models_service_new (GApplication *application, QuernLibrary *library, QuernServers *servers,
                          QuernService *service, QuernBackend *backend, QuernStore *store)
{
  QuernModelsService *self = g_object_new (QUERN_TYPE_MODELS_SERVICE, NULL);

  self->application = application;
  self->library = g_object_ref (library);
  self->servers = g_object_ref (servers);
  self->service = g_object_ref (service);
  self->hub = quern_hub_new ();
  self->downloads = quern_downloads_new (self->hub);
  self->sweeps = quern_sweeps_new (self->hub, self->downloads, library, backend, store);
  g_signal_connect_object (self->downloads, "notify::active", G_CALLBACK (active_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->downloads, "installed", G_CALLBACK (installed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->downloads, "notify::progress", G_CALLBACK (quern_models_service_progress_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (g_network_monitor_get_default (), "notify::network-metered", G_CALLBACK (metered_cb), self,
                           G_CONNECT_SWAPPED);
  follow_settings (self);
  metered_cb (self);
  quern_downloads_load_async (self->downloads, NULL, quern_models_service_loaded_cb, NULL);
  return self;
}

/* Writes the state of all downloads down. May be called twice. */
void
quern_models_service_close (QuernModelsService *self)
{
  g_return_if_fail (QUERN_IS_MODELS_SERVICE (self));

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->again_source, g_source_remove);
  if (self->downloads == NULL)
    return;
  quern_sweeps_close (self->sweeps);
  quern_downloads_close (self->downloads);
  if (self->shown_percent >= 0)
    quern_launcher_show_progress (self->application, -1);
  self->shown_percent = -1;
}

QuernHub *
quern_models_service_get_hub (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->hub;
}

QuernLibrary *
quern_models_service_get_library (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->library;
}

QuernServers *
quern_models_service_get_servers (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->servers;
}

QuernService *
quern_models_service_get_service (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->service;
}

QuernDownloads *
quern_models_service_get_downloads (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->downloads;
}

QuernSweeps *
quern_models_service_get_sweeps (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return self->sweeps;
}

/* Returns: (transfer none): zeros before the first measurement is done */
const QuernMachine *
quern_models_service_get_machine (QuernModelsService *self)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);
  return &self->machine;
}

/**
 * quern_models_service_recommends:
 * @item: (nullable): one of its items; %NULL where they are not known yet
 *
 * Returns: whether a repository has the model that is recommended for this computer, and @item is its quantisation
 */
gboolean
quern_models_service_recommends (QuernModelsService *self, QuernHubRepo *repo, QuernHubItem *item)
{
  QuernAdvice advice;
  g_autofree char *model = NULL;

  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), FALSE);

  quern_advisor_recommend (&self->machine, &advice);
  if (advice.size == NULL)
    return FALSE;
  model = g_strdup_printf ("Qwen3.5-%s", advice.size->label);
  return quern_hub_repo_is_of (repo, model)
         && (item == NULL || quern_hub_repo_find_item (repo, advice.quantisation) == item);
}

/**
 * quern_models_service_plan_item:
 * @n_ctx: tokens of the conversation
 *
 * Returns: bytes that a conversation takes: from the header once that is known; before, the file and some working memory
 */
guint64
quern_models_service_plan_item (QuernHubItem *item, guint n_ctx, gboolean with_vision)
{
  const QuernModelInfo *info = quern_hub_item_get_info (item);
  guint64 vision = with_vision ? quern_hub_item_get_vision_bytes (item) : 0;
  QuernMemoryPlan plan;

  if (info == NULL)
    return quern_hub_item_get_bytes (item) + vision + 500 * 1000 * 1000;
  quern_model_info_plan (info, n_ctx, &plan);
  return plan.total + vision;
}

/* Returns: (transfer full) (nullable): the sound model at that path */
QuernModel *
quern_models_service_find_model (QuernModelsService *self, const char *path)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);

  for (guint i = 0; path != NULL && i < g_list_model_get_n_items (G_LIST_MODEL (self->library)); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (self->library), i);
    if (g_str_equal (quern_model_get_key (model), path) && quern_model_get_state (model) == QUERN_MODEL_OK)
      return g_steal_pointer (&model);
  }
  return NULL;
}

/* Returns: (transfer none) (nullable): the entry of the queue, until that changes */
QuernDownload *
quern_models_service_find_download (QuernModelsService *self, const char *repo, const char *label)
{
  g_return_val_if_fail (QUERN_IS_MODELS_SERVICE (self), NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->downloads)); i++) {
    g_autoptr (QuernDownload) download = g_list_model_get_item (G_LIST_MODEL (self->downloads), i);
    if (g_str_equal (quern_download_get_repo (download), repo)
        && g_str_equal (quern_download_get_label (download), label))
      return download; /* the list holds it */
  }
  return NULL;
}
