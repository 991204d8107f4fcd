/*
 * Overlays: dialogs and drawers that open themselves, tabs, and toasts. Buttons open dialogs by commandfor and command, which
 * browsers do by themselves; those that do not yet are helped.
 *
 * stockade.toast(tone, text, action) says something in passing; action is {label, run}. Tone: good, bad or info.
 */
(() => {
  "use strict";

  const SECONDS = 6;
  const room = document.getElementById("toasts");

  /* Toasts. */
  function place(toast) {
    const close = document.querySelector("[data-toast-close]").content.firstElementChild.cloneNode(true);
    toast.append(close);
    toast.removeAttribute("role"); // The room is live already: it would be said twice.
    room.append(toast);
    let timer = 0;
    const go = () => (timer = setTimeout(() => toast.remove(), SECONDS * 1000));
    const stay = () => clearTimeout(timer);
    // Whoever is reading or about to press something is not hurried (WCAG 2.2.1).
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stay);
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, go);
    go();
  }

  stockade.toast = (tone, text, action = null) => {
    const template = document.querySelector(`[data-toast-template="${tone}"]`);
    if (!template) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.querySelector("span").textContent = text;
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button-small";
      button.textContent = action.label;
      button.addEventListener("click", () => {
        toast.remove();
        action.run();
      });
      toast.append(button);
    }
    place(toast);
  };

  /* What the page came with: it is said once, not again after a reload. */
  function placeAll() {
    const found = document.querySelectorAll("main [data-toast]");
    for (const toast of found) {
      toast.removeAttribute("data-toast");
      place(toast);
    }
    const address = new URL(location.href);
    if (found.length > 0 && address.searchParams.has("done")) {
      address.searchParams.delete("done");
      history.replaceState(history.state, "", address);
    }
  }

  /* Dialogs. */
  function openAll() {
    for (const dialog of document.querySelectorAll("dialog[data-open]")) {
      dialog.removeAttribute("data-open");
      if (!dialog.open) dialog.showModal();
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-dismiss]")) return event.target.closest(".toast").remove();
    // A click beside a dialog closes it; one that began inside (selecting text) does not, nor where something was typed.
    if (event.target.matches("dialog[open]") && pressed === event.target && !event.target.querySelector("form[data-dirty]")) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside && event.target.getAttribute("role") !== "alertdialog") event.target.close();
    }
    const button = event.target.closest("button[commandfor]");
    if (button && !("commandForElement" in HTMLButtonElement.prototype)) {
      const dialog = document.getElementById(button.getAttribute("commandfor"));
      if (button.getAttribute("command") === "show-modal" && !dialog.open) dialog.showModal();
      if (button.getAttribute("command") === "close") dialog.close();
    }
    return undefined;
  });

  let pressed = null;
  document.addEventListener("pointerdown", (event) => (pressed = event.target));

  /* What a menu opened stands over the menu, which goes. */
  document.addEventListener("click", (event) => {
    const item = event.target.closest(".menu [commandfor]");
    if (item) item.closest("[popover]").hidePopover();
  });

  /* Tabs (WAI-ARIA): arrows move, the tab that has the focus is shown. */
  function choose(tab) {
    for (const other of tab.parentElement.children) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
  }

  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tabs] [role='tab']");
    if (tab) choose(tab);
  });

  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-tabs] [role='tab']");
    if (!tab) return;
    const tabs = [...tab.parentElement.children];
    const here = tabs.indexOf(tab);
    const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const chosen = tabs.at(next % tabs.length);
    choose(chosen);
    chosen.focus();
  });

  function start() {
    for (const list of document.querySelectorAll("[data-tabs]:not([data-started])")) {
      list.dataset.started = "";
      choose(list.querySelector("[aria-selected='true']"));
    }
    // A form that leads back here says where here is.
    for (const field of document.querySelectorAll("form[data-here] [name='next']")) field.value = location.pathname + location.search;
    placeAll();
    openAll();
  }

  document.addEventListener("htmx:after:swap", start);
  start();
})();
