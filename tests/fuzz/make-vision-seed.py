#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes corpus/vision/whole.gguf: the smallest vision file that opens and encodes (one layer, 8 numbers a patch)."""
import pathlib
import random
import struct

H, M, P, OUT, SIDE, HEADS = 8, 12, 4, 4, 2, 2
K = H * 4
random.seed(35)


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


keys = [
    ("general.architecture", 8, text("clip")),
    ("clip.has_vision_encoder", 7, b"\1"),
    ("clip.projector_type", 8, text("qwen3vl_merger")),
    ("clip.vision.projection_dim", 4, struct.pack("<I", OUT)),
    ("clip.vision.patch_size", 4, struct.pack("<I", P)),
    ("clip.vision.embedding_length", 4, struct.pack("<I", H)),
    ("clip.vision.feed_forward_length", 4, struct.pack("<I", M)),
    ("clip.vision.block_count", 4, struct.pack("<I", 1)),
    ("clip.vision.attention.head_count", 4, struct.pack("<I", HEADS)),
    ("clip.vision.spatial_merge_size", 4, struct.pack("<I", 2)),
    ("clip.vision.image_min_pixels", 4, struct.pack("<I", 64)),
    ("clip.vision.image_max_pixels", 4, struct.pack("<I", 4096)),
    ("clip.vision.image_mean", 9, struct.pack("<IQ3f", 6, 3, 0.5, 0.5, 0.5)),
    ("clip.vision.is_deepstack_layers", 9, struct.pack("<IQ", 7, 1) + b"\0"),
]
tensors = [("v.patch_embd.weight", [P, P, 3, H]), ("v.patch_embd.weight.1", [P, P, 3, H]), ("v.patch_embd.bias", [H]),
           ("v.position_embd.weight", [H, SIDE * SIDE]), ("v.post_ln.weight", [H]), ("v.post_ln.bias", [H]),
           ("mm.0.weight", [K, K]), ("mm.0.bias", [K]), ("mm.2.weight", [K, OUT]), ("mm.2.bias", [OUT])]
for name, ne in [("ln1.weight", [H]), ("ln1.bias", [H]), ("ln2.weight", [H]), ("ln2.bias", [H]),
                 ("attn_qkv.weight", [H, 3 * H]), ("attn_qkv.bias", [3 * H]), ("attn_out.weight", [H, H]),
                 ("attn_out.bias", [H]), ("ffn_up.weight", [H, M]), ("ffn_up.bias", [M]),
                 ("ffn_down.weight", [M, H]), ("ffn_down.bias", [H])]:
    tensors.append(("v.blk.0." + name, ne))

head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
for key, kind, value in keys:
    head += text(key) + struct.pack("<I", kind) + value
data = b""
for name, ne in tensors:
    head += text(name) + struct.pack("<I", len(ne)) + struct.pack(f"<{len(ne)}Q", *ne) + struct.pack("<IQ", 0, len(data))
    n = 1
    for d in ne:
        n *= d
    data += struct.pack(f"<{n}f", *(random.gauss(0, 0.3) for _ in range(n)))
    data += b"\0" * (-len(data) % 32)
head += b"\0" * (-len(head) % 32)
out = pathlib.Path(__file__).parent / "corpus" / "vision"
(out / "whole.gguf").write_bytes(head + data)
(out / "no-data.gguf").write_bytes(head)
