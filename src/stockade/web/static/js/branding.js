/* The page of an invoice follows the colour and the text that are being chosen. Without script it shows what is saved. */
(() => {
  "use strict";

  const picture = document.querySelector("[data-preview]");
  const accent = document.querySelector("[data-preview-accent]");
  const footer = document.querySelector("[data-preview-footer]");
  if (!picture || !accent || !footer) return;
  let waiting;

  function draw() {
    const query = new URLSearchParams({ accent: accent.value, footer: footer.value });
    picture.src = `/settings/branding/preview.png?${query}`;
  }

  // A page takes some tens of milliseconds to draw: it is asked for when the hand rests.
  for (const field of [accent, footer]) {
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(draw, 400);
    });
  }
})();
