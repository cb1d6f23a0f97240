/* SPDX-License-Identifier: GPL-3.0-or-later AND CC0-1.0 */
#include "quern-sample-text.h"

/* This text was written for Quern (CC0-1.0). It mixes prose, arithmetic, code, a table, steps, Chinese, Japanese and
 * JSON, because damage by quantisation appears in some kinds of text before others. */
static const char sample[] =
    "The mill stood where the river bends, and for as long as anyone could remember its wheel had turned. In spring, when\n"
    "the snow came down from the hills as brown water, the miller raised the sluice by two notches and slept badly; in August\n"
    "he listened for the moment when the stream grew too thin to carry the stone, and then he sat on the wall and mended\n"
    "sacks. “Flour does not care for haste,” he used to say, and his daughter, who kept the accounts, answered that the\n"
    "bakers did.\n"
    "\n"
    "How long does it take to grind 240 kg of rye if the stone manages 32 kg an hour and rests for ten minutes after each\n"
    "full hour? It needs 7.5 hours of grinding and rests seven times, so 7.5 h + 70 min = 8 h 40 min.\n"
    "\n"
    "```python\n"
    "def moving_average(values, width):\n"
    "    \"\"\"Mean of each run of `width` neighbours.\"\"\"\n"
    "    if width < 1 or width > len(values):\n"
    "        raise ValueError(f\"width must be between 1 and {len(values)}\")\n"
    "    total = sum(values[:width])\n"
    "    means = [total / width]\n"
    "    for old, new in zip(values, values[width:]):\n"
    "        total += new - old\n"
    "        means.append(total / width)\n"
    "    return means\n"
    "```\n"
    "\n"
    "| Grain  | Moisture | Yield | Price per sack |\n"
    "|--------|---------:|------:|---------------:|\n"
    "| Wheat  |   13.5 % |  78 % |        24.10 € |\n"
    "| Rye    |   14.0 % |  82 % |        19.80 € |\n"
    "| Spelt  |   12.8 % |  64 % |        41.50 € |\n"
    "\n"
    "To clean the stones: 1. stop the wheel and wait until it stands still; 2. lift the upper stone with the crane; 3. brush\n"
    "the furrows outwards; 4. check each edge with a straight board; 5. lower the stone again, and only then open the sluice.\n"
    "\n"
    "河边有一座老磨坊。春天水多的时候，石磨转得很快；夏天水少，磨坊主人就坐在墙边修补麻袋。他常说：“面粉不喜欢着急。”\n"
    "川のほとりに古い水車小屋があり、粉屋の娘は毎晩ろうそくの明かりで帳簿をつけていました。\n"
    "\n"
    "{\"order\": 1187, \"customer\": \"Bakery at the bridge\", \"items\": [{\"grain\": \"rye\", \"sacks\": 12}, {\"grain\": \"wheat\", \"sacks\": 30}],\n"
    " \"delivered\": false, \"note\": null}\n"
    "\n"
    "Why does bread made from freshly ground flour rise less? The proteins that form gluten need oxygen to bond to each\n"
    "other. Flour that has rested for two or three weeks has taken up enough of it from the air; fresh flour has not, and its\n"
    "dough tears before the gas inside can stretch it.\n";

/**
 * quern_sample_text:
 *
 * Returns: a text of about seven hundred tokens to measure with when there is none at hand
 */
const char *
quern_sample_text (void)
{
  return sample;
}
