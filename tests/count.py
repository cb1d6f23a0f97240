#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the checks in meson's logs (one JSON object a line) and prints what failed and the line of totals."""
import json
import re
import sys

CHECK = re.compile(r'^(not )?ok\b(.*)$', re.M)
passed = failed = skipped = 0
broken = []
for line in open(sys.argv[1], encoding='utf-8'):
    test = json.loads(line)
    bad = 0
    checks = CHECK.findall(test.get('stdout') or '')
    for negative, rest in checks:
        if re.search(r'# SKIP\b', rest, re.I):
            skipped += 1
        elif negative:
            bad += 1
            broken.append(f"{test['name']}: {rest.strip(' -')}")
        else:
            passed += 1
    result = test['result']
    if result in ('OK', 'SKIP', 'EXPECTEDFAIL'):
        if not checks:  # a program without TAP counts as one check
            passed += result == 'OK'
            skipped += result == 'SKIP'
    elif not bad:  # it crashed, hung, or failed without saying where
        bad = 1
        broken.append(f"{test['name']}: {result}")
    failed += bad
for name in broken:
    print(f'FAILED {name}')
print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
sys.exit(failed > 0 or passed == 0)
