// What pages need beyond links and forms: moments in the person's zone, dialogs, copying, toasts, the form token on
// requests of htmx. Everything hangs on attributes in the markup; a page without this script still works.
"use strict";

(() => {
  const moment = new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function ago(date) {
    const seconds = (date - Date.now()) / 1000;
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) || units[3];
    return relative.format(Math.round(seconds / size), unit);
  }

  // `data-ago` shows how long ago it was, `data-clock` the time alone when it was today.
  function shown(element, date) {
    if ("ago" in element.dataset) return ago(date);
    const today = date.toDateString() === new Date().toDateString();
    return "clock" in element.dataset && today ? clock.format(date) : moment.format(date);
  }

  function showTimes(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const date = new Date(element.dateTime);
      if (!Number.isNaN(date.getTime())) element.textContent = shown(element, date);
    }
  }

  // Rows that become blocks on narrow screens need the columns' names in their cells, and to stay a table for screen
  // readers, which forget about it once the cells are no table cells to the eye.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  function labelCells(root) {
    for (const table of root.querySelectorAll(".stacks table")) {
      const labels = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
      for (const element of [table, ...table.querySelectorAll("thead, tbody, tr, td")]) element.setAttribute("role", roles[element.tagName]);
      for (const head of table.querySelectorAll("th")) head.setAttribute("role", head.scope === "row" ? "rowheader" : "columnheader");
      for (const row of table.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, at) => { cell.dataset.label = labels[at] || ""; });
    }
  }

  function prepare(root) {
    showTimes(root);
    labelCells(root);
  }

  function toast(text, tone) {
    const shown = document.createElement("p");
    shown.className = tone ? `toast ${tone}` : "toast";
    shown.textContent = text;
    const place = document.getElementById("toasts");
    if (place) place.append(shown);
    fade(shown);
  }

  // Long enough to read; pointing at it keeps it.
  function fade(element) {
    const remove = () => (element.matches(":hover") ? setTimeout(remove, 2000) : element.remove());
    setTimeout(remove, 8000);
  }

  async function copy(button) {
    const source = button.parentElement.querySelector("code, [data-copied]");
    try {
      await navigator.clipboard.writeText(source.textContent);
      toast("Copied");
    } catch {
      getSelection().selectAllChildren(source);
      toast("Selected: copy it with your keyboard");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.opens) document.getElementById(button.dataset.opens).showModal();
    if ("closes" in button.dataset) button.closest("dialog").close();
    if ("copy" in button.dataset) copy(button);
  });

  // A form that changes something is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector('meta[name="form-token"]');
    if (token) event.detail.headers["X-Form-Token"] = token.content;
  });
  // A live page whose parts are compared one by one: what is the same stays, with focus, selection and open details.
  // A chart stays in any case and draws on.
  const partTexts = new WeakMap();
  document.querySelectorAll("[data-part]").forEach((part) => partTexts.set(part, part.outerHTML));
  function replaceParts(section, html) {
    const incoming = new DOMParser().parseFromString(html, "text/html");
    for (const part of incoming.querySelectorAll("[data-part]")) {
      const present = section.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
      const text = part.outerHTML;
      if (!present) section.append(part);
      if (!present || partTexts.get(present) === text) continue;
      if (part.dataset.chart) {
        present.dataset.chart = part.dataset.chart;
        present.querySelectorAll(":scope > :not(.plot, figcaption)").forEach((old) => old.remove());
        present.append(...part.querySelectorAll(":scope > :not(.plot, figcaption)"));
        present.dispatchEvent(new CustomEvent("part:kept", { bubbles: true }));
        partTexts.set(present, text);
      } else {
        for (const details of part.querySelectorAll("details[data-keep-open]")) {
          const before = present.querySelector(`details[data-keep-open="${CSS.escape(details.dataset.keepOpen)}"]`);
          if (before) details.open = before.open;
        }
        present.replaceWith(part);
        partTexts.set(part, text);
        htmx.process(part);
      }
    }
    prepare(section);
    section.dispatchEvent(new CustomEvent("parts:replaced", { bubbles: true }));
  }
  // A live page says when it stands still; a stream that begins anew within a moment is not worth a word.
  const lost = document.getElementById("lost");
  let worry;
  document.addEventListener("htmx:sseError", () => {
    worry = worry || setTimeout(() => { lost.hidden = false; }, 3000);
  });
  document.addEventListener("htmx:sseOpen", () => {
    clearTimeout(worry);
    worry = undefined;
    lost.hidden = true;
  });
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (!event.target.matches("[data-parts]")) return;
    event.preventDefault();
    replaceParts(event.target, event.detail.data);
  });

  document.addEventListener("htmx:afterSwap", (event) => prepare(event.target));
  document.addEventListener("htmx:sseMessage", (event) => prepare(event.target));
  document.addEventListener("htmx:responseError", (event) => {
    const reply = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const said = reply.querySelector("[role=alert] p");
    toast(said ? said.textContent : "The server could not do this; try again in a moment.", "bad");
  });
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached; try again in a moment.", "bad"));
  document.body.addEventListener("toast", (event) => toast(event.detail.value));

  prepare(document);
  for (const strip of document.querySelectorAll(".frame nav, .tabs")) {
    const current = strip.querySelector("[aria-current]");
    if (current) strip.scrollLeft = current.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
  }
  document.querySelectorAll("[data-toast]").forEach(fade);
  setInterval(() => showTimes(document), 30000);
})();
