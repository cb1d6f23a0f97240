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
          N_("Write a question below and press `Return`. `Shift+Return` starts a new line. The answer appears while it "
             "is generated; **Stop** or `Escape` ends it."),
          N_("**Quern Tiny** is included, so that you can try everything right away. It is a demonstration: it knows a "
             "few facts, greetings and sums, and is wrong about the rest. For real work, download a full-size model: "
             "**Models**, then **For You**, shows what this computer can run."),
          N_("The button above a conversation names its model. Choose another one there at any time; the conversation stays."),
          N_("Models make mistakes, and sound just as confident when they do. Check what matters."),
      },
  },
  {
      "models",
      N_("Models"),
      "folder-download-symbolic",
      {
          N_("Quern runs models of the **Qwen 3.5** family from files in the GGUF format. Larger ones know more and "
             "answer more slowly. The limit is memory: a model has to fit into it together with the conversation."),
          N_("**Quantisation** makes a model smaller by storing its numbers in fewer bits. Q8_0 is hardly worse than "
             "the original, Q4_K_M is a good compromise, and Q2_K is visibly damaged. Measure it yourself: see "
             "*Comparing*."),
          N_("**For You** recommends a model based on measurements of this computer. **Search** finds others on the "
             "Hugging Face hub and shows for each file whether it fits. **Downloads** continue after an interruption "
             "and are verified before they are used."),
          N_("If you already have a file, **Add a Model File…** uses it without copying it. You can also open a GGUF "
             "file with Quern from the file manager. Removing such a model from Quern does not delete the file."),
          N_("A model stays in memory for some time after its last answer. You can set how long in **Preferences**."),
      },
  },
  {
      "thinking",
      N_("Thinking"),
      "quern-thinking-symbolic",
      {
          N_("With **Think** on, the model first writes down its reasoning, then the answer. That takes longer and is often "
             "better: for sums, plans, code and riddles. For simple questions, leave it off."),
          N_("The reasoning is collapsed above the answer; press its heading to read it. **Answer Now** ends the "
             "thinking early. **Conversation Settings** can limit its length."),
          N_("New conversations begin with the choice that you last made for their model."),
      },
  },
  {
      "answers",
      N_("Answers and Versions"),
      "document-edit-symbolic",
      {
          N_("**Answer Again** lets the model try again. **Edit Question** changes your question. Nothing is lost: the "
             "arrows below a message switch between its versions, and each version keeps the messages that follow it."),
          N_("**Continue** resumes an answer that was stopped or interrupted. `Return` during an answer has your next message "
             "sent when it is complete."),
          N_("**Edit Answer…**, in the menu of an answer, makes another version of it that says what you write."),
          N_("When you close the window while something is in progress, Quern finishes it in the background and tells you. "
             "`Ctrl+Q` stops everything and quits."),
          N_("**Conversation Settings** has the instructions that the model reads before everything else, the "
             "temperature and the other sampling values. You can save instructions that you use often as a persona in "
             "**Preferences**."),
          N_("The numbers below an answer are measured: tokens per second, and the time to the first token. A token is "
             "about three quarters of a word."),
      },
  },
  {
      "pictures",
      N_("Pictures and Files"),
      "image-x-generic-symbolic",
      {
          N_("Drop a picture, a text or a document on the conversation, paste it, or press **Attach Pictures or Documents**. "
             "Each attachment shows how many tokens it takes."),
          N_("To see pictures, a model needs its *vision file* (mmproj). Downloads include it; for a file of your own, "
             "put it into the same folder. If a model cannot see pictures, Quern tells you before anything is sent."),
          N_("Quern reads PNG, JPEG, WebP, GIF, HEIC and AVIF, if this system can decode them."),
          N_("Of documents (PDF, ODT, DOCX, EPUB, HTML and CSV) the text is sent. Press the icon of one to see it and to choose "
             "pages. If it is too long, Quern offers to pick the pages that have to do with the question, and shows which. "
             "Pages of a PDF can also be sent as pictures, for example when they were scanned."),
      },
  },
  {
      "context",
      N_("Long Conversations"),
      "view-continuous-symbolic",
      {
          N_("The *context* is what a model can keep in mind: the whole conversation, in tokens. A number next to the "
             "message shows how much of it is used."),
          N_("Quern never drops the beginning silently. When a conversation becomes too long, it lets you increase the "
             "context length, leave out the oldest messages, or continue with a summary in a new conversation."),
          N_("A longer context takes more memory; **Conversation Settings** shows how much. Storing it in 8 bits takes "
             "half."),
      },
  },
  {
      "comparing",
      N_("Comparing"),
      "view-dual-symbolic",
      {
          N_("**New Comparison** asks several models the same question, side by side. All use the same random numbers, "
             "so all differences come from the models. The first difference is marked, with the probabilities that "
             "both models gave."),
          N_("By default they run one after another, so that the timings can be compared. Running them together shows "
             "results sooner, but then the timings cannot be compared, and are marked as such."),
          N_("With **Blind Vote**, names are hidden until you have decided which answer is better."),
          N_("**Measure…** reads a text with each model and compares its probabilities at every token with those of a "
             "reference. The *divergence* is near 0 where both agree. The verdicts, from indistinguishable to visibly "
             "damaged, take the uncertainty into account."),
          N_("Of a model on a vLLM server, the likeliest 20 tokens are known at each place, which is marked wherever a "
             "divergence is shown. Other servers do not tell even those, so that their models cannot be measured."),
          N_("What a divergence means for answers is said below the figures, with examples from the text. **Procedure** has "
             "what makes figures comparable with those that others publish, and **Copy as Markdown** makes a table of "
             "them for the page of a model."),
          N_("The page of a model on the hub has **Measure All…**: each quantisation is downloaded and compared with a "
             "reference, one after the other, and a chart shows which are worth their size. It can take hours, says so "
             "before it begins, and continues where it was."),
      },
  },
  {
      "servers",
      N_("Servers"),
      "network-server-symbolic",
      {
          N_("A model that is too large for this computer can run on another one: llama.cpp, vLLM, SGLang, Ollama, "
             "LM Studio and others serve models over the network. **Add Server…**, in **Models** under **Installed** or "
             "in **Preferences**, asks for the address. What answers there is shown before it is added. Servers on this "
             "computer are looked for only when you press **Find on This Computer**."),
          N_("The models of a server are below those of this computer in the list of models. Your messages and pictures "
             "are sent to the server, which Quern tells you before the first question. Whoever runs the server can read "
             "them."),
          N_("If the server needs a key, it is stored in the keyring and sent to that server alone. The conversations "
             "stay on this computer: you can continue them with another model when the server is gone."),
          N_("The other way round, editors, note-taking apps and other programs can use the models of this computer: "
             "**Let Other Programs Use the Models** in **Preferences** gives them an address. Only programs on this "
             "computer can use it, unless you allow other computers, which need a key then. Your own questions go first."),
      },
  },
  {
      "privacy",
      N_("Privacy"),
      "security-high-symbolic",
      {
          N_("Your messages, your pictures and the answers stay on this computer, unless you choose a model "
             "of a server that you added. Quern sends no statistics."),
          N_("Quern uses the network only to find and download models, when you ask it to. The hub then learns your IP "
             "address and which files you download."),
          N_("Conversations are stored in one database in your data folder. You can undo deleting a conversation for a "
             "short time. **Delete All Conversations…** in **Preferences** erases them from the disk."),
          N_("The desktop's search finds conversations only if you allow it in **Preferences**."),
      },
  },
  {
      "keyboard",
      N_("Keyboard"),
      "input-keyboard-symbolic",
      {
          N_("Everything works without a mouse: `Tab` moves from control to control, `F10` opens the menu, `F9` shows "
             "the conversations."),
          N_("- `Ctrl+N` new chat, `Ctrl+Shift+N` new window, `Ctrl+Alt+N` new comparison\n"
             "- `Ctrl+F` find in the conversation, `Ctrl+Shift+F` search all conversations\n"
             "- `Ctrl+L` write a message, `Ctrl+M` choose a model\n"
             "- `Ctrl+Shift+T` think or not, `Ctrl+Shift+C` copy the last answer\n"
             "- `Ctrl+Page Up` and `Ctrl+Page Down` previous and next chat"),
          N_("`Ctrl+?` lists all shortcuts."),
      },
  },
  {
      "command-line",
      N_("Command Line"),
      "utilities-terminal-symbolic",
      {
          N_("The program `quern-cli` does what the window does: ask, download, measure and compare models. It uses "
             "the same models."),
          "```\n"
          "quern-cli list\n"
          "quern-cli chat -m quern-tiny --think \"What is 47 + 38?\"\n"
          "git diff | quern-cli chat -m MODEL --system \"Review this change.\"\n"
          "quern-cli compare -m MODEL -m MODEL \"Why is the sky blue?\"\n"
          "```",
          N_("Answers go to standard output and everything else to standard error; `--json` prints one JSON object "
             "instead. See `quern-cli --help` and the manual page for details."),
          N_("If Quern is installed as a Flatpak, start it like this:"),
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
    g_string_append_printf (text, "%s\n\n", _ (topic->paragraphs[i]));
  return g_string_free_and_steal (text);
}
