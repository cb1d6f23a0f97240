/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "format/gguf/qe-name-index.h"
#include "format/gguf/qe-sigbus.h"

#include <sys/stat.h>

/* Value types of keys, as stored. */
typedef enum {
  QE_GGUF_U8,
  QE_GGUF_I8,
  QE_GGUF_U16,
  QE_GGUF_I16,
  QE_GGUF_U32,
  QE_GGUF_I32,
  QE_GGUF_F32,
  QE_GGUF_BOOL,
  QE_GGUF_STRING,
  QE_GGUF_ARRAY,
  QE_GGUF_U64,
  QE_GGUF_I64,
  QE_GGUF_F64,
  QE_GGUF_N_TYPES
} QeGgufType;

/* One key. Positions are offsets into the header's bytes, because the buffer moves while a file is read. */
typedef struct {
  uint64_t name;
  uint32_t name_length;
  uint32_t type; /* of the value, or of the elements of an array */
  bool is_array;
  uint64_t count; /* elements of an array, 1 otherwise */
  uint64_t value; /* first byte; of a string: its length field */
  uint64_t end;   /* past the last byte */
} QeGgufKey;

/* A parsed header. Its bytes are private memory (or the caller's buffer), never the mapping: what was checked here
 * cannot change behind our back. */
typedef struct {
  const uint8_t *bytes;
  uint8_t *owned; /* the same, when read from a file */
  uint64_t size;  /* of the header, up to the tensor data's padding */
  uint64_t file_size;
  uint64_t data_start;
  uint64_t alignment;
  QeGgufKey *keys;
  size_t n_keys;
  QeTensor *tensors; /* .data is NULL here */
  uint64_t *offsets; /* of each tensor in the data section */
  size_t n_tensors;
  char *names; /* NUL-terminated tensor names, one after the other */
} QeGgufHeader;

typedef struct {
  QeGgufHeader header;
  int fd;           /* -1 for a buffer */
  struct stat seen; /* when it was opened */
  QeMapping mapping;
} QeGgufPart;

struct QeGguf {
  QeGgufPart *parts;
  size_t n_parts;
  QeTensor *tensors; /* of all parts */
  size_t n_tensors;
  QeNameIndex keys; /* of the first part: all metadata is there */
  QeNameIndex tensor_index;
};

/* Parses a header from a file (fd >= 0; reads no more than needed) or from a buffer. On failure the header is clear.
 * QE_ERROR_MORE: the buffer ends inside a header that is sound so far. */
QeStatus qe_gguf_header_read (QeGgufHeader *header, int fd, uint64_t file_size, QeError *err);
QeStatus qe_gguf_header_parse (QeGgufHeader *header, const void *data, size_t size, uint64_t file_size, QeError *err);
void qe_gguf_header_clear (QeGgufHeader *header);
size_t qe_gguf_value_size (uint32_t type); /* bytes; 0 for strings, arrays and unknown types */

const QeGgufKey *qe_gguf_key (const QeGguf *gguf, const char *key); /* NULL when absent */
