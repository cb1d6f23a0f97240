#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throughput of quern-cli pull, verification included, against curl on the same test hub: A B A B, medians.

usage: bench-download.py [--size MEGABYTES] [--rounds N] [--folder DIR]   (in ./dev shell)

Prints one JSON object. Writing goes to DIR (default /dev/shm: what is compared is the program, not the disk; quern-cli
flushes the file to the disk before it gives it its name, curl does not).

2026-11-26, two cores (EPYC, Zen 4), a build that loaded OpenBLAS late: ratio 0.98 (curl 1.02 GB/s, Quern 1.00 GB/s; processor
time for 1 GiB: curl 1.05 s, Quern 1.62 s of which SHA-256 0.60, CRC-32 0.08, the rest the kernel's copies; memory grows by 5 MB).
The hub counts, as it shares the cores: it sends with sendfile, which costs it 0.13 s for each GiB and makes the client read cold
memory. When it copied, which cost it 0.7 s, curl reached 1.4 GB/s and Quern 0.8 GB/s: more work than two cores do in that time."""
import argparse, json, os, resource, shutil, statistics, subprocess, sys, tempfile, time

REPO, NAME = 'bench/Large-GGUF', 'large-Q4_K_M.gguf'


def run(command, environment):
    """Wall seconds and processor seconds of a command."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak_bytes(command, environment):
    """Peak resident memory of one run."""
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit('bench-download: the download failed')
    return usage.ru_maxrss * 1024


def make_file(path, size):
    os.makedirs(os.path.dirname(path))
    with open(path, 'wb') as file:
        for _ in range(size // 2**20):
            file.write(os.urandom(2**20))


def measure(folder, endpoint, size, rounds):
    environment = dict(os.environ, HOME=folder, XDG_DATA_HOME=folder + '/data', XDG_CACHE_HOME=folder + '/cache',
                       HF_ENDPOINT=endpoint)
    models, copy = folder + '/data/quern/models', folder + '/curl.gguf'
    curl = ['curl', '-sSfL', '-o', copy, f'{endpoint}/{REPO}/resolve/main/{NAME}']
    pull = ['quern-cli', 'pull', '--quiet', REPO]
    results = {'curl': [], 'quern': []}
    for _ in range(rounds):
        results['curl'].append(run(curl, environment))
        os.unlink(copy)
        results['quern'].append(run(pull, environment))
        shutil.rmtree(models)
    peak = peak_bytes(pull, environment)
    shutil.rmtree(models)
    idle = peak_bytes(['quern-cli', 'search', 'large'], environment)
    median = {k: [statistics.median(x) for x in zip(*v)] for k, v in results.items()}
    return {
        'bytes': size,
        'curl_bytes_per_second': size / median['curl'][0],
        'quern_bytes_per_second': size / median['quern'][0],
        'ratio': median['curl'][0] / median['quern'][0],
        'curl_cpu_seconds': median['curl'][1],
        'quern_cpu_seconds': median['quern'][1],
        'peak_rss_bytes': peak,
        'peak_rss_growth_bytes': peak - idle,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--size', type=int, default=1024)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--folder', default='/dev/shm')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        make_file(f'{folder}/hub/{REPO}/{NAME}', options.size * 2**20)
        hub_program = os.path.join(os.environ.get('MESON_BUILD_ROOT', 'build'), 'tests/hub/quern-test-hub')
        hub = subprocess.Popen([hub_program, folder + '/hub'], stdout=subprocess.PIPE, text=True)
        try:
            endpoint = hub.stdout.readline().strip()
            print(json.dumps(measure(folder, endpoint, options.size * 2**20, options.rounds), indent=2))
        finally:
            hub.terminate()
            hub.wait()


main()
