/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-open-file.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#include "quern-local-private.h"
#include "quern-model-private.h"

/* The table of open files, one for the process: whoever opens a file that is open gets the same weights. */

static GMutex table_lock;
static GQueue table; /* of GWeakRef; the latest first */

struct _QuernOpenFile {
  GObject parent_instance;

  char *path;
  QeModel *opened;
  QuernStepper *stepper; /* of the contexts of the file */
};

G_DEFINE_FINAL_TYPE (QuernOpenFile, quern_open_file, G_TYPE_OBJECT)

/* The caller holds the lock. Entries of files that nobody uses any more are removed on the way. */
static QuernOpenFile *
find_open (const char *path)
{
  QuernOpenFile *found = NULL;

  for (GList *l = table.head, *next; l; l = next) {
    g_autoptr (QuernOpenFile) file = g_weak_ref_get (l->data);
    next = l->next;
    if (file && !found && g_str_equal (file->path, path)) {
      found = g_steal_pointer (&file);
    } else if (!file) {
      g_weak_ref_clear (l->data);
      g_free (l->data);
      g_queue_delete_link (&table, l);
    }
  }
  return found;
}

/* Any thread may call this; it blocks. If the file was replaced since the library looked at it, it is opened again.
 * prefetch: the system reads it ahead, because all of it will be used. */
QuernOpenFile *
_quern_open_file_get (QuernModel *model, gboolean prefetch, const QeControl *control, GError **error)
{
  const char *path = quern_model_get_path (model);
  const QeModelParams params = { .no_prefetch = !prefetch, .control = control };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&table_lock);
  QuernOpenFile *self = _quern_model_is_current (model) ? find_open (path) : NULL;
  QeError engine_error = { 0 };
  QeModel *opened;
  GWeakRef *entry;

  if (self)
    return self;
  if (qe_model_open (&opened, path, &params, &engine_error) != QE_OK) {
    _quern_inference_set_error (error, &engine_error);
    return NULL;
  }
  self = g_object_new (QUERN_TYPE_OPEN_FILE, NULL);
  self->path = g_strdup (path);
  self->opened = opened;
  self->stepper = _quern_stepper_new ();
  entry = g_new0 (GWeakRef, 1);
  g_weak_ref_init (entry, self);
  g_queue_push_head (&table, entry);
  return self;
}

gboolean
_quern_open_file_is_of (QuernOpenFile *self, QuernModel *model)
{
  return g_str_equal (self->path, quern_model_get_path (model));
}

QeModel *
_quern_open_file_get_model (QuernOpenFile *self)
{
  return self->opened;
}

QuernStepper *
_quern_open_file_get_stepper (QuernOpenFile *self)
{
  return self->stepper;
}

/**
 * quern_open_file_new:
 *
 * Opens a model's file without reading its weights ahead, or finds it open. Any thread; it blocks.
 *
 * Returns: (transfer full) (nullable): the file
 */
QuernOpenFile *
quern_open_file_new (QuernModel *model, GError **error)
{
  return _quern_open_file_get (model, FALSE, NULL, error);
}

/**
 * quern_open_file_get_vocabulary:
 * @size: (out): tokens in it
 *
 * Returns: a number that is equal for files with the same vocabulary, whose logits may be compared
 */
guint64
quern_open_file_get_vocabulary (QuernOpenFile *self, guint *size)
{
  *size = qe_model_info (self->opened)->n_vocab;
  return qe_vocabulary_hash (self->opened);
}

gboolean
_quern_open_file_tokenise_text (QuernOpenFile *self, const QeChatText *text, GArray *tokens, GError **error)
{
  QeError engine_error = { 0 };
  int32_t *ids = NULL;
  size_t n = 0;

  if (qe_tokenize (self->opened, text->text, text->length, text->plain, text->n_plain, &ids, &n, &engine_error)
      != QE_OK)
    return _quern_inference_set_error (error, &engine_error);
  g_array_append_vals (tokens, ids, (guint) n);
  free (ids);
  return TRUE;
}

/**
 * quern_open_file_tokenise:
 * @text: plain text, in which no special token is recognised
 * @tokens: (element-type gint32): gets its tokens appended
 */
gboolean
quern_open_file_tokenise (QuernOpenFile *self, const char *text, GArray *tokens, GError **error)
{
  QeSpan all = { 0, (uint32_t) strlen (text) };

  return _quern_open_file_tokenise_text (self, &(QeChatText) { (char *) text, all.end, &all, 1, 0 }, tokens, error);
}

/**
 * quern_open_file_tokenise_raw:
 * @text: text in which special tokens are recognised by their names
 * @tokens: (element-type gint32): gets its tokens appended
 */
gboolean
quern_open_file_tokenise_raw (QuernOpenFile *self, const char *text, GArray *tokens, GError **error)
{
  return _quern_open_file_tokenise_text (self, &(QeChatText) { (char *) text, strlen (text), NULL, 0, 0 }, tokens,
                                         error);
}

/**
 * quern_open_file_tokenise_infill:
 * @prefix: plain text before a gap
 * @suffix: plain text behind it
 * @tokens: (element-type gint32): gets the tokens appended of a prompt whose continuation fills the gap
 *
 * Returns: %FALSE if the model's vocabulary has no tokens for that
 */
gboolean
quern_open_file_tokenise_infill (QuernOpenFile *self, const char *prefix, const char *suffix, GArray *tokens,
                                 GError **error)
{
  const struct {
    const char *mark, *text;
  } parts[] = { { "<|fim_prefix|>", prefix }, { "<|fim_suffix|>", suffix }, { "<|fim_middle|>", "" } };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    gint32 mark = qe_token_by_text (self->opened, parts[i].mark);
    if (mark < 0) {
      g_set_error_literal (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST,
                           _("This model cannot fill gaps in a text: its vocabulary has no tokens for that."));
      return FALSE;
    }
    g_array_append_val (tokens, mark);
    if (!quern_open_file_tokenise (self, parts[i].text, tokens, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * quern_open_file_tokenise_request:
 * @tokens: (element-type gint32): gets the tokens of the prompt appended; a picture is one placeholder among them
 */
gboolean
quern_open_file_tokenise_request (QuernOpenFile *self, QuernRequest *request, GArray *tokens, GError **error)
{
  QeChatText text = { 0 };
  gboolean in_reasoning, ok;

  if (!_quern_request_render (request, self->opened, &text, &in_reasoning, error))
    return FALSE;
  ok = _quern_open_file_tokenise_text (self, &text, tokens, error);
  qe_chat_text_clear (&text);
  return ok;
}

/**
 * quern_open_file_decode:
 * @tokens: (element-type gint32)
 * @text: gets their text appended, whole characters only
 * @ends: (element-type guint): gets the byte at which each token ends; a character that is spread over tokens belongs to
 *   the last of them
 */
void
quern_open_file_decode (QuernOpenFile *self, const GArray *tokens, GString *text, GArray *ends)
{
  QeDecoder *decoder = qe_decoder_new (self->opened);
  size_t length;

  for (guint i = 0; decoder && i < tokens->len; i++) {
    gint32 id = g_array_index (tokens, gint32, i);
    bool control = false;
    const char *bytes = qe_token_bytes (self->opened, id, &length, &control);
    guint end;
    if (!bytes || !control)
      bytes = qe_decoder_push (decoder, id, &length);
    g_string_append_len (text, bytes, (gssize) length);
    end = (guint) text->len;
    g_array_append_val (ends, end);
  }
  qe_decoder_free (decoder);
}

/* Returns: whether a model says with this token that its answer ends */
gboolean
quern_open_file_ends_generation (QuernOpenFile *self, gint32 id)
{
  return qe_token_ends_generation (self->opened, id);
}

/**
 * quern_open_file_has_text_token:
 *
 * Returns: whether the vocabulary has a token @id that is text, not one of those that structure a conversation
 */
gboolean
quern_open_file_has_text_token (QuernOpenFile *self, gint32 id)
{
  size_t length;
  bool control = true;

  return qe_token_bytes (self->opened, id, &length, &control) && !control;
}

/**
 * quern_open_file_dup_token_text:
 *
 * Returns: (transfer full): the bytes of one token as valid UTF-8; "" for an id that the vocabulary does not have
 */
char *
quern_open_file_dup_token_text (QuernOpenFile *self, gint32 id)
{
  size_t length = 0;
  bool control;
  const char *bytes = qe_token_bytes (self->opened, id, &length, &control);

  return g_utf8_make_valid (bytes ? bytes : "", (gssize) length);
}

static void
quern_open_file_finalize (GObject *object)
{
  QuernOpenFile *self = QUERN_OPEN_FILE (object);

  _quern_stepper_free (self->stepper);
  qe_model_free (self->opened);
  g_free (self->path);
  G_OBJECT_CLASS (quern_open_file_parent_class)->finalize (object);
}

static void
quern_open_file_class_init (QuernOpenFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_open_file_finalize;
}

static void
quern_open_file_init (QuernOpenFile *self)
{
}
