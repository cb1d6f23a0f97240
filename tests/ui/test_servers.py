#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of models: adding them, what is said of them, keys, removing them."""
import json
import re
import socket
import subprocess
import urllib.request

import quern_ui
from quern_models import label_of
from quern_servers import ServersCase

TOLD = 'The capital of France is Paris.'
COLUMN = re.compile('^Model of this column: ')
SERVERS = 'SELECT name, kind, has_key FROM server ORDER BY id'


class Servers(ServersCase):
    def shot(self, app, name):
        app.settle()
        app.screenshot(f'servers-{name}')

    def test_add(self):
        """What is pasted is understood, and what answers there is told before it is added."""
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        self.shot(app, 'empty')
        dialog = self.connect(app, f'{server.address}/v1/chat/completions')
        dialog.find('label', 'llama.cpp b11669-Debian with 1 model')
        dialog.find('label', 'quern-tiny')
        dialog.find('label', re.compile('context of 2048 tokens · pictures · thinking can be turned off'))
        self.assertEqual(dialog.find('text', 'Name').text, 'llama.cpp')
        self.assertEqual(self.desktop.query(SERVERS), [])
        self.shot(app, 'found')
        dialog.find('text', 'Name').set_text('Workshop')
        dialog.find('button', 'Add').click()
        app.find('dialog', 'Preferences').find('label', 'Workshop')
        quern_ui.wait_for('the server', lambda: self.desktop.query(SERVERS) == [('Workshop', 'llama', 0)])
        self.shot(app, 'added')
        app.close()
        app = self.launch()
        self.ready(app)
        app.key('ctrl+shift+m')
        app.find('page tab', re.compile('^Installed')).click()
        app.find('label', 'Workshop')
        self.shot(app, 'models-page')

    def test_changed_address(self):
        """What was found at one address is not added for another."""
        server = self.serve('vllm')
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        dialog = self.connect(app, server.address)
        dialog.find('button', 'Add')
        dialog.find('text', 'Address').set_text('http://127.0.0.1:1/')
        dialog.find('button', 'Connect')
        self.assertEqual(dialog.find_all('button', 'Add'), [])

    def test_dead(self):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        dialog = self.connect(app, f'http://127.0.0.1:{port}')
        dialog.find('label', re.compile(f'127.0.0.1:{port}'))
        dialog.find('text', 'Address').wait(lambda node: node.has_state('focused'))
        self.shot(app, 'dead')
        self.connect(app, 'ftp://gpu/')
        dialog.find('label', re.compile('begins with http:// or https://'))

    def test_loading(self):
        """A server that loads its model is waited for."""
        server = self.serve('llama-loading')
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        dialog = self.connect(app, server.address)
        dialog.find('label', re.compile('^The server is loading its model'))
        self.shot(app, 'loading')
        server.become('llama')
        dialog.find('label', 'quern-tiny')

    def test_key(self):
        """A key is asked for where one is needed. Without a keyring it cannot be kept, which is told, and nothing is."""
        server = self.serve('llama', key='sk-first')
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        dialog = self.connect(app, server.address)
        dialog.find('label', re.compile('requires a key'))
        self.shot(app, 'needs-key')
        self.enter_key(app, dialog, 'sk-wrong')
        dialog.find('button', 'Connect').click()
        quern_ui.wait_for('the wrong key', lambda: any(key == 'Bearer sk-wrong' for _, _, key in server.requests))
        dialog.find('button', 'Connect').wait(lambda node: node.sensitive)
        self.assertEqual(dialog.find_all('label', 'quern-tiny'), [])
        self.connect(app, server.address, 'sk-first')
        dialog.find('label', 'quern-tiny')
        dialog.find('button', 'Add').click()
        dialog.find('label', re.compile('^The key cannot be kept'))
        self.shot(app, 'no-keyring')
        self.assertEqual(self.desktop.query(SERVERS), [])

    def start_keyring(self):
        """A real one on the session bus of the test, unlocked."""
        daemon = subprocess.Popen(['gnome-keyring-daemon', '--foreground', '--components=secrets', '--unlock'],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=self.desktop.environment)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        daemon.stdin.write(b'mill')
        daemon.stdin.close()
        subprocess.run(['gdbus', 'wait', '--session', '--timeout', str(int(quern_ui.TIMEOUT)), 'org.freedesktop.secrets'],
                       env=self.desktop.environment, check=True)

    def test_keyring(self):
        """With a keyring the key is kept there, not in the database, and is used again when Quern was started anew."""
        server = self.serve('llama', key='sk-kept')
        self.start_keyring()
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop', key='sk-kept')
        self.assertEqual(self.desktop.query(SERVERS), [('Workshop', 'llama', 1)])
        app.close()
        with open(f'{self.desktop.data}/quern.db', 'rb') as file:
            self.assertNotIn(b'sk-kept', file.read())
        app = self.launch()
        self.ready(app)
        self.choose(app, 'Workshop', '^quern-tiny')
        self.think(app, False)
        server.requests.clear()
        self.assertEqual(self.ask(app, 'Which is the capital of France?'), (TOLD, 'complete'))
        self.assertEqual({key for _, _, key in server.requests}, {'Bearer sk-kept'})

    def test_plain_key(self):
        """A key goes to another computer unencrypted only when that was allowed. (To Quern, an IPv4 address in the form of an
        IPv6 one is another computer.)"""
        server = self.serve('llama', key='sk-plain')
        self.start_keyring()
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        address = server.address.replace('127.0.0.1', '[::ffff:127.0.0.1]')
        dialog = self.connect(app, address, 'sk-plain')
        app.find('label', 'Send the Key Unencrypted?')
        self.shot(app, 'plain-key')
        quern_ui.wait_for('both buttons', lambda: app.find_all('button', 'Cancel')[1:])[-1].click()
        app.wait_gone('label', 'Send the Key Unencrypted?')
        self.assertEqual([key for _, _, key in server.requests if key], [])
        dialog.find('button', 'Connect').wait(lambda node: node.sensitive).click()
        app.find('label', 'Send the Key Unencrypted?')
        app.find('button', 'Send Unencrypted').click()
        dialog.find('label', 'quern-tiny')
        dialog.find('button', 'Add').click()
        app.wait_gone('dialog', 'Add Server')
        self.assertIn('Bearer sk-plain', {key for _, _, key in server.requests})
        self.assertEqual(self.desktop.query('SELECT plain_key FROM server'), [(1,)])

    def test_find_here(self):
        """Servers on the usual ports of this computer are found, when that is asked for and not before."""
        for port in (9931, 8080, 8000, 30000, 1234):
            try:
                server = self.serve('llama', port=port)
                break
            except OSError:  # somebody listens there
                continue
        else:
            self.skipTest('all the usual ports are in use')
        app = self.launch()
        self.ready(app)
        dialog = self.open_add(app)
        self.assertEqual(server.requests, [])
        dialog.find('button', 'Find on This Computer').click()
        quern_ui.wait_for('what was found', lambda: dialog.find_all('label', re.compile('llama.cpp b11669-Debian')))
        self.shot(app, 'found-here')
        for row in dialog.find_all('label', f'http://127.0.0.1:{server.port}')[:1]:
            row.click_mouse()  # there are others
        dialog.find('button', 'Add').click()
        app.wait_gone('dialog', 'Add Server')
        quern_ui.wait_for('the server', lambda: self.desktop.query('SELECT address FROM server') == [(server.address,)])

    def test_escape(self):
        """A dialog that was closed over the preferences leaves them with the keyboard."""
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        dialog = self.open_add(app)
        dialog.find('button', 'Cancel').click()
        app.wait_gone('dialog', 'Add Server')
        app.find('dialog', 'Preferences')
        app.key('Escape')
        app.wait_gone('dialog', 'Preferences')
        self.open_add(app)
        self.connect(app, server.address).find('button', 'Add').click()
        app.wait_gone('dialog', 'Add Server')
        app.key('Escape')
        app.wait_gone('dialog', 'Preferences')

    def test_details(self):
        """A server is asked again when that is wished, and says so when it does not answer."""
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        self.open_add(app)
        self.connect(app, server.address).find('button', 'Add').click()
        app.wait_gone('dialog', 'Add Server')
        app.find('dialog', 'Preferences').find('label', 'llama.cpp').click_mouse()
        dialog = app.find('dialog', 'llama.cpp')
        dialog.find('label', 'This server is asked without a key.')
        self.shot(app, 'details')
        dialog.find('button', 'Test Again').click()
        dialog.find('label', 'The server answered')
        server.stop()
        dialog.find('button', 'Test Again').click()
        dialog.find('button', 'Dismiss')
        self.shot(app, 'off')

    def test_rename_and_remove(self):
        server = self.serve('ollama')
        app = self.launch()
        self.ready(app)
        self.add(app, server)
        app.key('ctrl+shift+m')
        app.find('page tab', re.compile('^Installed')).click()
        app.find('label', 'Ollama').click_mouse()
        dialog = app.find('dialog', 'Ollama')
        name = dialog.find('text', 'Name')
        name.set_text('Kitchen')
        name.focus()
        app.key('Return')
        dialog = app.find('dialog', 'Kitchen')
        quern_ui.wait_for('the name', lambda: self.desktop.query(SERVERS) == [('Kitchen', 'ollama', 0)])
        dialog.find('button', 'Remove Server').click()
        app.find('label', '“Kitchen” removed')
        quern_ui.wait_for('its end', lambda: self.desktop.query(SERVERS) == [])
        app.find('button', 'Undo').click()
        app.find('label', 'Kitchen')
        quern_ui.wait_for('the server', lambda: self.desktop.query(SERVERS) == [('Kitchen', 'ollama', 0)])

    # ---- chat with a model of a server

    def choose(self, app, server, row='quern-tiny'):
        """Chooses a model of a server in the menu, where it stands below the server's name."""
        app.find('button', 'Model: %s').click()
        models = app.find('list', 'Models')
        models.find('label', server)
        self.shot(app, 'model-menu')
        models.find('label', re.compile(row)).click_mouse()
        app.wait_gone('list', 'Models')

    def test_chat(self):
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop')
        self.choose(app, 'Workshop', '^quern-tiny')
        app.find('label', 'On Workshop')
        self.shot(app, 'chosen')
        self.think(app, False)
        answer, state = self.ask(app, 'Which is the capital of France?')
        self.assertEqual((answer, state), (TOLD, 'complete'))
        self.think(app, True)
        self.assertIn('Ones: 7+8=15', self.ask(app, 'What is 47 + 38?')[0])
        switches = [body['chat_template_kwargs']['enable_thinking'] for body in server.asked('/v1/chat/completions')
                    if body.get('stream')]
        self.assertIn(True, switches)
        self.shot(app, 'chat')
        app.close()
        app = self.launch()  # the conversation keeps its model
        app.find('label', 'On Workshop')

    def test_told_where_it_goes(self):
        """Nothing leaves the computer before people were told, and then they are not told again. (To Quern, an IPv4
        address in the form of an IPv6 one is another computer.)"""
        server = self.serve('llama')
        server.address = server.address.replace('127.0.0.1', '[::ffff:127.0.0.1]')
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop')
        self.choose(app, 'Workshop', '^quern-tiny')
        self.think(app, False)
        server.requests.clear()
        box = self.ready(app)
        box.set_text('Which is the capital of France?')
        box.focus()
        app.key('Return')
        app.find('label', 'Send to Another Computer?')
        self.shot(app, 'told')
        app.find('button', 'Cancel').click()
        app.wait_gone('label', 'Send to Another Computer?')
        self.assertEqual(box.text, 'Which is the capital of France?')
        self.assertEqual(server.requests, [])
        box.focus()
        app.key('Return')
        app.find('label', 'Send to Another Computer?')
        quern_ui.wait_for('both buttons', lambda: app.find_all('button', 'Send')[1:])[0].click()  # the other one is below
        quern_ui.wait_for('the answer', lambda: self.finished(0))
        self.ask(app, 'And of France?')
        self.assertEqual(app.find_all('label', 'Send to Another Computer?'), [])

    def test_stop(self):
        """Stopping ends the request; what came is kept."""
        server = self.serve('llama', pause=0.4)
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop')
        self.choose(app, 'Workshop', '^quern-tiny')
        self.think(app, True)
        self.send(app, 'What is 47 + 38?')
        quern_ui.wait_for('the beginning', lambda: self.desktop.query(
            "SELECT 1 FROM message WHERE role = 'assistant' AND length (content || reasoning) > 5"))
        self.shot(app, 'answering')
        app.key('Escape')
        quern_ui.wait_for('the end', lambda: self.finished(0))
        self.assertEqual(self.finished(0)[1], 'stopped')
        quern_ui.wait_for('the end of the request', lambda: server.n_gone > 0)

    def test_gone(self):
        """A conversation outlives its server, and goes on with another model."""
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop')
        self.choose(app, 'Workshop', '^quern-tiny')
        self.think(app, False)
        self.ask(app, 'Which is the capital of France?')
        server.stop()
        self.send(app, 'And of Spain?')
        quern_ui.wait_for('the refusal', lambda: self.finished(1))
        self.assertEqual(self.finished(1)[1], 'failed')
        app.find('button', 'Try Again')
        self.shot(app, 'gone')
        self.choose(app, 'Workshop', '^Quern Tiny')
        self.assertEqual(self.ask(app, 'Who are you?')[1], 'complete')

    def test_removed(self):
        """A conversation says that its server was removed, and offers to add it; when it is there again, all is well."""
        server = self.serve('llama')
        app = self.launch()
        self.ready(app)
        self.add(app, server, name='Workshop')
        self.choose(app, 'Workshop', '^quern-tiny')
        self.think(app, False)
        self.ask(app, 'Which is the capital of France?')
        app.key('ctrl+shift+m')
        app.find('page tab', re.compile('^Installed')).click()
        app.find('label', 'Workshop').click_mouse()
        app.find('dialog', 'Workshop').find('button', 'Remove Server').click()
        app.find('label', '“Workshop” removed')
        app.find('list item', re.compile('capital of France')).click_mouse()
        app.find(None, re.compile(f'was on the server “127.0.0.1:{server.port}”, which was removed'))
        self.assertFalse(app.find('button', 'Send').sensitive)
        self.shot(app, 'removed')
        app.find('button', 'Add Server…').click()
        self.connect(app, server.address).find('button', 'Add').click()
        app.wait_gone('dialog', 'Add Server')
        app.find('label', 'On llama.cpp')
        self.assertEqual(self.ask(app, 'And of France?')[1], 'complete')

    # ---- comparisons

    def add_column(self, app, row, server):
        """A further column, with a model of a server."""
        before = len(app.find_all('button', COLUMN))
        app.find('button', 'Add a Column').click()
        quern_ui.wait_for('the column', lambda: len(app.find_all('button', COLUMN)) == before + 1)
        self.set_column(app, before, row, server)

    def set_column(self, app, i, row, server):
        app.find_all('button', COLUMN)[i].click()
        models = app.find('list', 'Models')
        models.find('label', server)
        models.find('label', row).click_mouse()
        app.wait_gone('list', 'Models')

    def test_compare(self):
        """Two servers and this computer: all answer, nothing is claimed about tokens, texts are compared, and it is said what can
        be measured."""
        box, rack = self.serve('llama'), self.serve('vllm')
        self.desktop_options = {'size': (1280, 800)}
        app = self.launch()
        app.resize(1280, 800)
        self.ready(app)
        self.add(app, box, name='Workshop')
        self.add(app, rack, name='Rack')
        app.find('button', 'New Comparison').click()
        app.find('button', 'Add a Column')
        self.set_column(app, 1, 'quern-tiny', 'Workshop')
        self.add_column(app, 'Qwen/Qwen3.5-122B-A10B', 'Rack')
        toggle = app.find('toggle button', 'Think')
        if toggle.is_on:
            toggle.click()
            toggle.wait(lambda node: not node.is_on)
        text = app.find('text', 'Message')
        text.set_text('What is the capital of France?')
        text.focus()
        app.key('Return')
        quern_ui.wait_for('three answers', lambda: len(app.find_all('label', 'Writes')) == 3)
        app.find('button', 'Send')
        quern_ui.wait_for('the text of all', lambda: len(app.find_all('label', 'The capital of France is Paris.')) == 2
                          and app.find_all('label', '15'))
        self.assertEqual(app.find_all('label', re.compile(' chose “|tokens? are the same')), [])
        self.shot(app, 'compare')
        bodies = box.asked('/v1/chat/completions') + rack.asked('/v1/chat/completions')
        self.assertTrue(all('temperature' in body and 'seed' in body for body in bodies), bodies)
        self.choose_item(app, 'Word Differences…')
        app.find('label', re.compile('differ|identical'))
        app.find('text', 'Both answers')
        app.key('Escape')
        app.wait_gone('text', 'Both answers')
        self.choose_item(app, 'Measure…')
        app.find('label', re.compile('“quern-tiny” is on “Workshop” and cannot be measured.*'
                                     'tells the likeliest tokens alone', re.DOTALL))
        self.assertEqual(app.find_all(None, 'Top-40 Divergence', showing=False), [])
        self.shot(app, 'measure')

    def choose_item(self, app, item):
        app.find('toggle button', 'Comparison Menu').click()
        quern_ui.wait_for(item, lambda: next((node for node in app.find_all(re.compile('menu item$'))
                                              if label_of(node) == item and node.sensitive), None)).click()

    def test_compare_stop(self):
        """Stopping a comparison ends the requests to its servers."""
        box = self.serve('llama', pause=0.4)
        self.desktop_options = {'size': (1280, 800)}
        app = self.launch()
        app.resize(1280, 800)
        self.ready(app)
        self.add(app, box, name='Workshop')
        app.find('button', 'New Comparison').click()
        app.find('button', 'Add a Column')
        self.set_column(app, 0, 'quern-tiny', 'Workshop')
        text = app.find('text', 'Message')
        text.set_text('What is 47 + 38?')
        text.focus()
        app.key('Return')
        quern_ui.wait_for('the request', lambda: box.asked('/v1/chat/completions'))
        app.find('button', 'Stop').click()
        app.find('button', 'Send')
        quern_ui.wait_for('the end of the request', lambda: box.n_gone > 0)

    # ---- this computer as a server

    def ask_service(self, address, path, body=None):
        headers = {'Content-Type': 'application/json', 'User-Agent': 'Notes/1.0'}
        request = urllib.request.Request(address + path, json.dumps(body).encode() if body else None, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=quern_ui.TIMEOUT) as reply:
            return json.load(reply)

    def test_service(self):
        """Off at first; switched on, other programs get an address that works, and are shown."""
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        address = f'http://127.0.0.1:{port}/v1'
        self.desktop_options = {'settings': {'io.github.quern.Quern': {'server-port': str(port)}}}
        app = self.launch()
        self.ready(app)
        with self.assertRaises(OSError):
            self.ask_service(address, '/models')
        app.key('ctrl+comma')
        quern_ui.wait_for('the tab', lambda: next(iter(app.find_all('page tab', 'Servers')), None)).click()
        app.find(None, 'Let Other Programs Use the Models').click()
        app.find('label', address)
        app.find('button', 'Copy Address').click()
        app.find('label', 'Address copied')
        self.shot(app, 'service')
        models = [model['id'] for model in self.ask_service(address, '/models')['data']]
        self.assertTrue(any('quern-tiny' in model.lower() for model in models), models)
        question = {'model': models[0], 'messages': [{'role': 'user', 'content': 'Who are you?'}], 'max_tokens': 20}
        self.assertIn('choices', self.ask_service(address, '/chat/completions', question))
        app.find('label', re.compile('^Notes'), showing=False)
        app.find(None, 'Let Other Programs Use the Models').click()
        app.wait_gone('label', address)
        with self.assertRaises(OSError):
            self.ask_service(address, '/models')


if __name__ == '__main__':
    quern_ui.main()
