#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench clients: the clients that programs are written with, on quern-cli serve with Quern Tiny.

usage: clients.py [--peer PROGRAM] [--url BASE-URL --model ID] [--shell COMMAND]

Installs `openai`, `ai` and `@ai-sdk/openai-compatible` from npm, and Debian's packages of Python's `openai` and `ollama`, into the cache
folder, outside the tree and the root, and prints a table of checks (clients.mjs, clients-python.py). Needs node and npm on the
host. --shell: what runs commands where the build's programs run, instead of `./dev shell`. --peer names a program that runs llama.cpp's tools
(tools/peer): the same requests go to its llama-server, too, and the members of both answers are compared. --url: another
server in place of quern-cli serve."""
import argparse, json, os, shlex, shutil, signal, socket, subprocess, sys, time, urllib.error, urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'quern-dev', 'clients')
PACKAGES = ['openai@^6', 'ai@^5', '@ai-sdk/openai-compatible@^1']
PYTHON_PACKAGES = ['python3-openai', 'python3-ollama']
# Unpacks the packages and what they depend on, which the root need not have, into ./python.
UNPACK = """set -e
mkdir -p debs python
cd debs
apt-get download -q $(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
  grep '^python3-' | grep -v '^python3-minimal' | sort -u)
for one in *.deb; do dpkg -x "$one" ../python; done
touch ../python/done"""
TINY = os.path.join(TOP, 'data', 'quern-tiny')


def start(command, **more):
    return subprocess.Popen(command, start_new_session=True, **more)


def stop(process):
    """Ends a program that was started here, with what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=60)


def install():
    os.makedirs(CACHE, exist_ok=True)
    if not os.path.isdir(os.path.join(CACHE, 'node_modules', 'openai')):
        subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--silent', *PACKAGES], cwd=CACHE, check=True)
    for name in 'clients.mjs', 'clients-python.py':
        shutil.copy(os.path.join(TOP, 'tests', 'bench', name), CACHE)


def install_python(shell):
    if not os.path.exists(os.path.join(CACHE, 'python', 'done')):
        subprocess.run([*shell, 'sh', '-c', UNPACK, 'sh', *PYTHON_PACKAGES], cwd=CACHE, check=True, stdout=subprocess.DEVNULL)


def show(run):
    """Prints the lines of a client's checks as a table; whether all went well."""
    for line in run.stdout.splitlines():
        state, client, check, *why = line.split('\t')
        print(f'{state:7}{client:28}{check}{": " + why[0] if why else ""}')
    print(run.stderr, end='', file=sys.stderr)
    return run.returncode == 0


def request(url, body=None):
    """Status and JSON of an answer; of a stream, a list of its events."""
    data = None if body is None else json.dumps(body).encode()
    message = urllib.request.Request(url, data, {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(message, timeout=120) as reply:
            status, text = reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    if text.startswith('data: '):
        return status, [json.loads(line[6:]) for line in text.split('\n\n') if line.startswith('data: {')]
    return status, json.loads(text) if text else None


def members(value, path=''):
    """Paths of all members, with the types of values: lists count once."""
    if isinstance(value, dict):
        return {item for name, one in value.items() for item in members(one, f'{path}.{name}')}
    if isinstance(value, list):
        return {item for one in value for item in members(one, f'{path}[]')} or {path + '[]'}
    return {path + ': ' + {str: 'text', bool: 'bool', int: 'number', float: 'number', type(None): 'null'}[type(value)]}


def requests(model):
    user = [{'role': 'user', 'content': 'What is the capital of France?'}]
    chat = lambda **more: ('/v1/chat/completions', {'model': model, 'messages': user, 'temperature': 0, 'max_tokens': 40, **more})
    think = {'chat_template_kwargs': {'enable_thinking': True}}
    plain = {'chat_template_kwargs': {'enable_thinking': False}}
    schema = {'type': 'object', 'properties': {'n': {'enum': [1, 2]}}, 'required': ['n'], 'additionalProperties': False}
    tool = [{'type': 'function', 'function': {'name': 'f', 'parameters': schema}}]
    return [
        ('models', '/v1/models', None), ('health', '/health', None),
        ('chat', *chat(**plain)), ('chat, thinking', *chat(**think)),
        ('stream', *chat(stream=True, **plain)), ('stream, thinking', *chat(stream=True, **think)),
        ('stream, usage', *chat(stream=True, stream_options={'include_usage': True}, **plain)),
        ('length', *chat(**plain) [:1], {**chat(**plain)[1], 'max_tokens': 2}), ('logprobs', *chat(logprobs=True, top_logprobs=2, **plain)),
        ('stream, logprobs', *chat(logprobs=True, top_logprobs=2, stream=True, **plain)),
        ('json_schema', *chat(response_format={'type': 'json_schema', 'json_schema': {'name': 'x', 'schema': schema}}, **plain)),
        ('json_object', *chat(response_format={'type': 'json_object'}, **plain)),
        ('stop', *chat(stop=['France'], **plain)), ('tools', *chat(tools=tool, tool_choice='required', **plain)),
        ('completions', '/v1/completions', {'model': model, 'prompt': 'The capital of', 'max_tokens': 4, 'temperature': 0}),
        ('completions, stream', '/v1/completions', {'model': model, 'prompt': 'The capital of', 'max_tokens': 4, 'stream': True}),
        ('tokenize', '/tokenize', {'content': 'Hello', 'with_pieces': True}), ('detokenize', '/detokenize', {'tokens': [100, 200]}),
        ('input_tokens', '/v1/chat/completions/input_tokens', chat(**plain)[1]),
        ('bad value', *chat(**plain)[:1], {**chat(**plain)[1], 'temperature': 'hot'}), ('embeddings', '/v1/embeddings', {'input': 'x'}),
    ]


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def compare(ours, model, peer):
    port = free_port()
    log = open(os.path.join(CACHE, 'llama-server.log'), 'w')
    server = start([peer, 'llama-server', '-m', '/data/quern-tiny-Q8_0.gguf', '--port', str(port), '-t', '1', '-c', '2048', '-np', '1'],
                   env={**os.environ, 'PEER_DATA': TINY}, stdout=log, stderr=log)
    theirs = f'http://127.0.0.1:{port}'
    try:
        for _ in range(240):
            try:
                if request(theirs + '/health')[0] == 200:
                    break
            except (OSError, ValueError):
                pass
            time.sleep(0.5)
        print(f'\n{"request":22}{"status":>10}  only llama-server | only Quern')
        for name, path, body in requests(model):
            (a, there), (b, here) = request(theirs + path, body and {**body, 'model': ''}), request(ours + path, body)
            there, here = members(there), members(here)
            bare = lambda paths: {one.split(':')[0] for one in paths}
            only = lambda one, other: ', '.join(sorted(bare(one) - bare(other))) or '-'
            print(f'{name:22}{a:>5}/{b:<4}  {only(there, here)} | {only(here, there)}')
    finally:
        stop(server)


def main():
    parser = argparse.ArgumentParser(description='clients of OpenAI-compatible servers on quern-cli serve')
    parser.add_argument('--peer')
    parser.add_argument('--url')
    parser.add_argument('--model', default='quern-tiny-Q8_0')
    parser.add_argument('--shell', default=os.path.join(TOP, 'dev') + ' shell')
    options = parser.parse_args()
    if not shutil.which('node') or not shutil.which('npm'):
        sys.exit('bench clients: this needs node and npm on the host')
    shell = shlex.split(options.shell)
    install()
    install_python(shell)
    server, base = None, options.url
    if not base:
        server = start([*shell, 'quern-cli', 'serve', '--port', '0', '--quiet', '--ctx', '2048', '-m', 'quern-tiny'],
                       stdout=subprocess.PIPE, text=True)
        base = server.stdout.readline().strip()
    try:
        model = request(base + '/models')[1]['data'][0]['id'] if server else options.model
        run = subprocess.run(['node', os.path.join(CACHE, 'clients.mjs'), base, model], capture_output=True, text=True, cwd=CACHE)
        ok = show(run)
        packages = os.path.join(CACHE, 'python', 'usr', 'lib', 'python3', 'dist-packages')
        run = subprocess.run([*shell, 'env', 'PYTHONPATH=' + packages, 'python3', os.path.join(CACHE, 'clients-python.py'), base, model],
                             capture_output=True, text=True, cwd=CACHE)
        ok = show(run) and ok
        if options.peer:
            compare(base.removesuffix('/v1'), model, options.peer)
    finally:
        if server:
            stop(server)
    sys.exit(0 if ok else 1)


if __name__ == '__main__':
    main()
