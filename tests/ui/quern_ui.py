# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the real Quern window: an X server, a session bus and data folders of its own for every desktop.

    class Chat(quern_ui.TestCase):
        def test_answer(self):
            app = self.launch()
            app.find('text', 'Message').set_text('Hello!')
            app.key('Return')
            app.find('label', re.compile('How can I help'))

    if __name__ == '__main__':
        quern_ui.main()

Widgets are found by accessible role and name, as a screen reader finds them. Every wait is bounded and polls. A failed
test prints the accessible tree and leaves a screenshot in build/tests/ui/.
"""
import contextlib
import ctypes
import gettext
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

os.environ.pop('G_DEBUG', None)  # AT-SPI warns in this process when an application ends; it need not die of it
import gi
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib  # noqa: E402

import quern_pseudo  # noqa: E402

BUILD = os.environ.get('QUERN_BUILD_DIR') or os.path.join(os.path.dirname(__file__), '../../build')
BUILD = os.path.abspath(BUILD)
PROBED = os.path.join(BUILD, 'tests', 'ui', 'quern-probed')
OUTPUT = os.path.join(BUILD, 'tests', 'ui')
# Seconds to wait for something that must happen: far more than the slowest machine takes. Only things that must not happen
# are awaited for less.
TIMEOUT = float(os.environ.get('QUERN_UI_TIMEOUT', '90'))


# What libraries say when they are used wrongly, and what sanitizers find, in the log of Quern.
COMPLAINT = re.compile(r'\((?:process|quern[\w-]*):\d+\): (?:dconf|Gtk|Adwaita|GLib[\w-]*|Gdk[\w-]*|Gsk|Pango|GtkSourceView|quern)[\w-]*-'
                       r'(?:CRITICAL|WARNING|ERROR) .*|==\d+==\s?ERROR: \w+Sanitizer.*|.*: runtime error: .*')
# The only ones that are no mistake of ours, each with its reason.
EXCUSED = [
    # AdwAlertDialog tries a long heading in large letters first (libadwaita 1.7), which need more room than it has.
    re.compile(r'Gtk-WARNING: Trying to measure GtkLabel 0x[0-9a-f]+ for width of \d+, but it needs at least \d+$'),
    # GTK reads the X11 package's table of compose sequences in locales that have one, and cannot keep all of it.
    re.compile(r"Gtk-WARNING: Can't handle (>16bit keyvals|> 16bit Unicode codepoints|Unicode codepoint [0-9a-f]+)$"),
    # Labels without text in GTK's window of shortcuts, which holds no widget of ours.
    re.compile(r'Gtk-WARNING: GtkLabel 0x[0-9a-f]+ \(label\) reported min width -4, but sizes must be >= 0$'),
    # Somewhere in GTK, at random, after a file dialog; no code of ours makes object paths.
    re.compile(r"GLib-CRITICAL: g_variant_(is|new)_object_path: assertion '.*' failed$"),
]


class NotFound(AssertionError):
    pass


class Gone(NotFound):
    """A widget that was there is no longer."""


def wait_for(what, condition, timeout=None):
    """Polls condition() until it returns something true, and returns that; NotFound after timeout seconds."""
    deadline = time.monotonic() + (TIMEOUT if timeout is None else timeout)
    while True:
        try:
            value = condition()
        except (GLib.Error, sqlite3.OperationalError):  # the widget went away while it was asked; the table is not there yet
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotFound(f'{what} did not come')
        time.sleep(0.05)


def lasting(look, seconds=3):
    """What look() finds each time for some seconds: a page may still be changing when it is first looked at."""
    found, deadline = look(), time.monotonic() + seconds
    while found and time.monotonic() < deadline:
        time.sleep(0.5)
        again = look()
        found = [one for one in found if one in again]
    return found


def _ask(question, absent):
    """The answer to a question about a widget; absent when the widget went away meanwhile, as any may at any time."""
    try:
        return question()
    except GLib.Error:
        return absent


def _matches(pattern, text):
    if pattern is None:
        return True
    if isinstance(pattern, str):
        return text == pattern
    return pattern.search(text or '') is not None


# AT-SPI renamed the role; tests use the short name.
ROLES = {'push button': 'button', 'push button menu': 'button', 'check menu item': 'menu item'}


class Node:
    """One accessible object."""

    def __init__(self, app, accessible):
        self.app = app
        self.accessible = accessible
        self.look_again = None  # finds what is in its place, for one that was looked for

    def __repr__(self):
        return f'<{self.role} "{self.name}">'

    @property
    def name(self):
        return _ask(self.accessible.get_name, None) or ''

    @property
    def description(self):
        return _ask(self.accessible.get_description, None) or ''

    @property
    def role(self):
        """Returns '' for a widget that no longer exists."""
        role = _ask(self.accessible.get_role_name, None) or ''
        return ROLES.get(role, role)

    def has_state(self, *states):
        """Whether it has all of these: 'focused', 'checked', 'sensitive', 'showing', 'expanded', 'selected' …"""
        has = _ask(self.accessible.get_state_set, None)
        return has is not None and all(has.contains(getattr(Atspi.StateType, state.upper())) for state in states)

    @property
    def showing(self):
        return self.has_state('showing', 'visible')

    @property
    def is_on(self):
        """Returns whether a toggle, a check box or a switch is on."""
        return self.has_state('pressed') or self.has_state('checked')

    @property
    def sensitive(self):
        return self.has_state('sensitive')

    @property
    def text(self):
        """Returns the text of a widget that has one, else its name."""
        interface = self.accessible.get_text_iface()
        if interface is None:
            return self.name
        return _ask(lambda: Atspi.Text.get_text(interface, 0, Atspi.Text.get_character_count(interface)), '')

    @property
    def children(self):
        for index in range(_ask(self.accessible.get_child_count, 0)):
            child = _ask(lambda: self.accessible.get_child_at_index(index), None)
            if child is not None:
                yield Node(self.app, child)

    @property
    def parent(self):
        parent = _ask(self.accessible.get_parent, None)
        return Node(self.app, parent) if parent else None

    def walk(self, showing=True):
        """Yields itself and its descendants, depth first; by default only those on the screen."""
        if showing and self is not self.app and not self.showing:
            return
        yield self
        for child in self.children:
            yield from child.walk(showing)

    def find_all(self, role=None, name=None, showing=True, text=None):
        """Returns all descendants with this role, name and text (strings or compiled expressions), in reading order."""
        return list(self._search(role, name, showing, text))

    def _search(self, role, name, showing, text):
        name = self.app.desktop.localised(name)
        for node in self.walk(showing):
            if (role is None or _matches(role, node.role)) and (name is None or _matches(name, node.name)) \
                    and (text is None or _matches(text, node.text)):
                yield node

    def find(self, role=None, name=None, showing=True, text=None, timeout=None):
        """Returns the first such widget, and waits until there is one."""
        wanted = ' '.join(str(part) for part in (role, name, text) if part is not None)

        def look():
            return next(self._search(role, name, showing, text), None)
        found = wait_for(wanted, look, timeout)
        found.look_again = look
        return found

    def wait_gone(self, role=None, name=None, text=None, timeout=None):
        wait_for(f'the end of {role} {name}', lambda: not self.find_all(role, name, text=text), timeout)

    def wait(self, condition, timeout=None):
        """Waits until condition(self) holds; returns self."""
        wait_for(f'what was expected of {self!r}', lambda: condition(self), timeout)
        return self

    def do(self, action=None):
        """Performs its (first) accessible action; returns False if there is none of that name."""
        interface = self.accessible.get_action_iface()
        for index in range(_ask(interface.get_n_actions, 0) if interface else 0):
            if action is None or _ask(lambda: interface.get_action_name(index), None) == action:
                return _ask(lambda: interface.do_action(index), False)
        return False

    def _rect(self):
        rect = _ask(lambda: self.accessible.get_component_iface().get_extents(Atspi.CoordType.WINDOW), None)
        if rect is None:
            raise Gone('the widget went away')
        return rect

    def extents(self):
        """x, y, width, height in the window, in pixels. GTK subtracts the width of the window's frame, of which the
        window's own origin tells, once too often."""
        rect, frame = self._rect(), self.app.windows()[0]._rect()
        return rect.x - 2 * frame.x, rect.y - 2 * frame.y, rect.width, rect.height

    def _renew(self):
        """Becomes what is in its place now, if it is gone: a list that is filled anew has other rows of the same names."""
        if not self.role and self.look_again:
            self.accessible = getattr(self.look_again(), 'accessible', self.accessible)

    def click(self, button=1):
        """Presses it once it can be pressed: by its accessible action, or with the mouse in its centre if it has none."""
        def press():
            self._renew()
            if not self.sensitive:
                return None
            try:
                return self if button == 1 and self.do() else self.click_mouse(button)
            except Gone:
                if self.look_again:
                    return None
                raise
        return wait_for(f'what was expected of {self!r}', press)

    def still(self):
        """Returns its extents once they have not changed for a moment."""
        def look():
            first = self.extents()
            time.sleep(0.15)
            return first if first == self.extents() and first[2] > 0 and first[3] > 0 else None
        return wait_for(f'a place on the screen for {self!r}', look)

    def click_mouse(self, button=1):
        x, y, width, height = self.still()
        self.app.press_at(x + width // 2, y + height // 2, button)
        return self

    def focus(self):
        """Gives it the keyboard focus, with a click if it cannot be asked to take it."""
        if not self.has_state('focused'):
            try:
                Atspi.Component.grab_focus(self.accessible.get_component_iface())
            except GLib.Error:
                self.click_mouse()
        return self.wait(lambda node: node.has_state('focused'))

    def set_text(self, text):
        """Replaces the text of an entry or text view."""
        interface = self.accessible.get_editable_text_iface()
        if interface is None:
            raise NotFound(f'{self!r} cannot be edited')
        Atspi.EditableText.set_text_contents(interface, text)
        return self.wait(lambda node: node.text == text)

    def tree(self, indent=0, showing=True):
        """Returns the accessible tree as text, for people who look into a failure."""
        if showing and indent > 0 and not self.showing:
            return ''
        states = ' '.join(state for state in ('focused', 'checked', 'selected', 'expanded') if self.has_state(state))
        name = self.name or (self.text if self.accessible.get_text_iface() else '')
        lines = [f'{"  " * indent}{self.role} {name[:200]!r} {states}'.rstrip()]
        lines.extend(filter(None, (child.tree(indent + 1, showing) for child in self.children)))
        return '\n'.join(lines)


class App(Node):
    """A running quern."""

    def __init__(self, desktop, command, environment):
        self.desktop = desktop
        self.killed = False
        self.log_path = os.path.join(desktop.folder, 'quern.log')
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=desktop.folder)
        super().__init__(self, None)
        self.app = self
        desktop.apps.append(self)

    @property
    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()

    @property
    def running(self):
        return self.process.poll() is None

    def connect(self, timeout=None):
        """Waits for the window to be on the screen and known to AT-SPI."""
        def look():
            if not self.running:
                raise AssertionError(f'quern ended with {self.process.returncode}:\n{self.log}')
            root = Atspi.get_desktop(0)
            for index in range(root.get_child_count()):
                child = root.get_child_at_index(index)
                if child is not None and child.get_process_id() == self.process.pid and child.get_child_count() > 0:
                    return child
            return None
        self.accessible = wait_for('the application', look, timeout)
        wait_for('the window', lambda: self.windows(), timeout)
        self.focus_window()
        return self

    def windows(self):
        return [child for child in self.children if child.showing]

    def xdotool(self, *arguments):
        result = subprocess.run(['xdotool', *map(str, arguments)], env=self.desktop.environment, check=True,
                                stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
        return result.stdout.strip()

    def press_at(self, x, y, button=1):
        """Presses a button of the mouse at a point of the main window."""
        self.xdotool('mousemove', '--window', self.window_id(), x, y, 'click', button)

    def press_on_screen(self, x, y):
        """Presses the mouse at a point of the screen, where another program may be."""
        self.xdotool('mousemove', x, y, 'click', 1)

    def drag(self, source, target):
        """Drags from one point of the screen to another. GTK begins to drag some pixels from where the button went down, and
        X asks the window below the pointer anew with each move."""
        (x, y), (to_x, to_y) = source, target
        self.xdotool('mousemove', x, y, 'mousedown', 1)
        for step in range(1, 11):
            self.xdotool('mousemove', x + (to_x - x) * step // 10, y + (to_y - y) * step // 10)
            self.settle(0.05)
        self.settle(0.5)
        self.xdotool('mouseup', 1)

    def x_windows(self):
        """Returns the X windows of this process that are on the screen."""
        result = subprocess.run(['xdotool', 'search', '--onlyvisible', '--pid', str(self.process.pid)],
                                env=self.desktop.environment, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
        return result.stdout.split()

    def window_id(self):
        """Returns the X window of the main window, which is the largest one of this process."""
        def look():
            sizes = []
            for window in self.x_windows():
                geometry = self.xdotool('getwindowgeometry', '--shell', window)
                width, height = (int(re.search(f'{key}=(\\d+)', geometry)[1]) for key in ('WIDTH', 'HEIGHT'))
                sizes.append((width * height, window))
            return max(sizes)[1] if sizes else None
        return wait_for('an X window', look)

    def chooser(self, title):
        """Returns GTK's file chooser."""
        return wait_for('the file chooser', lambda: next((window for window in self.windows() if window.name == title), None))

    def finish_chooser(self, button):
        """Presses a button of a file chooser, and asks nothing of the program until the chooser is gone: GTK 4.18 crashes
        when accessibility asks about one that is closing."""
        before = len(self.x_windows())
        button.click()
        wait_for('the end of the file chooser', lambda: len(self.x_windows()) < before)
        for _ in range(2):  # it has dealt with all that was waiting when it answers
            self.desktop.run('gdbus', 'call', '--session', '--timeout', str(int(TIMEOUT)), '--dest', 'io.github.quern.Quern',
                             '--object-path', '/io/github/quern/Quern', '--method', 'org.gtk.Actions.List')
        self.settle(0.5)
        self.focus_window()
        self.xdotool('mousemove', '--window', self.window_id(), 1, 1)  # GTK finds the window under the pointer by this move

    def size(self):
        geometry = self.xdotool('getwindowgeometry', '--shell', self.window_id())
        return tuple(int(re.search(f'{key}=(\\d+)', geometry)[1]) for key in ('WIDTH', 'HEIGHT'))

    def focus_window(self):
        """There is no window manager to do it."""
        self.xdotool('windowfocus', '--sync', self.window_id())

    def resize(self, width, height):
        self.xdotool('windowmove', self.window_id(), 0, 0, 'windowsize', self.window_id(), width, height)
        wait_for(f'a window of {width} × {height}', lambda: self.size() == (width, height))
        self.settle()

    def key(self, *keys):
        """Presses keys as xdotool names them: 'Return', 'ctrl+n', 'shift+Return'."""
        self.xdotool('key', '--clearmodifiers', '--delay', 20, *keys)

    def type(self, text):
        """Types text by key presses, into whatever has the focus."""
        self.xdotool('type', '--delay', 8, text)

    def settle(self, seconds=0.2):
        """Lets animations end before a picture is taken; never needed to find a widget."""
        time.sleep(seconds)

    def screenshot(self, name):
        """Saves a picture of the whole screen as build/tests/ui/NAME.png (or at an absolute path); returns the path."""
        return self.desktop.screenshot(name)

    def close(self, timeout=TIMEOUT):
        """Asks it to quit as a session does (SIGTERM) and waits."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        return self._wait(timeout)

    def kill(self):
        """kill -9"""
        self.killed = True
        if self.running:
            self.process.kill()
        return self._wait(TIMEOUT)

    def _wait(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError('quern did not end') from None


class Desktop:
    """An X server, a session bus with accessibility, and fresh XDG folders, for one or more applications.

    size: of the screen; the window is put at its top left corner. scheme: light or dark. locale: e.g. 'ar_EG.UTF-8'
    (which is made for it), or 'pseudo': quern_pseudo.py. text_scale: 2.0 is 200 %. contrast: high contrast. Names that
    tests look for are those of the source; they are found in the language of the desktop.
    """
    app_class = App

    def __init__(self, size=(1100, 750), scheme='light', locale=None, text_scale=1.0, contrast=False,
                 animations=False, settings=None):
        self.folder = tempfile.mkdtemp(prefix='quern-ui-')
        self.apps = []
        self.processes = []
        self.size = size
        self.environment = dict(os.environ)
        self._make_environment(scheme, locale, contrast, settings or {})
        try:
            self._start_display(size, text_scale, animations)
            self._start_bus()
        except BaseException:
            self.close()
            raise

    def _make_environment(self, scheme, locale, contrast, settings):
        env = self.environment
        for name, folder in (('XDG_DATA_HOME', 'data'), ('XDG_CONFIG_HOME', 'config'), ('XDG_CACHE_HOME', 'cache'),
                             ('XDG_STATE_HOME', 'state'), ('XDG_RUNTIME_DIR', 'run'), ('HOME', 'home')):
            env[name] = os.path.join(self.folder, folder)
            os.mkdir(env[name], 0o700)
        for name in ('WAYLAND_DISPLAY', 'NO_AT_BRIDGE', 'AT_SPI_BUS_ADDRESS', 'DESKTOP_STARTUP_ID', 'G_DEBUG',
                     'LC_ALL', 'LANG', 'LANGUAGE', 'HF_TOKEN', 'HF_ENDPOINT'):
            env.pop(name, None)
        env.update(GDK_BACKEND='x11', GSK_RENDERER='cairo', GTK_A11Y='atspi', GDK_DEBUG='no-portals', NO_AT_BRIDGE='0',
                   ADW_DISABLE_PORTAL='1', GSETTINGS_BACKEND='keyfile', GIO_USE_VFS='local', GTK_USE_PORTAL='0',
                   ADW_DEBUG_COLOR_SCHEME='prefer-dark' if scheme == 'dark' else 'prefer-light',
                   ADW_DEBUG_HIGH_CONTRAST='1' if contrast else '0', LC_ALL='C.UTF-8', LIBGL_ALWAYS_SOFTWARE='1')
        self.translations = gettext.NullTranslations()
        if locale:
            self._make_language(locale.split('.')[0])
        self.settings = settings

    def _make_language(self, language):
        env, languages = self.environment, f'{language}:{language.split("_")[0]}'
        if language == 'pseudo':
            language, languages = 'en_US', 'pseudo'
            env['QUERN_LOCALEDIR'] = os.path.join(self.folder, 'catalogues')
            quern_pseudo.make(env['QUERN_LOCALEDIR'])
        self._make_locale(language)
        env['LC_ALL'] = f'{language}.UTF-8'
        env['LANG'] = env['LC_ALL']
        env['LANGUAGE'] = languages
        self.translations = gettext.translation('quern', env.get('QUERN_LOCALEDIR') or os.path.join(BUILD, 'po'),
                                                languages.split(':'), fallback=True)

    def _make_locale(self, language):
        """Makes the locale where programs of this desktop find it: in C.UTF-8 the C library translates nothing, whatever
        LANGUAGE says, and the window stays left to right."""
        folder = os.path.join(self.folder, 'locale')
        os.mkdir(folder)
        subprocess.run(['localedef', '-c', '-i', language, '-f', 'UTF-8', os.path.join(folder, f'{language}.UTF-8')],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT, check=False)
        if not os.path.exists(os.path.join(folder, f'{language}.UTF-8', 'LC_CTYPE')):
            raise AssertionError(f'the locale {language} cannot be made (package locales)')
        self.environment['LOCPATH'] = folder

    def _start_display(self, size, text_scale, animations):
        read, write = os.pipe()
        self._start(['Xvfb', '-displayfd', str(write), '-screen', '0', f'{size[0]}x{size[1]}x24', '-nolisten', 'tcp',
                     '-noreset', '-dpi', '96'], pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as pipe:
            self.environment['DISPLAY'] = ':' + pipe.readline().strip()
        if self.environment['DISPLAY'] == ':':
            raise AssertionError('Xvfb did not start')
        if text_scale != 1.0:
            subprocess.run(['xprop', '-root', '-f', 'RESOURCE_MANAGER', '8s', '-set', 'RESOURCE_MANAGER',
                            f'Xft.dpi:\t{round(96 * text_scale)}\n'], env=self.environment, check=True)
        self._configure_gtk(animations)

    def _configure_gtk(self, animations):
        config = os.path.join(self.environment['XDG_CONFIG_HOME'], 'gtk-4.0')
        os.mkdir(config)
        with open(os.path.join(config, 'settings.ini'), 'w', encoding='utf-8') as file:
            file.write(f'[Settings]\ngtk-enable-animations={str(animations).lower()}\ngtk-cursor-blink=false\n'
                       'gtk-decoration-layout=appmenu:close\n')  # as GNOME has it

    def _leave_out_services(self, *names):
        """Those that the computer happens to have installed are not started on the test's bus; tests start what they need."""
        folder = os.path.join(self.environment['XDG_RUNTIME_DIR'], 'dbus-1', 'services')
        os.makedirs(folder)
        for name in names:
            with open(os.path.join(folder, f'{name}.service'), 'w', encoding='utf-8') as file:
                file.write(f'[D-BUS Service]\nName={name}\nExec=/bin/false\n')

    def _start_bus(self):
        self._leave_out_services('org.freedesktop.secrets', 'org.gnome.keyring')
        daemon = self._start(['dbus-daemon', '--session', '--nofork', '--nopidfile', '--print-address=1',
                              f'--address=unix:path={self.environment["XDG_RUNTIME_DIR"]}/bus'],  # a path works without a network, too
                             stdout=subprocess.PIPE)
        address = daemon.stdout.readline().decode().strip()
        if not address:
            raise AssertionError('dbus-daemon did not start')
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = address
        self._start([find_launcher(), '--launch-immediately', '--a11y=1', '--screen-reader=0'])
        subprocess.run(['gdbus', 'wait', '--session', '--timeout', str(int(TIMEOUT)), 'org.a11y.Bus'], env=self.environment,
                       check=True)
        for group, values in self.settings.items():  # schema id -> {key: GVariant text}
            for key, value in values.items():
                subprocess.run(['gsettings', 'set', group, key, value], env=self.environment, check=True)
        os.environ.update({name: self.environment[name] for name in ('DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR')
                           if name in self.environment})

    def _start(self, command, **options):
        process = subprocess.Popen(command, env=self.environment, cwd=self.folder, start_new_session=True,
                                   stderr=subprocess.DEVNULL, **{'stdout': subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def say(self, message):
        """Returns a message of Quern in the language of this desktop."""
        return self.translations.gettext(message)

    def localised(self, name):
        """A name to look for in the language of this desktop: 'Model: %s' becomes an expression that fits them all."""
        if not isinstance(name, str):
            return name
        translated = self.say(name)
        if '%s' not in translated:
            return translated
        return re.compile('.*'.join(map(re.escape, translated.split('%s'))) + '$')

    def launch(self, *arguments, connect=True, environment=None, program=None):
        """Starts quern (or another program that is one), and waits for its window."""
        program = program or shutil.which('quern', path=os.path.join(BUILD, 'ui') + ':' + self.environment.get('PATH', ''))
        if program is None:
            raise AssertionError('there is no quern to start')
        app = self.app_class(self, [program, *arguments], {**self.environment, **(environment or {})})
        return app.connect() if connect else app

    def run(self, *command, timeout=TIMEOUT):
        """Runs a program in this desktop's environment, e.g. quern-cli; returns its CompletedProcess with text."""
        path = os.path.join(BUILD, 'src', 'cli') + ':' + self.environment.get('PATH', '')
        return subprocess.run(command, env={**self.environment, 'PATH': path}, capture_output=True, text=True,
                              timeout=timeout, cwd=self.folder)

    @property
    def data(self):
        """$XDG_DATA_HOME/quern"""
        return os.path.join(self.environment['XDG_DATA_HOME'], 'quern')

    def query(self, sql, *values, database='quern.db'):
        """Reads the application's database: a list of rows."""
        path = os.path.join(self.data, database)
        with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=TIMEOUT)) as database:
            return database.execute(sql, values).fetchall()

    def screenshot(self, name):
        path = name if os.path.isabs(name) else os.path.join(OUTPUT, f'{name}.png')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        windows = [app for app in self.apps if app.running]
        crop = []
        if windows:
            with contextlib.suppress(Exception):
                crop = ['-crop', '{}x{}+0+0'.format(*windows[-1].size()), '+repage']
        subprocess.run(['import', '-silent', '-window', 'root', *crop, path], env=self.environment, check=True, timeout=TIMEOUT)
        return path

    def complaints(self):
        """Returns the complaints of the applications' libraries, each once, without the excused ones."""
        lines = (line for app in self.apps for line in app.log.splitlines() if COMPLAINT.search(line))
        told = {re.sub(r':\d+\): (\S+) \*\*: [\d:.]+: ', r'): \1: ', line) for line in lines}
        return sorted(line for line in told if not any(excuse.search(line) for excuse in EXCUSED))

    def quit(self):
        """Has the applications quit as a session does; what they did then, and before, that no sound program does: a bad
        end, and complaints in their logs."""
        ends = []
        for app in self.apps:
            try:
                code = app.close()
            except AssertionError as error:
                ends.append(str(error))
            else:
                ends += [f'quern ended with {code}'] if code != 0 and not app.killed else []
        return ends + self.complaints()

    def close(self):
        for app in self.apps:
            if app.running:
                app.process.kill()
                app.process.wait()
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class WindowManager:
    """Says to be one, so that programs ask it for the focus instead of taking it, and gives it to none."""

    def __init__(self, desktop):
        self.x = ctypes.CDLL('libX11.so.6')
        self.x.XOpenDisplay.restype = ctypes.c_void_p
        self.display = ctypes.c_void_p(self.x.XOpenDisplay(desktop.environment['DISPLAY'].encode()))
        root = ctypes.c_ulong(self.x.XDefaultRootWindow(self.display))
        self.window = ctypes.c_ulong(self.x.XCreateSimpleWindow(self.display, root, 0, 0, 1, 1, 0, 0, 0))
        self.x.XMapWindow(self.display, self.window)
        for window in (root, self.window):
            self._set(window, b'_NET_SUPPORTING_WM_CHECK', 33, self.window)  # XA_WINDOW
        self._set(root, b'_NET_SUPPORTED', 4, ctypes.c_ulong(self._atom(b'_NET_ACTIVE_WINDOW')))  # XA_ATOM
        self.x.XSync(self.display, 0)

    def _atom(self, name):
        return self.x.XInternAtom(self.display, name, 0)

    def _set(self, window, name, kind, value):
        self.x.XChangeProperty(self.display, window, ctypes.c_ulong(self._atom(name)), ctypes.c_ulong(kind), 32, 0,
                               ctypes.byref(value), 1)

    def focus(self):
        """Takes the focus for a window of its own."""
        self.x.XSetInputFocus(self.display, self.window, 0, ctypes.c_ulong(0))
        self.x.XSync(self.display, 0)


def find_launcher():
    for path in ('/usr/libexec/at-spi-bus-launcher', '/usr/lib/at-spi2-core/at-spi-bus-launcher'):
        if os.path.exists(path):
            return path
    raise AssertionError('at-spi-bus-launcher is missing (package at-spi2-core)')


class TestCase(unittest.TestCase):
    """Every test gets a process and a desktop of its own; `desktop_options` are Desktop's arguments. A test that needs
    others sets self.desktop_options before its first launch()."""
    desktop_class = Desktop
    desktop_options = {}

    def setUp(self):
        self._desktop = None

    @property
    def desktop(self):
        if self._desktop is None:
            self._desktop = self.desktop_class(**self.desktop_options)
        return self._desktop

    def launch(self, *arguments, **options):
        return self.desktop.launch(*arguments, **options)

    def explain(self):
        """Prints what people need to see after a failure."""
        for app in self._desktop.apps if self._desktop else []:
            print_comment(f'log of quern:\n{app.log[-4000:]}')
            if app.running and app.accessible:
                print_comment(app.tree())
        if self._desktop:
            with contextlib.suppress(Exception):
                print_comment('screenshot: ' + self._desktop.screenshot(f'failed-{self._testMethodName}'))

    def tearDown(self):
        if self._desktop:
            complaints, log = self._desktop.quit(), ''.join(app.log for app in self._desktop.apps[-1:])
            self._desktop.close()
            if complaints:
                print_comment(f'log of quern:\n{log[-12000:]}')
                self.fail('\n'.join(['Complaints, with those at the end:', *complaints]))


def print_comment(text):
    print('\n'.join(f'# {line}' for line in text.splitlines()), flush=True)


class TapResult(unittest.TestResult):
    """Prints the result of one test as TAP on stdout."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.told = False  # a test that failed may fail once more when it is taken down

    def _line(self, ok, test, rest=''):
        if self.told:
            return
        self.told = True
        print(f'{"" if ok else "not "}ok {self.number} - {test._testMethodName}{rest}', flush=True)

    def _failed(self, test, error):
        print_comment(''.join(traceback.format_exception(*error)))
        with contextlib.suppress(Exception):
            test.explain()
        self._line(False, test)

    def addSuccess(self, test):
        self._line(True, test)

    def addSkip(self, test, reason):
        self._line(True, test, f' # SKIP {reason}')

    def addError(self, test, error):
        super().addError(test, error)
        self._failed(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._failed(test, error)


def each_test(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each_test(test)
        else:
            yield test


def run_forked(number, test):
    """Runs one test in a process of its own, because AT-SPI can only ever know one bus in a process."""
    pid = os.fork()
    if pid == 0:
        result = TapResult(number)
        test.run(result)
        sys.stdout.flush()
        os._exit(0 if result.wasSuccessful() else 1)
    return os.waitpid(pid, 0)[1] == 0


def main():
    """Runs the test cases of the calling file (those named on the command line, or all)."""
    module, names = sys.modules['__main__'], sys.argv[1:]
    loader = unittest.TestLoader()
    tests = list(each_test(loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)))
    print(f'1..{len(tests)}', flush=True)
    outcomes = [run_forked(number, test) for number, test in enumerate(tests, 1)]
    sys.exit(0 if all(outcomes) else 1)
