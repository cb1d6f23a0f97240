#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns what a _finish function returns: transfer.py FILE… prints each offence as FILE:LINE: WHAT.

The rule is one for the whole tree: the caller does. So a definition says "Returns: (transfer full)", a task hands a pointer
on only together with what frees it, and a caller keeps the result in something that lets it go (g_autoptr, g_autofree, a
field, what it returns itself). A result that was lent instead, and was taken with g_autoptr, has crashed the window.
"""
import re
import sys

DEFINITION = re.compile(r'^(?:static )?(?:const )?(\w+) ?\*+\n(\w+_finish) ?\(', re.M)
COMMENT = re.compile(r'/\*(?:(?!\*/).)*\*/\s*\Z', re.S)
# Nothing is given that would free the pointer. The data of a job of the database is lent, without a type, by design.
HANDED_ON = re.compile(r'g_task_return_pointer \(([^;]*?), NULL\);', re.S)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def function_around(text, position):
    """The body that a position lies in."""
    start, end = text.rfind('\n{', 0, position), text.find('\n}', position)
    return text[start:end if end >= 0 else len(text)]


def check_definitions(name, text):
    """Yields (function, offence or None) for each _finish function that returns a pointer."""
    for match in DEFINITION.finditer(text):
        comment = COMMENT.search(text[:match.start()])
        good = comment and 'Returns: (transfer full)' in comment[0]
        yield match[2], None if good else \
            f'{name}:{line_of(text, match.start(2))}: {match[2]} does not say “Returns: (transfer full)”'


def check_tasks(name, text):
    for match in HANDED_ON.finditer(text):
        pointer = match[1].split(',', 1)[1].strip()
        if pointer != 'NULL' and not re.fullmatch(r'(job->)?data', pointer):
            yield f'{name}:{line_of(text, match.start())}: a task hands on “{pointer}” and nothing that frees it'


def is_kept(text, position):
    """Whether the result of the call at this position gets an owner."""
    before = text[max(text.rfind(mark, 0, position) for mark in ';{}') + 1:position]
    before = re.sub(r'/\*.*?\*/', '', before, flags=re.S).strip()
    if before.endswith('return') or re.search(r'g_auto(ptr|free)\b', before) or re.search(r'->\w+ =$', before):
        return True
    match = re.search(r'(\w+) =$', before)
    if not match:
        return False
    variable, body = match[1], function_around(text, position)
    return bool(re.search(rf'g_auto(ptr|free)\b[^;]*\b{variable}\b', body)
                or re.search(rf'(_free|_unref|_clear_\w+|g_steal_pointer) \(&?{variable}\b|return {variable}\b', body))


def check_calls(name, text, functions):
    for match in re.finditer(r'\b(\w+_finish) ?\(', text):
        defined_or_declared = text.rfind('\n', 0, match.start()) + 1 == match.start() \
            or re.match(r'\w[\w ]*\*+ *$', text[text.rfind('\n', 0, match.start()) + 1:match.start()])
        if match[1] in functions and not defined_or_declared and not is_comment(text, match.start()) \
                and not is_kept(text, match.start()):
            yield f'{name}:{line_of(text, match.start())}: nobody owns the result of {match[1]}'


def is_comment(text, position):
    return text.rfind('/*', 0, position) > text.rfind('*/', 0, position)


def main(names):
    texts = {}
    for name in names:
        with open(name, encoding='utf-8') as file:
            texts[name] = file.read()
    functions, offences = set(), []
    for name, text in texts.items():
        for function, offence in check_definitions(name, text):
            functions.add(function)
            offences += [offence] if offence else []
        offences += check_tasks(name, text)
    for name, text in texts.items():
        offences += check_calls(name, text, functions)
    if not functions:
        offences.append('no _finish function was found at all')
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
