/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model on disk: one GGUF file, or the parts of a split one, with one index over all their tensors. */
#include "format/gguf/qe-gguf-private.h"
#include "qe-error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_PARTS 1000
#define PART_SUFFIX "-00001-of-00001.gguf" /* "-%05u-of-%05u.gguf", counted from 1 */

static const char *
base_name (const char *path)
{
  const char *slash = strrchr (path, '/');
  return slash ? slash + 1 : path;
}

/* ---- one part -------------------------------------------------------------------------------------------------- */

static QeStatus
open_part (QeGgufPart *part, const char *path, bool map_data, QeError *err)
{
  part->fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
  if (part->fd < 0)
    return qe_fail (err, QE_ERROR_IO, "“%s” could not be opened: %s.", base_name (path), strerror (errno));
  if (fstat (part->fd, &part->seen) != 0)
    return qe_fail (err, QE_ERROR_IO, "“%s” could not be examined: %s.", base_name (path), strerror (errno));
  if (!S_ISREG (part->seen.st_mode))
    return qe_fail (err, QE_ERROR_FORMAT, "“%s” is not a file. Choose a GGUF file.", base_name (path));
  QeStatus status = qe_gguf_header_read (&part->header, part->fd, (uint64_t) part->seen.st_size, err);
  if (status == QE_OK && map_data && !qe_mapping_open (&part->mapping, part->fd, (size_t) part->seen.st_size))
    status = qe_fail (err, QE_ERROR_IO, "“%s” could not be mapped into memory: %s.", base_name (path),
                      strerror (errno));
  return status;
}

/* ---- indices --------------------------------------------------------------------------------------------------- */

static QeStatus
index_keys (QeGguf *gguf, QeError *err)
{
  const QeGgufHeader *header = &gguf->parts[0].header;
  if (!qe_name_index_init (&gguf->keys, header->n_keys))
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  for (size_t i = 0; i < header->n_keys; i++) {
    const QeGgufKey *key = &header->keys[i];
    const char *name = (const char *) header->bytes + key->name;
    if (!qe_name_index_add (&gguf->keys, name, key->name_length, (uint32_t) i))
      return qe_fail (err, QE_ERROR_FORMAT, "The model file is damaged: the key “%.*s” occurs twice.",
                      key->name_length < 100 ? (int) key->name_length : 100, name);
  }
  return QE_OK;
}

static QeStatus
index_tensors (QeGguf *gguf, QeError *err)
{
  size_t total = 0;
  for (size_t p = 0; p < gguf->n_parts; p++)
    total += gguf->parts[p].header.n_tensors;
  gguf->tensors = malloc ((total + 1) * sizeof *gguf->tensors);
  if (!gguf->tensors || !qe_name_index_init (&gguf->tensor_index, total))
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  for (size_t p = 0; p < gguf->n_parts; p++) {
    const QeGgufHeader *header = &gguf->parts[p].header;
    const uint8_t *data = gguf->parts[p].mapping.data;
    for (size_t i = 0; i < header->n_tensors; i++) {
      QeTensor t = header->tensors[i];
      t.data = data ? data + header->data_start + header->offsets[i] : NULL;
      if (!qe_name_index_add (&gguf->tensor_index, t.name, strlen (t.name), (uint32_t) gguf->n_tensors))
        return qe_fail (err, QE_ERROR_FORMAT, "The model file is damaged: tensor “%s” occurs twice.", t.name);
      gguf->tensors[gguf->n_tensors++] = t;
    }
  }
  return QE_OK;
}

/* ---- split models ---------------------------------------------------------------------------------------------- */

/* A number of a part's header, `otherwise` when it has none. */
static uint64_t
part_number (const QeGgufHeader *header, const char *name, uint64_t otherwise)
{
  QeGgufPart part = { .header = *header, .fd = -1 };
  QeGguf view = { .parts = &part, .n_parts = 1 };
  uint64_t value = otherwise;
  if (index_keys (&view, NULL) == QE_OK)
    qe_gguf_get_u64 (&view, name, &value);
  qe_name_index_clear (&view.keys);
  return value;
}

/* The first part says how many there are; the file name says where they lie. */
static QeStatus
open_other_parts (QeGguf *gguf, const char *path, bool map_data, QeError *err)
{
  const QeGgufHeader *header = &gguf->parts[0].header;
  uint64_t n = part_number (header, "split.count", 1), no = part_number (header, "split.no", 0);
  if (n <= 1)
    return QE_OK;
  if (n > MAX_PARTS || no >= n)
    return qe_fail (err, QE_ERROR_FORMAT, "The model file is damaged: it claims to be part %llu of %llu.",
                    (unsigned long long) no + 1, (unsigned long long) n);
  if (no != 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "“%s” is part %u of %u of a model. Open the first part instead.",
                    base_name (path), (unsigned) no + 1, (unsigned) n);
  char suffix[64];
  size_t length = strlen (path);
  snprintf (suffix, sizeof suffix, "-00001-of-%05u.gguf", (unsigned) n);
  if (length <= strlen (suffix) || strcmp (path + length - strlen (suffix), suffix) != 0)
    return qe_fail (err, QE_ERROR_FORMAT, "This is the first of %u parts of a model: its name must end in “%s”.",
                    (unsigned) n, suffix);
  QeGgufPart *parts = realloc (gguf->parts, n * sizeof *parts);
  if (!parts)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open the model.");
  gguf->parts = parts;
  const size_t stem = length - strlen (PART_SUFFIX);
  for (unsigned i = 1; i < n; i++) {
    gguf->parts[i] = (QeGgufPart) { .fd = -1 };
    gguf->n_parts = i + 1;
    /* The path is that of the first part with the number changed. */
    char *part = malloc (stem + 64);
    if (!part)
      return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open the model.");
    snprintf (part, stem + 64, "%.*s-%05u-of-%05u.gguf", (int) stem, path, i + 1, (unsigned) n);
    QeStatus status;
    if (access (part, F_OK) != 0)
      status = qe_fail (err, QE_ERROR_IO, "Part %u of %u of this model is missing: put “%s” into the same folder.",
                        i + 1, (unsigned) n, base_name (part));
    else
      status = open_part (&gguf->parts[i], part, map_data, err);
    if (status == QE_OK
        && (part_number (&gguf->parts[i].header, "split.no", UINT64_MAX) != i
            || part_number (&gguf->parts[i].header, "split.count", 0) != n))
      status = qe_fail (err, QE_ERROR_FORMAT, "“%s” is not part %u of %u of this model. Download it again.",
                        base_name (part), i + 1, (unsigned) n);
    free (part);
    if (status != QE_OK)
      return status;
  }
  return QE_OK;
}

/* ---- public ---------------------------------------------------------------------------------------------------- */

static QeGguf *
new_gguf (void)
{
  QeGguf *gguf = calloc (1, sizeof *gguf);
  if (gguf)
    gguf->parts = calloc (1, sizeof *gguf->parts);
  if (!gguf || !gguf->parts) {
    free (gguf);
    return NULL;
  }
  gguf->n_parts = 1;
  gguf->parts[0].fd = -1;
  return gguf;
}

/* Hands over what the steps before made, or frees it. */
static QeStatus
conclude (QeGguf **out, QeGguf *gguf, QeStatus status, QeError *err)
{
  if (status == QE_OK)
    status = index_keys (gguf, err);
  if (status == QE_OK)
    status = index_tensors (gguf, err);
  uint64_t total;
  if (status == QE_OK && gguf->n_parts > 1 && qe_gguf_get_u64 (gguf, "split.tensors.count", &total)
      && total != gguf->n_tensors)
    status = qe_fail (err, QE_ERROR_FORMAT,
                      "The parts of this model hold %zu tensors instead of %llu. Download it again.", gguf->n_tensors,
                      (unsigned long long) total);
  if (status == QE_OK)
    *out = gguf;
  else
    qe_gguf_free (gguf);
  return status;
}

QeStatus
qe_gguf_open (QeGguf **out, const char *path, bool map_data, QeError *err)
{
  *out = NULL;
  QeGguf *gguf = new_gguf ();
  if (!gguf)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open the model.");
  QeStatus status = open_part (&gguf->parts[0], path, map_data, err);
  if (status == QE_OK)
    status = open_other_parts (gguf, path, map_data, err);
  return conclude (out, gguf, status, err);
}

QeStatus
qe_gguf_parse (QeGguf **out, const void *data, size_t size, uint64_t file_size, QeError *err)
{
  *out = NULL;
  QeGguf *gguf = new_gguf ();
  if (!gguf)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open the model.");
  return conclude (out, gguf, qe_gguf_header_parse (&gguf->parts[0].header, data, size, file_size, err), err);
}

void
qe_gguf_free (QeGguf *gguf)
{
  if (!gguf)
    return;
  for (size_t i = 0; i < gguf->n_parts; i++) {
    qe_gguf_header_clear (&gguf->parts[i].header);
    qe_mapping_close (&gguf->parts[i].mapping);
    if (gguf->parts[i].fd >= 0)
      close (gguf->parts[i].fd);
  }
  qe_name_index_clear (&gguf->keys);
  qe_name_index_clear (&gguf->tensor_index);
  free (gguf->parts);
  free (gguf->tensors);
  free (gguf);
}

size_t
qe_gguf_n_tensors (const QeGguf *gguf)
{
  return gguf->n_tensors;
}

const QeTensor *
qe_gguf_tensor (const QeGguf *gguf, size_t i)
{
  return i < gguf->n_tensors ? &gguf->tensors[i] : NULL;
}

const QeTensor *
qe_gguf_find (const QeGguf *gguf, const char *name)
{
  uint32_t id;
  return qe_name_index_find (&gguf->tensor_index, name, strlen (name), &id) ? &gguf->tensors[id] : NULL;
}

uint64_t
qe_gguf_file_bytes (const QeGguf *gguf)
{
  uint64_t total = 0;
  for (size_t i = 0; i < gguf->n_parts; i++)
    total += gguf->parts[i].header.file_size;
  return total;
}

uint32_t
qe_gguf_n_parts (const QeGguf *gguf)
{
  return (uint32_t) gguf->n_parts;
}

QeStatus
qe_gguf_check_unchanged (const QeGguf *gguf, QeError *err)
{
  for (size_t i = 0; i < gguf->n_parts; i++) {
    /* The descriptor is held, so a file that was deleted or replaced by renaming stays whole for us; only one that was
     * written to or cut in place is lost. */
    const QeGgufPart *part = &gguf->parts[i];
    struct stat now;
    if (part->fd >= 0
        && (qe_mapping_lost (&part->mapping) || fstat (part->fd, &now) != 0 || now.st_size != part->seen.st_size
            || now.st_mtim.tv_sec != part->seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != part->seen.st_mtim.tv_nsec))
      return qe_fail (err, QE_ERROR_CHANGED,
                      "The model file was changed or cut short while it was in use. Load the model again.");
  }
  return QE_OK;
}

void
qe_gguf_prefetch (const QeGguf *gguf, const QeControl *control)
{
  const size_t slice = 16 * QE_HUGE_PAGE;
  uint64_t done = 0, total = qe_gguf_file_bytes (gguf);
  for (size_t i = 0; i < gguf->n_parts; i++) {
    const QeMapping *mapping = &gguf->parts[i].mapping;
    for (size_t at = 0; at < mapping->size; at += slice) {
      const size_t n = mapping->size - at < slice ? mapping->size - at : slice;
      if (control && control->cancelled && control->cancelled (control->data))
        return;
      /* The first byte of each huge page is read, as the kernel makes huge pages only where a page is missed, not where
       * it is told to read ahead. The hint is for what that leaves: huge pages of which a part was cached already, and
       * file systems that have none. Nothing depends on it. */
      const volatile uint8_t *part = (const uint8_t *) mapping->data + at;
      for (size_t k = 0; k < n; k += QE_HUGE_PAGE)
        (void) part[k];
      madvise ((void *) (uintptr_t) part, n, MADV_WILLNEED);
      done += n;
      if (control && control->progress)
        control->progress (control->data, done, total);
    }
  }
}
