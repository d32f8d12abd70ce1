// Completion of FilterQL: fields from the list of known ones, and values of a field inside quotes. Ctrl and Space asks for
// it, typing keeps it going, arrows choose, Enter or Tab takes, Escape ends. Without this script the text is typed by hand.
// And while rules are edited, nothing that is being typed gets lost.
"use strict";

(() => {
  const LIMIT = 12;
  const WORD = /[A-Za-z_@][\w.@-]*$/;
  const VALUE = /(?:`([^`]+)`|([A-Za-z_@][\w.@-]*))\s*(?:NOT\s+)?(?:==?|!=|IN|CONTAINS|LIKE|INTERSECTS)\s*\(?(?:\s*"[^"\n]*"\s*,)*\s*"([^"\n]*)$/i;
  const seen = new Map();

  async function valuesOf(field) {
    if (!seen.has(field)) {
      const reply = await fetch(`/audiences/builder/values?${new URLSearchParams({ field })}`);
      const found = new DOMParser().parseFromString(reply.ok ? await reply.text() : "", "text/html");
      seen.set(field, [...found.querySelectorAll("option")].map((option) => ({ text: option.value, note: "" })));
    }
    return seen.get(field);
  }

  function knownFields() {
    return [...document.querySelectorAll("#known-fields option")].map((option) => ({ text: option.value, note: option.textContent }));
  }

  // What stands before the caret: the beginning of a value, or of a name.
  async function offers(area) {
    const before = area.value.slice(0, area.selectionStart);
    const value = before.match(VALUE);
    if (value) return { begun: value[3], found: await valuesOf(value[1] || value[2]) };
    const word = before.match(WORD);
    return { begun: word ? word[0] : "", found: knownFields() };
  }

  function matching({ begun, found }) {
    const wanted = begun.toLowerCase();
    const beginning = found.filter((each) => each.text.toLowerCase().startsWith(wanted));
    const within = found.filter((each) => !beginning.includes(each) && each.text.toLowerCase().includes(wanted));
    return [...beginning, ...within].filter((each) => each.text !== begun).slice(0, LIMIT);
  }

  function close(area) {
    area.parentElement.querySelector("[role=listbox]")?.remove();
    area.removeAttribute("aria-activedescendant");
  }

  function mark(area, list, at) {
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    area.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  async function open(area, asked) {
    const offered = await offers(area);
    close(area);
    if (!asked && !offered.begun) return;
    const chosen = matching(offered);
    if (!chosen.length || document.activeElement !== area) return;
    const list = document.createElement("ul");
    list.id = "completions";
    list.className = "completions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Completions");
    chosen.forEach((each, place) => {
      const option = document.createElement("li");
      option.id = `completion-${place}`;
      option.setAttribute("role", "option");
      option.dataset.text = each.text;
      option.dataset.begun = offered.begun;
      const name = document.createElement("code");
      name.textContent = each.text;
      const note = document.createElement("span");
      note.className = "muted";
      note.textContent = each.note;
      option.append(name, note);
      list.append(option);
    });
    area.parentElement.append(list);
    mark(area, list, 0);
  }

  function take(area, option) {
    const at = area.selectionStart;
    area.setRangeText(option.dataset.text, at - option.dataset.begun.length, at, "end");
    close(area);
    area.dispatchEvent(new Event("change", { bubbles: true }));
    area.focus();
  }

  function areaOf(event) {
    return event.target.closest?.("[data-complete] textarea");
  }

  document.addEventListener("keydown", (event) => {
    const area = areaOf(event);
    if (!area) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      open(area, true);
      return;
    }
    const list = area.parentElement.querySelector("[role=listbox]");
    if (!list) return;
    const options = [...list.children];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") mark(area, list, (at + 1) % options.length);
    else if (event.key === "ArrowUp") mark(area, list, (at + options.length - 1) % options.length);
    else if (event.key === "Enter" || event.key === "Tab") take(area, options[at]);
    else if (event.key === "Escape") close(area);
    else return;
    event.preventDefault();
  });
  document.addEventListener("input", (event) => {
    const area = areaOf(event);
    if (area) open(area, false);
  });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[data-complete] [role=option]");
    if (!option) return;
    event.preventDefault();
    take(option.closest("[data-complete]").querySelector("textarea"), option);
  });
  // The builder replaces itself when a field or an operator is chosen; what is typed on meanwhile stays.
  let typing = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const field = document.activeElement;
    const inside = event.detail.target.id === "builder-body" && event.detail.target.contains(field);
    typing = inside && field.id && field.matches("input") ? { id: field.id, value: field.value } : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const field = typing && document.getElementById(typing.id);
    if (field && field.value !== typing.value) {
      field.value = typing.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    typing = null;
  });
  document.addEventListener("focusout", (event) => {
    const area = areaOf(event);
    if (area) close(area);
  });
})();
