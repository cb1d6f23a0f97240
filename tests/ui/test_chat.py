#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask, watch, stop, restart, crash: nothing that was shown is lost."""
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase


class Chat(ChatCase):
    def test_answer_and_restart(self):
        app = self.launch()
        self.think(app, False)
        self.assertEqual(self.ask(app, 'What is the capital of France?'), ('The capital of France is Paris.', 'complete'))
        app.find('label', 'The capital of France is Paris.')
        app.find('toggle button', re.compile('tokens/s'))
        app.find('text', 'Message').set_text('a draft')
        quern_ui.wait_for('the draft on the disk',
                          lambda: self.desktop.query('SELECT draft FROM conversation')[0][0] == 'a draft')
        self.assertEqual(app.close(), 0)

        app = self.launch()
        app.find('label', 'What is the capital of France?')
        app.find('label', 'The capital of France is Paris.')
        self.assertEqual(app.find('text', 'Message').text, 'a draft')

    def test_thinking(self):
        app = self.launch()
        self.think(app, True)
        self.assertRegex(self.ask(app, 'What is 47 + 38?')[0], r'47 \+ 38 = \d\d')  # it is sampled: mostly 85
        thoughts = app.find('toggle button', re.compile('Thought for'))
        self.assertFalse(app.find_all('label', re.compile('Ones:')))
        thoughts.click()
        app.find('label', re.compile('Ones:'))

    def stop_in_the_middle(self, app):
        """Stops an answer with Escape; the answers of this model end at random, so more than one may be needed."""
        for _ in range(6):
            n = self.start_long_answer(app)
            app.key('Escape')
            content, state = quern_ui.wait_for('the end on the disk', lambda: self.finished(n))
            if state == 'stopped':
                return n, content
        raise AssertionError('no answer could be stopped')

    def test_stop_and_continue(self):
        self.add_chatterbox()
        app = self.launch()
        self.think(app, False)
        n, content = self.stop_in_the_middle(app)
        app.find('label', 'You stopped this answer.')
        app.find('button', 'Send')
        app.close()

        app = self.launch()
        app.find('label', 'You stopped this answer.')
        self.ready(app)
        app.find('button', 'Continue').click()
        quern_ui.wait_for('more of it', lambda: len(self.desktop.query(ANSWERS)[n][0]) > len(content))
        self.assertTrue(self.desktop.query(ANSWERS)[n][0].startswith(content[:20]))

    def test_killed_in_mid_answer(self):
        self.add_chatterbox()
        app = self.launch()
        self.think(app, False)
        self.start_long_answer(app)
        before = self.desktop.query(ANSWERS)
        app.kill()

        app = self.launch()
        app.find('label', re.compile('^Interrupted'))
        app.find('button', 'Continue')
        after = self.desktop.query(ANSWERS)
        self.assertEqual(after[-1][1], 'interrupted')
        self.assertTrue(after[-1][0].startswith(before[-1][0]))
        self.assertEqual([row for row in after[:-1]], [row for row in before[:-1]])


if __name__ == '__main__':
    quern_ui.main()
