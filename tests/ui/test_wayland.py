#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What depends on the windowing system, under a Wayland compositor with a keyboard and a mouse: keys, the clipboard, dropping,
file dialogs, closing."""
import os
import re

import quern_ui
import quern_wayland
from quern_chat import ChatCase
from quern_outside import Outside, PICTURE


class Wayland(Outside, ChatCase):
    desktop_class = quern_wayland.Desktop

    def source_at(self):
        return quern_wayland.Desktop.MONITORS[0][0], 0, *quern_wayland.Desktop.MONITORS[1]

    def test_chat_and_close(self):
        app = self.launch()
        self.think(app, False)
        app.find('text', 'Message').click_mouse()
        app.type('What is the capital of France?')
        app.find('text', 'Message').wait(lambda node: node.text == 'What is the capital of France?')
        app.key('Return')
        app.find('label', re.compile('Paris'))
        app.find('button', 'Close').click_mouse()
        quern_ui.wait_for('the end of quern', lambda: not app.running)
        self.assertEqual(app.process.returncode, 0)

    def test_file_dialog(self):
        app = self.launch(environment={'WAYLAND_DEBUG': 'client'})
        self.ready(app)
        self.menu(app, app.find('button', 'Attach Pictures or Documents'), 0)
        chooser = app.chooser('Attach Pictures or Documents')
        chooser.find('button', 'Open')
        app.type('/')  # GTK takes what begins so for a path
        chooser.find('text', text='/')
        app.type(PICTURE[1:])
        chooser.find('text', text=PICTURE)
        closed = app.n_closed()
        app.key('Return')
        quern_ui.wait_for('the end of the file dialog', lambda: app.n_closed() > closed)
        app.settle(0.5)
        app.find('button', 'Remove ' + os.path.basename(PICTURE))


if __name__ == '__main__':
    quern_ui.main()
