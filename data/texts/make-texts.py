#!/usr/bin/env python3
"""Makes the texts of this folder: make-texts.py FOLDER, in which the Debian packages of README.md are unpacked, each in a
folder of its name. The texts in the tree stay as they are, since figures are only comparable on the same text; this says
how they came about."""
import glob
import gzip
import html
import json
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def read(path):
    with (gzip.open if path.endswith('.gz') else open)(path, 'rt', encoding='utf-8', errors='replace') as file:
        return file.read()


def cut(text, size):
    """The beginning of a text, up to the end of a line."""
    return text if len(text) <= size else text[:text.rindex('\n', 0, size) + 1]


# ---- plain texts -------------------------------------------------------------------------------------------------------

def page(path):
    """The text of a page of HTML, without what leads to other pages."""
    text = re.sub(r'(?s).*?<body[^>]*>', '', read(path), count=1)
    for rubbish in (r'<p id="title">.*?</p>', r'<ul class="docnav[^>]*>.*?</ul>', r'<div class="toc">.*?</dl></div>',
                    r'<(script|style).*?</\1>', r'<!--.*?-->', r'<a href="[^"]*\.epub".*?</a>'):
        text = re.sub('(?s)' + rubbish, '', text)
    out = []
    for part in re.split(r'(?s)(<pre.*?</pre>)', text):
        if part.startswith('<pre'):
            out.append('\n\n' + html.unescape(re.sub(r'<[^>]+>', '', part)) + '\n\n')
            continue
        part = re.sub(r'\s+', ' ', part)
        part = re.sub(r'<(p|h[1-6])\b[^>]*>', '\n\n', part)
        part = re.sub(r'<(div|li|dt|dd|tr|br)\b[^>]*>', '\n', part)
        out.append(html.unescape(re.sub(r'<[^>]+>', '', part)))
    text = ''.join(out).replace('\u00a0', ' ').replace('\u200b', '').replace('Download the ebook', '')
    text = re.sub(r'[ \t]+\n', '\n', text)
    text = re.sub(r'\n +(?=\S)', '\n', text)
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'


def manual(path):
    """The text of a manual page, without its macros."""
    out = []
    for line in read(path).splitlines():
        if re.match(r"[.'](\\\"|TH|if|ie|el|de|nr|ds|hy|ad|nh|so|\.)", line) or line.startswith("'\\\""):
            continue
        line = re.sub(r'^\.(SH|SS|TP|PP|P|IP|HP|BI|BR|IB|IR|RB|RI|B|I|br|sp|in|nf|fi|RS|RE|EX|EE|OP|SY|YS)\b *', '', line)
        line = re.sub(r'\\f[BIRPCW]|\\f\(CW|\\&|\\c$|\\/|\\,', '', line)
        line = line.replace('\\-', '-').replace('\\(bu', '•').replace('\\e', '\\').replace('\\ ', ' ').replace('\\(aq', "'")
        line = re.sub(r'^"(.*)"$', r'\1', line)
        out.append(line)
    return re.sub(r'\n{3,}', '\n\n', '\n'.join(out)).strip() + '\n'


def handbook(packages, language, names):
    folder = os.path.join(packages, 'debian-handbook/usr/share/doc/debian-handbook/html', language)
    return '\n\n'.join(page(os.path.join(folder, name + '.html')) for name in names)


CHAPTERS = ['preface', 'the-debian-project', 'sect.foundation-documents', 'sect.debian-internals',
            'sect.role-of-distributions', 'sect.release-lifecycle', 'case-study', 'sect.master-plan',
            'existing-setup', 'installation', 'sect.installation-steps', 'sect.after-first-boot', 'packaging-system',
            'sect.package-meta-information', 'sect.source-package-structure', 'sect.manipulating-packages-with-dpkg',
            'apt', 'sect.apt-get', 'sect.apt-cache', 'solving-problems', 'basic-configuration', 'sect.network-config']


def existing(packages, language):
    folder = os.path.join(packages, 'debian-handbook/usr/share/doc/debian-handbook/html', language)
    return [name for name in CHAPTERS if os.path.exists(os.path.join(folder, name + '.html'))]


def document(packages):
    return cut(handbook(packages, 'en-US', existing(packages, 'en-US')), 170_000)


def scripts(packages):
    """Eight languages in scripts that are not Latin. Paragraphs that are not translated are left out."""
    out = []
    for language in ('ar-MA', 'zh-CN', 'ja-JP', 'fa-IR', 'ru-RU'):
        paragraphs = handbook(packages, language, existing(packages, language)).split('\n\n')
        own = [p for p in paragraphs
               if sum(ord(c) > 0x36f and c.isalpha() for c in p) > 0.6 * max(1, sum(c.isalpha() for c in p))]
        out.append(cut('\n\n'.join(own) + '\n', 11_000 if language in ('zh-CN', 'ja-JP') else 19_000))
    for language in ('uk', 'el'):
        pages = sorted(glob.glob(os.path.join(packages, 'manpages-' + language, 'usr/share/man', language, 'man[1-8]', '*')))
        texts = []
        for path in pages:
            text = manual(path)
            if sum(ord(c) > 0x36f and c.isalpha() for c in text) > 0.5 * sum(c.isalpha() for c in text):
                texts.append(cut(text, 4_500))
        out.append(cut('\n\n'.join(texts), 19_000))
    korean = [text for _, text in catalogue('ko') if len(text) > 30]
    out.append(cut('\n'.join(korean) + '\n', 13_000))
    return '\n\n'.join(out)


def code(packages):
    """Eight languages: what Quern itself is written in, and five others."""
    def tree(*names):
        return '\n'.join(read(os.path.join(ROOT, name)) for name in names)

    def package(name, *patterns):
        paths = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(packages, name, pattern)))]
        return '\n'.join(read(path) for path in paths)

    return '\n\n'.join(cut(text, 18_000) for text in (
        tree('engine/format/gguf/qe-gguf-parse.c', 'src/measure/quern-divergence.c'),
        tree('tests/ui/quern_ui.py', 'tests/count.py'),
        tree('dev'),
        package('librust-itertools-dev', 'usr/share/cargo/registry/*/src/k[_m]*.rs',
                'usr/share/cargo/registry/*/src/groupbylazy.rs', 'usr/share/cargo/registry/*/src/permutations.rs'),
        package('golang-golang-x-text-dev', 'usr/share/gocode/src/golang.org/x/text/unicode/bidi/[bc]*[ie].go'),
        package('libjs-underscore', 'usr/share/javascript/underscore/underscore.js'),
        package('lua-penlight', 'usr/share/lua/5.2/pl/[DLO]*.lua'),
        package('elpa-dash', 'usr/share/emacs/site-lisp/elpa-src/*/dash.el')))


def science(packages):
    """What SymPy says of physics and mathematics, formulas in LaTeX among it."""
    folder = os.path.join(packages, 'python3-sympy/usr/lib/python3/dist-packages/sympy')
    names = ('physics/quantum/*.py', 'physics/optics/*.py', 'physics/[hmpsw]*.py', 'functions/special/*.py',
             'stats/crv_types.py', 'physics/continuum_mechanics/*.py', 'physics/mechanics/*.py')
    out = []
    for pattern in names:
        for path in sorted(glob.glob(os.path.join(folder, pattern))):
            for doc in re.findall(r'(?s)(r?)"""(.*?)"""', read(path)):
                raw, text = doc
                text = text if raw else text.replace('\\\\', '\\')
                if ('math::' in text or text.count('`') > 6) and len(text) > 500:
                    out.append(re.sub(r'(?m)^ {4,8}', '', text).strip())
    random.Random(1).shuffle(out)
    return cut('\n\n\n'.join(out) + '\n', 150_000)


# ---- conversations -----------------------------------------------------------------------------------------------------

def catalogue(language):
    """Pairs of messages and translations of this application."""
    def text(lines):
        return ''.join(json.loads(line) for line in lines)
    out = []
    for block in read(os.path.join(ROOT, 'po', language + '.po')).split('\n\n')[1:]:
        found = re.match(r'(?s)(?:#.*\n)*msgid ((?:".*"\n?)+)msgstr ((?:".*"\n?)+)', block)
        if found and ', fuzzy' not in block:
            source, translation = (text(part.strip().split('\n')) for part in found.groups())
            if source and translation:
                out.append((source, translation))
    return out


def chat():
    """Questions about Quern and translations of its messages, answered by what people wrote."""
    turns = []
    for name in ('HACKING.md', 'README.md', 'engine/README.md', 'engine/doc/how-a-token-is-made.md',
                 'engine/doc/measurements-2026-11.md', 'engine/doc/templates-and-grammars.md', 'engine/doc/qwen35.md'):
        for title, body in re.findall(r'(?ms)^#+ (.+?)\n+(.*?)(?=^#+ |\Z)', read(os.path.join(ROOT, name))):
            if 150 < len(body) < 4000:
                turns.append(('You explain a program to those who want to work on it.',
                              'What is there to know about “%s”?' % title.strip(), body.strip()))
    for word, meaning in re.findall(r'(?m)^\| ([^|]+?) \| ([^|]{40,}) \|$', read(os.path.join(ROOT, 'HACKING.md'))):
        turns.append(('You answer in one or two sentences.', 'What does “%s” mean in this program?' % word, meaning))
    languages = {'de': 'German', 'fr': 'French', 'es': 'Spanish', 'pt_BR': 'Brazilian Portuguese', 'ja': 'Japanese',
                 'zh_CN': 'Chinese'}
    pick = random.Random(2)
    for code_, name in languages.items():
        pairs = [pair for pair in catalogue(code_) if len(pair[0]) > 90 and '%' not in pair[0]]
        for source, translation in pick.sample(pairs, min(60, len(pairs))):
            turns.append(('You translate.', 'Into %s, please:\n\n%s' % (name, source), translation))
    pick.shuffle(turns)
    return turns


def tool_calls():
    """Questions that a tool answers: what is scored is the call, and the sentence made of its result."""
    pick = random.Random(3)
    cities = ['Lisbon', 'Oslo', 'Nairobi', 'Kraków', 'Hanoi', 'Quito', 'Tbilisi', 'Adelaide', 'Kyoto', 'Tampere', 'Cork', 'Izmir']
    people = ['Amara', 'Jonas', 'Mei', 'Tomasz', 'Leila', 'Ravi', 'Ingrid', 'Mateo', 'Yusuf', 'Hana', 'Pavel', 'Sofia']
    things = ['rye flour', 'copper wire', 'oak boards', 'seed potatoes', 'printer paper', 'roof tiles', 'olive oil', 'wool']
    words = ['sluice', 'quern', 'lichen', 'gambrel', 'sextant', 'isthmus', 'cantilever', 'tannin']

    def weather():
        city, day = pick.choice(cities), pick.choice(['today', 'tomorrow', 'on Saturday'])
        low, rain, wind = pick.randint(-8, 22), pick.randint(0, 100), pick.randint(2, 60)
        high = low + pick.randint(3, 12)
        return ('get_forecast', {'city': {'type': 'string'}, 'day': {'type': 'string'}, 'units': {'enum': ['metric', 'imperial']}},
                'Do I need an umbrella in %s %s?' % (city, day), {'city': city, 'day': day, 'units': 'metric'},
                {'low': low, 'high': high, 'rain_probability': rain, 'wind_kmh': wind},
                '%s: the chance of rain in %s %s is %d %%, with %d to %d °C and wind up to %d km/h.'
                % ('Take one' if rain > 40 else 'Probably not', city, day, rain, low, high, wind))

    def convert():
        amount, pair = pick.randint(2, 900), pick.choice([('miles', 'kilometres', 1.609344), ('pounds', 'kilograms', 0.45359237),
                                                          ('gallons', 'litres', 3.785411784), ('inches', 'centimetres', 2.54),
                                                          ('acres', 'hectares', 0.40468564224)])
        result = round(amount * pair[2], 3)
        return ('convert_unit', {'value': {'type': 'number'}, 'from': {'type': 'string'}, 'to': {'type': 'string'}},
                'How much are %d %s in %s?' % (amount, pair[0], pair[1]), {'value': amount, 'from': pair[0], 'to': pair[1]},
                {'result': result}, '%d %s are %s %s.' % (amount, pair[0], result, pair[1]))

    def meeting():
        who, hour, length = pick.sample(people, 2), pick.randint(8, 17), pick.choice([15, 30, 45, 60, 90])
        date = '2026-%02d-%02d' % (pick.randint(1, 12), pick.randint(1, 28))
        topic = pick.choice(['the budget', 'the new kiln', 'delivery dates', 'the spring menu', 'hiring', 'the archive'])
        return ('create_event', {'title': {'type': 'string'}, 'date': {'type': 'string', 'format': 'date'},
                                 'time': {'type': 'string'}, 'minutes': {'type': 'integer'},
                                 'attendees': {'type': 'array', 'items': {'type': 'string'}}},
                'Put a meeting about %s with %s and %s into my calendar, on %s at %d:00, %d minutes.'
                % (topic, who[0], who[1], date, hour, length),
                {'title': 'Meeting about ' + topic, 'date': date, 'time': '%02d:00' % hour, 'minutes': length, 'attendees': who},
                {'id': pick.randint(1000, 9999), 'conflicts': []},
                'Done: “Meeting about %s” is on %s from %d:00, for %d minutes, with %s and %s. Nothing else is at that time.'
                % (topic, date, hour, length, who[0], who[1]))

    def stock():
        item, wanted = pick.choice(things), pick.randint(5, 200)
        there = pick.randint(0, 250)
        price = round(pick.uniform(0.8, 60), 2)
        return ('query_stock', {'item': {'type': 'string'}, 'warehouse': {'enum': ['north', 'harbour']}},
                'Can we deliver %d units of %s from the harbour warehouse, and what do they cost?' % (wanted, item),
                {'item': item, 'warehouse': 'harbour'}, {'available': there, 'unit_price': price, 'currency': 'EUR'},
                ('Yes: %d units of %s are there; %d of them cost %.2f EUR.' % (there, item, wanted, wanted * price)) if there >= wanted
                else 'Not all of them: only %d of %d units of %s are there. These would cost %.2f EUR.'
                % (there, wanted, item, there * price))

    def files():
        folder, kind = pick.choice(['reports', 'photos/2025', 'src/parser', 'invoices']), pick.choice(['pdf', 'png', 'c', 'txt'])
        names = ['%s-%02d.%s' % (pick.choice(['draft', 'final', 'scan', 'notes', 'lexer']), pick.randint(1, 40), kind) for _ in range(pick.randint(1, 5))]
        sizes = [pick.randint(2, 900) for _ in names]
        return ('list_files', {'path': {'type': 'string'}, 'pattern': {'type': 'string'}, 'recursive': {'type': 'boolean'}},
                'Which .%s files are in %s, and which one is the largest?' % (kind, folder),
                {'path': folder, 'pattern': '*.' + kind, 'recursive': False},
                {'files': [{'name': n, 'kilobytes': s} for n, s in zip(names, sizes)]},
                'There %s: %s. The largest is %s with %d kB.' % ('is one' if len(names) == 1 else 'are %d' % len(names), ', '.join(names),
                                                              names[sizes.index(max(sizes))], max(sizes)))

    def sql():
        table, column, n = pick.choice([('orders', 'total'), ('sensors', 'temperature'), ('members', 'age')]) + (pick.randint(3, 90),)
        mean = round(pick.uniform(5, 400), 1)
        return ('run_query', {'sql': {'type': 'string'}, 'limit': {'type': 'integer'}},
                'What is the average %s in the table %s over the last %d days?' % (column, table, n),
                {'sql': "SELECT AVG(%s) AS mean FROM %s WHERE created >= date('now', '-%d days');" % (column, table, n), 'limit': 1},
                {'rows': [{'mean': mean}]}, 'Over the last %d days the average %s in %s is %s.' % (n, column, table, mean))

    def dictionary():
        word, language = pick.choice(words), pick.choice(['English', 'French', 'German', 'Polish'])
        return ('look_up', {'word': {'type': 'string'}, 'language': {'type': 'string'}, 'etymology': {'type': 'boolean'}},
                'Where does the %s word for “%s” come from?' % (language, word), {'word': word, 'language': language, 'etymology': True},
                {'entries': [], 'suggestion': None},
                'The dictionary has no entry for “%s” in %s, so I cannot say where the word comes from.' % (word, language))

    makers = (weather, convert, meeting, stock, files, sql, dictionary)
    turns = []
    for _ in range(240):
        chosen = pick.choice(makers)()
        offered = [chosen] + [maker() for maker in pick.sample(makers, 1)]
        offered = {name: properties for name, properties, *_ in offered}
        tools = [{'type': 'function', 'function': {'name': name, 'parameters': {'type': 'object', 'properties': properties}}}
                 for name, properties in sorted(offered.items())]
        name, _, question, arguments, result, answer = chosen
        turns.append({'tools': tools, 'question': question, 'call': {'name': name, 'arguments': arguments},
                      'result': json.dumps(result), 'answer': answer})
    return turns


def main(packages):
    for name, text in (('code.txt', code(packages)), ('science.txt', science(packages)), ('scripts.txt', scripts(packages)),
                       ('document.txt', document(packages))):
        with open(os.path.join(HERE, name), 'w', encoding='utf-8') as file:
            file.write(text)
    for name, turns in (('chat.jsonl', chat()), ('calls.jsonl', tool_calls())):
        with open(os.path.join(HERE, name), 'w', encoding='utf-8') as file:
            for turn in turns:
                json.dump(turn, file, ensure_ascii=False)
                file.write('\n')


if __name__ == '__main__':
    main(sys.argv[1])
