/* Buttons that copy the field that they name. They are hidden where nothing could be copied. */
(() => {
  "use strict";

  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    if (!field || !navigator.clipboard) continue;
    button.hidden = false;
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        field.select();
        return;
      }
      button.querySelector("[data-copy-label]").textContent = button.dataset.copied;
      const told = button.closest(".field").querySelector("[data-copy-told]");
      if (told) told.textContent = button.dataset.copied;
    });
  }
})();
