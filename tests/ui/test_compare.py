#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns side by side: ask, mark the first difference, count, vote, measure."""
import re

import quern_ui

QUESTION = 'What is the capital of France?'


class Compare(quern_ui.TestCase):
    desktop_options = {'size': (1280, 800)}

    def open_page(self):
        app = self.launch()
        app.find('button', re.compile('^Model: '))  # the models are known
        app.find('button', 'New Comparison').click()
        app.find('button', 'Add a Column')
        return app

    def columns(self, app):
        return app.find_all('button', re.compile('^Model of this column: '))

    def ask(self, app, question):
        box = app.find('text', 'Message')
        box.set_text(question)
        box.focus()
        app.key('Return')
        n = len(self.columns(app))
        quern_ui.wait_for('every answer', lambda: len(app.find_all('label', re.compile('tokens/s'))) == n, 60)

    def test_two_columns(self):
        app = self.open_page()
        self.assertEqual(len(self.columns(app)), 2)
        self.assertNotEqual(self.columns(app)[0].name, self.columns(app)[1].name)
        self.ask(app, QUESTION)
        self.assertEqual(len(app.find_all('label', QUESTION)), 3)  # and the title
        self.assertTrue(app.find_all('label', re.compile('Paris')))
        self.assertEqual(len(app.find_all('label', re.compile('bits per weight'))), 2)
        app.screenshot('compare-2')


if __name__ == '__main__':
    quern_ui.main()
