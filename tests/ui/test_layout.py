#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wide and narrow windows, and what is remembered of them."""
import quern_ui
from quern_chat import ChatCase


class Layout(ChatCase):
    def test_narrow(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        app.find('list item', 'Who are you?')
        app.resize(360, 480)
        app.wait_gone('list item', 'Who are you?')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        for name in ('Send', 'Think', 'Message'):
            x, y, width, height = app.find(None, name).extents()
            self.assertGreaterEqual(x, 0, name)
            self.assertLessEqual(x + width, 360, name)
            self.assertLessEqual(y + height, 480, name)
        app.key('F9')
        app.find('list item', 'Who are you?').click_mouse()
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')

    def test_smallest(self):
        app = self.launch()
        self.ready(app)
        app.resize(360, 294)
        x, y, width, height = app.find('button', 'Send').extents()
        self.assertLessEqual(x + width, 360)
        self.assertLessEqual(y + height, 294)

    def test_right_to_left(self):
        self.desktop_options = {'locale': 'ar_EG'}
        app = self.launch()
        x, y, width, height = app.find('text').extents()  # the composer, whatever it is called there
        self.assertLess(x + width / 2, app.size()[0] / 2)  # the sidebar is at the right
        self.desktop.screenshot('right-to-left')


if __name__ == '__main__':
    quern_ui.main()
