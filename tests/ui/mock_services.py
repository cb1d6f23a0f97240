# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces NetworkManager, gnome-session, a notification daemon and a dock on one bus; see quern_models.Services."""
import json
import sys

from gi.repository import Gio, GLib

XML = '''<node>
  <interface name="org.freedesktop.NetworkManager">
    <property name="State" type="u" access="read"/>
    <property name="Connectivity" type="u" access="read"/>
    <property name="Metered" type="u" access="read"/>
  </interface>
  <interface name="org.gnome.SessionManager">
    <method name="RegisterClient"><arg type="s"/><arg type="s"/><arg type="o" direction="out"/></method>
    <method name="Inhibit"><arg type="s"/><arg type="u"/><arg type="s"/><arg type="u"/><arg type="u" direction="out"/></method>
    <method name="Uninhibit"><arg type="u"/></method>
  </interface>
  <interface name="org.freedesktop.Notifications">
    <method name="GetCapabilities"><arg type="as" direction="out"/></method>
    <method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
      <arg type="s" direction="out"/><arg type="s" direction="out"/></method>
    <method name="Notify"><arg type="s"/><arg type="u"/><arg type="s"/><arg type="s"/><arg type="s"/><arg type="as"/>
      <arg type="a{sv}"/><arg type="i"/><arg type="u" direction="out"/></method>
    <method name="CloseNotification"><arg type="u"/></method>
    <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
  </interface>
</node>'''
PATHS = {'org.freedesktop.NetworkManager': '/org/freedesktop/NetworkManager',
         'org.gnome.SessionManager': '/org/gnome/SessionManager',
         'org.freedesktop.Notifications': '/org/freedesktop/Notifications'}
ANSWERS = {'RegisterClient': ('(o)', ('/org/gnome/SessionManager/Client1',)), 'Inhibit': ('(u)', (7,)),
           'GetCapabilities': ('(as)', (['actions', 'body'],)),
           'GetServerInformation': ('(ssss)', ('mock', 'quern', '1', '1.2')), 'Notify': ('(u)', (3,))}
METERED_YES, METERED_NO = 1, 2

bus = Gio.bus_get_sync(Gio.BusType.SESSION)
metered = METERED_YES if sys.argv[1] == '1' else METERED_NO


def say(event, **facts):
    print(json.dumps({'event': event, **facts}), flush=True)


def call(connection, sender, path, interface, method, parameters, invocation):
    say(method, arguments=parameters.unpack())
    answer = ANSWERS.get(method)
    invocation.return_value(GLib.Variant(*answer) if answer else None)


def get(connection, sender, path, interface, name):
    return GLib.Variant('u', {'State': 70, 'Connectivity': 4, 'Metered': metered}[name])


def launcher(connection, sender, path, interface, signal, parameters):
    uri, properties = parameters.unpack()
    say('launcher', uri=uri, **{key.replace('-', '_'): value for key, value in properties.items()})


def command(source, condition):
    global metered
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    metered = METERED_YES if line.strip() == '1' else METERED_NO
    changed = GLib.Variant('(sa{sv}as)', ('org.freedesktop.NetworkManager', {'Metered': GLib.Variant('u', metered)}, []))
    bus.emit_signal(None, PATHS['org.freedesktop.NetworkManager'], 'org.freedesktop.DBus.Properties', 'PropertiesChanged',
                    changed)
    return True


for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
    bus.register_object(PATHS[interface.name], interface, call, get, None)
    Gio.bus_own_name_on_connection(bus, interface.name, Gio.BusNameOwnerFlags.NONE, None, None)
bus.signal_subscribe(None, 'com.canonical.Unity.LauncherEntry', 'Update', None, None, Gio.DBusSignalFlags.NONE, launcher)
bus.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetId', None, None,
              Gio.DBusCallFlags.NONE, -1, None)
GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, command)
loop = GLib.MainLoop()
GLib.idle_add(lambda: say('ready'))
loop.run()
