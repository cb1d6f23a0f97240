#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a message; each is clicked, then looked for on the screen and in the database."""
import contextlib
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase

EDIT, BRANCH, RAW, DELETE = range(4)  # of the menu of an answer
MESSAGES = 'SELECT count(*) FROM message WHERE deleted IS NULL'
FRUITS = re.compile('banana')


class Messages(ChatCase):
    def start(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        app.find('label', 'banana')
        return app

    def value(self, sql):
        return self.desktop.query(sql)[0][0]

    def test_copy(self):
        app = self.launch()
        self.think(app, False)
        answer = self.ask(app, 'What is the capital of France?')[0]
        box = app.find('text', 'Message')
        for button, text in (('Copy Answer', answer), ('Copy Question', 'What is the capital of France?')):
            app.find('button', button).click()
            app.find('label', 'Copied')
            quern_ui.wait_for(text, lambda: self.paste(app, box) == text)  # a button acts a quarter second later

    def paste(self, app, box):
        """What is pasted into the empty message."""
        box.set_text('')
        box.focus()
        app.key('ctrl+v')
        with contextlib.suppress(quern_ui.NotFound):
            box.wait(lambda node: node.text != '', 5)
        return box.text

    def test_regenerate(self):
        app = self.start()
        app.find('button', 'Answer Again').click()
        app.find('label', '2/2')
        quern_ui.wait_for('the second answer on the disk', lambda: len(self.desktop.query(ANSWERS)) == 2)
        app.find('button', 'Previous Version').click()
        app.find('label', '1/2')
        app.find('label', 'banana')
        first = self.value("SELECT min(id) FROM message WHERE role = 'assistant'")
        quern_ui.wait_for('the choice on the disk', lambda: self.value(
            "SELECT chosen_id FROM message WHERE role = 'user'") == first)

    def test_other_model(self):
        app = self.start()
        own = self.value("SELECT model_title FROM message WHERE role = 'assistant'")
        button = app.find('toggle button', 'Answer Again with Another Model')
        button.click()
        quern_ui.wait_for('the menu', lambda: len(app.find_all('menu item')) >= 2)
        n_models = len(app.find_all('menu item'))
        app.find_all('menu item')[n_models - 1].click()
        app.find('label', '2/2')
        rows = quern_ui.wait_for('the second answer', lambda: self.finished(1) and self.desktop.query(
            "SELECT model_id, model_title FROM message WHERE role = 'assistant' ORDER BY id"))
        self.assertNotEqual(rows[0][0], rows[1][0])
        app.find('label', rows[1][1])  # siblings say whose they are
        app.find('button', 'Previous Version').click()
        app.find('label', own)
        self.assertEqual(self.value('SELECT model_id FROM conversation'), rows[0][0])

    def test_edit(self):
        app = self.start()
        app.find('text', 'Message').set_text('a draft of mine')
        app.find('button', 'Edit Question').click()
        app.find('label', 'Editing; the old version is kept')
        box = app.find('text', 'Message').wait(lambda node: node.text == 'List three fruits.')
        box.set_text('Who are you?')
        box.focus()
        app.key('Return')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        app.find('label', '2/2')
        app.wait_gone('label', 'banana')
        box.wait(lambda node: node.text == 'a draft of mine')  # editing does not cost the draft
        quern_ui.wait_for('both on the disk', lambda: self.desktop.query(
            "SELECT content FROM message WHERE role = 'user' ORDER BY id") == [('List three fruits.',), ('Who are you?',)])

    def test_edit_answer(self):
        """Another version of the answer, marked as edited, which the model goes on from."""
        app = self.start()
        old = self.value("SELECT content FROM message WHERE role = 'assistant'")
        self.menu(app, app.find('toggle button', 'More Actions'), EDIT)
        app.find('text', 'Answer').wait(lambda node: node.text == old).set_text('Pears, plums and quinces.')
        app.find('button', 'Save').click()
        app.find('label', 'Pears, plums and quinces.')
        app.find('label', '2/2')
        app.find('label', re.compile('Quern Tiny.* · edited$'))
        quern_ui.wait_for('both on the disk', lambda: self.desktop.query(
            "SELECT content, state FROM message WHERE role = 'assistant' ORDER BY id")
            == [(old, 'complete'), ('Pears, plums and quinces.', 'complete')])
        app.find('button', 'Previous Version').click()
        app.find('label', 'banana')
        app.find('button', 'Next Version').click()
        app.find('label', 'Pears, plums and quinces.')
        self.ask(app, 'Who are you?')  # its prompt has the edited one
        self.assertEqual(self.value("SELECT count(*) FROM message WHERE content LIKE 'Who are you%' AND parent_id = "
                                    "(SELECT id FROM message WHERE content LIKE 'Pears%')"), 1)

    def test_delete_and_undo(self):
        app = self.start()
        self.ask(app, 'Who are you?')
        quern_ui.wait_for('the second question', lambda: app.find_all('button', 'Delete from Here')[1:])[0].click()
        app.find('label', '2 messages deleted')
        quern_ui.wait_for('the deletion on the disk', lambda: self.value(
            'SELECT count(*) FROM message WHERE deleted IS NOT NULL') > 0)
        app.wait_gone('label', 'Who are you?')
        app.find('button', 'Undo').click()
        app.find('label', 'Who are you?')
        quern_ui.wait_for('the messages on the disk', lambda: self.value(MESSAGES) == 4)

    def test_delete_answer_and_ask_again(self):
        app = self.start()
        self.menu(app, app.find('toggle button', 'More Actions'), DELETE)
        app.find('label', '1 message deleted')
        app.wait_gone('label', 'banana')
        app.find('button', 'Answer This Question').click()
        app.find('label', 'banana')
        quern_ui.wait_for('one question and one answer', lambda: self.value(MESSAGES) == 2)

    def test_branch(self):
        app = self.start()
        self.ask(app, 'Who are you?')
        self.menu(app, app.find_all('toggle button', 'More Actions')[0], BRANCH)
        app.find('list item', 'List three fruits. (branch)')
        app.wait_gone('label', 'Who are you?')
        app.find('label', 'banana')
        self.send(app, 'What is the capital of France?')
        app.find('label', 'What is the capital of France?')
        quern_ui.wait_for('both conversations on the disk', lambda: self.desktop.query(
            "SELECT count(*) FROM message GROUP BY conversation_id ORDER BY conversation_id") == [(4,), (4,)])
        app.find('list item', 'List three fruits.').click_mouse()
        app.find('label', 'Who are you?')
        app.wait_gone('label', 'What is the capital of France?')

    def test_raw(self):
        app = self.launch()
        self.think(app, True)
        self.ask(app, 'What is 47 + 38?')
        content, reasoning = self.desktop.query("SELECT content, reasoning FROM message WHERE role = 'assistant'")[0]
        self.menu(app, app.find('toggle button', 'More Actions'), RAW)
        app.find('text', 'Raw text').wait(lambda node: node.text == f'<think>\n{reasoning}\n</think>\n\n{content}')
        button = app.find('button', 'Copy Raw Text').wait(lambda node: node.has_state('focused'))
        button.click_mouse()  # pressed by its action, it keeps Escape for itself until it comes up
        app.key('Escape')
        app.wait_gone('text', 'Raw text')
        box = app.find('text', 'Message')
        box.focus()
        app.key('ctrl+v')
        box.wait(lambda node: node.text.startswith('<think>'))

    def test_length_limit_and_continue(self):
        app = self.launch_with(sampling='{"max_tokens": 5}', thinking=0)
        begun = self.ask(app, 'Who are you?')
        self.assertEqual(begun[1], 'length')
        app.find('label', 'The answer reached its length limit.')
        app.find('button', 'Continue').click()
        whole = quern_ui.wait_for('more of it', lambda: self.finished(0)
                                  if len(self.desktop.query(ANSWERS)[0][0]) > len(begun[0]) else None)
        self.assertTrue(whole[0].startswith(begun[0]))
        self.assertTrue('I am Quern Tiny, a very small demonstration model.'.startswith(whole[0]))
        self.send(app, 'List three fruits.')  # what is followed cannot go on
        quern_ui.wait_for('the next answer', lambda: self.finished(1))
        quern_ui.wait_for('one button', lambda: len(app.find_all('button', 'Continue')) == 1)

    def test_why_this_speed(self):
        app = self.start()
        self.ask(app, 'Who are you?')
        quern_ui.wait_for('the second answer', lambda: app.find_all('toggle button', re.compile('tokens/s'))[1:])[0].click()
        app.find('label', 'Why This Speed?')
        reused, evaluated, threads = self.desktop.query(
            "SELECT reused_tokens, evaluated_tokens, n_threads FROM message WHERE role = 'assistant' ORDER BY id DESC")[0]
        self.assertGreater(threads, 0)
        app.find('label', 'Threads')
        app.find('label', re.compile(f'{reused} tokens of the prompt were still in memory.*only {evaluated} had to be read'))
        app.find('label', re.compile('this computer’s memory can deliver .*B'))  # measured just now


if __name__ == '__main__':
    quern_ui.main()
