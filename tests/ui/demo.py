#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tour of the real application on a display of its own: ./dev demo, or ./dev run without a display.

Prints what was said and how fast, and leaves pictures in build/demo/; with --screenshots also those of the metainfo file
and the README, in data/screenshots/. Ends with 1 when something did not come.
"""
import os
import re
import subprocess
import sys

import quern_ui
from quern_pages import spoken

FOLDER = os.path.join(quern_ui.BUILD, 'demo')
SCREENSHOTS = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../data/screenshots'))
STORY = 'Tell me a story about a dragon and a mill.'  # beyond what Quern Tiny knows: quantisations part
ANSWERED = "SELECT count(*) FROM message WHERE role = 'assistant' AND state = 'complete'"
LAST = '''SELECT q.content, a.reasoning, a.content, a.model_title, a.answer_tokens, a.decode_seconds,
          a.first_token_seconds FROM message a JOIN message q ON q.id = a.parent_id
          WHERE a.role = 'assistant' ORDER BY a.id DESC LIMIT 1'''


class Tour:
    def __init__(self, desktop):
        self.desktop = desktop
        self.app = desktop.launch()
        self.n_pictures = 0

    def picture(self, name, screenshot=None):
        """Takes a picture of the tour; screenshot is its name among the published ones."""
        self.app.settle()
        self.n_pictures += 1
        path = self.desktop.screenshot(os.path.join(FOLDER, f'{self.n_pictures:02}-{name}.png'))
        if screenshot and '--screenshots' in sys.argv:  # without the frame that there is where nothing casts a shadow
            subprocess.run(['convert', path, '-shave', '5x5', '+repage', '-strip', os.path.join(SCREENSHOTS, f'{screenshot}.png')],
                           check=True)

    def say(self, text):
        print(text, flush=True)

    def ask(self, question):
        """Types a question as a person does, waits for the answer and prints both."""
        before = self.desktop.query(ANSWERED)[0][0]
        box = self.app.find('text', 'Message')
        if question.isascii():
            box.focus()
            self.app.type(question)
            box.wait(lambda node: node.text == question)
        else:
            box.set_text(question)
            box.focus()
        self.app.key('Return')
        quern_ui.wait_for(f'the answer to “{question}”', lambda: self.desktop.query(ANSWERED)[0][0] > before, 60)
        asked, reasoning, answer, model, tokens, seconds, first = self.desktop.query(LAST)[0]
        self.say(f'\nYou: {asked}')
        if reasoning:
            self.say(f'({reasoning.strip()})')
        rate = f', {tokens / seconds:.0f} tokens/s' if seconds > 0 else ''
        self.say(f'{model}: {answer.strip()}\n  [{tokens} tokens{rate}, first after {first * 1000:.0f} ms]')

    def think(self, wanted):
        button = self.app.find('toggle button', 'Think')
        if button.is_on != wanted:
            button.click()
            button.wait(lambda node: node.is_on == wanted)

    def new_chat(self):
        self.app.key('ctrl+n')
        self.app.find('text', 'Message').wait(lambda node: node.text == '')


def first_window(tour):
    tour.app.find('text', 'Message')
    tour.picture('first-start')


def questions(tour):
    tour.think(False)
    tour.ask('Who are you?')
    tour.ask('What is the capital of France?')
    tour.ask('Write a Python function that adds two numbers.')
    tour.ask('Make a table of three animals and their sounds.')
    tour.picture('questions', 'chat')


def thinking(tour):
    for thinks in (False, True):
        tour.new_chat()
        tour.think(thinks)
        tour.ask('What is 47 + 38?')
    tour.picture('thinking')


def comparing(tour):
    app = tour.app
    app.find('button', 'New Comparison').click()
    app.find('button', 'Add a Column')
    box = app.find('text', 'Message')
    box.set_text('What is the capital of France?')
    box.focus()
    app.key('Return')
    figures = quern_ui.wait_for('both answers', lambda: [found for found in [app.find_all('label', re.compile('tokens/s'))]
                                                         if len(found) == 4], 60)[0]  # reading and writing
    tour.say('\nTwo quantisations side by side:')
    for column, node in zip(app.find_all('button', re.compile('^Model of this column: ')), figures[1::2]):
        tour.say(f'  {column.name}: writes {node.name}')
    box.set_text(STORY)
    box.focus()
    app.key('Return')
    box.wait(lambda node: node.text == '')
    app.find('button', 'Send', timeout=60)
    app.key('ctrl+j')
    app.find('label', re.compile('The first .* the same', re.S))
    tour.picture('comparison', 'comparison')
    app.key('Escape')


def measuring(tour):
    app = tour.app
    app.find('toggle button', 'Comparison Menu').click()
    app.find('menu item')
    app.settle()
    next(item for item in app.find_all('menu item') if 'Measure' in spoken(item)).click()
    app.find('button', 'Measure').click()
    verdict = app.find('label', re.compile('is the smallest model that is not worse|no smaller model is as good as'), timeout=120)
    tour.say(f'\n{verdict.name}')
    tour.picture('measurement', 'measurement')
    app.find_all('button', 'Close')[-1].click()
    app.wait_gone('button', 'Measure Again…')


def models(tour):
    tour.app.key('ctrl+shift+m')
    tour.app.find('label', re.compile(r'^(Fits|Tight|Does not fit|Disk too full)$'))
    tour.picture('models', 'models')


def languages(tour):
    for question in ('你好', 'こんにちは', 'مرحبا'):
        tour.new_chat()
        tour.think(False)
        tour.ask(question)
        tour.picture('languages')


def narrow(tour):
    width, height = tour.app.size()
    tour.app.resize(360, 640)
    tour.picture('narrow')
    tour.app.resize(width, height)


def restart(tour):
    tour.say('\n(closing and starting again)')
    status = tour.app.close()
    if status != 0:
        raise AssertionError(f'quern ended with {status}:\n{tour.app.log}')
    tour.app = tour.desktop.launch()
    tour.app.find(text='Who are you?')
    tour.picture('after-restart')


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        if name.endswith('.png'):
            os.unlink(os.path.join(FOLDER, name))
    with quern_ui.Desktop(size=(1000, 700)) as desktop:
        tour = Tour(desktop)
        try:
            for step in (first_window, questions, thinking, comparing, measuring, models, languages, narrow, restart):
                step(tour)
        except AssertionError as error:
            print(f'demo: {step.__name__}: {error}\n{tour.app.log}\n{tour.app.tree() if tour.app.running else ""}', file=sys.stderr)
            tour.picture('failed')
            return 1
    print(f'\nPictures are in {FOLDER}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
