#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another program, for tests: drag_source.py FILE, which can be dragged from its window. On the second monitor, where there is
one. Prints "ready" when it is on the screen."""
import sys

import gi
gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402

TITLE = 'Drag Source'


def say(word):
    print(word, flush=True)


def main():
    Gtk.init()
    window = Gtk.Window(title=TITLE, default_width=300, default_height=600)
    label = Gtk.Label(label='Drag')
    files = Gdk.FileList.new_from_list([Gio.File.new_for_path(sys.argv[1])])
    label.add_controller(Gtk.DragSource(content=Gdk.ContentProvider.new_for_value(files), actions=Gdk.DragAction.COPY))
    window.set_child(label)
    monitors = window.get_display().get_monitors()
    if monitors.get_n_items() > 1:
        window.fullscreen_on_monitor(monitors.get_item(1))
    else:
        window.set_decorated(False)
    window.connect('map', lambda *_: GLib.timeout_add(200, say, 'ready'))
    window.present()
    GLib.MainLoop().run()


main()
