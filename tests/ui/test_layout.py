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
            self.wait_inside(app.find(None, name), 360, 480)
        app.key('F9')
        app.find('list item', 'Who are you?').click_mouse()
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')

    def test_smallest(self):
        app = self.launch()
        self.ready(app)
        app.resize(360, 294)
        self.wait_inside(app.find('button', 'Send'), 360, 294)

    def wait_inside(self, node, width, height):
        def inside(node):
            x, y, w, h = node.extents()
            return x >= 0 and y >= 0 and w > 0 and x + w <= width and y + h <= height
        node.wait(inside)

    def test_right_to_left(self):
        self.desktop_options = {'locale': 'ar_EG'}
        app = self.launch()
        x, y, width, height = app.find('text').still()  # the composer, whatever it is called there
        self.assertLess(x + width / 2, app.size()[0] / 2)  # the sidebar is at the right
        self.desktop.screenshot('right-to-left')


if __name__ == '__main__':
    quern_ui.main()
