#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of downloads as people meet it: order, speed, a full disk, a metered network; and what the desktop hears."""
import os
import re
import subprocess

import quern_ui
from quern_models import ModelsCase, Services


class Downloads(ModelsCase):
    def services(self, **options):
        services = Services(self.desktop, **options)
        self.addCleanup(services.close)
        return services

    def add_download(self, app, label):
        """From the model's page; ends in the list of downloads."""
        if not app.find_all('button', f'Download {label}'):
            self.open_repo(app)
        self.download(app, label)
        self.show_downloads(app)
        app.find('label', 'Speed Limit', showing=False)

    def titles(self, app):
        return [node.name.split(' · ')[0] for node in app.find_all('label', re.compile(' · quern/Quern-Tiny-GGUF$'))]

    def stored(self):
        return [row[0] for row in self.desktop.query('SELECT label FROM downloads ORDER BY position', database='downloads.db')]

    def test_order(self):
        app = self.start(rate=10000)
        for label in ('Q8_0', 'Q4_K_M', 'Q6_K'):
            self.add_download(app, label)
        quern_ui.wait_for('three downloads', lambda: self.titles(app) == ['Q8_0', 'Q4_K_M', 'Q6_K'])
        app.find_all('button', 'Download Sooner')[-1].click()
        quern_ui.wait_for('another order', lambda: self.titles(app) == ['Q8_0', 'Q6_K', 'Q4_K_M'])
        quern_ui.wait_for('the order on the disk', lambda: self.stored() == ['Q8_0', 'Q6_K', 'Q4_K_M'])
        app.kill()
        app = self.launch_models()
        self.show(app, 'Downloads')
        quern_ui.wait_for('the order of before', lambda: self.titles(app) == ['Q8_0', 'Q6_K', 'Q4_K_M'])

    def test_speed_limit(self):
        app = self.start(rate=10000)
        self.add_download(app, 'Q8_0')
        app.find('combo box', 'Speed Limit').click()
        app.find('label', '1 MB/s')
        app.key('Down', 'Return')
        app.wait_gone('label', 'No limit')
        app.close()
        app = self.launch_models()
        self.show(app, 'Downloads')
        app.find('label', '1 MB/s')  # is kept

    def test_unverified(self):
        app = self.start()
        self.add_fault(kind='listed-hash', path='/api/', value=0)
        self.add_fault(kind='linked-hash', path='/resolve/', value=0)
        self.add_download(app, 'Q8_0')
        app.find('label', re.compile('^Complete, not verified'))
        self.show(app, 'Installed')
        app.find('label', re.compile('not verified'))

    def test_asked_to_wait(self):
        app = self.start()
        self.add_fault(kind='status', path='/cdn/', value=503, after=86400)
        self.add_download(app, 'Q8_0')
        app.find('label', re.compile(r'The server is busy, trying again in .*\d:\d\d'))
        app.find('button', 'Pause').click()
        app.find('label', re.compile('^Paused'))

    def test_stalled(self):
        """What comes too slowly to tell when it will be here says so, instead of counting hours."""
        app = self.start(rate=10000)
        self.add_download(app, 'Q8_0')
        app.find('label', re.compile(r'/s · .* left$'))
        self.set_rate(100)
        app.find('label', re.compile('Nothing arrives at the moment; Quern keeps trying$'))
        self.assertEqual(app.find_all('label', re.compile(' left$')), [])
        self.set_rate(0)
        app.find('label', re.compile('^Complete and verified'))

    def test_no_address(self):
        self.address = 'ftp://mirror.example'
        app = self.launch_models()
        self.show(app, 'Search')
        app.find('label', re.compile('^HF_ENDPOINT is “ftp://mirror.example”'))

    def test_no_space(self):
        models = os.path.join(self.desktop.data, 'models')
        os.makedirs(models)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', models], stderr=subprocess.DEVNULL).returncode:
            self.skipTest('cannot mount a small disk')
        self.addCleanup(subprocess.run, ['umount', '-l', models])
        app = self.start()
        self.add_download(app, 'Q8_0')
        app.find('label', re.compile(r'^[0-9.]+.MB more disk space needed$'))
        app.find('label', re.compile(r'^[0-9.]+.MB more disk space is needed. Free up some space, then resume.$'))
        app.find('button', 'Manage Models').click()
        app.find('label', 'On This Computer')
        self.show(app, 'Downloads')
        subprocess.run(['mount', '-o', 'remount,size=64m', models], check=True)
        app.find('button', 'Resume').click()
        app.find('label', re.compile('^Complete and verified'))
        app.wait_gone('label', re.compile('more disk space needed$'))

    def test_metered(self):
        services = self.services(metered=True)
        self.address = self.start_hub(rate=10000)
        app = self.launch_models(environment=services.environment)
        self.open_repo(app)
        app.find('button', 'Download Q8_0').click()
        app.find('label', 'Use a Metered Network?')
        app.find('button', 'Cancel').click()
        app.wait_gone('label', 'Use a Metered Network?')
        app.find('button', 'Download Q8_0').click()
        app.find('button', 'Download').click()
        app.find('label', 'Download of Q8_0 started')
        self.show_downloads(app)
        app.find('label', re.compile(r'/s · .* left$'))
        app.kill()
        app = self.launch_models(environment=services.environment)  # does not go on unasked
        self.show(app, 'Downloads')
        app.find('label', 'This network is metered, and downloads may cost money. Downloads are paused.')
        app.find('label', re.compile('^Waiting · '))
        services.set_metered(False)
        app.wait_gone('label', 'This network is metered, and downloads may cost money. Downloads are paused.')
        app.find('label', re.compile(r'/s · .* left$'))
        services.set_metered(True)
        app.find('label', re.compile('^Waiting · '))
        self.set_rate(0)
        app.find('button', 'Download Anyway').click()
        app.find('label', re.compile('^Complete and verified'))

    def test_desktop_hears(self):
        services = self.services()
        self.address = self.start_hub(rate=10000)
        app = self.launch_models(environment=services.environment)
        self.add_download(app, 'Q8_0')
        inhibit = services.wait('Inhibit')['arguments']
        self.assertEqual(inhibit[2:], ['Downloading a model', 4])  # 4: suspending
        app.find('button', re.compile(r'^Downloads: \d+ % · '))  # in the header
        entry = services.wait('launcher')
        self.assertEqual(entry['uri'], 'application://io.github.quern.Quern.desktop')
        self.assertTrue(entry['progress_visible'])
        self.set_rate(0)
        quern_ui.wait_for('the end', lambda: len(self.installed()) == 2)

    def test_toast_where_one_looks(self):
        services = self.services()
        self.address = self.start_hub()
        app = self.launch_models(environment=services.environment)
        self.add_download(app, 'Q4_K_M')
        app.find('label', 'quern/Quern-Tiny-GGUF (Q4_K_M) is ready.')
        app.wait_gone('button', re.compile('^Downloads: '))
        self.assertEqual(services.all('Notify'), [])


if __name__ == '__main__':
    quern_ui.main()
