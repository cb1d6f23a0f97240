#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A context that is full: nothing is left out without being asked, and the question is not lost."""
import json
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase

QUESTION = 'What is the capital of France?'
PARIS = 'The capital of France is Paris.'
GAUGE = re.compile('tokens of context used')
SIZE = 160  # tokens: full after some turns


class Context(ChatCase):
    def fill(self):
        """A conversation that takes no more turns; returns the application, with the question to choose for."""
        app = self.launch_with(context_size=SIZE, thinking=0, system_prompt='Be brief.')
        for _ in range(12):
            n = len(self.desktop.query(ANSWERS))
            self.send(app, QUESTION)
            quern_ui.wait_for('an answer or a question', lambda: self.finished(n) or self.asked(app))
            if self.asked(app):
                self.n_answers = n
                return app
        raise AssertionError('the context is never full')

    @staticmethod
    def asked(app):
        return app.find_all('label', 'The Context Is Full')

    def choose(self, app, title):
        choice = app.find('radio button', re.compile(title))
        if not choice.is_on:  # by keyboard: accessibility tells places inside of a dialog too far up and left for the mouse
            app.find('list item', re.compile(title)).focus()
            app.key('space')
        choice.wait(lambda node: node.is_on)
        app.find_all('button', 'Continue')[-1].click()  # that of the dialog; answers may have one, too
        app.wait_gone('label', 'The Context Is Full')

    def conversation(self, columns):
        return self.desktop.query(f'SELECT {columns} FROM conversation ORDER BY id')

    def test_gauge(self):
        app = self.launch_with(thinking=0, system_prompt='Be brief.')
        empty = int(app.find('toggle button', GAUGE).name.split()[0])
        box = app.find('text', 'Message')
        box.focus()
        app.type('What is the capital')
        more = app.find('toggle button', GAUGE).wait(lambda node: int(node.name.split()[0]) > empty)
        app.type(' of France?')
        result = self.desktop.run('quern-cli', 'chat', '-m', 'quern-tiny', '--no-think', '--system', 'Be brief.', '--max', '1',
                                  '--json', QUESTION)
        counted = json.loads(result.stdout)['prompt_tokens']
        more = app.find('toggle button', GAUGE).wait(lambda node: int(node.name.split()[0]) == counted)
        more.click()
        for part in ('Instructions', 'This message', 'Left for the answer'):
            app.find('label', part)
        app.key('Escape')
        box.focus()
        app.key('Return')
        app.find('label', PARIS)
        quern_ui.wait_for('the same count on the disk', lambda: self.desktop.query(
            "SELECT prompt_tokens FROM message WHERE role = 'assistant'") == [(counted,)])

    def test_length_is_in_sight(self):
        """"Context Length…" of the gauge goes to that row of the settings."""
        app = self.launch_with(thinking=0)
        app.find('toggle button', GAUGE).click()
        app.find('button', 'Context Length…').click()
        app.find(None, 'Conversation Settings')
        length = app.find('list item', 'Context Length')
        length.wait(lambda node: any(part.has_state('focused') for part in node.walk()))
        y, height = length.still()[1::2]
        self.assertTrue(0 < y and y + height < app.size()[1], (y, height))

    def test_cancel(self):
        app = self.fill()
        self.assertTrue(app.find('toggle button', GAUGE))
        app.find('button', 'Cancel').click()
        app.wait_gone('label', 'The Context Is Full')
        app.find('text', 'Message').wait(lambda node: node.text == QUESTION)
        self.assertEqual(len(self.desktop.query(ANSWERS)), self.n_answers)
        quern_ui.wait_for('the draft on the disk', lambda: self.conversation('draft') == [(QUESTION,)])

    def test_killed_while_asked(self):
        app = self.fill()
        quern_ui.wait_for('the draft on the disk', lambda: self.conversation('draft') == [(QUESTION,)])
        app.kill()
        app = self.launch()
        app.find('text', 'Message').wait(lambda node: node.text == QUESTION)

    def test_raise(self):
        app = self.fill()
        app.find('label', re.compile('more memory, .*B in total with the model'))
        self.choose(app, 'Increase the Context Length to 2048 Tokens')
        answer = quern_ui.wait_for('the answer', lambda: self.finished(self.n_answers))
        self.assertEqual(answer[1], 'complete')
        self.assertEqual(self.conversation('context_size, context_start, system_prompt'), [(2048, 0, 'Be brief.')])
        app.find('toggle button', re.compile('of 2048 tokens of context used'))
        app.find('text', 'Message').wait(lambda node: node.text == '')
        quern_ui.wait_for('no draft on the disk', lambda: self.conversation('draft')[0][0] in ('', None))

    def test_leave_out(self):
        app = self.fill()
        left_out = int(re.search(r'oldest (\d+) messages', app.find('label', re.compile('no longer sees')).name)[1])
        self.choose(app, 'Leave Out the Oldest Messages')
        quern_ui.wait_for('the answer', lambda: self.finished(self.n_answers))
        start = self.conversation('context_start')[0][0]
        before = self.desktop.query('SELECT count(*) FROM message WHERE id < ?', start)[0][0]
        self.assertEqual(before, left_out)
        tokens = self.desktop.query("SELECT prompt_tokens FROM message ORDER BY id DESC LIMIT 1")[0][0]
        self.assertLess(tokens, SIZE)
        app.find('label', 'The model sees the conversation from here on')
        self.assertEqual(self.conversation('context_size, system_prompt'), [(SIZE, 'Be brief.')])
        app.find('button', 'Show Everything to the Model').click()
        app.wait_gone('label', 'The model sees the conversation from here on')
        quern_ui.wait_for('all of it on the disk', lambda: self.conversation('context_start') == [(0,)])

    def test_summary(self):
        app = self.fill()
        self.choose(app, 'Start a New Chat with a Summary')
        quern_ui.wait_for('a second conversation with an answer', lambda: self.finished(self.n_answers))
        quern_ui.wait_for('no draft in either on the disk', lambda: not any(row[0] for row in self.conversation('draft')))
        old, new = self.conversation('id, draft, system_prompt')
        self.assertEqual(old[2], 'Be brief.')
        self.assertTrue(new[2].startswith('Be brief.\n\nSummary of the conversation so far:\n'))
        self.assertEqual(self.desktop.query("SELECT content FROM message WHERE conversation_id = ? AND role = 'user'",
                                            new[0]), [(QUESTION,)])
        self.assertEqual(self.desktop.query("SELECT count(*) FROM message WHERE conversation_id = ? AND role = 'assistant'",
                                            old[0]), [(self.n_answers,)])

    def test_too_long_by_itself(self):
        app = self.launch_with(context_size=2048, thinking=0)
        text = 'capital ' * 3000
        box = self.ready(app)
        box.set_text(text)
        app.find('toggle button', re.compile('^3.* of 2048 tokens'))
        box.focus()
        app.key('Return')
        app.find('label', re.compile('Shorten the question'))
        app.find('label', re.compile('cannot be longer than 2048'))
        app.find('button', 'Close').click()
        box.wait(lambda node: node.text.strip() == text.strip())


if __name__ == '__main__':
    quern_ui.main()
