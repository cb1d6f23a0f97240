/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-hub-item.h"

#include "quern-model-name.h"

struct _QuernHubItem {
  GObject parent_instance;

  char *label;
  GPtrArray *files;
  QuernHubFile *vision;
  guint64 bytes, parameters;
  gboolean has_info;
  QeModelInfo info;
};

enum { PROP_0, PROP_LABEL, PROP_BYTES, PROP_VISION_BYTES, PROP_BITS_PER_WEIGHT, PROP_PROBED, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernHubItem, quern_hub_item, G_TYPE_OBJECT)

QuernHubFile *
quern_hub_file_new (const char *path, guint64 size, const char *sha256)
{
  QuernHubFile *file = g_new0 (QuernHubFile, 1);

  file->path = g_strdup (path);
  file->name = g_path_get_basename (path);
  file->size = size;
  file->sha256 = g_strdup (sha256);
  return file;
}

QuernHubFile *
quern_hub_file_copy (const QuernHubFile *file)
{
  QuernHubFile *copy = quern_hub_file_new (file->path, file->size, file->sha256);

  g_set_str (&copy->name, file->name);
  return copy;
}

void
quern_hub_file_free (QuernHubFile *file)
{
  if (file == NULL)
    return;
  g_free (file->path);
  g_free (file->name);
  g_free (file->sha256);
  g_free (file);
}

static void
quern_hub_item_finalize (GObject *object)
{
  QuernHubItem *self = QUERN_HUB_ITEM (object);

  g_free (self->label);
  g_ptr_array_unref (self->files);
  quern_hub_file_free (self->vision);
  G_OBJECT_CLASS (quern_hub_item_parent_class)->finalize (object);
}

static void
quern_hub_item_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernHubItem *self = QUERN_HUB_ITEM (object);

  switch (id) {
  case PROP_LABEL: g_value_set_string (value, self->label); break;
  case PROP_BYTES: g_value_set_uint64 (value, self->bytes); break;
  case PROP_VISION_BYTES: g_value_set_uint64 (value, quern_hub_item_get_vision_bytes (self)); break;
  case PROP_BITS_PER_WEIGHT: g_value_set_double (value, quern_hub_item_get_bits_per_weight (self)); break;
  case PROP_PROBED: g_value_set_boolean (value, self->has_info); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_hub_item_class_init (QuernHubItemClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = quern_hub_item_finalize;
  object_class->get_property = quern_hub_item_get_property;
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  properties[PROP_BYTES] = g_param_spec_uint64 ("bytes", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_VISION_BYTES] = g_param_spec_uint64 ("vision-bytes", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_BITS_PER_WEIGHT] = g_param_spec_double ("bits-per-weight", NULL, NULL, 0, 64, 0, flags);
  properties[PROP_PROBED] = g_param_spec_boolean ("probed", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_hub_item_init (QuernHubItem *self)
{
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_hub_file_free);
}

QuernHubItem *
quern_hub_item_new (const char *label)
{
  QuernHubItem *self = g_object_new (QUERN_TYPE_HUB_ITEM, NULL);

  self->label = g_strdup (label);
  return self;
}

/* Before it is handed out. */
void
quern_hub_item_set_label (QuernHubItem *self, const char *label)
{
  g_return_if_fail (QUERN_IS_HUB_ITEM (self));
  g_set_str (&self->label, label);
}

/* Takes the file; parts are to be added in order. */
void
quern_hub_item_add_file (QuernHubItem *self, QuernHubFile *file)
{
  g_return_if_fail (QUERN_IS_HUB_ITEM (self));
  g_ptr_array_add (self->files, file);
  self->bytes += file->size;
}

void
quern_hub_item_set_vision (QuernHubItem *self, const QuernHubFile *vision)
{
  g_return_if_fail (QUERN_IS_HUB_ITEM (self));
  g_clear_pointer (&self->vision, quern_hub_file_free);
  if (vision != NULL)
    self->vision = quern_hub_file_copy (vision);
}

void
quern_hub_item_set_parameters (QuernHubItem *self, guint64 parameters)
{
  g_return_if_fail (QUERN_IS_HUB_ITEM (self));
  self->parameters = parameters;
}

/* What the file's header says (quern_hub_probe_async()). */
void
quern_hub_item_set_info (QuernHubItem *self, const QeModelInfo *info)
{
  g_return_if_fail (QUERN_IS_HUB_ITEM (self));
  self->info = *info;
  self->has_info = TRUE;
  if (self->files->len > 1) {
    /* The header of a split file's first part knows its own tensors only: the sums are stretched to all parts. */
    const QuernHubFile *first = self->files->pdata[0];
    double ratio = first->size > 0 ? (double) self->bytes / (double) first->size : 1;
    guint64 parameters = self->parameters > 0 ? self->parameters : (guint64) (self->info.parameters * ratio);

    if (self->info.parameters > 0)
      self->info.active_parameters = (guint64) ((double) self->info.active_parameters / self->info.parameters
                                                * parameters);
    self->info.parameters = parameters;
    self->info.tensor_bytes *= ratio;
    self->info.decode_bytes *= ratio;
    self->info.sketched_bytes *= ratio;
    self->info.file_bytes = self->bytes;
    self->info.n_parts = self->files->len;
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROBED]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BITS_PER_WEIGHT]);
}

const char *
quern_hub_item_get_label (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), NULL);
  return self->label;
}

/* Of the model, without the vision file. */
guint64
quern_hub_item_get_bytes (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), 0);
  return self->bytes;
}

guint64
quern_hub_item_get_vision_bytes (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), 0);
  return self->vision != NULL ? self->vision->size : 0;
}

/* 0: not known yet. */
double
quern_hub_item_get_bits_per_weight (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), 0);
  if (self->has_info && self->files->len == 1)
    return self->info.bits_per_weight;
  return self->parameters > 0 ? MIN (64, 8.0 * (double) self->bytes / (double) self->parameters) : 0;
}

guint
quern_hub_item_get_n_files (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), 0);
  return self->files->len;
}

const QuernHubFile *
quern_hub_item_get_file (QuernHubItem *self, guint index)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self) && index < self->files->len, NULL);
  return self->files->pdata[index];
}

/* Returns: (nullable): the vision file */
const QuernHubFile *
quern_hub_item_get_vision (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), NULL);
  return self->vision;
}

/* Returns: (nullable): the header's facts, for qe_plan_memory(); %NULL before they were read */
const QeModelInfo *
quern_hub_item_get_info (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), NULL);
  return self->has_info ? &self->info : NULL;
}

/* Whether the facts are the header's own; for a split file some are estimated from the first part. */
gboolean
quern_hub_item_get_info_exact (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), FALSE);
  return self->has_info && self->files->len == 1;
}

/* Quantisations that only one program knows, as its files are called. */
static const struct {
  const char *program, *names;
} programs[] = {
  { "ik_llama.cpp", "IQ[1-6]_(?:KSS|KS|KL|KT|K|BN)|Q6_0|Q8_KV|(?:I?Q[1-8]_[A-Z0-9_]*[A-Z0-9]|BF16)_R(?:4|8|16)" },
  { "PrismML’s llama.cpp", "PQ[12]_0" },
  { "TurboQuant’s llama.cpp", "TQ[34]_[0-9]S?" },
  { "ROCmFP’s llama.cpp", "(?:Q[1-8]_[01]_)?ROCMFP[0-9]+(?:_[A-Z]+)*" },
};

/**
 * quern_hub_program_from_name:
 * @name: a file's name
 *
 * Returns: (nullable): the only program that runs a file of this name, where that is not Quern. What is not known by name
 * is %NULL; the file's header tells.
 */
const char *
quern_hub_program_from_name (const char *name)
{
  static GRegex *regexes[G_N_ELEMENTS (programs)];
  static gsize made;

  if (g_once_init_enter (&made)) {
    for (guint i = 0; i < G_N_ELEMENTS (programs); i++) {
      g_autofree char *pattern = g_strdup_printf ("(?<![A-Za-z0-9])(?:%s)(?:_R(?:4|8|16))?(?![A-Za-z0-9_])",
                                                  programs[i].names);
      regexes[i] = g_regex_new (pattern, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
    }
    g_once_init_leave (&made, 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_regex_match (regexes[i], name, 0, NULL))
      return programs[i].program;
  return NULL;
}

/* Returns: (nullable): see quern_hub_program_from_name() */
const char *
quern_hub_item_get_program (QuernHubItem *self)
{
  g_return_val_if_fail (QUERN_IS_HUB_ITEM (self), NULL);
  return quern_hub_program_from_name (((QuernHubFile *) self->files->pdata[0])->name);
}

/**
 * quern_hub_label_from_name:
 * @name: a file's name without its ending, e.g. "Qwen3.5-4B-UD-Q4_K_XL"
 *
 * Returns: (transfer full): the quantisation in it, e.g. "UD-Q4_K_XL", or the name itself
 */
char *
quern_hub_label_from_name (const char *name)
{
  g_autofree char *label = quern_quantisation_from_name (name);

  return label ? g_steal_pointer (&label) : g_strdup (name);
}
