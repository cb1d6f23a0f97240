#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers as text that can be selected and copied."""
import quern_ui
from quern_chat import ChatCase


class Markdown(ChatCase):
    def test_copy_all(self):
        """Ctrl+A selects a block, then the message; Ctrl+C copies the message as it was written."""
        app = self.launch()
        self.think(app, False)
        answer = self.ask(app, 'List three fruits.')[0]
        app.find('label', 'banana').click_mouse()
        app.key('ctrl+a', 'ctrl+a', 'ctrl+c')
        box = app.find('text', 'Message')
        box.focus()
        app.key('ctrl+v')
        box.wait(lambda node: node.text.strip() == answer.strip())


if __name__ == '__main__':
    quern_ui.main()
