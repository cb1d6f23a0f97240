#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes variants of the golden models for tests: make-variants.py GOLDENS OUT [NAME...]

Same model, told otherwise (the logits must not change):
  ollama.gguf   the registry's dialect: three rope sections, heads per layer, no ".bias", foreign tensors
  grouped.gguf  value heads in the order of the original weights, v_head_reordered = false
  fused.gguf    gate and up of the experts in one tensor
  scaled.gguf, scaled-mixture.gguf, scaled-fused.gguf   matrices with tensors of their own for their scales
  facts.gguf    names, advice on sampling and a list of end tokens, some of it nonsense
With scaled positions:
  rope-linear.gguf, rope-yarn.gguf   keys only; rope-yarn leaves context_length as it was
With a prediction block:
  mtp.gguf, mtp-mixture.gguf   its weights are random, so its guesses are wrong
  mtp-mixture-bf16.gguf        the same as mtp-mixture, router and gate of the shared expert in BF16
  mtp-perfect.gguf             no layer changes the residual, so its guesses are the trunk's own choices
  announced.gguf               a block that is announced and not there
Only when they are named, as other variants would take them for theirs:
  alone.gguf, mtp-companion.gguf   mtp-perfect in two files: without its block, and the block
  mtp-other.gguf, mtp-broken.gguf  that of a model of another name; that without one of its tensors
Wrong ones, bad-NAME.gguf: see HOSTILE. Standard library only.
"""
import copy
import os
import random
import struct
import sys

FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
U32, I32, F32_KEY, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32, F16, BF16 = 0, 1, 30
SIZES = {F32: 4, F16: 2, BF16: 2}


class Model:
    """keys: name -> (type, value); tensors: name -> [ne, type, bytes]."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.raw, self.at = file.read(), 8
        n_tensors, n_keys = self.read("QQ")
        self.keys = {}
        for _ in range(n_keys):
            name = self.string()
            kind, = self.read("I")
            self.keys[name] = (kind, self.value(kind))
        infos = []
        for _ in range(n_tensors):
            name = self.string()
            n_dims, = self.read("I")
            ne = list(self.read("Q" * n_dims))
            infos.append((name, ne) + self.read("IQ"))
        base = (self.at + 31) // 32 * 32
        self.tensors = {}
        for name, ne, kind, offset in infos:
            size = SIZES[kind]
            for n in ne:
                size *= n
            self.tensors[name] = [ne, kind, self.raw[base + offset:base + offset + size]]
        self.arch = self.keys["general.architecture"][1].decode()
        self.raw = None

    def read(self, fmt):
        out = struct.unpack_from("<" + fmt, self.raw, self.at)
        self.at += struct.calcsize("<" + fmt)
        return out

    def string(self):
        n, = self.read("Q")
        self.at += n
        return self.raw[self.at - n:self.at].decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == STRING:
            return self.string().encode("utf-8", "surrogateescape")
        if kind == ARRAY:
            inner, n = self.read("IQ")
            return inner, [self.value(inner) for _ in range(n)]
        return self.read(FORMATS[kind])[0]

    def copy(self):
        return copy.deepcopy(self)

    def key(self, suffix, kind, value):
        self.keys[f"{self.arch}.{suffix}"] = (kind, value)

    def number(self, suffix):
        return self.keys[f"{self.arch}.{suffix}"][1]

    def write(self, path, sparse):
        def text(s):
            b = s if isinstance(s, bytes) else s.encode("utf-8", "surrogateescape")
            return struct.pack("<Q", len(b)) + b

        def pack(kind, value):
            if kind == STRING:
                return text(value)
            if kind == ARRAY:
                return struct.pack("<IQ", value[0], len(value[1])) + b"".join(pack(value[0], v) for v in value[1])
            return struct.pack("<" + FORMATS[kind], value)

        head, data = [b"GGUF", struct.pack("<IQQ", 3, len(self.tensors), len(self.keys))], []
        for name, (kind, value) in self.keys.items():
            head += [text(name), struct.pack("<I", kind), pack(kind, value)]
        offset = 0
        for name, (ne, kind, blob) in self.tensors.items():
            head += [text(name), struct.pack("<I", len(ne)), struct.pack("<%dQ" % len(ne), *ne),
                     struct.pack("<IQ", kind, offset)]
            padded = blob + bytes(-len(blob) % 32)
            data.append(padded)
            offset += len(padded)
        head = b"".join(head)
        with open(path, "wb") as file:
            file.write(head + bytes(-len(head) % 32) + (b"" if sparse else b"".join(data)))
            file.truncate((len(head) + 31) // 32 * 32 + offset)


# ---- the same model, told otherwise ----

def ollama(m):
    n = m.number("block_count")
    m.key("rope.dimension_sections", ARRAY, (I32, m.number("rope.dimension_sections")[1][:3]))
    m.key("attention.head_count_kv", ARRAY,
          (U32, [m.number("attention.head_count_kv") if i % 4 == 3 else 0 for i in range(n)]))
    m.key("ssm.v_head_reordered", BOOL, True)
    for name in [t for t in m.tensors if t.endswith("ssm_dt.bias")]:
        m.tensors[name[:-5]] = m.tensors.pop(name)
    m.tensors["v.patch_embed.weight"] = [[32, 2], F32, bytes(256)]
    m.tensors["mtp.fc.weight"] = [[32, 2], F32, bytes(256)]


def grouped(m):
    """Value head k * r + j of the file becomes the one that was j * keys + k."""
    keys, values, d = m.number("ssm.group_count"), m.number("ssm.time_step_rank"), m.number("ssm.state_size")
    r = values // keys
    order = [j * keys + k for k in range(keys) for j in range(r)]

    def move(blob, unit, first=0):
        parts = [blob[first + i * unit:first + (i + 1) * unit] for i in range(values)]
        return blob[:first] + b"".join(parts[i] for i in order) + blob[first + values * unit:]

    for name, tensor in m.tensors.items():
        ne, kind, blob = tensor
        row = ne[0] * SIZES[kind]
        if name.endswith("attn_qkv.weight"):
            tensor[2] = move(blob, row * d, 2 * keys * d * row)
        elif name.endswith("attn_gate.weight") and "blk" in name:
            tensor[2] = move(blob, row * d)
        elif name.endswith(("ssm_beta.weight", "ssm_alpha.weight")):
            tensor[2] = move(blob, row)
        elif name.endswith(("ssm_a", "ssm_dt.bias")):
            tensor[2] = move(blob, SIZES[kind])
        elif name.endswith("ssm_conv1d.weight"):
            tensor[2] = move(blob, row * d, 2 * keys * d * row)
        elif name.endswith("ssm_out.weight"):
            rows = [blob[i * row:(i + 1) * row] for i in range(ne[1])]
            tensor[2] = b"".join(move(x, d * SIZES[kind]) for x in rows)
    m.key("ssm.v_head_reordered", BOOL, False)


def fused(m):
    for i in range(m.number("block_count")):
        gate, up = (m.tensors.pop(f"blk.{i}.ffn_{x}_exps.weight") for x in ("gate", "up"))
        n = len(gate[2]) // gate[0][2]
        blob = b"".join(x[e * n:(e + 1) * n] for e in range(gate[0][2]) for x in (gate[2], up[2]))
        m.tensors[f"blk.{i}.ffn_gate_up_exps.weight"] = [[gate[0][0], 2 * gate[0][1], gate[0][2]], gate[1], blob]


def scaled(m):
    """Twice the weights, and a tensor that halves them; of experts, each its own power of two."""
    for i, (name, (ne, kind, blob)) in enumerate(list(m.tensors.items())):
        if kind != F16 or not name.endswith(".weight") or len(ne) < 2 or "conv1d" in name:
            continue
        experts = ne[2] if len(ne) > 2 else 1
        factors = [2.0 ** (1 + e % 3) for e in range(experts)]
        numbers = struct.unpack("<%de" % (len(blob) // 2), blob)
        each = len(numbers) // experts
        m.tensors[name][2] = halves([x * factors[j // each] for j, x in enumerate(numbers)])
        m.tensors[(name if i % 2 else name[:-7]) + ".scale"] = [[experts], F32, floats([1 / f for f in factors])]
        m.tensors[name[:-7] + ".input_scale"] = [[experts], F32, floats([123.0] * experts)]


def scaled_fused(m):
    fused(m)
    scaled(m)


def facts(m):
    text = {"name": b"A fine-tune", "base_model.0.name": b"Qwen3.5 9B", "basename": b"Qwen3.5", "size_label": b"9B",
            "finetune": b"Instruct", "type": b"model", "version": "\u00e9".encode() * 20}
    for name, value in text.items():
        m.keys["general." + name] = (STRING, value)
    numbers = {"temp": (F32_KEY, 0.6), "top_k": (I32, 40), "top_p": (F32_KEY, float("nan")), "min_p": (F32_KEY, 0.0),
               "penalty_repeat": (F32_KEY, 1.05), "penalty_present": (F32_KEY, 1e9)}
    for name, value in numbers.items():
        m.keys["general.sampling." + name] = value
    m.keys["general.file_type"] = (U32, 128)
    m.keys["tokenizer.ggml.eos_token_ids"] = (ARRAY, (I32, [77, -1, 4095, 1 << 30] + [5] * 1000))


# ---- with scaled positions ----

def rope(kind, factor=4.0, **more):
    def change(m):
        m.key("rope.scaling.type", STRING, kind)
        m.key("rope.scaling.factor", F32_KEY, factor)
        for name, value in more.items():
            m.key("rope.scaling." + name, U32 if isinstance(value, int) else F32_KEY, value)
    return change


# ---- with a prediction block ----

def halves(values):
    return struct.pack("<%de" % len(values), *values)


def floats(values):
    return struct.pack("<%df" % len(values), *values)


def mtp(m, join=None):
    n, h = m.number("block_count"), m.number("embedding_length")
    rng = random.Random(5)
    for name in [t for t in m.tensors if t.startswith("blk.3.")]:  # an attention layer
        m.tensors[name.replace("blk.3.", f"blk.{n}.")] = copy.deepcopy(m.tensors[name])
    if join is None:
        join = halves([rng.gauss(0, 0.05) for _ in range(2 * h * h)])
    m.tensors[f"blk.{n}.nextn.eh_proj.weight"] = [[2 * h, h], F16, join]
    for norm in ("enorm", "hnorm", "shared_head_norm"):
        m.tensors[f"blk.{n}.nextn.{norm}.weight"] = [[h], F32, floats([1.0] * h)]
    m.key("block_count", U32, n + 1)
    m.key("nextn_predict_layers", U32, 1)


def mtp_perfect(m):
    n, h = m.number("block_count"), m.number("embedding_length")
    for name, tensor in m.tensors.items():
        if name.endswith(("attn_output.weight", "ssm_out.weight", "ffn_down.weight")):
            tensor[2] = bytes(len(tensor[2]))
    mtp(m, b"".join(halves([float(i == j) for j in range(2 * h)]) for i in range(h)))
    m.tensors[f"blk.{n}.nextn.shared_head_norm.weight"] = copy.deepcopy(m.tensors["output_norm.weight"])


def mtp_bf16(m):
    mtp(m)
    for part in ("ffn_gate_inp", "ffn_gate_inp_shexp"):
        tensor = m.tensors[f"blk.{m.number('block_count') - 1}.{part}.weight"]
        blob = tensor[2] if tensor[1] == F32 else floats(struct.unpack("<%de" % (len(tensor[2]) // 2), tensor[2]))
        tensor[1:] = [BF16, b"".join(blob[i + 2:i + 4] for i in range(0, len(blob), 4))]


def announced(m):
    m.keys.pop(f"{m.arch}.attention.recurrent_layers", None)
    m.key("block_count", U32, m.number("block_count") + 1)
    m.key("nextn_predict_layers", U32, 1)


def alone(m):
    mtp_perfect(m)
    n = m.number("block_count") - 1
    m.tensors = {name: tensor for name, tensor in m.tensors.items() if not name.startswith(f"blk.{n}.")}
    m.key("block_count", U32, n)
    m.keys.pop(f"{m.arch}.nextn_predict_layers")


def companion(m):
    mtp_perfect(m)
    m.keys.pop(f"{m.arch}.attention.recurrent_layers", None)
    block = f"blk.{m.number('block_count') - 1}."
    m.tensors = {name: tensor for name, tensor in m.tensors.items() if name.startswith(block) or "blk." not in name}


def companion_of_other(m):
    companion(m)
    for name in [key for key in m.keys if key.startswith("general.") and m.keys[key][0] == STRING]:
        if name != "general.architecture":
            m.keys[name] = (STRING, b"Another model")


def broken_companion(m):
    companion(m)
    m.tensors.pop(f"blk.{m.number('block_count') - 1}.nextn.hnorm.weight")


# ---- wrong ones ----

def key(suffix, kind, value):
    return lambda m: m.key(suffix, kind, value)


def without(name):
    return lambda m: m.tensors.pop(name)


def without_key(suffix):
    return lambda m: m.keys.pop(f"{m.arch}.{suffix}")


def shape(name):
    return lambda m: m.tensors[name][0].reverse()


def values(name, value):
    def change(m):
        m.tensors[name][2] = floats([value] * (len(m.tensors[name][2]) // 4))
    return change


def architecture(name):
    def change(m):
        m.keys["general.architecture"] = (STRING, name)
    return change


def incomplete_mtp(m):
    mtp(m)
    for part in ("nextn.enorm", "ffn_up", "attn_k_norm"):
        m.tensors.pop(f"blk.{m.number('block_count') - 1}.{part}.weight")


def interval(m):
    m.keys.pop(f"{m.arch}.attention.recurrent_layers", None)
    m.key("full_attention_interval", U32, 3)


def one_block_more(m):
    m.keys.pop(f"{m.arch}.attention.recurrent_layers", None)
    m.key("block_count", U32, 9)


def prism(m):
    m.keys["prism.hadamard.size"] = (U32, 128)


def scale_shape(m):
    m.tensors["blk.3.attn_k.scale"] = [[2], F32, floats([1.0, 1.0])]


def stored_as(kind):
    def change(m):
        m.tensors["blk.0.ffn_up.weight"][1] = kind
    return change


HOSTILE = {
    "prism": prism,
    "scale": scale_shape,
    "ik": stored_as(144),
    "rocm": stored_as(103),
    "nobody": stored_as(999),
    "architecture": architecture(b"llama"),
    "vision": architecture(b"clip"),
    "nan-eps": key("attention.layer_norm_rms_epsilon", F32_KEY, float("nan")),
    "infinite-base": key("rope.freq_base", F32_KEY, float("inf")),
    "no-blocks": key("block_count", U32, 0),
    "many-blocks": key("block_count", U32, 4000000000),
    "one-block-more": one_block_more,
    "heads": key("attention.head_count", U32, 3),
    "head-size": key("attention.key_length", U32, 24),
    "state-size": key("ssm.state_size", U32, 64),
    "kernel": key("ssm.conv_kernel", U32, 1000),
    "sections": key("rope.dimension_sections", ARRAY, (I32, [100, 100, 100, 0])),
    "no-sections": without_key("rope.dimension_sections"),
    "rope": key("rope.dimension_count", U32, 63),
    "rope-kind": rope(b"longrope"),
    "rope-factor": rope(b"yarn", float("nan")),
    "rope-beta": rope(b"yarn", yarn_beta_fast=-1.0),
    "embedding": key("embedding_length", U32, 128),
    "no-embedding": without("token_embd.weight"),
    "no-norm": without("output_norm.weight"),
    "no-tensor": without("blk.5.ssm_conv1d.weight"),
    "shape": shape("blk.3.attn_k.weight"),
    "mtp": key("nextn_predict_layers", U32, 1),
    "incomplete-mtp": incomplete_mtp,
    "lonely-mtp": companion,
    "interval": interval,
    "layers": key("block_count", U32, 9),
    "numbers": values("output_norm.weight", float("nan")),
}


def main():
    goldens, out, *wanted = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    dense, mixture = (Model(f"{goldens}/{name}-F16.gguf") for name in ("a-dense", "c-moe"))
    jobs = [("ollama", dense, ollama), ("grouped", dense, grouped), ("fused", mixture, fused),
            ("scaled", dense, scaled), ("scaled-mixture", mixture, scaled), ("scaled-fused", mixture, scaled_fused),
            ("facts", dense, facts), ("mtp", dense, mtp),
            ("mtp-mixture", mixture, mtp), ("mtp-perfect", dense, mtp_perfect), ("mtp-mixture-bf16", mixture, mtp_bf16),
            ("announced", dense, announced)]
    pairs = [("alone", dense, alone), ("mtp-companion", dense, companion), ("mtp-other", dense, companion_of_other),
             ("mtp-broken", dense, broken_companion)]
    jobs += [job for job in pairs if job[0] in wanted]
    jobs += [("rope-linear", dense, rope(b"linear")), ("rope-none", dense, rope(b"none")),
             ("rope-yarn", dense, rope(b"yarn", original_context_length=dense.number("context_length")))]
    jobs += [("bad-" + name, dense, change) for name, change in HOSTILE.items()]
    jobs += [("bad-experts", mixture, key("expert_used_count", U32, 9))]
    for name, model, change in jobs:
        if wanted and name not in wanted:
            continue
        variant = model.copy()
        change(variant)
        variant.write(f"{out}/{name}.gguf", name.startswith("bad-") and name != "bad-numbers")  # refused by the header


main()
