/*
 * What a person set for this browser, before the first paint: it is loaded in the head and blocks, so that no page flashes
 * in the other theme. Theme ("light", "dark"), density of tables ("compact"), keys ("off"); absent means the usual.
 */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");
  const known = { theme: ["light", "dark"], density: ["compact"], keys: ["off"] };
  try {
    for (const [name, values] of Object.entries(known)) {
      const chosen = localStorage.getItem(`stockade-${name}`);
      if (values.includes(chosen)) root.dataset[name] = chosen;
    }
  } catch {
    // Storage is denied: the usual it is.
  }
})();
