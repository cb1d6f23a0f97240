#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A problem is reported in a sentence, and everything else continues to work."""
import contextlib
import os
import re
import sqlite3
import subprocess

import quern_ui
from quern_chat import ChatCase


class Errors(ChatCase):
    def test_damaged_model(self):
        folder = os.path.join(self.desktop.data, 'models')
        os.makedirs(folder)
        with open(os.path.join(folder, 'Broken-Q8_0.gguf'), 'wb') as file:
            file.write(b'GGUF' + bytes(60))
        app = self.launch()
        self.ready(app)
        app.key('ctrl+m')
        row = app.find('list', 'Models').find('list item', re.compile('Broken')) \
            if app.find_all('list item', re.compile('Broken')) else app.find('label', re.compile('Broken'))
        self.assertTrue(row.showing)

    def test_missing_model(self):
        self.hold_after = 30
        self.add_chatterbox()
        app = self.launch()
        self.ready(app)
        self.think(app, False)
        self.start_long_answer(app)
        app.close()
        os.remove(os.path.join(self.desktop.data, 'models', 'Chatterbox-F16.gguf'))
        app = self.launch()
        app.find(None, re.compile('is no longer on this computer'))
        self.assertFalse(app.find('button', 'Send').sensitive)

    def test_read_only_cache(self):
        """Without a place for what is temporary everything works, and dconf does not fill the terminal."""
        nowhere = {'XDG_CACHE_HOME': '/dev/null/cache', 'XDG_RUNTIME_DIR': '/dev/null/run', 'GSETTINGS_BACKEND': 'dconf'}
        app = self.launch(environment=nowhere)
        self.think(app, False)
        self.ask(app, 'Who are you?')
        self.assertEqual(app.close(), 0)
        self.assertNotIn('dconf', app.log)
        variables = [f'{name}={value}' for name, value in nowhere.items()]
        result = self.desktop.run('env', 'HF_ENDPOINT=http://127.0.0.1:9', *variables, 'quern-cli', 'search', 'quern')
        self.assertEqual(result.returncode, 1)  # nothing listens there
        self.assertNotIn('dconf', result.stderr)

    def test_damaged_database(self):
        os.makedirs(self.desktop.data)
        path = os.path.join(self.desktop.data, 'quern.db')
        with open(path, 'wb') as file:
            file.write(b'not a database, but somebody may still want it' * 100)
        app = self.launch()
        app.find(None, re.compile('Conversations cannot be saved'))
        self.think(app, False)
        app.find('text', 'Message').set_text('Who are you?')
        app.find('text', 'Message').focus()
        app.key('Return')
        app.find('label', 'I am Quern Tiny, a very small demonstration model.')
        with open(path, 'rb') as file:
            self.assertTrue(file.read().startswith(b'not a database'))

    def say(self, app, question, answer):
        self.think(app, False)
        self.send(app, question)
        app.find('label', answer)

    def test_full(self):
        """While the disk is full, Quern says so, the conversation continues, and everything is saved in the end."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')

        def limit(size):
            subprocess.run(['prlimit', f'--pid={app.process.pid}', f'--fsize={size}:unlimited'], check=True)
        limit(0)
        self.send(app, 'List three fruits.')
        app.find(None, re.compile('The disk is full.*kept in memory'))
        app.find('label', 'banana')
        app.settle()
        count = 'SELECT count(*) FROM message'
        self.assertEqual(self.desktop.query(count), [(2,)])
        app.screenshot('disk-full')
        limit('unlimited')
        app.find('label', 'All changes are saved again')
        self.assertEqual(self.desktop.query(count), [(4,)])

    def test_no_folder(self):
        """If data cannot be saved, Quern says so and still answers."""
        with open(self.desktop.data, 'w', encoding='utf-8') as file:  # root may write to folders that are read-only
            file.write('in the way')
        app = self.launch()
        app.find(None, re.compile('Conversations cannot be saved: .*quern'))
        self.say(app, 'Who are you?', 'I am Quern Tiny, a very small demonstration model.')

    def test_newer(self):
        """A database of a later version is not changed."""
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'Who are you?')
        app.close()
        path = os.path.join(self.desktop.data, 'quern.db')
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute('PRAGMA user_version = 99')
        with open(path, 'rb') as file:
            before = file.read()
        app = self.launch()
        app.find(None, re.compile('newer version of Quern.*untouched'))
        self.say(app, 'List three fruits.', 'banana')
        app.close()
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), before)

    def test_two_instances(self):
        """On two buses, so that they do not know of each other: neither loses what the other writes."""
        one = self.launch()
        self.think(one, False)
        self.ask(one, 'Who are you?')
        n_windows = self.n_windows(one)
        other = subprocess.Popen(['dbus-run-session', '--', *self.command()], env=self.desktop.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            lock = os.path.join(self.desktop.data, 'quern.db.lock')
            quern_ui.wait_for('the other', lambda: self.users(lock) >= 2)
            quern_ui.wait_for('its window', lambda: self.n_windows(one) > n_windows)
            one.settle(1)  # it takes the keyboard
            one.focus_window()
            self.ask(one, 'List three fruits.')
        finally:
            os.killpg(other.pid, 15)
            other.wait(quern_ui.TIMEOUT)
        one.find('label', 'banana')
        self.assertEqual(self.desktop.query("SELECT count(*) FROM message WHERE state = 'complete'"), [(4,)])

    def command(self):
        return [os.path.join(quern_ui.BUILD, 'ui', 'quern')]

    def n_windows(self, app):
        """Returns how many windows are on the screen, of any program."""
        return len(app.xdotool('search', '--onlyvisible', '--name', '.').split())

    def users(self, path):
        """Returns how many processes have a file open."""
        n = 0
        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError):
                links = (os.readlink(f'/proc/{pid}/fd/{fd}') for fd in os.listdir(f'/proc/{pid}/fd'))
                n += path in list(links)
        return n


if __name__ == '__main__':
    quern_ui.main()
