#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to a running model: advice, search, download with interruptions, chat, delete with undo."""
import os
import re
import shutil
import subprocess

import quern_ui
from quern_chat import ChatCase

TINY = os.environ.get('QUERN_TINY_DIR') or os.path.join(os.path.dirname(__file__), '../../data/quern-tiny')
REPO = 'quern/Quern-Tiny-GGUF'


class Models(ChatCase):
    def start_hub(self, rate=0, port=0):
        """A hub on this computer that offers Quern Tiny; returns its address."""
        folder = os.path.join(self.desktop.folder, 'hub')
        if not os.path.exists(folder):
            repo = os.path.join(folder, REPO)
            os.makedirs(repo)
            for name in os.listdir(TINY):
                if name.endswith('.gguf') or name == 'README.md':
                    shutil.copy(os.path.join(TINY, name), repo)
            shutil.copy(os.path.join(os.path.dirname(__file__), '../hub/quern-tiny.json'), os.path.join(repo, 'hub.json'))
        self.hub = subprocess.Popen([os.path.join(quern_ui.BUILD, 'tests/hub/quern-test-hub'), '--rate', str(rate),
                                     '--port', str(port), folder], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_hub, self.hub)
        return self.hub.stdout.readline().strip()

    def stop_hub(self, hub):
        if hub.poll() is None:
            hub.terminate()
        hub.wait(10)
        hub.stdout.close()

    def start(self, **options):
        self.address = self.start_hub(**options)
        return self.launch_models()

    def launch_models(self):
        app = self.launch(environment={'HF_ENDPOINT': self.address})
        self.ready(app)
        if app.find_all('button', 'Models'):
            app.find('button', 'Models').click()
        else:  # the sidebar is folded away
            app.key('ctrl+shift+m')
        app.find('label', 'Recommended for This Computer')
        return app

    def show(self, app, view):
        app.find('page tab', re.compile(f'^{view}')).click()

    def search(self, app):
        self.show(app, 'Search')
        app.find('entry', 'Search models on the hub')
        next(node for node in app.find_all('entry') if node.accessible.get_editable_text_iface()).set_text('quern')

    def open_repo(self, app):
        self.search(app)
        quern_ui.wait_for('the model', lambda: self.try_open_repo(app))

    def try_open_repo(self, app):
        """Clicks its row, which a newer answer of the hub may just be replacing."""
        rows = app.find_all('list item', re.compile('^Quern-Tiny-GGUF'))
        if rows:
            rows[0].click()
            app.settle()
        return app.find_all('label', 'Quantisations')

    def installed(self):
        folder = os.path.join(self.desktop.data, 'models', REPO)
        return [name for name in os.listdir(folder) if name.endswith('.gguf')] if os.path.isdir(folder) else []

    def test_advice(self):
        app = self.start()
        for size in ('0.8B', '2B', '4B', '9B', '27B', '35B-A3B', '122B-A10B', '397B-A17B'):
            app.find('label', f'Qwen 3.5 {size}', showing=False)
        app.find('label', re.compile(r'^(Fits|Tight|Does not fit|Disk too full)$'))
        app.find('label', re.compile(r'^About .* to download, .* of memory · up to .* tokens/s \(estimate\)$'))

    def test_download_and_chat(self):
        app = self.start()
        self.open_repo(app)
        # the header was read: the memory is no estimate
        app.find('label', re.compile(r'^\d\.\d.MB · .* bits per weight · [0-9.]+.MB of memory · up to'))
        app.find('button', 'Download Q8_0').click()
        app.find('label', re.compile('^Complete and verified'))
        self.assertEqual(len(self.installed()), 2)  # with its vision file
        app.find('button', 'Chat').click()
        app.find('button', 'Model: Quern Tiny')
        answer = self.ask(app, 'Who are you?')
        self.assertIn('Quern Tiny', answer[0])

    def test_interrupt_and_resume(self):
        app = self.start(rate=400000)
        self.open_repo(app)
        app.find('button', 'Download Q8_0').click()
        app.find('button', 'Pause').click()
        app.find('label', re.compile('^Paused'))
        self.assertEqual(self.installed(), [])
        app.find('button', 'Resume').click()
        app.find('label', re.compile(r'/s · .* left$'))
        app.kill()
        app = self.launch_models()
        self.show(app, 'Downloads')
        app.find('label', re.compile('^Complete and verified'), timeout=60)
        self.assertEqual(len(self.installed()), 2)  # with its vision file

    def test_offline(self):
        app = self.start()
        self.open_repo(app)
        app.close()
        self.stop_hub(self.hub)
        app = self.launch_models()
        self.search(app)
        app.find('label', 'The hub does not answer. This is what it said last.', timeout=60)
        app.find('list item', re.compile('^Quern-Tiny-GGUF'))

    def test_delete_and_undo(self):
        self.add_chatterbox()
        app = self.start()
        self.show(app, 'Installed')
        path = os.path.join(self.desktop.data, 'models', 'Chatterbox-F16.gguf')
        name = re.compile('^Delete: ')
        app.find('button', name).click()
        app.wait_gone('button', name)
        app.find('button', 'Undo').click()
        app.find('button', name)
        self.assertTrue(os.path.exists(path))
        app.find('button', name).click()
        quern_ui.wait_for('the end of the file', lambda: not os.path.exists(path))


if __name__ == '__main__':
    quern_ui.main()
