#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench ui [--json] [--seconds N]: how the real window feels, under Xvfb.

start_*_ms    from starting the process to the end of its first frame; warm: median of 5 starts; cold: after the pages of
              every file that it maps were dropped from memory (those in use by other programs stay)
start_cpu_ms, open_2000_cpu_ms: of that, time of the window's thread on a processor, which a busy computer does not change
open_2000_ms  from choosing a conversation of 2,000 messages with code, tables and formulas to the end of the frame that shows it
frame_*_ms    the frames' own work while an answer arrives in that conversation at 100 tokens/s; frame_cpu_p99_ms counts
              only time on a processor
memory_*_mb   resident memory after opening it, and after that answer
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'ui'))
import quern_ui  # noqa: E402

PROBE = os.path.join(quern_ui.BUILD, 'tests', 'bench', 'bench-ui-probe')


def probe(desktop, *arguments):
    result = subprocess.run([PROBE, *map(str, arguments)], stdout=subprocess.PIPE, env={
                                **desktop.environment, 'GSETTINGS_BACKEND': 'memory'},  # nothing is open at the start
                            stderr=subprocess.DEVNULL, check=True, timeout=180)
    return json.loads(result.stdout)


def start(desktop):
    return probe(desktop, 'start', time.monotonic_ns() // 1000)


def mapped_files(desktop):
    """The files that the application maps and those that it reads on its way up."""
    app = desktop.launch()
    with open(f'/proc/{app.process.pid}/maps', encoding='utf-8') as maps:
        files = {line.split(None, 5)[5].strip() for line in maps if '/' in line and 'deleted' not in line}
    app.kill()
    files.add(PROBE)
    for folder in ('/usr/share/icons/Adwaita', '/usr/share/gtksourceview-5', '/usr/share/glib-2.0', '/etc/fonts'):
        files.update(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)
    return files


def drop(files):
    for name in files:
        try:
            file = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def measure(seconds):
    with quern_ui.Desktop(size=(1100, 750), animations=True) as desktop:
        start(desktop)  # makes the database and caches
        warm = [start(desktop) for _ in range(5)]
        cold = []
        files = mapped_files(desktop)
        for _ in range(3):
            drop(files)
            cold.append(start(desktop)['start_ms'])
        conversation = probe(desktop, 'fill', 2000)['id']
        opened = [probe(desktop, 'open', conversation) for _ in range(3)]
        streamed = probe(desktop, 'stream', conversation, seconds)
    return {
        'frame_p99_ms': streamed['frame_p99_ms'], 'frame_cpu_p99_ms': streamed['frame_cpu_p99_ms'],
        'frame_median_ms': streamed['frame_median_ms'],
        'frame_max_ms': streamed['frame_max_ms'], 'frames': streamed['frames'],
        'tokens': round(streamed['bytes'] / 4), 'start_warm_ms': statistics.median(s['start_ms'] for s in warm),
        'start_cpu_ms': statistics.median(s['start_cpu_ms'] for s in warm),
        'start_cold_ms': statistics.median(cold), 'open_2000_ms': statistics.median(o['open_ms'] for o in opened),
        'open_2000_cpu_ms': statistics.median(o['open_cpu_ms'] for o in opened),
        'memory_open_mb': round(opened[-1]['memory_kb'] / 1024, 1),
        'memory_streamed_mb': round(streamed['memory_kb'] / 1024, 1),
    }


def main():
    parser = argparse.ArgumentParser(prog='dev bench ui', description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--json', action='store_true', help='print one JSON object')
    parser.add_argument('--seconds', type=int, default=10, help='how long the answer arrives')
    options = parser.parse_args()
    result = measure(options.seconds)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        unit = re.search('(ms|mb)$', name)
        print(f'{name:20} {value:10} {unit[0].replace("mb", "MB") if unit else ""}')


if __name__ == '__main__':
    main()
