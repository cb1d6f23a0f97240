#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several windows on the same conversations."""
import os
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase
from quern_models import label_of


class Windows(ChatCase):
    patient = False

    def second(self, app, open_it):
        """Opens another window; returns both, each with its X window as .x."""
        first, x_first = app.windows()[0], app.window_id()
        open_it()
        quern_ui.wait_for('two windows', lambda: len(app.windows()) == 2 and len(app.x_windows()) == 2)
        second = next(window for window in app.windows() if window.accessible != first.accessible)
        first.x, second.x = x_first, next(x for x in app.x_windows() if x != x_first)
        second.find('text', 'Message')
        return first, second

    def into(self, app, window):
        """Gives a window the focus, as the user does."""
        app.xdotool('windowraise', window.x, 'windowfocus', '--sync', window.x)
        window.wait(lambda node: node.has_state('active'))

    def ask_in(self, app, window, question):
        n = self.n_answers_so_far()
        self.into(app, window)
        box = window.find('text', 'Message')
        box.set_text(question)
        box.focus()
        app.key('Return')
        return n

    def open_in(self, app, window, title):
        """Opens the only conversation with this title by the keyboard."""
        self.into(app, window)
        row = window.find('list item', title)
        app.key('F9', 'Home')
        row.wait(lambda node: node.has_state('focused'))
        app.key('Return')

    def test_new_window(self):
        """It starts with a new chat, and both show the same list."""
        app = self.launch()
        self.think(app, False)
        first, second = self.second(app, lambda: app.key('ctrl+shift+n'))
        self.assertEqual(second.find('text', 'Message').text, '')
        n = self.ask_in(app, second, 'What is the capital of France?')
        quern_ui.wait_for('an answer', lambda: self.finished(n))
        second.find('label', 'The capital of France is Paris.')
        first.find('list item', 'What is the capital of France?')
        self.assertEqual(first.find_all('label', 'The capital of France is Paris.'), [])
        second.wait(lambda node: node.name == 'What is the capital of France?')
        app.screenshot('two-windows')
        # Opened in the first one, it is shown where it is.
        self.open_in(app, first, 'What is the capital of France?')
        second.find('label', 'The capital of France is Paris.')
        self.assertEqual(quern_ui.lasting(lambda: first.find_all('label', 'The capital of France is Paris.'), 1), [])
        # Deleted in the first one, it is gone from the second.
        self.into(app, first)
        app.key('F9', 'Home')
        first.find('list item', 'What is the capital of France?').wait(lambda node: node.has_state('focused'))
        app.key('Delete')
        second.wait_gone('label', 'The capital of France is Paris.')
        second.find('text', 'Message')

    def test_open_in_new_window(self):
        """The conversation moves; what was half written there moves with it."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        app.find('text', 'Message').set_text('half a question')
        row = app.find('list item', 'Who are you?')

        def choose():
            row.find('toggle button', 'Conversation Actions').click()
            quern_ui.wait_for('the menu', lambda: app.find_all('menu item'))
            app.find_all('menu item')[0].click()
        first, second = self.second(app, choose)
        second.find('label', re.compile('^I am Quern Tiny'))
        second.find('text', 'Message').wait(lambda node: node.text == 'half a question')
        first.wait_gone('label', re.compile('^I am Quern Tiny'))
        self.assertEqual(first.find('text', 'Message').text, '')
        # Closed, it can be opened in the first one again.
        self.into(app, second)
        app.key('ctrl+w')
        quern_ui.wait_for('one window', lambda: len(app.x_windows()) == 1)
        self.open_in(app, first, 'Who are you?')
        first.find('label', re.compile('^I am Quern Tiny'))
        first.find('text', 'Message').wait(lambda node: node.text == 'half a question')

    def test_print(self):
        """A conversation as PDF, by its menu, and the dialog of printers by key."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'What is the capital of France?')
        self.by_name(app, 'Conversation Actions', 'Export')
        self.find_item(app, 'PDF…').click()
        app.finish_chooser(app.chooser('Save as PDF').find('button', 'Save'))
        app.find('label', 'Exported')
        name, = (name for name in os.listdir(self.desktop.folder) if name.endswith('.pdf'))  # where the program was started
        with open(os.path.join(self.desktop.folder, name), 'rb') as file:
            self.assertTrue(file.read().startswith(b'%PDF'))
        app.key('ctrl+p')
        quern_ui.wait_for('the dialog', lambda: any(window.name == 'Print' for window in app.windows()))
        app.key('Escape')
        quern_ui.wait_for('its end', lambda: len(app.x_windows()) == 1)

    def by_name(self, app, button, item):
        app.find('toggle button', button).click()
        self.find_item(app, item).click()

    def find_item(self, app, label):
        """An item of the menu that is open, once it can be chosen."""
        return quern_ui.wait_for(label, lambda: next(
            (node for node in app.find_all(re.compile('menu item$')) if label_of(node) == label and node.sensitive), None))

    def test_answers_go_on(self):
        """The window of an answer is closed: the answer goes on, and the other window shows it."""
        self.slow = True
        app = self.launch(environment={'QUERN_PACE': '150'})
        self.think(app, False)
        first, second = self.second(app, lambda: app.key('ctrl+shift+n'))
        n = self.ask_in(app, second, 'Write a Python function that adds two numbers.')
        quern_ui.wait_for('its beginning', lambda: len(self.desktop.query(ANSWERS)) > n)
        app.key('ctrl+w')
        quern_ui.wait_for('one window', lambda: len(app.x_windows()) == 1)
        self.open_in(app, first, 'Write a Python function that adds two numbers.')
        quern_ui.wait_for('the end', lambda: self.finished(n))
        self.assertEqual(self.desktop.query(ANSWERS)[n][1], 'complete')
        first.find('button', 'Copy Answer')
        # The last window, too, can be closed.
        app.key('ctrl+w')
        self.assertEqual(app.process.wait(quern_ui.TIMEOUT), 0)


if __name__ == '__main__':
    quern_ui.main()
