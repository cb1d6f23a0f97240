# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated servers of models, which answer out of tests/servers/KIND.json as tests/servers/quern-test-server.c does, for tests
of the window."""
import http.server
import json
import os
import threading
import time

import quern_ui
from quern_chat import ChatCase

FOLDER = os.path.join(os.path.dirname(__file__), '../servers')
REFUSED = {'error': {'message': 'Invalid API Key', 'type': 'authentication_error', 'code': 401}}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def answer(self):
        server = self.server.model_server
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
        server.requests.append((self.path, body, self.headers.get('Authorization')))
        if server.key and self.headers.get('Authorization') != f'Bearer {server.key}':
            reply = {'status': 401, 'body': REFUSED}
        else:
            reply = server.find(self.path, body)
        content = reply['body'] if isinstance(reply['body'], str) else json.dumps(reply['body'])
        self.send_response(reply.get('status', 200))
        self.send_header('Content-Type', reply.get('type', 'application/json'))
        self.end_headers()
        try:
            for piece in content.splitlines(keepends=True) if server.pause and body else [content]:
                self.wfile.write(piece.encode())
                self.wfile.flush()
                if server.pause and body and piece.strip():
                    time.sleep(server.pause)
        except OSError:
            server.n_gone += 1

    do_GET = do_POST = answer  # as http.server wants them to be called

    def version_string(self):
        return self.server.model_server.program


class ModelServer:
    """kind: the file whose answers it gives; key: which it demands; pause: seconds after each line of an answer; port: 0 for
    any."""

    def __init__(self, kind, key=None, pause=0, port=0):
        self.key, self.pause, self.n_gone, self.requests = key, pause, 0, []
        self.become(kind)
        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.http.daemon_threads = True
        self.http.model_server = self
        self.port = self.http.server_address[1]
        self.address = f'http://127.0.0.1:{self.port}'
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def become(self, kind):
        """Answers as another kind from now on, such as one that has loaded its model."""
        with open(os.path.join(FOLDER, f'{kind}.json'), encoding='utf-8') as file:
            described = json.load(file)
        self.program = (described.get('headers') or 'Server: python').split('Server: ')[1].strip()
        self.replies = described['replies']

    def find(self, path, body):
        compact = body.replace('": ', '":')
        return next((reply for reply in self.replies if reply.get('path') in (None, path)
                     and (reply.get('when') or '') in compact), {'status': 404, 'body': '404 page not found'})

    def asked(self, path):
        """The bodies of the requests for a path, as objects."""
        return [json.loads(body) for asked, body, _ in self.requests if asked == path and body]

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


class ServersCase(ChatCase):
    """A test that adds servers. Its desktop has no keyring, and asks no proxy."""

    def serve(self, kind, **options):
        server = ModelServer(kind, **options)
        self.addCleanup(server.stop)
        return server

    def launch(self, *arguments, environment=None, **options):
        return super().launch(*arguments, environment={'GIO_USE_PROXY_RESOLVER': 'dummy', **(environment or {})}, **options)

    def open_add(self, app):
        """Opens the dialog from the preferences."""
        app.key('ctrl+comma')
        quern_ui.wait_for('the tab', lambda: next(
            (node for node in app.find_all('page tab', 'Servers')), None)).click()
        app.find('button', 'Add Server…').click()
        return app.find('dialog', 'Add Server')

    def enter_key(self, app, dialog, key):
        """Types it: what a row for passwords holds cannot be read back."""
        dialog.find('text', 'Key (if the server needs one)').click_mouse()
        app.key('ctrl+a')
        app.type(key)

    def connect(self, app, address, key=None):
        dialog = app.find('dialog', 'Add Server')
        dialog.find('text', 'Address').set_text(address)
        if key is not None:
            self.enter_key(app, dialog, key)
        dialog.find('button', 'Connect').click()
        return dialog

    def add(self, app, server, name=None, key=None):
        """Adds a server by the dialog, and closes what was opened for it."""
        self.open_add(app)
        dialog = self.connect(app, server.address, key)
        add = dialog.find('button', 'Add')
        if name:
            dialog.find('text', 'Name').set_text(name)
        add.click()
        app.wait_gone('dialog', 'Add Server')
        quern_ui.wait_for('the server in the database', lambda: self.desktop.query(
            'SELECT name FROM server WHERE address = ?', server.address))
        app.find('dialog', 'Preferences').find('button', 'Close').click_mouse()
        app.wait_gone('dialog')
