/*
 * Keys: data-shortcut="n" on a link, button or field makes n press (or focus) it; "g o" is g and then o. "?" lists them, with
 * the element's own words (or data-shortcut-label). None of them works while one types or a dialog is open, and all single keys can
 * be switched off (WCAG 2.1.4).
 */
(() => {
  "use strict";

  const SEQUENCE_MS = 1200;
  const root = document.documentElement;
  const dialog = document.getElementById("shortcuts");
  let first = "";
  let timer = 0;

  const usable = (element) => !element.disabled && element.getAttribute("aria-disabled") !== "true";
  // The sidebar's links count where it is folded away, too.
  const seen = (element) => element.offsetParent !== null || element.closest("#sidebar");
  const declared = () => [...document.querySelectorAll("[data-shortcut]")].filter((element) => usable(element) && seen(element));

  function labelOf(element) {
    if (element.dataset.shortcutLabel) return element.dataset.shortcutLabel;
    const words = [...element.childNodes].filter((node) => node.nodeName !== "KBD" && node.nodeName !== "svg");
    return element.getAttribute("aria-label") ?? (words.map((node) => node.textContent).join(" ").trim() || element.labels?.[0]?.textContent.trim() || "");
  }

  function press(element) {
    if (element.matches("input:not([type='checkbox'], [type='radio']), textarea, select")) {
      element.focus();
      element.select?.();
    } else {
      element.click();
    }
  }

  function forget() {
    first = "";
    clearTimeout(timer);
  }

  function list() {
    for (const [place, entries] of [
      ["[data-shortcuts-here]", declared().filter((it) => !it.dataset.shortcut.startsWith("g "))],
      ["[data-shortcuts-go]", declared().filter((it) => it.dataset.shortcut.startsWith("g "))],
    ]) {
      const section = dialog.querySelector(place);
      section.hidden = entries.length === 0;
      section.querySelector("dl").replaceChildren(...entries.map(row));
    }
  }

  function row(element) {
    const line = document.createElement("div");
    const label = document.createElement("dt");
    const keys = document.createElement("dd");
    label.textContent = labelOf(element);
    keys.className = "keys";
    for (const key of element.dataset.shortcut.split(" ")) {
      const shown = document.createElement("kbd");
      shown.textContent = key;
      keys.append(shown);
    }
    line.append(label, keys);
    return line;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    if (stockade.typing(event.target) || stockade.covered() || event.key.length !== 1) return;
    if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    if (root.dataset.keys === "off") return;
    const keys = first ? `${first} ${event.key}` : event.key;
    const target = declared().find((element) => element.dataset.shortcut === keys);
    const begins = !first && declared().some((element) => element.dataset.shortcut.startsWith(`${event.key} `));
    forget();
    if (target) {
      event.preventDefault();
      press(target);
    } else if (begins) {
      first = event.key;
      timer = setTimeout(forget, SEQUENCE_MS);
    }
  });

  dialog?.addEventListener("beforetoggle", (event) => event.newState === "open" && list());
})();
