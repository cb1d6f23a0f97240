#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four tours through every page and dialog, for what a sanitizer finds on the way and at the end (suite ui-asan)."""
import quern_ui
from quern_pages import PagesCase


class Tours(PagesCase):
    def walk(self, tour):
        for _ in tour(self.start()):
            pass

    def test_chat(self):
        self.walk(self.tour_chat)

    def test_dialogs(self):
        self.walk(self.tour_dialogs)

    def test_models(self):
        self.walk(self.tour_models)

    def test_compare(self):
        self.walk(self.tour_compare)


if __name__ == '__main__':
    quern_ui.main()
