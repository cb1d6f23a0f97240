#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the smallest models that the engine runs, as seeds for fuzzing: make-mini.py FOLDER.

mini-dense.gguf (untied) and mini-moe.gguf (tied): two layers, 64 wide, a vocabulary of 270, random weights in several
formats. Standard library only; the same bytes every time.
"""
import random
import struct
import sys

RNG = random.Random(35)
H, F, HEADS, KV, D, STATE, NK, NV, CONV, EXPERTS, USED = 64, 256, 2, 1, 32, 32, 1, 2, 4, 3, 2
F32, F16, Q4_0, Q8_0, Q4_K = 0, 1, 2, 8, 12


def text(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, value):
    if isinstance(value, bool):
        return text(name) + struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return text(name) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return text(name) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return text(name) + struct.pack("<I", 8) + text(value)
    if isinstance(value[0], str):
        return text(name) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(name) + struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)


def weights(kind, n, scale):
    """n random numbers of about that size, as stored."""
    half = lambda x: struct.pack("<e", x)
    if kind == F32:
        return b"".join(struct.pack("<f", RNG.gauss(0, scale)) for _ in range(n))
    if kind == F16:
        return b"".join(half(RNG.gauss(0, scale)) for _ in range(n))
    if kind == Q4_0:
        return b"".join(half(scale / 5) + RNG.randbytes(16) for _ in range(n // 32))
    if kind == Q8_0:
        return b"".join(half(scale / 70) + RNG.randbytes(32) for _ in range(n // 32))
    return b"".join(half(scale / 256) + half(scale / 32) + RNG.randbytes(140) for _ in range(n // 256))


def vocabulary():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    symbol = {b: chr(b) for b in shown} | {b: chr(256 + i) for i, b in enumerate(hidden)}
    tokens, kinds = [symbol[b] for b in range(256)], [1] * 256
    for t in ("th", "the", "in", "er"):
        tokens.append(t), kinds.append(1)
    for t in ("<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"):
        tokens.append(t), kinds.append(3)
    for t in ("<think>", "</think>", "<tool_call>", "</tool_call>"):
        tokens.append(t), kinds.append(4)
    tokens.append("[PAD]"), kinds.append(5)
    return tokens, kinds, ["t h", "th e", "i n", "e r"]


def tensors(moe, vocab):
    channels = 2 * NK * STATE + NV * STATE
    out = [("token_embd.weight", (H, vocab), F16), ("output_norm.weight", (H,), F32)]
    if not moe:
        out.append(("output.weight", (H, vocab), Q8_0))
    for i in range(2):
        b = f"blk.{i}."
        out += [(b + "attn_norm.weight", (H,), F32), (b + "post_attention_norm.weight", (H,), F32)]
        if i == 1:
            out += [(b + "attn_q.weight", (H, 2 * D * HEADS), Q8_0), (b + "attn_k.weight", (H, D * KV), Q4_0),
                    (b + "attn_v.weight", (H, D * KV), F16), (b + "attn_output.weight", (D * HEADS, H), Q8_0),
                    (b + "attn_q_norm.weight", (D,), F32), (b + "attn_k_norm.weight", (D,), F32)]
        else:
            out += [(b + "attn_qkv.weight", (H, channels), Q8_0), (b + "attn_gate.weight", (H, NV * STATE), Q4_0),
                    (b + "ssm_alpha.weight", (H, NV), F32), (b + "ssm_beta.weight", (H, NV), F32),
                    (b + "ssm_a", (NV,), F32), (b + "ssm_dt.bias", (NV,), F32),
                    (b + "ssm_conv1d.weight", (CONV, channels), F32), (b + "ssm_norm.weight", (STATE,), F32),
                    (b + "ssm_out.weight", (NV * STATE, H), Q8_0)]
        if moe:
            out += [(b + "ffn_gate_inp.weight", (H, EXPERTS), F32), (b + "ffn_gate_exps.weight", (H, F, EXPERTS), Q4_0),
                    (b + "ffn_up_exps.weight", (H, F, EXPERTS), Q4_0), (b + "ffn_down_exps.weight", (F, H, EXPERTS), Q4_K),
                    (b + "ffn_gate_inp_shexp.weight", (H,), F32), (b + "ffn_gate_shexp.weight", (H, F), Q4_0),
                    (b + "ffn_up_shexp.weight", (H, F), Q4_0), (b + "ffn_down_shexp.weight", (F, H), Q4_K)]
        else:
            out += [(b + "ffn_gate.weight", (H, F), Q4_0), (b + "ffn_up.weight", (H, F), Q8_0),
                    (b + "ffn_down.weight", (F, H), Q4_K)]
    return out


def write(path, moe, more=None):
    a = "qwen35moe" if moe else "qwen35"
    tokens, kinds, merges = vocabulary()
    keys = {"general.architecture": a, "general.name": "Mini", f"{a}.block_count": 2, f"{a}.context_length": 512,
            f"{a}.embedding_length": H, f"{a}.attention.head_count": HEADS, f"{a}.attention.head_count_kv": KV,
            f"{a}.attention.key_length": D, f"{a}.attention.value_length": D,
            f"{a}.attention.layer_norm_rms_epsilon": 1e-6, f"{a}.rope.freq_base": 1e4, f"{a}.rope.dimension_count": 16,
            f"{a}.rope.dimension_sections": [3, 3, 2, 0], f"{a}.ssm.conv_kernel": CONV, f"{a}.ssm.state_size": STATE,
            f"{a}.ssm.group_count": NK, f"{a}.ssm.time_step_rank": NV, f"{a}.ssm.inner_size": NV * STATE,
            f"{a}.full_attention_interval": 2, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen35",
            "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": merges,
            "tokenizer.ggml.eos_token_id": tokens.index("<|im_end|>"), "tokenizer.ggml.normalizer.nfc": True}
    if moe:
        keys |= {f"{a}.expert_count": EXPERTS, f"{a}.expert_used_count": USED, f"{a}.expert_feed_forward_length": F,
                 f"{a}.expert_shared_feed_forward_length": F}
    else:
        keys[f"{a}.feed_forward_length"] = F
    keys |= more or {}
    infos, data = b"", b""
    listed = tensors(moe, len(tokens))
    for name, ne, kind in listed:
        n = 1
        for d in ne:
            n *= d
        infos += text(name) + struct.pack("<I", len(ne)) + struct.pack(f"<{len(ne)}Q", *ne)
        infos += struct.pack("<IQ", kind, len(data))
        if name.endswith("ssm_a"):
            data += struct.pack("<f", -0.5) * n
        elif "norm" in name:
            data += struct.pack("<f", 1.0) * n
        else:
            data += weights(kind, n, ne[0] ** -0.5)
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(keys)) + b"".join(key(k, v) for k, v in keys.items()) + infos
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % 32) + data)


if __name__ == "__main__":
    write(sys.argv[1] + "/mini-dense.gguf", False)
    write(sys.argv[1] + "/mini-moe.gguf", True)
    write(sys.argv[1] + "/mini-long.gguf", False, {  # YaRN, a prediction block that is not there, advice, end tokens
        "qwen35.block_count": 3, "qwen35.nextn_predict_layers": 1, "qwen35.rope.scaling.type": "yarn",
        "qwen35.rope.scaling.factor": 4.0, "qwen35.rope.scaling.original_context_length": 512,
        "qwen35.rope.scaling.yarn_beta_fast": 32.0, "qwen35.rope.scaling.yarn_log_multiplier": 0.5,
        "general.sampling.temp": 0.6, "general.sampling.top_k": 20, "tokenizer.ggml.eos_token_ids": [256, 257],
        "general.base_model.0.name": "Mini"})
