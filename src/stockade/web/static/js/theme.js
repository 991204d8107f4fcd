/*
 * Theme, before the first paint: it is loaded in the head and blocks, so that no page flashes in the other theme.
 * The choice ("light" or "dark"; absent means "as the system says") lives in this browser only.
 */
(() => {
  "use strict";
  document.documentElement.classList.add("has-script");
  try {
    const chosen = localStorage.getItem("stockade-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is denied: the system's theme it is.
  }
})();
