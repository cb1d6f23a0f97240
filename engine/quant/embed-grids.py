#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the codebooks of iq_grids/ (little-endian words) into a C file: embed-grids.py OUT FILE.bin…"""
import os
import struct
import sys

WORDS = {"iq3xxs": 4, "iq3s": 4}  # bytes a word; the others have 8



def codes(words, size):
    """The tables that vpermi2b looks up: for each part of an entry, the codes of its values for every entry. Entries of
    four values: two nibbles a byte, two parts. Entries of eight: four times two bits a byte, two parts."""
    values = sorted({w >> (8 * b) & 255 for w in words for b in range(size)})
    half = size // 2
    return [[sum(values.index(w >> (8 * (half * part + b)) & 255) << (8 // half * b) for b in range(half)) for w in words]
            for part in range(2)]


CODED = ["iq2xxs", "iq2xs", "iq3xxs", "iq3s"]

with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write("/* Codebooks that define the IQ formats. Origin: ggml, MIT licence, Copyright (c) 2023-2026 The ggml\n"
              " * authors. Generated from engine/quant/iq_grids/ by embed-grids.py. */\n"
              '#include "quant/qe-quant-internal.h"\n')
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
        if name in CODED:
            out.write(f"\nconst uint8_t qe_{name}_codes[2][{len(words)}] __attribute__ ((aligned (64))) = {{\n")
            for part in codes(words, size):
                out.write("  { " + "".join(f"{c}," for c in part) + " },\n")
            out.write("};\n")
