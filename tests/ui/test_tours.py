#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four tours through every page and dialog, for what a sanitizer finds on the way and at the end (suite ui-asan)."""
import quern_ui
from quern_pages import FourTours, PagesCase


class Tours(FourTours, PagesCase):
    def walk(self, tour):
        for _ in tour(self.start()):
            pass


if __name__ == '__main__':
    quern_ui.main()
