#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the codebooks of iq_grids/ (little-endian words) into a C file: embed-grids.py OUT FILE.bin…"""
import os
import struct
import sys

WORDS = {"iq3xxs": 4, "iq3s": 4}  # bytes a word; the others have 8



def codes(words):
    """For entries of four values: the numbers of the first two values, a nibble each, and of the last two."""
    values = sorted({w >> (8 * b) & 255 for w in words for b in range(4)})
    return [[values.index(w >> at & 255) | values.index(w >> (at + 8) & 255) << 4 for w in words] for at in (0, 16)]


with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write("/* Codebooks that define the IQ formats. Origin: ggml, MIT licence, Copyright (c) 2023-2026 The ggml\n"
              " * authors. Generated from engine/format/quant/iq_grids/ by embed-grids.py. */\n"
              '#include "format/quant/qe-quant-internal.h"\n')
    for path in sys.argv[2:]:
        name = os.path.basename(path).removesuffix("_grid.bin")
        size = WORDS.get(name, 8)
        with open(path, "rb") as f:
            data = f.read()
        words = struct.unpack(f"<{len(data) // size}{'IQ'[size == 8]}", data)
        out.write(f"\nconst uint{size * 8}_t qe_{name}_grid[{len(words)}] = {{\n")
        for i in range(0, len(words), 4):
            out.write("  " + " ".join(f"0x{w:0{size * 2}x}," for w in words[i:i + 4]) + "\n")
        out.write("};\n")
        if size == 4:
            out.write(f"\nconst uint8_t qe_{name}_codes[2][{len(words)}] __attribute__ ((aligned (64))) = {{\n")
            for part in codes(words):
                out.write("  { " + "".join(f"{c}," for c in part) + " },\n")
            out.write("};\n")
