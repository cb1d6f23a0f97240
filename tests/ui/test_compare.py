#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns side by side: ask, mark the first difference, count, vote, measure."""
import json
import os
import re

import quern_ui
from quern_models import label_of

QUESTION = 'What is the capital of France?'
STORY = 'Tell me a story about a dragon and a mill.'  # beyond what Quern Tiny knows: quantisations part

BLIND, DIFFERENCES, MEASURE, QUESTIONS = 'Blind Vote', 'Word Differences…', 'Measure…', 'Question Set…'


class Compare(quern_ui.TestCase):
    desktop_options = {'size': (1280, 800)}

    def launch(self, *arguments, **options):
        return super().launch(*arguments, program=quern_ui.PROBED, environment={'QUERN_TOASTS': '30'}, **options)

    def open_page(self):
        app = self.launch()
        app.resize(*self.desktop.size)
        app.find('button', re.compile('^Model: '))  # the models are known
        app.find('button', 'New Comparison').click()
        app.find('button', 'Add a Column')
        return app

    def columns(self, app):
        return app.find_all('button', re.compile('^Model of this column: '))

    def ask(self, app, question, figures=True):
        box = app.find('text', 'Message')
        box.set_text(question)
        box.focus()
        app.key('Return')
        box.wait(lambda node: node.text == '')
        if figures:
            n = len(self.columns(app))
            quern_ui.wait_for('every answer', lambda: len(app.find_all('label', 'Writes')) == n)
        app.find('button', 'Send')

    def think(self, app, wanted):
        button = app.find('toggle button', 'Think')
        if button.is_on != wanted:
            button.click()
            button.wait(lambda node: node.is_on == wanted)

    def find_item(self, app, label):
        """An item of the menu that is open, once it can be chosen."""
        return quern_ui.wait_for(label, lambda: next(
            (node for node in app.find_all(re.compile('menu item$')) if label_of(node) == label and node.sensitive), None))

    def choose(self, app, item, menu='Comparison Menu'):
        app.find('toggle button', menu).click()
        self.find_item(app, item).click()

    def test_two_columns(self):
        app = self.open_page()
        quern_ui.wait_for('two columns', lambda: len({node.name for node in self.columns(app)}) == 2)
        self.ask(app, QUESTION)
        quern_ui.wait_for('the question in both columns, in the title and in the list',
                          lambda: len(app.find_all('label', QUESTION)) == 4)
        app.find('label', re.compile('Paris'))
        quern_ui.wait_for('both models', lambda: len(app.find_all('label', re.compile('bits per weight'))) == 2)
        app.screenshot('compare-2')

    def test_kept(self):
        app = self.open_page()
        self.ask(app, QUESTION)
        app.find('list item', QUESTION)
        self.assertEqual(app.close(), 0)

        app = self.launch()
        app.find('button', re.compile('^Model: '))
        app.find('list item', QUESTION).click_mouse()
        quern_ui.wait_for('two columns', lambda: len(self.columns(app)) == 2)
        app.find('label', re.compile('Paris'))
        quern_ui.wait_for('the figures of both', lambda: len(app.find_all('label', 'Writes')) == 2)

    def test_menu_in_the_sidebar(self):
        """Like that of a conversation; and what is open is marked."""
        app = self.open_page()
        app.find('button', 'New Comparison').wait(lambda node: node.description == 'Open')
        self.ask(app, QUESTION)
        app.find('button', 'New Comparison').wait(lambda node: node.description != 'Open')
        app.find('button', 'Models').click()
        app.find('button', 'Models').wait(lambda node: node.description == 'Open')
        app.find('toggle button', 'Comparison Actions').click()
        self.find_item(app, 'Rename…').click()
        app.find('text', 'Name').set_text('Capitals')
        app.key('Return')
        app.find('list item', 'Capitals')
        quern_ui.wait_for('the name on the disk', lambda: self.desktop.query('SELECT title FROM comparison') == [('Capitals',)])
        app.close()
        app = self.launch()
        app.find('list item', 'Capitals')
        self.choose(app, 'Export', 'Comparison Actions')
        self.find_item(app, 'Markdown…').click()
        app.finish_chooser(app.chooser('Export Comparison').find('button', 'Save'))
        path = os.path.join(self.desktop.folder, 'Comparison.md')
        quern_ui.wait_for('the file', lambda: os.path.exists(path) and os.path.getsize(path) > 0)
        with open(path, encoding='utf-8') as file:
            self.assertIn(QUESTION, file.read())
        app.find('toggle button', 'Comparison Actions').click()
        self.find_item(app, 'Delete').click()
        app.find('label', 'Comparison deleted')
        app.wait_gone('list item', 'Capitals')

    def test_difference_and_four_columns(self):
        app = self.open_page()
        self.think(app, False)
        app.find('button', 'Add a Column').click()
        quern_ui.wait_for('a third column', lambda: len(self.columns(app)) == 3)
        chose = re.compile(r'Q8_0 chose “.*The first \d+ tokens? are the same', re.S)
        for _ in range(20):  # the seed is drawn by lot, and with some of them all three write the same
            self.ask(app, STORY)
            app.key('ctrl+j')
            if quern_ui.wait_for('a difference, or that there is none', lambda: app.find_all('label', chose)
                                 or app.find_all('label', 'The last answers are identical'))[0].name.startswith('The last'):
                app.wait_gone('label', 'The last answers are identical')
                continue
            break
        sentence = app.find('label', chose).name
        self.assertRegex(sentence, r'Q2_K chose “|Q4_K_M chose “')
        self.assertRegex(sentence, r'\(\d+\.\d %\)')
        app.screenshot('compare-3')
        app.key('Escape')
        app.find('button', 'Add a Column').click()
        quern_ui.wait_for('a fourth column', lambda: len(self.columns(app)) == 4)
        self.ask(app, QUESTION)
        app.screenshot('compare-4')
        app.find('button', 'Add a Column').wait(lambda node: not node.sensitive)

    def test_narrow(self):
        app = self.open_page()
        self.ask(app, QUESTION)
        app.resize(360, 640)
        quern_ui.wait_for('one column', lambda: len(self.columns(app)) == 1)
        first = self.columns(app)[0].name
        app.screenshot('compare-narrow')
        app.find('radio button', 'Q2_K').click()
        quern_ui.wait_for('the other column', lambda: [node.name for node in self.columns(app)] not in ([], [first]))

    def test_continue(self):
        app = self.open_page()
        self.ask(app, QUESTION)
        self.choose(app, 'Continue as a Chat', 'Column Actions')
        app.find('button', re.compile('^Model: '))
        app.find('label', 'The capital of France is Paris.')
        quern_ui.wait_for('both messages on the disk', lambda: self.desktop.query('SELECT role FROM message ORDER BY id')
                          == [('user',), ('assistant',)])

    def test_measure(self):
        app = self.open_page()
        app.find('button', 'Add a Column').click()
        self.choose(app, MEASURE)
        app.find('button', 'Measure').click()
        app.find('label', re.compile('is the smallest model that is not worse|no smaller model is as good as'), timeout=300)
        app.screenshot('compare-measure')
        app.find('label', re.compile('^Built-in sample: .* tokens scored.*exactly the same', re.DOTALL), showing=False)
        figures = quern_ui.wait_for('three figures', lambda: self.figures(app))
        self.assertEqual(figures[0], '0.0000 ± 0.0000')  # the reference
        means = [float(text.split()[0]) for text in figures]
        self.assertEqual(means, sorted(means))
        self.assertGreater(means[-1], 0)
        app.find('label', 'Slightly Different')
        app.find('label', 'Visibly Damaged')
        app.find('label', re.compile(r'; \d+ % smaller.* Fine for most uses\.'), showing=False)  # what to do
        app.find('label', re.compile(r'; \d+ % smaller.* Use a larger one if it fits\.'), showing=False)
        app.find('label', re.compile('^Q2_K would have chosen another token than Q8_0 at one of'), showing=False)
        self.assertEqual(len(app.find_all('label', re.compile(r'^• After “.*”, Q8_0 goes on with “.+” \(\d+ %\), Q2_K with “.+” \(\d+ %\)\.$'),
                                          showing=False)), 3)
        app.find('button', 'Copy as Markdown', showing=False).click()
        app.find('button', 'Copied', showing=False)
        text = app.find('text', 'Text with divergences', showing=False)
        self.assertIn('The mill stood', text.text)
        app.find('button', 'Measure Again…').click()  # what to measure is asked again
        app.find('button', 'Measure')
        app.wait_gone('button', 'Measure Again…')

    def test_measure_texts(self):
        """A text that is pasted, and texts by category, whose figures are told for each."""
        app = self.open_page()
        self.choose(app, MEASURE)
        app.find('combo box', 'Text').click()
        app.find('label', 'A file…')
        app.key('Down', 'Down', 'Return')
        app.find('text', 'Pasted Text').set_text('The miller rose early, for the river was high and the wheel would not wait. ' * 9)
        app.find('button', 'Measure').click()
        app.find('label', re.compile('^Pasted text: .* tokens scored', re.DOTALL), showing=False, timeout=300)
        self.assertEqual(app.find_all('label', 'Divergence by Category', showing=False), [])
        app.find('button', 'Measure Again…').click()
        app.find('combo box', 'Text').click()
        app.find('label', 'A file…')
        app.key('Up', 'Return')
        app.find('button', 'Measure').click()
        app.find('label', 'Choose a category first.')
        app.find('check box', 'Tool calls', showing=False).click()
        app.find('button', 'Measure').click()
        app.find('label', 'Divergence by Category', showing=False, timeout=300)
        app.find('label', re.compile('^tools: .* tokens scored', re.DOTALL), showing=False)

    def test_problem_of_a_text_passes(self):
        """What was wrong with one text is not said of the next one."""
        app = self.open_page()
        self.choose(app, MEASURE)
        app.find('combo box', 'Text').click()
        app.find('label', 'A file…')
        app.key('Down', 'Down', 'Down', 'Return')
        app.find('label', 'Choose a file, or drop it here')
        app.find('button', 'Measure').click()
        app.find('label', 'Choose a text file first.')
        app.find('combo box', 'Text').click()
        app.find('label', 'Built-in sample')
        app.key('Up', 'Up', 'Up', 'Return')
        app.wait_gone('label', 'Choose a file, or drop it here')
        app.wait_gone('label', 'Choose a text file first.')
        app.find('button', 'Measure').wait(lambda node: node.sensitive)

    def figures(self, app):
        found = app.find_all('label', re.compile(r'^\d\.\d{4} ± \d\.\d{4}$'), showing=False)
        return [node.name for node in found] if len(found) == 3 else None

    def test_blind_vote(self):
        app = self.open_page()
        self.choose(app, BLIND)
        quern_ui.wait_for('hidden names', lambda: not app.find_all('label', re.compile('Q8_0|Q2_K')))
        for n in range(2):
            self.ask(app, QUESTION, figures=False)
            app.find('label', 'Which answer is better?')
            self.assertFalse(app.find_all('label', re.compile('tokens/s|Q8_0|Q2_K')))
            quern_ui.wait_for('reasoning and answer, of one prompt', lambda: len(app.find_all('label', re.compile('is Paris'))) == 4)
            app.find('button', 'A Is Better').click()
            app.find('label', re.compile('^You preferred Quern Tiny Q'))
            quern_ui.wait_for('both names', lambda: len(app.find_all('label', re.compile('^[AB] · Q'))) == 2)
        app.screenshot('compare-blind')
        app.find('button', 'All Votes…').click()
        app.find('label', re.compile(r'^\d to \d · 0 equal · 0 both bad$'))
        app.find('label', re.compile('^Ratings need 10 votes'))
        app.key('Escape')
        self.choose(app, BLIND)
        app.find('label', re.compile('better: [12]'))

    def test_late_column(self):
        """A column that came after the question says so, and answers it when asked to."""
        app = self.open_page()
        self.ask(app, QUESTION)
        app.find('button', 'Add a Column').click()
        app.find('label', 'This model was not asked this question.')
        app.find('button', 'Ask This Model').click()
        quern_ui.wait_for('three answers', lambda: len(app.find_all('label', 'Writes')) == 3)
        app.wait_gone('label', 'This model was not asked this question.')

    def test_differences_in_words(self):
        app = self.open_page()
        self.think(app, False)
        self.ask(app, STORY)
        self.choose(app, DIFFERENCES)
        app.find('label', re.compile('differ|identical'))
        text = app.find('text', 'Both answers')
        self.assertTrue(text.text)
        if app.find_all('button', 'Next Difference'):  # not there when both wrote the same
            app.find('button', 'Next Difference').click()
            app.find('label', re.compile('^Quern Tiny Q8_0: .*\nQuern Tiny Q2_K: ', re.DOTALL))
            app.find('label', re.compile('^1 of '))

    def test_questions(self):
        app = self.open_page()
        self.choose(app, QUESTIONS)
        app.find('button', 'Ask').click()
        quern_ui.wait_for('every answer', lambda: len(app.find_all('label', re.compile('^\\d+ of 12 questions$'))) == 2)
        app.find('label', re.compile('^\\d+ % flips, p = '))
        app.find('button', 'Ask')  # it is there again
        app.screenshot('compare-questions')

    def test_export(self):
        """Each format can be chosen from the menu; the JSON is a comparison with both columns."""
        app = self.open_page()
        self.ask(app, QUESTION)
        self.choose(app, 'Export')
        for label in ('HTML…', 'Markdown…', 'JSON…'):
            item = self.find_item(app, label)
        item.click()
        app.finish_chooser(app.chooser('Export Comparison').find('button', 'Save'))
        path = os.path.join(self.desktop.folder, 'Comparison.json')  # where the program was started
        quern_ui.wait_for('the file', lambda: os.path.exists(path) and os.path.getsize(path) > 0)
        with open(path, encoding='utf-8') as file:
            exported = json.load(file)
        self.assertEqual([column['answers'][0]['answer'] for column in exported['columns']],
                         ['The capital of France is Paris.'] * 2)

    def test_together(self):
        """How they run can be chosen, is written into the result and said beside the figures."""
        app = self.open_page()
        self.choose(app, 'Together (Timings Cannot Be Compared)')
        self.ask(app, QUESTION)
        quern_ui.wait_for('what both say', lambda: len(app.find_all('label', re.compile('timings cannot be compared'))) == 2)
        self.choose(app, 'One After Another')
        self.ask(app, QUESTION)
        app.wait_gone('label', re.compile('timings cannot be compared'))

    def test_heat_map_by_keys(self):
        """From marked token to marked token with the keyboard; what both found likeliest is shown and said."""
        app = self.open_page()
        self.choose(app, MEASURE)
        app.find('button', 'Measure').click()
        app.find('label', re.compile('is the smallest model that is not worse|no smaller model is as good as'), timeout=300)
        app.find('label', re.compile('^Q2_K would have chosen another token than Q8_0 at one of'), showing=False)
        self.assertEqual(len(app.find_all('label', re.compile(r'^• After “.*”, Q8_0 goes on with “.+” \(\d+ %\), Q2_K with “.+” \(\d+ %\)\.$'),
                                          showing=False)), 3)
        app.find('button', 'Copy as Markdown', showing=False).click()
        app.find('button', 'Copied', showing=False)
        text = app.find('text', 'Text with divergences', showing=False)
        for n in range(80):  # round after round, each slower than the one before
            app.key('Tab')
            app.settle(0.1 + n // 20 * 0.5)
            if text.has_state('focused'):
                break
        text.wait(lambda node: node.has_state('focused'))
        app.key('ctrl+Right')
        text.wait(lambda node: re.match('“.*”: divergence 0', node.description))
        first = text.description
        app.key('Return')
        app.find('label', re.compile(r'^Divergence \d'))
        quern_ui.wait_for('both lists', lambda: len(app.find_all('label', re.compile(r'^“.*” \d+\.\d %$', re.DOTALL))) == 10)
        app.screenshot('compare-heat')
        app.key('ctrl+Right')
        text.wait(lambda node: node.description != first)
        app.key('Escape')
        app.wait_gone('label', re.compile(r'^Divergence \d'))
        app.find('label', 'Measure')  # the dialog is still there


if __name__ == '__main__':
    quern_ui.main()
