#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the composer offers is what the model's chat template can do: thinking, and how long."""
import os
import re
import subprocess
import sys

import quern_ui
from quern_chat import ChatCase

TWINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'core', 'make-twins.py')
UNUSABLE = re.compile('^The chat template of “.*” cannot be used, so the layout of Qwen 3.5 is used instead')
EFFORT = re.compile('^Effort')


class Template(ChatCase):
    def add(self, name):
        """Installs a twin of Quern Tiny, which becomes the default model."""
        subprocess.run([sys.executable, TWINS, os.path.join(self.desktop.data, 'models'), name], check=True)

    def choose_effort(self, app, name, index):
        """Chooses a level by its position in the menu."""
        app.find('toggle button', name).click()
        items = quern_ui.wait_for('the levels', lambda: app.find_all(re.compile('menu item')))
        items[index].click()

    def test_effort(self):
        self.add('effort')
        app = self.launch()
        self.think(app, True)
        app.find('toggle button', 'Effort: Very High')
        self.think(app, False)
        app.wait_gone('toggle button', EFFORT)
        self.think(app, True)
        self.choose_effort(app, EFFORT, 0)
        app.find('toggle button', 'Effort: Low')
        app.screenshot('effort')
        app.resize(360, 480)
        self.check_inside(app, app.find('toggle button', 'Think'), app.find('toggle button', EFFORT), app.find('button', 'Send'))
        app.screenshot('effort-narrow')
        app.find('toggle button', EFFORT).click()
        quern_ui.wait_for('the levels', lambda: len(app.find_all(re.compile('menu item'))) == 3)
        app.screenshot('effort-menu')
        app.key('Escape')
        self.ask(app, 'Hello!')
        quern_ui.wait_for('the level on the disk', lambda: self.desktop.query(
            "SELECT effort, thinking FROM message WHERE role = 'assistant'") == [('low', 1)])
        self.assertEqual(self.desktop.query('SELECT effort FROM conversation'), [('low',)])

    def check_inside(self, app, *buttons):
        """All are in a window of 360 by 480 pixels, none over another, and large enough for a finger."""
        places = [button.still() for button in buttons]
        for button, (x, y, width, height) in zip(buttons, places):
            self.assertTrue(x >= 0 and y >= 0 and x + width <= 360 and y + height <= 480, (button, x, y, width, height))
            self.assertTrue(width >= 44 and height >= 44, (button, width, height))
        for i, (x, y, width, height) in enumerate(places):
            for left, top, wide, high in places[:i]:
                self.assertTrue(x + width <= left or left + wide <= x or y + height <= top or top + high <= y, places)

    def test_narrow_in_german(self):
        self.desktop_options = {'locale': 'de_DE'}
        self.add('effort')
        app = self.launch()
        app.resize(360, 480)
        effort = app.find('toggle button', re.compile(': Sehr hoch$'))
        composer = quern_ui.wait_for('the buttons', lambda: [node for node in effort.parent.parent.find_all('toggle button')])
        app.screenshot('effort-german')
        self.check_inside(app, *composer)

    def test_effort_is_not_chosen_by_opening(self):
        self.add('effort')
        app = self.launch_with(thinking=1)
        app.find('toggle button', 'Effort: Very High')
        self.ask(app, 'Hello!')
        self.assertEqual(self.desktop.query('SELECT effort FROM conversation'), [(None,)])
        self.assertEqual(self.desktop.query("SELECT effort FROM message WHERE role = 'assistant'"), [('xhigh',)])

    def test_no_switch(self):
        self.add('plain')
        app = self.launch()
        self.ready(app)
        app.wait_gone('toggle button', 'Think')
        self.assertFalse(app.find_all('toggle button', EFFORT))

    def test_unusable(self):
        self.add('unreadable')
        app = self.launch()
        self.ready(app)
        app.find('label', UNUSABLE)
        app.screenshot('template-unusable')
        self.assertEqual(len(app.find_all('label', UNUSABLE)), 1)
        self.think(app, False)
        self.assertTrue(self.ask(app, 'What is the capital of France?'))


if __name__ == '__main__':
    quern_ui.main()
