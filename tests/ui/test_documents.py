#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents: attached, counted, their pages chosen or picked, sent, asked about twice, seen again."""
import os
import re

import quern_ui
from quern_chat import AttachCase

STATISTICS = "SELECT prompt_tokens, reused_tokens, evaluated_tokens FROM message WHERE role = 'assistant' ORDER BY id"


def make_pdf(path, pages):
    """Writes a PDF with a line of text for each line of each page."""
    objects = ['<</Type/Catalog/Pages 2 0 R>>', '', '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>']
    kids = []
    for page in pages:
        lines = ''.join(f'({line}) Tj T* ' for line in page.split('\n'))
        content = f'BT /F 11 Tf 14 TL 50 780 Td {lines}ET' if page else '0 0 100 100 re f'
        objects.append(f'<</Length {len(content)}>>\nstream\n{content}\nendstream')
        objects.append(f'<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {len(objects)} 0 R'
                       '/Resources<</Font<</F 3 0 R>>>>>>')
        kids.append(f'{len(objects)} 0 R')
    objects[1] = f'<</Type/Pages/Kids[{" ".join(kids)}]/Count {len(kids)}>>'
    with open(path, 'w', encoding='latin-1') as file:
        file.write('%PDF-1.4\n')
        for number, content in enumerate(objects, 1):
            file.write(f'{number} 0 obj\n{content}\nendobj\n')
        file.write(f'trailer\n<</Root 1 0 R/Size {len(objects) + 1}>>\n%%EOF\n')


class Documents(AttachCase):
    def attach_pdf(self, app, name, pages):
        path = os.path.join(self.desktop.folder, name)
        make_pdf(path, pages)
        self.attach(app, path)

    def test_ask_twice(self):
        app = self.launch()
        self.think(app, False)
        self.attach_pdf(app, 'animals.pdf', ['Foxes live in dens.', 'Whales live in the sea.', 'Storks nest on chimneys.'])
        app.find('label', 'animals.pdf')
        app.find('label', re.compile(r'^3 pages · \d+ tokens$'))
        app.screenshot('document-chip')
        self.ask(app, 'Where do foxes live?')
        app.wait_gone('button', 'Remove animals.pdf')
        app.find('label', re.compile(r'^3 pages · \d+ tokens$'))  # in the conversation, too
        self.ask(app, 'And storks?')
        first, second = self.desktop.query(STATISTICS)
        self.assertGreater(first[0], 30)
        self.assertGreaterEqual(second[1], first[0] - 8)  # the document is in the cache
        self.assertLess(second[2], 40)

        app.find('button', 'View animals.pdf').click()
        text = app.find('text', 'What is sent')
        self.assertIn('Whales live in the sea.', text.text)
        self.assertFalse(app.find_all('button', 'Send All'))  # what was sent was sent
        app.screenshot('document-sent')
        app.key('Escape')
        app.wait_gone('text', 'What is sent')

    def test_choose_pages(self):
        app = self.launch()
        self.think(app, False)
        self.attach_pdf(app, 'animals.pdf', ['Foxes live in dens.', 'Whales live in the sea.', 'Storks nest on chimneys.'])
        app.find('label', re.compile(r'^3 pages · \d+ tokens$'))
        app.find('button', 'View animals.pdf').click()
        entry = app.find('text', 'Pages to Send')
        entry.set_text('7')
        entry.focus()
        app.key('Return')
        app.find('label', 'Write numbers from 1 to 3, for example 1–3, 5.')
        entry.set_text('1, 3')
        entry.focus()
        app.key('Return')
        app.find('label', 'The other pages are not sent.')
        shown = app.find('text', 'What is sent').text
        self.assertIn('Storks', shown)
        self.assertNotIn('Whales', shown)
        app.screenshot('document-pages')
        app.key('Escape')
        app.find('label', re.compile(r'^Pages 1, 3 of 3 · \d+ tokens$'))
        self.ask(app, 'Where do storks nest?')
        self.assertEqual([row[0].split('; tokens')[0] for row in self.desktop.query('SELECT mime FROM attachment')],
                         ['text/plain; unit=page; of=3; pages=1, 3'])

    def test_too_long(self):
        pages = ['\n'.join(f'The capital of country {page} is city {line}.' for line in range(40)) for page in range(1, 13)]
        pages[6] += '\nStorks nest on chimneys.'
        app = self.launch()
        self.think(app, False)
        app.find('text', 'Message').set_text('Where do storks nest?')
        self.attach_pdf(app, 'long.pdf', pages)
        app.find('label', re.compile('^“long.pdf” is too long: with it the prompt has .* tokens, and the context holds 2,048.$'
                                     .replace('2,048', '2,?048')))
        app.screenshot('document-too-long')
        app.resize(360, 640)
        app.screenshot('document-too-long-narrow')
        app.resize(1100, 750)
        app.find('button', 'Pick Pages by the Question').click()
        app.find('label', re.compile(r'^Pages? .*7.* of 12 · \d+ tokens$'))
        app.wait_gone('label', re.compile('is too long'))
        app.find('button', 'View long.pdf').click()
        app.find('label', re.compile('^Quern picked these pages by the words of the question.'))
        app.screenshot('document-picked')
        app.key('Escape')
        app.wait_gone('text', 'What is sent')
        app.find('button', 'Send').wait(lambda node: node.sensitive).click()
        quern_ui.wait_for('the answer', lambda: self.finished(0))

    def test_scanned(self):
        """Pages without text are not sent as nothing: they can be sent as pictures."""
        app = self.launch()
        self.ready(app)
        app.find('text', 'Message').set_text('What is this?')
        self.attach_pdf(app, 'scan.pdf', ['', ''])
        app.find('label', 'No text in it')
        app.find('label', '“scan.pdf” has no text: its pages are pictures.')
        self.assertFalse(app.find('button', 'Send').sensitive)
        app.screenshot('document-scanned')
        app.find('button', 'Send Pages as Pictures').click()
        app.find('button', 'View scan.pdf, page 1')
        app.find('button', 'View scan.pdf, page 2')
        app.wait_gone('label', 'No text in it')
        app.find('button', 'Send').wait(lambda node: node.sensitive)

    def test_refused(self):
        app = self.launch()
        self.ready(app)
        path = os.path.join(self.desktop.folder, 'cut.pdf')
        with open(path, 'w', encoding='ascii') as file:
            file.write('%PDF-1.4\nno more')
        self.attach(app, path)
        app.find('label', re.compile('“cut.pdf” cannot be attached. The document is damaged'))
        self.assertFalse(app.find_all('button', 'Remove cut.pdf'))


if __name__ == '__main__':
    quern_ui.main()
