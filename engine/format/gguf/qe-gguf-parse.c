/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header of a GGUF file: magic, version, counts, keys, tensor infos, padding, data (engine/doc/qwen35.md §2.1).
 *
 * Nothing here trusts the file. A count or length is compared with what is left of the file before anything is
 * allocated or skipped; arrays grow with the bytes that were really read, so a header that claims 2^60 keys costs
 * nothing. The reader pulls the file in as the parser asks for it, hence offsets instead of pointers until the end. */
#include "format/gguf/qe-gguf-private.h"
#include "qe-error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_HEADER ((uint64_t) 512 << 20) /* published files stay under 20 MiB */
#define MAX_TENSORS 100000
#define MAX_KEYS 100000
#define MAX_NAME 64
#define MAX_KEY_NAME 65535
#define MAX_NESTING 4

typedef struct {
  QeGgufHeader *header;
  int fd;            /* -1: nothing beyond `have` can be had */
  uint64_t have;     /* bytes at header->bytes */
  uint64_t capacity; /* of header->owned */
  uint64_t at;
  size_t keys_capacity, tensors_capacity, names_size, names_capacity;
  QeError *err;
} Reader;

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

/* Makes the next n bytes available at r->at. */
static QeStatus
need (Reader *r, uint64_t n)
{
  if (!qe_range_ok (r->at, n, r->header->file_size))
    return qe_fail (r->err, QE_ERROR_FORMAT,
                    "The model file is damaged or incomplete: it ends inside its header. Download it again.");
  uint64_t end = r->at + n;
  if (end <= r->have)
    return QE_OK;
  if (end > MAX_HEADER)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: its header is larger than %u MiB.",
                    (unsigned) (MAX_HEADER >> 20));
  if (r->fd < 0)
    return qe_fail (r->err, QE_ERROR_MORE, "More of the file is needed: its header goes on after %llu bytes.",
                    (unsigned long long) r->have);
  QeGgufHeader *header = r->header;
  uint64_t wanted = r->have * 2 > end ? r->have * 2 : end;
  wanted = wanted < 256 * 1024 ? 256 * 1024 : wanted;
  wanted = wanted > header->file_size ? header->file_size : wanted;
  if (wanted > r->capacity) {
    uint8_t *bytes = realloc (header->owned, wanted);
    if (!bytes)
      return qe_fail (r->err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
    header->bytes = header->owned = bytes;
    r->capacity = wanted;
  }
  while (r->have < wanted) {
    ssize_t got = pread (r->fd, header->owned + r->have, wanted - r->have, (off_t) r->have);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return qe_fail (r->err, QE_ERROR_IO, "The model file could not be read: %s.", strerror (errno));
    if (got == 0)
      return qe_fail (r->err, QE_ERROR_CHANGED, "The model file became shorter while it was being read.");
    r->have += (uint64_t) got;
  }
  return QE_OK;
}

static QeStatus
read_u32 (Reader *r, uint32_t *out)
{
  QeStatus status = need (r, 4);
  if (status != QE_OK)
    return status;
  memcpy (out, r->header->bytes + r->at, 4);
  r->at += 4;
  return QE_OK;
}

static QeStatus
read_u64 (Reader *r, uint64_t *out)
{
  QeStatus status = need (r, 8);
  if (status != QE_OK)
    return status;
  memcpy (out, r->header->bytes + r->at, 8);
  r->at += 8;
  return QE_OK;
}

static QeStatus
skip (Reader *r, uint64_t n)
{
  QeStatus status = need (r, n);
  if (status == QE_OK)
    r->at += n;
  return status;
}

/* A name: its offset and length. It is not empty and holds no NUL. */
static QeStatus
read_name (Reader *r, const char *what, uint64_t longest, uint64_t *offset, uint32_t *length)
{
  uint64_t n;
  QeStatus status = read_u64 (r, &n);
  if (status != QE_OK)
    return status;
  if (n == 0 || n > longest)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: the name of a %s is %llu bytes long.", what,
                    (unsigned long long) n);
  *offset = r->at;
  *length = (uint32_t) n;
  status = skip (r, n);
  if (status == QE_OK && memchr (r->header->bytes + *offset, 0, n))
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: the name of a %s holds a zero byte.", what);
  return status;
}

/* Room for one more element, doubling. */
static bool
grow (void **array, size_t *capacity, size_t n, size_t element)
{
  if (n < *capacity)
    return true;
  size_t bigger = *capacity ? *capacity * 2 : 64;
  void *moved = realloc (*array, bigger * element);
  if (!moved)
    return false;
  *array = moved;
  *capacity = bigger;
  return true;
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

size_t
qe_gguf_value_size (uint32_t type)
{
  static const uint8_t sizes[QE_GGUF_N_TYPES] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
  return type < QE_GGUF_N_TYPES ? sizes[type] : 0;
}

static QeStatus skip_array (Reader *r, uint32_t *element, uint64_t *count, uint64_t *first, int depth);

/* `count` values of one type. */
static QeStatus
skip_values (Reader *r, uint32_t type, uint64_t count, int depth)
{
  size_t size = qe_gguf_value_size (type);
  size_t smallest = size ? size : type == QE_GGUF_STRING ? 8 : 12;
  if (type >= QE_GGUF_N_TYPES)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: a key has the unknown value type %u.", type);
  if (count > (r->header->file_size - r->at) / smallest)
    return qe_fail (r->err, QE_ERROR_FORMAT,
                    "The model file is damaged or incomplete: a list of %llu values does not fit into it.",
                    (unsigned long long) count);
  if (size)
    return skip (r, size * count);
  if (type == QE_GGUF_STRING) {
    for (uint64_t i = 0; i < count; i++) {
      uint64_t n;
      if (qe_range_ok (r->at, 8, r->have)) { /* nearly always: half a million strings are skipped this way */
        memcpy (&n, r->header->bytes + r->at, 8);
        if (qe_range_ok (r->at + 8, n, r->have)) {
          r->at += 8 + n;
          continue;
        }
      }
      QeStatus status = read_u64 (r, &n);
      if (status == QE_OK)
        status = skip (r, n);
      if (status != QE_OK)
        return status;
    }
    return QE_OK;
  }
  for (uint64_t i = 0; i < count; i++) {
    uint32_t element;
    uint64_t n, first;
    QeStatus status = skip_array (r, &element, &n, &first, depth + 1);
    if (status != QE_OK)
      return status;
  }
  return QE_OK;
}

static QeStatus
skip_array (Reader *r, uint32_t *element, uint64_t *count, uint64_t *first, int depth)
{
  if (depth > MAX_NESTING)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: a key's lists are nested too deeply.");
  QeStatus status = read_u32 (r, element);
  if (status == QE_OK)
    status = read_u64 (r, count);
  *first = r->at;
  return status == QE_OK ? skip_values (r, *element, *count, depth) : status;
}

static QeStatus
read_key (Reader *r)
{
  QeGgufHeader *header = r->header;
  if (!grow ((void **) &header->keys, &r->keys_capacity, header->n_keys, sizeof *header->keys))
    return qe_fail (r->err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  QeGgufKey key = { .count = 1 };
  QeStatus status = read_name (r, "key", MAX_KEY_NAME, &key.name, &key.name_length);
  if (status == QE_OK)
    status = read_u32 (r, &key.type);
  if (status != QE_OK)
    return status;
  key.value = r->at;
  key.is_array = key.type == QE_GGUF_ARRAY;
  if (key.is_array)
    status = skip_array (r, &key.type, &key.count, &key.value, 0);
  else
    status = skip_values (r, key.type, 1, 0);
  key.end = r->at;
  if (status == QE_OK)
    header->keys[header->n_keys++] = key;
  return status;
}

/* ---- tensors --------------------------------------------------------------------------------------------------- */

#define TAKE_ANOTHER "Take a Q4_K_M or UD-Q4_K_XL file of the same model instead."

/* Shape and type to a size in bytes, without overflow. */
static QeStatus
measure_tensor (Reader *r, QeTensor *t, uint32_t type, const char *name)
{
  const QeTypeTraits *traits = qe_type_traits (type);
  if (traits->block_bytes == 0) {
    /* The format is named as people know it from file names. */
    const char *program, *format = qe_type_traits (type)->name;
    if (format)
      return qe_fail (r->err, QE_ERROR_UNSUPPORTED,
                      "This file holds weights in %s, a format that Quern cannot run. " TAKE_ANOTHER, format);
    format = qe_type_of_others (type, &program);
    if (format)
      return qe_fail (r->err, QE_ERROR_UNSUPPORTED,
                      "This file holds weights in %s, a format of %s that Quern cannot run. " TAKE_ANOTHER, format,
                      program);
    return qe_fail (r->err, QE_ERROR_UNSUPPORTED,
                    "This file holds weights in a format that Quern does not know (type number %u). " TAKE_ANOTHER,
                    type);
  }
  if (t->ne[0] % traits->block_elements)
    return qe_fail (r->err, QE_ERROR_FORMAT,
                    "The model file is damaged: the rows of tensor “%s” are not whole %s blocks.", name, traits->name);
  uint64_t elements = 1, size = 0;
  bool overflow = false;
  for (int i = 0; i < 4; i++)
    overflow = overflow || t->ne[i] == 0 || __builtin_mul_overflow (elements, t->ne[i], &elements);
  overflow = overflow || elements > INT64_MAX
             || __builtin_mul_overflow (elements / traits->block_elements, (uint64_t) traits->block_bytes, &size);
  if (overflow)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: tensor “%s” has an impossible shape.", name);
  t->type = (QeType) type;
  t->size = size;
  return QE_OK;
}

static QeStatus
read_tensor (Reader *r)
{
  QeGgufHeader *header = r->header;
  size_t offsets_capacity = r->tensors_capacity;
  if (!grow ((void **) &header->offsets, &offsets_capacity, header->n_tensors, sizeof *header->offsets)
      || !grow ((void **) &header->tensors, &r->tensors_capacity, header->n_tensors, sizeof *header->tensors))
    return qe_fail (r->err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  QeTensor t = { 0 };
  uint64_t name_offset;
  uint32_t length;
  QeStatus status = read_name (r, "tensor", MAX_NAME, &name_offset, &length);
  if (status != QE_OK)
    return status;
  /* The name is copied behind those of the earlier tensors. */
  while (r->names_capacity - r->names_size < (size_t) length + 1) {
    size_t n = r->names_capacity;
    if (!grow ((void **) &header->names, &r->names_capacity, n, 1))
      return qe_fail (r->err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  }
  const size_t name_at = r->names_size;
  memcpy (header->names + r->names_size, header->bytes + name_offset, length);
  header->names[r->names_size + length] = 0;
  r->names_size += (size_t) length + 1;
  const char *name = header->names + name_at;
  uint32_t type = 0;
  uint64_t offset = 0;
  if ((status = read_u32 (r, &t.n_dims)) != QE_OK)
    return status;
  if (t.n_dims == 0 || t.n_dims > 4)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: tensor “%s” has %u dimensions.", name,
                    t.n_dims);
  for (uint32_t i = 0; i < 4; i++) {
    t.ne[i] = 1;
    if (i < t.n_dims && (status = read_u64 (r, &t.ne[i])) != QE_OK)
      return status;
  }
  if ((status = read_u32 (r, &type)) != QE_OK || (status = read_u64 (r, &offset)) != QE_OK
      || (status = measure_tensor (r, &t, type, name)) != QE_OK)
    return status;
  if (offset % header->alignment)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: tensor “%s” is not aligned.", name);
  t.name = (const char *) (uintptr_t) name_at; /* an offset, until all are read */
  header->tensors[header->n_tensors] = t;
  header->offsets[header->n_tensors++] = offset;
  return QE_OK;
}

typedef struct {
  uint64_t start, end;
  size_t i;
} Extent;

static int
compare_extents (const void *a, const void *b)
{
  const Extent *x = a, *y = b;
  return x->start < y->start ? -1 : x->start > y->start;
}

/* Every tensor lies inside the file, and none on another. */
static QeStatus
check_extents (Reader *r)
{
  const QeGgufHeader *header = r->header;
  Extent *extents = malloc ((header->n_tensors + 1) * sizeof *extents);
  if (!extents)
    return qe_fail (r->err, QE_ERROR_MEMORY, "There is not enough memory for the header of the model file.");
  QeStatus status = QE_OK;
  uint64_t room = header->file_size > header->data_start ? header->file_size - header->data_start : 0;
  for (size_t i = 0; i < header->n_tensors && status == QE_OK; i++) {
    const QeTensor *t = &header->tensors[i];
    if (!qe_range_ok (header->offsets[i], t->size, room))
      status = qe_fail (r->err, QE_ERROR_FORMAT,
                        "The model file is incomplete or damaged: tensor “%s” ends past the end of the file. "
                        "Download it again.",
                        t->name);
    extents[i] = (Extent) { header->offsets[i], header->offsets[i] + t->size, i };
  }
  if (status == QE_OK)
    qsort (extents, header->n_tensors, sizeof *extents, compare_extents);
  for (size_t i = 1; i < header->n_tensors && status == QE_OK; i++)
    if (extents[i].start < extents[i - 1].end)
      status = qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: tensors “%s” and “%s” overlap.",
                        header->tensors[extents[i - 1].i].name, header->tensors[extents[i].i].name);
  free (extents);
  return status;
}

/* ---- header ---------------------------------------------------------------------------------------------------- */

static QeStatus
read_preamble (Reader *r, uint64_t *n_tensors, uint64_t *n_keys)
{
  uint32_t version;
  QeStatus status = QE_OK;
  if (r->header->file_size == 0)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is empty. Download it again.");
  if ((status = need (r, r->header->file_size < 24 ? r->header->file_size : 24)) != QE_OK)
    return status;
  if (r->header->file_size < 4 || memcmp (r->header->bytes, "GGUF", 4) != 0) {
    /* The message says what the file is instead, for the mistakes that people really make. */
    const char *bytes = (const char *) r->header->bytes;
    size_t n = r->have < 64 ? r->have : 64;
    if (n >= 8 && memcmp (bytes, "version ", 8) == 0)
      return qe_fail (r->err, QE_ERROR_FORMAT,
                      "This is a Git LFS pointer, not the model itself. Download the real file.");
    if (n > 0 && (bytes[0] == '<' || memmem (bytes, n, "<html", 5)))
      return qe_fail (r->err, QE_ERROR_FORMAT, "This is a web page, not a model. Download the file itself.");
    if (n >= 9 && bytes[8] == '{')
      return qe_fail (r->err, QE_ERROR_FORMAT, "This is a safetensors file. Quern runs GGUF files.");
    return qe_fail (r->err, QE_ERROR_FORMAT, "This is not a GGUF file.");
  }
  r->at = 4;
  if ((status = read_u32 (r, &version)) != QE_OK)
    return status;
  if (version && (version & 0xffff) == 0)
    return qe_fail (r->err, QE_ERROR_UNSUPPORTED, "This is a big-endian GGUF file; Quern runs little-endian ones.");
  if (version != 2 && version != 3)
    return qe_fail (r->err, QE_ERROR_UNSUPPORTED, "This is a GGUF file of version %u; Quern runs versions 2 and 3.",
                    version);
  if ((status = read_u64 (r, n_tensors)) != QE_OK || (status = read_u64 (r, n_keys)) != QE_OK)
    return status;
  /* the smallest key takes 14 bytes, the smallest tensor 33 */
  uint64_t left = r->header->file_size - r->at;
  if (*n_keys > MAX_KEYS || *n_tensors > MAX_TENSORS || *n_keys > left / 14 || *n_tensors > left / 33)
    return qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: it claims %llu keys and %llu tensors.",
                    (unsigned long long) *n_keys, (unsigned long long) *n_tensors);
  return QE_OK;
}

static QeStatus
qe_gguf_read_header (Reader *r)
{
  QeGgufHeader *header = r->header;
  uint64_t n_tensors = 0, n_keys = 0;
  QeStatus status = read_preamble (r, &n_tensors, &n_keys);
  for (uint64_t i = 0; i < n_keys && status == QE_OK; i++)
    status = read_key (r);
  /* The data section's alignment is itself a key. */
  static const char name[] = "general.alignment";
  header->alignment = 32;
  for (size_t i = 0; i < header->n_keys && status == QE_OK; i++) {
    const QeGgufKey *key = &header->keys[i];
    if (key->name_length != sizeof name - 1 || memcmp (header->bytes + key->name, name, sizeof name - 1) != 0)
      continue;
    uint32_t value = 0;
    if (!key->is_array && key->type == QE_GGUF_U32)
      memcpy (&value, header->bytes + key->value, 4);
    if (value < 8 || value > 1 << 20 || (value & (value - 1)))
      status = qe_fail (r->err, QE_ERROR_FORMAT, "The model file is damaged: its alignment is not a power of two.");
    header->alignment = value;
  }
  for (uint64_t i = 0; i < n_tensors && status == QE_OK; i++)
    status = read_tensor (r);
  if (status == QE_OK) {
    /* Offsets become pointers, and the memory that was read too much is given back. */
    if (header->owned) {
      uint8_t *shrunk = realloc (header->owned, r->at);
      if (shrunk)
        header->bytes = header->owned = shrunk;
    }
    for (size_t i = 0; i < header->n_tensors; i++)
      header->tensors[i].name = header->names + (uintptr_t) header->tensors[i].name;
    header->size = r->at;
    header->data_start = (r->at + header->alignment - 1) & ~(header->alignment - 1);
    status = check_extents (r);
  }
  if (status != QE_OK)
    qe_gguf_header_clear (r->header);
  return status;
}

QeStatus
qe_gguf_header_read (QeGgufHeader *header, int fd, uint64_t file_size, QeError *err)
{
  *header = (QeGgufHeader) { .file_size = file_size };
  Reader r = { .header = header, .fd = fd, .err = err };
  return qe_gguf_read_header (&r);
}

QeStatus
qe_gguf_header_parse (QeGgufHeader *header, const void *data, size_t size, uint64_t file_size, QeError *err)
{
  *header = (QeGgufHeader) { .bytes = data, .file_size = file_size };
  Reader r = { .header = header, .fd = -1, .have = size < file_size ? size : file_size, .err = err };
  return qe_gguf_read_header (&r);
}

void
qe_gguf_header_clear (QeGgufHeader *header)
{
  free (header->owned);
  free (header->keys);
  free (header->tensors);
  free (header->offsets);
  free (header->names);
  *header = (QeGgufHeader) { 0 };
}
