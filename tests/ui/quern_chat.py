# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that many tests of conversations share."""
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import quern_ui
from quern_ui import wait_for

GOLDENS = os.path.join(os.environ.get('QUERN_TEST_DATA') or os.path.join(os.path.dirname(__file__), '../data'), 'goldens')
ANSWERS = "SELECT content || reasoning, state FROM message WHERE role = 'assistant' AND deleted IS NULL ORDER BY id"


class ChatCase(quern_ui.TestCase):
    """A test that has a window and asks questions in it."""

    slow = False     # each token takes some milliseconds more
    hold_after = 0   # tokens after which answers wait until they are stopped
    patient = True   # short messages stay long enough for tests on slow machines

    def add_chatterbox(self):
        """Installs a model of random weights, which goes on for hundreds of tokens, as the default one; slowly, so that a
        test can do something meanwhile."""
        folder = os.path.join(self.desktop.data, 'models')
        os.makedirs(folder, exist_ok=True)
        shutil.copy(os.path.join(GOLDENS, 'a-dense-F16.gguf'), os.path.join(folder, 'Chatterbox-F16.gguf'))
        self.slow = True

    def launch(self, *arguments, environment=None, **options):
        wanted = {'QUERN_PACE': '4' if self.slow else None, 'QUERN_HOLD': str(self.hold_after) if self.hold_after else None,
                  'QUERN_TOASTS': '30' if self.patient else None}
        if any(wanted.values()) and options.get('program') in (None, quern_ui.PROBED):
            environment = {**{name: value for name, value in wanted.items() if value}, **(environment or {})}
            options['program'] = quern_ui.PROBED
        return super().launch(*arguments, environment=environment, **options)

    def change(self, sql, *values):
        """Writes to the database while the program is not running."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.desktop.data, 'quern.db'))) as database:
            database.execute(sql, values)
            database.commit()

    def launch_with(self, **settings):
        """Opens a window whose conversation has these settings, which are columns of its row."""
        app = self.launch()
        self.ready(app).set_text('draft')
        wait_for('the conversation on the disk', lambda: os.path.exists(os.path.join(self.desktop.data, 'quern.db'))
                 and self.desktop.query('SELECT draft FROM conversation') == [('draft',)])
        app.close()
        for name, value in settings.items():
            self.change(f'UPDATE conversation SET {name} = ?, draft = NULL', value)
        return self.launch()

    def menu(self, app, button, index):
        """Opens a menu and activates an item by its position, because GTK does not expose the names."""
        button.click()
        wait_for('the menu', lambda: len(app.find_all('menu item')) > index)
        app.find_all('menu item')[index].click()

    def ready(self, app):
        """Returns the composer once there is a model that can answer."""
        app.find('button', 'Model: %s')
        return app.find('text', 'Message')

    def think(self, app, wanted):
        self.ready(app)
        switch = app.find('toggle button', 'Think')
        if (switch.has_state('pressed') or switch.has_state('checked')) != wanted:
            switch.click()
            switch.wait(lambda node: (node.has_state('pressed') or node.has_state('checked')) == wanted)

    def send(self, app, question):
        box = self.ready(app)
        box.set_text(question)
        box.focus()
        app.key('Return')
        box.wait(lambda node: node.text == '')

    def ask(self, app, question):
        """Asks and returns the complete answer."""
        self.ready(app)
        n = self.n_answers_so_far()
        self.send(app, question)
        return quern_ui.wait_for('an answer', lambda: self.finished(n))

    def n_answers_so_far(self):
        try:
            return len(self.desktop.query(ANSWERS))
        except sqlite3.OperationalError:  # there is no database yet, or it cannot be kept
            return 0

    def finished(self, n):
        rows = self.desktop.query(ANSWERS)
        return rows[n] if len(rows) > n and rows[n][1] != 'streaming' else None

    def has_begun(self, n):
        rows = self.desktop.query(ANSWERS)
        return len(rows) > n and (rows[n][1] != 'streaming' or len(rows[n][0]) > 30)

    def start_long_answer(self, app):
        """Asks the model of random weights, and returns when it is in the middle of its answer, where it stays with
        hold_after. Some answers end at once, some are tool calls, of which nothing is shown before they are whole: asks
        again."""
        for _ in range(5):
            n = self.n_answers_so_far()
            self.send(app, 'Go on and on')
            try:
                wait_for('the answer on the disk', lambda: self.has_begun(n), 20)
            except quern_ui.NotFound:
                app.key('Escape')
                wait_for('the end on the disk', lambda: self.finished(n))
            if self.desktop.query(ANSWERS)[n][1] == 'streaming':
                return n
        raise AssertionError('no answer went on')


class AttachCase(ChatCase):
    """A test that attaches files: they come as screenshots, because file choosers are not the application's."""

    def setUp(self):
        super().setUp()
        self.portal = None

    def tearDown(self):
        if self.portal:
            self.portal.kill()
            self.portal.communicate()
        super().tearDown()

    def start_portal(self):
        """The desktop's portal, whose screenshots are the files that a test wants to attach."""
        self.note = os.path.join(self.desktop.folder, 'screenshot')
        self.portal = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 'fake_portal.py'), self.note],
                                       env=self.desktop.environment, stdout=subprocess.PIPE, text=True)
        self.assertEqual(self.portal.stdout.readline(), 'ready\n')

    def take_screenshot(self, app):
        app.find('button', 'Attach Pictures or Documents').click()
        quern_ui.wait_for('the menu', lambda: len(app.find_all('menu item')) == 2)
        app.find_all('menu item')[1].click()  # GTK gives them no names

    def attach(self, app, path):
        if not self.portal:
            self.start_portal()
        with open(self.note, 'w', encoding='utf-8') as note:
            note.write(path)
        self.take_screenshot(app)
