#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quern as a citizen of the desktop: one process, D-Bus activation, the Shell's search, files, options, signals."""
import os
import re
import shutil
import signal
import subprocess

import quern_ui
from quern_chat import ANSWERS, ChatCase
from quern_models import Services

ID = 'io.github.quern.Quern'
PATH = '/io/github/quern/Quern'
TINY = os.environ.get('QUERN_TINY_DIR') or os.path.join(os.path.dirname(__file__), '../../data/quern-tiny')


class DesktopCase(ChatCase):
    patient = False  # the program itself

    def call(self, path, method, *arguments):
        """Calls a D-Bus method of Quern's; returns what gdbus prints."""
        result = self.desktop.run('gdbus', 'call', '--session', '--dest', ID, '--object-path', path, '--method', method,
                                  *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def second_start(self, *arguments):
        """Starts quern again; returns its CompletedProcess when it has handed over."""
        program = os.path.join(quern_ui.BUILD, 'ui', 'quern')
        return subprocess.run([program, *arguments], env=self.desktop.environment, capture_output=True, text=True,
                              timeout=quern_ui.TIMEOUT, check=False)

    def asked(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'What is the capital of France?')
        return app

    def conversation(self):
        return self.desktop.query('SELECT id FROM conversation ORDER BY id')[0][0]


class Desktop(DesktopCase):
    def test_single_instance(self):
        app = self.asked()
        result = self.second_start()
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertEqual(len(app.windows()), 1)
        result = self.second_start('--new-chat')
        self.assertEqual(result.returncode, 0, result.stderr)
        app.wait_gone('label', 'The capital of France is Paris.')
        self.assertEqual(len(app.windows()), 1)

    def test_options(self):
        result = self.second_start('--version')
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r'^quern \d+\.\d+\.\d+\n$')
        self.assertNotEqual(self.second_start('--no-such-option').returncode, 0)
        app = self.launch('--new-chat')
        self.ready(app)

    def test_conversation_by_notification(self):
        """A notification carries the action app.open-conversation; the session bus delivers it."""
        app = self.asked()
        conversation = self.conversation()
        app.key('ctrl+n')
        app.wait_gone('label', 'The capital of France is Paris.')
        self.call(PATH, 'org.freedesktop.Application.ActivateAction', 'open-conversation', f'[<int64 {conversation}>]', '{}')
        app.find('label', 'The capital of France is Paris.')
        # One that is gone changes nothing.
        self.call(PATH, 'org.freedesktop.Application.ActivateAction', 'open-conversation', '[<int64 12345>]', '{}')
        app.find('label', 'The capital of France is Paris.')

    def test_search_provider(self):
        app = self.asked()
        conversation = self.conversation()
        provider, interface = PATH + '/SearchProvider', 'org.gnome.Shell.SearchProvider2.'
        self.assertEqual(self.call(provider, interface + 'GetInitialResultSet', "['France']"), '(@as [],)', 'off by default')
        metas_while_off = self.call(provider, interface + 'GetResultMetas', f"['{conversation}']")
        self.assertEqual(app.close(), 0)
        subprocess.run(['gsettings', 'set', ID, 'search-provider', 'true'], env=self.desktop.environment, check=True)
        # A known id tells nothing either.
        self.assertEqual(metas_while_off, '(@aa{sv} [],)')
        # Started by the Shell, without a window.
        service = self.launch('--gapplication-service', connect=False)
        quern_ui.wait_for('the service', lambda: ID in self.desktop.run(
            'gdbus', 'call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus',
            '--method', 'org.freedesktop.DBus.ListNames').stdout)
        self.assertEqual(self.call(provider, interface + 'GetInitialResultSet', "['capital', 'Fra']"),
                         f"(['{conversation}'],)")
        self.assertEqual(self.call(provider, interface + 'GetSubsearchResultSet', f"['{conversation}']", "['zebra']"),
                         '(@as [],)')
        metas = self.call(provider, interface + 'GetResultMetas', f"['{conversation}', '99']")
        self.assertIn('capital of France', metas)
        self.assertEqual(metas.count("'id'"), 1, metas)
        self.call(provider, interface + 'ActivateResult', str(conversation), '[]', '0')
        service.connect()
        service.find('label', 'The capital of France is Paris.')
        self.call(provider, interface + 'LaunchSearch', "['capital']", '0')
        service.find('list', 'Search results').find('list item', re.compile('France'))

    def test_model_file(self):
        """Opened from a file manager, a model is used where it lies."""
        self.patient = True
        model = os.path.join(self.desktop.environment['HOME'], 'My model-Q8_0.gguf')
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q8_0.gguf'), model)
        app = self.launch(model)
        self.ready(app)
        quern_ui.wait_for('the model', lambda: 'my model-q8_0' in self.desktop.run('quern-cli', 'list').stdout)
        self.assertEqual(os.listdir(os.path.join(self.desktop.data, 'models'))
                         if os.path.isdir(os.path.join(self.desktop.data, 'models')) else [], [])
        damaged = os.path.join(self.desktop.environment['HOME'], 'damaged.gguf')
        with open(damaged, 'wb') as file:
            file.write(b'GGUF' + bytes(20))
        self.assertEqual(self.second_start(damaged).returncode, 0)
        app.find('button', 'Add').click()
        app.find('label', re.compile('cannot be used', re.I))

    def open_over_the_bus(self, path, **platform_data):
        data = ', '.join(f'{name.replace("_", "-")!r}: <{value!r}>' for name, value in platform_data.items())
        self.call(PATH, 'org.freedesktop.Application.Open', f"['file://{path}']", '{' + data + '}')

    def imported(self):
        return [row[0] for row in self.desktop.query('SELECT path FROM model_file WHERE imported = 1 ORDER BY path')]

    def test_model_file_of_a_stranger(self):
        """What any program can ask for over the bus is asked about, unless the user launched it: then the window has a focus."""
        self.patient = True
        paths = []
        for name in ('a', 'b', 'c'):
            paths.append(os.path.join(self.desktop.environment['HOME'], f'{name}.gguf'))
            shutil.copy(os.path.join(TINY, 'quern-tiny-Q2_K.gguf'), paths[-1])
        app = self.launch()
        self.ready(app)
        self.open_over_the_bus(paths[0])
        dialog = app.find(None, 'Add This Model?')
        app.find('label', re.compile(re.escape(paths[0])))
        app.find('button', 'Cancel').click()
        app.wait_gone(None, 'Add This Model?')
        self.open_over_the_bus(paths[1])
        app.find('button', 'Add').click()
        quern_ui.wait_for('the model', lambda: self.imported() == [paths[1]])
        app.wait_gone(None, 'Add This Model?')
        # as from the file manager: the window has the focus
        self.open_over_the_bus(paths[2], desktop_startup_id='files-1-host_TIME1')
        quern_ui.wait_for('the model', lambda: self.imported() == [paths[1], paths[2]])
        self.assertEqual(app.find_all(None, 'Add This Model?'), [])

    def test_model_file_without_focus(self):
        """A token that no window manager honours, because somebody made it up, is worth nothing."""
        self.patient = True
        path = os.path.join(self.desktop.environment['HOME'], 'a.gguf')
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q2_K.gguf'), path)
        manager = quern_ui.WindowManager(self.desktop)
        app = self.launch()
        self.ready(app)
        manager.focus()
        self.open_over_the_bus(path, desktop_startup_id='files-1-host_TIME1')
        app.find(None, 'Add This Model?')
        self.assertEqual(self.imported(), [])

    def test_signals_save(self):
        """SIGTERM and SIGINT in the middle of an answer: what was written is there after the next start."""
        self.hold_after = 30
        self.add_chatterbox()
        app = self.launch()
        for number in (signal.SIGTERM, signal.SIGINT):
            row = self.start_long_answer(app)
            app.process.send_signal(number)
            self.assertEqual(app.process.wait(quern_ui.TIMEOUT), 0)
            text, state = self.desktop.query(ANSWERS)[row]
            self.assertGreater(len(text), 30)
            self.assertNotEqual(state, 'streaming')
            app = self.launch()
            self.ready(app)

    def services(self):
        services = Services(self.desktop)
        self.addCleanup(services.close)
        return services

    def close_in_mid_answer(self):
        """Closes the window while an answer is made; returns the desktop's services, the application and the answer's row."""
        services = self.services()
        self.hold_after = 30
        self.add_chatterbox()
        app = self.launch(environment=services.environment)
        row = self.start_long_answer(app)
        app.key('ctrl+w')
        quern_ui.wait_for('no window', lambda: not app.x_windows())
        return services, app, row

    def test_closed_in_mid_answer(self):
        """The answer goes on without a window; the desktop is told, and offers to stop it. Started again, the window is back."""
        services, app, row = self.close_in_mid_answer()
        told = services.wait('Notify')['arguments']
        self.assertEqual(told[3], 'Quern Is Still at Work')
        self.assertIn('Stop and Quit', told[5])
        self.assertEqual(self.desktop.query(ANSWERS)[row][1], 'streaming')
        self.assertEqual(self.second_start().returncode, 0)
        quern_ui.wait_for('the window', lambda: app.x_windows())
        services.wait('CloseNotification')
        app.focus_window()
        app.key('ctrl+w')
        quern_ui.wait_for('no window', lambda: not app.x_windows())
        # "Stop and Quit"
        self.call(PATH, 'org.freedesktop.Application.ActivateAction', 'quit', '[]', '{}')
        self.assertEqual(app.process.wait(quern_ui.TIMEOUT), 0)
        self.assertEqual(self.desktop.query(ANSWERS)[row][1], 'interrupted')
        app = self.launch()
        app.find('label', re.compile('^Interrupted: Quern was closed'))

    def test_ends_when_the_answer_is_there(self):
        services = self.services()
        app = self.launch(environment={**services.environment, 'QUERN_PACE': '500'}, program=quern_ui.PROBED)
        self.think(app, False)
        self.send(app, 'Write a Python function that adds two numbers.')
        app.key('ctrl+w')
        self.assertEqual(app.process.wait(quern_ui.TIMEOUT), 0)
        self.assertEqual(self.desktop.query(ANSWERS)[0][1], 'complete')

    def test_restored(self):
        """The last conversation and the window's size come back."""
        app = self.asked()
        app.resize(900, 640)
        self.assertEqual(app.close(), 0)
        app = self.launch()
        app.find('label', 'The capital of France is Paris.')
        quern_ui.wait_for('its size', lambda: app.size() == (900, 640))

    def test_started_by_the_bus(self):
        """The service file starts it, as the desktop does when an icon, a notification or a search result is chosen."""
        services = os.path.join(self.desktop.environment['XDG_DATA_HOME'], 'dbus-1', 'services')
        os.makedirs(services)
        with open(os.path.join(os.path.dirname(__file__), f'../../data/{ID}.service.in'), encoding='utf-8') as file:
            text = file.read().replace('@app_id@', ID).replace('@bindir@', os.path.join(quern_ui.BUILD, 'ui'))
        with open(os.path.join(services, f'{ID}.service'), 'w', encoding='utf-8') as file:
            file.write(text)
        self.call(PATH, 'org.freedesktop.Application.Activate', '{}')
        quern_ui.wait_for('the window', lambda: self.desktop.run('xdotool', 'search', '--onlyvisible', '--name', '^Quern$').stdout)
        self.call(PATH, 'org.freedesktop.Application.ActivateAction', 'quit', '[]', '{}')

    def test_traced(self):
        """What the window writes lies in the XDG folders, and it opens no connection."""
        strace, trace = shutil.which('strace'), os.path.join(self.desktop.folder, 'trace')
        if strace is None or subprocess.run([strace, '-qq', '-o', '/dev/null', 'true'], check=False).returncode != 0:
            self.skipTest('no strace here')
        app = self.launch('-D', '-f', '-qq', '-o', trace, '-e', 'trace=openat,open,creat,mkdir,mkdirat,rename,renameat,'
                          'renameat2,unlink,unlinkat,connect,socket', os.path.join(quern_ui.BUILD, 'ui', 'quern'), program=strace)
        self.think(app, False)
        self.ask(app, 'What is the capital of France?')
        app.key('ctrl+comma')
        app.find('dialog')
        app.key('Escape')
        self.assertEqual(app.close(), 0)
        with open(trace, encoding='utf-8', errors='replace') as file:
            lines = file.read().splitlines()
        self.assertTrue(any('quern.db' in line and 'O_RDWR' in line for line in lines), 'the trace saw no write at all')
        inside = re.compile(f'"({re.escape(self.desktop.folder)}/|/dev/|/proc/|/memfd)|ENOENT|EEXIST|O_TMPFILE')
        writes = re.compile(r'O_WRONLY|O_RDWR|O_CREAT|^\d+ +(mkdir|creat|rename|unlink)')
        self.assertEqual([line for line in lines if writes.search(line) and not inside.search(line)], [])
        self.assertEqual([line for line in lines if 'AF_INET' in line], [])

    def test_without_network(self):
        """In a network namespace without routes everything works but the hub, which says so."""
        unshare = shutil.which('unshare')
        if unshare is None or subprocess.run([unshare, '-cn', 'true'], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest('no network namespaces here')
        app = self.launch('-cn', os.path.join(quern_ui.BUILD, 'ui', 'quern'), program=unshare)
        self.think(app, False)
        self.assertIn('Paris', self.ask(app, 'What is the capital of France?')[0])
        app.key('ctrl+shift+m')
        app.find('label', 'Recommended for This Computer')
        app.find('page tab', re.compile('^Search')).click()
        app.find('entry', 'Search models on the hub')
        quern_ui.wait_for('the entry', lambda: next(
            (node for node in app.find('entry', 'Search models on the hub').walk()
             if node.accessible.get_editable_text_iface()), None)).set_text('qwen')
        app.find('label', 'The Hub Does Not Respond')


if __name__ == '__main__':
    quern_ui.main()
