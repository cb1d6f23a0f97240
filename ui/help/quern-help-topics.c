/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-help-topics.h"

#include <glib/gi18n.h>

/* One message for each paragraph, so that a changed sentence costs translators one paragraph. Names of buttons and menus
 * are between asterisks and have to be those that the window shows. */

/* TRANSLATORS: The help is written in Markdown. **Names between asterisks** are those of buttons and menus: use your
 * translations of them. `Text between backticks` is typed or pressed as it is. */
const QuernHelpTopic quern_help_topics[] = {
  {
      "start",
      N_("First Steps"),
      "user-home-symbolic",
      {
          N_("Write a question below and press `Return`. `Shift+Return` begins a new line. The answer appears as it is made; "
             "**Stop**, or `Escape`, ends it."),
          N_("**Quern Tiny** is there from the start, so that you can try everything at once. It is a demonstration: it knows "
             "a few facts, greetings and sums, and is wrong about the rest. For real work, get a real model: **Models**, then "
             "**For You**, shows what this computer can run."),
          N_("The button above a conversation names its model. Choose another one there at any time; the conversation stays."),
          N_("Models make mistakes, and sound as sure when they do. Check what matters."),
      },
  },
  {
      "models",
      N_("Models"),
      "folder-download-symbolic",
      {
          N_("Quern runs models of the **Qwen 3.5** family from files in the GGUF format. Larger ones know more and answer more "
             "slowly. What decides is memory: a model has to fit into it, with the conversation."),
          N_("**Quantisation** makes a model smaller by keeping its numbers in fewer bits. Q8_0 is hardly worse than the "
             "original, Q4_K_M is a good middle, Q2_K shows damage. Measure it yourself: see *Comparing*."),
          N_("**For You** recommends one from what was measured on this computer. **Search** finds others on the Hugging Face "
             "hub and says of each file whether it fits. **Downloads** go on after an interruption and are verified before "
             "they are used."),
          N_("You have a file already? **Add a Model File…** uses it where it lies and copies nothing; so does opening a GGUF "
             "file with Quern from the file manager. Deleting such a model in Quern leaves the file alone."),
          N_("A model stays in memory for some time after its last answer. How long is a matter of **Preferences**."),
      },
  },
  {
      "thinking",
      N_("Thinking"),
      "quern-thinking-symbolic",
      {
          N_("With **Think** on, the model first writes down its reasoning, then the answer. That takes longer and is often "
             "better: for sums, plans, code and riddles. For simple questions, leave it off."),
          N_("The reasoning is folded above the answer: press its heading to read it. **Answer Now** ends the thinking early. "
             "**Conversation Settings** can limit its length."),
      },
  },
  {
      "answers",
      N_("Answers and Versions"),
      "document-edit-symbolic",
      {
          N_("**Answer Again** lets the model try once more. **Edit Question** changes what you asked. Nothing is lost: the "
             "arrows below a message lead through its versions, and each keeps what followed it."),
          N_("An answer that was stopped or interrupted can go on: **Continue**."),
          N_("**Conversation Settings** has the instructions that the model reads before everything else, the temperature and "
             "the other values of sampling. Instructions that you use often can become a persona, in **Preferences**."),
          N_("The numbers below an answer are measured: tokens per second, and the time to the first one. A token is about "
             "three quarters of a word."),
      },
  },
  {
      "pictures",
      N_("Pictures and Files"),
      "image-x-generic-symbolic",
      {
          N_("Drop a picture or a text file on the conversation, paste it, or press **Attach Pictures or Text Files**. Each "
             "attachment says how many tokens it takes."),
          N_("To see pictures, a model needs its *vision file* (mmproj). Downloads take it along; for a file of your own, put "
             "it into the same folder. A model that cannot see says so before anything is sent."),
          N_("PNG, JPEG, WebP, GIF, HEIC and AVIF are read, where this system can decode them."),
      },
  },
  {
      "context",
      N_("Long Conversations"),
      "view-continuous-symbolic",
      {
          N_("The *context* is what a model can hold in mind: the whole conversation, in tokens. A number beside the message "
             "tells how much of it is used."),
          N_("Quern never drops the beginning silently. When a conversation becomes too long, it asks: a larger context, "
             "leave out the oldest messages, or go on with a summary in a new conversation."),
          N_("A larger context takes more memory and **Conversation Settings** says how much. Keeping it in 8 bits takes half."),
      },
  },
  {
      "comparing",
      N_("Comparing"),
      "view-dual-symbolic",
      {
          N_("**New Comparison** asks several models the same question, side by side. All use the same random numbers, so what "
             "differs comes from the models. The first difference is marked, with the probabilities both gave."),
          N_("By default they run one after another, so that the times are fair. Running them together is quicker to see, but "
             "its times compare with nothing, and say so."),
          N_("With **Blind Vote**, names are hidden until you have decided which answer is better."),
          N_("**Measure…** reads a text with each model and compares, at every token, its probabilities with those of a "
             "reference. The *divergence* is near 0 where both agree. The words beside it, from indistinguishable to visibly "
             "damaged, take the uncertainty into account."),
      },
  },
  {
      "privacy",
      N_("Privacy"),
      "security-high-symbolic",
      {
          N_("What you write, the pictures you show and the answers stay on this computer. Quern sends no statistics."),
          N_("It uses the network for one thing: finding and downloading models, when you ask for it. The hub then learns your "
             "address and which files you fetch."),
          N_("Conversations are kept in one database in your data folder. A deleted conversation can be brought back for a "
             "short time. **Delete All Conversations…** in **Preferences** erases them from the disk."),
          N_("The desktop's search finds conversations only if you allow it in **Preferences**."),
      },
  },
  {
      "keyboard",
      N_("Keyboard"),
      "input-keyboard-symbolic",
      {
          N_("Everything works without a mouse: `Tab` goes from control to control, `F10` opens the menu, `F9` shows the "
             "conversations."),
          N_("- `Ctrl+N` new chat, `Ctrl+Shift+N` new comparison\n"
             "- `Ctrl+F` search all conversations\n"
             "- `Ctrl+L` write a message, `Ctrl+M` choose a model\n"
             "- `Ctrl+Shift+T` think or not, `Ctrl+Shift+C` copy the last answer\n"
             "- `Ctrl+Page Up` and `Ctrl+Page Down` previous and next chat"),
          N_("`Ctrl+?` lists all of them."),
      },
  },
  {
      "command-line",
      N_("Command Line"),
      "utilities-terminal-symbolic",
      {
          N_("The program `quern-cli` does what the window does: ask, fetch models, measure and compare. It uses the same "
             "models."),
          "```\n"
          "quern-cli list\n"
          "quern-cli chat -m quern-tiny --think \"What is 47 + 38?\"\n"
          "git diff | quern-cli chat -m MODEL --system \"Review this change.\"\n"
          "quern-cli compare -m MODEL -m MODEL \"Why is the sky blue?\"\n"
          "```",
          N_("Answers go to standard output and everything else to standard error; `--json` gives one object instead. "
             "`quern-cli --help` and the manual page tell more."),
          N_("Installed as a Flatpak, it is started so:"),
          "```\nflatpak run --command=quern-cli io.github.quern.Quern list\n```",
      },
  },
};

const guint quern_n_help_topics = G_N_ELEMENTS (quern_help_topics);

/**
 * quern_help_topic_dup_markdown:
 *
 * Returns: (transfer full): the topic's text in the user's language
 */
char *
quern_help_topic_dup_markdown (const QuernHelpTopic *topic)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (topic->paragraphs) && topic->paragraphs[i] != NULL; i++)
    g_string_append_printf (text, "%s\n\n", _(topic->paragraphs[i]));
  return g_string_free_and_steal (text);
}
