#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dropping and pasting from another program under X11."""
import re

import quern_ui
from quern_chat import ChatCase
from quern_outside import Outside


class X11(Outside, ChatCase):
    desktop_options = {'size': (1500, 750)}

    def start_source(self):
        source = super().start_source()
        app = self.desktop.apps[0]
        self.window = quern_ui.wait_for('its window', lambda: app.xdotool('search', '--onlyvisible', '--name', 'Drag Source'))
        app.xdotool('windowmove', '--sync', self.window, 1150, 20)
        return source

    def source_at(self):
        geometry = self.desktop.apps[0].xdotool('getwindowgeometry', '--shell', self.window)
        return tuple(int(re.search(f'{key}=(\\d+)', geometry)[1]) for key in ('X', 'Y', 'WIDTH', 'HEIGHT'))


if __name__ == '__main__':
    quern_ui.main()
