#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quern against llama.cpp on the same files: ./dev bench [--only WORDS]… [--rounds N] [--report]

Files with the true shapes of published models and random weights are made once in the cache folder. Each round runs
both programs in turn (A B A B …) with the same threads; medians and their ratio are printed, and whether the targets of
the project are met. llama.cpp is the one that Debian unstable packages, in a root of its own, with the faster of its CPU
and BLAS back ends. What the machine allows is measured in the same run: a plain parallel read of each file, OpenBLAS's
sgemm on each model's shapes.

Results are kept in build/bench/results.json, beside table.txt and chart.svg: a run adds to them what it measured, so that
the table can be measured in pieces. --only '4B decode' measures rows whose name has these words, --report none.
QUERN_BENCH_IK names the llama-bench of ik_llama.cpp, which nobody packages, where somebody has built it: it stands beside the
others for decoding and prefill without depth, with and without repacking (-rtr), whichever is faster.
--avx2 holds both programs to what most desktop computers have, AVX2; its results are kept in build/bench/avx2.
--old BUILD takes an older build of Quern in llama.cpp's place, for decoding, prefill and opening: what a change of the code
has cost, 2 % at most; its results are kept in build/bench/old.
"""
import argparse
import functools
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import synth_gguf  # noqa: E402

BUILD = os.environ.get("QUERN_BUILD_DIR") or os.path.join(TOP, "build")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "quern-dev")
PEER = os.environ.get("QUERN_PEER_ROOT") or os.path.join(CACHE, "peer")
IK = os.environ.get("QUERN_BENCH_IK")
FILES = os.environ.get("QUERN_BENCH_FILES") or os.path.join(CACHE, "bench")


def how_to_get(packages):
    return f"""Get it with (root, or a user who may make namespaces):
  mmdebstrap --variant=apt --include=llama.cpp-tools,llama.cpp-tools-extra,{packages} sid {PEER}
or name another root with QUERN_PEER_ROOT."""


HOW_TO_GET = f"compare: llama.cpp is not in {PEER}. {how_to_get('libggml0-backend-blas,libopenblas0-pthread')} Running Quern alone."
HOW_TO_COMPILE = (f"no llama.cpp with headers and a compiler in {PEER}. "
                  + how_to_get("libllama-dev,libggml-dev,gcc,libc6-dev,python3-gguf"))

DENSE = [("0.8B", "Q4_K_M", 0), ("0.8B", "Q8_0", 0), ("4B", "Q4_K_M", 0), ("4B", "Q8_0", 0)]
MOE = ("35B-A3B", "Q4_K_M", 8)
BIG = ("4B", "Q4_K_M", 0)
DEPTH, OPEN_PROMPT, CONTEXT = 4096, 16, 4096
PREFILL_DEPTH, KEPT = 8192, {"0.8B": 0.75, "4B": 0.85}  # of the speed without depth
READ_SHARE = 0.85


# ---- running ---------------------------------------------------------------------------------------------------------

class Inside:
    """Runs the built programs where they belong: in the environment of ./dev, entered once."""

    LOOP = """
import json, subprocess, sys, time
for line in sys.stdin:
    start = time.monotonic()
    p = subprocess.run(json.loads(line), capture_output=True, text=True)
    print(json.dumps([p.returncode, p.stdout, p.stderr, time.monotonic() - start]), flush=True)
"""

    def __init__(self):
        self.process = subprocess.Popen([os.path.join(TOP, "dev"), "shell", "python3", "-c", self.LOOP], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, program, *arguments, build=BUILD):
        command = [os.path.join(build, "tests/bench", program), *map(str, arguments)]
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        code, out, errors, seconds = json.loads(self.process.stdout.readline())
        if code:
            sys.exit(f"compare: {' '.join(command)}: {errors}")
        return json.loads(out) | {"wall_seconds": seconds}


def hiding(unwanted):
    """Options of bwrap that hide llama.cpp's back ends whose names are unwanted."""
    options = []
    for path in glob.glob(os.path.join(PEER, "usr/lib/*/ggml/backends0/libggml-*.so")):
        if unwanted(os.path.basename(path).removeprefix("libggml-").removesuffix(".so")):
            options += ["--ro-bind", "/dev/null", os.path.join("/", os.path.relpath(path, PEER))]
    return options


def in_peer(*options_and_command):
    """A command line that runs a command in the peer's root; options of bwrap come before it."""
    return ["bwrap", "--bind", PEER, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *options_and_command]


def can_compile():
    return all(os.path.exists(os.path.join(PEER, f)) for f in ["usr/include/llama.h", "usr/bin/gcc"])


def compile_for_peer(work, name):
    """Compiles a program of this folder with llama.cpp's libraries into the work folder."""
    subprocess.run(in_peer("--ro-bind", TOP, "/srv", "--bind", work, "/mnt", "gcc", "-O2", "-I/srv/engine", f"/srv/tests/bench/{name}.c",
                           "-o", f"/mnt/{name}", "-lllama", "-lggml", "-lggml-base"), check=True)


def without_blas():
    return hiding(lambda name: name == "blas")


def beyond_avx2():
    return hiding(lambda name: name not in ("blas", "cpu-haswell", "cpu-x64"))


class Peer:
    def __init__(self, avx2):
        self.hidden = beyond_avx2() if avx2 else []
        self.here = os.path.exists(os.path.join(PEER, "usr/bin/llama-bench"))
        self.entering = 0  # seconds that an empty program takes
        if self.here:
            self.entering = min(self.run(FILES, False, "true")[1] for _ in range(3))

    def backends(self):
        return [False, True] if without_blas() else [False]

    def run(self, folder, blas, *command, writable=False):
        """What the program printed, the seconds it took, and its peak resident memory."""
        hide = self.hidden + ([] if blas else without_blas())
        full = in_peer(*hide, "--bind" if writable else "--ro-bind", folder, "/mnt", *command)
        start = time.monotonic()
        p = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = status
        if status:
            sys.exit(f"compare: {' '.join(full)} failed")
        return out, time.monotonic() - start, usage.ru_maxrss * 1024

    def rate(self, path, prompt, tokens, depth, threads, blas):
        out, _, rss = self.run(os.path.dirname(path), blas, "llama-bench", "-m", "/mnt/" + os.path.basename(path), "-p", str(prompt),
                               "-n", str(tokens), "-d", str(depth), "-t", str(threads), "-r", "1", "-o", "json")
        return json.loads(out[out.index("["):])[0]["avg_ts"], rss

    def first_token(self, path, threads, blas):
        text = " ".join("abcdefgh")  # 16 tokens with the vocabulary of the synthetic files
        _, seconds, _ = self.run(os.path.dirname(path), blas, "llama-completion", "-m", "/mnt/" + os.path.basename(path), "-p", text, "-n", "1",
                                 "-t", str(threads), "-c", str(CONTEXT), "-no-cnv", "--no-warmup")
        return seconds - self.entering


class Old:
    """An older build of Quern, asked as the peer is."""
    here = True

    def __init__(self, inside, build):
        self.inside, self.build = inside, os.path.abspath(build)
        if not os.path.exists(os.path.join(self.build, "tests/bench/bench-model")):
            sys.exit(f"compare: {self.build} is no build of Quern with its benches")

    def backends(self):
        return [False]

    def rate(self, path, prompt, tokens, depth, threads, blas):
        out = self.inside.run("bench-model", path, "-p", prompt, "-n", tokens, "-d", depth, "-t", threads, "-k", "-w", build=self.build)
        return out["decode_tokens_per_second" if tokens else "prefill_tokens_per_second"], out["peak_rss_bytes"]

    def first_token(self, path, threads, blas):
        return self.inside.run("bench-model", path, "-p", OPEN_PROMPT, "-n", 0, "-t", threads, "-c", CONTEXT, "-k",
                               build=self.build)["wall_seconds"]


def ik_rate(path, prompt, tokens, threads):
    """ik_llama.cpp's tokens/s, of the faster of its two ways."""
    rates = []
    for repack in "01":
        command = [IK, "-m", path, "-p", str(prompt), "-n", str(tokens), "-t", str(threads), "-r", "1", "-o", "json", "-rtr", repack]
        p = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if p.returncode:
            sys.exit(f"compare: {' '.join(command)}: {p.stderr[-400:]}")
        rates.append(json.loads(p.stdout[p.stdout.index("["):])[0]["avg_ts"])
    return max(rates)


@functools.cache
def model_file(size, mix, layers):
    """Once a run, the page cache forgets what writing or an earlier reader left there, so that it holds the file in such
    pages as a person's start of Quern brings in. llama.cpp then reads the same pages."""
    os.makedirs(FILES, exist_ok=True)
    path = os.path.join(FILES, f"{size}-{layers}-{mix}.gguf" if layers else f"{size}-{mix}.gguf")
    if not os.path.exists(path):
        options = ["--layers", str(layers)] if layers else []
        subprocess.run([sys.executable, os.path.join(HERE, "synth_gguf.py"), size, mix, path + ".part", *options],
                       check=True, stdout=sys.stderr)
        os.rename(path + ".part", path)
    with open(path, "rb") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


def products(model):
    """Rows, columns and weights of the products that each token of a prompt goes through."""
    size, mix, layers = model
    for name, ne, _ in synth_gguf.tensors(size, mix, layers)[0]:
        if len(ne) < 2 or name.startswith(("token_embd", "output")) or "conv1d" in name:
            continue
        used = synth_gguf.FAMILY[size][8][1] if len(ne) == 3 else 1
        yield ne[1], ne[0], ne[0] * ne[1] * used


def large_shapes(model):
    return sorted({f"{rows}x{columns}" for rows, columns, _ in products(model) if rows >= 256})


# ---- kinds of rows ---------------------------------------------------------------------------------------------------

class Bench:
    def __init__(self, args):
        self.rounds, self.threads = args.rounds, args.threads
        self.inside = Inside()
        self.peer = Old(self.inside, args.old) if args.old else Peer(args.avx2)

    def ours(self, path, prompt, tokens, depth=0):
        return self.inside.run("bench-model", path, "-p", prompt, "-n", tokens, "-d", depth, "-t", self.threads, "-k", "-w")

    def alternate(self, ours, theirs, backends, better=max, ik=None):
        """A B A B …: our measurements, theirs with the better back end, which the first round decides. What ik() gives in each
        round is left in self.ik."""
        a, b, chosen, self.ik = [], [], list(backends), []
        for _ in range(self.rounds):
            a.append(ours())
            if IK and ik and not isinstance(self.peer, Old):
                self.ik.append(ik())
            if self.peer.here:
                tried = {blas: theirs(blas) for blas in chosen}
                chosen = [better(tried, key=lambda k: tried[k] if isinstance(tried[k], float) else tried[k][0])]
                b.append(tried[chosen[0]])
        return a, b, "BLAS" if chosen[0] else "CPU"

    def decode(self, model, depth=0):
        path = model_file(*model)
        reads = []

        def ours():
            result = self.ours(path, 0, 64, depth)
            reads.append(self.inside.run("bench-read", path, "-t", self.threads, "-r", 3)["read_bytes_per_second"])
            return result

        a, b, _ = self.alternate(ours, lambda blas: self.peer.rate(path, 0, 64, depth, self.threads, blas), [False],
                                 ik=None if depth else lambda: ik_rate(path, 0, 64, self.threads))
        rates = [x["decode_tokens_per_second"] for x in a]
        shares = [x["decode_tokens_per_second"] * x["decode_bytes"] / read for x, read in zip(a, reads)]
        row = self.row(rates, [x[0] for x in b], "CPU", 1.4 if model == MOE else 1.5) | self.ik_row(rates)
        row |= {"weight_bytes": a[0]["decode_bytes"], "read_bytes_per_token": a[0]["read_bytes"], "read_share": statistics.median(shares),
                "plain_read": statistics.median(reads), "plain_reads": reads, "read_shares": shares}
        if depth:
            row |= {"rss": [max(x["peak_rss_bytes"] for x in a), max((x[1] for x in b), default=0)]}
        else:
            row |= {"read_share_target": READ_SHARE}
        return row

    def prefill(self, model):
        path = model_file(*model)
        sgemm = self.inside.run("bench-sgemm", "-t", self.threads, *large_shapes(model))["operations_per_second"]
        a, b, backend = self.alternate(lambda: self.ours(path, 512, 0)["prefill_tokens_per_second"],
                                       lambda blas: self.peer.rate(path, 512, 0, 0, self.threads, blas)[0],
                                       self.peer.backends(), ik=lambda: ik_rate(path, 512, 0, self.threads))
        row = self.row(a, b, backend, 1.5) | self.ik_row(a)
        operations = 2 * sum(n for _, _, n in products(model)) * row["quern"]
        return row | {"operations_per_second": operations, "sgemm": sgemm}

    def deep_prefill(self, model):
        """The same 512 tokens behind many others and alone, in turn."""
        path, deep, alone = model_file(*model), [], []

        def ours():
            deep.append(self.ours(path, 512, 0, PREFILL_DEPTH)["prefill_tokens_per_second"])
            alone.append(self.ours(path, 512, 0)["prefill_tokens_per_second"])
            return deep[-1]

        a, b, backend = self.alternate(ours, lambda blas: self.peer.rate(path, 512, 0, PREFILL_DEPTH, self.threads, blas)[0], [False])
        return self.row(a, b, backend, 1.5) | {"kept": statistics.median(d / x for d, x in zip(deep, alone)), "kept_target": KEPT[model[0]]}

    def ik_row(self, ours):
        return {"ik": statistics.median(self.ik), "ik_all": self.ik, "ik_ratio": statistics.median(ours) / statistics.median(self.ik)} if self.ik else {}

    def first_token(self, model):
        path = model_file(*model)
        ours = lambda *more: self.inside.run("bench-model", path, "-p", OPEN_PROMPT, "-n", 0, "-t", self.threads, "-c", CONTEXT, "-k", *more)
        ours()  # the page cache is to be warm, also when this row is measured alone
        a, b, backend = self.alternate(lambda: ours()["wall_seconds"],
                                       lambda blas: self.peer.first_token(path, self.threads, blas), self.peer.backends(), min)
        drafts = statistics.median(ours("-s")["wall_seconds"] for _ in range(self.rounds))
        return self.row(a, b, backend, 0.8, unit="s") | {"with_drafts": drafts}

    def score(self, model):
        """What a sweep does for each file: a text is scored, and every row of logits compared with the reference's. Both read
        the same windows twice, as the reference and as the file that is measured; llama-perplexity keeps the reference's logits in
        a file, rounded to 16 bits."""
        path = model_file(*model)
        windows, context = 4, 512
        text = os.path.join(FILES, "score.txt")
        with open(text, "w", encoding="utf-8") as f:  # a token of the synthetic vocabulary has fewer than two letters
            f.write("".join("abcdefgh"[i * i * 7 // 3 % 8] for i in range(2 * windows * context)))

        def ours():
            out = self.inside.run("../../src/cli/quern-cli", "eval", "-m", path, "--reference", path, "--windows", "llama", "--text", text,
                                  "-c", context, "-t", self.threads, "--json")
            return 2 * out["n_windows"] * context / out["wall_seconds"]

        def theirs(blas):
            seconds, name = 0.0, "/mnt/" + os.path.basename(path)
            with tempfile.TemporaryDirectory(dir=FILES) as work:
                base = ["--kl-divergence-base", f"/mnt/{os.path.basename(work)}/base"]
                for more in [], ["--kl-divergence"]:
                    out, taken, _ = self.peer.run(FILES, blas, "llama-perplexity", "-m", name, "-f", "/mnt/score.txt", "-c", str(context),
                                                  "-t", str(self.threads), *base, *more, writable=True)
                    seconds += taken - self.peer.entering
                chunks = len(re.findall(r"^ *\d+ +[\d.]+ ±", out, re.M))
            if not chunks:
                sys.exit(f"compare: llama-perplexity scored nothing of {text}")
            return 2 * chunks * context / seconds

        a, b, backend = self.alternate(ours, theirs, self.peer.backends())
        return self.row(a, b, backend, 1.5)

    def drafts(self, model, text, target):
        path = model_file(*model)
        out = self.inside.run("bench-draft", path, "-t", self.threads, "-r", self.rounds, text)[text]
        return {"quern": out["drafts"], "plain": out["plain"], "ratio": out["drafts"] / out["plain"], "unit": "tokens/s",
                "target": target, "drafted": out["drafted"], "accepted": out["accepted"]}

    def together(self, model, n, target, *options):
        out = self.inside.run("bench-together", *options, "-t", self.threads, model_file(*model), n)[str(n)]
        return {"quern": out["together"], "plain": out["alone"], "ratio": out["ratio"], "unit": "tokens/s", "target": target}

    @staticmethod
    def row(ours, theirs, backend, target, unit="tokens/s"):
        row = {"quern": statistics.median(ours), "quern_all": ours, "target": target, "unit": unit}
        if theirs:
            row |= {"llama": statistics.median(theirs), "llama_all": theirs, "llama_backend": backend}
            row["ratio"] = row["quern"] / row["llama"]
        return row


def name_of(model):
    return f"{model[0]} {model[1]}" + (f", {model[2]} layers" if model[2] else "")


def table():
    """Name and measurement of each row."""
    rows = []
    for model in [*DENSE, MOE]:
        rows.append((f"{name_of(model)}: decode 64", lambda b, m=model: b.decode(m)))
        rows.append((f"{name_of(model)}: prefill 512", lambda b, m=model: b.prefill(m)))
    big = name_of(BIG)
    rows.append((f"{big}: decode 64 at depth {DEPTH}", lambda b: b.decode(BIG, DEPTH)))
    for model in (DENSE[0], BIG):
        rows.append((f"{name_of(model)}: prefill 512 at depth {PREFILL_DEPTH}", lambda b, m=model: b.deep_prefill(m)))
    rows.append((f"{big}: open to first token", lambda b: b.first_token(BIG)))
    for model in DENSE[:2]:
        rows.append((f"{name_of(model)}: score a text", lambda b, m=model: b.score(m)))
    rows.append((f"{big}: drafts, editing a text", lambda b: b.drafts(BIG, "edit", 1.5)))
    rows.append((f"{big}: drafts, unrelated prose", lambda b: b.drafts(BIG, "prose", 0.97)))
    small = name_of(DENSE[0])
    rows.append((f"{small}: two columns together, in sum", lambda b: b.together(DENSE[0], 2, 1.5, "-w")))
    rows.append((f"{small}: four requests at once, in sum", lambda b: b.together(DENSE[0], 4, 1.8)))
    return rows


# ---- results ---------------------------------------------------------------------------------------------------------

def weight_bytes(r):
    return r.get("weight_bytes", r["read_bytes_per_token"])  # the same in results of before there were sketches


def checks(name, r, results):
    """What is asked of a row: words for the measurement, and whether the target is met."""
    out = []
    if "ratio" in r:
        lower = r["unit"] == "s"
        out.append((f"ratio {r['ratio']:.2f}, target {'≤' if lower else '≥'} {r['target']}",
                    r["ratio"] <= r["target"] if lower else r["ratio"] >= r["target"]))
    if "kept" in r:
        out.append((f"{r['kept']:.0%} of the speed without depth, target ≥ {r['kept_target']:.0%}", r["kept"] >= r["kept_target"]))
    if "read_share_target" in r:
        out.append((f"{r['read_share']:.0%} of the pace of a plain read of all {weight_bytes(r) / 1e9:.2f} GB, "
                    f"{r['plain_read'] / 1e9:.1f} GB/s, target ≥ {r['read_share_target']:.0%}",
                    r["read_share"] >= r["read_share_target"]))
    if "sgemm" in r:
        out.append((f"{r['operations_per_second'] / 1e9:.0f} Gop/s, sgemm's {r['sgemm'] / 1e9:.0f}", r["operations_per_second"] >= r["sgemm"]))
    if r.get("rss") and r["rss"][1]:
        ours, theirs = r["rss"]
        out.append((f"peak memory {ours / 1e9:.2f} GB ÷ {theirs / 1e9:.2f} GB = {ours / theirs:.2f}, target ≤ 1", ours <= theirs))
    return out


def remarks(name, r, results):
    shallow = results.get(name.split(" at depth")[0]) if " at depth" in name else None
    if "ik" in r:
        yield f"ik_llama.cpp {r['ik']:.2f} {r['unit']}, ratio {r['ik_ratio']:.2f}"
    if shallow and "kept" not in r:
        yield f"depth costs {1 - r['quern'] / shallow['quern']:.0%} of the speed"
        if "llama" in r and "llama" in shallow:
            yield f"llama.cpp {1 - r['llama'] / shallow['llama']:.0%}"
    if "read_bytes_per_token" in r:
        yield (f"{r['read_bytes_per_token'] / 1e9:.2f} GB a token, "
               f"{r['read_share'] * r['read_bytes_per_token'] / weight_bytes(r):.0%} of that read's bandwidth")
        if "llama" in r:
            yield f"this memory allows a ratio of {r['plain_read'] / r['read_bytes_per_token'] / r['llama']:.2f}"
            if "read_shares" in r:
                yield "round by round " + ", ".join(
                    f"{a / b:.2f} ({share:.0%} of {read / 1e9:.0f} GB/s)" for a, b, share, read in
                    zip(r["quern_all"], r["llama_all"], r["read_shares"], r["plain_reads"]))
    if "with_drafts" in r:
        yield f"{r['with_drafts']:.2f} s with room for drafts"
    if "drafted" in r:
        yield f"{r['accepted']} of {r['drafted']} drafted tokens right"
    if r.get("llama_backend") == "BLAS":
        yield "llama.cpp with BLAS"


def report(data):
    m = data["machine"]
    lines = [f"{m['cpu']}, {m['threads']} threads; {data['measured']}; medians, A B A B",
             f"{'':44} {'Quern':>8} {m.get('peer', 'peer'):>9}"]
    results = data["results"]
    for name, _ in table():
        if name not in results:
            continue
        r = results[name]
        other = r.get("llama", r.get("plain"))
        lines.append(f"{name:44} {r['quern']:8.2f} {'-' if other is None else format(other, '.2f'):>8} {r['unit']}")
        for words, met in checks(name, r, results):
            lines.append(f"{'':6}{'✓' if met else '✗'} {words}")
        if more := "; ".join(remarks(name, r, results)):
            lines.append(f"{'':8}{more}")
    return "\n".join(lines) + "\n"


def chart(data):
    """Bars of Quern's speed over llama.cpp's, one a row; the line is 1."""
    rows = [(name, r["ratio"] if r["unit"] != "s" else 1 / r["ratio"]) for name, _ in table()
            if "llama" in (r := data["results"].get(name, {}))]
    scale = 340 / max([ratio for _, ratio in rows] + [1.5])
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{26 * len(rows) + 34}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18">How many times as fast as {data["machine"].get("peer", "llama.cpp")}</text>']
    for i, (name, ratio) in enumerate(rows):
        y = 26 * i + 30
        svg.append(f'<text x="8" y="{y + 15}">{name}</text><rect x="310" y="{y}" width="{ratio * scale:.0f}" height="20" fill="#3584e4"/>'
                   f'<text x="{316 + ratio * scale:.0f}" y="{y + 15}">{ratio:.2f}</text>')
    x = 310 + scale
    svg.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="26" y2="{26 * len(rows) + 30}" stroke="#77767b" stroke-dasharray="4"/></svg>')
    return "\n".join(svg) + "\n"


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith(("model name", "Model"))]
    return names[0] if names else "unknown processor"


def write_all(data, folder):
    os.makedirs(folder, exist_ok=True)
    texts = {"results.json": json.dumps(data, indent=1) + "\n", "table.txt": report(data), "chart.svg": chart(data)}
    for name, text in texts.items():
        with open(os.path.join(folder, name + ".part"), "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(os.path.join(folder, name + ".part"), os.path.join(folder, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="WORDS", help="rows whose name contains all these words; repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--report", action="store_true", help="print the table of earlier results, measure nothing")
    parser.add_argument("--json", metavar="FILE", help="a copy of the results")
    parser.add_argument("--svg", metavar="FILE", help="a copy of the chart")
    parser.add_argument("--avx2", action="store_true", help="both programs without what is newer than AVX2")
    parser.add_argument("--old", metavar="BUILD", help="the build folder of an older Quern, in place of llama.cpp")
    args = parser.parse_args()
    folder = os.path.join(BUILD, "bench")
    if args.avx2:
        os.environ["QE_KERNELS"] = "avx2"
        folder = os.path.join(folder, "avx2")
    if args.old:
        folder = os.path.join(folder, "old")
    kept = os.path.join(folder, "results.json")
    data = {"results": {}, "measured": ""}
    if os.path.exists(kept) and not args.fresh:
        with open(kept, encoding="utf-8") as f:
            data = json.load(f)
    words = [w.lower().split() for w in args.only or [""]]
    rows = [row for row in table() if not (args.old and ("drafts" in row[0] or "score" in row[0]))]
    wanted = [] if args.report else [row for row in rows if any(all(w in row[0].lower() for w in ws) for ws in words)]
    if args.only and not wanted and not args.report:
        sys.exit("compare: no row has these words; there are:\n  " + "\n  ".join(name for name, _ in rows))
    if wanted:
        data["machine"] = {"cpu": cpu_name() + (", AVX2 only" if args.avx2 else ""), "threads": args.threads}
        if args.old:
            data["machine"]["peer"] = "old build"
        bench = Bench(args)
        if not bench.peer.here:
            print(HOW_TO_GET, file=sys.stderr)
        for name, measure in wanted:
            print(f"measuring {name} (load average {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
            result = measure(bench) | {"rounds": args.rounds, "when": time.strftime("%F %T")}
            if args.old:
                result["target"] = 1.02 if result["unit"] == "s" else 0.98
                result.pop("read_share_target", None)
                result.pop("sgemm", None)
            data["results"][name] = result
            data["measured"] = time.strftime("%F")
            write_all(data, folder)
    if "machine" not in data:
        sys.exit("compare: nothing was measured yet")
    print(report(data), end="")
    for copy, name in ((args.json, "results.json"), (args.svg, "chart.svg")):
        if copy:
            shutil.copyfile(os.path.join(folder, name), copy)


if __name__ == "__main__":
    main()
