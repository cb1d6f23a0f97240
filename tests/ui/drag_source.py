#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another program, for tests: drag_source.py PICTURE. From the upper half of its window the file can be dragged; a click on the
lower half copies the picture. On the second monitor, where there is one. Prints "ready" when it is on the screen, and
"copied"."""
import sys

import gi
gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
from gi.repository import Gdk, Gio, GLib, GObject, Gtk  # noqa: E402

TITLE = 'Drag Source'


def say(word):
    print(word, flush=True)


def copy(button):
    texture = Gdk.Texture.new_from_filename(sys.argv[1])
    value = GObject.Value(Gdk.Texture, texture)  # not as what the loader made, for which there is no MIME type
    button.get_clipboard().set_content(Gdk.ContentProvider.new_for_value(value))
    say('copied')


def main():
    Gtk.init()
    window = Gtk.Window(title=TITLE, default_width=300, default_height=600)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, homogeneous=True)
    label, button = Gtk.Label(label='Drag'), Gtk.Button(label='Copy')
    files = Gdk.FileList.new_from_list([Gio.File.new_for_path(sys.argv[1])])
    label.add_controller(Gtk.DragSource(content=Gdk.ContentProvider.new_for_value(files), actions=Gdk.DragAction.COPY))
    button.connect('clicked', copy)
    box.append(label)
    box.append(button)
    window.set_child(box)
    monitors = window.get_display().get_monitors()
    if monitors.get_n_items() > 1:
        window.fullscreen_on_monitor(monitors.get_item(1))
    else:
        window.set_decorated(False)
    window.connect('map', lambda *_: GLib.timeout_add(200, say, 'ready'))
    window.present()
    GLib.MainLoop().run()


main()
