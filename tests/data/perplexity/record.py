#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what llama-perplexity says of Quern Tiny, for the test of `quern-cli eval --windows llama`:

    tests/data/perplexity/record.py [--peer COMMAND]

COMMAND runs a program in a root that has llama.cpp-tools-extra and libggml0-backend-blas, with the folder PEER_DATA as /data
(default: ../shared/tools/peer beside the checkout). llama-perplexity.json beside this file is written anew.

Each quantisation is measured twice. llama.cpp rounds activations to 8 bits where it multiplies by itself, which it does for
batches of few tokens and for weights that it repacks, and leaves them as they are where OpenBLAS multiplies. What that changes
is half of what Q8_0 diverges."""
import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TINY = os.path.join(ROOT, 'data', 'quern-tiny')
TEXTS = [('LICENSE', ROOT, 512), ('specification.txt', HERE, 256)]
REFERENCE = 'F16'
QUANTISATIONS = ['Q8_0', 'Q4_K_M', 'Q2_K']
ACTIVATIONS = {'8-bit': ['-ub', '16'], 'f32': ['--no-repack']}


def run(peer, folder, *arguments):
    done = subprocess.run([*peer, 'llama-perplexity', '-t', '1', *arguments], env={**os.environ, 'PEER_DATA': folder},
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'llama-perplexity {" ".join(arguments)}: {done.stderr[-2000:]}')
    return done.stdout + done.stderr


def perplexity(said):
    return float(re.search(r'Final estimate: PPL = ([\d.]+)', said)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', default=os.path.join(ROOT, '..', 'shared', 'tools', 'peer'))
    peer = parser.parse_args().peer.split()
    runs, texts = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for quantisation in [REFERENCE, *QUANTISATIONS]:
            shutil.copy(os.path.join(TINY, f'quern-tiny-{quantisation}.gguf'), folder)
        for text, place, context in TEXTS:
            shutil.copy(os.path.join(place, text), folder)
            with open(os.path.join(place, text), 'rb') as file:
                texts[text] = hashlib.sha256(file.read()).hexdigest()
            for activations, options in ACTIVATIONS.items():
                common = ['-f', text, '-c', str(context), *options]
                said = run(peer, folder, '-m', f'quern-tiny-{REFERENCE}.gguf', *common, '--kl-divergence-base', 'base')
                shared = {'text': text, 'context': context, 'activations': activations}
                runs.append({**shared, 'quantisation': REFERENCE, 'perplexity': perplexity(said)})
                for quantisation in QUANTISATIONS:
                    said = run(peer, folder, '-m', f'quern-tiny-{quantisation}.gguf', *common, '--kl-divergence-base', 'base',
                               '--kl-divergence')
                    block = said[said.index('====== Perplexity statistics'):]
                    block = block[:re.search(r'^Same top p.*\n', block, re.M).end()]
                    # that of the model itself is not cut off
                    found = re.search(r'^Mean PPL\(Q\) +: +([\d.]+) ±', block, re.M)
                    runs.append({**shared, 'quantisation': quantisation, 'perplexity': float(found[1]), 'block': block.splitlines()})
    version = subprocess.run([*peer, 'llama-perplexity', '--version'], capture_output=True, text=True)
    with open(os.path.join(HERE, 'llama-perplexity.json'), 'w') as file:
        json.dump({'program': (version.stdout + version.stderr).strip().splitlines(), 'texts': texts, 'runs': runs}, file,
                  indent=1, ensure_ascii=False)
        file.write('\n')


main()
