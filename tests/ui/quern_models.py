# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by tests of the Models page: a hub on this computer, and helpers for the page."""
import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

import quern_ui
from quern_chat import ChatCase

TINY = os.environ.get('QUERN_TINY_DIR') or os.path.join(os.path.dirname(__file__), '../../data/quern-tiny')
REPO = 'quern/Quern-Tiny-GGUF'


def label_of(item):
    """Returns the label of a menu item."""
    for relation in item.accessible.get_relation_set():
        if relation.get_relation_type() == quern_ui.Atspi.RelationType.LABELLED_BY:
            label = quern_ui.Node(item.app, relation.get_target(0))
            return label.name or label.text
    return item.name


class ModelsCase(ChatCase):
    def add_repo(self, name, rename=lambda file: file):
        """Describes a repository of the hub with Quern Tiny's files, optionally under other names."""
        repo = os.path.join(self.desktop.folder, 'hub', name)
        os.makedirs(repo)
        for file in os.listdir(TINY):
            if file.endswith('.gguf') or file == 'README.md':
                shutil.copy(os.path.join(TINY, file), os.path.join(repo, rename(file)))
        shutil.copy(os.path.join(os.path.dirname(__file__), '../hub/quern-tiny.json'), os.path.join(repo, 'hub.json'))

    def start_hub(self, rate=0, port=0):
        """Starts a hub on this computer that offers Quern Tiny, and returns its address."""
        folder = os.path.join(self.desktop.folder, 'hub')
        if not os.path.exists(os.path.join(folder, REPO)):
            self.add_repo(REPO)
        self.hub = subprocess.Popen([os.path.join(quern_ui.BUILD, 'tests/hub/quern-test-hub'), '--rate', str(rate),
                                     '--port', str(port), folder], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_hub, self.hub)
        return self.hub.stdout.readline().strip()

    def set_rate(self, rate):
        """Limits the bytes per second of each connection, also of running ones; 0 means no limit."""
        request = urllib.request.Request(f'{self.address}/.test/rate?bytes={rate}', method='PUT')
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=quern_ui.TIMEOUT).close()

    def add_fault(self, **fault):
        """Has the hub misbehave from now on; see quern-test-hub.h."""
        query = urllib.parse.urlencode(fault)
        request = urllib.request.Request(f'{self.address}/.test/fault?{query}', method='PUT')
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=quern_ui.TIMEOUT).close()

    def stop_hub(self, hub):
        if hub.poll() is None:
            hub.terminate()
        hub.wait(quern_ui.TIMEOUT)
        hub.stdout.close()

    def start(self, **options):
        self.address = self.start_hub(**options)
        return self.launch_models()

    def launch_models(self, environment=None):
        app = self.launch(environment={'HF_ENDPOINT': self.address, **(environment or {})})
        self.ready(app)
        if app.find_all('button', 'Models'):
            app.find('button', 'Models').click()
        else:  # the sidebar is folded away
            app.key('ctrl+shift+m')
        app.find('label', 'Recommended for This Computer')
        return app

    def download(self, app, label):
        """Starts a download on the page of a repository, where one stays."""
        app.find('button', f'Download {label}').click()
        app.find('label', f'Download of {label} started')
        app.find('label', 'Quantisations')

    def show_downloads(self, app):
        """From wherever one is."""
        app.key('ctrl+shift+m')
        self.show(app, 'Downloads')

    def show(self, app, view):
        app.find('page tab', re.compile(f'^{view}')).click()

    def search(self, app, text='quern'):
        self.show(app, 'Search')
        app.find('entry', 'Search models on the hub')
        quern_ui.wait_for('the entry', lambda: next(
            (node for node in app.find_all('entry') if node.accessible.get_editable_text_iface()), None)).set_text(text)

    def open_repo(self, app):
        self.search(app)
        quern_ui.wait_for('the model', lambda: self.try_open_repo(app))

    def try_open_repo(self, app):
        """Clicks its row, which a newer response of the hub may be replacing at the moment."""
        rows = app.find_all('list item', re.compile('^Quern-Tiny-GGUF'))
        if rows and rows[0].sensitive:
            with contextlib.suppress(quern_ui.Gone):
                rows[0].click()
            app.settle()
        return app.find_all('label', 'Quantisations')

    def menu(self, app, button):
        """Opens a menu and returns its items by label."""
        for _ in range(3):  # a dialog that is just closing takes the focus, and so the menu, away again
            app.find(None, re.compile(button)).click()
            with contextlib.suppress(quern_ui.NotFound):
                items = quern_ui.wait_for('a menu', lambda: app.find_all('menu item'), 30)
                return {label_of(item): item for item in items}
        raise quern_ui.NotFound(f'the menu {button} did not come')

    def choose_in_menu(self, app, button, item):
        self.menu(app, button)[item].click()

    def installed(self):
        folder = os.path.join(self.desktop.data, 'models', REPO)
        return [name for name in os.listdir(folder) if name.endswith('.gguf')] if os.path.isdir(folder) else []


class Services:
    """Desktop services whose use a test checks: NetworkManager, the session manager, notifications, a dock.
    Every call is one line of JSON; the network becomes metered on demand."""

    def __init__(self, desktop, metered=False):
        self.events, self.rest = [], b''
        self.process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 'mock_services.py'),
                                         '1' if metered else '0'], env=desktop.environment, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.wait('ready')
        self.environment = {'DBUS_SYSTEM_BUS_ADDRESS': desktop.environment['DBUS_SESSION_BUS_ADDRESS'],
                            'GNOTIFICATION_BACKEND': 'freedesktop'}

    def read(self):
        while select.select([self.process.stdout], [], [], 0)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            *lines, self.rest = (self.rest + data).split(b'\n')
            self.events += [json.loads(line) for line in lines]

    def all(self, name):
        self.read()
        return [event for event in self.events if event['event'] == name]

    def wait(self, name, timeout=None):
        return quern_ui.wait_for(name, lambda: self.all(name), timeout)[-1]

    def set_metered(self, metered):
        self.process.stdin.write(b'1\n' if metered else b'0\n')

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
