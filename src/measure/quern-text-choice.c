/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-text-choice.h"

#include <glib/gi18n-lib.h>

#include "quern-json-util.h"
#include "quern-measure-conversation.h"
#include "quern-sample-text.h"
#include "quern-texts.h"
#include "quern-wikitext.h"

QuernTextChoice *
quern_text_choice_new (void)
{
  return g_new0 (QuernTextChoice, 1);
}

QuernTextChoice *
quern_text_choice_copy (const QuernTextChoice *self)
{
  QuernTextChoice *copy = quern_text_choice_new ();

  *copy = (QuernTextChoice) { g_strdupv (self->categories), g_strdup (self->text), g_strdup (self->folder),
                              self->conversation, g_strdup (self->name) };
  return copy;
}

void
quern_text_choice_free (QuernTextChoice *self)
{
  if (!self)
    return;
  g_strfreev (self->categories);
  g_free (self->text);
  g_free (self->folder);
  g_free (self->name);
  g_free (self);
}

/**
 * quern_text_choice_dup_name:
 *
 * Returns: (transfer full): what reports call the text. The names of categories are those of the command line, which are the
 *   same in all languages.
 */
char *
quern_text_choice_dup_name (const QuernTextChoice *self)
{
  if (self->name)
    return g_strdup (self->name);
  if (self->categories)
    return g_strjoinv (", ", self->categories);
  if (self->folder)
    return g_path_get_basename (self->folder); /* reports are for others */
  return g_strdup (self->text ? _("Pasted text") : _("Built-in sample"));
}

/* ---- keeping it ------------------------------------------------------------------------------------------------ */

/**
 * quern_text_choice_write:
 * @out: a builder that awaits a value
 */
void
quern_text_choice_write (const QuernTextChoice *self, JsonBuilder *out)
{
  json_builder_begin_object (out);
  if (self->categories) {
    json_builder_set_member_name (out, "categories");
    json_builder_begin_array (out);
    for (char **id = self->categories; *id; id++)
      json_builder_add_string_value (out, *id);
    json_builder_end_array (out);
  }
  quern_json_add_string (out, "text", self->text);
  quern_json_add_string (out, "folder", self->folder);
  quern_json_add_int (out, "conversation", self->conversation);
  quern_json_add_string (out, "name", self->name);
  json_builder_end_object (out);
}

/**
 * quern_text_choice_read:
 * @object: (nullable): what quern_text_choice_write() wrote, or anything else
 *
 * Returns: (transfer full): the choice; what is damaged in @object is not chosen
 */
QuernTextChoice *
quern_text_choice_read (JsonObject *object)
{
  QuernTextChoice *self = quern_text_choice_new ();
  JsonArray *array = object ? quern_json_array (object, "categories") : NULL;
  g_autoptr (GStrvBuilder) categories = g_strv_builder_new ();

  if (!object)
    return self;
  for (guint i = 0; i < quern_json_length (array); i++)
    g_strv_builder_add (categories, quern_json_string_at (array, i));
  if (quern_json_length (array) > 0)
    self->categories = g_strv_builder_end (categories);
  self->text = g_strdup (quern_json_string (object, "text", NULL));
  self->folder = g_strdup (quern_json_string (object, "folder", NULL));
  self->conversation = quern_json_int (object, "conversation", 0);
  self->name = g_strdup (quern_json_string (object, "name", NULL));
  return self;
}

/* ---- adding it ------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernTextChoice *choice;
  QuernHub *hub;
} Adding;

static void
adding_free (gpointer data)
{
  Adding *adding = data;

  quern_text_choice_free (adding->choice);
  g_object_unref (adding->hub);
  g_free (adding);
}

static gboolean
add_category (QuernMeasure *measure, QuernHub *hub, const char *id, GCancellable *cancellable, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_str_equal (id, QUERN_TEXT_WIKITEXT))
    return quern_texts_add (measure, id, error);
  text = quern_wikitext_load (hub, cancellable, error);
  if (!text)
    return FALSE;
  quern_measure_begin_category (measure, QUERN_TEXT_WIKITEXT);
  quern_measure_add_text (measure, text);
  quern_measure_begin_category (measure, NULL);
  return TRUE;
}

static void
quern_text_choice_add_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernMeasure *measure = source;
  const Adding *adding = data;
  const QuernTextChoice *choice = adding->choice;
  GError *error = NULL;

  for (char **id = choice->categories; id && *id && !error; id++)
    add_category (measure, adding->hub, *id, cancellable, &error);
  if (!choice->categories && choice->folder)
    quern_texts_add_folder (measure, choice->folder, &error);
  else if (!choice->categories)
    quern_measure_add_text (measure, choice->text ? choice->text : quern_sample_text ());
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
conversation_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (quern_measure_add_conversation_finish (QUERN_MEASURE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_text_choice_add_async:
 * @measure: that nothing else uses until this is done
 * @hub: which is asked for what does not come with Quern
 * @store: (nullable): whose conversations may be chosen
 *
 * Adds the chosen text to @measure, and names it there.
 */
void
quern_text_choice_add_async (const QuernTextChoice *self, QuernMeasure *measure, QuernHub *hub, QuernStore *store,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (measure, cancellable, callback, user_data);
  g_autofree char *name = quern_text_choice_dup_name (self);
  QuernConversation *conversation = self->conversation && store
                                        ? quern_store_get_conversation (store, self->conversation)
                                        : NULL;

  if (conversation) {
    quern_measure_add_conversation_async (measure, store, conversation, cancellable, conversation_added_cb,
                                          g_steal_pointer (&task));
    return;
  }
  if (self->conversation) {
    g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT,
                             _("That conversation is not there any more. Choose another text."));
    return;
  }
  quern_measure_set_source (measure, name);
  Adding *adding = g_new (Adding, 1);
  *adding = (Adding) { quern_text_choice_copy (self), g_object_ref (hub) };
  g_task_set_task_data (task, adding, adding_free);
  g_task_run_in_thread (task, quern_text_choice_add_thread);
}

gboolean
quern_text_choice_add_finish (QuernMeasure *measure, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
