#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what llama-server answers, for the simulated one of the tests:

    tests/servers/record.py [--peer COMMAND] [FOLDER]

COMMAND runs a program in a root that has llama.cpp's tools, with the folder PEER_DATA as /data (default: ../shared/tools/peer
beside the checkout). The files llama*.json are written into FOLDER (default: this one).

    tests/servers/record.py [--peer COMMAND] --run PROGRAM [ARGUMENT…]

runs a program while llama-server serves Quern Tiny at the address in QUERN_LLAMA_SERVER."""
import argparse
import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TINY = os.path.join(ROOT, 'data', 'quern-tiny')
PORT = 19932


def ask(path, body=None, key=None, text=None):
    """Status, headers and text of an answer; status 0 where nothing listens."""
    headers = {'Content-Type': 'application/json'}
    if key:
        headers['Authorization'] = f'Bearer {key}'
    data = text.encode() if text else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f'http://127.0.0.1:{PORT}{path}', data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return 0, {}, ''


class Server:
    """llama-server with some arguments, while it is needed."""

    def __init__(self, peer, *arguments):
        command = [*peer, 'llama-server', '--host', '127.0.0.1', '--port', str(PORT), '-t', '1', '--jinja', *arguments]
        self.process = subprocess.Popen(command, env={**os.environ, 'PEER_DATA': TINY}, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def wait(self):
        for _ in range(600):
            if ask('/health')[0] == 200:
                return self
            time.sleep(0.1)
        sys.exit('llama-server does not come up')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def record(replies, path, body=None, when=None, **options):
    status, headers, text = ask(path, body, **options)
    kind = headers.get('Content-Type', 'text/plain')
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    entry = {'path': path, 'status': status, 'type': kind, 'body': value}
    if when:
        entry['when'] = when
    replies.append(entry)


def write(folder, name, about, replies):
    with open(os.path.join(folder, name + '.json'), 'w', encoding='utf-8') as file:
        json.dump({'about': about, 'headers': 'Server: llama.cpp\r\n', 'replies': replies}, file, indent=1, ensure_ascii=False)
        file.write('\n')
    print(f'{name}: {len(replies)} replies')


def chat(question, think, **more):
    return {'model': 'quern-tiny', 'messages': [{'role': 'user', 'content': question}], 'stream': True, 'temperature': 0,
            'stream_options': {'include_usage': True}, 'return_progress': True, 'reasoning_control': think,
            'chat_template_kwargs': {'enable_thinking': think}, **({} if think else {'reasoning_effort': 'none'}), **more}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--peer', default='sh ' + os.path.join(ROOT, '..', 'shared', 'tools', 'peer'))
    parser.add_argument('--run', nargs=argparse.REMAINDER)
    parser.add_argument('folder', nargs='?', default=HERE)
    arguments = parser.parse_args()
    peer = arguments.peer.split()
    model = ['-m', '/data/quern-tiny-Q8_0.gguf', '-c', '2048', '--alias', 'quern-tiny']
    vision = ['--mmproj', '/data/mmproj-quern-tiny-F16.gguf']
    if arguments.run:
        with Server(peer, *model, *vision).wait():
            environment = {**os.environ, 'QUERN_LLAMA_SERVER': f'http://127.0.0.1:{PORT}'}
            sys.exit(subprocess.run(arguments.run, env=environment, check=False).returncode)
    picture = os.path.join(TINY, 'images', sorted(os.listdir(os.path.join(TINY, 'images')))[0])
    with open(picture, 'rb') as file:
        url = 'data:image/png;base64,' + base64.b64encode(file.read()).decode()
    seen = [{'type': 'image_url', 'image_url': {'url': url}}, {'type': 'text', 'text': 'What do you see?'}]
    completions = '/v1/chat/completions'
    with Server(peer, *model, *vision).wait():
        version = json.loads(ask('/props')[2])['build_info']
        about = f'llama-server {version} with Quern Tiny, recorded by record.py'
        replies = []
        for path in ('/health', '/props', '/v1/models', '/slots'):
            record(replies, path)
        record(replies, completions + '/input_tokens', chat('What is 47 + 38?', True))
        record(replies, completions, chat('word ' * 3000, False), when='word word word word')
        record(replies, completions, text='{"messages":[{"role":"user","content":"wrong type"}],"temperature":"hot"}',
               when='"temperature":"hot"')
        record(replies, completions, chat(seen, False, max_tokens=32), when='image_url')
        record(replies, completions, chat('Count from one to ten.', False, max_tokens=3), when='"max_tokens":3')
        begun = chat('What is the capital of France?', False)
        begun['messages'].append({'role': 'assistant', 'content': 'The capital of'})
        record(replies, completions, begun, when='"content":"The capital of"')
        begun = chat('What is 47 + 38?', True)
        begun['messages'].append({'role': 'assistant', 'content': '', 'reasoning_content': 'Ones: 7+8=15'})
        record(replies, completions, begun, when='"reasoning_content":"Ones: 7+8=15"')
        record(replies, completions, chat('What is 47 + 38?', True), when='"enable_thinking":true')
        record(replies, completions, chat('What is the capital of France?', False), when='"enable_thinking":false')
        record(replies, completions + '/control', {'id': 'chatcmpl-x', 'action': 'reasoning_end'})
        record(replies, '/nothing')
        del replies[-1]['path']
        write(arguments.folder, 'llama', about, replies)
    with Server(peer, *model).wait():
        replies = []
        for path in ('/props', '/v1/models'):
            record(replies, path)
        record(replies, completions, chat(seen, False), when='image_url')
        write(arguments.folder, 'llama-blind', about + ', without its vision file', replies)
    with Server(peer, *model, '--api-key', 'the-key').wait():
        replies = []
        for path in ('/health', '/props', '/v1/models'):
            record(replies, path)
        record(replies, completions, chat('Hello!', False))
        write(arguments.folder, 'llama-key', about + ', asked without its key', replies)
    with Server(peer, '--models-dir', '/data').wait():
        replies = []
        for path in ('/health', '/props', '/v1/models'):
            record(replies, path)
        record(replies, completions, {**chat('Hello!', False), 'model': 'nope'}, when='"nope"')
        write(arguments.folder, 'llama-router', about + ', as a router of models', replies)
    # A tiny model is loaded at once, so that the answers given meanwhile take some tries.
    for _ in range(50):
        replies = []
        with Server(peer, *model, *vision):
            while ask('/health')[0] == 0:
                pass
            for path in ('/health', '/props', '/v1/models'):
                record(replies, path)
        if all(reply['status'] == 503 for reply in replies):
            write(arguments.folder, 'llama-loading', about + ', while it loads the model', replies)
            return
    sys.exit('llama-server was never seen loading')


if __name__ == '__main__':
    main()
