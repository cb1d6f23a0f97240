#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring the quantisations of a repository: choose, estimate, measure, pause; what is kept when the program ends."""
import os
import re

import quern_ui
from quern_models import ModelsCase

MEASURE = 'Measure All…'
OTHERS = ('Q8_0', 'Q4_K_M')


class Sweep(ModelsCase):
    def open_page(self, app):
        self.open_repo(app)
        self.press(app, MEASURE)
        app.find('button', 'Measure…')

    def press(self, app, name):
        """Activates a row of the page of the repository, which may be out of sight."""
        quern_ui.wait_for(name, lambda: next((node for role in ('button', 'list item') for node in app.find_all(
            role, re.compile('^' + re.escape(name)), showing=False)), None)).click()

    def begin(self, app):
        """Chooses F16 and two others, and begins with a short window."""
        app.find(None, 'Quantisations').click()
        for label in ('Q6_K', 'Q5_K_M', 'IQ4_XS', 'Q3_K_M', 'Q2_K'):
            app.find('check box', label, showing=False).click()
        app.find('label', re.compile('^3 of 8, '), showing=False)
        app.find('button', 'Measure…').click()
        app.find('label', re.compile(r'^About .* of computing: a rough estimate .*\. Up to .* are downloaded'), timeout=120)
        app.screenshot('sweep-estimate')
        app.find('button', 'Measure').click()

    def done(self, app, n):
        return lambda: len(app.find_all('label', re.compile('^Done: '), showing=False)) == n

    def test_sweep(self):
        app = self.start()
        self.open_page(app)
        app.screenshot('sweep-setup')
        self.begin(app)
        quern_ui.wait_for('three quantisations', self.done(app, 3), 240)
        app.screenshot('sweep-done')
        self.assertEqual(len(app.find_all('label', re.compile('^Done: divergence'), showing=False)), 2)
        app.find('label', re.compile('is the smallest model that is not worse|no smaller model is as good as'), showing=False)
        app.find('button', 'Copy as Markdown', showing=False).click()
        app.find('button', 'Copied', showing=False)
        self.assertEqual(sorted(name.split('-')[-1] for name in self.installed()),
                         sorted(label + '.gguf' for label in ('F16', *OTHERS)))
        app.key('Escape')  # back to the repository, where the results are found again
        self.press(app, 'Compared with F16: Built-in sample')
        quern_ui.wait_for('the results', self.done(app, 3))
        app.find('button', 'Delete Results…', showing=False).click()
        app.find('button', 'Delete').click()
        app.find('button', 'Measure…', showing=False)
        quern_ui.wait_for('an empty folder', lambda: not os.listdir(os.path.join(self.desktop.data, 'sweeps')))
        self.assertEqual(len(self.installed()), 3)  # models stay

    def test_interrupted(self):
        app = self.start()
        self.open_page(app)
        self.set_rate(200000)
        self.begin(app)
        app.find('label', re.compile('^Downloading: .* of '), showing=False)
        app.find('button', 'Pause', showing=False).click()
        app.find('button', 'Continue', showing=False).click()
        app.find('button', 'Pause', showing=False)
        app.kill()
        self.set_rate(0)
        app = self.launch_models()
        app.find('label', re.compile('^Measuring quern/Quern-Tiny-GGUF was interrupted'))
        app.find('button', 'Show').click()
        app.find('label', 'Quantisations')
        app.find('label', re.compile('interrupted: it can be continued$'), showing=False)
        self.press(app, 'Compared with F16: Built-in sample')
        app.find('button', 'Continue', showing=False).click()
        quern_ui.wait_for('three quantisations', self.done(app, 3), 240)
        app.close()
        app = self.launch_models()
        self.open_repo(app)
        self.assertEqual(app.find_all('label', re.compile('was interrupted')), [])


if __name__ == '__main__':
    quern_ui.main()
