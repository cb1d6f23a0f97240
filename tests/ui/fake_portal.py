#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop portal for tests: fake_portal.py NOTE. The file NOTE names the picture that it returns as a screenshot; if NOTE
is empty, the user cancels. It prints a line when it is on the session bus."""
import sys

from gi.repository import Gio, GLib

INTERFACE = Gio.DBusNodeInfo.new_for_xml('''<node><interface name="org.freedesktop.portal.Screenshot">
  <method name="Screenshot"><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
    <arg type="o" direction="out"/></method></interface></node>''').interfaces[0]


def called(bus, sender, path, interface, method, parameters, invocation):
    token = parameters.unpack()[1]['handle_token']
    request = f'/org/freedesktop/portal/desktop/request/{sender[1:].replace(".", "_")}/{token}'
    with open(sys.argv[1], encoding='utf-8') as note:
        name = note.read()
    results = {'uri': GLib.Variant('s', GLib.filename_to_uri(name, None))} if name else {}
    invocation.return_value(GLib.Variant('(o)', (request,)))
    bus.emit_signal(sender, request, 'org.freedesktop.portal.Request', 'Response',
                    GLib.Variant('(ua{sv})', (0 if name else 1, results)))


connection = Gio.bus_get_sync(Gio.BusType.SESSION)
connection.register_object('/org/freedesktop/portal/desktop', INTERFACE, called)
Gio.bus_own_name_on_connection(connection, 'org.freedesktop.portal.Desktop', Gio.BusNameOwnerFlags.NONE,
                               lambda *_: print('ready', flush=True), None)
GLib.MainLoop().run()
