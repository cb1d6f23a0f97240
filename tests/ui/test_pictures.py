#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and text files: attached, counted, sent, seen again; and models that cannot see."""
import os
import re
import shutil

import quern_ui
from quern_chat import ANSWERS, GOLDENS, AttachCase

IMAGES = os.path.join(os.environ['QUERN_TINY_DIR'], 'images')


class Pictures(AttachCase):
    def test_picture(self):
        app = self.launch()
        self.think(app, False)
        self.attach(app, os.path.join(IMAGES, 'shape0.png'))
        app.find('button', 'View shape0.png')
        app.find('label', re.compile(r'^\d+ × \d+ · \d+ tokens$'))
        self.assertRegex(self.ask(app, 'What is in the picture?')[0], r'\w+')
        app.wait_gone('button', 'Remove shape0.png')
        self.assertEqual(self.desktop.query('SELECT count(*) FROM blob'), [(1,)])

        app.find('button', 'View shape0.png').click()
        app.find('image', 'shape0.png')
        app.find('label', re.compile(r'^\d+ × \d+ pixels$'))
        app.find('label', '100 %')
        app.key('plus')
        app.find('label', '125 %')
        app.key('minus')
        app.find('label', '100 %')
        app.key('Escape')
        app.wait_gone('image', 'shape0.png')

    def test_stored_once(self):
        app = self.launch()
        self.think(app, False)
        for _ in range(2):
            self.attach(app, os.path.join(IMAGES, 'shape0.png'))
            app.find('label', re.compile(r'^\d+ × \d+ · \d+ tokens$'))
            self.ask(app, 'What is in the picture?')
        self.assertEqual(self.desktop.query('SELECT count(*) FROM blob'), [(1,)])

    def test_several(self):
        """Two pictures and a text in one message: all of them are sent, in their order."""
        app = self.launch()
        self.think(app, False)
        path = os.path.join(self.desktop.folder, 'notes.txt')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('A note.')
        names = ['shape0.png', 'shape1.png', 'notes.txt']
        for name in names:
            self.attach(app, path if name == 'notes.txt' else os.path.join(IMAGES, name))
            app.find('button', f'Remove {name}')
        quern_ui.wait_for('what they cost', lambda: len(app.find_all('label', re.compile(r'\d+ tokens$'))) == 3)
        self.ask(app, 'What is in the picture?')
        self.assertEqual([row[0] for row in self.desktop.query('SELECT name FROM attachment ORDER BY position')], names)
        tokens = self.desktop.query("SELECT prompt_tokens FROM message WHERE role = 'assistant'")[0][0]
        self.assertGreater(tokens, 2 * 18)  # as their chips said
        for name in names[:2]:
            app.find('button', f'View {name}')

    def test_blind_model(self):
        folder = os.path.join(self.desktop.data, 'models')
        os.makedirs(folder)
        shutil.copy(os.path.join(GOLDENS, 'a-dense-F16.gguf'), os.path.join(folder, 'Blind-F16.gguf'))
        app = self.launch()
        self.ready(app)
        app.find('text', 'Message').set_text('What is this?')
        self.attach(app, os.path.join(IMAGES, 'shape0.png'))
        app.find('label', re.compile('cannot see pictures without its vision file'))
        app.find('label', 'Not visible to the model')
        app.find('button', 'Download Vision File')
        self.assertFalse(app.find('button', 'Send').sensitive)
        app.find('button', 'Choose Another Model').click()
        app.find('label', 'Q8_0').click_mouse()
        app.wait_gone('button', 'Download Vision File')
        app.find('label', re.compile(r'^\d+ × \d+ · \d+ tokens$'))
        app.find('button', 'Send').wait(lambda node: node.sensitive).click()
        quern_ui.wait_for('the answer', lambda: self.finished(0))

    def test_text_file(self):
        path = os.path.join(self.desktop.folder, 'notes.txt')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('The meeting is on Monday.\n')
        app = self.launch()
        self.think(app, False)
        self.attach(app, path)
        app.find('label', 'notes.txt')
        app.find('label', re.compile(r'^\d+ tokens$'))
        self.ask(app, 'When is the meeting?')
        app.find('label', 'notes.txt')

    def test_without_portal(self):
        app = self.launch()
        self.ready(app)
        self.take_screenshot(app)
        app.find('label', re.compile('^This desktop does not let applications take screenshots'))

    def test_refused(self):
        app = self.launch()
        self.ready(app)
        path = os.path.join(self.desktop.folder, 'cut.png')
        with open(os.path.join(IMAGES, 'shape0.png'), 'rb') as whole, open(path, 'wb') as cut:
            cut.write(whole.read()[:-30])
        self.attach(app, path)
        app.find('label', re.compile('“cut.png” cannot be attached. This PNG picture is damaged'))
        self.assertFalse(app.find_all('button', 'Remove cut.png'))


if __name__ == '__main__':
    quern_ui.main()
