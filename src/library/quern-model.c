/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-model-private.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "quern-library.h"
#include "quern-model-name.h"
#include "quern-scan.h"

struct _QuernModel {
  GObject parent_instance;

  char *id;
  char *title;
  char *detail; /* what tells it from another file of the same title and quantisation; NULL: there is none here */
  char *shown;  /* title with detail */
  char *quantisation;
  char *path; /* of the first part; NULL where there is no file */
  char *name; /* that another program, or its server, gave it; NULL: as the file is called */
  QuernFileStamp stamp;
  QeModelInfo info;
  char *vision_path; /* NULL without */
  QeVisionInfo vision_info;
  QuernModelOrigin origin;
  QuernModelState state;
  char *problem; /* a sentence, NULL when all is well */
  gboolean unverified;

  /* Of a model that runs elsewhere */
  GObject *server; /* NULL: it is a file here */
  char *place;
  guint context_length; /* in tokens, as the server has it; 0: not told */
  gboolean takes_context, sees;
};

enum { PROP_0, PROP_ID, PROP_TITLE, PROP_QUANTISATION, PROP_SIZE, PROP_STATE, PROP_PROBLEM, PROP_DEMO, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernModel, quern_model, G_TYPE_OBJECT)

static gint64
nanoseconds (const struct statx_timestamp *time)
{
  return time->tv_sec * G_GINT64_CONSTANT (1000000000) + time->tv_nsec;
}

/* FALSE for what is no regular file. follow: what links lead to; else a link is none. */
gboolean
_quern_file_stamp (const char *path, gboolean follow, QuernFileStamp *stamp)
{
  struct statx st;

  if (statx (AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) != 0
      || !S_ISREG (st.stx_mode))
    return FALSE;
  *stamp = (QuernFileStamp) { { makedev (st.stx_dev_major, st.stx_dev_minor), st.stx_ino,
                                st.stx_mask & STATX_BTIME ? nanoseconds (&st.stx_btime) : 0 },
                              st.stx_size,
                              nanoseconds (&st.stx_mtime) };
  return TRUE;
}

/* "/models/Qwen3.5-4B-Q8_0-00001-of-00002.gguf" -> "Qwen3.5-4B-Q8_0" */
char *
_quern_model_dup_stem (QuernModel *self)
{
  g_autofree char *name = self->name ? g_strdup (self->name) : g_path_get_basename (self->path);
  gsize length;

  if (g_str_has_suffix (name, ".gguf"))
    name[strlen (name) - strlen (".gguf")] = '\0';
  length = strlen (name);
  if (self->info.n_parts > 1 && length > strlen ("-00001-of-00002") && strstr (name, "-of-"))
    name[length - strlen ("-00001-of-00002")] = '\0';
  return g_steal_pointer (&name);
}

static void
quern_model_update_shown (QuernModel *self)
{
  g_free (self->shown);
  self->shown = self->detail ? g_strdup_printf ("%s (%s)", self->title, self->detail) : g_strdup (self->title);
}

/* Finds title and quantisation. The name of the file tells recipes apart that the header numbers alike, but is not
 * believed where the header contradicts it: such a file was renamed. */
static void
find_names (QuernModel *self)
{
  g_autofree char *stem = _quern_model_dup_stem (self);
  g_autofree char *quantisation = quern_quantisation_from_name (stem);
  g_autofree char *name = g_utf8_make_valid (self->info.name, -1);
  /* The digits of "UD-Q4_K_XL" and "IQ4_NL" are the same. */
  const char *bits = quantisation ? strpbrk (quantisation, "12345678") : NULL;
  const char *header_bits = strpbrk (self->info.quantisation, "12345678");

  g_free (self->title);
  self->title = quern_title_says_nothing (name) ? quern_title_from_name (stem) : g_steal_pointer (&name);
  if (bits && header_bits && strtoul (bits, NULL, 10) != strtoul (header_bits, NULL, 10))
    g_clear_pointer (&quantisation, g_free);
  g_set_str (&self->quantisation, quantisation ? quantisation : self->info.quantisation);
  quern_model_update_shown (self);
}

/* Reads the header; the result tells in its state whether the file is of use. */
QuernModel *
_quern_model_probe (const char *path)
{
  QuernModel *self = g_object_new (QUERN_TYPE_MODEL, NULL);
  QeError error = { 0 };
  QeStatus status = qe_model_probe (path, &self->info, &error);

  self->path = g_strdup (path);
  _quern_file_stamp (path, TRUE, &self->stamp);
  if (status != QE_OK) {
    memset (&self->info, 0, sizeof self->info);
    self->info.file_bytes = self->stamp.size;
    self->state = status == QE_ERROR_UNSUPPORTED ? QUERN_MODEL_UNSUPPORTED : QUERN_MODEL_DAMAGED;
    self->problem = g_utf8_make_valid (error.message, -1);
  }
  find_names (self);
  self->id = _quern_model_dup_stem (self);
  return self;
}

/* A vision file that belongs to none of the models beside it, to be shown as something that cannot be used alone. */
QuernModel *
_quern_model_new_vision (const char *path, const QeVisionInfo *info)
{
  QuernModel *self = g_object_new (QUERN_TYPE_MODEL, NULL);
  const char *base = info->names.base_model[0] ? info->names.base_model : info->name;
  g_autofree char *name = g_utf8_make_valid (base, -1);

  self->path = g_strdup (path);
  _quern_file_stamp (path, TRUE, &self->stamp);
  self->info.file_bytes = self->stamp.size;
  self->state = QUERN_MODEL_UNSUPPORTED;
  self->problem =
      quern_title_says_nothing (name)
          ? g_strdup (_("This is a vision file. None of the models beside it is the one that it belongs to."))
          : g_strdup_printf (_("This is a vision file for “%s”. None of the models beside it is that one."), name);
  find_names (self);
  self->id = _quern_model_dup_stem (self);
  return self;
}

/**
 * quern_model_new:
 * @path: a GGUF file, the first part of a split one
 *
 * For a file that is not in the library, such as one named on the command line. Reads its header, and that of a vision
 * file beside it; blocks.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL if the file is missing, damaged or of another kind
 */
QuernModel *
quern_model_new (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (QuernModel) self = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND, _("There is no file “%s”."), path);
    return NULL;
  }
  self = _quern_model_probe (path);
  if (self->state != QUERN_MODEL_OK) {
    g_set_error (error, QUERN_LIBRARY_ERROR,
                 self->state == QUERN_MODEL_DAMAGED ? QUERN_LIBRARY_ERROR_DAMAGED : QUERN_LIBRARY_ERROR_UNSUPPORTED,
                 _("“%s” cannot be used: %s"), path, self->problem);
    return NULL;
  }
  _quern_scan_beside (self);
  return g_steal_pointer (&self);
}

/**
 * quern_model_new_elsewhere:
 *
 * Returns: (transfer full): a model that has no file here; @facts is copied
 */
QuernModel *
quern_model_new_elsewhere (const QuernModelElsewhere *facts)
{
  QuernModel *self = g_object_new (QUERN_TYPE_MODEL, NULL);
  QeTemplateInfo *chat = &self->info.chat;

  self->origin = QUERN_ORIGIN_SERVER;
  self->id = g_strdup (facts->id);
  self->title = g_strdup (facts->title);
  self->quantisation = g_strdup ("");
  self->name = g_strdup (facts->name);
  self->place = g_strdup (facts->place);
  self->server = g_object_ref (facts->server);
  self->context_length = facts->context_length;
  self->takes_context = facts->takes_context;
  self->sees = facts->sees;
  self->state = facts->problem ? QUERN_MODEL_UNSUPPORTED : QUERN_MODEL_OK;
  self->problem = g_strdup (facts->problem);
  /* All that is said of a header and that a server says, too; the rest stays 0. */
  self->info.n_ctx_train = facts->takes_context ? facts->trained_length : facts->context_length;
  self->info.thinking_default = chat->thinking_default = facts->thinking_default;
  chat->thinking_switchable = facts->thinking_switchable;
  chat->takes_system = true;
  chat->takes_pictures = facts->sees;
  for (guint i = 0; facts->efforts && facts->efforts[i] && chat->n_efforts < QE_MAX_EFFORTS; i++)
    if (strlen (facts->efforts[i]) < sizeof chat->efforts[0])
      g_strlcpy (chat->efforts[chat->n_efforts++], facts->efforts[i], sizeof chat->efforts[0]);
  quern_model_update_shown (self);
  return self;
}

/* A copy that may be changed; models that were handed out are not. */
QuernModel *
_quern_model_copy (QuernModel *self)
{
  QuernModel *copy = g_object_new (QUERN_TYPE_MODEL, NULL);

  copy->id = g_strdup (self->id);
  copy->title = g_strdup (self->title);
  copy->shown = g_strdup (self->title);
  copy->quantisation = g_strdup (self->quantisation);
  copy->path = g_strdup (self->path);
  copy->name = g_strdup (self->name);
  copy->stamp = self->stamp;
  copy->info = self->info;
  copy->state = self->state;
  copy->problem = g_strdup (self->problem);
  return copy;
}

gboolean
_quern_model_is_current (QuernModel *self)
{
  QuernFileStamp now;

  return _quern_file_stamp (self->path, TRUE, &now) && memcmp (&now, &self->stamp, sizeof now) == 0;
}

gboolean
_quern_model_equal (QuernModel *self, QuernModel *other)
{
  return g_str_equal (self->path, other->path) && g_str_equal (self->id, other->id)
         && g_str_equal (self->shown, other->shown) && memcmp (&self->stamp, &other->stamp, sizeof self->stamp) == 0
         && g_strcmp0 (self->vision_path, other->vision_path) == 0 && self->origin == other->origin
         && self->unverified == other->unverified;
}

/* Under whatever names: caches are full of links. */
gboolean
_quern_model_is_same_file (QuernModel *self, QuernModel *other)
{
  return self->stamp.id.device == other->stamp.id.device && self->stamp.id.inode == other->stamp.id.inode;
}

const QuernFileId *
_quern_model_get_file_id (QuernModel *self)
{
  return &self->stamp.id;
}

void
_quern_model_set_id (QuernModel *self, const char *id)
{
  g_set_str (&self->id, id);
}

void
_quern_model_set_origin (QuernModel *self, QuernModelOrigin origin)
{
  self->origin = origin;
}

/* Whether one of its files is among those that nobody could verify. */
void
_quern_model_set_unverified (QuernModel *self, GHashTable *paths)
{
  const char *of = g_strrstr (self->path, "00001-of-");

  self->unverified = g_hash_table_contains (paths, self->path)
                     || (self->vision_path && g_hash_table_contains (paths, self->vision_path));
  for (guint part = 2; of && !self->unverified && part <= self->info.n_parts; part++) {
    g_autofree char *path = g_strdup_printf ("%.*s%05u%s", (int) (of - self->path), self->path, part,
                                             of + strlen ("00001"));
    self->unverified = g_hash_table_contains (paths, path);
  }
}

/* What another program calls a file whose own name says nothing. */
void
_quern_model_set_name (QuernModel *self, const char *name)
{
  g_set_str (&self->name, name);
  find_names (self);
}

/* What tells it from another file of the same title and quantisation (quern_models_tell_apart()). */
void
_quern_model_set_detail (QuernModel *self, const char *detail)
{
  g_set_str (&self->detail, detail);
  quern_model_update_shown (self);
}

void
_quern_model_set_vision (QuernModel *self, const char *path, const QeVisionInfo *info)
{
  g_set_str (&self->vision_path, path);
  self->vision_info = *info;
}

/**
 * quern_model_get_id:
 *
 * Returns: a short name that is unique on this computer, as `quern-cli list` prints it
 */
const char *
quern_model_get_id (QuernModel *self)
{
  return self->id;
}

/**
 * quern_model_get_title:
 *
 * Returns: what the file calls itself, or its file name; without the quantisation, but with what tells it from another
 *   file of the same title and quantisation
 */
const char *
quern_model_get_title (QuernModel *self)
{
  return self->shown;
}

/**
 * quern_model_is_kin:
 *
 * Returns: whether both call themselves the same: quantisations of one model
 */
gboolean
quern_model_is_kin (QuernModel *self, QuernModel *other)
{
  return g_str_equal (self->title, other->title);
}

/**
 * quern_model_dup_full_title:
 *
 * Returns: (transfer full): the title with the quantisation, "Quern Tiny Q8_0", or with the server, "Qwen3.5-4B (box.lan)"
 */
char *
quern_model_dup_full_title (QuernModel *self)
{
  g_autofree char *title = NULL;

  if (self->place)
    return g_strdup_printf ("%s (%s)", self->shown, self->place);
  if (!self->quantisation[0] || strstr (self->title, self->quantisation))
    return g_strdup (self->shown);
  title = g_strdup_printf ("%s %s", self->title, self->quantisation);
  return self->detail ? g_strdup_printf ("%s (%s)", title, self->detail) : g_steal_pointer (&title);
}

/**
 * quern_model_dup_choice:
 *
 * Returns: (transfer full): what tells it apart where people choose among models, the quantisation first: "Q8_0 · Quern Tiny"
 */
char *
quern_model_dup_choice (QuernModel *self)
{
  return self->quantisation[0] ? g_strdup_printf ("%s · %s", self->quantisation, self->shown) : g_strdup (self->shown);
}

/**
 * quern_model_get_quantisation:
 *
 * Returns: as the name of the file has it, "UD-Q4_K_XL", or else as its header says; "" for a file that cannot be used
 */
const char *
quern_model_get_quantisation (QuernModel *self)
{
  return self->quantisation;
}

/**
 * quern_model_get_path:
 *
 * Returns: (nullable): its file, the first of a split one; %NULL when it runs elsewhere
 */
const char *
quern_model_get_path (QuernModel *self)
{
  return self->path;
}

/**
 * quern_model_get_key:
 *
 * Returns: what no other model has: the path of its file, or the id of one that runs elsewhere
 */
const char *
quern_model_get_key (QuernModel *self)
{
  return self->path ? self->path : self->id;
}

/**
 * quern_model_is_remote:
 *
 * Returns: whether it runs elsewhere, so that it has no file here, needs no memory here, and what it is asked leaves this
 *   computer
 */
gboolean
quern_model_is_remote (QuernModel *self)
{
  return self->server != NULL;
}

/**
 * quern_model_get_place:
 *
 * Returns: (nullable): the name of the server where it runs; %NULL: here
 */
const char *
quern_model_get_place (QuernModel *self)
{
  return self->place;
}

/**
 * quern_model_get_name:
 *
 * Returns: (nullable): by which its server, or the program that keeps its file, knows it; %NULL: as the file is called
 */
const char *
quern_model_get_name (QuernModel *self)
{
  return self->name;
}

/**
 * quern_model_get_server:
 *
 * Returns: (transfer none) (nullable): what reaches a model that runs elsewhere; %NULL: it is here
 */
GObject *
quern_model_get_server (QuernModel *self)
{
  return self->server;
}

/**
 * quern_model_get_size:
 *
 * Returns: bytes on disk, of all parts and the vision file
 */
guint64
quern_model_get_size (QuernModel *self)
{
  return self->info.file_bytes + (self->vision_path ? self->vision_info.file_bytes : 0);
}

const QuernModelInfo *
quern_model_get_info (QuernModel *self)
{
  return &self->info;
}

/**
 * quern_model_get_vision_path:
 *
 * Returns: (nullable): the file that makes it see pictures
 */
const char *
quern_model_get_vision_path (QuernModel *self)
{
  return self->vision_path;
}

const QeVisionInfo *
quern_model_get_vision_info (QuernModel *self)
{
  return self->vision_path ? &self->vision_info : NULL;
}

/**
 * quern_model_needs_vision_file:
 *
 * Returns: whether its file holds a vision encoder that only Ollama can use, so that pictures need another file
 */
gboolean
quern_model_needs_vision_file (QuernModel *self)
{
  return self->info.has_vision_inside && !self->vision_path;
}

/**
 * quern_model_can_see:
 *
 * Returns: whether pictures may be shown to it; a server that does not say what its model can do is taken to refuse by itself
 */
gboolean
quern_model_can_see (QuernModel *self)
{
  return self->server ? self->sees : self->vision_path != NULL;
}

/**
 * quern_model_is_demo:
 *
 * Returns: whether it is Quern Tiny, which comes with the application and must be labelled as a demonstration
 */
gboolean
quern_model_is_demo (QuernModel *self)
{
  return self->origin == QUERN_ORIGIN_DEMO;
}

/**
 * quern_model_takes_tools:
 *
 * Returns: whether its chat template tells the model of tools
 */
gboolean
quern_model_takes_tools (QuernModel *self)
{
  return self->info.chat.tools != QE_TOOLS_NONE;
}

QuernModelOrigin
quern_model_get_origin (QuernModel *self)
{
  return self->origin;
}

/**
 * quern_model_get_keeper:
 *
 * Returns: (nullable): the other program that keeps this model and alone may delete it
 */
const char *
quern_model_get_keeper (QuernModel *self)
{
  switch (self->origin) {
  case QUERN_ORIGIN_OLLAMA: return "Ollama";
  case QUERN_ORIGIN_LM_STUDIO: return "LM Studio";
  case QUERN_ORIGIN_LLAMA_CPP: return "llama.cpp";
  case QUERN_ORIGIN_HUGGING_FACE: return "Hugging Face";
  case QUERN_ORIGIN_OWN:
  case QUERN_ORIGIN_DEMO:
  case QUERN_ORIGIN_FILE:
  case QUERN_ORIGIN_FOLDER:
  case QUERN_ORIGIN_SERVER:
  default: return NULL;
  }
}

QuernModelState
quern_model_get_state (QuernModel *self)
{
  return self->state;
}

/**
 * quern_model_get_problem:
 *
 * Returns: (nullable): why it cannot be used, one sentence
 */
const char *
quern_model_get_problem (QuernModel *self)
{
  return self->problem;
}

/**
 * quern_model_get_unverified:
 *
 * Returns: whether it was downloaded although nobody told a checksum to verify it with
 */
gboolean
quern_model_get_unverified (QuernModel *self)
{
  return self->unverified;
}

/**
 * quern_model_info_plan:
 * @n_ctx: the context's size in tokens
 *
 * What a conversation of that size will hold in memory with a model without its vision file, from the numbers in its
 * header.
 */
void
quern_model_info_plan (const QuernModelInfo *info, guint n_ctx, QuernMemoryPlan *plan)
{
  qe_plan_memory (info, &(QePlanParams) { .n_ctx = n_ctx, .speculative = true, .sketch = true }, plan);
}

static QePlanParams
plan_params (QuernModel *self, guint n_ctx, QuernKvType kv_type)
{
  return (QePlanParams) { .n_ctx = n_ctx,
                          .kv_type = (QeKvType) kv_type,
                          .vision = quern_model_get_vision_info (self),
                          .vision_pixels = QUERN_VISION_MAX_PIXELS,
                          .speculative = true };
}

/**
 * quern_model_plan:
 * @n_ctx: the context's size in tokens
 *
 * What a conversation of that size will hold in memory, from the numbers in the file: nothing of a model that runs elsewhere.
 */
void
quern_model_plan (QuernModel *self, guint n_ctx, QuernKvType kv_type, QuernMemoryPlan *plan)
{
  QePlanParams params = plan_params (self, n_ctx, kv_type);

  params.sketch = true;
  *plan = (QuernMemoryPlan) { 0 };
  if (!self->server)
    qe_plan_memory (&self->info, &params, plan);
}

/**
 * quern_model_plan_bare:
 * @n_ctx: the context's size in tokens
 * @n_threads: threads that compute; 0 for the default
 * @pictures: whether it will see pictures
 *
 * What a context will hold that decodes token by token and has no checkpoints; nothing of a model that runs elsewhere.
 */
void
quern_model_plan_bare (QuernModel *self, guint n_ctx, QuernKvType kv_type, guint n_threads, gboolean pictures,
                       QuernMemoryPlan *plan)
{
  QePlanParams params = plan_params (self, n_ctx, kv_type);

  params.n_threads = n_threads;
  params.checkpoint_bytes = UINT64_MAX;
  params.speculative = false;
  if (!pictures)
    params.vision = NULL;
  *plan = (QuernMemoryPlan) { 0 };
  if (!self->server)
    qe_plan_memory (&self->info, &params, plan);
}

/**
 * quern_model_largest_context:
 * @available: bytes
 *
 * Returns: the largest context in tokens whose plan, without a sketch of the head, fits @available; 0 when none does. Of a model
 *   that runs elsewhere: the largest that its server gives; 0: not told
 */
guint
quern_model_largest_context (QuernModel *self, QuernKvType kv_type, guint64 available)
{
  const QePlanParams params = plan_params (self, 0, kv_type);

  if (self->server)
    return MAX (self->info.n_ctx_train, self->context_length);
  return MIN (qe_plan_largest_context (&self->info, &params, available), self->info.n_ctx_train);
}

/**
 * quern_model_choose_context:
 * @wanted: tokens; 0: nobody has chosen
 *
 * Returns: tokens that its context will hold; 0 when a server does not tell, which then decides by itself what is too long
 */
guint
quern_model_choose_context (QuernModel *self, guint wanted)
{
  guint usual = self->context_length > 0 ? self->context_length : 4096;

  if (self->server && !self->takes_context)
    return self->context_length;
  return MIN (wanted > 0 ? wanted : usual, self->info.n_ctx_train > 0 ? self->info.n_ctx_train : G_MAXUINT);
}

static void
quern_model_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernModel *self = QUERN_MODEL (object);

  switch (prop_id) {
  case PROP_ID: g_value_set_string (value, self->id); break;
  case PROP_TITLE: g_value_set_string (value, self->shown); break;
  case PROP_QUANTISATION: g_value_set_string (value, self->quantisation); break;
  case PROP_SIZE: g_value_set_uint64 (value, quern_model_get_size (self)); break;
  case PROP_STATE: g_value_set_int (value, self->state); break;
  case PROP_PROBLEM: g_value_set_string (value, self->problem); break;
  case PROP_DEMO: g_value_set_boolean (value, quern_model_is_demo (self)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_model_finalize (GObject *object)
{
  QuernModel *self = QUERN_MODEL (object);

  g_free (self->id);
  g_free (self->title);
  g_free (self->detail);
  g_free (self->shown);
  g_free (self->quantisation);
  g_free (self->path);
  g_free (self->name);
  g_free (self->vision_path);
  g_free (self->problem);
  g_free (self->place);
  g_clear_object (&self->server);
  G_OBJECT_CLASS (quern_model_parent_class)->finalize (object);
}

static void
quern_model_class_init (QuernModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_model_get_property;
  object_class->finalize = quern_model_finalize;
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_QUANTISATION] = g_param_spec_string ("quantisation", NULL, NULL, NULL, flags);
  properties[PROP_SIZE] = g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, flags);
  properties[PROP_DEMO] = g_param_spec_boolean ("demo", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_model_init (QuernModel *self)
{
}
