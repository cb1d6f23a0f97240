#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the program and of a conversation, personas, files in and out, erasing."""
import configparser
import contextlib
import json
import os
import re

import quern_ui
from quern_chat import ANSWERS, ChatCase


class Preferences(ChatCase):
    def setting(self, key):
        """Returns a value of the settings on the disk, or None."""
        parser = configparser.ConfigParser()
        parser.read(os.path.join(self.desktop.environment['XDG_CONFIG_HOME'], 'glib-2.0', 'settings', 'keyfile'))
        return parser.get('io/github/quern/Quern', key, fallback=None)

    def open_preferences(self, app, page=None):
        app.key('ctrl+comma')
        app.find(None, 'Generate Titles')
        if page:
            app.find(re.compile('tab|button|radio'), page).click()

    def conversation(self, column):
        return self.desktop.query(f'SELECT {column} FROM conversation WHERE deleted IS NULL')[0][0]

    def sampling(self):
        return json.loads(self.conversation('sampling') or '{}')

    def open_settings(self, app):
        app.find('toggle button', 'Main Menu').click()
        quern_ui.wait_for('the menu', lambda: len(app.find_all('menu item')) > 4)
        app.find_all('menu item')[3].click()
        app.find('label', 'Conversation Settings')

    def spin(self, app, title):
        return app.find('spin button', re.compile(f'^{title} '), showing=False)  # its name goes on with the explanation

    def test_general(self):
        app = self.launch()
        self.ready(app)
        self.open_preferences(app)
        app.find(None, 'Generate Titles').click()
        quern_ui.wait_for('the setting', lambda: self.setting('make-titles') == 'false')
        app.settle()
        app.screenshot('preferences-general')
        app.find('button', 'Unload Models Now').click()
        app.find('label', 'Models unloaded')

    def test_conversation(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        self.open_settings(app)
        app.find('label', re.compile('recommended for Quern Tiny without thinking'))
        app.settle()
        app.screenshot('conversation-settings')
        temperature = self.set_number(app, 'Temperature', 0.7)
        self.set_number(app, 'Seed', 42)
        self.set_number(app, 'Threads', 1)
        self.set_number(app, 'Context Length', 1024)
        quern_ui.wait_for('them on the disk', lambda: self.sampling() == {'temperature': 0.7, 'seed': 42, 'threads': 1})
        quern_ui.wait_for('the context', lambda: self.conversation('context_size') == 1024)
        app.find('button', 'Reset').click()
        quern_ui.wait_for('the recommended values', lambda: self.sampling() == {'threads': 1})
        temperature.wait(lambda spin: self.value(spin) == 0)
        app.find('text', 'Instructions').set_text('Be brief.')
        quern_ui.wait_for('the instructions', lambda: self.conversation('system_prompt') == 'Be brief.')

    def value(self, spin):
        return spin.accessible.get_value_iface().get_current_value()

    def set_number(self, app, title, number):
        spin = self.spin(app, title)
        spin.accessible.get_value_iface().set_current_value(number)
        return spin

    def test_personas(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        self.open_preferences(app, 'Personas')
        app.find('button', 'New Persona').click()
        app.find('text', 'Name').set_text('Poet')
        app.find('text', 'Instructions').set_text('Answer in verse.')
        app.find('button', 'Save').click()
        personas = 'SELECT name, system_prompt FROM persona'
        quern_ui.wait_for('the persona', lambda: self.desktop.query(personas) == [('Poet', 'Answer in verse.')])
        app.find(None, 'Poet').click_mouse()
        app.find('text', 'Name').set_text('Bard')
        app.find('button', 'Save').click()
        quern_ui.wait_for('its new name', lambda: self.desktop.query(personas) == [('Bard', 'Answer in verse.')])
        app.key('Escape')
        app.wait_gone('dialog')
        self.open_settings(app)
        app.find(None, 'Use a Persona').click_mouse()
        app.find('label', 'Bard')  # below “None”
        app.key('Down', 'Return')
        quern_ui.wait_for('the instructions', lambda: self.conversation('system_prompt') == 'Answer in verse.')
        app.key('Escape')
        app.wait_gone('dialog')
        self.open_preferences(app, 'Personas')
        app.find(None, 'Bard').click_mouse()
        app.find('button', 'Delete').click()
        quern_ui.wait_for('its end', lambda: self.desktop.query(personas) == [])
        self.assertEqual(self.conversation('system_prompt'), 'Answer in verse.')

    def test_export_all(self):
        """What was done is told where the one who did it looks: on the preferences, not below them."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        self.open_preferences(app, 'Data')
        path = os.path.join(self.desktop.folder, 'all.json')
        self.press(app, '^Export All')
        self.save_as(app, 'Export All Conversations', path)
        app.find('dialog', 'Preferences').find('label', 'Exported')
        with open(path, encoding='utf-8') as file:
            self.assertEqual(json.load(file)['conversations'][0]['title'], 'List three fruits.')

    def test_usage(self):
        """What the answers took, and what the same tokens would have cost; the prices can be changed, and are kept."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'List three fruits.')
        read, written = self.desktop.query("SELECT sum (prompt_tokens), sum (answer_tokens) FROM message")[0]
        app.close()
        self.change('UPDATE message SET prompt_tokens = prompt_tokens + 1000000, answer_tokens = answer_tokens + 1000000'
                    " WHERE role = 'assistant'")
        app = self.launch()
        self.ready(app)
        app.key('ctrl+comma')
        self.open_preferences(app, 'Usage')
        app.find('label', re.compile(f'^{read + 1000000} tokens read, {written + 1000000} written, in '))
        for cost in ('$0.25', '$1.60', '$8.00'):
            app.find('label', cost, showing=False)

    def press(self, app, name):
        """Activates a row, which cannot be asked to take the focus."""
        app.find('list item', re.compile(name)).click()

    def save_as(self, app, title, path):
        chooser = app.find('dialog', title)
        name = chooser.find('text').wait(lambda node: node.has_state('focused'))
        quern_ui.wait_for('the name', lambda: self.stays(app, name, path))  # it is set once more when the folder is known
        app.finish_chooser(chooser.find('button', 'Save'))
        quern_ui.wait_for('the file', lambda: os.path.exists(path))

    def stays(self, app, entry, text):
        entry.set_text(text)
        app.settle(0.5)
        return entry.text == text

    def contains(self, text):
        found = []
        for folder, _, names in os.walk(self.desktop.data):
            for name in names:
                with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, name), 'rb') as file:
                    if text in file.read():
                        found.append(name)
        return found

    def test_delete_all(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        app.find('text', 'Message').set_text('a secret draft')
        quern_ui.wait_for('the draft', lambda: self.conversation('draft') == 'a secret draft')
        with open(os.path.join(self.desktop.data, 'quern.db.before-schema-2'), 'wb') as file:
            file.write(b'Who are you?')
        self.assertTrue(self.contains(b'demonstration model'))
        self.open_preferences(app, 'Data')
        app.settle()
        app.screenshot('preferences-data')
        app.find('button', re.compile('Delete All Conversations')).click()
        app.find('label', re.compile('exported or backed up'))
        app.settle()
        app.screenshot('delete-all')
        app.find('button', 'Delete All').click()
        app.find('label', 'All conversations erased')
        for text in (b'demonstration model', b'Who are you', b'secret draft'):
            self.assertEqual(self.contains(text), [])

    def restore(self, app):
        """Chooses the only file where the file chooser begins."""
        self.press(app, '^Restore')
        chooser = app.find('dialog', 'Restore a Backup')
        chooser.find('label', 'kept.db').click_mouse()
        app.finish_chooser(chooser.find('button', 'Open').wait(lambda node: node.sensitive))

    def test_back_up_and_restore(self):
        home = self.desktop.environment['HOME']
        app = self.launch()
        self.think(app, False)
        answer = self.ask(app, 'List three fruits.')
        self.open_preferences(app, 'Data')
        self.press(app, '^Back Up')
        self.save_as(app, 'Back Up Conversations', os.path.join(home, 'kept.db'))
        preferences = app.find('dialog', 'Preferences')
        preferences.find('label', 'Backed up')
        self.restore(app)
        preferences.find('label', 'Everything in this backup is already here')
        app.find('button', re.compile('Delete All Conversations')).click()
        app.find('button', 'Delete All').click()
        preferences.find('label', 'All conversations erased')
        self.assertEqual(self.desktop.query('SELECT count (*) FROM conversation'), [(0,)])
        self.restore(app)
        preferences.find('label', '1 conversation restored')
        app.screenshot('restored')
        preferences.find('button', 'Close').click_mouse()
        app.wait_gone('dialog')
        app.find('list', 'Conversations').find('label', 'List three fruits.').click_mouse()
        app.find('label', re.compile('Apple|apple'))
        self.assertEqual(self.desktop.query(ANSWERS), [answer])


if __name__ == '__main__':
    quern_ui.main()
