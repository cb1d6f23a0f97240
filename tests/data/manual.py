#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages tell of every command and every option that the programs have:
tests/data/manual.py FOLDER-OF-PAGES QUERN-CLI [QUERN]. Speaks TAP."""
import os
import re
import subprocess
import sys

LONG = re.compile(r'(?<![\w-])--([a-z][a-z0-9-]*)')


def options_of(*command):
    """Long options that --help prints, without those that every GLib program has."""
    text = subprocess.run([*command, '--help'], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8', 'GDK_BACKEND': 'x11'}).stdout
    names = {match[1] for line in text.splitlines() if (match := re.match(r' +(?:-\w, )?--([a-z0-9-]+)', line))}
    return {name for name in names if not name.startswith(('help', 'gapplication'))}


def sections(path):
    """Text below each .SH and .SS, by its heading."""
    with open(path, encoding='utf-8') as file:
        text = file.read().replace('\\-', '-').replace('\\', '')
    parts = re.split(r'^\.S[HS] (.*)$', text, flags=re.M)
    return {heading.strip('" '): body for heading, body in zip(parts[1::2], parts[2::2])}


def main():
    folder, cli, *window = sys.argv[1:]
    page = sections(os.path.join(folder, 'quern-cli.1'))
    listed = subprocess.run([cli, '--help'], capture_output=True, text=True, timeout=60, check=True,
                            env={**os.environ, 'LC_ALL': 'C.UTF-8'}).stdout
    results = []
    for command in re.findall(r'^  ([a-z]+) ', listed, re.M):
        body = next((body for heading, body in page.items() if command in re.split(r'[ ,]+', heading)), None)
        if body is None:
            results.append((f'quern-cli {command}', ['no section']))
            continue
        missing = options_of(cli, command) - set(LONG.findall(body))
        results.append((f'quern-cli {command}', sorted(missing)))
    for program in window:
        told = set(LONG.findall(sections(os.path.join(folder, 'quern.1'))['OPTIONS']))
        results.append(('quern', sorted(options_of(program) - told)))
    print(f'1..{len(results)}')
    for number, (what, missing) in enumerate(results, 1):
        print(f'{"not " if missing else ""}ok {number} - {what}')
        if missing:
            print(f'# not in the manual page: {" ".join(missing)}')
    sys.exit(any(missing for _, missing in results))


if __name__ == '__main__':
    main()
