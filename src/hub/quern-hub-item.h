/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "qe.h"

G_BEGIN_DECLS

/* A file of a repository. */
typedef struct {
  char *path; /* inside the repository */
  char *
      name; /* that it gets on this computer: the path's last part, or more where that is not unique in the repository */
  guint64 size;
  char *sha256; /* NULL when the hub keeps none */
} QuernHubFile;

QuernHubFile *quern_hub_file_new (const char *path, guint64 size, const char *sha256);
QuernHubFile *quern_hub_file_copy (const QuernHubFile *file);
void quern_hub_file_free (QuernHubFile *file);

/* One quantisation of a repository, as people choose it: its file or all parts of a split one, and the vision file that
 * goes with it. */
#define QUERN_TYPE_HUB_ITEM (quern_hub_item_get_type ())
G_DECLARE_FINAL_TYPE (QuernHubItem, quern_hub_item, QUERN, HUB_ITEM, GObject)

QuernHubItem *quern_hub_item_new (const char *label);
void quern_hub_item_set_label (QuernHubItem *self, const char *label);
void quern_hub_item_add_file (QuernHubItem *self, QuernHubFile *file);
void quern_hub_item_set_vision (QuernHubItem *self, const QuernHubFile *vision);
void quern_hub_item_set_parameters (QuernHubItem *self, guint64 parameters);
void quern_hub_item_set_info (QuernHubItem *self, const QeModelInfo *info);

const char *quern_hub_item_get_label (QuernHubItem *self);
guint64 quern_hub_item_get_bytes (QuernHubItem *self);
guint64 quern_hub_item_get_vision_bytes (QuernHubItem *self);
double quern_hub_item_get_bits_per_weight (QuernHubItem *self);
guint quern_hub_item_get_n_files (QuernHubItem *self);
const QuernHubFile *quern_hub_item_get_file (QuernHubItem *self, guint index);
const QuernHubFile *quern_hub_item_get_vision (QuernHubItem *self);
const QeModelInfo *quern_hub_item_get_info (QuernHubItem *self);
gboolean quern_hub_item_get_info_exact (QuernHubItem *self);
const char *quern_hub_item_get_program (QuernHubItem *self);
char *quern_hub_label_from_name (const char *name);
const char *quern_hub_program_from_name (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernHubFile, quern_hub_file_free)

G_END_DECLS
