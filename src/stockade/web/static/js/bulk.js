/*
 * Choosing rows of a list for one action over all of them. The boxes belong to the form [data-bulk] by their `form`
 * attribute; the form shows itself once something is chosen. Listeners sit on the document: htmx swaps the rows.
 */
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll("[data-choose]")];

  function tell() {
    const form = document.querySelector("[data-bulk]");
    if (!form) return;
    const chosen = boxes().filter((box) => box.checked).length;
    form.hidden = chosen === 0;
    form.querySelector("[data-bulk-count]").textContent = String(chosen);
    const all = document.querySelector("[data-choose-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    }
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose-all]")) {
      for (const box of boxes()) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-choose], [data-choose-all]")) tell();
  });
  document.addEventListener("htmx:after:swap", tell);
  window.addEventListener("pageshow", tell);
  tell();
})();
