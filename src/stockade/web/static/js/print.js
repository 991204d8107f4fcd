/* A button [data-print] prints the page. Without script there is none, and the browser's own menu prints. */
(() => {
  "use strict";

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
