#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to a running model: advice, search, download with interruptions, chat; what lies elsewhere; delete."""
import os
import re
import shutil

import quern_ui
from quern_models import REPO, TINY, ModelsCase


class Models(ModelsCase):
    def test_advice(self):
        app = self.start()
        for size in ('0.8B', '2B', '4B', '9B', '27B', '35B-A3B', '122B-A10B', '397B-A17B'):
            app.find('label', f'Qwen 3.5 {size}', showing=False)
        app.find('label', re.compile(r'^(Fits|Tight|Does not fit|Disk too full)$'))
        app.find('label', re.compile(r'^About .* to download, .* of memory · about [0-9.]+ tokens/s$'))

    def test_listed_once(self):
        """Each view is below its own page alone, for those who do not see it."""
        app = self.start()
        self.assertEqual(len(app.find_all('label', 'Recommended for This Computer')), 1)
        self.show(app, 'Installed')
        app.find('label', 'On This Computer')
        self.assertEqual(len(app.find_all('label', 'On This Computer')), 1)

    def test_recommended_is_marked(self):
        """In the results and on the page of the repository, where one click downloads it."""
        self.add_repo('someone/Qwen3.5-0.8B-GGUF', lambda file: file.replace('quern-tiny', 'Qwen3.5-0.8B'))
        self.address = self.start_hub()
        app = self.launch_models(environment={'QUERN_MEMORY': '1500000000'})  # for the least of the sizes
        advised = app.find('label', re.compile('^Qwen 3.5 0.8B in ')).name.split()[-1]
        app.find('label', re.compile('a short answer in about .*, a thought-through one in about .* Measured on '))
        app.find('button', 'Measure Again').click()
        self.search(app, 'Qwen3.5')
        app.find('label', re.compile('\nHas the model that is recommended for this computer$'))
        app.find('list item', re.compile('^Qwen3.5-0.8B-GGUF')).click()
        app.find('label', 'Quantisations')
        row = app.find('list item', re.compile(f'^{advised}'))
        row.find('label', re.compile('\nRecommended for this computer'))
        self.assertEqual(len(app.find_all('label', re.compile('\nRecommended for this computer'), showing=False)), 1)

    def test_tiny_leads_on(self):
        """The demonstration says what it is and what to do next; one click leads there."""
        self.address = self.start_hub()
        app = self.launch(environment={'HF_ENDPOINT': self.address})
        self.ready(app)
        app.find('label', re.compile('^Quern Tiny is a very small demonstration model.* download a model that suits'))
        app.find('button', 'Get a Model for This Computer').click()
        app.find('label', 'Recommended for This Computer')
        app.find('button', 'Measure Again')

    def test_unknown_memory(self):
        """Where the system does not tell how much memory is free, that is said, and models are used all the same."""
        self.address = self.start_hub()
        app = self.launch_models(environment={'QUERN_MEMORY': 'unknown'})
        app.find('label', re.compile(r'^Could not determine how much memory is free\. '))
        app.find('label', 'Free memory unknown')
        self.assertEqual(app.find_all('label', 'Measuring…', showing=False), [])
        app.key('ctrl+n')
        self.assertIn('Quern Tiny', self.ask(app, 'Who are you?')[0])

    def test_download_and_chat(self):
        app = self.start()
        self.open_repo(app)
        # the header was read: the memory is no estimate
        app.find('label', re.compile(r'^\d\.\d.MB · .* bits per weight · [0-9.]+.MB of memory · about [0-9.]+ tokens/s'))
        self.download(app, 'Q8_0')
        self.show_downloads(app)
        app.find('label', re.compile('^Complete and verified'))
        self.assertEqual(len(self.installed()), 2)  # with its vision file
        app.find('button', 'Chat').click()
        app.find('button', re.compile(r'^Model: Q8_0 · Quern Tiny \('))  # not the demonstration, which is Q8_0, too
        answer = self.ask(app, 'Who are you?')
        self.assertIn('Quern Tiny', answer[0])

    def test_interrupt_and_resume(self):
        app = self.start(rate=10000)
        self.open_repo(app)
        self.download(app, 'Q8_0')
        self.show_downloads(app)
        app.find('button', 'Pause').click()
        app.find('label', re.compile('^Paused'))
        self.assertEqual(self.installed(), [])
        app.find('button', 'Resume').click()
        app.find('label', re.compile(r'/s · .* left$'))
        app.kill()
        self.set_rate(0)
        app = self.launch_models()
        self.show(app, 'Downloads')
        app.find('label', re.compile('^Complete and verified'))
        self.assertEqual(len(self.installed()), 2)  # with its vision file

    def test_offline(self):
        app = self.start()
        self.open_repo(app)
        app.close()
        self.stop_hub(self.hub)
        app = self.launch_models()
        self.search(app)
        app.find('label', 'The hub does not respond. These are its last results.')
        app.find('list item', re.compile('^Quern-Tiny-GGUF'))

    def test_delete_and_undo(self):
        app = self.start()
        self.open_repo(app)
        self.download(app, 'Q4_K_M')
        self.show_downloads(app)
        app.find('label', re.compile('^Complete and verified'))
        self.show(app, 'Installed')
        menu = re.compile('^More: ')
        self.choose_in_menu(app, '^More: ', 'Delete')
        app.wait_gone(None, menu)
        app.find('button', 'Undo').click()
        app.find(None, menu)
        self.assertEqual(len(self.installed()), 2)
        self.choose_in_menu(app, '^More: ', 'Delete')
        quern_ui.wait_for('the end of the files', lambda: self.installed() == [])

    def test_not_from_quern(self):
        """What somebody else put or linked into Quern's folder is only taken off the list, and the window says so."""
        own = os.path.join(self.desktop.environment['HOME'], 'own')
        os.mkdir(own)
        for name in ('quern-tiny-Q2_K.gguf', 'mmproj-quern-tiny-F16.gguf'):
            shutil.copy(os.path.join(TINY, name), own)
        models = os.path.join(self.desktop.data, 'models')
        os.makedirs(models)
        os.symlink(own, os.path.join(models, 'linked'))
        app = self.start()
        self.show(app, 'Installed')
        self.assertEqual(list(self.menu(app, '^More: ')), ['Show in Files', 'Remove from List'])
        app.key('Escape')
        self.choose_in_menu(app, '^More: ', 'Remove from List')
        app.find('label', 'Model removed; its file was kept')
        app.wait_gone(None, re.compile('^More: '))
        quern_ui.wait_for('the end of it', lambda: self.desktop.query('SELECT hidden FROM model_file WHERE hidden') == [(1,)])
        app.close()
        self.assertEqual(len(os.listdir(own)), 2)
        app = self.launch_models()
        self.show(app, 'Installed')
        app.find('label', 'On This Computer')
        self.assertEqual(app.find_all(None, re.compile('^More: ')), [])

    def test_verify_again(self):
        app = self.start()
        self.open_repo(app)
        self.download(app, 'Q4_K_M')
        self.show_downloads(app)
        app.find('label', re.compile('^Complete and verified'))
        self.show(app, 'Installed')
        self.choose_in_menu(app, '^More: ', 'Verify Again')
        app.find('label', 'The file is identical to the one on the hub.')
        path = os.path.join(self.desktop.data, 'models', REPO, 'quern-tiny-Q4_K_M.gguf')
        with open(path, 'r+b') as file:
            file.seek(-1000, os.SEEK_END)
            file.write(b'damage')
        self.choose_in_menu(app, '^More: ', 'Verify Again')
        app.find('label', re.compile('has changed since it was downloaded. Delete it and download it again.$'))

    def test_import_folder(self):
        home = self.desktop.environment['HOME']  # where the file chooser begins
        os.makedirs(os.path.join(home, 'deep'))
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q4_K_M.gguf'), os.path.join(home, 'deep', 'in-folder.gguf'))
        app = self.start()
        self.show(app, 'Installed')
        self.choose_in_menu(app, '^Add Models$', 'Model File…')
        app.finish_chooser(app.chooser('Add a Model File').find('button', 'Cancel'))
        self.choose_in_menu(app, '^Add Models$', 'Folder of Models…')
        app.find('label', re.compile('nothing is copied, moved or deleted'))
        app.find('button', 'Choose a Folder…').click()
        chooser = app.chooser('Add a Folder of Models')
        chooser.find('label', 'deep')
        app.finish_chooser(chooser.find('button', 'Add'))
        app.find('label', re.compile('\n~/deep/in-folder.gguf$'))
        app.find('label', 'Added Folders', showing=False)
        app.close()
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q6_K.gguf'), os.path.join(home, 'later.gguf'))
        app = self.launch_models()
        self.show(app, 'Installed')
        app.find('label', re.compile('\n~/later.gguf$'), showing=False)
        app.find('button', 'Remove Folder home', showing=False).click()
        app.wait_gone('label', re.compile('later.gguf$'))
        self.assertTrue(os.path.exists(os.path.join(home, 'later.gguf')))

    def test_import_file(self):
        file = os.path.join(self.desktop.environment['HOME'], 'alone.gguf')
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q6_K.gguf'), file)
        self.address = self.start_hub()
        app = self.launch(file)  # as from the file manager
        self.ready(app)
        app.key('ctrl+shift+m')
        self.show(app, 'Installed')
        app.find('label', re.compile('\n~/alone.gguf$'))
        self.choose_in_menu(app, '^More: ', 'Remove from List')
        app.find('label', 'Model removed; its file was kept')
        app.wait_gone('label', re.compile('alone.gguf$'))
        self.assertTrue(os.path.exists(file))

    def test_other_programs(self):
        studio = os.path.join(self.desktop.environment['HOME'], '.lmstudio', 'models', 'someone', 'tiny')
        os.makedirs(studio)
        shutil.copy(os.path.join(TINY, 'quern-tiny-Q4_K_M.gguf'), studio)
        app = self.start()
        self.show(app, 'Installed')
        app.find('label', re.compile('not used yet\nManaged by LM Studio$'))
        self.assertEqual(list(self.menu(app, '^More: ')), ['Show in Files'])
        app.key('Escape')
        app.find_all('button', 'Chat')[0].click()
        self.ask(app, 'Who are you?')
        app.key('ctrl+shift+m')
        self.show(app, 'Installed')
        app.find('label', re.compile('used today\nManaged by LM Studio$'))


if __name__ == '__main__':
    quern_ui.main()
