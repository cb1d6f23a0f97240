#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Python's `openai` and `ollama` against a server: clients-python.py BASE-URL MODEL (clients.py). One line for each check, as
clients.mjs writes them; "task" lines are a multiple-choice task, asked as lm-eval's local-completions asks it."""
import sys

import ollama
import openai

BASE, MODEL = sys.argv[1:3]
QUESTION, ANSWER = 'What is the capital of France?', 'The capital of France is Paris.'
MESSAGES = [{'role': 'user', 'content': QUESTION}]
CITIES = {'France': 'Paris', 'Kenya': 'Nairobi', 'Japan': 'Tokyo', 'Italy': 'Rome', 'Spain': 'Madrid', 'Egypt': 'Cairo',
          'Norway': 'Oslo', 'Peru': 'Lima', 'Germany': 'Berlin', 'Canada': 'Ottawa'}
failed = 0


def check(client, name):
    """Runs a function at once, as one check of a client."""
    def run(function):
        global failed
        try:
            function()
            print(f'ok\t{client}\t{name}')
        except Exception as error:  # whatever a client says is the result
            failed += 1
            print(f'FAILED\t{client}\t{name}\t' + (str(error) or type(error).__name__).splitlines()[0])
    return run


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


client = openai.OpenAI(base_url=BASE, api_key='nokey', max_retries=0)


def ask(**more):
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0, **more)


@check('openai (Python)', 'models.list')
def _():
    expect(MODEL in [one.id for one in client.models.list()], 'not listed')


@check('openai (Python)', 'chat')
def _():
    expect(ask().choices[0].message.content == ANSWER, 'another answer')


@check('openai (Python)', 'chat, streamed with usage')
def _():
    chunks = list(ask(stream=True, stream_options={'include_usage': True}))
    text = ''.join(one.choices[0].delta.content or '' for one in chunks if one.choices)
    expect(text == ANSWER and chunks[-1].usage.completion_tokens > 0, text)


@check('openai (Python)', 'tools')
def _():
    parameters = {'type': 'object', 'properties': {'city': {'enum': ['Paris', 'Rome']}}, 'required': ['city']}
    call = ask(tools=[{'type': 'function', 'function': {'name': 'weather', 'parameters': parameters}}],
               tool_choice='required').choices[0].message.tool_calls[0]
    expect(call.function.name == 'weather' and ('Paris' in call.function.arguments or 'Rome' in call.function.arguments),
           call.function.arguments)


@check('openai (Python)', 'unknown model: NotFoundError')
def _():
    try:
        client.chat.completions.create(model='gpt-4', messages=MESSAGES)
    except openai.NotFoundError as error:
        expect(error.code == 'model_not_found', str(error.code))
    else:
        expect(False, 'no error')


native = ollama.Client(host=BASE.removesuffix('/v1'))


@check('ollama (Python)', 'list, show')
def _():
    expect(any(one.model.startswith(MODEL) for one in native.list().models), 'not listed')
    expect('completion' in native.show(MODEL).capabilities, 'no capabilities')


@check('ollama (Python)', 'chat')
def _():
    reply = native.chat(model=MODEL, messages=MESSAGES, think=False, options={'temperature': 0})
    expect(reply.message.content == ANSWER and reply.eval_count > 0, reply.message.content)


@check('ollama (Python)', 'chat, streamed')
def _():
    parts = list(native.chat(model=MODEL, messages=MESSAGES, think=False, stream=True, options={'temperature': 0}))
    expect(''.join(one.message.content for one in parts) == ANSWER and parts[-1].done, 'another answer')


@check('ollama (Python)', 'unknown model: ResponseError')
def _():
    try:
        native.chat(model='nope', messages=MESSAGES)
    except ollama.ResponseError as error:
        expect(error.status_code == 404, str(error.status_code))
    else:
        expect(False, 'no error')


def score(context, continuation):
    """The logarithm of the probability that a text goes on so."""
    reply = client.completions.create(model=MODEL, prompt=context + continuation, max_tokens=1, temperature=0, logprobs=1, echo=True)
    told = reply.choices[0].logprobs
    return sum(value for value, at in zip(told.token_logprobs, told.text_offset)
               if len(context) <= at < len(context + continuation))


@check('task', 'ten items of four choices, by echo and logprobs')
def _():
    names, right = list(CITIES.values()), 0
    for i, (country, city) in enumerate(CITIES.items()):
        choices = [names[(i + k) % len(names)] for k in range(4)]
        scores = {one: score(f'The capital of {country} is', f' {one}.') for one in choices}
        best = max(scores, key=scores.get)
        right += best == city
        print(f'task\t{country}\t' + ', '.join(f'{one} {value:.3f}' for one, value in scores.items()) + f'\t{best}')
    print(f'task\tright\t{right} of {len(CITIES)}')


@check('task', 'scores are those of tokens that are written')
def _():
    for country in CITIES:
        context = f'The capital of {country} is'
        written = client.completions.create(model=MODEL, prompt=context, max_tokens=1, temperature=0, logprobs=1).choices[0]
        told = score(context, written.text)
        expect(abs(told - written.logprobs.token_logprobs[0]) < 0.01, f'{country}: {told} and {written.logprobs.token_logprobs[0]}')


sys.exit(failed > 0)
