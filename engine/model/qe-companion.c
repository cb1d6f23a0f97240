/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-companion.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qe-error.h"

#define PREFIX "mtp-" /* what llama.cpp's converter and publishers begin the names of such files with */
#define SUFFIX ".gguf"

/* ---- which blocks a file has ----------------------------------------------------------------------------------- */

QeStatus
qe_companion_settle (QeConfig *config, const QeGguf *gguf, QeError *err)
{
  bool has_trunk = false, has_prediction = false;
  if (!config->n_mtp)
    return QE_OK;
  for (size_t i = 0; i < qe_gguf_n_tensors (gguf); i++) {
    unsigned block;
    int end = 0;
    if (sscanf (qe_gguf_tensor (gguf, i)->name, "blk.%5u.%n", &block, &end) == 1 && end)
      *(block < config->n_layers ? &has_trunk : &has_prediction) = true;
  }
  if (has_prediction && !has_trunk)
    return qe_fail (
        err, QE_ERROR_UNSUPPORTED,
        "This file holds only the prediction block of a model. Open the model itself: with this file in its "
        "folder, Quern uses both.");
  if (!has_prediction)
    config->n_mtp = 0;
  return QE_OK;
}

/* ---- whose they are -------------------------------------------------------------------------------------------- */

#define MAX_NAMES 3
typedef struct {
  char text[MAX_NAMES][128];
} Names;

/* Appends letters and digits alone, in lower case: “Qwen3.8 27B” and “Qwen3.8-27B” are one name. */
static void
add_plainly (char *out, size_t size, const QeGguf *gguf, const char *key)
{
  const char *text;
  size_t length, n = strlen (out);
  if (!qe_gguf_get_string (gguf, key, &text, &length))
    return;
  for (size_t i = 0; i < length && n + 1 < size; i++) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? (char) (text[i] - 'A' + 'a') : text[i];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char) c >= 0x80)
      out[n++] = c;
  }
  out[n] = '\0';
}

/* What a file calls its model, and the model that it was made of. */
static Names
read_names (const QeGguf *gguf)
{
  Names names = { 0 };
  add_plainly (names.text[0], sizeof names.text[0], gguf, "general.name");
  add_plainly (names.text[1], sizeof names.text[1], gguf, "general.base_model.0.name");
  add_plainly (names.text[2], sizeof names.text[2], gguf, "general.basename");
  if (names.text[2][0])
    add_plainly (names.text[2], sizeof names.text[2], gguf, "general.size_label");
  return names;
}

/* ---- finding one ----------------------------------------------------------------------------------------------- */

static int
is_candidate (const struct dirent *entry)
{
  const char *name = entry->d_name;
  const size_t length = strlen (name);
  return length > strlen (PREFIX SUFFIX) && !strncasecmp (name, PREFIX, strlen (PREFIX))
         && !strcasecmp (name + length - strlen (SUFFIX), SUFFIX);
}

QeGguf *
qe_companion_open (const char *path, const QeGguf *gguf, const QeConfig *config, bool map_data, uint32_t *n_mtp,
                   char *name, size_t size)
{
  const char *slash = strrchr (path, '/');
  const int folder = slash ? (int) (slash - path + 1) : 0;
  char whole[4096];
  struct dirent **entries;
  QeGguf *found = NULL;
  snprintf (whole, sizeof whole, "%.*s", folder ? folder : 1, folder ? path : ".");
  const int n = scandir (whole, &entries, is_candidate, alphasort); /* the same one whatever the folder's own order */
  for (int i = 0; i < n; i++) {
    const int length = snprintf (whole, sizeof whole, "%.*s%s", folder, path, entries[i]->d_name);
    if (!found && length < (int) sizeof whole) {
      QeGguf *other = NULL;
      QeConfig *c = malloc (sizeof *c);
      bool fits = c && qe_gguf_open (&other, whole, map_data, NULL) == QE_OK && qe_config_read (c, other, NULL) == QE_OK
                  && c->n_mtp && qe_companion_settle (c, other, NULL) == QE_ERROR_UNSUPPORTED;
      /* Everything that the shapes of the block depend on is equal. */
      fits = fits && c->moe == config->moe && c->n_layers == config->n_layers && c->n_embd == config->n_embd
             && c->n_ff == config->n_ff && c->n_heads == config->n_heads && c->n_kv_heads == config->n_kv_heads
             && c->head_size == config->head_size && c->rope_dims == config->rope_dims
             && c->n_experts == config->n_experts && c->n_experts_used == config->n_experts_used
             && c->n_ff_expert == config->n_ff_expert && c->n_ff_shared == config->n_ff_shared;
      if (fits) { /* and they share a name */
        const Names left = read_names (gguf), right = read_names (other);
        fits = false;
        for (int a = 0; a < MAX_NAMES; a++)
          for (int b = 0; left.text[a][0] && b < MAX_NAMES; b++)
            fits = fits || !strcmp (left.text[a], right.text[b]);
      }
      if (fits) {
        found = other;
        *n_mtp = c->n_mtp;
        snprintf (name, size, "%s", entries[i]->d_name);
      } else {
        qe_gguf_free (other);
      }
      free (c);
    }
    free (entries[i]);
  }
  if (n >= 0)
    free (entries);
  return found;
}
