// Code with colours, and a text area that has them too. Tokens are found here and set as text into elements: nothing that
// stands in the code can become markup. `data-code="lua|json|yaml"` colours an element; `data-code-editor` a text area, with
// line numbers, and marks the lines that are named in `data-faults` or in a message with `data-line` below it.
"use strict";

(() => {
  const KEYWORDS = "and|break|do|else|elseif|end|false|for|function|if|in|local|nil|not|or|repeat|return|then|true|until|while";
  const LANGUAGES = {
    lua: new RegExp([
      "(?<comment>--\\[(=*)\\[[\\s\\S]*?(?:\\]\\2\\]|$)|--[^\\n]*)",
      "(?<string>\"(?:\\\\[\\s\\S]|[^\"\\\\\\n])*\"?|'(?:\\\\[\\s\\S]|[^'\\\\\\n])*'?|\\[(=*)\\[[\\s\\S]*?(?:\\]\\4\\]|$))",
      "(?<placeholder>\\$\\$[A-Z][A-Z0-9_]*\\$\\$)",
      `(?<keyword>\\b(?:${KEYWORDS})\\b)`,
      "(?<helper>\\b[A-Z][A-Z0-9_]{2,}\\b|\\binput\\b)",
      "(?<number>\\b0[xX][0-9a-fA-F]+|\\b[0-9]+\\.?[0-9]*(?:[eE][+-]?[0-9]+)?)",
      "(?<plain>[A-Za-z_][A-Za-z0-9_]*)",
    ].join("|"), "g"),
    json: /(?<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*")|(?<keyword>\b(?:true|false|null)\b)|(?<number>-?\b[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/g,
    yaml: /(?<comment>(?<=^|\s)#[^\n]*)|(?<string>"(?:\\.|[^"\\])*"|'(?:''|[^'])*')|(?<key>[^\s:#{}[\],'"-][^\n:#{}[\],'"]*(?=:(?:\s|$)))|(?<placeholder>\$\$[A-Z][A-Z0-9_]*\$\$)|(?<keyword>\b(?:true|false|null)\b)|(?<number>(?<=[\s,[:])-?[0-9]+(?:\.[0-9]+)?(?=[\s,\]}]|$))/gm,
  };

  // The lines of a text, each a list of [class, text].
  function linesOf(text, language) {
    const lines = [[]];
    const put = (kind, piece) => piece.split("\n").forEach((part, index) => {
      if (index) lines.push([]);
      if (part) lines[lines.length - 1].push([kind, part]);
    });
    let end = 0;
    for (const match of text.matchAll(LANGUAGES[language])) {
      put("", text.slice(end, match.index));
      const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
      put(kind === "plain" ? "" : kind, match[0]);
      end = match.index + match[0].length;
    }
    put("", text.slice(end));
    return lines;
  }

  function lineElement(pieces) {
    const line = document.createElement("span");
    line.className = "code-line";
    for (const [kind, text] of pieces) {
      if (!kind) { line.append(text); continue; }
      const piece = document.createElement("span");
      piece.className = `t-${kind}`;
      piece.textContent = text;
      line.append(piece);
    }
    return line;
  }

  function colour(element) {
    const language = element.dataset.code;
    if (!LANGUAGES[language] || element.dataset.coloured) return;
    element.dataset.coloured = "yes";
    const parts = linesOf(element.textContent, language).flatMap((line, index) => (index ? ["\n", lineElement(line)] : [lineElement(line)]));
    element.replaceChildren(...parts);
  }

  function faultyLines(area) {
    const named = (area.dataset.faults || "").split(" ").filter(Boolean).map(Number);
    const said = area.closest(".field")?.querySelector("[data-line]");
    return new Set(said && area.value === area.dataset.checkedText ? [...named, Number(said.dataset.line)] : named);
  }

  function paint(area) {
    const wrong = faultyLines(area);
    const lines = linesOf(area.value, area.dataset.codeEditor).map((line, index) => {
      const element = lineElement(line);
      if (wrong.has(index + 1)) element.classList.add("wrong");
      if (!line.length) element.append("\u200b");
      return element;
    });
    area.previousElementSibling.replaceChildren(...lines);
    follow(area);
  }

  function follow(area) {
    area.previousElementSibling.scrollTop = area.scrollTop;
    area.previousElementSibling.scrollLeft = area.scrollLeft;
  }

  function edit(area) {
    if (area.dataset.coloured) return;
    area.dataset.coloured = "yes";
    const shown = document.createElement("div");
    shown.className = "code-shown";
    shown.setAttribute("aria-hidden", "true");
    area.before(shown);
    area.dataset.checkedText = area.value;
    area.addEventListener("input", () => { delete area.dataset.faults; paint(area); });
    area.addEventListener("scroll", () => follow(area));
    paint(area);
  }

  function start(root) {
    for (const place of root.querySelectorAll("[data-code-all]")) {
      place.querySelectorAll("pre code").forEach((code) => { code.dataset.code = place.dataset.codeAll; });
    }
    root.querySelectorAll("[data-code]").forEach(colour);
    root.querySelectorAll("textarea[data-code-editor]").forEach(edit);
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    start(document);
    if (!event.target.classList?.contains("lua-check")) return;
    const area = event.target.closest(".field").querySelector("textarea");
    area.dataset.checkedText = area.value;
    paint(area);
  });
  document.addEventListener("parts:replaced", () => start(document));
  start(document);
})();
