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

    def test_send_while_answering(self):
        """Return during an answer has the message sent when the answer is complete."""
        app = self.launch(environment={'QUERN_PACE': '1000'}, program=quern_ui.PROBED)
        self.think(app, False)
        n = self.n_answers_so_far()
        self.send(app, 'Write a Python function that adds two numbers.')
        box = app.find('text', 'Message')
        box.set_text('Who are you?')
        box.focus()
        app.key('Return')
        app.find('label', 'Your message will be sent when this answer is complete.')
        quern_ui.wait_for('both answers', lambda: self.finished(n) and self.finished(n + 1))
        app.wait_gone('label', 'Your message will be sent when this answer is complete.')
        self.assertEqual(self.desktop.query(ANSWERS)[0][1], 'complete')
        app.find('label', 'Who are you?')
        box.wait(lambda node: node.text == '')

    def test_do_not_send(self):
        self.hold_after = 30
        self.add_chatterbox()
        app = self.launch()
        self.start_long_answer(app)
        box = app.find('text', 'Message')
        for way in ('button', 'Escape'):
            box.set_text('And then?')
            box.focus()
            app.key('Return')
            app.find('label', 'Your message will be sent when this answer is complete.')
            if way == 'button':
                app.find('button', 'Do Not Send').click()
            else:
                app.key('Escape')  # stops the answer, and what waits for it stays written
            app.wait_gone('label', 'Your message will be sent when this answer is complete.')
        app.find('label', 'You stopped this answer.')
        self.assertEqual(box.text, 'And then?')

    def test_thinking_is_remembered(self):
        """For the model with which it was chosen, in new conversations and after a restart."""
        app = self.launch()
        self.ready(app)
        before = app.find('toggle button', 'Think').is_on
        self.think(app, not before)
        app.key('ctrl+n')
        self.assertEqual(app.find('toggle button', 'Think').is_on, not before)
        app.close()
        app = self.launch('--new-chat')
        self.ready(app)
        app.find('toggle button', 'Think').wait(lambda node: node.is_on == (not before))

    def test_title_in_header(self):
        app = self.launch()
        self.think(app, False)
        app.find('label', 'New Chat')
        self.ask(app, 'Who are you?')
        app.find('label', 'Who are you?')
        app.find('button', re.compile(r'^Model: Q\w+ · Quern Tiny · Demonstration$'))  # the quantisation first
        app.key('F2')
        app.find('text', 'Name').set_text('Myself')
        app.key('Return')
        quern_ui.wait_for('the title in the sidebar and in the header', lambda: len(app.find_all('label', 'Myself')) == 2)

    def test_zoom(self):
        """Kept, and undone with Ctrl+0."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        answer = app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        height = answer.still()[3]
        app.key('ctrl+plus', 'ctrl+plus', 'ctrl+plus')
        answer.wait(lambda node: node.extents()[3] > height)
        larger = answer.still()[3]
        app.close()
        app = self.launch()
        answer = app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        answer.wait(lambda node: node.extents()[3] == larger)
        app.key('ctrl+0')
        answer.wait(lambda node: node.extents()[3] == height)
        app.key('ctrl+minus')
        answer.wait(lambda node: node.extents()[3] < height)

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
