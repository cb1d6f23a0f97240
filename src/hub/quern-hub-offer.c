/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-hub-offer.h"

#include "quern-hub-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_TRIES 4 /* repositories that are looked into */

void
quern_hub_offer_free (QuernHubOffer *offer)
{
  if (offer == NULL)
    return;
  g_clear_object (&offer->repo);
  g_clear_object (&offer->item);
  g_free (offer);
}

typedef struct {
  char *model, *quantisation;
} Wish;

static void
wish_free (gpointer data)
{
  Wish *wish = data;

  g_free (wish->model);
  g_free (wish->quantisation);
  g_free (wish);
}

/**
 * quern_hub_repo_is_of:
 * @model: "Qwen3.5-4B"
 *
 * Returns: whether it has that very model, and Quern can run it: "unsloth/Qwen3.5-4B-GGUF" and "x/Qwen_Qwen3.5-4B" are the
 *   model itself; "Qwen3.5-4B-Uncensored-GGUF" is another
 */
gboolean
quern_hub_repo_is_of (QuernHubRepo *repo, const char *model)
{
  const char *found = strcasestr (quern_hub_repo_get_name (repo), model), *rest;

  if (found == NULL || quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_NO)
    return FALSE;
  rest = found + strlen (model);
  return *rest == '\0' || g_ascii_strcasecmp (rest, "-GGUF") == 0;
}

static void
quern_hub_offer_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernHub *hub = source;
  const Wish *wish = data;
  GError *error = NULL;
  g_autofree char *url = _quern_hub_search_url (hub, wish->model);
  g_autoptr (QuernHubAnswer) answer = quern_hub_fetch (hub, url, cancellable, &error);
  g_autoptr (GPtrArray) repos = answer != NULL ? quern_hub_parse_listing (answer->body, &error) : NULL;
  guint tries = 0;

  if (repos == NULL) {
    g_task_return_error (task, error);
    return;
  }
  for (guint i = 0; i < repos->len && tries < MAX_TRIES; i++) {
    QuernHubRepo *repo = repos->pdata[i];
    g_autoptr (QuernHubOffer) offer = NULL;

    if (!quern_hub_repo_is_of (repo, wish->model) || quern_hub_repo_get_gated (repo))
      continue;
    tries++;
    /* A repository counts where it has the quantisation and the file's header can be read. */
    offer = g_new0 (QuernHubOffer, 1);
    offer->repo = quern_hub_load_repo (hub, quern_hub_repo_get_id (repo), cancellable, NULL);
    offer->item = offer->repo != NULL ? quern_hub_repo_find_item (offer->repo, wish->quantisation) : NULL;
    if (offer->item != NULL && _quern_hub_probe (hub, offer->repo, offer->item, cancellable, NULL)) {
      g_task_return_pointer (task, g_steal_pointer (&offer), (GDestroyNotify) quern_hub_offer_free);
      return;
    }
    if (g_task_return_error_if_cancelled (task))
      return;
  }
  g_task_return_new_error (task, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                           _("The hub has no “%s” in %s. Search for another one."), wish->model, wish->quantisation);
}

/**
 * quern_hub_find_offer_async:
 * @model: what its name must contain, "Qwen3.5-4B"
 * @quantisation: "Q4_K_M"
 *
 * Looks for where a model can be downloaded, and reads the file's header, so that what it needs is known exactly.
 */
void
quern_hub_find_offer_async (QuernHub *hub, const char *model, const char *quantisation, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Wish *wish;

  g_return_if_fail (QUERN_IS_HUB (hub) && model != NULL && quantisation != NULL);
  task = g_task_new (hub, cancellable, callback, user_data);
  wish = g_new (Wish, 1);
  *wish = (Wish) { g_strdup (model), g_strdup (quantisation) };
  g_task_set_source_tag (task, quern_hub_find_offer_async);
  g_task_set_task_data (task, wish, wish_free);
  g_task_run_in_thread (task, quern_hub_offer_thread);
}

/* Returns: (transfer full) (nullable): the best repository for it */
QuernHubOffer *
quern_hub_find_offer_finish (QuernHub *hub, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, hub), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
