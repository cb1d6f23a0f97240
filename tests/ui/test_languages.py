#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quern in other languages: in one that nobody speaks (quern_pseudo.py), what stays as it was has been forgotten, and
what is cut would be cut in German; and in each that it is translated into, the window speaks it."""
import os
import re

import quern_pseudo
import quern_ui
from quern_chat import ChatCase
from quern_models import TINY
from quern_pages import QUESTIONS, FourTours, PagesCase

# What is on the screen and no message of Quern's: names, data, and what GTK and libadwaita say in their own catalogues.
NOT_OURS = re.compile('|'.join((
    r'quern|Quern( Tiny)?|Tiny|quern-tiny|gpl-3\.0|quern/Quern-Tiny-GGUF|Quern-Tiny-GGUF|Qwen|GGUF|unsloth.*|0\.1\.0|python|sh|def|return',
    r'llama\.cpp|b11669-Debian|https?|Turbo|Plus|Max',  # the latter are prices, which people name
    r'(mmproj-)?quern-tiny-\S+|[IT]?Q\d\w*|F16|BF16|F32|MXFP4\w*|[kMGT]?i?B|tokens?/s',
    r'Ctrl|Shift|Alt|Return|Escape|Tab|Page[_ ](Up|Down)|Up|Down|Delete|F\d+',  # keys
    r'(Close|Minimize|Maximize)( the window)?|Back|Search|Clear.*|Search Shortcuts|Shortcuts|Search Results|No Results Found|Menu|'
    r'Preferences|Details|Credits|Legal|Code by|Translated by|Website|Report an Issue|Troubleshooting|Increase|Decrease|Copy|About|'
    r'Main Menu|Restore|Try a different search|Suffix|Prefix|More|Insert Emoji|Show Password|Dismiss|Icon|Select|Selected|Sidebar',
)), re.I)

ANSWERS = 'The capital of France is Paris. The user asks for the capital of France. It is Paris.'  # of Quern Tiny


def words(text):
    return ' '.join(re.findall(r'\w+', text))


class Pseudo(FourTours, PagesCase):
    desktop_options = {'locale': 'pseudo', 'size': (1100, 800)}

    def untranslated(self, app):
        """Returns names and descriptions on the screen that have words outside the brackets."""
        messages = self.desktop.query("SELECT content || ' ' || reasoning FROM message")
        said = words(' '.join([ANSWERS, *QUESTIONS, *(row[0] for row in messages), self.readme]))
        found = set()
        for window in app.windows():
            for node in window.walk():
                for text in (node.name, node.description):
                    if not self.is_ours(text, said):
                        continue
                    found.add(f'{node.role} {text[:100]!r}')
        return sorted(found)

    def cut(self, app):
        return [f'{label["problem"]}: {label["text"][:70]!r} in {label["where"]}' for label in self.probe(app)
                if label['problem'] in ('ellipsized', 'cut') and quern_pseudo.OPEN in label['text']]

    @staticmethod
    def is_ours(text, said):
        """Returns whether it has a word of Quern that was not translated."""
        if quern_pseudo.is_translated(text) or words(text) in said:
            return False
        outside = re.sub(f'{quern_pseudo.OPEN}.*?{quern_pseudo.CLOSE}', ' ', text, flags=re.S)
        return not NOT_OURS.fullmatch(outside.strip()) and not all(
            NOT_OURS.fullmatch(word) or word in said or len(word) < 3 for word in re.findall(r'[A-Za-z][\w./-]*', outside))

    def walk(self, tour):
        with open(os.path.join(TINY, 'README.md'), encoding='utf-8') as file:
            self.readme = file.read()
        app = self.start()
        problems = []
        for page in tour(app):
            cut = quern_ui.lasting(lambda: self.cut(app))
            app.screenshot('pseudo-' + re.sub('[^a-z0-9]+', '-', page.lower()))
            problems += [f'{page}: not translated: {text}' for text in quern_ui.lasting(lambda: self.untranslated(app))]
            problems += [f'{page}: {text}' for text in cut]
        self.assertEqual(problems, [], '\n'.join(problems))


class Languages(ChatCase):
    """One test for each language: the window speaks it, and a picture is left to be looked at."""

    def speaks(self, locale):
        self.desktop_options = {'locale': locale}
        app = self.launch()
        self.think(app, False)  # finds the model's button, the message and the switch by their translated names
        self.ask(app, 'What is the capital of France?')
        app.find('button', 'New Comparison')
        self.assertNotEqual(self.desktop.say('New Comparison'), 'New Comparison', locale)
        self.assertNotEqual(self.desktop.say('Think'), 'Think', locale)
        app.screenshot(f'language-{locale}')


def _add(locale):
    setattr(Languages, f'test_{locale}', lambda self: self.speaks(locale))


for name in ('de_DE', 'fr_FR', 'es_ES', 'pt_BR', 'zh_CN', 'ja_JP', 'ko_KR', 'ar_EG'):
    _add(name)

if __name__ == '__main__':
    quern_ui.main()
