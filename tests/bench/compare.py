#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quern against llama.cpp on the same files: ./dev bench compare [--quick] [--rounds N] [--json FILE] [--svg FILE]

Files with the true shapes of published models and random weights are made once in the cache folder. Each round runs
both programs in turn (A B A B …) with the same threads; medians and their ratio are printed. llama.cpp is the one that
Debian unstable packages, in a root of its own, with the faster of its CPU and BLAS back ends.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "quern-dev")
PEER = os.environ.get("QUERN_PEER_ROOT") or os.path.join(CACHE, "peer")
FILES = os.environ.get("QUERN_BENCH_FILES") or os.path.join(CACHE, "bench")
HOW_TO_GET = f"""compare: llama.cpp is not in {PEER}. Get it with (root, or a user who may make namespaces):
  mmdebstrap --variant=apt --include=llama.cpp-tools,libggml0-backend-blas,libopenblas0-pthread sid {PEER}
or name another root with QUERN_PEER_ROOT. Running Quern alone."""

MODELS = [("0.8B", "Q4_K_M", []), ("0.8B", "Q8_0", []), ("4B", "Q4_K_M", []), ("4B", "Q8_0", []),
          ("35B-A3B", "Q4_K_M", ["--layers", "8"])]
# name, prompt, tokens, depth
WORKS = [("decode 64", 0, 64, 0), ("decode 64 at 4096", 0, 64, 4096), ("prefill 512", 512, 0, 0)]


def model_file(size, mix, options):
    os.makedirs(FILES, exist_ok=True)
    path = os.path.join(FILES, f"{size}-{mix}.gguf")
    if not os.path.exists(path):
        subprocess.run([sys.executable, os.path.join(HERE, "synth_gguf.py"), size, mix, path + ".part", *options],
                       check=True, stdout=sys.stderr)
        os.rename(path + ".part", path)
    return path


def quern(path, prompt, tokens, depth, threads):
    command = [os.path.join(TOP, "dev"), "bench", "model", path, "-p", str(prompt), "-n", str(tokens), "-d", str(depth),
               "-t", str(threads)]
    out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return out["prefill_tokens_per_second" if prompt else "decode_tokens_per_second"]


def without_blas():
    """Options of bwrap that hide llama.cpp's BLAS back end."""
    for folder, _, names in os.walk(os.path.join(PEER, "usr/lib")):
        if "libggml-blas.so" in names:
            return ["--ro-bind", "/dev/null", os.path.join("/", os.path.relpath(folder, PEER), "libggml-blas.so")]
    return []


def llama(path, prompt, tokens, depth, threads, blas):
    hide = [] if blas else without_blas()
    command = ["bwrap", "--bind", PEER, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *hide,
               "--ro-bind", os.path.dirname(path), "/mnt", "llama-bench", "-m", "/mnt/" + os.path.basename(path),
               "-p", str(prompt), "-n", str(tokens), "-d", str(depth), "-t", str(threads), "-r", "1", "-o", "json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out[out.index("["):])[0]["avg_ts"]


def compare(path, work, rounds, threads, with_peer):
    """Medians of both, and every measurement."""
    ours, theirs = [], []
    backends = [False, True] if with_peer and work[1] else [False]
    for i in range(rounds):
        ours.append(quern(path, *work[1:], threads))
        if with_peer:
            rates = {b: llama(path, *work[1:], threads, b) for b in backends}
            best = max(rates, key=rates.get)
            backends = [best]  # the first round decides
            theirs.append(rates[best])
    return {"work": work[0], "file": os.path.basename(path), "quern": statistics.median(ours), "quern_all": ours,
            "llama": statistics.median(theirs) if theirs else None, "llama_all": theirs,
            "llama_backend": "BLAS" if backends[0] else "CPU"}


def chart(results):
    """Bars of Quern's speed over llama.cpp's, one a row; the line is 1."""
    rows = [r for r in results if r["llama"]]
    widest = max([r["quern"] / r["llama"] for r in rows] + [1.5])
    scale, height = 360 / widest, 26 * len(rows) + 34
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{height}" font-family="sans-serif" font-size="13">',
           f'<text x="8" y="18">Quern ÷ llama.cpp, tokens per second</text>']
    for i, r in enumerate(rows):
        ratio, y = r["quern"] / r["llama"], 26 * i + 30
        svg.append(f'<text x="8" y="{y + 15}">{r["file"][:-5]}, {r["work"]}</text>'
                   f'<rect x="260" y="{y}" width="{ratio * scale:.0f}" height="20" fill="#3584e4"/>'
                   f'<text x="{268 + ratio * scale:.0f}" y="{y + 15}">{ratio:.2f}</text>')
    x = 260 + scale
    svg.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="26" y2="{height - 4}" stroke="#77767b" stroke-dasharray="4"/></svg>')
    return "\n".join(svg) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smallest file only, without depth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE")
    args = parser.parse_args()
    with_peer = os.path.exists(os.path.join(PEER, "usr/bin/llama-bench"))
    if not with_peer:
        print(HOW_TO_GET, file=sys.stderr)
    results = []
    print(f"{'file':24} {'work':18} {'Quern':>9} {'llama.cpp':>9} {'ratio':>6}   tokens/s, {args.threads} threads,"
          f" medians of {args.rounds}; load average {os.getloadavg()[0]:.1f}", flush=True)
    for model in MODELS[:1] if args.quick else MODELS:
        path = model_file(*model)
        for work in WORKS:
            if work[3] and (args.quick or model[:2] != ("4B", "Q4_K_M")):
                continue
            r = compare(path, work, args.rounds, args.threads, with_peer)
            results.append(r)
            theirs, ratio = (f"{r['llama']:9.2f}", f"{r['quern'] / r['llama']:6.2f}") if r["llama"] else ("-", "-")
            print(f"{r['file']:24} {r['work']:18} {r['quern']:9.2f} {theirs:>9} {ratio:>6}   {r['llama_backend']}",
                  flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"threads": args.threads, "results": results}, f, indent=2)
    if args.svg and with_peer:
        with open(args.svg, "w", encoding="utf-8") as f:
            f.write(chart(results))


if __name__ == "__main__":
    main()
