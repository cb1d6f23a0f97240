# SPDX-License-Identifier: GPL-3.0-or-later
"""A pseudo language: every message of Quern with accents, in brackets and 40 % longer. Text without brackets cannot be
translated; text that is cut here would be cut in German."""
import ast
import os
import re
import subprocess

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))
OPEN, CLOSE = '⟦', '⟧'
ACCENTS = str.maketrans('AaCcEeIiNnOoSsUuYyZz', 'ÅåÇçÉéÎîÑñÖöŠšÛûÝýŽž')
FILLER = 'ôñé ťẃó ťĥřéé ƒôûŕ ƒîṽé šîẋ šéṽéñ éîĝĥť ñîñé ťéñ '
# These parts stay as they are: directives of printf and strftime, mark-up, entities, URLs and code between backticks.
KEPT = re.compile(r"%%|%[-+ #0']*\d*(?:\.\d+)?(?:<\w+>|hh|h|ll|l|z|j)?[a-zA-Z]|<[^<>]+>|&\w+;|https?://\S+|`[^`]*`")
KEYWORDS = ('_', 'N_', 'C_:1c,2', 'NC_:1c,2', 'ngettext:1,2', 'g_dngettext:2,3', 'g_dpgettext2:2c,3')


def pseudo(text):
    """Translates a message line by line, because lines are items of lists and rows of tables."""
    return '\n'.join(_line(line) for line in text.split('\n'))


def _line(line):
    head, body, tail = re.fullmatch(r'((?:- |#+ |> |\d+\. )?\s*)(.*?)(\s*)', line).groups()
    if not body:
        return line
    out, last = '', 0
    for kept in KEPT.finditer(body):
        out += body[last:kept.start()].translate(ACCENTS) + kept[0]
        last = kept.end()
    out += body[last:].translate(ACCENTS)
    length = max(0, round(0.4 * len(KEPT.sub('', body))) - 2)  # the brackets count
    filler = (FILLER * (length // len(FILLER) + 1))[:length].strip()
    return head + OPEN + out + (' ' + filler if filler else '') + CLOSE + tail


def is_translated(text):
    """Returns whether no word of three Latin letters is outside the brackets."""
    outside = re.sub(f'{OPEN}.*?{CLOSE}', ' ', text, flags=re.S)
    return re.search('[A-Za-z]{3}', outside) is None


def _entries(catalogue):
    """Reads the entries of a PO file as dictionaries from keyword to text."""
    for block in re.split(r'\n\n+', catalogue):
        entry, key = {}, None
        for line in block.splitlines():
            match = re.fullmatch(r'(?:(msg\w+(?:\[\d\])?) )?(".*")', line)
            if match:
                key = match[1] or key
                entry[key] = entry.get(key, '') + ast.literal_eval(match[2])
        if entry and '#~' not in block:
            yield entry


def _quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n').replace('\t', '\\t') + '"'


def make(folder, language='pseudo'):
    """Writes FOLDER/LANGUAGE/LC_MESSAGES/quern.mo from the sources as they are."""
    target = os.path.join(folder, language, 'LC_MESSAGES')
    os.makedirs(target)
    extracted = subprocess.run(
        ['xgettext', '--from-code=UTF-8', '--files-from=po/POTFILES', '--directory=' + SOURCE, '--output=-',
         *(f'--keyword={keyword}' for keyword in KEYWORDS)],
        cwd=SOURCE, capture_output=True, text=True, check=True).stdout
    lines = ['msgid ""', 'msgstr ""', _quoted('Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n')]
    for entry in _entries(extracted):
        if not entry['msgid']:
            continue
        lines.append('\n#, c-format' if re.search(r"%[-+ #0']*<", entry['msgid']) else '')  # widths of integers differ between computers
        lines.extend(f'{key} {_quoted(entry[key])}' for key in ('msgctxt', 'msgid', 'msgid_plural') if key in entry)
        if 'msgid_plural' in entry:
            lines.append('msgstr[0] ' + _quoted(pseudo(entry['msgid'])))
            lines.append('msgstr[1] ' + _quoted(pseudo(entry['msgid_plural'])))
        else:
            lines.append('msgstr ' + _quoted(pseudo(entry['msgid'])))
    subprocess.run(['msgfmt', '-o', os.path.join(target, 'quern.mo'), '-'], input='\n'.join(lines) + '\n', text=True, check=True)
