#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is said in a sentence, and the rest goes on."""
import os
import re

import quern_ui
from quern_chat import ChatCase


class Errors(ChatCase):
    def test_damaged_model(self):
        folder = os.path.join(self.desktop.data, 'models')
        os.makedirs(folder)
        with open(os.path.join(folder, 'Broken-Q8_0.gguf'), 'wb') as file:
            file.write(b'GGUF' + bytes(60))
        app = self.launch()
        self.ready(app)
        app.key('ctrl+m')
        row = app.find('list', 'Models on this computer').find('list item', re.compile('Broken')) \
            if app.find_all('list item', re.compile('Broken')) else app.find('label', re.compile('Broken'))
        self.assertTrue(row.showing)

    def test_missing_model(self):
        self.add_chatterbox()
        app = self.launch()
        self.ready(app)
        self.think(app, False)
        self.start_long_answer(app)
        app.close()
        os.remove(os.path.join(self.desktop.data, 'models', 'Chatterbox-F16.gguf'))
        app = self.launch()
        app.find(None, re.compile('is not on this computer any more'))
        self.assertFalse(app.find('button', 'Send').sensitive)

    def test_damaged_database(self):
        os.makedirs(self.desktop.data)
        path = os.path.join(self.desktop.data, 'quern.db')
        with open(path, 'wb') as file:
            file.write(b'not a database, but somebody may still want it' * 100)
        app = self.launch()
        app.find(None, re.compile('Conversations cannot be kept'))
        self.think(app, False)
        app.find('text', 'Message').set_text('Who are you?')
        app.find('text', 'Message').focus()
        app.key('Return')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        with open(path, 'rb') as file:
            self.assertTrue(file.read().startswith(b'not a database'))


if __name__ == '__main__':
    quern_ui.main()
