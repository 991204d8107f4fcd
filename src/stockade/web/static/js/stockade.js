/*
 * What the pages do beyond links and forms. Everything here is an addition: without it, every page still works.
 * Listeners sit on the document, so that content which htmx swaps in needs no wiring of its own.
 * No markup is made from strings, so that Trusted Types may be enforced.
 *
 * `stockade` is what the scripts share: who looks (owner), a place in this browser for each owner (kept), where a person
 * is typing (typing), and whether something stands over the page (covered). Toasts come with overlays.js.
 */
const stockade = (() => {
  "use strict";

  const root = document.documentElement;
  const owner = root.dataset.owner ?? "";
  const typing = (element) =>
    element?.closest?.("input:not([type='checkbox'], [type='radio'], [type='button']), textarea, select, [contenteditable='true']");
  const covered = () => document.querySelector("dialog[open]");
  const interactive = "a, button, input, select, textarea, label, summary, [role='button']";

  /* This browser's storage, under the person and tenant that look: another person's at this desk is never read. */
  const kept = {
    get(name) {
      try {
        return owner ? JSON.parse(localStorage.getItem(`stockade-kept ${owner} ${name}`)) : null;
      } catch {
        return null;
      }
    },
    set(name, value) {
      if (!owner) return;
      try {
        if (value === null) localStorage.removeItem(`stockade-kept ${owner} ${name}`);
        else localStorage.setItem(`stockade-kept ${owner} ${name}`, JSON.stringify(value));
      } catch {
        // Storage is denied or full: it lasts for this page.
      }
    },
    names(start) {
      const whole = `stockade-kept ${owner} `;
      try {
        return Object.keys(localStorage).filter((key) => key.startsWith(whole + start)).map((key) => key.slice(whole.length));
      } catch {
        return [];
      }
    },
  };

  /* Switches of theme, density and keys. They are hidden without script, since they could do nothing. */
  function markSettings() {
    for (const group of document.querySelectorAll("[data-setting]")) {
      group.hidden = false;
      const chosen = root.dataset[group.dataset.setting] ?? "";
      for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === chosen));
    }
  }

  function set(name, value) {
    if (value) root.dataset[name] = value;
    else delete root.dataset[name];
    try {
      if (value) localStorage.setItem(`stockade-${name}`, value);
      else localStorage.removeItem(`stockade-${name}`);
    } catch {
      // Storage is denied: the choice lasts for this page.
    }
    markSettings();
    document.dispatchEvent(new CustomEvent("stockade:setting", { detail: { name, value } }));
  }

  /* Rows: the whole row follows its first link, for pointers; j, k, x and Enter, for keyboards. */
  const rowLinks = () => [...document.querySelectorAll("tr[data-row] a.row-link")];
  const rowHere = () => document.activeElement?.closest("tr[data-row]");

  function moveRow(step) {
    const links = rowLinks();
    if (links.length === 0) return false;
    const here = links.indexOf(rowHere()?.querySelector("a.row-link"));
    const next = here === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + step, 0), links.length - 1);
    links[next].focus();
    links[next].closest("tr").scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("click", (event) => {
    const setting = event.target.closest("[data-setting] button");
    if (setting) return set(setting.closest("[data-setting]").dataset.setting, setting.value);
    const refused = event.target.closest("[aria-disabled='true']");
    if (refused) return event.preventDefault();
    const row = event.target.closest("tr[data-row]");
    if (!row || event.target.closest(interactive) || String(getSelection())) return undefined;
    const link = row.querySelector("a.row-link");
    if (event.metaKey || event.ctrlKey) window.open(link.href, "_blank", "noopener");
    else link.click();
    return undefined;
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && event.target.matches?.("[data-search]")) return event.target.blur();
    if (typing(event.target) || covered() || root.dataset.keys === "off") return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      if (moveRow(event.key === "j" ? 1 : -1)) event.preventDefault();
    } else if (event.key === "x") {
      const box = rowHere()?.querySelector(".choose input");
      if (box) box.click();
    }
  });

  /* A link to a folded part unfolds it. */
  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let fold = target.querySelector("details") ?? target.closest("details"); fold; fold = fold.parentElement?.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView({ block: "start" });
  }

  /* Filter of a page's own entries: [data-filter] hides each [data-entry] that lacks a word, and groups left empty. */
  function filterEntries(input) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of document.querySelectorAll("[data-entry]")) {
      const text = entry.dataset.entry.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
      if (!entry.hidden) shown += 1;
    }
    for (const group of document.querySelectorAll("[data-entries]")) {
      group.hidden = !group.querySelector("[data-entry]:not([hidden])");
    }
    const told = document.querySelector("[data-filter-told]");
    if (told) told.textContent = words.length === 0 ? "" : `${shown} found`;
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-filter]")) filterEntries(event.target);
  });

  /* An error page counts down to when it may be tried again; maintenance then looks by itself whether it is over. */
  function countDown(told) {
    const end = Date.now() + Number(told.dataset.wait) * 1000;
    const figures = new Intl.RelativeTimeFormat(root.lang, { numeric: "always" });
    const tick = setInterval(() => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0) {
        told.textContent = told.dataset.words.replace("{time}", left > 90 ? figures.format(Math.ceil(left / 60), "minute") : figures.format(left, "second"));
      } else if (!document.hidden) {
        clearInterval(tick);
        told.hidden = true;
        if (told.dataset.then === "reload") location.reload();
      }
    }, 1000);
  }

  for (const told of document.querySelectorAll("[data-wait]")) countDown(told);

  document.addEventListener("htmx:after:swap", markSettings);
  window.addEventListener("hashchange", unfold);
  markSettings();
  unfold();
  return { owner, kept, typing, covered };
})();
