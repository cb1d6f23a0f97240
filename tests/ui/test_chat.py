#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking, watching, stopping, restarting, crashing: text that was shown is never lost."""
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase


# The model of random weights, which is rewarded for saying again what it said: its answers do not end.
ENDLESS = {'sampling': '{"temperature": 0, "presence_penalty": -10}', 'thinking': 1, 'model_id': 'chatterbox-f16',
           'context_size': 32768}


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

    def test_answer_now_and_count(self):
        self.add_chatterbox()
        app = self.launch_with(**ENDLESS)
        n = self.start_long_answer(app)
        label = app.find('toggle button', re.compile('^Thinking.* tokens?$'))
        first = int(re.search(r'(\d+) tokens?$', label.name)[1])
        label.wait(lambda node: int(re.search(r'(\d+) tokens?$', node.name)[1]) > first)  # live
        app.find('button', 'Answer Now').click()
        app.find('toggle button', re.compile('^Thought for .* tokens$'))
        reasoning, thinking = quern_ui.wait_for('the thoughts on the disk', lambda: self.desktop.query(
            "SELECT reasoning, thinking FROM message WHERE role = 'assistant' AND content <> '' ORDER BY id DESC"))[0]
        self.assertTrue(reasoning)
        self.assertEqual(thinking, 1)
        self.assertEqual(len(self.desktop.query(ANSWERS)), n + 1)

    def test_thinking_budget(self):
        app = self.launch_with(sampling='{"thinking_budget": 8}', thinking=1)
        self.ask(app, 'What is 47 + 38?')
        tokens, content = self.desktop.query("SELECT reasoning_tokens, content FROM message WHERE role = 'assistant'")[0]
        self.assertLessEqual(tokens, 8 + 16)  # a draft of up to 16 tokens is taken whole
        self.assertTrue(content)
        app.find('toggle button', re.compile(f'^Thought for .* · {tokens} tokens$'))

    def start_repeating(self):
        self.add_chatterbox()
        app = self.launch_with(**ENDLESS)
        self.send(app, 'Hello')
        app.find('label', 'The answer is repeating itself.')
        return app

    def test_repeating_let_go_on(self):
        app = self.start_repeating()
        app.find('button', 'Let It Continue').click()
        app.wait_gone('label', 'The answer is repeating itself.')
        length = len(self.desktop.query(ANSWERS)[0][0])
        quern_ui.wait_for('more of it', lambda: len(self.desktop.query(ANSWERS)[0][0]) > length)
        self.assertFalse(app.find_all('label', 'The answer is repeating itself.'))

    def test_repeating_stop(self):
        app = self.start_repeating()
        app.find('label', 'The answer is repeating itself.').parent.parent.find('button', 'Stop').click()
        app.find('label', 'You stopped this answer.')
        app.wait_gone('label', 'The answer is repeating itself.')
        quern_ui.wait_for('the end on the disk', lambda: self.desktop.query(ANSWERS)[0][1] == 'stopped')

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
        self.hold_after = 30
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
        self.hold_after = 30
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
