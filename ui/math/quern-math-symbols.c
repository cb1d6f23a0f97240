/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the commands, characters, environments and colours of LaTeX mean. */

#include "quern-math-symbols.h"

#include <string.h>

#define S(class, name, text) { name, QUERN_MATH_DO_SYMBOL, QUERN_MATH_##class, text }
#define D(action, name, value, text) { name, QUERN_MATH_DO_##action, value, text }

static const QuernMathCommand commands[] = {
  /* Greek letters */
  S (ORD, "alpha", "α"),
  S (ORD, "beta", "β"),
  S (ORD, "gamma", "γ"),
  S (ORD, "delta", "δ"),
  S (ORD, "epsilon", "ϵ"),
  S (ORD, "varepsilon", "ε"),
  S (ORD, "zeta", "ζ"),
  S (ORD, "eta", "η"),
  S (ORD, "theta", "θ"),
  S (ORD, "vartheta", "ϑ"),
  S (ORD, "iota", "ι"),
  S (ORD, "kappa", "κ"),
  S (ORD, "varkappa", "ϰ"),
  S (ORD, "lambda", "λ"),
  S (ORD, "mu", "μ"),
  S (ORD, "nu", "ν"),
  S (ORD, "xi", "ξ"),
  S (ORD, "omicron", "ο"),
  S (ORD, "pi", "π"),
  S (ORD, "varpi", "ϖ"),
  S (ORD, "rho", "ρ"),
  S (ORD, "varrho", "ϱ"),
  S (ORD, "sigma", "σ"),
  S (ORD, "varsigma", "ς"),
  S (ORD, "tau", "τ"),
  S (ORD, "upsilon", "υ"),
  S (ORD, "phi", "ϕ"),
  S (ORD, "varphi", "φ"),
  S (ORD, "chi", "χ"),
  S (ORD, "psi", "ψ"),
  S (ORD, "omega", "ω"),
  S (ORD, "digamma", "ϝ"),
  S (ORD, "Alpha", "Α"),
  S (ORD, "Beta", "Β"),
  S (ORD, "Gamma", "Γ"),
  S (ORD, "Delta", "Δ"),
  S (ORD, "Epsilon", "Ε"),
  S (ORD, "Zeta", "Ζ"),
  S (ORD, "Eta", "Η"),
  S (ORD, "Theta", "Θ"),
  S (ORD, "Iota", "Ι"),
  S (ORD, "Kappa", "Κ"),
  S (ORD, "Lambda", "Λ"),
  S (ORD, "Mu", "Μ"),
  S (ORD, "Nu", "Ν"),
  S (ORD, "Xi", "Ξ"),
  S (ORD, "Omicron", "Ο"),
  S (ORD, "Pi", "Π"),
  S (ORD, "Rho", "Ρ"),
  S (ORD, "Sigma", "Σ"),
  S (ORD, "Tau", "Τ"),
  S (ORD, "Upsilon", "Υ"),
  S (ORD, "Phi", "Φ"),
  S (ORD, "Chi", "Χ"),
  S (ORD, "Psi", "Ψ"),
  S (ORD, "Omega", "Ω"),
  /* ordinary */
  S (ORD, "infty", "∞"),
  S (ORD, "partial", "∂"),
  S (ORD, "nabla", "∇"),
  S (ORD, "emptyset", "∅"),
  S (ORD, "varnothing", "∅"),
  S (ORD, "forall", "∀"),
  S (ORD, "exists", "∃"),
  S (ORD, "nexists", "∄"),
  S (ORD, "neg", "¬"),
  S (ORD, "lnot", "¬"),
  S (ORD, "prime", "′"),
  S (ORD, "backprime", "‵"),
  S (ORD, "degree", "°"),
  S (ORD, "angle", "∠"),
  S (ORD, "measuredangle", "∡"),
  S (ORD, "sphericalangle", "∢"),
  S (ORD, "triangle", "△"),
  S (ORD, "triangledown", "▽"),
  S (ORD, "square", "□"),
  S (ORD, "Box", "□"),
  S (ORD, "blacksquare", "■"),
  S (ORD, "Diamond", "◇"),
  S (ORD, "diamondsuit", "♢"),
  S (ORD, "heartsuit", "♡"),
  S (ORD, "clubsuit", "♣"),
  S (ORD, "spadesuit", "♠"),
  S (ORD, "ell", "ℓ"),
  S (ORD, "hbar", "ℏ"),
  S (ORD, "hslash", "ℏ"),
  S (ORD, "Re", "ℜ"),
  S (ORD, "Im", "ℑ"),
  S (ORD, "aleph", "ℵ"),
  S (ORD, "beth", "ℶ"),
  S (ORD, "gimel", "ℷ"),
  S (ORD, "wp", "℘"),
  S (ORD, "imath", "ı"),
  S (ORD, "jmath", "ȷ"),
  S (ORD, "top", "⊤"),
  S (ORD, "bot", "⊥"),
  S (ORD, "flat", "♭"),
  S (ORD, "natural", "♮"),
  S (ORD, "sharp", "♯"),
  S (ORD, "surd", "√"),
  S (ORD, "complement", "∁"),
  S (ORD, "eth", "ð"),
  S (ORD, "mho", "℧"),
  S (ORD, "dag", "†"),
  S (ORD, "ddag", "‡"),
  S (ORD, "S", "§"),
  S (ORD, "P", "¶"),
  S (ORD, "copyright", "©"),
  S (ORD, "pounds", "£"),
  S (ORD, "euro", "€"),
  S (ORD, "yen", "¥"),
  S (ORD, "checkmark", "✓"),
  S (ORD, "bigstar", "★"),
  S (ORD, "blacktriangle", "▲"),
  S (ORD, "lozenge", "◊"),
  S (ORD, "blacklozenge", "⧫"),
  S (ORD, "backslash", "\\"),
  S (ORD, "vert", "|"),
  S (ORD, "|", "‖"),
  S (ORD, "Vert", "‖"),
  S (ORD, "%", "%"),
  S (ORD, "$", "$"),
  S (ORD, "#", "#"),
  S (ORD, "&", "&"),
  S (ORD, "_", "_"),
  S (ORD, "AA", "Å"),
  S (ORD, "aa", "å"),
  S (ORD, "O", "Ø"),
  S (ORD, "o", "ø"),
  S (ORD, "AE", "Æ"),
  S (ORD, "ae", "æ"),
  S (ORD, "OE", "Œ"),
  S (ORD, "oe", "œ"),
  S (ORD, "ss", "ß"),
  S (ORD, "textdegree", "°"),
  S (ORD, "circledR", "®"),
  S (ORD, "Finv", "Ⅎ"),
  S (ORD, "Bbbk", "𝕜"),
  S (ORD, "textbackslash", "\\"),
  S (ORD, "slash", "/"),
  S (ORD, "vdots", "⋮"),
  S (ORD, "QED", "∎"),
  S (ORD, "qed", "∎"),
  /* binary operators */
  S (BIN, "times", "×"),
  S (BIN, "cdot", "⋅"),
  S (BIN, "div", "÷"),
  S (BIN, "pm", "±"),
  S (BIN, "mp", "∓"),
  S (BIN, "cup", "∪"),
  S (BIN, "cap", "∩"),
  S (BIN, "Cup", "⋓"),
  S (BIN, "Cap", "⋒"),
  S (BIN, "setminus", "∖"),
  S (BIN, "smallsetminus", "∖"),
  S (BIN, "land", "∧"),
  S (BIN, "wedge", "∧"),
  S (BIN, "lor", "∨"),
  S (BIN, "vee", "∨"),
  S (BIN, "oplus", "⊕"),
  S (BIN, "ominus", "⊖"),
  S (BIN, "otimes", "⊗"),
  S (BIN, "oslash", "⊘"),
  S (BIN, "odot", "⊙"),
  S (BIN, "circ", "∘"),
  S (BIN, "bullet", "∙"),
  S (BIN, "ast", "∗"),
  S (BIN, "star", "⋆"),
  S (BIN, "uplus", "⊎"),
  S (BIN, "sqcup", "⊔"),
  S (BIN, "sqcap", "⊓"),
  S (BIN, "dagger", "†"),
  S (BIN, "ddagger", "‡"),
  S (BIN, "amalg", "⨿"),
  S (BIN, "diamond", "⋄"),
  S (BIN, "wr", "≀"),
  S (BIN, "bigcirc", "◯"),
  S (BIN, "bigtriangleup", "△"),
  S (BIN, "bigtriangledown", "▽"),
  S (BIN, "triangleleft", "◃"),
  S (BIN, "triangleright", "▹"),
  S (BIN, "ltimes", "⋉"),
  S (BIN, "rtimes", "⋊"),
  S (BIN, "bowtie", "⋈"),
  S (BIN, "barwedge", "⊼"),
  S (BIN, "veebar", "⊻"),
  S (BIN, "curlywedge", "⋏"),
  S (BIN, "curlyvee", "⋎"),
  S (BIN, "dotplus", "∔"),
  S (BIN, "boxplus", "⊞"),
  S (BIN, "boxminus", "⊟"),
  S (BIN, "boxtimes", "⊠"),
  S (BIN, "boxdot", "⊡"),
  S (BIN, "circledast", "⊛"),
  S (BIN, "circledcirc", "⊚"),
  S (BIN, "intercal", "⊺"),
  S (BIN, "centerdot", "⋅"),
  S (BIN, "divideontimes", "⋇"),
  /* relations */
  S (REL, "leq", "≤"),
  S (REL, "le", "≤"),
  S (REL, "leqslant", "⩽"),
  S (REL, "leqq", "≦"),
  S (REL, "geq", "≥"),
  S (REL, "ge", "≥"),
  S (REL, "geqslant", "⩾"),
  S (REL, "geqq", "≧"),
  S (REL, "neq", "≠"),
  S (REL, "ne", "≠"),
  S (REL, "approx", "≈"),
  S (REL, "approxeq", "≊"),
  S (REL, "equiv", "≡"),
  S (REL, "sim", "∼"),
  S (REL, "simeq", "≃"),
  S (REL, "cong", "≅"),
  S (REL, "propto", "∝"),
  S (REL, "varpropto", "∝"),
  S (REL, "ll", "≪"),
  S (REL, "gg", "≫"),
  S (REL, "lll", "⋘"),
  S (REL, "ggg", "⋙"),
  S (REL, "lt", "<"),
  S (REL, "gt", ">"),
  S (REL, "in", "∈"),
  S (REL, "notin", "∉"),
  S (REL, "ni", "∋"),
  S (REL, "owns", "∋"),
  S (REL, "notni", "∌"),
  S (REL, "subset", "⊂"),
  S (REL, "subseteq", "⊆"),
  S (REL, "subsetneq", "⊊"),
  S (REL, "subseteqq", "⫅"),
  S (REL, "nsubseteq", "⊈"),
  S (REL, "nsubset", "⊄"),
  S (REL, "supset", "⊃"),
  S (REL, "supseteq", "⊇"),
  S (REL, "supsetneq", "⊋"),
  S (REL, "nsupseteq", "⊉"),
  S (REL, "sqsubset", "⊏"),
  S (REL, "sqsubseteq", "⊑"),
  S (REL, "sqsupset", "⊐"),
  S (REL, "sqsupseteq", "⊒"),
  S (REL, "perp", "⟂"),
  S (REL, "parallel", "∥"),
  S (REL, "nparallel", "∦"),
  S (REL, "mid", "∣"),
  S (REL, "nmid", "∤"),
  S (REL, "shortmid", "∣"),
  S (REL, "vdash", "⊢"),
  S (REL, "dashv", "⊣"),
  S (REL, "models", "⊨"),
  S (REL, "vDash", "⊨"),
  S (REL, "Vdash", "⊩"),
  S (REL, "nvdash", "⊬"),
  S (REL, "nvDash", "⊭"),
  S (REL, "prec", "≺"),
  S (REL, "succ", "≻"),
  S (REL, "preceq", "⪯"),
  S (REL, "succeq", "⪰"),
  S (REL, "preccurlyeq", "≼"),
  S (REL, "succcurlyeq", "≽"),
  S (REL, "asymp", "≍"),
  S (REL, "doteq", "≐"),
  S (REL, "doteqdot", "≑"),
  S (REL, "coloneqq", "≔"),
  S (REL, "coloneq", "≔"),
  S (REL, "eqqcolon", "≕"),
  S (REL, "triangleq", "≜"),
  S (REL, "therefore", "∴"),
  S (REL, "because", "∵"),
  S (REL, "smile", "⌣"),
  S (REL, "frown", "⌢"),
  S (REL, "lesssim", "≲"),
  S (REL, "gtrsim", "≳"),
  S (REL, "lessapprox", "⪅"),
  S (REL, "gtrapprox", "⪆"),
  S (REL, "lessgtr", "≶"),
  S (REL, "gtrless", "≷"),
  S (REL, "nless", "≮"),
  S (REL, "ngtr", "≯"),
  S (REL, "nleq", "≰"),
  S (REL, "ngeq", "≱"),
  S (REL, "ncong", "≇"),
  S (REL, "nsim", "≁"),
  S (REL, "between", "≬"),
  S (REL, "pitchfork", "⋔"),
  S (REL, "Join", "⋈"),
  S (REL, "vartriangleleft", "⊲"),
  S (REL, "vartriangleright", "⊳"),
  S (REL, "trianglelefteq", "⊴"),
  S (REL, "trianglerighteq", "⊵"),
  S (REL, "Subset", "⋐"),
  S (REL, "Supset", "⋑"),
  S (REL, "colon", ":"),
  S (REL, "vcentcolon", ":"),
  S (REL, "eqsim", "≂"),
  S (REL, "backsim", "∽"),
  S (REL, "risingdotseq", "≓"),
  S (REL, "fallingdotseq", "≒"),
  S (REL, "bumpeq", "≏"),
  S (REL, "multimap", "⊸"),
  /* arrows */
  S (REL, "to", "→"),
  S (REL, "rightarrow", "→"),
  S (REL, "longrightarrow", "⟶"),
  S (REL, "leftarrow", "←"),
  S (REL, "gets", "←"),
  S (REL, "longleftarrow", "⟵"),
  S (REL, "Rightarrow", "⇒"),
  S (REL, "Longrightarrow", "⟹"),
  S (REL, "implies", "⟹"),
  S (REL, "impliedby", "⟸"),
  S (REL, "Leftarrow", "⇐"),
  S (REL, "Longleftarrow", "⟸"),
  S (REL, "iff", "⟺"),
  S (REL, "Leftrightarrow", "⇔"),
  S (REL, "Longleftrightarrow", "⟺"),
  S (REL, "leftrightarrow", "↔"),
  S (REL, "longleftrightarrow", "⟷"),
  S (REL, "mapsto", "↦"),
  S (REL, "longmapsto", "⟼"),
  S (REL, "hookrightarrow", "↪"),
  S (REL, "hookleftarrow", "↩"),
  S (REL, "rightharpoonup", "⇀"),
  S (REL, "rightharpoondown", "⇁"),
  S (REL, "leftharpoonup", "↼"),
  S (REL, "leftharpoondown", "↽"),
  S (REL, "rightleftharpoons", "⇌"),
  S (REL, "leftrightharpoons", "⇋"),
  S (REL, "uparrow", "↑"),
  S (REL, "downarrow", "↓"),
  S (REL, "updownarrow", "↕"),
  S (REL, "Uparrow", "⇑"),
  S (REL, "Downarrow", "⇓"),
  S (REL, "Updownarrow", "⇕"),
  S (REL, "nearrow", "↗"),
  S (REL, "searrow", "↘"),
  S (REL, "swarrow", "↙"),
  S (REL, "nwarrow", "↖"),
  S (REL, "nrightarrow", "↛"),
  S (REL, "nleftarrow", "↚"),
  S (REL, "nRightarrow", "⇏"),
  S (REL, "nLeftarrow", "⇍"),
  S (REL, "nleftrightarrow", "↮"),
  S (REL, "nLeftrightarrow", "⇎"),
  S (REL, "rightrightarrows", "⇉"),
  S (REL, "leftleftarrows", "⇇"),
  S (REL, "rightleftarrows", "⇄"),
  S (REL, "leftrightarrows", "⇆"),
  S (REL, "upuparrows", "⇈"),
  S (REL, "downdownarrows", "⇊"),
  S (REL, "rightarrowtail", "↣"),
  S (REL, "leftarrowtail", "↢"),
  S (REL, "twoheadrightarrow", "↠"),
  S (REL, "twoheadleftarrow", "↞"),
  S (REL, "curvearrowright", "↷"),
  S (REL, "curvearrowleft", "↶"),
  S (REL, "circlearrowright", "↻"),
  S (REL, "circlearrowleft", "↺"),
  S (REL, "leadsto", "⇝"),
  S (REL, "rightsquigarrow", "⇝"),
  S (REL, "dashrightarrow", "⇢"),
  S (REL, "dashleftarrow", "⇠"),
  S (REL, "Lsh", "↰"),
  S (REL, "Rsh", "↱"),
  S (REL, "upharpoonright", "↾"),
  S (REL, "restriction", "↾"),
  S (REL, "Rrightarrow", "⇛"),
  S (REL, "Lleftarrow", "⇚"),
  /* delimiters */
  S (OPEN, "langle", "⟨"),
  S (OPEN, "lfloor", "⌊"),
  S (OPEN, "lceil", "⌈"),
  S (OPEN, "lvert", "|"),
  S (OPEN, "lVert", "‖"),
  S (OPEN, "lbrace", "{"),
  S (OPEN, "{", "{"),
  S (OPEN, "lbrack", "["),
  S (OPEN, "lgroup", "⟮"),
  S (OPEN, "llbracket", "⟦"),
  S (OPEN, "ulcorner", "⌜"),
  S (OPEN, "llcorner", "⌞"),
  S (OPEN, "lparen", "("),
  S (CLOSE, "rangle", "⟩"),
  S (CLOSE, "rfloor", "⌋"),
  S (CLOSE, "rceil", "⌉"),
  S (CLOSE, "rvert", "|"),
  S (CLOSE, "rVert", "‖"),
  S (CLOSE, "rbrace", "}"),
  S (CLOSE, "}", "}"),
  S (CLOSE, "rbrack", "]"),
  S (CLOSE, "rgroup", "⟯"),
  S (CLOSE, "rrbracket", "⟧"),
  S (CLOSE, "urcorner", "⌝"),
  S (CLOSE, "lrcorner", "⌟"),
  S (CLOSE, "rparen", ")"),
  /* dots */
  S (INNER, "ldots", "…"),
  S (INNER, "dotsc", "…"),
  S (INNER, "dotso", "…"),
  S (INNER, "textellipsis", "…"),
  S (INNER, "mathellipsis", "…"),
  S (INNER, "cdots", "⋯"),
  S (INNER, "dotsb", "⋯"),
  S (INNER, "dotsm", "⋯"),
  S (INNER, "dotsi", "⋯"),
  S (INNER, "ddots", "⋱"),
  S (INNER, "iddots", "⋰"),
  S (INNER, "adots", "⋰"),
  /* big operators */
  D (BIG, "sum", 1, "∑"),
  D (BIG, "prod", 1, "∏"),
  D (BIG, "coprod", 1, "∐"),
  D (BIG, "int", 0, "∫"),
  D (BIG, "iint", 0, "∬"),
  D (BIG, "iiint", 0, "∭"),
  D (BIG, "iiiint", 0, "⨌"),
  D (BIG, "oint", 0, "∮"),
  D (BIG, "oiint", 0, "∯"),
  D (BIG, "oiiint", 0, "∰"),
  D (BIG, "bigcup", 1, "⋃"),
  D (BIG, "bigcap", 1, "⋂"),
  D (BIG, "bigvee", 1, "⋁"),
  D (BIG, "bigwedge", 1, "⋀"),
  D (BIG, "bigoplus", 1, "⨁"),
  D (BIG, "bigotimes", 1, "⨂"),
  D (BIG, "bigodot", 1, "⨀"),
  D (BIG, "biguplus", 1, "⨄"),
  D (BIG, "bigsqcup", 1, "⨆"),
  D (BIG, "intop", 1, "∫"),
  D (BIG, "smallint", 0, "∫"),
  /* functions */
  D (NAME, "sin", 0, NULL),
  D (NAME, "cos", 0, NULL),
  D (NAME, "tan", 0, NULL),
  D (NAME, "cot", 0, NULL),
  D (NAME, "sec", 0, NULL),
  D (NAME, "csc", 0, NULL),
  D (NAME, "arcsin", 0, NULL),
  D (NAME, "arccos", 0, NULL),
  D (NAME, "arctan", 0, NULL),
  D (NAME, "sinh", 0, NULL),
  D (NAME, "cosh", 0, NULL),
  D (NAME, "tanh", 0, NULL),
  D (NAME, "coth", 0, NULL),
  D (NAME, "sech", 0, NULL),
  D (NAME, "csch", 0, NULL),
  D (NAME, "log", 0, NULL),
  D (NAME, "ln", 0, NULL),
  D (NAME, "lg", 0, NULL),
  D (NAME, "exp", 0, NULL),
  D (NAME, "dim", 0, NULL),
  D (NAME, "ker", 0, NULL),
  D (NAME, "deg", 0, NULL),
  D (NAME, "arg", 0, NULL),
  D (NAME, "hom", 0, NULL),
  D (NAME, "erf", 0, NULL),
  D (NAME, "sgn", 0, NULL),
  D (NAME, "tr", 0, NULL),
  D (NAME, "Tr", 0, NULL),
  D (NAME, "rank", 0, NULL),
  D (NAME, "diag", 0, NULL),
  D (NAME, "Var", 0, NULL),
  D (NAME, "Cov", 0, NULL),
  D (NAME, "lim", 1, NULL),
  D (NAME, "min", 1, NULL),
  D (NAME, "max", 1, NULL),
  D (NAME, "sup", 1, NULL),
  D (NAME, "inf", 1, NULL),
  D (NAME, "det", 1, NULL),
  D (NAME, "gcd", 1, NULL),
  D (NAME, "lcm", 1, NULL),
  D (NAME, "Pr", 1, NULL),
  D (NAME, "liminf", 1, "lim inf"),
  D (NAME, "limsup", 1, "lim sup"),
  D (NAME, "argmin", 1, "arg min"),
  D (NAME, "argmax", 1, "arg max"),
  D (NAME, "injlim", 1, "inj lim"),
  D (NAME, "projlim", 1, "proj lim"),
  D (NAME, "bmod", 2, "mod"),
  /* accents */
  D (ACCENT, "hat", 0, "̂"),
  D (ACCENT, "check", 0, "̌"),
  D (ACCENT, "tilde", 0, "̃"),
  D (ACCENT, "acute", 0, "́"),
  D (ACCENT, "grave", 0, "̀"),
  D (ACCENT, "dot", 0, "̇"),
  D (ACCENT, "ddot", 0, "̈"),
  D (ACCENT, "dddot", 0, "⃛"),
  D (ACCENT, "ddddot", 0, "⃜"),
  D (ACCENT, "breve", 0, "̆"),
  D (ACCENT, "bar", 0, "̄"),
  D (ACCENT, "vec", 0, "⃗"),
  D (ACCENT, "mathring", 0, "̊"),
  D (ACCENT, "widehat", 1, "̂"),
  D (ACCENT, "widetilde", 1, "̃"),
  D (ACCENT, "widecheck", 1, "̌"),
  /* above and below */
  D (OVER, "overline", 0, ""),
  D (OVER, "overbrace", 0, "⏞"),
  D (OVER, "overrightarrow", 0, "→"),
  D (OVER, "overleftarrow", 0, "←"),
  D (OVER, "overleftrightarrow", 0, "↔"),
  D (OVER, "overbracket", 0, "⎴"),
  D (OVER, "overparen", 0, "⏜"),
  D (OVER, "wideparen", 0, "⏜"),
  D (UNDER, "underline", 0, ""),
  D (UNDER, "underbar", 0, ""),
  D (UNDER, "underbrace", 0, "⏟"),
  D (UNDER, "underrightarrow", 0, "→"),
  D (UNDER, "underleftarrow", 0, "←"),
  D (UNDER, "underleftrightarrow", 0, "↔"),
  D (UNDER, "underbracket", 0, "⎵"),
  D (UNDER, "underparen", 0, "⏝"),
  D (ARROW, "xrightarrow", 0, "→"),
  D (ARROW, "xleftarrow", 0, "←"),
  D (ARROW, "xleftrightarrow", 0, "↔"),
  D (ARROW, "xRightarrow", 0, "⇒"),
  D (ARROW, "xLeftarrow", 0, "⇐"),
  D (ARROW, "xLeftrightarrow", 0, "⇔"),
  D (ARROW, "xmapsto", 0, "↦"),
  D (ARROW, "xhookrightarrow", 0, "↪"),
  D (ARROW, "xrightleftharpoons", 0, "⇌"),
  D (ARROW, "xlongequal", 0, "="),
  /* fractions and roots */
  D (FRACTION, "frac", 0, NULL),
  D (FRACTION, "dfrac", 1, NULL),
  D (FRACTION, "tfrac", 2, NULL),
  D (FRACTION, "cfrac", 1, NULL),
  D (FRACTION, "binom", 0, "()"),
  D (FRACTION, "dbinom", 1, "()"),
  D (FRACTION, "tbinom", 2, "()"),
  D (INFIX, "over", 0, NULL),
  D (INFIX, "atop", 0, ""),
  D (INFIX, "choose", 0, "()"),
  D (INFIX, "brace", 0, "{}"),
  D (INFIX, "brack", 0, "[]"),
  D (ROOT, "sqrt", 0, NULL),
  /* alphabets and words */
  D (ALPHABET, "mathrm", QUERN_MATH_ROMAN, NULL),
  D (ALPHABET, "mathup", QUERN_MATH_ROMAN, NULL),
  D (ALPHABET, "mathnormal", QUERN_MATH_LETTERS, NULL),
  D (ALPHABET, "mathbf", QUERN_MATH_BOLD, NULL),
  D (ALPHABET, "boldsymbol", QUERN_MATH_BOLD_ITALIC, NULL),
  D (ALPHABET, "bm", QUERN_MATH_BOLD_ITALIC, NULL),
  D (ALPHABET, "pmb", QUERN_MATH_BOLD_ITALIC, NULL),
  D (ALPHABET, "mathbfit", QUERN_MATH_BOLD_ITALIC, NULL),
  D (ALPHABET, "mathit", QUERN_MATH_ITALIC, NULL),
  D (ALPHABET, "mathcal", QUERN_MATH_SCRIPT, NULL),
  D (ALPHABET, "mathscr", QUERN_MATH_SCRIPT, NULL),
  D (ALPHABET, "mathfrak", QUERN_MATH_FRAKTUR, NULL),
  D (ALPHABET, "mathbb", QUERN_MATH_BLACKBOARD, NULL),
  D (ALPHABET, "Bbb", QUERN_MATH_BLACKBOARD, NULL),
  D (ALPHABET, "mathsf", QUERN_MATH_SANS, NULL),
  D (ALPHABET, "mathtt", QUERN_MATH_MONO, NULL),
  D (SWITCH, "rm", QUERN_MATH_ROMAN, NULL),
  D (SWITCH, "bf", QUERN_MATH_BOLD, NULL),
  D (SWITCH, "it", QUERN_MATH_ITALIC, NULL),
  D (SWITCH, "cal", QUERN_MATH_SCRIPT, NULL),
  D (SWITCH, "sf", QUERN_MATH_SANS, NULL),
  D (SWITCH, "tt", QUERN_MATH_MONO, NULL),
  D (TEXT, "text", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "textrm", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "textnormal", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "textup", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "mbox", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "hbox", QUERN_MATH_ROMAN, NULL),
  D (TEXT, "textbf", QUERN_MATH_BOLD, NULL),
  D (TEXT, "textit", QUERN_MATH_ITALIC, NULL),
  D (TEXT, "emph", QUERN_MATH_ITALIC, NULL),
  D (TEXT, "textsf", QUERN_MATH_SANS, NULL),
  D (TEXT, "texttt", QUERN_MATH_MONO, NULL),
  /* classes */
  D (CLASS, "mathord", QUERN_MATH_ORD, NULL),
  D (CLASS, "mathop", QUERN_MATH_OP, NULL),
  D (CLASS, "mathbin", QUERN_MATH_BIN, NULL),
  D (CLASS, "mathrel", QUERN_MATH_REL, NULL),
  D (CLASS, "mathopen", QUERN_MATH_OPEN, NULL),
  D (CLASS, "mathclose", QUERN_MATH_CLOSE, NULL),
  D (CLASS, "mathpunct", QUERN_MATH_PUNCT, NULL),
  D (CLASS, "mathinner", QUERN_MATH_INNER, NULL),
  D (OPERATOR, "operatorname", 0, NULL),
  D (LIMITS, "limits", QUERN_MATH_LIMITS_ALWAYS, NULL),
  D (LIMITS, "nolimits", QUERN_MATH_LIMITS_NEVER, NULL),
  D (LIMITS, "displaylimits", QUERN_MATH_LIMITS_DEFAULT, NULL),
  /* spaces */
  D (SPACE, ",", 3, NULL),
  D (SPACE, "thinspace", 3, NULL),
  D (SPACE, ":", 4, NULL),
  D (SPACE, ">", 4, NULL),
  D (SPACE, "medspace", 4, NULL),
  D (SPACE, ";", 5, NULL),
  D (SPACE, "thickspace", 5, NULL),
  D (SPACE, "!", -3, NULL),
  D (SPACE, "negthinspace", -3, NULL),
  D (SPACE, "negmedspace", -4, NULL),
  D (SPACE, "negthickspace", -5, NULL),
  D (SPACE, "quad", 18, NULL),
  D (SPACE, "qquad", 36, NULL),
  D (SPACE, "enspace", 9, NULL),
  D (SPACE, "space", 6, NULL),
  D (SPACE, "nobreakspace", 6, NULL),
  D (SPACE, " ", 6, NULL),
  D (LENGTH, "hspace", 1, NULL),
  D (LENGTH, "mspace", 1, NULL),
  D (LENGTH, "kern", 0, NULL),
  D (LENGTH, "mkern", 0, NULL),
  D (LENGTH, "hskip", 0, NULL),
  D (LENGTH, "mskip", 0, NULL),
  D (STYLE, "displaystyle", 0, NULL),
  D (STYLE, "textstyle", 1, NULL),
  D (STYLE, "scriptstyle", 2, NULL),
  D (STYLE, "scriptscriptstyle", 3, NULL),
  /* delimiters of a size */
  D (LEFT, "left", 0, NULL),
  D (RIGHT, "right", 0, NULL),
  D (MIDDLE, "middle", 0, NULL),
  D (SIZED, "big", 1 + 8 * QUERN_MATH_ORD, NULL),
  D (SIZED, "Big", 2 + 8 * QUERN_MATH_ORD, NULL),
  D (SIZED, "bigg", 3 + 8 * QUERN_MATH_ORD, NULL),
  D (SIZED, "Bigg", 4 + 8 * QUERN_MATH_ORD, NULL),
  D (SIZED, "bigl", 1 + 8 * QUERN_MATH_OPEN, NULL),
  D (SIZED, "Bigl", 2 + 8 * QUERN_MATH_OPEN, NULL),
  D (SIZED, "biggl", 3 + 8 * QUERN_MATH_OPEN, NULL),
  D (SIZED, "Biggl", 4 + 8 * QUERN_MATH_OPEN, NULL),
  D (SIZED, "bigr", 1 + 8 * QUERN_MATH_CLOSE, NULL),
  D (SIZED, "Bigr", 2 + 8 * QUERN_MATH_CLOSE, NULL),
  D (SIZED, "biggr", 3 + 8 * QUERN_MATH_CLOSE, NULL),
  D (SIZED, "Biggr", 4 + 8 * QUERN_MATH_CLOSE, NULL),
  D (SIZED, "bigm", 1 + 8 * QUERN_MATH_REL, NULL),
  D (SIZED, "Bigm", 2 + 8 * QUERN_MATH_REL, NULL),
  D (SIZED, "biggm", 3 + 8 * QUERN_MATH_REL, NULL),
  D (SIZED, "Biggm", 4 + 8 * QUERN_MATH_REL, NULL),
  /* structure */
  D (BEGIN, "begin", 0, NULL),
  D (END, "end", 0, NULL),
  D (NEWLINE, "\\", 0, NULL),
  D (NEWLINE, "cr", 0, NULL),
  D (NEWLINE, "newline", 0, NULL),
  D (HLINE, "hline", 0, NULL),
  D (COLOR, "color", 0, NULL),
  D (COLOR, "textcolor", 1, NULL),
  D (BOXED, "boxed", 0, NULL),
  D (BOXED, "fbox", 0, NULL),
  D (CANCEL, "cancel", 1, NULL),
  D (CANCEL, "bcancel", 2, NULL),
  D (CANCEL, "xcancel", 3, NULL),
  D (PHANTOM, "phantom", 3, NULL),
  D (PHANTOM, "hphantom", 1, NULL),
  D (PHANTOM, "vphantom", 2, NULL),
  D (PHANTOM, "smash", 5, NULL),
  D (PHANTOM, "llap", 6, NULL),
  D (PHANTOM, "rlap", 6, NULL),
  D (PHANTOM, "mathllap", 6, NULL),
  D (PHANTOM, "mathrlap", 6, NULL),
  D (STACK, "overset", 0, NULL),
  D (STACK, "underset", 1, NULL),
  D (STACK, "stackrel", 2, NULL),
  D (SUBSTACK, "substack", 0, NULL),
  D (TAG, "tag", 0, NULL),
  D (MOD, "pmod", 0, NULL),
  D (MOD, "mod", 1, NULL),
  D (MOD, "pod", 2, NULL),
  D (NOT, "not", 0, NULL),
  D (DOTS, "dots", 0, NULL),
  D (CHEMISTRY, "ce", 0, NULL),
  D (IGNORE, "nonumber", 0, NULL),
  D (IGNORE, "notag", 0, NULL),
  D (IGNORE, "label", 1, NULL),
  D (IGNORE, "displaybreak", 0, NULL),
  D (IGNORE, "centering", 0, NULL),
  D (IGNORE, "allowbreak", 0, NULL),
  D (IGNORE, "nobreak", 0, NULL),
  D (IGNORE, "/", 0, NULL),
  D (IGNORE, "strut", 0, NULL),
  D (IGNORE, "tiny", 0, NULL),
  D (IGNORE, "small", 0, NULL),
  D (IGNORE, "normalsize", 0, NULL),
  D (IGNORE, "large", 0, NULL),
  D (IGNORE, "Large", 0, NULL),
  D (IGNORE, "relax", 0, NULL),
  D (IGNORE, "noindent", 0, NULL),
  D (IGNORE, "vspace", 1, NULL),
  D (IGNORE, "hfill", 0, NULL),
  D (IGNORE, "mathstrut", 0, NULL),
};

/* Characters of a formula that are not what they look like, or not ordinary. Others have the class of the command that
 * stands for them. */
static const QuernMathCommand characters[] = {
  S (BIN, "+", "+"),  S (BIN, "-", "−"),   S (BIN, "*", "∗"),   S (REL, "=", "="),   S (REL, "<", "<"),
  S (REL, ">", ">"),  S (REL, ":", ":"),   S (PUNCT, ",", ","), S (PUNCT, ";", ";"), S (OPEN, "(", "("),
  S (OPEN, "[", "["), S (CLOSE, ")", ")"), S (CLOSE, "]", "]"), S (CLOSE, "!", "!"), S (CLOSE, "?", "?"),
  S (ORD, "|", "|"),  S (ORD, "/", "/"),   S (ORD, "`", "‘"),   S (BIN, "·", "⋅"),   S (BIN, "−", "−"),
  S (BIN, "±", "±"),  S (ORD, "…", "…"),   S (REL, "→", "→"),   S (ORD, "ε", "ε"),   S (ORD, "φ", "φ"),
  S (ORD, "∅", "∅"),  S (BIN, "∧", "∧"),   S (BIN, "∨", "∨"),   S (ORD, "‖", "‖"),   S (ORD, "△", "△"),
  S (ORD, "§", "§"),  S (ORD, "√", "√"),   S (BIN, "†", "†"),   S (ORD, "@", "@"),   S (ORD, ".", "."),
};

static const QuernMathEnvironment environments[] = {
  /* name, delimiters, columns, gaps of columns, of pairs and of rows, style, argument */
  { "matrix", "", "", "c", 1, 1, 0.4, 1, FALSE },
  { "pmatrix", "(", ")", "c", 1, 1, 0.4, 1, FALSE },
  { "bmatrix", "[", "]", "c", 1, 1, 0.4, 1, FALSE },
  { "Bmatrix", "{", "}", "c", 1, 1, 0.4, 1, FALSE },
  { "vmatrix", "|", "|", "c", 1, 1, 0.4, 1, FALSE },
  { "Vmatrix", "‖", "‖", "c", 1, 1, 0.4, 1, FALSE },
  { "smallmatrix", "", "", "c", 0.333, 0.333, 0.2, 2, FALSE },
  { "cases", "{", "", "l", 1, 1, 0.2, 1, FALSE },
  { "rcases", "", "}", "l", 1, 1, 0.2, 1, FALSE },
  { "dcases", "{", "", "l", 1, 1, 0.2, 0, FALSE },
  { "array", "", "", "c", 1, 1, 0.4, 1, TRUE },
  { "tabular", "", "", "c", 1, 1, 0.4, 1, TRUE },
  { "subarray", "", "", "c", 0, 0, 0.1, 2, TRUE },
  { "substack", "", "", "c", 0, 0, 0.1, 2, FALSE },
  { "aligned", "", "", "rl", 0, 2, 0.3, 0, FALSE },
  { "align", "", "", "rl", 0, 2, 0.3, 0, FALSE },
  { "alignat", "", "", "rl", 0, 0, 0.3, 0, TRUE },
  { "alignedat", "", "", "rl", 0, 0, 0.3, 0, TRUE },
  { "flalign", "", "", "rl", 0, 2, 0.3, 0, FALSE },
  { "split", "", "", "rl", 0, 2, 0.3, 0, FALSE },
  { "eqnarray", "", "", "rcl", 0.28, 0.28, 0.3, 0, FALSE },
  { "gather", "", "", "c", 1, 1, 0.3, 0, FALSE },
  { "gathered", "", "", "c", 1, 1, 0.3, 0, FALSE },
  { "multline", "", "", "c", 1, 1, 0.3, 0, FALSE },
  { "equation", "", "", "c", 1, 1, 0.3, 0, FALSE },
  { "math", "", "", "c", 1, 1, 0.3, 0, FALSE },
  { "displaymath", "", "", "c", 1, 1, 0.3, 0, FALSE },
};

static const struct {
  const char *name;
  guint32 color;
} colors[] = {
  { "black", 0x000000 },  { "white", 0xffffff },  { "red", 0xe01b24 },     { "green", 0x26a269 },
  { "blue", 0x3584e4 },   { "cyan", 0x0097a7 },   { "magenta", 0xc0399f }, { "yellow", 0xc88800 },
  { "orange", 0xe66100 }, { "purple", 0x9141ac }, { "violet", 0x9141ac },  { "brown", 0x986a44 },
  { "pink", 0xd16d9e },   { "gray", 0x77767b },   { "grey", 0x77767b },    { "teal", 0x00838f },
  { "lime", 0x5a9e1f },   { "olive", 0x7c7c00 },  { "navy", 0x1a4f9c },    { "maroon", 0xa02020 },
};

static GHashTable *
quern_math_index (const QuernMathCommand *table, gsize n, gboolean by_text)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = n; i-- > 0;) { /* the first one of several stays */
    if (!by_text || (table[i].action <= QUERN_MATH_DO_BIG && (table[i].text[0] & 0x80) != 0))
      g_hash_table_insert (index, (gpointer) (by_text ? table[i].text : table[i].name), (gpointer) &table[i]);
  }
  return index;
}

/**
 * quern_math_command:
 * @name: what follows the backslash
 * @length: its bytes
 *
 * Returns: (transfer none) (nullable): what it does, or %NULL if nobody knows
 */
const QuernMathCommand *
quern_math_command (const char *name, gsize length)
{
  static GHashTable *index;
  g_autofree char *key = g_strndup (name, length);

  if (index == NULL)
    index = quern_math_index (commands, G_N_ELEMENTS (commands), FALSE);
  return g_hash_table_lookup (index, key);
}

/**
 * quern_math_character:
 * @ch: a character of a formula
 *
 * Returns: (transfer none) (nullable): its class, and how it is set; %NULL for letters, digits and others
 */
const QuernMathCommand *
quern_math_character (gunichar ch)
{
  static GHashTable *index, *by_text;
  const QuernMathCommand *found;
  char key[7] = { 0 };

  if (index == NULL) {
    index = quern_math_index (characters, G_N_ELEMENTS (characters), FALSE);
    by_text = quern_math_index (commands, G_N_ELEMENTS (commands), TRUE);
  }
  g_unichar_to_utf8 (ch, key);
  found = g_hash_table_lookup (index, key);
  return found != NULL ? found : g_hash_table_lookup (by_text, key);
}

/**
 * quern_math_environment:
 * @name: what stands in the braces of \\begin; a star at its end says nothing here
 *
 * Returns: (transfer none) (nullable): how its rows are set
 */
const QuernMathEnvironment *
quern_math_environment (const char *name)
{
  gsize length = strlen (name);

  length -= length > 0 && name[length - 1] == '*';
  for (gsize i = 0; i < G_N_ELEMENTS (environments); i++) {
    if (strlen (environments[i].name) == length && strncmp (environments[i].name, name, length) == 0)
      return &environments[i];
  }
  return NULL;
}

/**
 * quern_math_color:
 * @name: a name, or # and six hexadecimal digits
 * @color: (out): 0xrrggbb. The named ones can be read on light and on dark backgrounds, apart from black and white
 *
 * Returns: whether @name is a colour
 */
gboolean
quern_math_color (const char *name, guint32 *color)
{
  for (gsize i = 0; i < G_N_ELEMENTS (colors); i++) {
    if (g_ascii_strcasecmp (colors[i].name, name) == 0) {
      *color = colors[i].color;
      return TRUE;
    }
  }
  if (name[0] != '#' || strlen (name) != 7 || strspn (name + 1, "0123456789abcdefABCDEF") != 6)
    return FALSE;
  *color = (guint32) g_ascii_strtoull (name + 1, NULL, 16);
  return TRUE;
}

/* ---- Unicode's mathematical alphabets --------------------------------------------------------------------------- */

static const struct {
  gunichar latin, digits, capital_greek, small_greek; /* the first of each, or 0 */
} alphabets[] = {
  [QUERN_MATH_LETTERS] = { 0x1d434, 0, 0, 0x1d6fc },
  [QUERN_MATH_BOLD] = { 0x1d400, 0x1d7ce, 0x1d6a8, 0x1d6c2 },
  [QUERN_MATH_ITALIC] = { 0x1d434, 0, 0x1d6e2, 0x1d6fc },
  [QUERN_MATH_BOLD_ITALIC] = { 0x1d468, 0x1d7ce, 0x1d71c, 0x1d736 },
  [QUERN_MATH_SCRIPT] = { 0x1d49c, 0, 0, 0x1d6fc },
  [QUERN_MATH_FRAKTUR] = { 0x1d504, 0, 0, 0x1d6fc },
  [QUERN_MATH_BLACKBOARD] = { 0x1d538, 0x1d7d8, 0, 0x1d6fc },
  [QUERN_MATH_SANS] = { 0x1d5a0, 0x1d7e2, 0, 0x1d6fc },
  [QUERN_MATH_MONO] = { 0x1d670, 0x1d7f6, 0, 0x1d6fc },
};

/* Letters that Unicode had before it had the alphabets. */
static const struct {
  gunichar hole, letter;
} holes[] = {
  { 0x1d455, 0x210e }, { 0x1d49d, 0x212c }, { 0x1d4a0, 0x2130 }, { 0x1d4a1, 0x2131 }, { 0x1d4a3, 0x210b },
  { 0x1d4a4, 0x2110 }, { 0x1d4a7, 0x2112 }, { 0x1d4a8, 0x2133 }, { 0x1d4ad, 0x211b }, { 0x1d4ba, 0x212f },
  { 0x1d4bc, 0x210a }, { 0x1d4c4, 0x2134 }, { 0x1d506, 0x212d }, { 0x1d50b, 0x210c }, { 0x1d50c, 0x2111 },
  { 0x1d515, 0x211c }, { 0x1d51d, 0x2128 }, { 0x1d53a, 0x2102 }, { 0x1d53f, 0x210d }, { 0x1d545, 0x2115 },
  { 0x1d547, 0x2119 }, { 0x1d548, 0x211a }, { 0x1d549, 0x211d }, { 0x1d551, 0x2124 },
};

/**
 * quern_math_alphabet:
 * @ch: a letter, a digit or anything else
 * @variant: how it is to look
 *
 * Returns: the character that looks so, or @ch
 */
gunichar
quern_math_alphabet (gunichar ch, QuernMathVariant variant)
{
  static const gunichar variants_of_greek[] = { 0x2202, 0x3f5, 0x3d1, 0x3f0, 0x3d5, 0x3f1, 0x3d6 };
  gunichar out = ch;

  if (variant == QUERN_MATH_ROMAN)
    return ch;
  if (ch == 0x131 || ch == 0x237) /* the dotless letters are italic or nothing */
    return variant == QUERN_MATH_LETTERS || variant == QUERN_MATH_ITALIC ? (ch == 0x131 ? 0x1d6a4 : 0x1d6a5) : ch;
  if (ch < 0x80 && g_ascii_isalpha (ch))
    out = alphabets[variant].latin + (g_ascii_isupper (ch) ? ch - 'A' : ch - 'a' + 26);
  else if (ch < 0x80 && g_ascii_isdigit (ch) && alphabets[variant].digits != 0)
    out = alphabets[variant].digits + ch - '0';
  else if (ch >= 0x391 && ch <= 0x3a9 && alphabets[variant].capital_greek != 0)
    out = alphabets[variant].capital_greek + ch - 0x391;
  else if (ch >= 0x3b1 && ch <= 0x3c9)
    out = alphabets[variant].small_greek + ch - 0x3b1;
  else if (ch == 0x2207 && alphabets[variant].capital_greek != 0)
    out = alphabets[variant].capital_greek + 25;
  for (gsize i = 0; i < G_N_ELEMENTS (variants_of_greek); i++) {
    if (ch == variants_of_greek[i])
      out = alphabets[variant].small_greek + 25 + i;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (holes); i++) {
    if (out == holes[i].hole)
      return holes[i].letter;
  }
  return out;
}
