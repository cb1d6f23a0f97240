#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a GGUF with the true shapes of a Qwen 3.5 model and random weights.

For speed and memory measurements only: the text it produces means nothing, but
every tensor has the name, shape and block type that a published file has, so a
run costs what a real model costs. Standard library only.

    synth_gguf.py 0.8B Q4_K_M out.gguf
    synth_gguf.py 4B Q8_0 out.gguf --layers 8      # fewer layers, same shapes

Models: 0.8B 2B 4B 9B 27B (dense), 35B-A3B (MoE). Mixes: Q4_K_M Q5_K_M Q6_K Q8_0 F16.
"""
import argparse
import random
import struct

# hidden, ffn, layers, heads, kv heads, linear key heads, linear value heads, tied, (experts, used, expert ffn)
FAMILY = {
    "0.8B": (1024, 3584, 24, 8, 2, 16, 16, True, None),
    "2B": (2048, 6144, 24, 8, 2, 16, 16, True, None),
    "4B": (2560, 9216, 32, 16, 4, 16, 32, True, None),
    "9B": (4096, 12288, 32, 16, 4, 16, 32, False, None),
    "27B": (5120, 17408, 64, 24, 4, 16, 48, False, None),
    "35B-A3B": (2048, 0, 40, 16, 2, 16, 32, False, (256, 8, 512)),
}
VOCAB, HEAD, DK, CONV, INTERVAL = 248320, 256, 128, 4, 4
TYPES = {  # ggml id, elements a block, bytes a block
    "F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34),
    "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176), "Q6_K": (14, 256, 210),
}
RNG = random.Random(35)


def f16(x):
    return struct.pack("<e", x)


def block(kind, scale):
    """One random block whose values are of the order of `scale`."""
    if kind == "F32":
        return struct.pack("<f", RNG.gauss(0, scale))
    if kind == "F16":
        return f16(RNG.gauss(0, scale))
    if kind == "Q8_0":
        return f16(scale / 64) + RNG.randbytes(32)
    if kind == "Q4_K":
        return f16(scale / 256) + f16(scale / 32) + RNG.randbytes(140)
    if kind == "Q5_K":
        return f16(scale / 512) + f16(scale / 32) + RNG.randbytes(172)
    if kind == "Q6_K":
        return RNG.randbytes(192) + bytes(RNG.randrange(256) for _ in range(16)) + f16(scale / 2048)
    raise ValueError(kind)


_chunks = {}


def chunk(kind, scale):
    """About a megabyte of blocks, repeated to fill a tensor."""
    key = (kind, scale)
    if key not in _chunks:
        n = 1 << 20
        _, _, size = TYPES[kind]
        _chunks[key] = b"".join(block(kind, scale) for _ in range(n // size // 8)) * 8
    return _chunks[key]


def tensors(model, mix, layers):
    H, F, L, HQ, HKV, NK, NV, tied, moe = FAMILY[model]
    L = layers or L
    big = {"Q4_K_M": "Q4_K", "Q5_K_M": "Q5_K"}.get(mix, mix)
    better = "Q6_K" if mix in ("Q4_K_M", "Q5_K_M") else big
    out = [("token_embd.weight", (H, VOCAB), better)]
    if not tied:
        out.append(("output.weight", (H, VOCAB), better))
    out.append(("output_norm.weight", (H,), "F32"))
    for i in range(L):
        b = f"blk.{i}."
        # a K_M file keeps the more sensitive half of the down and value projections in Q6_K
        down = better if i < L // 8 or i >= 7 * L // 8 or (i - L // 8) % 3 == 2 else big
        out += [(b + "attn_norm.weight", (H,), "F32"), (b + "post_attention_norm.weight", (H,), "F32")]
        if (i + 1) % INTERVAL == 0:
            out += [(b + "attn_q.weight", (H, 2 * HEAD * HQ), big), (b + "attn_k.weight", (H, HEAD * HKV), big),
                    (b + "attn_v.weight", (H, HEAD * HKV), down), (b + "attn_output.weight", (HEAD * HQ, H), big),
                    (b + "attn_q_norm.weight", (HEAD,), "F32"), (b + "attn_k_norm.weight", (HEAD,), "F32")]
        else:
            C = 2 * NK * DK + NV * DK
            out += [(b + "attn_qkv.weight", (H, C), big), (b + "attn_gate.weight", (H, NV * DK), big),
                    (b + "ssm_alpha.weight", (H, NV), "F32"), (b + "ssm_beta.weight", (H, NV), "F32"),
                    (b + "ssm_a", (NV,), "A"), (b + "ssm_dt.bias", (NV,), "F32"),
                    (b + "ssm_conv1d.weight", (CONV, C), "F32"), (b + "ssm_norm.weight", (DK,), "F32"),
                    (b + "ssm_out.weight", (NV * DK, H), big)]
        if moe:
            E, _, FE = moe
            out += [(b + "ffn_gate_inp.weight", (H, E), "F32"), (b + "ffn_gate_exps.weight", (H, FE, E), big),
                    (b + "ffn_up_exps.weight", (H, FE, E), big), (b + "ffn_down_exps.weight", (FE, H, E), down),
                    (b + "ffn_gate_inp_shexp.weight", (H,), "F32"), (b + "ffn_gate_shexp.weight", (H, FE), big),
                    (b + "ffn_up_shexp.weight", (H, FE), big), (b + "ffn_down_shexp.weight", (FE, H), down)]
        else:
            out += [(b + "ffn_gate.weight", (H, F), big), (b + "ffn_up.weight", (H, F), big),
                    (b + "ffn_down.weight", (F, H), down)]
    return out, L


def text(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def kv(key, value):
    head = text(key)
    if isinstance(value, bool):
        return head + struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return head + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return head + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return head + struct.pack("<I", 8) + text(value)
    if isinstance(value[0], str):
        return head + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(text(s) for s in value)
    return head + struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)


def vocabulary():
    """The 256 byte symbols, some merges, filler, then the special tokens at their usual ids."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    extra = [b for b in range(256) if b not in plain]
    symbol = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(extra)}
    tokens, merges = [symbol[b] for b in range(256)], []
    letters = [symbol[b] for b in range(97, 123)]
    for a in [symbol[32]] + letters:
        for b in letters:
            merges.append(f"{a} {b}")
            tokens.append(a + b)
    special = {248044: "<|endoftext|>", 248045: "<|im_start|>", 248046: "<|im_end|>", 248053: "<|vision_start|>",
               248054: "<|vision_end|>", 248056: "<|image_pad|>", 248068: "<think>", 248069: "</think>"}
    kinds = [1] * len(tokens)
    for i in range(len(tokens), VOCAB):
        tokens.append(special.get(i, f"[filler-{i}]"))
        kinds.append(3 if i in special else 5)
    return tokens, merges, kinds


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", choices=FAMILY)
    ap.add_argument("mix", choices=["Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"])
    ap.add_argument("out")
    ap.add_argument("--layers", type=int, help="keep only this many layers (a multiple of 4)")
    a = ap.parse_args()
    H, F, _, HQ, HKV, NK, NV, _, moe = FAMILY[a.model]
    infos, L = tensors(a.model, a.mix, a.layers)
    arch = "qwen35moe" if moe else "qwen35"
    tokens, merges, kinds = vocabulary()
    meta = [("general.architecture", arch), ("general.name", f"Synthetic {a.model}"), ("general.file_type", 15),
            (f"{arch}.block_count", L), (f"{arch}.context_length", 262144), (f"{arch}.embedding_length", H),
            (f"{arch}.attention.head_count", HQ), (f"{arch}.attention.head_count_kv", HKV),
            (f"{arch}.attention.key_length", HEAD), (f"{arch}.attention.value_length", HEAD),
            (f"{arch}.attention.layer_norm_rms_epsilon", 1e-6), (f"{arch}.rope.freq_base", 1e7),
            (f"{arch}.rope.dimension_count", 64), (f"{arch}.rope.dimension_sections", [11, 11, 10, 0]),
            (f"{arch}.ssm.conv_kernel", CONV), (f"{arch}.ssm.state_size", DK), (f"{arch}.ssm.group_count", NK),
            (f"{arch}.ssm.time_step_rank", NV), (f"{arch}.ssm.inner_size", NV * DK),
            (f"{arch}.full_attention_interval", INTERVAL)]
    if moe:
        meta += [(f"{arch}.expert_count", moe[0]), (f"{arch}.expert_used_count", moe[1]),
                 (f"{arch}.expert_feed_forward_length", moe[2]),
                 (f"{arch}.expert_shared_feed_forward_length", moe[2])]
    else:
        meta += [(f"{arch}.feed_forward_length", F)]
    meta += [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "qwen35"), ("tokenizer.ggml.tokens", tokens),
             ("tokenizer.ggml.token_type", kinds), ("tokenizer.ggml.merges", merges),
             ("tokenizer.ggml.eos_token_id", 248046), ("tokenizer.ggml.padding_token_id", 248044)]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(meta)) + b"".join(kv(k, v) for k, v in meta)
    offset, plan = 0, []
    for name, ne, kind in infos:
        tid, per, size = TYPES["F32" if kind == "A" else kind]
        n = 1
        for d in ne:
            n *= d
        head += text(name) + struct.pack("<I", len(ne)) + struct.pack(f"<{len(ne)}Q", *ne) + struct.pack("<IQ", tid, offset)
        nbytes = n // per * size
        plan.append((name, kind, ne, nbytes))
        offset += (nbytes + 31) // 32 * 32
    with open(a.out, "wb") as f:
        f.write(head + bytes(-len(head) % 32))
        for name, kind, ne, nbytes in plan:
            if kind == "A":
                data = struct.pack("<f", -0.5) * ne[0]
            elif kind == "F32" and "norm" in name:
                data = struct.pack("<f", 1.0) * ne[0]
            else:
                c = chunk(kind, round(ne[0] ** -0.5, 4))
                f.writelines([c] * (nbytes // len(c)))
                data = c[: nbytes % len(c)]
            f.write(data + bytes(-nbytes % 32))
    print(f"{a.out}: {len(infos)} tensors, {offset / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
