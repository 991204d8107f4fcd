/*
 * What the pages do beyond links and forms. Everything here is an addition: without it, every page still works.
 * Listeners sit on the document, so that content which htmx swaps in needs no wiring of its own.
 * No markup is made from strings, so that Trusted Types may be enforced.
 */
(() => {
  "use strict";

  const root = document.documentElement;
  const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable='true']");
  const interactive = "a, button, input, select, textarea, label, summary, [role='button']";

  /* Theme switch. It is hidden without script, since it could do nothing. */
  function markTheme() {
    const chosen = root.dataset.theme ?? "system";
    for (const group of document.querySelectorAll("[data-theme-switch]")) group.hidden = false;
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === chosen));
    }
  }

  function setTheme(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      if (theme === "system") localStorage.removeItem("stockade-theme");
      else localStorage.setItem("stockade-theme", theme);
    } catch {
      // Storage is denied: the choice lasts for this page.
    }
    markTheme();
  }

  /* Rows: the whole row follows its first link, for pointers; j, k and Enter, for keyboards. */
  const rowLinks = () => [...document.querySelectorAll("tr[data-row] a.row-link")];

  function moveRow(step) {
    const links = rowLinks();
    if (links.length === 0) return false;
    const here = links.indexOf(document.activeElement?.closest("tr[data-row]")?.querySelector("a.row-link"));
    const next = here === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + step, 0), links.length - 1);
    links[next].focus();
    links[next].closest("tr").scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-set-theme]");
    if (theme) return setTheme(theme.dataset.setTheme);
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
    if (typing(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      if (moveRow(event.key === "j" ? 1 : -1)) event.preventDefault();
    }
  });

  /* A form that changes something is sent once. The idempotency key inside it is the real defence; this saves the wait. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sending) event.preventDefault();
    else form.dataset.sending = "true";
  });

  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
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

  /* A fetched part that turns out to be another page (an error, or sign-in after the session's end) is shown as that page. */
  document.addEventListener("htmx:before:response", (event) => {
    const { response, request } = event.detail.ctx;
    if (request.method !== "GET" || (response.status < 400 && !response.raw.redirected)) return;
    event.preventDefault();
    location.assign(response.raw.url);
  });

  document.addEventListener("htmx:after:swap", markTheme);
  window.addEventListener("hashchange", unfold);
  markTheme();
  unfold();
})();
