#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: new, rename, pin, folders, sections by date, delete and take it back, search."""
import contextlib
import os
import re
import sqlite3
import time

import quern_ui
from quern_chat import ChatCase


WINDOW, RENAME, PIN, MOVE, EXPORT, DELETE = range(6)


class Conversations(ChatCase):
    def make_two(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        app.find('label', 'banana')
        app.key('ctrl+n')
        app.wait_gone('label', 'banana')
        self.ask(app, 'Who are you?')
        app.find('list item', 'Who are you?')
        app.find('list item', 'List three fruits.')
        return app

    def menu(self, app, title, index):
        """GTK does not tell the names of the items of a menu: WINDOW, RENAME, PIN, MOVE, EXPORT, DELETE are their places."""
        row = app.find('list item', title)
        row.find('toggle button', 'Conversation Actions').click()
        self.choose(app, index, 6)

    def choose(self, app, index, n):
        """An item of the menu that is open, when it has n of them."""
        quern_ui.wait_for('the menu', lambda: len(app.find_all('menu item')) == n)
        app.find_all('menu item')[index].click()

    def name(self, app, name):
        """Answers the dialog that asks for a name."""
        app.find('text', 'Name').set_text(name)
        app.key('Return')
        app.wait_gone('text', 'Name')

    def rows(self, app):
        """Returns the names in the list and its headings, in order."""
        return [node.name if node.role == 'list item' else f'[{node.name}]'
                for node in app.find('list', 'Conversations').find_all()
                if node.role in ('list item', 'row header')]

    def wait_rows(self, app, *wanted):
        quern_ui.wait_for(f'{wanted} in {self.rows(app)}', lambda: self.rows(app) == list(wanted))

    def folder_of(self, title):
        rows = self.desktop.query('SELECT f.name FROM conversation c LEFT JOIN folder f ON f.id = c.folder_id'
                                  ' WHERE c.title = ? AND c.deleted IS NULL', title)
        return rows[0][0] if rows else None

    def seed(self, *conversations):
        """Writes (title, age in days) into the database that a first start made."""
        app = self.launch()
        self.ready(app)
        app.close()
        path = os.path.join(self.desktop.data, 'quern.db')
        self.wait_for_tomorrow()
        now = int(time.time() * 1e6)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for number, (title, days) in enumerate(conversations, 1):
                then = now - days * 86400 * 10**6
                database.execute('INSERT INTO conversation (id, title, title_given, created, updated)'
                                 ' VALUES (?, ?, 1, ?, ?)', (number, title, then, then))
        return self.launch()

    @staticmethod
    def wait_for_tomorrow():
        """Where the day is nearly over: what is of today would be of yesterday in the middle of a test."""
        now = time.localtime()
        left = 86400 - (now.tm_hour * 60 + now.tm_min) * 60 - now.tm_sec
        if left < 240:
            time.sleep(left)

    def titles(self):
        return sorted(row[0] for row in self.desktop.query('SELECT title FROM conversation WHERE deleted IS NULL'))

    def assert_in_sight(self, app, title, heading):
        """The row and the heading above it are in the part of the list that is seen."""
        def seen(node):
            x, top, width, height = app.find('list', 'Conversations').parent.extents()
            _, y, _, h = node.extents()
            return h > 0 and top <= y and y + h <= top + height
        app.find('list item', title, showing=False).wait(seen)
        if heading:
            quern_ui.wait_for(heading, lambda: any(seen(node) for node in app.find_all('row header', heading)))

    def test_selected_is_in_sight(self):
        """After the start, a question, and where another conversation is opened by key; with its heading where both fit."""
        app = self.seed(*((f'Chat {n}', 3 * n) for n in range(60)))
        app.close()
        self.desktop.run('gsettings', 'set', 'io.github.quern.Quern', 'last-conversation', '45')
        app = self.launch()
        self.ready(app)
        self.assert_in_sight(app, 'Chat 44', None)
        app.key('ctrl+Page_Up')
        self.assert_in_sight(app, 'Chat 43', None)
        app.key('ctrl+n')
        self.think(app, False)
        self.send(app, 'Who are you?')
        self.assert_in_sight(app, 'Who are you?', 'Today')

    def test_nothing_stays_of_nothing(self):
        """A new conversation whose draft is erased again leaves no row behind."""
        app = self.launch()
        box = self.ready(app)
        box.set_text('half a question')
        app.find('list item', 'New Chat')
        box.set_text('')
        app.wait_gone('list item', 'New Chat')
        quern_ui.wait_for('none on the disk', lambda: self.titles() == [])
        box.set_text('another one')  # and it may begin anew
        app.find('list item', 'New Chat')
        self.think(app, False)
        box.set_text('')
        self.ask(app, 'Who are you?')
        quern_ui.wait_for('it on the disk', lambda: self.titles() == ['Who are you?'])

    def test_end_is_offered_where_there_is_one(self):
        app = self.make_two()
        app.key('ctrl+shift+f')
        app.type('fruits')
        app.find('list', 'Search results').find('list item').click_mouse()
        app.find('label', 'banana')
        self.assertEqual(quern_ui.lasting(lambda: app.find_all('button', 'Scroll to End'), 2), [])

    def test_rename_pin_open(self):
        app = self.make_two()
        self.menu(app, 'List three fruits.', RENAME)
        self.name(app, 'Fruit')
        app.find('list item', 'Fruit')
        quern_ui.wait_for('the title on the disk', lambda: self.titles() == ['Fruit', 'Who are you?'])
        self.menu(app, 'Fruit', PIN)
        app.find('label', 'Pinned')  # the section
        app.find('list item', 'Fruit').click_mouse()
        app.find('label', 'List three fruits.')
        app.find('label', 'banana')

    def test_delete_and_undo(self):
        app = self.make_two()
        self.menu(app, 'Who are you?', DELETE)
        app.find('label', 'Conversation deleted')
        app.wait_gone('list item', 'Who are you?')
        app.find('button', 'Undo').click()
        app.find('list item', 'Who are you?')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        quern_ui.wait_for('both on the disk', lambda: self.titles() == ['List three fruits.', 'Who are you?'])

    def test_folders(self):
        app = self.seed(('Alpha', 0), ('Beta', 0), ('Gamma', 0))
        app.find('toggle button', 'Main Menu').click()
        quern_ui.wait_for('the menu', lambda: app.find_all('menu item'))
        app.find_all('menu item')[1].click()
        self.name(app, 'Work')
        quern_ui.wait_for('the folder', lambda: self.rows(app)[:2] == ['[Folders]', 'Work'])
        self.menu(app, 'Alpha', MOVE)
        self.choose(app, 1, 3)  # back, Work, New Folder…
        quern_ui.wait_for('the move', lambda: self.folder_of('Alpha') == 'Work')
        quern_ui.wait_for('it below the folder', lambda: self.rows(app)[:3] == ['[Folders]', 'Work', 'Alpha'])
        self.menu(app, 'Beta', MOVE)
        self.choose(app, 2, 3)
        self.name(app, 'Home')
        self.wait_rows(app, '[Folders]', 'Home', 'Beta', 'Work', 'Alpha', '[Today]', 'Gamma')

        home = app.find('list item', 'Home')  # closed, and still after a restart
        self.assertTrue(home.has_state('expanded'))
        home.click_mouse()
        self.wait_rows(app, '[Folders]', 'Home', 'Work', 'Alpha', '[Today]', 'Gamma')
        self.assertFalse(app.find('list item', 'Home').has_state('expanded'))
        app.close()
        app = self.launch()
        self.wait_rows(app, '[Folders]', 'Home', 'Work', 'Alpha', '[Today]', 'Gamma')
        app.find('list item', 'Home').click_mouse()
        self.wait_rows(app, '[Folders]', 'Home', 'Beta', 'Work', 'Alpha', '[Today]', 'Gamma')

        app.find('list item', 'Work').find('toggle button', 'Folder Actions').click()
        self.choose(app, 1, 3)
        self.name(app, 'Attic')
        self.wait_rows(app, '[Folders]', 'Attic', 'Alpha', 'Home', 'Beta', '[Today]', 'Gamma')

        app.find('list item', 'Attic').find('toggle button', 'Folder Actions').click()
        self.choose(app, 2, 3)
        app.find('label', 'Folder deleted; its conversations were kept')
        quern_ui.wait_for('it outside', lambda: self.rows(app)[:4] == ['[Folders]', 'Home', 'Beta', '[Today]'])
        self.assertIn('Alpha', self.rows(app))
        quern_ui.wait_for('no folder', lambda: self.desktop.query('SELECT name FROM folder') == [('Home',)])
        app.find('button', 'Undo').click()
        self.wait_rows(app, '[Folders]', 'Attic', 'Alpha', 'Home', 'Beta', '[Today]', 'Gamma')
        quern_ui.wait_for('the folder again', lambda: self.folder_of('Alpha') == 'Attic')

        self.menu(app, 'Alpha', MOVE)
        self.choose(app, 2, 4)  # back, Home, Out of the Folder, New Folder…
        quern_ui.wait_for('it outside', lambda: self.folder_of('Alpha') is None)

    def drag(self, app, start, end, done):
        """Drags one row onto another; again, and slower, where the window had no time to follow."""
        for pause in (0.2, 1, 3):
            self.try_to_drag(app, app.find('list item', start), app.find('list item', end), pause)
            try:
                return quern_ui.wait_for('the move', done, 10 if pause < 3 else None)
            except quern_ui.NotFound:
                if pause == 3:
                    raise

    def try_to_drag(self, app, start, end, pause):
        x, y, width, height = start.still()
        to_x, to_y, to_width, to_height = end.still()
        window = app.window_id()
        app.xdotool('mousemove', '--window', window, x + 20, y + height // 2, 'sleep', 0.1, 'mousedown', 1, 'sleep', 0.1)
        for step in range(1, 11):
            app.xdotool('mousemove', '--window', window, x + 20 + (to_x - x) * step // 10,
                        y + height // 2 + (to_y + to_height // 2 - y - height // 2) * step // 10, 'sleep', 0.03)
        app.xdotool('sleep', pause, 'mouseup', 1)

    def test_drag(self):
        app = self.seed(('Alpha', 0), ('Beta', 3))
        self.menu(app, 'Beta', MOVE)
        self.choose(app, 1, 2)
        self.name(app, 'Work')
        self.wait_rows(app, '[Folders]', 'Work', 'Beta', '[Today]', 'Alpha')
        self.drag(app, 'Alpha', 'Work', lambda: self.folder_of('Alpha') == 'Work')
        self.wait_rows(app, '[Folders]', 'Work', 'Alpha', 'Beta')
        self.menu(app, 'Alpha', MOVE)
        self.choose(app, 1, 3)
        self.wait_rows(app, '[Folders]', 'Work', 'Beta', '[Today]', 'Alpha')
        self.drag(app, 'Beta', 'Alpha', lambda: self.folder_of('Beta') is None)  # out of the folder

    def test_sections(self):
        app = self.seed(('Now', 0), ('Before', 1), ('Days ago', 4), ('Weeks ago', 20), ('Long ago', 800))
        then = time.strftime('%B %Y', time.localtime(time.time() - 800 * 86400))
        self.wait_rows(app, '[Today]', 'Now', '[Yesterday]', 'Before', '[Previous 7 Days]', 'Days ago',
                       '[Previous 30 Days]', 'Weeks ago', f'[{then}]', 'Long ago')
        self.menu(app, 'Long ago', PIN)
        self.wait_rows(app, '[Pinned]', 'Long ago', '[Today]', 'Now', '[Yesterday]', 'Before', '[Previous 7 Days]',
                       'Days ago', '[Previous 30 Days]', 'Weeks ago')
        quern_ui.wait_for('the pin on the disk', lambda: self.desktop.query(
            'SELECT title FROM conversation WHERE pinned') == [('Long ago',)])

    def test_keys(self):
        """Everything works without a mouse."""
        app = self.seed(('Alpha', 0), ('Beta', 3))
        self.walk_to(app, 'Alpha')
        app.key('Menu')
        self.choose_by_key(app, MOVE)
        app.key('Down', 'Return')  # past the way back: New Folder…
        app.find('text', 'Name').wait(lambda node: node.has_state('focused'))
        app.type('Work')
        app.key('Return')
        self.wait_rows(app, '[Folders]', 'Work', 'Alpha', '[Previous 7 Days]', 'Beta')
        self.walk_to(app, 'Beta')
        app.key('Delete')
        app.find('label', 'Conversation deleted')
        self.wait_rows(app, '[Folders]', 'Work', 'Alpha')
        self.walk_to(app, 'Work')
        app.key('Return')
        self.wait_rows(app, '[Folders]', 'Work')
        app.key('shift+F10')
        self.choose_by_key(app, 1)
        app.find('text', 'Name').wait(lambda node: node.has_state('focused'))
        app.key('ctrl+a')
        app.type('Home')
        app.key('Return')
        self.wait_rows(app, '[Folders]', 'Home')

    def walk_to(self, app, title):
        app.key('F9', 'Home')
        rows = [row for row in self.rows(app) if not row.startswith('[')]
        self.wait_focused(app, rows[0])
        for row in rows[1:rows.index(title) + 1]:
            app.key('Down')
            self.wait_focused(app, row)

    def wait_focused(self, app, title):
        quern_ui.wait_for(f'the focus on {title}', lambda: app.find('list item', title).has_state('focused'))

    def choose_by_key(self, app, index):
        items = quern_ui.wait_for('the menu', lambda: app.find_all('menu item'))
        for _ in range(index):
            app.key('Down')
        app.key('Return')
        quern_ui.wait_for('what was chosen', lambda: len(app.find_all('menu item')) != len(items))

    def search(self, app, text):
        if not app.find_all('entry', 'Search Conversations'):
            app.key('ctrl+shift+f')
        entry = app.find('entry', 'Search Conversations')
        entry.find('text').set_text(text) if entry.accessible.get_editable_text_iface() is None else entry.set_text(text)

    def test_search(self):
        app = self.make_two()
        self.search(app, 'banan')  # the beginning of a word
        results = app.find('list', 'Search results')
        hit = results.find('list item')
        self.assertEqual(hit.find('label').name, 'List three fruits.')
        self.assertIn('banana', ' '.join(label.name for label in hit.find_all('label')))
        for text in ('"', 'AND', 'NEAR(', '* OR "x', "it's -content:x ^"):  # whatever is typed is text
            self.search(app, text)
            app.find('label', 'No Results Found')
        self.assertFalse(app.find_all(None, re.compile('could not be used')))
        self.search(app, 'BANANA')
        app.find('list', 'Search results').find('list item').click()
        app.find('label', 'banana')

    def test_search_other_branch(self):
        """An answer that another one replaced is found, and shown."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        app.find('button', 'Edit Question').click()
        app.find('text', 'Message').wait(lambda node: node.text == 'Who are you?')  # a button acts a quarter second later
        self.ask(app, 'List three fruits.')
        app.wait_gone('label', 'I am Quern Tiny, a very small demonstration model.')
        self.search(app, 'demonstration')
        app.find('list', 'Search results').find('list item').click()
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')

    def test_find(self):
        app = self.launch()
        self.think(app, False)
        for question in ('Who are you?', 'List three fruits.', 'Who are you?'):
            self.ask(app, question)
        app.key('ctrl+f')
        entry = app.find(None, 'Find in this conversation')
        app.type('who ARE')
        app.find('label', '2 of 2')
        app.key('Return')
        app.find('label', '1 of 2')
        app.key('ctrl+a')
        app.type('quern tiny')
        app.find('label', '1 of 1')
        app.settle()
        app.screenshot('find')
        self.assertTrue(self.is_marked(app.find('label', re.compile('I am Quern'))))
        app.key('ctrl+a')
        app.type('pear walrus')
        app.find('label', 'No results')
        app.key('Escape')
        app.wait_gone(None, 'Find in this conversation')
        app.find('text', 'Message').wait(lambda node: node.has_state('focused'))
        self.assertFalse(self.is_marked(app.find('label', re.compile('I am Quern'))))

    def is_marked(self, label):
        """Returns whether a part of it has a background of its own."""
        text = label.accessible.get_text_iface()
        return any('bg-color' in quern_ui.Atspi.Text.get_attribute_run(text, offset, False)[0]
                   for offset in range(quern_ui.Atspi.Text.get_character_count(text)))


if __name__ == '__main__':
    quern_ui.main()
