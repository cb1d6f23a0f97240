/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe-test.h"

typedef struct {
  uint32_t width, height;
  uint8_t *rgb; /* [height][width][3], owned */
} QeTestPicture;

/* Reads a PNG file as 8-bit RGB. false and a failed check when it cannot. */
bool qe_test_picture_load (QeTestPicture *out, const char *path);
void qe_test_picture_clear (QeTestPicture *picture);
