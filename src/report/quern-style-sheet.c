/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-style-sheet.h"

const char quern_style_sheet[] =
    ":root{color-scheme:light dark;--line:#8886;--mark:#e66100;--bg:#fff;--fg:#1d1d20;--card:#f0f0f2;--dim:#666}"
    "@media(prefers-color-scheme:dark){:root{--bg:#1d1d20;--fg:#fff;--mark:#ffa348;--card:#2e2e32;--dim:#aaa}}"
    "body{font:16px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg);max-width:75rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "td,th{border-bottom:1px solid var(--line);padding:.3rem .7rem;text-align:start}"
    "td.n{text-align:end;font-variant-numeric:tabular-nums}td code{overflow-wrap:anywhere;font-size:.8em}"
    /* comparisons */
    ".columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}"
    ".answer,.prompt,.heat{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:9px;padding:.8rem}"
    ".shared{opacity:.6}.fork{outline:2px solid var(--mark);border-radius:3px}.small{font-size:.85em;opacity:.8}"
    ".heat span{text-decoration:underline var(--mark)}svg text{font-size:12px}"
    /* conversations */
    ".conversation{max-width:46rem}.conversation section{margin:1.5rem 0}"
    ".conversation h2{font-size:.85rem;margin:0 0 .3rem}.conversation h2,.conversation details,.system{color:var(--dim)}"
    ".user{background:var(--card);border-radius:12px;padding:.75rem 1rem}.user .text,.system{white-space:pre-wrap}"
    "pre{overflow:auto;background:var(--card);border-radius:8px;padding:.75rem}img{max-width:100%}";
