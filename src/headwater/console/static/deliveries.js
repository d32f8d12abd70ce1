// Choosing dead letters: one box for the whole page, and a button that waits for a choice.
"use strict";

(() => {
  const form = document.querySelector("[data-choosing]");
  const all = form && form.querySelector("[data-choose-all]");
  if (!all) return;
  const boxes = [...form.querySelectorAll('input[name="letter"]')];
  const buttons = [...form.querySelectorAll("[data-needs-choice]")];

  function tell() {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    for (const button of buttons) button.disabled = chosen === 0;
  }

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  form.addEventListener("change", tell);
  tell();
})();
