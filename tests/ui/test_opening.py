#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files that are opened with the window: one, several, damaged ones and other things, when it starts and later."""
import os
import re
import shutil
import subprocess

import quern_ui
from quern_models import TINY, ModelsCase


class Opening(ModelsCase):
    def model(self, name, source='quern-tiny-Q2_K.gguf'):
        """A model of the user's own; its path."""
        path = os.path.join(self.desktop.environment['HOME'], name)
        shutil.copy(os.path.join(TINY, source), path)
        return path

    def second_start(self, *files):
        """Opens files in the running application, as the file manager does."""
        program = os.path.join(quern_ui.BUILD, 'ui', 'quern')
        environment = {**self.desktop.environment, 'DESKTOP_STARTUP_ID': 'files-1-host_TIME1'}
        subprocess.run([program, *files], env=environment, timeout=quern_ui.TIMEOUT, check=True)

    def imported(self):
        return {row[0] for row in self.desktop.query('SELECT path FROM model_file WHERE imported = 1')}

    def wait_imported(self, *paths):
        quern_ui.wait_for(f'{len(paths)} models', lambda: self.imported() == set(paths))

    def test_one(self):
        path = self.model('one.gguf')
        app = self.launch(path)
        self.ready(app)
        self.wait_imported(path)
        self.assertEqual(app.close(), 0)

    def test_several(self):
        paths = [self.model(f'model-{n}.gguf') for n in range(6)]
        app = self.launch(*paths[:3])
        self.ready(app)
        self.wait_imported(*paths[:3])
        self.ask(app, 'Who are you?')
        self.second_start(*paths)  # three of them once more
        self.wait_imported(*paths)
        self.ask(app, 'Who are you?')
        self.assertEqual(app.close(), 0)

    def test_nothing_to_use(self):
        """Each file that cannot be used is said to be so, and the window goes on."""
        damaged = os.path.join(self.desktop.environment['HOME'], 'damaged.gguf')
        with open(damaged, 'wb') as file:
            file.write(b'GGUF' + bytes(20))
        app = self.launch()
        self.ready(app)
        self.second_start(damaged)
        app.find('label', re.compile('damaged', re.I))
        self.second_start(self.model('model.bin'))
        app.find('label', re.compile('does not end in .gguf'))
        self.second_start(self.model('model-00002-of-00003.gguf'))
        app.find('label', re.compile('later part'))
        self.second_start(os.path.join(self.desktop.environment['HOME'], 'gone.gguf'))
        app.find('label', re.compile('There is no file'))
        self.assertEqual(self.imported(), set())
        self.ask(app, 'Who are you?')
        self.assertEqual(app.close(), 0)


if __name__ == '__main__':
    quern_ui.main()
