#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the accessible tree of every page: each control has a name, lies inside the window and is large enough to hit;
also with text at 200 % and high contrast."""
import re

import quern_ui
from quern_chat import ChatCase

# What people press, fill in or choose. Containers and texts need no name of their own.
CONTROLS = {'button', 'toggle button', 'check box', 'radio button', 'switch', 'slider', 'spin button', 'combo box', 'entry',
            'text', 'password text', 'link', 'menu item', 'radio menu item', 'list item', 'page tab', 'progress bar',
            'level bar', 'image'}
# These are named by what is inside them.
NAMED_BY_CONTENT = {'list item', 'button', 'toggle button', 'menu item', 'radio button', 'check box'}
SMALLEST = 24  # pixels, for a target between others (WCAG 2.2); those on their own are 34 and more, as GTK makes them


def spoken(node):
    """What a screen reader would say for it: its name, that of its label, its description, or the text inside it."""
    if node.name.strip() or node.description.strip():
        return node.name.strip() or node.description.strip()
    for relation in node.accessible.get_relation_set():
        if relation.get_relation_type() == quern_ui.Atspi.RelationType.LABELLED_BY:
            labels = [quern_ui.Node(node.app, relation.get_target(i)) for i in range(relation.get_n_targets())]
            return ' '.join(label.name or label.text for label in labels).strip()
    if node.role in NAMED_BY_CONTENT:
        return ' '.join(part.name for part in node.walk(showing=False) if part.role == 'label').strip()
    return ''


class Accessible(ChatCase):
    def offences(self, app):
        """Controls on the screen without a name, or too small; once each."""
        found = []
        for window in app.windows():
            for node in window.walk():
                if node.role not in CONTROLS or (node.role == 'image' and not node.has_state('focusable')):
                    continue
                if node.role == 'text' and not node.has_state('editable'):
                    continue  # a selectable label
                if not spoken(node):
                    found.append(f'unnamed {node.role} in ' + ' / '.join(self.place(node)))
                elif node.has_state('focusable') and node.role in ('button', 'toggle button'):
                    width, height = node.extents()[2:]
                    if 0 < width < SMALLEST or 0 < height < SMALLEST:
                        found.append(f'{node!r} is {width} × {height} pixels')
        return sorted(set(found))

    @staticmethod
    def place(node):
        names = []
        while node is not None and len(names) < 4 and node.role != 'application':
            if node.name:
                names.append(f'{node.role} "{node.name[:40]}"')
            node = node.parent
        return names

    def check(self, app, page):
        app.settle(0.3)
        self.assertEqual(self.offences(app), [], page)

    def main_menu(self, app):
        """Opens the main menu; returns its items by what stands on them."""
        app.find('toggle button', 'Main Menu').click()
        app.find('menu item')
        app.settle()
        return {spoken(item): item for item in app.find_all('menu item') if item.sensitive}

    def walk_chat(self, app):
        self.check(app, 'first start')
        self.think(app, False)
        self.ask(app, 'Write a Python function that adds two numbers.')
        self.ask(app, 'Make a table of three animals and their sounds.')
        self.think(app, True)
        self.ask(app, 'What is 47 + 38?')
        self.check(app, 'a conversation')

    def test_chat(self):
        app = self.launch()
        self.walk_chat(app)
        app.key('ctrl+f')
        app.type('capital')
        self.check(app, 'search')
        app.type('Python')
        app.key('ctrl+a')
        app.type('animals')
        app.find('list', 'Search results').find('list item')
        self.check(app, 'search results')

    def test_menus_and_dialogs(self):
        app = self.launch()
        self.ready(app)
        items = self.main_menu(app)
        self.assertIn('About Quern', items)
        self.check(app, 'main menu')
        self.assertEqual(app.close(), 0)
        for item in items:
            app = self.launch()
            self.ready(app)
            self.main_menu(app)[item].click()
            app.wait_gone('menu item')
            self.check(app, item)
            self.assertEqual(app.close(), 0)

    def test_model_chooser(self):
        app = self.launch()
        self.ready(app)
        app.find('button', re.compile('^Model: ')).click()
        app.find('list', 'Models on this computer').find('label', 'Quern Tiny')
        self.check(app, 'model chooser')

    def test_narrow(self):
        app = self.launch()
        self.walk_chat(app)
        app.resize(360, 480)
        self.check(app, 'a narrow conversation')
        app.key('F9')
        self.check(app, 'a narrow sidebar')

    def test_focus_order(self):
        """Tab goes round the whole window and comes back; everything it stops at has a name."""
        app = self.launch()
        self.ready(app).focus()
        seen = []
        for _ in range(40):
            app.key('Tab')
            node = quern_ui.wait_for('the focus', lambda: next((n for n in app.walk() if n.has_state('focused')), None), 5)
            if node.role in CONTROLS:
                self.assertTrue(spoken(node), f'unnamed {node.role} in ' + ' / '.join(self.place(node)))
            seen.append((node.role, node.name))
            if node.name == 'Message':
                break
        self.assertIn('Message', [name for _, name in seen], 'Tab does not come back to the message')
        self.assertIn('Main Menu', [name for _, name in seen])
        self.assertGreater(len(seen), 6)


class Large(ChatCase):
    """Text at 200 %, in high contrast: everything to be pressed is on the screen."""
    desktop_options = {'text_scale': 2.0, 'contrast': True}

    def test_large_text(self):
        app = self.launch()
        self.think(app, False)
        self.ask(app, 'What is the capital of France?')
        width, height = app.size()
        app.screenshot('large-text')
        for role, name in (('text', 'Message'), ('toggle button', 'Think'), ('button', 'Send'), ('button', 'Main Menu')):
            if name == 'Main Menu':
                app.key('F9')  # the sidebar and the conversation no longer fit side by side
            x, y, w, h = app.find(role, name).extents()
            self.assertTrue(0 <= x and x + w <= width and 0 <= y and y + h <= height, f'{name}: {x} {y} {w} {h}')


if __name__ == '__main__':
    quern_ui.main()
