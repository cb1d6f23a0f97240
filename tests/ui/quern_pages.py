# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes through every page and dialog of Quern, in any language, for tests that check all of them (test_accessible.py,
test_languages.py)."""
import contextlib
import json
import os
import re
import signal

import quern_ui
from quern_chat import ChatCase
from quern_models import ModelsCase
from quern_servers import ServersCase

QUESTIONS = ('What is the capital of France?', 'Write a Python function that adds two numbers.',
             'Make a table of three animals and their sounds.')


# What the libraries complain about on these tours is of their own making: GtkShortcutsWindow has two labels in the switch
# between its pages, and AdwAlertDialog asks its heading how high it is where a long word is wider than the narrow layout.
quern_ui.EXCUSED += [re.compile(r'GtkLabel 0x\w+ \(label\) reported min width -4,'),
                     re.compile(r'Trying to measure GtkLabel 0x\w+ for width of \d+, but it needs at least')]

# A screen reader names these by their contents.
NAMED_BY_CONTENT = {'list item', 'button', 'toggle button', 'menu item', 'radio button', 'check box', 'page tab'}


def spoken(node):
    """Returns what a screen reader would say: its name, that of its label, its description, or the text inside it."""
    if node.name.strip() or node.description.strip():
        return node.name.strip() or node.description.strip()
    for relation in node.accessible.get_relation_set():
        if relation.get_relation_type() == quern_ui.Atspi.RelationType.LABELLED_BY:
            labels = [quern_ui.Node(node.app, relation.get_target(i)) for i in range(relation.get_n_targets())]
            return ' '.join(label.name or label.text for label in labels).strip()
    if node.role in NAMED_BY_CONTENT:
        return ' '.join(part.name for part in node.walk(showing=False) if part.role == 'label').strip()
    return ''


class PagesCase(ChatCase):
    """The four tours are generators of names. When a name is generated, that page is on the screen."""
    maxDiff = None  # each of the findings counts
    add_repo = ModelsCase.add_repo
    start_hub = ModelsCase.start_hub
    stop_hub = ModelsCase.stop_hub
    serve = ServersCase.serve

    def start(self, **environment):
        """Starts a hub on this computer and opens a window with a probe in it."""
        self.probe_path = os.path.join(self.desktop.folder, 'probe.json')
        environment = {'HF_ENDPOINT': self.start_hub(), 'QUERN_PROBE': self.probe_path, **environment}
        app = self.launch(environment=environment, program=quern_ui.PROBED)
        self.ready(app)
        return app

    def probe(self, app, what=signal.SIGUSR1):
        """Returns the cut labels and small buttons that quern-probed.c reports once the window is laid out; with SIGUSR2 the
        texts that are too faint."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.probe_path)
        app.process.send_signal(what)
        quern_ui.wait_for('the probe', lambda: os.path.exists(self.probe_path))
        with open(self.probe_path, encoding='utf-8') as file:
            return json.load(file)

    # ---- menus and dialogs

    def menu(self, app, button):
        """Opens a menu and yields its items by label."""
        self.sidebar(app, 'toggle button', button).click()
        app.find('menu item')
        self.probe(app)
        items = {spoken(item): item for item in app.find_all('menu item')}
        return items

    def choose(self, app, button, item):
        items = self.menu(app, button)
        label = app.desktop.say(item).replace('_', '')
        self.assertIn(label, items)
        items[label].click()
        app.wait_gone('menu item')
        self.probe(app)

    def faint(self, app):
        """Returns the texts with a contrast below 4.5, in the light and the dark colours."""
        return [f'{label["problem"]}: {label["text"]}: {label["where"]}' for label in self.probe(app, signal.SIGUSR2)]

    def back(self, app, dialog=True):
        """Closes the topmost dialog, in as many steps as it has pages."""
        app.key('Escape')
        for _ in range(3 if dialog else 0):
            with contextlib.suppress(quern_ui.NotFound):
                app.wait_gone('dialog', timeout=3)
                break
            app.key('Escape')
        if dialog:
            app.wait_gone('dialog')
        self.probe(app)

    def sidebar(self, app, role, name):
        """Finds something in the sidebar, which is collapsed if the text is large."""
        if not app.find_all(role, name):
            app.key('F9')
        return app.find(role, name)

    def content(self, app):
        """Hides the sidebar if it covers the conversation."""
        if not app.find_all('text', 'Message'):
            app.key('F9')
        return app.find('text', 'Message')

    # ---- tours

    def tour_chat(self, app):
        yield 'first start'
        self.think(app, False)
        for question in QUESTIONS:
            self.ask(app, question)
        self.think(app, True)
        self.ask(app, 'What is 47 + 38?')
        yield 'a conversation'
        for thoughts in app.find_all('toggle button', re.compile(app.desktop.say('Thought for less than a second'))):
            thoughts.click()
        yield 'thoughts'
        app.key('ctrl+n')  # built anew, with all its text at once
        app.wait_gone('label', re.compile('Paris'))
        self.sidebar(app, 'list item', QUESTIONS[0]).click_mouse()
        app.find('label', re.compile('Paris'), showing=False)
        yield 'a conversation opened again'
        self.menu(app, 'Main Menu')
        yield 'the main menu'
        self.back(app, dialog=False)
        self.content(app)
        app.find('button', 'Model: %s').click()
        app.find('list', 'Models').find('label', re.compile('Quern Tiny'))
        yield 'the model chooser'
        self.back(app, dialog=False)
        app.wait_gone('list', 'Models')
        app.find('text', 'Message').focus()
        app.key('F2')
        app.find('text', 'Name')
        yield 'renaming'
        app.key('Escape')
        app.wait_gone('text', 'Name')
        app.key('ctrl+f')
        app.find(None, 'Find in this conversation')
        app.type('animals')
        app.find('label', re.compile('1.*1'))
        yield 'finding in a conversation'
        app.key('Escape')
        app.key('ctrl+shift+f')
        app.type('animals')
        app.find('list', 'Search results').find('list item')
        yield 'search results'
        app.key('ctrl+a')
        app.type('zebra')
        app.find('label', 'No Results Found')
        yield 'nothing found'
        app.key('Escape')

    def tour_dialogs(self, app):
        app.key('F1')
        n_topics = len(app.find('list', 'Topics').find_all('list item'))
        self.assertGreater(n_topics, 8)
        for n in range(n_topics):
            if not app.find_all('list', 'Topics'):
                app.key('Escape')  # one after the other where it is narrow
            app.find('list', 'Topics').find_all('list item')[n].click_mouse()
            self.probe(app)
            yield f'topic {n} of the help'
        self.back(app)
        app.key('ctrl+comma')
        for page in ('General', 'Personas', 'Servers', 'Data', 'Usage'):
            self.open_preferences(app, page)
            yield f'preferences, {page}'
        self.back(app)
        self.choose(app, 'Main Menu', 'Conversation _Settings')
        app.find(None, 'Conversation Settings')
        yield 'settings of a conversation'
        self.back(app)
        self.choose(app, 'Main Menu', '_About Quern')
        app.find('label', re.compile('^Quern$'))  # its name, in every language
        yield 'about'
        self.back(app)
        app.key('ctrl+question')  # the last one: a window of its own, which nothing but a window manager puts away
        app.find('label', re.compile('^Ctrl'))
        self.probe(app)
        yield 'shortcuts'

    def open_preferences(self, app, page):
        name = app.desktop.say(page)
        tab = quern_ui.wait_for(f'the tab {page}', lambda: next(
            (node for node in app.find_all('page tab') if name == spoken(node)), None))
        tab.click()
        self.probe(app)

    def tour_models(self, app):
        app.key('ctrl+shift+m')
        app.find('label', 'Recommended for This Computer')
        yield 'advice'
        for view in ('Search', 'Installed', 'Downloads'):
            self.show(app, view)
            self.probe(app)
            yield f'models, {view}'
        yield from self.servers(app)
        self.show(app, 'Search')
        app.find('entry', 'Search models on the hub')
        entry = quern_ui.wait_for('the entry', lambda: next(
            (node for node in app.find_all('entry') if node.accessible.get_editable_text_iface()), None))
        entry.set_text('quern')
        quern_ui.wait_for('the model', lambda: ModelsCase.try_open_repo(self, app))
        app.find('button', 'Download %s')
        yield 'a model of the hub'
        yield from self.sweep(app)
        app.find('button', 'Download %s').click()
        app.find('label', 'Download of %s started')
        yield 'a download that began'
        app.key('ctrl+shift+m')
        self.show(app, 'Downloads')
        app.find('label', 'Complete and verified · %s')
        yield 'a finished download'

    def sweep(self, app):
        """The page on which a sweep is chosen, with every text that there is to choose."""
        app.find('button', 'Measure All…', showing=False).click()
        app.find('button', 'Measure…', showing=False)
        yield 'choosing a sweep'
        self.back(app, dialog=False)
        app.find('label', 'Quantisations')

    def servers(self, app):
        server = self.serve('llama')
        self.show(app, 'Installed')
        app.find('button', 'Add Server…').click()
        dialog = app.find('dialog', 'Add Server')
        yield 'adding a server'
        dialog.find('text', 'Address').set_text(server.address)
        dialog.find('button', app.desktop.say('C_onnect').replace('_', '')).click()
        dialog.find('label', 'quern-tiny')
        yield 'a server that was found'
        dialog.find('text', 'Name').set_text('Qwen')
        dialog.find('button', app.desktop.say('_Add').replace('_', '')).click()
        app.wait_gone('dialog', 'Add Server')
        app.find('label', re.compile('^Qwen$')).click_mouse()
        app.find('dialog', 'Qwen').find('label', 'quern-tiny')
        yield 'a server'
        self.back(app)

    def show(self, app, view):
        name = app.desktop.say(view)
        quern_ui.wait_for(f'the view {view}', lambda: next(
            (node for node in app.find_all('page tab') if node.name.startswith(name)), None)).click()

    def tour_compare(self, app):
        self.sidebar(app, 'button', 'New Comparison').click()
        app.find('button', 'Add a Column')
        yield 'an empty comparison'
        box = app.find('text', 'Message')
        box.set_text(QUESTIONS[0])
        box.focus()
        app.key('Return')
        quern_ui.wait_for('both answers', lambda: len(app.find_all('label', re.compile('Paris'))) >= 2)
        app.find('button', 'Send')
        yield 'a comparison'
        self.menu(app, 'Comparison Menu')
        yield 'the menu of a comparison'
        self.back(app, dialog=False)
        app.find('button', 'Settings of This Column').click()
        self.probe(app)
        yield 'settings of a column'
        self.back(app, dialog=False)
        self.choose(app, 'Comparison Menu', 'M_easure…')
        app.find('button', 'Measure')
        yield 'measure'
        app.find('button', 'Measure').click()
        app.find('label', 'By Size', timeout=300)
        yield 'measured'


class FourTours:
    """A test for each tour, for a PagesCase that says with walk (tour) what it looks at on the way."""

    def test_chat(self):
        self.walk(self.tour_chat)

    def test_dialogs(self):
        self.walk(self.tour_dialogs)

    def test_models(self):
        self.walk(self.tour_models)

    def test_compare(self):
        self.walk(self.tour_compare)
