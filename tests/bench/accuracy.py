#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rounding activations to 8 bits costs, in Quern and in llama.cpp: ./dev bench accuracy [MODEL…]

Mean KL divergence of each program from itself with f32 activations, on the same file and tokens. Quern has a switch for
that; llama.cpp is given the same weights as f32, which it multiplies with f32 activations. Its BLAS back end, which would
do that with quantised weights too when tokens are many, is left out. Without MODEL: Quern Tiny in
several quantisations. llama.cpp is the one of ./dev bench compare, with its development files and a compiler.
"""
import os
import subprocess
import sys
import tempfile

from compare import HOW_TO_COMPILE, TOP, can_compile, compile_for_peer, in_peer, without_blas

TINY = os.path.join(TOP, "data/quern-tiny")
DEFAULT = ["Q8_0", "Q4_K_M", "Q2_K", "IQ4_XS"]
# In the peer's root: every quantised tensor as f32, everything else as it is.
TO_F32 = r"""
import sys
import gguf
from gguf.quants import dequantize
reader = gguf.GGUFReader(sys.argv[1])
writer = gguf.GGUFWriter(sys.argv[2], reader.fields["general.architecture"].contents())
for field in reader.fields.values():
    if field.name == "general.architecture" or field.name.startswith("GGUF."):
        continue
    kind = field.types[0]
    writer.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
for t in reader.tensors:
    writer.add_tensor(t.name, dequantize(t.data, t.tensor_type).astype("float32"))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
"""


def quern(*args):
    program = os.path.join(os.environ.get("QUERN_BUILD_DIR") or os.path.join(TOP, "build"), "tests/bench/bench-accuracy")
    command = [os.path.join(TOP, "dev"), "shell", program, *args]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def peer(work, model, *command):
    subprocess.run(in_peer(*without_blas(), "--bind", work, "/mnt", "--ro-bind", model, "/mnt/model.gguf", "--chdir", "/mnt", *command),
                   check=True, stdout=subprocess.DEVNULL)


def llama(work, model, text):
    """Leaves logits in the work folder and has them judged."""
    compile_for_peer(work, "peer-logits")
    peer(work, model, "python3", "-c", TO_F32, "model.gguf", "f32.gguf")
    peer(work, model, "./peer-logits", "model.gguf", "tokens", "rounded")
    peer(work, model, "./peer-logits", "f32.gguf", "tokens", "exact")
    return quern(model, text, os.path.join(work, "rounded"), os.path.join(work, "exact"))


def main():
    models = [os.path.abspath(m) for m in sys.argv[1:]] or [f"{TINY}/quern-tiny-{q}.gguf" for q in DEFAULT]
    text = os.path.join(TINY, "expected.json")
    with_peer = can_compile()
    if not with_peer:
        print(f"accuracy: {HOW_TO_COMPILE} Running Quern alone.", file=sys.stderr)
    print(f"{'file':28} {'Quern':>10} {'llama.cpp':>10}   mean KL divergence from f32 activations, nats", flush=True)
    for model in models:
        with tempfile.TemporaryDirectory(dir=os.path.join(TOP, "build")) as work:
            ours = quern(model, text, os.path.join(work, "tokens"))
            theirs = f"{llama(work, model, text):10.2e}" if with_peer else f"{'-':>10}"
            print(f"{os.path.basename(model):28} {ours:10.2e} {theirs}", flush=True)


if __name__ == "__main__":
    main()
