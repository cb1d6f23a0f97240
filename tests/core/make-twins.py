#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes twins of Quern Tiny that say of themselves what files of other makers say: make-twins.py OUT NAME...

With another chat template:
  effort.gguf      that of Qwen 3.8: thinks by default, levels of effort, earlier reasoning is kept (qwen38.jinja)
  guarded.gguf     a larger model's with the guard of the small ones: does not think unless asked; advice on sampling
  plain.gguf       no switch for thinking (hermes.jinja)
  unreadable.gguf  one that does not parse
With other keys or tensors:
  gaps.gguf        tokens for filling a gap in a text, as models of code have them
  yarn.gguf        positions are scaled by 4, and the context is as much longer
  Twin-Q4_K_M.gguf, Twin-UD-Q4_K_XL.gguf  two recipes that the header numbers alike
  announced.gguf   a prediction block that is announced and not there
  companion.gguf   the prediction block alone
  type-N.gguf      one matrix as blocks of type N: 40, 42, 142, 144
Vision files and models that name a model, of one width:
  mmproj-a.gguf of "Apple 1B", mmproj-b.gguf of "Berry 1B", mmproj-unnamed.gguf; apple.gguf, berry.gguf, cherry.gguf,
  unnamed.gguf; tuned.gguf, a "Pie" that was made of "Berry 1B"
Standard library only.
"""
import os
import struct
import sys

SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
BLOCKS = {0: (1, 4), 1: (1, 2), 8: (32, 34), 12: (256, 144), 13: (256, 176), 14: (256, 210),
          40: (64, 36), 42: (64, 18), 142: (128, 34), 144: (256, 136)}
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')
TINY = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'data', 'quern-tiny')


def sized(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack('<Q', len(data)) + data


def string(text):
    return struct.pack('<I', 8) + sized(text)


def u32(value):
    return struct.pack('<II', 4, value)


def f32(value):
    return struct.pack('<If', 6, value)


class File:
    """keys: name -> type and value as they are in the file; tensors: name -> [ne, type, bytes]."""

    def __init__(self, name):
        with open(os.path.join(TINY, name), 'rb') as file:
            self.raw, self.at = file.read(), 8
        n_tensors, n_keys = self.read('QQ')
        self.keys, self.tensors, infos = {}, {}, []
        for _ in range(n_keys):
            key, start = self.string().decode(), self.at
            self.skip(*self.read('I'))
            self.keys[key] = self.raw[start:self.at]
        for _ in range(n_tensors):
            key, n_dims = self.string().decode(), self.read('I')[0]
            infos.append((key, list(self.read('Q' * n_dims))) + self.read('IQ'))
        base = (self.at + 31) // 32 * 32
        for key, ne, kind, offset in infos:
            self.tensors[key] = [ne, kind, self.raw[base + offset:base + offset + self.size(ne, kind)]]

    def read(self, form):
        out = struct.unpack_from('<' + form, self.raw, self.at)
        self.at += struct.calcsize('<' + form)
        return out

    def string(self):
        n, = self.read('Q')
        self.at += n
        return self.raw[self.at - n:self.at]

    def skip(self, kind):
        if kind == 8:
            self.string()
        elif kind == 9:
            inner, n = self.read('IQ')
            for _ in range(n):
                self.skip(inner)
        else:
            self.at += SCALARS[kind]

    @staticmethod
    def size(ne, kind):
        elements, size = BLOCKS[kind]
        for n in ne:
            size *= n
        return size // elements

    def number(self, suffix):
        return struct.unpack('<I', self.keys['qwen35.' + suffix][4:])[0]

    def write(self, path):
        head = b'GGUF' + struct.pack('<IQQ', 3, len(self.tensors), len(self.keys))
        head += b''.join(sized(key) + value for key, value in self.keys.items())
        data = b''
        for key, (ne, kind, blob) in self.tensors.items():
            head += sized(key) + struct.pack('<I%dQIQ' % len(ne), len(ne), *ne, kind, len(data))
            data += blob + bytes(-len(blob) % 32)
        with open(path, 'wb') as file:
            file.write(head + bytes(-len(head) % 32) + data)


def template(text=None, name=None):
    def change(model):
        if name:
            with open(os.path.join(DATA, 'templates', name), encoding='utf-8') as file:
                model.keys['tokenizer.chat_template'] = string(file.read())
        else:
            model.keys['tokenizer.chat_template'] = string(text)
    return change


GUARDED = """{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}
    {%- if not (enable_thinking is defined and enable_thinking is true) %}{{- '\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""


def guarded(model):
    template(GUARDED)(model)
    model.keys['general.sampling.temp'] = f32(0.6)
    model.keys['general.sampling.top_p'] = f32(0.95)


def yarn(model):
    length = model.number('context_length')
    model.keys['qwen35.rope.scaling.type'] = string('yarn')
    model.keys['qwen35.rope.scaling.factor'] = f32(4)
    model.keys['qwen35.rope.scaling.original_context_length'] = u32(length)
    model.keys['qwen35.context_length'] = u32(4 * length)


def named(name, base=None):
    def change(model):
        model.keys.pop('general.size_label', None)
        model.keys.pop('general.name', None)
        if name:
            model.keys['general.name'] = string(name)
        if base:
            model.keys['general.base_model.count'] = u32(1)
            model.keys['general.base_model.0.name'] = string(base)
    return change


def gaps(model):
    for old, new in (('<|video_pad|>', '<|fim_prefix|>'), ('<|vision_pad|>', '<|fim_suffix|>'), ('<tool_response>', '<|fim_middle|>')):
        tokens = model.keys['tokenizer.ggml.tokens']
        assert tokens.count(sized(old)) == 1
        model.keys['tokenizer.ggml.tokens'] = tokens.replace(sized(old), sized(new))


def announced(model):
    model.keys['qwen35.block_count'] = u32(model.number('block_count') + 1)
    model.keys['qwen35.nextn_predict_layers'] = u32(1)
    model.keys.pop('qwen35.attention.recurrent_layers', None)


def companion(model):
    n, width, tensors = model.number('block_count'), model.number('embedding_length'), {}
    for key, tensor in model.tensors.items():
        if not key.startswith('blk.'):
            tensors[key] = tensor
        elif key.startswith(f'blk.{n - 1}.'):
            tensors[key.replace(f'blk.{n - 1}.', f'blk.{n}.')] = tensor
    tensors[f'blk.{n}.nextn.eh_proj.weight'] = [[2 * width, width], 1, bytes(4 * width * width)]
    for norm in ('enorm', 'hnorm', 'shared_head_norm'):
        tensors[f'blk.{n}.nextn.{norm}.weight'] = [[width], 0, bytes(4 * width)]
    model.tensors = tensors
    announced(model)


def stored_as(kind):
    def change(model):
        tensor = model.tensors['blk.0.ffn_up.weight']
        tensor[1:] = [kind, bytes(model.size(tensor[0], kind))]
    return change


MODEL, SMALL, VISION = 'quern-tiny-Q8_0.gguf', 'quern-tiny-Q4_K_M.gguf', 'mmproj-quern-tiny-F16.gguf'
TWINS = {
    'effort': (MODEL, template(name='qwen38.jinja')),
    'guarded': (MODEL, guarded),
    'plain': (MODEL, template(name='hermes.jinja')),
    'unreadable': (MODEL, template('{%- for message in messages %}{{ message.content }')),
    'yarn': (MODEL, yarn),
    'gaps': (MODEL, gaps),
    'Twin-Q4_K_M': (SMALL, named('Twin')),
    'Twin-UD-Q4_K_XL': (SMALL, named('Twin')),
    'announced': (MODEL, announced),
    'companion': (MODEL, companion),
    'mmproj-a': (VISION, named('Apple 1B')),
    'mmproj-b': (VISION, named('Berry 1B')),
    'mmproj-unnamed': (VISION, named(None)),
    'apple': (MODEL, named('Apple-1B')),
    'berry': (MODEL, named('Berry-1B')),
    'cherry': (MODEL, named('Cherry 1B')),
    'unnamed': (MODEL, named(None)),
    'tuned': (MODEL, named('Pie', 'Berry 1B')),
    **{f'type-{kind}': (MODEL, stored_as(kind)) for kind in (40, 42, 142, 144)},
}


def main():
    out, *names = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name in names:
        source, change = TWINS[name]
        file = File(source)
        change(file)
        file.write(os.path.join(out, name + '.gguf'))


if __name__ == '__main__':
    main()
