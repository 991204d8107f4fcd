/*
 * The picker of a record: a few letters, a list of what they find, and the id of what was chosen in a hidden field.
 *
 *   <div class="picker" data-picker="/look-up/customers"><input data-picker-text><input type="hidden" data-picker-value></div>
 *
 * A choice is a "picker:chosen" event of the picker with the item (id, label, detail, href) as its detail; null when it was
 * cleared. Text without a choice is no record: it is marked, and a form with it is not sent (js/forms.js asks).
 */
(() => {
  "use strict";

  const WAIT_MS = 120;
  const open = new WeakMap();

  class Picker {
    constructor(host) {
      this.host = host;
      this.text = host.querySelector("[data-picker-text]");
      this.value = host.querySelector("[data-picker-value]");
      this.list = document.createElement("div");
      this.list.className = "picker-list";
      this.list.id = `${this.text.id || "picker"}-list`;
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", this.text.labels?.[0]?.textContent.trim() ?? this.text.getAttribute("aria-label") ?? "");
      this.list.hidden = true;
      host.append(this.list);
      this.text.setAttribute("role", "combobox");
      this.text.setAttribute("aria-autocomplete", "list");
      this.text.setAttribute("aria-controls", this.list.id);
      this.choices = stockade.choices(this.text, this.list);
      this.items = new WeakMap();
      this.asked = 0;
      this.show(false);
      this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // The focus stays in the field.
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role='option']");
        if (option) this.choose(this.items.get(option));
      });
    }

    show(shown) {
      this.list.hidden = !shown;
      this.text.setAttribute("aria-expanded", String(shown));
      if (!shown) this.choices.mark(null);
    }

    ask(now = false) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.fetch(), now ? 0 : WAIT_MS);
    }

    async fetch() {
      const number = (this.asked += 1);
      const address = new URL(this.host.dataset.picker, location.origin);
      address.searchParams.set("q", this.text.value.trim());
      const found = await stockade.fetchJson(address);
      // An answer that a later question has overtaken is dropped.
      if (number !== this.asked || found === null || document.activeElement !== this.text) return;
      this.fill(found.items);
    }

    fill(items) {
      this.list.replaceChildren(...items.map((item) => this.option(item)));
      if (items.length === 0) {
        const note = document.createElement("p");
        note.className = "picker-note";
        note.textContent = this.host.dataset.none ?? "–";
        this.list.append(note);
      }
      this.show(true);
      this.choices.mark(this.text.value.trim() ? (this.choices.all()[0] ?? null) : null);
    }

    option(item) {
      const option = document.createElement("div");
      option.className = "picker-option";
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      for (const part of [item.label, item.detail]) {
        const shown = document.createElement("bdi");
        shown.textContent = part;
        option.append(shown);
      }
      this.items.set(option, item);
      return option;
    }

    choose(item) {
      clearTimeout(this.timer);
      this.asked += 1;
      this.text.value = item.label;
      this.text.removeAttribute("aria-invalid");
      this.value.value = item.id;
      this.show(false);
      this.tell(item);
    }

    clear() {
      if (!this.value.value) return;
      this.value.value = "";
      this.tell(null);
    }

    tell(item) {
      this.value.dispatchEvent(new Event("change", { bubbles: true }));
      this.host.dispatchEvent(new CustomEvent("picker:chosen", { bubbles: true, detail: item }));
    }

    key(event) {
      if (this.list.hidden) {
        if (event.key === "ArrowDown") {
          event.preventDefault();
          this.ask(true);
        }
        return;
      }
      if (this.choices.key(event)) return;
      const option = this.choices.current();
      if (event.key === "Escape") {
        event.preventDefault(); // The list closes, not the dialog around it.
        this.show(false);
      } else if (option && (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey))) {
        if (event.key === "Enter") event.preventDefault();
        this.choose(this.items.get(option));
      }
    }

    leave() {
      clearTimeout(this.timer);
      this.asked += 1;
      this.show(false);
      if (this.text.value.trim() && !this.value.value) this.text.setAttribute("aria-invalid", "true");
    }
  }

  function pickerOf(element) {
    if (!element?.matches?.("[data-picker-text]")) return null;
    const host = element.closest("[data-picker]");
    if (!open.has(host)) open.set(host, new Picker(host));
    return open.get(host);
  }

  document.addEventListener("focusin", (event) => pickerOf(event.target));
  document.addEventListener("focusout", (event) => pickerOf(event.target)?.leave());
  document.addEventListener("keydown", (event) => pickerOf(event.target)?.key(event));
  document.addEventListener("click", (event) => {
    const picker = pickerOf(event.target);
    if (picker?.list.hidden && !picker.value.value) picker.ask(true);
  });
  document.addEventListener("input", (event) => {
    const picker = pickerOf(event.target);
    if (!picker) return;
    picker.text.removeAttribute("aria-invalid");
    picker.clear();
    picker.ask();
  });
})();
