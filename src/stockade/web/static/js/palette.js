/*
 * The command palette: Ctrl-K, Cmd-K or the button in the topbar. Pages and actions stand in the dialog already
 * (templates/components/frame.html); records come from the look-up while one types. What was opened last comes first.
 */
(() => {
  "use strict";

  const WAIT_MS = 120;
  const MOST_RECENT = 7;
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("[role='combobox']");
  const list = dialog.querySelector("[role='listbox']");
  const choices = stockade.choices(input, list);
  const found = dialog.querySelector("[data-palette-found]");
  const recent = dialog.querySelector("[data-palette-recent]");
  const none = dialog.querySelector("[data-palette-none]");
  const told = dialog.querySelector("[data-palette-told]");
  let asked = 0;
  let timer = 0;

  function option(item) {
    const template = dialog.querySelector(`[data-palette-template="${item.kind}"]`);
    // Attack: an address that is none of ours, from a storage that others may have written to.
    if (!template || !/^\/(?!\/)/.test(item.href)) return null;
    const made = template.content.firstElementChild.cloneNode(true);
    made.href = item.href;
    made.querySelector("[data-label] bdi").textContent = item.label;
    made.querySelector("[data-detail] bdi").textContent = item.detail;
    made.dataset.item = JSON.stringify({ kind: item.kind, label: item.label, detail: item.detail, href: item.href });
    return made;
  }

  function fill(group, items) {
    for (const old of group.querySelectorAll("[role='option']")) old.remove();
    group.append(...items.map(option).filter(Boolean));
    group.hidden = !group.querySelector("[role='option']");
  }

  function filterFixed(words) {
    for (const group of dialog.querySelectorAll("[data-palette-fixed]")) {
      let any = false;
      for (const entry of group.querySelectorAll("[role='option']")) {
        const text = entry.textContent.toLowerCase();
        entry.hidden = !words.every((word) => text.includes(word));
        any ||= !entry.hidden;
      }
      group.hidden = !any;
    }
  }

  /* Keep the mark where it is if it is still there; else on the first. */
  function settle(waiting) {
    const options = choices.all();
    const here = choices.current();
    if (!options.includes(here)) choices.mark(options[0] ?? null);
    none.hidden = options.length > 0 || waiting;
    list.toggleAttribute("data-waiting", waiting);
    if (!waiting) told.textContent = options.length === 1 ? told.dataset.one : told.dataset.many.replace("{n}", options.length);
  }

  function typed() {
    const text = input.value.trim();
    const number = (asked += 1);
    clearTimeout(timer);
    filterFixed(text.toLowerCase().split(/\s+/).filter(Boolean));
    fill(recent, text ? [] : (stockade.kept.get("recent") ?? []));
    choices.mark(null);
    if (!text) {
      fill(found, []);
      return settle(false);
    }
    settle(true);
    timer = setTimeout(async () => {
      const answer = await stockade.fetchJson(`${dialog.dataset.palette}?q=${encodeURIComponent(text)}`);
      if (number !== asked) return; // Something newer was typed.
      fill(found, answer?.items ?? []);
      settle(false);
    }, WAIT_MS);
    return undefined;
  }

  function remember(chosen) {
    if (!chosen.dataset.item) return;
    const item = JSON.parse(chosen.dataset.item);
    const others = (stockade.kept.get("recent") ?? []).filter((other) => other.href !== item.href);
    stockade.kept.set("recent", [item, ...others].slice(0, MOST_RECENT));
  }

  function open() {
    if (!dialog.open) dialog.showModal();
  }

  dialog.addEventListener("toggle", () => {
    if (!dialog.open) return;
    input.value = "";
    typed();
    input.focus();
  });
  input.addEventListener("input", typed);
  dialog.addEventListener("keydown", (event) => {
    if (choices.key(event)) return;
    const chosen = choices.current();
    if (event.key !== "Enter" || !chosen) return;
    event.preventDefault();
    remember(chosen);
    if (event.ctrlKey || event.metaKey) window.open(chosen.href, "_blank", "noopener");
    else chosen.click();
  });
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role='option']");
    if (!chosen) return;
    remember(chosen);
    if (!event.ctrlKey && !event.metaKey) dialog.close();
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role='option']");
    if (option && (event.movementX || event.movementY)) choices.mark(option);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else if (!stockade.covered()) open();
  });
})();
