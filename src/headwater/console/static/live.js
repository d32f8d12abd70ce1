// The live page: takes rows as they come, keeps the newest, and holds them back while it is paused. A stream that begins
// anew sends rows again; those that are there already are passed over.
"use strict";

(() => {
  const KEPT = 100;
  const page = document.querySelector("[data-live]");
  const opened = document.querySelector("dialog[data-open-at-once]");
  if (opened) opened.showModal();
  if (!page) return;
  const list = page.querySelector("[data-live-rows]");
  const empty = page.querySelector("[data-live-empty]");
  const state = page.querySelector("[data-live-state]");
  const tally = page.querySelector("[data-live-tally]");
  const button = page.querySelector("[data-live-pause]");
  const held = [];
  let paused = false;

  const sequenceOf = (row) => Number(row.dataset.sequence);

  function show(rows) {
    const present = new Set([...list.children].map(sequenceOf));
    const fresh = rows.filter((row) => !present.has(sequenceOf(row)));
    if (!fresh.length) return;
    const newest = Math.max(0, ...present);
    // The first look of a stream may bring rows that are older than those the page has.
    const behind = fresh.filter((row) => sequenceOf(row) < newest);
    list.prepend(...fresh.filter((row) => sequenceOf(row) > newest));
    for (const row of behind) {
      const next = [...list.children].find((other) => sequenceOf(other) < sequenceOf(row));
      list.insertBefore(row, next || null);
    }
    const rest = [...list.children].slice(KEPT);
    rest.filter((row) => !row.contains(document.activeElement)).forEach((row) => row.remove());
    empty.hidden = true;
  }

  function say(name, text) {
    const words = { live: "live", broken: "interrupted", connecting: "connecting", paused: "paused" };
    const tones = { live: "good live", broken: "bad", connecting: "", paused: "warn" };
    state.textContent = words[name];
    state.className = `badge ${tones[name]}`;
    tally.textContent = text;
  }

  function tellHeld() {
    const more = held.length >= KEPT ? `${KEPT} or more` : held.length;
    say("paused", held.length ? `${more} new, not shown` : "");
  }

  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.target !== page) return;
    event.preventDefault();
    const incoming = new DOMParser().parseFromString(event.detail.data, "text/html");
    const rows = [...incoming.querySelectorAll("[data-sequence]")].map((row) => document.adoptNode(row));
    const told = incoming.querySelector("[data-tally]");
    if (paused) {
      const known = new Set(held.map(sequenceOf));
      const present = new Set([...list.children].map(sequenceOf));
      held.unshift(...rows.filter((row) => !known.has(sequenceOf(row)) && !present.has(sequenceOf(row))));
      held.length = Math.min(held.length, KEPT);
      tellHeld();
      return;
    }
    show(rows);
    say(told.dataset.state, told.textContent.trim());
    page.dispatchEvent(new CustomEvent("htmx:sseMessage", { bubbles: true }));
  });
  document.addEventListener("htmx:sseError", (event) => {
    if (event.target === page && !paused) say("connecting", "");
  });

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Go on" : "Pause";
    if (paused) {
      tellHeld();
    } else {
      show(held.splice(0));
      say("live", "");
      page.dispatchEvent(new CustomEvent("htmx:sseMessage", { bubbles: true }));
    }
  });
})();
