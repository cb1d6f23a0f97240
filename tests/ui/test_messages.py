#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with messages: answer again, edit, versions, delete and undo."""
import quern_ui
from quern_chat import ChatCase


class Messages(ChatCase):
    def start(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        app.find('label', 'banana')
        return app

    def test_regenerate(self):
        app = self.start()
        app.find('button', 'Answer Again').click()
        app.find('label', '2/2')
        app.find('button', 'Previous Version').click()
        app.find('label', '1/2')
        app.find('label', 'banana')

    def test_edit(self):
        app = self.start()
        app.find('button', 'Edit Question').click()
        app.find('label', 'Editing: the old version is kept')
        box = app.find('text', 'Message').wait(lambda node: node.text == 'List three fruits.')
        box.set_text('Who are you?')
        box.focus()
        app.key('Return')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        app.find('label', '2/2')
        app.wait_gone('label', 'banana')

    def test_delete_and_undo(self):
        app = self.start()
        app.find('button', 'Delete Question and Answer').click()
        app.find('label', 'Message deleted')
        app.wait_gone('label', 'banana')
        app.find('button', 'Undo').click()
        app.find('label', 'banana')


if __name__ == '__main__':
    quern_ui.main()
