#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a large vocabulary and what it makes of many texts: make-vocabulary.py OUT

The same on every run. OUT gets, for each of the pre-tokenizers qwen35 and qwen2, NAME.gguf with 100,256 entries and more, learned
from made-up words in many scripts, and NAME.texts: for each text its length, its bytes, the number of its ids and the ids
(32 bits each). raw.gguf says that text is not to be normalised; the others say nothing about it, as most published files.

The ids come from an implementation that shares nothing with the engine's: Python's re, unicodedata, and pairs merged one
after the other. Standard library only.
"""
import os
import random
import re
import struct
import sys
import unicodedata

N_MERGES = 100_000
N_TEXTS = 2000
BLOCKS = [  # name, first and last character
    ("Latin", 0x41, 0x5A), ("Latin", 0x61, 0x7A), ("Latin", 0x61, 0x7A), ("Latin-1", 0xC0, 0xFF), ("Latin A", 0x100, 0x17E),
    ("Vietnamese", 0x1EA0, 0x1EF9), ("Greek", 0x391, 0x3CE), ("Greek extended", 0x1F00, 0x1FFC), ("Cyrillic", 0x410, 0x44F),
    ("Cyrillic", 0x400, 0x4FF), ("Armenian", 0x531, 0x586), ("Hebrew", 0x591, 0x5EA), ("Arabic", 0x620, 0x65F),
    ("Syriac", 0x710, 0x74A), ("Devanagari", 0x900, 0x963), ("Bengali", 0x981, 0x9E3), ("Gurmukhi", 0xA01, 0xA74),
    ("Gujarati", 0xA81, 0xAE3), ("Tamil", 0xB82, 0xBD7), ("Telugu", 0xC00, 0xC63), ("Kannada", 0xC80, 0xCE3),
    ("Malayalam", 0xD00, 0xD63), ("Sinhala", 0xD82, 0xDF3), ("Thai", 0xE01, 0xE4E), ("Lao", 0xE81, 0xECD),
    ("Tibetan", 0xF40, 0xFBC), ("Burmese", 0x1000, 0x1049), ("Georgian", 0x10D0, 0x10FF), ("Ethiopic", 0x1200, 0x1357),
    ("Cherokee", 0x13A0, 0x13F4), ("Khmer", 0x1780, 0x17D3), ("Mongolian", 0x1820, 0x1878), ("Hiragana", 0x3041, 0x309F),
    ("Katakana", 0x30A1, 0x30FF), ("Bopomofo", 0x3105, 0x312F), ("Chinese", 0x4E00, 0x9FA5), ("Chinese", 0x4E00, 0x4FFF),
    ("Korean", 0xAC00, 0xD7A3), ("Jamo", 0x1100, 0x1175), ("Gothic", 0x10330, 0x1034A), ("Deseret", 0x10400, 0x1044F),
]
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ODD = list("0123456789٠١٢३४५²½Ⅷ.,;:!?…-–—_/\\'\"’`()[]{}<>|@#$%^&*+=~€£¥§©™→∑√∞") + [
    "😀", "👩‍💻", "🇫🇷", "❤️", "👍🏽", "\u200d", "\ufeff", "\u00ad", "'s", "'LL", "'re", "'t", "'D", "<|", "|>", "\x00", "\x7f"]
GAPS = [" ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\u00a0", "\u3000", "\u2028", ""]


def char_class(kind):
    """The characters of a general category, as the inside of a character class."""
    out, first = [], None
    for c in range(0x110001):
        inside = c < 0x110000 and unicodedata.category(chr(c))[0] == kind
        if inside and first is None:
            first = c
        elif not inside and first is not None:
            out.append("\\U%08x-\\U%08x" % (first, c - 1))
            first = None
    return "".join(out)


def patterns():
    """The expressions of both families' tokenizer.json, with marks where the newer one has them."""
    letter, mark, number = (char_class(kind) for kind in "LMN")
    out = {}
    for name, word in (("qwen35", letter + mark), ("qwen2", letter)):
        out[name] = re.compile(
            f"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n{letter}{number}]?[{word}]+|[{number}]"
            f"| ?[^{SPACES}{word}{number}]+[\\r\\n]*|[{SPACES}]*[\\r\\n]+|[{SPACES}]+(?![^{SPACES}])|[{SPACES}]+")
    return out


def byte_symbols():
    """How GPT-2 writes bytes."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    symbols = {b: chr(b) for b in shown}
    symbols.update({b: chr(256 + i) for i, b in enumerate(hidden)})
    return symbols


class Writer:
    """Words and texts, from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.blocks = [[chr(c) for c in range(first, last + 1) if unicodedata.category(chr(c))[0] in "LM"]
                       for _, first, last in BLOCKS]
        self.syllables = [["".join(self.random.choices(block, k=self.random.randint(1, 3))) for _ in range(60)]
                          for block in self.blocks]

    def word(self):
        syllables = self.random.choice(self.syllables)
        word = "".join(self.random.choices(syllables, k=self.random.choice((1, 1, 2, 2, 3))))
        return self.random.choice((word, word, word.capitalize(), " " + word, " " + word))

    def text(self):
        parts = []
        for _ in range(self.random.randint(1, 14)):
            kind = self.random.random()
            if kind < 0.7:
                parts.append(self.word())
            elif kind < 0.85:
                parts.append("".join(self.random.choices(ODD, k=self.random.randint(1, 4))))
            else:
                parts.append("".join(self.random.choices(self.random.choice(self.blocks), k=self.random.randint(1, 6))))
            parts.append(self.random.choice(GAPS))
        text = "".join(parts)
        return unicodedata.normalize(self.random.choice(("NFC", "NFD", "NFD")), text) if self.random.random() < 0.5 else text


class Vocabulary:
    def __init__(self):
        self.symbols = byte_symbols()
        self.tokens = [self.symbols[b] for b in range(256)]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.merges, self.ranks, self.cache = [], {}, {}

    def merge(self, parts):
        """Joins the pair of the lowest rank, the first of equals, until none is known."""
        while len(parts) > 1:
            rank, at = min((self.ranks.get(pair, N_MERGES), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == N_MERGES:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def learn(self, word):
        """Two merges at most for one word, as if it came often."""
        parts = self.merge([self.symbols[b] for b in word.encode()])
        for _ in range(2):
            if len(parts) < 2 or len(self.merges) == N_MERGES:
                return
            at = len(self.merges) % (len(parts) - 1)
            pair = (parts[at], parts[at + 1])
            self.ranks[pair] = len(self.merges)
            self.merges.append(pair)
            joined = pair[0] + pair[1]
            if joined not in self.ids:
                self.ids[joined] = len(self.tokens)
                self.tokens.append(joined)
            parts = self.merge(parts)

    def encode(self, pattern, text):
        out = []
        for word in pattern.findall(text):
            if word not in self.cache:
                self.cache[word] = [self.ids[p] for p in self.merge([self.symbols[b] for b in word.encode()])]
            out += self.cache[word]
        return out

    def write(self, path, pre, nfc):
        def text(s):
            b = s.encode()
            return struct.pack("<Q", len(b)) + b

        def strings(key, values):
            return text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))

        keys = [text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("gpt2"),
                text("tokenizer.ggml.pre") + struct.pack("<I", 8) + text(pre),
                strings("tokenizer.ggml.tokens", self.tokens),
                text("tokenizer.ggml.token_type") + struct.pack("<IIQ", 9, 5, len(self.tokens))
                + struct.pack("<%di" % len(self.tokens), *[1] * len(self.tokens)),
                strings("tokenizer.ggml.merges", [a + " " + b for a, b in self.merges])]
        if nfc is not None:
            keys.append(text("tokenizer.ggml.normalizer.nfc") + struct.pack("<IB", 7, nfc))
        with open(path, "wb") as file:
            file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(keys) + bytes(64))


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    writer, vocabulary = Writer(21), Vocabulary()
    while len(vocabulary.merges) < N_MERGES or len(vocabulary.tokens) < N_MERGES:
        if len(vocabulary.merges) == N_MERGES:
            sys.exit("fewer tokens than 100,000")
        vocabulary.learn(writer.word())
    texts = [writer.text() for _ in range(N_TEXTS)]
    expressions = patterns()
    for name, pre, nfc in (("qwen35", "qwen35", None), ("qwen2", "qwen2", None), ("raw", "qwen35", False)):
        vocabulary.write(f"{out}/{name}.gguf", pre, nfc)
        with open(f"{out}/{name}.texts", "wb") as file:
            for text in texts:
                ids = vocabulary.encode(expressions[pre], text if nfc is False else unicodedata.normalize("NFC", text))
                blob = text.encode()
                file.write(struct.pack("<I", len(blob)) + blob + struct.pack("<%dI" % (len(ids) + 1), len(ids), *ids))


main()
