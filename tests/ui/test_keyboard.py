#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything by keys, and a window that tells of all of them."""
import os
import re

import quern_ui
from quern_chat import ChatCase

UI = os.path.join(os.path.dirname(__file__), '../../ui')


def read(*path):
    with open(os.path.join(UI, *path), encoding='utf-8') as file:
        return file.read()


class Keyboard(ChatCase):
    def test_shortcuts_are_listed(self):
        """Each key of the program is in the window of shortcuts, and what that lists exists."""
        accelerators = read('application', 'quern-application.c').split('accelerators[] = {')[1].split('};')[0]
        keys = set(re.findall(r'\{ "([^"]+)", \{ "', accelerators))
        listed = set(re.findall(r'"action-name">([^<]+)<', read('application', 'help-overlay.ui')))
        self.assertGreater(len(keys), 15)
        self.assertEqual(keys - listed, set())
        self.assertEqual(listed - keys, set())

    def test_shortcuts_window(self):
        app = self.launch()
        self.ready(app)
        app.key('ctrl+question')
        for title in ('Find in the conversation', 'Search all conversations', 'New comparison'):
            app.find('label', title)
        app.settle()
        app.screenshot('shortcuts')
        app.find('page tab', '_2').click()
        for title in ('Models', 'Jump to the first difference'):
            app.find('label', title)
        app.key('Escape')

    def test_keys(self):
        app = self.launch()
        self.think(app, False)
        box = app.find('text', 'Message')
        for question in ('Who are you?', 'List three fruits.'):
            app.key('ctrl+n')
            app.key('ctrl+l')
            box.wait(lambda node: node.has_state('focused'))
            app.type(question)
            n = len(self.desktop.query('SELECT 1 FROM message'))
            app.key('Return')
            quern_ui.wait_for('an answer', lambda: len(self.desktop.query(
                "SELECT 1 FROM message WHERE state = 'complete'")) == n + 2)
        app.key('ctrl+Page_Down')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        app.key('ctrl+Page_Up')
        app.find('label', 'banana')
        app.key('ctrl+shift+c')
        app.find('label', 'Copied')
        app.key('F2')
        app.find('text', 'Name').wait(lambda node: node.has_state('focused'))
        app.key('ctrl+a')
        app.type('Fruit')
        app.key('Return')
        app.find('list item', 'Fruit')
        switch = app.find('toggle button', 'Think')
        before = switch.is_on
        app.key('ctrl+shift+t')
        switch.wait(lambda node: node.is_on != before)
        app.key('ctrl+shift+f')
        app.find(None, 'Search Conversations').wait(lambda node: node.showing)
        app.key('Escape', 'ctrl+f')
        app.find(None, 'Find in this conversation')
        app.key('Escape', 'ctrl+comma')
        app.find(None, 'Generate Titles')
        app.key('Escape', 'ctrl+m')
        app.find('list', 'Models')
        app.key('Escape', 'F10')
        quern_ui.wait_for('the menu', lambda: app.find_all('menu item'))
        app.key('Escape', 'ctrl+w')
        quern_ui.wait_for('the end', lambda: not app.running)
        self.assertEqual(app.process.returncode, 0, app.log)

    def test_drafts(self):
        """What is half written belongs to its conversation, also after a restart."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        box = app.find('text', 'Message')
        box.focus()
        app.type('half a question')
        app.key('ctrl+n')
        box.wait(lambda node: node.text == '')
        app.type('another one')
        app.find('list item', 'Who are you?').click_mouse()
        box.wait(lambda node: node.text == 'half a question')
        app.close()
        app = self.launch()
        box = app.find('text', 'Message')
        box.wait(lambda node: node.text == 'half a question')
        app.key('ctrl+Page_Up')
        box.wait(lambda node: node.text == 'another one')


if __name__ == '__main__':
    quern_ui.main()
