#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""template-diff.py DRIVER FOLDER…: the engine's template interpreter against jinja2, set up as transformers does.

Each template of the folders is rendered with 50 conversations out of a seeded generator by both: the text must be equal,
or both must fail. DRIVER is jinja-driver, which renders everything in one run."""
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("1..0 # SKIP python3-jinja2 is not installed")
    sys.exit(0)

NOW = 1764540000
CONVERSATIONS = 50
ROLES = ["system", "user", "assistant", "tool", "user", "assistant"]
WORDS = ["Hello", "world", "l", "größer", "日本語", "😀", "<|im_end|>", "<think>", "</think>", "it's", '"q"', "\n", "  ", "\t",
         "a\\b", "ΑΣ", "x", "<tool_response>", "{{ x }}", "é", "ﬁ", "&amp;", "e\u0301", "\u200b", "1", "-2.5", "%s"]


class Generation(Extension):
    """The tag that transformers adds."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def make_environment():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(NOW).strftime(form)
    return environment


def words(rng):
    return rng.choice(["", " "]).join(rng.choice(WORDS) for _ in range(rng.randrange(0, 7)))


def value(rng, depth=0):
    kind = rng.randrange(0, 9 if depth < 3 else 6)
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(0, 4))]
    if kind > 6:
        return {rng.choice(["a", "name", "größe", "k%d" % i]): value(rng, depth + 1) for i in range(rng.randrange(0, 4))}
    return [None, True, False, rng.randrange(-1000, 1000), rng.random() * 10 ** rng.randrange(-8, 20), words(rng)][kind]


def tool(rng):
    names = ["city", "days", "größe"][:rng.randrange(0, 4)]
    return {"type": "function", "function": {
        "name": "f%d" % rng.randrange(9), "description": words(rng),
        "parameters": {"type": "object", "properties": {n: {"type": rng.choice(["string", "integer"])} for n in names},
                       "required": names[:1]}}}


def call(rng):
    function = {"name": "f%d" % rng.randrange(9), "arguments": {"k%d" % i: value(rng, 1) for i in range(rng.randrange(0, 3))}}
    return {"type": "function", "id": "c1", "function": function} if rng.random() < 0.7 else function


def content(rng):
    if rng.random() < 0.8:
        return words(rng)
    parts = [{"type": "text", "text": words(rng)}, {"type": "image"}, {"type": "image_url", "image_url": {"url": "a.png"}},
             {"type": "video"}, {"type": "text", "text": words(rng)}]
    return [rng.choice(parts) for _ in range(rng.randrange(1, 4))]


def message(rng, role):
    out = {"role": role, "content": content(rng)}
    if role == "assistant":
        if rng.random() < 0.3:
            out["content"] = "<think>\n" + words(rng) + "\n</think>\n\n" + words(rng)
        elif rng.random() < 0.4:
            out["reasoning_content"] = words(rng)
        if rng.random() < 0.4:
            out["tool_calls"] = [call(rng) for _ in range(rng.randrange(1, 3))]
        if rng.random() < 0.1:
            out["content"] = None
    return out


def tree(rng, depth=0):
    items = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(0, 4 if depth < 3 else 2)
        items.append([rng.randrange(9), words(rng), {"name": words(rng), "children": tree(rng, depth + 1) if kind == 2 else []},
                      tree(rng, depth + 1) if kind == 3 else []][kind])
    return items if depth else [{"name": "root", "children": items}] + items


def conversation(rng):
    roles = ["system"] if rng.random() < 0.5 else []
    for _ in range(rng.randrange(0, 5)):
        roles += ["user", "assistant"] + ["tool"] * rng.choice([0, 0, 1, 2])
    roles += ["user"] if rng.random() < 0.9 else []
    if rng.random() < 0.1:
        roles.append(rng.choice(ROLES + ["robot", "developer"]))
    out = {"messages": [message(rng, role) for role in roles],
           "text": rng.choice(["Hello, world", "äöü ÄÖÜ ß", "llano lolo", words(rng)]), "limit": rng.randrange(0, 7),
           "flag": rng.random() < 0.5, "nothing": None, "fraction": rng.choice([0.5, 2.5, -1.25, 1e20]),
           "numbers": [rng.randrange(0, 9) for _ in range(rng.randrange(2, 6))],
           "floats": [rng.random() * 10 ** rng.randrange(-12, 25) for _ in range(3)] + [0.5, 2.675, 1e22, -0.0],
           "wanted": rng.choice(ROLES), "tree": tree(rng), "same_kind": False}
    for name, values in (("add_generation_prompt", [True, False]), ("enable_thinking", [True, False]),
                         ("preserve_thinking", [True, False]), ("add_vision_id", [True, False]),
                         ("reasoning_effort", ["low", "medium", "xhigh", "strange"]), ("bos_token", ["<s>"])):
        if rng.random() < 0.5:
            out[name] = rng.choice(values)
    if rng.random() < 0.4:
        out["tools"] = [tool(rng) for _ in range(rng.randrange(1, 3))]
    else:
        out["tools"] = None if rng.random() < 0.5 else []
    return out


def expected(environment, source, contexts):
    """What jinja2 makes of each conversation. Whatever Python raises is a refusal."""
    try:
        template = environment.from_string(source)
    except Exception as error:
        return [{"error": str(error)}] * len(contexts)
    results = []
    for context in contexts:
        try:
            results.append({"text": template.render(**context)})
        except Exception as error:
            results.append({"error": "%s: %s" % (type(error).__name__, error)})
    return results


def compare(name, contexts, wanted, got):
    for i, (want, have) in enumerate(zip(wanted, got)):
        if want.get("text") != have.get("text"):
            for title, item in (("jinja2", want), ("engine", have), ("variables", contexts[i])):
                print("# %s: %s" % (title, json.dumps(item)[:3000]))
            return False
    return len(got) == len(wanted)


def main():
    driver, folders = sys.argv[1], sys.argv[2:]
    rng = random.Random(20261130)
    contexts = [conversation(rng) for _ in range(CONVERSATIONS)]
    files = sorted(f for folder in folders for f in pathlib.Path(folder).glob("*.jinja"))
    templates = [f.read_bytes().decode() for f in files]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as jobs:
        json.dump({"now": NOW, "jobs": [{"template": t, "contexts": contexts} for t in templates]}, jobs)
        jobs.flush()
        run = subprocess.run([driver, jobs.name], capture_output=True, text=True, check=True)
    got = [json.loads(line) for line in run.stdout.split("\n") if line]
    environment = make_environment()
    print("1..%d" % (len(files) + 1))
    texts = 0
    for i, (path, template) in enumerate(zip(files, templates)):
        wanted = expected(environment, template, contexts)
        texts += sum("text" in want for want in wanted)
        ok = compare(path.name, contexts, wanted, got[i * CONVERSATIONS:(i + 1) * CONVERSATIONS])
        print("%s %d - %s" % ("ok" if ok else "not ok", i + 1, path.stem))
    enough = len(files) >= 60 and texts > len(files) * CONVERSATIONS * 0.6
    print("%s %d - %d templates, %d texts that jinja2 could render" % ("ok" if enough else "not ok", len(files) + 1, len(files), texts))


main()
