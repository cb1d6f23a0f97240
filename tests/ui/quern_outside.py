# SPDX-License-Identifier: GPL-3.0-or-later
"""Dropping and pasting from another program, the same for each windowing system."""
import contextlib
import os
import re
import subprocess
import sys

import quern_ui

PICTURE = os.path.join(os.environ['QUERN_TINY_DIR'], 'images', 'shape0.png')


class Outside:
    """Tests for a ChatCase that says with source_at() where the window of drag_source.py is: x, y, width, height."""

    def start_source(self):
        source = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 'drag_source.py'), PICTURE],
                                  env=self.desktop.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(source.communicate)
        self.addCleanup(source.kill)
        self.assertEqual(source.stdout.readline(), 'ready\n')
        return source

    def test_drop(self):
        app = self.launch()
        self.think(app, False)
        x, y, width, height = app.find('text', 'Message').still()
        self.start_source()
        left, top, source_width, source_height = self.source_at()
        name = 'Remove ' + os.path.basename(PICTURE)
        for _ in range(5):  # one that is let go before a busy target has said that it takes it comes to nothing
            app.drag((left + source_width // 2, top + source_height // 4), (x + width // 2, y - 100))
            with contextlib.suppress(quern_ui.NotFound):
                app.find('button', name, timeout=8)
                break
        app.find('button', name)
        app.find('label', re.compile(r'^\d+ × \d+ · \d+ tokens$'))
        app.find('text', 'Message').click_mouse()
        app.focus_window()
        app.type('What is in the picture?')
        app.key('Return')
        app.find('button', 'View ' + os.path.basename(PICTURE))
        app.wait_gone('button', 'Remove ' + os.path.basename(PICTURE))

    def test_paste(self):
        app = self.launch()
        self.ready(app)
        source = self.start_source()
        left, top, width, height = self.source_at()
        app.press_on_screen(left + width // 2, top + height * 3 // 4)
        self.assertEqual(source.stdout.readline(), 'copied\n')
        app.find('text', 'Message').click_mouse()
        app.focus_window()
        app.find('text', 'Message').wait(lambda node: node.has_state('focused'))
        app.key('ctrl+v')
        app.find('button', re.compile('^Remove '))
        app.find('label', re.compile(r'^\d+ × \d+ · \d+ tokens$'))
