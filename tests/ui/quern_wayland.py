# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop for tests whose windows are Wayland's: mutter without a screen, told by its interface for remote desktops what the
keyboard and the mouse do. There is no X server that could help out."""
import os
import re
import subprocess

from gi.repository import Gio, GLib

import quern_ui

SERVICE, FOLDER = 'org.gnome.Mutter.RemoteDesktop', '/org/gnome/Mutter/RemoteDesktop'
KEYS = {'Return': 0xff0d, 'Escape': 0xff1b, 'Tab': 0xff09, 'F9': 0xffc6, 'ctrl': 0xffe3, 'shift': 0xffe1, 'alt': 0xffe9}
LEFT = 0x110  # BTN_LEFT


class Input:
    """A keyboard and a mouse, for as long as this lives."""

    def __init__(self, address):
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.session = self._call(FOLDER, SERVICE, 'CreateSession', None).unpack()[0]
        self.notify('Start', None)
        self.move_by(-10000, -10000)  # wherever it was
        self.place = (0, 0)
        for down in (True, False):  # there is a keyboard from the first key on, and programs that start later know it
            self.keysym(KEYS['shift'], down)

    def _call(self, path, interface, method, arguments):
        return self.bus.call_sync(SERVICE, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE,
                                  int(quern_ui.TIMEOUT * 1000), None)

    def notify(self, method, arguments):
        self._call(self.session, SERVICE + '.Session', method, arguments)

    def move_by(self, x, y):
        self.notify('NotifyPointerMotionRelative', GLib.Variant('(dd)', (x, y)))

    def move_to(self, x, y):
        self.move_by(x - self.place[0], y - self.place[1])
        self.place = (x, y)

    def button(self, down):
        self.notify('NotifyPointerButton', GLib.Variant('(ib)', (LEFT, down)))

    def keysym(self, keysym, down):
        self.notify('NotifyKeyboardKeysym', GLib.Variant('(ub)', (keysym, down)))


class App(quern_ui.App):
    def focus_window(self):
        """The compositor does it for new windows."""

    def press_at(self, x, y, button=1):
        self.desktop.input.move_to(x, y)
        self.settle(0.1)
        self.desktop.input.button(True)
        self.desktop.input.button(False)

    def press_on_screen(self, x, y):
        self.press_at(x, y)

    def drag(self, source, target):
        move, (x, y), (to_x, to_y) = self.desktop.input.move_to, source, target
        move(x, y)
        self.settle(0.1)
        self.desktop.input.button(True)
        for step in range(1, 11):
            move(x + (to_x - x) * step // 10, y + (to_y - y) * step // 10)
            self.settle(0.05)
        self.settle(0.5)
        self.desktop.input.button(False)

    def key(self, *keys):
        for combination in keys:
            names = combination.split('+')
            keysyms = [KEYS.get(name) or ord(name) for name in names]
            for keysym in keysyms:
                self.desktop.input.keysym(keysym, True)
            for keysym in reversed(keysyms):
                self.desktop.input.keysym(keysym, False)

    def type(self, text):
        for letter in text:
            self.desktop.input.keysym(ord(letter), True)
            self.desktop.input.keysym(ord(letter), False)
            self.settle(0.01)

    def n_closed(self):
        """How many of its windows are gone, as its protocol says, which is in the log with WAYLAND_DEBUG."""
        return len(re.findall(r'xdg_toplevel[#@]\d+\.destroy\(', self.log))


class Desktop(quern_ui.Desktop):
    """Quern's window covers the first monitor, so that points of the window are points of the screen; other programs have the
    second one, at its right."""
    app_class = App
    MONITORS = ((1000, 750), (300, 750))

    def __init__(self, **options):
        settings = {'io.github.quern.Quern': {'window-maximized': 'true'}}
        super().__init__(settings=settings, **options)

    def _start_display(self, size, text_scale, animations):
        self.environment.pop('DISPLAY', None)
        self.environment.update(GDK_BACKEND='wayland', WAYLAND_DISPLAY='quern-test')
        self._configure_gtk(animations)

    def _start_bus(self):
        super()._start_bus()
        monitors = [argument for size in self.MONITORS for argument in ('--virtual-monitor', '%dx%d' % size)]
        self._start(['mutter', '--headless', '--wayland', '--no-x11', '--wayland-display',
                     self.environment['WAYLAND_DISPLAY'], *monitors])
        subprocess.run(['gdbus', 'wait', '--session', '--timeout', str(int(quern_ui.TIMEOUT)), SERVICE],
                       env=self.environment, check=True)
        socket = os.path.join(self.environment['XDG_RUNTIME_DIR'], self.environment['WAYLAND_DISPLAY'])
        quern_ui.wait_for('the compositor', lambda: os.path.exists(socket))
        self.input = Input(self.environment['DBUS_SESSION_BUS_ADDRESS'])

    def screenshot(self, name):
        raise AssertionError('mutter alone takes no screenshots')
