#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the accessible tree of every page and dialog: each control has a name and is large enough to hit, each text has
room and stands out from its background. Tab reaches every control. With text at 200 % and in high contrast nothing is cut."""
import contextlib
import re

import quern_ui
from quern_pages import FourTours, PagesCase, spoken

# People press, fill in or choose these. Containers and texts need no names of their own.
CONTROLS = {'button', 'toggle button', 'check box', 'radio button', 'switch', 'slider', 'spin button', 'combo box', 'entry',
            'text', 'password text', 'link', 'menu item', 'radio menu item', 'list item', 'page tab', 'progress bar',
            'level bar', 'image'}
# Tab stops at these. Within lists, menus and groups of tabs, arrow keys are used.
TAB_STOPS = {'button', 'toggle button', 'check box', 'switch', 'spin button', 'combo box', 'text', 'entry', 'list'}


class Accessible(FourTours, PagesCase):
    def unnamed(self, app):
        """Returns the controls on the screen that have no name, each once."""
        found = []
        for window in app.windows():
            for node in window.walk():
                if node.role not in CONTROLS or (node.role == 'image' and not node.has_state('focusable')):
                    continue
                if node.role == 'text' and not node.has_state('editable'):
                    continue  # a selectable label
                if not spoken(node):
                    found.append(f'unnamed {node.role} in ' + ' / '.join(self.place(node)))
        return sorted(set(found))

    def small(self, app):
        return [f'{label["text"]}: {label["where"]}' for label in self.probe(app) if label['problem'] == 'small']

    def flat(self, app):
        """Returns the texts that have no room, and those of people and models that would be broken with hyphens."""
        return [f'{text["problem"]}: {text["text"][:60]}: {text["where"]}' for text in self.probe(app)
                if text['problem'] == 'flat' or (text['problem'] == 'cut' and text['height'] == 0)
                or (text['problem'] == 'hyphens' and re.search('-row|bubble|thinking-text|compare|md-', text['where']))]

    @staticmethod
    def place(node):
        names = []
        while node is not None and len(names) < 4 and node.role != 'application':
            if node.name:
                names.append(f'{node.role} "{node.name[:40]}"')
            node = node.parent
        return names

    def check(self, app, page, contrast=False):
        self.assertEqual(quern_ui.lasting(lambda: self.small(app)), [], f'{page}: targets below 44 × 44 pixels')
        self.assertEqual(quern_ui.lasting(lambda: self.unnamed(app)), [], page)
        self.assertEqual(quern_ui.lasting(lambda: self.flat(app)), [], f'{page}: texts without a height, or with hyphens')
        if contrast:
            self.assertEqual(quern_ui.lasting(lambda: self.faint(app)), [], f'{page}: contrast below 4.5 : 1')

    def walk(self, tour):
        app = self.start()
        for page in tour(app):
            self.check(app, page, contrast=tour in (self.tour_models, self.tour_compare))
        return app

    def test_narrow(self):
        app = self.start()
        app.resize(360, 480)
        self.think(app, False)
        self.ask(app, 'Write a Python function that adds two numbers.')
        self.check(app, 'a narrow conversation')
        app.key('F9')
        app.find('list item', 'Write a Python function that adds two numbers.')
        self.check(app, 'a narrow sidebar')

    def tab_round(self, app):
        """Returns everything that Tab stops at, from the message until it returns there."""
        self.ready(app).focus()
        stops = []
        for _ in range(80):
            before = self.focused(app)
            app.key('Tab')
            with contextlib.suppress(quern_ui.NotFound):  # what Tab stops at may be a part of what says that it has the focus
                quern_ui.wait_for('another focus', lambda: self.focused(app) not in (None, before), 5)
            node = quern_ui.wait_for('the focus', lambda: next((n for n in app.walk() if n.has_state('focused')), None))
            if node.role in CONTROLS:
                self.assertTrue(spoken(node), f'unnamed {node.role} in ' + ' / '.join(self.place(node)))
            if node.name == 'Message':
                return stops
            stops.append((node.role, node.extents()))
        self.fail('Tab does not come back to the message')

    @staticmethod
    def focused(app):
        return next(((n.role, n.name, n.extents()) for n in app.walk() if n.has_state('focused')), None)

    def test_tab_reaches_everything(self):
        app = self.start()
        self.think(app, False)
        self.ask(app, 'Write a Python function that adds two numbers.')
        stops = self.tab_round(app)
        missing = []
        for node in app.walk():
            if node.role in TAB_STOPS and node.has_state('focusable') and node.sensitive and node.name != 'Message':
                if node.role == 'text' and not node.has_state('editable'):
                    continue
                if 'Close' in (node.name, spoken(node)):
                    continue  # the window's own buttons are the window manager's
                if (node.role, node.extents()) not in stops and not any(self.inside(stop, node) for stop in stops):
                    missing.append(f'{node!r} {spoken(node)}')
        self.assertEqual(missing, [], 'Tab does not reach')

    @staticmethod
    def inside(stop, node):
        """Returns whether Tab stopped at a part of it, such as the row of a list."""
        (x, y, width, height), (left, top, w, h) = stop[1], node.extents()
        return node.role == 'list' and left <= x and top <= y and x + width <= left + w and y + height <= top + h


class Large(FourTours, PagesCase):
    """Text at 200 %, in high contrast: no text is cut, and everything to be pressed is on the screen."""
    desktop_options = {'text_scale': 2.0, 'contrast': True, 'size': (1100, 800)}

    def cut(self, app):
        """Returns the cut texts, without the user's own, which end in an ellipsis if they do not fit."""
        return [f'{label["text"][:60]}: {label["where"]}' for label in self.probe(app)
                if label['problem'] == 'cut' or (label['problem'] == 'ellipsized' and not self.may_end_early(label))]

    @staticmethod
    def may_end_early(label):
        return 'conversation-row' in label['where'] or 'conversation-title' in label['where']

    def walk(self, tour):
        app = self.start()
        for page in tour(app):
            cut = quern_ui.lasting(lambda: self.cut(app))
            app.screenshot('large-' + re.sub('[^a-z0-9]+', '-', page.lower()))
            self.assertEqual(cut, [], page)

    def test_large_text(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'What is the capital of France?')
        width, height = app.size()
        app.screenshot('large-text')
        for role, name in (('text', 'Message'), ('toggle button', 'Think'), ('button', 'Send'), ('button', 'Main Menu')):
            if name == 'Main Menu':
                app.key('F9')  # the sidebar and the conversation no longer fit side by side
            x, y, w, h = app.find(role, name).still()
            self.assertTrue(0 <= x and x + w <= width and 0 <= y and y + h <= height, f'{name}: {x} {y} {w} {h}')


if __name__ == '__main__':
    quern_ui.main()
