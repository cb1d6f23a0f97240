#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: new, rename, pin, delete and take it back, search."""
import quern_ui
from quern_chat import ChatCase


RENAME, PIN, EXPORT, DELETE = range(4)


class Conversations(ChatCase):
    def make_two(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        app.key('ctrl+n')
        self.ask(app, 'Who are you?')
        app.find('list item', 'Who are you?')
        app.find('list item', 'List three fruits.')
        return app

    def menu(self, app, title, index):
        """GTK does not tell the names of the items of a menu: RENAME, PIN, EXPORT, DELETE are their places."""
        row = app.find('list item', title)
        row.find('toggle button', 'Conversation Actions').click()
        quern_ui.wait_for('the menu', lambda: len(app.find_all('menu item')) >= 4)
        app.find_all('menu item')[index].click()

    def titles(self):
        return sorted(row[0] for row in self.desktop.query('SELECT title FROM conversation WHERE deleted IS NULL'))

    def test_rename_pin_open(self):
        app = self.make_two()
        self.menu(app, 'List three fruits.', RENAME)
        entry = app.find('text', 'Title')
        entry.set_text('Fruit')
        app.find('button', 'Rename').click()
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
        self.assertEqual(self.titles(), ['List three fruits.', 'Who are you?'])

    def test_search(self):
        app = self.make_two()
        app.key('ctrl+f')
        entry = app.find('text', 'Search all conversations') if app.find_all('text', 'Search all conversations') \
            else app.find('entry')
        entry.set_text('banana')
        results = app.find('list', 'Search results')
        hit = results.find('list item')
        self.assertEqual(hit.find('label').name, 'List three fruits.')
        hit.click()
        app.find('label', 'banana')


if __name__ == '__main__':
    quern_ui.main()
