#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats C: format.py [--check] FILE… writes what .clang-format asks for, or names the files that differ from it.

clang-format puts a space before the parenthesis of every call. gettext's short names are written without one, so it is taken
out here, and lines that continue the call move to the left with it.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

VERSION = '19'
GETTEXT = re.compile(r'(?<!\w)((?:N|C|NC)?_) \((?=")')
STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/|//.*')


def close_up(text):
    """Writes `_ ("…")` as `_("…")`, with the lines up to its closing parenthesis one column further left."""
    lines, depths = [], []
    for line in text.split('\n'):
        out, moved = line, len(depths)
        if moved and line.startswith(' ' * moved):
            out = line[moved:]
        calls = [match.end() - 1 for match in GETTEXT.finditer(line)]
        code = STRING.sub(lambda match: ' ' * len(match.group()), line)
        for column, character in enumerate(code):
            if character == '(' and column in calls:
                depths.append(0)
            elif depths and character == '(':
                depths[-1] += 1
            elif depths and character == ')':
                depths[-1] -= 1
                if depths[-1] < 0:
                    depths.pop()
        lines.append(GETTEXT.sub(r'\1(', out))
    return '\n'.join(lines)


def formatted(name):
    made = subprocess.run(['clang-format', name], capture_output=True, check=True).stdout.decode()
    return close_up(made)


def work(name, check):
    with open(name, encoding='utf-8', newline='') as file:
        old = file.read()
    new = formatted(name)
    if new == old:
        return None
    if not check:
        with open(name, 'w', encoding='utf-8', newline='') as file:
            file.write(new)
    return name


def main():
    check, names = sys.argv[1:2] == ['--check'], [name for name in sys.argv[1:] if name != '--check']
    version = re.search(r'version (\d+)', subprocess.run(['clang-format', '--version'], capture_output=True, check=True).stdout.decode())
    if version.group(1) != VERSION:
        # Versions differ in details, and only one of them can be right.
        print(f'format.py: nothing done: this is clang-format {version.group(1)}, and the tree is formatted with {VERSION}', file=sys.stderr)
        return 0 if check else 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in pool.map(lambda name: work(name, check), names):
            if name:
                print(f'{name}: not formatted (./dev format)' if check else name)
    return 0


sys.exit(main())
