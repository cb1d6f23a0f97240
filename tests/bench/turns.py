#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoding in Quern and in llama.cpp, a few tokens each in turn: ./dev bench turns FILE [--seconds N] [--depth N] [--avx2]

Where other people's work shares the memory, its speed changes within seconds, and programs measured one after the other
were not measured under the same conditions. Here both have the file open all the time, and a plain read of it stands at the
beginning and at the end of each round. Medians of rounds whose two reads agree, on either side of the middle between the
slowest and the fastest, and of all rounds; the ratio is the median of the rounds' own. Results are left in
build/bench/turns.json. --old PROGRAM puts another build of bench-turns into each round.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from compare import BUILD, HOW_TO_COMPILE, TOP, beyond_avx2, can_compile, compile_for_peer, in_peer, without_blas

WARM = 48  # tokens; Quern makes its sketch of the head meanwhile
SLICE = 0.5  # seconds
AGREE = 0.12  # the part by which two reads may differ


class Turns:
    """A program that answers each number of tokens with the seconds they took."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            sys.exit(f"turns: {' '.join(command)} failed")

    def seconds(self, n):
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("turns: a program ended early; with a small file its context fills: try fewer --seconds")
        return float(answer)


def quern(program, args):
    return Turns(os.path.join(TOP, "dev"), "shell", program, "-t", str(args.threads), "-d", str(args.depth), args.file)


def llama(work, args):
    hide = (beyond_avx2() if args.avx2 else []) + without_blas()
    return Turns(*in_peer(*hide, "--ro-bind", work, "/srv", "--ro-bind", args.file, "/mnt/model.gguf", "/srv/peer-turns",
                          "/mnt/model.gguf", str(args.threads), str(args.depth)))


def measure(programs, args):
    """Rounds: the two reads and, for each program, the time of a token."""
    first = programs[0]
    for program in programs:
        program.seconds(WARM)
    tokens = [max(4, round(SLICE / (program.seconds(8) / 8))) for program in programs]
    rounds, end = [], time.monotonic() + args.seconds
    before = first.seconds(0)
    while time.monotonic() < end:
        times = [program.seconds(n) / n for program, n in zip(programs, tokens)]
        after = first.seconds(0)
        rounds.append((before, after, times))
        before = after
    return rounds


def summary(rounds, size, names):
    for label, some in groups(rounds):
        reads = statistics.median(a for a, _, _ in some)
        out = {"rounds": len(some), "plain_read": size / reads}
        for i, name in enumerate(names):
            out[name] = 1 / statistics.median(times[i] for _, _, times in some)
        out["ratios"] = {name: statistics.median(times[-1] / times[i] for _, _, times in some) for i, name in enumerate(names[:-1])}
        yield label, out


def groups(rounds):
    steady = [r for r in rounds if abs(r[0] - r[1]) < AGREE * r[0]]
    reads = [r[0] for r in steady]
    if steady and min(reads) < max(reads):
        middle = (min(reads) * max(reads)) ** 0.5
        yield "slower reads", [r for r in steady if r[0] >= middle]
        yield "faster reads", [r for r in steady if r[0] < middle]
    yield "all rounds", rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=os.path.abspath)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--avx2", action="store_true", help="both programs without what is newer than AVX2")
    parser.add_argument("--old", metavar="PROGRAM", help="another bench-turns, to compare two builds")
    args = parser.parse_args()
    if not can_compile():
        sys.exit(f"turns: {HOW_TO_COMPILE}")
    if args.avx2:
        os.environ["QE_KERNELS"] = "avx2"
    with tempfile.TemporaryDirectory(dir=BUILD) as work:
        compile_for_peer(work, "peer-turns")
        programs = {"quern": quern(os.path.join(BUILD, "tests/bench/bench-turns"), args)}
        if args.old:
            programs["old"] = quern(os.path.abspath(args.old), args)
        programs["llama"] = llama(work, args)
        rounds = measure(list(programs.values()), args)
    results = dict(summary(rounds, os.path.getsize(args.file), list(programs)))
    os.makedirs(os.path.join(BUILD, "bench"), exist_ok=True)
    with open(os.path.join(BUILD, "bench/turns.json"), "w", encoding="utf-8") as f:
        json.dump({"file": args.file, "depth": args.depth, "avx2": args.avx2, "results": results}, f, indent=1)
    for label, out in results.items():
        speeds = ", ".join(f"{name} {out[name]:.2f}" for name in programs)
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in out["ratios"].items())
        print(f"{label}: {out['rounds']} rounds, plain read {out['plain_read'] / 1e9:.1f} GB/s; tokens/s {speeds}; to llama.cpp {ratios}")


if __name__ == "__main__":
    main()
