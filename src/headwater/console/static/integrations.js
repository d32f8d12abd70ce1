// The pages of integrations: secrets that are kept elsewhere, and the mapping editor's habits. Everything works without it
// but the warning before a draft is lost.
"use strict";

(() => {
  // A secret that stays as it is needs no input; the name of a variable or file is no secret.
  document.addEventListener("change", (event) => {
    const input = [...document.querySelectorAll("[data-secret-of]")].find((one) => one.dataset.secretOf === event.target.id);
    if (!input) return;
    const how = event.target.value;
    input.disabled = how === "keep";
    input.type = how === "stored" ? "password" : "text";
    input.placeholder = { keep: "unchanged", env: "LYTICS_API_KEY", file: "/run/secrets/lytics" }[how] || "";
    input.value = "";
    if (!input.disabled) input.focus();
  });

  // Enter in an input of the editor presses the button that belongs to it, not the first one of the form.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.dataset?.enter) return;
    event.preventDefault();
    document.getElementById(event.target.dataset.enter)?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !event.target.closest?.(".rule-form")) return;
    event.target.closest(".rule-form").querySelector('[value="cancel"]').click();
  });

  // What was open stays open when the editor comes back, and the page does not jump.
  let open = new Map();
  let moved = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    open = new Map([...document.querySelectorAll("[data-keep-open]")].map((one) => [one.dataset.keepOpen, one.open]));
    moved = event.detail.target.id === "editor" ? scrollY : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const one of document.querySelectorAll("[data-keep-open]")) {
      const before = open.get(one.dataset.keepOpen);
      if (before !== undefined && !one.querySelector(".opened")) one.open = before;
    }
    if (moved !== null) scrollTo({ top: moved, behavior: "instant" });
    moved = null;
  });

  // A wrong input is where the focus goes.
  document.addEventListener("htmx:afterSettle", (event) => {
    const fault = event.target.querySelector?.("[data-fault-of]");
    const input = fault && document.getElementById(fault.dataset.faultOf);
    if (input) { input.closest("details")?.setAttribute("open", ""); input.focus(); }
  });

  // A rule that the preview names: open its section before going there.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#rule-"]');
    document.getElementById(link?.hash.slice(1))?.closest("details")?.setAttribute("open", "");
  });

  // The preview asks again by itself: that one answer did not come, in a restart for example, is no news.
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, (event) => { if (event.target.dataset?.asksAgain) event.stopImmediatePropagation(); }, true);
  }

  // Leaving with a draft that was not saved: the browser asks first. Saving leaves on purpose.
  let saved = false;
  document.addEventListener("htmx:beforeOnLoad", (event) => { saved = Boolean(event.detail.xhr.getResponseHeader("HX-Redirect")) && event.detail.pathInfo.requestPath.endsWith("/save"); });
  addEventListener("beforeunload", (event) => {
    if (!saved && document.querySelector("[data-unsaved]")) event.preventDefault();
  });
})();
